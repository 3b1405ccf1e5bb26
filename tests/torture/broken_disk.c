/* SPDX-License-Identifier: ISC */
/*
 * A disk that fails and a process that dies of it; and one that is full.  The
 * Nth read, write, sync, truncation or open fails, once or from then on; what
 * people are told then holds in the process that goes on, and in the next one,
 * which finds the files as they were at that moment, or as they are later.
 * Many at once meet the like by chance.
 */
#include <sys/mount.h>
#include <sys/stat.h>

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../unit/faces.h"
#include "../unit/sealed.h"
#include "../unit/secrets.h"
#include "attack.h"
#include "base/arena.h"
#include "base/complaint.h"
#include "core/sweep.h"
#include "faults.h"
#include "history_judge.h"
#include "recorder.h"
#include "traffic.h"

#define SECRETS	8
#define CROWD	8	/* threads */
#define CROWD_SECRETS	80
#define DAY	86400000

static struct attack_row once = {
	"1", "errors of the disk: the process goes on, or dies and another"
	    " begins", 0, 0
};
static struct attack_row tries = {
	"2", "errors of the disk: wrong PINs stay counted", 0, 0
};
static struct attack_row late = {
	"3", "errors of the disk: secrets that are asked for after their time",
	0, 0
};
static struct attack_row again = {
	"8", "errors of the disk: readers that ask again with their claims",
	0, 0
};
static struct attack_row lost = {
	"8", "views that were taken as the disk failed and a crash took the"
	    " answer (their claims open again)", 0, 0
};
static struct attack_row crowd = {
	"1, 2, 8", "rounds in which many threads and the eraser meet errors of"
	    " the disk by chance", 0, 0
};
static struct attack_row whole = {
	"-", "errors of the disk: databases looked through for damage", 0, 0
};
static struct attack_row full = {
	"1, 8", "calls on a full disk: reading, burning, sweeping work, making"
	    " is 507", 0, 0
};

static size_t	 places;

/* There is one between any two. */
static size_t
next_place(void)
{
	return places += 2;
}

struct people {
	struct history	 history;
	struct site	*site;
	struct arena	*arena;
};

static void
make(struct people *people, size_t size, bool gated, unsigned int views,
    int64_t lifetime)
{
	struct history_secret *secret = history_draw(&people->history, size);

	assert_non_null(secret);
	if (gated)
		sites_gate(&secret->secret);
	secret->secret.creation.views = views;
	secret->secret.creation.lifetime = lifetime;
	(void)history_create(&people->history, people->site, people->arena,
	    secret);
}

/* If there is such a secret, as far as its maker knows. */
static struct history_secret *
made(struct people *people, size_t number)
{
	struct history_secret *secret = &people->history.secrets[number];

	return secret->count > 0 && secret->events[0].result == 0 ? secret :
	    NULL;
}

static void
ask(struct people *people, size_t number, enum history_call call,
    unsigned int claim)
{
	struct history_secret *secret = made(people, number);
	enum secret_outcome outcome;

	if (secret != NULL)
		(void)history_ask(&people->history, people->site,
		    people->arena, secret, call, call == HISTORY_GUESS ? NULL :
		    secret->secret.claims[claim], &outcome);
}

/* All that can happen to secrets, one after the other. */
static void
live(struct people *people)
{
	struct history_secret *secret;
	struct sweep_result result;

	make(people, 300, false, 1, DAY);
	make(people, 500, true, 1, DAY);
	make(people, 30000, false, 2, DAY);
	ask(people, 0, HISTORY_OPEN, 0);
	ask(people, 1, HISTORY_GUESS, 0);
	ask(people, 1, HISTORY_OPEN, 0);
	ask(people, 2, HISTORY_OPEN, 0);
	make(people, 100000, true, 1, DAY);
	if ((secret = made(people, 0)) != NULL)
		(void)history_ack(&people->history, people->site, secret,
		    secret->secret.claims[0]);
	ask(people, 3, HISTORY_GUESS, 0);
	ask(people, 3, HISTORY_OPEN, 1);
	make(people, 200, false, 1, DAY);
	if ((secret = made(people, 4)) != NULL)
		(void)history_burn(&people->history, people->site, secret);
	ask(people, 2, HISTORY_OPEN, 1);
	(void)sweep_run(people->site, &result);
	make(people, 400, true, 3, DAY);
	ask(people, 5, HISTORY_OPEN, 0);
	(void)store_checkpoint(people->site->store);
	ask(people, 5, HISTORY_GUESS, 0);
	make(people, 50, false, 1, DAY);
	make(people, 70, false, 1, 1);
}

struct stage {
	struct sites	*sites;
	struct arena	*arena;
	struct recorder_bytes before[RECORDER_FILE__MAX];
	struct recorder_bytes moment[RECORDER_FILE__MAX];
	struct recorder_bytes after[RECORDER_FILE__MAX];
	size_t		 moment_place;
	uint64_t	 random;
};

static void
judge(struct stage *stage, struct people *people, size_t place, bool failed,
    const char *what, const char *how)
{
	char	 whole_text[128];
	struct history_judge judging = {
		.history = &people->history, .place = place,
		.failed = failed, .opened = SECRETS,
		.random = &stage->random, .what = whole_text,
		.rows = { &once, &tries, &late, &again, &whole, &lost,
		    &lost },
	};

	(void)snprintf(whole_text, sizeof(whole_text), "%s, %s", what, how);
	history_judge(&judging, people->site, people->arena);
}

/* A process that finds these files. */
static void
judge_next(struct stage *stage, struct people *people,
    const struct recorder_bytes files[RECORDER_FILE__MAX], size_t place,
    bool failed, const char *what, const char *how)
{
	struct complaint error;

	recorder_store(stage->sites->conf.state_dir, files);
	if (site_open(people->site, &stage->sites->conf, SITE_SINGLE, &error)
	    == -1) {
		attack_broke(&once, "%s, %s: %s", what, how, error.text);
		return;
	}
	judge(stage, people, place, failed, what, how);
	site_close(people->site);
}

static void
take_moment(void *argument)
{
	struct stage	*stage = argument;

	recorder_load(stage->sites->conf.state_dir, stage->moment);
	stage->moment_place = places + 1;
}

static void
open_site(struct sites *sites)
{
	struct complaint error;

	if (site_open(&sites->site, &sites->conf, SITE_SINGLE, &error) == -1)
		fail_msg("%s", error.text);
}

/* Returns whether anything failed. */
static bool
fail_once(struct stage *stage, enum faults_kind kind, unsigned long number,
    bool for_good)
{
	struct people	 people = {
		.site = &stage->sites->site, .arena = stage->arena,
	};
	char		 what[64];
	bool		 hit;

	recorder_store(stage->sites->conf.state_dir, stage->before);
	open_site(stage->sites);
	history_begin(&people.history, SECRETS, next_place);
	faults_watch(take_moment, stage);
	faults_arm(kind, number, for_good);
	live(&people);
	hit = faults_disarm();
	history_settle(&people.history);
	recorder_load(stage->sites->conf.state_dir, stage->after);
	(void)snprintf(what, sizeof(what), "%s %lu%s", faults_names[kind],
	    number, for_good ? " and on" : "");
	judge(stage, &people, places + 1, false, what, "goes on");
	site_close(people.site);

	/* Nobody was told yet what became of the call. */
	if (hit)
		judge_next(stage, &people, stage->moment, stage->moment_place,
		    true, what, "dies at once");
	/* Only a sync leaves in doubt what it failed for. */
	judge_next(stage, &people, stage->after, places + 1,
	    kind == FAULTS_SYNC, what, "dies later");
	history_end(&people.history);
	return hit;
}

static void
fail_everywhere(uint64_t random)
{
	struct stage	 stage = { .random = random };

	stage.sites = sites_open("claim_seconds = 3600s\n", SITE_SINGLE);
	stage.arena = arena_create();
	site_close(&stage.sites->site);
	recorder_load(stage.sites->conf.state_dir, stage.before);
	for (int i = 0; i < 2 * FAULTS_MEMORY; i++) {
		unsigned long	 number, step;

		/* What a sync fails for may happen all the same. */
		step = i / 2 == FAULTS_SYNC ? 1 : attack_step(14, 1, 1);
		number = 1 + recorder_random(&stage.random) % step;
		while (fail_once(&stage, (enum faults_kind)(i / 2), number,
		    i % 2 == 1))
			number += step;
	}
	recorder_bytes_free(stage.before);
	recorder_bytes_free(stage.moment);
	recorder_bytes_free(stage.after);
	arena_destroy(stage.arena);
	open_site(stage.sites);
	sites_close(stage.sites);
}

/* The same by chance, while many are there and logs are erased beside them:
 * what one of a group meets is everybody's. */
static void
fail_crowd(enum faults_kind kind, uint64_t *random)
{
	struct sites	*sites = sites_open("claim_seconds = 3600s\n"
			    "erase_delay = 5ms\n", SITE_THREADS);
	struct stage	 stage = {
		.sites = sites, .arena = arena_create(),
		.random = recorder_random(random),
	};
	struct people	 people = {
		.site = &sites->site, .arena = stage.arena,
	};
	struct traffic	 traffic = {
		.history = &people.history, .site = people.site,
		.threads = CROWD, .calls = 30, .large = 1, .seed =
		recorder_random(random),
	};
	unsigned int	 one_in;
	char		 what[64];

	one_in = 2 + (unsigned int)(recorder_random(random) % 40);
	history_begin(&people.history, CROWD_SECRETS, next_place);
	faults_arm_all(kind, one_in, recorder_random(random) % 1000000);
	traffic_run(&traffic);
	if (faults_disarm_all() > 0)
		attack_tried(&crowd);
	history_settle(&people.history);
	(void)snprintf(what, sizeof(what), "a crowd, 1 in %u %s", one_in,
	    faults_names[kind]);
	if (recorder_random(random) % 2 == 0)
		judge(&stage, &people, places + 1, false, what, "goes on");
	else {
		site_close(people.site);
		open_site(sites);
		judge(&stage, &people, places + 1, kind == FAULTS_SYNC, what,
		    "ends");
	}
	site_close(people.site);
	history_end(&people.history);
	arena_destroy(stage.arena);
	open_site(sites);
	sites_close(sites);
}

static void
fail_crowds(uint64_t random)
{
	unsigned long	 rounds = attack_size(2, 20, 300);

	for (unsigned long i = 0; i < rounds; i++)
		for (int kind = 0; kind < FAULTS_MEMORY; kind++)
			fail_crowd((enum faults_kind)kind, &random);
}

/* A full disk */

#define MANY	60

static void
expect(int status, int wanted, const char *what)
{
	attack_tried(&full);
	if (status != wanted)
		attack_broke(&full, "%s: %d", what, status);
}

static void
fill(const char *path)
{
	static const char	 zeros[65536];
	size_t	 size = sizeof(zeros);
	int	 fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);

	assert_true(fd != -1);
	/* To the last byte. */
	while (size > 0)
		if (write(fd, zeros, size) <= 0)
			size /= 2;
	close(fd);
}

static bool
is_there(const struct faces *faces, const char *name)
{
	char		 path[320];
	struct stat	 status;

	(void)snprintf(path, sizeof(path), "%s/%s", faces->conf.state_dir,
	    name);
	return stat(path, &status) == 0;
}

static int
burn(struct faces *faces, const struct secrets_one *secret)
{
	return faces_post(faces, SECRETS_RECEIPT_BURN,
	    "{\"receipt\":\"%s\"}", secret->receipt);
}

/* By whichever interface. */
static void
make_each(struct faces *faces, const char *key, bool room, const char *what)
{
	static const char	 sealed[] = "{" SEALED_BOTH "}";

	expect(faces_post(faces, "/api/v1/message", "{\"message\":\"%s\","
	    "\"exp\":3600,\"pin\":\"12345\"}", "m"), room ? 201 : 507, what);
	expect(faces_post(faces, "/secrets", "{\"message\":\"%s\","
	    "\"passphrase\":\"word\"}", "m"), room ? 200 : 507, what);
	expect(faces_ask(faces, .method = HTTP_POST, .uri = "/api/secrets",
	    .authorization = key, .body = sealed, .size = sizeof(sealed) - 1),
	    room ? 201 : 507, what);
	expect(faces_ask(faces, .method = HTTP_POST, .uri =
	    "/api/secret_requests", .authorization = key, .body = "{}",
	    .size = 2, .type = FACES_JSON), room ? 201 : 507, what);
}

static void
fill_up(const char *directory)
{
	static struct secrets_one some[MANY];
	struct secrets_one more;
	struct sweep_result result;
	struct faces	*faces;
	char		 other[320], key[FACES_KEY_SIZE], fresh[FACES_KEY_SIZE];
	int		 status = 201;

	faces = faces_open("max_envelope = 64K\nmax_ciphertext = 64K\n"
	    "max_attachment = 64K\n");
	expect(sweep_run(&faces->site, &result), 0, "the first sweep");
	assert_true(is_there(faces, "ballast"));
	faces_key(faces, "somebody", true, key);
	faces_key(faces, "somebody", true, fresh);
	/* With the keys of their days. */
	make_each(faces, key, true, "making, with room");
	for (int i = 0; i < MANY; i++) {
		secrets_draw(&some[i]);
		assert_int_equal(secrets_create(faces, &some[i], ""), 201);
	}
	(void)snprintf(other, sizeof(other), "%s/other", directory);
	fill(other);
	for (int i = 0; i < 1000 && status == 201; i++) {
		secrets_draw(&more);
		status = secrets_create(faces, &more, "");
	}
	make_each(faces, key, false, "making by older interfaces");
	/* That a key is used today for the first time is noted, where there
	 * is room. */
	make_each(faces, fresh, false, "making with a key not used yet");
	expect(is_there(faces, "ballast"), 1, "the ballast before a delete");
	for (int i = 0; i < MANY; i++) {
		if (i % 4 == 0)
			expect(burn(faces, &some[i]), 200, "burning");
		else
			expect(secrets_open(faces, &some[i], some[i].claim,
			    NULL), 200, "reading");
		if (i == 0)
			expect(status, 507, "making");
		if (i % 4 == 1)
			expect(secrets_ack(faces, &some[i], some[i].claim),
			    204, "an ack");
		if (i % 10 == 9) {
			status = secrets_create(faces, &more, "");
			expect(status == 201 ? 507 : status, 507, "making");
			secrets_draw(&more);
		}
		if (i % 16 == 15)
			expect(sweep_run(&faces->site, &result), 0,
			    "sweeping");
	}
	for (int i = 0; i < MANY; i++)
		expect(secrets_open(faces, &some[i], some[i].other, NULL), 410,
		    "reading again");
	/* Somebody tidies up. */
	assert_int_equal(unlink(other), 0);
	secrets_draw(&more);
	expect(secrets_create(faces, &more, ""), 201, "making, with room");
	expect(sweep_run(&faces->site, &result), 0, "sweeping, with room");
	expect(is_there(faces, "ballast"), 1, "the ballast");
	faces_close(faces);
}

static void
fill_disks(void)
{
	unsigned long	 rounds = attack_size(1, 10, 200);
	char		 directory[] = "/tmp/oncelink-full.XXXXXX";

	if ((unshare(CLONE_NEWNS) == -1 &&
	    unshare(CLONE_NEWUSER | CLONE_NEWNS) == -1) ||
	    mount("none", "/", "none", MS_REC | MS_PRIVATE, NULL) == -1) {
		attack_note("no disk of our own: %s", strerror(errno));
		attack_check(false, "a small disk of our own");
		return;
	}
	assert_non_null(mkdtemp(directory));
	while (rounds-- > 0) {
		assert_int_equal(mount("tmpfs", directory, "tmpfs", MS_NOSUID |
		    MS_NODEV | MS_NOEXEC, "size=16m,mode=0700"), 0);
		assert_int_equal(setenv("TMPDIR", directory, 1), 0);
		fill_up(directory);
		assert_int_equal(umount(directory), 0);
	}
	assert_int_equal(rmdir(directory), 0);
	attack_row(&full);
}

int
main(void)
{
	uint64_t	 seed;

	attack_begin("broken disk");
	if (getenv("TMPDIR") == NULL && access("/dev/shm", W_OK) == 0)
		(void)setenv("TMPDIR", "/dev/shm", 1);
	seed = attack_seed();
	fail_everywhere(seed);
	fail_crowds(seed);
	attack_row(&once);
	attack_row(&tries);
	attack_row(&late);
	attack_row(&again);
	attack_row(&lost);
	attack_row(&crowd);
	attack_row(&whole);
	fill_disks();
	return attack_end();
}

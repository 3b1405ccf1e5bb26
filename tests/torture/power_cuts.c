/* SPDX-License-Identifier: ISC */
/*
 * Power cuts: while people use a site everything is written down that is done
 * to its files.  Then the disk is made as a cut at any place may have left it,
 * the store is opened by the program's own code, and what people were told
 * until then must still be so.
 */
#include <sys/stat.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "attack.h"
#include "base/arena.h"
#include "base/complaint.h"
#include "core/sweep.h"
#include "history_judge.h"
#include "recorder.h"
#include "traffic.h"

/* Of each hundred disks: in so many the recovery is cut off as well, and in
 * so many it is looked for what is left of secrets that are over. */
#define AGAIN_PERCENT	10
#define ERASE_PERCENT	12

/* Secrets of one round, and how many of them are opened on each disk. */
#define SECRETS		160
#define OPENED		6

enum {
	ONCE, TRIES, TIME, GONE, CUT_OFF, AGAIN, UNANSWERED, LOST, WHOLE,
	PLACES, ROWS,
	SKIPPED = ROWS,		/* places; a number, and no row of the table */
	COUNTS
};

static const struct attack_row what_is_tried[COUNTS] = {
	[ONCE] = { "1", "what was read, burned or locked stays so, all else is"
	    " whole", 0, 0 },
	[TRIES] = { "2", "wrong PINs stay counted", 0, 0 },
	[TIME] = { "3", "secrets that are asked for after their time, with"
	    " claims and without", 0, 0 },
	[GONE] = { "4", "after the next sweep nothing of what is over is left",
	    0, 0 },
	[CUT_OFF] = { "4", "logs are zeros on the disk before they are cut off",
	    0, 0 },
	[AGAIN] = { "8", "readers that ask again with their claims", 0, 0 },
	[UNANSWERED] = { "8", "views that were taken when the cut took the"
	    " answer (their claims open again)", 0, 0 },
	[LOST] = { "8", "views that a failed sync and the cut took without an"
	    " answer (their claims open again)", 0, 0 },
	[WHOLE] = { "-", "databases looked through for damage", 0, 0 },
	[PLACES] = { "1, 2, 3, 8", "places between writes and syncs at which"
	    " the power was cut", 0, 0 },
};

/* Of all processes. */
static struct attack_row *rows;

/* What a round is like. */
static const struct kind {
	const char	*settings;
	unsigned int	 threads, calls;
	size_t		 large;
	unsigned int	 large_percent;
	unsigned int	 sync_time;	/* microseconds */
	unsigned int	 sync_fails;	/* percent of them */
	unsigned long	 disks;		/* of a round, or one of each place
					   if there are more */
} kinds[] = {
	/* A small quota has the log written over often (RESTART). */
	{ "max_store = 2M\nmax_envelope = 1M\nerase_delay = 30ms\n", 6, 30,
	    1, 0, 300, 0, 2000 },
	/* The log is cut off all the time (TRUNCATE). */
	{ "erase_delay = 1ms\n", 6, 30, 1, 0, 300, 0, 2000 },
	/* Hardly ever anything but commits, in large groups. */
	{ "erase_delay = 60s\n", 12, 15, 1, 0, 1000, 0, 2000 },
	/* Records larger than the cache, which is written out early. */
	{ "max_envelope = 8M\nerase_delay = 20ms\n", 4, 16, 3000000, 12, 300,
	    0, 400 },
	/* Syncs that fail, and leave what they were to sync in doubt. */
	{ "erase_delay = 50ms\n", 6, 30, 1, 0, 300, 10, 2000 },
};

struct round {
	const struct kind *kind;
	struct sites	*sites;
	struct history	 history;
	struct recorder	 recorder;
	struct conf	 conf;		/* of the site after the cut */
	char		 replay[300];
	struct arena	*arena;
	uint64_t	 random;
};

static void
open_site(struct site *site, const struct conf *conf, enum site_use use)
{
	struct complaint error;

	if (site_open(site, conf, use, &error) == -1)
		fail_msg("%s", error.text);
}

static void
use_site(struct round *round)
{
	struct traffic	 traffic = {
		.history = &round->history, .site = &round->sites->site,
		.threads = round->kind->threads, .calls = round->kind->calls,
		.large = round->kind->large,
		.large_percent = round->kind->large_percent,
		.seed = recorder_random(&round->random),
	};

	history_begin(&round->history, SECRETS, recorder_place);
	site_close(&round->sites->site);
	recorder_start(&round->recorder, round->sites->conf.state_dir,
	    round->kind->sync_time);
	open_site(&round->sites->site, &round->sites->conf, SITE_THREADS);
	round->recorder.sync_fails = round->kind->sync_fails;
	round->recorder.sync_drops = recorder_random(&round->random) % 2 == 0;
	traffic_run(&traffic);
	site_close(&round->sites->site);
	recorder_stop();
	history_settle(&round->history);
}

/* The program finds what the cut left, and the power goes once more. */
static void
cut_again(struct round *round, struct recorder_bytes images[])
{
	struct recorder	 recorder;
	struct recorder_disk disk;
	struct sweep_result result;
	struct site	 site;
	size_t		 cut;

	recorder_start(&recorder, round->replay, 0);
	open_site(&site, &round->conf, SITE_THREADS);
	if (recorder_random(&round->random) % 2 == 0)
		(void)sweep_run(&site, &result);
	else
		(void)store_checkpoint(site.store);
	site_close(&site);
	recorder_stop();
	recorder_disk(&disk, &recorder, recorder_random(&round->random));
	cut = recorder_random(&round->random) % (recorder.count + 1);
	while (disk.cut < cut)
		recorder_advance(&disk);
	recorder_image(&disk, (enum recorder_fate)(recorder_random(
	    &round->random) % RECORDER_FATE__MAX), &round->random, images);
	recorder_store(round->replay, images);
	recorder_disk_free(&disk);
	recorder_free(&recorder);
}

static void
look_for_remains(struct round *round, struct site *site, const char *what)
{
	struct recorder_bytes files[RECORDER_FILE__MAX] = { 0 };
	struct sweep_result result;
	bool	 over[SECRETS];
	size_t	 offset = 0;
	long	 owner;

	attack_tried(&rows[GONE]);
	if (sweep_run(site, &result) != 0)
		attack_broke(&rows[GONE], "%s: the sweep fails", what);
	history_over(&round->history, site, over);
	site_close(site);
	recorder_load(round->replay, files);
	for (int i = 0; i < RECORDER_FILE__MAX; i++) {
		owner = history_left(&round->history, over, files[i].bytes,
		    files[i].size, &offset);
		if (owner != -1)
			attack_broke(&rows[GONE], "%s: a piece of secret %ld "
			    "is in %s at %zu", what, owner, recorder_names[i],
			    offset);
	}
	recorder_bytes_free(files);
}

/* Open what is there as it is after this cut. */
static void
judge(struct round *round, size_t cut, enum recorder_fate fate,
    struct recorder_bytes images[])
{
	char		 what[64];
	struct site	 site;
	struct complaint error;
	uint64_t	 chance = recorder_random(&round->random);
	bool		 twice = chance % 100 < AGAIN_PERCENT;
	struct history_judge judging = {
		.history = &round->history, .place = cut, .opened = OPENED,
		.random = &round->random, .what = what,
		.failed = round->kind->sync_fails > 0,
		.rows = { &rows[ONCE], &rows[TRIES], &rows[TIME],
		    &rows[AGAIN], &rows[WHOLE], &rows[UNANSWERED],
		    &rows[LOST] },
	};

	(void)snprintf(what, sizeof(what), "cut %zu of %zu, fate %d%s", cut,
	    round->recorder.count, (int)fate, twice ? ", twice" : "");
	recorder_store(round->replay, images);
	if (twice)
		cut_again(round, images);
	chance /= 100;
	if (site_open(&site, &round->conf, chance % 3 == 0 ? SITE_THREADS :
	    SITE_SWEEPER, &error) == -1) {
		attack_tried(&rows[ONCE]);
		attack_broke(&rows[ONCE], "%s: %s", what, error.text);
		return;
	}
	history_judge(&judging, &site, round->arena);
	chance /= 3;
	if (chance % 100 < ERASE_PERCENT)
		look_for_remains(round, &site, what);
	else
		site_close(&site);
}

/* A log whose blocks are given back may not tell who gets them anything. */
static void
judge_cutting(struct round *round, const struct recorder_disk *disk)
{
	const struct recorder_step *step =
	    &round->recorder.steps[disk->cut];
	const struct recorder_bytes *log = &disk->synced[RECORDER_LOG];
	size_t		 left = 0, waiting = 0;

	if (step->file != RECORDER_LOG || step->kind != RECORDER_TRUNCATE)
		return;
	for (size_t i = 0; i < log->size; i++)
		left += log->bytes[i] != 0;
	/* Another cutting may wait: there was nothing behind it. */
	for (size_t i = 0; i < disk->waiting[RECORDER_LOG]; i++)
		waiting += round->recorder.steps[disk->pending[RECORDER_LOG]
		    [i]].kind == RECORDER_WRITE;
	if (log->size > 0)
		attack_tried(&rows[CUT_OFF]);
	if (left > 0 || waiting > 0)
		attack_broke(&rows[CUT_OFF], "cut %zu of %zu: %zu bytes, %zu "
		    "writes not synced", disk->cut, round->recorder.count,
		    left, waiting);
}

/* So many disks of one place, or of what is one like the other there. */
static unsigned long
cut_here(struct round *round, const struct recorder_disk *disk,
    struct recorder_bytes images[], unsigned long most)
{
	bool	 pending = disk->waiting[RECORDER_DATABASE] > 0 ||
		    disk->waiting[RECORDER_LOG] > 0;
	unsigned long	 done = 0;

	while (done < most && (pending || done == 0)) {
		enum recorder_fate fate = !pending ? RECORDER_NOTHING :
		    (enum recorder_fate)(recorder_random(&round->random) %
		    RECORDER_FATE__MAX);

		recorder_image(disk, fate, &round->random, images);
		judge(round, disk->cut, fate, images);
		done++;
	}
	return done;
}

/* Where a commit may be, or not, that nobody was told of. */
static bool
is_in_doubt(const struct recorder *recorder, size_t place)
{
	return place > 0 &&
	    recorder->steps[place - 1].kind == RECORDER_FAILED &&
	    recorder->steps[place - 1].file == RECORDER_LOG;
}

/* May no place be left out?  Large records have thousands of places, and disks
 * that take ten times as long: the usual size leaves some of these out.  A
 * sample leaves out whatever it has no disk for. */
static bool
is_every_place_cut(const struct kind *kind)
{
	return attack_step(0, kind->large_percent == 0 ? 1 : 0, 1) == 1;
}

static void
count_place(const struct round *round, size_t place, bool is_cut)
{
	if (is_cut)
		attack_tried(&rows[PLACES]);
	else
		attack_tried(&rows[SKIPPED]);
	if (!is_cut && is_every_place_cut(round->kind))
		attack_broke(&rows[PLACES], "no cut at %zu of %zu", place,
		    round->recorder.count);
}

/* So many disks of this round, spread over all places, or as many as there are
 * places; a half of them over those that are in doubt. */
static unsigned long
cut_everywhere(struct round *round, unsigned long most)
{
	const struct recorder *recorder = &round->recorder;
	struct recorder_bytes images[RECORDER_FILE__MAX] = { 0 };
	struct recorder_disk disk;
	unsigned long	 done = 0, doubtful = 0, doubts = 0, seen = 0;
	unsigned long	 most_doubtful;
	size_t		 places = recorder->count + 1;

	for (size_t place = 0; place < places; place++)
		doubts += is_in_doubt(recorder, place);
	if (doubts > 0)
		most /= 2;
	most_doubtful = most;
	if (is_every_place_cut(round->kind) && most < places)
		most = places;
	recorder_disk(&disk, recorder, recorder_random(&round->random));
	for (size_t place = 0; place < places; place++) {
		unsigned long	 wanted = most * (place + 1) / places;

		count_place(round, place, wanted > done);
		if (wanted > done)
			done += cut_here(round, &disk, images, wanted - done);
		if (is_in_doubt(recorder, place)) {
			wanted = most_doubtful * ++seen / doubts;
			if (wanted > doubtful)
				doubtful += cut_here(round, &disk, images,
				    wanted - doubtful);
		}
		if (place + 1 < places) {
			judge_cutting(round, &disk);
			recorder_advance(&disk);
		}
	}
	recorder_disk_free(&disk);
	recorder_bytes_free(images);
	return done + doubtful;
}

static unsigned long
run_round(const struct kind *kind, uint64_t seed, unsigned long most)
{
	static const char	 settings[] = "claim_seconds = 3600s\n";
	char		 all[512], from[320], to[320];
	struct round	 round = { .kind = kind, .random = seed };
	unsigned long	 done;

	(void)snprintf(all, sizeof(all), "%s%s", settings, kind->settings);
	round.sites = sites_open(all, SITE_THREADS);
	round.arena = arena_create();
	(void)snprintf(round.replay, sizeof(round.replay), "%s/replay",
	    round.sites->directory);
	assert_int_equal(mkdir(round.replay, 0700), 0);
	use_site(&round);
	/* Keys of days are not what is cut off here. */
	(void)snprintf(from, sizeof(from), "%s/keys",
	    round.sites->conf.state_dir);
	(void)snprintf(to, sizeof(to), "%s/keys", round.replay);
	assert_true(rename(from, to) == 0 || errno == ENOENT);
	round.conf = round.sites->conf;
	round.conf.state_dir = round.replay;
	done = cut_everywhere(&round, most < kind->disks ? most : kind->disks);
	arena_destroy(round.arena);
	recorder_free(&round.recorder);
	history_end(&round.history);
	sites_close(round.sites);
	return done;
}

/* What one process does of it. */
struct share {
	unsigned long	 disks;
	uint64_t	 seed;
};

static void
do_share(unsigned int number, void *argument)
{
	const size_t	 count = sizeof(kinds) / sizeof(kinds[0]);
	const struct share *share = argument;
	unsigned long	 disks = share->disks, done = 0, most;
	uint64_t	 random = share->seed + number;

	recorder_register();
	/* A few disks are of each kind of round, too. */
	for (size_t i = 0; done < disks; i++) {
		most = i < count && disks / count < kinds[i % count].disks ?
		    disks / count : disks - done;
		done += run_round(&kinds[i % count], recorder_random(&random),
		    most == 0 ? 1 : most);
	}
}

int
main(void)
{
	unsigned int	 processes = (unsigned int)attack_size(1, 2, 4);
	struct share	 share;

	attack_begin("power cuts");
	/* What is cut off here is made by us: a disk would only be slow. */
	if (getenv("TMPDIR") == NULL && access("/dev/shm", W_OK) == 0)
		(void)setenv("TMPDIR", "/dev/shm", 1);
	share.seed = attack_seed();
	share.disks = attack_size(150, 5000, 100000) / processes;
	rows = attack_rows(what_is_tried, COUNTS);
	attack_share(processes, do_share, &share);
	attack_note("%lu of %lu places were cut", rows[PLACES].tried,
	    rows[PLACES].tried + rows[SKIPPED].tried);
	/* A sample may have none of some. */
	for (int i = 0; i < ROWS; i++)
		if ((i != LOST && i != UNANSWERED) || rows[i].tried > 0 ||
		    attack_step(0, 1, 1) > 0)
			attack_row(&rows[i]);
	return attack_end();
}

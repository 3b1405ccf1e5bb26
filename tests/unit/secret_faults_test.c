/* SPDX-License-Identifier: ISC */

/*
 * What people ask for while memory is lost, at every place: they are told so
 * or they get it, nothing that they were not given is used up, and the same
 * call is right as soon as nothing fails any more.  And while somebody else is
 * quicker.
 */

#include "sites.h"

#include <sys/syscall.h>

#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <sqlite3.h>

#include "../torture/faults.h"
#include "base/arena.h"
#include "core/account.h"
#include "core/listing.h"
#include "core/secret_request.h"
#include "stores.h"

#define HOUR		((int64_t)3600000)	/* ms */
#define SETTINGS	"site_url = https://secrets.example.org\n"
#define PAYLOAD		"sealed by a client"
#define COLD_STEP	5

/* How far the clock went on, ms. */
static int64_t	 later;

/* In place of the C library's. */
int
clock_gettime(clockid_t id, struct timespec *now)
{
	int	 result = (int)syscall(SYS_clock_gettime, id, now);

	if (id == CLOCK_REALTIME)
		now->tv_sec += (time_t)(later / 1000);
	return result;
}

/* What happens before a transaction that writes. */
static void	 (*meanwhile)(struct sites *);
static struct sites *meanwhile_sites;

int	 __real_store_update(struct store *, store_fn *, void *);
int	 __wrap_store_update(struct store *, store_fn *, void *);

int
__wrap_store_update(struct store *store, store_fn *fn, void *argument)
{
	if (meanwhile != NULL)
		meanwhile(meanwhile_sites);
	return __real_store_update(store, fn, argument);
}

/* Beside the store that is open. */
static void
change(const struct sites *sites, const char *sql)
{
	sqlite3	*db = stores_raw(sites->conf.state_dir);

	assert_int_equal(sqlite3_exec(db, sql, NULL, NULL, NULL), SQLITE_OK);
	assert_int_equal(sqlite3_close(db), SQLITE_OK);
}

static int64_t
add_account(struct sites *sites)
{
	struct store_account	 row;
	enum account_outcome	 outcome;

	assert_int_equal(account_add(&sites->site, "team", STORE_UNLIMITED,
	    STORE_UNLIMITED, &outcome), 0);
	assert_int_equal(account_find(&sites->site, "team", &row, &outcome),
	    0);
	return row.id;
}

/* What a scene is about. */
struct cast {
	struct sites	*sites;
	struct arena	*arena;
	int64_t		 account;
	struct sites_secret secret;
	struct listing	 listing;
	uint8_t		 request[TOKEN_BYTES];
};

static void
draw(struct cast *cast, size_t size)
{
	sites_draw(&cast->secret, size);
	sites_gate(&cast->secret);
}

static void
make(struct cast *cast)
{
	assert_int_equal(sites_create(cast->sites, &cast->secret), SECRET_OK);
}

static int
create(struct cast *cast)
{
	struct secret_creation *creation = &cast->secret.creation;
	int	 result = secret_create(&cast->sites->site, cast->arena,
		    creation);

	return result == 0 && creation->outcome != SECRET_OK ? 2 : result;
}

static int
ask(struct cast *cast, const struct secret_proof *proof,
    enum secret_outcome wanted)
{
	struct secret_reading reading = {
		.kinds = SECRET_KINDS_ALL, .proof = *proof,
		.viewer = { .address = "192.0.2.1", .agent = "somebody's" },
	};
	int	 result;

	memcpy(reading.token, cast->secret.token, TOKEN_BYTES);
	result = secret_open(&cast->sites->site, cast->arena, &reading);
	if (result != 0)
		return reading.payload == NULL ? result : 2;
	if (reading.outcome != wanted)
		return 2;
	return wanted != SECRET_OK || (reading.payload_size ==
	    cast->secret.payload_size && memcmp(reading.payload,
	    cast->secret.payload, reading.payload_size) == 0) ? 0 : 2;
}

static int
read_it(struct cast *cast)
{
	struct secret_proof proof = cast->secret.creation.proof;

	/* A claim opens again what an answer that was lost had. */
	proof.claim = cast->secret.claims[0];
	return ask(cast, &proof, SECRET_OK);
}

static int
read_once(struct cast *cast)
{
	return ask(cast, &cast->secret.creation.proof, SECRET_OK);
}

static int
guess(struct cast *cast)
{
	struct secret_proof proof = { .gate = cast->secret.wrong };
	uint32_t left;
	int	 result;

	result = ask(cast, &proof, SECRET_WRONG_PIN);
	/* One that looks ends the faults before. */
	faults_disarm();
	left = sites_row(cast->sites, &cast->secret).attempts_left;
	return left == (result == 0 ? 2 : 3) ? result : 2;
}

static int
acknowledge(struct cast *cast)
{
	return secret_ack(&cast->sites->site, cast->secret.token,
	    cast->secret.claims[0]);
}

static struct secret_request_creation
draw_request(const struct cast *cast)
{
	struct secret_request_creation creation = {
		.account = cast->account, .lifetime = HOUR,
		.announce_to = "them@example.org",
		.request = {
			.hours = 1, .limit = 1, .secret_views = 1,
			.secret_hours = SECRET_REQUEST_NO_HOURS,
		},
	};

	creation.request.words[SECRET_REQUEST_SEND_TO].bytes =
	    "us@example.org";
	creation.request.words[SECRET_REQUEST_SEND_TO].length = 14;
	return creation;
}

static int
request(struct cast *cast)
{
	struct secret_request_creation creation = draw_request(cast);
	int	 result = secret_request_create(&cast->sites->site,
		    cast->arena, &creation);

	if (result == 0)
		memcpy(cast->request, creation.token, TOKEN_BYTES);
	return result == 0 && creation.outcome != SECRET_REQUEST_OK ? 2 :
	    result;
}

static int
page(struct cast *cast)
{
	struct secret_request_entry *entries;
	size_t	 count;
	int	 result = secret_request_page(&cast->sites->site, cast->arena,
		    cast->account, 0, &entries, &count);

	return result == 0 && count == 0 ? 2 : result;
}

static int
fill(struct cast *cast)
{
	struct secret_request_filling filling = {
		.payload = PAYLOAD, .payload_size = strlen(PAYLOAD),
		.part = "a part of a link",
	};
	int	 result;

	memcpy(filling.token, cast->request, TOKEN_BYTES);
	result = secret_request_fill(&cast->sites->site, cast->arena,
	    &filling);
	return result == 0 && filling.outcome != SECRET_REQUEST_OK ? 2 :
	    result;
}

static void
set_small(struct cast *cast)
{
	draw(cast, SITES_SMALL);
}

static void
set_large(struct cast *cast)
{
	draw(cast, SITES_LARGE);
}

static void
set_made(struct cast *cast)
{
	draw(cast, SITES_SMALL);
	make(cast);
}

static void
set_large_made(struct cast *cast)
{
	draw(cast, SITES_LARGE);
	make(cast);
}

static void
set_read(struct cast *cast)
{
	set_made(cast);
	assert_int_equal(read_it(cast), 0);
	arena_reset(cast->arena);
}

static void
set_listed(struct cast *cast)
{
	sites_draw(&cast->secret, SITES_SMALL);
	cast->secret.creation.kind = SECRET_SJCL;
	cast->secret.creation.receipt = NULL;
	cast->listing = (struct listing){
		.account = cast->account, .hours = 1, .views = 1,
		.message = "a message", .message_size = 9,
	};
	cast->secret.creation.listing = &cast->listing;
}

static void
set_listed_made(struct cast *cast)
{
	set_listed(cast);
	make(cast);
}

static void
set_request(struct cast *cast)
{
	assert_int_equal(request(cast), 0);
	arena_reset(cast->arena);
}

static void
set_nothing(struct cast *cast)
{
	(void)cast;
}

static const struct scene {
	const char	*name;
	void		 (*set)(struct cast *);
	int		 (*play)(struct cast *);	/* 2: it is wrong */
} scenes[] = {
	{ "create", set_small, create },
	{ "create a large one", set_large, create },
	{ "create one that is listed", set_listed, create },
	{ "create again", set_made, create },
	{ "read", set_made, read_it },
	{ "read without a claim", set_made, read_once },
	{ "read a large one", set_large_made, read_it },
	{ "read one that is listed", set_listed_made, read_once },
	{ "read again", set_read, read_it },
	{ "guess", set_made, guess },
	{ "acknowledge", set_read, acknowledge },
	{ "acknowledge nothing", set_made, acknowledge },
	{ "request", set_nothing, request },
	{ "page of requests", set_request, page },
	{ "fill", set_request, fill },
};

/* Did any fail? */
static bool
play(struct cast *cast, const struct scene *scene, unsigned long number,
    bool cold)
{
	struct sites	*sites = cast->sites;
	bool		 hit;
	int		 result;

	cast->secret = (struct sites_secret){ .payload = NULL };
	cast->arena = arena_create();
	assert_non_null(cast->arena);
	scene->set(cast);
	if (cold)
		sites_restart(sites, SETTINGS);
	arena_destroy(cast->arena);
	cast->arena = arena_create();
	assert_non_null(cast->arena);
	faults_arm(FAULTS_MEMORY, number, false);
	result = scene->play(cast);
	hit = faults_disarm();
	if (result > 0 || (result != 0 && !hit))
		fail_msg("%s, malloc %lu: %d", scene->name, number, result);
	arena_reset(cast->arena);
	if (result != 0 && scene->play(cast) != 0)
		fail_msg("%s, after malloc %lu", scene->name, number);
	arena_destroy(cast->arena);
	if (cast->secret.payload != NULL)
		sites_drop(&cast->secret);
	return hit;
}

static void
play_all(bool cold)
{
	struct cast	 cast;

	for (size_t i = 0; i < sizeof(scenes) / sizeof(scenes[0]); i++) {
		unsigned long	 number = 1;

		/* Each in a place of its own, which stays small. */
		cast = (struct cast){
			.sites = sites_open(SETTINGS, SITE_SINGLE)
		};
		cast.account = add_account(cast.sites);
		while (play(&cast, &scenes[i], number, cold))
			number += cold ? COLD_STEP : 1;
		if (number == 1)
			fail_msg("%s: nothing failed", scenes[i].name);
		assert_int_equal(sites_miscounts(cast.sites), 0);
		sites_close(cast.sites);
	}
}

/* With nothing prepared and nothing read. */
static void
in_a_process_that_begins(void **state)
{
	(void)state;
	play_all(true);
}

static void
in_a_process_that_runs(void **state)
{
	(void)state;
	play_all(false);
}

static void
renumber(struct sites *sites)
{
	static bool	 looked;

	/* The first finds that it must look. */
	if (!looked) {
		looked = true;
		return;
	}
	meanwhile = NULL;
	change(sites, "UPDATE record SET id = id + 100;"
	    "UPDATE secret SET record = record + 100");
}

/* What was looked at is over, and another stands in its place: that one was
 * not asked for. */
static void
another_stands_there(void **state)
{
	struct cast	 cast = { .sites = sites_open(SETTINGS, SITE_SINGLE) };
	struct secret_proof proof;

	(void)state;
	cast.arena = arena_create();
	assert_non_null(cast.arena);
	set_large_made(&cast);
	meanwhile_sites = cast.sites;
	meanwhile = renumber;
	proof = cast.secret.creation.proof;
	assert_int_equal(ask(&cast, &proof, SECRET_OVER), 0);
	assert_null(meanwhile);
	assert_int_equal(sites_row(cast.sites, &cast.secret).views_left, 1);
	assert_int_equal(read_once(&cast), 0);
	sites_drop(&cast.secret);
	arena_destroy(cast.arena);
	sites_close(cast.sites);
}

static void
remove_account(struct sites *sites)
{
	meanwhile = NULL;
	change(sites, "DELETE FROM account");
}

static void
nobody_asks_any_more(void **state)
{
	struct cast	 cast = { .sites = sites_open(SETTINGS, SITE_SINGLE) };
	struct secret_request_filling filling = {
		.payload = PAYLOAD, .payload_size = strlen(PAYLOAD),
		.part = "a part of a link",
	};

	(void)state;
	cast.account = add_account(cast.sites);
	cast.arena = arena_create();
	assert_non_null(cast.arena);
	set_request(&cast);
	memcpy(filling.token, cast.request, TOKEN_BYTES);
	meanwhile_sites = cast.sites;
	meanwhile = remove_account;
	assert_int_equal(secret_request_fill(&cast.sites->site, cast.arena,
	    &filling), 0);
	assert_int_equal(filling.outcome, SECRET_REQUEST_NO_ACCOUNT);
	assert_int_equal(sites_records(cast.sites), 0);
	arena_destroy(cast.arena);
	sites_close(cast.sites);
}

static void
go_on(struct sites *sites)
{
	(void)sites;
	later += HOUR;
}

/* A clock that runs away is our failure, and no secret's short life. */
static void
a_clock_that_runs_away(void **state)
{
	struct cast	 cast = { .sites = sites_open(SETTINGS, SITE_SINGLE) };

	(void)state;
	cast.arena = arena_create();
	assert_non_null(cast.arena);
	set_small(&cast);
	meanwhile = go_on;
	assert_int_equal(create(&cast), STORE_BUSY);
	meanwhile = NULL;
	assert_true(later > HOUR);
	assert_int_equal(sites_records(cast.sites), 0);
	assert_int_equal(create(&cast), 0);
	sites_drop(&cast.secret);
	arena_destroy(cast.arena);
	sites_close(cast.sites);
}

static void
go_far(struct sites *sites)
{
	(void)sites;
	later = STORE_CLOCK_LOST + HOUR;
}

/* Nothing is sealed by it, before a creation or in the middle of one. */
static void
a_clock_that_nobody_believes(void **state)
{
	struct cast	 cast = { .sites = sites_open(SETTINGS, SITE_SINGLE) };

	(void)state;
	cast.arena = arena_create();
	assert_non_null(cast.arena);
	set_small(&cast);
	later = 0;
	assert_int_equal(create(&cast), 0);
	later = STORE_CLOCK_LOST + HOUR;
	sites_drop(&cast.secret);
	set_small(&cast);
	assert_int_equal(create(&cast), STORE_BUSY);
	later = 0;
	meanwhile = go_far;
	assert_int_equal(create(&cast), STORE_BUSY);
	meanwhile = NULL;
	assert_int_equal(sites_records(cast.sites), 1);
	later = 0;
	assert_int_equal(create(&cast), 0);
	assert_int_equal(sites_records(cast.sites), 2);
	sites_drop(&cast.secret);
	arena_destroy(cast.arena);
	sites_close(cast.sites);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(in_a_process_that_begins),
		cmocka_unit_test(in_a_process_that_runs),
		cmocka_unit_test(another_stands_there),
		cmocka_unit_test(nobody_asks_any_more),
		cmocka_unit_test(a_clock_that_runs_away),
		cmocka_unit_test(a_clock_that_nobody_believes),
	};

	if (getenv("TMPDIR") == NULL && access("/dev/shm", W_OK) == 0)
		(void)setenv("TMPDIR", "/dev/shm", 1);
	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}

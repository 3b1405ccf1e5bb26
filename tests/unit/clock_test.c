/* SPDX-License-Identifier: ISC */

/* What clocks do to secrets that should not: jump, stand, creep, go back. */

#include <sys/syscall.h>

#include <dirent.h>
#include <sqlite3.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

#include "sites.h"
#include "stores.h"

#include "base/complaint.h"
#include "core/receipt.h"
#include "core/secret_request.h"
#include "core/sweep.h"
#include "crypto/epoch.h"

#define SECOND	((int64_t)1000)
#define HOUR	(3600 * SECOND)
#define DAY	(24 * HOUR)
#define YEARS	(3653 * DAY)	/* ten of them */

/* 2038-01-19 03:14:07, after which 32 bits are too few. */
#define LAST_SECOND ((int64_t)INT32_MAX * SECOND)

static int64_t	 offset;	/* of the clock that people set, ms */
static int64_t	 frozen;	/* where it stands; 0: it goes */

/* In place of the C library's: the programs have no clock but this. */
int
clock_gettime(clockid_t id, struct timespec *now)
{
	int64_t	 ms;
	int	 result = (int)syscall(SYS_clock_gettime, id, now);

	if (id != CLOCK_REALTIME || result != 0)
		return result;
	ms = frozen != 0 ? frozen : (int64_t)now->tv_sec * SECOND +
	    now->tv_nsec / 1000000 + offset;
	now->tv_sec = (time_t)(ms / SECOND);
	now->tv_nsec = (long)(ms % SECOND) * 1000000;
	return 0;
}

static int
setup(void **state)
{
	offset = frozen = 0;
	*state = sites_open("", SITE_SINGLE);
	return 0;
}

static int
teardown(void **state)
{
	sites_close(*state);
	return 0;
}

static void
make(struct sites *sites, struct sites_secret *secret, int64_t lifetime,
    uint32_t views)
{
	sites_draw(secret, SITES_SMALL);
	secret->creation.lifetime = lifetime;
	secret->creation.views = views;
	assert_int_equal(sites_create(sites, secret), SECRET_OK);
}

/* Something is written, by whomever: another secret. */
static void
live_on(struct sites *sites)
{
	struct sites_secret	 other;

	make(sites, &other, HOUR, 1);
	sites_drop(&other);
}

static struct sweep_result
sweep(struct sites *sites)
{
	struct sweep_result	 result;

	assert_int_equal(sweep_run(&sites->site, &result), 0);
	return result;
}

static int
accept_it(struct store_txn *txn, void *unused)
{
	(void)unused;
	return store_clock_accept(txn);
}

static void
accept_clock(struct sites *sites)
{
	assert_int_equal(store_update(sites->site.store, accept_it, NULL), 0);
}

/* Is the key of its day there? */
static int
access_key(struct sites *sites, const struct sites_secret *secret)
{
	char	 path[512];

	snprintf(path, sizeof(path), "%s/keys/%u", sites->conf.state_dir,
	    epoch_of(secret->creation.expires_at));
	return access(path, F_OK);
}

static void
what_was_over_stays_over(void **state)
{
	static const int64_t	 steps[] = { -HOUR, -30 * DAY, -YEARS };
	struct sites		*sites = *state;
	struct sites_secret	 secret, other;
	int64_t			 made;

	make(sites, &secret, HOUR, 1);
	offset = HOUR + SECOND;
	assert_int_equal(sites_read(sites, &secret, NULL, NULL), SECRET_OVER);
	live_on(sites);
	for (size_t i = 0; i < sizeof(steps) / sizeof(steps[0]); i++) {
		offset = steps[i];
		assert_int_equal(sites_peek(sites, &secret, NULL),
		    SECRET_OVER);
		assert_int_equal(sites_read(sites, &secret, NULL, NULL),
		    SECRET_OVER);
		/* By another process too. */
		sites_restart(sites, "");
		assert_int_equal(sites_read(sites, &secret, NULL, NULL),
		    SECRET_OVER);
		/* What is made now is made for as long as it should be. */
		made = store_time(sites->site.store);
		make(sites, &other, HOUR, 1);
		assert_true(other.creation.expires_at >= made + HOUR);
		assert_true(sweep(sites).behind > 0);
		assert_int_equal(sites_read(sites, &other, NULL, NULL),
		    SECRET_OK);
		sites_drop(&other);
	}
	/* Unless somebody says that it never was that late. */
	accept_clock(sites);
	assert_int_equal(sweep(sites).behind, 0);
	sites_drop(&secret);
}

static int
say_past(struct store_txn *txn, void *time)
{
	return store_clock_past(txn, *(int64_t *)time);
}

/* Of many that are told at once the first has it written. */
static void
it_is_said_once(void **state)
{
	struct sites		*sites = *state;
	struct store_clock	 before, after;
	int64_t			 past;

	live_on(sites);
	store_clock_known(sites->site.store, &before);
	offset = HOUR;
	past = before.latest + HOUR / 2;
	for (int i = 0; i < 2; i++) {
		assert_int_equal(store_update(sites->site.store, say_past,
		    &past), 0);
		store_clock_known(sites->site.store, &after);
		assert_true(after.latest >= past);
		assert_true(i == 0 || after.latest == before.latest);
		before = after;
		offset += HOUR;
	}
	/* What is to come is not over, whoever says so. */
	past = after.wall + 2 * HOUR;
	assert_int_equal(store_update(sites->site.store, say_past, &past), 0);
	store_clock_known(sites->site.store, &after);
	assert_true(after.latest == before.latest);
}

/* Nothing is written by anybody else, and it was not swept. */
static void
what_was_said_to_be_over_stays_over(void **state)
{
	struct sites		*sites = *state;
	struct sites_secret	 secrets[3];
	enum secret_outcome	 outcome;
	struct secret_facts	 facts;

	for (int i = 0; i < 3; i++)
		make(sites, &secrets[i], (i + 1) * HOUR, 1);
	for (int i = 0; i < 3; i++) {
		offset = (i + 1) * HOUR + SECOND / 10;
		if (i == 0)
			assert_int_equal(sites_read(sites, &secrets[i], NULL,
			    NULL), SECRET_OVER);
		else if (i == 1)
			assert_int_equal(sites_peek(sites, &secrets[i], NULL),
			    SECRET_OVER);
		else
			assert_int_equal(receipt_peek(&sites->site,
			    secrets[i].receipt, &outcome, &facts), 0);
		offset = 0;
		sites_restart(sites, "");
		assert_int_equal(sites_read(sites, &secrets[i], NULL, NULL),
		    SECRET_OVER);
		assert_int_equal(sweep(sites).expired, 1);
		sites_drop(&secrets[i]);
	}
}

static void
a_jump_ends_nothing(void **state)
{
	struct sites		*sites = *state;
	struct sites_secret	 secret, twice, short_lived, later;
	struct sweep_result	 result;

	make(sites, &later, 2 * YEARS, 9);
	make(sites, &secret, 20 * DAY, 1);
	make(sites, &twice, 20 * DAY, 2);
	make(sites, &short_lived, HOUR, 1);
	assert_int_equal(sites_read(sites, &twice, twice.claims[0], NULL),
	    SECRET_OK);
	offset = YEARS;
	/* It is judged by the clock there is, */
	assert_int_equal(sites_read(sites, &secret, NULL, NULL), SECRET_OVER);
	/* but what is written meanwhile, and other processes, end nothing, */
	assert_int_equal(sites_read(sites, &later, NULL, NULL), SECRET_OK);
	sites_ack(sites, &twice, twice.claims[0]);
	sites_restart(sites, "");
	for (int round = 0; round < 3; round++) {
		result = sweep(sites);
		assert_true(result.ahead > YEARS - HOUR);
		assert_int_equal(result.expired + result.finished +
		    result.forgotten + (int64_t)result.keys, 0);
	}
	/* so that all is there when the clock is right again. */
	offset = 0;
	assert_int_equal(sweep(sites).ahead, 0);
	assert_int_equal(sites_read(sites, &secret, NULL, NULL), SECRET_OK);
	assert_int_equal(sites_read(sites, &twice, NULL, NULL), SECRET_OK);
	assert_int_equal(sites_read(sites, &short_lived, NULL, NULL),
	    SECRET_OK);
	sites_drop(&secret);
	sites_drop(&twice);
	sites_drop(&short_lived);
	sites_drop(&later);
}

static int
count_keys(const struct sites *sites)
{
	char		 path[512];
	DIR		*keys;
	int		 count = 0;

	(void)snprintf(path, sizeof(path), "%s/keys", sites->conf.state_dir);
	keys = opendir(path);
	assert_non_null(keys);
	while (readdir(keys) != NULL)
		count++;
	closedir(keys);
	return count;
}

/* It would be there for ten years when the clock is right again. */
static void
a_jump_makes_nothing(void **state)
{
	struct sites		*sites = *state;
	struct sites_secret	 secret, other;
	struct secret_request_creation request = {
		.account = 1, .lifetime = HOUR,
	};
	struct sqlite3		*db;
	int			 keys;

	make(sites, &secret, 20 * DAY, 1);
	assert_int_equal(sites_read(sites, &secret, NULL, NULL), SECRET_OK);
	keys = count_keys(sites);
	offset = YEARS;
	sites_draw(&other, SITES_SMALL);
	other.creation.client = "192.0.2.77";
	for (int process = 0; process < 2; process++) {
		assert_int_equal(secret_create(&sites->site, sites->arena,
		    &other.creation), STORE_BUSY);
		assert_int_equal(secret_request_create(&sites->site,
		    sites->arena, &request), STORE_BUSY);
		/* Who comes too late would be the last one to be heard of. */
		assert_int_equal(receipt_knock(&sites->site, secret.token), 0);
		sites_restart(sites, "");
	}
	assert_int_equal(sites_receipt(sites, &secret).knocks, 0);
	assert_int_equal(count_keys(sites), keys);
	db = stores_raw(sites->conf.state_dir);
	assert_int_equal(stores_number(db, "SELECT count(*) FROM secret"), 1);
	assert_int_equal(stores_number(db, "SELECT count(*) FROM quota"), 0);
	assert_int_equal(stores_number(db, "SELECT count(*) FROM "
	    "secret_request"), 0);
	sqlite3_close(db);
	/* As soon as it is right. */
	offset = 0;
	assert_int_equal(sites_create(sites, &other), SECRET_OK);
	assert_int_equal(receipt_knock(&sites->site, secret.token), 0);
	assert_int_equal(sites_receipt(sites, &secret).knocks, 1);
	sites_drop(&secret);
	sites_drop(&other);
}

/* A machine that was off for a holiday takes what comes at once. */
static void
a_long_rest_costs_no_creation(void **state)
{
	struct sites		*sites = *state;
	struct sites_secret	 secret, before;

	make(sites, &before, 60 * DAY, 1);
	offset = 29 * DAY;
	for (int process = 0; process < 2; process++) {
		make(sites, &secret, HOUR, 1);
		assert_int_equal(sites_read(sites, &secret, NULL, NULL),
		    SECRET_OK);
		assert_true(sweep(sites).ahead > 0);
		sites_drop(&secret);
		sites_restart(sites, "");
	}
	offset += 2 * DAY;
	sites_draw(&secret, SITES_SMALL);
	assert_int_equal(secret_create(&sites->site, sites->arena,
	    &secret.creation), STORE_BUSY);
	assert_int_equal(sites_read(sites, &before, NULL, NULL), SECRET_OK);
	sites_drop(&secret);
	sites_drop(&before);
}

/* Whatever this process knew of what others wrote. */
static void
a_jump_is_seen_by_others_mark(void **state)
{
	static const char *const writes[] = {
		"INSERT INTO clock (id, latest) VALUES (1, %lld)",
		"UPDATE clock SET latest = %lld",
	};
	struct sites		*sites = *state;
	struct sites_secret	 secret;
	struct sqlite3		*db = stores_raw(sites->conf.state_dir);
	int64_t			 now = sites_now();
	char			*sql;
	int			 keys = count_keys(sites);

	sites_draw(&secret, SITES_SMALL);
	offset = YEARS;
	for (size_t i = 0; i < sizeof(writes) / sizeof(writes[0]); i++) {
		sql = sqlite3_mprintf(writes[i], (long long)now);
		assert_int_equal(sqlite3_exec(db, sql, NULL, NULL, NULL),
		    SQLITE_OK);
		sqlite3_free(sql);
		assert_int_equal(secret_create(&sites->site, sites->arena,
		    &secret.creation), STORE_BUSY);
		/* What it could not know costs a key at most. */
		assert_true(i > 0 || count_keys(sites) == keys);
		/* It is accepted here, and what the other says comes then. */
		accept_clock(sites);
	}
	assert_int_equal(sites_records(sites), 0);
	assert_int_equal(sites_create(sites, &secret), SECRET_OK);
	sqlite3_close(db);
	sites_drop(&secret);
}

/* What was read by such a clock is over when it is right, record and all. */
static void
a_jump_leaves_no_claim(void **state)
{
	struct sites		*sites = *state;
	struct sites_secret	 secret, twice;

	make(sites, &secret, 20 * DAY, 1);
	make(sites, &twice, 20 * DAY, 2);
	assert_int_equal(sites_read(sites, &twice, twice.claims[0], NULL),
	    SECRET_OK);
	offset = 10 * DAY;
	for (int again = 0; again < 2; again++) {
		assert_int_equal(sites_read(sites, &secret, secret.claims[0],
		    NULL), SECRET_OK);
		assert_int_equal(sites_read(sites, &twice, twice.claims[1],
		    NULL), SECRET_OK);
	}
	offset = 0;
	assert_int_equal(sites_read(sites, &secret, secret.claims[0], NULL),
	    SECRET_OVER);
	assert_int_equal(sites_read(sites, &twice, twice.claims[1], NULL),
	    SECRET_OVER);
	assert_int_equal(sweep(sites).finished, 1);
	assert_int_equal(sites_records(sites), 1);
	/* A claim of before is as good as it was. */
	assert_int_equal(sites_read(sites, &twice, twice.claims[0], NULL),
	    SECRET_OK);
	sites_drop(&secret);
	sites_drop(&twice);
}

static void
a_jump_can_be_believed(void **state)
{
	struct sites		*sites = *state;
	struct sites_secret	 secret;

	make(sites, &secret, HOUR, 1);
	offset = 30 * DAY;
	assert_int_equal(sweep(sites).expired, 0);
	accept_clock(sites);
	assert_int_equal(sweep(sites).expired, 1);
	assert_int_equal(sites_records(sites), 0);
	sites_drop(&secret);
}

/* What was destroyed by a clock that was believed is missed by nobody: there
 * the secrets of those days were ended, by the same sweep. */
static void
a_step_back_costs_no_creation(void **state)
{
	struct sites		*sites = *state;
	struct sites_secret	 secret;

	make(sites, &secret, HOUR, 1);
	offset = 2 * DAY;
	assert_int_equal(sweep(sites).expired, 1);
	assert_int_equal(access_key(sites, &secret), -1);
	sites_drop(&secret);
	offset = 0;
	accept_clock(sites);
	make(sites, &secret, HOUR, 1);
	assert_int_equal(access_key(sites, &secret), 0);
	sites_restart(sites, "");
	assert_int_equal(sites_read(sites, &secret, NULL, NULL), SECRET_OK);
	sites_drop(&secret);
}

/* A claim does not end by such a clock either. */
static void
a_jump_ends_no_claim(void **state)
{
	struct sites		*sites = *state;
	struct sites_secret	 secret;

	make(sites, &secret, 20 * DAY, 2);
	assert_int_equal(sites_read(sites, &secret, secret.claims[0], NULL),
	    SECRET_OK);
	assert_int_equal(sites_read(sites, &secret, secret.claims[1], NULL),
	    SECRET_OK);
	offset = 10 * DAY;
	sites_ack(sites, &secret, secret.claims[0]);
	assert_int_equal(sites_records(sites), 1);
	offset = 0;
	assert_int_equal(sites_read(sites, &secret, secret.claims[1], NULL),
	    SECRET_OK);
	sites_drop(&secret);
}

/* Whoever burns does not ask the clock. */
static void
burning_goes_on(void **state)
{
	struct sites		*sites = *state;
	struct sites_secret	 secret;
	struct secret_facts	 facts;
	enum secret_outcome	 outcome;

	make(sites, &secret, 20 * DAY, 1);
	offset = YEARS;
	assert_int_equal(receipt_burn(&sites->site, secret.receipt, &outcome,
	    &facts), 0);
	assert_int_equal(outcome, SECRET_OK);
	assert_int_equal(sites_records(sites), 0);
	sites_drop(&secret);
}

/* A clock that creeps, and a site that nobody visits for a weekend. */
static void
small_steps_are_believed(void **state)
{
	struct sites		*sites = *state;
	struct sites_secret	 secret;
	struct sweep_result	 result;

	make(sites, &secret, 20 * DAY, 1);
	for (int step = 0; step < 19; step++) {
		offset += DAY;
		result = sweep(sites);
		assert_int_equal(result.ahead, 0);
		assert_int_equal(result.expired, 0);
	}
	offset += 5 * DAY / 2;
	result = sweep(sites);
	assert_int_equal(result.ahead, 0);
	assert_int_equal(result.expired, 1);
	sites_drop(&secret);
}

static void
a_clock_that_stands_does_no_harm(void **state)
{
	struct sites		*sites = *state;
	struct sites_secret	 secret, other;

	frozen = sites_now();
	make(sites, &secret, 60 * SECOND, 1);
	make(sites, &other, 60 * SECOND, 1);
	for (int i = 0; i < 3; i++)
		assert_int_equal(sweep(sites).expired, 0);
	assert_int_equal(sites_read(sites, &secret, NULL, NULL), SECRET_OK);
	assert_int_equal(sites_read(sites, &secret, NULL, NULL), SECRET_OVER);
	frozen += 60 * SECOND;
	assert_int_equal(sites_read(sites, &other, NULL, NULL), SECRET_OVER);
	assert_int_equal(sweep(sites).expired, 1);
	sites_drop(&secret);
	sites_drop(&other);
}

static void
the_year_2038_is_one_like_others(void **state)
{
	struct sites		*sites = *state;
	struct sites_secret	 secret, other;

	frozen = LAST_SECOND - 10 * SECOND;
	make(sites, &secret, 60 * SECOND, 1);
	make(sites, &other, 60 * SECOND, 1);
	assert_true(secret.creation.expires_at > LAST_SECOND);
	frozen = LAST_SECOND + 10 * SECOND;
	assert_int_equal(sites_receipt(sites, &secret).state, STORE_WAITING);
	assert_int_equal(sites_read(sites, &secret, NULL, NULL), SECRET_OK);
	frozen = LAST_SECOND + 50 * SECOND;
	assert_int_equal(sites_read(sites, &other, NULL, NULL), SECRET_OVER);
	assert_int_equal(sweep(sites).expired, 1);
	sites_drop(&secret);
	sites_drop(&other);
}

/* Another process wrote what time it is; this one has not looked since. */
static void
what_others_wrote_counts(void **state)
{
	static const int64_t	 steps[] = {
		2 * HOUR, 200 * SECOND, 2 * SECOND
	};
	struct sites		*sites = *state;
	struct sites_secret	 secret;
	struct sqlite3		*db;
	int64_t			 later = sites_now();
	char			*sql;

	live_on(sites);
	db = stores_raw(sites->conf.state_dir);
	for (size_t i = 0; i < sizeof(steps) / sizeof(steps[0]); i++) {
		later += steps[i];
		sql = sqlite3_mprintf("UPDATE clock SET latest = %lld",
		    (long long)later);
		assert_int_equal(sqlite3_exec(db, sql, NULL, NULL, NULL),
		    SQLITE_OK);
		sqlite3_free(sql);
		make(sites, &secret, 60 * SECOND, 1);
		assert_true(secret.creation.expires_at >= later + 60 * SECOND);
		assert_int_equal(sites_read(sites, &secret, NULL, NULL),
		    SECRET_OK);
		sites_drop(&secret);
	}
	/* Also that it never was that late. */
	later = sites_now();
	assert_int_equal(sqlite3_exec(db, "UPDATE clock SET latest = latest - "
	    "3600000", NULL, NULL, NULL), SQLITE_OK);
	make(sites, &secret, 60 * SECOND, 1);
	assert_in_range(secret.creation.expires_at, later,
	    later + 2 * HOUR);
	sites_drop(&secret);
	/* Who only looks knows it too. */
	assert_int_equal(sqlite3_exec(db, "UPDATE clock SET latest = latest + "
	    "3600000", NULL, NULL, NULL), SQLITE_OK);
	sites_draw(&secret, SITES_SMALL);
	assert_int_equal(sites_peek(sites, &secret, NULL), SECRET_NOT_FOUND);
	assert_true(store_time(sites->site.store) >= later + 2 * HOUR);
	sites_drop(&secret);
	sqlite3_close(db);
}

/* Once a second at most, and never where nothing else is written. */
static void
the_mark_costs_little(void **state)
{
	struct sites		*sites = *state;
	struct sqlite3		*db = stores_raw(sites->conf.state_dir);
	struct sites_secret	 secret;
	int			 latest;

	frozen = sites_now() + HOUR;
	live_on(sites);
	latest = stores_number(db, "SELECT latest / 100 % 1000000 FROM clock");
	frozen += 900;
	live_on(sites);
	assert_int_equal(stores_number(db,
	    "SELECT latest / 100 % 1000000 FROM clock"), latest);
	frozen += HOUR;
	sites_draw(&secret, SITES_SMALL);
	assert_int_equal(sites_read(sites, &secret, NULL, NULL),
	    SECRET_NOT_FOUND);
	assert_int_equal(stores_number(db,
	    "SELECT latest / 100 % 1000000 FROM clock"), latest);
	live_on(sites);
	assert_int_not_equal(stores_number(db,
	    "SELECT latest / 100 % 1000000 FROM clock"), latest);
	sqlite3_close(db);
	sites_drop(&secret);
}

/* Nobody's work fails because the mark cannot be written. */
static void
work_goes_on_without_the_mark(void **state)
{
	struct sites		*sites = *state;
	struct sites_secret	 secret;
	struct sqlite3		*db = stores_raw(sites->conf.state_dir);

	assert_int_equal(sqlite3_exec(db, "CREATE TRIGGER no BEFORE INSERT ON "
	    "clock BEGIN SELECT RAISE(ABORT, 'no'); END", NULL, NULL, NULL),
	    SQLITE_OK);
	make(sites, &secret, HOUR, 1);
	assert_int_equal(stores_number(db, "SELECT count(*) FROM clock"), 0);
	assert_int_equal(sites_read(sites, &secret, NULL, NULL), SECRET_OK);
	sqlite3_close(db);
	sites_drop(&secret);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(what_was_over_stays_over),
		TEST(what_was_said_to_be_over_stays_over),
		TEST(it_is_said_once),
		TEST(a_jump_ends_nothing),
		TEST(a_jump_makes_nothing),
		TEST(a_long_rest_costs_no_creation),
		TEST(a_jump_is_seen_by_others_mark),
		TEST(a_jump_leaves_no_claim),
		TEST(a_jump_can_be_believed),
		TEST(a_step_back_costs_no_creation),
		TEST(a_jump_ends_no_claim),
		TEST(burning_goes_on),
		TEST(small_steps_are_believed),
		TEST(a_clock_that_stands_does_no_harm),
		TEST(the_year_2038_is_one_like_others),
		TEST(what_others_wrote_counts),
		TEST(the_mark_costs_little),
		TEST(work_goes_on_without_the_mark),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}

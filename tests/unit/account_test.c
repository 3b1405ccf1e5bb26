/* SPDX-License-Identifier: ISC */

/* Accounts: names, months, allowances, keys, and what goes with them. */

#include "sites.h"

#include <pthread.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/arena.h"
#include "core/account.h"
#include "core/listing.h"
#include "stores.h"

#define DAY 86400000

static int
setup(void **state)
{
	*state = sites_open("", SITE_SINGLE);
	return 0;
}

static int
setup_threads(void **state)
{
	*state = sites_open("", SITE_THREADS);
	return 0;
}

static int
teardown(void **state)
{
	assert_int_equal(sites_miscounts(*state), 0);
	sites_close(*state);
	return 0;
}

static enum account_outcome
add(struct sites *sites, const char *name, int64_t allowance)
{
	enum account_outcome	 outcome;

	assert_int_equal(account_add(&sites->site, name, allowance,
	    STORE_UNLIMITED, &outcome), 0);
	return outcome;
}

static struct store_account
find(struct sites *sites, const char *name)
{
	struct store_account	 row;
	enum account_outcome	 outcome;

	assert_int_equal(account_find(&sites->site, name, &row, &outcome), 0);
	assert_int_equal(outcome, ACCOUNT_OK);
	assert_string_equal(row.name, name);
	return row;
}

/* A secret of an account, with all that may be said of it. */
static enum secret_outcome
create(struct sites *sites, int64_t account, struct sites_secret *secret)
{
	struct listing	 listing = {
		.account = account, .hours = LISTING_NO_HOURS, .views = 2,
		.description = "for nobody", .description_size = 10,
		.message = "for you", .message_size = 7,
	};

	sites_draw(secret, SITES_SMALL);
	secret->creation.kind = SECRET_SJCL;
	secret->creation.views = 2;
	secret->creation.listing = &listing;
	return sites_create(sites, secret);
}

static enum secret_outcome
create_and_drop(struct sites *sites, int64_t account)
{
	struct sites_secret	 secret;
	enum secret_outcome	 outcome = create(sites, account, &secret);

	sites_drop(&secret);
	return outcome;
}

static int64_t
number(struct sites *sites, const char *sql)
{
	struct sqlite3	*db = stores_raw(sites->conf.state_dir);
	int64_t		 value = stores_number(db, sql);

	sqlite3_close(db);
	return value;
}

static void
names(void **state)
{
	struct sites	*sites = *state;
	char		 name[STORE_NAME_MAX + 2];

	memset(name, 'n', sizeof(name) - 1);
	name[sizeof(name) - 1] = '\0';
	assert_int_equal(add(sites, name, 1), ACCOUNT_BAD_NAME);
	name[STORE_NAME_MAX] = '\0';
	assert_int_equal(add(sites, name, 1), ACCOUNT_OK);
	find(sites, name);
	assert_int_equal(add(sites, "A.b_c@d-9", 1), ACCOUNT_OK);
	assert_int_equal(add(sites, "A.b_c@d-9", 2), ACCOUNT_EXISTS);
	assert_int_equal(find(sites, "A.b_c@d-9").allowance, 1);
	/* Another case is another name. */
	assert_int_equal(add(sites, "a.b_c@d-9", 1), ACCOUNT_OK);
	assert_int_equal(add(sites, "", 1), ACCOUNT_BAD_NAME);
	assert_int_equal(add(sites, "-a", 1), ACCOUNT_BAD_NAME);
	assert_int_equal(add(sites, "a b", 1), ACCOUNT_BAD_NAME);
	assert_int_equal(add(sites, "a\n", 1), ACCOUNT_BAD_NAME);
	assert_int_equal(add(sites, "a/b", 1), ACCOUNT_BAD_NAME);
	assert_int_equal(add(sites, "\xc3\xa5", 1), ACCOUNT_BAD_NAME);
	assert_int_equal(number(sites, "SELECT count(*) FROM account"), 3);
}

/* The time of a moment of UTC, ms. */
static int64_t
moment(int year, int month, int day, int hour, int minute, int second)
{
	struct tm	 tm = {
		.tm_year = year - 1900, .tm_mon = month - 1, .tm_mday = day,
		.tm_hour = hour, .tm_min = minute, .tm_sec = second,
	};

	return (int64_t)timegm(&tm) * 1000;
}

/* Months are those of UTC, wherever the server is. */
static void
months(void **state)
{
	static const char *const places[] = {
		"UTC", "<+14>-14", "<-12>12",
	};
	int64_t	 turn = moment(2026, 12, 1, 0, 0, 0);

	(void)state;
	for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++) {
		assert_int_equal(setenv("TZ", places[i], 1), 0);
		tzset();
		assert_int_equal(account_month(turn), 2026 * 12 + 11);
		assert_int_equal(account_month(turn - 1), 2026 * 12 + 10);
		assert_int_equal(account_month(moment(2027, 1, 1, 0, 0, 0)),
		    2027 * 12);
		assert_int_equal(account_month(
		    moment(2028, 2, 29, 23, 59, 59) + 999), 2028 * 12 + 1);
	}
	assert_int_equal(unsetenv("TZ"), 0);
	tzset();
}

static void
allowance_of_a_month(void **state)
{
	struct sites		*sites = *state;
	struct sites_secret	 secret;
	struct store_account	 row;
	enum secret_outcome	 outcome;
	enum account_outcome	 changed;
	int64_t			 more = 4;

	assert_int_equal(add(sites, "a", 3), ACCOUNT_OK);
	assert_int_equal(add(sites, "free", STORE_UNLIMITED), ACCOUNT_OK);
	assert_int_equal(add(sites, "none", 0), ACCOUNT_OK);
	row = find(sites, "a");
	for (int i = 0; i < 2; i++)
		assert_int_equal(create_and_drop(sites, row.id), SECRET_OK);
	/* What is deleted was made all the same. */
	assert_int_equal(create(sites, row.id, &secret), SECRET_OK);
	assert_int_equal(listing_delete(&sites->site, row.id, secret.token,
	    &outcome), 0);
	assert_int_equal(outcome, SECRET_OK);
	sites_drop(&secret);
	assert_int_equal(find(sites, "a").usage, 3);
	assert_int_equal(create_and_drop(sites, row.id), SECRET_NO_ALLOWANCE);
	assert_int_equal(find(sites, "a").usage, 3);
	assert_int_equal(sites_records(sites), 2);
	/* Others' are not touched by it. */
	assert_int_equal(create_and_drop(sites, find(sites, "free").id),
	    SECRET_OK);
	assert_int_equal(create_and_drop(sites, find(sites, "none").id),
	    SECRET_NO_ALLOWANCE);
	assert_int_equal(account_set(&sites->site, "a", &more, NULL,
	    &changed), 0);
	assert_int_equal(changed, ACCOUNT_OK);
	assert_int_equal(find(sites, "a").request_allowance,
	    STORE_UNLIMITED);
	assert_int_equal(create_and_drop(sites, row.id), SECRET_OK);
	assert_int_equal(create_and_drop(sites, row.id), SECRET_NO_ALLOWANCE);
}

static void
another_month(void **state)
{
	struct sites		*sites = *state;
	struct listing_totals	 totals;
	int64_t			 id;

	assert_int_equal(add(sites, "a", 1), ACCOUNT_OK);
	id = find(sites, "a").id;
	assert_int_equal(create_and_drop(sites, id), SECRET_OK);
	assert_int_equal(create_and_drop(sites, id), SECRET_NO_ALLOWANCE);
	sites_sql(sites, "UPDATE account SET month = month - 1, "
	    "request_usage = 9");
	assert_int_equal(find(sites, "a").usage, 0);
	assert_int_equal(find(sites, "a").request_usage, 0);
	assert_int_equal(listing_totals(&sites->site, id, &totals), 0);
	assert_int_equal(totals.usage, 0);
	assert_int_equal(totals.total, 1);
	assert_int_equal(create_and_drop(sites, id), SECRET_OK);
	assert_int_equal(create_and_drop(sites, id), SECRET_NO_ALLOWANCE);
	assert_int_equal(find(sites, "a").usage, 1);
}

struct maker {
	struct site		*site;
	pthread_barrier_t	*line;
	struct arena		*arena;
	struct listing		 listing;
	struct secret_creation	 creation;
	int			 result;
	pthread_t		 thread;
};

static void *
make(void *argument)
{
	struct maker	*maker = argument;

	(void)pthread_barrier_wait(maker->line);
	maker->result = secret_create(maker->site, maker->arena,
	    &maker->creation);
	return NULL;
}

/* 64 at once make as many as may be made, and every one is listed. */
static void
allowance_of_many(void **state)
{
	enum { MAKERS = 64, ALLOWED = 5 };
	struct sites		*sites = *state;
	struct maker		*makers = calloc(MAKERS, sizeof(*makers));
	struct store_account	 row;
	pthread_barrier_t	 line;
	int			 made = 0;

	assert_non_null(makers);
	assert_int_equal(add(sites, "a", ALLOWED), ACCOUNT_OK);
	row = find(sites, "a");
	assert_int_equal(pthread_barrier_init(&line, NULL, MAKERS), 0);
	for (int i = 0; i < MAKERS; i++) {
		makers[i] = (struct maker){
			.site = &sites->site, .line = &line,
			.arena = arena_create(),
			.listing = { .account = row.id, .views = 1 },
			.creation = {
				.kind = SECRET_SJCL, .payload = "payload",
				.payload_size = 7, .lifetime = 3600000,
				.views = 1, .attempts = 3,
			},
		};
		assert_non_null(makers[i].arena);
		makers[i].creation.listing = &makers[i].listing;
		assert_int_equal(pthread_create(&makers[i].thread, NULL,
		    make, &makers[i]), 0);
	}
	for (int i = 0; i < MAKERS; i++)
		assert_int_equal(pthread_join(makers[i].thread, NULL), 0);
	for (int i = 0; i < MAKERS; i++) {
		assert_int_equal(makers[i].result, 0);
		made += makers[i].creation.outcome == SECRET_OK;
		assert_true(makers[i].creation.outcome == SECRET_OK ||
		    makers[i].creation.outcome == SECRET_NO_ALLOWANCE);
		arena_destroy(makers[i].arena);
	}
	(void)pthread_barrier_destroy(&line);
	free(makers);
	assert_int_equal(made, ALLOWED);
	assert_int_equal(find(sites, "a").usage, ALLOWED);
	assert_int_equal(number(sites, "SELECT count(*) FROM listing"),
	    ALLOWED);
	assert_int_equal(sites_records(sites), ALLOWED);
}

static void
add_key(struct sites *sites, const char *name, bool private,
    char key[ACCOUNT_KEY_SIZE])
{
	enum account_outcome	 outcome;

	assert_int_equal(account_key_add(&sites->site, name, private, key,
	    &outcome), 0);
	assert_int_equal(outcome, ACCOUNT_OK);
}

/* Whose request is it that says this? */
static struct account_caller
ask(struct sites *sites, const char *scheme, const char *key)
{
	struct account_caller	 caller;
	char			 header[256];

	(void)snprintf(header, sizeof(header), "%s%s", scheme, key);
	assert_int_equal(account_key_authenticate(&sites->site, header,
	    &caller), 0);
	return caller;
}

static int64_t
key_after(struct sites *sites, const char *name, int64_t after,
    struct store_api_key *row)
{
	enum account_outcome	 outcome;

	assert_int_equal(account_key_next(&sites->site, name, after, row,
	    &outcome), 0);
	return outcome == ACCOUNT_OK ? row->id : 0;
}

static void
keys_are_known(void **state)
{
	struct sites		*sites = *state;
	struct account_caller	 caller;
	char			 private[ACCOUNT_KEY_SIZE];
	char			 public[ACCOUNT_KEY_SIZE];
	char			 other[ACCOUNT_KEY_SIZE];
	char			 wrong[2 * ACCOUNT_KEY_SIZE];

	assert_int_equal(add(sites, "a", 1), ACCOUNT_OK);
	assert_int_equal(add(sites, "b", 1), ACCOUNT_OK);
	add_key(sites, "a", true, private);
	add_key(sites, "a", false, public);
	add_key(sites, "b", true, other);
	assert_memory_equal(private, "private_key_", 12);
	assert_memory_equal(public, "public_key_", 11);
	assert_true(strlen(private) >= 12 + 32);
	assert_true(strlen(public) >= 11 + 32);
	assert_true(strspn(private + 12, "0123456789abcdefghijklmnopqrstuvwxyz"
	    "ABCDEFGHIJKLMNOPQRSTUVWXYZ") == strlen(private + 12));

	static const char *const schemes[] = {
		"ApiKey ", "Bearer ", "apikey ", "BEARER ", "ApiKey   ",
	};
	for (size_t i = 0; i < sizeof(schemes) / sizeof(schemes[0]); i++) {
		caller = ask(sites, schemes[i], private);
		assert_int_equal(caller.account, find(sites, "a").id);
		assert_true(caller.private);
		caller = ask(sites, schemes[i], public);
		assert_int_equal(caller.account, find(sites, "a").id);
		assert_false(caller.private);
	}
	assert_int_equal(ask(sites, "ApiKey ", other).account,
	    find(sites, "b").id);

	static const char *const bad_schemes[] = {
		"", "Basic ", "ApiKey", "ApiKey\t", " ApiKey ", "ApiKey=",
	};
	for (size_t i = 0; i < sizeof(bad_schemes) / sizeof(bad_schemes[0]);
	    i++)
		assert_int_equal(ask(sites, bad_schemes[i], private).account,
		    0);
	assert_int_equal(ask(sites, "ApiKey ", "").account, 0);
	/* One character more, less, or other, and of the other kind. */
	(void)snprintf(wrong, sizeof(wrong), "%s0", private);
	assert_int_equal(ask(sites, "ApiKey ", wrong).account, 0);
	(void)snprintf(wrong, sizeof(wrong), "%s%s", private, private);
	assert_int_equal(ask(sites, "ApiKey ", wrong).account, 0);
	(void)snprintf(wrong, sizeof(wrong), "%s", private);
	wrong[strlen(wrong) - 1] ^= 1;
	assert_int_equal(ask(sites, "ApiKey ", wrong).account, 0);
	wrong[strlen(wrong) - 1] = '\0';
	assert_int_equal(ask(sites, "ApiKey ", wrong).account, 0);
	(void)snprintf(wrong, sizeof(wrong), "private_key_%s", public + 11);
	assert_int_equal(ask(sites, "ApiKey ", wrong).account, 0);
	(void)snprintf(wrong, sizeof(wrong), "%s", private);
	wrong[0] = 'P';
	assert_int_equal(ask(sites, "ApiKey ", wrong).account, 0);
	assert_int_equal(account_key_authenticate(&sites->site, NULL,
	    &caller), 0);
	assert_int_equal(caller.account, 0);
	/* Of what was handed out nothing is kept. */
	assert_int_equal(number(sites, "SELECT count(*) FROM api_key WHERE "
	    "length(hash) = 32 AND instr(hash, 'key') = 0"), 3);
}

static void
keys_are_revoked(void **state)
{
	struct sites		*sites = *state;
	struct store_api_key	 row;
	enum account_outcome	 outcome;
	char			 key[ACCOUNT_KEY_SIZE];
	char			 other[ACCOUNT_KEY_SIZE];
	int64_t			 id, last;

	assert_int_equal(add(sites, "a", 1), ACCOUNT_OK);
	assert_int_equal(add(sites, "b", 1), ACCOUNT_OK);
	add_key(sites, "a", true, other);
	add_key(sites, "a", true, key);
	id = key_after(sites, "a", 0, &row);
	last = key_after(sites, "a", id, &row);
	assert_int_equal(key_after(sites, "a", last, &row), 0);
	assert_int_equal(key_after(sites, "b", 0, &row), 0);
	assert_int_equal(account_key_revoke(&sites->site, "b", last,
	    &outcome), 0);
	assert_int_equal(outcome, ACCOUNT_NO_KEY);
	assert_int_not_equal(ask(sites, "ApiKey ", key).account, 0);
	assert_int_equal(account_key_revoke(&sites->site, "a", last,
	    &outcome), 0);
	assert_int_equal(outcome, ACCOUNT_OK);
	assert_int_equal(ask(sites, "ApiKey ", key).account, 0);
	assert_int_not_equal(ask(sites, "ApiKey ", other).account, 0);
	assert_int_equal(account_key_revoke(&sites->site, "a", last,
	    &outcome), 0);
	assert_int_equal(outcome, ACCOUNT_NO_KEY);
	assert_int_equal(account_key_revoke(&sites->site, "c", last,
	    &outcome), 0);
	assert_int_equal(outcome, ACCOUNT_NOT_FOUND);
	/* Its number is not another key's. */
	add_key(sites, "a", true, key);
	assert_true(key_after(sites, "a", id, &row) > last);
}

/* created_at counts how often a key's row is written. */
static void
use_is_noted_once_a_day(void **state)
{
	struct sites		*sites = *state;
	struct store_api_key	 row;
	char			 key[ACCOUNT_KEY_SIZE];
	int64_t			 today;

	assert_int_equal(add(sites, "a", 1), ACCOUNT_OK);
	add_key(sites, "a", false, key);
	(void)key_after(sites, "a", 0, &row);
	assert_int_equal(row.used_day, 0);
	sites_sql(sites, "UPDATE api_key SET created_at = 0; "
	    "CREATE TRIGGER count AFTER UPDATE OF used_day ON api_key "
	    "BEGIN UPDATE api_key SET created_at = created_at + 1; END");
	do {
		today = sites_now() / DAY;
		sites_sql(sites, "UPDATE api_key SET used_day = %d",
		    (int)today - 1);
		sites_sql(sites, "UPDATE api_key SET created_at = 0");
		for (int i = 0; i < 3; i++)
			(void)ask(sites, "ApiKey ", key);
		(void)key_after(sites, "a", 0, &row);
	} while (sites_now() / DAY != today);
	assert_int_equal(row.used_day, today);
	assert_int_equal(row.created_at, 1);
}

/* A row that we did not write is our failure, and nobody's key. */
static void
damage_is_not_a_stranger(void **state)
{
	struct sites		*sites = *state;
	struct account_caller	 caller;
	struct store_account	 row;
	enum account_outcome	 outcome;
	char			 key[ACCOUNT_KEY_SIZE], header[256];

	assert_int_equal(add(sites, "a", 1), ACCOUNT_OK);
	add_key(sites, "a", false, key);
	(void)snprintf(header, sizeof(header), "ApiKey %s", key);
	for (int i = 0; i < 2; i++) {
		sites_sql(sites, "UPDATE api_key SET hash = CAST(substr(hash,"
		    " 1, 31) || %s AS BLOB)", i == 0 ? "X''" : "X'0000'");
		assert_int_equal(account_key_authenticate(&sites->site,
		    header, &caller), STORE_FAILED);
	}
	sites_sql(sites, "UPDATE account SET name = '%0*d'",
	    STORE_NAME_MAX + 1, 0);
	assert_int_equal(account_next(&sites->site, 0, &row, &outcome),
	    STORE_FAILED);
	sites_sql(sites, "UPDATE account SET name = '%0*d'", STORE_NAME_MAX,
	    0);
	assert_int_equal(account_next(&sites->site, 0, &row, &outcome), 0);
	assert_int_equal(outcome, ACCOUNT_OK);
}

/* More than a slice of secrets, waiting, opened and over, and none of
 * another's. */
static void
removal_takes_everything(void **state)
{
	enum { MANY = 150 };
	struct sites		*sites = *state;
	struct sites_secret	 secret, kept;
	enum account_outcome	 outcome;
	enum secret_outcome	 deleted;
	char			 key[ACCOUNT_KEY_SIZE];
	char			 other[ACCOUNT_KEY_SIZE];
	int64_t			 a, b;

	assert_int_equal(add(sites, "b", STORE_UNLIMITED), ACCOUNT_OK);
	assert_int_equal(add(sites, "a", STORE_UNLIMITED), ACCOUNT_OK);
	a = find(sites, "a").id;
	b = find(sites, "b").id;
	add_key(sites, "a", true, key);
	add_key(sites, "b", true, other);
	assert_int_equal(create(sites, b, &kept), SECRET_OK);
	assert_int_equal(sites_read(sites, &kept, NULL, NULL), SECRET_OK);
	for (int i = 0; i < MANY; i++) {
		assert_int_equal(create(sites, a, &secret), SECRET_OK);
		for (int views = i % 3; views > 0; views--)
			assert_int_equal(sites_read(sites, &secret, NULL,
			    NULL), SECRET_OK);
		if (i + 1 < MANY)
			sites_drop(&secret);
	}
	assert_int_equal(number(sites, "SELECT count(*) FROM view"),
	    MANY + 1);
	assert_int_equal(number(sites, "SELECT count(*) FROM listing"),
	    MANY + 1);
	assert_int_equal(account_remove(&sites->site, "a", &outcome), 0);
	assert_int_equal(outcome, ACCOUNT_OK);

	assert_int_equal(number(sites, "SELECT count(*) FROM secret"), 1);
	assert_int_equal(number(sites, "SELECT count(*) FROM record"), 1);
	assert_int_equal(number(sites, "SELECT count(*) FROM listing"), 1);
	assert_int_equal(number(sites, "SELECT count(*) FROM view"), 1);
	assert_int_equal(number(sites, "SELECT count(*) FROM api_key"), 1);
	assert_int_equal(number(sites, "SELECT count(*) FROM account"), 1);
	assert_int_equal(sites_read(sites, &secret, NULL, NULL),
	    SECRET_NOT_FOUND);
	assert_int_equal(ask(sites, "ApiKey ", key).account, 0);
	assert_int_equal(account_remove(&sites->site, "a", &outcome), 0);
	assert_int_equal(outcome, ACCOUNT_NOT_FOUND);
	/* Who was let in before comes too late, and is nobody else then. */
	assert_int_equal(listing_delete(&sites->site, a, kept.token,
	    &deleted), 0);
	assert_int_equal(deleted, SECRET_NOT_FOUND);
	assert_int_equal(create_and_drop(sites, a), SECRET_NO_ACCOUNT);
	assert_int_equal(add(sites, "a", STORE_UNLIMITED), ACCOUNT_OK);
	assert_int_not_equal(find(sites, "a").id, a);
	assert_int_equal(create_and_drop(sites, a), SECRET_NO_ACCOUNT);
	/* The other one's is whole. */
	assert_int_equal(ask(sites, "ApiKey ", other).account, b);
	assert_int_equal(sites_read(sites, &kept, NULL, NULL), SECRET_OK);
	sites_drop(&secret);
	sites_drop(&kept);
}

int
main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(names),
		cmocka_unit_test(months),
		TEST(allowance_of_a_month),
		TEST(another_month),
		cmocka_unit_test_setup_teardown(allowance_of_many,
		    setup_threads, teardown),
		TEST(keys_are_known),
		TEST(keys_are_revoked),
		TEST(use_is_noted_once_a_day),
		TEST(damage_is_not_a_stranger),
		TEST(removal_takes_everything),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: ISC */

/*
 * What an account sees of its secrets: views that are counted exactly, rows
 * that outlive their secrets and are forgotten in time, notes that nobody
 * changed.
 */

#include "sites.h"

#include <sodium.h>
#include <sqlite3.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/arena.h"
#include "core/account.h"
#include "core/listing.h"
#include "core/sweep.h"
#include "crypto/note.h"
#include "stores.h"

#define DESCRIPTION	"a description"
#define MESSAGE		"a message"

static int64_t account;

static void
add_account(struct sites *sites)
{
	struct store_account	 row;
	enum account_outcome	 outcome;

	assert_int_equal(account_add(&sites->site, "one", STORE_UNLIMITED,
	    STORE_UNLIMITED, &outcome), 0);
	assert_int_equal(account_find(&sites->site, "one", &row, &outcome),
	    0);
	account = row.id;
}

static int
setup(void **state)
{
	struct sites	*sites;

	sites = sites_open("claim_seconds = 0s\nkeep_receipts = 0s\n",
	    SITE_THREADS);
	add_account(sites);
	*state = sites;
	return 0;
}

static int
teardown(void **state)
{
	assert_int_equal(sites_miscounts(*state), 0);
	sites_close(*state);
	return 0;
}

/* A listed secret; what it lists must live as long as it is being made. */
static enum secret_outcome
make_named(struct sites *sites, struct sites_secret *secret,
    int64_t lifetime, uint32_t views)
{
	struct listing	 listing = {
		.account = account, .hours = 3, .views = views,
		.flags = LISTING_VIEW_BUTTON,
		.description = DESCRIPTION,
		.description_size = strlen(DESCRIPTION),
		.message = MESSAGE,
		.message_size = strlen(MESSAGE),
	};
	enum secret_outcome	 outcome;

	secret->creation.kind = SECRET_SJCL;
	secret->creation.listing = &listing;
	secret->creation.lifetime = lifetime;
	secret->creation.views = views;
	outcome = sites_create(sites, secret);
	secret->creation.listing = NULL;
	return outcome;
}

static enum secret_outcome
make(struct sites *sites, struct sites_secret *secret, int64_t lifetime,
    uint32_t views)
{
	sites_draw(secret, SITES_SMALL);
	return make_named(sites, secret, lifetime, views);
}

static size_t
page(struct sites *sites, struct arena *arena, struct listing_entry **entries)
{
	size_t	 count;

	assert_int_equal(listing_page(&sites->site, arena, account, 0,
	    entries, &count), 0);
	return count;
}

static struct listing_totals
totals(struct sites *sites)
{
	struct listing_totals	 found;

	assert_int_equal(listing_totals(&sites->site, account, &found), 0);
	return found;
}

static int
number(struct sites *sites, const char *sql)
{
	sqlite3	*database = stores_raw(sites->conf.state_dir);
	int	 value = stores_number(database, sql);

	assert_int_equal(sqlite3_close(database), SQLITE_OK);
	return value;
}

static void
lists_what_was_made(void **state)
{
	struct sites		*sites = *state;
	struct arena		*arena = arena_create();
	struct listing_entry	*entries;
	struct sites_secret	 secret;

	assert_int_equal(make(sites, &secret, 60000, 7), SECRET_OK);
	assert_int_equal(page(sites, arena, &entries), 1);
	assert_memory_equal(entries->token, secret.token, TOKEN_BYTES);
	assert_int_equal(entries->expires_at, secret.creation.expires_at);
	assert_int_equal(entries->hours, 3);
	assert_int_equal(entries->max_views, 7);
	assert_int_equal(entries->flags, LISTING_VIEW_BUTTON);
	assert_string_equal(entries->description, DESCRIPTION);
	assert_string_equal(entries->message, MESSAGE);
	assert_int_equal(entries->views_count, 0);
	assert_int_equal(totals(sites).total, 1);
	arena_destroy(arena);
	sites_drop(&secret);
}

/* 64 at once at five views: five are given and five are logged. */
static void
counts_views_exactly(void **state)
{
	struct sites		*sites = *state;
	struct arena		*arena = arena_create();
	struct secret_proof	 proofs[SITES_RACERS] = { { .pin = NULL } };
	struct listing_entry	*entries;
	struct sites_secret	 secret;
	int			 outcomes[SECRET_OUTCOME__MAX];

	assert_int_equal(make(sites, &secret, 60000, 5), SECRET_OK);
	sites_race(sites, &secret, proofs, outcomes);
	assert_int_equal(outcomes[SECRET_OK], 5);
	assert_int_equal(outcomes[SECRET_OVER], SITES_RACERS - 5);
	assert_int_equal(page(sites, arena, &entries), 1);
	assert_int_equal(entries->view_times, 5);
	assert_int_equal(entries->views_count, 5);
	assert_null(entries->message);
	assert_string_equal(entries->description, DESCRIPTION);
	for (size_t i = 1; i < 5; i++)
		assert_true(entries->views[i - 1].viewed_at <=
		    entries->views[i].viewed_at);
	arena_destroy(arena);
	sites_drop(&secret);
}

#define AGENT	"an agent with a name that is as long as is kept of any, "

/* A view as clients of an account take them; the outcome. */
static enum secret_outcome
view(struct sites *sites, const struct sites_secret *secret)
{
	char	 agent[500] = AGENT AGENT AGENT AGENT AGENT AGENT AGENT AGENT;
	struct secret_reading	 reading = {
		.kinds = SECRET_KIND_BIT(SECRET_SJCL), .account = account,
		.viewer = { .address = "192.0.2.1", .agent = agent },
	};

	memcpy(reading.token, secret->token, TOKEN_BYTES);
	assert_int_equal(secret_open(&sites->site, sites->arena, &reading),
	    0);
	arena_reset(sites->arena);
	return reading.outcome;
}

/* Until no other secret is taken, however small. */
static void
fill_the_store(struct sites *sites)
{
	static const size_t	 sizes[] = { 60000, 5000, 100 };
	struct sites_secret	 secret;
	int			 result;

	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++)
		do {
			sites_draw(&secret, sizes[i]);
			result = secret_create(&sites->site, sites->arena,
			    &secret.creation);
			sites_drop(&secret);
			arena_reset(sites->arena);
		} while (result == 0);
	assert_int_equal(result, STORE_FULL);
}

/* One account's log of views leaves the others room to read. */
static void
views_leave_room_for_readers(void **state)
{
	struct sites		*sites = *state;
	struct arena		*arena = arena_create();
	struct listing_entry	*entries;
	struct sites_secret	 secrets[3], other;

	sites_restart(sites, "claim_seconds = 1m\nmax_store = 1M\n"
	    "max_envelope = 1M\nmax_ciphertext = 1K\n"
	    "max_attachment = 1K\n");
	sites_draw(&other, SITES_SMALL);
	sites_gate(&other);
	assert_int_equal(sites_create(sites, &other), SECRET_OK);
	for (int i = 0; i < 3; i++)
		assert_int_equal(make(sites, &secrets[i], 60000, 100),
		    SECRET_OK);
	assert_int_equal(view(sites, &secrets[0]), SECRET_OK);
	fill_the_store(sites);
	for (int i = 0; i < 3; i++)
		for (int count = i == 0; count < 100; count++)
			assert_int_equal(view(sites, &secrets[i]),
			    SECRET_OK);
	assert_int_equal(page(sites, arena, &entries), 3);
	for (int i = 0; i < 3; i++) {
		assert_int_equal(entries[i].view_times, 100);
		assert_true(entries[i].views_count < 100);
		assert_int_equal(view(sites, &secrets[i]), SECRET_OVER);
		sites_drop(&secrets[i]);
	}
	assert_true(entries[2].views_count >= 1);
	assert_int_equal(sites_read(sites, &other, other.claims[0],
	    other.wrong), SECRET_WRONG_PIN);
	assert_int_equal(sites_read(sites, &other, other.claims[0],
	    other.gate), SECRET_OK);
	arena_destroy(arena);
	sites_drop(&other);
}

/* The message goes when the time is over, the row when that is forgotten. */
static void
forgets_in_time(void **state)
{
	struct sites		*sites = *state;
	struct arena		*arena = arena_create();
	struct listing_entry	*entries;
	struct sites_secret	 secret, read;
	struct sweep_result	 result;

	sites_restart(sites, "claim_seconds = 0s\nkeep_receipts = 1h\n");
	assert_int_equal(make(sites, &read, 300, 2), SECRET_OK);
	assert_int_equal(make(sites, &secret, 300, 2), SECRET_OK);
	assert_int_equal(sites_read(sites, &read, NULL, NULL), SECRET_OK);
	sites_await(secret.creation.expires_at);
	assert_int_equal(sites_read(sites, &secret, NULL, NULL),
	    SECRET_OVER);
	/* Before the sweeper: still there, and expired by the time. */
	assert_int_equal(page(sites, arena, &entries), 2);
	assert_true(totals(sites).now >= entries->expires_at);
	assert_int_equal(sweep_run(&sites->site, &result), 0);
	assert_int_equal(page(sites, arena, &entries), 2);
	assert_null(entries[0].message);
	assert_null(entries[1].message);
	assert_int_equal(entries[1].view_times, 1);

	sites_restart(sites, "claim_seconds = 0s\nkeep_receipts = 0s\n");
	sites_sql(sites, "UPDATE secret SET due_at = 1");
	assert_int_equal(sweep_run(&sites->site, &result), 0);
	assert_int_equal(page(sites, arena, &entries), 0);
	assert_int_equal(totals(sites).total, 0);
	assert_int_equal(totals(sites).usage, 2);
	arena_destroy(arena);
	sites_drop(&secret);
	sites_drop(&read);
}

static void
deletes_its_own_alone(void **state)
{
	struct sites		*sites = *state;
	struct sites_secret	 secret, unlisted;
	enum secret_outcome	 outcome;

	assert_int_equal(make(sites, &secret, 60000, 1), SECRET_OK);
	sites_draw(&unlisted, SITES_SMALL);
	assert_int_equal(sites_create(sites, &unlisted), SECRET_OK);
	assert_int_equal(listing_delete(&sites->site, account,
	    unlisted.token, &outcome), 0);
	assert_int_equal(outcome, SECRET_NOT_FOUND);
	assert_int_equal(listing_delete(&sites->site, account + 1,
	    secret.token, &outcome), 0);
	assert_int_equal(outcome, SECRET_NOT_FOUND);
	assert_int_equal(listing_delete(&sites->site, account, secret.token,
	    &outcome), 0);
	assert_int_equal(outcome, SECRET_OK);
	assert_int_equal(sites_read(sites, &secret, NULL, NULL), SECRET_OVER);
	assert_int_equal(sites_row(sites, &secret).state, STORE_BURNED);
	assert_int_equal(listing_delete(&sites->site, account, secret.token,
	    &outcome), 0);
	assert_int_equal(outcome, SECRET_NOT_FOUND);
	assert_int_equal(sites_read(sites, &unlisted, NULL, NULL), SECRET_OK);
	sites_drop(&secret);
	sites_drop(&unlisted);
}

/* What is not made is not charged, and the other way round. */
static void
charges_what_it_makes(void **state)
{
	const int64_t		 one = 1, two = 2;
	struct sites		*sites = *state;
	struct sites_secret	 secret, refused;
	enum account_outcome	 outcome;

	assert_int_equal(account_set(&sites->site, "one", &one, NULL,
	    &outcome), 0);
	assert_int_equal(make(sites, &secret, 60000, 1), SECRET_OK);
	assert_int_equal(make(sites, &refused, 60000, 1),
	    SECRET_NO_ALLOWANCE);
	sites_drop(&refused);
	/* Nor for a name that is taken. */
	assert_int_equal(account_set(&sites->site, "one", &two, NULL,
	    &outcome), 0);
	refused = secret;
	refused.receipt[0] ^= 1;
	assert_int_equal(make_named(sites, &refused, 60000, 1),
	    SECRET_EXISTS);
	assert_int_equal(totals(sites).total, 1);
	assert_int_equal(totals(sites).usage, 1);
	assert_int_equal(sites_records(sites), 1);
	/* The next month begins anew. */
	sites_sql(sites, "UPDATE account SET month = month - 1");
	assert_int_equal(totals(sites).usage, 0);
	assert_int_equal(make(sites, &refused, 60000, 1), SECRET_OK);
	assert_int_equal(totals(sites).usage, 1);
	sites_drop(&refused);
	/* Nothing is made for an account that is gone. */
	assert_int_equal(account_remove(&sites->site, "one", &outcome), 0);
	assert_int_equal(make(sites, &refused, 60000, 1),
	    SECRET_NO_ACCOUNT);
	assert_int_equal(sites_records(sites), 0);
	sites_drop(&secret);
	sites_drop(&refused);
}

/* A row that somebody changed is our failure, and costs no view. */
static void
gives_no_changed_message(void **state)
{
	static const struct secret_proof none = { .pin = NULL };
	struct sites		*sites = *state;
	struct arena		*arena = arena_create();
	struct listing_entry	*entries;
	struct sites_secret	 secret, other;

	assert_int_equal(make(sites, &secret, 60000, 1), SECRET_OK);
	assert_int_equal(make(sites, &other, 60000, 1), SECRET_OK);
	/* Each has the other's. */
	sites_sql(sites, "CREATE TABLE kept AS SELECT * FROM listing;"
	    "UPDATE listing SET message = (SELECT message FROM kept"
	    " WHERE kept.secret <> listing.secret); DROP TABLE kept");
	assert_int_equal(sites_ask(sites, &secret, &none), STORE_FAILED);
	assert_int_equal(sites_row(sites, &secret).views_left, 1);
	assert_int_equal(page(sites, arena, &entries), 2);
	assert_null(entries[0].message);
	assert_null(entries[1].message);
	arena_destroy(arena);
	sites_drop(&secret);
	sites_drop(&other);
}

/* The first page, which says these words on standard error. */
static size_t
page_saying(struct sites *sites, struct arena *arena,
    struct listing_entry **entries, const char *words)
{
	FILE	*said = tmpfile();
	int	 saved = dup(STDERR_FILENO);
	size_t	 count, length;
	char	 text[1000];

	assert_non_null(said);
	assert_true(saved != -1);
	assert_true(dup2(fileno(said), STDERR_FILENO) != -1);
	count = page(sites, arena, entries);
	assert_true(dup2(saved, STDERR_FILENO) != -1);
	(void)close(saved);
	rewind(said);
	length = fread(text, 1, sizeof(text) - 1, said);
	(void)fclose(said);
	text[length] = '\0';
	if (strstr(text, words) == NULL)
		fail_msg("%s is not in: %s", words, text);
	return count;
}

/* What does not open is left out and said, and the rest is there. */
static void
leaves_out_what_is_damaged(void **state)
{
	static const char *const damages[] = {
		"UPDATE listing SET note = X'00'",
		"UPDATE listing SET note = X''",
		"UPDATE listing SET note = zeroblob(200)",
		"UPDATE secret SET state = 99",
		"UPDATE secret SET kind = -1",
		"UPDATE secret SET record_bytes = -1",
		"UPDATE secret SET verifier = X'00'",
	};
	struct sites		*sites = *state;
	struct arena		*arena = arena_create();
	struct listing_entry	*entries;
	struct sites_secret	 whole, secret;
	enum secret_outcome	 outcome;
	uint8_t			 viewer[] = { 200 };
	uint8_t			 note[sizeof(viewer) + NOTE_OVERHEAD];
	char			 hex[2 * sizeof(note) + 1];

	assert_int_equal(make(sites, &whole, 60000, 2), SECRET_OK);
	assert_int_equal(sites_read(sites, &whole, NULL, NULL), SECRET_OK);
	/* A view that was sealed by us, and not as it is written. */
	note_seal(sites->site.keyring, NOTE_VIEWER,
	    sites_row(sites, &whole).lookup, viewer, sizeof(viewer), note);
	(void)sodium_bin2hex(hex, sizeof(hex), note, sizeof(note));
	sites_sql(sites, "UPDATE view SET viewer = X'%s'", hex);
	assert_int_equal(page_saying(sites, arena, &entries,
	    "record-damaged"), 1);
	assert_int_equal(entries->view_times, 1);
	assert_int_equal(entries->views_count, 0);
	for (size_t i = 0; i < sizeof(damages) / sizeof(damages[0]); i++) {
		assert_int_equal(make(sites, &secret, 60000, 2), SECRET_OK);
		sites_sql(sites, "%s WHERE rowid = (SELECT max(secret) FROM"
		    " listing)", damages[i]);
		assert_int_equal(page_saying(sites, arena, &entries,
		    "damaged"), 1);
		assert_memory_equal(entries->token, whole.token, TOKEN_BYTES);
		assert_int_equal(totals(sites).total, 2);
		assert_int_equal(listing_delete(&sites->site, account,
		    secret.token, &outcome), 0);
		assert_int_equal(outcome, SECRET_OK);
		assert_int_equal(totals(sites).total, 1);
		assert_int_equal(sites_records(sites), 1);
		assert_int_equal(number(sites, "SELECT count(*) FROM secret"
		    " WHERE state = 99 OR kind = -1 OR record_bytes = -1"),
		    0);
		sites_drop(&secret);
	}
	arena_destroy(arena);
	sites_drop(&whole);
}

/* An account takes all of its secrets with it, however they look. */
static void
removes_what_is_damaged(void **state)
{
	static const char *const damages[] = {
		"UPDATE listing SET note = X''",
		"UPDATE secret SET state = 99, kind = 77",
		"UPDATE secret SET lookup = X'00'",
		"DELETE FROM secret",
	};
	const char		*rows = "SELECT (SELECT count(*) FROM secret)"
				    " + (SELECT count(*) FROM listing)"
				    " + (SELECT count(*) FROM view)";
	struct sites		*sites = *state;
	struct sites_secret	 secret;
	enum account_outcome	 outcome;

	for (size_t i = 0; i < sizeof(damages) / sizeof(damages[0]); i++) {
		for (int count = 0; count < 3; count++) {
			assert_int_equal(make(sites, &secret, 60000, 2),
			    SECRET_OK);
			assert_int_equal(sites_read(sites, &secret, NULL,
			    NULL), SECRET_OK);
			sites_drop(&secret);
		}
		/* The one in the middle. */
		sites_sql(sites, "%s WHERE rowid = (SELECT max(secret) - 1"
		    " FROM listing)", damages[i]);
		assert_int_equal(account_remove(&sites->site, "one",
		    &outcome), 0);
		assert_int_equal(outcome, ACCOUNT_OK);
		assert_int_equal(number(sites, rows), 0);
		add_account(sites);
	}
}

int
main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(lists_what_was_made),
		TEST(counts_views_exactly),
		TEST(views_leave_room_for_readers),
		TEST(forgets_in_time),
		TEST(deletes_its_own_alone),
		TEST(charges_what_it_makes),
		TEST(gives_no_changed_message),
		TEST(leaves_out_what_is_damaged),
		TEST(removes_what_is_damaged)
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}

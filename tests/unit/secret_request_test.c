/* SPDX-License-Identifier: ISC */

/*
 * Secret requests: who may make and fill them, how often, what a filling
 * makes, and what is left when one is over.
 */

#include "sites.h"

#include <pthread.h>
#include <sqlite3.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "core/account.h"
#include "core/listing.h"
#include "core/mail.h"
#include "core/secret_request.h"
#include "core/sweep.h"
#include "stores.h"

#define HOUR	((int64_t)3600000)
#define PAYLOAD	"{\"ciphertext\":\"c\",\"password_part_private\":\"p\"}"
#define PART	"ZGVm"

static int
setup(void **state)
{
	struct sites	*sites;
	enum account_outcome outcome;

	sites = sites_open("site_url = https://secrets.example.org\n",
	    SITE_THREADS);
	assert_int_equal(account_add(&sites->site, "team", STORE_UNLIMITED,
	    STORE_UNLIMITED, &outcome), 0);
	assert_int_equal(account_add(&sites->site, "other", STORE_UNLIMITED,
	    STORE_UNLIMITED, &outcome), 0);
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

static struct store_account
account(struct sites *sites, const char *name)
{
	struct store_account	 row;
	enum account_outcome	 outcome;

	assert_int_equal(account_find(&sites->site, name, &row, &outcome), 0);
	assert_int_equal(outcome, ACCOUNT_OK);
	return row;
}

static void
say(struct secret_request *request, enum secret_request_words which,
    const char *text)
{
	request->words[which].bytes = text;
	request->words[which].length = strlen(text);
}

static struct secret_request_creation
draw(struct sites *sites, const char *name)
{
	return (struct secret_request_creation){
		.account = account(sites, name).id, .lifetime = HOUR,
		.request = {
			.hours = 1, .limit = 1, .secret_views = 1,
			.secret_hours = SECRET_REQUEST_NO_HOURS,
		},
	};
}

static enum secret_request_outcome
create(struct sites *sites, struct secret_request_creation *creation)
{
	assert_int_equal(secret_request_create(&sites->site, sites->arena,
	    creation), 0);
	return creation->outcome;
}

static struct secret_request_shown
peek(struct sites *sites, const uint8_t *token)
{
	struct secret_request_shown shown;

	assert_int_equal(secret_request_peek(&sites->site, sites->arena,
	    token, &shown), 0);
	return shown;
}

static enum secret_request_outcome
fill(struct sites *sites, const uint8_t *token, const char *part,
    struct secret_request_filling *filling)
{
	struct secret_request_filling mine;

	if (filling == NULL)
		filling = &mine;
	*filling = (struct secret_request_filling){
		.payload = PAYLOAD, .payload_size = strlen(PAYLOAD),
		.part = part,
	};
	memcpy(filling->token, token, TOKEN_BYTES);
	assert_int_equal(secret_request_fill(&sites->site, sites->arena,
	    filling), 0);
	return filling->outcome;
}

static enum secret_request_outcome
delete(struct sites *sites, const char *name, const uint8_t *token)
{
	enum secret_request_outcome outcome;

	assert_int_equal(secret_request_delete(&sites->site,
	    account(sites, name).id, token, &outcome), 0);
	return outcome;
}

static size_t
page(struct sites *sites, const char *name, int64_t offset,
    struct secret_request_entry **entries)
{
	size_t	 count;

	assert_int_equal(secret_request_page(&sites->site, sites->arena,
	    account(sites, name).id, offset, entries, &count), 0);
	return count;
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
assert_words(const struct secret_request *request,
    enum secret_request_words which, const char *text)
{
	assert_int_equal(request->words[which].length, strlen(text));
	assert_string_equal(request->words[which].bytes, text);
}

static void
is_listed_as_made(void **state)
{
	struct sites	*sites = *state;
	struct secret_request_creation creation = draw(sites, "team");
	struct secret_request_entry *entries;
	int64_t		 before = sites_now();

	say(&creation.request, SECRET_REQUEST_DESCRIPTION, "for the files");
	say(&creation.request, SECRET_REQUEST_MESSAGE, "please");
	say(&creation.request, SECRET_REQUEST_SEND_TO, "us@example.org");
	say(&creation.request, SECRET_REQUEST_SECRET_DESCRIPTION, "");
	say(&creation.request, SECRET_REQUEST_SECRET_PASSWORD, "p\xc3\xa5ss");
	creation.request.hours = 350;
	creation.request.limit = 1000;
	creation.request.secret_hours = 7;
	creation.request.secret_views = 100;
	assert_int_equal(create(sites, &creation), SECRET_REQUEST_OK);
	assert_int_equal(page(sites, "team", 0, &entries), 1);
	assert_memory_equal(entries->token, creation.token, TOKEN_BYTES);
	assert_words(&entries->request, SECRET_REQUEST_DESCRIPTION,
	    "for the files");
	assert_words(&entries->request, SECRET_REQUEST_MESSAGE, "please");
	assert_words(&entries->request, SECRET_REQUEST_SEND_TO,
	    "us@example.org");
	assert_words(&entries->request, SECRET_REQUEST_SECRET_DESCRIPTION,
	    "");
	assert_null(entries->request.words[
	    SECRET_REQUEST_SECRET_MESSAGE].bytes);
	/* That there is one, and no more. */
	assert_words(&entries->request, SECRET_REQUEST_SECRET_PASSWORD, "");
	assert_int_equal(entries->request.hours, 350);
	assert_int_equal(entries->request.limit, 1000);
	assert_int_equal(entries->request.secret_hours, 7);
	assert_int_equal(entries->request.secret_views, 100);
	assert_in_range(entries->expires_at, before + HOUR,
	    sites_now() + HOUR);
	assert_int_equal(page(sites, "other", 0, &entries), 0);
	/* Pages, the newest first. */
	for (int i = 0; i < SECRET_REQUEST_PAGE; i++) {
		creation = draw(sites, "team");
		assert_int_equal(create(sites, &creation), SECRET_REQUEST_OK);
	}
	assert_int_equal(page(sites, "team", 0, &entries),
	    SECRET_REQUEST_PAGE);
	assert_memory_equal(entries->token, creation.token, TOKEN_BYTES);
	assert_int_equal(page(sites, "team", SECRET_REQUEST_PAGE, &entries),
	    1);
	assert_int_equal(entries->request.hours, 350);
	assert_int_equal(page(sites, "team", 51, &entries), 0);
	assert_int_equal(page(sites, "team", INT64_MAX, &entries), 0);
}

static void
counts_in_a_month(void **state)
{
	struct sites	*sites = *state;
	struct secret_request_creation creation;
	struct listing_totals totals;
	const int64_t	 two = 2;
	enum account_outcome outcome;

	assert_int_equal(account_set(&sites->site, "team", NULL, &two,
	    &outcome), 0);
	for (int i = 0; i < 3; i++) {
		creation = draw(sites, "team");
		assert_int_equal(create(sites, &creation), i < 2 ?
		    SECRET_REQUEST_OK : SECRET_REQUEST_NO_ALLOWANCE);
	}
	assert_int_equal(listing_totals(&sites->site,
	    account(sites, "team").id, &totals), 0);
	assert_int_equal(totals.request_total, 2);
	assert_int_equal(totals.request_usage, 2);
	assert_int_equal(totals.usage, 0);
	creation.account = 77;
	assert_int_equal(create(sites, &creation), SECRET_REQUEST_NO_ACCOUNT);
	assert_int_equal(number(sites, "SELECT count(*) FROM secret_request"),
	    2);
}

static void
makes_the_secret(void **state)
{
	struct sites	*sites = *state;
	struct secret_request_creation creation = draw(sites, "team");
	struct secret_request_filling filling;
	struct secret_request_shown shown;
	struct secret_reading reading = { .kinds = SECRET_KINDS_ALL };
	struct listing_entry *entries;
	size_t		 count;

	say(&creation.request, SECRET_REQUEST_MESSAGE, "please");
	say(&creation.request, SECRET_REQUEST_SECRET_DESCRIPTION, "the key");
	say(&creation.request, SECRET_REQUEST_SECRET_MESSAGE, "take it");
	say(&creation.request, SECRET_REQUEST_SECRET_PASSWORD, "sesame");
	creation.request.limit = 2;
	creation.request.secret_hours = 5;
	creation.request.secret_views = 3;
	assert_int_equal(create(sites, &creation), SECRET_REQUEST_OK);
	shown = peek(sites, creation.token);
	assert_int_equal(shown.outcome, SECRET_REQUEST_OK);
	assert_string_equal(shown.message, "please");
	assert_int_equal(shown.uses_left, 2);
	assert_false(shown.mailed);
	assert_int_equal(fill(sites, creation.token, PART, NULL),
	    SECRET_REQUEST_PART_UNWANTED);
	assert_int_equal(fill(sites, creation.token, NULL, &filling),
	    SECRET_REQUEST_OK);
	assert_int_equal(peek(sites, creation.token).uses_left, 1);
	assert_int_equal(account(sites, "team").usage, 1);

	assert_int_equal(listing_page(&sites->site, sites->arena,
	    creation.account, 0, &entries, &count), 0);
	assert_int_equal(count, 1);
	assert_memory_equal(entries->token, filling.secret, TOKEN_BYTES);
	assert_int_equal(entries->hours, 5);
	assert_int_equal(entries->max_views, 3);
	assert_int_equal(entries->flags, LISTING_PASSWORD);
	assert_string_equal(entries->description, "the key");
	assert_string_equal(entries->message, "take it");
	assert_in_range(entries->expires_at - entries->created_at, 5 * HOUR,
	    5 * HOUR);

	memcpy(reading.token, filling.secret, TOKEN_BYTES);
	assert_int_equal(secret_open(&sites->site, sites->arena, &reading),
	    0);
	assert_int_equal(reading.outcome, SECRET_PIN_REQUIRED);
	reading.proof.pin = "sesame";
	reading.proof.pin_length = 6;
	assert_int_equal(secret_open(&sites->site, sites->arena, &reading),
	    0);
	assert_int_equal(reading.outcome, SECRET_OK);
	assert_int_equal(reading.payload_size, strlen(PAYLOAD));
	assert_memory_equal(reading.payload, PAYLOAD, strlen(PAYLOAD));
	assert_string_equal(reading.message, "take it");
	assert_int_equal(number(sites, "SELECT count(*) FROM outbox"), 0);
}

static void
ends(void **state)
{
	struct sites	*sites = *state;
	struct secret_request_creation creation;
	uint8_t		 unknown[TOKEN_BYTES] = { 1 };

	assert_int_equal(peek(sites, unknown).outcome,
	    SECRET_REQUEST_NOT_FOUND);
	assert_int_equal(fill(sites, unknown, NULL, NULL),
	    SECRET_REQUEST_NOT_FOUND);
	assert_int_equal(delete(sites, "team", unknown),
	    SECRET_REQUEST_NOT_FOUND);
	/* Used up; still listed. */
	creation = draw(sites, "team");
	assert_int_equal(create(sites, &creation), SECRET_REQUEST_OK);
	assert_int_equal(fill(sites, creation.token, NULL, NULL),
	    SECRET_REQUEST_OK);
	assert_int_equal(peek(sites, creation.token).outcome,
	    SECRET_REQUEST_NOT_FOUND);
	assert_int_equal(fill(sites, creation.token, NULL, NULL),
	    SECRET_REQUEST_NOT_FOUND);
	assert_int_equal(number(sites, "SELECT count(*) FROM secret_request"),
	    1);
	/* Deleted, by nobody else. */
	creation = draw(sites, "team");
	assert_int_equal(create(sites, &creation), SECRET_REQUEST_OK);
	assert_int_equal(delete(sites, "other", creation.token),
	    SECRET_REQUEST_NOT_FOUND);
	assert_int_equal(peek(sites, creation.token).outcome,
	    SECRET_REQUEST_OK);
	assert_int_equal(delete(sites, "team", creation.token),
	    SECRET_REQUEST_OK);
	assert_int_equal(fill(sites, creation.token, NULL, NULL),
	    SECRET_REQUEST_NOT_FOUND);
	/* Expired, though nobody swept. */
	creation = draw(sites, "team");
	creation.lifetime = 1;
	assert_int_equal(create(sites, &creation), SECRET_REQUEST_OK);
	sites_await(sites_now() + 1);
	assert_int_equal(peek(sites, creation.token).outcome,
	    SECRET_REQUEST_NOT_FOUND);
	assert_int_equal(fill(sites, creation.token, NULL, NULL),
	    SECRET_REQUEST_NOT_FOUND);
	assert_int_equal(number(sites, "SELECT count(*) FROM secret"), 1);
}

/* Over the allowance nothing is stored, and no use is lost. */
static void
costs_nothing_when_refused(void **state)
{
	struct sites	*sites = *state;
	struct secret_request_creation creation = draw(sites, "team");
	const int64_t	 none = 0, one = 1;
	enum account_outcome outcome;

	say(&creation.request, SECRET_REQUEST_SEND_TO, "us@example.org");
	assert_int_equal(create(sites, &creation), SECRET_REQUEST_OK);
	assert_int_equal(account_set(&sites->site, "team", &none, NULL,
	    &outcome), 0);
	assert_int_equal(fill(sites, creation.token, PART, NULL),
	    SECRET_REQUEST_NO_ALLOWANCE);
	assert_int_equal(fill(sites, creation.token, NULL, NULL),
	    SECRET_REQUEST_PART_MISSING);
	assert_int_equal(peek(sites, creation.token).uses_left, 1);
	assert_int_equal(number(sites, "SELECT count(*) FROM secret"), 0);
	assert_int_equal(number(sites, "SELECT count(*) FROM outbox"), 0);
	assert_int_equal(account_set(&sites->site, "team", &one, NULL,
	    &outcome), 0);
	assert_int_equal(fill(sites, creation.token, PART, NULL),
	    SECRET_REQUEST_OK);
	assert_int_equal(number(sites, "SELECT count(*) FROM outbox WHERE "
	    "secret = (SELECT id FROM secret)"), 1);
}

static void
mails_go_with_their_cause(void **state)
{
	struct sites	*sites = *state;
	struct secret_request_creation creation = draw(sites, "team");
	struct secret_request_filling filling;
	enum secret_outcome outcome;

	say(&creation.request, SECRET_REQUEST_SEND_TO, "us@example.org");
	creation.request.limit = 2;
	creation.announce_to = "them@example.org";
	assert_int_equal(create(sites, &creation), SECRET_REQUEST_OK);
	assert_true(peek(sites, creation.token).mailed);
	assert_int_equal(number(sites, "SELECT count(*) FROM outbox WHERE "
	    "request = (SELECT id FROM secret_request)"), 1);
	assert_int_equal(fill(sites, creation.token, PART, &filling),
	    SECRET_REQUEST_OK);
	assert_int_equal(number(sites, "SELECT count(*) FROM outbox"), 2);
	assert_int_equal(delete(sites, "team", creation.token),
	    SECRET_REQUEST_OK);
	assert_int_equal(number(sites, "SELECT count(*) FROM outbox"), 1);
	assert_int_equal(listing_delete(&sites->site, creation.account,
	    filling.secret, &outcome), 0);
	assert_int_equal(outcome, SECRET_OK);
	assert_int_equal(number(sites, "SELECT count(*) FROM outbox"), 0);
}

#define ABOUT_SECRETS "SELECT count(*) FROM outbox WHERE secret IS NOT NULL"
#define ABOUT_REQUESTS "SELECT count(*) FROM outbox WHERE request IS NOT NULL"

/* Try to read what a filling brought. */
static enum secret_outcome
try(struct sites *sites, const struct secret_request_filling *filling,
    const char *password, const uint8_t *claim)
{
	struct secret_reading reading = {
		.kinds = SECRET_KINDS_ALL,
		.proof = {
			.pin = password, .pin_length = strlen(password),
			.claim = claim,
		},
	};

	memcpy(reading.token, filling->secret, TOKEN_BYTES);
	assert_int_equal(secret_open(&sites->site, sites->arena, &reading),
	    0);
	return reading.outcome;
}

/* No link is mailed that leads nowhere any more. */
static void
mails_go_when_it_is_over(void **state)
{
	static const uint8_t claim[SEAL_SECRETBYTES] = { 1 };
	struct sites	*sites = *state;
	struct secret_request_creation creation = draw(sites, "team");
	struct secret_request_filling filling[4];
	struct sweep_result swept;

	sites->conf.pin_attempts = 2;
	say(&creation.request, SECRET_REQUEST_SEND_TO, "us@example.org");
	say(&creation.request, SECRET_REQUEST_SECRET_PASSWORD, "sesame");
	creation.request.limit = 4;
	creation.request.secret_views = 2;
	creation.announce_to = "them@example.org";
	assert_int_equal(create(sites, &creation), SECRET_REQUEST_OK);
	for (int i = 0; i < 4; i++) {
		assert_int_equal(number(sites, ABOUT_REQUESTS), 1);
		assert_int_equal(fill(sites, creation.token, PART,
		    &filling[i]), SECRET_REQUEST_OK);
	}
	assert_int_equal(number(sites, ABOUT_REQUESTS), 0);
	assert_int_equal(number(sites, ABOUT_SECRETS), 4);
	/* Viewed as often as it may be. */
	assert_int_equal(try(sites, &filling[0], "sesame", NULL), SECRET_OK);
	assert_int_equal(number(sites, ABOUT_SECRETS), 4);
	assert_int_equal(try(sites, &filling[0], "sesame", NULL), SECRET_OK);
	assert_int_equal(number(sites, ABOUT_SECRETS), 3);
	/* Locked. */
	assert_int_equal(try(sites, &filling[1], "guess", NULL),
	    SECRET_WRONG_PIN);
	assert_int_equal(number(sites, ABOUT_SECRETS), 3);
	assert_int_equal(try(sites, &filling[1], "guess", NULL),
	    SECRET_NOW_LOCKED);
	assert_int_equal(number(sites, ABOUT_SECRETS), 2);
	/* Taken, though who took it may still come back for it. */
	assert_int_equal(try(sites, &filling[2], "sesame", NULL), SECRET_OK);
	assert_int_equal(try(sites, &filling[2], "sesame", claim), SECRET_OK);
	assert_int_equal(number(sites, ABOUT_SECRETS), 1);
	assert_int_equal(try(sites, &filling[2], "sesame", claim), SECRET_OK);
	/* Expired. */
	sites_sql(sites, "UPDATE secret SET expires_at = created_at + 1, "
	    "due_at = 1");
	assert_int_equal(sweep_run(&sites->site, &swept), 0);
	assert_int_equal(number(sites, ABOUT_SECRETS), 0);
}

static void
needs_an_address_of_its_own(void **state)
{
	struct sites	*sites = *state;
	struct secret_request_creation creation = draw(sites, "team");

	say(&creation.request, SECRET_REQUEST_SEND_TO, "us@example.org");
	assert_int_equal(create(sites, &creation), SECRET_REQUEST_OK);
	sites_restart(sites, "");
	/* What cannot be mailed is handed to who fills it in. */
	assert_false(peek(sites, creation.token).mailed);
	assert_int_equal(fill(sites, creation.token, NULL, NULL),
	    SECRET_REQUEST_OK);
	creation = draw(sites, "team");
	say(&creation.request, SECRET_REQUEST_SEND_TO, "us@example.org");
	assert_int_equal(create(sites, &creation), SECRET_REQUEST_NO_ADDRESS);
	creation = draw(sites, "team");
	creation.announce_to = "them@example.org";
	assert_int_equal(create(sites, &creation), SECRET_REQUEST_NO_ADDRESS);
}

static void
is_forgotten(void **state)
{
	struct sites	*sites = *state;
	struct secret_request_creation creation = draw(sites, "team");
	struct sweep_result result;

	creation.announce_to = "them@example.org";
	for (int i = 0; i < 300; i++)
		assert_int_equal(create(sites, &creation), SECRET_REQUEST_OK);
	assert_int_equal(sweep_run(&sites->site, &result), 0);
	assert_int_equal(result.requests, 0);
	/* Listed as long as a secret is, and looked at again until then. */
	sites_sql(sites, "UPDATE secret_request SET due_at = 1, "
	    "expires_at = expires_at - %lld",
	    (long long)sites->conf.keep_receipts);
	assert_int_equal(sweep_run(&sites->site, &result), 0);
	assert_int_equal(result.requests, 0);
	assert_int_equal(number(sites, "SELECT count(*) FROM secret_request "
	    "WHERE due_at <= 1"), 0);
	sites_sql(sites, "UPDATE secret_request SET due_at = 1, "
	    "expires_at = expires_at - %lld", (long long)HOUR);
	assert_int_equal(sweep_run(&sites->site, &result), 0);
	assert_int_equal(result.requests, 300);
	assert_int_equal(number(sites, "SELECT count(*) FROM secret_request"),
	    0);
	assert_int_equal(number(sites, "SELECT count(*) FROM outbox"), 0);
}

#define PASSWORDS "SELECT count(password) FROM secret_request"

/* Nothing is kept that can open the secrets when it can make none. */
static void
forgets_the_password_first(void **state)
{
	struct sites	*sites = *state;
	struct secret_request_creation creation = draw(sites, "team");
	struct secret_request_entry *entries;
	struct sweep_result result;

	say(&creation.request, SECRET_REQUEST_SECRET_PASSWORD, "sesame");
	creation.request.limit = 2;
	assert_int_equal(create(sites, &creation), SECRET_REQUEST_OK);
	assert_int_equal(fill(sites, creation.token, NULL, NULL),
	    SECRET_REQUEST_OK);
	assert_int_equal(number(sites, PASSWORDS), 1);
	assert_int_equal(fill(sites, creation.token, NULL, NULL),
	    SECRET_REQUEST_OK);
	assert_int_equal(number(sites, PASSWORDS), 0);
	assert_int_equal(page(sites, "team", 0, &entries), 1);
	assert_words(&entries->request, SECRET_REQUEST_SECRET_PASSWORD, "");
	/* Expired, and swept as soon as that. */
	creation = draw(sites, "team");
	say(&creation.request, SECRET_REQUEST_SECRET_PASSWORD, "sesame");
	creation.lifetime = 50;
	assert_int_equal(create(sites, &creation), SECRET_REQUEST_OK);
	assert_int_equal(number(sites, PASSWORDS), 1);
	sites_await(sites_now() + 50);
	assert_int_equal(sweep_run(&sites->site, &result), 0);
	assert_int_equal(result.requests, 0);
	assert_int_equal(number(sites, PASSWORDS), 0);
	/* No secret is made without it, whatever the clock says. */
	sites_sql(sites, "UPDATE secret_request SET expires_at = expires_at +"
	    " %lld", (long long)HOUR);
	assert_int_equal(peek(sites, creation.token).outcome,
	    SECRET_REQUEST_NOT_FOUND);
	assert_int_equal(fill(sites, creation.token, NULL, NULL),
	    SECRET_REQUEST_NOT_FOUND);
}

/* One row that somebody changed keeps nobody from the others. */
static void
is_damaged_alone(void **state)
{
	static const char *const damages[] = {
		"note = X''", "note = X'00'", "note = zeroblob(200)",
		"lookup = X'00'", "lookup = X''", "uses_left = -1",
		"expires_at = 9223372036854775807",
		"account = 77", "password = X''", "created_at = -1",
	};
	struct sites	*sites = *state;
	struct secret_request_creation whole, creation;
	struct secret_request_entry *entries;
	struct sweep_result result;
	enum account_outcome outcome;
	size_t		 count;

	for (size_t i = 0; i < sizeof(damages) / sizeof(damages[0]); i++) {
		whole = draw(sites, "team");
		assert_int_equal(create(sites, &whole), SECRET_REQUEST_OK);
		creation = draw(sites, "team");
		assert_int_equal(create(sites, &creation), SECRET_REQUEST_OK);
		sites_sql(sites, "UPDATE secret_request SET %s WHERE id = "
		    "(SELECT max(id) FROM secret_request)", damages[i]);
		count = page(sites, "team", 0, &entries);
		assert_in_range(count, 1, 2);
		assert_memory_equal(entries[count - 1].token, whole.token,
		    TOKEN_BYTES);
		/* Who knows its name takes it back, unless that is gone. */
		if (strstr(damages[i], "lookup") == NULL &&
		    strstr(damages[i], "account") == NULL)
			assert_int_equal(delete(sites, "team",
			    creation.token), SECRET_REQUEST_OK);
		/* The sweeper comes by it, whatever it finds. */
		sites_sql(sites, "UPDATE secret_request SET due_at = CASE "
		    "id WHEN (SELECT max(id) FROM secret_request) THEN 1 "
		    "ELSE 2 END, expires_at = min(expires_at, 1)");
		assert_int_equal(sweep_run(&sites->site, &result), 0);
		assert_in_range(result.requests, 1, 2);
		assert_int_equal(number(sites, "SELECT count(*) FROM "
		    "secret_request"), 0);
		sites_sql(sites, "UPDATE account SET requested = 0");
	}
	for (int i = 0; i < 3; i++)
		assert_int_equal(create(sites, &whole), SECRET_REQUEST_OK);
	sites_sql(sites, "UPDATE secret_request SET note = X'', lookup = "
	    "X'00', expires_at = 9223372036854775807, due_at = 1 "
	    "WHERE id = 2");
	assert_int_equal(sweep_run(&sites->site, &result), 0);
	assert_int_equal(number(sites, "SELECT count(*) FROM secret_request "
	    "WHERE due_at > 1"), 3);
	assert_int_equal(account_remove(&sites->site, "team", &outcome), 0);
	assert_int_equal(outcome, ACCOUNT_OK);
	assert_int_equal(number(sites, "SELECT count(*) FROM secret_request"),
	    0);
}

static void
goes_with_its_account(void **state)
{
	struct sites	*sites = *state;
	struct secret_request_creation creation = draw(sites, "team");
	struct secret_request_creation other = draw(sites, "other");
	enum account_outcome outcome;

	other.announce_to = creation.announce_to = "them@example.org";
	say(&creation.request, SECRET_REQUEST_SEND_TO, "us@example.org");
	for (int i = 0; i < 100; i++)
		assert_int_equal(create(sites, &creation), SECRET_REQUEST_OK);
	assert_int_equal(create(sites, &other), SECRET_REQUEST_OK);
	assert_int_equal(fill(sites, creation.token, PART, NULL),
	    SECRET_REQUEST_OK);
	assert_int_equal(account_remove(&sites->site, "team", &outcome), 0);
	assert_int_equal(outcome, ACCOUNT_OK);
	assert_int_equal(number(sites, "SELECT count(*) FROM secret_request"),
	    1);
	assert_int_equal(number(sites, "SELECT count(*) FROM outbox"), 1);
	assert_int_equal(number(sites, "SELECT count(*) FROM secret"), 0);
	assert_int_equal(fill(sites, creation.token, PART, NULL),
	    SECRET_REQUEST_NOT_FOUND);
	assert_int_equal(peek(sites, other.token).outcome,
	    SECRET_REQUEST_OK);
}

struct filler {
	struct sites	*sites;
	pthread_barrier_t *line;
	struct arena	*arena;
	struct secret_request_filling filling;
	int		 result;
	pthread_t	 thread;
};

static void *
fill_at_once(void *argument)
{
	struct filler	*filler = argument;

	(void)pthread_barrier_wait(filler->line);
	filler->result = secret_request_fill(&filler->sites->site,
	    filler->arena, &filler->filling);
	return NULL;
}

static void
is_filled_as_often_as_it_may(void **state)
{
	struct sites	*sites = *state;
	struct secret_request_creation creation = draw(sites, "team");
	struct filler	*fillers = calloc(SITES_RACERS, sizeof(*fillers));
	pthread_barrier_t line;
	int		 filled = 0;

	assert_non_null(fillers);
	say(&creation.request, SECRET_REQUEST_SEND_TO, "us@example.org");
	creation.request.limit = 3;
	assert_int_equal(create(sites, &creation), SECRET_REQUEST_OK);
	assert_int_equal(pthread_barrier_init(&line, NULL, SITES_RACERS), 0);
	for (int i = 0; i < SITES_RACERS; i++) {
		fillers[i] = (struct filler){
			.sites = sites, .line = &line,
			.arena = arena_create(),
			.filling = {
				.payload = PAYLOAD, .part = PART,
				.payload_size = strlen(PAYLOAD),
			},
		};
		assert_non_null(fillers[i].arena);
		memcpy(fillers[i].filling.token, creation.token, TOKEN_BYTES);
		assert_int_equal(pthread_create(&fillers[i].thread, NULL,
		    fill_at_once, &fillers[i]), 0);
	}
	for (int i = 0; i < SITES_RACERS; i++) {
		assert_int_equal(pthread_join(fillers[i].thread, NULL), 0);
		assert_int_equal(fillers[i].result, 0);
		if (fillers[i].filling.outcome == SECRET_REQUEST_OK)
			filled++;
		else
			assert_int_equal(fillers[i].filling.outcome,
			    SECRET_REQUEST_NOT_FOUND);
		arena_destroy(fillers[i].arena);
	}
	(void)pthread_barrier_destroy(&line);
	free(fillers);
	assert_int_equal(filled, 3);
	assert_int_equal(account(sites, "team").usage, 3);
	assert_int_equal(number(sites, "SELECT count(*) FROM listing"), 3);
	assert_int_equal(number(sites, "SELECT count(*) FROM outbox"), 3);
}

/* What people wrote is nowhere in the clear. */
static void
is_sealed(void **state)
{
	struct sites	*sites = *state;
	struct secret_request_creation creation = draw(sites, "team");

	for (int i = 0; i < SECRET_REQUEST_WORDS__MAX; i++)
		say(&creation.request, (enum secret_request_words)i,
		    "canary@example.org");
	creation.request.limit = 2;
	creation.announce_to = "canary@example.org";
	assert_int_equal(create(sites, &creation), SECRET_REQUEST_OK);
	assert_int_equal(fill(sites, creation.token, PART, NULL),
	    SECRET_REQUEST_OK);
	assert_int_equal(number(sites, "SELECT (SELECT count(*) FROM "
	    "secret_request WHERE instr(note, CAST('canary' AS BLOB)) OR "
	    "instr(password, CAST('canary' AS BLOB))) + "
	    "(SELECT count(*) FROM outbox WHERE instr(letter, CAST('canary' "
	    "AS BLOB)))"), 0);
	assert_int_equal(number(sites, "SELECT count(*) FROM outbox WHERE "
	    "length(letter) > 100"), 2);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(is_listed_as_made),
		TEST(counts_in_a_month),
		TEST(makes_the_secret),
		TEST(ends),
		TEST(costs_nothing_when_refused),
		TEST(mails_go_with_their_cause),
		TEST(mails_go_when_it_is_over),
		TEST(needs_an_address_of_its_own),
		TEST(is_forgotten),
		TEST(forgets_the_password_first),
		TEST(is_damaged_alone),
		TEST(goes_with_its_account),
		TEST(is_filled_as_often_as_it_may),
		TEST(is_sealed),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}

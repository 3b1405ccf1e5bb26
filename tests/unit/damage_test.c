/* SPDX-License-Identifier: ISC */

/*
 * A database that somebody changed, or that a disk did: what does not open is
 * a failure of ours, is not shown, and costs no view and no attempt.
 */

#include "sites.h"

#include <stdio.h>
#include <string.h>

static int
setup(void **state)
{
	*state = sites_open("claim_seconds = 60s\n", SITE_SINGLE);
	return 0;
}

static int
teardown(void **state)
{
	sites_close(*state);
	return 0;
}

/* The ways to the record: in the transaction, before it, after Argon2id. */
enum way { WAY_SMALL, WAY_LARGE, WAY_PIN, WAY__MAX };

static void
make(struct sites *sites, struct sites_secret *secret, enum way way)
{
	sites_draw(secret, way == WAY_LARGE ? SITES_LARGE : SITES_SMALL);
	if (way == WAY_PIN)
		sites_pin(secret);
	else
		sites_gate(secret);
	secret->creation.views = 2;
	assert_int_equal(sites_create(sites, secret), SECRET_OK);
}

/* As a name in SQL. */
static const char *
in_sql(struct sites *sites, const struct sites_secret *secret, char out[80])
{
	struct store_secret row = sites_row(sites, secret);
	int	 length = 0;

	length += snprintf(out, 80, "X'");
	for (int i = 0; i < STORE_HASHBYTES; i++)
		length += snprintf(out + length, 80 - (size_t)length, "%02x",
		    row.lookup[i]);
	(void)snprintf(out + length, 80 - (size_t)length, "'");
	return out;
}

static void
assert_fails(struct sites *sites, const struct sites_secret *secret)
{
	struct secret_proof proof = secret->creation.proof;

	for (int i = 0; i < 4; i++) {
		proof.claim = i % 2 == 0 ? NULL : secret->claims[0];
		assert_int_equal(sites_ask(sites, secret, &proof),
		    STORE_FAILED);
	}
}

static void
assert_nothing_lost(struct sites *sites, const struct sites_secret *secret)
{
	struct store_secret row = sites_row(sites, secret);

	assert_int_equal(row.views_left, 2);
	assert_int_equal(row.attempts_left, 3);
	assert_int_equal(row.state, STORE_WAITING);
	assert_int_equal(sites_claims(sites), 0);
	assert_int_equal(sites_ask(sites, secret, &secret->creation.proof), 0);
	assert_int_equal(sites->reading.outcome, SECRET_OK);
	assert_int_equal(sites->reading.facts.views_left, 1);
}

static void
shows_no_damaged_record(void **state)
{
	static const int	 offsets[] = { 1, 2, 3, 26, 27, 90, 127, 142 };
	struct sites		*sites = *state;
	struct sites_secret	 secret;

	for (enum way way = WAY_SMALL; way < WAY__MAX; way++) {
		make(sites, &secret, way);
		for (size_t i = 0; i < sizeof(offsets) / sizeof(offsets[0]);
		    i++) {
			/* One byte becomes another one. */
			sites_sql(sites, "CREATE TABLE kept AS SELECT"
			    " id, sealed FROM record;"
			    "UPDATE record SET sealed = CAST(substr(sealed, 1,"
			    " %d) || CASE substr(sealed, %d, 1) WHEN X'00'"
			    " THEN X'01' ELSE X'00' END || substr(sealed, %d)"
			    " AS BLOB)", offsets[i] - 1, offsets[i],
			    offsets[i] + 1);
			assert_fails(sites, &secret);
			sites_sql(sites, "UPDATE record SET sealed ="
			    " (SELECT sealed FROM kept WHERE kept.id ="
			    " record.id); DROP TABLE kept");
		}
		assert_nothing_lost(sites, &secret);
		sites_drop(&secret);
		sites_sql(sites, "DELETE FROM secret; DELETE FROM record");
	}
}

static void
shows_no_cut_record(void **state)
{
	static const char *const damages[] = {
		"DELETE FROM record",
		"UPDATE record SET sealed = substr(sealed, 1, 100)",
		"UPDATE record SET sealed = CAST(sealed || X'00' AS BLOB)",
		"UPDATE record SET sealed = X''",
		"UPDATE record SET sealed = X''; UPDATE secret SET"
		    " record_bytes = 0",
		"UPDATE record SET sealed = substr(sealed, 1, 41);"
		    "UPDATE secret SET record_bytes = 41",
		"UPDATE record SET sealed = substr(sealed, 1, 43);"
		    "UPDATE secret SET record_bytes = 43",
		"UPDATE secret SET record_bytes = record_bytes + 1",
		"UPDATE secret SET record_bytes = 1000000",
		"UPDATE secret SET record_bytes = -1",
		"UPDATE secret SET record = 12345",
		"UPDATE secret SET key_id = 99",
		"UPDATE secret SET state = 99",
		"UPDATE secret SET verifier = X'00'",
		"UPDATE secret SET receipt = X'00'",
		"UPDATE secret SET lookup = X'00'",
	};
	struct sites		*sites = *state;
	struct sites_secret	 secret;

	for (enum way way = WAY_SMALL; way < WAY__MAX; way++) {
		make(sites, &secret, way);
		for (size_t i = 0; i < sizeof(damages) / sizeof(damages[0]);
		    i++) {
			sites_sql(sites, "CREATE TABLE rows AS SELECT * FROM"
			    " secret; CREATE TABLE kept AS SELECT * FROM"
			    " record; %s", damages[i]);
			assert_fails(sites, &secret);
			sites_sql(sites, "DELETE FROM secret; INSERT INTO"
			    " secret SELECT * FROM rows; DELETE FROM record;"
			    "INSERT INTO record SELECT * FROM kept;"
			    "DROP TABLE rows; DROP TABLE kept");
		}
		assert_nothing_lost(sites, &secret);
		sites_drop(&secret);
		sites_sql(sites, "DELETE FROM secret; DELETE FROM record");
	}
}

/* A row says something else than what its record was sealed with: undo() makes
 * it again what it was. */
static void
relabel(struct sites *sites, const char *assignment)
{
	sites_sql(sites, "CREATE TABLE rows AS SELECT * FROM secret;"
	    "UPDATE secret SET %s", assignment);
}

static void
undo(struct sites *sites)
{
	sites_sql(sites, "DELETE FROM secret; INSERT INTO secret SELECT *"
	    " FROM rows; DROP TABLE rows");
}

static void
opens_no_relabelled_row(void **state)
{
	static const char *const relabels[] = {
		"expires_at = expires_at + 1",
		"expires_at = expires_at + 86400000",
		"expires_at = expires_at - 1",
		"expires_at = 9223372036854775807",
		"kind = 1", "kind = 2", "kind = 3",
		"passes = 1", "passes = 10", "memory = 8192",
		"key_id = 0", "key_id = 2", "epoch = 1",
	};
	struct sites		*sites = *state;
	struct sites_secret	 secret;

	for (int large = 0; large < 2; large++) {
		sites_draw(&secret, large ? SITES_LARGE : SITES_SMALL);
		secret.creation.views = 2;
		assert_int_equal(sites_create(sites, &secret), SECRET_OK);
		for (size_t i = 0; i < sizeof(relabels) / sizeof(relabels[0]);
		    i++) {
			relabel(sites, relabels[i]);
			assert_fails(sites, &secret);
			undo(sites);
		}
		assert_nothing_lost(sites, &secret);
		sites_drop(&secret);
		sites_sql(sites, "DELETE FROM secret; DELETE FROM record");
	}
}

static void
stretches_nothing_out_of_range(void **state)
{
	static const char *const relabels[] = {
		"passes = 11", "passes = 4294967295", "memory = 8191",
		"memory = 262145", "memory = 4294967295",
		"passes = -1", "memory = -1", "memory = 0",
		"expires_at = expires_at + 1", "key_id = 2", "epoch = 1",
	};
	struct sites		*sites = *state;
	struct sites_secret	 secret;

	make(sites, &secret, WAY_PIN);
	for (size_t i = 0; i < sizeof(relabels) / sizeof(relabels[0]); i++) {
		relabel(sites, relabels[i]);
		assert_fails(sites, &secret);
		undo(sites);
	}
	assert_nothing_lost(sites, &secret);
	/* Within the range it is another stretch, and the PIN wrong. */
	relabel(sites, "passes = 2");
	assert_int_equal(sites_read_pin(sites, &secret, SITES_PIN),
	    SECRET_WRONG_PIN);
	sites_drop(&secret);
}

static void
gives_no_longer_life(void **state)
{
	struct sites		*sites = *state;
	struct sites_secret	 secret;
	struct secret_proof	 none = { .pin = NULL };

	sites_draw(&secret, SITES_SMALL);
	secret.creation.lifetime = 1;
	assert_int_equal(sites_create(sites, &secret), SECRET_OK);
	sites_await(secret.creation.expires_at);
	assert_int_equal(sites_read(sites, &secret, NULL, NULL), SECRET_OVER);
	sites_sql(sites, "UPDATE secret SET expires_at = expires_at +"
	    " 86400000");
	assert_int_equal(sites_ask(sites, &secret, &none), STORE_FAILED);
	assert_int_equal(sites_row(sites, &secret).views_left, 1);
	sites_drop(&secret);
}

static void
opens_no_ungated_row(void **state)
{
	struct sites		*sites = *state;
	struct sites_secret	 secret;
	struct secret_proof	 none = { .pin = NULL };

	for (enum way way = WAY_SMALL; way < WAY__MAX; way++) {
		make(sites, &secret, way);
		sites_sql(sites, "UPDATE secret SET verifier = NULL");
		assert_int_equal(sites_ask(sites, &secret, &none),
		    STORE_FAILED);
		sites_drop(&secret);
		sites_sql(sites, "DELETE FROM secret; DELETE FROM record");
	}
}

static void
opens_no_swapped_record(void **state)
{
	static const char	 swap[] = "UPDATE secret SET record ="
	    " (SELECT sum(record) FROM secret) - record";
	struct sites		*sites = *state;
	struct sites_secret	 first, second;

	for (enum way way = WAY_SMALL; way < WAY__MAX; way++) {
		make(sites, &first, way);
		make(sites, &second, way);
		sites_sql(sites, "%s", swap);
		assert_fails(sites, &first);
		assert_fails(sites, &second);
		sites_sql(sites, "%s", swap);
		assert_nothing_lost(sites, &first);
		assert_nothing_lost(sites, &second);
		sites_drop(&first);
		sites_drop(&second);
		sites_sql(sites, "DELETE FROM secret; DELETE FROM record");
	}
}

/* All of a row but its name is another's: a link to one opens the other. */
static void
opens_no_swapped_row(void **state)
{
	struct sites		*sites = *state;
	struct sites_secret	 first, second;
	struct secret_proof	 none = { .pin = NULL };
	char			 a[80], b[80];

	sites_draw(&first, SITES_SMALL);
	sites_draw(&second, SITES_SMALL);
	first.creation.views = second.creation.views = 2;
	assert_int_equal(sites_create(sites, &first), SECRET_OK);
	assert_int_equal(sites_create(sites, &second), SECRET_OK);
	in_sql(sites, &first, a);
	in_sql(sites, &second, b);
	sites_sql(sites, "CREATE TABLE names AS SELECT lookup_id, lookup"
	    " FROM secret; UPDATE secret SET lookup_id = -lookup_id;"
	    "UPDATE secret SET lookup_id = (SELECT lookup_id FROM names WHERE"
	    " names.lookup != secret.lookup), lookup = (SELECT lookup FROM"
	    " names WHERE names.lookup != secret.lookup); DROP TABLE names");
	assert_int_equal(sites_ask(sites, &first, &none), STORE_FAILED);
	assert_int_equal(sites_ask(sites, &second, &none), STORE_FAILED);

	/* Where only the number meets, the whole of it is looked at. */
	sites_sql(sites, "UPDATE secret SET lookup = CASE lookup WHEN %s THEN"
	    " %s ELSE %s END", a, b, a);
	assert_int_equal(sites_ask(sites, &first, &none), 0);
	assert_int_equal(sites->reading.outcome, SECRET_NOT_FOUND);
	sites_drop(&first);
	sites_drop(&second);
}

static void
judges_a_wrong_gate_all_the_same(void **state)
{
	struct sites		*sites = *state;
	struct sites_secret	 secret;

	/* Only who proves the gate learns that it does not open. */
	make(sites, &secret, WAY_LARGE);
	sites_sql(sites, "UPDATE record SET sealed = zeroblob(length("
	    "sealed))");
	assert_int_equal(sites_read(sites, &secret, NULL, secret.wrong),
	    SECRET_WRONG_PIN);
	assert_fails(sites, &secret);
	assert_int_equal(sites_row(sites, &secret).attempts_left, 2);
	assert_int_equal(sites_row(sites, &secret).views_left, 2);
	sites_drop(&secret);
}

int
main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(shows_no_damaged_record),
		TEST(shows_no_cut_record),
		TEST(opens_no_relabelled_row),
		TEST(stretches_nothing_out_of_range),
		TEST(gives_no_longer_life),
		TEST(opens_no_ungated_row),
		TEST(opens_no_swapped_record),
		TEST(opens_no_swapped_row),
		TEST(judges_a_wrong_gate_all_the_same),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}

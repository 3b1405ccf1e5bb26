/* SPDX-License-Identifier: ISC */

/*
 * What the schema promises: where bytes may be kept, that every row has an
 * end, that nothing is looked for without an index; and the rows.
 */
#include <setjmp.h>
#include <sqlite3.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "store/sqlite.h"
#include "store/store_account.h"
#include "store/store_request.h"
#include "stores.h"

/* The columns of bytes that an index or a WITHOUT ROWID table may keep pieces
 * of: hashes and names, and nothing that was sealed. */
static const char *const kept_hashes[] = { "claim.hash", "account.name" };

/* Each table that can grow, and what ends its rows: the indexed column by
 * which the sweeper finds them, or the table that they go with. */
static const struct {
	const char	*table, *due, *with;
} growing[] = {
	{ "secret", "due_at", NULL },
	{ "record", NULL, "secret" },
	{ "claim", NULL, "secret" },
	{ "account", NULL, "oncelinkctl" },
	{ "api_key", NULL, "account" },
	{ "listing", NULL, "secret" },
	{ "view", NULL, "listing" },
	{ "secret_request", "due_at", NULL },
	{ "outbox", "due_at", NULL },
	{ "quota", "due_at", NULL },
};

static void
test_bytes_in_rowid_tables_only(void **state)
{
	char		*directory = stores_make();
	sqlite3		*db = stores_raw(directory);
	sqlite3_stmt	*statement;
	unsigned int	 seen = 0;

	(void)state;
	assert_int_equal(stores_number(db, "SELECT count(*) FROM "
	    "pragma_table_info('record') WHERE name = 'sealed' AND "
	    "type = 'BLOB'"), 1);
	assert_int_equal(stores_number(db, "SELECT wr FROM "
	    "pragma_table_list('record')"), 0);
	/* With the columns that a WITHOUT ROWID table keeps in its index. */
	assert_int_equal(sqlite3_prepare_v2(db, "SELECT DISTINCT t.name || "
	    "'.' || coalesce(x.name, '?') FROM pragma_table_list t, "
	    "pragma_index_list(t.name) i, pragma_index_xinfo(i.name) x "
	    "LEFT JOIN pragma_table_info(t.name) c ON c.name = x.name "
	    "WHERE t.schema = 'main' AND x.cid <> -1 AND "
	    "(c.type IS NULL OR c.type NOT IN ('INTEGER', 'REAL'))", -1,
	    &statement, NULL), SQLITE_OK);
	while (sqlite3_step(statement) == SQLITE_ROW) {
		const char	*name = (const char *)sqlite3_column_text(
				    statement, 0);
		bool		 known = false;

		for (size_t i = 0; i < sizeof(kept_hashes) /
		    sizeof(kept_hashes[0]); i++)
			known |= strcmp(kept_hashes[i], name) == 0;
		if (!known)
			fail_msg("an index keeps %s", name);
		seen++;
	}
	sqlite3_finalize(statement);
	assert_int_equal(seen, sizeof(kept_hashes) / sizeof(kept_hashes[0]));
	sqlite3_close(db);
	stores_remove(directory);
}

static void
test_every_row_has_an_end(void **state)
{
	char		*directory = stores_make();
	sqlite3		*db = stores_raw(directory);
	char		 sql[512];

	(void)state;
	/* SQLite's own has a row for each of a few tables, clock and total
	 * have one. */
	assert_int_equal(stores_number(db, "SELECT count(*) FROM sqlite_schema "
	    "WHERE type = 'table' AND name NOT IN ('sqlite_sequence', "
	    "'clock', 'total')"),
	    sizeof(growing) / sizeof(growing[0]));
	for (size_t i = 0; i < sizeof(growing) / sizeof(growing[0]); i++) {
		snprintf(sql, sizeof(sql), "SELECT count(*) FROM sqlite_schema"
		    " WHERE type = 'table' AND name = '%s'", growing[i].table);
		assert_int_equal(stores_number(db, sql), 1);
		assert_true((growing[i].due == NULL) !=
		    (growing[i].with == NULL));
		if (growing[i].due == NULL)
			continue;
		snprintf(sql, sizeof(sql), "SELECT count(*) FROM "
		    "pragma_index_list('%s') i, pragma_index_info(i.name) x "
		    "WHERE x.seqno = 0 AND x.name = '%s' AND NOT i.partial",
		    growing[i].table, growing[i].due);
		assert_int_equal(stores_number(db, sql), 1);
	}
	sqlite3_close(db);
	stores_remove(directory);
}

static void
test_statements_use_indexes(void **state)
{
	char		*directory = stores_make();
	sqlite3		*db = stores_raw(directory);
	sqlite3_stmt	*statement;
	const char	*plan;
	bool		 searches;
	char		 sql[1024];

	(void)state;
	for (unsigned int id = 0; id < SQLITE_STATEMENT__MAX; id++) {
		assert_non_null(sqlite_statement_sql(id));
		searches = false;
		snprintf(sql, sizeof(sql), "EXPLAIN QUERY PLAN %s",
		    sqlite_statement_sql(id));
		assert_int_equal(sqlite3_prepare_v2(db, sql, -1, &statement,
		    NULL), SQLITE_OK);
		while (sqlite3_step(statement) == SQLITE_ROW) {
			plan = (const char *)sqlite3_column_text(statement, 3);
			searches |= strncmp(plan, "SEARCH ", 7) == 0;
			if (id >= SQLITE_STATEMENT_STATS_SECRETS)
				continue;
			if (strncmp(plan, "SCAN", 4) == 0 ||
			    strstr(plan, "B-TREE") != NULL ||
			    strstr(plan, "AUTOMATIC") != NULL)
				fail_msg("%s: %s", sqlite_statement_sql(id),
				    plan);
		}
		sqlite3_finalize(statement);
		if (strstr(sql, " WHERE ") != NULL && !searches)
			fail_msg("%s: no search", sqlite_statement_sql(id));
	}
	sqlite3_close(db);
	stores_remove(directory);
}

static void
hash_of(uint8_t value, uint8_t hash[STORE_HASHBYTES])
{
	memset(hash, value, STORE_HASHBYTES);
}

static void
assert_same(const struct store_secret *a, const struct store_secret *b)
{
	assert_memory_equal(a->lookup, b->lookup, STORE_HASHBYTES);
	assert_memory_equal(a->verifier, b->verifier, STORE_HASHBYTES);
	assert_memory_equal(a->receipt, b->receipt, STORE_HASHBYTES);
	assert_int_equal(a->kind, b->kind);
	assert_int_equal(a->state, b->state);
	assert_int_equal(a->created_at, b->created_at);
	assert_int_equal(a->changed_at, b->changed_at);
	assert_int_equal(a->expires_at, b->expires_at);
	assert_int_equal(a->due_at, b->due_at);
	assert_int_equal(a->views_left, b->views_left);
	assert_int_equal(a->attempts_left, b->attempts_left);
	assert_int_equal(a->gated, b->gated);
	assert_int_equal(a->passes, b->passes);
	assert_int_equal(a->memory, b->memory);
	assert_int_equal(a->key_id, b->key_id);
	assert_int_equal(a->epoch, b->epoch);
	assert_int_equal(a->has_receipt, b->has_receipt);
	assert_int_equal(a->knocks, b->knocks);
	assert_int_equal(a->knocked_at, b->knocked_at);
	assert_int_equal(a->record, b->record);
	assert_int_equal(a->record_bytes, b->record_bytes);
}

/* One row of everything, and the other outcome of each call. */
static int
use_rows(struct store_txn *txn, void *argument)
{
	struct store_secret	 row = { .kind = 3, .state = STORE_WAITING,
		.created_at = 1, .changed_at = 2, .expires_at = 3,
		.due_at = 4, .views_left = UINT32_MAX, .attempts_left = 6,
		.gated = true, .passes = 7, .memory = 8, .key_id = 9,
		.epoch = 10, .has_receipt = true, .knocks = 11,
		.knocked_at = 12, .record_bytes = 5 };
	struct store_secret	 found, other, due[3];
	struct store_stats	 stats;
	uint8_t			 claim[STORE_HASHBYTES], bytes[5];
	int64_t			 until;
	size_t			 count = 3;

	(void)argument;
	hash_of(0xf1, row.lookup);
	hash_of(0xf2, row.verifier);
	hash_of(0xf3, row.receipt);
	hash_of(0xf4, claim);
	assert_int_equal(store_secret_find(txn, row.lookup, &found), 1);
	assert_int_equal(store_secret_insert(txn, &row, "bytes"), 0);
	assert_true(row.record > 0);
	other = row;
	assert_int_equal(store_secret_insert(txn, &other, "other"), 1);
	hash_of(0xe1, other.lookup);
	assert_int_equal(store_secret_insert(txn, &other, "other"), 1);

	assert_int_equal(store_secret_find(txn, row.lookup, &found), 0);
	assert_same(&found, &row);
	assert_int_equal(store_secret_find_receipt(txn, row.receipt, &found),
	    0);
	assert_same(&found, &row);
	/* The number of the row is not all of the hash. */
	other = row;
	other.lookup[31] ^= 1;
	other.receipt[31] ^= 1;
	assert_int_equal(store_secret_find(txn, other.lookup, &found), 1);
	assert_int_equal(store_secret_find_receipt(txn, other.receipt,
	    &found), 1);
	assert_int_equal(store_record_read(txn, &row, bytes), 0);
	assert_memory_equal(bytes, "bytes", 5);

	assert_int_equal(store_claim_last(txn, row.lookup, INT64_MAX,
	    &until), 1);
	assert_int_equal(store_claim_find(txn, row.lookup, claim, &until), 1);
	assert_int_equal(store_claim_remove(txn, row.lookup, claim), 1);
	assert_int_equal(store_claim_put(txn, row.lookup, claim, 77), 0);
	assert_int_equal(store_claim_put(txn, row.lookup, claim, 88), 0);
	assert_int_equal(store_claim_put(txn, row.lookup, row.receipt, 99), 0);
	assert_int_equal(store_claim_find(txn, row.lookup, claim, &until), 0);
	assert_int_equal(until, 88);
	assert_int_equal(store_claim_last(txn, row.lookup, INT64_MAX,
	    &until), 0);
	assert_int_equal(until, 99);
	assert_int_equal(store_claim_remove(txn, row.lookup, claim), 0);

	assert_int_equal(store_secret_due(txn, 3, due, &count), 0);
	assert_int_equal(count, 0);
	count = 3;
	assert_int_equal(store_secret_due(txn, 4, due, &count), 0);
	assert_int_equal(count, 1);
	assert_same(&due[0], &row);

	assert_int_equal(store_record_erase(txn, &row), 0);
	assert_int_equal(row.record, 0);
	assert_int_equal(store_record_read(txn, &row, bytes), 1);
	assert_int_equal(store_claim_last(txn, row.lookup, INT64_MAX,
	    &until), 1);
	row.state = STORE_BURNED;
	row.changed_at = row.due_at = 50;
	row.views_left = row.attempts_left = row.knocks = 0;
	row.knocked_at = 51;
	assert_int_equal(store_secret_update(txn, &row), 0);
	assert_int_equal(store_secret_find(txn, row.lookup, &found), 0);
	/* Without the record there is nothing to verify. */
	hash_of(0, row.verifier);
	assert_same(&found, &row);

	assert_int_equal(store_stats(txn, &stats), 0);
	assert_int_equal(stats.secrets[STORE_BURNED], 1);
	assert_int_equal(stats.secrets[STORE_WAITING], 0);
	assert_int_equal(stats.records, 0);
	assert_int_equal(stats.claims, 0);
	assert_true(stats.pages_used > 0);
	assert_true(stats.wal_bytes > 0);
	assert_int_equal(store_secret_remove(txn, &row), 0);
	assert_int_equal(store_secret_find(txn, row.lookup, &found), 1);
	return 0;
}

static int
keep_request(const struct store_request *row, void *argument)
{
	struct store_request *kept = argument;

	*kept = *row;
	assert_int_equal(row->note_size, 4);
	assert_memory_equal(row->note, "note", 4);
	return 0;
}

static int
keep_letter(const struct store_letter *row, void *argument)
{
	struct store_letter *kept = argument;

	*kept = *row;
	assert_int_equal(row->letter_size, 6);
	assert_memory_equal(row->letter, "letter", 6);
	return 0;
}

/* The same for secret requests and mail. */
static int
use_requests(struct store_txn *txn, void *argument)
{
	struct store_account	 account = { .name = "one" };
	struct store_request	 row = { .account = 3, .created_at = 4,
		.expires_at = 5, .due_at = 6, .uses_left = 1,
		.note = "note", .note_size = 4,
		.password = "password", .password_size = 8 };
	struct store_letter	 letter = { .account = 3, .created_at = 4,
		.expires_at = 5, .due_at = 6, .tries = 7,
		.letter = "letter", .letter_size = 6 };
	struct store_request	 found, other;
	struct store_letter	 kept;
	struct store_stats	 stats;
	int64_t			 count, id, expires_at;

	(void)argument;
	/* The third, since the first two are gone. */
	for (int i = 0; i < 2; i++) {
		assert_int_equal(store_account_insert(txn, &account), 0);
		assert_int_equal(store_account_remove(txn, account.id), 0);
	}
	assert_int_equal(store_account_insert(txn, &account), 0);
	assert_int_equal(account.id, 3);
	hash_of(0xf1, row.lookup);
	assert_int_equal(store_request_find(txn, row.lookup, keep_request,
	    &found), 1);
	assert_int_equal(store_request_insert(txn, &row), 0);
	other = row;
	assert_int_equal(store_request_find(txn, row.lookup, keep_request,
	    &found), 0);
	assert_memory_equal(found.lookup, row.lookup, STORE_HASHBYTES);
	assert_int_equal(found.id, row.id);
	assert_int_equal(found.account, 3);
	assert_int_equal(found.created_at, 4);
	assert_int_equal(found.expires_at, 5);
	assert_int_equal(found.due_at, 6);
	assert_int_equal(found.uses_left, 1);
	assert_int_equal(found.password_size, 8);
	/* The number of the row is not all of the hash. */
	other.lookup[31] ^= 1;
	assert_int_equal(store_request_find(txn, other.lookup, keep_request,
	    &found), 1);
	assert_int_equal(store_request_use(txn, row.id), 0);
	assert_int_equal(store_request_find(txn, row.lookup, keep_request,
	    &found), 0);
	assert_int_equal(found.uses_left, 0);
	assert_int_equal(found.password_size, 0);
	assert_int_equal(store_request_due(txn, 5, &id, &expires_at), 1);
	assert_int_equal(store_request_due(txn, 6, &id, &expires_at), 0);
	assert_int_equal(id, row.id);
	assert_int_equal(expires_at, 5);
	assert_int_equal(store_request_expire(txn, row.id, 7), 0);
	assert_int_equal(store_request_due(txn, 6, &id, &expires_at), 1);
	assert_int_equal(store_request_first(txn, 2, &id), 1);
	assert_int_equal(store_request_first(txn, 3, &id), 0);
	assert_int_equal(id, row.id);
	assert_int_equal(store_account_find(txn, 3, &account), 0);
	assert_int_equal(account.requested, 1);
	assert_int_equal(account.listed, 0);

	letter.request = row.id;
	assert_int_equal(store_letter_insert(txn, &letter), 0);
	letter.request = 0;
	letter.secret = row.id;
	letter.due_at = 5;
	assert_int_equal(store_letter_insert(txn, &letter), 0);
	assert_int_equal(store_letter_due(txn, 4, keep_letter, &kept), 1);
	assert_int_equal(store_letter_due(txn, 9, keep_letter, &kept), 0);
	assert_int_equal(kept.id, letter.id);
	assert_int_equal(kept.secret, row.id);
	assert_int_equal(kept.request, 0);
	assert_int_equal(kept.tries, 7);
	assert_int_equal(kept.expires_at, 5);
	assert_int_equal(store_stats(txn, &stats), 0);
	assert_int_equal(stats.requests, 1);
	assert_int_equal(stats.letters, 2);
	assert_int_equal(store_letter_postpone(txn, letter.id, 8, 9), 0);
	assert_int_equal(store_letter_due(txn, 9, keep_letter, &kept), 0);
	assert_int_equal(kept.request, row.id);
	assert_int_equal(store_letter_next(txn, kept.id, &kept), 0);
	assert_int_equal(kept.id, letter.id);
	assert_int_equal(kept.due_at, 8);
	assert_int_equal(kept.tries, 9);
	assert_null(kept.letter);
	assert_int_equal(store_letter_next(txn, kept.id, &kept), 1);
	/* With the request goes what is about it, and nothing else. */
	assert_int_equal(store_request_remove(txn, row.id), 0);
	assert_int_equal(store_account_find(txn, 3, &account), 0);
	assert_int_equal(account.requested, 0);
	assert_int_equal(store_letter_next(txn, 0, &kept), 0);
	assert_int_equal(kept.id, letter.id);
	assert_int_equal(store_letter_remove(txn, letter.id), 0);
	assert_int_equal(store_letter_remove(txn, letter.id), 1);
	assert_int_equal(store_letter_postpone(txn, letter.id, 8, 9), 1);
	assert_int_equal(store_letter_next(txn, 0, &kept), 1);
	/* A number is never given again. */
	count = letter.id;
	assert_int_equal(store_letter_insert(txn, &letter), 0);
	assert_true(letter.id > count);
	return 0;
}

static void
test_rows(void **state)
{
	char			*directory = stores_make();
	struct store_options	 options = stores_options(directory);
	struct store		*store = stores_open(&options);
	struct stores_work	 work = { .number = 5, .bytes = 70000 };

	(void)state;
	assert_int_equal(store_update(store, use_rows, NULL), 0);
	assert_int_equal(store_update(store, use_requests, NULL), 0);
	/* A view writes nothing. */
	assert_int_equal(store_view(store, stores_insert, &work),
	    STORE_FAILED);
	assert_false(stores_has(store, 5));
	assert_int_equal(store_update(store, stores_insert, &work), 0);
	assert_true(stores_has(store, 5));
	store_close(store);
	stores_remove(directory);
}

int
main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_bytes_in_rowid_tables_only),
		cmocka_unit_test(test_every_row_has_an_end),
		cmocka_unit_test(test_statements_use_indexes),
		cmocka_unit_test(test_rows),
	};

	stores_main(argc, argv);
	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}

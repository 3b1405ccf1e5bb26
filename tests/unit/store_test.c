/* SPDX-License-Identifier: ISC */

/*
 * The database as a file: who may open it, what is in force, what its schema
 * promises, and the rows.
 */
#include <sys/stat.h>

#include <fcntl.h>
#include <setjmp.h>
#include <sqlite3.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "store/migrate.h"
#include "store/sqlite.h"
#include "stores.h"

#define ONCE 0x4f6e6365

static sqlite3 *
raw_open(const char *directory)
{
	char	*path = stores_path(directory, "oncelink.db");
	sqlite3	*db;

	assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
	/* Its end would be a checkpoint, and the end of the log. */
	assert_int_equal(sqlite3_db_config(db,
	    SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, NULL), SQLITE_OK);
	free(path);
	return db;
}

static int
raw_number(sqlite3 *db, const char *sql)
{
	sqlite3_stmt	*statement;
	int		 value;

	assert_int_equal(sqlite3_prepare_v2(db, sql, -1, &statement, NULL),
	    SQLITE_OK);
	assert_int_equal(sqlite3_step(statement), SQLITE_ROW);
	value = sqlite3_column_int(statement, 0);
	sqlite3_finalize(statement);
	return value;
}

static void
raw_text(sqlite3 *db, const char *sql, char text[64])
{
	sqlite3_stmt	*statement;

	assert_int_equal(sqlite3_prepare_v2(db, sql, -1, &statement, NULL),
	    SQLITE_OK);
	assert_int_equal(sqlite3_step(statement), SQLITE_ROW);
	snprintf(text, 64, "%s",
	    (const char *)sqlite3_column_text(statement, 0));
	sqlite3_finalize(statement);
}

static void
raw_run(const char *directory, const char *sql)
{
	sqlite3	*db = raw_open(directory);

	assert_int_equal(sqlite3_exec(db, sql, NULL, NULL, NULL), SQLITE_OK);
	assert_int_equal(sqlite3_close(db), SQLITE_OK);
}

/* Of the connection that the fn is given. */
static int
look_at_settings(struct store_txn *txn, void *argument)
{
	sqlite3	*db = txn->sqlite->db;
	char	 text[64];
	int	 value;

	raw_text(db, "PRAGMA journal_mode", text);
	assert_string_equal(text, "wal");
	assert_int_equal(raw_number(db, "PRAGMA synchronous"), 2);
	assert_int_equal(raw_number(db, "PRAGMA secure_delete"), 1);
	assert_int_equal(raw_number(db, "PRAGMA temp_store"), 2);
	assert_int_equal(raw_number(db, "PRAGMA trusted_schema"), 0);
	assert_int_equal(raw_number(db, "PRAGMA cell_size_check"), 1);
	assert_int_equal(raw_number(db, "PRAGMA wal_autocheckpoint"), 0);
	assert_int_equal(raw_number(db, "PRAGMA mmap_size"), 0);
	assert_int_equal(raw_number(db, "PRAGMA page_size"),
	    SQLITE_PAGE_BYTES);
	assert_int_equal(raw_number(db, "PRAGMA application_id"), ONCE);
	assert_int_equal(raw_number(db, "PRAGMA user_version"),
	    migrate_latest());
	sqlite3_db_config(db, SQLITE_DBCONFIG_DEFENSIVE, -1, &value);
	assert_int_equal(value, 1);
	sqlite3_db_config(db, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, -1, &value);
	assert_int_equal(value, 1);
	*(int *)argument = raw_number(db, "PRAGMA query_only");
	return 0;
}

static void
test_settings(void **state)
{
	char			*directory = stores_make();
	struct store_options	 options = stores_options(directory);
	struct store		*store;
	sqlite3			*db;
	char			 text[64];
	int			 query_only;

	(void)state;
	options.max_bytes = 1 << 20;
	store = stores_open(&options);
	assert_int_equal(store_update(store, look_at_settings, &query_only),
	    0);
	assert_int_equal(query_only, 0);
	assert_int_equal(store_view(store, look_at_settings, &query_only), 0);
	assert_int_equal(query_only, 1);
	store_close(store);

	db = raw_open(directory);
	raw_text(db, "PRAGMA journal_mode", text);
	assert_string_equal(text, "wal");
	assert_int_equal(raw_number(db, "PRAGMA application_id"), ONCE);
	assert_int_equal(raw_number(db, "PRAGMA user_version"),
	    migrate_latest());
	sqlite3_close(db);
	stores_remove(directory);
}

static void
assert_mode(const char *directory, const char *name, mode_t mode)
{
	struct stat	 status;
	char		*path = stores_path(directory, name);

	assert_int_equal(stat(path, &status), 0);
	assert_int_equal(status.st_mode & 07777, mode);
	free(path);
}

static void
test_files_are_private(void **state)
{
	char			*directory;
	struct store_options	 options;
	struct store		*store;
	struct stores_work	 work = { .number = 1, .bytes = 10 };
	mode_t			 before = umask(0);

	(void)state;
	directory = stores_make();
	options = stores_options(directory);
	store = stores_open(&options);
	assert_int_equal(store_update(store, stores_insert, &work), 0);
	store_ballast(store);
	umask(before);
	assert_mode(directory, "oncelink.db", 0600);
	assert_mode(directory, "oncelink.db-wal", 0600);
	assert_mode(directory, "oncelink.db-shm", 0600);
	assert_mode(directory, "write.lock", 0600);
	assert_mode(directory, "ballast", 0600);
	store_close(store);
	stores_remove(directory);
}

/* Neither the end of a connection nor 1,000 pages move the log. */
static void
test_nobody_else_checkpoints(void **state)
{
	char			*directory = stores_make();
	struct store_options	 options = stores_options(directory);
	struct store		*store = stores_open(&options);
	int64_t			 before, pages, most = 0;

	(void)state;
	assert_int_equal(store_checkpoint(store), 0);
	assert_int_equal(stores_size(directory, "oncelink.db-wal"), 0);
	before = stores_size(directory, "oncelink.db");
	for (uint64_t i = 1; i <= 100; i++) {
		struct stores_work work = { .number = i, .bytes = 10000 };

		assert_int_equal(store_update(store, stores_insert, &work), 0);
	}
	store_close(store);
	assert_true(stores_size(directory, "oncelink.db-wal") > 1000000);
	assert_int_equal(stores_size(directory, "oncelink.db"), before);

	/* At 1,000 pages it is this program that does it. */
	store = stores_open(&options);
	for (uint64_t i = 101; i <= 500; i++) {
		struct stores_work work = { .number = i, .bytes = 20000 };

		assert_int_equal(store_update(store, stores_insert, &work), 0);
		pages = stores_size(directory, "oncelink.db-wal") / 4120;
		if (pages > most)
			most = pages;
	}
	assert_in_range(most, 1000, 1100);
	assert_true(stores_size(directory, "oncelink.db") > 8000000);
	store_close(store);
	stores_remove(directory);
}

static void
assert_refused(const char *directory, const char *why)
{
	struct store_options	 options = stores_options(directory);
	struct store_error	 error = { "" };

	assert_null(store_open(&options, &error));
	if (strstr(error.text, why) == NULL ||
	    strstr(error.text, directory) == NULL)
		fail_msg("\"%s\" where \"%s\" was expected", error.text, why);
}

static void
test_refused_for_its_files(void **state)
{
	char	*directory = stores_make();
	char	*path = stores_path(directory, "oncelink.db");
	char	*aside = stores_path(directory, "aside");
	static const mode_t modes[] = { 0750, 0701, 0704, 0720, 0770, 0777 };

	(void)state;
	for (size_t i = 0; i < sizeof(modes) / sizeof(modes[0]); i++) {
		assert_int_equal(chmod(directory, modes[i]), 0);
		assert_refused(directory, "state directory");
	}
	assert_int_equal(chmod(directory, 0700), 0);
	assert_int_equal(chmod(path, 0640), 0);
	assert_refused(directory, "mode 640");
	assert_int_equal(chmod(path, 0602), 0);
	assert_refused(directory, "mode 602");
	assert_int_equal(chmod(path, 0600), 0);
	if (geteuid() == 0) {
		assert_int_equal(chown(path, 1, (gid_t)-1), 0);
		assert_refused(directory, "another user");
		assert_int_equal(chown(path, 0, (gid_t)-1), 0);
	}

	assert_int_equal(rename(path, aside), 0);
	assert_refused(directory, "No such file");
	assert_int_equal(symlink("aside", path), 0);
	assert_refused(directory, "not a regular file");
	assert_int_equal(unlink(path), 0);
	assert_int_equal(rename(aside, path), 0);
	store_close(stores_open(&(struct store_options){
	    .directory = directory, .lock_wait = 1000, .readers = 1 }));
	free(aside);
	free(path);
	stores_remove(directory);
	assert_refused("no-such-directory", "No such file");
}

static void
test_refused_for_its_content(void **state)
{
	char	*directory = stores_make();
	char	*path = stores_path(directory, "oncelink.db");
	char	 text[64];
	sqlite3	*db;
	FILE	*file;

	(void)state;
	raw_run(directory, "PRAGMA user_version = 1000");
	assert_refused(directory, "version 1000");
	raw_run(directory, "PRAGMA application_id = 7; "
	    "PRAGMA user_version = 1");
	assert_refused(directory, "another program");
	stores_remove(directory);
	free(path);

	/* Most programs never set either number. */
	directory = stores_directory();
	path = stores_path(directory, "oncelink.db");
	raw_run(directory, "PRAGMA journal_mode = DELETE;"
	    "CREATE TABLE theirs (a)");
	assert_int_equal(chmod(path, 0600), 0);
	assert_refused(directory, "another program");
	raw_run(directory, "PRAGMA application_id = 7");
	assert_refused(directory, "another program");
	db = raw_open(directory);
	raw_text(db, "PRAGMA journal_mode", text);
	assert_string_equal(text, "delete");
	assert_int_equal(raw_number(db,
	    "SELECT count(*) FROM sqlite_schema"), 1);
	sqlite3_close(db);

	file = fopen(path, "w");
	assert_non_null(file);
	for (int i = 0; i < 1000; i++)
		fputs("not a database ", file);
	fclose(file);
	assert_refused(directory, "not a database");
	free(path);
	stores_remove(directory);
}

static void
test_create(void **state)
{
	char			*directory = stores_make();
	struct store_error	 error = { "" };

	(void)state;
	assert_int_equal(store_create(directory, &error), -1);
	assert_non_null(strstr(error.text, "File exists"));
	stores_remove(directory);
	directory = stores_directory();
	assert_int_equal(chmod(directory, 0755), 0);
	assert_int_equal(store_create(directory, &error), -1);
	assert_non_null(strstr(error.text, "others may look"));
	assert_int_equal(stores_size(directory, "oncelink.db"), -1);
	stores_remove(directory);
	assert_int_equal(store_create("no-such-directory", &error), -1);
	assert_non_null(strstr(error.text, "No such file"));
}

/* An empty file is version 0: all of sql/ in one transaction, or nothing. */
static void
test_migration(void **state)
{
	char			*directory = stores_directory();
	char			*path = stores_path(directory, "oncelink.db");
	struct store_options	 options = stores_options(directory);
	struct store		*store;
	sqlite3			*db;
	int			 fd;

	(void)state;
	fd = open(path, O_WRONLY | O_CREAT | O_EXCL, 0600);
	assert_true(fd != -1);
	close(fd);
	store = stores_open(&options);
	store_close(store);
	db = raw_open(directory);
	assert_int_equal(raw_number(db, "PRAGMA user_version"),
	    migrate_latest());
	assert_int_equal(raw_number(db, "SELECT count(*) FROM secret"), 0);
	sqlite3_close(db);

	/* One of ours at version 0 whose second table is in the way. */
	raw_run(directory, "DROP TABLE secret; DROP TABLE record;"
	    "PRAGMA user_version = 0");
	assert_refused(directory, "claim");
	db = raw_open(directory);
	assert_int_equal(raw_number(db, "PRAGMA user_version"), 0);
	assert_int_equal(raw_number(db, "SELECT count(*) FROM sqlite_schema "
	    "WHERE name IN ('secret', 'record')"), 0);
	sqlite3_close(db);
	raw_run(directory, "DROP TABLE claim");
	store_close(stores_open(&options));
	free(path);
	stores_remove(directory);
}

/* The columns of bytes that an index or a WITHOUT ROWID table may keep pieces
 * of: hashes, and nothing that was sealed. */
static const char *const kept_hashes[] = { "claim.hash" };

/* Each table that can grow, and what ends its rows: the indexed column by
 * which the sweeper finds them, or the table that they go with. */
static const struct {
	const char	*table, *due, *with;
} growing[] = {
	{ "secret", "due_at", NULL },
	{ "record", NULL, "secret" },
	{ "claim", NULL, "secret" },
};

static void
test_bytes_in_rowid_tables_only(void **state)
{
	char		*directory = stores_make();
	sqlite3		*db = raw_open(directory);
	sqlite3_stmt	*statement;
	unsigned int	 seen = 0;

	(void)state;
	assert_int_equal(raw_number(db, "SELECT count(*) FROM "
	    "pragma_table_info('record') WHERE name = 'sealed' AND "
	    "type = 'BLOB'"), 1);
	assert_int_equal(raw_number(db, "SELECT wr FROM "
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
	sqlite3		*db = raw_open(directory);
	char		 sql[512];

	(void)state;
	assert_int_equal(raw_number(db, "SELECT count(*) FROM sqlite_schema "
	    "WHERE type = 'table'"), sizeof(growing) / sizeof(growing[0]));
	for (size_t i = 0; i < sizeof(growing) / sizeof(growing[0]); i++) {
		snprintf(sql, sizeof(sql), "SELECT count(*) FROM sqlite_schema"
		    " WHERE type = 'table' AND name = '%s'", growing[i].table);
		assert_int_equal(raw_number(db, sql), 1);
		assert_true((growing[i].due == NULL) !=
		    (growing[i].with == NULL));
		if (growing[i].due == NULL)
			continue;
		snprintf(sql, sizeof(sql), "SELECT count(*) FROM "
		    "pragma_index_list('%s') i, pragma_index_info(i.name) x "
		    "WHERE x.seqno = 0 AND x.name = '%s' AND NOT i.partial",
		    growing[i].table, growing[i].due);
		assert_int_equal(raw_number(db, sql), 1);
	}
	sqlite3_close(db);
	stores_remove(directory);
}

static void
test_statements_use_indexes(void **state)
{
	char		*directory = stores_make();
	sqlite3		*db = raw_open(directory);
	sqlite3_stmt	*statement;
	const char	*plan;
	unsigned int	 searches = 0;
	char		 sql[1024];

	(void)state;
	for (int id = 0; id < SQLITE_STATEMENT__MAX; id++) {
		assert_non_null(sqlite_statement_sql(id));
		snprintf(sql, sizeof(sql), "EXPLAIN QUERY PLAN %s",
		    sqlite_statement_sql(id));
		assert_int_equal(sqlite3_prepare_v2(db, sql, -1, &statement,
		    NULL), SQLITE_OK);
		while (sqlite3_step(statement) == SQLITE_ROW) {
			plan = (const char *)sqlite3_column_text(statement, 3);
			searches += strncmp(plan, "SEARCH ", 7) == 0;
			if (id >= SQLITE_STATEMENT_STATS_SECRETS)
				continue;
			if (strncmp(plan, "SCAN", 4) == 0 ||
			    strstr(plan, "B-TREE") != NULL ||
			    strstr(plan, "AUTOMATIC") != NULL)
				fail_msg("%s: %s", sqlite_statement_sql(id),
				    plan);
		}
		sqlite3_finalize(statement);
	}
	assert_true(searches >= 12);
	sqlite3_close(db);
	stores_remove(directory);
}

static void
hash_of(uint8_t value, uint8_t hash[STORE_HASHBYTES])
{
	memset(hash, value, STORE_HASHBYTES);
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
	assert_memory_equal(&found, &row, sizeof(row));
	assert_int_equal(store_secret_find_receipt(txn, row.receipt, &found),
	    0);
	assert_memory_equal(&found, &row, sizeof(row));
	/* The number of the row is not all of the hash. */
	other = row;
	other.lookup[31] ^= 1;
	other.receipt[31] ^= 1;
	assert_int_equal(store_secret_find(txn, other.lookup, &found), 1);
	assert_int_equal(store_secret_find_receipt(txn, other.receipt,
	    &found), 1);
	assert_int_equal(store_record_read(txn, &row, bytes), 0);
	assert_memory_equal(bytes, "bytes", 5);

	assert_int_equal(store_claim_last(txn, row.lookup, &until), 1);
	assert_int_equal(store_claim_find(txn, row.lookup, claim, &until), 1);
	assert_int_equal(store_claim_remove(txn, row.lookup, claim), 1);
	assert_int_equal(store_claim_put(txn, row.lookup, claim, 77), 0);
	assert_int_equal(store_claim_put(txn, row.lookup, claim, 88), 0);
	assert_int_equal(store_claim_put(txn, row.lookup, row.receipt, 99), 0);
	assert_int_equal(store_claim_find(txn, row.lookup, claim, &until), 0);
	assert_int_equal(until, 88);
	assert_int_equal(store_claim_last(txn, row.lookup, &until), 0);
	assert_int_equal(until, 99);
	assert_int_equal(store_claim_remove(txn, row.lookup, claim), 0);

	assert_int_equal(store_secret_due(txn, 3, due, &count), 0);
	assert_int_equal(count, 0);
	count = 3;
	assert_int_equal(store_secret_due(txn, 4, due, &count), 0);
	assert_int_equal(count, 1);
	assert_memory_equal(&due[0], &row, sizeof(row));

	assert_int_equal(store_record_erase(txn, &row), 0);
	assert_int_equal(row.record, 0);
	assert_int_equal(store_record_read(txn, &row, bytes), 1);
	assert_int_equal(store_claim_last(txn, row.lookup, &until), 1);
	row.state = STORE_BURNED;
	row.changed_at = row.due_at = 50;
	row.views_left = row.attempts_left = row.knocks = 0;
	row.knocked_at = 51;
	assert_int_equal(store_secret_update(txn, &row), 0);
	assert_int_equal(store_secret_find(txn, row.lookup, &found), 0);
	assert_memory_equal(&found, &row, sizeof(row));

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

static void
test_rows(void **state)
{
	char			*directory = stores_make();
	struct store_options	 options = stores_options(directory);
	struct store		*store = stores_open(&options);
	struct stores_work	 work = { .number = 5, .bytes = 70000 };

	(void)state;
	assert_int_equal(store_update(store, use_rows, NULL), 0);
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
		cmocka_unit_test(test_settings),
		cmocka_unit_test(test_files_are_private),
		cmocka_unit_test(test_nobody_else_checkpoints),
		cmocka_unit_test(test_refused_for_its_files),
		cmocka_unit_test(test_refused_for_its_content),
		cmocka_unit_test(test_create),
		cmocka_unit_test(test_migration),
		cmocka_unit_test(test_bytes_in_rowid_tables_only),
		cmocka_unit_test(test_every_row_has_an_end),
		cmocka_unit_test(test_statements_use_indexes),
		cmocka_unit_test(test_rows),
	};

	stores_main(argc, argv);
	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}

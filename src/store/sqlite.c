/* SPDX-License-Identifier: ISC */
/*
 * All SQL there is, and how a connection must be set up so that nothing of
 * what is deleted stays and nothing that was answered is lost.
 */
#include <sys/stat.h>

#include <errno.h>
#include <sqlite3.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/complaint.h"
#include "base/log.h"
#include "store/sqlite.h"
#include "store/vfs.h"

/* "Once" as PRAGMA application_id. */
#define APPLICATION_ID		0x4f6e6365

/* How long a writer waits for readers, in microseconds. */
#define BUSY_SLEEP		100
#define BUSY_LIMIT		20000

/* How long a reader waits for a recovery, in milliseconds. */
#define READER_PATIENCE		2000

#define SECRET_COLUMNS							\
	"id, lookup, kind, state, created_at, changed_at, expires_at,"	\
	" due_at, views_left, attempts_left, verifier, passes, memory,"	\
	" key_id, epoch, receipt, knocks, knocked_at, record, record_bytes"

#define ACCOUNT_COLUMNS							\
	"id, name, created_at, allowance, request_allowance, month,"	\
	" usage, request_usage, listed, requested"

#define API_KEY_COLUMNS							\
	"id, account, private, hash, created_at, used_day"

#define REQUEST_COLUMNS							\
	"id, account, lookup, created_at, expires_at, due_at,"		\
	" uses_left, note, password"

#define LETTER_COLUMNS							\
	"id, account, request, secret, created_at, expires_at, due_at,"	\
	" tries, letter"

#define LISTING_COLUMNS							\
	"listing.secret, account, flags, views, note, message"

static const char *const statement_sql[SQLITE_STATEMENT__MAX] = {
	[SQLITE_STATEMENT_BEGIN_READ] = "BEGIN",
	[SQLITE_STATEMENT_BEGIN_WRITE] = "BEGIN IMMEDIATE",
	[SQLITE_STATEMENT_COMMIT] = "COMMIT",
	[SQLITE_STATEMENT_ROLLBACK] = "ROLLBACK",
	[SQLITE_STATEMENT_SAVEPOINT] = "SAVEPOINT fn",
	[SQLITE_STATEMENT_RELEASE] = "RELEASE fn",
	[SQLITE_STATEMENT_ROLLBACK_TO] = "ROLLBACK TO fn",
	[SQLITE_STATEMENT_PAGE_COUNT] = "PRAGMA page_count",
	[SQLITE_STATEMENT_FREE_COUNT] = "PRAGMA freelist_count",
	[SQLITE_STATEMENT_RECORD_NEXT] =
	    "SELECT ifnull(max(id), 0) + 1 FROM record",
	[SQLITE_STATEMENT_SECRET_INSERT] =
	    "INSERT INTO secret (lookup_id, lookup, kind, state, created_at,"
	    " changed_at, expires_at, due_at, views_left, attempts_left,"
	    " verifier, passes, memory, key_id, epoch, receipt_id, receipt,"
	    " knocks, knocked_at, record, record_bytes)"
	    " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13,"
	    " ?14, ?15, ?16, ?17, ?18, ?19, ?20, ?21)",
	[SQLITE_STATEMENT_RECORD_INSERT] =
	    "INSERT INTO record (id, sealed) VALUES (?1, ?2)",
	[SQLITE_STATEMENT_SECRET_FIND] =
	    "SELECT " SECRET_COLUMNS " FROM secret WHERE lookup_id = ?1",
	[SQLITE_STATEMENT_SECRET_FIND_RECEIPT] =
	    "SELECT " SECRET_COLUMNS " FROM secret WHERE receipt_id = ?1",
	[SQLITE_STATEMENT_SECRET_UPDATE] =
	    "UPDATE secret SET state = ?2, changed_at = ?3, due_at = ?4,"
	    " views_left = ?5, attempts_left = ?6, knocks = ?7,"
	    " knocked_at = ?8, record = ?9, verifier = CASE WHEN ?9 = 0 AND"
	    " verifier IS NOT NULL THEN zeroblob(32) ELSE verifier END"
	    " WHERE id = ?1",
	[SQLITE_STATEMENT_SECRET_DELETE] = "DELETE FROM secret WHERE id = ?1",
	[SQLITE_STATEMENT_SECRET_DUE] =
	    "SELECT " SECRET_COLUMNS " FROM secret WHERE due_at <= ?1"
	    " ORDER BY due_at LIMIT ?2",
	[SQLITE_STATEMENT_RECORD_READ] =
	    "SELECT sealed FROM record WHERE id = ?1",
	[SQLITE_STATEMENT_RECORD_DELETE] = "DELETE FROM record WHERE id = ?1",
	[SQLITE_STATEMENT_RECORD_PURGE] =
	    "DELETE FROM record WHERE id ="
	    " (SELECT record FROM secret WHERE id = ?1)",
	[SQLITE_STATEMENT_CLAIM_PUT] =
	    "REPLACE INTO claim (secret, hash, until) VALUES (?1, ?2, ?3)",
	[SQLITE_STATEMENT_CLAIM_FIND] =
	    "SELECT until FROM claim WHERE secret = ?1 AND hash = ?2",
	[SQLITE_STATEMENT_CLAIM_DELETE] =
	    "DELETE FROM claim WHERE secret = ?1 AND hash = ?2",
	[SQLITE_STATEMENT_CLAIM_DELETE_ALL] =
	    "DELETE FROM claim WHERE secret = ?1",
	[SQLITE_STATEMENT_CLAIM_PURGE] =
	    "DELETE FROM claim WHERE secret ="
	    " (SELECT lookup_id FROM secret WHERE id = ?1)",
	[SQLITE_STATEMENT_CLAIM_LAST] =
	    "SELECT max(until) FROM claim WHERE secret = ?1 AND until <= ?2",
	[SQLITE_STATEMENT_CLOCK_GET] = "SELECT latest FROM clock WHERE id = 1",
	[SQLITE_STATEMENT_CLOCK_PUT] =
	    "INSERT INTO clock (id, latest) VALUES (1, ?1)"
	    " ON CONFLICT (id) DO UPDATE SET latest = excluded.latest",
	[SQLITE_STATEMENT_NEWEST] =
	    "SELECT created_at FROM secret ORDER BY id DESC LIMIT 1",
	[SQLITE_STATEMENT_EPOCH_USED] =
	    "SELECT 1 FROM secret WHERE due_at >= ?1 AND due_at <= ?2"
	    " AND epoch = ?3 AND record <> 0 LIMIT 1",
	[SQLITE_STATEMENT_STATS_SECRETS] =
	    "SELECT state, count(*) FROM secret GROUP BY state",
	[SQLITE_STATEMENT_STATS_RECORDS] = "SELECT count(*) FROM record",
	[SQLITE_STATEMENT_STATS_CLAIMS] = "SELECT count(*) FROM claim",
	[SQLITE_STATEMENT_STATS_REQUESTS] =
	    "SELECT count(*) FROM secret_request",
	[SQLITE_STATEMENT_STATS_LETTERS] = "SELECT count(*) FROM outbox",
	[SQLITE_STATEMENT_KEYS] =
	    "SELECT id, key_id, record FROM secret WHERE id > ?1"
	    " ORDER BY id LIMIT ?2",
	[SQLITE_STATEMENT_INTEGRITY] = "PRAGMA integrity_check(20)",
	[SQLITE_STATEMENT_ACCOUNT_INSERT] =
	    "INSERT INTO account (name, created_at, allowance,"
	    " request_allowance, month, usage, request_usage, listed,"
	    " requested) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, 0, 0)",
	[SQLITE_STATEMENT_ACCOUNT_FIND] =
	    "SELECT " ACCOUNT_COLUMNS " FROM account WHERE id = ?1",
	[SQLITE_STATEMENT_ACCOUNT_FIND_NAME] =
	    "SELECT " ACCOUNT_COLUMNS " FROM account WHERE name = ?1",
	[SQLITE_STATEMENT_ACCOUNT_NEXT] =
	    "SELECT " ACCOUNT_COLUMNS " FROM account WHERE id > ?1"
	    " ORDER BY id LIMIT 1",
	[SQLITE_STATEMENT_ACCOUNT_UPDATE] =
	    "UPDATE account SET allowance = ?2, request_allowance = ?3,"
	    " month = ?4, usage = ?5, request_usage = ?6 WHERE id = ?1",
	[SQLITE_STATEMENT_ACCOUNT_DELETE] =
	    "DELETE FROM account WHERE id = ?1",
	[SQLITE_STATEMENT_API_KEY_INSERT] =
	    "INSERT INTO api_key (account, private, hash_id, hash,"
	    " created_at, used_day) VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
	[SQLITE_STATEMENT_API_KEY_FIND] =
	    "SELECT " API_KEY_COLUMNS " FROM api_key WHERE hash_id = ?1",
	[SQLITE_STATEMENT_API_KEY_NEXT] =
	    "SELECT " API_KEY_COLUMNS " FROM api_key WHERE account = ?1"
	    " AND id > ?2 ORDER BY id LIMIT 1",
	[SQLITE_STATEMENT_API_KEY_USED] =
	    "UPDATE api_key SET used_day = ?2 WHERE id = ?1",
	[SQLITE_STATEMENT_API_KEY_DELETE] =
	    "DELETE FROM api_key WHERE id = ?1 AND account = ?2",
	[SQLITE_STATEMENT_API_KEY_DELETE_ALL] =
	    "DELETE FROM api_key WHERE account = ?1",
	[SQLITE_STATEMENT_LISTING_INSERT] =
	    "INSERT INTO listing (secret, account, flags, views, note,"
	    " message) VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
	[SQLITE_STATEMENT_LISTING_FIND] =
	    "SELECT " LISTING_COLUMNS " FROM listing WHERE secret = ?1",
	[SQLITE_STATEMENT_LISTING_ADDED] =
	    "UPDATE account SET listed = listed + 1 WHERE id = ?1",
	[SQLITE_STATEMENT_LISTING_LEAVES] =
	    "UPDATE account SET listed = listed - 1"
	    " WHERE id = (SELECT account FROM listing WHERE secret = ?1)",
	[SQLITE_STATEMENT_LISTING_PAGE] =
	    "SELECT secret FROM listing WHERE account = ?1"
	    " ORDER BY secret DESC LIMIT ?2 OFFSET ?3",
	[SQLITE_STATEMENT_LISTING_ROW] =
	    "SELECT " SECRET_COLUMNS ", " LISTING_COLUMNS " FROM listing"
	    " JOIN secret ON secret.id = listing.secret"
	    " WHERE listing.secret = ?1",
	[SQLITE_STATEMENT_LISTING_FIRST] =
	    "SELECT secret FROM listing WHERE account = ?1 LIMIT 1",
	[SQLITE_STATEMENT_LISTING_NAMED] =
	    "SELECT " SECRET_COLUMNS ", " LISTING_COLUMNS " FROM secret"
	    " JOIN listing ON listing.secret = secret.id"
	    " WHERE lookup_id = ?1",
	[SQLITE_STATEMENT_LISTING_VIEWED] =
	    "UPDATE listing SET views = views + 1 WHERE secret = ?1",
	[SQLITE_STATEMENT_LISTING_FORGET] =
	    "UPDATE listing SET message = NULL WHERE secret = ?1",
	[SQLITE_STATEMENT_LISTING_DELETE] =
	    "DELETE FROM listing WHERE secret = ?1",
	[SQLITE_STATEMENT_VIEW_INSERT] =
	    "INSERT INTO view (secret, viewed_at, viewer)"
	    " VALUES (?1, ?2, ?3)",
	[SQLITE_STATEMENT_VIEW_EACH] =
	    "SELECT viewed_at, viewer FROM view WHERE secret = ?1"
	    " ORDER BY id",
	[SQLITE_STATEMENT_VIEW_DELETE] = "DELETE FROM view WHERE secret = ?1",
	[SQLITE_STATEMENT_REQUEST_INSERT] =
	    "INSERT INTO secret_request (account, lookup_id, lookup,"
	    " created_at, expires_at, due_at, uses_left, note, password)"
	    " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)",
	[SQLITE_STATEMENT_REQUEST_FIND] =
	    "SELECT " REQUEST_COLUMNS " FROM secret_request"
	    " WHERE lookup_id = ?1",
	[SQLITE_STATEMENT_REQUEST_PAGE] =
	    "SELECT " REQUEST_COLUMNS " FROM secret_request"
	    " WHERE account = ?1 ORDER BY id DESC LIMIT ?2 OFFSET ?3",
	[SQLITE_STATEMENT_REQUEST_ADDED] =
	    "UPDATE account SET requested = requested + 1 WHERE id = ?1",
	[SQLITE_STATEMENT_REQUEST_LEAVES] =
	    "UPDATE account SET requested = requested - 1"
	    " WHERE id = (SELECT account FROM secret_request WHERE id = ?1)",
	[SQLITE_STATEMENT_REQUEST_FIRST] =
	    "SELECT id FROM secret_request WHERE account = ?1 LIMIT 1",
	[SQLITE_STATEMENT_REQUEST_DUE] =
	    "SELECT id, expires_at FROM secret_request WHERE due_at <= ?1"
	    " ORDER BY due_at LIMIT 1",
	[SQLITE_STATEMENT_REQUEST_EXPIRE] =
	    "UPDATE secret_request SET due_at = ?2, password = NULL"
	    " WHERE id = ?1",
	[SQLITE_STATEMENT_REQUEST_USE] =
	    "UPDATE secret_request SET uses_left = uses_left - 1,"
	    " password = CASE WHEN uses_left > 1 THEN password END"
	    " WHERE id = ?1 AND uses_left > 0",
	[SQLITE_STATEMENT_REQUEST_DELETE] =
	    "DELETE FROM secret_request WHERE id = ?1",
	[SQLITE_STATEMENT_LETTER_INSERT] =
	    "INSERT INTO outbox (account, request, secret, created_at,"
	    " expires_at, due_at, tries, letter)"
	    " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
	[SQLITE_STATEMENT_LETTER_DUE] =
	    "SELECT " LETTER_COLUMNS " FROM outbox WHERE due_at <= ?1"
	    " ORDER BY due_at LIMIT 1",
	[SQLITE_STATEMENT_LETTER_NEXT] =
	    "SELECT " LETTER_COLUMNS " FROM outbox WHERE id > ?1"
	    " ORDER BY id LIMIT 1",
	[SQLITE_STATEMENT_LETTER_POSTPONE] =
	    "UPDATE outbox SET due_at = ?2, tries = ?3 WHERE id = ?1",
	[SQLITE_STATEMENT_LETTER_DELETE] =
	    "DELETE FROM outbox WHERE id = ?1",
	[SQLITE_STATEMENT_LETTER_DELETE_REQUEST] =
	    "DELETE FROM outbox WHERE request = ?1",
	[SQLITE_STATEMENT_LETTER_DELETE_USED] =
	    "DELETE FROM outbox WHERE request = (SELECT id FROM"
	    " secret_request WHERE id = ?1 AND uses_left = 0)",
	[SQLITE_STATEMENT_LETTER_DELETE_SECRET] =
	    "DELETE FROM outbox WHERE secret = ?1",
	[SQLITE_STATEMENT_QUOTA_FIND] =
	    "SELECT secrets, bytes FROM quota WHERE id = ?1",
	[SQLITE_STATEMENT_QUOTA_ADD] =
	    "INSERT INTO quota (id, due_at, secrets, bytes)"
	    " VALUES (?1, ?2, 1, ?3) ON CONFLICT (id) DO UPDATE SET"
	    " secrets = secrets + 1, bytes = bytes + excluded.bytes",
	[SQLITE_STATEMENT_QUOTA_FORGET] =
	    "DELETE FROM quota WHERE id IN (SELECT id FROM quota"
	    " WHERE due_at <= ?1 ORDER BY due_at LIMIT ?2)",
	[SQLITE_STATEMENT_TOTAL] = "SELECT records FROM total WHERE id = 1",
	[SQLITE_STATEMENT_TOTAL_ADD] =
	    "UPDATE total SET records = records + ?1 WHERE id = 1",
};

/* A setting, and what it must read afterwards. */
static const struct setting {
	const char	*sql;
	const char	*expected;
	bool		 write_only;
} settings[] = {
	{ "PRAGMA journal_mode = WAL", "wal", true },
	{ "PRAGMA synchronous = FULL; PRAGMA synchronous", "2", false },
	{ "PRAGMA secure_delete = ON", "1", false },
	{ "PRAGMA temp_store = MEMORY; PRAGMA temp_store", "2", false },
	{ "PRAGMA mmap_size = 0", NULL, false },
	{ "PRAGMA trusted_schema = OFF; PRAGMA trusted_schema", "0", false },
	{ "PRAGMA cell_size_check = ON; PRAGMA cell_size_check", "1", false },
	{ "PRAGMA wal_autocheckpoint = 0", "0", false },
	{ "PRAGMA page_size", "4096", false },
	{ "PRAGMA auto_vacuum", "0", false },	/* see vfs_page_clear */
};

/* What sqlite3_exec hands over of a row: its first column. */
static int
keep_text(void *argument, int columns, char **values, char **names)
{
	(void)names;
	snprintf(argument, 32, "%s",
	    columns > 0 && values[0] != NULL ? values[0] : "");
	return 0;
}

/* Readers hold a checkpoint up for a short while only. */
static int
writer_busy(void *argument, int calls)
{
	struct sqlite	*sqlite = argument;

	if (calls == 0)
		sqlite->busy_since = clock_now_us();
	if (clock_now_us() - sqlite->busy_since >= BUSY_LIMIT)
		return 0;
	clock_sleep_us(BUSY_SLEEP);
	return 1;
}

static int
after_commit(void *argument, sqlite3 *db, const char *name, int pages)
{
	struct sqlite	*sqlite = argument;

	(void)db;
	(void)name;
	sqlite->wal_pages = pages;
	return SQLITE_OK;
}

static int
read_pragma(struct sqlite *sqlite, const char *sql, int *value)
{
	sqlite3_stmt	*statement;
	int		 result = -1;

	if (sqlite3_prepare_v2(sqlite->db, sql, -1, &statement, NULL) !=
	    SQLITE_OK)
		return -1;
	if (sqlite3_step(statement) == SQLITE_ROW) {
		*value = sqlite3_column_int(statement, 0);
		result = 0;
	}
	sqlite3_finalize(statement);
	return result;
}

/* Marked by this program, or a file that nobody has written to yet. */
static int
check_owner(struct sqlite *sqlite, const char *path, struct complaint *error)
{
	int	 id, version, schema;

	if (read_pragma(sqlite, "PRAGMA application_id", &id) == -1 ||
	    read_pragma(sqlite, "PRAGMA user_version", &version) == -1 ||
	    read_pragma(sqlite, "PRAGMA schema_version", &schema) == -1)
		return complaint(error, "%s: %s", path,
		    sqlite3_errmsg(sqlite->db));
	if (id == APPLICATION_ID || (id == 0 && version == 0 && schema == 0))
		return 0;
	return complaint(error, "%s: this is a database of another program",
	    path);
}

static int
apply_settings(struct sqlite *sqlite, const char *path, enum sqlite_mode mode,
    struct complaint *error)
{
	char	 got[32];

	for (size_t i = 0; i < sizeof(settings) / sizeof(settings[0]); i++) {
		if (settings[i].write_only && mode != SQLITE_MODE_WRITE)
			continue;
		got[0] = '\0';
		if (sqlite3_exec(sqlite->db, settings[i].sql, keep_text, got,
		    NULL) != SQLITE_OK)
			return complaint(error, "%s: %s", path,
			    sqlite3_errmsg(sqlite->db));
		if (settings[i].expected != NULL &&
		    strcmp(got, settings[i].expected) != 0)
			return complaint(error, "%s: \"%s\" had no effect",
			    path, settings[i].sql);
	}
	return 0;
}

static int
limit_size(struct sqlite *sqlite, const char *path, int64_t max_bytes,
    struct complaint *error)
{
	char	 sql[64];

	/* A sixteenth more than creation may use: for what readers write. */
	snprintf(sql, sizeof(sql), "PRAGMA max_page_count = %lld",
	    (long long)((max_bytes + max_bytes / 16) / SQLITE_PAGE_BYTES));
	if (sqlite3_exec(sqlite->db, sql, NULL, NULL, NULL) != SQLITE_OK)
		return complaint(error, "%s: %s", path,
		    sqlite3_errmsg(sqlite->db));
	return 0;
}

int
sqlite_open(struct sqlite *sqlite, const char *path, enum sqlite_mode mode,
    int64_t max_bytes, struct complaint *error)
{
	sqlite3	*db;

	*sqlite = (struct sqlite){ .max_bytes = max_bytes };
	sqlite_begin_batch(sqlite);
	/* The file is never made here, and never through a link. */
	if (vfs_register() == -1 || sqlite3_open_v2(path, &sqlite->db,
	    SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX |
	    SQLITE_OPEN_NOFOLLOW | SQLITE_OPEN_PRIVATECACHE, VFS_NAME) !=
	    SQLITE_OK) {
		complaint(error, "%s: %s", path, sqlite->db == NULL ?
		    "no memory" : sqlite3_errmsg(sqlite->db));
		goto fail;
	}
	db = sqlite->db;
	sqlite3_extended_result_codes(db, 1);
	if (sqlite3_db_config(db, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, NULL) !=
	    SQLITE_OK ||
	    sqlite3_db_config(db, SQLITE_DBCONFIG_DQS_DML, 0, NULL) !=
	    SQLITE_OK ||
	    sqlite3_db_config(db, SQLITE_DBCONFIG_DQS_DDL, 0, NULL) !=
	    SQLITE_OK) {
		complaint(error, "%s: the library refuses a setting", path);
		goto fail;
	}
	if (mode == SQLITE_MODE_WRITE)
		sqlite3_busy_handler(db, writer_busy, sqlite);
	else
		sqlite3_busy_timeout(db, READER_PATIENCE);
	/* First of all, since journal_mode changes the file. */
	if (check_owner(sqlite, path, error) == -1 ||
	    apply_settings(sqlite, path, mode, error) == -1)
		goto fail;
	/* Only now, since it forbids a change of journal_mode. */
	if (sqlite3_db_config(db, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL) !=
	    SQLITE_OK) {
		complaint(error, "%s: the library refuses a setting", path);
		goto fail;
	}
	if (mode == SQLITE_MODE_WRITE) {
		sqlite3_wal_hook(db, after_commit, sqlite);
		if (max_bytes > 0 &&
		    limit_size(sqlite, path, max_bytes, error) == -1)
			goto fail;
	} else if (sqlite3_exec(db, "PRAGMA query_only = ON;"
	    "PRAGMA cache_size = -256", NULL, NULL, NULL) != SQLITE_OK) {
		complaint(error, "%s: %s", path, sqlite3_errmsg(db));
		goto fail;
	}
	return 0;
fail:
	sqlite3_close_v2(sqlite->db);
	sqlite->db = NULL;
	return -1;
}

void
sqlite_close(struct sqlite *sqlite)
{
	if (sqlite->db == NULL)
		return;
	for (size_t i = 0; i < SQLITE_STATEMENT__MAX; i++)
		sqlite3_finalize(sqlite->statements[i]);
	sqlite3_close(sqlite->db);
	*sqlite = (struct sqlite){ .db = NULL };
}

sqlite3_stmt *
sqlite_statement(struct sqlite *sqlite, enum sqlite_statement id)
{
	if (sqlite->statements[id] == NULL)
		sqlite3_prepare_v3(sqlite->db, statement_sql[id], -1,
		    SQLITE_PREPARE_PERSISTENT, &sqlite->statements[id], NULL);
	return sqlite->statements[id];
}

const char *
sqlite_statement_sql(enum sqlite_statement id)
{
	return statement_sql[id];
}

int
sqlite_run(struct sqlite *sqlite, enum sqlite_statement id)
{
	sqlite3_stmt	*statement = sqlite_statement(sqlite, id);
	int		 code;

	if (statement == NULL)
		return -1;
	code = sqlite3_step(statement);
	/* The code is kept by the connection until the next call on it. */
	return sqlite3_reset(statement) == SQLITE_OK && code == SQLITE_DONE ?
	    0 : -1;
}

int
sqlite_script(struct sqlite *sqlite, const char *sql)
{
	return sqlite3_exec(sqlite->db, sql, NULL, NULL, NULL) == SQLITE_OK ?
	    0 : -1;
}

int
sqlite_failure(struct sqlite *sqlite, const char *where)
{
	int	 code = sqlite3_extended_errcode(sqlite->db);
	int	 system = sqlite3_system_errno(sqlite->db);

	switch (code & 0xff) {
	case SQLITE_FULL:
		log_event(LOG_STORE_FULL, LOG_TEXT("where", where));
		return STORE_FULL;
	case SQLITE_BUSY:
	case SQLITE_LOCKED:
		log_event(LOG_STORE_BUSY, LOG_TEXT("where", where));
		return STORE_BUSY;
	default:
		/* No room for the shared memory; the library has a code for a
		 * write to a full disk only.  What a sync says is no reason
		 * to try again. */
		if ((code & 0xff) == SQLITE_IOERR &&
		    code != SQLITE_IOERR_FSYNC &&
		    (system == ENOSPC || system == EDQUOT)) {
			log_event(LOG_STORE_FULL, LOG_TEXT("where", where));
			return STORE_FULL;
		}
		log_event(LOG_STORE_FAILED, LOG_TEXT("where", where),
		    LOG_NUMBER("code", code), LOG_NUMBER("errno", system));
		return STORE_FAILED;
	}
}

bool
sqlite_in_transaction(struct sqlite *sqlite)
{
	return sqlite3_get_autocommit(sqlite->db) == 0;
}

static int64_t
size_of(const char *path)
{
	struct stat	 status;

	return stat(path, &status) == -1 ? 0 : status.st_size;
}

int64_t
sqlite_file_bytes(struct sqlite *sqlite)
{
	return size_of(sqlite3_db_filename(sqlite->db, "main"));
}

int64_t
sqlite_log_bytes(struct sqlite *sqlite)
{
	return size_of(sqlite3_filename_wal(sqlite3_db_filename(sqlite->db,
	    "main")));
}

void
sqlite_end_writing(struct sqlite *sqlite)
{
	sqlite3_file	*log = NULL;

	if (sqlite->db != NULL && sqlite3_file_control(sqlite->db, "main",
	    SQLITE_FCNTL_JOURNAL_POINTER, &log) == SQLITE_OK && log != NULL)
		vfs_forget(log);
}

void
sqlite_begin_batch(struct sqlite *sqlite)
{
	sqlite->used_bytes = sqlite->next_record = sqlite->latest =
	    sqlite->records = -1;
	sqlite->moved_bytes = 0;
	sqlite->records_more = 0;
}

int64_t
sqlite_changes(struct sqlite *sqlite)
{
	return sqlite3_total_changes64(sqlite->db);
}

int
sqlite_checkpoint(struct sqlite *sqlite, bool erase)
{
	int	 code;

	code = sqlite3_wal_checkpoint_v2(sqlite->db, NULL, erase ?
	    SQLITE_CHECKPOINT_TRUNCATE : SQLITE_CHECKPOINT_RESTART, NULL,
	    NULL);
	if (code == SQLITE_OK) {
		sqlite->wal_pages = 0;
		/* What vfs_page_clear took out of the file must not come back
		 * from the pages in memory. */
		if (erase)
			sqlite3_db_release_memory(sqlite->db);
		return 0;
	}
	if ((code & 0xff) == SQLITE_BUSY || (code & 0xff) == SQLITE_LOCKED)
		return 1;
	return sqlite_failure(sqlite, "checkpoint");
}

int
sqlite_version(struct sqlite *sqlite, int *version)
{
	return read_pragma(sqlite, "PRAGMA user_version", version);
}

int
sqlite_set_version(struct sqlite *sqlite, int version)
{
	char	 sql[64];

	snprintf(sql, sizeof(sql), "PRAGMA user_version = %d", version);
	return sqlite_script(sqlite, sql);
}

int
sqlite_mark(struct sqlite *sqlite)
{
	char	 sql[64];

	snprintf(sql, sizeof(sql), "PRAGMA application_id = %d",
	    APPLICATION_ID);
	return sqlite_script(sqlite, sql);
}

const char *
sqlite_error_text(struct sqlite *sqlite)
{
	return sqlite3_errmsg(sqlite->db);
}

void
sqlite_begin_fn(struct sqlite *sqlite, struct store_txn *txn)
{
	*txn = (struct store_txn){ .sqlite = sqlite, .now = clock_wall() };
}

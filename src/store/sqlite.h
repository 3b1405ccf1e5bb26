/* SPDX-License-Identifier: ISC */
#ifndef ONCELINK_SQLITE_H
#define ONCELINK_SQLITE_H

#include <stdbool.h>
#include <stdint.h>

#include "store/store.h"

typedef struct sqlite3 sqlite3;
typedef struct sqlite3_stmt sqlite3_stmt;

#define SQLITE_PAGE_BYTES 4096

/* Every statement there is; first those that only step. */
enum sqlite_statement {
	SQLITE_STATEMENT_BEGIN_READ,
	SQLITE_STATEMENT_BEGIN_WRITE,
	SQLITE_STATEMENT_COMMIT,
	SQLITE_STATEMENT_ROLLBACK,
	SQLITE_STATEMENT_SAVEPOINT,
	SQLITE_STATEMENT_RELEASE,
	SQLITE_STATEMENT_ROLLBACK_TO,
	SQLITE_STATEMENT_PLAIN__MAX,
	/* What follows takes parameters and gives rows. */
	SQLITE_STATEMENT_PAGE_COUNT = SQLITE_STATEMENT_PLAIN__MAX,
	SQLITE_STATEMENT_FREE_COUNT,
	SQLITE_STATEMENT_RECORD_NEXT,
	SQLITE_STATEMENT_SECRET_INSERT,
	SQLITE_STATEMENT_RECORD_INSERT,
	SQLITE_STATEMENT_SECRET_FIND,
	SQLITE_STATEMENT_SECRET_FIND_RECEIPT,
	SQLITE_STATEMENT_SECRET_UPDATE,
	SQLITE_STATEMENT_SECRET_DELETE,
	SQLITE_STATEMENT_SECRET_DUE,
	SQLITE_STATEMENT_RECORD_READ,
	SQLITE_STATEMENT_RECORD_DELETE,
	SQLITE_STATEMENT_RECORD_PURGE,
	SQLITE_STATEMENT_CLAIM_PUT,
	SQLITE_STATEMENT_CLAIM_FIND,
	SQLITE_STATEMENT_CLAIM_DELETE,
	SQLITE_STATEMENT_CLAIM_DELETE_ALL,
	SQLITE_STATEMENT_CLAIM_PURGE,
	SQLITE_STATEMENT_CLAIM_LAST,
	SQLITE_STATEMENT_ACCOUNT_INSERT,
	SQLITE_STATEMENT_ACCOUNT_FIND,
	SQLITE_STATEMENT_ACCOUNT_FIND_NAME,
	SQLITE_STATEMENT_ACCOUNT_NEXT,
	SQLITE_STATEMENT_ACCOUNT_UPDATE,
	SQLITE_STATEMENT_ACCOUNT_DELETE,
	SQLITE_STATEMENT_API_KEY_INSERT,
	SQLITE_STATEMENT_API_KEY_FIND,
	SQLITE_STATEMENT_API_KEY_NEXT,
	SQLITE_STATEMENT_API_KEY_USED,
	SQLITE_STATEMENT_API_KEY_DELETE,
	SQLITE_STATEMENT_API_KEY_DELETE_ALL,
	SQLITE_STATEMENT_LISTING_INSERT,
	SQLITE_STATEMENT_LISTING_FIND,
	SQLITE_STATEMENT_LISTING_ADDED,
	SQLITE_STATEMENT_LISTING_LEAVES,
	SQLITE_STATEMENT_LISTING_PAGE,
	SQLITE_STATEMENT_LISTING_ROW,
	SQLITE_STATEMENT_LISTING_FIRST,
	SQLITE_STATEMENT_LISTING_NAMED,
	SQLITE_STATEMENT_LISTING_VIEWED,
	SQLITE_STATEMENT_LISTING_FORGET,
	SQLITE_STATEMENT_LISTING_DELETE,
	SQLITE_STATEMENT_VIEW_INSERT,
	SQLITE_STATEMENT_VIEW_EACH,
	SQLITE_STATEMENT_VIEW_DELETE,
	SQLITE_STATEMENT_REQUEST_INSERT,
	SQLITE_STATEMENT_REQUEST_FIND,
	SQLITE_STATEMENT_REQUEST_PAGE,
	SQLITE_STATEMENT_REQUEST_ADDED,
	SQLITE_STATEMENT_REQUEST_LEAVES,
	SQLITE_STATEMENT_REQUEST_FIRST,
	SQLITE_STATEMENT_REQUEST_DUE,
	SQLITE_STATEMENT_REQUEST_EXPIRE,
	SQLITE_STATEMENT_REQUEST_USE,
	SQLITE_STATEMENT_REQUEST_DELETE,
	SQLITE_STATEMENT_LETTER_INSERT,
	SQLITE_STATEMENT_LETTER_DUE,
	SQLITE_STATEMENT_LETTER_NEXT,
	SQLITE_STATEMENT_LETTER_POSTPONE,
	SQLITE_STATEMENT_LETTER_DELETE,
	SQLITE_STATEMENT_LETTER_DELETE_REQUEST,
	SQLITE_STATEMENT_LETTER_DELETE_USED,
	SQLITE_STATEMENT_LETTER_DELETE_SECRET,
	SQLITE_STATEMENT_QUOTA_FIND,
	SQLITE_STATEMENT_QUOTA_ADD,
	SQLITE_STATEMENT_QUOTA_FORGET,
	SQLITE_STATEMENT_TOTAL,
	SQLITE_STATEMENT_TOTAL_ADD,
	/* Those of administrators, who may look at all there is. */
	SQLITE_STATEMENT_STATS_SECRETS,
	SQLITE_STATEMENT_STATS_RECORDS,
	SQLITE_STATEMENT_STATS_CLAIMS,
	SQLITE_STATEMENT_STATS_REQUESTS,
	SQLITE_STATEMENT_STATS_LETTERS,
	SQLITE_STATEMENT_KEYS,
	SQLITE_STATEMENT_CLOCK_GET,
	SQLITE_STATEMENT_CLOCK_PUT,
	SQLITE_STATEMENT_NEWEST,
	SQLITE_STATEMENT_EPOCH_USED,
	SQLITE_STATEMENT_INTEGRITY,
	SQLITE_STATEMENT__MAX
};

/* One connection, used by one thread at a time. */
struct sqlite {
	sqlite3		*db;
	sqlite3_stmt	*statements[SQLITE_STATEMENT__MAX];
	int		 wal_pages;	/* in the log after the last commit */
	int64_t		 max_bytes;	/* of database and log; 0: no limit */
	int64_t		 used_bytes;	/* by this batch's count; -1: unknown */
	size_t		 moved_bytes;	/* of records this batch has in hand */
	int64_t		 next_record;	/* of this batch; -1: unknown */
	int64_t		 records;	/* before this batch; -1: unknown */
	int64_t		 records_more;	/* in this batch, not yet written */
	int64_t		 latest;	/* the clock's mark in this
					   transaction; -1: not read */
	int64_t		 busy_since;	/* microseconds, of the busy handler */
};

struct store_txn {
	struct sqlite	*sqlite;
	int64_t		 now;		/* ms since 1970 */
	struct store_clock clock;	/* what that is made of */
	int		 failure;	/* STORE_… of the call that failed */
	bool		 disk_full;	/* … because the disk is */
	bool		 inserted;	/* tried to: not with the ballast */
	bool		 erased;	/* a record was deleted */
	bool		 log_in_the_way; /* store_room said no for the log */
};

enum sqlite_mode { SQLITE_MODE_WRITE, SQLITE_MODE_READ };

/*
 * sqlite_open(sqlite, path, mode, max_bytes, error): open the database with
 * every setting checked after it was made.  Only `write` connections of ours
 * write.  A database of another program is refused and stays as it is.
 * Returns 0, or -1 with error and nothing open.
 */
int	 sqlite_open(struct sqlite *sqlite, const char *path,
	    enum sqlite_mode mode, int64_t max_bytes,
	    struct complaint *error);

/* sqlite_close(sqlite): accepts a connection that is not open. */
void	 sqlite_close(struct sqlite *sqlite);

/* sqlite_statement(sqlite, statement): prepared, at its first use.  Returns
 * NULL when it cannot be; sqlite_failure says why. */
sqlite3_stmt *sqlite_statement(struct sqlite *sqlite,
    enum sqlite_statement statement);

/* sqlite_statement_sql(statement): its text, for the tests. */
const char *sqlite_statement_sql(enum sqlite_statement statement);

/* sqlite_run(sqlite, statement): step one of the plain statements.  Returns 0
 * or -1; sqlite_failure says why. */
int	 sqlite_run(struct sqlite *sqlite, enum sqlite_statement statement);

/* sqlite_script(sqlite, sql): run the text of a migration. */
int	 sqlite_script(struct sqlite *sqlite, const char *sql);

/* sqlite_failure(sqlite, where): the STORE_ failure for the connection's last
 * error, logged. */
int	 sqlite_failure(struct sqlite *sqlite, const char *where);

/* sqlite_in_transaction(sqlite): false after an error that ended it. */
bool	 sqlite_in_transaction(struct sqlite *sqlite);

/*
 * sqlite_checkpoint(sqlite, erase): copy the log into the database, waiting at
 * most 20 ms for readers; the next commit writes over the log from its start
 * (RESTART), or with erase the log is cut off now (TRUNCATE).  The caller
 * holds the write lock.  Returns 0, 1 when a reader held it up, STORE_FAILED
 * or STORE_FULL.
 */
int	 sqlite_checkpoint(struct sqlite *sqlite, bool erase);

/* sqlite_file_bytes(sqlite), sqlite_log_bytes(sqlite): the sizes of the
 * database and of its log as files. */
int64_t	 sqlite_file_bytes(struct sqlite *sqlite);
int64_t	 sqlite_log_bytes(struct sqlite *sqlite);

/* sqlite_end_writing(sqlite): before the write lock is let go: nothing of a
 * transaction that was rolled back may reach the log later. */
void	 sqlite_end_writing(struct sqlite *sqlite);

/* sqlite_begin_batch(sqlite): what is known of the database within one
 * transaction alone is not known any more. */
void	 sqlite_begin_batch(struct sqlite *sqlite);

/* sqlite_changes(sqlite): a number that is another after any row changed. */
int64_t	 sqlite_changes(struct sqlite *sqlite);

/* sqlite_version(sqlite, version), sqlite_set_version(sqlite, version): the
 * schema's version.  sqlite_mark(sqlite): mark the file as this program's.
 * Return 0 or -1. */
int	 sqlite_version(struct sqlite *sqlite, int *version);
int	 sqlite_set_version(struct sqlite *sqlite, int version);
int	 sqlite_mark(struct sqlite *sqlite);

/* sqlite_error_text(sqlite): the library's words for its last error. */
const char *sqlite_error_text(struct sqlite *sqlite);

/* sqlite_begin_fn(sqlite, txn): a fresh txn; mark_begin comes next. */
void	 sqlite_begin_fn(struct sqlite *sqlite, struct store_txn *txn);

#endif

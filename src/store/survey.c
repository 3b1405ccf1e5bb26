/* SPDX-License-Identifier: ISC */
/*
 * What may be asked of the whole store: its numbers, which keys its records
 * need, when it was last written to.
 */
#include <sqlite3.h>

#include "store/sqlite.h"
#include "store/txn.h"

int
store_stats(struct store_txn *txn, struct store_stats *stats)
{
	sqlite3_stmt	*statement;
	int64_t		 state, pages;
	int		 result;

	*stats = (struct store_stats){ .page_bytes = SQLITE_PAGE_BYTES };
	statement = txn_prepare(txn, SQLITE_STATEMENT_STATS_SECRETS, "stats");
	if (statement == NULL)
		return -1;
	while ((result = txn_step(txn, statement, "stats")) == 0) {
		state = sqlite3_column_int64(statement, 0);
		if (state < 0 || state >= STORE_STATE__MAX) {
			sqlite3_reset(statement);
			return txn_damaged(txn, "stats");
		}
		stats->secrets[state] = sqlite3_column_int64(statement, 1);
	}
	if (result == -1 ||
	    txn_number(txn, SQLITE_STATEMENT_STATS_RECORDS,
	    &stats->records) == -1 ||
	    txn_number(txn, SQLITE_STATEMENT_STATS_CLAIMS,
	    &stats->claims) == -1 ||
	    txn_number(txn, SQLITE_STATEMENT_STATS_REQUESTS,
	    &stats->requests) == -1 ||
	    txn_number(txn, SQLITE_STATEMENT_STATS_LETTERS,
	    &stats->letters) == -1 ||
	    txn_number(txn, SQLITE_STATEMENT_PAGE_COUNT, &pages) == -1 ||
	    txn_number(txn, SQLITE_STATEMENT_FREE_COUNT,
	    &stats->pages_free) == -1)
		return -1;
	stats->wal_bytes = sqlite_log_bytes(txn->sqlite);
	stats->pages_used = pages - stats->pages_free;
	return 0;
}

int
store_keys(struct store_txn *txn, int64_t *after, uint32_t *keys,
    size_t *count)
{
	sqlite3_stmt	*statement;
	size_t		 limit = *count, rows = 0;
	int		 result;

	*count = 0;
	statement = txn_prepare(txn, SQLITE_STATEMENT_KEYS, "keys");
	if (statement == NULL)
		return -1;
	sqlite3_bind_int64(statement, 1, *after);
	sqlite3_bind_int64(statement, 2, (int64_t)limit);
	while ((result = txn_step(txn, statement, "keys")) == 0) {
		*after = sqlite3_column_int64(statement, 0);
		rows++;
		if (sqlite3_column_int64(statement, 2) != 0)
			keys[(*count)++] =
			    (uint32_t)sqlite3_column_int64(statement, 1);
	}
	if (result == -1)
		return -1;
	return rows < limit ? 1 : 0;
}

int
store_newest(struct store_txn *txn, int64_t *created_at)
{
	sqlite3_stmt	*statement;
	int		 result;

	statement = txn_prepare(txn, SQLITE_STATEMENT_NEWEST, "newest");
	if (statement == NULL)
		return -1;
	result = txn_step(txn, statement, "newest");
	if (result == 0) {
		*created_at = sqlite3_column_int64(statement, 0);
		sqlite3_reset(statement);
	}
	return result;
}

int
store_epoch_used(struct store_txn *txn, uint32_t epoch, int64_t first,
    int64_t last)
{
	sqlite3_stmt	*statement;
	int		 result;

	statement = txn_prepare(txn, SQLITE_STATEMENT_EPOCH_USED, "epoch");
	if (statement == NULL)
		return -1;
	sqlite3_bind_int64(statement, 1, first);
	sqlite3_bind_int64(statement, 2, last);
	sqlite3_bind_int64(statement, 3, (int64_t)epoch);
	result = txn_step(txn, statement, "epoch");
	if (result == 0)
		sqlite3_reset(statement);
	return result;
}

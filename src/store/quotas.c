/* SPDX-License-Identifier: ISC */
/*
 * The rows of what clients made in an hour.  They are found by a part of a
 * keyed hash, and hold nothing else that tells whose they are.
 */
#include <sqlite3.h>

#include "store/sqlite.h"
#include "store/txn.h"

int
store_quota_find(struct store_txn *txn, const uint8_t hash[STORE_HASHBYTES],
    struct store_quota *row)
{
	sqlite3_stmt	*statement;
	int		 result;

	*row = (struct store_quota){ 0 };
	result = txn_find(txn, SQLITE_STATEMENT_QUOTA_FIND, "quota",
	    txn_hash_id(hash), &statement);
	if (result != 0)
		return result;
	row->secrets = sqlite3_column_int64(statement, 0);
	row->bytes = sqlite3_column_int64(statement, 1);
	sqlite3_reset(statement);
	return row->secrets < 0 || row->bytes < 0 ?
	    txn_damaged(txn, "quota") : 0;
}

int
store_quota_add(struct store_txn *txn, const uint8_t hash[STORE_HASHBYTES],
    int64_t due_at, size_t bytes)
{
	sqlite3_stmt	*statement;

	statement = txn_prepare(txn, SQLITE_STATEMENT_QUOTA_ADD, "quota");
	if (statement == NULL)
		return -1;
	sqlite3_bind_int64(statement, 1, txn_hash_id(hash));
	sqlite3_bind_int64(statement, 2, due_at);
	sqlite3_bind_int64(statement, 3, (int64_t)bytes);
	return txn_one(txn, statement, "quota");
}

int
store_quota_forget(struct store_txn *txn, int64_t before, size_t limit,
    size_t *count)
{
	sqlite3_stmt	*statement;

	*count = 0;
	statement = txn_prepare(txn, SQLITE_STATEMENT_QUOTA_FORGET, "quota");
	if (statement == NULL)
		return -1;
	sqlite3_bind_int64(statement, 1, before);
	sqlite3_bind_int64(statement, 2, (int64_t)limit);
	if (txn_done(txn, statement, "quota") == -1)
		return -1;
	*count = (size_t)sqlite3_changes64(txn->sqlite->db);
	return 0;
}

int
store_records(struct store_txn *txn, int64_t *count)
{
	struct sqlite	*sqlite = txn->sqlite;
	int64_t		 before = 0;

	/* A count that is lost stops nobody: there is the store's size. */
	if (sqlite->records == -1 && txn_number(txn, SQLITE_STATEMENT_TOTAL,
	    &before) == -1 && txn->failure != 0)
		return -1;
	if (sqlite->records == -1)
		sqlite->records = before;
	*count = sqlite->records + sqlite->records_more;
	return 0;
}

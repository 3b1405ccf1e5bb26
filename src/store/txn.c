/* SPDX-License-Identifier: ISC */
/*
 * How a statement is stepped inside a transaction, and what is noted when
 * that fails.
 */
#include "store/txn.h"

#include <sqlite3.h>
#include <string.h>

#include "base/log.h"

int
txn_fail(struct store_txn *txn, const char *where)
{
	txn->failure = sqlite_failure(txn->sqlite, where);
	txn->disk_full = txn->failure == STORE_FULL;
	return -1;
}

int
txn_damaged(struct store_txn *txn, const char *where)
{
	log_event(LOG_STORE_FAILED, LOG_TEXT("where", where),
	    LOG_TEXT("reason", "damaged"));
	txn->failure = STORE_FAILED;
	return -1;
}

sqlite3_stmt *
txn_prepare(struct store_txn *txn, enum sqlite_statement id,
    const char *where)
{
	sqlite3_stmt	*statement = sqlite_statement(txn->sqlite, id);

	if (statement == NULL)
		txn_fail(txn, where);
	return statement;
}

int
txn_step(struct store_txn *txn, sqlite3_stmt *statement, const char *where)
{
	int	 code = sqlite3_step(statement);

	if (code == SQLITE_ROW)
		return 0;
	if (code != SQLITE_DONE)
		txn_fail(txn, where);
	sqlite3_reset(statement);
	return code == SQLITE_DONE ? 1 : -1;
}

int
txn_done(struct store_txn *txn, sqlite3_stmt *statement, const char *where)
{
	return txn_step(txn, statement, where) == 1 ? 0 : -1;
}

int
txn_find(struct store_txn *txn, enum sqlite_statement id, const char *where,
    int64_t number, sqlite3_stmt **statement)
{
	*statement = txn_prepare(txn, id, where);
	if (*statement == NULL)
		return -1;
	sqlite3_bind_int64(*statement, 1, number);
	return txn_step(txn, *statement, where);
}

int
txn_change(struct store_txn *txn, enum sqlite_statement id,
    const char *where, int64_t number)
{
	sqlite3_stmt	*statement;

	return txn_find(txn, id, where, number, &statement) == 1 ? 0 : -1;
}

int
txn_one(struct store_txn *txn, sqlite3_stmt *statement, const char *where)
{
	if (txn_done(txn, statement, where) == -1)
		return -1;
	return sqlite3_changes(txn->sqlite->db) == 1 ? 0 :
	    txn_damaged(txn, where);
}

int64_t
txn_hash_id(const uint8_t hash[STORE_HASHBYTES])
{
	uint64_t	 id = 0;

	for (int i = 0; i < 8; i++)
		id = id << 8 | hash[i];
	return (int64_t)(id >> 1);
}

int
txn_hash(sqlite3_stmt *statement, int column, uint8_t out[STORE_HASHBYTES])
{
	const void	*bytes = sqlite3_column_blob(statement, column);

	if (bytes == NULL ||
	    sqlite3_column_bytes(statement, column) != STORE_HASHBYTES)
		return -1;
	memcpy(out, bytes, STORE_HASHBYTES);
	return 0;
}

int
txn_number(struct store_txn *txn, enum sqlite_statement id, int64_t *value)
{
	sqlite3_stmt	*statement = txn_prepare(txn, id, "number");

	if (statement == NULL || txn_step(txn, statement, "number") != 0)
		return -1;
	*value = sqlite3_column_int64(statement, 0);
	sqlite3_reset(statement);
	return 0;
}

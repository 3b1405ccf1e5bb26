/* SPDX-License-Identifier: ISC */
/*
 * The rows of accounts and of their keys.
 */
#include <sqlite3.h>
#include <string.h>

#include "store/sqlite.h"
#include "store/store_account.h"
#include "store/txn.h"

static int
read_account(struct store_txn *txn, sqlite3_stmt *statement,
    struct store_account *row)
{
	const unsigned char *name = sqlite3_column_text(statement, 1);
	size_t		 length = (size_t)sqlite3_column_bytes(statement, 1);

	*row = (struct store_account){
		.id = sqlite3_column_int64(statement, 0),
		.created_at = sqlite3_column_int64(statement, 2),
		.allowance = sqlite3_column_int64(statement, 3),
		.request_allowance = sqlite3_column_int64(statement, 4),
		.month = sqlite3_column_int64(statement, 5),
		.usage = sqlite3_column_int64(statement, 6),
		.request_usage = sqlite3_column_int64(statement, 7),
		.listed = sqlite3_column_int64(statement, 8),
		.requested = sqlite3_column_int64(statement, 9),
	};
	if (name == NULL || length > STORE_NAME_MAX)
		return txn_damaged(txn, "account");
	memcpy(row->name, name, length);
	return 0;
}

/* Read the account that a statement stands at, and be done with that. */
static int
take_account(struct store_txn *txn, sqlite3_stmt *statement,
    struct store_account *row)
{
	int	 result = read_account(txn, statement, row);

	sqlite3_reset(statement);
	return result;
}

static int
find_account(struct store_txn *txn, enum sqlite_statement id, int64_t number,
    struct store_account *row)
{
	sqlite3_stmt	*statement;
	int		 result;

	result = txn_find(txn, id, "account", number, &statement);
	return result != 0 ? result : take_account(txn, statement, row);
}

int
store_account_insert(struct store_txn *txn, struct store_account *row)
{
	sqlite3_stmt	*statement;
	int		 code;

	txn->inserted = true;
	statement = txn_prepare(txn, SQLITE_STATEMENT_ACCOUNT_INSERT,
	    "account");
	if (statement == NULL)
		return -1;
	sqlite3_bind_text(statement, 1, row->name, -1, SQLITE_STATIC);
	sqlite3_bind_int64(statement, 2, row->created_at);
	sqlite3_bind_int64(statement, 3, row->allowance);
	sqlite3_bind_int64(statement, 4, row->request_allowance);
	sqlite3_bind_int64(statement, 5, row->month);
	sqlite3_bind_int64(statement, 6, row->usage);
	sqlite3_bind_int64(statement, 7, row->request_usage);
	code = sqlite3_step(statement);
	if (code != SQLITE_DONE && (code & 0xff) != SQLITE_CONSTRAINT)
		txn_fail(txn, "account");
	sqlite3_reset(statement);
	sqlite3_clear_bindings(statement);
	if (code == SQLITE_DONE) {
		row->id = sqlite3_last_insert_rowid(txn->sqlite->db);
		return 0;
	}
	return (code & 0xff) == SQLITE_CONSTRAINT ? 1 : -1;
}

int
store_account_find(struct store_txn *txn, int64_t id,
    struct store_account *row)
{
	return find_account(txn, SQLITE_STATEMENT_ACCOUNT_FIND, id, row);
}

int
store_account_find_name(struct store_txn *txn, const char *name,
    struct store_account *row)
{
	sqlite3_stmt	*statement;
	int		 result;

	statement = txn_prepare(txn, SQLITE_STATEMENT_ACCOUNT_FIND_NAME,
	    "account");
	if (statement == NULL)
		return -1;
	sqlite3_bind_text(statement, 1, name, -1, SQLITE_STATIC);
	result = txn_step(txn, statement, "account");
	if (result == 0)
		result = take_account(txn, statement, row);
	sqlite3_clear_bindings(statement);
	return result;
}

int
store_account_next(struct store_txn *txn, int64_t after,
    struct store_account *row)
{
	return find_account(txn, SQLITE_STATEMENT_ACCOUNT_NEXT, after, row);
}

int
store_account_update(struct store_txn *txn, const struct store_account *row)
{
	sqlite3_stmt	*statement;

	statement = txn_prepare(txn, SQLITE_STATEMENT_ACCOUNT_UPDATE,
	    "account");
	if (statement == NULL)
		return -1;
	sqlite3_bind_int64(statement, 1, row->id);
	sqlite3_bind_int64(statement, 2, row->allowance);
	sqlite3_bind_int64(statement, 3, row->request_allowance);
	sqlite3_bind_int64(statement, 4, row->month);
	sqlite3_bind_int64(statement, 5, row->usage);
	sqlite3_bind_int64(statement, 6, row->request_usage);
	return txn_one(txn, statement, "account");
}

int
store_account_remove(struct store_txn *txn, int64_t id)
{
	txn->erased = true;
	return store_api_key_remove_all(txn, id) == -1 ? -1 :
	    txn_change(txn, SQLITE_STATEMENT_ACCOUNT_DELETE, "account", id);
}

static int
find_key(struct store_txn *txn, sqlite3_stmt *statement,
    struct store_api_key *row)
{
	int	 result = txn_step(txn, statement, "key");

	if (result != 0)
		return result;
	*row = (struct store_api_key){
		.id = sqlite3_column_int64(statement, 0),
		.account = sqlite3_column_int64(statement, 1),
		.private = sqlite3_column_int(statement, 2) != 0,
		.created_at = sqlite3_column_int64(statement, 4),
		.used_day = sqlite3_column_int64(statement, 5),
	};
	if (txn_hash(statement, 3, row->hash) == -1)
		result = txn_damaged(txn, "key");
	sqlite3_reset(statement);
	return result;
}

int
store_api_key_insert(struct store_txn *txn, struct store_api_key *row)
{
	sqlite3_stmt	*statement;

	txn->inserted = true;
	statement = txn_prepare(txn, SQLITE_STATEMENT_API_KEY_INSERT, "key");
	if (statement == NULL)
		return -1;
	sqlite3_bind_int64(statement, 1, row->account);
	sqlite3_bind_int64(statement, 2, row->private);
	sqlite3_bind_int64(statement, 3, txn_hash_id(row->hash));
	sqlite3_bind_blob(statement, 4, row->hash, STORE_HASHBYTES,
	    SQLITE_STATIC);
	sqlite3_bind_int64(statement, 5, row->created_at);
	sqlite3_bind_int64(statement, 6, row->used_day);
	if (txn_done(txn, statement, "key") == -1)
		return -1;
	sqlite3_clear_bindings(statement);
	row->id = sqlite3_last_insert_rowid(txn->sqlite->db);
	return 0;
}

int
store_api_key_find(struct store_txn *txn, const uint8_t hash[STORE_HASHBYTES],
    struct store_api_key *row)
{
	sqlite3_stmt	*statement;
	int		 result;

	statement = txn_prepare(txn, SQLITE_STATEMENT_API_KEY_FIND, "key");
	if (statement == NULL)
		return -1;
	sqlite3_bind_int64(statement, 1, txn_hash_id(hash));
	result = find_key(txn, statement, row);
	return result == 0 && memcmp(row->hash, hash, STORE_HASHBYTES) != 0 ?
	    1 : result;
}

int
store_api_key_next(struct store_txn *txn, int64_t account, int64_t after,
    struct store_api_key *row)
{
	sqlite3_stmt	*statement;

	statement = txn_prepare(txn, SQLITE_STATEMENT_API_KEY_NEXT, "key");
	if (statement == NULL)
		return -1;
	sqlite3_bind_int64(statement, 1, account);
	sqlite3_bind_int64(statement, 2, after);
	return find_key(txn, statement, row);
}

int
store_api_key_used(struct store_txn *txn, int64_t id, int64_t day)
{
	sqlite3_stmt	*statement;

	/* Whoever is about to insert asks for it: with the ballast's blocks it
	 * would be done with those. */
	txn->inserted = true;
	statement = txn_prepare(txn, SQLITE_STATEMENT_API_KEY_USED, "key");
	if (statement == NULL)
		return -1;
	sqlite3_bind_int64(statement, 1, id);
	sqlite3_bind_int64(statement, 2, day);
	return txn_done(txn, statement, "key");
}

int
store_api_key_remove_all(struct store_txn *txn, int64_t account)
{
	return txn_change(txn, SQLITE_STATEMENT_API_KEY_DELETE_ALL, "key",
	    account);
}

int
store_api_key_remove(struct store_txn *txn, int64_t account, int64_t id)
{
	sqlite3_stmt	*statement;

	statement = txn_prepare(txn, SQLITE_STATEMENT_API_KEY_DELETE, "key");
	if (statement == NULL)
		return -1;
	sqlite3_bind_int64(statement, 1, id);
	sqlite3_bind_int64(statement, 2, account);
	if (txn_done(txn, statement, "key") == -1)
		return -1;
	return sqlite3_changes(txn->sqlite->db) > 0 ? 0 : 1;
}

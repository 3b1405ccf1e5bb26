/* SPDX-License-Identifier: ISC */
/*
 * The rows of secret requests.
 */
#include <sqlite3.h>
#include <string.h>

#include "store/sqlite.h"
#include "store/store_request.h"
#include "store/txn.h"

/* Read the row that a statement stands at; its bytes are lent.  What is damaged
 * is said by the notes, which do not open with another name. */
static void
read_request(sqlite3_stmt *statement, struct store_request *row)
{
	*row = (struct store_request){
		.id = sqlite3_column_int64(statement, 0),
		.account = sqlite3_column_int64(statement, 1),
		.created_at = sqlite3_column_int64(statement, 3),
		.expires_at = sqlite3_column_int64(statement, 4),
		.due_at = sqlite3_column_int64(statement, 5),
		.uses_left = (uint32_t)sqlite3_column_int64(statement, 6),
		.note = sqlite3_column_blob(statement, 7),
		.note_size = (size_t)sqlite3_column_bytes(statement, 7),
		.password = sqlite3_column_blob(statement, 8),
		.password_size = (size_t)sqlite3_column_bytes(statement, 8),
	};
	txn_hash(statement, 2, row->lookup);
}

int
store_request_insert(struct store_txn *txn, struct store_request *row)
{
	sqlite3_stmt	*statement;
	int		 result;

	txn->inserted = true;
	statement = txn_prepare(txn, SQLITE_STATEMENT_REQUEST_INSERT,
	    "request");
	if (statement == NULL)
		return -1;
	sqlite3_bind_int64(statement, 1, row->account);
	sqlite3_bind_int64(statement, 2, txn_hash_id(row->lookup));
	sqlite3_bind_blob(statement, 3, row->lookup, STORE_HASHBYTES,
	    SQLITE_STATIC);
	sqlite3_bind_int64(statement, 4, row->created_at);
	sqlite3_bind_int64(statement, 5, row->expires_at);
	sqlite3_bind_int64(statement, 6, row->due_at);
	sqlite3_bind_int64(statement, 7, row->uses_left);
	sqlite3_bind_blob64(statement, 8, row->note, row->note_size,
	    SQLITE_STATIC);
	sqlite3_bind_blob64(statement, 9, row->password, row->password_size,
	    SQLITE_STATIC);
	result = txn_done(txn, statement, "request");
	sqlite3_clear_bindings(statement);
	if (result == -1)
		return -1;
	row->id = sqlite3_last_insert_rowid(txn->sqlite->db);
	return txn_change(txn, SQLITE_STATEMENT_REQUEST_ADDED, "request",
	    row->account);
}

int
store_request_find(struct store_txn *txn,
    const uint8_t lookup[STORE_HASHBYTES], store_request_fn *found,
    void *argument)
{
	sqlite3_stmt		*statement;
	struct store_request	 row;
	int			 result;

	result = txn_find(txn, SQLITE_STATEMENT_REQUEST_FIND, "request",
	    txn_hash_id(lookup), &statement);
	if (result != 0)
		return result;
	read_request(statement, &row);
	result = memcmp(row.lookup, lookup, STORE_HASHBYTES) != 0 ? 1 :
	    found(&row, argument);
	sqlite3_reset(statement);
	return result;
}

int
store_request_page(struct store_txn *txn, int64_t account, int64_t offset,
    int64_t limit, store_request_fn *each, void *argument)
{
	sqlite3_stmt		*statement;
	struct store_request	 row;
	int			 result;

	statement = txn_prepare(txn, SQLITE_STATEMENT_REQUEST_PAGE,
	    "request");
	if (statement == NULL)
		return -1;
	sqlite3_bind_int64(statement, 1, account);
	sqlite3_bind_int64(statement, 2, limit);
	sqlite3_bind_int64(statement, 3, offset);
	while ((result = txn_step(txn, statement, "request")) == 0) {
		read_request(statement, &row);
		if (each(&row, argument) == -1) {
			sqlite3_reset(statement);
			return -1;
		}
	}
	return result == 1 ? 0 : -1;
}

int
store_request_first(struct store_txn *txn, int64_t account, int64_t *id)
{
	sqlite3_stmt	*statement;
	int		 result;

	result = txn_find(txn, SQLITE_STATEMENT_REQUEST_FIRST, "request",
	    account, &statement);
	if (result != 0)
		return result;
	*id = sqlite3_column_int64(statement, 0);
	sqlite3_reset(statement);
	return 0;
}

int
store_request_due(struct store_txn *txn, int64_t before, int64_t *id,
    int64_t *expires_at)
{
	sqlite3_stmt	*statement;
	int		 result;

	result = txn_find(txn, SQLITE_STATEMENT_REQUEST_DUE, "request",
	    before, &statement);
	if (result != 0)
		return result;
	*id = sqlite3_column_int64(statement, 0);
	*expires_at = sqlite3_column_int64(statement, 1);
	sqlite3_reset(statement);
	return 0;
}

int
store_request_expire(struct store_txn *txn, int64_t id, int64_t due_at)
{
	sqlite3_stmt	*statement;

	txn->erased = true;
	statement = txn_prepare(txn, SQLITE_STATEMENT_REQUEST_EXPIRE,
	    "request");
	if (statement == NULL)
		return -1;
	sqlite3_bind_int64(statement, 1, id);
	sqlite3_bind_int64(statement, 2, due_at);
	return txn_one(txn, statement, "request");
}

int
store_request_use(struct store_txn *txn, int64_t id)
{
	sqlite3_stmt	*statement;

	txn->erased = true;
	statement = txn_prepare(txn, SQLITE_STATEMENT_REQUEST_USE, "request");
	if (statement == NULL)
		return -1;
	sqlite3_bind_int64(statement, 1, id);
	return txn_one(txn, statement, "request") == -1 ? -1 :
	    txn_change(txn, SQLITE_STATEMENT_LETTER_DELETE_USED, "request",
	    id);
}

int
store_request_remove(struct store_txn *txn, int64_t id)
{
	static const enum sqlite_statement steps[] = {
		SQLITE_STATEMENT_LETTER_DELETE_REQUEST,
		SQLITE_STATEMENT_REQUEST_LEAVES,
		SQLITE_STATEMENT_REQUEST_DELETE,
	};

	txn->erased = true;
	for (size_t i = 0; i < sizeof(steps) / sizeof(steps[0]); i++)
		if (txn_change(txn, steps[i], "request", id) == -1)
			return -1;
	return 0;
}

/* SPDX-License-Identifier: ISC */
/*
 * The rows of secret requests.
 */
#include <sqlite3.h>
#include <string.h>

#include "store/sqlite.h"
#include "store/store_request.h"
#include "store/txn.h"

/* Read the row that a statement stands at; its note is lent. */
static int
read_request(struct store_txn *txn, sqlite3_stmt *statement,
    struct store_request *row)
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
	};
	return txn_hash(statement, 2, row->lookup) == -1 || row->note == NULL
	    ? txn_damaged(txn, "request") : 0;
}

int
store_request_insert(struct store_txn *txn, struct store_request *row)
{
	sqlite3_stmt	*statement, *account;
	int		 result;

	txn->inserted = true;
	statement = txn_prepare(txn, SQLITE_STATEMENT_REQUEST_INSERT,
	    "request");
	account = txn_prepare(txn, SQLITE_STATEMENT_REQUEST_ADDED, "request");
	if (statement == NULL || account == NULL)
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
	result = txn_done(txn, statement, "request");
	sqlite3_clear_bindings(statement);
	if (result == -1)
		return -1;
	row->id = sqlite3_last_insert_rowid(txn->sqlite->db);
	sqlite3_bind_int64(account, 1, row->account);
	return txn_one(txn, account, "request");
}

int
store_request_find(struct store_txn *txn,
    const uint8_t lookup[STORE_HASHBYTES], store_request_fn *found,
    void *argument)
{
	sqlite3_stmt		*statement;
	struct store_request	 row;
	int			 result;

	statement = txn_prepare(txn, SQLITE_STATEMENT_REQUEST_FIND,
	    "request");
	if (statement == NULL)
		return -1;
	sqlite3_bind_int64(statement, 1, txn_hash_id(lookup));
	result = txn_step(txn, statement, "request");
	if (result != 0)
		return result;
	result = read_request(txn, statement, &row);
	if (result == 0)
		result = memcmp(row.lookup, lookup, STORE_HASHBYTES) != 0 ?
		    1 : found(&row, argument);
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
	while ((result = txn_step(txn, statement, "request")) == 0)
		if (read_request(txn, statement, &row) == -1 ||
		    each(&row, argument) == -1) {
			sqlite3_reset(statement);
			return -1;
		}
	return result == 1 ? 0 : -1;
}

/* The one row that a statement finds by a number. */
static int
find_by(struct store_txn *txn, enum sqlite_statement id, int64_t number,
    struct store_request *row)
{
	sqlite3_stmt	*statement = txn_prepare(txn, id, "request");
	int		 result;

	if (statement == NULL)
		return -1;
	sqlite3_bind_int64(statement, 1, number);
	result = txn_step(txn, statement, "request");
	if (result != 0)
		return result;
	result = read_request(txn, statement, row);
	sqlite3_reset(statement);
	row->note = NULL;
	row->note_size = 0;
	return result;
}

int
store_request_first(struct store_txn *txn, int64_t account,
    struct store_request *row)
{
	return find_by(txn, SQLITE_STATEMENT_REQUEST_FIRST, account, row);
}

int
store_request_due(struct store_txn *txn, int64_t before,
    struct store_request *row)
{
	return find_by(txn, SQLITE_STATEMENT_REQUEST_DUE, before, row);
}

int
store_request_postpone(struct store_txn *txn, int64_t id, int64_t due_at)
{
	sqlite3_stmt	*statement;

	statement = txn_prepare(txn, SQLITE_STATEMENT_REQUEST_POSTPONE,
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
	sqlite3_stmt	*request, *letters;

	txn->erased = true;
	request = txn_prepare(txn, SQLITE_STATEMENT_REQUEST_USE, "request");
	letters = txn_prepare(txn, SQLITE_STATEMENT_LETTER_DELETE_USED,
	    "request");
	if (request == NULL || letters == NULL)
		return -1;
	sqlite3_bind_int64(request, 1, id);
	sqlite3_bind_int64(letters, 1, id);
	return txn_one(txn, request, "request") == -1 ? -1 :
	    txn_done(txn, letters, "request");
}

int
store_request_remove(struct store_txn *txn, int64_t id)
{
	sqlite3_stmt	*letters, *account, *request;

	txn->erased = true;
	letters = txn_prepare(txn, SQLITE_STATEMENT_LETTER_DELETE_REQUEST,
	    "request");
	account = txn_prepare(txn, SQLITE_STATEMENT_REQUEST_LEAVES,
	    "request");
	request = txn_prepare(txn, SQLITE_STATEMENT_REQUEST_DELETE,
	    "request");
	if (letters == NULL || account == NULL || request == NULL)
		return -1;
	sqlite3_bind_int64(letters, 1, id);
	sqlite3_bind_int64(account, 1, id);
	sqlite3_bind_int64(request, 1, id);
	return txn_done(txn, letters, "request") == -1 ||
	    txn_one(txn, account, "request") == -1 ? -1 :
	    txn_one(txn, request, "request");
}

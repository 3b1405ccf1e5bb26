/* SPDX-License-Identifier: ISC */
/*
 * The rows of mail that waits for sendmail.
 */
#include <sqlite3.h>

#include "store/sqlite.h"
#include "store/store_request.h"
#include "store/txn.h"

/* Read the row that a statement stands at; its bytes are lent. */
static void
read_letter(sqlite3_stmt *statement, struct store_letter *row)
{
	*row = (struct store_letter){
		.id = sqlite3_column_int64(statement, 0),
		.account = sqlite3_column_int64(statement, 1),
		.request = sqlite3_column_int64(statement, 2),
		.secret = sqlite3_column_int64(statement, 3),
		.created_at = sqlite3_column_int64(statement, 4),
		.expires_at = sqlite3_column_int64(statement, 5),
		.due_at = sqlite3_column_int64(statement, 6),
		.tries = (uint32_t)sqlite3_column_int64(statement, 7),
		.letter = sqlite3_column_blob(statement, 8),
		.letter_size = (size_t)sqlite3_column_bytes(statement, 8),
	};
}

static void
bind_id(sqlite3_stmt *statement, int parameter, int64_t id)
{
	if (id != 0)
		sqlite3_bind_int64(statement, parameter, id);
	else
		sqlite3_bind_null(statement, parameter);
}

int
store_letter_insert(struct store_txn *txn, struct store_letter *row)
{
	sqlite3_stmt	*statement;
	int		 result;

	txn->inserted = true;
	statement = txn_prepare(txn, SQLITE_STATEMENT_LETTER_INSERT, "mail");
	if (statement == NULL)
		return -1;
	sqlite3_bind_int64(statement, 1, row->account);
	bind_id(statement, 2, row->request);
	bind_id(statement, 3, row->secret);
	sqlite3_bind_int64(statement, 4, row->created_at);
	sqlite3_bind_int64(statement, 5, row->expires_at);
	sqlite3_bind_int64(statement, 6, row->due_at);
	sqlite3_bind_int64(statement, 7, row->tries);
	sqlite3_bind_blob64(statement, 8, row->letter, row->letter_size,
	    SQLITE_STATIC);
	result = txn_done(txn, statement, "mail");
	sqlite3_clear_bindings(statement);
	if (result == 0)
		row->id = sqlite3_last_insert_rowid(txn->sqlite->db);
	return result;
}

int
store_letter_due(struct store_txn *txn, int64_t before,
    store_letter_fn *found, void *argument)
{
	sqlite3_stmt		*statement;
	struct store_letter	 row;
	int			 result;

	result = txn_find(txn, SQLITE_STATEMENT_LETTER_DUE, "mail", before,
	    &statement);
	if (result != 0)
		return result;
	read_letter(statement, &row);
	result = found(&row, argument);
	sqlite3_reset(statement);
	return result;
}

int
store_letter_next(struct store_txn *txn, int64_t after,
    struct store_letter *row)
{
	sqlite3_stmt	*statement;
	int		 result;

	result = txn_find(txn, SQLITE_STATEMENT_LETTER_NEXT, "mail", after,
	    &statement);
	if (result != 0)
		return result;
	read_letter(statement, row);
	sqlite3_reset(statement);
	row->letter = NULL;
	return 0;
}

int
store_letter_postpone(struct store_txn *txn, int64_t id, int64_t due_at,
    uint32_t tries)
{
	sqlite3_stmt	*statement;

	statement = txn_prepare(txn, SQLITE_STATEMENT_LETTER_POSTPONE,
	    "mail");
	if (statement == NULL)
		return -1;
	sqlite3_bind_int64(statement, 1, id);
	sqlite3_bind_int64(statement, 2, due_at);
	sqlite3_bind_int64(statement, 3, tries);
	if (txn_done(txn, statement, "mail") == -1)
		return -1;
	return sqlite3_changes(txn->sqlite->db) > 0 ? 0 : 1;
}

int
store_letter_remove_secret(struct store_txn *txn, int64_t secret)
{
	txn->erased = true;
	return txn_change(txn, SQLITE_STATEMENT_LETTER_DELETE_SECRET, "mail",
	    secret);
}

int
store_letter_remove(struct store_txn *txn, int64_t id)
{
	txn->erased = true;
	if (txn_change(txn, SQLITE_STATEMENT_LETTER_DELETE, "mail", id) == -1)
		return -1;
	return sqlite3_changes(txn->sqlite->db) > 0 ? 0 : 1;
}

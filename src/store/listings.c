/* SPDX-License-Identifier: ISC */
/*
 * The rows that an account sees of its secrets, and the log of their views.
 */
#include <sqlite3.h>
#include <string.h>

#include "store/rows.h"
#include "store/sqlite.h"
#include "store/store_account.h"
#include "store/store_request.h"
#include "store/txn.h"

/* How many columns of a page's row are the secret's. */
#define SECRET_COLUMNS_COUNT 20

static void
read_listing(sqlite3_stmt *statement, int column, struct store_listing *row)
{
	*row = (struct store_listing){
		.secret = sqlite3_column_int64(statement, column),
		.account = sqlite3_column_int64(statement, column + 1),
		.flags = (uint32_t)sqlite3_column_int64(statement,
		    column + 2),
		.views = sqlite3_column_int64(statement, column + 3),
		.note = sqlite3_column_blob(statement, column + 4),
		.note_size = (size_t)sqlite3_column_bytes(statement,
		    column + 4),
		.message = sqlite3_column_blob(statement, column + 5),
		.message_size = (size_t)sqlite3_column_bytes(statement,
		    column + 5),
	};
}

int
store_listing_insert(struct store_txn *txn, const struct store_listing *row)
{
	sqlite3_stmt	*statement;
	int		 result;

	txn->inserted = true;
	statement = txn_prepare(txn, SQLITE_STATEMENT_LISTING_INSERT,
	    "listing");
	if (statement == NULL)
		return -1;
	sqlite3_bind_int64(statement, 1, row->secret);
	sqlite3_bind_int64(statement, 2, row->account);
	sqlite3_bind_int64(statement, 3, row->flags);
	sqlite3_bind_int64(statement, 4, row->views);
	sqlite3_bind_blob64(statement, 5, row->note, row->note_size,
	    SQLITE_STATIC);
	sqlite3_bind_blob64(statement, 6, row->message, row->message_size,
	    SQLITE_STATIC);
	result = txn_done(txn, statement, "listing");
	sqlite3_clear_bindings(statement);
	return result == -1 ? -1 : txn_change(txn,
	    SQLITE_STATEMENT_LISTING_ADDED, "listing", row->account);
}

/* Read the secret of a row.  Returns false when it is damaged, which the log
 * tells of, and which must not keep anybody from the others. */
static bool
read_secret(struct store_txn *txn, sqlite3_stmt *statement,
    struct store_secret *secret)
{
	if (rows_read_secret(txn, statement, secret) == 0)
		return true;
	txn->failure = 0;
	return false;
}

/*
 * Call `found` with the row of one secret; with_secret: and with the secret,
 * unless that is damaged.  1: there is none.
 */
static int
find_listing(struct store_txn *txn, int64_t id, bool with_secret,
    store_listing_fn *found, void *argument)
{
	sqlite3_stmt		*statement;
	struct store_secret	 secret;
	struct store_listing	 row;
	int			 result;

	result = txn_find(txn, with_secret ? SQLITE_STATEMENT_LISTING_ROW :
	    SQLITE_STATEMENT_LISTING_FIND, "listing", id, &statement);
	if (result != 0)
		return result;
	read_listing(statement, with_secret ? SECRET_COLUMNS_COUNT : 0, &row);
	if (!with_secret || read_secret(txn, statement, &secret))
		result = found(txn, &row, with_secret ? &secret : NULL,
		    argument);
	sqlite3_reset(statement);
	return result;
}

int
store_listing_find(struct store_txn *txn, int64_t secret,
    store_listing_fn *found, void *argument)
{
	return find_listing(txn, secret, false, found, argument);
}

int
store_listing_page(struct store_txn *txn, int64_t account, int64_t offset,
    int64_t limit, store_listing_fn *each, void *argument)
{
	sqlite3_stmt	*statement;
	int		 result;

	statement = txn_prepare(txn, SQLITE_STATEMENT_LISTING_PAGE, "listing");
	if (statement == NULL)
		return -1;
	sqlite3_bind_int64(statement, 1, account);
	sqlite3_bind_int64(statement, 2, limit);
	sqlite3_bind_int64(statement, 3, offset);
	while ((result = txn_step(txn, statement, "listing")) == 0)
		if (find_listing(txn, sqlite3_column_int64(statement, 0),
		    true, each, argument) == -1) {
			sqlite3_reset(statement);
			return -1;
		}
	return result == 1 ? 0 : -1;
}

int
store_listing_first(struct store_txn *txn, int64_t account,
    int64_t *secret)
{
	sqlite3_stmt	*statement;
	int		 result;

	result = txn_find(txn, SQLITE_STATEMENT_LISTING_FIRST, "listing",
	    account, &statement);
	if (result != 0)
		return result;
	*secret = sqlite3_column_int64(statement, 0);
	sqlite3_reset(statement);
	return 0;
}

int
store_listing_named(struct store_txn *txn,
    const uint8_t lookup[STORE_HASHBYTES], struct store_secret *secret,
    int64_t *account, bool *damaged)
{
	struct store_listing	 row;
	sqlite3_stmt		*statement;
	int			 result;

	result = txn_find(txn, SQLITE_STATEMENT_LISTING_NAMED, "listing",
	    txn_hash_id(lookup), &statement);
	if (result != 0)
		return result;
	*damaged = !read_secret(txn, statement, secret);
	read_listing(statement, SECRET_COLUMNS_COUNT, &row);
	*account = row.account;
	sqlite3_reset(statement);
	return !*damaged &&
	    memcmp(secret->lookup, lookup, STORE_HASHBYTES) != 0;
}

int
store_listing_forget(struct store_txn *txn, int64_t secret)
{
	txn->erased = true;
	return txn_change(txn, SQLITE_STATEMENT_LISTING_FORGET, "listing",
	    secret);
}

int
store_listing_remove(struct store_txn *txn, int64_t secret)
{
	static const enum sqlite_statement steps[] = {
		SQLITE_STATEMENT_VIEW_DELETE,
		SQLITE_STATEMENT_LETTER_DELETE_SECRET,
		SQLITE_STATEMENT_LISTING_LEAVES,
		SQLITE_STATEMENT_LISTING_DELETE,
	};

	txn->erased = true;
	for (size_t i = 0; i < sizeof(steps) / sizeof(steps[0]); i++)
		if (txn_change(txn, steps[i], "listing", secret) == -1)
			return -1;
	return 0;
}

int
store_listing_purge(struct store_txn *txn, int64_t secret)
{
	txn->erased = true;
	if (txn_change(txn, SQLITE_STATEMENT_RECORD_PURGE, "listing",
	    secret) == -1)
		return -1;
	txn->sqlite->records_more -= sqlite3_changes64(txn->sqlite->db);
	return txn_change(txn, SQLITE_STATEMENT_CLAIM_PURGE, "listing",
	    secret) == -1 || store_listing_remove(txn, secret) == -1 ? -1 :
	    txn_change(txn, SQLITE_STATEMENT_SECRET_DELETE, "listing",
	    secret);
}

static int
insert_view(struct store_txn *txn, int64_t secret, int64_t at,
    const void *viewer, size_t size)
{
	sqlite3_stmt	*statement;
	int		 result;

	statement = txn_prepare(txn, SQLITE_STATEMENT_VIEW_INSERT, "view");
	if (statement == NULL)
		return -1;
	sqlite3_bind_int64(statement, 1, secret);
	sqlite3_bind_int64(statement, 2, at);
	sqlite3_bind_blob64(statement, 3, viewer, size, SQLITE_STATIC);
	result = txn_done(txn, statement, "view");
	sqlite3_clear_bindings(statement);
	return result;
}

int
store_view_insert(struct store_txn *txn, int64_t secret, int64_t at,
    const void *viewer, size_t size)
{
	int	 result = rows_room(txn, size);

	if (result == 0)
		result = insert_view(txn, secret, at, viewer, size);
	return result == -1 ? -1 :
	    txn_change(txn, SQLITE_STATEMENT_LISTING_VIEWED, "listing",
	    secret);
}

int
store_view_each(struct store_txn *txn, int64_t secret, store_view_fn *each,
    void *argument)
{
	sqlite3_stmt	*statement;
	int		 result;

	statement = txn_prepare(txn, SQLITE_STATEMENT_VIEW_EACH, "view");
	if (statement == NULL)
		return -1;
	sqlite3_bind_int64(statement, 1, secret);
	while ((result = txn_step(txn, statement, "view")) == 0)
		if (each(sqlite3_column_int64(statement, 0),
		    sqlite3_column_blob(statement, 1),
		    (size_t)sqlite3_column_bytes(statement, 1), argument) ==
		    -1) {
			sqlite3_reset(statement);
			return -1;
		}
	return result == 1 ? 0 : -1;
}

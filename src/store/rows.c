/* SPDX-License-Identifier: ISC */
/*
 * The rows of the store: how the structures of store.h become columns and
 * back.
 */
#include <sqlite3.h>
#include <string.h>

#include "base/log.h"
#include "store/rows.h"
#include "store/sqlite.h"
#include "store/txn.h"

/* What a secret costs beside its record, for store_room. */
#define ROW_BYTES 512

/* What is larger than a password or a key leaves a share of the store to
 * those: some files must not keep everybody from making secrets. */
#define LARGE_BYTES ((size_t)64 << 10)
#define LARGE_SHARE 4

int64_t
store_now(struct store_txn *txn)
{
	return txn->now;
}

int
rows_read_secret(struct store_txn *txn, sqlite3_stmt *statement,
    struct store_secret *row)
{
	int64_t	 kind, state, bytes;

	*row = (struct store_secret){
		.id = sqlite3_column_int64(statement, 0),
		.created_at = sqlite3_column_int64(statement, 4),
		.changed_at = sqlite3_column_int64(statement, 5),
		.expires_at = sqlite3_column_int64(statement, 6),
		.due_at = sqlite3_column_int64(statement, 7),
		.views_left = (uint32_t)sqlite3_column_int64(statement, 8),
		.attempts_left = (uint32_t)sqlite3_column_int64(statement, 9),
		.gated = sqlite3_column_type(statement, 10) != SQLITE_NULL,
		.passes = (uint32_t)sqlite3_column_int64(statement, 11),
		.memory = (uint32_t)sqlite3_column_int64(statement, 12),
		.key_id = (uint32_t)sqlite3_column_int64(statement, 13),
		.epoch = (uint32_t)sqlite3_column_int64(statement, 14),
		.has_receipt = sqlite3_column_type(statement, 15) !=
		    SQLITE_NULL,
		.knocks = (uint32_t)sqlite3_column_int64(statement, 16),
		.knocked_at = sqlite3_column_int64(statement, 17),
		.record = sqlite3_column_int64(statement, 18),
	};
	kind = sqlite3_column_int64(statement, 2);
	state = sqlite3_column_int64(statement, 3);
	bytes = sqlite3_column_int64(statement, 19);
	if (kind < 0 || kind >= STORE_KINDS || state < 0 ||
	    state >= STORE_STATE__MAX || bytes < 0 ||
	    txn_hash(statement, 1, row->lookup) == -1 ||
	    (row->gated && txn_hash(statement, 10, row->verifier) == -1) ||
	    (row->has_receipt && txn_hash(statement, 15, row->receipt) ==
	    -1))
		return txn_damaged(txn, "secret");
	row->kind = (uint8_t)kind;
	row->state = (uint8_t)state;
	row->record_bytes = (size_t)bytes;
	return 0;
}

static int
find_secret(struct store_txn *txn, enum sqlite_statement id,
    const uint8_t hash[STORE_HASHBYTES], struct store_secret *row)
{
	sqlite3_stmt	*statement;
	int		 result;

	result = txn_find(txn, id, "find", txn_hash_id(hash), &statement);
	if (result != 0)
		return result;
	result = rows_read_secret(txn, statement, row);
	sqlite3_reset(statement);
	return result;
}

int
store_secret_find(struct store_txn *txn, const uint8_t lookup[STORE_HASHBYTES],
    struct store_secret *row)
{
	int	 result;

	result = find_secret(txn, SQLITE_STATEMENT_SECRET_FIND, lookup, row);
	/* The number is 63 bits of the hash; all of it must agree. */
	if (result == 0 && memcmp(row->lookup, lookup, STORE_HASHBYTES) != 0)
		return 1;
	return result;
}

int
store_secret_find_receipt(struct store_txn *txn,
    const uint8_t receipt[STORE_HASHBYTES], struct store_secret *row)
{
	int	 result;

	result = find_secret(txn, SQLITE_STATEMENT_SECRET_FIND_RECEIPT,
	    receipt, row);
	if (result == 0 && (!row->has_receipt ||
	    memcmp(row->receipt, receipt, STORE_HASHBYTES) != 0))
		return 1;
	return result;
}

/* Counted once a batch, then kept by addition. */
static int
count_used(struct store_txn *txn)
{
	struct sqlite	*sqlite = txn->sqlite;
	int64_t		 pages, free_pages;

	if (sqlite->used_bytes != -1)
		return 0;
	if (txn_number(txn, SQLITE_STATEMENT_PAGE_COUNT, &pages) == -1 ||
	    txn_number(txn, SQLITE_STATEMENT_FREE_COUNT, &free_pages) == -1)
		return -1;
	sqlite->used_bytes = (pages - free_pages + sqlite->wal_pages) *
	    SQLITE_PAGE_BYTES;
	return 0;
}

/* What the log takes, which a checkpoint gives back. */
static int64_t
log_bytes(const struct sqlite *sqlite)
{
	return (int64_t)sqlite->wal_pages * SQLITE_PAGE_BYTES;
}

int
store_room(struct store_txn *txn, size_t bytes)
{
	struct sqlite	*sqlite = txn->sqlite;
	int64_t		 used, limit = sqlite->max_bytes;

	if (limit == 0)
		return 0;
	if (bytes > LARGE_BYTES)
		limit -= limit / LARGE_SHARE;
	if (count_used(txn) == -1)
		return -1;
	used = sqlite->used_bytes + (int64_t)bytes + ROW_BYTES;
	if (used > limit) {
		txn->log_in_the_way |= used - log_bytes(sqlite) <= limit;
		return 1;
	}
	sqlite->used_bytes = used;
	return 0;
}

int
rows_room(struct store_txn *txn, size_t bytes)
{
	struct sqlite	*sqlite = txn->sqlite;
	int64_t		 used;

	if (sqlite->max_bytes == 0)
		return 0;
	if (count_used(txn) == -1)
		return -1;
	used = sqlite->used_bytes + (int64_t)bytes + ROW_BYTES;
	if (used - log_bytes(sqlite) > sqlite->max_bytes)
		return 1;
	sqlite->used_bytes = used;
	return 0;
}

int
store_refuse_full(struct store_txn *txn)
{
	log_event(LOG_STORE_FULL, LOG_TEXT("where", "quota"));
	txn->failure = STORE_FULL;
	return -1;
}

/* Asked once a batch, then counted on: nobody else inserts meanwhile. */
static int
number_record(struct store_txn *txn, int64_t *number)
{
	struct sqlite	*sqlite = txn->sqlite;

	if (sqlite->next_record == -1 && txn_number(txn,
	    SQLITE_STATEMENT_RECORD_NEXT, &sqlite->next_record) == -1)
		return -1;
	*number = sqlite->next_record++;
	return 0;
}

/* A row that is lost stops nobody: nothing is changed then. */
int
rows_write_total(struct store_txn *txn)
{
	int64_t	 more = txn->sqlite->records_more;

	return more == 0 ? 0 :
	    txn_change(txn, SQLITE_STATEMENT_TOTAL_ADD, "total", more);
}

static int
insert_record(struct store_txn *txn, const struct store_secret *row,
    const void *record)
{
	sqlite3_stmt	*statement;
	int		 result;

	statement = txn_prepare(txn, SQLITE_STATEMENT_RECORD_INSERT, "record");
	if (statement == NULL)
		return -1;
	sqlite3_bind_int64(statement, 1, row->record);
	sqlite3_bind_blob64(statement, 2, record, row->record_bytes,
	    SQLITE_STATIC);
	result = txn_done(txn, statement, "record");
	sqlite3_clear_bindings(statement);
	txn->sqlite->records_more += result == 0;
	return result;
}

int
store_secret_insert(struct store_txn *txn, struct store_secret *row,
    const void *record)
{
	sqlite3_stmt	*statement;
	int		 code;

	txn->inserted = true;
	txn->sqlite->moved_bytes += row->record_bytes;
	if (number_record(txn, &row->record) == -1)
		return -1;
	statement = txn_prepare(txn, SQLITE_STATEMENT_SECRET_INSERT, "insert");
	if (statement == NULL)
		return -1;
	sqlite3_bind_int64(statement, 1, txn_hash_id(row->lookup));
	sqlite3_bind_blob(statement, 2, row->lookup, STORE_HASHBYTES,
	    SQLITE_STATIC);
	sqlite3_bind_int64(statement, 3, row->kind);
	sqlite3_bind_int64(statement, 4, row->state);
	sqlite3_bind_int64(statement, 5, row->created_at);
	sqlite3_bind_int64(statement, 6, row->changed_at);
	sqlite3_bind_int64(statement, 7, row->expires_at);
	sqlite3_bind_int64(statement, 8, row->due_at);
	sqlite3_bind_int64(statement, 9, row->views_left);
	sqlite3_bind_int64(statement, 10, row->attempts_left);
	if (row->gated)
		sqlite3_bind_blob(statement, 11, row->verifier,
		    STORE_HASHBYTES, SQLITE_STATIC);
	sqlite3_bind_int64(statement, 12, row->passes);
	sqlite3_bind_int64(statement, 13, row->memory);
	sqlite3_bind_int64(statement, 14, row->key_id);
	sqlite3_bind_int64(statement, 15, row->epoch);
	if (row->has_receipt) {
		sqlite3_bind_int64(statement, 16, txn_hash_id(row->receipt));
		sqlite3_bind_blob(statement, 17, row->receipt,
		    STORE_HASHBYTES, SQLITE_STATIC);
	}
	sqlite3_bind_int64(statement, 18, row->knocks);
	sqlite3_bind_int64(statement, 19, row->knocked_at);
	sqlite3_bind_int64(statement, 20, row->record);
	sqlite3_bind_int64(statement, 21, (int64_t)row->record_bytes);
	code = sqlite3_step(statement);
	if (code != SQLITE_DONE && (code & 0xff) != SQLITE_CONSTRAINT)
		txn_fail(txn, "insert");
	sqlite3_reset(statement);
	sqlite3_clear_bindings(statement);
	if (code == SQLITE_DONE) {
		row->id = sqlite3_last_insert_rowid(txn->sqlite->db);
		return insert_record(txn, row, record);
	}
	/* A lookup or a receipt that is known already. */
	return (code & 0xff) == SQLITE_CONSTRAINT ? 1 : -1;
}

int
store_secret_update(struct store_txn *txn, const struct store_secret *row)
{
	sqlite3_stmt	*statement;

	statement = txn_prepare(txn, SQLITE_STATEMENT_SECRET_UPDATE, "update");
	if (statement == NULL)
		return -1;
	sqlite3_bind_int64(statement, 1, row->id);
	sqlite3_bind_int64(statement, 2, row->state);
	sqlite3_bind_int64(statement, 3, row->changed_at);
	sqlite3_bind_int64(statement, 4, row->due_at);
	sqlite3_bind_int64(statement, 5, row->views_left);
	sqlite3_bind_int64(statement, 6, row->attempts_left);
	sqlite3_bind_int64(statement, 7, row->knocks);
	sqlite3_bind_int64(statement, 8, row->knocked_at);
	sqlite3_bind_int64(statement, 9, row->record);
	return txn_one(txn, statement, "update");
}

int
store_secret_remove(struct store_txn *txn, const struct store_secret *row)
{
	sqlite3_stmt	*statement;

	statement = txn_prepare(txn, SQLITE_STATEMENT_SECRET_DELETE, "remove");
	if (statement == NULL)
		return -1;
	sqlite3_bind_int64(statement, 1, row->id);
	return txn_one(txn, statement, "remove");
}

int
store_secret_due(struct store_txn *txn, int64_t before,
    struct store_secret *rows, size_t *count)
{
	sqlite3_stmt	*statement;
	size_t		 limit = *count;
	int		 result;

	*count = 0;
	statement = txn_prepare(txn, SQLITE_STATEMENT_SECRET_DUE, "due");
	if (statement == NULL)
		return -1;
	sqlite3_bind_int64(statement, 1, before);
	sqlite3_bind_int64(statement, 2, (int64_t)limit);
	while ((result = txn_step(txn, statement, "due")) == 0) {
		/* A damaged row, which the log tells of, must not keep the
		 * others from their end. */
		if (rows_read_secret(txn, statement, &rows[*count]) == 0)
			++*count;
		else
			txn->failure = 0;
	}
	return result == 1 ? 0 : -1;
}

int
store_record_read(struct store_txn *txn, const struct store_secret *row,
    void *record)
{
	sqlite3_stmt	*statement;
	const void	*bytes;
	int		 result;

	if (row->record == 0)
		return 1;
	result = txn_find(txn, SQLITE_STATEMENT_RECORD_READ, "read",
	    row->record, &statement);
	if (result == 1)
		return txn_damaged(txn, "record");
	if (result == -1)
		return -1;
	bytes = sqlite3_column_blob(statement, 0);
	if (bytes == NULL || (size_t)sqlite3_column_bytes(statement, 0) !=
	    row->record_bytes)
		result = txn_damaged(txn, "record");
	else
		memcpy(record, bytes, row->record_bytes);
	sqlite3_reset(statement);
	return result;
}

int
store_record_erase(struct store_txn *txn, struct store_secret *row)
{
	if (row->record == 0)
		return 0;
	if (txn_change(txn, SQLITE_STATEMENT_RECORD_DELETE, "erase",
	    row->record) == -1)
		return -1;
	txn->sqlite->records_more -= sqlite3_changes64(txn->sqlite->db);
	if (txn_change(txn, SQLITE_STATEMENT_CLAIM_DELETE_ALL, "erase",
	    txn_hash_id(row->lookup)) == -1)
		return -1;
	row->record = 0;
	txn->erased = true;
	txn->sqlite->moved_bytes += row->record_bytes;
	return 0;
}

/* Bind the two halves of a claim's key. */
static sqlite3_stmt *
prepare_claim(struct store_txn *txn, enum sqlite_statement id,
    const uint8_t lookup[STORE_HASHBYTES],
    const uint8_t claim[STORE_HASHBYTES])
{
	sqlite3_stmt	*statement = txn_prepare(txn, id, "claim");

	if (statement == NULL)
		return NULL;
	sqlite3_bind_int64(statement, 1, txn_hash_id(lookup));
	sqlite3_bind_blob(statement, 2, claim, STORE_HASHBYTES, SQLITE_STATIC);
	return statement;
}

int
store_claim_put(struct store_txn *txn, const uint8_t lookup[STORE_HASHBYTES],
    const uint8_t claim[STORE_HASHBYTES], int64_t until)
{
	sqlite3_stmt	*statement;

	statement = prepare_claim(txn, SQLITE_STATEMENT_CLAIM_PUT, lookup,
	    claim);
	if (statement == NULL)
		return -1;
	sqlite3_bind_int64(statement, 3, until);
	return txn_done(txn, statement, "claim");
}

int
store_claim_find(struct store_txn *txn, const uint8_t lookup[STORE_HASHBYTES],
    const uint8_t claim[STORE_HASHBYTES], int64_t *until)
{
	sqlite3_stmt	*statement;
	int		 result;

	statement = prepare_claim(txn, SQLITE_STATEMENT_CLAIM_FIND, lookup,
	    claim);
	if (statement == NULL)
		return -1;
	result = txn_step(txn, statement, "claim");
	if (result != 0)
		return result;
	*until = sqlite3_column_int64(statement, 0);
	sqlite3_reset(statement);
	return 0;
}

int
store_claim_remove(struct store_txn *txn,
    const uint8_t lookup[STORE_HASHBYTES],
    const uint8_t claim[STORE_HASHBYTES])
{
	sqlite3_stmt	*statement;

	statement = prepare_claim(txn, SQLITE_STATEMENT_CLAIM_DELETE, lookup,
	    claim);
	if (statement == NULL || txn_done(txn, statement, "claim") == -1)
		return -1;
	return sqlite3_changes(txn->sqlite->db) > 0 ? 0 : 1;
}

int
store_claim_last(struct store_txn *txn, const uint8_t lookup[STORE_HASHBYTES],
    int64_t limit, int64_t *until)
{
	sqlite3_stmt	*statement;
	int		 result;

	statement = txn_prepare(txn, SQLITE_STATEMENT_CLAIM_LAST, "claim");
	if (statement == NULL)
		return -1;
	sqlite3_bind_int64(statement, 1, txn_hash_id(lookup));
	sqlite3_bind_int64(statement, 2, limit);
	if (txn_step(txn, statement, "claim") != 0)
		return -1;
	result = sqlite3_column_type(statement, 0) == SQLITE_NULL ? 1 : 0;
	*until = sqlite3_column_int64(statement, 0);
	sqlite3_reset(statement);
	return result;
}

/* SPDX-License-Identifier: ISC */
#ifndef ONCELINK_TXN_H
#define ONCELINK_TXN_H

#include <stdint.h>

#include "store/sqlite.h"

/*
 * One statement inside a transaction.  What fails is logged with `where` and
 * noted in txn->failure.
 */

/* txn_fail(txn, where): after an error of the library.  Returns -1. */
int	 txn_fail(struct store_txn *txn, const char *where);

/* txn_damaged(txn, where): the bytes of the database are not what we wrote; no
 * guess is made.  Returns -1. */
int	 txn_damaged(struct store_txn *txn, const char *where);

/* txn_prepare(txn, id, where): NULL when it cannot be. */
sqlite3_stmt *txn_prepare(struct store_txn *txn, enum sqlite_statement id,
	    const char *where);

/*
 * txn_step(txn, statement, where): its parameters are bound.  Returns 0 with a
 * row, 1 when there is none (any more), -1; after 1 and -1 it is reset.
 */
int	 txn_step(struct store_txn *txn, sqlite3_stmt *statement,
	    const char *where);

/* txn_done(txn, statement, where): step a statement that gives no rows.
 * Returns 0 or -1. */
int	 txn_done(struct store_txn *txn, sqlite3_stmt *statement,
	    const char *where);

/* txn_find(txn, id, where, number, statement): step one whose only parameter is
 * a number.  Returns as txn_step; with a row the caller resets it. */
int	 txn_find(struct store_txn *txn, enum sqlite_statement id,
	    const char *where, int64_t number, sqlite3_stmt **statement);

/* txn_change(txn, id, where, number): the same for one that gives no rows.
 * Returns 0 or -1. */
int	 txn_change(struct store_txn *txn, enum sqlite_statement id,
	    const char *where, int64_t number);

/* txn_one(txn, statement, where): the same for one that changes one row, which
 * was found before. */
int	 txn_one(struct store_txn *txn, sqlite3_stmt *statement,
	    const char *where);

/* txn_hash_id(hash): the bits of a keyed hash that are a row's number. */
int64_t	 txn_hash_id(const uint8_t hash[STORE_HASHBYTES]);

/* txn_hash(statement, column, out): a column that holds a hash.  Returns 0, or
 * -1 when it does not. */
int	 txn_hash(sqlite3_stmt *statement, int column,
	    uint8_t out[STORE_HASHBYTES]);

/* txn_number(txn, id, value): the one number that a statement without
 * parameters gives.  Returns 0 or -1. */
int	 txn_number(struct store_txn *txn, enum sqlite_statement id,
	    int64_t *value);

#endif

/* SPDX-License-Identifier: ISC */
#ifndef ONCELINK_ROWS_H
#define ONCELINK_ROWS_H

#include "store/sqlite.h"

/* rows_read_secret(txn, statement, row): the secret in the first columns of a
 * statement's row, which are SQLITE_SECRET_COLUMNS.  Returns 0 or -1. */
int	 rows_read_secret(struct store_txn *txn, sqlite3_stmt *statement,
	    struct store_secret *row);

/* rows_room(txn, bytes): may so many bytes be stored that a reader can do
 * without?  The log, which is soon written back, does not count here.  1: no,
 * what there is above the quota is for what readers need. */
int	 rows_room(struct store_txn *txn, size_t bytes);

/* rows_write_total(txn): at the end of a batch: how many sealed records are
 * there more, or fewer, for store_records.  Returns 0 or -1. */
int	 rows_write_total(struct store_txn *txn);

#endif

/* SPDX-License-Identifier: ISC */
#ifndef ONCELINK_ROWS_H
#define ONCELINK_ROWS_H

#include "store/sqlite.h"

/* rows_read_secret(txn, statement, row): the secret in the first columns of a
 * statement's row, which are SQLITE_SECRET_COLUMNS.  Returns 0 or -1. */
int	 rows_read_secret(struct store_txn *txn, sqlite3_stmt *statement,
	    struct store_secret *row);

#endif

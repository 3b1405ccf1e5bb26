/* SPDX-License-Identifier: ISC */
/*
 * A copy of the database in memory.  To look for damage takes long, and a
 * reader holds up the erasing of what is over: so all that is read from the
 * file is read in one go.
 */
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/log.h"
#include "store/sqlite.h"
#include "store/txn.h"

struct store_copy {
	struct sqlite	 sqlite;
};

int
store_copy(struct store_txn *txn, int64_t limit, struct store_copy **copy)
{
	sqlite3_backup	*backup;
	int64_t		 pages;

	*copy = NULL;
	if (txn_number(txn, SQLITE_STATEMENT_PAGE_COUNT, &pages) == -1)
		return -1;
	if (pages * SQLITE_PAGE_BYTES > limit)
		return 1;
	if ((*copy = calloc(1, sizeof(**copy))) == NULL ||
	    sqlite3_open_v2(":memory:", &(*copy)->sqlite.db,
	    SQLITE_OPEN_READWRITE | SQLITE_OPEN_MEMORY | SQLITE_OPEN_NOMUTEX,
	    NULL) != SQLITE_OK)
		goto fail;
	backup = sqlite3_backup_init((*copy)->sqlite.db, "main",
	    txn->sqlite->db, "main");
	if (backup == NULL)
		goto fail;
	sqlite3_backup_step(backup, -1);
	if (sqlite3_backup_finish(backup) == SQLITE_OK)
		return 0;
fail:
	/* The copy knows what went wrong, with the original too. */
	if (*copy == NULL || (*copy)->sqlite.db == NULL) {
		log_event(LOG_NO_MEMORY, LOG_TEXT("where", "copy"));
		txn->failure = STORE_FAILED;
	} else
		txn->failure = sqlite_failure(&(*copy)->sqlite, "copy");
	store_copy_free(*copy);
	*copy = NULL;
	return -1;
}

int
store_copy_examine(struct store_copy *copy, char *what, size_t size)
{
	sqlite3_stmt	*statement;
	const char	*text;
	size_t		 at = 0;
	int		 code, result = -1;

	statement = sqlite_statement(&copy->sqlite,
	    SQLITE_STATEMENT_INTEGRITY);
	if (statement == NULL) {
		if (sqlite3_errcode(copy->sqlite.db) == SQLITE_NOMEM)
			return -1;
		/* A schema that cannot be read is damage too. */
		snprintf(what, size, "%s", sqlite_error_text(&copy->sqlite));
		return 1;
	}
	while ((code = sqlite3_step(statement)) == SQLITE_ROW) {
		text = (const char *)sqlite3_column_text(statement, 0);
		if (text == NULL)
			break;
		if (result == -1 && sqlite3_stricmp(text, "ok") == 0) {
			result = 0;
			continue;
		}
		result = 1;
		if (at < size)
			at += (size_t)snprintf(what + at, size - at, "%s%s",
			    at == 0 ? "" : "; ", text);
	}
	if (result == 0 && (code == SQLITE_NOMEM || code == SQLITE_ROW))
		result = -1;
	else if (code != SQLITE_DONE && code != SQLITE_ROW &&
	    code != SQLITE_NOMEM && result <= 0) {
		snprintf(what, size, "%s", sqlite_error_text(&copy->sqlite));
		result = 1;
	}
	sqlite3_reset(statement);
	/* For one line of somebody's. */
	for (char *end = what; result == 1 && *end != '\0'; end++)
		if (*end == '\n')
			*end = ';';
	return result;
}

void
store_copy_free(struct store_copy *copy)
{
	if (copy == NULL)
		return;
	sqlite_close(&copy->sqlite);
	free(copy);
}

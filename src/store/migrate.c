/* SPDX-License-Identifier: ISC */
/*
 * How a database of an older version becomes one of this version: the files
 * of sql/, one a version, all that are missing in one transaction.
 */
#include <stdio.h>

#include "store/migrate.h"
#include "store/sqlite.h"

int
migrate_latest(void)
{
	int	 version = 0;

	while (migrate_sql[version] != NULL)
		version++;
	return version;
}

static int
complain(struct sqlite *sqlite, const char *path, struct store_error *error)
{
	snprintf(error->text, sizeof(error->text), "%s: %s", path,
	    sqlite_error_text(sqlite));
	return -1;
}

static int
check(int version, const char *path, struct store_error *error)
{
	if (version < 0 || version > migrate_latest()) {
		snprintf(error->text, sizeof(error->text), "%s: the database "
		    "has version %d, this program knows versions up to %d; "
		    "install the newer program again", path, version,
		    migrate_latest());
		return -1;
	}
	return 0;
}

int
migrate_run(struct sqlite *sqlite, const char *path, struct store_error *error)
{
	int	 version, latest = migrate_latest();

	if (sqlite_version(sqlite, &version) == -1)
		return complain(sqlite, path, error);
	if (check(version, path, error) == -1)
		return -1;
	if (version == latest)
		return 0;
	if (sqlite_run(sqlite, SQLITE_STATEMENT_BEGIN_WRITE) == -1)
		return complain(sqlite, path, error);
	for (; version < latest; version++)
		if (sqlite_script(sqlite, migrate_sql[version]) == -1)
			goto fail;
	if (sqlite_mark(sqlite) == -1 ||
	    sqlite_set_version(sqlite, latest) == -1 ||
	    sqlite_run(sqlite, SQLITE_STATEMENT_COMMIT) == -1)
		goto fail;
	return 0;
fail:
	complain(sqlite, path, error);
	sqlite_run(sqlite, SQLITE_STATEMENT_ROLLBACK);
	return -1;
}

/* SPDX-License-Identifier: ISC */
/*
 * How a database of an older version becomes one of this version: the files
 * of sql/, one a version, all that are missing in one transaction.
 */
#include "base/complaint.h"
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
check(int version, const char *path, struct complaint *error)
{
	if (version < 0 || version > migrate_latest())
		return complaint(error, "%s: the database has version %d, this "
		    "program knows versions up to %d; install the newer "
		    "program again", path, version, migrate_latest());
	return 0;
}

int
migrate_run(struct sqlite *sqlite, const char *path, struct complaint *error)
{
	int	 version, latest = migrate_latest();

	if (sqlite_version(sqlite, &version) == -1)
		return complaint(error, "%s: %s", path,
		    sqlite_error_text(sqlite));
	if (check(version, path, error) == -1)
		return -1;
	if (version == latest)
		return 0;
	if (sqlite_run(sqlite, SQLITE_STATEMENT_BEGIN_WRITE) == -1)
		return complaint(error, "%s: %s", path,
		    sqlite_error_text(sqlite));
	for (; version < latest; version++)
		if (sqlite_script(sqlite, migrate_sql[version]) == -1)
			goto fail;
	if (sqlite_mark(sqlite) == -1 ||
	    sqlite_set_version(sqlite, latest) == -1 ||
	    sqlite_run(sqlite, SQLITE_STATEMENT_COMMIT) == -1)
		goto fail;
	return 0;
fail:
	complaint(error, "%s: %s", path, sqlite_error_text(sqlite));
	sqlite_run(sqlite, SQLITE_STATEMENT_ROLLBACK);
	return -1;
}

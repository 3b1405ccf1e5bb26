/* SPDX-License-Identifier: ISC */
#ifndef ONCELINK_MIGRATE_H
#define ONCELINK_MIGRATE_H

struct complaint;
struct sqlite;

/*
 * The files of sql/ in order, made into the program by the build; ends in
 * NULL.  File N brings a database from version N - 1 to N.
 */
extern const char *const migrate_sql[];

/* migrate_latest(): the version that this program works with. */
int	 migrate_latest(void);

/*
 * migrate_run(sqlite, path, error): bring the database to the latest version
 * in one transaction; the caller holds the write lock.  Returns 0, or -1 with
 * error, also when the database is newer than the program or not ours.
 */
int	 migrate_run(struct sqlite *sqlite, const char *path,
	    struct complaint *error);

#endif

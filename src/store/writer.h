/* SPDX-License-Identifier: ISC */
#ifndef ONCELINK_WRITER_H
#define ONCELINK_WRITER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "store/store.h"

/* The one connection of a process that writes, and the one lock of a site. */
struct writer;

/* A fn that waits for its turn, and how it went. */
struct writer_job {
	store_fn		*fn;	/* NULL: nothing to run */
	void			*argument;
	int			 result; /* 0 or STORE_… */
	bool			 settled; /* failed already, not run again */
	bool			 inserted; /* tried to: not with the ballast */
	bool			 log_in_the_way; /* no room for the log alone */
	struct writer_job	*next;
};

/*
 * writer_open(directory, path, max_bytes, lock_wait, error): open the lock
 * file in the directory that is open at descriptor `directory` (borrowed) and
 * the database at path, and bring it to the latest version.  Returns NULL
 * with error.  The caller owns the writer and uses it in one thread at a time.
 */
struct writer *writer_open(int directory, const char *path, int64_t max_bytes,
    int64_t lock_wait, struct complaint *error);

/* writer_close(writer): accepts NULL. */
void	 writer_close(struct writer *writer);

/* writer_lock(writer, milliseconds): wait for the right to write, over all
 * processes.  Returns 0, STORE_BUSY or STORE_FAILED.  writer_unlock ends it. */
int	 writer_lock(struct writer *writer, int64_t milliseconds);
void	 writer_unlock(struct writer *writer);

/*
 * writer_run(writer, jobs): with the lock held, run jobs in one transaction
 * and commit; sets their results.  A job that failed did nothing, the others
 * happened once.  The list is cut where the records in it become many bytes:
 * returns those that were not run, or NULL.
 */
struct writer_job *writer_run(struct writer *writer, struct writer_job *jobs);

/* writer_checkpoint(writer, erase): with the lock held; as sqlite_checkpoint,
 * with the ballast where the disk is full. */
int	 writer_checkpoint(struct writer *writer, bool erase);

/* writer_time(writer): as store_time; for any thread. */
int64_t	 writer_time(struct writer *writer);

/* writer_learn_mark(writer, latest): somebody read what the clock's mark is;
 * for any thread. */
void	 writer_learn_mark(struct writer *writer, int64_t latest);

/* writer_clock(writer, clock): how the clock stands, as far as is known. */
void	 writer_clock(struct writer *writer, struct store_clock *clock);

/* writer_has_log(writer): is there anything in the log's file? */
bool	 writer_has_log(struct writer *writer);

/* writer_pages(writer): pages in the database's file. */
int64_t	 writer_pages(struct writer *writer);

/* writer_wal_pages(writer): pages in the log after the last commit. */
int	 writer_wal_pages(const struct writer *writer);

/* writer_owes(writer): was a batch committed without its count of records?  The
 * next one writes it. */
bool	 writer_owes(const struct writer *writer);

/* writer_erased(writer), writer_log_in_the_way(writer): did the last run
 * delete a record, or was one refused for what the log takes? */
bool	 writer_erased(const struct writer *writer);
bool	 writer_log_in_the_way(const struct writer *writer);

#endif

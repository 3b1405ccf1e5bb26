/* SPDX-License-Identifier: ISC */
/*
 * One write transaction for many: what happens to the others when one of them
 * fails, when the disk is full and when a commit does not reach it.
 */
#include <errno.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/complaint.h"
#include "base/filelock.h"
#include "base/log.h"
#include "store/ballast.h"
#include "store/mark.h"
#include "store/migrate.h"
#include "store/rows.h"
#include "store/sqlite.h"
#include "store/writer.h"

#define LOCK_NAME "write.lock"

/* Bytes of records in one transaction, so that large ones do not keep the
 * small ones waiting that come behind them. */
#define BATCH_BYTES ((size_t)4 << 20)

struct writer {
	struct sqlite	 sqlite;
	char		*path;
	int64_t		 max_bytes;
	int		 directory;	/* borrowed */
	int		 lock;
	bool		 doubtful;	/* a commit failed on this connection */
	bool		 erased;
	bool		 log_in_the_way;
	bool		 unmarked;	/* what a batch ends with could not
					   be written */
	int64_t		 owed;		/* records more that were committed
					   without that */
	atomic_llong	 latest;	/* the mark, as it was last read */
};

enum pass { PASS_DONE, PASS_AGAIN };

/* What time it is for one fn. */
static int
begin_fn(struct writer *writer, struct store_txn *txn)
{
	sqlite_begin_fn(&writer->sqlite, txn);
	if (mark_begin(txn) == -1)
		return -1;
	atomic_store(&writer->latest, txn->clock.latest);
	return 0;
}

struct writer *
writer_open(int directory, const char *path, int64_t max_bytes,
    int64_t lock_wait, struct complaint *error)
{
	struct writer	*writer;
	struct store_txn txn;
	int		 migrated;

	writer = calloc(1, sizeof(*writer));
	if (writer == NULL || (writer->path = strdup(path)) == NULL) {
		complaint(error, "%s: no memory", path);
		free(writer);
		return NULL;
	}
	writer->max_bytes = max_bytes;
	writer->directory = directory;
	writer->lock = filelock_open(directory, LOCK_NAME);
	if (writer->lock == -1) {
		complaint(error, "%s: the lock file %s beside it cannot be "
		    "opened: %s", path, LOCK_NAME, strerror(errno));
		goto fail;
	}
	if (writer_lock(writer, lock_wait) != 0) {
		complaint(error, "%s: another program holds the write lock",
		    path);
		goto fail;
	}
	migrated = sqlite_open(&writer->sqlite, path, SQLITE_MODE_WRITE,
	    max_bytes, error);
	if (migrated == 0)
		migrated = migrate_run(&writer->sqlite, path, error);
	if (migrated == 0 && begin_fn(writer, &txn) == -1)
		migrated = complaint(error, "%s: the database cannot be read",
		    path);
	writer_unlock(writer);
	if (migrated == 0)
		return writer;
fail:
	writer_close(writer);
	return NULL;
}

void
writer_close(struct writer *writer)
{
	if (writer == NULL)
		return;
	sqlite_close(&writer->sqlite);
	if (writer->lock != -1)
		close(writer->lock);
	free(writer->path);
	free(writer);
}

int
writer_lock(struct writer *writer, int64_t milliseconds)
{
	switch (filelock_acquire(writer->lock, (int)milliseconds)) {
	case 0:
		return 0;
	case 1:
		log_event(LOG_STORE_BUSY, LOG_TEXT("where", "lock"));
		return STORE_BUSY;
	default:
		log_event(LOG_STORE_FAILED, LOG_TEXT("where", "lock"),
		    LOG_NUMBER("errno", errno));
		return STORE_FAILED;
	}
}

void
writer_unlock(struct writer *writer)
{
	sqlite_end_writing(&writer->sqlite);
	filelock_release(writer->lock);
}

static void
settle_all(struct writer_job *jobs, int result)
{
	for (struct writer_job *job = jobs; job != NULL; job = job->next)
		if (!job->settled) {
			job->result = result;
			job->settled = result != 0;
		}
}

/* Were there any among those that are not settled yet? */
static bool
settle_inserts(struct writer_job *jobs, int result)
{
	bool	 any = false;

	for (struct writer_job *job = jobs; job != NULL; job = job->next)
		if (!job->settled && job->inserted) {
			job->result = result;
			job->settled = true;
			any = true;
		}
	return any;
}

static void
abandon(struct writer *writer)
{
	if (sqlite_in_transaction(&writer->sqlite))
		sqlite_run(&writer->sqlite, SQLITE_STATEMENT_ROLLBACK);
}

/* The blocks of the ballast file are for deletes on a full disk: whoever
 * inserts would use them up. */
static bool
made_room(struct writer *writer, bool disk_full)
{
	if (!disk_full || ballast_drop(writer->directory) == -1)
		return false;
	log_write(LOG_BALLAST_DROPPED, NULL);
	return true;
}

/*
 * After a failed sync nobody knows what the connection's cache is worth, and
 * the log may hold the whole of a batch whose callers were told that it did
 * not happen: a recovery would take it for committed.  So the new connection
 * is there before the old one goes, since the first one to open a database
 * recovers it; and the next commit, which changes nothing, is written over
 * that batch.
 */
static void
reopen(struct writer *writer)
{
	struct sqlite		 old = writer->sqlite;
	struct complaint	 error;
	int			 version;

	writer->doubtful = true;
	if (sqlite_open(&writer->sqlite, writer->path, SQLITE_MODE_WRITE,
	    writer->max_bytes, &error) == -1) {
		log_event(LOG_STORE_FAILED, LOG_TEXT("where", "reopen"));
		writer->sqlite = old;
		return;
	}
	sqlite_close(&old);
	writer->doubtful = false;
	if (sqlite_version(&writer->sqlite, &version) == -1 ||
	    sqlite_set_version(&writer->sqlite, version) == -1)
		sqlite_failure(&writer->sqlite, "reopen");
}

/* A job failed: what it wrote is undone, and nothing else. */
static enum pass
undo(struct writer *writer, bool wrote, bool savepoint, int64_t records_more)
{
	struct sqlite	*sqlite = &writer->sqlite;

	/* FULL, IOERR and NOMEM may have ended the whole transaction. */
	if (!sqlite_in_transaction(sqlite))
		return PASS_AGAIN;
	if (!wrote && !savepoint)
		return PASS_DONE;
	sqlite->latest = -1;
	sqlite->records_more = records_more;
	if (savepoint && sqlite_run(sqlite, SQLITE_STATEMENT_ROLLBACK_TO) == 0
	    && sqlite_run(sqlite, SQLITE_STATEMENT_RELEASE) == 0)
		return PASS_DONE;
	abandon(writer);
	return PASS_AGAIN;
}

/*
 * Run one job.  PASS_AGAIN: the transaction is over, with all that the jobs
 * before it did.
 */
static enum pass
run_job(struct writer *writer, struct writer_job *job, bool savepoint)
{
	struct sqlite	*sqlite = &writer->sqlite;
	struct store_txn txn;
	int64_t		 changes = sqlite_changes(sqlite);
	int64_t		 records_more = sqlite->records_more;
	int		 result;

	if (begin_fn(writer, &txn) == -1)
		result = -1;
	else if (savepoint &&
	    sqlite_run(sqlite, SQLITE_STATEMENT_SAVEPOINT) == -1) {
		txn.failure = sqlite_failure(sqlite, "savepoint");
		result = -1;
	} else
		result = job->fn(&txn, job->argument);
	if (result == 0 && savepoint &&
	    sqlite_run(sqlite, SQLITE_STATEMENT_RELEASE) == -1) {
		txn.failure = sqlite_failure(sqlite, "release");
		result = -1;
	}
	/* What comes next must not run outside of a transaction. */
	if (!sqlite_in_transaction(sqlite))
		result = -1;
	job->inserted = txn.inserted;
	job->log_in_the_way = txn.log_in_the_way;
	writer->log_in_the_way |= txn.log_in_the_way;
	if (result == 0) {
		writer->erased |= txn.erased;
		return PASS_DONE;
	}
	if (made_room(writer, txn.disk_full && !txn.inserted)) {
		abandon(writer);
		return PASS_AGAIN;
	}
	job->result = txn.failure != 0 ? txn.failure : STORE_FAILED;
	job->settled = true;
	return undo(writer, sqlite_changes(sqlite) != changes, savepoint,
	    records_more);
}

/* What was written is the latest, and so many secrets wait now.  -1: the
 * transaction is worth nothing. */
static int
advance(struct writer *writer)
{
	struct store_txn txn;

	if (begin_fn(writer, &txn) == -1 || rows_write_total(&txn) == -1 ||
	    mark_advance(&txn) == -1)
		return -1;
	atomic_store(&writer->latest, txn.clock.latest);
	return 0;
}

static enum pass
commit(struct writer *writer, struct writer_job *jobs)
{
	struct sqlite	*sqlite = &writer->sqlite;
	int		 failure;

	if (sqlite_run(sqlite, SQLITE_STATEMENT_COMMIT) == 0) {
		writer->owed = writer->unmarked ? sqlite->records_more : 0;
		settle_all(jobs, 0);
		return PASS_DONE;
	}
	failure = sqlite_failure(sqlite, "commit");
	abandon(writer);
	writer->erased = false;
	if (failure == STORE_FULL &&
	    (settle_inserts(jobs, failure) || made_room(writer, true)))
		return PASS_AGAIN;
	if (failure == STORE_FAILED) {
		reopen(writer);
		failure = STORE_BUSY;
	}
	settle_all(jobs, failure);
	return PASS_DONE;
}

/* Those of a pass that cut the list earlier than the one before. */
static struct writer_job *
join(struct writer_job *jobs, struct writer_job *rest)
{
	struct writer_job *last = jobs;

	while (last->next != NULL)
		last = last->next;
	last->next = rest;
	return jobs;
}

static enum pass
run_pass(struct writer *writer, struct writer_job *jobs, bool savepoints,
    struct writer_job **rest)
{
	struct sqlite	*sqlite = &writer->sqlite;
	int64_t		 changes = sqlite_changes(sqlite);

	writer->erased = false;
	if (writer->doubtful)
		reopen(writer);
	if (writer->doubtful) {
		settle_all(jobs, STORE_FAILED);
		return PASS_DONE;
	}
	if (sqlite_run(sqlite, SQLITE_STATEMENT_BEGIN_WRITE) == -1) {
		settle_all(jobs, sqlite_failure(sqlite, "begin"));
		return PASS_DONE;
	}
	sqlite_begin_batch(sqlite);
	sqlite->records_more = writer->owed;
	for (struct writer_job *job = jobs; job != NULL; job = job->next) {
		if (!job->settled &&
		    run_job(writer, job, savepoints) == PASS_AGAIN)
			return PASS_AGAIN;
		if (sqlite->moved_bytes > BATCH_BYTES && job->next != NULL) {
			*rest = join(job->next, *rest);
			job->next = NULL;
		}
	}
	/* Nobody's work fails for it. */
	if (!writer->unmarked && (sqlite_changes(sqlite) != changes ||
	    writer->owed != 0) && advance(writer) == -1) {
		writer->unmarked = true;
		abandon(writer);
		return PASS_AGAIN;
	}
	return commit(writer, jobs);
}

struct writer_job *
writer_run(struct writer *writer, struct writer_job *jobs)
{
	struct writer_job *rest = NULL;
	bool	 savepoints = false;

	writer->log_in_the_way = writer->unmarked = false;
	/*
	 * Failures are rare and savepoints are not free: only once a job has
	 * failed are the others run again, each in a savepoint of its own.
	 * Each round settles a job or uses the ballast up: it ends.
	 */
	while (run_pass(writer, jobs, savepoints, &rest) == PASS_AGAIN)
		savepoints = true;
	return rest;
}

int
writer_checkpoint(struct writer *writer, bool erase)
{
	int	 result;

	if (writer->doubtful)
		reopen(writer);
	if (writer->doubtful)
		return STORE_FAILED;
	result = sqlite_checkpoint(&writer->sqlite, erase);
	/* It writes into the database what it takes off the log. */
	if (made_room(writer, result == STORE_FULL))
		result = sqlite_checkpoint(&writer->sqlite, erase);
	return result;
}

int64_t
writer_time(struct writer *writer)
{
	struct store_clock clock;

	writer_clock(writer, &clock);
	return clock.wall > clock.latest ? clock.wall : clock.latest;
}

void
writer_clock(struct writer *writer, struct store_clock *clock)
{
	clock->wall = clock_wall();
	clock->latest = atomic_load(&writer->latest);
}

void
writer_learn_mark(struct writer *writer, int64_t latest)
{
	atomic_store(&writer->latest, latest);
}

bool
writer_has_log(struct writer *writer)
{
	return sqlite_log_bytes(&writer->sqlite) > 0;
}

int64_t
writer_pages(struct writer *writer)
{
	return sqlite_file_bytes(&writer->sqlite) / SQLITE_PAGE_BYTES;
}

int
writer_wal_pages(const struct writer *writer)
{
	return writer->sqlite.wal_pages;
}

bool
writer_owes(const struct writer *writer)
{
	return writer->owed != 0;
}

bool
writer_erased(const struct writer *writer)
{
	return writer->erased;
}

bool
writer_log_in_the_way(const struct writer *writer)
{
	return writer->log_in_the_way;
}

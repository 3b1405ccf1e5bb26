/* SPDX-License-Identifier: ISC */
/*
 * The sweeper's round: what is due is ended in slices, each a short write
 * transaction, with a pause as long as the slice before the next, so that the
 * site's own writers get the lock in between.
 */
#include <errno.h>
#include <fcntl.h>
#include <time.h>
#include <unistd.h>

#include "base/conf.h"
#include "base/filelock.h"
#include "base/log.h"
#include "core/life.h"
#include "core/secret.h"
#include "core/site.h"
#include "core/sweep.h"
#include "store/store.h"

#define LOCK_NAME	"sweep.lock"
#define SLICE_ROWS	256
#define SLICE_BYTES	((size_t)1 << 20)	/* of records, to overwrite */
#define SLICE_TIME	4000000			/* ns */
#define PAUSE_MIN	1000000			/* ns */

/* Readers may hold the last checkpoint up; this often it is tried. */
#define CHECKPOINT_TRIES	50
#define CHECKPOINT_PAUSE	100000000	/* ns */

struct slice {
	const struct site	*site;
	struct store_secret	 rows[SLICE_ROWS];
	size_t			 count;
	struct sweep_result	 did;
};

static int64_t
elapsed_ns(const struct timespec *since)
{
	struct timespec	 now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)(now.tv_sec - since->tv_sec) * 1000000000 +
	    now.tv_nsec - since->tv_nsec;
}

static int
end_record(struct store_txn *txn, struct slice *slice,
    struct store_secret *row)
{
	if (store_now(txn) >= row->expires_at) {
		if (row->views_left > 0) {
			row->state = STORE_EXPIRED;
			row->changed_at = row->expires_at;
		}
		slice->did.expired++;
		return life_end(txn, slice->site, row);
	}
	if (life_settle(txn, slice->site, row) == -1)
		return -1;
	slice->did.finished += row->record == 0;
	return 0;
}

static int
end_row(struct store_txn *txn, struct slice *slice, struct store_secret *row)
{
	int64_t	 forgotten_at;

	if (row->record != 0)
		return end_record(txn, slice, row);
	/* keep_receipts may have been made longer since. */
	forgotten_at = row->expires_at + slice->site->conf->keep_receipts;
	if (store_now(txn) < forgotten_at) {
		row->due_at = forgotten_at;
		return store_secret_update(txn, row);
	}
	slice->did.forgotten++;
	return store_secret_remove(txn, row);
}

static int
sweep_slice(struct store_txn *txn, void *argument)
{
	struct slice	*slice = argument;
	size_t		 bytes = 0, found = SLICE_ROWS;
	struct timespec	 began;

	clock_gettime(CLOCK_MONOTONIC, &began);
	slice->did = (struct sweep_result){ 0 };
	slice->count = 0;
	if (store_secret_due(txn, store_now(txn), slice->rows, &found) == -1)
		return -1;
	/* One at least: a slice of none says that nothing is due. */
	while (slice->count < found && bytes < SLICE_BYTES &&
	    (slice->count == 0 || elapsed_ns(&began) < SLICE_TIME)) {
		struct store_secret *row = &slice->rows[slice->count];

		bytes += row->record != 0 ? row->record_bytes : 0;
		if (end_row(txn, slice, row) == -1)
			return -1;
		slice->count++;
	}
	return 0;
}

static void
pause_for(int64_t nanoseconds)
{
	struct timespec	 pause = {
		.tv_sec = (time_t)(nanoseconds / 1000000000),
		.tv_nsec = (long)(nanoseconds % 1000000000),
	};

	nanosleep(&pause, NULL);
}

static int
sweep_all(struct site *site, struct sweep_result *result)
{
	struct slice	 slice = { .site = site };
	struct timespec	 began;
	int64_t		 took;
	int		 failure;

	for (;;) {
		clock_gettime(CLOCK_MONOTONIC, &began);
		failure = store_update(site->store, sweep_slice, &slice);
		if (failure != 0)
			return failure;
		result->expired += slice.did.expired;
		result->finished += slice.did.finished;
		result->forgotten += slice.did.forgotten;
		if (slice.count == 0)
			return 0;
		took = elapsed_ns(&began);
		pause_for(took > PAUSE_MIN ? took : PAUSE_MIN);
	}
}

static int
checkpoint(struct site *site)
{
	int	 result = 1;

	for (int try = 0; try < CHECKPOINT_TRIES && result == 1; try++) {
		if (try > 0)
			pause_for(CHECKPOINT_PAUSE);
		result = store_checkpoint(site->store);
	}
	return result == 1 ? STORE_BUSY : result;
}

int
sweep_run(struct site *site, struct sweep_result *result)
{
	int	 directory, lock, locked, failure = STORE_FAILED;

	*result = (struct sweep_result){ 0 };
	directory = open(site->conf->state_dir, O_RDONLY | O_DIRECTORY |
	    O_CLOEXEC);
	lock = directory == -1 ? -1 : filelock_open(directory, LOCK_NAME);
	if (directory != -1)
		close(directory);
	locked = lock == -1 ? -1 : filelock_acquire(lock, 0);
	if (locked == 0) {
		failure = sweep_all(site, result);
		if (failure == 0)
			failure = checkpoint(site);
		if (failure == 0)
			store_ballast(site->store);
	} else if (locked == 1) {
		result->already = 1;
		failure = 0;
	} else
		log_event(LOG_STORE_FAILED, LOG_TEXT("where", LOCK_NAME),
		    LOG_NUMBER("errno", errno));
	if (lock != -1)
		close(lock);
	return failure;
}

/* SPDX-License-Identifier: ISC */
/*
 * The sweeper's round: what is due is ended in slices, each a short write
 * transaction, with a pause as long as the slice before the next, so that the
 * site's own writers get the lock in between.
 */
#include <sys/stat.h>

#include <fcntl.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/complaint.h"
#include "base/conf.h"
#include "base/log.h"
#include "core/life.h"
#include "core/quota.h"
#include "core/secret.h"
#include "core/secret_request.h"
#include "core/site.h"
#include "core/sweep.h"
#include "crypto/epoch.h"
#include "crypto/keyring.h"
#include "store/store.h"

#define LOCK_NAME	"sweep.lock"
#define BEHIND		((int64_t)300 * 1000)	/* ms; less mends itself */
#define SLICE_ROWS	256
#define SLICE_BYTES	((size_t)1 << 20)	/* of records, to overwrite */
#define SLICE_TIME	4000			/* microseconds */
#define PAUSE_MIN	1000			/* microseconds */

/* Readers may hold the last checkpoint up; this often it is tried. */
#define CHECKPOINT_TRIES	50
#define CHECKPOINT_PAUSE	100000	/* microseconds */

struct slice {
	const struct site	*site;
	store_fn		*sweep;
	struct store_secret	 rows[SLICE_ROWS];
	size_t			 count;
	struct sweep_result	 did;
};

static int
end_record(struct store_txn *txn, struct slice *slice,
    struct store_secret *row)
{
	bool	 expired = store_now(txn) >= row->expires_at;

	if (life_settle(txn, slice->site, row) == -1)
		return -1;
	slice->did.expired += expired;
	slice->did.finished += !expired && row->record == 0;
	return 0;
}

static int
end_row(struct store_txn *txn, struct slice *slice, struct store_secret *row)
{
	int64_t	 forgotten_at;

	if (row->record != 0)
		return end_record(txn, slice, row);
	/* keep_receipts may have been made longer since. */
	forgotten_at = life_forgotten_at(slice->site, row->expires_at);
	if (store_now(txn) < forgotten_at) {
		row->due_at = forgotten_at;
		return store_secret_update(txn, row);
	}
	slice->did.forgotten++;
	return life_remove(txn, row);
}

static int
sweep_secrets(struct store_txn *txn, void *argument)
{
	struct slice	*slice = argument;
	size_t		 bytes = 0, found = SLICE_ROWS;
	int64_t		 began = clock_now_us();

	if (store_secret_due(txn, store_now(txn), slice->rows, &found) == -1)
		return -1;
	/* One at least: a slice of none says that nothing is due. */
	while (slice->count < found && bytes < SLICE_BYTES &&
	    (slice->count == 0 || clock_now_us() - began < SLICE_TIME)) {
		struct store_secret *row = &slice->rows[slice->count];

		bytes += row->record != 0 ? row->record_bytes : 0;
		if (end_row(txn, slice, row) == -1)
			return -1;
		slice->count++;
	}
	return 0;
}

static int
sweep_requests(struct store_txn *txn, void *argument)
{
	struct slice	*slice = argument;
	int64_t		 began = clock_now_us();
	int		 result = 0;

	/* One at least, as above. */
	while (slice->count < SLICE_ROWS &&
	    (slice->count == 0 || clock_now_us() - began < SLICE_TIME)) {
		result = secret_request_sweep(txn, slice->site,
		    &slice->did.requests);
		if (result != 0)
			break;
		slice->count++;
	}
	return result == -1 ? -1 : 0;
}

static int
sweep_quotas(struct store_txn *txn, void *argument)
{
	struct slice	*slice = argument;

	return quota_sweep(txn, SLICE_ROWS, &slice->count);
}

static int
sweep_slice(struct store_txn *txn, void *argument)
{
	struct slice	*slice = argument;

	slice->did = (struct sweep_result){ 0 };
	slice->count = 0;
	/* The clock may be set at any time. */
	return store_clock_jumped(txn) ? 0 : slice->sweep(txn, slice);
}

/* One slice after the other, until there is nothing left to do. */
static int
sweep_all(struct site *site, store_fn *sweep, struct sweep_result *result)
{
	struct slice	 slice = { .site = site, .sweep = sweep };
	int64_t		 began, took;
	int		 failure;

	for (;;) {
		began = clock_now_us();
		failure = store_update(site->store, sweep_slice, &slice);
		if (failure != 0)
			return failure;
		result->expired += slice.did.expired;
		result->finished += slice.did.finished;
		result->forgotten += slice.did.forgotten;
		result->requests += slice.did.requests;
		if (slice.count == 0)
			return 0;
		took = clock_now_us() - began;
		clock_sleep_us(took > PAUSE_MIN ? took : PAUSE_MIN);
	}
}

static int
checkpoint(struct site *site)
{
	int	 result = 1;

	for (int try = 0; try < CHECKPOINT_TRIES && result == 1; try++) {
		if (try > 0)
			clock_sleep_us(CHECKPOINT_PAUSE);
		result = store_checkpoint(site->store);
	}
	return result == 1 ? STORE_BUSY : result;
}

/* The clock comes first: what it ends never comes back. */
static int
ask_clock(struct store_txn *txn, void *argument)
{
	struct sweep_result	*result = argument;
	struct store_clock	 clock;

	store_clock(txn, &clock);
	result->now = store_now(txn);
	result->ahead = store_clock_jumped(txn) ? clock.wall - clock.latest : 0;
	result->behind = clock.latest - clock.wall > BEHIND ?
	    clock.latest - clock.wall : 0;
	return store_clock_mark(txn);
}

static int
sweep_by_clock(struct site *site, struct sweep_result *result)
{
	int	 failure;

	failure = store_update(site->store, ask_clock, result);
	if (failure != 0)
		return failure;
	if (result->behind != 0)
		log_event(LOG_CLOCK_BEHIND,
		    LOG_NUMBER("seconds", result->behind / 1000));
	if (result->ahead != 0) {
		log_event(LOG_CLOCK_AHEAD,
		    LOG_NUMBER("seconds", result->ahead / 1000));
		return 0;
	}
	failure = sweep_all(site, sweep_secrets, result);
	if (failure == 0)
		failure = sweep_all(site, sweep_requests, result);
	return failure != 0 ? failure :
	    sweep_all(site, sweep_quotas, result);
}

/* What is left of their secrets, wherever it is, opens no more. */
static int
destroy_keys(struct site *site, struct sweep_result *result)
{
	struct complaint error;

	if (epoch_destroy(keyring_epochs(site->keyring),
	    epoch_of(result->now), &result->keys, &error) == 0)
		return 0;
	log_event(LOG_STORE_FAILED, LOG_TEXT("where", "keys"),
	    LOG_TEXT("reason", error.text));
	return STORE_FAILED;
}

int
sweep_run(struct site *site, struct sweep_result *result)
{
	int	 lock, locked, erased, failure;

	*result = (struct sweep_result){ 0 };
	locked = site_lock(site, LOCK_NAME, &lock);
	result->already = locked == 1;
	if (locked != 0)
		return locked == 1 ? 0 : STORE_FAILED;
	failure = sweep_by_clock(site, result);
	/* What ended before that must not wait for its repair. */
	erased = checkpoint(site);
	if (failure == 0)
		failure = erased;
	erased = result->ahead != 0 ? 0 : destroy_keys(site, result);
	if (failure == 0)
		failure = erased;
	if (failure == 0) {
		store_ballast(site->store);
		/* For who asks whether anybody sweeps. */
		futimens(lock, NULL);
	}
	close(lock);
	return failure;
}

struct waiting {
	struct store_secret	 row;
	int64_t			 overdue;
};

static int
find_waiting(struct store_txn *txn, void *argument)
{
	struct waiting	*waiting = argument;
	size_t		 count = 1;

	waiting->overdue = 0;
	if (store_secret_due(txn, store_now(txn), &waiting->row, &count) == -1)
		return -1;
	if (count == 1)
		waiting->overdue = waiting->row.due_at;
	return 0;
}

int
sweep_last(struct site *site, int64_t *at, int64_t *overdue)
{
	struct waiting	 waiting;
	struct stat	 status;
	int		 directory, failure;

	*at = *overdue = 0;
	directory = open(site->conf->state_dir, O_RDONLY | O_DIRECTORY |
	    O_CLOEXEC);
	if (directory == -1)
		return STORE_FAILED;
	if (fstatat(directory, LOCK_NAME, &status, AT_SYMLINK_NOFOLLOW) == 0)
		*at = (int64_t)status.st_mtim.tv_sec * 1000;
	close(directory);
	failure = store_view(site->store, find_waiting, &waiting);
	if (failure == 0)
		*overdue = waiting.overdue;
	return failure;
}

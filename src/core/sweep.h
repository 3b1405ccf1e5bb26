/* SPDX-License-Identifier: ISC */
#ifndef ONCELINK_SWEEP_H
#define ONCELINK_SWEEP_H

#include <stddef.h>
#include <stdint.h>

struct site;

/* What a sweep did. */
struct sweep_result {
	int64_t	 expired;	/* records erased because their time was over */
	int64_t	 finished;	/* records erased because their claims ended */
	int64_t	 forgotten;	/* tombstones and receipts removed */
	int64_t	 requests;	/* secret requests removed */
	size_t	 keys;		/* of days that are over, destroyed */
	int64_t	 now;		/* when it began, ms since 1970 */
	int64_t	 ahead;		/* ms that the clock is ahead of all that was
				   written; not 0: nothing was ended */
	int64_t	 behind;	/* ms that it is behind, 0 for a little */
	int	 already;	/* 1: another sweeper is at it, nothing done */
};

/*
 * sweep_run(site, result): end what is due, in slices that hold the write
 * lock for milliseconds, then checkpoint; destroy the keys of days that are
 * over.  One at a time (a lock).  Returns 0
 * or one of the STORE_ failures; result says what was done until then.
 */
int	 sweep_run(struct site *site, struct sweep_result *result);

/*
 * sweep_last(site, at, overdue): when a sweep ended well last, 0 for never,
 * and since when the row waits that has waited longest for one, 0 for none;
 * ms since 1970.  Returns 0 or one of the STORE_ failures.
 */
int	 sweep_last(struct site *site, int64_t *at, int64_t *overdue);

#endif

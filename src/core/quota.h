/* SPDX-License-Identifier: ISC */
#ifndef ONCELINK_QUOTA_H
#define ONCELINK_QUOTA_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "crypto/seal.h"

struct site;
struct store_txn;

/*
 * How much one client may make in an hour, and how many secrets there may be
 * at a time.  A client is a network: what one person or one household has of
 * addresses.
 */

/* Whose creation it is, and what it adds. */
struct quota {
	bool		 counted;	/* false: of nobody */
	uint8_t		 hash[SEAL_HASHBYTES];	/* of client and hour */
	int64_t		 ends_at;	/* the end of the hour by the clock
					   that there is, ms since 1970 */
	int64_t		 due_at;	/* when it may be forgotten */
	size_t		 bytes;
};

/*
 * quota_begin(site, address, now, bytes, quota): before the transaction, for a
 * record of so many bytes by the client of this address, at life_time.  NULL,
 * what is no address, one of this machine and one of a trusted proxy are
 * nobody's.
 * Returns 0, or what day_key failed with; STORE_FAILED (logged) also when
 * the key of the day cannot be read.
 */
int	 quota_begin(struct site *site, const char *address, int64_t now,
	    size_t bytes, struct quota *quota);

/*
 * quota_allows(txn, site, quota, wait): may it be made?  Returns 0, 1 when the
 * client made enough and `wait' is how long that is so, in ms, or -1.
 */
int	 quota_allows(struct store_txn *txn, const struct site *site,
	    const struct quota *quota, int64_t *wait);

/* quota_count(txn, quota): it was made in this txn.  Returns 0 or -1. */
int	 quota_count(struct store_txn *txn, const struct quota *quota);

/* quota_is_full(txn, site): are there as many secrets as there may be?
 * Returns 0, 1 when there are, or -1. */
int	 quota_is_full(struct store_txn *txn, const struct site *site);

/* quota_sweep(txn, limit, count): forget at most so many clients of hours that
 * are over; sets *count to how many.  Returns 0 or -1. */
int	 quota_sweep(struct store_txn *txn, size_t limit, size_t *count);

#endif

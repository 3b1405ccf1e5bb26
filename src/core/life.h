/* SPDX-License-Identifier: ISC */
#ifndef ONCELINK_LIFE_H
#define ONCELINK_LIFE_H

#include <stdbool.h>
#include <stdint.h>

#include "crypto/seal.h"

struct seal_binding;
struct secret_facts;
struct site;
struct store_clock;
struct store_secret;
struct store_txn;

/*
 * When a secret lives and how it ends: the steps that reading, burning and
 * sweeping share.  The functions that write are for a store_update fn and
 * return as the row calls of store.h do.
 */

/* life_binding(row, binding): what the record of a row is bound to. */
void	 life_binding(const struct store_secret *row,
	    struct seal_binding *binding);

/* life_is_over(row, now): is nothing more to be given to new readers? */
bool	 life_is_over(const struct store_secret *row, int64_t now);

/* life_facts(row, now, claimed, facts): what is true of a row at a time. */
void	 life_facts(const struct store_secret *row, int64_t now, bool claimed,
	    struct secret_facts *facts);

/*
 * life_told(site, facts, clock): somebody is about to be told this, which was
 * found when the clock stood so.  That its time is over is written down, so
 * that it stays so when the clock is set back; where that cannot be written, or
 * nobody believes the clock, it is no less over now.
 */
void	 life_told(struct site *site, const struct secret_facts *facts,
	    const struct store_clock *clock);

/*
 * life_time(site, now): the time for what is about to be made, ms since 1970.
 * Returns 0, or STORE_BUSY (logged) when the clock is so far ahead
 * (store_clock_lost) that what is made by it would last for years when it is
 * set right, or STORE_FAILED, when nobody knows.
 */
int	 life_time(struct site *site, int64_t *now);

/* life_claim_until(row, now, time): when a claim ends that begins now, with
 * `time' ms for who fetches again and more for a large record. */
int64_t	 life_claim_until(const struct store_secret *row, int64_t now,
	    int64_t time);

/* life_claim(txn, row, claim, live_until): when the live claim of this hash
 * ends; 1: it is not live. */
int	 life_claim(struct store_txn *txn, const struct store_secret *row,
	    const uint8_t claim[SEAL_HASHBYTES], int64_t *live_until);

/*
 * life_settle(txn, site, row): after the row's state, views or claims changed:
 * erase the record when nobody may read it any more, and the mail about it
 * when nobody new may, set due_at, and write the row.
 */
int	 life_settle(struct store_txn *txn, const struct site *site,
	    struct store_secret *row);

/* life_end(txn, site, row): erase the record and the mail about it, end the
 * claims, write the row; views that were left when its time was over make it
 * expired. */
int	 life_end(struct store_txn *txn, const struct site *site,
	    struct store_secret *row);

/* life_remove(txn, row): erase the record, what an account sees of it, and
 * the tombstone. */
int	 life_remove(struct store_txn *txn, struct store_secret *row);

/* life_forgotten_at(site, expires_at): when the tombstone may go of what ends
 * then, ms since 1970. */
int64_t	 life_forgotten_at(const struct site *site, int64_t expires_at);

#endif

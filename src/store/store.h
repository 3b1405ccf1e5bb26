/* SPDX-License-Identifier: ISC */
#ifndef ONCELINK_STORE_H
#define ONCELINK_STORE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * The seam to the database.  Above it there is no SQL, below it no plaintext
 * and no HTTP.  Times are milliseconds since 1970.
 */

#define STORE_DATABASE_NAME "oncelink.db"	/* in its directory */

#define STORE_HASHBYTES 32
#define STORE_KINDS	32	/* the rules give them their meaning */

/* The ways in which we fail; every one was logged where it was found. */
#define STORE_FAILED	(-1)	/* I/O, memory, damage: 500 */
#define STORE_BUSY	(-2)	/* no turn within lock_wait: 503 */
#define STORE_FULL	(-3)	/* disk or quota: 507 */

enum store_state {
	STORE_WAITING,		/* made, never opened */
	STORE_OPENED,		/* at least one view was taken */
	STORE_EXPIRED,		/* set by the sweeper; readers look at time */
	STORE_BURNED,		/* by its receipt */
	STORE_LOCKED,		/* the last attempt was wrong */
	STORE_STATE__MAX
};

/*
 * A secret's row: what is known of it while it lives, and its tombstone and
 * receipt afterwards.  The sealed record is a row of its own.
 */
struct store_secret {
	uint8_t		 lookup[STORE_HASHBYTES];
	uint8_t		 kind;		/* below STORE_KINDS */
	uint8_t		 state;		/* enum store_state */
	int64_t		 created_at;
	int64_t		 changed_at;
	int64_t		 expires_at;
	int64_t		 due_at;	/* when the sweeper must look */
	uint32_t	 views_left;
	uint32_t	 attempts_left;
	bool		 gated;		/* has a PIN or a gate value */
	uint8_t		 verifier[STORE_HASHBYTES];	/* where gated */
	uint32_t	 passes;	/* Argon2id; 0: not stretched here */
	uint32_t	 memory;	/* Argon2id, KiB */
	uint32_t	 key_id;
	uint32_t	 epoch;
	bool		 has_receipt;
	uint8_t		 receipt[STORE_HASHBYTES];	/* where has_receipt */
	uint32_t	 knocks;
	int64_t		 knocked_at;	/* 0: never */
	int64_t		 id;		/* of the row, set by the store */
	int64_t		 record;	/* names the record; 0 once erased */
	size_t		 record_bytes;	/* size of the record, kept after it */
};

struct complaint;
struct store;		/* one process's hold of the database */
struct store_txn;	/* a transaction, inside store_update or store_view */

struct store_options {
	const char	*directory;	/* 0700, ours */
	int64_t		 max_bytes;	/* database and WAL together */
	size_t		 largest_record; /* bytes, for the ballast */
	int64_t		 lock_wait;	/* ms */
	int64_t		 erase_delay;	/* ms; 0: at once, in the same call */
	int64_t		 mark_interval;	/* ms after which store_start's thread
					   writes down what time it is though
					   nothing else is written; 0: never */
	unsigned int	 readers;	/* read connections, 1..16 */
	bool		 resident;	/* a process that stays: it proves first
					   that it can write; see store_start */
};

/*
 * store_create(directory, error): make the database file (O_EXCL, 0600) in a
 * directory that exists, with its schema.  Returns 0, or -1 with error.
 */
int	 store_create(const char *directory, struct complaint *error);

/*
 * store_open(options, error): open the database and apply migrations.
 * Refused when the directory or the database is open to others or the file
 * system is remote.  Returns NULL with error.  The caller owns the store; no
 * fork with it open.
 */
struct store *store_open(const struct store_options *options,
    struct complaint *error);

/*
 * store_start(store): start the thread that erases within erase_delay and
 * writes down the time each mark_interval, for a process that stays.  Without
 * it the next write erases, or the end.  Returns 0, or -1 when there is no
 * thread.
 */
int	 store_start(struct store *store);

/*
 * store_close(store): end it; what is due for erasing is erased first.  No
 * call may be in progress.  Accepts NULL.
 */
void	 store_close(struct store *store);

/*
 * A piece of work inside a transaction.  It may run more than once, on any
 * thread: it clears its result first, has no effect but on its argument and
 * through the calls below, and returns 0, or -1 as soon as one of them does.
 */
typedef int store_fn(struct store_txn *txn, void *argument);

/*
 * store_update(store, fn, argument): run fn in a write transaction and return
 * when what it did is durable.  Returns 0, or STORE_FAILED, STORE_BUSY or
 * STORE_FULL: then fn did nothing.
 */
int	 store_update(struct store *store, store_fn *fn, void *argument);

/*
 * store_view(store, fn, argument): run fn on one consistent state.  Nothing
 * is rendered, stretched or sent inside.  Returns 0, STORE_FAILED or
 * STORE_BUSY.
 */
int	 store_view(struct store *store, store_fn *fn, void *argument);

/*
 * store_checkpoint(store): overwrite what was erased, in the database and in
 * its log, now.  Returns 0, 1 when a reader held it up (call again), or
 * STORE_FAILED, STORE_BUSY or STORE_FULL.
 */
int	 store_checkpoint(struct store *store);

/* store_ballast(store): make the ballast file again if it is gone and there
 * is room.  For the sweeper. */
void	 store_ballast(struct store *store);

/* store_now(txn): the time of this fn, taken once, under the lock; never
 * before the latest time that anything was written at. */
int64_t	 store_now(struct store_txn *txn);

/* store_time(store): the same outside of a transaction, as far as this process
 * knows from its last write. */
int64_t	 store_time(struct store *store);

/* How the clock stands to the latest time that anything was written at; ms
 * since 1970, 0 for never. */
struct store_clock {
	int64_t		 wall;
	int64_t		 latest;
};

/* Further ahead than this nobody believes a clock; ms.  Machines are off for
 * as long as a weekend. */
#define STORE_CLOCK_JUMP ((int64_t)3 * 24 * 3600 * 1000)

/* And further than this nobody works by it; ms.  What is made lives so much
 * too long when the clock was wrong; machines are off for a holiday. */
#define STORE_CLOCK_LOST ((int64_t)30 * 24 * 3600 * 1000)

/*
 * store_clock_far(clock): is it further ahead than anybody believes?
 * store_clock_lost(clock): so far that nothing may be made either?
 * store_clock_jumped(txn): is it in this txn?  Then nothing may be destroyed
 * because its time is over.  store_clock(txn, clock): how it stands.
 * store_clock_known(store, clock): the same outside of a transaction, as far
 * as this process knows; `latest' is 0 when it does not.
 * store_clock_mark(txn): write it down, if it can be believed.
 * store_clock_past(txn, time): likewise, if that time (ms since 1970) is over
 * and nobody would know it by a clock that was set back.
 * store_clock_accept(txn): believe it, ahead or behind.
 */
bool	 store_clock_far(const struct store_clock *clock);
bool	 store_clock_lost(const struct store_clock *clock);
bool	 store_clock_jumped(const struct store_txn *txn);
void	 store_clock(const struct store_txn *txn, struct store_clock *clock);
void	 store_clock_known(struct store *store, struct store_clock *clock);
int	 store_clock_mark(struct store_txn *txn);
int	 store_clock_past(struct store_txn *txn, int64_t time);
int	 store_clock_accept(struct store_txn *txn);

/*
 * Rows.  All return 0 when done, -1 when we failed (fn then returns -1), and
 * 1 for the other legitimate outcome, named at each.
 */

/* store_secret_insert(txn, row, record): a new secret and its record of
 * row->record_bytes bytes; sets row->id and row->record.  1: a secret with
 * this lookup or this receipt is known, alive or over. */
int	 store_secret_insert(struct store_txn *txn, struct store_secret *row,
	    const void *record);

/* store_room(txn, bytes): may that many bytes more be stored?  1: no, the
 * quota of the store would be passed; three quarters of it for more than 64
 * KiB. */
int	 store_room(struct store_txn *txn, size_t bytes);

/* store_records(txn, count): how many sealed records there are; 0 or less when
 * nobody knows. */
int	 store_records(struct store_txn *txn, int64_t *count);

/* store_refuse_full(txn): have the update end with STORE_FULL.  Returns -1. */
int	 store_refuse_full(struct store_txn *txn);

/* store_secret_find(txn, lookup, row), store_secret_find_receipt(txn, receipt,
 * row): 1: there is none. */
int	 store_secret_find(struct store_txn *txn,
	    const uint8_t lookup[STORE_HASHBYTES], struct store_secret *row);
int	 store_secret_find_receipt(struct store_txn *txn,
	    const uint8_t receipt[STORE_HASHBYTES], struct store_secret *row);

/* store_secret_update(txn, row): write state, changed_at, due_at, views_left,
 * attempts_left, knocks, knocked_at and record of a row that was found in this
 * txn; once it has no record its verifier becomes zeroes. */
int	 store_secret_update(struct store_txn *txn,
	    const struct store_secret *row);

/* store_record_read(txn, row, record): the sealed bytes, into row->record_bytes
 * bytes of memory.  1: it is erased. */
int	 store_record_read(struct store_txn *txn,
	    const struct store_secret *row, void *record);

/* store_record_erase(txn, row): delete the record and every claim, set
 * row->record to 0 (store_secret_update is still the caller's), and have the
 * bytes overwritten within erase_delay. */
int	 store_record_erase(struct store_txn *txn, struct store_secret *row);

/* store_secret_remove(txn, row): the tombstone goes too. */
int	 store_secret_remove(struct store_txn *txn,
	    const struct store_secret *row);

/* store_claim_put(txn, lookup, claim, until): bind a view to a claim. */
int	 store_claim_put(struct store_txn *txn,
	    const uint8_t lookup[STORE_HASHBYTES],
	    const uint8_t claim[STORE_HASHBYTES], int64_t until);

/* store_claim_find(txn, lookup, claim, until): when it ends.  1: there is
 * none. */
int	 store_claim_find(struct store_txn *txn,
	    const uint8_t lookup[STORE_HASHBYTES],
	    const uint8_t claim[STORE_HASHBYTES], int64_t *until);

/* store_claim_remove(txn, lookup, claim): 1: there was none. */
int	 store_claim_remove(struct store_txn *txn,
	    const uint8_t lookup[STORE_HASHBYTES],
	    const uint8_t claim[STORE_HASHBYTES]);

/* store_claim_last(txn, lookup, limit, until): when the last of a secret's
 * claims ends, but for those that end behind the limit.  1: there is none. */
int	 store_claim_last(struct store_txn *txn,
	    const uint8_t lookup[STORE_HASHBYTES], int64_t limit,
	    int64_t *until);

/* store_secret_due(txn, before, rows, count): the first *count rows whose
 * due_at is not after `before`, oldest first, but for damaged ones; sets *count
 * to what there was. */
int	 store_secret_due(struct store_txn *txn, int64_t before,
	    struct store_secret *rows, size_t *count);

/* What one client made in one hour; hash is the rules' name for both. */
struct store_quota {
	int64_t		 secrets;
	int64_t		 bytes;		/* of their sealed records */
};

/* store_quota_find(txn, hash, row): 1: nothing. */
int	 store_quota_find(struct store_txn *txn,
	    const uint8_t hash[STORE_HASHBYTES], struct store_quota *row);

/* store_quota_add(txn, hash, due_at, bytes): one secret more, of so many
 * bytes; the row ends at due_at. */
int	 store_quota_add(struct store_txn *txn,
	    const uint8_t hash[STORE_HASHBYTES], int64_t due_at,
	    size_t bytes);

/* store_quota_forget(txn, before, limit, count): remove at most `limit` rows
 * that ended by then; sets *count to how many. */
int	 store_quota_forget(struct store_txn *txn, int64_t before,
	    size_t limit, size_t *count);

/* What `oncelinkctl stats` shows. */
struct store_stats {
	int64_t	 secrets[STORE_STATE__MAX];	/* rows by stored state */
	int64_t	 records;			/* sealed records there are */
	int64_t	 claims;
	int64_t	 requests;			/* secret requests */
	int64_t	 letters;			/* mails that wait */
	int64_t	 pages_used;			/* of page_bytes each */
	int64_t	 pages_free;
	int64_t	 page_bytes;
	int64_t	 wal_bytes;			/* of the log as a file */
};

/* store_stats(txn, stats): count everything; slow on a large store. */
int	 store_stats(struct store_txn *txn, struct store_stats *stats);

/*
 * store_keys(txn, after, keys, count): look at the next *count rows behind the
 * one numbered *after, at first 0: the number of the seal key of each that has
 * a record goes into keys, how many these are into *count, the last row's
 * number into *after.  1: there are no more rows.
 */
int	 store_keys(struct store_txn *txn, int64_t *after, uint32_t *keys,
	    size_t *count);

/* store_epoch_used(txn, epoch, first, last): is there a sealed record of this
 * epoch whose due_at is one of these times?  1: there is none. */
int	 store_epoch_used(struct store_txn *txn, uint32_t epoch,
	    int64_t first, int64_t last);

/* store_newest(txn, created_at): when the newest row was made.  1: there is
 * none. */
int	 store_newest(struct store_txn *txn, int64_t *created_at);

/*
 * A copy of the database in memory, sealed as it is, to be looked through
 * while nobody waits.
 */
struct store_copy;

/* store_copy(txn, limit, copy): take it, for the caller to free; it reads the
 * whole database.  1: that is more than so many bytes, *copy is NULL. */
int	 store_copy(struct store_txn *txn, int64_t limit,
	    struct store_copy **copy);

/* store_copy_examine(copy, what, size): is the database whole?  Returns 0, 1
 * with the first faults in what, or -1 when there was no memory. */
int	 store_copy_examine(struct store_copy *copy, char *what, size_t size);

/* store_copy_free(copy): accepts NULL. */
void	 store_copy_free(struct store_copy *copy);

#endif

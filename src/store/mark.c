/* SPDX-License-Identifier: ISC */
/*
 * What time it is when clocks go wrong.  The database remembers the latest
 * time at which anything was written.  Behind it time stands still, so that
 * what was over stays over; far ahead of it somebody may have set the clock
 * wrong, and until somebody says that it is right nothing is destroyed because
 * its time is over, and the mark stays where it is.
 */
#include "store/mark.h"

#include <sqlite3.h>

#include "store/txn.h"

/* The mark is part of what is written anyway, but once in this time only, in
 * ms. */
#define STEP 1000

static int
write_mark(struct store_txn *txn, int64_t latest)
{
	sqlite3_stmt	*statement;

	statement = txn_prepare(txn, SQLITE_STATEMENT_CLOCK_PUT, "clock");
	if (statement == NULL)
		return -1;
	sqlite3_bind_int64(statement, 1, latest);
	if (txn_done(txn, statement, "clock") == -1)
		return -1;
	txn->clock.latest = txn->sqlite->latest = latest;
	return 0;
}

static int
read_mark(struct store_txn *txn)
{
	sqlite3_stmt	*statement;
	int		 result;

	statement = txn_prepare(txn, SQLITE_STATEMENT_CLOCK_GET, "clock");
	if (statement == NULL)
		return -1;
	result = txn_step(txn, statement, "clock");
	if (result == -1)
		return -1;
	txn->sqlite->latest = 0;
	if (result == 0) {
		txn->sqlite->latest = sqlite3_column_int64(statement, 0);
		sqlite3_reset(statement);
	}
	return 0;
}

int
mark_begin(struct store_txn *txn)
{
	/* Once for all the fns of a batch: nobody else writes meanwhile. */
	if (txn->sqlite->latest == -1 && read_mark(txn) == -1)
		return -1;
	txn->clock.wall = txn->now;
	txn->clock.latest = txn->sqlite->latest;
	if (txn->now < txn->clock.latest)
		txn->now = txn->clock.latest;
	return 0;
}

int
mark_advance(struct store_txn *txn)
{
	if (store_clock_jumped(txn) ||
	    txn->clock.wall < txn->clock.latest + STEP)
		return 0;
	return write_mark(txn, txn->clock.wall);
}

bool
store_clock_far(const struct store_clock *clock)
{
	return clock->latest != 0 &&
	    clock->wall - clock->latest > STORE_CLOCK_JUMP;
}

bool
store_clock_lost(const struct store_clock *clock)
{
	return clock->latest != 0 &&
	    clock->wall - clock->latest > STORE_CLOCK_LOST;
}

bool
store_clock_jumped(const struct store_txn *txn)
{
	return store_clock_far(&txn->clock);
}

void
store_clock(const struct store_txn *txn, struct store_clock *clock)
{
	*clock = txn->clock;
}

int
store_clock_mark(struct store_txn *txn)
{
	return mark_advance(txn);
}

int
store_clock_past(struct store_txn *txn, int64_t time)
{
	if (store_clock_jumped(txn) || time <= txn->clock.latest ||
	    time > txn->clock.wall)
		return 0;
	/* Not worth the ballast, which who deletes needs. */
	txn->inserted = true;
	return write_mark(txn, txn->clock.wall);
}

int
store_clock_accept(struct store_txn *txn)
{
	return write_mark(txn, txn->clock.wall);
}

/* SPDX-License-Identifier: ISC */
#ifndef ONCELINK_MARK_H
#define ONCELINK_MARK_H

struct store_txn;

/*
 * mark_begin(txn): the first thing in a transaction: what time it is for it.
 * Returns 0, or -1 with txn->failure set.
 */
int	 mark_begin(struct store_txn *txn);

/*
 * mark_advance(txn): write that it is as late as that, if that was not written
 * within the last second and the clock can be believed.  Returns 0, or -1 with
 * txn->failure set.
 */
int	 mark_advance(struct store_txn *txn);

#endif

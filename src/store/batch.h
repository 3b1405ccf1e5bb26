/* SPDX-License-Identifier: ISC */
#ifndef ONCELINK_BATCH_H
#define ONCELINK_BATCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "store/store.h"

struct writer;

/* Group commit: the queue of those who want to write. */
struct batch;

/*
 * batch_open(writer, options): a queue before the writer, which is borrowed.
 * Returns NULL when there is no memory.
 */
struct batch *batch_open(struct writer *writer,
    const struct store_options *options);

/* batch_start(batch): as store_start.  Returns 0, or -1 when there is no
 * thread. */
int	 batch_start(struct batch *batch);

/* batch_close(batch): erase what is due and end.  Accepts NULL. */
void	 batch_close(struct batch *batch);

/* batch_update, batch_checkpoint: as store_update and store_checkpoint. */
int	 batch_update(struct batch *batch, store_fn *fn, void *argument);
int	 batch_checkpoint(struct batch *batch);

/* batch_waiting(batch): how many are in the queue now, for the tests. */
size_t	 batch_waiting(struct batch *batch);

#endif

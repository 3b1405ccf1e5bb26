/* SPDX-License-Identifier: ISC */
#ifndef ONCELINK_ARENA_H
#define ONCELINK_ARENA_H

#include <stdbool.h>
#include <stddef.h>

/* The memory of one request: one owner, one end, wiped at that end. */
struct arena;

/* What an arena keeps for its next request, in bytes; all above goes back. */
#define ARENA_KEEP ((size_t)1 << 20)

/*
 * arena_create(): an empty arena, to be used by one thread at a time.
 * Returns NULL when there is no memory.  The caller owns it.
 */
struct arena *arena_create(void);

/* arena_destroy(arena): wipe and release everything.  Accepts NULL. */
void	 arena_destroy(struct arena *arena);

/*
 * arena_alloc(arena, size): size bytes aligned for any type, zeroed, valid
 * until the next arena_reset.  A size of 0 gives a valid pointer.  Returns
 * NULL when there is no memory.
 */
void	*arena_alloc(struct arena *arena, size_t size);

/*
 * arena_copy(arena, data, size): a copy of size bytes of data with one NUL
 * byte behind them.  Returns NULL when there is no memory.
 */
void	*arena_copy(struct arena *arena, const void *data, size_t size);

/*
 * arena_extend(arena, data, size, wanted): let the block at data, got with
 * size bytes, have wanted bytes where it is.  True only when it was the last
 * one handed out and there is room behind it; what is added is zeroed.
 */
bool	 arena_extend(struct arena *arena, void *data, size_t size,
	    size_t wanted);

/*
 * arena_reserve(arena, size): have size bytes in one piece, so that what is
 * allocated next, up to that, does not fail.  Returns 0, or -1 when there is
 * no memory.
 */
int	 arena_reserve(struct arena *arena, size_t size);

/*
 * arena_reset(arena): end the life of all that was handed out.  Every byte of
 * it is overwritten with zeroes; blocks beyond ARENA_KEEP are released.
 */
void	 arena_reset(struct arena *arena);

#endif

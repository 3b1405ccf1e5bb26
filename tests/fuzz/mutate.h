/* SPDX-License-Identifier: ISC */
#ifndef ONCELINK_FUZZ_MUTATE_H
#define ONCELINK_FUZZ_MUTATE_H

#include <stddef.h>
#include <stdint.h>

/* A corpus in memory, and what chance makes of it. */
struct mutate;

/* mutate_create(): an empty one, which stays until the end; NULL when there is
 * no memory. */
struct mutate *mutate_create(void);

/* mutate_seed(mutate, seed): where chance begins. */
void	 mutate_seed(struct mutate *mutate, uint64_t seed);

/* mutate_add(mutate, bytes, size): a copy of them is one more input.  Returns
 * 0, or -1 when there is no memory. */
int	 mutate_add(struct mutate *mutate, const void *bytes, size_t size);

/* mutate_words(mutate, path): the words of a dictionary, in the form that
 * libFuzzer and AFL have.  Returns 0, or -1 with errno. */
int	 mutate_words(struct mutate *mutate, const char *path);

size_t	 mutate_count(const struct mutate *mutate);

/* mutate_get(mutate, number, bytes): an input as it was added.  Returns its
 * size. */
size_t	 mutate_get(const struct mutate *mutate, size_t number,
	    uint8_t *bytes);

/* mutate_draw(mutate, bytes, room): one of them, changed in a few places; at
 * most `room' bytes.  Returns their number. */
size_t	 mutate_draw(struct mutate *mutate, uint8_t *bytes, size_t room);

#endif

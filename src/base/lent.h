/* SPDX-License-Identifier: ISC */
#ifndef ONCELINK_LENT_H
#define ONCELINK_LENT_H

#include <stdbool.h>

/*
 * This module replaces strdup(3) of the whole program, libraries included.  It
 * is left out of sanitizer builds, whose free(3) would not know what is lent.
 */

/*
 * lent_begin(): from here to lent_end, in this thread, strdup returns an empty
 * text where there is no memory for a copy, lent to whoever does not look.
 * lent_end(): returns whether that happened: then what was made meanwhile is
 * good for nothing but to be released.
 */
void	 lent_begin(void);
bool	 lent_end(void);

/* lent_is(data): is it what was lent?  Then there is nothing to free. */
bool	 lent_is(const void *data);

#endif

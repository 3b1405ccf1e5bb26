/* SPDX-License-Identifier: ISC */
#ifndef ONCELINK_BALLAST_H
#define ONCELINK_BALLAST_H

#include <stddef.h>

/*
 * Space on the disk that is set aside while there is some, since deleting
 * from a database needs space too.
 */

/*
 * ballast_make(directory, size): set `size` bytes aside in the directory that
 * is open at descriptor `directory`, if they are not yet.  Returns 0, or -1
 * with errno (nothing is set aside then).
 */
int	 ballast_make(int directory, size_t size);

/* ballast_drop(directory): give them back.  Returns 0, or -1 when there were
 * none. */
int	 ballast_drop(int directory);

#endif

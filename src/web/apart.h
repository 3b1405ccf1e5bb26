/* SPDX-License-Identifier: ISC */
#ifndef ONCELINK_APART_H
#define ONCELINK_APART_H

#include <sys/types.h>

#include <stdbool.h>
#include <stddef.h>

/* What must lie in no document root, and all directories above that. */
#define APART_DEPTH_MAX 128	/* for all of them together */
struct apart {
	struct {
		dev_t	 device;
		ino_t	 inode;
	} above[APART_DEPTH_MAX];
	size_t	 count;
};

/* apart_add(apart, private): no document root may be this, or a directory that
 * it is in.  Returns 0, or -1 with errno. */
int	 apart_add(struct apart *apart, const char *private);

/* apart_allows(apart, root): is this document root none of them (logged when
 * it is one)?  What cannot be reached from here cannot be compared. */
bool	 apart_allows(const struct apart *apart, const char *root);

#endif

/* SPDX-License-Identifier: ISC */
#ifndef ONCELINK_CTL_SCAN_H
#define ONCELINK_CTL_SCAN_H

#include <stddef.h>
#include <stdint.h>

#define CTL_SCAN_PIECE 16	/* bytes that are looked for at a time */

/* Pieces of bytes that are looked for on the disk, each with a number. */
struct ctl_scan;

/* ctl_scan_create(): none yet.  Returns NULL when there is no memory.  The
 * caller owns it.  ctl_scan_destroy(scan) accepts NULL. */
struct ctl_scan *ctl_scan_create(void);
void	 ctl_scan_destroy(struct ctl_scan *scan);

/* ctl_scan_add(scan, number, bytes, size): some of these, spread over all of
 * them; at least CTL_SCAN_PIECE bytes.  Returns 0, or -1 without memory. */
int	 ctl_scan_add(struct ctl_scan *scan, size_t number, const void *bytes,
	    size_t size);

/*
 * ctl_scan_directory(scan, path, found, read): look through each file of a
 * directory and those in it; found[number] counts what was found, and *read
 * the bytes that were read.  Returns 0, or -1 with errno when one cannot be
 * read.
 */
int	 ctl_scan_directory(struct ctl_scan *scan, const char *path,
	    unsigned int *found, uint64_t *read);

#endif

/* SPDX-License-Identifier: ISC */
#ifndef ONCELINK_VFS_OVERWRITE_H
#define ONCELINK_VFS_OVERWRITE_H

#include <stdint.h>

struct sqlite3_file;

/*
 * vfs_overwrite(file, zeros, room): overwrite all that the file of a log has,
 * on the disk, so that the blocks that it gives back hold nothing.  To be
 * called when all of it is in the database and nobody reads it.  `room` bytes
 * of zeros, a multiple of VFS_OVERWRITE_HEAD and more than one.  An empty file
 * is no work.  Returns SQLITE_OK or what failed (SQLITE_IOERR…, SQLITE_FULL);
 * then some of it may be overwritten, but the log is still whole or none.
 */
int	 vfs_overwrite(struct sqlite3_file *file, const uint8_t *zeros,
	    int room);

/* What goes first, in bytes: the least that a disk writes at once. */
#define VFS_OVERWRITE_HEAD 512

#endif

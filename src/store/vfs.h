/* SPDX-License-Identifier: ISC */
#ifndef ONCELINK_VFS_H
#define ONCELINK_VFS_H

struct sqlite3_file;

/* What SQLite's file layer is asked for by this name in sqlite3_open_v2. */
#define VFS_NAME "oncelink"

/*
 * vfs_register(): make the file layer known to SQLite; again is no harm.  It
 * is the system's own, but for two kinds of files.  What is written to a log is
 * gathered and handed on in large pieces, at the latest before anything else
 * is done with the file, so that order and durability are the same; before it
 * is cut off it is overwritten by vfs_overwrite.  Pages of a database are
 * cleared by vfs_page_clear as they are written.  Returns 0, or
 * -1 when there is no memory.
 */
int	 vfs_register(void);

/*
 * vfs_forget(file): drop what a log's file still has gathered, and what could
 * not be written.  A commit syncs and so leaves nothing; what is left is of a
 * transaction that was rolled back, and once the write lock is let go its
 * place is somebody else's.
 */
void	 vfs_forget(struct sqlite3_file *file);

#endif

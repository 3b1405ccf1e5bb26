/* SPDX-License-Identifier: ISC */
/*
 * In which order a log is overwritten.  Its header goes first, and reaches the
 * disk before anything else does: without it a recovery after a power cut sees
 * no log.  With it, it would take what stands before the first piece that is
 * gone for all that was ever committed, and put old pages over newer ones.
 */
#include "store/vfs_overwrite.h"

#include <sqlite3.h>

static int
sync_file(sqlite3_file *file)
{
	return file->pMethods->xSync(file, SQLITE_SYNC_NORMAL);
}

int
vfs_overwrite(sqlite3_file *file, const uint8_t *zeros, int room)
{
	sqlite3_int64	 size, at;
	int		 result, length;

	result = file->pMethods->xFileSize(file, &size);
	if (result != SQLITE_OK || size == 0)
		return result;
	length = size < VFS_OVERWRITE_HEAD ? (int)size : VFS_OVERWRITE_HEAD;
	result = file->pMethods->xWrite(file, zeros, length, 0);
	if (result == SQLITE_OK)
		result = sync_file(file);
	for (at = length; result == SQLITE_OK && at < size; at += length) {
		/* Up to a multiple of the room: whole blocks. */
		length = room - (int)(at % room);
		if (length > size - at)
			length = (int)(size - at);
		result = file->pMethods->xWrite(file, zeros, length, at);
	}
	return result == SQLITE_OK && size > VFS_OVERWRITE_HEAD ?
	    sync_file(file) : result;
}

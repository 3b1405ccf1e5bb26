/* SPDX-License-Identifier: ISC */
/*
 * What SQLite does with its files and should do otherwise.
 *
 * It writes each page of its log in two pieces, 24 bytes and a page, with a
 * system call each.  A commit of many secrets is a hundred of them; here they
 * become one.  A piece that could not be handed on is an error of the call
 * that found out.  SQLite may think that the pages in it were written long ago
 * (when its cache spilled), so what lies behind that place can be neither read
 * nor added to, until it is written anew from that place on or the lock is let
 * go: then it is somebody else's.
 *
 * And it leaves pieces of rows where it moved them from: they are overwritten
 * as pages reach the database.  What it cuts off its log it leaves on the disk:
 * that is overwritten before.
 */
#include <errno.h>
#include <sqlite3.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "store/sqlite.h"
#include "store/vfs.h"
#include "store/vfs_overwrite.h"
#include "store/vfs_page.h"

/* Of a piece that could not be written: a frame's header, or as much of its
 * page. */
#define SPOILED_BYTES 24

/* Whole blocks, and below 2^17: the system's layer takes a length's last 17
 * bits, and calls a disk full that it was to write nothing to. */
#define GATHER_BYTES (31 * 4096)

/*
 * Up to this size no page but those of trees begins with the number of a kind
 * of tree page: the others begin with the number of a page, below 2^24.  Half
 * of that, since a checkpoint does not write the last pages first.
 */
#define CLEARED_BYTES ((sqlite3_int64)SQLITE_PAGE_BYTES << 23)

/* A log; its real file follows in the same memory. */
struct vfs_log {
	sqlite3_file	 base;
	uint8_t		*gathered;	/* GATHER_BYTES, from the first write */
	int		 length;	/* bytes in it */
	sqlite3_int64	 offset;	/* of the first of them */
	int		 failure;	/* of the last write that failed, or
					   SQLITE_OK */
	sqlite3_int64	 failed_at;	/* then: the first byte that may be
					   missing */
};

static sqlite3_file *
real(struct vfs_log *log)
{
	return (sqlite3_file *)(log + 1);
}

static struct vfs_log *
log_of(sqlite3_file *file)
{
	return (struct vfs_log *)file;
}

/* A user's quota is a full disk to whoever runs into it; SQLite knows one
 * reason only. */
static int
write_code(int result)
{
	return result == SQLITE_IOERR_WRITE && errno == EDQUOT ? SQLITE_FULL :
	    result;
}

/*
 * A write that failed may have reached the file all the same, whole, or but
 * for bytes that were there before: a recovery would take the commit in it,
 * whose callers were told that nothing happened.  So it is made into one that
 * was broken off, and what lies behind it is not there.
 */
static int
write_or_spoil(struct vfs_log *log, const uint8_t *bytes, int length,
    sqlite3_int64 offset)
{
	uint8_t		 spoiled[SPOILED_BYTES];
	int		 result;

	result = write_code(real(log)->pMethods->xWrite(real(log), bytes,
	    length, offset));
	if (result == SQLITE_OK)
		return SQLITE_OK;
	if (length > SPOILED_BYTES)
		length = SPOILED_BYTES;
	for (int i = 0; i < length; i++)
		spoiled[i] = (uint8_t)~bytes[i];
	/* Nothing more can be done; who called knows that it failed. */
	(void)real(log)->pMethods->xWrite(real(log), spoiled, length, offset);
	log->failure = result;
	log->failed_at = offset;
	return result;
}

/* Hand on what was gathered. */
static int
flush(struct vfs_log *log)
{
	int	 length = log->length;

	if (length == 0)
		return SQLITE_OK;
	log->length = 0;
	return write_or_spoil(log, log->gathered, length, log->offset);
}

static int
log_close(sqlite3_file *file)
{
	struct vfs_log	*log = log_of(file);

	/* As in vfs_forget: no commit is among it. */
	free(log->gathered);
	return real(log)->pMethods->xClose(real(log));
}

/* SQLite takes this one for damage: whoever is told of that restores a backup,
 * which does not mend a disk. */
static int
read_code(int result)
{
	return result == SQLITE_IOERR_CORRUPTFS ? SQLITE_IOERR_READ : result;
}

static int
log_read(sqlite3_file *file, void *bytes, int length, sqlite3_int64 offset)
{
	struct vfs_log	*log = log_of(file);
	int		 result = flush(log);

	if (result == SQLITE_OK && log->failure != SQLITE_OK &&
	    offset + length > log->failed_at)
		result = log->failure;
	return result != SQLITE_OK ? result :
	    read_code(real(log)->pMethods->xRead(real(log), bytes, length,
	    offset));
}

static int
log_write(sqlite3_file *file, const void *bytes, int length,
    sqlite3_int64 offset)
{
	struct vfs_log	*log = log_of(file);
	int		 result;

	if (log->gathered == NULL)
		log->gathered = malloc(GATHER_BYTES);
	if (log->length > 0 && (offset != log->offset + log->length ||
	    length > GATHER_BYTES - log->length)) {
		result = flush(log);
		if (result != SQLITE_OK)
			return result;
	}
	if (log->failure != SQLITE_OK) {
		if (offset > log->failed_at)
			return log->failure;
		/* What is written anew is there, and nothing else. */
		if (offset + length > log->failed_at)
			log->failed_at = offset + length;
	}
	if (log->gathered == NULL || length > GATHER_BYTES)
		return write_or_spoil(log, bytes, length, offset);
	if (log->length == 0)
		log->offset = offset;
	memcpy(log->gathered + log->length, bytes, (size_t)length);
	log->length += length;
	return SQLITE_OK;
}

/* Nothing is gathered: its place is free for zeros. */
static int
overwrite(struct vfs_log *log)
{
	if (log->gathered == NULL)
		log->gathered = malloc(GATHER_BYTES);
	if (log->gathered == NULL)
		return SQLITE_IOERR_NOMEM;
	memset(log->gathered, 0, GATHER_BYTES);
	return vfs_overwrite(real(log), log->gathered, GATHER_BYTES);
}

static int
log_truncate(sqlite3_file *file, sqlite3_int64 size)
{
	struct vfs_log	*log = log_of(file);
	int		 result = flush(log);

	/* SQLite cuts off all of it, when nobody needs it any more. */
	if (result == SQLITE_OK && size == 0)
		result = overwrite(log);
	return result != SQLITE_OK ? result :
	    real(log)->pMethods->xTruncate(real(log), size);
}

static int
log_sync(sqlite3_file *file, int flags)
{
	struct vfs_log	*log = log_of(file);
	int		 result = flush(log);

	return result != SQLITE_OK ? result :
	    real(log)->pMethods->xSync(real(log), flags);
}

static int
log_size(sqlite3_file *file, sqlite3_int64 *size)
{
	struct vfs_log	*log = log_of(file);
	int		 result = flush(log);

	return result != SQLITE_OK ? result :
	    real(log)->pMethods->xFileSize(real(log), size);
}

static int
log_lock(sqlite3_file *file, int level)
{
	return real(log_of(file))->pMethods->xLock(real(log_of(file)), level);
}

static int
log_unlock(sqlite3_file *file, int level)
{
	return real(log_of(file))->pMethods->xUnlock(real(log_of(file)),
	    level);
}

static int
log_check_lock(sqlite3_file *file, int *reserved)
{
	return real(log_of(file))->pMethods->xCheckReservedLock(
	    real(log_of(file)), reserved);
}

static int
log_control(sqlite3_file *file, int operation, void *argument)
{
	return real(log_of(file))->pMethods->xFileControl(real(log_of(file)),
	    operation, argument);
}

static int
log_sector_size(sqlite3_file *file)
{
	return real(log_of(file))->pMethods->xSectorSize(real(log_of(file)));
}

static int
log_characteristics(sqlite3_file *file)
{
	return real(log_of(file))->pMethods->xDeviceCharacteristics(
	    real(log_of(file)));
}

/* The database; its real file follows in the same memory. */
struct vfs_main {
	sqlite3_file	 base;
	sqlite3_int64	 size;		/* at least; bytes */
};

static sqlite3_file *
under(sqlite3_file *file)
{
	return (sqlite3_file *)((struct vfs_main *)file + 1);
}

static int
main_close(sqlite3_file *file)
{
	return under(file)->pMethods->xClose(under(file));
}

static int
main_read(sqlite3_file *file, void *bytes, int length, sqlite3_int64 offset)
{
	return read_code(under(file)->pMethods->xRead(under(file), bytes,
	    length, offset));
}

static int
main_write(sqlite3_file *file, const void *bytes, int length,
    sqlite3_int64 offset)
{
	struct vfs_main	*db = (struct vfs_main *)file;
	uint8_t		 page[SQLITE_PAGE_BYTES];

	if (offset + length > db->size)
		db->size = offset + length;
	if (length != SQLITE_PAGE_BYTES || offset % SQLITE_PAGE_BYTES != 0 ||
	    db->size > CLEARED_BYTES)
		return write_code(under(file)->pMethods->xWrite(under(file),
		    bytes, length, offset));
	memcpy(page, bytes, sizeof(page));
	vfs_page_clear(page, sizeof(page), offset == 0);
	return write_code(under(file)->pMethods->xWrite(under(file), page,
	    length, offset));
}

static int
main_truncate(sqlite3_file *file, sqlite3_int64 size)
{
	return under(file)->pMethods->xTruncate(under(file), size);
}

static int
main_sync(sqlite3_file *file, int flags)
{
	return under(file)->pMethods->xSync(under(file), flags);
}

/* Others write to it too; a checkpoint asks before it begins. */
static int
main_size(sqlite3_file *file, sqlite3_int64 *size)
{
	struct vfs_main	*db = (struct vfs_main *)file;
	int		 result;

	result = under(file)->pMethods->xFileSize(under(file), size);
	if (result == SQLITE_OK && *size > db->size)
		db->size = *size;
	return result;
}

static int
main_lock(sqlite3_file *file, int level)
{
	return under(file)->pMethods->xLock(under(file), level);
}

static int
main_unlock(sqlite3_file *file, int level)
{
	return under(file)->pMethods->xUnlock(under(file), level);
}

static int
main_check_lock(sqlite3_file *file, int *reserved)
{
	return under(file)->pMethods->xCheckReservedLock(under(file),
	    reserved);
}

static int
main_control(sqlite3_file *file, int operation, void *argument)
{
	struct vfs_main	*db = (struct vfs_main *)file;

	/* How large a checkpoint will make it. */
	if (operation == SQLITE_FCNTL_SIZE_HINT &&
	    *(sqlite3_int64 *)argument > db->size)
		db->size = *(sqlite3_int64 *)argument;
	return under(file)->pMethods->xFileControl(under(file), operation,
	    argument);
}

static int
main_sector_size(sqlite3_file *file)
{
	return under(file)->pMethods->xSectorSize(under(file));
}

static int
main_characteristics(sqlite3_file *file)
{
	return under(file)->pMethods->xDeviceCharacteristics(under(file));
}

static int
main_map(sqlite3_file *file, int region, int size, int extend,
    void volatile **memory)
{
	return under(file)->pMethods->xShmMap(under(file), region, size,
	    extend, memory);
}

static int
main_map_lock(sqlite3_file *file, int offset, int count, int flags)
{
	return under(file)->pMethods->xShmLock(under(file), offset, count,
	    flags);
}

static void
main_map_barrier(sqlite3_file *file)
{
	under(file)->pMethods->xShmBarrier(under(file));
}

static int
main_unmap(sqlite3_file *file, int remove)
{
	return under(file)->pMethods->xShmUnmap(under(file), remove);
}

static const sqlite3_io_methods main_methods = {
	.iVersion = 2,
	.xClose = main_close,
	.xRead = main_read,
	.xWrite = main_write,
	.xTruncate = main_truncate,
	.xSync = main_sync,
	.xFileSize = main_size,
	.xLock = main_lock,
	.xUnlock = main_unlock,
	.xCheckReservedLock = main_check_lock,
	.xFileControl = main_control,
	.xSectorSize = main_sector_size,
	.xDeviceCharacteristics = main_characteristics,
	.xShmMap = main_map,
	.xShmLock = main_map_lock,
	.xShmBarrier = main_map_barrier,
	.xShmUnmap = main_unmap,
};

static const sqlite3_io_methods log_methods = {
	.iVersion = 1,
	.xClose = log_close,
	.xRead = log_read,
	.xWrite = log_write,
	.xTruncate = log_truncate,
	.xSync = log_sync,
	.xFileSize = log_size,
	.xLock = log_lock,
	.xUnlock = log_unlock,
	.xCheckReservedLock = log_check_lock,
	.xFileControl = log_control,
	.xSectorSize = log_sector_size,
	.xDeviceCharacteristics = log_characteristics,
};

void
vfs_forget(struct sqlite3_file *file)
{
	if (file->pMethods != &log_methods)
		return;
	log_of(file)->length = 0;
	log_of(file)->failure = SQLITE_OK;
}

/* The system's own file layer, which stands behind ours. */
static sqlite3_vfs *
system_vfs(sqlite3_vfs *vfs)
{
	return vfs->pAppData;
}

static int
open_main(sqlite3_vfs *vfs, const char *name, sqlite3_file *file, int flags,
    int *flags_out)
{
	sqlite3_vfs	*system = system_vfs(vfs);
	struct vfs_main	*db = (struct vfs_main *)file;
	int		 result;

	*db = (struct vfs_main){ .base = { .pMethods = NULL } };
	result = system->xOpen(system, name, under(file), flags, flags_out);
	if (result == SQLITE_OK)
		result = under(file)->pMethods->xFileSize(under(file),
		    &db->size);
	if (result == SQLITE_OK)
		db->base.pMethods = &main_methods;
	else if (under(file)->pMethods != NULL)
		under(file)->pMethods->xClose(under(file));
	return result;
}

static int
open_log(sqlite3_vfs *vfs, const char *name, sqlite3_file *file, int flags,
    int *flags_out)
{
	sqlite3_vfs	*system = system_vfs(vfs);
	struct vfs_log	*log = log_of(file);
	int		 result;

	*log = (struct vfs_log){ .base = { .pMethods = NULL } };
	result = system->xOpen(system, name, real(log), flags, flags_out);
	if (result == SQLITE_OK)
		log->base.pMethods = &log_methods;
	else if (real(log)->pMethods != NULL)
		real(log)->pMethods->xClose(real(log));
	return result;
}

static int
open_file(sqlite3_vfs *vfs, const char *name, sqlite3_file *file, int flags,
    int *flags_out)
{
	if ((flags & SQLITE_OPEN_MAIN_DB) != 0)
		return open_main(vfs, name, file, flags, flags_out);
	if ((flags & SQLITE_OPEN_WAL) != 0)
		return open_log(vfs, name, file, flags, flags_out);
	return system_vfs(vfs)->xOpen(system_vfs(vfs), name, file, flags,
	    flags_out);
}

int
vfs_register(void)
{
	sqlite3_vfs	*system = sqlite3_vfs_find(NULL), *vfs;

	if (sqlite3_vfs_find(VFS_NAME) != NULL)
		return 0;
	if (system == NULL)
		return -1;
	/* SQLite keeps it until the process ends. */
	vfs = malloc(sizeof(*vfs));
	if (vfs == NULL)
		return -1;
	*vfs = *system;
	vfs->pNext = NULL;
	vfs->zName = VFS_NAME;
	vfs->pAppData = system;
	vfs->szOsFile = system->szOsFile + (int)(sizeof(struct vfs_log) >
	    sizeof(struct vfs_main) ? sizeof(struct vfs_log) :
	    sizeof(struct vfs_main));
	vfs->xOpen = open_file;
	if (sqlite3_vfs_register(vfs, 0) == SQLITE_OK)
		return 0;
	free(vfs);
	return -1;
}

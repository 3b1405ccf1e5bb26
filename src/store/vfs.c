/* SPDX-License-Identifier: ISC */
/*
 * SQLite writes each page of its log in two pieces, 24 bytes and a page, with
 * a system call each.  A commit of many secrets is a hundred of them; here
 * they become one.  A piece that could not be handed on is an error of the
 * call that found out.  SQLite may think that the pages in it were written
 * long ago (when its cache spilled), so what lies behind that place can be
 * neither read nor added to until the place is written anew, which is what
 * the first commit after the rollback does.
 */
#include <sqlite3.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "store/vfs.h"

#define GATHER_BYTES (128 * 1024)

/* A log; its real file follows in the same memory. */
struct vfs_log {
	sqlite3_file	 base;
	uint8_t		*gathered;	/* GATHER_BYTES, from the first write */
	int		 length;	/* bytes in it */
	sqlite3_int64	 offset;	/* of the first of them */
	int		 failure;	/* SQLITE_OK: none */
	sqlite3_int64	 failed_at;	/* the first byte that is missing */
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

/* Hand on what was gathered. */
static int
flush(struct vfs_log *log)
{
	int	 length = log->length;

	if (length == 0)
		return SQLITE_OK;
	log->length = 0;
	log->failure = real(log)->pMethods->xWrite(real(log), log->gathered,
	    length, log->offset);
	log->failed_at = log->offset;
	return log->failure;
}

static int
log_close(sqlite3_file *file)
{
	struct vfs_log	*log = log_of(file);

	/* As in vfs_forget: no commit is among it. */
	free(log->gathered);
	return real(log)->pMethods->xClose(real(log));
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
	    real(log)->pMethods->xRead(real(log), bytes, length, offset);
}

static int
log_write(sqlite3_file *file, const void *bytes, int length,
    sqlite3_int64 offset)
{
	struct vfs_log	*log = log_of(file);
	int		 result;

	if (log->failure != SQLITE_OK && offset <= log->failed_at)
		log->failure = SQLITE_OK;
	if (log->gathered == NULL)
		log->gathered = malloc(GATHER_BYTES);
	if (log->length > 0 && (offset != log->offset + log->length ||
	    length > GATHER_BYTES - log->length)) {
		result = flush(log);
		if (result != SQLITE_OK)
			return result;
	}
	if (log->failure != SQLITE_OK)
		return log->failure;
	if (log->gathered == NULL || length > GATHER_BYTES)
		return real(log)->pMethods->xWrite(real(log), bytes, length,
		    offset);
	if (log->length == 0)
		log->offset = offset;
	memcpy(log->gathered + log->length, bytes, (size_t)length);
	log->length += length;
	return SQLITE_OK;
}

static int
log_truncate(sqlite3_file *file, sqlite3_int64 size)
{
	struct vfs_log	*log = log_of(file);
	int		 result = flush(log);

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
	if (file->pMethods == &log_methods)
		log_of(file)->length = 0;
}

/* The system's own file layer, which stands behind ours. */
static sqlite3_vfs *
system_vfs(sqlite3_vfs *vfs)
{
	return vfs->pAppData;
}

static int
open_file(sqlite3_vfs *vfs, const char *name, sqlite3_file *file, int flags,
    int *flags_out)
{
	sqlite3_vfs	*under = system_vfs(vfs);
	struct vfs_log	*log = log_of(file);
	int		 result;

	if ((flags & SQLITE_OPEN_WAL) == 0)
		return under->xOpen(under, name, file, flags, flags_out);
	*log = (struct vfs_log){ .base = { .pMethods = NULL } };
	result = under->xOpen(under, name, real(log), flags, flags_out);
	if (result == SQLITE_OK)
		log->base.pMethods = &log_methods;
	else if (real(log)->pMethods != NULL)
		real(log)->pMethods->xClose(real(log));
	return result;
}

int
vfs_register(void)
{
	sqlite3_vfs	*under = sqlite3_vfs_find(NULL), *vfs;

	if (sqlite3_vfs_find(VFS_NAME) != NULL)
		return 0;
	if (under == NULL)
		return -1;
	/* SQLite keeps it until the process ends. */
	vfs = malloc(sizeof(*vfs));
	if (vfs == NULL)
		return -1;
	*vfs = *under;
	vfs->pNext = NULL;
	vfs->zName = VFS_NAME;
	vfs->pAppData = under;
	vfs->szOsFile = under->szOsFile + (int)sizeof(struct vfs_log);
	vfs->xOpen = open_file;
	if (sqlite3_vfs_register(vfs, 0) == SQLITE_OK)
		return 0;
	free(vfs);
	return -1;
}

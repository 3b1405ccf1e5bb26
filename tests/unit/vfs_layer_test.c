/* SPDX-License-Identifier: ISC */
/*
 * The file layer of log and database as a layer: what it has nothing to say
 * to it hands on as it is, and a file or memory that is not there is an error
 * of the call that wanted it, which leaves nothing open.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>
#include <sqlite3.h>

#include "../torture/faults.h"
#include "store/vfs.h"

#define ANSWER	77	/* of the layer below, to everything */

/* What it was asked last, and what it then says. */
static struct {
	const char	*call;
	sqlite3_file	*file;
	int		 open;		/* files */
	int		 fail_open;	/* with the file open all the same */
	int		 fail_size;
	sqlite3_int64	 size;
} under;

static int
answer(sqlite3_file *file, const char *call)
{
	under.file = file;
	under.call = call;
	return ANSWER;
}

static int
under_close(sqlite3_file *file)
{
	under.open--;
	file->pMethods = NULL;
	return SQLITE_OK;
}

static int
under_write(sqlite3_file *file, const void *bytes, int length,
    sqlite3_int64 offset)
{
	(void)answer(file, "write");
	(void)bytes;
	if (offset + length > under.size)
		under.size = offset + length;
	return SQLITE_OK;
}

static int
under_size(sqlite3_file *file, sqlite3_int64 *size)
{
	(void)answer(file, "size");
	*size = under.size;
	return under.fail_size;
}

static int
under_truncate(sqlite3_file *file, sqlite3_int64 size)
{
	return answer(file, size == 5 ? "truncate" : "");
}

static int
under_sync(sqlite3_file *file, int flags)
{
	return answer(file, flags == 5 ? "sync" : "");
}

static int
under_lock(sqlite3_file *file, int level)
{
	return answer(file, level == 5 ? "lock" : "");
}

static int
under_unlock(sqlite3_file *file, int level)
{
	return answer(file, level == 5 ? "unlock" : "");
}

static int
under_check_lock(sqlite3_file *file, int *reserved)
{
	*reserved = 5;
	return answer(file, "check lock");
}

static int
under_control(sqlite3_file *file, int operation, void *argument)
{
	return answer(file, operation == 5 && argument == &under ? "control" :
	    "");
}

static int
under_sector_size(sqlite3_file *file)
{
	return answer(file, "sector size");
}

static int
under_characteristics(sqlite3_file *file)
{
	return answer(file, "characteristics");
}

static int
under_map(sqlite3_file *file, int region, int size, int extend,
    void volatile **memory)
{
	*memory = &under;
	return answer(file, region == 5 && size == 6 && extend == 7 ? "map" :
	    "");
}

static int
under_map_lock(sqlite3_file *file, int offset, int count, int flags)
{
	return answer(file, offset == 5 && count == 6 && flags == 7 ?
	    "map lock" : "");
}

static void
under_map_barrier(sqlite3_file *file)
{
	(void)answer(file, "map barrier");
}

static int
under_unmap(sqlite3_file *file, int remove)
{
	return answer(file, remove == 5 ? "unmap" : "");
}

static const sqlite3_io_methods under_methods = {
	.iVersion = 2, .xClose = under_close, .xWrite = under_write,
	.xTruncate = under_truncate, .xSync = under_sync,
	.xFileSize = under_size, .xLock = under_lock,
	.xUnlock = under_unlock, .xCheckReservedLock = under_check_lock,
	.xFileControl = under_control, .xSectorSize = under_sector_size,
	.xDeviceCharacteristics = under_characteristics,
	.xShmMap = under_map, .xShmLock = under_map_lock,
	.xShmBarrier = under_map_barrier, .xShmUnmap = under_unmap,
};

static int
under_open(sqlite3_vfs *vfs, const char *name, sqlite3_file *file, int flags,
    int *flags_out)
{
	(void)vfs;
	(void)flags;
	(void)flags_out;
	if (name == NULL)
		return SQLITE_CANTOPEN;
	under.open++;
	file->pMethods = &under_methods;
	return under.fail_open;
}

static union {
	sqlite3_file	 file;
	uint64_t	 room[64];
} memory;

static int
try_to_open(int kind, const char *name)
{
	sqlite3_vfs	*vfs = sqlite3_vfs_find(VFS_NAME);

	assert_non_null(vfs);
	assert_true((size_t)vfs->szOsFile <= sizeof(memory));
	memset(&memory, 0, sizeof(memory));
	return vfs->xOpen(vfs, name, &memory.file,
	    kind | SQLITE_OPEN_READWRITE, NULL);
}

static sqlite3_file *
open_one(int kind)
{
	memset(&under, 0, sizeof(under));
	assert_int_equal(try_to_open(kind, "x"), SQLITE_OK);
	assert_int_equal(under.open, 1);
	return &memory.file;
}

/* Its answer came through, and it was asked this of its own file. */
static void
was_asked(int result, const char *call)
{
	assert_int_equal(result, ANSWER);
	assert_string_equal(under.call, call);
	assert_ptr_equal(under.file->pMethods, &under_methods);
	under.call = "";
}

static void
both_hand_on(int kind)
{
	sqlite3_file	*file = open_one(kind);
	const sqlite3_io_methods *methods = file->pMethods;
	int		 reserved;

	was_asked(methods->xLock(file, 5), "lock");
	was_asked(methods->xUnlock(file, 5), "unlock");
	was_asked(methods->xCheckReservedLock(file, &reserved), "check lock");
	assert_int_equal(reserved, 5);
	was_asked(methods->xFileControl(file, 5, &under), "control");
	was_asked(methods->xSectorSize(file), "sector size");
	was_asked(methods->xDeviceCharacteristics(file), "characteristics");
	was_asked(methods->xTruncate(file, 5), "truncate");
	was_asked(methods->xSync(file, 5), "sync");
	assert_int_equal(methods->xClose(file), SQLITE_OK);
	assert_int_equal(under.open, 0);
}

static void
a_log_hands_on(void **state)
{
	(void)state;
	both_hand_on(SQLITE_OPEN_WAL);
}

static void
a_database_hands_on(void **state)
{
	sqlite3_file	*file;
	const sqlite3_io_methods *methods;
	void volatile	*region = NULL;

	(void)state;
	both_hand_on(SQLITE_OPEN_MAIN_DB);
	file = open_one(SQLITE_OPEN_MAIN_DB);
	methods = file->pMethods;
	was_asked(methods->xShmMap(file, 5, 6, 7, &region), "map");
	assert_ptr_equal(region, &under);
	was_asked(methods->xShmLock(file, 5, 6, 7), "map lock");
	was_asked(methods->xShmUnmap(file, 5), "unmap");
	methods->xShmBarrier(file);
	was_asked(ANSWER, "map barrier");
	assert_int_equal(methods->xClose(file), SQLITE_OK);
}

/* Whoever is told that it is not open does not close it. */
static void
nothing_stays_open(void **state)
{
	static const int	 kinds[] = {
		SQLITE_OPEN_WAL, SQLITE_OPEN_MAIN_DB,
	};

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		memset(&under, 0, sizeof(under));
		assert_int_equal(try_to_open(kinds[i], NULL),
		    SQLITE_CANTOPEN);
		assert_null(memory.file.pMethods);
		under.fail_open = SQLITE_IOERR;
		assert_int_equal(try_to_open(kinds[i], "x"), SQLITE_IOERR);
		assert_null(memory.file.pMethods);
		assert_int_equal(under.open, 0);
	}
	under.fail_open = SQLITE_OK;
	under.fail_size = SQLITE_IOERR_FSTAT;
	assert_int_equal(try_to_open(SQLITE_OPEN_MAIN_DB, "x"),
	    SQLITE_IOERR_FSTAT);
	assert_null(memory.file.pMethods);
	assert_int_equal(under.open, 0);
}

/* Without memory to gather in it is written as it comes; a log that cannot be
 * overwritten is not cut off. */
static void
a_log_without_memory(void **state)
{
	sqlite3_file	*log = open_one(SQLITE_OPEN_WAL);

	(void)state;
	faults_arm(FAULTS_MEMORY, 1, true);
	assert_int_equal(log->pMethods->xWrite(log, "secret", 6, 0),
	    SQLITE_OK);
	assert_string_equal(under.call, "write");
	assert_int_equal(log->pMethods->xTruncate(log, 0),
	    SQLITE_IOERR_NOMEM);
	assert_string_not_equal(under.call, "truncate");
	assert_true(faults_disarm());
	assert_int_equal(log->pMethods->xClose(log), SQLITE_OK);
}

static int
register_layers(void **state)
{
	static sqlite3_vfs	 below;

	(void)state;
	if (sqlite3_initialize() != SQLITE_OK)
		return -1;
	below = *sqlite3_vfs_find(NULL);
	below.pNext = NULL;
	below.zName = "below";
	below.xOpen = under_open;
	if (sqlite3_vfs_register(&below, 1) != SQLITE_OK)
		return -1;
	faults_arm(FAULTS_MEMORY, 1, true);
	if (vfs_register() != -1 || !faults_disarm() ||
	    sqlite3_vfs_find(VFS_NAME) != NULL)
		return -1;
	return vfs_register();
}

int
main(void)
{
	const struct CMUnitTest	 tests[] = {
		cmocka_unit_test(a_log_hands_on),
		cmocka_unit_test(a_database_hands_on),
		cmocka_unit_test(nothing_stays_open),
		cmocka_unit_test(a_log_without_memory),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, register_layers, NULL);
}

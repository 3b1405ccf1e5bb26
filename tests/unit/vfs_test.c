/* SPDX-License-Identifier: ISC */
/*
 * The file layer of log and database over one that writes down what it is
 * asked for: what is gathered, in which order it is handed on, what is said
 * after a piece was lost; what is overwritten of a log before it is cut off,
 * and what of a page.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>
#include <sqlite3.h>

#include "store/vfs.h"

#define DISK_BYTES	(1 << 20)
#define PAGE		4096

/* What the layer below was asked for, and what it holds. */
static struct {
	char	 calls[4096];	/* "w24@0 s " … */
	char	 disk[DISK_BYTES];
	int	 fail;		/* what the next writes return */
	int	 fail_read;	/* likewise */
	int	 denied;	/* so many fail that were made */
	int	 syncs;		/* so many succeed, if any is to fail */
	int	 fail_sync;	/* what those behind them return */
} under;

/* How large a file is said to be. */
static sqlite3_int64 under_bytes;

static void under_note(const char *, ...)
	    __attribute__((format(printf, 1, 2)));

static void
under_note(const char *format, ...)
{
	size_t	 used = strlen(under.calls);
	va_list	 arguments;

	va_start(arguments, format);
	(void)vsnprintf(under.calls + used, sizeof(under.calls) - used, format,
	    arguments);
	va_end(arguments);
}

static int
under_close(sqlite3_file *file)
{
	(void)file;
	under_note("c ");
	return SQLITE_OK;
}

static int
under_read(sqlite3_file *file, void *bytes, int length, sqlite3_int64 offset)
{
	(void)file;
	under_note("r%d@%lld ", length, offset);
	memcpy(bytes, under.disk + offset, (size_t)length);
	return under.fail_read;
}

static int
under_write(sqlite3_file *file, const void *bytes, int length,
    sqlite3_int64 offset)
{
	(void)file;
	under_note("w%d@%lld ", length, offset);
	if (under.fail != SQLITE_OK)
		return under.fail;
	memcpy(under.disk + offset, bytes, (size_t)length);
	return under.denied-- > 0 ? SQLITE_FULL : SQLITE_OK;
}

static int
under_truncate(sqlite3_file *file, sqlite3_int64 size)
{
	(void)file;
	under_note("t%lld ", size);
	return SQLITE_OK;
}

static int
under_sync(sqlite3_file *file, int flags)
{
	(void)file;
	(void)flags;
	under_note("s ");
	return under.syncs-- > 0 ? SQLITE_OK : under.fail_sync;
}

static int
under_size(sqlite3_file *file, sqlite3_int64 *size)
{
	(void)file;
	under_note("z ");
	*size = under_bytes;
	return SQLITE_OK;
}

static const sqlite3_io_methods under_methods = {
	.iVersion = 1, .xClose = under_close, .xRead = under_read,
	.xWrite = under_write, .xTruncate = under_truncate,
	.xSync = under_sync, .xFileSize = under_size,
};

static int
under_open(sqlite3_vfs *vfs, const char *name, sqlite3_file *file, int flags,
    int *flags_out)
{
	(void)vfs;
	(void)name;
	(void)flags;
	(void)flags_out;
	file->pMethods = &under_methods;
	return SQLITE_OK;
}

/* The layer as SQLite finds it, with a file of this kind open. */
static sqlite3_file *
open_one(int kind)
{
	static union {
		sqlite3_file	 file;
		uint64_t	 room[64];
	} memory;
	sqlite3_vfs	*vfs = sqlite3_vfs_find(VFS_NAME);

	assert_non_null(vfs);
	assert_true((size_t)vfs->szOsFile <= sizeof(memory));
	memset(&under, 0, sizeof(under));
	memset(&memory, 0, sizeof(memory));
	assert_int_equal(vfs->xOpen(vfs, "x", &memory.file,
	    kind | SQLITE_OPEN_READWRITE, NULL), SQLITE_OK);
	return &memory.file;
}

static int
put(sqlite3_file *file, char byte, int length, sqlite3_int64 offset)
{
	static char	 bytes[256 * 1024];

	memset(bytes, byte, (size_t)length);
	return file->pMethods->xWrite(file, bytes, length, offset);
}

static void
calls_are(const char *expected)
{
	assert_string_equal(under.calls, expected);
	under.calls[0] = '\0';
}

static void
test_a_commit_is_one_write(void **state)
{
	sqlite3_file	*log = open_one(SQLITE_OPEN_WAL);

	(void)state;
	for (int frame = 0; frame < 3; frame++) {
		assert_int_equal(put(log, 'h', 24, frame * (24 + PAGE)), 0);
		assert_int_equal(put(log, 'p', PAGE,
		    frame * (24 + PAGE) + 24), 0);
	}
	calls_are("");
	assert_int_equal(log->pMethods->xSync(log, SQLITE_SYNC_NORMAL), 0);
	calls_are("w12360@0 s ");
	assert_memory_equal(under.disk + PAGE, "pppppppppppppppppppppppphhhh",
	    28);
	assert_int_equal(log->pMethods->xClose(log), 0);
	calls_are("c ");
}

static void
test_nothing_is_overtaken(void **state)
{
	sqlite3_file	*log = open_one(SQLITE_OPEN_WAL);
	sqlite3_int64	 size;
	char		 bytes[8];

	(void)state;
	assert_int_equal(put(log, 'a', 8, 0), 0);
	assert_int_equal(put(log, 'b', 8, 100), 0);
	calls_are("w8@0 ");
	assert_int_equal(log->pMethods->xRead(log, bytes, 8, 100), 0);
	assert_memory_equal(bytes, "bbbbbbbb", 8);
	calls_are("w8@100 r8@100 ");
	assert_int_equal(put(log, 'c', 8, 108), 0);
	assert_int_equal(log->pMethods->xFileSize(log, &size), 0);
	calls_are("w8@108 z ");
	assert_int_equal(put(log, 'd', 8, 116), 0);
	assert_int_equal(log->pMethods->xTruncate(log, 0), 0);
	calls_are("w8@116 z t0 ");
	assert_int_equal(put(log, 'e', 8, 0), 0);
	assert_int_equal(put(log, 'f', 200 * 1024, 8), 0);
	calls_are("w8@0 w204800@8 ");
	assert_int_equal(log->pMethods->xClose(log), 0);
	calls_are("c ");
}

/* What no commit synced is nobody's any more. */
static void
test_what_was_rolled_back_is_forgotten(void **state)
{
	sqlite3_file	*log = open_one(SQLITE_OPEN_WAL);
	char		 bytes[8];

	(void)state;
	assert_int_equal(put(log, 'a', 8, 0), 0);
	vfs_forget(log);
	assert_int_equal(log->pMethods->xRead(log, bytes, 8, 0), 0);
	calls_are("r8@0 ");
	assert_int_equal(put(log, 'b', 8, 0), 0);
	assert_int_equal(log->pMethods->xClose(log), 0);
	calls_are("c ");
}

static void
test_more_than_fits(void **state)
{
	sqlite3_file	*log = open_one(SQLITE_OPEN_WAL);

	(void)state;
	for (int i = 0; i < 40; i++)
		assert_int_equal(put(log, 'x', PAGE, i * PAGE), 0);
	calls_are("w126976@0 ");
	assert_int_equal(log->pMethods->xSync(log, SQLITE_SYNC_NORMAL), 0);
	calls_are("w36864@126976 s ");
	assert_int_equal(log->pMethods->xClose(log), 0);
}

static void
test_what_is_lost_is_told(void **state)
{
	sqlite3_file	*log = open_one(SQLITE_OPEN_WAL);
	char		 bytes[8];

	(void)state;
	assert_int_equal(put(log, 'a', 8, 0), 0);
	assert_int_equal(log->pMethods->xSync(log, SQLITE_SYNC_NORMAL), 0);
	assert_int_equal(put(log, 'b', 8, 8), 0);
	under.fail = SQLITE_FULL;
	assert_int_equal(log->pMethods->xSync(log, SQLITE_SYNC_NORMAL),
	    SQLITE_FULL);
	under.fail = SQLITE_OK;
	calls_are("w8@0 s w8@8 w8@8 ");

	/* Before the gap all is well; in it and behind it nothing is. */
	assert_int_equal(log->pMethods->xRead(log, bytes, 8, 0), 0);
	assert_int_equal(log->pMethods->xRead(log, bytes, 8, 8), SQLITE_FULL);
	assert_int_equal(log->pMethods->xRead(log, bytes, 8, 4), SQLITE_FULL);
	assert_int_equal(put(log, 'c', 8, 16), SQLITE_FULL);
	calls_are("r8@0 ");

	/* Written anew it is whole again. */
	assert_int_equal(put(log, 'd', 8, 8), 0);
	assert_int_equal(put(log, 'e', 8, 16), 0);
	assert_int_equal(log->pMethods->xRead(log, bytes, 8, 8), 0);
	calls_are("w16@8 r8@8 ");
	assert_memory_equal(bytes, "dddddddd", 8);
	assert_int_equal(log->pMethods->xClose(log), 0);
}

/* SQLite goes back to pages that it wrote before in the same transaction. */
static void
test_what_is_lost_stays_lost(void **state)
{
	sqlite3_file	*log = open_one(SQLITE_OPEN_WAL);
	char		 bytes[8];

	(void)state;
	assert_int_equal(put(log, 'a', 8, 0), 0);
	assert_int_equal(log->pMethods->xSync(log, SQLITE_SYNC_NORMAL), 0);
	assert_int_equal(put(log, 'b', 16, 8), 0);
	under.fail = SQLITE_FULL;
	assert_int_equal(log->pMethods->xSync(log, SQLITE_SYNC_NORMAL),
	    SQLITE_FULL);
	under.fail = SQLITE_OK;
	assert_int_equal(put(log, 'c', 8, 0), 0);
	assert_int_equal(put(log, 'd', 8, 24), SQLITE_FULL);
	assert_int_equal(log->pMethods->xRead(log, bytes, 8, 8), SQLITE_FULL);
	calls_are("w8@0 s w16@8 w16@8 w8@0 ");

	/* Half of it is half of it. */
	assert_int_equal(put(log, 'e', 12, 4), 0);
	assert_int_equal(log->pMethods->xRead(log, bytes, 8, 8), 0);
	assert_memory_equal(bytes, "eeeeeeee", 8);
	assert_int_equal(log->pMethods->xRead(log, bytes, 8, 9), SQLITE_FULL);
	assert_int_equal(put(log, 'f', 8, 24), SQLITE_FULL);
	calls_are("w12@4 r8@8 ");
	assert_int_equal(put(log, 'g', 8, 16), 0);
	assert_int_equal(put(log, 'h', 8, 24), 0);
	assert_int_equal(log->pMethods->xSync(log, SQLITE_SYNC_NORMAL), 0);
	calls_are("w16@16 s ");

	/* What was there and is written anew is lost as well. */
	assert_int_equal(put(log, 'i', 8, 4), 0);
	under.fail = SQLITE_FULL;
	assert_int_equal(log->pMethods->xRead(log, bytes, 4, 0), SQLITE_FULL);
	under.fail = SQLITE_OK;
	assert_int_equal(put(log, 'j', 8, 32), SQLITE_FULL);
	assert_int_equal(put(log, 'k', 200 * 1024, 5), SQLITE_FULL);
	calls_are("w8@4 w8@4 ");
	under.fail = SQLITE_FULL;
	assert_int_equal(put(log, 'k', 200 * 1024, 2), SQLITE_FULL);
	under.fail = SQLITE_OK;
	assert_int_equal(put(log, 'l', 8, 4), SQLITE_FULL);
	calls_are("w204800@2 w24@2 ");
	vfs_forget(log);
	assert_int_equal(put(log, 'm', 8, 32), 0);
	assert_int_equal(log->pMethods->xClose(log), 0);
}

/* A read that failed is not damage, which SQLite would make of it. */
static void
test_a_disk_that_cannot_be_read(void **state)
{
	static const int	 kinds[] = {
		SQLITE_OPEN_WAL, SQLITE_OPEN_MAIN_DB,
	};
	static const int	 codes[][2] = {
		{ SQLITE_IOERR_CORRUPTFS, SQLITE_IOERR_READ },
		{ SQLITE_IOERR_READ, SQLITE_IOERR_READ },
		{ SQLITE_IOERR_SHORT_READ, SQLITE_IOERR_SHORT_READ },
		{ SQLITE_CORRUPT, SQLITE_CORRUPT },
	};
	sqlite3_file		*file;
	char			 bytes[8];

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		file = open_one(kinds[i]);
		for (size_t j = 0; j < sizeof(codes) / sizeof(codes[0]); j++) {
			under.fail_read = codes[j][0];
			assert_int_equal(file->pMethods->xRead(file, bytes, 8,
			    0), codes[j][1]);
		}
		assert_int_equal(file->pMethods->xClose(file), SQLITE_OK);
	}
}

/* And is not found by whoever recovers the log. */
static void
test_what_is_lost_is_not_there(void **state)
{
	sqlite3_file	*log = open_one(SQLITE_OPEN_WAL);
	char		 spoiled[24];

	(void)state;
	memset(spoiled, (char)~'b', sizeof(spoiled));
	assert_int_equal(put(log, 'a', 8, 0), 0);
	assert_int_equal(log->pMethods->xSync(log, SQLITE_SYNC_NORMAL), 0);
	assert_int_equal(put(log, 'b', 100, 8), 0);
	under.denied = 1;
	assert_int_equal(log->pMethods->xSync(log, SQLITE_SYNC_NORMAL),
	    SQLITE_FULL);
	calls_are("w8@0 s w100@8 w24@8 ");
	assert_memory_equal(under.disk, "aaaaaaaa", 8);
	assert_memory_equal(under.disk + 8, spoiled, sizeof(spoiled));
	under.denied = 1;
	assert_int_equal(put(log, 'b', 200 * 1024, 8), SQLITE_FULL);
	calls_are("w204800@8 w24@8 ");
	assert_memory_equal(under.disk + 8, spoiled, sizeof(spoiled));

	/* Once the lock was let go it is another's place. */
	under.denied = 1;
	assert_int_equal(put(log, 'c', 8, 8), 0);
	assert_int_equal(log->pMethods->xSync(log, SQLITE_SYNC_NORMAL),
	    SQLITE_FULL);
	vfs_forget(log);
	calls_are("w8@8 w8@8 ");
	assert_int_equal(put(log, 'd', 8, 16), 0);
	assert_int_equal(log->pMethods->xSync(log, SQLITE_SYNC_NORMAL), 0);
	calls_are("w8@16 s ");
	assert_int_equal(log->pMethods->xClose(log), 0);
}

static int
cut_off(sqlite3_file *log, sqlite3_int64 bytes, sqlite3_int64 left)
{
	int	 result;

	memset(under.disk, 'x', sizeof(under.disk));
	under_bytes = bytes;
	result = log->pMethods->xTruncate(log, left);
	under_bytes = 0;
	return result;
}

/* The header first, and on the disk before the rest begins. */
static void
test_a_log_is_overwritten(void **state)
{
	static const struct {
		sqlite3_int64	 bytes;
		const char	*calls;
	} logs[] = {
		{ 0, "z t0 " },
		{ 100, "z w100@0 s t0 " },
		{ 512, "z w512@0 s t0 " },
		{ 513, "z w512@0 s w1@512 s t0 " },
		{ 126976, "z w512@0 s w126464@512 s t0 " },
		{ 300000, "z w512@0 s w126464@512 w126976@126976 "
		    "w46048@253952 s t0 " },
	};
	sqlite3_file	*log = open_one(SQLITE_OPEN_WAL);

	(void)state;
	for (size_t i = 0; i < sizeof(logs) / sizeof(logs[0]); i++) {
		assert_int_equal(put(log, 'a', 8, 0), 0);
		assert_int_equal(log->pMethods->xSync(log,
		    SQLITE_SYNC_NORMAL), 0);
		calls_are("w8@0 s ");
		assert_int_equal(cut_off(log, logs[i].bytes, 0), 0);
		calls_are(logs[i].calls);
		for (size_t at = 0; at < sizeof(under.disk); at++)
			if (under.disk[at] != ((sqlite3_int64)at <
			    logs[i].bytes ? 0 : 'x'))
				fail_msg("byte %zu of %lld", at,
				    logs[i].bytes);
	}
	/* SQLite asks for no other size. */
	assert_int_equal(cut_off(log, 8192, 4096), 0);
	calls_are("t4096 ");
	assert_int_equal(log->pMethods->xClose(log), 0);
}

/* What could not be overwritten is not given back. */
static void
test_a_log_that_cannot_be_overwritten(void **state)
{
	sqlite3_file	*log = open_one(SQLITE_OPEN_WAL);

	(void)state;
	under.fail = SQLITE_FULL;
	assert_int_equal(cut_off(log, 8192, 0), SQLITE_FULL);
	calls_are("z w512@0 ");
	under.fail = SQLITE_OK;
	under.fail_sync = SQLITE_IOERR_FSYNC;
	under.syncs = 0;
	assert_int_equal(cut_off(log, 8192, 0), SQLITE_IOERR_FSYNC);
	calls_are("z w512@0 s ");
	under.syncs = 1;
	assert_int_equal(cut_off(log, 8192, 0), SQLITE_IOERR_FSYNC);
	calls_are("z w512@0 s w7680@512 s ");
	under.syncs = 2;
	assert_int_equal(cut_off(log, 8192, 0), SQLITE_OK);
	calls_are("z w512@0 s w7680@512 s t0 ");
	assert_int_equal(log->pMethods->xClose(log), 0);
}

static void
test_others_stay_as_they_are(void **state)
{
	sqlite3_file	*file = open_one(SQLITE_OPEN_TEMP_DB);

	(void)state;
	assert_ptr_equal(file->pMethods, &under_methods);
}

/* A page as it comes to the database, and where it may have been cleared. */
static void
write_stray(sqlite3_file *file, int kind, int cells, int content,
    sqlite3_int64 number, int from, int to, int stray)
{
	uint8_t		 page[PAGE], *disk;
	int		 header = number == 0 ? 100 : 0, pointers;

	memset(page, 0xaa, sizeof(page));
	page[header] = (uint8_t)kind;
	page[header + 3] = (uint8_t)(cells >> 8);
	page[header + 4] = (uint8_t)cells;
	page[header + 5] = (uint8_t)(content >> 8);
	page[header + 6] = (uint8_t)content;
	page[header + 1] = page[header + 2] = 0;
	/* Every cell where the content begins, or where the test says. */
	pointers = header + (kind == 0x0d || kind == 0x0a ? 8 : 12);
	for (int i = 0; i < cells && pointers + 2 * i < PAGE; i++) {
		page[pointers + 2 * i] = (uint8_t)(content >> 8);
		page[pointers + 2 * i + 1] = (uint8_t)content;
	}
	if (stray != 0) {
		page[stray] = 0;
		page[stray + 1] = 200;
	}
	assert_int_equal(file->pMethods->xWrite(file, page, PAGE,
	    number * PAGE), SQLITE_OK);
	disk = (uint8_t *)under.disk + number * PAGE;
	memset(page + from, 0, (size_t)(to - from));
	assert_memory_equal(disk, page, PAGE);
}

static void
write_page(sqlite3_file *file, int kind, int cells, int content,
    sqlite3_int64 number, int from, int to)
{
	write_stray(file, kind, cells, content, number, from, to, 0);
}

static void
test_pages_are_cleared(void **state)
{
	sqlite3_file	*file = open_one(SQLITE_OPEN_MAIN_DB);

	(void)state;
	/* Leaves have a header of 8 bytes, the others of 12. */
	write_page(file, 0x0d, 10, 3000, 1, 28, 3000);
	write_page(file, 0x0a, 300, 4000, 2, 608, 4000);
	write_page(file, 0x05, 0, 4096, 3, 12, 4096);
	write_page(file, 0x02, 1, 14, 4, 0, 0);
	write_page(file, 0x02, 1, 15, 4, 14, 15);
	write_page(file, 0x0d, 1, 2000, 0, 110, 2000);
	/* What cannot be is not touched, nor is what is no page of a tree. */
	write_page(file, 0x0d, 10, 20, 5, 0, 0);
	write_page(file, 0x0d, 10, 5000, 5, 0, 0);
	write_page(file, 0x0d, 10, 4094, 5, 0, 0);
	write_page(file, 0x0d, 60000, 3000, 5, 0, 0);
	write_page(file, 0x0d, 0, 3000, 5, 0, 0);
	write_page(file, 0x0d, 10, 0, 5, 0, 0);
	write_page(file, 0x00, 10, 3000, 5, 0, 0);
	write_page(file, 0x01, 10, 3000, 5, 0, 0);
	write_page(file, 0x0c, 10, 3000, 5, 0, 0);
	/* A cell in the gap, and a free block. */
	write_stray(file, 0x0d, 10, 3000, 5, 0, 0, 8 + 2 * 9);
	write_stray(file, 0x0d, 10, 3000, 5, 0, 0, 1);
	assert_int_equal(file->pMethods->xClose(file), SQLITE_OK);
}

/* Beyond that size another page may begin like one of a tree. */
static void
test_pages_of_very_large_files(void **state)
{
	sqlite3_file	*file;

	(void)state;
	under_bytes = ((sqlite3_int64)PAGE << 23) + 1;
	file = open_one(SQLITE_OPEN_MAIN_DB);
	under_bytes = 0;
	write_page(file, 0x0d, 10, 3000, 1, 0, 0);
	assert_int_equal(file->pMethods->xClose(file), SQLITE_OK);
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
	return vfs_register() == 0 && vfs_register() == 0 ? 0 : -1;
}

int
main(void)
{
	const struct CMUnitTest	 tests[] = {
		cmocka_unit_test(test_a_commit_is_one_write),
		cmocka_unit_test(test_nothing_is_overtaken),
		cmocka_unit_test(test_what_was_rolled_back_is_forgotten),
		cmocka_unit_test(test_more_than_fits),
		cmocka_unit_test(test_what_is_lost_is_told),
		cmocka_unit_test(test_what_is_lost_stays_lost),
		cmocka_unit_test(test_a_disk_that_cannot_be_read),
		cmocka_unit_test(test_what_is_lost_is_not_there),
		cmocka_unit_test(test_a_log_is_overwritten),
		cmocka_unit_test(test_a_log_that_cannot_be_overwritten),
		cmocka_unit_test(test_others_stay_as_they_are),
		cmocka_unit_test(test_pages_are_cleared),
		cmocka_unit_test(test_pages_of_very_large_files),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, register_layers, NULL);
}

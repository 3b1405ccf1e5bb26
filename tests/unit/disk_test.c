/* SPDX-License-Identifier: ISC */

/*
 * What the disk does not do: take a write, or keep it.  The full disk is a
 * small tmpfs in a mount namespace of this process; the sync that fails is
 * made between SQLite and the file.
 */
#include <sys/mount.h>
#include <sys/stat.h>

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <semaphore.h>
#include <setjmp.h>
#include <sqlite3.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/complaint.h"
#include "stores.h"

#define BIG 20000

static bool	 may_mount;

/* Between SQLite and the log: counts what is synced, and lets syncs fail; and
 * says of writes that there was no room, which were made all the same. */
static struct {
	sqlite3_vfs		 vfs;
	int			 (*open)(sqlite3_vfs *, const char *,
				    sqlite3_file *, int, int *);
	int			 (*sync)(sqlite3_file *, int);
	int			 (*write)(sqlite3_file *, const void *, int,
				    sqlite3_int64);
	int			 (*map)(sqlite3_file *, int, int, int,
				    void volatile **);
	sqlite3_io_methods	 methods, main_methods;
	unsigned int		 syncs;
	unsigned int		 failures;	/* still to come */
	unsigned int		 denials;	/* likewise */
	sem_t			 denied;	/* once for each */
	unsigned int		 quotas;	/* of a user, that deny */
	bool			 no_index;	/* it cannot grow */
} shim;

static int
shim_sync(sqlite3_file *file, int flags)
{
	shim.syncs++;
	if (shim.failures > 0) {
		shim.failures--;
		return SQLITE_IOERR_FSYNC;
	}
	return shim.sync(file, flags);
}

static int
shim_write(sqlite3_file *file, const void *bytes, int size,
    sqlite3_int64 offset)
{
	int	 code;

	if (shim.quotas > 0) {
		shim.quotas--;
		errno = EDQUOT;
		return SQLITE_IOERR_WRITE;
	}
	code = shim.write(file, bytes, size, offset);
	if (shim.denials == 0)
		return code;
	shim.denials--;
	sem_post(&shim.denied);
	return SQLITE_FULL;
}

static int
shim_last_error(sqlite3_vfs *vfs, int size, char *text)
{
	(void)vfs;
	(void)size;
	(void)text;
	return ENOSPC;
}

/* The index of a log beyond its first 4,062 pages. */
static int
shim_map(sqlite3_file *file, int region, int size, int extend,
    void volatile **memory)
{
	if (!shim.no_index || region == 0)
		return shim.map(file, region, size, extend, memory);
	*memory = NULL;
	return SQLITE_IOERR_SHMSIZE;
}

static int
shim_open(sqlite3_vfs *vfs, const char *name, sqlite3_file *file, int flags,
    int *out)
{
	int	 code = shim.open(vfs, name, file, flags, out);

	if (code == SQLITE_OK && (flags & SQLITE_OPEN_WAL) != 0) {
		shim.methods = *file->pMethods;
		shim.sync = shim.methods.xSync;
		shim.methods.xSync = shim_sync;
		shim.write = shim.methods.xWrite;
		shim.methods.xWrite = shim_write;
		file->pMethods = &shim.methods;
	}
	if (code == SQLITE_OK && (flags & SQLITE_OPEN_MAIN_DB) != 0) {
		shim.main_methods = *file->pMethods;
		shim.map = shim.main_methods.xShmMap;
		shim.main_methods.xShmMap = shim_map;
		file->pMethods = &shim.main_methods;
	}
	return code;
}

static void
shim_register(void)
{
	sqlite3_vfs	*vfs = sqlite3_vfs_find(NULL);

	assert_non_null(vfs);
	assert_int_equal(sem_init(&shim.denied, 0, 0), 0);
	shim.vfs = *vfs;
	shim.open = vfs->xOpen;
	shim.vfs.zName = "shim";
	shim.vfs.xOpen = shim_open;
	shim.vfs.xGetLastError = shim_last_error;
	assert_int_equal(sqlite3_vfs_register(&shim.vfs, 1), SQLITE_OK);
}

static void
test_every_commit_is_synced(void **state)
{
	char			*directory = stores_make();
	struct store_options	 options = stores_options(directory);
	struct store		*store = stores_open(&options);
	unsigned int		 before;

	(void)state;
	for (uint64_t i = 1; i <= 5; i++) {
		struct stores_work work = { .number = i, .bytes = 100 };

		before = shim.syncs;
		assert_int_equal(store_update(store, stores_insert, &work), 0);
		assert_true(shim.syncs > before);
	}
	store_close(store);
	stores_remove(directory);
}

/* As after a crash: the database and its log, without the shared memory. */
static char *
copy_of(const char *directory)
{
	static const char *const names[] = {
		"oncelink.db", "oncelink.db-wal",
	};
	char	*copy = stores_directory(), *from, *to, *bytes;
	FILE	*in, *out;
	size_t	 size;

	for (size_t i = 0; i < 2; i++) {
		from = stores_path(directory, names[i]);
		to = stores_path(copy, names[i]);
		size = (size_t)stores_size(directory, names[i]);
		bytes = malloc(size + 1);
		assert_non_null(bytes);
		in = fopen(from, "r");
		assert_non_null(in);
		assert_int_equal(fread(bytes, 1, size, in), size);
		fclose(in);
		out = fopen(to, "w");
		assert_non_null(out);
		assert_int_equal(fchmod(fileno(out), 0600), 0);
		assert_int_equal(fwrite(bytes, 1, size, out), size);
		fclose(out);
		free(bytes);
		free(from);
		free(to);
	}
	return copy;
}

static void
assert_only(const char *directory, bool first, bool second)
{
	struct store_options	 options = stores_options(directory);
	struct store		*store = stores_open(&options);

	assert_int_equal(stores_has(store, 1), first);
	assert_int_equal(stores_has(store, 2), second);
	store_close(store);
}

/* In the one process there is, whose next connection recovers the log. */
static void
sync_fails(unsigned int failures)
{
	char			*directory = stores_make(), *copy;
	struct store_options	 options = stores_options(directory);
	struct store		*store = stores_open(&options);
	struct stores_work	 first = { .number = 1, .bytes = BIG };
	struct stores_work	 second = { .number = 2, .bytes = BIG };

	assert_int_equal(store_update(store, stores_insert, &first), 0);
	shim.failures = failures;
	assert_int_equal(store_update(store, stores_insert, &second),
	    STORE_BUSY);
	shim.failures = 0;
	/* The process ends here ... */
	copy = copy_of(directory);
	assert_only(copy, true, false);
	stores_remove(copy);
	/* ... or ends well ... */
	store_close(store);
	assert_only(directory, true, false);
	/* ... or goes on. */
	store = stores_open(&options);
	shim.failures = failures;
	assert_int_equal(store_update(store, stores_insert, &second),
	    STORE_BUSY);
	shim.failures = 0;
	assert_false(stores_has(store, 2));
	assert_true(stores_has(store, 1));
	assert_int_equal(store_update(store, stores_insert, &second), 0);
	assert_int_equal(second.outcome, 0);
	assert_true(stores_has(store, 2));
	store_close(store);
	assert_only(directory, true, true);
	stores_remove(directory);
}

static void
test_sync_fails_once(void **state)
{
	(void)state;
	sync_fails(1);
}

static void
test_sync_fails_for_long(void **state)
{
	(void)state;
	sync_fails(1000);
}

/* A process that once met a full disk goes on, whatever another one wrote
 * meanwhile to the place in the log that it could not write to. */
static void
test_full_once_beside_another(void **state)
{
	char			*directory = stores_make();
	struct store_options	 options = stores_options(directory);
	struct store		*one = stores_open(&options);
	struct store		*other = stores_open(&options);
	struct stores_work	 work = { .number = 1, .bytes = 100 };

	(void)state;
	assert_int_equal(store_update(one, stores_insert, &work), 0);
	work.number = 2;
	shim.denials = 1;
	assert_int_equal(store_update(one, stores_insert, &work), STORE_FULL);
	assert_int_equal(shim.denials, 0);
	for (work.number = 3; work.number <= 6; work.number++)
		assert_int_equal(store_update(work.number < 5 ? other : one,
		    stores_insert, &work), 0);
	assert_int_equal(store_checkpoint(one), 0);
	for (uint64_t i = 1; i <= 6; i++)
		assert_int_equal(stores_has(one, i), i != 2);
	store_close(one);
	store_close(other);
	stores_remove(directory);
}

/* Somebody else recovers the log. */
static void
test_full_and_killed(void **state)
{
	char			*directory = stores_make(), *copy;
	struct store_options	 options = stores_options(directory);
	struct store		*store = stores_open(&options);
	struct stores_work	 work = { .number = 1, .bytes = BIG };

	(void)state;
	assert_int_equal(store_update(store, stores_insert, &work), 0);
	work.number = 2;
	shim.denials = 1;
	assert_int_equal(store_update(store, stores_insert, &work),
	    STORE_FULL);
	copy = copy_of(directory);
	assert_only(copy, true, false);
	stores_remove(copy);
	store_close(store);
	stores_remove(directory);
}

/* On a full disk the time that a worker writes down waits; what deletes are to
 * have stays theirs. */
static void
test_time_leaves_the_ballast(void **state)
{
	char			*directory = stores_make();
	struct store_options	 options = stores_options(directory);
	struct store		*store;
	struct timespec		 until;

	(void)state;
	options.mark_interval = 10;
	store = stores_open(&options);
	store_ballast(store);
	while (sem_trywait(&shim.denied) == 0)
		continue;
	shim.denials = 3;
	assert_int_equal(store_start(store), 0);
	clock_gettime(CLOCK_REALTIME, &until);
	until.tv_sec += STORES_PATIENCE / 1000;
	for (int i = 0; i < 3; i++)
		assert_int_equal(sem_timedwait(&shim.denied, &until), 0);
	store_close(store);
	assert_true(stores_size(directory, "ballast") > 0);
	stores_remove(directory);
}

/* SQLite knows a disk that is full, and no user who may not write more. */
static void
test_quota_of_the_user(void **state)
{
	char			*directory = stores_make();
	struct store_options	 options = stores_options(directory);
	struct store		*store = stores_open(&options);
	struct stores_work	 work = { .number = 1, .bytes = BIG };

	(void)state;
	/* And once more, to spoil what may be there. */
	shim.quotas = 2;
	assert_int_equal(store_update(store, stores_insert, &work),
	    STORE_FULL);
	assert_int_equal(shim.quotas, 0);
	assert_false(stores_has(store, 1));
	assert_int_equal(store_update(store, stores_insert, &work), 0);
	assert_true(stores_has(store, 1));
	store_close(store);
	stores_remove(directory);
}

/* Room for the log, and none for what finds its pages. */
static void
test_no_room_for_the_index(void **state)
{
	char			*directory = stores_make();
	struct store_options	 options = stores_options(directory);
	struct store		*store = stores_open(&options);
	struct stores_work	 work = { .number = 1, .bytes = 20 << 20 };

	(void)state;
	shim.no_index = true;
	assert_int_equal(store_update(store, stores_insert, &work),
	    STORE_FULL);
	shim.no_index = false;
	assert_false(stores_has(store, 1));
	work.bytes = BIG;
	assert_int_equal(store_update(store, stores_insert, &work), 0);
	assert_true(stores_has(store, 1));
	store_close(store);
	stores_remove(directory);
}

static int
insert(struct store *store, uint64_t number)
{
	struct stores_work	 work = { .number = number, .bytes = BIG };

	return store_update(store, stores_insert, &work);
}

static uint64_t
insert_until_full(struct store *store, uint64_t number)
{
	int	 result;

	while ((result = insert(store, number)) == 0)
		number++;
	assert_int_equal(result, STORE_FULL);
	return number;
}

static void
fill(const char *directory)
{
	static const char	 zeros[4096];
	char			*path = stores_path(directory, "other");
	int			 fd = open(path, O_WRONLY | O_CREAT, 0600);

	assert_true(fd != -1);
	while (write(fd, zeros, sizeof(zeros)) > 0)
		continue;
	assert_int_equal(errno, ENOSPC);
	close(fd);
	free(path);
}

static char *
mount_small(void)
{
	char	*directory = stores_directory();

	assert_int_equal(mount("tmpfs", directory, "tmpfs",
	    MS_NOSUID | MS_NODEV | MS_NOEXEC, "size=8m,mode=0700"), 0);
	return directory;
}

static void
unmount_small(char *directory)
{
	assert_int_equal(umount(directory), 0);
	stores_remove(directory);
}

static void
full_disk(bool by_others)
{
	char			*directory;
	struct store_options	 options;
	struct complaint	 error;
	struct store		*store;
	uint64_t		 number = 1, count;

	if (!may_mount) {
		skip();
		return;
	}
	directory = mount_small();
	assert_int_equal(store_create(directory, &error), 0);
	options = stores_options(directory);
	options.erase_delay = 0;
	store = stores_open(&options);
	store_ballast(store);
	assert_true(stores_size(directory, "ballast") > 4 << 20);

	if (by_others) {
		for (; number <= 40; number++)
			assert_int_equal(insert(store, number), 0);
		fill(directory);
	}
	count = insert_until_full(store, number);
	assert_true(count > 10);
	/* And again: what is full does not break anything. */
	for (int i = 0; i < 20; i++)
		assert_int_equal(insert(store, count + 1), STORE_FULL);

	for (number = 1; number < count; number++) {
		struct stores_work work = { .number = number };

		if (store_update(store, stores_erase, &work) != 0)
			fail_msg("erasing %u of %u", (unsigned int)number,
			    (unsigned int)count);
		assert_int_equal(work.outcome, 0);
	}
	assert_false(stores_holds(directory, 0));
	assert_int_equal(stores_size(directory, "ballast"), -1);
	for (number = count + 1; number < count + 50; number++)
		assert_int_equal(insert(store, number), 0);
	store_close(store);
	unmount_small(directory);
}

static void
test_disk_full_of_secrets(void **state)
{
	(void)state;
	full_disk(false);
}

static void
test_disk_full_of_other_files(void **state)
{
	(void)state;
	full_disk(true);
}

int
main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_every_commit_is_synced),
		cmocka_unit_test(test_sync_fails_once),
		cmocka_unit_test(test_sync_fails_for_long),
		cmocka_unit_test(test_full_once_beside_another),
		cmocka_unit_test(test_full_and_killed),
		cmocka_unit_test(test_time_leaves_the_ballast),
		cmocka_unit_test(test_quota_of_the_user),
		cmocka_unit_test(test_no_room_for_the_index),
		cmocka_unit_test(test_disk_full_of_secrets),
		cmocka_unit_test(test_disk_full_of_other_files),
	};

	stores_main(argc, argv);
	may_mount = unshare(CLONE_NEWNS) == 0 &&
	    mount("none", "/", "none", MS_REC | MS_PRIVATE, NULL) == 0;
	shim_register();
	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}

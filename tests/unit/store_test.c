/* SPDX-License-Identifier: ISC */

/*
 * The database as files: who may open it, what is in force, how it comes to
 * its version.
 */
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/vfs.h>

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <sqlite3.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/complaint.h"
#include "store/migrate.h"
#include "store/sqlite.h"
#include "stores.h"

#define ONCE 0x4f6e6365

/* What the file system is said to be; 0: what it is; NOTHING: it does not
 * say. */
#define NOTHING 1
static unsigned int	 file_system;

/* In the place of the C library's own. */
int
fstatfs(int fd, struct statfs *status)
{
	long	 result = syscall(SYS_fstatfs, fd, status);

	if (file_system == NOTHING) {
		errno = EIO;
		return -1;
	}
	if (result == 0 && file_system != 0)
		memcpy(&status->f_type, &(long){ (long)file_system },
		    sizeof(status->f_type));
	return (int)result;
}

static void
raw_text(sqlite3 *db, const char *sql, char text[64])
{
	sqlite3_stmt	*statement;

	assert_int_equal(sqlite3_prepare_v2(db, sql, -1, &statement, NULL),
	    SQLITE_OK);
	assert_int_equal(sqlite3_step(statement), SQLITE_ROW);
	snprintf(text, 64, "%s",
	    (const char *)sqlite3_column_text(statement, 0));
	sqlite3_finalize(statement);
}

static void
raw_run(const char *directory, const char *sql)
{
	sqlite3	*db = stores_raw(directory);

	assert_int_equal(sqlite3_exec(db, sql, NULL, NULL, NULL), SQLITE_OK);
	assert_int_equal(sqlite3_close(db), SQLITE_OK);
}

/* Of the connection that the fn is given. */
static int
look_at_settings(struct store_txn *txn, void *argument)
{
	sqlite3	*db = txn->sqlite->db;
	char	 text[64];
	int	 value;

	raw_text(db, "PRAGMA journal_mode", text);
	assert_string_equal(text, "wal");
	assert_int_equal(stores_number(db, "PRAGMA synchronous"), 2);
	assert_int_equal(stores_number(db, "PRAGMA secure_delete"), 1);
	assert_int_equal(stores_number(db, "PRAGMA temp_store"), 2);
	assert_int_equal(stores_number(db, "PRAGMA trusted_schema"), 0);
	assert_int_equal(stores_number(db, "PRAGMA cell_size_check"), 1);
	assert_int_equal(stores_number(db, "PRAGMA wal_autocheckpoint"), 0);
	assert_int_equal(stores_number(db, "PRAGMA mmap_size"), 0);
	assert_int_equal(stores_number(db, "PRAGMA page_size"),
	    SQLITE_PAGE_BYTES);
	assert_int_equal(stores_number(db, "PRAGMA application_id"), ONCE);
	assert_int_equal(stores_number(db, "PRAGMA user_version"),
	    migrate_latest());
	sqlite3_db_config(db, SQLITE_DBCONFIG_DEFENSIVE, -1, &value);
	assert_int_equal(value, 1);
	sqlite3_db_config(db, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, -1, &value);
	assert_int_equal(value, 1);
	*(int *)argument = stores_number(db, "PRAGMA query_only");
	return 0;
}

static void
test_settings(void **state)
{
	char			*directory = stores_make();
	struct store_options	 options = stores_options(directory);
	struct store		*store;
	sqlite3			*db;
	char			 text[64];
	int			 query_only;

	(void)state;
	options.max_bytes = 1 << 20;
	store = stores_open(&options);
	assert_int_equal(store_update(store, look_at_settings, &query_only),
	    0);
	assert_int_equal(query_only, 0);
	assert_int_equal(store_view(store, look_at_settings, &query_only), 0);
	assert_int_equal(query_only, 1);
	store_close(store);

	db = stores_raw(directory);
	raw_text(db, "PRAGMA journal_mode", text);
	assert_string_equal(text, "wal");
	assert_int_equal(stores_number(db, "PRAGMA application_id"), ONCE);
	assert_int_equal(stores_number(db, "PRAGMA user_version"),
	    migrate_latest());
	sqlite3_close(db);
	stores_remove(directory);
}

static int
look_at_clock(struct store_txn *txn, void *argument)
{
	store_clock(txn, argument);
	return 0;
}

/* A site that nobody visits knows how late it is. */
static void
test_time_is_written_down(void **state)
{
	char			*directory = stores_make();
	struct store_options	 options = stores_options(directory);
	struct stores_work	 work = { .number = 1, .bytes = 100 };
	struct store_clock	 first, now;
	struct store		*store;
	int64_t			 until = stores_now() + STORES_PATIENCE * 1000;

	(void)state;
	options.mark_interval = 10;
	options.erase_delay = 60000;
	store = stores_open(&options);
	assert_int_equal(store_update(store, stores_insert, &work), 0);
	assert_int_equal(store_view(store, look_at_clock, &first), 0);
	assert_true(first.latest > 0);
	assert_int_equal(store_start(store), 0);
	do {
		assert_true(stores_now() < until);
		assert_int_equal(store_view(store, look_at_clock, &now), 0);
	} while (now.latest == first.latest);
	assert_true(now.latest > first.latest);
	store_close(store);
	stores_remove(directory);
}

static void
assert_mode(const char *directory, const char *name, mode_t mode)
{
	struct stat	 status;
	char		*path = stores_path(directory, name);

	assert_int_equal(stat(path, &status), 0);
	assert_int_equal(status.st_mode & 07777, mode);
	free(path);
}

static void
test_files_are_private(void **state)
{
	char			*directory;
	struct store_options	 options;
	struct store		*store;
	struct stores_work	 work = { .number = 1, .bytes = 10 };
	mode_t			 before = umask(0);

	(void)state;
	directory = stores_make();
	options = stores_options(directory);
	store = stores_open(&options);
	assert_int_equal(store_update(store, stores_insert, &work), 0);
	store_ballast(store);
	umask(before);
	assert_mode(directory, "oncelink.db", 0600);
	assert_mode(directory, "oncelink.db-wal", 0600);
	assert_mode(directory, "oncelink.db-shm", 0600);
	assert_mode(directory, "write.lock", 0600);
	assert_mode(directory, "ballast", 0600);
	store_close(store);
	stores_remove(directory);
}

/* Neither the end of a connection nor 1,000 pages, the default of the library,
 * move the log. */
static void
test_nobody_else_checkpoints(void **state)
{
	char			*directory = stores_make();
	struct store_options	 options = stores_options(directory);
	struct store		*store = stores_open(&options);
	int64_t			 before, pages, most = 0;

	(void)state;
	assert_int_equal(store_checkpoint(store), 0);
	assert_int_equal(stores_size(directory, "oncelink.db-wal"), 0);
	before = stores_size(directory, "oncelink.db");
	for (uint64_t i = 1; i <= 100; i++) {
		struct stores_work work = { .number = i, .bytes = 10000 };

		assert_int_equal(store_update(store, stores_insert, &work), 0);
	}
	store_close(store);
	assert_true(stores_size(directory, "oncelink.db-wal") > 1000000);
	assert_int_equal(stores_size(directory, "oncelink.db"), before);

	/* It is this program that does it, once the log is large. */
	store = stores_open(&options);
	for (uint64_t i = 101; i <= 700; i++) {
		struct stores_work work = { .number = i, .bytes = 20000 };

		assert_int_equal(store_update(store, stores_insert, &work), 0);
		pages = stores_size(directory, "oncelink.db-wal") / 4120;
		if (pages > most)
			most = pages;
	}
	assert_in_range(most, 1000, 2100);
	assert_true(stores_size(directory, "oncelink.db") > 8000000);
	store_close(store);
	stores_remove(directory);
}

static void
assert_refused(const char *directory, const char *why)
{
	struct store_options	 options = stores_options(directory);
	struct complaint	 error = { "" };

	assert_null(store_open(&options, &error));
	if (strstr(error.text, why) == NULL ||
	    strstr(error.text, directory) == NULL)
		fail_msg("\"%s\" where \"%s\" was expected", error.text, why);
}

static void
test_refused_for_its_files(void **state)
{
	char	*directory = stores_make();
	char	*path = stores_path(directory, "oncelink.db");
	char	*aside = stores_path(directory, "aside");
	static const mode_t modes[] = { 0750, 0701, 0704, 0720, 0770, 0777 };

	(void)state;
	for (size_t i = 0; i < sizeof(modes) / sizeof(modes[0]); i++) {
		assert_int_equal(chmod(directory, modes[i]), 0);
		assert_refused(directory, "state directory");
	}
	assert_int_equal(chmod(directory, 0700), 0);
	assert_int_equal(chmod(path, 0640), 0);
	assert_refused(directory, "mode 640");
	assert_int_equal(chmod(path, 0602), 0);
	assert_refused(directory, "mode 602");
	assert_int_equal(chmod(path, 0600), 0);
	if (geteuid() == 0) {
		assert_int_equal(chown(path, 1, (gid_t)-1), 0);
		assert_refused(directory, "another user");
		assert_int_equal(chown(path, 0, (gid_t)-1), 0);
	}

	assert_int_equal(rename(path, aside), 0);
	assert_refused(directory, "No such file");
	assert_int_equal(symlink("aside", path), 0);
	assert_refused(directory, "not a regular file");
	assert_int_equal(unlink(path), 0);
	assert_int_equal(rename(aside, path), 0);
	store_close(stores_open(&(struct store_options){
	    .directory = directory, .lock_wait = 1000, .readers = 1 }));
	free(aside);
	free(path);
	stores_remove(directory);
	assert_refused("no-such-directory", "No such file");
}

/* By the numbers of statfs(2). */
static void
test_refused_for_its_file_system(void **state)
{
	static const unsigned int remote[] = {
		0x6969, 0x517b, 0xff534d42, 0xfe534d42, 0x5346414f,
		0x73757245, 0x564c, 0x01021997, 0x00c36400, 0x01161970,
		0x7461636f
	};
	/* ext4, XFS, btrfs, tmpfs, overlayfs, ZFS */
	static const unsigned int local[] = {
		0xef53, 0x58465342, 0x9123683e, 0x01021994, 0x794c7630,
		0x2fc12fc1
	};
	char			*directory = stores_make();
	char			*empty = stores_directory();
	struct store_options	 options = stores_options(directory);
	struct complaint	 error = { "" };

	(void)state;
	file_system = NOTHING;
	assert_refused(directory, "Input/output error");
	for (size_t i = 0; i < sizeof(remote) / sizeof(remote[0]); i++) {
		file_system = remote[i];
		assert_refused(directory, "another machine's disk");
		assert_int_equal(store_create(empty, &error), -1);
		assert_non_null(strstr(error.text, "another machine's disk"));
		assert_int_equal(stores_size(empty, "oncelink.db"), -1);
	}
	for (size_t i = 0; i < sizeof(local) / sizeof(local[0]); i++) {
		file_system = local[i];
		store_close(stores_open(&options));
	}
	file_system = 0;
	stores_remove(empty);
	stores_remove(directory);
}

/* Nobody writes without the lock. */
static void
test_refused_for_its_lock(void **state)
{
	char			*directory = stores_make();
	char			*path = stores_path(directory, "write.lock");
	struct store_options	 options = stores_options(directory);
	struct complaint	 error = { "" };
	int			 fd;

	(void)state;
	(void)unlink(path);
	assert_int_equal(mkdir(path, 0700), 0);
	assert_refused(directory, "write.lock");
	assert_int_equal(rmdir(path), 0);
	fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	assert_true(fd != -1);
	assert_int_equal(flock(fd, LOCK_EX), 0);
	options.lock_wait = 100;
	assert_null(store_open(&options, &error));
	assert_non_null(strstr(error.text, "holds the write lock"));
	assert_int_equal(close(fd), 0);
	store_close(stores_open(&options));
	free(path);
	stores_remove(directory);
}

static void
test_refused_for_its_content(void **state)
{
	char	*directory = stores_make();
	char	*path = stores_path(directory, "oncelink.db");
	char	 text[64];
	sqlite3	*db;
	FILE	*file;

	(void)state;
	raw_run(directory, "PRAGMA user_version = 1000");
	assert_refused(directory, "version 1000");
	raw_run(directory, "PRAGMA application_id = 7; "
	    "PRAGMA user_version = 1");
	assert_refused(directory, "another program");
	stores_remove(directory);
	free(path);

	/* Most programs never set either number. */
	directory = stores_directory();
	path = stores_path(directory, "oncelink.db");
	raw_run(directory, "PRAGMA journal_mode = DELETE;"
	    "CREATE TABLE theirs (a)");
	assert_int_equal(chmod(path, 0600), 0);
	assert_refused(directory, "another program");
	raw_run(directory, "PRAGMA application_id = 7");
	assert_refused(directory, "another program");
	db = stores_raw(directory);
	raw_text(db, "PRAGMA journal_mode", text);
	assert_string_equal(text, "delete");
	assert_int_equal(stores_number(db,
	    "SELECT count(*) FROM sqlite_schema"), 1);
	sqlite3_close(db);

	file = fopen(path, "w");
	assert_non_null(file);
	for (int i = 0; i < 1000; i++)
		fputs("not a database ", file);
	fclose(file);
	assert_refused(directory, "not a database");
	free(path);
	stores_remove(directory);
}

/* One of ours, with pages that the layer below does not know. */
static void
test_refused_for_its_pages(void **state)
{
	char	*directory = stores_directory();
	char	*path = stores_path(directory, "oncelink.db");
	char	 sql[100];

	(void)state;
	snprintf(sql, sizeof(sql), "PRAGMA page_size = 8192;"
	    "PRAGMA application_id = %d; CREATE TABLE one (a)", ONCE);
	raw_run(directory, sql);
	assert_int_equal(chmod(path, 0600), 0);
	assert_refused(directory, "had no effect");
	free(path);
	stores_remove(directory);
}

struct looking {
	struct store	*store;
	int		 result;
};

static int
look_again(struct store_txn *txn, void *argument)
{
	struct looking	*looking = argument;
	int		 query_only;

	(void)txn;
	looking->result = store_view(looking->store, look_at_settings,
	    &query_only);
	return 0;
}

/* Whoever finds all readers busy waits for one, and not for ever. */
static void
test_readers_are_busy(void **state)
{
	char			*directory = stores_make();
	struct store_options	 options = stores_options(directory);
	struct looking		 looking;

	(void)state;
	options.lock_wait = 50;
	for (options.readers = 1; options.readers <= 2; options.readers++) {
		looking.store = stores_open(&options);
		assert_int_equal(store_view(looking.store, look_again,
		    &looking), 0);
		assert_int_equal(looking.result, options.readers == 1 ?
		    STORE_BUSY : 0);
		assert_int_equal(store_view(looking.store, look_again,
		    &looking), 0);
		store_close(looking.store);
	}
	stores_remove(directory);
}

static int
ask_for_room(struct store_txn *txn, void *argument)
{
	(void)argument;
	return store_room(txn, SIZE_MAX / 4);
}

static void
test_any_size(void **state)
{
	char			*directory = stores_make();
	struct store_options	 options = stores_options(directory);
	struct store		*store = stores_open(&options);

	(void)state;
	assert_int_equal(options.max_bytes, 0);
	assert_int_equal(store_update(store, ask_for_room, NULL), 0);
	store_close(store);
	stores_remove(directory);
}

static void
test_create(void **state)
{
	char			*directory = stores_make();
	struct complaint	 error = { "" };

	(void)state;
	assert_int_equal(store_create(directory, &error), -1);
	assert_non_null(strstr(error.text, "File exists"));
	stores_remove(directory);
	directory = stores_directory();
	assert_int_equal(chmod(directory, 0755), 0);
	assert_int_equal(store_create(directory, &error), -1);
	assert_non_null(strstr(error.text, "others may look"));
	assert_int_equal(stores_size(directory, "oncelink.db"), -1);
	stores_remove(directory);
	assert_int_equal(store_create("no-such-directory", &error), -1);
	assert_non_null(strstr(error.text, "No such file"));
}

/* An empty file is version 0: all of sql/ in one transaction, or nothing. */
static void
test_migration(void **state)
{
	char			*directory = stores_directory();
	char			*path = stores_path(directory, "oncelink.db");
	struct store_options	 options = stores_options(directory);
	struct store		*store;
	sqlite3			*db;
	int			 fd;

	(void)state;
	fd = open(path, O_WRONLY | O_CREAT | O_EXCL, 0600);
	assert_true(fd != -1);
	close(fd);
	store = stores_open(&options);
	store_close(store);
	db = stores_raw(directory);
	assert_int_equal(stores_number(db, "PRAGMA user_version"),
	    migrate_latest());
	assert_int_equal(stores_number(db, "SELECT count(*) FROM secret"), 0);
	sqlite3_close(db);

	/* One of ours at version 0 whose second table is in the way. */
	raw_run(directory, "DROP TABLE secret; DROP TABLE record;"
	    "DROP TABLE account; DROP TABLE api_key; DROP TABLE listing;"
	    "DROP TABLE view; DROP TABLE secret_request; DROP TABLE outbox;"
	    "DROP TABLE clock; DROP TABLE quota; DROP TABLE total;"
	    "PRAGMA user_version = 0");
	assert_refused(directory, "claim");
	db = stores_raw(directory);
	assert_int_equal(stores_number(db, "PRAGMA user_version"), 0);
	assert_int_equal(stores_number(db, "SELECT count(*) FROM sqlite_schema "
	    "WHERE name IN ('secret', 'record')"), 0);
	sqlite3_close(db);
	raw_run(directory, "DROP TABLE claim");
	store_close(stores_open(&options));
	free(path);
	stores_remove(directory);
}

int
main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_settings),
		cmocka_unit_test(test_time_is_written_down),
		cmocka_unit_test(test_files_are_private),
		cmocka_unit_test(test_nobody_else_checkpoints),
		cmocka_unit_test(test_refused_for_its_files),
		cmocka_unit_test(test_refused_for_its_file_system),
		cmocka_unit_test(test_refused_for_its_lock),
		cmocka_unit_test(test_refused_for_its_content),
		cmocka_unit_test(test_refused_for_its_pages),
		cmocka_unit_test(test_readers_are_busy),
		cmocka_unit_test(test_any_size),
		cmocka_unit_test(test_create),
		cmocka_unit_test(test_migration),
	};

	stores_main(argc, argv);
	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: ISC */
/*
 * Knows what the records of the tests look like: every 16 bytes of one say
 * whose they are, so that any piece of one in a file can be told.
 */
#include <sys/stat.h>
#include <sys/wait.h>

#include <dirent.h>
#include <fcntl.h>
#include <inttypes.h>
#include <pthread.h>
#include <setjmp.h>
#include <spawn.h>
#include <sqlite3.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/complaint.h"
#include "base/filelock.h"
#include "base/log.h"
#include "stores.h"

#define PIECE		16
#define THREADS_MAX	64

extern char **environ;

static char *program;	/* what runs as its own helper, too */

char *
stores_directory(void)
{
	const char	*parent = getenv("TMPDIR");
	char		*name;

	assert_true(asprintf(&name, "%s/oncelink-store-XXXXXX",
	    parent != NULL ? parent : "/tmp") != -1);
	assert_non_null(mkdtemp(name));
	return name;
}

char *
stores_make(void)
{
	struct complaint	 error = { "" };
	char			*name = stores_directory();

	if (store_create(name, &error) != 0)
		fail_msg("%s", error.text);
	return name;
}

void
stores_remove(char *directory)
{
	struct dirent	*entry;
	DIR		*listing = opendir(directory);

	assert_non_null(listing);
	while ((entry = readdir(listing)) != NULL)
		if (strcmp(entry->d_name, ".") != 0 &&
		    strcmp(entry->d_name, "..") != 0)
			unlinkat(dirfd(listing), entry->d_name, 0);
	closedir(listing);
	assert_int_equal(rmdir(directory), 0);
	free(directory);
}

struct store_options
stores_options(const char *directory)
{
	return (struct store_options){
		.directory = directory,
		.largest_record = 65536,
		.lock_wait = STORES_PATIENCE,
		.erase_delay = 3600 * 1000,
		.readers = 4,
	};
}

struct store *
stores_open(const struct store_options *options)
{
	struct complaint	 error = { "" };
	struct store		*store = store_open(options, &error);

	if (store == NULL)
		fail_msg("%s", error.text);
	if (options->resident)
		assert_int_equal(store_start(store), 0);
	return store;
}

char *
stores_path(const char *directory, const char *name)
{
	char	*path;

	assert_true(asprintf(&path, "%s/%s", directory, name) != -1);
	return path;
}

int64_t
stores_size(const char *directory, const char *name)
{
	struct stat	 status;
	char		*path = stores_path(directory, name);
	int		 result = stat(path, &status);

	free(path);
	return result == 0 ? (int64_t)status.st_size : -1;
}

int64_t
stores_now(void)
{
	struct timespec	 now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

static void
piece_of(uint64_t number, char piece[PIECE + 1])
{
	snprintf(piece, PIECE + 1, "<Seal%010" PRIu64 ">", number);
}

static uint8_t *
record_of(uint64_t number, size_t bytes)
{
	uint8_t	*record = malloc(bytes + 1);
	char	 piece[PIECE + 1];

	if (record == NULL)
		abort();
	piece_of(number, piece);
	for (size_t i = 0; i < bytes; i++)
		record[i] = (uint8_t)piece[i % PIECE];
	return record;
}

static struct store_secret
secret_of(const struct stores_work *work, int64_t now)
{
	struct store_secret	 row = {
		.kind = 1,
		.created_at = now,
		.changed_at = now,
		.expires_at = now + 60000,
		.due_at = now + 60000,
		.views_left = 1,
		.key_id = 1,
		.record_bytes = work->bytes,
		.has_receipt = true,
	};

	/* Numbers far apart, as those of keyed hashes are. */
	for (unsigned int i = 0; i < STORE_HASHBYTES; i++) {
		row.lookup[i] = (uint8_t)((work->number *
		    0x9e3779b97f4a7c15u) >> (i % 8 * 8));
		row.receipt[i] = row.lookup[i] ^ 0x55;
	}
	return row;
}

int
stores_insert(struct store_txn *txn, void *argument)
{
	struct stores_work	*work = argument;
	struct store_secret	 row = secret_of(work, store_now(txn));
	uint8_t			*record = record_of(work->number, work->bytes);

	work->runs++;
	work->outcome = store_secret_insert(txn, &row, record);
	free(record);
	return work->outcome == -1 ? -1 : 0;
}

int
stores_find(struct store_txn *txn, void *argument)
{
	struct stores_work	*work = argument;
	struct store_secret	 row = secret_of(work, 0);
	uint8_t			*expected, *record;

	work->runs++;
	work->outcome = store_secret_find(txn, row.lookup, &work->row);
	if (work->outcome != 0 || work->row.record == 0)
		return work->outcome == -1 ? -1 : 0;
	record = malloc(work->row.record_bytes + 1);
	expected = record_of(work->number, work->row.record_bytes);
	work->outcome = record == NULL ? -1 :
	    store_record_read(txn, &work->row, record);
	if (work->outcome == 0 &&
	    memcmp(record, expected, work->row.record_bytes) != 0)
		abort();
	free(record);
	free(expected);
	return work->outcome == -1 ? -1 : 0;
}

int
stores_erase(struct store_txn *txn, void *argument)
{
	struct stores_work	*work = argument;
	struct store_secret	 row = secret_of(work, 0);

	work->runs++;
	work->outcome = store_secret_find(txn, row.lookup, &row);
	if (work->outcome != 0)
		return work->outcome == -1 ? -1 : 0;
	row.state = STORE_OPENED;
	if (store_record_erase(txn, &row) == -1 ||
	    store_secret_update(txn, &row) == -1)
		return -1;
	return 0;
}

int
stores_delete(struct store_txn *txn, void *argument)
{
	struct stores_work	*work = argument;
	struct store_secret	 row = secret_of(work, 0);

	if (stores_erase(txn, argument) == -1)
		return -1;
	if (work->outcome != 0)
		return 0;
	return store_secret_find(txn, row.lookup, &row) == 0 ?
	    store_secret_remove(txn, &row) : -1;
}

int
stores_knock(struct store_txn *txn, void *argument)
{
	struct stores_work	*work = argument;
	struct store_secret	 row = secret_of(work, 0);

	work->runs++;
	work->outcome = store_secret_find(txn, row.lookup, &row);
	if (work->outcome != 0)
		return work->outcome == -1 ? -1 : 0;
	row.knocks++;
	return store_secret_update(txn, &row);
}

bool
stores_has(struct store *store, uint64_t number)
{
	struct stores_work	 work = { .number = number };

	assert_int_equal(store_view(store, stores_find, &work), 0);
	return work.outcome == 0;
}

sqlite3 *
stores_raw(const char *directory)
{
	char	*path = stores_path(directory, "oncelink.db");
	sqlite3	*db;

	assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
	/* Its end would be a checkpoint, and the end of the log. */
	assert_int_equal(sqlite3_db_config(db,
	    SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, NULL), SQLITE_OK);
	free(path);
	return db;
}

int
stores_number(sqlite3 *db, const char *sql)
{
	sqlite3_stmt	*statement;
	int		 value;

	assert_int_equal(sqlite3_prepare_v2(db, sql, -1, &statement, NULL),
	    SQLITE_OK);
	assert_int_equal(sqlite3_step(statement), SQLITE_ROW);
	value = sqlite3_column_int(statement, 0);
	sqlite3_finalize(statement);
	return value;
}

void
stores_start(struct stores_child *child, const char *mode,
    const char *directory, uint64_t number)
{
	posix_spawn_file_actions_t	 actions;
	char				 text[32], byte = 0;
	char				*words[5];
	int				 in[2], out[2];

	snprintf(text, sizeof(text), "%" PRIu64, number);
	assert_int_equal(pipe2(in, O_CLOEXEC), 0);
	assert_int_equal(pipe2(out, O_CLOEXEC), 0);
	posix_spawn_file_actions_init(&actions);
	posix_spawn_file_actions_adddup2(&actions, in[0], 0);
	posix_spawn_file_actions_adddup2(&actions, out[1], 1);
	words[0] = program;
	words[1] = strdup(mode);
	words[2] = strdup(directory);
	words[3] = text;
	words[4] = NULL;
	assert_int_equal(posix_spawn(&child->pid, program, &actions, NULL,
	    words, environ), 0);
	posix_spawn_file_actions_destroy(&actions);
	free(words[1]);
	free(words[2]);
	close(in[0]);
	close(out[1]);
	child->input = in[1];
	child->output = out[0];
	assert_int_equal(read(child->output, &byte, 1), 1);
	assert_int_equal(byte, '.');
}

void
stores_go(struct stores_child *child)
{
	if (child->input != -1)
		close(child->input);
	child->input = -1;
}

int
stores_end(struct stores_child *child)
{
	int	 status = 0;

	stores_go(child);
	close(child->output);
	assert_int_equal(waitpid(child->pid, &status, 0), child->pid);
	assert_true(WIFEXITED(status));
	return WEXITSTATUS(status);
}

bool
stores_holds(const char *directory, uint64_t number)
{
	struct stores_child	 child;
	int			 status;

	stores_start(&child, "files", directory, number);
	status = stores_end(&child);
	assert_in_range(status, 0, 1);
	return status == 1;
}

/* In a process of its own: no assertions here, but exit statuses. */

static void
say_and_wait(void)
{
	char	 byte;

	if (write(STDOUT_FILENO, ".", 1) != 1)
		_exit(9);
	while (read(STDIN_FILENO, &byte, 1) > 0)
		continue;
}

static int
child_lock(const char *directory)
{
	int	 place = open(directory, O_RDONLY | O_DIRECTORY);
	int	 lock = filelock_open(place, "write.lock");

	if (lock == -1 || filelock_acquire(lock, STORES_PATIENCE) != 0)
		return 2;
	say_and_wait();
	return 0;
}

static int
child_read(const char *directory)
{
	char	*path;
	sqlite3	*db;

	if (asprintf(&path, "%s/oncelink.db", directory) == -1 ||
	    sqlite3_open_v2(path, &db, SQLITE_OPEN_READWRITE, NULL) !=
	    SQLITE_OK || sqlite3_db_config(db,
	    SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, NULL) != SQLITE_OK ||
	    sqlite3_exec(db, "BEGIN; SELECT count(*) FROM secret", NULL, NULL,
	    NULL) != SQLITE_OK)
		return 2;
	free(path);
	say_and_wait();
	sqlite3_close(db);
	return 0;
}

static int
child_count(const char *directory, uint64_t times)
{
	struct store_options	 options = stores_options(directory);
	struct complaint	 error;
	struct store		*store = store_open(&options, &error);
	unsigned int		 failed;

	if (store == NULL)
		return 2;
	say_and_wait();
	failed = stores_bump(store, 16, (unsigned int)times);
	store_close(store);
	return failed == 0 ? 0 : 3;
}

static int
file_holds(int place, const char *name, const char *piece, size_t length)
{
	struct stat	 status;
	char		*bytes;
	ssize_t		 size;
	int		 fd = openat(place, name, O_RDONLY), result = -1;

	if (fd == -1)
		return 0;
	if (fstat(fd, &status) == 0 &&
	    (bytes = malloc((size_t)status.st_size + 1)) != NULL) {
		/* Less, when it is cut off meanwhile. */
		size = read(fd, bytes, (size_t)status.st_size);
		if (size != -1)
			result = memmem(bytes, (size_t)size, piece,
			    length) != NULL;
		free(bytes);
	}
	close(fd);
	return result;
}

static int
child_files(const char *directory, uint64_t number)
{
	/* The log first: what a checkpoint moves meanwhile is in one of the
	 * two. */
	static const char *const names[] = {
		"oncelink.db-wal", "oncelink.db", "oncelink.db-shm",
	};
	char	 piece[PIECE + 1];
	int	 place = open(directory, O_RDONLY | O_DIRECTORY), result = 0;

	piece_of(number, piece);
	for (size_t i = 0; i < 3 && result == 0; i++)
		result = file_holds(place, names[i], piece,
		    number == 0 ? strlen("<Seal") : PIECE);
	say_and_wait();
	close(place);
	return result == -1 ? 2 : result;
}

void
stores_main(int argc, char **argv)
{
	uint64_t	 number;
	int		 status = 8;

	if (filelock_prepare() == -1)
		_exit(9);
	program = realpath(argv[0], NULL);
	log_open("store", LOG_TO_STDERR, LOG_LEVEL_ERROR);
	if (program == NULL)
		_exit(9);
	if (argc != 4)
		return;
	number = strtoull(argv[3], NULL, 10);
	if (strcmp(argv[1], "lock") == 0)
		status = child_lock(argv[2]);
	else if (strcmp(argv[1], "read") == 0)
		status = child_read(argv[2]);
	else if (strcmp(argv[1], "count") == 0)
		status = child_count(argv[2], number);
	else if (strcmp(argv[1], "files") == 0)
		status = child_files(argv[2], number);
	exit(status);
}

struct bumper {
	pthread_t	 thread;
	struct store	*store;
	unsigned int	 times, failed;
};

static void *
bump(void *argument)
{
	struct bumper	*bumper = argument;

	for (unsigned int i = 0; i < bumper->times; i++) {
		struct stores_work work = { .number = 1 };

		if (store_update(bumper->store, stores_knock, &work) != 0 ||
		    work.outcome != 0)
			bumper->failed++;
	}
	return NULL;
}

unsigned int
stores_bump(struct store *store, unsigned int threads, unsigned int times)
{
	struct bumper	 bumpers[THREADS_MAX];
	unsigned int	 failed = 0;

	for (unsigned int i = 0; i < threads; i++) {
		bumpers[i] = (struct bumper){ .store = store, .times = times };
		if (pthread_create(&bumpers[i].thread, NULL, bump,
		    &bumpers[i]) != 0)
			abort();
	}
	for (unsigned int i = 0; i < threads; i++) {
		pthread_join(bumpers[i].thread, NULL);
		failed += bumpers[i].failed;
	}
	return failed;
}

/* SPDX-License-Identifier: ISC */
/*
 * The database as files: where it may lie, who may read it, how it is made;
 * and the connections that read it.
 */
#include <sys/stat.h>
#include <sys/vfs.h>

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/complaint.h"
#include "base/log.h"
#include "store/ballast.h"
#include "store/batch.h"
#include "store/mark.h"
#include "store/migrate.h"
#include "store/sqlite.h"
#include "store/writer.h"

#define READERS_MAX	16
#define CREATE_WAIT	5000	/* ms */
#define BALLAST_SLACK	((size_t)4 << 20)

struct store {
	char		*path;
	int		 directory;
	size_t		 ballast_size;
	int64_t		 lock_wait;
	struct writer	*writer;
	struct batch	*batch;

	pthread_mutex_t	 mutex;		/* for all below */
	pthread_cond_t	 returned;
	struct sqlite	 readers[READERS_MAX];
	bool		 busy[READERS_MAX];
	unsigned int	 readers_count;
};

/* File systems of other machines, whose locks cannot be trusted (statfs(2)).
 * The numbers are those of Linux's magic.h and of the file systems' own. */
static const unsigned int remote[] = {
	0x6969,		/* NFS */
	0x517b,		/* SMB */
	0xff534d42,	/* CIFS */
	0xfe534d42,	/* SMB2 */
	0x5346414f,	/* AFS */
	0x73757245,	/* Coda */
	0x564c,		/* NCP */
	0x01021997,	/* 9P */
	0x00c36400,	/* Ceph */
	0x01161970,	/* GFS2 */
	0x7461636f,	/* OCFS2 */
};

/* Only we may look into it. */
static int
check_private(const struct stat *status, const char *path, const char *what,
    const char *mode, struct complaint *error)
{
	if (status->st_uid != geteuid())
		return complaint(error, "%s: the %s belongs to another user; "
		    "it must belong to the user of this program", path, what);
	if ((status->st_mode & 077) != 0)
		return complaint(error, "%s: others may look into the %s (mode "
		    "%03o); it must be %s: chmod it", path, what,
		    (unsigned int)status->st_mode & 0777, mode);
	return 0;
}

static int
open_directory(const char *path, struct complaint *error)
{
	struct stat	 status;
	struct statfs	 file_system;
	int		 fd;

	fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd == -1)
		return complaint(error, "%s: the state directory cannot be "
		    "opened: %s%s", path, strerror(errno), errno == ENOENT ?
		    " (oncelinkctl init makes it)" : "");
	if (fstat(fd, &status) == -1 || fstatfs(fd, &file_system) == -1) {
		complaint(error, "%s: %s", path, strerror(errno));
		goto fail;
	}
	if (check_private(&status, path, "state directory", "0700", error) ==
	    -1)
		goto fail;
	for (size_t i = 0; i < sizeof(remote) / sizeof(remote[0]); i++)
		if ((unsigned int)file_system.f_type == remote[i]) {
			complaint(error, "%s: the state directory is on "
			    "another machine's disk, where locks cannot be "
			    "trusted; put it on a local one", path);
			goto fail;
		}
	return fd;
fail:
	close(fd);
	return -1;
}

static int
check_database(int directory, const char *path, struct complaint *error)
{
	struct stat	 status;

	if (fstatat(directory, STORE_DATABASE_NAME, &status,
	    AT_SYMLINK_NOFOLLOW) == -1)
		return complaint(error, "%s: the database cannot be opened: "
		    "%s%s", path, strerror(errno), errno == ENOENT ?
		    " (oncelinkctl init makes it)" : "");
	if (!S_ISREG(status.st_mode))
		return complaint(error, "%s: the database is not a regular "
		    "file", path);
	return check_private(&status, path, "database", "0600", error);
}

/* SQLite follows no link at all on its way to the file, and a home may be one
 * to another disk.  NULL with error. */
static char *
database_path(const char *directory, struct complaint *error)
{
	char	*whole = realpath(directory, NULL), *path = NULL;

	if (whole == NULL)
		complaint(error, "%s: %s", directory, strerror(errno));
	else if (asprintf(&path, "%s/%s", whole, STORE_DATABASE_NAME) == -1) {
		path = NULL;
		complaint(error, "there is no memory");
	}
	free(whole);
	return path;
}

/* Before the library's first use in this process; later calls change
 * nothing. */
static void
configure_library(void)
{
	sqlite3_config(SQLITE_CONFIG_MULTITHREAD);
	sqlite3_config(SQLITE_CONFIG_MEMSTATUS, 0);
}

/* A database that was not made whole.  The lock stays, since somebody may wait
 * for it. */
static void
remove_database(int directory)
{
	(void)unlinkat(directory, STORE_DATABASE_NAME, 0);
	(void)unlinkat(directory, STORE_DATABASE_NAME "-wal", 0);
	(void)unlinkat(directory, STORE_DATABASE_NAME "-shm", 0);
}

int
store_create(const char *directory, struct complaint *error)
{
	struct writer	*writer = NULL;
	char		*path = NULL;
	int		 fd, file, result = -1;

	configure_library();
	fd = open_directory(directory, error);
	if (fd == -1)
		return -1;
	path = database_path(directory, error);
	if (path == NULL)
		goto out;
	file = openat(fd, STORE_DATABASE_NAME, O_RDWR | O_CREAT | O_EXCL |
	    O_CLOEXEC | O_NOFOLLOW, 0600);
	if (file == -1) {
		complaint(error, "%s: the database cannot be made: %s", path,
		    strerror(errno));
		goto out;
	}
	close(file);
	writer = writer_open(fd, path, 0, CREATE_WAIT, error);
	if (writer != NULL && fsync(fd) == -1)
		complaint(error, "%s: what is made in it does not reach the "
		    "disk: %s", directory, strerror(errno));
	else if (writer != NULL)
		result = 0;
	writer_close(writer);
	if (result == -1)
		remove_database(fd);
out:
	free(path);
	close(fd);
	return result;
}

/* A worker that cannot write finds out before its first request. */
static int
prove_writing(struct store_txn *txn, void *argument)
{
	(void)argument;
	if (sqlite_set_version(txn->sqlite, migrate_latest()) == 0)
		return 0;
	txn->failure = sqlite_failure(txn->sqlite, "prove");
	return -1;
}

struct store *
store_open(const struct store_options *options, struct complaint *error)
{
	struct store		*store;
	int			 proof = 0;

	configure_library();
	store = calloc(1, sizeof(*store));
	if (store == NULL) {
		complaint(error, "there is no memory");
		return NULL;
	}
	pthread_mutex_init(&store->mutex, NULL);
	clock_cond_init(&store->returned);
	store->readers_count = options->readers < READERS_MAX ?
	    options->readers : READERS_MAX;
	store->lock_wait = options->lock_wait;
	store->ballast_size = 2 * options->largest_record + BALLAST_SLACK;
	store->directory = open_directory(options->directory, error);
	if (store->directory == -1)
		goto fail;
	store->path = database_path(options->directory, error);
	if (store->path == NULL)
		goto fail;
	if (check_database(store->directory, store->path, error) == -1)
		goto fail;
	store->writer = writer_open(store->directory, store->path,
	    options->max_bytes, options->lock_wait, error);
	if (store->writer == NULL)
		goto fail;
	store->batch = batch_open(store->writer, options);
	if (store->batch == NULL) {
		complaint(error, "there is no memory");
		goto fail;
	}
	if (options->resident)
		proof = batch_update(store->batch, prove_writing, NULL);
	/* On a full disk it reads and erases. */
	if (proof == STORE_FAILED || proof == STORE_BUSY) {
		complaint(error, "%s: the database cannot be written; what "
		    "failed is in the log", store->path);
		goto fail;
	}
	return store;
fail:
	store_close(store);
	return NULL;
}

int
store_start(struct store *store)
{
	return batch_start(store->batch);
}

void
store_close(struct store *store)
{
	if (store == NULL)
		return;
	for (unsigned int i = 0; i < store->readers_count; i++)
		sqlite_close(&store->readers[i]);
	batch_close(store->batch);
	writer_close(store->writer);
	if (store->directory != -1)
		close(store->directory);
	pthread_cond_destroy(&store->returned);
	pthread_mutex_destroy(&store->mutex);
	free(store->path);
	free(store);
}

/* An index into readers, or -1 when none came back in time. */
static int
borrow_reader(struct store *store)
{
	struct timespec	 until = clock_at(clock_now() + store->lock_wait);
	int		 found = -1, waited = 0;

	pthread_mutex_lock(&store->mutex);
	for (;;) {
		for (unsigned int i = 0; i < store->readers_count; i++)
			if (!store->busy[i]) {
				found = (int)i;
				break;
			}
		if (found != -1 || waited == ETIMEDOUT)
			break;
		waited = pthread_cond_timedwait(&store->returned,
		    &store->mutex, &until);
	}
	if (found != -1)
		store->busy[found] = true;
	pthread_mutex_unlock(&store->mutex);
	return found;
}

static void
return_reader(struct store *store, int index)
{
	pthread_mutex_lock(&store->mutex);
	store->busy[index] = false;
	pthread_cond_signal(&store->returned);
	pthread_mutex_unlock(&store->mutex);
}

static int
view(struct sqlite *sqlite, store_fn *fn, void *argument)
{
	struct store_txn txn;
	int		 result = 0;

	if (sqlite_run(sqlite, SQLITE_STATEMENT_BEGIN_READ) == -1)
		return sqlite_failure(sqlite, "begin");
	sqlite_begin_batch(sqlite);
	sqlite_begin_fn(sqlite, &txn);
	if (mark_begin(&txn) == -1 || fn(&txn, argument) == -1)
		result = txn.failure != 0 ? txn.failure : STORE_FAILED;
	if (sqlite_run(sqlite, SQLITE_STATEMENT_COMMIT) == -1 && result == 0)
		result = sqlite_failure(sqlite, "end");
	return result;
}

int
store_view(struct store *store, store_fn *fn, void *argument)
{
	struct complaint	 error;
	struct sqlite		*reader;
	int			 index, result;

	index = borrow_reader(store);
	if (index == -1) {
		log_event(LOG_STORE_BUSY, LOG_TEXT("where", "readers"));
		return STORE_BUSY;
	}
	reader = &store->readers[index];
	if (reader->db == NULL && sqlite_open(reader, store->path,
	    SQLITE_MODE_READ, 0, &error) == -1) {
		log_event(LOG_STORE_FAILED, LOG_TEXT("where", "open"));
		result = STORE_FAILED;
	} else
		result = view(reader, fn, argument);
	/* What is sealed next is to be as late as that. */
	if (result == 0)
		writer_learn_mark(store->writer, reader->latest);
	/* A connection that failed may be worth nothing: a new one next. */
	if (result == STORE_FAILED)
		sqlite_close(reader);
	return_reader(store, index);
	return result;
}

int
store_update(struct store *store, store_fn *fn, void *argument)
{
	return batch_update(store->batch, fn, argument);
}

int64_t
store_time(struct store *store)
{
	return writer_time(store->writer);
}

void
store_clock_known(struct store *store, struct store_clock *clock)
{
	writer_clock(store->writer, clock);
}

int
store_checkpoint(struct store *store)
{
	return batch_checkpoint(store->batch);
}

void
store_ballast(struct store *store)
{
	if (ballast_make(store->directory, store->ballast_size) == -1)
		log_event(LOG_STORE_FULL, LOG_TEXT("where", "ballast"));
}

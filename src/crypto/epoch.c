/* SPDX-License-Identifier: ISC */
/*
 * The keys of days: one small file each, named by the day, complete and synced
 * before its name is there, overwritten before its name goes.
 */
#include "crypto/epoch.h"

#include <sys/stat.h>

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sodium.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/complaint.h"
#include "base/filelock.h"

#define KEYS_NAME	EPOCH_DIRECTORY_NAME
#define LOCK_NAME	"lock"
#define NEW_NAME	"new"

#define DAY		((int64_t)24 * 60 * 60 * 1000)
#define MARK_BYTES	16
#define FILE_BYTES	(EPOCH_KEYBYTES + MARK_BYTES)
#define NAME_BYTES	12
#define LOCK_WAIT	5000	/* ms */

/* How many keys are at hand, and for how long without a look, in ms. */
#define CACHE_KEYS	32
#define CACHE_TIME	5000

struct cached {
	uint32_t	 epoch;		/* 0: none */
	int64_t		 read_at;	/* clock_now */
	bool		 kept;		/* on the disk for good */
	uint8_t		 key[EPOCH_KEYBYTES];
};

struct epochs {
	int		 directory;
	pthread_mutex_t	 mutex;		/* for the cache */
	struct cached	*cache;		/* guarded memory */
};

/* What tells a key from the wrong file, and from a file that is damaged. */
static void
mark_key(uint32_t epoch, const uint8_t key[EPOCH_KEYBYTES],
    uint8_t mark[MARK_BYTES])
{
	char	 text[32 + NAME_BYTES];

	(void)snprintf(text, sizeof(text), "oncelink epoch %u", epoch);
	crypto_generichash(mark, MARK_BYTES, (const uint8_t *)text,
	    strlen(text), key, EPOCH_KEYBYTES);
}

static void
name_epoch(uint32_t epoch, char name[NAME_BYTES])
{
	(void)snprintf(name, NAME_BYTES, "%u", epoch);
}

/* The directory, made when it is not there, and nobody else's. */
static int
open_keys(int state, struct complaint *error)
{
	struct stat	 status;
	int		 fd;

	if (mkdirat(state, KEYS_NAME, 0700) == 0)
		fsync(state);
	fd = openat(state, KEYS_NAME, O_RDONLY | O_DIRECTORY | O_NOFOLLOW |
	    O_CLOEXEC);
	if (fd == -1 || fstat(fd, &status) == -1) {
		complaint(error, KEYS_NAME ": %s", strerror(errno));
	} else if (status.st_uid != geteuid() ||
	    (status.st_mode & (S_IRWXG | S_IRWXO)) != 0) {
		complaint(error, KEYS_NAME ": the directory must be yours and "
		    "closed to others (chmod 700)");
	} else
		return fd;
	if (fd != -1)
		close(fd);
	return -1;
}

struct epochs *
epoch_open(const char *directory, struct complaint *error)
{
	struct complaint why;
	struct epochs	*epochs;
	int		 state;

	if ((epochs = calloc(1, sizeof(*epochs))) == NULL) {
		complaint(error, "there is no memory for the keys");
		return NULL;
	}
	state = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (state == -1)
		complaint(error, "%s: %s", directory, strerror(errno));
	epochs->directory = state == -1 ? -1 : open_keys(state, &why);
	if (state != -1)
		close(state);
	if (state != -1 && epochs->directory == -1)
		complaint(error, "%s/%s", directory, why.text);
	if (epochs->directory == -1) {
		free(epochs);
		return NULL;
	}
	epochs->cache = sodium_allocarray(CACHE_KEYS, sizeof(struct cached));
	if (epochs->cache == NULL) {
		complaint(error, "there is no memory for the keys");
		close(epochs->directory);
		free(epochs);
		return NULL;
	}
	memset(epochs->cache, 0, CACHE_KEYS * sizeof(struct cached));
	pthread_mutex_init(&epochs->mutex, NULL);
	return epochs;
}

void
epoch_close(struct epochs *epochs)
{
	if (epochs == NULL)
		return;
	pthread_mutex_destroy(&epochs->mutex);
	sodium_free(epochs->cache);
	close(epochs->directory);
	free(epochs);
}

uint32_t
epoch_of(int64_t expires_at)
{
	return expires_at < DAY ? 1 : (uint32_t)(expires_at / DAY);
}

/* Returns 0, 1 when there is no such file, or -1 when it is no key. */
static int
read_key(const struct epochs *epochs, uint32_t epoch,
    uint8_t key[EPOCH_KEYBYTES])
{
	char	 name[NAME_BYTES];
	uint8_t	 bytes[FILE_BYTES + 1], mark[MARK_BYTES];
	ssize_t	 size;
	int	 fd, result = -1;

	name_epoch(epoch, name);
	fd = openat(epochs->directory, name, O_RDONLY | O_NOFOLLOW |
	    O_NONBLOCK | O_CLOEXEC);
	if (fd == -1)
		return errno == ENOENT ? 1 : -1;
	size = read(fd, bytes, sizeof(bytes));
	close(fd);
	if (size == FILE_BYTES) {
		mark_key(epoch, bytes, mark);
		if (sodium_memcmp(mark, bytes + EPOCH_KEYBYTES,
		    MARK_BYTES) == 0) {
			memcpy(key, bytes, EPOCH_KEYBYTES);
			result = 0;
		}
	}
	sodium_memzero(bytes, sizeof(bytes));
	return result;
}

/* Under the lock: the whole key first, its name after it. */
static int
write_key(const struct epochs *epochs, uint32_t epoch,
    uint8_t key[EPOCH_KEYBYTES])
{
	char	 name[NAME_BYTES];
	uint8_t	 bytes[FILE_BYTES];
	int	 fd, result = -1;

	name_epoch(epoch, name);
	fd = openat(epochs->directory, NEW_NAME, O_WRONLY | O_CREAT |
	    O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (fd == -1)
		return -1;
	randombytes_buf(key, EPOCH_KEYBYTES);
	memcpy(bytes, key, EPOCH_KEYBYTES);
	mark_key(epoch, key, bytes + EPOCH_KEYBYTES);
	if (write(fd, bytes, sizeof(bytes)) == (ssize_t)sizeof(bytes) &&
	    fsync(fd) == 0 &&
	    renameat(epochs->directory, NEW_NAME, epochs->directory,
	    name) == 0)
		result = fsync(epochs->directory);
	sodium_memzero(bytes, sizeof(bytes));
	close(fd);
	return result;
}

static int
lock_keys(const struct epochs *epochs, struct complaint *error)
{
	int	 lock, held;

	lock = filelock_open(epochs->directory, LOCK_NAME);
	held = lock == -1 ? -1 : filelock_acquire(lock, LOCK_WAIT);
	if (held == 0)
		return lock;
	complaint(error, KEYS_NAME "/" LOCK_NAME ": %s", held == 1 ?
	    "somebody else holds it" : strerror(errno));
	if (lock != -1)
		close(lock);
	return -1;
}

/* Have the key on the disk for good, made there when it is not. */
static int
keep_key(const struct epochs *epochs, uint32_t epoch,
    uint8_t key[EPOCH_KEYBYTES], struct complaint *error)
{
	int	 lock, result;

	if ((lock = lock_keys(epochs, error)) == -1)
		return -1;
	if ((result = read_key(epochs, epoch, key)) == 1)
		result = write_key(epochs, epoch, key);
	/* Who made it may have ended before its name was synced. */
	if (result == 0)
		result = fsync(epochs->directory);
	close(lock);
	return result == 0 ? 0 : complaint(error, KEYS_NAME "/%u: the key is "
	    "damaged, or cannot be read or made", epoch);
}

/* The place of an epoch in the cache, or the one that was read first. */
static struct cached *
place(const struct epochs *epochs, uint32_t epoch)
{
	struct cached	*oldest = epochs->cache;

	for (size_t i = 0; i < CACHE_KEYS; i++) {
		struct cached *at = &epochs->cache[i];

		if (at->epoch == epoch)
			return at;
		if (at->read_at < oldest->read_at)
			oldest = at;
	}
	return oldest;
}

/* Have the key of an epoch in its place of the cache.  One that is gone from
 * the disk goes from there too. */
static int
look(struct epochs *epochs, uint32_t epoch, struct cached *cached)
{
	if (cached->epoch == epoch &&
	    clock_now() - cached->read_at < CACHE_TIME)
		return 0;
	if (cached->epoch != epoch)
		sodium_memzero(cached, sizeof(*cached));
	if (read_key(epochs, epoch, cached->key) != 0) {
		sodium_memzero(cached, sizeof(*cached));
		return -1;
	}
	cached->epoch = epoch;
	cached->read_at = clock_now();
	return 0;
}

int
epoch_make(struct epochs *epochs, uint32_t epoch, struct complaint *error)
{
	struct cached	*cached;
	int		 result;

	pthread_mutex_lock(&epochs->mutex);
	cached = place(epochs, epoch);
	if (cached->epoch == epoch && cached->kept) {
		if ((result = look(epochs, epoch, cached)) == -1)
			complaint(error, KEYS_NAME "/%u: the key that secrets "
			    "were sealed with is gone: put it back", epoch);
	} else {
		sodium_memzero(cached, sizeof(*cached));
		result = keep_key(epochs, epoch, cached->key, error);
		if (result == 0) {
			cached->epoch = epoch;
			cached->read_at = clock_now();
			cached->kept = true;
		}
	}
	pthread_mutex_unlock(&epochs->mutex);
	return result;
}

int
epoch_key(struct epochs *epochs, uint32_t epoch, uint8_t key[EPOCH_KEYBYTES])
{
	struct cached	*cached;
	int		 result;

	pthread_mutex_lock(&epochs->mutex);
	cached = place(epochs, epoch);
	if ((result = look(epochs, epoch, cached)) == 0)
		memcpy(key, cached->key, EPOCH_KEYBYTES);
	pthread_mutex_unlock(&epochs->mutex);
	return result;
}

/* A name that goes first would leave the key where nobody can reach it. */
static int
destroy(const struct epochs *epochs, const char *name)
{
	static const uint8_t	 zeroes[FILE_BYTES];
	int			 fd, result = -1;

	fd = openat(epochs->directory, name, O_WRONLY | O_NOFOLLOW |
	    O_NONBLOCK | O_CLOEXEC);
	if (fd == -1)
		return -1;
	if (pwrite(fd, zeroes, sizeof(zeroes), 0) == (ssize_t)sizeof(zeroes) &&
	    fsync(fd) == 0)
		result = unlinkat(epochs->directory, name, 0);
	close(fd);
	return result;
}

/* The epoch that a file is named after; 0: it is none of ours. */
static uint32_t
epoch_of_name(const char *name)
{
	char		*end;
	unsigned long	 epoch;

	if (name[0] < '1' || name[0] > '9' || strlen(name) >= NAME_BYTES - 1)
		return 0;
	epoch = strtoul(name, &end, 10);
	return *end != '\0' || epoch > UINT32_MAX ? 0 : (uint32_t)epoch;
}

int
epoch_destroy(struct epochs *epochs, uint32_t before, size_t *count,
    struct complaint *error)
{
	const struct dirent	*entry;
	DIR			*directory;
	int			 fd, failures = 0;

	*count = 0;
	fd = openat(epochs->directory, ".", O_RDONLY | O_DIRECTORY |
	    O_CLOEXEC);
	if (fd == -1 || (directory = fdopendir(fd)) == NULL) {
		complaint(error, KEYS_NAME ": %s", strerror(errno));
		if (fd != -1)
			close(fd);
		return -1;
	}
	while ((entry = readdir(directory)) != NULL) {
		uint32_t epoch = epoch_of_name(entry->d_name);

		if (epoch == 0 || epoch >= before)
			continue;
		if (destroy(epochs, entry->d_name) == 0)
			++*count;
		else
			failures++;
	}
	closedir(directory);
	if (*count > 0 && fsync(epochs->directory) == -1)
		failures++;
	return failures == 0 ? 0 : complaint(error, KEYS_NAME ": %d old keys "
	    "cannot be overwritten and removed", failures);
}

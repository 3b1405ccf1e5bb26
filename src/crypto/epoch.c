/* SPDX-License-Identifier: ISC */
/*
 * The keys of days while programs run: when one may be made, and how long it
 * may be in memory.
 */
#include "crypto/epoch.h"

#include <sys/stat.h>

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sodium.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/complaint.h"
#include "base/filelock.h"
#include "crypto/epoch_file.h"

#define KEYS_NAME	EPOCH_DIRECTORY_NAME
#define LOCK_NAME	KEYS_NAME "/lock"

#define DAY		((int64_t)24 * 60 * 60 * 1000)
#define LOCK_WAIT	5000	/* ms */

/* How many keys are at hand, and for how long, in ms. */
#define CACHE_KEYS	32
#define CACHE_TIME	5000

struct cached {
	uint32_t	 epoch;		/* 0: none */
	int64_t		 read_at;	/* clock_now, before it was read */
	uint8_t		 key[EPOCH_KEYBYTES];
};

/* A file that this process knows to be on the disk for good. */
struct kept {
	uint32_t	 epoch;		/* 0: none */
	ino_t		 inode;
	struct timespec	 changed;
};

struct epochs {
	int		 state;		/* directory */
	pthread_mutex_t	 mutex;		/* for what follows; held over no call
					   that waits for a disk */
	struct cached	*cache;		/* guarded memory */
	struct kept	*kept;		/* EPOCH_DAYS; one that shares a
					   place is synced again */
	pthread_cond_t	 wake_forgetter;
	pthread_t	 forgetter;
	bool		 has_forgetter;
	bool		 stopping;
};

struct epochs *
epoch_open(const char *directory, struct complaint *error)
{
	struct complaint why;
	struct epochs	*epochs;

	if ((epochs = calloc(1, sizeof(*epochs))) == NULL) {
		complaint(error, "there is no memory for the keys");
		return NULL;
	}
	epochs->state = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (epochs->state == -1) {
		complaint(error, "%s: %s", directory, strerror(errno));
		goto fail;
	}
	if (epoch_file_prepare(epochs->state, &why) == -1) {
		complaint(error, "%s/%s", directory, why.text);
		goto fail;
	}
	epochs->cache = sodium_allocarray(CACHE_KEYS, sizeof(struct cached));
	epochs->kept = calloc(EPOCH_DAYS, sizeof(struct kept));
	if (epochs->cache == NULL || epochs->kept == NULL) {
		complaint(error, "there is no memory for the keys");
		goto fail;
	}
	memset(epochs->cache, 0, CACHE_KEYS * sizeof(struct cached));
	pthread_mutex_init(&epochs->mutex, NULL);
	clock_cond_init(&epochs->wake_forgetter);
	return epochs;
fail:
	sodium_free(epochs->cache);
	free(epochs->kept);
	if (epochs->state != -1)
		close(epochs->state);
	free(epochs);
	return NULL;
}

/* Whether or not its day is asked for again: what was read too long ago may
 * be destroyed by now.  Returns when the next one goes, or 0: none is left. */
static int64_t
forget(struct epochs *epochs)
{
	int64_t	 next = 0, now = clock_now();

	for (size_t i = 0; i < CACHE_KEYS; i++) {
		struct cached	*at = &epochs->cache[i];

		if (at->epoch == 0)
			continue;
		if (now - at->read_at >= CACHE_TIME)
			sodium_memzero(at, sizeof(*at));
		else if (next == 0 || at->read_at + CACHE_TIME < next)
			next = at->read_at + CACHE_TIME;
	}
	return next;
}

static void *
forget_in_time(void *argument)
{
	struct epochs	*epochs = argument;
	struct timespec	 until;
	int64_t		 next;

	pthread_mutex_lock(&epochs->mutex);
	while (!epochs->stopping) {
		if ((next = forget(epochs)) == 0) {
			pthread_cond_wait(&epochs->wake_forgetter,
			    &epochs->mutex);
			continue;
		}
		until = clock_at(next);
		pthread_cond_timedwait(&epochs->wake_forgetter,
		    &epochs->mutex, &until);
	}
	pthread_mutex_unlock(&epochs->mutex);
	return NULL;
}

int
epoch_start(struct epochs *epochs)
{
	if (pthread_create(&epochs->forgetter, NULL, forget_in_time,
	    epochs) != 0)
		return -1;
	epochs->has_forgetter = true;
	return 0;
}

void
epoch_close(struct epochs *epochs)
{
	if (epochs == NULL)
		return;
	if (epochs->has_forgetter) {
		pthread_mutex_lock(&epochs->mutex);
		epochs->stopping = true;
		pthread_cond_signal(&epochs->wake_forgetter);
		pthread_mutex_unlock(&epochs->mutex);
		pthread_join(epochs->forgetter, NULL);
	}
	pthread_cond_destroy(&epochs->wake_forgetter);
	pthread_mutex_destroy(&epochs->mutex);
	sodium_free(epochs->cache);
	free(epochs->kept);
	close(epochs->state);
	free(epochs);
}

uint32_t
epoch_of(int64_t expires_at)
{
	return expires_at < DAY ? 1 : (uint32_t)(expires_at / DAY);
}

int64_t
epoch_begin(uint32_t epoch)
{
	return epoch * DAY;
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

/* Have the key that was read then at hand for a while. */
static void
put(struct epochs *epochs, struct cached *at, uint32_t epoch, int64_t read_at,
    const uint8_t key[EPOCH_KEYBYTES])
{
	at->epoch = epoch;
	at->read_at = read_at;
	memcpy(at->key, key, EPOCH_KEYBYTES);
	pthread_cond_signal(&epochs->wake_forgetter);
}

static bool
is_kept(struct epochs *epochs, uint32_t epoch, const struct stat *status)
{
	const struct kept	*kept = &epochs->kept[epoch % EPOCH_DAYS];
	bool			 result;

	pthread_mutex_lock(&epochs->mutex);
	result = kept->epoch == epoch && kept->inode == status->st_ino &&
	    kept->changed.tv_sec == status->st_ctim.tv_sec &&
	    kept->changed.tv_nsec == status->st_ctim.tv_nsec;
	pthread_mutex_unlock(&epochs->mutex);
	return result;
}

static void
note(struct epochs *epochs, uint32_t epoch, const uint8_t key[EPOCH_KEYBYTES],
    const struct stat *status)
{
	pthread_mutex_lock(&epochs->mutex);
	put(epochs, place(epochs, epoch), epoch, clock_now(), key);
	epochs->kept[epoch % EPOCH_DAYS] = (struct kept){
		.epoch = epoch, .inode = status->st_ino,
		.changed = status->st_ctim,
	};
	pthread_mutex_unlock(&epochs->mutex);
}

/* What errno means: returns 1 for a full disk, or -1 with error. */
static int
failed(const char *name, int code, struct complaint *error)
{
	if (code == ENOSPC || code == EDQUOT)
		return 1;
	return complaint(error, "%s: %s", name, code == EBADMSG ?
	    "the key is damaged" : strerror(code));
}

/* Is it known that nothing waits which another key sealed?  Returns 0, or -1
 * with error. */
static int
ask_user(const struct epoch_user *user, uint32_t epoch,
    struct complaint *error)
{
	int	 used = user == NULL ? 0 : user->uses(user->argument, epoch);

	if (used == 0)
		return 0;
	return complaint(error, KEYS_NAME "/%u: %s", epoch, used == 1 ?
	    "the key that secrets were sealed with is gone: put it back" :
	    "it cannot be told whether a key that is gone is needed");
}

/* Under the lock: have the key on the disk for good, made there when it is
 * not.  Returns 0, 1 when the disk is full, or -1 with error. */
static int
keep_key(struct epochs *epochs, uint32_t epoch, const struct epoch_user *user,
    struct complaint *error)
{
	char		 name[EPOCH_FILE_NAMESIZE];
	uint8_t		 key[EPOCH_KEYBYTES];
	struct stat	 status;
	int		 result;

	epoch_file_name(epoch, name);
	result = epoch_file_read(epochs->state, epoch, key, &status);
	/* One that is destroyed, or was given up, is missed by nobody. */
	if (result == 1 && ask_user(user, epoch, error) == -1)
		return -1;
	if (result > 0) {
		if (epoch_file_make(epochs->state, epoch) == -1)
			return failed(name, errno, error);
		result = epoch_file_read(epochs->state, epoch, key, &status);
	} else if (result == 0 && !is_kept(epochs, epoch, &status)) {
		/* Who made it may have ended before its name was synced. */
		result = epoch_file_sync(epochs->state);
	}
	if (result == 0)
		note(epochs, epoch, key, &status);
	else
		result = failed(name, result > 0 ? ENOENT : errno, error);
	sodium_memzero(key, sizeof(key));
	return result;
}

/* Returns 0, 1 when the disk is full, or -1 with error. */
static int
lock_keys(const struct epochs *epochs, int *lock, struct complaint *error)
{
	int	 code, held = -1;

	*lock = filelock_open(epochs->state, LOCK_NAME);
	if (*lock != -1)
		held = filelock_acquire(*lock, LOCK_WAIT);
	if (held == 0)
		return 0;
	code = errno;
	if (*lock != -1)
		close(*lock);
	return held == -1 ? failed(LOCK_NAME, code, error) :
	    complaint(error, LOCK_NAME ": somebody else holds it");
}

int
epoch_make(struct epochs *epochs, uint32_t epoch,
    const struct epoch_user *user, struct complaint *error)
{
	char		 name[EPOCH_FILE_NAMESIZE];
	struct stat	 status;
	int		 lock, result;

	epoch_file_name(epoch, name);
	if (fstatat(epochs->state, name, &status, AT_SYMLINK_NOFOLLOW) == 0 &&
	    is_kept(epochs, epoch, &status))
		return 0;
	result = lock_keys(epochs, &lock, error);
	if (result != 0)
		return result;
	result = keep_key(epochs, epoch, user, error);
	close(lock);
	return result;
}

int
epoch_key(struct epochs *epochs, uint32_t epoch, uint8_t key[EPOCH_KEYBYTES])
{
	struct cached	*cached;
	struct stat	 status;
	int64_t		 read_at = clock_now();
	bool		 known;

	pthread_mutex_lock(&epochs->mutex);
	forget(epochs);
	cached = place(epochs, epoch);
	if ((known = cached->epoch == epoch))
		memcpy(key, cached->key, EPOCH_KEYBYTES);
	pthread_mutex_unlock(&epochs->mutex);
	if (known)
		return 0;
	if (epoch_file_read(epochs->state, epoch, key, &status) != 0)
		return -1;
	pthread_mutex_lock(&epochs->mutex);
	cached = place(epochs, epoch);
	/* Who made another one meanwhile knows better. */
	if (cached->epoch != epoch || cached->read_at < read_at)
		put(epochs, cached, epoch, read_at, key);
	pthread_mutex_unlock(&epochs->mutex);
	return 0;
}

enum epoch_state
epoch_examine(const struct epochs *epochs, uint32_t epoch,
    struct complaint *error)
{
	char		 name[EPOCH_FILE_NAMESIZE];
	uint8_t		 key[EPOCH_KEYBYTES];
	struct stat	 status;
	int		 result;

	result = epoch_file_read(epochs->state, epoch, key, &status);
	sodium_memzero(key, sizeof(key));
	if (result == 1)
		return EPOCH_GONE;
	if (result != -1)
		return EPOCH_GOOD;
	if (errno == EBADMSG)
		return EPOCH_DAMAGED;
	epoch_file_name(epoch, name);
	complaint(error, "%s: %s", name, strerror(errno));
	return EPOCH_UNREADABLE;
}

int
epoch_give_up(struct epochs *epochs, uint32_t epoch, struct complaint *error)
{
	char	 name[EPOCH_FILE_NAMESIZE];
	int	 lock, result;

	result = lock_keys(epochs, &lock, error);
	if (result != 0)
		return result;
	switch (epoch_examine(epochs, epoch, error)) {
	case EPOCH_GOOD:
		break;
	case EPOCH_UNREADABLE:
		result = -1;
		break;
	case EPOCH_GONE:
	case EPOCH_DAMAGED:
		epoch_file_name(epoch, name);
		if (epoch_file_empty(epochs->state, epoch) == -1)
			result = failed(name, errno, error);
	}
	close(lock);
	return result;
}

int
epoch_destroy(struct epochs *epochs, uint32_t before, size_t *count,
    struct complaint *error)
{
	int	 lock, result;

	*count = 0;
	/* One that is made anew meanwhile would go with the old one's name. */
	result = lock_keys(epochs, &lock, error);
	if (result != 0)
		return result == 1 ? complaint(error, LOCK_NAME ": %s",
		    strerror(ENOSPC)) : -1;
	result = epoch_file_destroy(epochs->state, before, count, error);
	close(lock);
	return result;
}

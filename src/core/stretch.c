/* SPDX-License-Identifier: ISC */
/*
 * Whose turn it is at Argon2id.  Its memory is what an attacker would make us
 * spend: one call a core at a time over all processes of a site, and a
 * bounded wait for everybody else.
 */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/filelock.h"
#include "base/log.h"
#include "core/stretch.h"
#include "store/store.h"

#define TURNS_MAX 64

struct stretch {
	int		 wait;		/* ms */
	pthread_mutex_t	 mutex;
	pthread_cond_t	 ended;
	int		 count;
	int		 files[TURNS_MAX];
	bool		 taken[TURNS_MAX];	/* in this process */
};

struct stretch *
stretch_open(const char *directory, int64_t wait)
{
	struct stretch		*stretch;
	long			 cores = sysconf(_SC_NPROCESSORS_ONLN);
	char			 name[16];
	int			 fd, error;

	if (cores < 1)
		cores = 1;
	if (cores > TURNS_MAX)
		cores = TURNS_MAX;
	fd = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd == -1)
		return NULL;
	stretch = calloc(1, sizeof(*stretch));
	if (stretch == NULL) {
		close(fd);
		return NULL;
	}
	stretch->wait = (int)wait;
	pthread_mutex_init(&stretch->mutex, NULL);
	clock_cond_init(&stretch->ended);
	for (; stretch->count < cores; stretch->count++) {
		snprintf(name, sizeof(name), "kdf.%d", stretch->count);
		stretch->files[stretch->count] = filelock_open(fd, name);
		if (stretch->files[stretch->count] == -1) {
			error = errno;
			close(fd);
			stretch_close(stretch);
			errno = error;
			return NULL;
		}
	}
	close(fd);
	return stretch;
}

void
stretch_close(struct stretch *stretch)
{
	if (stretch == NULL)
		return;
	while (stretch->count > 0)
		close(stretch->files[--stretch->count]);
	pthread_cond_destroy(&stretch->ended);
	pthread_mutex_destroy(&stretch->mutex);
	free(stretch);
}

/* The mutex is held.  A turn that no other process has is better. */
static int
pick(struct stretch *stretch, bool *locked)
{
	int	 first = -1;

	*locked = false;
	for (int i = 0; i < stretch->count; i++) {
		if (stretch->taken[i])
			continue;
		if (filelock_acquire(stretch->files[i], 0) == 0) {
			*locked = true;
			return i;
		}
		if (first == -1)
			first = i;
	}
	return first;
}

/* The number of a turn, or a STORE_ failure. */
static int
take_turn(struct stretch *stretch)
{
	int64_t		 deadline = clock_now() + stretch->wait, left;
	struct timespec	 until = clock_at(deadline);
	int		 turn, waited = 0, result;
	bool		 locked;

	pthread_mutex_lock(&stretch->mutex);
	while ((turn = pick(stretch, &locked)) == -1 && waited != ETIMEDOUT)
		waited = pthread_cond_timedwait(&stretch->ended,
		    &stretch->mutex, &until);
	if (turn != -1)
		stretch->taken[turn] = true;
	pthread_mutex_unlock(&stretch->mutex);
	if (turn == -1)
		return STORE_BUSY;
	if (locked)
		return turn;
	left = deadline - clock_now();
	result = filelock_acquire(stretch->files[turn],
	    left > 0 ? (int)left : 0);
	if (result == 0)
		return turn;
	pthread_mutex_lock(&stretch->mutex);
	stretch->taken[turn] = false;
	pthread_cond_signal(&stretch->ended);
	pthread_mutex_unlock(&stretch->mutex);
	return result == 1 ? STORE_BUSY : STORE_FAILED;
}

int
stretch_run(struct stretch *stretch, const uint8_t token[TOKEN_BYTES],
    const void *pin, size_t length, uint32_t passes, uint32_t memory,
    uint8_t out[SEAL_STRETCHBYTES])
{
	int	 turn = take_turn(stretch), result;

	if (turn == STORE_BUSY)
		log_event(LOG_STORE_BUSY, LOG_TEXT("where", "kdf"));
	else if (turn == STORE_FAILED)
		log_event(LOG_KDF_FAILED, LOG_NUMBER("errno", errno));
	if (turn < 0)
		return turn;
	result = seal_stretch(token, pin, length, passes, memory, out);
	filelock_release(stretch->files[turn]);
	pthread_mutex_lock(&stretch->mutex);
	stretch->taken[turn] = false;
	pthread_cond_signal(&stretch->ended);
	pthread_mutex_unlock(&stretch->mutex);
	if (result == 0)
		return 0;
	log_event(LOG_KDF_FAILED, LOG_NUMBER("passes", passes),
	    LOG_NUMBER("memory", memory));
	return STORE_FAILED;
}

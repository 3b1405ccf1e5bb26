/* SPDX-License-Identifier: ISC */
/*
 * Which clock is for what: the one that people set says when a secret is
 * over, the other how long somebody waits.
 */
#include "base/clock.h"

static struct timespec
read_clock(clockid_t id)
{
	struct timespec	 now;

	clock_gettime(id, &now);
	return now;
}

int64_t
clock_wall(void)
{
	struct timespec	 now = read_clock(CLOCK_REALTIME);

	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

int64_t
clock_now(void)
{
	return clock_now_us() / 1000;
}

int64_t
clock_now_us(void)
{
	struct timespec	 now = read_clock(CLOCK_MONOTONIC);

	return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

struct timespec
clock_at(int64_t ms)
{
	return (struct timespec){
		.tv_sec = (time_t)(ms / 1000),
		.tv_nsec = (long)(ms % 1000) * 1000000L,
	};
}

void
clock_sleep_us(int64_t us)
{
	nanosleep(&(struct timespec){
		.tv_sec = (time_t)(us / 1000000),
		.tv_nsec = (long)(us % 1000000) * 1000L,
	}, NULL);
}

void
clock_cond_init(pthread_cond_t *cond)
{
	pthread_condattr_t	 monotonic;

	pthread_condattr_init(&monotonic);
	pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
	pthread_cond_init(cond, &monotonic);
	pthread_condattr_destroy(&monotonic);
}

/* SPDX-License-Identifier: ISC */
#ifndef ONCELINK_CLOCK_H
#define ONCELINK_CLOCK_H

#include <pthread.h>
#include <stdint.h>
#include <time.h>

/* clock_wall(): milliseconds since 1970, as settings and people have it. */
int64_t	 clock_wall(void);

/* clock_now(), clock_now_us(): milliseconds and microseconds of a clock that
 * nobody sets; for waits. */
int64_t	 clock_now(void);
int64_t	 clock_now_us(void);

/* clock_at(ms): a time of clock_now as the system's calls take it. */
struct timespec clock_at(int64_t ms);

/* clock_sleep_us(us): rest for so many microseconds; less after a signal. */
void	 clock_sleep_us(int64_t us);

/* clock_cond_init(cond): a condition whose timed waits go by clock_at. */
void	 clock_cond_init(pthread_cond_t *cond);

#endif

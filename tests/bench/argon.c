/* SPDX-License-Identifier: ISC */
/*
 * How often this machine can do what a PIN costs: bare calls of libsodium's
 * Argon2id, one thread a core, for some seconds.  Prints calls a second.
 */
#include <err.h>
#include <errno.h>
#include <pthread.h>
#include <sodium.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <time.h>
#include <unistd.h>

#define PASSES		2
#define MEMORY		((size_t)19 << 20)
#define THREADS_MAX	256

static atomic_bool	 stop;
static atomic_long	 calls;

static void *
stretch(void *argument)
{
	static const char	 pin[] = "12345";
	unsigned char		 salt[crypto_pwhash_SALTBYTES] = { 1 };
	unsigned char		 out[32];

	(void)argument;
	while (!atomic_load(&stop)) {
		if (crypto_pwhash(out, sizeof(out), pin, sizeof(pin) - 1,
		    salt, PASSES, MEMORY, crypto_pwhash_ALG_ARGON2ID13) != 0)
			errx(EX_OSERR, "no memory");
		if (!atomic_load(&stop))
			(void)atomic_fetch_add(&calls, 1);
	}
	return NULL;
}

static double
now(void)
{
	struct timespec	 time;

	(void)clock_gettime(CLOCK_MONOTONIC, &time);
	return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
}

int
main(int argc, char *argv[])
{
	pthread_t	 threads[THREADS_MAX];
	char		*end;
	double		 started, seconds;
	long		 cores, done;

	if (argc != 2)
		errx(EX_USAGE, "usage: argon SECONDS");
	seconds = strtod(argv[1], &end);
	if (end == argv[1] || *end != '\0' || !(seconds > 0 && seconds < 3600))
		errx(EX_USAGE, "%s: not a number of seconds", argv[1]);
	if (sodium_init() == -1)
		errx(EX_SOFTWARE, "libsodium");
	cores = sysconf(_SC_NPROCESSORS_ONLN);
	if (cores < 1 || cores > THREADS_MAX)
		errx(EX_OSERR, "%ld cores", cores);
	started = now();
	for (long i = 0; i < cores; i++)
		if ((errno = pthread_create(&threads[i], NULL, stretch,
		    NULL)) != 0)
			err(EX_OSERR, "pthread_create");
	while (now() - started < seconds)
		(void)nanosleep(&(struct timespec){ .tv_nsec = 1000000 },
		    NULL);
	done = atomic_load(&calls);
	printf("%.2f\n", (double)done / (now() - started));
	atomic_store(&stop, true);
	for (long i = 0; i < cores; i++)
		(void)pthread_join(threads[i], NULL);
	return 0;
}

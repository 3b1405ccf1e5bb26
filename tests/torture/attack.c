/* SPDX-License-Identifier: ISC */
/*
 * How large an attack is, and what it prints.
 */
#include "attack.h"

#include <sys/mman.h>
#include <sys/wait.h>

#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

/* Lines about violations of one row. */
#define SHOWN 20

static struct {
	pthread_mutex_t	 mutex;
	const char	*name;
	struct timespec	 began;
	unsigned int	 count, failed;
} attack = { .mutex = PTHREAD_MUTEX_INITIALIZER };

void
attack_begin(const char *name)
{
	attack.name = name;
	(void)clock_gettime(CLOCK_MONOTONIC, &attack.began);
	(void)setvbuf(stdout, NULL, _IOLBF, 0);
}

static unsigned long
choose(unsigned long sample, unsigned long usual, unsigned long much)
{
	const char	*size = getenv("TORTURE");

	if (size != NULL && strcmp(size, "long") == 0)
		return much;
	if (size != NULL && strcmp(size, "default") == 0)
		return usual;
	if (size != NULL && strcmp(size, "sample") != 0 && *size != '\0') {
		(void)fprintf(stderr, "TORTURE is sample, default or long\n");
		exit(2);
	}
	return sample;
}

/* How much smaller a sample is to be. */
static double
scale(void)
{
	const char	*text = getenv("ONCELINK_TEST_SCALE");
	double		 factor = text == NULL ? 1 : strtod(text, NULL);

	return factor <= 0 || factor >= 1 ? 1 : factor;
}

unsigned long
attack_size(unsigned long sample, unsigned long usual, unsigned long much)
{
	unsigned long	 scaled = (unsigned long)((double)sample * scale());

	return choose(scaled == 0 ? 1 : scaled, usual, much);
}

unsigned long
attack_step(unsigned long sample, unsigned long usual, unsigned long much)
{
	return choose((unsigned long)((double)sample / scale()), usual, much);
}

unsigned long
attack_seed(void)
{
	const char	*text = getenv("ONCELINK_TORTURE_SEED");
	unsigned long	 seed;
	struct timespec	 now;

	(void)clock_gettime(CLOCK_REALTIME, &now);
	seed = text != NULL ? strtoul(text, NULL, 10) :
	    ((unsigned long)now.tv_nsec ^ (unsigned long)now.tv_sec << 10 ^
	    (unsigned long)getpid()) % 1000000000;
	attack_note("seed %lu", seed);
	return seed;
}

void
attack_broke(struct attack_row *row, const char *format, ...)
{
	va_list	 arguments;

	(void)pthread_mutex_lock(&attack.mutex);
	if (__atomic_fetch_add(&row->broke, 1, __ATOMIC_RELAXED) < SHOWN) {
		(void)printf("# broke %s: ", row->promise);
		va_start(arguments, format);
		(void)vprintf(format, arguments);
		va_end(arguments);
		(void)putchar('\n');
	}
	(void)pthread_mutex_unlock(&attack.mutex);
}

void
attack_tried(struct attack_row *row)
{
	(void)__atomic_fetch_add(&row->tried, 1, __ATOMIC_RELAXED);
}

struct attack_row *
attack_rows(const struct attack_row *rows, size_t count)
{
	struct attack_row *shared;

	shared = mmap(NULL, count * sizeof(*rows), PROT_READ | PROT_WRITE,
	    MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (shared == MAP_FAILED) {
		perror("attack: mmap");
		exit(2);
	}
	memcpy(shared, rows, count * sizeof(*rows));
	return shared;
}

void
attack_share(unsigned int processes, void (*work)(unsigned int, void *),
    void *argument)
{
	unsigned int	 failures = 0;
	int		 status;
	pid_t		 child;

	(void)fflush(stdout);
	for (unsigned int i = 0; i < processes; i++) {
		child = fork();
		if (child == -1) {
			perror("attack: fork");
			exit(2);
		}
		if (child == 0) {
			work(i, argument);
			(void)fflush(stdout);
			_exit(0);
		}
	}
	while (wait(&status) != -1)
		failures += !WIFEXITED(status) || WEXITSTATUS(status) != 0;
	attack_check(failures == 0, "all processes ended well");
}

void
attack_note(const char *format, ...)
{
	va_list	 arguments;

	(void)pthread_mutex_lock(&attack.mutex);
	(void)printf("# ");
	va_start(arguments, format);
	(void)vprintf(format, arguments);
	va_end(arguments);
	(void)putchar('\n');
	(void)pthread_mutex_unlock(&attack.mutex);
}

void
attack_check(bool good, const char *name)
{
	attack.count++;
	attack.failed += !good;
	(void)printf("%sok %u - %s\n", good ? "" : "not ", attack.count, name);
}

void
attack_row(const struct attack_row *row)
{
	struct timespec	 now;
	double		 seconds;

	(void)clock_gettime(CLOCK_MONOTONIC, &now);
	seconds = (double)(now.tv_sec - attack.began.tv_sec) +
	    (double)(now.tv_nsec - attack.began.tv_nsec) / 1e9;
	(void)printf("# torture | %s | %s | %s | %lu | %lu | %.1f\n",
	    attack.name, row->promise, row->what, row->tried, row->broke,
	    seconds);
	attack_check(row->tried > 0 && row->broke == 0, row->what);
}

int
attack_end(void)
{
	(void)printf("1..%u\n", attack.count);
	return attack.count > 0 && attack.failed == 0 ? 0 : 1;
}

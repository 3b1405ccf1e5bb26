/* SPDX-License-Identifier: ISC */

/*
 * Turns at Argon2id: no more at once than there are cores, over all processes
 * of a site; nobody waits longer than told; every turn comes back.
 *
 * Argon2id itself is not here: this program has a seal_stretch of its own,
 * which counts who is inside and stays until it is told to go.
 */

#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <semaphore.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/filelock.h"
#include "base/log.h"
#include "core/stretch.h"
#include "store/store.h"

#define SHORT	100	/* ms */
#define LONG	60000	/* ms; no test that passes waits for it */
#define GIVE_UP	20	/* s, to await what should be at once */

#define CROWD	12
#define ROUNDS	40
#define CORES_MAX 64

/* Seen by this process and its children. */
static struct watch {
	atomic_int	 inside;
	atomic_int	 most;		/* that were inside at once */
	atomic_int	 calls;
	atomic_bool	 hold;		/* stay until told to go */
	atomic_bool	 fail;
	sem_t		 entered;
	sem_t		 go;
} *watch;

static char directory[512];
static int cores;

/* Wait for a post; false when it did not come. */
static bool
await(sem_t *semaphore)
{
	struct timespec	 until;
	int		 result;

	(void)clock_gettime(CLOCK_REALTIME, &until);
	until.tv_sec += GIVE_UP;
	do
		result = sem_timedwait(semaphore, &until);
	while (result == -1 && errno == EINTR);
	return result == 0;
}

int
seal_stretch(const uint8_t token[TOKEN_BYTES], const void *pin, size_t length,
    uint32_t passes, uint32_t memory, uint8_t stretch[SEAL_STRETCHBYTES])
{
	int	 inside, most;

	(void)pin;
	(void)length;
	(void)passes;
	(void)memory;
	inside = atomic_fetch_add(&watch->inside, 1) + 1;
	most = atomic_load(&watch->most);
	while (inside > most &&
	    !atomic_compare_exchange_weak(&watch->most, &most, inside))
		continue;
	atomic_fetch_add(&watch->calls, 1);
	if (atomic_load(&watch->hold)) {
		(void)sem_post(&watch->entered);
		(void)await(&watch->go);
	} else
		for (int i = 0; i < 20; i++)
			(void)sched_yield();
	memcpy(stretch, token, TOKEN_BYTES);
	atomic_fetch_sub(&watch->inside, 1);
	return atomic_load(&watch->fail) ? -1 : 0;
}

static int
setup(void **state)
{
	const char	*base = getenv("TMPDIR");
	long		 online = sysconf(_SC_NPROCESSORS_ONLN);

	(void)state;
	cores = online < 1 ? 1 : online > CORES_MAX ? CORES_MAX : (int)online;
	watch = mmap(NULL, sizeof(*watch), PROT_READ | PROT_WRITE,
	    MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (watch == MAP_FAILED || sem_init(&watch->entered, 1, 0) == -1 ||
	    sem_init(&watch->go, 1, 0) == -1)
		return -1;
	(void)snprintf(directory, sizeof(directory),
	    "%s/oncelink-stretch.XXXXXX", base == NULL ? P_tmpdir : base);
	return mkdtemp(directory) == NULL ? -1 : 0;
}

static int
teardown(void **state)
{
	char	 path[600];

	(void)state;
	for (int i = 0; i < cores; i++) {
		(void)snprintf(path, sizeof(path), "%s/kdf.%d", directory, i);
		(void)unlink(path);
	}
	(void)sem_destroy(&watch->go);
	(void)sem_destroy(&watch->entered);
	(void)munmap(watch, sizeof(*watch));
	return rmdir(directory);
}

static struct stretch *
open_turns(int64_t wait)
{
	struct stretch	*stretch = stretch_open(directory, wait);

	assert_non_null(stretch);
	return stretch;
}

static int
run(struct stretch *stretch)
{
	uint8_t	 token[TOKEN_BYTES] = { 1, 2, 3 }, out[SEAL_STRETCHBYTES];
	int	 result;

	memset(out, 0, sizeof(out));
	result = stretch_run(stretch, token, "12345", 5, 1, 8192, out);
	if (result == 0 && memcmp(out, token, sizeof(token)) != 0)
		return -99;
	return result;
}

/* A thread that takes `rounds` turns. */
struct runner {
	struct stretch	*stretch;
	int		 rounds;
	int		 failures;
	int		 result;	/* of the last */
	pthread_t	 thread;
};

static void *
run_rounds(void *argument)
{
	struct runner	*runner = argument;

	for (int i = 0; i < runner->rounds; i++) {
		runner->result = run(runner->stretch);
		runner->failures += runner->result != 0;
	}
	return NULL;
}

static void
start(struct runner *runner, struct stretch *stretch, int rounds)
{
	*runner = (struct runner){ .stretch = stretch, .rounds = rounds };
	assert_int_equal(pthread_create(&runner->thread, NULL, run_rounds,
	    runner), 0);
}

static int
finish(struct runner *runner)
{
	assert_int_equal(pthread_join(runner->thread, NULL), 0);
	return runner->failures;
}

static void
runs_one_a_core_in_a_process(void **state)
{
	struct stretch	*stretch = open_turns(LONG);
	struct runner	 runners[CROWD];

	(void)state;
	for (int i = 0; i < CROWD; i++)
		start(&runners[i], stretch, ROUNDS);
	for (int i = 0; i < CROWD; i++)
		assert_int_equal(finish(&runners[i]), 0);
	assert_int_equal(atomic_load(&watch->calls), CROWD * ROUNDS);
	assert_in_range(atomic_load(&watch->most), 1, cores);
	stretch_close(stretch);
}

static void
runs_one_a_core_over_opens(void **state)
{
	struct stretch	*stretch[CROWD];
	struct runner	 runners[CROWD];

	(void)state;
	for (int i = 0; i < CROWD; i++) {
		stretch[i] = open_turns(LONG);
		start(&runners[i], stretch[i], ROUNDS);
	}
	for (int i = 0; i < CROWD; i++) {
		assert_int_equal(finish(&runners[i]), 0);
		stretch_close(stretch[i]);
	}
	assert_in_range(atomic_load(&watch->most), 1, cores);
}

static void
uses_every_core(void **state)
{
	struct stretch	*stretch = open_turns(LONG);
	struct runner	 runners[CORES_MAX + 1];

	(void)state;
	atomic_store(&watch->hold, true);
	for (int i = 0; i < cores + 1; i++)
		start(&runners[i], stretch, 1);
	for (int i = 0; i < cores; i++)
		assert_true(await(&watch->entered));
	/* One goes, and only then the last comes in. */
	assert_int_equal(sem_post(&watch->go), 0);
	assert_true(await(&watch->entered));
	for (int i = 0; i < cores; i++)
		assert_int_equal(sem_post(&watch->go), 0);
	for (int i = 0; i < cores + 1; i++)
		assert_int_equal(finish(&runners[i]), 0);
	assert_int_equal(atomic_load(&watch->most), cores);
	stretch_close(stretch);
}

/* Everybody holds a turn; whoever else wants one is told that it is busy. */
static void
waits_no_longer_than_told(void **state)
{
	struct stretch	*stretch = open_turns(SHORT), *other;
	struct runner	 runners[CORES_MAX], late;

	(void)state;
	atomic_store(&watch->hold, true);
	for (int i = 0; i < cores; i++) {
		start(&runners[i], stretch, 1);
		assert_true(await(&watch->entered));
	}
	start(&late, stretch, 1);
	assert_int_equal(finish(&late), 1);
	assert_int_equal(late.result, STORE_BUSY);
	/* As if it were another process. */
	other = open_turns(SHORT);
	start(&late, other, 1);
	assert_int_equal(finish(&late), 1);
	assert_int_equal(late.result, STORE_BUSY);

	for (int i = 0; i < cores; i++)
		assert_int_equal(sem_post(&watch->go), 0);
	for (int i = 0; i < cores; i++)
		assert_int_equal(finish(&runners[i]), 0);
	atomic_store(&watch->hold, false);
	assert_int_equal(run(stretch), 0);
	assert_int_equal(run(other), 0);
	assert_int_equal(atomic_load(&watch->calls), cores + 2);
	stretch_close(other);
	stretch_close(stretch);
}

static void
gives_turns_back_after_failure(void **state)
{
	struct stretch	*stretch = open_turns(SHORT), *other;

	(void)state;
	atomic_store(&watch->fail, true);
	for (int i = 0; i < 3 * cores; i++)
		assert_int_equal(run(stretch), STORE_FAILED);
	atomic_store(&watch->fail, false);
	other = open_turns(SHORT);
	assert_int_equal(run(stretch), 0);
	assert_int_equal(run(other), 0);
	stretch_close(other);
	stretch_close(stretch);
}

static void
gives_turns_back_after_waiting_in_vain(void **state)
{
	struct stretch	*busy = open_turns(LONG), *stretch;
	struct runner	 runners[CORES_MAX];

	(void)state;
	atomic_store(&watch->hold, true);
	for (int i = 0; i < cores; i++) {
		start(&runners[i], busy, 1);
		assert_true(await(&watch->entered));
	}
	stretch = open_turns(SHORT);
	for (int i = 0; i < cores + 1; i++)
		assert_int_equal(run(stretch), STORE_BUSY);
	for (int i = 0; i < cores; i++)
		assert_int_equal(sem_post(&watch->go), 0);
	for (int i = 0; i < cores; i++)
		assert_int_equal(finish(&runners[i]), 0);
	/* All of its turns are there, not only those it did not wait for. */
	for (int i = 0; i < cores; i++) {
		start(&runners[i], stretch, 1);
		assert_true(await(&watch->entered));
	}
	for (int i = 0; i < cores; i++)
		assert_int_equal(sem_post(&watch->go), 0);
	for (int i = 0; i < cores; i++)
		assert_int_equal(finish(&runners[i]), 0);
	stretch_close(stretch);
	stretch_close(busy);
}

/* What a child does: hold one turn until it is ended. */
static void
hold_a_turn(void)
{
	struct stretch	*stretch = stretch_open(directory, LONG);

	_exit(stretch == NULL || run(stretch) != 0);
}

static void
shares_turns_with_other_processes(void **state)
{
	struct stretch	*stretch;
	pid_t		 children[CORES_MAX];
	int		 status;

	(void)state;
	atomic_store(&watch->hold, true);
	for (int i = 0; i < cores; i++) {
		children[i] = fork();
		assert_true(children[i] != -1);
		if (children[i] == 0)
			hold_a_turn();
		assert_true(await(&watch->entered));
	}
	atomic_store(&watch->hold, false);
	stretch = open_turns(SHORT);
	assert_int_equal(run(stretch), STORE_BUSY);

	/* Whoever is killed with a turn takes none along. */
	assert_int_equal(kill(children[0], SIGKILL), 0);
	assert_int_equal(waitpid(children[0], &status, 0), children[0]);
	assert_int_equal(run(stretch), 0);
	for (int i = 1; i < cores; i++)
		assert_int_equal(sem_post(&watch->go), 0);
	for (int i = 1; i < cores; i++) {
		assert_int_equal(waitpid(children[i], &status, 0),
		    children[i]);
		assert_int_equal(status, 0);
	}
	assert_int_equal(run(stretch), 0);
	stretch_close(stretch);
}

static void
says_why_it_cannot_open(void **state)
{
	char	 missing[600];

	(void)state;
	(void)snprintf(missing, sizeof(missing), "%s/missing", directory);
	errno = 0;
	assert_null(stretch_open(missing, SHORT));
	assert_int_equal(errno, ENOENT);
	stretch_close(NULL);
}

int
main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		/* First, before there were threads. */
		TEST(shares_turns_with_other_processes),
		TEST(runs_one_a_core_in_a_process),
		TEST(runs_one_a_core_over_opens),
		TEST(uses_every_core),
		TEST(waits_no_longer_than_told),
		TEST(gives_turns_back_after_failure),
		TEST(gives_turns_back_after_waiting_in_vain),
		TEST(says_why_it_cannot_open),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	if (filelock_prepare() == -1)
		return 1;
	log_open("stretch_test", LOG_TO_STDERR, LOG_LEVEL_ERROR);
	return cmocka_run_group_tests(tests, NULL, NULL);
}

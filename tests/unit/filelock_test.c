/* SPDX-License-Identifier: ISC */

/* The lock excludes, waits no longer than told, and goes to who waited. */

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/filelock.h"

#define LONG 60000	/* milliseconds that no test waits for */
#define ROUNDS 100

static char directory_name[4096];
static int directory;

/* A thread that takes the lock `rounds` times, once it is told to. */
struct waiter {
	pthread_t	 thread;
	int		 fd;
	int		 milliseconds;
	int		 rounds;
	int		 rc;		/* of the last try */
	bool		 blocked;	/* all signals */
	bool		 mask_kept;
	bool		 pending;	/* a signal was left over */
	atomic_int	 started;	/* rounds */
	atomic_int	 allowed;	/* rounds */
	atomic_int	 got;		/* rounds */
	atomic_int	 id;		/* of the thread */
};

static void
interrupt(int signal)
{
	(void)signal;
}

static int
setup(void **state)
{
	const char *parent = getenv("TMPDIR");
	struct sigaction action;

	(void)state;
	(void)snprintf(directory_name, sizeof(directory_name),
	    "%s/oncelink-filelock-XXXXXX", parent != NULL ? parent : "/tmp");
	if (mkdtemp(directory_name) == NULL)
		return -1;
	directory = open(directory_name, O_RDONLY | O_DIRECTORY);
	memset(&action, 0, sizeof(action));
	action.sa_handler = interrupt;
	if (sigaction(SIGUSR1, &action, NULL) == -1)
		return -1;
	return directory == -1 ? -1 : filelock_prepare();
}

static int
teardown(void **state)
{
	(void)state;
	(void)unlinkat(directory, "lock", 0);
	(void)unlinkat(directory, "link", 0);
	(void)close(directory);
	return rmdir(directory_name);
}

static int64_t
now(void)
{
	struct timespec time;

	assert_int_equal(clock_gettime(CLOCK_MONOTONIC, &time), 0);
	return (int64_t)time.tv_sec * 1000 + time.tv_nsec / 1000000;
}

static int
open_lock(void)
{
	int fd;

	fd = filelock_open(directory, "lock");
	assert_true(fd >= 0);
	return fd;
}

static void *
waiter_main(void *arg)
{
	struct waiter *waiter = arg;
	sigset_t all, before, after, pending;
	int i;

	(void)sigfillset(&all);
	if (waiter->blocked)
		(void)pthread_sigmask(SIG_BLOCK, &all, NULL);
	(void)pthread_sigmask(SIG_SETMASK, NULL, &before);
	atomic_store(&waiter->id, gettid());
	for (i = 0; i < waiter->rounds; i++) {
		while (atomic_load(&waiter->allowed) <= i)
			(void)sched_yield();
		atomic_fetch_add(&waiter->started, 1);
		waiter->rc = filelock_acquire(waiter->fd,
		    waiter->milliseconds);
		if (waiter->rc == 0) {
			atomic_fetch_add(&waiter->got, 1);
			filelock_release(waiter->fd);
		}
	}
	(void)pthread_sigmask(SIG_SETMASK, NULL, &after);
	(void)sigpending(&pending);
	waiter->mask_kept = true;
	for (i = 1; i <= SIGRTMAX; i++)
		if (sigismember(&before, i) != sigismember(&after, i))
			waiter->mask_kept = false;
	waiter->pending = !sigisemptyset(&pending);
	return NULL;
}

static void
waiter_start(struct waiter *waiter, int milliseconds, int rounds)
{
	waiter->fd = open_lock();
	waiter->milliseconds = milliseconds;
	waiter->rounds = rounds;
	assert_int_equal(pthread_create(&waiter->thread, NULL, waiter_main,
	    waiter), 0);
}

static void
waiter_end(struct waiter *waiter)
{
	assert_int_equal(pthread_join(waiter->thread, NULL), 0);
	assert_true(waiter->mask_kept);
	assert_false(waiter->pending);
	(void)close(waiter->fd);
}

/* Until its round `round` sleeps in the kernel, which only the lock causes. */
static void
waiter_await_sleep(struct waiter *waiter, int round)
{
	char path[64], text[256];
	const char *end;
	size_t n;
	FILE *file;

	while (atomic_load(&waiter->started) < round)
		(void)sched_yield();
	(void)snprintf(path, sizeof(path), "/proc/self/task/%d/stat",
	    atomic_load(&waiter->id));
	for (;;) {
		file = fopen(path, "r");
		assert_non_null(file);
		n = fread(text, 1, sizeof(text) - 1, file);
		(void)fclose(file);
		text[n] = '\0';
		end = strrchr(text, ')');
		assert_non_null(end);
		if (end[1] == ' ' && end[2] == 'S')
			return;
		(void)sched_yield();
	}
}

static void
test_open(void **state)
{
	struct stat status;
	int fd;

	(void)state;
	fd = open_lock();
	assert_int_equal(fstat(fd, &status), 0);
	assert_int_equal(status.st_mode & 07777, 0600);
	assert_int_equal(fcntl(fd, F_GETFD) & FD_CLOEXEC, FD_CLOEXEC);
	(void)close(fd);

	assert_int_equal(symlinkat("lock", directory, "link"), 0);
	assert_int_equal(filelock_open(directory, "link"), -1);
	assert_int_equal(filelock_open(-1, "lock"), -1);
}

static void
test_excludes(void **state)
{
	int one, two;

	(void)state;
	one = open_lock();
	two = open_lock();
	assert_int_equal(filelock_acquire(one, 0), 0);
	assert_int_equal(filelock_acquire(two, 0), 1);
	filelock_release(one);
	assert_int_equal(filelock_acquire(two, 0), 0);
	assert_int_equal(filelock_acquire(one, 0), 1);
	(void)close(two);
	assert_int_equal(filelock_acquire(one, 0), 0);
	(void)close(one);
	errno = 0;
	assert_int_equal(filelock_acquire(-1, 10), -1);
	assert_int_equal(errno, EBADF);
}

static void
test_time_over(void **state)
{
	static const int waits[] = { 1, 20, 120 };
	struct waiter waiter;
	int64_t start;
	size_t i;
	int fd;

	(void)state;
	fd = open_lock();
	assert_int_equal(filelock_acquire(fd, 0), 0);
	for (i = 0; i < 6; i++) {
		memset(&waiter, 0, sizeof(waiter));
		waiter.blocked = i >= 3;
		waiter.allowed = 1;
		start = now();
		waiter_start(&waiter, waits[i % 3], 1);
		waiter_end(&waiter);
		assert_int_equal(waiter.rc, 1);
		assert_true(now() - start >= waits[i % 3]);
	}

	/* Who waits for the gate, behind another, has the same bound. */
	memset(&waiter, 0, sizeof(waiter));
	waiter.allowed = 1;
	waiter_start(&waiter, LONG, 1);
	waiter_await_sleep(&waiter, 1);
	for (i = 0; i < 3; i++) {
		int other = open_lock();

		start = now();
		assert_int_equal(filelock_acquire(other, waits[i]), 1);
		assert_true(now() - start >= waits[i]);
		assert_int_equal(filelock_acquire(other, 0), 1);
		(void)close(other);
	}
	filelock_release(fd);
	waiter_end(&waiter);
	assert_int_equal(waiter.rc, 0);
	(void)close(fd);
}

static void
test_interrupted(void **state)
{
	struct waiter waiter;
	int fd, i;

	(void)state;
	fd = open_lock();
	assert_int_equal(filelock_acquire(fd, 0), 0);
	memset(&waiter, 0, sizeof(waiter));
	waiter.allowed = 1;
	waiter_start(&waiter, LONG, 1);
	for (i = 0; i < 50; i++) {
		waiter_await_sleep(&waiter, 1);
		assert_int_equal(pthread_kill(waiter.thread, SIGUSR1), 0);
	}
	waiter_await_sleep(&waiter, 1);
	assert_int_equal(atomic_load(&waiter.got), 0);
	filelock_release(fd);
	waiter_end(&waiter);
	assert_int_equal(waiter.rc, 0);
	(void)close(fd);
}

/* The one who releases and wants it again comes after the one who sleeps. */
static void
test_fair(void **state)
{
	struct waiter waiter;
	int fd, i;

	(void)state;
	fd = open_lock();
	memset(&waiter, 0, sizeof(waiter));
	assert_int_equal(filelock_acquire(fd, 0), 0);
	waiter_start(&waiter, LONG, ROUNDS);
	for (i = 1; i <= ROUNDS; i++) {
		atomic_fetch_add(&waiter.allowed, 1);
		waiter_await_sleep(&waiter, i);
		filelock_release(fd);
		assert_int_equal(filelock_acquire(fd, LONG), 0);
		assert_int_equal(atomic_load(&waiter.got), i);
	}
	filelock_release(fd);
	waiter_end(&waiter);
	(void)close(fd);
}

static void
test_crowd(void **state)
{
	struct waiter waiters[8];
	size_t i;

	(void)state;
	memset(waiters, 0, sizeof(waiters));
	for (i = 0; i < 8; i++) {
		waiters[i].allowed = ROUNDS;
		waiters[i].blocked = i % 2 == 0;
		waiter_start(&waiters[i], LONG, ROUNDS);
	}
	for (i = 0; i < 8; i++) {
		waiter_end(&waiters[i]);
		assert_int_equal(atomic_load(&waiters[i].got), ROUNDS);
	}
}

static void
test_dead_holder(void **state)
{
	int fd, pair[2], status;
	char byte;
	pid_t pid;

	(void)state;
	assert_int_equal(pipe(pair), 0);
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		fd = filelock_open(directory, "lock");
		if (fd == -1 || filelock_acquire(fd, 0) != 0)
			_exit(1);
		(void)!write(pair[1], "x", 1);
		for (;;)
			(void)pause();
	}
	(void)close(pair[1]);
	assert_int_equal(read(pair[0], &byte, 1), 1);
	(void)close(pair[0]);
	fd = open_lock();
	assert_int_equal(filelock_acquire(fd, 0), 1);
	assert_int_equal(kill(pid, SIGKILL), 0);
	assert_int_equal(filelock_acquire(fd, LONG), 0);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	(void)close(fd);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_open, setup, teardown),
		cmocka_unit_test_setup_teardown(test_excludes, setup,
		    teardown),
		cmocka_unit_test_setup_teardown(test_time_over, setup,
		    teardown),
		cmocka_unit_test_setup_teardown(test_interrupted, setup,
		    teardown),
		cmocka_unit_test_setup_teardown(test_fair, setup, teardown),
		cmocka_unit_test_setup_teardown(test_crowd, setup, teardown),
		cmocka_unit_test_setup_teardown(test_dead_holder, setup,
		    teardown),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: ISC */

/*
 * This file knows how to wait for an flock(2) for a bounded time without
 * polling, and in turn.
 *
 * The bound: a timer of this thread alone sends it a signal that has an empty
 * handler and no SA_RESTART, so that the sleeping call comes back with EINTR.
 * It fires again and again after the deadline, because a signal that arrives
 * just before the thread goes to sleep wakes nobody.
 *
 * The turn: flock alone lets the one who has just released a lock take it
 * again before the one who was woken runs, so that a busy process starves the
 * others.  Whoever wants the lock therefore first takes the gate, a lock of
 * the open file description (F_OFD_SETLKW) on the file's first byte, and holds
 * it until the lock itself is got: who released must queue behind the waiter
 * that is through the gate.
 */

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#include <sys/file.h>
#include <time.h>
#include <unistd.h>

#include "base/filelock.h"

#define FILELOCK_AGAIN_NS	10000000L	/* after the deadline */
#define NS_A_SECOND		1000000000L

enum step { STEP_GATE, STEP_LOCK };

struct wait {
	timer_t		 timer;
	struct timespec	 deadline;	/* CLOCK_MONOTONIC */
	sigset_t	 waking;	/* the waking signal */
	sigset_t	 before;	/* the thread's mask */
};

/* Not SIGUSR1 and SIGUSR2, which mean something to the programs. */
static int
waking_signal(void)
{
	return SIGRTMIN + 4;
}

static void
wake(int signal)
{
	(void)signal;
}

int
filelock_prepare(void)
{
	struct sigaction action;

	memset(&action, 0, sizeof(action));
	action.sa_handler = wake;
	(void)sigemptyset(&action.sa_mask);
	return sigaction(waking_signal(), &action, NULL);
}

int
filelock_open(int directory, const char *name)
{
	return openat(directory, name,
	    O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
}

static int
gate(int fd, int command, short type)
{
	struct flock lock;

	memset(&lock, 0, sizeof(lock));
	lock.l_type = type;
	lock.l_whence = SEEK_SET;
	lock.l_len = 1;
	return fcntl(fd, command, &lock);
}

static void
gate_open(int fd)
{
	(void)gate(fd, F_OFD_SETLK, F_UNLCK);
}

/* Returns 0 when the step is done, 1 when somebody is in the way, or -1. */
static int
step_try(int fd, enum step step)
{
	int rc;

	do {
		if (step == STEP_GATE)
			rc = gate(fd, F_OFD_SETLK, F_WRLCK);
		else
			rc = flock(fd, LOCK_EX | LOCK_NB);
	} while (rc == -1 && errno == EINTR);
	if (rc == -1 && (errno == EWOULDBLOCK || errno == EACCES))
		return 1;
	return rc;
}

static bool
is_over(const struct wait *wait)
{
	struct timespec now;

	if (clock_gettime(CLOCK_MONOTONIC, &now) == -1)
		return true;
	if (now.tv_sec != wait->deadline.tv_sec)
		return now.tv_sec > wait->deadline.tv_sec;
	return now.tv_nsec >= wait->deadline.tv_nsec;
}

/* As step_try, asleep until the deadline. */
static int
step_wait(int fd, enum step step, const struct wait *wait)
{
	int rc;

	for (;;) {
		if (step == STEP_GATE)
			rc = gate(fd, F_OFD_SETLKW, F_WRLCK);
		else
			rc = flock(fd, LOCK_EX);
		if (rc == 0 || errno != EINTR)
			return rc;
		if (is_over(wait))
			return 1;
	}
}

/* Start the timer and let its signal through; -1 with errno. */
static int
wait_begin(struct wait *wait, int milliseconds)
{
	struct sigevent event;
	struct itimerspec when;
	int error;

	if (clock_gettime(CLOCK_MONOTONIC, &wait->deadline) == -1)
		return -1;
	wait->deadline.tv_sec += milliseconds / 1000;
	wait->deadline.tv_nsec += (long)(milliseconds % 1000) * 1000000;
	if (wait->deadline.tv_nsec >= NS_A_SECOND) {
		wait->deadline.tv_nsec -= NS_A_SECOND;
		wait->deadline.tv_sec++;
	}

	memset(&event, 0, sizeof(event));
	event.sigev_notify = SIGEV_THREAD_ID;
	event.sigev_signo = waking_signal();
	event._sigev_un._tid = gettid();
	if (timer_create(CLOCK_MONOTONIC, &event, &wait->timer) == -1)
		return -1;

	(void)sigemptyset(&wait->waking);
	(void)sigaddset(&wait->waking, waking_signal());
	error = pthread_sigmask(SIG_UNBLOCK, &wait->waking, &wait->before);
	if (error != 0) {
		(void)timer_delete(wait->timer);
		errno = error;
		return -1;
	}

	when.it_value = wait->deadline;
	when.it_interval.tv_sec = 0;
	when.it_interval.tv_nsec = FILELOCK_AGAIN_NS;
	if (timer_settime(wait->timer, TIMER_ABSTIME, &when, NULL) == -1) {
		error = errno;
		(void)timer_delete(wait->timer);
		(void)pthread_sigmask(SIG_SETMASK, &wait->before, NULL);
		errno = error;
		return -1;
	}
	return 0;
}

/*
 * Stop the timer.  A signal it has sent already must not interrupt what the
 * thread does next (a read of libfcgi takes EINTR for a broken connection):
 * it is taken away while it is blocked.
 */
static void
wait_end(struct wait *wait)
{
	const struct timespec none = { 0, 0 };
	int error = errno;

	(void)pthread_sigmask(SIG_BLOCK, &wait->waking, NULL);
	(void)timer_delete(wait->timer);
	while (sigtimedwait(&wait->waking, NULL, &none) != -1 ||
	    errno == EINTR)
		continue;
	(void)pthread_sigmask(SIG_SETMASK, &wait->before, NULL);
	errno = error;
}

int
filelock_acquire(int fd, int milliseconds)
{
	struct wait wait;
	bool waiting = false;
	int rc;

	rc = step_try(fd, STEP_GATE);
	if (rc == 1 && milliseconds > 0) {
		if (wait_begin(&wait, milliseconds) == -1)
			return -1;
		waiting = true;
		rc = step_wait(fd, STEP_GATE, &wait);
	}
	if (rc != 0)
		goto done;

	rc = step_try(fd, STEP_LOCK);
	if (rc == 1 && milliseconds > 0) {
		if (!waiting && wait_begin(&wait, milliseconds) == -1) {
			rc = -1;
			goto opened;
		}
		waiting = true;
		rc = step_wait(fd, STEP_LOCK, &wait);
	}
opened:
	gate_open(fd);
done:
	if (waiting)
		wait_end(&wait);
	return rc;
}

void
filelock_release(int fd)
{
	(void)flock(fd, LOCK_UN);
}

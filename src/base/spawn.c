/* SPDX-License-Identifier: ISC */
/*
 * How another program is run: what it inherits, what it is given, and how long
 * it may take.
 */
#include <sys/syscall.h>
#include <sys/wait.h>

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdbool.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/spawn.h"

/* Between the polite signal and the other one, in milliseconds. */
#define GRACE 2000

/*
 * The input is in the pipe before there is anybody to read it: it fits, so
 * nobody waits, and a program that does not read cannot break the pipe.
 * Returns the end to read from, or -1 with errno.
 */
static int
fill_pipe(const void *input, size_t size)
{
	int	 ends[2], error = EFBIG;

	if (pipe2(ends, O_CLOEXEC | O_NONBLOCK) == -1)
		return -1;
	/* A user with many pipes gets small ones. */
	if (fcntl(ends[1], F_GETPIPE_SZ) < (int)SPAWN_INPUT_MAX)
		(void)fcntl(ends[1], F_SETPIPE_SZ, (int)SPAWN_INPUT_MAX);
	if (size <= SPAWN_INPUT_MAX) {
		error = 0;
		if (write(ends[1], input, size) != (ssize_t)size)
			error = EAGAIN;
	}
	close(ends[1]);
	if (error == 0 && fcntl(ends[0], F_SETFL, 0) == 0)
		return ends[0];
	if (error == 0)
		error = errno;
	close(ends[0]);
	errno = error;
	return -1;
}

static int
set_up(posix_spawn_file_actions_t *actions, posix_spawnattr_t *attributes,
    int input)
{
	sigset_t	 none, all;
	int		 error;

	sigemptyset(&none);
	sigfillset(&all);
	error = posix_spawn_file_actions_adddup2(actions, input,
	    STDIN_FILENO);
	if (error == 0)
		error = posix_spawn_file_actions_addopen(actions,
		    STDOUT_FILENO, "/dev/null", O_WRONLY, 0);
	if (error == 0)
		error = posix_spawn_file_actions_adddup2(actions,
		    STDOUT_FILENO, STDERR_FILENO);
	/* Ours are all O_CLOEXEC; those of whoever started us may not be. */
	if (error == 0)
		error = posix_spawn_file_actions_addclosefrom_np(actions,
		    STDERR_FILENO + 1);
	if (error == 0)
		error = posix_spawnattr_setsigmask(attributes, &none);
	if (error == 0)
		error = posix_spawnattr_setsigdefault(attributes, &all);
	if (error == 0)
		error = posix_spawnattr_setpgroup(attributes, 0);
	if (error == 0)
		error = posix_spawnattr_setflags(attributes,
		    POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF |
		    POSIX_SPAWN_SETPGROUP);
	return error;
}

/* Returns 0 or an errno. */
static int
start(const char *program, char *const arguments[], int input, pid_t *child)
{
	posix_spawn_file_actions_t actions;
	posix_spawnattr_t	 attributes;
	int			 error;

	if ((error = posix_spawn_file_actions_init(&actions)) != 0)
		return error;
	if ((error = posix_spawnattr_init(&attributes)) == 0) {
		error = set_up(&actions, &attributes, input);
		if (error == 0)
			error = posix_spawn(child, program, &actions,
			    &attributes, arguments, environ);
		posix_spawnattr_destroy(&attributes);
	}
	posix_spawn_file_actions_destroy(&actions);
	return error;
}

/* Has it ended within that time?  The descriptor tells. */
static bool
await(int descriptor, int64_t milliseconds)
{
	struct pollfd	 waiting = { .fd = descriptor, .events = POLLIN };
	int64_t		 until = clock_now() + milliseconds;
	int		 ready;

	do {
		milliseconds = until - clock_now();
		ready = poll(&waiting, 1, milliseconds < 0 ? 0 :
		    (int)milliseconds);
	} while (ready == -1 && errno == EINTR);
	return ready == 1;
}

enum spawn_outcome
spawn_run(const char *program, char *const arguments[], const void *input,
    size_t size, int64_t milliseconds, int *status)
{
	pid_t	 child;
	int	 from, descriptor, ended = 0;
	bool	 in_time;

	if ((from = fill_pipe(input, size)) == -1) {
		*status = errno;
		return SPAWN_NOT_STARTED;
	}
	*status = start(program, arguments, from, &child);
	close(from);
	if (*status != 0)
		return SPAWN_NOT_STARTED;
	/* Without one there is no bound, and it is ended at once. */
	descriptor = (int)syscall(SYS_pidfd_open, child, 0);
	in_time = descriptor != -1 && await(descriptor, milliseconds);
	if (!in_time) {
		kill(-child, SIGTERM);
		if (descriptor != -1)
			(void)await(descriptor, GRACE);
		/* Others of the group may stay when the first has gone. */
		kill(-child, SIGKILL);
	}
	if (descriptor != -1)
		close(descriptor);
	while (waitpid(child, &ended, 0) == -1)
		if (errno != EINTR) {
			*status = errno;
			return SPAWN_NOT_STARTED;
		}
	*status = WIFEXITED(ended) ? WEXITSTATUS(ended) : WTERMSIG(ended);
	if (!in_time)
		return SPAWN_TIMED_OUT;
	return WIFEXITED(ended) ? SPAWN_EXITED : SPAWN_KILLED;
}

/* SPDX-License-Identifier: ISC */
/*
 * Starts a program in its own place and notes how it ended, where a web server
 * is its parent and tells nobody:
 *
 *     keeper FILE PROGRAM [ARGUMENT ...]
 *
 * appends "process status signal asked" to FILE.  What the web server asks of
 * it by a signal it asks of the program; when it is killed so is the program.
 */
#define _GNU_SOURCE

#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static volatile sig_atomic_t	child, asked;

static void
hand_on(int number)
{
	asked = number;
	if (child > 0)
		(void)kill((pid_t)child, number);
}

static void
keep(const char *name, int status)
{
	char	 line[64];
	int	 fd, length, sig;

	sig = WIFSIGNALED(status) ? WTERMSIG(status) : 0;
	length = snprintf(line, sizeof(line), "%d %d %d %d\n", (int)child,
	    sig == 0 ? WEXITSTATUS(status) : 0, sig, (int)asked);
	if ((fd = open(name, O_WRONLY | O_APPEND | O_CLOEXEC)) == -1 ||
	    write(fd, line, (size_t)length) != length)
		abort();
	if (sig == 0)
		_exit(WEXITSTATUS(status));
	/* Its parent sees the same end. */
	signal(sig, SIG_DFL);
	raise(sig);
	_exit(128 + sig);
}

int
main(int argc, char **argv)
{
	static const int	 numbers[] = { SIGTERM, SIGINT, SIGHUP,
				    SIGUSR1 };
	const struct rlimit	 none = { 0, 0 };
	struct sigaction	 action = { .sa_handler = hand_on };
	sigset_t		 held, before;
	pid_t			 own = getpid(), process;
	size_t			 i;
	int			 status;

	if (argc < 3)
		return 64;
	sigemptyset(&held);
	for (i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++)
		sigaddset(&held, numbers[i]);
	sigprocmask(SIG_BLOCK, &held, &before);
	if ((process = fork()) == -1)
		return 71;
	if (process == 0) {
		(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
		if (getppid() != own)
			_exit(0);
		sigprocmask(SIG_SETMASK, &before, NULL);
		execv(argv[2], argv + 2);
		_exit(72);
	}
	child = process;
	(void)setrlimit(RLIMIT_CORE, &none);
	for (i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++)
		sigaction(numbers[i], &action, NULL);
	sigprocmask(SIG_SETMASK, &before, NULL);
	while (waitpid(process, &status, 0) == -1)
		if (errno != EINTR)
			return 71;
	keep(argv[1], status);
	return 0;
}

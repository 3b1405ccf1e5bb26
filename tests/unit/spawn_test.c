/* SPDX-License-Identifier: ISC */

/* What a program is given, what it inherits, and how long it may take. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <sys/stat.h>

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/spawn.h"

#define SHELL "/bin/sh"

static char	 place[64];	/* a file that the scripts write to */

static int
setup(void **state)
{
	int	 fd;

	(void)state;
	(void)snprintf(place, sizeof(place), "%s/oncelink-spawn.XXXXXX",
	    getenv("TMPDIR") == NULL ? P_tmpdir : getenv("TMPDIR"));
	if ((fd = mkstemp(place)) == -1)
		return -1;
	return close(fd);
}

static int
teardown(void **state)
{
	(void)state;
	return unlink(place);
}

/* Run a line of shell, in which $1 is the place. */
static enum spawn_outcome
run(const char *script, const void *input, size_t size, int64_t milliseconds,
    int *status)
{
	char	*arguments[] = { strdup("sh"), strdup("-c"), strdup(script),
		    strdup("sh"), place, NULL };
	enum spawn_outcome outcome;

	outcome = spawn_run(SHELL, arguments, input, size, milliseconds,
	    status);
	for (int i = 0; i < 4; i++)
		free(arguments[i]);
	return outcome;
}

static size_t
read_place(char *bytes, size_t size)
{
	FILE	*file = fopen(place, "r");
	size_t	 got;

	assert_non_null(file);
	got = fread(bytes, 1, size, file);
	(void)fclose(file);
	return got;
}

static void
gives_input_and_status(void **state)
{
	static char	 input[SPAWN_INPUT_MAX + 1], got[sizeof(input) + 1];
	int		 status;

	(void)state;
	memset(input, 'x', sizeof(input));
	assert_int_equal(run("cat >\"$1\"; exit 75", input, SPAWN_INPUT_MAX,
	    10000, &status), SPAWN_EXITED);
	assert_int_equal(status, 75);
	assert_int_equal(read_place(got, sizeof(got)), SPAWN_INPUT_MAX);
	assert_memory_equal(got, input, SPAWN_INPUT_MAX);
	/* Who does not read is not waited for, and breaks nothing. */
	assert_int_equal(run("exit 0", input, SPAWN_INPUT_MAX, 10000,
	    &status), SPAWN_EXITED);
	assert_int_equal(status, 0);
	assert_int_equal(run("kill -9 $$", "", 0, 10000, &status),
	    SPAWN_KILLED);
	assert_int_equal(status, SIGKILL);
	assert_int_equal(run("exit 0", input, SPAWN_INPUT_MAX + 1, 10000,
	    &status), SPAWN_NOT_STARTED);
	assert_int_equal(status, EFBIG);
}

static void
says_what_does_not_start(void **state)
{
	char	 name[] = "nothing", *arguments[] = { name, NULL };
	int	 status;

	(void)state;
	assert_int_equal(spawn_run("/nonexistent/nothing", arguments, "", 0,
	    1000, &status), SPAWN_NOT_STARTED);
	assert_int_equal(status, ENOENT);
	assert_int_equal(spawn_run(place, arguments, "", 0, 1000, &status),
	    SPAWN_NOT_STARTED);
	assert_int_equal(status, EACCES);
}

static void
inherits_nothing(void **state)
{
	char		 got[256];
	int		 fd, status;
	sigset_t	 blocked, before;

	(void)state;
	/* Neither what is meant to be inherited nor a blocked signal. */
	fd = open("/dev/null", O_RDONLY);
	assert_true(fd > STDERR_FILENO);
	sigemptyset(&blocked);
	sigaddset(&blocked, SIGTERM);
	assert_int_equal(sigprocmask(SIG_BLOCK, &blocked, &before), 0);
	assert_int_equal(run("all=$(readlink /proc/self/fd/2)\n"
	    "for fd in /proc/self/fd/*; do\n"
	    "[ ! -e \"$fd\" ] || all=\"$all ${fd##*/}\"; done\n"
	    "printf %s \"$all\" >\"$1\"; kill -TERM $$", "", 0, 10000,
	    &status), SPAWN_KILLED);
	assert_int_equal(status, SIGTERM);
	assert_int_equal(sigprocmask(SIG_SETMASK, &before, NULL), 0);
	(void)close(fd);
	got[read_place(got, sizeof(got) - 1)] = '\0';
	assert_string_equal(got, "/dev/null 0 1 2");
}

/* Nothing of the group of such a script is left: nobody holds the other end of
 * the place any more. */
static void
ends_all_of(const char *script)
{
	struct pollfd	 held = { .events = POLLIN };
	int		 status;

	held.fd = open(place, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	assert_true(held.fd != -1);
	assert_int_equal(run(script, "", 0, 500, &status), SPAWN_TIMED_OUT);
	do {
		assert_int_equal(poll(&held, 1, 10000), 1);
	} while ((held.revents & POLLIN) != 0 &&
	    read(held.fd, &status, 1) == 1);
	assert_true((held.revents & POLLHUP) != 0);
	(void)close(held.fd);
}

static void
ends_what_hangs(void **state)
{
	int64_t	 began = clock_now();
	int	 status;

	(void)state;
	assert_int_equal(unlink(place), 0);
	assert_int_equal(mkfifo(place, 0600), 0);
	ends_all_of("echo >\"$1\"; sleep 600 >\"$1\"");
	/* The first one obeys, and another does not. */
	ends_all_of("(trap '' TERM; echo >\"$1\"; sleep 60 >\"$1\") & wait");
	/* And who does not listen to reason. */
	assert_int_equal(run("trap '' TERM; sleep 600 & wait; wait; sleep "
	    "600", "", 0, 100, &status), SPAWN_TIMED_OUT);
	assert_true(clock_now() - began < 60000);
	/* What it leaves behind in peace is not waited for. */
	began = clock_now();
	assert_int_equal(run("sleep 20 & exit 0", "", 0, 15000, &status),
	    SPAWN_EXITED);
	assert_true(clock_now() - began < 15000);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(gives_input_and_status),
		cmocka_unit_test(says_what_does_not_start),
		cmocka_unit_test(inherits_nothing),
		cmocka_unit_test(ends_what_hangs),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, setup, teardown);
}

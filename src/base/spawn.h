/* SPDX-License-Identifier: ISC */
#ifndef ONCELINK_SPAWN_H
#define ONCELINK_SPAWN_H

#include <stddef.h>
#include <stdint.h>

/* As much as spawn_run may hand over: what fits into a pipe at once. */
#define SPAWN_INPUT_MAX ((size_t)32 << 10)

enum spawn_outcome {
	SPAWN_EXITED,		/* status is its exit status */
	SPAWN_KILLED,		/* status is the signal's number */
	SPAWN_TIMED_OUT,	/* it ran too long and was ended */
	SPAWN_NOT_STARTED,	/* status is errno */
	SPAWN_OUTCOME__MAX
};

/*
 * spawn_run(program, arguments, input, size, milliseconds, status): run the
 * program with these arguments (the first is its name, NULL ends them) and
 * input on its standard input, in a process group of its own.  It inherits no
 * descriptor; what it says goes nowhere, since it may name what no log may
 * hold.  When the time is over its group is ended: asked to, and killed as
 * soon as the program itself has gone or has had 2 seconds.
 */
enum spawn_outcome spawn_run(const char *program, char *const arguments[],
	    const void *input, size_t size, int64_t milliseconds,
	    int *status);

#endif

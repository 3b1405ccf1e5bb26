/* SPDX-License-Identifier: ISC */
#ifndef ONCELINK_SANDBOX_H
#define ONCELINK_SANDBOX_H

#include <stdbool.h>

struct complaint;

/* What is still within reach from inside. */
struct sandbox {
	const char	*state_dir;	/* its files: all but running */
	const char	*key_file;	/* its directory: reading */
	bool		 syslog;	/* syslogd, again when it was lost */
};

/*
 * sandbox_enter(sandbox, landlock, error): from here on, and for each thread
 * that is started later, no other program, no new privilege, no socket, no
 * memory that can be executed and no other system call than a worker makes
 * (seccomp(2): a call that is not allowed ends the process with SIGSYS); and
 * no file but those above, the time zone and the system's random numbers
 * (landlock(7): EACCES).  What is open stays open.  *landlock says how much of
 * the latter this kernel can: the version of its interface, 0 for nothing.
 * Paths that do not exist are left out.  Where a socket of the network is open
 * a syslogd that was started anew is not found again: what finds it would take
 * that socket elsewhere.  Call before the first thread.
 *
 * Returns 0; 1 in a build with sanitizers, whose calls nobody knows: then
 * nothing was done; or -1 with error where the kernel refuses seccomp.
 */
int	 sandbox_enter(const struct sandbox *sandbox, int *landlock,
	    struct complaint *error);

#endif

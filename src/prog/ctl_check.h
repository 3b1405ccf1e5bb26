/* SPDX-License-Identifier: ISC */
#ifndef ONCELINK_CTL_CHECK_H
#define ONCELINK_CTL_CHECK_H

#include <stddef.h>

struct arena;
struct conf;
struct ctl_call;
struct site;

/* A check while it runs, and what it has found. */
struct ctl_check {
	const struct ctl_call	*call;
	const struct conf	*conf;
	const char		*conf_file;
	struct site		*site;	/* NULL: it does not open */
	struct arena		*arena;	/* reset between the parts */
	unsigned int		 warnings;
	unsigned int		 errors;
};

/*
 * A finding, one line: what was looked at, what is so, and, when that is not
 * good, what to do.  An error breaks a promise or will; a warning weakens one
 * or is a matter of taste that most sites see otherwise.  Never with a secret
 * in it.
 */
void	 ctl_check_good(struct ctl_check *check, const char *what,
	    const char *format, ...) __attribute__((format(printf, 3, 4)));
void	 ctl_check_warn(struct ctl_check *check, const char *what,
	    const char *format, ...) __attribute__((format(printf, 3, 4)));
void	 ctl_check_fail(struct ctl_check *check, const char *what,
	    const char *format, ...) __attribute__((format(printf, 3, 4)));

/* ctl_check_unknown(check, what, why): it could not be looked at, and that is
 * an error too: nothing is known to be good. */
void	 ctl_check_unknown(struct ctl_check *check, const char *what,
	    const char *why);

/* ctl_check_failure(failure): what one of the STORE_ failures means. */
const char *ctl_check_failure(int failure);

/* ctl_check_duration(seconds, text): "3 minutes", as people say it. */
#define CTL_CHECK_DURATION 32
void	 ctl_check_duration(long long seconds, char text[CTL_CHECK_DURATION]);

/* The parts, in the order in which they are run. */

/* Files and directories: whose, for whom, where, on what; settings that are
 * allowed, but seldom meant. */
void	 ctl_files_check(struct ctl_check *check);

/* The store: whole, in time, swept; a secret is made and read. */
void	 ctl_store_check(struct ctl_check *check);

/* The site through its address (--url): is it this one, do requests and
 * answers arrive as they were sent. */
void	 ctl_site_check(struct ctl_check *check);

#endif

/* SPDX-License-Identifier: ISC */
#ifndef ONCELINK_SITE_H
#define ONCELINK_SITE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/log.h"
#include "crypto/seal.h"

struct complaint;
struct conf;
struct keyring;
struct store;
struct stretch;

/* What the rules stand on: one a process, opened before its threads. */
struct site {
	const struct conf	*conf;
	struct keyring		*keyring;
	struct store		*store;
	struct stretch		*stretch;
};

/* How a program uses its site. */
enum site_use {
	SITE_THREADS,	/* many threads; see site_start */
	SITE_SINGLE,	/* one call after another; each erases at once */
	SITE_SWEEPER	/* many calls; erases each erase_delay and at the end */
};

/*
 * site_open(site, conf, use, error): load the keys, open the store.  conf is
 * borrowed and outlives the site.  Returns 0, or -1 with error and nothing
 * open.
 */
int	 site_open(struct site *site, const struct conf *conf,
	    enum site_use use, struct complaint *error);

/* site_start(site): what a site of SITE_THREADS does beside its calls, erasing
 * within erase_delay and wiping keys of days, begins.  Returns 0, or -1 when
 * there is no thread. */
int	 site_start(struct site *site);

/* site_close(site): end it. */
void	 site_close(struct site *site);

/*
 * site_log(site, lookup, event): a line about the secret whose row this is,
 * named as seal_log_name does, if such lines are wanted.
 */
void	 site_log(const struct site *site,
	    const uint8_t lookup[SEAL_LOOKUPBYTES], enum log_event event);

/*
 * site_lock(site, name, lock): take the lock of this name in the state
 * directory, without waiting; who closes *lock gives it back.  Returns 0, 1
 * when another process has it, or -1 (logged).
 */
int	 site_lock(const struct site *site, const char *name, int *lock);

/* site_healthy(site): does the store answer?  Returns 0 or a STORE_ failure. */
int	 site_healthy(struct site *site);

#endif

/* SPDX-License-Identifier: ISC */
#ifndef ONCELINK_DAY_H
#define ONCELINK_DAY_H

#include <stdint.h>

#include "crypto/epoch.h"

struct site;

/* Keys of days (epoch.h), and the secrets of a site that wait for them. */

/*
 * day_key(site, epoch): before something is sealed: have the key of that day
 * (epoch_make), which is missed when a secret waits that another sealed.
 * Returns 0, or a STORE_ failure that was logged.
 */
int	 day_key(struct site *site, uint32_t epoch);

struct day {
	uint32_t	 epoch;
	enum epoch_state state;		/* of its key */
};

/*
 * day_lost(site, day): find the first day after day->epoch, and not before
 * today, whose key is gone while secrets wait for it, or damaged, or cannot be
 * read (the log says why): nobody can read them, and nothing is made for that
 * day.  With 0 in day->epoch it begins today; 0 is there when there is none.
 * Returns 0, or a STORE_ failure that was logged.
 */
int	 day_lost(struct site *site, struct day *day);

/*
 * day_give_up(site, epoch): that key will never be put back: another one may
 * be made.  One that is there and whole is left alone.  Returns 0, or a STORE_
 * failure that was logged, as for one that cannot be read.
 */
int	 day_give_up(struct site *site, uint32_t epoch);

#endif

/* SPDX-License-Identifier: ISC */
#ifndef ONCELINK_DAY_H
#define ONCELINK_DAY_H

#include <stdint.h>

struct site;

/* Keys of days (epoch.h), and the secrets of a site that wait for them. */

/*
 * day_key(site, epoch): before something is sealed: have the key of that day
 * (epoch_make), which is missed when a secret waits that another sealed.
 * Returns 0, or a STORE_ failure that was logged.
 */
int	 day_key(struct site *site, uint32_t epoch);

/*
 * day_lost(site, epoch): find the first day after *epoch whose key is gone
 * while secrets wait for it, or damaged: nobody can read them, and nothing is
 * made for that day.  *epoch is set to it, or to 0: there is none.  Returns 0,
 * or a STORE_ failure that was logged.
 */
int	 day_lost(struct site *site, uint32_t *epoch);

/*
 * day_give_up(site, epoch): that key will never be put back: another one may
 * be made.  One that is there and whole is left alone.  Returns 0, or a STORE_
 * failure that was logged.
 */
int	 day_give_up(struct site *site, uint32_t epoch);

#endif

/* SPDX-License-Identifier: ISC */
#ifndef ONCELINK_CTL_CARRY_H
#define ONCELINK_CTL_CARRY_H

#include <stddef.h>
#include <stdio.h>

#include "store/store_account.h"

struct conf;

/*
 * Accounts in a backup: names, allowances, what was made this month, and the
 * hashes of keys.  Hashes are made with the key file, so that the accounts of
 * a backup are good for a site with the same one; `server' tells it.
 */

#define CTL_CARRY_SERVERBYTES	16

struct ctl_carry {
	bool			 has_server;
	uint8_t			 server[CTL_CARRY_SERVERBYTES];
	struct store_account	*accounts;
	size_t			 accounts_count;
	struct store_api_key	*keys;	/* .account: an index of accounts */
	size_t			 keys_count;
};

/* ctl_carry_print(conf, out): the sections of a backup, none when the site has
 * no database or no account.  Returns an exit status. */
int	 ctl_carry_print(const struct conf *conf, FILE *out);

/* ctl_carry_is_section(section), ctl_carry_take(carry, section, name, value):
 * a line of a backup.  Returns NULL, or what is wrong with it. */
bool	 ctl_carry_is_section(const char *section);
const char *ctl_carry_take(struct ctl_carry *carry, const char *section,
	    const char *name, const char *value);

/* ctl_carry_restore(carry, conf): put the accounts into a site.  Returns an
 * exit status. */
int	 ctl_carry_restore(struct ctl_carry *carry, const struct conf *conf);

/* ctl_carry_free(carry): its memory. */
void	 ctl_carry_free(struct ctl_carry *carry);

#endif

/* SPDX-License-Identifier: ISC */
#ifndef ONCELINK_ACCOUNT_H
#define ONCELINK_ACCOUNT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "store/store_account.h"

struct site;

/*
 * Accounts: who may make how many secrets, and by which keys they are known.
 * Every function here returns 0 with an outcome in its result, or one of the
 * STORE_ failures of store.h: then nothing happened.
 */

enum account_outcome {
	ACCOUNT_OK,
	ACCOUNT_NOT_FOUND,
	ACCOUNT_EXISTS,		/* the name is taken */
	ACCOUNT_BAD_NAME,	/* see account_is_name */
	ACCOUNT_NO_KEY		/* the account has no such key */
};

/* account_is_name(name): 1 to STORE_NAME_MAX letters, digits, `.', `_', `@'
 * and `-', not beginning with `-'? */
bool	 account_is_name(const char *name);

/* account_add(site, name, allowance, request_allowance, outcome): allowances
 * are secrets and requests a month, or STORE_UNLIMITED. */
int	 account_add(struct site *site, const char *name, int64_t allowance,
	    int64_t request_allowance, enum account_outcome *outcome);

/* account_set(site, name, allowance, request_allowance, outcome): NULL leaves
 * what is there. */
int	 account_set(struct site *site, const char *name,
	    const int64_t *allowance, const int64_t *request_allowance,
	    enum account_outcome *outcome);

/* account_find(site, name, row, outcome): with the usage of this month. */
int	 account_find(struct site *site, const char *name,
	    struct store_account *row, enum account_outcome *outcome);

/* account_next(site, after, row, outcome): the account behind that id, 0 for
 * the first; ACCOUNT_NOT_FOUND behind the last. */
int	 account_next(struct site *site, int64_t after,
	    struct store_account *row, enum account_outcome *outcome);

/*
 * account_remove(site, name, outcome): the account, its keys, and all that
 * belongs to it.  First the keys, so that nothing is added meanwhile; what
 * belongs to it goes in short transactions.
 */
int	 account_remove(struct site *site, const char *name,
	    enum account_outcome *outcome);

/*
 * account_import(site, accounts, accounts_count, keys, keys_count, outcome,
 * taken): put accounts of another store into this one, with their keys, whose
 * `account' is an index into accounts; all of them or none.  ACCOUNT_EXISTS:
 * the one at the index *taken is there already.
 */
int	 account_import(struct site *site, struct store_account *accounts,
	    size_t accounts_count, struct store_api_key *keys,
	    size_t keys_count, enum account_outcome *outcome, size_t *taken);

/* account_month(now): which month of UTC that time, in ms, is in. */
int64_t	 account_month(int64_t now);

/* account_renew(row, now): forget the usage of a month that is over. */
void	 account_renew(struct store_account *row, int64_t now);

/* An API key as it is handed out: its kind, and 32 base62 characters. */
#define ACCOUNT_KEY_SIZE	48	/* bytes with a NUL byte, at most */

/*
 * account_key_add(site, name, private, text, outcome): make a key.  It is
 * stored as a keyed hash, so that text is all there ever is of it; the caller
 * wipes it.
 */
int	 account_key_add(struct site *site, const char *name, bool private,
	    char text[ACCOUNT_KEY_SIZE], enum account_outcome *outcome);

/* account_key_next(site, name, after, row, outcome): the key behind that id;
 * ACCOUNT_NO_KEY behind the last. */
int	 account_key_next(struct site *site, const char *name, int64_t after,
	    struct store_api_key *row, enum account_outcome *outcome);

/* account_key_revoke(site, name, id, outcome): it is not known any more. */
int	 account_key_revoke(struct site *site, const char *name, int64_t id,
	    enum account_outcome *outcome);

/* Whose request it is. */
struct account_caller {
	int64_t		 account;	/* 0: nobody's that we know */
	bool		 private;	/* known by a private key */
};

/*
 * account_key_authenticate(site, authorization, caller): who shows this
 * header, `ApiKey KEY` or `Bearer KEY` (the scheme in either case), NULL for
 * none.  The day of use is noted when it is another than before.  Returns 0,
 * or a STORE_ failure.
 */
int	 account_key_authenticate(struct site *site, const char *authorization,
	    struct account_caller *caller);

#endif

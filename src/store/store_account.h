/* SPDX-License-Identifier: ISC */
#ifndef ONCELINK_STORE_ACCOUNT_H
#define ONCELINK_STORE_ACCOUNT_H

#include "store/store.h"

/*
 * The seam for accounts and what belongs to them.  As in store.h the calls
 * are for the fn of a transaction and return 0 when done, -1 when we failed,
 * and 1 for the other legitimate outcome, named at each.
 */

#define STORE_NAME_MAX	64	/* bytes of an account's name */
#define STORE_UNLIMITED	(-1)	/* an allowance */

struct store_account {
	int64_t		 id;		/* set by the store */
	char		 name[STORE_NAME_MAX + 1];
	int64_t		 created_at;
	int64_t		 allowance;	/* secrets a month, or UNLIMITED */
	int64_t		 request_allowance;
	int64_t		 month;		/* that the usage is of; UTC */
	int64_t		 usage;
	int64_t		 request_usage;
	int64_t		 listed;	/* rows; counted by the store */
	int64_t		 requested;	/* secret requests, likewise */
};

/* store_account_insert(txn, row): sets row->id.  1: the name is taken. */
int	 store_account_insert(struct store_txn *txn,
	    struct store_account *row);

/* store_account_find(txn, id, row), store_account_find_name(txn, name, row):
 * 1: there is none. */
int	 store_account_find(struct store_txn *txn, int64_t id,
	    struct store_account *row);
int	 store_account_find_name(struct store_txn *txn, const char *name,
	    struct store_account *row);

/* store_account_update(txn, row): write allowances, month and usage. */
int	 store_account_update(struct store_txn *txn,
	    const struct store_account *row);

/* store_account_next(txn, after, row): the account whose id comes after that;
 * 0 is before the first.  1: there is none. */
int	 store_account_next(struct store_txn *txn, int64_t after,
	    struct store_account *row);

/* store_account_remove(txn, id): the account and its keys.  What else belongs
 * to it must be gone. */
int	 store_account_remove(struct store_txn *txn, int64_t id);

struct store_api_key {
	int64_t		 id;		/* set by the store */
	int64_t		 account;
	bool		 private;
	uint8_t		 hash[STORE_HASHBYTES];
	int64_t		 created_at;
	int64_t		 used_day;	/* days since 1970; 0: never */
};

/* store_api_key_insert(txn, row): sets row->id. */
int	 store_api_key_insert(struct store_txn *txn,
	    struct store_api_key *row);

/* store_api_key_find(txn, hash, row): 1: there is none. */
int	 store_api_key_find(struct store_txn *txn,
	    const uint8_t hash[STORE_HASHBYTES], struct store_api_key *row);

/* store_api_key_next(txn, account, after, row): as store_account_next, of one
 * account. */
int	 store_api_key_next(struct store_txn *txn, int64_t account,
	    int64_t after, struct store_api_key *row);

/* store_api_key_used(txn, id, day): note the last day of use. */
int	 store_api_key_used(struct store_txn *txn, int64_t id, int64_t day);

/* store_api_key_remove_all(txn, account): those of an account. */
int	 store_api_key_remove_all(struct store_txn *txn, int64_t account);

/* store_api_key_remove(txn, account, id): 1: the account has no such key. */
int	 store_api_key_remove(struct store_txn *txn, int64_t account,
	    int64_t id);

/*
 * The listing: what an account sees of a secret.  Notes, messages and viewers
 * are sealed.
 */
struct store_listing {
	int64_t		 secret;	/* id of its row */
	int64_t		 account;
	uint32_t	 flags;		/* the rules give them their meaning */
	int64_t		 views;		/* taken */
	const void	*note;
	size_t		 note_size;
	const void	*message;	/* NULL: none, or none any more */
	size_t		 message_size;
};

/* store_listing_insert(txn, row): for a secret inserted in this txn; counts it
 * for its account, which must be there. */
int	 store_listing_insert(struct store_txn *txn,
	    const struct store_listing *row);

/*
 * What is called with a row: its bytes are lent until it returns 0 or -1, and
 * it asks the store for nothing but views.  The secret is NULL where it was
 * known before.
 */
typedef int store_listing_fn(struct store_txn *txn,
    const struct store_listing *row, const struct store_secret *secret,
    void *argument);

/* store_listing_find(txn, secret, found, argument): 1: it has none. */
int	 store_listing_find(struct store_txn *txn, int64_t secret,
	    store_listing_fn *found, void *argument);

/* store_listing_page(txn, account, offset, limit, each, argument): at most
 * `limit` rows of an account behind its `offset` newest, newest first, but for
 * those of damaged secrets. */
int	 store_listing_page(struct store_txn *txn, int64_t account,
	    int64_t offset, int64_t limit, store_listing_fn *each,
	    void *argument);

/* store_listing_first(txn, account, secret): one secret that is listed, which
 * may be damaged.  1: there is none. */
int	 store_listing_first(struct store_txn *txn, int64_t account,
	    int64_t *secret);

/* store_listing_named(txn, lookup, secret, account, damaged): the secret of
 * this name and whose it is; of a damaged one (logged) nothing is told but its
 * id.  1: there is none, or it is not listed. */
int	 store_listing_named(struct store_txn *txn,
	    const uint8_t lookup[STORE_HASHBYTES],
	    struct store_secret *secret, int64_t *account, bool *damaged);

/* store_listing_forget(txn, secret): its message is erased. */
int	 store_listing_forget(struct store_txn *txn, int64_t secret);

/* store_listing_remove(txn, secret): the row, its views and the mail about the
 * secret are erased. */
int	 store_listing_remove(struct store_txn *txn, int64_t secret);

/* store_listing_purge(txn, secret): all that there is of a secret is erased,
 * its tombstone too, whatever is damaged in it. */
int	 store_listing_purge(struct store_txn *txn, int64_t secret);

/* store_view_insert(txn, secret, at, viewer, size): a view was taken; counts
 * it in the listing too, and that alone when the store is full: there the last
 * of the room is for what readers need.  viewer is sealed. */
int	 store_view_insert(struct store_txn *txn, int64_t secret, int64_t at,
	    const void *viewer, size_t size);

/* store_view_each(txn, secret, each, argument): the views of a secret, oldest
 * first; viewer is lent until each returns 0 or -1. */
typedef int store_view_fn(int64_t at, const void *viewer, size_t size,
    void *argument);
int	 store_view_each(struct store_txn *txn, int64_t secret,
	    store_view_fn *each, void *argument);

#endif

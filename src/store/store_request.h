/* SPDX-License-Identifier: ISC */
#ifndef ONCELINK_STORE_REQUEST_H
#define ONCELINK_STORE_REQUEST_H

#include "store/store.h"

/*
 * The seam for secret requests and for mail that waits.  As in store.h the
 * calls are for the fn of a transaction and return 0 when done, -1 when we
 * failed, and 1 for the other legitimate outcome, named at each.
 */

struct store_request {
	int64_t		 id;		/* set by the store */
	int64_t		 account;
	uint8_t		 lookup[STORE_HASHBYTES];
	int64_t		 created_at;
	int64_t		 expires_at;
	int64_t		 due_at;	/* when the sweeper must look */
	uint32_t	 uses_left;
	const void	*note;		/* sealed */
	size_t		 note_size;
	const void	*password;	/* sealed; NULL: none, or none any
					   more */
	size_t		 password_size;
};

/* What is called with a row: its bytes are lent until it returns 0 or -1, and
 * it asks the store for nothing. */
typedef int store_request_fn(const struct store_request *row,
    void *argument);

/* store_request_insert(txn, row): sets row->id, and counts it for its account,
 * which must be there. */
int	 store_request_insert(struct store_txn *txn,
	    struct store_request *row);

/* store_request_find(txn, lookup, found, argument): 1: there is none. */
int	 store_request_find(struct store_txn *txn,
	    const uint8_t lookup[STORE_HASHBYTES], store_request_fn *found,
	    void *argument);

/* store_request_page(txn, account, offset, limit, each, argument): at most
 * `limit` rows of an account behind its `offset` newest, newest first. */
int	 store_request_page(struct store_txn *txn, int64_t account,
	    int64_t offset, int64_t limit, store_request_fn *each,
	    void *argument);

/* store_request_first(txn, account, id): one of an account.
 * store_request_due(txn, before, id, expires_at): the one whose due_at is the
 * earliest and not after `before`.  Whatever else is in them may be damaged.
 * 1: there is none. */
int	 store_request_first(struct store_txn *txn, int64_t account,
	    int64_t *id);
int	 store_request_due(struct store_txn *txn, int64_t before, int64_t *id,
	    int64_t *expires_at);

/* store_request_expire(txn, id, due_at): the password of its secrets is
 * erased; look again later. */
int	 store_request_expire(struct store_txn *txn, int64_t id,
	    int64_t due_at);

/* store_request_use(txn, id): count a use, of which there is one; the last one
 * erases the mail about the request, and the password of its secrets. */
int	 store_request_use(struct store_txn *txn, int64_t id);

/* store_request_remove(txn, id): the row and the mail about it are erased. */
int	 store_request_remove(struct store_txn *txn, int64_t id);

struct store_letter {
	int64_t		 id;		/* set by the store */
	int64_t		 account;
	int64_t		 request;	/* that it is about; or 0, and */
	int64_t		 secret;	/* the secret that it is about */
	int64_t		 created_at;
	int64_t		 expires_at;	/* of what it is about */
	int64_t		 due_at;	/* the next try */
	uint32_t	 tries;		/* there were */
	const void	*letter;	/* sealed */
	size_t		 letter_size;
};

typedef int store_letter_fn(const struct store_letter *row, void *argument);

/* store_letter_insert(txn, row): sets row->id. */
int	 store_letter_insert(struct store_txn *txn,
	    struct store_letter *row);

/* store_letter_due(txn, before, found, argument): the letter whose due_at is
 * the earliest and not after `before`.  1: there is none. */
int	 store_letter_due(struct store_txn *txn, int64_t before,
	    store_letter_fn *found, void *argument);

/* store_letter_next(txn, after, row): the letter whose id comes after that,
 * without its bytes; 0 is before the first.  1: there is none. */
int	 store_letter_next(struct store_txn *txn, int64_t after,
	    struct store_letter *row);

/* store_letter_postpone(txn, id, due_at, tries): 1: there is none. */
int	 store_letter_postpone(struct store_txn *txn, int64_t id,
	    int64_t due_at, uint32_t tries);

/* store_letter_remove(txn, id): it is erased.  1: there was none. */
int	 store_letter_remove(struct store_txn *txn, int64_t id);

/* store_letter_remove_secret(txn, secret): the mail about it is erased. */
int	 store_letter_remove_secret(struct store_txn *txn, int64_t secret);

#endif

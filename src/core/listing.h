/* SPDX-License-Identifier: ISC */
#ifndef ONCELINK_LISTING_H
#define ONCELINK_LISTING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/secret.h"

struct arena;
struct site;
struct store_account;
struct store_txn;

/*
 * What an account sees of its secrets, before and after they were read.  All
 * that people wrote is sealed with the server's key alone and erased with its
 * row, the message with the secret.
 */

/* What the maker asked for; stored: never renumber. */
#define LISTING_VIEW_BUTTON	0x1u
#define LISTING_CAPTCHA		0x2u
#define LISTING_PASSWORD	0x4u

#define LISTING_NO_HOURS	(-1)
#define LISTING_PAGE		50	/* rows, at most */
#define LISTING_ADDRESS_MAX	64	/* bytes that are kept of a viewer's */
#define LISTING_AGENT_MAX	512	/* the same; no control characters */

/* Of a secret that is made; borrowed text, NULL where there is none. */
struct listing {
	int64_t		 account;
	uint32_t	 flags;
	int32_t		 hours;		/* of life, as asked for; or NO_ */
	uint32_t	 views;		/* that are allowed */
	const char	*description;
	size_t		 description_size;
	const char	*message;
	size_t		 message_size;
};

/* The same, sealed, in the arena. */
struct listing_sealed {
	const struct listing *listing;
	uint8_t		*note;
	size_t		 note_size;
	uint8_t		*message;	/* NULL: none */
	size_t		 message_size;
};

/* listing_seal(site, arena, token, lookup, listing, sealed): before the
 * transaction.  Returns 0, or STORE_FAILED when there is no memory. */
int	 listing_seal(struct site *site, struct arena *arena,
	    const uint8_t token[TOKEN_BYTES],
	    const uint8_t lookup[SEAL_LOOKUPBYTES],
	    const struct listing *listing, struct listing_sealed *sealed);

/* listing_admit(txn, id, account, outcome): may this account make a secret
 * more?  Then account is as it is with that.  Outcomes: OK, NO_ACCOUNT,
 * NO_ALLOWANCE.  Returns 0 or -1. */
int	 listing_admit(struct store_txn *txn, int64_t id,
	    struct store_account *account, enum secret_outcome *outcome);

/* listing_insert(txn, sealed, account, row): for a row that was inserted in
 * this txn, of the account as listing_admit left it, which is written.
 * Returns 0 or -1. */
int	 listing_insert(struct store_txn *txn,
	    const struct listing_sealed *sealed,
	    const struct store_account *account,
	    const struct store_secret *row);

/* What reading needs to know of a listing. */
struct listing_shown {
	int64_t		 account;	/* 0: not listed */
	uint32_t	 flags;
	char		*message;	/* in the arena; NULL: none */
	size_t		 message_size;
};

/* listing_show(txn, site, arena, row, shown): the message only with an arena.
 * Returns 0 or -1. */
int	 listing_show(struct store_txn *txn, struct site *site,
	    struct arena *arena, const struct store_secret *row,
	    struct listing_shown *shown);

/* listing_viewed(txn, site, row, viewer): count a view, and log it where there
 * is room for that.  Returns 0 or -1. */
int	 listing_viewed(struct store_txn *txn, struct site *site,
	    const struct store_secret *row,
	    const struct secret_viewer *viewer);

struct listing_view {
	int64_t		 viewed_at;	/* ms since 1970 */
	const char	*address;	/* NULL: not kept */
	const char	*agent;		/* NULL: none */
};

/* A row of the listing; text in the arena, with NUL bytes behind it. */
struct listing_entry {
	uint8_t		 token[TOKEN_BYTES];
	int64_t		 created_at;	/* ms since 1970 */
	int64_t		 expires_at;
	uint32_t	 flags;
	int32_t		 hours;
	uint32_t	 max_views;
	int64_t		 view_times;
	const char	*description;	/* NULL: none */
	size_t		 description_size;
	const char	*message;	/* NULL: none, or none any more */
	size_t		 message_size;
	struct listing_view *views;	/* oldest first */
	size_t		 views_count;
};

/* How much an account has, and may. */
struct listing_totals {
	int64_t		 total;		/* rows of the listing */
	int64_t		 usage;		/* made this month */
	int64_t		 allowance;	/* a month, or STORE_UNLIMITED */
	int64_t		 request_total;
	int64_t		 request_usage;
	int64_t		 request_allowance;
	int64_t		 now;		/* when that was so, ms */
};

/* listing_totals(site, account, totals): of an account that is not there all
 * but `now' is zero.  Returns 0 or a STORE_ failure. */
int	 listing_totals(struct site *site, int64_t account,
	    struct listing_totals *totals);

/* listing_page(site, arena, account, offset, entries, count): at most
 * LISTING_PAGE rows behind the `offset` newest, newest first, but for damaged
 * ones; sets *entries (in the arena) and *count.  Returns 0 or a STORE_
 * failure. */
int	 listing_page(struct site *site, struct arena *arena, int64_t account,
	    int64_t offset, struct listing_entry **entries, size_t *count);

/* listing_delete(site, account, token, outcome): payload and row are gone, the
 * tombstone says burned; one that is damaged is gone too.  Outcomes: OK,
 * NOT_FOUND.  Returns 0 or a STORE_ failure. */
int	 listing_delete(struct site *site, int64_t account,
	    const uint8_t token[TOKEN_BYTES], enum secret_outcome *outcome);

#endif

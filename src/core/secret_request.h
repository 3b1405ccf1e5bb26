/* SPDX-License-Identifier: ISC */
#ifndef ONCELINK_SECRET_REQUEST_H
#define ONCELINK_SECRET_REQUEST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "crypto/token.h"

struct arena;
struct site;
struct store_txn;

/*
 * Secret requests: an account asks, somebody else seals and sends.  Every
 * function here returns 0 with an outcome in its result, or one of the STORE_
 * failures of store.h: then nothing happened.
 */

enum secret_request_outcome {
	SECRET_REQUEST_OK,
	SECRET_REQUEST_NOT_FOUND, /* never there, deleted, expired, used up */
	SECRET_REQUEST_NO_ACCOUNT,
	SECRET_REQUEST_NO_ALLOWANCE,
	SECRET_REQUEST_NO_ADDRESS, /* the site does not know where it is */
	SECRET_REQUEST_PART_MISSING, /* it is mailed, and half the password
					is not there */
	SECRET_REQUEST_PART_UNWANTED, /* the other way round */
	SECRET_REQUEST_TOO_MANY, /* the filler's client made enough for now */
	SECRET_REQUEST_OUTCOME__MAX
};

/* What people wrote; stored: never renumber. */
enum secret_request_words {
	SECRET_REQUEST_DESCRIPTION,
	SECRET_REQUEST_MESSAGE,
	SECRET_REQUEST_SEND_TO,		/* an address */
	SECRET_REQUEST_SECRET_DESCRIPTION,
	SECRET_REQUEST_SECRET_MESSAGE,
	SECRET_REQUEST_SECRET_PASSWORD,	/* in a listing: empty */
	SECRET_REQUEST_WORDS__MAX
};

#define SECRET_REQUEST_NO_HOURS	(-1)
#define SECRET_REQUEST_PAGE	50	/* rows, at most */

/* A request as it was asked for; borrowed bytes, NULL: none. */
struct secret_request {
	struct {
		const char	*bytes;
		size_t		 length;
	}		 words[SECRET_REQUEST_WORDS__MAX];
	int32_t		 hours;		/* of life; or NO_HOURS */
	uint32_t	 limit;		/* uses */
	int32_t		 secret_hours;	/* of the secrets; or NO_HOURS */
	uint32_t	 secret_views;	/* of each */
};

struct secret_request_creation {
	int64_t		 account;
	struct secret_request request;
	const char	*announce_to;	/* mail its link there; or NULL */
	int64_t		 lifetime;	/* ms */
	/* result */
	enum secret_request_outcome outcome; /* OK, NO_ACCOUNT, NO_ALLOWANCE,
						NO_ADDRESS */
	uint8_t		 token[TOKEN_BYTES];
};

/* secret_request_create(site, arena, creation): store it, and the mail. */
int	 secret_request_create(struct site *site, struct arena *arena,
	    struct secret_request_creation *creation);

/* A row of the listing; text in the arena, with NUL bytes behind it. */
struct secret_request_entry {
	struct secret_request request;
	uint8_t		 token[TOKEN_BYTES];
	int64_t		 created_at;	/* ms since 1970 */
	int64_t		 expires_at;
	uint32_t	 uses_left;
};

/* secret_request_page(site, arena, account, offset, entries, count): at most
 * SECRET_REQUEST_PAGE rows behind the `offset` newest, newest first, but for
 * damaged ones; sets *entries (in the arena) and *count. */
int	 secret_request_page(struct site *site, struct arena *arena,
	    int64_t account, int64_t offset,
	    struct secret_request_entry **entries, size_t *count);

/* secret_request_delete(site, account, token, outcome): the row and the mail
 * about it are gone.  Outcomes: OK, NOT_FOUND. */
int	 secret_request_delete(struct site *site, int64_t account,
	    const uint8_t token[TOKEN_BYTES],
	    enum secret_request_outcome *outcome);

/* What who is to fill it in is told. */
struct secret_request_shown {
	enum secret_request_outcome outcome;	/* OK, NOT_FOUND */
	const char	*message;	/* in the arena; NULL: none */
	size_t		 message_length;
	int64_t		 expires_at;	/* ms since 1970 */
	uint32_t	 uses_left;
	bool		 mailed;	/* the link is mailed to who asked */
};

/* secret_request_peek(site, arena, token, shown): changes nothing. */
int	 secret_request_peek(struct site *site, struct arena *arena,
	    const uint8_t token[TOKEN_BYTES],
	    struct secret_request_shown *shown);

struct secret_request_filling {
	uint8_t		 token[TOKEN_BYTES];	/* of the request */
	const void	*payload;	/* as SECRET_SJCL has it */
	size_t		 payload_size;
	const char	*part;		/* the public half in base64; or NULL */
	const char	*client;	/* as in struct secret_creation */
	/* result */
	enum secret_request_outcome outcome;
	int64_t		 wait;		/* ms for which it is TOO_MANY */
	uint8_t		 secret[TOKEN_BYTES];	/* with OK */
};

/*
 * secret_request_fill(site, arena, filling): make the secret for the account
 * that asks, count the use, and have the link mailed if it wants that: all or
 * nothing.  Outcomes: all but NO_ADDRESS.
 */
int	 secret_request_fill(struct site *site, struct arena *arena,
	    struct secret_request_filling *filling);

/* secret_request_sweep(txn, site, forgotten): remove the request that is due
 * first, and count it; or, when it has only expired, the password of its
 * secrets.  Returns 0, 1 when none is due, or -1. */
int	 secret_request_sweep(struct store_txn *txn, const struct site *site,
	    int64_t *forgotten);

/* secret_request_clear(txn, account, limit): remove at most so many requests
 * of an account.  Returns 0, 1 when there were no more, or -1. */
int	 secret_request_clear(struct store_txn *txn, int64_t account,
	    int limit);

#endif

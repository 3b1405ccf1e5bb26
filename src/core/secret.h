/* SPDX-License-Identifier: ISC */
#ifndef ONCELINK_SECRET_H
#define ONCELINK_SECRET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "crypto/seal.h"
#include "crypto/token.h"
#include "store/store.h"

struct arena;
struct captcha;
struct listing;
struct site;

/*
 * The rules of a secret's life.  Every function here returns 0 with an
 * outcome in its result, or one of the STORE_ failures of store.h: then
 * nothing happened, nothing is shown and nothing is lost.
 */

/* The faces' secrets; stored, and bound by the seal: never renumber. */
enum secret_kind {
	SECRET_SAFESECRETS = 1,
	SECRET_ONETIME = 2,
	SECRET_SJCL = 3,
	SECRET_V2 = 4
};

/* A set of kinds, for the faces that find only their own. */
#define SECRET_KIND_BIT(kind)	(1u << (kind))
#define SECRET_KINDS_ALL	(~0u)

enum secret_outcome {
	SECRET_OK,
	SECRET_NOT_FOUND,	/* never there, or of another face */
	SECRET_OVER,		/* state and changed_at say how and when */
	SECRET_WRONG_PIN,	/* attempts_left are left, more than 0 */
	SECRET_NOW_LOCKED,	/* wrong, and that was the last attempt */
	SECRET_PIN_REQUIRED,	/* a PIN or gate is needed; cost nothing */
	SECRET_PIN_NOT_GATE,	/* a gate came where a PIN belongs */
	SECRET_GATE_NOT_PIN,	/* a PIN came where a gate belongs */
	SECRET_PIN_MISFIT,	/* not of the length PINs have; cost nothing */
	SECRET_CAPTCHA_REQUIRED, /* a solved challenge is needed; no cost */
	SECRET_EXISTS,		/* create: this token was used before */
	SECRET_NO_ACCOUNT,	/* create: its account is not there any more */
	SECRET_NO_ALLOWANCE,	/* create: the account made enough for now */
	SECRET_REFUSED,		/* create: by what is stored with it */
	SECRET_TOO_MANY,	/* create: the client made enough for now */
	SECRET_OUTCOME__MAX
};

/* What proves the right to read; borrowed bytes. */
struct secret_proof {
	const uint8_t	*gate;		/* SEAL_STRETCHBYTES, or NULL */
	const char	*pin;		/* pin_length bytes, or NULL */
	size_t		 pin_length;
	const uint8_t	*claim;		/* SEAL_SECRETBYTES, or NULL */
};

/*
 * What is stored with a secret, in its transaction: called before anything is
 * written, with no row, when it may set the outcome to REFUSED; and with the
 * row when that is inserted.  Returns 0 or -1, as a store_fn does.
 */
typedef int secret_with(struct store_txn *txn,
    const struct store_secret *row, enum secret_outcome *outcome,
    void *argument);

struct secret_creation {
	uint8_t		 token[TOKEN_BYTES];	/* drawn by secret_create
						   unless token_given */
	bool		 token_given;
	enum secret_kind kind;
	struct secret_proof proof;	/* gate or pin as the kind has it */
	const uint8_t	*receipt;	/* SEAL_SECRETBYTES, or NULL */
	const void	*payload;	/* payload_size bytes */
	size_t		 payload_size;
	int64_t		 lifetime;	/* ms */
	uint32_t	 views;		/* 1..100 */
	uint32_t	 attempts;	/* 1..10 */
	const struct listing *listing;	/* of SECRET_SJCL; else NULL */
	const char	*client;	/* whose address it is that makes it;
					   NULL: nobody is counted */
	secret_with	*with;		/* or NULL */
	void		*with_argument;
	/* result */
	enum secret_outcome outcome;	/* OK, EXISTS, NO_ACCOUNT,
					   NO_ALLOWANCE, REFUSED, TOO_MANY */
	int64_t		 expires_at;	/* ms since 1970 */
	int64_t		 wait;		/* ms for which it is TOO_MANY */
};

/*
 * secret_create(site, arena, creation): seal and store.  With token_given the
 * same token, receipt, proof and payload again, while the secret waits to be
 * read, is SECRET_OK with the time of the first; any other use of a known
 * token is SECRET_EXISTS.
 */
int	 secret_create(struct site *site, struct arena *arena,
	    struct secret_creation *creation);

/* What a reader is told; what does not apply is 0. */
struct secret_facts {
	enum secret_kind kind;
	enum store_state state;		/* as it is at this time */
	int64_t		 created_at;	/* times: ms since 1970 */
	int64_t		 changed_at;
	int64_t		 expires_at;
	int64_t		 knocked_at;	/* 0: never */
	uint32_t	 knocks;
	uint32_t	 views_left;
	uint32_t	 attempts_left;
	bool		 gated;
	bool		 claimed;	/* the claim that was shown is live */
	size_t		 bytes;		/* size of the payload */
	uint32_t	 listing_flags;	/* LISTING_… of SECRET_SJCL */
};

/* Who reads, for the account's log of views; borrowed text. */
struct secret_viewer {
	const char	*address;	/* as it may be kept; NULL: not */
	const char	*agent;		/* User-Agent; NULL: none */
};

/* A solution of secret_challenge. */
struct secret_solution {
	const struct captcha *captcha;
	int64_t		 number;
};

struct secret_reading {
	uint8_t		 token[TOKEN_BYTES];
	unsigned int	 kinds;		/* SECRET_KIND_BITs that may be found */
	struct secret_proof proof;
	int64_t		 account;	/* whose it must be; 0: anybody's */
	bool		 captcha_waived; /* by an account's key */
	const struct secret_solution *solution;	/* or NULL */
	struct secret_viewer viewer;
	/* result */
	enum secret_outcome outcome;
	struct secret_facts facts;	/* with every outcome but NOT_FOUND */
	int64_t		 claim_until;	/* 0: no claim */
	uint8_t		*payload;	/* in the arena, with OK */
	size_t		 payload_size;
	char		*message;	/* in the arena, with OK; or NULL */
	size_t		 message_size;
};

/*
 * secret_open(site, arena, reading): judge the proof, take a view, give the
 * payload.  Outcomes: OK, NOT_FOUND, OVER, WRONG_PIN, NOW_LOCKED, PIN_REQUIRED,
 * PIN_NOT_GATE, GATE_NOT_PIN, PIN_MISFIT, CAPTCHA_REQUIRED.  With a claim (and
 * claim_seconds above 0) the view is bound to it; without, it ends at once.
 */
int	 secret_open(struct site *site, struct arena *arena,
	    struct secret_reading *reading);

/*
 * secret_peek(site, reading): what is there, changing nothing of it, ever; but
 * see life_told.  Looks at token, kinds and proof.claim.  Outcomes: OK,
 * NOT_FOUND, OVER.
 */
int	 secret_peek(struct site *site, struct secret_reading *reading);

/* secret_challenge(site, token, captcha): make a challenge for whoever opens
 * this secret. */
void	 secret_challenge(struct site *site, const uint8_t token[TOKEN_BYTES],
	    struct captcha *captcha);

/*
 * secret_ack(site, token, claim): the reader has it; this claim ends, and
 * with the last view and claim the record.  Known or not is not told.
 */
int	 secret_ack(struct site *site, const uint8_t token[TOKEN_BYTES],
	    const uint8_t claim[SEAL_SECRETBYTES]);

#endif

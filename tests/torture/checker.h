/* SPDX-License-Identifier: ISC */
#ifndef ONCELINK_CHECKER_H
#define ONCELINK_CHECKER_H

#include <stdbool.h>
#include <stdint.h>

struct attack_row;

/*
 * What a secret, or a secret request, does when it is asked by one at a time;
 * and whether what many were told at once could have come about so.  It knows
 * the rules from what is promised to clients, nothing of the program.
 */

#define CHECKER_CALLS	64	/* of one secret */
#define CHECKER_CLAIMS	6
#define CHECKER_UNKNOWN	(-1)	/* a number that the answer did not have */
#define CHECKER_NEVER	INT64_MAX

enum checker_kind {
	CHECKER_CREATE,
	CHECKER_OPEN,
	CHECKER_PEEK,
	CHECKER_ACK,
	CHECKER_KNOCK,
	CHECKER_RECEIPT,
	CHECKER_BURN,
	/* of secret requests */
	CHECKER_FILL,
	CHECKER_REQUEST,	/* looked at */
	CHECKER_DELETE,
	CHECKER_KIND__MAX
};

enum checker_proof { CHECKER_RIGHT, CHECKER_WRONG, CHECKER_NONE };

enum checker_outcome {
	CHECKER_OK,
	CHECKER_NOT_FOUND,
	CHECKER_OVER,
	CHECKER_WRONG_PIN,	/* the last one as well: none is left */
	CHECKER_PIN_REQUIRED,
	CHECKER_EXISTS,
	CHECKER_ODD,		/* what can never be answered */
	CHECKER_OUTCOME__MAX
};

enum checker_state {
	CHECKER_WAITING,
	CHECKER_OPENED,
	CHECKER_EXPIRED,
	CHECKER_BURNED,
	CHECKER_LOCKED,
	CHECKER_STATE__MAX
};

enum checker_answer {
	CHECKER_BEGUN,		/* not even begun, or never answered */
	CHECKER_LOST,		/* it will not be: who was asked is dead */
	CHECKER_REFUSED,	/* as busy: nothing happened */
	CHECKER_ANSWERED
};

/* Times are microseconds since 1970. */
struct checker_call {
	/* what is asked */
	uint8_t		 kind;		/* enum checker_kind */
	uint8_t		 proof;		/* enum checker_proof */
	int8_t		 claim;		/* which, or UNKNOWN: none */
	uint8_t		 maker;		/* of two who use one id: 0, 1 */
	/* what is answered */
	uint8_t		 answer;	/* enum checker_answer */
	uint8_t		 outcome;	/* enum checker_outcome */
	int8_t		 state;		/* enum checker_state, or UNKNOWN */
	int8_t		 views_left;	/* or UNKNOWN; of requests: uses */
	int8_t		 attempts_left;	/* or UNKNOWN */
	int8_t		 claimed;	/* 0, 1, or UNKNOWN */
	int8_t		 knocks;	/* 0, 1, or UNKNOWN */
	int64_t		 until;		/* the claim's end; 0: none */
	int64_t		 expires_at;	/* of a creation */
	int64_t		 began, ended;
};

struct checker_history {
	bool		 request;	/* not a secret */
	bool		 gated;
	uint8_t		 views, attempts;	/* of a request: uses, 0 */
	int64_t		 claim_time;	/* what a claim lives */
	int64_t		 expires_at;	/* of a request, which is there */
	int64_t		 resolution;	/* of times in answers */
	unsigned int	 count;
	struct checker_call calls[CHECKER_CALLS];
};

/* checker_now(): the time for began and ended; it never goes back. */
int64_t	 checker_now(void);

/* checker_judge(history, row, name): count its calls that were answered in
 * `row`, and as broken when there is no order for them; say which they were,
 * by this name. */
void	 checker_judge(const struct checker_history *history,
	    struct attack_row *row, unsigned long name);

#endif

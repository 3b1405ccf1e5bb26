/* SPDX-License-Identifier: ISC */
#ifndef ONCELINK_CONTEST_H
#define ONCELINK_CONTEST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "checker.h"

struct attack_row;

/*
 * A few secrets at a time that everybody wants at once: who calls what next,
 * by chance.  What is called, and how, is the attack's; many threads, and
 * processes that were forked after contest_begin, may take part.
 */

#define CONTEST_ID	16	/* bytes of tokens, receipts, claims */
#define CONTEST_GATE	32
#define CONTEST_MAKERS	2	/* who use the same id */

struct contest_secret {
	struct checker_history history;
	unsigned int	 asked;		/* calls that were given out */
	uint8_t		 token[CONTEST_ID];
	uint8_t		 receipts[CONTEST_MAKERS][CONTEST_ID];
	uint8_t		 claims[CHECKER_CLAIMS][CONTEST_ID];
	uint8_t		 gate[CONTEST_GATE], wrong[CONTEST_GATE];
	size_t		 size;		/* of its payload */
	int64_t		 lifetime;	/* ms */
	bool		 pin;		/* SafeSecrets' kind, with a PIN */
	bool		 guessed;	/* mostly asked with wrong PINs */
};

/* What its secrets are like. */
struct contest_rules {
	int64_t		 claim_time;	/* ms, for an empty payload */
	int64_t		 resolution;	/* of times in answers, us */
	int64_t		 short_life;	/* ms: of some secrets; 0: of none */
	size_t		 small, large;	/* sizes of payloads, at most */
	unsigned int	 pins;		/* in a thousand secrets */
	unsigned int	 requests;	/* in a thousand: secret requests, whose
					   tokens the attack sets */
	bool		 claimless;	/* readers without a claim, too */
};

#define CONTEST_SIZE_MIN 16	/* of payloads */

struct contest {
	const struct contest_rules *rules;
	size_t		 count;		/* of secrets */
	size_t		 oldest;	/* that is still asked for */
	unsigned int	 calm;		/* no more calls */
	struct contest_secret *secrets;
};

/* contest_begin(rules, count, random): in memory that processes share. */
struct contest *contest_begin(const struct contest_rules *rules,
	    size_t count, uint64_t *random);
void	 contest_end(struct contest *contest);

/* contest_random(state): a number by chance. */
uint64_t contest_random(uint64_t *state);

/*
 * contest_next(contest, random, secret): who is asked what now; NULL when it
 * is over.  The caller sets what was answered and calls contest_answered.
 * contest_again(secret, call): the same once more; NULL when the secret was
 * asked too often.  contest_look(secret, kind): a call of this kind.
 */
struct checker_call *contest_next(struct contest *contest, uint64_t *random,
	    struct contest_secret **secret);
struct checker_call *contest_again(struct contest_secret *secret,
	    const struct checker_call *call);
struct checker_call *contest_look(struct contest_secret *secret,
	    enum checker_kind kind);
void	 contest_answered(struct checker_call *call,
	    enum checker_answer answer);

/* contest_died(secret): who was asked and did not answer is dead. */
void	 contest_died(struct contest_secret *secret);

/* contest_stop(contest): no more calls. */
void	 contest_stop(struct contest *contest);

/* contest_payload(secret, maker, payload): secret->size bytes; contest_maker:
 * whose is this?  -1: nobody's. */
void	 contest_payload(const struct contest_secret *secret,
	    unsigned int maker, uint8_t *payload);
int	 contest_maker(const struct contest_secret *secret,
	    const uint8_t *payload, size_t size);

/* contest_judge(contest, row): is there an order for the calls of each? */
void	 contest_judge(struct contest *contest, struct attack_row *row);

#endif

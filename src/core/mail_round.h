/* SPDX-License-Identifier: ISC */
#ifndef ONCELINK_MAIL_ROUND_H
#define ONCELINK_MAIL_ROUND_H

#include <stdbool.h>
#include <stdint.h>

struct complaint;
struct site;

/* What became of the letters that were due. */
struct mail_round_result {
	int64_t	 handed_over;	/* sendmail took them */
	int64_t	 put_off;	/* it did not; they are tried again */
	int64_t	 given_up;	/* erased: refused, or too old */
	int	 already;	/* 1: another process is at it, nothing done */
	int	 bad_words;	/* 1: the templates are not as they must be */
};

/*
 * mail_round_run(site, result, error): hand what is due to sendmail, with no
 * lock held that anybody else waits for.  A letter is put off before it is
 * tried, so that one that ends the program does not come first for ever; one
 * that was handed over is forgotten before anything else, however long that
 * takes, so that it is sent again only after a crash or a STORE_FAILED.  A
 * sendmail that hangs or does not start ends the round.  What is too old is
 * erased in any case: expired, or older than mail_give_up and tried, or not
 * tried since nothing can be.  Returns 0 or a STORE_ failure; error says what
 * is wrong with the templates.
 */
int	 mail_round_run(struct site *site, struct mail_round_result *result,
	    struct complaint *error);

enum mail_round_outcome {
	MAIL_ROUND_TAKEN,
	MAIL_ROUND_NOT_NOW,	/* later perhaps: what and status say why */
	MAIL_ROUND_REFUSED,	/* this letter never */
	MAIL_ROUND_NOBODY	/* nobody takes letters now */
};

/* Why a letter was not taken: "status", "signal" or "errno" with a number,
 * "timeout", "age" or "damaged" without. */
struct mail_round_reason {
	const char	*what;
	int		 number;
	bool		 has_number;
};

/* mail_round_test(site, address, reason, error): hand over a test at once.
 * Sets error, and reason->what to NULL, when the templates are bad. */
enum mail_round_outcome mail_round_test(struct site *site,
	    const char *address, struct mail_round_reason *reason,
	    struct complaint *error);

#endif

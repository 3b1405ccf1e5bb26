/* SPDX-License-Identifier: ISC */
#ifndef ONCELINK_KILLS_CALLS_H
#define ONCELINK_KILLS_CALLS_H

#include "contest.h"
#include "kills_wire.h"

/* Secrets over our own interface: what is sent, and what the answer says. */

struct kills_calls {
	const struct kills_wire *wire;
	struct kills_wire_answer answer;
	uint8_t		 body[KILLS_WIRE_MAX];
};

/* kills_calls_make(calls, secret, call): and note what was answered, if it
 * was.  Returns 0, or -1 when it was answered what never should be
 * (printed). */
int	 kills_calls_make(struct kills_calls *calls,
	    struct contest_secret *secret, struct checker_call *call);

#endif

/* SPDX-License-Identifier: ISC */
#ifndef ONCELINK_LINEARIZE_H
#define ONCELINK_LINEARIZE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * Calls overlapped.  Is there an order of them, one at a time and each at some
 * moment between its beginning and its end, that gives what they were
 * answered?  (Herlihy and Wing: linearizability.)
 */

#define LINEARIZE_CALLS	128	/* of one history */
#define LINEARIZE_STATE	64	/* bytes */

struct linearize_call {
	int64_t		 began, ended;	/* by any one clock */
	bool		 lost;		/* it was not answered: it happened in
					   between, or not at all */
	bool		 idle;		/* what was answered so changes
					   nothing, whatever the state is */
};

/*
 * What one call does: turn `state` into that behind the call.  Returns false
 * when this state does not give what was answered.  What nobody but the
 * program knows, such as at which moment it looked at the clock, is the
 * `choice`: each is tried.  To a lost call every state gives something.
 */
typedef bool linearize_step(void *state, const void *history,
    unsigned int call, unsigned int choice);

struct linearize {
	const struct linearize_call *calls;
	unsigned int	 count;
	unsigned int	 choices;	/* 0 to one below it */
	size_t		 state_size;	/* compared byte by byte */
	linearize_step	*step;
	const void	*history;	/* for step */
};

enum linearize_verdict {
	LINEARIZE_ORDER,	/* there is one */
	LINEARIZE_NO_ORDER,
	LINEARIZE_TOO_MANY	/* it was given up, or there was no memory */
};

/* linearize_search(search, start): from the state at `start`. */
enum linearize_verdict linearize_search(const struct linearize *search,
	    const void *start);

#endif

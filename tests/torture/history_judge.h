/* SPDX-License-Identifier: ISC */
#ifndef ONCELINK_HISTORY_JUDGE_H
#define ONCELINK_HISTORY_JUDGE_H

#include "attack.h"
#include "history.h"
#include "recorder.h"

/* Where what is found out is counted. */
struct history_rows {
	struct attack_row	*once, *tries, *time, *again, *whole;
	/* Views that were taken and not answered: of calls that would have
	 * been, and of calls that failed. */
	struct attack_row	*unanswered, *lost;
};

struct history_judge {
	struct history	*history;
	size_t		 place;
	bool		 failed;	/* as in history_bounds */
	size_t		 opened;	/* so many secrets are opened */
	uint64_t	*random;
	const char	*what;		/* is judged, for lines about it */
	struct history_rows rows;
};

/*
 * history_judge(judge, site, arena): does this site agree?  It is asked and
 * opened like any other, and not fit to be judged again.
 */
void	 history_judge(const struct history_judge *judge, struct site *site,
	    struct arena *arena);

#endif

/* SPDX-License-Identifier: ISC */
#ifndef ONCELINK_TRAFFIC_H
#define ONCELINK_TRAFFIC_H

#include "history.h"

/* Makers, readers, guessers and a sweeper at one site, all at once. */
struct traffic {
	struct history	*history;
	struct site	*site;
	unsigned int	 threads;
	unsigned int	 calls;		/* of each thread */
	size_t		 large;		/* bytes of the largest secrets */
	unsigned int	 large_percent;	/* of them among all */
	uint64_t	 seed;
};

/* traffic_run(traffic): until all threads are done.  A call that fails is no
 * fault of theirs. */
void	 traffic_run(struct traffic *traffic);

#endif

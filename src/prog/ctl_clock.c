/* SPDX-License-Identifier: ISC */
/*
 * oncelinkctl clock: how it is said that the clock cannot be right, and how
 * the operator says that it is.
 */
#include <inttypes.h>
#include <stdio.h>

#include "core/site.h"
#include "prog/ctl.h"
#include "store/store.h"

static int
look(struct store_txn *txn, void *argument)
{
	store_clock(txn, argument);
	return 0;
}

static int
accept(struct store_txn *txn, void *argument)
{
	if (store_clock_accept(txn) == -1)
		return -1;
	store_clock(txn, argument);
	return 0;
}

static const char *
state(const struct store_clock *clock)
{
	if (clock->latest == 0)
		return "new: nothing was written yet";
	if (clock->wall < clock->latest)
		return "behind: time stands still";
	if (store_clock_lost(clock))
		return "ahead: nothing is ended, and nothing new is taken";
	if (store_clock_far(clock))
		return "ahead: nothing is ended";
	return "good";
}

static int
show(struct site *site, const struct ctl_call *call)
{
	struct store_clock	 clock;
	char			 wall[CTL_TIME_SIZE], latest[CTL_TIME_SIZE];
	int			 failure;

	if (call->options[CTL_OPTION_ACCEPT] != NULL)
		failure = store_update(site->store, accept, &clock);
	else
		failure = store_view(site->store, look, &clock);
	if (failure != 0)
		return ctl_store_failed(failure);
	printf("clock = %s\nlatest = %s\nstate = %s\n",
	    ctl_time(clock.wall, wall), clock.latest == 0 ? "never" :
	    ctl_time(clock.latest, latest), state(&clock));
	return ctl_flush();
}

int
ctl_clock_run(const struct ctl_call *call)
{
	return ctl_with_site(call, SITE_SINGLE, show);
}

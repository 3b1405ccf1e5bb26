/* SPDX-License-Identifier: ISC */
/*
 * oncelinkctl day-keys: which keys of days are missed, and how the operator
 * says that they will not come back.
 */
#include <inttypes.h>
#include <stdio.h>

#include "core/day.h"
#include "core/site.h"
#include "crypto/epoch.h"
#include "prog/ctl.h"

static const char *
state(const struct day *day)
{
	switch (day->state) {
	case EPOCH_GONE:
		return "gone";
	case EPOCH_DAMAGED:
		return "damaged";
	default:
		return "not readable";
	}
}

/* Returns 0, or the last failure to give one up. */
static int
show_each(struct site *site, bool gives_up, size_t *count)
{
	struct day	 day = { .epoch = 0 };
	char		 text[CTL_TIME_SIZE];
	const char	*end;
	int		 failure, refusal = 0;

	while ((failure = day_lost(site, &day)) == 0 && day.epoch != 0) {
		end = "";
		if (gives_up) {
			failure = day_give_up(site, day.epoch);
			end = failure == 0 ? ", given up" : ", not given up";
			refusal = failure == 0 ? refusal : failure;
		}
		printf("%" PRIu32 "  (%.10s)  %s%s\n", day.epoch,
		    ctl_time(epoch_begin(day.epoch), text), state(&day), end);
		++*count;
	}
	return failure == 0 ? refusal : failure;
}

static int
show(struct site *site, const struct ctl_call *call)
{
	size_t	 count = 0;
	int	 failure;

	failure = show_each(site, call->options[CTL_OPTION_GIVE_UP] != NULL,
	    &count);
	if (failure != 0)
		return ctl_store_failed(failure);
	if (count == 0)
		printf("no key is missed\n");
	return ctl_flush();
}

int
ctl_days_run(const struct ctl_call *call)
{
	return ctl_with_site(call, SITE_SINGLE, show);
}

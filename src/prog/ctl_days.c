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

static int
show(struct site *site, const struct ctl_call *call)
{
	bool	 gives_up = call->options[CTL_OPTION_GIVE_UP] != NULL;
	char	 day[CTL_TIME_SIZE];
	size_t	 count = 0;
	uint32_t epoch = 0;
	int	 failure;

	while ((failure = day_lost(site, &epoch)) == 0 && epoch != 0) {
		if (gives_up && (failure = day_give_up(site, epoch)) != 0)
			break;
		printf("%s  %" PRIu32 "  (%.10s)\n",
		    gives_up ? "given up" : "missed", epoch,
		    ctl_time(epoch_begin(epoch), day));
		count++;
	}
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

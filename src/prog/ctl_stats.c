/* SPDX-License-Identifier: ISC */
/*
 * oncelinkctl stats: the names under which the numbers of a store are shown.
 */
#include <inttypes.h>
#include <stdio.h>

#include "core/site.h"
#include "prog/ctl.h"
#include "store/store.h"

static int
read_stats(struct store_txn *txn, void *argument)
{
	return store_stats(txn, argument);
}

static void
print_stats(const struct store_stats *stats)
{
	static const char *const states[STORE_STATE__MAX] = {
		[STORE_WAITING] = "waiting",
		[STORE_OPENED] = "opened",
		[STORE_EXPIRED] = "expired",
		[STORE_BURNED] = "burned",
		[STORE_LOCKED] = "locked",
	};

	for (size_t state = 0; state < STORE_STATE__MAX; state++)
		printf("secrets_%s = %" PRId64 "\n", states[state],
		    stats->secrets[state]);
	printf("records = %" PRId64 "\n", stats->records);
	printf("claims = %" PRId64 "\n", stats->claims);
	printf("requests = %" PRId64 "\n", stats->requests);
	printf("mails = %" PRId64 "\n", stats->letters);
	printf("bytes_used = %" PRId64 "\n",
	    stats->pages_used * stats->page_bytes);
	printf("bytes_free = %" PRId64 "\n",
	    stats->pages_free * stats->page_bytes);
	printf("bytes_wal = %" PRId64 "\n", stats->wal_bytes);
}

static int
count(struct site *site, const struct ctl_call *call)
{
	struct store_stats	 stats;
	int			 failure;

	(void)call;
	failure = store_view(site->store, read_stats, &stats);
	if (failure != 0)
		return ctl_store_failed(failure);
	print_stats(&stats);
	return ctl_flush();
}

int
ctl_stats_run(const struct ctl_call *call)
{
	return ctl_with_site(call, SITE_SINGLE, count);
}

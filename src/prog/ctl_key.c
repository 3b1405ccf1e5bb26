/* SPDX-License-Identifier: ISC */
/*
 * oncelinkctl server-key: which seal keys there are, how another one is made,
 * and when an old one may go.
 */
#include <inttypes.h>
#include <stdio.h>
#include <sysexits.h>

#include "base/clock.h"
#include "base/complaint.h"
#include "base/conf.h"
#include "core/site.h"
#include "crypto/keyfile.h"
#include "crypto/keyring.h"
#include "prog/ctl.h"
#include "store/store.h"

#define SLICE_ROWS	1000

/* A worker hears of a new key within seconds; this long is long enough for
 * one that was stopped in between. */
#define SETTLED		3600	/* seconds */

/* The seal keys, and how many records each has. */
struct usage {
	struct keyring_entry entries[KEYRING_KEYS_MAX];
	int64_t		 records[KEYRING_KEYS_MAX];
	size_t		 count;
	int64_t		 lost;		/* records whose key is not there */

	int64_t		 after;
	uint32_t	 slice[SLICE_ROWS];
	size_t		 slice_count;
	bool		 more;
};

/* In slices, since a reader holds up the erasing of what is over. */
static int
read_slice(struct store_txn *txn, void *argument)
{
	struct usage	*usage = argument;
	int64_t		 after = usage->after;
	int		 result;

	usage->slice_count = SLICE_ROWS;
	result = store_keys(txn, &after, usage->slice, &usage->slice_count);
	usage->more = result == 0;
	usage->after = after;
	return result == -1 ? -1 : 0;
}

static void
count_slice(struct usage *usage)
{
	size_t	 at;

	for (size_t i = 0; i < usage->slice_count; i++) {
		for (at = 0; at < usage->count &&
		    usage->entries[at].id != usage->slice[i]; at++)
			;
		if (at < usage->count)
			usage->records[at]++;
		else
			usage->lost++;
	}
}

static int
find_usage(struct site *site, struct usage *usage)
{
	int	 failure;

	*usage = (struct usage){ .after = 0 };
	usage->count = keyring_list(site->keyring, usage->entries);
	do {
		failure = store_view(site->store, read_slice, usage);
		if (failure != 0)
			return ctl_store_failed(failure);
		count_slice(usage);
	} while (usage->more);
	return EX_OK;
}

static int
list(struct site *site, const struct ctl_call *call)
{
	struct keyring_entry *entry;
	struct usage	 usage;
	char		 made[CTL_TIME_SIZE];
	int		 result;

	(void)call;
	if ((result = find_usage(site, &usage)) != EX_OK)
		return result;
	printf("%-11s%-22ssecrets\n", "key", "made");
	for (size_t i = 0; i < usage.count; i++) {
		entry = &usage.entries[i];
		printf("%-11" PRIu32 "%-22s%" PRId64 "%s\n", entry->id,
		    entry->made_at == 0 ? "unknown" :
		    ctl_time(entry->made_at * 1000, made), usage.records[i],
		    i + 1 == usage.count ? "  (seals new ones)" : "");
	}
	if (usage.lost > 0)
		return ctl_complain(EX_DATAERR, "%" PRId64 " secrets were "
		    "sealed with a key that is not in the key file; put the "
		    "right key file back", usage.lost);
	return ctl_flush();
}

int
ctl_key_list(const struct ctl_call *call)
{
	return ctl_with_site(call, SITE_SINGLE, list);
}

/* The keys that nothing needs, once everybody has heard of the newest and
 * seals with it. */
static size_t
find_unused(const struct usage *usage, uint32_t *unused)
{
	const struct keyring_entry *newest = &usage->entries[usage->count - 1];
	size_t	 count = 0;

	if (newest->made_at == 0 ||
	    clock_wall() / 1000 - newest->made_at < SETTLED)
		return 0;
	for (size_t i = 0; i + 1 < usage->count; i++)
		if (usage->records[i] == 0)
			unused[count++] = usage->entries[i].id;
	return count;
}

static int
rotate(struct site *site, const struct ctl_call *call)
{
	const struct conf	*conf = call->conf;
	struct complaint	 error;
	struct usage		 usage;
	uint32_t		 unused[KEYRING_KEYS_MAX], made;
	size_t			 count;
	int			 result;

	if (conf->sign_key != NULL)
		return ctl_complain(EX_CONFIG, "the key is SIGN_KEY of the "
		    "environment, which has no other; without it the keys are "
		    "in a file");
	if ((result = find_usage(site, &usage)) != EX_OK)
		return result;
	if (usage.lost > 0)
		return ctl_complain(EX_DATAERR, "%" PRId64 " secrets were "
		    "sealed with a key that is not in the key file; put the "
		    "right key file back first", usage.lost);
	count = find_unused(&usage, unused);
	if (keyfile_rotate(conf->key_file, unused, count, &made, &error) == -1)
		return ctl_complain(EX_CANTCREAT, "%s", error.text);
	printf("made   key %" PRIu32 ", which seals new secrets\n", made);
	for (size_t i = 0; i < count; i++)
		printf("gone   key %" PRIu32 ", which no secret needed\n",
		    unused[i]);
	return ctl_flush();
}

int
ctl_key_rotate(const struct ctl_call *call)
{
	return ctl_with_site(call, SITE_SINGLE, rotate);
}

/* SPDX-License-Identifier: ISC */
/*
 * oncelinkctl server-key: which seal keys there are, how another one is made,
 * and when an old one may go.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sysexits.h>
#include <time.h>

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
			return ctl_complain(failure == STORE_BUSY ?
			    EX_TEMPFAIL : EX_SOFTWARE,
			    "the store cannot be read");
		count_slice(usage);
	} while (usage->more);
	return EX_OK;
}

static void
print_time(int64_t seconds)
{
	time_t		 when = (time_t)seconds;
	struct tm	 parts;
	char		 text[32] = "unknown";

	if (seconds != 0 && gmtime_r(&when, &parts) != NULL)
		strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%SZ", &parts);
	printf("%-22s", text);
}

static int
list(struct site *site)
{
	struct usage	 usage;
	int		 result;

	if ((result = find_usage(site, &usage)) != EX_OK)
		return result;
	printf("%-11s%-22ssecrets\n", "key", "made");
	for (size_t i = 0; i < usage.count; i++) {
		printf("%-11" PRIu32, usage.entries[i].id);
		print_time(usage.entries[i].made_at);
		printf("%" PRId64 "%s\n", usage.records[i],
		    i + 1 == usage.count ? "  (seals new ones)" : "");
	}
	if (usage.lost > 0)
		return ctl_complain(EX_DATAERR, "%" PRId64 " secrets were "
		    "sealed with a key that is not in the key file; put the "
		    "right key file back", usage.lost);
	return ctl_flush();
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
rotate(const struct conf *conf, struct site *site)
{
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
ctl_key_run(const struct ctl_call *call)
{
	struct complaint	 error;
	struct site		 site;
	int			 result;

	if (strcmp(call->operands[0], "list") != 0 &&
	    strcmp(call->operands[0], "rotate") != 0)
		return ctl_complain(EX_USAGE, "server-key: rotate or list, "
		    "not `%s'", call->operands[0]);
	if (site_open(&site, call->conf, SITE_SINGLE, &error) == -1)
		return ctl_complain(EX_UNAVAILABLE, "%s", error.text);
	if (strcmp(call->operands[0], "list") == 0)
		result = list(&site);
	else
		result = rotate(call->conf, &site);
	site_close(&site);
	return result;
}

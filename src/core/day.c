/* SPDX-License-Identifier: ISC */
/*
 * Which secrets wait for the key of a day, and so what it means that it is not
 * there.
 */
#include "core/day.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>

#include "base/complaint.h"
#include "base/log.h"
#include "core/site.h"
#include "crypto/epoch.h"
#include "crypto/keyring.h"
#include "store/store.h"

/* What is asked of the store for a key that is not there. */
struct asking {
	struct site	*site;
	uint32_t	 epoch;
	bool		 used;
	int		 failure;
};

/* A view whose claim has not ended was taken: what is left of it is not worth
 * that nobody may make anything. */
static int
find_user(struct store_txn *txn, void *argument)
{
	struct asking	*asking = argument;
	int64_t		 first = epoch_begin(asking->epoch);
	int64_t		 last = epoch_begin(asking->epoch + 1) - 1;
	int		 result;

	/* What is over is not missed, swept or not. */
	if (first <= store_now(txn))
		first = store_now(txn) + 1;
	result = store_epoch_used(txn, asking->epoch, first, last);
	asking->used = result == 0;
	return result == -1 ? -1 : 0;
}

static int
uses(void *argument, uint32_t epoch)
{
	struct asking	*asking = argument;

	asking->epoch = epoch;
	asking->failure = store_view(asking->site->store, find_user, asking);
	return asking->failure != 0 ? -1 : asking->used;
}

/* Returns STORE_FULL or STORE_FAILED. */
static int
say_failed(int result, const struct complaint *error)
{
	if (result == 1) {
		log_event(LOG_STORE_FULL, LOG_TEXT("where", "keys"));
		return STORE_FULL;
	}
	log_event(LOG_REQUEST_FAILED, LOG_TEXT("where", "keys"),
	    LOG_TEXT("reason", error->text));
	return STORE_FAILED;
}

int
day_key(struct site *site, uint32_t epoch)
{
	struct asking	 asking = { .site = site };
	const struct epoch_user user = { .uses = uses, .argument = &asking };
	struct complaint error;
	int		 result;

	result = epoch_make(keyring_epochs(site->keyring), epoch, &user,
	    &error);
	if (result == 0)
		return 0;
	return asking.failure != 0 ? asking.failure :
	    say_failed(result, &error);
}

/* What is looked for day by day, in one view. */
struct search {
	struct epochs	*epochs;
	uint32_t	 after;
	uint32_t	 found;		/* 0: none */
};

static int
find_lost(struct store_txn *txn, void *argument)
{
	struct search	*search = argument;
	struct asking	 asking = { .epoch = epoch_of(store_now(txn)) };
	uint32_t	 end = asking.epoch + EPOCH_DAYS;
	int		 lost;

	search->found = 0;
	if (asking.epoch <= search->after)
		asking.epoch = search->after + 1;
	for (; asking.epoch < end; asking.epoch++) {
		lost = epoch_lost(search->epochs, asking.epoch);
		if (lost == -1) {
			log_event(LOG_REQUEST_FAILED,
			    LOG_TEXT("where", "keys"),
			    LOG_TEXT("reason", strerror(errno)));
			return -1;
		}
		if (lost == 0)
			continue;
		if (lost == 1 && find_user(txn, &asking) == -1)
			return -1;
		/* A damaged one is in the way, whoever waits. */
		if (lost == 2 || asking.used) {
			search->found = asking.epoch;
			break;
		}
	}
	return 0;
}

int
day_lost(struct site *site, uint32_t *epoch)
{
	struct search	 search = {
		.epochs = keyring_epochs(site->keyring), .after = *epoch,
	};
	int		 failure;

	failure = store_view(site->store, find_lost, &search);
	*epoch = search.found;
	return failure;
}

int
day_give_up(struct site *site, uint32_t epoch)
{
	struct complaint error;
	int		 result;

	result = epoch_give_up(keyring_epochs(site->keyring), epoch, &error);
	return result == 0 ? 0 : say_failed(result, &error);
}

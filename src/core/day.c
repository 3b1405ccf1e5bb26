/* SPDX-License-Identifier: ISC */
/*
 * Which secrets wait for the key of a day, and so what it means that it is not
 * there.
 */
#include "core/day.h"

#include <stdbool.h>

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

/* What epoch_make and epoch_give_up return, as a STORE_ failure that is
 * logged; or 0. */
static int
failure_of(int result, const struct complaint *error)
{
	switch (result) {
	case 0:
		return 0;
	case 1:
		log_event(LOG_STORE_FULL, LOG_TEXT("where", "keys"));
		return STORE_FULL;
	default:
		log_event(LOG_REQUEST_FAILED, LOG_TEXT("where", "keys"),
		    LOG_TEXT("reason", error->text));
		return STORE_FAILED;
	}
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
	return asking.failure != 0 ? asking.failure :
	    failure_of(result, &error);
}

static int
look_at_time(struct store_txn *txn, void *argument)
{
	*(int64_t *)argument = store_now(txn);
	return 0;
}

/* Is something waiting for a key that is gone, or in its place?  Returns 0, 1,
 * or a STORE_ failure. */
static int
is_in_the_way(struct site *site, uint32_t epoch, enum epoch_state state)
{
	struct asking	 asking = { .site = site };
	int		 used;

	if (state != EPOCH_GONE)
		return state != EPOCH_GOOD;
	used = uses(&asking, epoch);
	return used == -1 ? asking.failure : used;
}

/* A view for each day: who reads for long holds up erasing. */
int
day_lost(struct site *site, struct day *day)
{
	struct epochs	*epochs = keyring_epochs(site->keyring);
	struct complaint error;
	int64_t		 now;
	uint32_t	 first, epoch;
	int		 result;

	result = store_view(site->store, look_at_time, &now);
	if (result != 0)
		return result;
	first = epoch_of(now);
	epoch = day->epoch < first ? first : day->epoch + 1;
	for (; epoch < first + EPOCH_DAYS; epoch++) {
		day->state = epoch_examine(epochs, epoch, &error);
		result = is_in_the_way(site, epoch, day->state);
		if (result < 0)
			return result;
		if (day->state == EPOCH_UNREADABLE)
			(void)failure_of(-1, &error);
		if (result == 1) {
			day->epoch = epoch;
			return 0;
		}
	}
	day->epoch = 0;
	return 0;
}

int
day_give_up(struct site *site, uint32_t epoch)
{
	struct complaint error;
	int		 result;

	result = epoch_give_up(keyring_epochs(site->keyring), epoch, &error);
	return failure_of(result, &error);
}

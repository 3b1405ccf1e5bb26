/* SPDX-License-Identifier: ISC */
/*
 * The one place that says when a secret's time, views and claims are over and
 * what then becomes of its record and its tombstone.
 */
#include <string.h>

#include "base/conf.h"
#include "base/log.h"
#include "core/life.h"
#include "core/secret.h"
#include "core/site.h"
#include "store/store_account.h"
#include "store/store_request.h"

/* A claim lives a second longer for so many bytes of payload. */
#define CLAIM_BYTES_A_SECOND	8192

/* More than claim_seconds may be, ms; and what clocks are set by. */
#define CLAIM_TIME_MAX	((int64_t)61 * 60 * 1000)

static int
look_at_clock(struct store_txn *txn, void *argument)
{
	store_clock(txn, argument);
	return 0;
}

int
life_time(struct site *site, int64_t *now)
{
	struct store_clock clock;
	int	 failure;

	store_clock_known(site->store, &clock);
	if (clock.latest == 0 || store_clock_lost(&clock)) {
		failure = store_view(site->store, look_at_clock, &clock);
		if (failure != 0)
			return failure;
	}
	*now = clock.wall > clock.latest ? clock.wall : clock.latest;
	if (!store_clock_lost(&clock))
		return 0;
	log_event(LOG_CLOCK_AHEAD,
	    LOG_NUMBER("seconds", (clock.wall - clock.latest) / 1000));
	return STORE_BUSY;
}

void
life_binding(const struct store_secret *row, struct seal_binding *binding)
{
	*binding = (struct seal_binding){
		.kind = row->kind, .expires_at = row->expires_at,
		.passes = row->passes, .memory = row->memory,
		.key_id = row->key_id, .epoch = row->epoch,
	};
	memcpy(binding->lookup, row->lookup, SEAL_LOOKUPBYTES);
}

bool
life_is_over(const struct store_secret *row, int64_t now)
{
	return row->record == 0 || row->views_left == 0 ||
	    now >= row->expires_at;
}

void
life_facts(const struct store_secret *row, int64_t now, bool claimed,
    struct secret_facts *facts)
{
	bool	 expired = row->views_left > 0 && now >= row->expires_at;

	*facts = (struct secret_facts){
		.kind = (enum secret_kind)row->kind,
		.state = expired ? STORE_EXPIRED : (enum store_state)row->state,
		.created_at = row->created_at,
		.changed_at = expired ? row->expires_at : row->changed_at,
		.expires_at = row->expires_at,
		.knocked_at = row->knocked_at,
		.knocks = row->knocks,
		.views_left = expired ? 0 : row->views_left,
		.attempts_left = row->attempts_left,
		.gated = row->gated,
		.claimed = claimed,
		.bytes = row->record_bytes < SEAL_OVERHEAD ? 0 :
		    row->record_bytes - SEAL_OVERHEAD,
	};
}

static int
write_down(struct store_txn *txn, void *argument)
{
	return store_clock_past(txn, *(int64_t *)argument);
}

void
life_told(struct site *site, const struct secret_facts *facts,
    const struct store_clock *clock)
{
	int64_t	 end = facts->expires_at;

	if (facts->state == STORE_EXPIRED && clock->latest < end &&
	    !store_clock_far(clock))
		(void)store_update(site->store, write_down, &end);
}

int64_t
life_claim_until(const struct store_secret *row, int64_t now, int64_t time)
{
	int64_t	 until = now + time +
		    (int64_t)(row->record_bytes - SEAL_OVERHEAD) * 1000 /
		    CLAIM_BYTES_A_SECOND;

	return until < row->expires_at ? until : row->expires_at;
}

/* No claim is longer: what ends later was made by a clock that was wrong. */
static int64_t
latest_claim(const struct store_secret *row, int64_t now)
{
	return life_claim_until(row, now, CLAIM_TIME_MAX);
}

int
life_claim(struct store_txn *txn, const struct store_secret *row,
    const uint8_t claim[SEAL_HASHBYTES], int64_t *live_until)
{
	int64_t	 until;
	int	 result;

	*live_until = 0;
	if (row->record == 0)
		return 1;
	result = store_claim_find(txn, row->lookup, claim, &until);
	if (result != 0)
		return result;
	if (store_now(txn) >= until || store_now(txn) >= row->expires_at ||
	    until > latest_claim(row, store_now(txn)))
		return 1;
	*live_until = until;
	return 0;
}

int64_t
life_forgotten_at(const struct site *site, int64_t expires_at)
{
	int64_t	 keep = site->conf->keep_receipts;

	/* In a damaged row there may be any number. */
	return expires_at > INT64_MAX - keep ? INT64_MAX : expires_at + keep;
}

int
life_remove(struct store_txn *txn, struct store_secret *row)
{
	if (store_record_erase(txn, row) == -1 ||
	    (row->kind == SECRET_SJCL &&
	    store_listing_remove(txn, row->id) == -1))
		return -1;
	return store_secret_remove(txn, row);
}

/* A letter with its link would come too late. */
static int
forget_letters(struct store_txn *txn, const struct store_secret *row)
{
	return row->kind != SECRET_SJCL ? 0 :
	    store_letter_remove_secret(txn, row->id);
}

int
life_end(struct store_txn *txn, const struct site *site,
    struct store_secret *row)
{
	if (row->views_left > 0 && store_now(txn) >= row->expires_at) {
		row->state = STORE_EXPIRED;
		row->changed_at = row->expires_at;
	}
	row->views_left = 0;
	if (store_record_erase(txn, row) == -1 ||
	    (row->kind == SECRET_SJCL &&
	    store_listing_forget(txn, row->id) == -1) ||
	    forget_letters(txn, row) == -1)
		return -1;
	row->due_at = life_forgotten_at(site, row->expires_at);
	return store_secret_update(txn, row);
}

/* A clock that nobody believes ends nothing. */
static bool
is_past(const struct store_txn *txn, int64_t now, int64_t time)
{
	return now >= time && !store_clock_jumped(txn);
}

int
life_settle(struct store_txn *txn, const struct site *site,
    struct store_secret *row)
{
	int64_t	 until, now = store_now(txn);
	struct store_clock clock;
	int	 result;

	if (is_past(txn, now, row->expires_at))
		return life_end(txn, site, row);
	if (row->views_left > 0) {
		row->due_at = row->expires_at;
		return store_secret_update(txn, row);
	}
	result = store_claim_last(txn, row->lookup, latest_claim(row, now),
	    &until);
	if (result == -1)
		return -1;
	if (result == 1 || is_past(txn, now, until))
		return life_end(txn, site, row);
	if (forget_letters(txn, row) == -1)
		return -1;
	/* By a clock that is set right it is to be looked at again at once. */
	store_clock(txn, &clock);
	row->due_at = store_clock_far(&clock) ? clock.latest : until;
	return store_secret_update(txn, row);
}

/* SPDX-License-Identifier: ISC */
/*
 * What was asked and answered, and what therefore must be so.
 */
#include "history.h"

#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "core/receipt.h"
#include "core/secret.h"
#include "crypto/seal.h"
#include "store/store.h"

void
history_begin(struct history *history, size_t room, size_t (*place)(void))
{
	*history = (struct history){ .place = place, .room = room };
	(void)pthread_mutex_init(&history->mutex, NULL);
	history->secrets = calloc(room, sizeof(*history->secrets));
	assert_non_null(history->secrets);
}

void
history_end(struct history *history)
{
	for (size_t i = 0; i < history->count; i++) {
		sites_drop(&history->secrets[i].secret);
		free(history->secrets[i].sealed);
	}
	free(history->secrets);
	(void)pthread_mutex_destroy(&history->mutex);
}

struct history_secret *
history_draw(struct history *history, size_t size)
{
	struct history_secret *secret = NULL;

	(void)pthread_mutex_lock(&history->mutex);
	if (history->count < history->room) {
		secret = &history->secrets[history->count++];
		sites_draw(&secret->secret, size);
	}
	(void)pthread_mutex_unlock(&history->mutex);
	return secret;
}

/* The calls */

static struct history_event *
begin(struct history *history, struct history_secret *secret,
    enum history_call call, const uint8_t *claim)
{
	struct history_event *event = NULL;

	(void)pthread_mutex_lock(&history->mutex);
	if (secret->count < HISTORY_EVENTS) {
		event = &secret->events[secret->count];
		*event = (struct history_event){
			.call = call, .began = history->place(),
			.answered = HISTORY_NEVER, .settled = HISTORY_NEVER,
		};
		if (claim != NULL)
			memcpy(event->claim, claim, SEAL_SECRETBYTES);
		secret->count++;
	}
	(void)pthread_mutex_unlock(&history->mutex);
	assert_non_null(event);
	return event;
}

static void
answered(struct history *history, struct history_event *event, int result,
    enum secret_outcome outcome)
{
	(void)pthread_mutex_lock(&history->mutex);
	event->answered = history->place();
	event->result = result;
	event->outcome = outcome;
	(void)pthread_mutex_unlock(&history->mutex);
}

static int
fetch(struct store_txn *txn, void *argument)
{
	struct history_secret	*secret = argument;
	struct store_secret	 row;
	int			 result;

	secret->sealed_size = 0;
	result = store_secret_find(txn, secret->lookup, &row);
	if (result != 0)
		return result == 1 ? 0 : -1;
	if (row.record == 0)
		return 0;
	free(secret->sealed);
	secret->sealed = malloc(row.record_bytes);
	if (secret->sealed == NULL)
		return -1;
	secret->sealed_size = row.record_bytes;
	return store_record_read(txn, &row, secret->sealed);
}

int
history_create(struct history *history, struct site *site,
    struct arena *arena, struct history_secret *secret)
{
	struct secret_creation *creation = &secret->secret.creation;
	struct history_event *event;
	int	 result;

	creation->receipt = secret->secret.receipt;
	if (creation->proof.gate != NULL)
		creation->proof.gate = secret->secret.gate;
	seal_lookup(site->keyring, secret->secret.token, secret->lookup);
	event = begin(history, secret, HISTORY_CREATE, NULL);
	result = secret_create(site, arena, creation);
	secret->expires_at = creation->expires_at;
	arena_reset(arena);
	/* Nobody else knows of it yet, so that it is as it was made. */
	if (result == 0 && creation->outcome == SECRET_OK &&
	    store_view(site->store, fetch, secret) != 0)
		secret->sealed_size = 0;
	answered(history, event, result, creation->outcome);
	return result;
}

int
history_try(struct site *site, struct arena *arena,
    const struct history_secret *secret, bool wrong, const uint8_t *claim,
    struct secret_reading *reading)
{
	const struct secret_proof *proof = &secret->secret.creation.proof;
	int	 result;

	*reading = (struct secret_reading){
		.kinds = SECRET_KINDS_ALL, .proof.claim = claim,
	};
	if (proof->gate != NULL)
		reading->proof.gate = wrong ? secret->secret.wrong :
		    secret->secret.gate;
	memcpy(reading->token, secret->secret.token, TOKEN_BYTES);
	result = secret_open(site, arena, reading);
	if (result != 0 || reading->outcome != SECRET_OK)
		assert_null(reading->payload);
	return result;
}

bool
history_is_payload(const struct history_secret *secret,
    const struct secret_reading *reading)
{
	return reading->payload_size == secret->secret.payload_size &&
	    memcmp(reading->payload, secret->secret.payload,
	    secret->secret.payload_size) == 0;
}

int
history_ask(struct history *history, struct site *site, struct arena *arena,
    struct history_secret *secret, enum history_call call,
    const uint8_t claim[SEAL_SECRETBYTES], enum secret_outcome *outcome)
{
	struct secret_reading reading;
	struct history_event *event;
	int	 result;

	event = begin(history, secret, call, claim);
	result = history_try(site, arena, secret, call == HISTORY_GUESS, claim,
	    &reading);
	if (result == 0 && reading.outcome == SECRET_OK)
		assert_true(history_is_payload(secret, &reading));
	event->claim_until = reading.claim_until;
	arena_reset(arena);
	answered(history, event, result, reading.outcome);
	*outcome = reading.outcome;
	return result;
}

int
history_ack(struct history *history, struct site *site,
    struct history_secret *secret, const uint8_t claim[SEAL_SECRETBYTES])
{
	struct history_event *event;
	int	 result;

	event = begin(history, secret, HISTORY_ACK, claim);
	result = secret_ack(site, secret->secret.token, claim);
	answered(history, event, result, SECRET_OK);
	return result;
}

int
history_burn(struct history *history, struct site *site,
    struct history_secret *secret)
{
	enum secret_outcome outcome;
	struct secret_facts facts;
	struct history_event *event;
	int	 result;

	event = begin(history, secret, HISTORY_BURN, NULL);
	result = receipt_burn(site, secret->secret.receipt, &outcome, &facts);
	answered(history, event, result, outcome);
	return result;
}

size_t
history_made(struct history *history)
{
	size_t	 count;

	(void)pthread_mutex_lock(&history->mutex);
	count = history->count;
	(void)pthread_mutex_unlock(&history->mutex);
	return count;
}

bool
history_is_full(struct history *history, const struct history_secret *secret)
{
	bool	 full;

	(void)pthread_mutex_lock(&history->mutex);
	/* Other threads may be about to begin one each. */
	full = secret->count + 16 > HISTORY_EVENTS || secret->count == 0 ||
	    secret->events[0].answered == HISTORY_NEVER ||
	    secret->events[0].result != 0;
	(void)pthread_mutex_unlock(&history->mutex);
	return full;
}

/* What must be so */

bool
history_has_failed(const struct history_event *event)
{
	return event->answered != HISTORY_NEVER && event->result != 0;
}

enum history_sure
history_happened(const struct history_event *event, size_t place, bool failed)
{
	if (event->began >= place)
		return HISTORY_SURE_NOT;
	if (history_has_failed(event))
		return failed && event->settled > place ? HISTORY_SURE_MAYBE :
		    HISTORY_SURE_NOT;
	return event->answered <= place ? HISTORY_SURE_YES : HISTORY_SURE_MAYBE;
}

bool
history_takes(const struct history_event *event)
{
	bool	 unknown = event->answered == HISTORY_NEVER ||
		    event->result != 0;

	switch (event->call) {
	case HISTORY_OPEN:
		return unknown || event->outcome == SECRET_OK;
	case HISTORY_GUESS:
		return unknown || event->outcome == SECRET_WRONG_PIN ||
		    event->outcome == SECRET_NOW_LOCKED;
	default:
		return true;
	}
}

/* Was it answered after a commit of its own? */
static bool
has_committed(const struct history_event *event)
{
	if (event->answered == HISTORY_NEVER || event->result != 0)
		return false;
	switch (event->call) {
	case HISTORY_CREATE:
	case HISTORY_OPEN:
		return event->outcome == SECRET_OK;
	case HISTORY_GUESS:
		return history_takes(event);
	default:
		return false;
	}
}

static void
settle(const struct history *history, struct history_event *failed)
{
	for (size_t i = 0; i < history->count; i++) {
		const struct history_secret *secret = &history->secrets[i];

		for (size_t j = 0; j < secret->count; j++) {
			const struct history_event *event = &secret->events[j];

			if (event->began >= failed->answered &&
			    event->answered < failed->settled &&
			    has_committed(event))
				failed->settled = event->answered;
		}
	}
}

void
history_settle(struct history *history)
{
	for (size_t i = 0; i < history->count; i++)
		for (size_t j = 0; j < history->secrets[i].count; j++)
			if (history_has_failed(&history->secrets[i].events[j]))
				settle(history,
				    &history->secrets[i].events[j]);
}

void
history_bounds(const struct history_secret *secret, size_t place, bool failed,
    struct history_bounds *bounds)
{
	const struct secret_creation *creation = &secret->secret.creation;
	unsigned int	 did[HISTORY_BURN + 1] = { 0 };
	unsigned int	 may[HISTORY_BURN + 1] = { 0 };

	*bounds = (struct history_bounds){ .touched = false };
	for (size_t i = 0; i < secret->count; i++) {
		const struct history_event *event = &secret->events[i];
		enum history_sure sure;

		sure = history_happened(event, place, failed);

		bounds->touched |= sure == HISTORY_SURE_MAYBE;
		if (sure == HISTORY_SURE_NOT || !history_takes(event))
			continue;
		may[event->call]++;
		did[event->call] += sure == HISTORY_SURE_YES;
	}
	bounds->may_exist = may[HISTORY_CREATE] > 0;
	bounds->must_exist = did[HISTORY_CREATE] > 0;
	if (did[HISTORY_BURN] == 0 &&
	    did[HISTORY_GUESS] < creation->attempts &&
	    did[HISTORY_OPEN] < creation->views)
		bounds->views_max = creation->views - did[HISTORY_OPEN];
	if (did[HISTORY_CREATE] > 0 && may[HISTORY_BURN] == 0 &&
	    may[HISTORY_GUESS] < creation->attempts &&
	    may[HISTORY_OPEN] < creation->views)
		bounds->views_min = creation->views - may[HISTORY_OPEN];
	if (!bounds->may_exist)
		bounds->views_max = 0;
	bounds->contested = may[HISTORY_BURN] > 0 ||
	    may[HISTORY_GUESS] >= creation->attempts ||
	    may[HISTORY_OPEN] > creation->views;
	if (did[HISTORY_GUESS] < creation->attempts)
		bounds->attempts_max = creation->attempts -
		    did[HISTORY_GUESS];
	if (may[HISTORY_GUESS] < creation->attempts)
		bounds->attempts_min = creation->attempts -
		    may[HISTORY_GUESS];
}

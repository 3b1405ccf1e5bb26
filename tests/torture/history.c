/* SPDX-License-Identifier: ISC */
/*
 * What was asked and answered, and what therefore must be so.
 */
#include "history.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

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
			.answered = HISTORY_NEVER,
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

static int
ask(struct site *site, struct arena *arena,
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

static bool
is_payload(const struct history_secret *secret,
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
	result = ask(site, arena, secret, call == HISTORY_GUESS, claim,
	    &reading);
	if (result == 0 && reading.outcome == SECRET_OK)
		assert_true(is_payload(secret, &reading));
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

enum sure { SURE_NOT, SURE_MAYBE, SURE_YES };

/* Did it do what it does when it is answered so? */
static enum sure
happened(const struct history_event *event, size_t place, bool failed)
{
	if (event->began >= place)
		return SURE_NOT;
	if (event->answered != HISTORY_NEVER && event->result != 0)
		return failed ? SURE_MAYBE : SURE_NOT;
	return event->answered <= place ? SURE_YES : SURE_MAYBE;
}

/* Does it take something, as far as is known? */
static bool
takes(const struct history_event *event)
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
		enum sure	 sure = happened(event, place, failed);

		bounds->touched |= sure == SURE_MAYBE;
		if (sure == SURE_NOT || !takes(event))
			continue;
		may[event->call]++;
		did[event->call] += sure == SURE_YES;
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

/* Judging */

struct found {
	struct store_secret	 row;
	bool			 exists;
	bool			 whole;		/* its record is as it was */
};

struct looking {
	const struct history_judge *judge;
	struct found	*found;
	uint8_t		*record;
	size_t		 record_size;
};

static int64_t
wall(void)
{
	struct timespec	 now;

	(void)clock_gettime(CLOCK_REALTIME, &now);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static int
look_at(struct store_txn *txn, struct looking *looking,
    const struct history_secret *secret, struct found *found)
{
	int	 result = store_secret_find(txn, secret->lookup, &found->row);

	found->exists = result == 0;
	if (result != 0)
		return result == 1 ? 0 : -1;
	if (found->row.record == 0 || secret->sealed_size == 0) {
		found->whole = true;
		return 0;
	}
	if (found->row.record_bytes > looking->record_size) {
		looking->record_size = found->row.record_bytes;
		free(looking->record);
		looking->record = malloc(looking->record_size);
		assert_non_null(looking->record);
	}
	if (store_record_read(txn, &found->row, looking->record) != 0)
		return -1;
	found->whole = found->row.record_bytes == secret->sealed_size &&
	    memcmp(looking->record, secret->sealed, secret->sealed_size) == 0;
	return 0;
}

static int
look(struct store_txn *txn, void *argument)
{
	struct looking	*looking = argument;
	const struct history *history = looking->judge->history;

	for (size_t i = 0; i < history->count; i++)
		if (look_at(txn, looking, &history->secrets[i],
		    &looking->found[i]) == -1)
			return -1;
	return 0;
}

/* An hour's secret, and not one that is to expire at once. */
static bool
is_long(const struct history_secret *secret)
{
	return secret->secret.creation.lifetime > 600000;
}

static void
judge_row(const struct history_judge *judge, size_t number,
    const struct found *found, const struct history_bounds *bounds)
{
	const struct history_secret *secret =
	    &judge->history->secrets[number];
	const struct store_secret *row = &found->row;
	struct history_bounds strict;
	unsigned int	 views = 0;

	if ((!found->exists && bounds->must_exist && is_long(secret)) ||
	    (found->exists && !bounds->may_exist))
		attack_broke(judge->rows.once, "%s: secret %zu %s",
		    judge->what, number, found->exists ? "was never made" :
		    "is not there");
	if (!found->exists)
		return;
	if (!found->whole)
		attack_broke(judge->rows.once, "%s: secret %zu is not whole",
		    judge->what, number);
	if (row->record != 0 && wall() < row->expires_at)
		views = row->views_left;
	/* With nothing that failed it would have more. */
	history_bounds(secret, judge->place, false, &strict);
	if (judge->rows.lost != NULL && is_long(secret) &&
	    views < strict.views_min)
		attack_tried(judge->rows.lost);
	if (views > bounds->views_max ||
	    (views < bounds->views_min && is_long(secret)))
		attack_broke(judge->rows.once, "%s: secret %zu has %u views, "
		    "not %u to %u", judge->what, number, views,
		    bounds->views_min, bounds->views_max);
	if (views > 0 && (row->attempts_left > bounds->attempts_max ||
	    row->attempts_left < bounds->attempts_min))
		attack_broke(judge->rows.tries, "%s: secret %zu has %u "
		    "attempts, not %u to %u", judge->what, number,
		    (unsigned int)row->attempts_left, bounds->attempts_min,
		    bounds->attempts_max);
}

/* As a reader would. */
static void
judge_views(const struct history_judge *judge, struct site *site,
    struct arena *arena, size_t number, const struct history_bounds *bounds)
{
	struct history_secret *secret = &judge->history->secrets[number];
	struct secret_reading reading;
	uint8_t		 claim[SEAL_SECRETBYTES];
	unsigned int	 views = 0;
	int		 result;

	for (;;) {
		for (size_t i = 0; i < sizeof(claim); i++)
			claim[i] = (uint8_t)recorder_random(judge->random);
		result = ask(site, arena, secret, false, claim, &reading);
		if (result != 0 || reading.outcome != SECRET_OK ||
		    views > bounds->views_max)
			break;
		views++;
		if (!is_payload(secret, &reading))
			attack_broke(judge->rows.once, "%s: secret %zu opens "
			    "to something else", judge->what, number);
		arena_reset(arena);
	}
	arena_reset(arena);
	if (result != 0 || views > bounds->views_max ||
	    (views < bounds->views_min && is_long(secret)))
		attack_broke(judge->rows.once, "%s: secret %zu opened %u "
		    "times, not %u to %u (%d)", judge->what, number, views,
		    bounds->views_min, bounds->views_max, result);
}

/* As somebody who guesses would. */
static void
judge_attempts(const struct history_judge *judge, struct site *site,
    struct arena *arena, size_t number, const struct history_bounds *bounds)
{
	struct history_secret *secret = &judge->history->secrets[number];
	struct secret_reading reading = { .kinds = 0 };
	unsigned int	 attempts = 0;
	bool		 open = false;

	while (ask(site, arena, secret, true, NULL, &reading) == 0 &&
	    (reading.outcome == SECRET_WRONG_PIN ||
	    reading.outcome == SECRET_NOW_LOCKED)) {
		open = true;
		attempts++;
		if (reading.outcome == SECRET_NOW_LOCKED ||
		    attempts > bounds->attempts_max)
			break;
	}
	if (open && (attempts > bounds->attempts_max ||
	    (attempts < bounds->attempts_min && is_long(secret))))
		attack_broke(judge->rows.tries, "%s: secret %zu took %u wrong "
		    "gates, not %u to %u", judge->what, number, attempts,
		    bounds->attempts_min, bounds->attempts_max);
	if (ask(site, arena, secret, false, NULL, &reading) != 0 ||
	    reading.outcome == SECRET_OK)
		attack_broke(judge->rows.tries, "%s: secret %zu opens after "
		    "its last attempt", judge->what, number);
	arena_reset(arena);
}

/* May this claim have ended? */
static bool
may_be_over(const struct history_judge *judge,
    const struct history_secret *secret, const struct history_event *open)
{
	for (size_t i = 0; i < secret->count; i++) {
		const struct history_event *event = &secret->events[i];

		if (happened(event, judge->place, judge->failed) == SURE_NOT)
			continue;
		if (event->call == HISTORY_BURN || (event->call == HISTORY_ACK
		    && memcmp(event->claim, open->claim,
		    sizeof(open->claim)) == 0))
			return true;
	}
	return open->claim_until < wall() + 5000;
}

/* Whoever was answered, or was not since the answer was lost, asks again. */
static void
judge_claims(const struct history_judge *judge, struct site *site,
    struct arena *arena, size_t number, const struct history_bounds *bounds)
{
	struct history_secret *secret = &judge->history->secrets[number];
	struct secret_reading reading;

	for (size_t i = 0; i < secret->count; i++) {
		const struct history_event *event = &secret->events[i];
		enum sure	 sure = happened(event, judge->place,
				    judge->failed);

		if (event->call != HISTORY_OPEN || !takes(event) ||
		    sure == SURE_NOT || may_be_over(judge, secret, event) ||
		    (sure == SURE_MAYBE && bounds->contested))
			continue;
		attack_tried(judge->rows.again);
		if (ask(site, arena, secret, false, event->claim, &reading)
		    != 0 || reading.outcome != SECRET_OK ||
		    !is_payload(secret, &reading))
			attack_broke(judge->rows.again, "%s: secret %zu does "
			    "not open again to its reader", judge->what,
			    number);
		arena_reset(arena);
	}
}

struct examining {
	struct store_copy	*copy;
};

static int
copy_all(struct store_txn *txn, void *argument)
{
	struct examining	*examining = argument;

	return store_copy(txn, INT64_MAX / 2, &examining->copy);
}

static void
judge_whole(const struct history_judge *judge, struct site *site)
{
	struct examining examining = { .copy = NULL };
	char		 what[256] = "it cannot be copied";

	attack_tried(judge->rows.whole);
	if (store_view(site->store, copy_all, &examining) != 0 ||
	    examining.copy == NULL ||
	    store_copy_examine(examining.copy, what, sizeof(what)) != 0)
		attack_broke(judge->rows.whole, "%s: %s", judge->what, what);
	store_copy_free(examining.copy);
}

void
history_judge(const struct history_judge *judge, struct site *site,
    struct arena *arena)
{
	size_t		 count = judge->history->count, opened = 0, number;
	struct looking	 looking = { .judge = judge };
	struct history_bounds *bounds;

	bounds = calloc(count + 1, sizeof(*bounds));
	looking.found = calloc(count + 1, sizeof(*looking.found));
	assert_true(bounds != NULL && looking.found != NULL);
	attack_tried(judge->rows.once);
	attack_tried(judge->rows.tries);
	if (store_view(site->store, look, &looking) != 0)
		attack_broke(judge->rows.once, "%s: cannot be read",
		    judge->what);
	else
		for (size_t i = 0; i < count; i++) {
			history_bounds(&judge->history->secrets[i],
			    judge->place, judge->failed, &bounds[i]);
			judge_row(judge, i, &looking.found[i], &bounds[i]);
		}
	judge_whole(judge, site);
	/* What something was going on with, and some others. */
	for (size_t i = 0; i < count + judge->opened && opened <
	    judge->opened && count > 0; i++) {
		number = i < count ? i :
		    recorder_random(judge->random) % count;
		if (bounds[number].judged || (i < count &&
		    !bounds[number].touched))
			continue;
		bounds[number].judged = true;
		opened++;
		judge_claims(judge, site, arena, number, &bounds[number]);
		if (judge->history->secrets[number].secret.creation.proof.gate
		    != NULL && recorder_random(judge->random) % 2 == 0)
			judge_attempts(judge, site, arena, number,
			    &bounds[number]);
		else
			judge_views(judge, site, arena, number,
			    &bounds[number]);
	}
	free(looking.record);
	free(looking.found);
	free(bounds);
}

void
history_over(struct history *history, struct site *site, bool *over)
{
	struct history_judge judge = { .history = history };
	struct looking	 looking = { .judge = &judge };

	looking.found = calloc(history->count + 1, sizeof(*looking.found));
	assert_non_null(looking.found);
	assert_int_equal(store_view(site->store, look, &looking), 0);
	for (size_t i = 0; i < history->count; i++)
		over[i] = history->secrets[i].sealed_size > 0 &&
		    (!looking.found[i].exists ||
		    looking.found[i].row.record == 0);
	free(looking.record);
	free(looking.found);
}

/* Pieces of what is over, and whose they are; a value of 0 is an empty place,
 * since a piece of eight zeros would tell nothing. */
#define PIECE	8
#define STRIDE	16

struct pieces {
	uint64_t	*values;
	uint16_t	*owners;
	unsigned int	 bits;		/* 2^bits places */
};

static size_t
place_of(const struct pieces *pieces, uint64_t value)
{
	size_t	 place = value * 0x9e3779b97f4a7c15 >> (64 - pieces->bits);

	while (pieces->values[place] != 0 && pieces->values[place] != value)
		place = (place + 1) & (((size_t)1 << pieces->bits) - 1);
	return place;
}

static void
cut_up(const struct history *history, const bool *over, struct pieces *pieces)
{
	size_t	 total = 16;

	for (size_t i = 0; i < history->count; i++)
		if (over[i])
			total += history->secrets[i].sealed_size / STRIDE;
	pieces->bits = 4;
	while ((size_t)1 << pieces->bits < 4 * total)
		pieces->bits++;
	pieces->values = calloc((size_t)1 << pieces->bits,
	    sizeof(*pieces->values));
	pieces->owners = calloc((size_t)1 << pieces->bits,
	    sizeof(*pieces->owners));
	assert_true(pieces->values != NULL && pieces->owners != NULL);
	for (size_t i = 0; i < history->count; i++) {
		const struct history_secret *secret = &history->secrets[i];

		for (size_t at = SEAL_PAYLOAD_OFFSET; over[i] &&
		    at + PIECE <= secret->sealed_size; at += STRIDE) {
			uint64_t value;
			size_t	 place;

			memcpy(&value, secret->sealed + at, PIECE);
			place = place_of(pieces, value);
			pieces->values[place] = value;
			pieces->owners[place] = (uint16_t)i;
		}
	}
}

long
history_left(const struct history *history, const bool *over,
    const uint8_t *bytes, size_t size, size_t *offset)
{
	struct pieces	 pieces;
	uint64_t	 value;
	long		 owner = -1;

	cut_up(history, over, &pieces);
	for (size_t at = 0; owner == -1 && at + PIECE <= size; at++) {
		size_t	 place;

		memcpy(&value, bytes + at, PIECE);
		if (value == 0)
			continue;
		place = place_of(&pieces, value);
		if (pieces.values[place] == value) {
			*offset = at;
			owner = pieces.owners[place];
		}
	}
	free(pieces.values);
	free(pieces.owners);
	return owner;
}

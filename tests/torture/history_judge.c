/* SPDX-License-Identifier: ISC */
/*
 * Whether a site that was found after a crash agrees with what people were
 * told.
 */
#include "history_judge.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/arena.h"
#include "core/secret.h"
#include "store/store.h"

/* Secrets that are asked for after their time, of each judgement. */
#define LATE 4

struct found {
	struct store_secret	 row;
	bool			 exists;
	bool			 whole;		/* its record is as it was */
	unsigned int		 views;		/* that can be taken */
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
	if (found->row.record != 0 && wall() < found->row.expires_at)
		found->views = found->row.views_left;
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

/* What its maker was told; 0 as long as that was nothing. */
static int64_t
told_end(const struct history_secret *secret)
{
	const struct history_event *creation = &secret->events[0];

	return secret->count == 0 || creation->answered == HISTORY_NEVER ||
	    creation->result != 0 || creation->outcome != SECRET_OK ? 0 :
	    secret->expires_at;
}

static void
judge_row(const struct history_judge *judge, size_t number,
    const struct found *found, const struct history_bounds *bounds)
{
	const struct history_secret *secret =
	    &judge->history->secrets[number];
	const struct store_secret *row = &found->row;

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
	if (told_end(secret) != 0 && row->expires_at != told_end(secret))
		attack_broke(judge->rows.time, "%s: secret %zu has %" PRId64
		    " ms more than its maker was told", judge->what, number,
		    row->expires_at - told_end(secret));
	if (found->views > bounds->views_max ||
	    (found->views < bounds->views_min && is_long(secret)))
		attack_broke(judge->rows.once, "%s: secret %zu has %u views, "
		    "not %u to %u", judge->what, number, found->views,
		    bounds->views_min, bounds->views_max);
	if (found->views > 0 && (row->attempts_left > bounds->attempts_max ||
	    row->attempts_left < bounds->attempts_min))
		attack_broke(judge->rows.tries, "%s: secret %zu has %u "
		    "attempts, not %u to %u", judge->what, number,
		    (unsigned int)row->attempts_left, bounds->attempts_min,
		    bounds->attempts_max);
}

/* Whoever comes after its time, also with a claim.  Returns whether it is. */
static bool
judge_time(const struct history_judge *judge, struct site *site,
    struct arena *arena, size_t number)
{
	const struct history_secret *secret =
	    &judge->history->secrets[number];
	struct secret_reading reading;
	int64_t	 end = told_end(secret);
	uint8_t	 other[SEAL_SECRETBYTES] = { 3 };

	if (end == 0 || wall() < end)
		return false;
	attack_tried(judge->rows.time);
	for (size_t i = 0; i < secret->count; i++) {
		const struct history_event *event = &secret->events[i];
		const uint8_t	*claim = i == 0 ? other : event->claim;

		if (i > 0 && event->call != HISTORY_OPEN)
			continue;
		if (history_try(site, arena, secret, false, claim, &reading)
		    == 0 && reading.outcome == SECRET_OK)
			attack_broke(judge->rows.time, "%s: secret %zu opens "
			    "%" PRId64 " ms after its time", judge->what,
			    number, wall() - end);
		arena_reset(arena);
	}
	return true;
}

struct counting {
	const uint8_t	*lookup;
	unsigned int	 views;
};

static int
count_views(struct store_txn *txn, void *argument)
{
	struct counting	*counting = argument;
	struct store_secret row;

	if (store_secret_find(txn, counting->lookup, &row) != 0)
		return -1;
	counting->views = row.views_left;
	return 0;
}

static bool
gives(struct site *site, struct arena *arena,
    const struct history_secret *secret, const uint8_t *claim)
{
	struct secret_reading reading;
	bool	 good;

	good = history_try(site, arena, secret, false, claim, &reading) == 0 &&
	    reading.outcome == SECRET_OK &&
	    history_is_payload(secret, &reading);
	arena_reset(arena);
	return good;
}

/* Does this claim give the bytes, and no view for them? */
static bool
opens_again(struct site *site, struct arena *arena,
    const struct history_secret *secret, const struct history_event *event)
{
	struct counting	 before = { .lookup = secret->lookup };
	struct counting	 after = { .lookup = secret->lookup };
	bool		 good;

	if (store_view(site->store, count_views, &before) != 0)
		return false;
	good = gives(site, arena, secret, event->claim);
	return good && store_view(site->store, count_views, &after) == 0 &&
	    after.views == before.views;
}

/*
 * Views that are gone and that nobody was answered for: each was bound to a
 * claim, which gives the bytes.  Who burns or locks takes views too, and who
 * acks ends claims.  Returns whether there are any.
 */
static bool
judge_unanswered(const struct history_judge *judge, struct site *site,
    struct arena *arena, size_t number, const struct found *found)
{
	const struct history_secret *secret =
	    &judge->history->secrets[number];
	unsigned int	 guesses = 0;
	int		 gone = (int)secret->secret.creation.views, again = 0;
	struct attack_row *row = judge->rows.unanswered;

	if (!found->exists || !is_long(secret))
		return false;
	for (size_t i = 0; i < secret->count; i++) {
		const struct history_event *event = &secret->events[i];
		enum history_sure sure;

		sure = history_happened(event, judge->place, judge->failed);
		if (sure == HISTORY_SURE_NOT || !history_takes(event))
			continue;
		if (event->call == HISTORY_BURN)
			return false;
		guesses += event->call == HISTORY_GUESS;
		gone -= event->call == HISTORY_OPEN &&
		    sure == HISTORY_SURE_YES;
	}
	gone -= (int)found->views;
	if (guesses >= secret->secret.creation.attempts || gone <= 0)
		return false;
	for (size_t i = 0; i < secret->count; i++) {
		const struct history_event *event = &secret->events[i];

		if (event->call != HISTORY_OPEN || !history_takes(event) ||
		    history_happened(event, judge->place, judge->failed) !=
		    HISTORY_SURE_MAYBE)
			continue;
		if (history_has_failed(event))
			row = judge->rows.lost;
		again += opens_again(site, arena, secret, event);
	}
	for (int i = 0; i < gone || i < again; i++)
		attack_tried(row);
	if (again < gone)
		attack_broke(row, "%s: %d views of secret %zu are gone, and "
		    "%d claims open it", judge->what, gone, number, again);
	return true;
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
		result = history_try(site, arena, secret, false, claim,
		    &reading);
		if (result != 0 || reading.outcome != SECRET_OK ||
		    views > bounds->views_max)
			break;
		views++;
		if (!history_is_payload(secret, &reading))
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

	while (history_try(site, arena, secret, true, NULL, &reading) == 0 &&
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
	if (history_try(site, arena, secret, false, NULL, &reading) != 0 ||
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

		if (history_happened(event, judge->place, judge->failed) ==
		    HISTORY_SURE_NOT)
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

	for (size_t i = 0; i < secret->count; i++) {
		const struct history_event *event = &secret->events[i];
		enum history_sure sure;

		sure = history_happened(event, judge->place, judge->failed);
		if (event->call != HISTORY_OPEN || !history_takes(event) ||
		    sure == HISTORY_SURE_NOT ||
		    may_be_over(judge, secret, event) ||
		    (sure == HISTORY_SURE_MAYBE && bounds->contested))
			continue;
		attack_tried(judge->rows.again);
		if (!gives(site, arena, secret, event->claim))
			attack_broke(judge->rows.again, "%s: secret %zu does "
			    "not open again to its reader", judge->what,
			    number);
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
	size_t		 begin, late = 0;
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
	begin = recorder_random(judge->random);
	for (size_t i = 0; i < count; i++) {
		const struct found *found;

		number = (begin + i) % count;
		found = &looking.found[number];
		/* Nothing more can be counted where those were opened. */
		if (judge_unanswered(judge, site, arena, number, found)) {
			bounds[number].judged = true;
			judge_claims(judge, site, arena, number,
			    &bounds[number]);
		}
		if (found->exists && found->row.record != 0 && late < LATE)
			late += judge_time(judge, site, arena, number);
	}
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

/* SPDX-License-Identifier: ISC */
/*
 * The search for an order of calls: one that nothing else must precede is
 * taken, then the next, and back when that leads nowhere (J. Wing, C. Gong:
 * "Testing and Verifying Concurrent Objects", 1993), but never twice into the
 * same state with the same calls behind it (G. Lowe: "Testing for
 * linearizability", 2017).
 */
#include "linearize.h"

#include <stdlib.h>
#include <string.h>

#define PLACES_FIRST	((size_t)1 << 8)	/* powers of 2 */
#define PLACES_MAX	((size_t)1 << 20)

/* Where the search has been. */
struct place {
	uint64_t	 done[LINEARIZE_CALLS / 64];
	uint8_t		 state[LINEARIZE_STATE];
	bool		 taken;
};

struct places {
	struct place	*table;
	size_t		 size, count;
	bool		 full;
};

static bool
is_done(const struct place *place, unsigned int call)
{
	return (place->done[call / 64] >> (call % 64) & 1) != 0;
}

static size_t
hash(const struct place *place)
{
	uint64_t	 value = 14695981039346656037u, word;

	for (size_t i = 0; i < LINEARIZE_CALLS / 64; i++)
		value = (value ^ place->done[i]) * 1099511628211u;
	for (size_t i = 0; i < LINEARIZE_STATE; i += sizeof(word)) {
		memcpy(&word, place->state + i, sizeof(word));
		value = (value ^ word) * 1099511628211u;
	}
	return (size_t)(value ^ value >> 32);
}

/* Where this place is, or is to be. */
static struct place *
find(const struct places *places, const struct place *place)
{
	size_t	 i = hash(place) & (places->size - 1);

	while (places->table[i].taken &&
	    (memcmp(places->table[i].done, place->done,
	    sizeof(place->done)) != 0 || memcmp(places->table[i].state,
	    place->state, sizeof(place->state)) != 0))
		i = (i + 1) & (places->size - 1);
	return &places->table[i];
}

static void
grow(struct places *places)
{
	struct places	 larger = { .size = places->size * 2 };

	if (places->size == 0)
		larger.size = PLACES_FIRST;
	if (larger.size <= PLACES_MAX)
		larger.table = calloc(larger.size, sizeof(*larger.table));
	if (larger.table == NULL) {
		places->full = true;
		return;
	}
	for (size_t i = 0; i < places->size; i++)
		if (places->table[i].taken)
			*find(&larger, &places->table[i]) = places->table[i];
	larger.count = places->count;
	free(places->table);
	*places = larger;
}

/* Is this the first time here?  And remember it. */
static bool
is_new(struct places *places, const struct place *place)
{
	struct place	*found;

	if (places->count * 2 >= places->size)
		grow(places);
	if (places->full)
		return false;
	found = find(places, place);
	if (found->taken)
		return false;
	*found = *place;
	found->taken = true;
	places->count++;
	return true;
}

/* What can come next, and what would be too late then. */
struct horizon {
	int64_t		 latest;	/* the earliest end of what must come */
	int64_t		 newest;	/* the latest beginning of what came */
	int64_t		 lost;		/* the earliest end of what may come */
	bool		 all;		/* nothing must come any more */
};

static void
look_ahead(const struct linearize *search, const struct place *place,
    struct horizon *horizon)
{
	*horizon = (struct horizon){
		.latest = INT64_MAX, .newest = INT64_MIN, .lost = INT64_MAX,
		.all = true,
	};
	for (unsigned int i = 0; i < search->count; i++) {
		const struct linearize_call *call = &search->calls[i];

		if (is_done(place, i)) {
			if (call->began > horizon->newest)
				horizon->newest = call->began;
		} else if (!call->lost) {
			horizon->all = false;
			if (call->ended < horizon->latest)
				horizon->latest = call->ended;
		}
	}
	for (unsigned int i = 0; i < search->count; i++) {
		const struct linearize_call *call = &search->calls[i];

		if (!is_done(place, i) && call->lost &&
		    call->ended >= horizon->newest &&
		    call->ended < horizon->lost)
			horizon->lost = call->ended;
	}
}

static bool
may_be_next(const struct linearize_call *call, const struct horizon *horizon)
{
	return call->began <= horizon->latest &&
	    (!call->lost || call->ended >= horizon->newest);
}

static bool
search_from(const struct linearize *search, struct places *places,
    const struct place *place)
{
	struct horizon	 horizon;
	struct place	 next;

	look_ahead(search, place, &horizon);
	if (horizon.all)
		return true;
	if (!is_new(places, place))
		return false;
	for (unsigned int i = 0; i < search->count && !places->full; i++) {
		const struct linearize_call *call = &search->calls[i];

		if (is_done(place, i) || !may_be_next(call, &horizon))
			continue;
		for (unsigned int j = 0; j < search->choices; j++) {
			bool	 same;

			next = *place;
			if (!search->step(next.state, search->history, i, j))
				continue;
			same = memcmp(next.state, place->state,
			    sizeof(next.state)) == 0;
			/* To leave it out is the same. */
			if (same && call->lost)
				continue;
			next.done[i / 64] |= (uint64_t)1 << (i % 64);
			if (search_from(search, places, &next))
				return true;
			/* What changes nothing is as well done now as later,
			 * if it makes no other come too late. */
			if (call->idle && call->began <= horizon.lost)
				return false;
		}
	}
	return false;
}

enum linearize_verdict
linearize_search(const struct linearize *search, const void *start)
{
	struct places	 places = { .table = NULL };
	struct place	 place;
	bool		 found;

	memset(&place, 0, sizeof(place));
	memcpy(place.state, start, search->state_size);
	found = search_from(search, &places, &place);
	free(places.table);
	if (found)
		return LINEARIZE_ORDER;
	return places.full ? LINEARIZE_TOO_MANY : LINEARIZE_NO_ORDER;
}

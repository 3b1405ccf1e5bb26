/* SPDX-License-Identifier: ISC */
/*
 * Pieces of records that are over, among any bytes.
 */
#include <stdlib.h>
#include <string.h>

#include "history.h"
#include "store/store.h"

struct looking {
	const struct history *history;
	bool		*over;
};

static int
look(struct store_txn *txn, void *argument)
{
	struct looking	*looking = argument;

	for (size_t i = 0; i < looking->history->count; i++) {
		const struct history_secret *secret =
		    &looking->history->secrets[i];
		struct store_secret row;
		int	 result = store_secret_find(txn, secret->lookup, &row);

		if (result == -1)
			return -1;
		looking->over[i] = secret->sealed_size > 0 &&
		    (result == 1 || row.record == 0);
	}
	return 0;
}

void
history_over(struct history *history, struct site *site, bool *over)
{
	struct looking	 looking = { .history = history, .over = over };

	assert_int_equal(store_view(site->store, look, &looking), 0);
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

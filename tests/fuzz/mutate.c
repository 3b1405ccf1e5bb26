/* SPDX-License-Identifier: ISC */
/*
 * How inputs are changed by chance, where nothing tells which change was good:
 * the few ways that break parsers of text, lengths and numbers.
 */
#include "mutate.h"

#include <ctype.h>
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CHANGES_MAX	6
#define PIECE_MAX	64	/* bytes that are moved or repeated at once */
#define WORD_MAX	256

struct piece {
	uint8_t	*bytes;
	size_t	 size;
};

struct list {
	struct piece	*pieces;
	size_t		 count;
};

struct mutate {
	uint64_t	 state;
	struct list	 inputs;
	struct list	 words;
};

/* An input that is being changed. */
struct draft {
	uint8_t	*bytes;
	size_t	 size;
	size_t	 room;
};

struct mutate *
mutate_create(void)
{
	struct mutate	*mutate = calloc(1, sizeof(*mutate));

	if (mutate != NULL)
		mutate->state = 1;
	return mutate;
}

void
mutate_seed(struct mutate *mutate, uint64_t seed)
{
	mutate->state = seed * UINT64_C(0x9e3779b97f4a7c15) | 1;
}

/* xorshift64*; below `most', which is not 0. */
static size_t
below(struct mutate *mutate, size_t most)
{
	mutate->state ^= mutate->state >> 12;
	mutate->state ^= mutate->state << 25;
	mutate->state ^= mutate->state >> 27;
	return (size_t)((mutate->state * UINT64_C(0x2545f4914f6cdd1d)) >> 16) %
	    most;
}

static int
list_add(struct list *list, const void *bytes, size_t size)
{
	struct piece	*pieces;
	uint8_t		*copy;

	pieces = realloc(list->pieces, (list->count + 1) * sizeof(*pieces));
	if (pieces == NULL)
		return -1;
	list->pieces = pieces;
	if ((copy = malloc(size + 1)) == NULL)
		return -1;
	memcpy(copy, bytes, size);
	list->pieces[list->count++] = (struct piece){ copy, size };
	return 0;
}

int
mutate_add(struct mutate *mutate, const void *bytes, size_t size)
{
	return list_add(&mutate->inputs, bytes, size);
}

/* What stands between the quotes of `name="text \x00"'; -1: there are none. */
static int
read_word(const char *line, uint8_t *word)
{
	const char	*p = strchr(line, '"'), *end = strrchr(line, '"');
	char		 hex[3] = "";
	int		 size = 0;

	if (p == NULL || end == p || *line == '#')
		return -1;
	for (p++; p < end && size < WORD_MAX; p++) {
		if (*p == '\\' && p[1] == 'x' && end - p > 3) {
			memcpy(hex, p + 2, 2);
			word[size++] = (uint8_t)strtoul(hex, NULL, 16);
			p += 3;
		} else {
			if (*p == '\\' && end - p > 1)
				p++;
			word[size++] = (uint8_t)*p;
		}
	}
	return size;
}

int
mutate_words(struct mutate *mutate, const char *path)
{
	uint8_t	 word[WORD_MAX];
	char	 line[4 * WORD_MAX];
	FILE	*file = fopen(path, "re");
	int	 size, result = 0;

	if (file == NULL)
		return -1;
	while (result == 0 && fgets(line, sizeof(line), file) != NULL)
		if ((size = read_word(line, word)) > 0)
			result = list_add(&mutate->words, word, (size_t)size);
	(void)fclose(file);
	return result;
}

size_t
mutate_count(const struct mutate *mutate)
{
	return mutate->inputs.count;
}

size_t
mutate_get(const struct mutate *mutate, size_t number, uint8_t *bytes)
{
	const struct piece *input = &mutate->inputs.pieces[number];

	memcpy(bytes, input->bytes, input->size);
	return input->size;
}

/* Put these bytes at a place, in front of what is there, or over it. */
static void
put(struct draft *draft, size_t at, const uint8_t *bytes, size_t size,
    bool over)
{
	if (over && size > draft->size - at)
		size = draft->size - at;
	if (!over) {
		if (size > draft->room - draft->size)
			size = draft->room - draft->size;
		memmove(draft->bytes + at + size, draft->bytes + at,
		    draft->size - at);
		draft->size += size;
	}
	memmove(draft->bytes + at, bytes, size);
}

static void
take_out(struct draft *draft, size_t at, size_t size)
{
	if (size > draft->size - at)
		size = draft->size - at;
	memmove(draft->bytes + at, draft->bytes + at + size,
	    draft->size - at - size);
	draft->size -= size;
}

/* A number of 1, 2 or 4 bytes, the highest first, as lengths often are. */
static void
put_number(struct mutate *mutate, struct draft *draft, size_t at)
{
	static const uint32_t numbers[] = {
		0, 1, 2, 0x7f, 0x80, 0xff, 0x100, 0x7fff, 0x8000, 0xffff,
		0x10000, 0x7fffffff, 0x80000000, 0xfffffffe, 0xffffffff
	};
	uint32_t number = numbers[below(mutate, sizeof(numbers) /
	    sizeof(numbers[0]))];
	uint8_t	 bytes[4] = {
		(uint8_t)(number >> 24), (uint8_t)(number >> 16),
		(uint8_t)(number >> 8), (uint8_t)number
	};
	size_t	 size = (size_t)1 << below(mutate, 3);

	put(draft, at, bytes + 4 - size, size, true);
}

/* A number in digits becomes another one. */
static void
put_digits(struct mutate *mutate, struct draft *draft, size_t at)
{
	static const char *const numbers[] = {
		"0", "1", "-1", "9", "4097", "65536", "2147483648",
		"4294967296", "9223372036854775807", "9223372036854775808",
		"00", "1e9", "0.5"
	};
	const char *text = numbers[below(mutate, sizeof(numbers) /
	    sizeof(numbers[0]))];
	size_t	 end = at;

	while (end < draft->size && isdigit(draft->bytes[end]))
		end++;
	take_out(draft, at, end - at);
	put(draft, at, (const uint8_t *)text, strlen(text), false);
}

/* A piece of this input, of another one, or a word. */
static void
put_piece(struct mutate *mutate, struct draft *draft, size_t at, bool over)
{
	const struct list *list = &mutate->inputs;
	const struct piece *piece;
	uint8_t	 copy[PIECE_MAX];
	size_t	 from, size;

	if (mutate->words.count > 0 && below(mutate, 2) == 0)
		list = &mutate->words;
	piece = &list->pieces[below(mutate, list->count)];
	if (piece->size == 0)
		return;
	from = list == &mutate->words ? 0 : below(mutate, piece->size);
	size = piece->size - from;
	if (size > PIECE_MAX)
		size = PIECE_MAX;
	if (list != &mutate->words)
		size = 1 + below(mutate, size);
	memcpy(copy, piece->bytes + from, size);
	put(draft, at, copy, size, over);
}

/* A piece of the input again and again, as depth and lengths are tried. */
static void
repeat(struct mutate *mutate, struct draft *draft, size_t at)
{
	uint8_t	 copy[PIECE_MAX];
	size_t	 size = draft->size - at, times;

	if (size == 0)
		return;
	size = 1 + below(mutate, size > PIECE_MAX ? PIECE_MAX : size);
	memcpy(copy, draft->bytes + at, size);
	times = (size_t)1 << below(mutate, 8);
	while (times-- > 0)
		put(draft, at, copy, size, false);
}

static void
change(struct mutate *mutate, struct draft *draft)
{
	size_t	 at = below(mutate, draft->size + 1);
	uint8_t	 byte = (uint8_t)below(mutate, 256);

	switch (below(mutate, 11)) {
	case 0:
		if (at < draft->size)
			draft->bytes[at] ^= (uint8_t)(1 << below(mutate, 8));
		break;
	case 1:
		put(draft, at, &byte, 1, true);
		break;
	case 2:
		put(draft, at, &byte, 1, false);
		break;
	case 3:
		take_out(draft, at, 1);
		break;
	case 4:
		take_out(draft, at, 1 + below(mutate, PIECE_MAX));
		break;
	case 5:
		put_number(mutate, draft, at);
		break;
	case 6:
		put_digits(mutate, draft, at);
		break;
	case 7:
		put_piece(mutate, draft, at, true);
		break;
	case 8:
		put_piece(mutate, draft, at, false);
		break;
	case 9:
		repeat(mutate, draft, at);
		break;
	default:
		if (below(mutate, 4) == 0)
			draft->size = at;
		break;
	}
}

size_t
mutate_draw(struct mutate *mutate, uint8_t *bytes, size_t room)
{
	struct draft	 draft = { .bytes = bytes, .room = room };
	size_t		 changes = 1 + below(mutate, CHANGES_MAX);

	draft.size = mutate_get(mutate, below(mutate, mutate->inputs.count),
	    bytes);
	while (changes-- > 0)
		change(mutate, &draft);
	return draft.size;
}

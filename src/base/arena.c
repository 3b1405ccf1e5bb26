/* SPDX-License-Identifier: ISC */

/*
 * This file knows how the memory of a request is cut from a chain of chunks.
 * One rule holds everything together: the bytes of a chunk from `used` on are
 * zero.  calloc makes that true and arena_reset makes it true again, so that
 * handing out memory never has to clear it.
 */

#include <stdalign.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"

#if defined(__has_feature)
#if __has_feature(address_sanitizer)
#define ARENA_POISON 1
#endif
#endif
#if defined(__SANITIZE_ADDRESS__) && !defined(ARENA_POISON)
#define ARENA_POISON 1
#endif

#ifdef ARENA_POISON
#include <sanitizer/asan_interface.h>
#define ARENA_GAP ((size_t)16)	/* never handed out, behind each block */
#else
#define ASAN_POISON_MEMORY_REGION(data, size)	((void)(data), (void)(size))
#define ASAN_UNPOISON_MEMORY_REGION(data, size)	((void)(data), (void)(size))
#define ARENA_GAP ((size_t)0)
#endif

#define ARENA_FIRST	((size_t)16 << 10)
#define ARENA_LARGEST	((size_t)512 << 10)	/* but for one large block */

struct chunk {
	struct chunk		*next;
	size_t			 size;		/* of data */
	size_t			 used;		/* aligned; zeroes follow */
	alignas(max_align_t) unsigned char data[];
};

struct arena {
	struct chunk	*first;
	struct chunk	*current;	/* those behind it are unused */
	size_t		 grow;		/* what the next chunk takes in all */
};

static size_t
round_up(size_t size)
{
	const size_t mask = alignof(max_align_t) - 1;

	return (size + mask) & ~mask;
}

static struct chunk *
chunk_create(size_t size)
{
	struct chunk *chunk;

	chunk = calloc(1, sizeof(*chunk) + size);
	if (chunk == NULL)
		return NULL;
	chunk->size = size;
	ASAN_POISON_MEMORY_REGION(chunk->data, size);
	return chunk;
}

static void
chunk_wipe(struct chunk *chunk)
{
	ASAN_UNPOISON_MEMORY_REGION(chunk->data, chunk->size);
	explicit_bzero(chunk->data, chunk->used);
	chunk->used = 0;
}

struct arena *
arena_create(void)
{
	struct arena *arena;

	arena = calloc(1, sizeof(*arena));
	if (arena != NULL)
		arena->grow = ARENA_FIRST;
	return arena;
}

void
arena_destroy(struct arena *arena)
{
	struct chunk *chunk, *next;

	if (arena == NULL)
		return;
	for (chunk = arena->first; chunk != NULL; chunk = next) {
		next = chunk->next;
		chunk_wipe(chunk);
		free(chunk);
	}
	free(arena);
}

/* A chunk with room for size bytes when the current one has not, or NULL. */
static struct chunk *
arena_advance(struct arena *arena, size_t size)
{
	struct chunk *chunk, *current;
	size_t room;

	current = arena->current;
	chunk = current == NULL ? arena->first : current->next;
	if (chunk != NULL && chunk->size >= size) {
		arena->current = chunk;
		return chunk;
	}

	room = arena->grow - sizeof(*chunk);
	chunk = chunk_create(size > room ? size : room);
	if (chunk == NULL)
		return NULL;
	if (size > room || current == NULL) {
		/* What a large block leaves is little: it goes to the front,
		 * and the current chunk stays the one to cut from. */
		chunk->next = arena->first;
		arena->first = chunk;
	} else {
		/* A kept chunk that was too small waits behind it. */
		chunk->next = current->next;
		current->next = chunk;
	}
	if (size <= room || current == NULL)
		arena->current = chunk;
	if (size <= room && arena->grow < ARENA_LARGEST)
		arena->grow *= 2;
	return chunk;
}

void *
arena_alloc(struct arena *arena, size_t size)
{
	struct chunk *chunk;
	unsigned char *data;
	size_t need;

	if (size > SIZE_MAX / 4)
		return NULL;
	need = round_up((size == 0 ? 1 : size) + ARENA_GAP);
	chunk = arena->current;
	if (chunk == NULL || chunk->size - chunk->used < need) {
		chunk = arena_advance(arena, need);
		if (chunk == NULL)
			return NULL;
	}
	data = chunk->data + chunk->used;
	chunk->used += need;
	ASAN_UNPOISON_MEMORY_REGION(data, size);
	return data;
}

void *
arena_copy(struct arena *arena, const void *data, size_t size)
{
	unsigned char *copy;

	if (size == SIZE_MAX)
		return NULL;
	copy = arena_alloc(arena, size + 1);
	if (copy != NULL && size != 0)
		memcpy(copy, data, size);
	return copy;
}

bool
arena_extend(struct arena *arena, void *data, size_t size, size_t wanted)
{
	struct chunk *chunk = arena->current;
	size_t start, need;

	if (chunk == NULL || size == 0 || wanted < size ||
	    wanted > SIZE_MAX / 4)
		return false;
	need = round_up(size + ARENA_GAP);
	if (chunk->used < need ||
	    (unsigned char *)data != chunk->data + (chunk->used - need))
		return false;
	start = chunk->used - need;
	need = round_up(wanted + ARENA_GAP);
	if (chunk->size - start < need)
		return false;
	chunk->used = start + need;
	ASAN_UNPOISON_MEMORY_REGION(data, wanted);
	return true;
}

int
arena_reserve(struct arena *arena, size_t size)
{
	struct chunk *chunk = arena->current;

	if (size > SIZE_MAX / 4)
		return -1;
	size += ARENA_GAP;
	if (chunk != NULL && chunk->size - chunk->used >= size)
		return 0;
	if (size < arena->grow - sizeof(*chunk))
		size = arena->grow - sizeof(*chunk);
	if ((chunk = chunk_create(size)) == NULL)
		return -1;
	if (arena->current == NULL) {
		chunk->next = arena->first;
		arena->first = chunk;
	} else {
		chunk->next = arena->current->next;
		arena->current->next = chunk;
	}
	arena->current = chunk;
	return 0;
}

void
arena_reset(struct arena *arena)
{
	struct chunk *chunk, **link;
	size_t kept = 0, whole;

	link = &arena->first;
	while ((chunk = *link) != NULL) {
		chunk_wipe(chunk);
		whole = sizeof(*chunk) + chunk->size;
		if (whole > ARENA_LARGEST || whole > ARENA_KEEP - kept) {
			*link = chunk->next;
			free(chunk);
			continue;
		}
		kept += whole;
		ASAN_POISON_MEMORY_REGION(chunk->data, chunk->size);
		link = &chunk->next;
	}
	arena->current = NULL;
	if (kept == 0)
		arena->grow = ARENA_FIRST;
}

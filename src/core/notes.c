/* SPDX-License-Identifier: ISC */
/*
 * What is the same in all notes: where they lie, what is said when they do not
 * open, and that the lowest byte of a number comes first.
 */
#include "base/arena.h"
#include "base/buf.h"
#include "base/log.h"
#include "core/notes.h"
#include "core/site.h"

void
notes_put(struct buf *plain, uint64_t value, size_t size)
{
	uint8_t	 bytes[sizeof(value)];

	for (size_t i = 0; i < size; i++)
		bytes[i] = (uint8_t)(value >> (8 * i));
	buf_append(plain, bytes, size);
}

uint64_t
notes_get(const uint8_t *at, size_t size)
{
	uint64_t	 value = 0;

	for (size_t i = 0; i < size; i++)
		value |= (uint64_t)at[i] << (8 * i);
	return value;
}

int
notes_no_memory(void)
{
	log_event(LOG_NO_MEMORY, LOG_TEXT("where", "note"));
	return -1;
}

int
notes_damaged(const struct site *site, enum note_use use,
    const uint8_t owner[NOTE_OWNERBYTES])
{
	if (use == NOTE_LETTER)
		log_event(LOG_RECORD_DAMAGED, LOG_TEXT("where", "mail"));
	else
		site_log(site, owner, LOG_RECORD_DAMAGED);
	return 1;
}

uint8_t *
notes_seal(struct site *site, struct arena *arena, enum note_use use,
    const uint8_t owner[NOTE_OWNERBYTES], const void *bytes, size_t size)
{
	uint8_t	*note = NULL;

	if (bytes != NULL)
		note = arena_alloc(arena, size + NOTE_OVERHEAD);
	if (note == NULL)
		notes_no_memory();
	else
		note_seal(site->keyring, use, owner, bytes, size, note);
	return note;
}

int
notes_open(struct site *site, struct arena *arena, enum note_use use,
    const uint8_t owner[NOTE_OWNERBYTES], const void *note, size_t size,
    uint8_t **bytes)
{
	if (size < NOTE_OVERHEAD)
		return notes_damaged(site, use, owner);
	if ((*bytes = arena_alloc(arena, size - NOTE_OVERHEAD + 1)) == NULL)
		return notes_no_memory();
	(*bytes)[size - NOTE_OVERHEAD] = '\0';
	return note_open(site->keyring, use, owner, note, size, *bytes) == 0 ?
	    0 : notes_damaged(site, use, owner);
}

/* SPDX-License-Identifier: ISC */
#ifndef ONCELINK_NOTES_H
#define ONCELINK_NOTES_H

#include <stddef.h>
#include <stdint.h>

#include "crypto/note.h"

struct arena;
struct buf;
struct site;

/* Notes in the arena of a request, and the numbers in them. */

/* notes_put(plain, value, size): add a number of `size` bytes.
 * notes_get(at, size): read it. */
void	 notes_put(struct buf *plain, uint64_t value, size_t size);
uint64_t notes_get(const uint8_t *at, size_t size);

/*
 * notes_seal(site, arena, use, owner, bytes, size): seal `size` bytes, as
 * note_seal does, to size + NOTE_OVERHEAD bytes.  bytes are NULL when there was
 * no memory for them.  Returns NULL when there is none (logged).
 */
uint8_t	*notes_seal(struct site *site, struct arena *arena, enum note_use use,
	    const uint8_t owner[NOTE_OWNERBYTES], const void *bytes,
	    size_t size);

/*
 * notes_open(site, arena, use, owner, note, size, bytes): the other way, with
 * a NUL byte behind what is opened.  Returns 0, 1 when it does not open, or -1
 * when there is no memory, both logged.
 */
int	 notes_open(struct site *site, struct arena *arena, enum note_use use,
	    const uint8_t owner[NOTE_OWNERBYTES], const void *note,
	    size_t size, uint8_t **bytes);

/* notes_damaged(site, use, owner): log that what was opened is not as it was
 * written.  Returns 1. */
int	 notes_damaged(const struct site *site, enum note_use use,
	    const uint8_t owner[NOTE_OWNERBYTES]);

/* notes_no_memory(): log it.  Returns -1. */
int	 notes_no_memory(void);

#endif

/* SPDX-License-Identifier: ISC */
#ifndef ONCELINK_NOTE_H
#define ONCELINK_NOTE_H

#include <stddef.h>
#include <stdint.h>

struct keyring;

/*
 * What people wrote beside a secret, and who viewed it: sealed with a key of
 * the server's that never changes, since a listing must open it without the
 * link.
 */

#define NOTE_OWNERBYTES	32
#define NOTE_OVERHEAD	(2 + 24 + 16)	/* tag, nonce, MAC */

/* What a note is, so that none can stand for another; never renumber. */
enum note_use {
	NOTE_LISTING = 1,	/* owner: the secret's lookup */
	NOTE_MESSAGE = 2,	/* the same */
	NOTE_VIEWER = 3,	/* the same */
	NOTE_REQUEST = 4,	/* owner: the request's lookup */
	NOTE_LETTER = 5,	/* owner: zeroes */
	NOTE_PASSWORD = 6	/* owner: the request's lookup */
};

/*
 * note_seal(keyring, use, owner, bytes, size, note): seal `size` bytes with
 * XChaCha20-Poly1305, bound to use and owner, into note, which has room for
 * size + NOTE_OVERHEAD.
 */
void	 note_seal(const struct keyring *keyring, enum note_use use,
	    const uint8_t owner[NOTE_OWNERBYTES], const void *bytes,
	    size_t size, uint8_t *note);

/*
 * note_open(keyring, use, owner, note, size, bytes): open `size` bytes of note
 * into bytes, which has room for size - NOTE_OVERHEAD.  Returns 0, or -1 when
 * it is not what was sealed for that use and owner; bytes are then wiped.
 */
int	 note_open(const struct keyring *keyring, enum note_use use,
	    const uint8_t owner[NOTE_OWNERBYTES], const uint8_t *note,
	    size_t size, uint8_t *bytes);

#endif

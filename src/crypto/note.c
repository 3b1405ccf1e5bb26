/* SPDX-License-Identifier: ISC */
/*
 * What the bytes of a sealed note are:
 *
 *	format tag (2) || nonce (24) || XChaCha20 ciphertext || Poly1305 (16)
 *
 * Pure functions over bytes.
 */
#include <sodium.h>
#include <string.h>

#include "crypto/keyring.h"
#include "crypto/note.h"

static const uint8_t format_tag[2] = { 'N', 1 };

#define TAG_BYTES	sizeof(format_tag)
#define NONCE_BYTES	crypto_aead_xchacha20poly1305_ietf_NPUBBYTES
#define BINDING_BYTES	(2 + 1 + NOTE_OWNERBYTES)

_Static_assert(NOTE_OVERHEAD == TAG_BYTES + NONCE_BYTES +
    crypto_aead_xchacha20poly1305_ietf_ABYTES,
    "the header says how long a note is");

static void
encode_binding(enum note_use use, const uint8_t owner[NOTE_OWNERBYTES],
    uint8_t out[BINDING_BYTES])
{
	memcpy(out, format_tag, TAG_BYTES);
	out[TAG_BYTES] = (uint8_t)use;
	memcpy(out + TAG_BYTES + 1, owner, NOTE_OWNERBYTES);
}

void
note_seal(const struct keyring *keyring, enum note_use use,
    const uint8_t owner[NOTE_OWNERBYTES], const void *bytes, size_t size,
    uint8_t *note)
{
	uint8_t	 bound[BINDING_BYTES], *nonce = note + TAG_BYTES;

	encode_binding(use, owner, bound);
	memcpy(note, format_tag, TAG_BYTES);
	randombytes_buf(nonce, NONCE_BYTES);
	crypto_aead_xchacha20poly1305_ietf_encrypt(nonce + NONCE_BYTES, NULL,
	    bytes, size, bound, sizeof(bound), NULL, nonce,
	    keyring_subkey(keyring, KEYRING_NOTE));
}

int
note_open(const struct keyring *keyring, enum note_use use,
    const uint8_t owner[NOTE_OWNERBYTES], const uint8_t *note, size_t size,
    uint8_t *bytes)
{
	uint8_t		 bound[BINDING_BYTES];
	const uint8_t	*nonce = note + TAG_BYTES;

	if (size < NOTE_OVERHEAD)
		return -1;
	encode_binding(use, owner, bound);
	if (memcmp(note, format_tag, TAG_BYTES) == 0 &&
	    crypto_aead_xchacha20poly1305_ietf_decrypt(bytes, NULL, NULL,
	    nonce + NONCE_BYTES, size - TAG_BYTES - NONCE_BYTES, bound,
	    sizeof(bound), nonce, keyring_subkey(keyring, KEYRING_NOTE)) == 0)
		return 0;
	sodium_memzero(bytes, size - NOTE_OVERHEAD);
	return -1;
}

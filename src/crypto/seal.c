/* SPDX-License-Identifier: ISC */
/*
 * What a secret's row and record are made of: the one place that knows how
 * token, PIN and server key become a row's key, a verifier and a sealed
 * record, and what the bytes of a record are:
 *
 *	format tag (2) || nonce (24) || XChaCha20 ciphertext || Poly1305 (16)
 *
 * Pure functions over bytes.
 */
#include <sodium.h>
#include <string.h>

#include "crypto/keyring.h"
#include "crypto/seal.h"

static const uint8_t format_tag[2] = { 'O', 1 };

#define TAG_BYTES	sizeof(format_tag)
#define NONCE_BYTES	crypto_aead_xchacha20poly1305_ietf_NPUBBYTES
#define MAC_BYTES	crypto_aead_xchacha20poly1305_ietf_ABYTES
#define KEY_BYTES	crypto_aead_xchacha20poly1305_ietf_KEYBYTES
#define PIN_SALT_PREFIX	"oncelink pin salt"

/* Format tag, lookup, kind, expiry, passes, memory, key id, epoch. */
#define BINDING_BYTES	(2 + SEAL_LOOKUPBYTES + 1 + 8 + 4 + 4 + 4 + 4)

_Static_assert(SEAL_OVERHEAD == TAG_BYTES + NONCE_BYTES + MAC_BYTES,
    "the header says how long a record is");
_Static_assert(crypto_pwhash_SALTBYTES == 16, "BLAKE2b-128 is the salt");
_Static_assert(KEY_BYTES == KEYRING_KEYBYTES, "BLAKE2b-256 is the key");

/* H(k, m) of the design, m in up to three parts. */
static void
keyed_hash(uint8_t out[32], const uint8_t key[KEYRING_KEYBYTES],
    const void *a, size_t a_size, const void *b, size_t b_size,
    const void *c, size_t c_size)
{
	crypto_generichash_state state;

	crypto_generichash_init(&state, key, KEYRING_KEYBYTES, 32);
	crypto_generichash_update(&state, a, a_size);
	if (b_size > 0)
		crypto_generichash_update(&state, b, b_size);
	if (c_size > 0)
		crypto_generichash_update(&state, c, c_size);
	crypto_generichash_final(&state, out, 32);
	sodium_memzero(&state, sizeof(state));
}

static uint8_t *
put_le(uint8_t *at, uint64_t value, unsigned int bytes)
{
	for (unsigned int i = 0; i < bytes; i++) {
		*at++ = (uint8_t)(value & 0xff);
		value >>= 8;
	}
	return at;
}

void
seal_lookup(const struct keyring *keyring, const uint8_t token[TOKEN_BYTES],
    uint8_t lookup[SEAL_LOOKUPBYTES])
{
	keyed_hash(lookup, keyring_subkey(keyring, KEYRING_LOOKUP), token,
	    TOKEN_BYTES, NULL, 0, NULL, 0);
}

void
seal_receipt(const struct keyring *keyring,
    const uint8_t receipt[SEAL_SECRETBYTES], uint8_t hash[SEAL_HASHBYTES])
{
	keyed_hash(hash, keyring_subkey(keyring, KEYRING_RECEIPT), receipt,
	    SEAL_SECRETBYTES, NULL, 0, NULL, 0);
}

void
seal_claim(const struct keyring *keyring,
    const uint8_t lookup[SEAL_LOOKUPBYTES],
    const uint8_t claim[SEAL_SECRETBYTES], uint8_t hash[SEAL_HASHBYTES])
{
	keyed_hash(hash, keyring_subkey(keyring, KEYRING_CLAIM), lookup,
	    SEAL_LOOKUPBYTES, claim, SEAL_SECRETBYTES, NULL, 0);
}

void
seal_api_key(const struct keyring *keyring, const char *text, size_t length,
    uint8_t hash[SEAL_HASHBYTES])
{
	keyed_hash(hash, keyring_subkey(keyring, KEYRING_API_KEY), text,
	    length, NULL, 0, NULL, 0);
}

void
seal_client(const struct keyring *keyring, const uint8_t day[EPOCH_KEYBYTES],
    int64_t hour, const uint8_t network[SEAL_NETWORKBYTES],
    uint8_t hash[SEAL_HASHBYTES])
{
	uint8_t	 number[8];

	put_le(number, (uint64_t)hour, sizeof(number));
	keyed_hash(hash, keyring_subkey(keyring, KEYRING_CLIENT), day,
	    EPOCH_KEYBYTES, number, sizeof(number), network,
	    SEAL_NETWORKBYTES);
}

void
seal_log_name(const struct keyring *keyring,
    const uint8_t lookup[SEAL_LOOKUPBYTES], char name[9])
{
	uint8_t	 hash[32];

	keyed_hash(hash, keyring_subkey(keyring, KEYRING_LOG), lookup,
	    SEAL_LOOKUPBYTES, NULL, 0, NULL, 0);
	sodium_bin2hex(name, 9, hash, 4);
}

int
seal_stretch(const uint8_t token[TOKEN_BYTES], const void *pin, size_t length,
    uint32_t passes, uint32_t memory, uint8_t stretch[SEAL_STRETCHBYTES])
{
	crypto_generichash_state state;
	uint8_t	 salt[crypto_pwhash_SALTBYTES];
	int	 result;

	if (passes < SEAL_PASSES_MIN || passes > SEAL_PASSES_MAX ||
	    memory < SEAL_MEMORY_MIN || memory > SEAL_MEMORY_MAX)
		return -1;
	crypto_generichash_init(&state, NULL, 0, sizeof(salt));
	crypto_generichash_update(&state, (const uint8_t *)PIN_SALT_PREFIX,
	    strlen(PIN_SALT_PREFIX));
	crypto_generichash_update(&state, token, TOKEN_BYTES);
	crypto_generichash_final(&state, salt, sizeof(salt));
	sodium_memzero(&state, sizeof(state));
	result = crypto_pwhash(stretch, SEAL_STRETCHBYTES, pin, length, salt,
	    passes, (size_t)memory * 1024, crypto_pwhash_ALG_ARGON2ID13);
	sodium_memzero(salt, sizeof(salt));
	return result == 0 ? 0 : -1;
}

int
seal_verifier(const struct keyring *keyring, uint32_t key_id,
    const uint8_t token[TOKEN_BYTES],
    const uint8_t stretch[SEAL_STRETCHBYTES], uint8_t verifier[SEAL_HASHBYTES])
{
	const uint8_t	*key = keyring_verify_subkey(keyring, key_id);

	if (key == NULL)
		return -1;
	keyed_hash(verifier, key, token, TOKEN_BYTES, stretch,
	    stretch == NULL ? 0 : SEAL_STRETCHBYTES, NULL, 0);
	return 0;
}

/* No epoch key stands as zeroes, so that the parts keep their places. */
static int
record_key(const struct keyring *keyring, const struct seal_binding *binding,
    const uint8_t token[TOKEN_BYTES],
    const uint8_t stretch[SEAL_STRETCHBYTES], uint8_t key[KEY_BYTES])
{
	uint8_t		 epoch[EPOCH_KEYBYTES] = { 0 };
	struct epochs	*epochs = keyring_epochs(keyring);
	const uint8_t	*subkey;

	subkey = keyring_seal_subkey(keyring, binding->key_id);
	if (subkey == NULL || (binding->epoch != 0 && (epochs == NULL ||
	    epoch_key(epochs, binding->epoch, epoch) == -1)))
		return -1;
	keyed_hash(key, subkey, epoch, sizeof(epoch), token, TOKEN_BYTES,
	    stretch, stretch == NULL ? 0 : SEAL_STRETCHBYTES);
	sodium_memzero(epoch, sizeof(epoch));
	return 0;
}

static void
encode_binding(const struct seal_binding *binding, uint8_t out[BINDING_BYTES])
{
	uint8_t	*at = out;

	memcpy(at, format_tag, TAG_BYTES);
	at += TAG_BYTES;
	memcpy(at, binding->lookup, SEAL_LOOKUPBYTES);
	at += SEAL_LOOKUPBYTES;
	at = put_le(at, binding->kind, 1);
	at = put_le(at, (uint64_t)binding->expires_at, 8);
	at = put_le(at, binding->passes, 4);
	at = put_le(at, binding->memory, 4);
	at = put_le(at, binding->key_id, 4);
	put_le(at, binding->epoch, 4);
}

int
seal_record(const struct keyring *keyring, const struct seal_binding *binding,
    const uint8_t token[TOKEN_BYTES],
    const uint8_t stretch[SEAL_STRETCHBYTES], const void *payload,
    size_t size, uint8_t *record)
{
	uint8_t	 bound[BINDING_BYTES], key[KEY_BYTES];
	uint8_t	*nonce = record + TAG_BYTES;

	if (record_key(keyring, binding, token, stretch, key) == -1)
		return -1;
	encode_binding(binding, bound);
	memcpy(record, format_tag, TAG_BYTES);
	randombytes_buf(nonce, NONCE_BYTES);
	crypto_aead_xchacha20poly1305_ietf_encrypt(nonce + NONCE_BYTES, NULL,
	    payload, size, bound, sizeof(bound), NULL, nonce, key);
	sodium_memzero(key, sizeof(key));
	return 0;
}

int
seal_open(const struct keyring *keyring, const struct seal_binding *binding,
    const uint8_t token[TOKEN_BYTES],
    const uint8_t stretch[SEAL_STRETCHBYTES], const uint8_t *record,
    size_t size, uint8_t *payload)
{
	uint8_t		 bound[BINDING_BYTES], key[KEY_BYTES];
	const uint8_t	*nonce = record + TAG_BYTES;
	size_t		 sealed;
	int		 result = -1;

	if (size < SEAL_OVERHEAD)
		return -1;
	sealed = size - TAG_BYTES - NONCE_BYTES;
	if (memcmp(record, format_tag, TAG_BYTES) == 0 &&
	    record_key(keyring, binding, token, stretch, key) == 0) {
		encode_binding(binding, bound);
		result = crypto_aead_xchacha20poly1305_ietf_decrypt(payload,
		    NULL, NULL, nonce + NONCE_BYTES, sealed, bound,
		    sizeof(bound), nonce, key);
		sodium_memzero(key, sizeof(key));
	}
	if (result == 0)
		return 0;
	sodium_memzero(payload, size - SEAL_OVERHEAD);
	return -1;
}

int
seal_equal(const uint8_t a[SEAL_HASHBYTES], const uint8_t b[SEAL_HASHBYTES])
{
	return sodium_memcmp(a, b, SEAL_HASHBYTES) == 0;
}

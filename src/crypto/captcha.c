/* SPDX-License-Identifier: ISC */
/*
 * What makes a challenge ours, and what solves it.  Pure functions over
 * bytes.
 */
#include <sodium.h>
#include <string.h>

#include "crypto/captcha.h"
#include "crypto/keyring.h"

static void
put_be64(uint8_t out[8], uint64_t value)
{
	for (int i = 7; i >= 0; i--) {
		out[i] = (uint8_t)(value & 0xff);
		value >>= 8;
	}
}

static void
make_mac(const struct keyring *keyring, const uint8_t lookup[SEAL_LOOKUPBYTES],
    const struct captcha *captcha, uint8_t mac[CAPTCHA_MACBYTES])
{
	crypto_generichash_state state;
	uint8_t	 expires_at[8];

	put_be64(expires_at, (uint64_t)captcha->expires_at);
	crypto_generichash_init(&state, keyring_subkey(keyring,
	    KEYRING_CAPTCHA), KEYRING_KEYBYTES, CAPTCHA_MACBYTES);
	crypto_generichash_update(&state, captcha->salt, CAPTCHA_SALTBYTES);
	crypto_generichash_update(&state, &captcha->bits, 1);
	crypto_generichash_update(&state, expires_at, sizeof(expires_at));
	crypto_generichash_update(&state, lookup, SEAL_LOOKUPBYTES);
	crypto_generichash_final(&state, mac, CAPTCHA_MACBYTES);
	sodium_memzero(&state, sizeof(state));
}

void
captcha_make(const struct keyring *keyring,
    const uint8_t lookup[SEAL_LOOKUPBYTES], int64_t now,
    struct captcha *captcha)
{
	randombytes_buf(captcha->salt, CAPTCHA_SALTBYTES);
	captcha->bits = CAPTCHA_BITS;
	captcha->expires_at = now + CAPTCHA_LIFETIME;
	make_mac(keyring, lookup, captcha, captcha->mac);
}

static bool
begins_with_zeros(const uint8_t *hash, unsigned int bits)
{
	for (; bits >= 8; bits -= 8)
		if (*hash++ != 0)
			return false;
	return bits == 0 || *hash >> (8 - bits) == 0;
}

bool
captcha_is_solved(const struct keyring *keyring,
    const uint8_t lookup[SEAL_LOOKUPBYTES], int64_t now,
    const struct captcha *captcha, int64_t number)
{
	crypto_hash_sha256_state state;
	uint8_t	 mac[CAPTCHA_MACBYTES], hash[crypto_hash_sha256_BYTES];
	uint8_t	 digits[8];

	make_mac(keyring, lookup, captcha, mac);
	if (sodium_memcmp(mac, captcha->mac, CAPTCHA_MACBYTES) != 0 ||
	    now >= captcha->expires_at || captcha->bits < CAPTCHA_BITS ||
	    number < 0 || number > CAPTCHA_NUMBER_MAX)
		return false;
	put_be64(digits, (uint64_t)number);
	crypto_hash_sha256_init(&state);
	crypto_hash_sha256_update(&state, captcha->salt, CAPTCHA_SALTBYTES);
	crypto_hash_sha256_update(&state, digits, sizeof(digits));
	crypto_hash_sha256_final(&state, hash);
	return begins_with_zeros(hash, captcha->bits);
}

/* SPDX-License-Identifier: ISC */
#ifndef ONCELINK_CAPTCHA_H
#define ONCELINK_CAPTCHA_H

#include <stdbool.h>
#include <stdint.h>

#include "crypto/seal.h"

struct keyring;

/*
 * A proof of work in place of a picture: who opens a link by hand waits half
 * a second, who opens many pays for each.  A challenge is bound to one secret
 * and to a short time, and its MAC makes it ours: nothing of it is stored.
 */

#define CAPTCHA_SALTBYTES	16
#define CAPTCHA_MACBYTES	32
#define CAPTCHA_BITS		16	/* leading zero bits of SHA-256 */
#define CAPTCHA_LIFETIME	600	/* seconds */
#define CAPTCHA_NUMBER_MAX	((INT64_C(1) << 53) - 1)

struct captcha {
	uint8_t		 salt[CAPTCHA_SALTBYTES];
	uint8_t		 bits;
	int64_t		 expires_at;	/* seconds since 1970 */
	uint8_t		 mac[CAPTCHA_MACBYTES];
};

/*
 * captcha_make(keyring, lookup, now, captcha): a challenge for the secret of
 * that row; now in seconds since 1970; mac = BLAKE2b-256(captcha subkey, salt
 * || u8 bits || u64be expires_at || lookup).
 */
void	 captcha_make(const struct keyring *keyring,
	    const uint8_t lookup[SEAL_LOOKUPBYTES], int64_t now,
	    struct captcha *captcha);

/* captcha_is_solved(keyring, lookup, now, captcha, number): is it a challenge
 * of ours for that secret, in time, and SHA-256(salt || u64be number) begins
 * with its zero bits? */
bool	 captcha_is_solved(const struct keyring *keyring,
	    const uint8_t lookup[SEAL_LOOKUPBYTES], int64_t now,
	    const struct captcha *captcha, int64_t number);

#endif

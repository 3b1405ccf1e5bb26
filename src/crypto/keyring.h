/* SPDX-License-Identifier: ISC */
#ifndef ONCELINK_KEYRING_H
#define ONCELINK_KEYRING_H

#include <stddef.h>
#include <stdint.h>

struct complaint;

#define KEYRING_KEYBYTES 32

/* What the lookup key is divided into (crypto_kdf_derive_from_key). */
enum keyring_use {
	KEYRING_LOOKUP = 1,	/* token to row */
	KEYRING_RECEIPT = 2,	/* receipt to row */
	KEYRING_CLAIM = 3,	/* claim to row */
	KEYRING_LOG = 4,	/* row to the name in log lines */
	KEYRING_USE__MAX
};

/* The server's keys, in guarded memory that is wiped at its end. */
struct keyring;

/*
 * keyring_create(path, error): make a new key file, 0600, that did not exist
 * (its directory must), and sync it and its directory.  Returns 0, or -1 with
 * error.
 */
int	 keyring_create(const char *path, struct complaint *error);

/*
 * keyring_load(path, error): read a key file.  Refused when it is missing, not
 * a regular file, open to group or others, owned by somebody else than this
 * user or root, or not of the form.  Returns NULL with error.  The caller owns
 * the keyring.
 */
struct keyring *keyring_load(const char *path, struct complaint *error);

/*
 * keyring_from_sign_key(text, error): the keyring of SafeSecrets' SIGN_KEY:
 * one key, BLAKE2b-256("oncelink SIGN_KEY" || text), key id 0.  text is
 * refused below 16 bytes.  Returns NULL with error.
 */
struct keyring *keyring_from_sign_key(const char *text,
    struct complaint *error);

/* keyring_free(keyring): wipe and release.  Accepts NULL. */
void	 keyring_free(struct keyring *keyring);

/* keyring_subkey(keyring, use): 32 bytes, valid as long as the keyring. */
const uint8_t *keyring_subkey(const struct keyring *keyring,
    enum keyring_use use);

/* keyring_newest(keyring): the id of the seal key for new records. */
uint32_t keyring_newest(const struct keyring *keyring);

/*
 * keyring_seal_subkey(keyring, id), keyring_verify_subkey(keyring, id): the
 * subkeys of seal key `id`, 32 bytes, or NULL when there is no such key.
 */
const uint8_t *keyring_seal_subkey(const struct keyring *keyring, uint32_t id);
const uint8_t *keyring_verify_subkey(const struct keyring *keyring,
    uint32_t id);

#endif

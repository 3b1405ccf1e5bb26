/* SPDX-License-Identifier: ISC */
#ifndef ONCELINK_KEYRING_H
#define ONCELINK_KEYRING_H

#include <stddef.h>
#include <stdint.h>

struct complaint;
struct epochs;

#define KEYRING_KEYBYTES 32
#define KEYRING_KEYS_MAX 64

/* How old a running program's knowledge of the key file may be, in ms. */
#define KEYRING_REFRESH_MS 5000

/* What the lookup key is divided into (crypto_kdf_derive_from_key). */
enum keyring_use {
	KEYRING_LOOKUP = 1,	/* token to row */
	KEYRING_RECEIPT = 2,	/* receipt to row */
	KEYRING_CLAIM = 3,	/* claim to row */
	KEYRING_LOG = 4,	/* row to the name in log lines */
	KEYRING_API_KEY = 5,	/* key of an account to row */
	KEYRING_NOTE = 7,	/* seals what accounts wrote */
	KEYRING_CAPTCHA = 8,	/* marks a challenge as ours */
	KEYRING_CLIENT = 9,	/* client and hour to row */
	KEYRING_USE__MAX
};

/* The server's keys, in guarded memory that is wiped at its end. */
struct keyring;

/* keyring_load(path, error): read a key file, as keyfile_read does.  Returns
 * NULL with error.  The caller owns the keyring. */
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

/*
 * keyring_open_epochs(keyring, directory, error): have the keyring know the
 * epoch keys of a state directory (epoch_open).  Without, it has none.
 * Returns 0, or -1 with error.
 */
int	 keyring_open_epochs(struct keyring *keyring, const char *directory,
	    struct complaint *error);

/* keyring_start(keyring): what epoch_start does, if there are epoch keys. */
int	 keyring_start(struct keyring *keyring);

/* keyring_epochs(keyring): the epoch keys, valid as long as the keyring, or
 * NULL when there are none. */
struct epochs *keyring_epochs(const struct keyring *keyring);

/* keyring_subkey(keyring, use): 32 bytes, valid as long as the keyring. */
const uint8_t *keyring_subkey(const struct keyring *keyring,
    enum keyring_use use);

/*
 * keyring_refresh(keyring, error): before a record is sealed: see whether the
 * key file has another newest key, at most every KEYRING_REFRESH_MS.  Returns
 * 0, or -1 with error when the file that a later start would need is not
 * there or is not good: then nothing should be sealed.  For any thread.
 */
int	 keyring_refresh(struct keyring *keyring, struct complaint *error);

/* keyring_newest(keyring): the id of the seal key for new records. */
uint32_t keyring_newest(const struct keyring *keyring);

/* keyring_list(keyring, entries): the seal keys, oldest first, into memory for
 * KEYRING_KEYS_MAX; returns their number. */
struct keyring_entry {
	uint32_t	 id;
	int64_t		 made_at;	/* seconds since 1970; 0: unknown */
};
size_t	 keyring_list(const struct keyring *keyring,
	    struct keyring_entry *entries);

/*
 * keyring_seal_subkey(keyring, id), keyring_verify_subkey(keyring, id): the
 * subkeys of seal key `id`, 32 bytes, valid as long as the keyring, or NULL
 * when there is no such key, in the file as it is now either.
 */
const uint8_t *keyring_seal_subkey(const struct keyring *keyring, uint32_t id);
const uint8_t *keyring_verify_subkey(const struct keyring *keyring,
    uint32_t id);

#endif

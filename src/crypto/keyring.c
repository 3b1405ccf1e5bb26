/* SPDX-License-Identifier: ISC */
/*
 * The server's keys while a program runs: which subkeys come from which key,
 * and how a program that stays hears of a key that was added meanwhile.  A set
 * of keys never changes and stays where it is until the end, so that whoever
 * holds a pointer into one needs no lock.
 */
#include "crypto/keyring.h"

#include <pthread.h>
#include <sodium.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/complaint.h"
#include "base/durable.h"
#include "crypto/epoch.h"
#include "crypto/keyfile.h"

/* Seconds after which what was written is on the disk by itself. */
#define UNSYNCED_TIME	60

#define SIGN_KEY_MIN	16
#define SIGN_KEY_PREFIX	"oncelink SIGN_KEY"

/* The contexts of crypto_kdf, which keep the two families of keys apart. */
#define LOOKUP_CONTEXT	"oncelook"
#define SEAL_CONTEXT	"onceseal"

enum { SEAL_SUBKEY = 1, VERIFY_SUBKEY = 2 };

_Static_assert(KEYRING_KEYBYTES == KEYFILE_KEYBYTES &&
    KEYRING_KEYS_MAX == KEYFILE_SEALS_MAX, "the file is read whole");

struct seal_key {
	uint32_t	 id;
	int64_t		 made_at;
	uint8_t		 seal[KEYRING_KEYBYTES];
	uint8_t		 verify[KEYRING_KEYBYTES];
};

/* Read-only once it is in its place. */
struct keys {
	struct keys	*older;		/* the set before, or NULL */
	uint64_t	 count;
	struct seal_key	 keys[KEYFILE_SEALS_MAX];
	uint8_t		 subkeys[KEYRING_USE__MAX][KEYRING_KEYBYTES];
};

/* What a look at the file may change. */
struct shared {
	_Atomic(struct keys *) keys;	/* the newest set */
	atomic_llong	 looked_at;	/* clock_now of the last look */
	pthread_mutex_t	 mutex;		/* for a look, and status */
	struct stat	 status;	/* of the file that was read */
};

struct keyring {
	char		*path;		/* NULL: keys of no file */
	struct epochs	*epochs;	/* NULL: none */
	struct shared	*shared;
};

static void
set_lookup_key(struct keys *keys, const uint8_t key[KEYRING_KEYBYTES])
{
	for (uint64_t use = KEYRING_LOOKUP; use < KEYRING_USE__MAX; use++)
		crypto_kdf_derive_from_key(keys->subkeys[use],
		    KEYRING_KEYBYTES, use, LOOKUP_CONTEXT, key);
}

static void
add_seal_key(struct keys *keys, uint32_t id, int64_t made_at,
    const uint8_t key[KEYRING_KEYBYTES])
{
	struct seal_key	*entry = &keys->keys[keys->count++];

	entry->id = id;
	entry->made_at = made_at;
	crypto_kdf_derive_from_key(entry->seal, KEYRING_KEYBYTES, SEAL_SUBKEY,
	    SEAL_CONTEXT, key);
	crypto_kdf_derive_from_key(entry->verify, KEYRING_KEYBYTES,
	    VERIFY_SUBKEY, SEAL_CONTEXT, key);
}

static struct keys *
new_keys(struct complaint *error)
{
	struct keys	*keys;

	keys = sodium_malloc(sizeof(*keys));
	if (keys == NULL) {
		complaint(error, "there is no memory for the keys");
		return NULL;
	}
	memset(keys, 0, sizeof(*keys));
	return keys;
}

static struct keys *
read_keys(const char *path, struct stat *status, struct complaint *error)
{
	struct keyfile	*keyfile;
	struct keys	*keys;

	/* One that is replaced while it is read is overwritten then. */
	if ((keyfile = keyfile_read(path, error)) == NULL &&
	    (keyfile = keyfile_read(path, error)) == NULL)
		return NULL;
	if ((keys = new_keys(error)) != NULL) {
		*status = keyfile->status;
		set_lookup_key(keys, keyfile->lookup);
		for (size_t i = 0; i < keyfile->count; i++)
			add_seal_key(keys, keyfile->seals[i].id,
			    keyfile->seals[i].made_at, keyfile->seals[i].key);
	}
	keyfile_free(keyfile);
	return keys;
}

/* A keyring of these keys, which are its own from now on. */
static struct keyring *
new_keyring(const char *path, struct keys *keys, struct complaint *error)
{
	struct keyring	*keyring;

	keyring = calloc(1, sizeof(*keyring));
	if (keyring != NULL) {
		keyring->shared = calloc(1, sizeof(*keyring->shared));
		keyring->path = path == NULL ? NULL : strdup(path);
	}
	if (keyring == NULL || keyring->shared == NULL ||
	    (path != NULL && keyring->path == NULL)) {
		complaint(error, "there is no memory for the keys");
		if (keyring != NULL) {
			free(keyring->shared);
			free(keyring->path);
		}
		free(keyring);
		sodium_free(keys);
		return NULL;
	}
	sodium_mprotect_readonly(keys);
	pthread_mutex_init(&keyring->shared->mutex, NULL);
	atomic_init(&keyring->shared->keys, keys);
	atomic_init(&keyring->shared->looked_at, clock_now());
	return keyring;
}

struct keyring *
keyring_load(const char *path, struct complaint *error)
{
	struct keyring	*keyring;
	struct stat	 status;
	struct keys	*keys;

	if ((keys = read_keys(path, &status, error)) == NULL ||
	    (keyring = new_keyring(path, keys, error)) == NULL)
		return NULL;
	keyring->shared->status = status;
	/* What is sealed with a key must not outlive it. */
	if (clock_wall() / 1000 - status.st_ctim.tv_sec < UNSYNCED_TIME &&
	    durable_name(path) == -1) {
		complaint(error, "%s: the key file cannot be synced", path);
		keyring_free(keyring);
		return NULL;
	}
	return keyring;
}

struct keyring *
keyring_from_sign_key(const char *text, struct complaint *error)
{
	crypto_generichash_state state;
	uint8_t		 key[KEYRING_KEYBYTES];
	struct keys	*keys;

	if (strlen(text) < SIGN_KEY_MIN) {
		complaint(error, "SIGN_KEY is shorter than %d bytes: give it "
		    "something long and random", SIGN_KEY_MIN);
		return NULL;
	}
	if ((keys = new_keys(error)) == NULL)
		return NULL;
	crypto_generichash_init(&state, NULL, 0, sizeof(key));
	crypto_generichash_update(&state, (const uint8_t *)SIGN_KEY_PREFIX,
	    strlen(SIGN_KEY_PREFIX));
	crypto_generichash_update(&state, (const uint8_t *)text, strlen(text));
	crypto_generichash_final(&state, key, sizeof(key));
	sodium_memzero(&state, sizeof(state));
	set_lookup_key(keys, key);
	add_seal_key(keys, 0, 0, key);
	sodium_memzero(key, sizeof(key));
	return new_keyring(NULL, keys, error);
}

void
keyring_free(struct keyring *keyring)
{
	struct keys	*keys, *older;

	if (keyring == NULL)
		return;
	for (keys = atomic_load(&keyring->shared->keys); keys != NULL;
	    keys = older) {
		older = keys->older;
		sodium_free(keys);
	}
	epoch_close(keyring->epochs);
	pthread_mutex_destroy(&keyring->shared->mutex);
	free(keyring->shared);
	free(keyring->path);
	free(keyring);
}

static bool
is_same_file(const struct stat *a, const struct stat *b)
{
	return a->st_dev == b->st_dev && a->st_ino == b->st_ino &&
	    a->st_size == b->st_size && a->st_mode == b->st_mode &&
	    a->st_uid == b->st_uid &&
	    a->st_ctim.tv_sec == b->st_ctim.tv_sec &&
	    a->st_ctim.tv_nsec == b->st_ctim.tv_nsec;
}

/* Read the file again if it is another than the one that was read. */
static int
look(const struct keyring *keyring, struct complaint *error)
{
	struct shared	*shared = keyring->shared;
	struct keys	*keys, *before = atomic_load(&shared->keys);
	struct stat	 status;

	if (stat(keyring->path, &status) == 0 &&
	    is_same_file(&status, &shared->status))
		return 0;
	if ((keys = read_keys(keyring->path, &status, error)) == NULL)
		return -1;
	if (sodium_memcmp(keys->subkeys, before->subkeys,
	    sizeof(keys->subkeys)) != 0) {
		sodium_free(keys);
		return complaint(error, "%s: the key file is another site's; "
		    "put the right file back", keyring->path);
	}
	/* What is sealed with a key must not outlive it. */
	if (durable_name(keyring->path) == -1) {
		sodium_free(keys);
		return complaint(error, "%s: the key file cannot be synced",
		    keyring->path);
	}
	keys->older = before;
	sodium_mprotect_readonly(keys);
	shared->status = status;
	atomic_store(&shared->keys, keys);
	return 0;
}

int
keyring_refresh(struct keyring *keyring, struct complaint *error)
{
	struct shared	*shared = keyring->shared;
	int		 result;

	if (keyring->path == NULL || clock_now() -
	    atomic_load(&shared->looked_at) < KEYRING_REFRESH_MS)
		return 0;
	pthread_mutex_lock(&shared->mutex);
	result = look(keyring, error);
	if (result == 0)
		atomic_store(&shared->looked_at, clock_now());
	pthread_mutex_unlock(&shared->mutex);
	return result;
}

int
keyring_open_epochs(struct keyring *keyring, const char *directory,
    struct complaint *error)
{
	keyring->epochs = epoch_open(directory, error);
	return keyring->epochs == NULL ? -1 : 0;
}

int
keyring_start(struct keyring *keyring)
{
	return keyring->epochs == NULL ? 0 : epoch_start(keyring->epochs);
}

struct epochs *
keyring_epochs(const struct keyring *keyring)
{
	return keyring->epochs;
}

const uint8_t *
keyring_subkey(const struct keyring *keyring, enum keyring_use use)
{
	return atomic_load(&keyring->shared->keys)->subkeys[use];
}

uint32_t
keyring_newest(const struct keyring *keyring)
{
	const struct keys *keys = atomic_load(&keyring->shared->keys);

	return keys->keys[keys->count - 1].id;
}

size_t
keyring_list(const struct keyring *keyring, struct keyring_entry *entries)
{
	const struct keys *keys = atomic_load(&keyring->shared->keys);

	for (uint64_t i = 0; i < keys->count; i++)
		entries[i] = (struct keyring_entry){
			.id = keys->keys[i].id,
			.made_at = keys->keys[i].made_at,
		};
	return (size_t)keys->count;
}

static const struct seal_key *
find_among(const struct keys *keys, uint32_t id)
{
	for (; keys != NULL; keys = keys->older)
		for (uint64_t i = keys->count; i > 0; i--)
			if (keys->keys[i - 1].id == id)
				return &keys->keys[i - 1];
	return NULL;
}

/* Another process may have sealed with a key that is new to this one. */
static const struct seal_key *
find_seal_key(const struct keyring *keyring, uint32_t id)
{
	struct shared		*shared = keyring->shared;
	const struct seal_key	*key;
	struct complaint	 error;

	key = find_among(atomic_load(&shared->keys), id);
	if (key != NULL || keyring->path == NULL)
		return key;
	pthread_mutex_lock(&shared->mutex);
	if (look(keyring, &error) == 0)
		key = find_among(atomic_load(&shared->keys), id);
	pthread_mutex_unlock(&shared->mutex);
	return key;
}

const uint8_t *
keyring_seal_subkey(const struct keyring *keyring, uint32_t id)
{
	const struct seal_key	*key = find_seal_key(keyring, id);

	return key == NULL ? NULL : key->seal;
}

const uint8_t *
keyring_verify_subkey(const struct keyring *keyring, uint32_t id)
{
	const struct seal_key	*key = find_seal_key(keyring, id);

	return key == NULL ? NULL : key->verify;
}

/* SPDX-License-Identifier: ISC */
/*
 * What a process must have open before the rules can be asked, in the order
 * in which it can fail: keys, store, turns at Argon2id.
 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "base/complaint.h"
#include "base/conf.h"
#include "base/filelock.h"
#include "core/site.h"
#include "core/stretch.h"
#include "crypto/keyring.h"
#include "crypto/seal.h"
#include "store/store.h"

/* Read connections of a worker: more than cores, fewer than threads. */
#define READERS 4

/* ms; see STORE_CLOCK_JUMP. */
#define MARK_INTERVAL ((int64_t)12 * 3600 * 1000)

/* Names, and parts that are small. */
#define SEALED_MORE ((int64_t)16 << 10)

/* What clients of password.link seal is kept as it came, in base64, which may
 * have line ends. */
static size_t
largest_record(const struct conf *conf)
{
	int64_t	 size = conf->max_ciphertext + conf->max_attachment;

	size += size / 2 + SEALED_MORE;
	if (size < conf->max_envelope)
		size = conf->max_envelope;
	if (size > conf->max_store)
		size = conf->max_store;
	return (size_t)size + SEAL_OVERHEAD;
}

int
site_open(struct site *site, const struct conf *conf, enum site_use use,
    struct complaint *error)
{
	struct store_options	 options = {
		.directory = conf->state_dir,
		.max_bytes = conf->max_store,
		.largest_record = largest_record(conf),
		.lock_wait = conf->lock_wait,
		.erase_delay = use == SITE_SINGLE ? 0 : conf->erase_delay,
		.mark_interval = use == SITE_THREADS ? MARK_INTERVAL : 0,
		.readers = use == SITE_THREADS ? READERS : 1,
		.resident = use == SITE_THREADS,
	};

	*site = (struct site){ .conf = conf };
	if (conf->sign_key != NULL)
		site->keyring = keyring_from_sign_key(conf->sign_key, error);
	else
		site->keyring = keyring_load(conf->key_file, error);
	if (site->keyring == NULL)
		return -1;
	site->store = store_open(&options, error);
	if (site->store == NULL ||
	    keyring_open_epochs(site->keyring, conf->state_dir, error) == -1)
		goto fail;
	site->stretch = stretch_open(conf->state_dir, conf->kdf_wait);
	if (site->stretch == NULL) {
		complaint(error, "%s: %s", conf->state_dir, strerror(errno));
		goto fail;
	}
	return 0;
fail:
	site_close(site);
	return -1;
}

int
site_start(struct site *site)
{
	return store_start(site->store) == -1 ||
	    keyring_start(site->keyring) == -1 ? -1 : 0;
}

void
site_close(struct site *site)
{
	stretch_close(site->stretch);
	store_close(site->store);
	keyring_free(site->keyring);
	*site = (struct site){ .conf = NULL };
}

void
site_log(const struct site *site, const uint8_t lookup[SEAL_LOOKUPBYTES],
    enum log_event event)
{
	char	 name[9];

	if (!log_wants(event))
		return;
	seal_log_name(site->keyring, lookup, name);
	log_event(event, LOG_TEXT("secret", name));
}

static int
look(struct store_txn *txn, void *argument)
{
	static const uint8_t	 nowhere[STORE_HASHBYTES];
	struct store_secret	 row;

	(void)argument;
	return store_secret_find(txn, nowhere, &row) == -1 ? -1 : 0;
}

int
site_healthy(struct site *site)
{
	return store_view(site->store, look, NULL);
}

int
site_lock(const struct site *site, const char *name, int *lock)
{
	int	 directory, result = -1;

	*lock = -1;
	directory = open(site->conf->state_dir, O_RDONLY | O_DIRECTORY |
	    O_CLOEXEC);
	if (directory != -1) {
		*lock = filelock_open(directory, name);
		close(directory);
	}
	if (*lock != -1)
		result = filelock_acquire(*lock, 0);
	if (result == -1)
		log_event(LOG_STORE_FAILED, LOG_TEXT("where", name),
		    LOG_NUMBER("errno", errno));
	if (result != 0 && *lock != -1)
		close(*lock);
	return result;
}

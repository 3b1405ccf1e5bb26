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
#include "crypto/epoch.h"
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

/* What is asked of the store for a key that is not there. */
struct asking {
	struct site	*site;
	uint32_t	 epoch;
	bool		 used;
	int		 failure;
};

/* A view whose claim has not ended was taken: what is left of it is not worth
 * that nobody may make anything. */
static int
find_user(struct store_txn *txn, void *argument)
{
	struct asking	*asking = argument;
	int64_t		 first = epoch_begin(asking->epoch);
	int64_t		 last = epoch_begin(asking->epoch + 1) - 1;
	int		 result;

	/* What is over is not missed, swept or not. */
	if (first <= store_now(txn))
		first = store_now(txn) + 1;
	result = store_epoch_used(txn, asking->epoch, first, last);
	asking->used = result == 0;
	return result == -1 ? -1 : 0;
}

static int
uses(void *argument, uint32_t epoch)
{
	struct asking	*asking = argument;

	asking->epoch = epoch;
	asking->failure = store_view(asking->site->store, find_user, asking);
	return asking->failure != 0 ? -1 : asking->used;
}

int
site_day_key(struct site *site, uint32_t epoch)
{
	struct asking	 asking = { .site = site };
	const struct epoch_user user = { .uses = uses, .argument = &asking };
	struct complaint error;

	switch (epoch_make(keyring_epochs(site->keyring), epoch, &user,
	    &error)) {
	case 0:
		return 0;
	case 1:
		log_event(LOG_STORE_FULL, LOG_TEXT("where", "keys"));
		return STORE_FULL;
	}
	if (asking.failure != 0)
		return asking.failure;
	log_event(LOG_REQUEST_FAILED, LOG_TEXT("where", "keys"),
	    LOG_TEXT("reason", error.text));
	return STORE_FAILED;
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

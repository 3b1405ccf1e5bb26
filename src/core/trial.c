/* SPDX-License-Identifier: ISC */
/*
 * A secret's whole life at once, through the same functions that its maker and
 * its reader use, and the one way to have no tombstone afterwards.
 */
#include "core/trial.h"

#include <string.h>

#include "base/arena.h"
#include "base/conf.h"
#include "core/life.h"
#include "core/site.h"
#include "crypto/seal.h"

int
trial_create(struct site *site, struct arena *arena, struct trial *trial)
{
	struct secret_creation	 creation = {
		.kind = trial->kind,
		.proof.pin = trial->pin,
		.proof.pin_length = trial->pin == NULL ? 0 :
		    strlen(trial->pin),
		.payload = trial->payload,
		.payload_size = trial->payload_size,
		.lifetime = TRIAL_LIFETIME,
		.views = 1,
		.attempts = (uint32_t)site->conf->pin_attempts,
	};
	int	 failure;

	failure = secret_create(site, arena, &creation);
	if (failure == 0 && creation.outcome != SECRET_OK)
		failure = STORE_FAILED;
	memcpy(trial->token, creation.token, sizeof(trial->token));
	explicit_bzero(&creation, sizeof(creation));
	return failure;
}

int
trial_read(struct site *site, struct arena *arena, const struct trial *trial,
    bool *same)
{
	struct secret_reading	 reading = {
		.kinds = SECRET_KIND_BIT(trial->kind),
		.proof.pin = trial->pin,
		.proof.pin_length = trial->pin == NULL ? 0 :
		    strlen(trial->pin),
	};
	int	 failure;

	memcpy(reading.token, trial->token, sizeof(reading.token));
	failure = secret_open(site, arena, &reading);
	*same = failure == 0 && reading.outcome == SECRET_OK &&
	    reading.payload_size == trial->payload_size &&
	    memcmp(reading.payload, trial->payload,
	    trial->payload_size) == 0;
	explicit_bzero(&reading, sizeof(reading));
	return failure;
}

int
trial_waits(struct site *site, const struct trial *trial, bool *waits)
{
	struct secret_reading	 reading = {
		.kinds = SECRET_KIND_BIT(trial->kind),
	};
	int	 failure;

	memcpy(reading.token, trial->token, sizeof(reading.token));
	failure = secret_peek(site, &reading);
	*waits = failure == 0 && reading.outcome == SECRET_OK;
	explicit_bzero(&reading, sizeof(reading));
	return failure;
}

struct looking {
	uint8_t			 lookup[SEAL_LOOKUPBYTES];
	struct arena		*arena;
	uint8_t			*record;
	size_t			 size;
};

static int
look(struct store_txn *txn, void *argument)
{
	struct looking		*looking = argument;
	struct store_secret	 row;

	looking->record = NULL;
	if (store_secret_find(txn, looking->lookup, &row) != 0)
		return -1;
	looking->size = row.record_bytes;
	looking->record = arena_alloc(looking->arena, row.record_bytes);
	return looking->record == NULL ||
	    store_record_read(txn, &row, looking->record) != 0 ? -1 : 0;
}

int
trial_sealed(struct site *site, struct arena *arena,
    const struct trial *trial, const uint8_t **sealed, size_t *size)
{
	struct looking	 looking = { .arena = arena };
	int		 failure;

	seal_lookup(site->keyring, trial->token, looking.lookup);
	failure = store_view(site->store, look, &looking);
	*sealed = looking.record;
	*size = looking.size;
	return failure;
}

struct forgetting {
	const struct site	*site;
	uint8_t			 lookup[SEAL_LOOKUPBYTES];
};

static int
forget(struct store_txn *txn, void *argument)
{
	struct forgetting	*forgetting = argument;
	struct store_secret	 row;
	int			 result;

	result = store_secret_find(txn, forgetting->lookup, &row);
	if (result != 0)
		return result == 1 ? 0 : -1;
	if (life_end(txn, forgetting->site, &row) == -1)
		return -1;
	return store_secret_remove(txn, &row);
}

int
trial_forget(struct site *site, const uint8_t token[TOKEN_BYTES])
{
	struct forgetting	 forgetting = { .site = site };
	int			 failure;

	seal_lookup(site->keyring, token, forgetting.lookup);
	failure = store_update(site->store, forget, &forgetting);
	explicit_bzero(&forgetting, sizeof(forgetting));
	return failure;
}

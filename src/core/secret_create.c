/* SPDX-License-Identifier: ISC */
/*
 * How a secret comes to be: sealed before it is stored, stored once however
 * often its maker says it, and never over another one.
 */
#include <string.h>

#include "base/arena.h"
#include "base/complaint.h"
#include "base/conf.h"
#include "base/log.h"
#include "core/day.h"
#include "core/life.h"
#include "core/listing.h"
#include "core/quota.h"
#include "core/secret.h"
#include "core/site.h"
#include "core/stretch.h"
#include "crypto/epoch.h"
#include "crypto/keyring.h"
#include "store/store_account.h"

/* Longer than anybody waits between sealing and storing, ms. */
#define OUTDATED ((int64_t)300 * 1000)

/* How often a token is drawn anew when it met another's row. */
#define DRAWS_MAX 4

/* What one creation carries through its steps. */
struct making {
	struct site	*site;
	struct arena	*arena;
	struct secret_creation *creation;
	const uint8_t	*stretch;
	uint8_t		 stretched[SEAL_STRETCHBYTES];
	struct store_secret row;
	uint8_t		*record;
	struct listing_sealed listing;
	struct store_account account;	/* that lists it */
	struct quota	 quota;
	enum secret_outcome outcome;	/* of the insertion */
	int64_t		 wait;		/* ms, of TOO_MANY */
	bool		 same;
	bool		 outdated;
};

static int
make_stretch(struct making *making)
{
	const struct secret_proof *proof = &making->creation->proof;
	const struct conf *conf = making->site->conf;
	int	 result;

	making->stretch = proof->gate;
	if (proof->pin == NULL)
		return 0;
	making->row.passes = (uint32_t)conf->kdf_passes;
	making->row.memory = (uint32_t)(conf->kdf_memory / 1024);
	result = stretch_run(making->site->stretch, making->creation->token,
	    proof->pin, proof->pin_length, making->row.passes,
	    making->row.memory, making->stretched);
	if (result == 0)
		making->stretch = making->stretched;
	return result;
}

/* The row and the sealed record, before any lock. */
static int
seal(struct making *making)
{
	struct secret_creation *creation = making->creation;
	struct keyring	*keyring = making->site->keyring;
	struct store_secret *row = &making->row;
	struct seal_binding binding;
	struct complaint error;
	int	 failure;

	failure = life_time(making->site, &row->created_at);
	if (failure != 0)
		return failure;
	row->changed_at = row->created_at;
	row->expires_at = row->created_at + creation->lifetime;
	row->epoch = epoch_of(row->expires_at);
	/* A key that no later start would find must not seal anything. */
	if (keyring_refresh(keyring, &error) == -1) {
		log_event(LOG_REQUEST_FAILED, LOG_TEXT("where", "keys"),
		    LOG_TEXT("reason", error.text));
		return STORE_FAILED;
	}
	failure = day_key(making->site, row->epoch);
	if (failure != 0)
		return failure;
	row->kind = (uint8_t)creation->kind;
	row->state = STORE_WAITING;
	row->due_at = row->expires_at;
	row->views_left = creation->views;
	row->attempts_left = creation->attempts;
	row->key_id = keyring_newest(keyring);
	row->gated = making->stretch != NULL;
	row->record_bytes = creation->payload_size + SEAL_OVERHEAD;
	seal_lookup(keyring, creation->token, row->lookup);
	row->has_receipt = creation->receipt != NULL;
	if (row->has_receipt)
		seal_receipt(keyring, creation->receipt, row->receipt);

	making->record = arena_alloc(making->arena, row->record_bytes);
	if (making->record == NULL) {
		log_event(LOG_NO_MEMORY, LOG_TEXT("where", "seal"));
		return STORE_FAILED;
	}
	life_binding(row, &binding);
	if (seal_record(keyring, &binding, creation->token, making->stretch,
	    creation->payload, creation->payload_size, making->record) == -1 ||
	    (row->gated && seal_verifier(keyring, row->key_id,
	    creation->token, making->stretch, row->verifier) == -1)) {
		log_event(LOG_REQUEST_FAILED, LOG_TEXT("where", "seal"));
		return STORE_FAILED;
	}
	return creation->listing == NULL ? 0 : listing_seal(making->site,
	    making->arena, creation->token, row->lookup, creation->listing,
	    &making->listing);
}

/* Said again it is no creation, and needs no room. */
static int
refuse(struct store_txn *txn, struct making *making, bool full)
{
	struct store_secret known;
	int		 result;

	result = store_secret_find(txn, making->row.lookup, &known);
	if (result == 1 && full)
		return store_refuse_full(txn);
	making->outcome = result == 1 ? SECRET_TOO_MANY : SECRET_EXISTS;
	return result == -1 ? -1 : 0;
}

/* Is there room for it, in the store and in what its maker may make?  Returns
 * 0, or 1 when it was refused with an outcome, or -1. */
static int
admit(struct store_txn *txn, struct making *making)
{
	int	 result;

	result = store_room(txn, making->row.record_bytes +
	    making->listing.note_size + making->listing.message_size);
	if (result == 0)
		result = quota_is_full(txn, making->site);
	if (result != 0)
		return result == 1 && refuse(txn, making, true) == 0 ? 1 : -1;
	result = quota_allows(txn, making->site, &making->quota,
	    &making->wait);
	return result == 1 && refuse(txn, making, false) == -1 ? -1 : result;
}

/* The clock was set back, and only other processes have written what time it
 * was, or somebody told them that it never was that late: what was made by
 * what this one knew is over too early, or too late. */
static bool
is_outdated(struct store_txn *txn, const struct store_secret *row)
{
	int64_t		 age = store_now(txn) - row->created_at;
	struct store_clock clock;

	store_clock(txn, &clock);
	return store_clock_lost(&clock) || age < 0 ||
	    age > (clock.wall < clock.latest ? 0 : OUTDATED);
}

static int
insert(struct store_txn *txn, void *argument)
{
	struct making	*making = argument;
	const struct secret_creation *creation = making->creation;
	const struct listing *listing = creation->listing;
	int		 result;

	/* Once more, with the time that is known now. */
	making->outdated = is_outdated(txn, &making->row);
	if (making->outdated)
		return 0;
	making->outcome = SECRET_OK;
	result = admit(txn, making);
	if (result == 1)
		return 0;
	if (result == 0 && creation->with != NULL)
		result = creation->with(txn, NULL, &making->outcome,
		    creation->with_argument);
	if (result == 0 && making->outcome == SECRET_OK && listing != NULL)
		result = listing_admit(txn, listing->account,
		    &making->account, &making->outcome);
	if (result == -1 || making->outcome != SECRET_OK)
		return result;
	result = store_secret_insert(txn, &making->row, making->record);
	if (result == 1) {
		making->outcome = SECRET_EXISTS;
		return 0;
	}
	if (result == 0)
		result = quota_count(txn, &making->quota);
	if (result == 0 && listing != NULL)
		result = listing_insert(txn, &making->listing,
		    &making->account, &making->row);
	return result == -1 || creation->with == NULL ? result :
	    creation->with(txn, &making->row, &making->outcome,
	    creation->with_argument);
}

/* What stands under this token already; the record of this creation is not
 * needed any more, its memory is. */
static int
fetch(struct store_txn *txn, void *argument)
{
	struct making		*making = argument;
	struct store_secret	 row;
	size_t			 size = making->row.record_bytes;
	uint8_t			 receipt[SEAL_HASHBYTES];
	int			 result;

	making->same = false;
	memcpy(receipt, making->row.receipt, sizeof(receipt));
	result = store_secret_find(txn, making->row.lookup, &row);
	if (result != 0)
		return result == 1 ? 0 : -1;
	if (life_is_over(&row, store_now(txn)) || !row.has_receipt ||
	    !seal_equal(row.receipt, receipt) || row.record_bytes != size)
		return 0;
	if (store_record_read(txn, &row, making->record) == -1)
		return -1;
	making->row = row;
	making->same = true;
	return 0;
}

/* Is what stands there what we were to store?  It is when it opens to it. */
static int
compare(struct making *making)
{
	struct secret_creation *creation = making->creation;
	struct seal_binding	 binding;
	uint8_t			*payload;
	int			 result;

	creation->outcome = SECRET_EXISTS;
	if (creation->receipt == NULL)
		return 0;
	result = store_view(making->site->store, fetch, making);
	if (result != 0 || !making->same)
		return result;
	if (making->row.gated != (making->stretch != NULL) ||
	    making->row.kind != creation->kind)
		return 0;
	payload = making->record + SEAL_PAYLOAD_OFFSET;
	life_binding(&making->row, &binding);
	/* Who comes as far as this may read it: its time tells nothing. */
	if (seal_open(making->site->keyring, &binding, creation->token,
	    making->stretch, making->record, making->row.record_bytes,
	    payload) == 0 && memcmp(payload, creation->payload,
	    creation->payload_size) == 0) {
		creation->outcome = SECRET_OK;
		creation->expires_at = making->row.expires_at;
	}
	return 0;
}

static int
ask_quota(struct store_txn *txn, void *argument)
{
	struct making	*making = argument;
	int		 result;

	result = quota_allows(txn, making->site, &making->quota,
	    &making->wait);
	making->outcome = result == 1 ? SECRET_TOO_MANY : SECRET_OK;
	return result == -1 ? -1 : 0;
}

/* Who made enough costs no Argon2id. */
static int
ask_before_stretch(struct making *making)
{
	return making->creation->proof.pin == NULL || !making->quota.counted ?
	    0 : store_view(making->site->store, ask_quota, making);
}

static int
seal_and_store(struct making *making)
{
	int	 result;

	result = make_stretch(making);
	if (result == 0)
		result = seal(making);
	return result != 0 ? result :
	    store_update(making->site->store, insert, making);
}

static int
make_once(struct making *making)
{
	const struct secret_creation *creation = making->creation;
	int64_t	 now;
	int	 result;

	making->outcome = SECRET_OK;
	result = life_time(making->site, &now);
	if (result == 0)
		result = quota_begin(making->site, creation->client, now,
		    creation->payload_size + SEAL_OVERHEAD, &making->quota);
	if (result == 0)
		result = ask_before_stretch(making);
	if (result == 0 && making->outcome == SECRET_OK)
		result = seal_and_store(making);
	if (result != 0)
		return result;
	if (making->outcome == SECRET_EXISTS)
		return compare(making);
	making->creation->outcome = making->outcome;
	making->creation->expires_at = making->row.expires_at;
	making->creation->wait = making->wait;
	return 0;
}

int
secret_create(struct site *site, struct arena *arena,
    struct secret_creation *creation)
{
	struct making	 making;
	int		 result = 0;

	for (int draw = 0; draw < DRAWS_MAX; draw++) {
		making = (struct making){
			.site = site, .arena = arena, .creation = creation,
		};
		if (!creation->token_given)
			token_random(creation->token);
		result = make_once(&making);
		if (!making.outdated && (creation->token_given ||
		    result != 0 || creation->outcome != SECRET_EXISTS))
			break;
	}
	if (result == 0 && making.outdated) {
		log_event(LOG_REQUEST_FAILED, LOG_TEXT("where", "clock"));
		result = STORE_BUSY;
	}
	if (result == 0 && creation->outcome == SECRET_OK)
		site_log(site, making.row.lookup, LOG_SECRET_CREATED);
	explicit_bzero(&making, sizeof(making));
	return result;
}

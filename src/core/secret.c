/* SPDX-License-Identifier: ISC */
/*
 * Who may read a secret and what that costs.  One write transaction finds the
 * row, decides, and takes a view or counts an attempt; the plaintext leaves
 * only when that is durable.  Where judging takes long (a PIN to stretch, a
 * large record to open) it happens before, outside any lock, on a read-only
 * look, and the transaction looks again.
 */
#include <string.h>

#include "base/arena.h"
#include "base/conf.h"
#include "base/log.h"
#include "base/utf8.h"
#include "core/life.h"
#include "core/listing.h"
#include "core/secret.h"
#include "core/site.h"
#include "core/stretch.h"
#include "crypto/captcha.h"
#include "crypto/keyring.h"

/* Records up to this size are read and opened inside the transaction. */
#define DIRECT_BYTES	((size_t)64 << 10)

/* An answer's words, and twice what JSON may make of one byte, since a string
 * that grows asks for the double: of text, and of what is JSON already. */
#define ANSWER_BYTES	8192
#define ESCAPED_BYTES	12
#define JSON_BYTES	2

/* What one reading carries through its steps. */
struct attempt {
	struct site	*site;
	struct arena	*arena;
	const struct secret_reading *reading;
	uint8_t		 lookup[SEAL_LOOKUPBYTES];
	const uint8_t	*claim;		/* the hash, or NULL without one */
	uint8_t		 claim_hash[SEAL_HASHBYTES];
	uint8_t		 stretched[SEAL_STRETCHBYTES];
	const uint8_t	*stretch;	/* NULL: no PIN */
	uint8_t		 verifier[SEAL_HASHBYTES];

	/* found */
	struct listing_shown listing;
	bool		 claimed;
	struct store_secret row;
	uint8_t		*record;	/* its bytes, once they were read */
	size_t		 record_size;	/* of these; the row may change */

	/* found by looking first */
	bool		 must_look;	/* deciding at once takes too long */
	bool		 looked;
	int64_t		 looked_record;	/* which record that was */
	int64_t		 looked_created_at;
	bool		 want_record;

	/* judged and decided */
	enum secret_outcome outcome;
	struct secret_facts facts;
	struct store_clock clock;
	int64_t		 claim_until;
};

static void
begin_attempt(struct attempt *attempt, struct site *site, struct arena *arena,
    const struct secret_reading *reading)
{
	*attempt = (struct attempt){
		.site = site, .arena = arena, .reading = reading,
	};
	seal_lookup(site->keyring, reading->token, attempt->lookup);
	if (reading->proof.claim != NULL && site->conf->claim_time > 0) {
		seal_claim(site->keyring, attempt->lookup,
		    reading->proof.claim, attempt->claim_hash);
		attempt->claim = attempt->claim_hash;
	}
}

/* What an account says beside the secret; 1 when it is not whose it must
 * be. */
static int
find_listing(struct store_txn *txn, struct attempt *attempt)
{
	int64_t	 account = attempt->reading->account;

	attempt->listing = (struct listing_shown){ .account = 0 };
	if (attempt->row.kind == SECRET_SJCL && listing_show(txn,
	    attempt->site, attempt->arena, &attempt->row,
	    &attempt->listing) == -1)
		return -1;
	return account != 0 && account != attempt->listing.account;
}

/*
 * Find the row and what the claim is worth, in either kind of transaction.
 * Leaves the outcome NOT_FOUND or OVER, or OK when there is something to read.
 */
static int
find(struct store_txn *txn, struct attempt *attempt)
{
	int	 result;

	attempt->claimed = false;
	attempt->claim_until = 0;
	attempt->outcome = SECRET_NOT_FOUND;
	result = store_secret_find(txn, attempt->lookup, &attempt->row);
	if (result != 0)
		return result == 1 ? 0 : -1;
	if ((attempt->reading->kinds & SECRET_KIND_BIT(attempt->row.kind)) ==
	    0)
		return 0;
	result = find_listing(txn, attempt);
	if (result != 0)
		return result == 1 ? 0 : -1;
	if (attempt->claim != NULL) {
		result = life_claim(txn, &attempt->row, attempt->claim,
		    &attempt->claim_until);
		if (result == -1)
			return -1;
		attempt->claimed = result == 0;
	}
	life_facts(&attempt->row, store_now(txn), attempt->claimed,
	    &attempt->facts);
	store_clock(txn, &attempt->clock);
	attempt->facts.listing_flags = attempt->listing.flags;
	attempt->outcome = attempt->claimed ||
	    !life_is_over(&attempt->row, store_now(txn)) ?
	    SECRET_OK : SECRET_OVER;
	return 0;
}

/* Has who opens by the link done the work that the maker asked for?  A claim
 * was got by it. */
static bool
captcha_is_due(const struct attempt *attempt, int64_t now)
{
	const struct secret_reading *reading = attempt->reading;

	return (attempt->listing.flags & LISTING_CAPTCHA) != 0 &&
	    !reading->captcha_waived && !attempt->claimed &&
	    (reading->solution == NULL || !captcha_is_solved(
	    attempt->site->keyring, attempt->lookup, now / 1000,
	    reading->solution->captcha, reading->solution->number));
}

/* Find, to open. */
static int
find_to_open(struct store_txn *txn, struct attempt *attempt)
{
	if (find(txn, attempt) == -1)
		return -1;
	if (attempt->outcome == SECRET_OK &&
	    captcha_is_due(attempt, store_now(txn)))
		attempt->outcome = SECRET_CAPTCHA_REQUIRED;
	return 0;
}

/* What the answer takes beside the record itself. */
static size_t
answer_size(const struct attempt *attempt)
{
	size_t	 size = ANSWER_BYTES +
		    ESCAPED_BYTES * attempt->listing.message_size;

	switch ((enum secret_kind)attempt->row.kind) {
	case SECRET_SAFESECRETS:
	case SECRET_ONETIME:
		return size + ESCAPED_BYTES * attempt->record_size;
	case SECRET_SJCL:
		return size + JSON_BYTES * attempt->record_size;
	case SECRET_V2:
		break;
	}
	return size;
}

static int
read_record(struct store_txn *txn, struct attempt *attempt)
{
	attempt->record_size = attempt->row.record_bytes;
	attempt->record = arena_alloc(attempt->arena, attempt->record_size);
	/* What the answer needs must be there before the view is taken. */
	if (attempt->record == NULL || arena_reserve(attempt->arena,
	    answer_size(attempt)) == -1) {
		log_event(LOG_NO_MEMORY, LOG_TEXT("where", "record"));
		return -1;
	}
	return store_record_read(txn, &attempt->row, attempt->record) == 0 ?
	    0 : -1;
}

static int
look(struct store_txn *txn, void *argument)
{
	struct attempt	*attempt = argument;

	attempt->record = NULL;
	if (find_to_open(txn, attempt) == -1)
		return -1;
	attempt->looked = true;
	attempt->looked_record = attempt->row.record;
	attempt->looked_created_at = attempt->row.created_at;
	/* Before the proof is judged the bytes are not wanted. */
	if (attempt->outcome != SECRET_OK ||
	    (attempt->row.gated && !attempt->want_record))
		return 0;
	return read_record(txn, attempt);
}

/* Is the right kind of proof there?  SECRET_OK when it can be judged. */
static enum secret_outcome
check_proof(const struct attempt *attempt)
{
	const struct secret_proof *proof = &attempt->reading->proof;

	if (!attempt->row.gated)
		return SECRET_OK;
	if (attempt->row.kind == SECRET_V2) {
		if (proof->pin != NULL)
			return SECRET_GATE_NOT_PIN;
		return proof->gate != NULL ? SECRET_OK : SECRET_PIN_REQUIRED;
	}
	if (proof->gate != NULL)
		return SECRET_PIN_NOT_GATE;
	if (proof->pin == NULL)
		return SECRET_PIN_REQUIRED;
	/* All PINs of this kind have one length: another is no guess. */
	if (attempt->row.kind == SECRET_SAFESECRETS &&
	    utf8_length(proof->pin, proof->pin_length) !=
	    attempt->site->conf->pin_size)
		return SECRET_PIN_MISFIT;
	return SECRET_OK;
}

/* Make the stretch and the verifier of what was given. */
static int
make_verifier(struct attempt *attempt)
{
	const struct secret_proof *proof = &attempt->reading->proof;
	int	 result;

	if (!attempt->row.gated)
		return 0;
	if (attempt->row.kind == SECRET_V2)
		attempt->stretch = proof->gate;
	else {
		result = stretch_run(attempt->site->stretch,
		    attempt->reading->token, proof->pin, proof->pin_length,
		    attempt->row.passes, attempt->row.memory,
		    attempt->stretched);
		if (result != 0)
			return result;
		attempt->stretch = attempt->stretched;
	}
	if (seal_verifier(attempt->site->keyring, attempt->row.key_id,
	    attempt->reading->token, attempt->stretch, attempt->verifier) == 0)
		return 0;
	site_log(attempt->site, attempt->lookup, LOG_RECORD_DAMAGED);
	return STORE_FAILED;
}

static bool
proof_is_right(const struct attempt *attempt)
{
	return !attempt->row.gated ||
	    seal_equal(attempt->row.verifier, attempt->verifier);
}

/* Open the record in place; what does not open costs nobody anything. */
static int
open_record(const struct attempt *attempt)
{
	struct seal_binding	 binding;
	uint8_t			*payload;

	payload = attempt->record + SEAL_PAYLOAD_OFFSET;
	life_binding(&attempt->row, &binding);
	if (seal_open(attempt->site->keyring, &binding,
	    attempt->reading->token, attempt->stretch, attempt->record,
	    attempt->record_size, payload) == 0)
		return 0;
	site_log(attempt->site, attempt->lookup, LOG_RECORD_DAMAGED);
	return STORE_FAILED;
}

static int
count_attempt(struct store_txn *txn, struct attempt *attempt)
{
	struct store_secret *row = &attempt->row;
	int	 result;

	/* Who holds a view already has proved the PIN: nothing to guess. */
	if (attempt->claimed) {
		attempt->outcome = SECRET_WRONG_PIN;
		return 0;
	}
	if (row->attempts_left > 0)
		row->attempts_left--;
	if (row->attempts_left > 0) {
		attempt->outcome = SECRET_WRONG_PIN;
		result = store_secret_update(txn, row);
	} else {
		attempt->outcome = SECRET_NOW_LOCKED;
		row->state = STORE_LOCKED;
		row->changed_at = store_now(txn);
		row->views_left = 0;
		result = life_settle(txn, attempt->site, row);
	}
	life_facts(row, store_now(txn), false, &attempt->facts);
	return result;
}

static int
take_view(struct store_txn *txn, struct attempt *attempt)
{
	struct store_secret *row = &attempt->row;
	int64_t	 now = store_now(txn);

	row->views_left--;
	row->state = STORE_OPENED;
	row->changed_at = now;
	if (attempt->claim != NULL) {
		attempt->claim_until = life_claim_until(row, now,
		    attempt->site->conf->claim_time);
		if (store_claim_put(txn, row->lookup, attempt->claim,
		    attempt->claim_until) == -1)
			return -1;
	}
	life_facts(row, now, attempt->claim != NULL, &attempt->facts);
	attempt->facts.listing_flags = attempt->listing.flags;
	if (attempt->listing.account != 0 && listing_viewed(txn,
	    attempt->site, row, &attempt->reading->viewer) == -1)
		return -1;
	return life_settle(txn, attempt->site, row);
}

/* What was looked at may be over, or even another by now. */
static bool
is_as_looked(const struct attempt *attempt)
{
	return attempt->row.record == attempt->looked_record &&
	    attempt->row.created_at == attempt->looked_created_at;
}

/* Judge inside the transaction, where that is quick. */
static int
judge_at_once(struct store_txn *txn, struct attempt *attempt)
{
	if (attempt->row.passes != 0 ||
	    attempt->row.record_bytes > DIRECT_BYTES) {
		attempt->must_look = true;
		return 0;
	}
	attempt->outcome = check_proof(attempt);
	if (attempt->outcome != SECRET_OK)
		return 0;
	if (make_verifier(attempt) != 0)
		return -1;
	if (!proof_is_right(attempt))
		return 0;
	return read_record(txn, attempt) == 0 && open_record(attempt) == 0 ?
	    0 : -1;
}

static int
decide(struct store_txn *txn, void *argument)
{
	struct attempt	*attempt = argument;

	attempt->must_look = false;
	if (find_to_open(txn, attempt) == -1)
		return -1;
	if (attempt->outcome == SECRET_OK && attempt->looked &&
	    !is_as_looked(attempt))
		attempt->outcome = SECRET_OVER;
	if (attempt->outcome == SECRET_OK && !attempt->looked &&
	    judge_at_once(txn, attempt) == -1)
		return -1;
	if (attempt->outcome != SECRET_OK || attempt->must_look)
		return 0;
	if (!proof_is_right(attempt))
		return count_attempt(txn, attempt);
	return attempt->claimed ? 0 : take_view(txn, attempt);
}

/* Look, and judge outside any lock. */
static int
judge(struct attempt *attempt)
{
	int	 result;

	result = store_view(attempt->site->store, look, attempt);
	if (result != 0 || attempt->outcome != SECRET_OK)
		return result;
	attempt->outcome = check_proof(attempt);
	if (attempt->outcome != SECRET_OK)
		return 0;
	result = make_verifier(attempt);
	if (result != 0 || !proof_is_right(attempt))
		return result;
	attempt->want_record = true;
	if (attempt->record == NULL)
		result = store_view(attempt->site->store, look, attempt);
	if (result != 0 || attempt->outcome != SECRET_OK)
		return result;
	return open_record(attempt);
}

/* From the token to the decision; the outcome is in attempt. */
static int
run_attempt(struct attempt *attempt)
{
	int	 result;

	/* Other kinds than ours have a PIN that takes long. */
	attempt->must_look = (attempt->reading->kinds &
	    SECRET_KIND_BIT(SECRET_V2)) == 0;
	if (!attempt->must_look) {
		result = store_update(attempt->site->store, decide, attempt);
		if (result != 0 || !attempt->must_look)
			return result;
	}
	result = judge(attempt);
	if (result != 0 || attempt->outcome != SECRET_OK)
		return result;
	return store_update(attempt->site->store, decide, attempt);
}

int
secret_open(struct site *site, struct arena *arena,
    struct secret_reading *reading)
{
	struct attempt	 attempt;
	int		 result;

	begin_attempt(&attempt, site, arena, reading);
	result = run_attempt(&attempt);
	if (result == 0) {
		reading->outcome = attempt.outcome;
		reading->facts = attempt.facts;
		reading->claim_until = attempt.claim_until;
	}
	if (result == 0 && attempt.outcome == SECRET_OK) {
		reading->payload = attempt.record + SEAL_PAYLOAD_OFFSET;
		reading->payload_size = attempt.record_size - SEAL_OVERHEAD;
		reading->message = attempt.listing.message;
		reading->message_size = attempt.listing.message_size;
		site_log(site, attempt.lookup, LOG_SECRET_OPENED);
	} else if (attempt.record != NULL)
		explicit_bzero(attempt.record, attempt.record_size);
	if (result == 0 && attempt.outcome == SECRET_OVER)
		life_told(site, &attempt.facts, &attempt.clock);
	if (result == 0 && attempt.outcome == SECRET_NOW_LOCKED)
		site_log(site, attempt.lookup, LOG_SECRET_LOCKED);
	explicit_bzero(&attempt, sizeof(attempt));
	return result;
}

static int
peek(struct store_txn *txn, void *argument)
{
	return find(txn, argument);
}

int
secret_peek(struct site *site, struct secret_reading *reading)
{
	struct attempt	 attempt;
	int		 result;

	begin_attempt(&attempt, site, NULL, reading);
	result = store_view(site->store, peek, &attempt);
	if (result == 0 && attempt.outcome == SECRET_OVER)
		life_told(site, &attempt.facts, &attempt.clock);
	reading->outcome = attempt.outcome;
	reading->facts = attempt.facts;
	reading->claim_until = attempt.claim_until;
	return result;
}

void
secret_challenge(struct site *site, const uint8_t token[TOKEN_BYTES],
    struct captcha *captcha)
{
	uint8_t	 lookup[SEAL_LOOKUPBYTES];

	seal_lookup(site->keyring, token, lookup);
	captcha_make(site->keyring, lookup, store_time(site->store) / 1000,
	    captcha);
}

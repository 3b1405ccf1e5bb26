/* SPDX-License-Identifier: ISC */
/*
 * The maker's side: what a receipt shows, how it ends a secret early, and how
 * a reader who came too late is heard of.
 */
#include "base/log.h"
#include "core/life.h"
#include "core/receipt.h"
#include "core/site.h"

#define KNOCK_INTERVAL	60000	/* ms */
#define KNOCKS_MAX	99

struct showing {
	struct site		*site;
	uint8_t			 receipt[SEAL_HASHBYTES];
	bool			 found;
	bool			 burned;
	struct store_secret	 row;
	struct secret_facts	 facts;
	struct store_clock	 clock;
};

static int
show(struct store_txn *txn, void *argument)
{
	struct showing	*showing = argument;
	int		 result;

	showing->found = showing->burned = false;
	result = store_secret_find_receipt(txn, showing->receipt,
	    &showing->row);
	if (result != 0)
		return result == 1 ? 0 : -1;
	showing->found = true;
	life_facts(&showing->row, store_now(txn), false, &showing->facts);
	store_clock(txn, &showing->clock);
	return 0;
}

static int
burn(struct store_txn *txn, void *argument)
{
	struct showing	*showing = argument;
	struct store_secret *row = &showing->row;

	if (show(txn, showing) == -1)
		return -1;
	if (!showing->found || row->record == 0)
		return 0;
	/* What was read to the end or locked stays so; only its claims end. */
	if (!life_is_over(row, store_now(txn))) {
		row->state = STORE_BURNED;
		row->changed_at = store_now(txn);
	}
	if (life_end(txn, showing->site, row) == -1)
		return -1;
	showing->burned = true;
	life_facts(row, store_now(txn), false, &showing->facts);
	return 0;
}

static void
answer(const struct showing *showing, enum secret_outcome *outcome,
    struct secret_facts *facts)
{
	*outcome = showing->found ? SECRET_OK : SECRET_NOT_FOUND;
	if (showing->found)
		*facts = showing->facts;
}

int
receipt_peek(struct site *site, const uint8_t receipt[SEAL_SECRETBYTES],
    enum secret_outcome *outcome, struct secret_facts *facts)
{
	struct showing	 showing = { .site = site };
	int		 result;

	seal_receipt(site->keyring, receipt, showing.receipt);
	result = store_view(site->store, show, &showing);
	if (result == 0 && showing.found)
		life_told(site, &showing.facts, &showing.clock);
	answer(&showing, outcome, facts);
	return result;
}

int
receipt_burn(struct site *site, const uint8_t receipt[SEAL_SECRETBYTES],
    enum secret_outcome *outcome, struct secret_facts *facts)
{
	struct showing	 showing = { .site = site };
	int		 result;

	seal_receipt(site->keyring, receipt, showing.receipt);
	result = store_update(site->store, burn, &showing);
	answer(&showing, outcome, facts);
	if (result == 0 && showing.burned)
		site_log(site, showing.row.lookup, LOG_SECRET_BURNED);
	return result;
}

static int
count_knock(struct store_txn *txn, void *argument)
{
	struct store_secret row;
	int		 result;

	result = store_secret_find(txn, argument, &row);
	if (result != 0)
		return result == 1 ? 0 : -1;
	/* By a clock that is wrong it may not be over; its knock would be the
	 * last for years. */
	if (store_clock_jumped(txn) ||
	    !life_is_over(&row, store_now(txn)) || row.knocks >= KNOCKS_MAX ||
	    (row.knocks > 0 &&
	    store_now(txn) - row.knocked_at < KNOCK_INTERVAL))
		return 0;
	row.knocks++;
	row.knocked_at = store_now(txn);
	return store_secret_update(txn, &row);
}

int
receipt_knock(struct site *site, const uint8_t token[TOKEN_BYTES])
{
	uint8_t	 lookup[SEAL_LOOKUPBYTES];

	seal_lookup(site->keyring, token, lookup);
	return store_update(site->store, count_knock, lookup);
}

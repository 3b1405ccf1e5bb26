/* SPDX-License-Identifier: ISC */
/*
 * The reader has it: the end of a claim before its time.
 */
#include "core/life.h"
#include "core/secret.h"
#include "core/site.h"

struct ack {
	struct site	*site;
	uint8_t		 lookup[SEAL_LOOKUPBYTES];
	uint8_t		 claim[SEAL_HASHBYTES];
};

static int
acknowledge(struct store_txn *txn, void *argument)
{
	struct ack	*ack = argument;
	struct store_secret row;
	int		 result;

	result = store_claim_remove(txn, ack->lookup, ack->claim);
	if (result != 0)
		return result == 1 ? 0 : -1;
	result = store_secret_find(txn, ack->lookup, &row);
	if (result != 0)
		return result == 1 ? 0 : -1;
	return life_settle(txn, ack->site, &row);
}

int
secret_ack(struct site *site, const uint8_t token[TOKEN_BYTES],
    const uint8_t claim[SEAL_SECRETBYTES])
{
	struct ack	 ack = { .site = site };

	seal_lookup(site->keyring, token, ack.lookup);
	seal_claim(site->keyring, ack.lookup, claim, ack.claim);
	return store_update(site->store, acknowledge, &ack);
}

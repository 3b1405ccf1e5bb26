/* SPDX-License-Identifier: ISC */
/*
 * Accounts that come from another store: all of them or none, and never over
 * one that is there.
 */
#include "core/account.h"
#include "core/site.h"

struct work {
	struct store_account	*accounts;
	size_t			 accounts_count;
	struct store_api_key	*keys;
	size_t			 keys_count;
	enum account_outcome	 outcome;
	size_t			 taken;
};

/* The first of the names that is there; 1: none is. */
static int
find_taken(struct store_txn *txn, struct work *work)
{
	struct store_account	 row;
	int			 result;

	for (size_t i = 0; i < work->accounts_count; i++) {
		result = store_account_find_name(txn, work->accounts[i].name,
		    &row);
		if (result != 1) {
			work->taken = i;
			return result;
		}
	}
	return 1;
}

static int
import(struct store_txn *txn, void *argument)
{
	struct work		*work = argument;
	struct store_api_key	 key;
	int			 result;

	work->outcome = ACCOUNT_EXISTS;
	result = find_taken(txn, work);
	if (result != 1)
		return result;
	work->outcome = ACCOUNT_OK;
	for (size_t i = 0; i < work->accounts_count; i++)
		if (store_account_insert(txn, &work->accounts[i]) != 0)
			return -1;
	for (size_t i = 0; i < work->keys_count; i++) {
		key = work->keys[i];
		key.account = work->accounts[key.account].id;
		if (store_api_key_insert(txn, &key) != 0)
			return -1;
	}
	return 0;
}

int
account_import(struct site *site, struct store_account *accounts,
    size_t accounts_count, struct store_api_key *keys, size_t keys_count,
    enum account_outcome *outcome, size_t *taken)
{
	struct work	 work = {
		.accounts = accounts, .accounts_count = accounts_count,
		.keys = keys, .keys_count = keys_count,
	};
	int		 result;

	result = store_update(site->store, import, &work);
	*outcome = work.outcome;
	*taken = work.taken;
	return result;
}

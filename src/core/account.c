/* SPDX-License-Identifier: ISC */
/*
 * Who may make how many secrets.  What an account's name and its usage of a
 * month are is known here, and how all that belongs to it ends with it.
 */
#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "core/account.h"
#include "core/secret_request.h"
#include "core/site.h"

/* Secrets of an account that are removed in one transaction. */
#define SLICE_ROWS	64

bool
account_is_name(const char *name)
{
	static const char letters[] = "abcdefghijklmnopqrstuvwxyz"
	    "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._@-";
	size_t	 length = strlen(name);

	return length > 0 && length <= STORE_NAME_MAX && name[0] != '-' &&
	    strspn(name, letters) == length;
}

int64_t
account_month(int64_t now)
{
	time_t		 seconds = (time_t)(now / 1000);
	struct tm	 tm;

	if (gmtime_r(&seconds, &tm) == NULL)
		return 0;
	return ((int64_t)tm.tm_year + 1900) * 12 + tm.tm_mon;
}

void
account_renew(struct store_account *row, int64_t now)
{
	int64_t	 month = account_month(now);

	if (row->month == month)
		return;
	row->month = month;
	row->usage = 0;
	row->request_usage = 0;
}

/* What one call carries into its transaction and back. */
struct work {
	const char		*name;
	const int64_t		*allowance;
	const int64_t		*request_allowance;
	int64_t			 after;
	struct store_account	 row;
	bool			 more;
	enum account_outcome	 outcome;
};

static int
find(struct store_txn *txn, struct work *work)
{
	int	 result = store_account_find_name(txn, work->name, &work->row);

	work->outcome = result == 0 ? ACCOUNT_OK : ACCOUNT_NOT_FOUND;
	if (result == 0)
		account_renew(&work->row, store_now(txn));
	return result == -1 ? -1 : 0;
}

static int
add(struct store_txn *txn, void *argument)
{
	struct work	*work = argument;
	int		 result;

	work->row.created_at = store_now(txn);
	work->row.month = account_month(store_now(txn));
	result = store_account_insert(txn, &work->row);
	work->outcome = result == 1 ? ACCOUNT_EXISTS : ACCOUNT_OK;
	return result == -1 ? -1 : 0;
}

int
account_add(struct site *site, const char *name, int64_t allowance,
    int64_t request_allowance, enum account_outcome *outcome)
{
	struct work	 work = {
		.row = {
			.allowance = allowance,
			.request_allowance = request_allowance,
		},
	};
	int		 result;

	*outcome = ACCOUNT_BAD_NAME;
	if (!account_is_name(name))
		return 0;
	memcpy(work.row.name, name, strlen(name));
	result = store_update(site->store, add, &work);
	*outcome = work.outcome;
	return result;
}

static int
set(struct store_txn *txn, void *argument)
{
	struct work	*work = argument;

	if (find(txn, work) == -1)
		return -1;
	if (work->outcome != ACCOUNT_OK)
		return 0;
	if (work->allowance != NULL)
		work->row.allowance = *work->allowance;
	if (work->request_allowance != NULL)
		work->row.request_allowance = *work->request_allowance;
	return store_account_update(txn, &work->row);
}

int
account_set(struct site *site, const char *name, const int64_t *allowance,
    const int64_t *request_allowance, enum account_outcome *outcome)
{
	struct work	 work = {
		.name = name, .allowance = allowance,
		.request_allowance = request_allowance,
	};
	int		 result;

	result = store_update(site->store, set, &work);
	*outcome = work.outcome;
	return result;
}

static int
look(struct store_txn *txn, void *argument)
{
	return find(txn, argument);
}

int
account_find(struct site *site, const char *name, struct store_account *row,
    enum account_outcome *outcome)
{
	struct work	 work = { .name = name };
	int		 result;

	result = store_view(site->store, look, &work);
	*row = work.row;
	*outcome = work.outcome;
	return result;
}

static int
step(struct store_txn *txn, void *argument)
{
	struct work	*work = argument;
	int		 result;

	result = store_account_next(txn, work->after, &work->row);
	work->outcome = result == 0 ? ACCOUNT_OK : ACCOUNT_NOT_FOUND;
	if (result == 0)
		account_renew(&work->row, store_now(txn));
	return result == -1 ? -1 : 0;
}

int
account_next(struct site *site, int64_t after, struct store_account *row,
    enum account_outcome *outcome)
{
	struct work	 work = { .after = after };
	int		 result;

	result = store_view(site->store, step, &work);
	*row = work.row;
	*outcome = work.outcome;
	return result;
}

/* One slice of what belongs to an account; the account itself at the last. */
static int
remove_slice(struct store_txn *txn, void *argument)
{
	struct work	*work = argument;
	int64_t		 secret;
	int		 result;

	work->more = false;
	if (find(txn, work) == -1)
		return -1;
	if (work->outcome != ACCOUNT_OK)
		return 0;
	result = secret_request_clear(txn, work->row.id, SLICE_ROWS);
	work->more = result == 0;
	if (result != 1)
		return result;
	for (int count = 0; count < SLICE_ROWS; count++) {
		result = store_listing_first(txn, work->row.id, &secret);
		if (result == 1)
			return store_account_remove(txn, work->row.id);
		if (result == -1 || store_listing_purge(txn, secret) == -1)
			return -1;
	}
	work->more = true;
	return 0;
}

/* Without a key nobody adds to what is being removed. */
static int
remove_keys(struct store_txn *txn, void *argument)
{
	struct work	*work = argument;

	if (find(txn, work) == -1)
		return -1;
	return work->outcome != ACCOUNT_OK ? 0 :
	    store_api_key_remove_all(txn, work->row.id);
}

int
account_remove(struct site *site, const char *name,
    enum account_outcome *outcome)
{
	struct work	 work = { .name = name };
	int		 result;

	result = store_update(site->store, remove_keys, &work);
	*outcome = work.outcome;
	if (result != 0 || work.outcome != ACCOUNT_OK)
		return result;
	do {
		result = store_update(site->store, remove_slice, &work);
	} while (result == 0 && work.more);
	return result;
}

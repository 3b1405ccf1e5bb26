/* SPDX-License-Identifier: ISC */
/*
 * One of everything that a store can hold, and what each call must find of it.
 */
#include "store_calls.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "store/store_account.h"
#include "store/store_request.h"

#define BYTES	300
#define LATER	INT64_MAX
#define EPOCH	3

/* What there is: one of each, with these numbers. */
static const uint8_t	 bytes[BYTES] = { 1, 2, 3 };
static struct store_secret secret, newer;
static struct store_account account;
static struct store_api_key api_key;
static struct store_listing listing;
static struct store_request request;
static struct store_letter letter;
static uint8_t		 hash[STORE_HASHBYTES] = { 9 };

static struct store_secret
secret_of(uint8_t number)
{
	return (struct store_secret){
		.lookup = { number }, .kind = 1, .created_at = 1,
		.changed_at = 1, .expires_at = LATER, .due_at = LATER,
		.views_left = 2, .key_id = 1, .epoch = EPOCH,
		.has_receipt = true, .receipt = { number, 1 },
		.record_bytes = BYTES
	};
}

int
store_calls_make(struct store_txn *txn, void *argument)
{
	(void)argument;
	secret = secret_of(1);
	account = (struct store_account){
		.name = "somebody", .created_at = 1, .allowance = 5,
		.request_allowance = 5, .month = 1
	};
	if (store_secret_insert(txn, &secret, bytes) != 0 ||
	    store_claim_put(txn, secret.lookup, hash, LATER) != 0 ||
	    store_quota_add(txn, hash, 1, BYTES) != 0 ||
	    store_account_insert(txn, &account) != 0)
		return -1;
	api_key = (struct store_api_key){
		.account = account.id, .hash = { 7 }, .created_at = 1
	};
	listing = (struct store_listing){
		.secret = secret.id, .account = account.id, .note = bytes,
		.note_size = 20, .message = bytes, .message_size = 30
	};
	request = (struct store_request){
		.account = account.id, .lookup = { 5 }, .created_at = 1,
		.expires_at = LATER, .due_at = 1, .uses_left = 1,
		.note = bytes, .note_size = 20, .password = bytes,
		.password_size = 30
	};
	if (store_api_key_insert(txn, &api_key) != 0 ||
	    store_listing_insert(txn, &listing) != 0 ||
	    store_view_insert(txn, secret.id, 1, bytes, 10) != 0 ||
	    store_request_insert(txn, &request) != 0)
		return -1;
	letter = (struct store_letter){
		.account = account.id, .request = request.id, .created_at = 1,
		.expires_at = LATER, .due_at = 1, .letter = bytes,
		.letter_size = 40
	};
	return store_letter_insert(txn, &letter);
}

/*
 * The calls.  Each returns what the store did, and 2 where what it found is
 * not what there is.
 */

static int
found(int result, bool right)
{
	return result == 0 && !right ? 2 : result;
}

static int
secret_insert(struct store_txn *txn)
{
	newer = secret_of(2);
	return store_secret_insert(txn, &newer, bytes);
}

static int
secret_find(struct store_txn *txn)
{
	struct store_secret row;
	int	 result = store_secret_find(txn, secret.lookup, &row);

	return found(result, row.id == secret.id && row.views_left == 2);
}

static int
secret_find_receipt(struct store_txn *txn)
{
	struct store_secret row;
	int	 result = store_secret_find_receipt(txn, secret.receipt, &row);

	return found(result, row.id == secret.id);
}

static int
secret_update(struct store_txn *txn)
{
	return store_secret_update(txn, &secret);
}

static int
record_read(struct store_txn *txn)
{
	uint8_t	 record[BYTES];
	int	 result = store_record_read(txn, &secret, record);

	return found(result, memcmp(record, bytes, BYTES) == 0);
}

static int
record_erase(struct store_txn *txn)
{
	struct store_secret row = secret;

	return store_record_erase(txn, &row);
}

static int
secret_remove(struct store_txn *txn)
{
	return store_secret_remove(txn, &secret);
}

static int
secret_due(struct store_txn *txn)
{
	struct store_secret row;
	size_t	 count = 1;
	int	 result = store_secret_due(txn, LATER, &row, &count);

	return found(result, count == 1 && row.id == secret.id);
}

static int
claim_put(struct store_txn *txn)
{
	static const uint8_t another[STORE_HASHBYTES] = { 8 };

	return store_claim_put(txn, secret.lookup, another, LATER);
}

static int
claim_find(struct store_txn *txn)
{
	int64_t	 until;
	int	 result = store_claim_find(txn, secret.lookup, hash, &until);

	return found(result, until == LATER);
}

static int
claim_last(struct store_txn *txn)
{
	int64_t	 until;
	int	 result = store_claim_last(txn, secret.lookup, INT64_MAX,
	    &until);

	return found(result, until == LATER);
}

static int
claim_remove(struct store_txn *txn)
{
	return store_claim_remove(txn, secret.lookup, hash);
}

static int
room(struct store_txn *txn)
{
	return store_room(txn, 1);
}

static int
records(struct store_txn *txn)
{
	int64_t	 count;
	int	 result = store_records(txn, &count);

	return found(result, count == 1);
}

static int
quota_find(struct store_txn *txn)
{
	struct store_quota row;
	int	 result = store_quota_find(txn, hash, &row);

	return found(result, row.secrets == 1 && row.bytes == BYTES);
}

static int
quota_add(struct store_txn *txn)
{
	return store_quota_add(txn, hash, 1, BYTES);
}

static int
quota_forget(struct store_txn *txn)
{
	size_t	 count;
	int	 result = store_quota_forget(txn, LATER, 10, &count);

	return found(result, count == 1);
}

static int
clock_mark(struct store_txn *txn)
{
	return store_clock_mark(txn);
}

static int
clock_accept(struct store_txn *txn)
{
	return store_clock_accept(txn);
}

static int
stats(struct store_txn *txn)
{
	struct store_stats numbers;
	int	 result = store_stats(txn, &numbers);

	return found(result, numbers.secrets[STORE_WAITING] == 1 &&
	    numbers.records == 1 && numbers.claims == 1 &&
	    numbers.requests == 1 && numbers.letters == 1);
}

static int
keys(struct store_txn *txn)
{
	uint32_t numbers[2];
	size_t	 count = 1;
	int64_t	 after = 0;
	int	 result = store_keys(txn, &after, numbers, &count);

	return found(result, count == 1 && numbers[0] == 1);
}

static int
newest(struct store_txn *txn)
{
	int64_t	 created_at;
	int	 result = store_newest(txn, &created_at);

	return found(result, created_at == 1);
}

static int
epoch_used(struct store_txn *txn)
{
	return store_epoch_used(txn, EPOCH, LATER, LATER);
}

static int
copy(struct store_txn *txn)
{
	struct store_copy *whole;
	int	 result = store_copy(txn, 1 << 30, &whole);
	bool	 is_there = whole != NULL;

	store_copy_free(whole);
	if (is_there != (result == 0))
		return 2;
	return result;
}

static int
account_insert(struct store_txn *txn)
{
	struct store_account row = { .name = "another" };

	return store_account_insert(txn, &row);
}

static bool
is_account(const struct store_account *row)
{
	return row->id == account.id && strcmp(row->name, "somebody") == 0 &&
	    row->listed == 1 && row->requested == 1;
}

static int
account_find(struct store_txn *txn)
{
	struct store_account row;
	int	 result = store_account_find(txn, account.id, &row);

	return found(result, is_account(&row));
}

static int
account_find_name(struct store_txn *txn)
{
	struct store_account row;
	int	 result = store_account_find_name(txn, "somebody", &row);

	return found(result, is_account(&row));
}

static int
account_next(struct store_txn *txn)
{
	struct store_account row;
	int	 result = store_account_next(txn, 0, &row);

	return found(result, is_account(&row));
}

static int
account_update(struct store_txn *txn)
{
	return store_account_update(txn, &account);
}

static int
account_remove(struct store_txn *txn)
{
	return store_account_remove(txn, account.id);
}

static int
api_key_insert(struct store_txn *txn)
{
	struct store_api_key row = { .account = account.id, .hash = { 6 } };

	return store_api_key_insert(txn, &row);
}

static int
api_key_find(struct store_txn *txn)
{
	struct store_api_key row;
	int	 result = store_api_key_find(txn, api_key.hash, &row);

	return found(result, row.account == account.id);
}

static int
api_key_next(struct store_txn *txn)
{
	struct store_api_key row;
	int	 result = store_api_key_next(txn, account.id, 0, &row);

	return found(result, row.id == api_key.id);
}

static int
api_key_used(struct store_txn *txn)
{
	return store_api_key_used(txn, api_key.id, 20000);
}

static int
api_key_remove(struct store_txn *txn)
{
	return store_api_key_remove(txn, account.id, api_key.id);
}

static int
api_key_remove_all(struct store_txn *txn)
{
	return store_api_key_remove_all(txn, account.id);
}

static int
count_view(int64_t at, const void *viewer, size_t size, void *argument)
{
	*(int *)argument += at == 1 && size == 10 &&
	    memcmp(viewer, bytes, 10) == 0;
	return 0;
}

static int
view_each(struct store_txn *txn)
{
	int	 count = 0;
	int	 result = store_view_each(txn, secret.id, count_view, &count);

	return found(result, count == 1);
}

static int
view_insert(struct store_txn *txn)
{
	return store_view_insert(txn, secret.id, 2, bytes, 10);
}

static int
count_listing(struct store_txn *txn, const struct store_listing *row,
    const struct store_secret *known, void *argument)
{
	(void)txn;
	*(int *)argument += row->secret == secret.id && row->views == 1 &&
	    row->message_size == 30 && (known == NULL ||
	    known->id == secret.id);
	return 0;
}

static int
listing_insert(struct store_txn *txn)
{
	struct store_listing row = listing;

	row.secret++;
	return store_listing_insert(txn, &row);
}

static int
listing_find(struct store_txn *txn)
{
	int	 count = 0;
	int	 result = store_listing_find(txn, secret.id, count_listing,
		    &count);

	return found(result, count == 1);
}

static int
listing_page(struct store_txn *txn)
{
	int	 count = 0;
	int	 result = store_listing_page(txn, account.id, 0, 10,
		    count_listing, &count);

	return found(result, count == 1);
}

static int
listing_first(struct store_txn *txn)
{
	int64_t	 id;
	int	 result = store_listing_first(txn, account.id, &id);

	return found(result, id == secret.id);
}

static int
listing_named(struct store_txn *txn)
{
	struct store_secret row;
	int64_t	 owner;
	bool	 damaged = false;
	int	 result = store_listing_named(txn, secret.lookup, &row, &owner,
		    &damaged);

	return found(result, !damaged && row.id == secret.id &&
	    owner == account.id);
}

static int
listing_forget(struct store_txn *txn)
{
	return store_listing_forget(txn, secret.id);
}

static int
listing_remove(struct store_txn *txn)
{
	return store_listing_remove(txn, secret.id);
}

static int
listing_purge(struct store_txn *txn)
{
	return store_listing_purge(txn, secret.id);
}

static int
request_insert(struct store_txn *txn)
{
	struct store_request row = request;

	row.lookup[0] = 4;
	return store_request_insert(txn, &row);
}

static int
count_request(const struct store_request *row, void *argument)
{
	*(int *)argument += row->id == request.id && row->note_size == 20 &&
	    row->password_size == 30;
	return 0;
}

static int
request_find(struct store_txn *txn)
{
	int	 count = 0;
	int	 result = store_request_find(txn, request.lookup,
		    count_request, &count);

	return found(result, count == 1);
}

static int
request_page(struct store_txn *txn)
{
	int	 count = 0;
	int	 result = store_request_page(txn, account.id, 0, 10,
		    count_request, &count);

	return found(result, count == 1);
}

static int
request_first(struct store_txn *txn)
{
	int64_t	 id;
	int	 result = store_request_first(txn, account.id, &id);

	return found(result, id == request.id);
}

static int
request_due(struct store_txn *txn)
{
	int64_t	 id, expires_at;
	int	 result = store_request_due(txn, LATER, &id, &expires_at);

	return found(result, id == request.id && expires_at == LATER);
}

static int
request_expire(struct store_txn *txn)
{
	return store_request_expire(txn, request.id, LATER);
}

static int
request_use(struct store_txn *txn)
{
	return store_request_use(txn, request.id);
}

static int
request_remove(struct store_txn *txn)
{
	return store_request_remove(txn, request.id);
}

static int
letter_insert(struct store_txn *txn)
{
	struct store_letter row = letter;

	return store_letter_insert(txn, &row);
}

static int
count_letter(const struct store_letter *row, void *argument)
{
	*(int *)argument += row->id == letter.id && row->letter_size == 40;
	return 0;
}

static int
letter_due(struct store_txn *txn)
{
	int	 count = 0;
	int	 result = store_letter_due(txn, LATER, count_letter, &count);

	return found(result, count == 1);
}

static int
letter_next(struct store_txn *txn)
{
	struct store_letter row;
	int	 result = store_letter_next(txn, 0, &row);

	return found(result, row.id == letter.id);
}

static int
letter_postpone(struct store_txn *txn)
{
	return store_letter_postpone(txn, letter.id, LATER, 1);
}

static int
letter_remove(struct store_txn *txn)
{
	return store_letter_remove(txn, letter.id);
}

static int
letter_remove_secret(struct store_txn *txn)
{
	return store_letter_remove_secret(txn, secret.id);
}

const struct store_call store_calls[] = {
#define STEP(name) { #name, name, store_update }
#define LOOK(name) { #name, name, store_view }
	STEP(secret_insert), LOOK(secret_find), LOOK(secret_find_receipt),
	STEP(secret_update), LOOK(record_read), STEP(record_erase),
	STEP(secret_remove), LOOK(secret_due), STEP(claim_put),
	LOOK(claim_find), LOOK(claim_last), STEP(claim_remove), STEP(room),
	LOOK(records), LOOK(quota_find), STEP(quota_add), STEP(quota_forget),
	STEP(clock_mark), STEP(clock_accept), LOOK(stats), LOOK(keys),
	LOOK(newest), LOOK(epoch_used), LOOK(copy), STEP(account_insert),
	LOOK(account_find),
	LOOK(account_find_name), LOOK(account_next), STEP(account_update),
	STEP(account_remove), STEP(api_key_insert), LOOK(api_key_find),
	LOOK(api_key_next), STEP(api_key_used), STEP(api_key_remove),
	STEP(api_key_remove_all), LOOK(view_each), STEP(view_insert),
	STEP(listing_insert), LOOK(listing_find), LOOK(listing_page),
	LOOK(listing_first),
	LOOK(listing_named), STEP(listing_forget), STEP(listing_remove),
	STEP(listing_purge), STEP(request_insert), LOOK(request_find),
	LOOK(request_page), LOOK(request_first), LOOK(request_due),
	STEP(request_expire), STEP(request_use), STEP(request_remove),
	STEP(letter_insert), LOOK(letter_due), LOOK(letter_next),
	STEP(letter_postpone), STEP(letter_remove),
	STEP(letter_remove_secret), { NULL, NULL, NULL },
};

static int
stop_view(int64_t at, const void *viewer, size_t size, void *argument)
{
	(void)at;
	(void)viewer;
	(void)size;
	++*(int *)argument;
	return -1;
}

static int
stop_request(const struct store_request *row, void *argument)
{
	(void)row;
	++*(int *)argument;
	return -1;
}

int
store_calls_stop(struct store_txn *txn, void *argument)
{
	int	*count = argument;

	*count = 0;
	/* Two of each, of which one is shown. */
	if (view_insert(txn) != 0 || request_insert(txn) != 0)
		return -1;
	return store_view_each(txn, secret.id, stop_view, count) == -1 &&
	    store_request_page(txn, account.id, 0, 10, stop_request, count) ==
	    -1 ? 0 : -1;
}

int
store_calls_stranger(struct store_txn *txn, void *argument)
{
	struct store_account row = account;

	(void)argument;
	row.id++;
	return store_account_update(txn, &row);
}

/* SPDX-License-Identifier: ISC */
/*
 * The keys of accounts: how they are written, made, and recognised in a
 * request.
 */
#include <string.h>
#include <strings.h>

#include "base/clock.h"
#include "core/account.h"
#include "core/site.h"
#include "crypto/token.h"

#define PRIVATE_PREFIX	"private_key_"
#define PUBLIC_PREFIX	"public_key_"
#define KEY_LENGTH	32	/* base62 characters behind the prefix */

#define DAY		86400000	/* ms */

_Static_assert(sizeof(PRIVATE_PREFIX) + KEY_LENGTH <= ACCOUNT_KEY_SIZE,
    "a key fits");

struct work {
	const char		*name;
	int64_t			 after;
	struct store_api_key	 key;
	bool			 found;
	enum account_outcome	 outcome;
};

static int
find_account(struct store_txn *txn, struct work *work)
{
	struct store_account	 account;
	int			 result;

	result = store_account_find_name(txn, work->name, &account);
	work->outcome = result == 0 ? ACCOUNT_OK : ACCOUNT_NOT_FOUND;
	if (result == 0)
		work->key.account = account.id;
	return result == -1 ? -1 : 0;
}

static int
add(struct store_txn *txn, void *argument)
{
	struct work	*work = argument;

	if (find_account(txn, work) == -1)
		return -1;
	if (work->outcome != ACCOUNT_OK)
		return 0;
	work->key.created_at = store_now(txn);
	return store_api_key_insert(txn, &work->key);
}

/* 32 characters of 190 bits: two tokens, each without its first six. */
static void
write_key(bool private, char text[ACCOUNT_KEY_SIZE])
{
	const char	*prefix = private ? PRIVATE_PREFIX : PUBLIC_PREFIX;
	uint8_t		 token[TOKEN_BYTES];
	char		 base62[TOKEN_BASE62_LENGTH + 1];
	size_t		 at = strlen(prefix);

	memcpy(text, prefix, at);
	for (int half = 0; half < 2; half++) {
		token_random(token);
		token_to_base62(token, base62);
		memcpy(text + at, base62 + TOKEN_BASE62_LENGTH -
		    KEY_LENGTH / 2, KEY_LENGTH / 2);
		at += KEY_LENGTH / 2;
	}
	text[at] = '\0';
	explicit_bzero(token, sizeof(token));
	explicit_bzero(base62, sizeof(base62));
}

int
account_key_add(struct site *site, const char *name, bool private,
    char text[ACCOUNT_KEY_SIZE], enum account_outcome *outcome)
{
	struct work	 work = { .name = name, .key.private = private };
	int		 result;

	write_key(private, text);
	seal_api_key(site->keyring, text, strlen(text), work.key.hash);
	result = store_update(site->store, add, &work);
	*outcome = work.outcome;
	return result;
}

static int
step(struct store_txn *txn, void *argument)
{
	struct work	*work = argument;
	int		 result;

	if (find_account(txn, work) == -1)
		return -1;
	if (work->outcome != ACCOUNT_OK)
		return 0;
	result = store_api_key_next(txn, work->key.account, work->after,
	    &work->key);
	if (result == 1)
		work->outcome = ACCOUNT_NO_KEY;
	return result == -1 ? -1 : 0;
}

int
account_key_next(struct site *site, const char *name, int64_t after,
    struct store_api_key *row, enum account_outcome *outcome)
{
	struct work	 work = { .name = name, .after = after };
	int		 result;

	result = store_view(site->store, step, &work);
	*row = work.key;
	*outcome = work.outcome;
	return result;
}

static int
revoke(struct store_txn *txn, void *argument)
{
	struct work	*work = argument;
	int		 result;

	if (find_account(txn, work) == -1)
		return -1;
	if (work->outcome != ACCOUNT_OK)
		return 0;
	result = store_api_key_remove(txn, work->key.account, work->key.id);
	if (result == 1)
		work->outcome = ACCOUNT_NO_KEY;
	return result == -1 ? -1 : 0;
}

int
account_key_revoke(struct site *site, const char *name, int64_t id,
    enum account_outcome *outcome)
{
	struct work	 work = { .name = name, .key.id = id };
	int		 result;

	result = store_update(site->store, revoke, &work);
	*outcome = work.outcome;
	return result;
}

/* The key behind the scheme, or NULL when it cannot be one. */
static const char *
key_of(const char *authorization)
{
	static const char *const schemes[] = { "ApiKey ", "Bearer " };
	const char	*key = NULL;

	for (size_t i = 0; i < sizeof(schemes) / sizeof(schemes[0]); i++)
		if (strncasecmp(authorization, schemes[i],
		    strlen(schemes[i])) == 0)
			key = authorization + strlen(schemes[i]);
	if (key == NULL)
		return NULL;
	key += strspn(key, " ");
	return strlen(key) < ACCOUNT_KEY_SIZE ? key : NULL;
}

static int
find_key(struct store_txn *txn, void *argument)
{
	struct work	*work = argument;
	uint8_t		 hash[STORE_HASHBYTES];
	int		 result;

	memcpy(hash, work->key.hash, sizeof(hash));
	result = store_api_key_find(txn, hash, &work->key);
	work->found = result == 0;
	return result == -1 ? -1 : 0;
}

static int
note_use(struct store_txn *txn, void *argument)
{
	const struct store_api_key *key = argument;

	return store_api_key_used(txn, key->id, store_now(txn) / DAY);
}

int
account_key_authenticate(struct site *site, const char *authorization,
    struct account_caller *caller)
{
	struct work	 work = { .name = NULL };
	const char	*key;
	int		 result;

	*caller = (struct account_caller){ .account = 0 };
	if (authorization == NULL || (key = key_of(authorization)) == NULL)
		return 0;
	seal_api_key(site->keyring, key, strlen(key), work.key.hash);
	result = store_view(site->store, find_key, &work);
	if (result != 0 || !work.found)
		return result;
	caller->account = work.key.account;
	caller->private = work.key.private;
	/* A day that cannot be noted keeps nobody out. */
	if (work.key.used_day != clock_wall() / DAY)
		(void)store_update(site->store, note_use, &work.key);
	return 0;
}

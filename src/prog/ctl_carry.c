/* SPDX-License-Identifier: ISC */
/*
 * Accounts out of a store and into another: how they are written in a backup.
 *
 *	[server]	key = HEX
 *	[accounts]	NAME = MADE ALLOWANCE REQUESTS MONTH USAGE USAGE
 *	[keys]		NUMBER = NAME KIND MADE DAY HASH
 */
#include <sys/stat.h>

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

#include "base/conf.h"
#include "core/account.h"
#include "core/site.h"
#include "prog/ctl.h"
#include "prog/ctl_carry.h"

#define SERVER_WORDS	"the server of a backup"

static void
name_server(const struct site *site, uint8_t server[CTL_CARRY_SERVERBYTES])
{
	uint8_t	 hash[STORE_HASHBYTES];

	seal_api_key(site->keyring, SERVER_WORDS, strlen(SERVER_WORDS), hash);
	memcpy(server, hash, CTL_CARRY_SERVERBYTES);
}

static void
print_hex(const uint8_t *bytes, size_t size, FILE *out)
{
	for (size_t i = 0; i < size; i++)
		fprintf(out, "%02x", bytes[i]);
	fputc('\n', out);
}

static int
read_hex(const char *text, uint8_t *bytes, size_t size)
{
	unsigned int	 byte;

	if (strlen(text) != 2 * size ||
	    strspn(text, "0123456789abcdef") != 2 * size)
		return -1;
	for (size_t i = 0; i < size; i++) {
		if (sscanf(text + 2 * i, "%2x", &byte) != 1)
			return -1;
		bytes[i] = (uint8_t)byte;
	}
	return 0;
}

/* Is there a database at all?  What cannot be looked at is there. */
static bool
has_database(const struct conf *conf)
{
	struct stat	 status;
	char		*path;
	bool		 absent;

	if (asprintf(&path, "%s/" STORE_DATABASE_NAME, conf->state_dir) == -1)
		return true;
	absent = lstat(path, &status) == -1 && errno == ENOENT;
	free(path);
	return !absent;
}

static int
print_accounts(struct site *site, FILE *out)
{
	struct store_account	 row = { .id = 0 };
	enum account_outcome	 outcome;
	int			 failure;

	while ((failure = account_next(site, row.id, &row, &outcome)) == 0 &&
	    outcome == ACCOUNT_OK)
		fprintf(out, "%s = %" PRId64 " %" PRId64 " %" PRId64 " %"
		    PRId64 " %" PRId64 " %" PRId64 "\n", row.name,
		    row.created_at, row.allowance, row.request_allowance,
		    row.month, row.usage, row.request_usage);
	return failure;
}

static int
print_keys_of(struct site *site, const char *name, FILE *out)
{
	struct store_api_key	 key = { .id = 0 };
	enum account_outcome	 outcome;
	int			 failure;

	while ((failure = account_key_next(site, name, key.id, &key,
	    &outcome)) == 0 && outcome == ACCOUNT_OK) {
		fprintf(out, "%" PRId64 " = %s %s %" PRId64 " %" PRId64 " ",
		    key.id, name, key.private ? "private" : "public",
		    key.created_at, key.used_day);
		print_hex(key.hash, sizeof(key.hash), out);
	}
	return failure;
}

static int
print_keys(struct site *site, FILE *out)
{
	struct store_account	 row = { .id = 0 };
	enum account_outcome	 outcome;
	int			 failure;

	while ((failure = account_next(site, row.id, &row, &outcome)) == 0 &&
	    outcome == ACCOUNT_OK)
		if ((failure = print_keys_of(site, row.name, out)) != 0)
			return failure;
	return failure;
}

int
ctl_carry_print(const struct conf *conf, FILE *out)
{
	struct store_account	 row;
	enum account_outcome	 outcome;
	struct site		 site;
	uint8_t			 server[CTL_CARRY_SERVERBYTES];
	int			 failure, result;

	if (!has_database(conf))
		return EX_OK;
	if ((result = ctl_open_site(&site, conf, SITE_SINGLE)) != EX_OK)
		return result;
	failure = account_next(&site, 0, &row, &outcome);
	if (failure == 0 && outcome == ACCOUNT_OK) {
		name_server(&site, server);
		fputs("\n[server]\nkey = ", out);
		print_hex(server, sizeof(server), out);
		fputs("\n[accounts]\n", out);
		failure = print_accounts(&site, out);
		fputs("\n[keys]\n", out);
		if (failure == 0)
			failure = print_keys(&site, out);
	}
	site_close(&site);
	return failure == 0 ? EX_OK : ctl_store_failed(failure);
}

bool
ctl_carry_is_section(const char *section)
{
	return strcmp(section, "server") == 0 ||
	    strcmp(section, "accounts") == 0 || strcmp(section, "keys") == 0;
}

/* Whole numbers with one blank between, and nothing else. */
static int
read_numbers(const char *text, int64_t *numbers, size_t count)
{
	char	*end;

	for (size_t i = 0; i < count; i++) {
		if (*text != '-' && (*text < '0' || *text > '9'))
			return -1;
		errno = 0;
		numbers[i] = strtoll(text, &end, 10);
		if (errno != 0 || end == text ||
		    *end != (i + 1 == count ? '\0' : ' '))
			return -1;
		text = end + 1;
	}
	return 0;
}

static size_t
find_account(const struct ctl_carry *carry, const char *name)
{
	size_t	 i = 0;

	while (i < carry->accounts_count &&
	    strcmp(carry->accounts[i].name, name) != 0)
		i++;
	return i;
}

static const char *
take_account(struct ctl_carry *carry, const char *name, const char *value)
{
	enum { MADE, ALLOWANCE, REQUESTS, MONTH, USAGE, REQUEST_USAGE, ALL };
	struct store_account	*row;
	int64_t			 numbers[ALL];

	if (!account_is_name(name))
		return "this is no name of an account";
	if (find_account(carry, name) < carry->accounts_count)
		return "this account is there twice";
	if (read_numbers(value, numbers, ALL) == -1 ||
	    numbers[ALLOWANCE] < STORE_UNLIMITED ||
	    numbers[REQUESTS] < STORE_UNLIMITED)
		return "this is no account";
	row = reallocarray(carry->accounts, carry->accounts_count + 1,
	    sizeof(*row));
	if (row == NULL)
		return "there is no memory";
	carry->accounts = row;
	row += carry->accounts_count++;
	*row = (struct store_account){
		.created_at = numbers[MADE],
		.allowance = numbers[ALLOWANCE],
		.request_allowance = numbers[REQUESTS],
		.month = numbers[MONTH], .usage = numbers[USAGE],
		.request_usage = numbers[REQUEST_USAGE],
	};
	memcpy(row->name, name, strlen(name));
	return NULL;
}

static const char *
take_key(struct ctl_carry *carry, const char *value)
{
	struct store_api_key	*row, key = { .id = 0 };
	char			 name[STORE_NAME_MAX + 1], kind[8];
	char			 hash[2 * STORE_HASHBYTES + 1], rest;

	if (sscanf(value, "%64s %7s %" SCNd64 " %" SCNd64 " %64s%c", name,
	    kind, &key.created_at, &key.used_day, hash, &rest) != 5 ||
	    (strcmp(kind, "private") != 0 && strcmp(kind, "public") != 0) ||
	    read_hex(hash, key.hash, sizeof(key.hash)) == -1)
		return "this is no key";
	key.private = strcmp(kind, "private") == 0;
	key.account = (int64_t)find_account(carry, name);
	if (key.account == (int64_t)carry->accounts_count)
		return "this key is of no account of the backup";
	row = reallocarray(carry->keys, carry->keys_count + 1, sizeof(*row));
	if (row == NULL)
		return "there is no memory";
	carry->keys = row;
	row[carry->keys_count++] = key;
	return NULL;
}

const char *
ctl_carry_take(struct ctl_carry *carry, const char *section, const char *name,
    const char *value)
{
	if (strcmp(section, "accounts") == 0)
		return take_account(carry, name, value);
	if (strcmp(section, "keys") == 0)
		return take_key(carry, value);
	if (strcmp(name, "key") != 0 ||
	    read_hex(value, carry->server, sizeof(carry->server)) == -1)
		return "this names no server";
	carry->has_server = true;
	return NULL;
}

static int
restore(struct ctl_carry *carry, struct site *site)
{
	enum account_outcome	 outcome;
	uint8_t			 server[CTL_CARRY_SERVERBYTES];
	size_t			 taken;
	int			 failure;

	name_server(site, server);
	if (!carry->has_server ||
	    memcmp(server, carry->server, sizeof(server)) != 0)
		return ctl_complain(EX_DATAERR, "the backup was made with "
		    "another key file, and no key of its accounts would be "
		    "known here: put that key file back first");
	failure = account_import(site, carry->accounts, carry->accounts_count,
	    carry->keys, carry->keys_count, &outcome, &taken);
	if (failure != 0)
		return ctl_store_failed(failure);
	if (outcome == ACCOUNT_EXISTS)
		return ctl_complain(EX_DATAERR, "there is an account `%s' "
		    "already; nothing was restored",
		    carry->accounts[taken].name);
	printf("made   %zu accounts, %zu keys\n", carry->accounts_count,
	    carry->keys_count);
	return EX_OK;
}

int
ctl_carry_restore(struct ctl_carry *carry, const struct conf *conf)
{
	struct site	 site;
	int		 result;

	if (carry->accounts_count == 0)
		return ctl_complain(EX_DATAERR, "there is no account in the "
		    "backup");
	if ((result = ctl_open_site(&site, conf, SITE_SINGLE)) != EX_OK)
		return result;
	result = restore(carry, &site);
	site_close(&site);
	return result;
}

void
ctl_carry_free(struct ctl_carry *carry)
{
	free(carry->accounts);
	free(carry->keys);
}

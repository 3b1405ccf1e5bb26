/* SPDX-License-Identifier: ISC */
/*
 * oncelinkctl account and key: how accounts and their keys are shown, and what
 * is said when there are none.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sysexits.h>

#include "base/conf_value.h"
#include "core/account.h"
#include "core/listing.h"
#include "core/site.h"
#include "prog/ctl.h"

#define UNLIMITED	"unlimited"
#define ALLOWANCE_MAX	1000000000000	/* a month; more is a mistake */

/* An exit status for what the rules returned; says what it means. */
static int
judge(const struct ctl_call *call, int failure, enum account_outcome outcome)
{
	const char	*name = call->operands[0];

	if (failure != 0)
		return ctl_store_failed(failure);
	switch (outcome) {
	case ACCOUNT_OK:
		return EX_OK;
	case ACCOUNT_NOT_FOUND:
		return ctl_complain(EX_DATAERR, "there is no account `%s'",
		    name);
	case ACCOUNT_EXISTS:
		return ctl_complain(EX_DATAERR, "there is an account `%s' "
		    "already", name);
	case ACCOUNT_BAD_NAME:
		return ctl_complain(EX_USAGE, "the name of an account is 1 to "
		    "%d letters, digits, `.', `_', `@' and `-', and does not "
		    "begin with `-'", STORE_NAME_MAX);
	case ACCOUNT_NO_KEY:
		return ctl_complain(EX_DATAERR, "the account `%s' has no key "
		    "of this number", name);
	}
	return EX_SOFTWARE;
}

/* The value of an option; leaves what is there when it was not given. */
static int
read_allowance(const struct ctl_call *call, enum ctl_option option,
    int64_t *allowance)
{
	const char	*text = call->options[option];
	int64_t		 number;

	if (text == NULL)
		return 0;
	if (strcmp(text, UNLIMITED) == 0) {
		*allowance = STORE_UNLIMITED;
		return 0;
	}
	if (conf_value_number(text, &number) && number <= ALLOWANCE_MAX) {
		*allowance = number;
		return 0;
	}
	ctl_complain(EX_USAGE, "an allowance is a whole number from 0 to %"
	    PRId64 ", or " UNLIMITED ", not `%s'", (int64_t)ALLOWANCE_MAX,
	    text);
	return -1;
}

#define DAY		INT64_C(86400000)	/* ms */
#define DAY_LENGTH	10	/* of a time, up to its T */

static void
format_allowance(int64_t allowance, char text[32])
{
	if (allowance == STORE_UNLIMITED)
		memcpy(text, UNLIMITED, sizeof(UNLIMITED));
	else
		snprintf(text, 32, "%" PRId64, allowance);
}

static int
add(struct site *site, const struct ctl_call *call)
{
	enum account_outcome	 outcome;
	int64_t			 secrets = STORE_UNLIMITED;
	int64_t			 requests = STORE_UNLIMITED;
	int			 failure;

	if (read_allowance(call, CTL_OPTION_ALLOWANCE, &secrets) == -1 ||
	    read_allowance(call, CTL_OPTION_REQUEST_ALLOWANCE, &requests) ==
	    -1)
		return EX_USAGE;
	failure = account_add(site, call->operands[0], secrets, requests,
	    &outcome);
	return judge(call, failure, outcome);
}

int
ctl_account_add(const struct ctl_call *call)
{
	return ctl_with_site(call, SITE_SINGLE, add);
}

static void
print_account(const struct store_account *row)
{
	char	 made[32], secrets[32], requests[32], both[80];

	ctl_time(row->created_at, made);
	format_allowance(row->allowance, secrets);
	format_allowance(row->request_allowance, requests);
	snprintf(both, sizeof(both), "%" PRId64 "/%s", row->usage, secrets);
	printf("%-24s %-21s %-16s %" PRId64 "/%s\n", row->name, made, both,
	    row->request_usage, requests);
}

static int
list(struct site *site, const struct ctl_call *call)
{
	struct store_account	 row = { .id = 0 };
	enum account_outcome	 outcome;
	int			 failure;

	printf("%-24s %-21s %-16s requests\n", "account", "made", "secrets");
	for (;;) {
		failure = account_next(site, row.id, &row, &outcome);
		if (failure != 0)
			return judge(call, failure, outcome);
		if (outcome == ACCOUNT_NOT_FOUND)
			return ctl_flush();
		print_account(&row);
	}
}

int
ctl_account_list(const struct ctl_call *call)
{
	return ctl_with_site(call, SITE_SINGLE, list);
}

/* How many keys the account has. */
static int
count_keys(struct site *site, const char *name, int64_t *count,
    enum account_outcome *outcome)
{
	struct store_api_key	 key = { .id = 0 };
	int			 failure;

	*count = 0;
	for (;;) {
		failure = account_key_next(site, name, key.id, &key, outcome);
		if (failure != 0 || *outcome != ACCOUNT_OK)
			break;
		(*count)++;
	}
	if (failure == 0 && *outcome == ACCOUNT_NO_KEY)
		*outcome = ACCOUNT_OK;
	return failure;
}

static int
show(struct site *site, const struct ctl_call *call)
{
	struct listing_totals	 totals;
	struct store_account	 row;
	enum account_outcome	 outcome;
	char			 made[32], secrets[32], requests[32];
	int64_t			 keys = 0;
	int			 failure;

	failure = account_find(site, call->operands[0], &row, &outcome);
	if (failure == 0 && outcome == ACCOUNT_OK)
		failure = listing_totals(site, row.id, &totals);
	if (failure == 0 && outcome == ACCOUNT_OK)
		failure = count_keys(site, row.name, &keys, &outcome);
	if (failure != 0 || outcome != ACCOUNT_OK)
		return judge(call, failure, outcome);
	ctl_time(row.created_at, made);
	format_allowance(row.allowance, secrets);
	format_allowance(row.request_allowance, requests);
	printf("name = %s\nmade = %s\nkeys = %" PRId64 "\n"
	    "secrets_listed = %" PRId64 "\n"
	    "secrets_this_month = %" PRId64 "\n"
	    "secrets_allowance = %s\n"
	    "requests_listed = %" PRId64 "\n"
	    "requests_this_month = %" PRId64 "\n"
	    "requests_allowance = %s\n",
	    row.name, made, keys, totals.total, row.usage, secrets,
	    totals.request_total, row.request_usage, requests);
	return ctl_flush();
}

int
ctl_account_show(const struct ctl_call *call)
{
	return ctl_with_site(call, SITE_SINGLE, show);
}

static int
set(struct site *site, const struct ctl_call *call)
{
	enum account_outcome	 outcome;
	int64_t			 secrets = 0, requests = 0;
	int			 failure;

	if (call->options[CTL_OPTION_ALLOWANCE] == NULL &&
	    call->options[CTL_OPTION_REQUEST_ALLOWANCE] == NULL)
		return ctl_complain(EX_USAGE, "nothing to set: --allowance or "
		    "--request-allowance");
	if (read_allowance(call, CTL_OPTION_ALLOWANCE, &secrets) == -1 ||
	    read_allowance(call, CTL_OPTION_REQUEST_ALLOWANCE, &requests) ==
	    -1)
		return EX_USAGE;
	failure = account_set(site, call->operands[0],
	    call->options[CTL_OPTION_ALLOWANCE] == NULL ? NULL : &secrets,
	    call->options[CTL_OPTION_REQUEST_ALLOWANCE] == NULL ? NULL :
	    &requests, &outcome);
	return judge(call, failure, outcome);
}

int
ctl_account_set(const struct ctl_call *call)
{
	return ctl_with_site(call, SITE_SINGLE, set);
}

static int
remove_account(struct site *site, const struct ctl_call *call)
{
	enum account_outcome	 outcome;
	int			 failure;

	failure = account_remove(site, call->operands[0], &outcome);
	return judge(call, failure, outcome);
}

/* In as many transactions as the sweeper would need. */
int
ctl_account_remove(const struct ctl_call *call)
{
	return ctl_with_site(call, SITE_SWEEPER, remove_account);
}

static int
key_add(struct site *site, const struct ctl_call *call)
{
	enum account_outcome	 outcome;
	const char		*kind = call->operands[1];
	char			 key[ACCOUNT_KEY_SIZE];
	int			 result;

	if (strcmp(kind, "private") != 0 && strcmp(kind, "public") != 0)
		return ctl_complain(EX_USAGE, "a key is private or public, "
		    "not `%s'", kind);
	result = account_key_add(site, call->operands[0],
	    strcmp(kind, "private") == 0, key, &outcome);
	result = judge(call, result, outcome);
	if (result == EX_OK) {
		puts(key);
		result = ctl_flush();
		if (result != EX_OK)
			ctl_complain(result, "the key was made, but nobody "
			    "saw it: revoke it");
	}
	explicit_bzero(key, sizeof(key));
	return result;
}

int
ctl_account_key_add(const struct ctl_call *call)
{
	return ctl_with_site(call, SITE_SINGLE, key_add);
}

static int
key_list(struct site *site, const struct ctl_call *call)
{
	struct store_api_key	 key = { .id = 0 };
	enum account_outcome	 outcome;
	char			 made[32], used[32];
	bool			 first = true;
	int			 failure;

	for (;; first = false) {
		failure = account_key_next(site, call->operands[0], key.id,
		    &key, &outcome);
		if (failure != 0 || outcome == ACCOUNT_NOT_FOUND)
			return judge(call, failure, outcome);
		if (first)
			printf("%-8s%-9s%-22slast used\n", "key", "kind",
			    "made");
		if (outcome == ACCOUNT_NO_KEY)
			return ctl_flush();
		ctl_time(key.created_at, made);
		if (key.used_day == 0)
			memcpy(used, "never", sizeof("never"));
		else
			ctl_time(key.used_day * DAY, used);
		printf("%-8" PRId64 "%-9s%-22s%.*s\n", key.id, key.private ?
		    "private" : "public", made, DAY_LENGTH, used);
	}
}

int
ctl_account_key_list(const struct ctl_call *call)
{
	return ctl_with_site(call, SITE_SINGLE, key_list);
}

static int
key_revoke(struct site *site, const struct ctl_call *call)
{
	enum account_outcome	 outcome;
	int64_t			 number;
	int			 failure;

	if (!conf_value_number(call->operands[1], &number))
		return ctl_complain(EX_USAGE, "`%s' is not the number of a "
		    "key (see " CTL_PROGRAM " key list)", call->operands[1]);
	failure = account_key_revoke(site, call->operands[0], number,
	    &outcome);
	return judge(call, failure, outcome);
}

int
ctl_account_key_revoke(const struct ctl_call *call)
{
	return ctl_with_site(call, SITE_SINGLE, key_revoke);
}

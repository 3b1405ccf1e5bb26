/* SPDX-License-Identifier: ISC */
/*
 * oncelinkctl mail: how the queue is shown, and what is said of a test.  Whom
 * a mail goes to and what is in it is nobody's business but theirs.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sysexits.h>

#include "base/address.h"
#include "base/complaint.h"
#include "base/conf.h"
#include "base/conf_value.h"
#include "core/account.h"
#include "core/mail.h"
#include "core/mail_round.h"
#include "core/site.h"
#include "prog/ctl.h"
#include "store/store.h"

static int
print_entry(struct site *site, const struct mail_entry *entry)
{
	struct store_account	 account;
	enum account_outcome	 outcome;
	char			 made[CTL_TIME_SIZE], next[CTL_TIME_SIZE];
	int			 failure;

	failure = account_next(site, entry->account - 1, &account, &outcome);
	if (failure == 0)
		printf("%" PRId64 "  %s  %s  made %s  tries %" PRIu32
		    "  next %s\n", entry->number, outcome == ACCOUNT_OK &&
		    account.id == entry->account ? account.name : "-",
		    entry->is_about_request ? "request" : "secret",
		    ctl_time(entry->created_at, made), entry->tries,
		    ctl_time(entry->due_at, next));
	return failure;
}

static int
list(struct site *site, const struct ctl_call *call)
{
	struct mail_entry	 entry = { .number = 0 };
	bool			 found;
	int			 failure;

	(void)call;
	do {
		failure = mail_next(site, entry.number, &entry, &found);
		if (failure == 0 && found)
			failure = print_entry(site, &entry);
	} while (failure == 0 && found);
	return failure != 0 ? ctl_store_failed(failure) : ctl_flush();
}

int
ctl_mail_list(const struct ctl_call *call)
{
	return ctl_with_site(call, SITE_SINGLE, list);
}

static int
change(struct site *site, const struct ctl_call *call,
    int (*act)(struct site *, int64_t, bool *))
{
	int64_t			 number;
	bool			 found;
	int			 failure;

	if (!conf_value_number(call->operands[0], &number))
		return ctl_complain(EX_USAGE, "`%s' is not the number of a "
		    "mail (see `mail list')", call->operands[0]);
	failure = act(site, number, &found);
	if (failure != 0)
		return ctl_store_failed(failure);
	return found ? EX_OK : ctl_complain(EX_DATAERR, "there is no mail "
	    "%" PRId64 " that waits", number);
}

static int
retry(struct site *site, const struct ctl_call *call)
{
	return change(site, call, mail_retry);
}

int
ctl_mail_retry(const struct ctl_call *call)
{
	return ctl_with_site(call, SITE_SINGLE, retry);
}

static int
drop(struct site *site, const struct ctl_call *call)
{
	return change(site, call, mail_drop);
}

int
ctl_mail_drop(const struct ctl_call *call)
{
	return ctl_with_site(call, SITE_SINGLE, drop);
}

static int
complain_of_sendmail(const struct conf *conf,
    enum mail_round_outcome outcome, const struct mail_round_reason *reason)
{
	int	 status = outcome == MAIL_ROUND_REFUSED ? EX_DATAERR :
		    EX_TEMPFAIL;

	if (strcmp(reason->what, "errno") == 0)
		return ctl_complain(status, "%s cannot be run: %s",
		    conf->sendmail, strerror(reason->number));
	if (strcmp(reason->what, "timeout") == 0)
		return ctl_complain(status, "%s took longer than "
		    "mail_timeout and was ended", conf->sendmail);
	return ctl_complain(status, "%s did not take the mail (%s %d); its "
	    "own log may say why", conf->sendmail, reason->what,
	    reason->number);
}

int
ctl_mail_test(const struct ctl_call *call)
{
	const char		*address = call->operands[0];
	enum mail_round_outcome	 outcome;
	struct mail_round_reason reason;
	struct complaint	 error;
	struct site		 site = { .conf = call->conf };

	if (!address_is_mail(address, strlen(address)))
		return ctl_complain(EX_USAGE, "`%s' is not one mail address",
		    address);
	/* The store is not needed. */
	outcome = mail_round_test(&site, address, &reason, &error);
	if (outcome == MAIL_ROUND_TAKEN) {
		printf("%s took a mail for %s\n", call->conf->sendmail,
		    address);
		return ctl_flush();
	}
	if (reason.what == NULL)
		return ctl_complain(EX_CONFIG, "%s", error.text);
	return complain_of_sendmail(call->conf, outcome, &reason);
}

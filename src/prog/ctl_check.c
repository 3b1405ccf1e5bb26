/* SPDX-License-Identifier: ISC */
/*
 * oncelinkctl check: the order in which a site is looked at, and the form of
 * what was found.
 */
#include "prog/ctl_check.h"

#include <stdarg.h>
#include <stdio.h>
#include <sysexits.h>

#include "base/arena.h"
#include "base/complaint.h"
#include "base/conf.h"
#include "core/site.h"
#include "prog/ctl.h"
#include "store/store.h"

#define SOMETHING_WRONG 1	/* sysexits.h has none for this */

static void print(const char *, const char *, const char *, va_list)
	    __attribute__((format(printf, 3, 0)));

static void
print(const char *severity, const char *what, const char *format,
    va_list arguments)
{
	printf("%-9s%s: ", severity, what);
	vprintf(format, arguments);
	putchar('\n');
	fflush(stdout);
}

void
ctl_check_good(struct ctl_check *check, const char *what, const char *format,
    ...)
{
	va_list	 arguments;

	(void)check;
	va_start(arguments, format);
	print("ok", what, format, arguments);
	va_end(arguments);
}

void
ctl_check_warn(struct ctl_check *check, const char *what, const char *format,
    ...)
{
	va_list	 arguments;

	check->warnings++;
	va_start(arguments, format);
	print("warning", what, format, arguments);
	va_end(arguments);
}

void
ctl_check_fail(struct ctl_check *check, const char *what, const char *format,
    ...)
{
	va_list	 arguments;

	check->errors++;
	va_start(arguments, format);
	print("error", what, format, arguments);
	va_end(arguments);
}

void
ctl_check_unknown(struct ctl_check *check, const char *what, const char *why)
{
	ctl_check_fail(check, what, "it could not be looked at: %s", why);
}

const char *
ctl_check_failure(int failure)
{
	switch (failure) {
	case STORE_BUSY:
		return "somebody else holds the write lock for longer than "
		    "lock_wait; run this again";
	case STORE_FULL:
		return "there is no room; raise max_store or max_secrets, or "
		    "free the disk";
	default:
		return "the lines before this one on standard error say how";
	}
}

void
ctl_check_duration(long long seconds, char text[CTL_CHECK_DURATION])
{
	static const struct {
		long long	 seconds;
		const char	*name;
	} units[] = {
		{ 86400, "days" }, { 3600, "hours" }, { 60, "minutes" },
		{ 1, "seconds" },
	};
	size_t	 i = 0;

	while (i < 3 && seconds < 2 * units[i].seconds)
		i++;
	snprintf(text, CTL_CHECK_DURATION, "%lld %s",
	    seconds / units[i].seconds, units[i].name);
}

int
ctl_check_run(const struct ctl_call *call)
{
	struct ctl_check check = {
		.call = call, .conf = call->conf,
		.conf_file = conf_place(call->file),
	};
	struct complaint error;
	struct site	 site;

	if ((check.arena = arena_create()) == NULL)
		return ctl_complain(EX_OSERR, "there is no memory");
	ctl_files_check(&check);
	if (site_open(&site, call->conf, SITE_SINGLE, &error) == 0) {
		check.site = &site;
		ctl_store_check(&check);
		arena_reset(check.arena);
		if (call->options[CTL_OPTION_URL] != NULL)
			ctl_site_check(&check);
		site_close(&site);
	} else
		ctl_check_fail(&check, "site", "it cannot be opened, and so "
		    "nothing more was looked at: %s", error.text);
	arena_destroy(check.arena);
	if (check.errors == 0 && check.warnings == 0)
		printf("nothing is wrong\n");
	else
		printf("errors: %u, warnings: %u\n", check.errors,
		    check.warnings);
	if (ctl_flush() != EX_OK)
		return EX_IOERR;
	return check.errors > 0 ? SOMETHING_WRONG : EX_OK;
}

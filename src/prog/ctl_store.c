/* SPDX-License-Identifier: ISC */
/*
 * What oncelinkctl check asks of the open store: whether it is whole, whether
 * the clock goes on from where it was, whether somebody sweeps, whether a key
 * is missed, and whether a secret can be made and read.
 */
#include <sys/random.h>

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/clock.h"
#include "base/conf.h"
#include "core/day.h"
#include "core/site.h"
#include "core/sweep.h"
#include "core/trial.h"
#include "prog/ctl.h"
#include "prog/ctl_check.h"
#include "store/store.h"

/* The largest database that is copied: half a second of reading at most, and
 * for so long erasing may wait. */
#define COPY_MAX	((int64_t)256 << 20)

/* 2025-01-01 and 2200-01-01, in ms. */
#define CLOCK_FIRST	((int64_t)1735689600 * 1000)
#define CLOCK_LAST	((int64_t)7258118400 * 1000)
#define CLOCK_SLACK	5000		/* ms */

/* Cron may sweep once a day. */
#define SWEPT_LATELY	((int64_t)25 * 3600 * 1000)	/* ms */

/* A quarter of what is free, so that nobody has to give memory up. */
static int64_t
copy_limit(void)
{
	long long	 kilobytes = 0;
	char		 line[128];
	FILE		*file;

	if ((file = fopen("/proc/meminfo", "re")) != NULL) {
		while (fgets(line, sizeof(line), file) != NULL &&
		    sscanf(line, "MemAvailable: %lld", &kilobytes) != 1)
			;
		fclose(file);
	}
	return kilobytes == 0 || kilobytes * 256 > COPY_MAX ? COPY_MAX :
	    kilobytes * 256;
}

struct taking {
	struct store_clock clock;
	int64_t		 limit;
	struct store_copy *copy;
	int64_t		 newest;	/* 0: there is no row */
	bool		 large;
};

static int
take_copy(struct store_txn *txn, void *argument)
{
	struct taking	*taking = argument;
	int		 result;

	result = store_copy(txn, taking->limit, &taking->copy);
	taking->large = result == 1;
	return result == -1 ? -1 : 0;
}

static int
find_newest(struct store_txn *txn, void *argument)
{
	struct taking	*taking = argument;

	taking->newest = 0;
	store_clock(txn, &taking->clock);
	return store_newest(txn, &taking->newest) == -1 ? -1 : 0;
}

static void
check_integrity(struct ctl_check *check)
{
	static const char what[] = "database";
	struct taking	 taking = { .limit = copy_limit() };
	char		 faults[512] = "";
	int		 failure;

	failure = store_view(check->site->store, take_copy, &taking);
	if (failure != 0) {
		ctl_check_fail(check, what, "it cannot be read: %s",
		    ctl_check_failure(failure));
		return;
	}
	if (taking.large) {
		ctl_check_good(check, what, "larger than %" PRId64 " MiB, and "
		    "so not looked through: that would hold up the erasing of "
		    "what is over", taking.limit >> 20);
		return;
	}
	switch (store_copy_examine(taking.copy, faults, sizeof(faults))) {
	case 0:
		ctl_check_good(check, what, "whole");
		break;
	case 1:
		ctl_check_fail(check, what, "it is damaged (%s); stop the "
		    "worker, keep the files, and start with a new database: "
		    "what is in this one may be lost", faults);
		break;
	default:
		ctl_check_unknown(check, what, "there is no memory");
		break;
	}
	store_copy_free(taking.copy);
}

/* May something be made by it? */
static bool
check_clock(struct ctl_check *check)
{
	static const char what[] = "clock";
	struct taking	 taking = { .newest = 0 };
	char		 ahead[CTL_CHECK_DURATION];
	int64_t		 now = clock_wall();
	int		 failure;

	if (now < CLOCK_FIRST || now > CLOCK_LAST) {
		ctl_check_fail(check, what, "it shows a year that cannot be; "
		    "set it, and have it set at boot (chrony, "
		    "systemd-timesyncd)");
		return true;
	}
	failure = store_view(check->site->store, find_newest, &taking);
	if (failure != 0) {
		ctl_check_unknown(check, what, ctl_check_failure(failure));
		return true;
	}
	if (store_clock_far(&taking.clock)) {
		ctl_check_duration((now - taking.clock.latest) / 1000, ahead);
		ctl_check_fail(check, what, "it is %s ahead of all that was "
		    "written, and so nothing is ended%s; set it, or run "
		    "\"oncelinkctl clock --accept\" when it is right", ahead,
		    store_clock_lost(&taking.clock) ?
		    " and nothing new is taken" : "");
	} else if (taking.clock.latest > now + CLOCK_SLACK) {
		ctl_check_duration((taking.clock.latest - now) / 1000, ahead);
		ctl_check_fail(check, what, "it is %s behind what was written "
		    "already, and until it is there again nothing gets older; "
		    "set it right, or run \"oncelinkctl clock --accept\" when "
		    "it is", ahead);
	} else if (taking.newest > now + CLOCK_SLACK) {
		ctl_check_duration((taking.newest - now) / 1000, ahead);
		ctl_check_fail(check, what, "the newest secret was made %s "
		    "from now: the clock went back, and secrets live longer "
		    "than they should by as much; set it right", ahead);
	} else
		ctl_check_good(check, what, "not before the newest secret");
	return !store_clock_lost(&taking.clock);
}

static void
check_sweeper(struct ctl_check *check)
{
	static const char what[] = "sweeper";
	static const char advice[] = "have cron run oncelink-sweep as this "
	    "user (conf/cron of the examples), or enable oncelink-sweep.timer";
	char		 ago[CTL_CHECK_DURATION];
	int64_t		 swept, overdue, now = clock_wall();
	int		 failure;

	failure = sweep_last(check->site, &swept, &overdue);
	if (failure != 0) {
		ctl_check_unknown(check, what, ctl_check_failure(failure));
		return;
	}
	if (overdue != 0 && now - overdue > SWEPT_LATELY) {
		ctl_check_duration((now - overdue) / 1000, ago);
		ctl_check_fail(check, what, "what was over %s ago is still on "
		    "the disk; %s", ago, advice);
		return;
	}
	if (swept == 0) {
		ctl_check_warn(check, what, "it has not run yet; %s", advice);
		return;
	}
	ctl_check_duration(now > swept ? (now - swept) / 1000 : 0, ago);
	if (now - swept > SWEPT_LATELY)
		ctl_check_fail(check, what, "it ran %s ago; what is over "
		    "stays on the disk until it runs; %s", ago, advice);
	else
		ctl_check_good(check, what, "it ran %s ago", ago);
}

static void
check_days(struct ctl_check *check)
{
	static const char what[] = "keys of days";
	struct day	 day = { .epoch = 0 };
	unsigned int	 count = 0;
	int		 failure;

	while ((failure = day_lost(check->site, &day)) == 0 && day.epoch != 0)
		count++;
	if (failure != 0)
		ctl_check_unknown(check, what, ctl_check_failure(failure));
	else if (count > 0)
		ctl_check_fail(check, what, "keys that are gone while secrets "
		    "wait for them, or damaged, or not readable: %u; nobody "
		    "can read those secrets, and nothing is taken that would "
		    "end on the same day; put the keys back, make them "
		    "readable, or run \"oncelinkctl day-keys --give-up\"",
		    count);
	else
		ctl_check_good(check, what, "none is missed");
}

/* One secret's life; false when it was said what went wrong. */
static bool
try_secret(struct ctl_check *check, const char *what, struct trial *trial)
{
	bool	 same = false, waits = true;
	int	 failure;

	failure = trial_create(check->site, check->arena, trial);
	if (failure != 0) {
		ctl_check_fail(check, what, "it cannot be made: %s",
		    ctl_check_failure(failure));
		return false;
	}
	failure = trial_read(check->site, check->arena, trial, &same);
	if (failure == 0 && same)
		failure = trial_waits(check->site, trial, &waits);
	trial_forget(check->site, trial->token);
	if (failure != 0)
		ctl_check_fail(check, what, "it cannot be read: %s",
		    ctl_check_failure(failure));
	else if (!same)
		ctl_check_fail(check, what, "what was read is not what was "
		    "written; stop the worker and keep the files");
	else if (waits)
		ctl_check_fail(check, what, "it can be read twice; stop the "
		    "worker and keep the files");
	return failure == 0 && same && !waits;
}

static void
check_secret(struct ctl_check *check)
{
	static const char what[] = "a secret";
	uint8_t		 payload[1024];
	uint8_t		 token[TOKEN_BYTES];
	char		 pin[TOKEN_HEX_LENGTH + 1];
	struct trial	 trials[] = {
		{ .kind = SECRET_V2, .payload = payload,
		    .payload_size = sizeof(payload) },
		{ .kind = SECRET_ONETIME, .pin = pin, .payload = payload,
		    .payload_size = sizeof(payload) },
	};
	bool		 good;

	if (getrandom(payload, sizeof(payload), 0) != sizeof(payload)) {
		ctl_check_unknown(check, what, "there are no random bytes");
		return;
	}
	token_random(token);
	token_to_hex(token, pin);
	good = try_secret(check, what, &trials[0]) &&
	    try_secret(check, "a secret with a PIN", &trials[1]);
	explicit_bzero(payload, sizeof(payload));
	explicit_bzero(token, sizeof(token));
	explicit_bzero(pin, sizeof(pin));
	explicit_bzero(trials, sizeof(trials));
	if (good)
		ctl_check_good(check, what, "made and read, once");
}

void
ctl_store_check(struct ctl_check *check)
{
	bool	 right;

	check_integrity(check);
	right = check_clock(check);
	check_sweeper(check);
	check_days(check);
	if (right)
		check_secret(check);
}

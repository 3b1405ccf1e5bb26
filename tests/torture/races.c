/* SPDX-License-Identifier: ISC */
/*
 * Races: threads, then processes, do everything at once to the same few
 * secrets and secret requests, beside a sweeper.  What each call was answered
 * must be what calls one at a time, in some order, would have been answered;
 * and of what failed since a sync did, nothing may have happened, neither then
 * nor for who finds the files after the process died.
 */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "../unit/sites.h"
#include "attack.h"
#include "base/arena.h"
#include "base/complaint.h"
#include "checker.h"
#include "contest.h"
#include "core/account.h"
#include "core/receipt.h"
#include "core/secret.h"
#include "core/secret_request.h"
#include "core/sweep.h"
#include "recorder.h"

#define THREADS		12	/* of one process */
#define PROCESSES	4
#define PROCESS_THREADS	3	/* of each of several */
#define ROUND_SECRETS	4000u	/* on one database */
#define CLAIM_TIME	((int64_t)3)	/* ms */
#define HOUR		((int64_t)3600 * 1000)
#define PAYLOAD		"{\"ciphertext\":\"c\",\"password_part_private\":\"p\"}"

/* What it is called, and how much slower it then is; a process that dies with
 * its threads, on files of a test, is nothing for ThreadSanitizer. */
#ifdef __SANITIZE_THREAD__
#define NAME		"races with ThreadSanitizer"
#define SLOWER		5
#else
#define NAME		"races"
#define SLOWER		1
#endif

/* Writing begins anew at each erasing. */
static const char settings[] = "erase_delay = 5ms\nmax_store = 4G\n";

/* Nothing is cut off before the process dies. */
static const char failing_settings[] = "erase_delay = 60s\nmax_store = 4G\n";
#define FAILING_PERCENT	30	/* of all syncs */
#define FAILING_SECRETS	10	/* of a round */
#define FAILURES	6	/* and it dies, more or less */

enum { IN_THREADS, IN_PROCESSES, FAILING, COUNTS, ROWS };

static const struct attack_row what_is_tried[ROWS] = {
	[IN_THREADS] = { "1, 2, 3, 8", "calls by threads, in an order that one"
	    " at a time could have", 0, 0 },
	[IN_PROCESSES] = { "1, 2, 3, 8", "calls by several processes, likewise",
	    0, 0 },
	[FAILING] = { "1, 2, 8", "calls while syncs fail and until the process"
	    " dies, likewise", 0, 0 },
	[COUNTS] = { "1", "secrets that requests were filled with, counted"
	    " afterwards", 0, 0 },
};

static struct attack_row *rows;

static const struct contest_rules rules = {
	.claim_time = CLAIM_TIME, .short_life = 15, .small = 40,
	.large = 100000, .pins = 20, .requests = 120, .claimless = true,
};

/* Who died did not say when its secrets are over. */
static const struct contest_rules failing_rules = {
	.claim_time = CLAIM_TIME, .small = 40, .large = 100000,
	.requests = 120, .claimless = true,
};

/* A site, and who is at it. */
struct race {
	struct sites	*sites;
	struct contest	*contest;
	int64_t		 account;
	uint64_t	 seed;
	unsigned int	 processes, threads;	/* threads of each */
	bool		 failing;	/* syncs do, and the process dies */
	struct attack_row *row;
};

struct racer {
	struct race	*race;
	struct site	*site;
	struct arena	*arena;
	uint64_t	 random;
	uint8_t		*payload;
	pthread_t	 thread;
};

/* The calls */

static uint8_t
outcome_of(enum secret_outcome outcome)
{
	switch (outcome) {
	case SECRET_OK:
		return CHECKER_OK;
	case SECRET_NOT_FOUND:
		return CHECKER_NOT_FOUND;
	case SECRET_OVER:
		return CHECKER_OVER;
	case SECRET_WRONG_PIN:
	case SECRET_NOW_LOCKED:
		return CHECKER_WRONG_PIN;
	case SECRET_PIN_REQUIRED:
		return CHECKER_PIN_REQUIRED;
	case SECRET_EXISTS:
		return CHECKER_EXISTS;
	default:
		return CHECKER_ODD;
	}
}

static int8_t
state_of(enum store_state state)
{
	switch (state) {
	case STORE_WAITING:
		return CHECKER_WAITING;
	case STORE_OPENED:
		return CHECKER_OPENED;
	case STORE_EXPIRED:
		return CHECKER_EXPIRED;
	case STORE_BURNED:
		return CHECKER_BURNED;
	case STORE_LOCKED:
		return CHECKER_LOCKED;
	default:
		return CHECKER_STATE__MAX;
	}
}

static void
note(struct checker_call *call, enum secret_outcome outcome,
    const struct secret_facts *facts)
{
	call->outcome = outcome_of(outcome);
	if (outcome == SECRET_NOT_FOUND)
		return;
	call->state = state_of(facts->state);
	call->views_left = (int8_t)facts->views_left;
	call->attempts_left = (int8_t)facts->attempts_left;
}

static void
prove(const struct contest_secret *secret, enum checker_proof how,
    struct secret_proof *proof)
{
	if (!secret->history.gated || how == CHECKER_NONE)
		return;
	if (!secret->pin) {
		proof->gate = how == CHECKER_RIGHT ? secret->gate :
		    secret->wrong;
		return;
	}
	proof->pin = how == CHECKER_RIGHT ? SITES_PIN : SITES_WRONG_PIN;
	proof->pin_length = strlen(proof->pin);
}

static int
create(struct racer *racer, struct contest_secret *secret,
    struct checker_call *call)
{
	struct secret_creation creation = {
		.token_given = true,
		.kind = secret->pin ? SECRET_SAFESECRETS : SECRET_V2,
		.receipt = secret->receipts[call->maker],
		.payload = racer->payload, .payload_size = secret->size,
		.lifetime = secret->lifetime, .views = secret->history.views,
		.attempts = secret->history.attempts,
	};
	int	 result;

	memcpy(creation.token, secret->token, sizeof(creation.token));
	contest_payload(secret, call->maker, racer->payload);
	prove(secret, CHECKER_RIGHT, &creation.proof);
	call->began = checker_now();
	result = secret_create(racer->site, racer->arena, &creation);
	call->outcome = outcome_of(creation.outcome);
	call->expires_at = creation.expires_at * 1000;
	return result;
}

static void
begin_reading(const struct contest_secret *secret,
    const struct checker_call *call, struct secret_reading *reading)
{
	*reading = (struct secret_reading){ .kinds = SECRET_KINDS_ALL };
	memcpy(reading->token, secret->token, sizeof(reading->token));
	if (call->claim != CHECKER_UNKNOWN)
		reading->proof.claim = secret->claims[call->claim];
}

static int
open_secret(struct racer *racer, struct contest_secret *secret,
    struct checker_call *call)
{
	struct secret_reading reading;
	int	 result, maker;

	begin_reading(secret, call, &reading);
	prove(secret, (enum checker_proof)call->proof, &reading.proof);
	result = secret_open(racer->site, racer->arena, &reading);
	if (result != 0)
		return result;
	note(call, reading.outcome, &reading.facts);
	if (reading.outcome != SECRET_OK)
		return reading.payload == NULL ? 0 : STORE_FAILED;
	maker = contest_maker(secret, reading.payload, reading.payload_size);
	call->maker = (uint8_t)maker;
	call->until = reading.claim_until * 1000;
	return 0;
}

static int
peek(struct racer *racer, struct contest_secret *secret,
    struct checker_call *call)
{
	struct secret_reading reading;
	int	 result;

	begin_reading(secret, call, &reading);
	result = secret_peek(racer->site, &reading);
	note(call, reading.outcome, &reading.facts);
	if (call->outcome == CHECKER_OK)
		call->claimed = reading.facts.claimed;
	return result;
}

static int
use_receipt(struct racer *racer, struct contest_secret *secret,
    struct checker_call *call)
{
	struct secret_facts facts = { .knocks = 0 };
	enum secret_outcome outcome;
	int	 result;

	result = (call->kind == CHECKER_BURN ? receipt_burn : receipt_peek)(
	    racer->site, secret->receipts[call->maker], &outcome, &facts);
	note(call, outcome, &facts);
	call->knocks = (int8_t)facts.knocks;
	return result;
}

static uint8_t
request_outcome_of(enum secret_request_outcome outcome)
{
	return outcome == SECRET_REQUEST_OK ? CHECKER_OK :
	    outcome == SECRET_REQUEST_NOT_FOUND ? CHECKER_NOT_FOUND :
	    CHECKER_ODD;
}

static int
fill(struct racer *racer, struct contest_secret *secret,
    struct checker_call *call)
{
	struct secret_request_filling filling = {
		.payload = PAYLOAD, .payload_size = strlen(PAYLOAD),
	};
	int	 result;

	memcpy(filling.token, secret->token, sizeof(filling.token));
	result = secret_request_fill(racer->site, racer->arena, &filling);
	call->outcome = request_outcome_of(filling.outcome);
	return result;
}

static int
look_at_request(struct racer *racer, struct contest_secret *secret,
    struct checker_call *call)
{
	struct secret_request_shown shown;
	int	 result;

	result = secret_request_peek(racer->site, racer->arena,
	    secret->token, &shown);
	call->outcome = request_outcome_of(shown.outcome);
	if (call->outcome == CHECKER_OK)
		call->views_left = (int8_t)shown.uses_left;
	return result;
}

static int
delete_request(struct racer *racer, struct contest_secret *secret,
    struct checker_call *call)
{
	enum secret_request_outcome outcome;
	int	 result;

	result = secret_request_delete(racer->site, racer->race->account,
	    secret->token, &outcome);
	call->outcome = request_outcome_of(outcome);
	return result;
}

static int
perform(struct racer *racer, struct contest_secret *secret,
    struct checker_call *call)
{
	switch ((enum checker_kind)call->kind) {
	case CHECKER_CREATE:
		return create(racer, secret, call);
	case CHECKER_OPEN:
		return open_secret(racer, secret, call);
	case CHECKER_PEEK:
		return peek(racer, secret, call);
	case CHECKER_ACK:
		return secret_ack(racer->site, secret->token,
		    secret->claims[call->claim]);
	case CHECKER_KNOCK:
		return receipt_knock(racer->site, secret->token);
	case CHECKER_RECEIPT:
	case CHECKER_BURN:
		return use_receipt(racer, secret, call);
	case CHECKER_FILL:
		return fill(racer, secret, call);
	case CHECKER_REQUEST:
		return look_at_request(racer, secret, call);
	case CHECKER_DELETE:
		return delete_request(racer, secret, call);
	default:
		return STORE_FAILED;
	}
}

/* Who calls */

static void *
run(void *argument)
{
	struct racer	*racer = argument;
	struct contest_secret *secret;
	struct checker_call *call;
	int		 result;

	while ((call = contest_next(racer->race->contest, &racer->random,
	    &secret)) != NULL) {
		result = perform(racer, secret, call);
		contest_answered(call, result == 0 ? CHECKER_ANSWERED :
		    CHECKER_REFUSED);
		/* Nothing happened, and nobody may write over it any more. */
		if (result != 0 && racer->race->failing &&
		    contest_random(&racer->random) % FAILURES == 0)
			_exit(0);
		if (result != 0 && !racer->race->failing)
			attack_broke(racer->race->row,
			    "a call of kind %d fails: %d", (int)call->kind,
			    result);
		arena_reset(racer->arena);
	}
	return NULL;
}

/* Until the contest is over. */
static void *
sweep(void *argument)
{
	struct racer	*racer = argument;
	struct contest	*contest = racer->race->contest;
	struct sweep_result result;

	while (__atomic_load_n(&contest->oldest, __ATOMIC_RELAXED) <
	    contest->count) {
		if (contest_random(&racer->random) % 4 == 0)
			(void)store_checkpoint(racer->site->store);
		else if (sweep_run(racer->site, &result) != 0)
			attack_broke(racer->race->row, "a sweep fails");
		(void)nanosleep(&(struct timespec){ .tv_nsec = (long)(
		    contest_random(&racer->random) % 10000000) }, NULL);
	}
	return NULL;
}

static void
begin_racer(struct racer *racer, struct race *race, struct site *site,
    void *(*what)(void *), uint64_t random)
{
	*racer = (struct racer){
		.race = race, .site = site, .arena = arena_create(),
		.random = random, .payload = malloc(rules.large),
	};
	assert_non_null(racer->arena);
	assert_non_null(racer->payload);
	assert_int_equal(pthread_create(&racer->thread, NULL, what, racer),
	    0);
}

static void
end_racer(struct racer *racer)
{
	assert_int_equal(pthread_join(racer->thread, NULL), 0);
	arena_destroy(racer->arena);
	free(racer->payload);
}

/* One process: the first of several sweeps as well, and the last is one that
 * has one call after the other, as CGI. */
static void
take_part(unsigned int number, void *argument)
{
	struct race	*race = argument;
	bool		 single = number > 0 && number + 1 == race->processes;
	unsigned int	 threads = single ? 1 : race->threads;
	struct racer	 racers[THREADS + 1];
	struct complaint error;
	struct site	 site;
	struct recorder	 recorder;
	uint64_t	 random = race->seed + number;
	bool		 sweeps = number == 0 && !race->failing;

	if (race->failing)
		recorder_start(&recorder, race->sites->conf.state_dir, 100);
	if (site_open(&site, &race->sites->conf, single ? SITE_SINGLE :
	    SITE_THREADS, &error) == -1)
		fail_msg("%s", error.text);
	if (race->failing)
		recorder.sync_fails = FAILING_PERCENT;
	if (!single)
		assert_int_equal(site_start(&site), 0);
	for (unsigned int i = 0; i < threads; i++)
		begin_racer(&racers[i], race, &site, run,
		    contest_random(&random));
	if (sweeps)
		begin_racer(&racers[threads], race, &site, sweep,
		    contest_random(&random));
	for (unsigned int i = 0; i < threads + sweeps; i++)
		end_racer(&racers[i]);
	if (!race->failing)
		site_close(&site);
}

/* Beginning and end */

static void
make_request(struct race *race, struct contest_secret *secret)
{
	struct sites	*sites = race->sites;
	struct secret_request_creation creation = {
		.account = race->account, .lifetime = HOUR,
		.request = {
			.hours = 1, .limit = secret->history.views,
			.secret_views = 1,
			.secret_hours = SECRET_REQUEST_NO_HOURS,
		},
	};
	struct secret_request_shown shown;

	assert_int_equal(secret_request_create(&sites->site, sites->arena,
	    &creation), 0);
	assert_int_equal(creation.outcome, SECRET_REQUEST_OK);
	memcpy(secret->token, creation.token, sizeof(secret->token));
	assert_int_equal(secret_request_peek(&sites->site, sites->arena,
	    secret->token, &shown), 0);
	secret->history.expires_at = shown.expires_at * 1000;
	arena_reset(sites->arena);
}

/* The account has as many secrets as were taken for it. */
static void
count_filled(struct race *race)
{
	unsigned long	 filled = 0, listed;
	enum account_outcome outcome;
	struct store_account account;

	for (size_t i = 0; i < race->contest->count; i++) {
		struct checker_history *history =
		    &race->contest->secrets[i].history;

		for (unsigned int j = 0; j < history->count; j++)
			filled += history->calls[j].kind == CHECKER_FILL &&
			    history->calls[j].answer == CHECKER_ANSWERED &&
			    history->calls[j].outcome == CHECKER_OK;
	}
	assert_int_equal(account_find(&race->sites->site, "team", &account,
	    &outcome), 0);
	listed = (unsigned long)account.listed;
	rows[COUNTS].tried += filled;
	if (listed != filled || account.usage != (int64_t)filled)
		attack_broke(&rows[COUNTS], "%lu were filled, %lu are there, "
		    "%lu were counted", filled, listed,
		    (unsigned long)account.usage);
	if (sites_miscounts(race->sites) != 0)
		attack_broke(&rows[COUNTS], "the account's numbers are off");
}

/* What the next process finds, which was not there. */
static void
look_at_all(struct race *race)
{
	struct racer	 racer = {
		.race = race, .site = &race->sites->site,
		.arena = race->sites->arena,
	};

	for (size_t i = 0; i < race->contest->count; i++) {
		struct contest_secret *secret = &race->contest->secrets[i];
		struct checker_call *call;

		contest_died(secret);
		call = contest_look(secret, secret->history.request ?
		    CHECKER_REQUEST : CHECKER_RECEIPT);
		assert_int_equal(perform(&racer, secret, call), 0);
		contest_answered(call, CHECKER_ANSWERED);
		if (!secret->history.request) {
			call = contest_look(secret, CHECKER_OPEN);
			assert_int_equal(perform(&racer, secret, call), 0);
			contest_answered(call, CHECKER_ANSWERED);
		}
		arena_reset(racer.arena);
	}
}

static void
hold(struct attack_row *row, unsigned int processes, unsigned int threads,
    size_t secrets, uint64_t *random)
{
	struct race	 race = {
		.processes = processes, .threads = threads, .row = row,
		.seed = contest_random(random),
		.failing = row == &rows[FAILING],
	};
	const char	*set = race.failing ? failing_settings : settings;
	enum account_outcome outcome;
	struct store_account account;

	race.contest = contest_begin(race.failing ? &failing_rules : &rules,
	    secrets, random);
	race.sites = sites_open(set, SITE_THREADS);
	assert_int_equal(account_add(&race.sites->site, "team",
	    STORE_UNLIMITED, STORE_UNLIMITED, &outcome), 0);
	assert_int_equal(account_find(&race.sites->site, "team", &account,
	    &outcome), 0);
	race.account = account.id;
	for (size_t i = 0; i < secrets; i++)
		if (race.contest->secrets[i].history.request)
			make_request(&race, &race.contest->secrets[i]);
	site_close(&race.sites->site);
	race.sites->conf.claim_time = CLAIM_TIME;
	attack_share(processes, take_part, &race);
	sites_restart(race.sites, set);
	race.sites->conf.claim_time = CLAIM_TIME;
	if (race.failing)
		look_at_all(&race);
	contest_judge(race.contest, row);
	if (!race.failing)
		count_filled(&race);
	sites_close(race.sites);
	contest_end(race.contest);
}

int
main(void)
{
	size_t		 secrets, round;
	uint64_t	 random;

	attack_begin(NAME);
	/* What a sync costs is not what is in question. */
	if (getenv("TMPDIR") == NULL && access("/dev/shm", W_OK) == 0)
		(void)setenv("TMPDIR", "/dev/shm", 1);
	if (SLOWER == 1)
		recorder_register();
	random = attack_seed();
	secrets = attack_size(400, 16000, 160000) / SLOWER;
	rows = attack_rows(what_is_tried, ROWS);
	for (; secrets > 0; secrets -= round) {
		round = secrets < ROUND_SECRETS ? secrets : ROUND_SECRETS;
		hold(&rows[IN_THREADS], 1, THREADS, round, &random);
		hold(&rows[IN_PROCESSES], PROCESSES, PROCESS_THREADS, round,
		    &random);
	}
	for (unsigned long i = SLOWER > 1 ? 0 :
	    attack_size(24, 1000, 10000); i > 0; i--)
		hold(&rows[FAILING], 1, THREADS, FAILING_SECRETS, &random);
	for (int i = 0; i < ROWS; i++)
		if (i != FAILING || SLOWER == 1)
			attack_row(&rows[i]);
	return attack_end();
}

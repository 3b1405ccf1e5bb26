/* SPDX-License-Identifier: ISC */
/*
 * What people want of secrets that others want at the same time.
 */
#include "contest.h"

#include <sys/mman.h>

#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "attack.h"

/* So many secrets are wanted at a time. */
#define WINDOW		5

/* Calls of a secret that chance makes; what is left is for asking again. */
#define CALLS		40
_Static_assert(CALLS < CHECKER_CALLS, "some are left");

#define HOUR		((int64_t)3600 * 1000)
#define BYTES_A_SECOND	8192	/* of payload, for which claims live longer */

uint64_t
contest_random(uint64_t *state)
{
	uint64_t	 value;

	*state += 0x9e3779b97f4a7c15u;
	value = *state;
	value = (value ^ value >> 30) * 0xbf58476d1ce4e5b9u;
	value = (value ^ value >> 27) * 0x94d049bb133111ebu;
	return value ^ value >> 31;
}

static unsigned int
chance(uint64_t *random, unsigned int below)
{
	return (unsigned int)(contest_random(random) % below);
}

static void
fill(uint64_t *random, void *memory, size_t size)
{
	uint8_t	*bytes = memory;

	for (size_t i = 0; i < size; i++)
		bytes[i] = (uint8_t)contest_random(random);
}

static void
draw(const struct contest_rules *rules, uint64_t *random,
    struct contest_secret *secret)
{
	struct checker_history *history = &secret->history;
	size_t	 most = rules->small;

	fill(random, secret->token, sizeof(secret->token));
	fill(random, secret->receipts, sizeof(secret->receipts));
	fill(random, secret->claims, sizeof(secret->claims));
	fill(random, secret->gate, sizeof(secret->gate));
	fill(random, secret->wrong, sizeof(secret->wrong));
	if (chance(random, 4) == 0)
		most = rules->large;
	secret->size = most - chance(random, (unsigned int)most / 2);
	if (secret->size < CONTEST_SIZE_MIN)
		secret->size = CONTEST_SIZE_MIN;
	secret->lifetime = HOUR;
	if (rules->short_life > 0 && chance(random, 4) == 0)
		secret->lifetime = 1 + chance(random,
		    (unsigned int)rules->short_life);
	history->request = chance(random, 1000) < rules->requests;
	history->expires_at = CHECKER_NEVER;
	secret->pin = chance(random, 1000) < rules->pins;
	secret->guessed = chance(random, 5) == 0;
	history->gated = secret->pin || secret->guessed ||
	    chance(random, 2) == 0;
	history->views = 1;
	if (chance(random, 2) == 0)
		history->views = (uint8_t)(2 + chance(random, 3));
	history->attempts = (uint8_t)(1 + chance(random, 5));
	history->resolution = rules->resolution;
	history->claim_time = rules->claim_time * 1000 +
	    (int64_t)secret->size * 1000 / BYTES_A_SECOND * 1000;
	history->count = CHECKER_CALLS;
}

struct contest *
contest_begin(const struct contest_rules *rules, size_t count,
    uint64_t *random)
{
	struct contest	*contest;
	size_t		 size = sizeof(*contest) +
			    count * sizeof(struct contest_secret);

	contest = mmap(NULL, size, PROT_READ | PROT_WRITE,
	    MAP_SHARED | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (contest == MAP_FAILED) {
		perror("contest: mmap");
		exit(2);
	}
	contest->rules = rules;
	contest->count = count;
	contest->secrets = (struct contest_secret *)(contest + 1);
	for (size_t i = 0; i < count; i++)
		draw(rules, random, &contest->secrets[i]);
	/* The clock of all processes begins here. */
	(void)checker_now();
	return contest;
}

void
contest_end(struct contest *contest)
{
	(void)munmap(contest, sizeof(*contest) +
	    contest->count * sizeof(struct contest_secret));
}

/* What people do, of a hundred. */
struct habit {
	enum checker_kind kind;
	unsigned int	 share;
};

static enum checker_kind
draw_kind(bool request, uint64_t *random)
{
	static const struct habit requests[] = {
		{ CHECKER_FILL, 50 }, { CHECKER_REQUEST, 46 },
		{ CHECKER_DELETE, 4 },
	};
	static const struct habit secrets[] = {
		{ CHECKER_OPEN, 50 }, { CHECKER_CREATE, 10 },
		{ CHECKER_PEEK, 11 }, { CHECKER_ACK, 12 },
		{ CHECKER_RECEIPT, 11 }, { CHECKER_KNOCK, 3 },
		{ CHECKER_BURN, 3 },
	};
	const struct habit *habit = request ? requests : secrets;
	unsigned int	 left = chance(random, 100);

	for (; left >= habit->share; habit++)
		left -= habit->share;
	return habit->kind;
}

static uint8_t
draw_proof(const struct contest_secret *secret, uint64_t *random)
{
	if (chance(random, 16) == 0)
		return CHECKER_NONE;
	return chance(random, 10) < (secret->guessed ? 8u : 3u) ?
	    CHECKER_WRONG : CHECKER_RIGHT;
}

static void
draw_call(const struct contest *contest, struct contest_secret *secret,
    unsigned int number, uint64_t *random, struct checker_call *call)
{
	call->kind = CHECKER_CREATE;
	if (secret->history.request || number > 2 || chance(random, 8) == 0)
		call->kind = (uint8_t)draw_kind(secret->history.request,
		    random);
	/* The second one who uses an id comes too late, mostly. */
	call->maker = chance(random, 8) == 0;
	call->claim = (int8_t)chance(random, CHECKER_CLAIMS);
	if (call->kind == CHECKER_OPEN) {
		if (contest->rules->claimless && chance(random, 8) == 0)
			call->claim = CHECKER_UNKNOWN;
		if (secret->history.gated)
			call->proof = draw_proof(secret, random);
	}
	if (call->kind == CHECKER_PEEK && chance(random, 2) == 0)
		call->claim = CHECKER_UNKNOWN;
}

static void
begin(struct checker_call *call)
{
	call->state = call->views_left = call->attempts_left =
	    call->claimed = call->knocks = CHECKER_UNKNOWN;
	call->answer = CHECKER_BEGUN;
	call->outcome = CHECKER_ODD;
	call->until = call->expires_at = 0;
	call->began = checker_now();
}

/* One of those that nobody called yet, of the first so many; or NULL. */
static struct checker_call *
reserve(struct contest_secret *secret, unsigned int below)
{
	unsigned int	 number = __atomic_load_n(&secret->asked,
			    __ATOMIC_RELAXED);

	while (number < below)
		if (__atomic_compare_exchange_n(&secret->asked, &number,
		    number + 1, false, __ATOMIC_RELAXED, __ATOMIC_RELAXED))
			return &secret->history.calls[number];
	return NULL;
}

/* Now and then somebody thinks first. */
static void
dawdle(uint64_t *random)
{
	unsigned int	 what = chance(random, 16);

	if (what < 4)
		(void)sched_yield();
	else if (what == 4)
		(void)nanosleep(&(struct timespec){
			.tv_nsec = 1000 * (long)chance(random, 3000) }, NULL);
}

struct checker_call *
contest_next(struct contest *contest, uint64_t *random,
    struct contest_secret **secret)
{
	struct checker_call *call;
	size_t		 oldest, number;

	dawdle(random);
	while (__atomic_load_n(&contest->calm, __ATOMIC_RELAXED) == 0) {
		oldest = __atomic_load_n(&contest->oldest, __ATOMIC_RELAXED);
		if (oldest >= contest->count)
			break;
		number = oldest + chance(random, WINDOW);
		if (number >= contest->count)
			number = oldest;
		*secret = &contest->secrets[number];
		call = reserve(*secret, CALLS);
		if (call != NULL) {
			draw_call(contest, *secret, (unsigned int)(call -
			    (*secret)->history.calls), random, call);
			begin(call);
			return call;
		}
		if (number == oldest)
			(void)__atomic_compare_exchange_n(&contest->oldest,
			    &oldest, oldest + 1, false, __ATOMIC_RELAXED,
			    __ATOMIC_RELAXED);
	}
	return NULL;
}

struct checker_call *
contest_again(struct contest_secret *secret, const struct checker_call *call)
{
	struct checker_call *again = reserve(secret, CHECKER_CALLS - 2);

	if (again != NULL) {
		again->kind = call->kind;
		again->proof = call->proof;
		again->claim = call->claim;
		again->maker = call->maker;
		begin(again);
	}
	return again;
}

struct checker_call *
contest_look(struct contest_secret *secret, enum checker_kind kind)
{
	struct checker_call *call = reserve(secret, CHECKER_CALLS);

	if (call != NULL) {
		call->kind = (uint8_t)kind;
		call->proof = CHECKER_RIGHT;
		begin(call);
	}
	return call;
}

void
contest_answered(struct checker_call *call, enum checker_answer answer)
{
	call->ended = checker_now();
	call->answer = (uint8_t)answer;
}

void
contest_died(struct contest_secret *secret)
{
	for (unsigned int i = 0; i < secret->asked; i++) {
		struct checker_call *call = &secret->history.calls[i];

		if (call->answer == CHECKER_BEGUN && call->began != 0)
			contest_answered(call, CHECKER_LOST);
	}
}

void
contest_stop(struct contest *contest)
{
	__atomic_store_n(&contest->calm, 1, __ATOMIC_RELAXED);
}

/* Anybody can tell from the first bytes on whose it is. */
static uint8_t
byte_at(const struct contest_secret *secret, unsigned int maker, size_t i)
{
	return (uint8_t)(secret->gate[i % CONTEST_GATE] + i / CONTEST_GATE +
	    101 * maker);
}

void
contest_payload(const struct contest_secret *secret, unsigned int maker,
    uint8_t *payload)
{
	for (size_t i = 0; i < secret->size; i++)
		payload[i] = byte_at(secret, maker, i);
}

int
contest_maker(const struct contest_secret *secret, const uint8_t *payload,
    size_t size)
{
	size_t	 i;

	if (size != secret->size)
		return -1;
	for (unsigned int maker = 0; maker < CONTEST_MAKERS; maker++) {
		for (i = 0; i < size; i++)
			if (payload[i] != byte_at(secret, maker, i))
				break;
		if (i == size)
			return (int)maker;
	}
	return -1;
}

void
contest_judge(struct contest *contest, struct attack_row *row)
{
	for (size_t i = 0; i < contest->count; i++) {
		struct contest_secret *secret = &contest->secrets[i];

		if (secret->asked == 0)
			continue;
		secret->history.count = secret->asked;
		checker_judge(&secret->history, row, (unsigned long)i);
	}
}

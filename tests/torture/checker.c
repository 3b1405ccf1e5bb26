/* SPDX-License-Identifier: ISC */
/*
 * One secret, or one secret request, as it is promised to those who ask one at
 * a time.  What time the program saw during a call nobody else knows: it may
 * be over for one call and not yet for another that overlaps it, but never for
 * one that began when another that found it over had ended.
 */
#include "checker.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

#include "attack.h"
#include "linearize.h"

/* How far the program's clock and ours may be apart, in microseconds. */
#define SLACK		1000

/* What only the program knows: found the secret, the claim over? */
#define PAST		1u
#define CLAIM_PAST	2u
#define CHOICES		4u

struct state {
	int64_t		 until[CHECKER_CLAIMS]; /* 0: no such claim; below it:
						   of that lost call, less 1 */
	uint8_t		 maker;		/* whose it is, from 1; 0: none */
	uint8_t		 state;
	uint8_t		 views_left;	/* of a request: uses */
	uint8_t		 attempts_left;
	uint8_t		 knocks;
	uint8_t		 rest[3];
};
_Static_assert(sizeof(struct state) <= LINEARIZE_STATE, "as much as there is");

/* A history, and what is known of all of it. */
struct view {
	const struct checker_history *history;
	const struct checker_call *calls[CHECKER_CALLS];	/* that count */
	int64_t		 expires_at;	/* or NEVER */
};

/* When something may be over at the earliest and at the latest. */
struct moment {
	int64_t		 earliest, latest;
};

static int64_t
read_clock(clockid_t id)
{
	struct timespec	 now;

	(void)clock_gettime(id, &now);
	return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

/* What people call the time is so much more. */
static int64_t
measure_difference(void)
{
	int64_t	 before, wall, after, best = INT64_MAX, difference = 0;

	for (int i = 0; i < 100; i++) {
		before = read_clock(CLOCK_MONOTONIC);
		wall = read_clock(CLOCK_REALTIME);
		after = read_clock(CLOCK_MONOTONIC);
		/* Nobody came in between. */
		if (after - before < best) {
			best = after - before;
			difference = wall - before;
		}
	}
	return difference;
}

int64_t
checker_now(void)
{
	static int64_t	 difference;

	if (__atomic_load_n(&difference, __ATOMIC_RELAXED) == 0)
		__atomic_store_n(&difference, measure_difference(),
		    __ATOMIC_RELAXED);
	return read_clock(CLOCK_MONOTONIC) +
	    __atomic_load_n(&difference, __ATOMIC_RELAXED);
}

/* Could it be over, as `past` says, to this call? */
static bool
could_be(const struct checker_call *call, const struct moment *moment,
    bool past)
{
	return past ? call->ended + SLACK >= moment->earliest :
	    call->began - SLACK < moment->latest;
}

static struct moment
moment_of(const struct view *view, int64_t told)
{
	return (struct moment){ told, told == CHECKER_NEVER ? told :
	    told + view->history->resolution };
}

/* When a claim ends that was got by this call. */
static struct moment
claim_moment(const struct view *view, const struct checker_call *call)
{
	struct moment	 end, moment = {
		call->began + view->history->claim_time,
		call->ended + view->history->claim_time,
	};

	end = moment_of(view, view->expires_at);
	if (moment.earliest > end.earliest)
		moment.earliest = end.earliest;
	if (moment.latest > end.latest)
		moment.latest = end.latest;
	return moment;
}

static struct moment
until_moment(const struct view *view, int64_t until)
{
	return until > 0 ? moment_of(view, until) :
	    claim_moment(view, view->calls[-until - 1]);
}

static bool
is(int8_t told, unsigned int value)
{
	return told == CHECKER_UNKNOWN || (unsigned int)told == value;
}

/* Is this what was answered, of a secret in this state? */
static bool
says(const struct checker_call *call, enum checker_outcome outcome,
    const struct state *state, bool past)
{
	bool	 expired = past && state->views_left > 0;

	return call->answer == CHECKER_LOST || (call->outcome == outcome &&
	    (outcome == CHECKER_NOT_FOUND || (
	    is(call->state, expired ? CHECKER_EXPIRED : state->state) &&
	    is(call->views_left, expired ? 0 : state->views_left) &&
	    is(call->attempts_left, state->attempts_left) &&
	    is(call->knocks, state->knocks))));
}

static bool
create(struct state *state, const struct view *view,
    const struct checker_call *call, bool past)
{
	if (state->maker == 0) {
		state->maker = (uint8_t)(call->maker + 1);
		state->state = CHECKER_WAITING;
		state->views_left = view->history->views;
		state->attempts_left = view->history->attempts;
	} else if (past || state->views_left == 0 ||
	    state->maker != call->maker + 1)
		return says(call, CHECKER_EXISTS, state, past);
	/* Said again it has the time of the first. */
	return says(call, CHECKER_OK, state, past) &&
	    (call->answer == CHECKER_LOST ||
	    call->expires_at == view->expires_at);
}

/* The claim of this call, if it has one that was given out. */
static bool
has_claim(const struct state *state, const struct checker_call *call)
{
	return call->claim != CHECKER_UNKNOWN &&
	    state->until[call->claim] != 0;
}

/* Asked again with a claim: its end is what it was. */
static bool
open_again(struct state *state, const struct view *view,
    const struct checker_call *call)
{
	int64_t		*until = &state->until[call->claim];
	struct moment	 told = moment_of(view, call->until);
	struct moment	 end = until_moment(view, *until);

	if (call->answer == CHECKER_LOST)
		return true;
	if (!says(call, CHECKER_OK, state, false) ||
	    call->maker + 1 != state->maker)
		return false;
	if (*until > 0)
		return call->until == *until;
	*until = call->until;
	return told.latest + SLACK >= end.earliest &&
	    told.earliest - SLACK <= end.latest;
}

static bool
take_view(struct state *state, const struct view *view, unsigned int number)
{
	const struct checker_call *call = view->calls[number];
	struct moment	 told = moment_of(view, call->until), end;

	state->views_left--;
	state->state = CHECKER_OPENED;
	if (call->answer == CHECKER_LOST) {
		if (call->claim != CHECKER_UNKNOWN)
			state->until[call->claim] = -(int64_t)number - 1;
		return true;
	}
	if (!says(call, CHECKER_OK, state, false) ||
	    call->maker + 1 != state->maker)
		return false;
	if (call->claim == CHECKER_UNKNOWN)
		return call->until == 0;
	end = claim_moment(view, call);
	state->until[call->claim] = call->until;
	return told.latest + SLACK >= end.earliest &&
	    told.earliest - SLACK <= end.latest;
}

static bool
open_secret(struct state *state, const struct view *view, unsigned int number,
    bool past, bool claimed)
{
	const struct checker_call *call = view->calls[number];

	if (state->maker == 0)
		return says(call, CHECKER_NOT_FOUND, state, past);
	if (!claimed && (past || state->views_left == 0))
		return says(call, CHECKER_OVER, state, past);
	if (view->history->gated && call->proof == CHECKER_NONE)
		return says(call, CHECKER_PIN_REQUIRED, state, past);
	if (!view->history->gated || call->proof == CHECKER_RIGHT)
		return claimed ? open_again(state, view, call) :
		    take_view(state, view, number);
	/* Who has a view already has nothing to guess. */
	if (!claimed && --state->attempts_left == 0) {
		state->state = CHECKER_LOCKED;
		state->views_left = 0;
	}
	return says(call, CHECKER_WRONG_PIN, state, past);
}

static bool
peek(const struct state *state, const struct checker_call *call, bool past,
    bool claimed)
{
	if (state->maker == 0)
		return says(call, CHECKER_NOT_FOUND, state, past);
	if (!claimed && (past || state->views_left == 0))
		return says(call, CHECKER_OVER, state, past);
	return says(call, CHECKER_OK, state, past) &&
	    is(call->claimed, claimed);
}

static bool
burn(struct state *state, const struct checker_call *call, bool past)
{
	if (state->maker != call->maker + 1)
		return says(call, CHECKER_NOT_FOUND, state, past);
	memset(state->until, 0, sizeof(state->until));
	if (!past && state->views_left > 0) {
		state->state = CHECKER_BURNED;
		state->views_left = 0;
	}
	return says(call, CHECKER_OK, state, past);
}

static bool
step_secret(struct state *state, const struct view *view, unsigned int number,
    bool past, bool claimed)
{
	const struct checker_call *call = view->calls[number];

	switch ((enum checker_kind)call->kind) {
	case CHECKER_CREATE:
		return create(state, view, call, past);
	case CHECKER_OPEN:
		return open_secret(state, view, number, past, claimed);
	case CHECKER_PEEK:
		return peek(state, call, past, claimed);
	case CHECKER_ACK:
		state->until[call->claim] = 0;
		return true;
	case CHECKER_KNOCK:
		/* Once in the time that a history takes. */
		if (state->maker != 0 && (past || state->views_left == 0))
			state->knocks = 1;
		return true;
	case CHECKER_RECEIPT:
		return says(call, state->maker == call->maker + 1 ?
		    CHECKER_OK : CHECKER_NOT_FOUND, state, past);
	case CHECKER_BURN:
		return burn(state, call, past);
	default:
		return false;
	}
}

static bool
step_request(struct state *state, const struct checker_call *call, bool past)
{
	bool	 there = state->maker != 0;
	bool	 open = there && !past && state->views_left > 0;

	switch ((enum checker_kind)call->kind) {
	case CHECKER_FILL:
		state->views_left = (uint8_t)(state->views_left - open);
		break;
	case CHECKER_DELETE:
		/* Used up it still is there to be deleted. */
		memset(state, 0, sizeof(*state));
		return says(call, there ? CHECKER_OK : CHECKER_NOT_FOUND,
		    state, false);
	default:
		break;
	}
	return says(call, open ? CHECKER_OK : CHECKER_NOT_FOUND, state, false);
}

static bool
step(void *memory, const void *argument, unsigned int number,
    unsigned int choice)
{
	const struct view *view = argument;
	const struct checker_call *call = view->calls[number];
	struct moment	 end = moment_of(view, view->expires_at);
	struct state	 state;
	bool		 past = (choice & PAST) != 0;
	bool		 claim_past = (choice & CLAIM_PAST) != 0, claimed;
	bool		 result;

	memcpy(&state, memory, sizeof(state));
	if (!could_be(call, &end, past))
		return false;
	claimed = !view->history->request && has_claim(&state, call);
	if (claimed) {
		end = until_moment(view, state.until[call->claim]);
		if (!could_be(call, &end, claim_past))
			return false;
		claimed = !claim_past && !past;
	} else if (claim_past)
		return false;
	result = view->history->request ? step_request(&state, call, past) :
	    step_secret(&state, view, number, past, claimed);
	memcpy(memory, &state, sizeof(state));
	return result;
}

/* Telling of a history without an order */

static void
show(const struct checker_call *call, unsigned int number, int64_t began)
{
	static const char *const kinds[] = {
		[CHECKER_CREATE] = "create", [CHECKER_OPEN] = "open",
		[CHECKER_PEEK] = "peek", [CHECKER_ACK] = "ack",
		[CHECKER_KNOCK] = "knock", [CHECKER_RECEIPT] = "receipt",
		[CHECKER_BURN] = "burn", [CHECKER_FILL] = "fill",
		[CHECKER_REQUEST] = "request", [CHECKER_DELETE] = "delete",
	};
	static const char *const proofs[] = {
		[CHECKER_RIGHT] = "right", [CHECKER_WRONG] = "wrong",
		[CHECKER_NONE] = "none",
	};
	static const char *const outcomes[] = {
		[CHECKER_OK] = "ok", [CHECKER_NOT_FOUND] = "not found",
		[CHECKER_OVER] = "over", [CHECKER_WRONG_PIN] = "wrong",
		[CHECKER_PIN_REQUIRED] = "PIN required",
		[CHECKER_EXISTS] = "exists", [CHECKER_ODD] = "odd",
	};

	attack_note("%2u %7.1f..%7.1f ms %s maker %d proof %s claim %d: %s "
	    "state %d views %d attempts %d claimed %d knocks %d until %.1f",
	    number, (double)(call->began - began) / 1000,
	    (double)(call->ended - began) / 1000, kinds[call->kind],
	    call->maker, proofs[call->proof], call->claim,
	    call->answer == CHECKER_LOST ? "lost" : outcomes[call->outcome],
	    call->state, call->views_left, call->attempts_left, call->claimed,
	    call->knocks, call->until == 0 ? 0 :
	    (double)(call->until - began) / 1000);
}

static void
explain(const struct view *view, unsigned int count)
{
	int64_t	 began = view->calls[0]->began;

	attack_note("views %d, attempts %d, gated %d, claims of %.1f ms, over"
	    " at %.1f", view->history->views, view->history->attempts,
	    view->history->gated, (double)view->history->claim_time / 1000,
	    view->expires_at == CHECKER_NEVER ? -1 :
	    (double)(view->expires_at - began) / 1000);
	for (unsigned int i = 0; i < count; i++)
		show(view->calls[i], i, began);
}

/* Does this answer say that nothing was changed? */
static bool
is_idle(const struct checker_call *call)
{
	switch ((enum checker_kind)call->kind) {
	case CHECKER_PEEK:
	case CHECKER_RECEIPT:
	case CHECKER_REQUEST:
		return true;
	case CHECKER_ACK:
	case CHECKER_KNOCK:
		return false;
	default:
		return call->outcome != CHECKER_OK &&
		    call->outcome != CHECKER_WRONG_PIN;
	}
}

/* Those that did something or may have. */
static unsigned int
choose(struct view *view, struct linearize_call calls[])
{
	const struct checker_history *history = view->history;
	unsigned int	 count = 0;

	for (unsigned int i = 0; i < history->count; i++) {
		const struct checker_call *call = &history->calls[i];

		if (call->answer != CHECKER_ANSWERED &&
		    call->answer != CHECKER_LOST)
			continue;
		calls[count] = (struct linearize_call){
			.began = call->began, .ended = call->ended,
			.lost = call->answer == CHECKER_LOST,
			.idle = call->answer == CHECKER_ANSWERED &&
			    is_idle(call),
		};
		view->calls[count++] = call;
		if (call->kind == CHECKER_CREATE &&
		    call->answer == CHECKER_ANSWERED &&
		    call->outcome == CHECKER_OK &&
		    view->expires_at == CHECKER_NEVER)
			view->expires_at = call->expires_at;
	}
	return count;
}

void
checker_judge(const struct checker_history *history, struct attack_row *row,
    unsigned long name)
{
	struct linearize_call calls[CHECKER_CALLS];
	struct view	 view = {
		.history = history, .expires_at = history->request ?
		    history->expires_at : CHECKER_NEVER,
	};
	struct linearize search = {
		.calls = calls, .choices = CHOICES, .step = step,
		.state_size = sizeof(struct state), .history = &view,
	};
	struct state	 start;
	enum linearize_verdict verdict;

	search.count = choose(&view, calls);
	for (unsigned int i = 0; i < search.count; i++)
		if (!calls[i].lost)
			attack_tried(row);
	memset(&start, 0, sizeof(start));
	if (history->request) {
		start.maker = 1;
		start.views_left = history->views;
	}
	verdict = linearize_search(&search, &start);
	if (verdict == LINEARIZE_ORDER)
		return;
	attack_broke(row, "%s %lu: %s", history->request ? "request" :
	    "secret", name, verdict == LINEARIZE_NO_ORDER ?
	    "no order of its calls gives what they were answered" :
	    "no order of its calls was found, and too many were tried");
	if (row->broke < 4)
		explain(&view, search.count);
}

/* SPDX-License-Identifier: ISC */
/*
 * What the calls of our own interface look like as bytes.
 */
#include "kills_calls.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define JSON_TYPE	"application/json"
#define FRAME_TYPE	"application/vnd.oncelink.frame"

static const char *const states[] = {
	[CHECKER_WAITING] = "\"waiting\"", [CHECKER_OPENED] = "\"opened\"",
	[CHECKER_EXPIRED] = "\"expired\"", [CHECKER_BURNED] = "\"burned\"",
	[CHECKER_LOCKED] = "\"locked\"",
};

static const char *const paths[] = {
	[CHECKER_CREATE] = "/api/v2/secrets",
	[CHECKER_OPEN] = "/api/v2/secrets/open",
	[CHECKER_PEEK] = "/api/v2/secrets/peek",
	[CHECKER_ACK] = "/api/v2/secrets/ack",
	[CHECKER_KNOCK] = "/api/v2/secrets/knock",
	[CHECKER_RECEIPT] = "/api/v2/receipts/peek",
	[CHECKER_BURN] = "/api/v2/receipts/burn",
};

/* A line of JSON that grows. */
struct line {
	char	*text;
	size_t	 size, room;
};

static void __attribute__((format(printf, 2, 3)))
say(struct line *line, const char *format, ...)
{
	va_list	 arguments;
	int	 length;

	va_start(arguments, format);
	length = vsnprintf(line->text + line->size, line->room - line->size,
	    format, arguments);
	va_end(arguments);
	if (length < 0 || (size_t)length >= line->room - line->size)
		abort();
	line->size += (size_t)length;
}

static void
say_bytes(struct line *line, const char *name, const uint8_t *bytes,
    size_t size)
{
	static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
	    "abcdefghijklmnopqrstuvwxyz0123456789-_";
	uint32_t	 three;

	say(line, "%c\"%s\":\"", line->size == 0 ? '{' : ',', name);
	for (size_t i = 0; i < size; i += 3) {
		three = (uint32_t)bytes[i] << 16;
		if (i + 1 < size)
			three |= (uint32_t)bytes[i + 1] << 8;
		if (i + 2 < size)
			three |= bytes[i + 2];
		for (size_t j = 0; j < 4 && i + j <= size; j++)
			say(line, "%c", digits[three >> (18 - 6 * j) & 63]);
	}
	say(line, "\"");
}

static size_t
write_body(const struct contest_secret *secret,
    const struct checker_call *call, uint8_t *body)
{
	struct line	 line = { (char *)body, 0, 4096 };

	if (call->kind == CHECKER_RECEIPT || call->kind == CHECKER_BURN) {
		say_bytes(&line, "receipt", secret->receipts[call->maker],
		    CONTEST_ID);
		say(&line, "}");
		return line.size;
	}
	say_bytes(&line, "id", secret->token, CONTEST_ID);
	if (call->kind != CHECKER_CREATE && call->kind != CHECKER_KNOCK &&
	    call->claim != CHECKER_UNKNOWN)
		say_bytes(&line, "claim", secret->claims[call->claim],
		    CONTEST_ID);
	if (secret->history.gated && call->proof != CHECKER_NONE &&
	    (call->kind == CHECKER_OPEN || call->kind == CHECKER_CREATE))
		say_bytes(&line, "gate", call->proof == CHECKER_RIGHT ?
		    secret->gate : secret->wrong, CONTEST_GATE);
	if (call->kind == CHECKER_CREATE) {
		say_bytes(&line, "receipt", secret->receipts[call->maker],
		    CONTEST_ID);
		say(&line, ",\"expires_in\":%lld,\"views\":%d,\"attempts\":%d",
		    (long long)(secret->lifetime / 1000),
		    secret->history.views, secret->history.attempts);
	}
	say(&line, "}");
	if (call->kind != CHECKER_CREATE)
		return line.size;
	say(&line, "\n");
	contest_payload(secret, call->maker, body + line.size);
	return line.size + secret->size;
}

/* Where the value of a member is, in what a writer of ours wrote; or NULL. */
static const char *
member(const char *text, const char *name)
{
	char	 key[40];
	char	*found;

	(void)snprintf(key, sizeof(key), "\"%s\":", name);
	found = strstr(text, key);
	if (found == NULL)
		return NULL;
	found += strlen(key);
	return found + strspn(found, " ");
}

static int8_t
number(const char *text, const char *name)
{
	const char	*value = member(text, name);

	return value == NULL ? CHECKER_UNKNOWN :
	    (int8_t)strtol(value, NULL, 10);
}

static int8_t
state(const char *text)
{
	const char	*value = member(text, "state");

	for (int i = 0; value != NULL && i < CHECKER_STATE__MAX; i++)
		if (strncmp(value, states[i], strlen(states[i])) == 0)
			return (int8_t)i;
	return CHECKER_UNKNOWN;
}

/* Microseconds since 1970 of a time in whole seconds; 0: there is none. */
static int64_t
when(const char *text, const char *name)
{
	const char	*value = member(text, name);
	struct tm	 parts = { .tm_year = 0 };

	if (value == NULL || strptime(value, "\"%Y-%m-%dT%H:%M:%SZ\"",
	    &parts) == NULL)
		return 0;
	return (int64_t)timegm(&parts) * 1000000;
}

/* What was opened is a line, then the payload. */
static void
note_payload(const struct contest_secret *secret, struct checker_call *call,
    struct kills_wire_answer *answer, const char *text)
{
	const uint8_t	*payload;
	int		 maker;

	call->until = when(text, "claim_until");
	payload = memchr(answer->body, '\n', answer->size);
	if (payload == NULL) {
		call->outcome = CHECKER_ODD;
		return;
	}
	payload++;
	maker = contest_maker(secret, payload, answer->size -
	    (size_t)(payload - answer->body));
	call->maker = (uint8_t)maker;
}

/* 403 is of two kinds. */
static uint8_t
outcome_of(const struct checker_call *call,
    const struct kills_wire_answer *answer, const char *text)
{
	switch (answer->status) {
	case 200:
	case 201:
	case 204:
		return CHECKER_OK;
	case 403:
		return strstr(text, "2026:pin-required") != NULL ?
		    CHECKER_PIN_REQUIRED : CHECKER_WRONG_PIN;
	case 404:
		return CHECKER_NOT_FOUND;
	case 409:
		return call->kind == CHECKER_CREATE ? CHECKER_EXISTS :
		    CHECKER_ODD;
	case 410:
		return CHECKER_OVER;
	default:
		return CHECKER_ODD;
	}
}

static void
note(const struct contest_secret *secret, struct checker_call *call,
    struct kills_wire_answer *answer)
{
	const char	*text = (const char *)answer->body;
	const char	*claimed;

	call->outcome = outcome_of(call, answer, text);
	call->state = state(text);
	call->views_left = number(text, "views_left");
	call->attempts_left = number(text, "attempts_left");
	call->knocks = number(text, "knocks");
	claimed = member(text, "claimed");
	if (claimed != NULL)
		call->claimed = strncmp(claimed, "true", 4) == 0;
	if (call->outcome != CHECKER_OK)
		return;
	if (call->kind == CHECKER_CREATE)
		call->expires_at = when(text, "expires_at");
	if (call->kind == CHECKER_OPEN)
		note_payload(secret, call, answer, text);
}

int
kills_calls_make(struct kills_calls *calls, struct contest_secret *secret,
    struct checker_call *call)
{
	size_t	 size = write_body(secret, call, calls->body);
	int	 result;

	call->began = checker_now();
	result = kills_wire_post(calls->wire, paths[call->kind],
	    call->kind == CHECKER_CREATE ? FRAME_TYPE : JSON_TYPE,
	    calls->body, size, &calls->answer);
	if (result != 0) {
		contest_answered(call, CHECKER_LOST);
		return result == 1 ? 0 : -1;
	}
	note(secret, call, &calls->answer);
	contest_answered(call, calls->answer.status == 503 ?
	    CHECKER_REFUSED : CHECKER_ANSWERED);
	if (call->outcome != CHECKER_ODD || calls->answer.status == 503)
		return 0;
	(void)fprintf(stderr, "kills: %s: %d %s\n", paths[call->kind],
	    calls->answer.status, calls->answer.size < 600 ?
	    (const char *)calls->answer.body : "");
	return -1;
}

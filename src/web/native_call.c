/* SPDX-License-Identifier: ISC */
/*
 * Which members each call of our own interface has, and the form of frames.
 */

#include "web/native_call.h"

#include <assert.h>
#include <string.h>

#include "base/conf.h"
#include "web/body_limit.h"
#include "web/http.h"
#include "web/problem.h"

#define MEMBER_ID {							\
	.name = "id", .kind = JSON_BASE64URL, .required = true,		\
	.min = TOKEN_BYTES, .max = TOKEN_BYTES,				\
	.offset = offsetof(struct native_call, id)			\
}
#define MEMBER_RECEIPT {						\
	.name = "receipt", .kind = JSON_BASE64URL, .required = true,	\
	.min = SEAL_SECRETBYTES, .max = SEAL_SECRETBYTES,		\
	.offset = offsetof(struct native_call, receipt)			\
}
#define MEMBER_GATE {							\
	.name = "gate", .kind = JSON_BASE64URL,				\
	.min = SEAL_STRETCHBYTES, .max = SEAL_STRETCHBYTES,		\
	.offset = offsetof(struct native_call, gate),			\
	.given = offsetof(struct native_call, has_gate)			\
}
#define MEMBER_CLAIM(need) {						\
	.name = "claim", .kind = JSON_BASE64URL, .required = (need),	\
	.min = SEAL_SECRETBYTES, .max = SEAL_SECRETBYTES,		\
	.offset = offsetof(struct native_call, claim),			\
	.given = offsetof(struct native_call, has_claim)		\
}

/* The upper end of expires_in is a setting: see native_call_read. */
enum {
	CREATE_ID, CREATE_RECEIPT, CREATE_GATE, CREATE_EXPIRES_IN,
	CREATE_VIEWS, CREATE_ATTEMPTS, CREATE__MAX
};
static const struct json_member create_members[] = {
	[CREATE_ID] = MEMBER_ID,
	[CREATE_RECEIPT] = MEMBER_RECEIPT,
	[CREATE_GATE] = MEMBER_GATE,
	[CREATE_EXPIRES_IN] = {
		.name = "expires_in", .kind = JSON_INTEGER, .required = true,
		.min = NATIVE_CALL_EXPIRES_IN_MIN,
		.offset = offsetof(struct native_call, expires_in)
	},
	[CREATE_VIEWS] = {
		.name = "views", .kind = JSON_INTEGER,
		.min = 1, .max = NATIVE_CALL_VIEWS_MAX,
		.offset = offsetof(struct native_call, views)
	},
	[CREATE_ATTEMPTS] = {
		.name = "attempts", .kind = JSON_INTEGER,
		.min = 1, .max = NATIVE_CALL_ATTEMPTS_MAX,
		.offset = offsetof(struct native_call, attempts)
	}
};
static_assert(sizeof(create_members) / sizeof(create_members[0]) ==
    CREATE__MAX, "one row a member");

static const struct json_member peek_members[] = {
	MEMBER_ID, MEMBER_CLAIM(false)
};

#define CAPTCHA_BYTES(what, size) {					\
	.name = #what, .kind = JSON_BASE64URL, .required = true,	\
	.min = (size), .max = (size),					\
	.offset = offsetof(struct native_call, captcha.what)		\
}
#define CAPTCHA_INTEGER(what, most, member) {				\
	.name = (what), .kind = JSON_INTEGER, .required = true,		\
	.max = (most), .offset = offsetof(struct native_call, member)	\
}
static const struct json_member captcha_members[] = {
	CAPTCHA_BYTES(salt, CAPTCHA_SALTBYTES),
	CAPTCHA_BYTES(mac, CAPTCHA_MACBYTES),
	CAPTCHA_INTEGER("bits", UINT8_MAX, captcha_bits),
	CAPTCHA_INTEGER("expires_at", INT64_MAX, captcha.expires_at),
	CAPTCHA_INTEGER("n", CAPTCHA_NUMBER_MAX, captcha_number)
};

enum { OPEN_ID, OPEN_GATE, OPEN_PIN, OPEN_CLAIM, OPEN_CAPTCHA, OPEN__MAX };
static const struct json_member open_members[] = {
	[OPEN_ID] = MEMBER_ID,
	[OPEN_GATE] = MEMBER_GATE,
	[OPEN_PIN] = {
		.name = "pin", .kind = JSON_STRING,
		.min = 1, .max = NATIVE_CALL_PIN_MAX,
		.offset = offsetof(struct native_call, pin),
		.given = offsetof(struct native_call, has_pin)
	},
	[OPEN_CLAIM] = MEMBER_CLAIM(true),	/* unless claims are off */
	[OPEN_CAPTCHA] = {
		.name = "captcha", .kind = JSON_OBJECT,
		.members = captcha_members,
		.count = sizeof(captcha_members) / sizeof(captcha_members[0]),
		.given = offsetof(struct native_call, has_captcha)
	}
};
static_assert(sizeof(open_members) / sizeof(open_members[0]) == OPEN__MAX,
    "one row a member");

static const struct json_member ack_members[] = {
	MEMBER_ID, MEMBER_CLAIM(true)
};
static const struct json_member knock_members[] = { MEMBER_ID };
static const struct json_member receipt_members[] = { MEMBER_RECEIPT };

#define TABLE(rows) { (rows), sizeof(rows) / sizeof((rows)[0]) }

static const struct {
	const struct json_member	*members;
	size_t				 count;
} calls[] = {
	[NATIVE_CALL_CREATE] = TABLE(create_members),
	[NATIVE_CALL_PEEK] = TABLE(peek_members),
	[NATIVE_CALL_OPEN] = TABLE(open_members),
	[NATIVE_CALL_ACK] = TABLE(ack_members),
	[NATIVE_CALL_KNOCK] = TABLE(knock_members),
	[NATIVE_CALL_RECEIPT] = TABLE(receipt_members)
};
static_assert(sizeof(calls) / sizeof(calls[0]) == NATIVE_CALL__MAX,
    "one table a call");

#define MEMBERS_MAX 6
static_assert(CREATE__MAX <= MEMBERS_MAX && OPEN__MAX <= MEMBERS_MAX,
    "every table fits");

static void
invalid(struct http_reply *reply, enum problem problem, const char *field,
    const char *detail)
{
	problem_reply(reply, problem,
	    &(struct problem_extras){ .field = field, .detail = detail });
}

/*
 * What stands behind the first line; false when it was refused.  What an
 * envelope looks like inside is between those who seal and those who open.
 */
static bool
read_envelope(struct app *app, struct http_request *request,
    struct http_reply *reply, size_t line, struct native_call *call)
{
	call->envelope = request->body + line + 1;
	call->envelope_size = request->body_size - line - 1;
	if (call->envelope_size > (uint64_t)app->conf->max_envelope) {
		invalid(reply, PROBLEM_TOO_LARGE, "envelope", NULL);
		return false;
	}
	if (call->envelope_size == 0) {
		invalid(reply, PROBLEM_INVALID_FIELD, "envelope",
		    "Nothing follows the first line. Nothing was stored; "
		    "send the envelope behind it.");
		return false;
	}
	return true;
}

/* The length of a frame's first line, or -1 when its end is not there. */
static int
line_length(const struct http_request *request)
{
	const uint8_t	*end;
	size_t		 most = request->body_size;

	if (most > BODY_LIMIT_LINE_MAX + 1)
		most = BODY_LIMIT_LINE_MAX + 1;
	end = memchr(request->body, '\n', most);
	return end == NULL ? -1 : (int)(end - request->body);
}

struct native_call *
native_call_read(struct app *app, struct http_request *request,
    struct http_reply *reply, enum native_call_kind kind)
{
	struct json_member	 members[MEMBERS_MAX];
	struct json_error	 error;
	struct native_call	*call;
	size_t			 length = request->body_size;
	int			 line = 0;

	if (kind == NATIVE_CALL_CREATE) {
		if ((line = line_length(request)) == -1) {
			invalid(reply, PROBLEM_MALFORMED, NULL,
			    "A frame begins with one line of JSON, of at most "
			    "4096 bytes, and its end is not there. Nothing "
			    "was stored; correct it and send it again.");
			return NULL;
		}
		length = (size_t)line;
	}
	if ((call = app_alloc(request, reply, sizeof(*call))) == NULL)
		return NULL;
	call->views = app->conf->default_views;
	call->attempts = app->conf->pin_attempts;
	memcpy(members, calls[kind].members,
	    calls[kind].count * sizeof(members[0]));
	if (kind == NATIVE_CALL_CREATE)
		members[CREATE_EXPIRES_IN].max = app->conf->max_expire / 1000;
	if (kind == NATIVE_CALL_OPEN)
		members[OPEN_CLAIM].required = app->conf->claim_time > 0;
	if (json_read(request->arena, request->body, length, members,
	    calls[kind].count, JSON_REFUSE_EXTRAS, call, &error) == -1) {
		problem_json(request, reply, &error);
		return NULL;
	}
	call->captcha.bits = (uint8_t)call->captcha_bits;
	if (kind == NATIVE_CALL_CREATE &&
	    !read_envelope(app, request, reply, (size_t)line, call))
		return NULL;
	return call;
}

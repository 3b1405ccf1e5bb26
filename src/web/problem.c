/* SPDX-License-Identifier: ISC */
/*
 * Problem details (RFC 9457): the fixed list of what can go wrong on our own
 * interface, and the words for each: what happened, what was lost, what to do.
 */

#include "web/problem.h"

#include <assert.h>

#include "core/secret.h"
#include "web/http.h"
#include "web/json.h"
#include "web/json_read.h"

#define PROBLEM_TYPE	"application/problem+json"

/* Seconds, where there is no Retry-After that says them. */
#define RETRY_AFTER	1

static const struct {
	const char	*type;
	int		 status;
	const char	*title;
	const char	*detail;
	bool		 retry;
} problems[] = {
	[PROBLEM_MALFORMED] = {
		"tag:oncelink,2026:malformed", 400, "Malformed request",
		"The request is not of the form that this call takes. "
		"Nothing was changed or lost; correct it and send it again.",
		false
	},
	[PROBLEM_INVALID_FIELD] = {
		"tag:oncelink,2026:invalid-field", 422, "Invalid field",
		"A field of the request is not as it must be. Nothing was "
		"changed or lost; correct it and send it again.", false
	},
	[PROBLEM_LENGTH_REQUIRED] = {
		"tag:oncelink,2026:length-required", 411, "Length required",
		"The request does not say how long its body is. Nothing was "
		"changed or lost; send it again with Content-Length.", false
	},
	[PROBLEM_TOO_LARGE] = {
		"tag:oncelink,2026:too-large", 413, "Too large",
		"The request is larger than this site takes. Nothing was "
		"stored; send something smaller.", false
	},
	[PROBLEM_UNSUPPORTED_TYPE] = {
		"tag:oncelink,2026:unsupported-type", 415,
		"Unsupported content type",
		"The body is not of the content type that this call takes. "
		"Nothing was changed or lost; send it again as "
		"application/json, or a new secret as "
		"application/vnd.oncelink.frame.", false
	},
	[PROBLEM_NOT_FOUND] = {
		"tag:oncelink,2026:not-found", 404, "Not found",
		"There is nothing here under this name and there is no trace "
		"that there ever was. Check the link; nothing was changed or "
		"lost by asking.", false
	},
	[PROBLEM_METHOD_NOT_ALLOWED] = {
		"tag:oncelink,2026:method-not-allowed", 405,
		"Method not allowed",
		"This address does not take that method. Nothing was changed "
		"or lost; use one that the Allow header names.", false
	},
	[PROBLEM_CREATION_NOT_ALLOWED] = {
		"tag:oncelink,2026:creation-not-allowed", 403,
		"Creation not allowed",
		"You may not make secrets on this site. Nothing was stored; "
		"ask the one who runs it.", false
	},
	[PROBLEM_PIN_REQUIRED] = {
		"tag:oncelink,2026:pin-required", 403, "PIN required",
		"This secret opens only with its PIN. No attempt was used; "
		"ask the sender for the PIN and try again.", false
	},
	[PROBLEM_WRONG_PIN] = {
		"tag:oncelink,2026:wrong-pin", 403, "Wrong PIN",
		"The PIN is not the right one. The secret is still there; "
		"check the PIN and try again.", false
	},
	[PROBLEM_CAPTCHA_REQUIRED] = {
		"tag:oncelink,2026:captcha-required", 403,
		"Proof of work required",
		"This secret opens only with a solved challenge, from peek and "
		"not older than ten minutes. No attempt was used; solve a new "
		"one and try again.", false
	},
	[PROBLEM_CONFLICT] = {
		"tag:oncelink,2026:conflict", 409, "Already used",
		"This id was used before for another secret. Nothing was "
		"stored or changed; make a new link and send it again.", false
	},
	[PROBLEM_GONE] = {
		"tag:oncelink,2026:gone", 410, "Gone",
		"There was a secret here and it is over. Nothing was lost by "
		"asking; if you did not open it, tell the sender.", false
	},
	[PROBLEM_BUSY] = {
		"tag:oncelink,2026:busy", 503, "Busy",
		"The site is busy. Nothing was changed or lost; try again "
		"in a moment.", true
	},
	[PROBLEM_STORE_FULL] = {
		"tag:oncelink,2026:store-full", 507, "Store full",
		"The site has no room left. Nothing was stored and nothing "
		"lost; try again later or ask the one who runs it.", false
	},
	[PROBLEM_QUOTA] = {
		"tag:oncelink,2026:quota", 429, "Too many",
		"Your network has made as many secrets as this site takes "
		"from one in an hour. Nothing was stored; try again when "
		"`retry_after` seconds are over.", true
	},
	[PROBLEM_FAILED] = {
		"tag:oncelink,2026:failed", 500, "Failed",
		"Something went wrong on the server. Nothing was shown and "
		"nothing lost; try again later or ask the one who runs it.",
		false
	}
};
static_assert(sizeof(problems) / sizeof(problems[0]) == PROBLEM__MAX,
    "one row a problem");

static const struct {
	enum problem	 problem;
	const char	*detail;
} errors[] = {
	[APP_NOT_FOUND] = { PROBLEM_NOT_FOUND,
		"This address leads nowhere. Nothing was changed or lost; "
		"check how it is written." },
	[APP_METHOD_NOT_ALLOWED] = { PROBLEM_METHOD_NOT_ALLOWED, NULL },
	[APP_CREATE_NOT_ALLOWED] = { PROBLEM_CREATION_NOT_ALLOWED, NULL },
	[APP_LENGTH_REQUIRED] = { PROBLEM_LENGTH_REQUIRED, NULL },
	[APP_TOO_LARGE] = { PROBLEM_TOO_LARGE, NULL },
	[APP_SHORT_BODY] = { PROBLEM_MALFORMED,
		"The body ended before the length that was announced. "
		"Nothing was changed or lost; send it again." },
	[APP_BAD_LENGTH] = { PROBLEM_MALFORMED,
		"Content-Length is not a number of bytes. Nothing was changed "
		"or lost; send the request again." },
	[APP_WRONG_TYPE] = { PROBLEM_UNSUPPORTED_TYPE, NULL },
	[APP_PREFETCH] = { PROBLEM_BUSY,
		"This was asked for before anybody wanted it, and it can be "
		"had only once. Nothing was changed or lost; ask again when "
		"it is wanted." },
	[APP_FAILED] = { PROBLEM_FAILED, NULL },
	[APP_BUSY] = { PROBLEM_BUSY, NULL },
	[APP_FULL] = { PROBLEM_STORE_FULL, NULL },
	[APP_TOO_MANY] = { PROBLEM_QUOTA, NULL },
	[APP_WHOSE] = { PROBLEM_MALFORMED,
		"X-Forwarded-For is given more than once, so that nobody can "
		"tell who asks. Nothing was changed or lost; the web server "
		"must hand on one." }
};
static_assert(sizeof(errors) / sizeof(errors[0]) == APP_ERROR__MAX,
    "one row an error");

static const char *const states[] = {
	[STORE_WAITING] = "waiting",
	[STORE_OPENED] = "opened",
	[STORE_EXPIRED] = "expired",
	[STORE_BURNED] = "burned",
	[STORE_LOCKED] = "locked"
};
static_assert(sizeof(states) / sizeof(states[0]) == STORE_STATE__MAX,
    "one word a state");

const char *
problem_state(enum store_state state)
{
	return states[state];
}

void
problem_minute(int64_t ms, char text[HTTP_TIME_SIZE])
{
	http_time(ms - ms % 60000, HTTP_UTC, text);
}

void
problem_reply(struct http_reply *reply, enum problem problem,
    const struct problem_extras *extras)
{
	static const struct problem_extras	 none;
	struct json_writer			 json;
	char					 time[HTTP_TIME_SIZE];

	if (extras == NULL)
		extras = &none;
	http_begin(reply, problems[problem].status, PROBLEM_TYPE);
	json_open(&json, &reply->body);
	json_text(&json, "type", problems[problem].type);
	json_text(&json, "title", problems[problem].title);
	json_integer(&json, "status", problems[problem].status);
	json_text(&json, "detail", extras->detail != NULL ? extras->detail :
	    problems[problem].detail);
	if (extras->field != NULL)
		json_text(&json, "field", extras->field);
	if (extras->attempts != NULL)
		json_integer(&json, "attempts_left",
		    extras->attempts->attempts_left);
	if (extras->end != NULL) {
		problem_minute(extras->end->changed_at, time);
		json_text(&json, "state", states[extras->end->state]);
		json_text(&json, "changed_at", time);
	}
	if (problems[problem].retry)
		json_integer(&json, "retry_after", reply->wait != 0 ?
		    reply->wait : RETRY_AFTER);
	json_close(&json);
}

/* What is allowed where a member of a table stands. */
static void
allowed(struct buf *text, const struct json_member *member)
{
	long long	 min = (long long)member->min;
	long long	 max = (long long)member->max;

	switch (member->kind) {
	case JSON_STRING:
		buf_printf(text, "text of %lld to %lld bytes", min, max);
		break;
	case JSON_INTEGER:
	case JSON_INTEGER_OR_DIGITS:
		buf_printf(text, "a whole number from %lld to %lld", min, max);
		break;
	case JSON_BASE64URL:
		buf_printf(text, "%lld bytes in base64url without padding",
		    min);
		break;
	case JSON_BOOLEAN_OR_WORD:
		buf_text(text, "true or false");
		break;
	case JSON_OBJECT:
		buf_text(text, "an object, with the members that the manual "
		    "names");
		break;
	}
}

void
problem_json(struct http_request *request, struct http_reply *reply,
    const struct json_error *error)
{
	static const char	*const whats[] = {
		[JSON_REPEATED] = "is given more than once",
		[JSON_UNKNOWN] = "is not known to this call",
		[JSON_MISSING] = "is missing",
		[JSON_WRONG_TYPE] = "has the wrong type or form",
		[JSON_TOO_SMALL] = "is too small",
		[JSON_TOO_LARGE] = "is too large"
	};
	struct buf		 text;

	switch (error->fault) {
	case JSON_FINE:
	case JSON_NO_MEMORY:
		app_no_memory(request, reply);
		return;
	case JSON_MALFORMED:
	case JSON_NOT_OBJECT:
		problem_reply(reply, PROBLEM_MALFORMED,
		    &(struct problem_extras){ .detail = error->fault ==
		    JSON_MALFORMED ?
		    "This is not JSON in UTF-8. Nothing was changed or lost; "
		    "correct it and send it again." :
		    "This is JSON, but no object. Nothing was changed or "
		    "lost; correct it and send it again." });
		return;
	default:
		break;
	}
	buf_init(&text, request->arena);
	buf_printf(&text, "The member `%s` %s", error->field,
	    whats[error->fault]);
	if (error->member != NULL) {
		buf_text(&text, "; allowed is ");
		allowed(&text, error->member);
	}
	buf_text(&text, ". Nothing was changed or lost; correct it and send "
	    "it again.");
	buf_append(&text, "", 1);
	problem_reply(reply, PROBLEM_INVALID_FIELD,
	    &(struct problem_extras){
		.detail = text.failed ? NULL : (const char *)text.data,
		.field = error->field
	    });
}

void
problem_error(struct http_reply *reply, enum app_error error)
{
	problem_reply(reply, errors[error].problem,
	    &(struct problem_extras){ .detail = errors[error].detail });
}

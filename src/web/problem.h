/* SPDX-License-Identifier: ISC */
#ifndef ONCELINK_PROBLEM_H
#define ONCELINK_PROBLEM_H

#include "store/store.h"
#include "web/app.h"

struct json_error;
struct secret_facts;

/* Errors of our own interface: problem details (RFC 9457). */

enum problem {
	PROBLEM_MALFORMED,
	PROBLEM_INVALID_FIELD,
	PROBLEM_LENGTH_REQUIRED,
	PROBLEM_TOO_LARGE,
	PROBLEM_UNSUPPORTED_TYPE,
	PROBLEM_NOT_FOUND,
	PROBLEM_METHOD_NOT_ALLOWED,
	PROBLEM_CREATION_NOT_ALLOWED,
	PROBLEM_PIN_REQUIRED,
	PROBLEM_WRONG_PIN,
	PROBLEM_CAPTCHA_REQUIRED,
	PROBLEM_CONFLICT,
	PROBLEM_GONE,
	PROBLEM_BUSY,
	PROBLEM_STORE_FULL,
	PROBLEM_QUOTA,
	PROBLEM_FAILED,
	PROBLEM__MAX
};

/* What one answer adds to its kind; members that are NULL are left out. */
struct problem_extras {
	const char			*detail;	/* NULL: the kind's */
	const char			*field;
	const struct secret_facts	*attempts;	/* attempts_left */
	const struct secret_facts	*end;		/* state, changed_at */
};

/*
 * problem_reply(reply, problem, extras): an answer of that kind; extras may be
 * NULL.
 */
void	 problem_reply(struct http_reply *reply, enum problem problem,
	    const struct problem_extras *extras);

/* problem_json(request, reply, error): what json_read found, in words. */
void	 problem_json(struct http_request *request, struct http_reply *reply,
	    const struct json_error *error);

/* problem_error(reply, error): what went wrong around a handler. */
void	 problem_error(struct http_reply *reply, enum app_error error);

/* problem_state(state), problem_minute(ms, text): how a secret's end is
 * written; the time is cut to the minute. */
const char *problem_state(enum store_state state);
void	 problem_minute(int64_t ms, char text[HTTP_TIME_SIZE]);

#endif

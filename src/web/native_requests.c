/* SPDX-License-Identifier: ISC */
/*
 * How a secret request is looked at and filled in: the members of both calls,
 * what half a password may be, and the words of each outcome.
 */

#include "web/native_requests.h"

#include <assert.h>
#include <string.h>

#include "base/conf.h"
#include "core/secret_request.h"
#include "crypto/base64.h"
#include "web/http.h"
#include "web/json.h"
#include "web/passwordlink.h"
#include "web/problem.h"
#include "web/sjcl.h"

#define COUNT(table) (sizeof(table) / sizeof((table)[0]))

#define PART_MAX	64	/* characters of the public half */
#define PART_TEXT_MAX	256	/* as base64, with line ends */

struct call {
	uint8_t			 id[TOKEN_BYTES];
	struct sjcl		 sealed;
	struct json_string	 part;
	bool			 has_part;

	/* For the handler: what it asks of the core. */
	struct secret_request_filling filling;
	char			 link_part[PART_TEXT_MAX + 1];
};

#define MEMBER_ID {							\
	.name = "id", .kind = JSON_BASE64URL, .required = true,		\
	.min = TOKEN_BYTES, .max = TOKEN_BYTES,				\
	.offset = offsetof(struct call, id)				\
}
static const struct json_member peek_members[] = { MEMBER_ID };
static const struct json_member fill_members[] = {
	MEMBER_ID,
	{
		.name = "ciphertext", .kind = JSON_STRING, .required = true,
		.min = 1, .max = INT64_MAX,
		.offset = offsetof(struct call, sealed.ciphertext)
	}, {
		.name = "password_part_private", .kind = JSON_STRING,
		.required = true, .min = 1, .max = INT64_MAX,
		.offset = offsetof(struct call, sealed.password_part_private)
	}, {
		.name = "password_part_public", .kind = JSON_STRING,
		.min = 1, .max = PART_TEXT_MAX,
		.offset = offsetof(struct call, part),
		.given = offsetof(struct call, has_part)
	}
};

static const struct {
	enum problem	 problem;
	const char	*field;
	const char	*detail;
} outcomes[] = {
	[SECRET_REQUEST_OK] = { PROBLEM_FAILED, NULL, NULL },
	[SECRET_REQUEST_NOT_FOUND] = { PROBLEM_NOT_FOUND, NULL,
		"This request is not there, or not any more: it was used, "
		"taken back, or its time is over. Nothing was stored; ask "
		"whoever sent it for a new one." },
	[SECRET_REQUEST_NO_ACCOUNT] = { PROBLEM_NOT_FOUND, NULL, NULL },
	[SECRET_REQUEST_NO_ALLOWANCE] = { PROBLEM_CREATION_NOT_ALLOWED, NULL,
		"Whoever asks has made as many secrets as they may this "
		"month. Nothing was stored and the request can still be "
		"used; tell them." },
	[SECRET_REQUEST_NO_ADDRESS] = { PROBLEM_FAILED, NULL, NULL },
	[SECRET_REQUEST_PART_MISSING] = { PROBLEM_INVALID_FIELD,
		"password_part_public",
		"The link of this secret is mailed, which takes the public "
		"half of the password. Nothing was stored; send it too." },
	[SECRET_REQUEST_PART_UNWANTED] = { PROBLEM_INVALID_FIELD,
		"password_part_public",
		"The link of this secret is not mailed, so that the public "
		"half of the password must stay with you. Nothing was "
		"stored; seal it anew and send it without." },
	[SECRET_REQUEST_TOO_MANY] = { PROBLEM_QUOTA, NULL, NULL }
};
static_assert(COUNT(outcomes) == SECRET_REQUEST_OUTCOME__MAX,
    "one row an outcome");

static void
answer_outcome(struct http_reply *reply, enum secret_request_outcome outcome)
{
	problem_reply(reply, outcomes[outcome].problem,
	    &(struct problem_extras){
		.field = outcomes[outcome].field,
		.detail = outcomes[outcome].detail
	    });
}

static struct call *
read_call(struct http_request *request, struct http_reply *reply,
    const struct json_member *members, size_t count)
{
	struct json_error	 error;
	struct call		*call;

	if ((call = app_alloc(request, reply, sizeof(*call))) == NULL)
		return NULL;
	if (json_read(request->arena, request->body, request->body_size,
	    members, count, JSON_REFUSE_EXTRAS, call, &error) == 0)
		return call;
	problem_json(request, reply, &error);
	return NULL;
}

void
native_requests_peek(struct app *app, struct http_request *request,
    struct http_reply *reply)
{
	struct secret_request_shown shown;
	struct json_writer	 json;
	struct call		*call;
	int			 failure;

	call = read_call(request, reply, peek_members, COUNT(peek_members));
	if (call == NULL)
		return;
	failure = secret_request_peek(app->site, request->arena, call->id,
	    &shown);
	if (failure != 0) {
		app_fail(request, reply, failure);
		return;
	}
	if (shown.outcome != SECRET_REQUEST_OK) {
		answer_outcome(reply, shown.outcome);
		return;
	}
	http_begin(reply, 200, HTTP_JSON_TYPE);
	json_open(&json, &reply->body);
	json_string(&json, "message", shown.message, shown.message_length);
	json_time(&json, "expires_at", shown.expires_at);
	json_integer(&json, "uses_left", shown.uses_left);
	json_bool(&json, "mailed", shown.mailed);
	json_close(&json);
}

/* What sjcl_check found; false when reply says what. */
static bool
is_sealed(struct http_request *request, struct http_reply *reply,
    const char *field, int checked, const struct sjcl_error *error)
{
	struct problem_extras	 extras = { .field = field };
	enum problem		 problem = PROBLEM_INVALID_FIELD;

	if (checked == 0)
		return true;
	switch (error->fault) {
	case SJCL_TOO_LARGE:
		problem = PROBLEM_TOO_LARGE;
		break;
	case SJCL_NOT_BASE64:
		extras.detail = "This member must be base64. Nothing was "
		    "stored; correct it and send it again.";
		break;
	case SJCL_NOT_SJCL:
		extras.detail = "This member must be base64 of an SJCL object "
		    "with iv, salt and ct, mode gcm and ks 256. Nothing was "
		    "stored; correct it and send it again.";
		break;
	case SJCL_FINE:
	case SJCL_NO_MEMORY:
		app_no_memory(request, reply);
		return false;
	}
	problem_reply(reply, problem, &extras);
	return false;
}

/* The public half for a link: base64 as it came, without line ends, of
 * printable ASCII; false when it is something else. */
static bool
read_part(struct call *call)
{
	uint8_t	 bytes[PART_TEXT_MAX];
	size_t	 size, length = 0;
	bool	 valid;

	static_assert(PART_TEXT_MAX / 4 * 3 + 3 <= sizeof(bytes),
	    "it fits decoded");
	valid = base64_decode(call->part.bytes, call->part.length, bytes,
	    &size) && size > 0 && size <= PART_MAX;
	for (size_t i = 0; valid && i < size; i++)
		valid = bytes[i] > ' ' && bytes[i] <= '~';
	for (size_t i = 0; i < call->part.length; i++)
		if (strchr("\r\n", call->part.bytes[i]) == NULL)
			call->link_part[length++] = call->part.bytes[i];
	explicit_bzero(bytes, sizeof(bytes));
	return valid;
}

static bool
check_call(struct app *app, struct http_request *request,
    struct http_reply *reply, struct call *call)
{
	struct sjcl_error	 error;

	if (!is_sealed(request, reply, "ciphertext", sjcl_check(
	    &call->sealed.ciphertext, app->conf->max_ciphertext, &error),
	    &error) || !is_sealed(request, reply, "password_part_private",
	    sjcl_check_part(&call->sealed.password_part_private,
	    PASSWORDLINK_PART_MAX, &error), &error))
		return false;
	if (!call->has_part || read_part(call))
		return true;
	problem_reply(reply, PROBLEM_INVALID_FIELD, &(struct problem_extras){
		.field = "password_part_public",
		.detail = "This member must be base64 of 1 to 64 printable "
		    "characters of ASCII. Nothing was stored; correct it and "
		    "send it again."
	    });
	return false;
}

void
native_requests_fill(struct app *app, struct http_request *request,
    struct http_reply *reply)
{
	struct secret_request_filling *filling;
	struct json_writer	 json;
	struct call		*call;
	struct buf		 payload;
	int			 failure;

	call = read_call(request, reply, fill_members, COUNT(fill_members));
	if (call == NULL || !check_call(app, request, reply, call))
		return;
	buf_init(&payload, request->arena);
	sjcl_write(&payload, &call->sealed);
	if (payload.failed) {
		app_no_memory(request, reply);
		return;
	}
	filling = &call->filling;
	memcpy(filling->token, call->id, sizeof(filling->token));
	filling->payload = payload.data;
	filling->payload_size = payload.len;
	filling->part = call->has_part ? call->link_part : NULL;
	filling->client = request->client_address;
	failure = secret_request_fill(app->site, request->arena, filling);
	if (failure != 0) {
		app_fail(request, reply, failure);
		return;
	}
	if (filling->outcome == SECRET_REQUEST_TOO_MANY) {
		app_too_many(request, reply, filling->wait);
		return;
	}
	if (filling->outcome != SECRET_REQUEST_OK) {
		answer_outcome(reply, filling->outcome);
		return;
	}
	http_begin(reply, 201, HTTP_JSON_TYPE);
	json_open(&json, &reply->body);
	json_base64url(&json, "id", filling->secret,
	    sizeof(filling->secret));
	json_close(&json);
}

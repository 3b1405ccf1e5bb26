/* SPDX-License-Identifier: ISC */
/*
 * The HTTP interface of One Time Secret App: both families of its paths, its
 * strings for truth, and which POST to /api/secrets is not for it.
 */

#include "web/api_onetime.h"

#include <assert.h>
#include <string.h>

#include "base/conf.h"
#include "core/secret.h"
#include "web/api_passwordlink.h"
#include "web/body_limit.h"
#include "web/http.h"
#include "web/json.h"
#include "web/json_read.h"
#include "web/message.h"
#include "web/passwordlink.h"

#define LIFETIME_DEFAULT 604800		/* seconds */

#define MISSING_CREATE	"Missing passphrase and/or message"
#define MISSING_READ	"Missing passphrase"
#define NEVER_OR_READ							\
	"This secret either never existed or it was already read"

struct secret_body {
	struct json_string	 passphrase;
	struct json_string	 message;
	int64_t			 expiration_time;

	/* For the handler: what it asks of the core. */
	struct secret_creation	 creation;
	struct secret_reading	 reading;
};

/* A read has only the first of these. */
enum { BODY_PASSPHRASE, BODY_MESSAGE, BODY_EXPIRATION_TIME, BODY__MAX };
#define BODY_READ 1

/* The upper ends of message and expiration_time are settings: read_body. */
static const struct json_member body_members[] = {
	[BODY_PASSPHRASE] = {
		.name = "passphrase", .kind = JSON_STRING, .required = true,
		.min = 1, .max = BODY_LIMIT_PIN_MAX,
		.offset = offsetof(struct secret_body, passphrase)
	},
	[BODY_MESSAGE] = {
		.name = "message", .kind = JSON_STRING, .required = true,
		.min = 1,
		.offset = offsetof(struct secret_body, message)
	},
	[BODY_EXPIRATION_TIME] = {
		.name = "expiration_time", .kind = JSON_INTEGER_OR_DIGITS,
		.min = 1,
		.offset = offsetof(struct secret_body, expiration_time)
	}
};
static_assert(sizeof(body_members) / sizeof(body_members[0]) == BODY__MAX,
    "one row a member");

/* What a reader is told.  A wrong passphrase is the same as no secret. */
static const struct {
	int		 status;
	const char	*text;
} outcomes[] = {
	[SECRET_OK] = { 200, NULL },
	[SECRET_NOT_FOUND] = { 404, NEVER_OR_READ },
	[SECRET_OVER] = { 404, NEVER_OR_READ },
	[SECRET_WRONG_PIN] = { 404, NEVER_OR_READ },
	[SECRET_NOW_LOCKED] = { 404, NEVER_OR_READ }
};
static_assert(sizeof(outcomes) / sizeof(outcomes[0]) == MESSAGE_OUTCOMES,
    "one row an outcome");

static void
refuse(struct http_reply *reply, int status, const char *text)
{
	struct json_writer	 json;

	http_begin(reply, status, HTTP_JSON_TYPE);
	json_open(&json, &reply->body);
	json_text(&json, "success", "False");
	json_text(&json, "message", text);
	json_close(&json);
}

static void
error(struct http_reply *reply, enum app_error what)
{
	refuse(reply, app_error_status(what), app_error_text(what));
}

/* A sentence with one number in it, "" when there is no memory for it. */
static const char *
sentence(struct http_request *request, const char *before, int64_t number,
    const char *after)
{
	struct buf	 text;

	buf_init(&text, request->arena);
	buf_printf(&text, "%s%lld%s", before, (long long)number, after);
	buf_append(&text, "", 1);
	return text.failed ? "" : (const char *)text.data;
}

static void
refuse_json(struct http_request *request, struct http_reply *reply,
    const struct json_member *members, const struct json_error *fault,
    const char *missing)
{
	const struct json_member	*member = fault->member;

	if (fault->fault == JSON_NO_MEMORY)
		app_no_memory(request, reply);
	else if (fault->fault == JSON_REPEATED)
		refuse(reply, 400,
		    "A member of the body is given more than once");
	else if (member == &members[BODY_EXPIRATION_TIME])
		refuse(reply, 400, sentence(request,
		    "expiration_time must be a whole number of seconds from "
		    "1 to ", member->max, ""));
	else if (member != NULL && fault->fault == JSON_TOO_LARGE)
		refuse(reply, 413, sentence(request,
		    member == &members[BODY_MESSAGE] ?
		    "message must be at most " : "passphrase must be at most ",
		    member->max, " bytes"));
	else
		refuse(reply, 400, missing);
}

/* The first `count` members of the body, or NULL when it was refused. */
static struct secret_body *
read_body(struct app *app, struct http_request *request,
    struct http_reply *reply, size_t count, const char *missing)
{
	struct json_member	 members[BODY__MAX];
	struct json_error	 fault;
	struct secret_body	*body;
	int64_t			 longest = app->conf->max_expire / 1000;

	if (!http_is_type(request->content_type, HTTP_JSON_TYPE)) {
		refuse(reply, 400, missing);
		return NULL;
	}
	if ((body = app_alloc(request, reply, sizeof(*body))) == NULL)
		return NULL;
	body->expiration_time =
	    longest < LIFETIME_DEFAULT ? longest : LIFETIME_DEFAULT;
	memcpy(members, body_members, sizeof(members));
	members[BODY_MESSAGE].max = app->conf->max_message;
	members[BODY_EXPIRATION_TIME].max = longest;
	if (json_read(request->arena, request->body, request->body_size,
	    members, count, JSON_IGNORE_EXTRAS, body, &fault) == -1) {
		refuse_json(request, reply, members, &fault, missing);
		return NULL;
	}
	return body;
}

static void
create(struct app *app, struct http_request *request,
    struct http_reply *reply)
{
	struct secret_creation	*creation;
	struct secret_body	*body;
	struct json_writer	 json;
	char			 id[TOKEN_HEX_LENGTH + 1];

	if ((body = read_body(app, request, reply, BODY__MAX,
	    MISSING_CREATE)) == NULL)
		return;
	creation = &body->creation;
	creation->kind = SECRET_ONETIME;
	creation->proof.pin = body->passphrase.bytes;
	creation->proof.pin_length = body->passphrase.length;
	creation->payload = body->message.bytes;
	creation->payload_size = body->message.length;
	creation->lifetime = body->expiration_time * 1000;
	if (!message_create(app, request, reply, creation))
		return;

	http_begin(reply, 200, HTTP_JSON_TYPE);
	token_to_hex(creation->token, id);
	json_open(&json, &reply->body);
	json_text(&json, "success", "True");
	json_text(&json, "id", id);
	json_close(&json);
	explicit_bzero(id, sizeof(id));
}

/*
 * A POST to /api/secrets is password.link's when it shows a key or has a
 * ciphertext.  With a key it comes here only where that interface is not
 * served, and this says so in that form.
 */
static void
create_or_other(struct app *app, struct http_request *request,
    struct http_reply *reply)
{
	if (request->authorization == NULL &&
	    !json_read_has(request->body, request->body_size, "ciphertext")) {
		create(app, request, reply);
		return;
	}
	if ((app->conf->faces & CONF_FACE_PASSWORDLINK) != 0)
		app_hand_over(request, reply, &api_passwordlink_face,
		    APP_PRIVATE_KEY_NEEDED);
	else
		passwordlink_refuse(reply, 404, NULL, "This server does not "
		    "take secrets that the client has sealed");
}

/* The id is the last segment: /secrets/:, /api/secrets/:. */
static void
consume(struct app *app, struct http_request *request,
    struct http_reply *reply)
{
	const struct http_segment *id =
	    &request->segments[request->segments_count - 1];
	struct secret_reading	*reading;
	struct secret_body	*body;
	struct json_writer	 json;

	if ((body = read_body(app, request, reply, BODY_READ,
	    MISSING_READ)) == NULL)
		return;
	reading = &body->reading;
	if (!token_from_hex(reading->token, id->bytes, id->length)) {
		refuse(reply, outcomes[SECRET_NOT_FOUND].status,
		    outcomes[SECRET_NOT_FOUND].text);
		return;
	}
	reading->proof.pin = body->passphrase.bytes;
	reading->proof.pin_length = body->passphrase.length;
	if (!message_open(app, request, reply, SECRET_ONETIME, reading))
		return;
	if (reading->outcome != SECRET_OK) {
		refuse(reply, outcomes[reading->outcome].status,
		    outcomes[reading->outcome].text);
		return;
	}

	http_begin(reply, outcomes[SECRET_OK].status, HTTP_JSON_TYPE);
	json_open(&json, &reply->body);
	json_text(&json, "success", "True");
	json_string(&json, "message", (const char *)reading->payload,
	    reading->payload_size);
	json_close(&json);
}

/* Below /api the paths are password.link's too: POST is ours there, but at
 * /api/secrets only of who shows no key. */
static bool
takes(const struct http_request *request)
{
	if (request->segments[0].length == strlen("secrets"))
		return true;
	return request->method == HTTP_POST &&
	    (request->segments_count > 2 || request->authorization == NULL);
}

static const struct app_route routes[] = {
	{ HTTP_POST, "/secrets", APP_CREATES, APP_JSON_ANY_TYPE,
	    body_limit_message, create },
	{ HTTP_POST, "/secrets/:", 0, APP_JSON_ANY_TYPE,
	    body_limit_message, consume },
	{ HTTP_POST, "/api/secrets", APP_CREATES, APP_JSON_ANY_TYPE,
	    body_limit_message, create_or_other },
	{ HTTP_POST, "/api/secrets/:", 0, APP_JSON_ANY_TYPE,
	    body_limit_message, consume }
};

static const char *const prefixes[] = { "/secrets", "/api/secrets", NULL };

const struct app_face api_onetime_face = {
	.name = "onetime",
	.bit = CONF_FACE_ONETIME,
	.prefixes = prefixes,
	.routes = routes,
	.routes_count = sizeof(routes) / sizeof(routes[0]),
	.cors = true,
	.takes = takes,
	.error = error
};

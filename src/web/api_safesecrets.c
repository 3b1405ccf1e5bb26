/* SPDX-License-Identifier: ISC */
/*
 * The HTTP interface of SafeSecrets: the paths, members, statuses and words
 * that its clients know, over secrets that the server seals.
 */

#include "web/api_safesecrets.h"

#include <assert.h>
#include <string.h>

#include "base/conf.h"
#include "base/utf8.h"
#include "core/secret.h"
#include "web/body_limit.h"
#include "web/http.h"
#include "web/json.h"
#include "web/json_read.h"
#include "web/message.h"

#define TEXT_TYPE	"text/plain"

/* What SafeSecrets' own clients expect of a server that takes no files. */
#define MAX_FILE_SIZE	1048576

/* Where the variable segments of /api/v1/message/:/: are. */
#define SEGMENT_KEY	3
#define SEGMENT_PIN	4

struct message_body {
	struct json_string	 message;
	int64_t			 exp;
	struct json_string	 pin;

	/* For the handler: what it asks of the core. */
	struct secret_creation	 creation;
};

enum { BODY_MESSAGE, BODY_EXP, BODY_PIN, BODY__MAX };

/* The upper ends of message and exp are settings: see read_message. */
static const struct json_member body_members[] = {
	[BODY_MESSAGE] = {
		.name = "message", .kind = JSON_STRING, .required = true,
		.offset = offsetof(struct message_body, message)
	},
	[BODY_EXP] = {
		.name = "exp", .kind = JSON_INTEGER, .required = true,
		.min = 1,
		.offset = offsetof(struct message_body, exp)
	},
	[BODY_PIN] = {
		.name = "pin", .kind = JSON_STRING, .required = true,
		.max = BODY_LIMIT_PIN_MAX,
		.offset = offsetof(struct message_body, pin)
	}
};
static_assert(sizeof(body_members) / sizeof(body_members[0]) ==
    BODY__MAX, "one row a member");

/*
 * What a reader is told.  Unknown, read, expired and destroyed have the same
 * bytes.
 */
static const struct {
	int		 status;
	const char	*text;
} outcomes[] = {
	[SECRET_OK] = { 200, NULL },
	[SECRET_NOT_FOUND] = { 400, "message expired or deleted" },
	[SECRET_OVER] = { 400, "message expired or deleted" },
	[SECRET_WRONG_PIN] = { 417, "wrong pin attempt" },
	[SECRET_NOW_LOCKED] = { 400, "wrong pin" }
};
static_assert(sizeof(outcomes) / sizeof(outcomes[0]) == MESSAGE_OUTCOMES,
    "one row an outcome");

static void
refuse(struct http_reply *reply, int status, const char *text)
{
	struct json_writer	 json;

	http_begin(reply, status, HTTP_JSON_TYPE);
	json_open(&json, &reply->body);
	json_text(&json, "error", text);
	json_close(&json);
}

static void
error(struct http_reply *reply, enum app_error what)
{
	refuse(reply, app_error_status(what), app_error_text(what));
}

/* Which field is wrong, and what is allowed there. */
static void
refuse_field(struct app *app, struct http_request *request,
    struct http_reply *reply, int status, size_t member, const char *what)
{
	const struct conf	*conf = app->conf;
	struct buf		 text;

	buf_init(&text, request->arena);
	buf_printf(&text, "%s %s: ", body_members[member].name, what);
	switch (member) {
	case BODY_MESSAGE:
		buf_printf(&text, "a string of at most %lld bytes is allowed",
		    (long long)conf->max_message);
		break;
	case BODY_EXP:
		buf_printf(&text,
		    "a whole number of seconds from 1 to %lld is allowed",
		    (long long)(conf->safesecrets_max_expire / 1000));
		break;
	default:
		buf_printf(&text,
		    "a string of exactly %lld characters is allowed",
		    (long long)conf->pin_size);
		break;
	}
	buf_append(&text, "", 1);
	if (text.failed) {
		app_no_memory(request, reply);
		return;
	}
	refuse(reply, status, (const char *)text.data);
}

static void
refuse_json(struct app *app, struct http_request *request,
    struct http_reply *reply, const struct json_member *members,
    const struct json_error *fault)
{
	size_t	 member;

	if (fault->fault == JSON_NO_MEMORY) {
		app_no_memory(request, reply);
		return;
	}
	if (fault->member == NULL) {
		refuse(reply, 400, fault->fault == JSON_REPEATED ?
		    "a member of the body is given more than once" :
		    "the body must be a JSON object with message, exp and pin");
		return;
	}
	member = (size_t)(fault->member - members);
	if (fault->fault == JSON_MISSING)
		refuse_field(app, request, reply, 400, member, "is missing");
	else if (fault->fault == JSON_TOO_LARGE)
		refuse_field(app, request, reply,
		    member == BODY_MESSAGE ? 413 : 400, member,
		    "is too large");
	else
		refuse_field(app, request, reply, 400, member, "is wrong");
}

/* The body of a POST, or NULL when it was refused. */
static struct message_body *
read_message(struct app *app, struct http_request *request,
    struct http_reply *reply)
{
	struct json_member	 members[BODY__MAX];
	struct json_error	 fault;
	struct message_body	*message;

	if ((message = app_alloc(request, reply, sizeof(*message))) == NULL)
		return NULL;
	memcpy(members, body_members, sizeof(members));
	members[BODY_MESSAGE].max = app->conf->max_message;
	members[BODY_EXP].max = app->conf->safesecrets_max_expire / 1000;
	if (json_read(request->arena, request->body, request->body_size,
	    members, BODY__MAX, JSON_IGNORE_EXTRAS, message, &fault) == -1) {
		refuse_json(app, request, reply, members, &fault);
		return NULL;
	}
	if (utf8_length(message->pin.bytes, message->pin.length) !=
	    app->conf->pin_size) {
		refuse_field(app, request, reply, 400, BODY_PIN,
		    "is wrong");
		return NULL;
	}
	return message;
}

static void
create(struct app *app, struct http_request *request,
    struct http_reply *reply)
{
	struct secret_creation	*creation;
	struct message_body	*message;
	struct json_writer	 json;
	char			 key[TOKEN_UUID_LENGTH + 1];
	char			 time[HTTP_TIME_SIZE];

	if ((message = read_message(app, request, reply)) == NULL)
		return;
	creation = &message->creation;
	creation->kind = SECRET_SAFESECRETS;
	creation->proof.pin = message->pin.bytes;
	creation->proof.pin_length = message->pin.length;
	creation->payload = message->message.bytes;
	creation->payload_size = message->message.length;
	creation->lifetime = message->exp * 1000;
	if (!message_create(app, request, reply, creation))
		return;

	http_begin(reply, 201, HTTP_JSON_TYPE);
	http_time(creation->expires_at, HTTP_LOCAL, time);
	token_to_uuid(creation->token, key);
	json_open(&json, &reply->body);
	json_text(&json, "exp", time);
	json_text(&json, "key", key);
	json_close(&json);
	explicit_bzero(key, sizeof(key));
}

static void
consume(struct app *app, struct http_request *request,
    struct http_reply *reply)
{
	const struct http_segment *key = &request->segments[SEGMENT_KEY];
	const struct http_segment *pin = &request->segments[SEGMENT_PIN];
	struct secret_reading	*reading;
	struct json_writer	 json;
	char			 text[TOKEN_UUID_LENGTH + 1];

	if (utf8_length(pin->bytes, pin->length) != app->conf->pin_size) {
		refuse_field(app, request, reply, 400, BODY_PIN,
		    "is wrong");
		return;
	}
	if ((reading = app_alloc(request, reply, sizeof(*reading))) == NULL)
		return;
	if (!token_from_uuid(reading->token, key->bytes, key->length)) {
		refuse(reply, outcomes[SECRET_NOT_FOUND].status,
		    outcomes[SECRET_NOT_FOUND].text);
		return;
	}
	reading->proof.pin = pin->bytes;
	reading->proof.pin_length = pin->length;
	if (!message_open(app, request, reply, SECRET_SAFESECRETS, reading))
		return;
	if (reading->outcome != SECRET_OK) {
		refuse(reply, outcomes[reading->outcome].status,
		    outcomes[reading->outcome].text);
		return;
	}

	http_begin(reply, outcomes[SECRET_OK].status, HTTP_JSON_TYPE);
	token_to_uuid(reading->token, text);
	json_open(&json, &reply->body);
	json_text(&json, "key", text);
	json_string(&json, "message", (const char *)reading->payload,
	    reading->payload_size);
	json_close(&json);
	explicit_bzero(text, sizeof(text));
}

static void
params(struct app *app, struct http_request *request,
    struct http_reply *reply)
{
	const struct conf	*conf = app->conf;
	struct json_writer	 json;

	(void)request;
	http_begin(reply, 200, HTTP_JSON_TYPE);
	json_open(&json, &reply->body);
	json_integer(&json, "pin_size", conf->pin_size);
	json_integer(&json, "max_pin_attempts", conf->pin_attempts);
	json_integer(&json, "max_exp_sec",
	    conf->safesecrets_max_expire / 1000);
	json_bool(&json, "files_enabled", false);
	json_integer(&json, "max_file_size", MAX_FILE_SIZE);
	json_bool(&json, "allow_no_pin", false);
	json_close(&json);
}

static void
ping(struct app *app, struct http_request *request, struct http_reply *reply)
{
	(void)app;
	(void)request;
	http_begin(reply, 200, TEXT_TYPE);
	buf_text(&reply->body, "pong");
}

static const struct app_route routes[] = {
	{ HTTP_POST, "/api/v1/message", APP_CREATES, APP_JSON_ANY_TYPE,
	    body_limit_message, create },
	{ HTTP_GET, "/api/v1/message/:/:", APP_CONSUMES, APP_NO_BODY, NULL,
	    consume },
	{ HTTP_GET, "/api/v1/params", 0, APP_NO_BODY, NULL, params },
	{ HTTP_GET, "/api/v1/ping", 0, APP_NO_BODY, NULL, ping },
	{ HTTP_GET, "/ping", 0, APP_NO_BODY, NULL, ping }
};

static const char *const prefixes[] = { "/api/v1", "/ping", NULL };

const struct app_face api_safesecrets_face = {
	.name = "safesecrets",
	.bit = CONF_FACE_SAFESECRETS,
	.prefixes = prefixes,
	.routes = routes,
	.routes_count = sizeof(routes) / sizeof(routes[0]),
	.error = error
};

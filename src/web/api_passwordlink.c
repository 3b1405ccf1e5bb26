/* SPDX-License-Identifier: ISC */
/*
 * The HTTP interface of password.link: secrets that the client has sealed, for
 * accounts with keys.
 */

#include "web/api_passwordlink.h"

#include <assert.h>
#include <string.h>

#include "base/conf.h"
#include "base/utf8.h"
#include "core/listing.h"
#include "core/secret.h"
#include "core/viewer.h"
#include "web/body_limit.h"
#include "web/http.h"
#include "web/json.h"
#include "web/passwordlink.h"
#include "web/passwordlink_requests.h"
#include "web/sjcl.h"

#define COUNT(table) (sizeof(table) / sizeof((table)[0]))

/* Where the id of /api/secrets/: is. */
#define SEGMENT_ID	2

struct secret_body {
	struct sjcl		 sealed;
	struct json_string	 description;
	struct json_string	 message;
	struct json_string	 password;
	int64_t			 expiration;	/* hours */
	int64_t			 max_views;
	bool			 has_expiration;
	bool			 view_button;
	bool			 captcha;

	/* For the handler: what it asks of the core. */
	struct listing		 listing;
	struct secret_creation	 creation;
};

enum {
	BODY_CIPHERTEXT, BODY_PART, BODY_NAME, BODY_ATTACHMENT,
	BODY_DESCRIPTION, BODY_MESSAGE, BODY_EXPIRATION, BODY_VIEW_BUTTON,
	BODY_CAPTCHA, BODY_PASSWORD, BODY_MAX_VIEWS, BODY__MAX
};

/* The upper end of expiration is a setting: see read_body. */
static const struct json_member body_members[] = {
	[BODY_CIPHERTEXT] = {
		.name = "ciphertext", .kind = JSON_STRING, .required = true,
		.blank = true, .max = INT64_MAX,
		.offset = offsetof(struct secret_body, sealed.ciphertext)
	},
	[BODY_PART] = {
		.name = "password_part_private", .kind = JSON_STRING,
		.required = true, .blank = true, .max = INT64_MAX,
		.offset = offsetof(struct secret_body,
		    sealed.password_part_private)
	},
	[BODY_NAME] = {
		.name = "attachment_name", .kind = JSON_STRING,
		.blank = true, .max = INT64_MAX,
		.offset = offsetof(struct secret_body, sealed.attachment_name)
	},
	[BODY_ATTACHMENT] = {
		.name = "attachment_ciphertext", .kind = JSON_STRING,
		.blank = true, .max = INT64_MAX,
		.offset = offsetof(struct secret_body,
		    sealed.attachment_ciphertext)
	},
	[BODY_DESCRIPTION] = {
		.name = "description", .kind = JSON_STRING,
		.blank = true, .max = PASSWORDLINK_TEXT_BYTES,
		.offset = offsetof(struct secret_body, description)
	},
	[BODY_MESSAGE] = {
		.name = "message", .kind = JSON_STRING,
		.blank = true, .max = PASSWORDLINK_TEXT_BYTES,
		.offset = offsetof(struct secret_body, message)
	},
	[BODY_EXPIRATION] = {
		.name = "expiration", .kind = JSON_INTEGER_OR_DIGITS,
		.blank = true,
		.offset = offsetof(struct secret_body, expiration),
		.given = offsetof(struct secret_body, has_expiration)
	},
	[BODY_VIEW_BUTTON] = {
		.name = "view_button", .kind = JSON_BOOLEAN_OR_WORD,
		.blank = true,
		.offset = offsetof(struct secret_body, view_button)
	},
	[BODY_CAPTCHA] = {
		.name = "captcha", .kind = JSON_BOOLEAN_OR_WORD,
		.blank = true,
		.offset = offsetof(struct secret_body, captcha)
	},
	[BODY_PASSWORD] = {
		.name = "password", .kind = JSON_STRING,
		.blank = true, .max = PASSWORDLINK_PASSWORD_MAX,
		.offset = offsetof(struct secret_body, password)
	},
	[BODY_MAX_VIEWS] = {
		.name = "max_views", .kind = JSON_INTEGER_OR_DIGITS,
		.blank = true, .min = 1, .max = PASSWORDLINK_VIEWS_MAX,
		.offset = offsetof(struct secret_body, max_views)
	}
};
static_assert(COUNT(body_members) == BODY__MAX, "one row a member");

/*
 * What is told of a secret.  A status of 0 cannot come of one of this face.
 */
#define NOT_FOUND	404, NULL, "Secret not found"
static const struct {
	int		 status;
	const char	*field;
	const char	*what;
} outcomes[] = {
	[SECRET_OK] = { 200, NULL, NULL },
	[SECRET_NOT_FOUND] = { NOT_FOUND },
	[SECRET_OVER] = { NOT_FOUND },
	[SECRET_WRONG_PIN] = { 403, "password", "is wrong" },
	[SECRET_NOW_LOCKED] = { 403, "password", "is wrong, and that was the "
	    "last try: the secret is destroyed" },
	[SECRET_PIN_REQUIRED] = { 403, "password", "can't be blank" },
	[SECRET_PIN_NOT_GATE] = { 0, NULL, NULL },
	[SECRET_GATE_NOT_PIN] = { 0, NULL, NULL },
	[SECRET_PIN_MISFIT] = { 0, NULL, NULL },
	[SECRET_CAPTCHA_REQUIRED] = { 0, NULL, NULL },
	[SECRET_EXISTS] = { 0, NULL, NULL },
	/* The key was taken away since it was looked at. */
	[SECRET_NO_ACCOUNT] = { 403, NULL, "This call needs a private API "
	    "key" },
	[SECRET_NO_ALLOWANCE] = { 403, NULL, "The account has made as many "
	    "secrets as it may this month" },
	/* Of a request's filling alone. */
	[SECRET_REFUSED] = { 0, NULL, NULL },
	/* An account has its allowance. */
	[SECRET_TOO_MANY] = { 0, NULL, NULL }
};
static_assert(COUNT(outcomes) == SECRET_OUTCOME__MAX, "one row an outcome");

static void
answer_outcome(struct http_request *request, struct http_reply *reply,
    enum secret_outcome outcome)
{
	if (outcomes[outcome].status == 0)
		app_fail(request, reply, app_impossible(request, "outcome"));
	else
		passwordlink_refuse(reply, outcomes[outcome].status,
		    outcomes[outcome].field, outcomes[outcome].what);
}

/* The id of the path; false when it was answered that it is none. */
static bool
read_id(struct http_request *request, struct http_reply *reply,
    uint8_t token[TOKEN_BYTES])
{
	const struct http_segment *id = &request->segments[SEGMENT_ID];

	if (token_from_base62(token, id->bytes, id->length))
		return true;
	answer_outcome(request, reply, SECRET_NOT_FOUND);
	return false;
}

/* Are these four sealed as they must be? */
static bool
check_sealed(struct app *app, struct http_request *request,
    struct http_reply *reply, const struct sjcl *sealed)
{
	const struct {
		size_t				 member;
		const struct json_string	*text;
		int64_t				 most;
		int	(*check)(const struct json_string *, int64_t,
			    struct sjcl_error *);
	} parts[] = {
		{ BODY_CIPHERTEXT, &sealed->ciphertext,
		    app->conf->max_ciphertext, sjcl_check },
		{ BODY_PART, &sealed->password_part_private,
		    PASSWORDLINK_PART_MAX, sjcl_check_part },
		{ BODY_NAME, &sealed->attachment_name,
		    PASSWORDLINK_NAME_MAX, sjcl_check },
		{ BODY_ATTACHMENT, &sealed->attachment_ciphertext,
		    app->conf->max_attachment, sjcl_check }
	};
	struct sjcl_error	 error;

	for (size_t i = 0; i < COUNT(parts); i++)
		if (parts[i].text->bytes != NULL && parts[i].check(
		    parts[i].text, parts[i].most, &error) == -1) {
			passwordlink_sealed(request, reply,
			    body_members[parts[i].member].name, &error);
			return false;
		}
	return true;
}

/* What the body says, checked; NULL when it was refused. */
static struct secret_body *
read_body(struct app *app, struct http_request *request,
    struct http_reply *reply)
{
	struct json_member	 members[BODY__MAX];
	struct json_error	 error;
	struct secret_body	*body;

	if ((body = app_alloc(request, reply, sizeof(*body))) == NULL)
		return NULL;
	body->max_views = 1;
	memcpy(members, body_members, sizeof(members));
	members[BODY_EXPIRATION].max = passwordlink_hours(app->conf);
	if (json_read(request->arena, request->body, request->body_size,
	    members, COUNT(members), JSON_IGNORE_EXTRAS, body, &error) == -1) {
		passwordlink_fault(request, reply, &error);
		return NULL;
	}
	if (!check_sealed(app, request, reply, &body->sealed) ||
	    !passwordlink_is_text(reply, "description", &body->description) ||
	    !passwordlink_is_text(reply, "message", &body->message))
		return NULL;
	return body;
}

static void
fill_listing(const struct http_request *request, struct secret_body *body)
{
	body->listing = (struct listing){
		.account = request->account,
		.hours = body->has_expiration ? (int32_t)body->expiration :
		    LISTING_NO_HOURS,
		.views = (uint32_t)body->max_views,
		.description = body->description.bytes,
		.description_size = body->description.length,
		.message = body->message.bytes,
		.message_size = body->message.length,
	};
	if (body->view_button)
		body->listing.flags |= LISTING_VIEW_BUTTON;
	if (body->captcha)
		body->listing.flags |= LISTING_CAPTCHA;
	if (body->password.bytes != NULL)
		body->listing.flags |= LISTING_PASSWORD;
}

static void
create(struct app *app, struct http_request *request,
    struct http_reply *reply)
{
	struct listing_totals	 totals;
	struct secret_creation	*creation;
	struct secret_body	*body;
	struct json_writer	 json, data;
	struct buf		 payload;
	char			 id[TOKEN_BASE62_LENGTH + 1];
	int			 failure;

	if ((body = read_body(app, request, reply)) == NULL ||
	    !passwordlink_totals(app, request, reply, &totals))
		return;
	buf_init(&payload, request->arena);
	sjcl_write(&payload, &body->sealed);
	if (payload.failed) {
		app_no_memory(request, reply);
		return;
	}
	fill_listing(request, body);
	creation = &body->creation;
	creation->kind = SECRET_SJCL;
	creation->listing = &body->listing;
	creation->proof.pin = body->password.bytes;
	creation->proof.pin_length = body->password.length;
	creation->payload = payload.data;
	creation->payload_size = payload.len;
	creation->lifetime = passwordlink_lifetime(app->conf,
	    body->expiration);
	creation->views = body->listing.views;
	creation->attempts = (uint32_t)app->conf->pin_attempts;
	failure = secret_create(app->site, request->arena, creation);
	if (failure != 0) {
		app_fail(request, reply, failure);
		return;
	}
	if (creation->outcome != SECRET_OK) {
		answer_outcome(request, reply, creation->outcome);
		return;
	}
	totals.total++;
	totals.usage++;
	token_to_base62(creation->token, id);
	passwordlink_begin(reply, 201, &json);
	json_key(&json, "data");
	json_open(&data, json.out);
	json_text(&data, "id", id);
	json_close(&data);
	passwordlink_end(&json, &totals, false);
	explicit_bzero(id, sizeof(id));
}

/* The password of the header; false when it was refused.  It costs nothing
 * when it cannot be one. */
static bool
read_password(struct http_request *request, struct http_reply *reply,
    struct secret_proof *proof)
{
	const char		*sent = request->secret_password;
	struct http_segment	 password;
	int			 result;

	if (*sent == '\0')
		return true;
	result = http_decode(request->arena, sent, sent + strlen(sent),
	    &password);
	if (result == -1) {
		app_no_memory(request, reply);
		return false;
	}
	if (result == 1 || password.length > PASSWORDLINK_PASSWORD_MAX ||
	    utf8_length(password.bytes, password.length) < 0) {
		passwordlink_refuse(reply, 422, "password", "must be UTF-8, "
		    "percent-encoded, and not longer than passwords may be");
		return false;
	}
	proof->pin = password.bytes;
	proof->pin_length = password.length;
	return true;
}

/* A secret as it was sent, and the note for who views it. */
static void
answer_view(struct http_reply *reply, const struct secret_reading *reading,
    const struct listing_totals *totals)
{
	struct json_writer	 json, data;
	char			 id[TOKEN_BASE62_LENGTH + 1];

	token_to_base62(reading->token, id);
	passwordlink_begin(reply, 200, &json);
	json_key(&json, "data");
	json_open(&data, json.out);
	json_text(&data, "id", id);
	json_members(&data, (const char *)reading->payload,
	    reading->payload_size);
	json_string(&data, "message", reading->message,
	    reading->message_size);
	json_close(&data);
	passwordlink_end(&json, totals, false);
	explicit_bzero(id, sizeof(id));
}

static void
view(struct app *app, struct http_request *request, struct http_reply *reply)
{
	struct listing_totals	 totals;
	struct secret_reading	*reading;
	char			 address[VIEWER_ADDRESS_SIZE];
	int			 failure;

	if ((reading = app_alloc(request, reply, sizeof(*reading))) == NULL ||
	    !read_id(request, reply, reading->token) ||
	    !read_password(request, reply, &reading->proof) ||
	    !passwordlink_totals(app, request, reply, &totals))
		return;
	reading->kinds = SECRET_KIND_BIT(SECRET_SJCL);
	reading->account = request->account;
	/* The key stands in for what a page would ask of its reader. */
	reading->captcha_waived = true;
	reading->viewer.address = viewer_address(app->conf,
	    request->client_address, address);
	reading->viewer.agent = request->user_agent;
	failure = secret_open(app->site, request->arena, reading);
	if (failure != 0)
		app_fail(request, reply, failure);
	else if (reading->outcome != SECRET_OK)
		answer_outcome(request, reply, reading->outcome);
	else
		answer_view(reply, reading, &totals);
}

static void
write_views(struct json_writer *json, const struct listing_entry *entry)
{
	struct json_writer	 list, row;

	json_key(json, "views");
	json_open_list(&list, json->out);
	for (size_t i = 0; i < entry->views_count; i++) {
		json_item(&list);
		json_open(&row, json->out);
		json_time(&row, "viewed_at",
		    entry->views[i].viewed_at);
		json_text(&row, "viewed_by_ip", entry->views[i].address);
		json_text(&row, "viewed_by_user_agent",
		    entry->views[i].agent);
		json_close(&row);
	}
	json_close_list(&list);
}

static void
write_entry(struct json_writer *list, const struct listing_entry *entry,
    int64_t now)
{
	struct json_writer	 row;
	char			 id[TOKEN_BASE62_LENGTH + 1];

	token_to_base62(entry->token, id);
	json_item(list);
	json_open(&row, list->out);
	json_text(&row, "id", id);
	json_time(&row, "created_at", entry->created_at);
	json_string(&row, "message", entry->message,
	    entry->message_size);
	json_string(&row, "description", entry->description,
	    entry->description_size);
	json_bool(&row, "view_button",
	    (entry->flags & LISTING_VIEW_BUTTON) != 0);
	json_bool(&row, "captcha", (entry->flags & LISTING_CAPTCHA) != 0);
	json_bool(&row, "password", (entry->flags & LISTING_PASSWORD) != 0);
	if (entry->hours == LISTING_NO_HOURS)
		json_text(&row, "expiration", NULL);
	else
		json_integer(&row, "expiration", entry->hours);
	json_bool(&row, "expired", now >= entry->expires_at);
	json_integer(&row, "view_times", entry->view_times);
	json_integer(&row, "max_views", entry->max_views);
	write_views(&row, entry);
	json_close(&row);
	explicit_bzero(id, sizeof(id));
}

static void
list(struct app *app, struct http_request *request, struct http_reply *reply)
{
	struct listing_totals	 totals;
	struct listing_entry	*entries;
	struct json_writer	 json, rows;
	int64_t			 offset;
	size_t			 count;
	int			 failure;

	if (!passwordlink_offset(request, reply, &offset) ||
	    !passwordlink_totals(app, request, reply, &totals))
		return;
	failure = listing_page(app->site, request->arena, request->account,
	    offset, &entries, &count);
	if (failure != 0) {
		app_fail(request, reply, failure);
		return;
	}
	passwordlink_begin(reply, 200, &json);
	json_key(&json, "data");
	json_open_list(&rows, json.out);
	for (size_t i = 0; i < count; i++)
		write_entry(&rows, &entries[i], totals.now);
	json_close_list(&rows);
	passwordlink_end(&json, &totals, false);
}

static void
delete(struct app *app, struct http_request *request,
    struct http_reply *reply)
{
	struct listing_totals	 totals;
	enum secret_outcome	 outcome;
	struct json_writer	 json;
	uint8_t			 token[TOKEN_BYTES];
	int			 failure;

	if (!read_id(request, reply, token) ||
	    !passwordlink_totals(app, request, reply, &totals))
		return;
	failure = listing_delete(app->site, request->account, token,
	    &outcome);
	if (failure != 0) {
		app_fail(request, reply, failure);
		return;
	}
	if (outcome != SECRET_OK) {
		answer_outcome(request, reply, outcome);
		return;
	}
	if (totals.total > 0)
		totals.total--;
	passwordlink_begin(reply, 200, &json);
	json_text(&json, "data", NULL);
	passwordlink_end(&json, &totals, false);
}

static const struct app_route routes[] = {
	{ HTTP_POST, "/api/secrets", APP_CREATES | APP_PRIVATE_KEY,
	    APP_JSON_ANY_TYPE, body_limit_sealed, create },
	{ HTTP_GET, "/api/secrets", APP_PRIVATE_KEY, APP_NO_BODY, NULL, list },
	{ HTTP_GET, "/api/secrets/:", APP_ANY_KEY | APP_CONSUMES,
	    APP_NO_BODY, NULL, view },
	{ HTTP_DELETE, "/api/secrets/:", APP_PRIVATE_KEY, APP_NO_BODY, NULL,
	    delete },
	{ HTTP_POST, "/api/secret_requests", APP_CREATES | APP_PRIVATE_KEY,
	    APP_JSON_OR_NOTHING, body_limit_request,
	    passwordlink_requests_create },
	{ HTTP_GET, "/api/secret_requests", APP_PRIVATE_KEY, APP_NO_BODY,
	    NULL, passwordlink_requests_list },
	{ HTTP_DELETE, "/api/secret_requests/:", APP_PRIVATE_KEY, APP_NO_BODY,
	    NULL, passwordlink_requests_delete }
};

static const char *const prefixes[] = {
	"/api/secrets", "/api/secret_requests", NULL
};

const struct app_face api_passwordlink_face = {
	.name = "passwordlink",
	.bit = CONF_FACE_PASSWORDLINK,
	.prefixes = prefixes,
	.routes = routes,
	.routes_count = COUNT(routes),
	.cors = true,
	.error = passwordlink_error
};

/* SPDX-License-Identifier: ISC */
/*
 * What a secret request says over password.link's interface: its fields, its
 * row in the listing, and what is answered to each outcome.
 */

#include "web/passwordlink_requests.h"

#include <assert.h>
#include <string.h>

#include "base/address.h"
#include "base/conf.h"
#include "core/secret_request.h"
#include "web/http.h"
#include "web/json.h"
#include "web/passwordlink.h"

#define COUNT(table) (sizeof(table) / sizeof((table)[0]))

/* Where the id of /api/secret_requests/: is. */
#define SEGMENT_ID	2

struct body {
	struct json_string	 words[SECRET_REQUEST_WORDS__MAX];
	struct json_string	 announce_to;
	int64_t			 expiration;	/* hours */
	int64_t			 limit;
	int64_t			 secret_expiration;
	int64_t			 secret_max_views;
	bool			 has_expiration;
	bool			 has_secret_expiration;

	/* For the handler: what it asks of the core. */
	struct secret_request_creation creation;
};

enum {
	BODY_DESCRIPTION, BODY_MESSAGE, BODY_EXPIRATION, BODY_LIMIT,
	BODY_ANNOUNCE_TO, BODY_SEND_TO, BODY_SECRET_DESCRIPTION,
	BODY_SECRET_MESSAGE, BODY_SECRET_EXPIRATION, BODY_SECRET_PASSWORD,
	BODY_SECRET_MAX_VIEWS, BODY__MAX
};

#define TEXT(member, most, which) {					\
	.name = (member), .kind = JSON_STRING, .blank = true,		\
	.max = (most), .offset = offsetof(struct body, words[which])	\
}

/* The upper ends of the two times are a setting: see read_body. */
static const struct json_member body_members[] = {
	[BODY_DESCRIPTION] = TEXT("description", PASSWORDLINK_TEXT_BYTES,
	    SECRET_REQUEST_DESCRIPTION),
	[BODY_MESSAGE] = TEXT("message", PASSWORDLINK_TEXT_BYTES,
	    SECRET_REQUEST_MESSAGE),
	[BODY_EXPIRATION] = {
		.name = "expiration", .kind = JSON_INTEGER_OR_DIGITS,
		.blank = true, .offset = offsetof(struct body, expiration),
		.given = offsetof(struct body, has_expiration)
	},
	[BODY_LIMIT] = {
		.name = "limit", .kind = JSON_INTEGER_OR_DIGITS,
		.blank = true, .min = 1,
		.max = PASSWORDLINK_REQUESTS_LIMIT_MAX,
		.offset = offsetof(struct body, limit)
	},
	[BODY_ANNOUNCE_TO] = {
		.name = "send_request_to_email", .kind = JSON_STRING,
		.blank = true, .max = ADDRESS_MAX_LENGTH,
		.offset = offsetof(struct body, announce_to)
	},
	[BODY_SEND_TO] = TEXT("send_to_email", ADDRESS_MAX_LENGTH,
	    SECRET_REQUEST_SEND_TO),
	[BODY_SECRET_DESCRIPTION] = TEXT("secret_description",
	    PASSWORDLINK_TEXT_BYTES, SECRET_REQUEST_SECRET_DESCRIPTION),
	[BODY_SECRET_MESSAGE] = TEXT("secret_message",
	    PASSWORDLINK_TEXT_BYTES, SECRET_REQUEST_SECRET_MESSAGE),
	[BODY_SECRET_EXPIRATION] = {
		.name = "secret_expiration", .kind = JSON_INTEGER_OR_DIGITS,
		.blank = true,
		.offset = offsetof(struct body, secret_expiration),
		.given = offsetof(struct body, has_secret_expiration)
	},
	[BODY_SECRET_PASSWORD] = TEXT("secret_password",
	    PASSWORDLINK_PASSWORD_MAX, SECRET_REQUEST_SECRET_PASSWORD),
	[BODY_SECRET_MAX_VIEWS] = {
		.name = "secret_max_views", .kind = JSON_INTEGER_OR_DIGITS,
		.blank = true, .min = 1, .max = PASSWORDLINK_VIEWS_MAX,
		.offset = offsetof(struct body, secret_max_views)
	}
};
static_assert(COUNT(body_members) == BODY__MAX, "one row a member");

/* The outcomes that are no success, but for NO_ADDRESS, which has a field. */
static const struct {
	int		 status;
	const char	*what;
} outcomes[] = {
	[SECRET_REQUEST_OK] = { 0, NULL },
	[SECRET_REQUEST_NOT_FOUND] = { 404, "Secret request not found" },
	/* The key was taken away since it was looked at. */
	[SECRET_REQUEST_NO_ACCOUNT] = { 403,
		"This call needs a private API key" },
	[SECRET_REQUEST_NO_ALLOWANCE] = { 403, "The account has made as many "
		"secret requests as it may this month" },
	[SECRET_REQUEST_NO_ADDRESS] = { 422, "Mail cannot be sent" },
	[SECRET_REQUEST_PART_MISSING] = { 0, NULL },
	[SECRET_REQUEST_PART_UNWANTED] = { 0, NULL },
	[SECRET_REQUEST_TOO_MANY] = { 0, NULL }
};
static_assert(COUNT(outcomes) == SECRET_REQUEST_OUTCOME__MAX,
    "one row an outcome");

static void
answer_outcome(struct http_request *request, struct http_reply *reply,
    enum secret_request_outcome outcome)
{
	if (outcomes[outcome].status == 0)
		app_fail(request, reply, app_impossible(request, "outcome"));
	else
		passwordlink_refuse(reply, outcomes[outcome].status, NULL,
		    outcomes[outcome].what);
}

/* Is this one address, and can mail be sent? */
static bool
check_address(struct app *app, struct http_reply *reply, const char *field,
    const struct json_string *address)
{
	if (address->bytes == NULL)
		return true;
	if (!address_is_mail(address->bytes, address->length)) {
		passwordlink_refuse(reply, 422, field,
		    "must be one mail address");
		return false;
	}
	if (*app->conf->site_url == '\0') {
		passwordlink_refuse(reply, 422, field, "cannot be used, since "
		    "this site does not send mail");
		return false;
	}
	return true;
}

static bool
check_words(struct app *app, struct http_reply *reply,
    const struct body *body)
{
	static const struct {
		size_t				 member;
		enum secret_request_words	 which;
	} texts[] = {
		{ BODY_DESCRIPTION, SECRET_REQUEST_DESCRIPTION },
		{ BODY_MESSAGE, SECRET_REQUEST_MESSAGE },
		{ BODY_SECRET_DESCRIPTION,
		    SECRET_REQUEST_SECRET_DESCRIPTION },
		{ BODY_SECRET_MESSAGE, SECRET_REQUEST_SECRET_MESSAGE }
	};

	for (size_t i = 0; i < COUNT(texts); i++)
		if (!passwordlink_is_text(reply,
		    body_members[texts[i].member].name,
		    &body->words[texts[i].which]))
			return false;
	return check_address(app, reply, "send_request_to_email",
	    &body->announce_to) && check_address(app, reply, "send_to_email",
	    &body->words[SECRET_REQUEST_SEND_TO]);
}

/* What the body says, checked; none says nothing.  NULL when it was
 * refused. */
static struct body *
read_body(struct app *app, struct http_request *request,
    struct http_reply *reply)
{
	struct json_member	 members[BODY__MAX];
	struct json_error	 error;
	struct body		*body;

	if ((body = app_alloc(request, reply, sizeof(*body))) == NULL)
		return NULL;
	body->limit = body->secret_max_views = 1;
	if (request->body_size == 0)
		return body;
	memcpy(members, body_members, sizeof(members));
	members[BODY_EXPIRATION].max = passwordlink_hours(app->conf);
	members[BODY_SECRET_EXPIRATION].max = passwordlink_hours(app->conf);
	if (json_read(request->arena, request->body, request->body_size,
	    members, COUNT(members), JSON_IGNORE_EXTRAS, body, &error) == -1) {
		passwordlink_fault(request, reply, &error);
		return NULL;
	}
	return check_words(app, reply, body) ? body : NULL;
}

static void
describe(struct body *body)
{
	struct secret_request	*request = &body->creation.request;

	for (size_t i = 0; i < SECRET_REQUEST_WORDS__MAX; i++) {
		request->words[i].bytes = body->words[i].bytes;
		request->words[i].length = body->words[i].length;
	}
	request->hours = body->has_expiration ? (int32_t)body->expiration :
	    SECRET_REQUEST_NO_HOURS;
	request->limit = (uint32_t)body->limit;
	request->secret_hours = body->has_secret_expiration ?
	    (int32_t)body->secret_expiration : SECRET_REQUEST_NO_HOURS;
	request->secret_views = (uint32_t)body->secret_max_views;
	body->creation.announce_to = body->announce_to.bytes;
}

void
passwordlink_requests_create(struct app *app, struct http_request *request,
    struct http_reply *reply)
{
	struct listing_totals	 totals;
	struct json_writer	 json, data;
	struct body		*body;
	char			 id[TOKEN_UUID_LENGTH + 1];
	int			 failure;

	if ((body = read_body(app, request, reply)) == NULL ||
	    !passwordlink_totals(app, request, reply, &totals))
		return;
	describe(body);
	body->creation.account = request->account;
	body->creation.lifetime = passwordlink_lifetime(app->conf,
	    body->expiration);
	failure = secret_request_create(app->site, request->arena,
	    &body->creation);
	if (failure != 0) {
		app_fail(request, reply, failure);
		return;
	}
	if (body->creation.outcome != SECRET_REQUEST_OK) {
		answer_outcome(request, reply, body->creation.outcome);
		return;
	}
	totals.request_total++;
	token_to_uuid(body->creation.token, id);
	passwordlink_begin(reply, 201, &json);
	json_key(&json, "data");
	json_open(&data, json.out);
	json_text(&data, "id", id);
	json_close(&data);
	passwordlink_end(&json, &totals, true);
	explicit_bzero(id, sizeof(id));
}

static void
put_words(struct json_writer *row, const char *name,
    const struct secret_request *request, enum secret_request_words which)
{
	json_string(row, name, request->words[which].bytes,
	    request->words[which].length);
}

static void
put_hours(struct json_writer *row, const char *name, int32_t hours)
{
	if (hours == SECRET_REQUEST_NO_HOURS)
		json_text(row, name, NULL);
	else
		json_integer(row, name, hours);
}

static void
write_entry(struct json_writer *list,
    const struct secret_request_entry *entry)
{
	const struct secret_request *request = &entry->request;
	struct json_writer	 row;
	char			 id[TOKEN_UUID_LENGTH + 1];

	token_to_uuid(entry->token, id);
	json_item(list);
	json_open(&row, list->out);
	json_text(&row, "id", id);
	put_words(&row, "description", request, SECRET_REQUEST_DESCRIPTION);
	put_words(&row, "message", request, SECRET_REQUEST_MESSAGE);
	put_hours(&row, "expiration", request->hours);
	json_integer(&row, "limit", request->limit);
	put_words(&row, "send_to_email", request, SECRET_REQUEST_SEND_TO);
	put_words(&row, "secret_description", request,
	    SECRET_REQUEST_SECRET_DESCRIPTION);
	put_words(&row, "secret_message", request,
	    SECRET_REQUEST_SECRET_MESSAGE);
	put_hours(&row, "secret_expiration", request->secret_hours);
	json_integer(&row, "secret_max_views", request->secret_views);
	json_bool(&row, "secret_password",
	    request->words[SECRET_REQUEST_SECRET_PASSWORD].bytes != NULL);
	json_text(&row, "template_id", NULL);
	json_close(&row);
	explicit_bzero(id, sizeof(id));
}

void
passwordlink_requests_list(struct app *app, struct http_request *request,
    struct http_reply *reply)
{
	struct secret_request_entry *entries;
	struct listing_totals	 totals;
	struct json_writer	 json, rows;
	int64_t			 offset;
	size_t			 count;
	int			 failure;

	if (!passwordlink_offset(request, reply, &offset) ||
	    !passwordlink_totals(app, request, reply, &totals))
		return;
	failure = secret_request_page(app->site, request->arena,
	    request->account, offset, &entries, &count);
	if (failure != 0) {
		app_fail(request, reply, failure);
		return;
	}
	passwordlink_begin(reply, 200, &json);
	json_key(&json, "data");
	json_open_list(&rows, json.out);
	for (size_t i = 0; i < count; i++)
		write_entry(&rows, &entries[i]);
	json_close_list(&rows);
	passwordlink_end(&json, &totals, true);
}

void
passwordlink_requests_delete(struct app *app, struct http_request *request,
    struct http_reply *reply)
{
	const struct http_segment *id = &request->segments[SEGMENT_ID];
	enum secret_request_outcome outcome = SECRET_REQUEST_NOT_FOUND;
	struct listing_totals	 totals;
	struct json_writer	 json;
	uint8_t			 token[TOKEN_BYTES];
	int			 failure = 0;

	if (!token_from_uuid(token, id->bytes, id->length)) {
		answer_outcome(request, reply, outcome);
		return;
	}
	if (!passwordlink_totals(app, request, reply, &totals))
		return;
	failure = secret_request_delete(app->site, request->account, token,
	    &outcome);
	if (failure != 0) {
		app_fail(request, reply, failure);
		return;
	}
	if (outcome != SECRET_REQUEST_OK) {
		answer_outcome(request, reply, outcome);
		return;
	}
	if (totals.request_total > 0)
		totals.request_total--;
	passwordlink_begin(reply, 200, &json);
	json_text(&json, "data", NULL);
	passwordlink_end(&json, &totals, true);
}

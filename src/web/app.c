/* SPDX-License-Identifier: ISC */
/*
 * The way of a request from the transport to a handler: which face, which
 * route, and all that is refused before a handler runs.  Only this file knows
 * the list of faces.
 */
#include <assert.h>
#include <errno.h>
#include <string.h>

#include "base/arena.h"
#include "base/conf.h"
#include "base/log.h"
#include "core/account.h"
#include "store/store.h"
#include "web/api_native.h"
#include "web/api_onetime.h"
#include "web/api_openapi.h"
#include "web/api_passwordlink.h"
#include "web/api_safesecrets.h"
#include "web/app.h"
#include "web/client.h"

static const struct app_face *const faces[] = {
	&api_safesecrets_face,
	&api_onetime_face,
	&api_passwordlink_face,
	&api_native_face,
	&api_openapi_face
};

static const struct {
	int		 status;
	const char	*text;
} errors[] = {
	[APP_NOT_FOUND] = { 404, "there is nothing at this address" },
	[APP_METHOD_NOT_ALLOWED] = { 405,
	    "this address does not take this method" },
	[APP_CREATE_NOT_ALLOWED] = { 403,
	    "this site does not let everybody make secrets" },
	[APP_KEY_NEEDED] = { 403, "this call needs an API key" },
	[APP_PRIVATE_KEY_NEEDED] = { 403,
	    "this call needs a private API key" },
	[APP_LENGTH_REQUIRED] = { 411, "Content-Length is missing" },
	[APP_TOO_LARGE] = { 413, "the request is too large" },
	[APP_SHORT_BODY] = { 400,
	    "the body is shorter than Content-Length says" },
	[APP_BAD_LENGTH] = { 400, "Content-Length is not a number" },
	[APP_WRONG_TYPE] = { 415,
	    "this address does not take this Content-Type" },
	[APP_PREFETCH] = { 503,
	    "this address uses a secret up and is not fetched in advance" },
	[APP_FAILED] = { 500, "the server failed" },
	[APP_BUSY] = { 503, "the server is busy: try again" },
	[APP_FULL] = { 507, "the server has no room for more" },
	[APP_TOO_MANY] = { 429,
	    "too much was made from this network: try again later" },
	[APP_WHOSE] = { 400,
	    "X-Forwarded-For is given more than once" }
};
static_assert(sizeof(errors) / sizeof(errors[0]) == APP_ERROR__MAX,
    "a status for each error");

int
app_error_status(enum app_error error)
{
	return errors[error].status;
}

const char *
app_error_text(enum app_error error)
{
	return errors[error].text;
}

int
app_init(struct app *app, struct site *site, const struct conf *conf)
{
	memset(app, 0, sizeof(*app));
	app->site = site;
	app->conf = conf;
	if (apart_add(&app->apart, conf->state_dir) == -1)
		return -1;
	/* With SIGN_KEY there need be no key file. */
	if (conf->key_file != NULL &&
	    apart_add(&app->apart, conf->key_file) == -1 && errno != ENOENT)
		return -1;
	return 0;
}

static void
begin_anew(struct http_request *request, struct http_reply *reply)
{
	bool head_only = reply->head_only;

	http_reply_init(reply, request->arena);
	reply->head_only = head_only;
}

/* When even the words of an error find no memory. */
static void
answer_bare(struct http_request *request, struct http_reply *reply)
{
	begin_anew(request, reply);
	http_begin(reply, 500, NULL);
}

/* wait: seconds. */
static void
refuse_for(struct http_request *request, struct http_reply *reply,
    enum app_error error, int64_t wait)
{
	struct buf	 text;

	begin_anew(request, reply);
	reply->wait = wait;
	request->face->error(reply, error);
	buf_init(&text, request->arena);
	buf_printf(&text, "%lld", (long long)wait);
	buf_append(&text, "", 1);
	http_header(reply, "Retry-After", text.failed ? "1" :
	    (const char *)text.data);
}

void
app_refuse(struct http_request *request, struct http_reply *reply,
    enum app_error error)
{
	if (error == APP_BUSY) {
		refuse_for(request, reply, error, 1);
		return;
	}
	begin_anew(request, reply);
	request->face->error(reply, error);
}

void
app_too_many(struct http_request *request, struct http_reply *reply,
    int64_t wait)
{
	refuse_for(request, reply, APP_TOO_MANY,
	    wait < 1000 ? 1 : (wait + 999) / 1000);
}

void
app_fail(struct http_request *request, struct http_reply *reply, int failure)
{
	switch (failure) {
	case STORE_BUSY:
		app_refuse(request, reply, APP_BUSY);
		break;
	case STORE_FULL:
		app_refuse(request, reply, APP_FULL);
		break;
	default:
		app_refuse(request, reply, APP_FAILED);
		break;
	}
}

void
app_hand_over(struct http_request *request, struct http_reply *reply,
    const struct app_face *face, enum app_error error)
{
	request->face = face;
	app_refuse(request, reply, error);
}

int
app_impossible(const struct http_request *request, const char *reason)
{
	log_event(LOG_REQUEST_FAILED, LOG_TEXT("where", request->face->name),
	    LOG_TEXT("reason", reason));
	return STORE_FAILED;
}

void
app_no_memory(struct http_request *request, struct http_reply *reply)
{
	log_event(LOG_NO_MEMORY, LOG_TEXT("where", request->face->name));
	app_refuse(request, reply, APP_FAILED);
}

void *
app_alloc(struct http_request *request, struct http_reply *reply, size_t size)
{
	void *memory;

	if ((memory = arena_alloc(request->arena, size)) == NULL)
		app_no_memory(request, reply);
	return memory;
}

/* Does the path begin with (whole: is it) these segments, `:` being any? */
static bool
match(const struct http_request *request, const char *path, bool whole)
{
	const struct http_segment *segment;
	size_t i, length;

	for (i = 0; *path == '/'; i++, path += length) {
		path++;
		length = strcspn(path, "/");
		if (i == request->segments_count)
			return false;
		segment = &request->segments[i];
		if (length == 1 && *path == ':')
			continue;
		if (segment->length != length ||
		    memcmp(segment->bytes, path, length) != 0)
			return false;
	}
	return !whole || i == request->segments_count;
}

#define FACES (sizeof(faces) / sizeof(faces[0]))

static bool
has_path(const struct app_face *face, const struct http_request *request)
{
	const char *const *prefix;

	for (prefix = face->prefixes; *prefix != NULL; prefix++)
		if (match(request, *prefix, false))
			return true;
	return false;
}

static bool
is_on(const struct conf *conf, const struct app_face *face)
{
	return face->bit == 0 || (conf->faces & face->bit) != 0;
}

/* What a face leaves to another is still its own where there is no other. */
static const struct app_face *
find_face(const struct conf *conf, const struct http_request *request)
{
	const struct app_face *left = NULL;
	size_t i;

	for (i = 0; i < FACES; i++) {
		if (!is_on(conf, faces[i]) || !has_path(faces[i], request))
			continue;
		if (faces[i]->takes == NULL || faces[i]->takes(request))
			return faces[i];
		if (left == NULL)
			left = faces[i];
	}
	return left;
}

/* HEAD is a GET without its body, but for a GET that uses up. */
static bool
answers(const struct app_route *route, enum http_method method)
{
	if (method == HTTP_HEAD)
		return route->method == HTTP_GET &&
		    (route->flags & APP_CONSUMES) == 0;
	return route->method == method;
}

/* The methods that a face has at this path, one bit each. */
static unsigned int
methods(const struct app_face *face, const struct http_request *request)
{
	enum http_method method;
	unsigned int found = 0;
	size_t i;

	for (i = 0; i < face->routes_count; i++) {
		if (!match(request, face->routes[i].path, true))
			continue;
		for (method = 0; method < HTTP_OTHER; method++)
			if (answers(&face->routes[i], method))
				found |= 1u << method;
	}
	return found;
}

/* The same of all faces; OPTIONS is there where anything is. */
static unsigned int
allowed_methods(const struct conf *conf, const struct http_request *request)
{
	unsigned int allowed = 0;
	size_t i;

	for (i = 0; i < FACES; i++)
		if (is_on(conf, faces[i]))
			allowed |= methods(faces[i], request);
	return allowed == 0 ? 0 : allowed | 1u << HTTP_OPTIONS;
}

static const struct app_route *
find_route(const struct http_request *request)
{
	const struct app_face *face = request->face;
	size_t i;

	for (i = 0; i < face->routes_count; i++)
		if (answers(&face->routes[i], request->method) &&
		    match(request, face->routes[i].path, true))
			return &face->routes[i];
	return NULL;
}

static void
add_allow(struct http_request *request, struct http_reply *reply,
    unsigned int allowed)
{
	enum http_method method;
	struct buf list;

	buf_init(&list, request->arena);
	for (method = 0; method < HTTP_OTHER; method++) {
		if ((allowed & 1u << method) == 0)
			continue;
		if (list.len > 0)
			buf_text(&list, ", ");
		buf_text(&list, http_method_name(method));
	}
	buf_append(&list, "", 1);
	if (list.failed)
		answer_bare(request, reply);
	else
		http_header(reply, "Allow", (const char *)list.data);
}

static void
answer_options(struct http_request *request, struct http_reply *reply,
    unsigned int allowed)
{
	http_begin(reply, 204, NULL);
	if (request->face->cors) {
		http_header(reply, "Access-Control-Allow-Methods",
		    "GET, POST, DELETE");
		http_header(reply, "Access-Control-Allow-Headers",
		    "Authorization, Content-Type, X-Secret-Password");
		http_header(reply, "Access-Control-Max-Age", "86400");
	}
	add_allow(request, reply, allowed);
}

static bool
has_right_type(const struct app_route *route, const char *content_type)
{
	switch (route->body) {
	case APP_JSON:
		return http_is_type(content_type, HTTP_JSON_TYPE);
	case APP_FRAME:
		return http_is_type(content_type, HTTP_FRAME_TYPE);
	case APP_NO_BODY:
	case APP_JSON_ANY_TYPE:
	case APP_JSON_OR_NOTHING:
		break;
	}
	return true;
}

/* Where no length is said, nothing may come: what comes in chunks is not to be
 * taken for nothing. */
static bool
has_no_body(const struct http_request *request)
{
	uint8_t byte;

	return request->content_length == HTTP_LENGTH_ABSENT &&
	    request->read_body(request->transport, &byte, 1) == 0;
}

/* Read the whole body, or say in error why not. */
static bool
read_body(struct app *app, const struct app_route *route,
    struct http_request *request, enum app_error *error)
{
	int64_t length = request->content_length;
	size_t size;

	if (!has_right_type(route, request->content_type)) {
		*error = APP_WRONG_TYPE;
		return false;
	}
	if (route->body == APP_JSON_OR_NOTHING && has_no_body(request))
		length = 0;
	if (length < 0) {
		*error = length == HTTP_LENGTH_ABSENT ? APP_LENGTH_REQUIRED :
		    APP_BAD_LENGTH;
		return false;
	}
	if (length > route->body_limit(app->conf)) {
		*error = APP_TOO_LARGE;
		return false;
	}
	size = (size_t)length;
	if ((request->body = arena_alloc(request->arena, size + 1)) == NULL) {
		log_event(LOG_NO_MEMORY, LOG_TEXT("where", "app"));
		*error = APP_FAILED;
		return false;
	}
	request->body_size = size;
	if (size > 0 && request->read_body(request->transport, request->body,
	    size) != size) {
		*error = APP_SHORT_BODY;
		return false;
	}
	return true;
}

/* May secrets be made by whom this route is for, if it makes any? */
static bool
may_create(const struct app *app, const struct app_route *route)
{
	if ((route->flags & APP_FILLS) != 0)
		return app->conf->create != CONF_CREATE_NOBODY;
	if ((route->flags & APP_CREATES) == 0)
		return true;
	return app->conf->create == CONF_CREATE_ANYONE ||
	    (app->conf->create == CONF_CREATE_KEYS &&
	    (route->flags & APP_PRIVATE_KEY) != 0);
}

/* Whose key the request shows; false when it was refused. */
static bool
check_key(struct app *app, const struct app_route *route,
    struct http_request *request, struct http_reply *reply)
{
	struct account_caller caller;
	int failure;

	if ((route->flags & (APP_PRIVATE_KEY | APP_ANY_KEY)) == 0)
		return true;
	failure = account_key_authenticate(app->site, request->authorization,
	    &caller);
	if (failure != 0) {
		app_fail(request, reply, failure);
		return false;
	}
	if (caller.account == 0) {
		app_refuse(request, reply, APP_KEY_NEEDED);
		return false;
	}
	if ((route->flags & APP_ANY_KEY) == 0 && !caller.private) {
		app_refuse(request, reply, APP_PRIVATE_KEY_NEEDED);
		return false;
	}
	request->account = caller.account;
	return true;
}

static void
run_route(struct app *app, const struct app_route *route,
    struct http_request *request, struct http_reply *reply)
{
	enum app_error error;

	if ((route->flags & APP_CONSUMES) != 0 && http_is_prefetch(request))
		app_refuse(request, reply, APP_PREFETCH);
	else if (!may_create(app, route))
		app_refuse(request, reply, APP_CREATE_NOT_ALLOWED);
	else if (!check_key(app, route, request, reply))
		return;
	else if (route->body != APP_NO_BODY &&
	    !read_body(app, route, request, &error))
		app_refuse(request, reply, error);
	else
		route->handler(app, request, reply);
}

static void
answer(struct app *app, struct http_request *request,
    struct http_reply *reply)
{
	const struct app_route *route;
	unsigned int allowed;
	int split;

	/* Paths that belong to nobody are refused in the native form. */
	split = http_split_uri(request, app->conf->path_prefix);
	if ((request->face = find_face(app->conf, request)) == NULL) {
		request->face = &api_native_face;
		if (split == 0)
			split = 1;
	}
	if (split == -1) {
		app_no_memory(request, reply);
		return;
	}
	if (!apart_allows(&app->apart, request->document_root)) {
		app_refuse(request, reply, APP_FAILED);
		return;
	}
	if (request->client_address == NULL) {
		app_refuse(request, reply, APP_WHOSE);
		return;
	}
	if (split == 1) {
		app_refuse(request, reply, APP_NOT_FOUND);
		return;
	}
	route = find_route(request);
	allowed = allowed_methods(app->conf, request);
	if (allowed == 0)
		app_refuse(request, reply, APP_NOT_FOUND);
	else if (route != NULL)
		run_route(app, route, request, reply);
	else if (request->method == HTTP_OPTIONS)
		answer_options(request, reply, allowed);
	else {
		app_refuse(request, reply, APP_METHOD_NOT_ALLOWED);
		add_allow(request, reply, allowed);
	}
}

void
app_handle(struct app *app, struct http_request *request,
    struct http_reply *reply)
{
	http_reply_init(reply, request->arena);
	reply->head_only = request->method == HTTP_HEAD;
	request->body = NULL;
	request->body_size = 0;
	request->account = 0;
	request->client_address = client_address(app->conf, request);

	answer(app, request, reply);
	if (reply->body.failed) {
		log_event(LOG_NO_MEMORY, LOG_TEXT("where", "app"));
		app_refuse(request, reply, APP_FAILED);
		if (reply->body.failed)
			answer_bare(request, reply);
	}
	if (request->face->cors)
		http_header(reply, "Access-Control-Allow-Origin", "*");
}

/* SPDX-License-Identifier: ISC */
/*
 * Our own HTTP interface, for our pages and our command line: frames and
 * JSON over the rules of secrets and receipts.
 */

#include "web/api_native.h"

#include <assert.h>
#include <string.h>

#include "base/conf.h"
#include "core/listing.h"
#include "core/receipt.h"
#include "core/secret.h"
#include "core/site.h"
#include "core/viewer.h"
#include "web/body_limit.h"
#include "web/http.h"
#include "web/json.h"
#include "web/json_read.h"
#include "web/native_call.h"
#include "web/native_requests.h"
#include "web/problem.h"

#define COUNT(table) (sizeof(table) / sizeof((table)[0]))

/* How each outcome but SECRET_OK is answered, and the field it is about. */
static const struct {
	enum problem	 problem;
	const char	*field;
	const char	*detail;
} outcomes[] = {
	[SECRET_OK] = { PROBLEM_FAILED, NULL, NULL },
	[SECRET_NOT_FOUND] = { PROBLEM_NOT_FOUND, NULL, NULL },
	[SECRET_OVER] = { PROBLEM_GONE, NULL, NULL },
	[SECRET_WRONG_PIN] = { PROBLEM_WRONG_PIN, NULL, NULL },
	[SECRET_NOW_LOCKED] = { PROBLEM_WRONG_PIN, NULL,
		"The PIN was not the right one, and that was the last try. "
		"The secret is destroyed; ask the sender for a new one." },
	[SECRET_PIN_REQUIRED] = { PROBLEM_PIN_REQUIRED, NULL, NULL },
	[SECRET_PIN_NOT_GATE] = { PROBLEM_INVALID_FIELD, "gate",
		"This secret takes `pin`, not `gate`. No attempt was used and "
		"nothing lost; send the PIN as it was typed." },
	[SECRET_GATE_NOT_PIN] = { PROBLEM_INVALID_FIELD, "pin",
		"This secret takes `gate`, not `pin`. No attempt was used and "
		"nothing lost; derive the gate value from link and PIN." },
	[SECRET_PIN_MISFIT] = { PROBLEM_INVALID_FIELD, "pin",
		"The PIN has not as many characters as the PINs of this site. "
		"No attempt was used and nothing lost; check the PIN and try "
		"again." },
	[SECRET_CAPTCHA_REQUIRED] = { PROBLEM_CAPTCHA_REQUIRED, NULL, NULL },
	[SECRET_EXISTS] = { PROBLEM_CONFLICT, NULL, NULL },
	/* Nothing is made for an account here. */
	[SECRET_NO_ACCOUNT] = { PROBLEM_FAILED, NULL, NULL },
	[SECRET_NO_ALLOWANCE] = { PROBLEM_FAILED, NULL, NULL },
	[SECRET_REFUSED] = { PROBLEM_FAILED, NULL, NULL },
	[SECRET_TOO_MANY] = { PROBLEM_QUOTA, NULL, NULL }
};
static_assert(COUNT(outcomes) == SECRET_OUTCOME__MAX, "one row an outcome");

static const char *const creators[] = {
	[CONF_CREATE_ANYONE] = "anyone",
	[CONF_CREATE_KEYS] = "keys",
	[CONF_CREATE_NOBODY] = "nobody"
};
static_assert(COUNT(creators) == CONF_CREATE__MAX, "one word a setting");

static const char *
kind_name(enum secret_kind kind)
{
	switch (kind) {
	case SECRET_SAFESECRETS:
	case SECRET_ONETIME:
		return "text";
	case SECRET_SJCL:
		return "sjcl";
	case SECRET_V2:
		break;
	}
	return "v2";
}

static void
answer_outcome(struct http_reply *reply, enum secret_outcome outcome,
    const struct secret_facts *facts)
{
	struct problem_extras	 extras = {
		.detail = outcomes[outcome].detail,
		.field = outcomes[outcome].field
	};

	if (outcome == SECRET_WRONG_PIN || outcome == SECRET_NOW_LOCKED ||
	    outcome == SECRET_PIN_REQUIRED)
		extras.attempts = facts;
	if (outcome == SECRET_OVER)
		extras.end = facts;
	problem_reply(reply, outcomes[outcome].problem, &extras);
}

static void
create(struct app *app, struct http_request *request,
    struct http_reply *reply)
{
	struct secret_creation	*creation;
	struct json_writer	 json;
	struct native_call	*call;
	int			 failure;

	call = native_call_read(app, request, reply, NATIVE_CALL_CREATE);
	if (call == NULL)
		return;
	creation = &call->creation;
	memcpy(creation->token, call->id, sizeof(creation->token));
	creation->token_given = true;
	creation->kind = SECRET_V2;
	creation->proof.gate = call->has_gate ? call->gate : NULL;
	creation->receipt = call->receipt;
	creation->payload = call->envelope;
	creation->payload_size = call->envelope_size;
	creation->lifetime = call->expires_in * 1000;
	creation->views = (uint32_t)call->views;
	creation->attempts = (uint32_t)call->attempts;
	creation->client = request->client_address;
	failure = secret_create(app->site, request->arena, creation);
	if (failure != 0) {
		app_fail(request, reply, failure);
		return;
	}
	if (creation->outcome == SECRET_TOO_MANY) {
		app_too_many(request, reply, creation->wait);
		return;
	}
	if (creation->outcome != SECRET_OK) {
		answer_outcome(reply, creation->outcome, NULL);
		return;
	}
	http_begin(reply, 201, HTTP_JSON_TYPE);
	json_open(&json, &reply->body);
	json_time(&json, "expires_at", creation->expires_at);
	json_close(&json);
}

/* A challenge for who reads by the link, and has no claim yet; or null. */
static void
put_captcha(struct app *app, struct json_writer *json,
    struct native_call *call)
{
	const struct secret_facts *facts = &call->reading.facts;
	struct captcha		*captcha = &call->captcha;
	struct json_writer	 inner;

	if ((facts->listing_flags & LISTING_CAPTCHA) == 0 || facts->claimed) {
		json_text(json, "captcha", NULL);
		return;
	}
	secret_challenge(app->site, call->id, captcha);
	json_key(json, "captcha");
	json_open(&inner, json->out);
	json_base64url(&inner, "salt", captcha->salt, sizeof(captcha->salt));
	json_integer(&inner, "bits", captcha->bits);
	json_integer(&inner, "expires_at", captcha->expires_at);
	json_base64url(&inner, "mac", captcha->mac, sizeof(captcha->mac));
	json_close(&inner);
}

static void
peek(struct app *app, struct http_request *request, struct http_reply *reply)
{
	const struct secret_facts *facts;
	struct secret_reading	*reading;
	struct json_writer	 json;
	struct native_call	*call;
	int			 failure;

	call = native_call_read(app, request, reply, NATIVE_CALL_PEEK);
	if (call == NULL)
		return;
	reading = &call->reading;
	memcpy(reading->token, call->id, sizeof(reading->token));
	reading->kinds = SECRET_KINDS_ALL;
	reading->proof.claim = call->has_claim ? call->claim : NULL;
	if ((failure = secret_peek(app->site, reading)) != 0) {
		app_fail(request, reply, failure);
		return;
	}
	facts = &reading->facts;
	if (reading->outcome != SECRET_OK) {
		answer_outcome(reply, reading->outcome, facts);
		return;
	}
	http_begin(reply, 200, HTTP_JSON_TYPE);
	json_open(&json, &reply->body);
	json_text(&json, "kind", kind_name(facts->kind));
	json_time(&json, "expires_at", facts->expires_at);
	json_integer(&json, "bytes", (int64_t)facts->bytes);
	json_integer(&json, "views_left", facts->views_left);
	json_integer(&json, "attempts_left", facts->attempts_left);
	json_bool(&json, "gate", facts->gated);
	json_bool(&json, "claimed", facts->claimed);
	json_bool(&json, "view_button",
	    (facts->listing_flags & LISTING_VIEW_BUTTON) != 0);
	put_captcha(app, &json, call);
	json_close(&json);
}

static void
open_secret(struct app *app, struct http_request *request,
    struct http_reply *reply)
{
	struct secret_reading	*reading;
	struct json_writer	 json;
	struct native_call	*call;
	char			 address[VIEWER_ADDRESS_SIZE];
	int			 failure;

	call = native_call_read(app, request, reply, NATIVE_CALL_OPEN);
	if (call == NULL)
		return;
	reading = &call->reading;
	memcpy(reading->token, call->id, sizeof(reading->token));
	reading->kinds = SECRET_KINDS_ALL;
	reading->proof.gate = call->has_gate ? call->gate : NULL;
	reading->proof.pin = call->has_pin ? call->pin.bytes : NULL;
	reading->proof.pin_length = call->pin.length;
	reading->proof.claim = call->has_claim ? call->claim : NULL;
	if (call->has_captcha) {
		call->solution = (struct secret_solution){
			&call->captcha, call->captcha_number
		};
		reading->solution = &call->solution;
	}
	reading->viewer.address = viewer_address(app->conf,
	    request->client_address, address);
	reading->viewer.agent = request->user_agent;
	failure = secret_open(app->site, request->arena, reading);
	if (failure != 0) {
		app_fail(request, reply, failure);
		return;
	}
	if (reading->outcome != SECRET_OK) {
		answer_outcome(reply, reading->outcome, &reading->facts);
		return;
	}
	http_begin(reply, 200, HTTP_FRAME_TYPE);
	json_open(&json, &reply->body);
	json_text(&json, "kind", kind_name(reading->facts.kind));
	json_integer(&json, "views_left", reading->facts.views_left);
	json_time(&json, "claim_until", reading->claim_until);
	json_string(&json, "message", reading->message,
	    reading->message_size);
	json_close(&json);
	buf_append(&reply->body, "\n", 1);
	reply->tail = reading->payload;
	reply->tail_size = reading->payload_size;
}

static void
ack(struct app *app, struct http_request *request, struct http_reply *reply)
{
	struct native_call	*call;
	int			 failure;

	call = native_call_read(app, request, reply, NATIVE_CALL_ACK);
	if (call == NULL)
		return;
	if ((failure = secret_ack(app->site, call->id, call->claim)) != 0)
		app_fail(request, reply, failure);
	else
		http_begin(reply, 204, NULL);
}

static void
knock(struct app *app, struct http_request *request, struct http_reply *reply)
{
	struct native_call	*call;
	int			 failure;

	call = native_call_read(app, request, reply, NATIVE_CALL_KNOCK);
	if (call == NULL)
		return;
	if ((failure = receipt_knock(app->site, call->id)) != 0)
		app_fail(request, reply, failure);
	else
		http_begin(reply, 204, NULL);
}

static void
answer_receipt(struct app *app, struct http_request *request,
    struct http_reply *reply, int (*act)(struct site *,
    const uint8_t *, enum secret_outcome *, struct secret_facts *))
{
	enum secret_outcome	 outcome;
	struct secret_facts	 facts;
	struct json_writer	 json;
	struct native_call	*call;
	char			 knocked[HTTP_TIME_SIZE];
	int			 failure;

	call = native_call_read(app, request, reply, NATIVE_CALL_RECEIPT);
	if (call == NULL)
		return;
	if ((failure = act(app->site, call->receipt, &outcome, &facts)) != 0) {
		app_fail(request, reply, failure);
		return;
	}
	if (outcome != SECRET_OK) {
		answer_outcome(reply, outcome, &facts);
		return;
	}
	problem_minute(facts.knocked_at, knocked);
	http_begin(reply, 200, HTTP_JSON_TYPE);
	json_open(&json, &reply->body);
	json_text(&json, "state", problem_state(facts.state));
	json_time(&json, "created_at", facts.created_at);
	json_time(&json, "expires_at", facts.expires_at);
	json_time(&json, "changed_at", facts.changed_at);
	json_integer(&json, "views_left", facts.views_left);
	json_integer(&json, "knocks", facts.knocks);
	json_text(&json, "last_knock", facts.knocked_at == 0 ? NULL : knocked);
	json_close(&json);
}

static void
look_receipt(struct app *app, struct http_request *request,
    struct http_reply *reply)
{
	answer_receipt(app, request, reply, receipt_peek);
}

static void
burn_receipt(struct app *app, struct http_request *request,
    struct http_reply *reply)
{
	answer_receipt(app, request, reply, receipt_burn);
}

static void
params(struct app *app, struct http_request *request,
    struct http_reply *reply)
{
	const struct conf	*conf = app->conf;
	struct json_writer	 json, faces;

	(void)request;
	http_begin(reply, 200, HTTP_JSON_TYPE);
	json_open(&json, &reply->body);
	json_text(&json, "site_name", conf->site_name);
	json_text(&json, "create", creators[conf->create]);
	json_key(&json, "faces");
	json_open(&faces, &reply->body);
	json_bool(&faces, "safesecrets",
	    (conf->faces & CONF_FACE_SAFESECRETS) != 0);
	json_bool(&faces, "onetime", (conf->faces & CONF_FACE_ONETIME) != 0);
	json_bool(&faces, "passwordlink",
	    (conf->faces & CONF_FACE_PASSWORDLINK) != 0);
	json_bool(&faces, "native", (conf->faces & CONF_FACE_NATIVE) != 0);
	json_close(&faces);
	json_integer(&json, "max_line", BODY_LIMIT_LINE_MAX);
	json_integer(&json, "max_envelope", conf->max_envelope);
	json_integer(&json, "max_message", conf->max_message);
	json_integer(&json, "max_ciphertext", conf->max_ciphertext);
	json_integer(&json, "max_attachment", conf->max_attachment);
	json_integer(&json, "min_expires_in", NATIVE_CALL_EXPIRES_IN_MIN);
	json_integer(&json, "max_expires_in", conf->max_expire / 1000);
	json_integer(&json, "default_views", conf->default_views);
	json_integer(&json, "max_views", NATIVE_CALL_VIEWS_MAX);
	json_integer(&json, "default_attempts", conf->pin_attempts);
	json_integer(&json, "max_attempts", NATIVE_CALL_ATTEMPTS_MAX);
	json_integer(&json, "pin_size", conf->pin_size);
	json_integer(&json, "max_pin_bytes", NATIVE_CALL_PIN_MAX);
	json_integer(&json, "claim_seconds", conf->claim_time / 1000);
	json_integer(&json, "keep_receipts", conf->keep_receipts / 1000);
	json_integer(&json, "safesecrets_max_expires_in",
	    conf->safesecrets_max_expire / 1000);
	json_close(&json);
}

/* The one question is whether asking again later may help. */
static void
health(struct app *app, struct http_request *request,
    struct http_reply *reply)
{
	struct json_writer	 json;

	if (site_healthy(app->site) != 0) {
		app_fail(request, reply, STORE_BUSY);
		return;
	}
	http_begin(reply, 200, HTTP_JSON_TYPE);
	json_open(&json, &reply->body);
	json_text(&json, "status", "ok");
	json_close(&json);
}

static const struct app_route routes[] = {
	{ HTTP_POST, "/api/v2/secrets", APP_CREATES, APP_FRAME,
	    body_limit_frame, create },
	{ HTTP_POST, "/api/v2/secrets/peek", 0, APP_JSON,
	    body_limit_json, peek },
	{ HTTP_POST, "/api/v2/secrets/open", 0, APP_JSON,
	    body_limit_json, open_secret },
	{ HTTP_POST, "/api/v2/secrets/ack", 0, APP_JSON,
	    body_limit_json, ack },
	{ HTTP_POST, "/api/v2/secrets/knock", 0, APP_JSON,
	    body_limit_json, knock },
	{ HTTP_POST, "/api/v2/receipts/peek", 0, APP_JSON,
	    body_limit_json, look_receipt },
	{ HTTP_POST, "/api/v2/receipts/burn", 0, APP_JSON,
	    body_limit_json, burn_receipt },
	{ HTTP_POST, "/api/v2/requests/peek", 0, APP_JSON,
	    body_limit_json, native_requests_peek },
	{ HTTP_POST, "/api/v2/requests/fill", APP_FILLS, APP_JSON,
	    body_limit_filled, native_requests_fill },
	{ HTTP_GET, "/api/v2/params", 0, APP_NO_BODY, NULL, params },
	{ HTTP_GET, "/api/v2/health", 0, APP_NO_BODY, NULL, health }
};

static const char *const prefixes[] = { "/api/v2", NULL };

const struct app_face api_native_face = {
	.name = "native",
	.bit = CONF_FACE_NATIVE,
	.prefixes = prefixes,
	.routes = routes,
	.routes_count = COUNT(routes),
	.error = problem_error
};

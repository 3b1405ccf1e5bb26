/* SPDX-License-Identifier: ISC */
/*
 * oncelinkctl check --url: secrets that go through the web server both ways.
 * A secret that is made behind the web server and found before it shows that
 * it is this site; paths, bodies and headers must arrive as they were sent.
 * Nothing is left of these secrets.
 */
#include "prog/ctl_site.h"

#include <sys/random.h>

#include <ctype.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/complaint.h"
#include "base/conf.h"
#include "core/site.h"
#include "core/trial.h"
#include "crypto/token.h"
#include "prog/ctl.h"
#include "web/body_limit.h"
#include "web/http.h"
#include "web/json.h"

#define EXPIRES_IN	(TRIAL_LIFETIME / 1000)
#define PIN_MAX		100	/* characters: conf's largest pin_size */

bool
ctl_site_ask(struct ctl_site *site, const char *what,
    const struct ctl_http_request *request, struct ctl_http_answer *answer)
{
	ctl_http_send(site->http, site->check->arena, request, answer);
	if (answer->status == 0)
		ctl_check_fail(site->check, what, "no answer: %s",
		    answer->problem);
	return answer->status != 0;
}

bool
ctl_site_get(struct ctl_site *site, const char *what, const char *path,
    struct ctl_http_answer *answer)
{
	return ctl_site_ask(site, what, &(struct ctl_http_request){
		.method = "GET", .path = path
	}, answer);
}

static bool
post(struct ctl_site *site, const char *what, const char *path,
    const char *type, const struct buf *body, struct ctl_http_answer *answer)
{
	if (body->failed) {
		ctl_check_fail(site->check, what, "there is no memory");
		return false;
	}
	return ctl_site_ask(site, what, &(struct ctl_http_request){
		.method = "POST", .path = path, .type = type,
		.body = body->data, .body_size = body->len
	}, answer);
}

/* Is there anybody, and is it reached directly? */
static bool
check_reached(struct ctl_site *site)
{
	static const char what[] = "address";
	struct ctl_check *check = site->check;
	struct ctl_http_answer answer;
	size_t	 count;

	if (strcmp(ctl_http_path(site->http), check->conf->path_prefix) != 0) {
		ctl_check_fail(check, what, "its path is `%s', but path_prefix "
		    "in the settings is `%s'; they must be the same",
		    ctl_http_path(site->http), check->conf->path_prefix);
		return false;
	}
	ctl_http_send(site->http, check->arena, &(struct ctl_http_request){
		.method = "GET", .path = "/api/v2/health"
	}, &answer);
	if (answer.untrusted)
		ctl_check_fail(check, what, "browsers will not believe the "
		    "certificate (%s); renew it, give the web server the whole "
		    "chain (fullchain.pem), and see that the name is right",
		    answer.problem);
	else if (answer.status == 0)
		ctl_check_fail(check, what, "no answer: %s; is the web server "
		    "running, and reachable from here?", answer.problem);
	else if (answer.status >= 300 && answer.status < 400)
		ctl_check_fail(check, what, "it redirects to %s; give the "
		    "address where the site is, or end the loop",
		    ctl_http_header(check->arena, &answer, "location",
		    &count));
	else if (answer.status == 502 || answer.status == 503 ||
	    answer.status == 504)
		ctl_check_fail(check, what, "the web server answers %d: it "
		    "does not reach the worker, or that not its database; is "
		    "the worker running, may the web server use its socket?",
		    answer.status);
	else if (answer.status != 200 ||
	    strstr(answer.body, "\"status\":\"ok\"") == NULL)
		ctl_check_fail(check, what, "the answer (%d) is not a "
		    "worker's; the web server must hand /api/v2/ to it",
		    answer.status);
	else {
		ctl_check_good(check, what, "a worker answers");
		return true;
	}
	return false;
}

/* `{"id":…` of our own calls, open for more. */
static void
begin_call(struct ctl_site *site, struct buf *body, struct json_writer *json,
    const uint8_t token[TOKEN_BYTES])
{
	char	 id[TOKEN_BASE64URL_LENGTH + 1];

	buf_init(body, site->check->arena);
	json_open(json, body);
	token_to_base64url(token, id);
	json_text(json, "id", id);
	explicit_bzero(id, sizeof(id));
}

/* What is made here must be found there. */
static bool
check_same(struct ctl_site *site)
{
	static const char what[] = "address";
	struct ctl_check *check = site->check;
	struct trial	 trial = {
		.kind = SECRET_V2, .payload = what,
		.payload_size = sizeof(what)
	};
	struct ctl_http_answer answer = { .status = 0 };
	struct json_writer json;
	struct buf	 body;

	if (trial_create(check->site, check->arena, &trial) != 0)
		return false;	/* said before */
	begin_call(site, &body, &json, trial.token);
	json_close(&json);
	if (post(site, what, "/api/v2/secrets/peek", HTTP_JSON_TYPE, &body,
	    &answer) && answer.status != 200)
		ctl_check_fail(check, what, "the worker there has another "
		    "database or another key (a secret made here is not found, "
		    "%d); which settings does it use?", answer.status);
	trial_forget(check->site, trial.token);
	if (answer.status != 200)
		return false;
	ctl_check_good(check, what, "it is this site");
	return true;
}

/* A PIN of the site's length from the characters of a pattern. */
static void
make_pin(const char *pattern, int64_t size, char pin[PIN_MAX + 1])
{
	size_t	 length = strlen(pattern);

	for (int64_t i = 0; i < size; i++)
		pin[i] = (size_t)i < length ? pattern[i] : 'x';
	pin[size] = '\0';
}

static void
append_encoded(struct buf *path, const char *text)
{
	for (; *text != '\0'; text++)
		if (isalnum((unsigned char)*text) || *text == '.')
			buf_append(path, text, 1);
		else
			buf_printf(path, "%%%02X",
			    (unsigned int)(unsigned char)*text);
}

/* A request that must not consume; the secret must wait as before. */
static bool
keeps(struct ctl_site *site, const char *what, const struct trial *trial,
    const struct ctl_http_request *request, int expected, const char *name)
{
	struct ctl_http_answer answer;
	bool	 waits;

	if (!ctl_site_ask(site, what, request, &answer) ||
	    trial_waits(site->check->site, trial, &waits) != 0)
		return false;
	if (!waits)
		ctl_check_fail(site->check, what, "%s uses a secret up: what "
		    "is between must hand on method and headers as they are",
		    name);
	else if (answer.status == 400 || answer.status == 404)
		return true;	/* the path is at fault: see try_pin */
	else if (answer.status != expected)
		ctl_check_fail(site->check, what, "%s is answered %d, not %d: "
		    "the worker does not see it as it was sent", name,
		    answer.status, expected);
	return waits && answer.status == expected;
}

/* The SafeSecrets call that has the PIN in its path. */
static bool
try_pin(struct ctl_site *site, const char *pattern)
{
	static const char what[] = "paths", message[] = "a message";
	struct ctl_check *check = site->check;
	char		 pin[PIN_MAX + 1], key[TOKEN_UUID_LENGTH + 1];
	struct trial	 trial = {
		.kind = SECRET_SAFESECRETS, .pin = pin, .payload = message,
		.payload_size = sizeof(message) - 1
	};
	struct ctl_http_request request = { .method = "GET" };
	struct ctl_http_answer answer;
	struct buf	 path;
	bool		 good;

	make_pin(pattern, check->conf->pin_size, pin);
	if (trial_create(check->site, check->arena, &trial) != 0)
		return false;
	token_to_uuid(trial.token, key);
	buf_init(&path, check->arena);
	buf_printf(&path, "/api/v1/message/%s/", key);
	append_encoded(&path, pin);
	buf_append(&path, "", 1);
	request.path = (const char *)path.data;
	request.method = "HEAD";
	good = !path.failed && keeps(site, "HEAD", &trial, &request, 405,
	    "HEAD");
	request.method = "GET";
	request.header = "Sec-Purpose: prefetch";
	good = good && keeps(site, "prefetch", &trial, &request, 503,
	    "a browser's prefetch");
	request.header = NULL;
	if (good && (good = ctl_site_ask(site, what, &request, &answer))) {
		good = answer.status == 200 &&
		    strstr(answer.body, message) != NULL;
		if (!good)
			ctl_check_fail(check, what, "a PIN with the characters "
			    "of `%s' does not arrive (%d): the path must be "
			    "handed on as it was sent (nginx: merge_slashes "
			    "off and no path behind proxy_pass; Apache: "
			    "AllowEncodedSlashes NoDecode, MergeSlashes Off; "
			    "lighttpd: no url-normalize)", pattern,
			    answer.status);
	}
	if (good && (good = ctl_site_ask(site, what, &request, &answer)) &&
	    answer.status == 200) {
		good = false;
		ctl_check_fail(check, "caches", "a secret that was read was "
		    "given out again: something between keeps answers; answers "
		    "of the worker must never be kept");
	}
	trial_forget(check->site, trial.token);
	return good;
}

static void
check_paths(struct ctl_site *site)
{
	static const char what[] = "paths";
	const struct conf *conf = site->check->conf;
	bool	 good;

	if ((conf->faces & CONF_FACE_SAFESECRETS) == 0) {
		ctl_check_good(site->check, what, "hold nothing secret: the "
		    "safesecrets face is not served");
		return;
	}
	good = conf->pin_size >= 5 ?
	    try_pin(site, "a/b%2") && try_pin(site, "..//.") :
	    try_pin(site, "/%2/");
	if (good)
		ctl_check_good(site->check, what, "arrive as they were sent; "
		    "HEAD and prefetches use nothing up");
}

/* Two interfaces share this path; the header decides between them. */
static void
check_authorization(struct ctl_site *site)
{
	static const char what[] = "Authorization";
	struct ctl_check *check = site->check;
	struct ctl_http_request request = {
		.method = "POST", .path = "/api/secrets",
		.type = HTTP_JSON_TYPE, .body = "{}", .body_size = 2
	};
	struct ctl_http_answer without, with;

	if ((check->conf->faces & CONF_FACE_ONETIME) == 0 ||
	    check->conf->create != CONF_CREATE_ANYONE)
		return;
	if (!ctl_site_ask(site, what, &request, &without))
		return;
	request.header = "Authorization: Bearer oncelinkctl-check";
	if (!ctl_site_ask(site, what, &request, &with))
		return;
	if (without.status != 400)
		ctl_check_fail(check, what, "POST /api/secrets is answered %d, "
		    "not 400; is it handed to the worker?", without.status);
	else if (with.status == without.status &&
	    strcmp(with.body, without.body) == 0)
		ctl_check_fail(check, what, "the header does not arrive at "
		    "the worker (Apache: CGIPassAuth On and FcgidPassHeader "
		    "Authorization; a proxy in front must hand it on)");
	else
		ctl_check_good(check, what, "the header arrives");
}

/* A frame with an envelope of `size` random bytes. */
static bool
make_frame(struct ctl_site *site, const uint8_t token[TOKEN_BYTES],
    size_t size, struct buf *body, const uint8_t **envelope)
{
	struct json_writer json;
	uint8_t		 receipt[TOKEN_BYTES], *bytes;
	char		 text[TOKEN_BASE64URL_LENGTH + 1];
	size_t		 at = 0;
	ssize_t		 got;

	if ((bytes = arena_alloc(site->check->arena, size)) == NULL)
		return false;
	while (at < size && (got = getrandom(bytes + at, size - at, 0)) > 0)
		at += (size_t)got;
	begin_call(site, body, &json, token);
	token_random(receipt);
	token_to_base64url(receipt, text);
	json_text(&json, "receipt", text);
	json_integer(&json, "expires_in", EXPIRES_IN);
	json_close(&json);
	buf_append(body, "\n", 1);
	buf_append(body, bytes, size);
	*envelope = bytes;
	return !body->failed && at == size;
}

/* The largest envelope, in and out. */
static bool
try_envelope(struct ctl_site *site, const char *what,
    const uint8_t token[TOKEN_BYTES])
{
	struct ctl_check *check = site->check;
	size_t		 size = (size_t)check->conf->max_envelope;
	const uint8_t	*envelope;
	uint8_t		 claim[TOKEN_BYTES];
	char		 text[TOKEN_BASE64URL_LENGTH + 1];
	struct ctl_http_answer answer;
	struct json_writer json;
	struct buf	 body;

	if (!make_frame(site, token, size, &body, &envelope)) {
		ctl_check_warn(check, what, "there is no memory to try the "
		    "largest envelope");
		return false;
	}
	if (!post(site, what, "/api/v2/secrets", HTTP_FRAME_TYPE, &body,
	    &answer))
		return false;
	if (answer.status != 201) {
		ctl_check_fail(check, what, "an envelope of %zu bytes, which "
		    "max_envelope allows, is answered %d; put in the web "
		    "server's limits anew: " CTL_PROGRAM " config "
		    "--web-server", size, answer.status);
		return false;
	}
	begin_call(site, &body, &json, token);
	token_random(claim);
	token_to_base64url(claim, text);
	json_text(&json, "claim", text);
	json_close(&json);
	if (!post(site, what, "/api/v2/secrets/open", HTTP_JSON_TYPE, &body,
	    &answer))
		return false;
	if (answer.status == 200 && answer.body_size > size &&
	    memcmp(answer.body + answer.body_size - size, envelope, size) ==
	    0)
		return true;
	ctl_check_fail(check, what, "an envelope of %zu bytes does not come "
	    "back as it was (%d, %zu bytes); put in the web server's limits "
	    "anew: " CTL_PROGRAM " config --web-server", size, answer.status,
	    answer.body_size);
	return false;
}

/* A byte more must be refused by us, in words that our clients know. */
static bool
try_too_large(struct ctl_site *site, const char *what,
    const uint8_t token[TOKEN_BYTES])
{
	struct ctl_http_answer answer;
	const uint8_t	*envelope;
	struct buf	 body;

	if (!make_frame(site, token, (size_t)site->check->conf->max_envelope +
	    1, &body, &envelope) || !post(site, what, "/api/v2/secrets",
	    HTTP_FRAME_TYPE, &body, &answer))
		return false;
	if (answer.status == 413 && strstr(answer.body, "tag:oncelink,") !=
	    NULL)
		return true;
	ctl_check_fail(site->check, what, "an envelope of one byte too many is "
	    "answered %d%s; put in the web server's limits anew: " CTL_PROGRAM
	    " config --web-server", answer.status, answer.status == 413 ?
	    " by the web server, in words that our clients do not know" : "");
	return false;
}

/* The largest message, each byte of it written as six. */
static bool
try_message(struct ctl_site *site, const char *what, const char *pin,
    uint8_t token[TOKEN_BYTES], bool *made)
{
	struct message {
		struct json_string	 id;
		struct json_string	 message;
	} read = { { NULL, 0 }, { NULL, 0 } };
	struct json_member id = {
		.name = "id", .kind = JSON_STRING, .required = true,
		.max = TOKEN_HEX_LENGTH, .offset = offsetof(struct message, id)
	}, message = {
		.name = "message", .kind = JSON_STRING, .required = true,
		.max = site->check->conf->max_message,
		.offset = offsetof(struct message, message)
	};
	struct ctl_check *check = site->check;
	struct ctl_http_answer answer;
	struct json_error error;
	struct buf	 body;
	char		 path[64];

	buf_init(&body, check->arena);
	buf_printf(&body, "{\"passphrase\":\"%s\",\"expiration_time\":%d,"
	    "\"message\":\"", pin, EXPIRES_IN);
	for (int64_t i = 0; i < check->conf->max_message; i++)
		buf_text(&body, "\\u0001");
	buf_text(&body, "\"}");
	if (!post(site, what, "/secrets", HTTP_JSON_TYPE, &body, &answer))
		return false;
	if (answer.status != 200 || json_read(check->arena, answer.body,
	    answer.body_size, &id, 1, JSON_IGNORE_EXTRAS, &read, &error) ==
	    -1 || !token_from_hex(token, read.id.bytes, read.id.length)) {
		ctl_check_fail(check, what, "a message of %" PRId64 " bytes, "
		    "which max_message allows, is answered %d; put in the web "
		    "server's limits anew: " CTL_PROGRAM " config "
		    "--web-server", check->conf->max_message, answer.status);
		return false;
	}
	*made = true;
	snprintf(path, sizeof(path), "/secrets/%s", read.id.bytes);
	buf_init(&body, check->arena);
	buf_printf(&body, "{\"passphrase\":\"%s\"}", pin);
	if (!post(site, what, path, HTTP_JSON_TYPE, &body, &answer))
		return false;
	if (answer.status == 200 && json_read(check->arena, answer.body,
	    answer.body_size, &message, 1, JSON_IGNORE_EXTRAS, &read,
	    &error) == 0 &&
	    read.message.length == (size_t)check->conf->max_message)
		return true;
	ctl_check_fail(check, what, "a message of %" PRId64 " bytes does not "
	    "come back whole (%d); put in the web server's limits anew: "
	    CTL_PROGRAM " config --web-server", check->conf->max_message,
	    answer.status);
	return false;
}

static void
check_sizes(struct ctl_site *site)
{
	static const char what[] = "sizes";
	struct ctl_check *check = site->check;
	uint8_t		 token[TOKEN_BYTES];
	char		 pin[TOKEN_HEX_LENGTH + 1];
	bool		 good, made = false;

	if (check->conf->create != CONF_CREATE_ANYONE) {
		ctl_check_warn(check, what, "not tried, since nobody may make "
		    "a secret");
		return;
	}
	token_random(token);
	good = try_envelope(site, what, token);
	trial_forget(check->site, token);
	arena_reset(check->arena);
	token_random(token);
	good = try_too_large(site, what, token) && good;
	trial_forget(check->site, token);
	arena_reset(check->arena);
	if ((check->conf->faces & CONF_FACE_ONETIME) != 0) {
		token_random(token);
		token_to_hex(token, pin);
		good = try_message(site, what, pin, token, &made) && good;
		if (made)
			trial_forget(check->site, token);
		arena_reset(check->arena);
	}
	explicit_bzero(token, sizeof(token));
	explicit_bzero(pin, sizeof(pin));
	if (good)
		ctl_check_good(check, what, "the largest secrets go in and "
		    "out, larger ones are refused by the worker");
}

void
ctl_site_check(struct ctl_check *check)
{
	const struct ctl_call	*call = check->call;
	struct ctl_http_options	 options = {
		.url = call->options[CTL_OPTION_URL],
		.ca_file = call->options[CTL_OPTION_CA_FILE],
		.connect_to = call->options[CTL_OPTION_CONNECT_TO],
		.largest = (size_t)body_limit_answer(check->conf) +
		    ((size_t)1 << 20),
	};
	struct complaint	 error;
	struct ctl_site		 site = { .check = check };

	if ((check->conf->faces & CONF_FACE_NATIVE) == 0) {
		ctl_check_fail(check, "address", "not looked at: the native "
		    "face is not served, which the check goes by");
		return;
	}
	if ((site.http = ctl_http_open(&options, &error)) == NULL) {
		ctl_check_fail(check, "address", "%s", error.text);
		return;
	}
	if (check_reached(&site) && check_same(&site)) {
		check_paths(&site);
		check_authorization(&site);
		check_sizes(&site);
		ctl_pages_check(&site);
	}
	ctl_http_close(site.http);
}

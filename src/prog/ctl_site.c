/* SPDX-License-Identifier: ISC */
/*
 * oncelinkctl check --url: secrets that go through the web server both ways.
 * A secret that is made behind the web server and found before it shows that
 * it is this site; paths and headers must arrive as they were sent.
 * Nothing is left of these secrets.
 */
#include "prog/ctl_site.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/complaint.h"
#include "base/conf.h"
#include "core/account.h"
#include "core/site.h"
#include "core/trial.h"
#include "crypto/token.h"
#include "prog/ctl.h"
#include "web/body_limit.h"
#include "web/http.h"
#include "web/json.h"
#include "web/json_read.h"

bool
ctl_site_ask(struct ctl_site *site, const char *what,
    const struct ctl_http_request *request, struct ctl_http_answer *answer)
{
	ctl_http_send(site->http, site->check->arena, request, answer);
	if (answer->status == 0)
		ctl_check_fail(site->check, what, "no answer: %s",
		    answer->problem);
	else if (answer->status == 429)
		ctl_check_unknown(site->check, what, "this machine has made "
		    "too many requests or secrets (429); try again later");
	return answer->status != 0 && answer->status != 429;
}

bool
ctl_site_get(struct ctl_site *site, const char *what, const char *path,
    struct ctl_http_answer *answer)
{
	return ctl_site_ask(site, what, &(struct ctl_http_request){
		.method = "GET", .path = path
	}, answer);
}

bool
ctl_site_post(struct ctl_site *site, const char *what, const char *path,
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

/* The first one whose face is served. */
static const struct ctl_site_call calls[] = {
	{ CONF_FACE_NATIVE, "/api/v2/health", 200, "\"status\":\"ok\"" },
	{ CONF_FACE_SAFESECRETS, "/api/v1/ping", 200, "pong" },
	{ CONF_FACE_ONETIME, "/secrets", 405, "\"success\":\"False\"" },
	{ CONF_FACE_PASSWORDLINK, "/api/secrets", 403, "needs a" },
};

static const struct ctl_site_call *
find_call(const struct conf *conf)
{
	for (size_t i = 0; i < sizeof(calls) / sizeof(calls[0]); i++)
		if ((conf->faces & calls[i].face) != 0)
			return &calls[i];
	return NULL;
}

/* Is there anybody, and is it reached directly? */
static bool
check_reached(struct ctl_site *site)
{
	static const char what[] = "address";
	struct ctl_check *check = site->check;
	struct ctl_http_answer answer;
	const char *location;
	size_t	 count;

	if (strcmp(ctl_http_path(site->http), check->conf->path_prefix) != 0) {
		ctl_check_fail(check, what, "its path is `%s', but path_prefix "
		    "in the settings is `%s'; they must be the same",
		    ctl_http_path(site->http), check->conf->path_prefix);
		return false;
	}
	ctl_http_send(site->http, check->arena, &(struct ctl_http_request){
		.method = "GET", .path = site->call->path
	}, &answer);
	location = ctl_http_header(check->arena, &answer, "location", &count);
	if (answer.untrusted)
		ctl_check_fail(check, what, "browsers will not believe the "
		    "certificate (%s); renew it, give the web server the whole "
		    "chain (fullchain.pem), and see that the name is right",
		    answer.problem);
	else if (answer.status == 0)
		ctl_check_fail(check, what, "no answer: %s; is the web server "
		    "running, and reachable from here?", answer.problem);
	else if (answer.status >= 300 && answer.status < 400 &&
	    location != NULL)
		ctl_check_fail(check, what, "it redirects to %s; give the "
		    "address where the site is, or end the loop", location);
	else if (answer.status == 502 || answer.status == 503 ||
	    answer.status == 504)
		ctl_check_fail(check, what, "the web server answers %d: it "
		    "does not reach the worker, or that not its database; is "
		    "the worker running, may the web server use its socket?",
		    answer.status);
	else if (answer.status != site->call->status ||
	    strstr(answer.body, site->call->text) == NULL)
		ctl_check_fail(check, what, "the answer (%d) is not a "
		    "worker's; the web server must hand %s to it",
		    answer.status, site->call->path);
	else {
		ctl_check_good(check, what, "a worker answers");
		return true;
	}
	return false;
}

void
ctl_site_begin(struct ctl_site *site, struct buf *body,
    struct json_writer *json, const uint8_t token[TOKEN_BYTES])
{
	char	 id[TOKEN_BASE64URL_LENGTH + 1];

	buf_init(body, site->check->arena);
	json_open(json, body);
	token_to_base64url(token, id);
	json_text(json, "id", id);
	explicit_bzero(id, sizeof(id));
}

/* What is made here must be found there.  Without our own interface there is
 * no looking without reading; then what is read later shows it. */
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
	int		 failure;

	if ((check->conf->faces & CONF_FACE_NATIVE) == 0)
		return true;
	failure = trial_create(check->site, check->arena, &trial);
	if (failure != 0) {
		ctl_check_unknown(check, what, ctl_check_failure(failure));
		return false;
	}
	ctl_site_begin(site, &body, &json, trial.token);
	json_close(&json);
	if (ctl_site_post(site, what, "/api/v2/secrets/peek", HTTP_JSON_TYPE,
	    &body, &answer) && answer.status != 200)
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
make_pin(const char *pattern, int64_t size, char pin[CONF_PIN_SIZE_MAX + 1])
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
    const struct ctl_http_request *request, int expected)
{
	struct ctl_http_answer answer;
	bool	 waits;
	int	 failure;

	if (!ctl_site_ask(site, what, request, &answer))
		return false;
	failure = trial_waits(site->check->site, trial, &waits);
	if (failure != 0) {
		ctl_check_unknown(site->check, what,
		    ctl_check_failure(failure));
		return false;
	}
	if (!waits)
		ctl_check_fail(site->check, what, "it uses a secret up: what "
		    "is between must hand on method and headers as they are");
	else if (answer.status == 400 || answer.status == 404)
		return true;	/* the path is at fault: see try_pin */
	else if (answer.status != expected)
		ctl_check_fail(site->check, what, "it is answered %d, not %d: "
		    "the worker does not see it as it was sent",
		    answer.status, expected);
	return waits && answer.status == expected;
}

/* The SafeSecrets call that has the PIN in its path. */
static bool
try_pin(struct ctl_site *site, const char *pattern)
{
	static const char what[] = "paths", message[] = "a message";
	struct ctl_check *check = site->check;
	char		 pin[CONF_PIN_SIZE_MAX + 1], key[TOKEN_UUID_LENGTH + 1];
	struct trial	 trial = {
		.kind = SECRET_SAFESECRETS, .pin = pin, .payload = message,
		.payload_size = sizeof(message) - 1
	};
	struct ctl_http_request request = { .method = "GET" };
	struct ctl_http_answer answer;
	struct buf	 path;
	bool		 good;
	int		 failure;

	make_pin(pattern, check->conf->pin_size, pin);
	failure = trial_create(check->site, check->arena, &trial);
	if (failure != 0) {
		ctl_check_unknown(check, what, ctl_check_failure(failure));
		return false;
	}
	token_to_uuid(trial.token, key);
	buf_init(&path, check->arena);
	buf_printf(&path, "/api/v1/message/%s/", key);
	append_encoded(&path, pin);
	buf_append(&path, "", 1);
	request.path = (const char *)path.data;
	request.method = "HEAD";
	good = !path.failed;
	if (!good)
		ctl_check_unknown(check, what, "there is no memory");
	good = good && keeps(site, "HEAD", &trial, &request, 405);
	request.method = "GET";
	request.header = "Sec-Purpose: prefetch";
	good = good && keeps(site, "prefetch", &trial, &request, 503);
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

/*
 * An account for as long as the check takes: who shows no key is told the same
 * as one whose key did not arrive.
 */
static bool
make_account(struct ctl_site *site, char *name, size_t size)
{
	struct ctl_check *check = site->check;
	enum account_outcome outcome;
	uint8_t		 token[TOKEN_BYTES];
	char		 text[TOKEN_HEX_LENGTH + 1], key[ACCOUNT_KEY_SIZE];
	int		 failure;

	token_random(token);
	token_to_hex(token, text);
	snprintf(name, size, "check-%s", text);
	failure = account_add(check->site, name, STORE_UNLIMITED,
	    STORE_UNLIMITED, &outcome);
	if (failure == 0)
		failure = account_key_add(check->site, name, true, key,
		    &outcome);
	if (failure == 0)
		snprintf(site->authorization, sizeof(site->authorization),
		    "Authorization: ApiKey %s", key);
	else
		ctl_check_unknown(check, "Authorization",
		    ctl_check_failure(failure));
	explicit_bzero(key, sizeof(key));
	return failure == 0;
}

static void
remove_account(struct ctl_site *site, const char *name)
{
	enum account_outcome outcome;
	int		 failure;

	explicit_bzero(site->authorization, sizeof(site->authorization));
	failure = account_remove(site->check->site, name, &outcome);
	if (failure != 0)
		ctl_check_fail(site->check, "Authorization", "the account %s "
		    "of this check is still there; remove it: " CTL_PROGRAM
		    " account remove %s", name, name);
}

static void
check_key(struct ctl_site *site)
{
	static const char what[] = "Authorization";
	struct ctl_http_answer answer;

	if (!ctl_site_ask(site, what, &(struct ctl_http_request){
		.method = "GET", .path = "/api/secrets",
		.header = site->authorization
	    }, &answer))
		return;
	if (answer.status == 200)
		ctl_check_good(site->check, what, "the header arrives, with a "
		    "key of this site");
	else if (answer.status == 403)
		ctl_check_fail(site->check, what, "the header does not arrive "
		    "at the worker (Apache: CGIPassAuth On and FcgidPassHeader "
		    "Authorization; a proxy in front must hand it on), or the "
		    "worker there has another database or another key");
	else
		ctl_check_fail(site->check, what, "GET /api/secrets is "
		    "answered %d, not 200; is it handed to the worker?",
		    answer.status);
}

/* Two interfaces share this path; the header decides between them, even when
 * one of them is not served. */
static void
check_header(struct ctl_site *site)
{
	static const char what[] = "Authorization";
	struct ctl_check *check = site->check;
	struct ctl_http_request request = {
		.method = "POST", .path = "/api/secrets",
		.type = HTTP_JSON_TYPE, .body = "{}", .body_size = 2
	};
	struct ctl_http_answer without, with;

	if ((check->conf->faces & CONF_FACE_ONETIME) == 0 ||
	    check->conf->create != CONF_CREATE_ANYONE) {
		ctl_check_good(check, what, "not looked at: with these faces "
		    "and create nobody needs it");
		return;
	}
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

static void
check_calls(struct ctl_site *site)
{
	char	 name[STORE_NAME_MAX + 1];
	bool	 keys = (site->check->conf->faces & CONF_FACE_PASSWORDLINK) !=
		    0;

	check_paths(site);
	if (!keys)
		check_header(site);
	else if (make_account(site, name, sizeof(name)))
		check_key(site);
	ctl_sizes_check(site);
	if (keys)
		remove_account(site, name);
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
	struct ctl_site		 site = {
		.check = check, .call = find_call(check->conf)
	};

	if (site.call == NULL) {
		ctl_check_warn(check, "address", "not looked at: no face that "
		    "the check knows is served");
		return;
	}
	if ((site.http = ctl_http_open(&options, &error)) == NULL) {
		ctl_check_fail(check, "address", "%s", error.text);
		return;
	}
	if (check_reached(&site) && check_same(&site)) {
		check_calls(&site);
		ctl_pages_check(&site);
	}
	ctl_http_close(site.http);
}

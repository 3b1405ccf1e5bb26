/* SPDX-License-Identifier: ISC */
/*
 * oncelinkctl check --url: the largest secrets that the settings allow, and one
 * that is too large, through the web server, whose own limits must not stand
 * before ours.
 */
#include <sys/random.h>

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/conf.h"
#include "core/trial.h"
#include "crypto/token.h"
#include "prog/ctl.h"
#include "prog/ctl_site.h"
#include "web/http.h"
#include "web/json.h"

#define EXPIRES_IN	(TRIAL_LIFETIME / 1000)

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
	ctl_site_begin(site, body, &json, token);
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
	if (!ctl_site_post(site, what, "/api/v2/secrets", HTTP_FRAME_TYPE,
	    &body, &answer))
		return false;
	if (answer.status != 201) {
		ctl_check_fail(check, what, "an envelope of %zu bytes, which "
		    "max_envelope allows, is answered %d; put in the web "
		    "server's limits anew: " CTL_PROGRAM " config "
		    "--web-server", size, answer.status);
		return false;
	}
	ctl_site_begin(site, &body, &json, token);
	token_random(claim);
	token_to_base64url(claim, text);
	json_text(&json, "claim", text);
	json_close(&json);
	if (!ctl_site_post(site, what, "/api/v2/secrets/open",
	    HTTP_JSON_TYPE, &body, &answer))
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
	    1, &body, &envelope) || !ctl_site_post(site, what,
	    "/api/v2/secrets", HTTP_FRAME_TYPE, &body, &answer))
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
	if (!ctl_site_post(site, what, "/secrets", HTTP_JSON_TYPE, &body,
	    &answer))
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
	if (!ctl_site_post(site, what, path, HTTP_JSON_TYPE, &body, &answer))
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

static bool
check_envelopes(struct ctl_site *site, const char *what)
{
	struct ctl_check *check = site->check;
	uint8_t		 token[TOKEN_BYTES];
	bool		 good;

	token_random(token);
	good = try_envelope(site, what, token);
	trial_forget(check->site, token);
	arena_reset(check->arena);
	token_random(token);
	good = try_too_large(site, what, token) && good;
	trial_forget(check->site, token);
	arena_reset(check->arena);
	explicit_bzero(token, sizeof(token));
	return good;
}

static bool
check_message(struct ctl_site *site, const char *what)
{
	struct ctl_check *check = site->check;
	uint8_t		 token[TOKEN_BYTES];
	char		 pin[TOKEN_HEX_LENGTH + 1];
	bool		 good, made = false;

	token_random(token);
	token_to_hex(token, pin);
	good = try_message(site, what, pin, token, &made);
	if (made)
		trial_forget(check->site, token);
	arena_reset(check->arena);
	explicit_bzero(token, sizeof(token));
	explicit_bzero(pin, sizeof(pin));
	return good;
}

void
ctl_sizes_check(struct ctl_site *site)
{
	static const char what[] = "sizes";
	const struct conf *conf = site->check->conf;
	bool	 good = true;

	if (conf->create != CONF_CREATE_ANYONE) {
		ctl_check_warn(site->check, what, "not tried, since nobody may "
		    "make a secret");
		return;
	}
	if ((conf->faces & CONF_FACE_NATIVE) != 0)
		good = check_envelopes(site, what);
	if ((conf->faces & CONF_FACE_ONETIME) != 0)
		good = check_message(site, what) && good;
	if (good)
		ctl_check_good(site->check, what, "the largest secrets go in "
		    "and out, larger ones are refused by the worker");
}

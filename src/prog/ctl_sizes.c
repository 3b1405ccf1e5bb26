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
#include "web/body_limit.h"
#include "web/http.h"
#include "web/json.h"
#include "web/json_read.h"

#define EXPIRES_IN	(TRIAL_LIFETIME / 1000)
#define NO_FRAME	"there is no memory, or there are no random bytes"

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
		ctl_check_unknown(check, what, NO_FRAME);
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
	    1, &body, &envelope)) {
		ctl_check_unknown(site->check, what, NO_FRAME);
		return false;
	}
	if (!ctl_site_post(site, what, "/api/v2/secrets", HTTP_FRAME_TYPE,
	    &body, &answer))
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

/* How a face takes a message, and gives it back. */
struct message_face {
	const char	*path;
	int		 status;	/* of one that was made */
	const char	*id;		/* the member that names it */
	bool		(*read_id)(uint8_t token[TOKEN_BYTES],
			    const char *text, size_t length);
	/* What goes before the message; it is open, and ends with ". */
	void		(*begin)(const struct conf *conf, struct buf *body,
			    const char *pin);
	bool		(*read)(struct ctl_site *site, const char *what,
			    const char *id, const char *pin,
			    struct ctl_http_answer *answer);
};

static void
begin_safesecrets(const struct conf *conf, struct buf *body, const char *pin)
{
	int64_t	 longest = conf->safesecrets_max_expire / 1000;

	buf_printf(body, "{\"pin\":\"%s\",\"exp\":%" PRId64 ",\"message\":\"",
	    pin, longest < EXPIRES_IN ? longest : EXPIRES_IN);
}

static bool
read_safesecrets(struct ctl_site *site, const char *what, const char *id,
    const char *pin, struct ctl_http_answer *answer)
{
	char	 path[64 + CONF_PIN_SIZE_MAX];

	snprintf(path, sizeof(path), "/api/v1/message/%s/%s", id, pin);
	return ctl_site_get(site, what, path, answer);
}

static void
begin_onetime(const struct conf *conf, struct buf *body, const char *pin)
{
	(void)conf;
	buf_printf(body, "{\"passphrase\":\"%s\",\"expiration_time\":%d,"
	    "\"message\":\"", pin, EXPIRES_IN);
}

static bool
read_onetime(struct ctl_site *site, const char *what, const char *id,
    const char *pin, struct ctl_http_answer *answer)
{
	struct buf	 body;
	char		 path[64];

	snprintf(path, sizeof(path), "/secrets/%s", id);
	buf_init(&body, site->check->arena);
	buf_printf(&body, "{\"passphrase\":\"%s\"}", pin);
	return ctl_site_post(site, what, path, HTTP_JSON_TYPE, &body, answer);
}

static const struct message_face safesecrets = {
	"/api/v1/message", 201, "key", token_from_uuid, begin_safesecrets,
	read_safesecrets
};
static const struct message_face onetime = {
	"/secrets", 200, "id", token_from_hex, begin_onetime, read_onetime
};

/* The largest message, each byte of it written as six. */
static bool
try_message(struct ctl_site *site, const char *what,
    const struct message_face *face, const char *pin,
    uint8_t token[TOKEN_BYTES], bool *made)
{
	struct message {
		struct json_string	 id;
		struct json_string	 message;
	} read = { { NULL, 0 }, { NULL, 0 } };
	struct json_member id = {
		.name = face->id, .kind = JSON_STRING, .required = true,
		.max = TOKEN_UUID_LENGTH, .offset = offsetof(struct message,
		    id)
	}, message = {
		.name = "message", .kind = JSON_STRING, .required = true,
		.max = site->check->conf->max_message,
		.offset = offsetof(struct message, message)
	};
	struct ctl_check *check = site->check;
	struct ctl_http_answer answer;
	struct json_error error;
	struct buf	 body;

	buf_init(&body, check->arena);
	face->begin(check->conf, &body, pin);
	for (int64_t i = 0; i < check->conf->max_message; i++)
		buf_text(&body, "\\u0001");
	buf_text(&body, "\"}");
	if (!ctl_site_post(site, what, face->path, HTTP_JSON_TYPE, &body,
	    &answer))
		return false;
	if (answer.status != face->status || json_read(check->arena,
	    answer.body, answer.body_size, &id, 1, JSON_IGNORE_EXTRAS, &read,
	    &error) == -1 ||
	    !face->read_id(token, read.id.bytes, read.id.length)) {
		ctl_check_fail(check, what, "a message of %" PRId64 " bytes, "
		    "which max_message allows, is answered %d; put in the web "
		    "server's limits anew: " CTL_PROGRAM " config "
		    "--web-server", check->conf->max_message, answer.status);
		return false;
	}
	*made = true;
	if (!face->read(site, what, read.id.bytes, pin, &answer))
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

/*
 * base64 of an SJCL object of almost `size' bytes, when that is enough for
 * one: all that it has within is zero bytes, of which nine become `A' twelve
 * times, and these `QUFB' four times.
 */
static void
append_sealed(struct buf *body, int64_t size)
{
	/* {"iv":"AAAA","salt":"AAAA","mode":"gcm","ks":256   ,"ct":"AA */
	static const char head[] =
	    "eyJpdiI6IkFBQUEiLCJzYWx0IjoiQUFBQSIsIm1vZGUiOiJnY20i"
	    "LCJrcyI6MjU2ICAgLCJjdCI6IkFB", tail[] = "QUEiIH0K";
	int64_t	 at = (int64_t)(sizeof(head) + sizeof(tail) - 2) / 4 * 3;

	buf_text(body, head);
	/* Twelve at a time: base64 within is in fours, and so is this. */
	for (; at + 12 <= size; at += 12)
		buf_text(body, "QUFBQUFBQUFBQUFB");
	buf_text(body, tail);
}

/* The largest secret of password.link's interface, which this check does not
 * seal; blanks make it the largest request. */
static bool
try_attachment(struct ctl_site *site, const char *what)
{
	struct reading {
		struct json_string	 id;
	} read = { { NULL, 0 } };
	static const struct json_member id = {
		.name = "id", .kind = JSON_STRING, .required = true,
		.max = TOKEN_BASE62_LENGTH
	}, data = {
		.name = "data", .kind = JSON_OBJECT, .required = true,
		.members = &id, .count = 1
	};
	struct ctl_check *check = site->check;
	const struct conf *conf = check->conf;
	struct ctl_http_request request = {
		.method = "POST", .path = "/api/secrets",
		.type = HTTP_JSON_TYPE, .header = site->authorization
	};
	struct ctl_http_answer answer;
	struct json_error error;
	struct buf	 body;
	size_t		 begin, end;
	char		 path[64];

	buf_init(&body, check->arena);
	buf_text(&body, "{\"expiration\":1,\"password_part_private\":\"QUFB\","
	    "\"ciphertext\":\"");
	append_sealed(&body, conf->max_ciphertext);
	buf_text(&body, "\",\"attachment_name\":\"");
	append_sealed(&body, 0);
	buf_text(&body, "\",\"attachment_ciphertext\":\"");
	begin = body.len;
	append_sealed(&body, conf->max_attachment);
	end = body.len;
	buf_text(&body, "\"");
	while (!body.failed &&
	    (int64_t)body.len < body_limit_sealed(conf) - 1)
		buf_text(&body, " ");
	buf_text(&body, "}");
	if (body.failed) {
		ctl_check_unknown(check, what, "there is no memory");
		return false;
	}
	request.body = body.data;
	request.body_size = body.len;
	if (!ctl_site_ask(site, what, &request, &answer))
		return false;
	if (answer.status != 201 || json_read(check->arena, answer.body,
	    answer.body_size, &data, 1, JSON_IGNORE_EXTRAS, &read, &error) ==
	    -1) {
		ctl_check_fail(check, what, "a request of %zu bytes, which "
		    "max_attachment allows, is answered %d; put in the web "
		    "server's limits anew: " CTL_PROGRAM " config "
		    "--web-server", body.len, answer.status);
		return false;
	}
	snprintf(path, sizeof(path), "/api/secrets/%s", read.id.bytes);
	request = (struct ctl_http_request){
		.method = "GET", .path = path, .header = site->authorization
	};
	if (!ctl_site_ask(site, what, &request, &answer))
		return false;
	if (answer.status == 200 && memmem(answer.body, answer.body_size,
	    body.data + begin, end - begin) != NULL)
		return true;
	ctl_check_fail(check, what, "an attachment of %zu bytes does not "
	    "come back as it was (%d, %zu bytes); put in the web server's "
	    "limits anew: " CTL_PROGRAM " config --web-server", end - begin,
	    answer.status, answer.body_size);
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
check_message(struct ctl_site *site, const char *what,
    const struct message_face *face)
{
	struct ctl_check *check = site->check;
	uint8_t		 token[TOKEN_BYTES];
	char		 pin[CONF_PIN_SIZE_MAX + 1];
	bool		 good, made = false;

	memset(pin, '0', sizeof(pin));
	pin[check->conf->pin_size] = '\0';
	good = try_message(site, what, face, pin, token, &made);
	if (made)
		trial_forget(check->site, token);
	arena_reset(check->arena);
	explicit_bzero(token, sizeof(token));
	return good;
}

/* Only of what was tried it is said that it is good. */
void
ctl_sizes_check(struct ctl_site *site)
{
	static const char what[] = "sizes";
	struct ctl_check *check = site->check;
	const struct conf *conf = check->conf;
	unsigned int	 faces = conf->faces;
	bool		 good = true;

	if (conf->create != CONF_CREATE_ANYONE)
		faces &= CONF_FACE_PASSWORDLINK;
	if (conf->create == CONF_CREATE_NOBODY || *site->authorization == '\0')
		faces &= ~CONF_FACE_PASSWORDLINK;
	if (faces == 0) {
		ctl_check_warn(check, what, "not tried, since nobody may make "
		    "a secret");
		return;
	}
	if ((faces & CONF_FACE_NATIVE) != 0)
		good = check_envelopes(site, what);
	if ((faces & CONF_FACE_SAFESECRETS) != 0)
		good = check_message(site, what, &safesecrets) && good;
	if ((faces & CONF_FACE_ONETIME) != 0)
		good = check_message(site, what, &onetime) && good;
	if ((faces & CONF_FACE_PASSWORDLINK) != 0)
		good = try_attachment(site, what) && good;
	arena_reset(check->arena);
	if (good)
		ctl_check_good(check, what, "the largest secrets of%s%s%s%s "
		    "go in and out",
		    (faces & CONF_FACE_NATIVE) != 0 ? " native" : "",
		    (faces & CONF_FACE_SAFESECRETS) != 0 ? " safesecrets" : "",
		    (faces & CONF_FACE_ONETIME) != 0 ? " onetime" : "",
		    (faces & CONF_FACE_PASSWORDLINK) != 0 ? " passwordlink" :
		    "");
}

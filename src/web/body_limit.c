/* SPDX-License-Identifier: ISC */
/*
 * How large what arrives and what leaves can be, as the settings have it: for
 * the routes that refuse more, and for the web server that must let as much
 * pass.
 */

#include "web/body_limit.h"

#include "base/address.h"
#include "base/conf.h"
#include "core/listing.h"
#include "web/passwordlink.h"

/* Every byte of a string may be written as six, `\u0041`. */
#define ESCAPED		6

/* The members' names, times, what a client may put between them. */
#define MEMBERS		4096

#define JSON_LIMIT	16384

/* A code point beyond 16 bits may be written as twelve, a surrogate pair. */
#define CODE_POINT	12

/* What JSON makes of a byte that is no control character, at most. */
#define QUOTED		2

/* A page of a listing: rows with two texts and their views. */
#define VIEW		((LISTING_ADDRESS_MAX + LISTING_AGENT_MAX) *	\
			    QUOTED + 128)
#define ROW		(2 * PASSWORDLINK_TEXT_MAX * ESCAPED +		\
			    PASSWORDLINK_VIEWS_MAX * VIEW + 512)
#define PAGE		((int64_t)LISTING_PAGE * ROW + MEMBERS)

static int64_t
larger(int64_t a, int64_t b)
{
	return a > b ? a : b;
}

int64_t
body_limit_message(const struct conf *conf)
{
	return conf->max_message * ESCAPED + BODY_LIMIT_PIN_MAX * ESCAPED +
	    MEMBERS;
}

int64_t
body_limit_json(const struct conf *conf)
{
	(void)conf;
	return JSON_LIMIT;
}

int64_t
body_limit_frame(const struct conf *conf)
{
	return conf->max_envelope + BODY_LIMIT_LINE_MAX + 1;
}

/* Base64 with line ends that JSON writes as four bytes, of lines of 64, and
 * some slashes behind backslashes. */
static int64_t
base64(int64_t bytes)
{
	return bytes + bytes / 2;
}

int64_t
body_limit_filled(const struct conf *conf)
{
	return base64(conf->max_ciphertext) +
	    2 * base64(PASSWORDLINK_PART_MAX) + MEMBERS;
}

int64_t
body_limit_sealed(const struct conf *conf)
{
	return body_limit_filled(conf) + base64(conf->max_attachment) +
	    base64(PASSWORDLINK_NAME_MAX) +
	    2 * PASSWORDLINK_TEXT_MAX * CODE_POINT +
	    PASSWORDLINK_PASSWORD_MAX * ESCAPED;
}

int64_t
body_limit_request(const struct conf *conf)
{
	(void)conf;
	return 4 * PASSWORDLINK_TEXT_MAX * CODE_POINT +
	    (2 * ADDRESS_MAX_LENGTH + PASSWORDLINK_PASSWORD_MAX) * ESCAPED +
	    MEMBERS;
}

int64_t
body_limit_largest(const struct conf *conf)
{
	int64_t	 limit = body_limit_json(conf);

	if ((conf->faces & CONF_FACE_NATIVE) != 0)
		limit = larger(limit, larger(body_limit_frame(conf),
		    body_limit_filled(conf)));
	if ((conf->faces & (CONF_FACE_SAFESECRETS | CONF_FACE_ONETIME)) != 0)
		limit = larger(limit, body_limit_message(conf));
	if ((conf->faces & CONF_FACE_PASSWORDLINK) != 0)
		limit = larger(limit, larger(body_limit_sealed(conf),
		    body_limit_request(conf)));
	return limit;
}

/*
 * A message comes back in JSON, on our own interface as it is, and what
 * clients of password.link have sealed as it came, with a message beside it;
 * a page of their listing is shorter than that, but for settings that are
 * small.
 */
int64_t
body_limit_answer(const struct conf *conf)
{
	int64_t	 limit = conf->max_message * ESCAPED + MEMBERS;

	if ((conf->faces & CONF_FACE_NATIVE) != 0)
		limit = larger(limit, body_limit_frame(conf));
	if ((conf->faces & CONF_FACE_PASSWORDLINK) != 0)
		limit = larger(larger(limit, PAGE), body_limit_sealed(conf));
	return limit;
}

/* SPDX-License-Identifier: ISC */
/*
 * How large what arrives and what leaves can be, as the settings have it: for
 * the routes that refuse more, and for the web server that must let as much
 * pass.
 */

#include "web/body_limit.h"

#include "base/conf.h"

/* Every byte of a string may be written as six, `\u0041`. */
#define ESCAPED		6

/* The members' names, times, what a client may put between them. */
#define MEMBERS		4096

#define JSON_LIMIT	16384

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

int64_t
body_limit_largest(const struct conf *conf)
{
	int64_t	 limit = body_limit_json(conf);

	if ((conf->faces & CONF_FACE_NATIVE) != 0)
		limit = larger(limit, body_limit_frame(conf));
	if ((conf->faces & (CONF_FACE_SAFESECRETS | CONF_FACE_ONETIME)) != 0)
		limit = larger(limit, body_limit_message(conf));
	return limit;
}

/* A message comes back in JSON, on our own interface as it is. */
int64_t
body_limit_answer(const struct conf *conf)
{
	int64_t	 limit = conf->max_message * ESCAPED + MEMBERS;

	if ((conf->faces & CONF_FACE_NATIVE) != 0)
		limit = larger(limit, body_limit_frame(conf));
	return limit;
}

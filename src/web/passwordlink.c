/* SPDX-License-Identifier: ISC */
/*
 * The form of password.link's answers: data and metadata, or an error with a
 * sentence that begins with the name of its field.
 */

#include "web/passwordlink.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "base/conf.h"
#include "base/digits.h"
#include "base/utf8.h"
#include "store/store_account.h"
#include "web/http.h"
#include "web/sjcl.h"

#define HOUR	3600000		/* ms */

/* A sentence with one number in it. */
#define SENTENCE_MAX	160

/* The field's name as people write it, up to a NUL byte. */
static void
write_sentence(char sentence[SENTENCE_MAX], const char *field,
    const char *what)
{
	if (field == NULL || *field == '\0')
		(void)snprintf(sentence, SENTENCE_MAX, "%s", what);
	else
		(void)snprintf(sentence, SENTENCE_MAX, "%s %s", field, what);
	sentence[0] = (char)toupper((unsigned char)sentence[0]);
	for (size_t i = 0; field != NULL && field[i] != '\0'; i++)
		if (sentence[i] == '_')
			sentence[i] = ' ';
}

void
passwordlink_refuse(struct http_reply *reply, int status, const char *field,
    const char *what)
{
	struct json_writer	 json, inner;
	char			 sentence[SENTENCE_MAX];

	write_sentence(sentence, field, what);
	http_begin(reply, status, HTTP_JSON_TYPE);
	json_open(&json, &reply->body);
	json_key(&json, "error");
	json_open(&inner, &reply->body);
	json_text(&inner, "message", sentence);
	json_text(&inner, "field",
	    field == NULL || *field == '\0' ? NULL : field);
	json_close(&inner);
	json_close(&json);
}

void
passwordlink_error(struct http_reply *reply, enum app_error error)
{
	passwordlink_refuse(reply, app_error_status(error), NULL,
	    app_error_text(error));
}

/* What a value may be. */
static void
say_allowed(struct http_reply *reply, const struct json_member *member)
{
	char	 what[SENTENCE_MAX];

	switch (member->kind) {
	case JSON_STRING:
	case JSON_BASE64URL:
	case JSON_OBJECT:
		(void)snprintf(what, sizeof(what), "must be a string");
		break;
	case JSON_BOOLEAN_OR_WORD:
		(void)snprintf(what, sizeof(what), "must be true or false");
		break;
	case JSON_INTEGER:
	case JSON_INTEGER_OR_DIGITS:
		(void)snprintf(what, sizeof(what),
		    "must be a whole number from %lld to %lld",
		    (long long)member->min, (long long)member->max);
		break;
	}
	passwordlink_refuse(reply, 422, member->name, what);
}

void
passwordlink_fault(struct http_request *request, struct http_reply *reply,
    const struct json_error *error)
{
	switch (error->fault) {
	case JSON_NO_MEMORY:
		app_no_memory(request, reply);
		break;
	case JSON_REPEATED:
		passwordlink_refuse(reply, 422, error->field,
		    *error->field != '\0' ? "is there more than once" :
		    "A member of the body is there more than once");
		break;
	case JSON_MISSING:
		passwordlink_refuse(reply, 422, error->field,
		    "can't be blank");
		break;
	case JSON_TOO_LARGE:
		if (error->member->kind == JSON_STRING) {
			passwordlink_refuse(reply, 422, error->field,
			    "is too long");
			break;
		}
		say_allowed(reply, error->member);
		break;
	case JSON_TOO_SMALL:
	case JSON_WRONG_TYPE:
		say_allowed(reply, error->member);
		break;
	case JSON_FINE:
	case JSON_MALFORMED:
	case JSON_NOT_OBJECT:
	case JSON_UNKNOWN:
		passwordlink_refuse(reply, 400, NULL,
		    "The body must be one JSON object");
		break;
	}
}

void
passwordlink_sealed(struct http_request *request, struct http_reply *reply,
    const char *field, const struct sjcl_error *error)
{
	char	 what[SENTENCE_MAX];

	switch (error->fault) {
	case SJCL_FINE:
	case SJCL_NO_MEMORY:
		app_no_memory(request, reply);
		break;
	case SJCL_NOT_BASE64:
		passwordlink_refuse(reply, 422, field, "must be base64");
		break;
	case SJCL_NOT_SJCL:
		passwordlink_refuse(reply, 422, field, "must be base64 of an "
		    "SJCL object with iv, salt and ct, mode gcm and ks 256");
		break;
	case SJCL_TOO_LARGE:
		(void)snprintf(what, sizeof(what),
		    "must be at most %lld bytes, decoded",
		    (long long)error->most);
		passwordlink_refuse(reply, 413, field, what);
		break;
	}
}

int64_t
passwordlink_hours(const struct conf *conf)
{
	int64_t	 hours = conf->max_expire / HOUR;

	return hours < PASSWORDLINK_HOURS_MAX ? hours : PASSWORDLINK_HOURS_MAX;
}

int64_t
passwordlink_lifetime(const struct conf *conf, int64_t hours)
{
	return hours > 0 ? hours * HOUR : conf->max_expire;
}

bool
passwordlink_is_text(struct http_reply *reply, const char *field,
    const struct json_string *text)
{
	char	 what[SENTENCE_MAX];

	if (text->bytes == NULL || utf8_length(text->bytes, text->length) <=
	    PASSWORDLINK_TEXT_MAX)
		return true;
	(void)snprintf(what, sizeof(what), "must be at most %d characters",
	    PASSWORDLINK_TEXT_MAX);
	passwordlink_refuse(reply, 422, field, what);
	return false;
}

bool
passwordlink_offset(struct http_request *request, struct http_reply *reply,
    int64_t *offset)
{
	struct http_segment	 value;
	int			 count;

	*offset = 0;
	if ((count = http_query(request, "offset", &value)) == 0)
		return true;
	if (count == -1) {
		app_no_memory(request, reply);
		return false;
	}
	if (count == 1 && digits_read(value.bytes, value.length, offset))
		return true;
	passwordlink_refuse(reply, 422, "offset",
	    "must be a whole number from 0");
	return false;
}

bool
passwordlink_totals(struct app *app, struct http_request *request,
    struct http_reply *reply, struct listing_totals *totals)
{
	int	 failure;

	failure = listing_totals(app->site, request->account, totals);
	if (failure == 0)
		return true;
	app_fail(request, reply, failure);
	return false;
}

void
passwordlink_begin(struct http_reply *reply, int status,
    struct json_writer *json)
{
	http_begin(reply, status, HTTP_JSON_TYPE);
	json_open(json, &reply->body);
}

/* No limit is null. */
static void
put_allowance(struct json_writer *json, const char *name, int64_t allowance)
{
	if (allowance == STORE_UNLIMITED)
		json_text(json, name, NULL);
	else
		json_integer(json, name, allowance);
}

void
passwordlink_end(struct json_writer *json,
    const struct listing_totals *totals, bool requests)
{
	struct json_writer	 inner;

	json_key(json, "metadata");
	json_open(&inner, json->out);
	json_integer(&inner, "secrets_total", totals->total);
	json_integer(&inner, "secrets_usage", totals->usage);
	put_allowance(&inner, "secrets_allowance", totals->allowance);
	if (requests) {
		json_integer(&inner, "secret_requests_total",
		    totals->request_total);
		put_allowance(&inner, "secret_requests_allowance",
		    totals->request_allowance);
	}
	json_close(&inner);
	json_close(json);
}

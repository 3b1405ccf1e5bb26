/* SPDX-License-Identifier: ISC */
#ifndef ONCELINK_PASSWORDLINK_H
#define ONCELINK_PASSWORDLINK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/listing.h"
#include "web/app.h"
#include "web/json.h"
#include "web/json_read.h"

struct json_error;
struct sjcl_error;

/*
 * What all calls of password.link's interface have in common: the form of
 * answers and errors, the sizes and words of fields, pages.
 */

#define PASSWORDLINK_TEXT_MAX	2048	/* code points: description, message */
#define PASSWORDLINK_TEXT_BYTES	(4 * PASSWORDLINK_TEXT_MAX)
#define PASSWORDLINK_PASSWORD_MAX 1024	/* bytes */
#define PASSWORDLINK_PART_MAX	1024	/* bytes, decoded */
#define PASSWORDLINK_NAME_MAX	4096	/* bytes, decoded: attachment_name */
#define PASSWORDLINK_HOURS_MAX	350
#define PASSWORDLINK_VIEWS_MAX	100

/* passwordlink_error(reply, error): what went wrong around a handler. */
void	 passwordlink_error(struct http_reply *reply, enum app_error error);

/*
 * passwordlink_refuse(reply, status, field, what): an error about a field,
 * `<Field> <what>', where field is a member's name; or about none (NULL), and
 * then what is the whole sentence.
 */
void	 passwordlink_refuse(struct http_reply *reply, int status,
	    const char *field, const char *what);

/* passwordlink_fault(request, reply, error): what json_read found. */
void	 passwordlink_fault(struct http_request *request,
	    struct http_reply *reply, const struct json_error *error);

/* passwordlink_sealed(request, reply, field, error): what sjcl_check found in
 * a field. */
void	 passwordlink_sealed(struct http_request *request,
	    struct http_reply *reply, const char *field,
	    const struct sjcl_error *error);

/* passwordlink_hours(conf): the most that a field `expiration' may say. */
int64_t	 passwordlink_hours(const struct conf *conf);

/* passwordlink_lifetime(conf, hours): ms; 0 or less hours are the longest. */
int64_t	 passwordlink_lifetime(const struct conf *conf, int64_t hours);

/* passwordlink_is_text(reply, field, text): is it of at most
 * PASSWORDLINK_TEXT_MAX code points?  When not, reply says so. */
bool	 passwordlink_is_text(struct http_reply *reply, const char *field,
	    const struct json_string *text);

/* passwordlink_offset(request, reply, offset): the query's offset, 0 where it
 * has none.  Returns false when reply says what is wrong. */
bool	 passwordlink_offset(struct http_request *request,
	    struct http_reply *reply, int64_t *offset);

/*
 * passwordlink_totals(app, request, reply, totals): for the metadata.  Asked
 * for before anything is changed, since nothing may fail behind that; the
 * caller then counts what it did.  Returns false when reply says why not.
 */
bool	 passwordlink_totals(struct app *app, struct http_request *request,
	    struct http_reply *reply, struct listing_totals *totals);

/*
 * passwordlink_begin(reply, status, json), passwordlink_end(json, totals,
 * requests): an answer; the caller writes its member `data' between the two.
 * requests: the metadata is of secret requests too.
 */
void	 passwordlink_begin(struct http_reply *reply, int status,
	    struct json_writer *json);
void	 passwordlink_end(struct json_writer *json,
	    const struct listing_totals *totals, bool requests);

#endif

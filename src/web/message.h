/* SPDX-License-Identifier: ISC */
#ifndef ONCELINK_MESSAGE_H
#define ONCELINK_MESSAGE_H

#include <stdbool.h>

#include "core/secret.h"

struct app;
struct http_reply;
struct http_request;

/* What opening a message can come to: the outcomes below this one. */
#define MESSAGE_OUTCOMES (SECRET_NOW_LOCKED + 1)

/*
 * message_create(app, request, reply, creation): store the payload, kind,
 * proof and lifetime that are set there, for one reader and the usual attempts.
 * Returns true when it is stored, and false when the reply says why not.
 */
bool	 message_create(struct app *app, struct http_request *request,
	    struct http_reply *reply, struct secret_creation *creation);

/*
 * message_open(app, request, reply, kind, reading): take the message of this
 * kind by the token and proof that are set there.  Returns true with an outcome
 * below MESSAGE_OUTCOMES, and false when the reply says that we failed.
 */
bool	 message_open(struct app *app, struct http_request *request,
	    struct http_reply *reply, enum secret_kind kind,
	    struct secret_reading *reading);

#endif

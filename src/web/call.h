/* SPDX-License-Identifier: ISC */
#ifndef ONCELINK_CALL_H
#define ONCELINK_CALL_H

#include "core/secret.h"
#include "web/app.h"
#include "web/json.h"

/* What the calls of our own interface say, read from frames and JSON. */

/* The first line of a frame, without its end. */
#define CALL_LINE_MAX		4096

#define CALL_EXPIRES_IN_MIN	60	/* seconds */
#define CALL_VIEWS_MAX		100
#define CALL_ATTEMPTS_MAX	10
#define CALL_PIN_MAX		1024	/* bytes */

enum call_kind {
	CALL_CREATE,		/* the only one in a frame */
	CALL_PEEK,
	CALL_OPEN,
	CALL_ACK,
	CALL_KNOCK,
	CALL_RECEIPT,
	CALL__MAX
};

/* Each call has some of these; in the arena of its request. */
struct call {
	uint8_t			 id[TOKEN_BYTES];
	uint8_t			 receipt[SEAL_SECRETBYTES];
	uint8_t			 gate[SEAL_STRETCHBYTES];
	uint8_t			 claim[SEAL_SECRETBYTES];
	struct json_string	 pin;
	int64_t			 expires_in;	/* seconds */
	int64_t			 views;
	int64_t			 attempts;
	bool			 has_gate;
	bool			 has_claim;
	bool			 has_pin;
	const uint8_t		*envelope;	/* in the request's body */
	size_t			 envelope_size;

	/* For the handler: what it asks of the core, wiped with the rest. */
	struct secret_creation	 creation;
	struct secret_reading	 reading;
};

/*
 * call_read(app, request, reply, kind): what the body says, checked.  Returns
 * NULL when reply says what is wrong with it.
 */
struct call *call_read(struct app *app, struct http_request *request,
	    struct http_reply *reply, enum call_kind kind);

/* call_json_limit(conf), call_frame_limit(conf): the largest body, in bytes. */
int64_t	 call_json_limit(const struct conf *conf);
int64_t	 call_frame_limit(const struct conf *conf);

#endif

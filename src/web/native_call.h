/* SPDX-License-Identifier: ISC */
#ifndef ONCELINK_NATIVE_CALL_H
#define ONCELINK_NATIVE_CALL_H

#include "core/secret.h"
#include "crypto/captcha.h"
#include "web/app.h"
#include "web/json_read.h"

/* What the calls of our own interface say, read from frames and JSON. */

#define NATIVE_CALL_EXPIRES_IN_MIN	60	/* seconds */
#define NATIVE_CALL_VIEWS_MAX		100
#define NATIVE_CALL_ATTEMPTS_MAX	10
#define NATIVE_CALL_PIN_MAX		1024	/* bytes */

enum native_call_kind {
	NATIVE_CALL_CREATE,	/* the only one in a frame */
	NATIVE_CALL_PEEK,
	NATIVE_CALL_OPEN,
	NATIVE_CALL_ACK,
	NATIVE_CALL_KNOCK,
	NATIVE_CALL_RECEIPT,
	NATIVE_CALL__MAX
};

/* Each call has some of these; in the arena of its request. */
struct native_call {
	uint8_t			 id[TOKEN_BYTES];
	uint8_t			 receipt[SEAL_SECRETBYTES];
	uint8_t			 gate[SEAL_STRETCHBYTES];
	uint8_t			 claim[SEAL_SECRETBYTES];
	struct json_string	 pin;
	int64_t			 expires_in;	/* seconds */
	int64_t			 views;
	int64_t			 attempts;
	struct captcha		 captcha;
	int64_t			 captcha_bits;
	int64_t			 captcha_number;
	bool			 has_captcha;
	bool			 has_gate;
	bool			 has_claim;
	bool			 has_pin;
	const uint8_t		*envelope;	/* in the request's body */
	size_t			 envelope_size;

	/* For the handler: what it asks of the core, wiped with the rest. */
	struct secret_creation	 creation;
	struct secret_reading	 reading;
	struct secret_solution	 solution;
};

/*
 * native_call_read(app, request, reply, kind): what the body says, checked.
 * Returns NULL when reply says what is wrong with it.
 */
struct native_call *native_call_read(struct app *app,
	    struct http_request *request, struct http_reply *reply,
	    enum native_call_kind kind);

#endif

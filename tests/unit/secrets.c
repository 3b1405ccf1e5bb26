/* SPDX-License-Identifier: ISC */
/*
 * How the calls of our own interface are written, and their answers read.
 */

#include "secrets.h"

#include <stdio.h>
#include <string.h>

void
secrets_draw(struct secrets_one *secret)
{
	faces_random(16, secret->id);
	faces_random(16, secret->receipt);
	faces_random(32, secret->gate);
	faces_random(32, secret->wrong);
	faces_random(16, secret->claim);
	faces_random(16, secret->other);
	faces_random(16, secret->third);
	faces_envelope(secret->envelope, sizeof(secret->envelope));
}

int
secrets_create(struct faces *faces, const struct secrets_one *secret, const char
    *more)
{
	return faces_frame(faces, secret->envelope, sizeof(secret->envelope),
	    "{\"id\":\"%s\",\"receipt\":\"%s\",\"expires_in\":3600%s}",
	    secret->id, secret->receipt, more);
}

int
secrets_create_gated(struct faces *faces, const struct secrets_one *secret,
    const char *more)
{
	return faces_frame(faces, secret->envelope, sizeof(secret->envelope),
	    "{\"id\":\"%s\",\"receipt\":\"%s\",\"expires_in\":3600,"
	    "\"gate\":\"%s\"%s}", secret->id, secret->receipt, secret->gate,
	    more);
}

int
secrets_open(struct faces *faces, const struct secrets_one *secret,
    const char *claim, const char *gate)
{
	if (gate == NULL)
		return faces_post(faces, SECRETS_OPEN,
		    "{\"id\":\"%s\",\"claim\":\"%s\"}", secret->id, claim);
	return faces_post(faces, SECRETS_OPEN,
	    "{\"id\":\"%s\",\"claim\":\"%s\",\"gate\":\"%s\"}", secret->id,
	    claim, gate);
}

int
secrets_peek(struct faces *faces, const struct secrets_one *secret)
{
	return faces_post(faces, SECRETS_PEEK, "{\"id\":\"%s\"}", secret->id);
}

int
secrets_ack(struct faces *faces, const struct secrets_one *secret, const char
    *claim)
{
	return faces_post(faces, SECRETS_ACK,
	    "{\"id\":\"%s\",\"claim\":\"%s\"}", secret->id, claim);
}

int
secrets_knock(struct faces *faces, const struct secrets_one *secret)
{
	return faces_post(faces, SECRETS_KNOCK, "{\"id\":\"%s\"}", secret->id);
}

void
secrets_receipt_says(struct faces *faces, const struct secrets_one *secret,
    const char *state)
{
	assert_int_equal(faces_post(faces, SECRETS_RECEIPT_PEEK,
	    "{\"receipt\":\"%s\"}", secret->receipt), 200);
	faces_says(faces, "state", state);
}

void
secrets_is_problem(struct faces *faces, const char *name)
{
	char	 type[128], status[8];

	(void)snprintf(type, sizeof(type), "tag:oncelink,2026:%s", name);
	(void)snprintf(status, sizeof(status), "%d", faces->reply.status);
	assert_string_equal(faces->reply.content_type, FACES_PROBLEM);
	faces_says(faces, "type", type);
	faces_says(faces, "status", status);
}

void
secrets_is_payload(struct faces *faces, const void *envelope, size_t size)
{
	const char	*payload;
	size_t		 length;

	assert_string_equal(faces->reply.content_type, FACES_FRAME);
	payload = faces_payload(faces, &length);
	assert_int_equal(length, size);
	assert_memory_equal(payload, envelope, size);
}

void
secrets_is_minute(struct faces *faces, const char *name)
{
	char	 text[64];

	faces_member(faces, name, text, sizeof(text));
	assert_int_equal(strlen(text), strlen("2026-11-22T10:00:00Z"));
	assert_string_equal(text + strlen("2026-11-22T10:00"), ":00Z");
}

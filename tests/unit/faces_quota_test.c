/* SPDX-License-Identifier: ISC */
/*
 * A client that made enough, through every interface: what it is told, that
 * nothing else changes, and who is not meant.
 */

#include "sealed.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#define SOMEBODY	"192.0.2.77"
#define SOMEBODY_ELSE	"192.0.2.78"

#define MESSAGE		"{\"message\":\"x\",\"exp\":60,\"pin\":\"12345\"}"
#define SECRET		"{\"message\":\"x\",\"passphrase\":\"p\"}"

/* JSON from that address. */
static int
post(struct faces *faces, const char *address, const char *key,
    const char *uri, const char *body)
{
	return faces_ask(faces, .method = HTTP_POST, .uri = uri,
	    .type = FACES_JSON, .body = body, .size = strlen(body),
	    .authorization = key, .address = address);
}

/* A secret of our own interface; again: the same as the last one. */
static int
post_frame(struct faces *faces, const char *address, bool again)
{
	static char	 frame[200 + FACES_ENVELOPE];
	static size_t	 size;
	char		 id[FACES_ID_LENGTH + 1];

	if (!again) {
		faces_random(16, id);
		size = (size_t)snprintf(frame, 200, "{\"id\":\"%s\","
		    "\"receipt\":\"%s\",\"expires_in\":60}\n", id, id);
		faces_envelope((uint8_t *)frame + size, FACES_ENVELOPE);
		size += FACES_ENVELOPE;
	}
	return faces_ask(faces, .method = HTTP_POST,
	    .uri = "/api/v2/secrets", .type = FACES_FRAME, .body = frame,
	    .size = size, .address = address);
}

/* 429 until the hour is over, and JSON of the interface's form. */
static long
is_refused(struct faces *faces, int status)
{
	const char	*text = faces_header(faces, "Retry-After");
	long		 wait;

	assert_int_equal(status, 429);
	assert_non_null(text);
	wait = strtol(text, NULL, 10);
	assert_in_range(wait, 1, 3600);
	assert_true(faces_is_json(faces));
	return wait;
}

/* An hour that ends within a test would begin the count anew. */
static void
await_hour(void)
{
	while (time(NULL) % 3600 > 3590)
		(void)nanosleep(&(struct timespec){ .tv_nsec = 100000000 },
		    NULL);
}

static void
each_face_says_so(void **state)
{
	struct faces		*faces = faces_open("client_secrets = 1\n");
	struct store_stats	 stats;
	char			 wait[32];

	(void)state;
	await_hour();
	assert_int_equal(post(faces, SOMEBODY, NULL, "/api/v1/message",
	    MESSAGE), 201);
	stats = faces_stats(faces);
	is_refused(faces, post(faces, SOMEBODY, NULL, "/api/v1/message",
	    MESSAGE));
	faces_says(faces, "error", "too much was made from this network: try "
	    "again later");
	is_refused(faces, post(faces, SOMEBODY, NULL, "/secrets", SECRET));
	faces_says(faces, "success", "False");
	assert_string_equal(faces_header(faces,
	    "Access-Control-Allow-Origin"), "*");
	is_refused(faces, post(faces, SOMEBODY, NULL, "/api/secrets",
	    SECRET));
	(void)snprintf(wait, sizeof(wait), "%ld",
	    is_refused(faces, post_frame(faces, SOMEBODY, false)));
	assert_string_equal(faces->reply.content_type, FACES_PROBLEM);
	faces_says(faces, "type", "tag:oncelink,2026:quota");
	faces_says(faces, "status", "429");
	faces_says(faces, "retry_after", wait);
	faces_unchanged(faces, &stats);
	assert_int_equal(post(faces, SOMEBODY_ELSE, NULL, "/secrets",
	    SECRET), 200);
	faces_close(faces);
}

/* What a client may do, and nobody else did, is not shut out. */
static void
reading_goes_on(void **state)
{
	struct faces	*faces = faces_open("client_secrets = 2\n");
	char		 id[FACES_HEX_SIZE], uri[64];

	(void)state;
	await_hour();
	assert_int_equal(post(faces, SOMEBODY, NULL, "/secrets", SECRET),
	    200);
	faces_member(faces, "id", id, sizeof(id));
	assert_int_equal(post_frame(faces, SOMEBODY, false), 201);
	is_refused(faces, post(faces, SOMEBODY, NULL, "/secrets", SECRET));
	/* Said again, since its answer may have been lost. */
	assert_int_equal(post_frame(faces, SOMEBODY, true), 201);
	(void)snprintf(uri, sizeof(uri), "/secrets/%s", id);
	assert_int_equal(post(faces, SOMEBODY, NULL, uri,
	    "{\"passphrase\":\"p\"}"), 200);
	/* Reading gives nothing back. */
	is_refused(faces, post_frame(faces, SOMEBODY, false));
	faces_close(faces);
}

/* The address is the one that a trusted proxy names. */
static void
behind_proxies(void **state)
{
	struct faces	*faces = faces_open("client_secrets = 1\n"
			    "trusted_proxies = 10.0.0.0/8\n");
	static const struct {
		const char	*address, *forwarded;
		int		 want;
	} rows[] = {
		{ "10.1.1.1", SOMEBODY, 200 },
		{ "10.1.1.2", SOMEBODY, 429 },
		{ "10.1.1.1", SOMEBODY_ELSE, 200 },
		{ "10.1.1.1", SOMEBODY ", " SOMEBODY_ELSE, 429 },
		{ "10.1.1.1", "", 200 },	/* nobody in particular */
		{ "10.1.1.1", "", 200 },
		{ "198.51.100.1", "192.0.2.1", 200 },
		{ "198.51.100.1", "192.0.2.2", 429 },
		{ "127.0.0.1", "", 200 },
		{ "127.0.0.1", "", 200 },
		{ "unix:", "", 200 },
		{ "unix:", "", 200 },
	};

	(void)state;
	await_hour();
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		if (faces_ask(faces, .method = HTTP_POST, .uri = "/secrets",
		    .type = FACES_JSON, .body = SECRET,
		    .size = strlen(SECRET), .address = rows[i].address,
		    .forwarded_for = rows[i].forwarded) != rows[i].want)
			fail_msg("row %zu: %d", i, faces->reply.status);
	faces_close(faces);
}

/* An account has its own allowance, wherever its key is used. */
static void
keys(void **state)
{
	static const char	 body[] = "{" SEALED_BOTH "}";
	struct sealed		*sealed = sealed_open("client_secrets = 1\n");
	struct faces		*faces = sealed->faces;

	(void)state;
	await_hour();
	for (int i = 0; i < 3; i++)
		assert_int_equal(post(faces, SOMEBODY, sealed->private,
		    "/api/secrets", body), 201);
	assert_int_equal(post(faces, SOMEBODY, NULL, "/secrets", SECRET),
	    200);
	is_refused(faces, post(faces, SOMEBODY, NULL, "/secrets", SECRET));
	assert_int_equal(post(faces, SOMEBODY, sealed->private,
	    "/api/secrets", body), 201);
	sealed_close(sealed);
}

/* Who fills a request in is somebody, and the request waits. */
static void
filling(void **state)
{
	struct sealed	*sealed = sealed_open("client_secrets = 1\n");
	struct faces	*faces = sealed->faces;
	char		 id[FACES_ID_LENGTH + 1], body[1000];
	uint8_t		 token[TOKEN_BYTES];
	const char	*uuid;

	(void)state;
	await_hour();
	assert_int_equal(post(faces, SOMEBODY, sealed->private,
	    "/api/secret_requests", "{\"limit\":2}"), 201);
	uuid = sealed_at(sealed, "data/id");
	assert_true(token_from_uuid(token, uuid, strlen(uuid)));
	faces_base64url(token, sizeof(token), id);
	(void)snprintf(body, sizeof(body), "{\"id\":\"%s\"," SEALED_BOTH "}",
	    id);
	assert_int_equal(post(faces, SOMEBODY, NULL, "/api/v2/requests/fill",
	    body), 201);
	is_refused(faces, post(faces, SOMEBODY, NULL,
	    "/api/v2/requests/fill", body));
	faces_says(faces, "type", "tag:oncelink,2026:quota");
	assert_int_equal(post(faces, SOMEBODY_ELSE, NULL,
	    "/api/v2/requests/fill", body), 201);
	sealed_close(sealed);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_face_says_so),
		cmocka_unit_test(reading_goes_on),
		cmocka_unit_test(behind_proxies),
		cmocka_unit_test(keys),
		cmocka_unit_test(filling),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}

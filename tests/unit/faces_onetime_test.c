/* SPDX-License-Identifier: ISC */
/*
 * The interface of One Time Secret App: what its clients rely on, and what
 * belongs to another service on the same path.
 */

#include "faces.h"

#include <stdio.h>
#include <string.h>

#include "crypto/token.h"

#define NEVER "{\"success\":\"False\",\"message\":"			\
	"\"This secret either never existed or it was already read\"}"

static int
setup(void **state)
{
	*state = faces_open("");
	return 0;
}

static int
teardown(void **state)
{
	faces_close(*state);
	return 0;
}

static void
test_secret_once(void **state)
{
	struct faces	*faces = *state;
	char		 id[FACES_HEX_SIZE], uri[128];

	faces_make_secret(faces, "h\\u00e9 \\\"there\\\"", "open sesame", id);
	assert_int_equal(strspn(id, "0123456789abcdef"), FACES_HEX_SIZE - 1);
	assert_string_equal(faces_header(faces,
	    "Access-Control-Allow-Origin"), "*");
	assert_int_equal(faces_read_secret(faces, id, "open sesame"), 200);
	faces_says(faces, "success", "True");
	faces_says(faces, "message", "h\xc3\xa9 \"there\"");
	assert_int_equal(faces_read_secret(faces, id, "open sesame"), 404);
	assert_string_equal(faces->body, NEVER);
	assert_string_equal(faces_header(faces,
	    "Access-Control-Allow-Origin"), "*");

	assert_int_equal(faces_post(faces, "/api/secrets",
	    "{\"message\":\"m\",\"passphrase\":\"p\",\"more\":null,"
	    "\"expiration_time\":\"60\"}"), 200);
	faces_member(faces, "id", id, sizeof(id));
	(void)snprintf(uri, sizeof(uri), "/api/secrets/%s", id);
	assert_int_equal(faces_post(faces, uri,
	    "{\"id\":\"%s\",\"passphrase\":\"p\",\"message\":1}", id), 200);
	faces_says(faces, "message", "m");
}

/* A wrong passphrase is the same 404, and the third ends the secret. */
static void
test_secret_attempts(void **state)
{
	struct faces	*faces = *state;
	char		 id[FACES_HEX_SIZE], first[FACES_HEX_SIZE],
	    key[FACES_UUID_SIZE];
	uint8_t		 token[TOKEN_BYTES];
	int		 i;

	faces_make_secret(faces, "x", "p", first);
	faces_make_secret(faces, "y", "p", id);
	for (i = 0; i < 3; i++) {
		assert_int_equal(faces_read_secret(faces, id, "q"), 404);
		assert_string_equal(faces->body, NEVER);
	}
	assert_int_equal(faces_read_secret(faces, id, "p"), 404);
	assert_string_equal(faces->body, NEVER);
	assert_int_equal(faces_read_secret(faces, first, "q"), 404);
	assert_int_equal(faces_read_secret(faces, first, "q"), 404);
	assert_int_equal(faces_read_secret(faces, first, "p"), 200);
	assert_int_equal(faces_read_secret(faces, "nonsense", "p"), 404);
	assert_string_equal(faces->body, NEVER);
	assert_int_equal(faces_read_secret(faces,
	    "0123456789abcdef0123456789abcdef", "p"), 404);
	assert_string_equal(faces->body, NEVER);

	faces_make_message(faces, "z", 60, "12345", key);
	assert_true(token_from_uuid(token, key, FACES_UUID_SIZE - 1));
	token_to_hex(token, id);
	for (i = 0; i < 3; i++) {
		assert_int_equal(faces_read_secret(faces, id, "99999"), 404);
		assert_string_equal(faces->body, NEVER);
	}
	assert_int_equal(faces_read_message(faces, key, "12345"), 200);
}

/* What password.link's clients send to the path that both have. */
static void
send_to_other_service(struct faces *faces, int status)
{
	static const char	 body[] =
	    "{\"message\":\"m\",\"passphrase\":\"p\"}";
	struct store_stats	 stats = faces_stats(faces);
	char			 text[256];

	assert_int_equal(faces_post(faces, "/api/secrets",
	    "{\"ciphertext\":\"x\",\"message\":\"m\",\"passphrase\":\"p\"}"),
	    status);
	faces_member(faces, "error", text, sizeof(text));
	assert_non_null(strstr(text, "\"field\""));
	assert_int_equal(faces_ask(faces, .method = HTTP_POST,
	    .uri = "/api/secrets", .type = FACES_JSON, .body = body,
	    .size = sizeof(body) - 1, .authorization = "ApiKey x"), status);
	faces_member(faces, "error", text, sizeof(text));
	faces_unchanged(faces, &stats);
	assert_int_equal(faces_ask(faces, .method = HTTP_POST,
	    .uri = "/secrets", .type = FACES_JSON, .body = body,
	    .size = sizeof(body) - 1, .authorization = "ApiKey x"), 200);
}

/* What password.link's clients send to the path that both have. */
static void
test_secret_of_other_service(void **state)
{
	struct faces	*faces = *state;

	send_to_other_service(faces, 403);
	faces->conf.faces &= ~CONF_FACE_PASSWORDLINK;
	send_to_other_service(faces, 404);
}

static void
test_secret_preflight(void **state)
{
	struct faces	*faces = *state;

	assert_int_equal(faces_ask(faces, .method = HTTP_OPTIONS,
	    .uri = "/api/secrets"), 204);
	assert_string_equal(faces_header(faces,
	    "Access-Control-Allow-Origin"), "*");
	assert_string_equal(faces_header(faces,
	    "Access-Control-Allow-Methods"), "GET, POST, DELETE");
	assert_string_equal(faces_header(faces,
	    "Access-Control-Allow-Headers"),
	    "Authorization, Content-Type, X-Secret-Password");
	assert_string_equal(faces_header(faces, "Access-Control-Max-Age"),
	    "86400");
	assert_null(faces_header(faces, "Access-Control-Allow-Credentials"));
}

int
main(void)
{
	const struct CMUnitTest	 tests[] = {
#define SITE(test) cmocka_unit_test_setup_teardown(test, setup, teardown)
		SITE(test_secret_once),
		SITE(test_secret_attempts),
		SITE(test_secret_of_other_service),
		SITE(test_secret_preflight)
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}

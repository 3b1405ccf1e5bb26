/* SPDX-License-Identifier: ISC */
/*
 * The interface of SafeSecrets: what its clients rely on.
 */

#include "faces.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "crypto/token.h"

#define GONE	"{\"error\":\"message expired or deleted\"}"

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
wait_until(time_t moment)
{
	struct timespec	 at = { .tv_sec = moment };

	while (clock_nanosleep(CLOCK_REALTIME, TIMER_ABSTIME, &at, NULL) != 0)
		continue;
}

static void
test_message_once(void **state)
{
	struct faces		*faces = *state;
	struct store_stats	 stats;
	char			 key[FACES_UUID_SIZE], want[256], time_text[64];

	faces_make_message(faces, "top secret", 120, "12345", key);
	assert_string_equal(faces->reply.content_type, FACES_JSON);
	assert_int_equal(strspn(key, "0123456789abcdef-"), FACES_UUID_SIZE - 1);
	faces_member(faces, "exp", time_text, sizeof(time_text));
	assert_true(strlen(time_text) == strlen("2026-11-22T10:00:00Z") ||
	    strlen(time_text) == strlen("2026-11-22T10:00:00+01:00"));
	assert_int_equal(time_text[10], 'T');
	stats = faces_stats(faces);
	assert_int_equal(stats.records, 1);

	assert_int_equal(faces_read_message(faces, key, "12345"), 200);
	(void)snprintf(want, sizeof(want),
	    "{\"key\":\"%s\",\"message\":\"top secret\"}", key);
	assert_string_equal(faces->body, want);
	stats = faces_stats(faces);
	assert_int_equal(stats.records, 0);
	assert_int_equal(stats.secrets[STORE_OPENED], 1);
	assert_int_equal(faces_read_message(faces, key, "12345"), 400);
	assert_string_equal(faces->body, GONE);
}

static void
test_message_zone(void **state)
{
	struct faces	*faces = *state;
	char		 key[FACES_UUID_SIZE], text[64];

	assert_int_equal(setenv("TZ", "EST5", 1), 0);
	tzset();
	faces_make_message(faces, "x", 60, "12345", key);
	faces_member(faces, "exp", text, sizeof(text));
	assert_string_equal(text + strlen(text) - 6, "-05:00");
	assert_int_equal(unsetenv("TZ"), 0);
	tzset();
}

static void
test_message_attempts(void **state)
{
	struct faces	*faces = *state;
	char		 key[FACES_UUID_SIZE];

	faces_make_message(faces, "x", 60, "12345", key);
	assert_int_equal(faces_read_message(faces, key, "00000"), 417);
	assert_string_equal(faces->body, "{\"error\":\"wrong pin attempt\"}");
	assert_int_equal(faces_read_message(faces, key, "00001"), 417);
	assert_string_equal(faces->body, "{\"error\":\"wrong pin attempt\"}");
	assert_int_equal(faces_read_message(faces, key, "00002"), 400);
	assert_string_equal(faces->body, "{\"error\":\"wrong pin\"}");
	assert_int_equal(faces_read_message(faces, key, "12345"), 400);
	assert_string_equal(faces->body, GONE);

	faces_make_message(faces, "x", 60, "12345", key);
	assert_int_equal(faces_read_message(faces, key, "00000"), 417);
	assert_int_equal(faces_read_message(faces, key, "00000"), 417);
	assert_int_equal(faces_read_message(faces, key, "12345"), 200);
}

/* A PIN of the wrong length, a prefetch and a HEAD cost nothing. */
static void
test_message_costs_nothing(void **state)
{
	static const char	*const pins[] = {
		"", "1234", "123456", "%3123", "%ff%ff%ff%ff%ff",
		"%c3%a51234%35"
	};
	struct faces		*faces = *state;
	struct store_stats	 stats;
	char			 key[FACES_UUID_SIZE], uri[256];
	size_t			 i;

	faces_make_message(faces, "x", 60, "12345", key);
	stats = faces_stats(faces);
	for (i = 0; i < sizeof(pins) / sizeof(pins[0]); i++) {
		assert_int_equal(faces_read_message(faces, key, pins[i]), 400);
		assert_non_null(strstr(faces->body, "pin"));
		assert_non_null(strstr(faces->body, "5 characters"));
	}
	(void)snprintf(uri, sizeof(uri), "/api/v1/message/%s/12345", key);
	assert_int_equal(faces_ask(faces, .method = HTTP_GET, .uri = uri,
	    .purpose = "prefetch"), 503);
	assert_true(faces_is_json(faces));
	assert_int_equal(faces_ask(faces, .method = HTTP_GET, .uri = uri,
	    .purpose = "prefetch;prerender"), 503);
	assert_int_equal(faces_ask(faces, .method = HTTP_HEAD, .uri = uri),
	    405);
	assert_string_equal(faces_header(faces, "Allow"), "GET, OPTIONS");
	faces_unchanged(faces, &stats);
	assert_int_equal(faces_read_message(faces, key, "00000"), 417);
	assert_int_equal(faces_read_message(faces, key, "00000"), 417);
	assert_int_equal(faces_read_message(faces, key, "12345"), 200);
}

static void
test_message_pins(void **state)
{
	static const struct {
		const char	*json;
		const char	*path;
	} pins[] = {
		{ "a/b%2", "a%2Fb%252" },
		{ "+ #?&", "+%20%23%3F%26" },
		{ "..//.", "..%2f%2f." },
		{ "..//.", "%2e%2e%2F%2F%2E" },
		{ "\xc3\xa5\xc3\xa4\xc3\xb6" "12",
		    "%C3%A5%C3%A4%C3%B6" "12" },
		{ "\\u00e5\\ud83d\\ude00xyz",
		    "\xc3\xa5\xf0\x9f\x98\x80xyz" },
		{ "\\u0000\\u0001abc", "%00%01abc" }
	};
	struct faces	*faces = *state;
	char		 key[FACES_UUID_SIZE];
	size_t		 i;

	for (i = 0; i < sizeof(pins) / sizeof(pins[0]); i++) {
		faces_make_message(faces, "x", 60, pins[i].json, key);
		assert_int_equal(faces_read_message(faces, key, "abcde"), 417);
		assert_int_equal(faces_read_message(faces, key, pins[i].path),
		    200);
	}
}

/* Unknown, no UUID, read, destroyed, expired, and those of another face. */
static void
test_message_all_gone_alike(void **state)
{
	struct faces	*faces = *state;
	char		 key[FACES_UUID_SIZE], expired[FACES_UUID_SIZE],
	    hex[FACES_HEX_SIZE];
	char		 other[FACES_UUID_SIZE];
	uint8_t		 token[TOKEN_BYTES];
	time_t		 moment;

	faces_make_message(faces, "x", 1, "12345", expired);
	moment = time(NULL) + 2;

	assert_int_equal(faces_read_message(faces,
	    "f1acfe04-277f-4016-518d-16c312ab84b5", "12345"), 400);
	assert_string_equal(faces->body, GONE);
	assert_int_equal(faces_read_message(faces, "nonsense", "12345"), 400);
	assert_string_equal(faces->body, GONE);
	assert_int_equal(faces_read_message(faces, "", "12345"), 400);
	assert_string_equal(faces->body, GONE);

	faces_make_secret(faces, "x", "12345", hex);
	assert_true(token_from_hex(token, hex, FACES_HEX_SIZE - 1));
	token_to_uuid(token, other);
	assert_int_equal(faces_read_message(faces, other, "99999"), 400);
	assert_string_equal(faces->body, GONE);
	assert_int_equal(faces_read_message(faces, other, "12345"), 400);
	assert_string_equal(faces->body, GONE);
	assert_int_equal(faces_read_secret(faces, hex, "12345"), 200);

	faces_make_message(faces, "x", 60, "12345", key);
	assert_int_equal(faces_read_message(faces, key, "1234x"), 417);
	assert_int_equal(faces_read_message(faces, key, "1234x"), 417);
	assert_int_equal(faces_read_message(faces, key, "1234x"), 400);
	assert_int_equal(faces_read_message(faces, key, "12345"), 400);
	assert_string_equal(faces->body, GONE);

	wait_until(moment);
	assert_int_equal(faces_read_message(faces, expired, "12345"), 400);
	assert_string_equal(faces->body, GONE);
}

static void
test_message_sizes(void **state)
{
	struct faces		*faces = *state;
	struct store_stats	 stats;
	char			 key[FACES_UUID_SIZE];
	char			*text;

	faces_make_message(faces, "", 86400, "12345", key);
	assert_int_equal(faces_read_message(faces, key, "12345"), 200);
	faces_says(faces, "message", "");

	text = calloc(1, 65536 + 2);
	assert_non_null(text);
	memset(text, 'm', 65536);
	faces_make_message(faces, text, 60, "12345", key);
	assert_int_equal(faces_read_message(faces, key, "12345"), 200);
	assert_non_null(strstr(faces->body, text));

	text[65536] = 'm';
	stats = faces_stats(faces);
	assert_int_equal(faces_post(faces, "/api/v1/message",
	    "{\"message\":\"%s\",\"exp\":60,\"pin\":\"12345\"}", text), 413);
	assert_true(faces_is_json(faces));
	assert_non_null(strstr(faces->body, "65536"));
	faces_unchanged(faces, &stats);
	free(text);
}

static void
test_message_any_type(void **state)
{
	static const char	 body[] =
	    "{\"more\":[1],\"message\":\"x\",\"exp\":60,\"pin\":\"12345\"}";
	struct faces		*faces = *state;

	assert_int_equal(faces_ask(faces, .method = HTTP_POST,
	    .uri = "/api/v1/message", .body = body,
	    .size = sizeof(body) - 1), 201);
	assert_int_equal(faces_ask(faces, .method = HTTP_POST,
	    .uri = "/api/v1/message", .type = "text/plain", .body = body,
	    .size = sizeof(body) - 1), 201);
	assert_null(faces_header(faces, "Access-Control-Allow-Origin"));
}

static void
test_safesecrets_rest(void **state)
{
	struct faces	*faces = *state;

	assert_int_equal(faces_get(faces, "/api/v1/params"), 200);
	assert_string_equal(faces->body, "{\"pin_size\":5,"
	    "\"max_pin_attempts\":3,\"max_exp_sec\":86400,"
	    "\"files_enabled\":false,\"max_file_size\":1048576,"
	    "\"allow_no_pin\":false}");
	assert_int_equal(faces_get(faces, "/ping"), 200);
	assert_string_equal(faces->body, "pong");
	assert_true(http_is_type(faces->reply.content_type, "text/plain"));
	assert_int_equal(faces_get(faces, "/api/v1/ping?x=1"), 200);
	assert_string_equal(faces->body, "pong");
	assert_int_equal(faces_ask(faces, .method = HTTP_HEAD,
	    .uri = "/ping"), 200);
	assert_true(faces->reply.head_only);
	assert_int_equal(faces_ask(faces, .method = HTTP_OPTIONS,
	    .uri = "/api/v1/message"), 204);
	assert_string_equal(faces_header(faces, "Allow"), "POST, OPTIONS");
	assert_int_equal(faces_ask(faces, .method = HTTP_OTHER,
	    .uri = "/ping"), 405);
	assert_string_equal(faces_header(faces, "Allow"),
	    "GET, HEAD, OPTIONS");
	assert_true(faces_is_json(faces));
}

int
main(void)
{
	const struct CMUnitTest	 tests[] = {
#define SITE(test) cmocka_unit_test_setup_teardown(test, setup, teardown)
		SITE(test_message_once),
		SITE(test_message_zone),
		SITE(test_message_attempts),
		SITE(test_message_costs_nothing),
		SITE(test_message_pins),
		SITE(test_message_all_gone_alike),
		SITE(test_message_sizes),
		SITE(test_message_any_type),
		SITE(test_safesecrets_rest)
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: ISC */

/* Paths, numbers, types, times and headers as they come and go. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include "base/arena.h"
#include "base/buf.h"
#include "web/http.h"

static int
setup(void **state)
{
	*state = arena_create();
	return *state == NULL ? -1 : 0;
}

static int
teardown(void **state)
{
	arena_destroy(*state);
	return 0;
}

static bool
split(struct http_request *request, struct arena *arena, const char *uri,
    const char *prefix)
{
	memset(request, 0, sizeof(*request));
	request->arena = arena;
	request->uri = uri;
	return http_split_uri(request, prefix) == 0;
}

static void
assert_segment(const struct http_request *request, size_t i,
    const char *bytes, size_t length)
{
	assert_true(i < request->segments_count);
	assert_int_equal(request->segments[i].length, length);
	/* The NUL byte behind them too. */
	assert_memory_equal(request->segments[i].bytes, bytes, length + 1);
}

static void
test_split(void **state)
{
	struct http_request request;

	assert_true(split(&request, *state, "/api/v1?a=b?c", ""));
	assert_int_equal(request.segments_count, 2);
	assert_segment(&request, 0, "api", 3);
	assert_segment(&request, 1, "v1", 2);

	assert_true(split(&request, *state, "/", ""));
	assert_int_equal(request.segments_count, 1);
	assert_segment(&request, 0, "", 0);

	/* Nothing is merged or resolved. */
	assert_true(split(&request, *state, "/a//../.%2e/", ""));
	assert_int_equal(request.segments_count, 5);
	assert_segment(&request, 0, "a", 1);
	assert_segment(&request, 1, "", 0);
	assert_segment(&request, 2, "..", 2);
	assert_segment(&request, 3, "..", 2);
	assert_segment(&request, 4, "", 0);
}

static void
test_decode_once(void **state)
{
	struct http_request request;

	assert_true(split(&request, *state,
	    "/a%2Fb%25%32f/%00x/+%20%3f%23/%C3%a5", ""));
	assert_int_equal(request.segments_count, 4);
	assert_segment(&request, 0, "a/b%2f", 6);
	assert_segment(&request, 1, "\0x", 2);
	assert_segment(&request, 2, "+ ?#", 4);
	assert_segment(&request, 3, "\xc3\xa5", 2);
}

static void
test_split_refused(void **state)
{
	static const char *const uris[] = {
		"", "*", "api", "?", "/%", "/%4", "/%4g", "/%g4", "/a/%%41",
		"/1/2/3/4/5/6/7/8/9", "/%4/1", "/x%4?1"
	};
	struct http_request request;
	size_t i;

	for (i = 0; i < sizeof(uris) / sizeof(uris[0]); i++)
		assert_false(split(&request, *state, uris[i], ""));
	/* The segments before the fault tell the face. */
	assert_false(split(&request, *state, "/api/v1/%zz/x", ""));
	assert_int_equal(request.segments_count, 2);
	assert_segment(&request, 1, "v1", 2);

	assert_true(split(&request, *state, "/1/2/3/4/5/6/7/8", ""));
	assert_int_equal(request.segments_count, 8);
}

static void
test_prefix(void **state)
{
	struct http_request request;

	assert_true(split(&request, *state, "/once/api", "/once"));
	assert_int_equal(request.segments_count, 1);
	assert_segment(&request, 0, "api", 3);
	assert_false(split(&request, *state, "/once", "/once"));
	assert_false(split(&request, *state, "/onceapi", "/once"));
	assert_false(split(&request, *state, "/api", "/once"));
	assert_false(split(&request, *state, "/on?ce/api", "/once"));
	assert_false(split(&request, *state, "/a?/once/b", "/a?/once"));
}

static void
test_absolute_form(void **state)
{
	struct http_request request;

	assert_true(split(&request, *state, "HTTP://a.example/ping?q", ""));
	assert_int_equal(request.segments_count, 1);
	assert_segment(&request, 0, "ping", 4);
	assert_true(split(&request, *state, "https://a:1/ping", ""));
	assert_segment(&request, 0, "ping", 4);
	assert_false(split(&request, *state, "http://a.example", ""));
	assert_false(split(&request, *state, "http://a.example?/x", ""));
}

static void
assert_query(struct arena *arena, const char *uri, int count,
    const char *value)
{
	struct http_request request = { .arena = arena, .uri = uri };
	struct http_segment found;

	assert_int_equal(http_query(&request, "a", &found), count);
	if (count == 0)
		return;
	assert_int_equal(found.length, strlen(value));
	assert_memory_equal(found.bytes, value, found.length);
}

static void
test_query(void **state)
{
	assert_query(*state, "/x", 0, NULL);
	assert_query(*state, "/x?", 0, NULL);
	assert_query(*state, "/a=1", 0, NULL);
	assert_query(*state, "/x?b=1&ab=2&A=3&=a", 0, NULL);
	assert_query(*state, "/x?a=1", 1, "1");
	assert_query(*state, "/x?a", 1, "");
	assert_query(*state, "/x?a=", 1, "");
	assert_query(*state, "/x?&a=1=2&", 1, "1=2");
	assert_query(*state, "/x?b=?&a=%31%26+", 1, "1&+");
	assert_query(*state, "/x?a=1&b&a=2", 2, "2");
	/* As sent where it is no code. */
	assert_query(*state, "/x?a=%3&b=1", 1, "%3");
}

static void
test_methods(void **state)
{
	enum http_method method;

	(void)state;
	for (method = 0; method < HTTP_OTHER; method++)
		assert_int_equal(http_method(http_method_name(method)),
		    method);
	assert_int_equal(http_method("get"), HTTP_OTHER);
	assert_int_equal(http_method("PUT"), HTTP_OTHER);
	assert_int_equal(http_method(""), HTTP_OTHER);
	assert_int_equal(http_method("GETX"), HTTP_OTHER);
}

static void
test_content_length(void **state)
{
	(void)state;
	assert_int_equal(http_content_length(NULL), HTTP_LENGTH_ABSENT);
	assert_int_equal(http_content_length(""), HTTP_LENGTH_ABSENT);
	assert_int_equal(http_content_length("0"), 0);
	assert_int_equal(http_content_length("00012"), 12);
	assert_true(http_content_length("9223372036854775807") == INT64_MAX);
	assert_true(http_content_length("9223372036854775808") == INT64_MAX);
	assert_true(http_content_length("99999999999999999999999") ==
	    INT64_MAX);
	assert_int_equal(http_content_length("+1"), HTTP_LENGTH_MALFORMED);
	assert_int_equal(http_content_length("-1"), HTTP_LENGTH_MALFORMED);
	assert_int_equal(http_content_length(" 1"), HTTP_LENGTH_MALFORMED);
	assert_int_equal(http_content_length("1 "), HTTP_LENGTH_MALFORMED);
	assert_int_equal(http_content_length("1,1"), HTTP_LENGTH_MALFORMED);
	assert_int_equal(http_content_length("0x1"), HTTP_LENGTH_MALFORMED);
	assert_int_equal(http_content_length("99999999999999999999999x"),
	    HTTP_LENGTH_MALFORMED);
}

static void
test_types(void **state)
{
	static const char json[] = "application/json";

	(void)state;
	assert_true(http_is_type("application/json", json));
	assert_true(http_is_type("Application/JSON ; charset=utf-8", json));
	assert_true(http_is_type(" application/json;", json));
	assert_false(http_is_type("", json));
	assert_false(http_is_type("application/jsonx", json));
	assert_false(http_is_type("application/jso", json));
	assert_false(http_is_type("text/plain; application/json", json));
	assert_false(http_is_type("application/json, text/plain", json));
	assert_false(http_is_type("application/problem+json", json));
}

static void
test_prefetch(void **state)
{
	static const char *const marked[] = {
		"prefetch", "Prefetch;prerender", "prerender", "preview",
		"prefetch;anonymous-client-ip"
	};
	struct http_request request = { .purpose = "" };
	size_t i;

	(void)state;
	assert_false(http_is_prefetch(&request));
	request.purpose = "navigate";
	assert_false(http_is_prefetch(&request));
	for (i = 0; i < sizeof(marked) / sizeof(marked[0]); i++) {
		request.purpose = marked[i];
		assert_true(http_is_prefetch(&request));
	}
}

static void
set_zone(const char *zone)
{
	assert_int_equal(setenv("TZ", zone, 1), 0);
	tzset();
}

static void
test_time(void **state)
{
	char text[HTTP_TIME_SIZE];

	(void)state;
	http_time(0, HTTP_UTC, text);
	assert_string_equal(text, "1970-01-01T00:00:00Z");
	http_time(1795341600999, HTTP_UTC, text);
	assert_string_equal(text, "2026-11-22T10:00:00Z");
	http_time(-1, HTTP_UTC, text);
	assert_string_equal(text, "1969-12-31T23:59:59Z");
	http_time(-1000, HTTP_UTC, text);
	assert_string_equal(text, "1969-12-31T23:59:59Z");

	set_zone("XST-5:30");
	http_time(0, HTTP_LOCAL, text);
	assert_string_equal(text, "1970-01-01T05:30:00+05:30");
	http_time(0, HTTP_UTC, text);
	assert_string_equal(text, "1970-01-01T00:00:00Z");
	set_zone("XST3");
	http_time(0, HTTP_LOCAL, text);
	assert_string_equal(text, "1969-12-31T21:00:00-03:00");
	set_zone("XST0:30");
	http_time(0, HTTP_LOCAL, text);
	assert_string_equal(text, "1969-12-31T23:30:00-00:30");
	set_zone("UTC0");
	http_time(0, HTTP_LOCAL, text);
	assert_string_equal(text, "1970-01-01T00:00:00Z");
}

static void
assert_head(struct arena *arena, const struct http_reply *reply,
    const char *text)
{
	struct buf out;

	buf_init(&out, arena);
	http_write_head(reply, &out);
	buf_append(&out, "", 1);
	assert_false(out.failed);
	assert_string_equal((const char *)out.data, text);
}

static void
test_head(void **state)
{
	struct http_reply reply;

	http_reply_init(&reply, *state);
	http_begin(&reply, 404, "text/plain");
	buf_text(&reply.body, "12345");
	reply.tail = (const uint8_t *)"678";
	reply.tail_size = 3;
	http_header(&reply, "Allow", "GET");
	http_header(&reply, "Retry-After", "1");
	assert_head(*state, &reply,
	    "Status: 404 Not Found\r\n"
	    "Content-Type: text/plain\r\n"
	    "Content-Length: 8\r\n"
	    "Cache-Control: no-store\r\n"
	    "X-Content-Type-Options: nosniff\r\n"
	    "Referrer-Policy: no-referrer\r\n"
	    "Allow: GET\r\n"
	    "Retry-After: 1\r\n"
	    "\r\n");

	http_reply_init(&reply, *state);
	http_begin(&reply, 500, NULL);
	assert_head(*state, &reply,
	    "Status: 500 Internal Server Error\r\n"
	    "Content-Length: 0\r\n"
	    "Cache-Control: no-store\r\n"
	    "X-Content-Type-Options: nosniff\r\n"
	    "Referrer-Policy: no-referrer\r\n"
	    "\r\n");
	/* What is said without memory is no less. */
	assert_head(*state, &reply, http_no_memory);

	http_reply_init(&reply, *state);
	http_begin(&reply, 204, NULL);
	assert_head(*state, &reply,
	    "Status: 204 No Content\r\n"
	    "Cache-Control: no-store\r\n"
	    "X-Content-Type-Options: nosniff\r\n"
	    "Referrer-Policy: no-referrer\r\n"
	    "\r\n");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_split, setup, teardown),
		cmocka_unit_test_setup_teardown(test_decode_once, setup,
		    teardown),
		cmocka_unit_test_setup_teardown(test_split_refused, setup,
		    teardown),
		cmocka_unit_test_setup_teardown(test_prefix, setup, teardown),
		cmocka_unit_test_setup_teardown(test_absolute_form, setup,
		    teardown),
		cmocka_unit_test_setup_teardown(test_query, setup, teardown),
		cmocka_unit_test(test_methods),
		cmocka_unit_test(test_content_length),
		cmocka_unit_test(test_types),
		cmocka_unit_test(test_prefetch),
		cmocka_unit_test(test_time),
		cmocka_unit_test_setup_teardown(test_head, setup, teardown)
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}

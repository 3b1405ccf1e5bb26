/* SPDX-License-Identifier: ISC */
/*
 * Bad input through password.link's interface: which field is to blame, and
 * that nothing has changed.
 */

#include "sealed.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "input.h"

#define PART_OK		"\"password_part_private\":\"" SEALED_PART "\""
#define CIPHERTEXT_OK	"\"ciphertext\":\"" SEALED_OBJECT "\""
#define HUNDRED		"0123456789012345678901234567890123456789"	\
			"0123456789012345678901234567890123456789"	\
			"01234567890123456789"

struct row {
	const char	*what;
	const char	*members;	/* of the body */
	const char	*field;
	const char	*sentence;	/* how the message begins */
};

static void
check_rows(struct sealed *sealed, const struct row *rows, size_t count)
{
	struct store_stats	 before = faces_stats(sealed->faces);

	for (size_t i = 0; i < count; i++) {
		print_message("# %s\n", rows[i].what);
		sealed_refused(sealed, sealed_post(sealed, sealed->private,
		    rows[i].members), 422, rows[i].field, rows[i].sentence);
	}
	faces_unchanged(sealed->faces, &before);
	sealed_list(sealed, sealed->private, "");
	assert_int_equal(sealed_count(sealed, "data"), 0);
	sealed_says(sealed, "metadata/secrets_usage", "0");
}
#define CHECK_ROWS(sealed, rows)					\
	check_rows((sealed), (rows), sizeof(rows) / sizeof((rows)[0]))

static void
test_ciphertext(void **state)
{
#define WRONG	"Ciphertext must be base64 of an SJCL object"
#define CIPHERTEXT(text) "\"ciphertext\":" text "," PART_OK, "ciphertext"
	static const struct row	 rows[] = {
		{ "missing", PART_OK, "ciphertext",
		    "Ciphertext can't be blank" },
		{ "empty", CIPHERTEXT("\"\""), "Ciphertext can't be blank" },
		{ "null", CIPHERTEXT("null"), "Ciphertext can't be blank" },
		{ "a number", CIPHERTEXT("1"), "Ciphertext must be a string" },
		{ "an object", CIPHERTEXT("{}"),
		    "Ciphertext must be a string" },
		{ "a boolean", CIPHERTEXT("true"),
		    "Ciphertext must be a string" },
		{ "not base64", CIPHERTEXT("\"%%%\""),
		    "Ciphertext must be base64" },
		{ "base64url", CIPHERTEXT("\"aGVsbG-_\""),
		    "Ciphertext must be base64" },
		{ "one character", CIPHERTEXT("\"Q\""),
		    "Ciphertext must be base64" },
		{ "spaces", CIPHERTEXT("\"aGVs bG8=\""),
		    "Ciphertext must be base64" },
		{ "padding inside", CIPHERTEXT("\"aGVs=bG8=\""),
		    "Ciphertext must be base64" },
		{ "too much padding", CIPHERTEXT("\"aGVsbG8==\""),
		    "Ciphertext must be base64" },
		{ "only padding", CIPHERTEXT("\"==\""),
		    "Ciphertext must be base64" },
		{ "a NUL byte", CIPHERTEXT("\"aGVs\\u0000bG8=\""),
		    "Ciphertext must be base64" },
		{ "text", CIPHERTEXT("\"" SEALED_NO_OBJECT "\""), WRONG },
		/* [] and {} */
		{ "a list", CIPHERTEXT("\"W10=\""), WRONG },
		{ "no members", CIPHERTEXT("\"e30=\""), WRONG },
		/* One member of SEALED_OBJECT's is missing, or wrong. */
		{ "no iv", CIPHERTEXT("\""
		    "eyJzYWx0IjoiQUFBQSIsImN0IjoiQUFBQSIsIm1vZGUiOiJn"
		    "Y20iLCJrcyI6MjU2fQ=="
		    "\""), WRONG },
		{ "no salt", CIPHERTEXT("\""
		    "eyJpdiI6IkFBQUEiLCJjdCI6IkFBQUEiLCJtb2RlIjoiZ2Nt"
		    "Iiwia3MiOjI1Nn0="
		    "\""), WRONG },
		{ "no ct", CIPHERTEXT("\""
		    "eyJpdiI6IkFBQUEiLCJzYWx0IjoiQUFBQSIsIm1vZGUiOiJn"
		    "Y20iLCJrcyI6MjU2fQ=="
		    "\""), WRONG },
		{ "no mode", CIPHERTEXT("\""
		    "eyJpdiI6IkFBQUEiLCJzYWx0IjoiQUFBQSIsImN0IjoiQUFB"
		    "QSIsImtzIjoyNTZ9"
		    "\""), WRONG },
		{ "no ks", CIPHERTEXT("\""
		    "eyJpdiI6IkFBQUEiLCJzYWx0IjoiQUFBQSIsImN0IjoiQUFB"
		    "QSIsIm1vZGUiOiJnY20ifQ=="
		    "\""), WRONG },
		{ "mode ccm", CIPHERTEXT("\""
		    "eyJpdiI6IkFBQUEiLCJzYWx0IjoiQUFBQSIsImN0IjoiQUFB"
		    "QSIsIm1vZGUiOiJjY20iLCJrcyI6MjU2fQ=="
		    "\""), WRONG },
		{ "ks 128", CIPHERTEXT("\""
		    "eyJpdiI6IkFBQUEiLCJzYWx0IjoiQUFBQSIsImN0IjoiQUFB"
		    "QSIsIm1vZGUiOiJnY20iLCJrcyI6MTI4fQ=="
		    "\""), WRONG },
		{ "ks a string", CIPHERTEXT("\""
		    "eyJpdiI6IkFBQUEiLCJzYWx0IjoiQUFBQSIsImN0IjoiQUFB"
		    "QSIsIm1vZGUiOiJnY20iLCJrcyI6IjI1NiJ9"
		    "\""), WRONG },
		{ "ct no base64", CIPHERTEXT("\""
		    "eyJpdiI6IkFBQUEiLCJzYWx0IjoiQUFBQSIsImN0IjoiJSIs"
		    "Im1vZGUiOiJnY20iLCJrcyI6MjU2fQ=="
		    "\""), WRONG },
		{ "iv empty", CIPHERTEXT("\""
		    "eyJpdiI6IiIsInNhbHQiOiJBQUFBIiwiY3QiOiJBQUFBIiwi"
		    "bW9kZSI6ImdjbSIsImtzIjoyNTZ9"
		    "\""), WRONG },
		{ "iv twice", CIPHERTEXT("\""
		    "eyJpdiI6IkFBQUEiLCJpdiI6IkFBQUEiLCJzYWx0IjoiQUFB"
		    "QSIsImN0IjoiQUFBQSIsIm1vZGUiOiJnY20iLCJrcyI6MjU2"
		    "fQ=="
		    "\""), WRONG },
		{ "iv a number", CIPHERTEXT("\""
		    "eyJpdiI6NSwic2FsdCI6IkFBQUEiLCJjdCI6IkFBQUEiLCJt"
		    "b2RlIjoiZ2NtIiwia3MiOjI1Nn0="
		    "\""), WRONG }
	};

	CHECK_ROWS(*state, rows);
}

static void
test_fields(void **state)
{
#define OTHER(field, value) SEALED_BOTH ",\"" field "\":" value, field
	static const struct row	 rows[] = {
		{ "part missing", CIPHERTEXT_OK, "password_part_private",
		    "Password part private can't be blank" },
		{ "part null", CIPHERTEXT_OK ",\"password_part_private\":null",
		    "password_part_private",
		    "Password part private can't be blank" },
		{ "part empty", CIPHERTEXT_OK
		    ",\"password_part_private\":\"\"", "password_part_private",
		    "Password part private can't be blank" },
		{ "part a number", CIPHERTEXT_OK
		    ",\"password_part_private\":5", "password_part_private",
		    "Password part private must be a string" },
		{ "part not ASCII", CIPHERTEXT_OK
		    ",\"password_part_private\":\"aGVs\xc3\xa5G8\"",
		    "password_part_private",
		    "Password part private must be base64" },
		{ "part no base64", CIPHERTEXT_OK
		    ",\"password_part_private\":\"a b\"",
		    "password_part_private",
		    "Password part private must be base64" },

		{ "attachment a list", OTHER("attachment_ciphertext", "[]"),
		    "Attachment ciphertext must be a string" },
		{ "attachment no base64", OTHER("attachment_ciphertext",
		    "\"%\""), "Attachment ciphertext must be base64" },
		{ "attachment no SJCL", OTHER("attachment_ciphertext",
		    "\"" SEALED_NO_OBJECT "\""),
		    "Attachment ciphertext must be base64 of an SJCL" },
		{ "name no SJCL", OTHER("attachment_name", "\""
		    SEALED_NO_OBJECT "\""),
		    "Attachment name must be base64 of an SJCL" },
		{ "name a boolean", OTHER("attachment_name", "false"),
		    "Attachment name must be a string" },

		{ "description a number", OTHER("description", "1"),
		    "Description must be a string" },
		{ "message a list", OTHER("message", "[\"m\"]"),
		    "Message must be a string" },
		{ "password a number", OTHER("password", "1234"),
		    "Password must be a string" },
		{ "password false", OTHER("password", "false"),
		    "Password must be a string" },

#define HOURS	"Expiration must be a whole number from 0 to 350"
		{ "hours negative", OTHER("expiration", "-1"), HOURS },
		{ "hours too many", OTHER("expiration", "351"), HOURS },
		{ "hours too many, digits", OTHER("expiration", "\"351\""),
		    HOURS },
		{ "hours huge", OTHER("expiration", "99999999999999999999"),
		    HOURS },
		{ "hours not whole", OTHER("expiration", "1.5"), HOURS },
		{ "hours with exponent", OTHER("expiration", "1e2"), HOURS },
		{ "hours no digits", OTHER("expiration", "\"one\""), HOURS },
		{ "hours with a sign", OTHER("expiration", "\"+1\""), HOURS },
		{ "hours with a space", OTHER("expiration", "\" 1\""), HOURS },
		{ "hours true", OTHER("expiration", "true"), HOURS },

#define VIEWS	"Max views must be a whole number from 1 to 100"
		{ "views 0", OTHER("max_views", "0"), VIEWS },
		{ "views 0, digits", OTHER("max_views", "\"0\""), VIEWS },
		{ "views 101", OTHER("max_views", "101"), VIEWS },
		{ "views negative", OTHER("max_views", "-1"), VIEWS },
		{ "views not whole", OTHER("max_views", "1.0"), VIEWS },
		{ "views a list", OTHER("max_views", "[1]"), VIEWS },

#define TRUTH(field) field " must be true or false"
		{ "button 1", OTHER("view_button", "1"),
		    TRUTH("View button") },
		{ "button yes", OTHER("view_button", "\"yes\""),
		    TRUTH("View button") },
		{ "button True", OTHER("view_button", "\"True\""),
		    TRUTH("View button") },
		{ "button true and NUL", OTHER("view_button",
		    "\"true\\u0000\""), TRUTH("View button") },
		{ "captcha 0", OTHER("captcha", "0"), TRUTH("Captcha") },
		{ "captcha an object", OTHER("captcha", "{}"),
		    TRUTH("Captcha") },

		{ "repeated", SEALED_BOTH ",\"captcha\":true,"
		    "\"captcha\":true", "captcha",
		    "Captcha is there more than once" },
		{ "repeated stranger", SEALED_BOTH ",\"a_b\":1,\"a_b\":1",
		    "a_b", "A b is there more than once" },
		{ "repeated inside", SEALED_BOTH ",\"a\":{\"b\":1,\"b\":1}",
		    NULL, "A member of the body is there more than once" }
	};

	CHECK_ROWS(*state, rows);
}

/* One too many is refused, as many as may be is taken. */
static void
check_length(struct sealed *sealed, const char *field, const char *piece,
    size_t most, const char *sentence)
{
	char	*text, *end;
	size_t	 length = strlen(piece);
	int	 status;

	text = malloc(strlen(SEALED_BOTH) + 64 + (most + 1) * length);
	assert_non_null(text);
	end = text + snprintf(text, strlen(SEALED_BOTH) + 64,
	    SEALED_BOTH ",\"%s\":\"", field);
	for (size_t i = 0; i <= most; i++, end += length)
		memcpy(end, piece, length);
	memcpy(end, "\"", 2);
	sealed_refused(sealed, sealed_post(sealed, sealed->private, text),
	    422, field, sentence);
	memcpy(end - length, "\"", 2);
	status = sealed_post(sealed, sealed->private, text);
	if (status != 201)
		fail_msg("%s: %d: %s", field, status, sealed->faces->body);
	free(text);
}

static void
test_lengths(void **state)
{
	check_length(*state, "description", "x", 2048, "Description ");
	check_length(*state, "description", "\xf0\x9f\x94\x91", 2048,
	    "Description ");
	check_length(*state, "message", "\\u00e9", 2048, "Message must be at "
	    "most 2048 characters");
	check_length(*state, "password", "x", 1024, "Password is too long");
}

/* Base64 of an SJCL object of exactly that many bytes; to be freed. */
static char *
object_of(size_t size)
{
	static const char head[] = "{\"iv\":\"AAAA\",\"salt\":\"AAAA\","
	    "\"mode\":\"gcm\",\"ks\":256,\"ct\":\"";
	uint8_t	*object;
	char	*text;
	size_t	 at = strlen(head), room = size * 4 / 3 + 8;

	object = malloc(size);
	text = malloc(room);
	assert_non_null(object);
	assert_non_null(text);
	memcpy(object, head, at);
	memset(object + at, 'A', size - at - 2);
	/* Whole groups of four, and spaces behind them. */
	memset(object + at + (size - at - 2) / 4 * 4, '"', 1);
	memset(object + at + (size - at - 2) / 4 * 4 + 1, ' ',
	    size - 1 - (at + (size - at - 2) / 4 * 4));
	object[size - 1] = '}';
	sealed_base64(object, size, text, room);
	free(object);
	return text;
}

static void
check_size(struct sealed *sealed, const char *rest, size_t size,
    const char *field, const char *sentence)
{
	char	*object, *members;
	int	 status;

	for (size_t more = 0; more < 2; more++) {
		object = object_of(size + more);
		assert_true(asprintf(&members, "%s,\"%s\":\"%s\"", rest,
		    field, object) > 0);
		status = sealed_post(sealed, sealed->private, members);
		if (more == 1)
			sealed_refused(sealed, status, 413, field, sentence);
		else if (status != 201)
			fail_msg("%s: %d: %s", field, status,
			    sealed->faces->body);
		free(members);
		free(object);
	}
}

/* Half a password: as many bytes as may be, and one more. */
static void
check_part(struct sealed *sealed)
{
	static const uint8_t	 bytes[1025];
	char			 text[2048], members[4096];

	for (size_t size = 1024; size <= 1025; size++) {
		sealed_base64(bytes, size, text, sizeof(text));
		(void)snprintf(members, sizeof(members), CIPHERTEXT_OK
		    ",\"password_part_private\":\"%s\"", text);
		if (size == 1024)
			assert_int_equal(sealed_post(sealed, sealed->private,
			    members), 201);
		else
			sealed_refused(sealed, sealed_post(sealed,
			    sealed->private, members), 413,
			    "password_part_private", "Password part private "
			    "must be at most 1024 bytes");
	}
}

static void
test_sizes(void **state)
{
	struct sealed	*sealed = sealed_open("max_ciphertext = 2K\n"
	    "max_attachment = 300000\n");

	(void)state;
	check_size(sealed, PART_OK, 2048, "ciphertext",
	    "Ciphertext must be at most 2048 bytes");
	check_size(sealed, SEALED_BOTH, 300000, "attachment_ciphertext",
	    "Attachment ciphertext must be at most 300000 bytes");
	check_size(sealed, SEALED_BOTH, 4096, "attachment_name",
	    "Attachment name must be at most 4096 bytes");
	check_part(sealed);
	/* Larger than all fields together may be: not even read. */
	sealed_refused(sealed, faces_ask(sealed->faces, .method = HTTP_POST,
	    .uri = "/api/secrets", .authorization = sealed->private,
	    .body = "{}", .size = 2, .lies = true, .length = 1000000), 413,
	    NULL, "The request is too large");
	assert_int_equal(sealed->faces->unread, 2);
	sealed_close(sealed);
}

static void
test_documents(void **state)
{
	static const char *const bodies[] = {
		"", "hello", "{", "[]", "null", "\"x\"", "{" SEALED_BOTH "}x",
		"{'ciphertext':'x'}", "{\"ciphertext\":\"\xff\"}",
		"{\"a\":[[[[[[[[[1]]]]]]]]]}", "{\"expiration\":NaN}"
	};
	struct sealed	*sealed = *state;

	for (size_t i = 0; i < sizeof(bodies) / sizeof(bodies[0]); i++)
		sealed_refused(sealed, faces_ask(sealed->faces,
		    .method = HTTP_POST, .uri = "/api/secrets",
		    .authorization = sealed->private, .body = bodies[i],
		    .size = strlen(bodies[i])), 400, NULL,
		    "The body must be one JSON object");
	/* Whatever its type. */
	assert_int_equal(faces_ask(sealed->faces, .method = HTTP_POST,
	    .uri = "/api/secrets", .authorization = sealed->private,
	    .body = "{" SEALED_BOTH "}", .size = strlen("{" SEALED_BOTH "}"),
	    .type = "text/plain"), 201);
}

static void
test_offsets(void **state)
{
	static const char *const bad[] = {
		"?offset=", "?offset", "?offset=-1", "?offset=+1",
		"?offset=1.0", "?offset=x", "?offset=1x", "?offset=0x10",
		"?offset=1&offset=2", "?offset=%", "?offset=1%00",
		("?offset=%20" "1"), "?a=1&offset=b"
	};
	static const char *const good[] = {
		"?", "?offset=0", "?a=b", "?offsets=x", "?xoffset=x",
		"?a&offset=0&b", "?offset=%30", "?%"
	};
	static const char *const beyond[] = {
		"?offset=1", "?offset=50", "?offset=9223372036854775807",
		"?offset=9223372036854775808", "?offset=" HUNDRED
	};
	struct sealed	*sealed = *state;
	char		 uri[256], id[SEALED_ID_SIZE];

	sealed_make(sealed, "", id);
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		(void)snprintf(uri, sizeof(uri), "/api/secrets%s", bad[i]);
		sealed_refused(sealed, faces_ask(sealed->faces,
		    .method = HTTP_GET, .uri = uri,
		    .authorization = sealed->private), 422, "offset",
		    "Offset must be a whole number from 0");
	}
	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		sealed_list(sealed, sealed->private, good[i]);
		assert_int_equal(sealed_count(sealed, "data"), 1);
	}
	for (size_t i = 0; i < sizeof(beyond) / sizeof(beyond[0]); i++) {
		sealed_list(sealed, sealed->private, beyond[i]);
		assert_int_equal(sealed_count(sealed, "data"), 0);
		sealed_says(sealed, "metadata/secrets_total", "1");
	}
}

/* Exactly 22 base62 characters below 2^128; all else is no secret. */
static void
test_ids(void **state)
{
	static const char *const ids[] = {
		"", "dT5g", "0000000000000000000000",
		"000000000000000000000", "00000000000000000000000",
		"zzzzzzzzzzzzzzzzzzzzzz", "000000000000000000000-",
		"000000000000000000000%00", "000000000000000000000%",
		"00000000000000000000%c3%a9", "..", "%2e%2e",
		"0000000000000000000000/",
		"00000000-0000-0000-0000-000000000000"
	};
	struct sealed	*sealed = *state;

	for (size_t i = 0; i < sizeof(ids) / sizeof(ids[0]); i++) {
		assert_int_equal(sealed_get(sealed, sealed->public, ids[i]),
		    404);
		assert_int_equal(sealed_delete(sealed, sealed->private,
		    ids[i]), 404);
	}
	sealed_refused(sealed, sealed_get(sealed, sealed->public,
	    "zzzzzzzzzzzzzzzzzzzzzz"), 404, NULL, "Secret not found");
}

/* A password that cannot be one costs nothing. */
static void
test_passwords(void **state)
{
	static const char *const bad[] = {
		"%", "%4", "%zz", "%ff", "%c3",
		HUNDRED HUNDRED HUNDRED HUNDRED HUNDRED HUNDRED HUNDRED
		HUNDRED HUNDRED HUNDRED HUNDRED
	};
	struct sealed	*sealed = *state;
	char		 id[SEALED_ID_SIZE];

	sealed_make(sealed, ",\"password\":\"right\"", id);
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		sealed_refused(sealed, sealed_view(sealed, sealed->public, id,
		    bad[i]), 422, "password", "Password must be UTF-8");
	for (int i = 0; i < 4; i++)
		sealed_refused(sealed, sealed_get(sealed, sealed->public,
		    id), 403, "password", "Password can't be blank");
	assert_int_equal(sealed_view(sealed, sealed->public, id, "right"),
	    200);
}

static void
test_methods(void **state)
{
	static const struct {
		const char	*uri;
		const char	*allow;
	} rows[] = {
		{ "/api/secrets", "GET, HEAD, POST, OPTIONS" },
		{ "/api/secrets/0000000000000000000000",
		    "GET, POST, DELETE, OPTIONS" }
	};
	struct sealed	*sealed = *state;
	const char	*name;

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		for (enum http_method method = 0; method < HTTP_METHOD__MAX;
		    method++) {
			name = http_method_name(method);
			if (*name != '\0' && strstr(rows[i].allow, name))
				continue;
			sealed_refused(sealed, faces_ask(sealed->faces,
			    .method = method, .uri = rows[i].uri,
			    .authorization = sealed->private), 405, NULL,
			    "This address does not take this method");
			assert_string_equal(faces_header(sealed->faces,
			    "Allow"), rows[i].allow);
		}
		assert_int_equal(faces_ask(sealed->faces,
		    .method = HTTP_OPTIONS, .uri = rows[i].uri), 204);
		assert_string_equal(faces_header(sealed->faces, "Allow"),
		    rows[i].allow);
		assert_string_equal(faces_header(sealed->faces,
		    "Access-Control-Allow-Origin"), "*");
		assert_string_equal(faces_header(sealed->faces,
		    "Access-Control-Allow-Methods"), "GET, POST, DELETE");
		assert_string_equal(faces_header(sealed->faces,
		    "Access-Control-Allow-Headers"),
		    "Authorization, Content-Type, X-Secret-Password");
		assert_string_equal(faces_header(sealed->faces,
		    "Access-Control-Max-Age"), "86400");
		assert_null(faces_header(sealed->faces,
		    "Access-Control-Allow-Credentials"));
	}
	sealed_refused(sealed, faces_get(sealed->faces, "/api/secrets/a/b"),
	    404, NULL, "There is nothing at this address");
}

int
main(void)
{
	const struct CMUnitTest	 tests[] = {
#define SITE(test) cmocka_unit_test_setup_teardown(test, sealed_setup,	\
    sealed_teardown)
		SITE(test_ciphertext),
		SITE(test_fields),
		SITE(test_lengths),
		cmocka_unit_test(test_sizes),
		SITE(test_documents),
		SITE(test_offsets),
		SITE(test_ids),
		SITE(test_passwords),
		SITE(test_methods)
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}

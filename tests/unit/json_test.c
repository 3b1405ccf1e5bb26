/* SPDX-License-Identifier: ISC */

/* What of JSON is taken and what is refused, and what is written. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/arena.h"
#include "base/buf.h"
#include "web/json.h"
#include "web/json_read.h"

struct sample {
	struct json_string	 text;
	bool			 text_given;
	int64_t			 number;
	bool			 number_given;
	int64_t			 digits;
	uint8_t			 bytes[4];
	bool			 bytes_given;
};

static const struct json_member members[] = {
	{ .name = "text", .kind = JSON_STRING, .min = 1, .max = 12,
	    .offset = offsetof(struct sample, text),
	    .given = offsetof(struct sample, text_given) },
	{ .name = "number", .kind = JSON_INTEGER, .required = true,
	    .min = -5, .max = 1000,
	    .offset = offsetof(struct sample, number),
	    .given = offsetof(struct sample, number_given) },
	{ .name = "digits", .kind = JSON_INTEGER_OR_DIGITS, .min = 1,
	    .max = 100, .offset = offsetof(struct sample, digits) },
	{ .name = "bytes", .kind = JSON_BASE64URL, .min = 4, .max = 4,
	    .offset = offsetof(struct sample, bytes),
	    .given = offsetof(struct sample, bytes_given) }
};
#define COUNT (sizeof(members) / sizeof(members[0]))

static struct sample sample;
static struct json_error error;

/* A copy without a byte to spare, so that a sanitizer sees a read too many. */
static int
read_bytes(struct arena *arena, const char *text, size_t length,
    enum json_extras extras)
{
	char *copy;
	int result;

	copy = malloc(length > 0 ? length : 1);
	assert_non_null(copy);
	memcpy(copy, text, length);
	memset(&sample, 0, sizeof(sample));
	result = json_read(arena, copy, length, members, COUNT, extras,
	    &sample, &error);
	memset(copy, 'x', length);
	free(copy);
	return result;
}

static void
assert_fault(struct arena *arena, const char *text, enum json_fault fault,
    const char *field)
{
	int result;

	result = read_bytes(arena, text, strlen(text), JSON_REFUSE_EXTRAS);
	if (error.fault != fault || strcmp(error.field, field) != 0)
		print_message("# %s: fault %d field \"%s\"\n", text,
		    error.fault, error.field);
	assert_int_equal(error.fault, fault);
	assert_string_equal(error.field, field);
	assert_int_equal(result, fault == JSON_FINE ? 0 : -1);
}

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

static void
test_values(void **state)
{
	static const char text[] = " {\"text\" : \"a\\u0000\\ud83d\\ude00"
	    "\xc3\xa5\\n\",\r\n\t\"number\":-5,\"digits\":\"007\","
	    "\"bytes\":\"AP_-AQ\"} \r\n";

	assert_fault(*state, text, JSON_FINE, "");
	assert_int_equal(sample.text.length, 9);
	assert_memory_equal(sample.text.bytes,
	    "a\0\xf0\x9f\x98\x80\xc3\xa5\n", 10);
	assert_true(sample.text_given);
	assert_int_equal(sample.number, -5);
	assert_true(sample.number_given);
	assert_int_equal(sample.digits, 7);
	assert_memory_equal(sample.bytes, "\x00\xff\xfe\x01", 4);
	assert_true(sample.bytes_given);

	assert_fault(*state, "{\"number\":1000,\"digits\":100}", JSON_FINE, "");
	assert_int_equal(sample.number, 1000);
	assert_int_equal(sample.digits, 100);
	assert_false(sample.text_given);
	assert_false(sample.bytes_given);
	assert_null(sample.text.bytes);
}

static void
test_names_may_be_escaped(void **state)
{
	assert_fault(*state, "{\"n\\u0075mber\":3}", JSON_FINE, "");
	assert_int_equal(sample.number, 3);
}

static void
test_malformed(void **state)
{
	static const char *const texts[] = {
		"", " ", "{", "}", "{\"number\":1", "{\"number\":}",
		"{\"number\" 1}", "{\"number\":1,}", "{,\"number\":1}",
		"{\"number\":1 \"text\":\"a\"}", "{number:1}",
		"{'number':1}", "{\"number\":1}x", "{\"number\":1}{}",
		"{\"number\":1},", "{\"number\":1}]", "{\"number\":1}/**/",
		"{\"number\":/*x*/1}", "//x\n{\"number\":1}",
		"{\"number\":01}", "{\"number\":-01}", "{\"number\":00}",
		"{\"number\":1,\"any\":01.5}", "{\"number\":+1}",
		"{\"number\":1.}",
		"{\"number\":.5}", "{\"number\":1e}", "{\"number\":1e+}",
		"{\"number\":-}", "{\"number\":--1}", "{\"number\":0x10}",
		"{\"number\":NaN}", "{\"number\":nan}",
		"{\"number\":Infinity}", "{\"number\":-Infinity}",
		"{\"number\":1,\"any\":TRUE}", "{\"number\":1,\"any\":Null}",
		"{\"number\":1,\"any\":nul}",
		"{\"number\":1,\"any\":truefalse}",
		"{\"number\":1,\"any\":undefined}", "{\"number\":1a}",
		"{\"number\":1,\"any\":'a'}",
		"{\"number\":1,\"any\":[1,]}", "{\"number\":1,\"any\":[,1]}",
		"{\"number\":1,\"any\":[1 2]}", "{\"number\":1,\"any\":[1:2]}",
		"{\"number\":1,\"any\":[}", "{\"number\":1,\"any\":(1)}",
		"{\"number\":1,\"any\":\"a\nb\"}",
		"{\"number\":1,\"any\":\"a\tb\"}",
		"{\"number\":1,\"any\":\"a\x1f\"}",
		"{\"number\":1,\"any\":\"a}", "{\"number\":1,\"any\":\"a\\",
		"{\"number\":1,\"any\":\"\\x\"}",
		"{\"number\":1,\"any\":\"\\'\"}",
		"{\"number\":1,\"any\":\"\\u12\"}",
		"{\"number\":1,\"any\":\"\\u12g4\"}",
		"{\"number\":1,\"any\":\"\\ud800\"}",
		"{\"number\":1,\"any\":\"\\ud800x\"}",
		"{\"number\":1,\"any\":\"\\ud800\\n\"}",
		"{\"number\":1,\"any\":\"\\ud800\\u0041\"}",
		"{\"number\":1,\"any\":\"\\ud800\\ud800\"}",
		"{\"number\":1,\"any\":\"\\udc00\"}",
		"{\"number\":1,\"any\":\"\\udc00\\ud800\"}",
		/* Not UTF-8: a loose byte, overlong, a surrogate, too high. */
		"{\"number\":1,\"any\":\"\xff\"}",
		"{\"number\":1,\"any\":\"\x80\"}",
		"{\"number\":1,\"any\":\"\xc0\x80\"}",
		"{\"number\":1,\"any\":\"\xe0\x80\xaf\"}",
		"{\"number\":1,\"any\":\"\xed\xa0\x80\"}",
		"{\"number\":1,\"any\":\"\xf4\x90\x80\x80\"}",
		"{\"number\":1,\"any\":\"\xc3\"}",
		"\xef\xbb\xbf{\"number\":1}",
		/* json-c would read the name `number` here. */
		"{\"number\\u0000x\":1}",
		"{\"number\":1,\"any\":[[[[[[[[[1]]]]]]]]]}"
	};
	size_t i;

	for (i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
		assert_fault(*state, texts[i], JSON_MALFORMED, "");
	assert_int_equal(read_bytes(*state, "{\"number\":1}\0", 13,
	    JSON_IGNORE_EXTRAS), -1);
	assert_int_equal(error.fault, JSON_MALFORMED);
	assert_int_equal(read_bytes(*state, "{\"number\":\0001}", 13,
	    JSON_IGNORE_EXTRAS), -1);
	assert_int_equal(error.fault, JSON_MALFORMED);
}

static void
test_not_object(void **state)
{
	static const char *const texts[] = {
		"[]", "[{\"number\":1}]", "\"a\"", "1", "-1.5e3", "null",
		"true", "false", " 12 "
	};
	size_t i;

	for (i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
		assert_fault(*state, texts[i], JSON_NOT_OBJECT, "");
}

static void
test_repeated(void **state)
{
	assert_fault(*state, "{\"number\":1,\"number\":1}", JSON_REPEATED,
	    "number");
	assert_fault(*state, "{\"number\":1,\"n\\u0075mber\":2}",
	    JSON_REPEATED, "number");
	assert_fault(*state, "{\"text\":\"a\",\"x\":{\"text\":1},\"x\":2}",
	    JSON_REPEATED, "x");
	/* Deeper inside: refused, without a name. */
	assert_fault(*state, "{\"number\":1,\"any\":[{\"a\":1,\"a\":2}]}",
	    JSON_REPEATED, "");
	/* Colons in strings are no members. */
	assert_fault(*state, "{\"number\":1,\"text\":\":\\\":\"}", JSON_FINE,
	    "");
	/* The same name at two depths is no repetition. */
	assert_fault(*state, "{\"number\":1,\"any\":{\"number\":2}}",
	    JSON_UNKNOWN, "any");
	/* Ignored members too are there but once. */
	assert_int_equal(read_bytes(*state, "{\"number\":1,\"x\":1,\"x\":1}",
	    24, JSON_IGNORE_EXTRAS), -1);
	assert_int_equal(error.fault, JSON_REPEATED);
}

/* No call has a thousand words, and json-c makes much of few bytes. */
static void
test_many_words(void **state)
{
	struct buf text;
	int i;

	buf_init(&text, *state);
	buf_text(&text, "{\"number\":1");
	for (i = 0; i < 248; i++)
		buf_printf(&text, ",\"a%d\":1", i);
	buf_text(&text, "}");
	assert_int_equal(read_bytes(*state, (const char *)text.data, text.len,
	    JSON_IGNORE_EXTRAS), 0);

	buf_init(&text, *state);
	buf_text(&text, "{\"number\":1,\"a\":[");
	for (i = 0; i < 100000; i++)
		buf_text(&text, "{},");
	buf_text(&text, "{}]}");
	assert_false(text.failed);
	assert_int_equal(read_bytes(*state, (const char *)text.data, text.len,
	    JSON_IGNORE_EXTRAS), -1);
	assert_int_equal(error.fault, JSON_MALFORMED);
}

static void
test_unknown(void **state)
{
	assert_fault(*state, "{\"number\":1,\"other\":null}", JSON_UNKNOWN,
	    "other");
	assert_fault(*state, "{\"number\":1,\"\":null}", JSON_UNKNOWN, "");
	assert_null(error.member);
	/* A fault of the document comes before one of a member. */
	assert_fault(*state, "{\"other\":1,\"number\":\"x\"}", JSON_UNKNOWN,
	    "other");
	/* A long name is cut between two code points. */
	assert_fault(*state, "{\"number\":1,"
	    "\"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\xc3\xa5\":1}", JSON_UNKNOWN,
	    "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaa");
	assert_int_equal(read_bytes(*state, "{\"number\":1,\"other\":null}",
	    25, JSON_IGNORE_EXTRAS), 0);
	assert_int_equal(sample.number, 1);
}

static void
test_members(void **state)
{
	assert_fault(*state, "{}", JSON_MISSING, "number");
	assert_ptr_equal(error.member, &members[1]);
	assert_fault(*state, "{\"text\":\"\"}", JSON_TOO_SMALL, "text");
	assert_fault(*state, "{\"text\":\"1234567890123\"}", JSON_TOO_LARGE,
	    "text");
	assert_fault(*state, "{\"text\":1}", JSON_WRONG_TYPE, "text");
	assert_fault(*state, "{\"text\":null}", JSON_WRONG_TYPE, "text");
	assert_fault(*state, "{\"text\":{}}", JSON_WRONG_TYPE, "text");
	/* The first one of the table, not of the text. */
	assert_fault(*state, "{\"number\":\"x\",\"text\":1}", JSON_WRONG_TYPE,
	    "text");
}

static void
test_integers(void **state)
{
	static const struct {
		const char	*value;
		enum json_fault	 fault;
	} rows[] = {
		{ "0", JSON_FINE }, { "-0", JSON_FINE },
		{ "-5", JSON_FINE }, { "-6", JSON_TOO_SMALL },
		{ "1000", JSON_FINE }, { "1001", JSON_TOO_LARGE },
		{ "9223372036854775807", JSON_TOO_LARGE },
		{ "9223372036854775808", JSON_TOO_LARGE },
		{ "18446744073709551616", JSON_TOO_LARGE },
		{ "18446744073709551617", JSON_TOO_LARGE },
		{ "99999999999999999999999999", JSON_TOO_LARGE },
		{ "-9223372036854775809", JSON_TOO_SMALL },
		{ "-99999999999999999999999999", JSON_TOO_SMALL },
		{ "1.5", JSON_WRONG_TYPE }, { "3.0", JSON_WRONG_TYPE },
		{ "1e2", JSON_WRONG_TYPE }, { "1E2", JSON_WRONG_TYPE },
		{ "1e999", JSON_WRONG_TYPE },
		{ "\"5\"", JSON_WRONG_TYPE }, { "true", JSON_WRONG_TYPE },
		{ "null", JSON_WRONG_TYPE }, { "[1]", JSON_WRONG_TYPE }
	};
	char text[80];
	size_t i;

	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		snprintf(text, sizeof(text), "{\"number\":%s}",
		    rows[i].value);
		assert_fault(*state, text, rows[i].fault,
		    rows[i].fault == JSON_FINE ? "" : "number");
	}
}

static void
test_digits(void **state)
{
	static const struct {
		const char	*value;
		enum json_fault	 fault;
	} rows[] = {
		{ "1", JSON_FINE }, { "\"1\"", JSON_FINE },
		{ "\"0100\"", JSON_FINE }, { "0", JSON_TOO_SMALL },
		{ "\"0\"", JSON_TOO_SMALL }, { "\"101\"", JSON_TOO_LARGE },
		{ "\"99999999999999999999\"", JSON_TOO_LARGE },
		{ "\"\"", JSON_WRONG_TYPE }, { "\"-1\"", JSON_WRONG_TYPE },
		{ "\"+1\"", JSON_WRONG_TYPE }, { "\" 1\"", JSON_WRONG_TYPE },
		{ "\"1 \"", JSON_WRONG_TYPE }, { "\"1.0\"", JSON_WRONG_TYPE },
		{ "\"1\\u0000\"", JSON_WRONG_TYPE },
		{ "\"0x1\"", JSON_WRONG_TYPE }, { "2.5", JSON_WRONG_TYPE },
		{ "null", JSON_WRONG_TYPE }
	};
	char text[80];
	size_t i;

	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		snprintf(text, sizeof(text), "{\"number\":1,\"digits\":%s}",
		    rows[i].value);
		assert_fault(*state, text, rows[i].fault,
		    rows[i].fault == JSON_FINE ? "" : "digits");
	}
}

static void
test_base64url(void **state)
{
	static const struct {
		const char	*value;
		enum json_fault	 fault;
	} rows[] = {
		{ "\"AAAAAA\"", JSON_FINE },
		{ "\"AAAAA\"", JSON_TOO_SMALL }, { "\"\"", JSON_TOO_SMALL },
		{ "\"AAAAAAA\"", JSON_TOO_LARGE },
		{ "\"AAAAAA==\"", JSON_TOO_LARGE },
		/* Bits behind the last byte, the other alphabet, a space. */
		{ "\"AAAAAB\"", JSON_WRONG_TYPE },
		{ "\"AA/+AA\"", JSON_WRONG_TYPE },
		{ "\"AAA AA\"", JSON_WRONG_TYPE },
		{ "\"AAAA==\"", JSON_WRONG_TYPE },
		{ "\"AA\\u0000AAA\"", JSON_WRONG_TYPE },
		{ "1", JSON_WRONG_TYPE }, { "null", JSON_WRONG_TYPE }
	};
	char text[80];
	size_t i;

	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		snprintf(text, sizeof(text), "{\"number\":1,\"bytes\":%s}",
		    rows[i].value);
		assert_fault(*state, text, rows[i].fault,
		    rows[i].fault == JSON_FINE ? "" : "bytes");
	}
}

static bool
has(const char *text, const char *name)
{
	return json_read_has(text, strlen(text), name);
}

struct loose {
	bool			 truth;
	struct json_string	 text;
	int64_t			 digits;
	bool			 digits_given;
	int64_t			 inner;
	bool			 object_given;
};

static const struct json_member inner_members[] = {
	{ .name = "inner", .kind = JSON_INTEGER, .required = true,
	    .max = 9, .offset = offsetof(struct loose, inner) }
};
static const struct json_member loose_members[] = {
	{ .name = "truth", .kind = JSON_BOOLEAN_OR_WORD, .blank = true,
	    .offset = offsetof(struct loose, truth) },
	{ .name = "text", .kind = JSON_STRING, .required = true,
	    .blank = true, .max = 9, .offset = offsetof(struct loose, text) },
	{ .name = "digits", .kind = JSON_INTEGER_OR_DIGITS, .blank = true,
	    .max = 9, .offset = offsetof(struct loose, digits),
	    .given = offsetof(struct loose, digits_given) },
	{ .name = "object", .kind = JSON_OBJECT, .members = inner_members,
	    .count = 1, .given = offsetof(struct loose, object_given) }
};

static struct loose loose;

/* The fault, and its field in `error'. */
static enum json_fault
read_loose(struct arena *arena, const char *text)
{
	memset(&loose, 0, sizeof(loose));
	(void)json_read(arena, text, strlen(text), loose_members,
	    sizeof(loose_members) / sizeof(loose_members[0]),
	    JSON_REFUSE_EXTRAS, &loose, &error);
	return error.fault;
}

static void
test_truth(void **state)
{
	static const char *const wrong[] = {
		"1", "0", "\"yes\"", "\"True\"", "\"true \"", "[]", "{}",
		"\"true\\u0000\""
	};
	char text[64];

	assert_int_equal(read_loose(*state,
	    "{\"text\":\"x\",\"truth\":true}"), JSON_FINE);
	assert_true(loose.truth);
	assert_int_equal(read_loose(*state,
	    "{\"text\":\"x\",\"truth\":\"true\"}"), JSON_FINE);
	assert_true(loose.truth);
	assert_int_equal(read_loose(*state,
	    "{\"text\":\"x\",\"truth\":false}"), JSON_FINE);
	assert_false(loose.truth);
	assert_int_equal(read_loose(*state,
	    "{\"text\":\"x\",\"truth\":\"false\"}"), JSON_FINE);
	assert_false(loose.truth);
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		(void)snprintf(text, sizeof(text),
		    "{\"text\":\"x\",\"truth\":%s}", wrong[i]);
		assert_int_equal(read_loose(*state, text), JSON_WRONG_TYPE);
		assert_string_equal(error.field, "truth");
	}
}

/* Where a table says so, null and "" are as if nothing were there. */
static void
test_blank(void **state)
{
	assert_int_equal(read_loose(*state, "{\"text\":\"x\",\"digits\":null,"
	    "\"truth\":\"\"}"), JSON_FINE);
	assert_false(loose.digits_given);
	assert_int_equal(read_loose(*state,
	    "{\"text\":\"x\",\"digits\":\"7\"}"), JSON_FINE);
	assert_true(loose.digits_given);
	assert_int_equal(loose.digits, 7);
	assert_int_equal(read_loose(*state, "{\"text\":\"\"}"),
	    JSON_MISSING);
	assert_int_equal(read_loose(*state, "{\"text\":null}"),
	    JSON_MISSING);
	assert_string_equal(error.field, "text");
	assert_int_equal(read_loose(*state, "{\"text\":\" \"}"), JSON_FINE);
	assert_int_equal(read_loose(*state, "{\"text\":0}"),
	    JSON_WRONG_TYPE);
}

static void
test_object(void **state)
{
	static const struct {
		const char	*value;
		enum json_fault	 fault;
	} rows[] = {
		{ "{\"inner\":7}", JSON_FINE }, { "{}", JSON_MISSING },
		{ "{\"inner\":10}", JSON_TOO_LARGE },
		{ "{\"inner\":1,\"more\":1}", JSON_UNKNOWN },
		{ "null", JSON_WRONG_TYPE }, { "[]", JSON_WRONG_TYPE },
		{ "\"\"", JSON_WRONG_TYPE }
	};
	char text[64];

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		(void)snprintf(text, sizeof(text),
		    "{\"text\":\"x\",\"object\":%s}", rows[i].value);
		assert_int_equal(read_loose(*state, text), rows[i].fault);
		if (rows[i].fault != JSON_FINE)
			assert_string_equal(error.field, "object");
		else
			assert_int_equal(loose.inner, 7);
		assert_true(loose.object_given);
	}
}

static void
test_write_lists(void **state)
{
	static const char expected[] = "{\"l\":[{\"a\":1},{}],\"e\":[],"
	    "\"x\":1,\"y\":\"\",\"b\":\"AP_-\"}";
	static const uint8_t bytes[] = { 0x00, 0xff, 0xfe };
	struct json_writer json, list, row;
	struct buf out;

	buf_init(&out, *state);
	json_open(&json, &out);
	json_key(&json, "l");
	json_open_list(&list, &out);
	json_item(&list);
	json_open(&row, &out);
	json_integer(&row, "a", 1);
	json_close(&row);
	json_item(&list);
	json_open(&row, &out);
	json_close(&row);
	json_close_list(&list);
	json_key(&json, "e");
	json_open_list(&list, &out);
	json_close_list(&list);
	json_members(&json, "{\"x\":1,\"y\":\"\"}", 14);
	json_members(&json, "{}", 2);
	json_base64url(&json, "b", bytes, sizeof(bytes));
	json_close(&json);
	assert_false(out.failed);
	assert_int_equal(out.len, sizeof(expected) - 1);
	assert_memory_equal(out.data, expected, out.len);
}

static void
test_has(void **state)
{
	(void)state;
	assert_true(has("{\"a\":1,\"ciphertext\":null}", "ciphertext"));
	assert_true(has("{\"\\u0063iphertext\":1}", "ciphertext"));
	assert_false(has("{\"a\":\"ciphertext\"}", "ciphertext"));
	assert_false(has("{\"a\":{\"ciphertext\":1}}", "ciphertext"));
	assert_false(has("{\"ciphertext\":1", "ciphertext"));
	assert_false(has("[\"ciphertext\"]", "ciphertext"));
	assert_false(has("", "ciphertext"));
}

static void
test_write(void **state)
{
	static const char expected[] =
	    "{\"s\":\"a\\\"\\\\\\n\\r\\t\\u0000\\u001f/\x7f\xc3\xa5\","
	    "\"t\":\"\",\"n\":null,\"i\":-9223372036854775808,"
	    "\"yes\":true,\"no\":false,\"o\":{}}";
	struct json_writer json, inner;
	struct buf out;

	buf_init(&out, *state);
	json_open(&json, &out);
	json_string(&json, "s", "a\"\\\n\r\t\0\x1f/\x7f\xc3\xa5", 12);
	json_text(&json, "t", "");
	json_text(&json, "n", NULL);
	json_integer(&json, "i", INT64_MIN);
	json_bool(&json, "yes", true);
	json_bool(&json, "no", false);
	json_key(&json, "o");
	json_open(&inner, &out);
	json_close(&inner);
	json_close(&json);
	assert_false(out.failed);
	assert_int_equal(out.len, sizeof(expected) - 1);
	assert_memory_equal(out.data, expected, out.len);
}

/* What is written is read back, whatever bytes it was. */
static void
test_round_trip(void **state)
{
	struct json_writer json;
	struct buf out;
	char bytes[1];
	int c;

	for (c = 0; c < 0x80; c++) {
		bytes[0] = (char)c;
		buf_init(&out, *state);
		json_open(&json, &out);
		json_string(&json, "text", bytes, 1);
		json_integer(&json, "number", c);
		json_close(&json);
		assert_int_equal(read_bytes(*state, (const char *)out.data,
		    out.len, JSON_REFUSE_EXTRAS), 0);
		assert_int_equal(sample.text.length, 1);
		assert_memory_equal(sample.text.bytes, bytes, 1);
		assert_int_equal(sample.number, c);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_values, setup, teardown),
		cmocka_unit_test_setup_teardown(test_names_may_be_escaped,
		    setup, teardown),
		cmocka_unit_test_setup_teardown(test_malformed, setup,
		    teardown),
		cmocka_unit_test_setup_teardown(test_not_object, setup,
		    teardown),
		cmocka_unit_test_setup_teardown(test_repeated, setup,
		    teardown),
		cmocka_unit_test_setup_teardown(test_many_words, setup,
		    teardown),
		cmocka_unit_test_setup_teardown(test_unknown, setup, teardown),
		cmocka_unit_test_setup_teardown(test_members, setup, teardown),
		cmocka_unit_test_setup_teardown(test_integers, setup,
		    teardown),
		cmocka_unit_test_setup_teardown(test_digits, setup, teardown),
		cmocka_unit_test_setup_teardown(test_base64url, setup,
		    teardown),
		cmocka_unit_test_setup_teardown(test_truth, setup, teardown),
		cmocka_unit_test_setup_teardown(test_blank, setup, teardown),
		cmocka_unit_test_setup_teardown(test_object, setup, teardown),
		cmocka_unit_test_setup_teardown(test_write_lists, setup,
		    teardown),
		cmocka_unit_test(test_has),
		cmocka_unit_test_setup_teardown(test_write, setup, teardown),
		cmocka_unit_test_setup_teardown(test_round_trip, setup,
		    teardown)
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}

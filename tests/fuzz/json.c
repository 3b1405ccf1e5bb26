/* SPDX-License-Identifier: ISC */
/*
 * A body of JSON, read by a table with every kind of member.
 */
#include <string.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/utf8.h"
#include "fuzz.h"
#include "web/json.h"
#include "web/json_read.h"

#define DEPTH	8		/* of what is taken */
#define TEXT_MAX 300

struct values {
	struct json_string text;
	int64_t		 number;
	int64_t		 digits;
	uint8_t		 bytes[16];
	bool		 truth;
	int64_t		 inner;
	struct json_string inner_text;
	bool		 text_given, number_given, bytes_given;
};

static const struct json_member inner_members[] = {
	{ .name = "n", .kind = JSON_INTEGER, .required = true,
	    .min = INT64_MIN, .max = INT64_MAX,
	    .offset = offsetof(struct values, inner) },
	{ .name = "t", .kind = JSON_STRING, .max = TEXT_MAX,
	    .offset = offsetof(struct values, inner_text) }
};

static const struct json_member members[] = {
	{ .name = "text", .kind = JSON_STRING, .min = 1, .max = TEXT_MAX,
	    .blank = true, .offset = offsetof(struct values, text),
	    .given = offsetof(struct values, text_given) },
	{ .name = "number", .kind = JSON_INTEGER, .min = -5, .max = 1000,
	    .offset = offsetof(struct values, number),
	    .given = offsetof(struct values, number_given) },
	{ .name = "digits", .kind = JSON_INTEGER_OR_DIGITS, .min = 1,
	    .max = INT64_MAX, .offset = offsetof(struct values, digits) },
	{ .name = "bytes", .kind = JSON_BASE64URL, .min = 16, .max = 16,
	    .offset = offsetof(struct values, bytes),
	    .given = offsetof(struct values, bytes_given) },
	{ .name = "truth", .kind = JSON_BOOLEAN_OR_WORD,
	    .offset = offsetof(struct values, truth) },
	{ .name = "object", .kind = JSON_OBJECT, .members = inner_members,
	    .count = sizeof(inner_members) / sizeof(inner_members[0]) }
};
#define COUNT (sizeof(members) / sizeof(members[0]))

static struct arena	*arena;

int
LLVMFuzzerInitialize(int *argc, char ***argv)
{
	(void)argc;
	(void)argv;
	fuzz_must((arena = arena_create()) != NULL);
	return 0;
}

/* How deep it is, counted without knowing much of JSON. */
static int
depth(const char *text, size_t length)
{
	int	 now = 0, most = 0;
	bool	 string = false;

	for (size_t i = 0; i < length; i++) {
		if (string && text[i] == '\\')
			i++;
		else if (text[i] == '"')
			string = !string;
		else if (!string && (text[i] == '{' || text[i] == '['))
			most = ++now > most ? now : most;
		else if (!string && (text[i] == '}' || text[i] == ']'))
			now--;
	}
	return most;
}

static void
check_error(const struct json_error *error)
{
	size_t	 length = strnlen(error->field, sizeof(error->field));

	fuzz_must(error->fault != JSON_FINE && error->fault != JSON_NO_MEMORY);
	fuzz_must(length < sizeof(error->field));
	fuzz_must(utf8_length(error->field, length) >= 0);
}

/* What was read, written and read again, is the same. */
static void
check_again(const struct values *values)
{
	struct json_writer json, inner;
	struct json_error error;
	struct values	 again;
	struct buf	 text;

	memset(&again, 0, sizeof(again));
	buf_init(&text, arena);
	json_open(&json, &text);
	if (values->text_given)
		json_string(&json, "text", values->text.bytes,
		    values->text.length);
	if (values->number_given)
		json_integer(&json, "number", values->number);
	if (values->bytes_given)
		json_base64url(&json, "bytes", values->bytes,
		    sizeof(values->bytes));
	json_bool(&json, "truth", values->truth);
	json_key(&json, "object");
	json_open(&inner, &text);
	json_integer(&inner, "n", values->inner);
	if (values->inner_text.bytes != NULL)
		json_string(&inner, "t", values->inner_text.bytes,
		    values->inner_text.length);
	json_close(&inner);
	json_close(&json);
	fuzz_must(!text.failed && json_read(arena, text.data, text.len,
	    members, COUNT, JSON_REFUSE_EXTRAS, &again, &error) == 0);
	fuzz_must(again.text_given == values->text_given &&
	    again.text.length == values->text.length &&
	    (!again.text_given || memcmp(again.text.bytes, values->text.bytes,
	    again.text.length) == 0));
	fuzz_must(again.number == values->number &&
	    again.truth == values->truth && again.inner == values->inner &&
	    memcmp(again.bytes, values->bytes, sizeof(again.bytes)) == 0);
}

static void
check_values(const struct values *values)
{
	if (values->text_given)
		fuzz_must(values->text.length >= 1 &&
		    values->text.length <= TEXT_MAX &&
		    values->text.bytes[values->text.length] == '\0' &&
		    utf8_length(values->text.bytes, values->text.length) >= 0);
	if (values->number_given)
		fuzz_must(values->number >= -5 && values->number <= 1000);
	fuzz_must(values->inner_text.length <= TEXT_MAX);
	check_again(values);
}

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
	struct json_error error;
	struct values	 values = { 0 }, strict = { 0 };
	const char	*text;
	bool		 has;

	if (size > FUZZ_MAX)
		return 0;
	text = fuzz_fence(0, bytes, size);
	has = json_read_has(text, size, "text");
	if (json_read(arena, text, size, members, COUNT, JSON_IGNORE_EXTRAS,
	    &values, &error) == 0) {
		fuzz_must(depth(text, size) <= DEPTH);
		fuzz_must(has || !values.text_given);
		check_values(&values);
		if (json_read(arena, text, size, members, COUNT,
		    JSON_REFUSE_EXTRAS, &strict, &error) == -1)
			fuzz_must(error.fault == JSON_UNKNOWN);
	} else {
		check_error(&error);
		fuzz_must(json_read(arena, text, size, members, COUNT,
		    JSON_REFUSE_EXTRAS, &strict, &error) == -1);
		check_error(&error);
	}
	arena_reset(arena);
	return 0;
}

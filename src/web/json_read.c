/* SPDX-License-Identifier: ISC */
/*
 * JSON that arrives.  json-c parses; this file knows where its strict mode is
 * not strict (json-c 0.16: words of other forms, overlong UTF-8, names cut at
 * NUL, repeated members) and refuses that by one walk over the text before it
 * and a count behind it.
 */
#include "web/json_read.h"

#include <json-c/json.h>
#include <limits.h>
#include <string.h>

#include "base/arena.h"
#include "base/digits.h"
#include "base/lent.h"
#include "base/utf8.h"
#include "crypto/token.h"
#include "web/jsonwalk.h"

#define DEPTH 8

/* More words than any call has: json-c makes hundreds of bytes of a `{}`. */
#define WORDS_MAX 1000

/*
 * Count the members of all objects, which in well-formed JSON are the colons
 * between words.  Returns false when json-c must not see this text.
 */
static bool
walk_text(const char *text, size_t length, size_t *members)
{
	struct jsonwalk walk = { text, text + length };
	struct jsonwalk_word word, before;
	int words = 0;

	*members = 0;
	before.has_nul = false;
	for (;;) {
		jsonwalk_next(&walk, &word);
		if (word.kind == JSONWALK_BAD || words++ == WORDS_MAX)
			return false;
		if (word.kind == JSONWALK_END)
			return true;
		if (*word.text == ':') {
			/* json-c would take the name for a shorter one. */
			if (before.has_nul)
				return false;
			(*members)++;
		}
		before = word;
	}
}

static size_t
count_members(struct json_object *value)
{
	size_t i, count = 0;

	switch (json_object_get_type(value)) {
	case json_type_object: {
		json_object_object_foreach(value, name, member) {
			(void)name;
			count += 1 + count_members(member);
		}
		break;
	}
	case json_type_array:
		for (i = 0; i < json_object_array_length(value); i++)
			count += count_members(
			    json_object_array_get_idx(value, i));
		break;
	default:
		break;
	}
	return count;
}

/* A name as a reply can hold it: cut between two code points. */
static void
set_field(struct json_error *error, const char *name, size_t length)
{
	if (length >= sizeof(error->field)) {
		length = sizeof(error->field) - 1;
		while (length > 0 && (name[length] & 0xc0) == 0x80)
			length--;
	}
	memcpy(error->field, name, length);
	error->field[length] = '\0';
}

/* What the string `word` says, by json-c; NULL when it has no memory. */
static struct json_object *
read_word(struct json_tokener *tokener, const struct jsonwalk_word *word)
{
	json_tokener_reset(tokener);
	return json_tokener_parse_ex(tokener, word->text, (int)word->length);
}

/*
 * Find the first repeated member of the outer object; one deeper inside stays
 * without a name.  Only for the answer to a text that was refused already.
 */
static void
name_repeated(struct json_tokener *tokener, const char *text, size_t length,
    struct json_error *error)
{
	struct jsonwalk walk = { text, text + length };
	struct jsonwalk_word word, before = { .kind = JSONWALK_END };
	struct json_object *seen, *name;
	const char *bytes;
	int depth = 0;

	if ((seen = json_object_new_object()) == NULL)
		return;
	for (;; before = word) {
		jsonwalk_next(&walk, &word);
		if (word.kind == JSONWALK_END || word.kind == JSONWALK_BAD)
			break;
		if (word.kind != JSONWALK_PUNCTUATION)
			continue;
		if (*word.text == '{' || *word.text == '[')
			depth++;
		else if (*word.text == '}' || *word.text == ']')
			depth--;
		if (*word.text != ':' || depth != 1)
			continue;
		if ((name = read_word(tokener, &before)) == NULL)
			break;
		bytes = json_object_get_string(name);
		if (json_object_object_get_ex(seen, bytes, NULL)) {
			set_field(error, bytes, strlen(bytes));
			json_object_put(name);
			break;
		}
		if (json_object_object_add(seen, bytes, NULL) != 0) {
			json_object_put(name);
			break;
		}
		json_object_put(name);
	}
	json_object_put(seen);
}

/*
 * The tree of text, which is an object without repeated members, or NULL with
 * error.  The caller puts it.
 */
static struct json_object *
parse(const char *text, size_t length, struct json_error *error)
{
	struct json_tokener *tokener;
	struct json_object *tree;
	enum json_tokener_error fault;
	size_t members;

	error->fault = JSON_MALFORMED;
	if (length > INT_MAX || utf8_length(text, length) < 0 ||
	    !walk_text(text, length, &members))
		return NULL;
	if ((tokener = json_tokener_new_ex(DEPTH)) == NULL) {
		error->fault = JSON_NO_MEMORY;
		return NULL;
	}
	json_tokener_set_flags(tokener,
	    JSON_TOKENER_STRICT | JSON_TOKENER_VALIDATE_UTF8);
	lent_begin();
	tree = json_tokener_parse_ex(tokener, text, (int)length);
	/* A number alone ends only where the text is known to end. */
	fault = json_tokener_get_error(tokener);
	if (fault == json_tokener_continue) {
		tree = json_tokener_parse_ex(tokener, "", 1);
		fault = json_tokener_get_error(tokener);
	}
	if (lent_end())
		error->fault = JSON_NO_MEMORY;
	else if (fault == json_tokener_success) {
		if (!json_object_is_type(tree, json_type_object))
			error->fault = JSON_NOT_OBJECT;
		else if (count_members(tree) != members) {
			error->fault = JSON_REPEATED;
			name_repeated(tokener, text, length, error);
		} else
			error->fault = JSON_FINE;
	}
	json_tokener_free(tokener);
	if (error->fault != JSON_FINE) {
		json_object_put(tree);
		return NULL;
	}
	return tree;
}

static enum json_fault
check_range(int64_t value, const struct json_member *member)
{
	if (value < member->min)
		return JSON_TOO_SMALL;
	if (value > member->max)
		return JSON_TOO_LARGE;
	return JSON_FINE;
}

static enum json_fault
read_string(struct arena *arena, struct json_object *value,
    const struct json_member *member, struct json_string *string)
{
	enum json_fault fault;

	if (!json_object_is_type(value, json_type_string))
		return JSON_WRONG_TYPE;
	string->length = (size_t)json_object_get_string_len(value);
	if ((fault = check_range((int64_t)string->length, member)) !=
	    JSON_FINE)
		return fault;
	string->bytes = arena_copy(arena, json_object_get_string(value),
	    string->length);
	return string->bytes == NULL ? JSON_NO_MEMORY : JSON_FINE;
}

static enum json_fault
read_digits(struct json_object *value, const struct json_member *member,
    int64_t *number)
{
	const char *text = json_object_get_string(value);
	size_t length = (size_t)json_object_get_string_len(value);

	return digits_read(text, length, number) ?
	    check_range(*number, member) : JSON_WRONG_TYPE;
}

static enum json_fault
read_base64url(struct json_object *value, const struct json_member *member,
    uint8_t *bytes)
{
	const char *text;
	size_t size, length, wanted;

	if (!json_object_is_type(value, json_type_string))
		return JSON_WRONG_TYPE;
	text = json_object_get_string(value);
	length = (size_t)json_object_get_string_len(value);
	size = (size_t)member->min;
	wanted = (size * 8 + 5) / 6;
	if (length != wanted)
		return length < wanted ? JSON_TOO_SMALL : JSON_TOO_LARGE;
	if (!token_from_base64url(bytes, size, text, length))
		return JSON_WRONG_TYPE;
	return JSON_FINE;
}

static enum json_fault
read_truth(struct json_object *value, bool *truth)
{
	const char *word = json_object_get_string(value);

	if (json_object_is_type(value, json_type_boolean)) {
		*truth = json_object_get_boolean(value);
		return JSON_FINE;
	}
	if (!json_object_is_type(value, json_type_string) ||
	    strlen(word) != (size_t)json_object_get_string_len(value))
		return JSON_WRONG_TYPE;
	*truth = strcmp(word, "true") == 0;
	return *truth || strcmp(word, "false") == 0 ? JSON_FINE :
	    JSON_WRONG_TYPE;
}

static bool
is_blank(struct json_object *value)
{
	return json_object_is_type(value, json_type_null) ||
	    (json_object_is_type(value, json_type_string) &&
	    json_object_get_string_len(value) == 0);
}

static enum json_fault
read_value(struct arena *arena, struct json_object *value,
    const struct json_member *member, void *into)
{
	int64_t *number = into;

	switch (member->kind) {
	case JSON_STRING:
		return read_string(arena, value, member, into);
	case JSON_INTEGER_OR_DIGITS:
		if (json_object_is_type(value, json_type_string))
			return read_digits(value, member, number);
		break;
	case JSON_BASE64URL:
		return read_base64url(value, member, into);
	case JSON_BOOLEAN_OR_WORD:
		return read_truth(value, into);
	case JSON_OBJECT:
	case JSON_INTEGER:
		break;
	}
	if (!json_object_is_type(value, json_type_int))
		return JSON_WRONG_TYPE;
	/* json-c gives the nearest int64_t for what is beyond them. */
	*number = json_object_get_int64(value);
	return check_range(*number, member);
}

static bool
is_named(const char *name, const struct json_member *members, size_t count)
{
	size_t i;

	for (i = 0; i < count; i++)
		if (strcmp(name, members[i].name) == 0)
			return true;
	return false;
}

static bool
has_extras(struct json_object *tree, const struct json_member *members,
    size_t count, struct json_error *error)
{
	json_object_object_foreach(tree, name, value) {
		(void)value;
		if (!is_named(name, members, count)) {
			set_field(error, name, strlen(name));
			error->fault = JSON_UNKNOWN;
			return true;
		}
	}
	return false;
}

static bool read_members(struct arena *arena, struct json_object *tree,
    const struct json_member *members, size_t count, enum json_extras extras,
    char *into, struct json_error *error);

static void
read_member(struct arena *arena, struct json_object *tree,
    const struct json_member *member, enum json_extras extras, char *into,
    struct json_error *error)
{
	struct json_object *value;
	bool given;

	given = json_object_object_get_ex(tree, member->name, &value) &&
	    !(member->blank && is_blank(value));
	if (member->given != 0)
		memcpy(into + member->given, &given, sizeof(given));
	if (!given)
		error->fault = member->required ? JSON_MISSING : JSON_FINE;
	else if (member->kind != JSON_OBJECT)
		error->fault = read_value(arena, value, member,
		    into + member->offset);
	else if (!json_object_is_type(value, json_type_object))
		error->fault = JSON_WRONG_TYPE;
	else
		(void)read_members(arena, value, member->members,
		    member->count, extras, into, error);
	if (error->fault == JSON_FINE)
		return;
	error->member = member;
	set_field(error, member->name, strlen(member->name));
}

static bool
read_members(struct arena *arena, struct json_object *tree,
    const struct json_member *members, size_t count, enum json_extras extras,
    char *into, struct json_error *error)
{
	size_t i;

	if (extras == JSON_REFUSE_EXTRAS &&
	    has_extras(tree, members, count, error))
		return false;
	for (i = 0; i < count && error->fault == JSON_FINE; i++)
		read_member(arena, tree, &members[i], extras, into, error);
	return error->fault == JSON_FINE;
}

int
json_read(struct arena *arena, const void *text, size_t length,
    const struct json_member *members, size_t count, enum json_extras extras,
    void *into, struct json_error *error)
{
	struct json_object *tree;
	bool fine;

	memset(error, 0, sizeof(*error));
	if ((tree = parse(text, length, error)) == NULL)
		return -1;
	fine = read_members(arena, tree, members, count, extras, into, error);
	json_object_put(tree);
	return fine ? 0 : -1;
}

bool
json_read_has(const void *text, size_t length, const char *name)
{
	struct json_object *tree;
	struct json_error error;
	bool has;

	/* Without an escape the name stands there as it is. */
	if (length == 0 || (memmem(text, length, name, strlen(name)) == NULL &&
	    memchr(text, '\\', length) == NULL))
		return false;
	if ((tree = parse(text, length, &error)) == NULL)
		return false;
	has = json_object_object_get_ex(tree, name, NULL);
	json_object_put(tree);
	return has;
}

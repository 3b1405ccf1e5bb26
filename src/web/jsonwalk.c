/* SPDX-License-Identifier: ISC */
/*
 * What strings, numbers and names look like in JSON, to the letter: this file
 * refuses the words that json-c's strict mode lets through (single quotes,
 * NaN, capitals, control characters, half surrogate pairs).
 */
#include <stdint.h>
#include <string.h>

#include "web/jsonwalk.h"

/* The value of four hex digits at p, or -1. */
static int
read_hex4(const char *p, const char *end)
{
	int i, value = 0;

	if (end - p < 4)
		return -1;
	for (i = 0; i < 4; i++, p++) {
		value <<= 4;
		if (*p >= '0' && *p <= '9')
			value |= *p - '0';
		else if (*p >= 'a' && *p <= 'f')
			value |= *p - 'a' + 10;
		else if (*p >= 'A' && *p <= 'F')
			value |= *p - 'A' + 10;
		else
			return -1;
	}
	return value;
}

/* Behind a backslash; returns what follows the escape, or NULL. */
static const char *
skip_escape(const char *p, const char *end, bool *has_nul)
{
	int high, low;

	if (p == end)
		return NULL;
	if (*p != 'u')
		return *p != '\0' && strchr("\"\\/bfnrt", *p) != NULL ?
		    p + 1 : NULL;
	if ((high = read_hex4(p + 1, end)) < 0)
		return NULL;
	p += 5;
	if (high == 0)
		*has_nul = true;
	if (high < 0xd800 || high > 0xdfff)
		return p;
	/* Half a surrogate pair is no character. */
	if (high > 0xdbff || end - p < 6 || p[0] != '\\' || p[1] != 'u' ||
	    (low = read_hex4(p + 2, end)) < 0xdc00 || low > 0xdfff)
		return NULL;
	return p + 6;
}

/* Behind the opening quote; returns what follows the closing one, or NULL. */
static const char *
skip_string(const char *p, const char *end, bool *has_nul)
{
	while (p < end) {
		if (*p == '"')
			return p + 1;
		if ((unsigned char)*p < 0x20)
			return NULL;
		if (*p++ == '\\' &&
		    (p = skip_escape(p, end, has_nul)) == NULL)
			return NULL;
	}
	return NULL;
}

static const char *
skip_digits(const char *p, const char *end)
{
	while (p < end && *p >= '0' && *p <= '9')
		p++;
	return p;
}

/* RFC 8259, section 6; returns what follows the number, or NULL. */
static const char *
skip_number(const char *p, const char *end)
{
	const char *start;

	if (p < end && *p == '-')
		p++;
	start = p;
	p = skip_digits(p, end);
	if (p == start || (*start == '0' && p - start > 1))
		return NULL;
	if (p < end && *p == '.') {
		start = ++p;
		if ((p = skip_digits(p, end)) == start)
			return NULL;
	}
	if (p < end && (*p == 'e' || *p == 'E')) {
		p++;
		if (p < end && (*p == '+' || *p == '-'))
			p++;
		start = p;
		if ((p = skip_digits(p, end)) == start)
			return NULL;
	}
	return p;
}

static bool
is_space(char c)
{
	return c == ' ' || c == '\n' || c == '\r' || c == '\t';
}

static bool
is_name(const char *text, size_t length)
{
	return (length == 4 && memcmp(text, "true", 4) == 0) ||
	    (length == 5 && memcmp(text, "false", 5) == 0) ||
	    (length == 4 && memcmp(text, "null", 4) == 0);
}

void
jsonwalk_next(struct jsonwalk *walk, struct jsonwalk_word *word)
{
	const char *p = walk->next, *end = walk->end;

	while (p < end && is_space(*p))
		p++;
	word->text = p;
	word->length = 0;
	word->has_nul = false;
	if (p == end) {
		word->kind = JSONWALK_END;
		return;
	}
	switch (*p) {
	case '{': case '}': case '[': case ']': case ',': case ':':
		word->kind = JSONWALK_PUNCTUATION;
		p++;
		break;
	case '"':
		word->kind = JSONWALK_STRING;
		p = skip_string(p + 1, end, &word->has_nul);
		break;
	case '-': case '0': case '1': case '2': case '3': case '4':
	case '5': case '6': case '7': case '8': case '9':
		word->kind = JSONWALK_NUMBER;
		p = skip_number(p, end);
		break;
	default:
		word->kind = JSONWALK_NAME;
		while (p < end && *p >= 'a' && *p <= 'z')
			p++;
		if (!is_name(word->text, (size_t)(p - word->text)))
			p = NULL;
		break;
	}
	if (p == NULL) {
		word->kind = JSONWALK_BAD;
		return;
	}
	word->length = (size_t)(p - word->text);
	walk->next = p;
}

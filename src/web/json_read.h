/* SPDX-License-Identifier: ISC */
#ifndef ONCELINK_JSON_READ_H
#define ONCELINK_JSON_READ_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * JSON bodies (RFC 8259) by json-c, whose strict mode alone is not strict
 * enough, read into C members by a table.
 */

struct arena;

enum json_kind {
	JSON_STRING,		/* struct json_string */
	JSON_INTEGER,		/* int64_t; a JSON number without a fraction
				   or exponent: 3.0 and 1e3 are refused */
	JSON_INTEGER_OR_DIGITS,	/* int64_t; or a string of digits */
	JSON_BASE64URL,		/* uint8_t[min], min at most 32; no padding */
	JSON_BOOLEAN_OR_WORD,	/* bool; or a string that says which */
	JSON_OBJECT		/* the members of another table, in the same
				   structure; its faults have the outer name */
};

struct json_string {
	const char	*bytes;		/* in the arena, a NUL byte behind */
	size_t		 length;	/* in bytes; may hold NUL bytes */
};

struct json_member {
	const char	*name;
	enum json_kind	 kind;
	bool		 required;
	int64_t		 min;		/* string: bytes; integer: value */
	int64_t		 max;
	size_t		 offset;	/* of the value in the structure */
	size_t		 given;		/* of a bool in it that tells whether
					   the member is there; 0: none */
	bool		 blank;		/* null and "" mean that it is not */
	const struct json_member *members; /* of JSON_OBJECT */
	size_t		 count;		/* how many those are */
};

enum json_fault {
	JSON_FINE,
	JSON_MALFORMED,		/* not JSON, not UTF-8, deeper than 8, of more
				   than 1,000 words, bytes behind it, a NUL in
				   a member's name */
	JSON_NOT_OBJECT,
	JSON_REPEATED,		/* field */
	JSON_UNKNOWN,		/* field: not in the table, and that matters */
	JSON_MISSING,		/* field */
	JSON_WRONG_TYPE,	/* field */
	JSON_TOO_SMALL,		/* field: value or length below min */
	JSON_TOO_LARGE,		/* field: value or length above max */
	JSON_NO_MEMORY
};

struct json_error {
	enum json_fault			 fault;
	const struct json_member	*member; /* NULL where none is meant */
	char				 field[32]; /* a member's name, cut */
};

enum json_extras { JSON_REFUSE_EXTRAS, JSON_IGNORE_EXTRAS };

/*
 * json_read(arena, text, length, members, count, extras, into, error): parse
 * one JSON object and store what the table names in the structure `into`,
 * whose members keep their value when absent.  Returns 0, or -1 with error;
 * a fault of the document comes before one of a member, and those in table
 * order.
 */
int	 json_read(struct arena *arena, const void *text, size_t length,
	    const struct json_member *members, size_t count,
	    enum json_extras extras, void *into, struct json_error *error);

/*
 * json_read_has(text, length, name): does this JSON object have a member of
 * that name?  False when it is no JSON object.
 */
bool	 json_read_has(const void *text, size_t length, const char *name);

#endif

/* SPDX-License-Identifier: ISC */
#ifndef ONCELINK_JSONWALK_H
#define ONCELINK_JSONWALK_H

#include <stdbool.h>
#include <stddef.h>

/*
 * A walk over the words of a JSON text, in one pass and without any memory.
 * It knows what a word may look like (RFC 8259), not how words follow one
 * another: that is json-c's.  The text is well-formed UTF-8.
 */

enum jsonwalk_kind {
	JSONWALK_END,
	JSONWALK_PUNCTUATION,	/* one of {}[],: */
	JSONWALK_STRING,		/* with its quotes */
	JSONWALK_NUMBER,
	JSONWALK_NAME,		/* true, false, null */
	JSONWALK_BAD
};

struct jsonwalk_word {
	enum jsonwalk_kind kind;
	const char	*text;
	size_t		 length;
	bool		 has_nul;	/* a string with \u0000 in it */
};

/* A place in the text; nothing is read at end or behind it. */
struct jsonwalk {
	const char	*next;
	const char	*end;
};

/*
 * jsonwalk_next(walk, word): the next word; walk begins as { text, end of
 * text }.  Behind JSONWALK_END and JSONWALK_BAD there is nothing more.
 */
void	 jsonwalk_next(struct jsonwalk *walk, struct jsonwalk_word *word);

#endif

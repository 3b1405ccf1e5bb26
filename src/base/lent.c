/* SPDX-License-Identifier: ISC */
/*
 * This file knows that json-c (0.16 still) does not look whether there was
 * memory to copy the name of a member, and dies of it.
 */
#include "base/lent.h"

#ifndef ONCELINK_SANITIZE

#include <stdlib.h>
#include <string.h>

static char			 nothing[1];
static _Thread_local bool	 lends, has_lent;

char *
strdup(const char *text)
{
	size_t	 size = strlen(text) + 1;
	char	*copy = malloc(size);

	if (copy != NULL)
		return memcpy(copy, text, size);
	if (!lends)
		return NULL;
	has_lent = true;
	return nothing;
}

void
lent_begin(void)
{
	lends = true;
	has_lent = false;
}

bool
lent_end(void)
{
	lends = false;
	return has_lent;
}

bool
lent_is(const void *data)
{
	return data == nothing;
}

#else /* ONCELINK_SANITIZE */

void
lent_begin(void)
{
}

bool
lent_end(void)
{
	return false;
}

bool
lent_is(const void *data)
{
	(void)data;
	return false;
}

#endif

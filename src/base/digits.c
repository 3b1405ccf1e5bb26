/* SPDX-License-Identifier: ISC */
/*
 * Numbers of others, in which a sign, a space or a base are no part.
 */
#include "base/digits.h"

bool
digits_read(const char *text, size_t length, int64_t *number)
{
	int64_t	 value = 0;

	if (length == 0)
		return false;
	for (size_t i = 0; i < length; i++)
		if (text[i] < '0' || text[i] > '9')
			return false;
	for (size_t i = 0; i < length; i++)
		if (__builtin_mul_overflow(value, 10, &value) ||
		    __builtin_add_overflow(value, text[i] - '0', &value)) {
			value = INT64_MAX;
			break;
		}
	*number = value;
	return true;
}

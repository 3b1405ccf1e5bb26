/* SPDX-License-Identifier: ISC */
#ifndef ONCELINK_DIGITS_H
#define ONCELINK_DIGITS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* digits_read(text, length, number): a whole number in decimal digits and
 * nothing else; INT64_MAX stands for all that is larger too.  Returns false,
 * and leaves the number alone, when it is none. */
bool	 digits_read(const char *text, size_t length, int64_t *number);

#endif

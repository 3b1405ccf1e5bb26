/* SPDX-License-Identifier: ISC */
#ifndef ONCELINK_UTF8_H
#define ONCELINK_UTF8_H

#include <stddef.h>
#include <stdint.h>

/*
 * utf8_length(bytes, length): how many code points there are, or -1 when the
 * bytes are not well-formed UTF-8 (RFC 3629: no surrogates, no overlong
 * forms, nothing above U+10FFFF).
 */
int64_t	 utf8_length(const char *bytes, size_t length);

#endif

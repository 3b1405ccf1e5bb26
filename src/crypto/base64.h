/* SPDX-License-Identifier: ISC */
#ifndef ONCELINK_BASE64_H
#define ONCELINK_BASE64_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* base64_room(length): how many bytes so many characters decode to, at
 * most. */
size_t	 base64_room(size_t length);

/*
 * base64_decode(text, length, bytes, size): RFC 4648 section 4, with line
 * ends in it or behind it, with or without its padding, into bytes, which has
 * base64_room(length).  Returns false for anything else; bytes are then
 * wiped.
 */
bool	 base64_decode(const char *text, size_t length, uint8_t *bytes,
	    size_t *size);

/* base64_is_ascii(text, length): no NUL byte, and none above 0x7f, which
 * libsodium (1.0.18) reads as if it were `/' or `_'? */
bool	 base64_is_ascii(const char *text, size_t length);

/* base64_write_url(bytes, size, text): section 5 without padding, and a NUL
 * byte. */
#define BASE64_URL_SIZE(size)	(((size) * 4 + 2) / 3 + 1)
void	 base64_write_url(const uint8_t *bytes, size_t size, char *text);

#endif

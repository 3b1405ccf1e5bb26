/* SPDX-License-Identifier: ISC */
/*
 * Base64 as mail programs and shells write it, with lines and sometimes
 * without padding, and the other alphabet, which our own JSON has.  Pure
 * functions over bytes.
 */
#include <sodium.h>

#include "crypto/base64.h"

static bool
is_line_end(char c)
{
	return c == '\n' || c == '\r';
}

bool
base64_is_ascii(const char *text, size_t length)
{
	for (size_t i = 0; i < length; i++)
		if (text[i] == '\0' || (unsigned char)text[i] > 0x7f)
			return false;
	return true;
}

size_t
base64_room(size_t length)
{
	return length / 4 * 3 + 3;
}

bool
base64_decode(const char *text, size_t length, uint8_t *bytes, size_t *size)
{
	size_t	 room = base64_room(length), padding = 0;

	while (length > 0 && (is_line_end(text[length - 1]) ||
	    text[length - 1] == '='))
		padding += text[--length] == '=';
	/* libsodium would pass over NUL bytes like line ends. */
	if (padding <= 2 && base64_is_ascii(text, length) &&
	    sodium_base642bin(bytes, room, text, length, "\r\n", size, NULL,
	    sodium_base64_VARIANT_ORIGINAL_NO_PADDING) == 0 &&
	    (padding == 0 || (*size + padding) % 3 == 0))
		return true;
	sodium_memzero(bytes, room);
	return false;
}

void
base64_write_url(const uint8_t *bytes, size_t size, char *text)
{
	sodium_bin2base64(text, BASE64_URL_SIZE(size), bytes, size,
	    sodium_base64_VARIANT_URLSAFE_NO_PADDING);
}

/* SPDX-License-Identifier: ISC */
/*
 * The written forms of the 128 bits that name a secret: what a UUID, 32 hex
 * digits and base64url are is known here and nowhere else.
 */
#include <sodium.h>
#include <string.h>

#include "crypto/token.h"

#define BASE64URL_MAXBYTES 32

static const size_t uuid_dashes[] = { 8, 13, 18, 23 };
#define UUID_DASHES (sizeof(uuid_dashes) / sizeof(uuid_dashes[0]))

void
token_random(uint8_t token[TOKEN_BYTES])
{
	randombytes_buf(token, TOKEN_BYTES);
}

void
token_to_hex(const uint8_t token[TOKEN_BYTES], char text[TOKEN_HEX_LENGTH + 1])
{
	sodium_bin2hex(text, TOKEN_HEX_LENGTH + 1, token, TOKEN_BYTES);
}

void
token_to_uuid(const uint8_t token[TOKEN_BYTES],
    char text[TOKEN_UUID_LENGTH + 1])
{
	char	 hex[TOKEN_HEX_LENGTH + 1];
	size_t	 from = 0, dash = 0;

	token_to_hex(token, hex);
	for (size_t to = 0; to < TOKEN_UUID_LENGTH; to++) {
		if (dash < UUID_DASHES && to == uuid_dashes[dash]) {
			text[to] = '-';
			dash++;
		} else
			text[to] = hex[from++];
	}
	text[TOKEN_UUID_LENGTH] = '\0';
	sodium_memzero(hex, sizeof(hex));
}

bool
token_from_hex(uint8_t token[TOKEN_BYTES], const char *text, size_t length)
{
	size_t	 size;

	if (length != TOKEN_HEX_LENGTH)
		return false;
	return sodium_hex2bin(token, TOKEN_BYTES, text, length, NULL, &size,
	    NULL) == 0 && size == TOKEN_BYTES;
}

bool
token_from_uuid(uint8_t token[TOKEN_BYTES], const char *text, size_t length)
{
	char	 hex[TOKEN_HEX_LENGTH];
	size_t	 to = 0, dash = 0;
	bool	 valid;

	if (length != TOKEN_UUID_LENGTH)
		return false;
	for (size_t from = 0; from < TOKEN_UUID_LENGTH; from++) {
		if (dash < UUID_DASHES && from == uuid_dashes[dash]) {
			if (text[from] != '-')
				return false;
			dash++;
		} else
			hex[to++] = text[from];
	}
	valid = token_from_hex(token, hex, sizeof(hex));
	sodium_memzero(hex, sizeof(hex));
	return valid;
}

bool
token_from_base64url(uint8_t *bytes, size_t size, const char *text,
    size_t length)
{
	uint8_t	 decoded[BASE64URL_MAXBYTES];
	size_t	 decoded_size;
	bool	 valid;

	if (size > sizeof(decoded) || length != (size * 4 + 2) / 3)
		return false;
	/* libsodium refuses unused bits that are not zero. */
	valid = sodium_base642bin(decoded, sizeof(decoded), text, length, NULL,
	    &decoded_size, NULL, sodium_base64_VARIANT_URLSAFE_NO_PADDING) == 0
	    && decoded_size == size;
	if (valid)
		memcpy(bytes, decoded, size);
	sodium_memzero(decoded, sizeof(decoded));
	return valid;
}

void
token_to_base64url(const uint8_t bytes[TOKEN_BYTES],
    char text[TOKEN_BASE64URL_LENGTH + 1])
{
	sodium_bin2base64(text, TOKEN_BASE64URL_LENGTH + 1, bytes, TOKEN_BYTES,
	    sodium_base64_VARIANT_URLSAFE_NO_PADDING);
}

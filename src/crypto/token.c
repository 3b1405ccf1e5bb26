/* SPDX-License-Identifier: ISC */
/*
 * The written forms of the 128 bits that name a secret: what a UUID, 32 hex
 * digits, base62 and base64url are is known here and nowhere else.
 */
#include <sodium.h>
#include <string.h>

#include "crypto/base64.h"
#include "crypto/token.h"

#define BASE64URL_MAXBYTES 32

static const size_t uuid_dashes[] = { 8, 13, 18, 23 };
#define UUID_DASHES (sizeof(uuid_dashes) / sizeof(uuid_dashes[0]))

static const char base62_digits[] =
    "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

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

/* Schoolbook division of all the bytes by 62, a digit at a time. */
void
token_to_base62(const uint8_t token[TOKEN_BYTES],
    char text[TOKEN_BASE62_LENGTH + 1])
{
	uint8_t		 rest[TOKEN_BYTES];
	unsigned int	 carry;

	memcpy(rest, token, TOKEN_BYTES);
	text[TOKEN_BASE62_LENGTH] = '\0';
	for (size_t to = TOKEN_BASE62_LENGTH; to-- > 0;) {
		carry = 0;
		for (size_t at = 0; at < TOKEN_BYTES; at++) {
			carry = carry << 8 | rest[at];
			rest[at] = (uint8_t)(carry / 62);
			carry %= 62;
		}
		text[to] = base62_digits[carry];
	}
	sodium_memzero(rest, sizeof(rest));
}

bool
token_from_base62(uint8_t token[TOKEN_BYTES], const char *text, size_t length)
{
	uint8_t		 bytes[TOKEN_BYTES] = { 0 };
	const char	*digit;
	unsigned int	 carry = 0;

	if (length != TOKEN_BASE62_LENGTH)
		return false;
	for (size_t from = 0; from < length && carry == 0; from++) {
		digit = text[from] == '\0' ? NULL :
		    strchr(base62_digits, text[from]);
		if (digit == NULL) {
			carry = 1;
			break;
		}
		carry = (unsigned int)(digit - base62_digits);
		for (size_t at = TOKEN_BYTES; at-- > 0;) {
			carry += bytes[at] * 62U;
			bytes[at] = (uint8_t)carry;
			carry >>= 8;
		}
	}
	if (carry == 0)
		memcpy(token, bytes, TOKEN_BYTES);
	sodium_memzero(bytes, sizeof(bytes));
	return carry == 0;
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
	valid = base64_is_ascii(text, length) &&
	    sodium_base642bin(decoded, sizeof(decoded), text, length, NULL,
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

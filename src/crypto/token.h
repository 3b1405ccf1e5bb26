/* SPDX-License-Identifier: ISC */
#ifndef ONCELINK_TOKEN_H
#define ONCELINK_TOKEN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* 128 bits from the CSPRNG that name a secret and help to seal it. */
#define TOKEN_BYTES		16

/* Lengths of the written forms, without a NUL byte. */
#define TOKEN_UUID_LENGTH	36	/* RFC 9562, all 128 bits random */
#define TOKEN_HEX_LENGTH	32
#define TOKEN_BASE62_LENGTH	22	/* 0-9A-Za-z, most significant first */
#define TOKEN_BASE64URL_LENGTH	22	/* RFC 4648 section 5, no padding */

/* token_random(token): draw a new token. */
void	 token_random(uint8_t token[TOKEN_BYTES]);

/*
 * token_to_uuid(token, text), token_to_hex(token, text), token_to_base62(token,
 * text): write the form, hex digits in lower case, and a NUL byte.
 */
void	 token_to_uuid(const uint8_t token[TOKEN_BYTES],
	    char text[TOKEN_UUID_LENGTH + 1]);
void	 token_to_hex(const uint8_t token[TOKEN_BYTES],
	    char text[TOKEN_HEX_LENGTH + 1]);

void	 token_to_base62(const uint8_t token[TOKEN_BYTES],
	    char text[TOKEN_BASE62_LENGTH + 1]);

/*
 * token_from_uuid(token, text, length), token_from_hex(…): read the form,
 * either case, of exactly its length.  Return false for anything else.
 */
bool	 token_from_uuid(uint8_t token[TOKEN_BYTES], const char *text,
	    size_t length);
bool	 token_from_hex(uint8_t token[TOKEN_BYTES], const char *text,
	    size_t length);

/* token_from_base62(token, text, length): exactly its length, below 2^128. */
bool	 token_from_base62(uint8_t token[TOKEN_BYTES], const char *text,
	    size_t length);

/*
 * token_from_base64url(bytes, size, text, length): read exactly `size` bytes
 * (at most 32) from base64url without padding; unused bits must be zero, so
 * that one value has one form.  Returns false for anything else.
 */
bool	 token_from_base64url(uint8_t *bytes, size_t size, const char *text,
	    size_t length);

/* token_to_base64url(bytes, text): write 16 bytes as base64url without
 * padding, with a NUL byte behind. */
void	 token_to_base64url(const uint8_t bytes[TOKEN_BYTES],
	    char text[TOKEN_BASE64URL_LENGTH + 1]);

#endif

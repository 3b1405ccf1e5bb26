/* SPDX-License-Identifier: ISC */
/*
 * Values as people and programs write them: base64, tokens, numbers,
 * addresses.  The first byte says which, the rest is the text.
 */
#include <arpa/inet.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#include "base/address.h"
#include "base/conf.h"
#include "base/conf_value.h"
#include "base/digits.h"
#include "base/utf8.h"
#include "crypto/base64.h"
#include "crypto/token.h"
#include "fuzz.h"

int
LLVMFuzzerInitialize(int *argc, char ***argv)
{
	(void)argc;
	(void)argv;
	fuzz_must(sodium_init() >= 0);
	return 0;
}

/* Line ends and padding aside, one value has one form. */
static void
try_base64(const char *text, size_t length)
{
	size_t	 size, kept = 0, room = base64_room(length);
	uint8_t	*bytes = fuzz_fence(1, NULL, room);
	char	*again, *plain = fuzz_fence(2, NULL, length + 1);

	if (!base64_decode(text, length, bytes, &size)) {
		for (size_t i = 0; i < room; i++)
			fuzz_must(bytes[i] == 0);
		return;
	}
	fuzz_must(size <= room);
	for (size_t i = 0; i < length; i++)
		if (text[i] != '\r' && text[i] != '\n' && text[i] != '=')
			plain[kept++] = text[i];
	again = fuzz_fence(3, NULL, size * 4 / 3 + 5);
	(void)sodium_bin2base64(again, size * 4 / 3 + 5, bytes, size,
	    sodium_base64_VARIANT_ORIGINAL_NO_PADDING);
	fuzz_must(strlen(again) == kept && memcmp(again, plain, kept) == 0);
}

static void
try_base64url(const char *text, size_t length)
{
	size_t	 size = length * 3 / 4;
	uint8_t	*bytes;
	char	 again[BASE64_URL_SIZE(32)];

	if (size > 32)
		size = 32;
	bytes = fuzz_fence(1, NULL, size);
	if (!token_from_base64url(bytes, size, text, length))
		return;
	base64_write_url(bytes, size, again);
	fuzz_must(strlen(again) == length && memcmp(again, text, length) == 0);
}

static void
try_uuid(const char *text, size_t length)
{
	uint8_t	*token = fuzz_fence(1, NULL, TOKEN_BYTES);
	char	 again[TOKEN_UUID_LENGTH + 1];

	if (!token_from_uuid(token, text, length))
		return;
	token_to_uuid(token, again);
	fuzz_must(length == TOKEN_UUID_LENGTH &&
	    strncasecmp(again, text, length) == 0);
}

static void
try_hex(const char *text, size_t length)
{
	uint8_t	*token = fuzz_fence(1, NULL, TOKEN_BYTES);
	char	 again[TOKEN_HEX_LENGTH + 1];

	if (!token_from_hex(token, text, length))
		return;
	token_to_hex(token, again);
	fuzz_must(length == TOKEN_HEX_LENGTH &&
	    strncasecmp(again, text, length) == 0);
}

static void
try_base62(const char *text, size_t length)
{
	uint8_t	*token = fuzz_fence(1, NULL, TOKEN_BYTES);
	char	 again[TOKEN_BASE62_LENGTH + 1];

	if (!token_from_base62(token, text, length))
		return;
	token_to_base62(token, again);
	fuzz_must(length == TOKEN_BASE62_LENGTH &&
	    memcmp(again, text, length) == 0);
}

static void
try_digits(const char *text, size_t length)
{
	int64_t	 number = -1;

	if (!digits_read(text, length, &number)) {
		fuzz_must(number == -1);
		return;
	}
	fuzz_must(number >= 0 && length > 0);
	if (length < 19 && memchr(text, '\0', length) == NULL)
		fuzz_must(number == strtoll(
		    fuzz_fence_text(1, text, length), NULL, 10));
}

/* UTF-8 of characters is UTF-8 without any one byte of it no more, or shorter
 * by a character. */
static void
try_utf8(const char *text, size_t length)
{
	int64_t	 count = utf8_length(text, length);

	fuzz_must(count >= -1 && count <= (int64_t)length);
	if (count > 0)
		fuzz_must(utf8_length(text, length - 1) == -1 ||
		    utf8_length(text, length - 1) == count - 1);
}

/* What becomes a header of a mail. */
static void
try_mail(const char *text, size_t length)
{
	if (!address_is_mail(text, length))
		return;
	fuzz_must(length <= ADDRESS_MAX_LENGTH);
	for (size_t i = 0; i < length; i++)
		fuzz_must(text[i] > ' ' && text[i] < 0x7f &&
		    strchr("%!|`,;:<>()[]\"\\", text[i]) == NULL);
}

static void
try_site(const char *text, size_t length)
{
	const char	*host;
	size_t		 host_length;
	char		*string = fuzz_fence_text(1, text, length);

	if (!address_is_site(string))
		return;
	host = address_host(string, &host_length);
	fuzz_must(host > string && host_length > 0 &&
	    host + host_length <= string + strlen(string));
	fuzz_must(strncmp(string, "http", 4) == 0 &&
	    string[strlen(string) - 1] != '/');
}

static void
try_duration(const char *text, size_t length)
{
	char	 again[CONF_VALUE_SIZE];
	int64_t	 value, other;

	if (!conf_value_duration(fuzz_fence_text(1, text, length), &value))
		return;
	conf_value_print_duration(again, value);
	fuzz_must(conf_value_duration(again, &other) && other == value);
}

static void
try_size(const char *text, size_t length)
{
	char	 again[CONF_VALUE_SIZE];
	int64_t	 value, other;

	if (!conf_value_size(fuzz_fence_text(1, text, length), &value))
		return;
	conf_value_print_size(again, value);
	fuzz_must(conf_value_size(again, &other) && other == value);
}

static void
try_network(const char *text, size_t length)
{
	struct conf_network	 value, other;
	char			 again[CONF_VALUE_SIZE];
	char			 address[INET6_ADDRSTRLEN];

	if (!conf_value_network(fuzz_fence_text(1, text, length), &value))
		return;
	fuzz_must(value.bits <= 128);
	conf_value_print_network(again, &value);
	fuzz_must(conf_value_network(again, &other) &&
	    other.bits == value.bits && memcmp(&other.address, &value.address,
	    sizeof(value.address)) == 0);
	/* Its first address is one of it. */
	fuzz_must(inet_ntop(AF_INET6, &value.address, address,
	    sizeof(address)) != NULL && conf_value_within(&value, address));
}

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
	static void (*const tries[])(const char *, size_t) = {
		try_base64, try_base64url, try_uuid, try_hex, try_base62,
		try_digits, try_utf8, try_mail, try_site, try_duration,
		try_size, try_network
	};
	struct fuzz_input	 input = { bytes, size };
	size_t			 which = fuzz_byte(&input);

	if (size > FUZZ_MAX / 2)
		return 0;
	tries[which % (sizeof(tries) / sizeof(tries[0]))](
	    fuzz_fence(0, input.next, input.left), input.left);
	return 0;
}

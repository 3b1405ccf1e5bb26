/* SPDX-License-Identifier: ISC */

/* Each written form gives its bytes, and nothing else gives any. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>
#include <sodium.h>

#include "crypto/token.h"

static const uint8_t known[TOKEN_BYTES] = {
	0x01, 0x23, 0x45, 0x67, 0x89, 0xab, 0xcd, 0xef,
	0x00, 0xff, 0x10, 0x7f, 0x80, 0xfe, 0x5a, 0xa5
};
static const char known_hex[] = "0123456789abcdef00ff107f80fe5aa5";
static const char known_uuid[] = "01234567-89ab-cdef-00ff-107f80fe5aa5";
static const char known_base64url[] = "ASNFZ4mrze8A_xB_gP5apQ";

static void
writes_and_reads_each_form(void **state)
{
	uint8_t	 token[TOKEN_BYTES];
	char	 hex[TOKEN_HEX_LENGTH + 1], uuid[TOKEN_UUID_LENGTH + 1];
	char	 base64url[TOKEN_BASE64URL_LENGTH + 1];

	(void)state;
	token_to_hex(known, hex);
	assert_string_equal(hex, known_hex);
	token_to_uuid(known, uuid);
	assert_string_equal(uuid, known_uuid);
	token_to_base64url(known, base64url);
	assert_string_equal(base64url, known_base64url);

	memset(token, 0, sizeof(token));
	assert_true(token_from_hex(token, known_hex, TOKEN_HEX_LENGTH));
	assert_memory_equal(token, known, sizeof(known));
	memset(token, 0, sizeof(token));
	assert_true(token_from_uuid(token, known_uuid, TOKEN_UUID_LENGTH));
	assert_memory_equal(token, known, sizeof(known));
	memset(token, 0, sizeof(token));
	assert_true(token_from_base64url(token, sizeof(token),
	    known_base64url, TOKEN_BASE64URL_LENGTH));
	assert_memory_equal(token, known, sizeof(known));
}

static void
takes_either_case(void **state)
{
	uint8_t	 token[TOKEN_BYTES];

	(void)state;
	assert_true(token_from_hex(token,
	    "0123456789ABCDEF00FF107f80fe5aA5", TOKEN_HEX_LENGTH));
	assert_memory_equal(token, known, sizeof(known));
	memset(token, 0, sizeof(token));
	assert_true(token_from_uuid(token,
	    "01234567-89AB-CDEF-00ff-107F80FE5aA5", TOKEN_UUID_LENGTH));
	assert_memory_equal(token, known, sizeof(known));
}

static void
reads_no_further_than_told(void **state)
{
	uint8_t	 token[TOKEN_BYTES];
	char	 text[TOKEN_UUID_LENGTH];

	(void)state;
	/* Without a NUL byte: a sanitizer sees one step too far. */
	memcpy(text, known_uuid, sizeof(text));
	assert_true(token_from_uuid(token, text, sizeof(text)));
	assert_memory_equal(token, known, sizeof(known));
}

static void
refuses_other_hex(void **state)
{
	static const char *const wrong[] = {
		"", "0", "0123456789abcdef00ff107f80fe5aa",
		"0123456789abcdef00ff107f80fe5aa50",
		"0123456789abcdef00ff107f80fe5aag",
		"0123456789abcdef 0ff107f80fe5aa5",
		"0123456789abcdef:0ff107f80fe5aa5",
		" 123456789abcdef00ff107f80fe5aa5",
		"0x23456789abcdef00ff107f80fe5aa5",
		"+123456789abcdef00ff107f80fe5aa5",
		"0123456789abcdef00ff107f80fe5aa\n",
		"01234567-89ab-cdef-00ff-107f80fe5aa5",
		/* A digit of full width, in as many bytes as there may be. */
		"\357\274\22023456789abcdef00ff107f80fe5aa",
	};
	uint8_t	 token[TOKEN_BYTES];
	char	 inside[TOKEN_HEX_LENGTH];

	(void)state;
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
		if (token_from_hex(token, wrong[i], strlen(wrong[i])))
			fail_msg("taken: %s", wrong[i]);
	memcpy(inside, known_hex, sizeof(inside));
	inside[16] = '\0';
	assert_false(token_from_hex(token, inside, sizeof(inside)));
	/* The right text, and more or less of it than is one. */
	assert_false(token_from_hex(token, known_hex, TOKEN_HEX_LENGTH - 2));
	assert_false(token_from_hex(token, known_hex, TOKEN_HEX_LENGTH + 1));
}

static void
refuses_other_uuids(void **state)
{
	static const char *const wrong[] = {
		"", "01234567-89ab-cdef-00ff-107f80fe5aa",
		"01234567-89ab-cdef-00ff-107f80fe5aa50",
		"0123456789abcdef00ff107f80fe5aa5",
		"0123456789abcdef00ff107f80fe5aa5----",
		"01234567-89ab-cdef-00ff_107f80fe5aa5",
		"01234567-89ab-cdef-00f-f107f80fe5aa5",
		"-1234567-89ab-cdef-00ff-107f80fe5aa5",
		"01234567--9ab-cdef-00ff-107f80fe5aa5",
		"{1234567-89ab-cdef-00ff-107f80fe5aa}",
		"urn:uuid:01234567-89ab-cdef-00ff-107f80fe5aa5",
		"01234567-89ab-cdef-00ff-107f80fe5aag",
		"01234567 89ab cdef 00ff 107f80fe5aa5",
	};
	uint8_t	 token[TOKEN_BYTES];
	char	 inside[TOKEN_UUID_LENGTH];

	(void)state;
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
		if (token_from_uuid(token, wrong[i], strlen(wrong[i])))
			fail_msg("taken: %s", wrong[i]);
	/* A dash is missing at each of its places in turn. */
	for (size_t at = 0; at < sizeof(inside); at++) {
		memcpy(inside, known_uuid, sizeof(inside));
		inside[at] = inside[at] == '-' ? '0' : '-';
		assert_false(token_from_uuid(token, inside, sizeof(inside)));
		inside[at] = '\0';
		assert_false(token_from_uuid(token, inside, sizeof(inside)));
	}
}

static void
refuses_other_base64url(void **state)
{
	static const char *const wrong[] = {
		"", "A", "ASNFZ4mrze8A_xB_gP5ap", "ASNFZ4mrze8A_xB_gP5apQA",
		"ASNFZ4mrze8A_xB_gP5apQ==", "ASNFZ4mrze8A/xB/gP5apQ",
		"ASNFZ4mrze8A+xB_gP5apQ", "ASNFZ4mrze8A xB_gP5apQ",
		"ASNFZ4mrze8A.xB_gP5apQ", "\nSNFZ4mrze8A_xB_gP5apQ",
		"ASNFZ4mrze8A_xB_gP5ap=",
	};
	uint8_t	 token[TOKEN_BYTES];
	char	 inside[TOKEN_BASE64URL_LENGTH];

	(void)state;
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
		if (token_from_base64url(token, sizeof(token), wrong[i],
		    strlen(wrong[i])))
			fail_msg("taken: %s", wrong[i]);
	memcpy(inside, known_base64url, sizeof(inside));
	inside[5] = '\0';
	assert_false(token_from_base64url(token, sizeof(token), inside,
	    sizeof(inside)));
}

static void
has_one_base64url_form_a_value(void **state)
{
	static const char	 digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
	    "abcdefghijklmnopqrstuvwxyz0123456789-_";
	uint8_t	 token[TOKEN_BYTES];
	char	 text[TOKEN_BASE64URL_LENGTH];
	int	 taken = 0;

	(void)state;
	/* Two bits of the last digit count, four must be zero. */
	memcpy(text, known_base64url, sizeof(text));
	for (size_t i = 0; i < strlen(digits); i++) {
		text[TOKEN_BASE64URL_LENGTH - 1] = digits[i];
		if (!token_from_base64url(token, sizeof(token), text,
		    sizeof(text)))
			continue;
		taken++;
		assert_int_equal(i % 16, 0);
		assert_int_equal(token[TOKEN_BYTES - 1], 0xa4 + i / 16);
	}
	assert_int_equal(taken, 4);

	/* Whatever byte stands inside, there are 64 that may. */
	memcpy(text, known_base64url, sizeof(text));
	taken = 0;
	for (int byte = 0; byte < 256; byte++) {
		text[5] = (char)byte;
		if (token_from_base64url(token, sizeof(token), text,
		    sizeof(text)))
			taken++;
	}
	assert_int_equal(taken, 64);
}

static void
reads_base64url_of_any_size(void **state)
{
	uint8_t	 bytes[33], back[33];
	char	 text[64];

	(void)state;
	for (size_t size = 1; size <= 32; size++) {
		randombytes_buf(bytes, size);
		sodium_bin2base64(text, sizeof(text), bytes, size,
		    sodium_base64_VARIANT_URLSAFE_NO_PADDING);
		assert_true(token_from_base64url(back, size, text,
		    strlen(text)));
		assert_memory_equal(back, bytes, size);
		assert_false(token_from_base64url(back, size + 1, text,
		    strlen(text)));
		assert_false(token_from_base64url(back, size - 1, text,
		    strlen(text)));
	}
	/* More than 32 bytes is more than it takes, whatever the text. */
	memset(text, 'A', sizeof(text));
	assert_false(token_from_base64url(back, 33, text, 44));
}

static void
draws_anew(void **state)
{
	uint8_t	 drawn[64][TOKEN_BYTES], any = 0, all = 0xff;

	(void)state;
	memset(drawn, 0, sizeof(drawn));
	for (size_t i = 0; i < 64; i++) {
		token_random(drawn[i]);
		for (size_t j = 0; j < i; j++)
			assert_memory_not_equal(drawn[i], drawn[j],
			    TOKEN_BYTES);
	}
	/* No bit of any byte is fixed, as a version's would be. */
	for (size_t at = 0; at < TOKEN_BYTES; at++) {
		any = 0;
		all = 0xff;
		for (size_t i = 0; i < 64; i++) {
			any |= drawn[i][at];
			all &= drawn[i][at];
		}
		assert_int_equal(any, 0xff);
		assert_int_equal(all, 0);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(writes_and_reads_each_form),
		cmocka_unit_test(takes_either_case),
		cmocka_unit_test(reads_no_further_than_told),
		cmocka_unit_test(refuses_other_hex),
		cmocka_unit_test(refuses_other_uuids),
		cmocka_unit_test(refuses_other_base64url),
		cmocka_unit_test(has_one_base64url_form_a_value),
		cmocka_unit_test(reads_base64url_of_any_size),
		cmocka_unit_test(draws_anew),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	if (sodium_init() == -1)
		return 1;
	return cmocka_run_group_tests(tests, NULL, NULL);
}

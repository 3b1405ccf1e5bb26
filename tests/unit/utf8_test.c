/* SPDX-License-Identifier: ISC */

/* Which bytes are UTF-8, and how many characters they are. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/utf8.h"

static int64_t
count(const char *bytes)
{
	return utf8_length(bytes, strlen(bytes));
}

static void
test_length(void **state)
{
	static const char *const wrong[] = {
		"\x80", "\xbf", "\xc0\x80", "\xc1\xbf", "\xc3", "\xc3(",
		"\xe0\x9f\xbf", "\xe2\x82", "\xe2\x28\xac", "\xe2\x82\x28",
		"\xed\xa0\x80", "\xed\xbf\xbf", "\xf0\x8f\xbf\xbf",
		"\xf0\x9f\x98", "\xf0\x9f\x98(", "\xf4\x90\x80\x80",
		"\xf5\x80\x80\x80", "\xfe", "\xff", "12345678\xff",
		"1234567\xc3", "\xc3\xa5\xa5"
	};
	size_t i;

	(void)state;
	assert_int_equal(count(""), 0);
	assert_int_equal(count("12345678901"), 11);
	assert_int_equal(count("\xc3\xa5\xc3\xa4\xc3\xb6" "12"), 5);
	assert_int_equal(count("1234567\xc3\xa5" "12345678"), 16);
	assert_int_equal(count("\xf0\x9f\x98\x80"), 1);
	/* The ends of each row of RFC 3629. */
	assert_int_equal(count("\xc2\x80\xdf\xbf\xe0\xa0\x80\xed\x9f\xbf"
	    "\xee\x80\x80\xef\xbf\xbf\xf0\x90\x80\x80\xf4\x8f\xbf\xbf"), 8);
	assert_int_equal(utf8_length("\0\0", 2), 2);
	for (i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
		assert_int_equal(count(wrong[i]), -1);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_length)
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}

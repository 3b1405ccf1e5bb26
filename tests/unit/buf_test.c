/* SPDX-License-Identifier: ISC */

/* A buf holds what was added, however it grew, and remembers a failure. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/arena.h"
#include "base/buf.h"

static int
setup(void **state)
{
	*state = arena_create();
	return *state == NULL ? -1 : 0;
}

static int
teardown(void **state)
{
	arena_destroy(*state);
	return 0;
}

static void
assert_text(const struct buf *buf, const char *text)
{
	assert_false(buf->failed);
	assert_int_equal(buf->len, strlen(text));
	assert_memory_equal(buf->data, text, buf->len);
}

static void
test_add(void **state)
{
	struct buf buf;

	buf_init(&buf, *state);
	assert_int_equal(buf.len, 0);
	buf_append(&buf, NULL, 0);
	buf_text(&buf, "");
	buf_text(&buf, "one");
	buf_append(&buf, ", two", 5);
	buf_printf(&buf, ", %d", 3);
	buf_printf(&buf, "%s", "");
	assert_text(&buf, "one, two, 3");
}

static void
test_printf_edges(void **state)
{
	char text[1200];
	struct buf buf;
	size_t before, len;

	memset(text, 'x', sizeof(text));
	for (before = 250; before < 260; before++) {
		for (len = 0; len < 10; len++) {
			buf_init(&buf, *state);
			buf_append(&buf, text, before);
			buf_printf(&buf, "%.*s", (int)len, text);
			assert_false(buf.failed);
			assert_int_equal(buf.len, before + len);
			assert_memory_equal(buf.data, text, before + len);
		}
	}
	buf_init(&buf, *state);
	buf_printf(&buf, "%.*s", 1200, text);
	assert_int_equal(buf.len, 1200);
	assert_memory_equal(buf.data, text, 1200);
}

static void
test_grow(void **state)
{
	struct buf buf, other;
	size_t i;

	buf_init(&buf, *state);
	buf_init(&other, *state);
	for (i = 0; i < 300000; i++) {
		buf_append(&buf, &(uint8_t){ (uint8_t)(i % 251) }, 1);
		if (i % 1000 == 0)
			buf_text(&other, "other");
	}
	assert_false(buf.failed);
	assert_int_equal(buf.len, 300000);
	for (i = 0; i < buf.len; i++)
		assert_int_equal(buf.data[i], i % 251);
	assert_int_equal(other.len, 1500);
}

static void
test_own_bytes(void **state)
{
	struct buf buf;
	size_t i;

	buf_init(&buf, *state);
	buf_text(&buf, "ab");
	for (i = 0; i < 12; i++)
		buf_append(&buf, buf.data, buf.len);
	assert_int_equal(buf.len, 8192);
	for (i = 0; i < buf.len; i++)
		assert_int_equal(buf.data[i], i % 2 == 0 ? 'a' : 'b');
}

static void
test_failure_sticks(void **state)
{
	struct buf buf;

	buf_init(&buf, *state);
	buf_text(&buf, "kept");
	buf_append(&buf, "x", SIZE_MAX - 2);
	assert_true(buf.failed);
	buf_text(&buf, "more");
	buf_printf(&buf, "%d", 1);
	assert_true(buf.failed);
	assert_int_equal(buf.len, 4);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_add, setup, teardown),
		cmocka_unit_test_setup_teardown(test_printf_edges, setup,
		    teardown),
		cmocka_unit_test_setup_teardown(test_grow, setup, teardown),
		cmocka_unit_test_setup_teardown(test_own_bytes, setup,
		    teardown),
		cmocka_unit_test_setup_teardown(test_failure_sticks, setup,
		    teardown),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}

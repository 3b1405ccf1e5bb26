/* SPDX-License-Identifier: ISC */

/* What an arena hands out is zeroed, aligned and apart, and wiped after. */

#include <setjmp.h>
#include <stdalign.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/arena.h"

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
assert_zero(const unsigned char *data, size_t size)
{
	size_t i;

	for (i = 0; i < size; i++)
		assert_int_equal(data[i], 0);
}

static void
test_zeroed_and_aligned(void **state)
{
	static const size_t sizes[] = {
		1, 0, 7, 16, 17, 4000, 16384, 100000, 3, 2000000, 5, 65536
	};
	unsigned char *data;
	size_t i, round;

	for (round = 0; round < 4; round++) {
		for (i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
			data = arena_alloc(*state, sizes[i]);
			assert_non_null(data);
			assert_int_equal(
			    (uintptr_t)data % alignof(max_align_t), 0);
			assert_zero(data, sizes[i]);
			memset(data, 0xee, sizes[i]);
		}
		arena_reset(*state);
	}
}

static void
test_apart(void **state)
{
	unsigned char *data[300];
	size_t i, k, size;

	for (i = 0; i < 300; i++) {
		size = i * 37 % 1500;
		data[i] = arena_alloc(*state, size);
		assert_non_null(data[i]);
		memset(data[i], (int)(i & 0xff), size);
	}
	for (i = 0; i < 300; i++) {
		size = i * 37 % 1500;
		for (k = 0; k < size; k++)
			assert_int_equal(data[i][k], i & 0xff);
	}
}

static void
test_copy(void **state)
{
	static const char text[] = "over\0there";
	unsigned char *copy;

	copy = arena_copy(*state, text, sizeof(text) - 1);
	assert_non_null(copy);
	assert_memory_equal(copy, text, sizeof(text));
	copy = arena_copy(*state, NULL, 0);
	assert_non_null(copy);
	assert_int_equal(copy[0], 0);
}

static void
test_too_much(void **state)
{
	assert_null(arena_alloc(*state, SIZE_MAX));
	assert_null(arena_alloc(*state, SIZE_MAX - 8));
	assert_null(arena_alloc(*state, SIZE_MAX / 2));
	assert_null(arena_copy(*state, "", SIZE_MAX));
	assert_non_null(arena_alloc(*state, 10));
}

static void
test_extend(void **state)
{
	unsigned char *data, *next;

	data = arena_alloc(*state, 100);
	assert_non_null(data);
	memset(data, 'a', 100);
	assert_true(arena_extend(*state, data, 100, 5000));
	assert_zero(data + 100, 4900);
	memset(data, 'a', 5000);
	next = arena_alloc(*state, 100);
	assert_non_null(next);
	assert_zero(next, 100);
	memset(next, 'b', 100);

	/* It is not the last one any more. */
	assert_false(arena_extend(*state, data, 5000, 5001));
	assert_false(arena_extend(*state, next, 100, 10000000));
	assert_true(arena_extend(*state, next, 100, 101));
	assert_false(arena_extend(*state, next, 101, SIZE_MAX));
	assert_int_equal(data[4999], 'a');
}

/*
 * The bytes are looked at where they were: after a reset the first chunk is
 * kept, and the arena hands out the same place, in the same order.
 */
static void
test_reset_wipes(void **state)
{
	unsigned char *data, *again;
	uintptr_t place;

	data = arena_alloc(*state, 9000);
	assert_non_null(data);
	memset(data, 0x5a, 9000);
	place = (uintptr_t)data;
	arena_reset(*state);
	again = arena_alloc(*state, 9000);
	assert_true(place == (uintptr_t)again);
	assert_zero(again, 9000);
}

static void
test_null(void **state)
{
	(void)state;
	arena_destroy(NULL);
}

/* What was reserved comes in one piece, whatever was used before. */
static void
test_reserve(void **state)
{
	struct arena	*arena = arena_create();
	size_t		 sizes[] = { 100, 20000, 300000, 5 };
	char		*first, *next;

	(void)state;
	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		assert_non_null(arena_alloc(arena, 7000));
		assert_int_equal(arena_reserve(arena, sizes[i] + 4096), 0);
		first = arena_alloc(arena, 1);
		next = arena_alloc(arena, sizes[i]);
		assert_non_null(first);
		assert_true(next > first && next - first < 4096);
		memset(next, 'x', sizes[i]);
	}
	assert_int_equal(arena_reserve(arena, SIZE_MAX / 2), -1);
	arena_reset(arena);
	arena_destroy(arena);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_zeroed_and_aligned,
		    setup, teardown),
		cmocka_unit_test_setup_teardown(test_apart, setup, teardown),
		cmocka_unit_test_setup_teardown(test_copy, setup, teardown),
		cmocka_unit_test_setup_teardown(test_too_much, setup,
		    teardown),
		cmocka_unit_test_setup_teardown(test_extend, setup, teardown),
		cmocka_unit_test_setup_teardown(test_reset_wipes, setup,
		    teardown),
		cmocka_unit_test(test_reserve),
		cmocka_unit_test(test_null),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}

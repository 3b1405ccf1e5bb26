/* SPDX-License-Identifier: ISC */

/* Freed memory is overwritten, and the process keeps to itself. */

#include <alloca.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>

#include <cmocka.h>

#include "base/wipe.h"

/* Hidden from the compiler, which would do without them. */
#ifndef ONCELINK_SANITIZE
static void *(*volatile get)(size_t) = malloc;
#endif
static void *(*volatile change)(void *, size_t) = realloc;
static void (*volatile give)(void *) = free;

static void
test_self_test(void **state)
{
	(void)state;
	assert_int_equal(wipe_self_test(), 0);
	assert_int_equal(wipe_self_test(), 0);
}

#ifndef ONCELINK_SANITIZE
static void
test_freed(void **state)
{
	unsigned char *data, *again;
	uintptr_t place;
	size_t i;

	(void)state;
	data = get(300);
	assert_non_null(data);
	memset(data, 0xa5, 300);
	place = (uintptr_t)data;
	give(data);
	again = get(300);
	assert_true(place == (uintptr_t)again);
	for (i = 16; i < 300; i++)
		assert_int_equal(again[i], 0);
	give(again);
}

static void
test_no_memory(void **state)
{
	unsigned char *data;
	volatile size_t much = SIZE_MAX / 2;

	(void)state;
	data = get(100);
	assert_non_null(data);
	memset(data, 'x', 100);
	assert_null(change(data, much));
	assert_int_equal(data[0], 'x');
	assert_int_equal(data[99], 'x');
	give(data);
}

/* Leaves bytes so far below its caller; where they are. */
static __attribute__((noinline)) uintptr_t
leave(size_t depth)
{
	unsigned char	*below = alloca(depth);

	memset(below, 0xa5, 64);
	__asm__ volatile ("" : : "r" (below) : "memory");
	return (uintptr_t)below;
}

static void
test_stack(void **state)
{
	static const size_t	 depths[] = {
		200, 3000, 20000, WIPE_STACK_BYTES - 1000
	};

	(void)state;
	for (size_t i = 0; i < sizeof(depths) / sizeof(depths[0]); i++) {
		uintptr_t		 place = leave(depths[i]);
		const volatile unsigned char *at;
		size_t			 left = 0;

		wipe_stack();
		__asm__ ("" : "=r" (at) : "0" (place));
		for (size_t k = 0; k < 64; k++)
			left += at[k] == 0xa5;
		assert_int_equal(left, 0);
	}
}
#endif

static void
test_content(void **state)
{
	static const size_t sizes[] = {
		1, 24, 25, 400, 399, 100, 5000, 300000, 299999, 1, 70000, 10
	};
	unsigned char *data, *moved;
	size_t i, k, had = 0, same;

	(void)state;
	data = change(NULL, 1);
	assert_non_null(data);
	for (k = 0; k < sizeof(sizes) / sizeof(sizes[0]); k++) {
		moved = change(data, sizes[k]);
		assert_non_null(moved);
		data = moved;
		same = had < sizes[k] ? had : sizes[k];
		for (i = 0; i < same; i++)
			assert_int_equal(data[i], (unsigned char)(i * 7));
		for (i = 0; i < sizes[k]; i++)
			data[i] = (unsigned char)(i * 7);
		had = sizes[k];
	}
	give(data);
}

static void
test_process(void **state)
{
	struct rlimit limit;

	(void)state;
	assert_int_equal(wipe_process(), 0);
	assert_int_equal(getrlimit(RLIMIT_CORE, &limit), 0);
	assert_true(limit.rlim_cur == 0 && limit.rlim_max == 0);
	assert_int_equal(prctl(PR_GET_DUMPABLE, 0, 0, 0, 0), 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_self_test),
#ifndef ONCELINK_SANITIZE
		cmocka_unit_test(test_freed),
		cmocka_unit_test(test_no_memory),
		cmocka_unit_test(test_stack),
#endif
		cmocka_unit_test(test_content),
		cmocka_unit_test(test_process),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}

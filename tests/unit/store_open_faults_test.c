/* SPDX-License-Identifier: ISC */

/*
 * A store that is made or opened while memory, the disk or a descriptor fails:
 * it is there as a whole, or it is not and somebody says why.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

#include "../torture/faults.h"
#include "base/complaint.h"
#include "store_calls.h"
#include "stores.h"

static const struct {
	enum faults_kind kind;
	bool		 for_good;
} kinds[] = {
	{ FAULTS_MEMORY, false }, { FAULTS_OPEN, false },
	{ FAULTS_READ, false }, { FAULTS_WRITE, false },
	{ FAULTS_WRITE, true }, { FAULTS_FULL, true },
	{ FAULTS_SYNC, false }, { FAULTS_SYNC, true },
};

/* As many as there are, but not each of a thousand allocations. */
static unsigned long
next_number(enum faults_kind kind, unsigned long number)
{
	return number + (kind == FAULTS_MEMORY && number > 20 ? 7 : 1);
}

static void
is_not_there(const char *directory)
{
	static const char *const names[] = {
		STORE_DATABASE_NAME, STORE_DATABASE_NAME "-wal",
		STORE_DATABASE_NAME "-shm",
	};

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		assert_int_equal(stores_size(directory, names[i]), -1);
}

/* Who begins anew after a failure gets a database. */
static void
is_made_whole_or_not(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		unsigned long	 number = 1, failed = 0;
		bool		 hit = true;

		for (; hit; number = next_number(kinds[i].kind, number)) {
			char	*directory = stores_directory();
			struct store_options options =
				    stores_options(directory);
			struct complaint error = { "" };
			struct store *store;
			int	 result;

			faults_arm(kinds[i].kind, number, kinds[i].for_good);
			result = store_create(directory, &error);
			hit = faults_disarm();
			failed += result == -1;
			if (result == -1 && (!hit || error.text[0] == '\0'))
				fail_msg("%s %lu: \"%s\"",
				    faults_names[kinds[i].kind], number,
				    error.text);
			if (result == -1) {
				is_not_there(directory);
				assert_int_equal(store_create(directory,
				    &error), 0);
			}
			store = stores_open(&options);
			assert_int_equal(store_update(store,
			    store_calls_make, NULL), 0);
			store_close(store);
			stores_remove(directory);
		}
		if (failed == 0)
			fail_msg("%s: nothing failed",
			    faults_names[kinds[i].kind]);
	}
}

static void
opens_or_says_why(void **state)
{
	char			*directory = stores_make();
	struct store_options	 options = stores_options(directory);
	struct stores_work	 work = { .number = 1, .bytes = 5000 };
	struct store		*store = stores_open(&options);
	struct complaint	 error;

	(void)state;
	assert_int_equal(store_update(store, stores_insert, &work), 0);
	store_close(store);
	/* Such a worker proves first that it can write. */
	options.resident = true;
	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		unsigned long	 number = 1, failed = 0;
		bool		 hit = true;

		for (; hit; number = next_number(kinds[i].kind, number)) {
			error.text[0] = '\0';
			faults_arm(kinds[i].kind, number, kinds[i].for_good);
			store = store_open(&options, &error);
			hit = faults_disarm();
			failed += store == NULL;
			if (store == NULL && (!hit || error.text[0] == '\0'))
				fail_msg("%s %lu: \"%s\"",
				    faults_names[kinds[i].kind], number,
				    error.text);
			if (store == NULL)
				store = stores_open(&options);
			assert_true(stores_has(store, 1));
			store_close(store);
		}
		if (failed == 0)
			fail_msg("%s: nothing failed",
			    faults_names[kinds[i].kind]);
	}
	stores_remove(directory);
}

int
main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(is_made_whole_or_not),
		cmocka_unit_test(opens_or_says_why),
	};

	if (getenv("TMPDIR") == NULL && access("/dev/shm", W_OK) == 0)
		(void)setenv("TMPDIR", "/dev/shm", 1);
	stores_main(argc, argv);
	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: ISC */

/*
 * A store that is made or opened while memory, the disk or a descriptor fails:
 * it is there as a whole, or it is not and somebody says why.
 */
#include <sys/stat.h>

#include <errno.h>
#include <pthread.h>
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
	options.max_bytes = 1 << 26;
	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		unsigned long	 number = 1, failed = 0;
		bool		 hit = true;

		for (; hit; number++) {
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

/* The system's answer when it has none left to give; the next call is its. */
static bool	 no_thread, no_lock;

int	 __real_pthread_create(pthread_t *, const pthread_attr_t *,
	    void *(*)(void *), void *);
int	 __wrap_pthread_create(pthread_t *, const pthread_attr_t *,
	    void *(*)(void *), void *);
int	 __real_filelock_acquire(int, int);
int	 __wrap_filelock_acquire(int, int);

int
__wrap_pthread_create(pthread_t *thread, const pthread_attr_t *attributes,
    void *(*function)(void *), void *argument)
{
	if (no_thread)
		return EAGAIN;
	return __real_pthread_create(thread, attributes, function, argument);
}

int
__wrap_filelock_acquire(int fd, int milliseconds)
{
	if (!no_lock)
		return __real_filelock_acquire(fd, milliseconds);
	errno = ENOLCK;
	return -1;
}

static void
without_thread_or_lock(void **state)
{
	char			*directory = stores_make();
	struct store_options	 options = stores_options(directory);
	struct store		*store = stores_open(&options);
	struct stores_work	 work = { .number = 1, .bytes = 100 };
	struct complaint	 error = { "" };

	(void)state;
	no_thread = true;
	assert_int_equal(store_start(store), -1);
	no_thread = false;
	no_lock = true;
	assert_int_equal(store_update(store, stores_insert, &work),
	    STORE_FAILED);
	assert_int_equal(store_checkpoint(store), STORE_FAILED);
	assert_null(store_open(&options, &error));
	assert_string_not_equal(error.text, "");
	no_lock = false;
	assert_int_equal(work.runs, 0);
	assert_int_equal(store_update(store, stores_insert, &work), 0);
	assert_true(stores_has(store, 1));
	store_close(store);
	stores_remove(directory);
}

/* It is made whole or not at all, and the sweeper comes again. */
static void
makes_ballast_or_none(void **state)
{
	static const enum faults_kind failing[] = { FAULTS_OPEN, FAULTS_FULL };
	char			*directory = stores_make();
	char			*path = stores_path(directory, "ballast");
	struct store_options	 options = stores_options(directory);
	struct store		*store = stores_open(&options);

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		faults_arm(failing[i], 1, true);
		store_ballast(store);
		assert_true(faults_disarm());
		assert_int_equal(stores_size(directory, "ballast"), -1);
		assert_int_equal(stores_size(directory, "ballast.new"), -1);
	}
	/* What has its name is in the way. */
	assert_int_equal(mkdir(path, 0700), 0);
	store_ballast(store);
	assert_int_equal(stores_size(directory, "ballast.new"), -1);
	assert_int_equal(rmdir(path), 0);
	store_ballast(store);
	assert_true(stores_size(directory, "ballast") > 4 << 20);
	store_close(store);
	free(path);
	stores_remove(directory);
}

int
main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(is_made_whole_or_not),
		cmocka_unit_test(opens_or_says_why),
		cmocka_unit_test(without_thread_or_lock),
		cmocka_unit_test(makes_ballast_or_none),
	};

	if (getenv("TMPDIR") == NULL && access("/dev/shm", W_OK) == 0)
		(void)setenv("TMPDIR", "/dev/shm", 1);
	stores_main(argc, argv);
	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}

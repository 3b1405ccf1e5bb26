/* SPDX-License-Identifier: ISC */

/*
 * Each call of the store while an allocation or a read fails, for every one of
 * them: what is there is never said to be missing, nothing of it is half done,
 * and the same call is right as soon as nothing fails any more.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "../torture/faults.h"
#include "store_calls.h"
#include "stores.h"

struct shot {
	const struct store_call *step;
	enum faults_kind kind;
	unsigned long	 number;	/* 0: nothing fails */
	bool		 for_good;
	bool		 hit;
	int		 result;	/* of the call */
};

/* Nothing that it does is kept. */
static int
shoot(struct store_txn *txn, void *argument)
{
	struct shot	*shot = argument;
	static const uint8_t nobody[STORE_HASHBYTES] = { 1, 1 };
	struct store_quota none;

	/* The schema is known; what the call needs is not. */
	if (store_quota_find(txn, nobody, &none) != 1)
		return -1;
	shot->hit = false;
	if (shot->number > 0)
		faults_arm(shot->kind, shot->number, shot->for_good);
	shot->result = shot->step->call(txn);
	if (shot->number > 0)
		shot->hit = faults_disarm();
	return -1;
}

/* With nothing prepared and no page read. */
static bool
hits(const struct store_options *options, struct shot *shot)
{
	struct store	*store = stores_open(options);
	struct shot	 again = { .step = shot->step, .result = 3 };
	int		 first, second;

	first = shot->step->run(store, shoot, shot);
	second = shot->step->run(store, shoot, &again);
	store_close(store);
	if ((shot->result != 0 && !(shot->hit && shot->result == -1)) ||
	    again.result != 0 || first == 0 || second != STORE_FAILED)
		fail_msg("%s, %s %lu%s: %d (%d), and then %d (%d)",
		    shot->step->name, faults_names[shot->kind], shot->number,
		    shot->for_good ? " and on" : "", shot->result, first,
		    again.result, second);
	return shot->hit;
}

static unsigned int
shoot_all(enum faults_kind kind)
{
	char			*directory = stores_make();
	struct store_options	 options = stores_options(directory);
	struct store		*store;
	unsigned int		 failed, calls = 0;

	/* A quota is a question more. */
	options.max_bytes = 1 << 26;
	store = stores_open(&options);
	assert_int_equal(store_update(store, store_calls_make, NULL), 0);
	assert_int_equal(store_checkpoint(store), 0);
	store_close(store);
	for (size_t i = 0; store_calls[i].name != NULL; i++) {
		struct shot	 shot = {
			.step = &store_calls[i], .kind = kind, .number = 1,
			.for_good = kind != FAULTS_MEMORY
		};

		for (failed = 0; hits(&options, &shot); shot.number++)
			failed += shot.result == -1;
		calls += failed > 0;
		/* A statement that is not there yet takes some; a clock that
		 * nothing is noted of needs none. */
		if (failed == 0 && kind == FAULTS_MEMORY &&
		    strcmp(store_calls[i].name, "clock_mark") != 0)
			fail_msg("%s: nothing failed", store_calls[i].name);
	}
	stores_remove(directory);
	return calls;
}

static void
without_memory(void **state)
{
	(void)state;
	(void)shoot_all(FAULTS_MEMORY);
}

/* Of all of them the log says what it was: the disk, and not damage. */
static void
without_reads(void **state)
{
	FILE		*said = tmpfile();
	int		 saved = dup(STDERR_FILENO);
	unsigned int	 calls, failed = 0, other = 0;
	char		 line[1000];

	(void)state;
	assert_non_null(said);
	assert_true(saved != -1);
	assert_true(dup2(fileno(said), STDERR_FILENO) != -1);
	calls = shoot_all(FAULTS_READ);
	assert_true(dup2(saved, STDERR_FILENO) != -1);
	(void)close(saved);
	assert_true(calls >= 20);
	rewind(said);
	while (fgets(line, sizeof(line), said) != NULL) {
		failed += strstr(line, " code=266 errno=5") != NULL;
		other += strstr(line, " code=11 ") != NULL ||
		    strstr(line, "damaged") != NULL;
	}
	(void)fclose(said);
	assert_true(failed >= calls);
	assert_int_equal(other, 0);
}

static int
count_secrets(struct store_txn *txn, void *argument)
{
	struct store_stats	 stats;

	if (store_stats(txn, &stats) == -1)
		return -1;
	*(int64_t *)argument = stats.records;
	return 0;
}

/* From a connection that is not there yet to the end of a view. */
static void
views_without_memory(void **state)
{
	char			*directory = stores_make();
	struct store_options	 options = stores_options(directory);
	struct store		*store = stores_open(&options);
	unsigned long		 number = 1;
	bool			 hit = true;
	int64_t			 records;
	int			 result;

	(void)state;
	assert_int_equal(store_update(store, store_calls_make, NULL), 0);
	for (; hit; number += number > 20 ? 3 : 1) {
		store_close(store);
		store = stores_open(&options);
		records = -1;
		faults_arm(FAULTS_MEMORY, number, false);
		result = store_view(store, count_secrets, &records);
		hit = faults_disarm();
		if (result == 0 ? records != 1 : !hit)
			fail_msg("malloc %lu: %d", number, result);
		assert_int_equal(store_view(store, count_secrets, &records),
		    0);
		assert_int_equal(records, 1);
	}
	assert_true(number > 20);
	store_close(store);
	stores_remove(directory);
}

/* Whoever looks through rows may have seen enough. */
static void
calls_that_are_told_to_stop(void **state)
{
	char			*directory = stores_make();
	struct store_options	 options = stores_options(directory);
	struct store		*store = stores_open(&options);
	int			 count;

	(void)state;
	assert_int_equal(store_update(store, store_calls_make, NULL), 0);
	assert_int_equal(store_update(store, store_calls_stop, &count), 0);
	assert_int_equal(count, 2);
	assert_int_equal(store_update(store, store_calls_stranger, NULL),
	    STORE_FAILED);
	store_close(store);
	stores_remove(directory);
}

static int
take_copy(struct store_txn *txn, void *argument)
{
	return store_copy(txn, 1 << 30, argument);
}

/* Whoever is told of damage restores a backup. */
static void
calls_no_lost_memory_damage(void **state)
{
	char			*directory = stores_make();
	struct store_options	 options = stores_options(directory);
	struct store		*store = stores_open(&options);
	struct store_copy	*whole;
	unsigned long		 number = 1, failed = 0;
	bool			 hit = true;
	char			 what[100];
	int			 result;

	(void)state;
	assert_int_equal(store_update(store, store_calls_make, NULL), 0);
	for (; hit; number++) {
		assert_int_equal(store_view(store, take_copy, &whole), 0);
		faults_arm(FAULTS_MEMORY, number, false);
		result = store_copy_examine(whole, what, sizeof(what));
		hit = faults_disarm();
		if (result != 0 && (!hit || result != -1))
			fail_msg("malloc %lu: %d, %s", number, result,
			    result == 1 ? what : "");
		failed += result == -1;
		if (hit)
			assert_int_equal(store_copy_examine(whole, what,
			    sizeof(what)), 0);
		store_copy_free(whole);
	}
	assert_true(failed > 0);
	store_close(store);
	stores_remove(directory);
}

static void
then_open(void *argument)
{
	(void)argument;
	faults_watch(NULL, NULL);
	faults_arm(FAULTS_OPEN, 1, true);
}

/* What a failed commit left in doubt is looked at by a new connection: while
 * there is none nothing is written, nor erased. */
static void
nothing_is_done_in_doubt(void **state)
{
	char			*directory = stores_make();
	struct store_options	 options = stores_options(directory);
	struct store		*store = stores_open(&options);
	struct stores_work	 first = { .number = 1, .bytes = 100 };
	struct stores_work	 second = { .number = 2, .bytes = 100 };

	(void)state;
	assert_int_equal(store_update(store, stores_insert, &first), 0);
	faults_arm(FAULTS_SYNC, 1, true);
	faults_watch(then_open, NULL);
	assert_int_equal(store_update(store, stores_insert, &second),
	    STORE_BUSY);
	assert_int_equal(store_update(store, stores_insert, &second),
	    STORE_FAILED);
	assert_int_equal(store_checkpoint(store), STORE_FAILED);
	assert_true(faults_disarm());
	assert_false(stores_has(store, 2));
	assert_int_equal(store_update(store, stores_insert, &second), 0);
	assert_true(stores_has(store, 1) && stores_has(store, 2));
	store_close(store);
	stores_remove(directory);
}

int
main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(without_memory),
		cmocka_unit_test(without_reads),
		cmocka_unit_test(views_without_memory),
		cmocka_unit_test(calls_that_are_told_to_stop),
		cmocka_unit_test(calls_no_lost_memory_damage),
		cmocka_unit_test(nothing_is_done_in_doubt),
	};

	if (getenv("TMPDIR") == NULL && access("/dev/shm", W_OK) == 0)
		(void)setenv("TMPDIR", "/dev/shm", 1);
	stores_main(argc, argv);
	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}

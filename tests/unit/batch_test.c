/* SPDX-License-Identifier: ISC */

/*
 * Group commit: what happens in a batch of many when one of them fails, who
 * leads when the lock does not come, and what readers may cost.  A batch is
 * made for sure by holding the lock until all are in the queue.
 */
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <sched.h>
#include <setjmp.h>
#include <signal.h>
#include <sqlite3.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/complaint.h"
#include "base/filelock.h"
#include "store/batch.h"
#include "store/sqlite.h"
#include "store/writer.h"
#include "stores.h"

#define MANY	12

/* A batch by itself, on a database of its own. */
struct rig {
	char		*directory, *path;
	int		 place, lock;
	struct writer	*writer;
	struct batch	*batch;
	struct store_options options;
};

/* A thread with one update. */
struct caller {
	pthread_t	 thread;
	struct rig	*rig;
	store_fn	*fn;
	struct stores_work work;
	int		 result;
	int64_t		 took;		/* microseconds */
};

static void
rig_up(struct rig *rig, int64_t max_bytes, int64_t lock_wait)
{
	struct complaint	 error = { "" };

	rig->directory = stores_make();
	rig->path = stores_path(rig->directory, "oncelink.db");
	rig->place = open(rig->directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	rig->lock = filelock_open(rig->place, "write.lock");
	rig->options = stores_options(rig->directory);
	rig->options.max_bytes = max_bytes;
	rig->options.lock_wait = lock_wait;
	rig->writer = writer_open(rig->place, rig->path, max_bytes, lock_wait,
	    &error);
	if (rig->writer == NULL)
		fail_msg("%s", error.text);
	rig->batch = batch_open(rig->writer, &rig->options);
	assert_non_null(rig->batch);
}

/* The database again by another connection: what is durable counts. */
static struct store *
rig_look(struct rig *rig)
{
	struct store_options	 options = stores_options(rig->directory);

	batch_close(rig->batch);
	writer_close(rig->writer);
	rig->batch = NULL;
	return stores_open(&options);
}

static void
rig_down(struct rig *rig, struct store *store)
{
	store_close(store);
	close(rig->lock);
	close(rig->place);
	free(rig->path);
	stores_remove(rig->directory);
}

static void *
call(void *argument)
{
	struct caller	*caller = argument;
	int64_t		 begin = stores_now();

	caller->result = batch_update(caller->rig->batch, caller->fn,
	    &caller->work);
	caller->took = stores_now() - begin;
	return NULL;
}

static void
caller_start(struct rig *rig, struct caller *caller)
{
	caller->rig = rig;
	assert_int_equal(pthread_create(&caller->thread, NULL, call, caller),
	    0);
}

/* In the order of the array: each is in the queue before the next comes. */
static void
queue_up(struct rig *rig, struct caller *callers, size_t count)
{
	assert_int_equal(filelock_acquire(rig->lock, STORES_PATIENCE), 0);
	for (size_t i = 0; i < count; i++) {
		caller_start(rig, &callers[i]);
		while (batch_waiting(rig->batch) != i + 1)
			sched_yield();
	}
}

static void
finish(struct caller *callers, size_t count)
{
	for (size_t i = 0; i < count; i++)
		pthread_join(callers[i].thread, NULL);
}

static atomic_uint commits;

static int
count_commit(void *argument)
{
	(void)argument;
	atomic_fetch_add(&commits, 1);
	return 0;
}

/* Any fn of a batch: commits are counted from here on. */
static int
insert_counted(struct store_txn *txn, void *argument)
{
	sqlite3_commit_hook(txn->sqlite->db, count_commit, NULL);
	return stores_insert(txn, argument);
}

static int
fail_for_itself(struct store_txn *txn, void *argument)
{
	if (insert_counted(txn, argument) == -1)
		return -1;
	return -1;
}

static int
fail_before_writing(struct store_txn *txn, void *argument)
{
	struct stores_work	*work = argument;

	(void)txn;
	work->runs++;
	return -1;
}

/* Against the contract: as if nothing had happened. */
static int
overlook_failure(struct store_txn *txn, void *argument)
{
	insert_counted(txn, argument);
	return 0;
}

/* One statement, its first, that ends the transaction. */
static int
insert_too_large(struct store_txn *txn, void *argument)
{
	struct stores_work	*work = argument;

	work->runs++;
	sqlite3_commit_hook(txn->sqlite->db, count_commit, NULL);
	if (sqlite3_exec(txn->sqlite->db, "INSERT INTO record (id, sealed) "
	    "VALUES (1000, zeroblob(4000000))", NULL, NULL, NULL) == SQLITE_OK)
		return 0;
	txn->failure = STORE_FULL;
	return -1;
}

static void
prepare(struct caller callers[MANY])
{
	for (unsigned int i = 0; i < MANY; i++)
		callers[i] = (struct caller){ .fn = insert_counted,
			.work = { .number = i + 1, .bytes = 500 } };
	atomic_store(&commits, 0);
}

static int
count_records(struct store_txn *txn, void *argument)
{
	return store_records(txn, argument);
}

/* One batch in which one does what it should not, at each of the places. */
static void
one_of_many_fails(store_fn *fn, size_t bytes, int result)
{
	static const unsigned int	 places[] = { 0, 5, MANY - 1 };
	struct caller			 callers[MANY];
	struct store			*store;
	struct rig			 rig;
	int64_t				 records;

	for (size_t p = 0; p < sizeof(places) / sizeof(places[0]); p++) {
		struct caller	*odd = &callers[places[p]];

		rig_up(&rig, 1 << 20, STORES_PATIENCE);
		prepare(callers);
		odd->fn = fn;
		odd->work.bytes = bytes;
		queue_up(&rig, callers, MANY);
		filelock_release(rig.lock);
		finish(callers, MANY);
		/* One commit: it was one batch. */
		assert_int_equal(atomic_load(&commits), 1);
		store = rig_look(&rig);
		for (unsigned int i = 0; i < MANY; i++) {
			bool	 fails = &callers[i] == odd;

			assert_int_equal(callers[i].result,
			    fails ? result : 0);
			assert_int_equal(callers[i].work.outcome,
			    fails && fn != fail_for_itself ?
			    odd->work.outcome : 0);
			assert_int_equal(stores_has(store, i + 1), !fails);
		}
		assert_int_equal(store_view(store, count_records, &records),
		    0);
		assert_int_equal(records, MANY - 1);
		rig_down(&rig, store);
	}
}

static void
test_one_is_too_large(void **state)
{
	(void)state;
	one_of_many_fails(insert_counted, 4 << 20, STORE_FULL);
	one_of_many_fails(insert_too_large, 500, STORE_FULL);
}

static void
test_one_is_too_large_and_overlooks_it(void **state)
{
	(void)state;
	one_of_many_fails(overlook_failure, 4 << 20, STORE_FULL);
}

static void
test_one_fails_for_itself(void **state)
{
	(void)state;
	one_of_many_fails(fail_for_itself, 500, STORE_FAILED);
	one_of_many_fails(fail_before_writing, 500, STORE_FAILED);
}

/* The connection is as good as before, for the next batch too. */
static void
test_all_fail(void **state)
{
	struct caller	 callers[MANY];
	struct store	*store;
	struct rig	 rig;
	int64_t		 records;

	(void)state;
	rig_up(&rig, 1 << 20, STORES_PATIENCE);
	for (int round = 0; round < 2; round++) {
		prepare(callers);
		for (unsigned int i = 0; i < MANY; i++) {
			callers[i].work.bytes = i % 2 == 0 ? 4 << 20 : 500;
			callers[i].fn = i % 2 == 0 ? insert_counted :
			    fail_for_itself;
		}
		queue_up(&rig, callers, MANY);
		filelock_release(rig.lock);
		finish(callers, MANY);
		for (unsigned int i = 0; i < MANY; i++)
			assert_int_equal(callers[i].result, i % 2 == 0 ?
			    STORE_FULL : STORE_FAILED);
	}
	prepare(callers);
	queue_up(&rig, callers, MANY);
	filelock_release(rig.lock);
	finish(callers, MANY);
	store = rig_look(&rig);
	for (unsigned int i = 0; i < MANY; i++) {
		assert_int_equal(callers[i].result, 0);
		assert_true(stores_has(store, i + 1));
	}
	assert_int_equal(store_view(store, count_records, &records), 0);
	assert_int_equal(records, MANY);
	rig_down(&rig, store);
}

/* A fn that ran again does not count twice. */
static void
test_run_again_counts_once(void **state)
{
	struct caller		 callers[MANY];
	struct stores_work	 work = { .number = 1, .bytes = 10 };
	struct store		*store;
	struct rig		 rig;

	(void)state;
	rig_up(&rig, 1 << 20, STORES_PATIENCE);
	assert_int_equal(batch_update(rig.batch, stores_insert, &work), 0);
	prepare(callers);
	for (unsigned int i = 0; i < MANY - 1; i++) {
		callers[i].fn = stores_knock;
		callers[i].work.number = 1;
	}
	callers[MANY - 1].work.bytes = 4 << 20;
	queue_up(&rig, callers, MANY);
	filelock_release(rig.lock);
	finish(callers, MANY);
	assert_int_equal(callers[0].work.runs, 2);
	assert_int_equal(callers[MANY - 1].result, STORE_FULL);
	store = rig_look(&rig);
	assert_int_equal(store_view(store, stores_find, &work), 0);
	assert_int_equal(work.row.knocks, MANY - 1);
	rig_down(&rig, store);
}

/* The lock is another's: all of them are told so in time, and none ran. */
static void
test_lock_does_not_come(void **state)
{
	struct stores_child	 child;
	struct stores_work	 work = { .number = 99, .bytes = 10 };
	struct caller		 callers[MANY];
	struct store		*store;
	struct rig		 rig;

	(void)state;
	rig_up(&rig, 0, 300);
	stores_start(&child, "lock", rig.directory, 0);
	prepare(callers);
	for (unsigned int i = 0; i < MANY; i++)
		caller_start(&rig, &callers[i]);
	finish(callers, MANY);
	assert_int_equal(batch_waiting(rig.batch), 0);
	for (unsigned int i = 0; i < MANY; i++) {
		assert_int_equal(callers[i].result, STORE_BUSY);
		assert_int_equal(callers[i].work.runs, 0);
		assert_true(callers[i].took >= 290000);
		assert_true(callers[i].took < STORES_PATIENCE * 1000);
	}
	assert_int_equal(batch_checkpoint(rig.batch), STORE_BUSY);
	assert_int_equal(stores_end(&child), 0);
	assert_int_equal(batch_update(rig.batch, stores_insert, &work), 0);
	store = rig_look(&rig);
	assert_true(stores_has(store, 99));
	assert_false(stores_has(store, 1));
	rig_down(&rig, store);
}

/* The one that leads gives up; who came later has time left, and leads. */
static void
test_lead_is_passed_on(void **state)
{
	const struct timespec	 later = { .tv_sec = 1 };
	struct caller		 callers[3];
	struct store		*store;
	struct rig		 rig;

	(void)state;
	rig_up(&rig, 0, 2000);
	for (unsigned int i = 0; i < 3; i++)
		callers[i] = (struct caller){ .fn = stores_insert,
			.work = { .number = i + 1, .bytes = 500 } };
	queue_up(&rig, callers, 1);
	nanosleep(&later, NULL);
	caller_start(&rig, &callers[1]);
	caller_start(&rig, &callers[2]);
	while (batch_waiting(rig.batch) != 3)
		sched_yield();
	finish(callers, 1);
	filelock_release(rig.lock);
	finish(&callers[1], 2);
	assert_int_equal(callers[0].result, STORE_BUSY);
	assert_int_equal(callers[1].result, 0);
	assert_int_equal(callers[2].result, 0);
	store = rig_look(&rig);
	assert_false(stores_has(store, 1));
	assert_true(stores_has(store, 2));
	assert_true(stores_has(store, 3));
	rig_down(&rig, store);
}

static atomic_bool may_end;

/* Until it is told, or long after the others have given up. */
static int
take_long(struct store_txn *txn, void *argument)
{
	int64_t	 until = stores_now() + 10000000;

	while (!atomic_load(&may_end) && stores_now() < until)
		sched_yield();
	return stores_insert(txn, argument);
}

/* Who waits for another's batch gives up in time, too. */
static void
test_batch_takes_long(void **state)
{
	struct caller	 callers[3];
	struct store	*store;
	struct rig	 rig;

	(void)state;
	rig_up(&rig, 0, 300);
	atomic_store(&may_end, false);
	for (unsigned int i = 0; i < 3; i++)
		callers[i] = (struct caller){ .fn = stores_insert,
			.work = { .number = i + 1, .bytes = 500 } };
	callers[0].fn = take_long;
	queue_up(&rig, callers, 1);
	filelock_release(rig.lock);
	while (batch_waiting(rig.batch) != 0)
		sched_yield();
	caller_start(&rig, &callers[1]);
	caller_start(&rig, &callers[2]);
	finish(&callers[1], 2);
	atomic_store(&may_end, true);
	finish(callers, 1);
	assert_int_equal(callers[0].result, 0);
	assert_int_equal(callers[1].result, STORE_BUSY);
	assert_int_equal(callers[2].result, STORE_BUSY);
	store = rig_look(&rig);
	assert_true(stores_has(store, 1));
	assert_false(stores_has(store, 2));
	assert_false(stores_has(store, 3));
	rig_down(&rig, store);
}

static void
test_processes_count_exactly(void **state)
{
	char			*directory = stores_make();
	struct store_options	 options = stores_options(directory);
	struct stores_work	 work = { .number = 1, .bytes = 10 };
	struct stores_child	 child;
	struct store		*store;

	(void)state;
	/* The other process opens its store before this one has any. */
	stores_start(&child, "count", directory, 20);
	store = stores_open(&options);
	assert_int_equal(store_update(store, stores_insert, &work), 0);
	stores_go(&child);
	assert_int_equal(stores_bump(store, 16, 20), 0);
	assert_int_equal(stores_end(&child), 0);
	assert_int_equal(store_view(store, stores_find, &work), 0);
	assert_int_equal(work.row.knocks, 2 * 16 * 20);
	store_close(store);
	stores_remove(directory);
}

struct looker {
	pthread_t	 thread;
	struct store	*store;
	atomic_bool	*over;
	unsigned int	 looks;
	uint32_t	 last;
	bool		 failed;
};

static void *
look(void *argument)
{
	struct looker		*looker = argument;
	struct stores_work	 work;

	do {
		work = (struct stores_work){ .number = 1 };
		if (store_view(looker->store, stores_find, &work) != 0 ||
		    work.outcome != 0 || work.row.knocks < looker->last)
			looker->failed = true;
		looker->last = work.row.knocks;
		looker->looks++;
	} while (!atomic_load(looker->over));
	return NULL;
}

/* More readers than connections to read, while others write. */
static void
test_readers_beside_writers(void **state)
{
	char			*directory = stores_make();
	struct store_options	 options = stores_options(directory);
	struct stores_work	 work = { .number = 1, .bytes = 5000 };
	struct looker		 lookers[8];
	atomic_bool		 over = false;
	struct store		*store = stores_open(&options);

	(void)state;
	assert_int_equal(store_update(store, stores_insert, &work), 0);
	for (int i = 0; i < 8; i++) {
		lookers[i] = (struct looker){ .store = store, .over = &over };
		pthread_create(&lookers[i].thread, NULL, look, &lookers[i]);
	}
	assert_int_equal(stores_bump(store, 8, 50), 0);
	atomic_store(&over, true);
	for (int i = 0; i < 8; i++) {
		pthread_join(lookers[i].thread, NULL);
		assert_false(lookers[i].failed);
		assert_true(lookers[i].looks > 0);
	}
	assert_int_equal(store_view(store, stores_find, &work), 0);
	assert_int_equal(work.row.knocks, 8 * 50);
	store_close(store);
	stores_remove(directory);
}

/* Many large ones that queue together are not one transaction. */
static void
test_large_ones_are_divided(void **state)
{
	struct caller	 callers[MANY];
	struct store	*store;
	struct rig	 rig;

	(void)state;
	rig_up(&rig, 0, STORES_PATIENCE);
	prepare(callers);
	for (unsigned int i = 0; i < MANY; i++)
		callers[i].work.bytes = 3 << 20;
	queue_up(&rig, callers, MANY);
	filelock_release(rig.lock);
	finish(callers, MANY);
	for (unsigned int i = 0; i < MANY; i++)
		assert_int_equal(callers[i].result, 0);
	assert_int_equal(atomic_load(&commits), MANY / 2);
	store = rig_look(&rig);
	for (unsigned int i = 0; i < MANY; i++)
		assert_true(stores_has(store, i + 1));
	rig_down(&rig, store);
}

/* One row that says "ok"; anything else stops the statement. */
static int
is_ok(void *argument, int columns, char **values, char **names)
{
	(void)argument;
	(void)names;
	return columns == 1 && strcmp(values[0], "ok") == 0 ? 0 : 1;
}

/* Two writers of one database: what one of them rolled back, too large for
 * its cache, must not turn up over what the other committed since. */
static void
test_rolled_back_stays_so(void **state)
{
	struct stores_work	 large = { .number = 1 };
	struct stores_work	 other = { .number = 100, .bytes = 300000 };
	struct stores_work	 small = { .number = 200, .bytes = 500 };
	struct store		*store;
	sqlite3			*db;
	struct rig		 rig;

	(void)state;
	rig_up(&rig, 0, STORES_PATIENCE);
	store = stores_open(&rig.options);
	for (unsigned int round = 0; round < 24; round++) {
		/* Around the size of the cache: some of it just spills. */
		assert_int_equal(batch_checkpoint(rig.batch), 0);
		large.bytes = (size_t)(420 + 8 * round) * 4096;
		assert_int_equal(batch_update(rig.batch, fail_for_itself,
		    &large), STORE_FAILED);
		other.number++;
		assert_int_equal(store_update(store, stores_insert, &other),
		    0);
		small.number++;
		assert_int_equal(batch_update(rig.batch, stores_insert,
		    &small), 0);
	}
	store_close(store);
	store = rig_look(&rig);
	for (uint64_t number = 101; number <= other.number; number++)
		assert_true(stores_has(store, number));
	for (uint64_t number = 201; number <= small.number; number++)
		assert_true(stores_has(store, number));
	assert_int_equal(sqlite3_open(rig.path, &db), SQLITE_OK);
	assert_int_equal(sqlite3_exec(db, "PRAGMA integrity_check",
	    is_ok, NULL, NULL), SQLITE_OK);
	assert_int_equal(sqlite3_close(db), SQLITE_OK);
	rig_down(&rig, store);
}

int
main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_one_is_too_large),
		cmocka_unit_test(test_one_is_too_large_and_overlooks_it),
		cmocka_unit_test(test_one_fails_for_itself),
		cmocka_unit_test(test_all_fail),
		cmocka_unit_test(test_run_again_counts_once),
		cmocka_unit_test(test_lock_does_not_come),
		cmocka_unit_test(test_lead_is_passed_on),
		cmocka_unit_test(test_batch_takes_long),
		cmocka_unit_test(test_large_ones_are_divided),
		cmocka_unit_test(test_rolled_back_stays_so),
		cmocka_unit_test(test_processes_count_exactly),
		cmocka_unit_test(test_readers_beside_writers),
	};

	stores_main(argc, argv);
	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}

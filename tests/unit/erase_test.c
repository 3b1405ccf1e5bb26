/* SPDX-License-Identifier: ISC */

/*
 * What is erased is gone from every file in time, and readers hold up neither
 * that for good nor the writers for long.
 */
#include <sys/wait.h>

#include <inttypes.h>
#include <pthread.h>
#include <sched.h>
#include <semaphore.h>
#include <setjmp.h>
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

#include "store/sqlite.h"
#include "stores.h"

#define MANY	60
#define TRIES	5

/* What a held-up checkpoint may cost a writer, microseconds. */
#define DELAY	50000

static size_t
size_of(uint64_t number)
{
	return (size_t)(number * 7919 % 20000 + 16);
}

static void
update(struct store *store, store_fn *fn, uint64_t number)
{
	struct stores_work	 work = { .number = number,
		.bytes = size_of(number) };

	assert_int_equal(store_update(store, fn, &work), 0);
	assert_int_equal(work.outcome, 0);
}

static void
await_gone(const char *directory, uint64_t number)
{
	int64_t	 until = stores_now() + (int64_t)STORES_PATIENCE * 1000;

	while (stores_holds(directory, number))
		if (stores_now() > until)
			fail_msg("it is still there");
}

static void
await_no_log(const char *directory)
{
	int64_t	 until = stores_now() + (int64_t)STORES_PATIENCE * 1000;

	while (stores_size(directory, "oncelink.db-wal") != 0) {
		if (stores_now() > until)
			fail_msg("the log is still there");
		sched_yield();
	}
}

static void
test_erased_at_once(void **state)
{
	char			*directory = stores_make();
	struct store_options	 options = stores_options(directory);
	struct store		*store;

	(void)state;
	options.erase_delay = 0;
	store = stores_open(&options);
	for (uint64_t i = 1; i <= MANY; i++)
		update(store, stores_insert, i);
	/* In an order in which neighbours stay: pages are not just freed. */
	for (uint64_t i = 0; i < MANY; i++) {
		uint64_t number = i * 37 % MANY + 1;

		assert_true(stores_holds(directory, number));
		update(store, i % 2 == 0 ? stores_erase : stores_delete,
		    number);
		assert_false(stores_holds(directory, number));
	}
	assert_false(stores_holds(directory, 0));
	store_close(store);
	stores_remove(directory);
}

static void
test_erased_in_time(void **state)
{
	char			*directory = stores_make();
	struct store_options	 options = stores_options(directory);
	struct store		*store;

	(void)state;
	options.erase_delay = 200;
	options.resident = true;
	store = stores_open(&options);
	for (uint64_t i = 1; i <= 3; i++) {
		update(store, stores_insert, i);
		assert_true(stores_holds(directory, i));
		update(store, stores_erase, i);
		await_gone(directory, i);
	}
	/* Nothing is due: the log stays. */
	update(store, stores_insert, 4);
	assert_true(stores_size(directory, "oncelink.db-wal") > 0);
	store_close(store);
	assert_true(stores_size(directory, "oncelink.db-wal") > 0);
	stores_remove(directory);
}

/* Who is killed before it erased leaves that to the next that starts. */
static void
test_erased_after_a_kill(void **state)
{
	char			*directory = stores_make();
	struct store_options	 options = stores_options(directory);
	struct store		*store;
	pid_t			 child;
	int			 status;

	(void)state;
	options.erase_delay = 60000;
	child = fork();
	assert_true(child != -1);
	if (child == 0) {
		store = stores_open(&options);
		update(store, stores_insert, 1);
		update(store, stores_erase, 1);
		_exit(0);
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_int_equal(status, 0);
	assert_true(stores_holds(directory, 1));
	options.erase_delay = 100;
	options.resident = true;
	store = stores_open(&options);
	await_gone(directory, 1);
	store_close(store);
	stores_remove(directory);
}

/* The lock is somebody else's until its time is over. */
static atomic_bool	 no_lock;
static sem_t		 refused;

int	 __real_filelock_acquire(int, int);
int	 __wrap_filelock_acquire(int, int);

int
__wrap_filelock_acquire(int fd, int milliseconds)
{
	if (!atomic_load(&no_lock))
		return __real_filelock_acquire(fd, milliseconds);
	sem_post(&refused);
	return 1;
}

static int
erase_for_the_last_time(struct store_txn *txn, void *argument)
{
	atomic_store(&no_lock, true);
	return stores_erase(txn, argument);
}

/* What does not get the lock comes again. */
static void
test_erased_when_there_is_a_turn(void **state)
{
	char			*directory = stores_make();
	struct store_options	 options = stores_options(directory);
	struct store		*store;
	bool			 held;

	(void)state;
	assert_int_equal(sem_init(&refused, 0, 0), 0);
	options.erase_delay = 10;
	options.resident = true;
	store = stores_open(&options);
	/* What it found at its start is not in the way any more. */
	await_no_log(directory);
	update(store, stores_insert, 1);
	update(store, erase_for_the_last_time, 1);
	for (int i = 0; i < 2; i++)
		assert_int_equal(sem_wait(&refused), 0);
	held = stores_holds(directory, 1);
	atomic_store(&no_lock, false);
	assert_true(held);
	await_gone(directory, 1);
	store_close(store);
	stores_remove(directory);
}

static void
erased_at_close(bool eraser)
{
	char			*directory = stores_make();
	struct store_options	 options = stores_options(directory);
	struct store		*store;

	options.resident = eraser;
	store = stores_open(&options);
	update(store, stores_insert, 1);
	update(store, stores_insert, 2);
	update(store, stores_erase, 1);
	assert_true(stores_holds(directory, 1));
	store_close(store);
	assert_false(stores_holds(directory, 1));
	assert_true(stores_holds(directory, 2));
	stores_remove(directory);
}

static void
test_erased_at_close(void **state)
{
	(void)state;
	erased_at_close(true);
	erased_at_close(false);
}

/* A reader elsewhere that ends as soon as somebody waits for it. */
static struct stores_child *awaited;

void	 __real_clock_sleep_us(int64_t);
void	 __wrap_clock_sleep_us(int64_t);

void
__wrap_clock_sleep_us(int64_t microseconds)
{
	/* Not the short waits of one checkpoint. */
	if (awaited != NULL && microseconds >= 10000) {
		assert_int_equal(stores_end(awaited), 0);
		awaited = NULL;
	}
	__real_clock_sleep_us(microseconds);
}

static void
test_erased_at_close_beside_a_reader(void **state)
{
	char			*directory = stores_make();
	struct store_options	 options = stores_options(directory);
	struct store		*store = stores_open(&options);
	struct stores_child	 child;

	(void)state;
	update(store, stores_insert, 1);
	stores_start(&child, "read", directory, 0);
	update(store, stores_erase, 1);
	awaited = &child;
	store_close(store);
	assert_null(awaited);
	assert_false(stores_holds(directory, 1));
	stores_remove(directory);
}

/* A view that stays open until it is told, or for 5 s. */
struct holder {
	pthread_t	 thread;
	pthread_mutex_t	 mutex;
	pthread_cond_t	 change;
	struct store	*store;
	bool		 reads, over;
	int		 result;
};

static int
hold(struct store_txn *txn, void *argument)
{
	struct holder		*holder = argument;
	struct store_stats	 stats;
	struct timespec		 until;

	if (store_stats(txn, &stats) == -1)
		return -1;
	clock_gettime(CLOCK_REALTIME, &until);
	until.tv_sec += 5;
	pthread_mutex_lock(&holder->mutex);
	holder->reads = true;
	pthread_cond_broadcast(&holder->change);
	while (!holder->over && pthread_cond_timedwait(&holder->change,
	    &holder->mutex, &until) == 0)
		continue;
	pthread_mutex_unlock(&holder->mutex);
	return 0;
}

static void *
hold_main(void *argument)
{
	struct holder	*holder = argument;

	holder->result = store_view(holder->store, hold, holder);
	return NULL;
}

static void
holder_start(struct holder *holder, struct store *store)
{
	*holder = (struct holder){ .store = store };
	pthread_mutex_init(&holder->mutex, NULL);
	pthread_cond_init(&holder->change, NULL);
	pthread_create(&holder->thread, NULL, hold_main, holder);
	pthread_mutex_lock(&holder->mutex);
	while (!holder->reads)
		pthread_cond_wait(&holder->change, &holder->mutex);
	pthread_mutex_unlock(&holder->mutex);
}

static void
holder_end(struct holder *holder)
{
	pthread_mutex_lock(&holder->mutex);
	holder->over = true;
	pthread_cond_broadcast(&holder->change);
	pthread_mutex_unlock(&holder->mutex);
	pthread_join(holder->thread, NULL);
	assert_int_equal(holder->result, 0);
	pthread_cond_destroy(&holder->change);
	pthread_mutex_destroy(&holder->mutex);
}

/* When the writer's connection last began to wait for readers. */
static int
look_when_it_waited(struct store_txn *txn, void *argument)
{
	*(int64_t *)argument = txn->sqlite->busy_since;
	return 0;
}

/* Many secrets come and go; returns the longest update, and counts how often
 * a checkpoint waited for a reader. */
static int64_t
longest_update(struct store *store, uint64_t first, unsigned int *waits)
{
	int64_t	 longest = 0, begin, took, waited = 0, before = -1;

	*waits = 0;
	for (uint64_t i = first; i < first + MANY; i++)
		for (int erase = 0; erase < 2; erase++) {
			begin = stores_now();
			update(store, erase ? stores_erase : stores_insert, i);
			took = stores_now() - begin;
			if (took > longest)
				longest = took;
			assert_int_equal(store_update(store,
			    look_when_it_waited, &waited), 0);
			if (before != -1 && waited != before)
				++*waits;
			before = waited;
		}
	return longest;
}

/* What is slow for another reason does not count: the best of some tries, and
 * only what is above the best without a reader. */
static void
readers_do_not_delay(bool other_process)
{
	char			*directory = stores_make();
	struct store_options	 options = stores_options(directory);
	struct stores_child	 child;
	struct holder		 holder;
	struct store		*store;
	uint64_t		 number = 1;
	int64_t			 alone = INT64_MAX, beside = INT64_MAX;
	int64_t			 took, begin;
	unsigned int		 waits;

	options.erase_delay = 0;
	store = stores_open(&options);
	for (int try = 0; try < TRIES && (beside == INT64_MAX ||
	    beside - alone > DELAY); try++) {
		took = longest_update(store, number, &waits);
		alone = took < alone ? took : alone;
		number += MANY;
		if (other_process)
			stores_start(&child, "read", directory, 0);
		else
			holder_start(&holder, store);
		begin = stores_now();
		took = longest_update(store, number, &waits);
		beside = took < beside ? took : beside;
		number += MANY;
		/* It tried, and did not try each time: 100 ms, doubled. */
		assert_true(waits > 0);
		assert_true(waits <= 6 + (stores_now() - begin) / 1000000);
		assert_true(stores_holds(directory, number - 1));
		if (other_process)
			assert_int_equal(stores_end(&child), 0);
		else
			holder_end(&holder);
		while (store_checkpoint(store) != 0)
			continue;
		assert_false(stores_holds(directory, 0));
	}
	assert_true(beside - alone <= DELAY);
	store_close(store);
	stores_remove(directory);
}

static void
test_reader_does_not_delay(void **state)
{
	(void)state;
	readers_do_not_delay(false);
}

static void
test_reader_elsewhere_does_not_delay(void **state)
{
	(void)state;
	readers_do_not_delay(true);
}

/* Nobody writes any more, and still it is erased once the reader is done. */
static void
test_erasing_catches_up(void **state)
{
	char			*directory = stores_make();
	struct store_options	 options = stores_options(directory);
	struct stores_child	 child;
	struct holder		 holder;
	struct store		*store;

	(void)state;
	options.erase_delay = 1;
	options.resident = true;
	store = stores_open(&options);
	for (int round = 0; round < 2; round++) {
		update(store, stores_insert, 1);
		if (round == 0)
			holder_start(&holder, store);
		else
			stores_start(&child, "read", directory, 0);
		update(store, stores_delete, 1);
		assert_int_equal(store_checkpoint(store), 1);
		assert_true(stores_holds(directory, 1));
		if (round == 0)
			holder_end(&holder);
		else
			assert_int_equal(stores_end(&child), 0);
		await_no_log(directory);
		assert_false(stores_holds(directory, 0));
	}
	store_close(store);
	stores_remove(directory);
}

/* The log of a batch that erased is cut by another process's store too. */
static void
test_checkpoint_of_all(void **state)
{
	char			*directory = stores_make();
	struct store_options	 options = stores_options(directory);
	struct store		*worker, *sweeper;

	(void)state;
	worker = stores_open(&options);
	sweeper = stores_open(&options);
	update(worker, stores_insert, 1);
	update(worker, stores_erase, 1);
	assert_true(stores_holds(directory, 1));
	assert_int_equal(store_checkpoint(sweeper), 0);
	assert_false(stores_holds(directory, 1));
	assert_int_equal(stores_size(directory, "oncelink.db-wal"), 0);
	update(worker, stores_insert, 2);
	assert_true(stores_has(sweeper, 2));
	store_close(sweeper);
	store_close(worker);
	stores_remove(directory);
}

#define WALK		6000	/* steps */
#define WALK_NUMBERS	10000

/* No record in a file but those that live. */
static void
assert_only(const char *directory, const char *name, const bool *lives)
{
	static const char	 mark[] = "<Seal";
	const size_t		 length = sizeof(mark) - 1;
	char			*path = stores_path(directory, name);
	char			*bytes, *at, *end;
	int64_t			 size = stores_size(directory, name);
	FILE			*file = fopen(path, "rb");

	assert_non_null(file);
	/* With a NUL byte behind them, where the last number ends. */
	bytes = calloc(1, (size_t)size + 1);
	assert_non_null(bytes);
	assert_int_equal(fread(bytes, 1, (size_t)size, file), size);
	fclose(file);
	end = bytes + size;
	for (at = bytes; (at = memmem(at, (size_t)(end - at), mark, length)) !=
	    NULL; at += length) {
		char		*behind;
		uint64_t	 number = strtoull(at + length, &behind, 10);

		/* The last piece of a record may be cut off. */
		if (behind != at + length + 10 || *behind != '>')
			continue;
		assert_true(number < WALK_NUMBERS);
		if (!lives[number])
			fail_msg("%" PRIu64 " was left", number);
	}
	free(bytes);
	free(path);
}

/*
 * Small records come and go in every order, so that rows move from page to
 * page: where they moved from is no place for them either.
 */
static void
test_moved_rows_leave_nothing(void **state)
{
	static bool		 lives[WALK_NUMBERS], lived[WALK_NUMBERS];
	char			*directory = stores_make();
	struct store_options	 options = stores_options(directory);
	struct store		*store = stores_open(&options);
	uint64_t		 numbers[200], next = 1;
	size_t			 count = 0, victim;
	uint32_t		 random = 1;

	(void)state;
	for (int step = 1; step <= WALK; step++) {
		struct stores_work work = { .bytes = 0 };

		random = random * 1664525 + 1013904223;
		/* Growing and shrinking in turn. */
		if (count < 25 || (count < 200 && random >> 24 <
		    (step / 200 % 2 == 0 ? 159 : 97))) {
			work.number = numbers[count++] = next++;
			work.bytes = 60 + (random >> 8) % 400;
			lives[work.number] = lived[work.number] = true;
			assert_int_equal(store_update(store, stores_insert,
			    &work), 0);
		} else {
			victim = (random >> 8) % count;
			work.number = numbers[victim];
			numbers[victim] = numbers[--count];
			lives[work.number] = false;
			assert_int_equal(store_update(store, stores_delete,
			    &work), 0);
		}
		if (step % 100 == 0) {
			assert_int_equal(store_checkpoint(store), 0);
			assert_only(directory, "oncelink.db", lives);
			memcpy(lived, lives, sizeof(lived));
		}
		/* Nor does it come back from the memory of the writer. */
		if (step > 100 && step % 100 == 30) {
			for (size_t i = 0; i < WALK_NUMBERS; i++)
				lived[i] |= lives[i];
			assert_only(directory, "oncelink.db-wal", lived);
		}
	}
	store_close(store);
	stores_remove(directory);
}

/* The longest that a log becomes on a database whose file has this size. */
static int64_t
longest_log(int64_t database_bytes)
{
	char			*directory = stores_make();
	char			*path = stores_path(directory, "oncelink.db");
	struct store_options	 options = stores_options(directory);
	struct store		*store;
	int64_t			 longest;

	/* A hole behind what is there: it counts, and takes no room. */
	if (database_bytes > 0)
		assert_int_equal(truncate(path, database_bytes), 0);
	free(path);
	store = stores_open(&options);
	for (uint64_t number = 1; number <= 600; number++) {
		struct stores_work work = { .number = number, .bytes = 20000 };

		assert_int_equal(store_update(store, stores_insert, &work), 0);
	}
	/* It is written over from its start, and keeps its size. */
	longest = stores_size(directory, "oncelink.db-wal");
	store_close(store);
	stores_remove(directory);
	return longest;
}

static void
test_log_length(void **state)
{
	const int64_t	 page = 4096 + 24;
	int64_t		 small, large;

	(void)state;
	small = longest_log(0);
	assert_in_range(small, 2000 * page, 2100 * page);
	large = longest_log((int64_t)1 << 30);
	assert_in_range(large, 4000 * page, 16100 * page);
}

int
main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_erased_at_once),
		cmocka_unit_test(test_erased_in_time),
		cmocka_unit_test(test_erased_after_a_kill),
		cmocka_unit_test(test_erased_when_there_is_a_turn),
		cmocka_unit_test(test_erased_at_close),
		cmocka_unit_test(test_erased_at_close_beside_a_reader),
		cmocka_unit_test(test_reader_does_not_delay),
		cmocka_unit_test(test_reader_elsewhere_does_not_delay),
		cmocka_unit_test(test_erasing_catches_up),
		cmocka_unit_test(test_checkpoint_of_all),
		cmocka_unit_test(test_moved_rows_leave_nothing),
		cmocka_unit_test(test_log_length),
	};

	stores_main(argc, argv);
	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}

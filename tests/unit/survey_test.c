/* SPDX-License-Identifier: ISC */

/*
 * What an administrator asks of the whole store: which keys its records need,
 * when it was last written to, whether it is whole.
 */
#include <setjmp.h>
#include <sqlite3.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "stores.h"

#define SECRETS	7
#define BYTES	((size_t)9000)

struct asking {
	int64_t		 after;
	uint32_t	 keys[16];
	size_t		 count;
	int		 result;
	int64_t		 created_at;
	int64_t		 limit;
	struct store_copy *copy;
};

static int
ask_keys(struct store_txn *txn, void *argument)
{
	struct asking	*asking = argument;

	asking->result = store_keys(txn, &asking->after, asking->keys,
	    &asking->count);
	return asking->result == -1 ? -1 : 0;
}

static int
ask_newest(struct store_txn *txn, void *argument)
{
	struct asking	*asking = argument;

	asking->result = store_newest(txn, &asking->created_at);
	return asking->result == -1 ? -1 : 0;
}

static int
take_copy(struct store_txn *txn, void *argument)
{
	struct asking	*asking = argument;

	asking->result = store_copy(txn, asking->limit, &asking->copy);
	return asking->result == -1 ? -1 : 0;
}

static void
raw_run(const char *directory, const char *sql)
{
	sqlite3	*db = stores_raw(directory);

	assert_int_equal(sqlite3_exec(db, sql, NULL, NULL, NULL), SQLITE_OK);
	assert_int_equal(sqlite3_close(db), SQLITE_OK);
}

static void
fill(struct store *store)
{
	struct stores_work	 work;

	for (uint64_t number = 1; number <= SECRETS; number++) {
		work = (struct stores_work){ .number = number,
		    .bytes = BYTES };
		assert_int_equal(store_update(store, stores_insert, &work),
		    0);
	}
}

static void
test_keys(void **state)
{
	char			*directory = stores_make();
	struct store_options	 options = stores_options(directory);
	struct store		*store = stores_open(&options);
	struct stores_work	 work = { .number = 3 };
	struct asking		 asking = { .count = 4 };

	(void)state;
	assert_int_equal(store_view(store, ask_keys, &asking), 0);
	assert_int_equal(asking.result, 1);
	assert_int_equal(asking.count, 0);
	fill(store);
	assert_int_equal(store_update(store, stores_erase, &work), 0);
	store_close(store);
	raw_run(directory, "UPDATE secret SET key_id = 9 WHERE id = 6");
	store = stores_open(&options);

	/* Three rows at a time; the third has no record any more. */
	asking = (struct asking){ .count = 3 };
	assert_int_equal(store_view(store, ask_keys, &asking), 0);
	assert_int_equal(asking.result, 0);
	assert_int_equal(asking.count, 2);
	assert_int_equal(asking.after, 3);
	asking.count = 3;
	assert_int_equal(store_view(store, ask_keys, &asking), 0);
	assert_int_equal(asking.result, 0);
	assert_int_equal(asking.count, 3);
	assert_int_equal(asking.keys[1], 1);
	assert_int_equal(asking.keys[2], 9);
	asking.count = 3;
	assert_int_equal(store_view(store, ask_keys, &asking), 0);
	assert_int_equal(asking.result, 1);
	assert_int_equal(asking.count, 1);
	store_close(store);
	stores_remove(directory);
}

static int
ask_stats(struct store_txn *txn, void *argument)
{
	return store_stats(txn, argument);
}

/* A state that there is not is damage, and is not counted as another one. */
static void
test_stats(void **state)
{
	char			*directory = stores_make();
	struct store_options	 options = stores_options(directory);
	struct store		*store = stores_open(&options);
	struct store_stats	 stats;

	(void)state;
	fill(store);
	assert_int_equal(store_view(store, ask_stats, &stats), 0);
	assert_int_equal(stats.secrets[STORE_WAITING], stats.records);
	assert_true(stats.records > 0);
	store_close(store);
	raw_run(directory, "UPDATE secret SET state = 99 WHERE id = 2");
	store = stores_open(&options);
	assert_int_equal(store_view(store, ask_stats, &stats), STORE_FAILED);
	store_close(store);
	raw_run(directory, "UPDATE secret SET state = -1 WHERE id = 2");
	store = stores_open(&options);
	assert_int_equal(store_view(store, ask_stats, &stats), STORE_FAILED);
	store_close(store);
	stores_remove(directory);
}

static void
test_newest(void **state)
{
	char			*directory = stores_make();
	struct store_options	 options = stores_options(directory);
	struct store		*store = stores_open(&options);
	struct asking		 asking = { .count = 0 };

	(void)state;
	assert_int_equal(store_view(store, ask_newest, &asking), 0);
	assert_int_equal(asking.result, 1);
	fill(store);
	store_close(store);
	raw_run(directory, "UPDATE secret SET created_at = id * 1000");
	store = stores_open(&options);
	assert_int_equal(store_view(store, ask_newest, &asking), 0);
	assert_int_equal(asking.result, 0);
	assert_int_equal(asking.created_at, SECRETS * 1000);
	store_close(store);
	stores_remove(directory);
}

static void
test_copy(void **state)
{
	char			*directory = stores_make();
	struct store_options	 options = stores_options(directory);
	struct store		*store = stores_open(&options);
	struct stores_work	 work = { .number = SECRETS + 1,
				    .bytes = BYTES };
	struct asking		 asking = { .limit = BYTES };
	char			 what[256] = "";

	(void)state;
	fill(store);
	assert_int_equal(store_view(store, take_copy, &asking), 0);
	assert_int_equal(asking.result, 1);
	assert_null(asking.copy);
	asking.limit = 100 * BYTES;
	assert_int_equal(store_view(store, take_copy, &asking), 0);
	assert_int_equal(asking.result, 0);
	/* The store goes on while the copy is looked through. */
	assert_int_equal(store_update(store, stores_insert, &work), 0);
	assert_int_equal(store_copy_examine(asking.copy, what, sizeof(what)),
	    0);
	store_copy_free(asking.copy);
	store_copy_free(NULL);
	store_close(store);

	/* The pages of an index that is in no list any more. */
	raw_run(directory, "PRAGMA writable_schema = ON;"
	    "DELETE FROM sqlite_schema WHERE name = 'secret_due'");
	store = stores_open(&options);
	assert_int_equal(store_view(store, take_copy, &asking), 0);
	assert_int_equal(store_copy_examine(asking.copy, what, sizeof(what)),
	    1);
	assert_non_null(strstr(what, "never used"));
	assert_null(strchr(what, '\n'));
	store_copy_free(asking.copy);
	store_close(store);
	stores_remove(directory);
}

/* A schema that nobody can read is damage, of which a copy tells; so is a
 * tree whose pages are not pages. */
static void
test_copy_of_ruins(void **state)
{
	static const char *const ruins[] = {
		"UPDATE sqlite_schema SET sql = 'CREATE TABLE record (' "
		    "WHERE name = 'record'",
		"UPDATE sqlite_schema SET sql = 'CREATE NOTHING', "
		    "rootpage = 1 WHERE name = 'secret_due'",
	};
	char			*directory;
	struct store_options	 options;
	struct store		*store;
	struct asking		 asking = { .limit = 100 * BYTES };
	char			 what[256], sql[300];

	(void)state;
	for (size_t i = 0; i < sizeof(ruins) / sizeof(ruins[0]); i++) {
		directory = stores_make();
		options = stores_options(directory);
		store = stores_open(&options);
		fill(store);
		/* What it was is known to who looked before. */
		assert_int_equal(store_view(store, ask_newest, &asking), 0);
		(void)snprintf(sql, sizeof(sql),
		    "PRAGMA writable_schema = ON; %s", ruins[i]);
		raw_run(directory, sql);
		assert_int_equal(store_view(store, take_copy, &asking), 0);
		assert_int_equal(asking.result, 0);
		what[0] = '\0';
		assert_int_equal(store_copy_examine(asking.copy, what,
		    sizeof(what)), 1);
		assert_string_not_equal(what, "");
		assert_null(strchr(what, '\n'));
		store_copy_free(asking.copy);
		store_close(store);
		stores_remove(directory);
	}
}

/* No memory for the library, from when it is starved. */
static sqlite3_mem_methods usual;
static bool starved;

static void *
get_memory(int size)
{
	return starved ? NULL : usual.xMalloc(size);
}

static void *
change_memory(void *memory, int size)
{
	return starved ? NULL : usual.xRealloc(memory, size);
}

static int
take_copy_starved(struct store_txn *txn, void *argument)
{
	int	 result;

	starved = true;
	result = take_copy(txn, argument);
	starved = false;
	return result;
}

static void
test_no_memory(void **state)
{
	char			*directory = stores_make();
	struct store_options	 options = stores_options(directory);
	struct store		*store = stores_open(&options);
	struct asking		 asking = { .limit = 100 * BYTES };
	char			 what[256] = "";

	(void)state;
	fill(store);
	assert_int_equal(store_view(store, take_copy, &asking), 0);
	starved = true;
	assert_int_equal(store_copy_examine(asking.copy, what, sizeof(what)),
	    -1);
	starved = false;
	assert_string_equal(what, "");
	assert_int_equal(store_copy_examine(asking.copy, what, sizeof(what)),
	    0);
	store_copy_free(asking.copy);
	assert_int_equal(store_view(store, take_copy_starved, &asking),
	    STORE_FAILED);
	assert_null(asking.copy);
	assert_int_equal(store_view(store, take_copy, &asking), 0);
	store_copy_free(asking.copy);
	store_close(store);
	stores_remove(directory);
}

int
main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_keys),
		cmocka_unit_test(test_stats),
		cmocka_unit_test(test_newest),
		cmocka_unit_test(test_copy),
		cmocka_unit_test(test_copy_of_ruins),
		cmocka_unit_test(test_no_memory),
	};

	sqlite3_mem_methods	 methods;

	sqlite3_config(SQLITE_CONFIG_GETMALLOC, &usual);
	methods = usual;
	methods.xMalloc = get_memory;
	methods.xRealloc = change_memory;
	sqlite3_config(SQLITE_CONFIG_MALLOC, &methods);
	stores_main(argc, argv);
	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: ISC */

/*
 * One transaction for many, by hand: without memory for what keeps its parts
 * from one another, on a disk that is full in the midst of it, beside somebody
 * who does not know our lock.
 */
#include <sys/stat.h>

#include <fcntl.h>
#include <setjmp.h>
#include <sqlite3.h>
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
#include "base/complaint.h"
#include "store/ballast.h"
#include "store/writer.h"
#include "stores.h"

#define BYTES 300

/* A writer with a database of its own. */
struct rig {
	char		*directory, *path;
	int		 place;
	int64_t		 max_bytes;
	struct writer	*writer;
};

static void
start(struct rig *rig)
{
	struct complaint	 error = { "" };

	rig->writer = writer_open(rig->place, rig->path, rig->max_bytes,
	    STORES_PATIENCE, &error);
	if (rig->writer == NULL)
		fail_msg("%s", error.text);
}

static void
rig_up(struct rig *rig, int64_t max_bytes)
{
	rig->directory = stores_make();
	rig->path = stores_path(rig->directory, "oncelink.db");
	rig->place = open(rig->directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	assert_true(rig->place != -1);
	rig->max_bytes = max_bytes;
	start(rig);
}

static void
rig_down(struct rig *rig)
{
	writer_close(rig->writer);
	close(rig->place);
	free(rig->path);
	stores_remove(rig->directory);
}

static void
run(struct rig *rig, struct writer_job *jobs)
{
	assert_int_equal(writer_lock(rig->writer, STORES_PATIENCE), 0);
	assert_null(writer_run(rig->writer, jobs));
	writer_unlock(rig->writer);
}

static unsigned long	 fault;

/* Needs no memory of ours. */
static int
put_one(struct store_txn *txn, void *argument)
{
	const struct stores_work *work = argument;
	uint8_t			 lookup[STORE_HASHBYTES] = { 2 };
	uint8_t			 claim[STORE_HASHBYTES] = { 0 };

	memcpy(claim, &work->number, sizeof(work->number));
	return store_claim_put(txn, lookup, claim, (int64_t)work->number);
}

/* It fails when it has written; what comes behind it lacks memory. */
static int
put_and_fail(struct store_txn *txn, void *argument)
{
	if (put_one(txn, argument) == -1)
		return -1;
	faults_arm(FAULTS_MEMORY, fault, false);
	return -1;
}

static bool
has_one(const char *directory, uint64_t number)
{
	sqlite3	*db = stores_raw(directory);
	char	 sql[80];
	int	 count;

	(void)snprintf(sql, sizeof(sql), "SELECT count(*) FROM claim WHERE "
	    "until = %u", (unsigned int)number);
	count = stores_number(db, sql);
	assert_int_equal(sqlite3_close(db), SQLITE_OK);
	return count == 1;
}

static void
savepoints_without_memory(void **state)
{
	struct rig	 rig;
	unsigned long	 failed = 0;
	bool		 hit = true;

	(void)state;
	rig_up(&rig, 0);
	for (fault = 1; hit; fault++) {
		struct stores_work	 works[3];
		struct writer_job	 jobs[3];

		for (unsigned int i = 0; i < 3; i++) {
			works[i] = (struct stores_work){
				.number = fault * 3 + i
			};
			jobs[i] = (struct writer_job){
				.fn = i == 1 ? put_and_fail : put_one,
				.argument = &works[i],
				.next = i < 2 ? &jobs[i + 1] : NULL,
			};
		}
		run(&rig, jobs);
		hit = faults_disarm();
		assert_int_equal(jobs[1].result, STORE_FAILED);
		for (unsigned int i = 0; i < 3; i++) {
			failed += i != 1 && jobs[i].result != 0;
			if (has_one(rig.directory, works[i].number) !=
			    (jobs[i].result == 0) ||
			    (jobs[i].result != 0 && i != 1 && !hit))
				fail_msg("malloc %lu: %u is %d", fault, i,
				    jobs[i].result);
		}
		/* What was prepared before would need no memory. */
		writer_close(rig.writer);
		start(&rig);
	}
	assert_true(failed > 0);
	rig_down(&rig);
}

/* A reader's traces, until there is no room. */
static int
put_claims(struct store_txn *txn, void *argument)
{
	struct stores_work	*work = argument;
	uint8_t			 lookup[STORE_HASHBYTES] = { 1 };
	uint8_t			 claim[STORE_HASHBYTES] = { 1 };

	work->runs++;
	for (uint32_t i = 0; i < work->bytes; i++) {
		claim[1] = (uint8_t)i;
		claim[2] = (uint8_t)(i >> 8);
		claim[3] = (uint8_t)(i >> 16);
		if (store_claim_put(txn, lookup, claim, INT64_MAX) == -1)
			return -1;
	}
	return 0;
}

/* Who does not insert gets what the ballast kept free, and is run again. */
static void
full_in_the_midst(void **state)
{
	struct rig	 rig;
	struct stores_work work = { .bytes = 1 << 20 };
	struct writer_job job = { .fn = put_claims, .argument = &work };
	struct writer_job again = { .fn = put_claims, .argument = &work };

	(void)state;
	rig_up(&rig, 1 << 20);
	assert_int_equal(ballast_make(rig.place, 1 << 20), 0);
	run(&rig, &job);
	assert_int_equal(job.result, STORE_FULL);
	assert_int_equal(work.runs, 2);
	assert_int_equal(stores_size(rig.directory, "ballast"), -1);
	work.runs = 0;
	run(&rig, &again);
	assert_int_equal(again.result, STORE_FULL);
	assert_int_equal(work.runs, 1);
	work.bytes = 10;
	again = (struct writer_job){ .fn = put_claims, .argument = &work };
	run(&rig, &again);
	assert_int_equal(again.result, 0);
	rig_down(&rig);
}

/* SQLite's own shell, which nobody should write with. */
static void
beside_a_stranger(void **state)
{
	struct rig	 rig;
	struct stores_work work = { .number = 1, .bytes = BYTES };
	struct writer_job job = { .fn = stores_insert, .argument = &work };
	sqlite3		*stranger;

	(void)state;
	rig_up(&rig, 0);
	stranger = stores_raw(rig.directory);
	assert_int_equal(sqlite3_exec(stranger, "BEGIN IMMEDIATE", NULL, NULL,
	    NULL), SQLITE_OK);
	run(&rig, &job);
	assert_int_equal(job.result, STORE_BUSY);
	assert_int_equal(work.runs, 0);
	assert_int_equal(sqlite3_exec(stranger, "ROLLBACK", NULL, NULL, NULL),
	    SQLITE_OK);
	assert_int_equal(sqlite3_close(stranger), SQLITE_OK);
	job = (struct writer_job){ .fn = stores_insert, .argument = &work };
	run(&rig, &job);
	assert_int_equal(job.result, 0);
	rig_down(&rig);
}

int
main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(savepoints_without_memory),
		cmocka_unit_test(full_in_the_midst),
		cmocka_unit_test(beside_a_stranger),
	};

	stores_main(argc, argv);
	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: ISC */
#ifndef ONCELINK_TESTS_STORES_H
#define ONCELINK_TESTS_STORES_H

#include <sys/types.h>

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "store/store.h"

/* What the tests of the store share: databases in directories of their own,
 * secrets by number, and other processes. */

/* More than any wait of a test that passes, ms. */
#define STORES_PATIENCE 20000

/* stores_directory(), stores_make(): a directory of mode 0700, without and
 * with a database; the caller gives it to stores_remove. */
char	*stores_directory(void);
char	*stores_make(void);
void	 stores_remove(char *directory);

/* stores_options(directory): no limit, no eraser, four readers. */
struct store_options stores_options(const char *directory);

/* stores_open(options): a store, or the test fails. */
struct store *stores_open(const struct store_options *options);

/* stores_path(directory, name): in memory of the caller's own. */
char	*stores_path(const char *directory, const char *name);

/* stores_size(directory, name): -1 where there is no such file. */
int64_t	 stores_size(const char *directory, const char *name);

int64_t	 stores_now(void);	/* microseconds, monotonic */

/* One secret and what a fn does with it; `runs` counts how often fn ran. */
struct stores_work {
	uint64_t	 number;
	size_t		 bytes;
	int		 outcome;	/* of the last call of the store */
	unsigned int	 runs;
	struct store_secret row;	/* as found */
};

/* Work for store_update and store_view. */
store_fn stores_insert;		/* outcome 1: it was there */
store_fn stores_find;		/* outcome 1: it is not there */
store_fn stores_erase;		/* record and claims; and marks it opened */
store_fn stores_delete;		/* as erase, and the row too */
store_fn stores_knock;		/* knocks + 1 */

/* stores_has(store, number): is it there?  With the bytes it must have. */
bool	 stores_has(struct store *store, uint64_t number);

/* stores_raw(directory): a plain connection, whose end changes nothing; the
 * caller closes it.  stores_number(db, sql): the one number that it gives. */
struct sqlite3 *stores_raw(const char *directory);
int	 stores_number(struct sqlite3 *db, const char *sql);

/* Another process of this test program; see stores_main. */
struct stores_child {
	pid_t	 pid;
	int	 input, output;
};

/*
 * stores_start(child, mode, directory, number): run one of the modes below in
 * another process and wait until it says that it got so far.  stores_go: tell
 * it to go on.  stores_end: so too, if it was not yet; returns its exit
 * status.
 *  "lock"   holds the write lock until it is told to go on
 *  "read"   holds a read transaction until it is told to go on
 *  "count"  then knocks on secret 1 from 16 threads, `number` times each
 *  "files"  exits with 1 when a piece of a record is in a file there, with
 *           `number` 0 of any record
 */
void	 stores_start(struct stores_child *child, const char *mode,
	    const char *directory, uint64_t number);
void	 stores_go(struct stores_child *child);
int	 stores_end(struct stores_child *child);

/* stores_holds(directory, number): does any file there hold a piece of that
 * record?  Another process looks: to close a file of the database here would
 * end this process's locks on it. */
bool	 stores_holds(const char *directory, uint64_t number);

/* stores_main(argc, argv): the first call of main; returns only in the test
 * itself, not in one of its other processes. */
void	 stores_main(int argc, char **argv);

/* stores_bump(store, threads, times): so many threads knock on secret 1, so
 * many times each.  Returns how many of the updates failed. */
unsigned int stores_bump(struct store *store, unsigned int threads,
    unsigned int times);

#endif

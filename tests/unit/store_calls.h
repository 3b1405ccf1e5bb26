/* SPDX-License-Identifier: ISC */
#ifndef ONCELINK_TESTS_STORE_CALLS_H
#define ONCELINK_TESTS_STORE_CALLS_H

#include "store/store.h"

/* store_calls_make: for store_update, once: one of everything. */
store_fn store_calls_make;

/*
 * Each call of the store.  `call` returns what the store did, and 2 where
 * what it found is not what store_calls_make left; `run` is what it runs in.
 * Behind the last stands one without a name.
 */
struct store_call {
	const char	*name;
	int		 (*call)(struct store_txn *);
	int		 (*run)(struct store *, store_fn *, void *);
};

extern const struct store_call store_calls[];

/* store_calls_stop: looks through two rows of two kinds with functions that
 * fail at the first; counts in an int how many they were given.
 * store_calls_stranger: changes an account that is not there. */
store_fn store_calls_stop;
store_fn store_calls_stranger;

#endif

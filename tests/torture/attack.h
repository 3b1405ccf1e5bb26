/* SPDX-License-Identifier: ISC */
#ifndef ONCELINK_ATTACK_H
#define ONCELINK_ATTACK_H

#include <stdbool.h>
#include <stddef.h>

/*
 * What every attack is: a TAP test that takes its size from the environment
 * and says in lines of one form what it tried and what broke:
 *
 *   # torture | ATTACK | PROMISE | WHAT WAS TRIED | TRIED | BROKE | SECONDS
 *
 * tests/torture/run.py gathers these lines.  attack.py is the same for attacks
 * in Python.
 */

/* A row of the table in TESTING.md. */
struct attack_row {
	const char	*promise;	/* "1", "1, 8", "-" */
	const char	*what;		/* was tried, in the plural */
	unsigned long	 tried;
	unsigned long	 broke;
};

/* attack_begin(name): the first call; time runs. */
void	 attack_begin(const char *name);

/*
 * attack_size(sample, usual, much): one of these, by the environment's
 * TORTURE: "sample" or none, as `make check` has it; "default"; "long".
 * ONCELINK_TEST_SCALE makes a sample smaller, but never 0.
 */
unsigned long attack_size(unsigned long sample, unsigned long usual,
	    unsigned long much);

/* attack_step(sample, usual, much): likewise one of these, of which the
 * smallest tries the most: one in so many is tried. */
unsigned long attack_step(unsigned long sample, unsigned long usual,
	    unsigned long much);

/* attack_seed(): where chance begins: ONCELINK_TORTURE_SEED, or another
 * number at each run; it is printed. */
unsigned long attack_seed(void);

/* attack_broke(row, format, ...): a violation is counted; the first are
 * printed.  May be called by many threads at once, as may attack_tried. */
void	 attack_broke(struct attack_row *row, const char *format, ...)
	    __attribute__((format(printf, 2, 3)));

/* attack_tried(row): one more was tried. */
void	 attack_tried(struct attack_row *row);

/*
 * attack_rows(rows, count): the same rows in memory that all processes which
 * are begun later share; stays until the end.
 */
struct attack_row *attack_rows(const struct attack_row *rows, size_t count);

/* attack_share(processes, work, argument): have so many processes do it, each
 * told its number; one that does not end well is a failed test. */
void	 attack_share(unsigned int processes,
	    void (*work)(unsigned int, void *), void *argument);

/* attack_note(format, ...): a line that is not in the table. */
void	 attack_note(const char *format, ...)
	    __attribute__((format(printf, 1, 2)));

/* attack_row(row): print it; nothing tried is a failure. */
void	 attack_row(const struct attack_row *row);

/* attack_check(good, name): a test beside the rows. */
void	 attack_check(bool good, const char *name);

/* attack_end(): what main returns. */
int	 attack_end(void);

#endif

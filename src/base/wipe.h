/* SPDX-License-Identifier: ISC */
#ifndef ONCELINK_WIPE_H
#define ONCELINK_WIPE_H

#include <stddef.h>

/*
 * This module replaces free(3) and realloc(3) of the whole program, libraries
 * included, by ones that overwrite what is given back.  It is left out of
 * sanitizer builds, which bring an allocator of their own.
 */

/*
 * wipe_self_test(): prove that freed memory is overwritten and that the
 * allocator under us is the one we know.  Returns 0, or -1 when it is not so
 * (the program must not start).  Always 0 in sanitizer builds.
 */
int	 wipe_self_test(void);

/*
 * wipe_process(): no core file (RLIMIT_CORE 0) and no reading of this
 * process's memory by others (PR_SET_DUMPABLE 0).  Returns 0, or -1 with
 * errno.
 */
int	 wipe_process(void);

/* Requests were seen to go down 13 KiB. */
#define WIPE_STACK_BYTES	((size_t)24 << 10)

/*
 * wipe_stack(): overwrite what earlier calls of this thread left on its stack
 * below the caller, WIPE_STACK_BYTES deep: copies that no code knows of, such
 * as registers that were put there by the compiler or a signal.
 */
void	 wipe_stack(void);

#endif

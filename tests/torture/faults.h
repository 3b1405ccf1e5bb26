/* SPDX-License-Identifier: ISC */
#ifndef ONCELINK_FAULTS_H
#define ONCELINK_FAULTS_H

#include <stdbool.h>

/*
 * Calls of the system and of the allocator that fail when they are told to,
 * in the thread that told them or in all, for the program and its libraries
 * alike.
 */

enum faults_kind {
	FAULTS_READ,		/* EIO */
	FAULTS_WRITE,		/* EIO */
	FAULTS_FULL,		/* a write or an allocation of blocks: ENOSPC */
	FAULTS_SHORT,		/* a write is cut in half, the next is ENOSPC */
	FAULTS_SYNC,		/* EIO */
	FAULTS_TRUNCATE,	/* EIO */
	FAULTS_OPEN,		/* EMFILE */
	FAULTS_MEMORY,		/* NULL */
	FAULTS_KIND__MAX
};

extern const char *const faults_names[FAULTS_KIND__MAX];

/* faults_arm(kind, number, for_good): from now on the number-th call of that
 * kind fails, 1 for the next; for_good: all behind it too.  faults_disarm():
 * no more; returns whether any failed. */
void	 faults_arm(enum faults_kind kind, unsigned long number,
	    bool for_good);
bool	 faults_disarm(void);

/* faults_watch(hook, argument): in this thread call it when something fails for
 * the first time since faults_arm, before who called is told; nothing fails in
 * it.  NULL: nobody is called. */
void	 faults_watch(void (*hook)(void *), void *argument);

/* faults_arm_all(kind, one_in, seed): from now on, in every thread, of so many
 * calls of that kind one fails, by chance.
 * faults_disarm_all(): no more; returns how many failed. */
void	 faults_arm_all(enum faults_kind kind, unsigned int one_in,
	    unsigned long seed);
unsigned long faults_disarm_all(void);

/* faults_calls(): how many of that kind there were since. */
unsigned long faults_calls(void);

#endif

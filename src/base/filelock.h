/* SPDX-License-Identifier: ISC */
#ifndef ONCELINK_FILELOCK_H
#define ONCELINK_FILELOCK_H

/*
 * An exclusive flock(2) with a bounded wait.  The lock belongs to the open
 * file, so threads that share a descriptor do not exclude one another: use
 * one descriptor a holder, or let one thread at a time use it.
 */

/* filelock_prepare(): install the handler of the waking signal, once a
 * program and before its first thread.  Returns 0, or -1 with errno. */
int	 filelock_prepare(void);

/*
 * filelock_open(directory, name): open or make (0600, O_CLOEXEC) the lock
 * file `name` in the directory that is open at descriptor `directory`.
 * Returns the descriptor, which the caller closes, or -1 with errno.
 */
int	 filelock_open(int directory, const char *name);

/*
 * filelock_acquire(fd, milliseconds): take the lock, asleep in the kernel
 * until it is free (never polling), for at most so many milliseconds; 0 only
 * tries.  Whoever releases it and wants it again comes after one who sleeps.
 * Returns 0 when the lock is held, 1 when the time was over, -1 with errno.
 */
int	 filelock_acquire(int fd, int milliseconds);

/* filelock_release(fd): let the lock go. */
void	 filelock_release(int fd);

#endif

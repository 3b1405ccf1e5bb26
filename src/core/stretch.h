/* SPDX-License-Identifier: ISC */
#ifndef ONCELINK_STRETCH_H
#define ONCELINK_STRETCH_H

#include <stddef.h>
#include <stdint.h>

#include "crypto/seal.h"

/* Turns at Argon2id: one a core over all processes of a site. */
struct stretch;

/*
 * stretch_open(directory, wait): the lock files kdf.N in the state directory,
 * one a core; nobody waits longer than `wait` milliseconds.  Returns NULL
 * with errno.  The caller owns it.
 */
struct stretch *stretch_open(const char *directory, int64_t wait);

/* stretch_close(stretch): accepts NULL. */
void	 stretch_close(struct stretch *stretch);

/*
 * stretch_run(stretch, token, pin, length, passes, memory, out): wait for a
 * turn, then seal_stretch.  Returns 0, STORE_BUSY when no turn came in time,
 * or STORE_FAILED.
 */
int	 stretch_run(struct stretch *stretch, const uint8_t token[TOKEN_BYTES],
	    const void *pin, size_t length, uint32_t passes, uint32_t memory,
	    uint8_t out[SEAL_STRETCHBYTES]);

#endif

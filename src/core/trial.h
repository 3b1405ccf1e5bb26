/* SPDX-License-Identifier: ISC */
#ifndef ONCELINK_TRIAL_H
#define ONCELINK_TRIAL_H

#include <stddef.h>

#include "core/secret.h"

/* A secret that a site makes for itself, to see whether it can. */

/* How long one stays that nobody forgets, in ms. */
#define TRIAL_LIFETIME 300000

/* A secret of one view; pin NULL: none. */
struct trial {
	enum secret_kind kind;
	const char	*pin;		/* NUL-terminated */
	const void	*payload;
	size_t		 payload_size;
	uint8_t		 token[TOKEN_BYTES];	/* set by trial_create */
};

/* trial_create(site, arena, trial): returns 0 or a STORE_ failure. */
int	 trial_create(struct site *site, struct arena *arena,
	    struct trial *trial);

/* trial_read(site, arena, trial, same): read it as its reader would; *same
 * says whether what came is what was given.  Returns 0 or a STORE_ failure. */
int	 trial_read(struct site *site, struct arena *arena,
	    const struct trial *trial, bool *same);

/* trial_waits(site, trial, waits): is it there to be read? */
int	 trial_waits(struct site *site, const struct trial *trial,
	    bool *waits);

/*
 * trial_sealed(site, arena, trial, sealed, size): the bytes of its record as
 * they lie in the database, in the arena's memory.  Returns 0 or a STORE_
 * failure; one that is not there to be read is STORE_FAILED.
 */
int	 trial_sealed(struct site *site, struct arena *arena,
	    const struct trial *trial, const uint8_t **sealed, size_t *size);

/* trial_forget(site, token): leave nothing of it, no tombstone either; there
 * may be none.  Returns 0 or a STORE_ failure. */
int	 trial_forget(struct site *site, const uint8_t token[TOKEN_BYTES]);

#endif

/* SPDX-License-Identifier: ISC */
#ifndef ONCELINK_EPOCH_FILE_H
#define ONCELINK_EPOCH_FILE_H

#include <stddef.h>
#include <stdint.h>

#include "crypto/epoch.h"

struct stat;

/*
 * The files of keys of days, for epoch alone.  `state` is the state directory,
 * open; their directory is looked for in it anew each time.
 */

#define EPOCH_FILE_NAMESIZE	24

/* epoch_file_prepare(state, error): make their directory (0700) when it is not
 * there.  Refused when it is open to others.  Returns 0, or -1 with error. */
int	 epoch_file_prepare(int state, struct complaint *error);

/* epoch_file_name(epoch, name): of the file, below the state directory. */
void	 epoch_file_name(uint32_t epoch, char name[EPOCH_FILE_NAMESIZE]);

/*
 * epoch_file_read(state, epoch, key, status): the key, for the caller to wipe,
 * and fstat(2) of its file.  Returns 0, 1 when there is none, 2 when it is
 * destroyed but for its name (all zeroes), or -1 with errno, EBADMSG for a
 * file that is no key of that day.
 */
int	 epoch_file_read(int state, uint32_t epoch,
	    uint8_t key[EPOCH_KEYBYTES], struct stat *status);

/* epoch_file_make(state, epoch): a key drawn anew, in place of none, for good;
 * for one process at a time.  Returns 0, or -1 with errno: there is none. */
int	 epoch_file_make(int state, uint32_t epoch);

/* epoch_file_empty(state, epoch): one that is destroyed but for its name, in
 * place of none or of a damaged one, where a key would lie is overwritten; for
 * good, and for one process at a time.  Returns 0, or -1 with errno. */
int	 epoch_file_empty(int state, uint32_t epoch);

/* epoch_file_sync(state): have the names that are there survive a power cut,
 * with that of their directory.  Returns 0, or -1 with errno. */
int	 epoch_file_sync(int state);

/* epoch_file_destroy(state, before, count, error): see epoch_destroy. */
int	 epoch_file_destroy(int state, uint32_t before, size_t *count,
	    struct complaint *error);

#endif

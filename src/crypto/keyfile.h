/* SPDX-License-Identifier: ISC */
#ifndef ONCELINK_KEYFILE_H
#define ONCELINK_KEYFILE_H

#include <sys/stat.h>

#include <stddef.h>
#include <stdint.h>

struct complaint;

#define KEYFILE_KEYBYTES	32
#define KEYFILE_SEALS_MAX	64

/* A line `seal` of the file. */
struct keyfile_seal {
	uint32_t	 id;
	int64_t		 made_at;	/* seconds since 1970; 0: unknown */
	uint8_t		 key[KEYFILE_KEYBYTES];
};

/* What is in a key file, in guarded memory. */
struct keyfile {
	struct stat	 status;	/* of the file that was read */
	size_t		 count;		/* 1 or more */
	struct keyfile_seal seals[KEYFILE_SEALS_MAX];
	uint8_t		 lookup[KEYFILE_KEYBYTES];
};

/*
 * keyfile_read(path, error): refused when it is missing, not a regular file,
 * open to group or others, owned by somebody else than this user or root, or
 * not of the form.  Returns NULL with error.  The caller frees it.
 */
struct keyfile *keyfile_read(const char *path, struct complaint *error);

/* keyfile_free(keyfile): wipe and release.  Accepts NULL. */
void	 keyfile_free(struct keyfile *keyfile);

/* keyfile_create(path, error): make a new one, 0600, that did not exist, and
 * sync it and its directory.  Returns 0, or -1 with error. */
int	 keyfile_create(const char *path, struct complaint *error);

/*
 * keyfile_rotate(path, drop, drop_count, made, error): put a file with one
 * more seal key in its place, without the keys numbered in drop; whoever
 * looks sees the old one or the new one, also after a power cut.  *made is the
 * number of the new key.  Returns 0, or -1 with error and the file as it was;
 * where the directory alone could not be synced, error says that the new one
 * is there.
 */
int	 keyfile_rotate(const char *path, const uint32_t *drop,
	    size_t drop_count, uint32_t *made, struct complaint *error);

#endif

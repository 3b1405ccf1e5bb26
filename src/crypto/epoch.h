/* SPDX-License-Identifier: ISC */
#ifndef ONCELINK_EPOCH_H
#define ONCELINK_EPOCH_H

#include <stddef.h>
#include <stdint.h>

struct complaint;

#define EPOCH_KEYBYTES	32

/* More days than any secret may live. */
#define EPOCH_DAYS	4096

/* Where they are in the state directory. */
#define EPOCH_DIRECTORY_NAME	"keys"

/*
 * Keys of days.  What is over on one day (UTC) is sealed with that day's key
 * too, which is destroyed when the day is over: what copies of the disk still
 * hold of it then opens no more, whoever has link, PIN and key file.
 */
struct epochs;

/*
 * epoch_open(directory, error): the keys in the directory "keys" of the state
 * directory, which is made (0700) when it is not there and refused when it is
 * open to others.  Returns NULL with error.  The caller owns it.
 */
struct epochs *epoch_open(const char *directory, struct complaint *error);

/*
 * epoch_start(epochs): start the thread that wipes what was read more than
 * five seconds ago, for a process that stays: a key that was destroyed is gone
 * from its memory too, whether or not anybody asks for it.  Without it that is
 * done when another key is read.  Returns 0, or -1 when there is no thread.
 */
int	 epoch_start(struct epochs *epochs);

/* epoch_close(epochs): wipe and release.  Accepts NULL. */
void	 epoch_close(struct epochs *epochs);

/* epoch_of(expires_at): the epoch of what is over then (ms since 1970): its
 * day since 1970, at least 1. */
uint32_t epoch_of(int64_t expires_at);

/* epoch_begin(epoch): when its day begins, ms since 1970. */
int64_t	 epoch_begin(uint32_t epoch);

/* Who knows whether something waits that is sealed with the key of an epoch:
 * returns 0 (no), 1 (yes), or -1 when it cannot be told. */
struct epoch_user {
	int	(*uses)(void *argument, uint32_t epoch);
	void	*argument;
};

/*
 * epoch_make(epochs, epoch, user, error): before something is sealed: have the
 * key of that epoch on the disk, where a later start finds it.  A key that is
 * not there is made, unless the user says that it is missed; with NULL none
 * is.  Returns 0, 1 when the disk is full, or -1 with error.  For any thread
 * and process: who has a key waits for nobody; who makes, gives up or destroys
 * one waits for the others who do.
 */
int	 epoch_make(struct epochs *epochs, uint32_t epoch,
	    const struct epoch_user *user, struct complaint *error);

/* epoch_key(epochs, epoch, key): the key of an epoch, for the caller to wipe;
 * for five seconds after it was read also one that was destroyed since.
 * Returns 0, or -1 when it is destroyed or cannot be read. */
int	 epoch_key(struct epochs *epochs, uint32_t epoch,
	    uint8_t key[EPOCH_KEYBYTES]);

enum epoch_state {
	EPOCH_GOOD,		/* or what is left of one that was destroyed */
	EPOCH_GONE,
	EPOCH_DAMAGED,		/* or some other file under its name */
	EPOCH_UNREADABLE
};

/* epoch_examine(epochs, epoch, error): what is in the place of that key.  Why
 * it cannot be read is in error. */
enum epoch_state epoch_examine(const struct epochs *epochs, uint32_t epoch,
	    struct complaint *error);

/*
 * epoch_give_up(epochs, epoch, error): have a key that is gone or damaged stand
 * as one that was destroyed, so that another may be made; where it lay is
 * overwritten.  A good one is left alone.  Returns 0, 1 when the disk is full,
 * or -1 with error, as for one that cannot be read.
 */
int	 epoch_give_up(struct epochs *epochs, uint32_t epoch,
	    struct complaint *error);

/*
 * epoch_destroy(epochs, before, count, error): overwrite and remove the keys
 * of all epochs below `before`; *count is how many there were.  Returns 0, or
 * -1 with error when one is still there.
 */
int	 epoch_destroy(struct epochs *epochs, uint32_t before, size_t *count,
	    struct complaint *error);

#endif

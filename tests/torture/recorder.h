/* SPDX-License-Identifier: ISC */
#ifndef ONCELINK_RECORDER_H
#define ONCELINK_RECORDER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * A file layer of SQLite below ours that writes down what is done to the files
 * of one directory, and disks that hold what a power cut may have left of it.
 */

enum recorder_file { RECORDER_DATABASE, RECORDER_LOG, RECORDER_FILE__MAX };

/* The files' names in their directory. */
extern const char *const recorder_names[RECORDER_FILE__MAX];

/* A file that is removed is cut off whole. */
enum recorder_kind {
	RECORDER_WRITE,
	RECORDER_TRUNCATE,
	RECORDER_SYNC,
	RECORDER_FAILED		/* a sync that did */
};

struct recorder_step {
	enum recorder_kind	 kind;
	enum recorder_file	 file;
	int64_t			 offset;	/* TRUNCATE: the size */
	size_t			 length;
	uint8_t			*bytes;
};

/* Bytes as a file has them; size is 0 of a file that is not there. */
struct recorder_bytes {
	uint8_t	*bytes;
	size_t	 size, room;
};

/* What was done, in order, and what was there before. */
struct recorder {
	char			 directory[512];
	struct recorder_bytes	 before[RECORDER_FILE__MAX];
	struct recorder_step	*steps;
	size_t			 count, room;
	unsigned int		 sync_time;	/* microseconds */
	unsigned int		 sync_fails;	/* percent of them */
	bool			 sync_drops;	/* what one fails for is not
						   tried again */
};

/* recorder_register(): be the file layer under ours; before the store's first
 * use in this process. */
void	 recorder_register(void);

/*
 * recorder_start(recorder, directory, sync_time): write down from now on what
 * is done to files that are opened there; a sync takes so many microseconds,
 * so that others queue up behind it.  One recorder at a time, with no file of
 * it open at either end.  recorder_stop(): no more; the steps stay.
 * recorder_free(recorder): the steps go.
 */
void	 recorder_start(struct recorder *recorder, const char *directory,
	    unsigned int sync_time);
void	 recorder_stop(void);
void	 recorder_free(struct recorder *recorder);

/* recorder_place(): how many steps there are; what was answered before this
 * call was answered after those. */
size_t	 recorder_place(void);

/* A disk between two of the steps. */
struct recorder_disk {
	const struct recorder	*recorder;
	size_t			 cut;		/* steps before it */
	uint64_t		 random;
	struct recorder_bytes	 synced[RECORDER_FILE__MAX];
	struct recorder_bytes	 cache[RECORDER_FILE__MAX]; /* what who read
					   it was given then */
	size_t			*pending[RECORDER_FILE__MAX]; /* steps */
	size_t			 waiting[RECORDER_FILE__MAX]; /* … of them */
};

/* recorder_disk(disk, recorder, seed): before the first step.  What becomes of
 * writes whose sync failed is chance, which begins with the seed. */
void	 recorder_disk(struct recorder_disk *disk,
	    const struct recorder *recorder, uint64_t seed);

/* recorder_advance(disk): one step on. */
void	 recorder_advance(struct recorder_disk *disk);

/* recorder_disk_free(disk): its memory goes. */
void	 recorder_disk_free(struct recorder_disk *disk);

/* What becomes of what was not synced. */
enum recorder_fate {
	RECORDER_NOTHING,	/* of it is there */
	RECORDER_ALL,		/* of it is */
	RECORDER_LOG_ONLY,	/* all of the log, nothing of the database */
	RECORDER_DATABASE_ONLY,
	RECORDER_IN_ORDER,	/* all up to some sector, nothing behind it */
	RECORDER_BUT_ONE,	/* all sectors but one */
	RECORDER_ONE,		/* one sector alone */
	RECORDER_SOME,		/* each sector by chance, even */
	RECORDER_FEW,
	RECORDER_MOST,
	RECORDER_FATE__MAX
};

/* recorder_random(state): the next number of a small generator. */
uint64_t recorder_random(uint64_t *state);

/*
 * recorder_image(disk, fate, random, images): what the files are after the
 * power cut: memory of the caller's, reused from call to call.  A sector of
 * 512 bytes is what it was at some moment since the last sync, whole; what was
 * never written of a file that grew is zeros or noise.
 */
void	 recorder_image(const struct recorder_disk *disk,
	    enum recorder_fate fate, uint64_t *random,
	    struct recorder_bytes images[RECORDER_FILE__MAX]);

/* recorder_load(directory, files), recorder_store(directory, files): read and
 * write files; stale ones of SQLite's own are removed by the latter.  No file
 * of them may be open. */
void	 recorder_load(const char *directory,
	    struct recorder_bytes files[RECORDER_FILE__MAX]);
void	 recorder_store(const char *directory,
	    const struct recorder_bytes files[RECORDER_FILE__MAX]);

/* recorder_bytes_free(files): their memory goes. */
void	 recorder_bytes_free(struct recorder_bytes files[RECORDER_FILE__MAX]);

#endif

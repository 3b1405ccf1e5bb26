/* SPDX-License-Identifier: ISC */
/*
 * What a disk may hold after a power cut: of what was not synced any sectors,
 * each as it was at any moment since the sync; truncations that happened or
 * did not.  After a sync that failed the system takes for written what was not
 * (Linux does), or tries again with the next one.
 */
#include "recorder.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define SECTOR		512
#define OPEN_MAX_FILES	64

const char *const recorder_names[RECORDER_FILE__MAX] = {
	[RECORDER_DATABASE] = "oncelink.db",
	[RECORDER_LOG] = "oncelink.db-wal",
};

/* Files that are open below the directory, and how they are written. */
static struct {
	pthread_mutex_t		 mutex;
	sqlite3_vfs		 vfs;
	int			 (*open)(sqlite3_vfs *, const char *,
				    sqlite3_file *, int, int *);
	int			 (*remove)(sqlite3_vfs *, const char *, int);
	sqlite3_io_methods	 real[RECORDER_FILE__MAX];
	sqlite3_io_methods	 methods[RECORDER_FILE__MAX];
	struct recorder		*recorder;
} layer = { .mutex = PTHREAD_MUTEX_INITIALIZER };

static void
must(bool good, const char *what)
{
	if (good)
		return;
	(void)fprintf(stderr, "recorder: %s: %s\n", what, strerror(errno));
	abort();
}

static void
grow(struct recorder_bytes *file, size_t room)
{
	if (file->room >= room)
		return;
	file->room = room + room / 4 + SECTOR;
	file->bytes = realloc(file->bytes, file->room);
	must(file->bytes != NULL, "memory");
}

/* Longer with zeros, or shorter. */
static void
resize(struct recorder_bytes *file, size_t size)
{
	grow(file, size);
	if (size > file->size)
		memset(file->bytes + file->size, 0, size - file->size);
	file->size = size;
}

static void
copy(struct recorder_bytes *to, const struct recorder_bytes *from)
{
	grow(to, from->size);
	if (from->size > 0)
		memcpy(to->bytes, from->bytes, from->size);
	to->size = from->size;
}

/* Writing down */

static void
note(enum recorder_file file, enum recorder_kind kind, const void *bytes,
    size_t length, int64_t offset)
{
	struct recorder	*recorder = layer.recorder;
	struct recorder_step *step;

	if (recorder == NULL)
		return;
	if (recorder->count == recorder->room) {
		recorder->room = recorder->room * 2 + 1024;
		recorder->steps = realloc(recorder->steps, recorder->room *
		    sizeof(*recorder->steps));
		must(recorder->steps != NULL, "memory");
	}
	step = &recorder->steps[recorder->count++];
	*step = (struct recorder_step){
		.kind = kind, .file = file, .offset = offset, .length = length,
	};
	if (length > 0) {
		step->bytes = malloc(length);
		must(step->bytes != NULL, "memory");
		memcpy(step->bytes, bytes, length);
	}
}

static int
write_file(enum recorder_file which, sqlite3_file *file, const void *bytes,
    int length, sqlite3_int64 offset)
{
	int	 code;

	(void)pthread_mutex_lock(&layer.mutex);
	code = layer.real[which].xWrite(file, bytes, length, offset);
	if (code == SQLITE_OK)
		note(which, RECORDER_WRITE, bytes, (size_t)length, offset);
	(void)pthread_mutex_unlock(&layer.mutex);
	return code;
}

static int
truncate_file(enum recorder_file which, sqlite3_file *file, sqlite3_int64 size)
{
	int	 code;

	(void)pthread_mutex_lock(&layer.mutex);
	code = layer.real[which].xTruncate(file, size);
	if (code == SQLITE_OK)
		note(which, RECORDER_TRUNCATE, NULL, 0, size);
	(void)pthread_mutex_unlock(&layer.mutex);
	return code;
}

static int
sync_file(enum recorder_file which, sqlite3_file *file, int flags)
{
	static uint64_t	 random = 1;
	struct timespec	 pause = { 0 };
	int		 code = layer.real[which].xSync(file, flags);

	(void)pthread_mutex_lock(&layer.mutex);
	if (layer.recorder != NULL && recorder_random(&random) % 100 <
	    layer.recorder->sync_fails)
		code = SQLITE_IOERR_FSYNC;
	(void)pthread_mutex_unlock(&layer.mutex);

	if (layer.recorder != NULL)
		pause.tv_nsec = (long)layer.recorder->sync_time * 1000;
	if (pause.tv_nsec > 0)
		(void)nanosleep(&pause, NULL);
	(void)pthread_mutex_lock(&layer.mutex);
	note(which, code == SQLITE_OK ? RECORDER_SYNC : RECORDER_FAILED, NULL,
	    0, 0);
	(void)pthread_mutex_unlock(&layer.mutex);
	return code;
}

static int
write_database(sqlite3_file *file, const void *bytes, int length,
    sqlite3_int64 offset)
{
	return write_file(RECORDER_DATABASE, file, bytes, length, offset);
}

static int
write_log(sqlite3_file *file, const void *bytes, int length,
    sqlite3_int64 offset)
{
	return write_file(RECORDER_LOG, file, bytes, length, offset);
}

static int
truncate_database(sqlite3_file *file, sqlite3_int64 size)
{
	return truncate_file(RECORDER_DATABASE, file, size);
}

static int
truncate_log(sqlite3_file *file, sqlite3_int64 size)
{
	return truncate_file(RECORDER_LOG, file, size);
}

static int
sync_database(sqlite3_file *file, int flags)
{
	return sync_file(RECORDER_DATABASE, file, flags);
}

static int
sync_log(sqlite3_file *file, int flags)
{
	return sync_file(RECORDER_LOG, file, flags);
}

/* Which of the recorder's files is it?  RECORDER_FILE__MAX: none. */
static enum recorder_file
file_of(const char *path)
{
	size_t	 length = strlen(layer.recorder->directory);

	for (enum recorder_file i = 0; i < RECORDER_FILE__MAX; i++)
		if (strncmp(path, layer.recorder->directory, length) == 0 &&
		    strcmp(path + length, recorder_names[i]) == 0)
			return i;
	return RECORDER_FILE__MAX;
}

static int
remove_file(sqlite3_vfs *vfs, const char *name, int sync)
{
	enum recorder_file which;
	int	 code;

	(void)pthread_mutex_lock(&layer.mutex);
	code = layer.remove(vfs, name, sync);
	which = layer.recorder == NULL ? RECORDER_FILE__MAX : file_of(name);
	if (code == SQLITE_OK && which != RECORDER_FILE__MAX)
		note(which, RECORDER_TRUNCATE, NULL, 0, 0);
	(void)pthread_mutex_unlock(&layer.mutex);
	return code;
}

static int
open_file(sqlite3_vfs *vfs, const char *name, sqlite3_file *file, int flags,
    int *out)
{
	enum recorder_file which = (flags & SQLITE_OPEN_WAL) != 0 ?
	    RECORDER_LOG : RECORDER_DATABASE;
	int	 code = layer.open(vfs, name, file, flags, out);

	(void)pthread_mutex_lock(&layer.mutex);
	if (code == SQLITE_OK && layer.recorder != NULL &&
	    (flags & (SQLITE_OPEN_WAL | SQLITE_OPEN_MAIN_DB)) != 0 &&
	    strncmp(name, layer.recorder->directory,
	    strlen(layer.recorder->directory)) == 0) {
		layer.real[which] = layer.methods[which] = *file->pMethods;
		layer.methods[which].xWrite = which == RECORDER_LOG ?
		    write_log : write_database;
		layer.methods[which].xTruncate = which == RECORDER_LOG ?
		    truncate_log : truncate_database;
		layer.methods[which].xSync = which == RECORDER_LOG ?
		    sync_log : sync_database;
		file->pMethods = &layer.methods[which];
	}
	(void)pthread_mutex_unlock(&layer.mutex);
	return code;
}

void
recorder_register(void)
{
	sqlite3_vfs	*vfs;

	/* As the store does, which comes too late for it here. */
	(void)sqlite3_config(SQLITE_CONFIG_MULTITHREAD);
	(void)sqlite3_config(SQLITE_CONFIG_MEMSTATUS, 0);
	vfs = sqlite3_vfs_find(NULL);
	must(vfs != NULL, "no file layer");
	layer.vfs = *vfs;
	layer.open = vfs->xOpen;
	layer.vfs.zName = "recorder";
	layer.vfs.xOpen = open_file;
	layer.remove = vfs->xDelete;
	layer.vfs.xDelete = remove_file;
	must(sqlite3_vfs_register(&layer.vfs, 1) == SQLITE_OK, "register");
}

void
recorder_start(struct recorder *recorder, const char *directory,
    unsigned int sync_time)
{
	*recorder = (struct recorder){ .sync_time = sync_time };
	(void)snprintf(recorder->directory, sizeof(recorder->directory),
	    "%s/", directory);
	recorder_load(directory, recorder->before);
	layer.recorder = recorder;
}

void
recorder_stop(void)
{
	layer.recorder = NULL;
}

void
recorder_free(struct recorder *recorder)
{
	for (size_t i = 0; i < recorder->count; i++)
		free(recorder->steps[i].bytes);
	free(recorder->steps);
	recorder_bytes_free(recorder->before);
	*recorder = (struct recorder){ .count = 0 };
}

size_t
recorder_place(void)
{
	size_t	 count;

	(void)pthread_mutex_lock(&layer.mutex);
	count = layer.recorder->count;
	(void)pthread_mutex_unlock(&layer.mutex);
	return count;
}

/* Disks */

/* What a step does to a file whose cache is never lost. */
static void
apply(struct recorder_bytes *file, const struct recorder_step *step)
{
	size_t	 end = (size_t)step->offset + step->length;

	if (step->kind == RECORDER_TRUNCATE)
		resize(file, (size_t)step->offset);
	else if (step->kind == RECORDER_WRITE) {
		if (end > file->size)
			resize(file, end);
		memcpy(file->bytes + step->offset, step->bytes, step->length);
	}
}

void
recorder_disk(struct recorder_disk *disk, const struct recorder *recorder,
    uint64_t seed)
{
	*disk = (struct recorder_disk){
		.recorder = recorder, .random = seed,
	};
	for (int i = 0; i < RECORDER_FILE__MAX; i++) {
		copy(&disk->synced[i], &recorder->before[i]);
		copy(&disk->cache[i], &recorder->before[i]);
		disk->pending[i] = calloc(recorder->count + 1,
		    sizeof(*disk->pending[i]));
		must(disk->pending[i] != NULL, "memory");
	}
}

void
recorder_disk_free(struct recorder_disk *disk)
{
	for (int i = 0; i < RECORDER_FILE__MAX; i++)
		free(disk->pending[i]);
	recorder_bytes_free(disk->synced);
	recorder_bytes_free(disk->cache);
}

uint64_t
recorder_random(uint64_t *state)
{
	uint64_t	 value;

	/* Steele, Lea, Flood: SplitMix64. */
	*state += 0x9e3779b97f4a7c15;
	value = (*state ^ *state >> 30) * 0xbf58476d1ce4e5b9;
	value = (value ^ value >> 27) * 0x94d049bb133111eb;
	return value ^ value >> 31;
}

/* Which sectors, as they were written one after the other, reach the disk. */
struct choice {
	enum recorder_fate fate;
	unsigned int	 percent;
	size_t		 sectors;	/* seen until now */
	size_t		 chosen;
	uint64_t	*random;
};

static bool
reaches(struct choice *choice)
{
	size_t	 number = choice->sectors++;

	switch (choice->fate) {
	case RECORDER_IN_ORDER:
		return number < choice->chosen;
	case RECORDER_BUT_ONE:
		return number != choice->chosen;
	case RECORDER_ONE:
		return number == choice->chosen;
	default:
		return recorder_random(choice->random) % 100 < choice->percent;
	}
}

static size_t
sectors_of(const struct recorder_step *step)
{
	size_t	 first = (size_t)step->offset / SECTOR;

	if (step->kind == RECORDER_TRUNCATE)
		return 1;
	return ((size_t)step->offset + step->length - 1) / SECTOR - first + 1;
}

/* The image's sector becomes what the cache has. */
static void
write_sector(struct recorder_bytes *image, const struct recorder_bytes *cache,
    size_t number, bool noise, uint64_t *random)
{
	size_t	 begin = number * SECTOR, end = begin + SECTOR;
	size_t	 before = image->size;

	if (end > cache->size)
		end = cache->size;
	if (end > image->size)
		resize(image, end);
	for (size_t i = before; noise && i < begin; i++)
		image->bytes[i] = (uint8_t)recorder_random(random);
	memcpy(image->bytes + begin, cache->bytes + begin, end - begin);
}

/* What was not synced goes to the cache, and by choice to the image too. */
static void
write_out(const struct recorder_disk *disk, enum recorder_file file,
    struct choice *choice, bool noise, struct recorder_bytes *image,
    struct recorder_bytes *cache)
{
	for (size_t i = 0; i < disk->waiting[file]; i++) {
		const struct recorder_step *step =
		    &disk->recorder->steps[disk->pending[file][i]];
		size_t	 first = (size_t)step->offset / SECTOR;
		size_t	 count = sectors_of(step);

		apply(cache, step);
		if (step->kind == RECORDER_TRUNCATE) {
			if (reaches(choice))
				resize(image, cache->size);
			continue;
		}
		for (size_t number = first; number < first + count; number++)
			if (reaches(choice))
				write_sector(image, cache, number, noise,
				    choice->random);
	}
}

/* For the next file. */
static void
choose(const struct recorder_disk *disk, enum recorder_file file,
    struct choice *choice)
{
	static const unsigned int percents[RECORDER_FATE__MAX] = {
		[RECORDER_ALL] = 100, [RECORDER_IN_ORDER] = 100,
		[RECORDER_BUT_ONE] = 100, [RECORDER_ONE] = 100,
		[RECORDER_SOME] = 50, [RECORDER_FEW] = 10,
		[RECORDER_MOST] = 90,
	};
	size_t	 count = 0;

	for (size_t i = 0; i < disk->waiting[file]; i++)
		count += sectors_of(&disk->recorder->steps[
		    disk->pending[file][i]]);
	choice->sectors = 0;
	choice->chosen = recorder_random(choice->random) % (count + 1);
	choice->percent = percents[choice->fate];
	if ((choice->fate == RECORDER_LOG_ONLY && file == RECORDER_LOG) ||
	    (choice->fate == RECORDER_DATABASE_ONLY &&
	    file == RECORDER_DATABASE))
		choice->percent = 100;
}

static void
make_image(const struct recorder_disk *disk, enum recorder_file file,
    struct choice *choice, struct recorder_bytes *image)
{
	static struct recorder_bytes cache;
	bool	 noise = recorder_random(choice->random) % 2 == 0;
	bool	 sized = recorder_random(choice->random) % 2 == 0;
	size_t	 before;

	copy(image, &disk->synced[file]);
	copy(&cache, &disk->cache[file]);
	write_out(disk, file, choice, noise, image, &cache);
	/* The size may be there before what it is the size of. */
	before = image->size;
	if (sized && choice->percent != 0 && cache.size > before) {
		resize(image, cache.size);
		for (size_t i = before; noise && i < image->size; i++)
			image->bytes[i] =
			    (uint8_t)recorder_random(choice->random);
	}
}

void
recorder_image(const struct recorder_disk *disk, enum recorder_fate fate,
    uint64_t *random, struct recorder_bytes images[RECORDER_FILE__MAX])
{
	struct choice	 choice = { .fate = fate, .random = random };

	for (enum recorder_file file = 0; file < RECORDER_FILE__MAX; file++) {
		choose(disk, file, &choice);
		make_image(disk, file, &choice, &images[file]);
	}
}

void
recorder_advance(struct recorder_disk *disk)
{
	const struct recorder_step *step =
	    &disk->recorder->steps[disk->cut];
	enum recorder_file file = step->file;
	struct choice	 choice = {
		.fate = RECORDER_ALL, .random = &disk->random,
	};

	if (step->kind == RECORDER_WRITE || step->kind == RECORDER_TRUNCATE)
		disk->pending[file][disk->waiting[file]++] = disk->cut;
	disk->cut++;
	if (step->kind != RECORDER_SYNC && (step->kind != RECORDER_FAILED ||
	    !disk->recorder->sync_drops))
		return;
	if (step->kind == RECORDER_FAILED)
		choice.fate = (enum recorder_fate)(recorder_random(
		    &disk->random) % RECORDER_FATE__MAX);
	choose(disk, file, &choice);
	write_out(disk, file, &choice, false, &disk->synced[file],
	    &disk->cache[file]);
	disk->waiting[file] = 0;
}

/* Files */

static char *
path_of(const char *directory, const char *name, const char *more)
{
	char	*path;

	must(asprintf(&path, "%s/%s%s", directory, name, more) != -1,
	    "memory");
	return path;
}

void
recorder_load(const char *directory,
    struct recorder_bytes files[RECORDER_FILE__MAX])
{
	for (int i = 0; i < RECORDER_FILE__MAX; i++) {
		char	*path = path_of(directory, recorder_names[i], "");
		int	 fd = open(path, O_RDONLY | O_CLOEXEC);
		off_t	 size = fd == -1 ? 0 : lseek(fd, 0, SEEK_END);

		resize(&files[i], (size_t)size);
		must(size == 0 || pread(fd, files[i].bytes, (size_t)size, 0) ==
		    size, path);
		if (fd != -1)
			close(fd);
		free(path);
	}
}

void
recorder_store(const char *directory,
    const struct recorder_bytes files[RECORDER_FILE__MAX])
{
	char	*path;

	for (int i = 0; i < RECORDER_FILE__MAX; i++) {
		int	 fd;

		path = path_of(directory, recorder_names[i], "");
		fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC,
		    0600);
		must(fd != -1 && write(fd, files[i].bytes, files[i].size) ==
		    (ssize_t)files[i].size, path);
		close(fd);
		free(path);
	}
	path = path_of(directory, recorder_names[RECORDER_DATABASE], "-shm");
	must(unlink(path) == 0 || errno == ENOENT, path);
	free(path);
}

void
recorder_bytes_free(struct recorder_bytes files[RECORDER_FILE__MAX])
{
	for (int i = 0; i < RECORDER_FILE__MAX; i++) {
		free(files[i].bytes);
		files[i] = (struct recorder_bytes){ .size = 0 };
	}
}

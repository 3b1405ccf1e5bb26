/* SPDX-License-Identifier: ISC */

/*
 * Power cuts while keys of days are made, given up and destroyed.  What is
 * done to their files is written down; then a directory is made as a cut at
 * any place may have left it: of what was not synced any part, names and
 * contents each by themselves.  What was answered until then must be so.
 */
#include <sys/stat.h>

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>
#include <sodium.h>

#include "base/complaint.h"
#include "base/filelock.h"
#include "crypto/epoch.h"
#include "crypto/epoch_file.h"

#define TODAY		20000
#define DAYS		3
#define DISKS		16	/* of each place */
#define CONTENT_MAX	64
#define STEPS_MAX	128

enum kind { MAKE, NAME, WRITE, CUT, SYNC, SYNC_NAMES, SYNC_STATE };

static struct step {
	enum kind	 kind;
	int		 inode;		/* 0: a NAME stands for nothing */
	char		 name[EPOCH_FILE_NAMESIZE];
	size_t		 offset, size;
	uint8_t		 bytes[CONTENT_MAX];
} steps[STEPS_MAX];
static size_t	 steps_count;
static bool	 is_noting = true;
static bool	 maker_is_killed;	/* before it syncs the name */

static int	 inodes_count;
static int	 inode_of_fd[1024];
static char	 site_directory[512];

static struct step *
note(enum kind kind)
{
	static struct step	 none;

	if (!is_noting)
		return &none;
	assert_true(steps_count < STEPS_MAX);
	steps[steps_count].kind = kind;
	return &steps[steps_count++];
}

/* Without the directory, however it is told. */
static const char *
last_part(const char *name)
{
	const char	*slash = strrchr(name, '/');

	return slash == NULL ? name : slash + 1;
}

/* What a name stands for now, 0: for nothing. */
static int
inode_of(const char *name)
{
	for (size_t i = steps_count; i > 0; i--)
		if (steps[i - 1].kind == NAME &&
		    strcmp(steps[i - 1].name, last_part(name)) == 0)
			return steps[i - 1].inode;
	return 0;
}

static void
note_name(const char *name, int inode)
{
	struct step	*step = note(NAME);

	(void)snprintf(step->name, sizeof(step->name), "%s", last_part(name));
	step->inode = inode;
}

static int
noting_mkdirat(int fd, const char *name, mode_t mode)
{
	int	 result = mkdirat(fd, name, mode);

	if (result == 0)
		(void)note(MAKE);
	return result;
}

static int
noting_openat(int fd, const char *name, int flags, ...)
{
	int	 result = openat(fd, name, flags, 0600);

	if (result == -1 || !is_noting ||
	    (flags & (O_DIRECTORY | O_WRONLY)) != O_WRONLY)
		return result;
	assert_true((size_t)result < sizeof(inode_of_fd) /
	    sizeof(inode_of_fd[0]));
	if (inode_of(name) == 0)
		note_name(name, ++inodes_count);
	else if ((flags & O_TRUNC) != 0)
		note(CUT)->inode = inode_of(name);
	inode_of_fd[result] = inode_of(name);
	return result;
}

static ssize_t
noting_pwrite(int fd, const void *bytes, size_t size, off_t offset)
{
	struct step	*step = note(WRITE);

	assert_true((size_t)offset + size <= CONTENT_MAX);
	step->inode = inode_of_fd[fd];
	step->offset = (size_t)offset;
	step->size = size;
	memcpy(step->bytes, bytes, size);
	return pwrite(fd, bytes, size, offset);
}

static int
noting_fsync(int fd)
{
	struct stat	 status, state;

	assert_int_equal(fstat(fd, &status), 0);
	assert_int_equal(stat(site_directory, &state), 0);
	if (!S_ISDIR(status.st_mode))
		note(SYNC)->inode = inode_of_fd[fd];
	else if (!maker_is_killed)
		(void)note(status.st_ino == state.st_ino ? SYNC_STATE :
		    SYNC_NAMES);
	return 0;
}

static int
noting_renameat(int fd, const char *from, int other, const char *to)
{
	note_name(to, inode_of(from));
	note_name(from, 0);
	return renameat(fd, from, other, to);
}

static int
noting_unlinkat(int fd, const char *name, int flags)
{
	note_name(name, 0);
	return unlinkat(fd, name, flags);
}

#define mkdirat		noting_mkdirat
#define openat		noting_openat
#define pwrite		noting_pwrite
#define fsync		noting_fsync
#define renameat	noting_renameat
#define unlinkat	noting_unlinkat
#include "crypto/epoch_file.c"
#undef mkdirat
#undef openat
#undef pwrite
#undef fsync
#undef renameat
#undef unlinkat

/* What was answered, or was begun, when so many steps had been made. */
static struct answer {
	size_t		 place;
	uint32_t	 epoch;
	enum answer_what {
		MAKING, MADE, ENDING, DESTROYED, LOSING, LOST, GIVEN_UP
	} what;
	bool		 has_key;
	bool		 is_gone;	/* its file, by somebody else's hand */
	uint8_t		 key[EPOCH_KEYBYTES];
} answers[32];
static size_t	 answers_count;

/* The last one for this epoch until then. */
static const struct answer *
answer_at(size_t place, uint32_t epoch)
{
	for (size_t i = answers_count; i > 0; i--)
		if (answers[i - 1].epoch == epoch &&
		    answers[i - 1].place <= place)
			return &answers[i - 1];
	return NULL;
}

static void
answered(struct epochs *epochs, uint32_t epoch, enum answer_what what)
{
	struct answer	*answer = &answers[answers_count++];

	assert_true(answers_count < sizeof(answers) / sizeof(answers[0]));
	answer->place = steps_count;
	answer->epoch = epoch;
	answer->what = what;
	answer->has_key = what == MADE;
	if (what == MADE)
		assert_int_equal(epoch_key(epochs, epoch, answer->key), 0);
}

static void
make(struct epochs *epochs, uint32_t epoch)
{
	const struct answer *last = answer_at(steps_count, epoch);
	struct complaint error = { "" };

	if (last == NULL || last->what != MADE)
		answered(NULL, epoch, MAKING);
	if (epoch_make(epochs, epoch, NULL, &error) != 0)
		fail_msg("%s", error.text);
	answered(epochs, epoch, MADE);
}

static struct epochs *
open_epochs(const char *path)
{
	struct complaint error = { "" };
	struct epochs	*epochs = epoch_open(path, &error);

	if (epochs == NULL)
		fail_msg("%s", error.text);
	return epochs;
}

/* The key of some other day is in its place, and something behind it. */
static void
damage(int state, uint32_t epoch)
{
	static const char	 noise[CONTENT_MAX] = "the key of another day, "
				     "under this name";
	char			 name[EPOCH_FILE_NAMESIZE];
	int			 fd;

	answered(NULL, epoch, LOSING);
	epoch_file_name(epoch, name);
	fd = noting_openat(state, name, O_WRONLY);
	assert_int_equal(noting_pwrite(fd, noise, sizeof(noise), 0),
	    sizeof(noise));
	assert_int_equal(noting_fsync(fd), 0);
	close(fd);
	answered(NULL, epoch, LOST);
	answers[answers_count - 1].has_key = true;
	memcpy(answers[answers_count - 1].key, noise, EPOCH_KEYBYTES);
}

static void
lose(int state, uint32_t epoch)
{
	char	 name[EPOCH_FILE_NAMESIZE];

	answered(NULL, epoch, LOSING);
	epoch_file_name(epoch, name);
	assert_int_equal(noting_unlinkat(state, name, 0), 0);
	assert_int_equal(epoch_file_sync(state), 0);
	for (size_t i = 0; i < answers_count; i++)
		answers[i].is_gone |= answers[i].epoch == epoch;
	answered(NULL, epoch, LOST);
}

/* What programs do, and somebody who loses a key. */
static void
use_keys(void)
{
	struct epochs	*epochs = open_epochs(site_directory), *others;
	struct complaint error = { "" };
	size_t		 count;
	int		 state = open(site_directory, O_RDONLY | O_DIRECTORY);

	make(epochs, TODAY);
	maker_is_killed = true;
	assert_int_equal(epoch_make(epochs, TODAY + 1, NULL, &error), 0);
	maker_is_killed = false;
	others = open_epochs(site_directory);
	make(others, TODAY + 1);
	answered(NULL, TODAY, ENDING);
	assert_int_equal(epoch_destroy(epochs, TODAY + 1, &count, &error), 0);
	answered(NULL, TODAY, DESTROYED);
	lose(state, TODAY + 1);
	assert_int_equal(epoch_give_up(epochs, TODAY + 1, &error), 0);
	answered(NULL, TODAY + 1, GIVEN_UP);
	make(others, TODAY + 2);
	damage(state, TODAY + 2);
	assert_int_equal(epoch_give_up(epochs, TODAY + 2, &error), 0);
	answered(NULL, TODAY + 2, GIVEN_UP);
	make(others, TODAY);
	make(others, TODAY + 2);
	epoch_close(epochs);
	epochs = open_epochs(site_directory);
	make(epochs, TODAY + 1);
	for (uint32_t epoch = TODAY; epoch < TODAY + DAYS; epoch++)
		answered(NULL, epoch, ENDING);
	assert_int_equal(epoch_destroy(epochs, TODAY + 3, &count, &error), 0);
	for (uint32_t epoch = TODAY; epoch < TODAY + DAYS; epoch++)
		answered(NULL, epoch, DESTROYED);
	close(state);
	epoch_close(epochs);
	epoch_close(others);
}

/* The disk after a cut. */

static const char *const names[] = { "20000", "20001", "20002", "new" };
#define NAMES	(sizeof(names) / sizeof(names[0]))

static bool
chance(void)
{
	return random() % 2 == 0;
}

static size_t
last_of(size_t cut, enum kind kind, int inode)
{
	for (size_t i = cut; i > 0; i--)
		if (steps[i - 1].kind == kind && steps[i - 1].inode == inode)
			return i;
	return 0;
}

/* The contents of a file: all that was synced, any part of the rest. */
static size_t
contents(size_t cut, int inode, uint8_t bytes[CONTENT_MAX])
{
	size_t	 size = 0, synced = last_of(cut, SYNC, inode);

	memset(bytes, 0, CONTENT_MAX);
	for (size_t i = 0; i < cut; i++) {
		const struct step *step = &steps[i];
		size_t		 end = step->offset + step->size;

		if (step->inode != inode || (step->kind != WRITE &&
		    step->kind != CUT) || (i >= synced && chance()))
			continue;
		if (step->kind == CUT || end > size) {
			if (end < size)
				memset(bytes + end, 0, size - end);
			size = end;
		}
		/* The size may be there before what it is the size of. */
		if (step->kind == WRITE && (i < synced || chance()))
			memcpy(bytes + step->offset, step->bytes, step->size);
	}
	return size;
}

/* What a name stands for: as it was synced, or any that it had since. */
static int
target(size_t cut, const char *name)
{
	int	 inode = 0, seen = 1;
	size_t	 synced = last_of(cut, SYNC_NAMES, 0);

	for (size_t i = 0; i < cut; i++) {
		if (steps[i].kind != NAME || strcmp(steps[i].name, name) != 0)
			continue;
		if (i < synced || random() % ++seen == 0)
			inode = steps[i].inode;
	}
	return inode;
}

static void
store_file(int state, const char *name, const uint8_t *bytes, size_t size)
{
	char	 path[64];
	int	 fd;

	(void)snprintf(path, sizeof(path), "keys/%s", name);
	fd = openat(state, path, O_WRONLY | O_CREAT | O_TRUNC, 0600);
	assert_true(fd != -1);
	assert_int_equal(write(fd, bytes, size), size);
	close(fd);
}

static void
store_disk(int state, size_t cut)
{
	uint8_t	 bytes[CONTENT_MAX];
	size_t	 made = last_of(cut, MAKE, 0);
	int	 inode;

	if (last_of(cut, SYNC_STATE, 0) <= made && (made == 0 || chance()))
		return;
	assert_int_equal(mkdirat(state, "keys", 0700), 0);
	for (size_t i = 0; i < NAMES; i++)
		if ((inode = target(cut, names[i])) != 0)
			store_file(state, names[i], bytes,
			    contents(cut, inode, bytes));
}

static void
remove_disk(const char *path)
{
	char	 whole[600];

	for (size_t i = 0; i < NAMES; i++) {
		(void)snprintf(whole, sizeof(whole), "%s/keys/%s", path,
		    names[i]);
		(void)remove(whole);
	}
	(void)snprintf(whole, sizeof(whole), "%s/keys/lock", path);
	(void)remove(whole);
	(void)snprintf(whole, sizeof(whole), "%s/keys", path);
	(void)remove(whole);
	assert_int_equal(rmdir(path), 0);
}

/* Has any file, with a name or without one, a key that was under this name?
 * One whose file is gone is not ours to overwrite. */
static bool
is_on_disk(size_t cut, uint32_t epoch)
{
	uint8_t	 bytes[CONTENT_MAX];

	for (int inode = 1; inode <= inodes_count; inode++) {
		(void)contents(cut, inode, bytes);
		for (size_t i = 0; i < answers_count; i++)
			if (answers[i].epoch == epoch &&
			    answers[i].has_key && !answers[i].is_gone &&
			    memcmp(answers[i].key, bytes,
			    EPOCH_KEYBYTES) == 0)
				return true;
	}
	return false;
}

static void
judge_epoch(int state, size_t cut, uint32_t epoch)
{
	const struct answer *last = answer_at(cut, epoch);
	uint8_t		 key[EPOCH_KEYBYTES] = { 0 };
	struct stat	 status;
	bool		 known = false, ended = false;
	int		 result = epoch_file_read(state, epoch, key, &status);

	for (size_t i = 0; i < answers_count; i++) {
		if (answers[i].epoch != epoch)
			continue;
		ended = ended || (answers[i].place <= cut &&
		    answers[i].what > MADE);
		known = known || (answers[i].what == MADE &&
		    memcmp(answers[i].key, key, sizeof(key)) == 0);
	}
	if (result == 0 && !known)
		fail_msg("cut %zu: a key of %u that nobody had", cut, epoch);
	if (last != NULL && last->what == MADE &&
	    (result != 0 || memcmp(key, last->key, sizeof(key)) != 0))
		fail_msg("cut %zu: the key of %u is %d", cut, epoch, result);
	if (last != NULL && result == 0 && (last->what == DESTROYED ||
	    last->what == LOST))
		fail_msg("cut %zu: the key of %u is there", cut, epoch);
	if (last != NULL && last->what == GIVEN_UP && result != 2)
		fail_msg("cut %zu: %u is given up, and %d", cut, epoch, result);
	if (last != NULL && (last->what == DESTROYED ||
	    last->what == GIVEN_UP) && is_on_disk(cut, epoch))
		fail_msg("cut %zu: the key of %u is on the disk", cut, epoch);
	if (result == -1 && (epoch != TODAY + 2 || last == NULL ||
	    (last->what != LOST && last->what != LOSING)))
		fail_msg("cut %zu: the key of %u is damaged", cut, epoch);
	if (result == 2 && !ended)
		fail_msg("cut %zu: the key of %u is zeroes", cut, epoch);
}

/* What the cut left is in nobody's way. */
static void
go_on(const char *path, int disk, size_t cut)
{
	struct complaint error = { "" };
	struct epochs	*epochs = open_epochs(path);

	if (epoch_make(epochs, TODAY + DAYS, NULL, &error) != 0)
		fail_msg("cut %zu: %s", cut, error.text);
	assert_int_equal(unlinkat(disk, "keys/20003", 0), 0);
	epoch_close(epochs);
}

static void
keys_survive_cuts(void **state)
{
	const char	*base = getenv("TMPDIR");
	const char	*wanted = getenv("ONCELINK_TORTURE_SEED");
	unsigned int	 seed = wanted == NULL ? (unsigned int)getpid() :
			    (unsigned int)strtoul(wanted, NULL, 10);
	char		 replay[520];
	int		 disk;

	(void)state;
	print_message("# seed %u\n", seed);
	srandom(seed);
	(void)snprintf(site_directory, sizeof(site_directory),
	    "%s/oncelink-epoch.XXXXXX", base == NULL ? P_tmpdir : base);
	assert_non_null(mkdtemp(site_directory));
	use_keys();
	is_noting = false;
	(void)snprintf(replay, sizeof(replay), "%s.cut", site_directory);
	for (size_t cut = 0; cut <= steps_count; cut++)
		for (int i = 0; i < DISKS; i++) {
			assert_int_equal(mkdir(replay, 0700), 0);
			disk = open(replay, O_RDONLY | O_DIRECTORY);
			store_disk(disk, cut);
			for (uint32_t epoch = TODAY; epoch < TODAY + DAYS;
			    epoch++)
				judge_epoch(disk, cut, epoch);
			go_on(replay, disk, cut);
			close(disk);
			remove_disk(replay);
		}
	remove_disk(site_directory);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(keys_survive_cuts),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	if (sodium_init() == -1 || filelock_prepare() == -1)
		return 1;
	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: ISC */
/*
 * How the key of a day lies on the disk: one small file named by the day,
 * complete and synced before its name is there, overwritten before its name
 * goes.  It is looked for by its name below the state directory, as a later
 * start will: "keys" may be taken away and put back meanwhile.
 */
#include "crypto/epoch_file.h"

#include <sys/stat.h>

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/complaint.h"
#include "crypto/epoch.h"

#define KEYS_NAME	EPOCH_DIRECTORY_NAME
#define NEW_NAME	KEYS_NAME "/new"

#define MARK_BYTES	16
#define FILE_BYTES	(EPOCH_KEYBYTES + MARK_BYTES)
#define DIGITS_MAX	10

/* What tells a key from the wrong file, and from a file that is damaged. */
static void
mark_key(uint32_t epoch, const uint8_t key[EPOCH_KEYBYTES],
    uint8_t mark[MARK_BYTES])
{
	char	 text[32];

	(void)snprintf(text, sizeof(text), "oncelink epoch %u", epoch);
	crypto_generichash(mark, MARK_BYTES, (const uint8_t *)text,
	    strlen(text), key, EPOCH_KEYBYTES);
}

void
epoch_file_name(uint32_t epoch, char name[EPOCH_FILE_NAMESIZE])
{
	(void)snprintf(name, EPOCH_FILE_NAMESIZE, KEYS_NAME "/%u", epoch);
}

static int
open_directory(int state)
{
	return openat(state, KEYS_NAME, O_RDONLY | O_DIRECTORY |
	    O_NOFOLLOW | O_CLOEXEC);
}

int
epoch_file_prepare(int state, struct complaint *error)
{
	struct stat	 status;
	int		 fd;

	if (mkdirat(state, KEYS_NAME, 0700) == -1 && errno != EEXIST)
		return complaint(error, KEYS_NAME ": %s", strerror(errno));
	fd = open_directory(state);
	if (fd == -1 || fstat(fd, &status) == -1) {
		complaint(error, KEYS_NAME ": %s", strerror(errno));
		if (fd != -1)
			close(fd);
		return -1;
	}
	close(fd);
	if (status.st_uid != geteuid() || (status.st_mode &
	    (S_IRWXU | S_IRWXG | S_IRWXO)) != S_IRWXU)
		return complaint(error, KEYS_NAME ": the directory must be "
		    "yours and closed to others (chmod 700)");
	return 0;
}

int
epoch_file_read(int state, uint32_t epoch, uint8_t key[EPOCH_KEYBYTES],
    struct stat *status)
{
	char	 name[EPOCH_FILE_NAMESIZE];
	uint8_t	 bytes[FILE_BYTES + 1], mark[MARK_BYTES];
	ssize_t	 size;
	int	 fd, code, result = -1;

	epoch_file_name(epoch, name);
	fd = openat(state, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK |
	    O_CLOEXEC);
	if (fd == -1)
		return errno == ENOENT ? 1 : -1;
	size = fstat(fd, status) == -1 ? -1 : read(fd, bytes, sizeof(bytes));
	code = size == -1 ? errno : EBADMSG;
	close(fd);
	if (size == FILE_BYTES) {
		mark_key(epoch, bytes, mark);
		if (sodium_memcmp(mark, bytes + EPOCH_KEYBYTES,
		    MARK_BYTES) == 0) {
			memcpy(key, bytes, EPOCH_KEYBYTES);
			result = 0;
		} else if (sodium_is_zero(bytes, FILE_BYTES) == 1)
			result = 2;
	}
	sodium_memzero(bytes, sizeof(bytes));
	errno = code;
	return result;
}

int
epoch_file_sync(int state)
{
	int	 code, result, fd = open_directory(state);

	if (fd == -1)
		return -1;
	result = fsync(fd);
	code = errno;
	close(fd);
	errno = code;
	/* Its own name, which may be new too. */
	return result == 0 ? fsync(state) : -1;
}

/* Returns 0 when the file begins with these bytes for good, or -1 with
 * errno. */
static int
write_for_good(int fd, const uint8_t bytes[FILE_BYTES])
{
	ssize_t	 size = pwrite(fd, bytes, FILE_BYTES, 0);

	if (size == FILE_BYTES)
		return fsync(fd);
	if (size != -1)
		errno = ENOSPC;	/* as the next write would say */
	return -1;
}

/* Have a file of these bytes under the name, whole or not at all, for good.
 * Returns 0, or -1 with errno. */
static int
store(int state, const char *name, const uint8_t bytes[FILE_BYTES])
{
	int	 fd, code, result;

	fd = openat(state, NEW_NAME, O_WRONLY | O_CREAT | O_TRUNC |
	    O_NOFOLLOW | O_CLOEXEC, 0600);
	if (fd == -1)
		return -1;
	result = write_for_good(fd, bytes);
	if (result == 0)
		result = renameat(state, NEW_NAME, state, name);
	code = errno;
	close(fd);
	if (result == -1) {
		unlinkat(state, NEW_NAME, 0);
	} else if (epoch_file_sync(state) == -1) {
		/* Another sync may say that all is well. */
		code = errno;
		unlinkat(state, name, 0);
		result = -1;
	}
	errno = code;
	return result;
}

int
epoch_file_make(int state, uint32_t epoch)
{
	char	 name[EPOCH_FILE_NAMESIZE];
	uint8_t	 bytes[FILE_BYTES];
	int	 result;

	epoch_file_name(epoch, name);
	randombytes_buf(bytes, EPOCH_KEYBYTES);
	mark_key(epoch, bytes, bytes + EPOCH_KEYBYTES);
	result = store(state, name, bytes);
	sodium_memzero(bytes, sizeof(bytes));
	return result;
}

static const uint8_t	 zeroes[FILE_BYTES];

/* Returns 0 when a key that lies there is overwritten for good, or -1 with
 * errno. */
static int
overwrite(int directory, const char *name)
{
	int	 code, result;
	int	 fd = openat(directory, name, O_WRONLY | O_NOFOLLOW |
		    O_NONBLOCK | O_CLOEXEC);

	if (fd == -1)
		return -1;
	result = write_for_good(fd, zeroes);
	code = errno;
	close(fd);
	errno = code;
	return result;
}

int
epoch_file_empty(int state, uint32_t epoch)
{
	char	 name[EPOCH_FILE_NAMESIZE];

	epoch_file_name(epoch, name);
	if (overwrite(state, name) == -1 && errno != ENOENT)
		return -1;
	return store(state, name, zeroes);
}

/* A name that goes first would leave the key where nobody can reach it. */
static int
destroy(int directory, const char *name)
{
	return overwrite(directory, name) == 0 ?
	    unlinkat(directory, name, 0) : -1;
}

/* The epoch that a file is named after; 0: it is none of ours. */
static uint32_t
epoch_of_name(const char *name)
{
	char		*end;
	unsigned long	 epoch;

	if (name[0] < '1' || name[0] > '9' || strlen(name) > DIGITS_MAX)
		return 0;
	epoch = strtoul(name, &end, 10);
	return *end != '\0' || epoch > UINT32_MAX ? 0 : (uint32_t)epoch;
}

int
epoch_file_destroy(int state, uint32_t before, size_t *count,
    struct complaint *error)
{
	const struct dirent	*entry;
	DIR			*directory;
	int			 fd, failures = 0;

	*count = 0;
	fd = open_directory(state);
	if (fd == -1 || (directory = fdopendir(fd)) == NULL) {
		complaint(error, KEYS_NAME ": %s", strerror(errno));
		if (fd != -1)
			close(fd);
		return -1;
	}
	while ((entry = readdir(directory)) != NULL) {
		uint32_t epoch = epoch_of_name(entry->d_name);

		if (epoch == 0 || epoch >= before)
			continue;
		if (destroy(fd, entry->d_name) == 0)
			++*count;
		else
			failures++;
	}
	if (*count > 0 && fsync(fd) == -1)
		failures++;
	closedir(directory);
	return failures == 0 ? 0 : complaint(error, KEYS_NAME ": %d old keys "
	    "cannot be overwritten and removed", failures);
}

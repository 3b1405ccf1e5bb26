/* SPDX-License-Identifier: ISC */
/*
 * The key file: its form, who may read it, how it is made and how it gets
 * another key.  It is text:
 *
 *	oncelink-keys 1
 *	lookup <64 hex digits>
 *	seal <id> <64 hex digits>
 *	seal <id> <64 hex digits> <seconds since 1970>
 *
 * with one `lookup` line, which never changes, and one `seal` line a seal key,
 * ids from 1 and rising; the last one seals new records.  The number behind a
 * key says when it was made.
 */
#include "crypto/keyfile.h"

#include <sys/file.h>

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <sodium.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/complaint.h"
#include "base/durable.h"

#define FILE_HEADER	"oncelink-keys 1"
#define FILE_MAXBYTES	16384
#define HEX_LENGTH	((size_t)KEYFILE_KEYBYTES * 2)
#define ID_DIGITS	9
#define ID_MAX		999999999
#define TIME_DIGITS	12
#define NEW_SUFFIX	".new"

/* The number at the start of text, and how long it is; 0 for none, or for one
 * that is not written as numbers are. */
static size_t
read_number(const char *text, size_t length, size_t digits, uint64_t *number)
{
	size_t	 at = 0;

	*number = 0;
	while (at < length && at < digits && text[at] >= '0' &&
	    text[at] <= '9')
		*number = *number * 10 + (uint64_t)(text[at++] - '0');
	return at > 0 && text[0] == '0' ? 0 : at;
}

/* 64 hex digits; key holds nothing of any others. */
static int
read_key(const char *text, size_t length, uint8_t key[KEYFILE_KEYBYTES])
{
	size_t	 size;

	if (length != HEX_LENGTH)
		return -1;
	if (sodium_hex2bin(key, KEYFILE_KEYBYTES, text, length, NULL, &size,
	    NULL) != 0 || size != KEYFILE_KEYBYTES) {
		sodium_memzero(key, KEYFILE_KEYBYTES);
		return -1;
	}
	return 0;
}

/* `<id> <64 hex digits>[ <seconds>]`, the id above that of the key before. */
static int
read_seal_line(struct keyfile *keyfile, const char *text, size_t length)
{
	struct keyfile_seal	*seal;
	uint64_t		 id, last, made_at = 0;
	size_t			 at, behind;

	last = keyfile->count == 0 ? 0 :
	    keyfile->seals[keyfile->count - 1].id;
	at = read_number(text, length, ID_DIGITS, &id);
	if (at == 0 || at >= length || text[at] != ' ' || id <= last ||
	    keyfile->count == KEYFILE_SEALS_MAX)
		return -1;
	at++;
	if (length - at < HEX_LENGTH)
		return -1;
	behind = at + HEX_LENGTH;
	if (behind < length && (text[behind] != ' ' ||
	    read_number(text + behind + 1, length - behind - 1, TIME_DIGITS,
	    &made_at) != length - behind - 1 || behind + 1 == length))
		return -1;
	seal = &keyfile->seals[keyfile->count];
	if (read_key(text + at, HEX_LENGTH, seal->key) == -1)
		return -1;
	seal->id = (uint32_t)id;
	seal->made_at = (int64_t)made_at;
	keyfile->count++;
	return 0;
}

static int
read_line(struct keyfile *keyfile, unsigned int number, const char *line,
    size_t length)
{
	static const char lookup[] = "lookup ", seal[] = "seal ";

	if (number == 1)
		return length == strlen(FILE_HEADER) &&
		    memcmp(line, FILE_HEADER, length) == 0 ? 0 : -1;
	if (number == 2)
		return length < strlen(lookup) ||
		    memcmp(line, lookup, strlen(lookup)) != 0 ? -1 :
		    read_key(line + strlen(lookup), length - strlen(lookup),
		    keyfile->lookup);
	if (length < strlen(seal) || memcmp(line, seal, strlen(seal)) != 0)
		return -1;
	return read_seal_line(keyfile, line + strlen(seal),
	    length - strlen(seal));
}

static int
read_text(struct keyfile *keyfile, const char *path, const char *text,
    size_t length, struct complaint *error)
{
	unsigned int	 number = 0;
	const char	*end;

	while (length > 0) {
		number++;
		end = memchr(text, '\n', length);
		if (end == NULL || read_line(keyfile, number, text,
		    (size_t)(end - text)) == -1)
			return complaint(error, "%s:%u: this is not a line of "
			    "a key file as oncelinkctl init makes it; put the "
			    "right file back", path, number);
		length -= (size_t)(end + 1 - text);
		text = end + 1;
	}
	if (keyfile->count == 0)
		return complaint(error, "%s: the key file ends before its "
		    "first seal key; put the right file back", path);
	return 0;
}

static int
check_file(const char *path, const struct stat *status,
    struct complaint *error)
{
	if (!S_ISREG(status->st_mode))
		return complaint(error, "%s: the key file is not a regular "
		    "file", path);
	if ((status->st_mode & 077) != 0)
		return complaint(error, "%s: the key file can be read by "
		    "others (mode %03o); it must be 0600: if others may have "
		    "read it, make a new key, else chmod 600", path,
		    (unsigned int)status->st_mode & 0777);
	if (status->st_uid != geteuid() && status->st_uid != 0)
		return complaint(error, "%s: the key file belongs to another "
		    "user; it must belong to the user of this program", path);
	if (status->st_size > FILE_MAXBYTES)
		return complaint(error, "%s: the key file is longer than %d "
		    "bytes", path, FILE_MAXBYTES);
	return 0;
}

/* Up to FILE_MAXBYTES of it; -1 with errno. */
static ssize_t
read_all(int fd, char *text)
{
	size_t	 length = 0;
	ssize_t	 got;

	while (length < FILE_MAXBYTES) {
		got = read(fd, text + length, FILE_MAXBYTES - length);
		if (got == -1)
			return -1;
		if (got == 0)
			break;
		length += (size_t)got;
	}
	return (ssize_t)length;
}

struct keyfile *
keyfile_read(const char *path, struct complaint *error)
{
	struct keyfile	*keyfile = NULL;
	char		*text = NULL;
	ssize_t		 length;
	int		 fd, result = -1;

	fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	if (fd == -1) {
		complaint(error, "%s: the key file cannot be opened: %s%s",
		    path, strerror(errno), errno == ENOENT ?
		    " (oncelinkctl init makes one)" : "");
		return NULL;
	}
	text = sodium_malloc(FILE_MAXBYTES);
	keyfile = sodium_malloc(sizeof(*keyfile));
	if (text == NULL || keyfile == NULL) {
		complaint(error, "there is no memory for the keys");
		goto out;
	}
	sodium_memzero(keyfile, sizeof(*keyfile));
	if (fstat(fd, &keyfile->status) == -1) {
		complaint(error, "%s: %s", path, strerror(errno));
		goto out;
	}
	if (check_file(path, &keyfile->status, error) == -1)
		goto out;
	if ((length = read_all(fd, text)) == -1)
		complaint(error, "%s: %s", path, strerror(errno));
	else
		result = read_text(keyfile, path, text, (size_t)length, error);
out:
	if (result == -1) {
		sodium_free(keyfile);
		keyfile = NULL;
	}
	sodium_free(text);
	close(fd);
	return keyfile;
}

void
keyfile_free(struct keyfile *keyfile)
{
	sodium_free(keyfile);
}

/* The text of keys, NUL-terminated, in FILE_MAXBYTES of memory.  64 lines of
 * the longest form there is fit twice. */
static size_t
write_text(const struct keyfile *keyfile, char *text)
{
	char	 hex[HEX_LENGTH + 1];
	size_t	 at;

	sodium_bin2hex(hex, sizeof(hex), keyfile->lookup, KEYFILE_KEYBYTES);
	at = (size_t)snprintf(text, FILE_MAXBYTES, "%s\nlookup %s\n",
	    FILE_HEADER, hex);
	for (size_t i = 0; i < keyfile->count; i++) {
		const struct keyfile_seal *seal = &keyfile->seals[i];

		sodium_bin2hex(hex, sizeof(hex), seal->key, KEYFILE_KEYBYTES);
		at += (size_t)snprintf(text + at, FILE_MAXBYTES - at,
		    "seal %" PRIu32 " %s", seal->id, hex);
		if (seal->made_at != 0)
			at += (size_t)snprintf(text + at, FILE_MAXBYTES - at,
			    " %" PRId64, seal->made_at);
		at += (size_t)snprintf(text + at, FILE_MAXBYTES - at, "\n");
	}
	sodium_memzero(hex, sizeof(hex));
	return at;
}

/* A disk that has no room for all says so with the next write. */
static bool
write_all(int fd, const char *text, size_t length)
{
	ssize_t	 put;

	for (; length > 0; text += put, length -= (size_t)put)
		if ((put = write(fd, text, length)) <= 0)
			return false;
	return true;
}

/* A new file at path, synced; its directory is not. */
static int
write_file(const struct keyfile *keyfile, const char *path,
    struct complaint *error)
{
	char	*text;
	size_t	 length;
	int	 fd, result = -1;

	if ((text = sodium_malloc(FILE_MAXBYTES)) == NULL)
		return complaint(error, "there is no memory for the keys");
	fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW,
	    0600);
	if (fd == -1) {
		complaint(error, "%s: the key file cannot be made: %s", path,
		    strerror(errno));
		goto out;
	}
	length = write_text(keyfile, text);
	if (!write_all(fd, text, length) || fsync(fd) == -1) {
		complaint(error, "%s: the key file cannot be written: %s",
		    path, strerror(errno));
		unlink(path);
	} else
		result = 0;
	close(fd);
out:
	sodium_free(text);
	return result;
}

static void
add_key(struct keyfile *keyfile, uint32_t id)
{
	struct keyfile_seal	*seal = &keyfile->seals[keyfile->count++];

	seal->id = id;
	seal->made_at = clock_wall() / 1000;
	randombytes_buf(seal->key, sizeof(seal->key));
}

int
keyfile_create(const char *path, struct complaint *error)
{
	struct keyfile	*keyfile;
	int		 result;

	if ((keyfile = sodium_malloc(sizeof(*keyfile))) == NULL)
		return complaint(error, "there is no memory for the keys");
	sodium_memzero(keyfile, sizeof(*keyfile));
	randombytes_buf(keyfile->lookup, sizeof(keyfile->lookup));
	add_key(keyfile, 1);
	result = write_file(keyfile, path, error);
	if (result == 0 && durable_name(path) == -1) {
		result = complaint(error, "%s: the key file cannot be "
		    "written: %s", path, strerror(errno));
		unlink(path);
	}
	keyfile_free(keyfile);
	return result;
}

static bool
is_among(uint32_t id, const uint32_t *ids, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (ids[i] == id)
			return true;
	return false;
}

static void
drop_keys(struct keyfile *keyfile, const uint32_t *drop, size_t count)
{
	size_t	 kept = 0;

	for (size_t i = 0; i < keyfile->count; i++)
		if (!is_among(keyfile->seals[i].id, drop, count))
			keyfile->seals[kept++] = keyfile->seals[i];
	keyfile->count = kept;
}

/* Overwrite the keys of a file that has no name any more; one that has is
 * somebody's copy.  Closes it. */
static void
overwrite(int fd)
{
	static const char	 zeroes[FILE_MAXBYTES];
	struct stat		 status;

	if (fd == -1)
		return;
	if (fstat(fd, &status) == 0 && status.st_nlink == 0 &&
	    status.st_size <= FILE_MAXBYTES &&
	    pwrite(fd, zeroes, (size_t)status.st_size, 0) == status.st_size)
		fsync(fd);
	close(fd);
}

/* Some keep their key file read-only, even for its owner. */
static int
open_to_overwrite(const char *path)
{
	static const int	 flags = O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK;
	int			 fd = open(path, O_RDONLY | flags);

	if (fd != -1) {
		(void)fchmod(fd, 0600);
		close(fd);
	}
	return open(path, O_WRONLY | flags);
}

/* Write it beside, then put it in its place, and leave nothing of what was
 * there: a key that was taken out must not be found on the disk. */
static int
replace(const struct keyfile *keyfile, const char *path,
    struct complaint *error)
{
	char	*beside;
	int	 fd, result;

	if (asprintf(&beside, "%s%s", path, NEW_SUFFIX) == -1)
		return complaint(error, "there is no memory");
	/* What one that was killed has left; nobody else is here now. */
	fd = open_to_overwrite(beside);
	unlink(beside);
	overwrite(fd);
	fd = open_to_overwrite(path);
	result = write_file(keyfile, beside, error);
	if (result == 0 && rename(beside, path) == -1) {
		result = complaint(error, "%s: the key file cannot be "
		    "replaced: %s", path, strerror(errno));
		unlink(beside);
	}
	free(beside);
	if (result == 0 && durable_name(path) == -1)
		result = complaint(error, "%s: the new key is there, but may "
		    "not outlive a power cut: %s", path, strerror(errno));
	if (result == 0)
		overwrite(fd);
	else if (fd != -1)
		close(fd);
	return result;
}

int
keyfile_rotate(const char *path, const uint32_t *drop, size_t drop_count,
    uint32_t *made, struct complaint *error)
{
	struct keyfile	*keyfile;
	int		 directory, result = -1;

	/* The directory is the lock: a file of its own would stay behind. */
	if ((directory = durable_directory(path)) == -1)
		return complaint(error, "%s: its directory cannot be opened: "
		    "%s", path, strerror(errno));
	if (flock(directory, LOCK_EX | LOCK_NB) == -1) {
		complaint(error, "%s: its directory cannot be locked: %s",
		    path, errno == EWOULDBLOCK ? "somebody else changes the "
		    "keys now" : strerror(errno));
		close(directory);
		return -1;
	}
	if ((keyfile = keyfile_read(path, error)) == NULL)
		goto out;
	*made = keyfile->seals[keyfile->count - 1].id + 1;
	drop_keys(keyfile, drop, drop_count);
	if (keyfile->count == KEYFILE_SEALS_MAX || *made > ID_MAX) {
		complaint(error, "%s: there are as many seal keys as can be; "
		    "the next can be made when no secret is left that the "
		    "older ones sealed", path);
		goto out;
	}
	add_key(keyfile, *made);
	result = replace(keyfile, path, error);
out:
	keyfile_free(keyfile);
	close(directory);
	return result;
}

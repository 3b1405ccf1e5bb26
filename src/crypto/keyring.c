/* SPDX-License-Identifier: ISC */
/*
 * The server's keys: the form of the key file, who may read it, and which
 * subkeys come from which key.  The file is text:
 *
 *	oncelink-keys 1
 *	lookup <64 hex digits>
 *	seal <id> <64 hex digits>
 *
 * with one `lookup` line, which never changes, and one `seal` line a seal key,
 * ids from 1 and rising; the last one seals new records.
 */
#include <sys/stat.h>

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/complaint.h"
#include "crypto/keyring.h"

#define FILE_HEADER	"oncelink-keys 1"
#define FILE_MAXBYTES	16384
#define SEAL_KEYS_MAX	64
#define HEX_LENGTH	((size_t)KEYRING_KEYBYTES * 2)
#define SIGN_KEY_MIN	16
#define SIGN_KEY_PREFIX	"oncelink SIGN_KEY"

/* The contexts of crypto_kdf, which keep the two families of keys apart. */
#define LOOKUP_CONTEXT	"oncelook"
#define SEAL_CONTEXT	"onceseal"

enum { SEAL_SUBKEY = 1, VERIFY_SUBKEY = 2 };

struct seal_key {
	uint32_t	 id;
	uint8_t		 seal[KEYRING_KEYBYTES];
	uint8_t		 verify[KEYRING_KEYBYTES];
};

struct keyring {
	uint64_t	 count;
	struct seal_key	 keys[SEAL_KEYS_MAX];
	uint8_t		 subkeys[KEYRING_USE__MAX][KEYRING_KEYBYTES];
};

static struct keyring *
keyring_alloc(struct complaint *error)
{
	struct keyring	*keyring;

	keyring = sodium_malloc(sizeof(*keyring));
	if (keyring == NULL) {
		complaint(error, "there is no memory for the keys");
		return NULL;
	}
	memset(keyring, 0, sizeof(*keyring));
	return keyring;
}

static void
set_lookup_key(struct keyring *keyring, const uint8_t key[KEYRING_KEYBYTES])
{
	for (uint64_t use = KEYRING_LOOKUP; use < KEYRING_USE__MAX; use++)
		crypto_kdf_derive_from_key(keyring->subkeys[use],
		    KEYRING_KEYBYTES, use, LOOKUP_CONTEXT, key);
}

static void
add_seal_key(struct keyring *keyring, uint32_t id,
    const uint8_t key[KEYRING_KEYBYTES])
{
	struct seal_key	*entry = &keyring->keys[keyring->count++];

	entry->id = id;
	crypto_kdf_derive_from_key(entry->seal, KEYRING_KEYBYTES, SEAL_SUBKEY,
	    SEAL_CONTEXT, key);
	crypto_kdf_derive_from_key(entry->verify, KEYRING_KEYBYTES,
	    VERIFY_SUBKEY, SEAL_CONTEXT, key);
}

/* 64 hex digits that end the line; key holds nothing of any others. */
static int
read_key(const char *text, size_t length, uint8_t key[KEYRING_KEYBYTES])
{
	size_t	 size;

	if (length != HEX_LENGTH)
		return -1;
	if (sodium_hex2bin(key, KEYRING_KEYBYTES, text, length, NULL, &size,
	    NULL) != 0 || size != KEYRING_KEYBYTES) {
		sodium_memzero(key, KEYRING_KEYBYTES);
		return -1;
	}
	return 0;
}

/* `<id> <64 hex digits>`, the id above that of the key before. */
static int
read_seal_line(struct keyring *keyring, const char *text, size_t length)
{
	uint8_t	 key[KEYRING_KEYBYTES];
	uint64_t id = 0, last;
	size_t	 at = 0;

	while (at < length && at < 9 && text[at] >= '0' && text[at] <= '9')
		id = id * 10 + (uint64_t)(text[at++] - '0');
	last = keyring->count == 0 ? 0 : keyring->keys[keyring->count - 1].id;
	if (at == 0 || text[0] == '0' || at >= length || text[at] != ' ' ||
	    id <= last || keyring->count == SEAL_KEYS_MAX)
		return -1;
	at++;
	if (read_key(text + at, length - at, key) == -1)
		return -1;
	add_seal_key(keyring, (uint32_t)id, key);
	sodium_memzero(key, sizeof(key));
	return 0;
}

static int
read_line(struct keyring *keyring, unsigned int number, const char *line,
    size_t length)
{
	static const char lookup[] = "lookup ", seal[] = "seal ";
	uint8_t	 key[KEYRING_KEYBYTES];

	if (number == 1)
		return length == strlen(FILE_HEADER) &&
		    memcmp(line, FILE_HEADER, length) == 0 ? 0 : -1;
	if (number == 2) {
		if (length < strlen(lookup) ||
		    memcmp(line, lookup, strlen(lookup)) != 0 ||
		    read_key(line + strlen(lookup), length - strlen(lookup),
		    key) == -1)
			return -1;
		set_lookup_key(keyring, key);
		sodium_memzero(key, sizeof(key));
		return 0;
	}
	if (length < strlen(seal) || memcmp(line, seal, strlen(seal)) != 0)
		return -1;
	return read_seal_line(keyring, line + strlen(seal),
	    length - strlen(seal));
}

static int
read_text(struct keyring *keyring, const char *path, const char *text,
    size_t length, struct complaint *error)
{
	unsigned int	 number = 0;
	const char	*end;

	while (length > 0) {
		number++;
		end = memchr(text, '\n', length);
		if (end == NULL || read_line(keyring, number, text,
		    (size_t)(end - text)) == -1)
			return complaint(error, "%s:%u: this is not a line of "
			    "a key file as oncelinkctl init makes it; put the "
			    "right file back", path, number);
		length -= (size_t)(end + 1 - text);
		text = end + 1;
	}
	if (keyring->count == 0)
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

struct keyring *
keyring_load(const char *path, struct complaint *error)
{
	struct keyring	*keyring = NULL;
	struct stat	 status;
	char		*text = NULL;
	size_t		 length = 0;
	ssize_t		 got;
	int		 fd;

	fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	if (fd == -1) {
		complaint(error, "%s: the key file cannot be opened: %s%s",
		    path, strerror(errno), errno == ENOENT ?
		    " (oncelinkctl init makes one)" : "");
		return NULL;
	}
	if (fstat(fd, &status) == -1) {
		complaint(error, "%s: %s", path, strerror(errno));
		goto out_fd;
	}
	if (check_file(path, &status, error) == -1)
		goto out_fd;
	text = sodium_malloc(FILE_MAXBYTES);
	keyring = keyring_alloc(error);
	if (text == NULL || keyring == NULL) {
		complaint(error, "there is no memory for the keys");
		goto fail;
	}
	while (length < FILE_MAXBYTES) {
		got = read(fd, text + length, FILE_MAXBYTES - length);
		if (got == -1) {
			complaint(error, "%s: %s", path, strerror(errno));
			goto fail;
		}
		if (got == 0)
			break;
		length += (size_t)got;
	}
	if (read_text(keyring, path, text, length, error) == -1)
		goto fail;
	sodium_mprotect_readonly(keyring);
	goto out_text;
fail:
	sodium_free(keyring);
	keyring = NULL;
out_text:
	sodium_free(text);
out_fd:
	close(fd);
	return keyring;
}

struct keyring *
keyring_from_sign_key(const char *text, struct complaint *error)
{
	crypto_generichash_state state;
	uint8_t		 key[KEYRING_KEYBYTES];
	struct keyring	*keyring;

	if (strlen(text) < SIGN_KEY_MIN) {
		complaint(error, "SIGN_KEY is shorter than %d bytes: give it "
		    "something long and random", SIGN_KEY_MIN);
		return NULL;
	}
	keyring = keyring_alloc(error);
	if (keyring == NULL)
		return NULL;
	crypto_generichash_init(&state, NULL, 0, sizeof(key));
	crypto_generichash_update(&state, (const uint8_t *)SIGN_KEY_PREFIX,
	    strlen(SIGN_KEY_PREFIX));
	crypto_generichash_update(&state, (const uint8_t *)text, strlen(text));
	crypto_generichash_final(&state, key, sizeof(key));
	sodium_memzero(&state, sizeof(state));
	set_lookup_key(keyring, key);
	add_seal_key(keyring, 0, key);
	sodium_memzero(key, sizeof(key));
	sodium_mprotect_readonly(keyring);
	return keyring;
}

/* Make a name in a directory survive a power cut. */
static int
sync_directory_of(const char *path)
{
	char	*copy;
	int	 fd, result = -1;

	copy = strdup(path);
	if (copy == NULL)
		return -1;
	fd = open(dirname(copy), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd != -1) {
		result = fsync(fd);
		close(fd);
	}
	free(copy);
	return result;
}

int
keyring_create(const char *path, struct complaint *error)
{
	uint8_t	 key[2][KEYRING_KEYBYTES];
	char	 hex[2][HEX_LENGTH + 1];
	char	 text[sizeof(FILE_HEADER) + 2 * sizeof(hex[0]) + 32];
	int	 fd, length, result = -1;

	fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW,
	    0600);
	if (fd == -1)
		return complaint(error, "%s: the key file cannot be made: %s",
		    path, strerror(errno));
	randombytes_buf(key, sizeof(key));
	sodium_bin2hex(hex[0], sizeof(hex[0]), key[0], sizeof(key[0]));
	sodium_bin2hex(hex[1], sizeof(hex[1]), key[1], sizeof(key[1]));
	length = snprintf(text, sizeof(text), "%s\nlookup %s\nseal 1 %s\n",
	    FILE_HEADER, hex[0], hex[1]);
	if (write(fd, text, (size_t)length) != length || fsync(fd) == -1 ||
	    sync_directory_of(path) == -1) {
		complaint(error, "%s: the key file cannot be written: %s", path,
		    strerror(errno));
		unlink(path);
	} else
		result = 0;
	close(fd);
	sodium_memzero(key, sizeof(key));
	sodium_memzero(hex, sizeof(hex));
	sodium_memzero(text, sizeof(text));
	return result;
}

void
keyring_free(struct keyring *keyring)
{
	sodium_free(keyring);
}

const uint8_t *
keyring_subkey(const struct keyring *keyring, enum keyring_use use)
{
	return keyring->subkeys[use];
}

uint32_t
keyring_newest(const struct keyring *keyring)
{
	return keyring->keys[keyring->count - 1].id;
}

static const struct seal_key *
find_seal_key(const struct keyring *keyring, uint32_t id)
{
	for (uint64_t i = keyring->count; i > 0; i--)
		if (keyring->keys[i - 1].id == id)
			return &keyring->keys[i - 1];
	return NULL;
}

const uint8_t *
keyring_seal_subkey(const struct keyring *keyring, uint32_t id)
{
	const struct seal_key	*key = find_seal_key(keyring, id);

	return key == NULL ? NULL : key->seal;
}

const uint8_t *
keyring_verify_subkey(const struct keyring *keyring, uint32_t id)
{
	const struct seal_key	*key = find_seal_key(keyring, id);

	return key == NULL ? NULL : key->verify;
}

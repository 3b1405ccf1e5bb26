/* SPDX-License-Identifier: ISC */
/*
 * A key file.  One that is taken gets another key and is read again.
 */
#include <sys/stat.h>

#include <fcntl.h>
#include <sodium.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/complaint.h"
#include "crypto/keyfile.h"
#include "crypto/keyring.h"
#include "fuzz.h"

static const char	*path;

int
LLVMFuzzerInitialize(int *argc, char ***argv)
{
	(void)argc;
	(void)argv;
	fuzz_must(sodium_init() >= 0);
	path = fuzz_file("key");
	return 0;
}

static void
put(const uint8_t *bytes, size_t size)
{
	int	 fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);

	fuzz_must(fd != -1 && write(fd, bytes, size) == (ssize_t)size &&
	    close(fd) == 0);
}

static void
check(const struct keyfile *keyfile)
{
	uint32_t	 last = 0;

	fuzz_must(keyfile->count >= 1 && keyfile->count <= KEYFILE_SEALS_MAX);
	for (size_t i = 0; i < keyfile->count; i++) {
		fuzz_must(keyfile->seals[i].id > last);
		fuzz_must(keyfile->seals[i].made_at >= 0);
		last = keyfile->seals[i].id;
	}
}

/* The keys that were there are there, in their order, and one more. */
static void
check_rotation(const struct keyfile *before)
{
	struct complaint error;
	struct keyfile	*after;
	uint32_t	 made;

	if (keyfile_rotate(path, NULL, 0, &made, &error) == -1) {
		fuzz_must(before->count == KEYFILE_SEALS_MAX ||
		    before->seals[before->count - 1].id == 999999999);
		return;
	}
	fuzz_must((after = keyfile_read(path, &error)) != NULL);
	check(after);
	fuzz_must(after->count == before->count + 1 &&
	    after->seals[before->count].id == made);
	fuzz_must(memcmp(after->lookup, before->lookup,
	    sizeof(after->lookup)) == 0);
	for (size_t i = 0; i < before->count; i++)
		fuzz_must(after->seals[i].id == before->seals[i].id &&
		    after->seals[i].made_at == before->seals[i].made_at &&
		    memcmp(after->seals[i].key, before->seals[i].key,
		    KEYFILE_KEYBYTES) == 0);
	keyfile_free(after);
}

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
	struct complaint error;
	struct keyfile	*keyfile;
	struct keyring	*keyring;

	if (size > FUZZ_MAX / 4)
		return 0;
	memset(&error, 0, sizeof(error));
	put(bytes, size);
	keyfile = keyfile_read(path, &error);
	if (keyfile == NULL) {
		fuzz_must(*error.text != '\0');
		return 0;
	}
	check(keyfile);
	fuzz_must((keyring = keyring_load(path, &error)) != NULL);
	fuzz_must(keyring_newest(keyring) ==
	    keyfile->seals[keyfile->count - 1].id);
	keyring_free(keyring);
	check_rotation(keyfile);
	keyfile_free(keyfile);
	return 0;
}

/* SPDX-License-Identifier: ISC */

/*
 * A key file is taken only from where nobody else can read it and only in its
 * one form, and its keys divide as the vectors of make_seal.py say.
 */

#include <fcntl.h>
#include <limits.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>
#include <json-c/json.h>
#include <sodium.h>

#include "base/complaint.h"
#include "crypto/keyfile.h"
#include "crypto/keyring.h"

#define HEADER	"oncelink-keys 1\n"
#define A "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff"
#define B "ffeeddccbbaa99887766554433221100ffeeddccbbaa99887766554433221100"
#define C "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
#define LOOKUP	"lookup " A "\n"
#define SEAL	"seal 1 " B "\n"
#define NOBODY	65534

static char directory[512];
static char path[640];

static int
setup(void **state)
{
	const char	*base = getenv("TMPDIR");

	(void)state;
	(void)snprintf(directory, sizeof(directory),
	    "%s/oncelink-keyring.XXXXXX", base == NULL ? P_tmpdir : base);
	if (mkdtemp(directory) == NULL)
		return -1;
	(void)snprintf(path, sizeof(path), "%s/server.key", directory);
	return 0;
}

static int
teardown(void **state)
{
	(void)state;
	(void)unlink(path);
	return rmdir(directory);
}

static void
write_file(const char *text, size_t size)
{
	FILE	*file;

	(void)unlink(path);
	file = fopen(path, "w");
	assert_non_null(file);
	assert_int_equal(fwrite(text, 1, size, file), size);
	assert_int_equal(fclose(file), 0);
	assert_int_equal(chmod(path, 0600), 0);
}

/* No eight digits of a key that may stand in a file are in the text. */
static void
assert_silent(const char *text)
{
	static const char *const keys[] = { A, B, C };
	char	 piece[9] = "";

	for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++)
		for (size_t at = 0; at + 8 <= strlen(keys[i]); at++) {
			memcpy(piece, keys[i] + at, 8);
			assert_null(strstr(text, piece));
		}
}

static struct keyring *
load(void)
{
	struct complaint	 error = { "" };
	struct keyring		*keyring = keyring_load(path, &error);

	if (keyring == NULL)
		fail_msg("%s", error.text);
	return keyring;
}

/* Refused, with the path and the reason, and without a key. */
static void
assert_refused(const char *reason)
{
	struct complaint	 error = { "" };
	struct keyring		*keyring = keyring_load(path, &error);

	if (keyring != NULL)
		fail_msg("taken; it should say: %s", reason);
	assert_non_null(strstr(error.text, path));
	if (strstr(error.text, reason) == NULL)
		fail_msg("\"%s\" does not say: %s", error.text, reason);
	assert_silent(error.text);
}

static void
loads_what_it_creates(void **state)
{
	struct complaint	 error = { "" };
	struct keyring		*keyring;
	struct stat		 status;
	mode_t			 mask = umask(0);

	(void)state;
	(void)unlink(path);
	assert_int_equal(keyfile_create(path, &error), 0);
	(void)umask(mask);
	assert_int_equal(stat(path, &status), 0);
	assert_int_equal(status.st_mode & 07777, 0600);
	/* With the time of its making: ten digits for centuries. */
	assert_int_equal(status.st_size, strlen(HEADER LOOKUP SEAL) + 11);
	keyring = load();
	assert_int_equal(keyring_newest(keyring), 1);
	assert_non_null(keyring_seal_subkey(keyring, 1));
	assert_null(keyring_seal_subkey(keyring, 0));
	assert_null(keyring_seal_subkey(keyring, 2));
	assert_null(keyring_verify_subkey(keyring, 2));
	keyring_free(keyring);
}

static void
creates_over_nothing(void **state)
{
	struct complaint	 error = { "" };
	struct keyring		*keyring;
	uint8_t			 before[KEYRING_KEYBYTES];

	(void)state;
	(void)unlink(path);
	assert_int_equal(keyfile_create(path, &error), 0);
	keyring = load();
	memcpy(before, keyring_subkey(keyring, KEYRING_LOOKUP),
	    sizeof(before));
	keyring_free(keyring);
	assert_int_equal(keyfile_create(path, &error), -1);
	assert_non_null(strstr(error.text, path));
	keyring = load();
	assert_memory_equal(before, keyring_subkey(keyring, KEYRING_LOOKUP),
	    sizeof(before));
	keyring_free(keyring);

	/* Another time it is another key. */
	assert_int_equal(unlink(path), 0);
	assert_int_equal(keyfile_create(path, &error), 0);
	keyring = load();
	assert_memory_not_equal(before, keyring_subkey(keyring,
	    KEYRING_LOOKUP), sizeof(before));
	keyring_free(keyring);

	/* Not through a name that points elsewhere, and in no new place. */
	assert_int_equal(unlink(path), 0);
	assert_int_equal(symlink("elsewhere", path), 0);
	assert_int_equal(keyfile_create(path, &error), -1);
	assert_int_equal(unlink(path), 0);
	assert_int_equal(mkdir(path, 0700), 0);
	assert_int_equal(keyfile_create(path, &error), -1);
	assert_int_equal(rmdir(path), 0);
}

static void
refuses_other_places(void **state)
{
	char	 other[660];

	(void)state;
	(void)unlink(path);
	assert_refused("No such file");

	assert_int_equal(mkdir(path, 0700), 0);
	assert_refused("not a regular file");
	assert_int_equal(rmdir(path), 0);

	/* A FIFO without a writer must not hold the program up. */
	assert_int_equal(mkfifo(path, 0600), 0);
	assert_refused("not a regular file");

	write_file(HEADER LOOKUP SEAL, strlen(HEADER LOOKUP SEAL));
	(void)snprintf(other, sizeof(other), "%s.real", path);
	assert_int_equal(rename(path, other), 0);
	assert_int_equal(symlink(other, path), 0);
	assert_refused("cannot be opened");
	assert_int_equal(unlink(path), 0);
	assert_int_equal(unlink(other), 0);
}

static void
refuses_what_others_may_read(void **state)
{
	static const mode_t wrong[] = { 0640, 0604, 0644, 0620, 0602, 0610,
	    0601, 0666, 0777 };
	char	 reason[64];

	(void)state;
	write_file(HEADER LOOKUP SEAL, strlen(HEADER LOOKUP SEAL));
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		assert_int_equal(chmod(path, wrong[i]), 0);
		(void)snprintf(reason, sizeof(reason),
		    "can be read by others (mode %03o)",
		    (unsigned int)wrong[i]);
		assert_refused(reason);
	}
	assert_int_equal(chmod(path, 0400), 0);
	keyring_free(load());
}

static void
refuses_another_owner(void **state)
{
	(void)state;
	write_file(HEADER LOOKUP SEAL, strlen(HEADER LOOKUP SEAL));
	if (geteuid() != 0)
		skip();
	assert_int_equal(chown(path, 65534, (gid_t)-1), 0);
	assert_refused("belongs to another user");
}

static void
refuses_other_forms(void **state)
{
	static const struct form {
		const char	*text;
		const char	*reason;
	} forms[] = {
		{ "", "before its first seal key" },
		{ HEADER, "before its first seal key" },
		{ HEADER LOOKUP, "before its first seal key" },
		{ "\n" HEADER LOOKUP SEAL, ":1: " },
		{ "oncelink-keys 2\n" LOOKUP SEAL, ":1: " },
		{ "oncelink-keys 1 \n" LOOKUP SEAL, ":1: " },
		{ "oncelink-keys 1\r\n" LOOKUP SEAL, ":1: " },
		{ "oncelink-keys\n" LOOKUP SEAL, ":1: " },
		{ LOOKUP SEAL, ":1: " },
		{ C, ":1: " },
		{ HEADER SEAL, ":2: " },
		{ HEADER SEAL LOOKUP, ":2: " },
		{ HEADER "lookup\n" SEAL, ":2: " },
		{ HEADER "lookup \n" SEAL, ":2: " },
		{ HEADER "lookup  " A "\n" SEAL, ":2: " },
		{ HEADER "lookup " A " \n" SEAL, ":2: " },
		{ HEADER "lookup " A "0\n" SEAL, ":2: " },
		{ HEADER "lookup " A B "\n" SEAL, ":2: " },
		{ HEADER "lookup 0011\n" SEAL, ":2: " },
		{ HEADER "lookup g0112233445566778899aabbccddeeff"
		    "00112233445566778899aabbccddeeff\n" SEAL, ":2: " },
		{ HEADER LOOKUP LOOKUP SEAL, ":3: " },
		{ HEADER LOOKUP "# a comment\n" SEAL, ":3: " },
		{ HEADER LOOKUP "\n" SEAL, ":3: " },
		{ HEADER LOOKUP "seal " B "\n", ":3: " },
		{ HEADER LOOKUP "seal 0 " B "\n", ":3: " },
		{ HEADER LOOKUP "seal 01 " B "\n", ":3: " },
		{ HEADER LOOKUP "seal -1 " B "\n", ":3: " },
		{ HEADER LOOKUP "seal  1 " B "\n", ":3: " },
		{ HEADER LOOKUP "seal 1" B "\n", ":3: " },
		{ HEADER LOOKUP "seal 4294967297 " B "\n", ":3: " },
		{ HEADER LOOKUP "seal 18446744073709551617 " B "\n", ":3: " },
		{ HEADER LOOKUP "seal 1 " B "x\n", ":3: " },
		{ HEADER LOOKUP "seal 1", ":3: " },
		{ HEADER LOOKUP "seal 1 " B, ":3: " },
		{ HEADER LOOKUP SEAL "seal 1 " C "\n", ":4: " },
		{ HEADER LOOKUP "seal 2 " B "\nseal 1 " C "\n", ":4: " },
		{ HEADER LOOKUP SEAL "seal 2 " C, ":4: " },
		{ HEADER LOOKUP SEAL "junk", ":4: " },
		{ HEADER LOOKUP SEAL "\n", ":4: " },
		{ HEADER LOOKUP "seal 1 " B " \n", ":3: " },
		{ HEADER LOOKUP "seal 1 " B " 0\n", ":3: " },
		{ HEADER LOOKUP "seal 1 " B " 01\n", ":3: " },
		{ HEADER LOOKUP "seal 1 " B " -1\n", ":3: " },
		{ HEADER LOOKUP "seal 1 " B " 1 \n", ":3: " },
		{ HEADER LOOKUP "seal 1 " B "  1\n", ":3: " },
		{ HEADER LOOKUP "seal 1 " B " 1x\n", ":3: " },
		{ HEADER LOOKUP "seal 1 " B "x1\n", ":3: " },
		{ HEADER LOOKUP "seal 1 " B " 1234567890123\n", ":3: " },
		{ HEADER LOOKUP "seal 1 00 1792000000\n", ":3: " },
		{ HEADER LOOKUP SEAL SEAL, ":4: " },
		{ HEADER LOOKUP SEAL LOOKUP, ":4: " },
	};
	char	 with_nul[] = HEADER LOOKUP SEAL;

	(void)state;
	for (size_t i = 0; i < sizeof(forms) / sizeof(forms[0]); i++) {
		write_file(forms[i].text, strlen(forms[i].text));
		assert_refused(forms[i].reason);
	}
	with_nul[strlen(HEADER)] = '\0';
	write_file(with_nul, sizeof(with_nul) - 1);
	assert_refused(":2: ");
	write_file(HEADER LOOKUP SEAL "\0", sizeof(HEADER LOOKUP SEAL));
	assert_refused(":4: ");
}

static void
refuses_what_is_too_long(void **state)
{
	static char	 text[17000];
	size_t		 length = 0;

	(void)state;
	/* All of it well-formed but for one seal key more than there may be. */
	length = (size_t)snprintf(text, sizeof(text), HEADER LOOKUP);
	for (int id = 1; id <= 65; id++)
		length += (size_t)snprintf(text + length,
		    sizeof(text) - length, "seal %d " B "\n", id);
	write_file(text, length);
	assert_refused(":67: ");
	/* What is beyond the limit of bytes is not even looked at. */
	memset(text, '0', sizeof(text));
	memcpy(text, HEADER LOOKUP SEAL, strlen(HEADER LOOKUP SEAL));
	write_file(text, sizeof(text));
	assert_refused("is longer than");
}

static void
keeps_older_seal_keys(void **state)
{
	static const char text[] = HEADER LOOKUP SEAL "seal 7 " C "\n"
	    "seal 999999999 " A "\n";
	struct keyring	*keyring;

	(void)state;
	write_file(text, strlen(text));
	keyring = load();
	assert_int_equal(keyring_newest(keyring), 999999999);
	for (size_t i = 0; i < 3; i++) {
		static const uint32_t ids[] = { 1, 7, 999999999 };

		assert_non_null(keyring_seal_subkey(keyring, ids[i]));
		assert_non_null(keyring_verify_subkey(keyring, ids[i]));
		assert_memory_not_equal(keyring_seal_subkey(keyring, ids[i]),
		    keyring_verify_subkey(keyring, ids[i]), KEYRING_KEYBYTES);
		assert_memory_not_equal(keyring_seal_subkey(keyring, ids[i]),
		    keyring_seal_subkey(keyring, ids[(i + 1) % 3]),
		    KEYRING_KEYBYTES);
	}
	assert_null(keyring_seal_subkey(keyring, 2));
	assert_null(keyring_verify_subkey(keyring, 6));
	keyring_free(keyring);
	keyring_free(NULL);
}

/* Another key beside the first, whose subkeys are what they were. */
static void
rotates(void **state)
{
	static const uint32_t	 first = 1;
	struct keyring_entry	 entries[KEYRING_KEYS_MAX];
	struct complaint	 error = { "" };
	struct keyring		*keyring, *after;
	struct stat		 status;
	uint32_t		 made = 0;

	(void)state;
	write_file(HEADER LOOKUP SEAL, strlen(HEADER LOOKUP SEAL));
	keyring = load();
	assert_int_equal(keyfile_rotate(path, NULL, 0, &made, &error), 0);
	assert_int_equal(made, 2);
	assert_int_equal(stat(path, &status), 0);
	assert_int_equal(status.st_mode & 07777, 0600);
	after = load();
	assert_int_equal(keyring_newest(after), 2);
	assert_int_equal(keyring_list(after, entries), 2);
	assert_int_equal(entries[0].id, 1);
	assert_int_equal(entries[0].made_at, 0);
	assert_int_equal(entries[1].id, 2);
	assert_true(llabs(entries[1].made_at - time(NULL)) < 60);
	for (enum keyring_use use = KEYRING_LOOKUP; use < KEYRING_USE__MAX;
	    use++)
		assert_memory_equal(keyring_subkey(after, use),
		    keyring_subkey(keyring, use), KEYRING_KEYBYTES);
	assert_memory_equal(keyring_seal_subkey(after, 1),
	    keyring_seal_subkey(keyring, 1), KEYRING_KEYBYTES);
	assert_memory_not_equal(keyring_seal_subkey(after, 1),
	    keyring_seal_subkey(after, 2), KEYRING_KEYBYTES);
	keyring_free(after);

	assert_int_equal(keyfile_rotate(path, &first, 1, &made, &error), 0);
	assert_int_equal(made, 3);
	after = load();
	assert_int_equal(keyring_list(after, entries), 2);
	assert_null(keyring_seal_subkey(after, 1));
	assert_non_null(keyring_seal_subkey(after, 2));
	assert_non_null(keyring_seal_subkey(after, 3));
	keyring_free(after);

	/* One that loaded the first key keeps it, and learns the others. */
	assert_int_equal(keyring_newest(keyring), 1);
	assert_non_null(keyring_seal_subkey(keyring, 3));
	assert_int_equal(keyring_newest(keyring), 3);
	assert_non_null(keyring_seal_subkey(keyring, 1));
	assert_null(keyring_seal_subkey(keyring, 4));
	keyring_free(keyring);
}

/* The blocks of the old file hold the keys that were taken out. */
static void
overwrites_what_it_replaces(void **state)
{
	struct complaint error = { "" };
	char		 text[1024], beside[PATH_MAX], name[PATH_MAX];
	uint32_t	 made;
	int		 fds[2], rotated;

	(void)state;
	write_file(HEADER LOOKUP SEAL, strlen(HEADER LOOKUP SEAL));
	snprintf(beside, sizeof(beside), "%s.new", path);
	fds[0] = open(path, O_RDONLY);
	assert_true(fds[0] != -1);
	/* What a rotation that was killed has left. */
	fds[1] = open(beside, O_RDWR | O_CREAT | O_EXCL, 0600);
	assert_int_equal(write(fds[1], "leftover", 8), 8);
	assert_int_equal(keyfile_rotate(path, NULL, 0, &made, &error), 0);
	for (int i = 0; i < 2; i++) {
		ssize_t	 size = pread(fds[i], text, sizeof(text), 0);

		assert_true(size >= 8);
		for (ssize_t at = 0; at < size; at++)
			assert_int_equal(text[at], 0);
		close(fds[i]);
	}

	/* Which its owner may have made read-only; root may write that. */
	write_file(HEADER LOOKUP SEAL, strlen(HEADER LOOKUP SEAL));
	assert_int_equal(chmod(path, 0400), 0);
	fds[0] = open(path, O_RDONLY);
	assert_true(fds[0] != -1);
	if (geteuid() == 0) {
		assert_int_equal(chown(path, NOBODY, NOBODY), 0);
		assert_int_equal(chown(directory, NOBODY, NOBODY), 0);
		assert_int_equal(seteuid(NOBODY), 0);
	}
	rotated = keyfile_rotate(path, NULL, 0, &made, &error);
	assert_int_equal(seteuid(getuid()), 0);
	assert_int_equal(chown(directory, getuid(), getgid()), 0);
	assert_int_equal(chown(path, getuid(), getgid()), 0);
	if (rotated == -1)
		fail_msg("%s", error.text);
	assert_true(pread(fds[0], text, sizeof(text), 0) > 8);
	assert_int_equal(text[0], 0);
	close(fds[0]);

	/* A second name of the file is somebody's copy. */
	snprintf(name, sizeof(name), "%s.copy", path);
	assert_int_equal(link(path, name), 0);
	assert_int_equal(keyfile_rotate(path, NULL, 0, &made, &error), 0);
	fds[0] = open(name, O_RDONLY);
	assert_true(pread(fds[0], text, sizeof(text), 0) > 8);
	assert_memory_equal(text, HEADER, strlen(HEADER));
	close(fds[0]);
	assert_int_equal(unlink(name), 0);
}

static void
rotates_up_to_a_limit(void **state)
{
	static char	 text[17000];
	struct complaint error = { "" };
	size_t		 length;
	static const uint32_t seventh = 7;
	uint32_t	 made;

	(void)state;
	length = (size_t)snprintf(text, sizeof(text), HEADER LOOKUP);
	for (int id = 1; id <= 64; id++)
		length += (size_t)snprintf(text + length,
		    sizeof(text) - length, "seal %d " B " 123456789012\n",
		    id);
	write_file(text, length);
	assert_int_equal(keyfile_rotate(path, NULL, 0, &made, &error), -1);
	assert_non_null(strstr(error.text, "as many seal keys as can be"));
	assert_int_equal(keyfile_rotate(path, &seventh, 1, &made, &error), 0);
	assert_int_equal(made, 65);
	keyring_free(load());
	write_file(HEADER LOOKUP "seal 999999999 " B "\n",
	    strlen(HEADER LOOKUP "seal 999999999 " B "\n"));
	assert_int_equal(keyfile_rotate(path, NULL, 0, &made, &error), -1);
	keyring_free(load());
}

/* What is not this site's key file any more is never taken for it. */
static void
keeps_its_keys(void **state)
{
	static const char	 other[] = HEADER "lookup " C "\n" SEAL
	    "seal 2 " A "\n";
	struct keyring		*keyring;

	(void)state;
	write_file(HEADER LOOKUP SEAL, strlen(HEADER LOOKUP SEAL));
	keyring = load();
	write_file(other, strlen(other));
	assert_null(keyring_seal_subkey(keyring, 2));
	write_file("junk", 4);
	assert_null(keyring_seal_subkey(keyring, 2));
	assert_int_equal(unlink(path), 0);
	assert_null(keyring_seal_subkey(keyring, 2));
	assert_int_equal(keyring_newest(keyring), 1);
	assert_non_null(keyring_seal_subkey(keyring, 1));
	keyring_free(keyring);
}

static void
refuses_a_short_sign_key(void **state)
{
	struct complaint	 error = { "" };
	struct keyring		*keyring;

	(void)state;
	assert_null(keyring_from_sign_key("", &error));
	assert_null(keyring_from_sign_key("fifteen bytes..", &error));
	assert_non_null(strstr(error.text, "shorter than 16 bytes"));
	assert_null(strstr(error.text, "fifteen"));
	keyring = keyring_from_sign_key("sixteen bytes...", &error);
	assert_non_null(keyring);
	assert_int_equal(keyring_newest(keyring), 0);
	assert_non_null(keyring_seal_subkey(keyring, 0));
	assert_null(keyring_seal_subkey(keyring, 1));
	keyring_free(keyring);
}

static struct json_object *
member(struct json_object *of, const char *name)
{
	struct json_object	*value;

	if (!json_object_object_get_ex(of, name, &value))
		fail_msg("the vectors have no %s", name);
	return value;
}

static void
assert_key(const uint8_t *key, struct json_object *expected)
{
	char	 hex[2 * KEYRING_KEYBYTES + 1];

	assert_non_null(key);
	sodium_bin2hex(hex, sizeof(hex), key, KEYRING_KEYBYTES);
	assert_string_equal(hex, json_object_get_string(expected));
}

static void
assert_divided(const struct keyring *keyring, struct json_object *vector)
{
	struct json_object	*list = member(vector, "subkeys"), *key;
	uint32_t		 id;

	assert_int_equal(json_object_array_length(list),
	    KEYRING_USE__MAX - 1);
	for (enum keyring_use use = KEYRING_LOOKUP; use < KEYRING_USE__MAX;
	    use++)
		assert_key(keyring_subkey(keyring, use),
		    json_object_array_get_idx(list, (size_t)use - 1));
	assert_int_equal(keyring_newest(keyring),
	    json_object_get_int64(member(vector, "newest")));
	list = member(vector, "seal_keys");
	assert_true(json_object_array_length(list) > 0);
	for (size_t i = 0; i < json_object_array_length(list); i++) {
		key = json_object_array_get_idx(list, i);
		id = (uint32_t)json_object_get_int64(member(key, "key_id"));
		assert_key(keyring_seal_subkey(keyring, id),
		    member(key, "seal"));
		assert_key(keyring_verify_subkey(keyring, id),
		    member(key, "verify"));
	}
}

static void
divides_as_the_vectors_say(void **state)
{
	struct complaint	 error = { "" };
	struct json_object	*vectors, *vector;
	struct keyring		*keyring;
	const char		*source = getenv("srcdir"), *text;
	char			 name[1024];

	(void)state;
	(void)snprintf(name, sizeof(name), "%s/tests/vectors/seal.json",
	    source == NULL ? "." : source);
	vectors = json_object_from_file(name);
	assert_non_null(vectors);

	vector = member(member(vectors, "keyrings"), "file");
	text = json_object_get_string(member(vector, "text"));
	write_file(text, strlen(text));
	keyring = load();
	assert_divided(keyring, vector);
	keyring_free(keyring);

	vector = member(member(vectors, "keyrings"), "sign_key");
	keyring = keyring_from_sign_key(
	    json_object_get_string(member(vector, "sign_key")), &error);
	assert_non_null(keyring);
	assert_divided(keyring, vector);
	keyring_free(keyring);
	json_object_put(vectors);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(loads_what_it_creates),
		cmocka_unit_test(creates_over_nothing),
		cmocka_unit_test(refuses_other_places),
		cmocka_unit_test(refuses_what_others_may_read),
		cmocka_unit_test(refuses_another_owner),
		cmocka_unit_test(refuses_other_forms),
		cmocka_unit_test(refuses_what_is_too_long),
		cmocka_unit_test(keeps_older_seal_keys),
		cmocka_unit_test(rotates),
		cmocka_unit_test(overwrites_what_it_replaces),
		cmocka_unit_test(rotates_up_to_a_limit),
		cmocka_unit_test(keeps_its_keys),
		cmocka_unit_test(refuses_a_short_sign_key),
		cmocka_unit_test(divides_as_the_vectors_say),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	if (sodium_init() == -1)
		return 1;
	return cmocka_run_group_tests(tests, setup, teardown);
}

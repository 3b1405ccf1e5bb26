/* SPDX-License-Identifier: ISC */

/*
 * What accounts write and show: notes, challenges, ids and keys are what other
 * code makes (vectors/make_seal.py), and nothing near them is taken.
 */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>
#include <json-c/json.h>
#include <sodium.h>

#include "base/complaint.h"
#include "crypto/base64.h"
#include "crypto/captcha.h"
#include "crypto/keyring.h"
#include "crypto/note.h"
#include "crypto/seal.h"
#include "crypto/token.h"

#define BYTES_MAX 1024

struct world {
	struct json_object	*vectors;
	struct keyring		*keyring;
};

static struct json_object *
member(struct json_object *object, const char *name)
{
	struct json_object	*value;

	if (!json_object_object_get_ex(object, name, &value))
		fail_msg("no %s", name);
	return value;
}

static size_t
bytes_of(struct json_object *object, const char *name, uint8_t *bytes)
{
	const char	*hex = json_object_get_string(member(object, name));
	size_t		 size;

	assert_int_equal(sodium_hex2bin(bytes, BYTES_MAX, hex, strlen(hex),
	    NULL, &size, NULL), 0);
	return size;
}

static int
setup(void **state)
{
	const char		*source = getenv("srcdir");
	const char		*base = getenv("TMPDIR");
	struct complaint	 error = { "" };
	struct world		*world;
	const char		*text;
	char			 name[4200];
	int			 fd;

	world = calloc(1, sizeof(*world));
	assert_non_null(world);
	(void)snprintf(name, sizeof(name), "%s/tests/vectors/seal.json",
	    source == NULL ? "." : source);
	world->vectors = json_object_from_file(name);
	assert_non_null(world->vectors);
	(void)snprintf(name, sizeof(name), "%s/oncelink-note.XXXXXX",
	    base == NULL ? P_tmpdir : base);
	fd = mkstemp(name);
	assert_true(fd != -1);
	text = json_object_get_string(member(member(member(world->vectors,
	    "keyrings"), "file"), "text"));
	assert_int_equal(write(fd, text, strlen(text)), strlen(text));
	assert_int_equal(close(fd), 0);
	world->keyring = keyring_load(name, &error);
	(void)unlink(name);
	if (world->keyring == NULL)
		fail_msg("%s", error.text);
	*state = world;
	return 0;
}

static int
teardown(void **state)
{
	struct world	*world = *state;

	keyring_free(world->keyring);
	json_object_put(world->vectors);
	free(world);
	return 0;
}

static void
opens_notes_of_other_code(void **state)
{
	struct world		*world = *state;
	struct json_object	*list = member(world->vectors, "notes");
	struct json_object	*vector;
	uint8_t			 owner[BYTES_MAX], text[BYTES_MAX];
	uint8_t			 note[BYTES_MAX], opened[BYTES_MAX];
	size_t			 size, text_size;
	enum note_use		 use;

	assert_int_equal(json_object_array_length(list), 5);
	for (size_t i = 0; i < json_object_array_length(list); i++) {
		vector = json_object_array_get_idx(list, i);
		use = (enum note_use)json_object_get_int(member(vector,
		    "use"));
		assert_int_equal(bytes_of(vector, "owner", owner),
		    NOTE_OWNERBYTES);
		text_size = bytes_of(vector, "text", text);
		size = bytes_of(vector, "note", note);
		assert_int_equal(size, text_size + NOTE_OVERHEAD);
		assert_int_equal(note_open(world->keyring, use, owner, note,
		    size, opened), 0);
		assert_memory_equal(opened, text, text_size);
		/* And what we seal opens to the same. */
		note_seal(world->keyring, use, owner, text, text_size, note);
		memset(opened, 0, sizeof(opened));
		assert_int_equal(note_open(world->keyring, use, owner, note,
		    size, opened), 0);
		assert_memory_equal(opened, text, text_size);
	}
}

/* Another use, another owner, one bit, one byte less: nothing opens. */
static void
opens_no_other_note(void **state)
{
	static const char	 text[] = "a message for the viewer";
	struct world		*world = *state;
	uint8_t			 owner[NOTE_OWNERBYTES] = { 1 };
	uint8_t			 note[sizeof(text) + NOTE_OVERHEAD];
	uint8_t			 opened[sizeof(text)];

	note_seal(world->keyring, NOTE_MESSAGE, owner, text, sizeof(text),
	    note);
	for (int use = 0; use < 8; use++)
		assert_int_equal(note_open(world->keyring, (enum note_use)use,
		    owner, note, sizeof(note), opened),
		    use == NOTE_MESSAGE ? 0 : -1);
	for (size_t at = 0; at < sizeof(note) * 8; at++) {
		note[at / 8] ^= (uint8_t)(1 << at % 8);
		memset(opened, 0xa5, sizeof(opened));
		assert_int_equal(note_open(world->keyring, NOTE_MESSAGE,
		    owner, note, sizeof(note), opened), -1);
		assert_true(sodium_is_zero(opened, sizeof(opened)));
		note[at / 8] ^= (uint8_t)(1 << at % 8);
	}
	for (size_t size = 0; size < sizeof(note); size++)
		assert_int_equal(note_open(world->keyring, NOTE_MESSAGE,
		    owner, note, size, opened), -1);
	owner[31] ^= 1;
	assert_int_equal(note_open(world->keyring, NOTE_MESSAGE, owner, note,
	    sizeof(note), opened), -1);
	owner[31] ^= 1;
	assert_int_equal(note_open(world->keyring, NOTE_MESSAGE, owner, note,
	    sizeof(note), opened), 0);
}

static void
read_challenge(struct json_object *vector, struct captcha *captcha,
    uint8_t lookup[SEAL_LOOKUPBYTES], int64_t *number)
{
	uint8_t	 bytes[BYTES_MAX];

	assert_int_equal(bytes_of(vector, "salt", bytes), CAPTCHA_SALTBYTES);
	memcpy(captcha->salt, bytes, CAPTCHA_SALTBYTES);
	assert_int_equal(bytes_of(vector, "mac", bytes), CAPTCHA_MACBYTES);
	memcpy(captcha->mac, bytes, CAPTCHA_MACBYTES);
	assert_int_equal(bytes_of(vector, "lookup", bytes),
	    SEAL_LOOKUPBYTES);
	memcpy(lookup, bytes, SEAL_LOOKUPBYTES);
	captcha->bits = (uint8_t)json_object_get_int(member(vector, "bits"));
	captcha->expires_at = json_object_get_int64(member(vector,
	    "expires_at"));
	*number = json_object_get_int64(member(vector, "n"));
}

static void
takes_challenges_of_other_code(void **state)
{
	struct world		*world = *state;
	struct json_object	*list = member(world->vectors, "challenges");
	struct captcha		 captcha, changed;
	uint8_t			 lookup[SEAL_LOOKUPBYTES];
	int64_t			 number, before;
	bool			 solved;

	assert_int_equal(json_object_array_length(list), 4);
	for (size_t i = 0; i < json_object_array_length(list); i++) {
		read_challenge(json_object_array_get_idx(list, i), &captcha,
		    lookup, &number);
		before = captcha.expires_at - 1;
		solved = captcha_is_solved(world->keyring, lookup, before,
		    &captcha, number);
		/* Whoever could make one that is too easy: it does not do. */
		assert_int_equal(solved, captcha.bits >= CAPTCHA_BITS);
		if (!solved)
			continue;
		assert_false(captcha_is_solved(world->keyring, lookup,
		    before + 1, &captcha, number));
		/* It was the least that solves it. */
		assert_false(captcha_is_solved(world->keyring, lookup, before,
		    &captcha, number - 1));
		assert_false(captcha_is_solved(world->keyring, lookup, before,
		    &captcha, -1));
		assert_false(captcha_is_solved(world->keyring, lookup, before,
		    &captcha, CAPTCHA_NUMBER_MAX + 1));
		changed = captcha;
		changed.expires_at++;
		assert_false(captcha_is_solved(world->keyring, lookup, before,
		    &changed, number));
		changed = captcha;
		changed.bits--;
		assert_false(captcha_is_solved(world->keyring, lookup, before,
		    &changed, number));
		changed = captcha;
		changed.mac[CAPTCHA_MACBYTES - 1] ^= 1;
		assert_false(captcha_is_solved(world->keyring, lookup, before,
		    &changed, number));
		lookup[0] ^= 1;
		assert_false(captcha_is_solved(world->keyring, lookup, before,
		    &captcha, number));
	}
}

static void
makes_challenges_that_can_be_solved(void **state)
{
	struct world	*world = *state;
	struct captcha	 captcha, other;
	uint8_t		 lookup[SEAL_LOOKUPBYTES] = { 7 };
	int64_t		 number = 0;

	captcha_make(world->keyring, lookup, 1000, &captcha);
	assert_int_equal(captcha.bits, CAPTCHA_BITS);
	assert_int_equal(captcha.expires_at, 1000 + CAPTCHA_LIFETIME);
	while (!captcha_is_solved(world->keyring, lookup, 1000, &captcha,
	    number))
		number++;
	assert_true(captcha_is_solved(world->keyring, lookup,
	    1000 + CAPTCHA_LIFETIME - 1, &captcha, number));
	captcha_make(world->keyring, lookup, 1000, &other);
	assert_memory_not_equal(captcha.salt, other.salt, CAPTCHA_SALTBYTES);
}

static void
writes_and_reads_base62(void **state)
{
	struct world		*world = *state;
	struct json_object	*list = member(world->vectors, "tokens");
	struct json_object	*vector;
	uint8_t			 bytes[BYTES_MAX], token[TOKEN_BYTES];
	char			 text[TOKEN_BASE62_LENGTH + 1];
	const char		*want;

	assert_int_equal(json_object_array_length(list), 7);
	for (size_t i = 0; i < json_object_array_length(list); i++) {
		vector = json_object_array_get_idx(list, i);
		assert_int_equal(bytes_of(vector, "token", bytes),
		    TOKEN_BYTES);
		want = json_object_get_string(member(vector, "base62"));
		token_to_base62(bytes, text);
		assert_string_equal(text, want);
		assert_true(token_from_base62(token, want, strlen(want)));
		assert_memory_equal(token, bytes, TOKEN_BYTES);
	}
}

static void
refuses_other_base62(void **state)
{
	static const char *const wrong[] = {
		"", "dT5g", "000000000000000000000",
		"00000000000000000000000", "000000000000000000000-",
		"00000000000 0000000000", "000000000000000000000_",
		"00000000000000000000\xc3\xa9", "zzzzzzzzzzzzzzzzzzzzzz",
		/* 2^128, and 2^128 with another digit in front. */
		"7n42DGM5Tflk9n8mt7Fhc8", "8n42DGM5Tflk9n8mt7Fhc7"
	};
	uint8_t	 token[TOKEN_BYTES], before[TOKEN_BYTES];
	char	 text[TOKEN_BASE62_LENGTH];

	(void)state;
	memset(before, 0xa5, sizeof(before));
	memcpy(token, before, sizeof(token));
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
		if (token_from_base62(token, wrong[i], strlen(wrong[i])))
			fail_msg("taken: %s", wrong[i]);
	memset(text, '0', sizeof(text));
	for (size_t at = 0; at < sizeof(text); at++) {
		text[at] = '\0';
		assert_false(token_from_base62(token, text, sizeof(text)));
		text[at] = '0';
	}
	assert_memory_equal(token, before, sizeof(token));
	assert_true(token_from_base62(token, "7n42DGM5Tflk9n8mt7Fhc7", 22));
	memset(before, 0xff, sizeof(before));
	assert_memory_equal(token, before, sizeof(token));
}

static void
hashes_keys_as_other_code(void **state)
{
	struct world		*world = *state;
	struct json_object	*vector = json_object_array_get_idx(member(
				    world->vectors, "api_keys"), 0);
	const char		*key = json_object_get_string(member(vector,
				    "key"));
	uint8_t			 want[BYTES_MAX], hash[SEAL_HASHBYTES];

	assert_int_equal(bytes_of(vector, "hash", want), SEAL_HASHBYTES);
	seal_api_key(world->keyring, key, strlen(key), hash);
	assert_memory_equal(hash, want, SEAL_HASHBYTES);
}

static void
names_clients_as_other_code(void **state)
{
	struct world		*world = *state;
	struct json_object	*list = member(world->vectors, "clients");
	struct json_object	*vector;
	uint8_t			 day[BYTES_MAX], network[BYTES_MAX];
	uint8_t			 want[BYTES_MAX], hash[SEAL_HASHBYTES];

	assert_int_equal(json_object_array_length(list), 2);
	for (size_t i = 0; i < json_object_array_length(list); i++) {
		vector = json_object_array_get_idx(list, i);
		assert_int_equal(bytes_of(vector, "day", day),
		    EPOCH_KEYBYTES);
		assert_int_equal(bytes_of(vector, "network", network),
		    SEAL_NETWORKBYTES);
		assert_int_equal(bytes_of(vector, "hash", want),
		    SEAL_HASHBYTES);
		seal_client(world->keyring, day, json_object_get_int64(
		    member(vector, "hour")), network, hash);
		assert_memory_equal(hash, want, SEAL_HASHBYTES);
	}
}

static void
decodes_base64_as_it_comes(void **state)
{
	static const struct {
		const char	*text;
		const char	*bytes;	/* NULL: it is none */
	} rows[] = {
		{ "", "" }, { "\n", "" }, { "aGVsbG8=", "hello" },
		{ "aGVsbG8", "hello" }, { "aGVs\r\nbG8=\r\n", "hello" },
		{ "a\nG\nV\ns\nb\nG\n8\n=\n", "hello" },
		{ "aGVsbA==", "hell" }, { "aGVsbA=\r\n=", "hell" },
		{ "aGVs", "hel" }, { "+/+/", "\xfb\xff\xbf" },
		{ "aGVsbA=", NULL }, { "aGVs=", NULL }, { "aGVsbA===", NULL },
		{ "a", NULL }, { "aGVsb", NULL }, { "aGVsbG9=", NULL },
		{ "-_-_", NULL }, { "aGVs bG8=", NULL }, { "aGVs\tbG8", NULL },
		{ "aG=VsbG8", NULL }, { "=", NULL }, { "==", NULL },
		{ "\xc3\xa9", NULL }
	};
	uint8_t	 bytes[64];
	size_t	 size;
	bool	 good;

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		size = strlen(rows[i].text);
		assert_true(base64_room(size) <= sizeof(bytes));
		good = base64_decode(rows[i].text, size, bytes, &size);
		if (good != (rows[i].bytes != NULL))
			fail_msg("%s: %d", rows[i].text, good);
		if (!good)
			continue;
		assert_int_equal(size, strlen(rows[i].bytes));
		assert_memory_equal(bytes, rows[i].bytes, size);
	}
	assert_false(base64_decode("aGVs\0bG8=", 9, bytes, &size));
}

int
main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(opens_notes_of_other_code),
		TEST(opens_no_other_note),
		TEST(takes_challenges_of_other_code),
		TEST(makes_challenges_that_can_be_solved),
		TEST(writes_and_reads_base62),
		cmocka_unit_test(refuses_other_base62),
		TEST(hashes_keys_as_other_code),
		TEST(names_clients_as_other_code),
		cmocka_unit_test(decodes_base64_as_it_comes)
	};

	if (sodium_init() == -1)
		return 1;
	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}

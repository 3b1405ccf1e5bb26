/* SPDX-License-Identifier: ISC */

/*
 * What is sealed opens with everything it was sealed with and with nothing
 * else, and all of it is what other code makes (vectors/make_seal.py).
 */

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
#include "crypto/keyring.h"
#include "crypto/seal.h"

#define BYTES_MAX 2048

static const char message[] = "the quick brown fox jumps over the lazy dog, "
    "and then over one more block of the cipher";

/* What a record is sealed with, all of it. */
struct sealed {
	struct keyring	*keyring;
	struct seal_binding binding;
	uint8_t		 token[TOKEN_BYTES];
	uint8_t		 stretch[SEAL_STRETCHBYTES];
	uint8_t		 record[sizeof(message) + SEAL_OVERHEAD];
};

static struct keyring *
load_text(const char *text)
{
	struct complaint	 error = { "" };
	struct keyring		*keyring;
	const char		*base = getenv("TMPDIR");
	char			 path[512];
	int			 fd;

	(void)snprintf(path, sizeof(path), "%s/oncelink-seal.XXXXXX",
	    base == NULL ? P_tmpdir : base);
	fd = mkstemp(path);
	assert_true(fd != -1);
	assert_int_equal(write(fd, text, strlen(text)), strlen(text));
	assert_int_equal(close(fd), 0);
	keyring = keyring_load(path, &error);
	(void)unlink(path);
	if (keyring == NULL)
		fail_msg("%s", error.text);
	return keyring;
}

static int
setup(void **state)
{
	static const char text[] = "oncelink-keys 1\nlookup "
	    "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff"
	    "\nseal 1 "
	    "ffeeddccbbaa99887766554433221100ffeeddccbbaa99887766554433221100"
	    "\nseal 2 "
	    "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
	    "\n";
	struct sealed	*sealed;

	sealed = calloc(1, sizeof(*sealed));
	assert_non_null(sealed);
	sealed->keyring = load_text(text);
	sealed->binding = (struct seal_binding){
		.kind = 4, .expires_at = 1795305600000, .passes = 2,
		.memory = 19456, .key_id = 2,
	};
	token_random(sealed->token);
	seal_lookup(sealed->keyring, sealed->token, sealed->binding.lookup);
	randombytes_buf(sealed->stretch, sizeof(sealed->stretch));
	assert_int_equal(seal_record(sealed->keyring, &sealed->binding,
	    sealed->token, sealed->stretch, message, sizeof(message),
	    sealed->record), 0);
	*state = sealed;
	return 0;
}

static int
teardown(void **state)
{
	struct sealed	*sealed = *state;

	keyring_free(sealed->keyring);
	free(sealed);
	return 0;
}

/* The result; the payload is there, or every byte of it is zero. */
static int
open_with(const struct sealed *sealed, const struct seal_binding *binding,
    const uint8_t *token, const uint8_t *stretch, size_t size)
{
	uint8_t	 payload[sizeof(message)];
	int	 result;

	memset(payload, 0xa5, sizeof(payload));
	result = seal_open(sealed->keyring, binding, token, stretch,
	    sealed->record, size, payload);
	if (result == 0)
		assert_memory_equal(payload, message, sizeof(message));
	else if (size >= SEAL_OVERHEAD)
		assert_true(sodium_is_zero(payload, size - SEAL_OVERHEAD));
	return result;
}

static int
open_bound(const struct sealed *sealed, const struct seal_binding *binding)
{
	return open_with(sealed, binding, sealed->token, sealed->stretch,
	    sizeof(sealed->record));
}

static void
opens_what_it_sealed(void **state)
{
	struct sealed	*sealed = *state;
	uint8_t		 other[sizeof(sealed->record)];

	assert_int_equal(open_bound(sealed, &sealed->binding), 0);
	assert_int_equal(sealed->record[0], 'O');
	assert_int_equal(sealed->record[1], 1);

	/* Another time the nonce is another one, and so are all the bytes. */
	assert_int_equal(seal_record(sealed->keyring, &sealed->binding,
	    sealed->token, sealed->stretch, message, sizeof(message), other),
	    0);
	assert_memory_not_equal(other + 2, sealed->record + 2, 24);
	assert_memory_not_equal(other + SEAL_PAYLOAD_OFFSET,
	    sealed->record + SEAL_PAYLOAD_OFFSET, sizeof(message));
	memcpy(sealed->record, other, sizeof(other));
	assert_int_equal(open_bound(sealed, &sealed->binding), 0);
}

static void
opens_in_place(void **state)
{
	struct sealed	*sealed = *state;
	uint8_t		*payload = sealed->record + SEAL_PAYLOAD_OFFSET;

	assert_int_equal(seal_open(sealed->keyring, &sealed->binding,
	    sealed->token, sealed->stretch, sealed->record,
	    sizeof(sealed->record), payload), 0);
	assert_memory_equal(payload, message, sizeof(message));
}

static void
wipes_in_place(void **state)
{
	struct sealed	*sealed = *state;
	uint8_t		*payload = sealed->record + SEAL_PAYLOAD_OFFSET;

	sealed->record[sizeof(sealed->record) - 1] ^= 1;
	assert_int_equal(seal_open(sealed->keyring, &sealed->binding,
	    sealed->token, sealed->stretch, sealed->record,
	    sizeof(sealed->record), payload), -1);
	assert_true(sodium_is_zero(payload, sizeof(message)));
}

static void
opens_nothing_inside(void **state)
{
	struct sealed	*sealed = *state;
	uint8_t		 record[SEAL_OVERHEAD], payload[1] = { 0xa5 };

	assert_int_equal(seal_record(sealed->keyring, &sealed->binding,
	    sealed->token, NULL, "", 0, record), 0);
	assert_int_equal(seal_open(sealed->keyring, &sealed->binding,
	    sealed->token, NULL, record, sizeof(record), payload), 0);
	assert_int_equal(payload[0], 0xa5);
	record[SEAL_PAYLOAD_OFFSET] ^= 0x80;
	assert_int_equal(seal_open(sealed->keyring, &sealed->binding,
	    sealed->token, NULL, record, sizeof(record), payload), -1);
}

static void
is_bound_to_its_row(void **state)
{
	struct sealed	*sealed = *state;
	struct seal_binding binding;

	for (unsigned int bit = 0; bit < 8 * SEAL_LOOKUPBYTES; bit++) {
		binding = sealed->binding;
		binding.lookup[bit / 8] ^= (uint8_t)(1 << bit % 8);
		assert_int_equal(open_bound(sealed, &binding), -1);
	}
	for (unsigned int bit = 0; bit < 8; bit++) {
		binding = sealed->binding;
		binding.kind ^= (uint8_t)(1 << bit);
		assert_int_equal(open_bound(sealed, &binding), -1);
	}
	for (unsigned int bit = 0; bit < 64; bit++) {
		binding = sealed->binding;
		binding.expires_at = (int64_t)((uint64_t)binding.expires_at ^
		    (uint64_t)1 << bit);
		assert_int_equal(open_bound(sealed, &binding), -1);
	}
	for (unsigned int bit = 0; bit < 32; bit++) {
		binding = sealed->binding;
		binding.passes ^= (uint32_t)1 << bit;
		assert_int_equal(open_bound(sealed, &binding), -1);
		binding = sealed->binding;
		binding.memory ^= (uint32_t)1 << bit;
		assert_int_equal(open_bound(sealed, &binding), -1);
		binding = sealed->binding;
		binding.key_id ^= (uint32_t)1 << bit;
		assert_int_equal(open_bound(sealed, &binding), -1);
		binding = sealed->binding;
		binding.epoch ^= (uint32_t)1 << bit;
		assert_int_equal(open_bound(sealed, &binding), -1);
	}
	/* Fields that change places keep their bytes. */
	binding = sealed->binding;
	binding.passes = sealed->binding.memory;
	binding.memory = sealed->binding.passes;
	assert_int_equal(open_bound(sealed, &binding), -1);
	assert_int_equal(open_bound(sealed, &sealed->binding), 0);
}

static void
is_bound_to_each_byte(void **state)
{
	struct sealed	*sealed = *state;

	for (size_t at = 0; at < sizeof(sealed->record); at++)
		for (unsigned int bit = 0; bit < 8; bit++) {
			sealed->record[at] ^= (uint8_t)(1 << bit);
			if (open_bound(sealed, &sealed->binding) != -1)
				fail_msg("opens with byte %zu changed", at);
			sealed->record[at] ^= (uint8_t)(1 << bit);
		}
	assert_int_equal(open_bound(sealed, &sealed->binding), 0);
}

static void
is_bound_to_its_length(void **state)
{
	struct sealed	*sealed = *state;

	for (size_t size = 0; size < sizeof(sealed->record); size++)
		assert_int_equal(open_with(sealed, &sealed->binding,
		    sealed->token, sealed->stretch, size), -1);
}

static void
needs_token_and_stretch(void **state)
{
	struct sealed	*sealed = *state;
	uint8_t		 wrong[SEAL_STRETCHBYTES];

	for (unsigned int bit = 0; bit < 8 * TOKEN_BYTES; bit++) {
		memcpy(wrong, sealed->token, TOKEN_BYTES);
		wrong[bit / 8] ^= (uint8_t)(1 << bit % 8);
		assert_int_equal(open_with(sealed, &sealed->binding, wrong,
		    sealed->stretch, sizeof(sealed->record)), -1);
	}
	for (unsigned int bit = 0; bit < 8 * SEAL_STRETCHBYTES; bit++) {
		memcpy(wrong, sealed->stretch, sizeof(wrong));
		wrong[bit / 8] ^= (uint8_t)(1 << bit % 8);
		assert_int_equal(open_with(sealed, &sealed->binding,
		    sealed->token, wrong, sizeof(sealed->record)), -1);
	}
	assert_int_equal(open_with(sealed, &sealed->binding, sealed->token,
	    NULL, sizeof(sealed->record)), -1);
}

static void
needs_the_key(void **state)
{
	struct sealed	*sealed = *state;
	struct keyring	*mine = sealed->keyring, *other;
	struct complaint error;
	struct seal_binding binding = sealed->binding;
	uint8_t		 record[sizeof(sealed->record)];
	uint8_t		 verifier[SEAL_HASHBYTES];

	/* The same number of another keyring is another key. */
	other = load_text("oncelink-keys 1\nlookup "
	    "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff"
	    "\nseal 2 "
	    "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdee"
	    "\n");
	sealed->keyring = other;
	assert_int_equal(open_bound(sealed, &sealed->binding), -1);
	keyring_free(other);
	other = keyring_from_sign_key("no such numbers in this", &error);
	assert_non_null(other);
	sealed->keyring = other;
	assert_int_equal(open_bound(sealed, &sealed->binding), -1);
	keyring_free(other);
	sealed->keyring = mine;

	/* An older one of ours opens its own. */
	binding.key_id = 1;
	assert_int_equal(seal_record(mine, &binding, sealed->token,
	    sealed->stretch, message, sizeof(message), sealed->record), 0);
	assert_int_equal(open_bound(sealed, &binding), 0);
	assert_int_equal(open_bound(sealed, &sealed->binding), -1);

	/* Nothing is sealed or proved with a key that is not there. */
	binding.key_id = 3;
	assert_int_equal(seal_record(mine, &binding, sealed->token,
	    sealed->stretch, message, sizeof(message), record), -1);
	assert_int_equal(seal_verifier(mine, 3, sealed->token,
	    sealed->stretch, verifier), -1);
	binding = sealed->binding;
	binding.epoch = 1;
	assert_int_equal(seal_record(mine, &binding, sealed->token,
	    sealed->stretch, message, sizeof(message), record), -1);
}

static void
refuses_parameters_out_of_range(void **state)
{
	static const uint32_t wrong[][2] = {
		{ 0, 8192 }, { 11, 8192 }, { UINT32_MAX, 8192 },
		{ 1, 0 }, { 1, 8191 }, { 1, 8 }, { 1, 256 * 1024 + 1 },
		{ 1, UINT32_MAX }, { 0, 0 }, { UINT32_MAX, UINT32_MAX },
		/* Hours of work, if it were begun. */
		{ UINT32_MAX, 256 * 1024 },
	};
	struct sealed	*sealed = *state;
	uint8_t		 stretch[SEAL_STRETCHBYTES], untouched[sizeof(stretch)];

	memset(untouched, 0xa5, sizeof(untouched));
	memcpy(stretch, untouched, sizeof(stretch));
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		if (seal_stretch(sealed->token, "12345", 5, wrong[i][0],
		    wrong[i][1], stretch) != -1)
			fail_msg("taken: %u passes, %u KiB",
			    (unsigned int)wrong[i][0],
			    (unsigned int)wrong[i][1]);
		assert_memory_equal(stretch, untouched, sizeof(stretch));
	}
	assert_int_equal(seal_stretch(sealed->token, "12345", 5,
	    SEAL_PASSES_MIN, SEAL_MEMORY_MIN, stretch), 0);
	assert_int_equal(seal_stretch(sealed->token, "12345", 5,
	    SEAL_PASSES_MAX, SEAL_MEMORY_MIN, stretch), 0);
	assert_int_equal(seal_stretch(sealed->token, "12345", 5,
	    SEAL_PASSES_MIN, SEAL_MEMORY_MAX, stretch), 0);
}

static void
stretches_every_byte(void **state)
{
	struct sealed	*sealed = *state;
	uint8_t		 first[SEAL_STRETCHBYTES], other[sizeof(first)];
	uint8_t		 token[TOKEN_BYTES];

	assert_int_equal(seal_stretch(sealed->token, "a\0b", 3, 1, 8192,
	    first), 0);
	assert_int_equal(seal_stretch(sealed->token, "a\0b", 3, 1, 8192,
	    other), 0);
	assert_true(seal_equal(first, other));
	assert_int_equal(seal_stretch(sealed->token, "a\0c", 3, 1, 8192,
	    other), 0);
	assert_false(seal_equal(first, other));
	assert_int_equal(seal_stretch(sealed->token, "a", 1, 1, 8192, other),
	    0);
	assert_false(seal_equal(first, other));
	token_random(token);
	assert_int_equal(seal_stretch(token, "a\0b", 3, 1, 8192, other), 0);
	assert_false(seal_equal(first, other));
}

static void
compares_every_byte(void **state)
{
	uint8_t	 a[SEAL_HASHBYTES], b[sizeof(a)];

	(void)state;
	randombytes_buf(a, sizeof(a));
	for (unsigned int bit = 0; bit < 8 * sizeof(a); bit++) {
		memcpy(b, a, sizeof(a));
		assert_int_equal(seal_equal(a, b), 1);
		b[bit / 8] ^= (uint8_t)(1 << bit % 8);
		assert_int_equal(seal_equal(a, b), 0);
	}
}

static void
hashes_claims_by_secret(void **state)
{
	struct sealed	*sealed = *state;
	uint8_t		 lookup[SEAL_LOOKUPBYTES], claim[SEAL_SECRETBYTES];
	uint8_t		 first[SEAL_HASHBYTES], other[SEAL_HASHBYTES];

	randombytes_buf(claim, sizeof(claim));
	memcpy(lookup, sealed->binding.lookup, sizeof(lookup));
	seal_claim(sealed->keyring, lookup, claim, first);
	lookup[31] ^= 1;
	seal_claim(sealed->keyring, lookup, claim, other);
	assert_false(seal_equal(first, other));
	/* The same bytes as token, receipt and claim are three hashes. */
	seal_receipt(sealed->keyring, claim, first);
	seal_lookup(sealed->keyring, claim, other);
	assert_false(seal_equal(first, other));
}

/* The vectors. */

static struct json_object *
member(struct json_object *of, const char *name)
{
	struct json_object	*value;

	if (!json_object_object_get_ex(of, name, &value))
		fail_msg("the vectors have no %s", name);
	return value;
}

static size_t
bytes_of(struct json_object *of, const char *name, uint8_t out[BYTES_MAX])
{
	struct json_object	*value = member(of, name);
	size_t			 size;

	if (value == NULL)
		return SIZE_MAX;
	assert_int_equal(sodium_hex2bin(out, BYTES_MAX,
	    json_object_get_string(value),
	    (size_t)json_object_get_string_len(value), NULL, &size, NULL), 0);
	return size;
}

static void
assert_bytes(const uint8_t *got, size_t size, struct json_object *of,
    const char *name)
{
	uint8_t	 expected[BYTES_MAX];

	assert_int_equal(bytes_of(of, name, expected), size);
	if (memcmp(got, expected, size) != 0)
		fail_msg("%s: %s is not the vectors'",
		    json_object_get_string(member(of, "name")), name);
}

static uint32_t
number_of(struct json_object *of, const char *name)
{
	return (uint32_t)json_object_get_int64(member(of, name));
}

static void
check_hashes(const struct keyring *keyring, struct json_object *vector,
    const uint8_t *token, uint8_t lookup[SEAL_LOOKUPBYTES])
{
	uint8_t	 hash[SEAL_HASHBYTES], bytes[BYTES_MAX];
	char	 name[9];

	seal_lookup(keyring, token, lookup);
	assert_bytes(lookup, SEAL_LOOKUPBYTES, vector, "lookup");
	seal_log_name(keyring, lookup, name);
	assert_string_equal(name,
	    json_object_get_string(member(vector, "log_name")));
	assert_int_equal(bytes_of(vector, "receipt", bytes),
	    SEAL_SECRETBYTES);
	seal_receipt(keyring, bytes, hash);
	assert_bytes(hash, sizeof(hash), vector, "receipt_hash");
	assert_int_equal(bytes_of(vector, "claim", bytes), SEAL_SECRETBYTES);
	seal_claim(keyring, lookup, bytes, hash);
	assert_bytes(hash, sizeof(hash), vector, "claim_hash");
}

static void
check_case(const struct keyring *keyring, struct json_object *vector)
{
	struct seal_binding binding = {
		.kind = (uint8_t)number_of(vector, "kind"),
		.expires_at = json_object_get_int64(member(vector,
		    "expires_at")),
		.passes = number_of(vector, "passes"),
		.memory = number_of(vector, "memory"),
		.key_id = number_of(vector, "key_id"),
		.epoch = number_of(vector, "epoch"),
	};
	uint8_t	 token[BYTES_MAX], pin[BYTES_MAX], record[BYTES_MAX];
	uint8_t	 stretch[BYTES_MAX], payload[BYTES_MAX];
	uint8_t	 verifier[SEAL_HASHBYTES];
	size_t	 size, pin_size;
	bool	 stretched;

	assert_int_equal(bytes_of(vector, "token", token), TOKEN_BYTES);
	check_hashes(keyring, vector, token, binding.lookup);
	stretched = bytes_of(vector, "stretch", stretch) == SEAL_STRETCHBYTES;
	pin_size = bytes_of(vector, "pin", pin);
	if (pin_size != SIZE_MAX) {
		memset(stretch, 0, sizeof(stretch));
		assert_int_equal(seal_stretch(token, pin, pin_size,
		    binding.passes, binding.memory, stretch), 0);
		assert_bytes(stretch, SEAL_STRETCHBYTES, vector, "stretch");
	}
	assert_int_equal(seal_verifier(keyring, binding.key_id, token,
	    stretched ? stretch : NULL, verifier), 0);
	assert_bytes(verifier, sizeof(verifier), vector, "verifier");
	size = bytes_of(vector, "record", record);
	assert_true(size >= SEAL_OVERHEAD && size != SIZE_MAX);
	assert_int_equal(seal_open(keyring, &binding, token,
	    stretched ? stretch : NULL, record, size, payload), 0);
	assert_bytes(payload, size - SEAL_OVERHEAD, vector, "payload");
}

static void
agrees_with_the_vectors(void **state)
{
	struct complaint	 error = { "" };
	struct json_object	*vectors, *rings, *list, *vector;
	struct keyring		*file, *signed_with;
	const char		*source = getenv("srcdir");
	char			 name[1024];

	(void)state;
	(void)snprintf(name, sizeof(name), "%s/tests/vectors/seal.json",
	    source == NULL ? "." : source);
	vectors = json_object_from_file(name);
	assert_non_null(vectors);
	rings = member(vectors, "keyrings");
	file = load_text(json_object_get_string(member(member(rings, "file"),
	    "text")));
	signed_with = keyring_from_sign_key(json_object_get_string(member(
	    member(rings, "sign_key"), "sign_key")), &error);
	assert_non_null(signed_with);
	list = member(vectors, "cases");
	assert_int_equal(json_object_array_length(list), 6);
	for (size_t i = 0; i < json_object_array_length(list); i++) {
		vector = json_object_array_get_idx(list, i);
		check_case(strcmp(json_object_get_string(member(vector,
		    "keyring")), "file") == 0 ? file : signed_with, vector);
	}
	keyring_free(signed_with);
	keyring_free(file);
	json_object_put(vectors);
}

int
main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(opens_what_it_sealed),
		TEST(opens_in_place),
		TEST(wipes_in_place),
		TEST(opens_nothing_inside),
		TEST(is_bound_to_its_row),
		TEST(is_bound_to_each_byte),
		TEST(is_bound_to_its_length),
		TEST(needs_token_and_stretch),
		TEST(needs_the_key),
		TEST(refuses_parameters_out_of_range),
		TEST(stretches_every_byte),
		TEST(compares_every_byte),
		TEST(hashes_claims_by_secret),
		cmocka_unit_test(agrees_with_the_vectors),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	if (sodium_init() == -1)
		return 1;
	return cmocka_run_group_tests(tests, NULL, NULL);
}

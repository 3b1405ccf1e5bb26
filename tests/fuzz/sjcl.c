/* SPDX-License-Identifier: ISC */
/*
 * What clients of password.link seal: `=' in front is the text as it comes in
 * a member; with anything else the rest is what is inside its base64.
 */
#include <sodium.h>
#include <string.h>

#include "base/arena.h"
#include "base/buf.h"
#include "fuzz.h"
#include "web/json_read.h"
#include "web/sjcl.h"

#define MOST 4096

static struct arena	*arena;

int
LLVMFuzzerInitialize(int *argc, char ***argv)
{
	(void)argc;
	(void)argv;
	fuzz_must(sodium_init() >= 0);
	fuzz_must((arena = arena_create()) != NULL);
	return 0;
}

/* A payload that is kept is one object of JSON. */
static void
check_payload(const struct json_string *text)
{
	static const struct json_member member = {
		.name = "ciphertext", .kind = JSON_STRING, .required = true,
		.min = 1, .max = INT64_MAX
	};
	struct sjcl	 sjcl = { .ciphertext = *text };
	struct json_string again;
	struct json_error error;
	struct buf	 payload;

	buf_init(&payload, arena);
	sjcl_write(&payload, &sjcl);
	fuzz_must(!payload.failed);
	fuzz_must(json_read(arena, payload.data, payload.len, &member, 1,
	    JSON_REFUSE_EXTRAS, &again, &error) == 0);
	fuzz_must(again.length == text->length &&
	    memcmp(again.bytes, text->bytes, again.length) == 0);
}

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
	struct fuzz_input	 input = { bytes, size };
	struct json_string	 text;
	struct sjcl_error	 error;
	size_t			 room;
	char			*sealed;

	if (size > FUZZ_MAX / 2)
		return 0;
	if (fuzz_byte(&input) == '=') {
		text.length = input.left;
		text.bytes = fuzz_fence_text(0, input.next, input.left);
	} else {
		room = sodium_base64_encoded_len(input.left,
		    sodium_base64_VARIANT_ORIGINAL);
		sealed = fuzz_fence(0, NULL, room);
		(void)sodium_bin2base64(sealed, room, input.next, input.left,
		    sodium_base64_VARIANT_ORIGINAL);
		text.length = room - 1;
		text.bytes = sealed;
	}
	if (sjcl_check(&text, MOST, &error) == 0) {
		fuzz_must(error.fault == SJCL_FINE &&
		    text.length / 4 * 3 <= MOST + 2 + text.length / 2);
		/* It is base64 of something, whatever that is. */
		fuzz_must(sjcl_check_part(&text, MOST, &error) == 0);
		check_payload(&text);
	} else
		fuzz_must(error.fault != SJCL_FINE &&
		    error.fault != SJCL_NO_MEMORY);
	arena_reset(arena);
	return 0;
}

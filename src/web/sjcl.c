/* SPDX-License-Identifier: ISC */
/*
 * The form of an SJCL object, and of the payload that is made of some.
 */

#include "web/sjcl.h"

#include <string.h>

#include "base/arena.h"
#include "crypto/base64.h"
#include "web/json.h"

#define KEY_SIZE	256

struct object {
	struct json_string	 iv;
	struct json_string	 salt;
	struct json_string	 ct;
	struct json_string	 mode;
	int64_t			 ks;
};

#define BINARY(member) {						\
	.name = #member, .kind = JSON_STRING, .required = true,		\
	.min = 1, .max = INT64_MAX,					\
	.offset = offsetof(struct object, member)			\
}
static const struct json_member object_members[] = {
	BINARY(iv), BINARY(salt), BINARY(ct),
	{
		.name = "mode", .kind = JSON_STRING, .required = true,
		.min = 3, .max = 3,
		.offset = offsetof(struct object, mode)
	}, {
		.name = "ks", .kind = JSON_INTEGER, .required = true,
		.min = KEY_SIZE, .max = KEY_SIZE,
		.offset = offsetof(struct object, ks)
	}
};

/* Decode text into the arena. */
static enum sjcl_fault
decode(struct arena *arena, const struct json_string *text, uint8_t **bytes,
    size_t *size)
{
	*bytes = arena_alloc(arena, base64_room(text->length));
	if (*bytes == NULL)
		return SJCL_NO_MEMORY;
	return base64_decode(text->bytes, text->length, *bytes, size) &&
	    *size > 0 ? SJCL_FINE : SJCL_NOT_BASE64;
}

static enum sjcl_fault
check_object(struct arena *arena, const uint8_t *bytes, size_t size)
{
	const struct json_string *binary[3];
	struct json_error	 error;
	struct object		 object;
	enum sjcl_fault		 fault;
	uint8_t			*decoded;
	size_t			 decoded_size;

	if (json_read(arena, bytes, size, object_members,
	    sizeof(object_members) / sizeof(object_members[0]),
	    JSON_IGNORE_EXTRAS, &object, &error) == -1)
		return error.fault == JSON_NO_MEMORY ? SJCL_NO_MEMORY :
		    SJCL_NOT_SJCL;
	if (memcmp(object.mode.bytes, "gcm", 3) != 0)
		return SJCL_NOT_SJCL;
	binary[0] = &object.iv;
	binary[1] = &object.salt;
	binary[2] = &object.ct;
	for (size_t i = 0; i < 3; i++) {
		fault = decode(arena, binary[i], &decoded, &decoded_size);
		if (fault == SJCL_NOT_BASE64)
			fault = SJCL_NOT_SJCL;
		if (fault != SJCL_FINE)
			return fault;
	}
	return SJCL_FINE;
}

/* What is decoded to be looked at goes at once: an attachment is large. */
static int
check(const struct json_string *text, int64_t most, bool object,
    struct sjcl_error *error)
{
	struct arena	*arena;
	uint8_t		*bytes;
	size_t		 size;

	*error = (struct sjcl_error){ .fault = SJCL_NO_MEMORY, .most = most };
	if ((arena = arena_create()) == NULL)
		return -1;
	error->fault = decode(arena, text, &bytes, &size);
	if (error->fault == SJCL_FINE && size > (uint64_t)most)
		error->fault = SJCL_TOO_LARGE;
	if (error->fault == SJCL_FINE && object)
		error->fault = check_object(arena, bytes, size);
	arena_destroy(arena);
	return error->fault == SJCL_FINE ? 0 : -1;
}

int
sjcl_check(const struct json_string *text, int64_t most,
    struct sjcl_error *error)
{
	return check(text, most, true, error);
}

int
sjcl_check_part(const struct json_string *text, int64_t most,
    struct sjcl_error *error)
{
	return check(text, most, false, error);
}

static void
put(struct json_writer *json, const char *name, const struct json_string *text)
{
	if (text->bytes != NULL)
		json_string(json, name, text->bytes, text->length);
}

void
sjcl_write(struct buf *out, const struct sjcl *sjcl)
{
	struct json_writer	 json;

	json_open(&json, out);
	put(&json, "ciphertext", &sjcl->ciphertext);
	put(&json, "password_part_private", &sjcl->password_part_private);
	put(&json, "attachment_name", &sjcl->attachment_name);
	put(&json, "attachment_ciphertext", &sjcl->attachment_ciphertext);
	json_close(&json);
}

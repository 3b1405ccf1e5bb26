/* SPDX-License-Identifier: ISC */
/*
 * What the bytes of a secret request are before they are sealed; numbers are
 * of 4 bytes:
 *
 *	token (16) || hours || limit || secret_hours || secret_views
 *	then for each of its words: length + 1, or 0 for none || bytes
 */
#include <string.h>

#include "base/arena.h"
#include "base/buf.h"
#include "core/notes.h"
#include "core/request_note.h"
#include "store/store_request.h"

#define NUMBER		4
#define NOTE_FIXED	(TOKEN_BYTES + 4 * NUMBER)

int
request_note_seal(struct site *site, struct arena *arena,
    const uint8_t token[TOKEN_BYTES], const struct secret_request *request,
    struct store_request *row)
{
	const char	*password =
	    request->words[SECRET_REQUEST_SECRET_PASSWORD].bytes;
	size_t		 length;
	struct buf	 plain;

	buf_init(&plain, arena);
	buf_append(&plain, token, TOKEN_BYTES);
	notes_put(&plain, (uint32_t)request->hours, NUMBER);
	notes_put(&plain, request->limit, NUMBER);
	notes_put(&plain, (uint32_t)request->secret_hours, NUMBER);
	notes_put(&plain, request->secret_views, NUMBER);
	for (int i = 0; i < SECRET_REQUEST_WORDS__MAX; i++) {
		if (request->words[i].bytes == NULL) {
			notes_put(&plain, 0, NUMBER);
			continue;
		}
		length = i == SECRET_REQUEST_SECRET_PASSWORD ? 0 :
		    request->words[i].length;
		notes_put(&plain, length + 1, NUMBER);
		buf_append(&plain, request->words[i].bytes, length);
	}
	row->note_size = plain.len + NOTE_OVERHEAD;
	row->note = notes_seal(site, arena, NOTE_REQUEST, row->lookup,
	    plain.failed ? NULL : plain.data, plain.len);
	if (row->note == NULL || password == NULL)
		return row->note == NULL ? -1 : 0;
	length = request->words[SECRET_REQUEST_SECRET_PASSWORD].length;
	row->password_size = length + NOTE_OVERHEAD;
	row->password = notes_seal(site, arena, NOTE_PASSWORD, row->lookup,
	    password, length);
	return row->password == NULL ? -1 : 0;
}

/* The words behind the numbers, each in the arena.  1: they are not as they
 * were written. */
static int
read_words(struct arena *arena, const uint8_t *at, size_t left,
    struct secret_request *request)
{
	size_t	 length;

	for (int i = 0; i < SECRET_REQUEST_WORDS__MAX; i++) {
		if (left < NUMBER)
			return 1;
		length = notes_get(at, NUMBER);
		at += NUMBER;
		left -= NUMBER;
		if (length == 0)
			continue;
		if (--length > left)
			return 1;
		request->words[i].bytes = arena_copy(arena, at, length);
		request->words[i].length = length;
		if (request->words[i].bytes == NULL)
			return notes_no_memory();
		at += length;
		left -= length;
	}
	return left == 0 ? 0 : 1;
}

int
request_note_open(struct site *site, struct arena *arena,
    const struct store_request *row, struct secret_request_entry *entry)
{
	struct secret_request	*request = &entry->request;
	uint8_t			*plain;
	int			 result;

	*entry = (struct secret_request_entry){
		.created_at = row->created_at,
		.expires_at = row->expires_at,
		.uses_left = row->uses_left,
	};
	result = notes_open(site, arena, NOTE_REQUEST, row->lookup, row->note,
	    row->note_size, &plain);
	if (result != 0)
		return result;
	if (row->note_size < NOTE_FIXED + NOTE_OVERHEAD)
		return notes_damaged(site, NOTE_REQUEST, row->lookup);
	memcpy(entry->token, plain, TOKEN_BYTES);
	plain += TOKEN_BYTES;
	request->hours = (int32_t)notes_get(plain, NUMBER);
	request->limit = (uint32_t)notes_get(plain + NUMBER, NUMBER);
	request->secret_hours = (int32_t)notes_get(plain + 2 * NUMBER,
	    NUMBER);
	request->secret_views = (uint32_t)notes_get(plain + 3 * NUMBER,
	    NUMBER);
	result = read_words(arena, plain + 4 * NUMBER, row->note_size -
	    NOTE_FIXED - NOTE_OVERHEAD, request);
	return result == 1 ? notes_damaged(site, NOTE_REQUEST, row->lookup) :
	    result;
}

int
request_note_password(struct site *site, struct arena *arena,
    const struct store_request *row, struct secret_request *request)
{
	uint8_t	*bytes;
	int	 result;

	if (row->password == NULL)
		return 0;
	result = notes_open(site, arena, NOTE_PASSWORD, row->lookup,
	    row->password, row->password_size, &bytes);
	if (result != 0)
		return result;
	request->words[SECRET_REQUEST_SECRET_PASSWORD].bytes =
	    (const char *)bytes;
	request->words[SECRET_REQUEST_SECRET_PASSWORD].length =
	    row->password_size - NOTE_OVERHEAD;
	return 0;
}

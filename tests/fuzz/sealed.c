/* SPDX-License-Identifier: ISC */
/*
 * What is in the database, to whom has no key and to whom has it.  The first
 * byte says what the rest is: a record or a note that somebody made up,
 * changes to a good record, or what is inside a good seal.
 */
#include <sodium.h>
#include <string.h>

#include "base/arena.h"
#include "base/complaint.h"
#include "base/log.h"
#include "core/mail.h"
#include "core/request_note.h"
#include "core/site.h"
#include "crypto/keyring.h"
#include "crypto/note.h"
#include "crypto/seal.h"
#include "fuzz.h"
#include "store/store_request.h"

#define PAYLOAD	64

static const uint8_t	 nobody[NOTE_OWNERBYTES];
static struct arena	*arena;
static struct site	 site;
static unsigned long	 complaints;

/* The linker puts this in the place of log_write: that something does not
 * open is what is tried here, again and again. */
void	__wrap_log_write(enum log_event event, const struct log_field *fields);
void
__wrap_log_write(enum log_event event, const struct log_field *fields)
{
	(void)fields;
	fuzz_must(event == LOG_RECORD_DAMAGED);
	complaints++;
}

int
LLVMFuzzerInitialize(int *argc, char ***argv)
{
	struct complaint error;

	(void)argc;
	(void)argv;
	fuzz_must(sodium_init() >= 0);
	site.keyring = keyring_from_sign_key("no key but for fuzzing", &error);
	fuzz_must(site.keyring != NULL);
	fuzz_must((arena = arena_create()) != NULL);
	return 0;
}

static void
try_record(struct fuzz_input *input)
{
	static const struct seal_binding binding = { .kind = 1 };
	static const uint8_t token[TOKEN_BYTES];
	size_t	 room = input->left < SEAL_OVERHEAD ? 0 :
	    input->left - SEAL_OVERHEAD;
	uint8_t	*payload = fuzz_fence(1, NULL, room);
	const uint8_t *record = fuzz_fence(0, input->next, input->left);

	memset(payload, 1, room);
	fuzz_must(seal_open(site.keyring, &binding, token, NULL, record,
	    input->left, payload) == -1);
	for (size_t i = 0; i < room; i++)
		fuzz_must(payload[i] == 0);
}

/* A place and what is changed there, until nothing is left: it opens only if
 * all is as it was.  Places behind the record are those of its binding. */
static void
try_changes(struct fuzz_input *input)
{
	static const uint8_t	 payload[PAYLOAD] = { 1, 2, 3 };
	struct seal_binding	 binding, changed;
	uint8_t			 token[TOKEN_BYTES] = { 4 };
	uint8_t			 record[PAYLOAD + SEAL_OVERHEAD];
	uint8_t			 before[PAYLOAD + SEAL_OVERHEAD];
	uint8_t			*opened = fuzz_fence(1, NULL, PAYLOAD);
	uint8_t			*part;
	size_t			 at, size;
	bool			 same;

	/* What lies between its members is of no meaning. */
	memset(&binding, 0, sizeof(binding));
	binding.kind = 3;
	binding.expires_at = 1000;
	fuzz_must(seal_record(site.keyring, &binding, token, NULL, payload,
	    PAYLOAD, record) == 0);
	memcpy(before, record, sizeof(before));
	changed = binding;
	while (input->left > 1) {
		at = fuzz_byte(input);
		part = record;
		size = sizeof(record);
		if (at >= size) {
			at -= size;
			part = changed.lookup;
			size = sizeof(changed.lookup);
		}
		if (at < size)
			part[at] ^= fuzz_byte(input);
		else if (at < 2 * size)
			changed.expires_at ^= (int64_t)fuzz_byte(input) << 8;
		else
			changed.kind ^= fuzz_byte(input);
	}
	same = memcmp(before, record, sizeof(before)) == 0 &&
	    memcmp(changed.lookup, binding.lookup, sizeof(binding.lookup)) ==
	    0 && changed.expires_at == binding.expires_at &&
	    changed.kind == binding.kind;
	fuzz_must((seal_open(site.keyring, &changed, token, NULL, record,
	    sizeof(record), opened) == 0) == same);
	if (same)
		fuzz_must(memcmp(opened, payload, PAYLOAD) == 0);
}

static void
try_note(struct fuzz_input *input)
{
	struct mail	 mail;
	const uint8_t	*note = fuzz_fence(0, input->next, input->left);

	fuzz_must(mail_open(&site, arena, note, input->left, &mail) == -1);
}

/* Seal what was given as a note of that use. */
static const uint8_t *
seal(const struct fuzz_input *input, enum note_use use, size_t *size)
{
	uint8_t	*note;

	*size = input->left + NOTE_OVERHEAD;
	note = fuzz_fence(0, NULL, *size);
	note_seal(site.keyring, use, nobody, input->next, input->left, note);
	return note;
}

static void
try_letter(struct fuzz_input *input)
{
	struct mail_sealed sealed;
	struct mail	 mail, again;
	const uint8_t	*note;
	size_t		 size;

	note = seal(input, NOTE_LETTER, &size);
	if (mail_open(&site, arena, note, size, &mail) == -1)
		return;
	fuzz_must(strlen(mail.address) <= UINT8_MAX &&
	    strlen(mail.link) <= input->left);
	fuzz_must(mail_seal(&site, arena, &mail, &sealed) == 0);
	fuzz_must(mail_open(&site, arena, sealed.letter, sealed.letter_size,
	    &again) == 0);
	fuzz_must(strcmp(again.address, mail.address) == 0 &&
	    strcmp(again.link, mail.link) == 0 && again.kind == mail.kind &&
	    again.expires_at == mail.expires_at);
}

/* A note that was opened holds no more than was in it. */
static void
check_request(const struct secret_request *request, size_t size)
{
	size_t	 used = 0;

	for (int i = 0; i < SECRET_REQUEST_WORDS__MAX; i++) {
		if (request->words[i].bytes == NULL)
			continue;
		fuzz_must(request->words[i].bytes[request->words[i].length] ==
		    '\0');
		used += request->words[i].length;
	}
	fuzz_must(used <= size);
}

static void
try_request(struct fuzz_input *input)
{
	struct secret_request_entry entry, again;
	struct store_request row = { .uses_left = 1 };
	int		 result;

	row.note = seal(input, NOTE_REQUEST, &row.note_size);
	memcpy(row.lookup, nobody, sizeof(row.lookup));
	result = request_note_open(&site, arena, &row, &entry);
	fuzz_must(result == 0 || result == 1);
	if (result == 1)
		return;
	check_request(&entry.request, input->left);
	/* Its password is sealed apart and empty here. */
	if (entry.request.words[SECRET_REQUEST_SECRET_PASSWORD].length != 0)
		return;
	fuzz_must(request_note_seal(&site, arena, entry.token, &entry.request,
	    &row) == 0);
	fuzz_must(row.note_size == input->left + NOTE_OVERHEAD);
	fuzz_must(request_note_open(&site, arena, &row, &again) == 0);
	fuzz_must(memcmp(again.token, entry.token, TOKEN_BYTES) == 0 &&
	    again.request.limit == entry.request.limit &&
	    again.request.hours == entry.request.hours);
}

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
	static void (*const tries[])(struct fuzz_input *) = {
		try_record, try_changes, try_note, try_letter, try_request
	};
	struct fuzz_input	 input = { bytes, size };

	if (size > FUZZ_MAX / 2)
		return 0;
	tries[fuzz_byte(&input) % (sizeof(tries) / sizeof(tries[0]))](&input);
	arena_reset(arena);
	return 0;
}

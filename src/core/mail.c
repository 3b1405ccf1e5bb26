/* SPDX-License-Identifier: ISC */
/*
 * Letters that wait.  What the bytes of one are before they are sealed is
 * known here alone:
 *
 *	kind (1) || expires_at (8) || length of the address (1) || it || link
 */
#include <string.h>

#include "base/address.h"
#include "base/arena.h"
#include "base/buf.h"
#include "core/mail.h"
#include "core/notes.h"
#include "core/site.h"
#include "store/store_request.h"

#define LETTER_FIXED	(1 + 8 + 1)

_Static_assert(ADDRESS_MAX_LENGTH <= UINT8_MAX, "its length is a byte");

/* A letter belongs to no secret whose name it could be bound to. */
static const uint8_t nobody[NOTE_OWNERBYTES];

int
mail_seal(struct site *site, struct arena *arena, const struct mail *mail,
    struct mail_sealed *sealed)
{
	size_t		 length = strlen(mail->address);
	struct buf	 plain;

	buf_init(&plain, arena);
	notes_put(&plain, mail->kind, 1);
	notes_put(&plain, (uint64_t)mail->expires_at, 8);
	notes_put(&plain, length, 1);
	buf_append(&plain, mail->address, length);
	buf_text(&plain, mail->link);
	*sealed = (struct mail_sealed){
		.letter = notes_seal(site, arena, NOTE_LETTER, nobody,
		    plain.failed ? NULL : plain.data, plain.len),
		.letter_size = plain.len + NOTE_OVERHEAD,
		.expires_at = mail->expires_at,
	};
	return sealed->letter == NULL ? STORE_FAILED : 0;
}

int
mail_open(struct site *site, struct arena *arena, const void *letter,
    size_t size, struct mail *mail)
{
	uint8_t		*plain;
	char		*address;
	size_t		 length;

	if (notes_open(site, arena, NOTE_LETTER, nobody, letter, size,
	    &plain) != 0)
		return -1;
	size -= NOTE_OVERHEAD;
	if (size < LETTER_FIXED ||
	    plain[LETTER_FIXED - 1] > size - LETTER_FIXED) {
		notes_damaged(site, NOTE_LETTER, nobody);
		return -1;
	}
	length = plain[LETTER_FIXED - 1];
	address = arena_copy(arena, plain + LETTER_FIXED, length);
	if (address == NULL)
		return notes_no_memory();
	*mail = (struct mail){
		.kind = (enum mail_kind)plain[0], .address = address,
		.link = (const char *)plain + LETTER_FIXED + length,
		.expires_at = (int64_t)notes_get(plain + 1, 8),
	};
	return 0;
}

int
mail_post(struct store_txn *txn, const struct mail_sealed *sealed,
    int64_t account, int64_t request, int64_t secret)
{
	struct store_letter row = {
		.account = account, .request = request, .secret = secret,
		.created_at = store_now(txn), .due_at = store_now(txn),
		.expires_at = sealed->expires_at, .letter = sealed->letter,
		.letter_size = sealed->letter_size,
	};

	return sealed->letter == NULL ? 0 : store_letter_insert(txn, &row);
}

/* What one call of an operator carries into its transaction and back. */
struct work {
	int64_t		 number;
	struct store_letter row;
	bool		 found;
};

static int
step(struct store_txn *txn, void *argument)
{
	struct work	*work = argument;
	int		 result;

	result = store_letter_next(txn, work->number, &work->row);
	work->found = result == 0;
	return result == -1 ? -1 : 0;
}

int
mail_next(struct site *site, int64_t after, struct mail_entry *entry,
    bool *found)
{
	struct work	 work = { .number = after };
	int		 result;

	result = store_view(site->store, step, &work);
	*found = result == 0 && work.found;
	*entry = (struct mail_entry){
		.number = work.row.id, .account = work.row.account,
		.created_at = work.row.created_at,
		.expires_at = work.row.expires_at,
		.due_at = work.row.due_at, .tries = work.row.tries,
		.is_about_request = work.row.request != 0,
	};
	return result;
}

static int
make_due(struct store_txn *txn, void *argument)
{
	struct work	*work = argument;
	int		 result;

	work->found = false;
	result = store_letter_next(txn, work->number - 1, &work->row);
	if (result != 0 || work->row.id != work->number)
		return result == -1 ? -1 : 0;
	work->found = true;
	return store_letter_postpone(txn, work->number, store_now(txn),
	    work->row.tries) == -1 ? -1 : 0;
}

static int
drop(struct store_txn *txn, void *argument)
{
	struct work	*work = argument;
	int		 result;

	result = store_letter_remove(txn, work->number);
	work->found = result == 0;
	return result == -1 ? -1 : 0;
}

static int
change(struct site *site, int64_t number, store_fn *fn, bool *found)
{
	struct work	 work = { .number = number };
	int		 result;

	result = store_update(site->store, fn, &work);
	*found = result == 0 && work.found;
	return result;
}

int
mail_retry(struct site *site, int64_t number, bool *found)
{
	return change(site, number, make_due, found);
}

int
mail_drop(struct site *site, int64_t number, bool *found)
{
	return change(site, number, drop, found);
}

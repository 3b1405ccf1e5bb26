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
#include "base/log.h"
#include "core/mail.h"
#include "core/site.h"
#include "crypto/note.h"
#include "store/store_request.h"

#define LETTER_FIXED	(1 + 8 + 1)

_Static_assert(ADDRESS_MAX_LENGTH <= UINT8_MAX, "its length is a byte");

/* A letter belongs to no secret whose name it could be bound to. */
static const uint8_t nobody[NOTE_OWNERBYTES];

static int
no_memory(void)
{
	log_event(LOG_NO_MEMORY, LOG_TEXT("where", "mail"));
	return -1;
}

int
mail_seal(struct site *site, struct arena *arena, const struct mail *mail,
    struct mail_sealed *sealed)
{
	size_t	 address = strlen(mail->address), link = strlen(mail->link);
	size_t	 size = LETTER_FIXED + address + link;
	uint8_t	*plain;

	*sealed = (struct mail_sealed){
		.letter_size = size + NOTE_OVERHEAD,
		.expires_at = mail->expires_at,
	};
	plain = arena_alloc(arena, size);
	sealed->letter = arena_alloc(arena, sealed->letter_size);
	if (plain == NULL || sealed->letter == NULL) {
		no_memory();
		return STORE_FAILED;
	}
	plain[0] = (uint8_t)mail->kind;
	for (int i = 0; i < 8; i++)
		plain[1 + i] = (uint8_t)((uint64_t)mail->expires_at >>
		    (8 * i));
	plain[LETTER_FIXED - 1] = (uint8_t)address;
	memcpy(plain + LETTER_FIXED, mail->address, address);
	memcpy(plain + LETTER_FIXED + address, mail->link, link);
	note_seal(site->keyring, NOTE_LETTER, nobody, plain, size,
	    sealed->letter);
	return 0;
}

int
mail_open(struct site *site, struct arena *arena, const void *letter,
    size_t size, struct mail *mail)
{
	uint8_t		*plain;
	char		*address;
	size_t		 length;
	uint64_t	 time = 0;

	if (size < NOTE_OVERHEAD + LETTER_FIXED)
		goto damaged;
	size -= NOTE_OVERHEAD;
	if ((plain = arena_alloc(arena, size + 1)) == NULL)
		return no_memory();
	plain[size] = '\0';
	if (note_open(site->keyring, NOTE_LETTER, nobody, letter,
	    size + NOTE_OVERHEAD, plain) == -1)
		goto damaged;
	length = plain[LETTER_FIXED - 1];
	if (length > size - LETTER_FIXED)
		goto damaged;
	if ((address = arena_copy(arena, plain + LETTER_FIXED, length)) ==
	    NULL)
		return no_memory();
	for (int i = 0; i < 8; i++)
		time |= (uint64_t)plain[1 + i] << (8 * i);
	*mail = (struct mail){
		.kind = (enum mail_kind)plain[0], .address = address,
		.link = (const char *)plain + LETTER_FIXED + length,
		.expires_at = (int64_t)time,
	};
	return 0;
damaged:
	log_event(LOG_RECORD_DAMAGED, LOG_TEXT("where", "mail"));
	return -1;
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

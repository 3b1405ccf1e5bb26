/* SPDX-License-Identifier: ISC */
/*
 * What an account sees of its secrets.  What the bytes of a note and of a
 * viewer are before they are sealed is known here alone:
 *
 *	token (16) || hours (4) || views (4) || has a description (1) || it
 *	length of the address (1) || address || user agent
 */
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/utf8.h"
#include "core/account.h"
#include "core/life.h"
#include "core/listing.h"
#include "core/notes.h"
#include "core/site.h"

#define NUMBER		4
#define NOTE_FIXED	(TOKEN_BYTES + 2 * NUMBER + 1)
#define VIEWER_MAX	(1 + LISTING_ADDRESS_MAX + LISTING_AGENT_MAX)

_Static_assert(LISTING_ADDRESS_MAX <= UINT8_MAX, "its length is a byte");

int
listing_seal(struct site *site, struct arena *arena,
    const uint8_t token[TOKEN_BYTES], const uint8_t lookup[SEAL_LOOKUPBYTES],
    const struct listing *listing, struct listing_sealed *sealed)
{
	struct buf	 plain;

	*sealed = (struct listing_sealed){ .listing = listing };
	buf_init(&plain, arena);
	buf_append(&plain, token, TOKEN_BYTES);
	notes_put(&plain, (uint32_t)listing->hours, NUMBER);
	notes_put(&plain, listing->views, NUMBER);
	notes_put(&plain, listing->description != NULL, 1);
	buf_append(&plain, listing->description, listing->description_size);
	sealed->note_size = plain.len + NOTE_OVERHEAD;
	sealed->note = notes_seal(site, arena, NOTE_LISTING, lookup,
	    plain.failed ? NULL : plain.data, plain.len);
	if (sealed->note == NULL)
		return STORE_FAILED;
	if (listing->message == NULL)
		return 0;
	sealed->message_size = listing->message_size + NOTE_OVERHEAD;
	sealed->message = notes_seal(site, arena, NOTE_MESSAGE, lookup,
	    listing->message, listing->message_size);
	return sealed->message == NULL ? STORE_FAILED : 0;
}

int
listing_admit(struct store_txn *txn, int64_t id,
    struct store_account *account, enum secret_outcome *outcome)
{
	int	 result;

	result = store_account_find(txn, id, account);
	*outcome = result == 0 ? SECRET_OK : SECRET_NO_ACCOUNT;
	if (result != 0)
		return result == 1 ? 0 : -1;
	account_renew(account, store_now(txn));
	if (account->allowance != STORE_UNLIMITED &&
	    account->usage >= account->allowance)
		*outcome = SECRET_NO_ALLOWANCE;
	account->usage++;
	return 0;
}

int
listing_insert(struct store_txn *txn, const struct listing_sealed *sealed,
    const struct store_account *account, const struct store_secret *row)
{
	struct store_listing listing = {
		.secret = row->id,
		.account = account->id,
		.flags = sealed->listing->flags,
		.note = sealed->note,
		.note_size = sealed->note_size,
		.message = sealed->message,
		.message_size = sealed->message_size,
	};

	return store_listing_insert(txn, &listing) == -1 ? -1 :
	    store_account_update(txn, account);
}

static int
open_message(struct site *site, struct arena *arena, const uint8_t *owner,
    const struct store_listing *row, char **message, size_t *size)
{
	uint8_t	*bytes;
	int	 result;

	*message = NULL;
	*size = 0;
	if (row->message == NULL)
		return 0;
	result = notes_open(site, arena, NOTE_MESSAGE, owner, row->message,
	    row->message_size, &bytes);
	if (result != 0)
		return result;
	*message = (char *)bytes;
	*size = row->message_size - NOTE_OVERHEAD;
	return 0;
}

struct showing {
	struct site		*site;
	struct arena		*arena;
	const uint8_t		*owner;
	struct listing_shown	*shown;
};

static int
show(struct store_txn *txn, const struct store_listing *row,
    const struct store_secret *secret, void *argument)
{
	struct showing		*showing = argument;
	struct listing_shown	*shown = showing->shown;

	(void)txn;
	(void)secret;
	shown->account = row->account;
	shown->flags = row->flags;
	/* A secret is not given out without what belongs to it. */
	return showing->arena == NULL || open_message(showing->site,
	    showing->arena, showing->owner, row, &shown->message,
	    &shown->message_size) == 0 ? 0 : -1;
}

int
listing_show(struct store_txn *txn, struct site *site, struct arena *arena,
    const struct store_secret *row, struct listing_shown *shown)
{
	struct showing	 showing = {
		.site = site, .arena = arena, .owner = row->lookup,
		.shown = shown,
	};

	*shown = (struct listing_shown){ .account = 0 };
	return store_listing_find(txn, row->id, show, &showing) == -1 ? -1 : 0;
}

/* A user agent as it is kept: cut between code points, and readable as UTF-8
 * without control characters whatever the client sent. */
static size_t
copy_agent(uint8_t *to, const char *agent)
{
	bool	 valid;
	size_t	 length = strnlen(agent, LISTING_AGENT_MAX);

	if (agent[length] != '\0')
		while (length > 0 && (agent[length] & 0xc0) == 0x80)
			length--;
	valid = utf8_length(agent, length) >= 0;
	for (size_t i = 0; i < length; i++) {
		to[i] = (uint8_t)agent[i];
		if (to[i] < ' ' || to[i] == 0x7f || (!valid && to[i] > 0x7f))
			to[i] = '?';
	}
	return length;
}

int
listing_viewed(struct store_txn *txn, struct site *site,
    const struct store_secret *row, const struct secret_viewer *viewer)
{
	uint8_t	 plain[VIEWER_MAX], note[VIEWER_MAX + NOTE_OVERHEAD];
	size_t	 address = 0, agent = 0;
	int	 result;

	if (viewer->address != NULL)
		address = strnlen(viewer->address,
		    LISTING_ADDRESS_MAX);
	plain[0] = (uint8_t)address;
	if (address > 0)
		memcpy(plain + 1, viewer->address, address);
	if (viewer->agent != NULL)
		agent = copy_agent(plain + 1 + address, viewer->agent);
	note_seal(site->keyring, NOTE_VIEWER, row->lookup, plain,
	    1 + address + agent, note);
	result = store_view_insert(txn, row->id, store_now(txn), note,
	    1 + address + agent + NOTE_OVERHEAD);
	explicit_bzero(plain, sizeof(plain));
	return result;
}

/* What reading a page carries with it. */
struct paging {
	struct site		*site;
	struct arena		*arena;
	int64_t			 account;
	int64_t			 offset;
	struct listing_entry	*entries;
	size_t			 count;
	const uint8_t		*owner;
};

static int
add_view(int64_t at, const void *viewer, size_t size, void *argument)
{
	struct paging		*paging = argument;
	struct listing_entry	*entry = &paging->entries[paging->count];
	struct listing_view	*view;
	uint8_t			*bytes;
	char			*address;
	int			 result;

	if (entry->views_count == entry->max_views)
		return 0;
	view = &entry->views[entry->views_count];
	*view = (struct listing_view){ .viewed_at = at };
	result = notes_open(paging->site, paging->arena, NOTE_VIEWER,
	    paging->owner, viewer, size, &bytes);
	size -= NOTE_OVERHEAD;
	if (result == 0 && (size == 0 || bytes[0] > size - 1))
		result = notes_damaged(paging->site, NOTE_VIEWER,
		    paging->owner);
	if (result != 0)
		return result == 1 ? 0 : -1;
	if (bytes[0] > 0) {
		address = arena_alloc(paging->arena, (size_t)bytes[0] + 1);
		if (address == NULL)
			return notes_no_memory();
		memcpy(address, bytes + 1, bytes[0]);
		address[bytes[0]] = '\0';
		view->address = address;
	}
	if (size > 1 + (size_t)bytes[0])
		view->agent = (const char *)bytes + 1 + bytes[0];
	entry->views_count++;
	return 0;
}

static int
read_note(struct paging *paging, const struct store_listing *row,
    struct listing_entry *entry)
{
	uint8_t	*bytes;
	int	 result;

	if (row->note_size < NOTE_FIXED + NOTE_OVERHEAD)
		return notes_damaged(paging->site, NOTE_LISTING,
		    paging->owner);
	result = notes_open(paging->site, paging->arena, NOTE_LISTING,
	    paging->owner, row->note, row->note_size, &bytes);
	if (result != 0)
		return result;
	memcpy(entry->token, bytes, TOKEN_BYTES);
	entry->hours = (int32_t)notes_get(bytes + TOKEN_BYTES, NUMBER);
	entry->max_views = (uint32_t)notes_get(bytes + TOKEN_BYTES + NUMBER,
	    NUMBER);
	if (bytes[NOTE_FIXED - 1] != 0) {
		entry->description = (const char *)bytes + NOTE_FIXED;
		entry->description_size = row->note_size - NOTE_OVERHEAD -
		    NOTE_FIXED;
	}
	return 0;
}

/* What does not open is left out, since the rest must not be kept from anybody
 * for it; the log tells of it.  Without its note a row has not even a name. */
static int
add_entry(struct store_txn *txn, const struct store_listing *row,
    const struct store_secret *secret, void *argument)
{
	struct paging		*paging = argument;
	struct listing_entry	*entry = &paging->entries[paging->count];
	char			*message;
	int			 result;

	*entry = (struct listing_entry){
		.created_at = secret->created_at,
		.expires_at = secret->expires_at,
		.flags = row->flags,
		.view_times = row->views,
	};
	paging->owner = secret->lookup;
	result = read_note(paging, row, entry);
	if (result != 0)
		return result == 1 ? 0 : -1;
	if (open_message(paging->site, paging->arena, paging->owner, row,
	    &message, &entry->message_size) == -1)
		return -1;
	entry->message = message;
	entry->views = arena_alloc(paging->arena, entry->max_views *
	    sizeof(*entry->views));
	if (entry->views == NULL)
		return notes_no_memory();
	if (row->views > 0 && store_view_each(txn, row->secret, add_view,
	    paging) == -1)
		return -1;
	paging->count++;
	return 0;
}

static int
read_page(struct store_txn *txn, void *argument)
{
	struct paging	*paging = argument;

	paging->count = 0;
	return store_listing_page(txn, paging->account, paging->offset,
	    LISTING_PAGE, add_entry, paging);
}

int
listing_page(struct site *site, struct arena *arena, int64_t account,
    int64_t offset, struct listing_entry **entries, size_t *count)
{
	struct paging	 paging = {
		.site = site, .arena = arena, .account = account,
		.offset = offset,
	};
	int		 result;

	paging.entries = arena_alloc(arena, LISTING_PAGE *
	    sizeof(*paging.entries));
	if (paging.entries == NULL) {
		notes_no_memory();
		return STORE_FAILED;
	}
	result = store_view(site->store, read_page, &paging);
	*entries = paging.entries;
	*count = paging.count;
	return result;
}

struct summing {
	int64_t			 account;
	struct listing_totals	*totals;
};

static int
sum_up(struct store_txn *txn, void *argument)
{
	struct summing		*summing = argument;
	struct store_account	 row;
	int			 result;

	*summing->totals = (struct listing_totals){ .now = store_now(txn) };
	result = store_account_find(txn, summing->account, &row);
	if (result != 0)
		return result == 1 ? 0 : -1;
	account_renew(&row, store_now(txn));
	summing->totals->usage = row.usage;
	summing->totals->allowance = row.allowance;
	summing->totals->request_usage = row.request_usage;
	summing->totals->request_allowance = row.request_allowance;
	summing->totals->total = row.listed;
	summing->totals->request_total = row.requested;
	return 0;
}

int
listing_totals(struct site *site, int64_t account,
    struct listing_totals *totals)
{
	struct summing	 summing = { .account = account, .totals = totals };

	return store_view(site->store, sum_up, &summing);
}

struct deletion {
	struct site		*site;
	int64_t			 account;
	uint8_t			 lookup[SEAL_LOOKUPBYTES];
	enum secret_outcome	 outcome;
};

static int
delete(struct store_txn *txn, void *argument)
{
	struct deletion		*deletion = argument;
	struct store_secret	 row;
	int64_t			 account;
	bool			 damaged;
	int			 result;

	deletion->outcome = SECRET_NOT_FOUND;
	result = store_listing_named(txn, deletion->lookup, &row, &account,
	    &damaged);
	if (result != 0)
		return result == 1 ? 0 : -1;
	if (account != deletion->account)
		return 0;
	deletion->outcome = SECRET_OK;
	if (damaged)
		return store_listing_purge(txn, row.id);
	if (!life_is_over(&row, store_now(txn))) {
		row.state = STORE_BURNED;
		row.changed_at = store_now(txn);
	}
	if (row.record != 0 && life_end(txn, deletion->site, &row) == -1)
		return -1;
	return store_listing_remove(txn, row.id);
}

int
listing_delete(struct site *site, int64_t account,
    const uint8_t token[TOKEN_BYTES], enum secret_outcome *outcome)
{
	struct deletion	 deletion = { .site = site, .account = account };
	int		 result;

	seal_lookup(site->keyring, token, deletion.lookup);
	result = store_update(site->store, delete, &deletion);
	*outcome = deletion.outcome;
	if (result == 0 && deletion.outcome == SECRET_OK)
		site_log(site, deletion.lookup, LOG_SECRET_BURNED);
	return result;
}

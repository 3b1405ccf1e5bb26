/* SPDX-License-Identifier: ISC */
/*
 * Who may make secret requests and fill them in, how often, and what becomes
 * of each: its use, the secret and the mail are one transaction.
 */
#include <string.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/conf.h"
#include "core/account.h"
#include "core/life.h"
#include "core/listing.h"
#include "core/mail.h"
#include "core/notes.h"
#include "core/request_note.h"
#include "core/secret.h"
#include "core/secret_request.h"
#include "core/site.h"
#include "store/store_request.h"

#define HOUR	((int64_t)3600000)	/* ms */

/* A link to be mailed, in the arena; NULL when there is no memory. */
static const char *
make_link(struct site *site, struct arena *arena, const char *between,
    const char *name, const char *part)
{
	struct buf	 link;

	buf_init(&link, arena);
	buf_printf(&link, "%s%s%s%s%s", site->conf->site_url, between, name,
	    part == NULL ? "" : "#", part == NULL ? "" : part);
	buf_append(&link, "", 1);
	if (!link.failed)
		return (const char *)link.data;
	notes_no_memory();
	return NULL;
}

/* What making a request carries into its transaction and back. */
struct making {
	int64_t			 account;
	struct store_request	 row;
	struct mail_sealed	 mail;
	enum secret_request_outcome outcome;
};

static int
insert(struct store_txn *txn, void *argument)
{
	struct making		*making = argument;
	struct store_account	 account;
	int			 result;

	result = store_room(txn, making->row.note_size +
	    making->row.password_size + making->mail.letter_size);
	if (result != 0)
		return result == 1 ? store_refuse_full(txn) : -1;
	result = store_account_find(txn, making->account, &account);
	making->outcome = SECRET_REQUEST_NO_ACCOUNT;
	if (result != 0)
		return result == 1 ? 0 : -1;
	account_renew(&account, store_now(txn));
	making->outcome = SECRET_REQUEST_NO_ALLOWANCE;
	if (account.request_allowance != STORE_UNLIMITED &&
	    account.request_usage >= account.request_allowance)
		return 0;
	account.request_usage++;
	making->outcome = SECRET_REQUEST_OK;
	/* 128 random bits meet no others. */
	if (store_account_update(txn, &account) == -1 ||
	    store_request_insert(txn, &making->row) == -1)
		return -1;
	return mail_post(txn, &making->mail, making->account, making->row.id,
	    0);
}

int
secret_request_create(struct site *site, struct arena *arena,
    struct secret_request_creation *creation)
{
	const struct secret_request *request = &creation->request;
	struct making	 making = { .account = creation->account };
	struct mail	 mail = { .kind = MAIL_REQUEST };
	char		 name[TOKEN_UUID_LENGTH + 1];
	int		 result;

	creation->outcome = SECRET_REQUEST_NO_ADDRESS;
	if (*site->conf->site_url == '\0' && (creation->announce_to != NULL ||
	    request->words[SECRET_REQUEST_SEND_TO].bytes != NULL))
		return 0;
	token_random(creation->token);
	seal_lookup(site->keyring, creation->token, making.row.lookup);
	making.row.account = creation->account;
	result = life_time(site, &making.row.created_at);
	if (result != 0)
		return result;
	making.row.expires_at = making.row.created_at + creation->lifetime;
	making.row.due_at = making.row.expires_at;
	making.row.uses_left = request->limit;
	if (request_note_seal(site, arena, creation->token, request,
	    &making.row) == -1)
		return STORE_FAILED;
	if (creation->announce_to != NULL) {
		token_to_uuid(creation->token, name);
		mail.address = creation->announce_to;
		mail.expires_at = making.row.expires_at;
		mail.link = make_link(site, arena, "/request/#", name, NULL);
		explicit_bzero(name, sizeof(name));
		if (mail.link == NULL ||
		    mail_seal(site, arena, &mail, &making.mail) != 0)
			return STORE_FAILED;
	}
	result = store_update(site->store, insert, &making);
	creation->outcome = making.outcome;
	return result;
}

/* What reading a page carries with it. */
struct paging {
	struct site	*site;
	struct arena	*arena;
	int64_t		 account;
	int64_t		 offset;
	struct secret_request_entry *entries;
	size_t		 count;
};

static int
add_entry(const struct store_request *row, void *argument)
{
	struct paging	*paging = argument;
	int		 result;

	result = request_note_open(paging->site, paging->arena, row,
	    &paging->entries[paging->count]);
	/* One that is damaged, which the log tells of, has not even a name;
	 * the others are there all the same. */
	paging->count += result == 0;
	return result == -1 ? -1 : 0;
}

static int
read_page(struct store_txn *txn, void *argument)
{
	struct paging	*paging = argument;

	paging->count = 0;
	return store_request_page(txn, paging->account, paging->offset,
	    SECRET_REQUEST_PAGE, add_entry, paging);
}

int
secret_request_page(struct site *site, struct arena *arena, int64_t account,
    int64_t offset, struct secret_request_entry **entries, size_t *count)
{
	struct paging	 paging = {
		.site = site, .arena = arena, .account = account,
		.offset = offset,
	};
	int		 result;

	paging.entries = arena_alloc(arena, SECRET_REQUEST_PAGE *
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

/* What looking for one request carries with it. */
struct search {
	struct site	*site;
	struct arena	*arena;		/* NULL: its words are not wanted */
	int64_t		 account;	/* for a deletion: whose it must be */
	uint8_t		 lookup[SEAL_LOOKUPBYTES];
	struct store_request row;
	struct secret_request_entry entry;
	enum secret_request_outcome outcome;
};

static int
keep_row(const struct store_request *row, void *argument)
{
	struct search	*search = argument;

	search->row = *row;
	return search->arena == NULL || (request_note_open(search->site,
	    search->arena, row, &search->entry) == 0 &&
	    request_note_password(search->site, search->arena, row,
	    &search->entry.request) == 0) ? 0 : -1;
}

/* A clock that was set back gives no password back. */
static bool
lost_its_password(const struct search *search)
{
	return search->entry.request.words[
	    SECRET_REQUEST_SECRET_PASSWORD].bytes != NULL &&
	    search->row.password_size == 0;
}

/* Find one that may be filled in. */
static int
find(struct store_txn *txn, void *argument)
{
	struct search	*search = argument;
	int		 result;

	search->outcome = SECRET_REQUEST_NOT_FOUND;
	result = store_request_find(txn, search->lookup, keep_row, search);
	if (result != 0)
		return result == 1 ? 0 : -1;
	if (search->row.uses_left > 0 &&
	    store_now(txn) < search->row.expires_at &&
	    !lost_its_password(search))
		search->outcome = SECRET_REQUEST_OK;
	return 0;
}

static int
delete(struct store_txn *txn, void *argument)
{
	struct search	*search = argument;
	int		 result;

	search->outcome = SECRET_REQUEST_NOT_FOUND;
	result = store_request_find(txn, search->lookup, keep_row, search);
	if (result != 0)
		return result == 1 ? 0 : -1;
	if (search->row.account != search->account)
		return 0;
	search->outcome = SECRET_REQUEST_OK;
	return store_request_remove(txn, search->row.id);
}

int
secret_request_delete(struct site *site, int64_t account,
    const uint8_t token[TOKEN_BYTES], enum secret_request_outcome *outcome)
{
	struct search	 search = { .site = site, .account = account };
	int		 result;

	seal_lookup(site->keyring, token, search.lookup);
	result = store_update(site->store, delete, &search);
	*outcome = search.outcome;
	return result;
}

/* The link is mailed when the site still knows where it is. */
static bool
is_mailed(const struct site *site, const struct secret_request *request)
{
	return request->words[SECRET_REQUEST_SEND_TO].bytes != NULL &&
	    *site->conf->site_url != '\0';
}

int
secret_request_peek(struct site *site, struct arena *arena,
    const uint8_t token[TOKEN_BYTES], struct secret_request_shown *shown)
{
	struct search	 search = { .site = site, .arena = arena };
	const struct secret_request *request = &search.entry.request;
	int		 result;

	seal_lookup(site->keyring, token, search.lookup);
	result = store_view(site->store, find, &search);
	*shown = (struct secret_request_shown){
		.outcome = search.outcome,
		.message = request->words[SECRET_REQUEST_MESSAGE].bytes,
		.message_length =
		    request->words[SECRET_REQUEST_MESSAGE].length,
		.expires_at = search.row.expires_at,
		.uses_left = search.row.uses_left,
		.mailed = is_mailed(site, request),
	};
	explicit_bzero(search.entry.token, sizeof(search.entry.token));
	return result;
}

/* What a filling carries into the transaction that stores its secret. */
struct use {
	struct search		 search;
	struct mail_sealed	 mail;
	int64_t			 request;	/* its row */
	int64_t			 account;
};

/* With the storing of the secret: before it, whether there is a use left;
 * behind it, the use and the mail. */
static int
use_request(struct store_txn *txn, const struct store_secret *secret,
    enum secret_outcome *outcome, void *argument)
{
	struct use	*use = argument;

	if (secret != NULL)
		return store_request_use(txn, use->request) == -1 ? -1 :
		    mail_post(txn, &use->mail, use->account, 0, secret->id);
	if (find(txn, &use->search) == -1)
		return -1;
	if (use->search.outcome != SECRET_REQUEST_OK ||
	    use->search.row.id != use->request)
		*outcome = SECRET_REFUSED;
	return 0;
}

/* The secret as the request wants it. */
static void
describe(const struct conf *conf, const struct store_request *row,
    const struct secret_request *request, struct listing *listing,
    struct secret_creation *creation)
{
	const char	*password =
	    request->words[SECRET_REQUEST_SECRET_PASSWORD].bytes;
	int64_t		 lifetime = request->secret_hours * HOUR;

	*listing = (struct listing){
		.account = row->account,
		.flags = password != NULL ? LISTING_PASSWORD : 0,
		.hours = request->secret_hours ==
		    SECRET_REQUEST_NO_HOURS ? LISTING_NO_HOURS :
		    request->secret_hours,
		.views = request->secret_views,
		.description =
		    request->words[SECRET_REQUEST_SECRET_DESCRIPTION].bytes,
		.description_size =
		    request->words[SECRET_REQUEST_SECRET_DESCRIPTION].length,
		.message =
		    request->words[SECRET_REQUEST_SECRET_MESSAGE].bytes,
		.message_size =
		    request->words[SECRET_REQUEST_SECRET_MESSAGE].length,
	};
	creation->kind = SECRET_SJCL;
	creation->proof.pin = password;
	creation->proof.pin_length =
	    request->words[SECRET_REQUEST_SECRET_PASSWORD].length;
	creation->lifetime = lifetime <= 0 || lifetime > conf->max_expire ?
	    conf->max_expire : lifetime;
	creation->views = request->secret_views;
	creation->attempts = (uint32_t)conf->pin_attempts;
	creation->listing = listing;
}

/* The letter with the link, if there is to be one. */
static int
write_letter(struct site *site, struct arena *arena, const char *part,
    const struct secret_creation *creation, struct use *use)
{
	struct mail	 mail = {
		.kind = MAIL_SECRET,
		.address = use->search.entry.request.words[
		    SECRET_REQUEST_SEND_TO].bytes,
		.expires_at = store_time(site->store) + creation->lifetime,
	};
	char		 name[TOKEN_BASE62_LENGTH + 1];

	if (part == NULL)
		return 0;
	token_to_base62(creation->token, name);
	mail.link = make_link(site, arena, "/?", name, part);
	explicit_bzero(name, sizeof(name));
	return mail.link == NULL ? STORE_FAILED :
	    mail_seal(site, arena, &mail, &use->mail);
}

static enum secret_request_outcome
outcome_of(enum secret_outcome outcome)
{
	switch (outcome) {
	case SECRET_OK:
		return SECRET_REQUEST_OK;
	case SECRET_NO_ALLOWANCE:
		return SECRET_REQUEST_NO_ALLOWANCE;
	case SECRET_NO_ACCOUNT:
		return SECRET_REQUEST_NO_ACCOUNT;
	case SECRET_TOO_MANY:
		return SECRET_REQUEST_TOO_MANY;
	default:
		return SECRET_REQUEST_NOT_FOUND;
	}
}

int
secret_request_fill(struct site *site, struct arena *arena,
    struct secret_request_filling *filling)
{
	struct use	 use = { .search = { .site = site, .arena = arena } };
	struct secret_creation creation = { .with = use_request,
	    .with_argument = &use };
	struct listing	 listing;
	bool		 mailed;
	int		 result;

	seal_lookup(site->keyring, filling->token, use.search.lookup);
	result = store_view(site->store, find, &use.search);
	explicit_bzero(use.search.entry.token,
	    sizeof(use.search.entry.token));
	filling->outcome = use.search.outcome;
	if (result != 0 || use.search.outcome != SECRET_REQUEST_OK)
		return result;
	mailed = is_mailed(site, &use.search.entry.request);
	if (mailed != (filling->part != NULL)) {
		filling->outcome = mailed ? SECRET_REQUEST_PART_MISSING :
		    SECRET_REQUEST_PART_UNWANTED;
		return 0;
	}
	use.request = use.search.row.id;
	use.account = use.search.row.account;
	describe(site->conf, &use.search.row, &use.search.entry.request,
	    &listing, &creation);
	creation.payload = filling->payload;
	creation.payload_size = filling->payload_size;
	creation.client = filling->client;
	/* Drawn here, since the letter names it. */
	creation.token_given = true;
	token_random(creation.token);
	result = write_letter(site, arena, filling->part, &creation, &use);
	use.search.arena = NULL;
	if (result == 0)
		result = secret_create(site, arena, &creation);
	filling->outcome = outcome_of(creation.outcome);
	filling->wait = creation.wait;
	memcpy(filling->secret, creation.token, TOKEN_BYTES);
	explicit_bzero(&creation, sizeof(creation));
	return result;
}

int
secret_request_sweep(struct store_txn *txn, const struct site *site,
    int64_t *forgotten)
{
	int64_t	 id, expires_at, forgotten_at;
	int	 result;

	result = store_request_due(txn, store_now(txn), &id, &expires_at);
	if (result != 0)
		return result;
	forgotten_at = life_forgotten_at(site, expires_at);
	if (store_now(txn) < forgotten_at)
		return store_request_expire(txn, id, forgotten_at);
	(*forgotten)++;
	return store_request_remove(txn, id);
}

int
secret_request_clear(struct store_txn *txn, int64_t account, int limit)
{
	int64_t	 id;
	int	 result = 0;

	while (limit-- > 0) {
		result = store_request_first(txn, account, &id);
		if (result == 0)
			result = store_request_remove(txn, id);
		if (result != 0)
			return result;
	}
	return 0;
}

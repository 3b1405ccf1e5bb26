/* SPDX-License-Identifier: ISC */
#ifndef ONCELINK_MAIL_H
#define ONCELINK_MAIL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct arena;
struct site;
struct store_txn;

/*
 * Letters: written in the transaction of their cause, sealed until they are
 * handed over, gone with what they are about.
 */

/* Which words a letter has; stored: never renumber. */
enum mail_kind {
	MAIL_REQUEST = 1,	/* please fill in a request */
	MAIL_SECRET = 2,	/* a request was filled in */
	MAIL_TEST = 3,		/* of the operator; never stored */
	MAIL__MAX
};

/* A letter; borrowed text. */
struct mail {
	enum mail_kind	 kind;
	const char	*address;	/* as address_is_mail has it */
	const char	*link;
	int64_t		 expires_at;	/* of what it is about, ms */
};

/* The same, sealed, in the arena. */
struct mail_sealed {
	uint8_t		*letter;	/* NULL: there is none */
	size_t		 letter_size;
	int64_t		 expires_at;
};

/* mail_seal(site, arena, mail, sealed): before the transaction.  Returns 0, or
 * STORE_FAILED when there is no memory. */
int	 mail_seal(struct site *site, struct arena *arena,
	    const struct mail *mail, struct mail_sealed *sealed);

/* mail_open(site, arena, letter, size, mail): the other way; text in the
 * arena.  Returns 0, or -1 when it is damaged (logged). */
int	 mail_open(struct site *site, struct arena *arena, const void *letter,
	    size_t size, struct mail *mail);

/* mail_post(txn, sealed, account, request, secret): have it sent, about one of
 * the two rows, the other is 0; nothing without a letter.  Returns 0 or -1. */
int	 mail_post(struct store_txn *txn, const struct mail_sealed *sealed,
	    int64_t account, int64_t request, int64_t secret);

/* What an operator sees of a letter. */
struct mail_entry {
	int64_t		 number;
	int64_t		 account;
	int64_t		 created_at;	/* ms since 1970 */
	int64_t		 expires_at;
	int64_t		 due_at;	/* the next try */
	uint32_t	 tries;
	bool		 is_about_request;	/* or about a secret */
};

/* mail_next(site, after, entry, found): the letter whose number comes after
 * that, 0 is before the first.  Returns 0 or a STORE_ failure. */
int	 mail_next(struct site *site, int64_t after, struct mail_entry *entry,
	    bool *found);

/* mail_retry(site, number, found): it is due now.  mail_drop(site, number,
 * found): it is erased.  Return 0 or a STORE_ failure. */
int	 mail_retry(struct site *site, int64_t number, bool *found);
int	 mail_drop(struct site *site, int64_t number, bool *found);

#endif

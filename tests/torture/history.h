/* SPDX-License-Identifier: ISC */
#ifndef ONCELINK_HISTORY_H
#define ONCELINK_HISTORY_H

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "../unit/sites.h"

struct arena;
struct site;

/*
 * What people asked of a site and what they were told, at which place of a
 * sequence; and what therefore must be so.
 */

#define HISTORY_NEVER	SIZE_MAX
#define HISTORY_EVENTS	32	/* of one secret */

enum history_call {
	HISTORY_CREATE,
	HISTORY_OPEN,		/* with a claim of its own */
	HISTORY_REOPEN,		/* with the claim of one that was answered */
	HISTORY_GUESS,		/* with a wrong gate */
	HISTORY_ACK,
	HISTORY_BURN
};

struct history_event {
	enum history_call call;
	size_t		 began;		/* place */
	size_t		 answered;	/* place; HISTORY_NEVER */
	int		 result;	/* 0 or STORE_… */
	enum secret_outcome outcome;
	uint8_t		 claim[SEAL_SECRETBYTES];
	int64_t		 claim_until;
	size_t		 settled;	/* place from which on what failed is
					   known to have done nothing */
};

struct history_secret {
	struct sites_secret secret;
	uint8_t		 lookup[SEAL_LOOKUPBYTES];
	int64_t		 expires_at;	/* once it was made */
	uint8_t		*sealed;	/* once it was made; record_bytes */
	size_t		 sealed_size;
	struct history_event events[HISTORY_EVENTS];
	size_t		 count;
};

struct history {
	pthread_mutex_t	 mutex;
	size_t		 (*place)(void);	/* now */
	struct history_secret *secrets;
	size_t		 count, room;
};

/* history_begin(history, room, place): of so many secrets at most. */
void	 history_begin(struct history *history, size_t room,
	    size_t (*place)(void));
void	 history_end(struct history *history);

/* history_draw(history, size): a secret that is not made yet, for its maker
 * to change; NULL when there is no room. */
struct history_secret *history_draw(struct history *history, size_t size);

/* The calls; each notes what it did.  Return what the rules returned. */
int	 history_create(struct history *history, struct site *site,
	    struct arena *arena, struct history_secret *secret);
int	 history_ask(struct history *history, struct site *site,
	    struct arena *arena, struct history_secret *secret,
	    enum history_call call, const uint8_t claim[SEAL_SECRETBYTES],
	    enum secret_outcome *outcome);
int	 history_ack(struct history *history, struct site *site,
	    struct history_secret *secret,
	    const uint8_t claim[SEAL_SECRETBYTES]);
int	 history_burn(struct history *history, struct site *site,
	    struct history_secret *secret);

/* history_try(site, arena, secret, wrong, claim, reading): ask without a note;
 * the answer is in the arena.  history_is_payload(secret, reading): is it what
 * was made? */
int	 history_try(struct site *site, struct arena *arena,
	    const struct history_secret *secret, bool wrong,
	    const uint8_t *claim, struct secret_reading *reading);
bool	 history_is_payload(const struct history_secret *secret,
	    const struct secret_reading *reading);

/* history_made(history), history_is_full(secret): how many secrets were made,
 * and has this one room for no more calls? */
size_t	 history_made(struct history *history);
bool	 history_is_full(struct history *history,
	    const struct history_secret *secret);

/*
 * history_settle(history): when nothing is asked any more: what failed has not
 * happened from where another call was answered that was begun afterwards and
 * committed, since a log holds one commit after the other.
 */
void	 history_settle(struct history *history);

enum history_sure {
	HISTORY_SURE_NOT, HISTORY_SURE_MAYBE, HISTORY_SURE_YES
};

/*
 * history_happened(event, place, failed): did it do what it does when it is
 * answered so?  As history_bounds says.  history_has_failed(event): was it
 * answered with a failure?  history_takes(event): does it take a view or an
 * attempt, as far as is known?
 */
enum history_sure history_happened(const struct history_event *event,
	    size_t place, bool failed);
bool	 history_has_failed(const struct history_event *event);
bool	 history_takes(const struct history_event *event);

/* What must be so at a place. */
struct history_bounds {
	bool		 may_exist, must_exist;
	bool		 touched;	/* something was going on */
	bool		 contested;	/* who opens may come too late */
	bool		 judged;
	unsigned int	 views_min, views_max;	/* that can still be taken */
	unsigned int	 attempts_min, attempts_max;
};

/*
 * history_bounds(secret, place, failed, bounds): after everything that was
 * answered before that place happened, what was not answered yet did or did
 * not.  What failed did nothing; with `failed` it may have happened, as after
 * a crash, until it is settled.
 */
void	 history_bounds(const struct history_secret *secret, size_t place,
	    bool failed, struct history_bounds *bounds);

/* history_over(history, site, over): which secrets have no record any more.
 * history_left(history, over, bytes, size, offset): whose record of these has
 * a piece among the bytes, and where; or -1. */
void	 history_over(struct history *history, struct site *site, bool *over);
long	 history_left(const struct history *history, const bool *over,
	    const uint8_t *bytes, size_t size, size_t *offset);

#endif

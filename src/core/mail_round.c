/* SPDX-License-Identifier: ISC */
/*
 * From the outbox to sendmail(8): who is tried when, what its exit status
 * means, and when it is given up.
 */
#include <errno.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/clock.h"
#include "base/complaint.h"
#include "base/conf.h"
#include "base/log.h"
#include "base/spawn.h"
#include "core/mail_round.h"
#include "core/mail_text.h"
#include "core/site.h"
#include "store/store_request.h"

#define LOCK_NAME	"mail.lock"

/* After a failure; each one doubles it. */
#define PAUSE_FIRST	((int64_t)60000)	/* ms */
#define PAUSE_MAX	((int64_t)3600000)

/* Between tries to forget a letter, in microseconds; each waits for the lock
 * before. */
#define FORGET_PAUSE	1000000

struct round {
	struct site		*site;
	struct arena		*arena;		/* of one letter */
	struct mail_text	 texts[MAIL__MAX];
	struct mail_round_result *result;
	int64_t			 began;		/* what was put off is later */
	bool			 stuck;		/* nobody takes letters */
	/* of the letter at hand */
	struct store_letter	 row;
	uint8_t			*letter;
	bool			 found;
};

/* Letters that are erased unsent, some at a time. */
#define OLD_MAX		64

struct removal {
	const struct site	*site;
	bool			 untried;	/* those that were not, too */
	int64_t			 after;		/* this letter it goes on */
	struct store_letter	 rows[OLD_MAX];
	bool			 removed[OLD_MAX];
	int			 count;
};

static int
no_memory(void)
{
	log_event(LOG_NO_MEMORY, LOG_TEXT("where", "mail"));
	return -1;
}

static int64_t
pause_after(uint32_t tries)
{
	return tries >= 6 ? PAUSE_MAX : PAUSE_FIRST << tries;
}

static int
keep_letter(const struct store_letter *row, void *argument)
{
	struct round	*round = argument;

	round->row = *row;
	round->letter = arena_copy(round->arena, row->letter,
	    row->letter_size);
	return round->letter == NULL ? no_memory() : 0;
}

/* A line about a letter, and why it was not taken. */
static void
log_trouble(enum log_event event, int64_t number, uint32_t tries,
    const struct mail_round_reason *reason)
{
	if (reason->has_number)
		log_event(event, LOG_NUMBER("mail", number),
		    LOG_NUMBER("tries", tries),
		    LOG_NUMBER(reason->what, reason->number));
	else
		log_event(event, LOG_NUMBER("mail", number),
		    LOG_NUMBER("tries", tries),
		    LOG_TEXT("reason", reason->what));
}

static bool
is_too_old(const struct removal *removal, const struct store_letter *row,
    int64_t now)
{
	return now >= row->expires_at ||
	    ((row->tries > 0 || removal->untried) &&
	    now - removal->site->conf->mail_give_up >= row->created_at);
}

static int
find_old(struct store_txn *txn, void *argument)
{
	struct removal		*removal = argument;
	struct store_letter	*row;
	int			 result = 0;

	removal->count = 0;
	while (removal->count < OLD_MAX && !store_clock_jumped(txn)) {
		row = &removal->rows[removal->count];
		result = store_letter_next(txn, removal->after, row);
		if (result != 0)
			break;
		removal->after = row->id;
		removal->count += is_too_old(removal, row, store_now(txn));
	}
	return result == -1 ? -1 : 0;
}

static int
remove_old(struct store_txn *txn, void *argument)
{
	struct removal	*removal = argument;
	int		 result;

	for (int i = 0; i < removal->count; i++) {
		result = store_letter_remove(txn, removal->rows[i].id);
		if (result == -1)
			return -1;
		removal->removed[i] = result == 0;
	}
	return 0;
}

/* Erase what is too old: expired, or tried for long enough. */
static int
give_up(struct round *round, bool untried)
{
	struct removal	 removal = { .site = round->site, .untried = untried };
	int		 failure;

	for (;;) {
		failure = store_view(round->site->store, find_old, &removal);
		if (failure != 0 || removal.count == 0)
			return failure;
		failure = store_update(round->site->store, remove_old,
		    &removal);
		if (failure != 0)
			return failure;
		for (int i = 0; i < removal.count; i++)
			if (removal.removed[i]) {
				round->result->given_up++;
				log_trouble(LOG_MAIL_GIVEN_UP,
				    removal.rows[i].id,
				    removal.rows[i].tries,
				    &(struct mail_round_reason){
					.what = "age" });
			}
	}
}

/* Take the next letter and put it off. */
static int
take(struct store_txn *txn, void *argument)
{
	struct round	*round = argument;
	const struct store_letter *row = &round->row;
	int64_t		 now = store_now(txn);
	int		 result;

	result = store_letter_due(txn, round->began, keep_letter, round);
	round->found = result == 0;
	if (result != 0)
		return result == 1 ? 0 : -1;
	return store_letter_postpone(txn, row->id,
	    now + pause_after(row->tries), row->tries + 1) == -1 ? -1 : 0;
}

static int
forget(struct store_txn *txn, void *argument)
{
	const struct round *round = argument;

	/* The operator may have dropped it meanwhile. */
	return store_letter_remove(txn, round->row.id) == -1 ? -1 : 0;
}

/*
 * While this goes on no other round takes the letter, since mail.lock is held:
 * what was handed over and cannot be forgotten yet is not sent again, however
 * long another program holds the lock of the store or its disk is full.
 */
static int
forget_in_the_end(struct round *round)
{
	int	 failure;

	while ((failure = store_update(round->site->store, forget, round)) ==
	    STORE_BUSY || failure == STORE_FULL)
		clock_sleep_us(FORGET_PAUSE);
	return failure;
}

static enum mail_round_outcome
judge(enum spawn_outcome spawned, int status,
    struct mail_round_reason *reason)
{
	static const char *const whats[SPAWN_OUTCOME__MAX] = {
		[SPAWN_EXITED] = "status",
		[SPAWN_KILLED] = "signal",
		[SPAWN_TIMED_OUT] = "timeout",
		[SPAWN_NOT_STARTED] = "errno",
	};

	*reason = (struct mail_round_reason){
		.what = whats[spawned], .number = status,
		.has_number = spawned != SPAWN_TIMED_OUT,
	};
	if (spawned == SPAWN_TIMED_OUT || spawned == SPAWN_NOT_STARTED)
		return MAIL_ROUND_NOBODY;
	if (spawned == SPAWN_KILLED)
		return MAIL_ROUND_NOT_NOW;
	switch (status) {
	case EX_OK:
		return MAIL_ROUND_TAKEN;
	case EX_DATAERR:
	case EX_NOUSER:
		return MAIL_ROUND_REFUSED;
	default:
		/* Whatever else is wrong somebody may put right. */
		return MAIL_ROUND_NOT_NOW;
	}
}

static enum mail_round_outcome
hand_over(const struct conf *conf, struct arena *arena,
    const struct mail_text *text, const struct mail *mail,
    struct mail_round_reason *reason)
{
	char		 to[] = "-t", dots[] = "-i", from[] = "-f";
	char		*arguments[] = { conf->sendmail, to, dots, from,
			    conf->mail_from, NULL };
	struct buf	 out;
	enum spawn_outcome spawned;
	int		 status;

	if (*conf->mail_from == '\0')
		arguments[3] = NULL;
	buf_init(&out, arena);
	mail_text_write(conf, text, mail, clock_wall(), &out);
	if (out.failed) {
		*reason = (struct mail_round_reason){ "errno", ENOMEM,
		    true };
		return MAIL_ROUND_NOBODY;
	}
	spawned = spawn_run(conf->sendmail, arguments, out.data, out.len,
	    conf->mail_timeout, &status);
	return judge(spawned, status, reason);
}

/* Open the letter at hand and try it. */
static enum mail_round_outcome
attempt(struct round *round, struct mail_round_reason *reason)
{
	struct mail	 mail;

	*reason = (struct mail_round_reason){ .what = "damaged" };
	if (mail_open(round->site, round->arena, round->letter,
	    round->row.letter_size, &mail) == -1)
		return MAIL_ROUND_NOT_NOW;
	if (mail.kind != MAIL_REQUEST && mail.kind != MAIL_SECRET)
		return MAIL_ROUND_REFUSED;
	return hand_over(round->site->conf, round->arena,
	    &round->texts[mail.kind], &mail, reason);
}

/* Returns 0, 1 when the round is over, or a STORE_ failure. */
static int
handle_letter(struct round *round)
{
	struct mail_round_reason reason;
	enum mail_round_outcome	 outcome;
	int64_t			 number;
	int			 failure;

	failure = store_update(round->site->store, take, round);
	if (failure != 0 || !round->found)
		return failure != 0 ? failure : 1;
	number = round->row.id;
	outcome = attempt(round, &reason);
	if (outcome == MAIL_ROUND_NOT_NOW || outcome == MAIL_ROUND_NOBODY) {
		round->result->put_off++;
		log_trouble(LOG_MAIL_PUT_OFF, number, round->row.tries + 1,
		    &reason);
		round->stuck = outcome == MAIL_ROUND_NOBODY;
		return round->stuck;
	}
	failure = forget_in_the_end(round);
	if (failure != 0)
		return failure;
	if (outcome == MAIL_ROUND_TAKEN) {
		round->result->handed_over++;
		log_event(LOG_MAIL_HANDED_OVER, LOG_NUMBER("mail", number));
	} else {
		round->result->given_up++;
		log_trouble(LOG_MAIL_GIVEN_UP, number, round->row.tries + 1,
		    &reason);
	}
	return 0;
}

static int
look(struct store_txn *txn, void *argument)
{
	struct round	*round = argument;
	int		 result;

	round->began = store_now(txn);
	result = store_letter_due(txn, round->began, keep_letter, round);
	round->found = result == 0;
	return result == -1 ? -1 : 0;
}

static int
run(struct round *round, struct complaint *error)
{
	struct arena	*words;
	int		 failure;

	/* One try each has, however late the sweeper came. */
	failure = give_up(round, false);
	if (failure == 0)
		failure = store_view(round->site->store, look, round);
	if (failure != 0 || !round->found)
		return failure;
	if ((words = arena_create()) == NULL) {
		no_memory();
		return STORE_FAILED;
	}
	for (enum mail_kind kind = MAIL_REQUEST; kind < MAIL_TEST &&
	    !round->result->bad_words; kind++)
		round->result->bad_words = mail_text_read(round->site->conf,
		    words, kind, &round->texts[kind], error) == -1;
	while (!round->result->bad_words && failure == 0) {
		arena_reset(round->arena);
		failure = handle_letter(round);
	}
	arena_destroy(words);
	if (failure != 0 && failure != 1)
		return failure;
	/* Where none can be tried, not having been tried does not count. */
	return round->stuck || round->result->bad_words ?
	    give_up(round, true) : 0;
}

int
mail_round_run(struct site *site, struct mail_round_result *result,
    struct complaint *error)
{
	struct round	 round = { .site = site, .result = result };
	int		 lock, locked, failure = STORE_FAILED;

	*result = (struct mail_round_result){ 0 };
	locked = site_lock(site, LOCK_NAME, &lock);
	result->already = locked == 1;
	if (locked != 0)
		return locked == 1 ? 0 : STORE_FAILED;
	if ((round.arena = arena_create()) == NULL)
		no_memory();
	else
		failure = run(&round, error);
	arena_destroy(round.arena);
	close(lock);
	return failure;
}

enum mail_round_outcome
mail_round_test(struct site *site, const char *address,
    struct mail_round_reason *reason, struct complaint *error)
{
	enum mail_round_outcome	 outcome = MAIL_ROUND_NOBODY;
	struct arena		*arena;
	struct mail_text	 text;
	struct mail		 mail = {
		.kind = MAIL_TEST, .address = address, .link = "",
		.expires_at = clock_wall(),
	};

	*reason = (struct mail_round_reason){ .what = NULL };
	if ((arena = arena_create()) == NULL) {
		complaint(error, "no memory");
		return outcome;
	}
	if (mail_text_read(site->conf, arena, MAIL_TEST, &text, error) == 0)
		outcome = hand_over(site->conf, arena, &text, &mail, reason);
	arena_destroy(arena);
	return outcome;
}

/* SPDX-License-Identifier: ISC */
/*
 * From the outbox to sendmail(8): who is tried when, what its exit status
 * means, and when it is given up.
 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/clock.h"
#include "base/complaint.h"
#include "base/conf.h"
#include "base/filelock.h"
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

struct round {
	struct site		*site;
	struct arena		*arena;		/* of one letter */
	struct mail_text	 texts[MAIL_TEST + 1];
	struct mail_round_result *result;
	int64_t			 began;		/* what was put off is later */
	/* of the letter at hand */
	struct store_letter	 row;
	uint8_t			*letter;
	bool			 found;
	bool			 too_old;
};

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
	if (round->letter != NULL)
		return 0;
	log_event(LOG_NO_MEMORY, LOG_TEXT("where", "mail"));
	return -1;
}

/* Take the next letter and put it off; or erase it when it is too old. */
static int
take(struct store_txn *txn, void *argument)
{
	struct round	*round = argument;
	const struct store_letter *row = &round->row;
	int64_t		 now = store_now(txn);
	int		 result;

	round->too_old = false;
	result = store_letter_due(txn, round->began, keep_letter, round);
	round->found = result == 0;
	if (result != 0)
		return result == 1 ? 0 : -1;
	/* One try it has, however late the sweeper came. */
	round->too_old = now >= row->expires_at || (row->tries > 0 &&
	    now >= row->created_at + round->site->conf->mail_give_up);
	if (round->too_old)
		return store_letter_remove(txn, row->id) == -1 ? -1 : 0;
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

/* A line about the letter at hand, and why it was not taken. */
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
	struct mail_round_reason reason = { .what = "age" };
	enum mail_round_outcome	 outcome = MAIL_ROUND_REFUSED;
	int64_t			 number;
	int			 failure;

	failure = store_update(round->site->store, take, round);
	if (failure != 0 || !round->found)
		return failure != 0 ? failure : 1;
	number = round->row.id;
	if (!round->too_old)
		outcome = attempt(round, &reason);
	if (outcome == MAIL_ROUND_NOT_NOW || outcome == MAIL_ROUND_NOBODY) {
		round->result->put_off++;
		log_trouble(LOG_MAIL_PUT_OFF, number, round->row.tries + 1,
		    &reason);
		return outcome == MAIL_ROUND_NOBODY;
	}
	if (!round->too_old && (failure = store_update(round->site->store,
	    forget, round)) != 0)
		return failure;
	if (outcome == MAIL_ROUND_TAKEN) {
		round->result->handed_over++;
		log_event(LOG_MAIL_HANDED_OVER, LOG_NUMBER("mail", number));
	} else {
		round->result->given_up++;
		log_trouble(LOG_MAIL_GIVEN_UP, number, round->row.tries +
		    !round->too_old, &reason);
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

	failure = store_view(round->site->store, look, round);
	if (failure != 0 || !round->found)
		return failure;
	if ((words = arena_create()) == NULL)
		return STORE_FAILED;
	for (enum mail_kind kind = MAIL_REQUEST; kind < MAIL_TEST &&
	    !round->result->bad_words; kind++)
		round->result->bad_words = mail_text_read(round->site->conf,
		    words, kind, &round->texts[kind], error) == -1;
	while (!round->result->bad_words && failure == 0) {
		arena_reset(round->arena);
		failure = handle_letter(round);
	}
	arena_destroy(words);
	return failure == 1 ? 0 : failure;
}

int
mail_round_run(struct site *site, struct mail_round_result *result,
    struct complaint *error)
{
	struct round	 round = { .site = site, .result = result };
	int		 directory, lock, locked, failure = STORE_FAILED;

	*result = (struct mail_round_result){ 0 };
	directory = open(site->conf->state_dir, O_RDONLY | O_DIRECTORY |
	    O_CLOEXEC);
	lock = directory == -1 ? -1 : filelock_open(directory, LOCK_NAME);
	if (directory != -1)
		close(directory);
	locked = lock == -1 ? -1 : filelock_acquire(lock, 0);
	if (locked == 0 && (round.arena = arena_create()) != NULL) {
		failure = run(&round, error);
		arena_destroy(round.arena);
	} else if (locked == 1) {
		result->already = 1;
		failure = 0;
	} else
		log_event(LOG_STORE_FAILED, LOG_TEXT("where", LOCK_NAME),
		    LOG_NUMBER("errno", errno));
	if (lock != -1)
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

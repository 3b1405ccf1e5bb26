/* SPDX-License-Identifier: ISC */
/*
 * Kills: real workers and sweepers die by SIGKILL at any moment while people
 * make, read, guess, acknowledge and burn, and ask again where no answer came.
 * What they were answered must be what calls one at a time would have been
 * answered, of which those without an answer happened or did not.
 */
#include <sys/wait.h>

#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "attack.h"
#include "checker.h"
#include "contest.h"
#include "kills_calls.h"
#include "kills_site.h"

#define PEOPLE		10
#define WORKERS		8	/* at most */
#define ROUND_KILLS	200ul	/* on one database */
#define SECRETS		2000	/* of a round, more than it has time for */
#define CALLS_A_KILL	50u
#define START_TIME	20000u	/* microseconds, in which a worker begins */
#define LIFE_MAX	2000000	/* microseconds */
#define DAY		((int64_t)24 * 3600 * 1000)
#define DAYS		10	/* that secrets live, each with a key */
#define SECOND		1000000000l
#define ERASE_PATIENCE	30	/* seconds */

enum { CALLS, KILLS, HTTP, ERASED, WHOLE, ROWS };

static const struct attack_row what_is_tried[ROWS] = {
	[CALLS] = { "1, 2, 8", "calls while programs are killed, in an"
	    " order that one at a time could have", 0, 0 },
	[KILLS] = { "8", "workers and sweepers killed, with no more answers"
	    " lost than they had threads", 0, 0 },
	[HTTP] = { "8", "of these, workers that people asked by HTTP, behind"
	    " nginx, and their sweepers", 0, 0 },
	[ERASED] = { "4", "logs that killed workers left, cut off by the next"
	    " one", 0, 0 },
	[WHOLE] = { "-", "databases looked through after it", 0, 0 },
};

static struct attack_row *rows;

static const struct contest_rules rules = {
	.claim_time = 1000, .resolution = 999999, .small = 3000,
	.large = 100000,
};

/* Who serves. */
static const struct mode {
	const char	*name;
	bool		 web;
	unsigned int	 workers, threads;
} modes[] = {
	{ "four of four threads behind nginx", true, 4, 4 },
	{ "eight of one thread behind nginx", true, 8, 1 },
	{ "three of six threads", false, 3, 6 },
};
#define MODES	(sizeof(modes) / sizeof(modes[0]))

struct round {
	const struct mode *mode;
	struct kills_site site;
	struct kills_wire wire;
	struct contest	*contest;
	unsigned long	 kills, wanted;
	unsigned long	 answered;
	unsigned long	 lost, again;	/* answers; opened again */
	unsigned int	 calm;		/* nobody is killed any more */
	unsigned int	 over;		/* the last ones end */
};

struct person {
	struct round	*round;
	uint64_t	 random;
	struct kills_calls *calls;
	pthread_t	 thread;
};

struct keeper {
	struct round	*round;
	uint64_t	 random;
	pthread_t	 thread;
};

static bool
is_set(const unsigned int *flag)
{
	return __atomic_load_n(flag, __ATOMIC_ACQUIRE) != 0;
}

static void
count(unsigned long *number)
{
	(void)__atomic_fetch_add(number, 1, __ATOMIC_RELAXED);
}

static void
pause_for(long nanoseconds)
{
	(void)nanosleep(&(struct timespec){ .tv_sec = nanoseconds / SECOND,
	    .tv_nsec = nanoseconds % SECOND }, NULL);
}

/* So much is wrong that nothing more is to be learned. */
static bool
is_hopeless(void)
{
	return rows[ERASED].broke > 0 ||
	    __atomic_load_n(&rows[KILLS].broke, __ATOMIC_RELAXED) >= 10;
}

/* People */

/* Once more, until there is an answer. */
static void
insist(struct person *person, struct contest_secret *secret,
    struct checker_call *call)
{
	struct round	*round = person->round;

	while (call != NULL && !is_hopeless()) {
		if (kills_calls_make(person->calls, secret, call) == -1)
			attack_broke(&rows[KILLS], "%s: a call of kind %d",
			    round->mode->name, call->kind);
		if (call->answer == CHECKER_REFUSED)
			attack_broke(&rows[KILLS], "%s: the lock did not come",
			    round->mode->name);
		if (call->answer != CHECKER_LOST) {
			count(&round->answered);
			break;
		}
		count(&round->lost);
		if (call->kind == CHECKER_OPEN)
			count(&round->again);
		call = contest_again(secret, call);
	}
}

static void *
live(void *argument)
{
	struct person	*person = argument;
	struct contest_secret *secret;
	struct checker_call *call;

	while ((call = contest_next(person->round->contest, &person->random,
	    &secret)) != NULL)
		insist(person, secret, call);
	return NULL;
}

/* When nobody dies any more: what became of each? */
static void
look_at_all(struct round *round, struct kills_calls *calls)
{
	static const enum checker_kind looks[] = {
		CHECKER_RECEIPT, CHECKER_OPEN,
	};

	for (size_t i = 0; i < round->contest->count; i++) {
		struct contest_secret *secret = &round->contest->secrets[i];

		for (size_t j = 0; secret->asked > 0 && j < 2; j++) {
			struct checker_call *call = contest_look(secret,
			    looks[j]);

			if (call == NULL || is_hopeless())
				break;
			if (kills_calls_make(calls, secret, call) == -1 ||
			    call->answer != CHECKER_ANSWERED)
				attack_broke(&rows[KILLS], "%s: no answer, and"
				    " nobody was killed", round->mode->name);
		}
	}
}

/* Who keeps a program running, and kills it */

/* For as long as some calls take, whatever the machine is doing. */
static void
await_calls(struct keeper *keeper, unsigned int most)
{
	struct round	*round = keeper->round;
	int64_t		 until = checker_now() + LIFE_MAX;
	unsigned long	 calls = __atomic_load_n(&round->answered,
			    __ATOMIC_RELAXED);

	calls += contest_random(&keeper->random) % most;
	while (checker_now() < until && !is_set(&round->calm) &&
	    __atomic_load_n(&round->answered, __ATOMIC_RELAXED) < calls)
		pause_for((long)(contest_random(&keeper->random) % 1000000));
}

static void
await_moment(struct keeper *keeper)
{
	pause_for((long)(contest_random(&keeper->random) % START_TIME) * 1000);
}

/* It must have died of that, and of nothing before it. */
static void
kill_it(pid_t process, const char *what)
{
	int	 status;

	(void)kill(process, SIGKILL);
	status = kills_site_wait(process);
	if (!WIFSIGNALED(status) || WTERMSIG(status) != SIGKILL)
		attack_broke(&rows[KILLS], "%s ends by itself: %s %d", what,
		    WIFSIGNALED(status) ? "signal" : "status",
		    WIFSIGNALED(status) ? WTERMSIG(status) :
		    WEXITSTATUS(status));
}

static void *
keep_worker(void *argument)
{
	struct keeper	*keeper = argument;
	struct round	*round = keeper->round;
	pid_t		 process;

	while (!is_set(&round->calm)) {
		process = kills_site_worker(&round->site);
		/* Some while they begin. */
		if (contest_random(&keeper->random) % 8 == 0)
			await_moment(keeper);
		else
			await_calls(keeper, CALLS_A_KILL * 2 *
			    round->mode->workers);
		kill_it(process, "a worker");
		count(&round->kills);
	}
	process = kills_site_worker(&round->site);
	while (!is_set(&round->over))
		pause_for(1000000);
	kill_it(process, "a worker");
	return NULL;
}

static void *
keep_sweeping(void *argument)
{
	struct keeper	*keeper = argument;
	struct round	*round = keeper->round;
	pid_t		 process;
	int		 status;

	while (!is_set(&round->calm)) {
		await_calls(keeper, CALLS_A_KILL * 4);
		process = kills_site_sweeper(&round->site);
		await_moment(keeper);
		(void)kill(process, SIGKILL);
		status = kills_site_wait(process);
		if (WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL)
			count(&round->kills);
		else if (status != 0)	/* 0: it was quicker */
			attack_broke(&rows[KILLS], "a sweeper fails: %x",
			    (unsigned int)status);
	}
	return NULL;
}

/* A worker dies before it has erased what it was asked to burn. */
static void
leave_log(struct round *round, struct kills_calls *calls)
{
	static const enum checker_kind asked[] = {
		CHECKER_CREATE, CHECKER_BURN,
	};
	struct contest_secret *secret = round->contest->secrets +
				    round->contest->count;
	pid_t	 process;

	while (kills_site_log_bytes(&round->site) == 0 && !is_hopeless() &&
	    (--secret)->asked == 0) {
		process = kills_site_worker(&round->site);
		for (size_t i = 0; i < 2; i++)
			(void)kills_calls_make(calls, secret,
			    contest_look(secret, asked[i]));
		kill_it(process, "a worker");
	}
}

/* What a log holds of secrets that are over must not wait for a sweep. */
static void
await_erasing(struct round *round)
{
	pid_t	 process;
	int	 tries = 0;

	if (kills_site_log_bytes(&round->site) == 0 || is_hopeless())
		return;
	attack_tried(&rows[ERASED]);
	process = kills_site_worker(&round->site);
	while (kills_site_log_bytes(&round->site) != 0 &&
	    tries++ < ERASE_PATIENCE * 100)
		pause_for(SECOND / 100);
	if (kills_site_log_bytes(&round->site) != 0)
		attack_broke(&rows[ERASED], "%s: %ld bytes are left",
		    round->mode->name, kills_site_log_bytes(&round->site));
	(void)kill(process, SIGTERM);
	if (kills_site_wait(process) != 0)
		attack_broke(&rows[KILLS], "a worker does not end well");
}

/* Rounds */

static void
begin_thread(pthread_t *thread, void *(*what)(void *), void *argument)
{
	if (pthread_create(thread, NULL, what, argument) != 0) {
		(void)fprintf(stderr, "kills: no thread\n");
		exit(2);
	}
}

static void
await_kills(struct round *round)
{
	while (!is_hopeless() &&
	    __atomic_load_n(&round->kills, __ATOMIC_RELAXED) <
	    round->wanted && __atomic_load_n(&round->contest->oldest,
	    __ATOMIC_RELAXED) < round->contest->count)
		pause_for(SECOND / 200);
}

static void
use_and_kill(struct round *round, uint64_t *random)
{
	struct person	 people[PEOPLE];
	struct keeper	 keepers[WORKERS + 1];
	unsigned int	 workers = round->mode->workers;

	for (unsigned int i = 0; i < workers + 1; i++) {
		keepers[i] = (struct keeper){ .round = round,
			.random = contest_random(random) };
		begin_thread(&keepers[i].thread, i == workers ?
		    keep_sweeping : keep_worker, &keepers[i]);
	}
	for (unsigned int i = 0; i < PEOPLE; i++) {
		people[i] = (struct person){ .round = round,
			.random = contest_random(random),
			.calls = calloc(1, sizeof(*people[i].calls)) };
		if (people[i].calls == NULL)
			exit(2);
		people[i].calls->wire = &round->wire;
		begin_thread(&people[i].thread, live, &people[i]);
	}
	await_kills(round);
	__atomic_store_n(&round->calm, 1, __ATOMIC_RELEASE);
	(void)pthread_join(keepers[workers].thread, NULL);
	contest_stop(round->contest);
	for (unsigned int i = 0; i < PEOPLE; i++)
		(void)pthread_join(people[i].thread, NULL);
	look_at_all(round, people[0].calls);
	__atomic_store_n(&round->over, 1, __ATOMIC_RELEASE);
	for (unsigned int i = 0; i < workers; i++)
		(void)pthread_join(keepers[i].thread, NULL);
	leave_log(round, people[0].calls);
	await_erasing(round);
	for (unsigned int i = 0; i < PEOPLE; i++)
		free(people[i].calls);
}

static void
run_round(const struct mode *mode, unsigned long wanted, uint64_t *random)
{
	struct round	 round = { .mode = mode, .wanted = wanted };

	kills_site_open(&round.site, mode->threads, mode->web);
	round.wire = (struct kills_wire){
		.socket = mode->web ? round.site.web_socket :
		    round.site.worker_socket,
		.fastcgi = !mode->web,
	};
	round.contest = contest_begin(&rules, SECRETS, random);
	for (size_t i = 0; i < SECRETS; i++)
		round.contest->secrets[i].lifetime = DAY *
		    (int64_t)(1 + contest_random(random) % DAYS);
	use_and_kill(&round, random);
	contest_judge(round.contest, &rows[CALLS]);
	rows[KILLS].tried += round.kills;
	if (mode->web)
		rows[HTTP].tried += round.kills;
	if (round.lost > round.kills * mode->threads)
		attack_broke(&rows[KILLS], "%s: %lu answers lost by %lu kills",
		    mode->name, round.lost, round.kills);
	attack_tried(&rows[WHOLE]);
	if (kills_site_faults(&round.site) != 0)
		attack_broke(&rows[WHOLE], "%s: see above", mode->name);
	attack_note("%s: %lu kills, %lu answers lost, %lu of them a reader's",
	    mode->name, round.kills, round.lost, round.again);
	contest_end(round.contest);
	kills_site_close(&round.site);
}

int
main(void)
{
	unsigned long	 wanted;	/* kills behind a web server */
	unsigned long	 most;		/* kills of one round */
	uint64_t	 random;

	attack_begin("kills");
	/* A kill takes nothing from a disk. */
	if (getenv("TMPDIR") == NULL && access("/dev/shm", W_OK) == 0)
		(void)setenv("TMPDIR", "/dev/shm", 1);
	random = attack_seed();
	wanted = attack_size(100, 2000, 20000);
	most = wanted / MODES + 1 < ROUND_KILLS ? wanted / MODES + 1 :
	    ROUND_KILLS;
	rows = attack_rows(what_is_tried, ROWS);
	for (size_t i = 0; (i < MODES || rows[HTTP].tried < wanted) &&
	    !is_hopeless(); i++)
		run_round(&modes[i % MODES], most, &random);
	for (int i = 0; i < ROWS; i++)
		attack_row(&rows[i]);
	return attack_end();
}

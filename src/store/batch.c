/* SPDX-License-Identifier: ISC */
/*
 * Group commit, and when the log is checkpointed.  The first thread that finds
 * no leader leads: it waits for the lock, takes everybody who queued until
 * then, has the writer run them in one transaction and wakes them; whoever
 * queued in the meantime is led by the first of them.  There is no added
 * delay: a batch is what queued while the one before it was syncing.
 */
#include <errno.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/wipe.h"
#include "store/batch.h"
#include "store/sqlite.h"
#include "store/txn.h"
#include "store/writer.h"

/*
 * Pages of log at which it is checkpointed in any case.  In a large database
 * nearly each entry of an index is on a page of its own: the longer the log,
 * the more of them meet on one, and the nearer to each other the pages lie
 * that a checkpoint writes.  A small store's quota counts the log.
 */
#define WAL_PAGES		2000
#define WAL_DATABASE_SHARE	16
#define WAL_PAGES_MAX		32000
#define WAL_QUOTA_SHARE		8
#define WAL_PAGES_MIN		16

/* How long a checkpoint that readers held up is put off, in ms. */
#define BACKOFF_FIRST		100
#define BACKOFF_MAX		1000

/* Between tries at the end, in microseconds. */
#define CLOSE_PAUSE		10000

#define NEVER			(-1)

enum checkpoint {
	CHECKPOINT_NONE,
	CHECKPOINT_REWIND,	/* the log is written over from its start */
	CHECKPOINT_ERASE	/* the log is cut off */
};

enum waiting {
	WAITING_QUEUED,		/* may still leave */
	WAITING_LEADS,		/* was given the lead */
	WAITING_TAKEN		/* its fn is being run */
};

struct waiter {
	struct writer_job	 job;	/* first: a job is its waiter */
	enum waiting		 state;	/* under the mutex */
	bool			 checkpoint;
	sem_t			 turn;	/* it leads, or its result is there */
};

struct batch {
	struct writer	*writer;
	int64_t		 lock_wait;
	int64_t		 erase_delay;
	int64_t		 mark_interval;
	int64_t		 max_bytes;	/* of database and log; 0: no limit */
	int		 wal_limit;	/* pages, since the last checkpoint */
	bool		 has_eraser;
	pthread_t	 eraser;

	pthread_mutex_t	 mutex;		/* for all below */
	struct writer_job *head;
	struct writer_job **tail;
	bool		 led;		/* somebody leads or was told to */
	pthread_cond_t	 wake_eraser;
	bool		 stopping;
	int64_t		 erase_at;	/* ms, monotonic; NEVER */
	int64_t		 mark_at;	/* likewise */
	int64_t		 retry_at;	/* not before; ms, monotonic */
	int64_t		 backoff;	/* ms */
};

static struct waiter *
waiter_of(struct writer_job *job)
{
	return (struct waiter *)job;
}

static void
enqueue(struct batch *batch, struct waiter *waiter)
{
	waiter->job.next = NULL;
	*batch->tail = &waiter->job;
	batch->tail = &waiter->job.next;
}

static void
leave(struct batch *batch, struct waiter *waiter)
{
	struct writer_job **link = &batch->head;

	while (*link != &waiter->job)
		link = &(*link)->next;
	*link = waiter->job.next;
	if (*link == NULL)
		batch->tail = link;
}

/* The mutex is held and given up: the next of the queue leads. */
static void
pass_the_lead(struct batch *batch)
{
	struct waiter	*next = NULL;

	if (batch->head == NULL)
		batch->led = false;
	else {
		next = waiter_of(batch->head);
		next->state = WAITING_LEADS;
	}
	pthread_mutex_unlock(&batch->mutex);
	if (next != NULL)
		sem_post(&next->turn);
}

/* The mutex is held: what kind of checkpoint should follow a commit. */
static enum checkpoint
checkpoint_due(struct batch *batch, bool asked)
{
	int64_t	 now = clock_now();

	if (writer_erased(batch->writer) && batch->erase_at == NEVER) {
		batch->erase_at = now + batch->erase_delay;
		pthread_cond_signal(&batch->wake_eraser);
	}
	if (asked)
		return CHECKPOINT_ERASE;
	if (now < batch->retry_at)
		return CHECKPOINT_NONE;
	if (writer_log_in_the_way(batch->writer) ||
	    (batch->erase_at != NEVER && now >= batch->erase_at))
		return CHECKPOINT_ERASE;
	/* Cutting the log off costs its blocks; on size alone it stays. */
	return writer_wal_pages(batch->writer) >= batch->wal_limit ?
	    CHECKPOINT_REWIND : CHECKPOINT_NONE;
}

static int
pages_before_checkpoint(const struct batch *batch)
{
	int64_t	 pages = writer_pages(batch->writer) / WAL_DATABASE_SHARE;
	int64_t	 quota = batch->max_bytes / SQLITE_PAGE_BYTES /
	    WAL_QUOTA_SHARE;

	if (pages < WAL_PAGES)
		pages = WAL_PAGES;
	if (pages > WAL_PAGES_MAX)
		pages = WAL_PAGES_MAX;
	if (batch->max_bytes != 0 && pages > quota)
		pages = quota < WAL_PAGES_MIN ? WAL_PAGES_MIN : quota;
	return (int)pages;
}

/* The mutex is held: remember how a checkpoint went. */
static void
note_checkpoint(struct batch *batch, enum checkpoint kind, int result)
{
	if (result == 0) {
		if (kind == CHECKPOINT_ERASE)
			batch->erase_at = NEVER;
		batch->retry_at = 0;
		batch->backoff = 0;
		batch->wal_limit = pages_before_checkpoint(batch);
		return;
	}
	batch->backoff = batch->backoff == 0 ? BACKOFF_FIRST :
	    batch->backoff * 2;
	if (batch->backoff > BACKOFF_MAX)
		batch->backoff = BACKOFF_MAX;
	batch->retry_at = clock_now() + batch->backoff;
	if (batch->erase_at == NEVER)
		batch->erase_at = batch->retry_at;
	pthread_cond_signal(&batch->wake_eraser);
}

/* The mutex is held: everybody who queued. */
static struct writer_job *
take_queue(struct batch *batch)
{
	struct writer_job *jobs = batch->head;

	batch->head = NULL;
	batch->tail = &batch->head;
	for (struct writer_job *job = jobs; job != NULL; job = job->next)
		waiter_of(job)->state = WAITING_TAKEN;
	return jobs;
}

/* The mutex is held: these were not run and are the next. */
static void
put_back(struct batch *batch, struct writer_job *jobs)
{
	struct writer_job *last = jobs;

	if (jobs == NULL)
		return;
	for (struct writer_job *job = jobs; job != NULL; job = job->next) {
		waiter_of(job)->state = WAITING_QUEUED;
		last = job;
	}
	last->next = batch->head;
	if (batch->head == NULL)
		batch->tail = &last->next;
	batch->head = jobs;
}

/* Their results are there. */
static void
wake(struct writer_job *jobs, const struct waiter *me)
{
	struct writer_job	*next;

	for (struct writer_job *job = jobs; job != NULL; job = next) {
		/* Once it is told its memory is its owner's again. */
		next = job->next;
		if (waiter_of(job) != me)
			sem_post(&waiter_of(job)->turn);
	}
}

/* Those who asked for a checkpoint, taken off the list of the others. */
static struct writer_job *
split_checkpoints(struct writer_job **jobs)
{
	struct writer_job *asking = NULL, **link = jobs;

	while (*link != NULL) {
		struct writer_job *job = *link;

		if (!waiter_of(job)->checkpoint) {
			link = &job->next;
			continue;
		}
		*link = job->next;
		job->next = asking;
		asking = job;
	}
	return asking;
}

static void
lead(struct batch *batch, struct waiter *me, int64_t deadline)
{
	struct writer_job *jobs, *asking, *rest = NULL;
	enum checkpoint	 kind;
	int64_t		 wait;
	int		 result;

	wait = deadline - clock_now();
	result = writer_lock(batch->writer, wait > 0 ? wait : 0);
	pthread_mutex_lock(&batch->mutex);
	if (result != 0) {
		leave(batch, me);
		me->job.result = result;
		pass_the_lead(batch);
		return;
	}
	jobs = take_queue(batch);
	pthread_mutex_unlock(&batch->mutex);

	asking = split_checkpoints(&jobs);
	if (jobs != NULL)
		rest = writer_run(batch->writer, jobs);
	wake(jobs, me);

	pthread_mutex_lock(&batch->mutex);
	put_back(batch, rest);
	kind = checkpoint_due(batch, asking != NULL);
	if (kind != CHECKPOINT_NONE) {
		pthread_mutex_unlock(&batch->mutex);
		result = writer_checkpoint(batch->writer,
		    kind == CHECKPOINT_ERASE);
		pthread_mutex_lock(&batch->mutex);
		note_checkpoint(batch, kind, result);
	}
	for (struct writer_job *job = asking; job != NULL; job = job->next)
		job->result = result;
	wake(asking, me);
	writer_unlock(batch->writer);
	pass_the_lead(batch);
}

static int
wait_until(sem_t *turn, int64_t deadline)
{
	struct timespec	 until = clock_at(deadline);

#ifdef __SANITIZE_THREAD__
	/* ThreadSanitizer does not know sem_clockwait. */
	int64_t		 left = deadline - clock_now();

	clock_gettime(CLOCK_REALTIME, &until);
	until.tv_sec += (time_t)(left / 1000 + 1);
	return sem_timedwait(turn, &until);
#else
	return sem_clockwait(turn, CLOCK_MONOTONIC, &until);
#endif
}

/* Wait to be led or to lead.  Returns false when the time was over. */
static bool
await_turn(struct batch *batch, struct waiter *me, int64_t deadline)
{
	bool		 left = false;
	int		 result;

	do {
		result = wait_until(&me->turn, deadline);
	} while (result == -1 && errno == EINTR);
	if (result == 0)
		return true;
	pthread_mutex_lock(&batch->mutex);
	if (me->state == WAITING_QUEUED) {
		leave(batch, me);
		left = true;
	}
	pthread_mutex_unlock(&batch->mutex);
	/* Who was taken or told to lead meanwhile must wait for that. */
	while (!left && sem_wait(&me->turn) == -1)
		continue;
	return !left;
}

static int
take_part(struct batch *batch, struct waiter *me, int64_t deadline)
{
	bool	 first;

	sem_init(&me->turn, 0, 0);
	pthread_mutex_lock(&batch->mutex);
	enqueue(batch, me);
	first = !batch->led;
	if (first) {
		batch->led = true;
		me->state = WAITING_LEADS;
	}
	pthread_mutex_unlock(&batch->mutex);
	if (!first && !await_turn(batch, me, deadline))
		me->job.result = STORE_BUSY;
	else if (me->state == WAITING_LEADS)
		lead(batch, me, deadline);
	sem_destroy(&me->turn);
	return me->job.result;
}

int
batch_update(struct batch *batch, store_fn *fn, void *argument)
{
	struct waiter	 me;
	int64_t		 deadline = clock_now() + batch->lock_wait;
	int		 tries = 2;

	/* Refused for what the log takes: it was cut off behind that batch. */
	do {
		me = (struct waiter){
			.job = { .fn = fn, .argument = argument },
			.state = WAITING_QUEUED,
		};
		take_part(batch, &me, deadline);
	} while (me.job.result == STORE_FULL && me.job.log_in_the_way &&
	    --tries > 0);
	return me.job.result;
}

int
batch_checkpoint(struct batch *batch)
{
	struct waiter	 me = { .checkpoint = true, .state = WAITING_QUEUED };

	return take_part(batch, &me, clock_now() + batch->lock_wait);
}

size_t
batch_waiting(struct batch *batch)
{
	size_t	 count = 0;

	pthread_mutex_lock(&batch->mutex);
	for (struct writer_job *job = batch->head; job != NULL; job = job->next)
		count++;
	pthread_mutex_unlock(&batch->mutex);
	return count;
}

static int
write_mark(struct store_txn *txn, void *argument)
{
	(void)argument;
	/* Not worth the ballast, which who deletes needs. */
	txn->inserted = true;
	return store_clock_mark(txn);
}

/* The mutex is held: wait for what is due next.  Returns false when the thread
 * was woken before. */
static bool
await_due(struct batch *batch, bool *erase)
{
	int64_t		 at = batch->erase_at;
	struct timespec	 until;

	if (at != NEVER && at < batch->retry_at)
		at = batch->retry_at;
	*erase = at != NEVER &&
	    (batch->mark_at == NEVER || at <= batch->mark_at);
	if (!*erase)
		at = batch->mark_at;
	if (at == NEVER) {
		pthread_cond_wait(&batch->wake_eraser, &batch->mutex);
		return false;
	}
	if (clock_now() >= at)
		return true;
	until = clock_at(at);
	pthread_cond_timedwait(&batch->wake_eraser, &batch->mutex, &until);
	return false;
}

static void *
work_in_time(void *argument)
{
	struct batch	*batch = argument;
	bool		 erase;
	int		 result;

	pthread_mutex_lock(&batch->mutex);
	while (!batch->stopping) {
		if (!await_due(batch, &erase))
			continue;
		pthread_mutex_unlock(&batch->mutex);
		result = erase ? batch_checkpoint(batch) :
		    batch_update(batch, write_mark, NULL);
		/* It may have led, and run what others asked for. */
		wipe_stack();
		pthread_mutex_lock(&batch->mutex);
		if (!erase)
			batch->mark_at = clock_now() + batch->mark_interval;
		/* Without the lock nothing was tried: not at once again. */
		else if (result < 0)
			note_checkpoint(batch, CHECKPOINT_ERASE, result);
	}
	pthread_mutex_unlock(&batch->mutex);
	return NULL;
}

struct batch *
batch_open(struct writer *writer, const struct store_options *options)
{
	struct batch		*batch = calloc(1, sizeof(*batch));

	if (batch == NULL)
		return NULL;
	batch->writer = writer;
	batch->lock_wait = options->lock_wait;
	batch->erase_delay = options->erase_delay;
	batch->mark_interval = options->mark_interval;
	batch->mark_at = options->mark_interval == 0 ? NEVER :
	    clock_now() + options->mark_interval;
	batch->max_bytes = options->max_bytes;
	batch->wal_limit = pages_before_checkpoint(batch);
	batch->tail = &batch->head;
	/* Who was killed before may have left something to erase. */
	batch->erase_at = options->resident && writer_has_log(writer) ?
	    clock_now() + options->erase_delay : NEVER;
	pthread_mutex_init(&batch->mutex, NULL);
	clock_cond_init(&batch->wake_eraser);
	return batch;
}

int
batch_start(struct batch *batch)
{
	if (pthread_create(&batch->eraser, NULL, work_in_time, batch) != 0)
		return -1;
	batch->has_eraser = true;
	return 0;
}

static int
change_nothing(struct store_txn *txn, void *argument)
{
	(void)txn;
	(void)argument;
	return 0;
}

void
batch_close(struct batch *batch)
{
	int64_t	 until;
	bool	 due;

	if (batch == NULL)
		return;
	pthread_mutex_lock(&batch->mutex);
	batch->stopping = true;
	pthread_cond_signal(&batch->wake_eraser);
	due = batch->erase_at != NEVER;
	pthread_mutex_unlock(&batch->mutex);
	if (batch->has_eraser)
		pthread_join(batch->eraser, NULL);
	if (writer_owes(batch->writer))
		(void)batch_update(batch, change_nothing, NULL);
	/* Readers of other processes may need a moment to end. */
	until = clock_now() + BACKOFF_MAX;
	while (due && batch_checkpoint(batch) == 1 && clock_now() < until)
		clock_sleep_us(CLOSE_PAUSE);
	pthread_cond_destroy(&batch->wake_eraser);
	pthread_mutex_destroy(&batch->mutex);
	free(batch);
}

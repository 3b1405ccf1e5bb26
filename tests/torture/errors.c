/* SPDX-License-Identifier: ISC */
/*
 * Errors: each call of each interface is made while the Nth read, write,
 * sync, truncation, open or allocation fails, once or from then on, for every
 * N until none is left to fail.  What was answered as done must be done; what
 * was not must work as soon as nothing fails any more.
 */
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../unit/faces.h"
#include "../unit/sealed.h"
#include "attack.h"
#include "base/arena.h"
#include "base/buf.h"
#include "base/complaint.h"
#include "base/log.h"
#include "errors_calls.h"
#include "faults.h"
#include "web/app.h"
#include "web/http.h"

/* One call, with the fault. */
static struct {
	bool			 wanted;
	enum faults_kind	 kind;
	unsigned long		 number;
	bool			 for_good;
	bool			 hit;
	unsigned long		 calls;	/* of that kind, in all */
	bool			 headless; /* no memory for the answer's head */
} shot;

void	__real_app_handle(struct app *, struct http_request *,
	    struct http_reply *);
void	__wrap_app_handle(struct app *, struct http_request *,
	    struct http_reply *);

/* All that a transport asks for is asked while it may fail. */
void
__wrap_app_handle(struct app *app, struct http_request *request,
    struct http_reply *reply)
{
	struct buf	 head;

	if (!shot.wanted) {
		__real_app_handle(app, request, reply);
		return;
	}
	faults_arm(shot.kind, shot.number, shot.for_good);
	__real_app_handle(app, request, reply);
	buf_init(&head, request->arena);
	http_write_head(reply, &head);
	shot.hit = faults_disarm();
	shot.calls = faults_calls();
	shot.headless = head.failed;
}

static struct attack_row input = {
	"1, 8", "calls while a read, write, sync, truncation or open fails",
	0, 0
};
static struct attack_row memory = {
	"1, 8", "calls while an allocation fails", 0, 0
};

/* json-c says that there is no memory as if the text were bad. */
static bool
is_failure(int status)
{
	return status == 500 || status == 503 || status == 507 ||
	    (shot.kind == FAULTS_MEMORY && (status == 400 || status == 422));
}

/* As a process that has just begun. */
static void
begin_anew(struct errors_bench *bench)
{
	struct complaint error;

	site_close(&bench->faces->site);
	arena_destroy(bench->faces->arena);
	bench->faces->arena = arena_create();
	assert_non_null(bench->faces->arena);
	if (site_open(&bench->faces->site, &bench->faces->conf, SITE_SINGLE,
	    &error) == -1)
		fail_msg("%s", error.text);
}

/* It was answered as done: what does somebody else find, whom the same process
 * answers, or one that has just begun? */
static void
ask_other(struct errors_bench *bench, const struct errors_endpoint *endpoint,
    const char *what, struct attack_row *row)
{
	bool	 anew = (unsigned long)random() % attack_step(6, 3, 2) == 0;
	int	 status;

	if (endpoint->other == NULL)
		return;
	if (anew)
		begin_anew(bench);
	status = endpoint->other(bench);
	if (status != endpoint->over)
		attack_broke(row, "%s: and then %d to somebody else%s", what,
		    status, anew ? ", in a new process" : "");
}

/* One call with a fault, and what comes after it.  Returns whether anything
 * failed. */
static bool
try(struct errors_bench *bench, const struct errors_endpoint *endpoint,
    bool cold, struct attack_row *row)
{
	char	 what[160];
	int	 status, again, after;

	(void)snprintf(what, sizeof(what), "%s, %s %lu%s%s", endpoint->name,
	    faults_names[shot.kind], shot.number,
	    shot.for_good ? " and on" : "", cold ? ", cold" : "");
	endpoint->prepare(bench);
	if (cold)
		begin_anew(bench);
	shot.wanted = true;
	shot.hit = shot.headless = false;
	status = endpoint->ask(bench);
	shot.wanted = false;
	if (shot.headless)
		status = 500;
	after = endpoint->after == 0 ? endpoint->normal : endpoint->after;
	if (status == endpoint->normal) {
		if (endpoint->good != NULL && !endpoint->good(bench))
			attack_broke(row, "%s: a wrong answer", what);
		/* Before the claim could take what was not taken. */
		ask_other(bench, endpoint, what, row);
		again = endpoint->ask(bench);
		if (again != after)
			attack_broke(row, "%s: %d, then %d", what, status,
			    again);
	} else {
		if (!shot.hit || !is_failure(status))
			attack_broke(row, "%s: %d", what, status);
		again = endpoint->ask(bench);
		if (again != endpoint->normal || (endpoint->good != NULL &&
		    !endpoint->good(bench)))
			attack_broke(row, "%s: %d, and then %d", what, status,
			    again);
		else
			ask_other(bench, endpoint, what, row);
	}
	if (shot.hit)
		attack_tried(row);
	return shot.hit;
}

/* Every N, or those in so many steps and the last ones. */
static void
attack_kind(struct errors_bench *bench,
    const struct errors_endpoint *endpoint, bool cold, unsigned long step)
{
	struct attack_row *row = shot.kind == FAULTS_MEMORY ? &memory :
	    &input;
	unsigned long	 last;

	/* Behind the commit nothing may fail any more: all of the end. */
	last = attack_size(6, 12, 30);
	shot.number = ULONG_MAX;
	(void)try(bench, endpoint, cold, row);
	last = shot.calls > last && shot.kind == FAULTS_MEMORY ?
	    shot.calls - last : ULONG_MAX;
	/* Nothing is there yet when the first one fails. */
	shot.number = 1;
	if (!try(bench, endpoint, cold, row))
		return;
	shot.number = 2 + (unsigned long)random() % step;
	while (try(bench, endpoint, cold, row)) {
		if (shot.number >= last)
			shot.number++;
		else if (shot.number + step > last)
			shot.number = last;
		else
			shot.number += step;
	}
}

static void
attack_endpoint(struct errors_bench *bench,
    const struct errors_endpoint *endpoint, bool cold)
{
	unsigned long	 step;

	for (int i = 0; i < 2 * FAULTS_KIND__MAX; i++) {
		shot.kind = (enum faults_kind)(i / 2);
		shot.for_good = i % 2 == 1;
		/* What only this answer has is always among them. */
		if ((shot.kind != FAULTS_MEMORY || endpoint->after == 0) &&
		    (unsigned long)random() % attack_step(6, 1, 1) != 0)
			continue;
		/* A first call makes a thousand allocations, not thirty; a
		 * large record is read in hundreds of pieces. */
		if (shot.kind == FAULTS_MEMORY && cold)
			step = attack_step(900, 150, 1);
		else if (shot.kind == FAULTS_MEMORY)
			step = attack_step(60, 5, 1);
		else if (endpoint->large)
			step = attack_step(90, 40, 1);
		else
			step = attack_step(7, 3, 1);
		attack_kind(bench, endpoint, cold, step);
	}
}

int
main(void)
{
	struct errors_bench bench = { .burn = false };
	attack_begin("errors");
	if (getenv("TMPDIR") == NULL && access("/dev/shm", W_OK) == 0)
		(void)setenv("TMPDIR", "/dev/shm", 1);
	srandom((unsigned int)attack_seed());
	bench.sealed = sealed_open("lock_wait = 60s\nkdf_wait = 60s\n"
	    "client_secrets = 0\nclient_bytes = 0\n");
	bench.faces = bench.sealed->faces;
	errors_begin();
	log_open("errors", LOG_TO_STDERR, LOG_LEVEL_ERROR);
	for (size_t i = 0; i < errors_endpoints_count; i++) {
		bench.burn = false;
		attack_endpoint(&bench, &errors_endpoints[i], false);
		attack_endpoint(&bench, &errors_endpoints[i], true);
	}
	sealed_close(bench.sealed);
	attack_row(&input);
	attack_row(&memory);
	return attack_end();
}

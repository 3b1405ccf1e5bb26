/* SPDX-License-Identifier: ISC */
/*
 * What people do at a site, by chance: each thread makes secrets, opens those
 * of all, asks again with claims of its own, guesses, burns, sweeps.
 */
#include "traffic.h"

#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "core/sweep.h"
#include "recorder.h"
#include "store/store.h"

/* Claims that one thread may still ask with. */
#define HELD 8

#define DAY 86400000

struct held {
	struct history_secret *secret;
	uint8_t		 claim[SEAL_SECRETBYTES];
};

struct person {
	struct traffic	*traffic;
	uint64_t	 random;
	struct arena	*arena;
	struct held	 held[HELD];
	size_t		 count;
	pthread_t	 thread;
};

static unsigned int
chance(struct person *person, unsigned int below)
{
	return (unsigned int)(recorder_random(&person->random) % below);
}

static size_t
size_of(struct person *person)
{
	const struct traffic *traffic = person->traffic;

	if (chance(person, 100) < traffic->large_percent)
		return traffic->large - chance(person, 1000);
	switch (chance(person, 6)) {
	case 0:
		return 20000 + chance(person, 60000);
	case 1:
	case 2:
		return 3000 + chance(person, 6000);
	default:
		return 1 + chance(person, 900);
	}
}

static void
make(struct person *person)
{
	struct traffic	*traffic = person->traffic;
	struct history_secret *secret;
	struct secret_creation *creation;

	secret = history_draw(traffic->history, size_of(person));
	if (secret == NULL)
		return;
	creation = &secret->secret.creation;
	if (chance(person, 2) == 0)
		sites_gate(&secret->secret);
	if (chance(person, 3) == 0)
		creation->views = 1 + chance(person, 3);
	creation->attempts = 1 + chance(person, 4);
	creation->lifetime = DAY;
	if (chance(person, 8) == 0)
		creation->lifetime = 20 + chance(person, 60);
	(void)history_create(traffic->history, traffic->site, person->arena,
	    secret);
}

/* One that was made, and has not been asked too often. */
static struct history_secret *
choose(struct person *person)
{
	struct history	*history = person->traffic->history;
	struct history_secret *secret;
	size_t		 made = history_made(history);

	/* Mostly new ones: the old ones are over. */
	if (made > 12 && chance(person, 4) != 0)
		secret = &history->secrets[made - 1 - chance(person, 12)];
	else if (made > 0)
		secret = &history->secrets[chance(person, (unsigned int)made)];
	else
		return NULL;
	return history_is_full(history, secret) ? NULL : secret;
}

static void
open_one(struct person *person)
{
	struct traffic	*traffic = person->traffic;
	struct history_secret *secret = choose(person);
	enum secret_outcome outcome;
	struct held	 held = { .secret = secret };

	if (secret == NULL)
		return;
	for (size_t i = 0; i < sizeof(held.claim); i++)
		held.claim[i] = (uint8_t)recorder_random(&person->random);
	if (history_ask(traffic->history, traffic->site, person->arena, secret,
	    HISTORY_OPEN, held.claim, &outcome) == 0 && outcome == SECRET_OK &&
	    person->count < HELD)
		person->held[person->count++] = held;
}

static void
guess(struct person *person)
{
	struct traffic	*traffic = person->traffic;
	struct history_secret *secret = choose(person);
	enum secret_outcome outcome;

	if (secret != NULL && secret->secret.creation.proof.gate != NULL)
		(void)history_ask(traffic->history, traffic->site,
		    person->arena, secret, HISTORY_GUESS, NULL, &outcome);
}

static void
burn(struct person *person)
{
	struct traffic	*traffic = person->traffic;
	struct history_secret *secret = choose(person);

	if (secret != NULL)
		(void)history_burn(traffic->history, traffic->site, secret);
}

/* Ask again with a claim, or end it. */
static void
follow(struct person *person)
{
	struct traffic	*traffic = person->traffic;
	struct held	*held;
	enum secret_outcome outcome;

	if (person->count == 0)
		return;
	held = &person->held[chance(person, (unsigned int)person->count)];
	if (history_is_full(traffic->history, held->secret) ||
	    chance(person, 3) != 0) {
		if (!history_is_full(traffic->history, held->secret))
			(void)history_ack(traffic->history, traffic->site,
			    held->secret, held->claim);
		*held = person->held[--person->count];
		return;
	}
	(void)history_ask(traffic->history, traffic->site, person->arena,
	    held->secret, HISTORY_REOPEN, held->claim, &outcome);
}

static void
sweep(struct person *person)
{
	struct sweep_result result;

	(void)sweep_run(person->traffic->site, &result);
}

static void *
live(void *argument)
{
	struct person	*person = argument;

	for (unsigned int i = 0; i < person->traffic->calls; i++) {
		unsigned int what = chance(person, 100);

		if (what < 30)
			make(person);
		else if (what < 58)
			open_one(person);
		else if (what < 72)
			guess(person);
		else if (what < 90)
			follow(person);
		else if (what < 95)
			burn(person);
		else if (what < 98)
			(void)store_checkpoint(person->traffic->site->store);
		else
			sweep(person);
	}
	return NULL;
}

void
traffic_run(struct traffic *traffic)
{
	struct person	*people;

	people = calloc(traffic->threads, sizeof(*people));
	assert_non_null(people);
	for (unsigned int i = 0; i < traffic->threads; i++) {
		people[i] = (struct person){
			.traffic = traffic, .random = traffic->seed + i,
			.arena = arena_create(),
		};
		assert_non_null(people[i].arena);
		assert_int_equal(pthread_create(&people[i].thread, NULL, live,
		    &people[i]), 0);
	}
	for (unsigned int i = 0; i < traffic->threads; i++) {
		assert_int_equal(pthread_join(people[i].thread, NULL), 0);
		arena_destroy(people[i].arena);
	}
	free(people);
}

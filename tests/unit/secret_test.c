/* SPDX-License-Identifier: ISC */

/*
 * The rules of a secret's life on a real site: once, three tries, on time,
 * made once, found by its own faces only.
 */

#include "sites.h"

#include <stdio.h>
#include <string.h>

#include "core/receipt.h"

#define MINUTE 60000

static int
setup(void **state)
{
	*state = sites_open("claim_seconds = 60s\n", SITE_THREADS);
	return 0;
}

static int
teardown(void **state)
{
	sites_close(*state);
	return 0;
}

static void
gives_it_once(void **state)
{
	struct sites_secret secret;
	struct secret_facts facts;
	int64_t	 before = sites_now();

	sites_draw(&secret, SITES_SMALL);
	assert_int_equal(sites_read(*state, &secret, NULL, NULL),
	    SECRET_NOT_FOUND);
	assert_int_equal(sites_create(*state, &secret), SECRET_OK);
	assert_in_range(secret.creation.expires_at - 60 * MINUTE, before,
	    sites_now());
	facts = sites_receipt(*state, &secret);
	assert_int_equal(facts.state, STORE_WAITING);
	assert_int_equal(facts.views_left, 1);
	assert_int_equal(facts.bytes, SITES_SMALL);
	assert_int_equal(sites_read(*state, &secret, NULL, NULL), SECRET_OK);
	assert_int_equal(sites_records(*state), 0);
	assert_int_equal(sites_read(*state, &secret, NULL, NULL),
	    SECRET_OVER);
	facts = ((struct sites *)*state)->reading.facts;
	assert_int_equal(facts.state, STORE_OPENED);
	assert_in_range(facts.changed_at, before, sites_now());
	assert_int_equal(sites_receipt(*state, &secret).state, STORE_OPENED);
	sites_drop(&secret);
}

static void
peeks_without_a_trace(void **state)
{
	struct sites_secret secret;
	struct store_secret before, after;

	sites_draw(&secret, SITES_SMALL);
	assert_int_equal(sites_peek(*state, &secret, NULL), SECRET_NOT_FOUND);
	sites_gate(&secret);
	secret.creation.views = 2;
	assert_int_equal(sites_create(*state, &secret), SECRET_OK);
	before = sites_row(*state, &secret);
	assert_int_equal(sites_peek(*state, &secret, NULL), SECRET_OK);
	assert_int_equal(sites_peek(*state, &secret, secret.claims[0]),
	    SECRET_OK);
	assert_true(((struct sites *)*state)->reading.facts.gated);
	assert_false(((struct sites *)*state)->reading.facts.claimed);
	after = sites_row(*state, &secret);
	assert_int_equal(after.views_left, before.views_left);
	assert_int_equal(after.attempts_left, before.attempts_left);
	assert_int_equal(after.state, before.state);
	assert_int_equal(after.due_at, before.due_at);
	assert_int_equal(sites_claims(*state), 0);
	sites_drop(&secret);
}

/* 64 threads with the same proof; what came of it. */
static void
race(struct sites *sites, struct sites_secret *secret,
    const struct secret_proof *proof, int outcomes[SECRET_OUTCOME__MAX])
{
	struct secret_proof proofs[SITES_RACERS];

	assert_int_equal(sites_create(sites, secret), SECRET_OK);
	for (int i = 0; i < SITES_RACERS; i++)
		proofs[i] = *proof;
	sites_race(sites, secret, proofs, outcomes);
}

static void
assert_once(struct sites *sites, struct sites_secret *secret,
    const struct secret_proof *proof)
{
	int	 outcomes[SECRET_OUTCOME__MAX];

	race(sites, secret, proof, outcomes);
	assert_int_equal(outcomes[SECRET_OK], 1);
	assert_int_equal(outcomes[SECRET_OVER], SITES_RACERS - 1);
	assert_int_equal(sites_row(sites, secret).attempts_left, 3);
	assert_int_equal(sites_records(sites), 0);
	sites_drop(secret);
}

static void
gives_one_of_many_readers(void **state)
{
	struct sites_secret secret;
	struct secret_proof proof = { .gate = NULL };

	for (int round = 0; round < 10; round++) {
		sites_draw(&secret, SITES_SMALL);
		assert_once(*state, &secret, &proof);
	}
	for (int round = 0; round < 10; round++) {
		sites_draw(&secret, SITES_LARGE);
		sites_gate(&secret);
		proof.gate = secret.gate;
		assert_once(*state, &secret, &proof);
	}
	sites_draw(&secret, SITES_SMALL);
	sites_pin(&secret);
	proof = (struct secret_proof){ .pin = SITES_PIN, .pin_length = 5 };
	assert_once(*state, &secret, &proof);
}

static void
assert_three_tries(struct sites *sites, struct sites_secret *secret,
    const struct secret_proof *proof)
{
	int	 outcomes[SECRET_OUTCOME__MAX];

	race(sites, secret, proof, outcomes);
	assert_int_equal(outcomes[SECRET_WRONG_PIN], 2);
	assert_int_equal(outcomes[SECRET_NOW_LOCKED], 1);
	assert_int_equal(outcomes[SECRET_OVER], SITES_RACERS - 3);
	assert_int_equal(sites_records(sites), 0);
	assert_int_equal(sites_ask(sites, secret, &secret->creation.proof), 0);
	assert_int_equal(sites->reading.outcome, SECRET_OVER);
	assert_int_equal(sites->reading.facts.state, STORE_LOCKED);
	assert_int_equal(sites_receipt(sites, secret).state, STORE_LOCKED);
	sites_drop(secret);
}

static void
judges_three_of_many_guesses(void **state)
{
	struct sites_secret secret;
	struct secret_proof proof = { .pin = NULL };

	for (int round = 0; round < 10; round++) {
		sites_draw(&secret, round % 2 == 0 ? SITES_SMALL :
		    SITES_LARGE);
		sites_gate(&secret);
		proof.gate = secret.wrong;
		assert_three_tries(*state, &secret, &proof);
	}
	sites_draw(&secret, SITES_SMALL);
	sites_pin(&secret);
	proof = (struct secret_proof){
		.pin = SITES_WRONG_PIN, .pin_length = 5,
	};
	assert_three_tries(*state, &secret, &proof);
}

/* Guesses beside readers: nothing is given after the last wrong one. */
static void
holds_both_limits_at_once(void **state)
{
	struct sites_secret	 secret;
	struct secret_proof	 proofs[SITES_RACERS];
	int			 outcomes[SECRET_OUTCOME__MAX], wrong;

	for (int round = 0; round < 10; round++) {
		sites_draw(&secret, SITES_SMALL);
		sites_gate(&secret);
		secret.creation.views = 2;
		assert_int_equal(sites_create(*state, &secret), SECRET_OK);
		for (int i = 0; i < SITES_RACERS; i++)
			proofs[i] = (struct secret_proof){
				.gate = i % 2 == 0 ? secret.gate :
				    secret.wrong,
			};
		sites_race(*state, &secret, proofs, outcomes);
		wrong = outcomes[SECRET_WRONG_PIN] +
		    outcomes[SECRET_NOW_LOCKED];
		assert_in_range(outcomes[SECRET_OK], 0, 2);
		assert_in_range(wrong, 0, 3);
		/* It ended in one of the two ways, and not in both. */
		assert_int_equal((outcomes[SECRET_OK] == 2) +
		    (wrong == 3), 1);
		assert_int_equal(outcomes[SECRET_NOW_LOCKED], wrong == 3);
		sites_drop(&secret);
	}
}

static void
gives_no_attempt_back(void **state)
{
	struct sites		*sites = *state;
	struct sites_secret	 secret;

	sites_draw(&secret, SITES_SMALL);
	sites_gate(&secret);
	secret.creation.views = 3;
	assert_int_equal(sites_create(sites, &secret), SECRET_OK);
	assert_int_equal(sites_read(sites, &secret, NULL, secret.wrong),
	    SECRET_WRONG_PIN);
	assert_int_equal(sites->reading.facts.attempts_left, 2);
	assert_int_equal(sites_read(sites, &secret, NULL, secret.gate),
	    SECRET_OK);
	assert_int_equal(sites->reading.facts.attempts_left, 2);
	assert_int_equal(sites_read(sites, &secret, NULL, secret.wrong),
	    SECRET_WRONG_PIN);
	assert_int_equal(sites->reading.facts.attempts_left, 1);
	assert_int_equal(sites_read(sites, &secret, NULL, secret.gate),
	    SECRET_OK);
	/* Nor does another process. */
	sites_restart(sites, "");
	assert_int_equal(sites_read(sites, &secret, NULL, secret.wrong),
	    SECRET_NOW_LOCKED);
	assert_int_equal(sites->reading.facts.attempts_left, 0);
	assert_int_equal(sites->reading.facts.state, STORE_LOCKED);
	assert_int_equal(sites_read(sites, &secret, NULL, secret.gate),
	    SECRET_OVER);
	sites_drop(&secret);
}

static void
locks_what_has_no_attempt(void **state)
{
	struct sites_secret	 secret;
	struct store_secret	 row;

	sites_draw(&secret, SITES_SMALL);
	sites_gate(&secret);
	assert_int_equal(sites_create(*state, &secret), SECRET_OK);
	row = sites_row(*state, &secret);
	row.attempts_left = 0;
	sites_write(*state, &row);
	assert_int_equal(sites_read(*state, &secret, NULL, secret.wrong),
	    SECRET_NOW_LOCKED);
	sites_drop(&secret);
}

static void
wants_the_proof_that_belongs(void **state)
{
	struct sites		*sites = *state;
	struct sites_secret	 gated, pinned, open;
	struct secret_proof	 both;

	sites_draw(&gated, SITES_SMALL);
	sites_gate(&gated);
	sites_draw(&pinned, SITES_SMALL);
	sites_pin(&pinned);
	sites_draw(&open, SITES_SMALL);
	assert_int_equal(sites_create(sites, &gated), SECRET_OK);
	assert_int_equal(sites_create(sites, &pinned), SECRET_OK);
	assert_int_equal(sites_create(sites, &open), SECRET_OK);
	assert_int_equal(sites_read(sites, &gated, NULL, NULL),
	    SECRET_PIN_REQUIRED);
	assert_int_equal(sites_read_pin(sites, &gated, SITES_PIN),
	    SECRET_GATE_NOT_PIN);
	assert_int_equal(sites_read(sites, &pinned, NULL, NULL),
	    SECRET_PIN_REQUIRED);
	assert_int_equal(sites_read(sites, &pinned, NULL, pinned.gate),
	    SECRET_PIN_NOT_GATE);
	assert_int_equal(sites_row(sites, &gated).attempts_left, 3);
	assert_int_equal(sites_row(sites, &pinned).attempts_left, 3);
	assert_int_equal(sites_read_pin(sites, &pinned, SITES_WRONG_PIN),
	    SECRET_WRONG_PIN);
	assert_int_equal(sites_read_pin(sites, &pinned, SITES_PIN), SECRET_OK);
	assert_int_equal(sites_read(sites, &gated, NULL, gated.gate),
	    SECRET_OK);
	/* Where none is needed any is ignored. */
	both = (struct secret_proof){
		.gate = open.gate, .pin = SITES_PIN, .pin_length = 5,
	};
	assert_int_equal(sites_ask(sites, &open, &both), 0);
	assert_int_equal(sites->reading.outcome, SECRET_OK);
	sites_drop(&gated);
	sites_drop(&pinned);
	sites_drop(&open);
}

static void
is_found_by_its_own_faces(void **state)
{
	static const enum secret_kind kinds[] = { SECRET_SAFESECRETS,
	    SECRET_ONETIME, SECRET_SJCL, SECRET_V2 };
	struct sites		*sites = *state;
	struct sites_secret	 secret;
	struct secret_reading	 reading;

	for (size_t i = 0; i < 4; i++) {
		sites_draw(&secret, SITES_SMALL);
		sites_gate(&secret);
		secret.creation.kind = kinds[i];
		assert_int_equal(sites_create(sites, &secret), SECRET_OK);
		reading = (struct secret_reading){
			.kinds = SECRET_KINDS_ALL & ~SECRET_KIND_BIT(kinds[i]),
			.proof = { .gate = secret.wrong, .pin = "1",
			    .pin_length = 1, .claim = secret.claims[0] },
		};
		memcpy(reading.token, secret.token, TOKEN_BYTES);
		assert_int_equal(secret_open(&sites->site, sites->arena,
		    &reading), 0);
		assert_int_equal(reading.outcome, SECRET_NOT_FOUND);
		assert_int_equal(secret_peek(&sites->site, &reading), 0);
		assert_int_equal(reading.outcome, SECRET_NOT_FOUND);
		assert_int_equal(sites_row(sites, &secret).attempts_left, 3);
		reading.kinds = SECRET_KIND_BIT(kinds[i]);
		assert_int_equal(secret_peek(&sites->site, &reading), 0);
		assert_int_equal(reading.outcome, SECRET_OK);
		sites_drop(&secret);
	}
}

static void
is_made_once(void **state)
{
	struct sites_secret first, again;

	for (int gated = 0; gated < 2; gated++) {
		sites_draw(&first, SITES_SMALL);
		if (gated)
			sites_gate(&first);
		first.creation.views = 2;
		assert_int_equal(sites_create(*state, &first), SECRET_OK);
		again = first;
		again.creation.expires_at = 0;
		again.creation.lifetime *= 2;
		assert_int_equal(sites_create(*state, &again), SECRET_OK);
		assert_int_equal(again.creation.expires_at,
		    first.creation.expires_at);
		assert_int_equal(sites_records(*state), 1);

		again = first;
		again.receipt[0] ^= 1;
		assert_int_equal(sites_create(*state, &again), SECRET_EXISTS);
		again = first;
		first.payload[SITES_SMALL - 1] ^= 1;
		assert_int_equal(sites_create(*state, &again), SECRET_EXISTS);
		first.payload[SITES_SMALL - 1] ^= 1;
		again.creation.payload_size--;
		assert_int_equal(sites_create(*state, &again), SECRET_EXISTS);
		again = first;
		again.creation.kind = SECRET_ONETIME;
		assert_int_equal(sites_create(*state, &again), SECRET_EXISTS);
		again = first;
		again.creation.proof.gate = gated ? NULL : again.gate;
		assert_int_equal(sites_create(*state, &again), SECRET_EXISTS);
		again = first;
		again.gate[0] ^= 1;
		assert_int_equal(sites_create(*state, &again),
		    gated ? SECRET_EXISTS : SECRET_OK);

		/* None of it changed the first; one view is as good as two. */
		assert_int_equal(sites_read(*state, &first, NULL, first.gate),
		    SECRET_OK);
		again = first;
		assert_int_equal(sites_create(*state, &again), SECRET_OK);
		assert_int_equal(sites_row(*state, &first).views_left, 1);
		assert_int_equal(sites_read(*state, &first, NULL, first.gate),
		    SECRET_OK);
		assert_int_equal(sites_create(*state, &again), SECRET_EXISTS);
		assert_int_equal(sites_read(*state, &first, NULL, first.gate),
		    SECRET_OVER);
		sites_drop(&first);
	}
}

static void
is_made_without_a_receipt(void **state)
{
	struct sites		*sites = *state;
	struct sites_secret	 secret, other;

	sites_draw(&secret, SITES_SMALL);
	secret.creation.token_given = false;
	assert_int_equal(secret_create(&sites->site, sites->arena,
	    &secret.creation), 0);
	assert_int_equal(secret.creation.outcome, SECRET_OK);
	assert_memory_not_equal(secret.creation.token, secret.token,
	    TOKEN_BYTES);
	memcpy(secret.token, secret.creation.token, TOKEN_BYTES);
	/* There is nothing that could prove who made it. */
	secret.creation.token_given = true;
	assert_int_equal(secret_create(&sites->site, sites->arena,
	    &secret.creation), 0);
	assert_int_equal(secret.creation.outcome, SECRET_EXISTS);
	assert_int_equal(sites_read(sites, &secret, NULL, NULL), SECRET_OK);

	/* A receipt is of one secret. */
	assert_int_equal(sites_create(sites, &secret), SECRET_EXISTS);
	sites_drop(&secret);
	sites_draw(&secret, SITES_SMALL);
	sites_draw(&other, SITES_SMALL);
	assert_int_equal(sites_create(sites, &secret), SECRET_OK);
	memcpy(other.receipt, secret.receipt, sizeof(other.receipt));
	assert_int_equal(sites_create(sites, &other), SECRET_EXISTS);
	assert_int_equal(sites_read(sites, &other, NULL, NULL),
	    SECRET_NOT_FOUND);
	sites_drop(&secret);
	sites_drop(&other);
}

static void
ends_on_time_without_a_sweep(void **state)
{
	struct sites		*sites = *state;
	struct sites_secret	 secret;
	struct secret_facts	 facts;

	sites_draw(&secret, SITES_SMALL);
	sites_gate(&secret);
	secret.creation.lifetime = 1;
	assert_int_equal(sites_create(sites, &secret), SECRET_OK);
	sites_await(secret.creation.expires_at);
	assert_int_equal(sites_read(sites, &secret, secret.claims[0],
	    secret.gate), SECRET_OVER);
	facts = sites->reading.facts;
	assert_int_equal(facts.state, STORE_EXPIRED);
	assert_int_equal(facts.changed_at, secret.creation.expires_at);
	assert_int_equal(facts.views_left, 0);
	assert_int_equal(sites_read(sites, &secret, NULL, secret.wrong),
	    SECRET_OVER);
	assert_int_equal(sites_peek(sites, &secret, NULL), SECRET_OVER);
	assert_int_equal(sites_receipt(sites, &secret).state, STORE_EXPIRED);
	assert_int_equal(sites_create(sites, &secret), SECRET_EXISTS);
	/* All of it is still there: it was the time that counted. */
	assert_int_equal(sites_records(sites), 1);
	assert_int_equal(sites_row(sites, &secret).attempts_left, 3);
	sites_drop(&secret);
}

static void
burns_by_its_receipt(void **state)
{
	struct sites		*sites = *state;
	struct sites_secret	 secret, unknown;
	struct secret_facts	 facts;
	enum secret_outcome	 outcome;

	sites_draw(&unknown, SITES_SMALL);
	assert_int_equal(receipt_peek(&sites->site, unknown.receipt, &outcome,
	    &facts), 0);
	assert_int_equal(outcome, SECRET_NOT_FOUND);
	assert_int_equal(receipt_burn(&sites->site, unknown.receipt, &outcome,
	    &facts), 0);
	assert_int_equal(outcome, SECRET_NOT_FOUND);

	sites_draw(&secret, SITES_SMALL);
	assert_int_equal(sites_create(sites, &secret), SECRET_OK);
	/* A receipt is no token and a token no receipt. */
	assert_int_equal(receipt_burn(&sites->site, secret.token, &outcome,
	    &facts), 0);
	assert_int_equal(outcome, SECRET_NOT_FOUND);
	for (int i = 0; i < 2; i++) {
		assert_int_equal(receipt_burn(&sites->site, secret.receipt,
		    &outcome, &facts), 0);
		assert_int_equal(outcome, SECRET_OK);
		assert_int_equal(facts.state, STORE_BURNED);
		assert_int_equal(facts.views_left, 0);
		assert_int_equal(sites_records(sites), 0);
		assert_int_equal(sites_read(sites, &secret, NULL, NULL),
		    SECRET_OVER);
		assert_int_equal(sites->reading.facts.state, STORE_BURNED);
	}
	sites_drop(&secret);

	/* What is over already stays what it is. */
	sites_draw(&secret, SITES_SMALL);
	assert_int_equal(sites_create(sites, &secret), SECRET_OK);
	assert_int_equal(sites_read(sites, &secret, NULL, NULL), SECRET_OK);
	assert_int_equal(receipt_burn(&sites->site, secret.receipt, &outcome,
	    &facts), 0);
	assert_int_equal(facts.state, STORE_OPENED);
	sites_drop(&secret);
	sites_draw(&secret, SITES_SMALL);
	secret.creation.lifetime = 1;
	assert_int_equal(sites_create(sites, &secret), SECRET_OK);
	sites_await(secret.creation.expires_at);
	assert_int_equal(receipt_burn(&sites->site, secret.receipt, &outcome,
	    &facts), 0);
	assert_int_equal(facts.state, STORE_EXPIRED);
	assert_int_equal(facts.changed_at, secret.creation.expires_at);
	assert_int_equal(sites_records(sites), 0);
	sites_drop(&secret);
	sites_drop(&unknown);
}

static void
counts_knocks(void **state)
{
	struct sites		*sites = *state;
	struct sites_secret	 secret;
	struct store_secret	 row;

	sites_draw(&secret, SITES_SMALL);
	assert_int_equal(receipt_knock(&sites->site, secret.token), 0);
	assert_int_equal(sites_create(sites, &secret), SECRET_OK);
	/* Nobody is too late for what waits. */
	assert_int_equal(receipt_knock(&sites->site, secret.token), 0);
	assert_int_equal(sites_receipt(sites, &secret).knocks, 0);
	assert_int_equal(sites_receipt(sites, &secret).knocked_at, 0);
	assert_int_equal(sites_read(sites, &secret, NULL, NULL), SECRET_OK);

	for (int i = 0; i < 3; i++)
		assert_int_equal(receipt_knock(&sites->site, secret.token), 0);
	row = sites_row(sites, &secret);
	assert_int_equal(row.knocks, 1);
	assert_in_range(sites_now() - row.knocked_at, 0, MINUTE);
	row.knocked_at = sites_now() - MINUTE + 10000;
	sites_write(sites, &row);
	assert_int_equal(receipt_knock(&sites->site, secret.token), 0);
	assert_int_equal(sites_row(sites, &secret).knocks, 1);
	row.knocked_at = sites_now() - MINUTE;
	sites_write(sites, &row);
	assert_int_equal(receipt_knock(&sites->site, secret.token), 0);
	assert_int_equal(sites_receipt(sites, &secret).knocks, 2);
	assert_true(sites_receipt(sites, &secret).knocked_at > row.knocked_at);

	row.knocks = 98;
	sites_write(sites, &row);
	assert_int_equal(receipt_knock(&sites->site, secret.token), 0);
	row = sites_row(sites, &secret);
	assert_int_equal(row.knocks, 99);
	row.knocked_at -= MINUTE;
	sites_write(sites, &row);
	assert_int_equal(receipt_knock(&sites->site, secret.token), 0);
	assert_int_equal(sites_row(sites, &secret).knocks, 99);
	assert_int_equal(sites_row(sites, &secret).knocked_at, row.knocked_at);
	sites_drop(&secret);
}

/* When there is nothing left to prove, nothing is left to guess from. */
static void
forgets_what_proves_the_pin(void **state)
{
	static const uint8_t	 zeroes[STORE_HASHBYTES];
	struct sites		*sites = *state;
	struct sites_secret	 secret;

	sites_draw(&secret, SITES_SMALL);
	sites_gate(&secret);
	assert_int_equal(sites_create(sites, &secret), SECRET_OK);
	assert_memory_not_equal(sites_row(sites, &secret).verifier, zeroes,
	    sizeof(zeroes));
	assert_int_equal(sites_read(sites, &secret, secret.claims[0],
	    secret.gate), SECRET_OK);
	sites_ack(sites, &secret, secret.claims[0]);
	assert_true(sites_row(sites, &secret).gated);
	assert_memory_equal(sites_row(sites, &secret).verifier, zeroes,
	    sizeof(zeroes));
	sites_drop(&secret);
}

int
main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(gives_it_once),
		TEST(peeks_without_a_trace),
		TEST(gives_one_of_many_readers),
		TEST(judges_three_of_many_guesses),
		TEST(holds_both_limits_at_once),
		TEST(gives_no_attempt_back),
		TEST(locks_what_has_no_attempt),
		TEST(wants_the_proof_that_belongs),
		TEST(is_found_by_its_own_faces),
		TEST(is_made_once),
		TEST(is_made_without_a_receipt),
		TEST(ends_on_time_without_a_sweep),
		TEST(burns_by_its_receipt),
		TEST(forgets_what_proves_the_pin),
		TEST(counts_knocks),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}

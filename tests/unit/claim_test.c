/* SPDX-License-Identifier: ISC */

/*
 * A claim lets its reader fetch again for a while, and nobody else; it is
 * worth a view, ends on time, and ends alone.
 */

#include "sites.h"

#include <string.h>

#include "core/receipt.h"

#define SECOND	1000
#define MINUTE	60000

static int
setup(void **state)
{
	*state = sites_open("claim_seconds = 60s\n", SITE_SINGLE);
	return 0;
}

static int
teardown(void **state)
{
	sites_close(*state);
	return 0;
}

static void
make(struct sites *sites, struct sites_secret *secret, uint32_t views,
    bool gated)
{
	sites_draw(secret, SITES_SMALL);
	secret->creation.views = views;
	if (gated)
		sites_gate(secret);
	assert_int_equal(sites_create(sites, secret), SECRET_OK);
}

/* Read with claim number `claim` and the right gate. */
static enum secret_outcome
read_as(struct sites *sites, const struct sites_secret *secret, int claim)
{
	return sites_read(sites, secret, secret->claims[claim], secret->gate);
}

static void
opens_again(void **state)
{
	struct sites		*sites = *state;
	struct sites_secret	 secret;
	int64_t			 until, before;

	make(sites, &secret, 1, true);
	before = sites_now();
	assert_int_equal(read_as(sites, &secret, 0), SECRET_OK);
	until = sites->reading.claim_until;
	assert_in_range(until - MINUTE, before, sites_now() + SECOND);
	for (int i = 0; i < 3; i++) {
		assert_int_equal(read_as(sites, &secret, 0), SECRET_OK);
		assert_int_equal(sites->reading.claim_until, until);
		assert_true(sites->reading.facts.claimed);
		assert_int_equal(read_as(sites, &secret, 1), SECRET_OVER);
		assert_int_equal(sites->reading.claim_until, 0);
		assert_int_equal(sites_read(sites, &secret, NULL,
		    secret.gate), SECRET_OVER);
	}
	assert_int_equal(sites_peek(sites, &secret, secret.claims[0]),
	    SECRET_OK);
	assert_true(sites->reading.facts.claimed);
	assert_int_equal(sites_peek(sites, &secret, secret.claims[1]),
	    SECRET_OVER);
	assert_int_equal(sites_receipt(sites, &secret).state, STORE_OPENED);
	/* It outlives the process. */
	sites_restart(sites, "");
	assert_int_equal(read_as(sites, &secret, 0), SECRET_OK);
	sites_ack(sites, &secret, secret.claims[0]);
	assert_int_equal(sites_records(sites), 0);
	assert_int_equal(read_as(sites, &secret, 0), SECRET_OVER);
	sites_drop(&secret);
}

static void
takes_a_view_each(void **state)
{
	struct sites		*sites = *state;
	struct sites_secret	 secret;

	make(sites, &secret, 3, true);
	for (int i = 0; i < 3; i++) {
		for (int retry = 0; retry < 3; retry++) {
			assert_int_equal(read_as(sites, &secret, i),
			    SECRET_OK);
			assert_int_equal(sites->reading.facts.views_left,
			    2 - i);
		}
		assert_int_equal(read_as(sites, &secret, 0), SECRET_OK);
		assert_int_equal(sites_row(sites, &secret).views_left, 2 - i);
	}
	assert_int_equal(sites_claims(sites), 3);
	assert_int_equal(read_as(sites, &secret, 3), SECRET_OVER);
	/* An ack ends its own claim and no other. */
	sites_ack(sites, &secret, secret.claims[1]);
	assert_int_equal(read_as(sites, &secret, 1), SECRET_OVER);
	assert_int_equal(read_as(sites, &secret, 0), SECRET_OK);
	sites_ack(sites, &secret, secret.claims[3]);
	sites_ack(sites, &secret, secret.claims[0]);
	assert_int_equal(sites_records(sites), 1);
	assert_int_equal(read_as(sites, &secret, 2), SECRET_OK);
	sites_ack(sites, &secret, secret.claims[2]);
	assert_int_equal(sites_records(sites), 0);
	assert_int_equal(sites_claims(sites), 0);
	assert_int_equal(read_as(sites, &secret, 2), SECRET_OVER);
	sites_drop(&secret);
}

static void
keeps_other_views_at_an_ack(void **state)
{
	struct sites		*sites = *state;
	struct sites_secret	 secret;

	make(sites, &secret, 2, false);
	assert_int_equal(read_as(sites, &secret, 0), SECRET_OK);
	sites_ack(sites, &secret, secret.claims[0]);
	assert_int_equal(sites_records(sites), 1);
	/* After its ack the same claim is as new, and takes a view. */
	assert_int_equal(read_as(sites, &secret, 0), SECRET_OK);
	assert_int_equal(sites->reading.facts.views_left, 0);
	/* Without a claim the last view ends at once, but not that one. */
	assert_int_equal(sites_read(sites, &secret, NULL, NULL), SECRET_OVER);
	assert_int_equal(read_as(sites, &secret, 0), SECRET_OK);
	sites_drop(&secret);

	make(sites, &secret, 2, false);
	assert_int_equal(read_as(sites, &secret, 0), SECRET_OK);
	assert_int_equal(sites_read(sites, &secret, NULL, NULL), SECRET_OK);
	assert_int_equal(sites_records(sites), 2);
	assert_int_equal(read_as(sites, &secret, 0), SECRET_OK);
	sites_drop(&secret);
}

/* 64 threads of three readers: three views, and everybody is served. */
static void
serves_retries_at_once(void **state)
{
	struct sites		*sites;
	struct sites_secret	 secret;
	struct secret_proof	 proofs[SITES_RACERS];
	int			 outcomes[SECRET_OUTCOME__MAX];

	(void)state;
	sites = sites_open("claim_seconds = 60s\n", SITE_THREADS);
	for (int round = 0; round < 5; round++) {
		make(sites, &secret, 3, true);
		for (int i = 0; i < SITES_RACERS; i++)
			proofs[i] = (struct secret_proof){
				.claim = secret.claims[i % 3],
				.gate = secret.gate,
			};
		sites_race(sites, &secret, proofs, outcomes);
		assert_int_equal(outcomes[SECRET_OK], SITES_RACERS);
		assert_int_equal(sites_row(sites, &secret).views_left, 0);
		sites_drop(&secret);

		/* One view and four readers: only one of them is served. */
		make(sites, &secret, 1, true);
		for (int i = 0; i < SITES_RACERS; i++) {
			proofs[i].claim = secret.claims[i % SITES_CLAIMS];
			proofs[i].gate = secret.gate;
		}
		sites_race(sites, &secret, proofs, outcomes);
		assert_int_equal(outcomes[SECRET_OK],
		    SITES_RACERS / SITES_CLAIMS);
		assert_int_equal(outcomes[SECRET_OVER],
		    SITES_RACERS - SITES_RACERS / SITES_CLAIMS);
		sites_drop(&secret);
	}
	sites_close(sites);
}

static void
costs_nothing_once_it_is_live(void **state)
{
	struct sites		*sites = *state;
	struct sites_secret	 secret;

	make(sites, &secret, 2, true);
	assert_int_equal(read_as(sites, &secret, 0), SECRET_OK);
	for (int i = 0; i < 5; i++) {
		assert_int_equal(sites_read(sites, &secret, secret.claims[0],
		    secret.wrong), SECRET_WRONG_PIN);
		assert_int_equal(sites->reading.facts.attempts_left, 3);
	}
	assert_int_equal(sites_read(sites, &secret, secret.claims[0], NULL),
	    SECRET_PIN_REQUIRED);
	assert_int_equal(sites_row(sites, &secret).attempts_left, 3);
	assert_int_equal(read_as(sites, &secret, 0), SECRET_OK);
	/* Whoever has none yet pays. */
	assert_int_equal(sites_read(sites, &secret, secret.claims[1],
	    secret.wrong), SECRET_WRONG_PIN);
	assert_int_equal(sites_row(sites, &secret).attempts_left, 2);
	assert_int_equal(sites_claims(sites), 1);
	sites_drop(&secret);
}

static void
is_over_before_the_gate(void **state)
{
	struct sites		*sites = *state;
	struct sites_secret	 secret;

	make(sites, &secret, 1, true);
	assert_int_equal(read_as(sites, &secret, 0), SECRET_OK);
	for (int i = 0; i < 5; i++) {
		assert_int_equal(sites_read(sites, &secret, secret.claims[1],
		    secret.wrong), SECRET_OVER);
		assert_int_equal(sites_read(sites, &secret, NULL,
		    secret.wrong), SECRET_OVER);
	}
	assert_int_equal(sites_read(sites, &secret, secret.claims[1], NULL),
	    SECRET_OVER);
	assert_int_equal(sites_read_pin(sites, &secret, SITES_PIN),
	    SECRET_OVER);
	assert_int_equal(sites_row(sites, &secret).attempts_left, 3);
	assert_int_equal(read_as(sites, &secret, 0), SECRET_OK);
	sites_drop(&secret);
}

static void
outlives_a_lock(void **state)
{
	struct sites		*sites = *state;
	struct sites_secret	 secret;

	make(sites, &secret, 3, true);
	assert_int_equal(read_as(sites, &secret, 0), SECRET_OK);
	assert_int_equal(read_as(sites, &secret, 1), SECRET_OK);
	for (int i = 0; i < 2; i++)
		assert_int_equal(sites_read(sites, &secret, secret.claims[2],
		    secret.wrong), SECRET_WRONG_PIN);
	assert_int_equal(sites_read(sites, &secret, secret.claims[2],
	    secret.wrong), SECRET_NOW_LOCKED);
	assert_int_equal(sites_receipt(sites, &secret).state, STORE_LOCKED);
	assert_int_equal(sites_records(sites), 1);
	/* Those who had theirs keep it; nobody gets one any more. */
	assert_int_equal(read_as(sites, &secret, 0), SECRET_OK);
	assert_int_equal(read_as(sites, &secret, 1), SECRET_OK);
	assert_int_equal(read_as(sites, &secret, 2), SECRET_OVER);
	assert_int_equal(sites_row(sites, &secret).views_left, 0);
	sites_ack(sites, &secret, secret.claims[0]);
	assert_int_equal(read_as(sites, &secret, 1), SECRET_OK);
	sites_ack(sites, &secret, secret.claims[1]);
	assert_int_equal(sites_records(sites), 0);
	assert_int_equal(sites_receipt(sites, &secret).state, STORE_LOCKED);
	sites_drop(&secret);
}

static void
ends_with_a_burn(void **state)
{
	struct sites		*sites = *state;
	struct sites_secret	 secret;
	struct secret_facts	 facts;
	enum secret_outcome	 outcome;

	for (uint32_t views = 1; views <= 2; views++) {
		make(sites, &secret, views, false);
		assert_int_equal(read_as(sites, &secret, 0), SECRET_OK);
		assert_int_equal(receipt_burn(&sites->site, secret.receipt,
		    &outcome, &facts), 0);
		assert_int_equal(facts.state,
		    views == 1 ? STORE_OPENED : STORE_BURNED);
		assert_int_equal(sites_records(sites), 0);
		assert_int_equal(sites_claims(sites), 0);
		assert_int_equal(read_as(sites, &secret, 0), SECRET_OVER);
		assert_int_equal(read_as(sites, &secret, 1), SECRET_OVER);
		sites_drop(&secret);
	}
}

/* By the clock itself; the others put the end into the past. */
static void
ends_on_time(void **state)
{
	struct sites		*sites = *state;
	struct sites_secret	 secret;

	sites_restart(sites, "claim_seconds = 1s\n");
	make(sites, &secret, 1, true);
	assert_int_equal(read_as(sites, &secret, 0), SECRET_OK);
	sites_await(sites->reading.claim_until);
	assert_int_equal(read_as(sites, &secret, 0), SECRET_OVER);
	assert_int_equal(sites->reading.claim_until, 0);
	assert_int_equal(sites_peek(sites, &secret, secret.claims[0]),
	    SECRET_OVER);
	/* It is the time that ended it: nothing has erased the record. */
	assert_int_equal(sites_records(sites), 1);
	/* Late is better than never: its ack still erases it. */
	sites_ack(sites, &secret, secret.claims[0]);
	assert_int_equal(sites_records(sites), 0);
	assert_int_equal(sites_receipt(sites, &secret).state, STORE_OPENED);
	sites_drop(&secret);
}

static void
takes_another_view_after_its_time(void **state)
{
	struct sites		*sites = *state;
	struct sites_secret	 secret;

	make(sites, &secret, 2, true);
	assert_int_equal(read_as(sites, &secret, 0), SECRET_OK);
	sites_end_claim(sites, &secret, secret.claims[0], sites_now() - 1);
	/* A wrong gate costs again, too. */
	assert_int_equal(sites_read(sites, &secret, secret.claims[0],
	    secret.wrong), SECRET_WRONG_PIN);
	assert_int_equal(sites_row(sites, &secret).attempts_left, 2);
	assert_int_equal(read_as(sites, &secret, 0), SECRET_OK);
	assert_int_equal(sites->reading.facts.views_left, 0);
	assert_true(sites->reading.claim_until > sites_now());
	assert_int_equal(read_as(sites, &secret, 0), SECRET_OK);
	sites_drop(&secret);
}

static void
lasts_longer_for_large_ones(void **state)
{
	struct sites		*sites = *state;
	struct sites_secret	 secret;
	int64_t			 before;

	sites_draw(&secret, 1000000);
	assert_int_equal(sites_create(sites, &secret), SECRET_OK);
	before = sites_now();
	assert_int_equal(read_as(sites, &secret, 0), SECRET_OK);
	/* 1,000,000 / 8,192 seconds */
	assert_in_range(sites->reading.claim_until - MINUTE - 122 * SECOND,
	    before + 70, sites_now() + 70);
	sites_drop(&secret);
}

static void
lasts_no_longer_than_the_secret(void **state)
{
	struct sites		*sites = *state;
	struct sites_secret	 secret;

	sites_draw(&secret, SITES_SMALL);
	secret.creation.lifetime = 30 * SECOND;
	secret.creation.views = 2;
	assert_int_equal(sites_create(sites, &secret), SECRET_OK);
	assert_int_equal(read_as(sites, &secret, 0), SECRET_OK);
	assert_int_equal(sites->reading.claim_until,
	    secret.creation.expires_at);
	/* Even a row that says so gives it no more time than that. */
	sites_sql(sites, "UPDATE secret SET expires_at = %lld",
	    (long long)sites_now() - 1);
	assert_int_equal(read_as(sites, &secret, 0), SECRET_OVER);
	assert_int_equal(sites->reading.facts.state, STORE_EXPIRED);
	sites_drop(&secret);
}

static void
stays_expired_at_a_late_ack(void **state)
{
	struct sites		*sites = *state;
	struct sites_secret	 secret;
	int64_t			 expired_at;

	make(sites, &secret, 3, false);
	assert_int_equal(read_as(sites, &secret, 0), SECRET_OK);
	expired_at = sites_now() - 1;
	sites_sql(sites, "UPDATE secret SET expires_at = %lld",
	    (long long)expired_at);
	assert_int_equal(sites_receipt(sites, &secret).state, STORE_EXPIRED);
	sites_ack(sites, &secret, secret.claims[0]);
	assert_int_equal(sites_records(sites), 0);
	assert_int_equal(sites_receipt(sites, &secret).state, STORE_EXPIRED);
	assert_int_equal(sites_receipt(sites, &secret).changed_at,
	    expired_at);
	sites_drop(&secret);
}

static void
is_of_one_secret(void **state)
{
	struct sites		*sites = *state;
	struct sites_secret	 first, second;

	make(sites, &first, 1, false);
	make(sites, &second, 1, false);
	memcpy(second.claims[0], first.claims[0], SEAL_SECRETBYTES);
	assert_int_equal(read_as(sites, &first, 0), SECRET_OK);
	assert_int_equal(read_as(sites, &second, 1), SECRET_OK);
	assert_int_equal(read_as(sites, &second, 0), SECRET_OVER);
	sites_ack(sites, &second, first.claims[0]);
	assert_int_equal(read_as(sites, &first, 0), SECRET_OK);
	assert_int_equal(read_as(sites, &second, 1), SECRET_OK);
	/* Not even when its row is hung onto the other one. */
	sites_sql(sites, "UPDATE claim SET secret = (SELECT id FROM secret"
	    " WHERE id != claim.secret)");
	assert_int_equal(read_as(sites, &first, 0), SECRET_OVER);
	assert_int_equal(read_as(sites, &first, 1), SECRET_OVER);
	assert_int_equal(read_as(sites, &second, 0), SECRET_OVER);
	assert_int_equal(read_as(sites, &second, 1), SECRET_OVER);
	sites_drop(&first);
	sites_drop(&second);
}

static void
can_be_switched_off(void **state)
{
	struct sites		*sites = *state;
	struct sites_secret	 secret;

	sites_restart(sites, "claim_seconds = 0s\n");
	make(sites, &secret, 1, false);
	assert_int_equal(read_as(sites, &secret, 0), SECRET_OK);
	assert_int_equal(sites->reading.claim_until, 0);
	assert_int_equal(sites_records(sites), 0);
	assert_int_equal(sites_claims(sites), 0);
	assert_int_equal(read_as(sites, &secret, 0), SECRET_OVER);
	sites_drop(&secret);
}

int
main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(opens_again),
		TEST(takes_a_view_each),
		TEST(keeps_other_views_at_an_ack),
		cmocka_unit_test(serves_retries_at_once),
		TEST(costs_nothing_once_it_is_live),
		TEST(is_over_before_the_gate),
		TEST(outlives_a_lock),
		TEST(ends_with_a_burn),
		TEST(ends_on_time),
		TEST(takes_another_view_after_its_time),
		TEST(lasts_longer_for_large_ones),
		TEST(lasts_no_longer_than_the_secret),
		TEST(stays_expired_at_a_late_ack),
		TEST(is_of_one_secret),
		TEST(can_be_switched_off),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}

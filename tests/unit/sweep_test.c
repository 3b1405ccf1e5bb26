/* SPDX-License-Identifier: ISC */

/* The sweeper ends what is due, forgets in the end, and never before. */

#include "sites.h"

#include <sys/stat.h>

#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/complaint.h"
#include "base/filelock.h"
#include "core/sweep.h"
#include "crypto/epoch.h"
#include "crypto/keyring.h"

#define MANY 150	/* more than two slices */

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

static struct sweep_result
sweep(struct sites *sites)
{
	struct sweep_result result;

	assert_int_equal(sweep_run(&sites->site, &result), 0);
	assert_int_equal(result.already, 0);
	return result;
}

static void
make(struct sites *sites, struct sites_secret *secret, int64_t lifetime,
    uint32_t views)
{
	sites_draw(secret, SITES_SMALL);
	secret->creation.lifetime = lifetime;
	secret->creation.views = views;
	assert_int_equal(sites_create(sites, secret), SECRET_OK);
}

static void
ends_what_expired(void **state)
{
	struct sites		*sites = *state;
	struct sites_secret	 living, secret;
	struct sweep_result	 result;
	struct secret_facts	 facts;

	make(sites, &living, 3600000, 1);
	result = sweep(sites);
	assert_int_equal(result.expired + result.finished + result.forgotten,
	    0);
	for (int i = 0; i < MANY; i++) {
		if (i > 0)
			sites_drop(&secret);
		make(sites, &secret, 1, 1);
	}
	sites_await(secret.creation.expires_at);
	assert_int_equal(sites_records(sites), MANY + 1);
	result = sweep(sites);
	assert_int_equal(result.expired, MANY);
	assert_int_equal(result.finished, 0);
	assert_int_equal(result.forgotten, 0);
	assert_int_equal(sites_records(sites), 1);
	facts = sites_receipt(sites, &secret);
	assert_int_equal(facts.state, STORE_EXPIRED);
	assert_int_equal(facts.changed_at, secret.creation.expires_at);
	assert_int_equal(sites_row(sites, &secret).due_at,
	    secret.creation.expires_at + sites->conf.keep_receipts);
	assert_int_equal(sites_read(sites, &secret, NULL, NULL), SECRET_OVER);
	assert_int_equal(sites_create(sites, &secret), SECRET_EXISTS);
	/* There is nothing left to do. */
	result = sweep(sites);
	assert_int_equal(result.expired + result.finished + result.forgotten,
	    0);
	assert_int_equal(sites_read(sites, &living, NULL, NULL), SECRET_OK);
	sites_drop(&living);
	sites_drop(&secret);
}

static void
ends_what_was_read(void **state)
{
	struct sites		*sites = *state;
	struct sites_secret	 secret;
	struct sweep_result	 result;

	make(sites, &secret, 3600000, 2);
	for (int i = 0; i < 2; i++)
		assert_int_equal(sites_read(sites, &secret, secret.claims[i],
		    NULL), SECRET_OK);
	result = sweep(sites);
	assert_int_equal(result.finished, 0);
	/* One claim of two is over: the other one's reader may come yet. */
	sites_end_claim(sites, &secret, secret.claims[1], sites_now() - 1);
	sites_sql(sites, "UPDATE secret SET due_at = 1");
	result = sweep(sites);
	assert_int_equal(result.finished, 0);
	assert_int_equal(sites_read(sites, &secret, secret.claims[0], NULL),
	    SECRET_OK);
	assert_int_equal(sites_row(sites, &secret).due_at,
	    sites->reading.claim_until);
	sites_end_claim(sites, &secret, secret.claims[0], sites_now() - 1);
	sites_sql(sites, "UPDATE secret SET due_at = 1");
	result = sweep(sites);
	assert_int_equal(result.expired, 0);
	assert_int_equal(result.finished, 1);
	assert_int_equal(sites_records(sites), 0);
	assert_int_equal(sites_claims(sites), 0);
	assert_int_equal(sites_receipt(sites, &secret).state, STORE_OPENED);
	sites_drop(&secret);
}

/* From the read to the sweep by the clock, with nothing planted. */
static void
ends_a_claim_on_time(void **state)
{
	struct sites		*sites = *state;
	struct sites_secret	 secret;

	sites_restart(sites, "claim_seconds = 1s\n");
	make(sites, &secret, 3600000, 1);
	assert_int_equal(sites_read(sites, &secret, secret.claims[0], NULL),
	    SECRET_OK);
	assert_int_equal(sweep(sites).finished, 0);
	sites_await(sites->reading.claim_until);
	assert_int_equal(sweep(sites).finished, 1);
	assert_int_equal(sites_records(sites), 0);
	sites_drop(&secret);
}

static void
keeps_states_of_what_ended_before(void **state)
{
	struct sites		*sites = *state;
	struct sites_secret	 read, partly;

	make(sites, &read, 3600000, 1);
	assert_int_equal(sites_read(sites, &read, read.claims[0], NULL),
	    SECRET_OK);
	make(sites, &partly, 3600000, 2);
	assert_int_equal(sites_read(sites, &partly, partly.claims[0], NULL),
	    SECRET_OK);
	sites_sql(sites, "UPDATE secret SET expires_at = %lld, due_at = 1",
	    (long long)sites_now() - 1);
	assert_int_equal(sweep(sites).expired, 2);
	assert_int_equal(sites_receipt(sites, &read).state, STORE_OPENED);
	assert_int_equal(sites_receipt(sites, &partly).state, STORE_EXPIRED);
	assert_int_equal(sites_claims(sites), 0);
	sites_drop(&read);
	sites_drop(&partly);
}

static void
forgets_in_the_end(void **state)
{
	struct sites		*sites = *state;
	struct sites_secret	 expired, read, living;
	struct sweep_result	 result;

	sites_restart(sites, "keep_receipts = 0s\n");
	make(sites, &expired, 1, 1);
	make(sites, &read, 3600000, 1);
	make(sites, &living, 3600000, 1);
	assert_int_equal(sites_read(sites, &read, NULL, NULL), SECRET_OK);
	sites_await(expired.creation.expires_at);
	result = sweep(sites);
	assert_int_equal(result.expired, 1);
	assert_int_equal(result.forgotten, 1);
	assert_false(sites_has_row(sites, &expired));
	/* What was read keeps its place until it would have expired. */
	assert_true(sites_has_row(sites, &read));
	assert_int_equal(sites_create(sites, &read), SECRET_EXISTS);
	assert_true(sites_has_row(sites, &living));
	expired.creation.lifetime = 3600000;
	assert_int_equal(sites_create(sites, &expired), SECRET_OK);
	assert_int_equal(sites_read(sites, &expired, NULL, NULL), SECRET_OK);
	sites_drop(&expired);
	sites_drop(&read);
	sites_drop(&living);
}

static void
keeps_what_is_to_be_kept_longer_now(void **state)
{
	struct sites		*sites = *state;
	struct sites_secret	 secret;
	struct sweep_result	 result;

	sites_restart(sites, "keep_receipts = 0s\n");
	make(sites, &secret, 3600000, 1);
	assert_int_equal(sites_read(sites, &secret, NULL, NULL), SECRET_OK);
	assert_int_equal(sites_row(sites, &secret).due_at,
	    secret.creation.expires_at);
	sites_restart(sites, "keep_receipts = 1h\n");
	sites_sql(sites, "UPDATE secret SET due_at = 1");
	result = sweep(sites);
	assert_int_equal(result.forgotten, 0);
	assert_int_equal(sites_row(sites, &secret).due_at,
	    secret.creation.expires_at + 3600000);
	sites_drop(&secret);
}

static void
is_one_at_a_time(void **state)
{
	struct sites		*sites = *state;
	struct sites_secret	 secret;
	struct sweep_result	 result;
	int			 directory, lock;

	make(sites, &secret, 1, 1);
	sites_await(secret.creation.expires_at);
	directory = open(sites->conf.state_dir, O_RDONLY | O_DIRECTORY);
	assert_true(directory != -1);
	lock = filelock_open(directory, "sweep.lock");
	assert_true(lock != -1);
	assert_int_equal(filelock_acquire(lock, 0), 0);
	assert_int_equal(sweep_run(&sites->site, &result), 0);
	assert_int_equal(result.already, 1);
	assert_int_equal(result.expired, 0);
	assert_int_equal(sites_records(sites), 1);
	filelock_release(lock);
	assert_int_equal(sweep(sites).expired, 1);
	/* It let go of it. */
	assert_int_equal(filelock_acquire(lock, 0), 0);
	(void)close(lock);
	(void)close(directory);
	sites_drop(&secret);
}

struct sweeper {
	struct sites		*sites;
	struct sweep_result	 result;
	int			 failure;
	pthread_t		 thread;
};

static void *
run_sweeper(void *argument)
{
	struct sweeper	*sweeper = argument;

	sweeper->failure = sweep_run(&sweeper->sites->site, &sweeper->result);
	return NULL;
}

/* Whoever of them does it, it is done once. */
static void
does_it_once_among_many(void **state)
{
	struct sites		*sites;
	struct sites_secret	 secret;
	struct sweeper		 sweepers[8];
	int64_t			 expired = 0;

	(void)state;
	sites = sites_open("", SITE_THREADS);
	for (int i = 0; i < MANY; i++) {
		if (i > 0)
			sites_drop(&secret);
		make(sites, &secret, 1, 1);
	}
	sites_await(secret.creation.expires_at);
	for (int i = 0; i < 8; i++) {
		sweepers[i] = (struct sweeper){ .sites = sites };
		assert_int_equal(pthread_create(&sweepers[i].thread, NULL,
		    run_sweeper, &sweepers[i]), 0);
	}
	for (int i = 0; i < 8; i++) {
		assert_int_equal(pthread_join(sweepers[i].thread, NULL), 0);
		assert_int_equal(sweepers[i].failure, 0);
		expired += sweepers[i].result.expired;
		if (sweepers[i].result.already)
			assert_int_equal(sweepers[i].result.expired, 0);
	}
	assert_int_equal(expired, MANY);
	assert_int_equal(sites_records(sites), 0);
	sites_drop(&secret);
	sites_close(sites);
}

/* One damaged row does not keep the others from their end. */
static void
goes_on_past_damage(void **state)
{
	struct sites		*sites = *state;
	struct sites_secret	 secret;

	for (int i = 0; i < 3; i++) {
		if (i > 0)
			sites_drop(&secret);
		make(sites, &secret, 1, 1);
	}
	sites_await(secret.creation.expires_at);
	sites_sql(sites, "UPDATE secret SET lookup = x'00' WHERE id = 1");
	assert_int_equal(sweep(sites).expired, 2);
	assert_int_equal(sites_records(sites), 1);
	sites_sql(sites, "DELETE FROM secret WHERE id = 1");
	sites_drop(&secret);
}

/* A copy of the database is of no use without them. */
static void
destroys_the_keys_of_days(void **state)
{
	struct sites		*sites = *state;
	struct sites_secret	 living, lost, other;
	struct complaint	 error;
	uint32_t		 today = epoch_of(sites_now());
	char			 path[512];

	make(sites, &living, (int64_t)3 * 24 * 3600000, 1);
	assert_int_equal(sites_row(sites, &living).epoch,
	    epoch_of(living.creation.expires_at));
	make(sites, &lost, (int64_t)5 * 24 * 3600000, 1);
	for (uint32_t epoch = today - 2; epoch <= today; epoch++)
		assert_int_equal(epoch_make(keyring_epochs(
		    sites->site.keyring), epoch, NULL, &error), 0);
	assert_int_equal(sweep(sites).keys, 2);
	assert_int_equal(sweep(sites).keys, 0);
	snprintf(path, sizeof(path), "%s/keys/%u", sites->conf.state_dir,
	    epoch_of(lost.creation.expires_at));
	assert_int_equal(unlink(path), 0);
	sites_restart(sites, "");
	/* No other one takes its place, or what it sealed would be lost even
	 * when it is put back. */
	for (int i = 0; i < 2; i++) {
		sites_draw(&other, SITES_SMALL);
		other.creation.lifetime = (int64_t)5 * 24 * 3600000;
		assert_int_equal(secret_create(&sites->site, sites->arena,
		    &other.creation), STORE_FAILED);
		sites_drop(&other);
	}
	assert_int_equal(access(path, F_OK), -1);
	assert_int_equal(sites_ask(sites, &lost, &(struct secret_proof){
		.gate = NULL }), STORE_FAILED);
	assert_int_equal(sites_read(sites, &living, NULL, NULL), SECRET_OK);
	sites_drop(&living);
	sites_drop(&lost);
}

int
main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(ends_what_expired),
		TEST(ends_what_was_read),
		TEST(ends_a_claim_on_time),
		TEST(keeps_states_of_what_ended_before),
		TEST(forgets_in_the_end),
		TEST(keeps_what_is_to_be_kept_longer_now),
		TEST(is_one_at_a_time),
		TEST(goes_on_past_damage),
		TEST(destroys_the_keys_of_days),
		cmocka_unit_test(does_it_once_among_many),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}

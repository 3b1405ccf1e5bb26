/* SPDX-License-Identifier: ISC */
/*
 * What proves the right to open over our own interface: gates, and the PINs
 * of the older interfaces' secrets.
 */

#include "secrets.h"

#include <string.h>

static int
setup(void **state)
{
	*state = faces_open("");
	return 0;
}

static int
teardown(void **state)
{
	faces_close(*state);
	return 0;
}

static void
test_gate(void **state)
{
	struct faces	*faces = *state;
	struct secrets_one	 secret;

	secrets_draw(&secret);
	assert_int_equal(secrets_create_gated(faces, &secret,
	    ",\"attempts\":2"), 201);
	assert_int_equal(secrets_peek(faces, &secret), 200);
	faces_says(faces, "gate", "true");
	faces_says(faces, "attempts_left", "2");

	assert_int_equal(secrets_open(faces, &secret, secret.claim, NULL), 403);
	secrets_is_problem(faces, "pin-required");
	assert_int_equal(faces_post(faces, SECRETS_OPEN, "{\"id\":\"%s\","
	    "\"claim\":\"%s\",\"pin\":\"12345\"}", secret.id, secret.claim),
	    422);
	secrets_is_problem(faces, "invalid-field");
	faces_says(faces, "field", "pin");
	assert_int_equal(secrets_open(faces, &secret, secret.claim, "AAAA"),
	    422);
	faces_says(faces, "field", "gate");

	assert_int_equal(secrets_open(faces, &secret, secret.claim,
	    secret.wrong), 403);
	secrets_is_problem(faces, "wrong-pin");
	faces_says(faces, "attempts_left", "1");
	assert_int_equal(secrets_open(faces, &secret, secret.claim,
	    secret.gate), 200);
	secrets_is_payload(faces, secret.envelope, sizeof(secret.envelope));

	/* With a live claim a wrong one is told so and costs nothing. */
	assert_int_equal(secrets_open(faces, &secret, secret.claim,
	    secret.wrong), 403);
	secrets_is_problem(faces, "wrong-pin");
	assert_int_equal(secrets_open(faces, &secret, secret.claim,
	    secret.wrong), 403);
	assert_int_equal(secrets_open(faces, &secret, secret.claim, NULL), 403);
	secrets_is_problem(faces, "pin-required");
	assert_int_equal(secrets_open(faces, &secret, secret.claim,
	    secret.gate), 200);
	/* Without one nobody is asked for a gate any more. */
	assert_int_equal(secrets_open(faces, &secret, secret.other,
	    secret.wrong), 410);
	faces_says(faces, "state", "opened");
	assert_int_equal(secrets_open(faces, &secret, secret.claim,
	    secret.gate), 200);
}

static void
test_gate_locks(void **state)
{
	struct faces	*faces = *state;
	struct secrets_one	 secret;

	secrets_draw(&secret);
	assert_int_equal(secrets_create_gated(faces, &secret,
	    ",\"attempts\":2"), 201);
	assert_int_equal(secrets_open(faces, &secret, secret.claim,
	    secret.wrong), 403);
	assert_int_equal(secrets_open(faces, &secret, secret.claim,
	    secret.wrong), 403);
	secrets_is_problem(faces, "wrong-pin");
	faces_says(faces, "attempts_left", "0");
	assert_int_equal(secrets_open(faces, &secret, secret.claim,
	    secret.gate), 410);
	secrets_is_problem(faces, "gone");
	faces_says(faces, "state", "locked");
	secrets_is_minute(faces, "changed_at");
	assert_int_equal(secrets_peek(faces, &secret), 410);
	faces_says(faces, "state", "locked");
	secrets_receipt_says(faces, &secret, "locked");
	assert_int_equal(faces_stats(faces).records, 0);
}

/* What is not needed is ignored. */
static void
test_gate_not_needed(void **state)
{
	struct faces	*faces = *state;
	struct secrets_one	 secret;

	secrets_draw(&secret);
	assert_int_equal(secrets_create(faces, &secret, ",\"views\":2"), 201);
	assert_int_equal(secrets_open(faces, &secret, secret.claim,
	    secret.wrong), 200);
	assert_int_equal(faces_post(faces, SECRETS_OPEN, "{\"id\":\"%s\","
	    "\"claim\":\"%s\",\"pin\":\"1\",\"captcha\":{\"salt\":\"%s\","
	    "\"bits\":1,\"expires_at\":1,\"mac\":\"%s\",\"n\":1}}",
	    secret.id, secret.other, secret.id, secret.gate), 200);
	secrets_is_payload(faces, secret.envelope, sizeof(secret.envelope));
}

/* The key of a SafeSecrets message as an id of ours. */
static void
id_of_key(const char *key, char id[SECRETS_ID_SIZE])
{
	uint8_t	 token[TOKEN_BYTES];

	assert_true(token_from_uuid(token, key, strlen(key)));
	faces_base64url(token, sizeof(token), id);
}

static void
test_text(void **state)
{
	struct faces		*faces = *state;
	struct store_stats	 stats;
	struct secrets_one		 secret;
	char			 key[TOKEN_UUID_LENGTH + 1];

	secrets_draw(&secret);
	assert_int_equal(faces_post(faces, "/api/v1/message",
	    "{\"message\":\"sm\xc3\xb6rg\xc3\xa5s\",\"exp\":60,"
	    "\"pin\":\"12345\"}"), 201);
	faces_member(faces, "key", key, sizeof(key));
	id_of_key(key, secret.id);
	stats = faces_stats(faces);
	assert_int_equal(secrets_peek(faces, &secret), 200);
	faces_says(faces, "kind", "text");
	faces_says(faces, "gate", "true");
	faces_says(faces, "bytes", "9");

	/* Neither what is missing nor what is malformed costs an attempt. */
	assert_int_equal(secrets_open(faces, &secret, secret.claim, NULL), 403);
	secrets_is_problem(faces, "pin-required");
	assert_int_equal(secrets_open(faces, &secret, secret.claim,
	    secret.wrong), 422);
	faces_says(faces, "field", "gate");
	assert_int_equal(faces_post(faces, SECRETS_OPEN, "{\"id\":\"%s\","
	    "\"claim\":\"%s\",\"pin\":\"1234\"}", secret.id, secret.claim),
	    422);
	faces_says(faces, "field", "pin");
	faces_unchanged(faces, &stats);
	assert_int_equal(secrets_peek(faces, &secret), 200);
	faces_says(faces, "attempts_left", "3");

	assert_int_equal(faces_post(faces, SECRETS_OPEN, "{\"id\":\"%s\","
	    "\"claim\":\"%s\",\"pin\":\"12346\"}", secret.id, secret.claim),
	    403);
	faces_says(faces, "attempts_left", "2");
	assert_int_equal(faces_post(faces, SECRETS_OPEN, "{\"id\":\"%s\","
	    "\"claim\":\"%s\",\"pin\":\"12345\"}", secret.id, secret.claim),
	    200);
	faces_says(faces, "kind", "text");
	secrets_is_payload(faces, "sm\xc3\xb6rg\xc3\xa5s", 9);
	assert_int_equal(secrets_ack(faces, &secret, secret.claim), 204);
	assert_int_equal(secrets_peek(faces, &secret), 410);
	faces_says(faces, "state", "opened");
}

int
main(void)
{
	const struct CMUnitTest	 tests[] = {
#define SITE(test) cmocka_unit_test_setup_teardown(test, setup, teardown)
		SITE(test_gate),
		SITE(test_gate_locks),
		SITE(test_gate_not_needed),
		SITE(test_text)
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: ISC */
/*
 * Our own interface: envelopes in and out, claims, views and receipts.
 */

#include "secrets.h"

#include <json-c/json.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
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
test_create_peek_open_ack(void **state)
{
	struct faces		*faces = *state;
	struct store_stats	 stats;
	struct secrets_one		 secret;
	char			 expires[64];

	secrets_draw(&secret);
	assert_int_equal(secrets_create(faces, &secret, ""), 201);
	assert_string_equal(faces->reply.content_type, FACES_JSON);
	faces_member(faces, "expires_at", expires, sizeof(expires));
	assert_int_equal(strlen(expires), strlen("2026-11-22T10:00:00Z"));
	assert_int_equal(expires[strlen(expires) - 1], 'Z');

	stats = faces_stats(faces);
	assert_int_equal(secrets_peek(faces, &secret), 200);
	faces_says(faces, "kind", "v2");
	faces_says(faces, "expires_at", expires);
	faces_says(faces, "bytes", "541");
	faces_says(faces, "views_left", "1");
	faces_says(faces, "attempts_left", "3");
	faces_says(faces, "gate", "false");
	faces_says(faces, "claimed", "false");
	faces_says(faces, "view_button", "false");
	faces_says(faces, "captcha", "null");
	faces_unchanged(faces, &stats);

	assert_int_equal(secrets_open(faces, &secret, secret.claim, NULL), 200);
	secrets_is_payload(faces, secret.envelope, sizeof(secret.envelope));
	faces_says(faces, "kind", "v2");
	faces_says(faces, "views_left", "0");
	faces_says(faces, "message", "null");
	faces_member(faces, "claim_until", expires, sizeof(expires));
	assert_int_equal(expires[strlen(expires) - 1], 'Z');
	stats = faces_stats(faces);
	assert_int_equal(stats.records, 1);
	assert_int_equal(stats.claims, 1);

	assert_int_equal(faces_post(faces, SECRETS_PEEK,
	    "{\"id\":\"%s\",\"claim\":\"%s\"}", secret.id, secret.claim),
	    200);
	faces_says(faces, "claimed", "true");
	assert_int_equal(secrets_ack(faces, &secret, secret.claim), 204);
	assert_int_equal(faces->size, 0);
	assert_null(faces->reply.content_type);
	stats = faces_stats(faces);
	assert_int_equal(stats.records, 0);
	assert_int_equal(stats.claims, 0);
	assert_int_equal(secrets_open(faces, &secret, secret.claim, NULL), 410);
	secrets_is_problem(faces, "gone");
	faces_says(faces, "state", "opened");
	secrets_is_minute(faces, "changed_at");
}

/* The same claim again gets the same bytes; another one never does. */
static void
test_claims(void **state)
{
	struct faces	*faces = *state;
	struct secrets_one	 secret;
	int		 i;

	secrets_draw(&secret);
	assert_int_equal(secrets_create(faces, &secret, ""), 201);
	for (i = 0; i < 3; i++) {
		assert_int_equal(secrets_open(faces, &secret, secret.claim,
		    NULL), 200);
		secrets_is_payload(faces, secret.envelope,
		    sizeof(secret.envelope));
		assert_int_equal(secrets_open(faces, &secret, secret.other,
		    NULL), 410);
		faces_says(faces, "state", "opened");
	}
	/* Another's ack ends nothing. */
	assert_int_equal(secrets_ack(faces, &secret, secret.other), 204);
	assert_int_equal(secrets_open(faces, &secret, secret.claim, NULL), 200);
	assert_int_equal(secrets_ack(faces, &secret, secret.claim), 204);
	assert_int_equal(secrets_ack(faces, &secret, secret.claim), 204);
	assert_int_equal(secrets_open(faces, &secret, secret.claim, NULL), 410);
	assert_int_equal(faces_stats(faces).records, 0);
}

static void
test_claims_off(void **state)
{
	struct faces	*faces;
	struct secrets_one	 secret;

	(void)state;
	faces = faces_open("claim_seconds = 0\ndefault_views = 2\n");
	secrets_draw(&secret);
	assert_int_equal(secrets_create(faces, &secret, ""), 201);
	assert_int_equal(faces_post(faces, SECRETS_OPEN, "{\"id\":\"%s\"}",
	    secret.id), 200);
	secrets_is_payload(faces, secret.envelope, sizeof(secret.envelope));
	faces_says(faces, "claim_until", "null");
	assert_int_equal(faces_post(faces, SECRETS_OPEN, "{\"id\":\"%s\"}",
	    secret.id), 200);
	faces_says(faces, "views_left", "0");
	assert_int_equal(faces_stats(faces).records, 0);
	assert_int_equal(faces_post(faces, SECRETS_OPEN, "{\"id\":\"%s\"}",
	    secret.id), 410);
	faces_close(faces);
}

/* Three readers and their retries take three views. */
static void
test_three_views(void **state)
{
	struct faces	*faces = *state;
	struct secrets_one	 secret;

	secrets_draw(&secret);
	assert_int_equal(secrets_create(faces, &secret, ",\"views\":3"), 201);
	assert_int_equal(secrets_open(faces, &secret, secret.claim, NULL), 200);
	faces_says(faces, "views_left", "2");
	assert_int_equal(secrets_open(faces, &secret, secret.claim, NULL), 200);
	faces_says(faces, "views_left", "2");
	assert_int_equal(secrets_open(faces, &secret, secret.other, NULL), 200);
	faces_says(faces, "views_left", "1");
	assert_int_equal(secrets_ack(faces, &secret, secret.claim), 204);
	assert_int_equal(secrets_open(faces, &secret, secret.other, NULL), 200);
	assert_int_equal(secrets_open(faces, &secret, secret.third, NULL), 200);
	faces_says(faces, "views_left", "0");
	assert_int_equal(secrets_open(faces, &secret, secret.third, NULL), 200);
	assert_int_equal(secrets_open(faces, &secret, secret.other, NULL), 200);
	assert_int_equal(secrets_open(faces, &secret, secret.claim, NULL), 410);
	assert_int_equal(secrets_ack(faces, &secret, secret.other), 204);
	assert_int_equal(faces_stats(faces).records, 1);
	assert_int_equal(secrets_open(faces, &secret, secret.third, NULL), 200);
	assert_int_equal(secrets_ack(faces, &secret, secret.third), 204);
	assert_int_equal(faces_stats(faces).records, 0);
}

static void
test_create_again(void **state)
{
	struct faces		*faces = *state;
	struct store_stats	 stats;
	struct secrets_one		 secret, changed;
	char			 first[64];

	secrets_draw(&secret);
	assert_int_equal(secrets_create_gated(faces, &secret, ""), 201);
	faces_member(faces, "expires_at", first, sizeof(first));
	stats = faces_stats(faces);
	assert_int_equal(secrets_create_gated(faces, &secret, ""), 201);
	faces_says(faces, "expires_at", first);

	changed = secret;
	faces_random(16, changed.receipt);
	assert_int_equal(secrets_create_gated(faces, &changed, ""), 409);
	secrets_is_problem(faces, "conflict");
	changed = secret;
	changed.envelope[40] ^= 1;
	assert_int_equal(secrets_create_gated(faces, &changed, ""), 409);
	assert_int_equal(secrets_create(faces, &secret, ""), 409);
	faces_unchanged(faces, &stats);

	assert_int_equal(secrets_open(faces, &secret, secret.claim,
	    secret.gate), 200);
	assert_int_equal(secrets_ack(faces, &secret, secret.claim), 204);
	stats = faces_stats(faces);
	assert_int_equal(secrets_create_gated(faces, &secret, ""), 409);
	secrets_is_problem(faces, "conflict");
	faces_unchanged(faces, &stats);
}

static void
test_receipt(void **state)
{
	struct faces		*faces = *state;
	struct store_stats	 stats;
	struct secrets_one		 secret;
	char			 created[64];

	secrets_draw(&secret);
	assert_int_equal(secrets_create(faces, &secret, ",\"views\":2"), 201);
	stats = faces_stats(faces);
	secrets_receipt_says(faces, &secret, "waiting");
	faces_member(faces, "created_at", created, sizeof(created));
	faces_says(faces, "views_left", "2");
	faces_says(faces, "knocks", "0");
	faces_says(faces, "last_knock", "null");
	faces_unchanged(faces, &stats);
	assert_int_equal(secrets_open(faces, &secret, secret.claim, NULL), 200);
	secrets_receipt_says(faces, &secret, "opened");
	faces_says(faces, "created_at", created);
	faces_says(faces, "views_left", "1");

	assert_int_equal(faces_post(faces, SECRETS_RECEIPT_BURN,
	    "{\"receipt\":\"%s\"}", secret.receipt), 200);
	faces_says(faces, "state", "burned");
	secrets_receipt_says(faces, &secret, "burned");
	assert_int_equal(secrets_open(faces, &secret, secret.claim, NULL), 410);
	faces_says(faces, "state", "burned");
	stats = faces_stats(faces);
	assert_int_equal(stats.records, 0);
	assert_int_equal(stats.claims, 0);
	assert_int_equal(faces_post(faces, SECRETS_RECEIPT_BURN,
	    "{\"receipt\":\"%s\"}", secret.receipt), 200);
	faces_says(faces, "state", "burned");

	/* What is over stays what it is. */
	secrets_draw(&secret);
	assert_int_equal(secrets_create(faces, &secret, ""), 201);
	assert_int_equal(secrets_open(faces, &secret, secret.claim, NULL), 200);
	assert_int_equal(secrets_ack(faces, &secret, secret.claim), 204);
	assert_int_equal(faces_post(faces, SECRETS_RECEIPT_BURN,
	    "{\"receipt\":\"%s\"}", secret.receipt), 200);
	faces_says(faces, "state", "opened");
	assert_int_equal(faces_post(faces, SECRETS_RECEIPT_PEEK,
	    "{\"receipt\":\"%s\"}", secret.id), 404);
	secrets_is_problem(faces, "not-found");
	assert_int_equal(faces_post(faces, SECRETS_RECEIPT_BURN,
	    "{\"receipt\":\"%s\"}", secret.id), 404);
	secrets_is_problem(faces, "not-found");
}

static void
test_knock(void **state)
{
	struct faces	*faces = *state;
	struct secrets_one	 secret;

	secrets_draw(&secret);
	assert_int_equal(secrets_knock(faces, &secret), 204);
	assert_int_equal(secrets_ack(faces, &secret, secret.claim), 204);
	assert_int_equal(secrets_create(faces, &secret, ""), 201);
	assert_int_equal(secrets_open(faces, &secret, secret.claim, NULL), 200);
	assert_int_equal(secrets_ack(faces, &secret, secret.claim), 204);
	assert_int_equal(secrets_knock(faces, &secret), 204);
	assert_int_equal(faces->size, 0);
	assert_int_equal(secrets_knock(faces, &secret), 204);
	secrets_receipt_says(faces, &secret, "opened");
	faces_says(faces, "knocks", "1");
	secrets_is_minute(faces, "last_knock");
}

static void
test_never_there(void **state)
{
	struct faces	*faces = *state;
	struct secrets_one	 secret;

	secrets_draw(&secret);
	assert_int_equal(secrets_peek(faces, &secret), 404);
	secrets_is_problem(faces, "not-found");
	assert_int_equal(secrets_open(faces, &secret, secret.claim,
	    secret.gate), 404);
	secrets_is_problem(faces, "not-found");
}

static void
test_sizes(void **state)
{
	const size_t		 most = 29 + 512 * 127;
	struct faces		*faces;
	struct store_stats	 stats;
	struct secrets_one		 secret;
	uint8_t			*envelope;

	(void)state;
	faces = faces_open("max_envelope = 64K\n");
	secrets_draw(&secret);
	envelope = malloc(most + 512);
	assert_non_null(envelope);
	faces_envelope(envelope, most + 512);
	stats = faces_stats(faces);
	assert_int_equal(faces_frame(faces, envelope, most + 512,
	    "{\"id\":\"%s\",\"receipt\":\"%s\",\"expires_in\":60}",
	    secret.id, secret.receipt), 413);
	secrets_is_problem(faces, "too-large");
	faces_unchanged(faces, &stats);
	assert_int_equal(faces_frame(faces, envelope, most,
	    "{\"id\":\"%s\",\"receipt\":\"%s\",\"expires_in\":60}",
	    secret.id, secret.receipt), 201);
	assert_int_equal(secrets_open(faces, &secret, secret.claim, NULL), 200);
	secrets_is_payload(faces, envelope, most);
	free(envelope);
	faces_close(faces);
}

static void
test_params(void **state)
{
	struct faces	*faces;
	char		 text[256];

	(void)state;
	faces = faces_open("site_name = \"R\xc3\xa4nt & Co\"\n"
	    "create = nobody\nfaces = onetime native\nclaim_seconds = 30s\n"
	    "max_expire = 2d\nmax_envelope = 1M\n");
	assert_int_equal(faces_get(faces, "/api/v2/params"), 200);
	faces_member(faces, "site_name", text, sizeof(text));
	assert_non_null(strstr(text, "R\xc3\xa4nt & Co"));
	faces_says(faces, "create", "nobody");
	faces_says(faces, "max_envelope", "1048576");
	faces_says(faces, "max_message", "65536");
	faces_says(faces, "min_expires_in", "60");
	faces_says(faces, "max_expires_in", "172800");
	faces_says(faces, "default_views", "1");
	faces_says(faces, "max_views", "100");
	faces_says(faces, "default_attempts", "3");
	faces_says(faces, "max_attempts", "10");
	faces_says(faces, "claim_seconds", "30");
	faces_says(faces, "pin_size", "5");
	faces_member(faces, "faces", text, sizeof(text));
	assert_non_null(strstr(text, "false"));
	assert_int_equal(faces_ask(faces, .method = HTTP_HEAD,
	    .uri = "/api/v2/params"), 200);
	assert_true(faces->reply.head_only);
	assert_int_equal(faces_get(faces, "/api/v2/health"), 200);
	assert_string_equal(faces->body, "{\"status\":\"ok\"}");
	assert_null(faces_header(faces, "Access-Control-Allow-Origin"));
	faces_close(faces);
}

static struct json_object *
vectors(void)
{
	struct json_object	*file;
	const char		*directory;
	char			 path[4096];

	if ((directory = getenv("srcdir")) == NULL)
		directory = ".";
	(void)snprintf(path, sizeof(path), "%s/tests/vectors/envelope-v2.json",
	    directory);
	if ((file = json_object_from_file(path)) == NULL)
		fail_msg("%s", json_util_get_last_err());
	return file;
}

static const char *
text_of(struct json_object *object, const char *name)
{
	return json_object_get_string(json_object_object_get(object, name));
}

/* An envelope of the vectors, through the site and back. */
static void
round_trip(struct faces *faces, struct json_object *vector)
{
	struct secrets_one	 secret;
	const char	*base64 = text_of(vector, "envelope_base64");
	const char	*gate = text_of(vector, "gate");
	uint8_t		*envelope;
	char		 member[128] = "";
	size_t		 length = strlen(base64), size;
	int		 status;

	secrets_draw(&secret);
	assert_int_equal(strlen(text_of(vector, "id")), FACES_ID_LENGTH);
	memcpy(secret.id, text_of(vector, "id"), SECRETS_ID_SIZE);
	envelope = malloc(length);
	assert_non_null(envelope);
	assert_int_equal(sodium_base642bin(envelope, length, base64, length,
	    NULL, &size, NULL, sodium_base64_VARIANT_ORIGINAL), 0);
	if (gate != NULL)
		(void)snprintf(member, sizeof(member), ",\"gate\":\"%s\"",
		    gate);
	status = faces_frame(faces, envelope, size, "{\"id\":\"%s\","
	    "\"receipt\":\"%s\",\"expires_in\":60%s}", secret.id,
	    secret.receipt, member);
	assert_int_equal(status, 201);
	if (gate != NULL)
		assert_int_equal(secrets_open(faces, &secret, secret.claim,
		    secret.wrong), 403);
	assert_int_equal(secrets_open(faces, &secret, secret.claim, gate), 200);
	secrets_is_payload(faces, envelope, size);
	assert_int_equal(secrets_ack(faces, &secret, secret.claim), 204);
	free(envelope);
}

/* Some of the vectors share a link, so each has a site of its own. */
static void
test_vectors(void **state)
{
	/* What a reader refuses is as good as any other to the server. */
	static const char *const lists[] = { "valid", "refused" };
	struct json_object	*file, *list;
	struct faces		*faces;
	size_t			 i, j;

	(void)state;
	file = vectors();
	for (i = 0; i < sizeof(lists) / sizeof(lists[0]); i++) {
		list = json_object_object_get(file, lists[i]);
		assert_true(json_object_array_length(list) > 0);
		for (j = 0; j < json_object_array_length(list); j++) {
			faces = faces_open("");
			round_trip(faces, json_object_array_get_idx(list, j));
			faces_close(faces);
		}
	}
	(void)json_object_put(file);
}

int
main(void)
{
	const struct CMUnitTest	 tests[] = {
#define SITE(test) cmocka_unit_test_setup_teardown(test, setup, teardown)
		SITE(test_create_peek_open_ack),
		SITE(test_claims),
		cmocka_unit_test(test_claims_off),
		SITE(test_three_views),
		SITE(test_create_again),
		SITE(test_receipt),
		SITE(test_knock),
		SITE(test_never_there),
		cmocka_unit_test(test_sizes),
		cmocka_unit_test(test_params),
		cmocka_unit_test(test_vectors)
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}

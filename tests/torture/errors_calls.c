/* SPDX-License-Identifier: ISC */
/*
 * What is asked of each interface, and what is there before.
 */
#include "errors_calls.h"

#include <stdio.h>
#include <string.h>

#define MESSAGE	"A message that is found again."
#define PIN	"12345"

static uint8_t	 large[1 + 12 + 16 + 512 * 3000];

/* Our own interface */

static void
draw(struct errors_bench *bench)
{
	secrets_draw(&bench->one);
}

static int
native_create(struct errors_bench *bench)
{
	return secrets_create(bench->faces, &bench->one, "");
}

static void
native_made(struct errors_bench *bench)
{
	secrets_draw(&bench->one);
	assert_int_equal(secrets_create(bench->faces, &bench->one, ""), 201);
}

static void
native_gated(struct errors_bench *bench)
{
	secrets_draw(&bench->one);
	assert_int_equal(secrets_create_gated(bench->faces, &bench->one, ""),
	    201);
}

static void
native_opened(struct errors_bench *bench)
{
	native_made(bench);
	assert_int_equal(secrets_open(bench->faces, &bench->one,
	    bench->one.claim, NULL), 200);
}

static int
native_peek(struct errors_bench *bench)
{
	return secrets_peek(bench->faces, &bench->one);
}

static int
native_open(struct errors_bench *bench)
{
	return secrets_open(bench->faces, &bench->one, bench->one.claim,
	    NULL);
}

static int
native_open_gated(struct errors_bench *bench)
{
	return secrets_open(bench->faces, &bench->one, bench->one.claim,
	    bench->one.gate);
}

static int
native_guess(struct errors_bench *bench)
{
	return secrets_open(bench->faces, &bench->one, bench->one.claim,
	    bench->one.wrong);
}

/* With another claim. */
static int
native_other(struct errors_bench *bench)
{
	return secrets_open(bench->faces, &bench->one, bench->one.other,
	    NULL);
}

static int
native_other_gated(struct errors_bench *bench)
{
	return secrets_open(bench->faces, &bench->one, bench->one.other,
	    bench->one.gate);
}

static bool
native_is_payload(const struct errors_bench *bench)
{
	size_t		 size;
	const char	*payload = faces_payload(bench->faces, &size);

	return size == sizeof(bench->one.envelope) &&
	    memcmp(payload, bench->one.envelope, size) == 0;
}

static bool
native_is_large(const struct errors_bench *bench)
{
	size_t		 size;
	const char	*payload = faces_payload(bench->faces, &size);

	return size == sizeof(large) && memcmp(payload, large, size) == 0;
}

static int
native_ack(struct errors_bench *bench)
{
	return secrets_ack(bench->faces, &bench->one, bench->one.claim);
}

static int
native_knock(struct errors_bench *bench)
{
	return secrets_knock(bench->faces, &bench->one);
}

static int
native_receipt(struct errors_bench *bench)
{
	return faces_post(bench->faces, SECRETS_RECEIPT_PEEK,
	    "{\"receipt\":\"%s\"}", bench->one.receipt);
}

static int
native_burn(struct errors_bench *bench)
{
	return faces_post(bench->faces, SECRETS_RECEIPT_BURN,
	    "{\"receipt\":\"%s\"}", bench->one.receipt);
}

/* More than an arena keeps. */
static void
native_large(struct errors_bench *bench)
{
	/* Or they would fill the store. */
	if (bench->burn)
		assert_int_equal(native_burn(bench), 200);
	bench->burn = true;
	secrets_draw(&bench->one);
	memcpy(large + 1, bench->one.envelope + 1, 500);
	assert_int_equal(faces_frame(bench->faces, large, sizeof(large),
	    "{\"id\":\"%s\",\"receipt\":\"%s\",\"expires_in\":3600}",
	    bench->one.id, bench->one.receipt), 201);
}

static bool
native_is_burned(const struct errors_bench *bench)
{
	return strstr(bench->faces->body, "\"burned\"") != NULL;
}

static int
native_params(struct errors_bench *bench)
{
	return faces_get(bench->faces, "/api/v2/params");
}

static int
native_health(struct errors_bench *bench)
{
	return faces_get(bench->faces, "/api/v2/health");
}

static void
request_made(struct errors_bench *bench)
{
	char	 uuid[FACES_UUID_SIZE];
	uint8_t	 token[TOKEN_BYTES];

	assert_int_equal(faces_ask(bench->faces, .method = HTTP_POST,
	    .uri = "/api/secret_requests",
	    .authorization = bench->sealed->private, .type = FACES_JSON,
	    .body = "{\"limit\":2}", .size = 11), 201);
	(void)snprintf(uuid, sizeof(uuid), "%s",
	    sealed_at(bench->sealed, "data/id"));
	assert_true(token_from_uuid(token, uuid, strlen(uuid)));
	faces_base64url(token, sizeof(token), bench->text);
	(void)snprintf(bench->uri, sizeof(bench->uri),
	    "/api/secret_requests/%s", uuid);
}

static int
request_peek(struct errors_bench *bench)
{
	return faces_post(bench->faces, "/api/v2/requests/peek",
	    "{\"id\":\"%s\"}", bench->text);
}

static int
request_fill(struct errors_bench *bench)
{
	return faces_post(bench->faces, "/api/v2/requests/fill",
	    "{\"id\":\"%s\"," SEALED_BOTH "}", bench->text);
}

/* SafeSecrets */

static void
nothing(struct errors_bench *bench)
{
	(void)bench;
}

static bool
is_message(const struct errors_bench *bench)
{
	return strstr(bench->faces->body, MESSAGE) != NULL;
}

static int
message_create(struct errors_bench *bench)
{
	return faces_post(bench->faces, "/api/v1/message", "{\"message\":\""
	    MESSAGE "\",\"exp\":3600,\"pin\":\"" PIN "\"}");
}

static void
message_made(struct errors_bench *bench)
{
	faces_make_message(bench->faces, MESSAGE, 3600, PIN, bench->text);
}

static int
message_read(struct errors_bench *bench)
{
	return faces_read_message(bench->faces, bench->text, PIN);
}

static int
message_guess(struct errors_bench *bench)
{
	return faces_read_message(bench->faces, bench->text, "54321");
}

/* What was just made. */
static int
message_find(struct errors_bench *bench)
{
	faces_member(bench->faces, "key", bench->text, FACES_UUID_SIZE);
	return message_read(bench);
}

static int
message_params(struct errors_bench *bench)
{
	return faces_get(bench->faces, "/api/v1/params");
}

static int
message_ping(struct errors_bench *bench)
{
	return faces_get(bench->faces, "/ping");
}

/* One Time Secret App */

static int
onetime_create(struct errors_bench *bench)
{
	return faces_post(bench->faces, "/secrets", "{\"message\":\"" MESSAGE
	    "\",\"passphrase\":\"word\"}");
}

static void
onetime_made(struct errors_bench *bench)
{
	char	 text[40000];
	size_t	 length = strlen(MESSAGE);

	/* Each byte takes six in the answer. */
	memcpy(text, MESSAGE, length);
	for (; length + 6 < sizeof(text); length += 6)
		memcpy(text + length, "\\u0001", 6);
	text[length] = '\0';
	faces_make_secret(bench->faces, text, "word", bench->text);
}

static int
onetime_read(struct errors_bench *bench)
{
	return faces_read_secret(bench->faces, bench->text, "word");
}

static int
onetime_guess(struct errors_bench *bench)
{
	return faces_read_secret(bench->faces, bench->text, "another");
}

static int
onetime_find(struct errors_bench *bench)
{
	faces_member(bench->faces, "id", bench->text, FACES_HEX_SIZE);
	return onetime_read(bench);
}

/* At its other address. */
static int
onetime_create_apart(struct errors_bench *bench)
{
	return faces_post(bench->faces, "/api/secrets", "{\"message\":\""
	    MESSAGE "\",\"passphrase\":\"word\"}");
}

static int
onetime_read_apart(struct errors_bench *bench)
{
	char	 uri[256];

	(void)snprintf(uri, sizeof(uri), "/api/secrets/%s", bench->text);
	return faces_post(bench->faces, uri, "{\"passphrase\":\"word\"}");
}

static int
openapi(struct errors_bench *bench)
{
	return faces_get(bench->faces, "/api/openapi.json");
}

/* password.link */

static int
sealed_create(struct errors_bench *bench)
{
	return sealed_post(bench->sealed, bench->sealed->private, SEALED_BOTH);
}

static void
sealed_made(struct errors_bench *bench)
{
	sealed_make(bench->sealed, "", bench->text);
}

static int
sealed_read(struct errors_bench *bench)
{
	return sealed_get(bench->sealed, bench->sealed->public, bench->text);
}

static int
sealed_find(struct errors_bench *bench)
{
	(void)snprintf(bench->text, sizeof(bench->text), "%s",
	    sealed_at(bench->sealed, "data/id"));
	return sealed_read(bench);
}

static void
sealed_gated(struct errors_bench *bench)
{
	sealed_make(bench->sealed, ",\"password\":\"right\"", bench->text);
}

static int
sealed_open_gated(struct errors_bench *bench)
{
	return sealed_view(bench->sealed, bench->sealed->public, bench->text,
	    "right");
}

static int
sealed_guess(struct errors_bench *bench)
{
	return sealed_view(bench->sealed, bench->sealed->public, bench->text,
	    "wrong");
}

static bool
sealed_is_object(const struct errors_bench *bench)
{
	return strstr(bench->faces->body, SEALED_OBJECT) != NULL;
}

static int
sealed_page(struct errors_bench *bench)
{
	return faces_ask(bench->faces, .method = HTTP_GET,
	    .uri = "/api/secrets", .authorization = bench->sealed->private);
}

static int
sealed_remove(struct errors_bench *bench)
{
	return sealed_delete(bench->sealed, bench->sealed->private,
	    bench->text);
}

static int
sealed_request(struct errors_bench *bench)
{
	return faces_ask(bench->faces, .method = HTTP_POST,
	    .uri = "/api/secret_requests", .type = FACES_JSON,
	    .authorization = bench->sealed->private, .body = "{}", .size = 2);
}

static int
sealed_requests(struct errors_bench *bench)
{
	return faces_ask(bench->faces, .method = HTTP_GET,
	    .uri = "/api/secret_requests",
	    .authorization = bench->sealed->private);
}

static int
sealed_unrequest(struct errors_bench *bench)
{
	return faces_ask(bench->faces, .method = HTTP_DELETE,
	    .uri = bench->uri, .authorization = bench->sealed->private);
}

const struct errors_endpoint errors_endpoints[] = {
	{ "native create", draw, native_create, 201, 0, NULL,
	    native_peek, 200, false },
	{ "native peek", native_made, native_peek, 200, 0, NULL,
	    NULL, 0, false },
	{ "native open", native_made, native_open, 200, 0,
	    native_is_payload, native_other, 410, false },
	{ "native open, gated", native_gated, native_open_gated, 200, 0,
	    native_is_payload, native_other_gated, 410, false },
	{ "native open, large", native_large, native_open, 200, 0,
	    native_is_large, native_other, 410, true },
	{ "native wrong gate", native_gated, native_guess, 403, 0, NULL,
	    native_peek, 200, false },
	{ "native open again", native_opened, native_open, 200, 0,
	    native_is_payload, native_other, 410, false },
	{ "native ack", native_opened, native_ack, 204, 0, NULL,
	    native_open, 410, false },
	{ "native knock", native_opened, native_knock, 204, 0, NULL,
	    native_other, 410, false },
	{ "native receipt", native_opened, native_receipt, 200, 0, NULL,
	    NULL, 0, false },
	{ "native burn", native_made, native_burn, 200, 0, native_is_burned,
	    native_open, 410, false },
	{ "native params", nothing, native_params, 200, 0, NULL,
	    NULL, 0, false },
	{ "native health", nothing, native_health, 200, 0, NULL,
	    NULL, 0, false },
	{ "native request", request_made, request_peek, 200, 0, NULL,
	    NULL, 0, false },
	{ "native fill", request_made, request_fill, 201, 0, NULL,
	    NULL, 0, false },
	{ "SafeSecrets create", nothing, message_create, 201, 0, NULL,
	    message_find, 200, false },
	{ "SafeSecrets read", message_made, message_read, 200, 400,
	    is_message, message_read, 400, false },
	{ "SafeSecrets wrong PIN", message_made, message_guess, 417, 0,
	    NULL, NULL, 0, false },
	{ "SafeSecrets params", nothing, message_params, 200, 0, NULL,
	    NULL, 0, false },
	{ "SafeSecrets ping", nothing, message_ping, 200, 0, NULL,
	    NULL, 0, false },
	{ "One Time Secret create", nothing, onetime_create, 200, 0, NULL,
	    onetime_find, 200, false },
	{ "One Time Secret read", onetime_made, onetime_read, 200, 404,
	    is_message, onetime_read, 404, false },
	{ "One Time Secret wrong passphrase", onetime_made, onetime_guess,
	    404, 0, NULL, NULL, 0, false },
	{ "One Time Secret create apart", nothing, onetime_create_apart, 200,
	    0, NULL, onetime_find, 200, false },
	{ "One Time Secret read apart", onetime_made, onetime_read_apart,
	    200, 404, is_message, onetime_read, 404, false },
	{ "OpenAPI", nothing, openapi, 200, 0, NULL, NULL, 0, false },
	{ "password.link create", nothing, sealed_create, 201, 0, NULL,
	    sealed_find, 200, false },
	{ "password.link read", sealed_made, sealed_read, 200, 404,
	    sealed_is_object, sealed_read, 404, false },
	{ "password.link right password", sealed_gated, sealed_open_gated,
	    200, 404, sealed_is_object, sealed_open_gated, 404, false },
	{ "password.link wrong password", sealed_gated, sealed_guess, 403, 0,
	    NULL, NULL, 0, false },
	{ "password.link list", sealed_made, sealed_page, 200, 0, NULL,
	    NULL, 0, false },
	{ "password.link delete", sealed_made, sealed_remove, 200, 404,
	    NULL, sealed_read, 404, false },
	{ "password.link request", nothing, sealed_request, 201, 0, NULL,
	    NULL, 0, false },
	{ "password.link requests", request_made, sealed_requests, 200, 0,
	    NULL, NULL, 0, false },
	{ "password.link unrequest", request_made, sealed_unrequest, 200, 404,
	    NULL, NULL, 0, false },
};

const size_t errors_endpoints_count =
    sizeof(errors_endpoints) / sizeof(errors_endpoints[0]);

void
errors_begin(void)
{
	faces_envelope(large, sizeof(large));
}

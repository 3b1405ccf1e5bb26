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
#include "../unit/secrets.h"
#include "attack.h"
#include "base/arena.h"
#include "base/buf.h"
#include "base/complaint.h"
#include "base/log.h"
#include "faults.h"
#include "web/app.h"
#include "web/http.h"

#define MESSAGE	"A message that is found again."
#define PIN	"12345"

static uint8_t	 large[1 + 12 + 16 + 512 * 3000];

/* What one call is made with. */
struct bench {
	struct sealed	*sealed;
	struct faces	*faces;
	struct secrets_one one;
	char		 text[128];	/* the key, id or uuid of this call */
	char		 uri[256];
	bool		 burn;		/* a large one is there */
};

struct endpoint {
	const char	*name;
	void		 (*prepare)(struct bench *);
	int		 (*ask)(struct bench *);
	int		 normal;	/* its status */
	int		 after;		/* of the same again; 0: as before */
	bool		 (*good)(const struct bench *);	/* the answer */
};

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

/* Our own interface */

static void
draw(struct bench *bench)
{
	secrets_draw(&bench->one);
}

static int
native_create(struct bench *bench)
{
	return secrets_create(bench->faces, &bench->one, "");
}

static void
native_made(struct bench *bench)
{
	secrets_draw(&bench->one);
	assert_int_equal(secrets_create(bench->faces, &bench->one, ""), 201);
}

static void
native_gated(struct bench *bench)
{
	secrets_draw(&bench->one);
	assert_int_equal(secrets_create_gated(bench->faces, &bench->one, ""),
	    201);
}

static void
native_opened(struct bench *bench)
{
	native_made(bench);
	assert_int_equal(secrets_open(bench->faces, &bench->one,
	    bench->one.claim, NULL), 200);
}

static int
native_peek(struct bench *bench)
{
	return secrets_peek(bench->faces, &bench->one);
}

static int
native_open(struct bench *bench)
{
	return secrets_open(bench->faces, &bench->one, bench->one.claim,
	    NULL);
}

static int
native_open_gated(struct bench *bench)
{
	return secrets_open(bench->faces, &bench->one, bench->one.claim,
	    bench->one.gate);
}

static int
native_guess(struct bench *bench)
{
	return secrets_open(bench->faces, &bench->one, bench->one.claim,
	    bench->one.wrong);
}

static bool
native_is_payload(const struct bench *bench)
{
	size_t		 size;
	const char	*payload = faces_payload(bench->faces, &size);

	return size == sizeof(bench->one.envelope) &&
	    memcmp(payload, bench->one.envelope, size) == 0;
}

static bool
native_is_large(const struct bench *bench)
{
	size_t		 size;
	const char	*payload = faces_payload(bench->faces, &size);

	return size == sizeof(large) && memcmp(payload, large, size) == 0;
}

static int
native_ack(struct bench *bench)
{
	return secrets_ack(bench->faces, &bench->one, bench->one.claim);
}

static int
native_knock(struct bench *bench)
{
	return secrets_knock(bench->faces, &bench->one);
}

static int
native_receipt(struct bench *bench)
{
	return faces_post(bench->faces, SECRETS_RECEIPT_PEEK,
	    "{\"receipt\":\"%s\"}", bench->one.receipt);
}

static int
native_burn(struct bench *bench)
{
	return faces_post(bench->faces, SECRETS_RECEIPT_BURN,
	    "{\"receipt\":\"%s\"}", bench->one.receipt);
}

/* More than an arena keeps. */
static void
native_large(struct bench *bench)
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
native_is_burned(const struct bench *bench)
{
	return strstr(bench->faces->body, "\"burned\"") != NULL;
}

static int
native_params(struct bench *bench)
{
	return faces_get(bench->faces, "/api/v2/params");
}

static int
native_health(struct bench *bench)
{
	return faces_get(bench->faces, "/api/v2/health");
}

static void
request_made(struct bench *bench)
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
request_peek(struct bench *bench)
{
	return faces_post(bench->faces, "/api/v2/requests/peek",
	    "{\"id\":\"%s\"}", bench->text);
}

static int
request_fill(struct bench *bench)
{
	return faces_post(bench->faces, "/api/v2/requests/fill",
	    "{\"id\":\"%s\"," SEALED_BOTH "}", bench->text);
}

/* SafeSecrets */

static void
nothing(struct bench *bench)
{
	(void)bench;
}

static bool
is_message(const struct bench *bench)
{
	return strstr(bench->faces->body, MESSAGE) != NULL;
}

static int
message_create(struct bench *bench)
{
	return faces_post(bench->faces, "/api/v1/message", "{\"message\":\""
	    MESSAGE "\",\"exp\":3600,\"pin\":\"" PIN "\"}");
}

static void
message_made(struct bench *bench)
{
	faces_make_message(bench->faces, MESSAGE, 3600, PIN, bench->text);
}

static int
message_read(struct bench *bench)
{
	return faces_read_message(bench->faces, bench->text, PIN);
}

static int
message_guess(struct bench *bench)
{
	return faces_read_message(bench->faces, bench->text, "54321");
}

static int
message_params(struct bench *bench)
{
	return faces_get(bench->faces, "/api/v1/params");
}

static int
message_ping(struct bench *bench)
{
	return faces_get(bench->faces, "/ping");
}

/* One Time Secret App */

static int
onetime_create(struct bench *bench)
{
	return faces_post(bench->faces, "/secrets", "{\"message\":\"" MESSAGE
	    "\",\"passphrase\":\"word\"}");
}

static void
onetime_made(struct bench *bench)
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
onetime_read(struct bench *bench)
{
	return faces_read_secret(bench->faces, bench->text, "word");
}

/* password.link */

static int
sealed_create(struct bench *bench)
{
	return sealed_post(bench->sealed, bench->sealed->private, SEALED_BOTH);
}

static void
sealed_made(struct bench *bench)
{
	sealed_make(bench->sealed, "", bench->text);
}

static int
sealed_read(struct bench *bench)
{
	return sealed_get(bench->sealed, bench->sealed->public, bench->text);
}

static bool
sealed_is_object(const struct bench *bench)
{
	return strstr(bench->faces->body, SEALED_OBJECT) != NULL;
}

static int
sealed_page(struct bench *bench)
{
	return faces_ask(bench->faces, .method = HTTP_GET,
	    .uri = "/api/secrets", .authorization = bench->sealed->private);
}

static int
sealed_remove(struct bench *bench)
{
	return sealed_delete(bench->sealed, bench->sealed->private,
	    bench->text);
}

static int
sealed_request(struct bench *bench)
{
	return faces_ask(bench->faces, .method = HTTP_POST,
	    .uri = "/api/secret_requests", .type = FACES_JSON,
	    .authorization = bench->sealed->private, .body = "{}", .size = 2);
}

static int
sealed_requests(struct bench *bench)
{
	return faces_ask(bench->faces, .method = HTTP_GET,
	    .uri = "/api/secret_requests",
	    .authorization = bench->sealed->private);
}

static int
sealed_unrequest(struct bench *bench)
{
	return faces_ask(bench->faces, .method = HTTP_DELETE,
	    .uri = bench->uri, .authorization = bench->sealed->private);
}

static const struct endpoint endpoints[] = {
	{ "native create", draw, native_create, 201, 0, NULL },
	{ "native peek", native_made, native_peek, 200, 0, NULL },
	{ "native open", native_made, native_open, 200, 0,
	    native_is_payload },
	{ "native open, gated", native_gated, native_open_gated, 200, 0,
	    native_is_payload },
	{ "native open, large", native_large, native_open, 200, 0,
	    native_is_large },
	{ "native wrong gate", native_gated, native_guess, 403, 0, NULL },
	{ "native open again", native_opened, native_open, 200, 0,
	    native_is_payload },
	{ "native ack", native_opened, native_ack, 204, 0, NULL },
	{ "native knock", native_opened, native_knock, 204, 0, NULL },
	{ "native receipt", native_opened, native_receipt, 200, 0, NULL },
	{ "native burn", native_made, native_burn, 200, 0, native_is_burned },
	{ "native params", nothing, native_params, 200, 0, NULL },
	{ "native health", nothing, native_health, 200, 0, NULL },
	{ "native request", request_made, request_peek, 200, 0, NULL },
	{ "native fill", request_made, request_fill, 201, 0, NULL },
	{ "SafeSecrets create", nothing, message_create, 201, 0, NULL },
	{ "SafeSecrets read", message_made, message_read, 200, 400,
	    is_message },
	{ "SafeSecrets wrong PIN", message_made, message_guess, 417, 0,
	    NULL },
	{ "SafeSecrets params", nothing, message_params, 200, 0, NULL },
	{ "SafeSecrets ping", nothing, message_ping, 200, 0, NULL },
	{ "One Time Secret create", nothing, onetime_create, 200, 0, NULL },
	{ "One Time Secret read", onetime_made, onetime_read, 200, 404,
	    is_message },
	{ "password.link create", nothing, sealed_create, 201, 0, NULL },
	{ "password.link read", sealed_made, sealed_read, 200, 404,
	    sealed_is_object },
	{ "password.link list", sealed_made, sealed_page, 200, 0, NULL },
	{ "password.link delete", sealed_made, sealed_remove, 200, 404,
	    NULL },
	{ "password.link request", nothing, sealed_request, 201, 0, NULL },
	{ "password.link requests", request_made, sealed_requests, 200, 0,
	    NULL },
	{ "password.link unrequest", request_made, sealed_unrequest, 200, 404,
	    NULL },
};

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
begin_anew(struct bench *bench)
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

/* One call with a fault, and what comes after it.  Returns whether anything
 * failed. */
static bool
try(struct bench *bench, const struct endpoint *endpoint, bool cold,
    struct attack_row *row)
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
	}
	if (shot.hit)
		attack_tried(row);
	return shot.hit;
}

/* Every N, or those in so many steps and the last ones. */
static void
attack_kind(struct bench *bench, const struct endpoint *endpoint, bool cold,
    unsigned long step)
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
attack_endpoint(struct bench *bench, const struct endpoint *endpoint,
    bool cold)
{
	unsigned long	 step;

	for (int i = 0; i < 2 * FAULTS_KIND__MAX; i++) {
		shot.kind = (enum faults_kind)(i / 2);
		shot.for_good = i % 2 == 1;
		/* What only this answer has is always among them. */
		if ((shot.kind != FAULTS_MEMORY || endpoint->after == 0) &&
		    (unsigned long)random() % attack_step(4, 1, 1) != 0)
			continue;
		/* A first call makes a thousand allocations, not thirty; a
		 * large record is read in hundreds of pieces. */
		if (shot.kind == FAULTS_MEMORY && cold)
			step = attack_step(900, 150, 1);
		else if (shot.kind == FAULTS_MEMORY)
			step = attack_step(60, 5, 1);
		else if (endpoint->prepare == native_large)
			step = attack_step(90, 40, 5);
		else
			step = attack_step(7, 3, 1);
		attack_kind(bench, endpoint, cold, step);
	}
}

int
main(void)
{
	struct bench	 bench = { .burn = false };
	attack_begin("errors");
	if (getenv("TMPDIR") == NULL && access("/dev/shm", W_OK) == 0)
		(void)setenv("TMPDIR", "/dev/shm", 1);
	srandom((unsigned int)attack_seed());
	bench.sealed = sealed_open("lock_wait = 60s\nkdf_wait = 60s\n"
	    "client_secrets = 0\nclient_bytes = 0\n");
	bench.faces = bench.sealed->faces;
	faces_envelope(large, sizeof(large));
	log_open("errors", LOG_TO_STDERR, LOG_LEVEL_ERROR);
	for (size_t i = 0; i < sizeof(endpoints) / sizeof(endpoints[0]); i++) {
		bench.burn = false;
		attack_endpoint(&bench, &endpoints[i], false);
		attack_endpoint(&bench, &endpoints[i], true);
	}
	sealed_close(bench.sealed);
	attack_row(&input);
	attack_row(&memory);
	return attack_end();
}

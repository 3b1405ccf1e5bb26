/* SPDX-License-Identifier: ISC */
/*
 * A body of our own interface: the first byte says of which call, the rest is
 * a frame or JSON.
 */
#include <sodium.h>
#include <string.h>

#include "base/arena.h"
#include "base/conf.h"
#include "base/log.h"
#include "fuzz.h"
#include "web/app.h"
#include "web/body_limit.h"
#include "web/http.h"
#include "web/native_call.h"

static struct arena	*arena;
static struct conf	 conf;
static struct app	 app;

int
LLVMFuzzerInitialize(int *argc, char ***argv)
{
	(void)argc;
	(void)argv;
	fuzz_must(sodium_init() >= 0);
	fuzz_conf(&conf, "max_envelope = 1K\n");
	app.conf = &conf;
	fuzz_must((arena = arena_create()) != NULL);
	log_open("fuzz", LOG_TO_STDERR, LOG_LEVEL_ERROR);
	return 0;
}

static void
check_create(const struct http_request *request,
    const struct native_call *call)
{
	const uint8_t	*end = request->body + request->body_size;

	fuzz_must(call->envelope > request->body &&
	    call->envelope[-1] == '\n' &&
	    call->envelope - request->body <= BODY_LIMIT_LINE_MAX + 1);
	fuzz_must(call->envelope_size > 0 &&
	    call->envelope_size <= (size_t)conf.max_envelope &&
	    call->envelope + call->envelope_size == end);
	fuzz_must(memchr(request->body, '\n', request->body_size) ==
	    call->envelope - 1);
	fuzz_must(call->expires_in >= NATIVE_CALL_EXPIRES_IN_MIN &&
	    call->expires_in <= conf.max_expire / 1000);
	fuzz_must(call->views >= 1 && call->views <= NATIVE_CALL_VIEWS_MAX);
	fuzz_must(call->attempts >= 1 &&
	    call->attempts <= NATIVE_CALL_ATTEMPTS_MAX);
}

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
	struct fuzz_input	 input = { bytes, size };
	struct http_request	 request = { .arena = arena };
	struct http_reply	 reply;
	struct native_call	*call;
	enum native_call_kind	 kind;

	if (size > FUZZ_MAX)
		return 0;
	kind = fuzz_byte(&input) % NATIVE_CALL__MAX;
	request.body = (uint8_t *)fuzz_fence_text(0, input.next, input.left);
	request.body_size = input.left;
	http_reply_init(&reply, arena);
	call = native_call_read(&app, &request, &reply, kind);
	if (call == NULL) {
		fuzz_must(reply.status == 400 || reply.status == 413 ||
		    reply.status == 422);
		fuzz_reply(arena, &reply);
	} else {
		fuzz_must(reply.status == 0);
		if (kind == NATIVE_CALL_CREATE)
			check_create(&request, call);
		if (call->has_pin)
			fuzz_must(call->pin.length >= 1 &&
			    call->pin.length <= NATIVE_CALL_PIN_MAX);
		fuzz_must(call->captcha_number >= 0 &&
		    call->captcha_bits <= UINT8_MAX);
	}
	arena_reset(arena);
	return 0;
}

/* SPDX-License-Identifier: ISC */

/*
 * What is answered and refused before a handler runs, with faces made for
 * this test in place of the real ones.
 */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <arpa/inet.h>
#include <cmocka.h>

#include "base/arena.h"
#include "base/conf.h"
#include "store/store.h"
#include "web/api_native.h"
#include "web/api_onetime.h"
#include "web/api_passwordlink.h"
#include "web/api_safesecrets.h"
#include "web/app.h"

#define BODY_LIMIT 10

struct world {
	struct app		 app;
	struct conf		 conf;
	struct http_request	 request;
	struct http_reply	 reply;
	char			 directory[32];
};

static unsigned int handled;	/* how often a handler ran */
static unsigned int reads;	/* how often a body was read */
static const char *body_sent;

static void
handle(struct app *app, struct http_request *request,
    struct http_reply *reply)
{
	(void)app;
	(void)request;
	handled++;
	http_begin(reply, 200, "text/plain");
	buf_text(&reply->body, "handled");
}

static void
handle_busy(struct app *app, struct http_request *request,
    struct http_reply *reply)
{
	(void)app;
	http_header(reply, "X-Forgotten", "1");
	app_fail(request, reply, STORE_BUSY);
}

static void
handle_full(struct app *app, struct http_request *request,
    struct http_reply *reply)
{
	(void)app;
	app_fail(request, reply, STORE_FULL);
}

static void
handle_no_memory(struct app *app, struct http_request *request,
    struct http_reply *reply)
{
	handle(app, request, reply);
	reply->body.failed = true;
}

static int64_t
limit(const struct conf *conf)
{
	(void)conf;
	return BODY_LIMIT;
}

static void
say(struct http_reply *reply, enum app_error error, const char *face)
{
	http_begin(reply, app_error_status(error), "text/plain");
	buf_text(&reply->body, face);
}

static void
say_first(struct http_reply *reply, enum app_error error)
{
	say(reply, error, "first");
}

static void
say_second(struct http_reply *reply, enum app_error error)
{
	say(reply, error, "second");
}

static void
say_third(struct http_reply *reply, enum app_error error)
{
	say(reply, error, "third");
}

static void
say_fourth(struct http_reply *reply, enum app_error error)
{
	say(reply, error, "fourth");
}

static void
handle_fourth(struct app *app, struct http_request *request,
    struct http_reply *reply)
{
	handle(app, request, reply);
	buf_text(&reply->body, " by the fourth");
}

static bool
takes_without_key(const struct http_request *request)
{
	return request->method == HTTP_POST && request->authorization == NULL;
}

static const struct app_route first_routes[] = {
	{ HTTP_GET, "/one/plain", 0, APP_NO_BODY, NULL, handle },
	{ HTTP_GET, "/one/eat/:/:", APP_CONSUMES, APP_NO_BODY, NULL, handle },
	{ HTTP_POST, "/one/plain", APP_CREATES, APP_JSON_ANY_TYPE, limit,
	    handle },
	{ HTTP_POST, "/one/json", 0, APP_JSON, limit, handle },
	{ HTTP_POST, "/one/frame", 0, APP_FRAME, limit, handle },
	{ HTTP_GET, "/one/busy", 0, APP_NO_BODY, NULL, handle_busy },
	{ HTTP_GET, "/one/full", 0, APP_NO_BODY, NULL, handle_full },
	{ HTTP_GET, "/one/memory", 0, APP_NO_BODY, NULL, handle_no_memory }
};
static const char *const first_prefixes[] = { "/one", NULL };
const struct app_face api_safesecrets_face = {
	.name = "first", .bit = CONF_FACE_SAFESECRETS,
	.prefixes = first_prefixes, .routes = first_routes,
	.routes_count = sizeof(first_routes) / sizeof(first_routes[0]),
	.error = say_first
};

static const struct app_route second_routes[] = {
	{ HTTP_POST, "/two/:", 0, APP_JSON_ANY_TYPE, limit, handle }
};
static const char *const second_prefixes[] = { "/two", "/x/two", NULL };
const struct app_face api_onetime_face = {
	.name = "second", .bit = CONF_FACE_ONETIME,
	.prefixes = second_prefixes, .routes = second_routes,
	.routes_count = sizeof(second_routes) / sizeof(second_routes[0]),
	.cors = true,
	.takes = takes_without_key,
	.error = say_second
};

static const struct app_route third_routes[] = {
	{ HTTP_DELETE, "/three", 0, APP_NO_BODY, NULL, handle }
};
static const char *const third_prefixes[] = { "/three", NULL };
const struct app_face api_native_face = {
	.name = "third", .bit = CONF_FACE_NATIVE,
	.prefixes = third_prefixes, .routes = third_routes,
	.routes_count = sizeof(third_routes) / sizeof(third_routes[0]),
	.error = say_third
};

/* Shares /two with the second face, and has what that one leaves it. */
static const struct app_route fourth_routes[] = {
	{ HTTP_POST, "/two/:", 0, APP_JSON_ANY_TYPE, limit, handle_fourth },
	{ HTTP_GET, "/two/:", 0, APP_NO_BODY, NULL, handle_fourth },
	{ HTTP_GET, "/four/any", APP_ANY_KEY, APP_NO_BODY, NULL, handle },
	{ HTTP_POST, "/four/private", APP_PRIVATE_KEY | APP_CREATES,
	    APP_JSON_ANY_TYPE, limit, handle }
};
static const char *const fourth_prefixes[] = { "/two", "/four", NULL };
const struct app_face api_passwordlink_face = {
	.name = "fourth", .bit = CONF_FACE_PASSWORDLINK,
	.prefixes = fourth_prefixes, .routes = fourth_routes,
	.routes_count = sizeof(fourth_routes) / sizeof(fourth_routes[0]),
	.error = say_fourth
};

static size_t
read_body(void *transport, void *bytes, size_t size)
{
	size_t length = strlen(body_sent);

	(void)transport;
	reads++;
	if (length > size)
		length = size;
	memcpy(bytes, body_sent, length);
	return length;
}

/* A request that a test may change before it is handled. */
static void
prepare(struct world *world, enum http_method method, const char *uri)
{
	struct arena *arena = world->request.arena;

	arena_reset(arena);
	memset(&world->request, 0, sizeof(world->request));
	world->request.arena = arena;
	world->request.method = method;
	world->request.uri = uri;
	world->request.content_type = "";
	world->request.content_length = HTTP_LENGTH_ABSENT;
	world->request.purpose = "";
	world->request.remote_address = "";
	world->request.forwarded_for = "";
	world->request.document_root = "";
	world->request.read_body = read_body;
	handled = reads = 0;
	body_sent = "";
}

static int
ask(struct world *world)
{
	app_handle(&world->app, &world->request, &world->reply);
	return world->reply.status;
}

static int
get(struct world *world, enum http_method method, const char *uri)
{
	prepare(world, method, uri);
	return ask(world);
}

static int
post(struct world *world, const char *uri, const char *type, int64_t length,
    const char *body)
{
	prepare(world, HTTP_POST, uri);
	world->request.content_type = type;
	world->request.content_length = length;
	body_sent = body;
	return ask(world);
}

static const char *
header(const struct world *world, const char *name)
{
	size_t i;

	for (i = 0; i < world->reply.headers_count; i++)
		if (strcmp(world->reply.headers[i].name, name) == 0)
			return world->reply.headers[i].value;
	return "";
}

static void
assert_body(const struct world *world, const char *text)
{
	assert_int_equal(world->reply.body.len, strlen(text));
	assert_memory_equal(world->reply.body.data, text, strlen(text));
}

static int
setup(void **state)
{
	static char no_prefix[] = "";
	struct world *world;

	if ((world = calloc(1, sizeof(*world))) == NULL)
		return -1;
	snprintf(world->directory, sizeof(world->directory),
	    "app_test.XXXXXX");
	if (mkdtemp(world->directory) == NULL)
		return -1;
	world->request.arena = arena_create();
	world->conf.path_prefix = no_prefix;
	world->conf.state_dir = world->directory;
	world->conf.faces = CONF_FACE_SAFESECRETS | CONF_FACE_ONETIME |
	    CONF_FACE_NATIVE;
	*state = world;
	return world->request.arena == NULL ? -1 :
	    app_init(&world->app, NULL, &world->conf);
}

static int
teardown(void **state)
{
	struct world *world = *state;

	rmdir(world->directory);
	arena_destroy(world->request.arena);
	free(world);
	return 0;
}

static void
test_routes(void **state)
{
	struct world *world = *state;
	static char prefix[] = "/once";

	world->conf.path_prefix = prefix;
	assert_int_equal(get(world, HTTP_GET, "/once/one/plain?q"), 200);
	assert_body(world, "handled");
	assert_int_equal(get(world, HTTP_GET, "/one/plain"), 404);
	assert_body(world, "third");
	assert_int_equal(get(world, HTTP_GET, "/once/%6fne/plain"), 200);
	assert_int_equal(get(world, HTTP_DELETE, "/once/three"), 200);
	/* `:` is any segment, also an empty one. */
	assert_int_equal(get(world, HTTP_GET, "/once/one/eat/a%2fb/"), 200);
	assert_int_equal(world->request.segments_count, 4);
	assert_string_equal(world->request.segments[2].bytes, "a/b");
}

/* Two faces at one path: which is asked, and which methods there are. */
static void
test_shared_paths(void **state)
{
	struct world *world = *state;

	world->conf.faces |= CONF_FACE_PASSWORDLINK;
	assert_int_equal(post(world, "/two/a", "", 0, ""), 200);
	assert_body(world, "handled");
	prepare(world, HTTP_POST, "/two/a");
	world->request.authorization = "x";
	world->request.content_length = 0;
	assert_int_equal(ask(world), 200);
	assert_body(world, "handled by the fourth");
	assert_int_equal(get(world, HTTP_GET, "/two/a"), 200);
	assert_body(world, "handled by the fourth");
	assert_int_equal(get(world, HTTP_DELETE, "/two/a"), 405);
	assert_body(world, "fourth");
	assert_string_equal(header(world, "Allow"),
	    "GET, HEAD, POST, OPTIONS");
	assert_int_equal(get(world, HTTP_OPTIONS, "/two/a"), 204);
	assert_string_equal(header(world, "Allow"),
	    "GET, HEAD, POST, OPTIONS");

	/* What is left to the other is its own where there is no other. */
	world->conf.faces &= ~CONF_FACE_PASSWORDLINK;
	assert_int_equal(get(world, HTTP_GET, "/two/a"), 405);
	assert_body(world, "second");
	assert_string_equal(header(world, "Allow"), "POST, OPTIONS");
	world->conf.faces = CONF_FACE_PASSWORDLINK;
	assert_int_equal(post(world, "/two/a", "", 0, ""), 200);
	assert_body(world, "handled by the fourth");
}

/* Nothing is read of who shows no key; `create' may ask for one. */
static void
test_keys(void **state)
{
	struct world *world = *state;

	world->conf.faces |= CONF_FACE_PASSWORDLINK;
	assert_int_equal(get(world, HTTP_GET, "/four/any"), 403);
	assert_body(world, "fourth");
	reads = handled = 0;
	assert_int_equal(post(world, "/four/private", "", 2, "{}"), 403);
	assert_int_equal(post(world, "/four/private", "", 1000, "{}"), 403);
	world->conf.create = CONF_CREATE_NOBODY;
	assert_int_equal(post(world, "/four/private", "", 2, "{}"), 403);
	world->conf.create = CONF_CREATE_KEYS;
	assert_int_equal(post(world, "/one/plain", "", 2, "{}"), 403);
	assert_int_equal(reads + handled, 0);
}

static void
test_not_found(void **state)
{
	static const struct {
		const char	*uri;
		const char	*face;
	} rows[] = {
		{ "/", "third" }, { "", "third" }, { "*", "third" },
		{ "/onex/plain", "third" }, { "/one%2fplain", "third" },
		{ "//one/plain", "third" }, { "/x/../one/plain", "third" },
		{ "/x", "third" }, { "/%zz", "third" },
		{ "/one", "first" }, { "/one/", "first" },
		{ "/one/plain/", "first" }, { "/one//plain", "first" },
		{ "/one/../one/plain", "first" },
		{ "/one/plain%00", "first" }, { "/one/plai", "first" },
		{ "/one/PLAIN", "first" }, { "/one/eat/a", "first" },
		{ "/one/eat/a/b/c", "first" }, { "/one/%zz", "first" },
		{ "/one/2/3/4/5/6/7/8/9", "first" }
	};
	struct world *world = *state;
	size_t i;

	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		assert_int_equal(get(world, HTTP_GET, rows[i].uri), 404);
		assert_body(world, rows[i].face);
		assert_int_equal(get(world, HTTP_OPTIONS, rows[i].uri), 404);
		assert_int_equal(handled, 0);
	}
}

static void
test_switched_off(void **state)
{
	struct world *world = *state;

	world->conf.faces = CONF_FACE_ONETIME;
	assert_int_equal(get(world, HTTP_GET, "/one/plain"), 404);
	assert_body(world, "third");
	assert_int_equal(get(world, HTTP_DELETE, "/three"), 404);
	assert_int_equal(get(world, HTTP_DELETE, "/two/a"), 405);
}

static void
test_methods(void **state)
{
	struct world *world = *state;

	assert_int_equal(get(world, HTTP_HEAD, "/one/plain"), 200);
	assert_true(world->reply.head_only);
	assert_int_equal(handled, 1);
	assert_int_equal(get(world, HTTP_HEAD, "/one/nothing"), 404);
	assert_true(world->reply.head_only);
	assert_int_equal(get(world, HTTP_HEAD, "/one/eat/a/b"), 405);
	assert_true(world->reply.head_only);
	assert_int_equal(handled, 0);
	assert_string_equal(header(world, "Allow"), "GET, OPTIONS");

	assert_int_equal(get(world, HTTP_OTHER, "/one/plain"), 405);
	assert_body(world, "first");
	assert_string_equal(header(world, "Allow"),
	    "GET, HEAD, POST, OPTIONS");
	assert_int_equal(get(world, HTTP_GET, "/one/json"), 405);
	assert_string_equal(header(world, "Allow"), "POST, OPTIONS");
	assert_false(world->reply.head_only);

	assert_int_equal(get(world, HTTP_OPTIONS, "/one/plain"), 204);
	assert_string_equal(header(world, "Allow"),
	    "GET, HEAD, POST, OPTIONS");
	assert_string_equal(header(world, "Access-Control-Allow-Methods"),
	    "");
	assert_null(world->reply.content_type);
	assert_int_equal(handled, 0);
}

static void
test_cors(void **state)
{
	static const char *const origin = "Access-Control-Allow-Origin";
	struct world *world = *state;

	assert_int_equal(get(world, HTTP_OPTIONS, "/two/a"), 204);
	assert_string_equal(header(world, origin), "*");
	assert_string_equal(header(world, "Access-Control-Allow-Methods"),
	    "GET, POST, DELETE");
	assert_string_equal(header(world, "Access-Control-Allow-Headers"),
	    "Authorization, Content-Type, X-Secret-Password");
	assert_string_equal(header(world, "Access-Control-Max-Age"), "86400");
	assert_string_equal(header(world, "Allow"), "POST, OPTIONS");

	assert_int_equal(post(world, "/two/a", "", 0, ""), 200);
	assert_string_equal(header(world, origin), "*");
	assert_int_equal(post(world, "/two/a", "", 11, ""), 413);
	assert_string_equal(header(world, origin), "*");
	assert_int_equal(get(world, HTTP_GET, "/x/two"), 404);
	assert_string_equal(header(world, origin), "*");
	assert_int_equal(get(world, HTTP_GET, "/two/a"), 405);
	assert_string_equal(header(world, origin), "*");
	assert_int_equal(get(world, HTTP_GET, "/one/plain"), 200);
	assert_string_equal(header(world, origin), "");
}

static void
test_bodies(void **state)
{
	static const char frame[] = "application/vnd.oncelink.frame";
	static const char json[] = "application/json";
	struct world *world = *state;

	assert_int_equal(post(world, "/one/json", json, 10, "0123456789"),
	    200);
	assert_int_equal(world->request.body_size, 10);
	assert_string_equal((char *)world->request.body, "0123456789");
	assert_int_equal(post(world, "/one/json", json, 3, "0123456789"),
	    200);
	assert_string_equal((char *)world->request.body, "012");
	assert_int_equal(post(world, "/one/json", json, 0, ""), 200);
	assert_int_equal(world->request.body_size, 0);
	assert_string_equal((char *)world->request.body, "");

	assert_int_equal(post(world, "/one/json", json, 10, "012345678"),
	    400);
	assert_int_equal(handled, 0);
	assert_int_equal(post(world, "/one/json", json, 11, "01234567890"),
	    413);
	assert_int_equal(post(world, "/one/json", json, INT64_MAX, ""), 413);
	assert_int_equal(post(world, "/one/json", json, HTTP_LENGTH_ABSENT,
	    "0"), 411);
	assert_int_equal(post(world, "/one/json", json,
	    HTTP_LENGTH_MALFORMED, "0"), 400);
	assert_int_equal(post(world, "/one/json", "text/plain", 1, "0"), 415);
	assert_int_equal(post(world, "/one/json", "", 1, "0"), 415);
	assert_int_equal(post(world, "/one/json", frame, 1, "0"), 415);
	assert_int_equal(post(world, "/one/frame", json, 1, "0"), 415);
	assert_int_equal(handled, 0);
	assert_int_equal(reads, 0);
	assert_int_equal(post(world, "/one/frame", frame, 1, "0"), 200);
	assert_int_equal(post(world, "/one/plain", "a/b", 1, "0"), 200);

	/* The body of a GET is left alone. */
	prepare(world, HTTP_GET, "/one/plain");
	world->request.content_length = 5;
	assert_int_equal(ask(world), 200);
	assert_int_equal(reads, 0);
	assert_null(world->request.body);
}

static void
test_create(void **state)
{
	struct world *world = *state;

	world->conf.create = CONF_CREATE_NOBODY;
	assert_int_equal(post(world, "/one/plain", "", 1, "0"), 403);
	world->conf.create = CONF_CREATE_KEYS;
	assert_int_equal(post(world, "/one/plain", "", 1, "0"), 403);
	assert_int_equal(reads + handled, 0);
	assert_int_equal(post(world, "/two/a", "", 1, "0"), 200);
}

static void
test_prefetch(void **state)
{
	struct world *world = *state;

	prepare(world, HTTP_GET, "/one/eat/a/b");
	world->request.purpose = "prefetch";
	assert_int_equal(ask(world), 503);
	assert_int_equal(handled, 0);
	prepare(world, HTTP_GET, "/one/plain");
	world->request.purpose = "prefetch";
	assert_int_equal(ask(world), 200);
}

static void
test_failures(void **state)
{
	struct world *world = *state;

	assert_int_equal(get(world, HTTP_GET, "/one/busy"), 503);
	assert_string_equal(header(world, "Retry-After"), "1");
	assert_string_equal(header(world, "X-Forgotten"), "");
	assert_body(world, "first");
	assert_int_equal(get(world, HTTP_GET, "/one/full"), 507);
	assert_string_equal(header(world, "Retry-After"), "");
	assert_int_equal(get(world, HTTP_GET, "/one/memory"), 500);
	assert_body(world, "first");
}

static int
ask_from(struct world *world, const char *root)
{
	prepare(world, HTTP_GET, "/one/plain");
	world->request.document_root = root;
	return ask(world);
}

static void
test_document_root(void **state)
{
	static char missing[] = "/nonexistent";
	struct world *world = *state;
	char here[4096], link[64], beside[64];

	assert_non_null(getcwd(here, sizeof(here)));
	snprintf(link, sizeof(link), "%s.link", world->directory);
	assert_int_equal(symlink(".", link), 0);
	snprintf(beside, sizeof(beside), "%s2", world->directory);
	assert_int_equal(mkdir(beside, 0700), 0);
	/* A name that only begins like the state directory's. */
	world->conf.state_dir = beside;
	assert_int_equal(app_init(&world->app, NULL, &world->conf), 0);
	assert_int_equal(ask_from(world, world->directory), 200);
	world->conf.state_dir = world->directory;
	assert_int_equal(app_init(&world->app, NULL, &world->conf), 0);

	assert_int_equal(ask_from(world, here), 500);
	assert_int_equal(handled, 0);
	assert_int_equal(ask_from(world, "/"), 500);
	assert_int_equal(ask_from(world, "."), 500);
	assert_int_equal(ask_from(world, link), 500);
	assert_int_equal(ask_from(world, beside), 200);
	assert_int_equal(ask_from(world, "/nonexistent"), 200);
	/* A state directory by another name is where it is. */
	world->conf.state_dir = link;
	assert_int_equal(app_init(&world->app, NULL, &world->conf), 0);
	assert_int_equal(ask_from(world, here), 500);
	assert_int_equal(ask_from(world, world->directory), 200);
	world->conf.state_dir = missing;
	assert_int_equal(app_init(&world->app, NULL, &world->conf), -1);
	assert_int_equal(unlink(link), 0);
	assert_int_equal(rmdir(beside), 0);
}

static void
trust(struct world *world, const char *address, unsigned int bits)
{
	struct conf_network *network;

	network = &world->conf.trusted_proxies[
	    world->conf.trusted_proxies_count++];
	assert_int_equal(inet_pton(AF_INET6, address, &network->address), 1);
	network->bits = bits;
}

static void
test_client_address(void **state)
{
	static const struct {
		const char	*peer;
		const char	*list;
		const char	*client;
	} rows[] = {
		{ "192.0.2.1", "198.51.100.1", "192.0.2.1" },
		{ "", "198.51.100.1", "" },
		{ "unix:", "198.51.100.1", "unix:" },
		{ "10.1.1.1", "", "10.1.1.1" },
		{ "10.1.1.1", "198.51.100.1", "198.51.100.1" },
		{ "10.1.1.1", "1.1.1.1, 198.51.100.1", "198.51.100.1" },
		{ "10.1.1.1", "1.1.1.1, 198.51.100.1 ,10.2.2.2",
		    "198.51.100.1" },
		{ "10.1.1.1", "10.3.3.3,10.2.2.2", "10.3.3.3" },
		{ "10.1.1.1", "1.1.1.1,unknown,10.2.2.2", "10.2.2.2" },
		{ "10.1.1.1", "1.1.1.1,", "10.1.1.1" },
		{ "10.1.1.1", "1.1.1.1:8080", "1.1.1.1" },
		{ "10.1.1.1", "[2001:db8::2]:443", "2001:db8::2" },
		{ "10.1.1.1", "2001:db8::2", "2001:db8::2" },
		{ "10.1.1.1", "[2001:db8::2", "10.1.1.1" },
		{ "2001:db8:1::1", "1.1.1.1", "1.1.1.1" },
		{ "2001:db8:2::1", "1.1.1.1", "2001:db8:2::1" }
	};
	struct world *world = *state;
	size_t i;

	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		world->conf.trusted_proxies_count = 0;
		trust(world, "::ffff:10.0.0.0", 104);
		trust(world, "2001:db8:1::", 48);
		prepare(world, HTTP_GET, "/one/plain");
		world->request.remote_address = rows[i].peer;
		world->request.forwarded_for = rows[i].list;
		assert_int_equal(ask(world), 200);
		assert_string_equal(world->request.client_address,
		    rows[i].client);
		/* With nobody trusted nobody is believed. */
		world->conf.trusted_proxies_count = 0;
		assert_int_equal(ask(world), 200);
		assert_string_equal(world->request.client_address,
		    rows[i].peer);
	}
}

/* A second X-Forwarded-For may be the stranger's own; of peers that are not
 * believed it does not count. */
static void
test_forwarded_twice(void **state)
{
	struct world *world = *state;

	world->conf.trusted_proxies_count = 0;
	trust(world, "::ffff:10.0.0.0", 104);
	prepare(world, HTTP_GET, "/one/plain");
	world->request.forwarded_for = NULL;
	world->request.remote_address = "10.1.1.1";
	assert_int_equal(ask(world), 400);
	world->request.remote_address = "192.0.2.1";
	assert_int_equal(ask(world), 200);
	assert_string_equal(world->request.client_address, "192.0.2.1");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_routes, setup, teardown),
		cmocka_unit_test_setup_teardown(test_shared_paths, setup,
		    teardown),
		cmocka_unit_test_setup_teardown(test_keys, setup, teardown),
		cmocka_unit_test_setup_teardown(test_not_found,
		    setup, teardown),
		cmocka_unit_test_setup_teardown(test_switched_off,
		    setup, teardown),
		cmocka_unit_test_setup_teardown(test_methods, setup, teardown),
		cmocka_unit_test_setup_teardown(test_cors, setup, teardown),
		cmocka_unit_test_setup_teardown(test_bodies, setup, teardown),
		cmocka_unit_test_setup_teardown(test_create, setup, teardown),
		cmocka_unit_test_setup_teardown(test_prefetch, setup, teardown),
		cmocka_unit_test_setup_teardown(test_failures, setup, teardown),
		cmocka_unit_test_setup_teardown(test_document_root,
		    setup, teardown),
		cmocka_unit_test_setup_teardown(test_client_address,
		    setup, teardown),
		cmocka_unit_test_setup_teardown(test_forwarded_twice,
		    setup, teardown)
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}

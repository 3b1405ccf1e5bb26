/* SPDX-License-Identifier: ISC */
/*
 * What a site's settings and a store that is busy or full do to every
 * interface.
 */

#include "faces.h"

#include <sys/file.h>
#include <sys/stat.h>

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static void
test_faces_off(void **state)
{
	static const char	*const uris[] = {
		"/ping", "/api/v1/params", "/api/v1/message/x/12345",
		"/secrets", "/api/secrets", "/secrets/x"
	};
	struct faces		*faces;
	size_t			 i;

	(void)state;
	faces = faces_open("faces = native\n");
	for (i = 0; i < sizeof(uris) / sizeof(uris[0]); i++) {
		assert_int_equal(faces_get(faces, uris[i]), 404);
		assert_string_equal(faces->reply.content_type, FACES_PROBLEM);
	}
	assert_int_equal(faces_get(faces, "/api/v2/health"), 200);
	faces_close(faces);

	faces = faces_open("faces = safesecrets onetime\n");
	assert_int_equal(faces_get(faces, "/api/v2/health"), 404);
	assert_int_equal(faces_get(faces, "/ping"), 200);
	faces_close(faces);
}

static void
test_create_nobody(void **state)
{
	static const char	*const settings[] = {
		"create = nobody\n", "create = keys\n"
	};
	struct store_stats	 stats;
	struct faces		*faces;
	uint8_t			 envelope[FACES_ENVELOPE];
	size_t			 i;

	(void)state;
	faces_envelope(envelope, sizeof(envelope));
	for (i = 0; i < sizeof(settings) / sizeof(settings[0]); i++) {
		faces = faces_open(settings[i]);
		stats = faces_stats(faces);
		assert_int_equal(faces_post(faces, "/api/v1/message",
		    "{\"message\":\"x\",\"exp\":60,\"pin\":\"12345\"}"), 403);
		assert_true(faces_is_json(faces));
		assert_int_equal(faces_post(faces, "/secrets",
		    "{\"message\":\"x\",\"passphrase\":\"p\"}"), 403);
		faces_says(faces, "success", "False");
		assert_int_equal(faces_frame(faces, envelope,
		    sizeof(envelope), "{}"), 403);
		faces_says(faces, "type",
		    "tag:oncelink,2026:creation-not-allowed");
		faces_unchanged(faces, &stats);
		assert_int_equal(faces_post(faces, "/secrets/x",
		    "{\"passphrase\":\"p\"}"), 404);
		faces_close(faces);
	}
}

static void
test_client_address(void **state)
{
	static const struct {
		const char	*address, *forwarded, *want;
	} rows[] = {
		{ "192.0.2.1", "198.51.100.7", "192.0.2.1" },
		{ "10.1.2.3", "198.51.100.7", "198.51.100.7" },
		{ "10.1.2.3", "203.0.113.9, 198.51.100.7", "198.51.100.7" },
		{ "10.1.2.3", "203.0.113.9, 10.9.9.9", "203.0.113.9" },
		{ "10.1.2.3", "", "10.1.2.3" },
		{ "10.1.2.3", "not an address", "10.1.2.3" }
	};
	struct faces		*faces;
	size_t			 i;

	(void)state;
	faces = faces_open("trusted_proxies = 10.0.0.0/8\n");
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		assert_int_equal(faces_ask(faces, .method = HTTP_GET,
		    .uri = "/ping", .address = rows[i].address,
		    .forwarded_for = rows[i].forwarded), 200);
		assert_string_equal(faces->request.client_address,
		    rows[i].want);
	}
	faces_close(faces);

	faces = faces_open("");
	assert_int_equal(faces_ask(faces, .method = HTTP_GET, .uri = "/ping",
	    .address = "10.1.2.3", .forwarded_for = "198.51.100.7"), 200);
	assert_string_equal(faces->request.client_address, "10.1.2.3");
	faces_close(faces);
}

static void
test_path_prefix(void **state)
{
	struct faces	*faces;

	(void)state;
	faces = faces_open("path_prefix = /once\n");
	assert_int_equal(faces_get(faces, "/once/ping"), 200);
	assert_int_equal(faces_get(faces, "/ping"), 404);
	assert_int_equal(faces_get(faces, "/oncely/ping"), 404);
	faces_close(faces);
}

static void
test_settings_shown(void **state)
{
	struct faces	*faces;
	char		 id[FACES_HEX_SIZE], native[FACES_ID_LENGTH + 1];
	char		 expires[HTTP_TIME_SIZE], latest[HTTP_TIME_SIZE];
	uint8_t		 token[TOKEN_BYTES];

	(void)state;
	faces = faces_open("pin_size = 7\npin_attempts = 1\n"
	    "safesecrets_max_expire = 2h\nmax_expire = 1h\n");
	assert_int_equal(faces_get(faces, "/api/v1/params"), 200);
	faces_says(faces, "pin_size", "7");
	faces_says(faces, "max_pin_attempts", "1");
	faces_says(faces, "max_exp_sec", "7200");
	assert_int_equal(faces_post(faces, "/api/v1/message",
	    "{\"message\":\"x\",\"exp\":7201,\"pin\":\"1234567\"}"), 400);
	assert_non_null(strstr(faces->body, "7200"));
	assert_int_equal(faces_post(faces, "/secrets",
	    "{\"message\":\"x\",\"passphrase\":\"p\","
	    "\"expiration_time\":3601}"), 400);
	assert_non_null(strstr(faces->body, "3600"));
	/* The default of 7 days is cut to what the site allows. */
	faces_make_secret(faces, "x", "p", id);
	assert_true(token_from_hex(token, id, FACES_HEX_SIZE - 1));
	faces_base64url(token, sizeof(token), native);
	assert_int_equal(faces_post(faces, "/api/v2/secrets/peek",
	    "{\"id\":\"%s\"}", native), 200);
	faces_member(faces, "expires_at", expires, sizeof(expires));
	http_time((int64_t)(time(NULL) + 3600 + 1) * 1000, HTTP_UTC, latest);
	assert_true(strcmp(expires, latest) <= 0);
	assert_int_equal(faces_read_secret(faces, id, "q"), 404);
	assert_int_equal(faces_read_secret(faces, id, "p"), 404);
	faces_close(faces);
}

/* Held elsewhere: the lock file of that name in the state directory. */
static int
hold(const struct faces *faces, const char *name)
{
	char	 path[256];
	int	 fd;

	(void)snprintf(path, sizeof(path), "%s/%s", faces->conf.state_dir,
	    name);
	if ((fd = open(path, O_RDWR | O_CLOEXEC)) == -1)
		return -1;
	assert_int_equal(flock(fd, LOCK_EX), 0);
	return fd;
}

static void
is_busy(struct faces *faces, int status)
{
	assert_int_equal(status, 503);
	assert_string_equal(faces_header(faces, "Retry-After"), "1");
	assert_true(faces_is_json(faces));
}

/* Somebody else writes: every change is 503, and then possible again. */
static void
test_store_busy(void **state)
{
	struct faces		*faces;
	struct store_stats	 stats;
	uint8_t			 envelope[FACES_ENVELOPE];
	char			 key[FACES_UUID_SIZE], hex[FACES_HEX_SIZE];
	char			 id[FACES_ID_LENGTH + 1];
	int			 fd;

	(void)state;
	faces = faces_open("lock_wait = 100ms\n");
	faces_envelope(envelope, sizeof(envelope));
	faces_random(16, id);
	faces_make_message(faces, "x", 60, "12345", key);
	faces_make_secret(faces, "x", "p", hex);
	assert_int_equal(faces_frame(faces, envelope, sizeof(envelope),
	    "{\"id\":\"%s\",\"receipt\":\"%s\",\"expires_in\":60}", id, id),
	    201);
	stats = faces_stats(faces);
	assert_true((fd = hold(faces, "write.lock")) >= 0);

	is_busy(faces, faces_post(faces, "/api/v1/message",
	    "{\"message\":\"x\",\"exp\":60,\"pin\":\"12345\"}"));
	is_busy(faces, faces_read_message(faces, key, "12345"));
	is_busy(faces, faces_read_message(faces, key, "1234x"));
	is_busy(faces, faces_read_secret(faces, hex, "p"));
	faces_says(faces, "success", "False");
	is_busy(faces, faces_post(faces, "/api/v2/secrets/open",
	    "{\"id\":\"%s\",\"claim\":\"%s\"}", id, id));
	faces_says(faces, "type", "tag:oncelink,2026:busy");
	faces_says(faces, "retry_after", "1");
	is_busy(faces, faces_post(faces, "/api/v2/receipts/burn",
	    "{\"receipt\":\"%s\"}", id));
	assert_int_equal(faces_get(faces, "/api/v2/health"), 200);
	assert_int_equal(faces_post(faces, "/api/v2/secrets/peek",
	    "{\"id\":\"%s\"}", id), 200);
	faces_unchanged(faces, &stats);

	assert_int_equal(close(fd), 0);
	assert_int_equal(faces_read_message(faces, key, "1234y"), 417);
	assert_int_equal(faces_read_message(faces, key, "1234y"), 417);
	assert_int_equal(faces_read_message(faces, key, "12345"), 200);
	assert_int_equal(faces_read_secret(faces, hex, "p"), 200);
	assert_int_equal(faces_post(faces, "/api/v2/secrets/open",
	    "{\"id\":\"%s\",\"claim\":\"%s\"}", id, id), 200);
	faces_close(faces);
}

/* No turn at Argon2id: 503, and no attempt is used. */
static void
test_stretch_busy(void **state)
{
	struct faces		*faces;
	struct store_stats	 stats;
	char			 key[FACES_UUID_SIZE], name[16];
	int			 fds[256], held;

	(void)state;
	faces = faces_open("kdf_wait = 100ms\n");
	faces_make_message(faces, "x", 60, "12345", key);
	stats = faces_stats(faces);
	for (held = 0; held < 256; held++) {
		(void)snprintf(name, sizeof(name), "kdf.%d", held);
		if ((fds[held] = hold(faces, name)) == -1)
			break;
	}
	assert_true(held > 0);
	is_busy(faces, faces_read_message(faces, key, "1234x"));
	is_busy(faces, faces_read_message(faces, key, "12345"));
	is_busy(faces, faces_post(faces, "/secrets",
	    "{\"message\":\"x\",\"passphrase\":\"p\"}"));
	/* Who is not there costs no stretching. */
	assert_int_equal(faces_read_message(faces,
	    "f1acfe04-277f-4016-518d-16c312ab84b5", "12345"), 400);
	faces_unchanged(faces, &stats);
	while (held-- > 0)
		assert_int_equal(close(fds[held]), 0);
	assert_int_equal(faces_read_message(faces, key, "1234x"), 417);
	assert_int_equal(faces_read_message(faces, key, "1234x"), 417);
	assert_int_equal(faces_read_message(faces, key, "12345"), 200);
	faces_close(faces);
}

/* No room: creation is 507 on each interface, reading goes on. */
static void
test_store_full(void **state)
{
	const size_t		 size = 29 + 512 * 100;
	struct store_stats	 stats;
	struct faces		*faces;
	uint8_t			*envelope;
	char			*text;
	char			 id[FACES_ID_LENGTH + 1];
	char			 first[FACES_ID_LENGTH + 1] = "";
	int			 status, made;

	(void)state;
	faces = faces_open("max_store = 2M\nmax_envelope = 1M\n");
	envelope = malloc(size);
	text = calloc(1, 60001);
	assert_non_null(envelope);
	assert_non_null(text);
	faces_envelope(envelope, size);
	memset(text, 'x', 60000);
	for (made = 0; made < 100; made++) {
		faces_random(16, id);
		status = faces_frame(faces, envelope, size, "{\"id\":\"%s\","
		    "\"receipt\":\"%s\",\"expires_in\":60}", id, id);
		if (status != 201)
			break;
		memcpy(first, id, sizeof(id));
	}
	assert_int_equal(status, 507);
	faces_says(faces, "type", "tag:oncelink,2026:store-full");
	assert_true(made > 0);
	/* Said again it needs no room; said otherwise it is a used id. */
	faces_random(16, id);
	assert_int_equal(faces_frame(faces, envelope, size, "{\"id\":\"%s\","
	    "\"receipt\":\"%s\",\"expires_in\":60}", first, first), 201);
	assert_int_equal(faces_frame(faces, envelope, size, "{\"id\":\"%s\","
	    "\"receipt\":\"%s\",\"expires_in\":60}", first, id), 409);
	while ((status = faces_post(faces, "/api/v1/message",
	    "{\"message\":\"%s\",\"exp\":60,\"pin\":\"12345\"}", text)) ==
	    201 && made++ < 200)
		continue;
	assert_int_equal(status, 507);
	assert_true(faces_is_json(faces));
	stats = faces_stats(faces);
	assert_int_equal(faces_post(faces, "/secrets",
	    "{\"message\":\"%s\",\"passphrase\":\"p\"}", text), 507);
	faces_says(faces, "success", "False");
	faces_unchanged(faces, &stats);
	assert_int_equal(faces_post(faces, "/api/v2/secrets/open",
	    "{\"id\":\"%s\",\"claim\":\"%s\"}", first, first), 200);
	assert_int_equal(faces_post(faces, "/api/v2/secrets/ack",
	    "{\"id\":\"%s\",\"claim\":\"%s\"}", first, first), 204);
	faces_random(16, id);
	assert_int_equal(faces_frame(faces, envelope, size, "{\"id\":\"%s\","
	    "\"receipt\":\"%s\",\"expires_in\":60}", id, id), 201);
	free(text);
	free(envelope);
	faces_close(faces);
}

/* Files do not keep people from handing over passwords. */
static void
test_room_for_small_ones(void **state)
{
	const size_t	 large = 29 + 512 * 200, small = 29 + 512;
	struct faces	*faces;
	uint8_t		*envelope;
	char		 id[FACES_ID_LENGTH + 1];
	int		 status = 201;

	(void)state;
	faces = faces_open("max_store = 4M\nmax_envelope = 1M\n");
	envelope = malloc(large);
	assert_non_null(envelope);
	faces_envelope(envelope, large);
	for (int made = 0; status == 201 && made < 100; made++) {
		faces_random(16, id);
		status = faces_frame(faces, envelope, large, "{\"id\":\"%s\","
		    "\"receipt\":\"%s\",\"expires_in\":60}", id, id);
	}
	assert_int_equal(status, 507);
	for (int made = 0; made < 400; made++) {
		faces_random(16, id);
		assert_int_equal(faces_frame(faces, envelope, small,
		    "{\"id\":\"%s\",\"receipt\":\"%s\",\"expires_in\":60}",
		    id, id), 201);
	}
	free(envelope);
	faces_close(faces);
}

static void
overwrite(const struct faces *faces, const char *name)
{
	static const uint8_t	 zeros[512];
	struct stat		 status;
	char			 path[256];
	off_t			 at;
	int			 fd;

	(void)snprintf(path, sizeof(path), "%s/%s", faces->conf.state_dir,
	    name);
	assert_true((fd = open(path, O_WRONLY | O_CLOEXEC)) >= 0);
	assert_int_equal(fstat(fd, &status), 0);
	for (at = 0; at < status.st_size; at += (off_t)sizeof(zeros))
		assert_int_equal(pwrite(fd, zeros, sizeof(zeros), at),
		    sizeof(zeros));
	assert_int_equal(close(fd), 0);
}

/* A store that cannot be read: not healthy, and nothing is told. */
static void
test_store_damaged(void **state)
{
	struct faces	*faces;
	char		 key[FACES_UUID_SIZE];

	(void)state;
	faces = faces_open("");
	faces_make_message(faces, "x", 60, "12345", key);
	assert_int_equal(faces_get(faces, "/api/v2/health"), 200);
	/* What was read before the next commit is not believed after it. */
	faces_make_message(faces, "x", 60, "12345", key);
	overwrite(faces, "oncelink.db");
	overwrite(faces, "oncelink.db-wal");
	is_busy(faces, faces_get(faces, "/api/v2/health"));
	assert_int_equal(faces_post(faces, "/api/v2/secrets/peek",
	    "{\"id\":\"AAAAAAAAAAAAAAAAAAAAAA\"}"), 500);
	faces_says(faces, "type", "tag:oncelink,2026:failed");
	assert_int_equal(faces_read_message(faces, key, "12345"), 500);
	assert_true(faces_is_json(faces));
	faces_close(faces);
}

int
main(void)
{
	const struct CMUnitTest	 tests[] = {
		cmocka_unit_test(test_faces_off),
		cmocka_unit_test(test_create_nobody),
		cmocka_unit_test(test_client_address),
		cmocka_unit_test(test_path_prefix),
		cmocka_unit_test(test_settings_shown),
		cmocka_unit_test(test_store_busy),
		cmocka_unit_test(test_stretch_busy),
		cmocka_unit_test(test_store_full),
		cmocka_unit_test(test_room_for_small_ones),
		cmocka_unit_test(test_store_damaged)
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}

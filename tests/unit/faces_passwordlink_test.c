/* SPDX-License-Identifier: ISC */
/*
 * password.link's interface: keys, secrets, views, the listing.
 */

#include "sealed.h"

#include <sys/file.h>

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "core/account.h"
#include "core/listing.h"
#include "web/body_limit.h"

static void
test_create(void **state)
{
	struct sealed	*sealed = *state;
	char		 id[SEALED_ID_SIZE];

	sealed_make(sealed, "", id);
	assert_int_equal(strlen(id), TOKEN_BASE62_LENGTH);
	assert_int_equal(sealed_count(sealed, ""), 2);
	assert_int_equal(sealed_count(sealed, "data"), 1);
	assert_int_equal(sealed_count(sealed, "metadata"), 3);
	sealed_says(sealed, "metadata/secrets_total", "1");
	sealed_says(sealed, "metadata/secrets_usage", "1");
	sealed_says(sealed, "metadata/secrets_allowance", "null");
	assert_string_equal(faces_header(sealed->faces,
	    "Access-Control-Allow-Origin"), "*");
}

/* Every field comes back as it was sent, in the view or in the listing. */
static void
test_fields(void **state)
{
	struct sealed	*sealed = *state;
	char		 id[SEALED_ID_SIZE];

	sealed_make(sealed, ",\"description\":\"d \xc3\xa9\",\"message\":"
	    "\"m \\u0000 \xf0\x9f\x94\x91\",\"expiration\":\"3\","
	    "\"view_button\":true,\"captcha\":\"true\",\"max_views\":\"2\","
	    "\"password\":\"p\xc3\xa9 +\",\"unknown\":[1],"
	    "\"attachment_name\":\"" SEALED_OBJECT "\","
	    "\"attachment_ciphertext\":\"" SEALED_OBJECT "\"", id);
	sealed_list(sealed, sealed->private, "");
	assert_int_equal(sealed_count(sealed, "data"), 1);
	assert_int_equal(sealed_count(sealed, "data/0"), 12);
	sealed_says(sealed, "data/0/id", id);
	sealed_says(sealed, "data/0/description", "d \xc3\xa9");
	assert_non_null(strstr(sealed->faces->body,
	    "\"message\":\"m \\u0000 \xf0\x9f\x94\x91\""));
	sealed_says(sealed, "data/0/expiration", "3");
	sealed_says(sealed, "data/0/view_button", "true");
	sealed_says(sealed, "data/0/captcha", "true");
	sealed_says(sealed, "data/0/password", "true");
	sealed_says(sealed, "data/0/expired", "false");
	sealed_says(sealed, "data/0/view_times", "0");
	sealed_says(sealed, "data/0/max_views", "2");
	assert_int_equal(sealed_count(sealed, "data/0/views"), 0);

	assert_int_equal(sealed_view(sealed, sealed->public, id,
	    "p%C3%a9%20+"), 200);
	assert_int_equal(sealed_count(sealed, "data"), 6);
	sealed_says(sealed, "data/id", id);
	sealed_says(sealed, "data/ciphertext", SEALED_OBJECT);
	sealed_says(sealed, "data/password_part_private", SEALED_PART);
	sealed_says(sealed, "data/attachment_name", SEALED_OBJECT);
	sealed_says(sealed, "data/attachment_ciphertext", SEALED_OBJECT);
	sealed_says(sealed, "metadata/secrets_total", "1");
}

/* What is absent, null or "" is null, or has its default. */
static void
test_absent(void **state)
{
	static const char *const rests[] = {
		"",
		",\"description\":null,\"message\":null,\"expiration\":null,"
		"\"view_button\":null,\"captcha\":null,\"password\":null,"
		"\"max_views\":null,\"attachment_name\":null,"
		"\"attachment_ciphertext\":null",
		",\"description\":\"\",\"message\":\"\",\"expiration\":\"\","
		"\"view_button\":\"\",\"captcha\":\"\",\"password\":\"\","
		"\"max_views\":\"\",\"attachment_name\":\"\","
		"\"attachment_ciphertext\":\"\""
	};
	struct sealed	*sealed = *state;
	char		 id[SEALED_ID_SIZE];

	for (size_t i = 0; i < sizeof(rests) / sizeof(rests[0]); i++) {
		sealed_make(sealed, rests[i], id);
		sealed_list(sealed, sealed->private, "");
		sealed_says(sealed, "data/0/id", id);
		sealed_says(sealed, "data/0/description", "null");
		sealed_says(sealed, "data/0/message", "null");
		sealed_says(sealed, "data/0/expiration", "null");
		sealed_says(sealed, "data/0/view_button", "false");
		sealed_says(sealed, "data/0/captcha", "false");
		sealed_says(sealed, "data/0/password", "false");
		sealed_says(sealed, "data/0/max_views", "1");
		assert_int_equal(sealed_get(sealed, sealed->private, id),
		    200);
		assert_int_equal(sealed_count(sealed, "data"), 4);
		sealed_says(sealed, "data/message", "null");
	}
}

/* Hours from now, as the other interface has it. */
static int64_t
hours_left(struct sealed *sealed, const char *base62)
{
	uint8_t		 token[TOKEN_BYTES];
	char		 id[FACES_ID_LENGTH + 1];
	const char	*text;
	struct tm	 tm;

	assert_true(token_from_base62(token, base62, strlen(base62)));
	faces_base64url(token, sizeof(token), id);
	assert_int_equal(faces_post(sealed->faces, "/api/v2/secrets/peek",
	    "{\"id\":\"%s\"}", id), 200);
	text = sealed_at(sealed, "expires_at");
	memset(&tm, 0, sizeof(tm));
	assert_non_null(strptime(text, "%Y-%m-%dT%H:%M:%SZ", &tm));
	return ((int64_t)timegm(&tm) - time(NULL) + 1800) / 3600;
}

/* It lives as many hours as were asked for; 0 or none is the site's most. */
static void
test_expiration(void **state)
{
	static const struct {
		const char	*rest;
		int64_t		 hours;
	} rows[] = {
		{ "", 5 }, { ",\"expiration\":0", 5 },
		{ ",\"expiration\":\"0\"", 5 },
		{ ",\"expiration\":null", 5 }, { ",\"expiration\":2", 2 },
		{ ",\"expiration\":\"3\"", 3 }, { ",\"expiration\":5", 5 }
	};
	struct sealed	*sealed = sealed_open("max_expire = 5h\n");
	char		 id[SEALED_ID_SIZE];

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		sealed_make(sealed, rows[i].rest, id);
		assert_int_equal(hours_left(sealed, id), rows[i].hours);
	}
	sealed_close(sealed);
}

/* A row says that its time is over when it is, read or not, and nothing else
 * makes it say so. */
static void
test_expired(void **state)
{
	struct sealed	*sealed = *state;
	char		 id[SEALED_ID_SIZE];
	int64_t		 end;

	sealed->faces->conf.max_expire = 3000;
	sealed_make(sealed, ",\"max_views\":1,\"description\":\"read\"",
	    id);
	assert_int_equal(sealed_get(sealed, sealed->public, id), 200);
	sealed_make(sealed, ",\"description\":\"unread\"", id);
	end = clock_wall() + 3000;
	sealed_list(sealed, sealed->private, "");
	sealed_says(sealed, "data/0/expired", "false");
	sealed_says(sealed, "data/1/expired", "false");
	sealed_says(sealed, "data/1/view_times", "1");
	while (clock_wall() <= end)
		clock_sleep_us(10000);
	sealed_list(sealed, sealed->private, "");
	sealed_says(sealed, "data/0/expired", "true");
	sealed_says(sealed, "data/0/view_times", "0");
	sealed_says(sealed, "data/1/expired", "true");
	sealed_refused(sealed, sealed_get(sealed, sealed->public, id), 404,
	    NULL, "Secret not found");
}

static void
test_views(void **state)
{
	struct sealed	*sealed = *state;
	char		 id[SEALED_ID_SIZE];

	sealed_make(sealed, ",\"max_views\":2,\"message\":\"m\","
	    "\"description\":\"d\"", id);
	for (int i = 0; i < 2; i++) {
		assert_int_equal(sealed_get(sealed, sealed->public, id), 200);
		sealed_says(sealed, "data/message", "m");
	}
	sealed_refused(sealed, sealed_get(sealed, sealed->public, id), 404,
	    NULL, "Secret not found");
	sealed_list(sealed, sealed->private, "");
	sealed_says(sealed, "data/0/view_times", "2");
	sealed_says(sealed, "data/0/message", "null");
	sealed_says(sealed, "data/0/description", "d");
	sealed_says(sealed, "data/0/expired", "false");
	assert_int_equal(sealed_count(sealed, "data/0/views"), 2);
	sealed_says(sealed, "data/0/views/1/viewed_by_ip", "192.0.2.0");
	sealed_says(sealed, "data/0/views/1/viewed_by_user_agent", "a test");
	assert_int_equal(sealed_count(sealed, "data/0/views/0"), 3);
	assert_int_equal(strlen(sealed_at(sealed,
	    "data/0/views/0/viewed_at")), 20);
}

/* Every call, by every kind of key that will not do. */
static void
test_keys(void **state)
{
	static const char *const strangers[] = {
		NULL, "", "ApiKey", "ApiKey ", "ApiKey private_key_",
		"ApiKey private_key_00000000000000000000000000000000",
		"Basic dXNlcjpwYXNz"
	};
	struct sealed	*sealed = *state;
	char		 id[SEALED_ID_SIZE], text[FACES_KEY_SIZE + 32];

	sealed_make(sealed, "", id);
	for (size_t i = 0; i < sizeof(strangers) / sizeof(strangers[0]);
	    i++) {
		/* Without a header it is One Time Secret's. */
		if (strangers[i] != NULL)
			sealed_refused(sealed, sealed_post(sealed,
			    strangers[i], SEALED_BOTH), 403, NULL,
			    "This call needs an API key");
		sealed_refused(sealed, sealed_get(sealed, strangers[i], id),
		    403, NULL, "This call needs an API key");
		sealed_refused(sealed, sealed_delete(sealed, strangers[i],
		    id), 403, NULL, "This call needs an API key");
		sealed_refused(sealed, faces_ask(sealed->faces,
		    .method = HTTP_GET, .uri = "/api/secrets",
		    .authorization = strangers[i]), 403, NULL,
		    "This call needs an API key");
	}
	sealed_refused(sealed, sealed_post(sealed, sealed->public,
	    SEALED_BOTH), 403, NULL, "This call needs a private API key");
	sealed_refused(sealed, sealed_delete(sealed, sealed->public, id),
	    403, NULL, "This call needs a private API key");
	sealed_refused(sealed, faces_ask(sealed->faces, .method = HTTP_GET,
	    .uri = "/api/secrets", .authorization = sealed->public), 403,
	    NULL, "This call needs a private API key");

	/* Another account's secret is none. */
	sealed_refused(sealed, sealed_get(sealed, sealed->other, id), 404,
	    NULL, "Secret not found");
	sealed_refused(sealed, sealed_delete(sealed, sealed->other, id), 404,
	    NULL, "Secret not found");
	sealed_list(sealed, sealed->other, "");
	assert_int_equal(sealed_count(sealed, "data"), 0);
	sealed_says(sealed, "metadata/secrets_total", "0");

	(void)snprintf(text, sizeof(text), "bEARER %s",
	    sealed->public + strlen("ApiKey "));
	assert_int_equal(sealed_get(sealed, text, id), 200);
}

/* A key that was taken away is none from then on. */
static void
test_revoked(void **state)
{
	struct sealed		*sealed = *state;
	struct store_api_key	 key;
	enum account_outcome	 outcome;

	sealed_list(sealed, sealed->private, "");
	assert_int_equal(account_key_next(&sealed->faces->site, "one", 0,
	    &key, &outcome), 0);
	assert_true(key.private);
	assert_int_equal(account_key_revoke(&sealed->faces->site, "one",
	    key.id, &outcome), 0);
	sealed_refused(sealed, sealed_post(sealed, sealed->private,
	    SEALED_BOTH), 403, NULL, "This call needs an API key");
}

/* Which of two interfaces a request at their common paths is for. */
static void
test_routing(void **state)
{
	static const char	 id[] = "/api/secrets/"
				    "00000000000000000000000000000000";
	struct sealed		*sealed = *state;
	struct faces		*faces = sealed->faces;

	assert_int_equal(faces_post(faces, "/api/secrets",
	    "{\"message\":\"m\",\"passphrase\":\"p\"}"), 200);
	assert_int_equal(faces_post(faces, "/api/secrets", "x"), 400);
	faces_says(faces, "success", "False");
	sealed_refused(sealed, faces_post(faces, "/api/secrets",
	    "{\"cipher\\u0074ext\":1,\"message\":\"m\",\"passphrase\":"
	    "\"p\"}"), 403, NULL, "This call needs a private API key");
	/* A POST to an id is One Time Secret's, whoever asks. */
	assert_int_equal(faces_ask(faces, .method = HTTP_POST, .uri = id,
	    .type = FACES_JSON, .authorization = sealed->private,
	    .body = "{}", .size = 2), 400);
	faces_says(faces, "success", "False");
	sealed_refused(sealed, faces_get(faces, id), 403, NULL, "This");

	faces->conf.faces &= ~CONF_FACE_ONETIME;
	sealed_refused(sealed, faces_post(faces, "/api/secrets",
	    "{\"message\":\"m\",\"passphrase\":\"p\"}"), 403, NULL, "This");
	sealed_refused(sealed, faces_post(faces, id, "{}"), 405, NULL,
	    "This address does not take this method");
	assert_string_equal(faces_header(faces, "Allow"),
	    "GET, DELETE, OPTIONS");

	faces->conf.faces = CONF_FACE_ONETIME;
	assert_int_equal(faces_get(faces, "/api/secrets"), 405);
	faces_says(faces, "success", "False");
	assert_string_equal(faces_header(faces, "Allow"), "POST, OPTIONS");
	assert_int_equal(sealed_get(sealed, sealed->private, id), 404);
}

/* Neither HEAD nor a prefetch uses anything up. */
static void
test_not_by_accident(void **state)
{
	struct sealed	*sealed = *state;
	char		 id[SEALED_ID_SIZE], uri[64];

	sealed_make(sealed, "", id);
	(void)snprintf(uri, sizeof(uri), "/api/secrets/%s", id);
	sealed_refused(sealed, faces_ask(sealed->faces, .method = HTTP_HEAD,
	    .uri = uri, .authorization = sealed->public), 405, NULL,
	    "This address does not take this method");
	sealed_refused(sealed, faces_ask(sealed->faces, .method = HTTP_GET,
	    .uri = uri, .authorization = sealed->public,
	    .purpose = "prefetch"), 503, NULL, "This address uses a secret");
	assert_int_equal(sealed_get(sealed, sealed->public, id), 200);
}

static void
test_passwords(void **state)
{
	struct sealed	*sealed = *state;
	char		 id[SEALED_ID_SIZE];

	sealed_make(sealed, ",\"password\":\"right\",\"max_views\":9", id);
	for (int i = 0; i < 4; i++)
		sealed_refused(sealed, sealed_get(sealed, sealed->public,
		    id), 403, "password", "Password can't be blank");
	for (int i = 0; i < 2; i++)
		sealed_refused(sealed, sealed_view(sealed, sealed->public, id,
		    "wrong"), 403, "password", "Password is wrong");
	assert_int_equal(sealed_view(sealed, sealed->public, id, "right"),
	    200);
	sealed_refused(sealed, sealed_view(sealed, sealed->public, id,
	    "Right"), 403, "password", "Password is wrong, and that was the");
	sealed_refused(sealed, sealed_view(sealed, sealed->public, id,
	    "right"), 404, NULL, "Secret not found");
	/* The row stays, and counts no view that was none. */
	sealed_list(sealed, sealed->private, "");
	sealed_says(sealed, "data/0/view_times", "1");
	assert_int_equal(sealed_count(sealed, "data/0/views"), 1);
}

/* How much a month holds; what is deleted counts all the same. */
static void
test_allowance(void **state)
{
	const int64_t		 two = 2;
	struct sealed		*sealed = *state;
	enum account_outcome	 outcome;
	char			 id[SEALED_ID_SIZE];

	assert_int_equal(account_set(&sealed->faces->site, "one", &two, NULL,
	    &outcome), 0);
	sealed_make(sealed, "", id);
	sealed_says(sealed, "metadata/secrets_allowance", "2");
	assert_int_equal(sealed_delete(sealed, sealed->private, id), 200);
	sealed_says(sealed, "data", "null");
	sealed_says(sealed, "metadata/secrets_total", "0");
	sealed_says(sealed, "metadata/secrets_usage", "1");
	sealed_refused(sealed, sealed_delete(sealed, sealed->private, id),
	    404, NULL, "Secret not found");
	sealed_refused(sealed, sealed_get(sealed, sealed->private, id), 404,
	    NULL, "Secret not found");
	sealed_make(sealed, "", id);
	sealed_says(sealed, "metadata/secrets_total", "1");
	sealed_says(sealed, "metadata/secrets_usage", "2");
	sealed_refused(sealed, sealed_post(sealed, sealed->private,
	    SEALED_BOTH), 403, NULL, "The account has made as many secrets");
	sealed_list(sealed, sealed->private, "");
	sealed_says(sealed, "metadata/secrets_usage", "2");
	/* The other account has its own. */
	assert_int_equal(sealed_post(sealed, sealed->other, SEALED_BOTH),
	    201);
}

/* Newest first, 50 a page, each once. */
static void
test_pages(void **state)
{
	enum { MANY = 107 };
	struct sealed	*sealed = *state;
	char		 ids[MANY][SEALED_ID_SIZE], query[32];
	size_t		 rows, at = 0;

	for (size_t i = 0; i < MANY; i++)
		sealed_make(sealed, "", ids[MANY - 1 - i]);
	for (size_t page = 0; page < 3; page++) {
		(void)snprintf(query, sizeof(query), "?offset=%zu",
		    page * 50);
		sealed_list(sealed, sealed->private, query);
		rows = sealed_count(sealed, "data");
		assert_int_equal(rows, page < 2 ? 50 : MANY - 100);
		for (size_t i = 0; i < rows; i++, at++) {
			(void)snprintf(query, sizeof(query), "data/%zu/id",
			    i);
			sealed_says(sealed, query, ids[at]);
		}
		sealed_says(sealed, "metadata/secrets_total", "107");
	}
	sealed_list(sealed, sealed->private, "?offset=106");
	assert_int_equal(sealed_count(sealed, "data"), 1);
	sealed_says(sealed, "data/0/id", ids[106]);
}

/* Who may make secrets is who has a key, unless nobody may. */
static void
test_creators(void **state)
{
	struct sealed	*sealed = *state;
	char		 id[SEALED_ID_SIZE];

	sealed->faces->conf.create = CONF_CREATE_KEYS;
	sealed_make(sealed, "", id);
	assert_int_equal(faces_post(sealed->faces, "/api/secrets",
	    "{\"message\":\"m\",\"passphrase\":\"p\"}"), 403);
	sealed->faces->conf.create = CONF_CREATE_NOBODY;
	sealed_refused(sealed, sealed_post(sealed, sealed->private,
	    SEALED_BOTH), 403, NULL, "This site does not let everybody");
	assert_int_equal(sealed_get(sealed, sealed->private, id), 200);
}

/* Base64 with line ends, or without padding, is given back as it came. */
static void
test_as_it_came(void **state)
{
	static const char bare[] =
	    "eyJpdiI6IkFBQUEiLCJzYWx0IjoiQUFBQSIsImN0Ijoi\\r\\n"
	    "QUFBQSIsIm1vZGUiOiJnY20iLCJrcyI6MjU2fQ\\n";
	struct sealed	*sealed = *state;
	char		 members[512], id[SEALED_ID_SIZE], uri[64];

	(void)snprintf(members, sizeof(members), "\"ciphertext\":\"%s\","
	    "\"password_part_private\":\"YQ\"", bare);
	assert_int_equal(sealed_post(sealed, sealed->private, members), 201);
	(void)snprintf(id, sizeof(id), "%s", sealed_at(sealed, "data/id"));
	(void)snprintf(uri, sizeof(uri), "/api/secrets/%s", id);
	assert_int_equal(faces_ask(sealed->faces, .method = HTTP_GET,
	    .uri = uri, .authorization = sealed->private), 200);
	assert_non_null(strstr(sealed->faces->body, bare));
	sealed_says(sealed, "data/password_part_private", "YQ");
}

/* What is kept of who viewed, as the setting has it. */
static void
view_from(struct sealed *sealed, const char *address, const char *agent)
{
	char	 id[SEALED_ID_SIZE], uri[64];

	sealed_make(sealed, "", id);
	(void)snprintf(uri, sizeof(uri), "/api/secrets/%s", id);
	assert_int_equal(faces_ask(sealed->faces, .method = HTTP_GET,
	    .uri = uri, .authorization = sealed->public, .address = address,
	    .agent = agent), 200);
	sealed_list(sealed, sealed->private, "");
	sealed_says(sealed, "data/0/id", id);
}

static void
test_viewers(void **state)
{
	static const struct {
		int		 setting;
		const char	*address;
		const char	*kept;
	} rows[] = {
		{ CONF_ADDRESSES_FULL, "192.0.2.255", "192.0.2.255" },
		{ CONF_ADDRESSES_FULL, "2001:db8:1:2::3", "2001:db8:1:2::3" },
		{ CONF_ADDRESSES_FULL, "::ffff:192.0.2.7", "192.0.2.7" },
		{ CONF_ADDRESSES_FULL, "no address", "null" },
		{ CONF_ADDRESSES_TRUNCATED, "192.0.2.255", "192.0.2.0" },
		{ CONF_ADDRESSES_TRUNCATED, "2001:db8:1:2:3:4:5:6",
		    "2001:db8:1::" },
		{ CONF_ADDRESSES_TRUNCATED, "::ffff:192.0.2.7", "192.0.2.0" },
		{ CONF_ADDRESSES_TRUNCATED, "", "null" },
		{ CONF_ADDRESSES_NONE, "192.0.2.255", "null" },
		{ CONF_ADDRESSES_NONE, "2001:db8:1:2::3", "null" }
	};
	struct sealed	*sealed = *state;
	char		 agent[602];

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		sealed->faces->conf.viewer_addresses = rows[i].setting;
		view_from(sealed, rows[i].address, "curl/7 \"x\"");
		sealed_says(sealed, "data/0/views/0/viewed_by_ip",
		    rows[i].kept);
		sealed_says(sealed, "data/0/views/0/viewed_by_user_agent",
		    "curl/7 \"x\"");
	}
	view_from(sealed, "192.0.2.1", NULL);
	sealed_says(sealed, "data/0/views/0/viewed_by_user_agent", "null");
	view_from(sealed, "192.0.2.1", "A\xff\xc3");
	sealed_says(sealed, "data/0/views/0/viewed_by_user_agent", "A??");
	view_from(sealed, "192.0.2.1", "A\x01\x1f\x7f\n");
	sealed_says(sealed, "data/0/views/0/viewed_by_user_agent", "A????");
	/* A long one is cut, but not through a character. */
	memset(agent, 'x', sizeof(agent) - 1);
	agent[sizeof(agent) - 1] = '\0';
	memcpy(agent + 511, "\xc3\xa9", 2);
	view_from(sealed, "192.0.2.1", agent);
	agent[511] = '\0';
	sealed_says(sealed, "data/0/views/0/viewed_by_user_agent", agent);
}

/* Somebody else writes: every change is 503, and nothing has happened. */
static void
test_store_busy(void **state)
{
	struct sealed	*sealed = sealed_open("lock_wait = 100ms\n");
	char		 id[SEALED_ID_SIZE], path[256];
	int		 fd;

	(void)state;
	sealed_make(sealed, "", id);
	assert_int_equal(sealed_get(sealed, sealed->public,
	    "0000000000000000000000"), 404);
	(void)snprintf(path, sizeof(path), "%s/write.lock",
	    sealed->faces->conf.state_dir);
	assert_true((fd = open(path, O_RDWR | O_CLOEXEC)) >= 0);
	assert_int_equal(flock(fd, LOCK_EX), 0);
	sealed_refused(sealed, sealed_post(sealed, sealed->private,
	    SEALED_BOTH), 503, NULL, "The server is busy: try again");
	assert_string_equal(faces_header(sealed->faces, "Retry-After"), "1");
	sealed_refused(sealed, sealed_get(sealed, sealed->public, id), 503,
	    NULL, "The server is busy");
	sealed_refused(sealed, sealed_delete(sealed, sealed->private, id),
	    503, NULL, "The server is busy");
	/* Looking needs no lock, and neither does a key seen today. */
	sealed_list(sealed, sealed->private, "");
	sealed_says(sealed, "metadata/secrets_usage", "1");
	sealed_says(sealed, "data/0/view_times", "0");
	assert_int_equal(close(fd), 0);
	assert_int_equal(sealed_get(sealed, sealed->public, id), 200);
	sealed_close(sealed);
}

/* What the interface allows. */
#define TEXT_MAX	2048	/* code points */
#define VIEWS_MAX	100

/* The largest row that there can be, of the page that is told to web servers
 * and to `check'. */
static void
test_largest_row(void **state)
{
	struct sealed	*sealed = sealed_open("viewer_addresses = full\n"
				    "max_message = 1K\nmax_envelope = 1K\n"
				    "max_ciphertext = 1K\n"
				    "max_attachment = 1K\n");
	static char	 text[6 * TEXT_MAX + 1];
	static char	 members[2 * sizeof(text) + 1024];
	char		 agent[600], id[SEALED_ID_SIZE], uri[64];

	(void)state;
	for (size_t i = 0; i < TEXT_MAX; i++)
		memcpy(text + 6 * i, "\\u0001", 6);
	(void)snprintf(members, sizeof(members), SEALED_BOTH
	    ",\"max_views\":%d,"
	    "\"message\":\"%s\",\"description\":\"%s\"",
	    VIEWS_MAX, text, text);
	assert_int_equal(sealed_post(sealed, sealed->private, members), 201);
	(void)snprintf(id, sizeof(id), "%s", sealed_at(sealed, "data/id"));
	memset(agent, '"', sizeof(agent) - 1);
	agent[sizeof(agent) - 1] = '\0';
	(void)snprintf(uri, sizeof(uri), "/api/secrets/%s", id);
	/* The last view takes the message away. */
	for (int i = 1; i < VIEWS_MAX; i++)
		assert_int_equal(faces_ask(sealed->faces, .method = HTTP_GET,
		    .uri = uri, .authorization = sealed->public,
		    .address = "2001:db8:1111:2222:3333:4444:5555:6666",
		    .agent = agent), 200);
	sealed_list(sealed, sealed->private, "");
	sealed_says(sealed, "data/0/view_times", "99");
	assert_true(sealed->faces->size > 99 * 1024 + 2 * sizeof(text));
	assert_true((int64_t)sealed->faces->size <=
	    body_limit_answer(&sealed->faces->conf) / LISTING_PAGE);
	sealed_close(sealed);
}

/* No room: nothing is made and nothing counted, and reading goes on. */
static void
test_store_full(void **state)
{
	struct sealed	*sealed = sealed_open("max_store = 2M\n"
				    "max_envelope = 1M\n");
	char		 members[2048], usage[16];
	char		 id[SEALED_ID_SIZE] = "";
	int		 status, made;

	(void)state;
	(void)snprintf(members, sizeof(members), "\"ciphertext\":\""
	    SEALED_OBJECT "\",\"password_part_private\":\"%01000d\"", 0);
	for (made = 0; made < 10000; made++) {
		status = sealed_post(sealed, sealed->private, members);
		if (status != 201)
			break;
		(void)snprintf(id, sizeof(id), "%s", sealed_at(sealed,
		    "data/id"));
	}
	sealed_refused(sealed, status, 507, NULL,
	    "The server has no room for more");
	(void)snprintf(usage, sizeof(usage), "%d", made);
	sealed_list(sealed, sealed->private, "");
	sealed_says(sealed, "metadata/secrets_usage", usage);
	sealed_says(sealed, "metadata/secrets_total", usage);
	assert_int_equal(sealed_get(sealed, sealed->public, id), 200);
	sealed_close(sealed);
}

int
main(void)
{
	const struct CMUnitTest	 tests[] = {
#define SITE(test) cmocka_unit_test_setup_teardown(test, sealed_setup,	\
    sealed_teardown)
		SITE(test_create),
		SITE(test_fields),
		SITE(test_absent),
		cmocka_unit_test(test_expiration),
		SITE(test_expired),
		SITE(test_views),
		SITE(test_keys),
		SITE(test_revoked),
		SITE(test_routing),
		SITE(test_not_by_accident),
		SITE(test_passwords),
		SITE(test_allowance),
		SITE(test_pages),
		SITE(test_creators),
		SITE(test_as_it_came),
		SITE(test_viewers),
		cmocka_unit_test(test_largest_row),
		cmocka_unit_test(test_store_busy),
		cmocka_unit_test(test_store_full)
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}

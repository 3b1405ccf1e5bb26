/* SPDX-License-Identifier: ISC */
/*
 * Secret requests over HTTP: those of password.link's interface and how they
 * are filled in over our own; every field in every wrong way.
 */

#include "sealed.h"

#include <sys/file.h>

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "core/account.h"
#include "core/mail.h"

#define REQUESTS	"/api/secret_requests"
#define PEEK		"/api/v2/requests/peek"
#define FILL		"/api/v2/requests/fill"
#define SETTINGS	"site_url = https://secrets.example.org\n"

#define PUBLIC_PART	"RklHS0VPVElSVUJOQUtRSlJM"

static int
setup(void **state)
{
	*state = sealed_open(SETTINGS);
	return 0;
}

static int
teardown(void **state)
{
	sealed_close(*state);
	return 0;
}

static int
post(struct sealed *sealed, const char *key, const char *body)
{
	return faces_ask(sealed->faces, .method = HTTP_POST, .uri = REQUESTS,
	    .type = FACES_JSON, .body = body, .size = strlen(body),
	    .authorization = key);
}

/* A request; sets its id, and the same as the other interface has it. */
static void
make(struct sealed *sealed, const char *body, char uuid[FACES_UUID_SIZE],
    char id[FACES_ID_LENGTH + 1])
{
	uint8_t	 token[TOKEN_BYTES];

	assert_int_equal(post(sealed, sealed->private, body), 201);
	(void)snprintf(uuid, FACES_UUID_SIZE, "%s",
	    sealed_at(sealed, "data/id"));
	assert_true(token_from_uuid(token, uuid, strlen(uuid)));
	faces_base64url(token, sizeof(token), id);
}

static int
list(struct sealed *sealed, const char *key, const char *query)
{
	char	 uri[64];

	(void)snprintf(uri, sizeof(uri), REQUESTS "%s", query);
	return faces_ask(sealed->faces, .method = HTTP_GET, .uri = uri,
	    .authorization = key);
}

static int
delete(struct sealed *sealed, const char *key, const char *id)
{
	char	 uri[128];

	(void)snprintf(uri, sizeof(uri), REQUESTS "/%s", id);
	return faces_ask(sealed->faces, .method = HTTP_DELETE, .uri = uri,
	    .authorization = key);
}

static int
fill(struct sealed *sealed, const char *id, const char *more)
{
	return faces_post(sealed->faces, FILL, "{\"id\":\"%s\"," SEALED_BOTH
	    "%s}", id, more);
}

static int64_t
letters(struct sealed *sealed)
{
	struct mail_entry entry = { .number = 0 };
	int64_t		 count = 0;
	bool		 found;

	while (mail_next(&sealed->faces->site, entry.number, &entry,
	    &found) == 0 && found)
		count++;
	return count;
}

static void
is_problem(struct sealed *sealed, int status, int want, const char *type,
    const char *field)
{
	assert_int_equal(status, want);
	sealed_says(sealed, "type", type);
	if (field != NULL)
		sealed_says(sealed, "field", field);
	assert_null(faces_header(sealed->faces,
	    "Access-Control-Allow-Origin"));
}

/* The example requests of the source: none of them has a body. */
static void
takes_the_examples(void **state)
{
	struct sealed	*sealed = *state;
	char		 uuid[FACES_UUID_SIZE];

	assert_int_equal(faces_ask(sealed->faces, .method = HTTP_POST,
	    .uri = REQUESTS, .type = FACES_JSON, .lies = true,
	    .length = HTTP_LENGTH_ABSENT, .authorization = sealed->private),
	    201);
	assert_int_equal(sealed_count(sealed, "data"), 1);
	assert_int_equal(sealed_count(sealed, "metadata"), 5);
	sealed_says(sealed, "metadata/secrets_total", "0");
	sealed_says(sealed, "metadata/secrets_usage", "0");
	sealed_says(sealed, "metadata/secrets_allowance", "null");
	sealed_says(sealed, "metadata/secret_requests_total", "1");
	sealed_says(sealed, "metadata/secret_requests_allowance", "null");
	(void)snprintf(uuid, sizeof(uuid), "%s",
	    sealed_at(sealed, "data/id"));
	assert_string_equal(faces_header(sealed->faces,
	    "Access-Control-Allow-Origin"), "*");

	/* A body of no length is one, and its fields are not to be lost. */
	assert_int_equal(faces_ask(sealed->faces, .method = HTTP_POST,
	    .uri = REQUESTS, .type = FACES_JSON, .lies = true,
	    .length = HTTP_LENGTH_ABSENT, .authorization = sealed->private,
	    .body = "{\"limit\":3}", .size = 11), 411);
	assert_int_equal(list(sealed, sealed->private, ""), 200);
	assert_int_equal(sealed_count(sealed, "data"), 1);
	assert_int_equal(sealed_count(sealed, "data/0"), 12);
	sealed_says(sealed, "data/0/id", uuid);
	sealed_says(sealed, "data/0/description", "null");
	sealed_says(sealed, "data/0/message", "null");
	sealed_says(sealed, "data/0/expiration", "null");
	sealed_says(sealed, "data/0/limit", "1");
	sealed_says(sealed, "data/0/send_to_email", "null");
	sealed_says(sealed, "data/0/secret_description", "null");
	sealed_says(sealed, "data/0/secret_message", "null");
	sealed_says(sealed, "data/0/secret_expiration", "null");
	sealed_says(sealed, "data/0/secret_max_views", "1");
	sealed_says(sealed, "data/0/secret_password", "false");
	sealed_says(sealed, "data/0/template_id", "null");
	sealed_says(sealed, "metadata/secret_requests_total", "1");

	assert_int_equal(delete(sealed, sealed->private, uuid), 200);
	sealed_says(sealed, "data", "null");
	sealed_says(sealed, "metadata/secret_requests_total", "0");
	assert_int_equal(list(sealed, sealed->private, ""), 200);
	assert_int_equal(sealed_count(sealed, "data"), 0);
	sealed_refused(sealed, delete(sealed, sealed->private, uuid), 404,
	    NULL, "Secret request not found");
}

static void
lists_what_was_sent(void **state)
{
	static const char body[] = "{\"description\":\"d \xc3\xa9\","
	    "\"message\":\"m \\u0000\",\"expiration\":\"3\",\"limit\":\"4\","
	    "\"send_to_email\":\"us@example.org\","
	    "\"send_request_to_email\":\"them@example.org\","
	    "\"secret_description\":\"sd\",\"secret_message\":\"sm\","
	    "\"secret_expiration\":0,\"secret_password\":\"sp\","
	    "\"secret_max_views\":\"100\",\"unknown\":[1]}";
	struct sealed	*sealed = *state;
	char		 uuid[FACES_UUID_SIZE], id[FACES_ID_LENGTH + 1];

	make(sealed, body, uuid, id);
	assert_int_equal(list(sealed, sealed->private, ""), 200);
	assert_int_equal(sealed_count(sealed, "data/0"), 12);
	sealed_says(sealed, "data/0/description", "d \xc3\xa9");
	assert_non_null(strstr(sealed->faces->body,
	    "\"message\":\"m \\u0000\",\"expiration\":3,\"limit\":4,"
	    "\"send_to_email\":\"us@example.org\","
	    "\"secret_description\":\"sd\",\"secret_message\":\"sm\","
	    "\"secret_expiration\":0,\"secret_max_views\":100,"
	    "\"secret_password\":true,\"template_id\":null}"));
	assert_int_equal(letters(sealed), 1);
	/* null and "" are as if they were not there. */
	make(sealed, "{\"description\":\"\",\"message\":null,"
	    "\"expiration\":\"\",\"limit\":null,\"send_to_email\":\"\","
	    "\"send_request_to_email\":null,\"secret_description\":null,"
	    "\"secret_message\":\"\",\"secret_expiration\":null,"
	    "\"secret_password\":\"\",\"secret_max_views\":\"\"}", uuid, id);
	assert_int_equal(list(sealed, sealed->private, ""), 200);
	sealed_says(sealed, "data/0/description", "null");
	sealed_says(sealed, "data/0/limit", "1");
	sealed_says(sealed, "data/0/secret_password", "false");
	sealed_says(sealed, "data/0/secret_expiration", "null");
	assert_int_equal(letters(sealed), 1);
	make(sealed, "{}", uuid, id);
	assert_int_equal(list(sealed, sealed->private, "?offset=2"), 200);
	assert_int_equal(sealed_count(sealed, "data"), 1);
	sealed_says(sealed, "data/0/limit", "4");
	assert_int_equal(list(sealed, sealed->private, "?offset=3"), 200);
	assert_int_equal(sealed_count(sealed, "data"), 0);
	sealed_says(sealed, "metadata/secret_requests_total", "3");
	sealed_refused(sealed, list(sealed, sealed->private, "?offset=-1"),
	    422, "offset", "Offset ");
	/* Another account sees nothing of it. */
	assert_int_equal(list(sealed, sealed->other, ""), 200);
	assert_int_equal(sealed_count(sealed, "data"), 0);
	sealed_refused(sealed, delete(sealed, sealed->other, uuid), 404, NULL,
	    "Secret request not found");
}

static void
asks_for_a_private_key(void **state)
{
	struct sealed	*sealed = *state;
	const char	*keys[] = { NULL, sealed->public, "ApiKey x" };

	for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++) {
		sealed_refused(sealed, post(sealed, keys[i], "{}"), 403, NULL,
		    "This call needs a");
		sealed_refused(sealed, list(sealed, keys[i], ""), 403, NULL,
		    "This call needs a");
		sealed_refused(sealed, delete(sealed, keys[i],
		    "00000000-0000-4000-8000-000000000000"), 403, NULL,
		    "This call needs a");
	}
	assert_int_equal(list(sealed, sealed->private, ""), 200);
	assert_int_equal(sealed_count(sealed, "data"), 0);
}

#define WORDS_2049 2049

static void
refuses_bad_fields(void **state)
{
	static const struct {
		const char	*body, *field, *sentence;
	} rows[] = {
		{ "{\"description\":1}", "description", "Description must be "
		    "a string" },
		{ "{\"message\":{}}", "message", "Message must be a string" },
		{ "{\"expiration\":-1}", "expiration", "Expiration must be a "
		    "whole number from 0 to 350" },
		{ "{\"expiration\":351}", "expiration", "Expiration must be" },
		{ "{\"expiration\":1.5}", "expiration", "Expiration must be" },
		{ "{\"expiration\":\"1h\"}", "expiration", "Expiration must" },
		{ "{\"limit\":0}", "limit", "Limit must be a whole number "
		    "from 1 to 1000" },
		{ "{\"limit\":1001}", "limit", "Limit must be" },
		{ "{\"limit\":true}", "limit", "Limit must be" },
		{ "{\"secret_expiration\":351}", "secret_expiration",
		    "Secret expiration must be" },
		{ "{\"secret_max_views\":0}", "secret_max_views",
		    "Secret max views must be" },
		{ "{\"secret_max_views\":101}", "secret_max_views",
		    "Secret max views must be" },
		{ "{\"secret_description\":[]}", "secret_description",
		    "Secret description must be" },
		{ "{\"secret_message\":false}", "secret_message",
		    "Secret message must be" },
		{ "{\"secret_password\":12}", "secret_password",
		    "Secret password must be" },
		{ "{\"limit\":1,\"limit\":1}", "limit", "Limit is there more "
		    "than once" },
	};
	static const char *const addresses[] = {
		"a", "a@b@c", "a@b,c@d", "a@b c@d", "a@b\\r\\nBcc: c@d",
		"a@b\\nBcc: c@d", "a@b\\u0000", "A <a@b>", "<a@b>", " a@b",
		"a@b ", "\xc3\xa5@b.se", "a@b;c@d", "a@[127.0.0.1]",
	};
	static const char *const fields[] = {
		"send_request_to_email", "send_to_email",
	};
	struct sealed	*sealed = *state;
	char		 body[8192], *long_text;

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		sealed_refused(sealed, post(sealed, sealed->private,
		    rows[i].body), 422, rows[i].field, rows[i].sentence);
	for (size_t i = 0; i < sizeof(addresses) / sizeof(addresses[0]); i++)
		for (size_t j = 0; j < 2; j++) {
			(void)snprintf(body, sizeof(body), "{\"%s\":\"%s\"}",
			    fields[j], addresses[i]);
			sealed_refused(sealed, post(sealed, sealed->private,
			    body), 422, fields[j], j == 0 ?
			    "Send request to email must be one mail address" :
			    "Send to email must be one mail address");
		}
	/* One character too many, in each of four texts. */
	long_text = calloc(WORDS_2049 * 2 + 1, 1);
	assert_non_null(long_text);
	for (size_t i = 0; i < WORDS_2049; i++)
		memcpy(long_text + 2 * i, "\xc3\xa5", 2);
	for (size_t i = 0; i < 4; i++) {
		static const char *const texts[] = { "description", "message",
		    "secret_description", "secret_message" };

		(void)snprintf(body, sizeof(body), "{\"%s\":\"%s\"}",
		    texts[i], long_text);
		assert_int_equal(post(sealed, sealed->private, body), 422);
		sealed_says(sealed, "error/field", texts[i]);
		(void)snprintf(body, sizeof(body), "{\"%s\":\"%s\"}",
		    texts[i], long_text + 2);
		assert_int_equal(post(sealed, sealed->private, body), 201);
	}
	memset(long_text, 'a', 1025);
	long_text[1025] = '\0';
	(void)snprintf(body, sizeof(body), "{\"secret_password\":\"%s\"}",
	    long_text);
	sealed_refused(sealed, post(sealed, sealed->private, body), 422,
	    "secret_password", "Secret password is too long");
	memset(long_text, ' ', 255);
	memcpy(long_text, "a@b", 3);
	long_text[255] = '\0';
	(void)snprintf(body, sizeof(body), "{\"send_to_email\":\"%s\"}",
	    long_text);
	sealed_refused(sealed, post(sealed, sealed->private, body), 422,
	    "send_to_email", "Send to email is too long");
	free(long_text);
	sealed_refused(sealed, post(sealed, sealed->private, "["), 400, NULL,
	    "The body must be one JSON object");
	assert_int_equal(list(sealed, sealed->private, ""), 200);
	assert_int_equal(sealed_count(sealed, "data"), 4);
	assert_int_equal(letters(sealed), 0);
}

static void
refuses_bad_paths(void **state)
{
	static const char *const ids[] = {
		"x", "00000000-0000-4000-8000-00000000000",
		"00000000-0000-4000-8000-0000000000000",
		"00000000000040008000000000000000",
		"0000000z-0000-4000-8000-000000000000",
	};
	struct sealed	*sealed = *state;

	for (size_t i = 0; i < sizeof(ids) / sizeof(ids[0]); i++)
		sealed_refused(sealed, delete(sealed, sealed->private,
		    ids[i]), 404, NULL, "Secret request not found");
	assert_int_equal(faces_ask(sealed->faces, .method = HTTP_OPTIONS,
	    .uri = REQUESTS), 204);
	assert_string_equal(faces_header(sealed->faces,
	    "Access-Control-Allow-Methods"), "GET, POST, DELETE");
	assert_int_equal(faces_ask(sealed->faces, .method = HTTP_GET,
	    .uri = REQUESTS "/00000000-0000-4000-8000-000000000000",
	    .authorization = sealed->private), 405);
}

static void
says_when_there_is_no_mail(void **state)
{
	struct sealed	*sealed = *state;

	free(sealed->faces->conf.site_url);
	sealed->faces->conf.site_url = strdup("");
	sealed_refused(sealed, post(sealed, sealed->private,
	    "{\"send_to_email\":\"a@example.org\"}"), 422, "send_to_email",
	    "Send to email cannot be used");
	sealed_refused(sealed, post(sealed, sealed->private,
	    "{\"send_request_to_email\":\"a@example.org\"}"), 422,
	    "send_request_to_email", "Send request to email cannot be used");
	assert_int_equal(post(sealed, sealed->private, "{}"), 201);
}

static void
holds_allowances(void **state)
{
	struct sealed	*sealed = *state;
	const int64_t	 one = 1;
	enum account_outcome outcome;
	char		 uuid[FACES_UUID_SIZE], id[FACES_ID_LENGTH + 1];

	assert_int_equal(account_set(&sealed->faces->site, "one", &one, &one,
	    &outcome), 0);
	make(sealed, "{\"limit\":2}", uuid, id);
	sealed_says(sealed, "metadata/secret_requests_allowance", "1");
	sealed_refused(sealed, post(sealed, sealed->private, "{}"), 403, NULL,
	    "The account has made as many secret requests");
	assert_int_equal(fill(sealed, id, ""), 201);
	is_problem(sealed, fill(sealed, id, ""), 403,
	    "tag:oncelink,2026:creation-not-allowed", NULL);
	assert_int_equal(faces_post(sealed->faces, PEEK, "{\"id\":\"%s\"}",
	    id), 200);
	sealed_says(sealed, "uses_left", "1");
	assert_int_equal(list(sealed, sealed->private, ""), 200);
	sealed_says(sealed, "metadata/secrets_usage", "1");
	sealed_says(sealed, "metadata/secrets_total", "1");
}

/* How long a filled-in request's id is told to live, in hours. */
static int64_t
hours_left(struct sealed *sealed, const char *uri, const char *id)
{
	const char	*text;
	struct tm	 tm;

	assert_int_equal(faces_post(sealed->faces, uri, "{\"id\":\"%s\"}",
	    id), 200);
	text = sealed_at(sealed, "expires_at");
	memset(&tm, 0, sizeof(tm));
	assert_non_null(strptime(text, "%Y-%m-%dT%H:%M:%SZ", &tm));
	return ((int64_t)timegm(&tm) - time(NULL) + 1800) / 3600;
}

/* Hours of a request and of its secrets; 0 or none is the site's most. */
static void
lives_as_long_as_asked(void **state)
{
	static const struct {
		const char	*members;
		int64_t		 request, secret;
	} rows[] = {
		{ "", 5, 5 },
		{ "\"expiration\":0,\"secret_expiration\":0", 5, 5 },
		{ "\"expiration\":null,\"secret_expiration\":\"\"", 5, 5 },
		{ "\"expiration\":2,\"secret_expiration\":3", 2, 3 },
		{ "\"expiration\":\"3\",\"secret_expiration\":\"2\"", 3,
		    2 },
		{ "\"expiration\":2", 2, 5 },
		{ "\"secret_expiration\":\"5\"", 5, 5 },
	};
	struct sealed	*sealed = sealed_open(SETTINGS "max_expire = 5h\n");
	char		 uuid[FACES_UUID_SIZE], id[FACES_ID_LENGTH + 1];
	char		 body[128];

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		(void)snprintf(body, sizeof(body), "{%s}", rows[i].members);
		make(sealed, body, uuid, id);
		assert_int_equal(hours_left(sealed, PEEK, id),
		    rows[i].request);
		assert_int_equal(fill(sealed, id, ""), 201);
		(void)snprintf(id, sizeof(id), "%s", sealed_at(sealed, "id"));
		assert_int_equal(hours_left(sealed, "/api/v2/secrets/peek",
		    id), rows[i].secret);
	}
	sealed_refused(sealed, post(sealed, sealed->private,
	    "{\"secret_expiration\":\"6\"}"), 422, "secret_expiration",
	    "Secret expiration must be a whole number from 0 to 5");
	sealed_close(sealed);
}

/* Somebody else writes: nothing is made, used or removed. */
static void
tells_when_it_is_busy(void **state)
{
	struct sealed	*sealed = sealed_open(SETTINGS "lock_wait = 100ms\n");
	char		 uuid[FACES_UUID_SIZE], id[FACES_ID_LENGTH + 1];
	char		 path[256];
	int		 fd;

	(void)state;
	make(sealed, "{}", uuid, id);
	(void)snprintf(path, sizeof(path), "%s/write.lock",
	    sealed->faces->conf.state_dir);
	assert_true((fd = open(path, O_RDWR | O_CLOEXEC)) >= 0);
	assert_int_equal(flock(fd, LOCK_EX), 0);
	sealed_refused(sealed, post(sealed, sealed->private, "{}"), 503, NULL,
	    "The server is busy: try again");
	assert_string_equal(faces_header(sealed->faces, "Retry-After"), "1");
	sealed_refused(sealed, delete(sealed, sealed->private, uuid), 503,
	    NULL, "The server is busy");
	is_problem(sealed, fill(sealed, id, ""), 503,
	    "tag:oncelink,2026:busy", NULL);
	assert_string_equal(faces_header(sealed->faces, "Retry-After"), "1");
	assert_int_equal(close(fd), 0);
	assert_int_equal(list(sealed, sealed->private, ""), 200);
	sealed_says(sealed, "metadata/secret_requests_total", "1");
	sealed_says(sealed, "metadata/secrets_usage", "0");
	assert_int_equal(fill(sealed, id, ""), 201);
	sealed_close(sealed);
}

/* No room: neither requests nor what they ask for, and nothing is counted. */
static void
tells_when_it_is_full(void **state)
{
	struct sealed	*sealed = sealed_open(SETTINGS "max_store = 2M\n"
				    "max_envelope = 1M\n");
	char		 uuid[FACES_UUID_SIZE], id[FACES_ID_LENGTH + 1];
	char		 body[2200], made_text[16];
	int		 status, made, filled;

	(void)state;
	make(sealed, "{\"limit\":1000}", uuid, id);
	(void)snprintf(body, sizeof(body), "{\"message\":\"%02000d\"}", 0);
	for (made = 1; made < 10000; made++)
		if ((status = post(sealed, sealed->private, body)) != 201)
			break;
	sealed_refused(sealed, status, 507, NULL,
	    "The server has no room for more");
	for (filled = 0; filled < 1000; filled++)
		if ((status = fill(sealed, id, "")) != 201)
			break;
	is_problem(sealed, status, 507, "tag:oncelink,2026:store-full", NULL);
	assert_int_equal(list(sealed, sealed->private, ""), 200);
	(void)snprintf(made_text, sizeof(made_text), "%d", made);
	sealed_says(sealed, "metadata/secret_requests_total", made_text);
	(void)snprintf(made_text, sizeof(made_text), "%d", filled);
	sealed_says(sealed, "metadata/secrets_usage", made_text);
	sealed_says(sealed, "metadata/secrets_total", made_text);
	/* The use was not taken. */
	assert_int_equal(faces_post(sealed->faces, PEEK, "{\"id\":\"%s\"}",
	    id), 200);
	(void)snprintf(made_text, sizeof(made_text), "%d", 1000 - filled);
	sealed_says(sealed, "uses_left", made_text);
	sealed_close(sealed);
}

/* Whatever its type, as everywhere in this interface. */
static void
takes_any_type(void **state)
{
	static const char *const types[] = {
		NULL, "", "text/plain", "application/x-www-form-urlencoded",
	};
	struct sealed	*sealed = *state;

	for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++) {
		assert_int_equal(faces_ask(sealed->faces,
		    .method = HTTP_POST, .uri = REQUESTS, .type = types[i],
		    .body = "{\"limit\":7}", .size = strlen("{\"limit\":7}"),
		    .authorization = sealed->private), 201);
		assert_int_equal(list(sealed, sealed->private, ""), 200);
		sealed_says(sealed, "data/0/limit", "7");
	}
}

static void
is_filled_in(void **state)
{
	struct sealed	*sealed = *state;
	char		 uuid[FACES_UUID_SIZE], id[FACES_ID_LENGTH + 1];
	char		 base62[TOKEN_BASE62_LENGTH + 1];
	uint8_t		 token[TOKEN_BYTES];
	const char	*secret;

	make(sealed, "{\"message\":\"please\",\"secret_message\":\"sm\","
	    "\"secret_description\":\"sd\",\"secret_password\":\"p w\","
	    "\"secret_expiration\":2,\"secret_max_views\":2}", uuid, id);
	assert_int_equal(faces_post(sealed->faces, PEEK, "{\"id\":\"%s\"}",
	    id), 200);
	assert_int_equal(sealed_count(sealed, ""), 4);
	sealed_says(sealed, "message", "please");
	sealed_says(sealed, "uses_left", "1");
	sealed_says(sealed, "mailed", "false");
	assert_int_equal(strlen(sealed_at(sealed, "expires_at")), 20);
	assert_null(faces_header(sealed->faces,
	    "Access-Control-Allow-Origin"));
	is_problem(sealed, fill(sealed, id, ",\"password_part_public\":\""
	    PUBLIC_PART "\""), 422, "tag:oncelink,2026:invalid-field",
	    "password_part_public");
	assert_int_equal(fill(sealed, id, ""), 201);
	assert_int_equal(sealed_count(sealed, ""), 1);
	secret = sealed_at(sealed, "id");
	assert_true(token_from_base64url(token, sizeof(token), secret,
	    strlen(secret)));
	token_to_base62(token, base62);
	/* Used up. */
	is_problem(sealed, fill(sealed, id, ""), 404,
	    "tag:oncelink,2026:not-found", NULL);
	is_problem(sealed, faces_post(sealed->faces, PEEK, "{\"id\":\"%s\"}",
	    id), 404, "tag:oncelink,2026:not-found", NULL);

	sealed_list(sealed, sealed->private, "");
	sealed_says(sealed, "data/0/id", base62);
	sealed_says(sealed, "data/0/description", "sd");
	sealed_says(sealed, "data/0/message", "sm");
	sealed_says(sealed, "data/0/expiration", "2");
	sealed_says(sealed, "data/0/max_views", "2");
	sealed_says(sealed, "data/0/password", "true");
	sealed_says(sealed, "data/0/captcha", "false");
	assert_int_equal(sealed_view(sealed, sealed->public, base62,
	    "p%20w"), 200);
	sealed_says(sealed, "data/ciphertext", SEALED_OBJECT);
	sealed_says(sealed, "data/password_part_private", SEALED_PART);
	sealed_says(sealed, "data/message", "sm");
	assert_int_equal(letters(sealed), 0);
}

static void
is_mailed(void **state)
{
	static const char *const bad[] = {
		"", "!", "AAAA", "IA==", "w6U=", "YSBi", "YQpi",
		("YWFhYWFhYWFhYWFhYWFhYWFhYWFhYWFhYWFhYWFhYWFhYWFhYWFhYWFhYWFh"
		"YWFhYWFhYWFhYWFhYWFhYWFhYWE="),
	};
	struct sealed	*sealed = *state;
	char		 uuid[FACES_UUID_SIZE], id[FACES_ID_LENGTH + 1];
	char		 more[256];

	make(sealed, "{\"send_to_email\":\"us@example.org\"}", uuid, id);
	assert_int_equal(faces_post(sealed->faces, PEEK, "{\"id\":\"%s\"}",
	    id), 200);
	sealed_says(sealed, "message", "null");
	sealed_says(sealed, "mailed", "true");
	is_problem(sealed, fill(sealed, id, ""), 422,
	    "tag:oncelink,2026:invalid-field", "password_part_public");
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		(void)snprintf(more, sizeof(more),
		    ",\"password_part_public\":\"%s\"", bad[i]);
		is_problem(sealed, fill(sealed, id, more), 422,
		    "tag:oncelink,2026:invalid-field",
		    "password_part_public");
	}
	assert_int_equal(letters(sealed), 0);
	assert_int_equal(fill(sealed, id, ",\"password_part_public\":\""
	    PUBLIC_PART "\""), 201);
	assert_int_equal(letters(sealed), 1);
}

static void
refuses_bad_fillings(void **state)
{
	static const struct {
		const char	*body;
		const char	*field;
		int		 status;
	} rows[] = {
		{ "{}", "id", 422 },
		{ "{\"id\":\"x\"," SEALED_BOTH "}", "id", 422 },
		{ "{\"id\":\"%s\"}", "ciphertext", 422 },
		{ "{\"id\":\"%s\",\"ciphertext\":\"" SEALED_OBJECT "\"}",
		    "password_part_private", 422 },
		{ "{\"id\":\"%s\",\"ciphertext\":\"\","
		    "\"password_part_private\":\"" SEALED_PART "\"}",
		    "ciphertext", 422 },
		{ "{\"id\":\"%s\",\"ciphertext\":1,"
		    "\"password_part_private\":\"" SEALED_PART "\"}",
		    "ciphertext", 422 },
		{ "{\"id\":\"%s\",\"ciphertext\":\"!\","
		    "\"password_part_private\":\"" SEALED_PART "\"}",
		    "ciphertext", 422 },
		{ "{\"id\":\"%s\",\"ciphertext\":\"" SEALED_NO_OBJECT "\","
		    "\"password_part_private\":\"" SEALED_PART "\"}",
		    "ciphertext", 422 },
		{ "{\"id\":\"%s\",\"ciphertext\":\"" SEALED_OBJECT "\","
		    "\"password_part_private\":\"!\"}",
		    "password_part_private", 422 },
		{ "{\"id\":\"%s\"," SEALED_BOTH ",\"more\":1}", "more", 422 },
		{ "{\"id\":\"%s\"," SEALED_BOTH ",\"password_part_public\":"
		    "null}", "password_part_public", 422 },
	};
	struct sealed	*sealed = *state;
	char		 uuid[FACES_UUID_SIZE], id[FACES_ID_LENGTH + 1];
	char		 body[1024];

	make(sealed, "{}", uuid, id);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		const char	*place = strstr(rows[i].body, "%s");

		if (place == NULL)
			(void)snprintf(body, sizeof(body), "%s",
			    rows[i].body);
		else
			(void)snprintf(body, sizeof(body), "%.*s%s%s",
			    (int)(place - rows[i].body), rows[i].body, id,
			    place + 2);
		is_problem(sealed, faces_post(sealed->faces, FILL, "%s",
		    body), rows[i].status, "tag:oncelink,2026:invalid-field",
		    rows[i].field);
	}
	is_problem(sealed, fill(sealed, "AAAAAAAAAAAAAAAAAAAAAA", ""), 404,
	    "tag:oncelink,2026:not-found", NULL);
	sealed->faces->conf.max_ciphertext = 10;
	is_problem(sealed, fill(sealed, id, ""), 413,
	    "tag:oncelink,2026:too-large", NULL);
	sealed->faces->conf.max_ciphertext = 1 << 20;
	sealed->faces->conf.create = CONF_CREATE_NOBODY;
	is_problem(sealed, fill(sealed, id, ""), 403,
	    "tag:oncelink,2026:creation-not-allowed", NULL);
	/* Before the body is looked at. */
	is_problem(sealed, faces_ask(sealed->faces, .method = HTTP_POST,
	    .uri = FILL, .type = FACES_JSON, .body = "{}", .size = 2),
	    403, "tag:oncelink,2026:creation-not-allowed", NULL);
	assert_int_equal(sealed->faces->unread, 2);
	sealed->faces->conf.create = CONF_CREATE_KEYS;
	assert_int_equal(fill(sealed, id, ""), 201);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(takes_the_examples),
		TEST(lists_what_was_sent),
		TEST(asks_for_a_private_key),
		TEST(refuses_bad_fields),
		TEST(refuses_bad_paths),
		TEST(says_when_there_is_no_mail),
		TEST(holds_allowances),
		TEST(takes_any_type),
		cmocka_unit_test(lives_as_long_as_asked),
		cmocka_unit_test(tells_when_it_is_busy),
		cmocka_unit_test(tells_when_it_is_full),
		TEST(is_filled_in),
		TEST(is_mailed),
		TEST(refuses_bad_fillings),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}

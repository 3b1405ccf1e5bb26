/* SPDX-License-Identifier: ISC */
/*
 * How a site is made for a test, asked and looked into.
 */

#include "faces.h"

#include <sys/stat.h>

#include <dirent.h>
#include <fcntl.h>
#include <json-c/json.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/complaint.h"
#include "base/filelock.h"
#include "base/log.h"
#include "core/account.h"
#include "crypto/keyfile.h"
#include "crypto/keyring.h"

struct body {
	const uint8_t	*bytes;
	size_t		 left;
};

static void
remove_tree(const char *path)
{
	char		 name[512];
	struct dirent	*entry;
	DIR		*directory;

	if ((directory = opendir(path)) != NULL) {
		while ((entry = readdir(directory)) != NULL) {
			if (strcmp(entry->d_name, ".") == 0 ||
			    strcmp(entry->d_name, "..") == 0)
				continue;
			(void)snprintf(name, sizeof(name), "%s/%s", path,
			    entry->d_name);
			if (entry->d_type == DT_DIR)
				remove_tree(name);
			else
				(void)unlink(name);
		}
		(void)closedir(directory);
	}
	(void)rmdir(path);
}

static void
write_conf(const char *path, const char *settings)
{
	FILE	*file;

	file = fopen(path, "w");
	assert_non_null(file);
	assert_true(fprintf(file,
	    "state_dir = state\n"
	    "key_file = keys/server.key\n"
	    "log = stderr\n"
	    "log_level = error\n"
	    "kdf_passes = 1\n"
	    "kdf_memory = 8M\n"
	    "%s", settings) > 0);
	assert_int_equal(fclose(file), 0);
	assert_int_equal(chmod(path, 0600), 0);
}

static void
join(char *path, size_t size, const char *directory, const char *name)
{
	int	 length;

	length = snprintf(path, size, "%s/%s", directory, name);
	assert_true(length > 0 && (size_t)length < size);
}

struct faces *
faces_open(const char *settings)
{
	struct complaint	 error;
	struct faces		*faces;
	const char		*base;
	char			 path[128];

	(void)unsetenv("SIGN_KEY");
	(void)unsetenv("MAX_EXPIRE");
	(void)unsetenv("PIN_SIZE");
	(void)unsetenv("PIN_ATTEMPTS");
	assert_true(sodium_init() >= 0);
	assert_int_equal(filelock_prepare(), 0);
	log_open("faces_test", LOG_TO_STDERR, LOG_LEVEL_ERROR);

	faces = calloc(1, sizeof(*faces));
	assert_non_null(faces);
	if ((base = getenv("TMPDIR")) == NULL)
		base = P_tmpdir;
	join(faces->directory, sizeof(faces->directory), base,
	    "oncelink-faces.XXXXXX");
	assert_non_null(mkdtemp(faces->directory));
	join(path, sizeof(path), faces->directory, "state");
	assert_int_equal(mkdir(path, 0700), 0);
	join(path, sizeof(path), faces->directory, "keys");
	assert_int_equal(mkdir(path, 0700), 0);
	join(path, sizeof(path), faces->directory, "oncelink.conf");
	write_conf(path, settings);
	if (conf_load(&faces->conf, path, &error) == -1)
		fail_msg("%s", error.text);
	if (keyfile_create(faces->conf.key_file, &error) == -1)
		fail_msg("%s", error.text);
	if (store_create(faces->conf.state_dir, &error) == -1)
		fail_msg("%s", error.text);
	if (site_open(&faces->site, &faces->conf, SITE_SINGLE,
	    &error) == -1)
		fail_msg("%s", error.text);
	assert_int_equal(app_init(&faces->app, &faces->site, &faces->conf), 0);
	faces->arena = arena_create();
	assert_non_null(faces->arena);
	return faces;
}

void
faces_close(struct faces *faces)
{
	free(faces->body);
	arena_destroy(faces->arena);
	site_close(&faces->site);
	conf_free(&faces->conf);
	remove_tree(faces->directory);
	free(faces);
}

static size_t
read_body(void *transport, void *bytes, size_t size)
{
	struct body	*body = transport;

	if (size > body->left)
		size = body->left;
	memcpy(bytes, body->bytes, size);
	body->bytes += size;
	body->left -= size;
	return size;
}

static const char *
or_empty(const char *text)
{
	return text == NULL ? "" : text;
}

int
faces_send(struct faces *faces, const struct faces_question *question)
{
	struct body	 body;
	size_t		 written;

	free(faces->body);
	faces->body = NULL;
	arena_reset(faces->arena);
	body.bytes = question->body == NULL ? (const uint8_t *)"" :
	    question->body;
	body.left = question->size;
	memset(&faces->reply, 0, sizeof(faces->reply));
	faces->request = (struct http_request){
		.arena = faces->arena,
		.method = question->method,
		.uri = question->uri,
		.content_type = or_empty(question->type),
		.content_length = question->lies ? question->length :
		    (int64_t)question->size,
		.authorization = question->authorization,
		.secret_password = or_empty(question->password),
		.user_agent = question->agent,
		.purpose = or_empty(question->purpose),
		.remote_address = question->address == NULL ? "192.0.2.1" :
		    question->address,
		.forwarded_for = or_empty(question->forwarded_for),
		.document_root = or_empty(question->document_root),
		.read_body = read_body,
		.transport = &body
	};
	app_handle(&faces->app, &faces->request, &faces->reply);
	faces->unread = body.left;

	assert_false(faces->reply.body.failed);
	written = faces->reply.body.len;
	faces->size = written + faces->reply.tail_size;
	faces->body = malloc(faces->size + 1);
	assert_non_null(faces->body);
	if (written > 0)
		memcpy(faces->body, faces->reply.body.data, written);
	if (faces->reply.tail_size > 0)
		memcpy(faces->body + written, faces->reply.tail,
		    faces->reply.tail_size);
	faces->body[faces->size] = '\0';
	return faces->reply.status;
}

int
faces_get(struct faces *faces, const char *uri)
{
	return faces_ask(faces, .method = HTTP_GET, .uri = uri);
}

int
faces_post(struct faces *faces, const char *uri, const char *format, ...)
{
	va_list	 list;
	char	*text;
	int	 length, status;

	va_start(list, format);
	length = vasprintf(&text, format, list);
	va_end(list);
	assert_true(length >= 0);
	status = faces_ask(faces, .method = HTTP_POST, .uri = uri,
	    .type = FACES_JSON, .body = text, .size = (size_t)length);
	free(text);
	return status;
}

int
faces_frame(struct faces *faces, const void *envelope, size_t size,
    const char *format, ...)
{
	va_list	 list;
	char	*text, *frame;
	int	 length, status;

	va_start(list, format);
	length = vasprintf(&text, format, list);
	va_end(list);
	assert_true(length >= 0);
	frame = malloc((size_t)length + 1 + size);
	assert_non_null(frame);
	memcpy(frame, text, (size_t)length);
	frame[length] = '\n';
	memcpy(frame + length + 1, envelope, size);
	status = faces_ask(faces, .method = HTTP_POST,
	    .uri = "/api/v2/secrets", .type = FACES_FRAME, .body = frame,
	    .size = (size_t)length + 1 + size);
	free(frame);
	free(text);
	return status;
}

void
faces_make_message(struct faces *faces, const char *text, int seconds,
    const char *pin, char key[FACES_UUID_SIZE])
{
	assert_int_equal(faces_post(faces, "/api/v1/message",
	    "{\"message\":\"%s\",\"exp\":%d,\"pin\":\"%s\"}", text, seconds,
	    pin), 201);
	faces_member(faces, "key", key, FACES_UUID_SIZE);
}

int
faces_read_message(struct faces *faces, const char *key, const char *pin)
{
	char	 uri[256];

	(void)snprintf(uri, sizeof(uri), "/api/v1/message/%s/%s", key, pin);
	return faces_get(faces, uri);
}

void
faces_make_secret(struct faces *faces, const char *text, const char *passphrase,
    char id[FACES_HEX_SIZE])
{
	assert_int_equal(faces_post(faces, "/secrets",
	    "{\"message\":\"%s\",\"passphrase\":\"%s\"}", text, passphrase),
	    200);
	faces_says(faces, "success", "True");
	faces_member(faces, "id", id, FACES_HEX_SIZE);
}

int
faces_read_secret(struct faces *faces, const char *id, const char *passphrase)
{
	char	 uri[256];

	(void)snprintf(uri, sizeof(uri), "/secrets/%s", id);
	return faces_post(faces, uri, "{\"passphrase\":\"%s\"}", passphrase);
}

void
faces_key(struct faces *faces, const char *name, bool private,
    char authorization[FACES_KEY_SIZE])
{
	enum account_outcome	 outcome;
	char			 key[ACCOUNT_KEY_SIZE];

	assert_int_equal(account_add(&faces->site, name, STORE_UNLIMITED,
	    STORE_UNLIMITED, &outcome), 0);
	assert_true(outcome == ACCOUNT_OK || outcome == ACCOUNT_EXISTS);
	assert_int_equal(account_key_add(&faces->site, name, private, key,
	    &outcome), 0);
	assert_int_equal(outcome, ACCOUNT_OK);
	(void)snprintf(authorization, FACES_KEY_SIZE, "ApiKey %s", key);
}

const char *
faces_header(const struct faces *faces, const char *name)
{
	size_t	 i;

	for (i = 0; i < faces->reply.headers_count; i++)
		if (strcasecmp(faces->reply.headers[i].name, name) == 0)
			return faces->reply.headers[i].value;
	return NULL;
}

/* The answer's object, up to the end of a frame's first line; or NULL. */
static struct json_object *
parse(const struct faces *faces)
{
	struct json_tokener	*tokener;
	struct json_object	*object;
	const char		*end;
	size_t			 size = faces->size;

	if ((end = memchr(faces->body, '\n', size)) != NULL)
		size = (size_t)(end - faces->body);
	tokener = json_tokener_new();
	assert_non_null(tokener);
	json_tokener_set_flags(tokener,
	    JSON_TOKENER_STRICT | JSON_TOKENER_VALIDATE_UTF8);
	object = json_tokener_parse_ex(tokener, faces->body, (int)size);
	if (json_tokener_get_error(tokener) != json_tokener_success ||
	    json_tokener_get_parse_end(tokener) != size ||
	    !json_object_is_type(object, json_type_object)) {
		(void)json_object_put(object);
		object = NULL;
	}
	json_tokener_free(tokener);
	return object;
}

bool
faces_is_json(const struct faces *faces)
{
	struct json_object	*object;

	if ((object = parse(faces)) == NULL)
		return false;
	(void)json_object_put(object);
	return true;
}

void
faces_member(const struct faces *faces, const char *name, char *text,
    size_t size)
{
	struct json_object	*object, *value;
	const char		*found;

	if ((object = parse(faces)) == NULL)
		fail_msg("no JSON object: %s", faces->body);
	if (!json_object_object_get_ex(object, name, &value))
		fail_msg("no %s in %s", name, faces->body);
	found = value == NULL ? "null" : json_object_get_string(value);
	assert_true(strlen(found) < size);
	memcpy(text, found, strlen(found) + 1);
	(void)json_object_put(object);
}

void
faces_says(const struct faces *faces, const char *name, const char *value)
{
	char	 text[4096];

	faces_member(faces, name, text, sizeof(text));
	assert_string_equal(text, value);
}

const char *
faces_payload(const struct faces *faces, size_t *size)
{
	const char	*end;

	end = memchr(faces->body, '\n', faces->size);
	assert_non_null(end);
	*size = faces->size - (size_t)(end + 1 - faces->body);
	return end + 1;
}

void
faces_base64url(const void *bytes, size_t size, char *text)
{
	(void)sodium_bin2base64(text, sodium_base64_encoded_len(size,
	    sodium_base64_VARIANT_URLSAFE_NO_PADDING), bytes, size,
	    sodium_base64_VARIANT_URLSAFE_NO_PADDING);
}

void
faces_random(size_t bytes, char *text)
{
	uint8_t	 value[32];

	assert_true(bytes <= sizeof(value));
	randombytes_buf(value, bytes);
	faces_base64url(value, bytes, text);
}

void
faces_envelope(uint8_t *envelope, size_t size)
{
	randombytes_buf(envelope, size);
	envelope[0] = 2;
}

static int
count(struct store_txn *txn, void *argument)
{
	return store_stats(txn, argument);
}

struct store_stats
faces_stats(struct faces *faces)
{
	struct store_stats	 stats;

	memset(&stats, 0, sizeof(stats));
	assert_int_equal(store_view(faces->site.store, count, &stats), 0);
	return stats;
}

void
faces_unchanged(struct faces *faces, const struct store_stats *before)
{
	struct store_stats	 after = faces_stats(faces);
	size_t			 i;

	for (i = 0; i < STORE_STATE__MAX; i++)
		assert_int_equal(after.secrets[i], before->secrets[i]);
	assert_int_equal(after.records, before->records);
	assert_int_equal(after.claims, before->claims);
	assert_int_equal(after.requests, before->requests);
	assert_int_equal(after.letters, before->letters);
}

/* SPDX-License-Identifier: ISC */
/*
 * The calls of password.link's interface, and what stands where in answers.
 */

#include "sealed.h"

#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct sealed *
sealed_open(const char *settings)
{
	struct sealed	*sealed;

	sealed = calloc(1, sizeof(*sealed));
	assert_non_null(sealed);
	sealed->faces = faces_open(settings);
	faces_key(sealed->faces, "one", true, sealed->private);
	faces_key(sealed->faces, "one", false, sealed->public);
	faces_key(sealed->faces, "two", true, sealed->other);
	return sealed;
}

void
sealed_close(struct sealed *sealed)
{
	faces_close(sealed->faces);
	free(sealed);
}

int
sealed_setup(void **state)
{
	*state = sealed_open("");
	return 0;
}

int
sealed_teardown(void **state)
{
	sealed_close(*state);
	return 0;
}

int
sealed_post(struct sealed *sealed, const char *key, const char *members)
{
	char	*text;
	int	 length, status;

	length = asprintf(&text, "{%s}", members);
	assert_true(length >= 0);
	status = faces_ask(sealed->faces, .method = HTTP_POST,
	    .uri = "/api/secrets", .authorization = key, .body = text,
	    .size = (size_t)length);
	free(text);
	return status;
}

void
sealed_make(struct sealed *sealed, const char *members,
    char id[SEALED_ID_SIZE])
{
	char	 text[4096];
	int	 status;

	(void)snprintf(text, sizeof(text), SEALED_BOTH "%s", members);
	status = sealed_post(sealed, sealed->private, text);
	if (status != 201)
		fail_msg("%d: %s", status, sealed->faces->body);
	(void)snprintf(id, SEALED_ID_SIZE, "%s",
	    sealed_at(sealed, "data/id"));
}

static int
call(struct sealed *sealed, enum http_method method, const char *key,
    const char *id, const char *password)
{
	char	 uri[256];

	(void)snprintf(uri, sizeof(uri), "/api/secrets/%s", id);
	return faces_ask(sealed->faces, .method = method, .uri = uri,
	    .authorization = key, .password = password,
	    .agent = "a test");
}

int
sealed_get(struct sealed *sealed, const char *key, const char *id)
{
	return call(sealed, HTTP_GET, key, id, NULL);
}

int
sealed_view(struct sealed *sealed, const char *key, const char *id,
    const char *password)
{
	return call(sealed, HTTP_GET, key, id, password);
}

int
sealed_delete(struct sealed *sealed, const char *key, const char *id)
{
	return call(sealed, HTTP_DELETE, key, id, NULL);
}

void
sealed_list(struct sealed *sealed, const char *key, const char *query)
{
	char	 uri[256];
	int	 status;

	(void)snprintf(uri, sizeof(uri), "/api/secrets%s", query);
	status = faces_ask(sealed->faces, .method = HTTP_GET, .uri = uri,
	    .authorization = key);
	if (status != 200)
		fail_msg("%s: %d: %s", uri, status, sealed->faces->body);
}

/* The value at a path, which belongs to the tree. */
static struct json_object *
find(struct sealed *sealed, struct json_object *value, const char *path)
{
	char	 name[64];
	size_t	 length;

	for (; *path != '\0'; path += path[length] == '/' ? length + 1 :
	    length) {
		length = strcspn(path, "/");
		(void)snprintf(name, sizeof(name), "%.*s", (int)length, path);
		if (json_object_is_type(value, json_type_array))
			value = json_object_array_get_idx(value,
			    (size_t)strtoul(name, NULL, 10));
		else if (!json_object_object_get_ex(value, name, &value))
			fail_msg("no %s in %s", name, sealed->faces->body);
	}
	return value;
}

static struct json_object *
parse(struct sealed *sealed)
{
	struct json_object	*tree;

	assert_true(faces_is_json(sealed->faces));
	tree = json_tokener_parse(sealed->faces->body);
	assert_non_null(tree);
	return tree;
}

const char *
sealed_at(struct sealed *sealed, const char *path)
{
	static char		 text[1 << 16];
	struct json_object	*tree = parse(sealed), *value;

	value = find(sealed, tree, path);
	(void)snprintf(text, sizeof(text), "%s", value == NULL ? "null" :
	    json_object_get_string(value));
	(void)json_object_put(tree);
	return text;
}

void
sealed_says(struct sealed *sealed, const char *path, const char *text)
{
	const char	*found = sealed_at(sealed, path);

	if (strcmp(found, text) != 0)
		fail_msg("%s is %s, not %s, in %s", path, found, text,
		    sealed->faces->body);
}

size_t
sealed_count(struct sealed *sealed, const char *path)
{
	struct json_object	*tree = parse(sealed), *value;
	size_t			 count;

	value = find(sealed, tree, path);
	count = json_object_is_type(value, json_type_array) ?
	    json_object_array_length(value) :
	    (size_t)json_object_object_length(value);
	(void)json_object_put(tree);
	return count;
}

void
sealed_refused(struct sealed *sealed, int status, int want, const char *field,
    const char *sentence)
{
	const char	*found;

	if (status != want)
		fail_msg("%d instead of %d: %s", status, want,
		    sealed->faces->body);
	assert_string_equal(sealed->faces->reply.content_type, FACES_JSON);
	assert_int_equal(sealed_count(sealed, ""), 1);
	assert_int_equal(sealed_count(sealed, "error"), 2);
	sealed_says(sealed, "error/field", field == NULL ? "null" : field);
	found = sealed_at(sealed, "error/message");
	if (strncmp(found, sentence, strlen(sentence)) != 0)
		fail_msg("`%s' does not begin with `%s'", found, sentence);
	assert_string_equal(faces_header(sealed->faces,
	    "Access-Control-Allow-Origin"), "*");
}

void
sealed_base64(const void *bytes, size_t size, char *text, size_t room)
{
	assert_non_null(sodium_bin2base64(text, room, bytes, size,
	    sodium_base64_VARIANT_ORIGINAL));
}

/* SPDX-License-Identifier: ISC */
/*
 * How a table of bad input is sent, and what every refusal has in common.
 */

#include "input.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define HUGE_BODY	100000000

void
input_safesecrets(const struct faces *faces)
{
	char	 text[512];

	assert_string_equal(faces->reply.content_type, FACES_JSON);
	faces_member(faces, "error", text, sizeof(text));
	assert_true(strlen(text) > 0);
}

void
input_onetime(const struct faces *faces)
{
	char	 text[512];

	assert_string_equal(faces->reply.content_type, FACES_JSON);
	faces_says(faces, "success", "False");
	faces_member(faces, "message", text, sizeof(text));
	assert_true(strlen(text) > 0);
	assert_string_equal(faces_header(faces,
	    "Access-Control-Allow-Origin"), "*");
}

void
input_native(const struct faces *faces)
{
	char	 text[512], status[8];

	assert_string_equal(faces->reply.content_type, FACES_PROBLEM);
	(void)snprintf(status, sizeof(status), "%d", faces->reply.status);
	faces_says(faces, "status", status);
	faces_member(faces, "type", text, sizeof(text));
	assert_int_equal(strncmp(text, "tag:oncelink,2026:", 18), 0);
	faces_member(faces, "title", text, sizeof(text));
	faces_member(faces, "detail", text, sizeof(text));
	assert_true(strlen(text) > 0);
}

int
input_setup(void **state)
{
	struct input	*input;

	input = calloc(1, sizeof(*input));
	assert_non_null(input);
	input->faces = faces_open("max_envelope = 4K\n");
	assert_int_equal(faces_post(input->faces, MESSAGE,
	    "{\"message\":\"x\",\"exp\":600,\"pin\":\"12345\"}"), 201);
	faces_member(input->faces, "key", input->key, sizeof(input->key));
	assert_int_equal(faces_post(input->faces, SECRETS,
	    "{\"message\":\"x\",\"passphrase\":\"p\"}"), 200);
	faces_member(input->faces, "id", input->hex, sizeof(input->hex));
	faces_envelope(input->envelope, sizeof(input->envelope));
	assert_int_equal(faces_frame(input->faces, input->envelope,
	    sizeof(input->envelope), "{\"id\":\"" ID "\",\"receipt\":\"" ID
	    "\",\"gate\":\"" GATE "\",\"expires_in\":600}"), 201);
	*state = input;
	return 0;
}

int
input_teardown(void **state)
{
	struct input	*input = *state;
	struct faces	*faces = input->faces;
	char		 uri[128];
	int		 i;

	for (i = 0; i < 2; i++) {
		(void)snprintf(uri, sizeof(uri), MESSAGE "/%s/1234x",
		    input->key);
		assert_int_equal(faces_get(faces, uri), 417);
		(void)snprintf(uri, sizeof(uri), SECRETS "/%s", input->hex);
		assert_int_equal(faces_post(faces, uri,
		    "{\"passphrase\":\"q\"}"), 404);
	}
	assert_int_equal(faces_post(faces, uri, "{\"passphrase\":\"p\"}"),
	    200);
	(void)snprintf(uri, sizeof(uri), MESSAGE "/%s/12345", input->key);
	assert_int_equal(faces_get(faces, uri), 200);
	assert_int_equal(faces_post(faces, PEEK, "{\"id\":\"" ID "\"}"), 200);
	faces_says(faces, "attempts_left", "3");
	assert_int_equal(faces_post(faces, OPEN, "{\"id\":\"" ID "\","
	    "\"gate\":\"" GATE "\",\"claim\":\"" ID "\"}"), 200);
	faces_close(faces);
	free(input);
	return 0;
}

void
input_check(struct faces *faces, const struct store_stats *before,
    const char *what, int status, int want, const char *says, input_form *right)
{
	if (status != want)
		fail_msg("%s: %d instead of %d: %s", what, status, want,
		    faces->body);
	if (says != NULL && strstr(faces->body, says) == NULL)
		fail_msg("%s: no %s in %s", what, says, faces->body);
	right(faces);
	faces_unchanged(faces, before);
}

void
input_rows(struct input *input, const struct input_row *rows, size_t count,
    input_form *right)
{
	struct faces		*faces = input->faces;
	struct store_stats	 before = faces_stats(faces);
	size_t			 i;
	int			 status;

	for (i = 0; i < count; i++) {
		const struct input_row	*row = &rows[i];

		if (row->body == NULL)
			status = faces_get(faces, row->uri);
		else
			status = faces_ask(faces, .method = HTTP_POST,
			    .uri = row->uri, .body = row->body,
			    .type = row->type == NULL ? FACES_JSON : row->type,
			    .size = row->size > 0 ? row->size :
			    strlen(row->body));
		input_check(faces, &before, row->what, status, row->status,
		    row->says, right);
	}
}

void
input_transport(struct input *input, const char *uri, const char *type,
    const char *body, input_form *right)
{
	struct faces		*faces = input->faces;
	struct store_stats	 before = faces_stats(faces);
	size_t			 size = strlen(body);

#define SEND(...) faces_ask(faces, .method = HTTP_POST, .uri = uri,	\
	    .type = type, .body = body, __VA_ARGS__)
	input_check(faces, &before, "no length", SEND(.size = size, .lies =
	    true, .length = HTTP_LENGTH_ABSENT), 411, NULL, right);
	input_check(faces, &before, "no number", SEND(.size = size, .lies =
	    true, .length = HTTP_LENGTH_MALFORMED), 400, NULL, right);
	input_check(faces, &before, "length too long", SEND(.size = size,
	    .lies = true, .length = (int64_t)size + 1), 400, NULL, right);
	input_check(faces, &before, "length too short", SEND(.size = size,
	    .lies = true, .length = (int64_t)size - 1), 400, NULL, right);
	input_check(faces, &before, "gone away", SEND(.size = 0, .lies = true,
	    .length = (int64_t)size), 400, NULL, right);
	input_check(faces, &before, "empty", SEND(.size = 0), 400, NULL, right);
	input_check(faces, &before, "100 MB", SEND(.size = size, .lies = true,
	    .length = HUGE_BODY), 413, NULL, right);
	/* Refused before a byte of it was read. */
	assert_int_equal(faces->unread, size);
	input_check(faces, &before, "beyond any number", SEND(.size = size,
	    .lies = true, .length = INT64_MAX), 413, NULL, right);
#undef SEND
}

void
input_methods(struct input *input, const char *uri, const char *allow,
    input_form *right)
{
	struct faces		*faces = input->faces;
	struct store_stats	 before = faces_stats(faces);
	enum http_method	 method;
	char			 name[16];

	for (method = 0; method < HTTP_METHOD__MAX; method++) {
		if (method == HTTP_OPTIONS)
			continue;
		/* Whole words: GET is no part of another method's name. */
		(void)snprintf(name, sizeof(name), "%s",
		    method == HTTP_OTHER ? "?" : http_method_name(method));
		if (strstr(allow, name) != NULL)
			continue;
		input_check(faces, &before, uri, faces_ask(faces, .method =
		    method, .uri = uri), 405, NULL, right);
		assert_string_equal(faces_header(faces, "Allow"), allow);
	}
	assert_int_equal(faces_ask(faces, .method = HTTP_OPTIONS, .uri = uri),
	    204);
	assert_string_equal(faces_header(faces, "Allow"), allow);
	faces_unchanged(faces, &before);
}

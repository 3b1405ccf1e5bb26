/* SPDX-License-Identifier: ISC */
/*
 * The whole worker but its socket: a few requests, one after the other, to a
 * real site.  Each is text:
 *
 *	METHOD TARGET
 *	X value			headers, by their letter (see `headers')
 *
 *	body, up to a line that begins with the byte 1e
 *
 * `$' and a letter stand for what a client knows: ids that nobody has used,
 * keys of an account, what the answer before said (see `put_word').
 */
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../unit/faces.h"
#include "base/arena.h"
#include "base/buf.h"
#include "crypto/base64.h"
#include "fuzz.h"
#include "web/cgi.h"

#define REQUESTS_MAX	16
#define RENEWAL		20000	/* inputs of one site */
#define SEPARATOR	0x1e

/* The header of each letter, as CGI has it. */
static const struct {
	char		 letter;
	const char	*name;
} headers[] = {
	{ 'T', "CONTENT_TYPE" },
	{ 'L', "CONTENT_LENGTH" },
	{ 'A', "HTTP_AUTHORIZATION" },
	{ 'F', "HTTP_X_FORWARDED_FOR" },
	{ 'O', "REMOTE_ADDR" },
	{ 'P', "HTTP_SEC_PURPOSE" },
	{ 'S', "HTTP_X_SECRET_PASSWORD" },
	{ 'U', "HTTP_USER_AGENT" }
};
#define HEADERS (sizeof(headers) / sizeof(headers[0]))

struct request {
	const char	*method;
	const char	*uri;
	const char	*values[HEADERS];	/* NULL: absent */
	char		 length[24];		/* where none is said */
	const uint8_t	*body;
	size_t		 left;			/* that was not read yet */
	struct buf	 answer;
};

static struct faces	*faces;
static struct arena	*arena;		/* of what is sent */
static unsigned long	 inputs;
static uint64_t		 ids;		/* that were used */
static char		 keys[2][FACES_KEY_SIZE];
static char		 said[64];	/* the id in the last answer */

static void
close_site(void)
{
	faces_close(faces);
}

static void
open_site(void)
{
	faces = faces_open("trusted_proxies = 10.0.0.0/8\n"
	    "site_url = https://site.test\nkdf_wait = 1m\n"
	    "lock_wait = 1m\n"
	    "client_secrets = 0\nclient_bytes = 0\n");
	faces_key(faces, "a", false, keys[0]);
	faces_key(faces, "a", true, keys[1]);
}

int
LLVMFuzzerInitialize(int *argc, char ***argv)
{
	(void)argc;
	(void)argv;
	(void)setenv("TMPDIR", "/dev/shm", 1);
	open_site();
	(void)atexit(close_site);
	fuzz_must((arena = arena_create()) != NULL);
	return 0;
}

/* $i $r $c $g: an id, a receipt, a claim and a gate of this input's own (and
 * capitals: others); $k, $K: a public and a private key; $s: what was said. */
static bool
put_word(struct buf *to, char letter)
{
	uint8_t	 bytes[32] = { 0 };
	char	 text[BASE64_URL_SIZE(32)];

	switch (letter) {
	case 'k':
		buf_text(to, keys[0]);
		return true;
	case 'K':
		buf_text(to, keys[1]);
		return true;
	case 's':
		buf_text(to, said);
		return true;
	default:
		break;
	}
	if (letter == '\0' || strchr("ircgIRCG", letter) == NULL)
		return false;
	memcpy(bytes, &ids, sizeof(ids));
	bytes[15] = (uint8_t)letter;
	base64_write_url(bytes, letter == 'g' || letter == 'G' ? 32 : 16,
	    text);
	buf_text(to, text);
	return true;
}

/* A part of a request with its words put in, and a NUL byte. */
static const char *
put_in(const uint8_t *bytes, size_t size, size_t *length)
{
	struct buf	 to;
	size_t		 from = 0;

	buf_init(&to, arena);
	for (size_t i = 0; i + 1 < size; i++) {
		if (bytes[i] != '$')
			continue;
		buf_append(&to, bytes + from, i - from);
		from = put_word(&to, (char)bytes[i + 1]) ? i + 2 : i;
		i++;
	}
	if (from < size)
		buf_append(&to, bytes + from, size - from);
	*length = to.len;
	buf_append(&to, "", 1);
	fuzz_must(!to.failed);
	return (const char *)to.data;
}

static const char *
variable(void *connection, const char *name, size_t before)
{
	const struct request *request = connection;

	if (before > 0)
		return NULL;
	if (strcmp(name, "REQUEST_METHOD") == 0)
		return request->method;
	if (strcmp(name, "REQUEST_URI") == 0)
		return request->uri;
	for (size_t i = 0; i < HEADERS; i++)
		if (strcmp(name, headers[i].name) == 0)
			return request->values[i];
	return NULL;
}

static size_t
read_body(void *connection, void *bytes, size_t size)
{
	struct request	*request = connection;

	if (size > request->left)
		size = request->left;
	memcpy(bytes, request->body, size);
	request->body += size;
	request->left -= size;
	return size;
}

static void
write_answer(void *connection, const void *bytes, size_t size)
{
	struct request	*request = connection;

	if (size > 0)
		buf_append(&request->answer, bytes, size);
}

/* What later requests may ask for: the first of these members. */
static void
remember(const struct buf *answer)
{
	static const char *const members[] = {
		"\"key\":\"", "\"id\":\""
	};
	const char	*start, *end;

	for (size_t i = 0; i < 2; i++) {
		start = memmem(answer->data, answer->len, members[i],
		    strlen(members[i]));
		if (start == NULL)
			continue;
		start += strlen(members[i]);
		end = memchr(start, '"', answer->len -
		    (size_t)(start - (const char *)answer->data));
		if (end == NULL || (size_t)(end - start) >= sizeof(said))
			continue;
		memcpy(said, start, (size_t)(end - start));
		said[end - start] = '\0';
	}
}

static void
ask(struct request *request)
{
	struct cgi_transport transport = {
		variable, read_body, write_answer, request
	};
	int	 status;

	buf_init(&request->answer, arena);
	fuzz_must(cgi_handle(&faces->app, &transport, faces->arena) == 0);
	arena_reset(faces->arena);
	fuzz_must(!request->answer.failed);
	status = fuzz_answer(request->answer.data, request->answer.len,
	    strcmp(request->method, "HEAD") == 0);
	/* Whatever a client says, it is not our failure. */
	fuzz_must(status != 500 && status != 507);
	remember(&request->answer);
}

/* One request of the text; false when it has not even a first line. */
static bool
read_request(struct fuzz_input *input, struct request *request)
{
	const uint8_t	*end;
	const char	*line;
	char		*space;
	size_t		 length;

	*request = (struct request){ .method = "" };
	if ((line = fuzz_line(input, 0))[0] == '\0')
		return false;
	request->method = put_in((const uint8_t *)line, strlen(line), &length);
	if ((space = strchr(request->method, ' ')) == NULL)
		return false;
	*space = '\0';
	request->uri = space + 1;
	while ((line = fuzz_line(input, 0))[0] != '\0')
		for (size_t i = 0; i < HEADERS; i++)
			if (*line == headers[i].letter && line[1] == ' ')
				request->values[i] = put_in(
				    (const uint8_t *)line + 2,
				    strlen(line + 2), &length);
	length = input->left;
	end = length == 0 ? NULL : memchr(input->next, SEPARATOR, length);
	if (end != NULL)
		length = (size_t)(end - input->next);
	request->body = (const uint8_t *)put_in(input->next, length,
	    &request->left);
	if (end != NULL)
		length++;
	input->next += length;
	input->left -= length;
	if (input->left > 0 && *input->next == '\n') {
		input->next++;
		input->left--;
	}
	if (request->values[1] == NULL && request->left > 0) {
		(void)snprintf(request->length, sizeof(request->length),
		    "%zu", request->left);
		request->values[1] = request->length;
	}
	return true;
}

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
	struct fuzz_input	 input = { bytes, size };
	struct request		 request;

	if (size > FUZZ_MAX / 2)
		return 0;
	if (++inputs % RENEWAL == 0) {
		close_site();
		open_site();
	}
	ids++;
	*said = '\0';
	for (int i = 0; i < REQUESTS_MAX; i++) {
		if (!read_request(&input, &request))
			break;
		ask(&request);
	}
	arena_reset(arena);
	return 0;
}

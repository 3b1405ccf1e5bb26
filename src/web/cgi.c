/* SPDX-License-Identifier: ISC */
/*
 * CGI: which variables a request is made of, and the one request of a program
 * that the web server starts anew each time.
 */
#include <sys/socket.h>
#include <sys/stat.h>

#include <errno.h>
#include <poll.h>
#include <stdbool.h>
#include <string.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/log.h"
#include "web/app.h"
#include "web/cgi.h"
#include "web/http.h"

#define SILENCE_MAX	5000	/* ms without a byte of a body nobody wants */
#define PURPOSES_MAX	8	/* headers of one name that may tell of one */

const char *
cgi_variable(char *const *environment, const char *name, size_t before)
{
	size_t length = strlen(name);

	for (; *environment != NULL; environment++)
		if (strncmp(*environment, name, length) == 0 &&
		    (*environment)[length] == '=' && before-- == 0)
			return *environment + length + 1;
	return NULL;
}

static const char *
variable_or_null(const struct cgi_transport *transport, const char *name)
{
	return transport->variable(transport->connection, name, 0);
}

static const char *
variable_or_empty(const struct cgi_transport *transport, const char *name)
{
	const char *value = variable_or_null(transport, name);

	return value != NULL ? value : "";
}

/* Any one that tells of a prefetch is enough: servers hand on all they got. */
static void
find_purpose(const struct cgi_transport *transport,
    struct http_request *request)
{
	static const char *const names[] = {
		"HTTP_SEC_PURPOSE", "HTTP_PURPOSE", "HTTP_X_PURPOSE",
		"HTTP_X_MOZ"
	};
	const char	*value;

	request->purpose = "";
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		for (size_t before = 0; (value = transport->variable(
		    transport->connection, names[i], before)) != NULL;
		    before++) {
			/* No reader has so many; all are walked through for
			 * each. */
			request->purpose = before < PURPOSES_MAX ? value :
			    "prefetch";
			if (http_is_prefetch(request))
				return;
		}
}

static void
fill_request(const struct cgi_transport *transport, struct arena *arena,
    struct http_request *request)
{
	memset(request, 0, sizeof(*request));
	request->arena = arena;
	request->method = http_method(variable_or_empty(transport,
	    "REQUEST_METHOD"));
	request->uri = variable_or_empty(transport, "REQUEST_URI");
	request->content_type = variable_or_empty(transport, "CONTENT_TYPE");
	request->content_length = http_content_length(variable_or_null(
	    transport, "CONTENT_LENGTH"));
	request->authorization = variable_or_null(transport,
	    "HTTP_AUTHORIZATION");
	request->remote_address = variable_or_empty(transport, "REMOTE_ADDR");
	/* Two: which of them a stranger sent nobody can tell. */
	if (transport->variable(transport->connection,
	    "HTTP_X_FORWARDED_FOR", 1) == NULL)
		request->forwarded_for = variable_or_empty(transport,
		    "HTTP_X_FORWARDED_FOR");
	request->document_root = variable_or_empty(transport,
	    "DOCUMENT_ROOT");
	request->secret_password = variable_or_empty(transport,
	    "HTTP_X_SECRET_PASSWORD");
	request->user_agent = variable_or_null(transport, "HTTP_USER_AGENT");
	find_purpose(transport, request);
	request->read_body = transport->read;
	request->transport = transport->connection;
}

int
cgi_handle(struct app *app, const struct cgi_transport *transport,
    struct arena *arena)
{
	struct http_request request;
	struct http_reply reply;
	struct buf head;

	fill_request(transport, arena, &request);
	app_handle(app, &request, &reply);
	buf_init(&head, arena);
	http_write_head(&reply, &head);
	if (head.failed) {
		log_event(LOG_NO_MEMORY, LOG_TEXT("where", "cgi"));
		transport->write(transport->connection, http_no_memory,
		    strlen(http_no_memory));
		return -1;
	}
	transport->write(transport->connection, head.data, head.len);
	if (reply.head_only || reply.content_type == NULL)
		return 0;
	transport->write(transport->connection, reply.body.data,
	    reply.body.len);
	transport->write(transport->connection, reply.tail, reply.tail_size);
	return 0;
}

static const char *
get_variable(void *connection, const char *name, size_t before)
{
	(void)connection;
	return cgi_variable(environ, name, before);
}

static size_t
read_input(void *connection, void *bytes, size_t size)
{
	size_t done = 0;
	ssize_t got;

	(void)connection;
	while (done < size) {
		got = read(STDIN_FILENO, (char *)bytes + done, size - done);
		if (got < 0 && errno == EINTR)
			continue;
		if (got <= 0)
			break;
		done += (size_t)got;
	}
	return done;
}

static void
write_output(void *connection, const void *bytes, size_t size)
{
	const char *p = bytes;
	ssize_t put;

	(void)connection;
	while (size > 0) {
		put = write(STDOUT_FILENO, p, size);
		if (put < 0 && errno == EINTR)
			continue;
		if (put <= 0)
			break;
		p += put;
		size -= (size_t)put;
	}
}

/*
 * Apache's mod_cgid has one socket for both ways: what of the body was left
 * there when we went would take our answer with it.
 */
static void
finish_input(void)
{
	struct pollfd input = { .fd = STDIN_FILENO, .events = POLLIN };
	struct stat status;
	char bytes[8192];
	bool more;

	if (fstat(STDIN_FILENO, &status) == -1 || !S_ISSOCK(status.st_mode) ||
	    shutdown(STDOUT_FILENO, SHUT_WR) == -1)
		return;
	do
		more = poll(&input, 1, SILENCE_MAX) == 1 &&
		    read(STDIN_FILENO, bytes, sizeof(bytes)) > 0;
	while (more);
	explicit_bzero(bytes, sizeof(bytes));
}

int
cgi_serve(struct app *app)
{
	static const struct cgi_transport standard = {
		get_variable, read_input, write_output, NULL
	};
	struct arena *arena;
	int result;

	if ((arena = arena_create()) == NULL) {
		log_event(LOG_NO_MEMORY, LOG_TEXT("where", "cgi"));
		cgi_refuse();
		return -1;
	}
	result = cgi_handle(app, &standard, arena);
	arena_destroy(arena);
	finish_input();
	return result;
}

void
cgi_refuse(void)
{
	write_output(NULL, http_no_memory, strlen(http_no_memory));
	finish_input();
}

/* SPDX-License-Identifier: ISC */
/*
 * As little of HTTP and FastCGI as it takes to tell a whole answer from one
 * that broke off.
 */
#include "kills_wire.h"

#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#define PATIENCE	35	/* seconds */
#define HEAD		1024

enum { FCGI_BEGIN = 1, FCGI_END = 3, FCGI_PARAMS, FCGI_STDIN, FCGI_STDOUT };

struct bytes {
	uint8_t	*at;
	size_t	 size, room;
};

static void
add(struct bytes *bytes, const void *what, size_t size)
{
	if (bytes->size + size > bytes->room) {
		(void)fprintf(stderr, "kills: a request is too large\n");
		abort();
	}
	memcpy(bytes->at + bytes->size, what, size);
	bytes->size += size;
}

static void
add_record(struct bytes *bytes, uint8_t kind, const void *content,
    size_t size)
{
	const uint8_t	 head[8] = {
		1, kind, 0, 1, (uint8_t)(size >> 8), (uint8_t)size, 0, 0,
	};

	add(bytes, head, sizeof(head));
	add(bytes, content, size);
}

/* Short names and values only. */
static void
add_parameter(struct bytes *bytes, const char *name, const char *value)
{
	const uint8_t	 lengths[2] = {
		(uint8_t)strlen(name), (uint8_t)strlen(value),
	};

	add(bytes, lengths, sizeof(lengths));
	add(bytes, name, lengths[0]);
	add(bytes, value, lengths[1]);
}

static void
write_fastcgi(struct bytes *out, const char *path, const char *type,
    const uint8_t *body, size_t size)
{
	static const uint8_t responder[8] = { 0, 1 };
	uint8_t		 memory[HEAD];
	struct bytes	 parameters = { memory, 0, sizeof(memory) };
	char		 length[32];
	size_t		 piece;

	(void)snprintf(length, sizeof(length), "%zu", size);
	add_parameter(&parameters, "REQUEST_METHOD", "POST");
	add_parameter(&parameters, "REQUEST_URI", path);
	add_parameter(&parameters, "CONTENT_TYPE", type);
	add_parameter(&parameters, "CONTENT_LENGTH", length);
	add_parameter(&parameters, "REMOTE_ADDR", "192.0.2.1");
	add_parameter(&parameters, "SERVER_PROTOCOL", "HTTP/1.1");
	add_parameter(&parameters, "GATEWAY_INTERFACE", "CGI/1.1");
	add_record(out, FCGI_BEGIN, responder, sizeof(responder));
	add_record(out, FCGI_PARAMS, memory, parameters.size);
	add_record(out, FCGI_PARAMS, "", 0);
	for (size_t at = 0; at < size; at += piece) {
		piece = size - at > 32768 ? 32768 : size - at;
		add_record(out, FCGI_STDIN, body + at, piece);
	}
	add_record(out, FCGI_STDIN, "", 0);
}

static void
write_http(struct bytes *out, const char *path, const char *type,
    const uint8_t *body, size_t size)
{
	char	 head[HEAD];
	int	 length;

	length = snprintf(head, sizeof(head), "POST %s HTTP/1.1\r\n"
	    "Host: site.test\r\nConnection: close\r\nContent-Type: %s\r\n"
	    "Content-Length: %zu\r\n\r\n", path, type, size);
	add(out, head, (size_t)length);
	add(out, body, size);
}

/* The answer's bytes, until nothing more comes.  1: it hangs. */
static int
exchange(int socket, const struct bytes *out, struct bytes *in)
{
	size_t	 sent = 0;
	ssize_t	 done;

	while (sent < out->size) {
		done = send(socket, out->at + sent, out->size - sent,
		    MSG_NOSIGNAL);
		if (done == -1 && errno == EINTR)
			continue;
		/* An answer may be there all the same. */
		if (done == -1)
			break;
		sent += (size_t)done;
	}
	while (in->size < in->room) {
		done = recv(socket, in->at + in->size, in->room - in->size, 0);
		if (done == -1 && errno == EINTR)
			continue;
		if (done == -1 && errno == EAGAIN)
			return 1;
		if (done <= 0)
			break;
		in->size += (size_t)done;
	}
	return 0;
}

/* The stdout of all records, and the end; 1: it is not there. */
static int
join_records(const struct bytes *in, struct bytes *joined)
{
	size_t	 at = 0, length;

	while (at + 8 <= in->size) {
		const uint8_t *head = in->at + at;

		length = (size_t)head[4] << 8 | head[5];
		if (at + 8 + length > in->size)
			break;
		if (head[1] == FCGI_END)
			return 0;
		if (head[1] == FCGI_STDOUT)
			add(joined, head + 8, length);
		at += 8 + length + head[6];
	}
	return 1;
}

/* Where the value of this header is, or NULL. */
static const char *
header(const char *head, const char *name)
{
	const char	*line = head;
	size_t		 length = strlen(name);

	while (line != NULL) {
		if (strncasecmp(line, name, length) == 0)
			return line + length;
		line = strchr(line, '\n');
		line = line == NULL ? NULL : line + 1;
	}
	return NULL;
}

/* Head and body of an answer.  1: it is not whole. */
static int
parse(struct bytes *in, bool fastcgi, struct kills_wire_answer *answer)
{
	char		*text = (char *)in->at, *end;
	const char	*value;

	in->at[in->size] = '\0';
	end = strstr(text, "\r\n\r\n");
	if (end == NULL)
		return 1;
	*end = '\0';
	answer->body = (const uint8_t *)end + 4;
	answer->size = in->size - (size_t)(end + 4 - text);
	value = header(text, fastcgi ? "Status: " : "HTTP/1.1 ");
	answer->status = value == NULL ? 200 : (int)strtol(value, NULL, 10);
	value = header(text, "Content-Length: ");
	return value != NULL && strtoul(value, NULL, 10) != answer->size;
}

static int
connect_to(const char *path)
{
	const struct timeval patience = { .tv_sec = PATIENCE };
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int	 fd;

	(void)snprintf(address.sun_path, sizeof(address.sun_path), "%s", path);
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd == -1)
		return -1;
	(void)setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience,
	    sizeof(patience));
	(void)setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience,
	    sizeof(patience));
	if (connect(fd, (const struct sockaddr *)&address,
	    sizeof(address)) == 0)
		return fd;
	(void)close(fd);
	return -1;
}

int
kills_wire_post(const struct kills_wire *wire, const char *path,
    const char *type, const void *body, size_t size,
    struct kills_wire_answer *answer)
{
	struct bytes	 out = { answer->joined, 0, KILLS_WIRE_MAX };
	struct bytes	 in = { answer->raw, 0, KILLS_WIRE_MAX - 1 };
	struct bytes	 joined = { answer->joined, 0, KILLS_WIRE_MAX - 1 };
	int		 fd = connect_to(wire->socket), result;

	if (fd == -1) {
		perror("kills: connect");
		return -1;
	}
	(wire->fastcgi ? write_fastcgi : write_http)(&out, path, type, body,
	    size);
	result = exchange(fd, &out, &in);
	(void)close(fd);
	if (result == 1) {
		(void)fprintf(stderr, "kills: no answer within %d s\n",
		    PATIENCE);
		return -1;
	}
	if (!wire->fastcgi)
		result = parse(&in, false, answer);
	else if ((result = join_records(&in, &joined)) == 0)
		result = parse(&joined, true, answer);
	/* What a web server says of a worker that died. */
	if (result == 0 && (answer->status == 502 || answer->status == 504))
		result = 1;
	return result;
}

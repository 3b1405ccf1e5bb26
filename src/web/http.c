/* SPDX-License-Identifier: ISC */
/*
 * HTTP as it reaches a program behind a web server: names, numbers, times, the
 * request target and the head of an answer.  Only this file knows how a path
 * is cut and decoded and which headers every answer carries.
 */
#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>

#include "base/arena.h"
#include "base/digits.h"
#include "web/http.h"

#define EVERY_HEADER							\
	"Cache-Control: no-store\r\n"					\
	"X-Content-Type-Options: nosniff\r\n"				\
	"Referrer-Policy: no-referrer\r\n"

const char http_no_memory[] =
    "Status: 500 Internal Server Error\r\n"
    "Content-Length: 0\r\n"
    EVERY_HEADER
    "\r\n";

static const char *const method_names[] = {
	[HTTP_GET] = "GET",
	[HTTP_HEAD] = "HEAD",
	[HTTP_POST] = "POST",
	[HTTP_DELETE] = "DELETE",
	[HTTP_OPTIONS] = "OPTIONS",
	[HTTP_OTHER] = ""
};
static_assert(sizeof(method_names) / sizeof(method_names[0]) ==
    HTTP_METHOD__MAX, "a name for each method");

enum http_method
http_method(const char *name)
{
	enum http_method method;

	for (method = 0; method < HTTP_OTHER; method++)
		if (strcmp(name, method_names[method]) == 0)
			return method;
	return HTTP_OTHER;
}

const char *
http_method_name(enum http_method method)
{
	return method_names[method];
}

/* The reason phrase of RFC 9110, for the statuses there are. */
static const char *
status_text(int status)
{
	static const struct {
		int		 status;
		const char	*text;
	} texts[] = {
		{ 200, "OK" },
		{ 201, "Created" },
		{ 204, "No Content" },
		{ 400, "Bad Request" },
		{ 403, "Forbidden" },
		{ 404, "Not Found" },
		{ 405, "Method Not Allowed" },
		{ 409, "Conflict" },
		{ 410, "Gone" },
		{ 411, "Length Required" },
		{ 413, "Content Too Large" },
		{ 415, "Unsupported Media Type" },
		{ 417, "Expectation Failed" },
		{ 422, "Unprocessable Content" },
		{ 429, "Too Many Requests" },
		{ 500, "Internal Server Error" },
		{ 503, "Service Unavailable" },
		{ 507, "Insufficient Storage" }
	};
	size_t i;

	for (i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
		if (texts[i].status == status)
			return texts[i].text;
	return "Unknown";
}

int64_t
http_content_length(const char *text)
{
	int64_t length;

	if (text == NULL || *text == '\0')
		return HTTP_LENGTH_ABSENT;
	return digits_read(text, strlen(text), &length) ? length :
	    HTTP_LENGTH_MALFORMED;
}

static int
hex_value(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return -1;
}

/* Decode text up to end in place of a segment; bytes has room for it. */
static bool
decode_segment(const char *text, const char *end, char *bytes, size_t *length)
{
	size_t n = 0;
	int high, low;

	while (text < end) {
		if (*text != '%') {
			bytes[n++] = *text++;
			continue;
		}
		if (end - text < 3 || (high = hex_value(text[1])) < 0 ||
		    (low = hex_value(text[2])) < 0)
			return false;
		bytes[n++] = (char)(high << 4 | low);
		text += 3;
	}
	bytes[n] = '\0';
	*length = n;
	return true;
}

/* The path of a request target in absolute form begins behind its host. */
static const char *
skip_origin(const char *uri)
{
	const char *p;

	if (strncasecmp(uri, "http://", 7) == 0)
		p = uri + 7;
	else if (strncasecmp(uri, "https://", 8) == 0)
		p = uri + 8;
	else
		return uri;
	return p + strcspn(p, "/?");
}

int
http_split_uri(struct http_request *request, const char *prefix)
{
	struct http_segment *segment;
	const char *path, *end, *slash;
	char *bytes;
	size_t prefix_length = strlen(prefix);

	request->segments_count = 0;
	path = skip_origin(request->uri);
	end = path + strcspn(path, "?");
	if (strncmp(path, prefix, prefix_length) != 0)
		return 1;
	path += prefix_length;
	if (path > end || *path != '/')
		return 1;
	/* Decoded segments are never longer, and their NUL bytes take the
	 * place of the slashes. */
	if ((bytes = arena_alloc(request->arena, (size_t)(end - path) + 1)) ==
	    NULL)
		return -1;
	while (path < end) {
		path++;
		slash = memchr(path, '/', (size_t)(end - path));
		if (slash == NULL)
			slash = end;
		if (request->segments_count == HTTP_SEGMENTS_MAX)
			return 1;
		segment = &request->segments[request->segments_count];
		if (!decode_segment(path, slash, bytes, &segment->length))
			return 1;
		segment->bytes = bytes;
		bytes += segment->length + 1;
		request->segments_count++;
		path = slash;
	}
	return 0;
}

int
http_decode(struct arena *arena, const char *text, const char *end,
    struct http_segment *decoded)
{
	char *bytes;

	if ((bytes = arena_alloc(arena, (size_t)(end - text) + 1)) == NULL)
		return -1;
	decoded->bytes = bytes;
	return decode_segment(text, end, bytes, &decoded->length) ? 0 : 1;
}

int
http_query(struct http_request *request, const char *name,
    struct http_segment *value)
{
	const char *p, *end, *equals;
	size_t length = strlen(name);
	int result, count = 0;

	p = strchr(request->uri, '?');
	while (p != NULL) {
		p++;
		end = strchrnul(p, '&');
		equals = memchr(p, '=', (size_t)(end - p));
		if (equals == NULL)
			equals = end;
		if ((size_t)(equals - p) == length &&
		    memcmp(p, name, length) == 0) {
			p = equals < end ? equals + 1 : end;
			result = http_decode(request->arena, p, end, value);
			if (result == -1)
				return -1;
			if (result == 1)
				*value = (struct http_segment){
					p, (size_t)(end - p)
				};
			count++;
		}
		p = *end == '&' ? end : NULL;
	}
	return count;
}

bool
http_is_type(const char *content_type, const char *type)
{
	size_t length;

	content_type += strspn(content_type, " \t");
	length = strcspn(content_type, ";");
	while (length > 0 && (content_type[length - 1] == ' ' ||
	    content_type[length - 1] == '\t'))
		length--;
	return length == strlen(type) &&
	    strncasecmp(content_type, type, length) == 0;
}

bool
http_is_prefetch(const struct http_request *request)
{
	if (*request->purpose == '\0')
		return false;
	return strcasestr(request->purpose, "prefetch") != NULL ||
	    strcasestr(request->purpose, "prerender") != NULL ||
	    strcasestr(request->purpose, "preview") != NULL;
}

void
http_reply_init(struct http_reply *reply, struct arena *arena)
{
	memset(reply, 0, sizeof(*reply));
	buf_init(&reply->body, arena);
}

void
http_begin(struct http_reply *reply, int status, const char *content_type)
{
	reply->status = status;
	reply->content_type = content_type;
}

void
http_header(struct http_reply *reply, const char *name, const char *value)
{
	assert(reply->headers_count < HTTP_HEADERS_MAX);
	reply->headers[reply->headers_count].name = name;
	reply->headers[reply->headers_count].value = value;
	reply->headers_count++;
}

void
http_write_head(const struct http_reply *reply, struct buf *out)
{
	size_t i, length = 0;

	if (reply->content_type != NULL)
		length = reply->body.len + reply->tail_size;
	buf_printf(out, "Status: %d %s\r\n", reply->status,
	    status_text(reply->status));
	if (reply->content_type != NULL) {
		buf_text(out, "Content-Type: ");
		buf_text(out, reply->content_type);
		buf_text(out, "\r\n");
	}
	/* RFC 9110, 8.6: a 204 has no Content-Length. */
	if (reply->status != 204)
		buf_printf(out, "Content-Length: %zu\r\n", length);
	buf_text(out, EVERY_HEADER);
	for (i = 0; i < reply->headers_count; i++) {
		buf_text(out, reply->headers[i].name);
		buf_text(out, ": ");
		buf_text(out, reply->headers[i].value);
		buf_text(out, "\r\n");
	}
	buf_text(out, "\r\n");
}

/* Two digits of a number, and what comes behind them.  Returns the place
 * behind that. */
static char *
two(char *at, int number, char behind)
{
	*at++ = (char)('0' + number / 10 % 10);
	*at++ = (char)('0' + number % 10);
	*at++ = behind;
	return at;
}

void
http_time(int64_t ms, enum http_zone zone, char text[HTTP_TIME_SIZE])
{
	struct tm tm;
	time_t seconds;
	char *at;
	int minutes = 0;

	seconds = (time_t)(ms / 1000);
	if (ms % 1000 < 0)
		seconds--;
	if (zone == HTTP_LOCAL) {
		localtime_r(&seconds, &tm);
		minutes = (int)(tm.tm_gmtoff / 60);
	} else
		gmtime_r(&seconds, &tm);
	/* strftime would look for a new time zone each time. */
	at = two(text, abs(tm.tm_year + 1900) / 100, '-') - 1;
	at = two(at, abs(tm.tm_year + 1900) % 100, '-');
	at = two(at, tm.tm_mon + 1, '-');
	at = two(at, tm.tm_mday, 'T');
	at = two(at, tm.tm_hour, ':');
	at = two(at, tm.tm_min, ':');
	at = two(at, tm.tm_sec, minutes == 0 ? 'Z' : minutes < 0 ? '-' : '+');
	if (minutes == 0) {
		*at = '\0';
		return;
	}
	at = two(at, abs(minutes) / 60, ':');
	(void)two(at, abs(minutes) % 60, '\0');
}

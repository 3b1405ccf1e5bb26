/* SPDX-License-Identifier: ISC */
#ifndef ONCELINK_HTTP_H
#define ONCELINK_HTTP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"

struct app_face;
struct arena;

/* A request and a reply as every face sees them; no transport, no rules. */

enum http_method {
	HTTP_GET, HTTP_HEAD, HTTP_POST, HTTP_DELETE, HTTP_OPTIONS,
	HTTP_OTHER, HTTP_METHOD__MAX
};

#define HTTP_LENGTH_ABSENT	(-1)
#define HTTP_LENGTH_MALFORMED	(-2)

#define HTTP_SEGMENTS_MAX 8

/* A part of the path between slashes, percent-decoded once; any bytes. */
struct http_segment {
	const char	*bytes;		/* a NUL byte stands behind them */
	size_t		 length;
};

struct http_request {
	struct arena	*arena;		/* lives as long as the request */

	/* Set by the transport; strings are never NULL but where it says so. */
	enum http_method method;
	const char	*uri;		/* REQUEST_URI, as sent */
	const char	*content_type;	/* "" when absent */
	int64_t		 content_length; /* or HTTP_LENGTH_… */
	const char	*authorization;	/* NULL when absent */
	const char	*secret_password; /* X-Secret-Password, as sent; "" */
	const char	*user_agent;	/* NULL when absent */
	const char	*purpose;	/* Sec-Purpose or a like header; "" */
	const char	*remote_address;
	const char	*forwarded_for;	/* X-Forwarded-For; "" when absent,
					   NULL when there are several */
	const char	*document_root;	/* "" when absent */

	/*
	 * read_body(transport, bytes, size): up to size bytes of the body, as
	 * many as there are; fewer than size means that the body ended.
	 */
	size_t		(*read_body)(void *transport, void *bytes, size_t size);
	void		*transport;

	/* Set by app_handle before a handler runs. */
	const struct app_face *face;	/* whose path it is */
	const char	*client_address; /* after trusted_proxies; NULL: it
					   cannot be told, and is refused */
	int64_t		 account;	/* whose key it shows, where the route
					   asks for one; else 0 */
	struct http_segment segments[HTTP_SEGMENTS_MAX];
	size_t		 segments_count;
	uint8_t		*body;		/* body_size bytes and a NUL byte */
	size_t		 body_size;
};

#define HTTP_JSON_TYPE		"application/json"
#define HTTP_FRAME_TYPE		"application/vnd.oncelink.frame"

#define HTTP_HEADERS_MAX 8

struct http_reply {
	int		 status;
	const char	*content_type;	/* NULL: no body */
	struct {
		const char	*name;
		const char	*value;
	} headers[HTTP_HEADERS_MAX];	/* beside those every answer has */
	size_t		 headers_count;
	struct buf	 body;
	const uint8_t	*tail;		/* tail_size bytes behind body */
	size_t		 tail_size;
	bool		 head_only;	/* HEAD: lengths, but no bytes */
	int64_t		 wait;		/* seconds to wait, as it says; or 0 */
};

/* http_method(name): the method of that name, case-sensitively. */
enum http_method http_method(const char *name);

/* http_method_name(method): for Allow. */
const char *http_method_name(enum http_method method);

/*
 * http_content_length(text): CONTENT_LENGTH, strictly digits without a sign
 * (more than an int64_t holds is INT64_MAX); HTTP_LENGTH_ABSENT for NULL or
 * "", HTTP_LENGTH_MALFORMED for all else.
 */
int64_t	 http_content_length(const char *text);

/*
 * http_split_uri(request, prefix): the path without prefix, in request->
 * segments (decoded once).  A scheme and host are skipped, and so is a query.
 * Returns 0; 1 when the path is not below prefix, has too many segments or a
 * `%` without two hex digits behind it: no route can match it, but the
 * segments before the fault are there, so that its face can be told; or -1
 * without memory, and without segments.
 */
int	 http_split_uri(struct http_request *request, const char *prefix);

/*
 * http_decode(arena, text, end, decoded): percent-decode what stands up to
 * end, into the arena.  Returns 0, 1 when a `%` has not two hex digits behind
 * it, or -1 when there is no memory.
 */
int	 http_decode(struct arena *arena, const char *text, const char *end,
	    struct http_segment *decoded);

/*
 * http_query(request, name, value): the decoded value of that name in the
 * query of the path.  Returns how often the name is there (value is the last
 * one's, as sent where it does not decode), or -1 when there is no memory.
 */
int	 http_query(struct http_request *request, const char *name,
	    struct http_segment *value);

/* http_is_type(content_type, type): same type/subtype, parameters ignored,
 * case-insensitively? */
bool	 http_is_type(const char *content_type, const char *type);

/* http_is_prefetch(request): was it marked as made without a person asking? */
bool	 http_is_prefetch(const struct http_request *request);

/* http_reply_init(reply, arena): an empty reply without a status. */
void	 http_reply_init(struct http_reply *reply, struct arena *arena);

/* http_begin(reply, status, content_type): what stands before its body; a
 * content_type of NULL is for a reply without one. */
void	 http_begin(struct http_reply *reply, int status,
	    const char *content_type);

/* http_header(reply, name, value): add a header; strings are borrowed. */
void	 http_header(struct http_reply *reply, const char *name,
	    const char *value);

/*
 * http_write_head(reply, out): the headers of CGI (Status:) with those that
 * every answer has, and the empty line behind them.
 */
void	 http_write_head(const struct http_reply *reply, struct buf *out);

/* http_no_memory: a whole answer, head and all, for when there is no memory
 * to write one. */
extern const char http_no_memory[];

/*
 * http_time(ms, zone, text): RFC 3339 of a time in ms since 1970, to the
 * second; with zone in the server's time zone and offset, else in UTC (Z).
 */
#define HTTP_TIME_SIZE 32
enum http_zone { HTTP_UTC, HTTP_LOCAL };
void	 http_time(int64_t ms, enum http_zone zone, char text[HTTP_TIME_SIZE]);

#endif

/* SPDX-License-Identifier: ISC */
#ifndef ONCELINK_APP_H
#define ONCELINK_APP_H

#include <sys/types.h>

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "web/apart.h"
#include "web/http.h"

struct conf;
struct site;

/* The seam between the transport and everything else; one for all threads. */
struct app {
	struct site		*site;
	const struct conf	*conf;
	struct apart		 apart;	/* what holds the state or the key */
};

/*
 * app_init(app, site, conf): for requests to that site; both are borrowed.
 * Returns 0, or -1 with errno when it cannot be told where the state
 * directory lies.
 */
int	 app_init(struct app *app, struct site *site, const struct conf *conf);

/*
 * app_handle(app, request, reply): answer one request.  The transport has
 * filled request up to its `transport`; reply is filled whole, with memory of
 * the request's arena.  Always leaves a reply.
 */
void	 app_handle(struct app *app, struct http_request *request,
	    struct http_reply *reply);

/*
 * What a route asks for before its handler runs.  The 404, 405 with Allow,
 * 403, 411, 413, 415 and 400 of a short body all come from here, and so do
 * the answer to OPTIONS, HEAD (the GET route, and its body is not sent) and
 * the CORS headers.
 */
#define APP_CREATES	0x1u	/* `create` must be anyone */
#define APP_CONSUMES	0x2u	/* a GET that uses up: no HEAD, no prefetch */
#define APP_PRIVATE_KEY	0x4u	/* an account's private key; with APP_CREATES
				   `create` may be keys too */
#define APP_ANY_KEY	0x8u	/* an account's key of either kind */
#define APP_FILLS	0x10u	/* a secret for an account that asked for it:
				   `create` must not be nobody */

enum app_body {
	APP_NO_BODY,		/* nothing is read */
	APP_JSON_ANY_TYPE,	/* a body, whatever its Content-Type */
	APP_JSON_OR_NOTHING,	/* the same; or none, and then no length */
	APP_JSON,		/* application/json, else 415 */
	APP_FRAME		/* application/vnd.oncelink.frame, else 415 */
};

typedef void app_handler(struct app *app, struct http_request *request,
    struct http_reply *reply);

struct app_route {
	enum http_method method;
	const char	*path;		/* "/api/v1/message/:/:", `:` is any one
					   segment, also an empty one */
	unsigned int	 flags;
	enum app_body	 body;
	int64_t		(*body_limit)(const struct conf *conf); /* bytes */
	app_handler	*handler;
};

/* What went wrong before or behind a handler, for the face to say. */
enum app_error {
	APP_NOT_FOUND, APP_METHOD_NOT_ALLOWED, APP_CREATE_NOT_ALLOWED,
	APP_KEY_NEEDED, APP_PRIVATE_KEY_NEEDED,
	APP_LENGTH_REQUIRED, APP_TOO_LARGE, APP_SHORT_BODY, APP_BAD_LENGTH,
	APP_WRONG_TYPE, APP_PREFETCH, APP_FAILED, APP_BUSY, APP_FULL,
	APP_TOO_MANY, APP_WHOSE,
	APP_ERROR__MAX
};

/* One HTTP interface: its routes and the form of its errors. */
struct app_face {
	const char		*name;		/* for the log */
	unsigned int		 bit;		/* CONF_FACE_…; 0: always on */
	const char *const	*prefixes;	/* its paths; ends in NULL */
	const struct app_route	*routes;
	size_t			 routes_count;
	bool			 cors;
	/* takes(request): of a face that shares paths with one behind it in
	 * the list of faces: is this request its own where both are served?
	 * NULL: always. */
	bool (*takes)(const struct http_request *request);
	/* error(reply, error): its status, headers and body. */
	void (*error)(struct http_reply *reply, enum app_error error);
};

/* app_error_status(error): the HTTP status that belongs to it. */
int	 app_error_status(enum app_error error);

/* app_error_text(error): a sentence for people. */
const char *app_error_text(enum app_error error);

/*
 * app_refuse(request, reply, error): begin the reply anew with the face's
 * answer to error; APP_BUSY carries Retry-After.
 */
void	 app_refuse(struct http_request *request, struct http_reply *reply,
	    enum app_error error);

/* app_fail(request, reply, failure): the face's answer to a STORE_ failure;
 * 503 carries Retry-After. */
void	 app_fail(struct http_request *request, struct http_reply *reply,
	    int failure);

/* app_too_many(request, reply, wait): its answer when the client made as much
 * as it may for so many ms: 429 with Retry-After. */
void	 app_too_many(struct http_request *request, struct http_reply *reply,
	    int64_t wait);

/* app_hand_over(request, reply, face, error): the answer to error that another
 * face gives: the request was for that one. */
void	 app_hand_over(struct http_request *request,
	    struct http_reply *reply, const struct app_face *face,
	    enum app_error error);

/* app_impossible(request, reason): log what cannot happen.  Returns
 * STORE_FAILED, for app_fail. */
int	 app_impossible(const struct http_request *request,
	    const char *reason);

/* app_no_memory(request, reply): log that there is none, and refuse. */
void	 app_no_memory(struct http_request *request,
	    struct http_reply *reply);

/* app_alloc(request, reply, size): zeroed memory of the request, or NULL when
 * the reply says that there is none. */
void	*app_alloc(struct http_request *request, struct http_reply *reply,
	    size_t size);

#endif

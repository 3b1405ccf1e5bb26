/* SPDX-License-Identifier: ISC */
#ifndef ONCELINK_CTL_HTTP_H
#define ONCELINK_CTL_HTTP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct arena;
struct complaint;

/* Requests to one site, as a client of its makes them. */
struct ctl_http;

struct ctl_http_options {
	const char	*url;		/* of the site */
	const char	*ca_file;	/* instead of the system's; or NULL */
	const char	*connect_to;	/* HOST:PORT:ADDRESS:PORT,…; or NULL */
	size_t		 largest;	/* bytes of an answer */
};

struct ctl_http_request {
	const char	*method;
	const char	*url;		/* NULL: the site's */
	const char	*path;		/* behind that, sent as it is */
	const char	*type;		/* Content-Type, or NULL */
	const char	*header;	/* one more line, or NULL */
	const void	*body;
	size_t		 body_size;
	bool		 old_tls;	/* offer no TLS above 1.1 */
};

struct ctl_http_answer {
	int		 status;	/* 0: none came; problem says why */
	bool		 untrusted;	/* because of the certificate */
	bool		 old_refused;	/* old_tls was offered, and refused */
	const char	*problem;
	const char	*head;		/* its lines, each `name: value\n` with
					   the name in small letters */
	const char	*body;		/* body_size bytes and a NUL byte */
	size_t		 body_size;
};

/*
 * ctl_http_open(options, error): nothing is asked yet.  A URL that is not
 * http or https, or has a user, query or fragment, is refused.  Returns NULL
 * with error.  The caller closes it.
 */
struct ctl_http *ctl_http_open(const struct ctl_http_options *options,
	    struct complaint *error);
void	 ctl_http_close(struct ctl_http *http);

/* The parts of the site's URL; the path without `/` at its end, "" for none,
 * the origin `https://host[:port]`. */
bool	 ctl_http_is_tls(const struct ctl_http *http);
const char *ctl_http_host(const struct ctl_http *http);
const char *ctl_http_origin(const struct ctl_http *http);
const char *ctl_http_path(const struct ctl_http *http);

/*
 * ctl_http_send(http, arena, request, answer): one request and its answer,
 * whose bytes live in arena.  No redirect is followed and no proxy is used, so
 * that no other host is asked.
 */
void	 ctl_http_send(struct ctl_http *http, struct arena *arena,
	    const struct ctl_http_request *request,
	    struct ctl_http_answer *answer);

/* ctl_http_header(arena, answer, name, count): the value of a header, NULL
 * for none; *count is how often it is there. */
const char *ctl_http_header(struct arena *arena,
	    const struct ctl_http_answer *answer, const char *name,
	    size_t *count);

#endif

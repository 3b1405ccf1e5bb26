/* SPDX-License-Identifier: ISC */
#ifndef ONCELINK_CGI_H
#define ONCELINK_CGI_H

#include <stddef.h>

struct app;
struct arena;

/*
 * A request as CGI has it (RFC 3875): variables, a body, an answer.  FastCGI
 * says the same by other ways.
 */
struct cgi_transport {
	/* variable(connection, name, before): its value, or NULL.  There may be
	 * more of one name: the one that comes behind so many others. */
	const char *(*variable)(void *connection, const char *name,
	    size_t before);
	/* read(connection, bytes, size): see http_request.read_body. */
	size_t	(*read)(void *connection, void *bytes, size_t size);
	/* write(connection, bytes, size): all, unless the reader is gone. */
	void	(*write)(void *connection, const void *bytes, size_t size);
	void	*connection;
};

/*
 * cgi_handle(app, transport, arena): answer one request.  Returns 0, or -1
 * when there was no memory for the answer and a short one was sent.
 */
int	 cgi_handle(struct app *app, const struct cgi_transport *transport,
	    struct arena *arena);

/* cgi_variable(environment, name, before): as a transport's variable, from a
 * list of NAME=value that ends in NULL. */
const char *cgi_variable(char *const *environment, const char *name,
	    size_t before);

/* cgi_serve(app): answer the one request on standard input and output.
 * Returns 0, or -1 when there was no memory. */
int	 cgi_serve(struct app *app);

/* cgi_refuse(): answer the one request with a 500; for a program that could
 * not start. */
void	 cgi_refuse(void);

#endif

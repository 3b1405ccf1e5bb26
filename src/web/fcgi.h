/* SPDX-License-Identifier: ISC */
#ifndef ONCELINK_FCGI_H
#define ONCELINK_FCGI_H

#include <stdbool.h>

struct app;

struct fcgi_options {
	int		 socket;	/* listening descriptor */
	unsigned int	 threads;
	unsigned int	 shutdown_seconds;
};

/* fcgi_prepare(): block the signals that fcgi_serve waits for and ignore
 * SIGPIPE; before the first thread. */
void	 fcgi_prepare(void);

/* fcgi_has_socket(): is descriptor 0 a listening socket, as a web server that
 * speaks FastCGI leaves it? */
bool	 fcgi_has_socket(void);

/*
 * fcgi_listen(path): a listening unix socket, mode 0660, in place of a dead
 * one.  Returns its descriptor or -1 with errno (EADDRINUSE: somebody answers
 * there).
 */
int	 fcgi_listen(const char *path);

/*
 * fcgi_serve(app, options): answer requests until SIGTERM, SIGINT, SIGHUP or
 * SIGUSR1, then finish what is in flight.  Returns 0 when all threads ended,
 * 1 when shutdown_seconds passed first (the caller then uses _exit), -1 when
 * we failed.
 */
int	 fcgi_serve(struct app *app, const struct fcgi_options *options);

#endif

/* SPDX-License-Identifier: ISC */
/*
 * The least that a FastCGI program can do: as many threads as the worker, the
 * same way of accepting, the body read to its end, a short answer at once.
 * What the web server, libfcgi and the load generator cost is what this
 * costs, so every rate of the benchmark is told as a share of this one's.
 */

#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include <err.h>
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <fcgiapp.h>

#define THREADS_MAX	64
#define BODY		"{\"expires_at\":\"2038-01-19T03:14:07Z\"}\n"

static const char answer[] =
    "Status: 200\r\n"
    "Content-Type: application/json\r\n"
    "Cache-Control: no-store\r\n"
    "X-Content-Type-Options: nosniff\r\n"
    "Referrer-Policy: no-referrer\r\n"
    "\r\n"
    BODY;

static void *
serve(void *argument)
{
	const int	*listener = argument;
	FCGX_Request	 request;
	char		 body[16384];

	if (FCGX_InitRequest(&request, *listener, 0) != 0)
		errx(1, "FCGX_InitRequest");
	while (FCGX_Accept_r(&request) == 0) {
		while (FCGX_GetStr(body, sizeof(body), request.in) > 0)
			continue;
		(void)FCGX_PutStr(answer, sizeof(answer) - 1, request.out);
		FCGX_Finish_r(&request);
	}
	return NULL;
}

static int
listen_at(const char *path)
{
	struct sockaddr_un	address;
	int			listener;

	memset(&address, 0, sizeof(address));
	address.sun_family = AF_UNIX;
	if (strlen(path) >= sizeof(address.sun_path))
		errx(64, "path too long");
	memcpy(address.sun_path, path, strlen(path));
	if ((listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0)) == -1)
		err(1, "socket");
	(void)umask(0117);
	if (bind(listener, (struct sockaddr *)&address,
	    sizeof(address)) == -1)
		err(1, "bind");
	if (listen(listener, 1024) == -1)
		err(1, "listen");
	return listener;
}

int
main(int argc, char *argv[])
{
	pthread_t	 threads[THREADS_MAX];
	char		*end;
	long		 count, i;
	int		 listener;

	if (argc != 3)
		errx(64, "usage: null socket threads");
	errno = 0;
	count = strtol(argv[2], &end, 10);
	if (errno != 0 || *end != '\0' || count < 1 || count > THREADS_MAX)
		errx(64, "threads: 1 to %d", THREADS_MAX);
	listener = listen_at(argv[1]);
	if (FCGX_Init() != 0)
		errx(1, "FCGX_Init");
	/* libfcgi's handler would only set a flag that nobody looks at. */
	(void)signal(SIGTERM, SIG_DFL);
	for (i = 0; i < count; i++)
		if ((errno = pthread_create(&threads[i], NULL, serve,
		    &listener)) != 0)
			err(1, "pthread_create");
	for (i = 0; i < count; i++)
		(void)pthread_join(threads[i], NULL);
	return 0;
}

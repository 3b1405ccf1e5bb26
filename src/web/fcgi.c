/* SPDX-License-Identifier: ISC */
/*
 * The transport: FastCGI by libfcgi with threads, and plain CGI.  Only this
 * file includes fcgiapp.h.  It knows that an EINTR in a read or write is a
 * broken connection to libfcgi, so no signal may reach a thread that has a
 * request; and that a thread in FCGX_Accept_r ends by nothing but a signal.
 */
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include <errno.h>
#include <fcgiapp.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/log.h"
#include "web/app.h"
#include "web/fcgi.h"
#include "web/http.h"

#define BACKLOG		4096	/* the kernel takes its own limit */
#define TICK		(10 * 1000000L)	/* ns between two wake-up calls */
#define PAUSE		(100 * 1000000L) /* ns when descriptors ran out */

/* What is said when there is no memory to say anything. */
static const char no_memory[] =
    "Status: 500 Internal Server Error\r\n"
    "Content-Length: 0\r\n"
    "Cache-Control: no-store\r\n"
    "X-Content-Type-Options: nosniff\r\n"
    "Referrer-Policy: no-referrer\r\n"
    "\r\n";

/* How the bytes of the one request at hand come and go. */
struct transport {
	const char *(*param)(struct transport *transport, const char *name);
	size_t	(*read)(void *transport, void *bytes, size_t size);
	void	(*write)(struct transport *transport, const void *bytes,
		    size_t size);
	FCGX_Request	*fcgx;		/* NULL: CGI */
};

static const char *
fcgi_param(struct transport *transport, const char *name)
{
	return FCGX_GetParam(name, transport->fcgx->envp);
}

static size_t
fcgi_read(void *transport, void *bytes, size_t size)
{
	FCGX_Stream *in = ((struct transport *)transport)->fcgx->in;
	size_t done = 0;
	int wanted, got;

	while (done < size) {
		wanted = size - done > INT_MAX ? INT_MAX : (int)(size - done);
		got = FCGX_GetStr((char *)bytes + done, wanted, in);
		if (got <= 0)
			break;
		done += (size_t)got;
	}
	return done;
}

/* A client that went away hears nothing, and nothing depends on it. */
static void
fcgi_write(struct transport *transport, const void *bytes, size_t size)
{
	const char *p = bytes;
	int wanted;

	while (size > 0) {
		wanted = size > INT_MAX ? INT_MAX : (int)size;
		if (FCGX_PutStr(p, wanted, transport->fcgx->out) != wanted)
			break;
		p += wanted;
		size -= (size_t)wanted;
	}
}

static const char *
cgi_param(struct transport *transport, const char *name)
{
	(void)transport;
	return getenv(name);
}

static size_t
cgi_read(void *transport, void *bytes, size_t size)
{
	size_t done = 0;
	ssize_t got;

	(void)transport;
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
cgi_write(struct transport *transport, const void *bytes, size_t size)
{
	const char *p = bytes;
	ssize_t put;

	(void)transport;
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

static const char *
param_or_empty(struct transport *transport, const char *name)
{
	const char *value = transport->param(transport, name);

	return value != NULL ? value : "";
}

static void
fill_request(struct transport *transport, struct arena *arena,
    struct http_request *request)
{
	static const char *const purposes[] = {
		"HTTP_SEC_PURPOSE", "HTTP_PURPOSE", "HTTP_X_PURPOSE",
		"HTTP_X_MOZ"
	};
	size_t i;

	memset(request, 0, sizeof(*request));
	request->arena = arena;
	request->method = http_method(param_or_empty(transport,
	    "REQUEST_METHOD"));
	request->uri = param_or_empty(transport, "REQUEST_URI");
	request->content_type = param_or_empty(transport, "CONTENT_TYPE");
	request->content_length = http_content_length(transport->param(
	    transport, "CONTENT_LENGTH"));
	request->authorization = transport->param(transport,
	    "HTTP_AUTHORIZATION");
	request->remote_address = param_or_empty(transport, "REMOTE_ADDR");
	request->forwarded_for = param_or_empty(transport,
	    "HTTP_X_FORWARDED_FOR");
	request->document_root = param_or_empty(transport, "DOCUMENT_ROOT");
	/* Any one of them that tells of a prefetch is enough. */
	for (i = 0; i < sizeof(purposes) / sizeof(purposes[0]); i++) {
		request->purpose = param_or_empty(transport, purposes[i]);
		if (http_is_prefetch(request))
			break;
	}
	request->read_body = transport->read;
	request->transport = transport;
}

/* Returns 0, or -1 when there was no memory for the answer. */
static int
handle(struct app *app, struct transport *transport, struct arena *arena)
{
	struct http_request request;
	struct http_reply reply;
	struct buf head;

	fill_request(transport, arena, &request);
	app_handle(app, &request, &reply);
	buf_init(&head, arena);
	http_write_head(&reply, &head);
	if (head.failed) {
		log_event(LOG_NO_MEMORY, LOG_TEXT("where", "fcgi"));
		transport->write(transport, no_memory, sizeof(no_memory) - 1);
		return -1;
	}
	transport->write(transport, head.data, head.len);
	if (reply.head_only || reply.content_type == NULL)
		return 0;
	transport->write(transport, reply.body.data, reply.body.len);
	transport->write(transport, reply.tail, reply.tail_size);
	return 0;
}

static void
ignore_signal(int number)
{
	(void)number;
}

/* What ends us; what our starter chose to ignore (nohup) is left so. */
static void
ending_signals(sigset_t *set)
{
	static const int optional[] = { SIGINT, SIGHUP };
	struct sigaction action;
	size_t i;

	sigemptyset(set);
	sigaddset(set, SIGTERM);
	sigaddset(set, SIGUSR1);
	for (i = 0; i < sizeof(optional) / sizeof(optional[0]); i++)
		if (sigaction(optional[i], NULL, &action) == 0 &&
		    action.sa_handler != SIG_IGN)
			sigaddset(set, optional[i]);
}

void
fcgi_prepare(void)
{
	struct sigaction action;
	sigset_t set;

	/* In place of libfcgi's own: its SIGUSR1 begins the end behind our
	 * back, ours only wakes a system call. */
	memset(&action, 0, sizeof(action));
	sigemptyset(&action.sa_mask);
	action.sa_handler = ignore_signal;
	sigaction(SIGUSR1, &action, NULL);
	action.sa_handler = SIG_IGN;
	sigaction(SIGPIPE, &action, NULL);

	ending_signals(&set);
	pthread_sigmask(SIG_BLOCK, &set, NULL);
}

int
fcgi_is_cgi(void)
{
	return FCGX_IsCGI();
}

/* Does somebody answer at this address?  Sets errno to EADDRINUSE then, or
 * when what is there is no socket. */
static bool
is_taken(const struct sockaddr_un *address)
{
	struct stat status;
	bool dead;
	int fd, saved;

	if (lstat(address->sun_path, &status) == -1)
		return errno != ENOENT;
	if (!S_ISSOCK(status.st_mode)) {
		errno = EADDRINUSE;
		return true;
	}
	if ((fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0)) == -1)
		return true;
	dead = connect(fd, (const struct sockaddr *)address,
	    sizeof(*address)) == -1 && errno == ECONNREFUSED;
	saved = errno;
	close(fd);
	if (dead)
		return unlink(address->sun_path) == -1 && errno != ENOENT;
	errno = saved == EACCES ? EACCES : EADDRINUSE;
	return true;
}

int
fcgi_listen(const char *path)
{
	struct sockaddr_un address;
	mode_t mask;
	int fd, result, saved;

	memset(&address, 0, sizeof(address));
	address.sun_family = AF_UNIX;
	if (strlen(path) >= sizeof(address.sun_path)) {
		errno = ENAMETOOLONG;
		return -1;
	}
	memcpy(address.sun_path, path, strlen(path));
	if (is_taken(&address))
		return -1;
	if ((fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0)) == -1)
		return -1;
	/* The mode is right from the first moment on. */
	mask = umask(0117);
	result = bind(fd, (struct sockaddr *)&address, sizeof(address));
	umask(mask);
	if (result == -1 || listen(fd, BACKLOG) == -1) {
		saved = errno;
		close(fd);
		errno = saved;
		return -1;
	}
	return fd;
}

/* Where a thread is; it writes, main reads. */
enum thread_state {
	THREAD_BUSY,		/* has a request: no signal may come */
	THREAD_ACCEPTING,	/* inside FCGX_Accept_r */
	THREAD_ENDED
};

struct pool;

struct thread {
	struct pool	*pool;
	pthread_t	 id;
	atomic_int	 state;		/* enum thread_state */
	FCGX_Request	 fcgx;
	struct arena	*arena;
};

struct pool {
	struct app	*app;
	struct thread	*threads;
	unsigned int	 count;		/* those that run */
	pthread_t	 main;
	atomic_bool	 ending;
	atomic_bool	 failed;
};

/* Wait and try again after a failure that passes? */
static bool
passes(int error)
{
	switch (error) {
	case EMFILE:
	case ENFILE:
	case ENOBUFS:
	case ENOMEM:
	case EAGAIN:
	case ECONNABORTED:
	case EINTR:
	case EPROTO:
	case EPERM:
		return true;
	default:
		return false;
	}
}

static void
report_failure(const char *what, int error)
{
	const char *reason = strerrordesc_np(error);

	log_event(LOG_REQUEST_FAILED, LOG_TEXT("where", what),
	    LOG_TEXT("reason", reason != NULL ? reason : "unknown"));
}

static void *
serve_thread(void *argument)
{
	static const struct timespec pause = { 0, PAUSE };
	struct thread *thread = argument;
	struct pool *pool = thread->pool;
	struct transport transport = {
		fcgi_param, fcgi_read, fcgi_write, &thread->fcgx
	};
	sigset_t set;
	int result, last = 0;

	sigemptyset(&set);
	sigaddset(&set, SIGUSR1);
	pthread_sigmask(SIG_UNBLOCK, &set, NULL);

	while (!atomic_load(&pool->ending)) {
		atomic_store(&thread->state, THREAD_ACCEPTING);
		result = FCGX_Accept_r(&thread->fcgx);
		atomic_store(&thread->state, THREAD_BUSY);
		if (result == 0) {
			last = 0;
			handle(pool->app, &transport, thread->arena);
			FCGX_Finish_r(&thread->fcgx);
			arena_reset(thread->arena);
			continue;
		}
		if (atomic_load(&pool->ending))
			break;
		if (result != last)
			report_failure("accept", -result);
		last = result;
		if (!passes(-result)) {
			/* The others have the same socket: all end. */
			atomic_store(&pool->failed, true);
			pthread_kill(pool->main, SIGTERM);
			break;
		}
		nanosleep(&pause, NULL);
	}
	/* A connection that the web server keeps is still open. */
	FCGX_Free(&thread->fcgx, 1);
	atomic_store(&thread->state, THREAD_ENDED);
	return NULL;
}

static int
start_thread(struct pool *pool, struct thread *thread, int fd)
{
	thread->pool = pool;
	atomic_init(&thread->state, THREAD_BUSY);
	if (FCGX_InitRequest(&thread->fcgx, fd, 0) != 0)
		return -1;
	if ((thread->arena = arena_create()) == NULL)
		return -1;
	errno = pthread_create(&thread->id, NULL, serve_thread, thread);
	if (errno != 0) {
		arena_destroy(thread->arena);
		return -1;
	}
	return 0;
}

/*
 * Wake whoever waits in FCGX_Accept_r, again and again: a signal between the
 * flag and the system call is lost.  Returns 0 when all have ended, 1 when
 * the time was over first.
 */
static int
end_threads(struct pool *pool, unsigned int seconds)
{
	static const struct timespec tick = { 0, TICK };
	struct timespec now, until;
	unsigned int i, left;
	int state;

	atomic_store(&pool->ending, true);
	FCGX_ShutdownPending();
	clock_gettime(CLOCK_MONOTONIC, &until);
	until.tv_sec += (time_t)seconds;
	for (;;) {
		left = 0;
		for (i = 0; i < pool->count; i++) {
			state = atomic_load(&pool->threads[i].state);
			if (state != THREAD_ENDED)
				left++;
			if (state == THREAD_ACCEPTING)
				pthread_kill(pool->threads[i].id, SIGUSR1);
		}
		if (left == 0)
			break;
		clock_gettime(CLOCK_MONOTONIC, &now);
		if (now.tv_sec > until.tv_sec || (now.tv_sec == until.tv_sec &&
		    now.tv_nsec >= until.tv_nsec))
			return 1;
		nanosleep(&tick, NULL);
	}
	for (i = 0; i < pool->count; i++) {
		pthread_join(pool->threads[i].id, NULL);
		arena_destroy(pool->threads[i].arena);
	}
	return 0;
}

int
fcgi_serve(struct app *app, const struct fcgi_options *options)
{
	struct pool pool = { .app = app, .main = pthread_self() };
	sigset_t set;
	int flags, number, result;

	/* Threads that wait in accept share the socket without O_NONBLOCK. */
	if ((flags = fcntl(options->socket, F_GETFL)) == -1 ||
	    ((flags & O_NONBLOCK) != 0 && fcntl(options->socket, F_SETFL,
	    flags & ~O_NONBLOCK) == -1)) {
		report_failure("socket", errno);
		return -1;
	}
	if (FCGX_Init() != 0) {
		report_failure("libfcgi", errno);
		return -1;
	}
	pool.threads = calloc(options->threads, sizeof(*pool.threads));
	if (pool.threads == NULL) {
		log_event(LOG_NO_MEMORY, LOG_TEXT("where", "fcgi"));
		return -1;
	}
	for (; pool.count < options->threads; pool.count++)
		if (start_thread(&pool, &pool.threads[pool.count],
		    options->socket) != 0) {
			report_failure("threads", errno);
			atomic_store(&pool.failed, true);
			break;
		}
	if (!atomic_load(&pool.failed)) {
		log_event(LOG_WORKER_STARTED,
		    LOG_NUMBER("threads", options->threads));
		ending_signals(&set);
		while (sigwait(&set, &number) != 0)
			;
	}
	result = end_threads(&pool, options->shutdown_seconds);
	log_write(LOG_WORKER_STOPPED, NULL);
	if (result != 0) {
		/* Threads that did not end still use theirs. */
		report_failure("shutdown", ETIMEDOUT);
		return 1;
	}
	free(pool.threads);
	return atomic_load(&pool.failed) ? -1 : 0;
}

int
fcgi_serve_cgi(struct app *app)
{
	struct transport transport = { cgi_param, cgi_read, cgi_write, NULL };
	struct arena *arena;
	int result;

	if ((arena = arena_create()) == NULL) {
		log_event(LOG_NO_MEMORY, LOG_TEXT("where", "fcgi"));
		fcgi_refuse_cgi();
		return -1;
	}
	result = handle(app, &transport, arena);
	arena_destroy(arena);
	return result;
}

void
fcgi_refuse_cgi(void)
{
	cgi_write(NULL, no_memory, sizeof(no_memory) - 1);
}

/* SPDX-License-Identifier: ISC */
/*
 * FastCGI by libfcgi, with threads.  Only this file includes fcgiapp.h.  It
 * knows that an EINTR in a read or write is a broken connection to libfcgi, so
 * no signal may reach a thread that has a request; and that a thread in
 * FCGX_Accept_r ends by nothing but a signal.
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
#include "base/log.h"
#include "base/wipe.h"
#include "web/cgi.h"
#include "web/fcgi.h"

#define BACKLOG		4096	/* the kernel takes its own limit */
#define TICK		(10 * 1000000L)	/* ns between two wake-up calls */
#define PAUSE		(100 * 1000000L) /* ns when descriptors ran out */

static const char *
fcgi_variable(void *connection, const char *name, size_t before)
{
	FCGX_Request *fcgx = connection;

	return cgi_variable(fcgx->envp, name, before);
}

static size_t
fcgi_read(void *connection, void *bytes, size_t size)
{
	FCGX_Stream *in = ((FCGX_Request *)connection)->in;
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
fcgi_write(void *connection, const void *bytes, size_t size)
{
	FCGX_Stream *out = ((FCGX_Request *)connection)->out;
	const char *p = bytes;
	int wanted;

	while (size > 0) {
		wanted = size > INT_MAX ? INT_MAX : (int)size;
		if (FCGX_PutStr(p, wanted, out) != wanted)
			break;
		p += wanted;
		size -= (size_t)wanted;
	}
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

bool
fcgi_has_socket(void)
{
	socklen_t size = sizeof(int);
	int listens;

	return getsockopt(STDIN_FILENO, SOL_SOCKET, SO_ACCEPTCONN, &listens,
	    &size) == 0 && listens != 0;
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
	struct cgi_transport transport = {
		fcgi_variable, fcgi_read, fcgi_write, &thread->fcgx
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
			cgi_handle(pool->app, &transport, thread->arena);
			FCGX_Finish_r(&thread->fcgx);
			arena_reset(thread->arena);
			wipe_stack();
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

/* SPDX-License-Identifier: ISC */
/*
 * oncelink.fcgi: the program that the web server talks to.  This file knows
 * in which order a worker is made safe, opened, served and closed, and where
 * its requests come from.
 */
#include <sys/resource.h>

#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <malloc.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <time.h>
#include <unistd.h>

#include "base/complaint.h"
#include "base/conf.h"
#include "base/log.h"
#include "base/sandbox.h"
#include "core/site.h"
#include "prog/start.h"
#include "web/app.h"
#include "web/cgi.h"
#include "web/fcgi.h"

#define PROGRAM		"oncelink.fcgi"
#define FILES_MAX	1024		/* libfcgi waits with select */
#define SYSTEMD_SOCKET	3		/* sd_listen_fds(3) */
#define HEAP_STEP	(128 << 10)

struct options {
	const char	*file;		/* NULL: not given */
	const char	*listen;	/* NULL: not given */
};

/* Where the requests come from. */
enum source { SOURCE_CGI, SOURCE_SOCKET };

static void
usage(FILE *out)
{
	fputs("usage: " PROGRAM " [-c FILE] [--listen PATH]\n"
	    "       " PROGRAM " --version | --help\n"
	    "\n"
	    "Started by a web server: FastCGI on a socket at descriptor 0, or "
	    "CGI.\n"
	    "  -c FILE        read the settings from FILE\n"
	    "  --listen PATH  make the unix socket PATH and serve FastCGI "
	    "there\n", out);
}

static void
parse_options(int argc, char **argv, struct options *options)
{
	enum { OPTION_HELP = 256, OPTION_LISTEN, OPTION_VERSION };
	static const struct option table[] = {
		{ "help", no_argument, NULL, OPTION_HELP },
		{ "listen", required_argument, NULL, OPTION_LISTEN },
		{ "version", no_argument, NULL, OPTION_VERSION },
		{ NULL, 0, NULL, 0 }
	};
	int option;

	memset(options, 0, sizeof(*options));
	while ((option = getopt_long(argc, argv, "c:", table, NULL)) != -1) {
		switch (option) {
		case 'c':
			start_take_option(&options->file, PROGRAM, "-c");
			break;
		case OPTION_LISTEN:
			start_take_option(&options->listen, PROGRAM,
			    "--listen");
			break;
		case OPTION_VERSION:
			puts(PROGRAM " " PACKAGE_VERSION);
			exit(EX_OK);
		case OPTION_HELP:
			usage(stdout);
			exit(EX_OK);
		default:
			usage(stderr);
			exit(EX_USAGE);
		}
	}
	if (optind < argc) {
		usage(stderr);
		exit(EX_USAGE);
	}
}

/*
 * A query without `=` comes to a CGI program as arguments (RFC 3875, 4.4):
 * then they may be anybody's, a -c of theirs must not be obeyed, and what
 * they say is not for those who look at processes.
 */
static int
drop_query(int argc, char **argv)
{
	const char *query = getenv("QUERY_STRING");
	int i;

	if (getenv("GATEWAY_INTERFACE") == NULL || query == NULL ||
	    *query == '\0' || strchr(query, '=') != NULL)
		return argc;
	for (i = 1; i < argc; i++) {
		explicit_bzero(argv[i], strlen(argv[i]));
		argv[i] = NULL;
	}
	return argc > 0 ? 1 : 0;
}

/* Say why we do not start: to whoever looks at the terminal and to the log. */
static void
refuse(enum source source, const char *reason)
{
	fprintf(stderr, PROGRAM ": %s\n", reason);
	if (!log_is_on_stderr())
		log_event(LOG_START_REFUSED, LOG_TEXT("reason", reason));
	if (source == SOURCE_CGI)
		cgi_refuse();
}

/* Did systemd hand over exactly one socket, and to us? */
static bool
has_systemd_socket(void)
{
	const char *process = getenv("LISTEN_PID");
	const char *count = getenv("LISTEN_FDS");
	char us[32];

	if (process == NULL || count == NULL)
		return false;
	snprintf(us, sizeof(us), "%ld", (long)getpid());
	return strcmp(process, us) == 0 && strcmp(count, "1") == 0;
}

/* Does a worker that is started so serve there? */
static bool
takes_systemd_socket(const struct options *options)
{
	return options->listen == NULL && has_systemd_socket();
}

static enum source
find_source(const struct options *options)
{
	return options->listen != NULL || takes_systemd_socket(options) ||
	    fcgi_has_socket() ? SOURCE_SOCKET : SOURCE_CGI;
}

/*
 * What a web server left open is its own: mod_fcgid's pipes to its process
 * manager, say.  Whoever takes a worker over finds none of it.
 */
static void
close_inherited(const struct options *options)
{
	closefrom(takes_systemd_socket(options) ? SYSTEMD_SOCKET + 1 :
	    STDERR_FILENO + 1);
}

/* The listening descriptor, or -1 with errno. */
static int
take_socket(const struct options *options)
{
	if (options->listen != NULL)
		return fcgi_listen(options->listen);
	if (takes_systemd_socket(options)) {
		fcntl(SYSTEMD_SOCKET, F_SETFD, FD_CLOEXEC);
		return SYSTEMD_SOCKET;
	}
	return STDIN_FILENO;
}

/* Returns NULL, or what did not work. */
static const char *
limit_resources(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) != 0)
		return "the limit of open files is unknown";
	if (limit.rlim_cur > FILES_MAX) {
		limit.rlim_cur = FILES_MAX;
		if (limit.rlim_max > FILES_MAX)
			limit.rlim_max = FILES_MAX;
		if (setrlimit(RLIMIT_NOFILE, &limit) != 0)
			return "the limit of open files cannot be set";
	}
	/* Small: few heaps for many threads, and what is large goes back. */
	mallopt(M_ARENA_MAX, 2);
	mallopt(M_MMAP_THRESHOLD, HEAP_STEP);
	mallopt(M_TRIM_THRESHOLD, HEAP_STEP);
	return NULL;
}

/* When everything is open, and before the first thread, which would stay
 * outside. */
static int
close_sandbox(const struct conf *conf, enum source source,
    struct complaint *error)
{
	const struct sandbox sandbox = {
		.state_dir = conf->state_dir,
		.key_file = conf->key_file,
		.syslog = !log_is_on_stderr(),
	};
	int result, landlock;

	if (conf->sandbox == CONF_SANDBOX_OFF)
		return 0;
	result = sandbox_enter(&sandbox, &landlock, error);
	/* A line of its own for each request would be too many. */
	if (result == 0 && source == SOURCE_SOCKET)
		log_event(LOG_WORKER_SANDBOXED,
		    LOG_NUMBER("landlock", landlock));
	return result == -1 ? -1 : 0;
}

/* Returns an exit status. */
static int
serve(struct app *app, const struct options *given, enum source source)
{
	struct fcgi_options options = {
		.threads = (unsigned int)app->conf->threads,
		.shutdown_seconds =
		    (unsigned int)((app->conf->shutdown_wait + 999) / 1000)
	};
	struct complaint error;

	if (source == SOURCE_SOCKET &&
	    (options.socket = take_socket(given)) == -1) {
		complaint(&error, "cannot listen at %s: %s", given->listen,
		    errno == EADDRINUSE ? "it is in use" : strerror(errno));
		refuse(source, error.text);
		return EX_CANTCREAT;
	}
	if (close_sandbox(app->conf, source, &error) == -1) {
		refuse(source, error.text);
		return EX_OSERR;
	}
	if (source == SOURCE_CGI)
		return cgi_serve(app) == 0 ? EX_OK : EX_OSERR;
	if (site_start(app->site) == -1) {
		refuse(source, "no thread can be started");
		return EX_OSERR;
	}
	switch (fcgi_serve(app, &options)) {
	case 0:
		return EX_OK;
	case 1:
		/* Threads that did not end still use the site. */
		_exit(EX_TEMPFAIL);
	default:
		return EX_OSERR;
	}
}

int
main(int argc, char **argv)
{
	struct options options;
	struct conf conf;
	struct complaint error;
	struct site site;
	struct app app;
	enum source source;
	const char *reason;
	int status, opened;

	argc = drop_query(argc, argv);
	parse_options(argc, argv, &options);
	close_inherited(&options);
	reason = start_safely();
	if (reason == NULL)
		reason = limit_resources();
	log_open(PROGRAM, LOG_TO_SYSLOG, LOG_LEVEL_WARNING);
	source = find_source(&options);
	if (source == SOURCE_CGI && getenv("REQUEST_METHOD") == NULL) {
		fputs(PROGRAM ": no web server started this, and there is no "
		    "--listen\n", stderr);
		usage(stderr);
		return EX_USAGE;
	}
	if (reason != NULL) {
		refuse(source, reason);
		return EX_OSERR;
	}
	if (conf_load(&conf, options.file, &error) != 0) {
		refuse(source, error.text);
		return EX_CONFIG;
	}
	log_open(PROGRAM, (enum log_target)conf.log_target,
	    (enum log_level)conf.log_level);
	tzset();
	/* Threads inherit the signal mask.  A reader of CGI who went away is no
	 * reason to die either. */
	if (source == SOURCE_SOCKET)
		fcgi_prepare();
	else
		signal(SIGPIPE, SIG_IGN);
	opened = site_open(&site, &conf, source == SOURCE_CGI ? SITE_SINGLE :
	    SITE_THREADS, &error);
	conf_forget_sign_key(&conf);
	if (opened != 0) {
		refuse(source, error.text);
		status = EX_UNAVAILABLE;
	} else if (app_init(&app, &site, &conf) != 0) {
		refuse(source, "it cannot be told where state_dir lies");
		site_close(&site);
		status = EX_UNAVAILABLE;
	} else {
		status = serve(&app, &options, source);
		site_close(&site);
	}
	conf_free(&conf);
	return status;
}

/* SPDX-License-Identifier: ISC */
/*
 * How the programs are started, and what a web server before them is told.
 */
#include "kills_site.h"

#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sqlite3.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define PATH	512

static const char settings[] =
    "state_dir = state\n"
    "key_file = keys/server.key\n"
    "log = stderr\n"
    "log_level = error\n"
    "lock_wait = 30s\n"
    "client_secrets = 0\n"
    "client_bytes = 0\n"
    "claim_seconds = 1s\n"
    "erase_delay = 20ms\n";

/* A worker that dies is asked no other way, and nothing is written to disk. */
static const char web_settings[] =
    "%s\nworker_processes 1;\npid %s/nginx.pid;\n"
    "error_log %s/nginx.log emerg;\nevents { worker_connections 512; }\n"
    "http {\n\taccess_log off;\n\tclient_body_temp_path %s/web;\n"
    "\tfastcgi_temp_path %s/web;\n\tproxy_temp_path %s/web;\n"
    "\tuwsgi_temp_path %s/web;\n\tscgi_temp_path %s/web;\n"
    "\tclient_max_body_size 2m;\n\tclient_body_buffer_size 2m;\n"
    "\tserver {\n\t\tlisten unix:%s;\n\t\tlocation / {\n"
    "\t\t\tfastcgi_pass unix:%s;\n\t\t\tfastcgi_next_upstream off;\n"
    "\t\t\tfastcgi_buffers 16 32k;\n\t\t\tfastcgi_buffer_size 32k;\n"
    "\t\t\tfastcgi_max_temp_file_size 0;\n"
    "\t\t\tfastcgi_param REQUEST_METHOD $request_method;\n"
    "\t\t\tfastcgi_param REQUEST_URI $request_uri;\n"
    "\t\t\tfastcgi_param CONTENT_TYPE $content_type;\n"
    "\t\t\tfastcgi_param CONTENT_LENGTH $content_length;\n"
    "\t\t\tfastcgi_param REMOTE_ADDR 192.0.2.1;\n"
    "\t\t\tfastcgi_param SERVER_PROTOCOL $server_protocol;\n"
    "\t\t\tfastcgi_param GATEWAY_INTERFACE CGI/1.1;\n\t\t}\n\t}\n}\n";

static void __attribute__((noreturn))
give_up(const char *what)
{
	perror(what);
	exit(2);
}

static void
path_in(const struct kills_site *site, const char *name, char *path,
    size_t size)
{
	if ((size_t)snprintf(path, size, "%s/%s", site->directory, name) >=
	    size)
		give_up("kills: TMPDIR is too long");
}

static void
write_file(const struct kills_site *site, const char *name, const char *text)
{
	char	 path[PATH];
	FILE	*file;

	path_in(site, name, path, sizeof(path));
	file = fopen(path, "we");
	if (file == NULL || fputs(text, file) == EOF || fclose(file) == EOF)
		give_up(path);
}

/* A program with this as its standard input, and what it says in the log.
 * Between fork and exec only what is allowed beside threads. */
static pid_t
start(const struct kills_site *site, int input, const char *const argv[])
{
	pid_t	 parent = getpid(), process;
	int	 log, null;

	log = open(site->log, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
	null = open("/dev/null", O_RDWR | O_CLOEXEC);
	if (log == -1 || null == -1)
		give_up(site->log);
	process = fork();
	if (process == -1)
		give_up("kills: fork");
	if (process == 0) {
		(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
		if (getppid() != parent ||
		    dup2(input == -1 ? null : input, STDIN_FILENO) == -1 ||
		    dup2(null, STDOUT_FILENO) == -1 ||
		    dup2(log, STDERR_FILENO) == -1)
			_exit(2);
		/* execvp does not change what it is given. */
		(void)execvp(argv[0], (char *const *)(uintptr_t)argv);
		_exit(2);
	}
	(void)close(log);
	(void)close(null);
	return process;
}

/* A program of ours. */
static pid_t
start_ours(const struct kills_site *site, int input, const char *name,
    const char *argument)
{
	const char	*build = getenv("builddir");
	char		 path[PATH];
	const char *const argv[] = { path, "-c", site->conf, argument, NULL };

	if ((size_t)snprintf(path, sizeof(path), "%s/src/%s",
	    build == NULL ? "." : build, name) >= sizeof(path))
		give_up("kills: builddir is too long");
	return start(site, input, argv);
}

int
kills_site_wait(pid_t process)
{
	int	 status;

	while (waitpid(process, &status, 0) == -1)
		if (errno != EINTR)
			give_up("kills: waitpid");
	return status;
}

static void
listen_for_workers(struct kills_site *site)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };

	if ((size_t)snprintf(address.sun_path, sizeof(address.sun_path), "%s",
	    site->worker_socket) >= sizeof(address.sun_path))
		give_up("kills: TMPDIR is too long");
	site->listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (site->listener == -1 || bind(site->listener,
	    (const struct sockaddr *)&address, sizeof(address)) == -1 ||
	    listen(site->listener, 128) == -1)
		give_up(site->worker_socket);
}

static void
start_web(struct kills_site *site)
{
	const char	*d = site->directory;
	char		 text[4096], conf[PATH];
	const char *const argv[] = {
		"nginx", "-p", d, "-c", conf, "-e", site->log, "-g",
		"daemon off;", NULL,
	};

	path_in(site, "web", conf, sizeof(conf));
	if (mkdir(conf, 0700) == -1)
		give_up(conf);
	path_in(site, "nginx.conf", conf, sizeof(conf));
	if ((size_t)snprintf(text, sizeof(text), web_settings,
	    getuid() == 0 ? "user root;" : "", d, d, d, d, d, d, d,
	    site->web_socket, site->worker_socket) >= sizeof(text))
		give_up("kills: nginx.conf");
	write_file(site, "nginx.conf", text);
	site->web = start(site, -1, argv);
	/* Nothing tells when it listens, but its socket. */
	while (access(site->web_socket, F_OK) == -1) {
		if (waitpid(site->web, NULL, WNOHANG) != 0)
			give_up("kills: nginx does not start");
		(void)nanosleep(&(struct timespec){ .tv_nsec = 5000000 },
		    NULL);
	}
}

void
kills_site_open(struct kills_site *site, unsigned int threads, bool web)
{
	const char	*base = getenv("TMPDIR");
	char		 text[512], path[PATH];

	*site = (struct kills_site){ .listener = -1 };
	if ((size_t)snprintf(site->directory, sizeof(site->directory),
	    "%s/oncelink-kills.XXXXXX", base == NULL ? P_tmpdir : base) >=
	    sizeof(site->directory) || mkdtemp(site->directory) == NULL)
		give_up("kills: TMPDIR");
	path_in(site, "oncelink.conf", site->conf, sizeof(site->conf));
	path_in(site, "state/oncelink.db", site->database,
	    sizeof(site->database));
	path_in(site, "log", site->log, sizeof(site->log));
	path_in(site, "worker.sock", site->worker_socket,
	    sizeof(site->worker_socket));
	path_in(site, "web.sock", site->web_socket, sizeof(site->web_socket));
	(void)snprintf(text, sizeof(text), "%sthreads = %u\n", settings,
	    threads);
	write_file(site, "oncelink.conf", text);
	path_in(site, "state", path, sizeof(path));
	if (kills_site_wait(start_ours(site, -1, "oncelinkctl", "init")) != 0)
		give_up("kills: oncelinkctl init");
	listen_for_workers(site);
	if (web)
		start_web(site);
}

static void
remove_tree(const char *path)
{
	char		 name[PATH];
	struct dirent	*entry;
	DIR		*directory = opendir(path);

	while (directory != NULL && (entry = readdir(directory)) != NULL) {
		if (strcmp(entry->d_name, ".") == 0 ||
		    strcmp(entry->d_name, "..") == 0 ||
		    (size_t)snprintf(name, sizeof(name), "%s/%s", path,
		    entry->d_name) >= sizeof(name))
			continue;
		if (entry->d_type == DT_DIR)
			remove_tree(name);
		else
			(void)unlink(name);
	}
	if (directory != NULL)
		(void)closedir(directory);
	(void)rmdir(path);
}

void
kills_site_close(struct kills_site *site)
{
	if (site->web != 0) {
		(void)kill(site->web, SIGTERM);
		(void)kills_site_wait(site->web);
	}
	(void)close(site->listener);
	remove_tree(site->directory);
}

pid_t
kills_site_worker(struct kills_site *site)
{
	return start_ours(site, site->listener, "oncelink.fcgi", NULL);
}

pid_t
kills_site_sweeper(struct kills_site *site)
{
	return start_ours(site, -1, "oncelink-sweep", NULL);
}

long
kills_site_log_bytes(const struct kills_site *site)
{
	char		 path[PATH];
	struct stat	 status;

	(void)snprintf(path, sizeof(path), "%s-wal", site->database);
	return stat(path, &status) == -1 ? 0 : (long)status.st_size;
}

/* One row with one text is what is wanted. */
static unsigned int
ask(sqlite3 *database, const char *sql, const char *wanted)
{
	sqlite3_stmt	*statement = NULL;
	unsigned int	 faults = 1;

	if (sqlite3_prepare_v2(database, sql, -1, &statement, NULL) ==
	    SQLITE_OK && sqlite3_step(statement) == SQLITE_ROW &&
	    strcmp((const char *)sqlite3_column_text(statement, 0),
	    wanted) == 0)
		faults = 0;
	else
		(void)printf("# kills: not %s: %s\n", wanted, sql);
	(void)sqlite3_finalize(statement);
	return faults;
}

static unsigned int
look_into_log(const struct kills_site *site)
{
	char		 line[1024];
	unsigned int	 faults = 0;
	FILE		*file = fopen(site->log, "re");

	while (file != NULL && fgets(line, sizeof(line), file) != NULL) {
		(void)printf("# kills: log: %s", line);
		faults++;
	}
	if (file != NULL)
		(void)fclose(file);
	return faults;
}

unsigned int
kills_site_faults(const struct kills_site *site)
{
	sqlite3		*database = NULL;
	unsigned int	 faults = 1;

	if (sqlite3_open_v2(site->database, &database, SQLITE_OPEN_READONLY,
	    NULL) == SQLITE_OK)
		faults = ask(database, "PRAGMA integrity_check", "ok") +
		    ask(database, "SELECT count(*) FROM record WHERE id NOT IN"
		    " (SELECT record FROM secret)", "0") +
		    ask(database, "SELECT count(*) FROM secret WHERE record <>"
		    " 0 AND record NOT IN (SELECT id FROM record)", "0");
	(void)sqlite3_close(database);
	return faults + look_into_log(site);
}

/* SPDX-License-Identifier: ISC */
/*
 * oncelinkctl: what an administrator does to a site from the command line.
 * This file knows the commands, and in which order the parts of a new site are
 * made so that one that was made by halves can be told from one that lost its
 * key.
 */
#include <sys/stat.h>

#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

#include "base/complaint.h"
#include "base/conf.h"
#include "base/log.h"
#include "core/site.h"
#include "crypto/keyring.h"
#include "prog/start.h"
#include "store/store.h"

#define PROGRAM		"oncelinkctl"
#define DATABASE	"oncelink.db"	/* where store_create makes it */

struct command {
	const char	*name;
	const char	*summary;
	const char	*help;
	int		(*run)(const struct conf *conf);
};

static int	 run_init(const struct conf *);
static int	 run_config(const struct conf *);
static int	 run_stats(const struct conf *);

static const struct command commands[] = {
	{ "init", "make what a new site needs",
	    "Make what a new site needs and does not have yet: the state\n"
	    "directory, the directory of the key file, the key file and the\n"
	    "database, all readable by this user alone.  Nothing that is\n"
	    "there is changed.  With SIGN_KEY set no key file is made.\n",
	    run_init },
	{ "config", "print the settings in effect",
	    "Print every setting as it is in effect, where it comes from,\n"
	    "what it means and what is allowed, in the form of the\n"
	    "configuration file.\n",
	    run_config },
	{ "stats", "count what is in the store",
	    "Count what is in the store, expired secrets that wait for the\n"
	    "sweeper included.  This reads all of it.\n",
	    run_stats },
};

#define COMMANDS_COUNT (sizeof(commands) / sizeof(commands[0]))

static int complain(int, const char *, ...)
	    __attribute__((format(printf, 2, 3)));

/* Say what is wrong; returns the exit status that belongs to it. */
static int
complain(int status, const char *format, ...)
{
	va_list	 arguments;

	fflush(stdout);
	fputs(PROGRAM ": ", stderr);
	va_start(arguments, format);
	vfprintf(stderr, format, arguments);
	va_end(arguments);
	fputc('\n', stderr);
	return status;
}

/* What was printed must have arrived, on a full disk too. */
static int
flush_output(void)
{
	if (fflush(stdout) == EOF || ferror(stdout))
		return complain(EX_IOERR, "standard output: %s",
		    strerror(errno));
	return EX_OK;
}

static bool
exists(const char *path)
{
	struct stat	 status;

	return lstat(path, &status) == 0;
}

/* Everything above the last part of a path, readable by all. */
static int
make_parents(char *path)
{
	for (char *slash = strchr(path + 1, '/'); slash != NULL;
	    slash = strchr(slash + 1, '/')) {
		*slash = '\0';
		if (mkdir(path, 0755) == -1 && errno != EEXIST)
			return complain(EX_CANTCREAT, "%s: %s", path,
			    strerror(errno));
		*slash = '/';
	}
	return EX_OK;
}

/*
 * A directory of our own.  One that is there and open to others is not
 * mended: who made it so had a reason, or does not know it yet.
 */
static int
make_directory(const char *path, const char *what)
{
	struct stat	 status;
	char		*copy;
	int		 result;

	if ((copy = strdup(path)) == NULL)
		return complain(EX_OSERR, "there is no memory");
	result = make_parents(copy);
	free(copy);
	if (result != EX_OK)
		return result;
	if (mkdir(path, 0700) == 0) {
		printf("made   %s (%s)\n", path, what);
		return EX_OK;
	}
	if (errno != EEXIST)
		return complain(EX_CANTCREAT, "%s: the %s cannot be made: %s",
		    path, what, strerror(errno));
	if (stat(path, &status) == -1)
		return complain(EX_CANTCREAT, "%s: %s", path, strerror(errno));
	if (!S_ISDIR(status.st_mode))
		return complain(EX_CANTCREAT, "%s: the %s is there, but is no "
		    "directory", path, what);
	if (status.st_uid != geteuid())
		return complain(EX_CANTCREAT, "%s: the %s belongs to another "
		    "user", path, what);
	if ((status.st_mode & 077) != 0)
		return complain(EX_CANTCREAT, "%s: the %s must be a directory "
		    "of its own with mode 0700, its mode is %04o", path, what,
		    (unsigned int)status.st_mode & 07777);
	printf("there  %s (%s)\n", path, what);
	return EX_OK;
}

static int
make_key_file(const struct conf *conf, const char *database)
{
	struct complaint	 error;
	const char		*slash = strrchr(conf->key_file, '/');
	char			*directory;
	int			 result;

	if (exists(conf->key_file)) {
		printf("there  %s (key file)\n", conf->key_file);
		return EX_OK;
	}
	if (exists(database))
		return complain(EX_CONFIG, "%s: the database is there, but its "
		    "key file %s is not; without that key nothing in it can be "
		    "read.  Put the key file (or SIGN_KEY) back, or move the "
		    "database away.", database, conf->key_file);
	if (slash == NULL || slash == conf->key_file)
		return complain(EX_CONFIG, "%s: the key file needs a directory "
		    "of its own", conf->key_file);
	directory = strndup(conf->key_file, (size_t)(slash - conf->key_file));
	if (directory == NULL)
		return complain(EX_OSERR, "there is no memory");
	result = make_directory(directory, "key directory");
	free(directory);
	if (result != EX_OK)
		return result;
	if (keyring_create(conf->key_file, &error) == -1)
		return complain(EX_CANTCREAT, "%s", error.text);
	printf("made   %s (key file)\n", conf->key_file);
	return EX_OK;
}

static int
make_database(const struct conf *conf, const char *database)
{
	struct complaint	 error;

	if (exists(database)) {
		printf("there  %s (database)\n", database);
		return EX_OK;
	}
	if (store_create(conf->state_dir, &error) == -1)
		return complain(EX_CANTCREAT, "%s", error.text);
	printf("made   %s (database)\n", database);
	return EX_OK;
}

/* The key comes before the database: see make_key_file. */
static int
run_init(const struct conf *conf)
{
	struct complaint	 error;
	struct site		 site;
	char			*database;
	int			 result;

	umask(022);	/* above our own directories */
	if (asprintf(&database, "%s/%s", conf->state_dir, DATABASE) == -1)
		return complain(EX_OSERR, "there is no memory");
	result = make_directory(conf->state_dir, "state directory");
	if (result == EX_OK && conf->sign_key == NULL)
		result = make_key_file(conf, database);
	if (result == EX_OK)
		result = make_database(conf, database);
	free(database);
	if (result != EX_OK)
		return result;
	if (site_open(&site, conf, SITE_SINGLE, &error) == -1)
		return complain(EX_UNAVAILABLE, "%s", error.text);
	store_ballast(site.store);
	site_close(&site);
	return flush_output();
}

static int
run_config(const struct conf *conf)
{
	conf_print(conf, stdout);
	return flush_output();
}

static int
read_stats(struct store_txn *txn, void *argument)
{
	return store_stats(txn, argument);
}

static void
print_stats(const struct store_stats *stats)
{
	static const char *const states[STORE_STATE__MAX] = {
		[STORE_WAITING] = "waiting",
		[STORE_OPENED] = "opened",
		[STORE_EXPIRED] = "expired",
		[STORE_BURNED] = "burned",
		[STORE_LOCKED] = "locked",
	};

	for (size_t state = 0; state < STORE_STATE__MAX; state++)
		printf("secrets_%s = %" PRId64 "\n", states[state],
		    stats->secrets[state]);
	printf("records = %" PRId64 "\n", stats->records);
	printf("claims = %" PRId64 "\n", stats->claims);
	printf("bytes_used = %" PRId64 "\n",
	    stats->pages_used * stats->page_bytes);
	printf("bytes_free = %" PRId64 "\n",
	    stats->pages_free * stats->page_bytes);
	printf("bytes_wal = %" PRId64 "\n", stats->wal_bytes);
}

static int
run_stats(const struct conf *conf)
{
	struct store_stats	 stats;
	struct complaint	 error;
	struct site		 site;
	int			 failure;

	if (site_open(&site, conf, SITE_SINGLE, &error) == -1)
		return complain(EX_UNAVAILABLE, "%s", error.text);
	failure = store_view(site.store, read_stats, &stats);
	site_close(&site);
	if (failure != 0)
		return complain(failure == STORE_BUSY ? EX_TEMPFAIL :
		    EX_SOFTWARE, "the store cannot be read");
	print_stats(&stats);
	return flush_output();
}

static void
print_usage(FILE *out)
{
	fputs("usage: " PROGRAM " [-c FILE] COMMAND\n\n", out);
	for (size_t i = 0; i < COMMANDS_COUNT; i++)
		fprintf(out, "  %-13s%s\n", commands[i].name,
		    commands[i].summary);
	fputs("\n"
	    "  -c FILE      the configuration file (also ONCELINK_CONF)\n"
	    "  -h, --help   this text; after a command: about the command\n"
	    "  --version    the version\n", out);
}

static const struct command *
find_command(const char *name)
{
	for (size_t i = 0; i < COMMANDS_COUNT; i++)
		if (strcmp(commands[i].name, name) == 0)
			return &commands[i];
	return NULL;
}

static int
run_command(const struct command *command, const char *path)
{
	struct complaint	 error;
	struct conf		 conf;
	int			 result;

	if (conf_load(&conf, path, &error) == -1)
		return complain(EX_CONFIG, "%s", error.text);
	result = command->run(&conf);
	conf_free(&conf);
	return result;
}

/* The options may stand before the command and after it. */
int
main(int argc, char *argv[])
{
	static const struct option options[] = {
		{ "help", no_argument, NULL, 'h' },
		{ "version", no_argument, NULL, 'V' },
		{ NULL, 0, NULL, 0 }
	};
	const struct command	*command = NULL;
	const char		*path = NULL, *reason;
	bool			 help = false;
	int			 option;

	log_open(PROGRAM, LOG_TO_STDERR, LOG_LEVEL_WARNING);
	if ((reason = start_safely()) != NULL)
		return complain(EX_OSERR, "%s", reason);

	while ((option = getopt_long(argc, argv, "c:h", options, NULL)) != -1)
		switch (option) {
		case 'c':
			start_take_option(&path, PROGRAM, "-c");
			break;
		case 'h':
			help = true;
			break;
		case 'V':
			puts(PROGRAM " " PACKAGE_VERSION);
			return flush_output();
		default:
			print_usage(stderr);
			return EX_USAGE;
		}
	if (optind < argc && (command = find_command(argv[optind])) == NULL)
		return complain(EX_USAGE, "there is no command `%s' (see "
		    PROGRAM " --help)", argv[optind]);
	if (help && command != NULL) {
		printf("usage: " PROGRAM " [-c FILE] %s\n\n%s", command->name,
		    command->help);
		return flush_output();
	}
	if (help) {
		print_usage(stdout);
		return flush_output();
	}
	if (command == NULL) {
		print_usage(stderr);
		return EX_USAGE;
	}
	if (optind + 1 < argc)
		return complain(EX_USAGE, "usage: " PROGRAM " [-c FILE] %s",
		    command->name);
	return run_command(command, path);
}

/* SPDX-License-Identifier: ISC */
/*
 * oncelinkctl init.  This file knows in which order the parts of a new site
 * are made so that one that was made by halves can be told from one that lost
 * its key.
 */
#include <sys/stat.h>

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

#include "base/complaint.h"
#include "base/conf.h"
#include "core/site.h"
#include "crypto/keyfile.h"
#include "prog/ctl.h"
#include "store/store.h"

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
			return ctl_complain(EX_CANTCREAT, "%s: %s", path,
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
		return ctl_complain(EX_OSERR, "there is no memory");
	result = make_parents(copy);
	free(copy);
	if (result != EX_OK)
		return result;
	if (mkdir(path, 0700) == 0) {
		printf("made   %s (%s)\n", path, what);
		return EX_OK;
	}
	if (errno != EEXIST)
		return ctl_complain(EX_CANTCREAT, "%s: the %s cannot be made: "
		    "%s", path, what, strerror(errno));
	if (stat(path, &status) == -1)
		return ctl_complain(EX_CANTCREAT, "%s: %s", path,
		    strerror(errno));
	if (!S_ISDIR(status.st_mode))
		return ctl_complain(EX_CANTCREAT, "%s: the %s is there, but "
		    "is no directory", path, what);
	if (status.st_uid != geteuid())
		return ctl_complain(EX_CANTCREAT, "%s: the %s belongs to "
		    "another user", path, what);
	if ((status.st_mode & 077) != 0)
		return ctl_complain(EX_CANTCREAT, "%s: the %s must be a "
		    "directory of its own with mode 0700, its mode is %04o",
		    path, what, (unsigned int)status.st_mode & 07777);
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
		return ctl_complain(EX_CONFIG, "%s: the database is there, "
		    "but its key file %s is not; without that key nothing in "
		    "it can be read.  Put the key file (or SIGN_KEY) back, or "
		    "move the database away.", database, conf->key_file);
	if (slash == NULL || slash == conf->key_file)
		return ctl_complain(EX_CONFIG, "%s: the key file needs a "
		    "directory of its own", conf->key_file);
	directory = strndup(conf->key_file, (size_t)(slash - conf->key_file));
	if (directory == NULL)
		return ctl_complain(EX_OSERR, "there is no memory");
	result = make_directory(directory, "key directory");
	free(directory);
	if (result != EX_OK)
		return result;
	if (keyfile_create(conf->key_file, &error) == -1)
		return ctl_complain(EX_CANTCREAT, "%s", error.text);
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
		return ctl_complain(EX_CANTCREAT, "%s", error.text);
	printf("made   %s (database)\n", database);
	return EX_OK;
}

static int
finish(struct site *site, const struct ctl_call *call)
{
	(void)call;
	store_ballast(site->store);
	return ctl_flush();
}

/* The key comes before the database: see make_key_file. */
int
ctl_init_run(const struct ctl_call *call)
{
	const struct conf	*conf = call->conf;
	char			*database;
	int			 result;

	umask(022);	/* above our own directories */
	if (asprintf(&database, "%s/" STORE_DATABASE_NAME, conf->state_dir) ==
	    -1)
		return ctl_complain(EX_OSERR, "there is no memory");
	result = make_directory(conf->state_dir, "state directory");
	if (result == EX_OK && conf->sign_key == NULL)
		result = make_key_file(conf, database);
	if (result == EX_OK)
		result = make_database(conf, database);
	free(database);
	return result == EX_OK ? ctl_with_site(call, SITE_SINGLE, finish) :
	    result;
}

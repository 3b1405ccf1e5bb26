/* SPDX-License-Identifier: ISC */
/*
 * oncelinkctl backup and restore.  This file knows the form of a backup, which
 * is that of the configuration file, with sections: what the file is, what it
 * keeps, and an end by which one that was cut off is known.
 */
#include <sys/stat.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/complaint.h"
#include "base/conf.h"
#include "base/conf_file.h"
#include "base/conf_row.h"
#include "base/durable.h"
#include "prog/ctl.h"
#include "prog/ctl_carry.h"

#define FORM		"1"
#define BESIDE		".restored"
#define HEAD_LINES	2	/* before the settings in that file */

static void
print_backup(const struct conf *conf, const char *accounts, FILE *out)
{
	char	 made[CTL_TIME_SIZE];

	fprintf(out, "# The settings and accounts of an Oncelink site, for `"
	    CTL_PROGRAM " restore'.\n# No secret is here and no key: keep a "
	    "copy of the key file in a place of its own.\n\n"
	    "[backup]\nform = " FORM "\nmade = %s\nversion = "
	    PACKAGE_VERSION "\n\n[settings]\n",
	    ctl_time(clock_wall(), made));
	conf_print_changed(conf, out);
	fputs(accounts, out);
	fputs("\n[end]\nform = " FORM "\n", out);
}

/* What was written must be on the disk. */
static int
finish(FILE *out, const char *path)
{
	int	 failed;

	failed = fflush(out) == EOF || ferror(out) || fsync(fileno(out)) == -1;
	if (fclose(out) == EOF || failed || durable_name(path) == -1) {
		ctl_complain(EX_IOERR, "%s: cannot be written: %s", path,
		    strerror(errno));
		unlink(path);
		return EX_IOERR;
	}
	return EX_OK;
}

static int
back_up(const struct ctl_call *call, const char *accounts)
{
	const char	*path = call->operands[0];
	FILE		*out;

	if (strcmp(path, "-") == 0) {
		print_backup(call->conf, accounts, stdout);
		return ctl_flush();
	}
	/* For this user alone, by the umask of all our programs. */
	out = fopen(path, "wxe");
	if (out == NULL)
		return ctl_complain(EX_CANTCREAT, "%s: cannot be made: %s",
		    path, errno == EEXIST ? "it is there already, and is not "
		    "replaced" : strerror(errno));
	print_backup(call->conf, accounts, out);
	return finish(out, path);
}

/* The accounts first: without them nothing is made. */
int
ctl_backup_run(const struct ctl_call *call)
{
	char	*accounts = NULL;
	size_t	 size;
	FILE	*out = open_memstream(&accounts, &size);
	int	 result;

	if (out == NULL)
		return ctl_complain(EX_OSERR, "there is no memory");
	result = ctl_carry_print(call->conf, out);
	if (fclose(out) == EOF && result == EX_OK)
		result = ctl_complain(EX_OSERR, "there is no memory");
	if (result == EX_OK)
		result = back_up(call, accounts);
	free(accounts);
	return result;
}

/* What is read of a backup. */
struct restoring {
	const char	*path;
	FILE		*out;		/* the lines of the settings */
	unsigned int	*lines;		/* of the backup that they are */
	size_t		 lines_count;
	struct ctl_carry carry;		/* the accounts */
	char		 made[64];
	bool		 begun;
	bool		 ended;
	struct complaint error;
};

static int
take_setting(struct restoring *restoring, const char *name, const char *value,
    unsigned int line)
{
	unsigned int	*lines;

	if (conf_row_find(name) == NULL)
		return complaint(&restoring->error, "%s:%u: there is no "
		    "setting of this name", restoring->path, line);
	lines = reallocarray(restoring->lines, restoring->lines_count + 1,
	    sizeof(*lines));
	if (lines == NULL)
		return complaint(&restoring->error, "there is no memory");
	restoring->lines = lines;
	lines[restoring->lines_count++] = line;
	fprintf(restoring->out, "%s = %s\n", name, value);
	return 0;
}

static int
take_line(void *argument, const char *section, const char *name,
    const char *value, unsigned int line)
{
	struct restoring	*restoring = argument;
	struct complaint	*error = &restoring->error;
	const char		*what;

	if (!restoring->begun) {
		if (strcmp(section, "backup") != 0 || strcmp(name, "form") != 0)
			return complaint(error, "%s:%u: this is not a backup "
			    "of an Oncelink site", restoring->path, line);
		if (strcmp(value, FORM) != 0)
			return complaint(error, "%s:%u: this backup was made "
			    "by a later version, which can restore it",
			    restoring->path, line);
		restoring->begun = true;
	} else if (restoring->ended) {
		return complaint(error, "%s:%u: something follows the end",
		    restoring->path, line);
	} else if (strcmp(section, "backup") == 0) {
		if (strcmp(name, "made") == 0)
			snprintf(restoring->made, sizeof(restoring->made),
			    "%s", value);
	} else if (strcmp(section, "settings") == 0) {
		return take_setting(restoring, name, value, line);
	} else if (ctl_carry_is_section(section)) {
		what = ctl_carry_take(&restoring->carry, section, name, value);
		if (what != NULL)
			return complaint(error, "%s:%u: %s", restoring->path,
			    line, what);
	} else if (strcmp(section, "end") == 0) {
		restoring->ended = true;
	} else
		return complaint(error, "%s:%u: there is no such section",
		    restoring->path, line);
	return 0;
}

/* Read the whole backup before anything is made of it. */
static int
read_backup(struct restoring *restoring)
{
	const char	*what;
	unsigned int	 line;
	FILE		*in = stdin;
	int		 rc;

	if (strcmp(restoring->path, "-") != 0 &&
	    (in = fopen(restoring->path, "re")) == NULL)
		return ctl_complain(EX_NOINPUT, "%s: cannot be opened: %s",
		    restoring->path, strerror(errno));
	rc = conf_file_read(in, true, take_line, restoring, &line, &what);
	if (in != stdin)
		fclose(in);
	if (rc == 1)
		return ctl_complain(EX_DATAERR, "%s:%u: %s", restoring->path,
		    line, what);
	if (rc == -1)
		return ctl_complain(EX_DATAERR, "%s", restoring->error.text);
	if (!restoring->ended)
		return ctl_complain(EX_DATAERR, "%s: the backup was cut off; "
		    "nothing was restored", restoring->path);
	return EX_OK;
}

/* The new configuration file beside its place, for everybody to read. */
static int
write_beside(const struct restoring *restoring, const char *beside,
    const char *settings)
{
	FILE	*out;

	unlink(beside);
	if ((out = fopen(beside, "wxe")) == NULL)
		return ctl_complain(EX_CANTCREAT, "%s: cannot be made: %s",
		    beside, strerror(errno));
	fchmod(fileno(out), 0644);
	/* HEAD_LINES of our own. */
	fprintf(out, "# Of a backup made at %s, by `" CTL_PROGRAM
	    " restore'.\n\n%s", restoring->made, settings);
	return finish(out, beside);
}

/* What is wrong with the file beside, which is gone when somebody reads this:
 * each `FILE:LINE' of it is one of the backup. */
static int
refuse_settings(const struct restoring *restoring, const char *beside,
    const char *text)
{
	const char	*found;
	char		*said = NULL, *end;
	size_t		 size;
	unsigned long	 line;
	FILE		*out = open_memstream(&said, &size);

	if (out == NULL)
		return ctl_complain(EX_OSERR, "there is no memory");
	while ((found = strstr(text, beside)) != NULL) {
		fprintf(out, "%.*s%s", (int)(found - text), text,
		    restoring->path);
		text = found + strlen(beside);
		if (*text != ':')
			continue;
		line = strtoul(text + 1, &end, 10);
		if (line <= HEAD_LINES ||
		    line - HEAD_LINES > restoring->lines_count)
			continue;
		fprintf(out, ":%u", restoring->lines[line - HEAD_LINES - 1]);
		text = end;
	}
	fputs(text, out);
	if (fclose(out) == EOF)
		ctl_complain(EX_OSERR, "there is no memory");
	else
		ctl_complain(EX_DATAERR, "the settings of the backup are not "
		    "allowed here: %s", said);
	free(said);
	return EX_DATAERR;
}

/* Put it in its place when the programs take it. */
static int
place(const struct restoring *restoring, const char *beside,
    const char *target, bool force)
{
	struct complaint	 error;
	struct conf		 conf;
	int			 result = EX_OK;

	if (conf_load(&conf, beside, &error) == -1)
		return refuse_settings(restoring, beside, error.text);
	if (force ? rename(beside, target) == -1 : link(beside, target) == -1)
		result = ctl_complain(EX_CANTCREAT, "%s: %s", target,
		    errno == EEXIST ? "it is there already; --force replaces "
		    "it" : strerror(errno));
	else if (durable_name(target) == -1)
		result = ctl_complain(EX_IOERR, "%s: %s", target,
		    strerror(errno));
	else {
		printf("made   %s (settings)\n"
		    "Put the key file at %s, owned by the worker's user with "
		    "mode 0600;\nthen `" CTL_PROGRAM " init' makes what else "
		    "is missing.\n", target, conf.key_file);
		if (restoring->carry.accounts_count > 0)
			printf("After that `" CTL_PROGRAM " restore "
			    "--accounts %s' puts its %zu accounts back.\n",
			    restoring->path, restoring->carry.accounts_count);
	}
	conf_free(&conf);
	return result;
}

static int
restore_settings(const struct ctl_call *call,
    const struct restoring *restoring, const char *settings)
{
	const char	*target = conf_place(call->file);
	char		*beside;
	int		 result;

	if (asprintf(&beside, "%s" BESIDE, target) == -1)
		return ctl_complain(EX_OSERR, "there is no memory");
	result = write_beside(restoring, beside, settings);
	if (result == EX_OK) {
		result = place(restoring, beside, target,
		    call->options[CTL_OPTION_FORCE] != NULL);
		unlink(beside);
	}
	free(beside);
	return result;
}

static int
restore_accounts(const struct ctl_call *call, struct restoring *restoring)
{
	struct complaint	 error;
	struct conf		 conf;
	int			 result;

	if (call->options[CTL_OPTION_FORCE] != NULL)
		return ctl_complain(EX_USAGE, "--force is for settings; an "
		    "account that is there is not replaced");
	if (conf_load(&conf, call->file, &error) == -1)
		return ctl_complain(EX_CONFIG, "%s", error.text);
	result = ctl_carry_restore(&restoring->carry, &conf);
	conf_free(&conf);
	return result;
}

int
ctl_backup_restore(const struct ctl_call *call)
{
	struct restoring	 restoring = { .path = call->operands[0] };
	char			*settings = NULL;
	size_t			 size;
	int			 result;

	restoring.out = open_memstream(&settings, &size);
	if (restoring.out == NULL)
		return ctl_complain(EX_OSERR, "there is no memory");
	result = read_backup(&restoring);
	if (fclose(restoring.out) == EOF && result == EX_OK)
		result = ctl_complain(EX_OSERR, "there is no memory");
	if (result == EX_OK)
		result = call->options[CTL_OPTION_ACCOUNTS] != NULL ?
		    restore_accounts(call, &restoring) :
		    restore_settings(call, &restoring, settings);
	free(settings);
	free(restoring.lines);
	ctl_carry_free(&restoring.carry);
	return result != EX_OK ? result : ctl_flush();
}

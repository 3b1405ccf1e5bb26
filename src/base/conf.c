/* SPDX-License-Identifier: ISC */

/*
 * This file knows where settings come from: the defaults, the file and the
 * environment, the later over the earlier, and what cannot be set together.
 */

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/complaint.h"
#include "base/conf.h"
#include "base/conf_file.h"
#include "base/conf_row.h"
#include "base/conf_value.h"

#define NAME_SHOWN	40	/* bytes of an unknown name */

static const char installed_place[] = ONCELINK_CONF_FILE;

struct loading {
	struct conf		*conf;
	const char		*path;
	const char		*directory;	/* of the file */
	struct complaint	*error;
};

/* `PLACE: NAME: must be WHAT IS ALLOWED` */
static int
complain_of_value(struct complaint *error, const char *place, const char *name,
    const struct conf_row *row)
{
	char allowed[256] = "";
	FILE *out;

	out = fmemopen(allowed, sizeof(allowed), "w");
	if (out != NULL) {
		conf_row_print_allowed(row, out);
		(void)fclose(out);
	}
	return complaint(error, "%s: %s: must be %s", place, name, allowed);
}

/* Read one value; place is kept when that succeeds and released when not. */
static int
set(struct loading *loading, const struct conf_row *row, const char *name,
    const char *value, char *place)
{
	char **origin;
	int rc;

	rc = conf_row_set(row, loading->conf, value, loading->directory);
	if (rc == 0) {
		origin = &loading->conf->origins[conf_row_index(row)];
		free(*origin);
		*origin = place;
		return 0;
	}
	if (rc == 1)
		complain_of_value(loading->error, place, name, row);
	else
		complaint(loading->error, "%s: %s: no memory", place, name);
	free(place);
	return -1;
}

/* A setting of the file. */
static int
set_line(void *arg, const char *section, const char *name, const char *value,
    unsigned int line)
{
	struct loading *loading = arg;
	const struct conf_row *row;
	const char *before;
	char *place;

	(void)section;
	row = conf_row_find(name);
	if (row == NULL)
		return complaint(loading->error, "%s:%u: %.*s: there is no "
		    "such setting; `oncelinkctl config` prints all there are",
		    loading->path, line, NAME_SHOWN,
		    conf_value_is_text(name) ? name : "(not text)");
	before = loading->conf->origins[conf_row_index(row)];
	if (before != NULL)
		return complaint(loading->error, "%s:%u: %s: must be set only "
		    "once; it is also set at %s", loading->path, line, name,
		    before);
	if (asprintf(&place, "%s:%u", loading->path, line) == -1)
		return complaint(loading->error, "%s:%u: no memory",
		    loading->path, line);
	return set(loading, row, name, value, place);
}

static int
load_defaults(struct loading *loading)
{
	const struct conf_row *row;
	size_t i;

	for (i = 0; (row = conf_row_at(i)) != NULL; i++)
		if (conf_row_set(row, loading->conf, row->preset, "/") != 0)
			return complain_of_value(loading->error, "default",
			    row->name, row);
	return 0;
}

/* The directory of the file, from the root; the caller owns it. */
static char *
directory_of(const char *path)
{
	const char *slash;
	char *part, *whole;

	slash = strrchr(path, '/');
	if (slash == NULL)
		return realpath(".", NULL);
	part = strndup(path, slash == path ? 1 : (size_t)(slash - path));
	if (part == NULL)
		return NULL;
	whole = realpath(part, NULL);
	free(part);
	return whole;
}

static int
load_file(struct loading *loading, bool optional)
{
	char *directory;
	const char *what;
	FILE *file;
	unsigned int line;
	int rc;

	file = fopen(loading->path, "re");
	if (file == NULL) {
		if (optional && errno == ENOENT)
			return 0;
		return complaint(loading->error, "%s: cannot be opened: %s",
		    loading->path, strerror(errno));
	}
	directory = directory_of(loading->path);
	if (directory == NULL) {
		complaint(loading->error, "%s: its directory cannot be "
		    "found: %s", loading->path, strerror(errno));
		(void)fclose(file);
		return -1;
	}
	loading->directory = directory;
	rc = conf_file_read(file, false, set_line, loading, &line, &what);
	if (rc == 1)
		complaint(loading->error, "%s:%u: %s", loading->path, line,
		    what);
	loading->directory = "/";
	free(directory);
	(void)fclose(file);
	return rc == 0 ? 0 : -1;
}

static int
load_environment(struct loading *loading)
{
	const struct conf_row *row;
	const char *value;
	char *place;
	size_t i;

	for (i = 0; (row = conf_row_at(i)) != NULL; i++) {
		if (row->variable == NULL ||
		    (value = getenv(row->variable)) == NULL)
			continue;
		place = strdup("environment");
		if (place == NULL)
			return complaint(loading->error, "no memory");
		if (set(loading, row, row->variable, value, place) == -1)
			return -1;
	}
	return 0;
}

/*
 * SIGN_KEY goes from the environment into conf, and its bytes are overwritten
 * where the environment had them, as /proc shows those for as long as the
 * process lives.
 */
static int
take_sign_key(struct conf *conf, struct complaint *error)
{
	char *value;

	value = getenv("SIGN_KEY");
	if (value == NULL)
		return 0;
	conf->sign_key = strdup(value);
	explicit_bzero(value, strlen(value));
	(void)unsetenv("SIGN_KEY");
	return conf->sign_key == NULL ? complaint(error, "no memory") : 0;
}

/* The place that is to blame for the value of a setting. */
static const char *
blame(const struct conf *conf, const struct conf_row *row)
{
	const char *place = conf->origins[conf_row_index(row)];

	return place != NULL ? place : "default";
}

static int
check_together(const struct conf *conf, struct complaint *error)
{
	if (conf->max_envelope > conf->max_store)
		return complaint(error, "%s: max_envelope: must be at most "
		    "max_store (which is from %s)",
		    blame(conf, conf_row_find("max_envelope")),
		    blame(conf, conf_row_find("max_store")));
	return 0;
}

const char *
conf_place(const char *path)
{
	if (path != NULL)
		return path;
	path = getenv("ONCELINK_CONF");
	return path == NULL || *path == '\0' ? installed_place : path;
}

int
conf_load(struct conf *conf, const char *path, struct complaint *error)
{
	struct loading loading = {
		.conf = conf, .path = path, .directory = "/", .error = error
	};
	bool optional;
	size_t rows = 0;

	memset(conf, 0, sizeof(*conf));
	if (take_sign_key(conf, error) == -1)
		goto failed;
	while (conf_row_at(rows) != NULL)
		rows++;
	conf->origins = calloc(rows, sizeof(conf->origins[0]));
	if (conf->origins == NULL) {
		complaint(error, "no memory");
		goto failed;
	}

	loading.path = conf_place(path);
	optional = path == NULL && loading.path == installed_place;
	if (load_defaults(&loading) == -1 ||
	    load_file(&loading, optional) == -1 ||
	    load_environment(&loading) == -1 ||
	    check_together(conf, error) == -1)
		goto failed;
	return 0;

failed:
	conf_free(conf);
	return -1;
}

void
conf_forget_sign_key(struct conf *conf)
{
	if (conf->sign_key != NULL)
		explicit_bzero(conf->sign_key, strlen(conf->sign_key));
	free(conf->sign_key);
	conf->sign_key = NULL;
}

void
conf_free(struct conf *conf)
{
	const struct conf_row *row;
	size_t i;

	for (i = 0; (row = conf_row_at(i)) != NULL; i++) {
		conf_row_free(row, conf);
		if (conf->origins != NULL)
			free(conf->origins[i]);
	}
	free(conf->origins);
	conf_forget_sign_key(conf);
	explicit_bzero(conf, sizeof(*conf));
}

void
conf_print(const struct conf *conf, FILE *out)
{
	const struct conf_row *row;
	size_t i;

	for (i = 0; (row = conf_row_at(i)) != NULL; i++) {
		(void)fprintf(out, "# %s: ", row->help);
		conf_row_print_allowed(row, out);
		(void)fprintf(out, "\n# from: %s\n%s = ",
		    blame(conf, row), row->name);
		conf_row_print(row, conf, out);
		(void)fputs("\n\n", out);
	}
	if (conf->sign_key != NULL)
		(void)fputs("# SIGN_KEY is set in the environment\n", out);
}

void
conf_print_changed(const struct conf *conf, FILE *out)
{
	const struct conf_row *row;
	size_t i;

	for (i = 0; (row = conf_row_at(i)) != NULL; i++) {
		if (conf->origins[i] == NULL)
			continue;
		(void)fprintf(out, "%s = ", row->name);
		conf_row_print(row, conf, out);
		(void)fputc('\n', out);
	}
}

bool
conf_trusts(const struct conf *conf, const char *address)
{
	size_t i;

	for (i = 0; i < conf->trusted_proxies_count; i++)
		if (conf_value_within(&conf->trusted_proxies[i], address))
			return true;
	return false;
}

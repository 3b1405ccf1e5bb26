/* SPDX-License-Identifier: ISC */
#ifndef ONCELINK_CONF_FILE_H
#define ONCELINK_CONF_FILE_H

#include <stdbool.h>
#include <stdio.h>

/* The longest line of a configuration file, in bytes. */
#define CONF_FILE_LINE_MAX 2000

/*
 * What is called for each setting: its section, "" before the first one, its
 * name, its value and the number of its line.  Returns 0, or -1 to stop.
 */
typedef int conf_file_fn(void *arg, const char *section, const char *name,
    const char *value, unsigned int line);

/*
 * conf_file_read(file, sections, fn, arg, line, what): call fn with arg for
 * each setting of the open file, in order; there may be lines `[SECTION]' in
 * it, or not.  Returns 0; -1 when fn has stopped; or 1 when the file is wrong
 * or cannot be read: then *line is the number of the bad line and *what says
 * what is bad.
 */
int	 conf_file_read(FILE *file, bool sections, conf_file_fn *fn, void *arg,
	    unsigned int *line, const char **what);

#endif

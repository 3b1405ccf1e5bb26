/* SPDX-License-Identifier: ISC */
#ifndef ONCELINK_CONF_ROW_H
#define ONCELINK_CONF_ROW_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

struct conf;

/* What stands between the words of a list. */
#define CONF_ROW_GAPS " \t,"

enum conf_row_type {
	CONF_ROW_NUMBER, CONF_ROW_SIZE, CONF_ROW_DURATION,
	CONF_ROW_SECONDS,			/* int64_t */
	CONF_ROW_PATH, CONF_ROW_TEXT, CONF_ROW_PREFIX,
	CONF_ROW_SITE, CONF_ROW_MAIL,		/* char * */
	CONF_ROW_WORD,				/* int */
	CONF_ROW_WORDS,				/* unsigned int, bits */
	CONF_ROW_NETWORKS			/* trusted_proxies */
};

struct conf_word {
	const char	*name;		/* NULL ends the list */
	unsigned int	 value;
};

/* All there is to say about a setting. */
struct conf_row {
	const char	*name;
	enum conf_row_type type;
	size_t		 offset;	/* of the member in struct conf */
	int64_t		 min;
	int64_t		 max;
	const char	*preset;	/* in the form of the file */
	const char	*help;
	const struct conf_word *words;	/* of WORD and WORDS */
	const char	*variable;	/* of the environment, or NULL */
};

/* conf_row_at(i): the row i, or NULL behind the last one. */
const struct conf_row *conf_row_at(size_t i);

/* conf_row_find(name): the row of the setting with this name, or NULL. */
const struct conf_row *conf_row_find(const char *name);

/* conf_row_index(row): the i for which conf_row_at(i) is row. */
size_t	 conf_row_index(const struct conf_row *row);

/*
 * conf_row_set(row, conf, text, directory): read the value of a setting, in
 * which a relative path is taken from directory.  Returns 0, 1 when the text
 * is not allowed (conf is as before, but for a list of networks), or -1 when
 * there is no memory.
 */
int	 conf_row_set(const struct conf_row *row, struct conf *conf,
	    const char *text, const char *directory);

/* conf_row_print(row, conf, out): print the value so that it reads back. */
void	 conf_row_print(const struct conf_row *row, const struct conf *conf,
	    FILE *out);

/* conf_row_print_allowed(row, out): say which values there are. */
void	 conf_row_print_allowed(const struct conf_row *row, FILE *out);

/* conf_row_free(row, conf): release what the member owns. */
void	 conf_row_free(const struct conf_row *row, struct conf *conf);

#endif

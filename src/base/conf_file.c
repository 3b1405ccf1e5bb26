/* SPDX-License-Identifier: ISC */

/*
 * This file knows libinih: what it takes that we do not (sections, `name:
 * value`, lines that go on, comments behind values, lines cut where its buffer
 * ends), and that only a reader of our own can tell on which line it is.
 */

#include <ini.h>
#include <stdbool.h>
#include <string.h>

#include "base/conf_file.h"

#define LINE_SIZE	(CONF_FILE_LINE_MAX + 3)	/* its end, a NUL */
#define BLANKS		" \t\r\n\f\v"	/* what libinih skips */

struct source {
	FILE		*file;
	unsigned int	 line;
	const char	*what;		/* is bad, or NULL */
	conf_file_fn	*fn;
	void		*arg;
	bool		 sections;	/* there may be some */
	bool		 stopped;	/* by fn */
};

/* One line with its end; NULL at the end of the file or what is bad. */
static char *
read_line(struct source *source, char *line, size_t size)
{
	size_t len = 0;
	int c;

	c = getc(source->file);
	if (c != EOF)
		source->line++;
	for (; c != EOF; c = getc(source->file)) {
		if (c == '\0') {
			source->what = "a NUL byte";
			return NULL;
		}
		if (c != '\n' && (len >= size - 2 ||
		    len == CONF_FILE_LINE_MAX)) {
			source->what = "a line of more than 2000 bytes";
			return NULL;
		}
		line[len++] = (char)c;
		if (c == '\n')
			break;
	}
	if (ferror(source->file)) {
		source->what = "cannot be read";
		return NULL;
	}
	line[len] = '\0';
	return len == 0 ? NULL : line;
}

/* What is bad in the line though libinih might take it, or NULL. */
static const char *
find_fault(const char *line, bool sections)
{
	const char *separator;

	line += strspn(line, BLANKS);
	if (*line == '\0' || *line == '#' || *line == ';')
		return NULL;
	if (*line == '[')
		return sections ? NULL : "there are no sections in this file";
	separator = strpbrk(line, "=:");
	if (separator == NULL || *separator != '=')
		return "neither `name = value` nor a comment, which starts "
		    "with # or ;";
	if (separator == line)
		return "no name before the `=`";
	return NULL;
}

static char *
reader(char *line, int size, void *stream)
{
	struct source *source = stream;

	if (source->stopped || source->what != NULL || size < 3)
		return NULL;
	if (read_line(source, line, (size_t)size) == NULL)
		return NULL;
	source->what = find_fault(line, source->sections);
	return source->what == NULL ? line : NULL;
}

static int
handler(void *user, const char *section, const char *name, const char *value)
{
	struct source *source = user;

	if (!source->stopped)
		source->stopped = source->fn(source->arg, section, name,
		    value, source->line) == -1;
	return 1;
}

int
conf_file_read(FILE *file, bool sections, conf_file_fn *fn, void *arg,
    unsigned int *line, const char **what)
{
	struct source source = {
		.file = file, .sections = sections, .fn = fn, .arg = arg
	};
	int rc;

	ini_allow_multiline = false;
	ini_allow_inline_comments = false;
	ini_allow_bom = false;
	ini_allow_no_value = false;
	ini_use_stack = true;
	ini_max_line = LINE_SIZE;
	rc = ini_parse_stream(reader, &source, handler, &source);
	if (source.stopped)
		return -1;
	if (source.what == NULL && rc == 0)
		return 0;
	*line = source.line;
	*what = source.what != NULL ? source.what : "cannot be understood";
	return 1;
}

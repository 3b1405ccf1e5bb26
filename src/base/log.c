/* SPDX-License-Identifier: ISC */

/*
 * This file knows the words of the log and where they go.  It holds the only
 * variables of the project that live outside a structure.
 */

#include <assert.h>
#include <errno.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <syslog.h>
#include <unistd.h>

#include "base/log.h"

#define LOG_LINE_MAX	1000	/* with its line feed */
#define LOG_CUT		"..."	/* ends a line that was cut */

struct event {
	const char	*name;
	enum log_level	 level;
};

static const struct event events[] = {
	[LOG_WORKER_STARTED] = { "worker-started", LOG_LEVEL_INFO },
	[LOG_WORKER_SANDBOXED] = { "worker-sandboxed", LOG_LEVEL_INFO },
	[LOG_WORKER_STOPPED] = { "worker-stopped", LOG_LEVEL_INFO },
	[LOG_START_REFUSED] = { "start-refused", LOG_LEVEL_ERROR },
	[LOG_REQUEST_FAILED] = { "request-failed", LOG_LEVEL_ERROR },
	[LOG_NO_MEMORY] = { "no-memory", LOG_LEVEL_ERROR },
	[LOG_STORE_FAILED] = { "store-failed", LOG_LEVEL_ERROR },
	[LOG_STORE_BUSY] = { "store-busy", LOG_LEVEL_WARNING },
	[LOG_STORE_FULL] = { "store-full", LOG_LEVEL_ERROR },
	[LOG_BALLAST_DROPPED] = { "ballast-dropped", LOG_LEVEL_ERROR },
	[LOG_CLOCK_AHEAD] = { "clock-ahead", LOG_LEVEL_ERROR },
	[LOG_CLOCK_BEHIND] = { "clock-behind", LOG_LEVEL_ERROR },
	[LOG_DOCUMENT_ROOT] = { "document-root", LOG_LEVEL_ERROR },
	[LOG_KDF_FAILED] = { "kdf-failed", LOG_LEVEL_ERROR },
	[LOG_SECRET_CREATED] = { "secret-created", LOG_LEVEL_INFO },
	[LOG_SECRET_OPENED] = { "secret-opened", LOG_LEVEL_INFO },
	[LOG_SECRET_LOCKED] = { "secret-locked", LOG_LEVEL_INFO },
	[LOG_SECRET_BURNED] = { "secret-burned", LOG_LEVEL_INFO },
	[LOG_RECORD_DAMAGED] = { "record-damaged", LOG_LEVEL_ERROR },
	[LOG_MAIL_HANDED_OVER] = { "mail-handed-over", LOG_LEVEL_INFO },
	[LOG_MAIL_PUT_OFF] = { "mail-put-off", LOG_LEVEL_WARNING },
	[LOG_MAIL_GIVEN_UP] = { "mail-given-up", LOG_LEVEL_ERROR },
};
static_assert(sizeof(events) / sizeof(events[0]) == LOG_EVENT__MAX,
    "every event has its word");

static const int priorities[] = {
	[LOG_LEVEL_ERROR] = LOG_ERR,
	[LOG_LEVEL_WARNING] = LOG_WARNING,
	[LOG_LEVEL_INFO] = LOG_INFO,
};

static struct {
	const char	*program;
	enum log_target	 target;
	enum log_level	 level;
	bool		 opened;	/* openlog(3) was called */
} sink = { NULL, LOG_TO_STDERR, LOG_LEVEL_INFO, false };

/* A line in the making; once it was cut nothing is added. */
struct line {
	char	 text[LOG_LINE_MAX + 1];
	size_t	 len;
	bool	 cut;
};

/* Add all of the bytes or, with the mark of it, none. */
static void
line_add(struct line *line, const char *data, size_t len)
{
	const size_t room = LOG_LINE_MAX - 1 - strlen(LOG_CUT);

	if (line->cut)
		return;
	if (len > room - line->len) {
		data = LOG_CUT;
		len = strlen(LOG_CUT);
		line->cut = true;
	}
	memcpy(line->text + line->len, data, len);
	line->len += len;
}

static void
line_text(struct line *line, const char *text)
{
	line_add(line, text, strlen(text));
}

static void
line_byte(struct line *line, unsigned char byte)
{
	char escape[5];

	if (byte == '"' || byte == '\\') {
		escape[0] = '\\';
		escape[1] = (char)byte;
		line_add(line, escape, 2);
	} else if (byte < 0x20 || byte > 0x7e) {
		(void)snprintf(escape, sizeof(escape), "\\x%02x",
		    (unsigned int)byte);
		line_add(line, escape, 4);
	} else {
		escape[0] = (char)byte;
		line_add(line, escape, 1);
	}
}

static void
line_value(struct line *line, const char *value)
{
	bool quoted = *value == '\0' || strpbrk(value, " =") != NULL;

	if (quoted)
		line_text(line, "\"");
	for (; *value != '\0' && !line->cut; value++)
		line_byte(line, (unsigned char)*value);
	if (quoted)
		line_text(line, "\"");
}

static void
line_field(struct line *line, const struct log_field *field)
{
	char number[24];

	line_text(line, " ");
	line_text(line, field->key);
	line_text(line, "=");
	if (field->text != NULL) {
		line_value(line, field->text);
	} else {
		(void)snprintf(number, sizeof(number), "%" PRId64,
		    field->number);
		line_text(line, number);
	}
}

void
log_open(const char *program, enum log_target target, enum log_level level)
{
	if (sink.opened) {
		closelog();
		sink.opened = false;
	}
	sink.program = program;
	sink.target = target;
	sink.level = level;
	if (target == LOG_TO_SYSLOG) {
		openlog(program, LOG_PID | LOG_NDELAY, LOG_DAEMON);
		sink.opened = true;
	}
}

bool
log_is_on_stderr(void)
{
	return sink.target == LOG_TO_STDERR;
}

bool
log_wants(enum log_event event)
{
	return (unsigned int)event < LOG_EVENT__MAX &&
	    events[event].level <= sink.level;
}

void
log_write(enum log_event event, const struct log_field *fields)
{
	struct line line;
	ssize_t n;
	int error = errno;

	if (!log_wants(event))
		return;

	line.len = 0;
	line.cut = false;
	if (sink.target == LOG_TO_STDERR && sink.program != NULL) {
		line_text(&line, sink.program);
		line_text(&line, ": ");
	}
	line_text(&line, "event=");
	line_text(&line, events[event].name);
	if (fields != NULL)
		for (; fields->key != NULL; fields++)
			line_field(&line, fields);

	if (sink.target == LOG_TO_SYSLOG) {
		line.text[line.len] = '\0';
		syslog(priorities[events[event].level], "%s", line.text);
	} else {
		line.text[line.len++] = '\n';
		do {
			n = write(STDERR_FILENO, line.text, line.len);
		} while (n == -1 && errno == EINTR);
	}
	errno = error;
}

/* SPDX-License-Identifier: ISC */
#ifndef ONCELINK_LOG_H
#define ONCELINK_LOG_H

#include <stdbool.h>
#include <stdint.h>

/*
 * One line an event, from this list and no other: what cannot be said with
 * these words and fields is not logged.  Fields in brackets are there when
 * they are known.  No field ever holds anything that came in with a request
 * but the 4-byte name of a secret (seal_log_name).
 */
enum log_event {
	LOG_WORKER_STARTED,	/* threads */
	LOG_WORKER_SANDBOXED,	/* landlock: its version, 0 without */
	LOG_WORKER_STOPPED,
	LOG_START_REFUSED,	/* reason */
	LOG_REQUEST_FAILED,	/* where, [reason] */
	LOG_NO_MEMORY,		/* where */
	LOG_STORE_FAILED,	/* where, [reason], [code], [errno] */
	LOG_STORE_BUSY,		/* where */
	LOG_STORE_FULL,		/* where */
	LOG_BALLAST_DROPPED,
	LOG_CLOCK_AHEAD,	/* seconds */
	LOG_CLOCK_BEHIND,	/* seconds */
	LOG_DOCUMENT_ROOT,	/* where; the state directory is inside it */
	LOG_KDF_FAILED,		/* [errno], [passes, memory] */
	LOG_SECRET_CREATED,	/* secret */
	LOG_SECRET_OPENED,	/* secret */
	LOG_SECRET_LOCKED,	/* secret */
	LOG_SECRET_BURNED,	/* secret */
	LOG_RECORD_DAMAGED,	/* secret; or where */
	LOG_MAIL_HANDED_OVER,	/* mail: the number of a letter */
	LOG_MAIL_PUT_OFF,	/* mail, tries, and one of status, signal,
				   errno, reason */
	LOG_MAIL_GIVEN_UP,	/* mail, tries, and status or reason */
	LOG_EVENT__MAX
};

enum log_target { LOG_TO_STDERR, LOG_TO_SYSLOG };
enum log_level { LOG_LEVEL_ERROR, LOG_LEVEL_WARNING, LOG_LEVEL_INFO };

/* A field of a line: text where `text` is not NULL, else the number. */
struct log_field {
	const char	*key;
	const char	*text;
	int64_t		 number;
};

#define LOG_TEXT(k, v)		{ .key = (k), .text = (v) }
#define LOG_NUMBER(k, v)	{ .key = (k), .number = (v) }

/*
 * log_open(program, target, level): name the program (the pointer is kept)
 * and say where its lines go and which are dropped.  Before this call lines
 * go to standard error.  Call before the first thread.
 */
void	 log_open(const char *program, enum log_target target,
	    enum log_level level);

/* log_is_on_stderr(): do lines go to standard error? */
bool	 log_is_on_stderr(void);

/*
 * log_write(event, fields): write one line `event=NAME key=value ...` in one
 * write(2), on standard error with `PROGRAM: ` in front.  Fields end with one
 * whose key is NULL, or are NULL for none.  Bytes of values that are not
 * printable ASCII, and the quote and the backslash, are escaped; a value that
 * is empty or has a space or `=` stands in quotes.  A line over 1,000 bytes is
 * cut, and then ends in three dots.  errno stays as it is.
 */
void	 log_write(enum log_event event, const struct log_field *fields);

/* log_event(event, LOG_TEXT(...), ...): log_write with its fields in place. */
#define log_event(event, ...)						\
	log_write((event), (const struct log_field[]){			\
	    __VA_ARGS__, { .key = NULL } })

/* log_wants(event): would its line be written at this level? */
bool	 log_wants(enum log_event event);

#endif

/* SPDX-License-Identifier: ISC */
#ifndef ONCELINK_JSON_H
#define ONCELINK_JSON_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"

/*
 * Writing JSON (RFC 8259): members of one object, in the order of the calls,
 * without spaces or line ends.  json_open writes `{`, json_close `}`;
 * json_open_list `[` and json_close_list `]`.
 */
struct json_writer {
	struct buf	*out;
	bool		 first;
};
void	 json_open(struct json_writer *json, struct buf *out);
void	 json_close(struct json_writer *json);
void	 json_string(struct json_writer *json, const char *name,
	    const char *bytes, size_t length);	/* NULL writes null */
void	 json_text(struct json_writer *json, const char *name,
	    const char *text);			/* the same */
void	 json_time(struct json_writer *json, const char *name,
	    int64_t ms);	/* RFC 3339, in UTC; 0 writes null */
void	 json_integer(struct json_writer *json, const char *name,
	    int64_t value);
void	 json_base64url(struct json_writer *json, const char *name,
	    const uint8_t *bytes, size_t size); /* at most 32, no padding */
void	 json_bool(struct json_writer *json, const char *name, bool value);

/* json_key(json, name): only the name of a member and `:`; its value, an
 * object or a list, is then opened and closed with a writer of its own. */
void	 json_key(struct json_writer *json, const char *name);

/* json_members(json, object, length): the members of an object that such a
 * writer wrote, which is not looked at. */
void	 json_members(struct json_writer *json, const char *object,
	    size_t length);

/* json_item(json): what stands before the next object of a list. */
void	 json_open_list(struct json_writer *json, struct buf *out);
void	 json_close_list(struct json_writer *json);
void	 json_item(struct json_writer *json);

#endif

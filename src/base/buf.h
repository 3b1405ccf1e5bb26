/* SPDX-License-Identifier: ISC */
#ifndef ONCELINK_BUF_H
#define ONCELINK_BUF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct arena;

/*
 * A growing string of bytes in an arena.  A failure sticks: after the first
 * one every call does nothing, and the one who uses the bytes looks at
 * `failed` once.
 */
struct buf {
	struct arena	*arena;
	uint8_t		*data;
	size_t		 len;		/* bytes in use */
	size_t		 size;		/* bytes there are */
	bool		 failed;	/* there was no memory */
};

/* buf_init(buf, arena): an empty string whose bytes live in arena. */
void	 buf_init(struct buf *buf, struct arena *arena);

/* buf_append(buf, data, len): add len bytes of data. */
void	 buf_append(struct buf *buf, const void *data, size_t len);

/* buf_text(buf, text): add the bytes of a NUL-terminated string. */
void	 buf_text(struct buf *buf, const char *text);

/* buf_printf(buf, format, ...): add text made as by printf(3). */
void	 buf_printf(struct buf *buf, const char *format, ...)
	    __attribute__((format(printf, 2, 3)));

#endif

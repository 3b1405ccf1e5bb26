/* SPDX-License-Identifier: ISC */

/*
 * This file knows how a string grows: by doubling, in place where the arena
 * allows it.  Bytes that were moved stay in the arena until its reset, so a
 * string may be made of pieces of itself.
 */

#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "base/arena.h"
#include "base/buf.h"

#define BUF_FIRST ((size_t)256)

void
buf_init(struct buf *buf, struct arena *arena)
{
	memset(buf, 0, sizeof(*buf));
	buf->arena = arena;
}

/* Room for len more bytes, or the failure that sticks. */
static bool
buf_room(struct buf *buf, size_t len)
{
	uint8_t *data;
	size_t need, size;

	if (buf->failed)
		return false;
	if (len <= buf->size - buf->len)
		return true;
	if (__builtin_add_overflow(buf->len, len, &need) ||
	    need > SIZE_MAX / 4) {
		buf->failed = true;
		return false;
	}
	size = buf->size == 0 ? BUF_FIRST : buf->size;
	while (size < need)
		size *= 2;
	if (buf->size != 0 &&
	    arena_extend(buf->arena, buf->data, buf->size, size)) {
		buf->size = size;
		return true;
	}
	data = arena_alloc(buf->arena, size);
	if (data == NULL) {
		buf->failed = true;
		return false;
	}
	if (buf->len != 0)
		memcpy(data, buf->data, buf->len);
	buf->data = data;
	buf->size = size;
	return true;
}

void
buf_append(struct buf *buf, const void *data, size_t len)
{
	if (len == 0 || !buf_room(buf, len))
		return;
	memcpy(buf->data + buf->len, data, len);
	buf->len += len;
}

void
buf_text(struct buf *buf, const char *text)
{
	buf_append(buf, text, strlen(text));
}

void
buf_printf(struct buf *buf, const char *format, ...)
{
	va_list ap;
	size_t left, need;
	int n;

	/* The first try is for what is mostly true: it fits. */
	if (!buf_room(buf, 1))
		return;
	left = buf->size - buf->len;
	va_start(ap, format);
	n = vsnprintf((char *)buf->data + buf->len, left, format, ap);
	va_end(ap);
	if (n < 0) {
		buf->failed = true;
		return;
	}
	need = (size_t)n + 1;
	if (need > left) {
		if (!buf_room(buf, need))
			return;
		left = buf->size - buf->len;
		va_start(ap, format);
		n = vsnprintf((char *)buf->data + buf->len, left, format, ap);
		va_end(ap);
		if (n < 0 || (size_t)n >= left) {
			buf->failed = true;
			return;
		}
	}
	buf->len += (size_t)n;
}

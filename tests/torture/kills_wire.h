/* SPDX-License-Identifier: ISC */
#ifndef ONCELINK_KILLS_WIRE_H
#define ONCELINK_KILLS_WIRE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * One call over a Unix socket, by HTTP or by FastCGI, whole or not at all.
 */

#define KILLS_WIRE_MAX	((size_t)256 << 10)	/* bytes of an answer */

struct kills_wire {
	const char	*socket;	/* its path */
	bool		 fastcgi;	/* else HTTP */
};

/* One thread's memory for calls. */
struct kills_wire_answer {
	int		 status;
	const uint8_t	*body;		/* with a NUL behind it */
	size_t		 size;
	uint8_t		 raw[KILLS_WIRE_MAX], joined[KILLS_WIRE_MAX];
};

/*
 * kills_wire_post(wire, path, type, body, size, answer): returns 0; 1 when
 * there was no whole answer, since who was asked is dead; -1 when something
 * else is wrong (printed).
 */
int	 kills_wire_post(const struct kills_wire *wire, const char *path,
	    const char *type, const void *body, size_t size,
	    struct kills_wire_answer *answer);

#endif

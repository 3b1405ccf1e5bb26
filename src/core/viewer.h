/* SPDX-License-Identifier: ISC */
#ifndef ONCELINK_VIEWER_H
#define ONCELINK_VIEWER_H

struct conf;

/* How much of who views a secret is kept for its account to see. */

#define VIEWER_ADDRESS_SIZE	48	/* bytes with a NUL byte */

/*
 * viewer_address(conf, address, text): what is kept of an address, as the
 * setting viewer_addresses has it: text, with all of it or its network of 24
 * (IPv4) or 48 (IPv6) bits, or NULL for nothing of it or what is none.
 */
const char *viewer_address(const struct conf *conf, const char *address,
	    char text[VIEWER_ADDRESS_SIZE]);

#endif

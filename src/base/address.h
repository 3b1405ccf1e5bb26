/* SPDX-License-Identifier: ISC */
#ifndef ONCELINK_ADDRESS_H
#define ONCELINK_ADDRESS_H

#include <stdbool.h>
#include <stddef.h>

#define ADDRESS_MAX_LENGTH 254

/*
 * address_is_mail(text, length): is this one mail address that a header can
 * hold as it is?  ASCII, local part and host name as RFC 5321 has them without
 * quotes and comments; without the characters by which old programs were
 * told to do something else (`%', `!', `|', a grave accent).
 */
bool	 address_is_mail(const char *text, size_t length);

/*
 * address_is_site(text): is this where a site is found: http or https, a host
 * with or without a port, and a path that does not end in a slash, or none?
 */
bool	 address_is_site(const char *text);

/* address_host(site, length): the host of such an address; sets *length. */
const char *address_host(const char *site, size_t *length);

#endif

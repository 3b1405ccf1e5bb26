/* SPDX-License-Identifier: ISC */
/*
 * How mail addresses and the addresses of sites are written.
 */
#include <string.h>

#include "base/address.h"

#define LETTERS	"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
#define DIGITS	"0123456789"

#define LOCAL_MAX	64
#define LABEL_MAX	63
#define HOST_MAX	253
#define SITE_MAX	500

/* How many of the first bytes are of that set?  A NUL byte never is. */
static size_t
span(const char *text, size_t length, const char *set)
{
	size_t	 i = 0;

	while (i < length && text[i] != '\0' && strchr(set, text[i]) != NULL)
		i++;
	return i;
}

/* Words with single dots between them. */
static bool
is_local(const char *text, size_t length)
{
	static const char atoms[] = LETTERS DIGITS "#$&'*+-/=?^_{}~";
	size_t	 word;

	if (length > LOCAL_MAX)
		return false;
	for (;;) {
		word = span(text, length, atoms);
		if (word == 0)
			return false;
		if (word == length)
			return true;
		if (text[word] != '.')
			return false;
		text += word + 1;
		length -= word + 1;
	}
}

/* Letters, digits and hyphens inside; the last label is no number. */
static bool
is_host(const char *text, size_t length)
{
	size_t	 label;
	bool	 number;

	if (length > HOST_MAX)
		return false;
	for (;;) {
		label = span(text, length, LETTERS DIGITS "-");
		if (label == 0 || label > LABEL_MAX || text[0] == '-' ||
		    text[label - 1] == '-')
			return false;
		number = span(text, label, DIGITS) == label;
		if (label == length)
			return !number;
		if (text[label] != '.')
			return false;
		text += label + 1;
		length -= label + 1;
	}
}

bool
address_is_mail(const char *text, size_t length)
{
	const char	*at = memchr(text, '@', length);
	size_t		 local;

	if (at == NULL || length > ADDRESS_MAX_LENGTH)
		return false;
	local = (size_t)(at - text);
	return is_local(text, local) &&
	    is_host(at + 1, length - local - 1);
}

const char *
address_host(const char *site, size_t *length)
{
	const char	*host = strstr(site, "://") + 3;

	*length = strcspn(host, ":/");
	return host;
}

/* An address of IPv4 is a host here too; one of IPv6 is not. */
bool
address_is_site(const char *text)
{
	static const char unreserved[] = LETTERS DIGITS "-._~";
	size_t		 length, part;
	const char	*rest;

	if (strlen(text) > SITE_MAX || (strncmp(text, "http://", 7) != 0 &&
	    strncmp(text, "https://", 8) != 0))
		return false;
	rest = address_host(text, &length);
	if (!is_host(rest, length) &&
	    (length == 0 || span(rest, length, DIGITS ".") != length))
		return false;
	rest += length;
	if (*rest == ':') {
		part = strspn(rest + 1, DIGITS);
		if (part == 0 || part > 5)
			return false;
		rest += part + 1;
	}
	while (*rest == '/') {
		part = strspn(rest + 1, unreserved);
		if (part == 0)
			return false;
		rest += part + 1;
	}
	return *rest == '\0';
}

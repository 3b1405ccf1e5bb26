/* SPDX-License-Identifier: ISC */

/*
 * This file knows how people write durations, sizes and networks.  What one
 * function reads another one prints so that it is read back the same.
 */

#include <arpa/inet.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/conf.h"
#include "base/conf_value.h"
#include "base/utf8.h"

struct unit {
	const char	*name;
	int64_t		 factor;
};

/* The longest first; a bare number is of the unit with no name. */
static const struct unit durations[] = {
	{ "d", 86400000 },
	{ "h", 3600000 },
	{ "m", 60000 },
	{ "s", 1000 },
	{ "ms", 1 },
};
static const struct unit sizes[] = {
	{ "T", (int64_t)1 << 40 },
	{ "G", (int64_t)1 << 30 },
	{ "M", (int64_t)1 << 20 },
	{ "K", (int64_t)1 << 10 },
};
#define COUNT(table) (sizeof(table) / sizeof((table)[0]))

static bool
is_digit(char c)
{
	return c >= '0' && c <= '9';
}

/* The digits at *text; *text is then behind them. */
static bool
read_digits(const char **text, int64_t *number)
{
	const char *s = *text;
	int64_t n = 0;

	if (!is_digit(*s))
		return false;
	for (; is_digit(*s); s++)
		if (__builtin_mul_overflow(n, 10, &n) ||
		    __builtin_add_overflow(n, *s - '0', &n))
			return false;
	*text = s;
	*number = n;
	return true;
}

bool
conf_value_number(const char *text, int64_t *number)
{
	int64_t n;

	if (!read_digits(&text, &n) || *text != '\0')
		return false;
	*number = n;
	return true;
}

bool
conf_value_duration(const char *text, int64_t *milliseconds)
{
	int64_t n, sum = 0;
	size_t i = 0, len;

	if (conf_value_number(text, &n)) {
		if (__builtin_mul_overflow(n, 1000, &n))
			return false;
		*milliseconds = n;
		return true;
	}
	do {
		if (!read_digits(&text, &n))
			return false;
		len = strcspn(text, "0123456789");
		for (; i < COUNT(durations); i++)
			if (strlen(durations[i].name) == len &&
			    memcmp(durations[i].name, text, len) == 0)
				break;
		if (i == COUNT(durations) ||
		    __builtin_mul_overflow(n, durations[i].factor, &n) ||
		    __builtin_add_overflow(sum, n, &sum))
			return false;
		i++;
		text += len;
	} while (*text != '\0');
	*milliseconds = sum;
	return true;
}

bool
conf_value_size(const char *text, int64_t *bytes)
{
	int64_t n;
	size_t i;

	if (!read_digits(&text, &n))
		return false;
	if (*text != '\0') {
		for (i = 0; i < COUNT(sizes); i++)
			if (strcmp(text, sizes[i].name) == 0)
				break;
		if (i == COUNT(sizes) ||
		    __builtin_mul_overflow(n, sizes[i].factor, &n))
			return false;
	}
	*bytes = n;
	return true;
}

/* An address as IPv6, and how many bits its own family has. */
static bool
read_address(const char *text, struct in6_addr *address, unsigned int *bits)
{
	struct in_addr four;

	if (inet_pton(AF_INET, text, &four) == 1) {
		memset(address, 0, sizeof(*address));
		address->s6_addr[10] = 0xff;
		address->s6_addr[11] = 0xff;
		memcpy(address->s6_addr + 12, &four, sizeof(four));
		*bits = 32;
		return true;
	}
	*bits = 128;
	return inet_pton(AF_INET6, text, address) == 1;
}

static unsigned int
bit(const struct in6_addr *address, unsigned int i)
{
	return ((unsigned int)address->s6_addr[i / 8] >> (7 - i % 8)) & 1u;
}

bool
conf_value_network(const char *text, struct conf_network *network)
{
	struct in6_addr address;
	char host[INET6_ADDRSTRLEN];
	const char *slash;
	int64_t bits;
	size_t len;
	unsigned int i, own;

	slash = strchr(text, '/');
	len = slash != NULL ? (size_t)(slash - text) : strlen(text);
	if (len >= sizeof(host))
		return false;
	memcpy(host, text, len);
	host[len] = '\0';
	if (!read_address(host, &address, &own))
		return false;
	bits = own;
	if (slash != NULL &&
	    (!conf_value_number(slash + 1, &bits) || bits > own))
		return false;
	bits += 128 - own;
	for (i = (unsigned int)bits; i < 128; i++)
		if (bit(&address, i) != 0)
			return false;
	network->address = address;
	network->bits = (unsigned int)bits;
	return true;
}

bool
conf_value_is_text(const char *text)
{
	const unsigned char *s = (const unsigned char *)text;

	if (utf8_length(text, strlen(text)) < 0)
		return false;
	for (; *s != '\0'; s++)
		if (*s < 0x20 || *s == 0x7f ||
		    (s[0] == 0xc2 && s[1] < 0xa0))	/* U+0080 to U+009F */
			return false;
	return true;
}

bool
conf_value_within(const struct conf_network *network, const char *address)
{
	struct in6_addr other;
	unsigned int i, own;

	if (!read_address(address, &other, &own))
		return false;
	for (i = 0; i < network->bits; i++)
		if (bit(&network->address, i) != bit(&other, i))
			return false;
	return true;
}

void
conf_value_print_duration(char out[CONF_VALUE_SIZE], int64_t milliseconds)
{
	size_t i, len = 0;
	int64_t n;
	int added;

	for (i = 0; i < COUNT(durations); i++) {
		n = milliseconds / durations[i].factor;
		milliseconds %= durations[i].factor;
		if (n == 0)
			continue;
		added = snprintf(out + len, CONF_VALUE_SIZE - len,
		    "%" PRId64 "%s", n, durations[i].name);
		if (added < 0 || (size_t)added >= CONF_VALUE_SIZE - len)
			break;
		len += (size_t)added;
	}
	if (len == 0)
		(void)snprintf(out, CONF_VALUE_SIZE, "0s");
}

void
conf_value_print_size(char out[CONF_VALUE_SIZE], int64_t bytes)
{
	const char *name = "";
	size_t i;

	for (i = 0; i < COUNT(sizes); i++) {
		if (bytes != 0 && bytes % sizes[i].factor == 0) {
			bytes /= sizes[i].factor;
			name = sizes[i].name;
			break;
		}
	}
	(void)snprintf(out, CONF_VALUE_SIZE, "%" PRId64 "%s", bytes, name);
}

void
conf_value_print_network(char out[CONF_VALUE_SIZE],
    const struct conf_network *network)
{
	char host[INET6_ADDRSTRLEN] = "";
	unsigned int bits = network->bits;
	bool four;

	four = bits >= 96 && IN6_IS_ADDR_V4MAPPED(&network->address);
	if (four) {
		bits -= 96;
		(void)inet_ntop(AF_INET, network->address.s6_addr + 12, host,
		    sizeof(host));
	} else {
		(void)inet_ntop(AF_INET6, &network->address, host,
		    sizeof(host));
	}
	if (bits == (four ? 32u : 128u))
		(void)snprintf(out, CONF_VALUE_SIZE, "%s", host);
	else
		(void)snprintf(out, CONF_VALUE_SIZE, "%s/%u", host, bits);
}

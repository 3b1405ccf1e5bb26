/* SPDX-License-Identifier: ISC */

/* This file knows which bytes are well-formed UTF-8. */

#include <string.h>

#include "base/utf8.h"

/*
 * The well-formed sequences of RFC 3629, section 4: how many bytes follow the
 * first one, and what the second one may be.
 */
static int
follow_of(uint8_t first, uint8_t *low, uint8_t *high)
{
	*low = 0x80;
	*high = 0xbf;
	if (first < 0x80)
		return 0;
	if (first < 0xc2)
		return -1;
	if (first < 0xe0)
		return 1;
	if (first < 0xf0) {
		if (first == 0xe0)
			*low = 0xa0;
		else if (first == 0xed)
			*high = 0x9f;
		return 2;
	}
	if (first == 0xf0)
		*low = 0x90;
	else if (first == 0xf4)
		*high = 0x8f;
	return first <= 0xf4 ? 3 : -1;
}

int64_t
utf8_length(const char *bytes, size_t length)
{
	const uint8_t *p = (const uint8_t *)bytes, *end = p + length;
	uint64_t eight;
	uint8_t low, high;
	int64_t count = 0;
	int follow;

	while (p < end) {
		/* Most text is ASCII: eight bytes at a time. */
		if (end - p >= 8) {
			memcpy(&eight, p, 8);
			if ((eight & UINT64_C(0x8080808080808080)) == 0) {
				p += 8;
				count += 8;
				continue;
			}
		}
		follow = follow_of(*p++, &low, &high);
		if (follow < 0 || end - p < follow)
			return -1;
		for (; follow > 0; follow--) {
			if (*p < low || *p > high)
				return -1;
			low = 0x80;
			high = 0xbf;
			p++;
		}
		count++;
	}
	return count;
}

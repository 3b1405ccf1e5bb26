/* SPDX-License-Identifier: ISC */
/*
 * Which bits of an address tell the network and which the person.
 */
#include <arpa/inet.h>
#include <string.h>

#include "base/conf.h"
#include "core/viewer.h"

#define IPV4_KEPT	3	/* bytes */
#define IPV6_KEPT	6

_Static_assert(VIEWER_ADDRESS_SIZE >= INET6_ADDRSTRLEN, "an address fits");

const char *
viewer_address(const struct conf *conf, const char *address,
    char text[VIEWER_ADDRESS_SIZE])
{
	struct in6_addr	 six;
	struct in_addr	 four;
	bool		 cut;

	if (conf->viewer_addresses == CONF_ADDRESSES_NONE)
		return NULL;
	cut = conf->viewer_addresses == CONF_ADDRESSES_TRUNCATED;
	if (inet_pton(AF_INET6, address, &six) == 1) {
		if (!IN6_IS_ADDR_V4MAPPED(&six)) {
			if (cut)
				memset(six.s6_addr + IPV6_KEPT, 0,
				    sizeof(six) - IPV6_KEPT);
			return inet_ntop(AF_INET6, &six, text,
			    VIEWER_ADDRESS_SIZE);
		}
		memcpy(&four, six.s6_addr + 12, sizeof(four));
	} else if (inet_pton(AF_INET, address, &four) != 1)
		return NULL;
	if (cut)
		memset((uint8_t *)&four + IPV4_KEPT, 0,
		    sizeof(four) - IPV4_KEPT);
	return inet_ntop(AF_INET, &four, text, VIEWER_ADDRESS_SIZE);
}

/* SPDX-License-Identifier: ISC */
/*
 * Whose address a request comes from, where proxies that are trusted pass it
 * on.
 */
#include "web/client.h"

#include <arpa/inet.h>
#include <string.h>

#include "base/arena.h"
#include "base/conf.h"
#include "web/http.h"

/*
 * One hop of X-Forwarded-For as an address in numbers: some proxies write a
 * port behind it, and brackets around IPv6.  NULL when it is none.
 */
static const char *
parse_hop(struct arena *arena, const char *hop, size_t length)
{
	struct in6_addr address;
	const char *colon, *end;
	char *text;

	while (length > 0 && (*hop == ' ' || *hop == '\t')) {
		hop++;
		length--;
	}
	while (length > 0 && (hop[length - 1] == ' ' ||
	    hop[length - 1] == '\t'))
		length--;
	if (length > 0 && *hop == '[') {
		if ((end = memchr(hop, ']', length)) == NULL)
			return NULL;
		hop++;
		length = (size_t)(end - hop);
	} else if ((colon = memchr(hop, ':', length)) != NULL &&
	    memchr(colon + 1, ':', length - (size_t)(colon + 1 - hop)) == NULL)
		length = (size_t)(colon - hop);
	if (length == 0 || length >= INET6_ADDRSTRLEN ||
	    (text = arena_copy(arena, hop, length)) == NULL)
		return NULL;
	if (inet_pton(AF_INET6, text, &address) != 1 &&
	    inet_pton(AF_INET, text, &address) != 1)
		return NULL;
	return text;
}

/*
 * From the peer backwards: each trusted hop vouches for the one that it
 * names, and no other is believed.
 */
const char *
client_address(const struct conf *conf, struct http_request *request)
{
	const char *address = request->remote_address;
	const char *list = request->forwarded_for;
	const char *comma, *hop;
	size_t left;

	if (!conf_trusts(conf, address))
		return address;
	if (list == NULL)
		return NULL;
	left = strlen(list);
	while (left > 0 && conf_trusts(conf, address)) {
		comma = memrchr(list, ',', left);
		hop = comma == NULL ? list : comma + 1;
		hop = parse_hop(request->arena, hop,
		    left - (size_t)(hop - list));
		if (hop == NULL)
			break;
		address = hop;
		left = comma == NULL ? 0 : (size_t)(comma - list);
	}
	return address;
}

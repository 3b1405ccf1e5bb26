/* SPDX-License-Identifier: ISC */
#ifndef ONCELINK_CLIENT_H
#define ONCELINK_CLIENT_H

struct conf;
struct http_request;

/* client_address(conf, request): the client's address, as the nearest peer
 * that is no trusted proxy is named; its text lives as long as the request.
 * NULL when a trusted proxy's request has more than one X-Forwarded-For. */
const char *client_address(const struct conf *conf,
	    struct http_request *request);

#endif

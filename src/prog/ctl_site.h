/* SPDX-License-Identifier: ISC */
#ifndef ONCELINK_CTL_SITE_H
#define ONCELINK_CTL_SITE_H

#include <stdbool.h>

#include "core/account.h"
#include "crypto/token.h"
#include "prog/ctl_check.h"
#include "prog/ctl_http.h"

struct buf;
struct json_writer;

/* A site that is looked at through its address. */
struct ctl_site {
	struct ctl_check *check;
	struct ctl_http	*http;
	const struct ctl_site_call *call;
	/* `Authorization: …' of an account for this check, "" without the
	 * passwordlink face. */
	char		 authorization[sizeof("Authorization: ApiKey ") +
			    ACCOUNT_KEY_SIZE];
};

/* A GET that changes nothing, and what a worker answers. */
struct ctl_site_call {
	unsigned int	 face;		/* CONF_FACE_… that has it */
	const char	*path;
	int		 status;
	const char	*text;		/* is in the answer's body */
};

/*
 * ctl_site_ask(site, what, request, answer): false when no answer came, which
 * was then said as a finding about `what`.
 */
bool	 ctl_site_ask(struct ctl_site *site, const char *what,
	    const struct ctl_http_request *request,
	    struct ctl_http_answer *answer);

/* ctl_site_get(site, what, path, answer): likewise, a GET. */
bool	 ctl_site_get(struct ctl_site *site, const char *what,
	    const char *path, struct ctl_http_answer *answer);

/* ctl_site_post(site, what, path, type, body, answer): likewise, a POST. */
bool	 ctl_site_post(struct ctl_site *site, const char *what,
	    const char *path, const char *type, const struct buf *body,
	    struct ctl_http_answer *answer);

/* ctl_site_begin(site, body, json, token): `{"id":…` of our own calls, open for
 * more. */
void	 ctl_site_begin(struct ctl_site *site, struct buf *body,
	    struct json_writer *json, const uint8_t token[TOKEN_BYTES]);

/* The largest secrets there may be, in and out. */
void	 ctl_sizes_check(struct ctl_site *site);

/* What the site's pages and answers say beside what they are for: headers,
 * redirects, TLS, files that are none of the world's business. */
void	 ctl_pages_check(struct ctl_site *site);

#endif

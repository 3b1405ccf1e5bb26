/* SPDX-License-Identifier: ISC */
#ifndef ONCELINK_CTL_SITE_H
#define ONCELINK_CTL_SITE_H

#include <stdbool.h>

#include "prog/ctl_check.h"
#include "prog/ctl_http.h"

/* A site that is looked at through its address. */
struct ctl_site {
	struct ctl_check *check;
	struct ctl_http	*http;
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

/* What the site's pages and answers say beside what they are for: headers,
 * redirects, TLS, files that are none of the world's business. */
void	 ctl_pages_check(struct ctl_site *site);

#endif

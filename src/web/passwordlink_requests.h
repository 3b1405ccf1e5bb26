/* SPDX-License-Identifier: ISC */
#ifndef ONCELINK_PASSWORDLINK_REQUESTS_H
#define ONCELINK_PASSWORDLINK_REQUESTS_H

#include "web/app.h"

/* The calls of password.link's interface about secret requests. */

#define PASSWORDLINK_REQUESTS_LIMIT_MAX	1000	/* uses of one */

app_handler passwordlink_requests_create, passwordlink_requests_list,
    passwordlink_requests_delete;

#endif

/* SPDX-License-Identifier: ISC */
#ifndef ONCELINK_NATIVE_REQUESTS_H
#define ONCELINK_NATIVE_REQUESTS_H

#include "web/app.h"

/* The calls of our own interface with which a page fills in a secret
 * request. */
app_handler native_requests_peek, native_requests_fill;

#endif

/* SPDX-License-Identifier: ISC */
#ifndef ONCELINK_API_PASSWORDLINK_H
#define ONCELINK_API_PASSWORDLINK_H

#include "web/app.h"

/* password.link's interface: /api/secrets, /api/secret_requests. */
extern const struct app_face api_passwordlink_face;

#endif

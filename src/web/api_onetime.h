/* SPDX-License-Identifier: ISC */
#ifndef ONCELINK_API_ONETIME_H
#define ONCELINK_API_ONETIME_H

#include "web/app.h"

/* api_onetime_face: the HTTP interface of One Time Secret App, /secrets and
 * /api/secrets (face 2). */
extern const struct app_face api_onetime_face;

#endif

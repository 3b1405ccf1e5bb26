/* SPDX-License-Identifier: ISC */
#ifndef ONCELINK_API_SAFESECRETS_H
#define ONCELINK_API_SAFESECRETS_H

#include "web/app.h"

/* api_safesecrets_face: the HTTP interface of SafeSecrets, /api/v1 (face 1). */
extern const struct app_face api_safesecrets_face;

#endif

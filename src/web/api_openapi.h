/* SPDX-License-Identifier: ISC */
#ifndef ONCELINK_API_OPENAPI_H
#define ONCELINK_API_OPENAPI_H

#include "web/app.h"

/* api_openapi_face: /api/openapi.json, which describes all the others. */
extern const struct app_face api_openapi_face;

/* openapi_text[0]: the document, made a part of the program by the build. */
extern const char *const openapi_text[];

#endif

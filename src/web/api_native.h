/* SPDX-License-Identifier: ISC */
#ifndef ONCELINK_API_NATIVE_H
#define ONCELINK_API_NATIVE_H

#include "web/app.h"

/* api_native_face: the HTTP interface of our own, /api/v2 (face 4). */
extern const struct app_face api_native_face;

#endif

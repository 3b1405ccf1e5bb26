/* SPDX-License-Identifier: ISC */
/*
 * The description of every call, for programs: served by the worker, so that
 * it is at the same address behind every web server and below every prefix,
 * and always of the version that answers.
 */

#include "web/api_openapi.h"

#include <string.h>

#include "web/http.h"
#include "web/problem.h"

static void
document(struct app *app, struct http_request *request,
    struct http_reply *reply)
{
	(void)app;
	(void)request;
	http_begin(reply, 200, HTTP_JSON_TYPE);
	reply->tail = (const uint8_t *)openapi_text[0];
	reply->tail_size = strlen(openapi_text[0]);
}

static const struct app_route routes[] = {
	{ HTTP_GET, "/api/openapi.json", 0, APP_NO_BODY, NULL, document }
};

static const char *const prefixes[] = { "/api/openapi.json", NULL };

const struct app_face api_openapi_face = {
	.name = "openapi",
	.prefixes = prefixes,
	.routes = routes,
	.routes_count = sizeof(routes) / sizeof(routes[0]),
	.cors = true,
	.error = problem_error
};

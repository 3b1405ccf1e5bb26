/* SPDX-License-Identifier: ISC */
/*
 * What SafeSecrets and One Time Secret App ask of the core alike: a message
 * with a PIN, sealed here, for one reader.  Which outcomes cannot come of it.
 */

#include "web/message.h"

#include "base/conf.h"
#include "web/app.h"
#include "web/http.h"

bool
message_create(struct app *app, struct http_request *request,
    struct http_reply *reply, struct secret_creation *creation)
{
	int	 failure;

	creation->views = 1;
	creation->attempts = (uint32_t)app->conf->pin_attempts;
	creation->client = request->client_address;
	failure = secret_create(app->site, request->arena, creation);
	if (failure == 0 && creation->outcome == SECRET_TOO_MANY) {
		app_too_many(request, reply, creation->wait);
		return false;
	}
	if (failure == 0 && creation->outcome != SECRET_OK)
		failure = app_impossible(request, "token");
	if (failure != 0) {
		app_fail(request, reply, failure);
		return false;
	}
	return true;
}

bool
message_open(struct app *app, struct http_request *request,
    struct http_reply *reply, enum secret_kind kind,
    struct secret_reading *reading)
{
	int	 failure;

	reading->kinds = SECRET_KIND_BIT(kind);
	failure = secret_open(app->site, request->arena, reading);
	if (failure == 0 && reading->outcome >= MESSAGE_OUTCOMES)
		failure = app_impossible(request, "outcome");
	if (failure != 0) {
		app_fail(request, reply, failure);
		return false;
	}
	return true;
}

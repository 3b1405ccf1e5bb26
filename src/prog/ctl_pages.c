/* SPDX-License-Identifier: ISC */
/*
 * oncelinkctl check --url: what the site's answers carry beside what was asked
 * for.  This file knows which headers must be there once, where a redirect may
 * lead, and what no answer should tell.
 */
#include <libgen.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/conf.h"
#include "prog/ctl_site.h"
#include "store/store.h"

/* A word that no page has unless it quotes what it was asked for. */
#define WORD		"zqxoncelinkctl"

#define NO_MEMORY	"there is no memory"

/* A header and what its value must have in it. */
struct wanted {
	const char	*name;
	const char	*value;
	bool		 tls_only;
};

static const struct wanted page_headers[] = {
	{ "content-security-policy", "default-src 'none'; script-src 'self'; "
	    "style-src 'self'; img-src 'self'; connect-src 'self'; "
	    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'; "
	    "require-trusted-types-for 'script'; trusted-types 'none'", false },
	{ "cache-control", "no-store", false },
	{ "x-content-type-options", "nosniff", false },
	{ "referrer-policy", "no-referrer", false },
	{ "cross-origin-opener-policy", "same-origin", false },
	{ "cross-origin-resource-policy", "same-origin", false },
	{ "permissions-policy", "clipboard-write=(self)", false },
	{ "x-robots-tag", "noindex", false },
	{ "strict-transport-security", "max-age=", true },
	{ NULL, NULL, false }
};
static const struct wanted answer_headers[] = {
	{ "cache-control", "no-store", false },
	{ "x-content-type-options", "nosniff", false },
	{ "referrer-policy", "no-referrer", false },
	{ "strict-transport-security", "max-age=", true },
	{ NULL, NULL, false }
};

/* The value of a header, or NULL; in the arena. */
static const char *
header(struct ctl_site *site, const struct ctl_http_answer *answer,
    const char *name)
{
	size_t	 count;

	return ctl_http_header(site->check->arena, answer, name, &count);
}

static void
check_headers(struct ctl_site *site, const char *what, const char *path,
    int status, const struct wanted *wanted)
{
	struct ctl_check *check = site->check;
	struct ctl_http_answer answer;
	unsigned int	 before = check->errors;
	const char	*value;
	size_t		 count;

	if (!ctl_site_get(site, what, path, &answer))
		return;
	if (answer.status != status) {
		ctl_check_fail(check, what, "%s is answered %d; are the pages "
		    "where the web server looks for them?", path,
		    answer.status);
		return;
	}
	for (; wanted->name != NULL; wanted++) {
		if (wanted->tls_only && !ctl_http_is_tls(site->http))
			continue;
		value = ctl_http_header(check->arena, &answer, wanted->name,
		    &count);
		if (value == NULL)
			ctl_check_fail(check, what, "they lack %s (%s...); "
			    "take the web server's settings from the examples",
			    wanted->name, wanted->value);
		else if (strcasestr(value, wanted->value) == NULL)
			ctl_check_fail(check, what, "%s does not say %s",
			    wanted->name, wanted->value);
		else if (count > 1)
			ctl_check_fail(check, what, "%s is there %zu times; "
			    "it is set in two places", wanted->name, count);
	}
	if (before == check->errors)
		ctl_check_good(check, what, "have the headers that keep "
		    "browsers careful");
}

/* Signs of something that keeps answers. */
static void
check_caches(struct ctl_site *site)
{
	static const char what[] = "caches";
	static const char *const names[] = {
		"age", "x-cache", "x-cache-status", "x-varnish",
		"cf-cache-status", "x-proxy-cache",
	};
	struct ctl_http_answer answer;
	const char	*value;

	for (int i = 0; i < 2; i++)
		if (!ctl_site_get(site, what, site->call->path, &answer))
			return;
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		value = header(site, &answer, names[i]);
		if (value != NULL && (strcasestr(value, "hit") != NULL ||
		    strcmp(names[i], "age") == 0)) {
			ctl_check_fail(site->check, what, "an answer of the "
			    "worker came from a cache (%s: %s); nothing of "
			    "this site's may be kept", names[i], value);
			return;
		}
	}
	ctl_check_good(site->check, what, "none keeps what the worker "
	    "answers");
}

/* A path of this site out of a Location: what follows the site's own address,
 * or NULL when it leads elsewhere. */
static const char *
within_site(struct ctl_site *site, const char *location)
{
	const char	*origin = ctl_http_origin(site->http);
	const char	*path = ctl_http_path(site->http);

	if (location == NULL)
		return NULL;
	if (strncasecmp(location, origin, strlen(origin)) == 0)
		location += strlen(origin);
	if (strncmp(location, path, strlen(path)) != 0)
		return NULL;
	location += strlen(path);
	return *location == '/' ? location : NULL;
}

/* The links of older services: one step, to a page that is no redirect. */
static bool
check_older_link(struct ctl_site *site, const char *path, const char *target)
{
	static const char what[] = "older links";
	struct ctl_check *check = site->check;
	struct ctl_http_answer answer;
	const char	*location, *within;
	char		*page;
	size_t		 length;
	bool		 good;

	if (!ctl_site_get(site, what, path, &answer))
		return false;
	location = header(site, &answer, "location");
	within = within_site(site, location);
	if (answer.status != 302 || within == NULL ||
	    strcmp(within, target) != 0) {
		ctl_check_fail(check, what, "%s is answered %d%s%s, not 302 to "
		    "%s; take the web server's settings from the examples",
		    path, answer.status, location == NULL ? "" : " to ",
		    location == NULL ? "" : location, target);
		return false;
	}
	length = strcspn(within, "#");
	if ((page = arena_copy(check->arena, within, length)) == NULL) {
		ctl_check_unknown(check, what, NO_MEMORY);
		return false;
	}
	if (!ctl_site_get(site, what, page, &answer))
		return false;
	good = answer.status < 300 || answer.status >= 400;
	location = header(site, &answer, "location");
	if (!good)
		ctl_check_fail(check, what, "%s is answered %d%s%s, though one "
		    "step must do", page, answer.status, location == NULL ?
		    "" : " to ", location == NULL ? "" : location);
	return good;
}

static void
check_older_links(struct ctl_site *site)
{
	bool	 good;

	good = check_older_link(site, "/zqxOncelinkctl00000000",
	    "/read/?zqxOncelinkctl00000000");
	good = check_older_link(site,
	    "/message/00000000-0000-4000-8000-000000000000",
	    "/read/#m=00000000-0000-4000-8000-000000000000") && good;
	good = check_older_link(site,
	    "/req/00000000-0000-4000-8000-000000000000",
	    "/request/#00000000-0000-4000-8000-000000000000") && good;
	if (good)
		ctl_check_good(site->check, "older links", "lead to the "
		    "reading page in one step");
}

/* Nothing in the clear: port 80 sends people on, or nobody answers there. */
static void
check_clear(struct ctl_site *site)
{
	static const char what[] = "http";
	struct ctl_check *check = site->check;
	struct ctl_http_answer answer;
	const char	*location, *within;
	char		*url;

	if (asprintf(&url, "http://%s%s%s", ctl_http_host(site->http),
	    ctl_http_path(site->http), site->call->path) == -1) {
		ctl_check_unknown(check, what, NO_MEMORY);
		return;
	}
	ctl_http_send(site->http, check->arena, &(struct ctl_http_request){
		.method = "GET", .url = url
	}, &answer);
	free(url);
	location = header(site, &answer, "location");
	within = within_site(site, location);
	if (answer.status == 0)
		ctl_check_good(check, what, "nobody answers without TLS (%s)",
		    answer.problem);
	else if (answer.status < 300)
		ctl_check_fail(check, what, "the worker answers without TLS: "
		    "secrets can be sent in the clear; redirect port 80 to "
		    "https");
	else if (answer.status >= 400)
		ctl_check_good(check, what, "nothing is served without TLS "
		    "(%d)", answer.status);
	else if (within == NULL || strcmp(within, site->call->path) != 0 ||
	    strncasecmp(location, "https://", 8) != 0)
		ctl_check_fail(check, what, "it redirects to %s, not to the "
		    "same path with https", location == NULL ? "nowhere" :
		    location);
	else
		ctl_check_good(check, what, "sends people on to https, in one "
		    "step");
}

static void
check_tls(struct ctl_site *site)
{
	static const char what[] = "TLS";
	struct ctl_http_answer answer;

	ctl_http_send(site->http, site->check->arena,
	    &(struct ctl_http_request){
		.method = "GET", .path = site->call->path, .old_tls = true
	    }, &answer);
	if (answer.status != 0)
		ctl_check_fail(site->check, what, "versions before 1.2 are "
		    "taken; let the web server take 1.2 and 1.3 only");
	else if (answer.old_refused)
		ctl_check_good(site->check, what, "the certificate is good, "
		    "versions before 1.2 are refused");
	else
		ctl_check_warn(site->check, what, "the certificate is good; "
		    "whether versions before 1.2 are refused could not be "
		    "tried from here (%s)", answer.problem);
}

/* A version says which attacks will work. */
static void
check_banner(struct ctl_site *site)
{
	static const char what[] = "answers";
	struct ctl_http_answer answer;
	const char	*server, *powered;

	if (!ctl_site_get(site, what, "/", &answer))
		return;
	server = header(site, &answer, "server");
	powered = header(site, &answer, "x-powered-by");
	if (server != NULL && strpbrk(server, "0123456789") != NULL)
		ctl_check_warn(site->check, what, "they tell the web server's "
		    "version (%s); nginx: server_tokens off; Apache: "
		    "ServerTokens Prod; lighttpd: server.tag", server);
	if (powered != NULL)
		ctl_check_warn(site->check, what, "they tell what the site is "
		    "made with (X-Powered-By: %s)", powered);
}

/* `/NAME` or `/DIRECTORY/NAME` of a file of ours; false when something was
 * said. */
static bool
is_kept(struct ctl_site *site, const char *place, bool with_directory)
{
	static const char what[] = "files";
	struct ctl_http_answer answer;
	struct buf	 path;
	char		*copy = arena_copy(site->check->arena, place,
	    strlen(place));

	buf_init(&path, site->check->arena);
	if (with_directory && copy != NULL)
		buf_printf(&path, "/%s", basename(dirname(copy)));
	/* The last part of a path, whatever dirname has made of the copy. */
	buf_printf(&path, "/%s", strrchr(place, '/') == NULL ? place :
	    strrchr(place, '/') + 1);
	buf_append(&path, "", 1);
	if (copy == NULL || path.failed) {
		ctl_check_unknown(site->check, what, NO_MEMORY);
		return false;
	}
	if (!ctl_site_get(site, what, (const char *)path.data, &answer))
		return false;
	if (answer.status != 200 && answer.status != 206)
		return true;
	ctl_check_fail(site->check, what, "%s can be fetched by everybody; "
	    "move it to where the web server does not look, and make new keys "
	    "if it was the key file", (const char *)path.data);
	return false;
}

static bool
is_listed(struct ctl_site *site)
{
	static const char what[] = "files";
	struct ctl_http_answer answer;

	if (!ctl_site_get(site, what, "/css/", &answer))
		return true;
	if (answer.status != 200)
		return false;
	ctl_check_fail(site->check, what, "directories are listed (/css/); "
	    "switch that off (nginx: autoindex; Apache: Options -Indexes; "
	    "lighttpd: dir-listing)");
	return true;
}

static void
check_files(struct ctl_site *site)
{
	static const char what[] = "files";
	const struct conf *conf = site->check->conf;
	char		*database;
	bool		 good = true;

	if (asprintf(&database, "%s/" STORE_DATABASE_NAME, conf->state_dir) ==
	    -1) {
		ctl_check_unknown(site->check, what, NO_MEMORY);
		return;
	}
	for (int i = 0; i < 2; i++) {
		good &= is_kept(site, database, i == 1);
		good &= is_kept(site, conf->key_file, i == 1);
		good &= is_kept(site, site->check->conf_file, i == 1);
	}
	free(database);
	good &= is_kept(site, "/.htaccess", false);
	good &= !is_listed(site);
	if (good)
		ctl_check_good(site->check, what, "neither database, key nor "
		    "settings are given out, no directory is listed");
}

/* A path may hold a key and a PIN; no page repeats it. */
static void
check_quotes(struct ctl_site *site)
{
	static const char *const paths[] = {
		"/" WORD, "/css/" WORD, "/api/v1/message/" WORD "/" WORD,
		"/api/v2/" WORD, "/" WORD "%zz", "/read/" WORD "?" WORD,
	};
	struct ctl_http_answer answer;

	for (size_t i = 0; i < sizeof(paths) / sizeof(paths[0]); i++)
		if (ctl_site_get(site, "answers", paths[i], &answer) &&
		    strcasestr(answer.body, WORD) != NULL) {
			ctl_check_warn(site->check, "answers", "an error page "
			    "(%d) quotes the path that was asked for; let the "
			    "web server have its own short pages",
			    answer.status);
			return;
		}
}

void
ctl_pages_check(struct ctl_site *site)
{
	struct ctl_check *check = site->check;
	unsigned int	 before;

	check_headers(site, "pages", "/", 200, page_headers);
	check_headers(site, "answers", site->call->path, site->call->status,
	    answer_headers);
	check_caches(site);
	check_older_links(site);
	if (ctl_http_is_tls(site->http)) {
		check_clear(site);
		check_tls(site);
	} else
		ctl_check_warn(check, "TLS", "this address has none: browsers "
		    "refuse to open secrets there, and who listens has every "
		    "link");
	arena_reset(check->arena);
	before = check->errors + check->warnings;
	check_banner(site);
	check_quotes(site);
	if (before == check->errors + check->warnings)
		ctl_check_good(check, "answers", "tell nothing about the web "
		    "server or the path");
	check_files(site);
}

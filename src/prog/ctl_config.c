/* SPDX-License-Identifier: ISC */
/*
 * oncelinkctl config: the settings as they are in effect, and what a web
 * server must be told so that its own limits do not stand before ours.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sysexits.h>

#include "base/conf.h"
#include "prog/ctl.h"
#include "web/body_limit.h"

#define KB	((int64_t)1 << 10)
#define MB	((int64_t)1 << 20)

/* What nginx takes an answer into: the head and a piece of the body. */
#define NGINX_BUFFER	(32 * KB)

static int64_t
divided_up(int64_t bytes, int64_t unit)
{
	return (bytes + unit - 1) / unit;
}

/* A sixteenth more than there can be, in whole MiB. */
static int64_t
with_margin(int64_t bytes)
{
	return divided_up(bytes + bytes / 16, MB) * MB;
}

/*
 * What the web server lets pass: more than the worker takes, so that what is a
 * little too large gets the worker's answer, in the form that its clients
 * know.
 */
static int64_t
largest_request(const struct conf *conf)
{
	return with_margin(body_limit_largest(conf));
}

static void
print_nginx(const struct conf *conf)
{
	int64_t	 request = largest_request(conf);
	int64_t	 answer = with_margin(body_limit_answer(conf));

	printf("client_max_body_size %" PRId64 "k;\n"
	    "# A request is held in memory too: the first line of an "
	    "envelope's frame has\n"
	    "# its id and gate, and in a file they would lie beside the "
	    "envelope.\n"
	    "client_body_buffer_size %" PRId64 "k;\n", request / KB,
	    request / KB);
	printf("# An answer is held in memory until the client has it.\n"
	    "fastcgi_buffer_size %" PRId64 "k;\n"
	    "fastcgi_buffers %" PRId64 " %" PRId64 "k;\n"
	    "fastcgi_busy_buffers_size %" PRId64 "k;\n", NGINX_BUFFER / KB,
	    answer / NGINX_BUFFER, NGINX_BUFFER / KB, 2 * NGINX_BUFFER / KB);
}

static void
print_lighttpd(const struct conf *conf)
{
	printf("# in KiB\nserver.max-request-size = %" PRId64 "\n",
	    largest_request(conf) / KB);
}

static void
print_apache(const struct conf *conf)
{
	int64_t	 request = largest_request(conf);

	printf("# Apache's own limit would cut a request and hand the piece "
	    "on.\n"
	    "LimitRequestBody 0\n"
	    "<If \"req_novary('Content-Length') -gt %" PRId64 "\">\n"
	    "\tRedirect 413\n"
	    "</If>\n"
	    "<IfModule mod_fcgid.c>\n"
	    "\tFcgidMaxRequestLen %" PRId64 "\n"
	    "\t# Requests are held in memory: nothing of one goes to a "
	    "file.\n"
	    "\tFcgidMaxRequestInMem %" PRId64 "\n"
	    "\t# An answer is held in memory until the client has it.\n"
	    "\tFcgidOutputBufferSize %" PRId64 "\n"
	    "</IfModule>\n", request, request, request,
	    with_margin(body_limit_answer(conf)));
}

static const struct {
	const char	*name;
	void		(*print)(const struct conf *conf);
} servers[] = {
	{ "nginx", print_nginx },
	{ "lighttpd", print_lighttpd },
	{ "apache", print_apache },
};

int
ctl_config_run(const struct ctl_call *call)
{
	const char	*name = call->options[CTL_OPTION_WEB_SERVER];

	if (name == NULL) {
		conf_print(call->conf, stdout);
		return ctl_flush();
	}
	for (size_t i = 0; i < sizeof(servers) / sizeof(servers[0]); i++)
		if (strcmp(servers[i].name, name) == 0) {
			printf("# Of the settings of Oncelink, by `"
			    CTL_PROGRAM " config --web-server %s'.\n", name);
			servers[i].print(call->conf);
			return ctl_flush();
		}
	return ctl_complain(EX_USAGE, "--web-server: must be one of nginx, "
	    "lighttpd, apache");
}

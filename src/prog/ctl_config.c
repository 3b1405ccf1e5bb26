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

/*
 * What the web server lets pass: a sixteenth more than the worker takes, so
 * that what is a little too large gets the worker's answer, in the form that
 * its clients know.
 */
static int64_t
largest_request(const struct conf *conf)
{
	int64_t	 largest = body_limit_largest(conf);

	return divided_up(largest + largest / 16, MB) * MB;
}

static void
print_nginx(const struct conf *conf)
{
	int64_t	 answer = body_limit_answer(conf);

	printf("client_max_body_size %" PRId64 "k;\n",
	    largest_request(conf) / KB);
	printf("# A request is held in memory: in a file an envelope would "
	    "lie beside its id.\n");
	printf("client_body_buffer_size %" PRId64 "k;\n",
	    largest_request(conf) / KB);
	printf("# An answer is held in memory until the client has it.\n");
	printf("fastcgi_buffer_size %" PRId64 "k;\n", NGINX_BUFFER / KB);
	printf("fastcgi_buffers %" PRId64 " %" PRId64 "k;\n",
	    divided_up(answer + answer / 16, NGINX_BUFFER), NGINX_BUFFER / KB);
	printf("fastcgi_busy_buffers_size %" PRId64 "k;\n",
	    2 * NGINX_BUFFER / KB);
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
	int64_t	 plain = body_limit_plain(conf);

	printf("LimitRequestBody %" PRId64 "\n", largest_request(conf));
	printf("<IfModule mod_fcgid.c>\n");
	printf("\tFcgidMaxRequestLen %" PRId64 "\n", largest_request(conf));
	printf("\t# No secret or PIN in plain text is larger: none goes to a "
	    "file.\n");
	printf("\tFcgidMaxRequestInMem %" PRId64 "\n",
	    divided_up(plain, 16 * KB) * 16 * KB);
	printf("</IfModule>\n");
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

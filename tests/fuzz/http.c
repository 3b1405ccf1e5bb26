/* SPDX-License-Identifier: ISC */
/*
 * What a request says before its body, one line each: method, request target,
 * Content-Length, Content-Type, the peer's address, X-Forwarded-For, the
 * header of prefetches.
 */
#include <arpa/inet.h>
#include <string.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/conf.h"
#include "core/viewer.h"
#include "fuzz.h"
#include "web/client.h"
#include "web/http.h"

enum line {
	METHOD, URI, LENGTH, TYPE, ADDRESS, FORWARDED, PURPOSE, LINE__MAX
};

static struct arena	*arena;
static struct conf	 conf;

int
LLVMFuzzerInitialize(int *argc, char ***argv)
{
	(void)argc;
	(void)argv;
	fuzz_conf(&conf, "trusted_proxies = 127.0.0.1, 10.0.0.0/8, ::1, "
	    "fd00::/8\nviewer_addresses = truncated\n");
	fuzz_must((arena = arena_create()) != NULL);
	return 0;
}

/* What the parts of a path are does not depend on how they were written. */
static void
check_segments(const struct http_request *request, size_t length)
{
	static const char	 digits[] = "0123456789ABCDEF";
	struct http_request	 again = { .arena = arena };
	const struct http_segment *segment;
	struct buf		 path;
	size_t			 used = 0;

	fuzz_must(request->segments_count <= HTTP_SEGMENTS_MAX);
	buf_init(&path, arena);
	for (size_t i = 0; i < request->segments_count; i++) {
		segment = &request->segments[i];
		fuzz_must(segment->bytes[segment->length] == '\0');
		used += segment->length + 1;
		buf_text(&path, "/");
		for (size_t j = 0; j < segment->length; j++) {
			unsigned char byte = (unsigned char)segment->bytes[j];

			buf_append(&path, (const char[]){ '%',
			    digits[byte >> 4], digits[byte & 15] }, 3);
		}
	}
	fuzz_must(used <= length);
	buf_append(&path, "", 1);
	again.uri = (const char *)path.data;
	if (request->segments_count == 0)
		return;
	fuzz_must(http_split_uri(&again, "") == 0 &&
	    again.segments_count == request->segments_count);
	for (size_t i = 0; i < again.segments_count; i++)
		fuzz_must(again.segments[i].length ==
		    request->segments[i].length &&
		    memcmp(again.segments[i].bytes, request->segments[i].bytes,
		    again.segments[i].length) == 0);
}

static void
check_target(struct http_request *request)
{
	static const char *const names[] = { "", "offset", "m" };
	struct http_segment	 value;
	size_t			 length = strlen(request->uri);

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (http_query(request, names[i], &value) > 0)
			fuzz_must(value.length <= length &&
			    memchr(request->uri, '?', length) != NULL);
	if (http_split_uri(request, "/once") == 0)
		fuzz_must(strstr(request->uri, "/once/") != NULL);
	if (http_split_uri(request, "") == 0)
		check_segments(request, length);
}

static void
check_address(struct http_request *request)
{
	struct in6_addr	 address;
	char		 text[VIEWER_ADDRESS_SIZE];
	const char	*shown;

	shown = client_address(&conf, request);
	fuzz_must(shown == request->remote_address ||
	    inet_pton(AF_INET, shown, &address) == 1 ||
	    inet_pton(AF_INET6, shown, &address) == 1);
	/* Nobody is believed whom no proxy of ours named. */
	if (!conf_trusts(&conf, request->remote_address))
		fuzz_must(shown == request->remote_address);
	if ((shown = viewer_address(&conf, shown, text)) != NULL)
		fuzz_must(strlen(shown) < VIEWER_ADDRESS_SIZE);
}

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
	struct fuzz_input	 input = { bytes, size };
	struct http_request	 request = { .arena = arena };
	const char		*lines[LINE__MAX];
	int64_t			 length;

	if (size > FUZZ_MAX)
		return 0;
	for (unsigned int i = 0; i < LINE__MAX; i++)
		lines[i] = fuzz_line(&input, i);
	request.method = http_method(lines[METHOD]);
	request.uri = lines[URI];
	request.content_type = lines[TYPE];
	request.remote_address = lines[ADDRESS];
	request.forwarded_for = lines[FORWARDED];
	request.purpose = lines[PURPOSE];

	fuzz_must(request.method == HTTP_OTHER ||
	    strcmp(lines[METHOD], http_method_name(request.method)) == 0);
	length = http_content_length(lines[LENGTH]);
	fuzz_must(length >= HTTP_LENGTH_MALFORMED);
	if (length >= 0)
		fuzz_must(strspn(lines[LENGTH], "0123456789") ==
		    strlen(lines[LENGTH]));
	if (http_is_type(lines[TYPE], HTTP_JSON_TYPE))
		fuzz_must(strcasestr(lines[TYPE], HTTP_JSON_TYPE) != NULL &&
		    !http_is_type(lines[TYPE], HTTP_FRAME_TYPE));
	(void)http_is_prefetch(&request);
	check_target(&request);
	check_address(&request);
	arena_reset(arena);
	return 0;
}

/* SPDX-License-Identifier: ISC */
/*
 * Requests of oncelinkctl to its own site.  This file knows libcurl, and what
 * of its friendliness must be switched off so that a path arrives as it was
 * written and nobody else hears of it.
 */
#include "prog/ctl_http.h"

#include <ctype.h>
#include <curl/curl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/complaint.h"

#define CONNECT_SECONDS	10L
#define WHOLE_SECONDS	120L
#define LARGEST_ALERT	16	/* bytes; a handshake begins with more */

struct ctl_http {
	struct ctl_http_options	 options;
	char			*scheme;
	char			*host;
	char			*origin;
	char			*path;
	struct curl_slist	*connect_to;
};

/* An answer while it comes. */
struct receiving {
	struct buf	 head;
	struct buf	 body;
	size_t		 largest;
	bool		 offered;	/* a TLS handshake has begun */
};

/* One part of a URL, "" when it has none; NULL when there is no memory. */
static char *
url_part(CURLU *url, CURLUPart part)
{
	char	*text, *copy;

	if (curl_url_get(url, part, &text, 0) != CURLUE_OK)
		return strdup("");
	copy = strdup(text);
	curl_free(text);
	return copy;
}

static bool
has_part(CURLU *url, CURLUPart part)
{
	char	*text;

	if (curl_url_get(url, part, &text, 0) != CURLUE_OK)
		return false;
	curl_free(text);
	return true;
}

static int
take_apart(struct ctl_http *http, CURLU *url, struct complaint *error)
{
	char	*port;
	size_t	 length;

	http->scheme = url_part(url, CURLUPART_SCHEME);
	http->host = url_part(url, CURLUPART_HOST);
	http->path = url_part(url, CURLUPART_PATH);
	port = url_part(url, CURLUPART_PORT);
	if (http->scheme == NULL || http->host == NULL ||
	    http->path == NULL || port == NULL ||
	    asprintf(&http->origin, "%s://%s%s%s", http->scheme, http->host,
	    *port == '\0' ? "" : ":", port) == -1) {
		http->origin = NULL;
		free(port);
		return complaint(error, "there is no memory");
	}
	free(port);
	length = strlen(http->path);
	while (length > 0 && http->path[length - 1] == '/')
		http->path[--length] = '\0';
	if (strcmp(http->scheme, "http") != 0 &&
	    strcmp(http->scheme, "https") != 0)
		return complaint(error, "--url: must begin with https:// or "
		    "http://");
	return 0;
}

static int
parse_url(struct ctl_http *http, struct complaint *error)
{
	CURLU	*url;
	int	 result = -1;

	if ((url = curl_url()) == NULL)
		return complaint(error, "there is no memory");
	if (curl_url_set(url, CURLUPART_URL, http->options.url,
	    CURLU_NON_SUPPORT_SCHEME) != CURLUE_OK ||
	    has_part(url, CURLUPART_USER) || has_part(url, CURLUPART_QUERY) ||
	    has_part(url, CURLUPART_FRAGMENT))
		complaint(error, "--url: must be the address of the site, "
		    "such as https://secrets.example.org or "
		    "https://example.org/once");
	else
		result = take_apart(http, url, error);
	curl_url_cleanup(url);
	return result;
}

/* `HOST:PORT:ADDRESS:PORT`, several with commas between. */
static int
parse_connect_to(struct ctl_http *http, struct complaint *error)
{
	struct curl_slist *longer;
	char		*copy, *entry, *rest;

	if (http->options.connect_to == NULL)
		return 0;
	if ((copy = strdup(http->options.connect_to)) == NULL)
		return complaint(error, "there is no memory");
	for (entry = strtok_r(copy, ",", &rest); entry != NULL;
	    entry = strtok_r(NULL, ",", &rest)) {
		longer = curl_slist_append(http->connect_to, entry);
		if (longer == NULL) {
			free(copy);
			return complaint(error, "there is no memory");
		}
		http->connect_to = longer;
	}
	free(copy);
	return 0;
}

struct ctl_http *
ctl_http_open(const struct ctl_http_options *options, struct complaint *error)
{
	struct ctl_http	*http;

	if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK ||
	    (http = calloc(1, sizeof(*http))) == NULL) {
		complaint(error, "libcurl does not start");
		return NULL;
	}
	http->options = *options;
	if (parse_url(http, error) == -1 ||
	    parse_connect_to(http, error) == -1) {
		ctl_http_close(http);
		return NULL;
	}
	return http;
}

void
ctl_http_close(struct ctl_http *http)
{
	if (http == NULL)
		return;
	curl_slist_free_all(http->connect_to);
	free(http->scheme);
	free(http->host);
	free(http->origin);
	free(http->path);
	free(http);
	curl_global_cleanup();
}

bool
ctl_http_is_tls(const struct ctl_http *http)
{
	return strcmp(http->scheme, "https") == 0;
}

const char *
ctl_http_host(const struct ctl_http *http)
{
	return http->host;
}

const char *
ctl_http_origin(const struct ctl_http *http)
{
	return http->origin;
}

const char *
ctl_http_path(const struct ctl_http *http)
{
	return http->path;
}

static size_t
take_head(char *bytes, size_t size, size_t count, void *argument)
{
	struct receiving	*receiving = argument;
	size_t			 length = size * count, at;
	bool			 name = true;
	char			 c;

	/* An interim answer is not the answer. */
	if (length > 5 && memcmp(bytes, "HTTP/", 5) == 0) {
		receiving->head.len = 0;
		return length;
	}
	for (at = 0; at < length; at++) {
		c = bytes[at];
		if (c == ':')
			name = false;
		if (name)
			c = (char)tolower((unsigned char)c);
		/* It may end up on a terminal, which obeys such bytes. */
		if (strchr("\t\r\n", c) == NULL && (c < ' ' || c > '~'))
			c = '?';
		if (c != '\r' && c != '\0')
			buf_append(&receiving->head, &c, 1);
	}
	return receiving->head.failed ? 0 : length;
}

static size_t
take_body(char *bytes, size_t size, size_t count, void *argument)
{
	struct receiving	*receiving = argument;
	size_t			 length = size * count;

	if (receiving->body.len + length > receiving->largest)
		return 0;
	buf_append(&receiving->body, bytes, length);
	return receiving->body.failed ? 0 : length;
}

/* A library may refuse old versions by itself: then nothing is sent but, at
 * most, an alert. */
static int
watch_handshake(CURL *curl, curl_infotype type, char *bytes, size_t size,
    void *argument)
{
	struct receiving	*receiving = argument;

	(void)curl;
	(void)bytes;
	if (type == CURLINFO_SSL_DATA_OUT && size > LARGEST_ALERT)
		receiving->offered = true;
	return 0;
}

/* Everything but the request itself; false when libcurl cannot. */
static bool
set_up(CURL *curl, const struct ctl_http *http, struct receiving *receiving)
{
	bool	 good;

	good = curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "http,https") ==
	    CURLE_OK &&
	    curl_easy_setopt(curl, CURLOPT_FOLLOWLOCATION, 0L) == CURLE_OK &&
	    curl_easy_setopt(curl, CURLOPT_NOPROXY, "*") == CURLE_OK &&
	    curl_easy_setopt(curl, CURLOPT_PATH_AS_IS, 1L) == CURLE_OK &&
	    curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L) == CURLE_OK &&
	    curl_easy_setopt(curl, CURLOPT_CONNECTTIMEOUT, CONNECT_SECONDS) ==
	    CURLE_OK &&
	    curl_easy_setopt(curl, CURLOPT_TIMEOUT, WHOLE_SECONDS) ==
	    CURLE_OK &&
	    curl_easy_setopt(curl, CURLOPT_USERAGENT, "oncelinkctl") ==
	    CURLE_OK &&
	    curl_easy_setopt(curl, CURLOPT_CONNECT_TO, http->connect_to) ==
	    CURLE_OK &&
	    curl_easy_setopt(curl, CURLOPT_HEADERFUNCTION, take_head) ==
	    CURLE_OK &&
	    curl_easy_setopt(curl, CURLOPT_HEADERDATA, receiving) ==
	    CURLE_OK &&
	    curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, take_body) ==
	    CURLE_OK &&
	    curl_easy_setopt(curl, CURLOPT_WRITEDATA, receiving) == CURLE_OK;
	if (good && http->options.ca_file != NULL)
		good = curl_easy_setopt(curl, CURLOPT_CAINFO,
		    http->options.ca_file) == CURLE_OK &&
		    curl_easy_setopt(curl, CURLOPT_CAPATH, NULL) == CURLE_OK;
	return good;
}

static bool
set_request(CURL *curl, const struct ctl_http *http,
    const struct ctl_http_request *request, struct curl_slist *headers,
    struct receiving *receiving)
{
	char	*url;
	bool	 good;

	if (request->url != NULL)
		url = strdup(request->url);
	else if (asprintf(&url, "%s%s%s", http->origin, http->path,
	    request->path) == -1)
		url = NULL;
	good = url != NULL &&
	    curl_easy_setopt(curl, CURLOPT_URL, url) == CURLE_OK &&
	    curl_easy_setopt(curl, CURLOPT_HTTPHEADER, headers) == CURLE_OK;
	free(url);
	if (strcmp(request->method, "POST") == 0)
		good = good &&
		    curl_easy_setopt(curl, CURLOPT_POST, 1L) == CURLE_OK &&
		    curl_easy_setopt(curl, CURLOPT_POSTFIELDS,
		    request->body == NULL ? "" : request->body) == CURLE_OK &&
		    curl_easy_setopt(curl, CURLOPT_POSTFIELDSIZE_LARGE,
		    (curl_off_t)request->body_size) == CURLE_OK;
	else if (strcmp(request->method, "HEAD") == 0)
		good = good &&
		    curl_easy_setopt(curl, CURLOPT_NOBODY, 1L) == CURLE_OK;
	if (request->old_tls) {
		good = good && curl_easy_setopt(curl, CURLOPT_SSLVERSION,
		    (long)(CURL_SSLVERSION_TLSv1_0 |
		    CURL_SSLVERSION_MAX_TLSv1_1)) == CURLE_OK &&
		    curl_easy_setopt(curl, CURLOPT_DEBUGFUNCTION,
		    watch_handshake) == CURLE_OK &&
		    curl_easy_setopt(curl, CURLOPT_DEBUGDATA, receiving) ==
		    CURLE_OK &&
		    curl_easy_setopt(curl, CURLOPT_VERBOSE, 1L) == CURLE_OK;
		curl_easy_setopt(curl, CURLOPT_SSL_CIPHER_LIST,
		    "DEFAULT:@SECLEVEL=0");
	}
	return good;
}

static bool
add_header(struct curl_slist **headers, const char *line)
{
	struct curl_slist	*longer = curl_slist_append(*headers, line);

	if (longer != NULL)
		*headers = longer;
	return longer != NULL;
}

/* Lines that libcurl adds by itself and we do not want, and ours; NULL when
 * there is no memory for all of them. */
static struct curl_slist *
make_headers(const struct ctl_http_request *request)
{
	struct curl_slist	*headers = NULL;
	char			*type;
	bool			 good;

	if (asprintf(&type, "Content-Type:%s%s",
	    request->type == NULL ? "" : " ",
	    request->type == NULL ? "" : request->type) == -1)
		return NULL;
	good = add_header(&headers, "Expect:") && add_header(&headers, type) &&
	    (request->header == NULL ||
	    add_header(&headers, request->header));
	free(type);
	if (good)
		return headers;
	curl_slist_free_all(headers);
	return NULL;
}

static void
finish(struct receiving *receiving, struct ctl_http_answer *answer)
{
	answer->body_size = receiving->body.len;
	buf_append(&receiving->body, "", 1);
	buf_append(&receiving->head, "", 1);
	if (receiving->body.failed || receiving->head.failed) {
		answer->status = 0;
		answer->problem = "there is no memory for the answer";
		return;
	}
	answer->body = (const char *)receiving->body.data;
	answer->head = (const char *)receiving->head.data;
}

void
ctl_http_send(struct ctl_http *http, struct arena *arena,
    const struct ctl_http_request *request, struct ctl_http_answer *answer)
{
	struct receiving	 receiving = {
		.largest = http->options.largest
	};
	struct curl_slist	*headers = NULL;
	CURLcode		 code;
	CURL			*curl;
	long			 status = 0;

	*answer = (struct ctl_http_answer){ .head = "", .body = "" };
	buf_init(&receiving.head, arena);
	buf_init(&receiving.body, arena);
	if ((curl = curl_easy_init()) == NULL ||
	    (headers = make_headers(request)) == NULL ||
	    !set_up(curl, http, &receiving) ||
	    !set_request(curl, http, request, headers, &receiving)) {
		answer->problem = "libcurl refuses a setting";
		goto out;
	}
	code = curl_easy_perform(curl);
	if (code == CURLE_OK) {
		curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &status);
		answer->status = (int)status;
		finish(&receiving, answer);
	} else {
		answer->problem = curl_easy_strerror(code);
		answer->untrusted = code == CURLE_PEER_FAILED_VERIFICATION;
		answer->old_refused = request->old_tls && receiving.offered &&
		    code == CURLE_SSL_CONNECT_ERROR;
	}
out:
	curl_slist_free_all(headers);
	curl_easy_cleanup(curl);
}

const char *
ctl_http_header(struct arena *arena, const struct ctl_http_answer *answer,
    const char *name, size_t *count)
{
	const char	*line = answer->head, *end, *value, *found = NULL;
	size_t		 length = strlen(name);

	*count = 0;
	for (; (end = strchr(line, '\n')) != NULL; line = end + 1) {
		if (strncmp(line, name, length) != 0 || line[length] != ':')
			continue;
		value = line + length + 1;
		value += strspn(value, " \t");
		if (++*count == 1)
			found = arena_copy(arena, value,
			    (size_t)(end - value));
	}
	return found;
}

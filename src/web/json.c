/* SPDX-License-Identifier: ISC */
/*
 * JSON that leaves: what must be escaped in a string, and where the commas
 * stand.
 */
#include "web/json.h"

#include <string.h>

#include "crypto/base64.h"
#include "web/http.h"

static void
write_string(struct buf *out, const char *bytes, size_t length)
{
	static const char hex[] = "0123456789abcdef";
	const char *end = bytes + length, *start = bytes;
	char escape[6] = "\\u00";
	unsigned char c;

	buf_append(out, "\"", 1);
	for (; bytes < end; bytes++) {
		c = (unsigned char)*bytes;
		if (c >= 0x20 && c != '"' && c != '\\')
			continue;
		buf_append(out, start, (size_t)(bytes - start));
		start = bytes + 1;
		if (c == '"')
			buf_text(out, "\\\"");
		else if (c == '\\')
			buf_text(out, "\\\\");
		else if (c == '\n')
			buf_text(out, "\\n");
		else if (c == '\r')
			buf_text(out, "\\r");
		else if (c == '\t')
			buf_text(out, "\\t");
		else {
			escape[4] = hex[c >> 4];
			escape[5] = hex[c & 15];
			buf_append(out, escape, sizeof(escape));
		}
	}
	buf_append(out, start, (size_t)(bytes - start));
	buf_append(out, "\"", 1);
}

void
json_key(struct json_writer *json, const char *name)
{
	json_item(json);
	write_string(json->out, name, strlen(name));
	buf_append(json->out, ":", 1);
}

void
json_open(struct json_writer *json, struct buf *out)
{
	json->out = out;
	json->first = true;
	buf_append(out, "{", 1);
}

void
json_close(struct json_writer *json)
{
	buf_append(json->out, "}", 1);
}

void
json_string(struct json_writer *json, const char *name, const char *bytes,
    size_t length)
{
	json_key(json, name);
	if (bytes == NULL)
		buf_text(json->out, "null");
	else
		write_string(json->out, bytes, length);
}

void
json_text(struct json_writer *json, const char *name, const char *text)
{
	json_string(json, name, text, text == NULL ? 0 : strlen(text));
}

void
json_time(struct json_writer *json, const char *name, int64_t ms)
{
	char	 text[HTTP_TIME_SIZE];

	http_time(ms, HTTP_UTC, text);
	json_text(json, name, ms == 0 ? NULL : text);
}

void
json_integer(struct json_writer *json, const char *name, int64_t value)
{
	json_key(json, name);
	buf_printf(json->out, "%lld", (long long)value);
}

void
json_base64url(struct json_writer *json, const char *name,
    const uint8_t *bytes, size_t size)
{
	char text[BASE64_URL_SIZE(32)];

	base64_write_url(bytes, size, text);
	json_text(json, name, text);
}

void
json_bool(struct json_writer *json, const char *name, bool value)
{
	json_key(json, name);
	buf_text(json->out, value ? "true" : "false");
}

void
json_open_list(struct json_writer *json, struct buf *out)
{
	json->out = out;
	json->first = true;
	buf_append(out, "[", 1);
}

void
json_close_list(struct json_writer *json)
{
	buf_append(json->out, "]", 1);
}

void
json_item(struct json_writer *json)
{
	if (!json->first)
		buf_append(json->out, ",", 1);
	json->first = false;
}

void
json_members(struct json_writer *json, const char *object, size_t length)
{
	/* Without its braces. */
	if (length <= 2)
		return;
	json_item(json);
	buf_append(json->out, object + 1, length - 2);
}

/* SPDX-License-Identifier: ISC */
/*
 * How a mail is written: templates, what is put into them, and the encodings
 * of RFC 5322, 2045 and 2047.
 */
#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/address.h"
#include "base/arena.h"
#include "base/complaint.h"
#include "base/conf.h"
#include "base/utf8.h"
#include "core/mail_text.h"
#include "crypto/token.h"

#define TEMPLATE_MAX	16384	/* bytes */

/* Lines of quoted-printable, and encoded words, which stand in one. */
#define LINE_MAX_QP	76
#define WORD_MAX	54

/* What a body of 7bit may have in a line. */
#define LINE_MAX_7BIT	998

static const char hex[] = "0123456789ABCDEF";

static const char *const languages[] = {
	[CONF_ENGLISH] = "en",
	[CONF_SWEDISH] = "sv",
};
static_assert(sizeof(languages) / sizeof(languages[0]) == CONF_LANGUAGE__MAX,
    "one word a language");
static const char *const names[] = {
	[MAIL_REQUEST] = "request",
	[MAIL_SECRET] = "secret",
	[MAIL_TEST] = "test",
};
static_assert(sizeof(names) / sizeof(names[0]) == MAIL__MAX,
    "one name a kind");

/* What may stand between braces. */
enum place { PLACE_SITE, PLACE_LINK, PLACE_EXPIRES, PLACE__MAX };
static const char *const places[PLACE__MAX] = {
	[PLACE_SITE] = "{site}",
	[PLACE_LINK] = "{link}",
	[PLACE_EXPIRES] = "{expires}",
};

static enum place
find_place(const char *text, size_t length)
{
	enum place	 place = PLACE_SITE;

	while (place < PLACE__MAX && (strlen(places[place]) > length ||
	    memcmp(text, places[place], strlen(places[place])) != 0))
		place++;
	return place;
}

/* The file at path, in the arena.  Returns its length, or -1. */
static ssize_t
read_file(struct arena *arena, const char *path, char **bytes,
    struct complaint *error)
{
	ssize_t	 got;
	int	 fd;

	if ((*bytes = arena_alloc(arena, TEMPLATE_MAX + 1)) == NULL)
		return complaint(error, "%s: no memory", path);
	fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	got = fd == -1 ? -1 : read(fd, *bytes, TEMPLATE_MAX + 1);
	if (got == -1)
		complaint(error, "%s: %s", path, strerror(errno));
	if (fd != -1)
		close(fd);
	if (got > TEMPLATE_MAX)
		return complaint(error, "%s: is larger than %d bytes", path,
		    TEMPLATE_MAX);
	return got;
}

/* Words between braces that nothing is put in for, or that may not stand in
 * a subject. */
static bool
has_unknown_place(const char *text, size_t length, bool subject)
{
	enum place	 place;

	for (size_t i = 0; i < length; i++) {
		if (text[i] != '{')
			continue;
		place = find_place(text + i, length - i);
		if (place == PLACE__MAX || (subject && place == PLACE_LINK))
			return true;
	}
	return false;
}

int
mail_text_read(const struct conf *conf, struct arena *arena,
    enum mail_kind kind, struct mail_text *text, struct complaint *error)
{
	static const char	 subject[] = "Subject: ";
	const size_t		 head = sizeof(subject) - 1;
	struct buf		 path;
	char			*bytes, *end;
	ssize_t			 length;

	buf_init(&path, arena);
	buf_printf(&path, "%s/%s/%s.txt", conf->mail_templates,
	    languages[conf->mail_language], names[kind]);
	buf_append(&path, "", 1);
	if (path.failed)
		return complaint(error, "no memory");
	length = read_file(arena, (const char *)path.data, &bytes, error);
	if (length == -1)
		return -1;
	bytes[length] = '\0';
	if (utf8_length(bytes, (size_t)length) < 0 ||
	    strlen(bytes) != (size_t)length || strchr(bytes, '\r') != NULL)
		return complaint(error, "%s: is not UTF-8 text with lines that "
		    "end in LF", (const char *)path.data);
	if (strncmp(bytes, subject, head) != 0 ||
	    (end = strstr(bytes, "\n\n")) == NULL ||
	    memchr(bytes, '\n', (size_t)(end - bytes)) != NULL)
		return complaint(error, "%s: does not begin with a line "
		    "`Subject: ' and an empty one", (const char *)path.data);
	*text = (struct mail_text){
		.subject = bytes + head,
		.subject_length = (size_t)(end - bytes) - head,
		.body = end + 2,
		.body_length = (size_t)length - (size_t)(end + 2 - bytes),
	};
	if (has_unknown_place(text->subject, text->subject_length, true) ||
	    has_unknown_place(text->body, text->body_length, false))
		return complaint(error, "%s: only {site} and {expires}, and "
		    "{link} below the subject, may stand in braces",
		    (const char *)path.data);
	return 0;
}

static void
put_time(int64_t ms, bool for_header, struct buf *out)
{
	time_t		 seconds = (time_t)(ms / 1000);
	struct tm	 tm;
	char		 text[64];

	if (gmtime_r(&seconds, &tm) == NULL)
		return;
	if (for_header)
		(void)strftime(text, sizeof(text),
		    "%a, %d %b %Y %H:%M:%S +0000", &tm);
	else
		(void)strftime(text, sizeof(text), "%Y-%m-%d %H:%M UTC",
		    &tm);
	buf_text(out, text);
}

/* The text with its places filled. */
static void
fill_in(const struct conf *conf, const struct mail *mail, const char *text,
    size_t length, struct buf *out)
{
	enum place	 place;
	size_t		 plain;

	while (length > 0) {
		place = find_place(text, length);
		switch (place) {
		case PLACE_SITE:
			buf_text(out, conf->site_name);
			break;
		case PLACE_LINK:
			buf_text(out, mail->link);
			break;
		case PLACE_EXPIRES:
			put_time(mail->expires_at, false, out);
			break;
		case PLACE__MAX:
			break;
		}
		plain = place == PLACE__MAX ? 1 : strlen(places[place]);
		if (place == PLACE__MAX)
			buf_append(out, text, 1);
		text += plain;
		length -= plain;
	}
}

static bool
is_ascii(const struct buf *text)
{
	for (size_t i = 0; i < text->len; i++)
		if (text->data[i] >= 0x7f)
			return false;
	return true;
}

static void
put_escape(struct buf *out, uint8_t byte)
{
	char	 escape[3] = { '=', hex[byte >> 4], hex[byte & 15] };

	buf_append(out, escape, sizeof(escape));
}

/*
 * Words of RFC 2047, none of which ends inside a character; all but letters
 * and digits are escaped, so that they may stand in any header.
 */
static void
put_encoded_words(struct buf *out, const struct buf *text)
{
	size_t	 at = 0, length;

	for (;;) {
		buf_text(out, "=?UTF-8?Q?");
		length = 0;
		while (at < text->len) {
			uint8_t	 byte = text->data[at];
			bool	 plain = (byte >= '0' && byte <= '9') ||
			    ((byte | 0x20) >= 'a' && (byte | 0x20) <= 'z');

			/* A character of four bytes still fits. */
			if (length > WORD_MAX - 12 && (byte & 0xc0) != 0x80)
				break;
			if (plain)
				buf_append(out, &byte, 1);
			else if (byte == ' ')
				buf_text(out, "_");
			else
				put_escape(out, byte);
			length += plain || byte == ' ' ? 1 : 3;
			at++;
		}
		buf_text(out, "?=");
		if (at == text->len)
			return;
		buf_text(out, "\n ");
	}
}

/* A name before an address: words are quoted when they are ASCII. */
static void
put_name(struct buf *out, const struct buf *name)
{
	if (!is_ascii(name)) {
		put_encoded_words(out, name);
		return;
	}
	buf_text(out, "\"");
	for (size_t i = 0; i < name->len; i++) {
		if (name->data[i] == '"' || name->data[i] == '\\')
			buf_text(out, "\\");
		buf_append(out, name->data + i, 1);
	}
	buf_text(out, "\"");
}

/* Quoted-printable; the text ends in LF. */
static void
put_quoted(struct buf *out, const struct buf *text)
{
	size_t	 column = 0, width;

	for (size_t i = 0; i < text->len; i++) {
		uint8_t	 byte = text->data[i];
		bool	 last = i + 1 == text->len ||
		    text->data[i + 1] == '\n';
		bool	 plain = byte >= 0x20 && byte < 0x7f && byte != '=' &&
		    !(byte == ' ' && last);

		if (byte == '\n') {
			buf_text(out, "\n");
			column = 0;
			continue;
		}
		width = plain ? 1 : 3;
		if (column + width > LINE_MAX_QP - (last ? 0 : 1)) {
			buf_text(out, "=\n");
			column = 0;
		}
		if (plain)
			buf_append(out, &byte, 1);
		else
			put_escape(out, byte);
		column += width;
	}
}

static bool
needs_quoting(const struct buf *text)
{
	size_t	 column = 0;

	for (size_t i = 0; i < text->len; i++) {
		column = text->data[i] == '\n' ? 0 : column + 1;
		if (column > LINE_MAX_7BIT)
			return true;
	}
	return !is_ascii(text);
}

static void
put_headers(const struct conf *conf, const struct mail *mail, int64_t now,
    const struct buf *subject, struct buf *out)
{
	struct buf	 name;
	uint8_t		 random[TOKEN_BYTES];
	char		 id[TOKEN_HEX_LENGTH + 1];
	const char	*host = "localhost";
	size_t		 length = strlen(host);

	if (*conf->mail_from != '\0') {
		buf_init(&name, out->arena);
		buf_text(&name, conf->site_name);
		buf_text(out, "From: ");
		put_name(out, &name);
		buf_printf(out, "%s <%s>\n", is_ascii(&name) ? "" : "\n",
		    conf->mail_from);
	}
	buf_printf(out, "To: %s\nSubject: ", mail->address);
	if (is_ascii(subject))
		buf_append(out, subject->data, subject->len);
	else
		put_encoded_words(out, subject);
	buf_text(out, "\nDate: ");
	put_time(now, true, out);
	if (*conf->site_url != '\0')
		host = address_host(conf->site_url, &length);
	token_random(random);
	token_to_hex(random, id);
	buf_printf(out, "\nMessage-ID: <%s@%.*s>\n", id, (int)length, host);
	buf_text(out, "MIME-Version: 1.0\n"
	    "Content-Type: text/plain; charset=utf-8\n"
	    "Auto-Submitted: auto-generated\n");
}

void
mail_text_write(const struct conf *conf, const struct mail_text *text,
    const struct mail *mail, int64_t now, struct buf *out)
{
	struct buf	 subject, body;

	buf_init(&subject, out->arena);
	buf_init(&body, out->arena);
	fill_in(conf, mail, text->subject, text->subject_length, &subject);
	fill_in(conf, mail, text->body, text->body_length, &body);
	if (body.len == 0 || body.data[body.len - 1] != '\n')
		buf_text(&body, "\n");
	put_headers(conf, mail, now, &subject, out);
	buf_printf(out, "Content-Transfer-Encoding: %s\n\n",
	    needs_quoting(&body) ? "quoted-printable" : "7bit");
	if (needs_quoting(&body))
		put_quoted(out, &body);
	else
		buf_append(out, body.data, body.len);
	out->failed |= subject.failed || body.failed;
}

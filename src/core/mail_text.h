/* SPDX-License-Identifier: ISC */
#ifndef ONCELINK_MAIL_TEXT_H
#define ONCELINK_MAIL_TEXT_H

#include "base/buf.h"
#include "core/mail.h"

struct complaint;
struct conf;

/*
 * The words of a mail: a file of plain UTF-8 in mail_templates, in a directory
 * of its language: `Subject: …', an empty line, the body.  {site}, {link} and
 * {expires} are put in, and nothing that a stranger wrote.
 */

/* A template, in the arena. */
struct mail_text {
	const char	*subject;
	size_t		 subject_length;
	const char	*body;
	size_t		 body_length;
};

/* mail_text_read(conf, arena, kind, text, error): read and check it.  Returns
 * 0, or -1 with an error that names the file. */
int	 mail_text_read(const struct conf *conf, struct arena *arena,
	    enum mail_kind kind, struct mail_text *text,
	    struct complaint *error);

/*
 * mail_text_write(conf, text, mail, now, out): the mail as sendmail takes it:
 * headers, an empty line, the body, with LF at the ends of lines.  ASCII
 * throughout: RFC 2047 in headers, quoted-printable in a body that needs it.
 */
void	 mail_text_write(const struct conf *conf,
	    const struct mail_text *text, const struct mail *mail,
	    int64_t now, struct buf *out);

#endif

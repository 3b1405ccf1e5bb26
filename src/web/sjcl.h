/* SPDX-License-Identifier: ISC */
#ifndef ONCELINK_SJCL_H
#define ONCELINK_SJCL_H

#include <stddef.h>
#include <stdint.h>

#include "web/json_read.h"

struct buf;

/*
 * What clients of password.link seal with SJCL, and how it is kept: as it
 * came.  It is looked at for its form and never opened.
 */

enum sjcl_fault {
	SJCL_FINE,
	SJCL_NOT_BASE64,	/* also when there is nothing inside */
	SJCL_NOT_SJCL,
	SJCL_TOO_LARGE,		/* more bytes, decoded, than error->most */
	SJCL_NO_MEMORY
};

struct sjcl_error {
	enum sjcl_fault	 fault;
	int64_t		 most;
};

/*
 * sjcl_check(text, most, error): is it base64 of an SJCL object with iv, salt
 * and ct, mode gcm, ks 256, of at most `most' bytes?  Returns 0, or -1 with
 * error.
 */
int	 sjcl_check(const struct json_string *text, int64_t most,
	    struct sjcl_error *error);

/* sjcl_check_part(text, most, error): the same of a part of a password, which
 * is base64 of anything. */
int	 sjcl_check_part(const struct json_string *text, int64_t most,
	    struct sjcl_error *error);

/* The payload of a secret; what is not there has bytes NULL. */
struct sjcl {
	struct json_string	 ciphertext;
	struct json_string	 password_part_private;
	struct json_string	 attachment_name;
	struct json_string	 attachment_ciphertext;
};

/* sjcl_write(out, sjcl): the payload, one JSON object. */
void	 sjcl_write(struct buf *out, const struct sjcl *sjcl);

#endif

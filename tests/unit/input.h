/* SPDX-License-Identifier: ISC */
#ifndef ONCELINK_TEST_INPUT_H
#define ONCELINK_TEST_INPUT_H

#include "faces.h"

/* Bad input, as tables: what is sent and what must come back. */

/* 16 bytes of zero, 16 others, and 32 of zero, in base64url. */
#define ID	"AAAAAAAAAAAAAAAAAAAAAA"
#define FRESH	"AQAAAAAAAAAAAAAAAAAAAA"
#define GATE	"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"

#define MESSAGE	"/api/v1/message"
#define SECRETS	"/secrets"
#define PEEK	"/api/v2/secrets/peek"
#define OPEN	"/api/v2/secrets/open"

struct input_row {
	const char	*what;
	const char	*uri;
	const char	*body;		/* NULL: a GET */
	int		 status;
	const char	*says;		/* stands in the answer */
	size_t		 size;		/* of body, where it has NUL bytes */
	const char	*type;		/* NULL: application/json */
};

/* The answer has the form of an error of its interface. */
typedef void input_form(const struct faces *faces);

input_form input_safesecrets, input_onetime, input_native;

/* A site with one secret of each interface. */
struct input {
	struct faces	*faces;
	char		 key[TOKEN_UUID_LENGTH + 1];
	char		 hex[TOKEN_HEX_LENGTH + 1];
	uint8_t		 envelope[FACES_ENVELOPE];
};

/* input_setup(state), input_teardown(state): for cmocka.  At the end each
 * secret still has all its attempts and can be read. */
int	 input_setup(void **state);
int	 input_teardown(void **state);

/*
 * input_check(faces, before, what, status, want, says, right): the last
 * answer's status is the wanted one, it says that, its form is right, and
 * nothing in the store has changed.  says may be NULL.
 */
void	 input_check(struct faces *faces, const struct store_stats *before,
	    const char *what, int status, int want, const char *says,
	    input_form *right);

/* input_rows(input, rows, count, right): send and check every row. */
void	 input_rows(struct input *input, const struct input_row *rows,
	    size_t count, input_form *right);

/* input_transport(input, uri, type, body, right): what can be wrong with any
 * body, whatever should stand in it. */
void	 input_transport(struct input *input, const char *uri,
	    const char *type, const char *body, input_form *right);

/* input_methods(input, uri, allow, right): all methods but those of allow are
 * 405, and OPTIONS tells them. */
void	 input_methods(struct input *input, const char *uri,
	    const char *allow, input_form *right);

#endif

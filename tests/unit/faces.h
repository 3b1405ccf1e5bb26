/* SPDX-License-Identifier: ISC */
#ifndef ONCELINK_TEST_FACES_H
#define ONCELINK_TEST_FACES_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include "base/conf.h"
#include "core/site.h"
#include "crypto/token.h"
#include "store/store.h"
#include "web/app.h"
#include "web/http.h"

/* A real site in a directory of its own, asked without a web server. */

#define FACES_JSON	"application/json"
#define FACES_PROBLEM	"application/problem+json"
#define FACES_FRAME	"application/vnd.oncelink.frame"

/* The smallest envelope: overhead and one block. */
#define FACES_ENVELOPE	(1 + 12 + 16 + 512)

#define FACES_ID_LENGTH	22	/* 16 bytes in base64url */
#define FACES_GATE_LENGTH 43	/* 32 bytes */
#define FACES_UUID_SIZE	(TOKEN_UUID_LENGTH + 1)
#define FACES_HEX_SIZE	(TOKEN_HEX_LENGTH + 1)

struct faces {
	char			 directory[64];
	struct conf		 conf;
	struct site		 site;
	struct app		 app;
	struct arena		*arena;
	struct http_request	 request;	/* the last one */
	struct http_reply	 reply;		/* its answer */
	char			*body;		/* all bytes, a NUL behind */
	size_t			 size;
	size_t			 unread;	/* of what was to be sent */
};

/* One request.  type NULL: no Content-Type. */
struct faces_question {
	enum http_method method;
	const char	*uri;
	const char	*type;
	const void	*body;
	size_t		 size;
	bool		 lies;		/* length instead of size */
	int64_t		 length;
	const char	*authorization;
	const char	*password;	/* X-Secret-Password */
	const char	*agent;
	const char	*purpose;
	const char	*address;
	const char	*forwarded_for;
	const char	*document_root;
};

/* faces_open(settings): a new site with these lines in its configuration. */
struct faces *faces_open(const char *settings);

/* faces_close(faces): end it and remove every file. */
void	 faces_close(struct faces *faces);

/* faces_send(faces, question): ask; the answer is in faces until the next.
 * Returns its status. */
int	 faces_send(struct faces *faces,
	    const struct faces_question *question);
#define faces_ask(faces, ...)						\
	faces_send((faces), &(struct faces_question){ __VA_ARGS__ })

/* faces_get(faces, uri), faces_post(faces, uri, format, ...): a GET, and a
 * POST of JSON made as by printf(3). */
int	 faces_get(struct faces *faces, const char *uri);
int	 faces_post(struct faces *faces, const char *uri,
	    const char *format, ...) __attribute__((format(printf, 3, 4)));

/* faces_frame(faces, envelope, size, format, ...): POST /api/v2/secrets. */
int	 faces_frame(struct faces *faces, const void *envelope, size_t size,
	    const char *format, ...) __attribute__((format(printf, 4, 5)));

/* faces_make_message(faces, text, seconds, pin, key): a SafeSecrets message;
 * text and pin are written into JSON as they are. */
void	 faces_make_message(struct faces *faces, const char *text,
	    int seconds, const char *pin, char key[FACES_UUID_SIZE]);

/* faces_read_message(faces, key, pin): both are parts of the path as they
 * are. */
int	 faces_read_message(struct faces *faces, const char *key,
	    const char *pin);

/* faces_make_secret(faces, text, passphrase, id), faces_read_secret(faces,
 * id, passphrase): the same for One Time Secret. */
void	 faces_make_secret(struct faces *faces, const char *text,
	    const char *passphrase, char id[FACES_HEX_SIZE]);
int	 faces_read_secret(struct faces *faces, const char *id,
	    const char *passphrase);

/* faces_key(faces, name, private, authorization): a key of the account of that
 * name, which is made when it is not there, as a header shows it. */
#define FACES_KEY_SIZE	64
void	 faces_key(struct faces *faces, const char *name, bool private,
	    char authorization[FACES_KEY_SIZE]);

/* faces_header(faces, name): the value of a header of the answer, or NULL. */
const char *faces_header(const struct faces *faces, const char *name);

/* faces_member(faces, name, text, size): the value of a string or number of
 * the answer's JSON object (or a frame's first line), without quotes; fails
 * the test when there is none. */
void	 faces_member(const struct faces *faces, const char *name, char *text,
	    size_t size);

/* faces_says(faces, name, value): it is this; strings without quotes. */
void	 faces_says(const struct faces *faces, const char *name,
	    const char *value);

/* faces_payload(faces, size): what stands behind a frame's first line. */
const char *faces_payload(const struct faces *faces, size_t *size);

/* faces_random(bytes, text): random bytes in base64url. */
void	 faces_random(size_t bytes, char *text);

/* faces_base64url(bytes, size, text): these bytes in base64url. */
void	 faces_base64url(const void *bytes, size_t size, char *text);

/* faces_envelope(envelope, size): random bytes of the form of version 2. */
void	 faces_envelope(uint8_t *envelope, size_t size);

/* faces_stats(faces): what is in the store. */
struct store_stats faces_stats(struct faces *faces);

/* faces_unchanged(faces, before): the store holds what it held; fails the
 * test otherwise. */
void	 faces_unchanged(struct faces *faces,
	    const struct store_stats *before);

/* faces_is_json(faces): the answer is one JSON object. */
bool	 faces_is_json(const struct faces *faces);

#endif

/* SPDX-License-Identifier: ISC */
#ifndef ONCELINK_BODY_LIMIT_H
#define ONCELINK_BODY_LIMIT_H

#include <stdint.h>

struct conf;

/* The PIN of one older face and the passphrase of the other, in bytes. */
#define BODY_LIMIT_PIN_MAX	1024

/* The first line of a frame, without its end. */
#define BODY_LIMIT_LINE_MAX	4096

/*
 * The largest body of a request, in bytes: of the two older faces' messages,
 * of our own JSON calls, of a frame with a sealed envelope, of what clients of
 * password.link seal, with and without an attachment; of a secret request.
 */
int64_t	 body_limit_message(const struct conf *conf);
int64_t	 body_limit_json(const struct conf *conf);
int64_t	 body_limit_frame(const struct conf *conf);
int64_t	 body_limit_sealed(const struct conf *conf);
int64_t	 body_limit_filled(const struct conf *conf);
int64_t	 body_limit_request(const struct conf *conf);

/* body_limit_largest(conf): the largest body of all, over the faces that are
 * served. */
int64_t	 body_limit_largest(const struct conf *conf);

/* body_limit_answer(conf): the largest body of an answer. */
int64_t	 body_limit_answer(const struct conf *conf);

#endif

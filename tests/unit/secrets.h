/* SPDX-License-Identifier: ISC */
#ifndef ONCELINK_TEST_SECRETS_H
#define ONCELINK_TEST_SECRETS_H

#include "faces.h"

/* Secrets over our own interface, as their makers and readers handle them. */

#define SECRETS_ID_SIZE		(FACES_ID_LENGTH + 1)
#define SECRETS_GATE_SIZE	(FACES_GATE_LENGTH + 1)

#define SECRETS_PEEK		"/api/v2/secrets/peek"
#define SECRETS_OPEN		"/api/v2/secrets/open"
#define SECRETS_ACK		"/api/v2/secrets/ack"
#define SECRETS_KNOCK		"/api/v2/secrets/knock"
#define SECRETS_RECEIPT_PEEK	"/api/v2/receipts/peek"
#define SECRETS_RECEIPT_BURN	"/api/v2/receipts/burn"

struct secrets_one {
	char	 id[SECRETS_ID_SIZE];
	char	 receipt[SECRETS_ID_SIZE];
	char	 gate[SECRETS_GATE_SIZE];
	char	 wrong[SECRETS_GATE_SIZE];	/* another gate */
	char	 claim[SECRETS_ID_SIZE];	/* of the first reader */
	char	 other[SECRETS_ID_SIZE];	/* of another one */
	char	 third[SECRETS_ID_SIZE];
	uint8_t	 envelope[FACES_ENVELOPE];
};

/* secrets_draw(secret): new random values in all of it. */
void	 secrets_draw(struct secrets_one *secret);

/* The calls; each returns the status.  more: further members, each with a
 * comma before it.  gate NULL: none. */
int	 secrets_create(struct faces *faces, const struct secrets_one *secret,
	    const char *more);
int	 secrets_create_gated(struct faces *faces,
	    const struct secrets_one *secret, const char *more);
int	 secrets_open(struct faces *faces, const struct secrets_one *secret,
	    const char *claim, const char *gate);
int	 secrets_peek(struct faces *faces, const struct secrets_one *secret);
int	 secrets_ack(struct faces *faces, const struct secrets_one *secret,
	    const char *claim);
int	 secrets_knock(struct faces *faces, const struct secrets_one *secret);

/* secrets_receipt_says(faces, secret, state): its receipt does. */
void	 secrets_receipt_says(struct faces *faces,
	    const struct secrets_one *secret, const char *state);

/* secrets_is_problem(faces, name): the answer is a problem of that name. */
void	 secrets_is_problem(struct faces *faces, const char *name);

/* secrets_is_payload(faces, bytes, size): the answer is a frame with it. */
void	 secrets_is_payload(struct faces *faces, const void *bytes,
	    size_t size);

/* secrets_is_minute(faces, name): this member is a time in UTC without
 * seconds. */
void	 secrets_is_minute(struct faces *faces, const char *name);

#endif

/* SPDX-License-Identifier: ISC */
#ifndef ONCELINK_TEST_SITES_H
#define ONCELINK_TEST_SITES_H

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/conf.h"
#include "core/secret.h"
#include "core/site.h"

struct arena;

/* A real site in a directory of its own, for the tests of the rules. */
struct sites {
	char		 directory[256];
	enum site_use	 use;
	struct conf	 conf;
	struct site	 site;
	struct arena	*arena;
	struct secret_reading reading;	/* the last one */
};

/* sites_open(settings, use): settings are lines of oncelink.conf. */
struct sites *sites_open(const char *settings, enum site_use use);
void	 sites_close(struct sites *sites);

/* sites_restart(sites, settings): close it and open it as it then is. */
void	 sites_restart(struct sites *sites, const char *settings);

/* sites_sql(sites, format, ...): close it, change the database behind its
 * back, open it again.  `format` is that of sqlite3_mprintf. */
void	 sites_sql(struct sites *sites, const char *format, ...);

int64_t	 sites_now(void);		/* ms since 1970 */
void	 sites_await(int64_t time);	/* until it is later than that */

/* A secret as its maker and its readers know it. */
#define SITES_CLAIMS 4
struct sites_secret {
	struct secret_creation creation;
	uint8_t	 token[TOKEN_BYTES];
	uint8_t	 receipt[SEAL_SECRETBYTES];
	uint8_t	 gate[SEAL_STRETCHBYTES];
	uint8_t	 wrong[SEAL_STRETCHBYTES];	/* another gate */
	uint8_t	 claims[SITES_CLAIMS][SEAL_SECRETBYTES];
	uint8_t	*payload;
	size_t	 payload_size;
};

/* Sizes on both sides of what is opened inside the transaction. */
#define SITES_SMALL	((size_t)100)
#define SITES_LARGE	((size_t)100000)

/* sites_draw(secret, size): random values in all of it, of kind V2 and for an
 * hour, one view and three attempts; a second call draws another.
 * sites_drop(secret): give its memory back. */
void	 sites_draw(struct sites_secret *secret, size_t size);
void	 sites_drop(struct sites_secret *secret);

/* sites_gate(secret), sites_pin(secret): have it need a gate; or the PIN
 * SITES_PIN, of kind SAFESECRETS. */
#define SITES_PIN "12345"
#define SITES_WRONG_PIN "54321"
void	 sites_gate(struct sites_secret *secret);
void	 sites_pin(struct sites_secret *secret);

/* sites_create(sites, secret): the outcome. */
enum secret_outcome sites_create(struct sites *sites,
	    struct sites_secret *secret);

/* sites_ask(sites, secret, proof): what secret_open returns. */
int	 sites_ask(struct sites *sites, const struct sites_secret *secret,
	    const struct secret_proof *proof);

/* sites_read(sites, secret, claim, gate): the outcome, with the payload that
 * it must be; claim and gate may be NULL. */
enum secret_outcome sites_read(struct sites *sites,
	    const struct sites_secret *secret, const uint8_t *claim,
	    const uint8_t *gate);

/* sites_read_pin(sites, secret, pin): the same with a PIN. */
enum secret_outcome sites_read_pin(struct sites *sites,
	    const struct sites_secret *secret, const char *pin);

/* sites_peek(sites, secret, claim): the outcome. */
enum secret_outcome sites_peek(struct sites *sites,
	    const struct sites_secret *secret, const uint8_t *claim);

void	 sites_ack(struct sites *sites, const struct sites_secret *secret,
	    const uint8_t *claim);

/* sites_receipt(sites, secret): what its receipt says. */
struct secret_facts sites_receipt(struct sites *sites,
	    const struct sites_secret *secret);

/* sites_row(sites, secret): its row, which there is; sites_has_row. */
struct store_secret sites_row(struct sites *sites,
	    const struct sites_secret *secret);
bool	 sites_has_row(struct sites *sites,
	    const struct sites_secret *secret);

/* sites_write(sites, row): what store_secret_update writes of it. */
void	 sites_write(struct sites *sites, const struct store_secret *row);

/* sites_end_claim(sites, secret, claim, until): it ends then. */
void	 sites_end_claim(struct sites *sites,
	    const struct sites_secret *secret, const uint8_t *claim,
	    int64_t until);

/* sites_records(sites), sites_claims(sites): how many there are. */
int64_t	 sites_records(struct sites *sites);
int64_t	 sites_claims(struct sites *sites);

/* sites_miscounts(sites): of how many accounts the number of secrets or of
 * requests is not that of their rows. */
int64_t	 sites_miscounts(struct sites *sites);

/*
 * sites_race(sites, secret, proofs, count): one thread a proof, all at once.
 * Counts the outcomes; every payload that was given is the right one.
 */
#define SITES_RACERS 64
void	 sites_race(struct sites *sites, const struct sites_secret *secret,
	    const struct secret_proof proofs[SITES_RACERS],
	    int outcomes[SECRET_OUTCOME__MAX]);

#endif

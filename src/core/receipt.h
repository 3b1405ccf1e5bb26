/* SPDX-License-Identifier: ISC */
#ifndef ONCELINK_RECEIPT_H
#define ONCELINK_RECEIPT_H

#include "core/secret.h"

/*
 * What the maker of a secret may know and do with its receipt.  All return 0,
 * with an outcome where there is one (SECRET_OK with facts, or
 * SECRET_NOT_FOUND), or one of the STORE_ failures.
 */

/* receipt_peek(site, receipt, outcome, facts): how the secret is; changes
 * nothing of it, but see life_told. */
int	 receipt_peek(struct site *site,
	    const uint8_t receipt[SEAL_SECRETBYTES],
	    enum secret_outcome *outcome, struct secret_facts *facts);

/* receipt_burn(site, receipt, outcome, facts): erase the record and end every
 * claim; what is over already stays what it is. */
int	 receipt_burn(struct site *site,
	    const uint8_t receipt[SEAL_SECRETBYTES],
	    enum secret_outcome *outcome, struct secret_facts *facts);

/*
 * receipt_knock(site, token): someone has the link and came too late.  Counted
 * at most once a minute and 99 times; the reader is told nothing.
 */
int	 receipt_knock(struct site *site, const uint8_t token[TOKEN_BYTES]);

#endif

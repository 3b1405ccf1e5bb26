/* SPDX-License-Identifier: ISC */
#ifndef ONCELINK_REQUEST_NOTE_H
#define ONCELINK_REQUEST_NOTE_H

#include <stdint.h>

#include "core/secret_request.h"

struct store_request;

/*
 * What is sealed of a secret request: its note, and apart from it the password
 * of its secrets, since that is to go before the rest.
 */

/* request_note_seal(site, arena, token, request, row): set note and password
 * of a row that has its lookup; in the arena.  Returns 0 or -1. */
int	 request_note_seal(struct site *site, struct arena *arena,
	    const uint8_t token[TOKEN_BYTES],
	    const struct secret_request *request, struct store_request *row);

/*
 * request_note_open(site, arena, row, entry): all of a row but the password,
 * which is empty where there is or was one.  Returns 0, 1 when it is damaged,
 * or -1 when there is no memory, both logged.
 */
int	 request_note_open(struct site *site, struct arena *arena,
	    const struct store_request *row,
	    struct secret_request_entry *entry);

/* request_note_password(site, arena, row, request): the password too, unless
 * it was erased.  Returns as request_note_open does. */
int	 request_note_password(struct site *site, struct arena *arena,
	    const struct store_request *row, struct secret_request *request);

#endif

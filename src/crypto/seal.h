/* SPDX-License-Identifier: ISC */
#ifndef ONCELINK_SEAL_H
#define ONCELINK_SEAL_H

#include <stddef.h>
#include <stdint.h>

#include "crypto/epoch.h"
#include "crypto/token.h"

struct keyring;

#define SEAL_LOOKUPBYTES	32
#define SEAL_HASHBYTES		32	/* receipts, claims, verifiers */
#define SEAL_STRETCHBYTES	32
#define SEAL_SECRETBYTES	16	/* a receipt or a claim as handed out */
#define SEAL_NETWORKBYTES	16	/* of an IPv6 address, or IPv4 in one */
#define SEAL_PAYLOAD_OFFSET	(2 + 24)	/* tag, nonce */
#define SEAL_OVERHEAD		(SEAL_PAYLOAD_OFFSET + 16)	/* and MAC */

/* What may be asked of Argon2id (RFC 9106) by a row; all else is refused. */
#define SEAL_PASSES_MIN		1u
#define SEAL_PASSES_MAX		10u
#define SEAL_MEMORY_MIN		(8u * 1024)	/* KiB */
#define SEAL_MEMORY_MAX		(256u * 1024)	/* KiB */

/*
 * What the associated data of a record binds it to, beside its format: a row
 * with any of these changed does not open.
 */
struct seal_binding {
	uint8_t		 lookup[SEAL_LOOKUPBYTES];
	uint8_t		 kind;
	int64_t		 expires_at;	/* ms since 1970 */
	uint32_t	 passes;	/* Argon2id; 0 when the server does */
	uint32_t	 memory;	/* not stretch.  KiB */
	uint32_t	 key_id;	/* seal key of the keyring */
	uint32_t	 epoch;		/* 0: none */
};

/* seal_lookup(keyring, token, lookup): the key of a token's row. */
void	 seal_lookup(const struct keyring *keyring,
	    const uint8_t token[TOKEN_BYTES], uint8_t lookup[SEAL_LOOKUPBYTES]);

/* seal_receipt(keyring, receipt, hash): what is stored of a receipt. */
void	 seal_receipt(const struct keyring *keyring,
	    const uint8_t receipt[SEAL_SECRETBYTES],
	    uint8_t hash[SEAL_HASHBYTES]);

/* seal_claim(keyring, lookup, claim, hash): what is stored of a claim; the
 * same claim at another secret has another hash. */
void	 seal_claim(const struct keyring *keyring,
	    const uint8_t lookup[SEAL_LOOKUPBYTES],
	    const uint8_t claim[SEAL_SECRETBYTES],
	    uint8_t hash[SEAL_HASHBYTES]);

/* seal_api_key(keyring, text, length, hash): what is stored of an API key. */
void	 seal_api_key(const struct keyring *keyring, const char *text,
	    size_t length, uint8_t hash[SEAL_HASHBYTES]);

/* seal_client(keyring, day, hour, network, hash): what is stored of a client
 * in an hour (since 1970); day is the key of its day's epoch, without which
 * nobody can make it again. */
void	 seal_client(const struct keyring *keyring,
	    const uint8_t day[EPOCH_KEYBYTES], int64_t hour,
	    const uint8_t network[SEAL_NETWORKBYTES],
	    uint8_t hash[SEAL_HASHBYTES]);

/* seal_log_name(keyring, lookup, name): 4 bytes in hex that name a secret in
 * log lines, and a NUL byte. */
void	 seal_log_name(const struct keyring *keyring,
	    const uint8_t lookup[SEAL_LOOKUPBYTES], char name[9]);

/*
 * seal_stretch(token, pin, length, passes, memory, stretch): Argon2id (RFC
 * 9106) of `length` bytes of PIN with `passes` passes over `memory` KiB, salt
 * BLAKE2b-128("oncelink pin salt" || token).  Takes milliseconds and all of
 * the memory.  Returns 0, or -1 when a parameter is out of range or there is
 * no memory.
 */
int	 seal_stretch(const uint8_t token[TOKEN_BYTES], const void *pin,
	    size_t length, uint32_t passes, uint32_t memory,
	    uint8_t stretch[SEAL_STRETCHBYTES]);

/*
 * seal_verifier(keyring, key_id, token, stretch, verifier): what proves the
 * PIN without revealing it.  stretch is NULL for no PIN.  Returns 0, or -1
 * when there is no such key.
 */
int	 seal_verifier(const struct keyring *keyring, uint32_t key_id,
	    const uint8_t token[TOKEN_BYTES],
	    const uint8_t stretch[SEAL_STRETCHBYTES],
	    uint8_t verifier[SEAL_HASHBYTES]);

/*
 * seal_record(keyring, binding, token, stretch, payload, size, record): seal
 * `size` bytes with XChaCha20-Poly1305 under the record key (H(seal subkey,
 * epoch key || token || stretch)) into record, which has room for size +
 * SEAL_OVERHEAD bytes.  stretch is NULL for no PIN.  Returns 0, or -1 when
 * there is no such key or epoch.
 */
int	 seal_record(const struct keyring *keyring,
	    const struct seal_binding *binding,
	    const uint8_t token[TOKEN_BYTES],
	    const uint8_t stretch[SEAL_STRETCHBYTES],
	    const void *payload, size_t size, uint8_t *record);

/*
 * seal_open(keyring, binding, token, stretch, record, size, payload): open
 * `size` bytes of record into payload, which has room for size -
 * SEAL_OVERHEAD bytes and may be `record + SEAL_PAYLOAD_OFFSET`: the bytes
 * then change in place.  Returns 0, or -1 when the format, the key, the
 * binding or a byte is not the one it was sealed with; payload is then wiped.
 */
int	 seal_open(const struct keyring *keyring,
	    const struct seal_binding *binding,
	    const uint8_t token[TOKEN_BYTES],
	    const uint8_t stretch[SEAL_STRETCHBYTES],
	    const uint8_t *record, size_t size, uint8_t *payload);

/* seal_equal(a, b): compare two hashes in constant time; 1 when equal. */
int	 seal_equal(const uint8_t a[SEAL_HASHBYTES],
	    const uint8_t b[SEAL_HASHBYTES]);

#endif

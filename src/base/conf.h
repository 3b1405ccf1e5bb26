/* SPDX-License-Identifier: ISC */
#ifndef ONCELINK_CONF_H
#define ONCELINK_CONF_H

#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

/* Which faces are served; bits of conf.faces. */
#define CONF_FACE_SAFESECRETS	0x1u
#define CONF_FACE_ONETIME	0x2u
#define CONF_FACE_NATIVE	0x4u
#define CONF_FACE_PASSWORDLINK	0x8u

struct complaint;

/* The longest PIN that pin_size may ask for, in characters. */
#define CONF_PIN_SIZE_MAX 100

enum conf_create {
	CONF_CREATE_ANYONE, CONF_CREATE_KEYS, CONF_CREATE_NOBODY,
	CONF_CREATE__MAX
};

/* What of a viewer's address an account may see. */
enum conf_addresses {
	CONF_ADDRESSES_FULL, CONF_ADDRESSES_TRUNCATED, CONF_ADDRESSES_NONE
};

enum conf_sandbox { CONF_SANDBOX_KILL, CONF_SANDBOX_OFF };

enum conf_language { CONF_ENGLISH, CONF_SWEDISH, CONF_LANGUAGE__MAX };

/* A range of addresses; an IPv4 address is kept as IPv4-mapped IPv6. */
struct conf_network {
	struct in6_addr	 address;
	unsigned int	 bits;		/* 0..128 that must agree */
};
#define CONF_NETWORKS_MAX 32

/*
 * The settings of a site.  Durations are milliseconds, sizes are bytes.
 * Strings are owned by the structure.  The table in conf_row.c has a row for
 * each member: its name in the file, its range, its default, what it is.
 */
struct conf {
	char		*state_dir;	/* database, locks, ballast: 0700 */
	char		*key_file;	/* the server's keys: 0600 */
	char		*site_name;	/* shown on the pages */
	char		*path_prefix;	/* "" or "/once": what precedes paths */
	unsigned int	 faces;		/* CONF_FACE_* */
	int		 create;	/* enum conf_create */
	struct conf_network trusted_proxies[CONF_NETWORKS_MAX];
	size_t		 trusted_proxies_count;
	int64_t		 client_secrets; /* an hour and client; 0: any number */
	int64_t		 client_bytes;	/* of their records; 0: likewise */
	int64_t		 client_ipv4_bits; /* that one client's addresses */
	int64_t		 client_ipv6_bits; /* have in common */

	int64_t		 threads;	/* 1..64 */
	int64_t		 shutdown_wait;	/* ms for what is in flight */
	int		 sandbox;	/* enum conf_sandbox */
	int64_t		 lock_wait;	/* ms for the write lock */
	int64_t		 kdf_wait;	/* ms for a turn at Argon2id */
	int64_t		 erase_delay;	/* ms from an end to the checkpoint */
	int64_t		 max_store;	/* bytes of database and WAL */
	int64_t		 max_secrets;	/* sealed records; 0: any number */

	int64_t		 kdf_passes;	/* Argon2id passes, 1..10 */
	int64_t		 kdf_memory;	/* Argon2id bytes, 8..256 MiB */

	int64_t		 max_message;	/* bytes, faces 1 and 2 */
	int64_t		 max_envelope;	/* bytes, native face */
	int64_t		 max_ciphertext; /* bytes, decoded, face 3 */
	int64_t		 max_attachment;
	int64_t		 max_expire;	/* ms, faces 2 to 4 */
	int64_t		 default_views;
	int64_t		 claim_time;	/* ms; 0: no claims */
	int64_t		 keep_receipts;	/* ms beyond expires_at */
	int		 viewer_addresses; /* enum conf_addresses */

	char		*site_url;	/* where people find it; "": unknown */
	char		*sendmail;	/* the program that takes mail */
	char		*mail_from;	/* an address; "": what it puts there */
	char		*mail_templates; /* a directory of one a language */
	int		 mail_language;	/* enum conf_language */
	int64_t		 mail_timeout;	/* ms that sendmail may take */
	int64_t		 mail_give_up;	/* ms of trying */

	int64_t		 pin_size;	/* code points, SafeSecrets */
	int64_t		 pin_attempts;	/* tries of faces 1, 2; default of 4 */
	int64_t		 safesecrets_max_expire; /* ms */

	int		 log_target;	/* enum log_target */
	int		 log_level;	/* enum log_level */

	/* SIGN_KEY of the environment, NUL-terminated, or NULL; conf_load
	 * takes it out of the environment.  Wiped by conf_free. */
	char		*sign_key;

	/* Where each setting comes from, for conf_print: by table row; a
	 * FILE:LINE or "environment", NULL for the default. */
	char		**origins;
};

/*
 * conf_load(conf, path, error): the defaults, then the file, then the
 * environment (SIGN_KEY, MAX_EXPIRE, PIN_SIZE, PIN_ATTEMPTS).  path NULL means
 * ONCELINK_CONF of the environment, or else the installed place; only when
 * that last one does not exist the defaults alone count.  Relative paths in
 * the file are taken from the file's own directory.  Returns 0, or -1 with an
 * error that names file, line, key and what is allowed; conf then needs no
 * conf_free.  Call before the first thread.
 */
int	 conf_load(struct conf *conf, const char *path,
	    struct complaint *error);

/* conf_forget_sign_key(conf): wipe it, once the keys are made of it. */
void	 conf_forget_sign_key(struct conf *conf);

/* conf_free(conf): release and wipe. */
void	 conf_free(struct conf *conf);

/*
 * conf_print(conf, out): every setting as a line of the file's own form, with
 * its source (default, FILE:LINE or environment) and its help as comments.
 */
void	 conf_print(const struct conf *conf, FILE *out);

/* conf_print_changed(conf, out): every setting that is not a default, a line
 * each of the file's own form. */
void	 conf_print_changed(const struct conf *conf, FILE *out);

/* conf_place(path): the file that conf_load(conf, path, error) reads; its
 * default need not be there. */
const char *conf_place(const char *path);

/*
 * conf_trusts(conf, address): does this numeric IPv4 or IPv6 address belong
 * to a trusted proxy?  False for anything that is no address.
 */
bool	 conf_trusts(const struct conf *conf, const char *address);

#endif

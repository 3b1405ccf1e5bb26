/* SPDX-License-Identifier: ISC */
/*
 * Fills a site's store with real secrets, faster than the web would: the same
 * function makes them that the native face calls, from many threads at once,
 * so that a commit is shared by all of them.  Ids, receipts and envelopes are
 * those of load.lua, which can open what was planted here.  With an account's
 * name they are its secrets, as password.link's interface makes them, and
 * every other one has been viewed.
 */
#include <err.h>
#include <errno.h>
#include <inttypes.h>
#include <pthread.h>
#include <sodium.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

#include "base/arena.h"
#include "base/complaint.h"
#include "base/conf.h"
#include "base/log.h"
#include "core/account.h"
#include "core/listing.h"
#include "core/secret.h"
#include "core/site.h"
#include "crypto/token.h"

#define THREADS		64
#define ENVELOPE_BYTES	(1 + 12 + 16 + 1024)
#define LIFETIME	(3600 * INT64_C(1000))

struct planting {
	struct site	 site;
	int64_t		 space;
	int64_t		 count;
	int64_t		 account;	/* 0: nobody's */
	atomic_llong	 next;
	uint8_t		 envelope[ENVELOPE_BYTES];
};

/* The number's 16 bytes: 21 digits and an A are a base64url text of theirs. */
static void
name_secret(int64_t space, long long number, uint8_t bytes[TOKEN_BYTES])
{
	char	 text[TOKEN_BASE64URL_LENGTH + 32];

	(void)snprintf(text, sizeof(text), "%07" PRId64 "%014lldA", space,
	    number);
	if (!token_from_base64url(bytes, TOKEN_BYTES, text, strlen(text)))
		errx(EX_SOFTWARE, "no name for a secret");
}

static void
make(struct planting *planting, struct arena *arena,
    const struct secret_creation *template, long long number)
{
	struct secret_creation	 creation = *template;
	uint8_t			 receipt[SEAL_SECRETBYTES];

	name_secret(planting->space, number, creation.token);
	name_secret(planting->space, number, receipt);
	creation.token_given = true;
	creation.receipt = receipt;
	creation.payload = planting->envelope;
	creation.payload_size = sizeof(planting->envelope);
	creation.lifetime = LIFETIME;
	creation.views = 1;
	creation.attempts = 3;
	if (secret_create(&planting->site, arena, &creation) != 0 ||
	    creation.outcome != SECRET_OK)
		errx(EX_SOFTWARE, "a secret could not be made");
	arena_reset(arena);
}

static void
make_listed(struct planting *planting, struct arena *arena, long long number)
{
	static const char	 words[] = "what people write about a secret";
	const struct listing	 listing = {
		.account = planting->account, .hours = 7, .views = 1,
		.description = words, .description_size = strlen(words),
		.message = words, .message_size = strlen(words),
	};
	const struct secret_creation creation = {
		.kind = SECRET_SJCL, .listing = &listing,
	};
	struct secret_reading	 reading = {
		.kinds = SECRET_KINDS_ALL,
		.viewer = { "192.0.2.0", "Mozilla/5.0 (a browser)" },
	};

	make(planting, arena, &creation, number);
	if (number % 2 == 0)
		return;
	name_secret(planting->space, number, reading.token);
	if (secret_open(&planting->site, arena, &reading) != 0 ||
	    reading.outcome != SECRET_OK)
		errx(EX_SOFTWARE, "a secret could not be viewed");
	arena_reset(arena);
}

static void *
plant(void *argument)
{
	static const struct secret_creation creation = { .kind = SECRET_V2 };
	struct planting		*planting = argument;
	struct arena		*arena;
	long long		 number;

	if ((arena = arena_create()) == NULL)
		errx(EX_OSERR, "no memory");
	while ((number = atomic_fetch_add(&planting->next, 1)) <=
	    planting->count)
		if (planting->account == 0)
			make(planting, arena, &creation, number);
		else
			make_listed(planting, arena, number);
	arena_destroy(arena);
	return NULL;
}

static int64_t
number_of(const char *text)
{
	char		*end;
	long long	 number;

	errno = 0;
	number = strtoll(text, &end, 10);
	if (errno != 0 || end == text || *end != '\0' || number < 0 ||
	    number > 9999999)
		errx(EX_USAGE, "%s: 0 to 9999999", text);
	return number;
}

static int64_t
account_of(struct site *site, const char *name)
{
	struct store_account	 row;
	enum account_outcome	 outcome;

	if (account_find(site, name, &row, &outcome) != 0 ||
	    outcome != ACCOUNT_OK)
		errx(EX_DATAERR, "%s: no such account", name);
	return row.id;
}

int
main(int argc, char *argv[])
{
	static struct planting	 planting;
	struct conf		 conf;
	struct complaint	 error;
	pthread_t		 threads[THREADS];

	if (argc != 4 && argc != 5)
		errx(EX_USAGE, "usage: plant FILE SPACE COUNT [ACCOUNT]");
	planting.space = number_of(argv[2]);
	planting.count = number_of(argv[3]);
	atomic_init(&planting.next, 1);
	memset(planting.envelope, 'U', sizeof(planting.envelope));
	planting.envelope[0] = 2;
	if (sodium_init() == -1)
		errx(EX_SOFTWARE, "libsodium");
	if (conf_load(&conf, argv[1], &error) == -1)
		errx(EX_CONFIG, "%s", error.text);
	log_open("plant", (enum log_target)conf.log_target,
	    (enum log_level)conf.log_level);
	if (site_open(&planting.site, &conf, SITE_THREADS, &error) == -1)
		errx(EX_CONFIG, "%s", error.text);
	if (argc == 5)
		planting.account = account_of(&planting.site, argv[4]);
	for (size_t i = 0; i < THREADS; i++)
		if ((errno = pthread_create(&threads[i], NULL, plant,
		    &planting)) != 0)
			err(EX_OSERR, "pthread_create");
	for (size_t i = 0; i < THREADS; i++)
		(void)pthread_join(threads[i], NULL);
	site_close(&planting.site);
	conf_free(&conf);
	return 0;
}

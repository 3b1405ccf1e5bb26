/* SPDX-License-Identifier: ISC */

/*
 * How a site is made, asked and looked into below any interface.
 */

#include "sites.h"

#include <sys/stat.h>

#include <dirent.h>
#include <pthread.h>
#include <sodium.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/complaint.h"
#include "base/filelock.h"
#include "base/log.h"
#include "core/receipt.h"
#include "crypto/keyfile.h"
#include "crypto/keyring.h"
#include "stores.h"

#define HOUR 3600000

static void
remove_tree(const char *path)
{
	char		 name[768];
	struct dirent	*entry;
	DIR		*directory = opendir(path);

	while (directory != NULL && (entry = readdir(directory)) != NULL) {
		if (entry->d_name[0] == '.')
			continue;
		(void)snprintf(name, sizeof(name), "%s/%s", path,
		    entry->d_name);
		if (entry->d_type == DT_DIR)
			remove_tree(name);
		else
			(void)unlink(name);
	}
	if (directory != NULL)
		(void)closedir(directory);
	(void)rmdir(path);
}

/* The waits are long: many threads share few cores. */
static void
configure(struct sites *sites, const char *settings)
{
	struct complaint error;
	char		 path[512];
	FILE		*file;

	(void)snprintf(path, sizeof(path), "%s/oncelink.conf",
	    sites->directory);
	file = fopen(path, "w");
	assert_non_null(file);
	assert_true(fprintf(file, "state_dir = state\n"
	    "key_file = keys/server.key\nlog = stderr\nlog_level = error\n"
	    "kdf_passes = 1\nkdf_memory = 8M\nkdf_wait = 60s\n"
	    "%s%s", strstr(settings, "lock_wait") != NULL ? "" :
	    "lock_wait = 60s\n", settings) > 0);
	assert_int_equal(fclose(file), 0);
	if (conf_load(&sites->conf, path, &error) == -1)
		fail_msg("%s", error.text);
}

static void
start(struct sites *sites)
{
	struct complaint error;

	if (site_open(&sites->site, &sites->conf, sites->use, &error) == -1)
		fail_msg("%s", error.text);
	if (sites->use == SITE_THREADS)
		assert_int_equal(site_start(&sites->site), 0);
}

struct sites *
sites_open(const char *settings, enum site_use use)
{
	struct complaint	 error;
	struct sites		*sites;
	const char		*base = getenv("TMPDIR");
	char			 path[512];

	(void)unsetenv("SIGN_KEY");
	(void)unsetenv("MAX_EXPIRE");
	(void)unsetenv("PIN_SIZE");
	(void)unsetenv("PIN_ATTEMPTS");
	assert_true(sodium_init() >= 0);
	assert_int_equal(filelock_prepare(), 0);
	log_open("sites", LOG_TO_STDERR, LOG_LEVEL_ERROR);
	sites = calloc(1, sizeof(*sites));
	assert_non_null(sites);
	sites->use = use;
	(void)snprintf(sites->directory, sizeof(sites->directory),
	    "%s/oncelink-sites.XXXXXX", base == NULL ? P_tmpdir : base);
	assert_non_null(mkdtemp(sites->directory));
	(void)snprintf(path, sizeof(path), "%s/state", sites->directory);
	assert_int_equal(mkdir(path, 0700), 0);
	(void)snprintf(path, sizeof(path), "%s/keys", sites->directory);
	assert_int_equal(mkdir(path, 0700), 0);
	configure(sites, settings);
	if (keyfile_create(sites->conf.key_file, &error) == -1)
		fail_msg("%s", error.text);
	if (store_create(sites->conf.state_dir, &error) == -1)
		fail_msg("%s", error.text);
	start(sites);
	sites->arena = arena_create();
	assert_non_null(sites->arena);
	return sites;
}

void
sites_close(struct sites *sites)
{
	arena_destroy(sites->arena);
	site_close(&sites->site);
	conf_free(&sites->conf);
	remove_tree(sites->directory);
	free(sites);
}

void
sites_restart(struct sites *sites, const char *settings)
{
	site_close(&sites->site);
	conf_free(&sites->conf);
	configure(sites, settings);
	start(sites);
}

void
sites_sql(struct sites *sites, const char *format, ...)
{
	sqlite3	*database;
	va_list	 arguments;
	char	*sql, path[512], *error = NULL;

	site_close(&sites->site);
	va_start(arguments, format);
	sql = sqlite3_vmprintf(format, arguments);
	va_end(arguments);
	assert_non_null(sql);
	(void)snprintf(path, sizeof(path), "%s/oncelink.db",
	    sites->conf.state_dir);
	assert_int_equal(sqlite3_open_v2(path, &database,
	    SQLITE_OPEN_READWRITE, NULL), SQLITE_OK);
	if (sqlite3_exec(database, sql, NULL, NULL, &error) != SQLITE_OK)
		fail_msg("%s: %s", sql, error);
	assert_true(sqlite3_total_changes(database) > 0);
	assert_int_equal(sqlite3_close(database), SQLITE_OK);
	sqlite3_free(sql);
	start(sites);
}

int64_t
sites_now(void)
{
	struct timespec	 now;

	(void)clock_gettime(CLOCK_REALTIME, &now);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

void
sites_await(int64_t time)
{
	while (sites_now() <= time)
		(void)nanosleep(&(struct timespec){ .tv_nsec = 1000000 },
		    NULL);
}

void
sites_draw(struct sites_secret *secret, size_t size)
{
	*secret = (struct sites_secret){ .payload_size = size };
	randombytes_buf(secret->token, sizeof(secret->token));
	randombytes_buf(secret->receipt, sizeof(secret->receipt));
	randombytes_buf(secret->gate, sizeof(secret->gate));
	randombytes_buf(secret->wrong, sizeof(secret->wrong));
	randombytes_buf(secret->claims, sizeof(secret->claims));
	secret->payload = malloc(size);
	assert_non_null(secret->payload);
	randombytes_buf(secret->payload, size);
	secret->creation = (struct secret_creation){
		.token_given = true, .kind = SECRET_V2,
		.payload = secret->payload, .payload_size = size,
		.lifetime = HOUR, .views = 1, .attempts = 3,
	};
	memcpy(secret->creation.token, secret->token, TOKEN_BYTES);
}

void
sites_drop(struct sites_secret *secret)
{
	free(secret->payload);
	secret->payload = NULL;
}

void
sites_gate(struct sites_secret *secret)
{
	secret->creation.proof.gate = secret->gate;
}

void
sites_pin(struct sites_secret *secret)
{
	secret->creation.kind = SECRET_SAFESECRETS;
	secret->creation.proof.pin = SITES_PIN;
	secret->creation.proof.pin_length = strlen(SITES_PIN);
}

enum secret_outcome
sites_create(struct sites *sites, struct sites_secret *secret)
{
	struct secret_creation *creation = &secret->creation;

	/* Not in sites_draw: the structure may have been copied since. */
	creation->receipt = secret->receipt;
	if (creation->proof.gate != NULL)
		creation->proof.gate = secret->gate;
	assert_int_equal(secret_create(&sites->site, sites->arena, creation),
	    0);
	arena_reset(sites->arena);
	return creation->outcome;
}

int
sites_ask(struct sites *sites, const struct sites_secret *secret,
    const struct secret_proof *proof)
{
	int	 result;

	sites->reading = (struct secret_reading){
		.kinds = SECRET_KINDS_ALL, .proof = *proof,
	};
	memcpy(sites->reading.token, secret->token, TOKEN_BYTES);
	result = secret_open(&sites->site, sites->arena, &sites->reading);
	if (result == 0 && sites->reading.outcome == SECRET_OK) {
		assert_int_equal(sites->reading.payload_size,
		    secret->payload_size);
		assert_memory_equal(sites->reading.payload, secret->payload,
		    secret->payload_size);
	} else
		assert_null(sites->reading.payload);
	sites->reading.payload = NULL;
	arena_reset(sites->arena);
	return result;
}

enum secret_outcome
sites_read(struct sites *sites, const struct sites_secret *secret,
    const uint8_t *claim, const uint8_t *gate)
{
	struct secret_proof proof = { .claim = claim, .gate = gate };

	assert_int_equal(sites_ask(sites, secret, &proof), 0);
	return sites->reading.outcome;
}

enum secret_outcome
sites_read_pin(struct sites *sites, const struct sites_secret *secret,
    const char *pin)
{
	struct secret_proof proof = {
		.pin = pin, .pin_length = strlen(pin),
	};

	assert_int_equal(sites_ask(sites, secret, &proof), 0);
	return sites->reading.outcome;
}

enum secret_outcome
sites_peek(struct sites *sites, const struct sites_secret *secret,
    const uint8_t *claim)
{
	sites->reading = (struct secret_reading){
		.kinds = SECRET_KINDS_ALL, .proof.claim = claim,
	};
	memcpy(sites->reading.token, secret->token, TOKEN_BYTES);
	assert_int_equal(secret_peek(&sites->site, &sites->reading), 0);
	return sites->reading.outcome;
}

void
sites_ack(struct sites *sites, const struct sites_secret *secret,
    const uint8_t *claim)
{
	assert_int_equal(secret_ack(&sites->site, secret->token, claim), 0);
}

struct secret_facts
sites_receipt(struct sites *sites, const struct sites_secret *secret)
{
	struct secret_facts facts;
	enum secret_outcome outcome;

	assert_int_equal(receipt_peek(&sites->site, secret->receipt, &outcome,
	    &facts), 0);
	assert_int_equal(outcome, SECRET_OK);
	return facts;
}

/* What the transactions below carry. */
struct work {
	uint8_t	 lookup[SEAL_LOOKUPBYTES];
	uint8_t	 claim[SEAL_HASHBYTES];
	int64_t	 until;
	bool	 found;
	struct store_secret row;
	struct store_stats stats;
};

static int
find(struct store_txn *txn, void *argument)
{
	struct work	*work = argument;
	int		 result;

	result = store_secret_find(txn, work->lookup, &work->row);
	work->found = result == 0;
	return result == -1 ? -1 : 0;
}

static int
count(struct store_txn *txn, void *argument)
{
	struct work	*work = argument;

	return store_stats(txn, &work->stats);
}

static int
write_row(struct store_txn *txn, void *argument)
{
	struct work	*work = argument;

	return store_secret_update(txn, &work->row);
}

static int
put_claim(struct store_txn *txn, void *argument)
{
	struct work	*work = argument;

	return store_claim_put(txn, work->lookup, work->claim, work->until);
}

bool
sites_has_row(struct sites *sites, const struct sites_secret *secret)
{
	struct work	 work;

	seal_lookup(sites->site.keyring, secret->token, work.lookup);
	assert_int_equal(store_view(sites->site.store, find, &work), 0);
	return work.found;
}

struct store_secret
sites_row(struct sites *sites, const struct sites_secret *secret)
{
	struct work	 work;

	seal_lookup(sites->site.keyring, secret->token, work.lookup);
	assert_int_equal(store_view(sites->site.store, find, &work), 0);
	assert_true(work.found);
	return work.row;
}

void
sites_write(struct sites *sites, const struct store_secret *row)
{
	struct work	 work = { .row = *row };

	assert_int_equal(store_update(sites->site.store, write_row, &work), 0);
}

void
sites_end_claim(struct sites *sites, const struct sites_secret *secret,
    const uint8_t *claim, int64_t until)
{
	struct work	 work = { .until = until };

	seal_lookup(sites->site.keyring, secret->token, work.lookup);
	seal_claim(sites->site.keyring, work.lookup, claim, work.claim);
	assert_int_equal(store_update(sites->site.store, put_claim, &work), 0);
}

int64_t
sites_records(struct sites *sites)
{
	struct work	 work;

	assert_int_equal(store_view(sites->site.store, count, &work), 0);
	return work.stats.records;
}

int64_t
sites_claims(struct sites *sites)
{
	struct work	 work;

	assert_int_equal(store_view(sites->site.store, count, &work), 0);
	return work.stats.claims;
}

int64_t
sites_miscounts(struct sites *sites)
{
	sqlite3	*database;
	int64_t	 value;

	database = stores_raw(sites->conf.state_dir);
	value = stores_number(database, "SELECT count(*) FROM account WHERE"
	    " listed <> (SELECT count(*) FROM listing WHERE listing.account ="
	    " account.id) OR requested <> (SELECT count(*) FROM"
	    " secret_request WHERE secret_request.account = account.id)");
	assert_int_equal(sqlite3_close(database), SQLITE_OK);
	return value;
}

struct racer {
	struct site	*site;
	pthread_barrier_t *line;
	struct arena	*arena;
	struct secret_reading reading;
	int		 result;
	pthread_t	 thread;
};

static void *
race(void *argument)
{
	struct racer	*racer = argument;

	(void)pthread_barrier_wait(racer->line);
	racer->result = secret_open(racer->site, racer->arena,
	    &racer->reading);
	return NULL;
}

void
sites_race(struct sites *sites, const struct sites_secret *secret,
    const struct secret_proof proofs[SITES_RACERS],
    int outcomes[SECRET_OUTCOME__MAX])
{
	pthread_barrier_t	 line;
	struct racer		*racers;

	memset(outcomes, 0, SECRET_OUTCOME__MAX * sizeof(outcomes[0]));
	racers = calloc(SITES_RACERS, sizeof(*racers));
	assert_non_null(racers);
	assert_int_equal(pthread_barrier_init(&line, NULL, SITES_RACERS), 0);
	for (int i = 0; i < SITES_RACERS; i++) {
		racers[i].site = &sites->site;
		racers[i].line = &line;
		racers[i].arena = arena_create();
		assert_non_null(racers[i].arena);
		racers[i].reading.kinds = SECRET_KINDS_ALL;
		racers[i].reading.proof = proofs[i];
		memcpy(racers[i].reading.token, secret->token, TOKEN_BYTES);
		assert_int_equal(pthread_create(&racers[i].thread, NULL, race,
		    &racers[i]), 0);
	}
	for (int i = 0; i < SITES_RACERS; i++)
		assert_int_equal(pthread_join(racers[i].thread, NULL), 0);
	for (int i = 0; i < SITES_RACERS; i++) {
		assert_int_equal(racers[i].result, 0);
		outcomes[racers[i].reading.outcome]++;
		if (racers[i].reading.outcome == SECRET_OK) {
			assert_int_equal(racers[i].reading.payload_size,
			    secret->payload_size);
			assert_memory_equal(racers[i].reading.payload,
			    secret->payload, secret->payload_size);
		} else
			assert_null(racers[i].reading.payload);
		arena_destroy(racers[i].arena);
	}
	(void)pthread_barrier_destroy(&line);
	free(racers);
}

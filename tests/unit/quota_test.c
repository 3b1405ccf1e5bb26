/* SPDX-License-Identifier: ISC */

/* Who counts as one client, how much one may make, and what is left of it. */

#include <sys/file.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "sites.h"
#include "stores.h"

#include "base/arena.h"
#include "core/receipt.h"
#include "core/sweep.h"
#include "store/store.h"

#define SECOND	((int64_t)1000)
#define HOUR	(3600 * SECOND)
#define DAY	(24 * HOUR)
#define HALF	(HOUR / 2)

#define SOMEBODY "192.0.2.77"

static int64_t	 frozen;	/* where the clock stands, ms since 1970 */

/* In place of the C library's, so that no hour ends while a test counts. */
int
clock_gettime(clockid_t id, struct timespec *now)
{
	int	 result = (int)syscall(SYS_clock_gettime, id, now);

	if (id != CLOCK_REALTIME || result != 0)
		return result;
	now->tv_sec = (time_t)(frozen / SECOND);
	now->tv_nsec = (long)(frozen % SECOND) * 1000000;
	return 0;
}

static bool	 no_room;

/* In place of the C library's: the database is written to by pwrite64. */
ssize_t
pwrite(int fd, const void *bytes, size_t size, off_t offset)
{
	if (no_room) {
		errno = ENOSPC;
		return -1;
	}
	return pwrite64(fd, bytes, size, offset);
}

/* Half past noon of today. */
static struct sites *
open_sites(const char *settings, enum site_use use)
{
	struct timespec	 now;

	syscall(SYS_clock_gettime, CLOCK_REALTIME, &now);
	frozen = now.tv_sec * SECOND / DAY * DAY + 12 * HOUR + HALF;
	return sites_open(settings, use);
}

/* One secret of that client; the outcome, and how long it is that. */
static enum secret_outcome
make(struct sites *sites, const char *client, size_t size, int64_t *wait)
{
	struct sites_secret	 secret;
	enum secret_outcome	 outcome;

	sites_draw(&secret, size);
	secret.creation.client = client;
	outcome = sites_create(sites, &secret);
	assert_true(sites_has_row(sites, &secret) == (outcome == SECRET_OK));
	if (wait != NULL)
		*wait = secret.creation.wait;
	sites_drop(&secret);
	return outcome;
}

static enum secret_outcome
make_one(struct sites *sites, const char *client)
{
	return make(sites, client, SITES_SMALL, NULL);
}

/* The one number that a question gives. */
static int
number(const struct sites *sites, const char *sql)
{
	sqlite3	*db = stores_raw(sites->conf.state_dir);
	int	 result = stores_number(db, sql);

	sqlite3_close(db);
	return result;
}

static struct sweep_result
sweep(struct sites *sites)
{
	struct sweep_result	 result;

	assert_int_equal(sweep_run(&sites->site, &result), 0);
	return result;
}

static void
so_many_an_hour(void **state)
{
	struct sites	*sites = open_sites("client_secrets = 3\n",
			    SITE_SINGLE);
	int64_t		 wait;

	(void)state;
	for (int i = 0; i < 3; i++)
		assert_int_equal(make_one(sites, SOMEBODY), SECRET_OK);
	assert_int_equal(make(sites, SOMEBODY, SITES_SMALL, &wait),
	    SECRET_TOO_MANY);
	assert_int_equal(wait, HALF);
	/* Who was refused is not put off by that. */
	for (int i = 0; i < 10; i++)
		assert_int_equal(make_one(sites, SOMEBODY), SECRET_TOO_MANY);
	assert_int_equal(number(sites, "SELECT secrets FROM quota"), 3);
	assert_int_equal(make_one(sites, "192.0.2.78"), SECRET_OK);
	/* Another process counts on. */
	sites_restart(sites, "client_secrets = 3\n");
	assert_int_equal(make_one(sites, SOMEBODY), SECRET_TOO_MANY);
	sites_restart(sites, "client_secrets = 4\n");
	assert_int_equal(make_one(sites, SOMEBODY), SECRET_OK);
	assert_int_equal(make_one(sites, SOMEBODY), SECRET_TOO_MANY);
	frozen += HALF - 1;
	assert_int_equal(make(sites, SOMEBODY, SITES_SMALL, &wait),
	    SECRET_TOO_MANY);
	assert_int_equal(wait, 1);
	frozen += 1;
	assert_int_equal(make_one(sites, SOMEBODY), SECRET_OK);
	sites_close(sites);
}

static void
any_number_without_limits(void **state)
{
	struct sites	*sites = open_sites("client_secrets = 0\n"
			    "client_bytes = 0\n", SITE_SINGLE);

	(void)state;
	for (int i = 0; i < 5; i++)
		assert_int_equal(make_one(sites, SOMEBODY), SECRET_OK);
	/* Nothing is kept that nobody needs. */
	assert_int_equal(number(sites, "SELECT count(*) FROM quota"), 0);
	sites_restart(sites, "client_secrets = 1\nclient_bytes = 0\n");
	assert_int_equal(make_one(sites, SOMEBODY), SECRET_OK);
	assert_int_equal(make_one(sites, SOMEBODY), SECRET_TOO_MANY);
	sites_close(sites);
}

static void
so_much_an_hour(void **state)
{
	struct sites	*sites = open_sites("client_bytes = 1K\n",
			    SITE_SINGLE);
	size_t		 half = 512 - SEAL_OVERHEAD;

	(void)state;
	assert_int_equal(make(sites, SOMEBODY, half, NULL), SECRET_OK);
	assert_int_equal(make(sites, SOMEBODY, half + 1, NULL),
	    SECRET_TOO_MANY);
	assert_int_equal(make(sites, SOMEBODY, half, NULL), SECRET_OK);
	assert_int_equal(make(sites, SOMEBODY, 1, NULL), SECRET_TOO_MANY);
	assert_int_equal(number(sites, "SELECT bytes FROM quota"), 1024);
	/* One that is larger than that is the only one. */
	assert_int_equal(make(sites, "192.0.2.78", 5000, NULL), SECRET_OK);
	assert_int_equal(make(sites, "192.0.2.78", 1, NULL),
	    SECRET_TOO_MANY);
	sites_close(sites);
}

/* Whether the second is the same client as the first, by these settings. */
static bool
are_one(const char *settings, const char *first, const char *second)
{
	struct sites	*sites;
	char		 lines[128];
	bool		 one;

	(void)snprintf(lines, sizeof(lines), "client_secrets = 1\n%s",
	    settings);
	sites = open_sites(lines, SITE_SINGLE);
	assert_int_equal(make_one(sites, first), SECRET_OK);
	one = make_one(sites, second) == SECRET_TOO_MANY;
	sites_close(sites);
	return one;
}

static void
networks_are_clients(void **state)
{
	static const struct {
		const char	*settings, *first, *second;
		bool		 one;
	} rows[] = {
		{ "", SOMEBODY, SOMEBODY, true },
		{ "", SOMEBODY, "192.0.2.76", false },
		{ "", SOMEBODY, "::ffff:192.0.2.77", true },
		{ "", "2001:db8:1:200::1", "2001:db8:1:2ff:9::9", true },
		{ "", "2001:db8:1:200::1", "2001:db8:1:300::1", false },
		{ "client_ipv4_bits = 24\n", SOMEBODY, "192.0.2.1", true },
		{ "client_ipv4_bits = 24\n", SOMEBODY, "192.0.3.77", false },
		{ "client_ipv4_bits = 31\n", SOMEBODY, "192.0.2.76", true },
		{ "client_ipv4_bits = 31\n", SOMEBODY, "192.0.2.78", false },
		{ "client_ipv6_bits = 128\n", "2001:db8::1", "2001:db8::2",
		    false },
		{ "client_ipv6_bits = 64\n", "2001:db8::1", "2001:db8::2",
		    true },
		{ "client_ipv6_bits = 16\n", SOMEBODY, "198.51.100.1",
		    false },
		/* IPv4 behind a translator; not what is beside its prefix. */
		{ "", "64:ff9b::192.0.2.77", "64:ff9b::192.0.2.76", false },
		{ "", "64:ff9b::192.0.2.77", SOMEBODY, true },
		{ "client_ipv4_bits = 24\n", "64:ff9b::192.0.2.77",
		    "64:ff9b::192.0.2.76", true },
		{ "", "64:ff9b:0:1::c000:24d", "64:ff9b:0:1::c000:24c",
		    true },
		/* Nobody in particular. */
		{ "", "", "", false },
		{ "", "unix:", "unix:", false },
		{ "", "127.0.0.1", "127.0.0.1", false },
		{ "", "127.9.9.9", "127.9.9.9", false },
		{ "", "::1", "::1", false },
		{ "", "::ffff:127.0.0.1", "::ffff:127.0.0.1", false },
		{ "trusted_proxies = 192.0.2.0/24\n", SOMEBODY, SOMEBODY,
		    false },
		{ "trusted_proxies = 192.0.3.0/24\n", SOMEBODY, SOMEBODY,
		    true },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		if (are_one(rows[i].settings, rows[i].first, rows[i].second)
		    != rows[i].one)
			fail_msg("%s%s, %s", rows[i].settings, rows[i].first,
			    rows[i].second);
}

static void
nobody_is_not_counted(void **state)
{
	struct sites	*sites = open_sites("client_secrets = 1\n",
			    SITE_SINGLE);

	(void)state;
	for (int i = 0; i < 3; i++)
		assert_int_equal(make_one(sites, NULL), SECRET_OK);
	assert_int_equal(number(sites, "SELECT count(*) FROM quota"), 0);
	sites_close(sites);
}

/* The same again is the same, whoever has made enough. */
static void
said_again_is_not_counted(void **state)
{
	struct sites		*sites = open_sites("client_secrets = 1\n",
				    SITE_SINGLE);
	struct sites_secret	 secret;
	int64_t			 expires_at;

	(void)state;
	sites_draw(&secret, SITES_SMALL);
	secret.creation.client = SOMEBODY;
	assert_int_equal(sites_create(sites, &secret), SECRET_OK);
	expires_at = secret.creation.expires_at;
	frozen += SECOND;
	for (int i = 0; i < 3; i++) {
		secret.creation.expires_at = 0;
		assert_int_equal(sites_create(sites, &secret), SECRET_OK);
		assert_int_equal(secret.creation.expires_at, expires_at);
	}
	assert_int_equal(number(sites, "SELECT secrets FROM quota"), 1);
	secret.payload[0] ^= 1;
	assert_int_equal(sites_create(sites, &secret), SECRET_EXISTS);
	sites_drop(&secret);
	sites_close(sites);
}

static int
refuse(struct store_txn *txn, const struct store_secret *row,
    enum secret_outcome *outcome, void *argument)
{
	(void)txn;
	if (row == NULL && argument == NULL)
		*outcome = SECRET_REFUSED;
	return row == NULL ? 0 : -1;
}

/* What was not made, for whatever reason, does not count. */
static void
failures_are_not_counted(void **state)
{
	struct sites		*sites = open_sites("client_secrets = 1\n",
				    SITE_SINGLE);
	struct sites_secret	 secret;

	(void)state;
	sites_draw(&secret, SITES_SMALL);
	secret.creation.client = SOMEBODY;
	secret.creation.with = refuse;
	assert_int_equal(sites_create(sites, &secret), SECRET_REFUSED);
	secret.creation.with_argument = &secret;
	assert_int_equal(secret_create(&sites->site, sites->arena,
	    &secret.creation), STORE_FAILED);
	assert_int_equal(number(sites, "SELECT count(*) FROM quota"), 0);
	assert_int_equal(number(sites, "SELECT records FROM total"), 0);
	secret.creation.with = NULL;
	assert_int_equal(sites_create(sites, &secret), SECRET_OK);
	assert_int_equal(make_one(sites, SOMEBODY), SECRET_TOO_MANY);
	sites_drop(&secret);
	sites_close(sites);
}

/* Who made enough is told without a turn at Argon2id. */
static void
costs_no_stretching(void **state)
{
	struct sites		*sites = open_sites("client_secrets = 1\n",
				    SITE_SINGLE);
	struct sites_secret	 secret;
	char			 path[512];
	int			 fds[256], held;

	(void)state;
	assert_int_equal(make_one(sites, SOMEBODY), SECRET_OK);
	for (held = 0; held < 256; held++) {
		(void)snprintf(path, sizeof(path), "%s/kdf.%d",
		    sites->conf.state_dir, held);
		if ((fds[held] = open(path, O_RDWR | O_CLOEXEC)) == -1)
			break;
		assert_int_equal(flock(fds[held], LOCK_EX), 0);
	}
	assert_true(held > 0);
	sites_draw(&secret, SITES_SMALL);
	sites_pin(&secret);
	secret.creation.client = SOMEBODY;
	assert_int_equal(sites_create(sites, &secret), SECRET_TOO_MANY);
	assert_int_equal(secret.creation.wait, HALF);
	while (held-- > 0)
		assert_int_equal(close(fds[held]), 0);
	secret.creation.client = "192.0.2.78";
	assert_int_equal(sites_create(sites, &secret), SECRET_OK);
	sites_drop(&secret);
	sites_close(sites);
}

#define MAKERS 64

struct maker {
	struct sites		*sites;
	struct arena		*arena;
	pthread_barrier_t	*line;
	struct sites_secret	 secret;
	int			 result;
	pthread_t		 thread;
};

static void *
race(void *argument)
{
	struct maker	*maker = argument;

	(void)pthread_barrier_wait(maker->line);
	maker->result = secret_create(&maker->sites->site, maker->arena,
	    &maker->secret.creation);
	return NULL;
}

static void
exact_among_many(void **state)
{
	enum { ALLOWED = 20 };
	struct sites	*sites = open_sites("client_secrets = 20\n",
			    SITE_THREADS);
	struct maker	*makers = calloc(MAKERS, sizeof(*makers));
	pthread_barrier_t line;
	int		 made = 0;

	(void)state;
	assert_non_null(makers);
	assert_int_equal(pthread_barrier_init(&line, NULL, MAKERS), 0);
	for (int i = 0; i < MAKERS; i++) {
		makers[i] = (struct maker){ .sites = sites, .line = &line,
		    .arena = arena_create() };
		sites_draw(&makers[i].secret, SITES_SMALL);
		makers[i].secret.creation.client = SOMEBODY;
		assert_int_equal(pthread_create(&makers[i].thread, NULL,
		    race, &makers[i]), 0);
	}
	for (int i = 0; i < MAKERS; i++) {
		assert_int_equal(pthread_join(makers[i].thread, NULL), 0);
		assert_int_equal(makers[i].result, 0);
		made += makers[i].secret.creation.outcome == SECRET_OK;
		arena_destroy(makers[i].arena);
		sites_drop(&makers[i].secret);
	}
	(void)pthread_barrier_destroy(&line);
	free(makers);
	assert_int_equal(made, ALLOWED);
	assert_int_equal(number(sites, "SELECT secrets FROM quota"), ALLOWED);
	assert_int_equal(number(sites, "SELECT records FROM total"), ALLOWED);
	sites_close(sites);
}

static void
forgotten_after_the_hour(void **state)
{
	struct sites	*sites = open_sites("client_secrets = 1\n",
			    SITE_SINGLE);
	char		 client[32];

	(void)state;
	/* More than one slice of the sweeper's. */
	for (int i = 0; i < 300; i++) {
		(void)snprintf(client, sizeof(client), "10.1.%d.%d", i / 256,
		    i % 256);
		assert_int_equal(make_one(sites, client), SECRET_OK);
	}
	frozen += HALF - 1;
	sweep(sites);
	assert_int_equal(number(sites, "SELECT count(*) FROM quota"), 300);
	assert_int_equal(make_one(sites, "10.1.0.0"), SECRET_TOO_MANY);
	frozen += 1;
	/* Of the new hour, which stays. */
	assert_int_equal(make_one(sites, "10.1.0.0"), SECRET_OK);
	sweep(sites);
	assert_int_equal(number(sites, "SELECT count(*) FROM quota"), 1);
	assert_int_equal(make_one(sites, "10.1.0.0"), SECRET_TOO_MANY);
	sites_close(sites);
}

/* Time stands until a clock that was set back is there again; hours do not. */
static void
hours_go_on_behind_the_mark(void **state)
{
	struct sites		*sites = open_sites("client_secrets = 1\n",
				    SITE_SINGLE);
	struct sites_secret	 secret;

	(void)state;
	assert_int_equal(make_one(sites, NULL), SECRET_OK);
	frozen -= 2 * DAY;
	for (int hour = 0; hour < 3; hour++) {
		assert_int_equal(make_one(sites, SOMEBODY), SECRET_OK);
		frozen += SECOND;
		sites_draw(&secret, SITES_SMALL);
		secret.creation.client = SOMEBODY;
		assert_int_equal(sites_create(sites, &secret),
		    SECRET_TOO_MANY);
		assert_int_equal(secret.creation.wait, HALF - SECOND);
		sites_drop(&secret);
		frozen += HOUR - SECOND;
	}
	/* As long as all others they are known, and no longer. */
	sweep(sites);
	assert_int_equal(number(sites, "SELECT count(*) FROM quota"), 3);
	frozen += 2 * DAY;
	sweep(sites);
	assert_int_equal(number(sites, "SELECT count(*) FROM quota"), 0);
	sites_close(sites);
}

/* The row of the one client that there is. */
static int64_t
row_id(const struct sites *sites)
{
	sqlite3		*db = stores_raw(sites->conf.state_dir);
	sqlite3_stmt	*statement;
	int64_t		 id;

	assert_int_equal(stores_number(db, "SELECT count(*) FROM quota"), 1);
	assert_int_equal(sqlite3_prepare_v2(db, "SELECT id FROM quota", -1,
	    &statement, NULL), SQLITE_OK);
	assert_int_equal(sqlite3_step(statement), SQLITE_ROW);
	id = sqlite3_column_int64(statement, 0);
	sqlite3_finalize(statement);
	sqlite3_close(db);
	return id;
}

/* The same client cannot be told to be the same in another hour, nor can its
 * row be made again when the day is over: with the key file, and the clock
 * put back. */
static void
nobody_can_be_followed(void **state)
{
	struct sites	*sites = open_sites("client_secrets = 9\n",
			    SITE_SINGLE);
	int64_t		 noon = frozen, first, second, third;

	(void)state;
	assert_int_equal(make_one(sites, SOMEBODY), SECRET_OK);
	first = row_id(sites);
	frozen = noon + HOUR;
	sweep(sites);
	assert_int_equal(make_one(sites, SOMEBODY), SECRET_OK);
	second = row_id(sites);
	assert_true(first != second);
	frozen = noon + DAY;
	assert_true(sweep(sites).keys >= 1);
	frozen = noon;
	sites_sql(sites, "UPDATE clock SET latest = %lld",
	    (long long)(noon - 1));
	assert_int_equal(make_one(sites, SOMEBODY), SECRET_OK);
	third = row_id(sites);
	assert_true(third != first && third != second);
	sites_close(sites);
}

/* Is it in any file of the state directory? */
static bool
is_stored(const struct sites *sites, const void *bytes, size_t size)
{
	static const char *const names[] = { "oncelink.db",
	    "oncelink.db-wal" };
	char	 path[512], *text;
	FILE	*file;
	size_t	 length;
	bool	 found = false;

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		(void)snprintf(path, sizeof(path), "%s/%s",
		    sites->conf.state_dir, names[i]);
		if ((file = fopen(path, "r")) == NULL)
			continue;
		assert_int_equal(fseek(file, 0, SEEK_END), 0);
		length = (size_t)ftell(file);
		rewind(file);
		text = malloc(length + 1);
		assert_non_null(text);
		assert_int_equal(fread(text, 1, length, file), length);
		found |= memmem(text, length, bytes, size) != NULL;
		free(text);
		(void)fclose(file);
	}
	return found;
}

static void
no_address_is_stored(void **state)
{
	static const char *const six = "2001:db8:7777:5500::";
	struct sites	*sites = open_sites("", SITE_SINGLE);
	uint8_t		 network[16];
	struct in_addr	 four;

	(void)state;
	assert_int_equal(make_one(sites, SOMEBODY), SECRET_OK);
	assert_int_equal(make_one(sites, six), SECRET_OK);
	assert_int_equal(number(sites, "SELECT count(*) FROM quota"), 2);
	assert_false(is_stored(sites, SOMEBODY, strlen(SOMEBODY)));
	assert_int_equal(inet_pton(AF_INET, SOMEBODY, &four), 1);
	memset(network, 0xff, sizeof(network));
	memcpy(network + 2, &four, sizeof(four));
	assert_false(is_stored(sites, network, 6));
	assert_int_equal(inet_pton(AF_INET6, six, network), 1);
	assert_false(is_stored(sites, network, 7));
	/* It would be found. */
	sites_sql(sites, "INSERT INTO clock VALUES (1, 0) ON CONFLICT DO "
	    "UPDATE SET latest = latest; CREATE TABLE t (a); INSERT INTO t "
	    "VALUES ('" SOMEBODY "')");
	assert_true(is_stored(sites, SOMEBODY, strlen(SOMEBODY)));
	sites_close(sites);
}

/* Only what waits counts; what ended makes room, however it ended. */
static void
so_many_at_a_time(void **state)
{
	struct sites		*sites = open_sites("max_secrets = 3\n",
				    SITE_SINGLE);
	struct sites_secret	 secrets[3], more;
	struct secret_facts	 facts;
	enum secret_outcome	 outcome;

	(void)state;
	for (int i = 0; i < 3; i++) {
		sites_draw(&secrets[i], SITES_SMALL);
		if (i == 2)
			secrets[i].creation.lifetime = HALF;
		assert_int_equal(sites_create(sites, &secrets[i]), SECRET_OK);
	}
	sites_draw(&more, SITES_SMALL);
	for (int ends = 0; ends < 3; ends++) {
		assert_int_equal(secret_create(&sites->site, sites->arena,
		    &more.creation), STORE_FULL);
		assert_int_equal(sites_create(sites, &secrets[2]), SECRET_OK);
		if (ends == 0)
			assert_int_equal(sites_read(sites, &secrets[0], NULL,
			    NULL), SECRET_OK);
		else if (ends == 1) {
			assert_int_equal(receipt_burn(&sites->site,
			    secrets[1].receipt, &outcome, &facts), 0);
			assert_int_equal(outcome, SECRET_OK);
		} else {
			frozen += HALF;
			sweep(sites);
		}
		assert_int_equal(sites_create(sites, &more), SECRET_OK);
		assert_int_equal(number(sites, "SELECT records FROM total"),
		    3);
		sites_drop(&more);
		sites_draw(&more, SITES_SMALL);
	}
	sites_restart(sites, "max_secrets = 0\n");
	assert_int_equal(sites_create(sites, &more), SECRET_OK);
	for (int i = 0; i < 3; i++)
		sites_drop(&secrets[i]);
	sites_drop(&more);
	sites_close(sites);
}

/* Changes the database beside the store that is open. */
static void
beside(const struct sites *sites, const char *sql)
{
	sqlite3	*db = stores_raw(sites->conf.state_dir);

	assert_int_equal(sqlite3_exec(db, sql, NULL, NULL, NULL), SQLITE_OK);
	sqlite3_close(db);
}

/* What was stored without its count is counted as soon as that can be. */
static void
counts_catch_up(void **state)
{
	static const char	 fails[] = "CREATE TRIGGER no BEFORE UPDATE ON"
				    " total BEGIN SELECT RAISE(ABORT, 'no');"
				    " END";
	static const char	 total[] = "SELECT records FROM total";
	struct sites		*sites = open_sites("max_secrets = 3\n",
				    SITE_SINGLE);
	struct sites_secret	 secrets[3];

	(void)state;
	for (int i = 0; i < 3; i++)
		sites_draw(&secrets[i], SITES_SMALL);
	beside(sites, fails);
	for (int i = 0; i < 2; i++)
		assert_int_equal(sites_create(sites, &secrets[i]), SECRET_OK);
	assert_int_equal(number(sites, total), 0);
	beside(sites, "DROP TRIGGER no");
	assert_int_equal(make_one(sites, NULL), SECRET_OK);
	assert_int_equal(number(sites, total), 3);

	/* Who counts knows it before it is written. */
	assert_int_equal(secret_create(&sites->site, sites->arena,
	    &secrets[2].creation), STORE_FULL);
	beside(sites, fails);
	assert_int_equal(sites_read(sites, &secrets[0], NULL, NULL),
	    SECRET_OK);
	assert_int_equal(sites_create(sites, &secrets[2]), SECRET_OK);
	assert_int_equal(sites_read(sites, &secrets[1], NULL, NULL),
	    SECRET_OK);
	assert_int_equal(number(sites, total), 3);

	/* And who ends. */
	beside(sites, "DROP TRIGGER no");
	sites_restart(sites, "");
	assert_int_equal(number(sites, total), 2);
	assert_int_equal(number(sites, "SELECT count(*) FROM record"), 2);
	for (int i = 0; i < 3; i++)
		sites_drop(&secrets[i]);
	sites_close(sites);
}

/* What is there before there was a count is counted. */
static void
older_stores_are_counted(void **state)
{
	struct sites	*sites = open_sites("", SITE_SINGLE);

	(void)state;
	for (int i = 0; i < 4; i++)
		assert_int_equal(make_one(sites, NULL), SECRET_OK);
	sites_sql(sites, "DELETE FROM total; DROP TABLE total;"
	    "DROP TABLE quota;"
	    "PRAGMA user_version = 3");
	assert_int_equal(number(sites, "SELECT records FROM total"), 4);
	assert_int_equal(make_one(sites, NULL), SECRET_OK);
	assert_int_equal(number(sites, "SELECT records FROM total"), 5);
	sites_close(sites);
}

/* Numbers that cannot be are our failure, and nobody's quota. */
static void
damage_is_no_number(void **state)
{
	struct sites		*sites = open_sites("", SITE_SINGLE);
	struct sites_secret	 secret;

	(void)state;
	assert_int_equal(make_one(sites, SOMEBODY), SECRET_OK);
	sites_draw(&secret, SITES_SMALL);
	secret.creation.client = SOMEBODY;
	sites_sql(sites, "UPDATE quota SET secrets = -1");
	assert_int_equal(secret_create(&sites->site, sites->arena,
	    &secret.creation), STORE_FAILED);
	sites_sql(sites, "UPDATE quota SET secrets = 1, bytes = -1");
	assert_int_equal(secret_create(&sites->site, sites->arena,
	    &secret.creation), STORE_FAILED);
	sites_sql(sites, "UPDATE quota SET bytes = 1");
	assert_int_equal(sites_create(sites, &secret), SECRET_OK);
	/* How many there are in all is no reason to stop: their size is. */
	sites_sql(sites, "UPDATE total SET records = -5");
	assert_int_equal(make_one(sites, NULL), SECRET_OK);
	sites_sql(sites, "DELETE FROM total");
	assert_int_equal(make_one(sites, NULL), SECRET_OK);
	assert_int_equal(sites_read(sites, &secret, NULL, NULL), SECRET_OK);
	sites_drop(&secret);
	sites_close(sites);
}

/* Also by who finds no room for the key of a day, to seal with or to count. */
static void
full_disks_are_said(void **state)
{
	struct sites		*sites = open_sites("", SITE_THREADS);
	struct sites_secret	 secret;

	(void)state;
	no_room = true;
	sites_draw(&secret, SITES_SMALL);
	assert_int_equal(secret_create(&sites->site, sites->arena,
	    &secret.creation), STORE_FULL);
	secret.creation.client = SOMEBODY;
	assert_int_equal(secret_create(&sites->site, sites->arena,
	    &secret.creation), STORE_FULL);
	no_room = false;
	assert_int_equal(sites_create(sites, &secret), SECRET_OK);
	sites_drop(&secret);
	/* Of a day that has none yet. */
	no_room = true;
	sites_draw(&secret, SITES_SMALL);
	secret.creation.lifetime = 20 * DAY;
	assert_int_equal(secret_create(&sites->site, sites->arena,
	    &secret.creation), STORE_FULL);
	secret.creation.lifetime = HOUR;
	assert_int_equal(sites_create(sites, &secret), SECRET_OK);
	no_room = false;
	sites_drop(&secret);
	sites_close(sites);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(so_many_an_hour),
		cmocka_unit_test(any_number_without_limits),
		cmocka_unit_test(so_much_an_hour),
		cmocka_unit_test(networks_are_clients),
		cmocka_unit_test(nobody_is_not_counted),
		cmocka_unit_test(said_again_is_not_counted),
		cmocka_unit_test(failures_are_not_counted),
		cmocka_unit_test(costs_no_stretching),
		cmocka_unit_test(exact_among_many),
		cmocka_unit_test(forgotten_after_the_hour),
		cmocka_unit_test(hours_go_on_behind_the_mark),
		cmocka_unit_test(nobody_can_be_followed),
		cmocka_unit_test(no_address_is_stored),
		cmocka_unit_test(so_many_at_a_time),
		cmocka_unit_test(counts_catch_up),
		cmocka_unit_test(older_stores_are_counted),
		cmocka_unit_test(damage_is_no_number),
		cmocka_unit_test(full_disks_are_said),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}

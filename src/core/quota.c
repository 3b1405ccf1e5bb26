/* SPDX-License-Identifier: ISC */
/*
 * Who counts as one client, and how much one may make.  What is stored of a
 * client is a keyed hash that is another each hour, made with a key that is
 * destroyed at the end of the day: it says that somebody made so many, never
 * who, nor who that was before.
 */
#include "core/quota.h"

#include <arpa/inet.h>
#include <string.h>

#include "base/clock.h"
#include "base/conf.h"
#include "base/log.h"
#include "core/day.h"
#include "core/site.h"
#include "crypto/epoch.h"
#include "crypto/keyring.h"
#include "store/store.h"

#define HOUR		((int64_t)3600 * 1000)	/* ms */
#define MAPPED_BITS	96	/* before an IPv4 address as IPv6 */

static bool
is_loopback(const struct in6_addr *address)
{
	return IN6_IS_ADDR_LOOPBACK(address) ||
	    (IN6_IS_ADDR_V4MAPPED(address) && address->s6_addr[12] == 127);
}

/* An address as IPv6; false when it is none. */
static bool
read_address(const char *text, struct in6_addr *address)
{
	struct in_addr	 four;

	if (inet_pton(AF_INET6, text, address) == 1)
		return true;
	if (inet_pton(AF_INET, text, &four) != 1)
		return false;
	*address = (struct in6_addr){ .s6_addr = { [10] = 0xff, 0xff } };
	memcpy(address->s6_addr + 12, &four, sizeof(four));
	return true;
}

static void
clear_behind(struct in6_addr *address, unsigned int bits)
{
	for (unsigned int i = bits; i < 128; i++)
		address->s6_addr[i / 8] &= (uint8_t)~(0x80u >> i % 8);
}

/* An IPv4 client that a translator hands on to an IPv6 server (RFC 6052): under
 * that prefix is all of IPv4, and every address in it is somebody else's. */
static void
undo_translation(struct in6_addr *address)
{
	static const uint8_t	 translated[12] = { 0, 0x64, 0xff, 0x9b };
	static const uint8_t	 mapped[12] = { [10] = 0xff, 0xff };

	if (memcmp(address->s6_addr, translated, sizeof(translated)) == 0)
		memcpy(address->s6_addr, mapped, sizeof(mapped));
}

/*
 * The network that stands for a client; false for nobody.  Behind a proxy on
 * this machine, or one that does not say for whom it asks, everybody has the
 * same address: counted together one of them could lock out all others.
 */
static bool
find_network(const struct conf *conf, const char *text,
    struct in6_addr *network)
{
	if (text == NULL || !read_address(text, network) ||
	    is_loopback(network) || conf_trusts(conf, text))
		return false;
	undo_translation(network);
	clear_behind(network, (unsigned int)(IN6_IS_ADDR_V4MAPPED(network) ?
	    MAPPED_BITS + conf->client_ipv4_bits : conf->client_ipv6_bits));
	return true;
}

int
quota_begin(struct site *site, const char *address, int64_t now,
    size_t bytes, struct quota *quota)
{
	const struct conf *conf = site->conf;
	struct epochs	*epochs = keyring_epochs(site->keyring);
	struct in6_addr	 network;
	uint8_t		 day[EPOCH_KEYBYTES];
	int64_t		 hour, wall = clock_wall();
	uint32_t	 epoch;
	int		 failure;

	*quota = (struct quota){ .bytes = bytes };
	if ((conf->client_secrets == 0 && conf->client_bytes == 0) ||
	    !find_network(conf, address, &network))
		return 0;
	/* Behind the mark time stands, and so would the hour: whoever made
	 * enough would wait for days. */
	hour = (wall < now ? wall : now) / HOUR;
	quota->ends_at = (hour + 1) * HOUR;
	quota->due_at = (now / HOUR + 1) * HOUR;
	epoch = epoch_of(now);
	failure = day_key(site, epoch);
	if (failure != 0)
		return failure;
	if (epoch_key(epochs, epoch, day) == -1) {
		log_event(LOG_REQUEST_FAILED, LOG_TEXT("where", "keys"),
		    LOG_TEXT("reason", "the key of a day is gone"));
		return STORE_FAILED;
	}
	seal_client(site->keyring, day, hour, network.s6_addr, quota->hash);
	explicit_bzero(day, sizeof(day));
	quota->counted = true;
	return 0;
}

int
quota_allows(struct store_txn *txn, const struct site *site,
    const struct quota *quota, int64_t *wait)
{
	const struct conf *conf = site->conf;
	struct store_quota made;
	struct store_clock clock;
	int		 result;

	if (!quota->counted)
		return 0;
	/* The first of an hour may be of any size: a secret that is larger
	 * than client_bytes is one an hour, not none ever. */
	result = store_quota_find(txn, quota->hash, &made);
	if (result != 0)
		return result == 1 ? 0 : -1;
	store_clock(txn, &clock);
	*wait = quota->ends_at - clock.wall;
	return (conf->client_secrets != 0 &&
	    made.secrets >= conf->client_secrets) ||
	    (conf->client_bytes != 0 &&
	    made.bytes > conf->client_bytes - (int64_t)quota->bytes) ? 1 : 0;
}

int
quota_count(struct store_txn *txn, const struct quota *quota)
{
	return quota->counted ? store_quota_add(txn, quota->hash,
	    quota->due_at, quota->bytes) : 0;
}

int
quota_is_full(struct store_txn *txn, const struct site *site)
{
	int64_t	 records;

	if (site->conf->max_secrets == 0)
		return 0;
	if (store_records(txn, &records) == -1)
		return -1;
	return records >= site->conf->max_secrets ? 1 : 0;
}

int
quota_sweep(struct store_txn *txn, size_t limit, size_t *count)
{
	return store_quota_forget(txn, store_now(txn), limit, count);
}

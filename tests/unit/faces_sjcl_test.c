/* SPDX-License-Identifier: ISC */
/*
 * Secrets of password.link's clients on our own interface, where their links
 * are opened: button, message, password, and work to prove.
 */

#include "sealed.h"

#include <sodium.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "crypto/captcha.h"
#include "crypto/seal.h"
#include "secrets.h"

#define PAYLOAD								\
	"{\"ciphertext\":\"" SEALED_OBJECT				\
	"\",\"password_part_private\":\"" SEALED_PART "\"}"

/* A secret by its id on our own interface, and two claims. */
struct link {
	char	 id[SEALED_ID_SIZE];
	char	 token[SECRETS_ID_SIZE];
	char	 claim[SECRETS_ID_SIZE];
	char	 other[SECRETS_ID_SIZE];
};

static void
make(struct sealed *sealed, const char *members, struct link *link)
{
	uint8_t	 token[TOKEN_BYTES];

	sealed_make(sealed, members, link->id);
	assert_true(token_from_base62(token, link->id, strlen(link->id)));
	faces_base64url(token, sizeof(token), link->token);
	faces_random(TOKEN_BYTES, link->claim);
	faces_random(TOKEN_BYTES, link->other);
}

static int
peek(struct sealed *sealed, const struct link *link, const char *claim)
{
	return faces_post(sealed->faces, SECRETS_PEEK,
	    "{\"id\":\"%s\",\"claim\":\"%s\"}", link->token, claim);
}

static int
open_link(struct sealed *sealed, const struct link *link, const char *claim,
    const char *more)
{
	return faces_post(sealed->faces, SECRETS_OPEN,
	    "{\"id\":\"%s\",\"claim\":\"%s\"%s}", link->token, claim, more);
}

static void
is_payload(struct sealed *sealed)
{
	secrets_is_payload(sealed->faces, PAYLOAD, strlen(PAYLOAD));
}

static void
test_open(void **state)
{
	struct sealed	*sealed = *state;
	struct link	 link;

	make(sealed, ",\"message\":\"m \\\"\\n\xc3\xa9\",\"description\":"
	    "\"hidden\",\"view_button\":true,\"max_views\":2", &link);
	assert_int_equal(peek(sealed, &link, link.claim), 200);
	faces_says(sealed->faces, "kind", "sjcl");
	faces_says(sealed->faces, "view_button", "true");
	faces_says(sealed->faces, "captcha", "null");
	faces_says(sealed->faces, "gate", "false");
	faces_says(sealed->faces, "views_left", "2");
	assert_int_equal(open_link(sealed, &link, link.claim, ""), 200);
	faces_says(sealed->faces, "kind", "sjcl");
	faces_says(sealed->faces, "message", "m \"\n\xc3\xa9");
	assert_null(strstr(sealed->faces->body, "hidden"));
	is_payload(sealed);
	/* The claim opens again and is no view. */
	assert_int_equal(open_link(sealed, &link, link.claim, ""), 200);
	faces_says(sealed->faces, "message", "m \"\n\xc3\xa9");
	is_payload(sealed);
	sealed_list(sealed, sealed->private, "");
	sealed_says(sealed, "data/0/view_times", "1");
	assert_int_equal(sealed_count(sealed, "data/0/views"), 1);
	sealed_says(sealed, "data/0/views/0/viewed_by_ip", "192.0.2.0");

	assert_int_equal(open_link(sealed, &link, link.other, ""), 200);
	sealed_list(sealed, sealed->private, "");
	sealed_says(sealed, "data/0/view_times", "2");
	/* Somebody may still fetch it; then nobody. */
	assert_non_null(strstr(sealed->faces->body, "\"message\":\"m "));
	assert_int_equal(faces_post(sealed->faces, SECRETS_ACK,
	    "{\"id\":\"%s\",\"claim\":\"%s\"}", link.token, link.claim), 204);
	assert_int_equal(faces_post(sealed->faces, SECRETS_ACK,
	    "{\"id\":\"%s\",\"claim\":\"%s\"}", link.token, link.other), 204);
	sealed_list(sealed, sealed->private, "");
	sealed_says(sealed, "data/0/message", "null");
	sealed_says(sealed, "data/0/description", "hidden");
	assert_int_equal(open_link(sealed, &link, link.other, ""), 410);
}

static void
test_no_message(void **state)
{
	struct sealed	*sealed = *state;
	struct link	 link;

	make(sealed, "", &link);
	assert_int_equal(peek(sealed, &link, link.claim), 200);
	faces_says(sealed->faces, "view_button", "false");
	assert_int_equal(open_link(sealed, &link, link.claim, ""), 200);
	faces_says(sealed->faces, "message", "null");
}

/* The three other ways to end it: by its account, and by its password. */
static void
test_ends(void **state)
{
	struct sealed	*sealed = *state;
	struct link	 link;

	make(sealed, "", &link);
	assert_int_equal(open_link(sealed, &link, link.claim, ""), 200);
	assert_int_equal(sealed_delete(sealed, sealed->private, link.id),
	    200);
	assert_int_equal(open_link(sealed, &link, link.claim, ""), 410);
	make(sealed, "", &link);
	assert_int_equal(sealed_delete(sealed, sealed->private, link.id),
	    200);
	assert_int_equal(peek(sealed, &link, link.claim), 410);
	faces_says(sealed->faces, "state", "burned");

	make(sealed, ",\"password\":\"right\"", &link);
	assert_int_equal(peek(sealed, &link, link.claim), 200);
	faces_says(sealed->faces, "gate", "true");
	faces_says(sealed->faces, "attempts_left", "3");
	assert_int_equal(open_link(sealed, &link, link.claim, ""), 403);
	secrets_is_problem(sealed->faces, "pin-required");
	for (int left = 2; left >= 0; left--)
		assert_int_equal(open_link(sealed, &link, link.claim,
		    ",\"pin\":\"wrong\""), 403);
	faces_says(sealed->faces, "attempts_left", "0");
	assert_int_equal(open_link(sealed, &link, link.claim,
	    ",\"pin\":\"right\""), 410);
	faces_says(sealed->faces, "state", "locked");
}

/* The first number that solves a challenge, or the first that does not. */
static int64_t
number_of(const uint8_t salt[CAPTCHA_SALTBYTES], bool solved)
{
	crypto_hash_sha256_state state;
	uint8_t	 hash[crypto_hash_sha256_BYTES], digits[8];
	int64_t	 number = -1;
	bool	 zeros;

	do {
		number++;
		for (int i = 0; i < 8; i++)
			digits[i] = (uint8_t)(number >> (56 - 8 * i));
		crypto_hash_sha256_init(&state);
		crypto_hash_sha256_update(&state, salt, CAPTCHA_SALTBYTES);
		crypto_hash_sha256_update(&state, digits, sizeof(digits));
		crypto_hash_sha256_final(&state, hash);
		zeros = hash[0] == 0 && hash[1] == 0;
	} while (zeros != solved);
	return number;
}

/* The challenge of the last answer, solved or not, as a member of a call. */
static void
solve(struct sealed *sealed, bool solved, char *text, size_t size)
{
	uint8_t	 salt[CAPTCHA_SALTBYTES];
	char	 written[32], mac[64], expires_at[32];

	assert_int_equal(sealed_count(sealed, "captcha"), 4);
	sealed_says(sealed, "captcha/bits", "16");
	(void)snprintf(written, sizeof(written), "%s",
	    sealed_at(sealed, "captcha/salt"));
	(void)snprintf(mac, sizeof(mac), "%s", sealed_at(sealed,
	    "captcha/mac"));
	(void)snprintf(expires_at, sizeof(expires_at), "%s",
	    sealed_at(sealed, "captcha/expires_at"));
	assert_int_equal(sodium_base642bin(salt, sizeof(salt), written,
	    strlen(written), NULL, NULL, NULL,
	    sodium_base64_VARIANT_URLSAFE_NO_PADDING), 0);
	(void)snprintf(text, size, ",\"captcha\":{\"salt\":\"%s\",\"mac\":"
	    "\"%s\",\"bits\":16,\"expires_at\":%s,\"n\":%lld}", written, mac,
	    expires_at, (long long)number_of(salt, solved));
}

static void
test_captcha(void **state)
{
	struct sealed	*sealed = *state;
	struct link	 link, another;
	char		 unsolved[256], solved[256], foreign[256], both[320];

	make(sealed, ",\"captcha\":true,\"password\":\"right\"", &link);
	make(sealed, ",\"captcha\":true", &another);
	assert_int_equal(peek(sealed, &link, link.claim), 200);
	solve(sealed, false, unsolved, sizeof(unsolved));
	solve(sealed, true, solved, sizeof(solved));
	assert_int_equal(peek(sealed, &another, link.claim), 200);
	solve(sealed, true, foreign, sizeof(foreign));

	/* Without it nothing is judged, and nothing costs an attempt. */
	for (int i = 0; i < 4; i++)
		assert_int_equal(open_link(sealed, &link, link.claim,
		    ",\"pin\":\"wrong\""), 403);
	secrets_is_problem(sealed->faces, "captcha-required");
	assert_int_equal(open_link(sealed, &link, link.claim, unsolved), 403);
	secrets_is_problem(sealed->faces, "captcha-required");
	assert_int_equal(open_link(sealed, &link, link.claim, foreign), 403);
	secrets_is_problem(sealed->faces, "captcha-required");
	assert_int_equal(open_link(sealed, &link, link.claim, solved), 403);
	secrets_is_problem(sealed->faces, "pin-required");
	faces_says(sealed->faces, "attempts_left", "3");
	(void)snprintf(both, sizeof(both), "%s,\"pin\":\"wrong\"", solved);
	assert_int_equal(open_link(sealed, &link, link.claim, both), 403);
	faces_says(sealed->faces, "attempts_left", "2");
	(void)snprintf(both, sizeof(both), "%s,\"pin\":\"right\"", solved);
	assert_int_equal(open_link(sealed, &link, link.claim, both), 200);
	is_payload(sealed);

	/* A claim was got by it and needs none. */
	assert_int_equal(peek(sealed, &link, link.claim), 200);
	faces_says(sealed->faces, "captcha", "null");
	assert_int_equal(open_link(sealed, &link, link.claim,
	    ",\"pin\":\"right\""), 200);
	/* Without a view left nothing is asked of anybody. */
	assert_int_equal(open_link(sealed, &link, link.other, ""), 410);

	/* A key stands in for it. */
	assert_int_equal(sealed_get(sealed, sealed->public, another.id), 200);
}

/* A challenge of this server that was solved, but not in time. */
static void
test_late_captcha(void **state)
{
	struct sealed	*sealed = *state;
	struct site	*site = &sealed->faces->site;
	struct captcha	 captcha;
	struct link	 link;
	uint8_t		 token[TOKEN_BYTES], lookup[SEAL_LOOKUPBYTES];
	char		 salt[64], mac[64], text[256];

	make(sealed, ",\"captcha\":true", &link);
	assert_true(token_from_base62(token, link.id, strlen(link.id)));
	seal_lookup(site->keyring, token, lookup);
	for (int late = 1; late >= 0; late--) {
		captcha_make(site->keyring, lookup, time(NULL) -
		    (late ? CAPTCHA_LIFETIME : 0), &captcha);
		faces_base64url(captcha.salt, sizeof(captcha.salt), salt);
		faces_base64url(captcha.mac, sizeof(captcha.mac), mac);
		(void)snprintf(text, sizeof(text), ",\"captcha\":{\"salt\":"
		    "\"%s\",\"mac\":\"%s\",\"bits\":16,\"expires_at\":%lld,"
		    "\"n\":%lld}", salt, mac, (long long)captcha.expires_at,
		    (long long)number_of(captcha.salt, true));
		assert_int_equal(open_link(sealed, &link, link.claim, text),
		    late ? 403 : 200);
		if (late)
			secrets_is_problem(sealed->faces, "captcha-required");
	}
	is_payload(sealed);
}

static void
test_bad_captcha(void **state)
{
#define SALT	"\"salt\":\"" "AAAAAAAAAAAAAAAAAAAAAA" "\""
#define MAC	"\"mac\":\"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\""
#define REST	"\"bits\":16,\"expires_at\":1"
	static const char *const rows[] = {
		"null", "true", "[]", "\"x\"", "{}",
		"{" MAC "," REST ",\"n\":1}", "{" SALT "," REST ",\"n\":1}",
		"{" SALT "," MAC "," REST "}",
		"{" SALT "," MAC "," REST ",\"n\":-1}",
		"{" SALT "," MAC "," REST ",\"n\":9007199254740992}",
		"{" SALT "," MAC "," REST ",\"n\":\"1\"}",
		"{" SALT "," MAC "," REST ",\"n\":1,\"more\":1}",
		"{" SALT "," MAC ",\"bits\":256,\"expires_at\":1,\"n\":1}",
		"{" SALT "," MAC ",\"bits\":16,\"expires_at\":-1,\"n\":1}",
		"{\"salt\":\"AAAA\"," MAC "," REST ",\"n\":1}"
	};
	struct sealed	*sealed = *state;
	struct link	 link;
	char		 text[256];

	make(sealed, ",\"captcha\":true", &link);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		(void)snprintf(text, sizeof(text), ",\"captcha\":%s",
		    rows[i]);
		if (open_link(sealed, &link, link.claim, text) != 422)
			fail_msg("%s: %s", rows[i], sealed->faces->body);
		faces_says(sealed->faces, "field", "captcha");
	}
	assert_int_equal(open_link(sealed, &link, link.claim, ",\"captcha\":{"
	    SALT "," MAC "," REST ",\"n\":9007199254740991}"), 403);
	secrets_is_problem(sealed->faces, "captcha-required");
}

int
main(void)
{
	const struct CMUnitTest	 tests[] = {
#define SITE(test) cmocka_unit_test_setup_teardown(test, sealed_setup,	\
    sealed_teardown)
		SITE(test_open),
		SITE(test_no_message),
		SITE(test_ends),
		SITE(test_captcha),
		SITE(test_late_captcha),
		SITE(test_bad_captcha)
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}

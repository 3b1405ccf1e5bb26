/* SPDX-License-Identifier: ISC */

/* Every setting from every source; what is refused, where, and why. */

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/complaint.h"
#include "base/conf.h"
#include "base/log.h"

static char directory[4096];
static char path[4200];

static int
setup(void **state)
{
	static const char *const variables[] = {
		"SIGN_KEY", "MAX_EXPIRE", "PIN_SIZE", "PIN_ATTEMPTS",
		"ONCELINK_CONF"
	};
	const char *parent = getenv("TMPDIR");
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(variables) / sizeof(variables[0]); i++)
		(void)unsetenv(variables[i]);
	(void)snprintf(directory, sizeof(directory),
	    "%s/oncelink-conf-XXXXXX", parent != NULL ? parent : "/tmp");
	if (mkdtemp(directory) == NULL)
		return -1;
	(void)snprintf(path, sizeof(path), "%s/oncelink.conf", directory);
	return 0;
}

static int
teardown(void **state)
{
	(void)state;
	(void)unlink(path);
	return rmdir(directory);
}

static void
write_file(const char *text, size_t len)
{
	FILE *file;

	file = fopen(path, "w");
	assert_non_null(file);
	assert_int_equal(fwrite(text, 1, len, file), len);
	assert_int_equal(fclose(file), 0);
}

static void
load(struct conf *conf, const char *text)
{
	struct complaint error;

	write_file(text, strlen(text));
	if (conf_load(conf, path, &error) == -1)
		fail_msg("%.60s: %s", text, error.text);
}

/* The file is refused, and the error is FILE:LINE: and what is expected. */
static void
refuse_bytes(const char *text, size_t len, unsigned int line,
    const char *expected)
{
	struct conf conf;
	struct complaint error;
	char start[4300];

	write_file(text, len);
	if (conf_load(&conf, path, &error) == 0)
		fail_msg("taken: %.60s", text);
	(void)snprintf(start, sizeof(start), "%s:%u: ", path, line);
	if (strncmp(error.text, start, strlen(start)) != 0 ||
	    strstr(error.text, expected) == NULL)
		fail_msg("%.60s gives: %s", text, error.text);
	assert_null(conf.state_dir);
	assert_null(conf.origins);
}

static void
refuse(const char *text, unsigned int line, const char *expected)
{
	refuse_bytes(text, strlen(text), line, expected);
}

static void
test_defaults(void **state)
{
	struct conf conf;

	(void)state;
	load(&conf, "");
	assert_string_equal(conf.state_dir, ONCELINK_STATE_DIR);
	assert_string_equal(conf.key_file, ONCELINK_KEY_FILE);
	assert_string_equal(conf.site_name, "Oncelink");
	assert_string_equal(conf.path_prefix, "");
	assert_int_equal(conf.faces, CONF_FACE_SAFESECRETS |
	    CONF_FACE_ONETIME | CONF_FACE_PASSWORDLINK | CONF_FACE_NATIVE);
	assert_int_equal(conf.create, CONF_CREATE_ANYONE);
	assert_int_equal(conf.trusted_proxies_count, 0);
	assert_int_equal(conf.client_secrets, 1000);
	assert_int_equal(conf.client_bytes, 256 << 20);
	assert_int_equal(conf.client_ipv4_bits, 32);
	assert_int_equal(conf.client_ipv6_bits, 56);
	assert_int_equal(conf.max_secrets, 10000000);
	assert_int_equal(conf.threads, 32);
	assert_int_equal(conf.shutdown_wait, 10000);
	assert_int_equal(conf.lock_wait, 5000);
	assert_int_equal(conf.kdf_wait, 2000);
	assert_int_equal(conf.erase_delay, 1000);
	assert_int_equal(conf.max_store, 1 << 30);
	assert_int_equal(conf.kdf_passes, 2);
	assert_int_equal(conf.kdf_memory, 19 << 20);
	assert_int_equal(conf.max_message, 65536);
	assert_int_equal(conf.max_envelope, (10 << 20) + 4096);
	assert_int_equal(conf.max_ciphertext, 1 << 20);
	assert_int_equal(conf.max_attachment, 10 << 20);
	assert_int_equal(conf.viewer_addresses, CONF_ADDRESSES_TRUNCATED);
	assert_int_equal(conf.max_expire, 2592000000);
	assert_int_equal(conf.default_views, 1);
	assert_int_equal(conf.claim_time, 60000);
	assert_int_equal(conf.keep_receipts, 2592000000);
	assert_int_equal(conf.pin_size, 5);
	assert_int_equal(conf.pin_attempts, 3);
	assert_int_equal(conf.safesecrets_max_expire, 86400000);
	assert_int_equal(conf.log_target, LOG_TO_SYSLOG);
	assert_int_equal(conf.log_level, LOG_LEVEL_WARNING);
	assert_null(conf.sign_key);
	conf_free(&conf);
}

static void
test_values(void **state)
{
	struct conf conf;
	char place[4300];

	(void)state;
	load(&conf, "# comment\n; comment\n\n  \t\n"
	    "site_name = S\xc3\xa4kert; # = \xf0\x9f\x94\x91\r\n"
	    "\tpath_prefix=/once/a-b._~9\n"
	    "faces = native, onetime\ncreate = keys\n"
	    "state_dir = /srv/state\nkey_file = keys/server.key\n"
	    "client_secrets = 0\nclient_bytes = 0\n"
	    "threads=64\nshutdown_seconds = 1m30s\nlock_wait = 250ms\n"
	    "kdf_wait = 1s500ms\nerase_delay = 0\nmax_store = 16T\n"
	    "max_envelope = 12345\nmax_expire = 1d12h\n"
	    "claim_seconds = 0s\nkeep_receipts = 3650d\n"
	    "log = stderr\nlog_level = info");
	assert_string_equal(conf.site_name,
	    "S\xc3\xa4kert; # = \xf0\x9f\x94\x91");
	assert_string_equal(conf.path_prefix, "/once/a-b._~9");
	assert_int_equal(conf.faces, CONF_FACE_ONETIME | CONF_FACE_NATIVE);
	assert_int_equal(conf.create, CONF_CREATE_KEYS);
	assert_string_equal(conf.state_dir, "/srv/state");
	(void)snprintf(place, sizeof(place), "%s/keys/server.key", directory);
	assert_string_equal(conf.key_file, place);
	assert_int_equal(conf.threads, 64);
	assert_int_equal(conf.client_secrets, 0);
	assert_int_equal(conf.client_bytes, 0);
	assert_int_equal(conf.shutdown_wait, 90000);
	assert_int_equal(conf.lock_wait, 250);
	assert_int_equal(conf.kdf_wait, 1500);
	assert_int_equal(conf.erase_delay, 0);
	assert_int_equal(conf.max_store, (int64_t)16 << 40);
	assert_int_equal(conf.max_envelope, 12345);
	assert_int_equal(conf.max_expire, 129600000);
	assert_int_equal(conf.claim_time, 0);
	assert_int_equal(conf.keep_receipts, 315360000000);
	assert_int_equal(conf.log_target, LOG_TO_STDERR);
	assert_int_equal(conf.log_level, LOG_LEVEL_INFO);
	conf_free(&conf);
}

static void
test_refused(void **state)
{
	static const struct {
		const char	*text;
		unsigned int	 line;
		const char	*expected;
	} cases[] = {
		{ "threads = 0", 1, "threads: must be a whole number from 1"
		    " to 64" },
		{ "\n\nthreads = 65\n", 3, "threads" },
		{ "threads = 4.5", 1, "threads" },
		{ "threads = -1", 1, "threads" },
		{ "threads = +1", 1, "threads" },
		{ "threads = 0x10", 1, "threads" },
		{ "threads =", 1, "threads" },
		{ "threads = 4 ; four", 1, "threads" },
		{ "threads = 4\nthreads = 4\n", 2, "set only once" },
		{ "thread = 4", 1, "thread: there is no such setting" },
		{ "Threads = 4", 1, "no such setting" },
		{ "= 4", 1, "no name" },
		{ "threads 4", 1, "name = value" },
		{ "threads: 4", 1, "name = value" },
		{ "# c\nthreads: a = 4", 2, "name = value" },
		{ "\n[site]\nthreads = 4", 2, "sections" },
		{ "trusted_proxies = ::1\n  10.0.0.0/8\n", 2, "name = " },
		{ "\xef\xbb\xbfthreads = 4", 1, "no such setting" },
		{ "lock_wait = 99ms", 1, "from 100ms to 1m" },
		{ "lock_wait = 61", 1, "lock_wait" },
		{ "lock_wait = 5 s", 1, "lock_wait" },
		{ "lock_wait = 1s1s", 1, "lock_wait" },
		{ "lock_wait = 1ms1s", 1, "lock_wait" },
		{ "lock_wait = 1S", 1, "lock_wait" },
		{ "lock_wait = 1s2", 1, "lock_wait" },
		{ "lock_wait = s", 1, "lock_wait" },
		{ "lock_wait = 99999999999999999999", 1, "lock_wait" },
		{ "lock_wait = 9223372036854775807", 1, "lock_wait" },
		{ "lock_wait = 9223372036854775807d", 1, "lock_wait" },
		{ "keep_receipts = 106751991167d9223372036854775807ms", 1,
		    "keep_receipts" },
		/* These would be in the range again, modulo 2^64. */
		{ "lock_wait = 8825400613783079d", 1, "lock_wait" },
		{ "max_store = 16777217T", 1, "max_store" },
		{ "max_expire = 60s1ms", 1, "whole seconds" },
		{ "max_expire = 59s", 1, "from 1m to 3650d" },
		{ "max_store = 1023K", 1, "from 1M to 16T" },
		{ "max_store = 17T", 1, "max_store" },
		{ "max_store = 9999999999999999T", 1, "max_store" },
		{ "max_store = 2m", 1, "max_store" },
		{ "max_store = 2MB", 1, "max_store" },
		{ "kdf_memory = 7M", 1, "from 8M to 256M" },
		{ "site_name =", 1, "site_name" },
		{ "site_name = a\tb", 1, "site_name" },
		{ "site_name = \xc3", 1, "UTF-8" },
		{ "site_name = \xc0\x80", 1, "UTF-8" },
		{ "site_name = \xed\xa0\x80", 1, "UTF-8" },
		{ "site_name = \xf4\x90\x80\x80", 1, "UTF-8" },
		{ "site_name = \xc2\x85", 1, "control" },
		{ "path_prefix = once", 1, "path_prefix" },
		{ "path_prefix = /", 1, "path_prefix" },
		{ "path_prefix = /once/", 1, "path_prefix" },
		{ "path_prefix = //once", 1, "path_prefix" },
		{ "path_prefix = /a/../b", 1, "path_prefix" },
		{ "path_prefix = /a%20b", 1, "path_prefix" },
		{ "path_prefix = /a b", 1, "path_prefix" },
		{ "faces =", 1, "one or more of safesecrets, onetime, "
		    "passwordlink, native" },
		{ "viewer_addresses = some", 1, "full, truncated, none" },
		{ "max_ciphertext = 17M", 1, "from 1K to 16M" },
		{ "max_attachment = 65M", 1, "from 1K to 64M" },
		{ "faces = native native", 1, "faces" },
		{ "faces = nativ", 1, "faces" },
		{ "create = Anyone", 1, "one of anyone, keys, nobody" },
		{ "create = anyone keys", 1, "create" },
		{ "log = file", 1, "one of stderr, syslog" },
		{ "log_level = debug", 1, "error, warning, info" },
		{ "trusted_proxies = 10.0.0.1/8", 1, "trusted_proxies" },
		{ "trusted_proxies = 10.0.0.0/33", 1, "trusted_proxies" },
		{ "trusted_proxies = 10.0.0.0/", 1, "trusted_proxies" },
		{ "trusted_proxies = ::/129", 1, "trusted_proxies" },
		{ "trusted_proxies = localhost", 1, "trusted_proxies" },
		{ "trusted_proxies = 10.0.0", 1, "trusted_proxies" },
		{ "state_dir =", 1, "a path" },
		{ "max_store = 1M\n\nmax_envelope = 2M\n", 3, "max_store" },
	};
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		refuse(cases[i].text, cases[i].line, cases[i].expected);
	refuse_bytes("threads = 4\nlog = std\0err", 25, 2, "NUL");
	refuse_bytes("\0", 1, 1, "NUL");
}

static void
test_long_lines(void **state)
{
	struct conf conf;
	char text[4000];

	(void)state;
	/* 2,000 bytes are a line, with or without an end of the file. */
	memset(text, '#', sizeof(text));
	text[2000] = '\0';
	load(&conf, text);
	conf_free(&conf);
	(void)snprintf(text + 2000, 100, "\nthreads = 7\nthreads = x\n");
	refuse(text, 3, "threads");
	memset(text, '#', sizeof(text));
	text[2001] = '\0';
	refuse(text, 1, "2000");
	memset(text, '#', sizeof(text));
	memcpy(text, "threads = 7\n", 12);
	text[3999] = '\0';
	refuse(text, 2, "2000");
}

static void
test_networks(void **state)
{
	struct conf conf;
	char text[2000];
	size_t len;
	int i;

	(void)state;
	load(&conf, "trusted_proxies = 127.0.0.1,::1 10.0.0.0/8  "
	    "2001:db8::/33 192.168.4.0/30");
	assert_int_equal(conf.trusted_proxies_count, 5);
	assert_true(conf_trusts(&conf, "127.0.0.1"));
	assert_true(conf_trusts(&conf, "::ffff:127.0.0.1"));
	assert_false(conf_trusts(&conf, "127.0.0.2"));
	assert_true(conf_trusts(&conf, "::1"));
	assert_false(conf_trusts(&conf, "::2"));
	assert_true(conf_trusts(&conf, "10.255.0.9"));
	assert_false(conf_trusts(&conf, "11.0.0.0"));
	assert_true(conf_trusts(&conf, "2001:db8:7fff::1"));
	assert_false(conf_trusts(&conf, "2001:db8:8000::1"));
	assert_true(conf_trusts(&conf, "192.168.4.3"));
	assert_false(conf_trusts(&conf, "192.168.4.4"));
	assert_false(conf_trusts(&conf, ""));
	assert_false(conf_trusts(&conf, "unix:"));
	assert_false(conf_trusts(&conf, "10.0.0.1 "));
	assert_false(conf_trusts(&conf, "10.0.0.1:80"));
	conf_free(&conf);

	load(&conf, "trusted_proxies = 0.0.0.0/0");
	assert_true(conf_trusts(&conf, "203.0.113.5"));
	assert_false(conf_trusts(&conf, "2001:db8::1"));
	conf_free(&conf);

	load(&conf, "");
	assert_false(conf_trusts(&conf, "127.0.0.1"));
	conf_free(&conf);

	len = (size_t)snprintf(text, sizeof(text), "trusted_proxies =");
	for (i = 0; i < CONF_NETWORKS_MAX; i++)
		len += (size_t)snprintf(text + len, sizeof(text) - len,
		    " 10.0.0.%d", i);
	load(&conf, text);
	assert_int_equal(conf.trusted_proxies_count, CONF_NETWORKS_MAX);
	assert_true(conf_trusts(&conf, "10.0.0.31"));
	conf_free(&conf);
	(void)snprintf(text + len, sizeof(text) - len, " 10.0.0.99");
	refuse(text, 1, "up to 32");
}

static void
test_environment(void **state)
{
	struct conf conf;
	struct complaint error;
	char *value;

	(void)state;
	assert_int_equal(setenv("MAX_EXPIRE", "1h30m", 1), 0);
	assert_int_equal(setenv("PIN_SIZE", "7", 1), 0);
	assert_int_equal(setenv("PIN_ATTEMPTS", "2", 1), 0);
	load(&conf, "pin_size = 4\npin_attempts = 4\n");
	assert_int_equal(conf.safesecrets_max_expire, 5400000);
	assert_int_equal(conf.max_expire, 2592000000);
	assert_int_equal(conf.pin_size, 7);
	assert_int_equal(conf.pin_attempts, 2);
	conf_free(&conf);

	assert_int_equal(setenv("PIN_SIZE", "0", 1), 0);
	assert_int_equal(conf_load(&conf, path, &error), -1);
	assert_string_equal(error.text, "environment: PIN_SIZE: must be a "
	    "whole number from 1 to 100");
	assert_int_equal(setenv("PIN_SIZE", "", 1), 0);
	assert_int_equal(conf_load(&conf, path, &error), -1);
	assert_int_equal(unsetenv("PIN_SIZE"), 0);

	assert_int_equal(setenv("SIGN_KEY", "0123456789abcdef", 1), 0);
	value = getenv("SIGN_KEY");
	load(&conf, "");
	assert_string_equal(conf.sign_key, "0123456789abcdef");
	assert_null(getenv("SIGN_KEY"));
	assert_int_equal(value[0], 0);
	assert_int_equal(value[15], 0);
	conf_free(&conf);
	assert_null(conf.sign_key);

	/* Also when it is the file that is refused. */
	assert_int_equal(setenv("SIGN_KEY", "0123456789abcdef", 1), 0);
	refuse("nonsense", 1, "name = value");
	assert_null(getenv("SIGN_KEY"));
}

static void
test_places(void **state)
{
	struct conf conf;
	struct complaint error;

	(void)state;
	assert_int_equal(conf_load(&conf, path, &error), -1);
	assert_non_null(strstr(error.text, path));
	assert_int_equal(conf_load(&conf, directory, &error), -1);
	assert_non_null(strstr(error.text, directory));

	write_file("pin_size = 9\n", 13);
	assert_int_equal(setenv("ONCELINK_CONF", path, 1), 0);
	assert_int_equal(conf_load(&conf, NULL, &error), 0);
	assert_int_equal(conf.pin_size, 9);
	conf_free(&conf);

	/* A name that was given must be there. */
	assert_int_equal(unlink(path), 0);
	assert_int_equal(conf_load(&conf, NULL, &error), -1);
}

/* What is printed is a file that gives the same settings. */
static void
test_print(void **state)
{
	struct conf conf;
	char *first, *second, expected[4400];
	size_t len;
	FILE *out;

	(void)state;
	assert_int_equal(setenv("PIN_SIZE", "7", 1), 0);
	assert_int_equal(setenv("SIGN_KEY", "never shown to anybody", 1), 0);
	load(&conf, "# first\n"
	    "lock_wait = 1s250ms\nsite_name = ;#=\"x\"\n"
	    "max_envelope = 65537\nfaces = native\nerase_delay = 0\n"
	    "trusted_proxies = 10.0.0.0/8 ::1 2001:db8::/32\n");
	out = open_memstream(&first, &len);
	assert_non_null(out);
	conf_print(&conf, out);
	assert_int_equal(fclose(out), 0);
	conf_free(&conf);
	assert_null(strstr(first, "never shown"));
	(void)snprintf(expected, sizeof(expected),
	    "# from: %s:2\nlock_wait = 1s250ms\n", path);
	assert_non_null(strstr(first, expected));
	assert_non_null(strstr(first, "# from: environment\npin_size = 7\n"));
	assert_non_null(strstr(first, "# from: default\nkdf_memory = 19M\n"));
	assert_non_null(strstr(first, "\nmax_envelope = 65537\n"));
	assert_non_null(strstr(first, "\ntrusted_proxies = 10.0.0.0/8 ::1 "
	    "2001:db8::/32\n"));

	assert_int_equal(unsetenv("PIN_SIZE"), 0);
	load(&conf, first);
	out = open_memstream(&second, &len);
	assert_non_null(out);
	conf_print(&conf, out);
	assert_int_equal(fclose(out), 0);
	assert_string_equal(conf.site_name, ";#=\"x\"");
	assert_int_equal(conf.pin_size, 7);
	assert_int_equal(conf.lock_wait, 1250);
	assert_int_equal(conf.trusted_proxies_count, 3);
	conf_free(&conf);
	assert_null(strstr(second, "# from: default"));
	free(first);
	free(second);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_defaults, setup,
		    teardown),
		cmocka_unit_test_setup_teardown(test_values, setup, teardown),
		cmocka_unit_test_setup_teardown(test_refused, setup,
		    teardown),
		cmocka_unit_test_setup_teardown(test_long_lines, setup,
		    teardown),
		cmocka_unit_test_setup_teardown(test_networks, setup,
		    teardown),
		cmocka_unit_test_setup_teardown(test_environment, setup,
		    teardown),
		cmocka_unit_test_setup_teardown(test_places, setup,
		    teardown),
		cmocka_unit_test_setup_teardown(test_print, setup, teardown),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}

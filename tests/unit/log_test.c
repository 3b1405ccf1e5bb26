/* SPDX-License-Identifier: ISC */

/* A line of the log: its form, its escapes, its length, its one write. */

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/log.h"

static int ends[2];	/* a datagram socket: one write, one message */
static int saved;	/* standard error */

static int
setup(void **state)
{
	(void)state;
	if (socketpair(AF_UNIX, SOCK_SEQPACKET, 0, ends) == -1)
		return -1;
	saved = dup(STDERR_FILENO);
	if (saved == -1 || dup2(ends[1], STDERR_FILENO) == -1)
		return -1;
	log_open("test", LOG_TO_STDERR, LOG_LEVEL_INFO);
	return 0;
}

static int
teardown(void **state)
{
	(void)state;
	(void)dup2(saved, STDERR_FILENO);
	(void)close(saved);
	(void)close(ends[0]);
	(void)close(ends[1]);
	return 0;
}

/* The one message that was written, as a string; "" for none. */
static const char *
message(char text[4096])
{
	ssize_t n;

	n = recv(ends[0], text, 4095, MSG_DONTWAIT);
	text[n == -1 ? 0 : n] = '\0';
	return text;
}

static void
test_form(void **state)
{
	char text[4096];

	(void)state;
	log_write(LOG_WORKER_STOPPED, NULL);
	assert_string_equal(message(text), "test: event=worker-stopped\n");
	log_event(LOG_WORKER_STARTED, LOG_NUMBER("threads", 16));
	assert_string_equal(message(text),
	    "test: event=worker-started threads=16\n");
	log_event(LOG_STORE_FAILED, LOG_TEXT("where", "commit"),
	    LOG_NUMBER("code", INT64_MIN), LOG_NUMBER("errno", 5));
	assert_string_equal(message(text), "test: event=store-failed "
	    "where=commit code=-9223372036854775808 errno=5\n");
	assert_string_equal(message(text), "");
}

static void
test_no_program(void **state)
{
	char text[4096];

	(void)state;
	log_open(NULL, LOG_TO_STDERR, LOG_LEVEL_INFO);
	log_write(LOG_KDF_FAILED, NULL);
	assert_string_equal(message(text), "event=kdf-failed\n");
}

static void
test_escapes(void **state)
{
	char text[4096];

	(void)state;
	log_event(LOG_START_REFUSED, LOG_TEXT("reason",
	    "a\nb\r\t\x01\x1f\x7f\x80\xff\"\\~"));
	assert_string_equal(message(text), "test: event=start-refused "
	    "reason=a\\x0ab\\x0d\\x09\\x01\\x1f\\x7f\\x80\\xff\\\"\\\\~\n");
	log_event(LOG_START_REFUSED, LOG_TEXT("reason", "two words"),
	    LOG_TEXT("a", ""), LOG_TEXT("b", "x=1"));
	assert_string_equal(message(text), "test: event=start-refused "
	    "reason=\"two words\" a=\"\" b=\"x=1\"\n");
}

static void
test_cut(void **state)
{
	char text[4096], value[3000];
	size_t len, line;

	(void)state;
	for (len = 900; len < 1100; len++) {
		memset(value, 'v', len);
		value[len] = '\0';
		log_event(LOG_START_REFUSED, LOG_TEXT("reason", value));
		line = strlen(message(text));
		assert_in_range(line, 900, 1000);
		assert_int_equal(text[line - 1], '\n');
		assert_null(memchr(text, '\n', line - 1));
		if (line < strlen("test: event=start-refused reason=\n") +
		    len)
			assert_string_equal(text + line - 4, "...\n");
	}

	/* An escape is never halved. */
	for (len = 0; len < 4; len++) {
		memset(value, 'v', len);
		memset(value + len, '\n', 2000);
		value[len + 2000] = '\0';
		log_event(LOG_START_REFUSED, LOG_TEXT("reason", value),
		    LOG_TEXT("more", "text"));
		line = strlen(message(text));
		assert_in_range(line, 900, 1000);
		assert_string_equal(text + line - 8, "\\x0a...\n");
	}
	assert_string_equal(message(text), "");
}

static void
test_levels(void **state)
{
	char text[4096];

	(void)state;
	log_open("test", LOG_TO_STDERR, LOG_LEVEL_WARNING);
	assert_false(log_wants(LOG_SECRET_CREATED));
	assert_true(log_wants(LOG_STORE_BUSY));
	assert_false(log_wants(LOG_EVENT__MAX));
	log_write(LOG_SECRET_CREATED, NULL);
	assert_string_equal(message(text), "");
	log_write(LOG_STORE_BUSY, NULL);
	assert_string_not_equal(message(text), "");
	log_open("test", LOG_TO_STDERR, LOG_LEVEL_ERROR);
	log_write(LOG_STORE_BUSY, NULL);
	assert_string_equal(message(text), "");
	log_write(LOG_STORE_FAILED, NULL);
	assert_string_not_equal(message(text), "");
}

static void
test_names(void **state)
{
	char line[LOG_EVENT__MAX][4096];
	int i, k;

	(void)state;
	for (i = 0; i < LOG_EVENT__MAX; i++) {
		log_write((enum log_event)i, NULL);
		message(line[i]);
		assert_memory_equal(line[i], "test: event=", 12);
		assert_in_range(line[i][12], 'a', 'z');
		for (k = 0; k < i; k++)
			assert_string_not_equal(line[i], line[k]);
	}
}

static void
test_errno(void **state)
{
	char text[4096];

	(void)state;
	(void)shutdown(ends[0], SHUT_RD);
	errno = ENOTTY;
	log_write(LOG_NO_MEMORY, NULL);
	assert_int_equal(errno, ENOTTY);
	assert_string_equal(message(text), "");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_form, setup, teardown),
		cmocka_unit_test_setup_teardown(test_no_program, setup,
		    teardown),
		cmocka_unit_test_setup_teardown(test_escapes, setup,
		    teardown),
		cmocka_unit_test_setup_teardown(test_cut, setup, teardown),
		cmocka_unit_test_setup_teardown(test_levels, setup, teardown),
		cmocka_unit_test_setup_teardown(test_names, setup, teardown),
		cmocka_unit_test_setup_teardown(test_errno, setup, teardown),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: ISC */

/*
 * What goes back to the web server, wherever memory ends on the way: a whole
 * answer, or the short one that is always there.
 */

#include "faces.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../torture/faults.h"
#include "base/arena.h"
#include "web/cgi.h"

#define EMPTY_MAX	16384	/* bytes that one arena hands out at first */
#define STEP		16

/* A request, and the answer as the web server gets it. */
struct exchange {
	const char	*method;
	const char	*uri;
	char		 answer[65536];
	size_t		 size;
};

static const char *
variable(void *connection, const char *name, size_t before)
{
	const struct exchange *exchange = connection;

	if (before > 0)
		return NULL;
	if (strcmp(name, "REQUEST_METHOD") == 0)
		return exchange->method;
	return strcmp(name, "REQUEST_URI") == 0 ? exchange->uri : NULL;
}

static size_t
read_nothing(void *connection, void *bytes, size_t size)
{
	(void)connection;
	(void)bytes;
	(void)size;
	return 0;
}

static void
keep_answer(void *connection, const void *bytes, size_t size)
{
	struct exchange	*exchange = connection;

	if (size == 0)
		return;
	assert_true(size < sizeof(exchange->answer) - exchange->size);
	memcpy(exchange->answer + exchange->size, bytes, size);
	exchange->size += size;
	exchange->answer[exchange->size] = '\0';
}

/* Ask with no more memory than what an arena has left behind `taken' bytes.
 * Returns what cgi_handle does. */
static int
ask(struct faces *faces, struct exchange *exchange, size_t taken)
{
	struct cgi_transport transport = {
		variable, read_nothing, keep_answer, exchange
	};
	struct arena	*arena = arena_create();
	int		 result;

	assert_non_null(arena);
	assert_non_null(arena_alloc(arena, STEP));
	for (size_t i = 0; i < taken; i += STEP)
		assert_non_null(arena_alloc(arena, STEP));
	exchange->size = 0;
	faults_arm(FAULTS_MEMORY, 1, true);
	result = cgi_handle(&faces->app, &transport, arena);
	(void)faults_disarm();
	arena_destroy(arena);
	return result;
}

/* As long as its head says, and that with the headers that all have. */
static bool
is_whole(const struct exchange *exchange)
{
	const char	*end = strstr(exchange->answer, "\r\n\r\n");
	const char	*length = strstr(exchange->answer,
			    "\r\nContent-Length: ");
	size_t		 body;

	if (strncmp(exchange->answer, "Status: ", 8) != 0 || end == NULL ||
	    strstr(exchange->answer, "\r\nCache-Control: no-store\r\n") ==
	    NULL)
		return false;
	body = exchange->size - (size_t)(end + 4 - exchange->answer);
	if (length == NULL || strcmp(exchange->method, "HEAD") == 0)
		return body == 0;
	return strtoul(length + strlen("\r\nContent-Length: "), NULL, 10) ==
	    body;
}

static void
answers_whole_or_short(void **state)
{
	static const struct {
		const char	*method, *uri, *status;
	} cases[] = {
		{ "GET", "/api/v1/ping", "Status: 200 " },
		{ "HEAD", "/api/v1/ping", "Status: 200 " },
		{ "GET", "/api/v2/params", "Status: 200 " },
		{ "GET", "/api/v2/nothing", "Status: 404 " },
		{ "DELETE", "/api/v2/params", "Status: 405 " },
		{ "OPTIONS", "/api/secrets", "Status: 204 " },
	};
	static struct exchange exchange, normal;
	struct faces	*faces = faces_open("");
	unsigned int	 shorts, wholes;

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		normal.method = exchange.method = cases[i].method;
		normal.uri = exchange.uri = cases[i].uri;
		assert_int_equal(ask(faces, &normal, 0), 0);
		if (strncmp(normal.answer, cases[i].status,
		    strlen(cases[i].status)) != 0)
			fail_msg("%s %s: %s", cases[i].method, cases[i].uri,
			    normal.answer);
		shorts = wholes = 0;
		for (size_t taken = 0; taken < EMPTY_MAX; taken += STEP) {
			int	 result = ask(faces, &exchange, taken);
			bool	 is_short = strcmp(exchange.answer,
				    http_no_memory) == 0;

			/* -1 is told of the short one alone. */
			if (!is_whole(&exchange) || (result == -1) !=
			    is_short || (!is_short &&
			    strncmp(exchange.answer, "Status: 500 ", 12) !=
			    0 && strcmp(exchange.answer, normal.answer) != 0))
				fail_msg("%s %s, %zu taken: %d, %s",
				    cases[i].method, cases[i].uri, taken,
				    result, exchange.answer);
			shorts += is_short;
			wholes += strcmp(exchange.answer, normal.answer) == 0;
		}
		if (shorts == 0 || wholes == 0)
			fail_msg("%s %s: %u short, %u whole", cases[i].method,
			    cases[i].uri, shorts, wholes);
	}
	faces_close(faces);
}

/* The one request of a program that has no memory to begin with. */
static void
answers_without_an_arena(void **state)
{
	struct faces	*faces = faces_open("");
	char		 answer[1024];
	int		 ends[2], saved, result;
	ssize_t		 got;

	(void)state;
	assert_int_equal(fflush(stdout), 0);
	assert_int_equal(pipe(ends), 0);
	saved = dup(STDOUT_FILENO);
	assert_int_equal(dup2(ends[1], STDOUT_FILENO), STDOUT_FILENO);
	faults_arm(FAULTS_MEMORY, 1, true);
	result = cgi_serve(&faces->app);
	assert_true(faults_disarm());
	assert_int_equal(dup2(saved, STDOUT_FILENO), STDOUT_FILENO);
	(void)close(saved);
	(void)close(ends[1]);
	got = read(ends[0], answer, sizeof(answer) - 1);
	(void)close(ends[0]);
	assert_true(got > 0);
	answer[got] = '\0';
	assert_int_equal(result, -1);
	assert_string_equal(answer, http_no_memory);
	faces_close(faces);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(answers_whole_or_short),
		cmocka_unit_test(answers_without_an_arena),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}

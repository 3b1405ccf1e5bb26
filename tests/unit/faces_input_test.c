/* SPDX-License-Identifier: ISC */
/*
 * Bad input through the interfaces of SafeSecrets and One Time Secret App.
 */

#include "input.h"

#include <stdlib.h>
#include <string.h>

#define HEX	"00000000000000000000000000000000"

#define RUN(state, rows, form)						\
	input_rows(*(state), (rows), sizeof(rows) / sizeof((rows)[0]), (form))

#define PIN_OK	"\"pin\":\"12345\""
#define EXP_OK	"\"exp\":60"
#define TEXT_OK	"\"message\":\"x\""

static void
test_safesecrets(void **state)
{
	static const struct input_row	 rows[] = {
		{ "not JSON", MESSAGE, "hello", 400, NULL, 0, NULL },
		{ "cut", MESSAGE, "{\"message\":\"x\"", 400, NULL, 0, NULL },
		{ "array", MESSAGE, "[]", 400, NULL, 0, NULL },
		{ "null", MESSAGE, "null", 400, NULL, 0, NULL },
		{ "string", MESSAGE, "\"x\"", 400, NULL, 0, NULL },
		{ "trailing", MESSAGE, "{" TEXT_OK "," EXP_OK "," PIN_OK "}x",
		    400, NULL, 0, NULL },
		{ "single quotes", MESSAGE,
		    "{'message':'x'," EXP_OK "," PIN_OK "}", 400, NULL, 0,
		    NULL },
		{ "comment", MESSAGE, "{" TEXT_OK "," EXP_OK "," PIN_OK
		    "/* */}", 400, NULL, 0, NULL },
		{ "NUL byte", MESSAGE, "{" TEXT_OK "," EXP_OK "," PIN_OK
		    "}\0", 400, NULL,
		    sizeof("{" TEXT_OK "," EXP_OK "," PIN_OK "}"), NULL },
		{ "not UTF-8", MESSAGE, "{\"message\":\"\xff\"," EXP_OK ","
		    PIN_OK "}", 400, NULL, 0, NULL },
		{ "surrogate", MESSAGE, "{\"message\":\"\\ud800\"," EXP_OK ","
		    PIN_OK "}", 400, NULL, 0, NULL },
		{ "too deep", MESSAGE, "{\"a\":[[[[[[[[[[[[1]]]]]]]]]]]],"
		    TEXT_OK "," EXP_OK "," PIN_OK "}", 400, NULL, 0, NULL },
		{ "nothing", MESSAGE, "{}", 400, "message", 0, NULL },
		{ "no message", MESSAGE, "{" EXP_OK "," PIN_OK "}", 400,
		    "message", 0, NULL },
		{ "no exp", MESSAGE, "{" TEXT_OK "," PIN_OK "}", 400, "exp",
		    0, NULL },
		{ "no pin", MESSAGE, "{" TEXT_OK "," EXP_OK "}", 400, "pin",
		    0, NULL },
		{ "repeated", MESSAGE, "{" TEXT_OK "," TEXT_OK "," EXP_OK ","
		    PIN_OK "}", 400, NULL, 0, NULL },
		{ "repeated stranger", MESSAGE, "{\"a\":1,\"a\":1," TEXT_OK ","
		    EXP_OK "," PIN_OK "}", 400, NULL, 0, NULL },
		{ "message of wrong type", MESSAGE, "{\"message\":1," EXP_OK
		    "," PIN_OK "}", 400, "message", 0, NULL },
		{ "message null", MESSAGE, "{\"message\":null," EXP_OK ","
		    PIN_OK "}", 400, "message", 0, NULL },
		{ "exp a string", MESSAGE, "{" TEXT_OK ",\"exp\":\"60\","
		    PIN_OK "}", 400, "exp", 0, NULL },
		{ "exp not whole", MESSAGE, "{" TEXT_OK ",\"exp\":1.5,"
		    PIN_OK "}", 400, "exp", 0, NULL },
		{ "exp 0", MESSAGE, "{" TEXT_OK ",\"exp\":0," PIN_OK "}", 400,
		    "86400", 0, NULL },
		{ "exp negative", MESSAGE, "{" TEXT_OK ",\"exp\":-60," PIN_OK
		    "}", 400, "86400", 0, NULL },
		{ "exp too long", MESSAGE, "{" TEXT_OK ",\"exp\":86401,"
		    PIN_OK "}", 400, "86400", 0, NULL },
		{ "exp huge", MESSAGE, "{" TEXT_OK
		    ",\"exp\":99999999999999999999999," PIN_OK "}", 400,
		    "86400", 0, NULL },
		{ "exp NaN", MESSAGE, "{" TEXT_OK ",\"exp\":NaN," PIN_OK "}",
		    400, NULL, 0, NULL },
		{ "pin a number", MESSAGE, "{" TEXT_OK "," EXP_OK
		    ",\"pin\":12345}", 400, "pin", 0, NULL },
		{ "pin empty", MESSAGE, "{" TEXT_OK "," EXP_OK ",\"pin\":\"\"}",
		    400, "5 characters", 0, NULL },
		{ "pin short", MESSAGE, "{" TEXT_OK "," EXP_OK
		    ",\"pin\":\"1234\"}", 400, "5 characters", 0, NULL },
		{ "pin long", MESSAGE, "{" TEXT_OK "," EXP_OK
		    ",\"pin\":\"123456\"}", 400, "5 characters", 0, NULL },
		{ "pin of 5 bytes", MESSAGE, "{" TEXT_OK "," EXP_OK
		    ",\"pin\":\"\xc3\xa5\xc3\xa5" "1\"}", 400, "5 characters",
		    0, NULL },

		{ "no UUID", MESSAGE "/x/12345", NULL, 400,
		    "message expired or deleted", 0, NULL },
		{ "UUID in braces", MESSAGE
		    "/%7bf1acfe04-277f-4016-518d-16c312ab84b5%7d/12345", NULL,
		    400, "message expired or deleted", 0, NULL },
		{ "UUID without dashes", MESSAGE "/" HEX "/12345", NULL, 400,
		    "message expired or deleted", 0, NULL },
		{ "UUID and NUL", MESSAGE
		    "/f1acfe04-277f-4016-518d-16c312ab84b5%00/12345", NULL,
		    400, "message expired or deleted", 0, NULL },
		{ "no PIN", MESSAGE "/f1acfe04-277f-4016-518d-16c312ab84b5",
		    NULL, 404, NULL, 0, NULL },
		{ "one segment more", MESSAGE
		    "/f1acfe04-277f-4016-518d-16c312ab84b5/12345/x", NULL,
		    404, NULL, 0, NULL },
		{ "no hex", MESSAGE "/%zz/12345", NULL, 404, NULL, 0, NULL },
		{ "unknown", "/api/v1/messages", NULL, 404, NULL, 0, NULL },
		{ "slash behind", "/api/v1/params/", NULL, 404, NULL, 0,
		    NULL },
		{ "two slashes", "/api/v1//params", NULL, 404, NULL, 0, NULL },
		{ "dots", "/api/v1/message/../params", NULL, 400, "pin", 0,
		    NULL },
		{ "slash in code", "/api/v1/params%2f", NULL, 404, NULL, 0,
		    NULL },
		{ "NUL in code", "/api/v1/params%00", NULL, 404, NULL, 0,
		    NULL },
		{ "only the prefix", "/api/v1", NULL, 404, NULL, 0, NULL }
	};

	RUN(state, rows, input_safesecrets);
	input_transport(*state, MESSAGE, FACES_JSON,
	    "{" TEXT_OK "," EXP_OK "," PIN_OK "}", input_safesecrets);
	input_methods(*state, MESSAGE, "POST, OPTIONS", input_safesecrets);
	input_methods(*state, MESSAGE "/x/12345", "GET, OPTIONS",
	    input_safesecrets);
	input_methods(*state, "/api/v1/params", "GET, HEAD, OPTIONS",
	    input_safesecrets);
}

#define MISSING_BOTH	"Missing passphrase and/or message"
#define MISSING_ONE	"\"Missing passphrase\""
#define BOTH_OK		"\"message\":\"x\",\"passphrase\":\"p\""

static void
test_onetime(void **state)
{
	static const struct input_row	 rows[] = {
		{ "not JSON", SECRETS, "hello", 400, MISSING_BOTH, 0, NULL },
		{ "array", SECRETS, "[]", 400, MISSING_BOTH, 0, NULL },
		{ "nothing", SECRETS, "{}", 400, MISSING_BOTH, 0, NULL },
		{ "not UTF-8", SECRETS, "{\"message\":\"\xc0\x80\","
		    "\"passphrase\":\"p\"}", 400, MISSING_BOTH, 0, NULL },
		{ "form", SECRETS, "{" BOTH_OK "}", 400, MISSING_BOTH, 0,
		    "application/x-www-form-urlencoded" },
		{ "text", SECRETS, "{" BOTH_OK "}", 400, MISSING_BOTH, 0,
		    "text/plain" },
		{ "no type", SECRETS, "{" BOTH_OK "}", 400, MISSING_BOTH, 0,
		    "" },
		{ "no message", SECRETS, "{\"passphrase\":\"p\"}", 400,
		    MISSING_BOTH, 0, NULL },
		{ "no passphrase", SECRETS, "{\"message\":\"x\"}", 400,
		    MISSING_BOTH, 0, NULL },
		{ "empty message", SECRETS,
		    "{\"message\":\"\",\"passphrase\":\"p\"}", 400,
		    MISSING_BOTH, 0, NULL },
		{ "empty passphrase", SECRETS,
		    "{\"message\":\"x\",\"passphrase\":\"\"}", 400,
		    MISSING_BOTH, 0, NULL },
		{ "message a number", SECRETS,
		    "{\"message\":1,\"passphrase\":\"p\"}", 400,
		    MISSING_BOTH, 0, NULL },
		{ "passphrase null", SECRETS,
		    "{\"message\":\"x\",\"passphrase\":null}", 400,
		    MISSING_BOTH, 0, NULL },
		{ "repeated", SECRETS, "{" BOTH_OK ",\"message\":\"y\"}", 400,
		    "more than once", 0, NULL },
		{ "time 0", SECRETS, "{" BOTH_OK ",\"expiration_time\":0}",
		    400, "expiration_time", 0, NULL },
		{ "time negative", SECRETS, "{" BOTH_OK
		    ",\"expiration_time\":-1}", 400, "2592000", 0, NULL },
		{ "time too long", SECRETS, "{" BOTH_OK
		    ",\"expiration_time\":2592001}", 400, "2592000", 0, NULL },
		{ "time too long, in digits", SECRETS, "{" BOTH_OK
		    ",\"expiration_time\":\"2592001\"}", 400, "2592000", 0,
		    NULL },
		{ "time no digits", SECRETS, "{" BOTH_OK
		    ",\"expiration_time\":\"1 day\"}", 400, "expiration_time",
		    0, NULL },
		{ "time empty", SECRETS, "{" BOTH_OK
		    ",\"expiration_time\":\"\"}", 400, "expiration_time", 0,
		    NULL },
		{ "time with a sign", SECRETS, "{" BOTH_OK
		    ",\"expiration_time\":\"+60\"}", 400, "expiration_time",
		    0, NULL },
		{ "time not whole", SECRETS, "{" BOTH_OK
		    ",\"expiration_time\":60.5}", 400, "expiration_time", 0,
		    NULL },
		{ "time a list", SECRETS, "{" BOTH_OK
		    ",\"expiration_time\":[60]}", 400, "expiration_time", 0,
		    NULL },
		{ "other family", "/api/secrets", "{}", 400, MISSING_BOTH, 0,
		    NULL },
		{ "other family, no type", "/api/secrets", "x", 400,
		    MISSING_BOTH, 0, "" },

		{ "read: not JSON", SECRETS "/" HEX, "x", 400, MISSING_ONE, 0,
		    NULL },
		{ "read: form", SECRETS "/" HEX, "{\"passphrase\":\"p\"}",
		    400, MISSING_ONE, 0, "text/plain" },
		{ "read: nothing", SECRETS "/" HEX, "{}", 400, MISSING_ONE, 0,
		    NULL },
		{ "read: a number", SECRETS "/" HEX, "{\"passphrase\":1}",
		    400, MISSING_ONE, 0, NULL },
		{ "read: empty", "/api/secrets/" HEX, "{\"passphrase\":\"\"}",
		    400, MISSING_ONE, 0, NULL },
		{ "read: repeated", SECRETS "/" HEX,
		    "{\"passphrase\":\"p\",\"passphrase\":\"p\"}", 400,
		    "more than once", 0, NULL },
		{ "read: unknown", SECRETS "/" HEX, "{\"passphrase\":\"p\"}",
		    404, "already read", 0, NULL },
		{ "read: short", SECRETS "/0", "{\"passphrase\":\"p\"}", 404,
		    "already read", 0, NULL },
		{ "read: empty id", SECRETS "/", "{\"passphrase\":\"p\"}",
		    404, "already read", 0, NULL },
		{ "read: no hex", SECRETS "/g0000000000000000000000000000000",
		    "{\"passphrase\":\"p\"}", 404, "already read", 0, NULL },
		{ "read: UUID", SECRETS "/f1acfe04-277f-4016-518d-16c312ab84b5",
		    "{\"passphrase\":\"p\"}", 404, "already read", 0, NULL },
		{ "read: dots", SECRETS "/..", "{\"passphrase\":\"p\"}", 404,
		    "already read", 0, NULL },
		{ "read: NUL", SECRETS "/" HEX "%00", "{\"passphrase\":\"p\"}",
		    404, "already read", 0, NULL },
		{ "two slashes", SECRETS "//" HEX, "{\"passphrase\":\"p\"}",
		    404, NULL, 0, NULL },
		{ "segments", SECRETS "/" HEX "/x", "{\"passphrase\":\"p\"}",
		    404, NULL, 0, NULL }
	};
	struct input		*input = *state;
	struct store_stats	 before;
	char			*long_one;

	RUN(state, rows, input_onetime);
	input_transport(*state, SECRETS, FACES_JSON, "{" BOTH_OK "}",
	    input_onetime);
	input_transport(*state, "/api/secrets", FACES_JSON, "{" BOTH_OK "}",
	    input_onetime);
	input_transport(*state, SECRETS "/" HEX, FACES_JSON,
	    "{\"passphrase\":\"p\"}", input_onetime);
	input_methods(*state, SECRETS, "POST, OPTIONS", input_onetime);
	input_methods(*state, SECRETS "/" HEX, "POST, OPTIONS",
	    input_onetime);

	before = faces_stats(input->faces);
	long_one = calloc(1, 65536 + 2);
	assert_non_null(long_one);
	memset(long_one, 'x', 65536 + 1);
	input_check(input->faces, &before, "long message",
	    faces_post(input->faces, SECRETS,
	    "{\"message\":\"%s\",\"passphrase\":\"p\"}", long_one), 413,
	    "65536", input_onetime);
	long_one[1025] = '\0';
	input_check(input->faces, &before, "long passphrase", faces_post(
	    input->faces, SECRETS, "{\"message\":\"x\",\"passphrase\":\"%s\"}",
	    long_one), 413, "1024", input_onetime);
	input_check(input->faces, &before, "long passphrase of a read",
	    faces_post( input->faces, SECRETS "/" HEX,
	    "{\"passphrase\":\"%s\"}", long_one), 413, "1024", input_onetime);
	free(long_one);
}

static void
test_document_root(void **state)
{
	struct input	*input = *state;
	struct faces	*faces = input->faces;
	char		 keys[512];

	assert_int_equal(faces_ask(faces, .method = HTTP_GET, .uri = "/ping",
	    .document_root = faces->directory), 500);
	/* Neither may the key lie there. */
	(void)snprintf(keys, sizeof(keys), "%s/", faces->conf.key_file);
	*strrchr(keys, '/') = '\0';
	*strrchr(keys, '/') = '\0';
	assert_int_equal(faces_ask(faces, .method = HTTP_GET, .uri = "/ping",
	    .document_root = keys), 500);
	input_safesecrets(faces);
	assert_int_equal(faces_ask(faces, .method = HTTP_GET, .uri = "/ping",
	    .document_root = "/nonexistent"), 200);
}

int
main(void)
{
	const struct CMUnitTest	 tests[] = {
#define SITE(test) cmocka_unit_test_setup_teardown(test, input_setup,	\
    input_teardown)
		SITE(test_safesecrets),
		SITE(test_onetime),
		SITE(test_document_root)
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: ISC */
/*
 * Bad input through our own interface, and paths that belong to nobody.
 */

#include "input.h"

#include <string.h>

#define CREATE	"/api/v2/secrets"

#define RUN(state, rows, form)						\
	input_rows(*(state), (rows), sizeof(rows) / sizeof((rows)[0]), (form))

static void
test_native_json(void **state)
{
	static const struct input_row	 rows[] = {
		{ "not JSON", PEEK, "x", 400, ":malformed", 0, NULL },
		{ "array", PEEK, "[]", 400, ":malformed", 0, NULL },
		{ "not UTF-8", PEEK, "{\"id\":\"\xff\"}", 400, ":malformed",
		    0, NULL },
		{ "trailing", PEEK, "{\"id\":\"" ID "\"}{}", 400,
		    ":malformed", 0, NULL },
		{ "nothing", PEEK, "{}", 422, "\"field\":\"id\"", 0, NULL },
		{ "null", PEEK, "{\"id\":null}", 422, "\"field\":\"id\"", 0,
		    NULL },
		{ "a number", PEEK, "{\"id\":1}", 422, "\"field\":\"id\"", 0,
		    NULL },
		{ "short", PEEK, "{\"id\":\"AAAA\"}", 422, "\"field\":\"id\"",
		    0, NULL },
		{ "long", PEEK, "{\"id\":\"" ID "AA\"}", 422,
		    "\"field\":\"id\"", 0, NULL },
		{ "padded", PEEK, "{\"id\":\"" ID "==\"}", 422,
		    "\"field\":\"id\"", 0, NULL },
		{ "base64", PEEK, "{\"id\":\"AAAAAAAAAAAAAAAAAAAA+A\"}", 422,
		    "\"field\":\"id\"", 0, NULL },
		{ "not ASCII", PEEK, "{\"id\":\"AAAAAAAAAAAAAAAAAAAA"
		    "\xc3\xa5\"}", 422, "\"field\":\"id\"", 0, NULL },
		{ "spare bits", PEEK, "{\"id\":\"AAAAAAAAAAAAAAAAAAAAAB\"}",
		    422, "\"field\":\"id\"", 0, NULL },
		{ "repeated", PEEK, "{\"id\":\"" ID "\",\"id\":\"" ID "\"}",
		    422, "\"field\":\"id\"", 0, NULL },
		{ "extra", PEEK, "{\"id\":\"" ID "\",\"more\":1}", 422,
		    "\"field\":\"more\"", 0, NULL },
		{ "claim too short", PEEK, "{\"id\":\"" ID
		    "\",\"claim\":\"x\"}", 422, "\"field\":\"claim\"", 0,
		    NULL },
		{ "form", PEEK, "{\"id\":\"" ID "\"}", 415,
		    ":unsupported-type", 0, "text/plain" },
		{ "no type", PEEK, "{\"id\":\"" ID "\"}", 415,
		    ":unsupported-type", 0, "" },
		{ "frame", PEEK, "{\"id\":\"" ID "\"}", 415,
		    ":unsupported-type", 0, FACES_FRAME },
		{ "unknown, with parameters", PEEK, "{\"id\":\"" FRESH "\"}",
		    404, ":not-found", 0, "Application/JSON; charset=utf-8" },

		{ "open: no claim", OPEN, "{\"id\":\"" ID "\",\"gate\":\""
		    GATE "\"}", 422, "\"field\":\"claim\"", 0, NULL },
		{ "open: short gate", OPEN, "{\"id\":\"" ID "\",\"gate\":\""
		    ID "\",\"claim\":\"" ID "\"}", 422, "\"field\":\"gate\"",
		    0, NULL },
		{ "open: empty pin", OPEN, "{\"id\":\"" ID "\",\"pin\":\"\","
		    "\"claim\":\"" ID "\"}", 422, "\"field\":\"pin\"", 0,
		    NULL },
		{ "open: pin a number", OPEN, "{\"id\":\"" ID "\",\"pin\":1,"
		    "\"claim\":\"" ID "\"}", 422, "\"field\":\"pin\"", 0,
		    NULL },
		{ "open: extra", OPEN, "{\"id\":\"" ID "\",\"claim\":\"" ID
		    "\",\"gate\":\"" GATE "\",\"x\":0}", 422,
		    "\"field\":\"x\"", 0, NULL },
		{ "open: pin for gate", OPEN, "{\"id\":\"" ID "\",\"claim\":\""
		    ID "\",\"pin\":\"1\"}", 422, "\"field\":\"pin\"", 0,
		    NULL },
		{ "open: none", OPEN, "{\"id\":\"" ID "\",\"claim\":\"" ID
		    "\"}", 403, ":pin-required", 0, NULL },
		{ "ack: no claim", "/api/v2/secrets/ack", "{\"id\":\"" ID
		    "\"}", 422, "\"field\":\"claim\"", 0, NULL },
		{ "knock: extra", "/api/v2/secrets/knock", "{\"id\":\"" ID
		    "\",\"claim\":\"" ID "\"}", 422, "\"field\":\"claim\"", 0,
		    NULL },
		{ "receipt: none", "/api/v2/receipts/peek", "{}", 422,
		    "\"field\":\"receipt\"", 0, NULL },
		{ "receipt: an id", "/api/v2/receipts/burn", "{\"id\":\"" ID
		    "\"}", 422, "\"field\":\"id\"", 0, NULL },
		{ "receipt: unknown", "/api/v2/receipts/burn",
		    "{\"receipt\":\"" FRESH "\"}", 404, ":not-found", 0,
		    NULL },
		{ "create as JSON", CREATE, "{}", 415, ":unsupported-type", 0,
		    NULL }
	};

	RUN(state, rows, input_native);
	input_transport(*state, PEEK, FACES_JSON, "{\"id\":\"" ID "\"}",
	    input_native);
	input_transport(*state, OPEN, FACES_JSON, "{\"id\":\"" ID "\","
	    "\"gate\":\"" GATE "\",\"claim\":\"" ID "\"}", input_native);
	input_transport(*state, CREATE, FACES_FRAME, "{}", input_native);
	input_methods(*state, PEEK, "POST, OPTIONS", input_native);
	input_methods(*state, CREATE, "POST, OPTIONS", input_native);
	input_methods(*state, "/api/v2/health", "GET, HEAD, OPTIONS",
	    input_native);
}

static void
test_native_paths(void **state)
{
	static const char	*const uris[] = {
		"", "/", "*", "/%", "/%zz", "/api", "/api/v2", "/api/v2/",
		"/api/v2/secrets/", "/api/v2//params", "//api/v2/params",
		"/api/v2/params/", "/api/v2/./params",
		"/api/v2/secrets/../params", "/api/v2/params%00",
		"/api/v2%2fparams", "/api/v2/params%2f", "/api/v2/PARAMS",
		"/api/v2/secrets/request", "/api/v3/params", "/apix/v2/params",
		"/api/v20/params", "/message/x", "/pingx", "/secretsx",
		"/a/b/c/d/e/f/g/h/i/j/k", "/%00", "/..", "/../../etc/passwd"
	};
	struct input		*input = *state;
	struct store_stats	 before = faces_stats(input->faces);
	size_t			 i;

	for (i = 0; i < sizeof(uris) / sizeof(uris[0]); i++)
		input_check(input->faces, &before, uris[i],
		    faces_get(input->faces, uris[i]), 404, ":not-found",
		    input_native);
}

static void
test_native_frames(void **state)
{
#define IDS	"\"id\":\"" FRESH "\",\"receipt\":\"" FRESH "\""
#define LINE	"{" IDS ",\"expires_in\":60"
	static const struct {
		const char	*line;
		int		 status;
		const char	*says;
		size_t		 size;		/* of what stands behind it */
	} rows[] = {
		{ "x", 400, ":malformed", 541 },
		{ "", 400, ":malformed", 541 },
		{ "[]", 400, ":malformed", 541 },
		{ LINE, 400, ":malformed", 541 },
		{ "{}", 422, "\"field\":\"id\"", 541 },
		{ "{\"id\":\"" FRESH "\",\"expires_in\":60}", 422,
		    "\"field\":\"receipt\"", 541 },
		{ "{" IDS "}", 422, "\"field\":\"expires_in\"", 541 },
		{ "{" IDS ",\"expires_in\":59}", 422,
		    "\"field\":\"expires_in\"", 541 },
		{ "{" IDS ",\"expires_in\":2592001}", 422,
		    "\"field\":\"expires_in\"", 541 },
		{ "{" IDS ",\"expires_in\":\"60\"}", 422,
		    "\"field\":\"expires_in\"", 541 },
		{ "{" IDS ",\"expires_in\":60.5}", 422,
		    "\"field\":\"expires_in\"", 541 },
		{ LINE ",\"views\":0}", 422, "\"field\":\"views\"", 541 },
		{ LINE ",\"views\":101}", 422, "\"field\":\"views\"", 541 },
		{ LINE ",\"attempts\":0}", 422, "\"field\":\"attempts\"", 541 },
		{ LINE ",\"attempts\":11}", 422, "\"field\":\"attempts\"",
		    541 },
		{ LINE ",\"gate\":\"" ID "\"}", 422, "\"field\":\"gate\"",
		    541 },
		{ LINE ",\"gate\":null}", 422, "\"field\":\"gate\"", 541 },
		{ LINE ",\"more\":1}", 422, "\"field\":\"more\"", 541 },
		{ LINE ",\"expires_in\":60}", 422, "\"field\":\"expires_in\"",
		    541 },
		{ LINE "}", 422, "\"field\":\"envelope\"", 0 },
		{ LINE "}", 413, ":too-large", 29 + 8 * 512 },
		{ "{\"id\":\"" ID "\",\"receipt\":\"" ID
		    "\",\"expires_in\":60}", 409, ":conflict", 541 }
	};
	struct input		*input = *state;
	struct faces		*faces = input->faces;
	struct store_stats	 before = faces_stats(faces);
	uint8_t			 envelope[29 + 8 * 512];
	char			 line[4096 + 2];
	size_t			 i;

	faces_envelope(envelope, sizeof(envelope));
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		input_check(faces, &before, rows[i].line, faces_frame(faces,
		    envelope, rows[i].size, "%s", rows[i].line),
		    rows[i].status, rows[i].says, input_native);

	/* No line end at all, and a line that is one byte too long. */
	input_check(faces, &before, "no line end", faces_ask(faces,
	    .method = HTTP_POST, .uri = CREATE, .type = FACES_FRAME,
	    .body = LINE "}", .size = strlen(LINE "}")), 400, ":malformed",
	    input_native);
	memset(line, ' ', sizeof(line));
	memcpy(line, LINE "}", strlen(LINE "}"));
	line[4097] = '\0';
	input_check(faces, &before, "long line", faces_frame(faces, envelope,
	    541, "%s", line), 400, ":malformed", input_native);
	line[4096] = '\0';
	assert_int_equal(faces_frame(faces, envelope, 541, "%s", line), 201);
}

int
main(void)
{
	const struct CMUnitTest	 tests[] = {
#define SITE(test) cmocka_unit_test_setup_teardown(test, input_setup,	\
    input_teardown)
		SITE(test_native_json),
		SITE(test_native_paths),
		SITE(test_native_frames)
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: ISC */
/*
 * password.link's interface: keys, secrets, views, the listing.
 */

#include "sealed.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "core/account.h"
#include "core/sweep.h"

static void
test_create(void **state)
{
	struct sealed	*sealed = *state;
	char		 id[SEALED_ID_SIZE];

	sealed_make(sealed, "", id);
	assert_int_equal(strlen(id), TOKEN_BASE62_LENGTH);
	assert_int_equal(sealed_count(sealed, ""), 2);
	assert_int_equal(sealed_count(sealed, "data"), 1);
	assert_int_equal(sealed_count(sealed, "metadata"), 3);
	sealed_says(sealed, "metadata/secrets_total", "1");
	sealed_says(sealed, "metadata/secrets_usage", "1");
	sealed_says(sealed, "metadata/secrets_allowance", "null");
	assert_string_equal(faces_header(sealed->faces,
	    "Access-Control-Allow-Origin"), "*");
}

/* Every field comes back as it was sent, in the view or in the listing. */
static void
test_fields(void **state)
{
	struct sealed	*sealed = *state;
	char		 id[SEALED_ID_SIZE];

	sealed_make(sealed, ",\"description\":\"d \xc3\xa9\",\"message\":"
	    "\"m \\u0000 \xf0\x9f\x94\x91\",\"expiration\":\"3\","
	    "\"view_button\":true,\"captcha\":\"true\",\"max_views\":\"2\","
	    "\"password\":\"p\xc3\xa9 +\",\"unknown\":[1],"
	    "\"attachment_name\":\"" SEALED_OBJECT "\","
	    "\"attachment_ciphertext\":\"" SEALED_OBJECT "\"", id);
	sealed_list(sealed, sealed->private, "");
	assert_int_equal(sealed_count(sealed, "data"), 1);
	assert_int_equal(sealed_count(sealed, "data/0"), 12);
	sealed_says(sealed, "data/0/id", id);
	sealed_says(sealed, "data/0/description", "d \xc3\xa9");
	assert_non_null(strstr(sealed->faces->body,
	    "\"message\":\"m \\u0000 \xf0\x9f\x94\x91\""));
	sealed_says(sealed, "data/0/expiration", "3");
	sealed_says(sealed, "data/0/view_button", "true");
	sealed_says(sealed, "data/0/captcha", "true");
	sealed_says(sealed, "data/0/password", "true");
	sealed_says(sealed, "data/0/expired", "false");
	sealed_says(sealed, "data/0/view_times", "0");
	sealed_says(sealed, "data/0/max_views", "2");
	assert_int_equal(sealed_count(sealed, "data/0/views"), 0);

	assert_int_equal(sealed_view(sealed, sealed->public, id,
	    "p%C3%a9%20+"), 200);
	assert_int_equal(sealed_count(sealed, "data"), 6);
	sealed_says(sealed, "data/id", id);
	sealed_says(sealed, "data/ciphertext", SEALED_OBJECT);
	sealed_says(sealed, "data/password_part_private", SEALED_PART);
	sealed_says(sealed, "data/attachment_name", SEALED_OBJECT);
	sealed_says(sealed, "data/attachment_ciphertext", SEALED_OBJECT);
	sealed_says(sealed, "metadata/secrets_total", "1");
}

/* What is absent, null or "" is null, or has its default. */
static void
test_absent(void **state)
{
	static const char *const rests[] = {
		"",
		",\"description\":null,\"message\":null,\"expiration\":null,"
		"\"view_button\":null,\"captcha\":null,\"password\":null,"
		"\"max_views\":null,\"attachment_name\":null,"
		"\"attachment_ciphertext\":null",
		",\"description\":\"\",\"message\":\"\",\"expiration\":\"\","
		"\"view_button\":\"\",\"captcha\":\"\",\"password\":\"\","
		"\"max_views\":\"\",\"attachment_name\":\"\","
		"\"attachment_ciphertext\":\"\""
	};
	struct sealed	*sealed = *state;
	char		 id[SEALED_ID_SIZE];

	for (size_t i = 0; i < sizeof(rests) / sizeof(rests[0]); i++) {
		sealed_make(sealed, rests[i], id);
		sealed_list(sealed, sealed->private, "");
		sealed_says(sealed, "data/0/id", id);
		sealed_says(sealed, "data/0/description", "null");
		sealed_says(sealed, "data/0/message", "null");
		sealed_says(sealed, "data/0/expiration", "null");
		sealed_says(sealed, "data/0/view_button", "false");
		sealed_says(sealed, "data/0/captcha", "false");
		sealed_says(sealed, "data/0/password", "false");
		sealed_says(sealed, "data/0/max_views", "1");
		assert_int_equal(sealed_get(sealed, sealed->private, id),
		    200);
		assert_int_equal(sealed_count(sealed, "data"), 4);
		sealed_says(sealed, "data/message", "null");
	}
}

static void
test_views(void **state)
{
	struct sealed	*sealed = *state;
	char		 id[SEALED_ID_SIZE];

	sealed_make(sealed, ",\"max_views\":2,\"message\":\"m\","
	    "\"description\":\"d\"", id);
	for (int i = 0; i < 2; i++) {
		assert_int_equal(sealed_get(sealed, sealed->public, id), 200);
		sealed_says(sealed, "data/message", "m");
	}
	sealed_refused(sealed, sealed_get(sealed, sealed->public, id), 404,
	    NULL, "Secret not found");
	sealed_list(sealed, sealed->private, "");
	sealed_says(sealed, "data/0/view_times", "2");
	sealed_says(sealed, "data/0/message", "null");
	sealed_says(sealed, "data/0/description", "d");
	sealed_says(sealed, "data/0/expired", "false");
	assert_int_equal(sealed_count(sealed, "data/0/views"), 2);
	sealed_says(sealed, "data/0/views/1/viewed_by_ip", "192.0.2.0");
	sealed_says(sealed, "data/0/views/1/viewed_by_user_agent", "a test");
	assert_int_equal(sealed_count(sealed, "data/0/views/0"), 3);
	assert_int_equal(strlen(sealed_at(sealed,
	    "data/0/views/0/viewed_at")), 20);
}

int
main(void)
{
	const struct CMUnitTest	 tests[] = {
#define SITE(test) cmocka_unit_test_setup_teardown(test, sealed_setup,	\
    sealed_teardown)
		SITE(test_create),
		SITE(test_fields),
		SITE(test_absent),
		SITE(test_views)
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: ISC */

/*
 * Settings are read and a site is opened while a call of the system or an
 * allocation fails, for every one of them: it is all there, or a start is
 * refused in words, and the next one finds everything.
 */

#include "sites.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../torture/faults.h"
#include "base/complaint.h"

/* As many as there are, but not each of hundreds of allocations. */
static unsigned long
next_number(enum faults_kind kind, unsigned long number)
{
	return number + (kind == FAULTS_MEMORY && number > 40 ? 7 : 1);
}

/* As `oncelinkctl config' prints them, for the caller to free. */
static char *
print(const struct conf *conf)
{
	char	*text = NULL;
	size_t	 size;
	FILE	*out = open_memstream(&text, &size);

	assert_non_null(out);
	conf_print(conf, out);
	assert_int_equal(fclose(out), 0);
	return text;
}

static void
settings_are_all_there_or_none(void **state)
{
	struct sites	*sites = sites_open("site_name = Ours\n"
	    "trusted_proxies = 10.0.0.0/8 ::1\nfaces = native onetime\n"
	    "max_expire = 12h\nsendmail = sendmail\n"
	    "site_url = https://secrets.example.org\n", SITE_SINGLE);
	char		*normal, *text, path[512];
	unsigned long	 number = 1, failed = 0;
	struct complaint error;
	struct conf	 conf;
	bool		 hit;
	int		 result;

	(void)state;
	(void)snprintf(path, sizeof(path), "%s/oncelink.conf",
	    sites->directory);
	assert_int_equal(setenv("MAX_EXPIRE", "6h", 1), 0);
	assert_int_equal(conf_load(&conf, path, &error), 0);
	normal = print(&conf);
	conf_free(&conf);
	for (hit = true; hit; number++) {
		error.text[0] = '\0';
		faults_arm(FAULTS_MEMORY, number, false);
		result = conf_load(&conf, path, &error);
		hit = faults_disarm();
		if (result == -1 && (!hit || error.text[0] == '\0'))
			fail_msg("malloc %lu: \"%s\"", number, error.text);
		failed += result == -1;
		if (result == -1)
			continue;
		text = print(&conf);
		assert_string_equal(text, normal);
		free(text);
		conf_free(&conf);
	}
	assert_true(failed > 0);
	assert_int_equal(unsetenv("MAX_EXPIRE"), 0);
	free(normal);
	sites_close(sites);
}

static void
opens_whole_or_says_why(void **state)
{
	static const enum site_use uses[] = {
		SITE_THREADS, SITE_SINGLE, SITE_SWEEPER
	};
	struct sites	*sites = sites_open("", SITE_SINGLE);
	struct sites_secret secret = { .payload = NULL };
	struct complaint error;

	(void)state;
	sites_draw(&secret, SITES_SMALL);
	assert_int_equal(sites_create(sites, &secret), SECRET_OK);
	for (enum faults_kind kind = 0; kind < FAULTS_KIND__MAX; kind++) {
		unsigned long	 number = 0, failed = 0;
		bool		 hit;
		int		 result;

		do {
			number = next_number(kind, number);
			site_close(&sites->site);
			error.text[0] = '\0';
			faults_arm(kind, number, false);
			result = site_open(&sites->site, &sites->conf,
			    uses[number % 3], &error);
			hit = faults_disarm();
			if (result == -1 && (!hit || error.text[0] == '\0'))
				fail_msg("%s %lu: \"%s\"", faults_names[kind],
				    number, error.text);
			failed += result == -1;
			if (result == -1 && site_open(&sites->site,
			    &sites->conf, SITE_SINGLE, &error) == -1)
				fail_msg("%s %lu, and then: %s",
				    faults_names[kind], number, error.text);
			if (sites_peek(sites, &secret, NULL) != SECRET_OK)
				fail_msg("%s %lu: nobody finds it",
				    faults_names[kind], number);
		} while (hit);
		if (failed == 0 && (kind == FAULTS_MEMORY ||
		    kind == FAULTS_OPEN || kind == FAULTS_READ))
			fail_msg("%s: nothing failed", faults_names[kind]);
	}
	assert_int_equal(sites_read(sites, &secret, NULL, NULL), SECRET_OK);
	sites_drop(&secret);
	sites_close(sites);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(settings_are_all_there_or_none),
		cmocka_unit_test(opens_whole_or_says_why),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}

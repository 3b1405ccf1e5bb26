/* SPDX-License-Identifier: ISC */

/*
 * Rounds of mail while an allocation fails, for every one of them: each letter
 * arrives whole, and twice only where the round said that it failed.  sendmail
 * is a script in these tests.
 */

#include "sites.h"

#include <sys/stat.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../torture/faults.h"
#include "base/arena.h"
#include "base/complaint.h"
#include "core/mail.h"
#include "core/mail_round.h"

#define HOUR	((int64_t)3600000)
#define LINK	"https://secrets.example.org/?abc#ZGVm"

#define LINES	180	/* of a mail that is more than an arena begins with */

static const char *const words[] = {
	"words/en/request.txt", "words/en/secret.txt", "words/en/test.txt"
};

/* Notes each mail that it is given as whole, or as not. */
static const char sendmail[] = "#!/bin/sh\n"
    "cd \"${0%/*}\"\n"
    "cat >mail\n"
    "if grep -q '^To: reader@example.org$' mail &&\n"
    "    grep -q '^Subject: .' mail && grep -q '^<\\(" LINK "\\)*>$' mail &&\n"
    "    [ \"$(tail -n 1 mail)\" = end ]\n"
    "then echo whole; else echo broken; fi >>given\n";

/* Below the site's directory. */
static FILE *
create(struct sites *sites, const char *name)
{
	char	 path[600];
	FILE	*file;

	(void)snprintf(path, sizeof(path), "%s/%s", sites->directory, name);
	file = fopen(path, "w");
	assert_non_null(file);
	return file;
}

static int
setup(void **state)
{
	struct sites	*sites;
	char		 path[600];
	FILE		*file;

	*state = sites = sites_open("sendmail = sendmail\n"
	    "site_url = https://secrets.example.org\n"
	    "mail_from = secrets@example.org\nmail_timeout = 60s\n"
	    "mail_templates = words\n", SITE_SINGLE);
	file = create(sites, "sendmail");
	assert_true(fputs(sendmail, file) >= 0);
	assert_int_equal(fchmod(fileno(file), 0700), 0);
	assert_int_equal(fclose(file), 0);
	(void)snprintf(path, sizeof(path), "%s/words", sites->directory);
	assert_int_equal(mkdir(path, 0700), 0);
	(void)snprintf(path, sizeof(path), "%s/words/en", sites->directory);
	assert_int_equal(mkdir(path, 0700), 0);
	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
		file = create(sites, words[i]);
		assert_true(fputs("Subject: a mail\n\n<{link}>\n", file) >=
		    0);
		for (int line = 0; line < LINES; line++)
			assert_true(fprintf(file, "%075d\n", line) > 0);
		assert_true(fputs("end\n", file) >= 0);
		assert_int_equal(fclose(file), 0);
	}
	return 0;
}

static int
teardown(void **state)
{
	sites_close(*state);
	return 0;
}

static int
post(struct store_txn *txn, void *argument)
{
	return mail_post(txn, argument, 1, 2, 0);
}

static void
add_letter(struct sites *sites)
{
	struct mail	 mail = {
		.kind = MAIL_SECRET, .address = "reader@example.org",
		.link = LINK, .expires_at = sites_now() + HOUR,
	};
	struct mail_sealed sealed;

	assert_int_equal(mail_seal(&sites->site, sites->arena, &mail,
	    &sealed), 0);
	assert_int_equal(store_update(sites->site.store, post, &sealed), 0);
	arena_reset(sites->arena);
}

/* How many mails sendmail was given since; all of them were whole. */
static unsigned int
given(struct sites *sites)
{
	char		 path[600], line[16];
	unsigned int	 count = 0;
	FILE		*file;

	(void)snprintf(path, sizeof(path), "%s/given", sites->directory);
	if ((file = fopen(path, "r")) == NULL)
		return 0;
	while (fgets(line, sizeof(line), file) != NULL) {
		assert_string_equal(line, "whole\n");
		count++;
	}
	(void)fclose(file);
	assert_int_equal(unlink(path), 0);
	return count;
}

/* Whatever is there yet arrives now; how much that was. */
static unsigned int
send_the_rest(struct sites *sites)
{
	struct mail_round_result result;
	struct mail_entry entry;
	struct complaint error;
	bool		 found;

	assert_int_equal(mail_next(&sites->site, 0, &entry, &found), 0);
	if (found)
		assert_int_equal(mail_retry(&sites->site, entry.number,
		    &found), 0);
	sites_await(sites_now());
	assert_int_equal(mail_round_run(&sites->site, &result, &error), 0);
	assert_int_equal(result.put_off + result.given_up, 0);
	assert_int_equal(mail_next(&sites->site, 0, &entry, &found), 0);
	assert_false(found);
	return (unsigned int)result.handed_over;
}

/* What came of the rounds in which something failed. */
struct count {
	unsigned int	 failed;
	unsigned int	 put_off;
	unsigned int	 without_words;
};

/* One letter, and the number-th allocation of its round; false when there was
 * none. */
static bool
shoot(struct sites *sites, unsigned long number, bool for_good,
    struct count *count)
{
	struct mail_round_result result;
	struct complaint error = { .text = "" };
	unsigned int	 now, later;
	int		 failure;
	bool		 hit;

	add_letter(sites);
	faults_arm(FAULTS_MEMORY, number, for_good);
	failure = mail_round_run(&sites->site, &result, &error);
	hit = faults_disarm();
	now = given(sites);
	later = send_the_rest(sites);
	assert_int_equal(given(sites), later);
	if (now + later != 1 && (now + later != 2 || failure == 0))
		fail_msg("malloc %lu%s: %u and %u mails, %d", number,
		    for_good ? " and on" : "", now, later, failure);
	/* What was not done is told of. */
	if ((result.handed_over != now || (now == 0 && result.put_off == 0 &&
	    !(result.bad_words == 1 && error.text[0] != '\0'))) &&
	    failure == 0)
		fail_msg("malloc %lu%s: %u mails, and that is not said",
		    number, for_good ? " and on" : "", now);
	if (!hit)
		assert_true(failure == 0 && now == 1);
	count->failed += failure != 0;
	count->put_off += result.put_off > 0;
	count->without_words += result.bad_words > 0;
	return hit;
}

static void
loses_no_letter(void **state)
{
	struct count	 count = { 0 };
	unsigned long	 number;

	for (int for_good = 0; for_good < 2; for_good++)
		for (number = 1; shoot(*state, number, for_good == 1, &count);
		    number++)
			continue;
	/* Each way to fail was one of them. */
	assert_true(count.failed > 0 && count.put_off > 0 &&
	    count.without_words > 0);
}

/* `oncelinkctl mail test' says that a mail went, or why it did not. */
static void
tests_or_says_why(void **state)
{
	struct sites	*sites = *state;
	enum mail_round_outcome outcome;
	struct mail_round_reason reason;
	struct complaint error;
	unsigned int	 failed = 0;
	unsigned long	 number = 1;
	bool		 hit = true;

	for (; hit; number++) {
		error.text[0] = '\0';
		faults_arm(FAULTS_MEMORY, number, false);
		outcome = mail_round_test(&sites->site, "reader@example.org",
		    &reason, &error);
		hit = faults_disarm();
		assert_int_equal(given(sites), outcome == MAIL_ROUND_TAKEN);
		if (outcome == MAIL_ROUND_TAKEN)
			continue;
		assert_true(hit);
		if (outcome != MAIL_ROUND_NOBODY ||
		    (reason.what == NULL && error.text[0] == '\0'))
			fail_msg("malloc %lu: %d", number, (int)outcome);
		failed++;
	}
	assert_true(failed > 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(loses_no_letter, setup,
		    teardown),
		cmocka_unit_test_setup_teardown(tests_or_says_why, setup,
		    teardown),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}

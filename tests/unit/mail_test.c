/* SPDX-License-Identifier: ISC */

/*
 * Mail: which addresses there are, how words are written, and what becomes of
 * a letter when sendmail says what.  sendmail is a script in these tests.
 */

#include "sites.h"

#include <sys/stat.h>

#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/address.h"
#include "base/arena.h"
#include "base/complaint.h"
#include "base/filelock.h"
#include "base/log.h"
#include "core/mail.h"
#include "core/mail_round.h"
#include "core/mail_text.h"

#define MINUTE	((int64_t)60000)
#define HOUR	(60 * MINUTE)
#define LINK	"https://secrets.example.org/?abc#ZGVm"

#define SETTINGS "sendmail = sendmail\nsite_url = https://secrets.example.org"\
	"\nmail_from = secrets@example.org\nmail_templates = "

static void
mail_addresses(void **state)
{
	static const char *const good[] = {
		"a@b", "first.last+tag@mail.example.org", "o'brien@example.org",
		"x_y=z/1@sub-domain.example.museum", "1@2.example",
	};
	static const char *const bad[] = {
		"", "a", "@", "a@", "@b", "a@b@c", "a b@c.de", "a@b c",
		"a@b,c@d", "a@b;c@d", "a@b\n", "a@b\r\nBcc: c@d", "\ta@b",
		"a@b ", " a@b", "<a@b>", "A <a@b>", "\"a\"@b", "a@[127.0.0.1]",
		"a@127.0.0.1", ".a@b", "a.@b", "a..b@c", "a@.b", "a@b.",
		"a@b..c", "a@-b", "a@b-", "a@b_c", "a%b@c", "a!b@c", "|a@b",
		"`a`@b", "a(b)@c", "a:b@c", "\xc3\xa5@b.se", "a@\xc3\xa5.se",
		"a@b\\", "a@b.123",
	};
	char	 text[400];

	(void)state;
	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++)
		if (!address_is_mail(good[i], strlen(good[i])))
			fail_msg("refused: %s", good[i]);
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		if (address_is_mail(bad[i], strlen(bad[i])))
			fail_msg("taken: %s", bad[i]);
	assert_false(address_is_mail("a@b\0c", 5));
	assert_false(address_is_mail("a\0@b", 4));
	/* 64 before the at sign, 63 in a label, 254 in all. */
	memset(text, 'a', sizeof(text));
	text[64] = '@';
	text[128] = text[192] = '.';
	assert_true(address_is_mail(text, 254));
	assert_false(address_is_mail(text, 255));
	text[65] = text[128];
	assert_false(address_is_mail(text, 254));
	text[65] = 'a';
	text[128] = 'a';
	assert_false(address_is_mail(text, 254));
	text[64] = 'a';
	text[65] = '@';
	assert_false(address_is_mail(text, 100));
}

static void
site_addresses(void **state)
{
	static const char *const good[] = {
		"https://secrets.example.org", "http://localhost:8080",
		"https://www.example.org/once", "http://127.0.0.1:80/a/b",
	};
	static const char *const bad[] = {
		"", "secrets.example.org", "https://", "https:///once",
		"https://a.example/", "https://a.example//b",
		"https://a.example/b/", "https://a.example?b",
		"https://a.example#b", "https://u@a.example",
		"https://a.example:", "https://a.example:123456",
		"ftp://a.example", "https://a b.example",
		"https://a.example/b c", "https://a.example/\n",
	};
	size_t	 length;

	(void)state;
	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++)
		if (!address_is_site(good[i]))
			fail_msg("refused: %s", good[i]);
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		if (address_is_site(bad[i]))
			fail_msg("taken: %s", bad[i]);
	assert_memory_equal(address_host("http://a.example:80/b", &length),
	    "a.example", 9);
	assert_int_equal(length, 9);
}

static int
setup(void **state)
{
	const char	*srcdir = getenv("srcdir");
	char		 settings[1024];

	(void)snprintf(settings, sizeof(settings), SETTINGS
	    "%s/conf/mail\nmail_timeout = 5s\n", srcdir == NULL ? "." :
	    srcdir);
	*state = sites_open(settings, SITE_SINGLE);
	return 0;
}

static int
teardown(void **state)
{
	sites_close(*state);
	return 0;
}

/* The mail as text, in the arena. */
static const char *
write_mail(struct sites *sites, enum mail_kind kind)
{
	struct mail_text text;
	struct complaint error;
	struct mail	 mail = {
		.kind = kind, .address = "reader@example.org", .link = LINK,
		.expires_at = 1800000000000,
	};
	struct buf	 out;

	if (mail_text_read(&sites->conf, sites->arena, kind, &text, &error) ==
	    -1)
		fail_msg("%s", error.text);
	buf_init(&out, sites->arena);
	mail_text_write(&sites->conf, &text, &mail, 1763786096000, &out);
	buf_append(&out, "", 1);
	assert_false(out.failed);
	return (const char *)out.data;
}

static void
assert_within(const char *text, const char *part)
{
	if (strstr(text, part) == NULL)
		fail_msg("%s is not in:\n%s", part, text);
}

static void
writes_english(void **state)
{
	const char	*mail = write_mail(*state, MAIL_SECRET), *id;

	assert_memory_equal(mail, "From: \"Oncelink\" <secrets@example.org>\n"
	    "To: reader@example.org\nSubject: Oncelink: ", 80);
	assert_within(mail, "\nDate: Sat, 22 Nov 2025 04:34:56 +0000\n");
	assert_within(mail, "\nMIME-Version: 1.0\n"
	    "Content-Type: text/plain; charset=utf-8\n"
	    "Auto-Submitted: auto-generated\n"
	    "Content-Transfer-Encoding: 7bit\n\n");
	assert_within(mail, "\n\n" LINK "\n\n");
	assert_within(mail, " 2027-01-15 08:00 UTC");
	/* Of the site's name and nothing else that anybody could know. */
	id = strstr(mail, "\nMessage-ID: <");
	assert_non_null(id);
	assert_int_equal(strspn(id + 14, "0123456789abcdef"), 32);
	assert_memory_equal(id + 46, "@secrets.example.org>\n", 22);
	assert_null(strchr(mail, '{'));
	for (; *mail != '\0'; mail++)
		assert_in_range(*mail, '\n', '~');
}

static void
writes_swedish(void **state)
{
	struct sites	*sites = *state;
	const char	*mail;
	char		*name = sites->conf.site_name;
	char		 long_name[] = "\xc3\x96vre \"N\xc3\xa4sby\" "
			    "\xf0\x9f\x94\x91\xf0\x9f\x94\x91\xf0\x9f\x94\x91"
			    "\xf0\x9f\x94\x91\xf0\x9f\x94\x91\xf0\x9f\x94\x91";

	sites->conf.mail_language = CONF_SWEDISH;
	sites->conf.site_name = long_name;
	mail = write_mail(sites, MAIL_REQUEST);
	sites->conf.site_name = name;
	/* No word ends within a character, no line is too long. */
	assert_within(mail, "From: =?UTF-8?Q?=C3=96vre_=22N=C3=A4sby=22_"
	    "=F0=9F=94=91=F0=9F=94=91?=\n =?UTF-8?Q?=F0=9F=94=91");
	assert_within(mail, "\nContent-Transfer-Encoding: quoted-printable\n"
	    "\nN=C3=A5gon ber dig ");
	assert_within(mail, "\n\nhttps://secrets.example.org/?abc#ZGVm\n\n");
	assert_within(mail, "\nSubject: =?UTF-8?Q?");
	for (const char *line = mail; *line != '\0';
	    line += strcspn(line, "\n") + 1)
		assert_true(strcspn(line, "\n") <= 76);
	for (; *mail != '\0'; mail++)
		assert_in_range(*mail, '\n', '~');
}

/* A directory with this as the template, in the place of the shipped one. */
static void
template(struct sites *sites, const char *text, size_t length)
{
	char	 path[600];
	FILE	*file;

	(void)snprintf(path, sizeof(path), "%s/words", sites->directory);
	(void)mkdir(path, 0700);
	free(sites->conf.mail_templates);
	sites->conf.mail_templates = strdup(path);
	(void)snprintf(path, sizeof(path), "%s/words/en", sites->directory);
	(void)mkdir(path, 0700);
	(void)snprintf(path, sizeof(path), "%s/words/en/secret.txt",
	    sites->directory);
	file = fopen(path, "w");
	assert_non_null(file);
	assert_int_equal(fwrite(text, 1, length, file), length);
	assert_int_equal(fclose(file), 0);
}

static void
refuses_bad_templates(void **state)
{
	static const char *const bad[] = {
		"", "Subject: a\n", "Subject: a\nb\n\nc", "subject: a\n\nb\n",
		"\nSubject: a\n\nb\n", "Subject: a\n\n{message}\n",
		"Subject: a\n\n{\n", "Subject: {link}\n\nb\n",
		"Subject: a\r\n\r\nb\r\n", "Subject: a\n\n\xff\n",
		"Subject: a\nBcc: b\n\nc\n",
	};
	struct sites	*sites = *state;
	struct mail_text text;
	struct complaint error;
	static char	 large[20000];

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		template(sites, bad[i], strlen(bad[i]));
		if (mail_text_read(&sites->conf, sites->arena, MAIL_SECRET,
		    &text, &error) == 0)
			fail_msg("taken: %s", bad[i]);
		assert_within(error.text, "/words/en/secret.txt: ");
	}
	memset(large, 'a', sizeof(large));
	memcpy(large, "Subject: a\n\n", 12);
	template(sites, large, 16385);
	assert_int_equal(mail_text_read(&sites->conf, sites->arena,
	    MAIL_SECRET, &text, &error), -1);
	template(sites, large, 16384);
	assert_int_equal(mail_text_read(&sites->conf, sites->arena,
	    MAIL_SECRET, &text, &error), 0);
	template(sites, "Subject: a\n\nb\0c\n", 16);
	assert_int_equal(mail_text_read(&sites->conf, sites->arena,
	    MAIL_SECRET, &text, &error), -1);
	assert_int_equal(mail_text_read(&sites->conf, sites->arena,
	    MAIL_REQUEST, &text, &error), -1);
	assert_within(error.text, "No such file");
}

/* Lines of a body in quoted-printable, read back. */
static void
quotes_what_it_must(void **state)
{
	static const char words[] = "Subject: a {site} b\n\n"
	    "=\xc3\xa5 at the end \n"
	    "a line of seventy-six characters, which is all that there may be "
	    "in one of..\n"
	    "a line of seventy-seven characters, which is more than there may "
	    "be in one..\n{link}";
	struct sites	*sites = *state;
	const char	*mail;

	template(sites, words, strlen(words));
	mail = write_mail(sites, MAIL_SECRET);
	assert_within(mail, "\n\n=3D=C3=A5 at the end=20\n");
	assert_within(mail, " there may be in one of..\n");
	assert_within(mail, "\n" LINK "\n");
	for (const char *line = mail; *line != '\0';
	    line += strcspn(line, "\n") + 1)
		assert_true(strcspn(line, "\n") <= 76);
}

static void
script(struct sites *sites, const char *text)
{
	char	 path[600];
	FILE	*file;

	(void)snprintf(path, sizeof(path), "%s/sendmail", sites->directory);
	(void)unlink(path);
	file = fopen(path, "w");
	assert_non_null(file);
	assert_true(fprintf(file, "#!/bin/sh\ncd \"${0%%/*}\"\n%s\n", text) >
	    0);
	assert_int_equal(fchmod(fileno(file), 0700), 0);
	assert_int_equal(fclose(file), 0);
}

static int
post(struct store_txn *txn, void *argument)
{
	return mail_post(txn, argument, 1, 2, 0);
}

/* One letter more, about something that lives for so long. */
static void
add_letter(struct sites *sites, int64_t lifetime)
{
	struct mail	 mail = {
		.kind = MAIL_SECRET, .address = "reader@example.org",
		.link = LINK, .expires_at = sites_now() + lifetime,
	};
	struct mail_sealed sealed;

	assert_int_equal(mail_seal(&sites->site, sites->arena, &mail,
	    &sealed), 0);
	assert_int_equal(store_update(sites->site.store, post, &sealed), 0);
	arena_reset(sites->arena);
}

static struct mail_round_result
run_round(struct sites *sites)
{
	struct mail_round_result result;
	struct complaint	 error;

	assert_int_equal(mail_round_run(&sites->site, &result, &error), 0);
	assert_int_equal(result.bad_words, 0);
	assert_int_equal(result.already, 0);
	return result;
}

/* The only letter there is, or none. */
static bool
first(struct sites *sites, struct mail_entry *entry)
{
	bool	 found;

	assert_int_equal(mail_next(&sites->site, 0, entry, &found), 0);
	return found;
}

static bool
exists(struct sites *sites, const char *name)
{
	char	 path[600];

	(void)snprintf(path, sizeof(path), "%s/%s", sites->directory, name);
	return access(path, F_OK) == 0;
}

static void
hands_over(void **state)
{
	struct sites	*sites = *state;
	struct mail_round_result result;
	struct mail_entry entry;
	char		 path[600], got[4096];
	size_t		 length;
	FILE		*file;

	script(sites, "echo \"$*\" >arguments; cat >mail");
	result = run_round(sites);
	assert_int_equal(result.handed_over, 0);
	assert_false(exists(sites, "mail"));
	add_letter(sites, HOUR);
	result = run_round(sites);
	assert_int_equal(result.handed_over, 1);
	assert_int_equal(result.put_off + result.given_up, 0);
	assert_false(first(sites, &entry));
	(void)snprintf(path, sizeof(path), "%s/mail", sites->directory);
	file = fopen(path, "r");
	assert_non_null(file);
	length = fread(got, 1, sizeof(got) - 1, file);
	(void)fclose(file);
	got[length] = '\0';
	assert_within(got, "\nTo: reader@example.org\n");
	assert_within(got, "\n" LINK "\n");
	(void)snprintf(path, sizeof(path), "%s/arguments", sites->directory);
	file = fopen(path, "r");
	assert_non_null(file);
	assert_non_null(fgets(got, sizeof(got), file));
	(void)fclose(file);
	assert_string_equal(got, "-t -i -f secrets@example.org\n");
	for (int i = 0; i < 3; i++)
		add_letter(sites, HOUR);
	assert_int_equal(run_round(sites).handed_over, 3);
}

/* More than any wait of a test that passes, ms. */
#define PATIENCE	20000

/* Who holds the lock of the store from when the mail was taken on. */
struct holder {
	struct sites	*sites;
	FILE		*said;
};

static void
await_file(struct sites *sites, const char *name)
{
	int64_t	 until = sites_now() + PATIENCE;

	while (sites_now() < until && !exists(sites, name))
		sites_await(sites_now());
}

static void *
hold_the_lock(void *argument)
{
	struct holder	*holder = argument;
	struct stat	 status = { .st_size = 0 };
	int64_t		 until = sites_now() + PATIENCE;
	char		 path[600];
	int		 directory, lock;

	await_file(holder->sites, "taken");
	directory = open(holder->sites->conf.state_dir,
	    O_RDONLY | O_DIRECTORY);
	lock = filelock_open(directory, "write.lock");
	if (filelock_acquire(lock, 10000) != 0)
		return NULL;
	(void)snprintf(path, sizeof(path), "%s/held",
	    holder->sites->directory);
	(void)close(open(path, O_WRONLY | O_CREAT, 0600));
	/* Until somebody said that it waited in vain. */
	while (sites_now() < until && status.st_size == 0 &&
	    fstat(fileno(holder->said), &status) == 0)
		sites_await(sites_now());
	(void)close(lock);
	(void)close(directory);
	return status.st_size == 0 ? NULL : holder;
}

/* What was handed over is not sent again because the store was busy. */
static void
forgets_in_the_end(void **state)
{
	struct sites	*sites = *state;
	struct holder	 holder = { .sites = sites, .said = tmpfile() };
	struct mail_round_result result;
	struct mail_entry entry;
	struct complaint error;
	char		 settings[1200];
	pthread_t	 thread;
	void		*held;
	int		 saved = dup(STDERR_FILENO), failure;

	assert_non_null(holder.said);
	assert_true(saved != -1);
	(void)snprintf(settings, sizeof(settings), SETTINGS
	    "%s\nlock_wait = 100ms\n", sites->conf.mail_templates);
	sites_restart(sites, settings);
	log_open("mail_test", LOG_TO_STDERR, LOG_LEVEL_WARNING);
	script(sites, "echo x >>taken; while ! [ -e held ]; do sleep 0.01; "
	    "done");
	add_letter(sites, HOUR);
	assert_int_equal(pthread_create(&thread, NULL, hold_the_lock,
	    &holder), 0);
	assert_true(dup2(fileno(holder.said), STDERR_FILENO) != -1);
	failure = mail_round_run(&sites->site, &result, &error);
	assert_true(dup2(saved, STDERR_FILENO) != -1);
	assert_int_equal(pthread_join(thread, &held), 0);
	(void)close(saved);
	(void)fclose(holder.said);
	assert_ptr_equal(held, &holder);
	assert_int_equal(failure, 0);
	assert_int_equal(result.handed_over, 1);
	assert_false(first(sites, &entry));
}

static void
tries_again(void **state)
{
	struct sites	*sites = *state;
	struct mail_round_result result;
	struct mail_entry entry;
	int64_t		 before, pause = MINUTE;
	bool		 found;

	add_letter(sites, 24 * HOUR);
	script(sites, "exit 75");
	for (unsigned int tries = 1; tries <= 9; tries++) {
		before = sites_now();
		result = run_round(sites);
		assert_int_equal(result.put_off, 1);
		assert_int_equal(result.handed_over + result.given_up, 0);
		assert_true(first(sites, &entry));
		assert_int_equal(entry.tries, tries);
		assert_in_range(entry.due_at, before + pause,
		    sites_now() + pause);
		/* Not before that. */
		result = run_round(sites);
		assert_int_equal(result.put_off, 0);
		pause = pause * 2 > HOUR ? HOUR : pause * 2;
		assert_int_equal(mail_retry(&sites->site, entry.number,
		    &found), 0);
		assert_true(found);
		sites_await(sites_now());
	}
	assert_int_equal(mail_retry(&sites->site, entry.number + 1, &found),
	    0);
	assert_false(found);
	script(sites, "exit 0");
	assert_int_equal(run_round(sites).handed_over, 1);
	assert_int_equal(mail_drop(&sites->site, entry.number, &found), 0);
	assert_false(found);
}

static void
honours_the_status(void **state)
{
	static const struct {
		const char	*script;
		bool		 kept;
	} cases[] = {
		{ "exit 64", true }, { "exit 65", false },
		{ "exit 67", false }, { "exit 68", true },
		{ "exit 69", true }, { "exit 71", true },
		{ "exit 75", true }, { "exit 77", true },
		{ "exit 78", true }, { "exit 1", true },
		{ "kill -9 $$", true },
	};
	struct sites	*sites = *state;
	struct mail_round_result result;
	struct mail_entry entry;
	bool		 found;

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		script(sites, cases[i].script);
		add_letter(sites, HOUR);
		result = run_round(sites);
		assert_int_equal(result.put_off, cases[i].kept);
		assert_int_equal(result.given_up, !cases[i].kept);
		assert_int_equal(first(sites, &entry), cases[i].kept);
		if (cases[i].kept) {
			assert_int_equal(mail_drop(&sites->site, entry.number,
			    &found), 0);
			assert_true(found);
		}
	}
}

static void
gives_up(void **state)
{
	struct sites	*sites = *state;
	struct mail_round_result result;
	struct mail_entry entry;

	/* What it is about has expired: no use. */
	script(sites, "echo x >>tried; exit 75");
	add_letter(sites, 1);
	sites_await(sites_now() + 1);
	result = run_round(sites);
	assert_int_equal(result.given_up, 1);
	assert_false(exists(sites, "tried"));
	/* Too long in the outbox, but one try it has. */
	add_letter(sites, 24 * HOUR);
	sites_sql(sites, "UPDATE outbox SET created_at = created_at - %lld",
	    (long long)sites->conf.mail_give_up);
	result = run_round(sites);
	assert_int_equal(result.put_off, 1);
	assert_true(exists(sites, "tried"));
	assert_true(first(sites, &entry));
	sites_sql(sites, "UPDATE outbox SET due_at = 1");
	result = run_round(sites);
	assert_int_equal(result.given_up, 1);
	assert_false(first(sites, &entry));
	/* And not a moment earlier. */
	add_letter(sites, 24 * HOUR);
	sites_sql(sites, "UPDATE outbox SET tries = 1, due_at = 1, "
	    "created_at = created_at - %lld",
	    (long long)(sites->conf.mail_give_up - 60000));
	assert_int_equal(run_round(sites).put_off, 1);
}

static void
stops_at_what_hangs(void **state)
{
	struct sites	*sites = *state;
	struct mail_entry entry;
	char		 path[600];

	sites->conf.mail_timeout = 100;
	for (int i = 0; i < 3; i++)
		add_letter(sites, HOUR);
	script(sites, "echo x >>tried; sleep 600");
	assert_int_equal(run_round(sites).put_off, 1);
	(void)snprintf(path, sizeof(path), "%s/sendmail", sites->directory);
	assert_int_equal(unlink(path), 0);
	assert_int_equal(run_round(sites).put_off, 1);
	/* The third has not been tried yet. */
	assert_true(first(sites, &entry));
	script(sites, "exit 0");
	assert_int_equal(run_round(sites).handed_over, 1);
}

static void
one_round_at_a_time(void **state)
{
	struct sites	*sites = *state;
	struct mail_round_result result;
	struct complaint error;
	int		 directory, lock;

	script(sites, "exit 0");
	add_letter(sites, HOUR);
	directory = open(sites->conf.state_dir, O_RDONLY | O_DIRECTORY);
	assert_true(directory != -1);
	lock = filelock_open(directory, "mail.lock");
	assert_true(lock != -1);
	assert_int_equal(filelock_acquire(lock, 0), 0);
	assert_int_equal(mail_round_run(&sites->site, &result, &error), 0);
	assert_int_equal(result.already, 1);
	assert_int_equal(result.handed_over, 0);
	(void)close(lock);
	(void)close(directory);
	assert_int_equal(run_round(sites).handed_over, 1);
}

static void
sends_nothing_without_words(void **state)
{
	struct sites	*sites = *state;
	struct mail_round_result result;
	struct mail_entry entry;
	struct complaint error;

	script(sites, "echo x >>tried");
	template(sites, "Subject: a\n\n{what}\n", 19);
	assert_int_equal(mail_round_run(&sites->site, &result, &error), 0);
	assert_int_equal(result.bad_words, 0);
	add_letter(sites, HOUR);
	assert_int_equal(mail_round_run(&sites->site, &result, &error), 0);
	assert_int_equal(result.bad_words, 1);
	assert_false(exists(sites, "tried"));
	assert_true(first(sites, &entry));
	assert_int_equal(entry.tries, 0);
}

/* However many wait, and whatever keeps them from being tried. */
static void
gives_up_what_cannot_be_tried(void **state)
{
	struct sites	*sites = *state;
	struct mail_round_result result;
	struct mail_entry entry;
	struct complaint error;
	char		*shipped = strdup(sites->conf.mail_templates);

	assert_non_null(shipped);
	/* Expired, behind one that keeps the round from going on. */
	template(sites, "Subject: a\n\n{what}\n", 19);
	add_letter(sites, 24 * HOUR);
	for (int i = 0; i < 100; i++)
		add_letter(sites, 1);
	sites_await(sites_now() + 1);
	assert_int_equal(mail_round_run(&sites->site, &result, &error), 0);
	assert_int_equal(result.bad_words, 1);
	assert_int_equal(result.given_up, 100);
	assert_true(first(sites, &entry));
	/* Never tried, but waiting for too long. */
	sites_sql(sites, "UPDATE outbox SET created_at = created_at - %lld",
	    (long long)sites->conf.mail_give_up);
	assert_int_equal(mail_round_run(&sites->site, &result, &error), 0);
	assert_int_equal(result.given_up, 1);
	assert_false(first(sites, &entry));
	/* The same when nobody takes letters. */
	free(sites->conf.mail_templates);
	sites->conf.mail_templates = shipped;
	for (int i = 0; i < 3; i++)
		add_letter(sites, 24 * HOUR);
	result = run_round(sites);
	assert_int_equal(result.put_off, 1);
	assert_int_equal(result.given_up, 0);
	sites_sql(sites, "UPDATE outbox SET created_at = created_at - %lld",
	    (long long)sites->conf.mail_give_up);
	result = run_round(sites);
	assert_int_equal(result.given_up, 3);
	assert_false(first(sites, &entry));
}

/* Another key, or a row that somebody changed: nobody gets that. */
static void
keeps_what_is_damaged(void **state)
{
	struct sites	*sites = *state;

	script(sites, "echo x >>tried");
	add_letter(sites, HOUR);
	sites_sql(sites, "UPDATE outbox SET letter = zeroblob(200)");
	assert_int_equal(run_round(sites).put_off, 1);
	assert_false(exists(sites, "tried"));
}

/* One that is damaged, and is the first, holds up no other. */
static void
passes_what_is_damaged(void **state)
{
	static const char *const damages[] = {
		"letter = X''", "letter = X'00'", "letter = zeroblob(200)",
		"tries = -1", "tries = 4294967295", "account = -1",
		"created_at = 9223372036854775807",
		"created_at = -9223372036854775807",
		"expires_at = -1",
	};
	struct sites	*sites = *state;
	struct mail_round_result result;
	struct mail_entry entry;
	bool		 found;

	script(sites, "exit 0");
	for (size_t i = 0; i < sizeof(damages) / sizeof(damages[0]); i++) {
		add_letter(sites, HOUR);
		sites_sql(sites, "UPDATE outbox SET due_at = 1, %s",
		    damages[i]);
		add_letter(sites, HOUR);
		result = run_round(sites);
		assert_in_range(result.handed_over, 1, 2);
		assert_int_equal(result.handed_over + result.put_off +
		    result.given_up, 2);
		if (first(sites, &entry))
			assert_int_equal(mail_drop(&sites->site, entry.number,
			    &found), 0);
		assert_false(first(sites, &entry));
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(mail_addresses),
		cmocka_unit_test(site_addresses),
		cmocka_unit_test_setup_teardown(writes_english, setup,
		    teardown),
		cmocka_unit_test_setup_teardown(writes_swedish, setup,
		    teardown),
		cmocka_unit_test_setup_teardown(refuses_bad_templates, setup,
		    teardown),
		cmocka_unit_test_setup_teardown(quotes_what_it_must, setup,
		    teardown),
		cmocka_unit_test_setup_teardown(hands_over, setup, teardown),
		cmocka_unit_test_setup_teardown(forgets_in_the_end, setup,
		    teardown),
		cmocka_unit_test_setup_teardown(tries_again, setup, teardown),
		cmocka_unit_test_setup_teardown(honours_the_status, setup,
		    teardown),
		cmocka_unit_test_setup_teardown(gives_up, setup, teardown),
		cmocka_unit_test_setup_teardown(stops_at_what_hangs, setup,
		    teardown),
		cmocka_unit_test_setup_teardown(one_round_at_a_time, setup,
		    teardown),
		cmocka_unit_test_setup_teardown(sends_nothing_without_words,
		    setup, teardown),
		cmocka_unit_test_setup_teardown(gives_up_what_cannot_be_tried,
		    setup, teardown),
		cmocka_unit_test_setup_teardown(keeps_what_is_damaged, setup,
		    teardown),
		cmocka_unit_test_setup_teardown(passes_what_is_damaged, setup,
		    teardown),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}

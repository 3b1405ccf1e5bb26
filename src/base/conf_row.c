/* SPDX-License-Identifier: ISC */

/*
 * This file knows every setting: one row of the table below is all there is to
 * say about it, and loading, complaining and printing go by the rows.
 */

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/address.h"
#include "base/conf.h"
#include "base/conf_row.h"
#include "base/conf_value.h"
#include "base/log.h"

#define TEXT_MAX 100	/* bytes of site_name and path_prefix */

#define KB	((int64_t)1 << 10)
#define MB	((int64_t)1 << 20)
#define TB	((int64_t)1 << 40)
#define SECOND	((int64_t)1000)
#define HOUR	(3600 * SECOND)
#define DAY	(24 * HOUR)
#define YEAR	(365 * 24 * HOUR)

static const struct conf_word face_words[] = {
	{ "safesecrets", CONF_FACE_SAFESECRETS },
	{ "onetime", CONF_FACE_ONETIME },
	{ "passwordlink", CONF_FACE_PASSWORDLINK },
	{ "native", CONF_FACE_NATIVE },
	{ NULL, 0 },
};
static const struct conf_word create_words[] = {
	{ "anyone", CONF_CREATE_ANYONE },
	{ "keys", CONF_CREATE_KEYS },
	{ "nobody", CONF_CREATE_NOBODY },
	{ NULL, 0 },
};
static const struct conf_word address_words[] = {
	{ "full", CONF_ADDRESSES_FULL },
	{ "truncated", CONF_ADDRESSES_TRUNCATED },
	{ "none", CONF_ADDRESSES_NONE },
	{ NULL, 0 },
};
static const struct conf_word language_words[] = {
	{ "en", CONF_ENGLISH },
	{ "sv", CONF_SWEDISH },
	{ NULL, 0 },
};
static const struct conf_word sandbox_words[] = {
	{ "kill", CONF_SANDBOX_KILL },
	{ "off", CONF_SANDBOX_OFF },
	{ NULL, 0 },
};
static const struct conf_word log_words[] = {
	{ "stderr", LOG_TO_STDERR },
	{ "syslog", LOG_TO_SYSLOG },
	{ NULL, 0 },
};
static const struct conf_word log_level_words[] = {
	{ "error", LOG_LEVEL_ERROR },
	{ "warning", LOG_LEVEL_WARNING },
	{ "info", LOG_LEVEL_INFO },
	{ NULL, 0 },
};

#define MEMBER(m) offsetof(struct conf, m)

static const struct conf_row rows[] = {
	{ "state_dir", CONF_ROW_PATH, MEMBER(state_dir), 0, 0,
	    ONCELINK_STATE_DIR,
	    "the directory of the database and its locks", NULL, NULL },
	{ "key_file", CONF_ROW_PATH, MEMBER(key_file), 0, 0, ONCELINK_KEY_FILE,
	    "the keys of this server", NULL, NULL },
	{ "site_name", CONF_ROW_TEXT, MEMBER(site_name), 0, 0, "Oncelink",
	    "the name that the pages show", NULL, NULL },
	{ "path_prefix", CONF_ROW_PREFIX, MEMBER(path_prefix), 0, 0, "",
	    "what precedes every path of this site", NULL, NULL },
	{ "faces", CONF_ROW_WORDS, MEMBER(faces), 0, 0,
	    "safesecrets onetime passwordlink native",
	    "the interfaces that are served", face_words, NULL },
	{ "create", CONF_ROW_WORD, MEMBER(create), 0, 0, "anyone",
	    "who may create secrets", create_words, NULL },
	{ "trusted_proxies", CONF_ROW_NETWORKS, MEMBER(trusted_proxies),
	    0, 0, "", "whose X-Forwarded-For is believed", NULL, NULL },
	{ "client_secrets", CONF_ROW_NUMBER, MEMBER(client_secrets),
	    0, 1000000000, "1000",
	    "secrets that one client may make in an hour; 0 for any number",
	    NULL, NULL },
	{ "client_bytes", CONF_ROW_SIZE, MEMBER(client_bytes), 0, 16 * TB,
	    "256M", "how much one client may store in an hour; 0 for any "
	    "amount", NULL, NULL },
	{ "client_ipv4_bits", CONF_ROW_NUMBER, MEMBER(client_ipv4_bits),
	    8, 32, "32", "how much of an IPv4 address tells clients apart",
	    NULL, NULL },
	{ "client_ipv6_bits", CONF_ROW_NUMBER, MEMBER(client_ipv6_bits),
	    16, 128, "56", "how much of an IPv6 address tells clients apart",
	    NULL, NULL },
	{ "threads", CONF_ROW_NUMBER, MEMBER(threads), 1, 64, "32",
	    "requests that are answered at once", NULL, NULL },
	{ "shutdown_seconds", CONF_ROW_DURATION, MEMBER(shutdown_wait),
	    SECOND, 600 * SECOND, "10s",
	    "the time for what is in flight when the worker stops",
	    NULL, NULL },
	{ "sandbox", CONF_ROW_WORD, MEMBER(sandbox), 0, 0, "kill",
	    "what happens to a worker that does what no worker does",
	    sandbox_words, NULL },
	{ "lock_wait", CONF_ROW_DURATION, MEMBER(lock_wait),
	    100, 60 * SECOND, "5s",
	    "the longest wait for the write lock", NULL, NULL },
	{ "kdf_wait", CONF_ROW_DURATION, MEMBER(kdf_wait),
	    100, 60 * SECOND, "2s",
	    "the longest wait for a turn at stretching a PIN", NULL, NULL },
	{ "erase_delay", CONF_ROW_DURATION, MEMBER(erase_delay),
	    0, 60 * SECOND, "1s",
	    "from the end of a secret until its bytes are erased",
	    NULL, NULL },
	{ "max_store", CONF_ROW_SIZE, MEMBER(max_store), MB, 16 * TB, "1G",
	    "the largest database; beyond it nothing is created",
	    NULL, NULL },
	{ "max_secrets", CONF_ROW_NUMBER, MEMBER(max_secrets), 0,
	    1000000000000, "10000000",
	    "secrets that wait at a time; beyond it nothing is created; "
	    "0 for any number", NULL, NULL },
	{ "kdf_passes", CONF_ROW_NUMBER, MEMBER(kdf_passes), 1, 10, "2",
	    "passes of Argon2id over a PIN", NULL, NULL },
	{ "kdf_memory", CONF_ROW_SIZE, MEMBER(kdf_memory), 8 * MB, 256 * MB,
	    "19M", "memory of Argon2id over a PIN", NULL, NULL },
	{ "max_message", CONF_ROW_SIZE, MEMBER(max_message), KB, MB, "64K",
	    "the largest message of the safesecrets and onetime faces",
	    NULL, NULL },
	{ "max_envelope", CONF_ROW_SIZE, MEMBER(max_envelope), KB, 64 * MB,
	    "10244K", "the largest envelope of the native face", NULL, NULL },
	{ "max_ciphertext", CONF_ROW_SIZE, MEMBER(max_ciphertext), KB, 16 * MB,
	    "1M", "the largest ciphertext of the passwordlink face, decoded",
	    NULL, NULL },
	{ "max_attachment", CONF_ROW_SIZE, MEMBER(max_attachment), KB, 64 * MB,
	    "10M", "the largest attachment of the passwordlink face, decoded",
	    NULL, NULL },
	{ "max_expire", CONF_ROW_SECONDS, MEMBER(max_expire),
	    60 * SECOND, 10 * YEAR, "30d",
	    "the longest life of a secret but for the safesecrets face",
	    NULL, NULL },
	{ "default_views", CONF_ROW_NUMBER, MEMBER(default_views), 1, 100, "1",
	    "views of a secret whose maker does not say", NULL, NULL },
	{ "claim_seconds", CONF_ROW_SECONDS, MEMBER(claim_time), 0, HOUR,
	    "60s", "how long a reader may fetch again; 0s for never",
	    NULL, NULL },
	{ "keep_receipts", CONF_ROW_DURATION, MEMBER(keep_receipts), 0,
	    10 * YEAR, "30d",
	    "how long receipts are kept when their secrets have expired",
	    NULL, NULL },
	{ "viewer_addresses", CONF_ROW_WORD, MEMBER(viewer_addresses), 0, 0,
	    "truncated",
	    "what of a viewer's address the secret's account sees",
	    address_words, NULL },
	{ "pin_size", CONF_ROW_NUMBER, MEMBER(pin_size), 1,
	    CONF_PIN_SIZE_MAX, "5",
	    "characters of a PIN of the safesecrets face",
	    NULL, "PIN_SIZE" },
	{ "pin_attempts", CONF_ROW_NUMBER, MEMBER(pin_attempts), 1, 10, "3",
	    "wrong tries that destroy a secret", NULL, "PIN_ATTEMPTS" },
	{ "safesecrets_max_expire", CONF_ROW_SECONDS,
	    MEMBER(safesecrets_max_expire), SECOND, 10 * YEAR, "24h",
	    "the longest life of a secret of the safesecrets face",
	    NULL, "MAX_EXPIRE" },
	{ "site_url", CONF_ROW_SITE, MEMBER(site_url), 0, 0, "",
	    "where people find this site; links in mails begin with it",
	    NULL, NULL },
	{ "sendmail", CONF_ROW_PATH, MEMBER(sendmail), 0, 0,
	    "/usr/sbin/sendmail", "the program that takes mail",
	    NULL, NULL },
	{ "mail_from", CONF_ROW_MAIL, MEMBER(mail_from), 0, 0, "",
	    "whom mails are from; when empty, what sendmail puts there",
	    NULL, NULL },
	{ "mail_language", CONF_ROW_WORD, MEMBER(mail_language), 0, 0, "en",
	    "the language of mails", language_words, NULL },
	{ "mail_templates", CONF_ROW_PATH, MEMBER(mail_templates), 0, 0,
	    ONCELINK_MAIL_DIR, "the directory of the words of mails",
	    NULL, NULL },
	{ "mail_timeout", CONF_ROW_DURATION, MEMBER(mail_timeout),
	    100, 600 * SECOND, "30s", "how long sendmail may take",
	    NULL, NULL },
	{ "mail_give_up", CONF_ROW_DURATION, MEMBER(mail_give_up),
	    SECOND, 30 * DAY, "3d",
	    "how long a mail that is not taken is tried", NULL, NULL },
	{ "log", CONF_ROW_WORD, MEMBER(log_target), 0, 0, "syslog",
	    "where log lines go", log_words, NULL },
	{ "log_level", CONF_ROW_WORD, MEMBER(log_level), 0, 0, "warning",
	    "the least important lines that are logged",
	    log_level_words, NULL },
};
#define ROWS (sizeof(rows) / sizeof(rows[0]))

const struct conf_row *
conf_row_at(size_t i)
{
	return i < ROWS ? &rows[i] : NULL;
}

const struct conf_row *
conf_row_find(const char *name)
{
	size_t i;

	for (i = 0; i < ROWS; i++)
		if (strcmp(rows[i].name, name) == 0)
			return &rows[i];
	return NULL;
}

size_t
conf_row_index(const struct conf_row *row)
{
	return (size_t)(row - rows);
}

static void *
member(struct conf *conf, const struct conf_row *row)
{
	return (char *)conf + row->offset;
}

static const void *
const_member(const struct conf *conf, const struct conf_row *row)
{
	return (const char *)conf + row->offset;
}

static void
print_number(FILE *out, const struct conf_row *row, int64_t number)
{
	char text[CONF_VALUE_SIZE];

	if (row->type == CONF_ROW_NUMBER)
		(void)snprintf(text, sizeof(text), "%" PRId64, number);
	else if (row->type == CONF_ROW_SIZE)
		conf_value_print_size(text, number);
	else
		conf_value_print_duration(text, number);
	(void)fputs(text, out);
}

static void
print_range(FILE *out, const char *what, const struct conf_row *row,
    const char *examples)
{
	(void)fprintf(out, "%s from ", what);
	print_number(out, row, row->min);
	(void)fputs(" to ", out);
	print_number(out, row, row->max);
	(void)fputs(examples, out);
}

static void
print_words(FILE *out, const char *what, const struct conf_word *word)
{
	(void)fputs(what, out);
	for (; word->name != NULL; word++)
		(void)fprintf(out, "%s%s", word->name,
		    word[1].name != NULL ? ", " : "");
}

void
conf_row_print_allowed(const struct conf_row *row, FILE *out)
{
	switch (row->type) {
	case CONF_ROW_NUMBER:
		print_range(out, "a whole number", row, "");
		break;
	case CONF_ROW_SIZE:
		print_range(out, "a size", row, ", such as 64K or 10M");
		break;
	case CONF_ROW_DURATION:
		print_range(out, "a duration", row,
		    ", such as 250ms, 90s or 1h30m");
		break;
	case CONF_ROW_SECONDS:
		print_range(out, "a duration of whole seconds", row,
		    ", such as 90s or 1h30m");
		break;
	case CONF_ROW_PATH:
		(void)fputs("a path, from / or from the directory of this "
		    "file", out);
		break;
	case CONF_ROW_TEXT:
		(void)fprintf(out, "1 to %d bytes of UTF-8 without control "
		    "characters", TEXT_MAX);
		break;
	case CONF_ROW_PREFIX:
		(void)fputs("nothing, or a path such as /once of letters, "
		    "digits, -, ., _ and ~, not ending in /", out);
		break;
	case CONF_ROW_SITE:
		(void)fputs("nothing, or an http or https address without a "
		    "slash at its end, such as https://secrets.example.org or "
		    "https://www.example.org/once", out);
		break;
	case CONF_ROW_MAIL:
		(void)fputs("nothing, or one mail address, such as "
		    "secrets@example.org", out);
		break;
	case CONF_ROW_WORD:
		print_words(out, "one of ", row->words);
		break;
	case CONF_ROW_WORDS:
		print_words(out, "one or more of ", row->words);
		break;
	case CONF_ROW_NETWORKS:
		(void)fprintf(out, "up to %d addresses or networks, such as "
		    "127.0.0.1, ::1 or 10.0.0.0/8", CONF_NETWORKS_MAX);
		break;
	}
}

void
conf_row_print(const struct conf_row *row, const struct conf *conf, FILE *out)
{
	const void *value = const_member(conf, row);
	const struct conf_word *word;
	const struct conf_network *network;
	const char *gap = "";
	char text[CONF_VALUE_SIZE];
	size_t i;

	switch (row->type) {
	case CONF_ROW_NUMBER:
	case CONF_ROW_SIZE:
	case CONF_ROW_DURATION:
	case CONF_ROW_SECONDS:
		print_number(out, row, *(const int64_t *)value);
		break;
	case CONF_ROW_PATH:
	case CONF_ROW_TEXT:
	case CONF_ROW_PREFIX:
	case CONF_ROW_SITE:
	case CONF_ROW_MAIL:
		(void)fputs(*(char *const *)value, out);
		break;
	case CONF_ROW_WORD:
		for (word = row->words; word->name != NULL; word++)
			if ((int)word->value == *(const int *)value)
				(void)fputs(word->name, out);
		break;
	case CONF_ROW_WORDS:
		for (word = row->words; word->name != NULL; word++)
			if ((word->value & *(const unsigned int *)value) != 0) {
				(void)fprintf(out, "%s%s", gap, word->name);
				gap = " ";
			}
		break;
	case CONF_ROW_NETWORKS:
		network = value;
		for (i = 0; i < conf->trusted_proxies_count; i++) {
			conf_value_print_network(text, &network[i]);
			(void)fprintf(out, "%s%s", gap, text);
			gap = " ";
		}
		break;
	}
}

static int
set_number(const struct conf_row *row, int64_t *number, const char *text)
{
	int64_t n;
	bool good;

	if (row->type == CONF_ROW_NUMBER)
		good = conf_value_number(text, &n);
	else if (row->type == CONF_ROW_SIZE)
		good = conf_value_size(text, &n);
	else
		good = conf_value_duration(text, &n);
	if (!good || n < row->min || n > row->max)
		return 1;
	if (row->type == CONF_ROW_SECONDS && n % SECOND != 0)
		return 1;
	*number = n;
	return 0;
}

static bool
is_prefix(const char *text)
{
	static const char unreserved[] = "abcdefghijklmnopqrstuvwxyz"
	    "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._~";
	size_t len;

	if (strlen(text) > TEXT_MAX)
		return false;
	while (*text != '\0') {
		if (*text++ != '/')
			return false;
		len = strspn(text, unreserved);
		if (len == 0 || (len == 1 && text[0] == '.') ||
		    (len == 2 && text[0] == '.' && text[1] == '.'))
			return false;
		text += len;
	}
	return true;
}

static bool
is_allowed(const struct conf_row *row, const char *text)
{
	switch (row->type) {
	case CONF_ROW_PREFIX:
		return is_prefix(text);
	case CONF_ROW_SITE:
		return *text == '\0' || address_is_site(text);
	case CONF_ROW_MAIL:
		return *text == '\0' || address_is_mail(text, strlen(text));
	case CONF_ROW_TEXT:
		if (strlen(text) > TEXT_MAX)
			return false;
		break;
	default:
		break;
	}
	return *text != '\0' && conf_value_is_text(text);
}

static int
set_string(const struct conf_row *row, char **string, const char *text,
    const char *directory)
{
	char *copy;

	if (!is_allowed(row, text))
		return 1;
	if (row->type == CONF_ROW_PATH && *text != '/') {
		if (asprintf(&copy, "%s/%s", directory, text) == -1)
			return -1;
	} else {
		copy = strdup(text);
		if (copy == NULL)
			return -1;
	}
	free(*string);
	*string = copy;
	return 0;
}

/* The value of the word that is len bytes of text, in *value. */
static bool
find_word(const struct conf_word *word, const char *text, size_t len,
    unsigned int *value)
{
	for (; word->name != NULL; word++) {
		if (strlen(word->name) == len &&
		    memcmp(word->name, text, len) == 0) {
			*value = word->value;
			return true;
		}
	}
	return false;
}

static int
set_words(const struct conf_row *row, unsigned int *bits, const char *text)
{
	unsigned int bit, all = 0;
	size_t len;

	for (text += strspn(text, CONF_ROW_GAPS); *text != '\0';
	    text += strspn(text, CONF_ROW_GAPS)) {
		len = strcspn(text, CONF_ROW_GAPS);
		if (!find_word(row->words, text, len, &bit) ||
		    (all & bit) != 0)
			return 1;
		all |= bit;
		text += len;
	}
	if (all == 0)
		return 1;
	*bits = all;
	return 0;
}

static int
set_networks(struct conf *conf, const char *text)
{
	char one[CONF_VALUE_SIZE];
	size_t len, count = 0;

	for (text += strspn(text, CONF_ROW_GAPS); *text != '\0';
	    text += strspn(text, CONF_ROW_GAPS)) {
		len = strcspn(text, CONF_ROW_GAPS);
		if (len >= sizeof(one) || count == CONF_NETWORKS_MAX)
			return 1;
		memcpy(one, text, len);
		one[len] = '\0';
		if (!conf_value_network(one, &conf->trusted_proxies[count]))
			return 1;
		count++;
		text += len;
	}
	conf->trusted_proxies_count = count;
	return 0;
}

int
conf_row_set(const struct conf_row *row, struct conf *conf, const char *text,
    const char *directory)
{
	void *value = member(conf, row);
	unsigned int word;

	switch (row->type) {
	case CONF_ROW_NUMBER:
	case CONF_ROW_SIZE:
	case CONF_ROW_DURATION:
	case CONF_ROW_SECONDS:
		return set_number(row, value, text);
	case CONF_ROW_PATH:
	case CONF_ROW_TEXT:
	case CONF_ROW_PREFIX:
	case CONF_ROW_SITE:
	case CONF_ROW_MAIL:
		return set_string(row, value, text, directory);
	case CONF_ROW_WORD:
		if (!find_word(row->words, text, strlen(text), &word))
			return 1;
		*(int *)value = (int)word;
		return 0;
	case CONF_ROW_WORDS:
		return set_words(row, value, text);
	case CONF_ROW_NETWORKS:
		return set_networks(conf, text);
	}
	return 1;
}

void
conf_row_free(const struct conf_row *row, struct conf *conf)
{
	char **string;

	if (row->type != CONF_ROW_PATH && row->type != CONF_ROW_TEXT &&
	    row->type != CONF_ROW_PREFIX && row->type != CONF_ROW_SITE &&
	    row->type != CONF_ROW_MAIL)
		return;
	string = member(conf, row);
	free(*string);
	*string = NULL;
}

/* SPDX-License-Identifier: ISC */

/*
 * Key files and keys of days are made, replaced, read and destroyed while a
 * call of the system or an allocation fails, for every one of them: what was
 * there is there, or what was asked for is done, and the error says which.
 */

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <sys/stat.h>

#include <fcntl.h>
#include <sodium.h>
#include <unistd.h>

#include "../torture/faults.h"
#include "base/complaint.h"
#include "base/filelock.h"
#include "crypto/epoch.h"
#include "crypto/keyfile.h"
#include "crypto/keyring.h"

#define DAY_KEYS 3	/* that are destroyed */

static char	 directory[512];

static const char *
path(const char *name)
{
	static char	 whole[2][640];
	static unsigned int turn;

	turn ^= 1;
	(void)snprintf(whole[turn], sizeof(whole[turn]), "%s/%s", directory,
	    name);
	return whole[turn];
}

static int
setup(void **state)
{
	const char	*base = getenv("TMPDIR");

	(void)state;
	(void)snprintf(directory, sizeof(directory),
	    "%s/oncelink-keys.XXXXXX", base == NULL ? P_tmpdir : base);
	return mkdtemp(directory) == NULL ? -1 : 0;
}

static int
teardown(void **state)
{
	static const char *const names[] = { "server.key", "server.key.new",
	    "keys/lock", "keys/new" };

	(void)state;
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		(void)unlink(path(names[i]));
	(void)rmdir(path("keys"));
	return rmdir(directory);
}

/* What fails, and how often; a test takes one after the other. */
struct shot {
	enum faults_kind kind;
	bool		 for_good;
	unsigned long	 number;
	unsigned int	 failed;	/* calls, of this kind */
	int		 result;
	struct complaint error;
};

typedef int call_fn(struct complaint *error, void *argument);

/* The call while it fails; false when nothing was left to fail. */
static bool
shoot(struct shot *shot, call_fn *call, void *argument)
{
	bool	 hit;

	shot->error.text[0] = '\0';
	faults_arm(shot->kind, shot->number, shot->for_good);
	shot->result = call(&shot->error, argument);
	hit = faults_disarm();
	if (shot->result == -1 && (!hit || shot->error.text[0] == '\0' ||
	    strstr(shot->error.text, "Success") != NULL))
		fail_msg("%s %lu%s: \"%s\"", faults_names[shot->kind],
		    shot->number, shot->for_good ? " and on" : "",
		    shot->error.text);
	shot->failed += shot->result == -1;
	return hit;
}

#define SAYS(shot, word) (strstr((shot)->error.text, (word)) != NULL)

/* check(shot, argument) for every kind and number. */
static void
shoot_all(call_fn *call, void (*prepare)(void *),
    void (*check)(const struct shot *, void *), void *argument)
{
	for (enum faults_kind kind = 0; kind < FAULTS_KIND__MAX; kind++)
		for (int for_good = 0; for_good < 2; for_good++) {
			struct shot	 shot = {
				.kind = kind, .for_good = for_good == 1
			};
			bool		 hit;

			do {
				shot.number++;
				prepare(argument);
				hit = shoot(&shot, call, argument);
				check(&shot, argument);
			} while (hit);
		}
}

/* The file of keys */

static struct keyfile *
read_keys(void)
{
	struct complaint error = { "" };
	struct keyfile	*keyfile = keyfile_read(path("server.key"), &error);

	if (keyfile == NULL)
		fail_msg("%s", error.text);
	return keyfile;
}

static int
create(struct complaint *error, void *argument)
{
	(void)argument;
	return keyfile_create(path("server.key"), error);
}

static void
remove_file(void *argument)
{
	(void)argument;
	(void)unlink(path("server.key"));
}

/* A disk that is full is said to be. */
static void
assert_says_why(const struct shot *shot)
{
	if (shot->result == -1 && (shot->kind == FAULTS_FULL ||
	    shot->kind == FAULTS_SHORT) && !SAYS(shot, "No space left"))
		fail_msg("%s %lu: %s", faults_names[shot->kind], shot->number,
		    shot->error.text);
}

/* Whoever tries again is not told that there is one. */
static void
is_there_or_not(const struct shot *shot, void *argument)
{
	struct complaint error = { "" };

	(void)argument;
	assert_says_why(shot);
	if (shot->result == -1 && create(&error, NULL) == -1)
		fail_msg("%s %lu: %s; and then %s", faults_names[shot->kind],
		    shot->number, shot->error.text, error.text);
	keyfile_free(read_keys());
}

static void
is_made_whole_or_not(void **state)
{
	(void)state;
	shoot_all(create, remove_file, is_there_or_not, NULL);
}

struct rotation {
	struct keyfile	*before;
	uint32_t	 drop;
	uint32_t	 made;
};

static int
rotate(struct complaint *error, void *argument)
{
	struct rotation	*rotation = argument;

	return keyfile_rotate(path("server.key"), &rotation->drop, 1,
	    &rotation->made, error);
}

/* Three keys, and what somebody who was killed has left. */
static void
prepare_rotation(void *argument)
{
	struct rotation	*rotation = argument;
	struct complaint error;
	int		 fd;

	keyfile_free(rotation->before);
	remove_file(NULL);
	assert_int_equal(create(&error, NULL), 0);
	rotation->drop = 0;
	for (int i = 0; i < 2; i++)
		assert_int_equal(rotate(&error, rotation), 0);
	rotation->before = read_keys();
	assert_int_equal(rotation->before->count, 3);
	rotation->drop = 1;
	fd = open(path("server.key.new"), O_WRONLY | O_CREAT, 0600);
	assert_int_equal(write(fd, "half", 4), 4);
	assert_int_equal(close(fd), 0);
}

static void
is_old_or_new(const struct shot *shot, void *argument)
{
	struct rotation	*rotation = argument;
	const struct keyfile *before = rotation->before;
	struct keyfile	*after = read_keys();
	size_t		 kept = before->count - 1;
	struct stat	 beside;
	bool		 is_old = after->count == before->count &&
			    memcmp(after->seals, before->seals,
			    sizeof(after->seals)) == 0;

	assert_says_why(shot);
	assert_memory_equal(after->lookup, before->lookup,
	    sizeof(after->lookup));
	if (!is_old) {
		assert_memory_equal(after->seals, before->seals + 1,
		    kept * sizeof(after->seals[0]));
		assert_int_equal(after->count, kept + 1);
		assert_int_equal(after->seals[kept].id, rotation->made);
	}
	/* The new one is there, or it was said that it is not. */
	if (is_old != (shot->result == -1) &&
	    !SAYS(shot, "may not outlive a power cut"))
		fail_msg("%s %lu: %s", faults_names[shot->kind], shot->number,
		    shot->error.text);
	/* Who did not get that far has left what there was. */
	if (stat(path("server.key.new"), &beside) == 0 &&
	    (shot->result == 0 || beside.st_size != 4))
		fail_msg("%s %lu%s: %d, something is left beside: %s",
		    faults_names[shot->kind], shot->number,
		    shot->for_good ? " and on" : "", shot->result,
		    shot->error.text);
	keyfile_free(after);
}

static void
is_replaced_whole_or_not(void **state)
{
	struct rotation	 rotation = { .before = NULL };

	(void)state;
	shoot_all(rotate, prepare_rotation, is_old_or_new, &rotation);
	keyfile_free(rotation.before);
}

static int
load(struct complaint *error, void *argument)
{
	struct keyring	**keyring = argument;

	*keyring = keyring_load(path("server.key"), error);
	return *keyring == NULL ? -1 : 0;
}

static void
do_nothing(void *argument)
{
	(void)argument;
}

/* A key that came since is not said to be missing for good. */
static void
finds_the_newest(const struct shot *shot, void *argument)
{
	struct keyring	**keyring = argument;
	struct complaint error;
	uint32_t	 made, none = 0;

	if (shot->result == -1)
		assert_int_equal(load(&error, keyring), 0);
	assert_int_equal(keyfile_rotate(path("server.key"), &none, 1, &made,
	    &error), 0);
	faults_arm(shot->kind, shot->number, shot->for_good);
	(void)keyring_seal_subkey(*keyring, made);
	(void)faults_disarm();
	assert_non_null(keyring_seal_subkey(*keyring, made));
	assert_non_null(keyring_seal_subkey(*keyring, made - 1));
	keyring_free(*keyring);
	remove_file(NULL);
	assert_int_equal(create(&error, NULL), 0);
}

static void
is_read_or_said_not_to_be(void **state)
{
	struct complaint error;
	struct keyring	*keyring;

	(void)state;
	assert_int_equal(create(&error, NULL), 0);
	shoot_all(load, do_nothing, finds_the_newest, &keyring);
}

/* Keys of days */

struct days {
	struct epochs	*epochs;
	uint32_t	 today;
	int		 files[DAY_KEYS];	/* of the days before */
	size_t		 destroyed;
};

static const char *
day_path(uint32_t epoch)
{
	char	 name[32];

	(void)snprintf(name, sizeof(name), "keys/%u", epoch);
	return path(name);
}

static int
open_days(struct complaint *error, void *argument)
{
	struct days	*days = argument;

	days->epochs = epoch_open(directory, error);
	return days->epochs == NULL ? -1 : 0;
}

/* As a process that starts now sees it. */
static bool
has_key(uint32_t epoch, uint8_t key[EPOCH_KEYBYTES])
{
	struct complaint error;
	struct days	 days;
	int		 result;

	assert_int_equal(open_days(&error, &days), 0);
	result = epoch_key(days.epochs, epoch, key);
	epoch_close(days.epochs);
	return result == 0;
}

static void
opens_again(const struct shot *shot, void *argument)
{
	struct days	*days = argument;
	struct complaint error;

	if (shot->result == -1)
		assert_int_equal(open_days(&error, days), 0);
	epoch_close(days->epochs);
}

static int
make(struct complaint *error, void *argument)
{
	struct days	*days = argument;

	return epoch_make(days->epochs, days->today, NULL, error);
}

static void
next_day(void *argument)
{
	struct days	*days = argument;
	struct complaint error;

	(void)unlink(day_path(days->today));
	epoch_close(days->epochs);
	assert_int_equal(open_days(&error, days), 0);
	days->today++;
}

/* What was sealed with opens after a power cut; the same key is for all who
 * come, also after one who was told that it could not be made. */
static void
is_one_for_all(const struct shot *shot, void *argument)
{
	struct days	*days = argument;
	struct complaint error;
	uint8_t		 here[EPOCH_KEYBYTES], there[EPOCH_KEYBYTES];
	bool		 was_there = has_key(days->today, there);

	if (shot->result == 0)
		assert_true(was_there);
	else
		assert_int_equal(make(&error, days), 0);
	/* A full disk is no failure of ours. */
	if (shot->kind == FAULTS_FULL || shot->kind == FAULTS_SHORT)
		assert_int_not_equal(shot->result, -1);
	else
		assert_int_not_equal(shot->result, 1);
	assert_int_equal(epoch_key(days->epochs, days->today, here), 0);
	if (!was_there)
		assert_true(has_key(days->today, there));
	assert_memory_equal(here, there, sizeof(here));
}

static int
destroy(struct complaint *error, void *argument)
{
	struct days	*days = argument;

	return epoch_destroy(days->epochs, days->today, &days->destroyed,
	    error);
}

static void
make_days(void *argument)
{
	struct days	*days = argument;
	struct complaint error;

	for (int i = 0; i < DAY_KEYS; i++) {
		assert_int_equal(make(&error, days), 0);
		days->files[i] = open(day_path(days->today), O_RDONLY);
		assert_true(days->files[i] != -1);
		days->today++;
	}
}

/* No name goes before what it names: nobody could reach that any more. */
static void
is_gone_or_named(const struct shot *shot, void *argument)
{
	static const uint8_t zeroes[EPOCH_KEYBYTES];
	struct days	*days = argument;
	struct complaint error;
	uint8_t		 key[EPOCH_KEYBYTES];
	size_t		 left = 0;

	for (int i = 0; i < DAY_KEYS; i++) {
		uint32_t	 epoch = days->today - DAY_KEYS + (uint32_t)i;

		if (access(day_path(epoch), F_OK) == 0)
			left++;
		else {
			assert_int_equal(pread(days->files[i], key,
			    sizeof(key), 0), sizeof(key));
			assert_memory_equal(key, zeroes, sizeof(key));
		}
	}
	assert_int_equal(left, DAY_KEYS - days->destroyed);
	assert_true(left == 0 || shot->result == -1);
	assert_int_equal(destroy(&error, days), 0);
	assert_int_equal(days->destroyed, left);
	for (int i = 0; i < DAY_KEYS; i++)
		assert_int_equal(close(days->files[i]), 0);
}

static void
days_are_whole_or_not_there(void **state)
{
	struct days	 days = { .today = 20000 };
	struct complaint error;

	(void)state;
	shoot_all(open_days, do_nothing, opens_again, &days);
	assert_int_equal(open_days(&error, &days), 0);
	shoot_all(make, next_day, is_one_for_all, &days);
	next_day(&days);
	shoot_all(destroy, make_days, is_gone_or_named, &days);
	epoch_close(days.epochs);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(is_made_whole_or_not, setup,
		    teardown),
		cmocka_unit_test_setup_teardown(is_replaced_whole_or_not,
		    setup, teardown),
		cmocka_unit_test_setup_teardown(is_read_or_said_not_to_be,
		    setup, teardown),
		cmocka_unit_test_setup_teardown(days_are_whole_or_not_there,
		    setup, teardown),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	if (sodium_init() == -1 || filelock_prepare() == -1)
		return 1;
	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: ISC */

/* The key of a day is one for all who ask, outlives them, and is destroyed. */

#include <sys/stat.h>
#include <sys/wait.h>

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>
#include <sodium.h>

#include "base/complaint.h"
#include "base/filelock.h"
#include "crypto/epoch.h"

#define DAY	((int64_t)86400000)
#define TODAY	20000
#define MAKERS	8

static char directory[512];

static const char *
path(const char *name)
{
	static char	 whole[640];

	(void)snprintf(whole, sizeof(whole), "%s/keys%s%s", directory,
	    *name == '\0' ? "" : "/", name);
	return whole;
}

static int
setup(void **state)
{
	const char	*base = getenv("TMPDIR");

	(void)state;
	(void)snprintf(directory, sizeof(directory),
	    "%s/oncelink-epoch.XXXXXX", base == NULL ? P_tmpdir : base);
	return mkdtemp(directory) == NULL ? -1 : 0;
}

static int
teardown(void **state)
{
	static const char *const names[] = { "lock", "new", "notes", "20001",
	    "20000", "19999", "19998", "0" };

	(void)state;
	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++)
		(void)unlink(path(names[i]));
	(void)rmdir(path(""));
	return rmdir(directory);
}

static struct epochs *
open_epochs(void)
{
	struct complaint error = { "" };
	struct epochs	*epochs;

	epochs = epoch_open(directory, &error);
	if (epochs == NULL)
		fail_msg("%s", error.text);
	return epochs;
}

static void
make(struct epochs *epochs, uint32_t epoch)
{
	struct complaint error = { "" };

	if (epoch_make(epochs, epoch, &error) == -1)
		fail_msg("%s", error.text);
}

/* As a process that starts now sees it. */
static int
key_of(uint32_t epoch, uint8_t key[EPOCH_KEYBYTES])
{
	struct epochs	*epochs = open_epochs();
	int		 result;

	result = epoch_key(epochs, epoch, key);
	epoch_close(epochs);
	return result;
}

static void
is_one_for_all(void **state)
{
	struct epochs	*epochs = open_epochs();
	struct stat	 status;
	uint8_t		 here[EPOCH_KEYBYTES], there[EPOCH_KEYBYTES];

	(void)state;
	assert_int_equal(epoch_key(epochs, TODAY, here), -1);
	make(epochs, TODAY);
	make(epochs, TODAY);
	assert_int_equal(epoch_key(epochs, TODAY, here), 0);
	assert_int_equal(key_of(TODAY, there), 0);
	assert_memory_equal(here, there, sizeof(here));
	make(epochs, TODAY + 1);
	assert_int_equal(epoch_key(epochs, TODAY + 1, there), 0);
	assert_memory_not_equal(here, there, sizeof(here));
	assert_int_equal(epoch_key(epochs, TODAY - 1, there), -1);
	assert_int_equal(stat(path(""), &status), 0);
	assert_int_equal(status.st_mode & 07777, 0700);
	assert_int_equal(stat(path("20000"), &status), 0);
	assert_int_equal(status.st_mode & 07777, 0600);
	epoch_close(epochs);
}

/* In a process of its own; writes what it has to the pipe. */
static void
make_and_tell(int out)
{
	uint8_t		 key[EPOCH_KEYBYTES];
	struct complaint error;
	struct epochs	*epochs = epoch_open(directory, &error);

	if (epochs == NULL || epoch_make(epochs, TODAY, &error) == -1 ||
	    epoch_key(epochs, TODAY, key) == -1 ||
	    write(out, key, sizeof(key)) != (ssize_t)sizeof(key))
		_exit(1);
	_exit(0);
}

static void
is_made_once(void **state)
{
	uint8_t	 keys[MAKERS][EPOCH_KEYBYTES];
	int	 pipes[2], status;

	(void)state;
	assert_int_equal(pipe(pipes), 0);
	for (int i = 0; i < MAKERS; i++)
		if (fork() == 0)
			make_and_tell(pipes[1]);
	for (int i = 0; i < MAKERS; i++) {
		assert_true(wait(&status) > 0);
		assert_int_equal(status, 0);
		assert_int_equal(read(pipes[0], keys[i], EPOCH_KEYBYTES),
		    EPOCH_KEYBYTES);
		assert_memory_equal(keys[i], keys[0], EPOCH_KEYBYTES);
	}
	close(pipes[0]);
	close(pipes[1]);
}

static void
is_of_its_day(void **state)
{
	(void)state;
	assert_int_equal(epoch_of(0), 1);
	assert_int_equal(epoch_of(TODAY * DAY), TODAY);
	assert_int_equal(epoch_of(TODAY * DAY + DAY - 1), TODAY);
	assert_int_equal(epoch_of(TODAY * DAY + DAY), TODAY + 1);
}

static void
refuses_what_is_not_its_own(void **state)
{
	struct epochs	*epochs = open_epochs();
	struct complaint error = { "" };
	uint8_t		 key[EPOCH_KEYBYTES];
	char		 from[640];
	int		 fd;

	(void)state;
	make(epochs, TODAY);
	epoch_close(epochs);
	/* Of another day. */
	(void)snprintf(from, sizeof(from), "%s", path("20000"));
	assert_int_equal(rename(from, path("20001")), 0);
	assert_int_equal(key_of(TODAY + 1, key), -1);
	epochs = open_epochs();
	assert_int_equal(epoch_make(epochs, TODAY + 1, &error), -1);
	assert_non_null(strstr(error.text, "20001"));
	epoch_close(epochs);
	assert_int_equal(rename(path("20001"), from), 0);
	assert_int_equal(key_of(TODAY, key), 0);
	/* Longer, shorter. */
	fd = open(from, O_WRONLY | O_APPEND);
	assert_int_equal(write(fd, "x", 1), 1);
	assert_int_equal(key_of(TODAY, key), -1);
	assert_int_equal(ftruncate(fd, 47), 0);
	assert_int_equal(key_of(TODAY, key), -1);
	close(fd);
	/* A directory that others can look into. */
	assert_int_equal(chmod(path(""), 0750), 0);
	assert_null(epoch_open(directory, &error));
	assert_non_null(strstr(error.text, "chmod 700"));
	assert_int_equal(chmod(path(""), 0700), 0);
}

/* What was half written when the power went is no key, and in nobody's way. */
static void
is_whole_or_not_there(void **state)
{
	struct epochs	*epochs = open_epochs();
	uint8_t		 key[EPOCH_KEYBYTES];
	int		 fd;

	(void)state;
	fd = open(path("new"), O_WRONLY | O_CREAT, 0600);
	assert_int_equal(write(fd, "half of a key", 13), 13);
	close(fd);
	assert_int_equal(epoch_key(epochs, TODAY, key), -1);
	make(epochs, TODAY);
	assert_int_equal(key_of(TODAY, key), 0);
	assert_int_equal(access(path("new"), F_OK), -1);
	epoch_close(epochs);
}

/* A key that is gone must seal nothing more: nobody could open it later. */
static void
is_missed(void **state)
{
	struct epochs	*epochs = open_epochs();
	struct complaint error = { "" };
	int		 result = 0;

	(void)state;
	make(epochs, TODAY);
	assert_int_equal(unlink(path("20000")), 0);
	for (int i = 0; i < 100 && result == 0; i++) {
		result = epoch_make(epochs, TODAY, &error);
		usleep(100000);
	}
	assert_int_equal(result, -1);
	assert_non_null(strstr(error.text, "gone"));
	epoch_close(epochs);
}

static void
is_destroyed(void **state)
{
	static const uint8_t	 zeroes[EPOCH_KEYBYTES];
	struct epochs	*epochs = open_epochs();
	struct complaint error = { "" };
	uint8_t		 key[EPOCH_KEYBYTES];
	size_t		 count;
	int		 fd;

	(void)state;
	for (uint32_t epoch = TODAY - 2; epoch <= TODAY; epoch++)
		make(epochs, epoch);
	close(open(path("notes"), O_WRONLY | O_CREAT, 0600));
	close(open(path("0"), O_WRONLY | O_CREAT, 0600));
	/* Who has the file open sees what becomes of its blocks. */
	fd = open(path("19999"), O_RDONLY);
	assert_int_equal(epoch_destroy(epochs, TODAY, &count, &error), 0);
	assert_int_equal(count, 2);
	assert_int_equal(pread(fd, key, sizeof(key), 0), sizeof(key));
	assert_memory_equal(key, zeroes, sizeof(key));
	close(fd);
	assert_int_equal(key_of(TODAY - 2, key), -1);
	assert_int_equal(key_of(TODAY - 1, key), -1);
	assert_int_equal(key_of(TODAY, key), 0);
	assert_int_equal(access(path("notes"), F_OK), 0);
	assert_int_equal(access(path("0"), F_OK), 0);
	assert_int_equal(epoch_destroy(epochs, TODAY, &count, &error), 0);
	assert_int_equal(count, 0);
	epoch_close(epochs);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(is_one_for_all, setup,
		    teardown),
		cmocka_unit_test_setup_teardown(is_made_once, setup,
		    teardown),
		cmocka_unit_test_setup_teardown(is_of_its_day, setup,
		    teardown),
		cmocka_unit_test_setup_teardown(refuses_what_is_not_its_own,
		    setup, teardown),
		cmocka_unit_test_setup_teardown(is_whole_or_not_there, setup,
		    teardown),
		cmocka_unit_test_setup_teardown(is_missed, setup, teardown),
		cmocka_unit_test_setup_teardown(is_destroyed, setup,
		    teardown),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	if (sodium_init() == -1 || filelock_prepare() == -1)
		return 1;
	return cmocka_run_group_tests(tests, NULL, NULL);
}

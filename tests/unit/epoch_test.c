/* SPDX-License-Identifier: ISC */

/* The key of a day is one for all who ask, outlives them, and is destroyed:
 * on the disk and in their memory. */

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

#include <pthread.h>
#include <semaphore.h>
#include <sys/syscall.h>
#include <time.h>

/* With what it has in memory. */
#include "crypto/epoch.c"

#define TODAY	20000
#define MAKERS	8
#define DAYS	40

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

	if (epoch_make(epochs, epoch, NULL, &error) != 0)
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

	if (epochs == NULL || epoch_make(epochs, TODAY, NULL, &error) != 0 ||
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
	assert_int_equal(epoch_make(epochs, TODAY + 1, NULL, &error), -1);
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

static int
say(void *argument, uint32_t epoch)
{
	int	*answer = argument;

	assert_int_equal(epoch, TODAY);
	return *answer;
}

/* A key that is gone must be put back when something waits for it: another
 * one in its place, and one of both is of no use. */
static void
is_missed(void **state)
{
	int		 answer = 1;
	const struct epoch_user user = { .uses = say, .argument = &answer };
	struct epochs	*epochs = open_epochs(), *others = open_epochs();
	struct complaint error = { "" };
	uint8_t		 before[EPOCH_KEYBYTES], after[EPOCH_KEYBYTES];
	char		 away[640];

	(void)state;
	make(epochs, TODAY);
	assert_int_equal(epoch_key(epochs, TODAY, before), 0);
	(void)snprintf(away, sizeof(away), "%s", path("notes"));
	assert_int_equal(rename(path("20000"), away), 0);
	/* At once, again and again, and by who never saw it. */
	for (int i = 0; i < 4; i++) {
		error.text[0] = '\0';
		assert_int_equal(epoch_make(i % 2 == 0 ? epochs : others,
		    TODAY, &user, &error), -1);
		assert_non_null(strstr(error.text, "put it back"));
		assert_int_equal(access(path("20000"), F_OK), -1);
	}
	answer = -1;
	assert_int_equal(epoch_make(epochs, TODAY, &user, &error), -1);
	assert_int_equal(access(path("20000"), F_OK), -1);
	/* Put back, it is used at once. */
	assert_int_equal(rename(away, path("20000")), 0);
	assert_int_equal(epoch_make(epochs, TODAY, &user, &error), 0);
	assert_int_equal(epoch_key(epochs, TODAY, after), 0);
	assert_memory_equal(before, after, sizeof(before));
	/* Nobody needs it any more: another one, also for who has the first
	 * at hand. */
	assert_int_equal(epoch_key(others, TODAY, after), 0);
	answer = 0;
	assert_int_equal(unlink(path("20000")), 0);
	assert_int_equal(epoch_make(epochs, TODAY, &user, &error), 0);
	assert_int_equal(epoch_make(others, TODAY, &user, &error), 0);
	assert_int_equal(epoch_key(epochs, TODAY, after), 0);
	assert_memory_not_equal(before, after, sizeof(before));
	assert_int_equal(epoch_key(others, TODAY, before), 0);
	assert_memory_equal(before, after, sizeof(before));
	epoch_close(epochs);
	epoch_close(others);
}

/* Who destroyed it was killed before its name went; then it is made anew. */
static void
is_not_missed_when_destroyed(void **state)
{
	static const uint8_t	 zeroes[EPOCH_KEYBYTES + 16];
	int			 answer = 1;
	const struct epoch_user	 user = { .uses = say, .argument = &answer };
	struct complaint	 error = { "" };
	struct epochs		*epochs;
	uint8_t			 key[EPOCH_KEYBYTES];
	int			 fd;

	(void)state;
	epochs = open_epochs();
	make(epochs, TODAY);
	epoch_close(epochs);
	fd = open(path("20000"), O_WRONLY);
	assert_int_equal(write(fd, zeroes, sizeof(zeroes)), sizeof(zeroes));
	close(fd);
	assert_int_equal(key_of(TODAY, key), -1);
	epochs = open_epochs();
	assert_int_equal(epoch_make(epochs, TODAY, &user, &error), 0);
	assert_int_equal(key_of(TODAY, key), 0);
	epoch_close(epochs);
}

static enum epoch_state
examine(struct epochs *epochs)
{
	struct complaint	 error;

	return epoch_examine(epochs, TODAY, &error);
}

/* One that is gone or damaged may be given up, then it is made anew; one that
 * is there may not. */
static void
is_given_up(void **state)
{
	static const char	 noise[100] = "not a key of this or any day";
	char			 left[48];
	int			 answer = 1;
	const struct epoch_user	 user = { .uses = say, .argument = &answer };
	struct complaint	 error = { "" };
	struct epochs		*epochs = open_epochs();
	uint8_t			 before[EPOCH_KEYBYTES], key[EPOCH_KEYBYTES];
	int			 fd;

	(void)state;
	make(epochs, TODAY);
	assert_int_equal(key_of(TODAY, before), 0);
	assert_int_equal(examine(epochs), EPOCH_GOOD);
	assert_int_equal(epoch_give_up(epochs, TODAY, &error), 0);
	assert_int_equal(key_of(TODAY, key), 0);
	assert_memory_equal(before, key, sizeof(key));

	assert_int_equal(unlink(path("20000")), 0);
	assert_int_equal(examine(epochs), EPOCH_GONE);
	assert_int_equal(epoch_make(epochs, TODAY, &user, &error), -1);
	assert_int_equal(epoch_give_up(epochs, TODAY, &error), 0);
	assert_int_equal(examine(epochs), EPOCH_GOOD);
	assert_int_equal(key_of(TODAY, key), -1);
	assert_int_equal(epoch_make(epochs, TODAY, &user, &error), 0);
	assert_int_equal(key_of(TODAY, key), 0);
	assert_memory_not_equal(before, key, sizeof(key));

	fd = open(path("20000"), O_RDWR);
	assert_int_equal(write(fd, noise, sizeof(noise)), sizeof(noise));
	assert_int_equal(examine(epochs), EPOCH_DAMAGED);
	assert_int_equal(epoch_make(epochs, TODAY, NULL, &error), -1);
	assert_int_equal(epoch_give_up(epochs, TODAY, &error), 0);
	assert_int_equal(pread(fd, left, sizeof(left), 0), sizeof(left));
	assert_true(sodium_is_zero((const uint8_t *)left, sizeof(left)));
	assert_int_equal(epoch_make(epochs, TODAY, &user, &error), 0);
	assert_int_equal(key_of(TODAY, key), 0);
	close(fd);

	/* One that cannot be read may be all right. */
	assert_int_equal(unlink(path("20000")), 0);
	assert_int_equal(mkdir(path("20000"), 0700), 0);
	assert_int_equal(epoch_examine(epochs, TODAY, &error),
	    EPOCH_UNREADABLE);
	assert_non_null(strstr(error.text, "keys/20000: "));
	assert_int_equal(epoch_give_up(epochs, TODAY, &error), -1);
	assert_non_null(strstr(error.text, "keys/20000: "));
	assert_int_equal(rmdir(path("20000")), 0);
	epoch_close(epochs);
}

/* The whole directory, as whoever restores it from elsewhere may. */
static void
may_be_put_back_with_its_directory(void **state)
{
	struct epochs	*epochs = open_epochs();
	struct complaint error = { "" };
	uint8_t		 before[EPOCH_KEYBYTES], after[EPOCH_KEYBYTES];
	char		 away[640];

	(void)state;
	make(epochs, TODAY);
	assert_int_equal(epoch_key(epochs, TODAY, before), 0);
	(void)snprintf(away, sizeof(away), "%s/away", directory);
	assert_int_equal(rename(path(""), away), 0);
	assert_int_equal(epoch_make(epochs, TODAY, NULL, &error), -1);
	assert_int_equal(epoch_make(epochs, TODAY + 1, NULL, &error), -1);
	assert_int_equal(rename(away, path("")), 0);
	make(epochs, TODAY);
	assert_int_equal(epoch_key(epochs, TODAY, after), 0);
	assert_memory_equal(before, after, sizeof(before));
	epoch_close(epochs);
}

/* How many keys it has in memory. */
static size_t
at_hand(struct epochs *epochs)
{
	size_t	 count = 0;

	pthread_mutex_lock(&epochs->mutex);
	for (size_t i = 0; i < CACHE_KEYS; i++)
		for (size_t byte = 0; byte < EPOCH_KEYBYTES; byte++)
			if (epochs->cache[i].key[byte] != 0) {
				count++;
				break;
			}
	pthread_mutex_unlock(&epochs->mutex);
	return count;
}

/* In a process that stays nobody has to ask for it, or for anything. */
static void
is_forgotten(void **state)
{
	struct epochs	*epochs = open_epochs(), *sweeper = open_epochs();
	struct complaint error = { "" };
	uint8_t		 key[EPOCH_KEYBYTES];
	int64_t		 began = clock_now();
	size_t		 count;

	(void)state;
	assert_int_equal(epoch_start(epochs), 0);
	make(epochs, TODAY - 1);
	make(epochs, TODAY);
	assert_int_equal(at_hand(epochs), 2);
	assert_int_equal(epoch_destroy(sweeper, TODAY, &count, &error), 0);
	while (at_hand(epochs) > 0 && clock_now() - began < 60000)
		usleep(50000);
	assert_int_equal(at_hand(epochs), 0);
	assert_int_equal(epoch_key(epochs, TODAY - 1, key), -1);
	/* And the next one. */
	assert_int_equal(epoch_key(epochs, TODAY, key), 0);
	assert_int_equal(at_hand(epochs), 1);
	began = clock_now();
	while (at_hand(epochs) > 0 && clock_now() - began < 60000)
		usleep(50000);
	assert_int_equal(at_hand(epochs), 0);
	epoch_close(epochs);
	epoch_close(sweeper);
}

/* Without a thread, whoever asks for one forgets the others. */
static void
is_forgotten_by_the_next_call(void **state)
{
	struct epochs	*epochs = open_epochs();
	uint8_t		 key[EPOCH_KEYBYTES];

	(void)state;
	make(epochs, TODAY - 1);
	make(epochs, TODAY);
	for (size_t i = 0; i < CACHE_KEYS; i++)
		if (epochs->cache[i].epoch == TODAY - 1)
			epochs->cache[i].read_at -= CACHE_TIME;
	assert_int_equal(epoch_key(epochs, TODAY, key), 0);
	assert_int_equal(at_hand(epochs), 1);
	epoch_close(epochs);
}

struct slow {
	struct epochs	*epochs;
	sem_t		 asked, read;
	bool		 in_time;
};

/* Whoever makes a key holds the lock of all of them now. */
static int
hold_up(void *argument, uint32_t epoch)
{
	struct slow	*slow = argument;
	struct timespec	 until;

	(void)epoch;
	sem_post(&slow->asked);
	clock_gettime(CLOCK_REALTIME, &until);
	until.tv_sec += 20;
	slow->in_time = sem_timedwait(&slow->read, &until) == 0;
	return 0;
}

static void *
make_slowly(void *argument)
{
	struct slow	*slow = argument;
	const struct epoch_user user = { .uses = hold_up, .argument = slow };
	struct complaint error;

	assert_int_equal(epoch_make(slow->epochs, TODAY + 1, &user, &error),
	    0);
	return NULL;
}

static void
holds_up_no_reader(void **state)
{
	struct slow	 slow = { .epochs = open_epochs() };
	uint8_t		 key[EPOCH_KEYBYTES];
	pthread_t	 thread;

	(void)state;
	make(slow.epochs, TODAY - 1);
	make(slow.epochs, TODAY);
	sem_init(&slow.asked, 0, 0);
	sem_init(&slow.read, 0, 0);
	pthread_create(&thread, NULL, make_slowly, &slow);
	sem_wait(&slow.asked);
	/* One that is at hand, one that is not, and who seals with either. */
	assert_int_equal(epoch_key(slow.epochs, TODAY, key), 0);
	memset(slow.epochs->cache, 0, CACHE_KEYS * sizeof(struct cached));
	assert_int_equal(epoch_key(slow.epochs, TODAY - 1, key), 0);
	make(slow.epochs, TODAY);
	sem_post(&slow.read);
	pthread_join(thread, NULL);
	assert_true(slow.in_time);
	sem_destroy(&slow.asked);
	sem_destroy(&slow.read);
	epoch_close(slow.epochs);
}

static unsigned int	 directory_syncs, state_syncs;
static int		 sync_failure;	/* errno of the state directory's */

/* In place of the C library's. */
int
fsync(int fd)
{
	struct stat	 status, at;

	if (fstat(fd, &status) == 0 && S_ISDIR(status.st_mode)) {
		if (stat(directory, &at) == 0 && at.st_ino == status.st_ino) {
			state_syncs++;
			if (sync_failure != 0) {
				errno = sync_failure;
				return -1;
			}
		} else
			directory_syncs++;
	}
	return (int)syscall(SYS_fsync, fd);
}

/* Also that of the directory, whoever made it and did not come further. */
static void
has_names_that_stay(void **state)
{
	struct epochs	*epochs, *others;
	struct complaint error = { "" };

	(void)state;
	assert_int_equal(mkdir(path(""), 0700), 0);
	epochs = open_epochs();
	directory_syncs = state_syncs = 0;
	sync_failure = EIO;
	assert_int_equal(epoch_make(epochs, TODAY, NULL, &error), -1);
	assert_non_null(strstr(error.text, strerror(EIO)));
	assert_int_equal(access(path("20000"), F_OK), -1);
	sync_failure = EDQUOT;
	assert_int_equal(epoch_make(epochs, TODAY, NULL, &error), 1);
	sync_failure = 0;
	directory_syncs = state_syncs = 0;
	make(epochs, TODAY);
	assert_int_equal(directory_syncs, 1);
	assert_int_equal(state_syncs, 1);
	/* Of more days than there are keys at hand. */
	for (uint32_t day = TODAY; day < TODAY + DAYS; day++)
		make(epochs, day);
	directory_syncs = 0;
	for (uint32_t day = TODAY; day < TODAY + DAYS; day++)
		make(epochs, day);
	assert_int_equal(directory_syncs, 0);
	/* Who made it may have been killed before. */
	others = open_epochs();
	make(others, TODAY);
	make(others, TODAY);
	assert_int_equal(directory_syncs, 1);
	assert_int_equal(unlink(path("20000")), 0);
	make(others, TODAY);
	directory_syncs = 0;
	make(epochs, TODAY);
	assert_int_equal(directory_syncs, 1);
	for (uint32_t day = TODAY + 1; day < TODAY + DAYS; day++) {
		char	 name[16];

		(void)snprintf(name, sizeof(name), "%u", day);
		assert_int_equal(unlink(path(name)), 0);
	}
	epoch_close(epochs);
	epoch_close(others);
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
		cmocka_unit_test_setup_teardown(is_given_up, setup, teardown),
		cmocka_unit_test_setup_teardown(is_not_missed_when_destroyed,
		    setup, teardown),
		cmocka_unit_test_setup_teardown(
		    may_be_put_back_with_its_directory, setup, teardown),
		cmocka_unit_test_setup_teardown(is_forgotten, setup,
		    teardown),
		cmocka_unit_test_setup_teardown(is_forgotten_by_the_next_call,
		    setup, teardown),
		cmocka_unit_test_setup_teardown(holds_up_no_reader, setup,
		    teardown),
		cmocka_unit_test_setup_teardown(has_names_that_stay, setup,
		    teardown),
		cmocka_unit_test_setup_teardown(is_destroyed, setup,
		    teardown),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	if (sodium_init() == -1 || filelock_prepare() == -1)
		return 1;
	return cmocka_run_group_tests(tests, NULL, NULL);
}

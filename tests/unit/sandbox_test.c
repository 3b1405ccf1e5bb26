/* SPDX-License-Identifier: ISC */

/* What a worker must not do is tried in its sandbox, by a process each. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <sys/wait.h>

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <syslog.h>
#include <unistd.h>

#include "base/complaint.h"
#include "base/sandbox.h"

#define NOT_ENTERED 97

static char	 place[64];		/* all of the following */
static char	 state[128], keys[128], key[160], other[128];
static pid_t	 parent;

static int
write_to(const char *path)
{
	int	 fd;

	fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	if (fd == -1)
		return errno;
	if (write(fd, "x", 1) != 1)
		abort();
	close(fd);
	return 0;
}

static int
setup(void **unused)
{
	(void)unused;
	parent = getpid();
	(void)snprintf(place, sizeof(place), "%s/oncelink-sandbox.XXXXXX",
	    getenv("TMPDIR") == NULL ? P_tmpdir : getenv("TMPDIR"));
	if (mkdtemp(place) == NULL)
		return -1;
	(void)snprintf(state, sizeof(state), "%s/state", place);
	(void)snprintf(keys, sizeof(keys), "%s/keys", place);
	(void)snprintf(key, sizeof(key), "%s/server.key", keys);
	(void)snprintf(other, sizeof(other), "%s/other", place);
	if (mkdir(state, 0700) == -1 || mkdir(keys, 0700) == -1)
		return -1;
	return write_to(key) == 0 && write_to(other) == 0 ? 0 : -1;
}

static void
remove_file(const char *directory, const char *name)
{
	char	 path[256];

	(void)snprintf(path, sizeof(path), "%s/%s", directory, name);
	(void)unlink(path);
}

static int
teardown(void **unused)
{
	(void)unused;
	remove_file(keys, "server.key");
	remove_file(keys, "new");
	remove_file(place, "other");
	remove_file(state, "file");
	remove_file(state, "new");
	(void)rmdir(keys);
	(void)rmdir(state);
	return rmdir(place);
}

/* What a process of its own says when it did that inside. */
static int
status_of(int (*attempt)(void), bool syslogs)
{
	struct sandbox	 sandbox = { state, key, syslogs };
	struct complaint error;
	pid_t		 child;
	int		 status, landlock;

	if ((child = fork()) == 0) {
		const struct rlimit none = { 0, 0 }, few = { 64, 64 };

		(void)setrlimit(RLIMIT_CORE, &none);
		(void)setrlimit(RLIMIT_NOFILE, &few);
		if (sandbox_enter(&sandbox, &landlock, &error) != 0)
			_exit(NOT_ENTERED);
		_exit(attempt());
	}
	assert_int_not_equal(child, -1);
	assert_int_equal(waitpid(child, &status, 0), child);
	return status;
}

#ifdef ONCELINK_SANITIZE

static int
nothing(void)
{
	return 0;
}

static void
is_off_with_sanitizers(void **unused)
{
	int	 status = status_of(nothing, false);

	(void)unused;
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), NOT_ENTERED);
}

#else

/* The forbidden.  What returns from it was not forbidden. */

static int
runs_a_program(void)
{
	char	 name[] = "true", *arguments[] = { name, NULL };

	(void)execv("/bin/true", arguments);
	return 1;
}

static int
forks(void)
{
	return fork() == 0;
}

static int
vforks(void)
{
	return (int)syscall(SYS_clone, CLONE_VM | CLONE_VFORK | SIGCHLD, NULL,
	    NULL, NULL, NULL) == -1;
}

static int
opens_a_network_socket(void)
{
	return socket(AF_INET, SOCK_STREAM, 0) == -1;
}

static int
opens_a_local_socket(void)
{
	return socket(AF_UNIX, SOCK_STREAM, 0) == -1;
}

static int
opens_a_datagram_socket(void)
{
	return socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0) == -1;
}

static int
opens_an_internet_datagram_socket(void)
{
	return socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0) == -1;
}

static int
makes_a_pair_of_sockets(void)
{
	int	 pair[2];

	return socketpair(AF_UNIX, SOCK_STREAM, 0, pair) == -1;
}

static int
traces(void)
{
	return ptrace(PTRACE_ATTACH, parent, NULL, NULL) == -1;
}

static int
reads_memory_of_others(void)
{
	char		 byte;
	struct iovec	 ours = { &byte, 1 }, theirs = { &byte, 1 };

	return process_vm_readv(parent, &ours, 1, &theirs, 1, 0) == -1;
}

static int
signals_others(void)
{
	return kill(parent, 0) == -1;
}

static int
signals_threads_of_others(void)
{
	return (int)syscall(SYS_tgkill, parent, parent, 0) == -1;
}

/* By a descriptor that sends one when a byte comes. */
static int
names_who_is_signalled(void)
{
	return fcntl(0, F_SETOWN, parent) == -1;
}

static int
names_whose_thread_is_signalled(void)
{
	const struct f_owner_ex	 owner = { F_OWNER_TID, parent };

	return fcntl(0, F_SETOWN_EX, &owner) == -1;
}

static int
chooses_a_signal(void)
{
	return fcntl(0, F_SETSIG, SIGKILL) == -1;
}

static int
asks_for_signals(void)
{
	return fcntl(0, F_SETFL, O_ASYNC | O_NONBLOCK) == -1;
}

static int
takes_a_lease(void)
{
	return fcntl(0, F_SETLEASE, F_RDLCK) == -1;
}

static int
maps_code(void)
{
	return mmap(NULL, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE |
	    MAP_ANONYMOUS, -1, 0) == MAP_FAILED;
}

static int
makes_code(void)
{
	void	*page = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE |
		    MAP_ANONYMOUS, -1, 0);

	return mprotect(page, 4096, PROT_READ | PROT_EXEC) == -1;
}

static int
makes_a_nameless_file(void)
{
	return memfd_create("code", 0) == -1;
}

static int
becomes_another_user(void)
{
	return setuid(65534) == -1;
}

static int
leaves_its_root(void)
{
	return chroot("/") == -1;
}

static int
takes_another_namespace(void)
{
	return unshare(CLONE_NEWUSER) == -1;
}

static int
may_be_dumped_again(void)
{
	return prctl(PR_SET_DUMPABLE, 1, 0, 0, 0) == -1;
}

static int
raises_a_limit(void)
{
	const struct rlimit	 limit = { 0, 0 };

	return setrlimit(RLIMIT_CORE, &limit) == -1;
}

static int
opens_to_others(void)
{
	return chmod(key, 0644) == -1;
}

static int
opens_its_directory_to_others(void)
{
	int	 fd = open(state, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	return fchmod(fd, 0755) == -1;
}

static int
opens_its_file_to_others(void)
{
	return fchmod(0, 0640) == -1;
}

static int
lends_its_user(void)
{
	return fchmod(0, 04600) == -1;
}

static int
makes_a_file_that_lends_its_user(void)
{
	char	 path[256];

	(void)snprintf(path, sizeof(path), "%s/new", state);
	return open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 04700) == -1;
}

static int
makes_a_link(void)
{
	return symlink("/", other) == -1;
}

static int
types_into_a_terminal(void)
{
	return ioctl(0, TIOCSTI, "x") == -1;
}

static int
uses_io_uring(void)
{
	return (int)syscall(SYS_io_uring_setup, 1, NULL) == -1;
}

static int
loads_a_filter(void)
{
	return (int)syscall(SYS_bpf, 0, NULL, 0) == -1;
}

static int
sets_the_clock(void)
{
	return (int)syscall(SYS_clock_settime, CLOCK_REALTIME, NULL) == -1;
}

#define ATTEMPT(f) { #f, f }
static const struct attempt {
	const char	*name;
	int		 (*run)(void);
} forbidden[] = {
	ATTEMPT(runs_a_program), ATTEMPT(forks), ATTEMPT(vforks),
	ATTEMPT(opens_a_network_socket), ATTEMPT(opens_a_local_socket),
	ATTEMPT(opens_a_datagram_socket),
	ATTEMPT(opens_an_internet_datagram_socket),
	ATTEMPT(makes_a_pair_of_sockets), ATTEMPT(traces),
	ATTEMPT(reads_memory_of_others), ATTEMPT(signals_others),
	ATTEMPT(signals_threads_of_others), ATTEMPT(names_who_is_signalled),
	ATTEMPT(names_whose_thread_is_signalled), ATTEMPT(chooses_a_signal),
	ATTEMPT(asks_for_signals), ATTEMPT(takes_a_lease), ATTEMPT(maps_code),
	ATTEMPT(makes_code), ATTEMPT(makes_a_nameless_file),
	ATTEMPT(becomes_another_user), ATTEMPT(leaves_its_root),
	ATTEMPT(takes_another_namespace), ATTEMPT(may_be_dumped_again),
	ATTEMPT(raises_a_limit), ATTEMPT(opens_to_others),
	ATTEMPT(opens_its_directory_to_others),
	ATTEMPT(opens_its_file_to_others), ATTEMPT(lends_its_user),
	ATTEMPT(makes_a_file_that_lends_its_user), ATTEMPT(makes_a_link),
	ATTEMPT(types_into_a_terminal), ATTEMPT(uses_io_uring),
	ATTEMPT(loads_a_filter), ATTEMPT(sets_the_clock),
};

static void
dies(const struct attempt *attempt, bool syslogs)
{
	int	 status = status_of(attempt->run, syslogs);

	if (!WIFSIGNALED(status) || WTERMSIG(status) != SIGSYS)
		fail_msg("%s (%s syslog): status %#x", attempt->name,
		    syslogs ? "with" : "without", (unsigned int)status);
}

static void
the_forbidden_is_death(void **unused)
{
	(void)unused;
	for (size_t i = 0; i < sizeof(forbidden) / sizeof(forbidden[0]); i++)
		dies(&forbidden[i], false);
}

/* The way to syslogd, and nothing beside it. */
static void
syslog_opens_one_way(void **unused)
{
	int	 status = status_of(opens_a_datagram_socket, true);

	(void)unused;
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 0);
	for (size_t i = 0; i < sizeof(forbidden) / sizeof(forbidden[0]); i++)
		if (forbidden[i].run != opens_a_datagram_socket)
			dies(&forbidden[i], true);
}

/* What syslog(3) does of its own, whoever answers. */
static int
says_a_line(void)
{
	openlog("sandbox_test", LOG_NDELAY, LOG_DAEMON);
	closelog();
	syslog(LOG_DEBUG, "a line of a test");
	return 0;
}

static void
syslog_works(void **unused)
{
	int	 status = status_of(says_a_line, true);

	(void)unused;
	assert_int_equal(status, 0);
}

/* By an address; `given` is of datagrams within the machine. */
static int	 given = -1, elsewhere = -1;

static int
sends_by_address(void)
{
	const struct sockaddr_un	 address = { AF_UNIX, "/dev/log" };

	return sendto(given, "x", 1, 0, (const struct sockaddr *)&address,
	    sizeof(address)) == -1;
}

static void
syslog_has_one_end(void **unused)
{
	static const struct attempt	 attempt = ATTEMPT(sends_by_address);

	(void)unused;
	given = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	assert_int_not_equal(given, -1);
	dies(&attempt, true);
	close(given);
}

/* A worker on TCP has a socket that listens, `given`, and one for each
 * request.  `elsewhere` is somebody else's. */

static struct sockaddr_in
address_of(int fd)
{
	struct sockaddr_in	 address;
	socklen_t		 size = sizeof(address);

	if (getsockname(fd, (struct sockaddr *)&address, &size) == -1)
		abort();
	return address;
}

static int
goes_elsewhere(void)
{
	const struct sockaddr_in	 address = address_of(elsewhere);

	(void)shutdown(given, SHUT_RD);
	return connect(given, (const struct sockaddr *)&address,
	    sizeof(address)) == -1 ? errno : 0;
}

static int
writes_elsewhere(void)
{
	const struct sockaddr_in	 address = address_of(elsewhere);

	(void)shutdown(given, SHUT_RD);
	return sendto(given, "x", 1, MSG_FASTOPEN,
	    (const struct sockaddr *)&address, sizeof(address)) == -1 ?
	    errno : 0;
}

static int
dissolves_a_connection(void)
{
	const struct sockaddr	 nobody = { .sa_family = AF_UNSPEC };

	return connect(given, &nobody, sizeof(nobody)) == -1 ? errno : 0;
}

static int
listening(void)
{
	int	 fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (fd == -1 || listen(fd, 1) == -1)
		abort();
	return fd;
}

static void
network_stays_where_it_is(void **unused)
{
	static const struct attempt attempts[] = {
		ATTEMPT(goes_elsewhere), ATTEMPT(writes_elsewhere),
		ATTEMPT(dissolves_a_connection),
	};
	size_t	 i;

	(void)unused;
	given = listening();
	elsewhere = listening();
	for (i = 0; i < sizeof(attempts) / sizeof(attempts[0]); i++) {
		dies(&attempts[i], false);
		dies(&attempts[i], true);
	}
	for (i = 0; i < sizeof(forbidden) / sizeof(forbidden[0]); i++)
		if (forbidden[i].run != opens_a_datagram_socket)
			dies(&forbidden[i], true);
	/* A line that finds no way is lost, and that is all. */
	assert_int_equal(WEXITSTATUS(status_of(opens_a_datagram_socket,
	    true)), 1);
	assert_int_equal(status_of(says_a_line, true), 0);
	close(given);
	close(elsewhere);
}

/* A thread that is started inside is inside. */
static void *
run_a_program(void *unused)
{
	(void)unused;
	runs_a_program();
	return NULL;
}

static int
has_a_thread_run_a_program(void)
{
	pthread_t	 thread;

	if (pthread_create(&thread, NULL, run_a_program, NULL) != 0)
		return 1;
	pthread_join(thread, NULL);
	return 1;
}

static void
threads_are_inside(void **unused)
{
	static const struct attempt attempt =
	    ATTEMPT(has_a_thread_run_a_program);

	(void)unused;
	dies(&attempt, false);
}

/* Does this kernel know where files lie?  The others are the poorer. */
static bool
has_landlock(void)
{
	return syscall(444, NULL, 0, 1) >= 1;
}

static int
reading(const char *path)
{
	int	 fd = open(path, O_RDONLY | O_CLOEXEC);

	return fd == -1 ? errno : 0;
}

static int
reads_outside(void)
{
	return reading(other);
}

static int
reads_a_program(void)
{
	return reading("/bin/sh");
}

static int
writes_outside(void)
{
	return write_to(other);
}

static int
writes_the_key(void)
{
	return write_to(key);
}

static int
makes_a_key(void)
{
	char	 path[256];

	(void)snprintf(path, sizeof(path), "%s/new", keys);
	return write_to(path);
}

static int
removes_the_key(void)
{
	return unlink(key) == -1 ? errno : 0;
}

static int
replaces_the_key(void)
{
	return rename(other, key) == -1 ? errno : 0;
}

static int
lists_the_root(void)
{
	return reading("/");
}

static void
other_files_are_out_of_reach(void **unused)
{
	static const struct attempt attempts[] = {
		ATTEMPT(reads_outside), ATTEMPT(reads_a_program),
		ATTEMPT(writes_outside), ATTEMPT(writes_the_key),
		ATTEMPT(makes_a_key), ATTEMPT(lists_the_root),
		ATTEMPT(replaces_the_key), ATTEMPT(removes_the_key),
	};
	int	 expected = has_landlock() ? EACCES : 0;

	(void)unused;
	for (size_t i = 0; i < sizeof(attempts) / sizeof(attempts[0]); i++) {
		int	 status = status_of(attempts[i].run, false);

		if (!WIFEXITED(status) || WEXITSTATUS(status) != expected)
			fail_msg("%s: status %#x", attempts[i].name,
			    (unsigned int)status);
	}
	/* As it was, for the others. */
	assert_int_equal(write_to(key), 0);
}

/* What a worker does all day. */

static int
uses_its_files(void)
{
	struct flock	 lock = { .l_type = F_WRLCK, .l_len = 1 };
	char		 before[256], path[256];
	int		 fd, flags;

	(void)snprintf(before, sizeof(before), "%s/new", state);
	(void)snprintf(path, sizeof(path), "%s/file", state);
	if (write_to(before) != 0 || rename(before, path) == -1 ||
	    (fd = open(path, O_RDWR)) == -1)
		return 1;
	if (ftruncate(fd, 4096) == -1 || fsync(fd) == -1 ||
	    mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0) ==
	    MAP_FAILED || unlink(path) == -1)
		return 2;
	if (fchmod(fd, 0600) == -1 || fcntl(fd, F_OFD_SETLK, &lock) == -1 ||
	    fcntl(fd, F_SETLK, &lock) != -1 || errno != EAGAIN ||
	    (flags = fcntl(fd, F_GETFL)) == -1 ||
	    fcntl(fd, F_SETFL, flags | O_NONBLOCK) == -1)
		return 3;
	return reading(key) != 0 || reading("/dev/urandom") != 0;
}

static void *
count(void *number)
{
	free(malloc(1 << 20));
	++*(int *)number;
	return NULL;
}

static int
uses_threads(void)
{
	pthread_t	 thread;
	int		 number = 0;

	for (int i = 0; i < 3; i++)
		if (pthread_create(&thread, NULL, count, &number) != 0 ||
		    pthread_join(thread, NULL) != 0)
			return 1;
	return number != 3;
}

static void
work_goes_on(void **unused)
{
	(void)unused;
	assert_int_equal(status_of(uses_its_files, false), 0);
	assert_int_equal(status_of(uses_threads, false), 0);
}

/* Neither the place nor the key need be there. */
static int
enters_without_places(void)
{
	return 0;
}

static void
missing_places_are_left_out(void **unused)
{
	char	 kept[sizeof(state)];
	int	 status;

	(void)unused;
	memcpy(kept, state, sizeof(kept));
	(void)snprintf(state, sizeof(state), "/nonexistent/state");
	status = status_of(enters_without_places, false);
	memcpy(state, kept, sizeof(kept));
	assert_int_equal(status, 0);
}

#endif

int
main(void)
{
	const struct CMUnitTest tests[] = {
#ifdef ONCELINK_SANITIZE
		cmocka_unit_test(is_off_with_sanitizers),
#else
		cmocka_unit_test(the_forbidden_is_death),
		cmocka_unit_test(syslog_opens_one_way),
		cmocka_unit_test(syslog_works),
		cmocka_unit_test(syslog_has_one_end),
		cmocka_unit_test(network_stays_where_it_is),
		cmocka_unit_test(threads_are_inside),
		cmocka_unit_test(other_files_are_out_of_reach),
		cmocka_unit_test(work_goes_on),
		cmocka_unit_test(missing_places_are_left_out),
#endif
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, setup, teardown);
}

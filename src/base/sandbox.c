/* SPDX-License-Identifier: ISC */
/*
 * Which system calls a worker makes once it serves, and which files it opens.
 * Whoever takes a worker over finds nothing else: seccomp allows by the number
 * and the plain arguments of a call, Landlock by the place of a file.
 */
#include "base/sandbox.h"

#ifdef ONCELINK_SANITIZE

int
sandbox_enter(const struct sandbox *sandbox, int *landlock,
    struct complaint *error)
{
	(void)sandbox;
	(void)error;
	*landlock = 0;
	return 1;
}

#else

#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <limits.h>
#include <sched.h>
#include <seccomp.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

#include <asm/ioctls.h>

#include "base/complaint.h"

#define LENGTH(array) (sizeof(array) / sizeof((array)[0]))

/*
 * Whatever their arguments.  By name, since each machine has its own numbers;
 * a name that the machine or the library does not know is left out.
 */
static const char *const calls[] = {
	/* Connections of the web server, standard streams, files. */
	"accept", "accept4", "close", "dup", "flock", "getpeername",
	"getsockname", "getsockopt", "lseek", "_llseek", "poll", "ppoll",
	"ppoll_time64", "pread64", "preadv", "pselect6", "pselect6_time64",
	"pwrite64", "pwritev", "read", "readv", "recv", "recvfrom", "select",
	"_newselect", "send", "setsockopt", "shutdown", "write", "writev",
	/* The database, its log and index; keys; locks. */
	"access", "faccessat", "faccessat2", "fallocate", "fchown",
	"fchown32", "fdatasync", "fstat", "fstat64", "fstatat64", "fstatfs",
	"fstatfs64", "fsync", "ftruncate", "ftruncate64", "getcwd", "lstat",
	"lstat64", "newfstatat", "readlink", "readlinkat",
	"rename", "renameat", "renameat2", "stat", "stat64", "statfs",
	"statfs64", "statx", "unlink", "unlinkat",
	/* Memory. */
	"brk", "madvise", "mlock", "mremap", "munlock", "munmap",
	/* Threads and their ends. */
	"exit", "exit_group", "futex", "futex_time64", "futex_waitv",
	"futex_wait", "futex_wake", "get_robust_list", "membarrier", "rseq",
	"sched_getaffinity", "sched_yield", "set_robust_list",
	"set_tid_address", "sigaltstack",
	/* Signals and time. */
	"clock_getres", "clock_getres_time64", "clock_gettime",
	"clock_gettime64", "clock_nanosleep", "clock_nanosleep_time64",
	"gettimeofday", "nanosleep", "pause", "restart_syscall",
	"rt_sigaction", "rt_sigpending", "rt_sigprocmask", "rt_sigreturn",
	"rt_sigsuspend", "rt_sigtimedwait", "rt_sigtimedwait_time64",
	"sigreturn", "time", "timer_create", "timer_delete",
	"timer_getoverrun", "timer_gettime", "timer_gettime64",
	"timer_settime", "timer_settime64",
	/* Who and where we are; chance. */
	"getcpu", "getegid", "getegid32", "geteuid", "geteuid32", "getgid",
	"getgid32", "getpid", "getppid", "getrandom", "getrlimit", "gettid",
	"getuid", "getuid32", "sysinfo", "ugetrlimit", "uname",
};

/* The argument of clone(2) that holds the flags. */
#ifdef __s390__
#define CLONE_FLAGS 1
#else
#define CLONE_FLAGS 0
#endif

#define CLONE_NAMESPACES (CLONE_NEWNS | CLONE_NEWCGROUP | CLONE_NEWUTS |     \
	CLONE_NEWIPC | CLONE_NEWUSER | CLONE_NEWPID | CLONE_NEWNET)
#define CLONE_AS_THREAD (CLONE_VM | CLONE_THREAD)

/* Bits of an argument and what they must be; the kernel does not look at the
 * upper half where there are 32. */
struct bits {
	unsigned int	 argument;
	uint64_t	 mask;
	uint64_t	 value;
};

#define NUMBER(argument, value) { (argument), UINT32_MAX, (value) }
#define WITHOUT(argument, mask) { (argument), (mask), 0 }
#define FCNTL(command) { "fcntl", { NUMBER(1, command) } }, \
	{ "fcntl64", { NUMBER(1, command) } }

/* Bits of a mode that no file of ours has. */
#define SET_ID	07000
#define OTHERS	07177

/* Where all of this holds; a mask of 0 says nothing. */
static const struct partly {
	const char	*call;
	struct bits	 bits[2];
} partly[] = {
	/* Threads, not processes. */
	{ "clone", { { CLONE_FLAGS, CLONE_AS_THREAD | CLONE_NAMESPACES,
	    CLONE_AS_THREAD } } },
	{ "mmap", { WITHOUT(2, PROT_EXEC) } },
	{ "mmap2", { WITHOUT(2, PROT_EXEC) } },
	{ "mprotect", { WITHOUT(2, PROT_EXEC) } },
	/* A limit is read, not set. */
	{ "prlimit64", { WITHOUT(2, UINTPTR_MAX) } },
	/* Is a standard stream a terminal? */
	{ "ioctl", { NUMBER(1, TCGETS) } },
	/* Locks and flags; no signal to whoever, as F_SETOWN, F_SETSIG and
	 * O_ASYNC make one of a byte that comes. */
	FCNTL(F_DUPFD_CLOEXEC), FCNTL(F_GETFD), FCNTL(F_SETFD),
	FCNTL(F_GETFL), FCNTL(F_GETLK), FCNTL(F_SETLK), FCNTL(F_SETLKW),
	FCNTL(F_OFD_GETLK), FCNTL(F_OFD_SETLK), FCNTL(F_OFD_SETLKW),
#if F_SETLK64 != F_SETLK
	FCNTL(F_GETLK64), FCNTL(F_SETLK64), FCNTL(F_SETLKW64),
#endif
	{ "fcntl", { NUMBER(1, F_SETFL), WITHOUT(2, O_ASYNC) } },
	{ "fcntl64", { NUMBER(1, F_SETFL), WITHOUT(2, O_ASYNC) } },
	/* A file is nobody's tool, and what is ours is not opened to others. */
	{ "open", { WITHOUT(2, SET_ID) } },
	{ "openat", { WITHOUT(3, SET_ID) } },
	{ "fchmod", { WITHOUT(1, OTHERS) } },
};

static int
allow_partly(scmp_filter_ctx filter, const struct partly *rule)
{
	struct scmp_arg_cmp	 conditions[LENGTH(rule->bits)];
	unsigned int		 count = 0;
	int			 number;

	number = seccomp_syscall_resolve_name(rule->call);
	if (number == __NR_SCMP_ERROR)
		return 0;
	for (; count < LENGTH(conditions) && rule->bits[count].mask != 0;
	    count++)
		conditions[count] = SCMP_CMP(rule->bits[count].argument,
		    SCMP_CMP_MASKED_EQ, rule->bits[count].mask,
		    rule->bits[count].value);
	return seccomp_rule_add_array(filter, SCMP_ACT_ALLOW, number, count,
	    conditions);
}

static int
allow_calls(scmp_filter_ctx filter)
{
	int	 result = 0;

	for (size_t i = 0; i < LENGTH(calls) && result == 0; i++) {
		int	 number = seccomp_syscall_resolve_name(calls[i]);

		if (number != __NR_SCMP_ERROR)
			result = seccomp_rule_add(filter, SCMP_ACT_ALLOW,
			    number, 0);
	}
	for (size_t i = 0; i < LENGTH(partly) && result == 0; i++)
		result = allow_partly(filter, &partly[i]);
	/* Signals to threads of ours. */
	if (result == 0)
		result = seccomp_rule_add(filter, SCMP_ACT_ALLOW,
		    SCMP_SYS(tgkill), 1,
		    SCMP_A0(SCMP_CMP_EQ, (scmp_datum_t)getpid(), 0));
	/* Its flags are where a filter cannot look; the C library takes clone
	 * in its place then. */
	if (result == 0)
		result = seccomp_rule_add(filter, SCMP_ACT_ERRNO(ENOSYS),
		    SCMP_SYS(clone3), 0);
	return result;
}

/*
 * Is a socket open that is not within the machine?  connect(2) and sendto(2)
 * take it anywhere, also one that listens or was connected.  One by one up to
 * the limit, since /proc may not be there.
 */
static bool
reaches_network(void)
{
	struct rlimit	 limit;
	rlim_t		 fd;
	socklen_t	 size;
	int		 domain;

	if (getrlimit(RLIMIT_NOFILE, &limit) == -1)
		return true;
	for (fd = 0; fd < limit.rlim_cur && fd < INT_MAX; fd++) {
		size = sizeof(domain);
		if (getsockopt((int)fd, SOL_SOCKET, SO_DOMAIN, &domain,
		    &size) == 0 && domain != AF_UNIX)
			return true;
	}
	return false;
}

/*
 * When syslogd was started anew, syslog(3) makes a socket again, by datagrams
 * or, when those are refused, as a stream, of which many other services are:
 * that one it does not get, and the line is lost.  Beside the network it gets
 * none.
 */
static int
allow_syslog(scmp_filter_ctx filter)
{
	bool	 anew = !reaches_network();
	int	 result;

	result = seccomp_rule_add(filter,
	    anew ? SCMP_ACT_ALLOW : SCMP_ACT_ERRNO(EACCES), SCMP_SYS(socket),
	    2, SCMP_A0(SCMP_CMP_EQ, AF_UNIX, 0),
	    SCMP_A1(SCMP_CMP_EQ, SOCK_DGRAM | SOCK_CLOEXEC, 0));
	if (result == 0)
		result = seccomp_rule_add(filter, SCMP_ACT_ERRNO(EACCES),
		    SCMP_SYS(socket), 2, SCMP_A0(SCMP_CMP_EQ, AF_UNIX, 0),
		    SCMP_A1(SCMP_CMP_EQ, SOCK_STREAM | SOCK_CLOEXEC, 0));
	if (result == 0 && anew)
		result = seccomp_rule_add(filter, SCMP_ACT_ALLOW,
		    SCMP_SYS(connect), 0);
	/* To whom it is connected, and to nobody by address. */
	if (result == 0)
		result = seccomp_rule_add(filter, SCMP_ACT_ALLOW,
		    SCMP_SYS(sendto), 1, SCMP_A4(SCMP_CMP_EQ, 0, 0));
	return result;
}

static int
enter_seccomp(bool syslog, struct complaint *error)
{
	scmp_filter_ctx	 filter;
	int		 result;

	if ((filter = seccomp_init(SCMP_ACT_KILL_PROCESS)) == NULL)
		return complaint(error, "this system has no seccomp, which "
		    "\"sandbox = kill\" needs; \"sandbox = off\" does "
		    "without");
	/* Calls by the numbers of another kind of program. */
	result = seccomp_attr_set(filter, SCMP_FLTATR_ACT_BADARCH,
	    SCMP_ACT_KILL_PROCESS);
	if (result == 0)
		result = allow_calls(filter);
	if (result == 0 && syslog)
		result = allow_syslog(filter);
	if (result == 0)
		result = seccomp_load(filter);
	seccomp_release(filter);
	return result == 0 ? 0 : complaint(error, "the sandbox cannot be "
	    "closed (%s); \"sandbox = off\" does without",
	    strerror(-result));
}

/*
 * Landlock, whose numbers are the same on every machine.  Headers of today are
 * not needed for them: an older kernel takes a longer structure if what it
 * does not know is zero.
 */
enum {
	CREATE_RULESET = 444,
	ADD_RULE = 445,
	RESTRICT_SELF = 446,
	ASK_VERSION = 1,	/* a flag of the first */
	PATH_BENEATH = 1	/* a kind of rule */
};

#define WRITE_FILE	(UINT64_C(1) << 1)
#define READ_FILE	(UINT64_C(1) << 2)
#define READ_DIRECTORY	(UINT64_C(1) << 3)
#define REMOVE_FILE	(UINT64_C(1) << 5)
#define MAKE_FILE	(UINT64_C(1) << 8)
#define TRUNCATE	(UINT64_C(1) << 14)

struct ruleset {
	uint64_t	 files;
	uint64_t	 net;
	uint64_t	 scoped;
};

struct beneath {
	uint64_t	 rights;
	int32_t		 fd;
} __attribute__((packed));

/* Everything that each version can forbid. */
static struct ruleset
all_rights(int version)
{
	static const uint64_t	 files[] = {
		0, 0x1fff, 0x3fff, 0x7fff, 0x7fff, 0xffff
	};
	size_t			 known = LENGTH(files) - 1;

	if ((size_t)version < known)
		known = (size_t)version;
	return (struct ruleset){
		.files = files[known],
		.net = version >= 4 ? 0x3 : 0,		/* bind, connect */
		.scoped = version >= 6 ? 0x3 : 0,	/* abstract, signals */
	};
}

/* A place that is not there has nothing to be allowed. */
static int
allow_below(int ruleset, const char *path, uint64_t rights)
{
	struct beneath	 rule = { .rights = rights };
	long		 result;

	rule.fd = open(path, O_PATH | O_CLOEXEC);
	if (rule.fd == -1)
		return 0;
	result = syscall(ADD_RULE, ruleset, PATH_BENEATH, &rule, 0);
	close(rule.fd);
	return (int)result;
}

static int
allow_files(int ruleset, const struct sandbox *sandbox, uint64_t known)
{
	const uint64_t	 read = READ_FILE | READ_DIRECTORY;
	char		*key = NULL;
	int		 result;

	result = allow_below(ruleset, sandbox->state_dir, known & (read |
	    WRITE_FILE | REMOVE_FILE | MAKE_FILE | TRUNCATE));
	if (result == 0 && sandbox->key_file != NULL) {
		if ((key = strdup(sandbox->key_file)) == NULL)
			return -1;
		result = allow_below(ruleset, dirname(key), read);
		free(key);
	}
	/* For the times in syslog's lines. */
	if (result == 0)
		result = allow_below(ruleset, "/etc/localtime", READ_FILE);
	if (result == 0)
		result = allow_below(ruleset, "/usr/share/zoneinfo", read);
	/* SQLite reads it once. */
	if (result == 0)
		result = allow_below(ruleset, "/dev/urandom", READ_FILE);
	return result;
}

/* Returns 0, also where there is none, or -1 with errno. */
static int
enter_landlock(const struct sandbox *sandbox, int *landlock)
{
	struct ruleset	 all;
	long		 version, ruleset;
	int		 result, saved;

	*landlock = 0;
	version = syscall(CREATE_RULESET, NULL, 0, ASK_VERSION);
	if (version < 1)
		return 0;
	all = all_rights((int)version);
	ruleset = syscall(CREATE_RULESET, &all, sizeof(all), 0);
	if (ruleset == -1)
		return -1;
	result = allow_files((int)ruleset, sandbox, all.files);
	if (result == 0)
		result = (int)syscall(RESTRICT_SELF, (int)ruleset, 0);
	saved = errno;
	close((int)ruleset);
	errno = saved;
	if (result == 0)
		*landlock = (int)version;
	return result;
}

int
sandbox_enter(const struct sandbox *sandbox, int *landlock,
    struct complaint *error)
{
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == -1 ||
	    enter_landlock(sandbox, landlock) == -1)
		return complaint(error, "the sandbox cannot be closed (%s); "
		    "\"sandbox = off\" does without", strerror(errno));
	return enter_seccomp(sandbox->syslog, error);
}

#endif

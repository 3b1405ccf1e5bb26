/* SPDX-License-Identifier: ISC */
/*
 * The clock and the disk of a program of ours as a test wants them, set from
 * outside while it runs: a library for LD_PRELOAD (preload.py builds it).  What
 * is wanted stands in a file that ONCELINK_PRELOAD names.  It is mapped before
 * a worker gives up what it does not need, and other programs are let alone.
 */
#define _GNU_SOURCE

#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/time.h>

#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

/* Both as preload.py has them. */
enum calls { READS = 1, WRITES = 2, SYNCS = 4, CUTS = 8 };

struct wanted {
	_Atomic int64_t	 offset;	/* of the clock that people set, ms */
	_Atomic int64_t	 frozen;	/* where it stands, ms since 1970 */
	_Atomic int64_t	 is_frozen;
	_Atomic int64_t	 rate;		/* its seconds in one, less one; in
					   thousandths */
	_Atomic int64_t	 drifts_since;	/* ms since 1970, by a right clock */
	_Atomic int64_t	 error;		/* errno of files' calls; 0: none; -1:
					 * no error, half is written */
	_Atomic int64_t	 error_every;	/* one in so many, at random */
	_Atomic int64_t	 errors;	/* how many that were */
	_Atomic int64_t	 calls;		/* enum calls: which fail; 0: all */
};

static struct wanted	*wanted;

static __attribute__((constructor)) void
begin(void)
{
	const char	*name = getenv("ONCELINK_PRELOAD");
	void		*data;
	int		 fd;

	if (name == NULL ||
	    strncmp(program_invocation_short_name, "oncelink", 8) != 0)
		return;
	if ((fd = open(name, O_RDWR | O_CLOEXEC)) == -1)
		abort();
	data = mmap(NULL, sizeof(*wanted), PROT_READ | PROT_WRITE, MAP_SHARED,
	    fd, 0);
	close(fd);
	if (data == MAP_FAILED)
		abort();
	wanted = data;
}

/* The clock. */

int
clock_gettime(clockid_t id, struct timespec *now)
{
	int	 result = (int)syscall(SYS_clock_gettime, id, now);
	int64_t	 ms;

	if (wanted == NULL || result != 0 || id != CLOCK_REALTIME)
		return result;
	ms = (int64_t)now->tv_sec * 1000 + now->tv_nsec / 1000000;
	ms += (ms - atomic_load(&wanted->drifts_since)) *
	    atomic_load(&wanted->rate) / 1000 + atomic_load(&wanted->offset);
	if (atomic_load(&wanted->is_frozen) != 0)
		ms = atomic_load(&wanted->frozen);
	now->tv_sec = (time_t)(ms / 1000);
	now->tv_nsec = (long)(ms % 1000) * 1000000;
	if (now->tv_nsec < 0) {
		now->tv_sec--;
		now->tv_nsec += 1000000000;
	}
	return 0;
}

int
gettimeofday(struct timeval *restrict now, void *restrict zone)
{
	struct timespec	 exact;

	(void)zone;
	if (clock_gettime(CLOCK_REALTIME, &exact) == -1)
		return -1;
	now->tv_sec = exact.tv_sec;
	now->tv_usec = exact.tv_nsec / 1000;
	return 0;
}

time_t
time(time_t *now)
{
	struct timespec	 exact;

	(void)clock_gettime(CLOCK_REALTIME, &exact);
	if (now != NULL)
		*now = exact.tv_sec;
	return exact.tv_sec;
}

/* The disk. */

static uint64_t
draw(void)
{
	static _Thread_local uint64_t	 state;
	struct timespec			 now;

	if (state == 0) {
		(void)syscall(SYS_clock_gettime, CLOCK_MONOTONIC, &now);
		state = (uint64_t)now.tv_nsec * 2654435769U |
		    (uint64_t)syscall(SYS_gettid) << 32 | 1;
	}
	state ^= state << 13;
	state ^= state >> 7;
	state ^= state << 17;
	return state;
}

/* Is it this call that fails?  Sets errno. */
static bool
fails(int fd, enum calls call)
{
	struct stat	 status;
	int64_t		 error, every, calls;

	if (wanted == NULL || (error = atomic_load(&wanted->error)) == 0)
		return false;
	/* A full disk takes what needs no space. */
	calls = error == ENOSPC || error == -1 ? WRITES :
	    atomic_load(&wanted->calls);
	if (fd <= STDERR_FILENO || (calls != 0 && (calls & call) == 0) ||
	    fstat(fd, &status) == -1 || !S_ISREG(status.st_mode))
		return false;
	every = atomic_load(&wanted->error_every);
	if (every > 1 && draw() % (uint64_t)every != 0)
		return false;
	atomic_fetch_add(&wanted->errors, 1);
	errno = (int)error;
	return true;
}

/* What nobody promised to write at once; something, though. */
static size_t
half(size_t size)
{
	return size > 1 ? size / 2 : size;
}

ssize_t
read(int fd, void *bytes, size_t size)
{
	return fails(fd, READS) ? -1 : syscall(SYS_read, fd, bytes, size);
}

ssize_t
pread(int fd, void *bytes, size_t size, off_t offset)
{
	return fails(fd, READS) ? -1 :
	    syscall(SYS_pread64, fd, bytes, size, offset);
}

ssize_t
pread64(int fd, void *bytes, size_t size, off64_t offset)
{
	return pread(fd, bytes, size, offset);
}

ssize_t
write(int fd, const void *bytes, size_t size)
{
	if (!fails(fd, WRITES))
		return syscall(SYS_write, fd, bytes, size);
	return errno == -1 ? syscall(SYS_write, fd, bytes, half(size)) : -1;
}

ssize_t
pwrite(int fd, const void *bytes, size_t size, off_t offset)
{
	if (!fails(fd, WRITES))
		return syscall(SYS_pwrite64, fd, bytes, size, offset);
	return errno == -1 ?
	    syscall(SYS_pwrite64, fd, bytes, half(size), offset) : -1;
}

ssize_t
pwrite64(int fd, const void *bytes, size_t size, off64_t offset)
{
	return pwrite(fd, bytes, size, offset);
}

int
fsync(int fd)
{
	return fails(fd, SYNCS) ? -1 : (int)syscall(SYS_fsync, fd);
}

int
fdatasync(int fd)
{
	return fails(fd, SYNCS) ? -1 : (int)syscall(SYS_fdatasync, fd);
}

int
ftruncate(int fd, off_t size)
{
	return fails(fd, CUTS) ? -1 : (int)syscall(SYS_ftruncate, fd, size);
}

int
ftruncate64(int fd, off64_t size)
{
	return ftruncate(fd, size);
}

/* SPDX-License-Identifier: ISC */
/*
 * The C library's names for what is to fail: a program's own come first, also
 * for the libraries that it was linked with.
 */
#undef _FORTIFY_SOURCE

#include "faults.h"

#include <sys/syscall.h>
#include <sys/types.h>

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

const char *const faults_names[FAULTS_KIND__MAX] = {
	[FAULTS_READ] = "read: EIO",
	[FAULTS_WRITE] = "write: EIO",
	[FAULTS_FULL] = "write: ENOSPC",
	[FAULTS_SHORT] = "write: short",
	[FAULTS_SYNC] = "sync: EIO",
	[FAULTS_TRUNCATE] = "truncate: EIO",
	[FAULTS_OPEN] = "open: EMFILE",
	[FAULTS_MEMORY] = "malloc",
};

static _Thread_local struct {
	bool			 armed, for_good, hit;
	bool			 short_now;	/* the first short write */
	enum faults_kind	 kind;
	unsigned long		 left, calls;
	void			 (*hook)(void *);
	void			*argument;
} fault;

/* Of all threads; one_in is 0 when nothing fails. */
static struct {
	enum faults_kind	 kind;
	unsigned int		 one_in;
	unsigned long		 calls, seed, hits;
} everywhere;

void
faults_arm_all(enum faults_kind kind, unsigned int one_in, unsigned long seed)
{
	everywhere.kind = kind;
	everywhere.seed = seed;
	everywhere.calls = everywhere.hits = 0;
	__atomic_store_n(&everywhere.one_in, one_in, __ATOMIC_RELEASE);
}

unsigned long
faults_disarm_all(void)
{
	__atomic_store_n(&everywhere.one_in, 0, __ATOMIC_RELEASE);
	return __atomic_load_n(&everywhere.hits, __ATOMIC_RELAXED);
}

/* Allocations come here before AddressSanitizer has begun. */
__attribute__((no_sanitize("address")))
static bool
fails_everywhere(enum faults_kind kind)
{
	unsigned int	 one_in;
	uint64_t	 number;

	one_in = __atomic_load_n(&everywhere.one_in, __ATOMIC_ACQUIRE);
	if (one_in == 0 || everywhere.kind != kind)
		return false;
	number = everywhere.seed + __atomic_fetch_add(&everywhere.calls, 1,
	    __ATOMIC_RELAXED);
	if ((number * 0x9e3779b97f4a7c15 >> 33) % one_in != 0)
		return false;
	__atomic_fetch_add(&everywhere.hits, 1, __ATOMIC_RELAXED);
	return true;
}

void
faults_arm(enum faults_kind kind, unsigned long number, bool for_good)
{
	fault.kind = kind;
	fault.left = number;
	fault.calls = 0;
	fault.for_good = for_good;
	fault.hit = false;
	fault.armed = true;
}

bool
faults_disarm(void)
{
	fault.armed = false;
	return fault.hit;
}

void
faults_watch(void (*hook)(void *), void *argument)
{
	fault.hook = hook;
	fault.argument = argument;
}

static void
call_hook(void)
{
	bool	 armed = fault.armed;

	fault.armed = false;
	if (fault.hook != NULL)
		fault.hook(fault.argument);
	fault.armed = armed;
}

unsigned long
faults_calls(void)
{
	return fault.calls;
}

/* Is this the one? */
static bool
fails(enum faults_kind kind)
{
	if (!fault.armed || fault.kind != kind)
		return fails_everywhere(kind);
	fault.calls++;
	if (fault.left > 1) {
		fault.left--;
		return false;
	}
	if (!fault.for_good)
		fault.armed = false;
	fault.short_now = kind == FAULTS_SHORT && !fault.hit;
	if (kind != FAULTS_SHORT && !fault.hit)
		call_hook();
	fault.hit = true;
	return true;
}

static int
failed(int error)
{
	errno = error;
	return -1;
}

#define WRITTEN_AND_DENIED (-2)

/* 0: as it is; -1 with errno; or how much of it is to be written.  Of what is
 * always written short the last byte is denied, and written. */
static ssize_t
write_fault(int fd, size_t size)
{
	if (fd <= STDERR_FILENO)
		return 0;
	if (fails(FAULTS_WRITE))
		return failed(EIO);
	if (fails(FAULTS_FULL))
		return failed(ENOSPC);
	if (!fails(FAULTS_SHORT))
		return 0;
	/* What is left of it does not fit. */
	if (!fault.for_good)
		faults_arm(FAULTS_FULL, 1, false);
	fault.hit = true;
	return size > 1 ? (ssize_t)(size / 2) : WRITTEN_AND_DENIED;
}

/* What the caller of the write is told. */
static ssize_t
tell(ssize_t part, ssize_t written)
{
	if (part != 0 && fault.short_now)
		call_hook();
	fault.short_now = false;
	return part == WRITTEN_AND_DENIED ? failed(ENOSPC) : written;
}

ssize_t
read(int fd, void *bytes, size_t size)
{
	if (fd > STDERR_FILENO && fails(FAULTS_READ))
		return failed(EIO);
	return syscall(SYS_read, fd, bytes, size);
}

ssize_t
pread(int fd, void *bytes, size_t size, off_t offset)
{
	if (fails(FAULTS_READ))
		return failed(EIO);
	return syscall(SYS_pread64, fd, bytes, size, offset);
}

ssize_t
pread64(int fd, void *bytes, size_t size, off64_t offset)
{
	return pread(fd, bytes, size, offset);
}

ssize_t
write(int fd, const void *bytes, size_t size)
{
	ssize_t	 part = write_fault(fd, size);

	if (part == -1)
		return -1;
	return tell(part, syscall(SYS_write, fd, bytes,
	    part > 0 ? (size_t)part : size));
}

ssize_t
pwrite(int fd, const void *bytes, size_t size, off_t offset)
{
	ssize_t	 part = write_fault(fd, size);

	if (part == -1)
		return -1;
	return tell(part, syscall(SYS_pwrite64, fd, bytes,
	    part > 0 ? (size_t)part : size, offset));
}

ssize_t
pwrite64(int fd, const void *bytes, size_t size, off64_t offset)
{
	return pwrite(fd, bytes, size, offset);
}

int
fsync(int fd)
{
	if (fails(FAULTS_SYNC))
		return failed(EIO);
	return (int)syscall(SYS_fsync, fd);
}

int
fdatasync(int fd)
{
	if (fails(FAULTS_SYNC))
		return failed(EIO);
	return (int)syscall(SYS_fdatasync, fd);
}

int
ftruncate(int fd, off_t size)
{
	if (fails(FAULTS_TRUNCATE))
		return failed(EIO);
	return (int)syscall(SYS_ftruncate, fd, size);
}

int
ftruncate64(int fd, off64_t size)
{
	return ftruncate(fd, size);
}

int
posix_fallocate(int fd, off_t offset, off_t size)
{
	if (fails(FAULTS_FULL))
		return ENOSPC;
	if (syscall(SYS_fallocate, fd, 0, offset, size) == -1)
		return errno;
	return 0;
}

int
posix_fallocate64(int fd, off64_t offset, off64_t size)
{
	return posix_fallocate(fd, offset, size);
}

static int
open_at(int directory, const char *name, int flags, unsigned int mode)
{
	if (fails(FAULTS_OPEN))
		return failed(EMFILE);
	return (int)syscall(SYS_openat, directory, name, flags, mode);
}

/* The mode is there with O_CREAT alone. */
#define OPEN_AT(directory, name, flags)					\
	va_list		 arguments;					\
	unsigned int	 mode;						\
									\
	va_start(arguments, flags);					\
	mode = (flags & O_CREAT) != 0 ? va_arg(arguments, unsigned int) : 0; \
	va_end(arguments);						\
	return open_at(directory, name, flags, mode)

int
open(const char *name, int flags, ...)
{
	OPEN_AT(AT_FDCWD, name, flags);
}

int
open64(const char *name, int flags, ...)
{
	OPEN_AT(AT_FDCWD, name, flags);
}

int
openat(int directory, const char *name, int flags, ...)
{
	OPEN_AT(directory, name, flags);
}

int
openat64(int directory, const char *name, int flags, ...)
{
	OPEN_AT(directory, name, flags);
}

/*
 * The allocator's own functions.  Before they are known somebody may ask for
 * memory, dlsym itself for one: that little is never given back.
 */
static uint8_t	 early[65536] __attribute__((aligned(16)));
static size_t	 early_used;

static void *
early_memory(size_t size)
{
	void	*data = early + early_used;

	size = (size + 15) & ~(size_t)15;
	if (size > sizeof(early) - early_used)
		return NULL;
	early_used += size;
	return data;
}

/* Copied, since ISO C has no cast from an object to a function. */
#define NEXT(function, name)						\
	static bool asking;						\
									\
	if (function == NULL && !asking) {				\
		void	*found;						\
									\
		asking = true;						\
		found = dlsym(RTLD_NEXT, name);				\
		memcpy(&function, &found, sizeof(found));		\
		asking = false;						\
	}

static void *
next_malloc(size_t size)
{
	static void	*(*function)(size_t);

	NEXT(function, "malloc");
	return function == NULL ? early_memory(size) : function(size);
}

void *
malloc(size_t size)
{
	return fails(FAULTS_MEMORY) ? NULL : next_malloc(size);
}

void *
calloc(size_t count, size_t size)
{
	static void	*(*function)(size_t, size_t);

	NEXT(function, "calloc");
	if (fails(FAULTS_MEMORY))
		return NULL;
	return function == NULL ? early_memory(count * size) :
	    function(count, size);
}

#ifdef ONCELINK_SANITIZE
/* json-c 0.16 does not look whether the name of a member was copied: without
 * lent.c it dies there, whatever its caller does. */
char *
strdup(const char *text)
{
	size_t	 size = strlen(text) + 1;
	Dl_info	 caller;
	char	*copy;

	if (dladdr(__builtin_return_address(0), &caller) != 0 &&
	    strstr(caller.dli_fname, "libjson-c") != NULL)
		copy = next_malloc(size);
	else
		copy = malloc(size);
	return copy == NULL ? NULL : memcpy(copy, text, size);
}

void *
realloc(void *data, size_t size)
{
	static void	*(*function)(void *, size_t);

	NEXT(function, "realloc");
	return fails(FAULTS_MEMORY) ? NULL : function(data, size);
}
#else
/* What the program's own realloc takes memory by. */
void	*__libc_malloc(size_t);

void *
__libc_malloc(size_t size)
{
	return fails(FAULTS_MEMORY) ? NULL : next_malloc(size);
}
#endif

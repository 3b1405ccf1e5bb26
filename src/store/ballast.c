/* SPDX-License-Identifier: ISC */
/*
 * The ballast file: it is never held open, so that unlinking it frees its
 * blocks at once, and it appears whole or not at all.
 */
#include <sys/stat.h>

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include "store/ballast.h"

#define BALLAST_NAME	"ballast"
#define BALLAST_NEW	"ballast.new"

int
ballast_make(int directory, size_t size)
{
	struct stat	 status;
	int		 fd, error;

	if (fstatat(directory, BALLAST_NAME, &status, AT_SYMLINK_NOFOLLOW) == 0
	    && S_ISREG(status.st_mode) && (size_t)status.st_size == size)
		return 0;
	fd = openat(directory, BALLAST_NEW, O_WRONLY | O_CREAT | O_TRUNC |
	    O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fd == -1)
		return -1;
	error = posix_fallocate(fd, 0, (off_t)size);
	close(fd);
	if (error == 0 && renameat(directory, BALLAST_NEW, directory,
	    BALLAST_NAME) == 0)
		return 0;
	if (error == 0)
		error = errno;
	unlinkat(directory, BALLAST_NEW, 0);
	errno = error;
	return -1;
}

int
ballast_drop(int directory)
{
	return unlinkat(directory, BALLAST_NAME, 0);
}

/* SPDX-License-Identifier: ISC */
/*
 * What outlives a power cut: a file that is synced is there without its name
 * until its directory is synced too.
 */
#include "base/durable.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

int
durable_directory(const char *path)
{
	char	*copy;
	int	 fd, error;

	if ((copy = strdup(path)) == NULL)
		return -1;
	fd = open(dirname(copy), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	error = errno;
	free(copy);
	errno = error;
	return fd;
}

int
durable_name(const char *path)
{
	int	 fd, result, error;

	if ((fd = durable_directory(path)) == -1)
		return -1;
	result = fsync(fd);
	error = errno;
	close(fd);
	errno = error;
	return result;
}

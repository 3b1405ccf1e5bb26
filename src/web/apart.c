/* SPDX-License-Identifier: ISC */
/*
 * A state directory that the web server would hand out is a mistake that must
 * not work for a day.
 */
#include "web/apart.h"

#include <sys/stat.h>

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"

int
apart_add(struct apart *apart, const char *private)
{
	struct stat status;
	char path[PATH_MAX], *slash;

	if (realpath(private, path) == NULL)
		return -1;
	for (;;) {
		if (apart->count == APART_DEPTH_MAX) {
			errno = ENAMETOOLONG;
			return -1;
		}
		if (stat(path, &status) == -1)
			return -1;
		apart->above[apart->count].device = status.st_dev;
		apart->above[apart->count].inode = status.st_ino;
		apart->count++;
		slash = strrchr(path, '/');
		if (slash[1] == '\0')
			return 0;
		/* The last one is "/". */
		slash[slash == path] = '\0';
	}
}

bool
apart_allows(const struct apart *apart, const char *root)
{
	struct stat status;
	size_t i;

	if (*root == '\0' || stat(root, &status) == -1)
		return true;
	for (i = 0; i < apart->count; i++)
		if (apart->above[i].device == status.st_dev &&
		    apart->above[i].inode == status.st_ino) {
			log_event(LOG_DOCUMENT_ROOT, LOG_TEXT("where", "app"));
			return false;
		}
	return true;
}

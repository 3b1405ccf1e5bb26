/* SPDX-License-Identifier: ISC */
#ifndef ONCELINK_DURABLE_H
#define ONCELINK_DURABLE_H

/* durable_directory(path): the directory that a file is in, opened, for the
 * caller to close.  Returns -1 with errno. */
int	 durable_directory(const char *path);

/* durable_name(path): make the name of a file survive a power cut.  Returns
 * 0, or -1 with errno. */
int	 durable_name(const char *path);

#endif

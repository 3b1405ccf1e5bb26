/* SPDX-License-Identifier: ISC */
/*
 * This file knows what the programs have in common before they differ: what
 * makes a process safe, and what of its command line is no program's own.
 */
#include <sys/stat.h>

#include <fcntl.h>
#include <getopt.h>
#include <signal.h>
#include <sodium.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <sysexits.h>
#include <unistd.h>

#include "base/filelock.h"
#include "base/wipe.h"
#include "prog/start.h"

/* A file of ours must never get the number of a standard stream. */
static bool
fill_standard_streams(void)
{
	int fd;

	do {
		if ((fd = open("/dev/null", O_RDWR)) == -1)
			return false;
	} while (fd <= STDERR_FILENO);
	close(fd);
	return true;
}

const char *
start_safely(void)
{
	umask(077);
	/* Who starts us may ignore it, and a child's end is then not told. */
	signal(SIGCHLD, SIG_DFL);
	if (!fill_standard_streams())
		return "/dev/null cannot be opened";
	if (wipe_self_test() == -1)
		return "freed memory is not overwritten on this system";
	if (wipe_process() == -1)
		return "core files cannot be switched off";
	if (sodium_init() == -1)
		return "libsodium does not start";
	if (filelock_prepare() == -1)
		return "the signal of the locks cannot be caught";
	return NULL;
}

void
start_take_option(const char **option, const char *program, const char *name)
{
	if (*option != NULL) {
		fprintf(stderr, "%s: %s was given twice\n", program, name);
		exit(EX_USAGE);
	}
	*option = optarg;
}

/* SPDX-License-Identifier: ISC */
#ifndef ONCELINK_START_H
#define ONCELINK_START_H

/*
 * start_safely(): what must hold before a secret is in this process, once a
 * program and before its first thread: standard streams that are open, files
 * for this user alone, memory that is wiped and stays out of core files,
 * libsodium, locks.  Returns NULL, or what does not hold in words.
 */
const char *start_safely(void);

/*
 * start_take_option(option, program, name): take optarg as the value of an
 * option; one that was given twice ends the program with EX_USAGE.
 */
void	 start_take_option(const char **option, const char *program,
	    const char *name);

#endif

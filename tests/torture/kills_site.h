/* SPDX-License-Identifier: ISC */
#ifndef ONCELINK_KILLS_SITE_H
#define ONCELINK_KILLS_SITE_H

#include <sys/types.h>

#include <stdbool.h>

/*
 * A site of the real programs in a directory of its own, with one socket for
 * all workers, as spawn-fcgi makes it, and nginx before it when asked for.
 * What does not work here ends the attack.
 */

struct kills_site {
	char	 directory[64];
	char	 conf[128], database[128], log[128];
	char	 worker_socket[128];
	char	 web_socket[128];	/* nginx's */
	int	 listener;		/* the workers' */
	pid_t	 web;			/* 0: none */
};

/* kills_site_open(site, threads, web): of each worker; with nginx? */
void	 kills_site_open(struct kills_site *site, unsigned int threads,
	    bool web);

/* kills_site_close(site): the workers are gone already. */
void	 kills_site_close(struct kills_site *site);

/* kills_site_worker(site), kills_site_sweeper(site): start one.  It dies with
 * the thread that started it. */
pid_t	 kills_site_worker(struct kills_site *site);
pid_t	 kills_site_sweeper(struct kills_site *site);

/* kills_site_wait(process): until it has ended; returns how, as waitpid says
 * it. */
int	 kills_site_wait(pid_t process);

/* kills_site_log_bytes(site): of the database's log; 0: none. */
long	 kills_site_log_bytes(const struct kills_site *site);

/* kills_site_faults(site): how many the database has, now that nobody uses
 * it, or programs told of (printed). */
unsigned int kills_site_faults(const struct kills_site *site);

#endif

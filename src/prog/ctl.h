/* SPDX-License-Identifier: ISC */
#ifndef ONCELINK_CTL_H
#define ONCELINK_CTL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/site.h"

struct conf;

#define CTL_PROGRAM "oncelinkctl"

/* The options of single commands; the table in ctl.c names them. */
enum ctl_option {
	CTL_OPTION_ACCEPT,
	CTL_OPTION_ACCOUNTS,
	CTL_OPTION_ALLOWANCE,
	CTL_OPTION_CA_FILE,
	CTL_OPTION_CONNECT_TO,
	CTL_OPTION_FORCE,
	CTL_OPTION_GIVE_UP,
	CTL_OPTION_REQUEST_ALLOWANCE,
	CTL_OPTION_TEMPORARY,
	CTL_OPTION_URL,
	CTL_OPTION_WEB_SERVER,
	CTL_OPTION__MAX
};

/* A command as it was given. */
struct ctl_call {
	const struct conf *conf;	/* NULL for those that read none */
	const char	*file;		/* of -c, or NULL */
	const char	*options[CTL_OPTION__MAX]; /* "" of one without value,
						NULL of one not given */
	char		**operands;
	size_t		 operands_count;
};

/* ctl_complain(status, format, ...): say on standard error what is wrong;
 * returns status. */
int	 ctl_complain(int status, const char *format, ...)
	    __attribute__((format(printf, 2, 3)));

/* ctl_flush(): what was printed must have arrived, on a full disk too.
 * Returns an exit status. */
int	 ctl_flush(void);

/* ctl_time(time, text): a time in ms since 1970 as commands show it, in UTC;
 * returns text. */
#define CTL_TIME_SIZE 32
const char *ctl_time(int64_t time, char text[CTL_TIME_SIZE]);

/*
 * ctl_open_site(site, conf, use): open the site, for the caller to close.
 * ctl_with_site(call, use, command): run command with it, and close it.
 * ctl_store_failed(failure): say what one of the STORE_ failures means.
 * Each returns an exit status, and has said what is wrong.
 */
typedef int ctl_command(struct site *site, const struct ctl_call *call);
int	 ctl_open_site(struct site *site, const struct conf *conf,
	    enum site_use use);
int	 ctl_with_site(const struct ctl_call *call, enum site_use use,
	    ctl_command *command);
int	 ctl_store_failed(int failure);

/* The commands; each returns an exit status. */
int	 ctl_init_run(const struct ctl_call *call);
int	 ctl_clock_run(const struct ctl_call *call);
int	 ctl_config_run(const struct ctl_call *call);
int	 ctl_days_run(const struct ctl_call *call);
int	 ctl_stats_run(const struct ctl_call *call);
int	 ctl_key_rotate(const struct ctl_call *call);
int	 ctl_key_list(const struct ctl_call *call);
int	 ctl_backup_run(const struct ctl_call *call);
int	 ctl_backup_restore(const struct ctl_call *call); /* without conf */
int	 ctl_check_run(const struct ctl_call *call);
int	 ctl_erased_run(const struct ctl_call *call);
int	 ctl_account_add(const struct ctl_call *call);
int	 ctl_account_list(const struct ctl_call *call);
int	 ctl_account_show(const struct ctl_call *call);
int	 ctl_account_set(const struct ctl_call *call);
int	 ctl_account_remove(const struct ctl_call *call);
int	 ctl_account_key_add(const struct ctl_call *call);
int	 ctl_account_key_list(const struct ctl_call *call);
int	 ctl_account_key_revoke(const struct ctl_call *call);
int	 ctl_mail_list(const struct ctl_call *call);
int	 ctl_mail_retry(const struct ctl_call *call);
int	 ctl_mail_drop(const struct ctl_call *call);
int	 ctl_mail_test(const struct ctl_call *call);

#endif

/* SPDX-License-Identifier: ISC */
#ifndef ONCELINK_CTL_H
#define ONCELINK_CTL_H

#include <stdbool.h>
#include <stddef.h>

struct conf;

#define CTL_PROGRAM "oncelinkctl"

/* The options of single commands; the table in ctl.c names them. */
enum ctl_option {
	CTL_OPTION_ACCOUNTS,
	CTL_OPTION_ALLOWANCE,
	CTL_OPTION_CA_FILE,
	CTL_OPTION_CONNECT_TO,
	CTL_OPTION_FORCE,
	CTL_OPTION_REQUEST_ALLOWANCE,
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

/* The commands; each returns an exit status. */
int	 ctl_init_run(const struct ctl_call *call);
int	 ctl_config_run(const struct ctl_call *call);
int	 ctl_stats_run(const struct ctl_call *call);
int	 ctl_key_run(const struct ctl_call *call);
int	 ctl_backup_run(const struct ctl_call *call);
int	 ctl_backup_restore(const struct ctl_call *call); /* without conf */
int	 ctl_check_run(const struct ctl_call *call);
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

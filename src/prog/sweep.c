/* SPDX-License-Identifier: ISC */
/*
 * oncelink-sweep: the program that cron calls.  This file knows how a sweep is
 * started from a command line and what it says of it.
 */
#include <getopt.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <sysexits.h>

#include "base/complaint.h"
#include "base/conf.h"
#include "base/log.h"
#include "core/mail_round.h"
#include "core/site.h"
#include "core/sweep.h"
#include "prog/start.h"
#include "store/store.h"

#define PROGRAM "oncelink-sweep"

struct options {
	const char	*file;
	bool		 verbose;
};

static void
usage(FILE *out)
{
	fputs("usage: " PROGRAM " [-v] [-c FILE]\n"
	    "       " PROGRAM " --version | --help\n"
	    "\n"
	    "Ends what is due: records whose time or claims are over, and "
	    "tombstones.\n"
	    "Hands mail to sendmail.\n"
	    "  -c FILE  read the settings from FILE\n"
	    "  -v       say what was done\n", out);
}

static void
parse_options(int argc, char **argv, struct options *options)
{
	enum { OPTION_HELP = 256, OPTION_VERSION };
	static const struct option table[] = {
		{ "help", no_argument, NULL, OPTION_HELP },
		{ "version", no_argument, NULL, OPTION_VERSION },
		{ NULL, 0, NULL, 0 }
	};
	int	 option;

	*options = (struct options){ .file = NULL };
	while ((option = getopt_long(argc, argv, "c:v", table, NULL)) != -1) {
		switch (option) {
		case 'c':
			start_take_option(&options->file, PROGRAM, "-c");
			break;
		case 'v':
			options->verbose = true;
			break;
		case OPTION_VERSION:
			puts(PROGRAM " " PACKAGE_VERSION);
			exit(EX_OK);
		case OPTION_HELP:
			usage(stdout);
			exit(EX_OK);
		default:
			usage(stderr);
			exit(EX_USAGE);
		}
	}
	if (optind < argc) {
		usage(stderr);
		exit(EX_USAGE);
	}
}

static void
report(const struct sweep_result *result)
{
	if (result->already) {
		puts("another sweeper is at work; nothing was done");
		return;
	}
	printf("expired: %" PRId64 ", read to the end: %" PRId64
	    ", forgotten: %" PRId64 ", requests forgotten: %" PRId64
	    ", keys of days destroyed: %zu\n", result->expired,
	    result->finished, result->forgotten, result->requests,
	    result->keys);
}

static void
report_mail(const struct mail_round_result *result)
{
	if (result->already) {
		puts("another process hands over mail");
		return;
	}
	printf("mail handed over: %" PRId64 ", to be tried again: %" PRId64
	    ", given up: %" PRId64 "\n", result->handed_over,
	    result->put_off, result->given_up);
}

/* Of both the operator must know.  Returns an exit status. */
static int
report_clock(const struct sweep_result *result)
{
	const int64_t	 hour = (int64_t)3600 * 1000;

	if (result->behind != 0)
		fprintf(stderr, PROGRAM ": the clock is %" PRId64 " minutes "
		    "behind what was written already; until it is right "
		    "nothing gets older\n", result->behind / (hour / 60));
	if (result->ahead == 0)
		return EX_OK;
	fprintf(stderr, PROGRAM ": the clock is %" PRId64 " hours ahead of "
	    "all that was written, so nothing was ended%s; set it, or, when "
	    "it is right and nobody was here for so long, run "
	    "\"oncelinkctl clock --accept\"\n", result->ahead / hour,
	    result->ahead > STORE_CLOCK_LOST ?
	    " and nothing new is taken" : "");
	return EX_TEMPFAIL;
}

/* Behind the sweep, so that what takes mail cannot hold that up.  Returns an
 * exit status. */
static int
send_mail(struct site *site, bool verbose)
{
	struct mail_round_result result;
	struct complaint	 error;
	int			 failure;

	failure = mail_round_run(site, &result, &error);
	if (verbose)
		report_mail(&result);
	if (result.bad_words) {
		fprintf(stderr, PROGRAM ": no mail is sent: %s\n",
		    error.text);
		return EX_CONFIG;
	}
	if (failure == 0)
		return EX_OK;
	fprintf(stderr, PROGRAM ": not all mail was sent, since the database "
	    "was busy or failed (the log says how)\n");
	return failure == STORE_FAILED ? EX_IOERR : EX_TEMPFAIL;
}

/* Returns an exit status; what is found wrong goes to cron's mail. */
static int
sweep(const struct conf *conf, bool verbose)
{
	struct site		 site;
	struct complaint	 error;
	struct sweep_result	 result;
	int			 failure, status;

	if (site_open(&site, conf, SITE_SWEEPER, &error) == -1) {
		fprintf(stderr, PROGRAM ": %s\n", error.text);
		return EX_UNAVAILABLE;
	}
	failure = sweep_run(&site, &result);
	if (verbose)
		report(&result);
	status = report_clock(&result);
	/* Letters are due by that clock too. */
	if (status == EX_OK)
		status = send_mail(&site, verbose);
	site_close(&site);
	if (failure == 0)
		return status;
	fprintf(stderr, PROGRAM ": not everything was swept, since the "
	    "database %s; the next run goes on where this one stopped\n",
	    failure == STORE_BUSY ? "was busy" : failure == STORE_FULL ?
	    "has no space on its disk" : "failed (the log says how)");
	return failure == STORE_FAILED ? EX_IOERR : EX_TEMPFAIL;
}

int
main(int argc, char **argv)
{
	struct options		 options;
	struct conf		 conf;
	struct complaint	 error;
	const char		*reason;
	int			 status;

	parse_options(argc, argv, &options);
	if ((reason = start_safely()) != NULL) {
		fprintf(stderr, PROGRAM ": %s\n", reason);
		return EX_OSERR;
	}
	if (conf_load(&conf, options.file, &error) == -1) {
		fprintf(stderr, PROGRAM ": %s\n", error.text);
		return EX_CONFIG;
	}
	log_open(PROGRAM, (enum log_target)conf.log_target,
	    (enum log_level)conf.log_level);
	status = sweep(&conf, options.verbose);
	conf_free(&conf);
	return status;
}

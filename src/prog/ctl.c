/* SPDX-License-Identifier: ISC */
/*
 * oncelinkctl: what an administrator does to a site from the command line.
 * This file knows the commands, what each may be given, and what of a command
 * line is no command's own.
 */
#include "prog/ctl.h"

#include <errno.h>
#include <getopt.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sysexits.h>
#include <time.h>

#include "base/complaint.h"
#include "base/conf.h"
#include "base/log.h"
#include "core/site.h"
#include "prog/start.h"
#include "store/store.h"

#define TAKES(option)	(1u << (option))

enum { FIRST_OPTION = 256 };	/* behind every letter */

struct command {
	const char	*name;		/* one word or two */
	const char	*usage;		/* behind the name */
	const char	*summary;
	const char	*help;
	int		(*run)(const struct ctl_call *call);
	unsigned int	 options;	/* TAKES(…) */
	size_t		 operands;	/* exactly so many */
	bool		 without_conf;	/* does not read the settings */
};

static const struct command commands[] = {
	{ "init", "", "make what a new site needs",
	    "Make what a new site needs and does not have yet: the state\n"
	    "directory, the directory of the key file, the key file and the\n"
	    "database, all readable by this user alone.  Nothing that is\n"
	    "there is changed.  With SIGN_KEY set no key file is made.\n",
	    ctl_init_run, 0, 0, false },
	{ "backup", " FILE", "write settings and accounts to a file",
	    "Write what a new site needs to become this one to FILE, which\n"
	    "must not be there, or to standard output when FILE is `-'.\n"
	    "These are the settings, and the accounts with hashes of their\n"
	    "keys.  No secret is in it, and no key: keep a copy of the key\n"
	    "file in a place of its own.\n",
	    ctl_backup_run, 0, 1, false },
	{ "restore", " [--force | --accounts] FILE",
	    "make the settings, or the accounts, from a backup",
	    "Make the configuration file from the backup FILE, or from\n"
	    "standard input when FILE is `-'.  A configuration file that is\n"
	    "there is not replaced, unless with --force.  The key file is\n"
	    "put back by hand; `init' then makes the rest.\n\n"
	    "With --accounts put the accounts of the backup and their keys\n"
	    "into the site, which needs the key file that the backup was\n"
	    "made with, and none of these accounts yet.\n",
	    ctl_backup_restore, TAKES(CTL_OPTION_FORCE) |
	    TAKES(CTL_OPTION_ACCOUNTS), 1, true },
	{ "check", " [--temporary DIRECTORY] [--url URL] [--ca-file FILE] "
	    "[--connect-to HOST:PORT:ADDRESS:PORT]",
	    "look for what is wrong with a site",
	    "Look at the site's files, settings, store, clock and sweeper,\n"
	    "and make and read a secret.  Each finding is a line that begins\n"
	    "with ok, warning or error and says what to do.  Run it as the\n"
	    "worker's user; it disturbs nobody.\n\n"
	    "--temporary names the directory in which the web server keeps\n"
	    "what it cannot hold back otherwise, if that is not the usual\n"
	    "one: it must be in memory.\n\n"
	    "With --url also go through the web server, at the address that\n"
	    "people use, such as https://secrets.example.org/once: whether\n"
	    "requests and answers arrive as they were sent, and what the\n"
	    "answers reveal.  --ca-file names a file with certificates to\n"
	    "believe instead of the system's; --connect-to sends what is for\n"
	    "HOST:PORT elsewhere, as curl's option does, for a site whose\n"
	    "name is not known yet.\n\n"
	    "Exit status: 0 without errors, 1 with errors.\n",
	    ctl_check_run, TAKES(CTL_OPTION_URL) | TAKES(CTL_OPTION_CA_FILE) |
	    TAKES(CTL_OPTION_CONNECT_TO) | TAKES(CTL_OPTION_TEMPORARY), 0,
	    false },
	{ "verify-erased", "", "look on the disk for what is over",
	    "Make secrets of several sizes, see that no more of them than\n"
	    "sealed records is in the files of the state directory, read\n"
	    "some, burn the others, and look for whatever is left of them.\n"
	    "Run it as the worker's user, beside the worker or without it.\n"
	    "\nExit status: 0 when nothing is left, 1 when something is.\n",
	    ctl_erased_run, 0, 0, false },
	{ "clock", " [--accept]", "say whether the clock can be right",
	    "Print what the clock shows, the latest time that anything was\n"
	    "written at, and what follows: with a clock behind that, time\n"
	    "stands still until it is there again; with a clock more than\n"
	    "three days ahead nothing is erased because its time is over.\n\n"
	    "With --accept the clock is right, ahead or behind: what is over\n"
	    "by it ends with the next sweep.\n",
	    ctl_clock_run, TAKES(CTL_OPTION_ACCEPT), 0, false },
	{ "day-keys", " [--give-up]", "say which keys of days are missed",
	    "Print the days whose key is gone from the state directory while\n"
	    "secrets wait for it, or damaged, or not readable.  Nobody can\n"
	    "read those secrets, and nothing is taken that would end on the\n"
	    "same day (while it is today's key, nothing from clients that are\n"
	    "counted), until the key is put back.\n\n"
	    "With --give-up the keys will not be put back, as when the\n"
	    "database came back without them: new secrets are taken again,\n"
	    "the old ones are lost.\n",
	    ctl_days_run, TAKES(CTL_OPTION_GIVE_UP), 0, false },
	{ "config", " [--web-server nginx | lighttpd | apache]",
	    "print the settings in effect",
	    "Print every setting as it is in effect, where it comes from,\n"
	    "what it means and what is allowed, in the form of the\n"
	    "configuration file.\n\n"
	    "With --web-server print instead the limits of that web server\n"
	    "that follow from the settings, in the form of its own\n"
	    "configuration.\n",
	    ctl_config_run, TAKES(CTL_OPTION_WEB_SERVER), 0, false },
	{ "server-key list", "", "list the keys that seal secrets",
	    "Print the number of each seal key, when it was made and how\n"
	    "many secrets need it.\n",
	    ctl_key_list, 0, 0, false },
	{ "server-key rotate", "", "make a new key to seal secrets",
	    "Add a seal key to the key file, for secrets made from now on;\n"
	    "the older keys go on opening what they sealed.  Running workers\n"
	    "take the new one within seconds and need no signal.  An older\n"
	    "key that seals no secret any more is taken out, but not before\n"
	    "the key after it is an hour old.  Make a new copy of the key\n"
	    "file afterwards.\n",
	    ctl_key_rotate, 0, 0, false },
	{ "account add", " [--allowance N] [--request-allowance N] NAME",
	    "let somebody use password.link's interface",
	    "Make the account NAME: letters, digits, `.', `_', `@' and `-',\n"
	    "64 at most.  It needs a key before anybody can use it.  With\n"
	    "--allowance it may make so many secrets in a month (of UTC),\n"
	    "with --request-allowance so many secret requests; without them,\n"
	    "or with `unlimited', as many as it likes.\n",
	    ctl_account_add, TAKES(CTL_OPTION_ALLOWANCE) |
	    TAKES(CTL_OPTION_REQUEST_ALLOWANCE), 1, false },
	{ "account list", "", "list the accounts",
	    "Print a line for each account: its name, when it was made, and\n"
	    "what it made this month of what it may, secrets and requests.\n",
	    ctl_account_list, 0, 0, false },
	{ "account show", " NAME", "print all about one account",
	    "Print what is known of the account NAME, one line each.\n",
	    ctl_account_show, 0, 1, false },
	{ "account set", " [--allowance N] [--request-allowance N] NAME",
	    "let an account make more, or less",
	    "Change what the account NAME may make in a month; `unlimited'\n"
	    "takes the limit away.  What is not given stays as it is.  What\n"
	    "was made this month counts on.\n",
	    ctl_account_set, TAKES(CTL_OPTION_ALLOWANCE) |
	    TAKES(CTL_OPTION_REQUEST_ALLOWANCE), 1, false },
	{ "account remove", " NAME", "end an account with all it has",
	    "Remove the account NAME with its keys, secrets, receipts, the\n"
	    "log of their views, secret requests and mail that waits.  Links\n"
	    "to its secrets open nothing any more.  Nobody is asked again.\n",
	    ctl_account_remove, 0, 1, false },
	{ "key add", " NAME private | public", "make a key for an account",
	    "Make a key for the account NAME and print it, alone on its\n"
	    "line.  It is shown this once: only a hash of it is kept.  A\n"
	    "private key may do all that its account may, a public key only\n"
	    "read secrets of it.\n",
	    ctl_account_key_add, 0, 2, false },
	{ "key list", " NAME", "list the keys of an account",
	    "Print a line for each key of the account NAME: its number, its\n"
	    "kind, when it was made and the last day (of UTC) of its use.\n",
	    ctl_account_key_list, 0, 1, false },
	{ "key revoke", " NAME NUMBER", "make a key useless",
	    "Take the key of this number from the account NAME.  It is not\n"
	    "known from then on, by running workers too.\n",
	    ctl_account_key_revoke, 0, 2, false },
	{ "mail list", "", "list the mail that waits",
	    "Print a line for each mail that waits for sendmail: its number,\n"
	    "its account, what it is about, when it was made, how often it\n"
	    "was tried and when it is tried next.  To whom it goes and what\n"
	    "is in it is not shown.\n",
	    ctl_mail_list, 0, 0, false },
	{ "mail retry", " NUMBER", "try a mail again soon",
	    "Have the sweeper's next round try the mail of this number,\n"
	    "however often it was tried before.\n",
	    ctl_mail_retry, 0, 1, false },
	{ "mail drop", " NUMBER", "erase a mail that waits",
	    "Erase the mail of this number.  Nobody is told.\n",
	    ctl_mail_drop, 0, 1, false },
	{ "mail test", " ADDRESS", "send a mail to see whether it arrives",
	    "Hand a mail without any secret to sendmail at once, as the\n"
	    "sweeper does with others, and say what it answered.  Run it as\n"
	    "the user that the sweeper runs as.\n",
	    ctl_mail_test, 0, 1, false },
	{ "stats", "", "count what is in the store",
	    "Count what is in the store: secrets, secret requests, mail that\n"
	    "waits, bytes; what has expired and waits for the sweeper is\n"
	    "counted too.  This reads all of it.\n",
	    ctl_stats_run, 0, 0, false },
};

#define COMMANDS_COUNT (sizeof(commands) / sizeof(commands[0]))

static const struct option options[] = {
	{ "help", no_argument, NULL, 'h' },
	{ "version", no_argument, NULL, 'V' },
	{ "accept", no_argument, NULL, FIRST_OPTION + CTL_OPTION_ACCEPT },
	{ "accounts", no_argument, NULL,
	    FIRST_OPTION + CTL_OPTION_ACCOUNTS },
	{ "allowance", required_argument, NULL,
	    FIRST_OPTION + CTL_OPTION_ALLOWANCE },
	{ "ca-file", required_argument, NULL,
	    FIRST_OPTION + CTL_OPTION_CA_FILE },
	{ "connect-to", required_argument, NULL,
	    FIRST_OPTION + CTL_OPTION_CONNECT_TO },
	{ "url", required_argument, NULL, FIRST_OPTION + CTL_OPTION_URL },
	{ "force", no_argument, NULL, FIRST_OPTION + CTL_OPTION_FORCE },
	{ "give-up", no_argument, NULL, FIRST_OPTION + CTL_OPTION_GIVE_UP },
	{ "request-allowance", required_argument, NULL,
	    FIRST_OPTION + CTL_OPTION_REQUEST_ALLOWANCE },
	{ "temporary", required_argument, NULL,
	    FIRST_OPTION + CTL_OPTION_TEMPORARY },
	{ "web-server", required_argument, NULL,
	    FIRST_OPTION + CTL_OPTION_WEB_SERVER },
	{ NULL, 0, NULL, 0 }
};

int
ctl_complain(int status, const char *format, ...)
{
	va_list	 arguments;

	fflush(stdout);
	fputs(CTL_PROGRAM ": ", stderr);
	va_start(arguments, format);
	vfprintf(stderr, format, arguments);
	va_end(arguments);
	fputc('\n', stderr);
	return status;
}

int
ctl_flush(void)
{
	if (fflush(stdout) == EOF || ferror(stdout))
		return ctl_complain(EX_IOERR, "standard output: %s",
		    strerror(errno));
	return EX_OK;
}

const char *
ctl_time(int64_t time, char text[CTL_TIME_SIZE])
{
	time_t		 seconds = (time_t)(time / 1000);
	struct tm	 parts;

	if (gmtime_r(&seconds, &parts) == NULL || strftime(text,
	    CTL_TIME_SIZE, "%Y-%m-%dT%H:%M:%SZ", &parts) == 0)
		memcpy(text, "unknown", sizeof("unknown"));
	return text;
}

int
ctl_open_site(struct site *site, const struct conf *conf, enum site_use use)
{
	struct complaint	 error;

	return site_open(site, conf, use, &error) == 0 ? EX_OK :
	    ctl_complain(EX_UNAVAILABLE, "%s", error.text);
}

int
ctl_with_site(const struct ctl_call *call, enum site_use use,
    ctl_command *command)
{
	struct site	 site;
	int		 result;

	if ((result = ctl_open_site(&site, call->conf, use)) != EX_OK)
		return result;
	result = command(&site, call);
	site_close(&site);
	return result;
}

int
ctl_store_failed(int failure)
{
	switch (failure) {
	case STORE_BUSY:
		return ctl_complain(EX_TEMPFAIL, "the store is busy: try "
		    "again");
	case STORE_FULL:
		return ctl_complain(EX_TEMPFAIL, "the store is full");
	default:
		return ctl_complain(EX_SOFTWARE, "the store failed");
	}
}

static void
print_usage(FILE *out)
{
	fputs("usage: " CTL_PROGRAM " [-c FILE] COMMAND\n\n", out);
	for (size_t i = 0; i < COMMANDS_COUNT; i++)
		fprintf(out, "  %-19s%s\n", commands[i].name,
		    commands[i].summary);
	fputs("\n"
	    "  -c FILE            the configuration file (also ONCELINK_CONF)\n"
	    "  -h, --help         this text; after a command: about it\n"
	    "  --version          the version\n", out);
}

static void
print_command_usage(const struct command *command, FILE *out)
{
	fprintf(out, "usage: " CTL_PROGRAM " [-c FILE] %s%s\n", command->name,
	    command->usage);
}

/* How many of these words are the command's name; 0: it is not this one. */
static int
match_name(const struct command *command, int count, char *const words[])
{
	const char	*space = strchr(command->name, ' ');
	size_t		 length = space == NULL ? strlen(command->name) :
			    (size_t)(space - command->name);

	if (count == 0 || strlen(words[0]) != length ||
	    strncmp(words[0], command->name, length) != 0)
		return 0;
	if (space == NULL)
		return 1;
	return count > 1 && strcmp(words[1], space + 1) == 0 ? 2 : 0;
}

/* The commands whose names begin with this word and go on: how many there
 * are, and how they are used, unless out is NULL. */
static size_t
print_usage_of(const char *word, FILE *out)
{
	size_t	 length = strlen(word), count = 0;

	for (size_t i = 0; i < COMMANDS_COUNT; i++) {
		if (strncmp(commands[i].name, word, length) != 0 ||
		    commands[i].name[length] != ' ')
			continue;
		count++;
		if (out != NULL)
			print_command_usage(&commands[i], out);
	}
	return count;
}

/* The command that the words begin with, and how many of them are its name.
 * NULL when there is none. */
static const struct command *
find_command(int count, char *const words[], int *taken)
{
	for (size_t i = 0; i < COMMANDS_COUNT; i++)
		if ((*taken = match_name(&commands[i], count, words)) > 0)
			return &commands[i];
	return NULL;
}

/* What was asked for is no command: half of one is half an answer. */
static int
refuse_words(int count, char *const words[], bool help)
{
	if (print_usage_of(words[0], NULL) == 0)
		return ctl_complain(EX_USAGE, "there is no command `%s' (see "
		    CTL_PROGRAM " --help)", words[0]);
	if (help && count == 1) {
		print_usage_of(words[0], stdout);
		return ctl_flush();
	}
	if (count > 1)
		ctl_complain(EX_USAGE, "there is no command `%s %s'",
		    words[0], words[1]);
	print_usage_of(words[0], stderr);
	return EX_USAGE;
}

/* The name of an option as it is written. */
static const char *
option_name(size_t which)
{
	for (size_t i = 0; options[i].name != NULL; i++)
		if (options[i].val == FIRST_OPTION + (int)which)
			return options[i].name;
	return "";
}

/* Options of other commands, and operands that are too many or too few. */
static int
check_call(const struct command *command, const struct ctl_call *call)
{
	for (size_t i = 0; i < CTL_OPTION__MAX; i++)
		if (call->options[i] != NULL &&
		    (command->options & TAKES(i)) == 0)
			return ctl_complain(EX_USAGE, "%s takes no --%s",
			    command->name, option_name(i));
	if (call->operands_count != command->operands) {
		print_command_usage(command, stderr);
		return EX_USAGE;
	}
	return EX_OK;
}

static int
run_command(const struct command *command, struct ctl_call *call)
{
	struct complaint	 error;
	struct conf		 conf;
	int			 result;

	if ((result = check_call(command, call)) != EX_OK)
		return result;
	if (command->without_conf)
		return command->run(call);
	if (conf_load(&conf, call->file, &error) == -1)
		return ctl_complain(EX_CONFIG, "%s", error.text);
	call->conf = &conf;
	result = command->run(call);
	conf_free(&conf);
	return result;
}

static void
take_option(struct ctl_call *call, int option)
{
	size_t	 which = (size_t)(option - FIRST_OPTION);
	char	 name[32];

	if (optarg == NULL) {
		call->options[which] = "";
		return;
	}
	snprintf(name, sizeof(name), "--%s", option_name(which));
	start_take_option(&call->options[which], CTL_PROGRAM, name);
}

/* The options may stand before the command and after it. */
int
main(int argc, char *argv[])
{
	const struct command	*command = NULL;
	struct ctl_call		 call = { .conf = NULL };
	const char		*reason;
	bool			 help = false;
	int			 option, taken = 0;

	log_open(CTL_PROGRAM, LOG_TO_STDERR, LOG_LEVEL_WARNING);
	if ((reason = start_safely()) != NULL)
		return ctl_complain(EX_OSERR, "%s", reason);

	while ((option = getopt_long(argc, argv, "c:h", options, NULL)) != -1)
		switch (option) {
		case 'c':
			start_take_option(&call.file, CTL_PROGRAM, "-c");
			break;
		case 'h':
			help = true;
			break;
		case 'V':
			puts(CTL_PROGRAM " " PACKAGE_VERSION);
			return ctl_flush();
		case '?':
			print_usage(stderr);
			return EX_USAGE;
		default:
			take_option(&call, option);
			break;
		}
	if (optind < argc && (command = find_command(argc - optind,
	    argv + optind, &taken)) == NULL)
		return refuse_words(argc - optind, argv + optind, help);
	if (help && command != NULL) {
		print_command_usage(command, stdout);
		printf("\n%s", command->help);
		return ctl_flush();
	}
	if (help) {
		print_usage(stdout);
		return ctl_flush();
	}
	if (command == NULL) {
		print_usage(stderr);
		return EX_USAGE;
	}
	call.operands = argv + optind + taken;
	call.operands_count = (size_t)(argc - optind - taken);
	return run_command(command, &call);
}

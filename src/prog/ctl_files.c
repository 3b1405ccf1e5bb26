/* SPDX-License-Identifier: ISC */
/*
 * What oncelinkctl check sees of a site without opening it: whose its files
 * are and who else may read or replace them, where they lie, on what, which
 * settings are seldom meant, and what mail needs.
 */
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/vfs.h>

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <libgen.h>
#include <linux/magic.h>
#include <netinet/in.h>
#include <pwd.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/complaint.h"
#include "base/conf.h"
#include "base/log.h"
#include "core/mail_text.h"
#include "crypto/epoch.h"
#include "prog/ctl.h"
#include "prog/ctl_check.h"
#include "store/store.h"

#define MB ((int64_t)1 << 20)

static unsigned int
mode_of(const struct stat *status)
{
	return (unsigned int)status->st_mode & 07777;
}

/* The name of a user, for the command that mends something. */
static const char *
user_name(uid_t uid, char text[32])
{
	struct passwd	*entry = getpwuid(uid);

	if (entry != NULL)
		return entry->pw_name;
	snprintf(text, 32, "%lu", (unsigned long)uid);
	return text;
}

/*
 * Who may write to a directory may put another file in a place below it.
 * The sticky bit is what makes /tmp a place for many.  Cuts whole up.
 */
static void
check_above(struct ctl_check *check, const char *what, char *whole)
{
	struct stat	 status;
	char		*slash;

	while ((slash = strrchr(whole, '/')) != NULL) {
		*slash = '\0';
		if (stat(*whole == '\0' ? "/" : whole, &status) == -1) {
			ctl_check_unknown(check, what, strerror(errno));
			return;
		}
		if ((status.st_mode & S_IWOTH) != 0 &&
		    (status.st_mode & S_ISVTX) == 0)
			ctl_check_fail(check, what, "everybody may write to "
			    "%s, above it, and so replace it; chmod o-w %s",
			    whole, whole);
		else if (status.st_uid != 0 && status.st_uid != geteuid())
			ctl_check_warn(check, what, "%s, above it, belongs to "
			    "another user, who may replace it", whole);
	}
}

/* What web servers are wont to give out; `www' alone may be above that. */
static void
check_outside(struct ctl_check *check, const char *what, const char *path,
    const char *whole)
{
	static const char *const names[] = {
		"public_html", "htdocs", "httpdocs", "wwwroot", "html",
		"webroot", "cgi-bin",
	};
	size_t	 length;

	for (; *whole != '\0'; whole += length) {
		whole += strspn(whole, "/");
		length = strcspn(whole, "/");
		for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
			if (strlen(names[i]) == length &&
			    memcmp(whole, names[i], length) == 0)
				ctl_check_fail(check, what, "%s lies in a "
				    "directory `%s', which web servers give "
				    "out; move it to one that none does", path,
				    names[i]);
	}
}

static void
check_place(struct ctl_check *check, const char *what, const char *path)
{
	char	*whole;

	if ((whole = realpath(path, NULL)) == NULL) {
		ctl_check_unknown(check, what, strerror(errno));
		return;
	}
	check_outside(check, what, path, whole);
	check_above(check, what, whole);
	free(whole);
}

/* Everything in a directory of ours is a file for this user alone. */
static unsigned int
check_entries(struct ctl_check *check, const char *what, const char *path)
{
	struct dirent	*entry;
	struct stat	 status;
	unsigned int	 before = check->errors;
	DIR		*directory;

	if ((directory = opendir(path)) == NULL) {
		ctl_check_fail(check, what, "%s cannot be read: %s", path,
		    strerror(errno));
		return 1;
	}
	while ((errno = 0, entry = readdir(directory)) != NULL) {
		if (strcmp(entry->d_name, ".") == 0 ||
		    strcmp(entry->d_name, "..") == 0)
			continue;
		if (fstatat(dirfd(directory), entry->d_name, &status,
		    AT_SYMLINK_NOFOLLOW) == -1)
			continue;	/* gone meanwhile, as a log may be */
		if (S_ISDIR(status.st_mode) &&
		    strcmp(entry->d_name, EPOCH_DIRECTORY_NAME) == 0)
			continue;	/* see check_keys_of_days */
		if (!S_ISREG(status.st_mode))
			ctl_check_fail(check, what, "%s/%s is not a regular "
			    "file; what is it doing there?", path,
			    entry->d_name);
		else if (status.st_uid != geteuid())
			ctl_check_fail(check, what, "%s/%s belongs to another "
			    "user; chown it to the worker's", path,
			    entry->d_name);
		else if ((status.st_mode & 077) != 0)
			ctl_check_fail(check, what, "%s/%s is open to others "
			    "(mode %04o); chmod 600 it", path, entry->d_name,
			    mode_of(&status));
	}
	if (errno != 0)
		ctl_check_unknown(check, what, strerror(errno));
	closedir(directory);
	return check->errors - before;
}

/* 0 when there is a directory of ours at path. */
static int
check_directory(struct ctl_check *check, const char *what, const char *path)
{
	struct stat	 status;
	char		 name[32];

	if (stat(path, &status) == -1) {
		ctl_check_fail(check, what, "%s: %s%s", path, strerror(errno),
		    errno == ENOENT ? "; `" CTL_PROGRAM " init' makes it" :
		    "; run this as the worker's user");
		return -1;
	}
	if (!S_ISDIR(status.st_mode)) {
		ctl_check_fail(check, what, "%s is not a directory", path);
		return -1;
	}
	if (status.st_uid != geteuid()) {
		ctl_check_fail(check, what, "%s belongs to another user; run "
		    "this as the worker's: setpriv --reuid=%s --regid=%s "
		    "--clear-groups " CTL_PROGRAM " check", path,
		    user_name(status.st_uid, name),
		    user_name(status.st_uid, name));
		return -1;
	}
	if ((status.st_mode & 077) != 0) {
		ctl_check_fail(check, what, "%s is open to others (mode %04o); "
		    "chmod 700 it", path, mode_of(&status));
		return -1;
	}
	return 0;
}

static void
check_conf_file(struct ctl_check *check)
{
	static const char what[] = "settings";
	struct stat	 status;
	unsigned int	 before = check->errors + check->warnings;

	if (stat(check->conf_file, &status) == -1) {
		if (errno == ENOENT)
			ctl_check_good(check, what, "there is no %s; the "
			    "defaults are in effect", check->conf_file);
		else
			ctl_check_unknown(check, what, strerror(errno));
		return;
	}
	if ((status.st_mode & 022) != 0)
		ctl_check_fail(check, what, "others may change %s (mode "
		    "%04o); chmod go-w it", check->conf_file,
		    mode_of(&status));
	if (status.st_uid != 0 && status.st_uid != geteuid())
		ctl_check_warn(check, what, "%s belongs to another user, who "
		    "may change it; chown it to root", check->conf_file);
	check_place(check, what, check->conf_file);
	if (before == check->errors + check->warnings)
		ctl_check_good(check, what, "%s, which nobody else may "
		    "change", check->conf_file);
}

static bool
is_memory(const struct statfs *type)
{
	return type->f_type == TMPFS_MAGIC || type->f_type == RAMFS_MAGIC;
}

/* A path that says of itself that nothing of it is on a disk. */
static bool
is_meant_for_memory(const char *path)
{
	static const char *const places[] = {
		"/run/", "/dev/shm/", ONCELINK_RUN_DIR "/"
	};

	for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++)
		if (strncmp(path, places[i], strlen(places[i])) == 0)
			return true;
	return false;
}

/* What is to end with the machine's power. */
static void
check_memory(struct ctl_check *check, const char *what, const char *path)
{
	struct statfs	 type;

	if (!is_meant_for_memory(path) || statfs(path, &type) == -1)
		return;		/* who looks at the file has said why */
	if (!is_memory(&type))
		ctl_check_fail(check, what, "%s lies where things in memory "
		    "do, but is on a disk, which keeps what was erased; mount "
		    "a tmpfs above it", path);
}

static void
check_keys_of_days(struct ctl_check *check, const char *what)
{
	char	*path;

	if (asprintf(&path, "%s/" EPOCH_DIRECTORY_NAME,
	    check->conf->state_dir) == -1) {
		ctl_check_unknown(check, what, strerror(errno));
		return;
	}
	if (check_directory(check, what, path) == 0)
		check_entries(check, what, path);
	free(path);
}

static void
check_state(struct ctl_check *check)
{
	static const char what[] = "state directory";
	const char	*path = check->conf->state_dir;
	unsigned int	 before = check->errors + check->warnings;

	if (check_directory(check, what, path) == -1)
		return;
	check_entries(check, what, path);
	check_keys_of_days(check, what);
	check_place(check, what, path);
	check_memory(check, what, path);
	if (before == check->errors + check->warnings)
		ctl_check_good(check, what, "%s, for this user alone", path);
}

/* One copy of what has both is enough to read all.  Wherever links lead. */
static void
check_apart(struct ctl_check *check, const char *what, const char *path,
    const char *directory)
{
	char	*inner = realpath(path, NULL), *outer = realpath(directory,
	    NULL);
	size_t	 length;

	if (inner == NULL || outer == NULL)
		ctl_check_unknown(check, what, strerror(errno));
	else {
		length = strlen(outer);
		if (strncmp(inner, outer, length) == 0 &&
		    (inner[length] == '/' || inner[length] == '\0'))
			ctl_check_fail(check, what, "%s lies with the "
			    "database: one copy of the state directory has "
			    "both; move it to a directory of its own", path);
	}
	free(inner);
	free(outer);
}

static void
check_key(struct ctl_check *check)
{
	static const char what[] = "key file";
	const char	*path = check->conf->key_file;
	struct stat	 status;
	unsigned int	 before = check->errors + check->warnings;
	char		*copy, *directory;

	if (check->conf->sign_key != NULL) {
		ctl_check_warn(check, what, "SIGN_KEY of the environment "
		    "stands for it; whoever sees the environment of the "
		    "worker has the key");
		return;
	}
	if (stat(path, &status) == -1) {
		ctl_check_fail(check, what, "%s: %s; put it back from its "
		    "copy, or let `" CTL_PROGRAM " init' make it for a new "
		    "site", path, strerror(errno));
		return;
	}
	if ((copy = strdup(path)) == NULL) {
		ctl_check_unknown(check, what, strerror(errno));
		return;
	}
	directory = dirname(copy);
	if (check_directory(check, what, directory) == 0)
		check_entries(check, what, directory);
	check_apart(check, what, path, check->conf->state_dir);
	check_place(check, what, path);
	check_memory(check, what, path);
	free(copy);
	if (before == check->errors + check->warnings)
		ctl_check_good(check, what, "%s, for this user alone, apart "
		    "from the database", path);
}

/*
 * Where a web server puts what it cannot hold back otherwise: bodies in plain
 * text are among it.  Apache needs no such directory.
 */
static void
check_temporary(struct ctl_check *check)
{
	static const char what[] = "temporary files";
	const char	*given = check->call->options[CTL_OPTION_TEMPORARY];
	const char	*path = given != NULL ? given : ONCELINK_WEB_DIR;
	struct statfs	 type;

	if (statfs(path, &type) == -1) {
		if (given != NULL || errno != ENOENT)
			ctl_check_unknown(check, what, strerror(errno));
	} else if (!is_memory(&type))
		ctl_check_fail(check, what, "%s is on a disk, which keeps what "
		    "the web server puts there of requests; mount a tmpfs "
		    "there", path);
	else
		ctl_check_good(check, what, "%s is in memory", path);
}

static void
check_file_system(struct ctl_check *check)
{
	static const char what[] = "file system";
	struct statfs	 type;
	struct statvfs	 space;
	struct stat	 database;
	int64_t		 available, used = 0;
	char		*name;

	if (statfs(check->conf->state_dir, &type) == -1 ||
	    statvfs(check->conf->state_dir, &space) == -1 ||
	    asprintf(&name, "%s/" STORE_DATABASE_NAME,
	    check->conf->state_dir) == -1) {
		ctl_check_unknown(check, what, strerror(errno));
		return;
	}
	if (stat(name, &database) == 0)
		used = database.st_size;
	free(name);
	available = (int64_t)space.f_bavail * (int64_t)space.f_frsize;
	if (available + used < check->conf->max_store)
		ctl_check_warn(check, what, "max_store is %" PRId64 " MiB, "
		    "but only %" PRId64 " MiB are free; make max_store "
		    "smaller, or room", check->conf->max_store / MB,
		    available / MB);
	else
		ctl_check_good(check, what, "%s, %" PRId64 " MiB free",
		    is_memory(&type) ?
		    "in memory, nothing is left after the machine stops" :
		    "on a disk of this machine", available / MB);
}

static bool
trusts_everybody(const struct conf *conf)
{
	for (size_t i = 0; i < conf->trusted_proxies_count; i++)
		if (conf->trusted_proxies[i].bits == 0 ||
		    (conf->trusted_proxies[i].bits == 96 &&
		    IN6_IS_ADDR_V4MAPPED(&conf->trusted_proxies[i].address)))
			return true;
	return false;
}

static void
check_settings(struct ctl_check *check)
{
	static const char what[] = "settings";
	const struct conf *conf = check->conf;
	unsigned int	 before = check->warnings;
	int64_t		 pins = 1;

	for (int64_t i = 0; i < conf->pin_size && pins < 1000000; i++)
		pins *= 10;
	if (conf->claim_time == 0)
		ctl_check_warn(check, what, "claim_seconds is 0: who loses "
		    "the connection while reading loses the secret; 60s is "
		    "the default");
	if (conf->create == CONF_CREATE_NOBODY)
		ctl_check_warn(check, what, "create lets nobody make a secret "
		    "on this site");
	else if (conf->create == CONF_CREATE_KEYS &&
	    (conf->faces & CONF_FACE_PASSWORDLINK) == 0)
		ctl_check_warn(check, what, "create is for who has a key, but "
		    "faces does not have passwordlink, which takes keys: "
		    "nobody can make a secret");
	if (conf->erase_delay > 10000)
		ctl_check_warn(check, what, "erase_delay leaves what was read "
		    "on the disk for longer than ten seconds; 1s is the "
		    "default");
	if (conf->kdf_memory < 19 * MB || conf->kdf_passes < 2)
		ctl_check_warn(check, what, "kdf_passes and kdf_memory make "
		    "guessing a PIN cheaper than with the defaults for who "
		    "has the database and the key");
	if (pins / conf->pin_attempts < 1000)
		ctl_check_warn(check, what, "with pin_size %" PRId64 " and "
		    "pin_attempts %" PRId64 " more than one guesser in a "
		    "thousand succeeds", conf->pin_size, conf->pin_attempts);
	if (conf->create == CONF_CREATE_ANYONE &&
	    (conf->client_secrets == 0 || conf->client_bytes == 0))
		ctl_check_warn(check, what, "%s is 0: one client can make "
		    "secrets until max_store is full", conf->client_secrets ==
		    0 ? "client_secrets" : "client_bytes");
	if (conf->client_ipv6_bits > 64)
		ctl_check_warn(check, what, "client_ipv6_bits tells addresses "
		    "apart of which everybody has as many as they like; 56 is "
		    "the default");
	if (trusts_everybody(conf))
		ctl_check_warn(check, what, "trusted_proxies has everybody: "
		    "clients choose the address they are known by; name the "
		    "proxies");
	if (conf->log_level == LOG_LEVEL_INFO)
		ctl_check_warn(check, what, "log_level is info: when each "
		    "secret was made and read is in the log");
	if (before == check->warnings)
		ctl_check_good(check, what, "nothing unusual");
}

/* Where mail may be sent: who takes it, and what it says. */
static void
check_mail(struct ctl_check *check)
{
	static const char what[] = "mail";
	const struct conf *conf = check->conf;
	unsigned int	 before = check->warnings + check->errors;
	struct complaint error;
	struct mail_text text;

	if (*conf->site_url == '\0')
		return;
	if (access(conf->sendmail, X_OK) == -1)
		ctl_check_warn(check, what, "%s cannot be run (%s): install "
		    "what takes mail, or name it in sendmail; until then "
		    "mail waits, and is given up", conf->sendmail,
		    strerror(errno));
	for (enum mail_kind kind = MAIL_REQUEST; kind <= MAIL_TEST; kind++)
		if (mail_text_read(conf, check->arena, kind, &text, &error) ==
		    -1)
			ctl_check_fail(check, what, "%s: no mail is sent; "
			    "put it right, or mail_templates", error.text);
	if (before == check->warnings + check->errors)
		ctl_check_good(check, what, "%s and the words are there; "
		    "`mail test' sends one", conf->sendmail);
}

void
ctl_files_check(struct ctl_check *check)
{
	check_conf_file(check);
	check_state(check);
	check_key(check);
	check_file_system(check);
	check_temporary(check);
	check_settings(check);
	check_mail(check);
}

/* SPDX-License-Identifier: ISC */
/*
 * An entry without libFuzzer, for any compiler: it gets every file of its
 * corpus, and then these with a few bytes changed by chance, of which no more
 * is known than their number.  Arguments are libFuzzer's:
 *
 *	ENTRY [-runs=N] [-seed=N] [-dict=FILE] [-artifact_prefix=P] [FILE ...]
 *
 * A directory stands for the files in it.  The entry runs in a process of its
 * own; when that dies, what it had is kept in the file P crash.
 */
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "fuzz.h"
#include "mutate.h"

#define PATIENCE 60		/* seconds for one input, or 1,000 short ones */

/* What the other process has just now; in memory of both. */
struct shared {
	unsigned long	 done;
	size_t		 size;
	uint8_t		 bytes[FUZZ_MAX];
};

static struct mutate	*corpus;
static struct shared	*now;

static void
fail(const char *what)
{
	perror(what);
	exit(2);
}

static void
add_file(const char *path)
{
	uint8_t	*bytes = now->bytes;
	size_t	 size;
	FILE	*file;

	if ((file = fopen(path, "re")) == NULL)
		fail(path);
	size = fread(bytes, 1, FUZZ_MAX, file);
	if (ferror(file) || mutate_add(corpus, bytes, size) == -1)
		fail(path);
	(void)fclose(file);
}

static int
is_visible(const struct dirent *entry)
{
	return *entry->d_name != '.';
}

static void
add(const char *path)
{
	struct dirent	**names;
	struct stat	 status;
	char		 name[4096];
	int		 count;

	if (stat(path, &status) == -1)
		fail(path);
	if (!S_ISDIR(status.st_mode)) {
		add_file(path);
		return;
	}
	if ((count = scandir(path, &names, is_visible, alphasort)) == -1)
		fail(path);
	for (int i = 0; i < count; i++) {
		(void)snprintf(name, sizeof(name), "%s/%s", path,
		    names[i]->d_name);
		add_file(name);
		free(names[i]);
	}
	free(names);
}

static void
run_one(void)
{
	if (now->done % 1000 == 0 || now->size > 4096)
		(void)alarm(PATIENCE);
	(void)LLVMFuzzerTestOneInput(
	    fuzz_fence(FUZZ_PLACES - 1, now->bytes, now->size), now->size);
	now->done++;
}

static void
run_all(unsigned long runs, int *argc, char ***argv)
{
	(void)LLVMFuzzerInitialize(argc, argv);
	for (size_t i = 0; i < mutate_count(corpus); i++) {
		now->size = mutate_get(corpus, i, now->bytes);
		run_one();
	}
	while (now->done < runs) {
		now->size = mutate_draw(corpus, now->bytes, FUZZ_MAX);
		run_one();
	}
}

/* Keep what the process had that died. */
static void
keep(const char *prefix, int status)
{
	char	 path[4096];
	FILE	*file;

	(void)snprintf(path, sizeof(path), "%scrash", prefix);
	(void)fprintf(stderr, "replay: ended with %s %d at input %lu, of %zu "
	    "bytes: %s\n", WIFSIGNALED(status) ? "signal" : "status",
	    WIFSIGNALED(status) ? WTERMSIG(status) : WEXITSTATUS(status),
	    now->done, now->size, path);
	if ((file = fopen(path, "we")) == NULL ||
	    fwrite(now->bytes, 1, now->size, file) != now->size ||
	    fclose(file) != 0)
		perror(path);
}

/* The value of an argument of this name, or NULL. */
static const char *
value_of(const char *argument, const char *name)
{
	size_t	 length = strlen(name);

	return strncmp(argument, name, length) == 0 ? argument + length :
	    NULL;
}

int
main(int argc, char **argv)
{
	const char	*value, *prefix = "";
	unsigned long	 runs = 0;
	int		 status;
	pid_t		 child;

	now = mmap(NULL, sizeof(*now), PROT_READ | PROT_WRITE,
	    MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (now == MAP_FAILED || (corpus = mutate_create()) == NULL)
		fail("replay");
	for (int i = 1; i < argc; i++) {
		if ((value = value_of(argv[i], "-runs=")) != NULL)
			runs = strtoul(value, NULL, 10);
		else if ((value = value_of(argv[i], "-seed=")) != NULL)
			mutate_seed(corpus, strtoul(value, NULL, 10));
		else if ((value = value_of(argv[i], "-dict=")) != NULL) {
			if (mutate_words(corpus, value) == -1)
				fail(value);
		} else if ((value = value_of(argv[i],
		    "-artifact_prefix=")) != NULL)
			prefix = value;
		else if (*argv[i] != '-')
			add(argv[i]);
	}
	if (mutate_count(corpus) == 0 && mutate_add(corpus, "", 0) == -1)
		fail("replay");
	(void)fflush(stdout);
	if ((child = fork()) == -1)
		fail("fork");
	if (child == 0) {
		run_all(runs, &argc, &argv);
		exit(0);
	}
	if (waitpid(child, &status, 0) == -1)
		fail("waitpid");
	if (status != 0)
		keep(prefix, status);
	(void)printf("stat::number_of_executed_units: %lu\n", now->done);
	return status == 0 ? 0 : 1;
}

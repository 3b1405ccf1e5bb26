/* SPDX-License-Identifier: ISC */
/*
 * A configuration file: what is read of it, printed and read again is the
 * same, and what is refused is said in a sentence.
 */
#include <sys/mman.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/complaint.h"
#include "base/conf.h"
#include "fuzz.h"

#define PRINTED ((size_t)1 << 20)

static int	 file, second;
static char	 paths[2][64];
static char	*printed, *again;

static int
open_file(char *path, size_t size)
{
	int	 fd = memfd_create("conf", MFD_CLOEXEC);

	fuzz_must(fd != -1);
	(void)snprintf(path, size, "/proc/self/fd/%d", fd);
	return fd;
}

int
LLVMFuzzerInitialize(int *argc, char ***argv)
{
	struct conf	 conf;

	(void)argc;
	(void)argv;
	fuzz_conf(&conf, "");
	conf_free(&conf);
	file = open_file(paths[0], sizeof(paths[0]));
	second = open_file(paths[1], sizeof(paths[1]));
	printed = malloc(PRINTED);
	again = malloc(PRINTED);
	fuzz_must(printed != NULL && again != NULL);
	return 0;
}

static void
put(int fd, const void *bytes, size_t size)
{
	fuzz_must(ftruncate(fd, 0) == 0);
	fuzz_must(pwrite(fd, bytes, size, 0) == (ssize_t)size);
}

/* Every setting, without the comments, which say where it comes from. */
static void
print(const struct conf *conf, char *text)
{
	FILE	*out;

	*text = '\0';
	fuzz_must((out = fmemopen(text, PRINTED, "w")) != NULL);
	conf_print_changed(conf, out);
	fuzz_must(!ferror(out) && fclose(out) == 0);
}

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
	struct complaint error;
	struct conf	 conf;

	if (size > FUZZ_MAX / 4)
		return 0;
	memset(&error, 0, sizeof(error));
	put(file, bytes, size);
	if (conf_load(&conf, paths[0], &error) == -1) {
		fuzz_must(*error.text != '\0' &&
		    strnlen(error.text, sizeof(error.text)) <
		    sizeof(error.text));
		return 0;
	}
	fuzz_must(conf.threads >= 1 && conf.threads <= 64);
	fuzz_must(conf.trusted_proxies_count <= CONF_NETWORKS_MAX);
	fuzz_must(conf.max_envelope <= conf.max_store);
	print(&conf, printed);
	put(second, printed, strlen(printed));
	conf_free(&conf);
	if (conf_load(&conf, paths[1], &error) == -1)
		fuzz_broke(__FILE__, __LINE__, error.text);
	print(&conf, again);
	fuzz_must(strcmp(printed, again) == 0);
	conf_free(&conf);
	return 0;
}

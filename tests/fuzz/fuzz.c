/* SPDX-License-Identifier: ISC */
/*
 * What the entries have in common: memory that ends where an input does, lines,
 * settings without a file, and what every answer must be.
 */
#include "fuzz.h"

#include <sys/mman.h>

#include <json-c/json.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/complaint.h"
#include "base/conf.h"
#include "web/http.h"

/* An input and its NUL byte, in whole pages. */
#define ROOM	(FUZZ_MAX + 4096)

static char	*fences[FUZZ_PLACES];
static char	 directory[64];
static char	*files[8];

_Noreturn void
fuzz_broke(const char *file, int line, const char *what)
{
	(void)fprintf(stderr, "%s:%d: does not hold: %s\n", file, line, what);
	abort();
}

void *
fuzz_fence(unsigned int place, const void *bytes, size_t size)
{
	char	*start;

	fuzz_must(place < FUZZ_PLACES && size <= ROOM);
	if (fences[place] == NULL) {
		start = mmap(NULL, ROOM + 4096, PROT_READ | PROT_WRITE,
		    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
		fuzz_must(start != MAP_FAILED);
		fuzz_must(mprotect(start + ROOM, 4096, PROT_NONE) == 0);
		fences[place] = start + ROOM;
	}
	start = fences[place] - size;
	if (bytes != NULL && size > 0)
		memcpy(start, bytes, size);
	return start;
}

char *
fuzz_fence_text(unsigned int place, const void *bytes, size_t size)
{
	char	*text = fuzz_fence(place, NULL, size + 1);

	if (size > 0)
		memcpy(text, bytes, size);
	text[size] = '\0';
	return text;
}

const char *
fuzz_line(struct fuzz_input *input, unsigned int place)
{
	const uint8_t	*end = NULL;
	size_t		 length = input->left;
	char		*text;

	if (length > 0)
		end = memchr(input->next, '\n', length);
	if (end != NULL)
		length = (size_t)(end - input->next);
	text = fuzz_fence_text(place, input->next,
	    length == 0 ? 0 : strnlen((const char *)input->next, length));
	if (end != NULL)
		length++;
	input->next += length;
	input->left -= length;
	return text;
}

uint8_t
fuzz_byte(struct fuzz_input *input)
{
	if (input->left == 0)
		return 0;
	input->left--;
	return *input->next++;
}

static void
remove_files(void)
{
	for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++)
		if (files[i] != NULL)
			(void)unlink(files[i]);
	(void)rmdir(directory);
}

const char *
fuzz_file(const char *name)
{
	size_t	 i = 0;

	if (*directory == '\0') {
		(void)snprintf(directory, sizeof(directory),
		    "/dev/shm/oncelink-fuzz.XXXXXX");
		fuzz_must(mkdtemp(directory) != NULL);
		(void)atexit(remove_files);
	}
	while (files[i] != NULL)
		i++;
	fuzz_must(i < sizeof(files) / sizeof(files[0]) &&
	    asprintf(&files[i], "%s/%s", directory, name) != -1);
	return files[i];
}

void
fuzz_conf(struct conf *conf, const char *lines)
{
	struct complaint error;
	char		 path[64];
	int		 fd;

	for (size_t i = 0; i < 4; i++)
		(void)unsetenv(((const char *const[]){ "SIGN_KEY",
		    "MAX_EXPIRE", "PIN_SIZE", "PIN_ATTEMPTS" })[i]);
	fuzz_must((fd = memfd_create("conf", MFD_CLOEXEC)) != -1);
	fuzz_must(write(fd, lines, strlen(lines)) == (ssize_t)strlen(lines));
	(void)snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	if (conf_load(conf, path, &error) == -1)
		fuzz_broke(__FILE__, __LINE__, error.text);
	(void)close(fd);
}

/* The value of a line of this name, or NULL. */
static const char *
value_of(const char *line, const char *name)
{
	size_t	 length = strlen(name);

	return strncmp(line, name, length) == 0 && strncmp(line + length, ": ",
	    2) == 0 ? line + length + 2 : NULL;
}

/* What a head says. */
struct head {
	size_t		 size;		/* of it */
	long		 status;
	long		 length;	/* -1: not said */
	bool		 json;
};

/* Lines that are NAME: VALUE, each whole, and an empty one. */
static void
read_head(const uint8_t *bytes, size_t size, struct head *head)
{
	const char	*line = (const char *)bytes, *end, *value;

	*head = (struct head){ .length = -1 };
	for (;; line = end + 2) {
		fuzz_must((end = memmem(line, size - head->size, "\r\n",
		    2)) != NULL);
		head->size += (size_t)(end + 2 - line);
		if (end == line)
			break;
		for (const char *p = line; p < end; p++)
			fuzz_must((unsigned char)*p >= ' ' && *p != 0x7f);
		fuzz_must(memmem(line, (size_t)(end - line), ": ", 2) !=
		    NULL);
		if ((value = value_of(line, "Status")) != NULL)
			head->status = strtol(value, NULL, 10);
		if ((value = value_of(line, "Content-Length")) != NULL)
			head->length = strtol(value, NULL, 10);
		if ((value = value_of(line, "Content-Type")) != NULL)
			head->json = strncmp(value, "application/json\r",
			    17) == 0 || strncmp(value,
			    "application/problem+json\r", 25) == 0;
	}
	fuzz_must(head->status >= 200 && head->status <= 599);
}

/* By json-c, as strict as it is: a list of accounts' secrets has more words
 * than any call may have. */
static void
check_json(const char *text, size_t size)
{
	struct json_tokener *tokener = json_tokener_new();
	struct json_object *tree;

	fuzz_must(tokener != NULL);
	json_tokener_set_flags(tokener,
	    JSON_TOKENER_STRICT | JSON_TOKENER_VALIDATE_UTF8);
	tree = json_tokener_parse_ex(tokener, text, (int)size);
	fuzz_must(json_tokener_get_error(tokener) == json_tokener_success);
	fuzz_must(json_tokener_get_parse_end(tokener) == size);
	json_object_put(tree);
	json_tokener_free(tokener);
}

int
fuzz_answer(const uint8_t *bytes, size_t size, bool head_only)
{
	struct head	 head;

	read_head(bytes, size, &head);
	size -= head.size;
	if (head_only)
		fuzz_must(size == 0);
	else
		fuzz_must(head.length == -1 ? size == 0 :
		    (size_t)head.length == size);
	if (head.json && size > 0)
		check_json((const char *)bytes + head.size, size);
	return (int)head.status;
}

void
fuzz_reply(struct arena *arena, const struct http_reply *reply)
{
	struct buf	 answer;

	buf_init(&answer, arena);
	http_write_head(reply, &answer);
	if (reply->body.len > 0)
		buf_append(&answer, reply->body.data, reply->body.len);
	if (reply->tail_size > 0)
		buf_append(&answer, reply->tail, reply->tail_size);
	fuzz_must(!answer.failed && !reply->body.failed);
	(void)fuzz_answer(answer.data, answer.len, false);
}

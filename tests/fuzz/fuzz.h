/* SPDX-License-Identifier: ISC */
#ifndef ONCELINK_FUZZ_H
#define ONCELINK_FUZZ_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct conf;
struct http_reply;
struct arena;

/*
 * An entry is a program of this directory that does with bytes of a stranger
 * what one part of Oncelink does with them, and then looks at what came of it.
 * These two are its own; they are called by libFuzzer, or by replay.c.
 */
int	 LLVMFuzzerInitialize(int *argc, char ***argv);
int	 LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

/* The longest input that an entry takes; longer ones it leaves alone. */
#define FUZZ_MAX ((size_t)1 << 18)

/* fuzz_must(condition): what holds whatever the input is; else the entry
 * ends, and the input is a fault that was found. */
#define fuzz_must(condition)						\
	((condition) ? (void)0 : fuzz_broke(__FILE__, __LINE__, #condition))
_Noreturn void fuzz_broke(const char *file, int line, const char *what);

/*
 * fuzz_fence(place, bytes, size): a copy that ends where memory ends, so that
 * one byte read or written too many is a signal, also without sanitizers.
 * bytes NULL: no copy, what is there is not set.  It lasts until the next call
 * with that place, of which there are FUZZ_PLACES.
 * fuzz_fence_text(...): the same with a NUL byte behind.
 */
#define FUZZ_PLACES 8
void	*fuzz_fence(unsigned int place, const void *bytes, size_t size);
char	*fuzz_fence_text(unsigned int place, const void *bytes, size_t size);

/* What is left of an input. */
struct fuzz_input {
	const uint8_t	*next;
	size_t		 left;
};

/* fuzz_line(input, place): its next line without the end, as a string up to
 * its first NUL byte; "" when nothing is left. */
const char *fuzz_line(struct fuzz_input *input, unsigned int place);

/* fuzz_byte(input): its next byte, or 0. */
uint8_t	 fuzz_byte(struct fuzz_input *input);

/* fuzz_file(name): the path of a file in a directory of this process, in
 * memory; both are removed at its end.  The text lasts until then. */
const char *fuzz_file(const char *name);

/* fuzz_conf(conf, lines): settings of these lines. */
void	 fuzz_conf(struct conf *conf, const char *lines);

/*
 * fuzz_answer(bytes, size, head_only): what every answer is: a head of CGI
 * without a line that somebody else put there, as many bytes as that says (or
 * none), and JSON where it says so.  Returns its status.
 */
int	 fuzz_answer(const uint8_t *bytes, size_t size, bool head_only);

/* fuzz_reply(arena, reply): the same of an answer that was not written yet. */
void	 fuzz_reply(struct arena *arena, const struct http_reply *reply);

#endif

/* SPDX-License-Identifier: ISC */

/*
 * This file knows glibc's allocator: that its free and realloc may be replaced
 * alone, that libraries then call ours, and that __libc_malloc and __libc_free
 * stay reachable.  wipe_self_test holds all of this true at every start.
 */

#include <dlfcn.h>
#include <malloc.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>

#ifndef ONCELINK_SANITIZE
#include <argz.h>
#endif

#include "base/lent.h"
#include "base/wipe.h"

#ifndef ONCELINK_SANITIZE

/* What the allocator itself writes into the front of a free block. */
#define WIPE_LINKS	(2 * sizeof(void *))

void	*__libc_malloc(size_t size);
void	 __libc_free(void *data);

void
free(void *data)
{
	if (data == NULL || lent_is(data))
		return;
	explicit_bzero(data, malloc_usable_size(data));
	__libc_free(data);
}

void *
realloc(void *data, size_t size)
{
	unsigned char *moved;
	size_t usable;

	if (data == NULL)
		return __libc_malloc(size);
	if (size == 0) {
		free(data);
		return NULL;
	}

	/* It stays where it is unless more than half of it is given back. */
	usable = malloc_usable_size(data);
	if (size <= usable && size >= usable / 2) {
		explicit_bzero((unsigned char *)data + size, usable - size);
		return data;
	}
	moved = __libc_malloc(size);
	if (moved == NULL) {
		if (size > usable)
			return NULL;
		explicit_bzero((unsigned char *)data + size, usable - size);
		return data;
	}
	memcpy(moved, data, size < usable ? size : usable);
	free(data);
	return moved;
}

/* Through these the compiler cannot see what is allocated and released. */
static void *(*const volatile do_malloc)(size_t) = malloc;
static void *(*const volatile do_realloc)(void *, size_t) = realloc;
static void *(*const volatile do_reallocarray)(void *, size_t, size_t) =
    reallocarray;
static void (*const volatile do_free)(void *) = free;

enum way { WAY_FREE, WAY_REALLOC, WAY_REALLOCARRAY, WAY_LIBRARY, WAY__MAX };

/*
 * Give a block back in one of the ways, get it again, as it was the last one
 * of its size, and look what is left in it.
 */
static bool
is_wiped(enum way way, size_t size)
{
	unsigned char *data, *again, *moved = NULL;
	uintptr_t place;
	size_t i, usable;
	bool wiped = false;
	char *text;

	data = do_malloc(size);
	if (data == NULL)
		return false;
	usable = malloc_usable_size(data);
	memset(data, 'W', usable);
	place = (uintptr_t)data;

	switch (way) {
	case WAY_REALLOC:
		moved = do_realloc(data, 40 * size);
		break;
	case WAY_REALLOCARRAY:
		moved = do_reallocarray(data, 40, size);
		break;
	case WAY_LIBRARY:
		data[size - 1] = '\0';
		text = (char *)data;
		i = size;
		argz_delete(&text, &i, text);
		break;
	default:
		do_free(data);
		break;
	}
	if (way == WAY_REALLOC || way == WAY_REALLOCARRAY) {
		if (moved == NULL)
			return false;
		for (i = 0; i < size; i++)
			if (moved[i] != 'W')
				goto done;
	}

	again = do_malloc(size);
	if (again == NULL)
		goto done;
	if ((uintptr_t)again == place) {
		wiped = true;
		for (i = WIPE_LINKS; i < usable; i++)
			if (again[i] != 0)
				wiped = false;
	}
	do_free(again);
done:
	do_free(moved);
	return wiped;
}

/* What realloc leaves in place must not keep the end that was given back. */
static bool
is_end_wiped(void)
{
	unsigned char *data, *same;
	size_t i, usable;
	bool wiped = true;

	data = do_malloc(512);
	if (data == NULL)
		return false;
	usable = malloc_usable_size(data);
	memset(data, 'W', usable);
	same = do_realloc(data, 400);
	if (same == NULL)
		return false;
	for (i = 0; i < usable && i < malloc_usable_size(same); i++)
		if (same[i] != (i < 400 ? 'W' : 0))
			wiped = false;
	do_free(same);
	return wiped;
}

/* Does the name belong to glibc, behind what this program defines itself? */
static bool
is_glibc(const char *name, const char *own)
{
	void *one, *two;

	one = dlsym(RTLD_NEXT, name);
	two = dlsym(RTLD_NEXT, own);
	return one != NULL && one == two;
}

int
wipe_self_test(void)
{
	static const size_t sizes[] = { 40, 200, 1000 };
	enum way way;
	size_t i;

	if (!is_glibc("malloc", "__libc_malloc") ||
	    !is_glibc("calloc", "__libc_calloc"))
		return -1;
	for (way = WAY_FREE; way < WAY__MAX; way++)
		for (i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++)
			if (!is_wiped(way, sizes[i]))
				return -1;
	return is_end_wiped() ? 0 : -1;
}

#else /* ONCELINK_SANITIZE */

int
wipe_self_test(void)
{
	return 0;
}

#endif

int
wipe_process(void)
{
	const struct rlimit none = { 0, 0 };

	if (setrlimit(RLIMIT_CORE, &none) == -1)
		return -1;
	return prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
}

__attribute__((noinline)) void
wipe_stack(void)
{
	unsigned char	 below[WIPE_STACK_BYTES];

	explicit_bzero(below, sizeof(below));
}

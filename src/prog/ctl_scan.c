/* SPDX-License-Identifier: ISC */
/*
 * How thousands of pieces are looked for in gigabytes at once: two bytes say
 * whether any piece begins so, and only then all are searched.
 */
#include "prog/ctl_scan.h"

#include <sys/stat.h>

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define BEGINNINGS	65536
#define PIECES_EACH	64
#define BUFFER_BYTES	((size_t)1 << 20)

struct piece {
	uint8_t	 bytes[CTL_SCAN_PIECE];
	size_t	 number;
};

struct ctl_scan {
	struct piece	*pieces;
	size_t		 count;
	bool		 sorted;
	bool		 begins[BEGINNINGS];
	uint8_t		 buffer[CTL_SCAN_PIECE + BUFFER_BYTES];
};

struct ctl_scan *
ctl_scan_create(void)
{
	return calloc(1, sizeof(struct ctl_scan));
}

void
ctl_scan_destroy(struct ctl_scan *scan)
{
	if (scan == NULL)
		return;
	free(scan->pieces);
	free(scan);
}

static size_t
beginning(const uint8_t *bytes)
{
	return (size_t)bytes[0] << 8 | bytes[1];
}

int
ctl_scan_add(struct ctl_scan *scan, size_t number, const void *bytes,
    size_t size)
{
	const uint8_t	*from = bytes;
	size_t		 last = size - CTL_SCAN_PIECE, step;
	struct piece	*pieces;

	pieces = realloc(scan->pieces, (scan->count + PIECES_EACH) *
	    sizeof(*pieces));
	if (pieces == NULL)
		return -1;
	scan->pieces = pieces;
	scan->sorted = false;
	step = last / PIECES_EACH + 1;
	if (step < CTL_SCAN_PIECE)
		step = CTL_SCAN_PIECE;
	for (size_t at = 0; at <= last; at += step) {
		struct piece *piece = &scan->pieces[scan->count++];

		memcpy(piece->bytes, from + at, CTL_SCAN_PIECE);
		piece->number = number;
		scan->begins[beginning(piece->bytes)] = true;
	}
	return 0;
}

static int
compare(const void *a, const void *b)
{
	return memcmp(a, b, CTL_SCAN_PIECE);
}

/* Every place of a buffer at which a whole piece can stand. */
static void
search(const struct ctl_scan *scan, size_t size, unsigned int *found)
{
	static const uint8_t	 zeros[CTL_SCAN_PIECE];
	const struct piece	*piece;

	for (size_t at = 0; at + CTL_SCAN_PIECE <= size; at++) {
		if (!scan->begins[beginning(scan->buffer + at)])
			continue;
		/* Files are full of them, and no piece is nothing else. */
		if (memcmp(scan->buffer + at, zeros, sizeof(zeros)) == 0)
			continue;
		piece = bsearch(scan->buffer + at, scan->pieces, scan->count,
		    sizeof(*piece), compare);
		if (piece != NULL)
			found[piece->number]++;
	}
}

static int
scan_file(struct ctl_scan *scan, int fd, unsigned int *found,
    uint64_t *bytes)
{
	size_t	 kept = 0, size;
	ssize_t	 got;

	while ((got = read(fd, scan->buffer + kept, BUFFER_BYTES)) > 0) {
		*bytes += (uint64_t)got;
		size = kept + (size_t)got;
		search(scan, size, found);
		/* What may be the beginning of a piece. */
		kept = size < CTL_SCAN_PIECE - 1 ? size : CTL_SCAN_PIECE - 1;
		memmove(scan->buffer, scan->buffer + size - kept, kept);
	}
	return got == -1 ? -1 : 0;
}

/* Takes the descriptor of a directory. */
static int
scan_entries(struct ctl_scan *scan, int fd, unsigned int *found,
    uint64_t *bytes)
{
	const struct dirent	*entry;
	struct stat		 status;
	DIR			*directory;
	int			 inner, result = 0, error;

	if ((directory = fdopendir(fd)) == NULL) {
		close(fd);
		return -1;
	}
	while (result == 0 && (errno = 0, entry = readdir(directory)) !=
	    NULL) {
		if (strcmp(entry->d_name, ".") == 0 ||
		    strcmp(entry->d_name, "..") == 0)
			continue;
		inner = openat(fd, entry->d_name, O_RDONLY | O_NOFOLLOW |
		    O_NONBLOCK | O_CLOEXEC);
		if (inner == -1 && errno == ENOENT)
			continue;	/* gone meanwhile, as a log may be */
		if (inner == -1 || fstat(inner, &status) == -1)
			result = -1;
		else if (S_ISDIR(status.st_mode)) {
			result = scan_entries(scan, inner, found, bytes);
			inner = -1;
		} else if (S_ISREG(status.st_mode))
			result = scan_file(scan, inner, found, bytes);
		error = errno;
		if (inner != -1)
			close(inner);
		errno = error;
	}
	if (errno != 0)
		result = -1;
	error = errno;
	closedir(directory);
	errno = error;
	return result;
}

int
ctl_scan_directory(struct ctl_scan *scan, const char *path,
    unsigned int *found, uint64_t *bytes)
{
	int	 fd;

	if (!scan->sorted)
		qsort(scan->pieces, scan->count, sizeof(*scan->pieces),
		    compare);
	scan->sorted = true;
	*bytes = 0;
	fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return fd == -1 ? -1 : scan_entries(scan, fd, found, bytes);
}

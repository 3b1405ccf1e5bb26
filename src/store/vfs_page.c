/* SPDX-License-Identifier: ISC */
/*
 * What no setting of SQLite does: secure_delete overwrites a row where it is
 * deleted, but a row that was moved to another page before, since its page was
 * full, stays where it was moved from, in the gap of that page, for as long as
 * nothing else needs the place.
 */
#include <string.h>

#include "store/vfs_page.h"

/* The first page begins with the header of the file. */
#define FILE_HEADER	100

#define INTERIOR_INDEX	0x02
#define INTERIOR_TABLE	0x05
#define LEAF_INDEX	0x0a
#define LEAF_TABLE	0x0d

/* Offsets in the header of a page, and its size. */
#define CELLS		3
#define CONTENT		5
#define LEAF_HEADER	8
#define INTERIOR_HEADER	12

static size_t
number(const uint8_t *at)
{
	return (size_t)at[0] << 8 | at[1];
}

void
vfs_page_clear(uint8_t *page, size_t size, bool first)
{
	size_t	 header = first ? FILE_HEADER : 0, begin, end;

	switch (page[header]) {
	case LEAF_INDEX:
	case LEAF_TABLE:
		begin = header + LEAF_HEADER;
		break;
	case INTERIOR_INDEX:
	case INTERIOR_TABLE:
		begin = header + INTERIOR_HEADER;
		break;
	default:
		return;
	}
	begin += 2 * number(page + header + CELLS);
	end = number(page + header + CONTENT);
	/* 0 stands for 65536. */
	if (end == 0)
		end = 65536;
	if (begin < end && end <= size)
		memset(page + begin, 0, end - begin);
}

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
#define FREEBLOCK	1
#define CELLS		3
#define CONTENT		5
#define LEAF_HEADER	8
#define INTERIOR_HEADER	12

/* The least bytes of a cell. */
#define CELL_MIN	4

static size_t
number(const uint8_t *at)
{
	return (size_t)at[0] << 8 | at[1];
}

/*
 * Are all cells and free blocks behind the gap?  So it is in each page
 * of a tree that is not damaged, and in hardly any other.
 */
static bool
is_gap(size_t size, const uint8_t *header, const uint8_t *pointers,
    size_t begin, size_t end)
{
	size_t	 cells = number(header + CELLS), pointer;
	size_t	 freeblock = number(header + FREEBLOCK);

	if (begin > end || end > size || (cells == 0 && end != size) ||
	    (freeblock != 0 && freeblock < end))
		return false;
	for (; cells > 0; cells--, pointers += 2) {
		pointer = number(pointers);
		if (pointer < end || pointer > size - CELL_MIN)
			return false;
	}
	return true;
}

void
vfs_page_clear(uint8_t *page, size_t size, bool first)
{
	uint8_t	*header = page + (first ? FILE_HEADER : 0), *pointers;
	size_t	 begin, end;

	switch (header[0]) {
	case LEAF_INDEX:
	case LEAF_TABLE:
		pointers = header + LEAF_HEADER;
		break;
	case INTERIOR_INDEX:
	case INTERIOR_TABLE:
		pointers = header + INTERIOR_HEADER;
		break;
	default:
		return;
	}
	begin = (size_t)(pointers - page) + 2 * number(header + CELLS);
	end = number(header + CONTENT);
	/* 0 stands for 65536. */
	if (end == 0)
		end = 65536;
	if (is_gap(size, header, pointers, begin, end))
		memset(page + begin, 0, end - begin);
}

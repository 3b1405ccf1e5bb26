/* SPDX-License-Identifier: ISC */
#ifndef ONCELINK_VFS_PAGE_H
#define ONCELINK_VFS_PAGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * vfs_page_clear(page, size, first): overwrite what a page of a database's
 * trees (SQLite file format, section 1.6) has between its cell pointers and
 * its cells, where nothing is but what balancing left behind.  `size` bytes
 * without any reserved ones; first: it is the first page of the file.  Another
 * kind of page stays as it is, and so does a damaged one.
 */
void	 vfs_page_clear(uint8_t *page, size_t size, bool first);

#endif

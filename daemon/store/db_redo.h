/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * The changes of the open group, in memory, in their order: SQLite gives up a whole
 * transaction when the disk is full in the middle of it, and then they are made again.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum change_kind {
	CHANGE_PAGE, /* struct page_rec with its stamps, little-endian */
	CHANGE_REMOVE,
	CHANGE_REMOVE_DIMM,
	CHANGE_CE,
	CHANGE_ACTION,
	CHANGE_POISON,
	CHANGE_DIMM,
	CHANGE_CELL,
	CHANGE_TOTALS,
	CHANGE_SPENT,
	CHANGE_READER,
	CHANGE_INVENTORY,      /* struct module_rec */
	CHANGE_INVENTORY_TRIM, /* int64_t: rows from this one on are removed */
};

/** Followed by its data, and padding to a multiple of 8. */
struct change {
	uint32_t kind; /* enum change_kind */
	uint32_t size; /* with this header and the padding */
	/* CHANGE_DIMM: DIMM; CHANGE_CELL: DIMM times FAULT_MAP_CELLS plus slot;
	 * CHANGE_READER: CPU; CHANGE_INVENTORY: row */
	int64_t index;
};

struct db_redo {
	uint8_t *data; /* NULL: nothing is ever written */
	size_t len;
};

/** Allocates the list. Returns 0 or -ENOMEM. */
int db_redo_new(struct db_redo *r);
void db_redo_free(struct db_redo *r);

/** Bytes that a change with @size bytes of data takes. */
size_t db_redo_size(size_t size);

/**
 * Whether @total bytes can be appended. Returns 1; 0: not before the group is ended;
 * -EMSGSIZE: never; -EROFS: there is no list.
 */
int db_redo_room(const struct db_redo *r, size_t total);

/** Appends a change, for which there is room. Returns where it stands. */
struct change *db_redo_append(struct db_redo *r, struct change head, const void *data,
			      size_t size);

/** The change after @c, the first one for NULL; NULL after the last. */
const struct change *db_redo_next(const struct db_redo *r, const struct change *c);

static inline const void *db_change_data(const struct change *c)
{
	return c + 1;
}

/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * Makes a line of a place, for errors that name coordinates and no address. It keeps
 * nothing and knows no cells.
 */

#include "base/fingerprint.h"
#include "track/fault_map_internal.h"

/* The DRAM chip is not part of a place: one burst lies in all chips of the rank. */
uint64_t fault_map_place(const struct dram_coord *coord)
{
	const uint64_t parts[] = {
		fault_bank_number(coord),
		coord->row,
		coord->have & DRAM_COLUMN ? coord->column + UINT64_C(1) : 0,
	};
	uint64_t h = FINGERPRINT_START;

	for (size_t i = 0; i < ARRAY_SIZE(parts); i++)
		for (unsigned int shift = 0; shift < 64; shift += 8)
			h = fingerprint_add(h, &(uint8_t){ (parts[i] >> shift) & 0xff },
					    1);
	return h >> (FAULT_MAP_LINE_SHIFT + 1) | FAULT_MAP_PLACE;
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * Where inside a DIMM an error lies, in DRAM's own terms. Drivers print the place into
 * the event's text in many forms, or not at all. Each part is known or absent, and an
 * absent part is never taken for zero.
 */

#include "base/units.h"

enum dram_part {
	DRAM_RANK = 1 << 0,
	DRAM_DEVICE = 1 << 1, /* the DRAM chip within the rank */
	DRAM_BANK_GROUP = 1 << 2,
	DRAM_BANK = 1 << 3, /* within its group where there is one */
	DRAM_ROW = 1 << 4,
	DRAM_COLUMN = 1 << 5,
	DRAM_SUB_CHANNEL = 1 << 6, /* DDR5: each half of the DIMM has rows of its own */
	DRAM_CHIP =
		1 << 7, /* stacked DRAM: which die of the stack, with rows of its own */
};

struct dram_coord {
	uint32_t row;
	uint32_t column;
	uint16_t bank;
	uint8_t bank_group;
	uint8_t rank;
	uint8_t device;
	uint8_t sub_channel;
	uint8_t chip;
	uint8_t have; /* enum dram_part, or-ed */
};

/* Thousands of cells are kept: a part more must not cost memory for each. */
_Static_assert(sizeof(struct dram_coord) == 16, "a cell would grow");

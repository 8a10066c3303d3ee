/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * How the map of cells is laid out. Shared by fault_map.c, which changes the map,
 * fault_map_count.c, which counts, fault_map_place.c, which makes lines of places, and
 * fault_map_oldest.c, which finds the cell that makes room. No other file includes it.
 */

#include "track/fault_map.h"

/* Three of four places are free, so that a search rarely needs a second place. */
#define INDEX_BITS 10
#define NO_DIMM    UINT16_MAX

/* One pass over the cells finds this many, so that a flood does not need a pass for each
 * new cell. */
#define FAULT_MAP_OLDEST 24

/** A cell that is among the next to make room, as it was at the pass. */
struct fault_oldest {
	int64_t last;
	uint16_t slot;
};

/** The cells of one DIMM. */
struct fault_block {
	struct fault_cell cells[FAULT_MAP_CELLS];
	uint16_t index[1 << INDEX_BITS]; /* from line to slot (base/index.h) */
	uint8_t order[FAULT_MAP_CELLS]; /* slots by bank, row, column, line; @n of them */
	uint64_t dirty[FAULT_MAP_CELLS / 64];
	int64_t last; /* newest event */
	uint16_t n;
	uint16_t dimm;
	/*
	 * The cells that were silent longest, in that order, from @first_oldest to
	 * @n_oldest; every other cell comes after them. A cell that had an error since is
	 * skipped.
	 */
	struct fault_oldest oldest[FAULT_MAP_OLDEST];
	uint8_t n_oldest;
	uint8_t first_oldest;
	bool has_faulty; /* there was a faulty row */
};

_Static_assert(sizeof(struct fault_block) <= FAULT_MAP_BYTES_PER_DIMM,
	       "the header says so");
_Static_assert(4 * FAULT_MAP_CELLS <= 1 << INDEX_BITS, "the index keeps places free");
_Static_assert(FAULT_MAP_CELLS < UINT16_MAX, "an entry of the index holds a slot + 1");

struct fault_map {
	struct fault_block *blocks;
	uint16_t *block_of; /* by DIMM, block + 1; 0: none */
	uint32_t n_blocks;
	uint32_t used; /* blocks below this one were used at least once */
	uint32_t max_index;
	uint32_t n_dirty;
};

/** The block of @dimm, or NULL. */
struct fault_block *fault_block_of(const struct fault_map *m, uint16_t dimm);

/** The cell at @place of the order, or NULL past the last. */
const struct fault_cell *fault_cell_at(const struct fault_block *b, uint32_t place);

/** Where in the order the row of @cell starts, and whether @place still lies in that
 * row. */
uint32_t fault_row_start(const struct fault_block *b, const struct fault_cell *cell);
bool fault_in_row(const struct fault_block *b, uint32_t place,
		  const struct fault_cell *cell);

/** Sub-channel, rank, die, bank group and bank in one number, in that order. */
uint64_t fault_bank_number(const struct dram_coord *c);

/** True if both name the same row, and the same column or none. */
bool fault_same_place(const struct dram_coord *a, const struct dram_coord *b);

/** Less than 0, 0 or more than 0: @a's bank or row is before, the same as or after
 * @b's. */
int fault_compare_bank(const struct dram_coord *a, const struct dram_coord *b);
int fault_compare_row(const struct dram_coord *a, const struct dram_coord *b);

/**
 * The cell of @b, which is full, that makes room: the cell that was silent longest, the
 * lowest line among equals, and cells of faulty rows after all other cells. A cell is
 * returned once, and the caller drops it.
 */
uint16_t fault_choose_victim(struct fault_block *b);

/** Call this for each cell that is new in @b, and for each cell whose row is no longer
 * faulty. */
void fault_note_age(struct fault_block *b, const struct fault_cell *cell);

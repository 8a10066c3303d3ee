/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * How the map of cells is laid out. Shared by fault_map.c, which changes the map,
 * fault_map_count.c, which answers, fault_map_spread.c, which keeps the counts,
 * fault_map_place.c, which makes lines of places, and fault_map_oldest.c, which finds the
 * cell that makes room. No other file includes it.
 */

#include "track/fault_map.h"

/* Three of four places are free, so that a search rarely needs a second place. */
#define INDEX_BITS 10
#define NO_DIMM    UINT16_MAX

/** Cells from the one that was silent longest on, round; see fault_map_oldest.c. */
struct fault_ages {
	uint16_t n;
	uint8_t first;
};

/*
 * Banks, rows and columns that have cells, each kind with numbers of its own, the lowest
 * free one first. "Counted" means what the month counts: believed, and not too old.
 */
struct fault_bank {
	uint64_t number; /* fault_bank_number() */
	uint16_t next;   /* of its chain, as in fault_block.chains */
	uint16_t kept;   /* rows and columns of it with a cell, counted or not */
	uint16_t rows;   /* counted, like all that follows */
	uint16_t single_rows;
	uint16_t faulty_rows;
	uint16_t columns;
	uint16_t day_rows; /* counted by the day */
};

struct fault_row {
	uint16_t next;
	uint8_t bank;
	uint8_t first;  /* slot of the first of its cells, see fault_block.next */
	uint16_t kept;  /* cells, counted or not */
	uint16_t solid; /* counted cells that are not vague */
	uint16_t vague;
	uint16_t cells; /* of @solid, without those that are another one again */
	uint16_t columns;
	uint16_t day; /* cells that the day counts */
};

struct fault_column {
	uint32_t column;
	uint16_t next;
	uint8_t bank;
	uint16_t kept; /* cells, counted or not */
	uint16_t rows; /* counted rows with a cell in it */
	uint16_t single_rows;
};

/** The bank, the row and the column of one number: few of them are few cache lines. */
struct fault_lane {
	struct fault_bank bank;
	struct fault_row row;
	struct fault_column column;
};

enum fault_kind { KIND_BANK, KIND_ROW, KIND_COLUMN, KIND_MAX_ };
enum fault_view_name { VIEW_MONTH, VIEW_DAY, VIEW_MAX_ };

#define SLOT_WORDS (FAULT_MAP_CELLS / 64)

/**
 * Which cells a window counts: the believed ones whose last event is not before @since.
 * It moves without a pass while no cell lies between the old and the new @since.
 */
struct fault_view {
	int64_t since;
	int64_t oldest; /* no counted cell has an older last event */
	int64_t newest; /* no believed cell that is not counted has a newer one */
	uint64_t counted[SLOT_WORDS];
	uint16_t rows;
	uint16_t banks;
};

/** The cells of one DIMM. What a DIMM with few cells needs lies together: the rest of its
 * pages is not touched. */
struct fault_block {
	int64_t last;     /* newest event */
	int64_t second;   /* the newest in which a cell was entered */
	uint16_t entered; /* cells in that second; no more than are kept */
	uint16_t n;
	uint16_t dimm;
	bool has_faulty; /* there was a faulty row */

	/* Which cell makes room: fault_map_oldest.c. */
	struct fault_ages ages[2]; /* of the cells whose row is not faulty, and is */
	uint64_t erred_since[SLOT_WORDS];

	/* How far the cells spread: fault_map_spread.c. */
	struct fault_view view[VIEW_MAX_];
	uint16_t cells_counted;
	uint16_t faulty_rows;
	uint16_t most_faulty; /* rows in one bank */
	uint16_t devices;
	uint64_t taken[KIND_MAX_][SLOT_WORDS]; /* numbers in use */

	uint64_t dirty[SLOT_WORDS];
	uint8_t older[FAULT_MAP_CELLS]; /* by slot, like the next five */
	uint8_t newer[FAULT_MAP_CELLS];
	uint8_t row_of[FAULT_MAP_CELLS];
	uint8_t column_of[FAULT_MAP_CELLS]; /* if the cell has a column */
	uint8_t next[FAULT_MAP_CELLS];      /* cell of the row, round */
	uint8_t prev[FAULT_MAP_CELLS];
	uint16_t cells_of_device[UINT8_MAX + 1];
	uint16_t banks_with[FAULT_MAP_CELLS + 1];    /* by their number of faulty rows */
	uint16_t chains[KIND_MAX_][FAULT_MAP_CELLS]; /* by hash: number + 1; 0: end */
	uint16_t index[1 << INDEX_BITS]; /* from line to slot (base/index.h) */
	struct fault_cell cells[FAULT_MAP_CELLS];
	struct fault_lane lane[FAULT_MAP_CELLS];
};

/** Blocks are taken in chunks: the part of a chunk that is not used is never touched. */
#define CHUNK_BLOCKS 8

_Static_assert(sizeof(struct fault_block) <= FAULT_MAP_BYTES_PER_DIMM,
	       "the header says so");
_Static_assert(4 * FAULT_MAP_CELLS <= 1 << INDEX_BITS, "the index keeps places free");
_Static_assert(FAULT_MAP_CELLS == UINT8_MAX + 1, "a slot is a byte");

struct fault_map {
	struct fault_block **chunks; /* of CHUNK_BLOCKS each, as far as @used */
	uint16_t *block_of;          /* by DIMM, block + 1; 0: none */
	uint32_t n_blocks;
	uint32_t used; /* blocks of at most @n_blocks */
	uint32_t max_index;
	uint32_t n_dirty;
};

/** The block of @dimm, or NULL. */
struct fault_block *fault_block_of(const struct fault_map *m, uint16_t dimm);

/** Sub-channel, rank, die, bank group and bank in one number, in that order. */
uint64_t fault_bank_number(const struct dram_coord *c);

/** True if both, cells of one row, name the same column or none. */
bool fault_same_column(const struct dram_coord *a, const struct dram_coord *b);

/** A cell without an address and without a column may be any other cell of its row. */
static inline bool fault_is_vague(const struct fault_cell *c)
{
	return !fault_cell_has_address(c) && !(c->coord.have & DRAM_COLUMN);
}

/** Makes @b, which is zeroed, a block without cells. */
void fault_spread_init(struct fault_block *b);

/**
 * Enters the cell in @slot by its coordinates; fault_spread_count() counts it. It gets
 * what is known of its row: row_faulty and row_shared. Returns the slot of a cell that
 * shares its row from now on, or FAULT_MAP_NO_SLOT.
 */
uint16_t fault_spread_enter(struct fault_block *b, uint16_t slot);

/** Takes the cell in @slot out, with the coordinates that it was entered by. */
void fault_spread_remove(struct fault_block *b, uint16_t slot);

/** Counts the cell in @slot, or no longer, after a change of its votes or its time. */
void fault_spread_count(struct fault_block *b, uint16_t slot);

/** Gives the cell in @slot the DRAM chip that @coord, of the same place, names. */
void fault_spread_name_device(struct fault_block *b, uint16_t slot,
			      const struct dram_coord *coord);

/** Makes the row of the cell in @slot a faulty one. */
void fault_spread_set_faulty(struct fault_block *b, uint16_t slot);

/** Has @view count since @since. */
void fault_spread_move(struct fault_block *b, enum fault_view_name view, int64_t since);

/** The bank of @cell, a cell of @b or a copy of one, or NULL if it has no cell now;
 * *ret_column: the same for its column. */
const struct fault_bank *fault_spread_find(const struct fault_block *b,
					   const struct fault_cell *cell,
					   const struct fault_column **ret_column);

/** The row of the cell in @slot, from cell to cell: fault_row_next() of the last is
 * FAULT_MAP_NO_SLOT. */
uint16_t fault_row_first(const struct fault_block *b, uint16_t slot);
uint16_t fault_row_next(const struct fault_block *b, uint16_t slot);

/**
 * The cell of @b, which is full, that makes room: the cell that was silent longest, the
 * lowest line among equals, and cells of faulty rows after all other cells.
 */
uint16_t fault_choose_victim(struct fault_block *b);

/** Call the first for each cell that is new in @b, the second before one goes, and both
 * around a change of its row_faulty. */
void fault_age_enter(struct fault_block *b, uint16_t slot);
void fault_age_leave(struct fault_block *b, uint16_t slot);

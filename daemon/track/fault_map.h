/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * Where inside each DIMM errors were seen: the distinct cells, by cache line, with the
 * DRAM coordinates from the events. The map answers "how many columns of this row" and
 * "how far do the errors of this DIMM spread". What follows from the answers is decided
 * elsewhere.
 *
 * A cell is one cache line: 64 bytes are one burst of DDR4 (JESD79-4: burst length 8 over
 * 64 data lines), so two errors of one line are never two columns. Two columns are
 * distinct if they differ in more than their lowest three bits, which count within a
 * burst. In the logs of reference data every column is a multiple of 8, and neighbours
 * differ by 8.
 *
 * Coordinates and address come out of two registers, and the registers may belong to two
 * errors (about 1 % of the events of one DIMM in real logs). Addresses also move when the
 * memory map changes. So a line keeps the coordinates that most of its events named, and
 * a new line that claims the coordinates of another line is believed at its second event.
 *
 * Some drivers name coordinates and no address. Such a cell is kept by its coordinates, as
 * the line that fault_map_place() makes of them. It and a line with an address at the same
 * place count as one cell; neither doubts the other.
 *
 * Memory is bounded when the map is made: FAULT_MAP_BYTES_PER_DIMM for each DIMM that the
 * map has room for; it is taken for eight DIMMs at a time. A DIMM keeps FAULT_MAP_CELLS
 * cells, by line: believed or not, of this boot or an earlier one, however old. A new line
 * needs a slot, so one cell is dropped before it is entered: of the cells whose row is not
 * faulty the one whose newest event is oldest, and of several such the one with the lowest
 * line. Only if all rows are faulty, it is chosen among all in the same way. Nothing of a
 * dropped cell is remembered: if it errs again, it is a new cell with one vote. When there
 * is no room or no memory for another DIMM, the map drops the DIMM that has been silent
 * longest.
 *
 * The counts are those of the kept cells, as if all of them were counted each time; they
 * are kept up to date instead. A new cell costs the same with one cell kept and with all;
 * but a walk along its row finds its neighbours there, and a row has 128 bursts.
 */

#include <stddef.h>

#include "base/units.h"
#include "event/dram_coord.h"

#define FAULT_MAP_CELLS          256
#define FAULT_MAP_LINE_SHIFT     6
#define FAULT_MAP_BURST_SHIFT    3
#define FAULT_MAP_BYTES_PER_DIMM 33792
#define FAULT_MAP_NO_SLOT        UINT16_MAX

/** After this many votes the coordinates of a line are no longer compared. */
#define FAULT_MAP_CERTAIN 3

/** One cache line that had an error. Times are usec_t.us on the engine's clock. The
 * members that each event reads are next to each other. */
struct fault_cell {
	uint64_t line; /* address >> FAULT_MAP_LINE_SHIFT, or a fault_map_place() */
	int64_t first; /* its first event, and its newest */
	int64_t last;
	uint8_t votes;   /* events for @coord minus events against it; 0: not believed */
	bool used;       /* false: the slot is empty */
	bool row_faulty; /* its row is known to be faulty */
	bool row_shared; /* another line of its row had an error */
	bool doubted;    /* the last event contradicted @coord's only event */
	bool other_boot; /* not seen in the present boot: the address may have moved */
	struct dram_coord coord; /* what most of its events named; has DRAM_ROW */
};

/** What the map learned from an event. */
enum fault_news {
	NEWS_NONE, /* a known cell again, or a cell that is not believed yet */
	NEWS_CELL, /* one more cell to count */
};

/** How far the errors of a DIMM spread: numbers of distinct places, not of errors. */
struct fault_counts {
	uint32_t cells;
	uint32_t rows;
	uint32_t faulty_rows;
	uint32_t bank_faulty_rows; /* most in one bank */
	uint32_t banks;
	uint32_t devices; /* DRAM chips that the cells named */
	/* Of the bank that was asked for: */
	uint32_t bank_rows;
	uint32_t bank_single_rows; /* rows of that bank with one column only */
	uint32_t bank_columns;
	uint32_t column_rows; /* single rows with an error in the column asked for */
};

struct fault_map;

/** Set in a fault_map_place(): no processor has addresses that long. */
#define FAULT_MAP_PLACE (UINT64_C(1) << (63 - FAULT_MAP_LINE_SHIFT))

/** False if the line of @cell is a fault_map_place(): no page is known for it. */
static inline bool fault_cell_has_address(const struct fault_cell *cell)
{
	return (cell->line & FAULT_MAP_PLACE) == 0;
}

/**
 * The line that stands for the place @coord in its DIMM, for an error without an address.
 * It is the same in every run of the program.
 */
uint64_t fault_map_place(const struct dram_coord *coord);

/**
 * Makes a map with room for @dimms DIMMs (at least 1) of at most @max_index indices.
 * Returns 0 and *ret, to be freed with fault_map_free(); -EINVAL; -ENOMEM.
 */
int fault_map_new(struct fault_map **ret, uint32_t dimms, uint32_t max_index);

/** Frees @m; NULL is fine. Returns NULL. */
struct fault_map *fault_map_free(struct fault_map *m);

/** The most bytes that the map may occupy. */
size_t fault_map_bytes(const struct fault_map *m);

/** The cell of @line in DIMM @dimm, or NULL. Valid until fault_map_note(). */
struct fault_cell *fault_map_find(struct fault_map *m, uint16_t dimm, uint64_t line);

/**
 * Notes an event at @when of @cell, whose coordinates are certain. A cell that is seen
 * again is stored again.
 */
void fault_map_touch(struct fault_map *m, uint16_t dimm, struct fault_cell *cell,
		     usec_t when);

/**
 * Notes an event of @line at @when that named @coord, which has DRAM_ROW and DRAM_BANK.
 * Returns what the map learned and *ret, the cell; NULL if there is no memory for any DIMM.
 */
enum fault_news fault_map_note(struct fault_map *m, uint16_t dimm, uint64_t line,
			       const struct dram_coord *coord, usec_t when,
			       struct fault_cell **ret);

/**
 * True if the map of @dimm is full, and the second of @when has brought as many new cells
 * as it keeps. What it holds is that second's then, whatever else comes.
 */
bool fault_map_is_flooded(const struct fault_map *m, uint16_t dimm, usec_t when);

/**
 * Number of distinct columns of @cell's row with an error within @window of @when; the
 * column of @cell counts, too.
 */
uint32_t fault_map_row_columns(const struct fault_map *m, uint16_t dimm,
			       const struct fault_cell *cell, usec_t when, usec_t window);

/**
 * Marks the row of @cell as faulty, for the cells that come later too. After that,
 * fault_map_row_at(0), (1) ... are the cells of the row, and NULL past the last cell.
 */
void fault_map_set_faulty(struct fault_map *m, uint16_t dimm,
			  const struct fault_cell *cell);
const struct fault_cell *fault_map_row_at(const struct fault_map *m, uint16_t dimm,
					  const struct fault_cell *cell, uint32_t i);

/**
 * Counts the believed cells of @dimm with an error since @since. The counts of one bank
 * and one column are for the bank and column of @cell; NULL: none.
 */
void fault_map_count(struct fault_map *m, uint16_t dimm, const struct fault_cell *cell,
		     usec_t since, struct fault_counts *ret);

/**
 * The same for the time since @since, rows and banks only. The map remembers one @since of
 * each of the two: one that goes on by little costs nothing.
 */
void fault_map_count_day(struct fault_map *m, uint16_t dimm, usec_t since,
			 struct fault_counts *ret);

/** True if both cells lie in the same bank of the same rank, die and sub-channel. */
bool fault_same_bank(const struct dram_coord *a, const struct dram_coord *b);

/** True if a believed cell in lines @first to @last of @dimm lies in a faulty row. */
bool fault_map_lines_faulty(const struct fault_map *m, uint16_t dimm, uint64_t first,
			    uint64_t last);

/** Drops the cells of lines @first to @last of @dimm. */
void fault_map_forget_lines(struct fault_map *m, uint16_t dimm, uint64_t first,
			    uint64_t last);

/** Drops all cells of @dimm. The caller deals with what was stored of @dimm. */
void fault_map_forget_dimm(struct fault_map *m, uint16_t dimm);

/**
 * Puts back a stored cell at @slot of @dimm. Ignored if the slot is taken, if the line is
 * known, or if no event can make such a cell.
 */
void fault_map_restore(struct fault_map *m, uint16_t dimm, uint16_t slot,
		       const struct fault_cell *cell);

/**
 * Takes one cell that differs from its stored state off the list. Returns the cell,
 * *ret_dimm and *ret_slot; its .used is false if the cell is gone. NULL if the list is
 * empty.
 */
const struct fault_cell *fault_map_take_dirty(struct fault_map *m, uint16_t *ret_dimm,
					      uint16_t *ret_slot);
bool fault_map_has_dirty(const struct fault_map *m);

/** Marks all cells as not stored. */
void fault_map_touch_all(struct fault_map *m);

/** Number of cells kept of @dimm, believed or not. */
uint32_t fault_map_cells(const struct fault_map *m, uint16_t dimm);

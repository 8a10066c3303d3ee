/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * Keeps one block of cells for each DIMM that had errors with coordinates. A block has
 * slots that keep their numbers, and an index from line to slot. Which cells share a row,
 * and how many places there are, fault_map_spread.c keeps. This file refuses to know what
 * a threshold is for, and what a page is.
 */

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define INDEX_ENTRY uint16_t /* of cells there are few */
#include "base/index.h"
#include "base/mem.h"
#include "track/fault_map_internal.h"

static uint32_t map_chunks(uint32_t blocks)
{
	return blocks / CHUNK_BLOCKS + (blocks % CHUNK_BLOCKS > 0);
}

static struct fault_block *map_block(const struct fault_map *m, uint32_t i)
{
	return &m->chunks[i / CHUNK_BLOCKS][i % CHUNK_BLOCKS];
}

int fault_map_new(struct fault_map **ret, uint32_t dimms, uint32_t max_index)
{
	struct fault_map *m;

	if (dimms == 0 || dimms > UINT16_MAX - 1U || max_index == 0)
		return -EINVAL;
	m = calloc(1, sizeof(*m));
	if (!m)
		return -ENOMEM;
	m->n_blocks = dimms;
	m->max_index = max_index;
	m->chunks = calloc(map_chunks(dimms), sizeof(*m->chunks));
	m->block_of = calloc(max_index, sizeof(*m->block_of));
	if (!m->chunks || !m->block_of) {
		fault_map_free(m);
		return -ENOMEM;
	}
	*ret = m;
	return 0;
}

struct fault_map *fault_map_free(struct fault_map *m)
{
	if (m) {
		for (uint32_t i = 0; m->chunks && i < map_chunks(m->used); i++)
			free(m->chunks[i]);
		free(m->chunks);
		free(m->block_of);
		free(m);
	}
	return NULL;
}

size_t fault_map_bytes(const struct fault_map *m)
{
	return sizeof(*m) +
	       map_chunks(m->n_blocks) *
		       (sizeof(*m->chunks) + CHUNK_BLOCKS * sizeof(**m->chunks)) +
	       m->max_index * sizeof(*m->block_of);
}

struct fault_block *fault_block_of(const struct fault_map *m, uint16_t dimm)
{
	if (dimm >= m->max_index || m->block_of[dimm] == 0)
		return NULL;
	return map_block(m, m->block_of[dimm] - 1U);
}

static uint16_t block_slot(const struct fault_block *b, const struct fault_cell *cell)
{
	return (uint16_t)(cell - b->cells);
}

static bool block_is_dirty(const struct fault_block *b, uint16_t slot)
{
	return b->dirty[slot / 64] >> slot % 64 & 1;
}

static void block_set_dirty(struct fault_map *m, struct fault_block *b, uint16_t slot)
{
	if (block_is_dirty(b, slot))
		return;
	b->dirty[slot / 64] |= UINT64_C(1) << slot % 64;
	m->n_dirty++;
}

static void block_set_clean(struct fault_map *m, struct fault_block *b, uint16_t slot)
{
	if (!block_is_dirty(b, slot))
		return;
	b->dirty[slot / 64] &= ~(UINT64_C(1) << slot % 64);
	m->n_dirty--;
}

static uint64_t cell_line(const void *owner, uint32_t slot)
{
	const struct fault_block *b = owner;

	return b->cells[slot].line;
}

/* The cell of @line in @b, or NULL. */
static struct fault_cell *block_find(struct fault_block *b, uint64_t line)
{
	struct index x = index_in(b->index, INDEX_BITS);
	uint32_t slot = index_find(&x, line, cell_line, b);

	return slot == INDEX_NONE ? NULL : &b->cells[slot];
}

static void block_enter(struct fault_block *b, uint64_t line, uint16_t slot)
{
	struct index x = index_in(b->index, INDEX_BITS);

	index_set(&x, index_place(&x, line, cell_line, b), slot);
}

/* Coordinates. */

/* @value with a bit above it if the event named it, else 0. Without a branch. */
_wraps_ static uint64_t coord_given(const struct dram_coord *c, enum dram_part part,
				    uint32_t value, unsigned int bits)
{
	uint64_t is_given = (c->have & part) != 0;

	return (is_given << bits | value) & -is_given;
}

_inlined_ uint64_t fault_bank_number(const struct dram_coord *c)
{
	return coord_given(c, DRAM_SUB_CHANNEL, c->sub_channel, 8) << 50 |
	       coord_given(c, DRAM_RANK, c->rank, 8) << 40 |
	       coord_given(c, DRAM_CHIP, c->chip, 8) << 30 |
	       coord_given(c, DRAM_BANK_GROUP, c->bank_group, 8) << 20 |
	       coord_given(c, DRAM_BANK, c->bank, 16);
}

bool fault_same_bank(const struct dram_coord *a, const struct dram_coord *b)
{
	/* Mostly they are alike in all, and then no number is needed. */
	if (a->have == b->have && a->bank == b->bank && a->bank_group == b->bank_group &&
	    a->rank == b->rank && a->chip == b->chip && a->sub_channel == b->sub_channel)
		return true;
	return fault_bank_number(a) == fault_bank_number(b);
}

bool fault_same_column(const struct dram_coord *a, const struct dram_coord *b)
{
	return !((a->have ^ b->have) & DRAM_COLUMN) &&
	       (!(a->have & DRAM_COLUMN) || a->column == b->column);
}

/* Every cell has a row. */
static bool fault_same_place(const struct dram_coord *a, const struct dram_coord *b)
{
	return a->row == b->row && fault_same_bank(a, b) && fault_same_column(a, b);
}

static void block_drop(struct fault_map *m, struct fault_block *b, uint16_t slot)
{
	struct fault_cell *cell = &b->cells[slot];
	struct index x = index_in(b->index, INDEX_BITS);

	fault_age_leave(b, slot);
	fault_spread_remove(b, slot);
	index_remove(&x, cell->line, cell_line, b);
	b->n--;
	cell->used = false;
	block_set_dirty(m, b, slot);
}

static uint16_t block_free_slot(struct fault_map *m, struct fault_block *b)
{
	uint16_t slot = 0;

	if (b->n < FAULT_MAP_CELLS) {
		while (b->cells[slot].used)
			slot++;
		return slot;
	}
	slot = fault_choose_victim(b);
	block_drop(m, b, slot);
	return slot;
}

static void block_empty(struct fault_map *m, struct fault_block *b)
{
	for (uint16_t i = 0; i < FAULT_MAP_CELLS; i++)
		block_set_clean(m, b, i);
	memset(b, 0, sizeof(*b));
	fault_spread_init(b);
	b->dimm = NO_DIMM;
}

/* The block of the DIMM that was silent longest, or of none. */
static uint32_t map_silent_block(const struct fault_map *m)
{
	uint32_t best = 0;

	for (uint32_t i = 1; i < m->used; i++) {
		const struct fault_block *b = map_block(m, i);
		const struct fault_block *a = map_block(m, best);

		if (a->dimm != NO_DIMM && (b->dimm == NO_DIMM || b->last < a->last))
			best = i;
	}
	return best;
}

/* True if the map has a block that was not used yet. */
static bool map_may_grow(struct fault_map *m)
{
	struct fault_block **chunk = &m->chunks[m->used / CHUNK_BLOCKS];

	if (m->used == m->n_blocks)
		return false;
	if (m->used % CHUNK_BLOCKS == 0)
		*chunk = calloc(CHUNK_BLOCKS, sizeof(**chunk));
	return *chunk != NULL;
}

static struct fault_block *map_make_block(struct fault_map *m, uint16_t dimm)
{
	struct fault_block *b;
	uint32_t i = m->used;

	if (dimm >= m->max_index)
		return NULL;
	if (map_may_grow(m)) {
		b = map_block(m, m->used++);
		fault_spread_init(b);
	} else if (m->used > 0) {
		i = map_silent_block(m);
		b = map_block(m, i);
		if (b->dimm != NO_DIMM)
			m->block_of[b->dimm] = 0;
		block_empty(m, b);
	} else {
		return NULL;
	}
	b->dimm = dimm;
	b->last = INT64_MIN;
	m->block_of[dimm] = (uint16_t)(i + 1);
	return b;
}

struct fault_cell *fault_map_find(struct fault_map *m, uint16_t dimm, uint64_t line)
{
	struct fault_block *b = fault_block_of(m, dimm);

	return b ? block_find(b, line) : NULL;
}

/* Both windows count the cell: a newer event changes nothing. */
static bool block_counts(const struct fault_block *b, uint16_t slot)
{
	uint64_t counted = b->view[VIEW_MONTH].counted[slot / 64] &
			   b->view[VIEW_DAY].counted[slot / 64];

	return counted >> slot % 64 & 1;
}

static void block_see(struct fault_map *m, struct fault_block *b, struct fault_cell *cell,
		      usec_t when)
{
	if (when.us < cell->first)
		cell->first = when.us;
	if (when.us > cell->last) {
		uint16_t slot = block_slot(b, cell);

		cell->last = when.us;
		b->erred_since[slot / 64] |= UINT64_C(1) << slot % 64;
	}
	if (when.us > b->last)
		b->last = when.us;
	cell->other_boot = false;
	if (!block_counts(b, block_slot(b, cell)))
		fault_spread_count(b, block_slot(b, cell));
	block_set_dirty(m, b, block_slot(b, cell));
}

void fault_map_touch(struct fault_map *m, uint16_t dimm, struct fault_cell *cell,
		     usec_t when)
{
	block_see(m, fault_block_of(m, dimm), cell, when);
}

static bool cell_is_believed(const struct fault_cell *c)
{
	return c->votes > 0 && fault_cell_has_address(c);
}

/*
 * True if another line has the same coordinates as the cell in @slot. Such cells are next
 * to each other in their row. An error without an address is no other line: it may be the
 * same cell.
 */
static bool block_is_claimed(const struct fault_block *b, uint16_t slot)
{
	const struct fault_cell *cell = &b->cells[slot];
	uint16_t first = fault_row_first(b, slot), i = slot;

	if (!cell->row_shared || !fault_cell_has_address(cell))
		return false;
	while (i != first && fault_same_column(&b->cells[b->prev[i]].coord, &cell->coord))
		i = b->prev[i];
	for (; i != FAULT_MAP_NO_SLOT &&
	       fault_same_column(&b->cells[i].coord, &cell->coord);
	     i = fault_row_next(b, i))
		if (i != slot && cell_is_believed(&b->cells[i]))
			return true;
	return false;
}

static void block_enter_place(struct fault_map *m, struct fault_block *b, uint16_t slot)
{
	uint16_t shares = fault_spread_enter(b, slot);

	fault_age_enter(b, slot);
	if (shares != FAULT_MAP_NO_SLOT)
		block_set_dirty(m, b, shares);
}

static void block_place_cell(struct fault_map *m, struct fault_block *b, uint16_t slot,
			     const struct dram_coord *coord)
{
	struct fault_cell *cell = &b->cells[slot];

	cell->doubted = false;
	cell->coord = *coord;
	block_enter_place(m, b, slot);
	cell->votes = block_is_claimed(b, slot) ? 0 : 1;
	fault_spread_count(b, slot);
	block_set_dirty(m, b, slot);
}

static void block_note_entry(struct fault_block *b, usec_t when)
{
	int64_t second = when.us / USEC_PER_SEC;

	if (second > b->second) {
		b->second = second;
		b->entered = 0;
	}
	if (b->entered < FAULT_MAP_CELLS)
		b->entered++;
}

bool fault_map_is_flooded(const struct fault_map *m, uint16_t dimm, usec_t when)
{
	const struct fault_block *b = fault_block_of(m, dimm);

	return b && b->n == FAULT_MAP_CELLS && b->entered == FAULT_MAP_CELLS &&
	       when.us / USEC_PER_SEC <= b->second;
}

static struct fault_cell *block_add_cell(struct fault_map *m, struct fault_block *b,
					 uint64_t line, const struct dram_coord *coord,
					 usec_t when)
{
	uint16_t slot = block_free_slot(m, b);

	b->cells[slot] = (struct fault_cell){
		.line = line, .first = when.us, .last = when.us, .used = true
	};
	b->n++;
	block_note_entry(b, when);
	block_enter(b, line, slot);
	block_place_cell(m, b, slot, coord);
	if (when.us > b->last)
		b->last = when.us;
	return &b->cells[slot];
}

/* One more event of a known line: it votes for or against the coordinates of the cell. */
static enum fault_news block_vote(struct fault_map *m, struct fault_block *b,
				  struct fault_cell *cell, const struct dram_coord *coord)
{
	if (fault_same_place(&cell->coord, coord)) {
		if (coord->have & DRAM_DEVICE && !(cell->coord.have & DRAM_DEVICE))
			fault_spread_name_device(b, block_slot(b, cell), coord);
		if (cell->votes < FAULT_MAP_CERTAIN)
			cell->votes++;
		cell->doubted = false;
		return cell->votes == 1 ? NEWS_CELL : NEWS_NONE;
	}
	if (cell->votes > 1) {
		cell->votes--;
		return NEWS_NONE;
	}
	if (cell->votes == 1 && !cell->doubted && !cell->other_boot) {
		cell->doubted = true;
		return NEWS_NONE;
	}
	fault_age_leave(b, block_slot(b, cell));
	fault_spread_remove(b, block_slot(b, cell));
	block_place_cell(m, b, block_slot(b, cell), coord);
	return cell->votes > 0 ? NEWS_CELL : NEWS_NONE;
}

enum fault_news fault_map_note(struct fault_map *m, uint16_t dimm, uint64_t line,
			       const struct dram_coord *coord, usec_t when,
			       struct fault_cell **ret)
{
	struct fault_block *b = fault_block_of(m, dimm);
	struct fault_cell *cell;
	enum fault_news news;

	if (!b)
		b = map_make_block(m, dimm);
	if (!b) {
		*ret = NULL;
		return NEWS_NONE;
	}
	cell = block_find(b, line);
	if (cell) {
		news = block_vote(m, b, cell, coord);
		block_see(m, b, cell, when);
	} else {
		cell = block_add_cell(m, b, line, coord, when);
		news = cell->votes > 0 ? NEWS_CELL : NEWS_NONE;
	}
	*ret = cell;
	return news;
}

static void block_set_faulty(struct fault_map *m, struct fault_block *b, uint16_t slot)
{
	bool was = b->cells[slot].row_faulty;
	uint16_t first = fault_row_first(b, slot), i;

	b->has_faulty = true;
	for (i = first; !was && i != FAULT_MAP_NO_SLOT; i = fault_row_next(b, i))
		fault_age_leave(b, i);
	fault_spread_set_faulty(b, slot);
	for (i = first; !was && i != FAULT_MAP_NO_SLOT; i = fault_row_next(b, i)) {
		fault_age_enter(b, i);
		block_set_dirty(m, b, i);
	}
}

void fault_map_set_faulty(struct fault_map *m, uint16_t dimm,
			  const struct fault_cell *cell)
{
	struct fault_block *b = fault_block_of(m, dimm);

	block_set_faulty(m, b, block_slot(b, cell));
}

const struct fault_cell *fault_map_row_at(const struct fault_map *m, uint16_t dimm,
					  const struct fault_cell *cell, uint32_t i)
{
	const struct fault_block *b = fault_block_of(m, dimm);
	uint16_t slot = fault_row_first(b, block_slot(b, cell));

	for (; i > 0 && slot != FAULT_MAP_NO_SLOT; i--)
		slot = fault_row_next(b, slot);
	return slot == FAULT_MAP_NO_SLOT ? NULL : &b->cells[slot];
}

bool fault_map_lines_faulty(const struct fault_map *m, uint16_t dimm, uint64_t first,
			    uint64_t last)
{
	const struct fault_block *b = fault_block_of(m, dimm);

	if (!b || !b->has_faulty)
		return false;
	for (uint32_t i = 0; i < FAULT_MAP_CELLS; i++) {
		const struct fault_cell *c = &b->cells[i];

		if (c->used && c->line >= first && c->line <= last && c->votes > 0 &&
		    c->row_faulty)
			return true;
	}
	return false;
}

void fault_map_forget_lines(struct fault_map *m, uint16_t dimm, uint64_t first,
			    uint64_t last)
{
	struct fault_block *b = fault_block_of(m, dimm);

	for (uint16_t i = 0; b && i < FAULT_MAP_CELLS; i++)
		if (b->cells[i].used && b->cells[i].line >= first &&
		    b->cells[i].line <= last)
			block_drop(m, b, i);
}

void fault_map_forget_dimm(struct fault_map *m, uint16_t dimm)
{
	struct fault_block *b = fault_block_of(m, dimm);

	if (!b)
		return;
	block_empty(m, b);
	b->last = INT64_MIN;
	b->dimm = dimm;
}

void fault_map_restore(struct fault_map *m, uint16_t dimm, uint16_t slot,
		       const struct fault_cell *cell)
{
	const uint8_t needed = DRAM_ROW | DRAM_BANK;
	struct fault_block *b = fault_block_of(m, dimm);
	struct fault_cell *to;

	if (slot >= FAULT_MAP_CELLS || (cell->coord.have & needed) != needed)
		return;
	if (!fault_cell_has_address(cell) && cell->line != fault_map_place(&cell->coord))
		return;
	if (!b && m->used == m->n_blocks)
		return;
	if (!b)
		b = map_make_block(m, dimm);
	if (!b || b->cells[slot].used || block_find(b, cell->line))
		return;
	to = &b->cells[slot];
	*to = *cell;
	to->used = true;
	if (to->votes > FAULT_MAP_CERTAIN)
		to->votes = FAULT_MAP_CERTAIN;
	if (to->other_boot && to->votes > 1)
		to->votes = 1;
	b->n++;
	block_enter(b, to->line, slot);
	block_enter_place(m, b, slot);
	if (cell->row_faulty) /* all cells of a row say the same */
		block_set_faulty(m, b, slot);
	fault_spread_count(b, slot);
	if (to->last > b->last)
		b->last = to->last;
}

static uint16_t block_first_dirty(const struct fault_block *b)
{
	for (uint16_t i = 0; i < FAULT_MAP_CELLS / 64; i++)
		if (b->dirty[i])
			return (uint16_t)(i * 64 + __builtin_ctzll(b->dirty[i]));
	return FAULT_MAP_NO_SLOT;
}

const struct fault_cell *fault_map_take_dirty(struct fault_map *m, uint16_t *ret_dimm,
					      uint16_t *ret_slot)
{
	for (uint32_t i = 0; i < m->used && m->n_dirty > 0; i++) {
		struct fault_block *b = map_block(m, i);
		uint16_t slot = block_first_dirty(b);

		if (slot == FAULT_MAP_NO_SLOT)
			continue;
		block_set_clean(m, b, slot);
		*ret_dimm = b->dimm;
		*ret_slot = slot;
		return &b->cells[slot];
	}
	return NULL;
}

bool fault_map_has_dirty(const struct fault_map *m)
{
	return m->n_dirty > 0;
}

void fault_map_touch_all(struct fault_map *m)
{
	for (uint32_t i = 0; i < m->used; i++)
		for (uint16_t slot = 0; slot < FAULT_MAP_CELLS; slot++)
			if (map_block(m, i)->cells[slot].used)
				block_set_dirty(m, map_block(m, i), slot);
}

uint32_t fault_map_cells(const struct fault_map *m, uint16_t dimm)
{
	const struct fault_block *b = fault_block_of(m, dimm);

	return b ? b->n : 0;
}

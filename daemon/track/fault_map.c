/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * Keeps one block of cells for each DIMM that had errors with coordinates. A block has
 * slots that keep their numbers, an index from line to slot, and the slots sorted by
 * bank, row and column. So a row is one stretch of the order, and a DIMM is one pass.
 * This file refuses to know what a threshold is for, and what a page is.
 */

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define INDEX_ENTRY uint16_t /* of cells there are few */
#include "base/index.h"
#include "base/mem.h"
#include "track/fault_map_internal.h"

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
	m->blocks = calloc(dimms, sizeof(*m->blocks));
	m->block_of = calloc(max_index, sizeof(*m->block_of));
	if (!m->blocks || !m->block_of) {
		fault_map_free(m);
		return -ENOMEM;
	}
	*ret = m;
	return 0;
}

struct fault_map *fault_map_free(struct fault_map *m)
{
	if (m) {
		free(m->blocks);
		free(m->block_of);
		free(m);
	}
	return NULL;
}

size_t fault_map_bytes(const struct fault_map *m)
{
	return sizeof(*m) + m->n_blocks * sizeof(*m->blocks) +
	       m->max_index * sizeof(*m->block_of);
}

struct fault_block *fault_block_of(const struct fault_map *m, uint16_t dimm)
{
	if (dimm >= m->max_index || m->block_of[dimm] == 0)
		return NULL;
	return &m->blocks[m->block_of[dimm] - 1];
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

/* The order: a part that is absent comes before every value of it. */

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

static int coord_compare_part(const struct dram_coord *a, const struct dram_coord *b,
			      enum dram_part part, uint32_t x, uint32_t y)
{
	unsigned int has_a = a->have & part;
	unsigned int has_b = b->have & part;

	if (has_a != has_b)
		return has_a ? 1 : -1;
	if (!has_a || x == y)
		return 0;
	return x < y ? -1 : 1;
}

int fault_compare_bank(const struct dram_coord *a, const struct dram_coord *b)
{
	uint64_t x = fault_bank_number(a);
	uint64_t y = fault_bank_number(b);

	return (x > y) - (x < y);
}

int fault_compare_row(const struct dram_coord *a, const struct dram_coord *b)
{
	int c = fault_compare_bank(a, b);

	return c ? c : coord_compare_part(a, b, DRAM_ROW, a->row, b->row);
}

/* Two cells of one bank. */
static int cell_compare_in_bank(const struct fault_cell *a, const struct fault_cell *b)
{
	int c = coord_compare_part(&a->coord, &b->coord, DRAM_ROW, a->coord.row,
				   b->coord.row);

	if (c == 0)
		c = coord_compare_part(&a->coord, &b->coord, DRAM_COLUMN, a->coord.column,
				       b->coord.column);
	if (c == 0 && a->line != b->line)
		c = a->line < b->line ? -1 : 1;
	return c;
}

bool fault_same_bank(const struct dram_coord *a, const struct dram_coord *b)
{
	return fault_compare_bank(a, b) == 0;
}

bool fault_same_place(const struct dram_coord *a, const struct dram_coord *b)
{
	return fault_compare_row(a, b) == 0 &&
	       coord_compare_part(a, b, DRAM_COLUMN, a->column, b->column) == 0;
}

/* The first place of the order with a cell that is not before @cell. */
static uint32_t lower_bound(const struct fault_block *b, const struct fault_cell *cell)
{
	uint64_t bank = fault_bank_number(&cell->coord);
	uint32_t lo = 0;
	uint32_t hi = b->n;

	while (lo < hi) {
		uint32_t mid = (lo + hi) / 2;
		const struct fault_cell *c = &b->cells[b->order[mid]];
		uint64_t other = fault_bank_number(&c->coord);

		if (other < bank || (other == bank && cell_compare_in_bank(c, cell) < 0))
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo;
}

const struct fault_cell *fault_cell_at(const struct fault_block *b, uint32_t place)
{
	return place < b->n ? &b->cells[b->order[place]] : NULL;
}

/* The place of the first cell of @cell's row; @at is the place of @cell, or the place
 * where it would be inserted. */
static uint32_t row_start(const struct fault_block *b, uint32_t at,
			  const struct fault_cell *cell)
{
	while (at > 0 &&
	       fault_compare_row(&fault_cell_at(b, at - 1)->coord, &cell->coord) == 0)
		at--;
	return at;
}

uint32_t fault_row_start(const struct fault_block *b, const struct fault_cell *cell)
{
	return row_start(b, lower_bound(b, cell), cell);
}

bool fault_in_row(const struct fault_block *b, uint32_t place,
		  const struct fault_cell *cell)
{
	const struct fault_cell *c = fault_cell_at(b, place);

	return c && fault_compare_row(&c->coord, &cell->coord) == 0;
}

/* Inserts @slot into the order and gives it what is known of its row. Returns its
 * place. */
static uint32_t order_add(struct fault_map *m, struct fault_block *b, uint16_t slot)
{
	struct fault_cell *cell = &b->cells[slot];
	uint32_t at = lower_bound(b, cell);

	memmove(b->order + at + 1, b->order + at, b->n - at);
	b->order[at] = (uint8_t)slot;
	b->n++;
	cell->row_faulty = false;
	cell->row_shared = false;
	fault_note_age(b, cell);
	for (uint32_t i = row_start(b, at, cell); fault_in_row(b, i, cell); i++) {
		struct fault_cell *other = &b->cells[b->order[i]];

		if (other == cell)
			continue;
		cell->row_shared = true;
		cell->row_faulty = cell->row_faulty || other->row_faulty;
		if (!other->row_shared) {
			other->row_shared = true;
			block_set_dirty(m, b, b->order[i]);
		}
	}
	return at;
}

/* The place of @slot, which is in the order. A search for the byte is cheaper than a
 * search by bank, row and column. */
static void order_remove(struct fault_block *b, uint16_t slot)
{
	uint8_t *at = memchr(b->order, slot, b->n);

	b->n--;
	memmove(at, at + 1, (size_t)(b->order + b->n - at));
}

static void block_drop(struct fault_map *m, struct fault_block *b, uint16_t slot)
{
	struct fault_cell *cell = &b->cells[slot];
	struct index x = index_in(b->index, INDEX_BITS);

	order_remove(b, slot);
	index_remove(&x, cell->line, cell_line, b);
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
	b->dimm = NO_DIMM;
}

static struct fault_block *map_make_block(struct fault_map *m, uint16_t dimm)
{
	struct fault_block *b = NULL;

	if (dimm >= m->max_index)
		return NULL;
	if (m->used < m->n_blocks) {
		b = &m->blocks[m->used++];
	} else {
		for (uint32_t i = 0; i < m->n_blocks; i++)
			if (!b || m->blocks[i].dimm == NO_DIMM ||
			    (b->dimm != NO_DIMM && m->blocks[i].last < b->last))
				b = &m->blocks[i];
		if (b->dimm != NO_DIMM)
			m->block_of[b->dimm] = 0;
		block_empty(m, b);
	}
	b->dimm = dimm;
	b->last = INT64_MIN;
	m->block_of[dimm] = (uint16_t)(b - m->blocks + 1);
	return b;
}

void fault_map_fetch(const struct fault_map *m, uint16_t dimm, uint64_t line)
{
	const struct fault_block *b = fault_block_of(m, dimm);

	if (b)
		__builtin_prefetch(&b->index[index_home(line, 64 - INDEX_BITS)]);
}

struct fault_cell *fault_map_find(struct fault_map *m, uint16_t dimm, uint64_t line)
{
	struct fault_block *b = fault_block_of(m, dimm);

	return b ? block_find(b, line) : NULL;
}

static void block_see(struct fault_map *m, struct fault_block *b, struct fault_cell *cell,
		      usec_t when)
{
	if (when.us < cell->first)
		cell->first = when.us;
	if (when.us > cell->last)
		cell->last = when.us;
	if (when.us > b->last)
		b->last = when.us;
	cell->other_boot = false;
	block_set_dirty(m, b, block_slot(b, cell));
}

void fault_map_touch(struct fault_map *m, uint16_t dimm, struct fault_cell *cell,
		     usec_t when)
{
	block_see(m, fault_block_of(m, dimm), cell, when);
}

static bool cell_claims(const struct fault_cell *c, const struct fault_cell *cell)
{
	return c && fault_same_place(&c->coord, &cell->coord);
}

static bool cell_is_believed(const struct fault_cell *c)
{
	return c->votes > 0 && fault_cell_has_address(c);
}

/*
 * True if another line has the same coordinates as the cell at place @at of the order. An
 * error without an address is no other line: it may be the same cell.
 */
static bool block_is_claimed(const struct fault_block *b, uint32_t at)
{
	const struct fault_cell *cell = fault_cell_at(b, at);

	if (!fault_cell_has_address(cell))
		return false;
	for (uint32_t i = at; i > 0 && cell_claims(fault_cell_at(b, i - 1), cell); i--)
		if (cell_is_believed(fault_cell_at(b, i - 1)))
			return true;
	for (uint32_t i = at + 1; cell_claims(fault_cell_at(b, i), cell); i++)
		if (cell_is_believed(fault_cell_at(b, i)))
			return true;
	return false;
}

static void block_place_cell(struct fault_map *m, struct fault_block *b, uint16_t slot,
			     const struct dram_coord *coord)
{
	struct fault_cell *cell = &b->cells[slot];

	cell->doubted = false;
	cell->coord = *coord;
	cell->votes = block_is_claimed(b, order_add(m, b, slot)) ? 0 : 1;
	block_set_dirty(m, b, slot);
}

static enum fault_news block_add_cell(struct fault_map *m, struct fault_block *b,
				      uint64_t line, const struct dram_coord *coord,
				      usec_t when)
{
	uint16_t slot = block_free_slot(m, b);

	b->cells[slot] = (struct fault_cell){
		.line = line, .first = when.us, .last = when.us, .used = true
	};
	block_enter(b, line, slot);
	block_place_cell(m, b, slot, coord);
	if (when.us > b->last)
		b->last = when.us;
	return b->cells[slot].votes > 0 ? NEWS_CELL : NEWS_NONE;
}

/* One more event of a known line: it votes for or against the coordinates of the cell. */
static enum fault_news block_vote(struct fault_map *m, struct fault_block *b,
				  struct fault_cell *cell, const struct dram_coord *coord)
{
	if (fault_same_place(&cell->coord, coord)) {
		if (coord->have & DRAM_DEVICE && !(cell->coord.have & DRAM_DEVICE))
			cell->coord = *coord;
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
	order_remove(b, block_slot(b, cell));
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
		news = block_add_cell(m, b, line, coord, when);
	}
	*ret = block_find(b, line);
	return news;
}

void fault_map_set_faulty(struct fault_map *m, uint16_t dimm,
			  const struct fault_cell *cell)
{
	struct fault_block *b = fault_block_of(m, dimm);

	b->has_faulty = true;
	for (uint32_t i = fault_row_start(b, cell); fault_in_row(b, i, cell); i++) {
		b->cells[b->order[i]].row_faulty = true;
		block_set_dirty(m, b, b->order[i]);
	}
}

const struct fault_cell *fault_map_row_at(const struct fault_map *m, uint16_t dimm,
					  const struct fault_cell *cell, uint32_t i)
{
	const struct fault_block *b = fault_block_of(m, dimm);
	uint32_t at = fault_row_start(b, cell) + i;

	return fault_in_row(b, at, cell) ? fault_cell_at(b, at) : NULL;
}

bool fault_map_lines_faulty(const struct fault_map *m, uint16_t dimm, uint64_t first,
			    uint64_t last)
{
	const struct fault_block *b = fault_block_of(m, dimm);

	if (!b || !b->has_faulty)
		return false;
	for (uint32_t i = 0; i < b->n; i++) {
		const struct fault_cell *c = fault_cell_at(b, i);

		if (c->line >= first && c->line <= last && c->votes > 0 && c->row_faulty)
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
	block_enter(b, to->line, slot);
	order_add(m, b, slot);
	to->row_faulty = to->row_faulty || cell->row_faulty;
	b->has_faulty = b->has_faulty || to->row_faulty;
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
		struct fault_block *b = &m->blocks[i];
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
			if (m->blocks[i].cells[slot].used)
				block_set_dirty(m, &m->blocks[i], slot);
}

uint32_t fault_map_cells(const struct fault_map *m, uint16_t dimm)
{
	const struct fault_block *b = fault_block_of(m, dimm);

	return b ? b->n : 0;
}

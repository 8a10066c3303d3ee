/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * Keeps what fault_map_count() answers while cells come, go, and get too old, so that a
 * new cell costs the same however many are kept. The cells of a row are a ring in the
 * order of their columns: what a cell adds to its row depends on its neighbours there. A
 * row adds to its bank, and a bank to the DIMM. This file knows no line and no vote but
 * whether a cell is believed, and it decides nothing.
 */

#include "base/index.h"
#include "base/mem.h"
#include "track/fault_map_internal.h"

#define NO_NUMBER  FAULT_MAP_NO_SLOT
#define CHAIN_BITS 8

static bool bit_is_set(const uint64_t *words, uint16_t i)
{
	return words[i / 64] >> i % 64 & 1;
}

static void bit_put(uint64_t *words, uint16_t i, bool on)
{
	if (on)
		words[i / 64] |= UINT64_C(1) << i % 64;
	else
		words[i / 64] &= ~(UINT64_C(1) << i % 64);
}

static void spread_add(uint16_t *to, int n)
{
	*to = (uint16_t)(*to + n);
}

/* Numbers, and the chains that find them. */

static uint16_t *lane_next(struct fault_lane *lane, enum fault_kind kind)
{
	switch (kind) {
	case KIND_BANK:
		return &lane->bank.next;
	case KIND_ROW:
		return &lane->row.next;
	case KIND_COLUMN:
	case KIND_MAX_:
		break;
	}
	return &lane->column.next;
}

static uint32_t chain_of_bank(uint64_t number)
{
	return index_home(number, 64 - CHAIN_BITS);
}

/* A row or column @n of bank @bank. */
static uint32_t chain_in_bank(uint16_t bank, uint32_t n)
{
	return index_home((uint64_t)bank << 32 | n, 64 - CHAIN_BITS);
}

static uint16_t lane_take(struct fault_block *b, enum fault_kind kind, uint32_t chain)
{
	uint16_t word = 0, i;

	while (b->taken[kind][word] == UINT64_MAX)
		word++;
	i = (uint16_t)(word * 64 + __builtin_ctzll(~b->taken[kind][word]));
	bit_put(b->taken[kind], i, true);
	*lane_next(&b->lane[i], kind) = b->chains[kind][chain];
	b->chains[kind][chain] = (uint16_t)(i + 1);
	return i;
}

static void lane_give(struct fault_block *b, enum fault_kind kind, uint32_t chain,
		      uint16_t i)
{
	uint16_t *link = &b->chains[kind][chain];

	while (*link != i + 1)
		link = lane_next(&b->lane[*link - 1], kind);
	*link = *lane_next(&b->lane[i], kind);
	bit_put(b->taken[kind], i, false);
}

static uint16_t bank_find(const struct fault_block *b, uint64_t number)
{
	uint16_t i = b->chains[KIND_BANK][chain_of_bank(number)];

	while (i > 0 && b->lane[i - 1].bank.number != number)
		i = b->lane[i - 1].bank.next;
	return i > 0 ? (uint16_t)(i - 1) : NO_NUMBER;
}

static uint16_t row_find(const struct fault_block *b, uint16_t bank, uint32_t row)
{
	uint16_t i = b->chains[KIND_ROW][chain_in_bank(bank, row)];

	while (i > 0 && (b->lane[i - 1].row.bank != bank ||
			 b->cells[b->lane[i - 1].row.first].coord.row != row))
		i = b->lane[i - 1].row.next;
	return i > 0 ? (uint16_t)(i - 1) : NO_NUMBER;
}

static uint16_t column_find(const struct fault_block *b, uint16_t bank, uint32_t column)
{
	uint16_t i = b->chains[KIND_COLUMN][chain_in_bank(bank, column)];

	while (i > 0 && (b->lane[i - 1].column.bank != bank ||
			 b->lane[i - 1].column.column != column))
		i = b->lane[i - 1].column.next;
	return i > 0 ? (uint16_t)(i - 1) : NO_NUMBER;
}

static uint16_t bank_make(struct fault_block *b, uint64_t number)
{
	uint16_t i = bank_find(b, number), next;

	if (i != NO_NUMBER)
		return i;
	i = lane_take(b, KIND_BANK, chain_of_bank(number));
	next = b->lane[i].bank.next;
	b->lane[i].bank = (struct fault_bank){ .number = number, .next = next };
	return i;
}

static void bank_release(struct fault_block *b, uint16_t i)
{
	struct fault_bank *bank = &b->lane[i].bank;

	if (--bank->kept == 0)
		lane_give(b, KIND_BANK, chain_of_bank(bank->number), i);
}

/* The ring of a row. */

static bool cell_is_before(const struct fault_cell *a, const struct fault_cell *b)
{
	unsigned int has_a = a->coord.have & DRAM_COLUMN;
	unsigned int has_b = b->coord.have & DRAM_COLUMN;

	if (has_a != has_b)
		return has_b;
	if (has_a && a->coord.column != b->coord.column)
		return a->coord.column < b->coord.column;
	return a->line < b->line;
}

static void ring_insert(struct fault_block *b, struct fault_row *row, uint16_t slot)
{
	const struct fault_cell *cell = &b->cells[slot];
	uint8_t after = b->prev[row->first];
	uint16_t steps = 0;

	while (steps < row->kept && cell_is_before(cell, &b->cells[after])) {
		after = b->prev[after];
		steps++;
	}
	if (steps == row->kept)
		row->first = (uint8_t)slot;
	b->prev[slot] = after;
	b->next[slot] = b->next[after];
	b->prev[b->next[after]] = (uint8_t)slot;
	b->next[after] = (uint8_t)slot;
}

static void ring_remove(struct fault_block *b, struct fault_row *row, uint16_t slot)
{
	b->next[b->prev[slot]] = b->next[slot];
	b->prev[b->next[slot]] = b->prev[slot];
	if (row->first == slot)
		row->first = b->next[slot];
}

static struct fault_row *cell_row(struct fault_block *b, uint16_t slot)
{
	return &b->lane[b->row_of[slot]].row;
}

uint16_t fault_row_first(const struct fault_block *b, uint16_t slot)
{
	return b->lane[b->row_of[slot]].row.first;
}

uint16_t fault_row_next(const struct fault_block *b, uint16_t slot)
{
	return b->next[slot] == fault_row_first(b, slot) ? FAULT_MAP_NO_SLOT
							 : b->next[slot];
}

static bool ring_counts(const struct fault_block *b, uint16_t slot)
{
	return bit_is_set(b->view[VIEW_MONTH].counted, slot) &&
	       !fault_is_vague(&b->cells[slot]);
}

/* The nearest counted cells of the row before and after @slot that are not vague. */
static const struct fault_cell *ring_before(const struct fault_block *b, uint16_t slot)
{
	uint16_t first = fault_row_first(b, slot);

	while (slot != first) {
		slot = b->prev[slot];
		if (ring_counts(b, slot))
			return &b->cells[slot];
	}
	return NULL;
}

static const struct fault_cell *ring_after(const struct fault_block *b, uint16_t slot)
{
	while ((slot = fault_row_next(b, slot)) != FAULT_MAP_NO_SLOT)
		if (ring_counts(b, slot))
			return &b->cells[slot];
	return NULL;
}

/* Counting. */

static bool same_column(const struct fault_cell *a, const struct fault_cell *b)
{
	return a && b && a->coord.have & b->coord.have & DRAM_COLUMN &&
	       a->coord.column == b->coord.column;
}

static bool same_burst(const struct fault_cell *a, const struct fault_cell *b)
{
	return a && b && a->coord.have & b->coord.have & DRAM_COLUMN &&
	       a->coord.column >> FAULT_MAP_BURST_SHIFT ==
		       b->coord.column >> FAULT_MAP_BURST_SHIFT;
}

/* By how much @c, between @before and @after, makes its row's cells more. A cell without
 * an address at the place of the one before it is that one again. */
static int cells_more(const struct fault_cell *before, const struct fault_cell *c,
		      const struct fault_cell *after)
{
	if (!fault_cell_has_address(c) && same_column(before, c))
		return 0;
	return !(same_column(c, after) && !fault_cell_has_address(after) &&
		 !same_column(before, c));
}

static bool row_is_counted(const struct fault_row *row)
{
	return row->solid + row->vague > 0;
}

static bool row_is_single(const struct fault_row *row)
{
	return row->solid > 0 ? row->columns == 1 : row->vague > 0;
}

static int row_cells(const struct fault_row *row)
{
	return row->solid > 0 ? row->cells : row->vague > 0;
}

/* All cells of a single row lie in one burst, so these are few. */
static void row_tell_columns(struct fault_block *b, const struct fault_row *row, int n)
{
	const struct fault_cell *before = NULL;

	for (uint16_t i = row->first; i != FAULT_MAP_NO_SLOT; i = fault_row_next(b, i)) {
		const struct fault_cell *c = &b->cells[i];

		if (!ring_counts(b, i))
			continue;
		if (c->coord.have & DRAM_COLUMN && !same_column(before, c))
			spread_add(&b->lane[b->column_of[i]].column.single_rows, n);
		before = c;
	}
}

static void bank_count_faulty(struct fault_block *b, struct fault_bank *bank, int n)
{
	b->banks_with[bank->faulty_rows]--;
	spread_add(&bank->faulty_rows, n);
	b->banks_with[bank->faulty_rows]++;
	spread_add(&b->faulty_rows, n);
	if (bank->faulty_rows > b->most_faulty)
		b->most_faulty = bank->faulty_rows;
	while (b->most_faulty > 0 && b->banks_with[b->most_faulty] == 0)
		b->most_faulty--;
}

/* The row is counted from now on, or no longer. */
static void bank_count_row(struct fault_block *b, const struct fault_row *row, int n)
{
	struct fault_bank *bank = &b->lane[row->bank].bank;

	spread_add(&b->view[VIEW_MONTH].banks, bank->rows == (n > 0 ? 0 : 1) ? n : 0);
	if (n > 0 && bank->rows == 0)
		b->banks_with[0]++;
	spread_add(&bank->rows, n);
	spread_add(&b->view[VIEW_MONTH].rows, n);
	if (b->cells[row->first].row_faulty)
		bank_count_faulty(b, bank, n);
	if (n < 0 && bank->rows == 0)
		b->banks_with[0]--;
}

static void device_count(struct fault_block *b, const struct fault_cell *c, int n)
{
	uint16_t *cells = &b->cells_of_device[c->coord.device];

	if (!(c->coord.have & DRAM_DEVICE))
		return;
	spread_add(&b->devices, *cells == (n > 0 ? 0 : 1) ? n : 0);
	spread_add(cells, n);
}

static void column_count(struct fault_block *b, uint16_t slot, int n)
{
	struct fault_column *column = &b->lane[b->column_of[slot]].column;

	if (column->rows == (n > 0 ? 0 : 1))
		spread_add(&b->lane[column->bank].bank.columns, n);
	spread_add(&column->rows, n);
}

static void month_count_cell(struct fault_block *b, struct fault_row *row, uint16_t slot,
			     int n)
{
	const struct fault_cell *c = &b->cells[slot], *before, *after;

	if (fault_is_vague(c)) {
		spread_add(&row->vague, n);
		return;
	}
	before = ring_before(b, slot);
	after = ring_after(b, slot);
	spread_add(&row->solid, n);
	if (!same_burst(before, c) && !same_burst(c, after))
		spread_add(&row->columns, n);
	spread_add(&row->cells, n * cells_more(before, c, after));
	if (c->coord.have & DRAM_COLUMN && !same_column(before, c) &&
	    !same_column(c, after))
		column_count(b, slot, n);
}

static void month_count(struct fault_block *b, uint16_t slot, bool on)
{
	struct fault_row *row = cell_row(b, slot);
	const bool was = row_is_counted(row), single = row_is_single(row);
	const int cells = row_cells(row);

	if (single)
		row_tell_columns(b, row, -1);
	month_count_cell(b, row, slot, on ? 1 : -1);
	bit_put(b->view[VIEW_MONTH].counted, slot, on);
	if (row_is_single(row))
		row_tell_columns(b, row, 1);
	if (was != row_is_counted(row))
		bank_count_row(b, row, on ? 1 : -1);
	spread_add(&b->lane[row->bank].bank.single_rows, row_is_single(row) - single);
	spread_add(&b->cells_counted, row_cells(row) - cells);
	device_count(b, &b->cells[slot], on ? 1 : -1);
}

static void day_count(struct fault_block *b, uint16_t slot, bool on)
{
	struct fault_view *v = &b->view[VIEW_DAY];
	struct fault_row *row = cell_row(b, slot);
	uint16_t *rows = &b->lane[row->bank].bank.day_rows;
	const int n = on ? 1 : -1;

	bit_put(v->counted, slot, on);
	if (row->day == (on ? 0 : 1)) {
		spread_add(&v->banks, *rows == (on ? 0 : 1) ? n : 0);
		spread_add(&v->rows, n);
		spread_add(rows, n);
	}
	spread_add(&row->day, n);
}

static void view_put(struct fault_block *b, enum fault_view_name name, uint16_t slot,
		     bool on)
{
	struct fault_view *v = &b->view[name];

	if (bit_is_set(v->counted, slot) == on)
		return;
	if (on && b->cells[slot].last < v->oldest)
		v->oldest = b->cells[slot].last;
	if (name == VIEW_MONTH)
		month_count(b, slot, on);
	else
		day_count(b, slot, on);
}

static void view_judge(struct fault_block *b, enum fault_view_name name, uint16_t slot)
{
	const struct fault_cell *cell = &b->cells[slot];
	struct fault_view *v = &b->view[name];
	bool in_time = cell->last >= v->since;

	view_put(b, name, slot, cell->votes > 0 && in_time);
	if (cell->votes > 0 && !in_time && cell->last > v->newest)
		v->newest = cell->last;
}

void fault_spread_count(struct fault_block *b, uint16_t slot)
{
	view_judge(b, VIEW_MONTH, slot);
	view_judge(b, VIEW_DAY, slot);
}

/*
 * A pass over the cells lets one go at least, or finds that the oldest has erred since.
 * So a window's length of time sees no more passes than there are cells.
 */
static void view_sweep(struct fault_block *b, enum fault_view_name name)
{
	struct fault_view *v = &b->view[name];

	v->newest = INT64_MIN;
	for (uint16_t i = 0; i < FAULT_MAP_CELLS; i++)
		if (b->cells[i].used)
			view_judge(b, name, i);
	v->oldest = INT64_MAX;
	for (uint16_t i = 0; i < FAULT_MAP_CELLS; i++)
		if (bit_is_set(v->counted, i) && b->cells[i].last < v->oldest)
			v->oldest = b->cells[i].last;
}

void fault_spread_move(struct fault_block *b, enum fault_view_name view, int64_t since)
{
	struct fault_view *v = &b->view[view];
	bool passed = since > v->since ? since > v->oldest : since <= v->newest;

	v->since = since;
	if (passed)
		view_sweep(b, view);
}

void fault_spread_init(struct fault_block *b)
{
	for (unsigned int i = 0; i < VIEW_MAX_; i++) {
		b->view[i].since = INT64_MIN;
		b->view[i].oldest = INT64_MAX;
		b->view[i].newest = INT64_MIN;
	}
}

/* Cells come and go. */

static void row_make(struct fault_block *b, uint16_t slot, uint16_t bank, uint32_t number)
{
	uint16_t i = lane_take(b, KIND_ROW, chain_in_bank(bank, number));
	uint16_t next = b->lane[i].row.next;

	b->lane[i].row = (struct fault_row){
		.next = next, .bank = (uint8_t)bank, .first = (uint8_t)slot, .kept = 1
	};
	b->lane[bank].bank.kept++;
	b->row_of[slot] = (uint8_t)i;
	b->next[slot] = (uint8_t)slot;
	b->prev[slot] = (uint8_t)slot;
}

static void column_enter(struct fault_block *b, uint16_t slot, uint16_t bank)
{
	uint32_t number = b->cells[slot].coord.column;
	uint16_t i = column_find(b, bank, number), next;

	if (i == NO_NUMBER) {
		i = lane_take(b, KIND_COLUMN, chain_in_bank(bank, number));
		next = b->lane[i].column.next;
		b->lane[i].column = (struct fault_column){ .column = number,
							   .next = next,
							   .bank = (uint8_t)bank };
		b->lane[bank].bank.kept++;
	}
	b->lane[i].column.kept++;
	b->column_of[slot] = (uint8_t)i;
}

uint16_t fault_spread_enter(struct fault_block *b, uint16_t slot)
{
	struct fault_cell *cell = &b->cells[slot];
	uint16_t bank = bank_make(b, fault_bank_number(&cell->coord));
	uint16_t i = row_find(b, bank, cell->coord.row);
	uint16_t shares = FAULT_MAP_NO_SLOT;

	cell->row_faulty = false;
	cell->row_shared = i != NO_NUMBER;
	if (i == NO_NUMBER) {
		row_make(b, slot, bank, cell->coord.row);
	} else {
		struct fault_row *row = &b->lane[i].row;

		cell->row_faulty = b->cells[row->first].row_faulty;
		if (!b->cells[row->first].row_shared)
			shares = row->first;
		b->row_of[slot] = (uint8_t)i;
		ring_insert(b, row, slot);
		row->kept++;
	}
	if (cell->coord.have & DRAM_COLUMN)
		column_enter(b, slot, bank);
	if (shares != FAULT_MAP_NO_SLOT)
		b->cells[shares].row_shared = true;
	return shares;
}

static void column_leave(struct fault_block *b, uint16_t slot)
{
	uint16_t i = b->column_of[slot];
	struct fault_column *column = &b->lane[i].column;

	if (--column->kept > 0)
		return;
	lane_give(b, KIND_COLUMN, chain_in_bank(column->bank, column->column), i);
	bank_release(b, column->bank);
}

void fault_spread_remove(struct fault_block *b, uint16_t slot)
{
	const struct dram_coord *coord = &b->cells[slot].coord;
	uint16_t i = b->row_of[slot];
	struct fault_row *row = &b->lane[i].row;

	view_put(b, VIEW_MONTH, slot, false);
	view_put(b, VIEW_DAY, slot, false);
	if (coord->have & DRAM_COLUMN)
		column_leave(b, slot);
	row->kept--;
	if (row->kept > 0) {
		ring_remove(b, row, slot);
		return;
	}
	lane_give(b, KIND_ROW, chain_in_bank(row->bank, coord->row), i);
	bank_release(b, row->bank);
}

void fault_spread_name_device(struct fault_block *b, uint16_t slot,
			      const struct dram_coord *coord)
{
	bool counted = bit_is_set(b->view[VIEW_MONTH].counted, slot);
	struct fault_cell *cell = &b->cells[slot];

	if (counted)
		device_count(b, cell, -1);
	cell->coord.device = coord->device;
	cell->coord.have |= coord->have & DRAM_DEVICE;
	if (counted)
		device_count(b, cell, 1);
}

void fault_spread_set_faulty(struct fault_block *b, uint16_t slot)
{
	struct fault_row *row = cell_row(b, slot);

	if (!b->cells[row->first].row_faulty && row_is_counted(row))
		bank_count_faulty(b, &b->lane[row->bank].bank, 1);
	for (uint16_t i = row->first; i != FAULT_MAP_NO_SLOT; i = fault_row_next(b, i))
		b->cells[i].row_faulty = true;
}

const struct fault_bank *fault_spread_find(const struct fault_block *b,
					   const struct fault_cell *cell,
					   const struct fault_column **ret_column)
{
	const struct dram_coord *coord = &cell->coord;
	uint16_t bank, column = NO_NUMBER;

	*ret_column = NULL;
	if (cell >= b->cells && cell < b->cells + FAULT_MAP_CELLS) {
		uint16_t slot = (uint16_t)(cell - b->cells);

		bank = b->lane[b->row_of[slot]].row.bank;
		column = b->column_of[slot];
	} else {
		bank = bank_find(b, fault_bank_number(coord));
		if (bank != NO_NUMBER && coord->have & DRAM_COLUMN)
			column = column_find(b, bank, coord->column);
	}
	if (column != NO_NUMBER && coord->have & DRAM_COLUMN)
		*ret_column = &b->lane[column].column;
	return bank == NO_NUMBER ? NULL : &b->lane[bank].bank;
}

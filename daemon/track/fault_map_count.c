/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * Answers what the map holds: the columns of a row by a walk along it, and the rows,
 * columns and banks of a DIMM from the counts that fault_map_spread.c keeps. It knows no
 * threshold.
 */

#include "track/fault_map_internal.h"

static int64_t time_between(int64_t a, int64_t b)
{
	return a < b ? usec_sub(usec(b), usec(a)).us : usec_sub(usec(a), usec(b)).us;
}

/* True if @c is in another burst of the row than @before: their columns differ by more
 * than the columns of one burst do. */
static bool new_column(const struct fault_cell *before, const struct fault_cell *c)
{
	if (!before)
		return true;
	if (fault_is_vague(before))
		return false;
	if (!(c->coord.have & before->coord.have & DRAM_COLUMN))
		return true; /* other lines of a row are other columns of it */
	return before->coord.column >> FAULT_MAP_BURST_SHIFT !=
	       c->coord.column >> FAULT_MAP_BURST_SHIFT;
}

uint32_t fault_map_row_columns(const struct fault_map *m, uint16_t dimm,
			       const struct fault_cell *cell, usec_t when, usec_t window)
{
	const struct fault_block *b = fault_block_of(m, dimm);
	const struct fault_cell *before = NULL;
	uint32_t n = 0;

	for (uint16_t i = fault_row_first(b, (uint16_t)(cell - b->cells));
	     i != FAULT_MAP_NO_SLOT; i = fault_row_next(b, i)) {
		const struct fault_cell *c = &b->cells[i];

		if (c->votes == 0 || (time_between(c->last, when.us) > window.us &&
				      time_between(c->first, when.us) > window.us))
			continue;
		if (before && fault_is_vague(c))
			continue;
		n += new_column(before, c);
		before = c;
	}
	return n;
}

void fault_map_count(struct fault_map *m, uint16_t dimm, const struct fault_cell *cell,
		     usec_t since, struct fault_counts *ret)
{
	struct fault_block *b = fault_block_of(m, dimm);
	const struct fault_column *column = NULL;
	const struct fault_bank *bank = NULL;

	*ret = (struct fault_counts){ 0 };
	if (!b)
		return;
	fault_spread_move(b, VIEW_MONTH, since.us);
	ret->cells = b->cells_counted;
	ret->rows = b->view[VIEW_MONTH].rows;
	ret->banks = b->view[VIEW_MONTH].banks;
	ret->faulty_rows = b->faulty_rows;
	ret->bank_faulty_rows = b->most_faulty;
	ret->devices = b->devices;
	if (cell)
		bank = fault_spread_find(b, cell, &column);
	if (bank) {
		ret->bank_rows = bank->rows;
		ret->bank_single_rows = bank->single_rows;
		ret->bank_columns = bank->columns;
	}
	if (column)
		ret->column_rows = column->single_rows;
}

void fault_map_count_day(struct fault_map *m, uint16_t dimm, usec_t since,
			 struct fault_counts *ret)
{
	struct fault_block *b = fault_block_of(m, dimm);

	*ret = (struct fault_counts){ 0 };
	if (!b)
		return;
	fault_spread_move(b, VIEW_DAY, since.us);
	ret->rows = b->view[VIEW_DAY].rows;
	ret->banks = b->view[VIEW_DAY].banks;
}

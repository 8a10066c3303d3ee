/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * Counts what the map holds: the columns of a row, and the rows, columns and banks of a
 * DIMM, in one pass over the cells in their order. It changes nothing and knows no
 * threshold.
 */

#include "track/fault_map_internal.h"

#define COLUMN_BITS 4096 /* no DRAM has more columns; exact below */

static int64_t time_between(int64_t a, int64_t b)
{
	return a < b ? usec_sub(usec(b), usec(a)).us : usec_sub(usec(a), usec(b)).us;
}

/* A cell without an address and without a column may be any other cell of its row. */
static bool cell_is_vague(const struct fault_cell *c)
{
	return !fault_cell_has_address(c) && !(c->coord.have & DRAM_COLUMN);
}

/* True if @c, which comes after @before in the order, may be the same cell again. */
static bool cell_again(const struct fault_cell *before, const struct fault_cell *c,
		       bool new_row)
{
	if (new_row)
		return false;
	return cell_is_vague(before) || (!fault_cell_has_address(c) &&
					 fault_same_place(&before->coord, &c->coord));
}

/* True if @c is in another burst of the row than @before: their columns differ by more
 * than the columns of one burst do. */
static bool new_column(const struct fault_cell *before, const struct fault_cell *c,
		       bool new_row)
{
	if (new_row)
		return true;
	if (cell_is_vague(before))
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

	for (uint32_t i = fault_row_start(b, cell); fault_in_row(b, i, cell); i++) {
		const struct fault_cell *c = fault_cell_at(b, i);

		if (c->votes == 0 || (time_between(c->last, when.us) > window.us &&
				      time_between(c->first, when.us) > window.us))
			continue;
		if (before && cell_is_vague(c))
			continue;
		n += new_column(before, c, !before);
		before = c;
	}
	return n;
}

/* One pass over the order, row by row. */
struct tally {
	struct fault_counts n;
	const struct fault_cell *focus;
	const struct fault_cell *before; /* the cell counted last */
	uint32_t row_columns;            /* of the row being counted */
	uint32_t faulty_in_bank;
	bool row_in_column; /* the row has an error in the column asked for */
	uint64_t devices[4];
	uint64_t columns[COLUMN_BITS / 64];
};

static bool tally_in_focus(const struct tally *t, const struct fault_cell *c)
{
	return t->focus && fault_compare_bank(&c->coord, &t->focus->coord) == 0;
}

static void tally_end_row(struct tally *t)
{
	if (!t->before || !tally_in_focus(t, t->before))
		return;
	t->n.bank_rows++;
	t->n.bank_single_rows += t->row_columns == 1;
	t->n.column_rows += t->row_columns == 1 && t->row_in_column;
}

static void tally_begin_row(struct tally *t, const struct fault_cell *c)
{
	bool new_bank =
		!t->before || fault_compare_bank(&t->before->coord, &c->coord) != 0;

	t->n.rows++;
	t->n.banks += new_bank;
	if (new_bank)
		t->faulty_in_bank = 0;
	if (c->row_faulty) {
		t->n.faulty_rows++;
		t->faulty_in_bank++;
		if (t->faulty_in_bank > t->n.bank_faulty_rows)
			t->n.bank_faulty_rows = t->faulty_in_bank;
	}
	t->row_columns = 0;
	t->row_in_column = false;
}

static void tally_column(struct tally *t, const struct fault_cell *c)
{
	uint32_t column = c->coord.column % COLUMN_BITS;

	if (!(c->coord.have & DRAM_COLUMN) || !tally_in_focus(t, c))
		return;
	if (!(t->columns[column / 64] >> column % 64 & 1)) {
		t->columns[column / 64] |= UINT64_C(1) << column % 64;
		t->n.bank_columns++;
	}
	if (t->focus->coord.have & DRAM_COLUMN &&
	    t->focus->coord.column == c->coord.column)
		t->row_in_column = true;
}

static void tally_cell(struct tally *t, const struct fault_cell *c)
{
	bool new_row = !t->before || fault_compare_row(&t->before->coord, &c->coord) != 0;

	if (!new_row && cell_is_vague(c))
		return;
	if (new_row) {
		tally_end_row(t);
		tally_begin_row(t, c);
	}
	t->row_columns += new_column(t->before, c, new_row);
	t->n.cells += !cell_again(t->before, c, new_row);
	tally_column(t, c);
	if (c->coord.have & DRAM_DEVICE &&
	    !(t->devices[c->coord.device / 64] >> c->coord.device % 64 & 1)) {
		t->devices[c->coord.device / 64] |= UINT64_C(1) << c->coord.device % 64;
		t->n.devices++;
	}
	t->before = c;
}

void fault_map_count(const struct fault_map *m, uint16_t dimm,
		     const struct fault_cell *cell, usec_t since,
		     struct fault_counts *ret)
{
	const struct fault_block *b = fault_block_of(m, dimm);
	struct tally t = { .focus = cell };

	for (uint32_t i = 0; b && i < b->n; i++) {
		const struct fault_cell *c = fault_cell_at(b, i);

		if (c->votes > 0 && c->last >= since.us)
			tally_cell(&t, c);
	}
	tally_end_row(&t);
	*ret = t.n;
}

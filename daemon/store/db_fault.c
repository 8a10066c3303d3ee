/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * What is known of faults, in and out of the file: cells, the class of each DIMM with its
 * evidence, and which module sat in the slot. It trusts no value in the file, and does
 * not know what a fault means.
 */

#include <errno.h>

#include "store/db_internal.h"

static void bind_part(struct db_bind *b, const struct dram_coord *c, enum dram_part part,
		      uint32_t value)
{
	if (c->have & part)
		db_bind_int(b, value);
	else
		db_bind_null(b);
}

static void bind_coord(struct db_bind *b, const struct dram_coord *c)
{
	bind_part(b, c, DRAM_RANK, c->rank);
	bind_part(b, c, DRAM_DEVICE, c->device);
	bind_part(b, c, DRAM_BANK_GROUP, c->bank_group);
	bind_part(b, c, DRAM_BANK, c->bank);
	bind_part(b, c, DRAM_ROW, c->row);
	bind_part(b, c, DRAM_COLUMN, c->column);
}

static uint32_t col_part(struct db_row *row, struct dram_coord *c, enum dram_part part,
			 uint32_t max)
{
	bool known = !db_col_is_null(row);
	uint32_t v = (uint32_t)db_col_range(row, 0, max);

	if (known)
		c->have |= (uint8_t)part;
	return v;
}

static struct dram_coord col_coord(struct db_row *row)
{
	struct dram_coord c = { .have = 0 };

	c.rank = (uint8_t)col_part(row, &c, DRAM_RANK, UINT8_MAX);
	c.device = (uint8_t)col_part(row, &c, DRAM_DEVICE, UINT8_MAX);
	c.bank_group = (uint8_t)col_part(row, &c, DRAM_BANK_GROUP, UINT8_MAX);
	c.bank = (uint16_t)col_part(row, &c, DRAM_BANK, UINT16_MAX);
	c.row = col_part(row, &c, DRAM_ROW, UINT32_MAX);
	c.column = col_part(row, &c, DRAM_COLUMN, UINT32_MAX);
	return c;
}

static int remove_cell(struct db *db, int64_t dimm, int64_t slot)
{
	struct db_bind b = { 0 };
	int r = db_stmt(db, STMT_CELL_REMOVE, &b.s);

	if (r < 0)
		return r;
	db_bind_int(&b, dimm);
	db_bind_int(&b, slot);
	return db_finish(db, &b);
}

int db_store_cell(struct db *db, int64_t place, const struct fault_cell *cell)
{
	int64_t dimm = place / FAULT_CELLS;
	int64_t slot = place % FAULT_CELLS;
	struct db_bind b = { 0 };
	int r;

	if (!cell->used)
		return remove_cell(db, dimm, slot);
	r = db_stmt(db, STMT_CELL_PUT, &b.s);
	if (r < 0)
		return r;
	db_bind_int(&b, dimm);
	db_bind_int(&b, slot);
	db_bind_int(&b, db->boot);
	db_bind_bits(&b, cell->line << FAULT_LINE_SHIFT);
	db_bind_int(&b, cell->first);
	db_bind_int(&b, cell->last);
	bind_coord(&b, &cell->coord);
	db_bind_int(&b, cell->votes);
	db_bind_int(&b, cell->doubted);
	db_bind_int(&b, cell->row_faulty);
	db_bind_int(&b, cell->other_boot);
	return db_finish(db, &b);
}

int db_remove_dimm_cells(struct db *db, int64_t dimm)
{
	struct db_bind b = { 0 };
	int r = db_stmt(db, STMT_DIMM_CELLS_REMOVE, &b.s);

	if (r < 0)
		return r;
	db_bind_int(&b, dimm);
	return db_finish(db, &b);
}

static int put_module(struct db *db, int64_t index, const struct dimm_rec *rec)
{
	struct db_bind b = { 0 };
	int r = db_stmt(db, STMT_MODULE_PUT, &b.s);

	if (r < 0)
		return r;
	db_bind_int(&b, index);
	db_bind_text(&b, rec->part);
	db_bind_text(&b, rec->serial);
	db_bind_int(&b, rec->former);
	return db_finish(db, &b);
}

int db_store_fault(struct db *db, int64_t index, const struct dimm_rec *rec)
{
	const struct dimm_fault *f = &rec->fault;
	struct db_bind b = { 0 };
	int r = put_module(db, index, rec);

	if (r == 0)
		r = db_stmt(db, STMT_FAULT_PUT, &b.s);
	if (r < 0)
		return r;
	db_bind_int(&b, index);
	db_bind_text(&b, fault_class_to_string(f->class));
	db_bind_int(&b, f->since);
	db_bind_int(&b, f->cells);
	db_bind_int(&b, f->rows);
	db_bind_int(&b, f->faulty_rows);
	db_bind_int(&b, f->bank_faulty_rows);
	db_bind_int(&b, f->banks);
	db_bind_int(&b, f->devices);
	db_bind_int(&b, f->extent);
	bind_coord(&b, &f->at);
	return db_finish(db, &b);
}

static uint32_t col_u32(struct db_row *row)
{
	return (uint32_t)db_col_range(row, 0, UINT32_MAX);
}

static int read_module(struct db *db, int64_t index, struct dimm_rec *rec)
{
	struct db_bind b = { 0 };
	struct db_row row;
	int r = db_stmt(db, STMT_MODULE, &b.s);

	if (r < 0)
		return r;
	db_bind_int(&b, index);
	r = db_finish(db, &b);
	if (r <= 0)
		return r;
	row = (struct db_row){ b.s, 0 };
	db_col_copy(&row, rec->part, sizeof(rec->part));
	db_col_copy(&row, rec->serial, sizeof(rec->serial));
	rec->former = db_col_int(&row) != 0;
	return sqlite3_reset(b.s) == SQLITE_OK ? 0 : -EIO;
}

int db_read_fault(struct db *db, int64_t index, struct dimm_rec *rec)
{
	struct dimm_fault *f = &rec->fault;
	struct db_bind b = { 0 };
	struct db_row row;
	int r = read_module(db, index, rec);

	if (r == 0)
		r = db_stmt(db, STMT_FAULT, &b.s);
	if (r < 0)
		return r;
	db_bind_int(&b, index);
	r = db_finish(db, &b);
	if (r <= 0)
		return r;
	row = (struct db_row){ b.s, 0 };
	f->class = db_col_fault_class(&row);
	f->since = db_col_int(&row);
	f->cells = col_u32(&row);
	f->rows = col_u32(&row);
	f->faulty_rows = col_u32(&row);
	f->bank_faulty_rows = col_u32(&row);
	f->banks = col_u32(&row);
	f->devices = col_u32(&row);
	f->extent = col_u32(&row);
	f->at = col_coord(&row);
	return sqlite3_reset(b.s) == SQLITE_OK ? 0 : -EIO;
}

static void read_cell(const struct db *db, sqlite3_stmt *s, int64_t *ret_dimm,
		      int64_t *ret_slot, struct fault_cell *cell)
{
	struct db_row row = { s, 0 };
	int64_t boot;
	usec_t offset, shift;

	*ret_dimm = db_col_int(&row);
	*ret_slot = db_col_int(&row);
	boot = db_col_int(&row);
	offset = usec(db_col_int(&row));
	*cell = (struct fault_cell){ .used = true };
	cell->line = db_col_bits(&row) >> FAULT_LINE_SHIFT;
	cell->first = db_col_int(&row);
	cell->last = db_col_int(&row);
	cell->coord = col_coord(&row);
	cell->votes = (uint8_t)db_col_range(&row, 0, FAULT_CERTAIN);
	cell->doubted = db_col_int(&row) != 0;
	cell->row_faulty = db_col_int(&row) != 0;
	cell->other_boot = db_col_int(&row) != 0 || boot != db->boot;
	if (cell->last < cell->first)
		cell->last = cell->first;
	shift = db_shift_of(db, boot, offset, usec(cell->last));
	cell->first = usec_add(usec(cell->first), shift).us;
	cell->last = usec_add(usec(cell->last), shift).us;
}

int db_each_cell(struct db *db, db_cell_fn fn, void *userdata)
{
	sqlite3_stmt *s;
	struct fault_cell cell;
	int64_t dimm, slot;
	int r = db_stmt(db, STMT_CELLS, &s);

	if (r < 0)
		return r;
	while ((r = db_step(db, s)) > 0) {
		read_cell(db, s, &dimm, &slot, &cell);
		if (dimm < 0 || dimm >= MAX_DIMMS || slot < 0 || slot >= FAULT_CELLS)
			continue;
		r = fn(userdata, (uint16_t)dimm, (uint16_t)slot, &cell);
		if (r != 0)
			break;
	}
	(void)sqlite3_reset(s);
	return r;
}

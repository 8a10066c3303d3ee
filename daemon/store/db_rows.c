/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * Between the structs that are stored and the rows of the file: makes one change of a
 * group, and reads back what a daemon starts from, with times on the clock of the present
 * boot. It knows neither groups nor what becomes of a failure; which column holds which
 * field stands in db_schema.c.
 *
 * All times of a row are moved by the same amount, so that its events keep their
 * distances: if the wall clock stood wrong, events that lay days apart must not fall into
 * one window.
 */

#include <endian.h>
#include <errno.h>
#include <string.h>

#include "store/db_internal.h"

void db_stamps_to_le(struct page_rec *rec)
{
	for (size_t i = 0; i < rec->n_stamps; i++)
		rec->stamps[i] = (int64_t)htole64((uint64_t)rec->stamps[i]);
}

/*
 * Writing.
 */

/* A statement that writes, or looks for, rows of the present boot with key @key. */
static int row_begin(struct db *db, enum stmt id, int64_t key, struct db_bind *ret)
{
	*ret = (struct db_bind){ .keys = { .boot = db->boot, .key = { key } } };
	return db_stmt(db, id, &ret->s);
}

static int row_put(struct db *db, enum stmt id, const struct db_table *t, int64_t key,
		   const void *rec)
{
	struct db_bind b;
	int r = row_begin(db, id, key, &b);

	if (r < 0)
		return r;
	db_bind_columns(&b, t, rec);
	return db_finish(db, &b);
}

/* Runs a statement that has the number @n as its one parameter. */
static int row_run(struct db *db, enum stmt id, int64_t n, sqlite3_stmt **ret)
{
	struct db_bind b;
	int r = row_begin(db, id, 0, &b);

	if (r < 0)
		return r;
	db_bind_int(&b, n);
	*ret = b.s;
	return db_finish(db, &b);
}

/* @n changes that follow one another in the log, in a statement for that number of rows.
 * */
static int row_put_run(struct db *db, enum stmt id, const struct change *c,
		       unsigned int n)
{
	struct db_bind b;
	int r = row_begin(db, id, 0, &b);

	if (r < 0)
		return r;
	for (unsigned int i = 0; i < n; i++) {
		if (c->kind == CHANGE_PAGE) {
			db_bind_columns(&b, &db_page_table, db_change_data(c));
		} else {
			const struct ce_row *row = db_change_data(c);

			b.keys.key[0] = row->id ? (int64_t)(db->ce_before + row->id) : 0;
			db_bind_columns(&b, &db_ce_table, row);
		}
		c = db_redo_next(&db->redo, c);
	}
	return db_finish(db, &b);
}

int db_apply_several(struct db *db, const struct change *c)
{
	return row_put_run(db, c->kind == CHANGE_PAGE ? STMT_PAGES_PUT : STMT_CES_PUT, c,
			   DB_ROWS_AT_ONCE);
}

static int row_put_action(struct db *db, const struct action_row *row)
{
	int r = row_put(db, STMT_ACTION_PUT, &db_action_table, 0, row);

	/* The id was another frame's: after a kill that forgot it was used. */
	if (r == 0 && sqlite3_changes(db->handle) == 0)
		r = row_put(db, STMT_ACTION_REPLACE, &db_action_table, 0, row);
	return r;
}

static int row_put_dimm(struct db *db, int64_t index, const struct dimm_rec *rec)
{
	int r = row_put(db, STMT_DIMM_PUT, &db_dimm_table, index, rec);

	if (r == 0)
		r = row_put(db, STMT_MODULE_PUT, &db_module_table, index, rec);
	return r < 0 ? r
		     : row_put(db, STMT_FAULT_PUT, &db_fault_table, index, &rec->fault);
}

/* @place is DIMM times FAULT_MAP_CELLS plus slot. */
static int row_put_cell(struct db *db, int64_t place, const struct fault_cell *cell)
{
	struct db_bind b;
	int r = row_begin(db, cell->used ? STMT_CELL_PUT : STMT_CELL_REMOVE,
			  place / FAULT_MAP_CELLS, &b);

	if (r < 0)
		return r;
	b.keys.key[1] = place % FAULT_MAP_CELLS;
	if (cell->used) {
		db_bind_columns(&b, &db_cell_table, cell);
	} else {
		db_bind_int(&b, b.keys.key[0]);
		db_bind_int(&b, b.keys.key[1]);
	}
	return db_finish(db, &b);
}

static int row_put_total(struct db *db, const char *key, int64_t value)
{
	struct db_bind b;
	int r = row_begin(db, STMT_TOTAL_PUT, 0, &b);

	if (r < 0)
		return r;
	db_bind_text(&b, key);
	db_bind_int(&b, value);
	return db_finish(db, &b);
}

/* Writes the totals of one sort that differ from what is stored. */
static int row_put_fields(struct db *db, const struct totals *t, bool spent)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < db_totals_n; i++) {
		const struct db_column *c = &db_totals[i];
		int64_t value = c->type->value(c, t);

		if (((c->flags & DB_COLUMN_SPENT) != 0) != spent ||
		    (db->totals_known && value == c->type->value(c, &db->totals)))
			continue;
		r = row_put_total(db, c->name, value);
	}
	return r;
}

static int row_put_attempts(struct db *db, const struct totals *t)
{
	char key[48];
	int r = 0;

	for (size_t i = 0; r == 0 && i < RESULT_MAX_; i++) {
		uint64_t n = t->attempts[i];

		if (db->totals_known && n == db->totals.attempts[i])
			continue;
		snprintf(key, sizeof(key), DB_TOTALS_ATTEMPTS "%s",
			 result_to_string((enum result)i));
		r = row_put_total(db, key, n > INT64_MAX ? INT64_MAX : (int64_t)n);
	}
	return r;
}

/* In a storm of refusals this is called once for each: only what changed is written. */
static int row_put_spent(struct db *db, const struct totals *t)
{
	int r = row_put_fields(db, t, true);

	if (r == 0)
		r = row_put_attempts(db, t);
	if (r == 0)
		totals_spend(&db->totals, t);
	else
		db->totals_known = false;
	return r;
}

static int row_put_totals(struct db *db, const struct totals *t)
{
	int r = row_put_total(db, DB_TOTALS_BOOT, db->boot);

	if (r == 0)
		r = row_put_fields(db, t, false);
	if (r == 0)
		r = row_put_spent(db, t);
	if (r == 0)
		db->totals = *t;
	db->totals_known = r == 0;
	return r;
}

int db_apply(struct db *db, const struct change *c)
{
	const void *data = db_change_data(c);
	sqlite3_stmt *s = NULL;
	int r;

	switch ((enum change_kind)c->kind) {
	case CHANGE_PAGE:
		return row_put_run(db, STMT_PAGE_PUT, c, 1);
	case CHANGE_REMOVE:
		return row_run(db, STMT_PAGE_REMOVE, *(const int64_t *)data, &s);
	case CHANGE_REMOVE_DIMM:
		r = row_run(db, STMT_DIMM_PAGES_REMOVE, *(const int64_t *)data, &s);
		return r < 0 ? r
			     : row_run(db, STMT_DIMM_CELLS_REMOVE, *(const int64_t *)data,
				       &s);
	case CHANGE_CE:
		return row_put_run(db, STMT_CE_PUT, c, 1);
	case CHANGE_ACTION:
		return row_put_action(db, data);
	case CHANGE_POISON:
		return row_put(db, STMT_POISON_PUT, &db_poison_table, 0, data);
	case CHANGE_DIMM:
		return row_put_dimm(db, c->index, data);
	case CHANGE_CELL:
		return row_put_cell(db, c->index, data);
	case CHANGE_TOTALS:
		return row_put_totals(db, data);
	case CHANGE_SPENT:
		return row_put_spent(db, data);
	case CHANGE_READER:
		return row_put(db, STMT_READER_PUT, &db_reader_table, c->index, data);
	case CHANGE_INVENTORY:
		return row_put(db, STMT_INVENTORY_PUT, &db_inventory_table, c->index,
			       data);
	case CHANGE_INVENTORY_TRIM:
		return row_run(db, STMT_INVENTORY_TRIM, *(const int64_t *)data, &s);
	}
	return -EINVAL;
}

/*
 * Reading back.
 */

/*
 * How far the times of a row are to be moved that are of row @boot of table boot with
 * @offset, the last of them being @latest: all by the same, and never into the future.
 */
static struct db_shift row_shift(struct db *db, int64_t boot, usec_t offset,
				 int64_t latest)
{
	struct db_shift shift = { usec(0), db->now };

	if (boot == db->boot)
		return shift;
	shift.by = db_boot_shift(db, boot, offset);
	if (usec_add(usec(latest), shift.by).us > db->now.us)
		shift.by = usec_sub(db->now, usec(latest));
	return shift;
}

/* Reads the row into db->page. */
static void row_read_page(struct db *db, sqlite3_stmt *s, bool *ret_other_boot)
{
	struct db_row row = { .s = s };
	struct page_rec *rec = db->page;
	struct db_shift shift;
	int64_t latest;

	*rec = (struct page_rec){ 0 };
	db_read_columns(&row, &db_page_table, rec);
	*ret_other_boot = row.keys.boot != db->boot;
	if (!*ret_other_boot)
		return;
	rec->by_us = false;
	latest = page_rec_last_seen(rec).us;
	if (latest < rec->first_seen)
		latest = rec->first_seen;
	shift = row_shift(db, row.keys.boot, usec(db_col_int(&row)), latest);
	db_move_times(&db_page_table, rec, &shift);
}

/* The statement @id with the number @n bound. Returns 0 or negative errno. */
static int row_ask(struct db *db, enum stmt id, int64_t n, sqlite3_stmt **ret)
{
	struct db_bind b;
	int r = row_begin(db, id, 0, &b);

	if (r < 0)
		return r;
	db_bind_int(&b, n);
	*ret = b.s;
	return b.rc == SQLITE_OK ? 0 : db_fail(db, b.rc);
}

int db_each_page(struct db *db, uint32_t limit, db_page_fn fn, void *userdata,
		 bool *ret_more)
{
	bool other_boot;
	sqlite3_stmt *s = NULL;
	int r = row_ask(db, STMT_PAGES, limit, &s);

	if (r < 0)
		return r;
	while ((r = db_step(db, s)) > 0) {
		row_read_page(db, s, &other_boot);
		r = fn(userdata, db->page, other_boot);
		if (r != 0)
			break;
	}
	(void)sqlite3_reset(s);
	if (r == 0)
		r = row_ask(db, STMT_PAGES_MORE, limit, &s);
	if (r != 0)
		return r;
	r = db_step(db, s);
	(void)sqlite3_reset(s);
	if (r < 0)
		return r;
	*ret_more = r > 0;
	return 0;
}

int db_peek_page(struct db *db, pfn_t p, const struct page_rec **ret,
		 bool *ret_other_boot)
{
	sqlite3_stmt *s = NULL;
	int r = row_run(db, STMT_PAGE, (int64_t)p.n, &s);

	if (r <= 0)
		return r < 0 ? r : -ENOENT;
	row_read_page(db, s, ret_other_boot);
	(void)sqlite3_reset(s);
	*ret = db->page;
	return 0;
}

int db_get_page(struct db *db, pfn_t p, const struct page_rec **ret, bool *ret_other_boot)
{
	int r = db_peek_page(db, p, ret, ret_other_boot);

	if (r < 0 && r != -ENOENT)
		db_unread_note(&db->unread, p.n);
	else
		db_unread_forget(&db->unread, p.n); /* the caller knows what is stored */
	return r;
}

/* One row of @t of DIMM @index into @rec, which stays as it is if there is none. */
static int row_read_of_dimm(struct db *db, enum stmt id, const struct db_table *t,
			    int64_t index, void *rec)
{
	struct db_row row = { .s = NULL };
	int r = row_run(db, id, index, &row.s);

	if (r <= 0)
		return r;
	db_read_columns(&row, t, rec);
	return sqlite3_reset(row.s) == SQLITE_OK ? 0 : -EIO;
}

static int row_read_dimm(struct db *db, sqlite3_stmt *s, int64_t *ret_index,
			 struct dimm_rec *rec)
{
	struct db_row row = { .s = s };
	struct db_shift shift;
	int r;

	*rec = (struct dimm_rec){ 0 };
	db_read_columns(&row, &db_dimm_table, rec);
	*ret_index = row.keys.key[0];
	shift = row_shift(db, row.keys.boot, usec(db_col_int(&row)),
			  usec_max(usec(rec->first_seen), usec(rec->last_seen)).us);
	db_move_times(&db_dimm_table, rec, &shift);
	r = row_read_of_dimm(db, STMT_MODULE, &db_module_table, *ret_index, rec);
	if (r == 0)
		r = row_read_of_dimm(db, STMT_FAULT, &db_fault_table, *ret_index,
				     &rec->fault);
	db_move_times(&db_fault_table, &rec->fault, &shift);
	/* It counts the present boot, says its declaration; a reader knows no boot. */
	if (db->boot && row.keys.boot != db->boot)
		rec->offlined = 0;
	return r;
}

int db_each_dimm(struct db *db, db_dimm_fn fn, void *userdata)
{
	sqlite3_stmt *s = NULL;
	struct dimm_rec rec;
	int64_t index;
	int r = db_stmt(db, STMT_DIMMS, &s);

	if (r < 0)
		return r;
	while ((r = db_step(db, s)) > 0) {
		r = row_read_dimm(db, s, &index, &rec);
		if (r < 0)
			break;
		if (index < 0 || index >= MAX_DIMMS)
			continue;
		r = fn(userdata, (uint16_t)index, &rec);
		if (r != 0)
			break;
	}
	(void)sqlite3_reset(s);
	return r;
}

static void row_read_cell(struct db *db, struct db_row *row, struct fault_cell *cell)
{
	struct db_shift shift;

	*cell = (struct fault_cell){ .used = true };
	db_read_columns(row, &db_cell_table, cell);
	if (row->keys.boot != db->boot)
		cell->other_boot = true;
	if (cell->last < cell->first)
		cell->last = cell->first;
	shift = row_shift(db, row->keys.boot, usec(db_col_int(row)), cell->last);
	db_move_times(&db_cell_table, cell, &shift);
}

int db_each_cell(struct db *db, db_cell_fn fn, void *userdata)
{
	struct fault_cell cell;
	sqlite3_stmt *s = NULL;
	int r = db_stmt(db, STMT_CELLS, &s);

	if (r < 0)
		return r;
	while ((r = db_step(db, s)) > 0) {
		struct db_row row = { .s = s };
		int64_t dimm, slot;

		row_read_cell(db, &row, &cell);
		dimm = row.keys.key[0];
		slot = row.keys.key[1];
		if (dimm < 0 || dimm >= MAX_DIMMS || slot < 0 || slot >= FAULT_MAP_CELLS)
			continue;
		r = fn(userdata, (uint16_t)dimm, (uint16_t)slot, &cell);
		if (r != 0)
			break;
	}
	(void)sqlite3_reset(s);
	return r;
}

int db_each_intent(struct db *db, db_action_fn fn, void *userdata)
{
	struct action_row action;
	sqlite3_stmt *s = NULL;
	int r = row_ask(db, STMT_INTENTS, db->boot, &s);

	if (r < 0)
		return r;
	while ((r = db_step(db, s)) > 0) {
		struct db_row row = { .s = s };

		db_read_columns(&row, &db_action_table, &action);
		r = fn(userdata, &action);
		if (r != 0)
			break;
	}
	(void)sqlite3_reset(s);
	return r;
}

int db_each_reader(struct db *db, db_reader_fn fn, void *userdata)
{
	sqlite3_stmt *s = NULL;
	int r = row_ask(db, STMT_READERS, db->boot, &s);

	if (r < 0)
		return r;
	while ((r = db_step(db, s)) > 0) {
		struct db_row row = { .s = s };
		uint64_t read;
		int64_t cpu;

		db_read_columns(&row, &db_reader_table, &read);
		cpu = row.keys.key[0];
		cpu = cpu < 0 ? 0 : cpu > UINT16_MAX ? UINT16_MAX : cpu;
		r = fn(userdata, (uint16_t)cpu, read);
		if (r != 0)
			break;
	}
	(void)sqlite3_reset(s);
	return r;
}

int db_get_inventory(struct db *db, struct module_list *ret)
{
	sqlite3_stmt *s = NULL;
	int r = db_stmt(db, STMT_INVENTORY, &s);

	ret->n = 0;
	if (r < 0)
		return r;
	while ((r = db_step(db, s)) > 0) {
		struct module_rec *m = module_list_add(ret);
		struct db_row row = { .s = s };
		struct db_shift shift;

		if (!m)
			break;
		db_read_columns(&row, &db_inventory_table, m);
		shift = row_shift(db, row.keys.boot, usec(db_col_int(&row)), m->seen);
		db_move_times(&db_inventory_table, m, &shift);
	}
	(void)sqlite3_reset(s);
	return r < 0 ? r : 0;
}

/* False if the key is not one of these. */
static bool row_read_attempts(struct totals *t, const char *key, int64_t v)
{
	size_t n = strlen(DB_TOTALS_ATTEMPTS);
	enum result result;

	if (strncmp(key, DB_TOTALS_ATTEMPTS, n) != 0 ||
	    result_from_string(key + n, &result) < 0)
		return false;
	t->attempts[result] = v < 0 ? 0 : (uint64_t)v;
	return true;
}

static void row_read_total(struct db *db, sqlite3_stmt *s, struct totals *t)
{
	struct db_row row = { .s = s };
	const char *key = db_col_text(&row);
	int64_t v = db_col_int(&row);
	int64_t boot = db_col_int(&row);
	struct db_shift shift = row_shift(db, boot, usec(db_col_int(&row)), v);

	if (row_read_attempts(t, key, v))
		return;
	for (size_t i = 0; i < db_totals_n; i++) {
		const struct db_column *c = &db_totals[i];

		if (strcmp(c->name, key) != 0)
			continue;
		c->type->set(c, t, v);
		if (c->type->move)
			c->type->move(c, t, &shift);
	}
}

int db_get_totals(struct db *db, struct totals *ret)
{
	struct totals t = {
		.last_event = INT64_MIN,
		.last_offline = INT64_MIN,
	};
	unsigned int n = 0;
	sqlite3_stmt *s = NULL;
	int r = db_stmt(db, STMT_TOTALS, &s);

	if (r < 0)
		return r;
	for (; (r = db_step(db, s)) > 0; n++)
		row_read_total(db, s, &t);
	if (r < 0)
		return r;
	if (n == 0)
		return -ENOENT;
	*ret = t;
	return 0;
}

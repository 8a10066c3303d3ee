/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * The daemon stores what it counted in one table, and where inside a DIMM it lies in
 * another: a row and a cell of the same cache line belong together.
 */

#include "imports/own_db.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "track/fault_map.h"

#define CELLS_MAX ((size_t)MAX_DIMMS * FAULT_MAP_CELLS)

DEFINE_CLEANUP(struct db *, db_close)

/** A cell, by its line. */
struct own_cell {
	uint64_t line;
	int64_t last;
	struct dram_coord coord;
};

/** What is read before the rows. */
struct own_db {
	struct own_cell *cells;
	size_t n_cells;
	size_t cell_room;
	struct dimm_rec *dimms;
	size_t n_dimms;
	size_t dimm_room;
	struct module_list *modules;
	own_row_fn fn;
	void *userdata;
};

static void own_db_done(struct own_db *o)
{
	free(o->cells);
	free(o->dimms);
	free(o->modules);
}

/* Room for one more of @size bytes in *@v. 0; -ENOMEM. */
static int own_grow(void *v, size_t n, size_t *room, size_t size)
{
	size_t wanted = *room ? *room * 2 : 64;
	void *grown;
	void *old;

	if (n < *room)
		return 0;
	memcpy(&old, v, sizeof(old));
	grown = reallocarray(old, wanted, size);
	if (!grown)
		return -ENOMEM;
	memcpy(v, &grown, sizeof(grown));
	*room = wanted;
	return 0;
}

static int own_take_cell(void *userdata, uint16_t dimm, uint16_t slot,
			 const struct fault_cell *cell)
{
	struct own_db *o = userdata;
	int r;

	if (!fault_cell_has_address(cell) || cell->votes == 0 || o->n_cells == CELLS_MAX)
		return 0;
	r = own_grow(&o->cells, o->n_cells, &o->cell_room, sizeof(*o->cells));
	if (r == 0)
		o->cells[o->n_cells++] = (struct own_cell){ .line = cell->line,
							    .last = cell->last,
							    .coord = cell->coord };
	return r;
}

static int own_take_dimm(void *userdata, uint16_t index, const struct dimm_rec *rec)
{
	struct own_db *o = userdata;
	int r;

	if (o->n_dimms == MAX_DIMMS)
		return 0;
	r = own_grow(&o->dimms, o->n_dimms, &o->dimm_room, sizeof(*o->dimms));
	if (r == 0)
		o->dimms[o->n_dimms++] = *rec;
	return r;
}

/* By line; of one line the newest cell last. */
static int own_compare(const void *a, const void *b)
{
	const struct own_cell *x = a, *y = b;

	if (x->line != y->line)
		return x->line < y->line ? -1 : 1;
	return x->last < y->last ? -1 : x->last > y->last;
}

/* The newest cell of the line at @address; NULL. */
static const struct own_cell *own_find_cell(const struct own_db *o, uint64_t address)
{
	uint64_t line = address >> FAULT_MAP_LINE_SHIFT;
	size_t low = 0, high = o->n_cells;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (o->cells[middle].line <= line)
			low = middle + 1;
		else
			high = middle;
	}
	return low > 0 && o->cells[low - 1].line == line ? &o->cells[low - 1] : NULL;
}

/* The module that is there now before one that was. */
static const struct dimm_rec *own_find_dimm(const struct own_db *o, const char *label)
{
	const struct dimm_rec *found = NULL;

	for (size_t i = 0; i < o->n_dimms; i++) {
		const struct dimm_rec *rec = &o->dimms[i];

		if (strcmp(rec->label, label) == 0 && (!found || !rec->former))
			found = rec;
	}
	return found;
}

static const struct module_rec *own_find_module(const struct own_db *o,
						const struct dimm_rec *rec)
{
	for (unsigned int i = 0; rec && i < o->modules->n; i++) {
		const struct module_rec *m = &o->modules->v[i];

		if (m->counted && !m->missing && m->mc == rec->mc &&
		    memcmp(m->layer, rec->layer, sizeof(m->layer)) == 0)
			return m;
	}
	return NULL;
}

static enum backtest_kind own_kind(uint8_t severity)
{
	switch ((enum ce_severity)severity) {
	case CE_CORRECTED:
		return BACKTEST_CE;
	case CE_UNCORRECTED:
	case CE_DEFERRED:
	case CE_FATAL:
		return BACKTEST_UNCORRECTED;
	case CE_INFO:
		break;
	}
	return BACKTEST_OTHER;
}

static int own_take_ce(void *userdata, const struct db_ce *ce)
{
	const struct own_db *o = userdata;
	bool named = ce->has_address && strcmp(ce->unattributed, "none") == 0;
	const struct own_cell *cell = named ? own_find_cell(o, ce->address) : NULL;
	struct backtest_row row = { .time = ce->last,
				    .first = ce->first,
				    .ue_time = BACKTEST_NO_TIME,
				    .address = ce->address,
				    .count = ce->count,
				    .events = ce->events,
				    .kind = own_kind(ce->severity),
				    .has_address = named,
				    .socket = -1,
				    .channel = -1,
				    .slot = -1,
				    .dimm = { ce->dimm, strlen(ce->dimm) },
				    .server = { "this machine",
						strlen("this machine") } };

	struct own_dimm dimm = { .rec = own_find_dimm(o, ce->dimm) };

	dimm.module = own_find_module(o, dimm.rec);
	if (cell)
		row.coord = cell->coord;
	return o->fn(o->userdata, &row, &dimm);
}

int own_db_read(const char *path, own_row_fn fn, void *userdata, const char **ret_why)
{
	static char why[256];
	const struct db_filter all = { .since = INT64_MIN, .until = INT64_MAX };
	_cleanup_(own_db_done) struct own_db o = { .fn = fn, .userdata = userdata };
	_cleanup_(db_close_p) struct db *db = NULL;
	int r = db_open_readonly(&db, path, ret_why);

	if (r < 0) {
		*ret_why = *ret_why ? *ret_why : strerror(-r);
		return r;
	}
	o.modules = calloc(1, sizeof(*o.modules));
	if (!o.modules)
		return -ENOMEM;
	r = db_get_inventory(db, o.modules);
	if (r == 0)
		r = db_each_cell(db, own_take_cell, &o);
	if (r == 0)
		r = db_each_dimm(db, own_take_dimm, &o);
	if (r == 0 && o.n_cells > 0)
		qsort(o.cells, o.n_cells, sizeof(*o.cells), own_compare);
	if (r == 0)
		r = db_list_ces(db, &all, own_take_ce, &o);
	if (r < 0) {
		snprintf(why, sizeof(why), "%s: cannot be read: %s", path,
			 db_last_error(db));
		*ret_why = why;
	}
	return r;
}

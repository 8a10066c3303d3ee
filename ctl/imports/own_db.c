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
#include "db.h"
#include "imports/kept.h"
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
	struct dimm_rec *dimms; /* by index; a label of none is empty */
	struct module_list *modules;
	struct kept kept;
	size_t next_kept; /* of @kept, by time */
	bool matching;    /* rows are looked at for the first time */
	const char *server;
	own_row_fn fn;
	void *userdata;
};

static void own_db_done(struct own_db *o)
{
	free(o->cells);
	free(o->dimms);
	free(o->modules);
	kept_done(&o->kept);
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

	if (index < MAX_DIMMS)
		o->dimms[index] = *rec;
	return 0;
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

/* The record that has the counts of the one at @index; NULL. */
static const struct dimm_rec *own_find_dimm(const struct own_db *o, uint16_t index)
{
	for (unsigned int steps = 0; index < MAX_DIMMS && steps < MAX_DIMMS; steps++) {
		const struct dimm_rec *rec = &o->dimms[index];

		if (!rec->same_as)
			return *rec->label ? rec : NULL;
		index = rec->same_as;
	}
	return NULL;
}

static const struct module_rec *own_find_module(const struct own_db *o,
						const struct dimm_rec *rec)
{
	for (unsigned int i = 0; i < o->modules->n; i++) {
		const struct module_rec *m = &o->modules->v[i];

		if (m->counted && !m->missing && m->mc == rec->mc &&
		    memcmp(m->layer, rec->layer, sizeof(m->layer)) == 0)
			return m;
	}
	return NULL;
}

/** Room for the texts of one row. */
struct own_texts {
	char server[HISTORY_TEXT_MAX];
	char dimm[HISTORY_TEXT_MAX];
	char slot[HISTORY_TEXT_MAX];
	char part[HISTORY_TEXT_MAX];
	char serial[HISTORY_TEXT_MAX];
};

/* What identifies the DIMM. A slot or a module that is only likely is not named. */
static void own_identify(const struct own_db *o, const struct dimm_rec *rec,
			 struct own_texts *t, struct history_row *row)
{
	const struct module_rec *m = own_find_module(o, rec);
	bool known = *rec->part || *rec->serial;
	bool listed = m && m->identity == SLOT_EXACT && !rec->former && !known;

	if (rec->mc != MC_NONE)
		row->mc = rec->mc;
	for (size_t i = 0; i < ARRAY_SIZE(row->layer); i++)
		row->layer[i] = rec->layer[i];
	row->part =
		history_printable(t->part, sizeof(t->part), listed ? m->part : rec->part);
	row->serial = history_printable(t->serial, sizeof(t->serial),
					listed ? m->serial : rec->serial);
	if (m && m->slot_match == SLOT_EXACT)
		row->slot = history_printable(t->slot, sizeof(t->slot), m->slot);
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

/* Hands on what was imported and is older than @before. */
static int own_give_kept(struct own_db *o, int64_t before)
{
	int r = 0;

	while (r == 0 && o->next_kept < o->kept.n &&
	       o->kept.v[o->next_kept].row.time < before) {
		const struct kept_row *kept = &o->kept.v[o->next_kept++];

		if (!kept->matched)
			r = o->fn(o->userdata, &kept->row);
	}
	return r;
}

static int own_take_ce(void *userdata, const struct db_ce *ce)
{
	struct own_db *o = userdata;
	bool named = ce->has_address && strcmp(ce->unattributed, "none") == 0;
	const struct own_cell *cell = named ? own_find_cell(o, ce->address) : NULL;
	const struct dimm_rec *rec = own_find_dimm(o, ce->index);
	struct own_texts texts;
	struct history_row row = { .time = ce->last,
				   .first = ce->first,
				   .mc = -1,
				   .layer = { -1, -1, -1 },
				   .kind = own_kind(ce->severity),
				   .has_address = named,
				   .address = named ? ce->address : 0,
				   .count = ce->count,
				   .events = ce->events };
	int r;

	row.server = history_printable(texts.server, sizeof(texts.server), o->server);
	row.dimm = history_printable(texts.dimm, sizeof(texts.dimm),
				     rec ? rec->label : ce->dimm);
	if (rec)
		own_identify(o, rec, &texts, &row);
	if (cell)
		row.coord = cell->coord;
	if (o->matching) {
		if (!kept_match(&o->kept, &row)) {
			row.server = (struct backtest_text){ HISTORY_HERE,
							     strlen(HISTORY_HERE) };
			(void)kept_match(&o->kept, &row);
		}
		return 0;
	}
	r = own_give_kept(o, row.time);
	return r ? r : o->fn(o->userdata, &row);
}

/* All rows once: to find what was imported and is known, or to hand all on. */
static int own_walk(struct own_db *o, struct db *db, bool matching)
{
	const struct db_filter all = { .since = INT64_MIN, .until = INT64_MAX };

	o->matching = matching;
	return db_list_ces(db, &all, own_take_ce, o);
}

static int own_read_rows(struct own_db *o, struct db *db)
{
	int r = db_get_inventory(db, o->modules);

	if (r == 0)
		r = db_each_cell(db, own_take_cell, o);
	if (r == 0)
		r = db_each_dimm(db, own_take_dimm, o);
	if (r == 0 && o->n_cells > 0)
		qsort(o->cells, o->n_cells, sizeof(*o->cells), own_compare);
	if (r == 0 && o->kept.n > 0) {
		kept_sort_cells(&o->kept);
		r = own_walk(o, db, true);
		kept_sort_time(&o->kept);
	}
	return r == 0 ? own_walk(o, db, false) : r;
}

/* Without a database, if something was imported. */
static bool own_is_absent(const struct own_db *o, int r)
{
	return r == -ENOENT && o->kept.n > 0;
}

int own_db_read(const char *path, const char *server, own_row_fn fn, void *userdata,
		const char **ret_why)
{
	static char why[256];
	_cleanup_(own_db_done) struct own_db o = { .server = server,
						   .fn = fn,
						   .userdata = userdata };
	_cleanup_(db_close_p) struct db *db = NULL;
	int r = kept_load(&o.kept, path, ret_why);

	if (r < 0)
		return r;
	r = db_open_readonly(&db, path, ret_why);
	if (own_is_absent(&o, r))
		return own_give_kept(&o, INT64_MAX);
	if (r < 0) {
		*ret_why = *ret_why ? *ret_why : strerror(-r);
		return r;
	}
	o.modules = calloc(1, sizeof(*o.modules));
	o.dimms = calloc(MAX_DIMMS, sizeof(*o.dimms));
	if (!o.modules || !o.dimms)
		return -ENOMEM;
	r = own_read_rows(&o, db);
	if (r < 0) {
		snprintf(why, sizeof(why), "%s: cannot be read: %s", path,
			 db_last_error(db));
		*ret_why = why;
	}
	return r == 0 ? own_give_kept(&o, INT64_MAX) : r;
}

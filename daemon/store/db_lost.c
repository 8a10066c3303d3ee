/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * A table of the rows that failed, by kind and id. DIMMs, cells and totals are not in it:
 * they are always put again. Nothing is read or written here.
 */

#include "store/db_lost.h"

#include <errno.h>
#include <stdlib.h>

#include "base/mem.h"

#define SLOTS 65536U /* a power of two; a full disk for days fails more */

struct lost_row {
	uint64_t key;    /* id, or page */
	uint64_t errors; /* rows of the history: what the row counts */
	uint32_t kind;   /* enum change_kind + 1; 0: free */
};

struct db_lost_table {
	unsigned int n;
	struct lost_row rows[SLOTS];
};

int db_lost_new(struct db_lost *l, db_lost_stored_fn stored, void *userdata)
{
	*l = (struct db_lost){ .stored = stored, .userdata = userdata };
	/* What is never used is never touched, and so takes no memory. */
	l->table = calloc(1, sizeof(*l->table));
	return l->table ? 0 : -ENOMEM;
}

void db_lost_free(struct db_lost *l)
{
	free(l->table);
	l->table = NULL;
}

static _wraps_ uint32_t lost_slot(uint32_t kind, uint64_t key)
{
	return (uint32_t)((key * 16 + kind) * UINT64_C(0x9e3779b97f4a7c15) >> 48) % SLOTS;
}

/* What is lost if the change is; false if it is put again, or takes something away. */
static bool lost_describe(enum change_kind kind, const void *data, struct lost_row *ret)
{
	*ret = (struct lost_row){ .kind = (uint32_t)kind + 1 };
	switch (kind) {
	case CHANGE_CE:
		ret->key = ((const struct ce_row *)data)->id;
		ret->errors = ((const struct ce_row *)data)->count;
		return true;
	case CHANGE_ACTION:
		ret->key = ((const struct action_row *)data)->id;
		return true;
	case CHANGE_PAGE:
		ret->key = ((const struct page_rec *)data)->pfn;
		return true;
	case CHANGE_POISON:
		return true;
	case CHANGE_REMOVE:
	case CHANGE_REMOVE_DIMM:
	case CHANGE_DIMM:
	case CHANGE_CELL:
	case CHANGE_TOTALS:
	case CHANGE_SPENT:
	case CHANGE_READER:
	case CHANGE_INVENTORY:
	case CHANGE_INVENTORY_TRIM:
		break;
	}
	return false;
}

static bool lost_is_put_once(const struct lost_row *row)
{
	return row->kind == CHANGE_POISON + 1 ||
	       (row->kind == CHANGE_CE + 1 && row->key == 0);
}

static struct lost_row *lost_find(struct db_lost_table *t, uint32_t kind, uint64_t key)
{
	uint32_t at = lost_slot(kind, key);

	while (t->rows[at].kind && (t->rows[at].kind != kind || t->rows[at].key != key))
		at = (at + 1) % SLOTS;
	return &t->rows[at];
}

static void lost_for_good(struct db_lost *l, uint64_t rows, uint64_t errors)
{
	l->rows += rows;
	l->missing.rows += rows;
	l->missing.errors += errors;
}

/* Of a row of the history that grew after it was stored only the rest is missing. */
static void lost_settle_all(struct db_lost *l)
{
	for (uint32_t i = 0; l->table->n > 0 && i < SLOTS; i++) {
		struct lost_row *row = &l->table->rows[i];
		uint64_t stored = 0;

		if (!row->kind)
			continue;
		if (row->kind == CHANGE_CE + 1)
			stored = l->stored(l->userdata, row->key);
		lost_for_good(l, stored == 0,
			      row->errors > stored ? row->errors - stored : 0);
		row->kind = 0;
		l->table->n--;
	}
}

/* Slots that follow move up, or a search would end at the hole. */
static _wraps_ void lost_take_out(struct db_lost_table *t, struct lost_row *row)
{
	uint32_t hole = (uint32_t)(row - t->rows);
	uint32_t at = hole;

	t->n--;
	for (;;) {
		uint32_t home;

		t->rows[hole].kind = 0;
		do {
			at = (at + 1) % SLOTS;
			if (!t->rows[at].kind)
				return;
			home = lost_slot(t->rows[at].kind, t->rows[at].key);
		} while ((at - home) % SLOTS < (at - hole) % SLOTS);
		t->rows[hole] = t->rows[at];
		hole = at;
	}
}

void db_lost_add(struct db_lost *l, enum change_kind kind, const void *data)
{
	struct lost_row row, *known;

	if (!l->table || !lost_describe(kind, data, &row))
		return;
	if (lost_is_put_once(&row)) {
		lost_for_good(l, 1, row.errors);
		return;
	}
	if (l->table->n >= SLOTS / 2) {
		l->missing.at_most = true;
		lost_settle_all(l);
	}
	known = lost_find(l->table, row.kind, row.key);
	l->table->n += known->kind == 0;
	*known = row;
}

void db_lost_add_group(struct db_lost *l, const struct db_redo *group)
{
	for (const struct change *c = NULL; (c = db_redo_next(group, c));)
		db_lost_add(l, c->kind, db_change_data(c));
}

void db_lost_found(struct db_lost *l, const struct db_redo *group)
{
	const struct change *c = NULL;

	while (l->table->n > 0 && (c = db_redo_next(group, c))) {
		struct lost_row row, *known;

		if (!lost_describe(c->kind, db_change_data(c), &row) ||
		    lost_is_put_once(&row))
			continue;
		known = lost_find(l->table, row.kind, row.key);
		if (known->kind)
			lost_take_out(l->table, known);
	}
}

void db_lost_settle(struct db_lost *l, struct db_missing *ret)
{
	if (l->table)
		lost_settle_all(l);
	*ret = l->missing;
	l->missing = (struct db_missing){ 0 };
}

uint64_t db_lost_count(const struct db_lost *l)
{
	return l->rows + (l->table ? l->table->n : 0);
}

/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * From effects to rows, for the daemon and for the benchmarks of its database. It knows
 * neither when a commit is due nor what follows from a failure.
 */

#include "parts/effect_store.h"

#include <errno.h>

int effect_store(struct db *db, const struct engine *e, const struct effect *f)
{
	switch (f->kind) {
	case EFFECT_STORE_PAGE:
		return db_put_page(db, f->page);
	case EFFECT_REMOVE_PAGE:
		return db_remove_page(db, f->pfn);
	case EFFECT_REMOVE_DIMM:
		return db_remove_dimm_pages(db, f->index);
	case EFFECT_STORE_CE:
		return db_put_ce(db, &f->ce);
	case EFFECT_STORE_ACTION:
		return db_put_action(db, &f->action);
	case EFFECT_STORE_POISON:
		return db_put_poison(db, &f->poison);
	case EFFECT_STORE_DIMM:
		return db_put_dimm(db, f->dimm.index, f->dimm.rec);
	case EFFECT_STORE_CELL:
		return db_put_cell(db, f->cell.dimm, f->cell.slot, f->cell.rec);
	case EFFECT_STORE_TOTALS:
		return db_put_totals(db, engine_totals(e));
	case EFFECT_STORE_SPENT:
		return db_put_spent(db, engine_totals(e));
	case EFFECT_PROBE:
	case EFFECT_OFFLINE:
	case EFFECT_LOAD:
	case EFFECT_KERNEL:
	case EFFECT_RECONCILE:
	case EFFECT_NOTICE:
	case EFFECT_REPLY:
		break;
	}
	return -EINVAL;
}

/* Pages or errors: the effects from @f on that are of one kind. */
static int store_run(struct db *db, const struct effect *f, unsigned int n,
		     unsigned int *ret_taken)
{
	bool pages = f->kind == EFFECT_STORE_PAGE;
	const void *rows[MAX_EFFECTS];
	unsigned int i;

	for (i = 0; i < n && f[i].kind == f->kind; i++)
		rows[i] = pages ? (const void *)f[i].page : (const void *)&f[i].ce;
	*ret_taken = i;
	return pages ? db_put_pages(db, rows, i) : db_put_ces(db, rows, i);
}

int effect_store_all(struct db *db, const struct engine *e, const struct effects *effects)
{
	unsigned int taken;
	int last = 0;

	for (unsigned int i = 0; i < effects->n; i += taken) {
		const struct effect *f = &effects->v[i];
		int r;

		taken = 1;
		if (f->kind == EFFECT_STORE_PAGE || f->kind == EFFECT_STORE_CE)
			r = store_run(db, f, effects->n - i, &taken);
		else
			r = effect_store(db, e, f);
		if (r < 0)
			last = r;
	}
	return last;
}

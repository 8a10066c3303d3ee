/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * From effects to rows, for the daemon and for what measures its database. It does not
 * know when a commit is due, nor what becomes of a failure.
 */

#include "effect_store.h"

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
	case EFFECT_RECONCILE:
	case EFFECT_REPORT:
	case EFFECT_REPLY:
		break;
	}
	return -EINVAL;
}

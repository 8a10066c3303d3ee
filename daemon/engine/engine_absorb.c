/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * A daemon that cannot read its database counts in an engine without stored state. When
 * the database can be read again, another engine is restored from it and absorbs what the
 * first one has counted. Counts are added. What was done with a page in between is newer
 * than what is stored of the page; if nothing was done, what is stored stays.
 */

#include <string.h>

#include "engine/engine_internal.h"
#include "track/dimm_sum.h"

static int64_t absorb_later(int64_t a, int64_t b)
{
	return a > b ? a : b;
}

static void absorb_totals(struct engine *e, const struct engine *from)
{
	struct totals *to = &e->totals;
	const struct totals *t = &from->totals;
	int64_t level;

	engine_add(&to->events, t->events);
	engine_add(&to->corrected_errors, t->corrected_errors);
	engine_add(&to->uncorrected_errors, t->uncorrected_errors);
	engine_add(&to->unattributed, t->unattributed);
	engine_add(&to->events_lost, t->events_lost);
	engine_add(&to->malformed, t->malformed);
	engine_add(&to->gaps, t->gaps);
	for (unsigned int i = 0; i < RESULT_MAX_; i++)
		engine_add(&to->attempts[i], t->attempts[i]);
	to->next_action_id += t->next_action_id - 1;
	to->last_event = absorb_later(to->last_event, t->last_event);
	to->last_offline = absorb_later(to->last_offline, t->last_offline);
	e->totals_dirty = true;
	/* The lower level is the careful one; the pages of the last hour are @from's. */
	level = e->budget.level;
	e->budget = from->budget;
	if (level < e->budget.level)
		e->budget.level = level;
	e->losses.at = usec_max(e->losses.at, from->losses.at);
	e->losses.gap_at = usec_max(e->losses.gap_at, from->losses.gap_at);
	e->poison.kib = from->poison.kib;
}

/* The DIMM that @d of the other engine is here. */
static uint16_t absorb_find_dimm(struct engine *e, const struct dimm_rec *d)
{
	struct dimm_rec new = {
		.mc = d->mc,
		.former = d->former,
		.first_seen = d->first_seen,
		.last_seen = d->last_seen,
		.fault = d->fault,
	};
	int known = dimm_table_find(&e->dimms, d);

	if (known >= 0)
		return (uint16_t)known;
	memcpy(new.label, d->label, sizeof(new.label));
	memcpy(new.layer, d->layer, sizeof(new.layer));
	return dimm_table_add(&e->dimms, &e->cfg, &new);
}

static void absorb_dimm(struct engine *e, const struct dimm_rec *d, uint16_t index)
{
	struct dimm_rec *to = &e->dimms.rec[index];

	to->overflow = to->overflow || d->overflow;
	engine_add(&to->corrected_errors, d->corrected_errors);
	dimm_rec_take_last_ue(to, d);
	engine_add(&to->uncorrected_errors, d->uncorrected_errors);
	engine_add(&to->unattributed, d->unattributed);
	to->pages += d->pages;
	to->offlined += d->offlined;
	to->last_seen = absorb_later(to->last_seen, d->last_seen);
	if (d->fault.class > to->fault.class)
		to->fault = d->fault;
	if (!*to->serial) {
		memcpy(to->part, d->part, sizeof(to->part));
		memcpy(to->serial, d->serial, sizeof(to->serial));
	}
	dimm_table_touch(&e->dimms, index);
	e->dimms.reported_verdict[index] =
		(uint8_t)fault_verdict(to, e->cfg.budget.pages_per_dimm, NULL);
}

/* A cell is noted once for each of its votes: so it is as certain here as there. */
static void absorb_cells(struct engine *e, struct engine *from)
{
	const struct fault_cell *cell;
	uint16_t dimm, slot;

	fault_map_touch_all(from->faults);
	while ((cell = fault_map_take_dirty(from->faults, &dimm, &slot))) {
		struct fault_cell *known = NULL;
		unsigned int votes = cell->votes ? cell->votes : 1;

		for (unsigned int i = 0; cell->used && i < votes; i++)
			(void)fault_map_note(e->faults, e->absorb.dimm[dimm], cell->line,
					     &cell->coord, usec(cell->last), &known);
		if (known && cell->row_faulty)
			fault_map_set_faulty(e->faults, e->absorb.dimm[dimm], known);
	}
}

static void absorb_history(struct engine *e, struct effects *out, struct engine *from)
{
	struct ce_row row;

	while (out->n < MAX_EFFECTS - EFFECTS_RESERVE) {
		if (!ce_history_take(from->history, &row))
			return;
		row.dimm = e->absorb.dimm[row.dimm];
		engine_add_row(e, out, &row);
	}
}

static void absorb_counts(struct engine *e, struct effects *out, struct engine *from)
{
	if (!e->absorb.begun) {
		e->absorb.begun = true;
		e->sight = from->sight;
		e->totals.sight = from->totals.sight;
		absorb_totals(e, from);
		e->absorb.dimm[DIMM_OTHER] = DIMM_OTHER;
		for (uint16_t i = 0; i < from->dimms.n; i++) {
			if (i != DIMM_OTHER)
				e->absorb.dimm[i] =
					absorb_find_dimm(e, &from->dimms.rec[i]);
			absorb_dimm(e, &from->dimms.rec[i], e->absorb.dimm[i]);
		}
		absorb_cells(e, from);
	}
	absorb_history(e, out, from);
}

/* Takes over what was done with the page in between. */
static void absorb_state(struct engine *e, struct page_rec *rec,
			 const struct page_rec *live)
{
	unsigned int attempts = rec->attempts + live->attempts;
	bool acted = live->state != PAGE_WATCHED || live->result != RESULT_NONE;
	bool by_us = rec->by_us || live->by_us;

	if (acted) {
		ce_tracker_unqueue(e->tracker, rec);
		page_rec_copy_decision(rec, live);
		rec->by_us = by_us;
		rec->not_before = live->not_before;
	}
	rec->attempts = attempts > 63 ? 63 : (uint32_t)attempts & 63;
	if (acted)
		engine_resume(e, rec);
}

static void absorb_page(struct engine *e, struct effects *out, const struct input *in)
{
	const struct page_rec *live = in->absorb.live;
	struct page_rec *rec = ce_tracker_find(e->tracker, pfn(live->pfn));
	uint16_t dimm = e->absorb.dimm[live->dimm < MAX_DIMMS ? live->dimm : DIMM_OTHER];
	const struct threshold *limit = &e->dimms.rule[dimm].page;
	bool known = rec || in->absorb.stored;
	bool crossed = false;
	int64_t first;

	if (!rec) {
		rec = engine_new_page(e, out, pfn(live->pfn));
		if (in->absorb.stored)
			engine_merge_stored(e, rec, in->absorb.stored,
					    in->absorb.other_boot);
	}
	if (known && live->n_stamps > 0 && e->dimms.rec[dimm].pages > 0)
		e->dimms.rec[dimm].pages--; /* both have counted it */
	if (!rec->by_us)
		rec->dimm = dimm;
	first = known && rec->first_seen < live->first_seen ? rec->first_seen
							    : live->first_seen;
	engine_add(&rec->corrected_errors, live->corrected_errors);
	for (uint32_t i = 0; i < live->n_stamps; i++) {
		usec_t when = usec(live->stamps[i]);

		crossed = crossed ||
			  page_rec_crosses(rec, when, limit->count, limit->window);
		ce_tracker_stamp(e->tracker, rec, when);
	}
	rec->first_seen = first;
	absorb_state(e, rec, live);
	ce_tracker_touch(e->tracker, rec);
	if (live->n_stamps > 0)
		engine_consider(e, out, rec,
				crossed ? REASON_PAGE_THRESHOLD
					: engine_fault_reason(e, rec));
}

void engine_take_absorb(struct engine *e, struct effects *out, const struct input *in)
{
	if (!in->absorb.live)
		absorb_counts(e, out, in->absorb.from);
	else if (e->absorb.begun)
		absorb_page(e, out, in);
}

bool engine_is_absorbed(const struct engine *e)
{
	return ce_history_pending(e->history) == 0;
}

/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * Restores what was stored: at start, and when a page errs that the tracker had evicted.
 * Counts stay valid in another boot, a page's state does not. A page that an earlier boot
 * had offlined is offlined again only if its frame number still means the same DRAM, by
 * the fingerprints of the memory map and of the modules. It does not know how the
 * fingerprints are made.
 */

#include <string.h>

#include "engine/engine_internal.h"

/* More than any bucket holds, so that sums cannot wrap if the database is damaged. */
#define MAX_LEVEL (INT64_C(1) << 40)

void engine_restore_memory(struct engine *e, const struct input *in)
{
	struct totals *t = &e->totals;

	if (in->memory.ram_fingerprint == 0 || in->memory.module_fingerprint == 0 ||
	    t->ram_print == 0 || t->module_print == 0)
		e->replay.why = REASON_MEMORY_UNKNOWN;
	else if (in->memory.ram_fingerprint != t->ram_print ||
		 in->memory.module_fingerprint != t->module_print)
		e->replay.why = REASON_MEMORY_CHANGED;
	else
		e->replay.why = REASON_REPLAYED;
	t->ram_print = in->memory.ram_fingerprint;
	t->module_print = in->memory.module_fingerprint;
	e->totals_dirty = true;
}

/*
 * Whether the page was offlined, or waited to be offlined again. A page that was once
 * found on changed or unknown memory is not compared again: the fingerprints of its own
 * boot are gone.
 */
static bool restore_was_offlined(const struct page_rec *rec)
{
	if (rec->reason == REASON_REPLAYED && rec->state != PAGE_WATCHED)
		return true;
	if (rec->state == PAGE_OFFLINED)
		return true;
	return rec->state == PAGE_WATCHED && rec->result == RESULT_STALE &&
	       rec->reason == REASON_NONE;
}

/* REASON_REPLAYED: offline it again; REASON_NONE: not wanted; else why it cannot be. */
static enum reason restore_judge_replay(const struct engine *e,
					const struct page_rec *rec)
{
	/* Loaded after the start: which boot's fingerprints belong to it is not known. */
	if (e->restored)
		return REASON_MEMORY_UNKNOWN;
	if (e->replay.why != REASON_REPLAYED)
		return e->replay.why;
	/* A page that never erred was poisoned by somebody else: that is no evidence. */
	return e->cfg.replay.at_boot && rec->corrected_errors > 0 ? REASON_REPLAYED
								  : REASON_NONE;
}

static void restore_reset_after_boot(struct engine *e, struct page_rec *rec)
{
	bool offlined = restore_was_offlined(rec);
	enum reason reason;

	if (rec->state == PAGE_WATCHED && !offlined)
		return;
	engine_move_page(e, rec, LIFE_REBOOTED);
	rec->reason = REASON_NONE;
	rec->tries = 0;
	rec->not_before = 0;
	rec->by_us = 0;
	/* Stored, or a restart would compare it with the fingerprints of this boot. */
	ce_tracker_touch(e->tracker, rec);
	if (!offlined)
		return;
	e->replay.pages += !e->restored;
	reason = restore_judge_replay(e, rec);
	if (reason == REASON_REPLAYED) {
		rec->result = RESULT_NONE;
		engine_enqueue(e, rec, LIFE_CHOSEN, reason);
		return;
	}
	rec->result = RESULT_STALE;
	rec->reason = reason;
}

static void restore_report_replay(struct engine *e, struct effects *out)
{
	struct notice r = { .kind = NOTICE_REPLAY,
			    .reason = e->replay.why,
			    .count = e->replay.pages };

	if (e->replay.pages > 0 && e->cfg.replay.at_boot)
		engine_notice(e, out, &r);
}

void engine_resume(struct engine *e, struct page_rec *rec)
{
	if (rec->state != PAGE_PENDING || rec->queue != QUEUE_NONE)
		return;
	if (rec->not_before > e->now.us)
		ce_tracker_delay(e->tracker, rec, usec(rec->not_before));
	else
		engine_line_up(e, rec);
}

/* The DIMM that a stored row names, if it is still known. */
static uint16_t restore_dimm_of(const struct engine *e, uint16_t index)
{
	return index < e->dimms.n ? dimm_table_resolve(&e->dimms, index) : DIMM_OTHER;
}

void engine_merge_stored(struct engine *e, struct page_rec *rec,
			 const struct page_rec *stored, bool other_boot)
{
	/* An event that came first has named the DIMM; but a DIMM whose budget was
	 * charged stays the page's DIMM. */
	if (rec->n_stamps == 0 || (stored->by_us && !other_boot))
		rec->dimm = restore_dimm_of(e, stored->dimm);
	ce_tracker_merge(e->tracker, rec, stored);
	if (other_boot)
		restore_reset_after_boot(e, rec);
	engine_resume(e, rec);
}

static void restore_merge(struct engine *e, struct page_rec *rec, const struct input *in)
{
	engine_merge_stored(e, rec, in->page.rec, in->page.other_boot);
}

static void restore_loaded(struct engine *e, struct effects *out, struct page_rec *rec,
			   const struct input *in)
{
	const struct threshold *limit;
	bool crossed;

	limit = &e->dimms.rule[rec->dimm].page;
	if (rec->n_stamps == 0) { /* loaded for a request, not for an event */
		if (in->page.rec)
			restore_merge(e, rec, in);
		return;
	}
	if (!in->page.rec) {
		e->dimms.rec[rec->dimm].pages++;
		engine_notice_page(e, out, NOTICE_PAGE_FIRST_CE, rec);
		engine_consider(e, out, rec,
				limit->count == 1 ? REASON_PAGE_THRESHOLD
						  : engine_fault_reason(e, rec));
		return;
	}
	crossed = page_rec_crosses(in->page.rec, usec(rec->stamps[0]), limit->count,
				   limit->window);
	restore_merge(e, rec, in);
	engine_consider(e, out, rec,
			crossed ? REASON_PAGE_THRESHOLD : engine_fault_reason(e, rec));
}

void engine_take_loaded(struct engine *e, struct effects *out, const struct input *in)
{
	struct page_rec *rec = ce_tracker_find(e->tracker, in->page.pfn);

	if (!rec || !rec->loading)
		return;
	rec->loading = 0;
	restore_loaded(e, out, rec, in);
	engine_foreign_loaded(e, out, rec);
}

void engine_restore_page(struct engine *e, const struct input *in)
{
	const struct page_rec *evicted;
	struct page_rec *rec;

	if (ce_tracker_find(e->tracker, in->page.pfn) ||
	    ce_tracker_count(e->tracker) == ce_tracker_capacity(e->tracker))
		return;
	rec = ce_tracker_add(e->tracker, in->page.pfn, &evicted);
	restore_merge(e, rec, in);
}

void engine_restore_dimm(struct engine *e, const struct input *in)
{
	const struct dimm_rec *rec = in->dimm.rec;
	uint16_t index = in->dimm.index;
	int twin;

	if (index == DIMM_OTHER)
		dimm_table_restore_other(&e->dimms, rec);
	/* Each DIMM comes once, in the order of the index. */
	if (index == DIMM_OTHER || index != e->dimms.n ||
	    dimm_table_add(&e->dimms, &e->cfg, rec) != index)
		return;
	twin = dimm_table_twin(&e->dimms, index);
	if (twin >= 0)
		dimm_table_merge(&e->dimms, &e->cfg, index, (uint16_t)twin);
	e->dimms.reported_verdict[index] = (uint8_t)engine_dimm_verdict(e, index, NULL);
}

/* A cell is noted once for each of its votes: so it is as certain there as here. */
static void restore_move_cell(struct engine *e, const struct fault_cell *cell,
			      uint16_t to)
{
	bool known = fault_map_find(e->faults, to, cell->line) != NULL;
	unsigned int votes = cell->votes ? cell->votes : 1;
	struct fault_cell *now = NULL;

	for (unsigned int i = 0; i < votes; i++)
		(void)fault_map_note(e->faults, to, cell->line, &cell->coord,
				     usec(cell->last), &now);
	if (!now)
		return;
	if (!known) {
		now->first = cell->first;
		now->other_boot = cell->other_boot;
	}
	if (cell->row_faulty)
		fault_map_set_faulty(e->faults, to, now);
}

/* The cells of records that have turned out to be another's; they are stored again. */
static void restore_move_cells(struct engine *e)
{
	const struct fault_cell *cell;
	uint16_t dimm, slot;

	fault_map_touch_all(e->faults);
	while ((cell = fault_map_take_dirty(e->faults, &dimm, &slot))) {
		struct fault_cell copy = *cell;

		if (copy.used && e->dimms.rec[dimm].same_as)
			restore_move_cell(e, &copy, dimm_table_resolve(&e->dimms, dimm));
	}
	for (uint16_t i = 0; i < e->dimms.n; i++)
		if (e->dimms.rec[i].same_as)
			fault_map_forget_lines(e->faults, i, 0, UINT64_MAX);
	fault_map_touch_all(e->faults);
}

static bool restore_has_merged_cells(const struct engine *e)
{
	for (uint16_t i = 0; i < e->dimms.n; i++)
		if (e->dimms.rec[i].same_as && fault_map_cells(e->faults, i) > 0)
			return true;
	return false;
}

/* What the tracker, the attempts and the map hold of records that are another's now. */
static void restore_move_merged(struct engine *e)
{
	for (uint32_t i = 0; i < ce_tracker_slots(e->tracker); i++) {
		struct page_rec *rec = ce_tracker_at(e->tracker, i);

		if (!rec || !e->dimms.rec[rec->dimm].same_as)
			continue;
		rec->dimm = dimm_table_resolve(&e->dimms, rec->dimm);
		ce_tracker_touch(e->tracker, rec);
	}
	for (unsigned int i = 0; i < e->attempts.n; i++)
		e->attempts.v[i].row.dimm =
			dimm_table_resolve(&e->dimms, e->attempts.v[i].row.dimm);
	e->losses.erring = dimm_table_resolve(&e->dimms, e->losses.erring);
	if (restore_has_merged_cells(e))
		restore_move_cells(e);
}

void engine_take_controllers(struct engine *e, const struct input *in)
{
	bool merged = false;

	e->dimms.all_known = in->controllers.all_known;
	if (!dimm_table_set_controllers(&e->dimms, &e->cfg, in->controllers.v,
					in->controllers.n))
		return;
	for (uint16_t i = DIMM_OTHER + 1; i < e->dimms.n; i++) {
		int twin = dimm_table_twin(&e->dimms, i);

		if (twin < 0)
			continue;
		dimm_table_merge(&e->dimms, &e->cfg, i, (uint16_t)twin);
		merged = true;
	}
	if (merged)
		restore_move_merged(e);
}

void engine_restore_cell(struct engine *e, const struct input *in)
{
	if (in->cell.dimm < e->dimms.n)
		fault_map_restore(e->faults, in->cell.dimm, in->cell.slot, in->cell.rec);
}

static bool restore_has_offlined(const struct engine *e)
{
	for (uint32_t i = 0; i < ce_tracker_slots(e->tracker); i++) {
		const struct page_rec *rec = ce_tracker_peek_at(e->tracker, i);

		if (rec && rec->state == PAGE_OFFLINED)
			return true;
	}
	return false;
}

/* The attempt may have ended the daemon: it counts as a try, and the next one waits. */
static void restore_interrupted(struct engine *e, struct page_rec *rec,
				const struct action_row *row)
{
	if (rec->tries < 63)
		rec->tries++;
	rec->result = RESULT_INTERRUPTED;
	rec->reason = row->reason;
	ce_tracker_touch(e->tracker, rec);
	engine_move_page(e, rec, LIFE_INTERRUPTED);
	if (policy_retry(&e->cfg, RESULT_INTERRUPTED, rec->tries) == RETRY_BACKOFF) {
		ce_tracker_delay(e->tracker, rec,
				 usec_add(e->now, policy_backoff(&e->cfg, rec->tries)));
		return;
	}
	ce_tracker_unqueue(e->tracker, rec);
	engine_move_page(e, rec, LIFE_GIVEN_UP);
	rec->not_before = usec_add(e->now, usec(USEC_PER_HOUR)).us;
}

void engine_restore_action(struct engine *e, struct effects *out, const struct input *in)
{
	struct action_row row = *in->action.row;
	bool poisoned = frame_is_poisoned(&in->action.frame);
	struct page_rec *rec = ce_tracker_find(e->tracker, pfn(row.pfn));
	const struct page_rec *evicted = NULL;

	if (!rec) {
		rec = ce_tracker_add(e->tracker, pfn(row.pfn), &evicted);
		rec->first_seen = row.time;
		rec->dimm = restore_dimm_of(e, row.dimm);
		rec->reason = row.reason;
	}
	if (evicted)
		engine_emit(out, EFFECT_STORE_PAGE)->page = evicted;
	row.result = !poisoned                                   ? RESULT_INTERRUPTED
		     : rec->by_us && rec->state == PAGE_OFFLINED ? RESULT_ALREADY
								 : RESULT_OFFLINED;
	e->totals.attempts[row.result]++;
	if (row.result == RESULT_ALREADY) {
		/* Another attempt did it, and was charged. */
	} else if (poisoned) {
		engine_mark_offlined(e, rec, RESULT_OFFLINED);
	} else {
		restore_interrupted(e, rec, &row);
	}
	engine_store_action(e, out, &row);
	engine_emit(out, EFFECT_STORE_PAGE)->page = rec;
	engine_store_dimm(e, out, rec->dimm);
	engine_store_spent(e, out);
	engine_notice_page(e, out, NOTICE_RECOVERED, rec);
}

void engine_restore_totals(struct engine *e, const struct totals *totals)
{
	uint64_t next = e->totals.next_action_id;

	e->totals = *totals;
	if (e->totals.next_action_id < next)
		e->totals.next_action_id = next;
	e->budget.level = totals->bucket_level;
	if (e->budget.level > MAX_LEVEL)
		e->budget.level = MAX_LEVEL;
	if (e->budget.level < -MAX_LEVEL)
		e->budget.level = -MAX_LEVEL;
	e->budget.time = usec(totals->bucket_time);
}

void engine_restore_done(struct engine *e, struct effects *out, const struct input *in)
{
	e->restored = true;
	if (restore_has_merged_cells(e))
		restore_move_cells(e);
	restore_report_replay(e, out);
	e->restored_at = e->now;
	e->more_stored = e->more_stored || in->restored.more_stored;
	e->past_unknown = in->restored.nothing_stored;
	if (e->past_unknown)
		e->budget.level = 0;
	e->reconcile_at = usec(USEC_NEVER);
	if (restore_has_offlined(e)) {
		e->reconcile_at = usec_add(e->now, usec(USEC_PER_DAY));
		engine_emit(out, EFFECT_RECONCILE);
	}
}

void engine_mark_unstored(struct engine *e)
{
	/* What the database still holds is not known either. */
	e->more_stored = true;
	for (uint32_t i = 0; i < ce_tracker_slots(e->tracker); i++) {
		struct page_rec *rec = ce_tracker_at(e->tracker, i);

		if (rec)
			ce_tracker_touch(e->tracker, rec);
	}
	for (unsigned int i = 0; i < e->dimms.n; i++)
		dimm_table_touch(&e->dimms, (uint16_t)i);
	fault_map_touch_all(e->faults);
	ce_history_forget(e->history);
	e->totals_dirty = true;
	attempts_mark_unstored(&e->attempts);
}

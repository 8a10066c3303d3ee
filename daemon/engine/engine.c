/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * The engine's front door: dispatches inputs, and counts events: which DIMM and page each
 * is charged to, and what was lost. What follows for a page is engine_action.c's. What it
 * keeps can be restored after a restart.
 */

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "engine/engine_internal.h"

/* Lost events are charged to a DIMM if no other has erred for this long. */
#define LOSS_SPAN (10 * USEC_PER_SEC)

/* DIMMs with room for cells. Fixed while the engine lives: a reload moves only pages. */
static uint32_t engine_cell_dimms(const struct config *cfg)
{
	uint32_t n = cfg->tracker.max_tracked_pages / TRACKED_PER_DIMM;

	return n < MIN_FAULT_DIMMS ? MIN_FAULT_DIMMS : n > MAX_DIMMS ? MAX_DIMMS : n;
}

int engine_new(struct engine **ret, const struct config *cfg, unsigned int page_shift)
{
	return engine_new_with_rows(ret, cfg, page_shift, HISTORY_SLOTS);
}

int engine_new_with_rows(struct engine **ret, const struct config *cfg,
			 unsigned int page_shift, uint32_t open_rows)
{
	struct engine *e = calloc(1, sizeof(*e));
	int r;

	if (!e)
		return -ENOMEM;
	e->cfg = *cfg;
	e->page_shift = page_shift;
	e->machine.page_shift = page_shift;
	poison_ledger_init(&e->poison, page_shift);
	e->totals.last_event = INT64_MIN;
	e->totals.last_offline = INT64_MIN;
	e->totals.next_action_id = 1;
	e->reconcile_at = usec(USEC_NEVER);
	e->replay.why = REASON_MEMORY_UNKNOWN;
	hold_init(&e->hold);
	attempts_init(&e->attempts);
	dimm_table_init(&e->dimms, cfg);
	r = ce_tracker_new(&e->tracker, cfg->tracker.max_tracked_pages,
			   config_max_page_threshold(cfg));
	if (r >= 0)
		r = ce_history_new(&e->history, open_rows);
	if (r >= 0)
		r = fault_map_new(&e->faults, engine_cell_dimms(cfg), MAX_DIMMS);
	if (r < 0) {
		engine_free(e);
		return -ENOMEM;
	}
	budget_init(&e->budget, cfg, usec(0));
	*ret = e;
	return 0;
}

struct engine *engine_free(struct engine *e)
{
	if (e) {
		ce_tracker_free(e->tracker);
		ce_history_free(e->history);
		fault_map_free(e->faults);
		free(e);
	}
	return NULL;
}

/* Why no page can be charged with the event; RESULT_NONE if one can. */
static enum result engine_judge_address(const struct engine *e, const struct ce_event *ev)
{
	if (ev->severity != CE_CORRECTED)
		return RESULT_UNCORRECTED;
	if (!ev->has_address || ev->address.addr == 0)
		return RESULT_NO_ADDRESS;
	if (ev->narrow_address && ram_map_passes_32_bits(&e->ram))
		return RESULT_CUT_ADDRESS;
	if (ev->grain_bits > e->page_shift)
		return RESULT_COARSE_GRAIN;
	if (!ram_map_contains(&e->ram, ev->address))
		return RESULT_NOT_RAM;
	return RESULT_NONE;
}

static void engine_open_row(struct engine *e, struct effects *out,
			    const struct ce_event *ev, uint16_t dimm, enum result why)
{
	struct ce_row row;

	memset(&row, 0, offsetof(struct ce_row, registers));
	row.first = ev->time.us;
	row.last = ev->time.us;
	row.address = ev->has_address ? ev->address.addr : 0;
	row.has_address = ev->has_address && ev->address.addr != 0;
	row.count = ev->count ? ev->count : 1;
	row.events = 1;
	row.dimm = dimm;
	row.severity = (uint8_t)ev->severity;
	row.grain_bits = ev->grain_bits;
	row.unattributed = (uint8_t)why;
	row.overflow = ev->overflow;
	ce_registers_copy(&ev->detail, row.registers);
	engine_add_row(e, out, &row);
}

static void engine_notice_dimm(struct engine *e, struct effects *out,
			       enum notice_kind kind, const struct ce_event *ev,
			       struct notice r)
{
	r.kind = kind;
	r.count = ev->count ? ev->count : 1;
	r.has_pfn = ev->has_address && ev->address.addr != 0;
	r.pfn = paddr_to_pfn(ev->address, e->page_shift);
	engine_notice(e, out, &r);
}

static void engine_charge_dimm(struct engine *e, struct effects *out,
			       const struct ce_event *ev, uint16_t index, enum result why)
{
	struct dimm_rec *d = &e->dimms.rec[index];
	uint64_t n = ev->count ? ev->count : 1;

	dimm_table_touch(&e->dimms, index);
	d->last_seen = d->last_seen > ev->time.us ? d->last_seen : ev->time.us;
	d->overflow = d->overflow || ev->overflow;
	if (ev->severity == CE_INFO)
		return;
	if (why == RESULT_UNCORRECTED) {
		d->last_ue = ev->time.us;
		d->last_ue_has_address = ev->has_address && ev->address.addr != 0;
		d->last_ue_address = d->last_ue_has_address ? ev->address.addr : 0;
		engine_add(&d->uncorrected_errors, n);
		engine_add(&e->totals.uncorrected_errors, n);
		engine_notice_dimm(e, out, NOTICE_UNCORRECTED, ev,
				   (struct notice){ .dimm = index, .result = why });
		return;
	}
	engine_add(&d->corrected_errors, n);
	engine_add(&e->totals.corrected_errors, n);
	if (why == RESULT_NONE)
		return;
	if (d->unattributed == 0)
		engine_notice_dimm(e, out, NOTICE_UNATTRIBUTED, ev,
				   (struct notice){ .dimm = index, .result = why });
	engine_add(&d->unattributed, n);
	engine_add(&e->totals.unattributed, n);
}

struct page_rec *engine_new_page(struct engine *e, struct effects *out, pfn_t p)
{
	const struct page_rec *evicted;
	struct page_rec *rec = ce_tracker_add(e->tracker, p, &evicted);

	if (evicted) {
		engine_emit(out, EFFECT_STORE_PAGE)->page = evicted;
		e->more_stored = true;
	}
	return rec;
}

static void engine_notice_first_ce(struct engine *e, struct effects *out,
				   const struct page_rec *rec, uint16_t dimm)
{
	e->dimms.rec[dimm].pages++;
	engine_notice_page(e, out, NOTICE_PAGE_FIRST_CE, rec);
}

/*
 * One error, once more: it adds to the totals, and not to the window. Each DIMM's cells
 * know it once: another source calls the DIMM by another name.
 */
static void engine_charge_echo(struct engine *e, struct effects *out,
			       const struct ce_event *ev, uint16_t dimm,
			       struct page_rec *rec)
{
	engine_add(&rec->corrected_errors, ev->count ? ev->count : 1);
	ce_tracker_touch(e->tracker, rec);
	if (dimm != rec->dimm && !rec->loading)
		engine_consider(e, out, rec, engine_fault_event(e, out, ev, rec, dimm));
}

/* Applies PageThreshold: no other function calls ce_tracker_note(). */
static void engine_charge_page(struct engine *e, struct effects *out,
			       const struct ce_event *ev, uint16_t dimm)
{
	bool echo = echo_take(&e->echoes, ev);
	pfn_t p = paddr_to_pfn(ev->address, e->page_shift);
	struct page_rec *rec = ce_tracker_find(e->tracker, p);
	const struct threshold *limit = &e->dimms.rule[dimm].page;
	bool created = !rec;
	enum reason by_fault, why;

	if (created) {
		rec = engine_new_page(e, out, p);
		rec->loading = e->more_stored && e->restored;
	}
	if (echo && !created) {
		engine_charge_echo(e, out, ev, dimm, rec);
		return;
	}
	/* A page whose DIMM's budget was charged, or is about to be, keeps this DIMM. */
	if (!rec->by_us && !rec->in_flight)
		rec->dimm = dimm;
	engine_add(&rec->corrected_errors, ev->count ? ev->count : 1);
	why = ce_tracker_note(e->tracker, rec, ev->time, limit->count, limit->window)
		      ? REASON_PAGE_THRESHOLD
		      : REASON_NONE;
	by_fault = engine_fault_event(e, out, ev, rec, dimm);
	if (rec->loading) {
		engine_emit(out, EFFECT_LOAD)->pfn = p;
		return;
	}
	if (created)
		engine_notice_first_ce(e, out, rec, dimm);
	engine_consider(e, out, rec, why == REASON_NONE ? by_fault : why);
}

/* Whether only the DIMM of the last event has erred within LOSS_SPAN. */
static bool engine_erred_alone(const struct engine *e)
{
	for (unsigned int i = DIMM_OTHER + 1; i < e->dimms.n; i++)
		if (i != e->losses.erring &&
		    usec_sub(e->now, usec(e->dimms.rec[i].last_seen)).us <= LOSS_SPAN)
			return false;
	return true;
}

/*
 * Lost events count for the DIMM that erred around them. If several did, they count for
 * DIMM_OTHER.
 */
static void engine_charge_lost(struct engine *e, uint64_t n)
{
	uint16_t index = engine_erred_alone(e) ? e->losses.erring : DIMM_OTHER;

	engine_add(&e->dimms.rec[index].corrected_errors, n);
	engine_add(&e->dimms.rec[index].unattributed, n);
	dimm_table_touch(&e->dimms, index);
}

/* Events that were lost before the first event are charged with the first event. */
static void engine_note_erring(struct engine *e, uint16_t dimm)
{
	e->losses.erring = dimm;
	if (e->losses.unowned > 0)
		engine_charge_lost(e, e->losses.unowned);
	e->losses.unowned = 0;
}

static void engine_count_event(struct engine *e, struct effects *out,
			       const struct ce_event *ev)
{
	unsigned int known = e->dimms.n;
	uint16_t dimm = dimm_table_intern(&e->dimms, &e->cfg, ev);
	enum result why;

	e->totals.events++;
	e->totals_dirty = true;
	if (e->totals.last_event < ev->time.us)
		e->totals.last_event = ev->time.us;
	engine_note_erring(e, dimm);
	/* Now: after a crash the stored indexes must have no gap. */
	if (e->dimms.n > known)
		engine_store_dimm(e, out, dimm);
	why = engine_judge_address(e, ev);
	if (!ce_history_join(e->history, ev, dimm, why))
		engine_open_row(e, out, ev, dimm, why);
	engine_charge_dimm(e, out, ev, dimm, why);
	if (why == RESULT_NONE)
		engine_charge_page(e, out, ev, dimm);
	else if (why != RESULT_UNCORRECTED)
		engine_fault_place(e, out, ev, dimm);
	engine_report_verdict(e, out, dimm);
}

static void engine_count_future_event(struct engine *e, struct effects *out,
				      const struct ce_event *future)
{
	struct ce_event ev = *future;

	ev.time = e->now;
	engine_count_event(e, out, &ev);
}

static void engine_take_event(struct engine *e, struct effects *out,
			      const struct ce_event *ev)
{
	if (ev->time.us <= e->now.us)
		engine_count_event(e, out, ev);
	else
		engine_count_future_event(e, out, ev);
}

static void engine_take_lost(struct engine *e, struct effects *out,
			     const struct input *in)
{
	struct notice r = { .kind = NOTICE_EVENTS_LOST, .count = in->lost.count };

	e->losses.at = e->now;
	engine_add(&e->totals.events_lost, in->lost.count);
	e->totals_dirty = true;
	if (!in->lost.known_to_dimms && e->losses.erring == DIMM_OTHER)
		engine_add(&e->losses.unowned, in->lost.count);
	else if (!in->lost.known_to_dimms)
		engine_charge_lost(e, in->lost.count);
	engine_notice(e, out, &r);
}

static void engine_take_malformed(struct engine *e, struct effects *out, uint64_t pages)
{
	struct notice r = { .kind = NOTICE_MALFORMED, .count = pages };

	e->losses.at = e->now;
	engine_add(&e->totals.malformed, pages);
	e->totals_dirty = true;
	engine_notice(e, out, &r);
}

static void engine_take_gap(struct engine *e, struct effects *out, const struct input *in)
{
	struct notice r = { .kind = NOTICE_TRACE_CHANGED,
			    .changes = in->gap.changes,
			    .error = in->gap.error };

	if (in->gap.since.us > 0)
		r.span = usec_sub(e->now, in->gap.since);
	if (trace_changes_hide(in->gap.changes)) {
		r.count = 1;
		e->losses.gap_at = e->now;
		engine_add(&e->totals.gaps, 1);
		e->totals_dirty = true;
	}
	engine_notice(e, out, &r);
}

static void engine_flush(struct engine *e, struct effects *out)
{
	const struct action_row *row;
	struct page_rec *rec;

	while (out->n < MAX_EFFECTS && ce_history_pending(e->history) > 0) {
		struct effect *f = engine_emit(out, EFFECT_STORE_CE);

		ce_history_take(e->history, &f->ce);
	}
	while (out->n < MAX_EFFECTS && (rec = ce_tracker_take_dirty(e->tracker)))
		engine_emit(out, EFFECT_STORE_PAGE)->page = rec;
	/* Before the totals: these hold what the attempts spent. */
	while (out->n < MAX_EFFECTS && (row = attempts_take_unstored(&e->attempts)))
		engine_store_action(e, out, row);
	engine_store_cells(e, out);
	engine_store_dimms(e, out);
	if (out->n < MAX_EFFECTS && e->totals_dirty)
		engine_store_totals(e, out);
	out->more = engine_is_dirty(e);
}

bool engine_is_dirty(const struct engine *e)
{
	return ce_history_pending(e->history) > 0 || ce_tracker_has_dirty(e->tracker) ||
	       fault_map_has_dirty(e->faults) || e->dimms.n_dirty > 0 ||
	       e->attempts.unstored > 0 || e->totals_dirty;
}

/* One case for each kind, so that the compiler names the kind that is forgotten. */
static int engine_dispatch(struct engine *e, const struct input *in, struct effects *out)
{
	if (e->restored && input_is_restore(in->kind))
		return -EINVAL;
	switch (in->kind) {
	case INPUT_TICK:
		break;
	case INPUT_EVENT:
		engine_take_event(e, out, in->event);
		break;
	case INPUT_FAILURE:
		engine_take_failure(e, out, in->failure);
		break;
	case INPUT_SOFT:
		engine_take_soft(e, out, in);
		break;
	case INPUT_LOST:
		engine_take_lost(e, out, in);
		break;
	case INPUT_MALFORMED:
		engine_take_malformed(e, out, in->lost.count);
		break;
	case INPUT_GAP:
		engine_take_gap(e, out, in);
		break;
	case INPUT_PROBE:
		return engine_take_probe(e, out, in);
	case INPUT_ANSWER:
		return engine_take_answer(e, out, in);
	case INPUT_BYSTANDER:
		e->poison.suspect = in->bystander;
		break;
	case INPUT_POISON:
		engine_take_poison(e, out, in->poisoned_kib);
		break;
	case INPUT_FRAME:
		engine_take_frame(e, out, in);
		break;
	case INPUT_MACHINE:
		engine_take_machine(e, &in->machine);
		break;
	case INPUT_RAM:
		e->ram = *in->ram;
		break;
	case INPUT_KERNEL:
		engine_take_kernel(e, out, &in->kernel);
		break;
	case INPUT_SOURCE:
		engine_take_source(e, out, in->source);
		break;
	case INPUT_CONFIG:
		return engine_take_config(e, in->config);
	case INPUT_REQUEST_OFFLINE:
		engine_request_offline(e, out, in);
		break;
	case INPUT_REQUEST_FORGET:
		engine_request_forget(e, out, in);
		break;
	case INPUT_MODULE:
		return engine_take_module(e, out, in);
	case INPUT_SLOT:
		return engine_take_slot(e, out, in);
	case INPUT_CONTROLLERS:
		engine_take_controllers(e, in);
		break;
	case INPUT_REQUEST_FORGET_DIMM:
		engine_request_forget_dimm(e, out, in->index);
		break;
	case INPUT_LOADED:
		engine_take_loaded(e, out, in);
		break;
	case INPUT_RESTORE_TOTALS:
		engine_restore_totals(e, in->totals);
		break;
	case INPUT_MEMORY:
		engine_restore_memory(e, in);
		break;
	case INPUT_RESTORE_DIMM:
		engine_restore_dimm(e, in);
		break;
	case INPUT_RESTORE_CELL:
		engine_restore_cell(e, in);
		break;
	case INPUT_RESTORE_PAGE:
		engine_restore_page(e, in);
		break;
	case INPUT_RESTORE_ACTION:
		engine_restore_action(e, out, in);
		break;
	case INPUT_ABSORB:
		engine_take_absorb(e, out, in);
		break;
	case INPUT_RESTORE_DONE:
		engine_restore_done(e, out, in);
		break;
	case INPUT_UNSTORED:
		engine_mark_unstored(e);
		break;
	case INPUT_FLUSH:
		engine_flush(e, out);
		break;
	}
	return 0;
}

/* False if engine_start_next() would do nothing. */
static bool engine_has_work(const struct engine *e)
{
	return ce_tracker_waiting(e->tracker) > 0 || e->requests.n > 0 ||
	       e->hold.by_answer || e->hour_used_up;
}

int engine_step(struct engine *e, const struct input *in, struct effects *effects)
{
	int r;

	effects->n = 0;
	effects->more = false;
	e->now = usec_max(e->now, in->now);
	r = engine_dispatch(e, in, effects);
	if (r < 0 || in->kind == INPUT_FLUSH || in->kind == INPUT_UNSTORED)
		return r;
	if (e->notices.suppressed > 0)
		engine_tick_notices(e, effects);
	if (e->now.us >= e->reconcile_at.us)
		engine_tick_poison(e, effects);
	engine_tick_kernel(e, effects);
	if (engine_has_work(e))
		engine_start_next(e, effects);
	return 0;
}

/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * The engine's front door: takes inputs, judges what an event is worth, charges DIMM and
 * page, and hands on. It does no I/O, asks for no time, and keeps nothing that it could
 * not be given back after a restart.
 */

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "engine_internal.h"

/*
 * Counts come from firmware and may be anything that fits 32 bits; held here so that a
 * sum over years cannot wrap.
 */
static void add(uint64_t *total, uint64_t n)
{
	if (__builtin_add_overflow(*total, n, total))
		*total = UINT64_MAX;
}

int engine_new(struct engine **ret, const struct config *cfg, unsigned int page_shift)
{
	struct engine *e = calloc(1, sizeof(*e));
	int r;

	if (!e)
		return -ENOMEM;
	e->cfg = *cfg;
	e->page_shift = page_shift;
	e->machine.page_shift = page_shift;
	e->poisoned_kib = -1;
	e->bystander = POISON_OTHER;
	e->totals.last_event = INT64_MIN;
	e->totals.last_offline = INT64_MIN;
	e->totals.next_action_id = 1;
	e->reconcile_at = usec(USEC_NEVER);
	e->kernel = (struct kernel_state){ true, true, true };
	e->n_dimms = 1;
	memcpy(e->dimms[DIMM_OTHER].label, "other memory", sizeof("other memory"));
	engine_index_dimm(e, DIMM_OTHER);
	r = ce_tracker_new(&e->tracker, cfg->tracker.max_tracked_pages,
			   config_max_page_threshold(cfg));
	if (r >= 0)
		r = ce_history_new(&e->history, HISTORY_SLOTS);
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
		free(e);
	}
	return NULL;
}

bool engine_in_ram(const struct engine *e, paddr_t a)
{
	unsigned int lo = 0;
	unsigned int hi = e->ram.n;

	if (!e->ram.known)
		return true;
	while (lo < hi) {
		unsigned int mid = (lo + hi) / 2;

		if (a.addr > e->ram.ranges[mid].end.addr)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo < e->ram.n && a.addr >= e->ram.ranges[lo].start.addr;
}

/* Why no page can be charged with the event; RESULT_NONE if one can. */
static enum result judge_address(const struct engine *e, const struct ce_event *ev)
{
	if (ev->severity != CE_CORRECTED)
		return RESULT_UNCORRECTED;
	if (!ev->has_address || ev->address.addr == 0)
		return RESULT_NO_ADDRESS;
	if (ev->grain_bits > e->page_shift)
		return RESULT_COARSE_GRAIN;
	if (!engine_in_ram(e, ev->address))
		return RESULT_NOT_RAM;
	return RESULT_NONE;
}

static void keep_history(struct engine *e, struct effects *out, const struct ce_event *ev,
			 uint16_t dimm, enum result why)
{
	struct ce_row closed;
	struct ce_row row = {
		.first = ev->time.us,
		.last = ev->time.us,
		.address = ev->has_address ? ev->address.addr : 0,
		.has_address = ev->has_address && ev->address.addr != 0,
		.count = ev->count ? ev->count : 1,
		.events = 1,
		.dimm = dimm,
		.severity = (uint8_t)ev->severity,
		.grain_bits = ev->grain_bits,
		.unattributed = (uint8_t)why,
		.overflow = ev->overflow,
	};

	if (ce_history_add(e->history, &row, &closed))
		engine_emit(out, EFFECT_STORE_CE)->ce = closed;
}

static void charge_dimm(struct engine *e, struct effects *out, const struct ce_event *ev,
			uint16_t index, enum result why)
{
	struct dimm_rec *d = &e->dimms[index];
	uint64_t n = ev->count ? ev->count : 1;
	struct report r = { .dimm = index,
			    .result = why,
			    .count = n,
			    .has_pfn = ev->has_address && ev->address.addr != 0,
			    .pfn = paddr_to_pfn(ev->address, e->page_shift) };

	engine_touch_dimm(e, index);
	d->last_seen = d->last_seen > ev->time.us ? d->last_seen : ev->time.us;
	d->overflow = d->overflow || ev->overflow;
	if (ev->severity == CE_INFO)
		return;
	if (why == RESULT_UNCORRECTED) {
		add(&d->uncorrected_errors, n);
		add(&e->totals.uncorrected_errors, n);
		r.kind = REPORT_UNCORRECTED;
		engine_report(e, out, &r);
		return;
	}
	add(&d->corrected_errors, n);
	add(&e->totals.corrected_errors, n);
	if (why == RESULT_NONE)
		return;
	if (d->unattributed == 0) {
		r.kind = REPORT_UNATTRIBUTED;
		engine_report(e, out, &r);
	}
	add(&d->unattributed, n);
	add(&e->totals.unattributed, n);
}

static struct page_rec *new_page(struct engine *e, struct effects *out, pfn_t p)
{
	const struct page_rec *evicted;
	struct page_rec *rec = ce_tracker_add(e->tracker, p, &evicted);

	if (evicted) {
		engine_emit(out, EFFECT_STORE_PAGE)->page = evicted;
		e->more_stored = true;
	}
	return rec;
}

static void charge_page(struct engine *e, struct effects *out, const struct ce_event *ev,
			uint16_t dimm)
{
	pfn_t p = paddr_to_pfn(ev->address, e->page_shift);
	struct page_rec *rec = ce_tracker_find(e->tracker, p);
	const struct threshold *limit = &e->rules[dimm].page;
	bool created = !rec;
	bool crossed;

	if (created) {
		rec = new_page(e, out, p);
		rec->loading = e->more_stored && e->restored;
	}
	/* What a DIMM's budget was charged with stays with that DIMM. */
	if (!rec->by_us)
		rec->dimm = dimm;
	add(&rec->corrected_errors, ev->count ? ev->count : 1);
	crossed = page_rec_crosses(rec, ev->time, limit->count, limit->window);
	ce_tracker_stamp(e->tracker, rec, ev->time);
	ce_tracker_touch(e->tracker, rec);
	if (rec->loading) {
		engine_emit(out, EFFECT_LOAD)->pfn = p;
		return;
	}
	if (created) {
		struct report r = engine_page_report(e, REPORT_PAGE_FIRST_CE, rec);

		e->dimms[dimm].pages++;
		engine_report(e, out, &r);
	}
	engine_consider(e, out, rec, crossed);
}

static void take_event(struct engine *e, struct effects *out,
		       const struct ce_event *given)
{
	struct ce_event ev = *given;
	unsigned int known = e->n_dimms;
	enum result why;
	uint16_t dimm;

	ev.time = usec_min(ev.time, e->now);
	e->totals.events++;
	e->totals_dirty = true;
	if (e->totals.last_event < ev.time.us)
		e->totals.last_event = ev.time.us;
	dimm = engine_intern_dimm(e, &ev);
	/* At once, so that after a crash no stored index follows one that is missing. */
	if (e->n_dimms > known)
		engine_store_dimm(e, out, dimm);
	why = judge_address(e, &ev);
	keep_history(e, out, &ev, dimm, why);
	charge_dimm(e, out, &ev, dimm, why);
	if (why == RESULT_NONE)
		charge_page(e, out, &ev, dimm);
}

static void take_lost(struct engine *e, struct effects *out, const struct input *in)
{
	bool malformed = in->kind == INPUT_MALFORMED;
	struct report r = { .kind = malformed ? REPORT_MALFORMED : REPORT_EVENTS_LOST,
			    .count = in->lost.count };

	e->lost_at = e->now;
	add(malformed ? &e->totals.malformed : &e->totals.events_lost, in->lost.count);
	e->totals_dirty = true;
	engine_report(e, out, &r);
}

static void flush(struct engine *e, struct effects *out)
{
	struct page_rec *rec;

	while (out->n < MAX_EFFECTS && ce_history_open(e->history) > 0) {
		struct effect *f = engine_emit(out, EFFECT_STORE_CE);

		ce_history_take(e->history, &f->ce);
	}
	while (out->n < MAX_EFFECTS && (rec = ce_tracker_take_dirty(e->tracker)))
		engine_emit(out, EFFECT_STORE_PAGE)->page = rec;
	engine_store_dimms(e, out);
	if (out->n < MAX_EFFECTS && e->totals_dirty)
		engine_store_totals(e, out);
	out->more = engine_is_dirty(e);
}

bool engine_is_dirty(const struct engine *e)
{
	return ce_history_open(e->history) > 0 || ce_tracker_has_dirty(e->tracker) ||
	       e->dirty_dimms > 0 || e->totals_dirty;
}

static void take_surroundings(struct engine *e, const struct input *in)
{
	if (in->kind == INPUT_RAM) {
		e->ram = *in->ram;
		return;
	}
	e->machine = in->machine;
	e->machine.page_shift = e->page_shift;
}

static int dispatch(struct engine *e, const struct input *in, struct effects *out)
{
	switch (in->kind) {
	case INPUT_TICK:
		break;
	case INPUT_EVENT:
		take_event(e, out, in->event);
		break;
	case INPUT_FAILURE:
		engine_take_failure(e, out, in->failure);
		break;
	case INPUT_LOST:
	case INPUT_MALFORMED:
		take_lost(e, out, in);
		break;
	case INPUT_PROBE:
		return engine_take_probe(e, out, in);
	case INPUT_ANSWER:
		return engine_take_answer(e, out, in);
	case INPUT_BYSTANDER:
		e->bystander = in->bystander;
		break;
	case INPUT_POISON:
		engine_take_poison(e, out, in->poisoned_kib);
		break;
	case INPUT_FRAME:
		engine_take_frame(e, out, in);
		break;
	case INPUT_MACHINE:
	case INPUT_RAM:
		take_surroundings(e, in);
		break;
	case INPUT_KERNEL:
		engine_take_kernel(e, out, &in->kernel);
		break;
	case INPUT_CONFIG:
		return engine_take_config(e, in->config);
	case INPUT_REQUEST_OFFLINE:
	case INPUT_REQUEST_FORGET:
	case INPUT_REQUEST_FORGET_DIMM:
		engine_take_request(e, out, in);
		break;
	case INPUT_LOADED:
		engine_take_loaded(e, out, in);
		break;
	case INPUT_RESTORE_PAGE:
	case INPUT_RESTORE_DIMM:
	case INPUT_RESTORE_ACTION:
	case INPUT_RESTORE_TOTALS:
	case INPUT_RESTORE_DONE:
		return engine_take_restore(e, out, in);
	case INPUT_UNSTORED:
		engine_forget_stored(e);
		break;
	case INPUT_FLUSH:
		flush(e, out);
		break;
	}
	return 0;
}

int engine_step(struct engine *e, const struct input *in, struct effects *effects)
{
	int r;

	effects->n = 0;
	effects->more = false;
	e->now = usec_max(e->now, in->now);
	r = dispatch(e, in, effects);
	if (r < 0 || in->kind == INPUT_FLUSH || in->kind == INPUT_UNSTORED)
		return r;
	engine_tick_reports(e, effects);
	engine_tick_poison(e, effects);
	engine_pump(e, effects);
	return 0;
}

/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * A new configuration in a running engine: rebuilds the table of pages if its limits
 * changed, resolves the rules again, and ends the wait of refused pages. It does not know
 * where the configuration comes from, and changes no page's state.
 */

#include <errno.h>

#include "engine/engine_internal.h"

static void reload_move_record(struct ce_tracker *t, const struct ce_tracker *from,
			       const struct page_rec *old)
{
	const struct page_rec *evicted;
	struct page_rec *rec = ce_tracker_add(t, pfn(old->pfn), &evicted);

	rec->dimm = old->dimm;
	ce_tracker_merge(t, rec, old);
	rec->in_flight = old->in_flight;
	rec->loading = old->loading;
	rec->referenced = old->referenced;
	if (old->state == PAGE_PENDING)
		ce_tracker_set_waiting(t, rec, ce_tracker_waiting_since(from, old));
	if (old->dirty)
		ce_tracker_touch(t, rec);
	if (old->queue == QUEUE_READY)
		ce_tracker_make_ready(t, rec);
	else if (old->queue == QUEUE_DELAYED)
		ce_tracker_delay(t, rec, usec(old->not_before));
}

/* Lower moves first. A record in flight or loading must move: its answer looks for it. */
static int reload_order(const struct page_rec *old)
{
	if (old->in_flight || old->loading)
		return 0;
	return old->queue != QUEUE_NONE ? 1 : 2;
}

/*
 * Moves the records to a table made for the new limits. A record that finds no room was
 * flushed before, and is loaded from the database when its page errs again.
 */
static int reload_resize(struct engine *e, const struct config *cfg)
{
	struct ce_tracker *t;
	int r;

	r = ce_tracker_new(&t, cfg->tracker.max_tracked_pages,
			   config_max_page_threshold(cfg));
	if (r < 0)
		return r;
	if (ce_tracker_capacity(t) < 2 * e->attempts.n) {
		ce_tracker_free(t);
		return -EBUSY;
	}
	for (int pass = 0; pass < 3; pass++) {
		for (uint32_t i = 0; i < ce_tracker_slots(e->tracker); i++) {
			const struct page_rec *old = ce_tracker_peek_at(e->tracker, i);

			if (!old || reload_order(old) != pass)
				continue;
			if (ce_tracker_count(t) < ce_tracker_capacity(t))
				reload_move_record(t, e->tracker, old);
			else
				e->more_stored = true;
		}
	}
	ce_tracker_free(e->tracker);
	e->tracker = t;
	return 0;
}

/* What the old configuration refused, the new one judges at the page's next error. */
static void reload_end_waits(struct ce_tracker *t)
{
	for (uint32_t i = 0; i < ce_tracker_slots(t); i++) {
		struct page_rec *rec = ce_tracker_at(t, i);

		if (rec && rec->state == PAGE_REFUSED)
			rec->not_before = 0;
	}
}

int engine_take_config(struct engine *e, const struct config *cfg)
{
	bool resize =
		cfg->tracker.max_tracked_pages != e->cfg.tracker.max_tracked_pages ||
		config_max_page_threshold(cfg) != config_max_page_threshold(&e->cfg);
	int r = resize ? reload_resize(e, cfg) : 0;

	if (r < 0)
		return r;
	e->cfg = *cfg;
	e->hour_used_up = false;
	e->total_used_up = false;
	hold_drop_answer(&e->hold);
	dimm_table_set_rules(&e->dimms, &e->cfg);
	reload_end_waits(e->tracker);
	return 0;
}

/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * Pages that an earlier boot had offlined: their frames are in use again, and whether
 * they are offlined once more. That is done only where a frame number still names the
 * same DRAM, as far as fingerprints of the memory map and of the modules tell. It knows
 * nothing of how the fingerprints are made.
 */

#include "engine/engine_internal.h"

void engine_take_memory(struct engine *e, const struct input *in)
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
 * A page that was out of use, or was to be again. One that was found on other or unknown
 * memory once stays as it is: the fingerprint of its own boot is gone by the next.
 */
static bool replay_was_offlined(const struct page_rec *rec)
{
	if (rec->reason == REASON_REPLAYED && rec->state != PAGE_WATCHED)
		return true;
	if (rec->state == PAGE_OFFLINED)
		return true;
	return rec->state == PAGE_WATCHED && rec->result == RESULT_STALE &&
	       rec->reason == REASON_NONE;
}

/* Why a page is not offlined again; REASON_REPLAYED if it is, REASON_NONE: not wanted. */
static enum reason replay_judge(const struct engine *e, const struct page_rec *rec)
{
	/* Found only now: too late to tell which boot's fingerprint to compare. */
	if (e->restored)
		return REASON_MEMORY_UNKNOWN;
	if (e->replay.why != REASON_REPLAYED)
		return e->replay.why;
	/* The poison of others is no evidence against a page that never erred. */
	return e->cfg.replay.at_boot && rec->corrected_errors > 0 ? REASON_REPLAYED
								  : REASON_NONE;
}

void engine_reset_after_boot(struct engine *e, struct page_rec *rec)
{
	bool offlined = replay_was_offlined(rec);
	enum reason reason;

	if (rec->state == PAGE_WATCHED && !offlined)
		return;
	engine_move_page(e, rec, LIFE_REBOOTED);
	rec->reason = REASON_NONE;
	rec->tries = 0;
	rec->not_before = 0;
	rec->by_us = 0;
	/* Lest a restart in this boot compares the page with this boot's fingerprint. */
	ce_tracker_touch(e->tracker, rec);
	if (!offlined)
		return;
	e->replay.pages += !e->restored;
	reason = replay_judge(e, rec);
	if (reason == REASON_REPLAYED) {
		rec->result = RESULT_NONE;
		engine_enqueue(e, rec, LIFE_CHOSEN, reason);
		return;
	}
	rec->result = RESULT_STALE;
	rec->reason = reason;
}

void engine_report_replay(struct engine *e, struct effects *out)
{
	struct notice r = { .kind = NOTICE_REPLAY,
			    .reason = e->replay.why,
			    .count = e->replay.pages };

	if (e->replay.pages > 0 && e->cfg.replay.at_boot)
		engine_notice(e, out, &r);
}

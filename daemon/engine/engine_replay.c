/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * Pages that an earlier boot had offlined. Their frames are in use again, and this file
 * decides whether they are offlined again: only if a frame number still means the same
 * DRAM, by the fingerprints of the memory map and of the modules. It does not know how
 * the fingerprints are made.
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
 * Whether the page was offlined, or waited to be offlined again. A page that was once
 * found on changed or unknown memory is not compared again: the fingerprints of its own
 * boot are gone.
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

/* REASON_REPLAYED: offline it again; REASON_NONE: not wanted; else why it cannot be. */
static enum reason replay_judge(const struct engine *e, const struct page_rec *rec)
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
	/* Stored, or a restart would compare it with the fingerprints of this boot. */
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

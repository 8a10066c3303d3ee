/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * The poisoned-page counter (HardwareCorrupted), and whether what was offlined still is.
 * The ledger (poison_ledger.h) says who moved the counter; this file stores and reports
 * that. The counter alone proves nothing: it also counts hard failures, and after a
 * memory block went offline and came back it may count frames that are in use again
 * (mm/memory-failure.c and mm/memory_hotplug.c, 6.1). So frames are looked at.
 */

#include "engine/engine_internal.h"

static void poison_emit(struct engine *e, struct effects *out,
			const struct poison_entries *entries)
{
	for (unsigned int i = 0; i < entries->n; i++) {
		const struct poison_entry *entry = &entries->v[i];
		struct notice r = { .kind = NOTICE_POISON_MOVED,
				    .delta_kib = entry->moved_kib,
				    .cause = entry->row.cause };

		engine_emit(out, EFFECT_STORE_POISON)->poison = entry->row;
		if (entry->moved_kib == 0)
			continue;
		engine_notice(e, out, &r);
		engine_emit(out, EFFECT_RECONCILE);
	}
}

void engine_take_poison(struct engine *e, struct effects *out, int64_t kib)
{
	struct poison_entries entries;

	if (kib < 0 || e->attempts.n > 0)
		return; /* unknown, or about to be explained by an answer */
	poison_ledger_sample(&e->poison, kib, e->now, &entries);
	poison_emit(e, out, &entries);
}

void engine_poison_by_answer(struct engine *e, struct effects *out,
			     const struct action_row *row)
{
	struct poison_entries entries;

	poison_ledger_answer(&e->poison, row, e->now, &entries);
	poison_emit(e, out, &entries);
}

void engine_announce(struct engine *e, struct effects *out, const struct soft_event *ev,
		     enum poison_cause cause)
{
	struct poison_entries entries;

	poison_ledger_announce(&e->poison, ev, cause, e->now, &entries);
	poison_emit(e, out, &entries);
}

void engine_take_failure(struct engine *e, struct effects *out,
			 const struct failure_event *f)
{
	poison_ledger_note_failure(&e->poison, f->pfn);
	if (ce_tracker_peek(e->tracker, f->pfn))
		engine_emit(out, EFFECT_RECONCILE);
}

/* A frame that should be poisoned is in use again: memory was offline and came back. */
static void poison_frame_in_use(struct engine *e, struct effects *out,
				struct page_rec *rec)
{
	struct notice r;
	bool by_us = rec->by_us;

	engine_unmark_offlined(e, rec);
	if (by_us) {
		rec->tries = 0;
		engine_enqueue(e, rec, LIFE_CHOSEN, REASON_REPLAYED);
	} else {
		rec->result = RESULT_STALE;
	}
	r = engine_page_notice(e, NOTICE_POISON_LOST, rec);
	engine_notice(e, out, &r);
}

static void poison_frame_gone(struct engine *e, struct effects *out, struct page_rec *rec)
{
	struct action_row row =
		engine_new_action(e, rec, ACTION_OBSERVE, RESULT_ALREADY, FRAME_POISONED);

	engine_settle(e, out, rec, &row);
}

void engine_take_frame(struct engine *e, struct effects *out, const struct input *in)
{
	const struct frame *frame = &in->frame.frame;
	struct page_rec *rec = ce_tracker_find(e->tracker, in->frame.pfn);

	if (!rec || rec->in_flight || !frame->readable || frame->absent)
		return;
	if (rec->state == PAGE_OFFLINED && !frame_is_poisoned(frame))
		poison_frame_in_use(e, out, rec);
	else if (rec->state != PAGE_OFFLINED && frame_is_poisoned(frame))
		poison_frame_gone(e, out, rec);
}

void engine_tick_poison(struct engine *e, struct effects *out)
{
	if (!e->restored || e->now.us < e->reconcile_at.us)
		return;
	e->reconcile_at = usec_add(e->now, usec(USEC_PER_DAY));
	engine_emit(out, EFFECT_RECONCILE);
}

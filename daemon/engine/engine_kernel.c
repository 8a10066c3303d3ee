/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * What is seen of the kernel: its state (hold.h says whether it refuses), whether it shows
 * us errors (sight.h), its counter of
 * poisoned pages, HardwareCorrupted (poison_ledger.h says who moved it), and the frames
 * of tracked pages. What the objects return becomes effects here. The counter alone
 * proves nothing: it also counts hard failures, and after a memory block went offline and
 * came back it may count frames that are in use again (mm/memory-failure.c and
 * mm/memory_hotplug.c, 6.1). So frames are looked at.
 */

#include "engine/engine_internal.h"

static void kernel_emit_hold(struct engine *e, struct effects *out, struct hold_news news)
{
	struct notice r = { .result = news.result,
			    .error = news.error,
			    .retry_at = news.retry_at };

	switch (news.kind) {
	case HOLD_NOTHING:
		return;
	case HOLD_LOOK:
		engine_emit(out, EFFECT_KERNEL);
		return;
	case HOLD_BEGAN:
		r.kind = NOTICE_HOLD;
		break;
	case HOLD_RELEASED:
		r.kind = NOTICE_RELEASED;
		break;
	}
	engine_notice(e, out, &r);
}

void engine_tick_kernel(struct engine *e, struct effects *out)
{
	if (e->now.us >= e->hold.look_at.us)
		kernel_emit_hold(e, out, hold_look(&e->hold));
}

bool engine_wait_for_kernel(struct engine *e, struct effects *out, struct request *q)
{
	if (!q->kernel_seen)
		kernel_emit_hold(e, out, hold_ask(&e->hold));
	q->kernel_seen = true;
	return e->hold.looking;
}

void engine_take_kernel(struct engine *e, struct effects *out,
			const struct kernel_state *seen)
{
	e->collector_acts = seen->collector_acts;
	kernel_emit_hold(e, out, hold_take_kernel(&e->hold, seen, e->now));
}

void engine_hold_by_answer(struct engine *e, struct effects *out,
			   const struct action_row *row)
{
	kernel_emit_hold(e, out,
			 hold_refused(&e->hold, row, e->totals.next_action_id, e->now));
}

void engine_answered(struct engine *e, struct effects *out, const struct action_row *row)
{
	if (policy_retry(&e->cfg, row->result, 0) != RETRY_HOLD)
		kernel_emit_hold(e, out, hold_obeyed(&e->hold, row));
}

/*
 * Blindness is said again by each life of the daemon; its end also if an earlier life said
 * it. Where errors are seen although something is in the way, the way is not blind.
 */
void engine_take_source(struct engine *e, struct effects *out,
			const struct sight_facts *facts)
{
	enum sight_cause before = e->sight.cause;
	struct notice r = { .kind = NOTICE_BLIND };

	if (!sight_take(&e->sight, facts, e->now, e->totals.last_event))
		return;
	if (before == SIGHT_CAUSE_NONE)
		before = (enum sight_cause)e->totals.sight;
	e->totals.sight = e->sight.cause;
	e->totals_dirty = true;
	r.sight = e->sight.cause;
	if (sight_cause_state(r.sight) == SIGHT_OK) {
		if (sight_cause_state(before) == SIGHT_OK)
			return;
		r.kind = NOTICE_SEES;
		r.sight = before;
	}
	engine_notice(e, out, &r);
}

static void kernel_emit_entries(struct engine *e, struct effects *out,
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
	kernel_emit_entries(e, out, &entries);
}

void engine_poison_by_answer(struct engine *e, struct effects *out,
			     const struct action_row *row)
{
	struct poison_entries entries;

	poison_ledger_answer(&e->poison, row, e->now, &entries);
	kernel_emit_entries(e, out, &entries);
}

void engine_announce(struct engine *e, struct effects *out, const struct soft_event *ev,
		     enum poison_cause cause)
{
	struct poison_entries entries;

	poison_ledger_announce(&e->poison, ev, cause, e->now, &entries);
	kernel_emit_entries(e, out, &entries);
}

void engine_take_failure(struct engine *e, struct effects *out,
			 const struct failure_event *f)
{
	poison_ledger_note_failure(&e->poison, f->pfn);
	if (ce_tracker_peek(e->tracker, f->pfn))
		engine_emit(out, EFFECT_RECONCILE);
}

/* A frame that should be poisoned is in use again: memory was offline and came back. */
static void kernel_frame_in_use(struct engine *e, struct effects *out,
				struct page_rec *rec)
{
	bool by_us = rec->by_us;

	engine_unmark_offlined(e, rec);
	if (by_us) {
		rec->tries = 0;
		engine_enqueue(e, rec, LIFE_CHOSEN, REASON_REPLAYED);
	} else {
		rec->result = RESULT_STALE;
	}
	engine_notice_page(e, out, NOTICE_POISON_LOST, rec);
}

void engine_frame_poisoned(struct engine *e, struct effects *out, struct page_rec *rec)
{
	struct action_row row;

	if (engine_found_by_kernel(e, out, rec))
		return;
	row = engine_new_action(e, rec, ACTION_OBSERVE, RESULT_ALREADY, FRAME_POISONED);
	engine_settle(e, out, rec, &row);
}

void engine_take_frame(struct engine *e, struct effects *out, const struct input *in)
{
	const struct frame *frame = &in->frame.frame;
	struct page_rec *rec = ce_tracker_find(e->tracker, in->frame.pfn);

	if (!rec || rec->in_flight || !frame->readable || frame->absent)
		return;
	if (rec->state == PAGE_OFFLINED && !frame_is_poisoned(frame))
		kernel_frame_in_use(e, out, rec);
	else if (rec->state != PAGE_OFFLINED && frame_is_poisoned(frame))
		engine_frame_poisoned(e, out, rec);
}

void engine_tick_poison(struct engine *e, struct effects *out)
{
	if (!e->restored || e->now.us < e->reconcile_at.us)
		return;
	e->reconcile_at = usec_add(e->now, usec(USEC_PER_DAY));
	engine_emit(out, EFFECT_RECONCILE);
}

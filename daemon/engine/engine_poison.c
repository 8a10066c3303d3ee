/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * The poisoned-page counter (HardwareCorrupted) and whose doing its moves are (the
 * kernel's events tell, or where it has none a guess), and whether what was offlined
 * still is. The counter alone proves nothing: it also counts hard failures, and after a
 * memory block went offline and came back it may count frames that are in use again
 * (mm/memory-failure.c and mm/memory_hotplug.c, 6.1). So frames are looked at.
 */

#include <string.h>

#include "engine/engine_internal.h"

static void store(struct engine *e, struct effects *out, int64_t kib,
		  enum poison_cause cause, pfn_t p)
{
	struct effect *f = engine_emit(out, EFFECT_STORE_POISON);

	f->poison = (struct poison_row){
		.time = e->now.us,
		.kib = kib,
		.delta_kib = e->poisoned_kib < 0 ? 0 : kib - e->poisoned_kib,
		.cause = cause,
		.pfn = p.n,
	};
	e->poisoned_kib = kib;
}

static int64_t page_kib(const struct engine *e)
{
	return INT64_C(1) << (e->page_shift - 10);
}

void engine_announce(struct engine *e, struct effects *out, const struct soft_event *ev,
		     enum poison_cause cause)
{
	struct announced *a = &e->announced[cause];

	/* The counter moves while the request runs: the last sample may have been early
	 * enough to see that and too early to know whose doing it was. */
	if (e->unexplained_kib >= page_kib(e) &&
	    ev->time.us - ev->duration_usec <= e->unexplained_at.us) {
		e->unexplained_kib -= page_kib(e);
		store(e, out, e->poisoned_kib, cause, ev->pfn);
		return;
	}
	if (a->pages < UINT32_MAX)
		a->pages++;
	a->pfn = ev->pfn;
}

/* Stores what soft_offline_event announced, as far as the counter has moved to @kib. */
static void store_announced(struct engine *e, struct effects *out, int64_t kib)
{
	for (int cause = 0; cause < POISON_CAUSE_MAX_; cause++) {
		struct announced *a = &e->announced[cause];
		int64_t pages = (kib - e->poisoned_kib) / page_kib(e);

		if (pages <= 0)
			return;
		if (pages > a->pages)
			pages = a->pages;
		if (pages == 0)
			continue;
		store(e, out, e->poisoned_kib + pages * page_kib(e),
		      (enum poison_cause)cause, pages == 1 ? a->pfn : pfn(0));
		a->pages -= (uint32_t)pages;
	}
}

/* What no event of the kernel's soft offline explains. */
static void moved_unannounced(struct engine *e, struct effects *out, int64_t kib)
{
	struct notice r = { .kind = NOTICE_POISON_MOVED,
			    .delta_kib = kib - e->poisoned_kib };
	int64_t by_failure = r.delta_kib < e->failure_kib ? r.delta_kib : e->failure_kib;
	int64_t before = e->poisoned_kib;

	if (r.delta_kib < 0) {
		r.cause = POISON_RELEASED;
		store(e, out, kib, POISON_RELEASED, pfn(0));
		engine_notice(e, out, &r);
	} else {
		if (by_failure > 0) {
			e->failure_kib -= by_failure;
			store(e, out, before + by_failure, POISON_MEMORY_FAILURE,
			      e->failure_pfn);
		}
		r.cause =
			by_failure == r.delta_kib ? POISON_MEMORY_FAILURE : e->bystander;
		e->unexplained_kib = r.delta_kib - by_failure;
		e->unexplained_at = e->now;
		if (r.cause != POISON_MEMORY_FAILURE)
			store(e, out, kib, r.cause, pfn(0));
		engine_notice(e, out, &r);
	}
	engine_emit(out, EFFECT_RECONCILE);
}

/* The counter is at @kib, and nothing that we did explains the difference. */
static void moved_by_others(struct engine *e, struct effects *out, int64_t kib)
{
	store_announced(e, out, kib);
	if (kib != e->poisoned_kib)
		moved_unannounced(e, out, kib);
}

void engine_take_poison(struct engine *e, struct effects *out, int64_t kib)
{
	if (kib < 0 || e->attempts.n > 0)
		return; /* unknown, or about to be explained by an answer */
	if (e->poisoned_kib < 0)
		store(e, out, kib, POISON_START, pfn(0));
	else if (kib != e->poisoned_kib)
		moved_by_others(e, out, kib);
	else
		store(e, out, kib, POISON_SAMPLE, pfn(0));
	/* What has not moved the counter by now never will. */
	e->failure_kib = 0;
	memset(e->announced, 0, sizeof(e->announced));
}

void engine_poison_by_answer(struct engine *e, struct effects *out,
			     const struct action_row *row)
{
	int64_t ours = row->result == RESULT_OFFLINED ? page_kib(e) : 0;
	int64_t before = row->poisoned_before_kib;
	int64_t after = row->poisoned_after_kib;

	if (before < 0 || after < 0 || row->result == RESULT_DRY_RUN)
		return;
	if (e->poisoned_kib >= 0 && before != e->poisoned_kib)
		moved_by_others(e, out, before);
	if (ours > after - before)
		ours = after - before > 0 ? after - before : 0;
	if (e->poisoned_kib < 0)
		e->poisoned_kib = before;
	if (ours > 0)
		store(e, out, before + ours, POISON_OFFLINED, pfn(row->pfn));
	if (after != e->poisoned_kib)
		moved_by_others(e, out, after);
}

void engine_take_failure(struct engine *e, struct effects *out,
			 const struct failure_event *f)
{
	e->failure_kib += page_kib(e);
	e->failure_pfn = f->pfn;
	if (ce_tracker_peek(e->tracker, f->pfn))
		engine_emit(out, EFFECT_RECONCILE);
}

/* A frame that should be poisoned is in use again: memory was offline and came back. */
static void found_in_use(struct engine *e, struct effects *out, struct page_rec *rec)
{
	struct notice r;
	bool by_us = rec->by_us;

	engine_unmark_offlined(e, rec);
	if (by_us) {
		rec->tries = 0;
		engine_enqueue(e, rec, REASON_REPLAYED);
	} else {
		rec->state = PAGE_WATCHED;
		rec->result = RESULT_STALE;
	}
	r = engine_page_notice(e, NOTICE_POISON_LOST, rec);
	engine_notice(e, out, &r);
}

static void found_poisoned(struct engine *e, struct effects *out, struct page_rec *rec)
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
		found_in_use(e, out, rec);
	else if (rec->state != PAGE_OFFLINED && frame_is_poisoned(frame))
		found_poisoned(e, out, rec);
}

void engine_tick_poison(struct engine *e, struct effects *out)
{
	if (!e->restored || e->now.us < e->reconcile_at.us)
		return;
	e->reconcile_at = usec_add(e->now, usec(USEC_PER_DAY));
	engine_emit(out, EFFECT_RECONCILE);
}

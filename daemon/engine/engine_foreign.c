/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * Soft-offline requests that are not ours, as soft_offline_event reports them. Each is
 * recorded with who asked. A page that is gone counts as offlined by somebody else. A
 * failed request becomes ours if there is cause for it: a request of the kernel (for
 * firmware or RAS_CEC) is cause enough, a program's is not unless our own records have
 * errors of the page. The policy decides what follows: this file asks the kernel for
 * nothing and knows no budget.
 *
 * Kernels without that event are silent about their own collector's requests. There a
 * frame that turned poisoned without us and without another program tells.
 */

#include "engine/engine_internal.h"

/* How far the trace's clock may differ from CLOCK_BOOTTIME as we read it. */
#define SLACK_USEC INT64_C(10000)

/* The collector's request runs as soon as its processor is free; the contents of a page
 * are moved in milliseconds. It does not try again. */
#define COLLECTOR_WAIT (3 * USEC_PER_SEC)

/* The counter is looked at every minute. */
#define KERNEL_REACTS (2 * USEC_PER_MINUTE)

/*
 * The thread that asked decides, unless its number means nothing to us: in a container,
 * or if the event is older than this process and may be of the process before it.
 */
static bool foreign_is_ours(const struct engine *e, const struct input *in)
{
	const struct soft_event *ev = in->soft.event;
	const struct page_rec *rec = ce_tracker_peek(e->tracker, ev->pfn);

	if (ev->origin == SOFT_BY_KERNEL || ev->origin == SOFT_BY_MADVISE)
		return false;
	if (ev->time.us < e->restored_at.us)
		return rec && rec->attempts > 0;
	switch (in->soft.asker) {
	case SOFT_ASKER_US:
		return true;
	case SOFT_ASKER_OTHERS:
		return false;
	case SOFT_ASKER_UNKNOWN:
		break;
	}
	return attempts_made_event(&e->attempts, ev, SLACK_USEC);
}

static enum reason foreign_reason(enum soft_origin origin)
{
	switch (origin) {
	case SOFT_BY_KERNEL:
		return REASON_KERNEL_REQUEST;
	case SOFT_BY_MADVISE:
		return REASON_MADVISE_REQUEST;
	case SOFT_BY_SYSFS:
	case SOFT_BY_UNKNOWN:
	case SOFT_ORIGIN_MAX_:
		break;
	}
	return REASON_PROGRAM_REQUEST;
}

static enum poison_cause foreign_cause(enum soft_origin origin)
{
	switch (origin) {
	case SOFT_BY_KERNEL:
		return POISON_KERNEL;
	case SOFT_BY_MADVISE:
		return POISON_MADVISE;
	case SOFT_BY_SYSFS:
		return POISON_PROGRAM;
	case SOFT_BY_UNKNOWN:
	case SOFT_ORIGIN_MAX_:
		break;
	}
	return POISON_OTHER;
}

static bool foreign_is_done(const struct soft_event *ev)
{
	return ev->error == 0;
}

/* The frame was in use before this request and is not now. */
static bool foreign_has_moved(const struct soft_event *ev)
{
	return foreign_is_done(ev) && ev->outcome != SOFT_ALREADY_POISONED;
}

static enum result foreign_result(const struct soft_event *ev)
{
	const struct offline_answer answer = { .error = ev->error };

	if (foreign_is_done(ev))
		return foreign_has_moved(ev) ? RESULT_OFFLINED : RESULT_ALREADY;
	return policy_classify(&answer);
}

/*
 * Whether a failed request becomes ours. If an operator has the kernel refuse its own
 * requests, a refusal is no failure: then only the counted errors decide.
 */
static bool foreign_has_cause(const struct engine *e, const struct soft_event *ev,
			      const struct page_rec *rec)
{
	enum retry_kind retry = policy_retry(&e->cfg, foreign_result(ev), 1);

	if (retry != RETRY_BACKOFF && retry != RETRY_HOURLY && retry != RETRY_NEXT_CE)
		return false;
	return ev->origin == SOFT_BY_KERNEL || (rec && rec->corrected_errors > 0);
}

/* Puts the page in line. Returns when it is tried, 0 if no timer decides that. */
static usec_t foreign_adopt(struct engine *e, struct effects *out, struct page_rec *rec,
			    const struct soft_event *ev)
{
	enum result result = foreign_result(ev);
	usec_t when = usec_add(e->now, usec(USEC_PER_HOUR));

	if (rec->state == PAGE_FAILED || rec->state == PAGE_REFUSED)
		engine_consider(e, out, rec, (enum reason)rec->reason);
	if (rec->state != PAGE_WATCHED)
		return usec(0);
	engine_enqueue(e, rec, LIFE_CHOSEN, foreign_reason(ev->origin));
	rec->result = result;
	rec->tries = 1;
	if (policy_retry(&e->cfg, result, 1) != RETRY_HOURLY)
		when = usec_add(e->now, policy_backoff(&e->cfg, 1));
	ce_tracker_delay(e->tracker, rec, when);
	return when;
}

static void foreign_take_as_offlined(struct engine *e, struct page_rec *rec,
				     enum reason reason)
{
	if (rec->state == PAGE_OFFLINED)
		return;
	engine_mark_offlined(e, rec, RESULT_ALREADY);
	rec->reason = reason;
}

static void foreign_record_as(struct engine *e, struct effects *out,
			      const struct page_rec *rec, const struct soft_event *ev,
			      enum reason reason, usec_t retry_at)
{
	struct action_row row = {
		.id = e->totals.next_action_id++,
		.time = usec_min(ev->time, e->now).us,
		.pfn = ev->pfn.n,
		.action = ACTION_FOREIGN,
		.reason = reason,
		.result = foreign_result(ev),
		.page_type = ev->kind,
		.error = ev->error,
		.duration_usec = ev->duration_usec,
		.poisoned_before_kib = -1,
		.poisoned_after_kib = -1,
		.dimm = rec ? rec->dimm : DIMM_OTHER,
		.outcome = ev->outcome,
	};
	struct notice r = {
		.kind = NOTICE_FOREIGN,
		.pfn = ev->pfn,
		.has_pfn = true,
		.dimm = row.dimm,
		.reason = row.reason,
		.result = row.result,
		.count = rec ? rec->corrected_errors : 0,
		.error = ev->error,
		.retry_at = retry_at,
		.page_type = ev->kind,
		.duration_usec = ev->duration_usec,
		.outcome = ev->outcome,
	};

	engine_store_action(e, out, &row);
	if (rec)
		engine_emit(out, EFFECT_STORE_PAGE)->page = rec;
	engine_store_spent(e, out); /* or a crash would let the id be used twice */
	engine_notice(e, out, &r);
}

static void foreign_record(struct engine *e, struct effects *out,
			   const struct page_rec *rec, const struct soft_event *ev,
			   usec_t retry_at)
{
	foreign_record_as(e, out, rec, ev, foreign_reason(ev->origin), retry_at);
}

/* @rec: what is known of the page, by the database too; NULL if nothing is. */
static void foreign_settle(struct engine *e, struct effects *out, struct page_rec *rec,
			   const struct soft_event *ev)
{
	bool keep = foreign_has_moved(ev) || foreign_has_cause(e, ev, rec);
	usec_t retry_at = usec(0);

	if (!rec && keep) {
		rec = engine_new_page(e, out, ev->pfn);
		rec->first_seen = e->now.us;
	}
	/* If a probe or an attempt of ours is under way, its result decides. */
	if (rec && !rec->in_flight && foreign_is_done(ev))
		foreign_take_as_offlined(e, rec, foreign_reason(ev->origin));
	else if (rec && !rec->in_flight && keep)
		retry_at = foreign_adopt(e, out, rec, ev);
	foreign_record(e, out, rec, ev, retry_at);
}

void engine_foreign_loaded(struct engine *e, struct effects *out, struct page_rec *rec)
{
	struct soft_event ev = e->foreign.event;
	pfn_t p = pfn(rec->pfn);

	if (!e->foreign.waiting || ev.pfn.n != p.n)
		return;
	e->foreign.waiting = false;
	/* The record was made only to ask the database, which knows nothing of the page. */
	if (rec->n_stamps == 0 && rec->state == PAGE_WATCHED && !foreign_has_moved(&ev) &&
	    rec->corrected_errors == 0 && !foreign_has_cause(e, &ev, rec)) {
		ce_tracker_remove(e->tracker, rec);
		rec = NULL;
	}
	foreign_settle(e, out, rec, &ev);
}

static void foreign_load_first(struct engine *e, struct effects *out,
			       const struct soft_event *ev)
{
	struct page_rec *rec = engine_new_page(e, out, ev->pfn);

	rec->first_seen = e->now.us;
	rec->loading = 1;
	e->foreign.waiting = true;
	e->foreign.event = *ev;
	engine_emit(out, EFFECT_LOAD)->pfn = ev->pfn;
}

static void foreign_take_ours(struct engine *e, struct effects *out,
			      const struct soft_event *ev)
{
	const struct page_rec *rec = ce_tracker_peek(e->tracker, ev->pfn);
	struct attempt *a = attempts_find_page(&e->attempts, ev->pfn);

	if (a)
		a->row.outcome = ev->outcome;
	/* Of the process before this one, which could not record the answer. */
	else if (ev->time.us < e->restored_at.us && foreign_is_done(ev) && rec &&
		 rec->state != PAGE_OFFLINED)
		engine_emit(out, EFFECT_RECONCILE);
}

usec_t engine_wait_for_collector(const struct engine *e)
{
	return usec(e->collector_acts == FACT_YES ? COLLECTOR_WAIT : 0);
}

/*
 * Who must have poisoned @rec's frame. It had an error and no attempt of ours; no program
 * wrote to soft_offline_page since the last look, and no hard failure named the frame. Then
 * it is the collector, if it acts. If it is not known whether one acts, or if that is not
 * true any more, the kernel acted soon after the error, for firmware or for its collector.
 */
static enum reason foreign_judge_found(const struct engine *e, const struct page_rec *rec)
{
	usec_t since = usec_sub(e->now, page_rec_last_seen(rec));

	if (rec->corrected_errors == 0 || rec->attempts > 0 ||
	    e->poison.suspect == POISON_PROGRAM || e->poison.failure_pfn.n == rec->pfn)
		return REASON_NONE;
	if (e->collector_acts == FACT_YES)
		return REASON_COLLECTOR;
	if (e->poison.suspect == POISON_KERNEL && since.us <= KERNEL_REACTS)
		return REASON_KERNEL_REQUEST;
	return REASON_NONE;
}

bool engine_found_by_kernel(struct engine *e, struct effects *out, struct page_rec *rec)
{
	enum reason reason = foreign_judge_found(e, rec);
	struct soft_event ev = { .pfn = pfn(rec->pfn), .time = usec(rec->first_seen) };

	if (reason == REASON_NONE)
		return false;
	/* The counter may have moved any time since the page's first error. */
	if (reason == REASON_COLLECTOR)
		engine_announce(e, out, &ev, POISON_COLLECTOR);
	ev.time = e->now;
	foreign_take_as_offlined(e, rec, reason);
	foreign_record_as(e, out, rec, &ev, reason, usec(0));
	return true;
}

void engine_take_soft(struct engine *e, struct effects *out, const struct input *in)
{
	const struct soft_event *ev = in->soft.event;
	struct page_rec *rec = ce_tracker_find(e->tracker, ev->pfn);
	paddr_t a = pfn_to_paddr(ev->pfn, e->page_shift);
	bool is_page = paddr_to_pfn(a, e->page_shift).n == ev->pfn.n &&
		       ram_map_contains(&e->ram, a);

	if (foreign_is_ours(e, in)) {
		foreign_take_ours(e, out, ev);
		return;
	}
	if (foreign_has_moved(ev))
		engine_announce(e, out, ev, foreign_cause(ev->origin));
	if (rec && rec->loading) {
		foreign_record(e, out, NULL, ev, usec(0));
		return;
	}
	if (!rec && foreign_is_done(ev) && !foreign_has_moved(ev))
		return; /* the frame was poisoned before: nothing has changed */
	if (!is_page)
		foreign_record(e, out, NULL, ev, usec(0));
	else if (!rec && e->more_stored && !e->foreign.waiting)
		foreign_load_first(e, out, ev);
	else
		foreign_settle(e, out, rec, ev);
}

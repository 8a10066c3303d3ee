/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * Soft-offline requests that are not ours, as soft_offline_event tells of them: they are
 * recorded with who asked, a page that is gone counts as offlined by somebody else, and a
 * request that failed is taken over if there is cause for it. Firmware or RAS_CEC behind
 * a request of the kernel are cause enough; a program's word is not, unless the page has
 * erred by our own records. What follows then is the policy's: this file neither asks the
 * kernel for anything nor knows a budget.
 */

#include "engine/engine_internal.h"

/* Between the trace's clock and CLOCK_BOOTTIME as read by us. */
#define SLACK_USEC INT64_C(10000)

/*
 * The thread that asked tells, unless its number says nothing to us: in a container, or
 * if the event is older than this process and may be a predecessor's.
 */
static bool is_ours(const struct engine *e, const struct input *in)
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

static enum reason reason_of(enum soft_origin origin)
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

static enum poison_cause cause_of(enum soft_origin origin)
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

static bool is_done(const struct soft_event *ev)
{
	return ev->error == 0;
}

/* The frame was in use before this request and is not now. */
static bool has_moved(const struct soft_event *ev)
{
	return is_done(ev) && ev->outcome != SOFT_ALREADY_POISONED;
}

static enum result result_of(const struct soft_event *ev)
{
	const struct offline_answer answer = { .error = ev->error };

	if (is_done(ev))
		return has_moved(ev) ? RESULT_OFFLINED : RESULT_ALREADY;
	return policy_classify(&answer);
}

/*
 * Whether a failed request becomes ours. What the kernel was told to refuse is no
 * failure: who turned its own initiative off wants the policy to decide, by the errors
 * that are counted.
 */
static bool has_cause(const struct engine *e, const struct soft_event *ev,
		      const struct page_rec *rec)
{
	enum retry_kind retry = policy_retry(&e->cfg, result_of(ev), 1);

	if (retry != RETRY_BACKOFF && retry != RETRY_HOURLY && retry != RETRY_NEXT_CE)
		return false;
	return ev->origin == SOFT_BY_KERNEL || (rec && rec->corrected_errors > 0);
}

/* Returns when it is tried, 0 if not by a timer. */
static usec_t adopt(struct engine *e, struct effects *out, struct page_rec *rec,
		    const struct soft_event *ev)
{
	enum result result = result_of(ev);
	usec_t when = usec_add(e->now, usec(USEC_PER_HOUR));

	if (rec->state == PAGE_FAILED || rec->state == PAGE_REFUSED)
		engine_consider(e, out, rec, (enum reason)rec->reason);
	if (rec->state != PAGE_WATCHED)
		return usec(0);
	engine_enqueue(e, rec, LIFE_CHOSEN, reason_of(ev->origin));
	rec->result = result;
	rec->tries = 1;
	if (policy_retry(&e->cfg, result, 1) != RETRY_HOURLY)
		when = usec_add(e->now, policy_backoff(&e->cfg, 1));
	ce_tracker_delay(e->tracker, rec, when);
	return when;
}

static void take_as_offlined(struct engine *e, struct page_rec *rec,
			     const struct soft_event *ev)
{
	if (rec->state == PAGE_OFFLINED)
		return;
	engine_mark_offlined(e, rec, RESULT_ALREADY);
	rec->reason = reason_of(ev->origin);
}

static void record(struct engine *e, struct effects *out, const struct page_rec *rec,
		   const struct soft_event *ev, usec_t retry_at)
{
	struct action_row row = {
		.id = e->totals.next_action_id++,
		.time = usec_min(ev->time, e->now).us,
		.pfn = ev->pfn.n,
		.action = ACTION_FOREIGN,
		.reason = reason_of(ev->origin),
		.result = result_of(ev),
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
	engine_store_spent(e, out); /* with it, lest a crash has the id used twice */
	engine_notice(e, out, &r);
}

/* @rec: what is known of the page, also by the database; NULL if nothing is. */
static void settle(struct engine *e, struct effects *out, struct page_rec *rec,
		   const struct soft_event *ev)
{
	bool keep = has_moved(ev) || has_cause(e, ev, rec);
	usec_t retry_at = usec(0);

	if (!rec && keep) {
		rec = engine_new_page(e, out, ev->pfn);
		rec->first_seen = e->now.us;
	}
	/* Of a page that we are at, the probe or the answer will tell. */
	if (rec && !rec->in_flight && is_done(ev))
		take_as_offlined(e, rec, ev);
	else if (rec && !rec->in_flight && keep)
		retry_at = adopt(e, out, rec, ev);
	record(e, out, rec, ev, retry_at);
}

void engine_foreign_loaded(struct engine *e, struct effects *out, struct page_rec *rec)
{
	struct soft_event ev = e->foreign.event;
	pfn_t p = pfn(rec->pfn);

	if (!e->foreign.waiting || ev.pfn.n != p.n)
		return;
	e->foreign.waiting = false;
	/* Made only to ask the database, which knows nothing of it. */
	if (rec->n_stamps == 0 && rec->state == PAGE_WATCHED && !has_moved(&ev) &&
	    rec->corrected_errors == 0 && !has_cause(e, &ev, rec)) {
		ce_tracker_remove(e->tracker, rec);
		rec = NULL;
	}
	settle(e, out, rec, &ev);
}

static void load_first(struct engine *e, struct effects *out, const struct soft_event *ev)
{
	struct page_rec *rec = engine_new_page(e, out, ev->pfn);

	rec->first_seen = e->now.us;
	rec->loading = 1;
	e->foreign.waiting = true;
	e->foreign.event = *ev;
	engine_emit(out, EFFECT_LOAD)->pfn = ev->pfn;
}

static void take_ours(struct engine *e, struct effects *out, const struct soft_event *ev)
{
	const struct page_rec *rec = ce_tracker_peek(e->tracker, ev->pfn);
	struct attempt *a = attempts_find_page(&e->attempts, ev->pfn);

	if (a)
		a->row.outcome = ev->outcome;
	/* A predecessor's, of which it could not tell us. */
	else if (ev->time.us < e->restored_at.us && is_done(ev) && rec &&
		 rec->state != PAGE_OFFLINED)
		engine_emit(out, EFFECT_RECONCILE);
}

void engine_take_soft(struct engine *e, struct effects *out, const struct input *in)
{
	const struct soft_event *ev = in->soft.event;
	struct page_rec *rec = ce_tracker_find(e->tracker, ev->pfn);
	paddr_t a = pfn_to_paddr(ev->pfn, e->page_shift);
	bool is_page = paddr_to_pfn(a, e->page_shift).n == ev->pfn.n &&
		       ram_map_contains(&e->ram, a);

	if (is_ours(e, in)) {
		take_ours(e, out, ev);
		return;
	}
	if (has_moved(ev))
		engine_announce(e, out, ev, cause_of(ev->origin));
	if (rec && rec->loading) {
		record(e, out, NULL, ev, usec(0));
		return;
	}
	if (!rec && is_done(ev) && !has_moved(ev))
		return; /* asked for in vain: nothing has changed */
	if (!is_page)
		record(e, out, NULL, ev, usec(0));
	else if (!rec && e->more_stored && !e->foreign.waiting)
		load_first(e, out, ev);
	else
		settle(e, out, rec, ev);
}

/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * From "this page should go" to an answered attempt: which page is next, whether budgets
 * and policy allow it, what the probe shows, what the kernel answered. Here a page is
 * chosen, retried or refused; what follows from an answer is engine_settle.c's.
 */

#include <errno.h>
#include <string.h>

#include "base/mem.h"
#include "engine/engine_internal.h"

/* Action=account waits for no budget and no hold: such pages are first in the line. */
static bool action_only_accounts(const struct engine *e, const struct page_rec *rec)
{
	return e->dimms.rule[rec->dimm].action == POLICY_ACCOUNT;
}

void engine_line_up(struct engine *e, struct page_rec *rec)
{
	if (action_only_accounts(e, rec))
		ce_tracker_make_first(e->tracker, rec);
	else
		ce_tracker_make_ready(e->tracker, rec);
}

void engine_enqueue(struct engine *e, struct page_rec *rec, enum life_event event,
		    enum reason reason)
{
	engine_move_page(e, rec, event);
	rec->reason = reason;
	engine_line_up(e, rec);
	ce_tracker_touch(e->tracker, rec);
}

/* Whether a failed or refused page is tried again because it erred again. */
static bool action_may_retry(const struct engine *e, const struct page_rec *rec,
			     bool crossed)
{
	enum result result = (enum result)rec->result;

	/* The probe refused it and nothing was written: another probe costs nothing, and
	 * a memory block may be online again. */
	if (rec->state == PAGE_REFUSED &&
	    (result == RESULT_UNMOVABLE || result == RESULT_NOT_RAM))
		return crossed;
	if (policy_retry(&e->cfg, result, rec->tries) != RETRY_NEXT_CE)
		return false;
	return rec->state == PAGE_FAILED || crossed;
}

bool engine_may_go_again(const struct engine *e, const struct page_rec *rec)
{
	if (e->now.us >= rec->not_before)
		return true;
	/* What held it back is no more; an hour of errors is not waited for. */
	return rec->result == RESULT_WIDE_FAULT && !engine_fault_forbids(e, rec);
}

/* Pages spent of the total budget. If the past is unknown, all poisoned pages count. */
static uint64_t action_spent_pages(const struct engine *e)
{
	uint64_t ours = dimm_table_offlined(&e->dimms);
	uint64_t all =
		e->poison.kib > 0 ? (uint64_t)e->poison.kib >> (e->page_shift - 10) : 0;

	return e->past_unknown && all > ours ? all : ours;
}

/* Why @rec is refused without a probe; RESULT_NONE if nothing is against it. */
static enum result action_judge_page(const struct engine *e, const struct page_rec *rec)
{
	if (action_only_accounts(e, rec))
		return RESULT_ACCOUNT;
	if (action_spent_pages(e) >= policy_total_limit(&e->cfg, &e->machine))
		return RESULT_BUDGET_TOTAL;
	if (dimm_table_module_offlined(&e->dimms, rec->dimm) >=
	    e->cfg.budget.pages_per_dimm)
		return RESULT_BUDGET_DIMM;
	return engine_fault_forbids(e, rec) ? RESULT_WIDE_FAULT : RESULT_NONE;
}

/* Whether something other than its turn is between @rec and its first attempt. */
static bool action_must_wait(struct engine *e, const struct page_rec *rec)
{
	return action_judge_page(e, rec) == RESULT_NONE &&
	       (e->hold.why != RESULT_NONE || e->now.us < e->memory_wait.us ||
		!budget_allows(&e->budget, &e->cfg, e->now));
}

/*
 * The outcome is reported with the threshold that was reached. A page that has to wait for
 * its outcome is reported now.
 */
static void action_choose(struct engine *e, struct effects *out, struct page_rec *rec,
			  enum reason why)
{
	usec_t wait = engine_wait_for_collector(e);

	rec->result = RESULT_NONE;
	rec->tries = 0;
	engine_enqueue(e, rec, LIFE_CHOSEN, why);
	if (wait.us > 0)
		ce_tracker_delay(e->tracker, rec, usec_add(e->now, wait));
	if (e->restored && action_must_wait(e, rec))
		engine_notice_page(e, out, NOTICE_PAGE_THRESHOLD, rec);
}

void engine_consider(struct engine *e, struct effects *out, struct page_rec *rec,
		     enum reason why)
{
	bool crossed = why != REASON_NONE;

	switch ((enum page_state)rec->state) {
	case PAGE_WATCHED:
		if (crossed)
			action_choose(e, out, rec, why);
		break;
	case PAGE_FAILED:
	case PAGE_REFUSED:
		if (engine_may_go_again(e, rec) && action_may_retry(e, rec, crossed))
			engine_enqueue(e, rec, LIFE_RETRIED, (enum reason)rec->reason);
		break;
	case PAGE_PENDING:
	case PAGE_OFFLINED:
	case PAGE_STATE_MAX_:
		break;
	}
}

static void action_report_budget(struct engine *e, struct effects *out, uint16_t dimm,
				 enum result result)
{
	uint16_t first = dimm_table_first_rank(&e->dimms, dimm);
	bool *used_up = result == RESULT_BUDGET_DIMM ? &e->dimms.budget_used_up[first]
						     : &e->total_used_up;
	struct notice r = { .kind = NOTICE_BUDGET, .dimm = dimm, .result = result };

	if (*used_up)
		return;
	*used_up = true;
	r.count = result == RESULT_BUDGET_DIMM
			  ? dimm_table_module_offlined(&e->dimms, dimm)
			  : action_spent_pages(e);
	engine_notice(e, out, &r);
}

/* A page that is refused again for the same reason is not reported again. */
static void action_refuse(struct engine *e, struct effects *out, struct page_rec *rec,
			  enum result result, enum frame_kind kind)
{
	bool news = rec->result != (unsigned int)result;
	struct action_row row;
	struct notice r;

	ce_tracker_unqueue(e->tracker, rec);
	engine_move_page(e, rec, LIFE_REFUSED);
	rec->result = result;
	rec->not_before = usec_add(e->now, usec(USEC_PER_HOUR)).us;
	ce_tracker_touch(e->tracker, rec);
	if (result == RESULT_BUDGET_DIMM || result == RESULT_BUDGET_TOTAL)
		action_report_budget(e, out, rec->dimm, result);
	if (!news)
		return;
	row = engine_new_action(e, rec, ACTION_REFUSE, result, kind);
	e->totals.attempts[result]++;
	engine_store_action(e, out, &row);
	engine_store_spent(e,
			   out); /* the row's id must not be used twice after a crash */
	r = engine_page_notice(e, NOTICE_PAGE_REFUSED, rec);
	r.page_type = kind;
	engine_notice(e, out, &r);
}

/* True if the hour's budget lets no page through now; reported when it begins to. */
static bool action_hour_blocks(struct engine *e, struct effects *out)
{
	struct notice r = { .kind = NOTICE_BUDGET, .result = RESULT_BUDGET_HOUR };

	if (budget_allows(&e->budget, &e->cfg, e->now)) {
		e->hour_used_up = false;
		return false;
	}
	if (!e->hour_used_up) {
		e->hour_used_up = true;
		r.count = budget_used_last_hour(&e->budget, e->now);
		r.retry_at = budget_next(&e->budget, &e->cfg, e->now);
		engine_notice(e, out, &r);
	}
	return true;
}

/* Pages of its module that are offlined, or may soon be. */
static uint64_t action_reserved_of_module(const struct engine *e, uint16_t dimm)
{
	uint64_t n = dimm_table_module_offlined(&e->dimms, dimm) +
		     attempts_on_dimm(&e->attempts, dimm);

	for (uint16_t i = e->dimms.next[dimm]; i != dimm; i = e->dimms.next[i])
		n += attempts_on_dimm(&e->attempts, i);
	return n;
}

/* How many pages of its module may be offlined. */
static uint64_t action_module_limit(const struct engine *e, const struct page_rec *rec)
{
	uint64_t limit = e->cfg.budget.pages_per_dimm;
	uint64_t wide = e->dimms.rule[rec->dimm].wide_fault_pages;

	if (fault_is_wide(dimm_table_module_class(&e->dimms, rec->dimm)) && wide < limit)
		return wide;
	return limit;
}

/*
 * The page to spend on if more pages wait than @rec's DIMM, whose fault is wide, may still
 * spend: the one with the most errors of those of its module.
 */
static struct page_rec *action_hottest(const struct engine *e, struct page_rec *rec)
{
	uint64_t limit = action_module_limit(e, rec);
	struct page_rec *best = rec, *other = rec;

	if (!fault_is_wide(dimm_table_module_class(&e->dimms, rec->dimm)) ||
	    dimm_table_module_offlined(&e->dimms, rec->dimm) +
			    ce_tracker_ready(e->tracker) <=
		    limit)
		return rec;
	while ((other = ce_tracker_next_ready(e->tracker, other)))
		if (!other->loading && other->corrected_errors > best->corrected_errors &&
		    dimm_table_first_rank(&e->dimms, other->dimm) ==
			    dimm_table_first_rank(&e->dimms, rec->dimm) &&
		    action_judge_page(e, other) == RESULT_NONE)
			best = other;
	return best;
}

/* Whether the attempts under way may use up what a budget has left for @rec. */
static bool action_budgets_reserved(const struct engine *e, const struct page_rec *rec)
{
	unsigned int n = e->attempts.n;

	if (n == 0)
		return false;
	return action_spent_pages(e) + n >= policy_total_limit(&e->cfg, &e->machine) ||
	       action_reserved_of_module(e, rec->dimm) >= action_module_limit(e, rec) ||
	       !budget_holds(&e->budget, &e->cfg, e->now, n + 1);
}

static void action_request_probe(struct engine *e, struct effects *out,
				 struct page_rec *rec)
{
	ce_tracker_unqueue(e->tracker, rec);
	rec->in_flight = 1;
	e->pending_probe.set = true;
	e->pending_probe.pfn = pfn(rec->pfn);
	engine_emit(out, EFFECT_PROBE)->pfn = e->pending_probe.pfn;
}

/* Starts the first request of an operator. True if no other page may start now. */
static bool action_start_request(struct engine *e, struct effects *out)
{
	struct request *q = e->requests.v;
	struct page_rec *rec;
	enum result why;

	if (e->requests.n == 0)
		return false;
	if (engine_wait_for_kernel(e, out, q))
		return true;
	why = e->hold.why;
	rec = ce_tracker_find(e->tracker, q->pfn);
	if (rec && (rec->loading || rec->in_flight))
		return true;
	e->pending_probe =
		(struct pending_probe){ .by_operator = true, .cookie = q->cookie };
	if (!rec)
		why = RESULT_INTERRUPTED;
	else if (rec->state == PAGE_OFFLINED)
		why = RESULT_ALREADY; /* offlined while the request waited */
	if (why != RESULT_NONE)
		engine_reply(out, q->cookie, q->pfn, why, 0);
	memmove(q, q + 1, --e->requests.n * sizeof(*q));
	if (why != RESULT_NONE)
		return false;
	engine_move_page(e, rec, LIFE_REQUESTED);
	rec->reason = REASON_OPERATOR;
	rec->tries = 0;
	ce_tracker_touch(e->tracker, rec);
	action_request_probe(e, out, rec);
	return true;
}

static void action_wake_delayed(struct engine *e)
{
	struct page_rec *rec;

	while ((rec = ce_tracker_first_delayed(e->tracker)) &&
	       rec->not_before <= e->now.us)
		engine_line_up(e, rec);
}

static bool action_is_accounted(const void *userdata, const struct page_rec *rec)
{
	return action_only_accounts(userdata, rec);
}

/* Counts what Action=account leaves in use, whatever the other pages wait for. */
static void action_refuse_accounted(struct engine *e, struct effects *out)
{
	struct page_rec *rec;

	if (e->dimms.rules_changed)
		ce_tracker_sort_ready(e->tracker, action_is_accounted, e);
	e->dimms.rules_changed = false;
	while ((rec = ce_tracker_first_ready(e->tracker)) && !rec->loading &&
	       action_only_accounts(e, rec) && out->n + EFFECTS_RESERVE <= MAX_EFFECTS)
		action_refuse(e, out, rec, RESULT_ACCOUNT, FRAME_UNKNOWN);
}

void engine_start_next(struct engine *e, struct effects *out)
{
	struct page_rec *rec;

	action_wake_delayed(e);
	hold_run_out(&e->hold, e->now);
	if (!e->restored)
		return;
	action_refuse_accounted(e, out);
	if (e->pending_probe.set ||
	    !attempts_may_start(&e->attempts, ce_tracker_capacity(e->tracker)) ||
	    action_start_request(e, out))
		return;
	/* The size of memory is not known, so a budget in percent has no value. */
	if (e->machine.unread && e->machine.ram_pages == 0)
		return;
	if (!ce_tracker_first_ready(e->tracker))
		e->hour_used_up = false;
	while ((rec = ce_tracker_first_ready(e->tracker)) &&
	       out->n + EFFECTS_RESERVE <= MAX_EFFECTS) {
		enum result why = action_judge_page(e, rec);

		if (rec->loading)
			return;
		if (why != RESULT_NONE) {
			action_refuse(e, out, rec, why, FRAME_UNKNOWN);
			continue;
		}
		if (e->hold.why != RESULT_NONE || e->now.us < e->memory_wait.us ||
		    action_budgets_reserved(e, rec) || action_hour_blocks(e, out))
			return;
		e->pending_probe = (struct pending_probe){ 0 };
		action_request_probe(e, out, action_hottest(e, rec));
		return;
	}
}

static void action_start_attempt(struct engine *e, struct effects *out,
				 struct page_rec *rec, const struct frame *frame)
{
	struct action_row row =
		engine_new_action(e, rec, ACTION_OFFLINE, RESULT_NONE, frame_kind(frame));
	uint64_t page_kib = UINT64_C(1) << (e->page_shift - 10);
	struct attempt *a;
	struct effect *f;

	row.poisoned_after_kib = -1;
	a = attempts_start(&e->attempts, &row, e->now);
	a->by_operator = e->pending_probe.by_operator;
	a->cookie = e->pending_probe.cookie;
	a->costs_kib = frame->huge_kib > page_kib ? frame->huge_kib : page_kib;
	if (rec->attempts < 63)
		rec->attempts++;
	ce_tracker_touch(e->tracker, rec);
	engine_store_action(e, out, &row);
	engine_emit(out, EFFECT_STORE_PAGE)->page = rec;
	engine_store_spent(e, out);
	f = engine_emit(out, EFFECT_OFFLINE);
	f->attempt.id = row.id;
	f->attempt.pfn = e->pending_probe.pfn;
	f->attempt.rule = &e->dimms.rule[rec->dimm];
}

/*
 * Memory is short or cannot be read. That is not the page's fault: it does not count as a
 * try, and every other page waits as well.
 */
static void action_wait_for_memory(struct engine *e, struct effects *out,
				   struct page_rec *rec, enum result why)
{
	struct notice r;

	if (rec->result != (unsigned int)why) {
		rec->result = why;
		r = engine_page_notice(e, NOTICE_PAGE_FAILED, rec);
		r.retry_at = usec_add(e->now, usec(MEMORY_WAIT));
		engine_notice(e, out, &r);
	}
	e->memory_wait = usec_add(e->now, usec(MEMORY_WAIT));
	engine_move_page(e, rec, LIFE_POSTPONED);
	ce_tracker_delay(e->tracker, rec, e->memory_wait);
	ce_tracker_touch(e->tracker, rec);
}

/*
 * The least memory that is available when all attempts under way are done. The sample may
 * or may not include some of them already; so the cost of all is subtracted. Pressure is
 * an average over ten seconds, updated every two (kernel/sched/psi.c, 6.1): one sample
 * can serve a group of attempts.
 */
static struct machine action_machine_after(const struct engine *e)
{
	struct machine m = e->machine;
	uint64_t kib = attempts_cost_kib(&e->attempts);

	m.available_kib = m.available_kib > kib ? m.available_kib - kib : 0;
	return m;
}

void engine_take_machine(struct engine *e, const struct machine *seen)
{
	uint64_t ram_pages = seen->unread ? e->machine.ram_pages : seen->ram_pages;

	e->machine = *seen;
	e->machine.ram_pages = ram_pages;
	e->machine.page_shift = e->page_shift;
}

int engine_take_probe(struct engine *e, struct effects *out, const struct input *in)
{
	const struct frame *frame = &in->probe.frame;
	struct machine machine;
	enum result wait = RESULT_NONE;
	struct page_rec *rec;
	enum result why;

	if (!e->pending_probe.set || e->pending_probe.pfn.n != in->probe.pfn.n)
		return -EINVAL;
	e->pending_probe.set = false;
	rec = ce_tracker_find(e->tracker, e->pending_probe.pfn);
	engine_take_machine(e, &in->probe.machine);
	machine = action_machine_after(e);
	why = policy_check_frame(&e->dimms.rule[rec->dimm], frame);
	if (why == RESULT_NONE)
		wait = policy_check_memory(&e->cfg, &machine);
	if (why == RESULT_NONE && wait == RESULT_NONE) {
		action_start_attempt(e, out, rec, frame);
		return 0;
	}
	rec->in_flight = 0;
	if (why == RESULT_ALREADY) {
		engine_frame_poisoned(e, out, rec);
	} else if (wait != RESULT_NONE) {
		why = wait;
		action_wait_for_memory(e, out, rec, wait);
	} else {
		action_refuse(e, out, rec, why, frame_kind(frame));
	}
	if (e->pending_probe.by_operator)
		engine_reply(out, e->pending_probe.cookie, pfn(rec->pfn), why, 0);
	return 0;
}

/* The attempt never began: no try, no charge, and the next probe decides again. */
static void action_call_off(struct engine *e, struct effects *out, struct page_rec *rec,
			    struct attempt *ended)
{
	ended->row.result = RESULT_INTERRUPTED;
	ended->row.error = ECANCELED;
	e->totals.attempts[RESULT_INTERRUPTED]++;
	engine_move_page(e, rec, LIFE_POSTPONED);
	engine_line_up(e, rec);
	ce_tracker_touch(e->tracker, rec);
	engine_store_action(e, out, &ended->row);
	engine_emit(out, EFFECT_STORE_PAGE)->page = rec;
	engine_store_spent(e, out);
	if (ended->by_operator)
		engine_reply(out, ended->cookie, pfn(rec->pfn), RESULT_INTERRUPTED,
			     ECANCELED);
}

int engine_take_answer(struct engine *e, struct effects *out, const struct input *in)
{
	const struct offline_answer *a = &in->answer.answer;
	struct attempt *found = attempts_find(&e->attempts, in->answer.id);
	struct attempt ended;
	struct action_row *row = &ended.row;
	struct page_rec *rec;

	if (!found)
		return -EINVAL;
	ended = attempts_end(&e->attempts, found, e->now);
	rec = ce_tracker_find(e->tracker, pfn(row->pfn));
	rec->in_flight = 0;
	if (a->called_off) {
		action_call_off(e, out, rec, &ended);
		return 0;
	}
	row->result = policy_classify(a);
	/* Somebody else poisoned it after our look at the flags; only the kernel saw. */
	if (row->result == RESULT_OFFLINED && row->outcome == SOFT_ALREADY_POISONED)
		row->result = RESULT_ALREADY;
	row->error = a->error;
	row->duration_usec = a->duration_usec;
	if (a->before.readable)
		row->page_type = frame_kind(&a->before);
	row->poisoned_before_kib = a->poisoned_before_kib;
	row->poisoned_after_kib = a->poisoned_after_kib;
	attempts_adapt(&e->attempts, row->result == RESULT_DRY_RUN
					     ? RETRY_DONE
					     : policy_retry(&e->cfg, row->result, 0));
	engine_poison_by_answer(e, out, row);
	engine_settle(e, out, rec, row);
	if (!a->changed)
		engine_answered(e, out, row);
	if (ended.by_operator)
		engine_reply(out, ended.cookie, pfn(row->pfn), row->result, row->error);
	return 0;
}

static enum result action_judge_request(const struct engine *e, const struct input *in)
{
	const struct page_rec *rec = ce_tracker_peek(e->tracker, in->request.pfn);
	paddr_t a = pfn_to_paddr(in->request.pfn, e->page_shift);

	/* An address that does not fit 64 bits would wrap to another frame. */
	if (paddr_to_pfn(a, e->page_shift).n != in->request.pfn.n ||
	    !ram_map_contains(&e->ram, a))
		return RESULT_NOT_RAM;
	if (rec && rec->state == PAGE_OFFLINED)
		return RESULT_ALREADY;
	if (e->requests.n == MAX_REQUESTS || (rec && rec->in_flight))
		return RESULT_BUSY;
	return RESULT_NONE;
}

void engine_request_offline(struct engine *e, struct effects *out, const struct input *in)
{
	enum result why = action_judge_request(e, in);
	const struct page_rec *evicted;
	struct page_rec *rec;

	if (why != RESULT_NONE) {
		engine_reply(out, in->request.cookie, in->request.pfn, why, 0);
		return;
	}
	e->requests.v[e->requests.n++] =
		(struct request){ .pfn = in->request.pfn, .cookie = in->request.cookie };
	if (ce_tracker_peek(e->tracker, in->request.pfn))
		return;
	rec = ce_tracker_add(e->tracker, in->request.pfn, &evicted);
	rec->first_seen = e->now.us;
	if (evicted) {
		engine_emit(out, EFFECT_STORE_PAGE)->page = evicted;
		e->more_stored = true;
	}
	if (e->more_stored && e->restored) {
		rec->loading = 1;
		engine_emit(out, EFFECT_LOAD)->pfn = in->request.pfn;
	}
}

void engine_request_forget(struct engine *e, struct effects *out, const struct input *in)
{
	struct page_rec *rec = ce_tracker_find(e->tracker, in->request.pfn);
	struct action_row row = { .time = e->now.us,
				  .pfn = in->request.pfn.n,
				  .action = ACTION_FORGET,
				  .reason = REASON_OPERATOR,
				  .result = RESULT_FORGOTTEN,
				  .poisoned_before_kib = e->poison.kib,
				  .poisoned_after_kib = e->poison.kib };

	if (rec && (rec->in_flight || rec->loading)) {
		engine_reply(out, in->request.cookie, in->request.pfn, RESULT_BUSY,
			     EBUSY);
		return;
	}
	if (!rec && !e->more_stored) {
		engine_reply(out, in->request.cookie, in->request.pfn, RESULT_NONE,
			     ENOENT);
		return;
	}
	if (rec) {
		row.dimm = rec->dimm;
		ce_tracker_remove(e->tracker, rec);
	}
	engine_forget_cells(e, in->request.pfn);
	row.id = e->totals.next_action_id++;
	engine_store_action(e, out, &row);
	engine_store_spent(e, out);
	engine_emit(out, EFFECT_REMOVE_PAGE)->pfn = in->request.pfn;
	engine_reply(out, in->request.cookie, in->request.pfn, RESULT_FORGOTTEN, 0);
}

/* Offlined frames stay charged to the DIMM: forgetting does not un-poison them. */
void engine_request_forget_dimm(struct engine *e, struct effects *out, uint16_t index)
{
	struct dimm_rec *d;

	if (index >= e->dimms.n)
		return;
	d = &e->dimms.rec[index];
	d->corrected_errors = 0;
	d->uncorrected_errors = 0;
	d->unattributed = 0;
	d->pages = 0;
	d->overflow = false;
	d->first_seen = e->now.us;
	d->last_seen = e->now.us;
	d->fault = (struct dimm_fault){ .class = FAULT_NONE };
	fault_map_forget_dimm(e->faults, index);
	dimm_table_touch(&e->dimms, index);
	engine_emit(out, EFFECT_REMOVE_DIMM)->index = index;
	engine_report_verdict(e, out, index);
}

/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * Views of the engine for reports and metrics, and the verdict. Reads, changes nothing.
 */

#include "engine/engine_internal.h"
#include "track/dimm_module.h"
#include "track/machine_verdict.h"

static usec_t status_queue_deadline(const struct engine *e)
{
	/* While something is under way, its answer comes next. */
	if (e->pending_probe.set || e->hold.looking || e->attempts.n > 0 || !e->restored)
		return usec(USEC_NEVER);
	if (e->requests.n > 0)
		return e->now;
	if (!ce_tracker_first_ready(e->tracker) ||
	    (e->machine.unread && e->machine.ram_pages == 0))
		return usec(USEC_NEVER);
	if (e->hold.by_answer)
		return e->hold.until;
	if (e->hold.why != RESULT_NONE)
		return usec(USEC_NEVER);
	return usec_max(budget_next(&e->budget, &e->cfg, e->now), e->memory_wait);
}

usec_t engine_deadline(const struct engine *e)
{
	const struct page_rec *delayed = ce_tracker_first_delayed(e->tracker);
	usec_t at = status_queue_deadline(e);

	if (delayed)
		at = usec_min(at, usec(delayed->not_before));
	at = usec_min(at, e->hold.look_at);
	if (e->notices.suppressed > 0)
		at = usec_min(at, e->notices.summary_at);
	if (e->restored)
		at = usec_min(at, e->reconcile_at);
	return at;
}

bool engine_is_idle(const struct engine *e)
{
	return !e->pending_probe.set && e->attempts.n == 0 && e->requests.n == 0;
}

const struct totals *engine_totals(const struct engine *e)
{
	return &e->totals;
}

const struct config *engine_config(const struct engine *e)
{
	return &e->cfg;
}

const struct kernel_state *engine_kernel(const struct engine *e)
{
	return &e->hold.kernel;
}

const struct ce_tracker *engine_tracker(const struct engine *e)
{
	return e->tracker;
}

unsigned int engine_page_shift(const struct engine *e)
{
	return e->page_shift;
}

uint64_t engine_impossible(const struct engine *e)
{
	return e->impossible;
}

unsigned int engine_dimms(const struct engine *e)
{
	return e->dimms.n;
}

const struct dimm_rec *engine_dimm(const struct engine *e, uint16_t index)
{
	return &e->dimms.rec[index < e->dimms.n ? index : DIMM_OTHER];
}

const char *engine_dimm_slot(const struct engine *e, uint16_t index)
{
	return index < e->dimms.n ? e->dimms.slot[index] : "";
}

struct config_dimm engine_dimm_config(const struct engine *e, uint16_t index)
{
	return dimm_table_config(&e->dimms, index < e->dimms.n ? index : DIMM_OTHER);
}

const struct policy_rule *engine_rule(const struct engine *e, uint16_t index)
{
	return &e->dimms.rule[index < e->dimms.n ? index : DIMM_OTHER];
}

/* The verdict needs these members only, and is asked for with each event. */
static enum verdict status_module_verdict(const struct engine *e, uint16_t index)
{
	const struct dimm_table *t = &e->dimms;
	const struct dimm_rec *d = &t->rec[index];
	struct dimm_rec m;

	m.former = d->former;
	m.fault.class = dimm_table_module_class(t, index);
	m.fault.bank_faulty_rows = d->fault.bank_faulty_rows;
	m.offlined = dimm_table_module_offlined(t, index);
	m.corrected_errors = d->corrected_errors;
	m.uncorrected_errors = d->uncorrected_errors;
	for (uint16_t i = t->next[index]; i != index; i = t->next[i]) {
		d = &t->rec[i];
		engine_add(&m.corrected_errors, d->corrected_errors);
		engine_add(&m.uncorrected_errors, d->uncorrected_errors);
		if (m.fault.bank_faulty_rows < d->fault.bank_faulty_rows)
			m.fault.bank_faulty_rows = d->fault.bank_faulty_rows;
	}
	return fault_verdict(&m, e->cfg.budget.pages_per_dimm, NULL);
}

/* Few DIMMs have ranks of their own. */
static enum verdict status_judge_module(const struct engine *e, uint16_t index,
					char ret_why[CLASS_WHY_MAX])
{
	struct dimm_rec module;

	if (!ret_why)
		return status_module_verdict(e, index);
	dimm_table_module(&e->dimms, index, &module);
	return dimm_module_verdict(&module, e->cfg.budget.pages_per_dimm, ret_why);
}

enum verdict engine_dimm_verdict(const struct engine *e, uint16_t index,
				 char ret_why[CLASS_WHY_MAX])
{
	if (index < e->dimms.n && dimm_table_has_ranks(&e->dimms, index))
		return status_judge_module(e, index, ret_why);
	return fault_verdict(engine_dimm(e, index), e->cfg.budget.pages_per_dimm,
			     ret_why);
}

static void status_add_dimms(const struct engine *e, struct machine_facts *f)
{
	for (uint16_t i = 0; i < e->dimms.n; i++) {
		if (dimm_table_first_rank(&e->dimms, i) != i)
			continue; /* a module counts once */
		machine_facts_add_dimm(f, e->dimms.rec[i].label,
				       engine_dimm_verdict(e, i, NULL));
	}
}

static bool status_within_day(const struct engine *e, usec_t at)
{
	return at.us > 0 && usec_sub(e->now, at).us < USEC_PER_DAY;
}

/* @f has the pages already. */
static void status_judge(const struct engine *e, struct machine_facts *f,
			 struct engine_status *s)
{
	f->sight = s->sight;
	f->hold = s->hold;
	f->total_used_up = e->total_used_up;
	f->hour_used_up = e->hour_used_up;
	f->lost = status_within_day(e, e->losses.at);
	f->gap = status_within_day(e, e->losses.gap_at);
	f->corrected_errors = e->totals.corrected_errors;
	f->unattributed = e->totals.unattributed;
	status_add_dimms(e, f);
	s->verdict = machine_verdict(f, s->verdict_why);
}

static void status_note_waiting(const struct engine *e, const struct page_rec *rec,
				struct engine_status *s)
{
	usec_t since = ce_tracker_waiting_since(e->tracker, rec);

	if (s->waiting_since == INT64_MIN || since.us < s->waiting_since)
		s->waiting_since = since.us;
}

void engine_status(const struct engine *e, usec_t now, struct engine_status *ret)
{
	struct engine_status s = { .tracked = ce_tracker_count(e->tracker),
				   .waiting_since = INT64_MIN };
	int64_t page_kib = INT64_C(1) << (e->page_shift - 10);
	struct machine_facts facts = { .replace = 0 };

	for (uint32_t i = 0; i < ce_tracker_slots(e->tracker); i++) {
		const struct page_rec *rec = ce_tracker_peek_at(e->tracker, i);

		if (!rec)
			continue;
		s.pages[rec->state]++;
		machine_facts_add_pages(&facts, (enum page_state)rec->state,
					(enum result)rec->result, 1);
		if (rec->state == PAGE_PENDING)
			status_note_waiting(e, rec, &s);
	}
	s.offlined_by_us = dimm_table_offlined(&e->dimms);
	s.limit_pages = policy_total_limit(&e->cfg, &e->machine);
	s.hour_limit = e->cfg.budget.pages_per_hour;
	s.burst = e->cfg.budget.burst;
	s.hour_used = budget_used_last_hour(&e->budget, now);
	s.hour_used_up = e->hour_used_up;
	s.total_used_up = e->total_used_up;
	s.poisoned_kib = e->poison.kib;
	s.by_us_kib = s.offlined_by_us * page_kib;
	s.by_others_kib = e->poison.kib > s.by_us_kib ? e->poison.kib - s.by_us_kib : 0;
	s.sight = e->sight.cause;
	s.hold = e->hold.why;
	s.waiting_for = e->hold.why;
	if (e->hold.why == RESULT_NONE && e->machine.unread)
		s.waiting_for = RESULT_UNREADABLE;
	else if (e->hold.why == RESULT_NONE && e->hour_used_up)
		s.waiting_for = RESULT_BUDGET_HOUR;
	status_judge(e, &facts, &s);
	*ret = s;
}

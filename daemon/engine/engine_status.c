/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * Views of the engine for reports and metrics, and the verdict. Reads, changes nothing.
 */

#include <stdio.h>

#include "engine/engine_internal.h"

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
_apart_ static enum verdict status_judge_module(const struct engine *e, uint16_t index,
						char ret_why[CLASS_WHY_MAX])
{
	struct dimm_rec module;
	enum verdict verdict;
	char why[CLASS_WHY_MAX];

	if (!ret_why)
		return status_module_verdict(e, index);
	dimm_table_module(&e->dimms, index, &module);
	verdict = fault_verdict(&module, e->cfg.budget.pages_per_dimm, why);
	snprintf(ret_why, CLASS_WHY_MAX, "the whole module: %.*s", CLASS_WHY_MAX - 20,
		 why);
	return verdict;
}

enum verdict engine_dimm_verdict(const struct engine *e, uint16_t index,
				 char ret_why[CLASS_WHY_MAX])
{
	if (index < e->dimms.n && dimm_table_has_ranks(&e->dimms, index))
		return status_judge_module(e, index, ret_why);
	return fault_verdict(engine_dimm(e, index), e->cfg.budget.pages_per_dimm,
			     ret_why);
}

static void status_raise(struct engine_status *s, enum verdict verdict, const char *why)
{
	if (verdict > s->verdict) {
		s->verdict = verdict;
		snprintf(s->verdict_why, sizeof(s->verdict_why), "%s", why);
	}
}

/* Errors of the DIMMs, not of all time: a replaced DIMM can be forgotten. */
static bool status_has_uncorrected(const struct engine *e)
{
	for (unsigned int i = 0; i < e->dimms.n; i++)
		if (e->dimms.rec[i].uncorrected_errors > 0)
			return true;
	return false;
}

/*
 * For the machine as a whole, a repair at the next boot is one more thing to look at;
 * which DIMM it is, and why, stands with the DIMM.
 */
static void status_judge_dimms(const struct engine *e, struct engine_status *s)
{
	unsigned int replace = 0, repair = 0;
	char why[CLASS_WHY_MAX];

	for (uint16_t i = 0; i < e->dimms.n; i++) {
		enum verdict v = engine_dimm_verdict(e, i, NULL);

		if (dimm_table_first_rank(&e->dimms, i) != i)
			continue; /* a module counts once */
		replace += v == VERDICT_REPLACE;
		repair += v == VERDICT_REPAIR;
	}
	if (replace > 0) {
		snprintf(why, sizeof(why), "%u DIMM%s should be replaced", replace,
			 replace == 1 ? "" : "s");
		status_raise(s, VERDICT_REPLACE, why);
	}
	if (repair > 0) {
		snprintf(why, sizeof(why),
			 "%u DIMM%s should be repaired at the next reboot", repair,
			 repair == 1 ? "" : "s");
		status_raise(s, VERDICT_DEGRADED, why);
	}
}

/* A later line replaces only a weaker verdict, so the most important lines come first. */
static void status_judge(const struct engine *e, struct engine_status *s)
{
	s->verdict = VERDICT_OK;
	snprintf(s->verdict_why, sizeof(s->verdict_why), "no corrected errors");
	if (sight_cause_state(s->sight) != SIGHT_OK)
		status_raise(s, VERDICT_DEGRADED, sight_cause_help(s->sight));
	status_judge_dimms(e, s);
	if (s->hold != RESULT_NONE)
		status_raise(s, VERDICT_DEGRADED, result_help(s->hold));
	if (status_has_uncorrected(e))
		status_raise(s, VERDICT_DEGRADED, "there were uncorrected errors");
	if (e->total_used_up)
		status_raise(s, VERDICT_DEGRADED,
			     "the budget of the whole machine is used up");
	if (e->hour_used_up)
		status_raise(s, VERDICT_DEGRADED,
			     "the hourly budget is used up; pages wait");
	if (s->pages[PAGE_FAILED] > 0)
		status_raise(s, VERDICT_DEGRADED,
			     "pages that should be offlined could not be");
	if (s->pages[PAGE_OFFLINED] > 0)
		status_raise(s, VERDICT_DEGRADED, "failing pages were taken out of use");
	if (e->losses.at.us > 0 && usec_sub(e->now, e->losses.at).us < USEC_PER_DAY)
		status_raise(s, VERDICT_DEGRADED,
			     "events were lost within a day; counts are lower bounds");
	if (e->losses.gap_at.us > 0 &&
	    usec_sub(e->now, e->losses.gap_at).us < USEC_PER_DAY)
		status_raise(s, VERDICT_DEGRADED,
			     "another program interrupted the recording within a day; "
			     "counts are lower bounds");
	if (e->totals.corrected_errors > 0)
		status_raise(s, VERDICT_WATCH, "corrected errors, below every threshold");
}

void engine_status(const struct engine *e, usec_t now, struct engine_status *ret)
{
	struct engine_status s = { .tracked = ce_tracker_count(e->tracker) };
	int64_t page_kib = INT64_C(1) << (e->page_shift - 10);

	for (uint32_t i = 0; i < ce_tracker_slots(e->tracker); i++) {
		const struct page_rec *rec = ce_tracker_peek_at(e->tracker, i);

		if (rec)
			s.pages[rec->state]++;
	}
	s.offlined_by_us = dimm_table_offlined(&e->dimms);
	s.limit_pages = policy_total_limit(&e->cfg, &e->machine);
	s.hour_limit = e->cfg.budget.pages_per_hour;
	s.burst = e->cfg.budget.burst;
	s.hour_used = budget_used_last_hour(&e->budget, now);
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
	status_judge(e, &s);
	*ret = s;
}

/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * The results of a back-test: sums over pages and DIMMs. It reads and changes nothing.
 */

#include <string.h>

#include "backtest/backtest_internal.h"

/* Time of the DIMM's UE: the time of its ticket, else of the first UE recorded. */
int64_t bt_ue_of(const struct bt_dimm *d)
{
	return d->ticket != BACKTEST_NO_TIME ? d->ticket : d->first_ue;
}

/* A DIMM with errors on two channels is two DIMMs to the engine: the worse one counts. */
static void judge(const struct backtest *b, unsigned int policy, uint32_t dimm,
		  struct backtest_result *ret)
{
	const struct bt_machine *m = &b->machines[b->dimms[dimm].machine];
	const struct bt_run *run;

	if (!m->runs || b->policies[policy]->page_rule_only)
		return;
	run = &m->runs[policy];
	for (unsigned int i = 0; i < run->n_dimm_of; i++) {
		char why[CLASS_WHY_MAX];
		enum fault_class class;
		enum verdict verdict;

		if (run->dimm_of[i] != dimm)
			continue;
		verdict = engine_dimm_verdict(run->sim->engine, (uint16_t)i, why);
		if (verdict >= ret->verdict) {
			ret->verdict = verdict;
			memcpy(ret->verdict_why, why, sizeof(why));
		}
		class = engine_dimm(run->sim->engine, (uint16_t)i)->fault.class;
		if (class > ret->class)
			ret->class = class;
	}
}

void backtest_result(const struct backtest *b, unsigned int policy, unsigned int dimm,
		     struct backtest_result *ret)
{
	const struct bt_dimm *d = &b->dimms[dimm];
	const struct bt_score *score = &d->scores[policy];
	const struct bt_machine *m = &b->machines[d->machine];

	*ret = (struct backtest_result){ .dimm = d->name,
					 .ces = d->ces,
					 .ces_avoided = score->ces_avoided,
					 .pages = d->pages,
					 .pages_offlined = score->pages_offlined,
					 .first_action = score->first_action,
					 .ue_time = bt_ue_of(d),
					 .pages_before_ue = d->pages_before_ue,
					 .offlined_before_ue = score->offlined_before_ue,
					 .replace_time = score->replace_time };
	if (score->budget)
		ret->budgets |= BACKTEST_BUDGET_DIMM;
	if (m->runs && m->runs[policy].budget_hour)
		ret->budgets |= BACKTEST_BUDGET_HOUR;
	if (m->runs && m->runs[policy].budget_total)
		ret->budgets |= BACKTEST_BUDGET_TOTAL;
	judge(b, policy, dimm, ret);
}

static void add_result(const struct backtest_result *r, struct backtest_total *t)
{
	t->ces += r->ces;
	t->ces_avoided += r->ces_avoided;
	t->pages += r->pages;
	t->pages_offlined += r->pages_offlined;
	t->replace += r->verdict == VERDICT_REPLACE;
	t->budget_hour += (r->budgets & BACKTEST_BUDGET_HOUR) != 0;
	t->budget_dimm += (r->budgets & BACKTEST_BUDGET_DIMM) != 0;
	t->budget_total += (r->budgets & BACKTEST_BUDGET_TOTAL) != 0;
	if (r->ue_time == BACKTEST_NO_TIME) {
		t->pages_offlined_healthy += r->pages_offlined;
		return;
	}
	t->ue_dimms++;
	t->pages_before_ue += r->pages_before_ue;
	t->offlined_before_ue += r->offlined_before_ue;
	t->ue_dimms_reached +=
		r->first_action != BACKTEST_NO_TIME && r->first_action <= r->ue_time;
	t->ue_dimms_replace +=
		r->replace_time != BACKTEST_NO_TIME && r->replace_time <= r->ue_time;
}

void backtest_total(const struct backtest *b, unsigned int policy,
		    struct backtest_total *ret)
{
	struct backtest_total t = { 0 };

	for (uint32_t i = 0; i < b->n_dimms; i++) {
		struct backtest_result r;

		backtest_result(b, policy, i, &r);
		add_result(&r, &t);
	}
	*ret = t;
}

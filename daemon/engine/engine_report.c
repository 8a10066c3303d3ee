/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * Making effects, and keeping reports to a number that people and journald can bear: each
 * kind may speak so often a minute, what it held back is summed up in one line. It
 * decides nothing about pages.
 */

#include <assert.h>
#include <string.h>

#include "engine/engine_internal.h"

struct effect *engine_emit(struct effects *out, enum effect_kind kind)
{
	struct effect *f;

	assert(out->n < MAX_EFFECTS);
	f = &out->v[out->n++];
	f->kind = kind;
	return f;
}

struct action_row engine_new_action(struct engine *e, const struct page_rec *rec,
				    enum action action, enum result result,
				    enum frame_kind kind)
{
	return (struct action_row){
		.id = e->totals.next_action_id++,
		.time = e->now.us,
		.pfn = rec->pfn,
		.action = action,
		.reason = (enum reason)rec->reason,
		.result = result,
		.page_type = kind,
		.poisoned_before_kib = e->poisoned_kib,
		.poisoned_after_kib = e->poisoned_kib,
		.dimm = rec->dimm,
	};
}

void engine_store_action(struct engine *e, struct effects *out,
			 const struct action_row *row)
{
	engine_emit(out, EFFECT_STORE_ACTION)->action = *row;
}

void engine_store_totals(struct engine *e, struct effects *out)
{
	e->totals.bucket_level = e->budget.level;
	e->totals.bucket_time = e->budget.time.us;
	e->totals_dirty = false;
	engine_emit(out, EFFECT_STORE_TOTALS);
}

void engine_store_spent(struct engine *e, struct effects *out)
{
	e->totals.bucket_level = e->budget.level;
	e->totals.bucket_time = e->budget.time.us;
	e->totals_dirty = true;
	engine_emit(out, EFFECT_STORE_SPENT);
}

void engine_reply(struct effects *out, uint64_t cookie, pfn_t p, enum result result,
		  int error)
{
	struct effect *f = engine_emit(out, EFFECT_REPLY);

	f->reply.cookie = cookie;
	f->reply.pfn = p;
	f->reply.result = result;
	f->reply.error = error;
}

struct report engine_page_report(const struct engine *e, enum report_kind kind,
				 const struct page_rec *rec)
{
	const struct policy_rule *rule = &e->rules[rec->dimm];

	return (struct report){
		.kind = kind,
		.pfn = pfn(rec->pfn),
		.has_pfn = true,
		.dimm = rec->dimm,
		.reason = (enum reason)rec->reason,
		.result = (enum result)rec->result,
		.count = rec->corrected_errors,
		.in_window = page_rec_in_window(rec, rule->page.window,
						page_rec_last_seen(rec)),
		.threshold = rule->page,
		.fault = e->dimms[rec->dimm].fault.class,
	};
}

/* Kinds of which one line stands for a state of the machine are never held back. */
static bool is_limited(enum report_kind kind)
{
	switch (kind) {
	case REPORT_PAGE_FIRST_CE:
	case REPORT_PAGE_THRESHOLD:
	case REPORT_PAGE_OFFLINED:
	case REPORT_PAGE_FAILED:
	case REPORT_PAGE_REFUSED:
	case REPORT_UNCORRECTED:
	case REPORT_UNATTRIBUTED:
	case REPORT_EVENTS_LOST:
	case REPORT_MALFORMED:
	case REPORT_POISON_MOVED:
	case REPORT_POISON_LOST:
	case REPORT_RECOVERED:
	case REPORT_FOREIGN:
		return true;
	case REPORT_BUDGET:
	case REPORT_HOLD:
	case REPORT_RELEASED:
	case REPORT_FAULT:
	case REPORT_VERDICT:
	case REPORT_MODULE:
	case REPORT_SUMMARY:
	case REPORT_REPLAY:
	case REPORT_MAX_:
		break;
	}
	return false;
}

void engine_report(struct engine *e, struct effects *out, const struct report *r)
{
	struct report_limit *limit = &e->limits[r->kind];
	int64_t minute = e->now.us / USEC_PER_MINUTE;

	if (is_limited(r->kind)) {
		if (limit->minute != minute)
			*limit = (struct report_limit){ .minute = minute };
		if (limit->sent >= REPORTS_PER_MINUTE) {
			if (e->suppressed++ == 0)
				e->summary_at = usec((minute + 1) * USEC_PER_MINUTE);
			return;
		}
		limit->sent++;
	}
	engine_emit(out, EFFECT_REPORT)->report = *r;
}

void engine_tick_reports(struct engine *e, struct effects *out)
{
	struct report r;

	if (e->suppressed == 0 || e->now.us < e->summary_at.us)
		return;
	r = (struct report){ .kind = REPORT_SUMMARY, .count = e->suppressed };
	e->suppressed = 0;
	engine_report(e, out, &r);
}

/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * Makes effects, and keeps notices to a number that people and journald can bear: each
 * kind has a limit per minute, and one line sums up the notices that were suppressed.
 * This file decides nothing about pages.
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

/* Closed in place: a storm over many pages closes a row with each event. */
void engine_add_row(struct engine *e, struct effects *out, const struct ce_row *row)
{
	struct effect *f = engine_emit(out, EFFECT_STORE_CE);

	if (!ce_history_add(e->history, row, &f->ce))
		out->n--;
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
		.poisoned_before_kib = e->poison.kib,
		.poisoned_after_kib = e->poison.kib,
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

struct notice engine_page_notice(const struct engine *e, enum notice_kind kind,
				 const struct page_rec *rec)
{
	const struct policy_rule *rule = &e->dimms.rule[rec->dimm];
	uint32_t limit = 0;
	enum wide_limit held_by = rec->result == RESULT_WIDE_FAULT
					  ? engine_wide_limit(e, rec, &limit)
					  : WIDE_LIMIT_NONE;

	return (struct notice){
		.kind = kind,
		.held_by = held_by,
		.held_limit = limit,
		.pfn = pfn(rec->pfn),
		.has_pfn = true,
		.dimm = rec->dimm,
		.reason = (enum reason)rec->reason,
		.result = (enum result)rec->result,
		.count = rec->corrected_errors,
		.in_window = page_rec_in_window(rec, rule->page.window,
						page_rec_last_seen(rec)),
		.threshold = rule->page,
		.fault = e->dimms.rec[rec->dimm].fault.class,
	};
}

/* Whether a notice of @kind may be sent now; if not, it counts as suppressed. */
static bool notice_may_go(struct engine *e, enum notice_kind kind)
{
	struct notice_limit *limit = &e->notices.by_kind[kind];
	int64_t minute = e->now.us / USEC_PER_MINUTE;

	if (!notice_is_limited(kind))
		return true;
	if (limit->minute != minute)
		*limit = (struct notice_limit){ .minute = minute };
	if (limit->sent < NOTICES_PER_MINUTE) {
		limit->sent++;
		return true;
	}
	if (e->notices.suppressed++ == 0)
		e->notices.summary_at = usec((minute + 1) * USEC_PER_MINUTE);
	return false;
}

void engine_notice(struct engine *e, struct effects *out, const struct notice *r)
{
	if (notice_may_go(e, r->kind))
		engine_emit(out, EFFECT_NOTICE)->notice = *r;
}

void engine_notice_page(struct engine *e, struct effects *out, enum notice_kind kind,
			const struct page_rec *rec)
{
	if (notice_may_go(e, kind))
		engine_emit(out, EFFECT_NOTICE)->notice =
			engine_page_notice(e, kind, rec);
}

void engine_tick_notices(struct engine *e, struct effects *out)
{
	struct notice r;

	if (e->notices.suppressed == 0 || e->now.us < e->notices.summary_at.us)
		return;
	r = (struct notice){ .kind = NOTICE_SUMMARY, .count = e->notices.suppressed };
	e->notices.suppressed = 0;
	engine_notice(e, out, &r);
}

/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * What follows from a result: the page's next state and next try, the charge to the
 * budgets, the rows and the notice. It starts nothing: engine_action.c does.
 */

#include "engine/engine_internal.h"

void engine_move_page(struct engine *e, struct page_rec *rec, enum life_event event)
{
	enum page_state next = page_life_next((enum page_state)rec->state, event);

	if (next == PAGE_NEVER) {
		e->impossible++;
		return;
	}
	if (next == PAGE_PENDING && rec->state != PAGE_PENDING)
		ce_tracker_set_waiting(e->tracker, rec, e->now);
	rec->state = next;
}

void engine_mark_offlined(struct engine *e, struct page_rec *rec, enum result result)
{
	ce_tracker_unqueue(e->tracker, rec);
	engine_move_page(e, rec, LIFE_POISONED);
	rec->result = result;
	rec->tries = 0;
	ce_tracker_touch(e->tracker, rec);
	if (e->reconcile_at.us == USEC_NEVER)
		e->reconcile_at = usec_add(e->now, usec(USEC_PER_DAY));
	if (result != RESULT_OFFLINED)
		return;
	rec->by_us = 1;
	e->dimms.rec[rec->dimm].offlined++;
	dimm_table_touch(&e->dimms, rec->dimm);
	budget_take(&e->budget, &e->cfg, e->now);
	e->totals.last_offline = e->now.us;
}

void engine_unmark_offlined(struct engine *e, struct page_rec *rec)
{
	engine_move_page(e, rec, LIFE_IN_USE);
	if (rec->by_us && e->dimms.rec[rec->dimm].offlined > 0) {
		e->dimms.rec[rec->dimm].offlined--;
		dimm_table_touch(&e->dimms, rec->dimm);
	}
	rec->by_us = 0;
	ce_tracker_touch(e->tracker, rec);
}

/* Moves @rec to its next state. Returns when it is tried again; 0: not by a timer. */
static usec_t settle_next_state(struct engine *e, struct effects *out,
				struct page_rec *rec, const struct action_row *row)
{
	usec_t when = usec_add(e->now, usec(USEC_PER_HOUR));
	enum life_event end =
		row->result == RESULT_DRY_RUN ? LIFE_REFUSED : LIFE_GIVEN_UP;

	switch (policy_retry(&e->cfg, row->result, rec->tries)) {
	case RETRY_DONE:
		engine_mark_offlined(e, rec, row->result);
		return usec(0);
	case RETRY_BACKOFF:
		when = usec_add(e->now, policy_backoff(&e->cfg, rec->tries));
		engine_move_page(e, rec, LIFE_POSTPONED);
		ce_tracker_delay(e->tracker, rec, when);
		return when;
	case RETRY_HOURLY:
		engine_move_page(e, rec, LIFE_POSTPONED);
		ce_tracker_delay(e->tracker, rec, when);
		return when;
	case RETRY_HOLD:
		engine_hold_by_answer(e, out, row);
		engine_move_page(e, rec, LIFE_POSTPONED);
		engine_line_up(e, rec);
		return usec(0);
	case RETRY_NEVER:
		engine_move_page(e, rec, end);
		rec->not_before = USEC_NEVER;
		return usec(0);
	case RETRY_NEXT_CE:
		engine_move_page(e, rec, end);
		rec->not_before = when.us;
		return usec(0);
	}
	return usec(0);
}

/* A hold is a state of the kernel and no failure of the page. */
static bool settle_counts_as_try(const struct config *cfg, enum result result)
{
	enum retry_kind kind = policy_retry(cfg, result, 0);

	return kind != RETRY_DONE && kind != RETRY_HOLD && result != RESULT_DRY_RUN;
}

static void settle_notice(struct engine *e, struct effects *out,
			  const struct page_rec *rec, const struct action_row *row,
			  usec_t retry_at)
{
	bool done = policy_retry(&e->cfg, row->result, 0) == RETRY_DONE ||
		    row->result == RESULT_DRY_RUN;
	struct notice r = engine_page_notice(
		e, done ? NOTICE_PAGE_OFFLINED : NOTICE_PAGE_FAILED, rec);

	r.error = row->error;
	r.retry_at = retry_at;
	r.page_type = row->page_type;
	r.duration_usec = row->duration_usec;
	r.outcome = row->outcome;
	if (row->poisoned_before_kib >= 0 && row->poisoned_after_kib >= 0)
		r.delta_kib = row->poisoned_after_kib - row->poisoned_before_kib;
	engine_notice(e, out, &r);
}

void engine_settle(struct engine *e, struct effects *out, struct page_rec *rec,
		   struct action_row *row)
{
	bool news = rec->result != (unsigned int)row->result;
	usec_t when;

	if (settle_counts_as_try(&e->cfg, row->result) && rec->tries < 63)
		rec->tries++;
	rec->result = row->result;
	e->totals.attempts[row->result]++;
	ce_tracker_touch(e->tracker, rec);
	when = settle_next_state(e, out, rec, row);
	/* A dry run spends the hour's budget, and so shows the pace of a real run. */
	if (row->result == RESULT_DRY_RUN)
		budget_take(&e->budget, &e->cfg, e->now);
	engine_store_action(e, out, row);
	engine_emit(out, EFFECT_STORE_PAGE)->page = rec;
	engine_store_dimm(e, out, rec->dimm);
	engine_store_spent(e, out);
	/* A page that waits is reported once, and again when its waiting ends. */
	if (rec->state != PAGE_PENDING || (news && when.us > 0))
		settle_notice(e, out, rec, row, when);
	engine_report_verdict(e, out, rec->dimm);
}

/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * What the hold (hold.h) asks for becomes effects: a look at the kernel's state, a notice
 * that nothing is tried, a notice that the hold is over.
 */

#include "engine/engine_internal.h"

static void kernel_emit(struct engine *e, struct effects *out, struct hold_news news)
{
	struct notice r = { .result = news.result,
			    .error = news.error,
			    .retry_at = news.retry_at };

	switch (news.kind) {
	case HOLD_NOTHING:
		return;
	case HOLD_LOOK:
		engine_emit(out, EFFECT_KERNEL);
		return;
	case HOLD_BEGAN:
		r.kind = NOTICE_HOLD;
		break;
	case HOLD_RELEASED:
		r.kind = NOTICE_RELEASED;
		break;
	}
	engine_notice(e, out, &r);
}

void engine_tick_kernel(struct engine *e, struct effects *out)
{
	if (e->now.us >= e->hold.look_at.us)
		kernel_emit(e, out, hold_look(&e->hold));
}

bool engine_wait_for_kernel(struct engine *e, struct effects *out, struct request *q)
{
	if (!q->kernel_seen)
		kernel_emit(e, out, hold_ask(&e->hold));
	q->kernel_seen = true;
	return e->hold.looking;
}

void engine_take_kernel(struct engine *e, struct effects *out,
			const struct kernel_state *seen)
{
	kernel_emit(e, out, hold_take_kernel(&e->hold, seen, e->now));
}

void engine_hold_by_answer(struct engine *e, struct effects *out,
			   const struct action_row *row)
{
	kernel_emit(e, out,
		    hold_refused(&e->hold, row, e->totals.next_action_id, e->now));
}

void engine_answered(struct engine *e, struct effects *out, const struct action_row *row)
{
	if (policy_retry(&e->cfg, row->result, 0) != RETRY_HOLD)
		kernel_emit(e, out, hold_obeyed(&e->hold, row));
}

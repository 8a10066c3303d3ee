/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * Whether the kernel lets pages be offlined: by what was seen of its switch, and by what
 * it answered. While the switch may be what holds everything up, it is looked at every
 * few seconds. It neither reads the switch nor sets it.
 */

#include "engine/engine_internal.h"

#define LOOK_AGAIN (5 * USEC_PER_SEC)
#define TRY_AGAIN  USEC_PER_HOUR

/* What could not be read stays what it was; nothing was known before the first look. */
static void learn(struct engine *e, const struct kernel_state *seen)
{
	struct kernel_state *k = &e->kernel;

	if (!e->kernel_known || seen->soft_offline != FACT_UNKNOWN)
		k->soft_offline = seen->soft_offline;
	if (!e->kernel_known || seen->supported != FACT_UNKNOWN)
		k->supported = seen->supported;
	if (!e->kernel_known || seen->enabled != SWITCH_UNKNOWN)
		k->enabled = seen->enabled;
	e->kernel_known = true;
	e->kernel_asked = false;
}

/* Everything else about the kernel changes at a boot, or is looked at by the minute. */
static bool switch_matters(const struct engine *e)
{
	const struct kernel_state *k = &e->kernel;

	return e->hold == RESULT_UNSUPPORTED && k->soft_offline != FACT_NO &&
	       k->supported != FACT_NO && k->enabled != SWITCH_ABSENT;
}

static void ask(struct engine *e, struct effects *out)
{
	if (!e->kernel_asked)
		engine_emit(out, EFFECT_KERNEL);
	e->kernel_asked = true;
	e->kernel_look_at = usec(USEC_NEVER);
}

void engine_tick_kernel(struct engine *e, struct effects *out)
{
	if (e->now.us >= e->kernel_look_at.us)
		ask(e, out);
}

bool engine_wait_for_kernel(struct engine *e, struct effects *out, struct request *q)
{
	if (!q->kernel_seen && switch_matters(e))
		ask(e, out);
	q->kernel_seen = true;
	return e->kernel_asked;
}

static void tell_hold(struct engine *e, struct effects *out, int error, usec_t retry_at)
{
	struct notice r = { .kind = NOTICE_HOLD,
			    .result = e->hold,
			    .error = error,
			    .retry_at = retry_at };

	engine_notice(e, out, &r);
}

static void release(struct engine *e, struct effects *out, enum result ended)
{
	struct notice r = { .kind = NOTICE_RELEASED, .result = ended };

	e->hold = RESULT_NONE;
	e->hold_by_answer = false;
	e->hold_ran_out = RESULT_NONE;
	engine_notice(e, out, &r);
}

void engine_hold_by_answer(struct engine *e, struct effects *out,
			   const struct action_row *row)
{
	bool late = row->id < e->hold_id;

	/* What was seen to be off stays so until it is seen to be on. */
	if (e->hold != RESULT_NONE && !e->hold_by_answer)
		return;
	if (late && e->hold == row->result) {
		/* Several attempts were under way: one more that was refused. */
		if (!e->asked_twice)
			e->hold_until = usec_add(e->now, usec(TRY_AGAIN));
		return;
	}
	/* What was on its way for long is no second opinion. */
	if (late)
		e->asked_twice = false;
	e->hold = row->result;
	e->hold_error = row->error;
	e->hold_by_answer = true;
	e->hold_ran_out = RESULT_NONE;
	e->hold_id = e->totals.next_action_id;
	e->hold_until = usec_add(e->now, usec(TRY_AGAIN));
	e->hold_untold = row->result == RESULT_UNSUPPORTED;
	if (e->hold_untold) /* told with what is seen of the switch now */
		ask(e, out);
	else
		tell_hold(e, out, row->error, e->hold_until);
}

/*
 * The switch is seen on, and the kernel has said no. It may have been off when the kernel
 * looked: then asking once more tells. If the kernel says no again, it has another
 * reason.
 */
static void judge_answer(struct engine *e, struct effects *out)
{
	if (e->kernel.enabled == SWITCH_ON && !e->asked_twice) {
		e->asked_twice = true;
		e->hold_until = usec_add(e->now, usec(LOOK_AGAIN));
	}
	e->hold_untold = false;
	tell_hold(e, out, e->hold_error, e->hold_until);
}

void engine_take_kernel(struct engine *e, struct effects *out,
			const struct kernel_state *seen)
{
	bool was_usable = kernel_state_usable(&e->kernel);
	bool usable;

	learn(e, seen);
	usable = kernel_state_usable(&e->kernel);
	if (!usable && (e->hold == RESULT_NONE || e->hold_by_answer)) {
		e->hold = RESULT_UNSUPPORTED;
		e->hold_by_answer = false;
		e->hold_untold = false;
		e->asked_twice = false;
		tell_hold(e, out, 0, usec(0));
	} else if (usable && e->hold == RESULT_UNSUPPORTED) {
		/* What an answer told is not contradicted by a switch that is on as it
		 * was then. */
		if (!e->hold_by_answer || !was_usable)
			release(e, out, RESULT_UNSUPPORTED);
		else if (e->hold_untold)
			judge_answer(e, out);
	}
	e->kernel_look_at =
		switch_matters(e) ? usec_add(e->now, usec(LOOK_AGAIN)) : usec(USEC_NEVER);
}

void engine_end_hold_by_time(struct engine *e)
{
	if (!e->hold_by_answer || e->now.us < e->hold_until.us)
		return;
	e->hold_ran_out = e->hold;
	e->hold = RESULT_NONE;
	e->hold_by_answer = false;
	e->kernel_look_at = usec(USEC_NEVER);
}

void engine_answered(struct engine *e, struct effects *out, const struct action_row *row)
{
	if (policy_retry(&e->cfg, row->result, 0) == RETRY_HOLD)
		return;
	if (row->id < e->hold_id)
		return;
	e->asked_twice = false;
	if (e->hold_ran_out != RESULT_NONE)
		release(e, out, e->hold_ran_out);
}

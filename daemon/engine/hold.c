/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * Whether the kernel lets pages be offlined, by what was seen of its state and by what it
 * answered. This file knows no page and no budget.
 */

#include "engine/hold.h"

#define LOOK_AGAIN (5 * USEC_PER_SEC)
#define TRY_AGAIN  USEC_PER_HOUR

void hold_init(struct hold *h)
{
	*h = (struct hold){
		.kernel = { FACT_YES, SWITCH_ABSENT, FACT_YES, FACT_UNKNOWN },
		.look_at = { USEC_NEVER },
	};
}

/* What cannot be read stays as it was; before the first look nothing was known. */
static void hold_learn(struct hold *h, const struct kernel_state *seen)
{
	struct kernel_state *k = &h->kernel;

	if (!h->kernel_seen || seen->soft_offline != FACT_UNKNOWN)
		k->soft_offline = seen->soft_offline;
	if (!h->kernel_seen || seen->supported != FACT_UNKNOWN)
		k->supported = seen->supported;
	if (!h->kernel_seen || seen->enabled != SWITCH_UNKNOWN)
		k->enabled = seen->enabled;
	h->kernel_seen = true;
	h->looking = false;
}

/* Everything else about the kernel changes at a boot, or is looked at by the minute. */
static bool hold_switch_matters(const struct hold *h)
{
	const struct kernel_state *k = &h->kernel;

	return h->why == RESULT_UNSUPPORTED && k->soft_offline != FACT_NO &&
	       k->supported != FACT_NO && k->enabled != SWITCH_ABSENT;
}

struct hold_news hold_look(struct hold *h)
{
	struct hold_news news = { .kind = h->looking ? HOLD_NOTHING : HOLD_LOOK };

	h->looking = true;
	h->look_at = usec(USEC_NEVER);
	return news;
}

static struct hold_news hold_began(const struct hold *h, int error, usec_t retry_at)
{
	return (struct hold_news){
		.kind = HOLD_BEGAN, .result = h->why, .error = error, .retry_at = retry_at
	};
}

static struct hold_news hold_release(struct hold *h, enum result ended)
{
	h->why = RESULT_NONE;
	h->by_answer = false;
	h->ran_out = RESULT_NONE;
	return (struct hold_news){ .kind = HOLD_RELEASED, .result = ended };
}

struct hold_news hold_refused(struct hold *h, const struct action_row *row,
			      uint64_t next_id, usec_t now)
{
	bool late = row->id < h->first_id;

	/* A hold that we saw in the kernel's state ends only when we see it gone; an
	 * errno does not replace it. */
	if (h->why != RESULT_NONE && !h->by_answer)
		return (struct hold_news){ .kind = HOLD_NOTHING };
	if (late && h->why == row->result) {
		/* Several attempts were under way: one more of them was refused. */
		if (!h->doubted)
			h->until = usec_add(now, usec(TRY_AGAIN));
		return (struct hold_news){ .kind = HOLD_NOTHING };
	}
	/* An attempt that was started before the hold is no second opinion. */
	if (late)
		h->doubted = false;
	h->why = row->result;
	h->error = row->error;
	h->by_answer = true;
	h->ran_out = RESULT_NONE;
	h->first_id = next_id;
	h->until = usec_add(now, usec(TRY_AGAIN));
	h->unjudged = row->result == RESULT_UNSUPPORTED;
	/* Reported together with what the switch is now. */
	return h->unjudged ? hold_look(h) : hold_began(h, h->error, h->until);
}

/*
 * The switch is seen on, and the kernel has refused. The switch may have been off when
 * the kernel looked: then one more attempt shows that. If the kernel refuses again, it
 * has another reason.
 */
static struct hold_news hold_judge_answer(struct hold *h, usec_t now)
{
	if (h->kernel.enabled == SWITCH_ON && !h->doubted) {
		h->doubted = true;
		h->until = usec_add(now, usec(LOOK_AGAIN));
	}
	h->unjudged = false;
	return hold_began(h, h->error, h->until);
}

static struct hold_news hold_compare(struct hold *h, bool was_usable, usec_t now)
{
	bool usable = kernel_state_usable(&h->kernel);

	if (!usable && (h->why == RESULT_NONE || h->by_answer)) {
		h->why = RESULT_UNSUPPORTED;
		h->by_answer = false;
		h->unjudged = false;
		h->doubted = false;
		return hold_began(h, 0, usec(0));
	}
	if (usable && h->why == RESULT_UNSUPPORTED) {
		/* Do not lift a hold that an errno caused unless the kernel's state has
		 * changed since. */
		if (!h->by_answer || !was_usable)
			return hold_release(h, RESULT_UNSUPPORTED);
		if (h->unjudged)
			return hold_judge_answer(h, now);
	}
	return (struct hold_news){ .kind = HOLD_NOTHING };
}

struct hold_news hold_take_kernel(struct hold *h, const struct kernel_state *seen,
				  usec_t now)
{
	bool was_usable = kernel_state_usable(&h->kernel);
	struct hold_news news;

	hold_learn(h, seen);
	news = hold_compare(h, was_usable, now);
	h->look_at = hold_switch_matters(h) ? usec_add(now, usec(LOOK_AGAIN))
					    : usec(USEC_NEVER);
	return news;
}

struct hold_news hold_obeyed(struct hold *h, const struct action_row *row)
{
	if (row->id < h->first_id)
		return (struct hold_news){ .kind = HOLD_NOTHING };
	h->doubted = false;
	if (h->ran_out == RESULT_NONE)
		return (struct hold_news){ .kind = HOLD_NOTHING };
	return hold_release(h, h->ran_out);
}

void hold_run_out(struct hold *h, usec_t now)
{
	if (!h->by_answer || now.us < h->until.us)
		return;
	h->ran_out = h->why;
	h->why = RESULT_NONE;
	h->by_answer = false;
	h->look_at = usec(USEC_NEVER);
}

void hold_drop_answer(struct hold *h)
{
	if (!h->by_answer)
		return;
	h->why = RESULT_NONE;
	h->by_answer = false;
}

struct hold_news hold_ask(struct hold *h)
{
	if (!hold_switch_matters(h))
		return (struct hold_news){ .kind = HOLD_NOTHING };
	return hold_look(h);
}

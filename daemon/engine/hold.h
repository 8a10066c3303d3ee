/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * The hold: nothing is tried while the kernel refuses. It begins in one of two ways.
 *
 *   by state    the kernel's state was seen, and forbids to offline pages. The hold ends
 *               when the state is seen to allow it.
 *   by answer   an attempt ended as RESULT_UNSUPPORTED or RESULT_DENIED although the
 *               state allowed it. The hold ends when the state is seen to have changed,
 *               or runs out at @until: then one attempt is made to find out.
 *
 * While the kernel's switch may be the cause, its state is looked at every few seconds.
 * The object neither reads the state nor sets it: it returns what the owner is to do.
 */

#include "base/machine.h"
#include "base/reason.h"
#include "base/units.h"
#include "track/records.h"

struct hold {
	enum result why; /* RESULT_NONE: there is no hold */
	bool by_answer;
	usec_t until; /* if @by_answer */

	struct kernel_state kernel; /* as last seen; what could not be read is older */
	bool kernel_seen;           /* it was looked at once */
	bool looking;               /* a look is wanted, and not answered yet */
	usec_t look_at;             /* when the next look is due; USEC_NEVER */

	/* An answer began it: judged, and reported, once the kernel was looked at. */
	bool unjudged;
	int error; /* of that answer */
	/* The answer came with the switch on. It is doubted once: the next one counts. */
	bool doubted;
	/* Why there was a hold that ran out and whose end is not certain yet. */
	enum result ran_out;
	/* Attempts with a lower id were started before the hold began. */
	uint64_t first_id;
};

/** What the owner is to do after a call. */
enum hold_kind {
	HOLD_NOTHING,
	HOLD_LOOK,     /* look at the kernel's state, for hold_take_kernel() */
	HOLD_BEGAN,    /* report: a hold by @result, @error, @retry_at (0: no timer) */
	HOLD_RELEASED, /* report: the hold by @result is over */
};

struct hold_news {
	enum hold_kind kind;
	enum result result;
	int error;
	usec_t retry_at;
};

/** No hold; until the first look the kernel passes for usable. */
void hold_init(struct hold *h);

/** The kernel's state was @seen at @now. Answers HOLD_LOOK, and may come without one. */
struct hold_news hold_take_kernel(struct hold *h, const struct kernel_state *seen,
				  usec_t now);

/**
 * The attempt with @row ended at @now by a refusal of everything (RETRY_HOLD). @next_id:
 * the id that the next attempt will have.
 */
struct hold_news hold_refused(struct hold *h, const struct action_row *row,
			      uint64_t next_id, usec_t now);

/** The attempt with @row was made, and ended in any other way. */
struct hold_news hold_obeyed(struct hold *h, const struct action_row *row);

/** Ends a hold by answer whose time is over at @now. */
void hold_run_out(struct hold *h, usec_t now);

/** Ends a hold by answer without a word: the configuration has changed. */
void hold_drop_answer(struct hold *h);

/** HOLD_LOOK unless a look is under way already. To be called at @look_at. */
struct hold_news hold_look(struct hold *h);

/**
 * HOLD_LOOK if the kernel's switch may be why there is a hold, so that a look may end it,
 * and no look is under way already.
 */
struct hold_news hold_ask(struct hold *h);

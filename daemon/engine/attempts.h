/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * The attempts under way: offline requests that the kernel has not answered yet, how many
 * there may be, and when we wrote. The object decides about no page and knows no budget.
 * Invariant: n <= MAX_ATTEMPTS, and each attempt under way has an open entry in writes.
 */

#include "base/units.h"
#include "event/soft_event.h"
#include "offline_policy.h"
#include "track/records.h"

/** Writes that are remembered. The trace event of a write may arrive after its answer. */
#define OWN_WRITES (2 * MAX_ATTEMPTS)

/** One attempt that is not answered yet. */
struct attempt {
	struct action_row row; /* the intent, as stored */
	uint64_t costs_kib;    /* available memory that it takes, at most */
	uint64_t cookie;       /* of the request, if @by_operator */
	bool by_operator;
	unsigned int write; /* its entry in attempts.writes */
};

/** When a write of ours may have been made. */
struct own_write {
	bool set;
	pfn_t pfn;
	usec_t from;
	usec_t to; /* USEC_NEVER until the attempt is answered */
};

struct attempts {
	struct attempt v[MAX_ATTEMPTS]; /* in no order */
	unsigned int n;
	/* The first @unstored attempts are those whose rows no file holds. */
	unsigned int unstored;
	unsigned int at_once; /* how many attempts there may be */
	bool filling;         /* false: wait until half of the attempts are answered */
	struct own_write writes[OWN_WRITES]; /* a ring */
	unsigned int n_writes;               /* in all */
};

/** Nothing under way, one attempt at once. */
void attempts_init(struct attempts *a);

/**
 * Whether another attempt may be started, in a tracker of @capacity pages. Once there are
 * as many as there may be, none is started until half of them are answered. So intents
 * come in groups, and one commit stores a group.
 */
bool attempts_may_start(struct attempts *a, unsigned int capacity);

/**
 * Adds the attempt with @row, whose write may be made from @now on. Call only after
 * attempts_may_start().
 *
 * Returns the attempt, with no cost and no operator; valid until the next attempt ends.
 */
struct attempt *attempts_start(struct attempts *a, const struct action_row *row,
			       usec_t now);

/** The attempt whose row has @id; NULL if none has. */
struct attempt *attempts_find(struct attempts *a, uint64_t id);

/** The attempt on page @p; NULL if there is none. */
struct attempt *attempts_find_page(struct attempts *a, pfn_t p);

/** Removes @ended, which was answered at @now. Returns a copy. */
struct attempt attempts_end(struct attempts *a, struct attempt *ended, usec_t now);

/**
 * Adapts how many attempts there may be to how one ended: more after a success, half
 * after a failure, one if the kernel refuses everything.
 */
void attempts_adapt(struct attempts *a, enum retry_kind what_follows);

/** Marks all rows as not stored: the database lost them. */
void attempts_mark_unstored(struct attempts *a);

/**
 * A row that is to be stored again, each once; NULL if there is none. Valid until the
 * next attempt starts or ends.
 */
const struct action_row *attempts_take_unstored(struct attempts *a);

/** Attempts on pages of @dimm. */
unsigned int attempts_on_dimm(const struct attempts *a, uint16_t dimm);

/** Available memory in KiB that the attempts under way take, at most. */
uint64_t attempts_cost_kib(const struct attempts *a);

/**
 * Whether @ev may be the event of one of our last writes, by page and time. @slack_usec
 * is how far the trace's clock may differ from ours.
 */
bool attempts_made_event(const struct attempts *a, const struct soft_event *ev,
			 int64_t slack_usec);

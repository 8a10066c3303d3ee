/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * The room of the rules: what an errno means, when to try again, what the budgets allow,
 * which frames may be written to. Pure functions of the configuration; they change only
 * the struct budget that the caller passes.
 */

#include "base/frame.h"
#include "base/machine.h"
#include "base/reason.h"
#include "base/units.h"
#include "config/config.h"

/** The most attempts that may be under way at once. */
#define MAX_ATTEMPTS 128

/**
 * The result that an answer means. The kernel returns 0 both for "done" and for "was
 * poisoned already" (5.10 to at least 7.0); the flags before and after distinguish the
 * two. If the flags cannot be read, the counter decides: unmoved means RESULT_ALREADY.
 *
 * EOPNOTSUPP for a HugeTLB page is RESULT_HUGE_PAGE: bit 1 of vm.enable_soft_offline, in
 * kernels that have it, protects HugeTLB pages only.
 *
 * Returns only results of an attempt: none of a budget, of an event or of a rule.
 */
enum result policy_classify(const struct offline_answer *answer);

/** What to do after a result. */
enum retry_kind {
	RETRY_DONE,    /* settled; nothing more to do */
	RETRY_BACKOFF, /* again after policy_backoff() */
	RETRY_HOURLY,  /* again, by a timer, in an hour; few tries */
	RETRY_NEVER,   /* not in this boot */
	RETRY_HOLD,    /* nothing is tried until the kernel's state changes */
	RETRY_NEXT_CE, /* when the page errs again, at most hourly */
};

/** What to do after @result; @tries is the number of failures, this one included. */
enum retry_kind policy_retry(const struct config *cfg, enum result result,
			     unsigned int tries);

/** The wait after failure number @tries (from 1): first, doubling, up to max. */
usec_t policy_backoff(const struct config *cfg, unsigned int tries);

/**
 * Whether a frame may be written to soft_offline_page: RESULT_NONE if it may; otherwise
 * RESULT_ALREADY, RESULT_NOT_RAM, RESULT_UNREADABLE, RESULT_HUGE_PAGE or
 * RESULT_UNMOVABLE.
 */
enum result policy_check_frame(const struct policy_rule *rule, const struct frame *frame);

/**
 * RESULT_NONE; RESULT_LOW_MEMORY if memory is short or under pressure; RESULT_UNREADABLE
 * if memory or pressure cannot be read.
 */
enum result policy_check_memory(const struct config *cfg, const struct machine *machine);

/** The hourly budget: a bucket of Burst pages that refills with PagesPerHour. */
struct budget {
	int64_t level;        /* millionths of a page */
	usec_t time;          /* when the level was computed */
	uint16_t minutes[60]; /* a ring: pages offlined in each minute */
	int64_t minute;       /* number of the newest minute in the ring */
};

/** A full bucket at @now. */
void budget_init(struct budget *b, const struct config *cfg, usec_t now);

/** True if the bucket holds @pages at @now. */
bool budget_holds(const struct budget *b, const struct config *cfg, usec_t now,
		  uint32_t pages);

/** True if a page may be taken at @now. */
bool budget_allows(struct budget *b, const struct config *cfg, usec_t now);

/** Takes a page at @now. Call it when a page was offlined, not when it was tried. */
void budget_take(struct budget *b, const struct config *cfg, usec_t now);

/** When the bucket will hold a page; @now if it does; USEC_NEVER if it never will. */
usec_t budget_next(const struct budget *b, const struct config *cfg, usec_t now);

/** Pages taken in the 60 minutes up to @now. */
uint32_t budget_used_last_hour(const struct budget *b, usec_t now);

/** The machine's total budget in pages. */
uint64_t policy_total_limit(const struct config *cfg, const struct machine *machine);

/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * The room that decides. engine_step() is the only way to change the engine's state: what
 * happens outside comes in as an input, what is to be done outside goes out as effects,
 * and the results come back as inputs. The room is pure: no I/O, no clock, no logging.
 *
 * The same function runs in the daemon, in the replay tests, in back-tests and in the
 * fuzzers, each with a shell of its own around it. The life of a page is the
 * table in page_life.h.
 *
 * Up to MAX_ATTEMPTS attempts may be under way: INPUT_ANSWER answers each EFFECT_OFFLINE,
 * in any order, and the engine starts more meanwhile. The limit starts at one attempt,
 * grows eightfold with each success and halves with each failure, so that a kernel which
 * refuses is not asked by the dozen. An attempt under way counts against every budget as
 * if it were done. Pages are probed one at a time. Before each attempt its intent is
 * stored and flushed; several EFFECT_OFFLINE may share one flush.
 */

#include "base/sight.h"
#include "ce_tracker.h"
#include "config/config.h"
#include "offline_policy.h"
#include "track/fault_class.h"
#include "track/records.h"

struct effects;
struct engine;
struct input;

/**
 * Makes an engine with @cfg (copied), for frames of 2^@page_shift bytes. The first inputs
 * must be INPUT_RAM, INPUT_MACHINE, INPUT_KERNEL and the kinds of input_is_restore(), up
 * to INPUT_RESTORE_DONE; before that nothing is decided.
 *
 * Returns 0 and *ret, to be freed with engine_free(); -ENOMEM.
 */
int engine_new(struct engine **ret, const struct config *cfg, unsigned int page_shift);

/**
 * As engine_new(), with room for @open_rows rows of the history that still count, a power
 * of two: for whom the history does not matter, since each row takes 320 bytes. A row
 * that finds no place closes another one; nothing is decided by them.
 */
int engine_new_with_rows(struct engine **ret, const struct config *cfg,
			 unsigned int page_shift, uint32_t open_rows);

/** Frees @e; NULL is fine. Returns NULL. */
struct engine *engine_free(struct engine *e);

/**
 * Takes one input, and replaces *effects by what is to be done, in order.
 *
 * Returns 0; -EINVAL for an answer that nothing asked for, a restore after
 * INPUT_RESTORE_DONE or an unknown DIMM (the input is ignored). For INPUT_CONFIG only:
 * -ENOMEM; -EBUSY if the new table of pages has no room for the attempts under way (the
 * old configuration stays).
 */
int engine_step(struct engine *e, const struct input *in, struct effects *effects);

/** When INPUT_TICK is wanted at the latest; USEC_NEVER if not at all. */
usec_t engine_deadline(const struct engine *e);

/** True if no attempt is under way, no probe is pending and no request waits. */
bool engine_is_idle(const struct engine *e);

/** True if @e has no history left that INPUT_ABSORB would move. */
bool engine_is_absorbed(const struct engine *e);

/** True if INPUT_FLUSH would emit effects. */
bool engine_is_dirty(const struct engine *e);

/* Views for reports: read only, valid until the next step. */
const struct totals *engine_totals(const struct engine *e);
const struct config *engine_config(const struct engine *e);
const struct kernel_state *engine_kernel(const struct engine *e);
const struct ce_tracker *engine_tracker(const struct engine *e);
unsigned int engine_page_shift(const struct engine *e);
/** Events so far that page_life.h says cannot happen. Not 0: an error in the engine. */
uint64_t engine_impossible(const struct engine *e);
/** DIMM records 0 .. engine_dimms() - 1; index 0 is DIMM_OTHER. */
unsigned int engine_dimms(const struct engine *e);
const struct dimm_rec *engine_dimm(const struct engine *e, uint16_t index);
/** The board's name of its slot; "" if that is not certain. */
const char *engine_dimm_slot(const struct engine *e, uint16_t index);

/** What patterns of [Policy "GLOB"] may match the DIMM by; borrows from @e. */
struct config_dimm engine_dimm_config(const struct engine *e, uint16_t index);

/** What [Policy] says for the DIMM, overrides included. */
const struct policy_rule *engine_rule(const struct engine *e, uint16_t index);

/** Which key holds @rec back because the fault of its DIMM is wide, by what is known now;
 * *ret_limit: its value. */
enum wide_limit engine_wide_limit(const struct engine *e, const struct page_rec *rec,
				  uint32_t *ret_limit);

/** Numbers for status and metrics. */
struct engine_status {
	uint32_t pages[PAGE_STATE_MAX_]; /* tracked pages by state */
	uint32_t tracked;
	uint32_t offlined_by_us; /* in the present boot */
	uint64_t limit_pages;    /* total budget */
	uint32_t hour_limit;     /* PagesPerHour */
	uint32_t burst;          /* Burst: pages at once */
	uint32_t hour_used;      /* in the last 60 minutes */
	bool hour_used_up;       /* a page waits for the hour's budget */
	bool total_used_up;      /* a page was refused for the total budget */
	int64_t waiting_since; /* usec_t.us: the longest wait of a page; INT64_MIN: none */
	int64_t poisoned_kib;  /* -1: not known yet */
	int64_t by_us_kib;
	int64_t by_others_kib;
	enum result hold; /* RESULT_NONE, or why nothing is tried */
	/* What the pages in line wait for; RESULT_NONE: their turn. */
	enum result waiting_for;
	enum sight_cause sight; /* whether errors can be seen, and if not, why */
	enum verdict verdict;
	char verdict_why[CLASS_WHY_MAX];
};

/** Fills *ret for @now; walks the tracker once. */
void engine_status(const struct engine *e, usec_t now, struct engine_status *ret);

/**
 * Verdict of the DIMM at @index. Fills @ret_why with the sentence that explains it, with
 * numbers; NULL: not wanted.
 */
enum verdict engine_dimm_verdict(const struct engine *e, uint16_t index,
				 char ret_why[CLASS_WHY_MAX]);

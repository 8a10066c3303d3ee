/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * The engine's state, shared by the files of the trunk: engine.c (events and dispatch),
 * engine_action.c (queue, probe, answer), engine_settle.c (what follows from a result),
 * engine_fault.c (rows, neighbours, fault classes, and what follows for a DIMM),
 * engine_kernel.c (the kernel's state, its counter of poisoned pages, frames),
 * engine_foreign.c (requests of others), engine_restore.c (start, stored pages, what an
 * earlier boot offlined), engine_config.c (reload), engine_absorb.c (what was counted
 * without a database), engine_notice.c (effects, limits on notices), engine_status.c
 * (views).
 *
 * The objects that struct engine holds know nothing of it, and each has its own header
 * and test: attempts.h, dimm_table.h, hold.h, page_life.h, poison_ledger.h.
 */

#include "base/sight.h"
#include "ce_tracker.h"
#include "engine/attempts.h"
#include "engine/dimm_table.h"
#include "engine/effect.h"
#include "engine/engine.h"
#include "engine/hold.h"
#include "engine/input.h"
#include "engine/page_life.h"
#include "engine/poison_ledger.h"
#include "track/ce_history.h"
#include "track/echo.h"
#include "track/fault_map.h"

#define HISTORY_SLOTS      16384
#define MAX_REQUESTS       16
#define NOTICES_PER_MINUTE 20
#define MEMORY_WAIT        (60 * USEC_PER_SEC)
#define EFFECTS_RESERVE    8 /* room that one more page may need in a step */
#define MIN_FAULT_DIMMS    16
#define TRACKED_PER_DIMM   512 /* MaxTrackedPages to each DIMM that has room for cells */

/** The page whose PROBE is not answered yet. */
struct pending_probe {
	bool set;
	pfn_t pfn;
	bool by_operator;
	uint64_t cookie;
};

struct request {
	pfn_t pfn;
	uint64_t cookie;
	bool kernel_seen; /* since it came; see engine_wait_for_kernel() */
};

/** What operators have asked for and is not under way yet, first come first served. */
struct requests {
	struct request v[MAX_REQUESTS];
	unsigned int n;
};

struct notice_limit {
	int64_t minute;
	uint32_t sent; /* in that minute */
};

/** Keeps notices to a number that people and journald can bear. */
struct notice_limits {
	struct notice_limit by_kind[NOTICE_MAX_];
	uint64_t suppressed; /* since the last summary */
	usec_t summary_at;   /* if @suppressed */
};

/** A request of somebody else, while the database is asked what it knows of the page. */
struct foreign {
	bool waiting;
	struct soft_event event;
};

/** INPUT_ABSORB: what another engine counted. */
struct absorb {
	bool begun;
	uint16_t dimm[MAX_DIMMS]; /* its DIMMs' indexes, as they are here */
};

/** Pages found at start that an earlier boot had offlined. */
struct replay {
	enum reason why; /* REASON_REPLAYED: they are offlined again; or why not */
	uint32_t pages;
};

/** Events lost, and who is charged with them. */
struct losses {
	uint16_t erring;  /* the DIMM of the last event */
	uint64_t unowned; /* lost before the first event was read */
	usec_t at;        /* when a loss was last found; 0: never */
	usec_t gap_at;    /* the same of a gap */
};

struct engine {
	struct config cfg;
	unsigned int page_shift;
	usec_t now;
	struct ce_tracker *tracker;
	struct ce_history *history;
	struct fault_map *faults;
	struct dimm_table dimms;
	struct echo_table echoes;

	/* What the database gave back. */
	bool restored;
	usec_t restored_at;
	bool past_unknown; /* no database: what was spent earlier is not known */
	bool more_stored;  /* the database may know pages that the tracker does not */
	struct replay replay;
	struct absorb absorb;

	struct totals totals;
	bool totals_dirty;
	struct budget budget;
	bool hour_used_up;  /* the page that is next waits for the hour's budget */
	bool total_used_up; /* a page was refused for it since the last reload */

	/* What is known of the outside. */
	struct machine machine;
	struct ram_map ram;
	usec_t memory_wait; /* memory is short: nothing is tried until then */
	struct sight sight;
	struct hold hold;
	enum fact collector_acts; /* as struct kernel_state has it */
	struct poison_ledger poison;
	usec_t reconcile_at; /* when tracked frames are to be looked at */
	struct losses losses;

	/* What is under way. */
	struct pending_probe pending_probe;
	struct attempts attempts;
	struct foreign foreign;
	struct requests requests;

	struct notice_limits notices;
	uint64_t impossible; /* pairs that page_life.h says cannot happen */
};

/** Adds a count. Firmware may report any 32 bits; the sum stops at its limit. */
static inline void engine_add(uint64_t *total, uint64_t n)
{
	if (__builtin_add_overflow(*total, n, total))
		*total = UINT64_MAX;
}

/* engine_notice.c */
/** Appends an effect for the caller to fill in. */
struct effect *engine_emit(struct effects *out, enum effect_kind kind);
/** Adds @row to the CE history, and emits the row that had to be closed for it. */
void engine_add_row(struct engine *e, struct effects *out, const struct ce_row *row);
/** A row about @rec with the next id, and the counter as last known. */
struct action_row engine_new_action(struct engine *e, const struct page_rec *rec,
				    enum action action, enum result result,
				    enum frame_kind kind);
void engine_store_action(struct engine *e, struct effects *out,
			 const struct action_row *row);
/** Emits all totals; engine_store_spent() emits what an attempt changed, at once. */
void engine_store_totals(struct engine *e, struct effects *out);
void engine_store_spent(struct engine *e, struct effects *out);
/** Emits @r, unless its kind has used up its notices of the minute. */
void engine_notice(struct engine *e, struct effects *out, const struct notice *r);
/** A notice with everything that @rec says filled in. */
struct notice engine_page_notice(const struct engine *e, enum notice_kind kind,
				 const struct page_rec *rec);
/** Emits such a notice under the same limit. It is not made if it is not sent. */
void engine_notice_page(struct engine *e, struct effects *out, enum notice_kind kind,
			const struct page_rec *rec);
/** Emits the summary of suppressed notices when its time has come. */
void engine_tick_notices(struct engine *e, struct effects *out);
void engine_reply(struct effects *out, uint64_t cookie, pfn_t p, enum result result,
		  int error);

/* engine.c */
/** Adds page @p, which must not be tracked; the page evicted for it is stored. */
struct page_rec *engine_new_page(struct engine *e, struct effects *out, pfn_t p);

/* engine_action.c */
/** @rec has erred, @why names a threshold or fault: puts it in line if it should go. */
void engine_consider(struct engine *e, struct effects *out, struct page_rec *rec,
		     enum reason why);
/** Starts the next page in line, if there is one and nothing is against it. */
void engine_start_next(struct engine *e, struct effects *out);
/** Takes over @seen; the size of memory stays known if memory cannot be read now. */
void engine_take_machine(struct engine *e, const struct machine *seen);
/** Returns 0; -EINVAL if no such probe is pending. */
int engine_take_probe(struct engine *e, struct effects *out, const struct input *in);
/** Returns 0; -EINVAL if no such attempt is under way. */
int engine_take_answer(struct engine *e, struct effects *out, const struct input *in);
void engine_request_offline(struct engine *e, struct effects *out,
			    const struct input *in);
void engine_request_forget(struct engine *e, struct effects *out, const struct input *in);
void engine_request_forget_dimm(struct engine *e, struct effects *out, uint16_t index);
/** Puts the page in line: last, or first if its DIMM has Action=account. */
void engine_line_up(struct engine *e, struct page_rec *rec);
/** Puts the page, which @event moves to PAGE_PENDING, in line. */
void engine_enqueue(struct engine *e, struct page_rec *rec, enum life_event event,
		    enum reason reason);

/* engine_kernel.c */
void engine_take_kernel(struct engine *e, struct effects *out,
			const struct kernel_state *seen);
/** An attempt ended by @row as unsupported or denied: nothing is tried for now. */
void engine_hold_by_answer(struct engine *e, struct effects *out,
			   const struct action_row *row);
/** An attempt was made, and ended by @row: a hold is over if the kernel obeyed. */
void engine_answered(struct engine *e, struct effects *out, const struct action_row *row);
/**
 * Has the kernel's state looked at before a hold refuses the operator's request @q. True
 * if that look has not been answered yet.
 */
bool engine_wait_for_kernel(struct engine *e, struct effects *out, struct request *q);
/** Has the kernel's state looked at if it is time. */
void engine_tick_kernel(struct engine *e, struct effects *out);
/** What is known of the way that errors come: says when we cannot see, and when we can. */
void engine_take_source(struct engine *e, struct effects *out,
			const struct sight_facts *facts);
/** A sample of the counter; not negative if it could be read. */
void engine_take_poison(struct engine *e, struct effects *out, int64_t kib);
/** What the counter showed around an attempt that ended by @row. */
void engine_poison_by_answer(struct engine *e, struct effects *out,
			     const struct action_row *row);
void engine_take_failure(struct engine *e, struct effects *out,
			 const struct failure_event *f);
/** @rec's frame was found poisoned, not by an attempt of ours that was answered. */
void engine_frame_poisoned(struct engine *e, struct effects *out, struct page_rec *rec);
/** What a tracked frame looks like: it may be in use again, or poisoned by others. */
void engine_take_frame(struct engine *e, struct effects *out, const struct input *in);
/** Has all tracked frames looked at if it is time. */
void engine_tick_poison(struct engine *e, struct effects *out);
/** A request that was not ours has poisoned a page, to be charged to @cause. */
void engine_announce(struct engine *e, struct effects *out, const struct soft_event *ev,
		     enum poison_cause cause);

/* engine_fault.c */
/**
 * What the cell of @ev, on page @rec, shows: classifies the fault of @dimm and puts other
 * pages in line for it. Returns why @rec itself should be offlined; REASON_NONE.
 */
enum reason engine_fault_event(struct engine *e, struct effects *out,
			       const struct ce_event *ev, const struct page_rec *rec,
			       uint16_t dimm);
/**
 * The place that @ev names, a corrected error that names no page: classifies the fault of
 * @dimm, and puts the pages of its row in line if the row is faulty by this error.
 */
void engine_fault_place(struct engine *e, struct effects *out, const struct ce_event *ev,
			uint16_t dimm);
/** Why @rec should be offlined by its row or its neighbours; REASON_NONE. */
enum reason engine_fault_reason(const struct engine *e, const struct page_rec *rec);
/** Whether the fault of its DIMM is too wide for @rec to be worth a page. */
bool engine_fault_forbids(const struct engine *e, const struct page_rec *rec);

/** Whether a failed or refused page may be looked at again now: its hour is over, or the
 * fault of its DIMM alone held it back and does so no more. */
bool engine_may_go_again(const struct engine *e, const struct page_rec *rec);
/** Drops the cells of page @p, on whatever DIMM. */
void engine_forget_cells(struct engine *e, pfn_t p);
/** Emits dirty cells while there is room in @out. */
void engine_store_cells(struct engine *e, struct effects *out);
/** Emits the record at @index if it is dirty. */
void engine_store_dimm(struct engine *e, struct effects *out, uint16_t index);
/** Emits dirty records while there is room in @out. */
void engine_store_dimms(struct engine *e, struct effects *out);
/** Reports the verdict of @dimm if it changed and concerns an operator. */
void engine_report_verdict(struct engine *e, struct effects *out, uint16_t dimm);
/** Returns 0; -EINVAL for an unknown DIMM, or a module without a serial number. */
int engine_take_module(struct engine *e, struct effects *out, const struct input *in);

/* engine_settle.c */
/**
 * The only way in which something that happens changes a page's state. A pair that cannot
 * happen leaves the page where it is and counts as engine_impossible().
 */
void engine_move_page(struct engine *e, struct page_rec *rec, enum life_event event);
/** Does all that follows from @row, whose result is set: state, charge, rows, notice. */
void engine_settle(struct engine *e, struct effects *out, struct page_rec *rec,
		   struct action_row *row);
/** The frame is poisoned. @result RESULT_OFFLINED: by us, and charged to the budgets. */
void engine_mark_offlined(struct engine *e, struct page_rec *rec, enum result result);
/** The frame is in use again: watches the page and takes back the DIMM's charge. */
void engine_unmark_offlined(struct engine *e, struct page_rec *rec);

/* engine_restore.c */
/** Puts @rec in line if it is pending and in no queue. */
void engine_resume(struct engine *e, struct page_rec *rec);
/** Adds @stored, the stored record of the same page, to the new record @rec. */
void engine_merge_stored(struct engine *e, struct page_rec *rec,
			 const struct page_rec *stored, bool other_boot);
/** What the database holds of a page that was loading. */
void engine_take_loaded(struct engine *e, struct effects *out, const struct input *in);
void engine_restore_totals(struct engine *e, const struct totals *totals);
/** Compares the fingerprints of memory with those of the boot before. */
void engine_restore_memory(struct engine *e, const struct input *in);
void engine_restore_dimm(struct engine *e, const struct input *in);
/** Takes over which hardware has which number, and joins records that are one slot. */
void engine_take_controllers(struct engine *e, const struct input *in);
/** Returns 0; -EINVAL for an unknown DIMM. */
int engine_take_slot(struct engine *e, struct effects *out, const struct input *in);
void engine_restore_cell(struct engine *e, const struct input *in);
void engine_restore_page(struct engine *e, const struct input *in);
void engine_restore_action(struct engine *e, struct effects *out, const struct input *in);
void engine_restore_done(struct engine *e, struct effects *out, const struct input *in);
/** Nothing is stored any more: everything is to be emitted again. */
void engine_mark_unstored(struct engine *e);

/* engine_absorb.c */
/** Takes over everything but pages, or one page; see INPUT_ABSORB. */
void engine_take_absorb(struct engine *e, struct effects *out, const struct input *in);

/* engine_foreign.c */
/**
 * @rec's frame was found poisoned, and no event says by whom. If the kernel's own collector
 * must have done it, or the kernel for another cause, @rec is offlined by that now: rows,
 * counter and notice say so. Returns false if it may have been anybody: nothing is done.
 */
bool engine_found_by_kernel(struct engine *e, struct effects *out, struct page_rec *rec);
/**
 * How long a page whose errors crossed a threshold waits, because the kernel's own
 * collector counted the same errors and may take it; 0 if no collector acts.
 */
usec_t engine_wait_for_collector(const struct engine *e);
void engine_take_soft(struct engine *e, struct effects *out, const struct input *in);
/** To be called for each page that was loaded. Removes @rec if nothing is known of it. */
void engine_foreign_loaded(struct engine *e, struct effects *out, struct page_rec *rec);

/* engine_config.c */
/** Returns 0; -ENOMEM, or -EBUSY: see engine_step(). */
int engine_take_config(struct engine *e, const struct config *cfg);

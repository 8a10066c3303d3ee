/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * The engine's state, shared by its files: engine.c (events and dispatch), engine_dimms.c
 * (the table of DIMMs), engine_action.c (queue, probe, answer), engine_poison.c (the
 * poisoned-page counter and reconciliation), engine_restore.c (start and reload),
 * engine_report.c (effects, limits on reports), engine_status.c (views).
 */

#include "ce_history.h"
#include "ce_tracker.h"
#include "engine.h"

#define HISTORY_SLOTS      16384
#define DIMM_INDEX_SLOTS   1024
#define MAX_REQUESTS       16
#define REPORTS_PER_MINUTE 20
#define MEMORY_WAIT        (60 * USEC_PER_SEC)
#define EFFECTS_RESERVE    8 /* room that one more page may need in a step */

enum flight_phase {
	FLIGHT_NONE,
	FLIGHT_PROBING,
	FLIGHT_WRITING,
};

/** The attempt under way. */
struct flight {
	enum flight_phase phase;
	pfn_t pfn;
	struct action_row row;
	bool by_operator;
	uint64_t cookie;
};

struct request {
	pfn_t pfn;
	uint64_t cookie;
};

struct report_limit {
	int64_t minute;
	uint32_t sent;
};

struct engine {
	struct config cfg;
	unsigned int page_shift;
	struct ce_tracker *tracker;
	struct ce_history *history;
	usec_t now;
	bool restored;
	bool past_unknown;  /* no database: what was spent before is not known */
	usec_t memory_wait; /* nothing is tried before: memory is short */
	bool more_stored;   /* the database may know pages that the tracker does not */

	struct dimm_rec dimms[MAX_DIMMS];
	struct policy_rule rules[MAX_DIMMS];
	bool dimm_dirty[MAX_DIMMS];
	bool dimm_budget_told[MAX_DIMMS];
	uint16_t dimm_index[DIMM_INDEX_SLOTS]; /* index + 1; 0: free */
	unsigned int n_dimms;
	unsigned int dirty_dimms;

	struct totals totals;
	bool totals_dirty;
	struct budget budget;
	bool hour_told;
	bool total_told;
	struct machine machine;
	struct ram_map ram;
	struct kernel_state kernel;

	enum result hold;
	bool hold_by_answer; /* found out by trying, not by looking */
	usec_t hold_until;

	struct flight flight;
	struct request requests[MAX_REQUESTS];
	unsigned int n_requests;

	int64_t poisoned_kib; /* last known; -1: not yet */
	enum poison_cause bystander;
	usec_t lost_at;      /* when events were last found lost; 0: never */
	int64_t failure_kib; /* announced by memory_failure_event, not yet in the counter
			      */
	pfn_t failure_pfn;
	usec_t reconcile_at;

	struct report_limit limits[REPORT_MAX_];
	uint64_t suppressed;
	usec_t summary_at;
};

/* engine_report.c */
struct effect *engine_emit(struct effects *out, enum effect_kind kind);
struct action_row engine_new_action(struct engine *e, const struct page_rec *rec,
				    enum action action, enum result result,
				    enum frame_kind kind);
void engine_store_action(struct engine *e, struct effects *out,
			 const struct action_row *row);
void engine_store_totals(struct engine *e, struct effects *out);
void engine_report(struct engine *e, struct effects *out, const struct report *r);
struct report engine_page_report(const struct engine *e, enum report_kind kind,
				 const struct page_rec *rec);
void engine_tick_reports(struct engine *e, struct effects *out);
void engine_reply(struct effects *out, uint64_t cookie, pfn_t p, enum result result,
		  int error);

/* engine_dimms.c */
uint16_t engine_intern_dimm(struct engine *e, const struct ce_event *ev);
void engine_index_dimm(struct engine *e, uint16_t index);
void engine_touch_dimm(struct engine *e, uint16_t index);
void engine_store_dimm(struct engine *e, struct effects *out, uint16_t index);
bool engine_store_dimms(struct engine *e, struct effects *out);
void engine_resolve_rules(struct engine *e);
uint32_t engine_offlined_by_us(const struct engine *e);

/* engine_action.c */
void engine_consider(struct engine *e, struct effects *out, struct page_rec *rec,
		     bool crossed);
void engine_pump(struct engine *e, struct effects *out);
int engine_take_probe(struct engine *e, struct effects *out, const struct input *in);
int engine_take_answer(struct engine *e, struct effects *out, const struct input *in);
void engine_take_request(struct engine *e, struct effects *out, const struct input *in);
void engine_take_kernel(struct engine *e, struct effects *out,
			const struct kernel_state *k);
void engine_enqueue(struct engine *e, struct page_rec *rec, enum reason reason);

/* engine_settle.c */
void engine_settle(struct engine *e, struct effects *out, struct page_rec *rec,
		   struct action_row *row);
void engine_mark_offlined(struct engine *e, struct page_rec *rec, enum result result);
void engine_unmark_offlined(struct engine *e, struct page_rec *rec);

/* engine_poison.c */
void engine_take_poison(struct engine *e, struct effects *out, int64_t kib);
void engine_poison_by_answer(struct engine *e, struct effects *out,
			     const struct action_row *row);
void engine_take_failure(struct engine *e, struct effects *out,
			 const struct failure_event *f);
void engine_take_frame(struct engine *e, struct effects *out, const struct input *in);
void engine_tick_poison(struct engine *e, struct effects *out);

/* engine_restore.c */
void engine_take_loaded(struct engine *e, struct effects *out, const struct input *in);
int engine_take_restore(struct engine *e, struct effects *out, const struct input *in);
void engine_forget_stored(struct engine *e);
int engine_take_config(struct engine *e, const struct config *cfg);

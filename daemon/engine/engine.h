/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * The daemon's mind. engine_step(engine, input, effects) is the only way its state
 * changes: whatever happens outside comes in as an input, whatever is to be done outside
 * goes out as effects, and results come back as inputs. The same function runs in the
 * daemon, in replay tests, in back-tests and in fuzzers, each with another shell around
 * it.
 *
 * Life of a page (state, what brings it there, what leads on):
 *
 *   watched   first CE of the page              threshold crossed, operator   -> pending
 *   pending   waits: its turn, the hourly       PROBE: frame not to be touched -> refused
 *             budget, free memory, a retry      PROBE: poisoned already        ->
 * offlined OFFLINE answered: done         -> offlined busy, tries left               ->
 * pending busy, no tries left            -> failed DIMM's or total budget used up ->
 * refused offlined  the frame is poisoned             found in use again             ->
 * watched failed    no try left                       CE, an hour later              ->
 * pending refused   by policy, budget, kind of page   CE, an hour later              ->
 * pending
 *
 * Several attempts may be under way, MAX_ATTEMPTS at most: an OFFLINE effect is
 * answered by INPUT_ANSWER, in any order, and meanwhile the next ones go out. How many
 * there may be grows eightfold with each success and halves with each failure, from one
 * on: a kernel that says no is not asked by the dozen. What is under way counts against
 * every budget as if it were done. Pages are looked at one at a time. Before each attempt
 * its intent is stored and flushed; several OFFLINEs may share one flush.
 */

#include "base/machine.h"
#include "ce_tracker.h"
#include "config/config.h"
#include "event/ce_event.h"
#include "event/soft_event.h"
#include "offline_policy.h"
#include "track/fault_class.h"
#include "track/records.h"

struct engine;

/** Whether the thread that made a soft-offline request is ours. */
enum soft_asker {
	SOFT_ASKER_UNKNOWN, /* its number says nothing: then page and time decide */
	SOFT_ASKER_US,
	SOFT_ASKER_OTHERS,
};

enum input_kind {
	INPUT_TICK,      /* nothing but time */
	INPUT_EVENT,     /* event */
	INPUT_FAILURE,   /* failure */
	INPUT_SOFT,      /* soft: anybody's soft-offline request has ended */
	INPUT_LOST,      /* lost: events that were overwritten unread */
	INPUT_MALFORMED, /* lost: raw pages that could not be decoded to their end */
	INPUT_PROBE,     /* probe: answers EFFECT_PROBE */
	INPUT_ANSWER,    /* answer: answers EFFECT_OFFLINE */
	INPUT_BYSTANDER, /* bystander: whose doing an unexplained move of the counter is
			  */
	INPUT_POISON,    /* poisoned_kib: a sample of the counter */
	INPUT_FRAME,     /* frame: what became of a page (reconciliation) */
	INPUT_MACHINE,   /* machine */
	INPUT_RAM,       /* ram */
	INPUT_KERNEL,    /* kernel: as seen now; answers EFFECT_KERNEL, and without one */
	INPUT_CONFIG,    /* config: replaces all of it; to be preceded by INPUT_FLUSH */
	INPUT_REQUEST_OFFLINE,     /* request: an operator asks */
	INPUT_REQUEST_FORGET,      /* request: an operator drops a page's history */
	INPUT_MODULE,              /* module: which module sits in a DIMM's slot */
	INPUT_REQUEST_FORGET_DIMM, /* index: an operator drops what a DIMM was charged
				      with */
	INPUT_LOADED,         /* page: answers EFFECT_LOAD; NULL if nothing is stored */
	INPUT_RESTORE_PAGE,   /* page: at start */
	INPUT_RESTORE_DIMM,   /* dimm: at start, in the order of the index */
	INPUT_RESTORE_CELL,   /* cell: at start, after the DIMMs */
	INPUT_RESTORE_ACTION, /* action: at start, an intent that was never answered */
	INPUT_RESTORE_TOTALS, /* totals: at start */
	INPUT_MEMORY,       /* memory: at start, after the totals and before the pages */
	INPUT_ABSORB,       /* absorb: after these, what another engine has counted while
			       they could not be read; repeat until
			       engine_is_absorbed(), then for each of its pages */
	INPUT_RESTORE_DONE, /* restored: at start, after all of these */
	INPUT_UNSTORED,     /* what was given out did not last: give it out again */
	INPUT_FLUSH, /* give out what is not stored yet; repeat while effects.more */
};

/**
 * One thing that happened. @now is CLOCK_BOOTTIME when the input is given; inside, time
 * never runs backwards. Pointers are borrowed for the call.
 */
struct input {
	enum input_kind kind;
	usec_t now;
	union {
		const struct ce_event *event;
		const struct failure_event *failure;
		struct {
			const struct soft_event *event;
			enum soft_asker asker;
		} soft;
		struct {
			uint64_t count;
			uint16_t cpu;
			/* Read by a daemon that was killed: the DIMMs may know of them.
			 */
			bool known_to_dimms;
		} lost;
		struct {
			pfn_t pfn;
			struct frame frame; /* as it is now */
			/* As it was when the attempts that were answered had ended:
			 * what those under way take is allowed for. */
			struct machine machine;
		} probe;
		struct {
			uint64_t id;
			struct offline_answer answer;
		} answer;
		enum poison_cause bystander; /* POISON_KERNEL, _PROGRAM or _OTHER */
		int64_t poisoned_kib;
		struct {
			pfn_t pfn;
			struct frame frame;
		} frame;
		struct machine machine;
		const struct ram_map *ram;
		struct kernel_state kernel;
		const struct config *config;
		struct {
			pfn_t pfn;
			uint64_t cookie;
		} request;
		uint16_t index;
		struct {
			const char *part;
			const char *serial; /* not empty: only what is certain is told */
			uint16_t index;
		} module;
		struct {
			pfn_t pfn;
			const struct page_rec *rec;
			bool other_boot; /* stored in an earlier boot: frames are in use
					    again */
		} page;
		struct {
			const struct dimm_rec *rec;
			uint16_t index;
		} dimm; /* @rec->offlined: of the present boot */
		struct {
			const struct fault_cell *rec; /* @other_boot told */
			uint16_t dimm;
			uint16_t slot;
		} cell;
		struct {
			const struct action_row *row;
			struct frame frame; /* as it is now */
		} action;
		const struct totals *totals;
		struct {
			/* Idle; its history and cells are taken out. To be freed then. */
			struct engine *from;
			const struct page_rec
				*live; /* one of its pages; NULL: the rest */
			const struct page_rec *stored; /* if this engine does not track
							  the page and it is stored */
			bool other_boot;               /* of @stored */
		} absorb;
		struct {
			/* What the memory map and the memory modules hash to, so that
			 * another boot can tell whether its frames lie on the same
			 * DRAM; 0: not known. */
			int64_t ram_print;
			int64_t module_print;
		} memory;
		struct {
			/* The database holds pages that were not restored. */
			bool more_stored;
			/* No database: budgets start empty, all that is poisoned counts.
			 */
			bool nothing_stored;
		} restored;
	};
};

enum effect_kind {
	EFFECT_PROBE,        /* pfn: look at the frame and the machine; INPUT_PROBE */
	EFFECT_OFFLINE,      /* attempt: once what was given out up to here is flushed,
				write; INPUT_ANSWER */
	EFFECT_LOAD,         /* pfn: fetch the stored record at once; INPUT_LOADED */
	EFFECT_STORE_PAGE,   /* page: borrowed until the next step */
	EFFECT_REMOVE_PAGE,  /* pfn */
	EFFECT_REMOVE_DIMM,  /* index: the stored pages of this DIMM */
	EFFECT_STORE_CE,     /* ce: insert or replace by id */
	EFFECT_STORE_ACTION, /* action: insert or replace by id */
	EFFECT_STORE_POISON, /* poison */
	EFFECT_STORE_DIMM,   /* dimm: borrowed until the next step */
	EFFECT_STORE_CELL,   /* cell: borrowed until the next step; remove if not used */
	EFFECT_STORE_TOTALS, /* engine_totals(); only of INPUT_FLUSH */
	EFFECT_STORE_SPENT,  /* of engine_totals() what an attempt changes: totals_spend()
			      */
	EFFECT_KERNEL,       /* look at the kernel's state at once; INPUT_KERNEL */
	EFFECT_RECONCILE,    /* look at the tracked pages' frames; INPUT_FRAME for each */
	EFFECT_NOTICE,       /* report: for the journal */
	EFFECT_REPLY,        /* reply: answers a request */
};

/** What an operator is told; each kind has a journal message id of its own. */
enum notice_kind {
	NOTICE_PAGE_FIRST_CE,  /* a page erred for the first time */
	NOTICE_PAGE_THRESHOLD, /* a page is to be offlined */
	NOTICE_PAGE_OFFLINED,  /* done; also "already" and "dry-run", by result */
	NOTICE_PAGE_FAILED,    /* an attempt failed */
	NOTICE_PAGE_REFUSED,   /* decided against it */
	NOTICE_UNCORRECTED,    /* an uncorrected error */
	NOTICE_UNATTRIBUTED, /* a corrected error that names no page (first of a DIMM) */
	NOTICE_EVENTS_LOST,
	NOTICE_MALFORMED,
	NOTICE_BUDGET,       /* an hourly, DIMM's or total budget is used up */
	NOTICE_HOLD,         /* everything is on hold: unsupported or denied */
	NOTICE_RELEASED,     /* the hold is over */
	NOTICE_POISON_MOVED, /* the poisoned-page counter moved without us */
	NOTICE_POISON_LOST,  /* a page that was offlined is in use again */
	NOTICE_SUMMARY,      /* CEs that were not reported one by one */
	NOTICE_RECOVERED,    /* an attempt that a crash interrupted was settled */
	NOTICE_REPLAY,  /* pages of an earlier boot: offlined again, or by reason why not
			 */
	NOTICE_FOREIGN, /* a soft-offline request that was not ours */
	NOTICE_FAULT,   /* a DIMM's fault was classified, or got wider */
	NOTICE_VERDICT, /* the verdict of a DIMM changed */
	NOTICE_MODULE,  /* another module sits in a DIMM's slot */
	NOTICE_MAX_,
};

struct notice {
	enum notice_kind kind;
	pfn_t pfn; /* if @has_pfn */
	bool has_pfn;
	uint16_t dimm;
	enum reason reason;
	enum result result;
	uint64_t count; /* CEs of the page, events lost, or KiB moved */
	uint32_t in_window;
	struct threshold threshold;
	int error;
	usec_t retry_at; /* 0: none */
	enum frame_kind page_type;
	int64_t duration_usec;
	int64_t delta_kib;
	enum poison_cause cause;
	enum soft_outcome outcome; /* of the attempt or request, in the kernel's word */
	enum fault_class fault;    /* of the DIMM */
	enum verdict verdict;      /* of the DIMM */
};

struct effect {
	enum effect_kind kind;
	union {
		pfn_t pfn;
		struct {
			uint64_t id;
			pfn_t pfn;
			/* What it was allowed by: its turn may come when the frame is
			 * another's. Valid until the next step. */
			const struct policy_rule *rule;
		} attempt;
		uint16_t index;
		const struct page_rec *page;
		struct ce_row ce;
		struct action_row action;
		struct poison_row poison;
		struct {
			const struct dimm_rec *rec;
			uint16_t index;
		} dimm;
		struct {
			const struct fault_cell *rec;
			uint16_t dimm;
			uint16_t slot;
		} cell;
		struct notice notice;
		struct {
			uint64_t cookie;
			pfn_t pfn;
			enum result result;
			int error;
		} reply;
	};
};

#define MAX_EFFECTS 32

struct effects {
	struct effect v[MAX_EFFECTS];
	unsigned int n;
	bool more; /* INPUT_FLUSH: there is more to give out */
};

/**
 * Makes an engine with @cfg (copied), for frames of 2^@page_shift bytes. The first inputs
 * are expected to be INPUT_RAM, INPUT_MACHINE, INPUT_KERNEL, the INPUT_RESTOREs and
 * INPUT_RESTORE_DONE; until then nothing is decided.
 *
 * Returns 0 and *ret, to be freed with engine_free(); -ENOMEM.
 */
int engine_new(struct engine **ret, const struct config *cfg, unsigned int page_shift);

/** Frees @e; NULL is fine. Returns NULL. */
struct engine *engine_free(struct engine *e);

/**
 * Takes in one input and fills *effects (n set to 0 first) with what is to be done, in
 * order.
 *
 * Returns 0; -EINVAL for an input that is no answer to anything asked (ignored);
 * -ENOMEM, or -EBUSY if the attempts under way find no room in the table of pages that it
 * asks for (INPUT_CONFIG only: the old configuration stays).
 */
int engine_step(struct engine *e, const struct input *in, struct effects *effects);

/** When INPUT_TICK is wanted at the latest; USEC_NEVER if not at all. */
usec_t engine_deadline(const struct engine *e);

/** True if no attempt is under way, no page is looked at and no request waits. */
bool engine_is_idle(const struct engine *e);

/** True if nothing is left of @e that INPUT_ABSORB would take out. */
bool engine_is_absorbed(const struct engine *e);

/** True if INPUT_FLUSH would give out anything. */
bool engine_is_dirty(const struct engine *e);

/* Views for reports: read only, valid until the next step. */
const struct totals *engine_totals(const struct engine *e);
const struct config *engine_config(const struct engine *e);
const struct kernel_state *engine_kernel(const struct engine *e);
const struct ce_tracker *engine_tracker(const struct engine *e);
unsigned int engine_page_shift(const struct engine *e);
/** DIMM records 0 .. engine_dimms() - 1; index 0 is DIMM_OTHER. */
unsigned int engine_dimms(const struct engine *e);
const struct dimm_rec *engine_dimm(const struct engine *e, uint16_t index);

/** What [Policy] says for the DIMM, overrides included. */
const struct policy_rule *engine_rule(const struct engine *e, uint16_t index);

/** Numbers for status and metrics. */
struct engine_status {
	uint32_t pages[PAGE_STATE_MAX_]; /* tracked pages by state */
	uint32_t tracked;
	uint32_t offlined_by_us; /* in the present boot */
	uint64_t limit_pages;    /* total budget */
	uint32_t hour_limit;     /* PagesPerHour */
	uint32_t burst;          /* Burst: what may come at once */
	uint32_t hour_used;      /* in the last 60 minutes */
	int64_t poisoned_kib;    /* -1: not known yet */
	int64_t by_us_kib;
	int64_t by_others_kib;
	enum result hold; /* RESULT_NONE, or why nothing is tried */
	enum result
		waiting_for; /* what pages in line wait for; RESULT_NONE: their turn */
	enum verdict verdict;
	char verdict_why[FAULT_WHY_MAX];
};

/** Fills *ret for @now; walks the tracker once. */
void engine_status(const struct engine *e, usec_t now, struct engine_status *ret);

/** Verdict of one DIMM, and the sentence why, with its numbers (always terminated). */
enum verdict engine_dimm_verdict(const struct engine *e, uint16_t index,
				 char ret_why[FAULT_WHY_MAX]);

/** The cells that are known of the DIMMs. */
const struct fault_map *engine_faults(const struct engine *e);

/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * What can happen to the engine: one struct input for each call of engine_step(). The
 * member of the union is named after each kind below.
 */

#include "base/machine.h"
#include "base/sight.h"
#include "base/trace_change.h"
#include "ce_tracker.h"
#include "config/config.h"
#include "event/ce_event.h"
#include "event/soft_event.h"
#include "track/fault_map.h"
#include "track/records.h"

struct engine;

/** Whether the thread that made a soft-offline request is ours. */
enum soft_asker {
	SOFT_ASKER_UNKNOWN, /* its number proves nothing: page and time decide */
	SOFT_ASKER_US,
	SOFT_ASKER_OTHERS,
};

enum input_kind {
	INPUT_TICK,      /* nothing but time */
	INPUT_EVENT,     /* event */
	INPUT_FAILURE,   /* failure */
	INPUT_SOFT,      /* soft: a soft-offline request of any program has ended */
	INPUT_LOST,      /* lost: events that were overwritten unread */
	INPUT_MALFORMED, /* lost: raw pages that could not be decoded to their end */
	INPUT_GAP,       /* gap: somebody changed the trace instance */
	INPUT_PROBE,     /* probe: answers EFFECT_PROBE */
	INPUT_ANSWER,    /* answer: answers EFFECT_OFFLINE */
	/* bystander: the cause to record for a move of the counter without explanation */
	INPUT_BYSTANDER,
	INPUT_POISON,  /* poisoned_kib: a sample of the counter */
	INPUT_FRAME,   /* frame: a page's frame as it is now; for EFFECT_RECONCILE */
	INPUT_MACHINE, /* machine */
	INPUT_RAM,     /* ram */
	INPUT_KERNEL,  /* kernel: as seen now, whether EFFECT_KERNEL asked or not */
	INPUT_SOURCE, /* source: what is known of the way that errors come, as seen now */
	INPUT_CONFIG, /* config: replaces all of it; comes after INPUT_FLUSH */
	INPUT_REQUEST_OFFLINE,     /* request: an operator asks */
	INPUT_REQUEST_FORGET,      /* request: an operator drops a page's history */
	INPUT_MODULE,              /* module: which module sits in a DIMM's slot */
	INPUT_SLOT,                /* slot: what the board calls a DIMM's slot */
	INPUT_CONTROLLERS,         /* controllers: at start before the DIMMs, and later */
	INPUT_REQUEST_FORGET_DIMM, /* index: an operator drops a DIMM's counts */
	INPUT_LOADED, /* page: answers EFFECT_LOAD; NULL if nothing is stored */

	/* At start, in this order: see input_is_restore(). */
	INPUT_RESTORE_TOTALS, /* totals */
	INPUT_MEMORY,         /* memory */
	INPUT_RESTORE_DIMM,   /* dimm: in the order of the index */
	INPUT_RESTORE_CELL,   /* cell */
	INPUT_RESTORE_PAGE,   /* page */
	INPUT_RESTORE_ACTION, /* action: an intent that was never answered */
	/*
	 * absorb: the counts of another engine, which ran while the database could not be
	 * read. Repeat until engine_is_absorbed(), then once for each of its pages.
	 */
	INPUT_ABSORB,
	INPUT_RESTORE_DONE, /* restored */

	INPUT_UNSTORED, /* stored effects were lost: emit all of them again */
	INPUT_FLUSH,    /* emit what is not stored yet; repeat while effects.more */
};

/** True for the kinds that are valid only up to INPUT_RESTORE_DONE, itself included. */
static inline bool input_is_restore(enum input_kind kind)
{
	return kind >= INPUT_RESTORE_TOTALS && kind <= INPUT_RESTORE_DONE;
}

/**
 * One thing that happened. @now is CLOCK_BOOTTIME when the input is made; inside the
 * engine time never runs backwards. Pointers are borrowed for the call.
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
			/* A daemon that was killed had read them: the stored counts of
			 * the DIMMs may include them. */
			bool known_to_dimms;
		} lost;
		struct {
			struct trace_changes changes;
			usec_t since; /* all was right then; 0: not known */
			int error;    /* errno: why they are not put right; 0: they are */
		} gap;
		struct {
			pfn_t pfn;
			struct frame frame; /* as it is now */
			/* As it was when the attempts that were answered had ended. The
			 * engine subtracts what the attempts under way may take. */
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
		const struct sight_facts *source;
		const struct config *config;
		struct {
			pfn_t pfn;
			uint64_t cookie;
		} request;
		uint16_t index;
		struct {
			const char *part;
			const char *serial; /* not empty: unknown modules make no input */
			uint16_t index;
		} module;
		struct {
			const char *name; /* empty: not certain */
			bool whole;       /* EDAC shows modules here, not their ranks */
			uint16_t index;
		} slot;
		struct {
			const struct dimm_controller *v;
			unsigned int n;
			bool all_known; /* no event names one that EDAC does not know */
		} controllers;
		struct {
			pfn_t pfn;
			const struct page_rec *rec;
			bool other_boot; /* stored in an earlier boot */
		} page;
		struct {
			const struct dimm_rec *rec; /* @offlined: of the present boot */
			uint16_t index;
		} dimm;
		struct {
			const struct fault_cell *rec; /* with @other_boot set */
			uint16_t dimm;
			uint16_t slot;
		} cell;
		struct {
			const struct action_row *row;
			struct frame frame; /* as it is now */
		} action;
		const struct totals *totals;
		struct {
			/* Idle. Its history and cells move to the restored engine, and
			 * the caller frees it then. */
			struct engine *from;
			/* One of its pages; NULL: everything but pages. */
			const struct page_rec *live;
			/* Set if this engine does not track the page and the database
			 * holds it. */
			const struct page_rec *stored;
			bool other_boot; /* of @stored */
		} absorb;
		struct {
			/* Fingerprints of the memory map and of the memory modules: if a
			 * later boot has the same, its frames lie on the same DRAM.
			 * 0: not known. */
			int64_t ram_fingerprint;
			int64_t module_fingerprint;
		} memory;
		struct {
			/* The database holds pages that were not restored. */
			bool more_stored;
			/* No database: budgets start empty, each poisoned page counts. */
			bool nothing_stored;
		} restored;
	};
};

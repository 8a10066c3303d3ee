/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * What the engine wants done outside: one struct effects for each call of engine_step().
 * The member of the union is named after each kind below. The shell around the engine
 * performs the effects of a step in their order.
 */

#include "ce_tracker.h"
#include "engine/notice.h"
#include "offline_policy.h"
#include "track/fault_map.h"
#include "track/records.h"

enum effect_kind {
	EFFECT_PROBE, /* pfn: look at the frame and the machine; INPUT_PROBE answers */
	/* attempt: write once the effects before it are flushed; INPUT_ANSWER answers */
	EFFECT_OFFLINE,
	EFFECT_LOAD,         /* pfn: fetch the stored record now; INPUT_LOADED answers */
	EFFECT_STORE_PAGE,   /* page: borrowed until the next step */
	EFFECT_REMOVE_PAGE,  /* pfn */
	EFFECT_REMOVE_DIMM,  /* index: remove the stored pages of this DIMM */
	EFFECT_STORE_CE,     /* ce: insert or replace by id */
	EFFECT_STORE_ACTION, /* action: insert or replace by id */
	EFFECT_STORE_POISON, /* poison */
	EFFECT_STORE_DIMM,   /* dimm: borrowed until the next step */
	EFFECT_STORE_CELL,   /* cell: borrowed until the next step; remove if unused */
	EFFECT_STORE_TOTALS, /* all of engine_totals(); only INPUT_FLUSH makes it */
	EFFECT_STORE_SPENT,  /* the part of engine_totals() that totals_spend() copies */
	EFFECT_KERNEL,       /* look at the kernel's state now; INPUT_KERNEL answers */
	EFFECT_RECONCILE,    /* look at the tracked pages' frames; INPUT_FRAME for each */
	EFFECT_NOTICE,       /* notice: for the journal */
	EFFECT_REPLY,        /* reply: answers a request */
};

struct effect {
	enum effect_kind kind;
	union {
		pfn_t pfn;
		struct {
			uint64_t id;
			pfn_t pfn;
			/* The rule that allowed it, for a second check just before the
			 * write: the frame may have changed hands. Valid until the next
			 * step. */
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
	bool more; /* INPUT_FLUSH: repeat it, not everything found room */
};

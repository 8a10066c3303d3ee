/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * A database in memory: keeps what STORE effects hold, for a later engine to restore. It
 * does to times what the real one does when a boot is over.
 */

#include <stddef.h>

#include "engine/effect.h"
#include "engine/engine.h"
#include "sim/sim_index.h"

struct sim_page {
	struct page_rec *rec; /* owned */
	unsigned int boot;
};

struct sim_dimm {
	struct dimm_rec rec;
	bool used;
};

struct sim_cell {
	struct fault_cell rec;
	uint16_t dimm;
	uint16_t slot;
	unsigned int boot;
};

/** All zero: empty. To be read by anybody; the arrays are owned. */
struct sim_store {
	struct sim_page *pages; /* in no order, but see sim_store_sort_pages() */
	size_t n_pages;
	size_t page_room;
	struct sim_index page_index; /* by frame */
	struct sim_dimm *dimms;      /* by index, up to the last one stored */
	size_t n_dimms;
	struct sim_cell *cells;
	size_t n_cells;
	struct action_row *actions;
	size_t n_actions;
	struct totals totals;
	bool has_totals;
	unsigned int boot; /* the present one */
	uint64_t *ces;     /* count of each row */
	size_t ce_rows;
	size_t ce_before;  /* rows of engines before the present one */
	uint64_t ce_count; /* sum of the counts in those rows */
};

/** Frees what @s holds. */
void sim_store_done(struct sim_store *s);

/**
 * Performs @f, a STORE or REMOVE effect of @e; other effects are ignored, and poison rows
 * are not kept. Returns 0; -ENOMEM.
 */
int sim_store_effect(struct sim_store *s, const struct engine *e, const struct effect *f);

/** A new engine begins to number its rows. */
void sim_store_new_engine(struct sim_store *s);

/** What is stored of the frame @p, valid until the store changes; NULL for nothing. */
const struct sim_page *sim_store_find(const struct sim_store *s, pfn_t p);

/**
 * A new boot, at @now of its clock: moves all times by @shift, but none into the future,
 * and closes the intents of the boot before.
 */
void sim_store_new_boot(struct sim_store *s, usec_t shift, usec_t now);

/** Orders the pages for a restore: latest last_seen first. Returns 0; -ENOMEM. */
int sim_store_sort_pages(struct sim_store *s);

/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * A database in memory: keeps what STORE effects hand out, gives it back to a new engine.
 */

#include <stddef.h>

#include "engine/effect.h"
#include "engine/engine.h"

struct stored_page {
	struct page_rec *rec; /* owned */
	unsigned int boot;
};

struct store {
	struct stored_page *pages;
	size_t n_pages;
	struct {
		struct dimm_rec rec;
		bool used;
	} * dimms; /* up to the last one stored */
	size_t n_dimms;
	struct {
		struct fault_cell rec;
		uint16_t dimm;
		uint16_t slot;
		unsigned int boot;
	} * cells;
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

void store_init(struct store *s);
void store_done(struct store *s);

/** Performs a STORE or REMOVE effect; others are ignored. 0 or -ENOMEM. */
int store_effect(struct store *s, const struct engine *e, const struct effect *f);

/** A new engine begins to number its rows. */
void store_new_engine(struct store *s);

/** The stored page, or NULL. */
const struct stored_page *store_find(const struct store *s, pfn_t p);

/**
 * A new boot, at @now of its clock: moves all times by @shift, no time into the future.
 */
void store_new_boot(struct store *s, usec_t shift, usec_t now);

/** Orders the pages for a restore: latest last_seen first. */
void store_sort_pages(struct store *s);

/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * Sums of DIMM records: two records of one slot, and the ranks of one module. Pure
 * functions.
 */

#include "track/records.h"

/**
 * Takes everything that @from counted, which has nothing after that. Both are one slot,
 * so that their faults may be one: of each number the larger counts. Label, controller
 * and layers of @to stay; the module of @from is taken if @to has none.
 */
void dimm_rec_take(struct dimm_rec *to, struct dimm_rec *from);

/**
 * Takes the newest uncorrected error of @from, if it is newer than that of @to. To be
 * called before their counts are added, which say which of them has one.
 */
void dimm_rec_take_last_ue(struct dimm_rec *to, const struct dimm_rec *from);

/**
 * Adds @rank, another rank of the same module: its rows, banks and chips are others. The
 * fault is the widest of both.
 */
void dimm_rec_add_rank(struct dimm_rec *to, const struct dimm_rec *rank);

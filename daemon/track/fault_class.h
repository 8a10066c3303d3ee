/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * What kind of fault a DIMM has, judged by how far its distinct cells spread, and what to
 * advise. It classifies what has happened and gives the numbers; it predicts nothing.
 * Pure functions.
 */

#include "base/reason.h"
#include "track/fault_map.h"
#include "track/records.h"

/** Two errors that lie further apart than this do not count as one fault. */
#define CLASS_WINDOW (30 * USEC_PER_DAY)

/*
 * A column fault: rows of one bank that each have a single error, all in the same column.
 * Two such rows can be chance (one pair of weak cells in 128 bursts). Three that make up
 * half of the bank's rows cannot. Both column faults in the reference logs had hundreds.
 */
#define CLASS_COLUMN_ROWS 3

/* A bank fault: at least this many rows of the bank, in at least this many columns. Weak
 * cells that share a bank by chance are fewer. */
#define CLASS_BANK_ROWS    8
#define CLASS_BANK_COLUMNS 4

/*
 * A rank fault: at least this many rows and banks. One DIMM of the reference logs had
 * eight faulty rows in eight banks for seven months, and offlining its pages was enough.
 */
#define CLASS_RANK_ROWS  16
#define CLASS_RANK_BANKS 4

/* A channel fault: DIMMs of one channel have errors in the same way, each of them in at
 * least this many rows and banks within a day. */
#define CLASS_CHANNEL_ROWS   8
#define CLASS_CHANNEL_BANKS  4
#define CLASS_CHANNEL_WINDOW USEC_PER_DAY

/** The class that @n shows by itself; the caller keeps the widest class seen. */
enum fault_class fault_classify(const struct fault_counts *n);

/** True if the DIMM has errors as DIMMs of a failing channel do; @n is counted over a
 * day. */
bool fault_is_scattered(const struct fault_counts *n);

/** True for the classes of fault that offlining pages cannot win against. */
bool fault_is_wide(enum fault_class fault);

#define CLASS_WHY_MAX 220

/**
 * Returns the verdict of DIMM @d, whose budget is @pages_per_dimm. *ret_why gets the
 * sentence that explains the verdict, with its numbers; it is always terminated. @ret_why
 * may be NULL.
 */
enum verdict fault_verdict(const struct dimm_rec *d, uint32_t pages_per_dimm,
			   char ret_why[CLASS_WHY_MAX]);

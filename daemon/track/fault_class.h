/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * What kind of fault a DIMM has, by how far its distinct cells spread, and what to
 * advise. It is classification of what has happened, with the numbers it rests on; it
 * foretells nothing. Pure functions.
 */

#include "base/reason.h"
#include "track/fault_map.h"
#include "track/records.h"

/** Errors that lie further apart than this are not taken for one fault. */
#define CLASS_WINDOW (30 * USEC_PER_DAY)

/*
 * Rows of one bank, each with a single error, in one and the same column: two can be
 * chance (one pair of weak cells in 128 bursts), three that make up half of the bank's
 * rows are not. Both column faults in the reference logs had hundreds.
 */
#define CLASS_COLUMN_ROWS 3

/* A bank: at least this many rows of it, in at least this many columns. Weak cells that
 * share a bank by chance are fewer. */
#define CLASS_BANK_ROWS    8
#define CLASS_BANK_COLUMNS 4

/* A rank: at least this many rows and banks. A DIMM of the reference logs had eight
 * faulty rows in as many banks for seven months; offlining its pages was enough. */
#define CLASS_RANK_ROWS  16
#define CLASS_RANK_BANKS 4

/* DIMMs of one channel that err alike: each with at least this many rows and banks within
 * a day. */
#define CLASS_CHANNEL_ROWS   8
#define CLASS_CHANNEL_BANKS  4
#define CLASS_CHANNEL_WINDOW USEC_PER_DAY

/*
 * What a DIMM with a fault that offlining cannot win may still spend, all it spent before
 * included; and the errors of one page that make it worth one of them. Pages hit by a
 * column or bank fault see two errors each in the reference logs; a page with many is a
 * storm of its own, and its end is worth 4 KiB.
 */
#define CLASS_LAST_PAGES 16
#define CLASS_HOT_PAGE   16

/** The class that @n shows by itself; the caller keeps the widest seen. */
enum fault_class fault_classify(const struct fault_counts *n);

/** True if the DIMM errs as DIMMs of a failing channel do; @n counted over a day. */
bool fault_is_scattered(const struct fault_counts *n);

/** True for the classes that offlining pages cannot win. */
bool fault_is_wide(enum fault_class fault);

#define CLASS_WHY_MAX 200

/**
 * The verdict of DIMM @d, whose budget is @pages_per_dimm, and the sentence why, with its
 * numbers, in @ret_why (always terminated; NULL if it is not wanted).
 */
enum verdict fault_verdict(const struct dimm_rec *d, uint32_t pages_per_dimm,
			   char ret_why[CLASS_WHY_MAX]);

/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * Rows of the database as reports: the daemon (history and errors over D-Bus) and
 * softofflinectl (all lists while no daemon runs) show the same thing the same way. Pure:
 * nothing is read here.
 */

#include "db.h"
#include "tell/report.h"

/** Each sets every field of *ret. @page_shift is log2 of the page size in bytes. */
void report_from_db_page(const struct db_page *row, unsigned int page_shift,
			 struct page_report *ret);
void report_from_db_history(const struct db_history *row, unsigned int page_shift,
			    struct history_report *ret);
void report_from_db_ce(const struct db_ce *row, struct ce_report *ret);

/** What the events and counters tell of a DIMM; size, part, serial number, fault and
 * verdict stay "not known". */
void report_from_dimm_rec(const struct dimm_rec *rec, struct dimm_report *ret);

/** The database's filter that means the same as @f; @f->cursor is ignored. */
struct db_filter report_db_filter(const struct report_filter *f, unsigned int page_shift);

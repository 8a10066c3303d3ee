/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * Makes reports of rows of the database. The daemon uses it for history and errors over
 * D-Bus, softofflinectl for all lists while no daemon runs; so both show the same. It
 * reads nothing.
 */

#include "db.h"
#include "tell/report.h"

/** Each sets every field of *ret. @page_shift is log2 of the page size in bytes. */
void report_from_db_page(const struct db_page *row, unsigned int page_shift,
			 struct page_report *ret);
void report_from_db_history(const struct db_history *row, unsigned int page_shift,
			    struct history_report *ret);
void report_from_db_ce(const struct db_ce *row, struct ce_report *ret);

/** What the record says; the size and the verdict stay "not known". */
void report_from_dimm_rec(const struct dimm_rec *rec, struct dimm_report *ret);

/** The same filter for the database; f->cursor is ignored. */
struct db_filter report_db_filter(const struct report_filter *f, unsigned int page_shift);

/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * A notice of the engine as a report, for the bus. Every user gets it, so page addresses
 * stay out of it.
 */

#include "tell/journal.h"
#include "tell/report.h"

/** What is known of the DIMM that a notice is about. */
struct notice_dimm {
	const struct dimm_rec *rec;
	const char *slot; /* "": not certain */
	enum verdict verdict;
};

/**
 * Fills *ret with @r and its sentence (none if it names a page). @dimm: NULL if @r is
 * about no DIMM. @now: microseconds since the epoch.
 */
void report_from_notice(const struct notice *r, const struct journal_context *context,
			const struct notice_dimm *dimm, int64_t now,
			struct notice_report *ret);

/** Fills *ret with a line of the daemon itself: @kind is its word. */
void report_of_daemon(const char *kind, int priority, const char *message, int64_t now,
		      struct notice_report *ret);

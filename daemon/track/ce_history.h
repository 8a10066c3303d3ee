/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * Coalesces the CE history, so that a billion events do not become a billion rows. A
 * fixed table of open rows, one for a cell; a row is returned for storing while it is
 * still open, and again under the same id when it has counted more.
 *
 * How long a row covers: the first CE_HISTORY_FINE rows of a cell a second each; after
 * that an eighth of the time for which the cell has been erring, at most a week. So an
 * error is dated to a second while a cell is new, and later to within an eighth of its
 * age, and a cell makes at most about CE_HISTORY_FINE + 8 ln(seconds) rows, 190 in 400
 * days, however often it errs. First and last error of a row are exact always.
 *
 * A row is closed when an event of its cell falls outside of what it covers or another
 * cell wants its place; then the cell is new again.
 */

#include "track/records.h"

#define CE_HISTORY_FINE 16 /* rows of a second that a cell has before they grow */

struct ce_history;

/** Makes a table of @slots open rows, a power of two. Returns 0 and *ret, -EINVAL,
 * -ENOMEM. */
int ce_history_new(struct ce_history **ret, uint32_t slots);

/** Frees @h; NULL is fine. Returns NULL. */
struct ce_history *ce_history_free(struct ce_history *h);

/**
 * Counts one event at its own time in the open row of its cell. @dimm and @why, the
 * reason why no page is charged, are the row's .dimm and .unattributed. Returns false,
 * and has done nothing, if no open row covers it: then it is for ce_history_add().
 */
bool ce_history_join(struct ce_history *h, const struct ce_event *ev, uint16_t dimm,
		     enum result why);

/**
 * Adds @row, which stands for one event (first == last; its id is not looked at). Returns
 * true if an older row was closed of which ce_history_take() did not give everything, and
 * copies it to *ret_closed.
 */
bool ce_history_add(struct ce_history *h, const struct ce_row *row,
		    struct ce_row *ret_closed);

/**
 * Copies to *ret an open row that has changed since it was last returned; it stays open.
 * Returns false if there is none.
 */
bool ce_history_take(struct ce_history *h, struct ce_row *ret);

/** How many rows ce_history_take() would give. */
uint32_t ce_history_pending(const struct ce_history *h);

/** The rows returned so far were lost: returns every open row again. */
void ce_history_forget(struct ce_history *h);

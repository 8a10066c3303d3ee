/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * Joins the events of a cell into few rows of the CE history: a billion events must not
 * become a billion rows. The table of open rows has a fixed size, with one row for a
 * cell. A row is returned for storing while it is still open. It is returned again, under
 * the same id, when it has counted more.
 *
 * How long a row covers: each of the first CE_HISTORY_FINE rows of a cell covers a
 * second. After that, a row covers an eighth of the time since the cell's first error, at
 * most a week. So an error is dated to a second while the cell is new, and later to
 * within an eighth of the cell's age. A cell makes at most about CE_HISTORY_FINE + 8
 * ln(seconds) rows: 190 in 400 days, however many errors it has. The first and the last
 * error of a row are always exact.
 *
 * A row is closed when an event of its cell falls outside of the time that the row
 * covers, or when another cell needs its place. After that, the cell counts as new again.
 */

#include "track/records.h"

#define CE_HISTORY_FINE 16 /* first rows of a cell; each of them covers one second */

struct ce_history;

/** Makes a table of @slots open rows; @slots is a power of two. Returns 0 and *ret;
 * -EINVAL; -ENOMEM. */
int ce_history_new(struct ce_history **ret, uint32_t slots);

/** Frees @h; NULL is fine. Returns NULL. */
struct ce_history *ce_history_free(struct ce_history *h);

/**
 * Counts one event at its own time in the open row of its cell. @dimm and @why (the
 * reason why no page is charged) are the row's .dimm and .unattributed. Returns false and
 * does nothing if no open row covers the event; then call ce_history_add().
 */
bool ce_history_join(struct ce_history *h, const struct ce_event *ev, uint16_t dimm,
		     enum result why);

/**
 * Adds @row, which stands for one event: first == last, and its id is ignored. Returns
 * true if this closed an older row with counts that ce_history_take() has not returned
 * yet; that row is copied to *ret_closed.
 */
bool ce_history_add(struct ce_history *h, const struct ce_row *row,
		    struct ce_row *ret_closed);

/**
 * Copies to *ret an open row that has changed since it was last returned; it stays open.
 * Returns false if there is none.
 */
bool ce_history_take(struct ce_history *h, struct ce_row *ret);

/** How many rows ce_history_take() would return. */
uint32_t ce_history_pending(const struct ce_history *h);

/** The rows returned so far were lost: ce_history_take() returns every open row again. */
void ce_history_forget(struct ce_history *h);

/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * Coalesces the CE history: events of the same cell within one second become one row with
 * a count, so a billion events do not become a billion rows. A fixed table of open rows;
 * a row is closed when its second is over, when its place is wanted, or at a flush.
 */

#include "records.h"

struct ce_history;

/** Makes a table of @slots open rows, a power of two. Returns 0 and *ret, -EINVAL,
 * -ENOMEM. */
int ce_history_new(struct ce_history **ret, uint32_t slots);

/** Frees @h; NULL is fine. Returns NULL. */
struct ce_history *ce_history_free(struct ce_history *h);

/**
 * Adds @row, which stands for one event (first == last). Returns true if an older row had
 * to be closed and copies it to *ret_closed.
 */
bool ce_history_add(struct ce_history *h, const struct ce_row *row,
		    struct ce_row *ret_closed);

/** Closes one open row and copies it to *ret; false if none is open. */
bool ce_history_take(struct ce_history *h, struct ce_row *ret);

/** Open rows now. */
uint32_t ce_history_open(const struct ce_history *h);

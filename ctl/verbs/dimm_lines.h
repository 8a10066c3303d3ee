/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * DIMMs in the order in which they need somebody, and what is to be said of those that do.
 */

#include "output.h"

/**
 * Sorts rows of struct dimm_report: the worst verdict first, former modules last; those of
 * a kind stay in the order in which they came.
 */
void dimm_lines_sort(struct rows *rows);

/**
 * Prints the DIMMs among the sorted @rows whose verdict is worse than "watch", or which are
 * missing: name, slot, part and serial number, fault, since when, and what to do.
 */
void dimm_lines_print(const struct ui *ui, const struct rows *rows);

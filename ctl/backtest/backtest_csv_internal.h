/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * Shared by the reader of tables (backtest_csv.c) and that of their fields
 * (backtest_fields.c).
 */

#include "backtest/backtest_csv.h"

/* More lines than this within quotes: a quote that nobody meant. */
#define CSV_QUOTED_LINES 8

/** Reads @field as @column into @row. NULL, or why it cannot be (static text). */
const char *csv_set_field(struct backtest_row *row, enum csv_column column,
			  struct backtest_text field);

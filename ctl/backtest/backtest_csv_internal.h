/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * Shared by the reader of tables (backtest_csv.c) and the reader of their fields
 * (backtest_fields.c).
 */

#include "backtest/backtest_csv.h"

/* A quote that is open for more lines than this is a mistake. */
#define CSV_QUOTED_LINES 8

/** Reads @field as @column into @row. Returns NULL, or why it is refused (static
 * text). */
const char *csv_set_field(struct backtest_row *row, enum csv_column column,
			  struct backtest_text field);

/** True if @field is one of the words for a value that is not known. */
bool csv_field_is_absent(struct backtest_text field);

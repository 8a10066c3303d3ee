/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * What EDAC said of an error, from any program that kept it, as a row of a back-test. Pure.
 */

#include "backtest/backtest_row.h"

/** One report of EDAC. The texts belong to the caller. */
struct mc_report {
	int64_t time;
	uint64_t address;
	uint64_t count; /* 0: one */
	uint8_t grain_bits;
	enum backtest_kind kind; /* BACKTEST_CE also for one that the scrubber found */
	int mc;
	int layer[3]; /* -1: not known */
	struct backtest_text msg;
	struct backtest_text label;
	struct backtest_text detail;
	struct backtest_text server; /* empty: one machine without a name */
};

#define MC_ROW_NAME_MAX 64

/**
 * Fills *ret. A report without a label gets the name of its place, written to @name. The
 * texts of *ret are those of @report, or @name.
 */
void mc_row_fill(const struct mc_report *report, char name[MC_ROW_NAME_MAX],
		 struct backtest_row *ret);

/** log2 of @bytes, rounded up: 0 for 0 and 1. */
uint8_t mc_row_grain_bits(uint64_t bytes);

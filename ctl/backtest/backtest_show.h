/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * The results of a back-test, for people and for programs.
 */

#include "backtest/backtest.h"
#include "output.h"

/** What there is to show. */
struct backtest_show {
	const struct backtest *backtest;
	const struct backtest_policy *const *policies;
	unsigned int n_policies;
	unsigned int page_shift;
	uint64_t bad_rows;
};

/** Prints it as @ui asks. Returns an exit code. */
int backtest_print(const struct ui *ui, const struct backtest_show *show);

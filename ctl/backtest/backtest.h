/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * Runs recorded errors through the daemon's own engine, under several policies at once.
 * It shows what each policy would have offlined, and which of the recorded errors would
 * not have happened.
 *
 * Each engine runs on a simulated machine that always does what it is asked: every frame
 * is an ordinary page in use, every soft offline succeeds at once, no boot ends. All rows
 * with the same server belong to one machine. If no row names a server, each named DIMM
 * is a machine of its own, and all rows that name no DIMM belong to one machine.
 *
 * An avoided error is a corrected error on a page after the page was offlined. The policy
 * does not see such an error, because it would not have happened. If the patrol scrubber
 * found the error, the policy does see it: a scrubber continues to read a frame that is
 * out of use.
 */

#include "backtest/backtest_row.h"
#include "base/reason.h"
#include "config/config.h"
#include "track/fault_class.h"

#define BACKTEST_MAX_POLICIES 16
#define BACKTEST_MAX_DIMMS    65536
#define BACKTEST_RAM_PAGES    (UINT64_C(1) << 24) /* of each machine */

/** A policy under test. */
struct backtest_policy {
	char name[CONFIG_PATH_MAX];
	struct config cfg;
	/*
	 * A window that begins again when it has ended, as in rasdaemon. The engine has
	 * no such rule: the back-test counts, and then asks the engine for the page as an
	 * operator would, without regard to the budgets. count 0: not used.
	 */
	struct threshold tumbling;
	/* The policy gets no DRAM coordinates: no rows, no classes, and no verdict is
	 * asked for. */
	bool page_rule_only;
};

/** Name number @i of the built-in policies; NULL past the last one. */
const char *backtest_policy_name(unsigned int i);

/** Fills *ret with the built-in policy @name. Returns 0; -ENOENT. */
int backtest_policy_get(const char *name, struct backtest_policy *ret);

struct backtest;

/**
 * Makes a back-test of @n policies (kept, not copied), for frames of 2^@page_shift bytes.
 * Returns 0 and *ret, to be freed with backtest_free(); -EINVAL: no policy, or too many;
 * -ENOMEM.
 */
int backtest_new(struct backtest **ret, const struct backtest_policy *const *policies,
		 unsigned int n, unsigned int page_shift);

/** Frees @b; NULL is fine. Returns NULL. */
struct backtest *backtest_free(struct backtest *b);

/**
 * Takes in one row. Rows are put in order of time if none comes more than
 * BACKTEST_ORDER_ROWS rows late. A row that comes later is handled when it comes, with
 * its own time, and counted.
 *
 * Returns 0; -ENOMEM.
 */
int backtest_add(struct backtest *b, const struct backtest_row *row);

/** Ends the input. Call it once, before you ask for the results. Returns as
 * backtest_add(). */
int backtest_finish(struct backtest *b);

#define BACKTEST_ORDER_ROWS 65536

/** What the rows show by themselves, without any policy. */
struct backtest_input {
	uint64_t rows;
	uint64_t ces;
	uint64_t late;     /* rows that came too late to be sorted in */
	uint64_t untimed;  /* rows left out: not from 1970 to 2199 */
	uint64_t left_out; /* rows of DIMMs past BACKTEST_MAX_DIMMS */
	uint64_t after_ue; /* CEs after their DIMM's ticket: not taken */
	uint64_t unplaced; /* CEs without an address */
	unsigned int dimms;
	unsigned int ue_dimms;
	int64_t first; /* time of the earliest row; BACKTEST_NO_TIME */
	int64_t last;
};

void backtest_input(const struct backtest *b, struct backtest_input *ret);

/** One DIMM under one policy. Times are microseconds since the epoch. */
struct backtest_result {
	const char *dimm;
	uint64_t ces;
	uint64_t ces_avoided;
	uint64_t pages; /* pages that had a corrected error */
	uint64_t pages_offlined;
	uint64_t pages_before_ue;    /* pages that had one up to the UE */
	uint64_t offlined_before_ue; /* pages of these, offlined by then */
	int64_t first_action;        /* BACKTEST_NO_TIME: none */
	int64_t ue_time;             /* BACKTEST_NO_TIME: none known */
	int64_t replace_time; /* when the verdict became "replace"; BACKTEST_NO_TIME */
	unsigned int budgets; /* budgets that were met: BACKTEST_BUDGET_*, or-ed */
	enum fault_class class;
	enum verdict verdict;
	char verdict_why[CLASS_WHY_MAX];
};

enum backtest_budget {
	BACKTEST_BUDGET_HOUR = 1 << 0,
	BACKTEST_BUDGET_DIMM = 1 << 1,
	BACKTEST_BUDGET_TOTAL = 1 << 2,
};

/** Fills *ret for DIMM @dimm under policy @policy; DIMMs count from 0 in order of
 * appearance. */
void backtest_result(const struct backtest *b, unsigned int policy, unsigned int dimm,
		     struct backtest_result *ret);

/** All DIMMs under one policy. */
struct backtest_total {
	uint64_t ces;
	uint64_t ces_avoided;
	uint64_t pages;
	uint64_t pages_offlined;
	uint64_t pages_offlined_healthy; /* on DIMMs without a UE */
	uint64_t pages_before_ue;
	uint64_t offlined_before_ue;
	unsigned int ue_dimms;
	unsigned int ue_dimms_reached; /* with an action before the UE */
	unsigned int ue_dimms_replace; /* with the verdict "replace" before the UE */
	unsigned int replace;          /* DIMMs with the verdict "replace" */
	unsigned int budget_hour;      /* DIMMs whose machine met this budget */
	unsigned int budget_dimm;
	unsigned int budget_total;
};

void backtest_total(const struct backtest *b, unsigned int policy,
		    struct backtest_total *ret);

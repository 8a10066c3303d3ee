/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * The policies that have a name: our defaults, and the defaults of other programs as far
 * as page rule and budgets are concerned. The source of the figures is above each row.
 * This file knows configurations only.
 */

#include <errno.h>
#include <string.h>

#include "backtest/backtest.h"
#include "base/mem.h"

struct policy_row {
	const char *name;
	struct threshold page;
	struct threshold tumbling;
	uint64_t total_millionths; /* share of memory to offline; 0: our default */
};

#define NO_LIMIT 1000000

static const struct policy_row table[] = {
	/* PAGE_CE_THRESHOLD and PAGE_CE_REFRESH_CYCLE of rasdaemon 0.8.5; no budget. */
	{ "rasdaemon", .tumbling = { 50, { USEC_PER_DAY } },
	  .total_millionths = NO_LIMIT },
	/* memory-ce-threshold since September 2024; no budget. */
	{ "mcelog", .page = { 2, { USEC_PER_DAY } }, .total_millionths = NO_LIMIT },
	/* WHEA's predictive failure analysis watches 64 pages; it may offline any
	 * number. */
	{ "windows", .page = { 17, { USEC_PER_DAY } }, .total_millionths = NO_LIMIT },
	/* ce_n and ce_t of the diagnosis engine; max_pages_retired_bps is 10. */
	{ "illumos", .page = { 2, { 3 * USEC_PER_DAY } }, .total_millionths = 1000 },
	{ .name = "default" },
};

const char *backtest_policy_name(unsigned int i)
{
	return i < ARRAY_SIZE(table) ? table[i].name : NULL;
}

/* A page rule alone: every other rule of ours is off, new rules too. */
static void policy_make_peer(const struct policy_row *row, struct backtest_policy *p)
{
	struct config *cfg = &p->cfg;

	config_rule_off(&cfg->policy);
	cfg->policy.page = row->page;
	cfg->budget.pages_per_hour = 100000;
	cfg->budget.burst = 100000;
	cfg->budget.pages_per_dimm = NO_LIMIT;
	cfg->budget.total = (struct amount){ AMOUNT_PERCENT, row->total_millionths };
	p->tumbling = row->tumbling;
	p->page_rule_only = true;
}

int backtest_policy_get(const char *name, struct backtest_policy *ret)
{
	for (size_t i = 0; i < ARRAY_SIZE(table); i++) {
		if (strcmp(table[i].name, name) != 0)
			continue;
		memset(ret, 0, sizeof(*ret));
		memcpy(ret->name, name, strlen(name) + 1);
		config_init(&ret->cfg);
		if (table[i].total_millionths > 0)
			policy_make_peer(&table[i], ret);
		return 0;
	}
	return -ENOENT;
}

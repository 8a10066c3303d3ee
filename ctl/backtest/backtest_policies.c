/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * The policies that have a name: ours as it comes, and what others do by default, as far
 * as the page rule and the budgets go. Where the figures are from stands with each. It
 * knows configurations only.
 */

#include <errno.h>
#include <string.h>

#include "backtest/backtest.h"
#include "base/mem.h"

struct named {
	const char *name;
	const char *help;
	struct threshold page;     /* ours if off */
	struct threshold tumbling; /* or off */
	uint64_t total_millionths; /* share of the memory that may go; 0: ours */
};

#define NO_LIMIT 1000000

static const struct named table[] = {
	/* PAGE_CE_THRESHOLD and PAGE_CE_REFRESH_CYCLE of rasdaemon 0.8.5; no budget. */
	{ "rasdaemon", "50 / 24h in a window that starts anew; no budget",
	  .tumbling = { 50, { USEC_PER_DAY } }, .total_millionths = NO_LIMIT },
	/* memory-ce-threshold since September 2024; no budget. */
	{ "mcelog", "2 / 24h; no budget", .page = { 2, { USEC_PER_DAY } },
	  .total_millionths = NO_LIMIT },
	/* WHEA's predictive failure analysis watches 64 pages: no cap on what it takes.
	 */
	{ "windows", "more than 16 / 24h; no budget", .page = { 17, { USEC_PER_DAY } },
	  .total_millionths = NO_LIMIT },
	/* ce_n and ce_t of the diagnosis engine; max_pages_retired_bps is 10. */
	{ "illumos", "2 / 72h; 0.1 % of the memory", .page = { 2, { 3 * USEC_PER_DAY } },
	  .total_millionths = 1000 },
	{ "default", "softofflined's own configuration, as it comes", .page = { 0 } },
};

const char *backtest_policy_name(unsigned int i)
{
	return i < ARRAY_SIZE(table) ? table[i].name : NULL;
}

const char *backtest_policy_help(unsigned int i)
{
	return i < ARRAY_SIZE(table) ? table[i].help : NULL;
}

/* A page rule, and nothing else of ours. */
static void make_peer(const struct named *n, struct backtest_policy *p)
{
	struct config *cfg = &p->cfg;

	cfg->policy.page = n->page;
	cfg->policy.row.count = 0;
	cfg->policy.cell.count = 0;
	cfg->policy.neighbour = false;
	cfg->budget.pages_per_hour = 100000;
	cfg->budget.burst = 100000;
	cfg->budget.pages_per_dimm = NO_LIMIT;
	cfg->budget.total = (struct amount){ AMOUNT_PERCENT, n->total_millionths };
	p->tumbling = n->tumbling;
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
			make_peer(&table[i], ret);
		return 0;
	}
	return -ENOENT;
}

/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * The policies that have a name. What they offline is tested in test_backtest.c.
 */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "backtest/backtest.h"

/* Of our rules a peer has the page rule at most. */
static void test_peers(void **state)
{
	for (unsigned int i = 0; backtest_policy_name(i); i++) {
		struct backtest_policy p;
		struct policy_rule off;

		assert_int_equal(backtest_policy_get(backtest_policy_name(i), &p), 0);
		if (!p.page_rule_only)
			continue;
		config_rule_off(&off);
		off.page = p.cfg.policy.page;
		assert_memory_equal(&p.cfg.policy, &off, sizeof(off));
		assert_int_equal(p.cfg.n_overrides, 0);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_peers),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

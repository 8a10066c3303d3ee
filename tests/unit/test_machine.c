/* SPDX-License-Identifier: GPL-2.0-or-later */

/* Where System RAM is: the borders of its ranges, and a map that cannot be read. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/machine.h"

static void test_contains(void **state)
{
	struct ram_map map = { .n = 2, .known = true };

	map.ranges[0] = (struct ram_range){ paddr(0x1000), paddr(0x1fff) };
	map.ranges[1] = (struct ram_range){ paddr(0x3000), paddr(UINT64_MAX) };
	assert_false(ram_map_contains(&map, paddr(0xfff)));
	assert_true(ram_map_contains(&map, paddr(0x1000)));
	assert_true(ram_map_contains(&map, paddr(0x1fff)));
	assert_false(ram_map_contains(&map, paddr(0x2000)));
	assert_true(ram_map_contains(&map, paddr(0x3000)));
	assert_true(ram_map_contains(&map, paddr(UINT64_MAX)));
}

static void test_empty_or_unknown(void **state)
{
	struct ram_map map = { .known = true };

	assert_false(ram_map_contains(&map, paddr(0x1000)));
	assert_true(ram_map_print(&map) != 0);
	map.known = false;
	assert_true(ram_map_contains(&map, paddr(0x1000)));
	assert_int_equal(ram_map_print(&map), 0);
}

static void test_bytes(void **state)
{
	struct ram_map map = { .n = 2, .known = true };

	map.ranges[0] = (struct ram_range){ paddr(0x1000), paddr(0x1fff) };
	map.ranges[1] = (struct ram_range){ paddr(0x3000), paddr(0x3000) };
	assert_int_equal(ram_map_bytes(&map), 0x1001);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_contains),
		cmocka_unit_test(test_empty_or_unknown),
		cmocka_unit_test(test_bytes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

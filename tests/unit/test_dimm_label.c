/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * Which labels somebody has registered, which the kernel made, and which two cannot mean
 * one slot.
 */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>

/* clang-format off: cmocka.h wants the others before it */
#include <cmocka.h>
/* clang-format on */

#include "base/dimm_label.h"
#include "base/mem.h"

static void check(const char *const *rows, size_t n, bool registered)
{
	for (size_t i = 0; i < n; i++) {
		if (dimm_label_is_registered(rows[i]) == registered)
			continue;
		print_message("\"%s\"\n", rows[i]);
		fail();
	}
}

static void test_registered(void **state)
{
	static const char *const rows[] = {
		"DIMM_A1",       "A1",      "P1-DIMMA2",
		"CPU#0_DIMM A1", "DIMM#1",  "NODE 1 DIMM_A1",
		"CPU1 A2",       "DDR4_A1", "mc0",
		"Floor#2_A",     "#1",      "P0 CHANNEL A DIMM 0",
	};

	check(rows, ARRAY_SIZE(rows), true);
}

static void test_made_by_the_kernel(void **state)
{
	static const char *const rows[] = {
		"mc#0csrow#1channel#0",
		"mc#0memory#3",
		"mc#12branch#0channel#1slot#0",
		"mc#0",
		"CPU_SrcID#0_MC#0_Chan#0_DIMM#0",
		"CPU_SrcID#0_HBMC#1_Chan#0",
		"CPU_SrcID#1_Ha#0_Chan#2_DIMM#0",
		"CPU#0Channel#1_DIMM#0",
		"MC#0_Chan#0_DIMM#0",
		"MC#0Channel#0_DIMM#0",
	};

	check(rows, ARRAY_SIZE(rows), false);
}

static void test_of_no_dimm(void **state)
{
	static const char *const rows[] = {
		"",         "unknown memory",     "any memory", "DIMM_A1 or DIMM_A2",
		"socket 0", "socket 1 channel 2",
	};

	check(rows, ARRAY_SIZE(rows), false);
	assert_true(dimm_label_names_several("DIMM_A1 or DIMM_A2"));
	assert_false(dimm_label_names_several("DIMM_floor_A1"));
}

static void test_contradiction(void **state)
{
	static const char s0[] = "CPU_SrcID#0_MC#0_Chan#0_DIMM#0";
	static const char s1[] = "CPU_SrcID#1_MC#0_Chan#0_DIMM#0";

	assert_true(dimm_labels_contradict(s0, s1));
	assert_false(dimm_labels_contradict(s0, s0));
	assert_false(dimm_labels_contradict(s0, "DIMM_A1"));
	assert_false(dimm_labels_contradict("CPU1 A1", s1));
	/* The number of mcN is no place. */
	assert_false(
		dimm_labels_contradict("mc#0csrow#1channel#0", "mc#1csrow#1channel#0"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_registered),
		cmocka_unit_test(test_made_by_the_kernel),
		cmocka_unit_test(test_of_no_dimm),
		cmocka_unit_test(test_contradiction),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * The verdict of the machine: what each finding alone gives, what comes first if several
 * are so, and the sentence, which must be true and name the DIMM.
 */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

/* clang-format off: cmocka.h wants the others before it */
#include <cmocka.h>
/* clang-format on */

#include "base/mem.h"
#include "track/machine_verdict.h"

static const struct {
	struct machine_facts facts;
	enum verdict verdict;
	const char *why;
} rows[] = {
	{ { .corrected_errors = 0 }, VERDICT_OK, "no corrected errors" },
	{ { .corrected_errors = 3, .unattributed = 2 },
	  VERDICT_WATCH,
	  "corrected errors, below every threshold" },
	{ { .corrected_errors = 3, .unattributed = 3 },
	  VERDICT_WATCH,
	  "corrected errors that name no page, so no page is taken out of use" },

	/* What was done with success needs nobody. */
	{ { .corrected_errors = 9, .offlined = 1 },
	  VERDICT_WATCH,
	  "1 failing page was taken out of use" },
	{ { .corrected_errors = 9, .offlined = 2 },
	  VERDICT_WATCH,
	  "2 failing pages were taken out of use" },
	{ { .corrected_errors = 9, .offlined = 2, .pending = 1 },
	  VERDICT_WATCH,
	  "1 failing page waits to be taken out of use" },

	/* What was not done is not called done. */
	{ { .corrected_errors = 9, .offlined = 4, .accounted = 1 },
	  VERDICT_WATCH,
	  "1 failing page stays in use: errors are only counted" },
	{ { .corrected_errors = 9, .accounted = 3 },
	  VERDICT_WATCH,
	  "3 failing pages stay in use: errors are only counted" },
	{ { .corrected_errors = 9, .kept = 1, .accounted = 3 },
	  VERDICT_DEGRADED,
	  "1 failing page stays in use; see softofflinectl pages" },
	{ { .corrected_errors = 9, .failed = 1, .kept = 1 },
	  VERDICT_DEGRADED,
	  "1 failing page could not be taken out of use; see softofflinectl pages" },

	{ { .hold = RESULT_DENIED },
	  VERDICT_DEGRADED,
	  "the kernel denies the permission; everything is on hold" },
	{ { .total_used_up = true, .hour_used_up = true },
	  VERDICT_DEGRADED,
	  "the budget of the whole machine is used up" },
	{ { .hour_used_up = true },
	  VERDICT_DEGRADED,
	  "the hourly budget is used up; pages wait" },
	{ { .lost = true, .gap = true },
	  VERDICT_DEGRADED,
	  "events were lost within a day; counts are lower bounds" },
	{ { .gap = true },
	  VERDICT_DEGRADED,
	  "another program interrupted the recording within a day; counts are lower "
	  "bounds" },
	{ { .sight = SIGHT_CAUSE_LOCKDOWN, .hold = RESULT_DENIED },
	  VERDICT_DEGRADED,
	  "lockdown \"confidentiality\" closes tracefs, where memory errors are reported" },
};

static void test_rows(void **state)
{
	char why[CLASS_WHY_MAX];

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		assert_int_equal(machine_verdict(&rows[i].facts, why), rows[i].verdict);
		assert_string_equal(why, rows[i].why);
	}
}

static void test_dimms_come_first(void **state)
{
	struct machine_facts f = { .sight = SIGHT_CAUSE_LOCKDOWN, .corrected_errors = 1 };
	char why[CLASS_WHY_MAX];

	machine_facts_add_dimm(&f, "DIMM_A0", VERDICT_OK);
	machine_facts_add_dimm(&f, "DIMM_A1", VERDICT_WATCH);
	assert_int_equal(f.replace + f.repair, 0);
	machine_facts_add_dimm(&f, "DIMM_B0", VERDICT_REPAIR);
	assert_int_equal(machine_verdict(&f, why), VERDICT_DEGRADED);
	assert_string_equal(why, "repair DIMM_B0 by a cold reboot");
	machine_facts_add_dimm(&f, "DIMM_B1", VERDICT_REPAIR);
	assert_int_equal(machine_verdict(&f, why), VERDICT_DEGRADED);
	assert_string_equal(why, "repair DIMM_B0 and 1 more by a cold reboot");
	machine_facts_add_dimm(&f, "DIMM_C0", VERDICT_REPLACE);
	assert_int_equal(machine_verdict(&f, why), VERDICT_REPLACE);
	assert_string_equal(why, "replace DIMM_C0");
	machine_facts_add_dimm(&f, "DIMM_C1", VERDICT_REPLACE);
	machine_facts_add_dimm(&f, "DIMM_D1", VERDICT_REPLACE);
	assert_int_equal(machine_verdict(&f, why), VERDICT_REPLACE);
	assert_string_equal(why, "replace DIMM_C0 and 2 more");
}

static void test_long_label(void **state)
{
	struct machine_facts f = { .replace = 0 };
	char label[DIMM_LABEL_MAX], why[CLASS_WHY_MAX];

	memset(label, 'D', sizeof(label) - 1);
	label[sizeof(label) - 1] = '\0';
	machine_facts_add_dimm(&f, label, VERDICT_REPAIR);
	assert_int_equal(machine_verdict(&f, why), VERDICT_DEGRADED);
	assert_string_equal(why + strlen(why) - 18, "D by a cold reboot");
}

static void test_pages(void **state)
{
	struct machine_facts f = { .replace = 0 };

	machine_facts_add_pages(&f, PAGE_WATCHED, RESULT_NONE, 100);
	machine_facts_add_pages(&f, PAGE_PENDING, RESULT_BUSY, 2);
	machine_facts_add_pages(&f, PAGE_OFFLINED, RESULT_OFFLINED, 3);
	machine_facts_add_pages(&f, PAGE_FAILED, RESULT_BUSY, 4);
	machine_facts_add_pages(&f, PAGE_REFUSED, RESULT_ACCOUNT, 5);
	machine_facts_add_pages(&f, PAGE_REFUSED, RESULT_DRY_RUN, 6);
	machine_facts_add_pages(&f, PAGE_REFUSED, RESULT_UNMOVABLE, 7);
	machine_facts_add_pages(&f, PAGE_REFUSED, RESULT_NOT_RAM, 8);
	assert_int_equal(f.pending, 2);
	assert_int_equal(f.offlined, 3);
	assert_int_equal(f.failed, 4);
	assert_int_equal(f.accounted, 11);
	assert_int_equal(f.kept, 7);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rows),
		cmocka_unit_test(test_dimms_come_first),
		cmocka_unit_test(test_long_label),
		cmocka_unit_test(test_pages),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

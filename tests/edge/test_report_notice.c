/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * What programs get of a notice: its DIMM, the verdict before and after, and what kind of
 * address it has; never the address.
 */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "base/mem.h"
#include "tell/report_notice.h"

static const struct journal_context context = { .page_shift = 12,
						.dimm_label = "P1",
						.verdict_why = "1 faulty row" };
static const struct dimm_rec rec = { .label = "P1",
				     .part = "M393",
				     .fault = { .class = FAULT_ROW } };
static const struct notice_dimm dimm = { &rec, "CPU1 A1", VERDICT_REPLACE };

static void verdict(void **state)
{
	const struct notice r = { .kind = NOTICE_VERDICT,
				  .dimm = 1,
				  .fault = FAULT_ROW,
				  .verdict = VERDICT_REPAIR,
				  .verdict_before = VERDICT_WATCH };
	struct notice_report got;

	report_from_notice(&r, &context, &dimm, 17, &got);
	assert_int_equal(got.time, 17);
	assert_string_equal(got.kind, "verdict");
	assert_string_equal(got.priority, "warning");
	assert_string_equal(got.dimm, "P1");
	assert_string_equal(got.slot, "CPU1 A1");
	assert_string_equal(got.part, "M393");
	assert_string_equal(got.fault, "row");
	/* The notice's own, whatever the DIMM's is by now. */
	assert_string_equal(got.verdict, "repair-at-reboot");
	assert_string_equal(got.verdict_before, "watch");
	assert_string_equal(got.address_class, "");
	assert_string_equal(got.message, "P1: verdict repair-at-reboot: 1 faulty row.");
	assert_true(got.error == REPORT_NO_NUMBER);
}

static void page(void **state)
{
	const struct notice r = { .kind = NOTICE_PAGE_FAILED,
				  .dimm = 1,
				  .pfn = { 0xabcde },
				  .has_pfn = true,
				  .reason = REASON_PAGE_THRESHOLD,
				  .result = RESULT_BUSY,
				  .count = 7,
				  .error = 16 };
	struct notice_report got;

	report_from_notice(&r, &context, &dimm, 17, &got);
	assert_string_equal(got.kind, "failed");
	assert_string_equal(got.reason, "page-threshold");
	assert_string_equal(got.result, "busy");
	assert_int_equal(got.count, 7);
	assert_int_equal(got.error, 16);
	assert_string_equal(got.verdict, "replace");
	assert_string_equal(got.verdict_before, "");
	assert_string_equal(got.address_class, "page");
}

/* The sentence of each kind would name the page; so there is none. */
static void no_address(void **state)
{
	for (int k = 0; k < NOTICE_MAX_; k++) {
		const struct notice r = { .kind = (enum notice_kind)k,
					  .dimm = 1,
					  .pfn = { 0xabcde },
					  .has_pfn = true };
		struct notice_report got;

		report_from_notice(&r, &context, &dimm, 17, &got);
		assert_string_equal(got.message, "");
		assert_null(memmem(&got, sizeof(got), "abcde", 5));
	}
}

static void address_classes(void **state)
{
	static const struct {
		enum notice_kind kind;
		enum result result;
		const char *want;
	} rows[] = {
		{ NOTICE_UNATTRIBUTED, RESULT_NO_ADDRESS, "none" },
		{ NOTICE_UNATTRIBUTED, RESULT_CUT_ADDRESS, "cut" },
		{ NOTICE_UNATTRIBUTED, RESULT_COARSE_GRAIN, "coarse" },
		{ NOTICE_UNATTRIBUTED, RESULT_NOT_RAM, "not-ram" },
		{ NOTICE_UNCORRECTED, RESULT_UNCORRECTED, "none" },
		{ NOTICE_BLIND, RESULT_NONE, "" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		const struct notice r = { .kind = rows[i].kind,
					  .result = rows[i].result,
					  .sight = SIGHT_CAUSE_NO_DRIVER };
		struct notice_report got;

		report_from_notice(&r, &context, NULL, 17, &got);
		assert_string_equal(got.address_class, rows[i].want);
		assert_string_equal(got.dimm, "");
		assert_string_equal(got.verdict, "");
		assert_true(strlen(got.message) > 10);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(verdict),
		cmocka_unit_test(page),
		cmocka_unit_test(no_address),
		cmocka_unit_test(address_classes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

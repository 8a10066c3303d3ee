/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * What the journal says: a sentence for each notice, and of budgets, that nothing is "used
 * up" that was empty from the start.
 */

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

/* clang-format off: cmocka.h wants the others before it */
#include <cmocka.h>
/* clang-format on */

#include "tell/journal.h"

static void budgets(void **state)
{
	static const struct {
		enum result result;
		uint64_t count;
		int64_t retry_at;
		const char *want;
	} rows[] = {
		{ RESULT_BUDGET_HOUR, 3, 1,
		  "The hourly budget is used up after 3 pages; failing pages wait for their "
		  "turn." },
		{ RESULT_BUDGET_HOUR, 1, 1,
		  "The hourly budget is used up after 1 page; failing pages wait for their "
		  "turn." },
		{ RESULT_BUDGET_HOUR, 0, 1,
		  "The hourly budget is empty after the start: it was spent before, or no "
		  "database says what was spent. Failing pages wait for their turn." },
		{ RESULT_BUDGET_HOUR, 0, USEC_NEVER,
		  "PagesPerHour or Burst is 0: no page is offlined; failing pages wait." },
		{ RESULT_BUDGET_DIMM, 2, 0,
		  "P1 has used up its budget of 2 pages: replace the DIMM. No more of its "
		  "pages are offlined." },
		{ RESULT_BUDGET_DIMM, 0, 0,
		  "PagesPerDimm is 0: no page of P1 is offlined." },
		{ RESULT_BUDGET_TOTAL, 5, 0,
		  "The budget of the whole machine is used up after 5 pages; no more are "
		  "offlined. Look for failing DIMMs." },
		{ RESULT_BUDGET_TOTAL, 0, 0,
		  "The budget Total is 0 pages: no page is offlined." },
	};
	struct journal_context context = { .page_shift = 12, .dimm_label = "P1" };
	char text[512];

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct notice r = { .kind = NOTICE_BUDGET,
				    .result = rows[i].result,
				    .count = rows[i].count,
				    .retry_at = usec(rows[i].retry_at) };

		journal_sentence(&r, &context, text, sizeof(text));
		assert_string_equal(text, rows[i].want);
	}
}

/* Each notice has a word of its own, and a sentence that ends and fits. */
static void each_kind(void **state)
{
	struct journal_context context = { .page_shift = 12,
					   .dimm_label = "P1",
					   .verdict_why = "why" };
	char text[256];

	for (int k = 0; k < NOTICE_MAX_; k++) {
		struct notice r = { .kind = (enum notice_kind)k, .count = 1 };
		int n = journal_sentence(&r, &context, text, sizeof(text));

		assert_in_range(n, 20, sizeof(text) - 1);
		assert_int_equal(text[n - 1], '.');
		for (int other = 0; other < k; other++)
			assert_string_not_equal(
				notice_to_string(r.kind),
				notice_to_string((enum notice_kind)other));
	}
	assert_string_equal(notice_to_string(NOTICE_MAX_), "invalid-value");
	assert_false(notice_is_limited(NOTICE_MAX_));
	assert_true(notice_is_limited(NOTICE_PAGE_OFFLINED));
	assert_false(notice_is_limited(NOTICE_SUMMARY));
}

/* What was changed, the file that shows it, and what that means. */
static void trace_changes(void **state)
{
	struct journal_context context = { .dimm_label = "" };
	struct notice r = { .kind = NOTICE_TRACE_CHANGED };
	char text[512];

	trace_changes_add(&r.changes, TRACE_CHANGE_OVERWRITE);
	journal_sentence(&r, &context, text, sizeof(text));
	assert_string_equal(
		text, "Another program changed the trace instance: a full buffer kept "
		      "its oldest events (options/overwrite). That is undone, and no "
		      "error was missed.");
	r.changes.bits = 0;
	trace_changes_add(&r.changes, TRACE_CHANGE_TRACING_ON);
	trace_changes_add(&r.changes, TRACE_CHANGE_FILTER);
	r.count = 1;
	r.span = usec(14 * USEC_PER_SEC);
	journal_sentence(&r, &context, text, sizeof(text));
	assert_string_equal(
		text, "Another program changed the trace instance: recording was "
		      "switched off (tracing_on), a filter was set (filter). That is "
		      "undone. Memory errors of the last 15 s may be missing, and how "
		      "many cannot be known; all counts are lower bounds.");
	r.error = EPERM;
	journal_sentence(&r, &context, text, sizeof(text));
	assert_non_null(strstr(text, "cannot be undone: Operation not permitted."));
	r.error = 0;
	r.changes.bits = (UINT32_C(1) << TRACE_CHANGE_MAX_) - 1;
	for (enum trace_change k = 0; k < TRACE_CHANGE_MAX_; k++)
		assert_in_range(strlen(trace_change_phrase(k)), 10, 60);
	journal_sentence(&r, &context, text,
			 sizeof(text)); /* all at once: cut, no overflow */
	assert_string_equal(trace_change_file(TRACE_CHANGE_MAX_), "");
	assert_string_equal(trace_change_phrase(TRACE_CHANGE_MAX_), "");
}

/* The sentences of a page's life; scripts of tests/vm look for parts of them. */
static const struct {
	struct notice notice;
	const char *want;
} page_rows[] = {
	{ { .kind = NOTICE_PAGE_THRESHOLD,
	    .reason = REASON_PAGE_THRESHOLD,
	    .in_window = 2,
	    .threshold = { .count = 2, .window = { USEC_PER_DAY } } },
	  "Page 0x1000 on DIMM_A0: 2 corrected errors in 24h reach the threshold "
	  "2 / 24h; it waits to be taken out of use." },
	{ { .kind = NOTICE_PAGE_THRESHOLD, .reason = REASON_OPERATOR },
	  "Page 0x1000 on DIMM_A0: operator (an operator asked for it); it waits to be "
	  "taken out of use." },
	{ { .kind = NOTICE_PAGE_OFFLINED,
	    .reason = REASON_PAGE_THRESHOLD,
	    .result = RESULT_OFFLINED,
	    .page_type = FRAME_ANONYMOUS,
	    .outcome = SOFT_MIGRATED,
	    .in_window = 2,
	    .threshold = { .count = 2, .window = { USEC_PER_DAY } },
	    .count = 3 },
	  "Took page 0x1000 on DIMM_A0, anonymous (migrated), out of use after 3 "
	  "corrected errors, 2 of them in 24h (page-threshold); no data was lost." },
	{ { .kind = NOTICE_PAGE_OFFLINED,
	    .reason = REASON_CELL_FAULT,
	    .result = RESULT_DRY_RUN,
	    .outcome = SOFT_UNKNOWN,
	    .page_type = FRAME_FREE,
	    .count = 1 },
	  "Dry run: would have taken page 0x1000 on DIMM_A0, free, out of use after "
	  "1 corrected error (cell-fault)." },
	{ { .kind = NOTICE_PAGE_FAILED,
	    .result = RESULT_BUSY,
	    .page_type = FRAME_ANONYMOUS,
	    .error = EBUSY,
	    .outcome = SOFT_NOT_MIGRATED,
	    .retry_at = { 1 } },
	  "Page 0x1000 on DIMM_A0, anonymous, could not be taken out of use: busy "
	  "(the page is pinned or was changing hands); the kernel said: Device or "
	  "resource busy (not-migrated); it will be tried again." },
	{ { .kind = NOTICE_PAGE_FAILED,
	    .result = RESULT_BUSY,
	    .page_type = FRAME_ANONYMOUS,
	    .outcome = SOFT_UNKNOWN },
	  "Page 0x1000 on DIMM_A0, anonymous, could not be taken out of use: busy "
	  "(the page is pinned or was changing hands); it is tried again at its next "
	  "error." },
	{ { .kind = NOTICE_PAGE_FAILED,
	    .result = RESULT_INVALID,
	    .page_type = FRAME_ANONYMOUS,
	    .outcome = SOFT_UNKNOWN },
	  "Page 0x1000 on DIMM_A0, anonymous, could not be taken out of use: invalid "
	  "(the kernel does not accept this address); it is not tried again." },
	{ { .kind = NOTICE_PAGE_REFUSED,
	    .reason = REASON_ROW_FAULT,
	    .result = RESULT_NOT_RAM },
	  "Page 0x1000 on DIMM_A0: row-fault (the DRAM row of the page showed errors in "
	  "several columns); nothing is taken out of use: not-ram (the address is not "
	  "System RAM, or offline). It is looked at again at its next error." },
	{ { .kind = NOTICE_BLIND, .sight = SIGHT_CAUSE_MCE_IGNORE_CE },
	  "No memory error can be seen, and none is counted (ignored): the boot "
	  "parameter mce=ignore_ce makes the kernel ignore corrected errors; boot "
	  "without mce=ignore_ce." },
	{ { .kind = NOTICE_BLIND, .sight = SIGHT_CAUSE_COLLECTOR_ACTS },
	  "Memory errors are not left to us (collector): errors are seen, but the "
	  "kernel's own collector (RAS_CEC) offlines pages, whatever policy and budgets "
	  "say; set SoftOfflineControl=own in [Kernel], or boot with ras=cec_disable." },
	{ { .kind = NOTICE_SEES, .sight = SIGHT_CAUSE_NO_TRACEFS },
	  "Memory errors can be seen again. Until now: tracefs, where memory errors are "
	  "reported, is not mounted. Errors of that time are not in the counts." },
	{ { .kind = NOTICE_PAGE_REFUSED,
	    .reason = REASON_PAGE_THRESHOLD,
	    .in_window = 2,
	    .threshold = { .count = 2, .window = { USEC_PER_DAY } },
	    .result = RESULT_UNMOVABLE },
	  "Page 0x1000 on DIMM_A0: 2 corrected errors in 24h reach the threshold "
	  "2 / 24h; it stays in use: unmovable (a kernel page; its contents cannot be "
	  "moved). It is looked at again at its next error." },
	{ { .kind = NOTICE_PAGE_REFUSED,
	    .reason = REASON_ROW_FAULT,
	    .result = RESULT_BUDGET_DIMM },
	  "Page 0x1000 on DIMM_A0: row-fault (the DRAM row of the page showed errors in "
	  "several columns); it stays in use: budget-dimm (the budget of the DIMM is "
	  "used up: replace the DIMM)." },
	{ { .kind = NOTICE_PAGE_REFUSED,
	    .reason = REASON_ROW_FAULT,
	    .result = RESULT_WIDE_FAULT,
	    .held_by = WIDE_LIMIT_PAGES,
	    .held_limit = 16 },
	  "Page 0x1000 on DIMM_A0: row-fault (the DRAM row of the page showed errors in "
	  "several columns); it stays in use: wide-fault (the DIMM's fault is too wide "
	  "to offline page by page: replace the DIMM; WideFaultPages=16). It is looked "
	  "at again at its next error." },
	{ { .kind = NOTICE_PAGE_REFUSED,
	    .reason = REASON_ROW_FAULT,
	    .result = RESULT_WIDE_FAULT,
	    .held_by = WIDE_LIMIT_THRESHOLD },
	  "Page 0x1000 on DIMM_A0: row-fault (the DRAM row of the page showed errors in "
	  "several columns); it stays in use: wide-fault (the DIMM's fault is too wide "
	  "to offline page by page: replace the DIMM; WideFaultThreshold=off)." },
	{ { .kind = NOTICE_PAGE_REFUSED,
	    .reason = REASON_ROW_FAULT,
	    .result = RESULT_WIDE_FAULT,
	    .held_by = WIDE_LIMIT_THRESHOLD,
	    .held_limit = 16 },
	  "Page 0x1000 on DIMM_A0: row-fault (the DRAM row of the page showed errors in "
	  "several columns); it stays in use: wide-fault (the DIMM's fault is too wide "
	  "to offline page by page: replace the DIMM; WideFaultThreshold=16). It is "
	  "looked at again at 16 errors." },
	{ { .kind = NOTICE_FOREIGN,
	    .reason = REASON_KERNEL_REQUEST,
	    .page_type = FRAME_ANONYMOUS,
	    .outcome = SOFT_MIGRATED },
	  "Page 0x1000 on DIMM_A0, anonymous (migrated), was taken out of use, but "
	  "not by softofflined: kernel-request (the kernel itself asked for it, on "
	  "behalf of firmware or RAS_CEC)." },
	{ { .kind = NOTICE_UNCORRECTED, .count = 1 },
	  "1 uncorrected memory error in page 0x1000 on DIMM_A0: data there was "
	  "lost. The kernel log shows what it did about it." },
};

static void pages(void **state)
{
	struct journal_context context = { .page_shift = 12, .dimm_label = "DIMM_A0" };
	char text[512];

	for (size_t i = 0; i < sizeof(page_rows) / sizeof(page_rows[0]); i++) {
		struct notice r = page_rows[i].notice;

		r.pfn = pfn(1);
		r.has_pfn = true;
		journal_sentence(&r, &context, text, sizeof(text));
		assert_string_equal(text, page_rows[i].want);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_kind),
		cmocka_unit_test(pages),
		cmocka_unit_test(budgets),
		cmocka_unit_test(trace_changes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * Who is charged with which move of the poisoned-page counter: stories of samples,
 * answers, failures and announced requests, each with the lines that it must enter.
 */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

/* clang-format off: cmocka.h wants the others before it */
#include <cmocka.h>
/* clang-format on */

#include "base/mem.h"
#include "engine/poison_ledger.h"

static struct poison_ledger l;
static struct poison_entries got;
static unsigned int seen; /* entries of @got that were compared */
static int64_t now;

static int start(void **state)
{
	poison_ledger_init(&l, 12);
	got.n = 0;
	seen = 0;
	now = 1000;
	return 0;
}

/* The next entry; @moved: as reported, 0 if it is not. */
static void expect(enum poison_cause cause, int64_t kib, int64_t delta, uint64_t page,
		   int64_t moved)
{
	const struct poison_entry *e = &got.v[seen];

	assert_true(seen++ < got.n);
	assert_int_equal(e->row.cause, cause);
	assert_int_equal(e->row.kib, kib);
	assert_int_equal(e->row.delta_kib, delta);
	assert_int_equal(e->row.pfn, page);
	assert_int_equal(e->row.time, now);
	assert_int_equal(e->moved_kib, moved);
}

static void end(void)
{
	assert_int_equal(seen, got.n);
	seen = 0;
}

static void sample(int64_t kib)
{
	poison_ledger_sample(&l, kib, usec(now), &got);
}

/* A sample that needs no look. */
static void quiet(int64_t kib, enum poison_cause cause)
{
	sample(kib);
	assert_int_equal(got.n, 1);
	assert_int_equal(got.v[0].row.cause, cause);
}

static void answer(enum result result, int64_t before, int64_t after)
{
	const struct action_row row = { .pfn = 77,
					.result = result,
					.poisoned_before_kib = before,
					.poisoned_after_kib = after };

	poison_ledger_answer(&l, &row, usec(now), &got);
}

/* A request for @page that ended at @when and took @took. */
static void announce(enum poison_cause cause, uint64_t page, int64_t when, int64_t took)
{
	const struct soft_event ev = { .time = usec(when),
				       .pfn = pfn(page),
				       .duration_usec = took };

	poison_ledger_announce(&l, &ev, cause, usec(now), &got);
}

static void test_samples(void **state)
{
	assert_int_equal(l.kib, -1);
	sample(40);
	expect(POISON_START, 40, 0, 0, 0);
	end();
	sample(40);
	end();
	now += USEC_PER_DAY;
	sample(40);
	expect(POISON_SAMPLE, 40, 0, 0, 0);
	end();
	sample(40);
	end();
	sample(52);
	expect(POISON_OTHER, 52, 12, 0, 12);
	end();
	l.suspect = POISON_PROGRAM;
	sample(56);
	expect(POISON_PROGRAM, 56, 4, 0, 4);
	end();
	/* A fall is never charged to the suspect. */
	sample(16);
	expect(POISON_RELEASED, 16, -40, 0, -40);
	end();
	sample(0);
	expect(POISON_RELEASED, 0, -16, 0, -16);
	end();
}

/* Results, and what the counter showed around them, against a ledger at 100 KiB. */
static void test_answers(void **state)
{
	static const struct {
		enum result result;
		int64_t before, after;
		int64_t ours, by_others_before, by_others_after;
	} rows[] = {
		{ RESULT_OFFLINED, 100, 104, 4, 0, 0 },
		{ RESULT_OFFLINED, 100, 108, 4, 0, 4 },
		{ RESULT_OFFLINED, 104, 108, 4, 4, 0 },
		{ RESULT_OFFLINED, 96, 100, 4, -4, 0 },
		{ RESULT_OFFLINED, 104, 116, 4, 4, 8 },
		{ RESULT_OFFLINED, 100, 100, 0, 0, 0 },
		{ RESULT_OFFLINED, 100, 96, 0, 0, -4 },
		{ RESULT_OFFLINED, 100, 102, 2, 0, 0 },
		{ RESULT_BUSY, 100, 100, 0, 0, 0 },
		{ RESULT_BUSY, 100, 104, 0, 0, 4 },
		{ RESULT_ALREADY, 104, 104, 0, 4, 0 },
		{ RESULT_OFFLINED, -1, 104, 0, 0, 0 },
		{ RESULT_OFFLINED, 100, -1, 0, 0, 0 },
		{ RESULT_DRY_RUN, 104, 108, 0, 0, 0 },
	};

	for (unsigned int i = 0; i < ARRAY_SIZE(rows); i++) {
		int64_t before = rows[i].by_others_before;
		int64_t after = rows[i].by_others_after;
		int64_t kib = 100 + before;

		poison_ledger_init(&l, 12);
		l.kib = 100;
		answer(rows[i].result, rows[i].before, rows[i].after);
		if (before)
			expect(before < 0 ? POISON_RELEASED : POISON_OTHER, kib, before,
			       0, before);
		kib += rows[i].ours;
		if (rows[i].ours)
			expect(POISON_OFFLINED, kib, rows[i].ours, 77, 0);
		kib += after;
		if (after)
			expect(after < 0 ? POISON_RELEASED : POISON_OTHER, kib, after, 0,
			       after);
		end();
		assert_int_equal(l.kib, kib);
	}
}

/* The first value may come from an answer: then it is no move. */
static void test_first_answer(void **state)
{
	answer(RESULT_OFFLINED, 8, 12);
	expect(POISON_OFFLINED, 12, 4, 77, 0);
	end();
	poison_ledger_init(&l, 12);
	answer(RESULT_BUSY, 8, 8);
	end();
	assert_int_equal(l.kib, 8);
}

static void test_failures(void **state)
{
	quiet(0, POISON_START);
	poison_ledger_note_failure(&l, pfn(5));
	sample(4);
	expect(POISON_MEMORY_FAILURE, 4, 4, 5, 4);
	end();

	/* Two failures and somebody else's page in one move: the suspect has the rest. */
	poison_ledger_note_failure(&l, pfn(6));
	poison_ledger_note_failure(&l, pfn(7));
	sample(16);
	expect(POISON_MEMORY_FAILURE, 12, 8, 7, 0);
	expect(POISON_OTHER, 16, 4, 0, 12);
	end();

	/* A failure that moved nothing explains no later move. */
	poison_ledger_note_failure(&l, pfn(8));
	sample(16);
	end();
	sample(20);
	expect(POISON_OTHER, 20, 4, 0, 4);
	end();

	/* An answer in between does not end the wait for the counter. */
	poison_ledger_note_failure(&l, pfn(9));
	answer(RESULT_OFFLINED, 20, 24);
	expect(POISON_OFFLINED, 24, 4, 77, 0);
	end();
	sample(28);
	expect(POISON_MEMORY_FAILURE, 28, 4, 9, 4);
	end();
}

/* Announced pages are no news: they are charged, and nothing is reported. */
static void test_announced(void **state)
{
	quiet(0, POISON_START);
	announce(POISON_KERNEL, 5, 900, 10);
	assert_int_equal(got.n, 0);
	sample(4);
	expect(POISON_KERNEL, 4, 4, 5, 0);
	end();

	/* Of several pages no frame is named. */
	announce(POISON_MADVISE, 6, 1000, 10);
	announce(POISON_MADVISE, 7, 1000, 10);
	announce(POISON_KERNEL, 8, 1000, 10);
	sample(16);
	expect(POISON_KERNEL, 8, 4, 8, 0);
	expect(POISON_MADVISE, 16, 8, 0, 0);
	end();

	/* The counter shows one of two; the other one comes too late. */
	announce(POISON_PROGRAM, 9, 1000, 10);
	announce(POISON_PROGRAM, 10, 1000, 10);
	sample(20);
	expect(POISON_PROGRAM, 20, 4, 10, 0);
	end();
	sample(24);
	expect(POISON_OTHER, 24, 4, 0, 4);
	end();

	/* Announced, failed and unexplained pages in one move, in this order. */
	announce(POISON_KERNEL, 11, 5000, 10);
	poison_ledger_note_failure(&l, pfn(12));
	sample(40);
	expect(POISON_KERNEL, 28, 4, 11, 0);
	expect(POISON_MEMORY_FAILURE, 32, 4, 12, 0);
	expect(POISON_OTHER, 40, 8, 0, 12);
	end();
}

/* What is announced explains no part of a page, and no fall. */
static void test_announced_in_vain(void **state)
{
	quiet(100, POISON_START);
	announce(POISON_KERNEL, 5, 900, 10);
	sample(102);
	expect(POISON_OTHER, 102, 2, 0, 2);
	end();
	announce(POISON_KERNEL, 6, 9000, 10);
	sample(98);
	expect(POISON_RELEASED, 98, -4, 0, -4);
	end();
}

/* The event of a request comes after the sample that showed its page. */
static void test_late(void **state)
{
	quiet(0, POISON_START);
	now = 2000;
	sample(8);
	expect(POISON_OTHER, 8, 8, 0, 8);
	end();
	now = 3000;
	announce(POISON_MADVISE, 5, 2500, 500);
	expect(POISON_MADVISE, 8, 0, 5, 0);
	end();
	/* This one began after the sample: its page is still to come. */
	announce(POISON_MADVISE, 6, 2600, 599);
	end();
	announce(POISON_KERNEL, 7, 2600, 600);
	expect(POISON_KERNEL, 8, 0, 7, 0);
	end();
	/* Both pages of the move have found their cause. */
	announce(POISON_KERNEL, 8, 2600, 600);
	end();
	now = 4000;
	sample(16);
	expect(POISON_KERNEL, 12, 4, 8, 0);
	expect(POISON_MADVISE, 16, 4, 6, 0);
	end();
}

/* A fall leaves the last rise with its suspect; less than a page is nobody's page. */
static void test_late_in_vain(void **state)
{
	quiet(0, POISON_START);
	now = 2000;
	sample(2);
	expect(POISON_OTHER, 2, 2, 0, 2);
	end();
	announce(POISON_KERNEL, 5, 1900, 10);
	end();
	assert_int_equal(l.announced[POISON_KERNEL].pages, 1);
	l.announced[POISON_KERNEL].pages = UINT32_MAX;
	announce(POISON_KERNEL, 6, 1900, 10);
	assert_int_equal(l.announced[POISON_KERNEL].pages, UINT32_MAX);
	assert_int_equal(l.announced[POISON_KERNEL].pfn.n, 6);
}

static void test_large_pages(void **state)
{
	poison_ledger_init(&l, 16);
	quiet(0, POISON_START);
	answer(RESULT_OFFLINED, 0, 64);
	expect(POISON_OFFLINED, 64, 64, 77, 0);
	end();
	announce(POISON_KERNEL, 5, 900, 10);
	poison_ledger_note_failure(&l, pfn(6));
	sample(192);
	expect(POISON_KERNEL, 128, 64, 5, 0);
	expect(POISON_MEMORY_FAILURE, 192, 64, 6, 64);
	end();
}

/* The most lines that one call can make. */
static void test_most(void **state)
{
	int64_t kib = 0;

	quiet(0, POISON_START);
	for (int cause = 0; cause < POISON_CAUSE_MAX_; cause++) {
		l.announced[cause].pages = 2;
		kib += 8;
	}
	poison_ledger_note_failure(&l, pfn(1));
	kib += 4;
	answer(RESULT_OFFLINED, kib + 4, kib + 12);
	assert_int_equal(got.n, POISON_CAUSE_MAX_ + 4);
	assert_true(got.n <= POISON_MAX_ENTRIES);
	assert_int_equal(got.v[got.n - 3].moved_kib, 8);
	assert_int_equal(got.v[got.n - 2].row.cause, POISON_OFFLINED);
	assert_int_equal(got.v[got.n - 1].moved_kib, 4);
	assert_int_equal(l.kib, kib + 12);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(test_samples, start),
		cmocka_unit_test_setup(test_answers, start),
		cmocka_unit_test_setup(test_first_answer, start),
		cmocka_unit_test_setup(test_failures, start),
		cmocka_unit_test_setup(test_announced, start),
		cmocka_unit_test_setup(test_announced_in_vain, start),
		cmocka_unit_test_setup(test_late, start),
		cmocka_unit_test_setup(test_late_in_vain, start),
		cmocka_unit_test_setup(test_large_pages, start),
		cmocka_unit_test_setup(test_most, start),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

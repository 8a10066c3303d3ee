/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * The attempts under way: how many there may be after each result, in which groups they
 * start, what they cost, whose event is ours, and which rows are stored again.
 */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

/* clang-format off: cmocka.h wants the others before it */
#include <cmocka.h>
/* clang-format on */

#include "base/mem.h"
#include "engine/attempts.h"

#define LARGE (64 * MAX_ATTEMPTS) /* a tracker that limits nothing */
#define SLACK 10

static struct attempts a;

static struct attempt *start(uint64_t id, uint64_t page, uint16_t dimm, int64_t now)
{
	const struct action_row row = { .id = id, .pfn = page, .dimm = dimm };

	return attempts_start(&a, &row, usec(now));
}

/* Starts attempts for as long as there may be more; ids go on from @id. */
static uint64_t fill(uint64_t id, unsigned int capacity)
{
	while (attempts_may_start(&a, capacity)) {
		start(id, 1000 + id, 1, 0);
		id++;
	}
	return id;
}

static void end(uint64_t id, int64_t now)
{
	struct attempt *found = attempts_find(&a, id);

	assert_non_null(found);
	assert_int_equal(attempts_end(&a, found, usec(now)).row.id, id);
	assert_null(attempts_find(&a, id));
}

static void test_adapt(void **state)
{
	static const struct {
		unsigned int from;
		enum retry_kind kind;
		unsigned int to;
	} rows[] = {
		{ 1, RETRY_DONE, 8 },
		{ 8, RETRY_DONE, 64 },
		{ 64, RETRY_DONE, MAX_ATTEMPTS },
		{ MAX_ATTEMPTS, RETRY_DONE, MAX_ATTEMPTS },
		{ MAX_ATTEMPTS, RETRY_BACKOFF, MAX_ATTEMPTS / 2 },
		{ 64, RETRY_HOURLY, 32 },
		{ 8, RETRY_NEXT_CE, 4 },
		{ 3, RETRY_NEVER, 1 },
		{ 1, RETRY_BACKOFF, 1 },
		{ 1, RETRY_HOURLY, 1 },
		{ 1, RETRY_NEXT_CE, 1 },
		{ 1, RETRY_NEVER, 1 },
		{ MAX_ATTEMPTS, RETRY_HOLD, 1 },
		{ 1, RETRY_HOLD, 1 },
	};

	for (unsigned int i = 0; i < ARRAY_SIZE(rows); i++) {
		attempts_init(&a);
		a.at_once = rows[i].from;
		attempts_adapt(&a, rows[i].kind);
		assert_int_equal(a.at_once, rows[i].to);
	}
}

/* A full group is half answered before the next attempt starts. */
static void test_groups(void **state)
{
	uint64_t next;

	attempts_init(&a);
	assert_int_equal(fill(0, LARGE), 1);
	end(0, 1);
	attempts_adapt(&a, RETRY_DONE);
	next = fill(0, LARGE);
	assert_int_equal(next, 8);
	for (uint64_t id = 0; id < 3; id++) {
		end(id, 1);
		assert_false(attempts_may_start(&a, LARGE));
	}
	end(3, 1);
	assert_true(attempts_may_start(&a, LARGE));
	assert_int_equal(fill(next, LARGE), 12);
	assert_int_equal(a.n, 8);

	/* With fewer allowed, the attempts that are too many end first. */
	attempts_adapt(&a, RETRY_HOLD);
	for (uint64_t id = 4; id < 12; id++) {
		assert_false(attempts_may_start(&a, LARGE));
		end(id, 1);
	}
	assert_true(attempts_may_start(&a, LARGE));
}

/* Attempts take a quarter of the tracker at most, and never more than MAX_ATTEMPTS. */
static void test_capacity(void **state)
{
	static const struct {
		unsigned int capacity;
		unsigned int most;
	} rows[] = {
		{ 0, 0 },
		{ 3, 0 },
		{ 4, 1 },
		{ 31, 7 },
		{ 4 * MAX_ATTEMPTS - 1, MAX_ATTEMPTS - 1 },
		{ 4 * MAX_ATTEMPTS, MAX_ATTEMPTS },
		{ LARGE, MAX_ATTEMPTS },
	};

	for (unsigned int i = 0; i < ARRAY_SIZE(rows); i++) {
		attempts_init(&a);
		a.at_once = MAX_ATTEMPTS;
		fill(0, rows[i].capacity);
		assert_int_equal(a.n, rows[i].most);
	}
}

static void test_find(void **state)
{
	struct attempt *found;

	attempts_init(&a);
	assert_null(attempts_find(&a, 0));
	assert_null(attempts_find_page(&a, pfn(0)));
	for (uint64_t id = 1; id <= 3; id++)
		start(id, 10 * id, (uint16_t)(id % 2), 0)->costs_kib = 4 * id;
	found = attempts_find_page(&a, pfn(20));
	assert_non_null(found);
	assert_int_equal(found->row.id, 2);
	assert_false(found->by_operator);
	assert_int_equal(attempts_on_dimm(&a, 0), 1);
	assert_int_equal(attempts_on_dimm(&a, 1), 2);
	assert_int_equal(attempts_on_dimm(&a, 2), 0);
	assert_int_equal(attempts_cost_kib(&a), 24);

	end(1, 5);
	assert_null(attempts_find_page(&a, pfn(10)));
	assert_int_equal(attempts_find(&a, 3)->row.pfn, 30);
	assert_int_equal(attempts_find(&a, 2)->costs_kib, 8);
	assert_int_equal(attempts_on_dimm(&a, 1), 1);
	assert_int_equal(attempts_cost_kib(&a), 20);
	end(3, 5);
	end(2, 5);
	assert_int_equal(attempts_cost_kib(&a), 0);
}

static bool is_ours(uint64_t page, int64_t when)
{
	const struct soft_event ev = { .time = usec(when), .pfn = pfn(page) };

	return attempts_made_event(&a, &ev, SLACK);
}

static void test_event(void **state)
{
	static const struct {
		uint64_t page;
		int64_t when;
		bool open;   /* ours while the attempt is not answered */
		bool closed; /* ours after its answer at 200 */
	} rows[] = {
		{ 7, 100 - SLACK - 1, false, false },
		{ 7, 100 - SLACK, true, true },
		{ 7, 150, true, true },
		{ 7, 200 + SLACK, true, true },
		{ 7, 200 + SLACK + 1, true, false },
		{ 7, 1000000, true, false },
		{ 8, 150, false, false },
		{ 0, 150, false, false },
		{ 0, 0, false, false },
	};

	attempts_init(&a);
	start(1, 7, 0, 100);
	for (unsigned int i = 0; i < ARRAY_SIZE(rows); i++)
		assert_int_equal(is_ours(rows[i].page, rows[i].when), rows[i].open);
	end(1, 200);
	for (unsigned int i = 0; i < ARRAY_SIZE(rows); i++)
		assert_int_equal(is_ours(rows[i].page, rows[i].when), rows[i].closed);

	/* The same page again: both times are remembered. */
	start(2, 7, 0, 5000);
	end(2, 5100);
	assert_true(is_ours(7, 150));
	assert_false(is_ours(7, 3000));
	assert_true(is_ours(7, 5050));
}

/* The oldest write is forgotten when the ring is full, and none before. */
static void test_ring(void **state)
{
	attempts_init(&a);
	for (uint64_t id = 0; id < OWN_WRITES; id++) {
		start(id, 1000 + id, 0, (int64_t)id * 100);
		end(id, (int64_t)id * 100 + 50);
	}
	for (uint64_t id = 0; id < OWN_WRITES; id++)
		assert_true(is_ours(1000 + id, (int64_t)id * 100));
	start(OWN_WRITES, 1, 0, 0);
	assert_false(is_ours(1000, 0));
	assert_true(is_ours(1001, 100));
	assert_true(is_ours(1, 0));
}

/* Ids of the rows to be stored again, as a sum of powers of two. */
static unsigned int unstored(void)
{
	const struct action_row *row;
	unsigned int ids = 0;

	while ((row = attempts_take_unstored(&a))) {
		assert_int_equal(ids & 1U << row->id, 0);
		ids |= 1U << row->id;
	}
	return ids;
}

static void test_unstored(void **state)
{
	attempts_init(&a);
	attempts_mark_unstored(&a);
	assert_int_equal(unstored(), 0);
	for (uint64_t id = 0; id < 4; id++)
		start(id, id, 0, 0);
	assert_int_equal(unstored(), 0);
	attempts_mark_unstored(&a);
	assert_int_equal(a.unstored, 4);
	assert_int_equal(unstored(), 0xf);
	assert_int_equal(unstored(), 0);

	/* Attempts that end store their own rows; no other row may be missing. */
	attempts_mark_unstored(&a);
	end(0, 1);
	assert_int_equal(unstored(), 0xe);
	attempts_mark_unstored(&a);
	start(5, 5, 0, 1);
	assert_non_null(attempts_take_unstored(&a));
	end(1, 2);
	end(2, 2);
	end(3, 2);
	assert_int_equal(unstored() & ~(1U << 5), 0);
	assert_int_equal(a.unstored, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_adapt),    cmocka_unit_test(test_groups),
		cmocka_unit_test(test_capacity), cmocka_unit_test(test_find),
		cmocka_unit_test(test_event),    cmocka_unit_test(test_ring),
		cmocka_unit_test(test_unstored),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

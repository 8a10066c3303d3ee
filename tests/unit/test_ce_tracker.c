/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * The table of pages: memory, index, queues, dirty list, eviction, merging. The window is
 * held against an oracle in tests/property.
 */

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

/* clang-format off: cmocka.h wants the others before it */
#include <cmocka.h>
/* clang-format on */

#include "base/mem.h"
#include "ce_tracker.h"
#include "random.h"

DEFINE_CLEANUP(struct ce_tracker *, ce_tracker_free)

static struct ce_tracker *new_tracker(uint32_t pages, uint32_t threshold)
{
	struct ce_tracker *t = NULL;

	assert_int_equal(ce_tracker_new(&t, pages, threshold), 0);
	return t;
}

static struct page_rec *add(struct ce_tracker *t, uint64_t n)
{
	const struct page_rec *evicted;

	return ce_tracker_add(t, pfn(n), &evicted);
}

/*
 * An event of a known page reads the place in the index and the record: a record with
 * the stamps of the default threshold fills one cache line and lies across no border.
 */
static void test_cache_lines(void **state)
{
	_cleanup_(ce_tracker_free_p) struct ce_tracker *t = new_tracker(1000, 2);

	assert_int_equal(sizeof(struct page_rec) + 2 * sizeof(int64_t), 64);
	for (uint64_t i = 0; i < 1000; i++)
		assert_int_equal((uintptr_t)add(t, i) % 64, 0);
}

static void test_memory(void **state)
{
	static const uint32_t pages[] = { 16, 1000, 1024, 65536, 100000 };
	struct ce_tracker *t = NULL;

	assert_int_equal(offsetof(struct page_rec, stamps), 48);
	assert_int_equal(ce_tracker_new(&t, 0, 2), -EINVAL);
	assert_int_equal(ce_tracker_new(&t, 16, 0), -EINVAL);
	assert_null(t);
	for (size_t i = 0; i < ARRAY_SIZE(pages); i++) {
		t = new_tracker(pages[i], 2);
		assert_int_equal(ce_tracker_capacity(t), pages[i]);
		assert_true(ce_tracker_bytes(t) <=
			    (size_t)pages[i] * CE_TRACKER_BYTES_PER_PAGE + 512);
		ce_tracker_free(t);
	}
	t = new_tracker(65536, 1000);
	assert_int_equal(ce_tracker_stamps(t), 1998);
	assert_true(ce_tracker_capacity(t) >= 16 && ce_tracker_capacity(t) < 1000);
	assert_true(ce_tracker_bytes(t) <= 65536 * CE_TRACKER_BYTES_PER_PAGE + 32768);
	ce_tracker_free(t);
	t = new_tracker(1, 1);
	assert_int_equal(ce_tracker_capacity(t), 16);
	ce_tracker_free(t);
}

/* Finds what was added and nothing that was removed, in a table near its end. */
static void test_index(void **state)
{
	_cleanup_(ce_tracker_free_p) struct ce_tracker *t = new_tracker(1024, 2);
	bool there[4096] = { false };
	uint64_t x = 1;
	uint32_t n = 0;

	for (unsigned int i = 0; i < 50000; i++) {
		uint64_t p;

		p = next_random(&x) >> 52;
		if (there[p]) {
			ce_tracker_remove(t, ce_tracker_find(t, pfn(p << 20)));
			there[p] = false;
			n--;
		} else if (n < 1024) {
			assert_int_equal(add(t, p << 20)->pfn, p << 20);
			there[p] = true;
			n++;
		}
		assert_int_equal(ce_tracker_count(t), n);
		p = (p + i) % 4096;
		assert_int_equal(ce_tracker_peek(t, pfn(p << 20)) != NULL, there[p]);
	}
}

static void test_queues(void **state)
{
	_cleanup_(ce_tracker_free_p) struct ce_tracker *t = new_tracker(64, 2);
	int64_t last = INT64_MIN;
	struct page_rec *rec;

	for (uint64_t i = 0; i < 40; i++)
		ce_tracker_delay(t, add(t, i), usec((int64_t)(i * 37 % 41)));
	ce_tracker_delay(t, ce_tracker_find(t, pfn(3)), usec(-5));
	ce_tracker_unqueue(t, ce_tracker_find(t, pfn(9)));
	ce_tracker_unqueue(t, ce_tracker_find(t, pfn(9)));
	assert_int_equal(ce_tracker_waiting(t), 39);
	assert_int_equal(ce_tracker_first_delayed(t)->pfn, 3);
	while ((rec = ce_tracker_first_delayed(t))) {
		assert_true(rec->not_before >= last);
		last = rec->not_before;
		ce_tracker_make_ready(t, rec);
		ce_tracker_make_ready(t, rec);
	}
	assert_int_equal(ce_tracker_waiting(t), 39);
	/* First in, first out; from the middle, and from the end. */
	ce_tracker_unqueue(t, ce_tracker_find(t, pfn(20)));
	assert_int_equal(ce_tracker_first_ready(t)->pfn, 3);
	for (last = INT64_MIN; (rec = ce_tracker_first_ready(t));
	     last = rec->not_before) {
		assert_true(rec->not_before >= last);
		ce_tracker_unqueue(t, rec);
	}
	ce_tracker_make_ready(t, ce_tracker_find(t, pfn(1)));
	ce_tracker_make_ready(t, ce_tracker_find(t, pfn(2)));
	ce_tracker_remove(t, ce_tracker_find(t, pfn(2)));
	ce_tracker_make_ready(t, ce_tracker_find(t, pfn(4)));
	ce_tracker_unqueue(t, ce_tracker_first_ready(t));
	assert_int_equal(ce_tracker_first_ready(t)->pfn, 4);
	assert_int_equal(ce_tracker_waiting(t), 1);
}

static bool has_odd_pfn(const void *userdata, const struct page_rec *rec)
{
	return rec->pfn % 2 == 1;
}

static void expect_ready(struct ce_tracker *t, const uint64_t *pfns, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		struct page_rec *rec = ce_tracker_first_ready(t);

		assert_non_null(rec);
		assert_int_equal(rec->pfn, pfns[i]);
		ce_tracker_unqueue(t, rec);
	}
	assert_null(ce_tracker_first_ready(t));
	assert_int_equal(ce_tracker_waiting(t), 0);
}

static void test_first_in_line(void **state)
{
	static const uint64_t made_first[] = { 3, 5, 0, 2, 4, 7 };
	static const uint64_t sorted[] = { 3, 5, 1, 7, 0, 6, 2, 4 };
	static const uint64_t one_group[] = { 1, 3 };
	_cleanup_(ce_tracker_free_p) struct ce_tracker *t = new_tracker(16, 2);

	for (uint64_t i = 0; i < 8; i++)
		add(t, i);
	ce_tracker_make_first(t, ce_tracker_find(t, pfn(0)));
	ce_tracker_make_ready(t, ce_tracker_find(t, pfn(2)));
	ce_tracker_delay(t, ce_tracker_find(t, pfn(5)), usec(9));
	ce_tracker_make_first(t, ce_tracker_find(t, pfn(5)));
	for (uint64_t i = 3; i < 5; i++)
		ce_tracker_make_ready(t, ce_tracker_find(t, pfn(i)));
	for (unsigned int i = 0; i < 2; i++) /* from the middle, and once more */
		ce_tracker_make_first(t, ce_tracker_find(t, pfn(3)));
	ce_tracker_make_ready(t, ce_tracker_find(t, pfn(7)));
	assert_int_equal(ce_tracker_waiting(t), 6);
	expect_ready(t, made_first, ARRAY_SIZE(made_first));
	for (uint64_t i = 0; i < 7; i++)
		ce_tracker_make_ready(t, ce_tracker_find(t, pfn(i * 3 % 7)));
	ce_tracker_make_ready(t, ce_tracker_find(t, pfn(7)));
	/* 0 3 6 2 5 1 4 7 */
	ce_tracker_sort_ready(t, has_odd_pfn, NULL);
	expect_ready(t, sorted, ARRAY_SIZE(sorted));
	ce_tracker_sort_ready(t, has_odd_pfn, NULL);
	ce_tracker_make_ready(t, ce_tracker_find(t, pfn(1)));
	ce_tracker_sort_ready(t, has_odd_pfn, NULL);
	ce_tracker_make_ready(t, ce_tracker_find(t, pfn(3)));
	expect_ready(t, one_group, ARRAY_SIZE(one_group));
}

static void test_dirty(void **state)
{
	_cleanup_(ce_tracker_free_p) struct ce_tracker *t = new_tracker(16, 2);
	const struct page_rec *evicted;
	unsigned int n = 0;

	assert_false(ce_tracker_has_dirty(t));
	for (uint64_t i = 0; i < 16; i++) {
		struct page_rec *rec = add(t, i);

		ce_tracker_touch(t, rec);
		ce_tracker_touch(t, rec);
	}
	ce_tracker_remove(t, ce_tracker_find(t, pfn(3)));
	ce_tracker_remove(t, ce_tracker_find(t, pfn(4)));
	ce_tracker_touch(t, add(t, 103));
	ce_tracker_add(t, pfn(104), &evicted);
	assert_null(evicted);
	ce_tracker_add(t, pfn(105), &evicted);
	assert_non_null(evicted);
	while (ce_tracker_take_dirty(t))
		n++;
	assert_int_equal(n, 16);
	assert_false(ce_tracker_has_dirty(t));
}

/* In the order in which they became dirty, and again after the list was empty. */
static void test_dirty_order(void **state)
{
	_cleanup_(ce_tracker_free_p) struct ce_tracker *t = new_tracker(16, 2);

	for (unsigned int round = 0; round < 2; round++) {
		for (uint64_t i = 0; i < 8; i++)
			ce_tracker_touch(t,
					 round ? ce_tracker_find(t, pfn(i)) : add(t, i));
		for (uint64_t i = 0; i < 4; i++)
			assert_int_equal(ce_tracker_take_dirty(t)->pfn, i);
		ce_tracker_touch(t, ce_tracker_find(t, pfn(0)));
		for (uint64_t i = 4; i < 8; i++)
			assert_int_equal(ce_tracker_take_dirty(t)->pfn, i);
		assert_int_equal(ce_tracker_take_dirty(t)->pfn, 0);
		assert_null(ce_tracker_take_dirty(t));
	}
}

/* What waits, flies or errs goes last; what goes is handed out whole. */
static void test_eviction(void **state)
{
	_cleanup_(ce_tracker_free_p) struct ce_tracker *t = new_tracker(16, 2);
	const struct page_rec *evicted;
	struct page_rec *rec;

	for (uint64_t i = 0; i < 16; i++) {
		rec = add(t, i);
		rec->dimm = 7;
		ce_tracker_stamp(t, rec, usec(100));
		if (i != 5)
			ce_tracker_stamp(t, rec, usec(200));
	}
	ce_tracker_add(t, pfn(50), &evicted);
	assert_int_equal(evicted->pfn, 5);
	assert_int_equal(evicted->dimm, 7);
	assert_int_equal(evicted->n_stamps, 1);
	assert_int_equal(evicted->stamps[0], 100);
	assert_null(ce_tracker_find(t, pfn(5)));
	ce_tracker_find(t, pfn(50))->in_flight = 1;
	ce_tracker_find(t, pfn(0))->loading = 1;
	for (uint64_t i = 1; i < 16; i++)
		if (i != 5 && i != 9)
			ce_tracker_make_ready(t, ce_tracker_find(t, pfn(i)));
	ce_tracker_add(t, pfn(51), &evicted);
	assert_int_equal(evicted->pfn, 9);
	ce_tracker_make_ready(t, ce_tracker_find(t, pfn(51)));
	ce_tracker_add(t, pfn(52), &evicted);
	assert_int_equal(evicted->pfn, 1);
	assert_non_null(ce_tracker_find(t, pfn(50)));
	assert_non_null(ce_tracker_find(t, pfn(0)));
	assert_int_equal(ce_tracker_count(t), 16);
}

static void test_window(void **state)
{
	_cleanup_(ce_tracker_free_p) struct ce_tracker *t = new_tracker(16, 2);
	struct page_rec *rec = add(t, 1);

	rec->first_seen = 77;
	assert_int_equal(page_rec_last_seen(rec).us, 77);
	assert_false(page_rec_crosses(rec, usec(0), 0, usec(100)));
	assert_true(page_rec_crosses(rec, usec(0), 1, usec(0)));
	assert_false(page_rec_crosses(rec, usec(0), 2, usec(100)));
	ce_tracker_stamp(t, rec, usec(1000));
	assert_int_equal(rec->first_seen, 1000);
	assert_true(page_rec_crosses(rec, usec(1100), 2, usec(100)));
	assert_true(page_rec_crosses(rec, usec(900), 2, usec(100)));
	assert_false(page_rec_crosses(rec, usec(1101), 2, usec(100)));
	assert_false(page_rec_crosses(rec, usec(899), 2, usec(100)));
	/* The ends of time neither wrap nor match. */
	assert_false(page_rec_crosses(rec, usec(INT64_MIN), 2, usec(100)));
	assert_false(page_rec_crosses(rec, usec(INT64_MAX), 2, usec(100)));
	ce_tracker_stamp(t, rec, usec(INT64_MIN));
	assert_int_equal(rec->first_seen, INT64_MIN);
	assert_int_equal(page_rec_in_window(rec, usec(5), usec(1005)), 1);
	assert_int_equal(page_rec_in_window(rec, usec(5), usec(1006)), 0);
}

static void test_merge(void **state)
{
	_cleanup_(ce_tracker_free_p) struct ce_tracker *t = new_tracker(16, 3);
	struct page_rec *rec = add(t, 1);
	struct page_rec *old = add(t, 2);

	old->corrected_errors = UINT64_MAX - 1;
	old->state = PAGE_FAILED;
	old->reason = REASON_OPERATOR;
	old->result = RESULT_FORGOTTEN;
	old->attempts = 63;
	old->tries = 9;
	old->by_us = 1;
	old->not_before = 12345;
	for (int64_t i = 0; i < 4; i++)
		ce_tracker_stamp(t, old, usec(i * 10));
	rec->corrected_errors = 5;
	ce_tracker_stamp(t, rec, usec(25));
	ce_tracker_merge(t, rec, old);
	assert_int_equal(rec->corrected_errors, UINT64_MAX);
	assert_int_equal(rec->state, PAGE_FAILED);
	assert_int_equal(rec->reason, REASON_OPERATOR);
	assert_int_equal(rec->result, RESULT_FORGOTTEN);
	assert_int_equal(rec->attempts, 63);
	assert_int_equal(rec->tries, 9);
	assert_int_equal(rec->by_us, 1);
	assert_int_equal(rec->not_before, 12345);
	assert_int_equal(rec->first_seen, 0);
	assert_int_equal(rec->n_stamps, 4);
	assert_int_equal(rec->stamps[0], 10);
	assert_int_equal(rec->stamps[2], 25);
	assert_int_equal(rec->stamps[3], 30);
}

static void test_slots(void **state)
{
	_cleanup_(ce_tracker_free_p) struct ce_tracker *t = new_tracker(16, 2);
	const struct page_rec *evicted;

	assert_int_equal(ce_tracker_slots(t), 0);
	assert_null(ce_tracker_at(t, 0));
	(void)add(t, 8);
	(void)add(t, 9);
	ce_tracker_remove(t, ce_tracker_find(t, pfn(8)));
	/* Once used, a slot is always looked at. */
	assert_int_equal(ce_tracker_slots(t), 2);
	assert_null(ce_tracker_at(t, 0));
	assert_int_equal(ce_tracker_at(t, 1)->pfn, 9);
	assert_ptr_equal(ce_tracker_peek_at(t, 1), ce_tracker_at(t, 1));
	assert_null(ce_tracker_peek_at(t, 2));
	assert_null(ce_tracker_peek_at(t, UINT32_MAX));
	for (uint64_t p = 10; p < 40; p++)
		(void)ce_tracker_add(t, pfn(p), &evicted);
	assert_int_equal(ce_tracker_slots(t), 16);
}

static void test_waiting(void **state)
{
	_cleanup_(ce_tracker_free_p) struct ce_tracker *t = new_tracker(16, 2);
	struct page_rec *rec = add(t, 8);

	/* Not known: its newest event stands in. */
	ce_tracker_stamp(t, rec, usec(5 * USEC_PER_SEC + 1));
	assert_int_equal(ce_tracker_waiting_since(t, rec).us, 5 * USEC_PER_SEC + 1);
	ce_tracker_set_waiting(t, rec, usec(3 * USEC_PER_SEC + 7));
	assert_int_equal(ce_tracker_waiting_since(t, rec).us, 3 * USEC_PER_SEC);
	ce_tracker_set_waiting(t, rec, usec(-1));
	assert_int_equal(ce_tracker_waiting_since(t, rec).us, 0);
	ce_tracker_set_waiting(t, rec, usec(INT64_MAX));
	assert_int_equal(ce_tracker_waiting_since(t, rec).us,
			 (UINT32_MAX - 1) * USEC_PER_SEC);
	/* The next page of the slot has nothing of it. */
	ce_tracker_remove(t, rec);
	rec = add(t, 9);
	ce_tracker_stamp(t, rec, usec(11));
	assert_int_equal(ce_tracker_waiting_since(t, rec).us, 11);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_cache_lines),   cmocka_unit_test(test_memory),
		cmocka_unit_test(test_index),         cmocka_unit_test(test_queues),
		cmocka_unit_test(test_first_in_line), cmocka_unit_test(test_dirty),
		cmocka_unit_test(test_dirty_order),   cmocka_unit_test(test_eviction),
		cmocka_unit_test(test_window),        cmocka_unit_test(test_merge),
		cmocka_unit_test(test_slots),         cmocka_unit_test(test_waiting),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

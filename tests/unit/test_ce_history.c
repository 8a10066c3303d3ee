/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * Coalescing of the CE history: nothing counted is ever lost, and nothing that differs is
 * thrown together.
 */

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

/* clang-format off: cmocka.h wants the others before it */
#include <cmocka.h>
/* clang-format on */

#include "ce_history.h"
#include "mem.h"

static struct ce_row row_at(int64_t when, uint64_t address)
{
	return (struct ce_row){ .first = when,
				.last = when,
				.address = address,
				.has_address = true,
				.count = 1,
				.events = 1,
				.dimm = 1 };
}

static void test_new(void **state)
{
	struct ce_history *h = NULL;

	assert_int_equal(ce_history_new(&h, 0), -EINVAL);
	assert_int_equal(ce_history_new(&h, 1), -EINVAL);
	assert_int_equal(ce_history_new(&h, 12), -EINVAL);
	assert_null(h);
	assert_int_equal(ce_history_new(&h, 2), 0);
	assert_int_equal(ce_history_open(h), 0);
	assert_null(ce_history_free(h));
	assert_null(ce_history_free(NULL));
}

/* One second of one cell is one row; a microsecond more begins another. */
static void test_second(void **state)
{
	struct ce_history *h;
	struct ce_row closed, row = row_at(5000000, 0x1000);

	assert_int_equal(ce_history_new(&h, 16), 0);
	row.count = 29589;
	assert_false(ce_history_add(h, &row, &closed));
	row = row_at(5999999, 0x1000);
	row.overflow = true;
	assert_false(ce_history_add(h, &row, &closed));
	row = row_at(5000000 - 1, 0x1000);
	assert_true(ce_history_add(h, &row, &closed));
	assert_int_equal(closed.first, 5000000);
	assert_int_equal(closed.last, 5999999);
	assert_int_equal(closed.count, 29590);
	assert_int_equal(closed.events, 2);
	assert_true(closed.overflow);
	/* An older one is joined as well. */
	row = row_at(4000000, 0x1000);
	assert_false(ce_history_add(h, &row, &closed));
	assert_int_equal(ce_history_open(h), 1);
	assert_true(ce_history_take(h, &closed));
	assert_int_equal(closed.first, 4000000);
	assert_int_equal(closed.last, 4999999);
	assert_false(closed.overflow);
	assert_false(ce_history_take(h, &closed));
	ce_history_free(h);
}

/* Whatever makes two rows different keeps them apart. */
static void test_apart(void **state)
{
	struct ce_row base = row_at(0, 0x1000);
	struct ce_row others[6];

	for (size_t i = 0; i < ARRAY_SIZE(others); i++)
		others[i] = base;
	others[0].address += 1;
	others[1].dimm++;
	others[2].severity++;
	others[3].grain_bits++;
	others[4].unattributed++;
	others[5].has_address = false;
	for (size_t i = 0; i < ARRAY_SIZE(others); i++) {
		struct ce_history *h;
		struct ce_row closed;
		bool replaced;

		assert_int_equal(ce_history_new(&h, 2), 0);
		assert_false(ce_history_add(h, &base, &closed));
		replaced = ce_history_add(h, &others[i], &closed);
		assert_int_equal(ce_history_open(h) + replaced, 2);
		if (replaced)
			assert_memory_equal(&closed, &base, sizeof(base));
		ce_history_free(h);
	}
}

/* Sums in, sums out, over many more cells than places. */
static void test_sums(void **state)
{
	struct ce_history *h;
	struct ce_row closed, row;
	uint64_t in = 0, out = 0, events = 0;

	assert_int_equal(ce_history_new(&h, 64), 0);
	for (unsigned int i = 0; i < 20000; i++) {
		row = row_at((int64_t)i * 1777, (uint64_t)(i * 7919 % 300) << 12);
		row.count = i % 5 + 1;
		in += row.count;
		if (ce_history_add(h, &row, &closed)) {
			out += closed.count;
			events += closed.events;
			assert_true(closed.last - closed.first < 1000000);
		}
		assert_true(ce_history_open(h) <= 64);
	}
	while (ce_history_take(h, &closed)) {
		out += closed.count;
		events += closed.events;
	}
	assert_int_equal(in, out);
	assert_int_equal(events, 20000);
	assert_int_equal(ce_history_open(h), 0);
	ce_history_free(h);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_new),
		cmocka_unit_test(test_second),
		cmocka_unit_test(test_apart),
		cmocka_unit_test(test_sums),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

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

#include "base/mem.h"
#include "random.h"
#include "track/ce_history.h"

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
	assert_int_equal(ce_history_pending(h), 0);
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
	assert_int_equal(closed.id, 1);
	assert_int_equal(closed.first, 5000000);
	assert_int_equal(closed.last, 5999999);
	assert_int_equal(closed.count, 29590);
	assert_int_equal(closed.events, 2);
	assert_true(closed.overflow);
	/* An older one is joined as well. */
	row = row_at(4000000, 0x1000);
	assert_false(ce_history_add(h, &row, &closed));
	assert_int_equal(ce_history_pending(h), 1);
	assert_true(ce_history_take(h, &closed));
	assert_int_equal(closed.id, 2);
	assert_int_equal(closed.first, 4000000);
	assert_int_equal(closed.last, 4999999);
	assert_false(closed.overflow);
	assert_false(ce_history_take(h, &closed));
	ce_history_free(h);
}

/* A row that was returned continues to count and is returned again under its id. */
static void test_open(void **state)
{
	struct ce_history *h;
	struct ce_row out, row = row_at(0, 0x1000);

	assert_int_equal(ce_history_new(&h, 16), 0);
	assert_false(ce_history_add(h, &row, &out));
	assert_true(ce_history_take(h, &out));
	assert_int_equal(out.id, 1);
	row = row_at(10, 0x1000);
	assert_false(ce_history_add(h, &row, &out));
	assert_true(ce_history_take(h, &out));
	assert_int_equal(out.id, 1);
	assert_int_equal(out.events, 2);
	assert_int_equal(out.last, 10);
	/* Closed after everything was returned: nothing is left to return. */
	row = row_at(5000000, 0x1000);
	assert_false(ce_history_add(h, &row, &out));
	assert_int_equal(ce_history_pending(h), 1);
	assert_true(ce_history_take(h, &out));
	assert_int_equal(out.id, 2);
	assert_int_equal(out.events, 1);
	/* Rows that were lost on the way are returned again. */
	ce_history_forget(h);
	ce_history_forget(h);
	assert_int_equal(ce_history_pending(h), 1);
	assert_true(ce_history_take(h, &out));
	assert_int_equal(out.id, 2);
	assert_false(ce_history_take(h, &out));
	ce_history_free(h);
}

/* Rows of one cell that errs every @gap microseconds, @n times. */
static uint64_t rows_for(int64_t gap, unsigned int n)
{
	struct ce_history *h;
	struct ce_row out = { .id = 0 };
	uint64_t rows = 0, last_id = 0;

	assert_int_equal(ce_history_new(&h, 16), 0);
	for (unsigned int i = 0; i < n; i++) {
		struct ce_row row = row_at(gap * i, 0x1000);

		assert_false(ce_history_add(h, &row, &out));
		assert_true(ce_history_take(h, &out));
		rows += out.id != last_id;
		last_id = out.id;
		/* While a cell is new its errors are dated to a second; later to an
		 * eighth of its age, and never coarser than a week. */
		if (rows <= CE_HISTORY_FINE)
			assert_true(out.last - out.first < USEC_PER_SEC);
		if (out.last - out.first >= USEC_PER_SEC)
			assert_true(out.last - out.first <= out.first / 8);
		assert_true(out.last - out.first < 7 * USEC_PER_DAY);
	}
	ce_history_free(h);
	return rows;
}

/* A cell makes few rows at any rate, also over the 400 days that rows are kept. */
static void test_rates(void **state)
{
	static const int64_t gaps[] = { 1000,
					100000,
					USEC_PER_SEC,
					10 * USEC_PER_SEC,
					USEC_PER_MINUTE,
					USEC_PER_HOUR,
					9 * USEC_PER_HOUR };

	for (size_t i = 0; i < ARRAY_SIZE(gaps); i++) {
		uint64_t rows = rows_for(gaps[i], 1000);

		assert_true(rows <= 190);
		assert_true(rows >= 1);
	}
	assert_true(rows_for(USEC_PER_MINUTE, 400 * 24 * 60) <= 190);
	/* Rare errors keep a row each for long. */
	assert_int_equal(rows_for(USEC_PER_DAY, CE_HISTORY_FINE), CE_HISTORY_FINE);
}

static void assert_same_row(const struct ce_row *a, const struct ce_row *b)
{
	assert_int_equal(a->id, b->id);
	assert_int_equal(a->first, b->first);
	assert_int_equal(a->last, b->last);
	assert_int_equal(a->address, b->address);
	assert_int_equal(a->count, b->count);
	assert_int_equal(a->events, b->events);
	assert_int_equal(a->dimm, b->dimm);
	assert_int_equal(a->severity, b->severity);
	assert_int_equal(a->grain_bits, b->grain_bits);
	assert_int_equal(a->unattributed, b->unattributed);
	assert_int_equal(a->has_address, b->has_address);
	assert_int_equal(a->overflow, b->overflow);
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
		assert_int_equal(ce_history_pending(h) + replaced, 2);
		base.id = 1;
		if (replaced)
			assert_same_row(&closed, &base);
		ce_history_free(h);
	}
}

#define SUM_EVENTS 200000

struct sums {
	uint64_t counts[SUM_EVENTS + 1];
	uint32_t events[SUM_EVENTS + 1];
};

static void store(struct sums *s, const struct ce_row *row)
{
	assert_in_range(row->id, 1, SUM_EVENTS);
	assert_true(row->count >= s->counts[row->id]);
	s->counts[row->id] = row->count;
	s->events[row->id] = row->events;
}

/*
 * Sums in, sums out, whatever the mix of busy and rare cells, over many more cells than
 * places, with flushes in between and a database that failed now and then.
 */
static void test_sums(void **state)
{
	_cleanup_(free_p) struct sums *s = calloc(1, sizeof(*s));
	uint64_t in = 0, out = 0, events = 0, x = 88172645463325252U;
	struct ce_row closed, row;
	struct ce_history *h;
	int64_t now = 0;

	assert_non_null(s);
	assert_int_equal(ce_history_new(&h, 64), 0);
	for (unsigned int i = 0; i < SUM_EVENTS; i++) {
		next_random(&x);
		now += (int64_t)(x % 1000 == 0 ? x % USEC_PER_DAY : x % 40000);
		row = row_at(now - (int64_t)(x >> 40) % 3000,
			     (x >> 20) % 4 ? (x >> 24) % 8 << 12 : (x >> 24) % 300 << 12);
		row.count = i % 5 + 1;
		in += row.count;
		if (ce_history_add(h, &row, &closed))
			store(s, &closed);
		assert_true(ce_history_pending(h) <= 64);
		if (x % 64 == 0)
			while (ce_history_take(h, &closed))
				store(s, &closed);
		if (x % 8192 == 0)
			ce_history_forget(h);
	}
	while (ce_history_take(h, &closed))
		store(s, &closed);
	for (unsigned int i = 1; i <= SUM_EVENTS; i++) {
		out += s->counts[i];
		events += s->events[i];
	}
	assert_int_equal(in, out);
	assert_int_equal(events, SUM_EVENTS);
	assert_int_equal(ce_history_pending(h), 0);
	ce_history_free(h);
}

/* A row that can count no further makes room for the next. */
static void test_full(void **state)
{
	struct ce_history *h;
	struct ce_row closed, row = row_at(0, 0x1000);

	assert_int_equal(ce_history_new(&h, 16), 0);
	row.events = UINT32_MAX - 1;
	assert_false(ce_history_add(h, &row, &closed));
	row.events = 1;
	assert_false(ce_history_add(h, &row, &closed));
	assert_true(ce_history_add(h, &row, &closed));
	assert_int_equal(closed.events, UINT32_MAX);
	ce_history_free(h);
}

static struct ce_row row_of(const struct ce_event *ev, uint16_t dimm, enum result why)
{
	return (struct ce_row){
		.first = ev->time.us,
		.last = ev->time.us,
		.address = ev->has_address ? ev->address.addr : 0,
		.has_address = ev->has_address && ev->address.addr != 0,
		.count = ev->count ? ev->count : 1,
		.events = 1,
		.dimm = dimm,
		.severity = (uint8_t)ev->severity,
		.grain_bits = ev->grain_bits,
		.unattributed = (uint8_t)why,
		.overflow = ev->overflow,
	};
}

/* Joining an open row comes to the same as adding a row for the event. */
static void test_join(void **state)
{
	struct ce_history *joined, *added;
	struct ce_row a, b;
	uint64_t random = 1;
	uint32_t joins = 0;

	assert_int_equal(ce_history_new(&joined, 4), 0);
	assert_int_equal(ce_history_new(&added, 4), 0);
	for (int64_t i = 0; i < 100000; i++) {
		uint32_t bits = (uint32_t)next_random(&random);
		uint16_t dimm = 1 + (bits >> 10) % 2;
		enum result why = (bits >> 11) % 8 ? RESULT_NONE : RESULT_NOT_RAM;
		struct ce_event ev = {
			.time = usec(i * 60000 - (bits >> 4) % 200000),
			.address = paddr((uint64_t)(bits % 3) << 12),
			.has_address = bits >> 15 & 1,
			.count = (bits >> 2) % 3,
			.severity = (bits >> 16) % 8 ? CE_CORRECTED : CE_UNCORRECTED,
			.grain_bits = (bits >> 19) % 8 ? 5 : 6,
			.overflow = (bits >> 8) % 16 == 0,
		};
		struct ce_row row = row_of(&ev, dimm, why);
		bool closed = ce_history_add(added, &row, &b);

		if (ce_history_join(joined, &ev, dimm, why)) {
			joins++;
			assert_false(closed);
		} else {
			assert_int_equal(ce_history_add(joined, &row, &a), closed);
			if (closed)
				assert_same_row(&a, &b);
		}
		if (bits >> 22 == 0)
			while (ce_history_take(added, &b)) {
				assert_true(ce_history_take(joined, &a));
				assert_same_row(&a, &b);
			}
	}
	assert_in_range(joins, 1000, 99000);
	ce_history_free(joined);
	ce_history_free(added);
}

/* A row keeps the registers of its first event; another cell in its place has its own. */
static void test_registers(void **state)
{
	struct ce_row closed, row = row_at(0, 0x1000);
	struct ce_history *h;
	struct ce_row out;

	assert_int_equal(ce_history_new(&h, 2), 0);
	strcpy(row.registers, "correrrcnt[0001]");
	assert_false(ce_history_add(h, &row, &closed));
	strcpy(row.registers, "correrrcnt[0002]");
	assert_false(ce_history_add(h, &row, &closed)); /* joins */
	assert_true(ce_history_take(h, &out));
	assert_string_equal(out.registers, "correrrcnt[0001]");
	assert_int_equal(out.events, 2);
	assert_false(ce_history_add(h, &row, &closed));
	row.first = row.last = 10 * USEC_PER_SEC;
	assert_true(ce_history_add(h, &row, &closed));
	assert_string_equal(closed.registers, "correrrcnt[0001]");
	row.first = row.last = 20 * USEC_PER_SEC;
	row.registers[0] = '\0';
	assert_true(ce_history_add(h, &row, &closed));
	assert_string_equal(closed.registers, "correrrcnt[0002]");
	assert_true(ce_history_take(h, &out));
	assert_string_equal(out.registers, "");
	ce_history_free(h);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_new),   cmocka_unit_test(test_second),
		cmocka_unit_test(test_apart), cmocka_unit_test(test_open),
		cmocka_unit_test(test_rates), cmocka_unit_test(test_sums),
		cmocka_unit_test(test_full),  cmocka_unit_test(test_registers),
		cmocka_unit_test(test_join),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

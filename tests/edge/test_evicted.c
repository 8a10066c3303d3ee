/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * What the table has no room for, in a real database: pages that were evicted come back
 * with their counts and their windows, and cross their threshold as if nothing had been.
 * That nothing close to a threshold is evicted is shown in tests/property/test_bounds.c.
 */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

/* clang-format off: cmocka.h wants the others before it */
#include <cmocka.h>
/* clang-format on */

#include "base/mem.h"
#include "bench/db_shell.h"

#define HELD   256
#define NEAR   1000
#define SPRAY  20000
#define MAX_MB 16

static uint64_t address_of(uint64_t frame)
{
	return frame << 12 | 0x40;
}

static void spray(struct db_shell *s, int64_t from)
{
	for (int64_t i = 0; i < SPRAY; i++)
		db_shell_error(s, address_of(0x100000 + (uint64_t)i),
			       usec(from + i * 1000));
}

static void evicted_pages_come_back(void **state)
{
	const struct ce_tracker *t;
	struct db_shell s;

	db_shell_open(&s, MAX_MB << 20);
	db_shell_start(&s, HELD);
	t = engine_tracker(s.sim->engine);
	for (int64_t i = 0; i < NEAR; i++)
		db_shell_error(&s, address_of(0x1000 + (uint64_t)i),
			       usec(USEC_PER_HOUR + i * 1000));
	spray(&s, USEC_PER_HOUR + USEC_PER_MINUTE);
	db_shell_flush(&s);
	assert_int_equal(ce_tracker_count(t), HELD);
	for (uint64_t i = 0; i < NEAR; i++)
		assert_null(ce_tracker_peek(t, pfn(0x1000 + i)));

	s.loads = 0;
	for (int64_t i = 0; i < NEAR; i++) {
		pfn_t p = pfn(0x1000 + (uint64_t)i);
		const struct page_rec *rec;

		db_shell_error(&s, address_of(p.n), usec(20 * USEC_PER_HOUR + i * 1000));
		rec = ce_tracker_peek(t, p);
		assert_non_null(rec);
		assert_int_equal(rec->corrected_errors, 2);
		assert_int_equal(rec->n_stamps, 2);
		/* the policy counts only: what it would have done, it says */
		assert_int_equal(rec->state, PAGE_REFUSED);
		assert_int_equal(rec->reason, REASON_PAGE_THRESHOLD);
	}
	assert_int_equal(s.loads, NEAR);
	assert_int_equal(engine_totals(s.sim->engine)->events, 2 * NEAR + SPRAY);
	db_shell_flush(&s);
	assert_int_equal(db_lost_rows(s.db), 0);
	assert_true(db_size(s.db) < 2 * (MAX_MB << 20)); /* the WAL too */
	db_shell_close(&s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(evicted_pages_come_back),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

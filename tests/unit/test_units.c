/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * Frame numbers, addresses and times at the ends of their ranges: what does not fit is
 * held there, and never comes back as something that does fit.
 */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

/* clang-format off: cmocka.h wants the others before it */
#include <cmocka.h>
/* clang-format on */

#include "base/mem.h"
#include "base/units.h"

static void test_frames(void **state)
{
	static const unsigned int shifts[] = { 12, 14, 16 };

	for (size_t i = 0; i < ARRAY_SIZE(shifts); i++) {
		unsigned int shift = shifts[i];
		pfn_t last = pfn(UINT64_MAX >> shift);

		assert_int_equal(pfn_to_paddr(pfn(0), shift).addr, 0);
		assert_int_equal(pfn_to_paddr(pfn(5), shift).addr, UINT64_C(5) << shift);
		assert_int_equal(paddr_to_pfn(pfn_to_paddr(last, shift), shift).n,
				 last.n);
		/* The next ones have lost bits, and with them their frame. */
		assert_int_equal(pfn_to_paddr(pfn(last.n + 1), shift).addr, UINT64_MAX);
		assert_int_equal(pfn_to_paddr(pfn(last.n + 6), shift).addr, UINT64_MAX);
		assert_int_equal(pfn_to_paddr(pfn(UINT64_MAX), shift).addr, UINT64_MAX);
	}
}

static void test_times(void **state)
{
	assert_int_equal(usec_add(usec(INT64_MAX), usec(1)).us, INT64_MAX);
	assert_int_equal(usec_add(usec(INT64_MIN), usec(-1)).us, INT64_MIN);
	assert_int_equal(usec_add(usec(2), usec(-3)).us, -1);
	assert_int_equal(usec_sub(usec(INT64_MIN), usec(1)).us, INT64_MIN);
	assert_int_equal(usec_sub(usec(INT64_MAX), usec(-1)).us, INT64_MAX);
	assert_int_equal(usec_sub(usec(0), usec(INT64_MIN)).us, INT64_MAX);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_frames),
		cmocka_unit_test(test_times),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

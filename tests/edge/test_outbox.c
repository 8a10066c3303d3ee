/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * What is decided and not done yet: nothing is lost, nothing is done twice, and all of it
 * keeps its order.
 */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

/* clang-format off: cmocka.h wants the others before it */
#include <cmocka.h>
/* clang-format on */

#include "parts/outbox.h"

static struct outbox o;

static int empty(void **state)
{
	o = (struct outbox){ 0 };
	return 0;
}

static void put(uint64_t id)
{
	struct offline_request request = { .id = id, .pfn = pfn(id) };

	outbox_put(&o, &request);
}

static void follow(uint64_t page, int64_t now)
{
	struct input in = { .kind = INPUT_LOADED, .now = usec(now) };

	in.page.pfn = pfn(page);
	outbox_follow(&o, &in);
}

static void inputs_keep_their_order(void **state)
{
	struct input in;

	assert_false(outbox_next(&o, usec(7), &in));
	for (uint64_t page = 1; page <= OUTBOX_INPUTS; page++)
		follow(page, 0);
	for (uint64_t page = 1; page <= OUTBOX_INPUTS; page++) {
		assert_true(outbox_next(&o, usec(7), &in));
		assert_int_equal(in.page.pfn.n, page);
	}
	assert_false(outbox_next(&o, usec(7), &in));
}

/* What one input brings up is of the same moment, unless it has a time of its own. */
static void inputs_get_a_time(void **state)
{
	struct input in;

	follow(1, 0);
	follow(2, 5);
	assert_true(outbox_next(&o, usec(7), &in));
	assert_int_equal(in.now.us, 7);
	follow(3, 0);
	assert_true(outbox_next(&o, usec(8), &in));
	assert_int_equal(in.now.us, 5);
	assert_true(outbox_next(&o, usec(9), &in));
	assert_int_equal(in.page.pfn.n, 3);
	assert_int_equal(in.now.us, 9);
}

static void groups(void **state)
{
	struct offline_request group[OUTBOX_GROUP];

	assert_int_equal(outbox_take(&o, group), 0);
	for (uint64_t id = 1; id <= OUTBOX_GROUP; id++) {
		assert_false(outbox_is_full(&o));
		put(id);
	}
	assert_true(outbox_is_full(&o));
	assert_int_equal(outbox_take(&o, group), OUTBOX_GROUP);
	for (uint64_t i = 0; i < OUTBOX_GROUP; i++)
		assert_int_equal(group[i].id, i + 1);
	assert_false(outbox_is_full(&o));
	assert_int_equal(outbox_take(&o, group), 0);
}

/* From the decision to the last answer, in the group or with the worker. */
static void attempts(void **state)
{
	struct offline_request group[OUTBOX_GROUP];

	assert_false(outbox_has_attempts(&o));
	put(1);
	put(2);
	assert_true(outbox_has_attempts(&o));
	outbox_handed_over(&o, outbox_take(&o, group), usec(10));
	assert_true(outbox_has_attempts(&o));
	outbox_answered(&o, usec(11));
	assert_true(outbox_has_attempts(&o));
	outbox_answered(&o, usec(12));
	assert_false(outbox_has_attempts(&o));
}

/* The kernel is at one write at a time: each begins when the one before it ended. */
static void lateness(void **state)
{
	assert_false(outbox_is_late(&o, usec(1000), usec(60)));
	outbox_handed_over(&o, 1, usec(1000));
	outbox_handed_over(&o, 1, usec(1050)); /* waits behind the first */
	assert_false(outbox_is_late(&o, usec(1059), usec(60)));
	assert_true(outbox_is_late(&o, usec(1060), usec(60)));
	assert_false(outbox_is_late(&o, usec(2000), usec(60))); /* said */
	outbox_answered(&o, usec(2000));
	assert_false(outbox_is_late(&o, usec(2059), usec(60)));
	assert_true(outbox_is_late(&o, usec(2060), usec(60)));
	outbox_answered(&o, usec(2061));
	assert_false(outbox_is_late(&o, usec(9000), usec(60)));
}

static void dimms(void **state)
{
	uint16_t kept[MAX_ATTEMPTS];

	for (uint16_t i = 0; i < MAX_ATTEMPTS; i++) {
		assert_true(outbox_keep_dimm(&o, (uint16_t)(1000 - i)));
		assert_true(outbox_keep_dimm(&o, 1000)); /* once */
	}
	assert_false(outbox_keep_dimm(&o, 1));
	assert_true(outbox_keep_dimm(&o, 1000));
	assert_int_equal(outbox_take_dimms(&o, kept), MAX_ATTEMPTS);
	for (uint16_t i = 0; i < MAX_ATTEMPTS; i++)
		assert_int_equal(kept[i], 1000 - i);
	assert_int_equal(outbox_take_dimms(&o, kept), 0);
	assert_true(outbox_keep_dimm(&o, 1));
	assert_false(outbox_take_spent(&o));
	o.spent = true;
	assert_true(outbox_take_spent(&o));
	assert_false(outbox_take_spent(&o));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(inputs_keep_their_order, empty),
		cmocka_unit_test_setup(inputs_get_a_time, empty),
		cmocka_unit_test_setup(groups, empty),
		cmocka_unit_test_setup(attempts, empty),
		cmocka_unit_test_setup(lateness, empty),
		cmocka_unit_test_setup(dimms, empty),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

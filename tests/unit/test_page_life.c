/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * The life of a page, pair by pair: each event in each state, also the pairs that cannot
 * happen. The expectations are written by hand, event by event, and not read from the
 * table that they check.
 */

/* cmocka.h wants these before it. */
/* clang-format off */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
/* clang-format on */

#include "base/mem.h"
#include "engine/page_life.h"

static const enum page_state states[] = { PAGE_WATCHED, PAGE_PENDING, PAGE_OFFLINED,
					  PAGE_FAILED, PAGE_REFUSED };

#define BIT(state) (1U << (state))

static const unsigned int any = BIT(PAGE_WATCHED) | BIT(PAGE_PENDING) |
				BIT(PAGE_OFFLINED) | BIT(PAGE_FAILED) | BIT(PAGE_REFUSED);

/* @event leads from each state in the set @from to @to, and is impossible in the rest. */
static void check(enum life_event event, unsigned int from, enum page_state to)
{
	for (unsigned int i = 0; i < ARRAY_SIZE(states); i++) {
		enum page_state expected = from & BIT(states[i]) ? to : PAGE_NEVER;

		assert_int_equal(page_life_next(states[i], event), expected);
	}
}

static void test_every_state(void **state)
{
	assert_int_equal(ARRAY_SIZE(states), PAGE_STATE_MAX_);
	for (int i = 0; i < PAGE_STATE_MAX_; i++)
		assert_int_equal(states[i], i);
	assert_int_equal(any, BIT(PAGE_STATE_MAX_) - 1);
}

/* One row for each event: the compiler names the one that is not here. */
static void check_event(enum life_event event)
{
	const unsigned int watched = BIT(PAGE_WATCHED), pending = BIT(PAGE_PENDING),
			   offlined = BIT(PAGE_OFFLINED), failed = BIT(PAGE_FAILED),
			   refused = BIT(PAGE_REFUSED);

	switch (event) {
	case LIFE_CHOSEN:
		check(event, watched, PAGE_PENDING);
		break;
	case LIFE_RETRIED:
		check(event, failed | refused, PAGE_PENDING);
		break;
	case LIFE_REQUESTED:
		check(event, watched | pending | failed | refused, PAGE_PENDING);
		break;
	case LIFE_POSTPONED:
		check(event, pending, PAGE_PENDING);
		break;
	case LIFE_REFUSED:
		check(event, pending, PAGE_REFUSED);
		break;
	case LIFE_GIVEN_UP:
		check(event, pending, PAGE_FAILED);
		break;
	case LIFE_POISONED:
		check(event, any, PAGE_OFFLINED);
		break;
	case LIFE_IN_USE:
		check(event, offlined, PAGE_WATCHED);
		break;
	case LIFE_REBOOTED:
		check(event, any, PAGE_WATCHED);
		break;
	case LIFE_INTERRUPTED:
		check(event, any, PAGE_PENDING);
		break;
	case LIFE_EVENT_MAX_:
		fail_msg("no event");
	}
}

static void test_every_pair(void **state)
{
	for (int i = 0; i < LIFE_EVENT_MAX_; i++)
		check_event((enum life_event)i);
}

/* Something other than a reboot leads out of each state. */
static void test_no_dead_end(void **state)
{
	for (unsigned int i = 0; i < ARRAY_SIZE(states); i++) {
		unsigned int ways = 0;

		for (int event = 0; event < LIFE_EVENT_MAX_; event++) {
			enum page_state next =
				page_life_next(states[i], (enum life_event)event);

			ways += event != LIFE_REBOOTED && next != PAGE_NEVER &&
				next != states[i];
		}
		assert_true(ways > 0);
	}
}

static void test_outside(void **state)
{
	assert_int_equal(page_life_next(PAGE_STATE_MAX_, LIFE_POISONED), PAGE_NEVER);
	assert_int_equal(page_life_next((enum page_state)7, LIFE_POISONED), PAGE_NEVER);
	assert_int_equal(page_life_next((enum page_state) - 1, LIFE_POISONED),
			 PAGE_NEVER);
	assert_int_equal(page_life_next(PAGE_WATCHED, LIFE_EVENT_MAX_), PAGE_NEVER);
	assert_int_equal(page_life_next(PAGE_WATCHED, (enum life_event) - 1), PAGE_NEVER);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_every_state),
		cmocka_unit_test(test_every_pair),
		cmocka_unit_test(test_no_dead_end),
		cmocka_unit_test(test_outside),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

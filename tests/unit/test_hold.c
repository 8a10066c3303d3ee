/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * The hold: what each state of the kernel does to it, what an answer does, when a hold by
 * answer is doubted, runs out and is over, and when the kernel is looked at.
 */

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

/* clang-format off: cmocka.h wants the others before it */
#include <cmocka.h>
/* clang-format on */

#include "base/mem.h"
#include "engine/hold.h"

#define SECOND USEC_PER_SEC
#define HOUR   USEC_PER_HOUR

static const struct kernel_state on = { FACT_YES, SWITCH_ON, FACT_YES, FACT_UNKNOWN };
static const struct kernel_state off = { FACT_YES, SWITCH_OFF, FACT_YES, FACT_UNKNOWN };
static const struct kernel_state absent = { FACT_YES, SWITCH_ABSENT, FACT_YES,
					    FACT_UNKNOWN };
static const struct kernel_state no_file = { FACT_NO, SWITCH_ON, FACT_YES, FACT_UNKNOWN };
static const struct kernel_state too_old = { FACT_YES, SWITCH_ABSENT, FACT_NO,
					     FACT_UNKNOWN };
static const struct kernel_state unread = { FACT_UNKNOWN, SWITCH_UNKNOWN, FACT_UNKNOWN,
					    FACT_UNKNOWN };

static struct hold h;
static struct hold_news got;
static int64_t now;
static uint64_t next_id;

static void start(void)
{
	hold_init(&h);
	now = 1000;
	next_id = 100;
}

static void see(struct kernel_state k)
{
	got = hold_take_kernel(&h, &k, usec(now));
}

/* An attempt that is started and refused now. */
static void refuse_id(uint64_t id, enum result result, int error)
{
	const struct action_row row = { .id = id, .result = result, .error = error };

	got = hold_refused(&h, &row, next_id, usec(now));
}

static void refuse(enum result result, int error)
{
	refuse_id(next_id++, result, error);
}

static void obey_id(uint64_t id)
{
	const struct action_row row = { .id = id, .result = RESULT_OFFLINED };

	got = hold_obeyed(&h, &row);
}

static void expect_hold(enum result why, bool by_answer)
{
	assert_int_equal(h.why, why);
	assert_int_equal(h.by_answer, by_answer);
}

static void expect_began(enum result why, int error, int64_t retry_at)
{
	assert_int_equal(got.kind, HOLD_BEGAN);
	assert_int_equal(got.result, why);
	assert_int_equal(got.error, error);
	assert_int_equal(got.retry_at.us, retry_at);
}

static void expect_released(enum result why)
{
	assert_int_equal(got.kind, HOLD_RELEASED);
	assert_int_equal(got.result, why);
	expect_hold(RESULT_NONE, false);
}

/* A hold that an answer began, reported and doubted. */
static void doubt(void)
{
	refuse(RESULT_UNSUPPORTED, EOPNOTSUPP);
	assert_int_equal(got.kind, HOLD_LOOK);
	see(on);
	expect_began(RESULT_UNSUPPORTED, EOPNOTSUPP, now + 5 * SECOND);
	assert_true(h.doubted);
}

/* Each state, seen first, and after each other one. */
static void test_states(void **state)
{
	static const struct {
		const struct kernel_state *k;
		bool usable;
		bool polled; /* the switch may be why */
	} rows[] = {
		{ &on, true, false },       { &off, false, true },
		{ &absent, true, false },   { &no_file, false, false },
		{ &too_old, false, false },
	};

	for (unsigned int i = 0; i < ARRAY_SIZE(rows); i++) {
		for (unsigned int j = 0; j < ARRAY_SIZE(rows); j++) {
			start();
			see(*rows[i].k);
			assert_int_equal(got.kind,
					 rows[i].usable ? HOLD_NOTHING : HOLD_BEGAN);
			see(*rows[j].k);
			assert_int_equal(got.kind, rows[i].usable == rows[j].usable
							   ? HOLD_NOTHING
						   : rows[j].usable ? HOLD_RELEASED
								    : HOLD_BEGAN);
			expect_hold(rows[j].usable ? RESULT_NONE : RESULT_UNSUPPORTED,
				    false);
			assert_int_equal(h.look_at.us,
					 rows[j].polled ? now + 5 * SECOND : USEC_NEVER);
		}
	}
}

/* What cannot be read is not known at first, and later stays as it was. */
static void test_unread(void **state)
{
	const struct kernel_state half = { FACT_UNKNOWN, SWITCH_OFF, FACT_YES,
					   FACT_UNKNOWN };

	start();
	see(unread);
	expect_began(RESULT_UNSUPPORTED, 0, 0);
	see(on);
	expect_released(RESULT_UNSUPPORTED);
	see(unread);
	assert_int_equal(got.kind, HOLD_NOTHING);
	expect_hold(RESULT_NONE, false);
	assert_int_equal(h.kernel.enabled, SWITCH_ON);
	see(half);
	expect_began(RESULT_UNSUPPORTED, 0, 0);
	assert_int_equal(h.kernel.soft_offline, FACT_YES);
	see(unread);
	expect_hold(RESULT_UNSUPPORTED, false);
	see((struct kernel_state){ FACT_UNKNOWN, SWITCH_ON, FACT_UNKNOWN, FACT_UNKNOWN });
	expect_released(RESULT_UNSUPPORTED);
}

/* Denied is reported at once; the switch has no part in it. */
static void test_denied(void **state)
{
	start();
	see(on);
	refuse(RESULT_DENIED, EACCES);
	expect_began(RESULT_DENIED, EACCES, now + HOUR);
	expect_hold(RESULT_DENIED, true);
	assert_int_equal(hold_ask(&h).kind, HOLD_NOTHING);
	assert_false(h.looking);
	see(on);
	assert_int_equal(got.kind, HOLD_NOTHING);
	expect_hold(RESULT_DENIED, true);
	/* The kernel's state takes its place, and ends then by itself. */
	see(off);
	expect_began(RESULT_UNSUPPORTED, 0, 0);
	see(on);
	expect_released(RESULT_UNSUPPORTED);
}

/* Unsupported is reported with what the switch is now. */
static void test_unsupported(void **state)
{
	static const struct {
		const struct kernel_state *before, *after;
		enum hold_kind news;
		bool by_answer;
		int64_t until; /* from now; 0: no timer */
	} rows[] = {
		{ &on, &on, HOLD_BEGAN, true, 5 * SECOND },
		{ &absent, &absent, HOLD_BEGAN, true, HOUR },
		{ &on, &off, HOLD_BEGAN, false, 0 },
		{ &absent, &too_old, HOLD_BEGAN, false, 0 },
		{ &on, &unread, HOLD_BEGAN, true, 5 * SECOND },
	};

	for (unsigned int i = 0; i < ARRAY_SIZE(rows); i++) {
		start();
		see(*rows[i].before);
		refuse(RESULT_UNSUPPORTED, EOPNOTSUPP);
		assert_int_equal(got.kind, HOLD_LOOK);
		expect_hold(RESULT_UNSUPPORTED, true);
		/* One look at a time. */
		assert_int_equal(hold_ask(&h).kind, HOLD_NOTHING);
		assert_int_equal(hold_look(&h).kind, HOLD_NOTHING);
		see(*rows[i].after);
		assert_int_equal(got.kind, rows[i].news);
		expect_began(RESULT_UNSUPPORTED, rows[i].by_answer ? EOPNOTSUPP : 0,
			     rows[i].until ? now + rows[i].until : 0);
		expect_hold(RESULT_UNSUPPORTED, rows[i].by_answer);
		/* It is judged once. */
		see(*rows[i].after);
		assert_int_equal(got.kind, HOLD_NOTHING);
	}
}

/* With the switch on the first refusal is doubted, the second one is not. */
static void test_doubt(void **state)
{
	start();
	see(on);
	doubt();
	now += 5 * SECOND - 1;
	hold_run_out(&h, usec(now));
	expect_hold(RESULT_UNSUPPORTED, true);
	now++;
	hold_run_out(&h, usec(now));
	expect_hold(RESULT_NONE, false);
	assert_int_equal(h.look_at.us, USEC_NEVER);
	refuse(RESULT_UNSUPPORTED, EOPNOTSUPP);
	assert_int_equal(got.kind, HOLD_LOOK);
	see(on);
	expect_began(RESULT_UNSUPPORTED, EOPNOTSUPP, now + HOUR);
	expect_hold(RESULT_UNSUPPORTED, true);

	/* The switch off and on again: a change that ends the hold, and the doubt. */
	see(off);
	expect_began(RESULT_UNSUPPORTED, 0, 0);
	see(on);
	expect_released(RESULT_UNSUPPORTED);
	doubt();
}

static void test_run_out(void **state)
{
	start();
	see(on);
	doubt();
	now += 5 * SECOND;
	hold_run_out(&h, usec(now));
	/* Nobody knows yet whether it is over: the next answer shows that. */
	obey_id(next_id++);
	expect_released(RESULT_UNSUPPORTED);
	assert_false(h.doubted);
	obey_id(next_id++);
	assert_int_equal(got.kind, HOLD_NOTHING);
	hold_run_out(&h, usec(now + HOUR));
	obey_id(next_id++);
	assert_int_equal(got.kind, HOLD_NOTHING);

	/* A hold by state does not run out. */
	see(off);
	hold_run_out(&h, usec(INT64_MAX));
	expect_hold(RESULT_UNSUPPORTED, false);
}

/* Attempts that were under way when the hold began prove nothing new. */
static void test_late(void **state)
{
	start();
	see(on);
	next_id = 104;
	refuse_id(101, RESULT_DENIED, EPERM);
	expect_began(RESULT_DENIED, EPERM, now + HOUR);
	now += 1000;
	refuse_id(102, RESULT_DENIED, EPERM);
	assert_int_equal(got.kind, HOLD_NOTHING);
	assert_int_equal(h.until.us, now + HOUR);
	obey_id(100);
	assert_int_equal(got.kind, HOLD_NOTHING);
	expect_hold(RESULT_DENIED, true);

	/* A late one with another result replaces the reason. */
	refuse_id(103, RESULT_UNSUPPORTED, EOPNOTSUPP);
	assert_int_equal(got.kind, HOLD_LOOK);
	expect_hold(RESULT_UNSUPPORTED, true);

	/* The retry of a doubted hold is not put off by a late one. */
	start();
	see(on);
	next_id = 110;
	refuse_id(105, RESULT_UNSUPPORTED, EOPNOTSUPP);
	see(on);
	assert_true(h.doubted);
	assert_int_equal(h.until.us, now + 5 * SECOND);
	now += 1000;
	refuse_id(106, RESULT_UNSUPPORTED, EOPNOTSUPP);
	assert_int_equal(h.until.us, now - 1000 + 5 * SECOND);
	/* Nor is a late one the second opinion. */
	now += 5 * SECOND;
	hold_run_out(&h, usec(now));
	refuse_id(107, RESULT_UNSUPPORTED, EOPNOTSUPP);
	see(on);
	expect_began(RESULT_UNSUPPORTED, EOPNOTSUPP, now + 5 * SECOND);
	/* An attempt from before that succeeds ends neither hold nor doubt. */
	obey_id(108);
	assert_int_equal(got.kind, HOLD_NOTHING);
	assert_true(h.doubted);
}

/* An errno does not replace what was seen. */
static void test_by_state(void **state)
{
	start();
	see(off);
	expect_began(RESULT_UNSUPPORTED, 0, 0);
	refuse(RESULT_DENIED, EPERM);
	assert_int_equal(got.kind, HOLD_NOTHING);
	expect_hold(RESULT_UNSUPPORTED, false);
	see(off);
	assert_int_equal(got.kind, HOLD_NOTHING);
	hold_drop_answer(&h);
	expect_hold(RESULT_UNSUPPORTED, false);
}

static void test_drop(void **state)
{
	start();
	hold_drop_answer(&h);
	expect_hold(RESULT_NONE, false);
	refuse(RESULT_DENIED, EPERM);
	hold_drop_answer(&h);
	expect_hold(RESULT_NONE, false);
	/* The look is still under way, and finds no hold to judge. */
	refuse(RESULT_UNSUPPORTED, EOPNOTSUPP);
	hold_drop_answer(&h);
	see(absent);
	assert_int_equal(got.kind, HOLD_NOTHING);
	expect_hold(RESULT_NONE, false);
}

static void test_looks(void **state)
{
	start();
	assert_int_equal(h.look_at.us, USEC_NEVER);
	assert_int_equal(hold_ask(&h).kind, HOLD_NOTHING);
	see(off);
	assert_int_equal(h.look_at.us, now + 5 * SECOND);
	assert_int_equal(hold_look(&h).kind, HOLD_LOOK);
	assert_true(h.looking);
	assert_int_equal(h.look_at.us, USEC_NEVER);
	assert_int_equal(hold_ask(&h).kind, HOLD_NOTHING);
	now += SECOND;
	see(off);
	assert_false(h.looking);
	assert_int_equal(h.look_at.us, now + 5 * SECOND);
	assert_int_equal(hold_ask(&h).kind, HOLD_LOOK);
	see(on);
	assert_int_equal(h.look_at.us, USEC_NEVER);
	/* No switch can be why. */
	see(no_file);
	assert_int_equal(hold_ask(&h).kind, HOLD_NOTHING);
	see(too_old);
	assert_int_equal(hold_ask(&h).kind, HOLD_NOTHING);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_states), cmocka_unit_test(test_unread),
		cmocka_unit_test(test_denied), cmocka_unit_test(test_unsupported),
		cmocka_unit_test(test_doubt),  cmocka_unit_test(test_run_out),
		cmocka_unit_test(test_late),   cmocka_unit_test(test_by_state),
		cmocka_unit_test(test_drop),   cmocka_unit_test(test_looks),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * When the database counts as working, when all that is known is stored once more, and
 * that each condition is news once when it begins and once when it ends.
 */

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

/* clang-format off: cmocka.h wants the others before it */
#include <cmocka.h>
/* clang-format on */

#include "parts/db_state.h"

static struct db_state s;

static int fresh(void **state)
{
	s = (struct db_state){ 0 };
	return 0;
}

/* A group without a failed row. */
static bool good_group(int64_t now)
{
	return db_state_committed(&s, true, usec(now), false);
}

static void works(void **state)
{
	assert_true(db_state_is_fine(&s));
	assert_false(good_group(1));
	assert_false(db_state_flushed(&s, false, true, usec(1)));
	assert_true(db_state_is_fine(&s));
}

/* It fails, works again, and is fine only when all that is known is stored again. */
static void fails_and_works_again(void **state)
{
	assert_true(db_state_failed(&s));
	assert_false(db_state_failed(&s));
	assert_false(db_state_is_fine(&s));
	assert_false(db_state_committed(&s, false, usec(1), false));
	assert_true(good_group(2));
	s.incomplete = true; /* all is stored once more, as the caller was asked to */
	assert_false(good_group(3));
	assert_false(db_state_is_fine(&s));
	assert_true(db_state_flushed(&s, true, true, usec(4)));
	assert_true(db_state_is_fine(&s));
	assert_true(db_state_failed(&s));
}

/* A commit that had nothing to write proves nothing. */
static void empty_group(void **state)
{
	(void)db_state_failed(&s);
	assert_false(db_state_committed(&s, false, usec(1), true));
	assert_false(db_state_is_fine(&s));
}

/* A group works only if each of its rows did; the next group is judged by itself. */
static void failed_row(void **state)
{
	(void)db_state_failed(&s);
	assert_false(good_group(1));
	assert_true(good_group(2));
}

/* One row fails whenever all is stored again: that is tried by the minute, and at once
 * when the daemon ends. */
static void retried_by_the_minute(void **state)
{
	(void)db_state_failed(&s);
	(void)good_group(1);
	assert_true(good_group(2));
	s.incomplete = true;
	assert_true(db_state_failed(&s));
	assert_false(good_group(1000));
	assert_false(db_state_flushed(&s, true, true, usec(1000)));
	assert_false(good_group(1000 + USEC_PER_MINUTE - 1));
	assert_true(s.failing);
	assert_true(db_state_committed(&s, true, usec(1001), true));
	(void)db_state_failed(&s);
	(void)good_group(1002);
	assert_true(good_group(1000 + USEC_PER_MINUTE));
}

static void flush_fails(void **state)
{
	s.incomplete = true;
	assert_false(db_state_flushed(&s, true, false, usec(5)));
	assert_false(db_state_is_fine(&s));
	assert_int_equal(s.retry_at.us, 5 + USEC_PER_MINUTE);
}

static void held_log(void **state)
{
	assert_false(db_state_set_log(&s, false));
	assert_true(db_state_set_log(&s, true));
	assert_false(db_state_set_log(&s, true));
	assert_false(db_state_is_fine(&s));
	assert_true(db_state_set_log(&s, false));
	assert_true(db_state_is_fine(&s));
}

/* Taken again is news each time; a failure is, once for each reason. */
static void lock(void **state)
{
	assert_false(db_state_set_lock(&s, 0));
	assert_true(db_state_set_lock(&s, 1));
	assert_true(db_state_is_fine(&s));
	assert_true(db_state_set_lock(&s, 1));
	assert_true(db_state_set_lock(&s, -EBUSY));
	assert_false(db_state_set_lock(&s, -EBUSY));
	assert_false(db_state_is_fine(&s));
	assert_true(db_state_set_lock(&s, -EACCES));
	assert_true(db_state_set_lock(&s, 0));
	assert_true(db_state_is_fine(&s));
}

/* Each time that the files go, why they cannot be stored again is news once. */
static void away(void **state)
{
	assert_true(db_state_gone(&s));
	assert_true(db_state_stays_away(&s, -EEXIST));
	assert_false(db_state_gone(&s));
	assert_false(db_state_stays_away(&s, -EEXIST));
	assert_true(db_state_stays_away(&s, -ENOSPC));
	assert_false(db_state_is_fine(&s));
	s.away = false;
	assert_true(db_state_is_fine(&s));
	assert_true(db_state_gone(&s));
	assert_true(db_state_stays_away(&s, -ENOSPC));
}

static void not_opened(void **state)
{
	assert_true(db_state_not_opened(&s, -ENOSPC));
	assert_false(db_state_not_opened(&s, -ENOSPC));
	assert_true(db_state_not_opened(&s, -EIO));
	db_state_unstored(&s, 3);
	db_state_unstored(&s, 0);
	assert_int_equal(s.unstored_rows, 2);
	assert_int_equal(s.unstored_errors, 3);
	db_state_opened_again(&s);
	assert_int_equal(s.unstored_rows + s.unstored_errors, 0);
	assert_true(db_state_not_opened(&s, -EIO));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(works, fresh),
		cmocka_unit_test_setup(fails_and_works_again, fresh),
		cmocka_unit_test_setup(empty_group, fresh),
		cmocka_unit_test_setup(failed_row, fresh),
		cmocka_unit_test_setup(retried_by_the_minute, fresh),
		cmocka_unit_test_setup(flush_fails, fresh),
		cmocka_unit_test_setup(held_log, fresh),
		cmocka_unit_test_setup(lock, fresh),
		cmocka_unit_test_setup(away, fresh),
		cmocka_unit_test_setup(not_opened, fresh),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * When commit, pruning and backup are due.
 */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

/* clang-format off: cmocka.h wants the others before it */
#include <cmocka.h>
/* clang-format on */

#include "parts/schedule.h"

#define SEC  USEC_PER_SEC
#define MIN  USEC_PER_MINUTE
#define HOUR USEC_PER_HOUR
#define DAY  USEC_PER_DAY

static struct schedule s;

/* The machine is up for ten days, and the daemon starts. */
static int start(void **state)
{
	schedule_begin(&s, usec(10 * DAY));
	return 0;
}

/* Storing takes a fifth of the time at most, but rows wait ten seconds at most. */
static void commit_delay(void **state)
{
	static const struct {
		int64_t took, served, delay;
	} rows[] = {
		{ 0, 0, SEC },
		{ SEC / 4, 0, SEC },
		{ SEC / 2, 0, 2 * SEC },
		{ 3 * SEC / 2, SEC, 2 * SEC }, /* what was served is no storing */
		{ 2 * SEC, 0, 8 * SEC },
		{ 3 * SEC, 0, 10 * SEC },
		{ HOUR, 0, 10 * SEC },
	};

	assert_int_equal(schedule_commit_delay(&s).us, SEC);
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		s.flushed = usec(10 * DAY);
		schedule_flushed(&s, usec_add(s.flushed, usec(rows[i].took)),
				 usec(rows[i].served));
		assert_int_equal(schedule_commit_delay(&s).us, rows[i].delay);
	}
}

static void prune(void **state)
{
	unsigned int n = 0;

	for (unsigned int minute = 1; minute <= 60; minute++)
		if (schedule_minute(&s)) {
			assert_int_equal(minute % 10, 0);
			n++;
		}
	assert_int_equal(n, 6);
}

static void quiet(void **state)
{
	assert_false(schedule_is_quiet(usec(DAY), usec(DAY)));
	assert_false(schedule_is_quiet(usec(DAY + SEC - 1), usec(DAY)));
	assert_true(schedule_is_quiet(usec(DAY + SEC), usec(DAY)));
	assert_true(schedule_is_quiet(usec(DAY), usec(0))); /* no event ever */
}

static bool backup(int64_t now, int64_t last_event)
{
	return schedule_backup_is_due(&s, usec(10 * DAY + now),
				      usec(10 * DAY + last_event));
}

static void backups(void **state)
{
	assert_false(backup(0, -DAY));
	assert_false(backup(HOUR - 1, -DAY));
	assert_true(backup(HOUR, -DAY));
	/* Errors come: it waits until they end. */
	assert_false(backup(HOUR, HOUR - MIN + 1));
	assert_true(backup(HOUR, HOUR - MIN));
	s.backed_up = usec(10 * DAY + HOUR);
	assert_false(backup(HOUR + MIN, -DAY));
	assert_false(backup(HOUR + DAY - 1, -DAY));
	assert_true(backup(HOUR + DAY, -DAY));
}

/* On a machine that was started a moment ago the times are small. */
static void after_boot(void **state)
{
	schedule_begin(&s, usec(SEC));
	assert_false(schedule_backup_is_due(&s, usec(HOUR), usec(0)));
	assert_true(schedule_backup_is_due(&s, usec(HOUR + SEC), usec(0)));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(commit_delay, start),
		cmocka_unit_test_setup(prune, start),
		cmocka_unit_test_setup(quiet, start),
		cmocka_unit_test_setup(backups, start),
		cmocka_unit_test_setup(after_boot, start),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

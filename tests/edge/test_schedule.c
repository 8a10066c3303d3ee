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
#include "random.h"

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

static void commit_delay(void **state)
{
	static const struct {
		int64_t took, delay;
	} rows[] = {
		{ 0, SEC },       { SEC / 4, 3 * SEC / 4 }, { SEC / 2, SEC / 2 },
		{ SEC, SEC / 2 }, { HOUR, SEC / 2 },
	};

	assert_int_equal(schedule_commit_delay(&s).us, SEC);
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		s.flushed = usec(10 * DAY);
		schedule_flushed(&s, usec_add(s.flushed, usec(rows[i].took)));
		assert_int_equal(schedule_commit_delay(&s).us, rows[i].delay);
	}
}

/*
 * The loop in driven time: an event arms a flush if none is armed, a flush stores what was
 * counted until it ends. Returns how long an event waited at most to be durable. Events
 * come @gap apart, now and then with a pause; flushes take @took at most.
 */
static int64_t longest_wait(int64_t gap, int64_t took, bool growing)
{
	int64_t now = 10 * DAY, flush = INT64_MAX, first = 0, longest = 0, takes = took;
	uint64_t x = 88172645463325252U;

	schedule_begin(&s, usec(now));
	for (unsigned int i = 0; i < 20000; i++) {
		next_random(&x);
		now += x % 500 == 0 ? (int64_t)(x >> 20) % MIN : (int64_t)(x >> 20) % gap;
		while (flush < now) { /* the timer comes before reading */
			s.flushed = usec(flush);
			takes = growing ? (int64_t)(x >> 8) % (took + 1) : took;
			schedule_flushed(&s, usec(flush + takes));
			longest = flush + takes - first > longest ? flush + takes - first
								  : longest;
			now = now > flush + takes ? now : flush + takes;
			flush = INT64_MAX;
		}
		if (flush != INT64_MAX)
			continue;
		first = now;
		flush = now + schedule_commit_delay(&s).us;
	}
	return longest;
}

/* What was counted is durable within a second, in a storm within two. */
static void durable(void **state)
{
	static const int64_t gaps[] = { 100, 100000, 3 * SEC };

	for (size_t i = 0; i < sizeof(gaps) / sizeof(*gaps); i++) {
		assert_in_range(longest_wait(gaps[i], 0, false), SEC, SEC);
		assert_in_range(longest_wait(gaps[i], SEC / 3, false), SEC,
				SEC + SEC / 3); /* the first flush is not foreseen */
		assert_in_range(longest_wait(gaps[i], SEC, false), SEC, 2 * SEC);
		assert_in_range(longest_wait(gaps[i], SEC, true), SEC, 2 * SEC);
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
		cmocka_unit_test(durable),
		cmocka_unit_test_setup(prune, start),
		cmocka_unit_test_setup(quiet, start),
		cmocka_unit_test_setup(backups, start),
		cmocka_unit_test_setup(after_boot, start),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

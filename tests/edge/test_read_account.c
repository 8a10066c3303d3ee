/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * What a start takes for lost, and what is to be stored: over the counts of kernel and
 * database, each of which may be unknown.
 */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

/* clang-format off: cmocka.h wants the others before it */
#include <cmocka.h>
/* clang-format on */

#include "parts/read_account.h"

#define U READ_UNKNOWN

static struct read_account a;

static int start(void **state)
{
	return read_account_new(&a, 2);
}

static int stop(void **state)
{
	read_account_done(&a);
	return 0;
}

/* What CPU 0's pipe was at (@kernel) and what the database knew (@stored), at a start. */
static void begin(uint64_t kernel, uint64_t stored)
{
	a.stored[0] = stored;
	read_account_begin(&a, 0, kernel);
}

static uint64_t waiting; /* events that were read and are not counted yet */

static uint64_t due(uint16_t cpu)
{
	uint64_t n;

	return read_account_is_due(&a, cpu, waiting, &n) ? n : U;
}

/* What waits is not accounted for: killed now, it is lost, and the next start says so. */
static void some_wait(void **state)
{
	begin(100, 100);
	read_account_count(&a, 0);
	read_account_count(&a, 0);
	waiting = 2;
	assert_int_equal(due(0), U);
	waiting = 1;
	assert_int_equal(due(0), 101);
	waiting = 0;
	assert_int_equal(due(0), 102);
}

static void starts(void **state)
{
	static const struct {
		uint64_t kernel, stored, lost, due;
	} rows[] = {
		{ 100, 100, 0, U },   /* a clean stop */
		{ 100, 90, 10, 100 }, /* killed: ten were read and not stored */
		{ 0, 90, 0, 0 },      /* the instance is new */
		{ 100, U, 0, 100 },   /* a new database: that is no loss */
		{ U, 90, 0, U },      /* the counter cannot be read: as stored */
		{ U, U, 0, U },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		begin(rows[i].kernel, rows[i].stored);
		assert_int_equal(read_account_lost(&a, 0, a.stored[0]), rows[i].lost);
		assert_int_equal(due(0), rows[i].due);
		assert_int_equal(due(1), U); /* it never began */
	}
}

/* The kernel's count beside our own, which stands at 100 after each row. */
static void comparisons(void **state)
{
	static const struct {
		uint64_t counted, kernel, others;
		bool doubtful;
		enum read_sight sight;
	} rows[] = {
		{ 100, 100, 0, false, READ_AS_COUNTED },
		{ 100, 103, 3, false, READ_BY_OTHERS },
		{ 100, 99, 0, false, READ_EMPTIED },
		{ 100, 0, 0, false, READ_EMPTIED },
		{ 0, 0, 0, false, READ_AS_COUNTED },
		{ 100, 5, 0, true, READ_AS_COUNTED },
		{ 100, 105, 0, true, READ_AS_COUNTED },
		{ U, 105, 0, false, READ_AS_COUNTED },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		uint64_t others = 77;

		begin(rows[i].counted, rows[i].counted);
		if (rows[i].doubtful)
			read_account_doubt(&a, 0);
		assert_int_equal(read_account_compare(&a, 0, rows[i].kernel, &others),
				 rows[i].sight);
		assert_int_equal(others, rows[i].others);
		/* It continues from there, once: what was found is not found again. */
		assert_int_equal(read_account_compare(&a, 0, rows[i].kernel, &others),
				 READ_AS_COUNTED);
		read_account_count(&a, 0);
		assert_int_equal(read_account_compare(&a, 0, rows[i].kernel + 1, &others),
				 READ_AS_COUNTED);
	}
}

/* A count that did not move since the last look proves nothing: a real one moves with every
 * event that is read. */
static void stands_still(void **state)
{
	uint64_t others;

	begin(7, 7);
	for (int i = 0; i < 3; i++)
		read_account_count(&a, 0);
	assert_int_equal(read_account_compare(&a, 0, 7, &others), READ_AS_COUNTED);
	assert_int_equal(due(0), 10); /* and our count stays */
	assert_int_equal(read_account_compare(&a, 0, 10, &others), READ_AS_COUNTED);
	assert_int_equal(read_account_compare(&a, 0, 7, &others), READ_EMPTIED);

	begin(0, 0);
	assert_false(read_account_is_unseen(&a, 0));
	read_account_count(&a, 0);
	assert_true(read_account_is_unseen(&a, 0));
	assert_int_equal(read_account_compare(&a, 0, 1, &others), READ_AS_COUNTED);
	assert_false(read_account_is_unseen(&a, 0));
	assert_int_equal(read_account_compare(&a, 0, 0, &others), READ_EMPTIED);
}

/* A start finds the kernel's count below what the predecessor stored. */
static void went_back(void **state)
{
	static const struct {
		uint64_t kernel, stored;
		bool back;
	} rows[] = { { 100, 100, false }, { 100, 90, false }, { 0, 90, true },
		     { 89, 90, true },    { 100, U, false },  { U, 90, false },
		     { 0, 0, false } };

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		begin(rows[i].kernel, rows[i].stored);
		assert_int_equal(read_account_went_back(&a, 0, rows[i].stored),
				 rows[i].back);
	}
}

static void events_become_due(void **state)
{
	begin(100, 100);
	read_account_count(&a, 0);
	read_account_count(&a, 0);
	assert_int_equal(due(0), 102);
	a.stored[0] = 102;
	assert_int_equal(due(0), U);
	read_account_forget(&a);
	assert_int_equal(due(0), 102);
	assert_int_equal(due(1), U);
}

/* A count that is not known stays so: nothing is stored, so the next start that can read
 * the kernel's counter finds what was lost. */
static void unknown_stays_unknown(void **state)
{
	begin(U, U);
	read_account_count(&a, 0);
	assert_int_equal(a.consumed[0], U);
	assert_int_equal(due(0), U);
	read_account_forget(&a);
	assert_int_equal(due(0), U);
}

/* The counter could not be read, and a predecessor lost ten: they stay visible. */
static void continues_the_stored_count(void **state)
{
	begin(U, 90);
	read_account_count(&a, 0);
	assert_int_equal(due(0), 91);
	assert_int_equal(read_account_lost(&a, 0, 90), 0);
}

/* A database that can be opened only later is compared with the start, not with now. */
static void late(void **state)
{
	begin(100, U);
	for (int i = 0; i < 50; i++)
		read_account_count(&a, 0);
	assert_int_equal(read_account_lost(&a, 0, 80), 20);
	assert_int_equal(read_account_lost(&a, 0, 120), 0);
	assert_int_equal(read_account_lost(&a, 0, U), 0);
	assert_int_equal(read_account_lost(&a, 1, 80), 0);
}

/* Before a start and after an end nothing is due. */
static void nothing(void **state)
{
	read_account_done(&a);
	assert_int_equal(a.cpus, 0);
	read_account_forget(&a);
	read_account_done(&a);
	memset(&a, 0, sizeof(a));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(some_wait, start, stop),
		cmocka_unit_test_setup_teardown(starts, start, stop),
		cmocka_unit_test_setup_teardown(comparisons, start, stop),
		cmocka_unit_test_setup_teardown(stands_still, start, stop),
		cmocka_unit_test_setup_teardown(went_back, start, stop),
		cmocka_unit_test_setup_teardown(events_become_due, start, stop),
		cmocka_unit_test_setup_teardown(unknown_stays_unknown, start, stop),
		cmocka_unit_test_setup_teardown(continues_the_stored_count, start, stop),
		cmocka_unit_test_setup_teardown(late, start, stop),
		cmocka_unit_test_setup_teardown(nothing, start, stop),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

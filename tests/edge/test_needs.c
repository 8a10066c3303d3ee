/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * What needs somebody is said once for each time that it comes.
 */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

/* clang-format off: cmocka.h wants the others before it */
#include <cmocka.h>
/* clang-format on */

#include "parts/needs.h"

static void database(void **state)
{
	struct needs n = { .waiting = false };

	assert_false(needs_note_db(&n, true));
	assert_true(needs_note_db(&n, false));
	assert_false(needs_note_db(&n, false));
	assert_true(needs_note_db(&n, true));
	assert_false(needs_note_db(&n, true));
}

static void waiting(void **state)
{
	struct needs n = { .waiting = false };
	const int64_t since = 5 * USEC_PER_HOUR, late = since + NEEDS_LONG_WAIT.us;

	assert_false(needs_note_waiting(&n, INT64_MIN, usec(late)));
	assert_false(needs_note_waiting(&n, since, usec(late - 1)));
	assert_true(needs_note_waiting(&n, since, usec(late)));
	assert_false(needs_note_waiting(&n, since, usec(late + 1)));
	/* The page was taken; another one waits for an hour, and then for long. */
	assert_false(needs_note_waiting(&n, late, usec(late + USEC_PER_HOUR)));
	assert_true(needs_note_waiting(&n, late, usec(late + NEEDS_LONG_WAIT.us)));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(database),
		cmocka_unit_test(waiting),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

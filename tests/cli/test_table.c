/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * How tables fit a terminal: what is left out first, what continues on the next line, and
 * that no letter is lost.
 */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "output.h"

static const struct column columns[] = {
	{ "ADDRESS", NULL, true, false, 0 }, { "DIMM", NULL, false, true, 0 },
	{ "REASON", NULL, false, false, 2 }, { "TRIES", NULL, true, false, 1 },
	{ "PART", NULL, false, true, 3 },
};

static void test_fit(void **state)
{
	static const struct {
		size_t room;
		size_t natural[5];
		size_t width[5];
	} rows[] = {
		/* all fits */
		{ 64, { 15, 30, 6, 5, 4 }, { 15, 30, 6, 5, 4 } },
		{ SIZE_MAX, { 15, 300, 6, 5, 4 }, { 15, 300, 6, 5, 4 } },
		/* the name continues before anything is left out */
		{ 63, { 15, 30, 6, 5, 4 }, { 15, 29, 6, 5, 4 } },
		{ 50, { 15, 30, 6, 5, 4 }, { 15, 16, 6, 5, 4 } },
		/* in their order; what becomes free goes to the name */
		{ 49, { 15, 30, 6, 5, 4 }, { 15, 21, 6, 0, 4 } },
		{ 40, { 15, 30, 6, 5, 4 }, { 15, 19, 0, 0, 4 } },
		{ 35, { 15, 30, 6, 5, 4 }, { 15, 19, 0, 0, 0 } },
		/* then it is narrower still, but an address never is */
		{ 26, { 15, 30, 6, 5, 4 }, { 15, 10, 0, 0, 0 } },
		{ 10, { 15, 30, 6, 5, 4 }, { 15, 8, 0, 0, 0 } },
		/* two names share what there is */
		{ 60, { 15, 90, 6, 0, 90 }, { 15, 18, 6, 0, 18 } },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		size_t width[5];

		table_fit(columns, 5, rows[i].natural, rows[i].room, width);
		for (size_t k = 0; k < 5; k++)
			assert_int_equal(width[k], rows[i].width[k]);
	}
}

static void test_line(void **state)
{
	static const struct {
		const char *text;
		size_t width;
		size_t bytes;
	} rows[] = {
		{ "", 8, 0 },
		{ "DIMM_A0", 8, 7 },
		{ "DIMM_A00", 8, 8 },
		{ "CPU_SrcID#0_MC#0_Chan#0_DIMM#2", 16, 12 },
		{ "CPU_SrcID#0_MC#0_Chan#0_DIMM#2", 17, 17 },
		{ "abcdefghijklmnop", 8, 8 },
		{ "a bcdefghijklmnop", 8, 8 },
		{ "two words here", 9, 9 },
		{ "two words here", 11, 9 },
		{ "\xc3\xa4\xc3\xa4\xc3\xa4", 2, 4 },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		assert_int_equal(table_line(rows[i].text, rows[i].width), rows[i].bytes);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_fit),
		cmocka_unit_test(test_line),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

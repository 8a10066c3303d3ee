/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * The registers that Intel's drivers print behind an error: which words are kept, and that
 * no other text gets through.
 */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

/* clang-format off: cmocka.h wants the others before it */
#include <cmocka.h>
/* clang-format on */

#include "base/mem.h"
#include "event/ce_registers.h"

/* In memory of its own size, so that a sanitizer sees a read past it. */
static void take(const char *detail, size_t len, char ret[CE_REGISTERS_MAX])
{
	_cleanup_(free_p) char *copy = malloc(len ? len : 1);

	assert_non_null(copy);
	memcpy(copy, detail, len);
	ce_registers_copy(&(struct ce_text){ copy, (uint32_t)len }, ret);
}

static void test_forms(void **state)
{
	static const struct {
		const char *detail;
		const char *want;
	} rows[] = {
		{ "", "" },
		{ " err_code:0x0101:0x0090 socket:0 imc:1 row:0x1f col:0x8", "" },
		/* skx_base.c, skx_show_retry_rd_err_log() */
		{ " err_code:0x0101:0x0090 socket:0 imc:0 rank:0 bg:3 ba:2 row:0x106ce "
		  "col:0x258 retry_rd_err_log[0000a20d 00000000 0000ffff 0476f10f 0000fb4b] "
		  "correrrcnt[0000 0000 0000 0000 a9b4 0000 0000 0000]",
		  "retry_rd_err_log[0000a20d 00000000 0000ffff 0476f10f 0000fb4b] "
		  "correrrcnt[0000 0000 0000 0000 a9b4 0000 0000 0000]" },
		/* i10nm_base.c, show_retry_rd_err_log(): two sets, some of 64 bits */
		{ "Row:0x1 retry_rd_err_log[0001a209 00000000 0000000000800000 0440d001 "
		  "000015da 0000000000000001 0001a20b 00000000 0000000000800000 0440d001 "
		  "000015da 0000000000000001] correrrcnt[0001 0000 0000 0000 0000 0000 0000 "
		  "0000]",
		  "retry_rd_err_log[0001a209 00000000 0000000000800000 0440d001 000015da "
		  "0000000000000001 0001a20b 00000000 0000000000800000 0440d001 000015da "
		  "0000000000000001] correrrcnt[0001 0000 0000 0000 0000 0000 0000 0000]" },
		{ "correrrcnt[00010000 00000000]", "correrrcnt[00010000 00000000]" },
		/* Cut off: the last word may have lost digits. */
		{ "x retry_rd_err_log[0001a209 00000000 0080",
		  "retry_rd_err_log[0001a209 00000000" },
		{ "x retry_rd_err_log[0001a209 00000000 ",
		  "retry_rd_err_log[0001a209 00000000" },
		{ "x retry_rd_err_log[0001a209", "" },
		{ "x retry_rd_err_log[", "" },
		{ "x retry_rd_err_log", "" },
		/* Not these words. */
		{ "retry_rd_err_log[]", "" },
		{ "retry_rd_err_log[0001a209 row:5] correrrcnt[0001]",
		  "correrrcnt[0001]" },
		{ "retry_rd_err_log[0001a2] correrrcnt[00012345678901234]", "" },
		{ "retry_rd_err_log[0001a209\033[1m]", "" },
		{ "retry_rd_err_log[0001a209  00000000]", "" },
	};
	char got[CE_REGISTERS_MAX];

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		take(rows[i].detail, strlen(rows[i].detail), got);
		assert_string_equal(got, rows[i].want);
	}
	ce_registers_copy(&(struct ce_text){ NULL, 0 }, got);
	assert_string_equal(got, "");
}

/* Wherever a text is cut, what is kept is a beginning of what the whole text gives. */
static void test_cut(void **state)
{
	static const char whole[] =
		"retry_rd_err_log[0001a209 00000000 0000000000800000] "
		"correrrcnt[0001 0000 0003 0004]";
	char got[CE_REGISTERS_MAX];

	for (size_t n = 0; n <= strlen(whole); n++) {
		take(whole, n, got);
		assert_memory_equal(got, whole, strlen(got));
	}
	assert_string_equal(got, whole);
}

/* More than fits is left out whole: half of it could be taken for all of it. */
static void test_long(void **state)
{
	char text[2 * CE_REGISTERS_MAX] = "retry_rd_err_log[00000000";
	char got[CE_REGISTERS_MAX];

	while (strlen(text) < CE_REGISTERS_MAX)
		strcat(text, " 00000000");
	strcat(text, "] correrrcnt[0001]");
	take(text, strlen(text), got);
	assert_string_equal(got, "correrrcnt[0001]");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_forms),
		cmocka_unit_test(test_cut),
		cmocka_unit_test(test_long),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: GPL-2.0-or-later */

/* The kernel's command line, cut as the kernel cuts it. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/cmdline.h"
#include "base/mem.h"

/* The parameters of @line, each as <name> or <name|value>. */
static void cut(const char *line, char ret[256])
{
	struct cmdline_param p;
	char text[256], *at = text;
	size_t n = 0;

	snprintf(text, sizeof(text), "%s", line);
	ret[0] = '\0';
	while (cmdline_next(&at, &p))
		n += (size_t)snprintf(ret + n, 256 - n, "<%s%s%s>", p.name,
				      p.value ? "|" : "", p.value ? p.value : "");
}

static void parameters(void **state)
{
	static const struct {
		const char *line, *cut;
	} rows[] = {
		{ "", "" },
		{ "  \n", "" },
		{ "ro  quiet\n", "<ro><quiet>" },
		{ "mce=ignore_ce\n", "<mce|ignore_ce>" },
		{ "mce=\"ignore_ce\" ro", "<mce|ignore_ce><ro>" },
		{ "\"mce=ignore_ce\" ro", "<mce|ignore_ce><ro>" },
		{ "x=\"a b\" y", "<x|a b><y>" },
		{ "\"x=a b\" y", "<x|a b><y>" },
		{ "root=UUID=1-2 a", "<root|UUID=1-2><a>" },
		{ "a= b", "<a|><b>" },
		{ "=a", "<=a>" },
		{ "=a=b", "<=a|b>" },
		{ "a -- mce=off", "<a>" },
		{ "a --x -- b", "<a><--x>" },
		{ "\"open x=1", "<open x|1>" },
		{ "x=\"", "<x|>" },
		{ "\"", "<>" },
		{ "\"\" b", "<><b>" },
		{ "x=\"a", "<x|a>" },
		{ "a\tb\vc\rd", "<a><b><c><d>" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		char got[256];

		cut(rows[i].line, got);
		assert_string_equal(got, rows[i].cut);
	}
}

static void names(void **state)
{
	assert_true(cmdline_is("hest_disable", "hest_disable"));
	assert_true(cmdline_is("hest-disable", "hest_disable"));
	assert_false(cmdline_is("hest_disable2", "hest_disable"));
	assert_false(cmdline_is("hest", "hest_disable"));
}

static void booleans(void **state)
{
	static const char *const yes[] = {
		"1", "y", "Y", "yes", "t", "true", "on", "On"
	};
	static const char *const no[] = { "0", "n", "N", "false", "off", "OFF" };
	static const char *const neither[] = { "", "2", "o", "x", "enable", "disable" };
	bool known;

	assert_true(cmdline_bool(NULL, &known));
	assert_true(known);
	for (size_t i = 0; i < ARRAY_SIZE(yes); i++)
		assert_true(cmdline_bool(yes[i], &known) && known);
	for (size_t i = 0; i < ARRAY_SIZE(no); i++)
		assert_true(!cmdline_bool(no[i], &known) && known);
	for (size_t i = 0; i < ARRAY_SIZE(neither); i++)
		assert_true(!cmdline_bool(neither[i], &known) && !known);
}

static void lists(void **state)
{
	assert_true(cmdline_list_has("skx_edac", "skx_edac", false));
	assert_true(cmdline_list_has("a,skx_edac", "skx_edac", false));
	assert_true(cmdline_list_has("a,,skx_edac,b", "skx_edac", false));
	assert_false(cmdline_list_has("skx_edac_common", "skx_edac", false));
	assert_false(cmdline_list_has("xskx_edac", "skx_edac", false));
	assert_false(cmdline_list_has("skx-edac", "skx_edac", false));
	assert_true(cmdline_list_has("skx-edac", "skx_edac", true));
	assert_false(cmdline_list_has("", "skx_edac", true));
	assert_false(cmdline_list_has(",", "skx_edac", true));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(parameters),
		cmocka_unit_test(names),
		cmocka_unit_test(booleans),
		cmocka_unit_test(lists),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * The command line and the notations on it.
 */

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include "args.h"
#include "base/mem.h"
#include "base/units.h"

#define NOW (INT64_C(1714564800) * USEC_PER_SEC) /* 2024-05-01 12:00:00 UTC */

/* Splits @line at blanks and parses it; the words stay in @room. */
static int parse(const char *line, struct args *ret, char room[512], char *why)
{
	char name[] = "softofflinectl";
	char *argv[64] = { name };
	int argc = 1;
	char *save;

	snprintf(room, 512, "%s", line);
	for (char *w = strtok_r(room, " ", &save); w; w = strtok_r(NULL, " ", &save))
		argv[argc++] = w;
	return args_parse(ret, argc, argv, why);
}

static void test_options_anywhere(void **state)
{
	static const char *const lines[] = {
		"--json --db x --state=failed -n 3 pages now",
		"pages now --json --db=x --state failed --lines 3",
		"pages --db x --json now -n3 --state=failed",
		"--state=failed --lines=3 --json --db x -- pages now",
	};

	for (size_t i = 0; i < ARRAY_SIZE(lines); i++) {
		char room[512], why[ARGS_TEXT_MAX];
		struct args a;

		assert_int_equal(parse(lines[i], &a, room, why), 0);
		assert_int_equal(a.given, ARGS_JSON | ARGS_DB | ARGS_STATE | ARGS_LINES);
		assert_string_equal(a.db, "x");
		assert_string_equal(a.state, "failed");
		assert_int_equal(a.lines, 3);
		assert_int_equal(a.n_words, 2);
		assert_string_equal(a.words[0], "pages");
		assert_string_equal(a.words[1], "now");
	}
}

static void test_lists(void **state)
{
	char room[512], why[ARGS_TEXT_MAX], line[512] = "policy backtest";
	struct args a;

	assert_int_equal(parse("policy backtest --policy a --config=x b --policy c", &a,
			       room, why),
			 0);
	assert_int_equal(a.policies.n, 2);
	assert_string_equal(a.policies.v[1], "c");
	assert_int_equal(a.configs.n, 1);
	assert_string_equal(a.configs.v[0], "x");
	assert_int_equal(a.n_words, 3);
	for (int i = 0; i < ARGS_MAX_LIST; i++)
		strcat(line, " --policy=a");
	assert_int_equal(parse(line, &a, room, why), 0);
	assert_int_equal(a.policies.n, ARGS_MAX_LIST);
	strcat(line, " --policy=a");
	assert_int_equal(parse(line, &a, room, why), -EINVAL);
	assert_non_null(strstr(why, "too many"));
}

static void test_words(void **state)
{
	char room[512], why[ARGS_TEXT_MAX];
	struct args a;

	assert_int_equal(parse("", &a, room, why), 0);
	assert_int_equal(a.n_words, 0);
	assert_int_equal(a.given, 0);
	assert_int_equal(parse("-- --json -x", &a, room, why), 0);
	assert_int_equal(a.n_words, 2);
	assert_int_equal(a.given, 0);
	assert_string_equal(a.words[0], "--json");
	assert_int_equal(parse("-", &a, room, why), 0);
	assert_string_equal(a.words[0], "-");
}

static void test_refused(void **state)
{
	static const struct {
		const char *line;
		const char *why;
	} cases[] = {
		{ "--jsn", "unknown option \"--jsn\"; did you mean --json?" },
		{ "--frobnicate", "unknown option \"--frobnicate\"" },
		{ "-x", "unknown option \"-x\"" },
		{ "--db", "--db needs a value" },
		{ "pages -n", "--lines needs a value" },
		{ "--json=1", "--json takes no value" },
		{ "-h3", "--help takes no value" },
		{ "-n 0", "--lines needs a number of lines from 1 on, not \"0\"" },
		{ "-n -1", "--lines needs a number of lines from 1 on, not \"-1\"" },
		{ "-n 4294967296",
		  "--lines needs a number of lines from 1 on, not \"4294967296\"" },
		{ "-n 3x", "--lines needs a number of lines from 1 on, not \"3x\"" },
	};
	char many[512] = "";

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct args a = { .n_words = 77 };
		char room[512], why[ARGS_TEXT_MAX] = "";

		assert_int_equal(parse(cases[i].line, &a, room, why), -EINVAL);
		assert_string_equal(why, cases[i].why);
		assert_int_equal(a.n_words, 77);
	}
	for (int i = 0; i <= ARGS_MAX_WORDS; i++)
		strcat(many, "w ");
	{
		char room[512], why[ARGS_TEXT_MAX] = "";
		struct args a;

		assert_int_equal(parse(many, &a, room, why), -EINVAL);
		assert_string_equal(why, "too many arguments");
	}
}

static void test_address(void **state)
{
	static const struct {
		const char *text;
		int r;
		uint64_t address;
	} cases[] = {
		{ "0x0", 0, 0 },
		{ "0x1a2b3c000", 0, 0x1a2b3c000 },
		{ "0X1A2B3C000", 0, 0x1a2b3c000 },
		{ "0xffffffffffffffff", 0, UINT64_MAX },
		{ "0x00000000000000000000001", 0, 1 },
		{ "0x10000000000000000", -ERANGE, 0 },
		{ "pfn:0x1a2b3c", 0, 0x1a2b3c000 },
		{ "pfn:0xfffffffffffff", 0, 0xfffffffffffff000 },
		{ "pfn:0x10000000000000", -ERANGE, 0 },
		{ "pfn:123", -EINVAL, 0 },
		{ "pfn:", -EINVAL, 0 },
		{ "0x", -EINVAL, 0 },
		{ "", -EINVAL, 0 },
		{ "123456", -EINVAL, 0 },
		{ "1a2b", -EINVAL, 0 },
		{ "0x12g", -EINVAL, 0 },
		{ "0x12 ", -EINVAL, 0 },
		{ " 0x12", -EINVAL, 0 },
		{ "-0x12", -EINVAL, 0 },
		{ "0x-12", -EINVAL, 0 },
		{ "0x0x1", -EINVAL, 0 },
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		uint64_t address = 42;

		assert_int_equal(args_parse_address(cases[i].text, 12, &address),
				 cases[i].r);
		assert_int_equal(address, cases[i].r ? 42 : cases[i].address);
	}
}

static void test_looks_like_address(void **state)
{
	assert_true(args_looks_like_address("0x1"));
	assert_true(args_looks_like_address("0xzz"));
	assert_true(args_looks_like_address("pfn:1"));
	assert_true(args_looks_like_address("123"));
	assert_false(args_looks_like_address("P1-DIMMA1"));
	assert_false(args_looks_like_address("1A"));
	assert_false(args_looks_like_address("dimm:0x1"));
}

static void test_moment(void **state)
{
	static const struct {
		const char *text;
		int64_t seconds; /* relative to NOW; INT64_MIN: refused */
	} cases[] = {
		{ "2h", -7200 },
		{ "3d", -3 * 86400 },
		{ "@1714564800", 0 },
		{ "@0", -1714564800 },
		{ "2024-05-01", -43200 },
		{ "2024-05-01 11:59", -60 },
		{ "2024-05-01 12:00:01", 1 },
		{ "yesterday", INT64_MIN },
		{ "", INT64_MIN },
		{ "@", INT64_MIN },
		{ "@-1", INT64_MIN },
		{ "@99999999999999999999", INT64_MIN },
		{ "@9223372036854", INT64_MIN + 1 },
		{ "2024-13-01", INT64_MIN },
		{ "2024-05-01 25:00", INT64_MIN },
		{ "2024-05-01x", INT64_MIN },
		{ "12", INT64_MIN },
	};

	setenv("TZ", "UTC", 1);
	tzset();
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		int64_t moment = 42;
		int r = args_parse_moment(cases[i].text, NOW, &moment);

		if (cases[i].seconds == INT64_MIN) {
			assert_int_equal(r, -EINVAL);
			assert_int_equal(moment, 42);
			continue;
		}
		assert_int_equal(r, 0);
		if (cases[i].seconds != INT64_MIN + 1)
			assert_int_equal(moment, NOW + cases[i].seconds * USEC_PER_SEC);
	}
}

static void test_nearest(void **state)
{
	static const struct {
		const char *name;
		int other;
	} table[] = { { "status", 0 }, { "pages", 0 }, { "show", 0 }, { "history", 0 } };
	static const struct {
		const char *word;
		const char *nearest;
	} cases[] = {
		{ "stauts", "status" },
		{ "sta", "status" },
		{ "page", "pages" },
		{ "shwo", "show" },
		{ "history", "history" },
		{ "hist", "history" },
		{ "", NULL },
		{ "x", NULL },
		{ "frobnicate", NULL },
		{ "a-very-long-word-that-is-longer-than-any-word-here", NULL },
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		const char *nearest = args_nearest(cases[i].word, table,
						   ARRAY_SIZE(table), sizeof(table[0]));

		if (cases[i].nearest)
			assert_string_equal(nearest, cases[i].nearest);
		else
			assert_null(nearest);
	}
}

static void test_option_names(void **state)
{
	assert_string_equal(args_option_name(ARGS_JSON), "--json");
	assert_string_equal(args_option_name(ARGS_VERSION), "--version");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_options_anywhere),
		cmocka_unit_test(test_lists),
		cmocka_unit_test(test_words),
		cmocka_unit_test(test_refused),
		cmocka_unit_test(test_address),
		cmocka_unit_test(test_looks_like_address),
		cmocka_unit_test(test_moment),
		cmocka_unit_test(test_nearest),
		cmocka_unit_test(test_option_names),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * The configuration's core: rows of text and what must come of them, the table's
 * defaults, and properties over random configurations. It reads no file.
 */

/* cmocka.h needs the four before it. */
/* clang-format off */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
/* clang-format on */

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "config/config_internal.h"
#include "config_findings.h"
#include "random.h"

#define TEXT_MAX 65536

/* A file, the numbers of findings, and a part of the first one. */
struct text_row {
	const char *text;
	unsigned int errors;
	unsigned int warnings;
	const char *want;
};

#define TEN   "0123456789"
#define FIFTY TEN TEN TEN TEN TEN

/* clang-format off */
static const struct text_row text_rows[] = {
	{ "", 0, 0, NULL },
	{ "\n\n", 0, 0, NULL },
	{ "# c\n; c\n   # c\n\t; c\n", 0, 0, NULL },
	{ "[Retry]\nTries=5", 0, 0, NULL },
	{ "[Retry]\r\nTries=5\r\n", 0, 0, NULL },
	{ "\xef\xbb\xbf[Retry]\nTries=5\n", 0, 0, NULL },
	{ "[Retry] # c\nTries = 5\t; c\n", 0, 0, NULL },
	{ "[Retry]\nTries=5 # " FIFTY FIFTY FIFTY FIFTY "\n", 0, 0, NULL },
	{ "# " FIFTY FIFTY FIFTY FIFTY "\n", 0, 0, NULL },
	{ "[Retry]\nTries=5\n[Policy]\n[Retry]\nMax=1h\n", 0, 0, NULL },
	{ "[Policy \"P1*\"]\nAction=account\n", 0, 0, NULL },
	{ "[Policy\t\"DIMM #1\"]  # c\nAction=account\n", 0, 0, NULL },
	{ "[Policy \"A:0=?\"]\nAction=account\n", 0, 0, NULL },
	{ "[Retry]\n Tries=5\n", 1, 0, "f:2: [Retry] white space before" },
	{ "[Retry]\nMax=1h\n\tTries=5\n", 1, 0, "f:3: [Retry] white space before" },
	{ " [Retry]\n", 1, 0, "f:1: white space before" },
	{ "[Retry\nTries=5\n", 1, 0, "f:1: a section must end with \"]\"" },
	{ "[Retry\nTries=99\n[Retry]\nTries=99\n", 2, 0, "f:1: a section must end" },
	{ "[Retry] x\n", 1, 0, "f:1: a section must end" },
	{ "[\n", 1, 0, "f:1: a section must end" },
	{ "[]\n", 1, 0, "f:1: []: unknown section" },
	{ "[Policy \"a]b\"]\n", 1, 0, "? stands for any character" },
	{ "[Policy \"a ;b\"]\n", 1, 0, "? stands for any character" },
	{ "[Policy \"[ab]\"]\n", 1, 0, "? stands for any character" },
	{ "[" FIFTY "]\n", 1, 0, "longer than 49 bytes" },
	{ "[Policy \"" FIFTY "\"]\n", 1, 0, "longer than 49 bytes" },
	{ "[Policy \"D\xc3\xa4\"]\nAction=account\n", 1, 0, "printable ASCII; write ?" },
	{ "[Policy \"a\tb\"]\nAction=account\n", 1, 0, "printable ASCII; write ?" },
	{ "[Policy P1]\nAction=soft\n", 1, 0, "write [Policy \"GLOB\"]" },
	{ "[Policy \"\"]\n", 1, 0, "write [Policy \"GLOB\"]" },
	{ "[Policy \"a]\n", 1, 0, "write [Policy \"GLOB\"]" },
	{ "[Policy \"a\"b]\n", 1, 0, "write [Policy \"GLOB\"]" },
	{ "[Policy\"a\"]\n", 1, 0, "write [Policy \"GLOB\"]" },
	{ "[policy \"a\"]\nAction=soft\n", 1, 0, "write [Policy \"GLOB\"]" },
	{ "[policy]\nAction=soft\n", 1, 0, "letter case count: write [Policy]" },
	{ "[ Policy ]\nAction=soft\n", 1, 0, "write [Policy]" },
	{ "[Polcy]\nAction=hard\n", 1, 0,
	  "[Polcy]: unknown section; the nearest known one is [Policy]; a section for "
	  "another program begins with X-" },
	{ "[Policies]\n", 1, 0, "nearest known one is [Policy]" },
	{ "Tries=5\n", 1, 0, "f:1: Tries: a key before the first section" },
	{ "[Retry]\nTries\n", 1, 0, "f:2: [Retry] neither a section nor" },
	{ "[Retry]\n=5\n", 1, 0, "no key before" },
	{ "[Retry]\nTries: 5\n", 1, 0, "a colon does not end a key" },
	{ "[Retry]\nmc0:dimm = 3\n", 1, 0, "a colon does not end a key" },
	{ "[Retry]\n" FIFTY "=5\n", 1, 0, "the key is longer than 49 bytes" },
	{ "[Retry]\nTries=" FIFTY FIFTY FIFTY FIFTY "\n", 1, 0, "longer than 197 bytes" },
	{ "[Retry]\nTries=5\nTries=6\n", 1, 0,
	  "f:3: [Retry] Tries: given before on line 2" },
	{ "[Retry]\nTries=5\n[Retry]\nTries=5\n", 1, 0, "given before on line 2" },
	{ "[Policy \"a\"]\nAction=soft\nAction=soft\n", 1, 0,
	  "f:3: [Policy \"a\"] Action: given before on line 2" },
	{ "[Retry]\nTries=# c\n", 1, 0, "not a number" },
	{ "[Retry]\nTries= # c\n", 1, 0, "Tries: no value" },
	{ "[Retry]\nTries=\n", 1, 0, "no value; write one such as 8" },
	{ "[Retry]\nTries=5\x01\n", 1, 0, "a control character" },
	{ "[Retry]\nTries=5\rFirst=1s\n", 1, 0, "a control character" },
	{ "[Retry]\nTries=\x1b[31m\n", 1, 0, "a control character" },
	{ "[Retry]\nTries=\xc2\x9b\n", 1, 0, "\"\\xc2\\x9b\": not a number" },
	{ "[Retry]\ntries=5\n", 1, 0,
	  "f:2: [Retry] tries: letter case counts: write Tries" },
	{ "[Retry]\nTryes=5\n", 0, 1,
	  "unknown key, ignored; the nearest known one is Tries" },
	{ "[Policy]\nPageTreshold=1 / 1s\n", 1, 0,
	  "f:2: [Policy] PageTreshold: unknown key; the nearest known one is PageThreshold" },
	{ "[Source]\nPageThreshold=1 / 1s\n", 1, 0,
	  "no key of this section; PageThreshold belongs below [Policy]" },
	{ "[Policy \"x\"]\nBurst=1\n", 1, 0, "Burst belongs below [Budget]" },
	{ "[Retry]\nMaxSize=1M\n", 0, 1,
	  "no key of this section, ignored; MaxSize belongs below [Database]" },
	{ "[Source]\nPageTreshold=1 / 1s\n", 0, 1,
	  "unknown key, ignored; the nearest known one is PageThreshold in [Policy]" },
	{ "[Budget]\naction=account\n", 1, 0, "Action belongs below [Policy]" },
	{ "[Policy]\naction=account\n", 1, 0, "letter case counts: write Action" },
	{ "[Retry]\nTries=0\nFirst=x\nMax=y\n", 3, 0, "f:2: " },
};
/* clang-format on */

static void test_texts(void **state)
{
	struct findings f;
	struct config cfg;

	for (size_t i = 0; i < ARRAY_SIZE(text_rows); i++) {
		const struct text_row *row = &text_rows[i];
		unsigned int errors = parse(&cfg, &f, row->text);

		if (errors != row->errors || f.errors != errors ||
		    f.warnings != row->warnings ||
		    (row->want && !strstr(f.text[0], row->want)))
			fail_msg("%s: %u errors, %u warnings: %s", row->text, errors,
				 f.warnings, f.text[0]);
	}
}

static void test_nul(void **state)
{
	static const char text[] = "[Retry]\nTries=5\0\nMax=1h\n# \0\n";
	struct findings f = { 0 };
	struct config cfg;

	config_init(&cfg);
	assert_int_equal(config_parse(&cfg, "f", text, sizeof(text) - 1, collect, &f), 2);
	assert_non_null(strstr(f.text[0], "f:2: [Retry] a NUL byte"));
	assert_non_null(strstr(f.text[1], "f:4: "));
	assert_int_equal(cfg.retry.tries, 8);
	assert_int_equal(cfg.retry.max.us, USEC_PER_HOUR);
}

/* inih would deliver the first 199 bytes of a longer line. */
static void test_longest_line(void **state)
{
	char text[300];
	struct findings f;
	struct config cfg;

	snprintf(text, sizeof(text), "[Database]\nPath=/%0191d \n", 0);
	assert_int_equal(parse(&cfg, &f, text), 0);
	assert_int_equal(strlen(cfg.database.path), 192);
	snprintf(text, sizeof(text), "[Database]\nPath=/%0192d\n", 0);
	assert_int_equal(parse(&cfg, &f, text), 1);
	assert_non_null(strstr(f.text[0], "longer than 197 bytes"));
}

static void test_foreign_name_is_escaped(void **state)
{
	struct findings f = { 0 };
	struct config cfg;

	config_init(&cfg);
	config_parse(&cfg, "a\nb\x1b", "x", 1, collect, &f);
	assert_non_null(strstr(f.text[0], "a\\x0ab\\x1b:1: "));
}

static void test_findings_are_bounded(void **state)
{
	char text[8192] = "[Retry]\n";
	struct findings f;
	struct config cfg;

	for (unsigned int i = 0; i < 70; i++)
		snprintf(text + strlen(text), sizeof(text) - strlen(text),
			 "Nope%u=1\n bad\n", i);
	assert_int_equal(parse(&cfg, &f, text), 70);
	assert_int_equal(f.errors, 51);
	assert_int_equal(f.warnings, 51);
	assert_non_null(strstr(f.text[100], "and more warnings"));
	assert_non_null(strstr(f.text[101], "and more errors"));
}

static void test_no_diag(void **state)
{
	struct config cfg;

	config_init(&cfg);
	assert_int_equal(config_parse(&cfg, "f", "x\n[y]\n", 6, NULL, NULL), 2);
	assert_int_equal(config_parse(&cfg, "f", NULL, 0, NULL, NULL), 0);
	cfg.retry.max = usec(1);
	assert_int_equal(config_check(&cfg, NULL, NULL), 1);
}

static void test_check(void **state)
{
	static const struct text_row rows[] = {
		{ "[Source]\nBufferSize=16M\n", 1, 0,
		  "f:2: [Source] BufferSize: MaxBufferSize=8M is less than BufferSize=16M" },
		{ "[Source]\nBufferSize=64K\nMaxBufferSize=32K\n", 1, 0,
		  "f:3: [Source] MaxBufferSize: " },
		{ "[Source]\nBufferSize=64K\nMaxBufferSize=64K\n", 0, 0, NULL },
		{ "[Source]\nMaxBufferSize=32K\n", 0, 0, NULL },
		{ "[Budget]\nBurst=0\n", 1, 0, "f:2: [Budget] Burst: Burst=0" },
		{ "[Budget]\nBurst=0\nPagesPerHour=0\n", 0, 0, NULL },
		{ "[Budget]\nPagesPerHour=0\n", 0, 0, NULL },
		{ "[Retry]\nFirst=10min\n", 1, 0,
		  "f:2: [Retry] First: Max=5min is less" },
		{ "[Retry]\nMax=1s\n", 0, 0, NULL },
		{ "[Retry]\nFirst=2s\nMax=1s\n[Budget]\nBurst=0\n", 2, 0, "f:5: " },
		{ "[Metrics]\nFile=/a\n[Database]\nPath=/a\n", 1, 0,
		  "f:2: [Metrics] File: the metrics would overwrite" },
		{ "[Metrics]\nFile=/x//./y/../a\n[Database]\nPath=/x/a\n", 1, 0,
		  "f:2: [Metrics] File: the metrics would overwrite" },
		{ "[Metrics]\nFile=/x/a\n[Database]\nPath=/../x/./a\n", 1, 0, "f:2: " },
		{ "[Metrics]\nFile=/a-wal\n[Database]\nPath=/a\n", 1, 0, "f:2: " },
		{ "[Metrics]\nFile=/a.lock\n[Database]\nPath=/a\n", 1, 0, "f:2: " },
		{ "[Metrics]\nFile=/a.bak\n[Database]\nPath=/a\n", 1, 0, "f:2: " },
		{ "[Metrics]\nFile=/a.corrupt-1\n[Database]\nPath=/a\n", 1, 0, "f:2: " },
		{ "[Metrics]\nFile=/a.development\n[Database]\nPath=/a\n", 1, 0,
		  "f:2: " },
		{ "[Metrics]\nFile=/a\n[Database]\nPath=/a.new\n", 1, 0, "f:2: " },
		{ "[Metrics]\nFile=/a.prom\n[Database]\nPath=/a\n", 0, 0, NULL },
		{ "[Metrics]\nFile=none\n[Database]\nPath=/none\n", 0, 0, NULL },
		{ "[Policy]\nRowThreshold=off\n", 0, 0, NULL },
		{ "[Policy]\nRowThreshold=3 / 7d\nNeighbourRule=yes\n", 0, 0, NULL },
	};
	struct findings f;
	struct config cfg;

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		assert_int_equal(parse(&cfg, &f, rows[i].text), 0);
		assert_int_equal(config_check(&cfg, collect, &f), rows[i].errors);
		assert_int_equal(f.errors, rows[i].errors);
		assert_int_equal(f.warnings, rows[i].warnings);
		if (rows[i].want && !strstr(f.text[0], rows[i].want))
			fail_msg("%s", f.text[0]);
	}
}

static void test_later_files_win(void **state)
{
	static const char one[] =
		"[Retry]\nTries=1\nMax=1h\n[Policy \"a\"]\nAction=account\n";
	static const char two[] =
		"[Policy \"b\"]\nAction=account\n"
		"[Policy \"a\"]\nPageThreshold=7 / 1h\n\n[Retry]\nTries=2\n";
	int tries = config_option_find("Retry", "Tries");
	int max = config_option_find("Retry", "Max");
	int page = config_option_find("Policy", "PageThreshold");
	struct config cfg;

	config_init(&cfg);
	assert_int_equal(config_parse(&cfg, "one", one, strlen(one), NULL, NULL), 0);
	assert_int_equal(config_parse(&cfg, "two", two, strlen(two), NULL, NULL), 0);
	assert_int_equal(cfg.retry.tries, 2);
	assert_int_equal(cfg.retry.max.us, USEC_PER_HOUR);
	assert_int_equal(cfg.n_files, 2);
	assert_string_equal(cfg.files[1], "two");
	assert_int_equal(cfg.origins[tries].file, 1);
	assert_int_equal(cfg.origins[tries].line, 7);
	assert_int_equal(cfg.origins[max].file, 0);
	assert_int_equal(cfg.origins[max].line, 3);
	assert_int_equal(cfg.n_overrides, 2);
	assert_string_equal(cfg.overrides[0].glob, "a");
	assert_int_equal(cfg.overrides[0].origins[page].file, 1);
	assert_int_equal(cfg.overrides[0].origins[page].line, 4);
	assert_int_equal(cfg.overrides[0].set,
			 UINT64_C(1) << page |
				 UINT64_C(1) << config_option_find("Policy", "Action"));
}

static void test_too_many(void **state)
{
	char text[4096] = "", name[2 * CONFIG_PATH_MAX];
	struct findings f;
	struct config cfg;

	for (unsigned int i = 0; i < CONFIG_MAX_OVERRIDES; i++)
		snprintf(text + strlen(text), sizeof(text) - strlen(text),
			 "[Policy \"%u\"]\nAction=account\n", i);
	assert_int_equal(parse(&cfg, &f, text), 0);
	snprintf(text + strlen(text), sizeof(text) - strlen(text),
		 "[Policy \"x\"]\nAction=account\n");
	assert_int_equal(parse(&cfg, &f, text), 1);
	assert_non_null(strstr(f.text[0], "too many [Policy \"GLOB\"] sections"));

	config_init(&cfg);
	for (unsigned int i = 0; i < CONFIG_MAX_FILES; i++)
		assert_int_equal(config_parse(&cfg, "f", "", 0, NULL, NULL), 0);
	assert_int_equal(config_parse(&cfg, "f", "", 0, NULL, NULL), 1);

	memset(name, 'n', sizeof(name));
	name[CONFIG_PATH_MAX] = '\0';
	config_init(&cfg);
	assert_int_equal(config_parse(&cfg, name, "", 0, NULL, NULL), 1);
	name[CONFIG_PATH_MAX - 1] = '\0';
	assert_int_equal(config_parse(&cfg, name, "", 0, NULL, NULL), 0);
}

static struct policy_rule rule_for(const struct config *cfg, const char *label,
				   uint8_t mc)
{
	const struct config_dimm dimm = { .label = label,
					  .mc = mc,
					  .layer = { -1, -1, -1 } };

	return config_rule_for(cfg, &dimm);
}

static void test_globs(void **state)
{
	static const struct {
		const char *glob;
		const char *label;
		bool match;
	} rows[] = {
		{ "*", "", true },
		{ "*", "P1-DIMMA1", true },
		{ "P1*", "P1-DIMMA1", true },
		{ "P1*", "P2-DIMMA1", false },
		{ "P1*", "xP1", false },
		{ "*A1", "P1-DIMMA1", true },
		{ "*A1", "P1-DIMMA12", false },
		{ "*A1", "A1A1A1", true },
		{ "P?-*", "P1-x", true },
		{ "P?-*", "P-x", false },
		{ "?", "", false },
		{ "a", "A", false },
		{ "a*b*c", "a-b-b-c", true },
		{ "a*b*c", "a-b-b-d", false },
		{ "a", "ab", false },
		{ "ab", "a", false },
		{ "*", "/a/.b", true },
		{ "?b", ".b", true },
		{ "a?b", "a/b", true },
		{ "a\\*", "a\\b", true },
		{ "a\\*", "a*", false },
		{ "*a*a*a*a*a*a*a*a*a*a*a*a*a*a*b",
		  "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
		  false },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		char text[128];
		struct findings f;
		struct config cfg;

		snprintf(text, sizeof(text), "[Policy \"%s\"]\nAction=account\n",
			 rows[i].glob);
		assert_int_equal(parse(&cfg, &f, text), 0);
		if ((rule_for(&cfg, rows[i].label, 0).action == POLICY_ACCOUNT) !=
		    rows[i].match)
			fail_msg("%s, %s", rows[i].glob, rows[i].label);
	}
}

static void test_rule_for(void **state)
{
	static const char text[] =
		"[Policy]\nPageThreshold=5 / 1h\nNeighbourRule=yes\n"
		"[Policy \"P1*\"]\nPageThreshold=50 / 1d\nHugePages=2M\n"
		"[Policy \"*A1\"]\nPageThreshold=off\nRowThreshold=off\n";
	struct policy_rule rule;
	struct findings f;
	struct config cfg;

	assert_int_equal(parse(&cfg, &f, text), 0);
	rule = rule_for(&cfg, "P2-B1", 0);
	assert_int_equal(rule.page.count, 5);
	assert_int_equal(rule.huge_pages, HUGE_NEVER);
	rule = rule_for(&cfg, "P1-B1", 0);
	assert_int_equal(rule.page.count, 50);
	assert_int_equal(rule.page.window.us, USEC_PER_DAY);
	assert_int_equal(rule.huge_pages, HUGE_2M);
	assert_int_equal(rule.row.count, 2);
	assert_true(rule.neighbour);
	rule = rule_for(&cfg, "P1-A1", 0);
	assert_int_equal(rule.page.count, 0);
	assert_int_equal(rule.row.count, 0);
	assert_int_equal(rule.huge_pages, HUGE_2M);
	assert_int_equal(config_max_page_threshold(&cfg), 50);

	assert_int_equal(parse(&cfg, &f, "[Policy]\nPageThreshold=off\n"), 0);
	assert_int_equal(config_max_page_threshold(&cfg), 1);
}

/* No label is registered yet: each key has what acts least of all sections that may come. */
static void test_rule_before_a_label(void **state)
{
	static const char text[] =
		"[Policy]\nPageThreshold=3 / 2h\nNeighbourRule=yes\nHugePages=2M\n"
		"[Policy \"A*\"]\nPageThreshold=5 / 4h\nNeighbourRule=no\n"
		"[Policy \"B*\"]\nPageThreshold=2 / 1h\nAction=account\nHugePages=never\n"
		"[Policy \"C*\"]\nRowThreshold=off\n"
		"[Policy \"mc7\"]\nCellThreshold=off\n"
		"[Policy \"CPU_SrcID#1*\"]\nTransparentHugePages=no\n";
	static const char made[] = "CPU_SrcID#0_MC#0_Chan#0_DIMM#0";
	const struct config_dimm slot = { .label = made, .slot = "C1" };
	struct policy_rule rule;
	char out[4096];
	struct findings f;
	struct config cfg;

	assert_int_equal(parse(&cfg, &f, text), 0);
	rule = rule_for(&cfg, made, 0);
	assert_int_equal(rule.page.count, 5);
	assert_true(rule.page.window.us == USEC_PER_HOUR);
	assert_false(rule.neighbour);
	assert_int_equal(rule.action, POLICY_ACCOUNT);
	assert_int_equal(rule.huge_pages, HUGE_NEVER);
	assert_int_equal(rule.row.count, 0);
	assert_int_equal(rule.cell.count, 2);
	assert_true(rule.transparent_huge_pages);
	/* Named by its label, or by its slot: its own section alone. */
	rule = rule_for(&cfg, "A1", 0);
	assert_int_equal(rule.action, POLICY_SOFT);
	assert_int_equal(rule.row.count, 2);
	rule = config_rule_for(&cfg, &slot);
	assert_int_equal(rule.action, POLICY_SOFT);
	assert_int_equal(rule.row.count, 0);
	(void)config_format_for(&cfg, &(struct config_dimm){ .label = made }, out,
				sizeof(out));
	assert_non_null(strstr(out, "[Policy \"B*\"], which may match once a label"));
}

/* A pattern may name the controller; and each value says where it is from. */
static void test_rule_of_a_controller(void **state)
{
	static const char text[] = "[Policy \"mc1\"]\nAction=account\n"
				   "[Policy \"*1\"]\nPageThreshold=10 / 1h\n";
	char out[4096];
	struct findings f;
	struct config cfg;
	size_t n;

	assert_int_equal(parse(&cfg, &f, text), 0);
	assert_int_equal(rule_for(&cfg, "A1", 0).action, POLICY_SOFT);
	assert_int_equal(rule_for(&cfg, "A1", 1).action, POLICY_ACCOUNT);
	assert_int_equal(rule_for(&cfg, "B1", 11).action, POLICY_SOFT);
	/* A pattern of labels is none of controllers. */
	assert_int_equal(rule_for(&cfg, "B2", 1).page.count, 2);

	n = config_format_for(&cfg,
			      &(struct config_dimm){ .label = "P2-A1",
						     .mc = 1,
						     .layer = { -1, -1, -1 } },
			      out, sizeof(out));
	assert_int_equal(n, strlen(out));
	assert_non_null(strstr(out, "# f:2, [Policy \"mc1\"]\n"));
	assert_non_null(strstr(out, "PageThreshold=10 / 1h"));
	assert_non_null(strstr(out, "# f:4, [Policy \"*1\"]\n"));
	assert_non_null(strstr(out, "HugePages=never"));
	assert_non_null(strstr(out, "[Budget]\n"));
	assert_null(strstr(out, "[Metrics]"));
	/* Cut anywhere, it still says how long it would be. */
	assert_int_equal(
		config_format_for(&cfg,
				  &(struct config_dimm){ .label = "P2-A1",
							 .mc = 1,
							 .layer = { -1, -1, -1 } },
				  out, 10),
		n);
	assert_int_equal(strlen(out), 9);
	assert_int_equal(
		config_format_for(&cfg,
				  &(struct config_dimm){ .label = "P2-A1",
							 .mc = 1,
							 .layer = { -1, -1, -1 } },
				  NULL, 0),
		n);
}

static uint64_t pick(uint64_t *state, uint64_t min, uint64_t max)
{
	return min + next_random(state) % (max - min + 1);
}

/* Some valid text for @opt, by its type and range. */
static void random_value(uint64_t *s, const struct option *opt, char *buf, size_t size)
{
	static const char *const amounts[] = { "", "K", "M", "G", "%" };
	unsigned int n = 0;

	switch (opt->type) {
	case OPTION_BOOL:
		snprintf(buf, size, "%s", pick(s, 0, 1) ? "yes" : "no");
		break;
	case OPTION_COUNT:
	case OPTION_LIMIT:
	case OPTION_PERCENT:
	case OPTION_SIZE:
	case OPTION_AUTO_SIZE:
		snprintf(buf, size, "%llu",
			 (unsigned long long)pick(s, opt->min, opt->max));
		break;
	case OPTION_SPAN:
		snprintf(buf, size, "%llus",
			 (unsigned long long)pick(s, opt->min / 1000000,
						  opt->max / 1000000));
		break;
	case OPTION_AMOUNT:
		n = (unsigned int)pick(s, 0, ARRAY_SIZE(amounts) - 1);
		if (n == 4)
			snprintf(buf, size, "%u.%04u%%", (unsigned int)pick(s, 0, 99),
				 (unsigned int)pick(s, 0, 9999));
		else
			snprintf(buf, size, "%u%s", (unsigned int)pick(s, 0, 99999),
				 amounts[n]);
		break;
	case OPTION_THRESHOLD:
		snprintf(buf, size, "%u / %us", (unsigned int)pick(s, opt->min, opt->max),
			 (unsigned int)pick(s, 1, 315360000));
		if (pick(s, 0, 7) == 0)
			snprintf(buf, size, "off");
		break;
	case OPTION_ENUM:
		while (opt->words[n])
			n++;
		snprintf(buf, size, "%s", opt->words[pick(s, 0, n - 1)]);
		break;
	case OPTION_PATH:
	case OPTION_FILE:
		snprintf(buf, size, "/p%llu/#;=: x", (unsigned long long)next_random(s));
		if (opt->type == OPTION_FILE && pick(s, 0, 3) == 0)
			snprintf(buf, size, "%s", pick(s, 0, 1) ? "none" : "auto");
		break;
	}
}

/* What config_format() may not change: all but files and origins. */
static void assert_same(const struct config *a, const struct config *b)
{
	struct config x = *a, y = *b;
	char p[512], q[512];

	assert_int_equal(a->n_overrides, b->n_overrides);
	for (size_t i = 0; config_option_row(i); i++) {
		const struct option *opt = config_option_row(i);

		assert_string_equal(value_of(a, opt, p, sizeof(p)),
				    value_of(b, opt, q, sizeof(q)));
		for (unsigned int j = 0; opt->policy && j < a->n_overrides; j++) {
			assert_string_equal(a->overrides[j].glob, b->overrides[j].glob);
			assert_true(a->overrides[j].set == b->overrides[j].set);
			if (!(a->overrides[j].set & (UINT64_C(1) << i)))
				continue;
			config_value_format(opt, &x.overrides[j].rule, p, sizeof(p));
			config_value_format(opt, &y.overrides[j].rule, q, sizeof(q));
			assert_string_equal(p, q);
		}
	}
	/* And by number, where a spelling could hide a difference. */
	assert_true(a->source.buffer_size == b->source.buffer_size);
	assert_true(a->budget.total.unit == b->budget.total.unit);
	assert_true(a->budget.total.value == b->budget.total.value);
	assert_true(a->policy.page.window.us == b->policy.page.window.us);
	assert_true(a->database.retention.us == b->database.retention.us);
}

static void random_config(uint64_t *s, char *text, size_t size)
{
	const struct option *opt;
	char value[256];
	size_t len = 0;

	for (size_t i = 0; (opt = config_option_row(i)) != NULL; i++) {
		if (pick(s, 0, 2) == 0)
			continue;
		random_value(s, opt, value, sizeof(value));
		len += (size_t)snprintf(text + len, size - len, "[%s]\n%s=%s\n",
					opt->doc.section, opt->doc.key, value);
	}
	for (uint64_t n = pick(s, 0, 5); n > 0; n--) {
		len += (size_t)snprintf(text + len, size - len, "[Policy \"%u #*\"]\n",
					(unsigned int)n);
		for (size_t i = 0; (opt = config_option_row(i)) != NULL; i++) {
			if (!opt->policy || pick(s, 0, 1) == 0)
				continue;
			random_value(s, opt, value, sizeof(value));
			len += (size_t)snprintf(text + len, size - len, "%s=%s\n",
						opt->doc.key, value);
		}
	}
}

static void test_format_reads_back(void **state)
{
	uint64_t seed = UINT64_C(0x50f70ff1);
	char text[TEXT_MAX], out[TEXT_MAX];
	struct findings f;

	for (unsigned int i = 0; i < 500; i++) {
		struct config cfg, again;
		size_t len;

		random_config(&seed, text, sizeof(text));
		if (parse(&cfg, &f, text) + f.warnings > 0)
			fail_msg("%s", f.text[0]);
		len = config_format(&cfg, out, sizeof(out));
		assert_int_equal(len, strlen(out));
		if (parse(&again, &f, out) + f.warnings > 0)
			fail_msg("%s", f.text[0]);
		assert_same(&cfg, &again);
	}
}

static void test_format_text(void **state)
{
	static const char text[] =
		"[Retry]\nTries=5\n[Policy \"P1*\"]\n\nAction=account\n";
	char out[TEXT_MAX], cut[100];
	struct findings f;
	struct config cfg;
	size_t len;

	assert_int_equal(parse(&cfg, &f, text), 0);
	len = config_format(&cfg, out, sizeof(out));
	assert_memory_equal(out, "[Source]\nEvents=auto ", 21);
	assert_non_null(strstr(out, "\n\n[Tracker]\n"));
	assert_non_null(strstr(out, "Tries=5  "));
	assert_non_null(strstr(out, "  # default\nMax=5min  "));
	assert_non_null(strstr(out, "\n[Policy \"P1*\"]\nAction=account "));
	assert_non_null(strstr(out, "# f:5\n"));

	assert_int_equal(config_format(&cfg, cut, sizeof(cut)), len);
	assert_int_equal(strlen(cut), sizeof(cut) - 1);
	assert_memory_equal(cut, out, sizeof(cut) - 1);
	assert_int_equal(config_format(&cfg, NULL, 0), len);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_texts),
		cmocka_unit_test(test_nul),
		cmocka_unit_test(test_longest_line),
		cmocka_unit_test(test_foreign_name_is_escaped),
		cmocka_unit_test(test_findings_are_bounded),
		cmocka_unit_test(test_no_diag),
		cmocka_unit_test(test_check),
		cmocka_unit_test(test_later_files_win),
		cmocka_unit_test(test_too_many),
		cmocka_unit_test(test_globs),
		cmocka_unit_test(test_rule_for),
		cmocka_unit_test(test_rule_before_a_label),
		cmocka_unit_test(test_rule_of_a_controller),
		cmocka_unit_test(test_format_reads_back),
		cmocka_unit_test(test_format_text),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

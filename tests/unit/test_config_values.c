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

/* A value and its canonical form, or (@bad) a part of the error. */
struct value_row {
	const char *section;
	const char *key;
	const char *value;
	const char *want;
	const char *bad;
};

/* clang-format off */
#define GOOD(section, key, value, want) { section, key, value, want, NULL }
#define BAD(section, key, value, why)   { section, key, value, NULL, why }

static const struct value_row value_rows[] = {
	GOOD("Policy", "PageThreshold", "2 / 24h", "2 / 24h"),
	GOOD("Policy", "PageThreshold", "2/24h", "2 / 24h"),
	GOOD("Policy", "PageThreshold", "10 /\t36h", "10 / 36h"),
	GOOD("Policy", "PageThreshold", "1 / 1s", "1 / 1s"),
	GOOD("Policy", "PageThreshold", "1000 / 3650d", "1000 / 3650d"),
	GOOD("Policy", "PageThreshold", "3 / 5m", "3 / 5min"),
	GOOD("Policy", "PageThreshold", "3 / 14d", "3 / 14d"),
	GOOD("Policy", "PageThreshold", "off", "off"),
	BAD("Policy", "PageThreshold", "2 / 24",
	    "\"2 / 24\": the window needs a unit (s m h d w), such as 24h"),
	BAD("Policy", "PageThreshold", "0 / 24h", "out of range"),
	BAD("Policy", "PageThreshold", "1001 / 24h", "1 to 1000 errors"),
	BAD("Policy", "PageThreshold", "2 / 0s", "out of range"),
	BAD("Policy", "PageThreshold", "2 / 3651d", "out of range"),
	BAD("Policy", "PageThreshold", "99999999999999999999 / 1d", "out of range"),
	BAD("Policy", "PageThreshold", "2 / 99999999999999999999w", "out of range"),
	BAD("Policy", "PageThreshold", "2", "write N / WINDOW"),
	BAD("Policy", "PageThreshold", "/ 24h", "not a threshold"),
	BAD("Policy", "PageThreshold", "-2 / 24h", "not a threshold"),
	BAD("Policy", "PageThreshold", "2 / -24h", "not a threshold"),
	BAD("Policy", "PageThreshold", "2 / 24h x", "not a threshold"),
	BAD("Policy", "PageThreshold", "2 / 1h30min", "not a threshold"),
	BAD("Policy", "PageThreshold", "2 / 24h / 1d", "not a threshold"),
	BAD("Policy", "PageThreshold", "0x2 / 24h", "not a threshold"),
	BAD("Policy", "PageThreshold", "Off", "not a threshold"),
	BAD("Policy", "PageThreshold", "no", "not a threshold"),
	BAD("Policy", "PageThreshold", "", "no value"),
	GOOD("Policy", "WideFaultThreshold", "1", "1"),
	GOOD("Policy", "WideFaultThreshold", "1000000", "1000000"),
	GOOD("Policy", "WideFaultThreshold", "0", "off"),
	GOOD("Policy", "WideFaultThreshold", "off", "off"),
	GOOD("Policy", "WideFaultPages", "off", "off"),
	BAD("Policy", "WideFaultThreshold", "1000001", "1 to 1000000 is possible, or off"),
	BAD("Policy", "WideFaultThreshold", "99999999999999999999", "out of range"),
	BAD("Policy", "WideFaultPages", "16 / 24h", "write digits only, such as 16, or off"),
	BAD("Policy", "WideFaultPages", "offf", "not a number"),
	BAD("Policy", "WideFaultPages", "-1", "not a number"),
	BAD("Policy", "WideFaultPages", "", "no value"),
	GOOD("Policy", "RowThreshold", "2 / 7d", "2 / 7d"),
	BAD("Policy", "RowThreshold", "1 / 7d", "2 to 1000 errors"),
	GOOD("Policy", "Action", "soft", "soft"),
	GOOD("Policy", "Action", "account", "account"),
	BAD("Policy", "Action", "hard", "\"hard\": unknown; write soft or account"),
	BAD("Policy", "Action", "\"soft\"", "write soft or account"),
	BAD("Policy", "Action", "Soft", "write soft or account"),
	GOOD("Policy", "HugePages", "2M", "2M"),
	GOOD("Policy", "HugePages", "never", "never"),
	BAD("Policy", "HugePages", "1G", "write never or 2M"),
	BAD("Policy", "HugePages", "yes", "write never or 2M"),
	GOOD("Policy", "NeighbourRule", "true", "yes"),
	GOOD("Policy", "NeighbourRule", "1", "yes"),
	GOOD("Policy", "NeighbourRule", "on", "yes"),
	GOOD("Policy", "NeighbourRule", "yes", "yes"),
	GOOD("Policy", "TransparentHugePages", "off", "no"),
	GOOD("Policy", "TransparentHugePages", "0", "no"),
	GOOD("Policy", "TransparentHugePages", "false", "no"),
	GOOD("Policy", "TransparentHugePages", "no", "no"),
	BAD("Policy", "TransparentHugePages", "maybe", "neither yes nor no"),
	BAD("Policy", "TransparentHugePages", "YES", "neither yes nor no"),
	BAD("Policy", "TransparentHugePages", "2", "neither yes nor no"),
	GOOD("Source", "Events", "auto", "auto"),
	GOOD("Source", "Events", "mc_event", "mc_event"),
	GOOD("Source", "Events", "mce_record", "mce_record"),
	BAD("Source", "Events", "mce", "mce_record"),
	GOOD("Source", "BufferSize", "auto", "auto"),
	BAD("Source", "BufferSize", "Auto", "not a size"),
	BAD("Source", "BufferSize", "0", "4K to 64M is possible"),
	BAD("Source", "MaxBufferSize", "auto", "not a size"),
	GOOD("Source", "BufferSize", "4K", "4K"),
	GOOD("Source", "BufferSize", "65536", "64K"),
	GOOD("Source", "BufferSize", "4097", "4097"),
	GOOD("Source", "BufferSize", "64M", "64M"),
	BAD("Source", "BufferSize", "4095", "4K to 64M is possible"),
	BAD("Source", "BufferSize", "67108865", "4K to 64M is possible"),
	BAD("Source", "BufferSize", "65M", "4K to 64M is possible"),
	BAD("Source", "BufferSize", "64k", "not a size"),
	BAD("Source", "BufferSize", "64KB", "not a size"),
	BAD("Source", "BufferSize", "-64K", "not a size"),
	BAD("Source", "BufferSize", "1.5M", "not a size"),
	BAD("Source", "BufferSize", "0x10000", "not a size"),
	BAD("Source", "BufferSize", "17179869184G", "out of range"),
	BAD("Source", "BufferSize", "18446744073709551616", "out of range"),
	BAD("Source", "MaxBufferSize", "10%", "not a size"),
	GOOD("Tracker", "MaxTrackedPages", "64", "64"),
	GOOD("Tracker", "MaxTrackedPages", "1048576", "1048576"),
	BAD("Tracker", "MaxTrackedPages", "63", "64 to 1048576"),
	BAD("Tracker", "MaxTrackedPages", "1048577", "64 to 1048576"),
	BAD("Tracker", "MaxTrackedPages", "64K", "digits only"),
	BAD("Tracker", "MaxTrackedPages", "4294967360", "out of range"),
	GOOD("Budget", "PagesPerHour", "0", "0"),
	GOOD("Budget", "PagesPerHour", "100000", "100000"),
	BAD("Budget", "PagesPerHour", "100001", "0 to 100000"),
	BAD("Budget", "PagesPerHour", "+5", "digits only"),
	BAD("Budget", "PagesPerHour", "10 pages", "digits only"),
	BAD("Budget", "PagesPerHour", "1e3", "digits only"),
	GOOD("Budget", "PagesPerDimm", "1000000", "1000000"),
	BAD("Budget", "PagesPerDimm", "1000001", "out of range"),
	GOOD("Budget", "Total", "1000", "1000"),
	GOOD("Budget", "Total", "0", "0"),
	GOOD("Budget", "Total", "0K", "0K"),
	GOOD("Budget", "Total", "1024K", "1M"),
	GOOD("Budget", "Total", "1025K", "1025K"),
	GOOD("Budget", "Total", "2T", "2T"),
	GOOD("Budget", "Total", "0.1%", "0.1%"),
	GOOD("Budget", "Total", "0.1000 %", "0.1%"),
	GOOD("Budget", "Total", "0.0001%", "0.0001%"),
	GOOD("Budget", "Total", "100%", "100%"),
	GOOD("Budget", "Total", "100.0%", "100%"),
	GOOD("Budget", "Total", "12.3456%", "12.3456%"),
	BAD("Budget", "Total", "0.00001%", "at most four decimals"),
	BAD("Budget", "Total", "100.0001%", "more than 100%"),
	BAD("Budget", "Total", "101%", "more than 100%"),
	BAD("Budget", "Total", ".1%", "not an amount"),
	BAD("Budget", "Total", "1.%", "not an amount"),
	BAD("Budget", "Total", "0.1", "not an amount"),
	BAD("Budget", "Total", "-1%", "not an amount"),
	BAD("Budget", "Total", "%", "not an amount"),
	BAD("Budget", "Total", "99999999999T", "too large"),
	BAD("Budget", "Total", "99999999999999999999", "too large"),
	GOOD("Budget", "MinAvailableMemory", "512M", "512M"),
	GOOD("Budget", "MaxMemoryPressure", "20%", "20%"),
	GOOD("Budget", "MaxMemoryPressure", "100", "100%"),
	GOOD("Budget", "MaxMemoryPressure", "0", "0%"),
	BAD("Budget", "MaxMemoryPressure", "101%", "more than 100%"),
	BAD("Budget", "MaxMemoryPressure", "0.5%", "whole number"),
	BAD("Budget", "MaxMemoryPressure", "20%%", "whole number"),
	GOOD("Retry", "First", "60s", "1min"),
	GOOD("Retry", "First", "90 sec", "90s"),
	GOOD("Retry", "Max", "5min", "5min"),
	BAD("Retry", "First", "0s", "1s to 24h is possible"),
	BAD("Retry", "First", "5", "needs a unit"),
	BAD("Retry", "First", "500ms", "not a span"),
	BAD("Retry", "First", "1h30m", "not a span"),
	BAD("Retry", "First", "s", "not a span"),
	BAD("Retry", "Max", "2d", "1s to 24h is possible"),
	GOOD("Retry", "Tries", "32", "32"),
	BAD("Retry", "Tries", "0", "1 to 32"),
	BAD("Retry", "Tries", "33", "1 to 32"),
	GOOD("Replay", "AtBoot", "yes", "yes"),
	GOOD("Kernel", "SoftOfflineControl", "own", "own"),
	BAD("Kernel", "SoftOfflineControl", "1", "write leave or own"),
	GOOD("Database", "Path", "/srv/a b.db", "/srv/a b.db"),
	BAD("Database", "Path", "a.db", "must begin with /"),
	BAD("Database", "Path", "\"/a.db\"", "no quotes"),
	BAD("Database", "Path", "/srv/", "does not end in /"),
	BAD("Database", "Path", "none", "not an absolute path"),
	BAD("Database", "Path", "/a\tb", "control character"),
	GOOD("Database", "MaxSize", "1M", "1M"),
	BAD("Database", "MaxSize", "1023K", "1M to 1T"),
	BAD("Database", "MaxSize", "2T", "1M to 1T"),
	GOOD("Database", "Retention", "52w", "364d"),
	BAD("Database", "Retention", "23h", "24h to 3650d"),
	GOOD("Metrics", "File", "auto", "auto"),
	GOOD("Metrics", "File", "none", "none"),
	GOOD("Metrics", "File", "/x.prom", "/x.prom"),
	BAD("Metrics", "File", "x.prom", "auto or none"),
	BAD("Metrics", "File", "off", "auto or none"),
	BAD("Metrics", "Interval", "2h", "1s to 1h"),
};
/* clang-format on */

static void check_value_row(const struct value_row *row)
{
	const struct option *opt = row_of(row->section, row->key);
	char text[512], got[512], before[512];
	struct findings f;
	struct config cfg;
	unsigned int errors;

	config_init(&cfg);
	value_of(&cfg, opt, before, sizeof(before));
	snprintf(text, sizeof(text), "[%s]\n%s=%s\n", row->section, row->key, row->value);
	errors = parse(&cfg, &f, text);
	assert_int_equal(errors, f.errors);
	value_of(&cfg, opt, got, sizeof(got));
	if (row->want) {
		if (errors > 0)
			fail_msg("%s", f.text[0]);
		assert_string_equal(got, row->want);
		return;
	}
	assert_int_equal(errors, 1);
	assert_string_equal(got, before);
	snprintf(text, sizeof(text), "f:2: [%s] %s: ", row->section, row->key);
	if (strncmp(f.text[0], text, strlen(text)) != 0 || !strstr(f.text[0], row->bad))
		fail_msg("%s=%s: %s", row->key, row->value, f.text[0]);
}

static void test_values(void **state)
{
	for (size_t i = 0; i < ARRAY_SIZE(value_rows); i++)
		check_value_row(&value_rows[i]);
}

/* Against the design but for BufferSize, in numbers; that each text of the table is one
 * of these. */
static void test_defaults(void **state)
{
	struct config cfg;

	config_init(&cfg);
	assert_int_equal(cfg.source.buffer_size, 0);
	assert_int_equal(cfg.source.max_buffer_size, 8388608);
	assert_int_equal(cfg.tracker.max_tracked_pages, 65536);
	assert_int_equal(cfg.policy.action, POLICY_SOFT);
	assert_int_equal(cfg.policy.page.count, 2);
	assert_int_equal(cfg.policy.page.window.us, 24 * USEC_PER_HOUR);
	assert_int_equal(cfg.policy.row.count, 2);
	assert_int_equal(cfg.policy.row.window.us, 7 * USEC_PER_DAY);
	assert_false(cfg.policy.neighbour);
	assert_int_equal(cfg.policy.huge_pages, HUGE_NEVER);
	assert_true(cfg.policy.transparent_huge_pages);
	assert_int_equal(cfg.n_overrides, 0);
	assert_int_equal(cfg.budget.pages_per_hour, 10);
	assert_int_equal(cfg.budget.burst, 20);
	assert_int_equal(cfg.budget.pages_per_dimm, 128);
	assert_int_equal(cfg.budget.total.unit, AMOUNT_PERCENT);
	assert_int_equal(cfg.budget.total.value, 1000);
	assert_int_equal(cfg.budget.min_available_memory.unit, AMOUNT_PERCENT);
	assert_int_equal(cfg.budget.min_available_memory.value, 20000);
	assert_int_equal(cfg.budget.max_memory_pressure, 20);
	assert_int_equal(cfg.retry.first.us, USEC_PER_SEC);
	assert_int_equal(cfg.retry.max.us, 5 * USEC_PER_MINUTE);
	assert_int_equal(cfg.retry.tries, 8);
	assert_false(cfg.replay.at_boot);
	assert_int_equal(cfg.kernel.soft_offline_control, CONTROL_LEAVE);
	assert_string_equal(cfg.database.path, "/var/lib/softofflined/softofflined.db");
	assert_int_equal(cfg.database.max_size, 268435456);
	assert_int_equal(cfg.database.retention.us, 400 * USEC_PER_DAY);
	assert_string_equal(cfg.metrics.file, "");
	assert_int_equal(cfg.metrics.interval.us, 15 * USEC_PER_SEC);
	assert_int_equal(cfg.n_files, 0);
	assert_int_equal(config_check(&cfg, NULL, NULL), 0);
}

static void test_table(void **state)
{
	const struct config_option *doc;
	struct config cfg, again;
	struct value_error error;
	char a[512], b[512];
	size_t n = 0;

	config_init(&cfg);
	memset(&again, 0xff, sizeof(again));
	for (; (doc = config_option_at(n)) != NULL; n++) {
		const struct option *opt = config_option_row(n);
		void *base = config_option_base(&again, opt);

		assert_int_equal(config_option_find(doc->section, doc->key), n);
		if (config_value_parse(opt, doc->value, base, &error) < 0)
			fail_msg("%s", error.text);
		assert_string_equal(value_of(&again, opt, a, sizeof(a)),
				    value_of(&cfg, opt, b, sizeof(b)));
		assert_true(strlen(doc->help) > 20);
		assert_int_equal(doc->help[strlen(doc->help) - 1], '.');
	}
	assert_int_equal(n, 29);
	assert_null(config_option_row(n));
}

/* Each key of a policy says what it is where there is no such rule, and that is a value
 * of the key: back-tests of other programs' policies rest on it. */
static void test_rules_off(void **state)
{
	const struct option *opt;
	struct policy_rule off;

	for (size_t i = 0; (opt = config_option_row(i)) != NULL; i++) {
		struct config *cfg;
		struct value_error error;

		assert_int_equal(opt->off != NULL, opt->policy);
		if (!opt->policy)
			continue;
		cfg = calloc(1, sizeof(*cfg));
		assert_non_null(cfg);
		assert_int_equal(config_value_parse(opt, opt->off, &cfg->policy, &error),
				 0);
		free(cfg);
	}
	memset(&off, 0xff, sizeof(off));
	config_rule_off(&off);
	assert_int_equal(off.action, POLICY_SOFT);
	assert_int_equal(off.page.count + off.row.count + off.cell.count, 0);
	assert_false(off.neighbour);
}

static void test_amount_pages(void **state)
{
	static const struct {
		struct amount amount;
		uint64_t ram;
		unsigned int shift;
		uint64_t want;
	} rows[] = {
		{ { AMOUNT_PAGES, 77 }, 1, 12, 77 },
		{ { AMOUNT_BYTES, 1 << 20 }, 1, 12, 256 },
		{ { AMOUNT_BYTES, 1 << 20 }, 1, 16, 16 },
		{ { AMOUNT_BYTES, 8191 }, 1, 12, 1 },
		{ { AMOUNT_PERCENT, 1000 }, 16777216, 12, 16777 },
		{ { AMOUNT_PERCENT, 1000000 }, 16777217, 12, 16777217 },
		{ { AMOUNT_PERCENT, 1000000 }, UINT64_MAX, 12, UINT64_MAX },
		{ { AMOUNT_PERCENT, 500000 }, UINT64_MAX - 1, 12, UINT64_MAX / 2 },
		{ { AMOUNT_PERCENT, 1 }, 999999, 12, 0 },
		{ { AMOUNT_PERCENT, UINT64_MAX }, 5, 12, 5 },
		{ { AMOUNT_PERCENT, 1500000 }, 5, 12, 5 },
		{ { AMOUNT_PERCENT, 0 }, 5, 12, 0 },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		assert_true(config_amount_pages(&rows[i].amount, rows[i].ram,
						rows[i].shift) == rows[i].want);
}

static void test_public_parsers(void **state)
{
	struct threshold t = { .count = 7, .window = { 9 } };
	usec_t span = { 7 };
	char buf[32];

	assert_int_equal(config_parse_threshold("0 / 1h", &t), -ERANGE);
	assert_int_equal(config_parse_threshold("1 / 0h", &t), -ERANGE);
	assert_int_equal(config_parse_threshold("1001 / 1h", &t), -ERANGE);
	assert_int_equal(config_parse_threshold("", &t), -EINVAL);
	assert_int_equal(config_parse_threshold("1", &t), -EINVAL);
	assert_int_equal(config_parse_threshold("1 /", &t), -EINVAL);
	assert_int_equal(config_parse_threshold("0 / x", &t), -EINVAL);
	assert_int_equal(t.count, 7);
	assert_int_equal(t.window.us, 9);
	assert_int_equal(config_parse_threshold("1 / 1h", &t), 0);
	assert_int_equal(t.count, 1);
	assert_int_equal(t.window.us, USEC_PER_HOUR);
	assert_int_equal(config_parse_threshold("off", &t), 0);
	assert_int_equal(t.count, 0);

	assert_int_equal(config_parse_span("", &span), -EINVAL);
	assert_int_equal(config_parse_span("1", &span), -EINVAL);
	assert_int_equal(config_parse_span("1y", &span), -EINVAL);
	assert_int_equal(config_parse_span("0d", &span), -ERANGE);
	assert_int_equal(config_parse_span("18446744073709551616s", &span), -ERANGE);
	assert_int_equal(config_parse_span("18446744073709551615w", &span), -ERANGE);
	assert_int_equal(config_parse_span("18446744073709551616y", &span), -EINVAL);
	assert_int_equal(span.us, 7);

	assert_string_equal(config_format_span(usec(0), buf, sizeof(buf)), "0s");
	assert_string_equal(config_format_span(usec(1), buf, sizeof(buf)), "1us");
	assert_string_equal(config_format_span(usec(1500000), buf, sizeof(buf)),
			    "1500ms");
	assert_string_equal(config_format_span(usec(-5000000), buf, sizeof(buf)), "-5s");
	assert_string_equal(
		config_format_span(usec(24 * USEC_PER_HOUR), buf, sizeof(buf)), "24h");
	assert_string_equal(config_format_span(usec(25 * USEC_PER_HOUR), buf, 3), "25");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_values),
		cmocka_unit_test(test_defaults),
		cmocka_unit_test(test_table),
		cmocka_unit_test(test_rules_off),
		cmocka_unit_test(test_amount_pages),
		cmocka_unit_test(test_public_parsers),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

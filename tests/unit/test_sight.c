/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * What facts make of the source: the cause for each row, what comes first if several are
 * so, what an event proves, and the kernel's command line.
 */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

/* clang-format off: cmocka.h wants the others before it */
#include <cmocka.h>
/* clang-format on */

#include "base/mem.h"
#include "base/sight.h"

#define ON  .read = true, .on = true
#define OFF .read = true, .on = false

/* A server whose driver is loaded, and which reads ras:mc_event. */
#define MACHINE .looked = true, .tracefs = true
#define SERVER  MACHINE, .mc_event = { ON }, .machine_checks = true
#define DRIVER  SERVER, .controllers = FACT_YES
#define BARE    SERVER, .controllers = FACT_NO
/* Its driver is loaded; what it reads is said by the row. */
#define DEAF MACHINE, .machine_checks = true, .controllers = FACT_YES

static const struct {
	struct sight_facts facts;
	enum sight_cause want;
} rows[] = {
	{ { .looked = false }, SIGHT_CAUSE_NONE },
	{ { DRIVER }, SIGHT_CAUSE_SEES },
	{ { DRIVER, .mce_record = { ON } }, SIGHT_CAUSE_SEES },
	{ { DRIVER, .guest = true }, SIGHT_CAUSE_SEES },
	{ { DRIVER, .collector = SIGHT_COLLECTOR_ABSENT }, SIGHT_CAUSE_SEES },

	/* Nothing to read. */
	{ { .looked = true }, SIGHT_CAUSE_NO_TRACEFS },
	{ { .looked = true, .controllers = FACT_YES }, SIGHT_CAUSE_NO_TRACEFS },
	{ { .looked = true, .tracefs = true }, SIGHT_CAUSE_NO_TRACEPOINT },
	{ { .looked = true, .confidentiality = true }, SIGHT_CAUSE_LOCKDOWN },
	{ { .looked = true, .container = true, .guest = true }, SIGHT_CAUSE_CONTAINER },
	{ { DRIVER, .container = true },
	  SIGHT_CAUSE_SEES }, /* the host's tracefs is in */

	/* Switched off. One source that is on is enough, if it has something to read. */
	{ { DEAF, .mc_event = { OFF } }, SIGHT_CAUSE_SWITCHED_OFF },
	{ { DEAF, .mc_event = { OFF }, .mce_record = { OFF } },
	  SIGHT_CAUSE_SWITCHED_OFF },
	{ { DEAF, .mc_event = { OFF }, .mce_record = { ON } }, SIGHT_CAUSE_SEES },

	/* Nobody who reports. */
	{ { BARE }, SIGHT_CAUSE_NO_DRIVER },
	{ { BARE, .ghes = true }, SIGHT_CAUSE_FIRMWARE_FIRST },
	{ { BARE, .guest = true }, SIGHT_CAUSE_GUEST },
	{ { BARE, .mce_record = { ON } }, SIGHT_CAUSE_SEES },
	{ { BARE, .mce_record = { ON }, .ghes = true }, SIGHT_CAUSE_SEES },
	{ { BARE, .mce_record = { ON }, .guest = true }, SIGHT_CAUSE_GUEST },
	{ { MACHINE, .mc_event = { ON }, .mce_record = { ON }, .controllers = FACT_NO },
	  SIGHT_CAUSE_NO_DRIVER },
	{ { BARE, .mce_record = { OFF } }, SIGHT_CAUSE_NO_DRIVER },
	{ { SERVER, .controllers = FACT_UNKNOWN }, SIGHT_CAUSE_UNREAD },
	{ { SERVER, .controllers = FACT_UNKNOWN, .guest = true }, SIGHT_CAUSE_UNREAD },
	{ { SERVER, .controllers = FACT_UNKNOWN, .mce_record = { ON } },
	  SIGHT_CAUSE_SEES },

	/* Settings. */
	{ { DRIVER, .mce_off = true }, SIGHT_CAUSE_MCE_OFF },
	{ { DRIVER, .mce_ignore_ce = true, .ignore_ce = true },
	  SIGHT_CAUSE_MCE_IGNORE_CE },
	{ { DRIVER, .mce_dont_log_ce = true, .dont_log_ce = true },
	  SIGHT_CAUSE_MCE_DONT_LOG_CE },
	{ { DRIVER, .ignore_ce = true }, SIGHT_CAUSE_IGNORE_CE },
	{ { DRIVER, .ignore_ce = true, .mce_record = { ON } }, SIGHT_CAUSE_IGNORE_CE },
	{ { DRIVER, .dont_log_ce = true }, SIGHT_CAUSE_DONT_LOG_CE },
	{ { DRIVER, .not_polled = true }, SIGHT_CAUSE_NOT_POLLED },
	{ { DRIVER, .banks_off = true }, SIGHT_CAUSE_BANKS_OFF },
	{ { BARE, .mce_ignore_ce = true }, SIGHT_CAUSE_MCE_IGNORE_CE },
	{ { DRIVER, .edac_report_off = true }, SIGHT_CAUSE_EDAC_REPORT_OFF },
	{ { DRIVER, .edac_report_off = true, .mce_record = { ON } }, SIGHT_CAUSE_SEES },
	/* The firmware reports: no setting of machine checks is in its way. */
	{ { DRIVER, .firmware_only = true, .mce_ignore_ce = true }, SIGHT_CAUSE_SEES },
	{ { DRIVER, .firmware_only = true, .mce_off = true }, SIGHT_CAUSE_SEES },
	{ { DRIVER, .firmware_only = true, .edac_report_off = true },
	  SIGHT_CAUSE_EDAC_REPORT_OFF },
	/* The firmware is not listened to: it matters where nobody else reports. */
	{ { BARE, .ghes_disabled = true, .hest = true }, SIGHT_CAUSE_GHES_DISABLED },
	{ { BARE, .hest_disabled = true, .hest = true }, SIGHT_CAUSE_GHES_DISABLED },
	{ { BARE, .ghes_disabled = true }, SIGHT_CAUSE_NO_DRIVER },
	{ { DRIVER, .ghes_disabled = true, .firmware_only = true },
	  SIGHT_CAUSE_GHES_DISABLED },
	{ { DRIVER, .ghes_disabled = true, .hest = true }, SIGHT_CAUSE_SEES },

	/* The collector. */
	{ { DRIVER, .collector = SIGHT_COLLECTOR_ACTS }, SIGHT_CAUSE_COLLECTOR_HIDES },
	{ { DRIVER, .collector = SIGHT_COLLECTOR_PASSIVE }, SIGHT_CAUSE_COLLECTOR_HIDES },
	{ { DRIVER, .collector = SIGHT_COLLECTOR_ACTS, .mce_record = { ON } },
	  SIGHT_CAUSE_COLLECTOR_ACTS },
	{ { DRIVER, .collector = SIGHT_COLLECTOR_PASSIVE, .mce_record = { ON } },
	  SIGHT_CAUSE_SEES },
	{ { DRIVER, .collector = SIGHT_COLLECTOR_ACTS, .spared = true },
	  SIGHT_CAUSE_SEES },
	{ { DRIVER, .collector = SIGHT_COLLECTOR_PASSIVE, .firmware_only = true },
	  SIGHT_CAUSE_SEES },
	{ { BARE, .collector = SIGHT_COLLECTOR_ACTS }, SIGHT_CAUSE_NO_DRIVER },
};

static void each_row(void **state)
{
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		enum sight_cause got = sight_judge(&rows[i].facts);

		if (got != rows[i].want)
			fail_msg("row %zu: %s, not %s", i, sight_cause_to_string(got),
				 sight_cause_to_string(rows[i].want));
	}
}

/* Every cause can come about, and has a word of its own, a sentence and an advice. */
static void each_cause(void **state)
{
	for (int c = 0; c < SIGHT_CAUSE_MAX_; c++) {
		enum sight_cause cause = (enum sight_cause)c;
		bool ok = sight_cause_state(cause) == SIGHT_OK;
		bool found = false;

		for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
			found |= rows[i].want == cause;
		if (!found)
			fail_msg("no row ends with %s", sight_cause_to_string(cause));
		assert_true(strlen(sight_cause_help(cause)) > 10);
		assert_int_equal(sight_cause_remedy(cause)[0] == '\0', ok);
		if (ok)
			assert_true(sight_cause_up(cause));
		for (int other = 0; other < c; other++)
			assert_string_not_equal(
				sight_cause_to_string(cause),
				sight_cause_to_string((enum sight_cause)other));
	}
	assert_string_equal(sight_cause_to_string(SIGHT_CAUSE_MAX_), "invalid-value");
	assert_string_equal(sight_cause_help(SIGHT_CAUSE_MAX_), "");
	assert_string_equal(sight_cause_remedy(SIGHT_CAUSE_MAX_), "");
	assert_string_equal(sight_state_to_string(SIGHT_STATE_MAX_), "invalid-value");
	assert_int_equal(sight_cause_state(SIGHT_CAUSE_MAX_), SIGHT_UNKNOWN);
	assert_false(sight_cause_up(SIGHT_CAUSE_MAX_));
}

/* An event counts from the moment on that the cause is known, and for a week. */
static void proof(void **state)
{
	static const struct sight_facts no_driver = { BARE };
	static const struct sight_facts ignored = { DRIVER, .ignore_ce = true };
	const usec_t start = usec(1000 * USEC_PER_SEC);
	const usec_t later = usec_add(start, usec(USEC_PER_MINUTE));
	struct sight s = { 0 };

	assert_true(sight_take(&s, &no_driver, start, INT64_MIN));
	assert_int_equal(s.cause, SIGHT_CAUSE_NO_DRIVER);
	assert_false(sight_take(&s, &no_driver, later, start.us));
	assert_true(sight_take(&s, &no_driver, later, start.us + 1));
	assert_int_equal(s.cause, SIGHT_CAUSE_SEES);
	assert_int_equal(s.found, SIGHT_CAUSE_NO_DRIVER);
	assert_false(sight_take(&s, &no_driver, usec(start.us + 1 + SIGHT_PROOF),
				start.us + 1));
	assert_true(sight_take(&s, &no_driver, usec(start.us + 2 + SIGHT_PROOF),
			       start.us + 1));
	assert_int_equal(s.cause, SIGHT_CAUSE_NO_DRIVER);

	s = (struct sight){ 0 };
	assert_true(sight_take(&s, &ignored, start, INT64_MIN));
	assert_false(sight_take(&s, &ignored, later, later.us));
	assert_int_equal(s.cause, SIGHT_CAUSE_IGNORE_CE);
}

static void command_line(void **state)
{
	static const struct {
		const char *text;
		const char *want; /* a letter for each setting */
	} lines[] = {
		{ "root=/dev/sda2 ro quiet\n", "" },
		{ "ro mce=ignore_ce quiet\n", "i" },
		{ "mce=off", "o" },
		{ "nomce", "on" },
		{ "mce=dont_log_ce mce=ignore_ce", "id" },
		{ "mce=2 xmce=off mce=offx mce mcelog=off", "" },
		{ "mce=no_cmci mcedont_log_ce", "dc" },
		{ "mceoff", "o" },
		{ "edac_report=off", "e" },
		{ "edac_report=on", "" },
		{ "edac_report=off edac_report=force", "" },
		{ "ghes.disable=1", "g" },
		{ "ghes.disable", "g" },
		{ "ghes.disable=Y ghes.disable=0", "" },
		{ "ghes.disable=0 hest_disable", "h" },
		{ "ro -- mce=off", "" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(lines); i++) {
		struct sight_facts f = { 0 };
		char text[128], got[16];

		snprintf(text, sizeof(text), "%s", lines[i].text);
		sight_read_cmdline(&f, text);
		snprintf(got, sizeof(got), "%s%s%s%s%s%s%s%s", f.mce_off ? "o" : "",
			 f.nomce ? "n" : "", f.mce_ignore_ce ? "i" : "",
			 f.mce_dont_log_ce ? "d" : "", f.mce_no_cmci ? "c" : "",
			 f.edac_report_off ? "e" : "", f.ghes_disabled ? "g" : "",
			 f.hest_disabled ? "h" : "");
		assert_string_equal(got, lines[i].want);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_row),
		cmocka_unit_test(each_cause),
		cmocka_unit_test(proof),
		cmocka_unit_test(command_line),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * The field tables of the reports: the keys that scripts rely on, redaction, "not known",
 * and texts made fit to be shown.
 */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/mem.h"
#include "tell/report_db.h"

typedef const struct report_field *(*fields_fn)(size_t *ret_n);

static const struct {
	fields_fn fields;
	size_t size;
	const char *keys;
} tables[] = {
	{ status_report_fields, sizeof(struct status_report),
	  "schema daemon.running daemon.version daemon.started daemon.dry_run daemon.action "
	  "kernel.mc_event kernel.soft_offline kernel.enable_soft_offline "
	  "kernel.ras_cec kernel.ras_cec_threshold kernel.ras_cec_acts kernel.patched "
	  "kernel.soft_offline_event "
	  "kernel.soft_offline_counters kernel.memory_failure_event kernel.sources "
	  "kernel.soft_offline_control counters.events counters.corrected_errors "
	  "counters.uncorrected_errors counters.unattributed counters.events_lost "
	  "counters.malformed counters.gaps pages.tracked pages.offlined pages.pending pages.failed "
	  "pages.refused budget.limit_pages budget.used_pages budget.hour_limit "
	  "budget.hour_used budget.burst poisoned.kib poisoned.by_us_kib poisoned.by_others_kib "
	  "database.ok database.bytes database.errors database.lost_rows "
	  "database.last_commit source.state "
	  "source.up source.cause source.why source.remedy "
	  "source.reading source.delivers source.other_machine_checks hold hold_why verdict "
	  "verdict_why " },
	{ page_report_fields, sizeof(struct page_report),
	  "pfn! address! dimm corrected_errors first_seen last_seen state reason result "
	  "attempts " },
	{ history_report_fields, sizeof(struct history_report),
	  "time pfn! address! action reason result errno page_type duration_usec "
	  "poisoned_before_kib poisoned_after_kib outcome " },
	{ ce_report_fields, sizeof(struct ce_report),
	  "first last address! count events dimm severity registers " },
	{ dimm_report_fields, sizeof(struct dimm_report),
	  "label location size_mib part serial! corrected_errors uncorrected_errors "
	  "unattributed pages offlined fault verdict verdict_why "
	  "cells rows banks identity former slot slot_match likely_part likely_serial! missing "
	  "since last_uncorrected last_uncorrected_address! " },
	{ node_report_fields, sizeof(struct node_report),
	  "node taken_from_free dropped migrated already_poisoned invalid_pfn not_online "
	  "unhandlable thp_not_split not_isolated not_migrated no_memory not_dissolved "
	  "lost_race filtered disabled other " },
	{ notice_report_fields, sizeof(struct notice_report),
	  "time kind priority dimm slot part reason result errno count fault verdict "
	  "verdict_before address_class standing message " },
};

union any_report {
	struct status_report status;
	struct page_report page;
	struct history_report history;
	struct ce_report ce;
	struct dimm_report dimm;
	struct node_report node;
};

/* The keys are an interface: this test is to be changed only by adding. */
static void test_keys(void **state)
{
	for (size_t t = 0; t < ARRAY_SIZE(tables); t++) {
		char keys[1024] = "";
		const struct report_field *fields;
		size_t n;

		fields = tables[t].fields(&n);
		for (size_t i = 0; i < n; i++) {
			strcat(keys, fields[i].key);
			strcat(keys, fields[i].secret ? "! " : " ");
		}
		assert_string_equal(keys, tables[t].keys);
	}
}

static size_t type_size(const struct report_field *field)
{
	switch (field->type) {
	case FIELD_STRING:
		return field->size;
	case FIELD_BOOL:
		return sizeof(int8_t);
	case FIELD_U64:
	case FIELD_ADDRESS:
	case FIELD_I64:
	case FIELD_TIME:
		return 8;
	}
	return 0;
}

static void test_fields_are_disjoint_and_inside(void **state)
{
	for (size_t t = 0; t < ARRAY_SIZE(tables); t++) {
		char used[sizeof(union any_report)] = "";
		const struct report_field *fields;
		size_t n;

		fields = tables[t].fields(&n);
		for (size_t i = 0; i < n; i++) {
			assert_int_equal(fields[i].size, type_size(&fields[i]));
			assert_true(fields[i].offset + fields[i].size <= tables[t].size);
			for (size_t b = 0; b < fields[i].size; b++)
				assert_int_equal(used[fields[i].offset + b]++, 0);
		}
	}
}

static void test_clear_makes_unknown(void **state)
{
	for (size_t t = 0; t < ARRAY_SIZE(tables); t++) {
		union any_report report;
		const struct report_field *fields;
		size_t n;

		memset(&report, 1, sizeof(report));
		fields = tables[t].fields(&n);
		for (size_t i = 0; i < n; i++)
			assert_false(report_is_unknown(&report, &fields[i]));
		report_clear(&report, fields, n);
		for (size_t i = 0; i < n; i++)
			assert_true(report_is_unknown(&report, &fields[i]));
	}
}

static void test_redact_touches_secrets_only(void **state)
{
	for (size_t t = 0; t < ARRAY_SIZE(tables); t++) {
		union any_report report;
		const struct report_field *fields;
		size_t n;

		memset(&report, 1, sizeof(report));
		fields = tables[t].fields(&n);
		report_redact(&report, fields, n);
		for (size_t i = 0; i < n; i++)
			assert_int_equal(report_is_unknown(&report, &fields[i]),
					 fields[i].secret);
	}
}

static void test_redacted_text_is_gone(void **state)
{
	struct dimm_report dimm = { .serial = "S123456" };
	const struct report_field *fields;
	size_t n;

	fields = dimm_report_fields(&n);
	report_redact(&dimm, fields, n);
	for (size_t i = 0; i < sizeof(dimm.serial); i++)
		assert_int_equal(dimm.serial[i], 0);
}

static void test_find(void **state)
{
	const struct report_field *fields;
	size_t n;

	fields = status_report_fields(&n);
	assert_ptr_equal(report_find(fields, n, "schema"), &fields[0]);
	assert_ptr_equal(report_find(fields, n, "verdict_why"), &fields[n - 1]);
	assert_null(report_find(fields, n, "daemon"));
	assert_null(report_find(fields, n, ""));
}

static void test_clean(void **state)
{
	static const struct {
		const char *text;
		const char *cleaned;
	} cases[] = {
		{ "P1-DIMMA1", "P1-DIMMA1" },
		{ "", "" },
		{ "\xc3\xa4\xe2\x82\xac\xf0\x9f\x98\x80", /* of 2, 3 and 4 bytes */
		  "\xc3\xa4\xe2\x82\xac\xf0\x9f\x98\x80" },
		{ "a\033[31mb\n\x7f", "a?[31mb??" },
		{ "\xff\xfe", "??" },
		{ "\xc0\x80", "??" },           /* overlong */
		{ "\xe0\x80\x80x", "???x" },    /* overlong */
		{ "\xed\xa0\x80", "???" },      /* surrogate */
		{ "\xf4\x90\x80\x80", "????" }, /* past U+10FFFF */
		{ "\xf8\x88\x80\x80\x80", "?????" },
		{ "\xc2\x9b"
		  "31m",
		  "??31m" },            /* C1: CSI */
		{ "x\xe2\x82", "x??" }, /* cut */
		{ "x\xf0\x9f", "x??" }, /* cut */
		{ "\x80", "?" },
	};
	const struct report_field *fields;
	size_t n;

	fields = ce_report_fields(&n);
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct ce_report ce = { 0 };

		strcpy(ce.dimm, cases[i].text);
		report_clean(&ce, fields, n);
		assert_string_equal(ce.dimm, cases[i].cleaned);
	}
}

static void test_severity(void **state)
{
	assert_string_equal(report_severity(CE_CORRECTED), "corrected");
	assert_string_equal(report_severity(CE_UNCORRECTED), "uncorrected");
	assert_string_equal(report_severity(CE_DEFERRED), "deferred");
	assert_string_equal(report_severity(CE_FATAL), "fatal");
	assert_string_equal(report_severity(CE_INFO), "info");
	assert_string_equal(report_severity(CE_INFO + 1), "unknown");
}

static void test_location(void **state)
{
	char text[64];
	char small[6];

	assert_string_equal(report_location(0, (int8_t[]){ 1, 0, -1 }, text, 64),
			    "mc0 1:0");
	assert_string_equal(report_location(255, (int8_t[]){ 127, 127, 127 }, text, 64),
			    "mc255 127:127:127");
	assert_string_equal(report_location(3, (int8_t[]){ -1, 5, -1 }, text, 64), "mc3");
	assert_string_equal(report_location(0, (int8_t[]){ 1, 2, 3 }, small, 6), "mc0 1");
	assert_string_equal(report_location(0, (int8_t[]){ 100, 2, 3 }, small, 6),
			    "mc0 1");
}

static void test_from_database(void **state)
{
	struct db_page page = {
		.pfn = 0x12, .dimm = "A", .state = "failed", .attempts = 8
	};
	struct db_history history = {
		.pfn = 0x12,
		.error = 16,
		.page_type = "thp",
		.poisoned_before_kib = -1,
		.outcome = "thp-not-split",
	};
	struct db_ce ce = { .address = 0x1234,
			    .count = 3,
			    .severity = CE_FATAL,
			    .registers = "correrrcnt[0001]" };
	struct history_report h;
	struct page_report p;
	struct ce_report c;

	report_from_db_page(&page, 16, &p);
	assert_int_equal(p.address, 0x120000);
	assert_string_equal(p.state, "failed");
	assert_int_equal(p.attempts, 8);
	report_from_db_history(&history, 12, &h);
	assert_int_equal(h.address, 0x12000);
	assert_int_equal(h.error, 16);
	assert_string_equal(h.page_type, "thp");
	assert_string_equal(h.outcome, "thp-not-split");
	assert_int_equal(h.poisoned_before_kib, REPORT_NO_NUMBER);
	assert_int_equal(h.poisoned_after_kib, 0);
	report_from_db_ce(&ce, &c);
	assert_int_equal(c.address, REPORT_NO_ADDRESS);
	assert_string_equal(c.severity, "fatal");
	assert_string_equal(c.registers, "correrrcnt[0001]");
	ce.has_address = true;
	report_from_db_ce(&ce, &c);
	assert_int_equal(c.address, 0x1234);
}

static void test_filter_for_database(void **state)
{
	struct report_filter f = { .state = "failed",
				   .has_address = true,
				   .address = 0x12fff,
				   .since = 5,
				   .until = 6,
				   .limit = 7 };
	struct db_filter d = report_db_filter(&f, 12);

	assert_string_equal(d.state, "failed");
	assert_true(d.has_pfn);
	assert_int_equal(d.pfn, 0x12);
	assert_int_equal(d.page_shift, 12);
	assert_int_equal(d.since, 5);
	assert_int_equal(d.until, 6);
	assert_int_equal(d.limit, 7);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_keys),
		cmocka_unit_test(test_fields_are_disjoint_and_inside),
		cmocka_unit_test(test_clear_makes_unknown),
		cmocka_unit_test(test_redact_touches_secrets_only),
		cmocka_unit_test(test_redacted_text_is_gone),
		cmocka_unit_test(test_find),
		cmocka_unit_test(test_clean),
		cmocka_unit_test(test_severity),
		cmocka_unit_test(test_location),
		cmocka_unit_test(test_from_database),
		cmocka_unit_test(test_filter_for_database),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

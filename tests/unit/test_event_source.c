/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * The table of event sources: what holds for every row, so that a new row is tested from
 * its first day.
 */

#include <errno.h>

#include "mc_sample.h"

static bool is_id(const char *s)
{
	return *s && strspn(s, "abcdefghijklmnopqrstuvwxyz-") == strlen(s);
}

static void test_rows(void **state)
{
	bool any_needed = false;

	for (size_t i = 0; i < EVENT_SOURCE_MAX_; i++) {
		const struct event_source *s = &event_sources[i];

		assert_true(*s->event);
		assert_non_null(s->systems[0]);
		assert_true(is_id(s->check));
		assert_true(*s->reports);
		/* Something follows from the absence of each that is not needed. */
		assert_int_equal(*s->without != '\0', !s->needed);
		assert_non_null(page_builder_formats[i]);
		any_needed = any_needed || s->needed;
		for (size_t k = 0; k < i; k++) {
			assert_string_not_equal(s->event, event_sources[k].event);
			assert_string_not_equal(s->check, event_sources[k].check);
		}
	}
	assert_true(any_needed);
	assert_true(event_sources[EVENT_SOURCE_MC].needed);
}

/* In any order, each once, and none in the place of another. */
static void test_formats(void **state)
{
	_cleanup_(event_format_free_p) struct event_format *f = NULL;

	assert_int_equal(event_format_new(&f, page_builder_header_page), 0);
	for (size_t left = EVENT_SOURCE_MAX_; left > 0; left--) {
		size_t i = left - 1;
		enum event_source_id id = (enum event_source_id)i;
		size_t other = (i + 1) % EVENT_SOURCE_MAX_;

		assert_false(event_format_has(f, id));
		assert_int_equal(event_format_add(f, id, page_builder_formats[other]),
				 -EBADMSG);
		assert_int_equal(event_format_add(f, id, "nonsense\n"), -EBADMSG);
		assert_false(event_format_has(f, id));
		assert_int_equal(event_format_add(f, id, page_builder_formats[i]), 0);
		assert_true(event_format_has(f, id));
		assert_int_equal(event_format_add(f, id, page_builder_formats[i]),
				 -EEXIST);
	}
}

/* The same tracepoint number twice, and a head that differs: not this kernel's text. */
static void test_heads(void **state)
{
	_cleanup_(event_format_free_p) struct event_format *f = new_format();
	static const char head[] = "name: soft_offline_event\nID: %d\nformat:\n"
				   "\tfield:unsigned short common_type;\toffset:%d;"
				   "\tsize:2;\tsigned:0;\n\n"
				   "\tfield:unsigned long pfn;\toffset:8;\tsize:8;"
				   "\tsigned:0;\n"
				   "\tfield:int error;\toffset:16;\tsize:4;\tsigned:1;\n";
	char text[512];

	snprintf(text, sizeof(text), head, PAGE_BUILDER_FAILURE_ID, 0);
	assert_int_equal(event_format_add(f, EVENT_SOURCE_SOFT_OFFLINE, text), -EBADMSG);
	snprintf(text, sizeof(text), head, PAGE_BUILDER_SOFT_ID, 2);
	assert_int_equal(event_format_add(f, EVENT_SOURCE_SOFT_OFFLINE, text), -EBADMSG);
	snprintf(text, sizeof(text), head, PAGE_BUILDER_SOFT_ID, 0);
	assert_int_equal(event_format_add(f, EVENT_SOURCE_SOFT_OFFLINE, text), 0);
}

/* An event that lacks its fields ends the walk, whichever source it is of. */
static void test_cut(void **state)
{
	for (size_t i = 0; i < EVENT_SOURCE_MAX_; i++) {
		_cleanup_(event_format_free_p) struct event_format *f = NULL;
		const char *number = strstr(page_builder_formats[i], "ID: ");
		uint8_t event[4] = { 0 };
		struct event_decoder d;
		struct page_builder b;

		assert_int_equal(event_format_new(&f, page_builder_header_page), 0);
		assert_int_equal(event_format_add(f, (enum event_source_id)i,
						  page_builder_formats[i]),
				 0);
		assert_non_null(number);
		put(event, 0, strtoul(number + strlen("ID: "), NULL, 10), 2);
		page_builder_init(&b, 4096, 0);
		assert_true(page_builder_event(&b, 0, event, sizeof(event)));
		page_builder_finish(&b);
		begin(&d, f, &b);
		assert_int_equal(next_kind(&d), -EBADMSG);
		assert_int_equal(next_kind(&d), 0);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rows),
		cmocka_unit_test(test_formats),
		cmocka_unit_test(test_heads),
		cmocka_unit_test(test_cut),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

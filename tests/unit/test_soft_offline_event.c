/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * soft_offline_event: its fields and words, those of other kernels, and texts that must
 * be refused without harm to the events that are needed.
 */

#include <errno.h>

#include "mc_sample.h"

static const struct soft_sample soft_sample = {
	.pfn = 0x12345,
	.origin = 2,
	.kind = 5,
	.outcome = 10,
	.error = -EBUSY,
	.usecs = 1234,
	.pid = 77,
};

static struct event_format *soft_format(const char *text)
{
	struct event_format *f = new_format();

	assert_int_equal(event_format_add(f, EVENT_SOURCE_SOFT_OFFLINE, text), 0);
	return f;
}

/* The decoded event of a page with just this one. */
static struct soft_event decode(const struct event_format *f, const struct soft_sample *s)
{
	struct page_builder b;
	struct event_decoder d;

	page_builder_init(&b, 4096, 1000000);
	assert_true(page_builder_soft(&b, 5000999, s));
	page_builder_finish(&b);
	begin(&d, f, &b);
	assert_int_equal(next_kind(&d), EVENT_KIND_SOFT);
	assert_int_equal(d.event.soft.time.us, 5000);
	assert_int_equal(next_kind(&d), 0);
	return d.event.soft;
}

static void test_event(void **state)
{
	_cleanup_(event_format_free_p) struct event_format *f =
		soft_format(page_builder_soft_format);
	struct soft_sample s = soft_sample;
	struct soft_event ev = decode(f, &s);

	assert_int_equal(ev.pfn.n, 0x12345);
	assert_int_equal(ev.origin, SOFT_BY_KERNEL);
	assert_int_equal(ev.kind, FRAME_ANONYMOUS);
	assert_int_equal(ev.outcome, SOFT_NOT_MIGRATED);
	assert_int_equal(ev.error, EBUSY);
	assert_int_equal(ev.duration_usec, 1234);
	assert_int_equal(ev.pid, 77);
	s.error = 0;
	s.origin = 0;
	s.outcome = 4;
	s.kind = 15;
	ev = decode(f, &s);
	assert_int_equal(ev.origin, SOFT_BY_SYSFS);
	assert_int_equal(ev.kind, FRAME_POISONED);
	assert_int_equal(ev.outcome, SOFT_ALREADY_POISONED);
	assert_int_equal(ev.error, 0);
}

/* Every word of the kernel's lists is known here. */
static void test_every_word(void **state)
{
	_cleanup_(event_format_free_p) struct event_format *f =
		soft_format(page_builder_soft_format);

	for (int i = 0; i < 3; i++) {
		struct soft_sample s = { .origin = i };

		assert_int_not_equal(decode(f, &s).origin, SOFT_BY_UNKNOWN);
	}
	for (int i = 1; i < 16; i++) {
		struct soft_sample s = { .kind = i };

		assert_int_not_equal(decode(f, &s).kind, FRAME_UNKNOWN);
	}
	for (int i = 1; i < 15; i++) {
		struct soft_sample s = { .outcome = i };

		assert_int_equal(decode(f, &s).outcome, i);
	}
}

/* Numbers without a word, and numbers that are no errno or no time. */
static void test_odd_numbers(void **state)
{
	_cleanup_(event_format_free_p) struct event_format *f =
		soft_format(page_builder_soft_format);
	struct soft_sample s = {
		.origin = 3, .kind = -1, .outcome = 63, .error = -EIO, .usecs = UINT64_MAX
	};
	struct soft_event ev = decode(f, &s);

	assert_int_equal(ev.origin, SOFT_BY_UNKNOWN);
	assert_int_equal(ev.kind, FRAME_UNKNOWN);
	assert_int_equal(ev.outcome, SOFT_UNKNOWN);
	assert_int_equal(ev.duration_usec, INT64_MAX);
	s.origin = INT32_MAX;
	s.outcome = INT32_MIN;
	s.error = 7;
	ev = decode(f, &s);
	assert_int_equal(ev.origin, SOFT_BY_UNKNOWN);
	assert_int_equal(ev.outcome, SOFT_UNKNOWN);
	assert_int_equal(ev.error, EIO);
	s.error = INT32_MIN;
	assert_int_equal(decode(f, &s).error, EIO);
}

#define HEAD                                                                             \
	"name: soft_offline_event\nID: 1224\nformat:\n"                                  \
	"\tfield:unsigned short common_type;\toffset:0;\tsize:2;\tsigned:0;\n\n"
#define PFN   "\tfield:unsigned long pfn;\toffset:8;\tsize:8;\tsigned:0;\n"
#define PFNS  "\tfield:unsigned long pfn[2];\toffset:8;\tsize:16;\tsigned:0;\n"
#define ERR   "\tfield:int error;\toffset:28;\tsize:4;\tsigned:1;\n"
#define PRINT "\nprint fmt: \"%d\", REC->pfn"

/* The low byte of four. */
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
#define WHO "\tfield:u8 origin;\toffset:19;\tsize:1;\tsigned:0;\n"
#else
#define WHO "\tfield:u8 origin;\toffset:16;\tsize:1;\tsigned:0;\n"
#endif

/* A kernel with fewer fields, other widths, and words that this program does not know or
 * finds spelled with underscores; lists that are cut, or that the kernel left as names.
 */
static void test_other_kernels(void **state)
{
	static const struct {
		const char *text;
		enum soft_origin origin;
	} rows[] = {
		{ HEAD PFN ERR PRINT "\n", SOFT_BY_UNKNOWN },
		{ HEAD PFN WHO ERR PRINT "\n", SOFT_BY_UNKNOWN },
		{ HEAD PFN WHO ERR, SOFT_BY_UNKNOWN },
		{ HEAD PFN WHO ERR PRINT
		  ", __print_symbolic(REC->origin, { 0x2, \"kernel\" "
		  "}, { 3, \"firm_ware\" })\n",
		  SOFT_BY_KERNEL },
		{ HEAD PFN WHO ERR PRINT ", __print_symbolic(REC->origin, { BY_KERNEL, "
					 "\"kernel\" }, {2,\"madvise\"})\n",
		  SOFT_BY_MADVISE },
		{ HEAD PFN WHO ERR PRINT ", __print_symbolic(REC->origin, { 1, \"kernel",
		  SOFT_BY_UNKNOWN },
		{ HEAD PFN WHO ERR PRINT
		  ", __print_symbolic(REC->origin, { 2, \"kernel\"",
		  SOFT_BY_UNKNOWN },
		{ HEAD PFN WHO ERR PRINT ", __print_symbolic(REC->origin, { 2",
		  SOFT_BY_UNKNOWN },
		{ HEAD PFN WHO ERR PRINT ", __print_symbolic(REC->origin,",
		  SOFT_BY_UNKNOWN },
		{ HEAD PFN WHO ERR PRINT ", __print_symbolic(REC->origin, "
					 "{ 99999999999999999999, \"sysfs\" }, "
					 "{ 100000000, \"sysfs\" }, "
					 "{ -1, \"sysfs\" }, { 2, \"kernel\" })\n",
		  SOFT_BY_KERNEL },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		_cleanup_(event_format_free_p) struct event_format *f =
			soft_format(rows[i].text);
		struct soft_event ev = decode(f, &soft_sample);

		if (ev.origin != rows[i].origin)
			fail_msg("row %zu: origin %d", i, (int)ev.origin);
		assert_int_equal(ev.pfn.n, 0x12345);
		assert_int_equal(ev.error, EBUSY);
		assert_int_equal(ev.outcome, SOFT_UNKNOWN);
		assert_int_equal(ev.duration_usec, 0);
	}
	assert_int_equal(soft_outcome_from_word("taken_from_free", 15),
			 SOFT_TAKEN_FROM_FREE);
	assert_int_equal(soft_outcome_from_word("taken", 5), SOFT_UNKNOWN);
	assert_int_equal(soft_outcome_from_word("", 0), SOFT_UNKNOWN);
	assert_int_equal(soft_outcome_from_word("migratedx", 9), SOFT_UNKNOWN);
	assert_string_equal(soft_outcome_to_string(SOFT_LOST_RACE), "lost-race");
	assert_string_equal(soft_outcome_to_string((enum soft_outcome)200), "unknown");
}

/* Refused, and everything else still works. */
static void test_bad_texts(void **state)
{
	static const char *const texts[] = {
		"",
		"nonsense\n",
		HEAD PFN PRINT "\n",
		HEAD ERR PRINT "\n",
		"name: soft_offline_event\nID: 1227\nformat:\n" PFN ERR PRINT "\n",
		"name: soft_offline_event\nID: 1223\nformat:\n" PFN ERR PRINT "\n",
		"name: soft_offline_event\nID: 0\nformat:\n" PFN ERR PRINT "\n",
		HEAD PFNS ERR PRINT "\n",
		HEAD
		"\tfield:unsigned long pfn;\toffset:8;\tsize:3;\tsigned:0;\n" ERR PRINT
		"\n",
	};
	_cleanup_(event_format_free_p) struct event_format *f = new_format();
	struct page_builder b;
	struct event_decoder d;

	for (size_t i = 0; i < ARRAY_SIZE(texts); i++)
		if (event_format_add(f, EVENT_SOURCE_SOFT_OFFLINE, texts[i]) != -EBADMSG)
			fail_msg("text %zu is taken", i);
	page_builder_init(&b, 4096, 5000000);
	assert_true(page_builder_soft(&b, 5000000, &soft_sample));
	assert_true(page_builder_mc(&b, 5000999, &sample));
	assert_true(page_builder_failure(&b, 5000999, 1, 2, 3));
	page_builder_finish(&b);
	begin(&d, f, &b);
	assert_int_equal(next_kind(&d), EVENT_KIND_OTHER);
	assert_int_equal(next_kind(&d), EVENT_KIND_ERROR);
	assert_sample(&d.event.ce, 5000);
	assert_int_equal(next_kind(&d), EVENT_KIND_FAILURE);
	assert_int_equal(next_kind(&d), 0);
}

static void test_cut(void **state)
{
	_cleanup_(event_format_free_p) struct event_format *f =
		soft_format(page_builder_soft_format);
	static const uint16_t event[] = { PAGE_BUILDER_SOFT_ID, 0 };
	struct page_builder b;
	struct event_decoder d;

	page_builder_init(&b, 4096, 0);
	assert_true(page_builder_event(&b, 0, event, sizeof(event)));
	page_builder_finish(&b);
	begin(&d, f, &b);
	assert_int_equal(next_kind(&d), -EBADMSG);
	assert_int_equal(next_kind(&d), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_event),       cmocka_unit_test(test_every_word),
		cmocka_unit_test(test_odd_numbers), cmocka_unit_test(test_other_kernels),
		cmocka_unit_test(test_bad_texts),   cmocka_unit_test(test_cut),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

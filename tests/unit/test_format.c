/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * Fields resolved from format texts: a real kernel's, with a page that it recorded,
 * made-up ones of other kernels, and texts that must be refused.
 */

#include <errno.h>

#include "mc_sample.h"

/* The build says where the data is; without it the test runs from the source's root. */
static size_t read_data(const char *name, char *buf, size_t size)
{
	_cleanup_(fclose_p) FILE *file = NULL;
	const char *dir = getenv("TEST_DATA_DIR");
	char path[4096];
	size_t n;

	snprintf(path, sizeof(path), "%s/trace/debian-6.1/%s", dir ? dir : "tests/data",
		 name);
	file = fopen(path, "re");
	if (!file)
		fail_msg("cannot open %s", path);
	n = fread(buf, 1, size - 1, file);
	buf[n] = '\0';
	return n;
}

static void test_kernel_texts(void **state)
{
	_cleanup_(event_format_free_p) struct event_format *f = NULL;
	char header[4096], mc[8192], failure[8192];
	struct page_builder b;
	struct event_decoder d;

	read_data("header_page", header, sizeof(header));
	read_data("mc_event.format", mc, sizeof(mc));
	read_data("memory_failure_event.format", failure, sizeof(failure));
	assert_int_equal(try_format(&f, header, mc), 0);
	assert_int_equal(event_format_add(f, EVENT_SOURCE_MEMORY_FAILURE, failure), 0);

	page_builder_init(&b, 4096, 5000000);
	assert_true(page_builder_mc(&b, 5000999, &sample));
	assert_true(page_builder_failure(&b, 6001000, 0x12345, 13, 3));
	page_builder_finish(&b);
	begin(&d, f, &b);
	assert_int_equal(d.lost, 0);
	assert_false(d.lost_unknown);
	assert_int_equal(next_kind(&d), EVENT_KIND_ERROR);
	assert_sample(&d.event.ce, 5000);
	assert_int_equal(next_kind(&d), EVENT_KIND_FAILURE);
	assert_int_equal(d.event.failure.time.us, 6001);
	assert_int_equal(d.event.failure.pfn.n, 0x12345);
	assert_int_equal(d.event.failure.type, 13);
	assert_int_equal(d.event.failure.result, 3);
	assert_int_equal(next_kind(&d), 0);
	assert_int_equal(next_kind(&d), 0);
}

/* What the kernel of these texts recorded: see tests/data/trace/README. */
static void test_kernel_page(void **state)
{
	_cleanup_(event_format_free_p) struct event_format *f = new_format();
	static char page[PAGE_BUILDER_MAX + 1];
	struct event_decoder d;
	size_t size = read_data("page", page, sizeof(page));

#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
	print_message("skipped: the page is of a machine whose numbers begin low\n");
	skip();
#endif
	assert_int_equal(size, 4096);
	assert_int_equal(event_decoder_init(&d, f, 5, page, size), 0);
	assert_int_equal(next_kind(&d), EVENT_KIND_ERROR);
	assert_sample(&d.event.ce, d.event.ce.time.us);
	assert_int_equal(next_kind(&d), EVENT_KIND_ERROR);
	assert_int_equal(d.event.ce.severity, CE_UNCORRECTED);
	assert_int_equal(d.event.ce.address.addr, UINT64_C(0xffffffff12345000));
	assert_int_equal(d.event.ce.layer[0], -1);
	assert_int_equal(d.event.ce.grain_bits, 12);
	assert_text(d.event.ce.label, "any memory");
	assert_text(d.event.ce.detail, "");
	assert_false(d.event.ce.overflow);
	/* 200 ms apart: more than 27 bits of nanoseconds, so with time extends. */
	for (uint64_t i = 0; i < 3; i++) {
		int64_t last = d.event.ce.time.us;

		assert_int_equal(next_kind(&d), EVENT_KIND_ERROR);
		assert_int_equal(d.event.ce.count, 0);
		assert_int_equal(d.event.ce.address.addr, 0x40000000 + i * 4096);
		if (i > 0)
			assert_in_range(d.event.ce.time.us - last, 200000, 2000000);
	}
	assert_int_equal(next_kind(&d), 0);
}

/* @format with the one occurrence of @from turned into @to. */
static const char *edited(const char *format, const char *from, const char *to)
{
	static char buf[8192];
	const char *at = strstr(format, from);

	if (!at)
		fail_msg("'%s' is not in the format", from);
	snprintf(buf, sizeof(buf), "%.*s%s%s", (int)(at - format), format, to,
		 at + strlen(from));
	return buf;
}

static int try_mc(const char *mc)
{
	_cleanup_(event_format_free_p) struct event_format *f = NULL;

	return try_format(&f, page_builder_header_page, mc);
}

static int try_header(const char *header)
{
	_cleanup_(event_format_free_p) struct event_format *f = NULL;

	return try_format(&f, header, page_builder_mc_format);
}

static void test_bad_texts(void **state)
{
	const char *mc = page_builder_mc_format;
	const char *header = page_builder_header_page;
	static const char *const nonsense[] = {
		"",
		"\n",
		"name: mc_event\n",
		"name: mc_event\nID: 5\nformat:\n",
		"\x7f garbage",
	};

	for (size_t i = 0; i < ARRAY_SIZE(nonsense); i++) {
		assert_int_equal(try_mc(nonsense[i]), -EBADMSG);
		assert_int_equal(try_header(nonsense[i]), -EBADMSG);
	}
	assert_int_equal(try_mc(edited(mc, "error_type", "what_type")), -EBADMSG);
	assert_int_equal(try_mc(edited(mc, "common_type", "common_kind")), -EBADMSG);
	assert_int_equal(try_mc(edited(mc, "name: mc_event", "name: mx_event")),
			 -EBADMSG);
	assert_int_equal(try_mc(edited(mc, "ID: 1227", "ID: 70000")), -EBADMSG);
	assert_int_equal(try_mc(edited(mc, "offset:8;\tsize:4", "offset:8;\tsize:3")),
			 -EBADMSG);
	assert_int_equal(try_mc(edited(mc, "offset:8;", "offset:65533;")), -EBADMSG);
	assert_int_equal(try_mc(edited(mc, "offset:56;\tsize:4", "offset:56;\tsize:8")),
			 -EBADMSG);
	assert_int_equal(try_header(edited(header, "commit", "other")), -EBADMSG);
	assert_int_equal(try_header(edited(header, "char data", "char date")), -EBADMSG);
	assert_int_equal(try_header(edited(header, "offset:16", "offset:12")), -EBADMSG);
	assert_int_equal(try_mc(mc), 0);
	assert_int_equal(try_header(header), 0);
}

/* A kernel with fields of other widths, signs and places, and with new ones. */
static const char other_format[] =
	"name: mc_event\n"
	"ID: 7\n"
	"format:\n"
	"\tfield:unsigned short common_type;\toffset:0;\tsize:2;\tsigned:0;\n"
	"\n"
	"\tfield:u8 error_type;\toffset:2;\tsize:1;\tsigned:0;\n"
	"\tfield:u8 top_layer;\toffset:3;\tsize:1;\tsigned:0;\n"
	"\tfield:u32 error_count;\toffset:4;\tsize:4;\tsigned:0;\n"
	"\tfield:u64 address;\toffset:8;\tsize:8;\tsigned:0;\n"
	"\tfield:s16 middle_layer;\toffset:16;\tsize:2;\tsigned:1;\n"
	"\tfield:s32 lower_layer;\toffset:20;\tsize:4;\tsigned:1;\n"
	"\tfield:char label[8];\toffset:24;\tsize:8;\tsigned:0;\n"
	"\tfield:__rel_loc char[] msg;\toffset:32;\tsize:4;\tsigned:0;\n"
	"\tfield:u32 grain_bits;\toffset:36;\tsize:4;\tsigned:0;\n"
	"\tfield:u64 brand_new[2];\toffset:40;\tsize:16;\tsigned:0;\n"
	"\n"
	"print fmt: \"%d\", REC->error_count\n";

static void test_other_widths(void **state)
{
	_cleanup_(event_format_free_p) struct event_format *f = NULL;
	uint8_t event[64] = { 0 };
	struct page_builder b;
	struct event_decoder d;

	assert_int_equal(try_format(&f, page_builder_header_page, other_format), 0);
	put(event, 0, 7, 2);
	put(event, 2, 9, 1);          /* error_type: none of the kernel's */
	put(event, 3, 200, 1);        /* unsigned, too large for a layer */
	put(event, 4, 4000000000, 4); /* error_count */
	put(event, 8, UINT64_C(0xffffffffffffffff), 8);
	put(event, 16, (uint64_t)-1, 2);
	put(event, 20, 100, 4);
	memcpy(event + 24, "DIMM_A0X", 8); /* fills its field: no terminator */
	put(event, 32, 4 << 16 | 20, 4);   /* 20 behind the field: 56 */
	put(event, 36, 300, 4);
	memcpy(event + 56, "bad\0", 4);
	page_builder_init(&b, 4096, 0);
	assert_true(page_builder_event(&b, 0, event, sizeof(event)));
	page_builder_finish(&b);

	begin(&d, f, &b);
	assert_int_equal(next_kind(&d), EVENT_KIND_ERROR);
	assert_int_equal(d.event.ce.severity, CE_INFO);
	assert_int_equal(d.event.ce.count, 4000000000);
	assert_int_equal(d.event.ce.address.addr, UINT64_MAX);
	assert_false(d.event.ce.narrow_address);
	assert_int_equal(d.event.ce.layer[0], -1);
	assert_int_equal(d.event.ce.layer[1], -1);
	assert_int_equal(d.event.ce.layer[2], 100);
	assert_int_equal(d.event.ce.grain_bits, 255);
	assert_int_equal(d.event.ce.mc, 0);
	assert_text(d.event.ce.label, "DIMM_A0X");
	assert_text(d.event.ce.msg, "bad");
	assert_text(d.event.ce.detail, "");
}

/* A 32-bit kernel's "long address" (include/ras/ras_event.h): 4 bytes, signed. */
static const char narrow_format[] =
	"name: mc_event\n"
	"ID: 96\n"
	"format:\n"
	"\tfield:unsigned short common_type;\toffset:0;\tsize:2;\tsigned:0;\n"
	"\tfield:unsigned char common_flags;\toffset:2;\tsize:1;\tsigned:0;\n"
	"\tfield:unsigned char common_preempt_count;\toffset:3;\tsize:1;\tsigned:0;\n"
	"\tfield:int common_pid;\toffset:4;\tsize:4;\tsigned:1;\n"
	"\n"
	"\tfield:unsigned int error_type;\toffset:8;\tsize:4;\tsigned:0;\n"
	"\tfield:__data_loc char[] msg;\toffset:12;\tsize:4;\tsigned:0;\n"
	"\tfield:__data_loc char[] label;\toffset:16;\tsize:4;\tsigned:0;\n"
	"\tfield:u16 error_count;\toffset:20;\tsize:2;\tsigned:0;\n"
	"\tfield:u8 mc_index;\toffset:22;\tsize:1;\tsigned:0;\n"
	"\tfield:s8 top_layer;\toffset:23;\tsize:1;\tsigned:1;\n"
	"\tfield:s8 middle_layer;\toffset:24;\tsize:1;\tsigned:1;\n"
	"\tfield:s8 lower_layer;\toffset:25;\tsize:1;\tsigned:1;\n"
	"\tfield:long address;\toffset:28;\tsize:4;\tsigned:1;\n"
	"\tfield:u8 grain_bits;\toffset:32;\tsize:1;\tsigned:0;\n"
	"\tfield:long syndrome;\toffset:36;\tsize:4;\tsigned:1;\n"
	"\tfield:__data_loc char[] driver_detail;\toffset:40;\tsize:4;\tsigned:0;\n"
	"\n"
	"print fmt: \"%d\", REC->error_count\n";

static void test_narrow_address(void **state)
{
	static const struct {
		uint32_t given;
		uint64_t want;
	} rows[] = {
		{ 0x7ffff000, 0x7ffff000 },
		{ 0x80000000, UINT64_C(0x80000000) },
		{ 0xc0001040, UINT64_C(0xc0001040) },
		{ 0xffffffff, UINT64_C(0xffffffff) },
		{ 0, 0 },
	};
	_cleanup_(event_format_free_p) struct event_format *f = NULL;
	struct page_builder b;
	struct event_decoder d;

	assert_int_equal(try_format(&f, page_builder_header_page, narrow_format), 0);
	page_builder_init(&b, 4096, 0);
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		uint8_t event[48] = { 0 };

		put(event, 0, 96, 2);
		put(event, 20, 1, 2);
		put(event, 28, rows[i].given, 4);
		put(event, 32, 6, 1);
		put(event, 36, 0xffffffff, 4); /* a syndrome behind it */
		assert_true(page_builder_event(&b, 0, event, sizeof(event)));
	}
	page_builder_finish(&b);
	begin(&d, f, &b);
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		assert_int_equal(next_kind(&d), EVENT_KIND_ERROR);
		assert_true(d.event.ce.address.addr == rows[i].want);
		assert_true(d.event.ce.has_address && d.event.ce.narrow_address);
		assert_int_equal(d.event.ce.grain_bits, 6);
	}
}

static void test_absent_fields(void **state)
{
	_cleanup_(event_format_free_p) struct event_format *f = NULL;
	uint8_t event[8] = { 0 };
	struct page_builder b;
	struct event_decoder d;

	assert_int_equal(
		try_format(&f, page_builder_header_page,
			   "name: mc_event\nID: 9\nformat:\n"
			   "\tfield:unsigned short common_type;\toffset:0;\tsize:2;"
			   "\tsigned:0;\n\n"
			   "\tfield:int error_type;\toffset:4;\tsize:4;\tsigned:1;\n\n"
			   "print fmt: \"\"\n"),
		0);
	put(event, 0, 9, 2);
	page_builder_init(&b, 4096, 0);
	assert_true(page_builder_event(&b, 0, event, sizeof(event)));
	page_builder_finish(&b);
	begin(&d, f, &b);
	assert_int_equal(next_kind(&d), EVENT_KIND_ERROR);
	assert_int_equal(d.event.ce.count, 1);
	assert_false(d.event.ce.has_address);
	assert_int_equal(d.event.ce.address.addr, 0);
	/* Coarser than any page: no page may be blamed. */
	assert_int_equal(d.event.ce.grain_bits, 64);
	assert_int_equal(d.event.ce.layer[0], -1);
	assert_text(d.event.ce.label, "");
}

/* A 32-bit kernel: the commit word has 4 bytes, and so has the count of lost events. */
static void test_short_commit(void **state)
{
	_cleanup_(event_format_free_p) struct event_format *f = NULL;
	static const char header[] =
		"\tfield: u64 timestamp;\toffset:0;\tsize:8;\tsigned:0;\n"
		"\tfield: local_t commit;\toffset:8;\tsize:4;\tsigned:1;\n"
		"\tfield: int overwrite;\toffset:8;\tsize:1;\tsigned:1;\n"
		"\tfield: char data;\toffset:12;\tsize:4084;\tsigned:1;\n";
	struct page_builder b;
	uint8_t page[4096] = { 0 };
	struct event_decoder d;

	assert_int_equal(try_format(&f, header, page_builder_mc_format), 0);
	page_builder_init(&b, 4096, 8000);
	assert_true(page_builder_mc(&b, 9000, &sample));
	memcpy(page, b.bytes, 8);
	put(page, 8, b.used | (3U << 30), 4);
	memcpy(page + 12, b.bytes + 16, b.used);
	put(page, 12 + b.used, 77, 4);
	put(page, 12 + b.used + 4, 0xdeadbeef, 4);
	assert_int_equal(event_decoder_init(&d, f, 5, page, sizeof(page)), 0);
	assert_int_equal(d.lost, 77);
	assert_int_equal(next_kind(&d), EVENT_KIND_ERROR);
	assert_sample(&d.event.ce, 9);
	assert_int_equal(next_kind(&d), 0);
}

/* Pages of 64 KiB (arm64, ppc64), and sub-buffers that were made larger. */
static void test_large_pages(void **state)
{
	static const char *const sizes[] = { "size:16368", "size:65520", "size:131056" };

	for (size_t i = 0; i < ARRAY_SIZE(sizes); i++) {
		_cleanup_(event_format_free_p) struct event_format *f = NULL;
		const char *header =
			edited(page_builder_header_page, "size:4080", sizes[i]);
		struct page_builder b;
		unsigned int events = 0;
		struct event_decoder d;

		assert_int_equal(try_format(&f, header, page_builder_mc_format), 0);
		page_builder_init(&b, PAGE_BUILDER_MAX, 0);
		while (page_builder_mc(&b, 1000, &sample))
			events++;
		page_builder_finish(&b);
		assert_true(events > 300);
		begin(&d, f, &b);
		for (; events > 0; events--) {
			assert_int_equal(next_kind(&d), EVENT_KIND_ERROR);
			assert_sample(&d.event.ce, 1);
		}
		assert_int_equal(next_kind(&d), 0);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_kernel_texts),
		cmocka_unit_test(test_kernel_page),
		cmocka_unit_test(test_bad_texts),
		cmocka_unit_test(test_other_widths),
		cmocka_unit_test(test_narrow_address),
		cmocka_unit_test(test_absent_fields),
		cmocka_unit_test(test_short_commit),
		cmocka_unit_test(test_large_pages),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

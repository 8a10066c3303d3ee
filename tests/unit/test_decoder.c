/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * The walk over a page: each kind of record, against libtraceevent's kbuffer on random
 * pages, and against damage. Everything random comes from a fixed seed.
 */

#include <errno.h>
#include <event-parse.h>
#include <kbuffer.h>

#include "mc_sample.h"
#include "random.h"

DEFINE_CLEANUP(struct kbuffer *, kbuffer_free)

static uint32_t draw(uint64_t *state)
{
	return (uint32_t)(next_random(state) >> 16);
}

static void test_large_page(void **state)
{
	_cleanup_(event_format_free_p) struct event_format *f = new_format();
	struct page_builder b;
	struct event_decoder d;
	unsigned int built = 0, read = 0;

	page_builder_init(&b, 65536, 0);
	while (page_builder_mc(&b, built * 1000, &sample))
		built++;
	page_builder_finish(&b);
	begin(&d, f, &b);
	while (next_kind(&d) == EVENT_KIND_ERROR)
		assert_sample(&d.event.ce, read++);
	assert_int_equal(read, built);
	assert_true(built > 300);
}

static void test_lost(void **state)
{
	_cleanup_(event_format_free_p) struct event_format *f = new_format();
	const uint8_t filler[112] = { 0 };
	struct page_builder b;
	struct event_decoder d;

	page_builder_init(&b, 4096, 0);
	assert_true(page_builder_mc(&b, 0, &sample));
	page_builder_finish_lost(&b, 1524);
	begin(&d, f, &b);
	assert_int_equal(d.lost, 1524);
	assert_false(d.lost_unknown);

	page_builder_finish_lost(&b, 0);
	begin(&d, f, &b);
	assert_int_equal(d.lost, 0);
	assert_true(d.lost_unknown);

	/* The flag says "stored", but the page ends before the number does. */
	while (page_builder_event(&b, 0, filler, sizeof(filler)))
		;
	put(b.bytes, 8, (4080 - 4) | 3U << 30, 8);
	begin(&d, f, &b);
	assert_int_equal(d.lost, 0);
	assert_true(d.lost_unknown);
}

static void test_times(void **state)
{
	_cleanup_(event_format_free_p) struct event_format *f = new_format();
	const uint64_t day = UINT64_C(86400) * 1000000000;
	struct page_builder b;
	struct event_decoder d;

	page_builder_init(&b, 4096, 1000);
	assert_true(page_builder_mc(&b, day, &sample));
	assert_true(page_builder_discarded(&b, day + 2000, 40));
	assert_true(page_builder_mc(&b, day + 5000, &sample));
	assert_true(page_builder_time_stamp(&b, 7000000));
	assert_true(page_builder_mc(&b, 8000000, &sample));
	assert_true(page_builder_end_padding(&b));
	b.used += 2; /* not even a whole word behind the padding */
	page_builder_finish(&b);
	begin(&d, f, &b);
	assert_int_equal(next_kind(&d), EVENT_KIND_ERROR);
	assert_sample(&d.event.ce, (int64_t)(day / 1000));
	assert_int_equal(next_kind(&d), EVENT_KIND_ERROR);
	assert_sample(&d.event.ce, (int64_t)(day / 1000) + 5);
	assert_int_equal(next_kind(&d), EVENT_KIND_ERROR);
	assert_sample(&d.event.ce, 8000);
	assert_int_equal(next_kind(&d), 0);
}

/* The upper bits of an absolute stamp come from the time so far. */
static void test_long_uptime(void **state)
{
	_cleanup_(event_format_free_p) struct event_format *f = new_format();
	const uint64_t high = UINT64_C(0x1) << 60;
	struct page_builder b;
	struct event_decoder d;

	page_builder_init(&b, 4096, high);
	assert_true(page_builder_time_stamp(&b, 5000000));
	assert_true(page_builder_mc(&b, 5000000, &sample));
	page_builder_finish(&b);
	begin(&d, f, &b);
	assert_int_equal(next_kind(&d), EVENT_KIND_ERROR);
	assert_sample(&d.event.ce, (int64_t)((high + 5000000) / 1000));
}

static void test_other_events(void **state)
{
	_cleanup_(event_format_free_p) struct event_format *f = new_format();
	_cleanup_(event_format_free_p) struct event_format *no_failure = NULL;
	const uint8_t other[16] = { 1, 1 };
	struct page_builder b;
	struct event_decoder d;

	page_builder_init(&b, 4096, 0);
	assert_true(page_builder_event(&b, 0, other, sizeof(other)));
	assert_true(page_builder_failure(&b, 0, 1, 2, 3));
	page_builder_finish(&b);
	begin(&d, f, &b);
	assert_int_equal(next_kind(&d), EVENT_KIND_OTHER);
	assert_int_equal(next_kind(&d), EVENT_KIND_FAILURE);
	assert_int_equal(next_kind(&d), 0);

	assert_int_equal(
		try_format(&no_failure, page_builder_header_page, page_builder_mc_format),
		0);
	begin(&d, no_failure, &b);
	assert_int_equal(next_kind(&d), EVENT_KIND_OTHER);
	assert_int_equal(next_kind(&d), EVENT_KIND_OTHER);
	assert_int_equal(next_kind(&d), 0);
}

/* A whole mc_event whose detail is at @offset with @len. */
static void put_located(struct page_builder *b, uint32_t offset, uint32_t len)
{
	uint8_t event[72] = { 0 };

	put(event, 0, PAGE_BUILDER_MC_ID, 2);
	put(event, 20, 7, 2);
	put(event, 56, len << 16 | offset, 4);
	memset(event + 60, 'x', 12);
	page_builder_init(b, 4096, 0);
	assert_true(page_builder_event(b, 0, event, sizeof(event)));
	/* What stands behind must never be read as part of the event before. */
	assert_true(page_builder_event(b, 0, "yyyyyyyyyyyyyyyyyyyyyyyy", 24));
	page_builder_finish(b);
}

static void test_text_bounds(void **state)
{
	_cleanup_(event_format_free_p) struct event_format *f = new_format();
	static const struct {
		uint32_t offset, len;
		const char *want;
	} cases[] = {
		{ 60, 12, "xxxxxxxxxxxx" }, /* to the very end, no terminator */
		{ 60, 0, "" },
		{ 60, 13, "xxxxxxxxxxxx" },
		{ 60, 0xffff, "xxxxxxxxxxxx" },
		{ 71, 5, "x" },
		{ 72, 1, "" },
		{ 73, 4, "" },
		{ 0xffff, 0xffff, "" },
	};
	struct page_builder b;
	struct event_decoder d;

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		put_located(&b, cases[i].offset, cases[i].len);
		begin(&d, f, &b);
		assert_int_equal(next_kind(&d), EVENT_KIND_ERROR);
		assert_int_equal(d.event.ce.count, 7);
		assert_text(d.event.ce.detail, cases[i].want);
	}
}

static void test_overflow_word(void **state)
{
	_cleanup_(event_format_free_p) struct event_format *f = new_format();
	static const struct {
		const char *msg, *detail;
		bool want;
	} cases[] = {
		{ "", " OVERFLOW", true },       { "memory read OVERFLOW", NULL, true },
		{ "OVERFLO", "OVERFLO", false }, { "overflow", "", false },
		{ NULL, NULL, false },           { "VOVEROVERFLOWS", "", true },
		{ "V", "VERFLOW OV", false },    { "OVERFLOX", "OVERHEATED", false },
	};
	struct page_builder b;
	struct event_decoder d;

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct mc_sample s = sample;

		s.msg = cases[i].msg;
		s.detail = cases[i].detail;
		page_builder_init(&b, 4096, 0);
		assert_true(page_builder_mc(&b, 0, &s));
		page_builder_finish(&b);
		begin(&d, f, &b);
		assert_int_equal(next_kind(&d), EVENT_KIND_ERROR);
		assert_int_equal(d.event.ce.overflow, cases[i].want);
	}
}

static void test_bad_pages(void **state)
{
	_cleanup_(event_format_free_p) struct event_format *f = new_format();
	static const uint16_t short_event[] = { PAGE_BUILDER_MC_ID, 0 };
	struct page_builder b;
	struct event_decoder d;

	page_builder_init(&b, 4096, 0);
	assert_true(page_builder_mc(&b, 0, &sample));
	page_builder_finish(&b);
	assert_int_equal(event_decoder_init(&d, f, 0, b.bytes, 0), -EBADMSG);
	assert_int_equal(event_decoder_init(&d, f, 0, b.bytes, 15), -EBADMSG);
	/* The commit word reaches past what was read. */
	assert_int_equal(event_decoder_init(&d, f, 0, b.bytes, 16), -EBADMSG);
	assert_int_equal(next_kind(&d), 0);
	put(b.bytes, 8, 4081, 8);
	assert_int_equal(event_decoder_init(&d, f, 0, b.bytes, 4096), -EBADMSG);

	/* Good, then cut in the middle of an event. */
	assert_true(page_builder_mc(&b, 0, &sample));
	b.used -= 4;
	page_builder_finish(&b);
	begin(&d, f, &b);
	assert_int_equal(next_kind(&d), EVENT_KIND_ERROR);
	assert_int_equal(next_kind(&d), -EBADMSG);
	assert_int_equal(next_kind(&d), 0);

	/* The right id, but shorter than its fields. */
	page_builder_init(&b, 4096, 0);
	assert_true(page_builder_event(&b, 0, short_event, sizeof(short_event)));
	page_builder_finish(&b);
	begin(&d, f, &b);
	assert_int_equal(next_kind(&d), -EBADMSG);

	/* A long event whose length does not even hold itself. */
	page_builder_init(&b, 4096, 0);
	assert_true(page_builder_event(&b, 0, "", 0));
	put(b.bytes, 20, 3, 4);
	page_builder_finish(&b);
	begin(&d, f, &b);
	assert_int_equal(next_kind(&d), -EBADMSG);

	page_builder_init(&b, 4096, 0);
	page_builder_finish(&b);
	begin(&d, f, &b);
	assert_int_equal(next_kind(&d), 0);
}

static bool put_random(struct page_builder *b, uint64_t *seed)
{
	static const uint64_t steps[] = {
		0, 1, 1000, 1 << 26, (1 << 27) - 1, 1 << 27, UINT64_C(3) << 40
	};
	static const char text[] = "CPU_SrcID#0_MC#1_Chan#1_DIMM#0 or some other text";
	const uint64_t time =
		b->time_ns + steps[draw(seed) % ARRAY_SIZE(steps)] + draw(seed) % 1000;
	uint8_t other[400] = { 1 };
	struct mc_sample s = {
		.address = (uint64_t)draw(seed) << 12,
		.syndrome = draw(seed),
		.count = (uint16_t)draw(seed),
		.msg = text + draw(seed) % sizeof(text),
		.label = text + draw(seed) % sizeof(text),
		.detail = text + draw(seed) % sizeof(text),
	};

	switch (draw(seed) % 6) {
	case 0:
		return page_builder_event(b, time, other,
					  4 + draw(seed) % (sizeof(other) - 4));
	case 1:
		return page_builder_discarded(b, time, 8 + draw(seed) % 20 * 4);
	case 2:
		return page_builder_time_stamp(b, time);
	default:
		return page_builder_mc(b, time, &s);
	}
}

static void build_random(struct page_builder *b, uint64_t *seed)
{
	const unsigned int end = draw(seed) % 3;

	page_builder_init(b, 4096, (uint64_t)draw(seed) << 10);
	while (put_random(b, seed) && draw(seed) % 50)
		;
	if (draw(seed) % 2)
		page_builder_end_padding(b);
	if (end == 0)
		page_builder_finish(b);
	else
		page_builder_finish_lost(b, end == 1 ? draw(seed) : 0);
}

static void assert_same_record(struct event_decoder *d, int record, const uint8_t *data,
			       uint64_t time_ns)
{
	uint64_t address;
	uint32_t loc;
	uint16_t id;

	memcpy(&id, data, sizeof(id));
	if (id != PAGE_BUILDER_MC_ID) {
		assert_int_equal(record, EVENT_KIND_OTHER);
		return;
	}
	assert_int_equal(record, EVENT_KIND_ERROR);
	memcpy(&loc, data + 16, sizeof(loc));
	memcpy(&address, data + 32, sizeof(address));
	assert_int_equal(d->event.ce.time.us, time_ns / 1000);
	assert_int_equal(d->event.ce.address.addr, address);
	assert_ptr_equal(d->event.ce.label.s, data + (loc & 0xffff));
	assert_int_equal(d->event.ce.label.len, (loc >> 16) - 1);
}

/* libtraceevent 1.7 takes "same as host" for little-endian. */
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
#define HOST_ENDIAN KBUFFER_ENDIAN_BIG
#else
#define HOST_ENDIAN KBUFFER_ENDIAN_LITTLE
#endif

static void test_same_as_kbuffer(void **state)
{
	_cleanup_(event_format_free_p) struct event_format *f = new_format();
	_cleanup_(kbuffer_free_p) struct kbuffer *kbuf =
		kbuffer_alloc(KBUFFER_LSIZE_8, HOST_ENDIAN);
	uint64_t seed = 20260101;
	unsigned long records = 0;
	struct page_builder b;
	struct event_decoder d;

	for (int i = 0; i < 3000; i++) {
		unsigned long long time;
		void *data;
		int missed;

		build_random(&b, &seed);
		begin(&d, f, &b);
		assert_int_equal(kbuffer_load_subbuffer(kbuf, b.bytes), 0);
		/* It forgets them unless the page begins with an event. */
		if (kbuffer_read_event(kbuf, &time) && kbuffer_curr_index(kbuf) == 0) {
			missed = kbuffer_missed_events(kbuf);
			assert_int_equal(d.lost_unknown ? -1 : (int)d.lost, missed);
		}
		for (data = kbuffer_read_event(kbuf, &time); data;
		     data = kbuffer_next_event(kbuf, &time)) {
			assert_same_record(&d, next_kind(&d), data, time);
			records++;
		}
		assert_int_equal(next_kind(&d), 0);
	}
	assert_true(records > 10000);
}

static void assert_inside(struct ce_text text, const uint8_t *page, size_t size)
{
	const uint8_t *s = (const uint8_t *)text.s;

	if (text.len == 0)
		return;
	assert_true(s >= page && s < page + size);
	assert_true(text.len <= (size_t)(page + size - s));
}

static void walk(const struct event_format *f, const uint8_t *page, size_t size)
{
	struct event_decoder d;
	size_t steps = 0;
	int r;

	if (event_decoder_init(&d, f, 0, page, size) < 0)
		return;
	while ((r = next_kind(&d)) > 0) {
		const struct ce_text texts[] = { d.event.ce.msg, d.event.ce.label,
						 d.event.ce.detail };

		/* Each step takes 4 bytes at least. */
		assert_true(++steps <= size / 4);
		for (size_t t = 0; r == EVENT_KIND_ERROR && t < ARRAY_SIZE(texts); t++)
			assert_inside(texts[t], page, size);
	}
	assert_true(r == 0 || r == -EBADMSG);
}

/* The page lies in memory of exactly its size, so that a sanitizer sees any step out. */
/* A page that says the end of all time: deltas do not lead back to its beginning. */
static void test_end_of_time(void **state)
{
	_cleanup_(event_format_free_p) struct event_format *f = new_format();
	const uint64_t late = UINT64_MAX - 2000;
	struct page_builder b;
	struct event_decoder d;

	page_builder_init(&b, 4096, 0);
	assert_true(page_builder_mc(&b, 1000, &sample));
	assert_true(page_builder_mc(&b, 5000, &sample));
	assert_true(page_builder_mc(&b, UINT64_C(1) << 40, &sample));
	page_builder_finish(&b);
	memcpy(b.bytes, &late, sizeof(late));
	begin(&d, f, &b);
	assert_int_equal(next_kind(&d), EVENT_KIND_ERROR);
	assert_sample(&d.event.ce, (int64_t)((late + 1000) / 1000));
	for (int i = 0; i < 2; i++) {
		assert_int_equal(next_kind(&d), EVENT_KIND_ERROR);
		assert_sample(&d.event.ce, (int64_t)(UINT64_MAX / 1000));
	}
}

static void test_damage(void **state)
{
	_cleanup_(event_format_free_p) struct event_format *f = new_format();
	uint64_t seed = 7;
	struct page_builder b;

	for (int i = 0; i < 20000; i++) {
		_cleanup_(free_p) uint8_t *page = NULL;
		size_t size = 4096;

		build_random(&b, &seed);
		if (draw(&seed) % 4 == 0)
			size = draw(&seed) % 4097;
		page = malloc(size ? size : 1);
		assert_non_null(page);
		memcpy(page, b.bytes, size);
		for (unsigned int n = draw(&seed) % 8; size > 0 && n > 0; n--)
			page[draw(&seed) % (n % 2 ? size : size % 300 + 1) % size] =
				(uint8_t)draw(&seed);
		walk(f, page, size);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_large_page),
		cmocka_unit_test(test_lost),
		cmocka_unit_test(test_times),
		cmocka_unit_test(test_long_uptime),
		cmocka_unit_test(test_end_of_time),
		cmocka_unit_test(test_other_events),
		cmocka_unit_test(test_text_bounds),
		cmocka_unit_test(test_overflow_word),
		cmocka_unit_test(test_bad_pages),
		cmocka_unit_test(test_same_as_kbuffer),
		cmocka_unit_test(test_damage),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

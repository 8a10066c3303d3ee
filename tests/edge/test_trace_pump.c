/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * The reading thread: every page arrives once and in order, a full queue holds reading up
 * and nothing else, memory comes and goes, the end is clean.
 */

#include <sched.h>
#include <sys/ioctl.h>

#include "fake_tracefs.h"
#include "trace/trace_pump.h"

/* What page number @i is filled with: nothing that its commit word could be. */
static uint8_t filling(unsigned int i)
{
	return (uint8_t)(128 + i % 127);
}

struct seen {
	unsigned int pages;
	unsigned int wrong;
};

static void on_numbered(void *userdata, uint16_t cpu, const void *page, size_t size)
{
	struct seen *seen = userdata;

	seen->wrong += cpu != 0 || size != PAGE ||
		       ((const uint8_t *)page)[PAGE - 1] != filling(seen->pages);
	seen->pages++;
}

static struct trace_pump *start(struct fixture *f, uint64_t bytes)
{
	struct trace_pump *p = NULL;

	open_reader(f);
	assert_int_equal(trace_pump_start(&p, f->reader, bytes), 0);
	return p;
}

/* Waits for the descriptor as the loop does; it must never have to be guessed. */
static void take_until(struct trace_pump *p, struct seen *seen, unsigned int pages)
{
	struct pollfd fd = { .fd = trace_pump_fd(p), .events = POLLIN };

	while (seen->pages < pages) {
		assert_int_equal(poll(&fd, 1, 60000), 1);
		assert_true(trace_pump_take(p, 3, on_numbered, seen) >= 0);
	}
}

static void all_in_order(struct fixture *f, uint64_t bytes)
{
	struct trace_pump *p = start(f, bytes);
	struct seen seen = { 0 };
	unsigned int written = 0;

	for (unsigned int round = 0; round < 200; round++) {
		for (unsigned int i = 0; i < 10; i++)
			put_page(f, 0, filling(written++));
		take_until(p, &seen, written);
	}
	assert_int_equal(seen.pages, 2000);
	assert_int_equal(seen.wrong, 0);
	assert_int_equal(trace_pump_take(p, 3, on_numbered, &seen), 0);
	trace_pump_stop(p);
}

/* A FIFO holds 16 pages and the queue 4: both fill up on the way. */
static void test_all_pages_in_order(void **state)
{
	all_in_order(*state, 5 * PAGE);
}

/* Some of them in the queue that goes first, some in the other one. */
static void test_order_in_two_queues(void **state)
{
	all_in_order(*state, 40 * PAGE);
}

static void test_full_queue_waits(void **state)
{
	struct fixture *f = *state;
	struct trace_pump *p = start(f, 0);
	struct seen seen = { 0 };

	for (unsigned int i = 0; i < 12; i++)
		put_page(f, 0, filling(i));
	/* Whether by the thread or by this call: no more than there is room for. */
	assert_true(trace_pump_pull(p) <= 4);
	assert_true(trace_pump_pull(p) >= 3);
	assert_false(trace_pump_was_full(p));
	take_until(p, &seen, 12);
	assert_true(trace_pump_was_full(p));
	assert_int_equal(seen.wrong, 0);
	trace_pump_stop(p);
}

/* Pages in CPU 0's pipe. */
static unsigned int left_in_pipe(struct fixture *f)
{
	int bytes = 0;

	assert_int_equal(ioctl(f->writer[0], FIONREAD, &bytes), 0);
	return (unsigned int)bytes / PAGE;
}

static void pause_msec(long n)
{
	(void)poll(NULL, 0, (int)n);
}

#define LARGE      (16 << 20) /* a buffer of the kernel's in which events can wait */
#define MANY_PAGES 200

/*
 * With enough in the queue events wait where they are, and another CPU's are read beside
 * them; unless the kernel says that its buffer is filling up.
 */
static void test_waits_in_the_kernel(void **state)
{
	struct fixture *f = *state;
	struct seen seen = { 0 };
	struct trace_pump *p;

	open_reader(f);
	assert_int_equal(trace_reader_set_buffer_size(f->reader, LARGE), 0);
	assert_true(fcntl(f->writer[0], F_SETPIPE_SZ, MANY_PAGES * PAGE) >=
		    MANY_PAGES * PAGE);
	for (unsigned int i = 0; i < MANY_PAGES; i++)
		put_page(f, 0, filling(i));
	put_backlog(f, 0, 1);
	put_backlog(f, 1, 1);
	assert_int_equal(trace_pump_start(&p, f->reader, 1024 * PAGE), 0);
	/* 256 KiB are 64 pages; they are read 64 at a time. */
	while (left_in_pipe(f) > MANY_PAGES - 63)
		pause_msec(1);
	pause_msec(200); /* if it did go on, it would be seen */
	assert_true(left_in_pipe(f) >= MANY_PAGES - 2 * 64);

	put_backlog(f, 0, LARGE / 4 * 3 + 10 * PAGE);
	while (left_in_pipe(f) > 0)
		pause_msec(1);
	put_backlog(f, 0, 1);
	take_until(p, &seen, MANY_PAGES);
	assert_int_equal(seen.wrong, 0);

	/* And goes on, with whatever comes. */
	for (unsigned int i = 0; i < 10; i++)
		put_page(f, 0, filling(MANY_PAGES + i));
	take_until(p, &seen, MANY_PAGES + 10);
	assert_int_equal(seen.wrong, 0);
	trace_pump_stop(p);
}

/* CPU 0 has 40 pages in the queues, 16 of them in the one that goes first. */
static struct trace_pump *start_with_40(struct fixture *f)
{
	struct trace_pump *p = NULL;

	open_reader(f);
	assert_true(fcntl(f->writer[0], F_SETPIPE_SZ, 64 * PAGE) >= 64 * PAGE);
	for (unsigned int i = 0; i < 40; i++)
		put_page(f, 0, filling(i));
	assert_int_equal(trace_pump_start(&p, f->reader, 1024 * PAGE), 0);
	assert_int_equal(trace_pump_pull(p), 40);
	return p;
}

static void on_order(void *userdata, uint16_t cpu, const void *page, size_t size)
{
	char *order = userdata;

	order[strlen(order)] = (char)('0' + cpu);
}

/* A page of a CPU that has none in the queue is behind the first ones of others, but not
 * behind all that a storm has queued. */
static void test_first_pages_first(void **state)
{
	struct fixture *f = *state;
	struct trace_pump *p = start_with_40(f);
	char order[64] = "";

	put_page(f, 1, filling(0));
	put_page(f, 0, filling(40));
	assert_int_equal(trace_pump_pull(p), 42);
	assert_int_equal(trace_pump_take(p, 42, on_order, order), 42);
	assert_string_equal(order, "0000000000000000" /* a turn */
				   "1"
				   "0000000000000000000000000");
	trace_pump_stop(p);
}

static void on_cpu(void *userdata, uint16_t cpu, const void *page, size_t size)
{
	unsigned int *pages = userdata;

	pages[cpu]++;
}

static void await_empty_pipe(struct fixture *f, unsigned int cpu)
{
	int bytes = 1;

	while (bytes > 0) {
		assert_int_equal(ioctl(f->writer[cpu], FIONREAD, &bytes), 0);
		pause_msec(1);
	}
}

/* As many takes as pulls empty the queue, even if the thread reads more in between. */
static void test_pulled_before_others(void **state)
{
	struct fixture *f = *state;
	char order[64] = "";
	struct trace_pump *p = start_with_40(f);

	assert_int_equal(trace_pump_take(p, 20, on_order, order), 20);
	for (unsigned int i = 0; i < 6; i++)
		put_page(f, 1, filling(i));
	await_empty_pipe(f, 1);
	assert_int_equal(trace_pump_take(p, 20, on_order, order), 20);
	assert_null(strchr(order, '1'));
	/* The thread may be between reading the last one and queueing it. */
	while (strlen(order) < 46)
		(void)trace_pump_take(p, 10, on_order, order);
	assert_string_equal(order + 40, "111111");
	trace_pump_stop(p);
}

/* Any number of pages may go first: the pages after them continue in their order. */
static void test_rest_goes_on(void **state)
{
	struct fixture *f = *state;
	unsigned int pages[CPUS] = { 0 };
	struct trace_pump *p = start_with_40(f);

	for (unsigned int i = 0; i < 16 + 4 * 24; i++) {
		put_page(f, 1, filling(i));
		assert_true(trace_pump_pull(p) > 0);
		assert_int_equal(trace_pump_take(p, 1, on_cpu, pages), 1);
	}
	assert_int_equal(pages[0], 40);
	trace_pump_stop(p);
}

/* CPU 0 has a page more whenever it can, and more than may wait in its buffer. */
static struct trace_pump *start_storm(struct fixture *f)
{
	struct trace_pump *p;

	open_reader(f);
	assert_int_equal(trace_reader_set_buffer_size(f->reader, LARGE), 0);
	for (unsigned int cpu = 0; cpu < 2; cpu++)
		put_backlog(f, cpu, cpu ? 1 : LARGE);
	assert_int_equal(trace_pump_start(&p, f->reader, 128 * PAGE), 0);
	return p;
}

static void storm_on(struct fixture *f, unsigned int cpu)
{
	uint8_t page[PAGE];

	memset(page, filling(0), sizeof(page));
	while (write(f->writer[cpu], page, PAGE) == PAGE)
		continue;
}

/* Counts more slowly than they come: the queue stays full. */
static void take_some(struct trace_pump *p, unsigned int *pages)
{
	(void)trace_pump_take(p, 8, on_cpu, pages);
	pause_msec(1);
}

/* However long it goes on: a page of another CPU is taken meanwhile. */
static void test_storm_beside_a_page(void **state)
{
	struct fixture *f = *state;
	struct trace_pump *p = start_storm(f);
	unsigned int pages[CPUS] = { 0 };

	while (pages[0] < 500) {
		storm_on(f, 0);
		take_some(p, pages);
	}
	put_page(f, 1, filling(1));
	/* The queue holds 128 pages: no more than those are taken before it. */
	while (pages[1] == 0 && pages[0] < 5000) {
		storm_on(f, 0);
		take_some(p, pages);
	}
	assert_int_equal(pages[1], 1);
	trace_pump_stop(p);
}

/* Two storms share the queue. */
static void test_two_storms(void **state)
{
	struct fixture *f = *state;
	struct trace_pump *p = start_storm(f);
	unsigned int pages[CPUS] = { 0 };

	put_backlog(f, 1, LARGE);
	while (pages[0] + pages[1] < 4000) {
		storm_on(f, 0);
		storm_on(f, 1);
		take_some(p, pages);
	}
	assert_true(pages[0] > 1000);
	assert_true(pages[1] > 1000);
	assert_true(trace_pump_was_full(p));
	trace_pump_stop(p);
}

static void on_sizes(void *userdata, uint16_t cpu, const void *page, size_t size)
{
	size_t *sum = userdata;

	*sum = *sum * 10000 + size;
}

/* Of a page that is hardly used only that part takes room. */
static void test_unused_parts(void **state)
{
	static const struct {
		uint64_t commit;
		size_t size;
	} rows[] = {
		{ 0, 16 },
		{ 40, 56 },
		{ 4080, 4096 },
		{ 4081, 4096 },
		{ 40 | UINT64_C(1) << 31, 56 },
		{ 40 | UINT64_C(3) << 30, 64 },
		{ 4076 | UINT64_C(3) << 30, 4096 },
		{ 40 | UINT64_C(1) << 32, 4096 }, /* no commit word */
	};
	struct fixture *f = *state;
	struct trace_pump *p = start(f, 64 * PAGE);

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		uint8_t page[PAGE] = { 0 };
		size_t sum = 0;

		memcpy(page + 8, &rows[i].commit, sizeof(rows[i].commit));
		assert_int_equal(write(f->writer[0], page, PAGE), PAGE);
		assert_int_equal(trace_pump_pull(p), 1);
		assert_int_equal(trace_pump_take(p, 2, on_sizes, &sum), 1);
		assert_int_equal(sum, rows[i].size);
	}
	trace_pump_stop(p);
}

static void test_pull_sees_what_is_there(void **state)
{
	struct fixture *f = *state;
	struct trace_pump *p = start(f, 64 * PAGE);
	struct seen seen = { 0 };
	unsigned int n;

	for (unsigned int i = 0; i < 12; i++) {
		put_page(f, 0, filling(i));
		n = trace_pump_pull(p);
		assert_int_equal(n, 1);
		assert_int_equal(trace_pump_take(p, n + 1, on_numbered, &seen), 1);
		assert_int_equal(seen.pages, i + 1);
	}
	trace_pump_stop(p);
}

static void test_unreported_waits_for_the_queue(void **state)
{
	struct fixture *f = *state;
	struct trace_pump *p = start(f, 64 * PAGE);
	struct seen seen = { 0 };

	assert_int_equal(trace_pump_pull(p), 0);
	assert_int_equal(trace_pump_unreported(p, 0), 0);
	put_stats(f, 0, 40, 0, 0);
	trace_pump_note_lost(p, 0, 0, true);
	put_page(f, 0, filling(0));
	assert_int_equal(trace_pump_pull(p), 1);
	/* The page in the queue might tell of it. */
	assert_int_equal(trace_pump_unreported(p, 0), 0);
	assert_int_equal(trace_pump_take(p, 2, on_numbered, &seen), 1);
	assert_int_equal(trace_pump_pull(p), 0);
	assert_int_equal(trace_pump_unreported(p, 0), 40);
	assert_int_equal(trace_pump_unreported(p, 0), 0);
	trace_pump_stop(p);
}

/* Only then are the kernel's count and the taker's of the same events. */
static void test_consumed_waits_for_the_queue(void **state)
{
	struct fixture *f = *state;
	struct trace_pump *p = start(f, 40 * PAGE);
	struct seen seen = { 0 };
	struct trace_look look;
	uint64_t n = 0;

	assert_int_equal(trace_pump_consumed(p, 0, &n), 0);
	assert_int_equal(n, 5);
	put_page(f, 0, filling(0));
	assert_int_equal(trace_pump_pull(p), 1);
	assert_int_equal(trace_pump_consumed(p, 0, &n), -EAGAIN);
	take_until(p, &seen, 1);
	assert_int_equal(trace_pump_consumed(p, 0, &n), 0);
	assert_int_equal(trace_pump_consumed(p, CPUS, &n), -EINVAL);

	/* Settings are looked at, and pipes are opened again, under the thread. */
	put_file(f, INSTANCE "tracing_on", "0\n");
	trace_pump_look(p, &look);
	assert_true(trace_changes_has(look.changes, TRACE_CHANGE_TRACING_ON));
	trace_pump_reopen(p);
	put_page(f, 0, filling(1));
	take_until(p, &seen, 2);
	assert_int_equal(seen.wrong, 0);
	trace_pump_stop(p);
}

static void test_halt_keeps_the_queue(void **state)
{
	struct fixture *f = *state;
	struct trace_pump *p = start(f, 8 * PAGE);
	struct seen seen = { 0 };

	put_page(f, 0, filling(0));
	assert_int_equal(trace_pump_pull(p), 1);
	trace_pump_halt(p);
	put_page(f, 0, filling(1));
	assert_int_equal(trace_pump_take(p, 8, on_numbered, &seen), 1);
	trace_pump_stop(p);
	/* The reader is ours again, and has lost nothing. */
	assert_int_equal(trace_reader_read(f->reader, 8, on_numbered, &seen), 1);
	assert_int_equal(seen.wrong, 0);
}

static void test_all_pipes_gone(void **state)
{
	struct fixture *f = *state;
	struct trace_pump *p = start(f, 8 * PAGE);
	struct pollfd fd = { .fd = trace_pump_fd(p), .events = POLLIN };
	struct seen seen = { 0 };

	/* No writer: the FIFOs say that this is the end. */
	close_p(&f->writer[0]);
	close_p(&f->writer[1]);
	assert_int_equal(poll(&fd, 1, 60000), 1);
	assert_int_equal(trace_pump_take(p, 8, on_numbered, &seen), -ENODEV);
	trace_pump_stop(p);
}

static void test_foreign_clock(void **state)
{
	struct fixture *f = *state;
	struct trace_pump *p = NULL;

	put_file(f, INSTANCE "trace_clock", "[local] global boot\n");
	open_reader(f);
	assert_int_equal(trace_pump_start(&p, f->reader, 8 << 20), -EINVAL);
	assert_null(p);
}

/* Without malloc(): a sanitizer keeps what is freed, and that would count. */
static uint64_t rss_pages(void)
{
	_cleanup_(close_p) int fd = open("/proc/self/statm", O_RDONLY | O_CLOEXEC);
	unsigned long size = 0, resident = 0;
	char text[128] = "";

	assert_true(fd >= 0);
	assert_true(read(fd, text, sizeof(text) - 1) > 0);
	assert_int_equal(sscanf(text, "%lu %lu", &size, &resident), 2);
	return resident;
}

/* A queue that is emptied again and again uses the same memory again and again. */
static void test_memory_is_used_again(void **state)
{
	struct fixture *f = *state;
	struct trace_pump *p = start(f, 8 << 20);
	struct seen seen = { 0 };
	uint64_t before = rss_pages();

	for (unsigned int i = 0; i < 3000; i++) {
		put_page(f, 0, filling(i));
		take_until(p, &seen, i + 1);
	}
	assert_int_equal(seen.wrong, 0);
	assert_true(rss_pages() <= before + 200);
	trace_pump_stop(p);
}

/* Memory is taken as the queue fills, and given back once it was emptied. */
static void test_memory_comes_and_goes(void **state)
{
	struct fixture *f = *state;
	struct trace_pump *p = start(f, 8 << 20);
	struct seen seen = { 0 };
	uint64_t before = rss_pages(), full;

	for (unsigned int i = 0; i < 1500; i++) {
		put_page(f, 0, filling(i));
		assert_int_equal(trace_pump_pull(p), i + 1);
	}
	full = rss_pages();
	assert_true(full >= before + 1500);
	take_until(p, &seen, 1500);
	assert_int_equal(seen.wrong, 0);
	assert_false(trace_pump_was_full(p));
	/* Once nothing has come for a while. */
	while (rss_pages() + 1400 > full)
		(void)poll(NULL, 0, 10);
	put_page(f, 0, filling(1500));
	take_until(p, &seen, 1501);
	assert_int_equal(seen.wrong, 0);
	trace_pump_stop(p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_all_pages_in_order),
		TEST(test_order_in_two_queues),
		TEST(test_first_pages_first),
		TEST(test_rest_goes_on),
		TEST(test_pulled_before_others),
		TEST(test_full_queue_waits),
		TEST(test_waits_in_the_kernel),
		TEST(test_storm_beside_a_page),
		TEST(test_two_storms),
		TEST(test_pull_sees_what_is_there),
		TEST(test_unreported_waits_for_the_queue),
		TEST(test_consumed_waits_for_the_queue),
		TEST(test_halt_keeps_the_queue),
		TEST(test_all_pipes_gone),
		TEST(test_unused_parts),
		TEST(test_foreign_clock),
		TEST(test_memory_is_used_again),
		TEST(test_memory_comes_and_goes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

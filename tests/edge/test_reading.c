/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * Reading with and without the thread: a foreign clock is read out by the caller first,
 * and what ends or delays reading is one line in the journal.
 */

#include "edge/said.h"
#include "fake_tracefs.h"
#include "parts/reading.h"

static struct reading r;
static unsigned int pages;

static void count_page(void *userdata, uint16_t cpu, const void *page, size_t size)
{
	pages++;
}

static void begin(struct fixture *f, const char *record_dir)
{
	const char *where = NULL;

	assert_int_equal(try_open(f, record_dir, &where), 0);
	r = (struct reading){ .reader = TAKE_PTR(f->reader),
			      .record_dir = record_dir,
			      .queue_size = 64 * PAGE };
	lines = pages = 0;
	assert_int_equal(reading_start(&r), 0);
}

static void take_until(unsigned int n)
{
	struct pollfd fd = { .fd = reading_fd(&r), .events = POLLIN };

	while (pages < n) {
		assert_int_equal(poll(&fd, 1, 60000), 1);
		assert_true(reading_take(&r, 3, count_page, NULL) >= 0);
	}
}

static void with_the_thread(void **state)
{
	struct fixture *f = *state;

	begin(f, NULL);
	assert_non_null(r.pump);
	assert_false(reading_can_start(&r));
	assert_false(reading_has_foreign_clock(&r));
	assert_int_equal(reading_cpus(&r), CPUS);
	assert_int_equal(reading_open_pipes(&r), CPUS - 1);
	put_page(f, 0, 1);
	put_page(f, 1, 2);
	take_until(2);
	assert_int_equal(reading_unreported(&r, 0), 0);
	/* What the thread has read before its end is not dropped. */
	put_page(f, 0, 1);
	assert_true(trace_pump_pull(r.pump) <= 1);
	reading_halt(&r);
	take_until(3);
	reading_stop(&r);
	assert_null(r.pump);
	assert_true(reading_can_start(&r));
	assert_int_equal(reading_start(&r), 0);
	put_page(f, 1, 2);
	take_until(4);
	assert_int_equal(lines, 0);
	reading_close(&r);
}

/* Pages of another clock are read by the caller; then the thread can start. */
static void foreign_clock(void **state)
{
	struct fixture *f = *state;

	put_file(f, INSTANCE "trace_clock", "[local] global boot\n");
	put_page(f, 0, 1);
	put_page(f, 1, 2);
	begin(f, NULL);
	assert_null(r.pump);
	assert_true(reading_has_foreign_clock(&r));
	assert_false(reading_can_start(&r));
	assert_int_equal(reading_open_pipes(&r), CPUS - 1);
	assert_int_equal(reading_set_buffer_size(&r, 65536), 0);
	reading_rescan(&r);
	reading_note_lost(&r, 0, 0, false);
	assert_int_equal(reading_take(&r, 8, count_page, NULL), 2);
	assert_false(reading_has_foreign_clock(&r));
	assert_true(reading_can_start(&r));
	assert_int_equal(reading_start(&r), 0);
	assert_non_null(r.pump);
	put_page(f, 0, 1);
	take_until(3);
	reading_close(&r);
}

/* A queue that was full is said once, however long it is full. */
static void full_queue(void **state)
{
	struct fixture *f = *state;

	begin(f, NULL);
	reading_stop(&r);
	r.queue_size = 0;
	assert_int_equal(reading_start(&r), 0);
	for (unsigned int n = 12; n <= 24; n += 12) {
		for (unsigned int i = 0; i < 12; i++)
			put_page(f, 0, 1);
		/* Full before a page is taken, whether by the thread or by this call. */
		while (trace_pump_pull(r.pump) < 3)
			;
		take_until(n);
	}
	assert_int_equal(lines, 1);
	assert_non_null(strstr(last, "[Source] MaxBufferSize"));
	reading_close(&r);
}

static void record_until_full(struct fixture *f, bool thread)
{
	const struct rlimit small = { 3 * PAGE, RLIM_INFINITY };
	struct rlimit before;
	char dir[128];

	signal(SIGXFSZ, SIG_IGN); /* as the daemon does: a file at the limit is EFBIG */
	snprintf(dir, sizeof(dir), "%s/record", f->root);
	if (!thread)
		put_file(f, INSTANCE "trace_clock", "[local] global boot\n");
	begin(f, dir);
	assert_int_equal(r.pump != NULL, thread);
	put_page(f, 0, 1);
	if (!thread)
		put_page(f, 0, 1);
	assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &small), 0);
	if (thread)
		take_until(1);
	else
		assert_int_equal(reading_take(&r, 1, count_page, NULL), 1);
	reading_look_at_recording(&r);
	assert_int_equal(lines, 0); /* the first page fits */
	for (unsigned int i = 0; i < 4; i++)
		put_page(f, 0, 1);
	if (thread)
		take_until(5);
	else
		assert_int_equal(reading_take(&r, 4, count_page, NULL), 4);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &before), 0);
	reading_look_at_recording(&r);
	reading_look_at_recording(&r);
	assert_int_equal(lines, 1);
	assert_non_null(strstr(last, "/record/pages: the recording ends here"));
	reading_close(&r);
}

/* A recording that cannot be written ends with one line; all pages are taken. */
static void recording_ends(void **state)
{
	record_until_full(*state, true);
}

static void recording_ends_without_thread(void **state)
{
	record_until_full(*state, false);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(with_the_thread, setup, teardown),
		cmocka_unit_test_setup_teardown(foreign_clock, setup, teardown),
		cmocka_unit_test_setup_teardown(full_queue, setup, teardown),
		cmocka_unit_test_setup_teardown(recording_ends, setup, teardown),
		cmocka_unit_test_setup_teardown(recording_ends_without_thread, setup,
						teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * What the reader says was lost, to the last event, and what it keeps in a recording.
 */

#include "fake_tracefs.h"

/* Reads until the pipes are empty and returns what CPU 0 has yet to report. */
static uint64_t settled(struct fixture *f)
{
	assert_true(read_pages(f, 100) >= 0);
	return trace_reader_unreported(f->reader, 0);
}

static void test_lost_is_exact(void **state)
{
	struct fixture *f = *state;

	open_reader(f);
	assert_int_equal(settled(f), 0);

	/* The page says all of it. */
	put_page(f, 0, 1);
	put_stats(f, 0, 100, 0, 0);
	trace_reader_note_lost(f->reader, 0, 100, false);
	assert_int_equal(settled(f), 0);

	/* It says that there was a loss: the counter knows how much. Told once. */
	put_stats(f, 0, 150, 0, 0);
	trace_reader_note_lost(f->reader, 0, 0, true);
	assert_int_equal(settled(f), 50);
	assert_int_equal(settled(f), 0);

	/* One page with, one without a number. */
	put_stats(f, 0, 180, 0, 0);
	trace_reader_note_lost(f->reader, 0, 10, false);
	trace_reader_note_lost(f->reader, 0, 0, true);
	assert_int_equal(settled(f), 20);

	/* Losses that no page ever tells of. */
	put_stats(f, 0, 180, 2, 3);
	trace_reader_rescan(f->reader);
	assert_int_equal(settled(f), 5);

	/* Another CPU is another matter; one that is not there is none. */
	assert_int_equal(trace_reader_unreported(f->reader, 1), 0);
	assert_int_equal(trace_reader_unreported(f->reader, CPUS - 1), 0);
	assert_int_equal(trace_reader_unreported(f->reader, 999), 0);
	trace_reader_note_lost(f->reader, 999, 1, true);
}

static void test_lost_waits_for_the_end(void **state)
{
	struct fixture *f = *state;

	open_reader(f);
	assert_int_equal(settled(f), 0);
	put_stats(f, 0, 70, 0, 0);
	trace_reader_note_lost(f->reader, 0, 0, true);
	/* The page in the pipe may be about to tell of it. */
	put_page(f, 0, 1);
	assert_int_equal(trace_reader_unreported(f->reader, 0), 0);
	assert_int_equal(read_pages(f, 1), 1);
	assert_int_equal(trace_reader_unreported(f->reader, 0), 0);
	trace_reader_note_lost(f->reader, 0, 60, false);
	assert_int_equal(settled(f), 10);
}

/* Losses from before the start: inside the pages' numbers, not in the growth. */
static void test_lost_before_the_start(void **state)
{
	struct fixture *f = *state;

	put_stats(f, 0, 5000, 1, 1);
	open_reader(f);
	trace_reader_note_lost(f->reader, 0, 4000, false);
	assert_int_equal(settled(f), 0);
	f->reader = trace_reader_close(f->reader);

	/* A number that nobody knows counts as one at least. */
	open_reader(f);
	trace_reader_note_lost(f->reader, 0, 0, true);
	assert_int_equal(settled(f), 1);
	put_stats(f, 0, 5030, 1, 1);
	trace_reader_note_lost(f->reader, 0, 30, false);
	assert_int_equal(settled(f), 0);
}

/* If nobody ever read the buffer, the counter is all about what we are to hear of. */
static void test_lost_before_any_reader(void **state)
{
	struct fixture *f = *state;

	put_file(f, INSTANCE "per_cpu/cpu0/stats",
		 "entries: 9\noverrun: 300\ncommit overrun: 0\ndropped events: 4\n"
		 "read events: 0\n");
	open_reader(f);
	trace_reader_note_lost(f->reader, 0, 0, true);
	assert_int_equal(settled(f), 304);
}

/* A counter that cannot be read is not 0: else all that was ever read would be lost. */
static void test_counters_unreadable(void **state)
{
	struct fixture *f = *state;
	uint64_t read = 77;

	put_stats(f, 0, 0, 0, 0);
	open_reader(f);
	assert_int_equal(trace_reader_consumed(f->reader, 0, &read), 0);
	assert_int_equal(read, 5);
	put_file(f, INSTANCE "per_cpu/cpu0/stats", "entries: 9\n");
	assert_int_equal(trace_reader_consumed(f->reader, 0, &read), -EBADMSG);
	put_file(f, INSTANCE "per_cpu/cpu0/stats", "");
	assert_int_equal(trace_reader_consumed(f->reader, 0, &read), -EBADMSG);
	assert_int_equal(read, 5);
}

static void test_counters_reset(void **state)
{
	struct fixture *f = *state;

	put_stats(f, 0, 5000, 1, 1);
	open_reader(f);
	assert_int_equal(settled(f), 0);
	/* Somebody emptied the buffer. */
	put_stats(f, 0, 7, 0, 0);
	trace_reader_note_lost(f->reader, 0, 7, false);
	assert_int_equal(settled(f), 0);
	put_stats(f, 0, 9, 0, 0);
	trace_reader_note_lost(f->reader, 0, 0, true);
	assert_int_equal(settled(f), 2);
}

/* The clock's change resets the counters: what they held must be kept before. */
static void test_lost_under_a_foreign_clock(void **state)
{
	struct fixture *f = *state;

	put_file(f, INSTANCE "trace_clock", "[local] boot\n");
	put_stats(f, 0, 10, 0, 0);
	open_reader(f);
	put_stats(f, 0, 25, 0, 0);
	trace_reader_note_lost(f->reader, 0, 0, true);
	assert_int_equal(read_pages(f, 10), 0);
	assert_false(trace_reader_foreign_clock(f->reader));
	put_stats(f, 0, 0, 0, 0);
	assert_int_equal(settled(f), 15);
	assert_int_equal(settled(f), 0);
}

static void test_record(void **state)
{
	struct fixture *f = *state;
	_cleanup_(fclose_p) FILE *pages = NULL;
	uint8_t frame[8 + PAGE];
	const char *where = NULL;
	char dir[256], path[300];
	uint32_t size;
	uint16_t cpu;

	path_of(f, dir, sizeof(dir), "record");
	put_failure_event(f, "ras");
	put_event(f, "ras", "soft_offline_event");
	put_page(f, 1, 2);
	assert_int_equal(try_open(f, dir, &where), 0);
	assert_int_equal(read_pages(f, 10), 1);
	put_page(f, 0, 1);
	assert_int_equal(read_pages(f, 10), 1);
	assert_int_equal(trace_reader_record_error(f->reader), 0);
	assert_file(f, "record/header_page", files[0].text);
	assert_file(f, "record/mc_event.format", files[1].text);
	assert_file(f, "record/memory_failure_event.format", "ras");
	assert_file(f, "record/soft_offline_event.format", "ras");

	snprintf(path, sizeof(path), "%s/pages", dir);
	pages = fopen(path, "re");
	assert_non_null(pages);
	for (int i = 1; i >= 0; i--) {
		assert_int_equal(fread(frame, sizeof(frame), 1, pages), 1);
		memcpy(&cpu, frame, sizeof(cpu));
		memcpy(&size, frame + 4, sizeof(size));
		assert_int_equal(cpu, i);
		assert_int_equal(size, PAGE);
		assert_int_equal(frame[8], i + 1);
	}
	assert_int_equal(fgetc(pages), EOF);
	f->reader = trace_reader_close(f->reader);

	assert_int_equal(try_open(f, dir, &where), -EEXIST);
	assert_string_equal(where, dir);
	path_of(f, dir, sizeof(dir), "no/such/record");
	assert_int_equal(try_open(f, dir, &where), -ENOENT);
	assert_string_equal(where, dir);
}

static void test_record_ends_on_error(void **state)
{
	struct fixture *f = *state;
	const struct rlimit two_pages = { 2 * PAGE, RLIM_INFINITY };
	struct rlimit before;
	const char *where = NULL;
	char dir[256], path[300];
	struct stat st;

	path_of(f, dir, sizeof(dir), "record");
	assert_int_equal(try_open(f, dir, &where), 0);
	for (int i = 0; i < 3; i++)
		put_page(f, 0, 1);
	signal(SIGXFSZ, SIG_IGN);
	assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &two_pages), 0);
	assert_int_equal(read_pages(f, 10), 3);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &before), 0);
	assert_true(trace_reader_record_error(f->reader) < 0);

	/* A whole number of frames. */
	snprintf(path, sizeof(path), "%s/pages", dir);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_size, 8 + PAGE);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_lost_is_exact),
		TEST(test_lost_waits_for_the_end),
		TEST(test_lost_before_the_start),
		TEST(test_lost_before_any_reader),
		TEST(test_counters_unreadable),
		TEST(test_counters_reset),
		TEST(test_lost_under_a_foreign_clock),
		TEST(test_record),
		TEST(test_record_ends_on_error),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

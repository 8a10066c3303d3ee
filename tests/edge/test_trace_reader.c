/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * The door to tracefs: settings, pipes that come and go, and their pages in turns.
 */

#include "fake_tracefs.h"

static void assert_fails(struct fixture *f, int want, const char *want_where)
{
	const char *where = NULL;

	assert_int_equal(try_open(f, NULL, &where), want);
	assert_null(f->reader);
	assert_non_null(where);
	if (!strstr(where, want_where))
		fail_msg("'%s' does not name '%s'", where, want_where);
}

static void test_leaves_what_is_right(void **state)
{
	struct fixture *f = *state;

	open_reader(f);
	assert_int_equal(read_pages(f, 10), 0);
	for (size_t i = 0; i < ARRAY_SIZE(files); i++)
		assert_file(f, files[i].path, files[i].text);
	assert_false(trace_reader_foreign_clock(f->reader));
	assert_int_equal(trace_reader_cpus(f->reader), CPUS);
	assert_int_equal(trace_reader_open_pipes(f->reader), CPUS - 1);
	assert_string_equal(trace_reader_header_page(f->reader), files[0].text);
	assert_string_equal(trace_reader_format(f->reader, EVENT_SOURCE_MC),
			    files[1].text);
	assert_null(trace_reader_format(f->reader, EVENT_SOURCE_MEMORY_FAILURE));
}

static void test_sets_what_is_wrong(void **state)
{
	struct fixture *f = *state;

	put_file(f, INSTANCE "buffer_size_kb", "7 (expanded: 1408)\n");
	put_file(f, INSTANCE "buffer_percent", "50\n");
	put_file(f, INSTANCE "events/ras/mc_event/enable", "0\n");
	put_file(f, INSTANCE "tracing_on", "0\n");
	open_reader(f);
	assert_file(f, INSTANCE "buffer_size_kb", "64");
	assert_file(f, INSTANCE "buffer_percent", "0");
	assert_file(f, INSTANCE "events/ras/mc_event/enable", "1");
	assert_file(f, INSTANCE "tracing_on", "1");
	assert_file(f, INSTANCE "trace_clock", "local global [boot] tai\n");
}

static void test_old_kernel_without_percent(void **state)
{
	struct fixture *f = *state;
	char path[256];

	path_of(f, path, sizeof(path), INSTANCE "buffer_percent");
	assert_int_equal(unlink(path), 0);
	open_reader(f);
}

static void test_failure_event(void **state)
{
	struct fixture *f = *state;

	put_failure_event(f, "memory_failure");
	open_reader(f);
	assert_string_equal(trace_reader_format(f->reader, EVENT_SOURCE_MEMORY_FAILURE),
			    "memory_failure");
	assert_file(f, INSTANCE "events/memory_failure/memory_failure_event/enable", "1");
	f->reader = trace_reader_close(f->reader);

	put_failure_event(f, "ras");
	open_reader(f);
	assert_string_equal(trace_reader_format(f->reader, EVENT_SOURCE_MEMORY_FAILURE),
			    "ras");
	assert_file(f, INSTANCE "events/ras/memory_failure_event/enable", "1");
}

/* A kernel of the bundled series has it under ras; a later one may move it. */
static void test_soft_event(void **state)
{
	struct fixture *f = *state;

	open_reader(f);
	assert_null(trace_reader_format(f->reader, EVENT_SOURCE_SOFT_OFFLINE));
	f->reader = trace_reader_close(f->reader);

	put_event(f, "memory_failure", "soft_offline_event");
	open_reader(f);
	assert_string_equal(trace_reader_format(f->reader, EVENT_SOURCE_SOFT_OFFLINE),
			    "memory_failure");
	assert_null(trace_reader_format(f->reader, EVENT_SOURCE_MEMORY_FAILURE));
	assert_file(f, INSTANCE "events/memory_failure/soft_offline_event/enable", "1");
	f->reader = trace_reader_close(f->reader);

	put_event(f, "ras", "soft_offline_event");
	put_failure_event(f, "memory_failure");
	open_reader(f);
	assert_string_equal(trace_reader_format(f->reader, EVENT_SOURCE_SOFT_OFFLINE),
			    "ras");
	assert_string_equal(trace_reader_format(f->reader, EVENT_SOURCE_MEMORY_FAILURE),
			    "memory_failure");
	assert_file(f, INSTANCE "events/ras/soft_offline_event/enable", "1");
	assert_file(f, INSTANCE "events/memory_failure/memory_failure_event/enable", "1");
}

/* Either source of memory errors will do; a kernel with neither is read all the same. */
static void test_second_source(void **state)
{
	struct fixture *f = *state;
	char from[256], to[256];

	put_event(f, "mce", "mce_record");
	open_reader(f);
	assert_string_equal(trace_reader_format(f->reader, EVENT_SOURCE_MCE), "mce");
	assert_file(f, INSTANCE "events/mce/mce_record/enable", "1");
	assert_int_equal(trace_reader_want(f->reader, 1u << EVENT_SOURCE_MCE), 0);
	assert_file(f, INSTANCE "events/mce/mce_record/enable", "0");
	assert_file(f, INSTANCE "events/ras/mc_event/enable", files[2].text);
	assert_int_equal(trace_reader_want(f->reader, 1u << EVENT_SOURCE_MC), 0);
	assert_file(f, INSTANCE "events/mce/mce_record/enable", "1");
	assert_file(f, INSTANCE "events/ras/mc_event/enable", "0");
	f->reader = trace_reader_close(f->reader);

	path_of(f, from, sizeof(from), "events/ras/mc_event");
	path_of(f, to, sizeof(to), "events/ras/gone");
	assert_int_equal(rename(from, to), 0);
	path_of(f, from, sizeof(from), INSTANCE "events/ras/mc_event");
	path_of(f, to, sizeof(to), INSTANCE "events/ras/gone");
	assert_int_equal(rename(from, to), 0);
	open_reader(f);
	assert_null(trace_reader_format(f->reader, EVENT_SOURCE_MC));
	assert_string_equal(trace_reader_format(f->reader, EVENT_SOURCE_MCE), "mce");
	f->reader = trace_reader_close(f->reader);

	path_of(f, from, sizeof(from), INSTANCE "events/mce");
	path_of(f, to, sizeof(to), INSTANCE "events/gone");
	assert_int_equal(rename(from, to), 0);
	open_reader(f);
	assert_null(trace_reader_format(f->reader, EVENT_SOURCE_MC));
	assert_null(trace_reader_format(f->reader, EVENT_SOURCE_MCE));
	assert_int_equal(trace_reader_open_pipes(f->reader), CPUS - 1);
}

static void test_failures_name_the_file(void **state)
{
	struct fixture *f = *state;
	char from[256], to[256];

	put_file(f, INSTANCE "events/header_page", "nonsense\n");
	assert_fails(f, -EBADMSG, "events/header_page");
	put_file(f, INSTANCE "events/header_page", files[0].text);

	path_of(f, from, sizeof(from), INSTANCE "buffer_size_kb");
	put_file(f, INSTANCE "buffer_size_kb", "4\n");
	path_of(f, to, sizeof(to), INSTANCE "tracing_on");
	assert_int_equal(unlink(to), 0);
	assert_fails(f, -ENOENT, "softofflined/tracing_on");

	path_of(f, from, sizeof(from), "instances");
	path_of(f, to, sizeof(to), "gone");
	assert_int_equal(rename(from, to), 0);
	assert_fails(f, -ENODEV, "instances");
	assert_int_equal(rename(to, from), 0);
}

/* A process of its own, as another daemon would be. */
static void test_only_one_reader(void **state)
{
	struct fixture *f = *state;
	int status;
	pid_t pid;

	open_reader(f);
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		struct fixture other = *f;
		const char *where = "";
		int r = try_open(&other, NULL, &where);

		_exit(r == -EBUSY && strstr(where, "/softofflined") ? 0 : 1);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
	f->reader = trace_reader_close(f->reader);
	open_reader(f);
}

static bool readable(const struct fixture *f)
{
	struct pollfd p = { .fd = trace_reader_fd(f->reader), .events = POLLIN };

	return poll(&p, 1, 0) == 1;
}

static void test_reads_in_turns(void **state)
{
	struct fixture *f = *state;

	open_reader(f);
	assert_false(readable(f));
	for (int i = 0; i < 8; i++)
		put_page(f, 0, 1);
	put_page(f, 1, 2);
	put_page(f, 1, 2);
	assert_true(readable(f));

	assert_int_equal(read_pages(f, 4), 4);
	assert_int_equal(f->pages_of[0], 2);
	assert_int_equal(f->pages_of[1], 2);
	assert_int_not_equal(f->order[0], f->order[1]);
	assert_true(readable(f));
	assert_int_equal(read_pages(f, 100), 6);
	assert_int_equal(f->pages_of[0], 8);
	assert_false(readable(f));
	assert_int_equal(read_pages(f, 100), 0);
}

static void test_what_was_there_before(void **state)
{
	struct fixture *f = *state;

	put_page(f, 1, 2);
	open_reader(f);
	assert_int_equal(read_pages(f, 10), 1);
	assert_int_equal(f->foreign, 0);
}

static void test_cpus_come_and_go(void **state)
{
	struct fixture *f = *state;

	open_reader(f);
	assert_int_equal(trace_reader_rescan(f->reader), 0);

	make_pipe(f, CPUS - 1);
	put_page(f, CPUS - 1, CPUS);
	assert_int_equal(trace_reader_rescan(f->reader), 1);
	assert_int_equal(trace_reader_open_pipes(f->reader), CPUS);
	assert_int_equal(read_pages(f, 10), 1);

	/* The pipe breaks: dropped without a word, and no longer waking anybody. */
	close_p(&f->writer[CPUS - 1]);
	assert_true(readable(f));
	assert_int_equal(read_pages(f, 10), 0);
	assert_int_equal(trace_reader_open_pipes(f->reader), CPUS - 1);
	assert_false(readable(f));
	put_page(f, 0, 1);
	assert_int_equal(read_pages(f, 10), 1);
}

static void test_nothing_left(void **state)
{
	struct fixture *f = *state;

	open_reader(f);
	for (unsigned int i = 0; i < CPUS - 1; i++) {
		close(f->writer[i]);
		f->writer[i] = -1;
	}
	assert_int_equal(read_pages(f, 10), -ENODEV);
	assert_int_equal(trace_reader_open_pipes(f->reader), 0);
}

static void test_foreign_clock(void **state)
{
	struct fixture *f = *state;

	put_file(f, INSTANCE "trace_clock", "[local] global boot\n");
	put_file(f, INSTANCE "buffer_size_kb", "1410\n");
	put_page(f, 0, 1);
	put_page(f, 0, 1);
	put_page(f, 1, 2);
	open_reader(f);
	assert_true(trace_reader_foreign_clock(f->reader));
	/* Whatever is in the buffer must come out before it is emptied or cut. */
	assert_int_equal(read_pages(f, 2), 2);
	assert_true(trace_reader_foreign_clock(f->reader));
	assert_file(f, INSTANCE "trace_clock", "[local] global boot\n");
	assert_file(f, INSTANCE "buffer_size_kb", "1410\n");
	assert_int_equal(read_pages(f, 2), 1);
	assert_int_equal(f->foreign, 3);
	assert_false(trace_reader_foreign_clock(f->reader));
	assert_file(f, INSTANCE "trace_clock", "boot");
	assert_file(f, INSTANCE "buffer_size_kb", "64");
}

static void test_buffer_size(void **state)
{
	struct fixture *f = *state;

	open_reader(f);
	assert_int_equal(trace_reader_set_buffer_size(f->reader, 65536), 0);
	assert_file(f, INSTANCE "buffer_size_kb", "67\n");
	assert_int_equal(trace_reader_set_buffer_size(f->reader, 1 << 20), 0);
	assert_file(f, INSTANCE "buffer_size_kb", "1024");
	/* Sizes that differ between CPUs. */
	put_file(f, INSTANCE "buffer_size_kb", "X\n");
	assert_int_equal(trace_reader_set_buffer_size(f->reader, 65536), 0);
	assert_file(f, INSTANCE "buffer_size_kb", "64");
}

static void test_auto_size(void **state)
{
	static const struct {
		unsigned int cpus, ram_mib, mib;
	} cases[] = {
		{ 0, 65536, 16 }, { 1, 65536, 16 },  { 4, 65536, 16 }, { 32, 65536, 2 },
		{ 64, 65536, 1 }, { 4096, 4096, 1 }, { 2, 2048, 16 },  { 2, 1024, 16 },
		{ 2, 512, 8 },    { 4, 1024, 8 },    { 1, 16, 1 },     { 1, 0, 1 },
	};
	struct fixture *f = *state;
	char kib[32];

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
		assert_int_equal(trace_reader_auto_size(cases[i].cpus,
							(uint64_t)cases[i].ram_mib << 20),
				 (uint64_t)cases[i].mib << 20);
	assert_int_equal(trace_reader_auto_size(17, UINT64_C(1) << 36), (64u << 20) / 17);

	open_reader(f);
	assert_int_equal(trace_reader_set_buffer_size(f->reader, 0), 0);
	snprintf(kib, sizeof(kib), "%llu",
		 (unsigned long long)trace_reader_auto_size(
			 (unsigned int)sysconf(_SC_NPROCESSORS_ONLN),
			 (uint64_t)sysconf(_SC_PHYS_PAGES) *
				 (uint64_t)sysconf(_SC_PAGESIZE)) /
			 1024);
	assert_file(f, INSTANCE "buffer_size_kb", kib);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_leaves_what_is_right),
		TEST(test_sets_what_is_wrong),
		TEST(test_old_kernel_without_percent),
		TEST(test_failure_event),
		TEST(test_soft_event),
		TEST(test_second_source),
		TEST(test_failures_name_the_file),
		TEST(test_only_one_reader),
		TEST(test_reads_in_turns),
		TEST(test_what_was_there_before),
		TEST(test_cpus_come_and_go),
		TEST(test_nothing_left),
		TEST(test_foreign_clock),
		TEST(test_buffer_size),
		TEST(test_auto_size),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

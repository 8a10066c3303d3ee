/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * A made-up tracefs for the tests of trace_reader.c: plain files for the settings, a FIFO
 * for each CPU's raw pipe. What a FIFO cannot do (a CPU without a buffer, real overruns)
 * is tested with a kernel, under tests/vm.
 */

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <poll.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>

/* clang-format off: cmocka.h wants the others before it */
#include <cmocka.h>
/* clang-format on */

#include "base/mem.h"
#include "trace/trace_reader.h"

#define CPUS     3
#define PAGE     4096
#define INSTANCE "instances/softofflined/"

/* Without the events that not every kernel has. */
static const char *const dirs[] = {
	"events",
	"events/ras",
	"events/ras/mc_event",
	"instances",
	"instances/softofflined",
	INSTANCE "events",
	INSTANCE "events/ras",
	INSTANCE "events/ras/mc_event",
	INSTANCE "per_cpu",
};

/* Everything as it should be; a daemon that changes nothing leaves the newlines. */
static const struct fixture_file {
	const char *path, *text;
} files[] = {
	{ INSTANCE "events/header_page",
	  "\tfield: u64 timestamp;\toffset:0;\tsize:8;\tsigned:0;\n"
	  "\tfield: local_t commit;\toffset:8;\tsize:8;\tsigned:1;\n"
	  "\tfield: char data;\toffset:16;\tsize:4080;\tsigned:1;\n" },
	{ INSTANCE "events/ras/mc_event/format", "the format of mc_event\n" },
	{ INSTANCE "events/ras/mc_event/enable", "1\n" },
	{ INSTANCE "trace_clock", "local global [boot] tai\n" },
	{ INSTANCE "buffer_size_kb", "67\n" },
	{ INSTANCE "buffer_percent", "0\n" },
	{ INSTANCE "tracing_on", "1\n" },
};

struct fixture {
	char root[64];
	int writer[CPUS]; /* -1: this CPU has no pipe */
	struct trace_reader *reader;

	/* What the callback saw. */
	unsigned int pages;
	unsigned int pages_of[CPUS];
	unsigned int foreign;
	uint16_t order[64];
};

static inline void path_of(const struct fixture *f, char *buf, size_t size,
			   const char *name)
{
	snprintf(buf, size, "%s/%s", f->root, name);
}

static inline void put_file(const struct fixture *f, const char *name, const char *text)
{
	_cleanup_(fclose_p) FILE *file = NULL;
	char path[256];

	path_of(f, path, sizeof(path), name);
	file = fopen(path, "we");
	assert_non_null(file);
	assert_int_equal(fputs(text, file) < 0, 0);
}

static inline void assert_file(const struct fixture *f, const char *name,
			       const char *want)
{
	_cleanup_(fclose_p) FILE *file = NULL;
	char path[256], text[4096];

	path_of(f, path, sizeof(path), name);
	file = fopen(path, "re");
	assert_non_null(file);
	text[fread(text, 1, sizeof(text) - 1, file)] = '\0';
	assert_string_equal(text, want);
}

static inline void make_dir(const struct fixture *f, const char *name)
{
	char path[256];

	path_of(f, path, sizeof(path), name);
	assert_int_equal(mkdir(path, 0700), 0);
}

static inline void put_stats(const struct fixture *f, unsigned int cpu,
			     unsigned int overrun, unsigned int commit_overrun,
			     unsigned int dropped)
{
	char name[64], text[256];

	snprintf(name, sizeof(name), INSTANCE "per_cpu/cpu%u/stats", cpu);
	snprintf(text, sizeof(text),
		 "entries: 0\noverrun: %u\ncommit overrun: %u\nbytes: 12\n"
		 "oldest event ts:     2.5\nnow ts:     2.7\ndropped events: %u\n"
		 "read events: 5\n",
		 overrun, commit_overrun, dropped);
	put_file(f, name, text);
}

/* So many bytes are in the CPU's buffer. */
static inline void put_backlog(const struct fixture *f, unsigned int cpu,
			       unsigned long bytes)
{
	char name[64], text[64];

	snprintf(name, sizeof(name), INSTANCE "per_cpu/cpu%u/stats", cpu);
	snprintf(text, sizeof(text), "overrun: 0\nbytes: %lu\nread events: 5\n", bytes);
	put_file(f, name, text);
}

static inline void make_pipe(struct fixture *f, unsigned int cpu)
{
	char name[64], path[256];

	snprintf(name, sizeof(name), INSTANCE "per_cpu/cpu%u/trace_pipe_raw", cpu);
	path_of(f, path, sizeof(path), name);
	assert_int_equal(mkfifo(path, 0600), 0);
	/* Both ends: with a writer there an empty FIFO says EAGAIN. */
	f->writer[cpu] = open(path, O_RDWR | O_NONBLOCK | O_CLOEXEC);
	assert_true(f->writer[cpu] >= 0);
}

static inline void put_page(struct fixture *f, unsigned int cpu, uint8_t fill)
{
	uint8_t page[PAGE];

	memset(page, fill, sizeof(page));
	assert_int_equal(write(f->writer[cpu], page, sizeof(page)), sizeof(page));
}

static inline int setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	assert_non_null(f);
	strcpy(f->root, "/tmp/test_trace_reader.XXXXXX");
	assert_non_null(mkdtemp(f->root));
	for (size_t i = 0; i < ARRAY_SIZE(dirs); i++)
		make_dir(f, dirs[i]);
	for (size_t i = 0; i < ARRAY_SIZE(files); i++)
		put_file(f, files[i].path, files[i].text);
	for (unsigned int i = 0; i < CPUS; i++) {
		char name[64];

		snprintf(name, sizeof(name), INSTANCE "per_cpu/cpu%u", i);
		make_dir(f, name);
		put_stats(f, i, 0, 0, 0);
		f->writer[i] = -1;
		/* The last one has never been online. */
		if (i < CPUS - 1)
			make_pipe(f, i);
	}
	*state = f;
	return 0;
}

static inline int remove_one(const char *path, const struct stat *st, int type,
			     struct FTW *ftw)
{
	return remove(path);
}

static inline int teardown(void **state)
{
	struct fixture *f = *state;

	trace_reader_close(f->reader);
	for (unsigned int i = 0; i < CPUS; i++)
		close_p(&f->writer[i]);
	nftw(f->root, remove_one, 8, FTW_DEPTH | FTW_PHYS);
	free(f);
	return 0;
}

static inline int try_open(struct fixture *f, const char *record_dir,
			   const char **ret_where)
{
	const struct trace_reader_options options = {
		.tracing_dir = f->root,
		.buffer_size = 65536,
		.record_dir = record_dir,
	};

	return trace_reader_open(&f->reader, &options, ret_where);
}

static inline void open_reader(struct fixture *f)
{
	const char *where = NULL;

	if (try_open(f, NULL, &where) < 0)
		fail_msg("open: %s", where);
	assert_null(where);
}

static inline void on_page(void *userdata, uint16_t cpu, const void *page, size_t size)
{
	struct fixture *f = userdata;

	assert_true(cpu < CPUS);
	assert_int_equal(size, PAGE);
	assert_int_equal(((const uint8_t *)page)[PAGE - 1], cpu + 1);
	f->order[f->pages++ % ARRAY_SIZE(f->order)] = cpu;
	f->pages_of[cpu]++;
	f->foreign += trace_reader_foreign_clock(f->reader);
}

static inline int read_pages(struct fixture *f, unsigned int max)
{
	return trace_reader_read(f->reader, max, on_page, f);
}

/* An event that not every kernel has; its format is the name of the subsystem. */
static inline void put_event(const struct fixture *f, const char *subsystem,
			     const char *event)
{
	char name[128], path[256];

	snprintf(name, sizeof(name), INSTANCE "events/%s", subsystem);
	path_of(f, path, sizeof(path), name);
	if (access(path, F_OK) < 0)
		make_dir(f, name);
	snprintf(name, sizeof(name), INSTANCE "events/%s/%s", subsystem, event);
	make_dir(f, name);
	snprintf(name, sizeof(name), INSTANCE "events/%s/%s/format", subsystem, event);
	put_file(f, name, subsystem);
	snprintf(name, sizeof(name), INSTANCE "events/%s/%s/enable", subsystem, event);
	put_file(f, name, "0\n");
}

static inline void put_failure_event(const struct fixture *f, const char *subsystem)
{
	put_event(f, subsystem, "memory_failure_event");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

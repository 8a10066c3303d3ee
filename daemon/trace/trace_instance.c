/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * One tracefs instance as a set of small text files. libtracefs makes the instance. The
 * rest is plain open, read and write, because each failure must be known by file and
 * errno. This file refuses to touch anything outside of the instance, and knows no pages
 * and no pipes.
 */

#include "trace/trace_instance.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <tracefs.h>

#include "base/mem.h"
#include "host/small_file.h"
#include "trace/trace_reader.h"

#define DEFAULT_TRACING_DIR "/sys/kernel/tracing"
#define TEXT_MAX            (1024 * 1024)
#define SOURCE_PATH_MAX     128

/* Another program may be making the instance now: its files appear after its
 * directory. */
#define APPEAR_TRIES    100
#define APPEAR_PAUSE_NS (20 * 1000 * 1000)

DEFINE_CLEANUP(struct tracefs_instance *, tracefs_instance_free)

static int instance_fail(struct trace_instance *in, const char *path, int error)
{
	snprintf(in->where, sizeof(in->where), "%s%s%s", in->path, *path ? "/" : "",
		 path);
	return -error;
}

/*
 * Looks below @dir for @file ("" or "/NAME") of @source, in each system where the source
 * may be. Returns the system; NULL and errno if no system has it. @path is the last path
 * that was looked at, below @dir.
 */
static const char *instance_find_source(int dir, const struct event_source *source,
					const char *file, char path[SOURCE_PATH_MAX])
{
	for (size_t i = 0; i < EVENT_SYSTEMS_MAX && source->systems[i]; i++) {
		snprintf(path, SOURCE_PATH_MAX, "events/%s/%s%s", source->systems[i],
			 source->event, file);
		if (faccessat(dir, path, F_OK, 0) == 0)
			return source->systems[i];
		if (errno != ENOENT)
			break;
	}
	return NULL;
}

int trace_instance_openat(struct trace_instance *in, const char *path, int flags)
{
	int fd = openat(in->dir, path, flags | O_CLOEXEC);

	return fd < 0 ? instance_fail(in, path, errno) : fd;
}

/* The whole of a small file, terminated. Files in tracefs do not show their size. */
static int instance_read_text(struct trace_instance *in, const char *path, char **ret)
{
	_cleanup_(close_p) int fd = trace_instance_openat(in, path, O_RDONLY);
	ssize_t n;

	if (fd < 0)
		return fd;
	n = small_file_load(fd, TEXT_MAX, ret);
	return n < 0 ? instance_fail(in, path, (int)-n) : 0;
}

static int instance_write_text(struct trace_instance *in, const char *path,
			       const char *text)
{
	_cleanup_(close_p) int fd = trace_instance_openat(in, path, O_WRONLY | O_TRUNC);
	ssize_t n;

	if (fd < 0)
		return fd;
	do
		n = write(fd, text, strlen(text));
	while (n < 0 && errno == EINTR);
	if (n < 0)
		return instance_fail(in, path, errno);
	return (size_t)n == strlen(text) ? 0 : instance_fail(in, path, EIO);
}

int trace_instance_set(struct trace_instance *in, const char *path, const char *text)
{
	_cleanup_(free_p) char *now = NULL;
	int r = instance_read_text(in, path, &now);

	if (r < 0)
		return r;
	if (strncmp(now, text, strlen(text)) == 0)
		return 0;
	return instance_write_text(in, path, text);
}

static int instance_check_kernel(struct trace_instance *in, const char *tracing_dir)
{
	_cleanup_(close_p) int dir = open(tracing_dir, O_PATH | O_DIRECTORY | O_CLOEXEC);
	char path[SOURCE_PATH_MAX];

	snprintf(in->path, sizeof(in->path), "%s", tracing_dir);
	if (dir < 0 || faccessat(dir, "instances", F_OK, 0) < 0)
		return instance_fail(in, "instances", errno == ENOENT ? ENODEV : errno);
	for (size_t i = 0; i < EVENT_SOURCE_MAX_; i++)
		in->sources[i].expected =
			instance_find_source(dir, &event_sources[i], "", path) != NULL;
	return 0;
}

static int instance_create(struct trace_instance *in, const char *tracing_dir)
{
	_cleanup_(tracefs_instance_free_p) struct tracefs_instance *instance = NULL;
	_cleanup_(free_p) char *dir = strdup(tracing_dir);
	_cleanup_(close_p) int fd = -1;

	/* Without a path libtracefs takes the first tracefs of /proc/mounts: maybe
	 * debugfs's. */
	if (!dir || tracefs_set_tracing_dir(dir) < 0)
		return instance_fail(in, "", ENOMEM);
	snprintf(in->path, sizeof(in->path), "%s/instances/%s", tracing_dir,
		 TRACE_INSTANCE);
	errno = 0;
	instance = tracefs_instance_create(TRACE_INSTANCE);
	if (!instance)
		return instance_fail(in, "", errno ? errno : ENOMEM);

	fd = open(in->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return instance_fail(in, "", errno);
	if (flock(fd, LOCK_EX | LOCK_NB) < 0)
		return instance_fail(in, "", errno == EWOULDBLOCK ? EBUSY : errno);
	in->created = tracefs_instance_is_new(instance);
	in->dir = TAKE_FD(fd);
	return 0;
}

static bool instance_has_files(const struct trace_instance *in)
{
	char path[SOURCE_PATH_MAX];

	for (size_t i = 0; i < EVENT_SOURCE_MAX_; i++)
		if (in->sources[i].expected &&
		    !instance_find_source(in->dir, &event_sources[i], "/enable", path))
			return false;
	return true;
}

static void instance_wait_for_files(const struct trace_instance *in)
{
	const struct timespec pause = { .tv_nsec = APPEAR_PAUSE_NS };

	for (int i = 0; i < APPEAR_TRIES && !instance_has_files(in); i++)
		nanosleep(&pause, NULL);
}

static int instance_load_source(struct trace_instance *in, size_t id)
{
	const struct event_source *source = &event_sources[id];
	char path[SOURCE_PATH_MAX];

	in->sources[id].system = instance_find_source(in->dir, source, "/format", path);
	if (in->sources[id].system)
		return instance_read_text(in, path, &in->sources[id].format);
	if (errno == ENOENT)
		return 0;
	return instance_fail(in, path, errno);
}

static int instance_load_texts(struct trace_instance *in)
{
	int r = instance_read_text(in, "events/header_page", &in->header_page);

	for (size_t id = 0; r >= 0 && id < EVENT_SOURCE_MAX_; id++)
		r = instance_load_source(in, id);
	return r;
}

/* From the line of the field "data" in header_page. */
static int instance_load_page_size(struct trace_instance *in)
{
	const char *line = strstr(in->header_page, "char data;");
	long kernel_page = sysconf(_SC_PAGESIZE);
	unsigned int offset, size;

	if (!line || sscanf(line, "char data; offset:%u; size:%u;", &offset, &size) != 2)
		return instance_fail(in, "events/header_page", EBADMSG);
	if (size == 0 || size > INT_MAX / 2 || offset > size)
		return instance_fail(in, "events/header_page", EBADMSG);
	in->data_size = size;
	in->page_size = (size_t)offset + size;
	if (kernel_page > 0 && in->page_size < (size_t)kernel_page)
		in->page_size = (size_t)kernel_page;
	return 0;
}

static int instance_count_cpus(struct trace_instance *in)
{
	_cleanup_(close_p) int fd = trace_instance_openat(in, "per_cpu", O_RDONLY);
	_cleanup_(closedir_p) DIR *dir = NULL;
	const struct dirent *entry;
	unsigned int cpu;
	char end;

	if (fd < 0)
		return fd;
	dir = fdopendir(fd);
	if (!dir)
		return instance_fail(in, "per_cpu", errno);
	(void)TAKE_FD(fd);
	while ((entry = readdir(dir))) {
		if (sscanf(entry->d_name, "cpu%u%c", &cpu, &end) != 1 ||
		    cpu >= UINT16_MAX)
			continue;
		if (in->cpus <= cpu)
			in->cpus = cpu + 1;
	}
	return in->cpus ? 0 : instance_fail(in, "per_cpu", ENODEV);
}

int trace_instance_open(struct trace_instance *in, const char *tracing_dir)
{
	int r;

	*in = (struct trace_instance){ .dir = -1 };
	if (!tracing_dir)
		tracing_dir = DEFAULT_TRACING_DIR;
	r = instance_check_kernel(in, tracing_dir);
	if (r < 0)
		return r;
	r = instance_create(in, tracing_dir);
	if (r < 0)
		return r;
	instance_wait_for_files(in);
	r = instance_load_texts(in);
	if (r < 0)
		return r;
	r = instance_load_page_size(in);
	if (r < 0)
		return r;
	return instance_count_cpus(in);
}

void trace_instance_close(struct trace_instance *in)
{
	close_p(&in->dir);
	free(in->header_page);
	for (size_t i = 0; i < EVENT_SOURCE_MAX_; i++)
		free(in->sources[i].format);
	*in = (struct trace_instance){ .dir = -1 };
}

int trace_instance_clock_is_boot(struct trace_instance *in)
{
	_cleanup_(free_p) char *clocks = NULL;
	int r = instance_read_text(in, "trace_clock", &clocks);

	if (r < 0)
		return r;
	return strstr(clocks, "[boot]") != NULL;
}

int trace_instance_set_clock(struct trace_instance *in)
{
	return instance_write_text(in, "trace_clock", "boot");
}

static uint64_t instance_to_kib(uint64_t bytes)
{
	return bytes / 1024 + (bytes % 1024 != 0);
}

/*
 * The kernel rounds up to whole pages, at least two, and shows the sum of their data in
 * KiB: 64 is shown as 67 (ring_buffer_resize, tracing_entries_read). "7 (expanded: 1408)"
 * means that the instance's buffers have not grown to their full size yet; "X" means that
 * the CPUs' sizes differ.
 */
int trace_instance_judge_size(const struct trace_instance *in, const char *text,
			      uint64_t bytes)
{
	unsigned long long now;
	uint64_t pages, shown;
	char *end;

	errno = 0;
	now = strtoull(text, &end, 10);
	if (end == text || errno)
		return 1;
	if (*end && *end != '\n')
		return now < instance_to_kib(bytes) ? -1 : 1;
	pages = instance_to_kib(bytes) * 1024 / in->data_size;
	pages += instance_to_kib(bytes) * 1024 % in->data_size != 0;
	shown = (pages < 2 ? 2 : pages) * in->data_size / 1024;
	if (now == shown || now == instance_to_kib(bytes))
		return 0;
	return now < shown ? -1 : 1;
}

int trace_instance_compare_size(struct trace_instance *in, uint64_t bytes)
{
	_cleanup_(free_p) char *text = NULL;

	if (instance_read_text(in, "buffer_size_kb", &text) < 0)
		return 1;
	return trace_instance_judge_size(in, text, bytes);
}

int trace_instance_set_size(struct trace_instance *in, uint64_t bytes)
{
	char text[24];

	snprintf(text, sizeof(text), "%llu", (unsigned long long)instance_to_kib(bytes));
	return instance_write_text(in, "buffer_size_kb", text);
}

int trace_instance_wake_at_once(struct trace_instance *in)
{
	int r = trace_instance_set(in, "buffer_percent", "0");

	return r == -ENOENT ? 0 : r;
}

int trace_instance_enable(struct trace_instance *in, uint32_t unwanted)
{
	in->unwanted = unwanted;
	for (size_t i = 0; i < EVENT_SOURCE_MAX_; i++) {
		char path[SOURCE_PATH_MAX];
		int r;

		if (!in->sources[i].system)
			continue;
		snprintf(path, sizeof(path), "events/%s/%s/enable", in->sources[i].system,
			 event_sources[i].event);
		r = trace_instance_set(in, path, unwanted >> i & 1 ? "0" : "1");
		if (r < 0)
			return r;
	}
	return trace_instance_set(in, "tracing_on", "1");
}

static bool instance_is_on(const struct trace_instance *in, const char *path)
{
	char text[8];

	return small_file_read(in->dir, path, text, sizeof(text)) > 0 && text[0] == '1';
}

bool trace_instance_records(const struct trace_instance *in, enum event_source_id id)
{
	char path[SOURCE_PATH_MAX];

	if (!in->sources[id].system)
		return false;
	snprintf(path, sizeof(path), "events/%s/%s/enable", in->sources[id].system,
		 event_sources[id].event);
	return instance_is_on(in, path) && instance_is_on(in, "tracing_on");
}

/* 0 if there is no such line: not every kernel has every line. */
static uint64_t instance_stat_value(const char *text, const char *key)
{
	const size_t len = strlen(key);

	for (const char *line = text; line; line = strchr(line, '\n')) {
		line += *line == '\n';
		if (strncmp(line, key, len) == 0 && line[len] == ':')
			return strtoull(line + len + 1, NULL, 10);
	}
	return 0;
}

int trace_instance_stats(struct trace_instance *in, unsigned int cpu,
			 struct trace_stats *ret)
{
	_cleanup_(free_p) char *text = NULL;
	char path[64];
	int r;

	snprintf(path, sizeof(path), "per_cpu/cpu%u/stats", cpu);
	r = instance_read_text(in, path, &text);
	if (r < 0)
		return r;
	/* Half a text would be a buffer that nobody has read from. */
	if (!strstr(text, "read events:") || !strstr(text, "overrun:"))
		return instance_fail(in, path, EBADMSG);
	*ret = (struct trace_stats){
		.read = instance_stat_value(text, "read events"),
		.overrun = instance_stat_value(text, "overrun"),
		.other = instance_stat_value(text, "commit overrun") +
			 instance_stat_value(text, "dropped events"),
		.bytes = instance_stat_value(text, "bytes"),
	};
	return 0;
}

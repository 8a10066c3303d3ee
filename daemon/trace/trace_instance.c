/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * One tracefs instance as a set of small text files. libtracefs makes the instance; the
 * rest is plain open, read and write, since each failure must be known by file and errno.
 * It refuses to touch anything outside of the instance, and knows no pages and no pipes.
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
#define MC_EVENT_DIR        "events/ras/mc_event"
#define TEXT_MAX            (1024 * 1024)

/* Somebody else may be making the instance: its files come after its directory. */
#define APPEAR_TRIES    100
#define APPEAR_PAUSE_NS (20 * 1000 * 1000)

DEFINE_CLEANUP(struct tracefs_instance *, tracefs_instance_free)

static int fail(struct trace_instance *in, const char *path, int error)
{
	snprintf(in->where, sizeof(in->where), "%s%s%s", in->path, *path ? "/" : "",
		 path);
	return -error;
}

int trace_instance_openat(struct trace_instance *in, const char *path, int flags)
{
	int fd = openat(in->dir, path, flags | O_CLOEXEC);

	return fd < 0 ? fail(in, path, errno) : fd;
}

/* The whole of a small file, terminated. Files in tracefs do not tell their size. */
static int read_text(struct trace_instance *in, const char *path, char **ret)
{
	_cleanup_(close_p) int fd = trace_instance_openat(in, path, O_RDONLY);
	ssize_t n;

	if (fd < 0)
		return fd;
	n = small_file_load(fd, TEXT_MAX, ret);
	return n < 0 ? fail(in, path, (int)-n) : 0;
}

static int write_text(struct trace_instance *in, const char *path, const char *text)
{
	_cleanup_(close_p) int fd = trace_instance_openat(in, path, O_WRONLY | O_TRUNC);
	ssize_t n;

	if (fd < 0)
		return fd;
	do
		n = write(fd, text, strlen(text));
	while (n < 0 && errno == EINTR);
	if (n < 0)
		return fail(in, path, errno);
	return (size_t)n == strlen(text) ? 0 : fail(in, path, EIO);
}

int trace_instance_set(struct trace_instance *in, const char *path, const char *text)
{
	_cleanup_(free_p) char *now = NULL;
	int r = read_text(in, path, &now);

	if (r < 0)
		return r;
	if (strncmp(now, text, strlen(text)) == 0)
		return 0;
	return write_text(in, path, text);
}

static int check_kernel(struct trace_instance *in, const char *tracing_dir)
{
	_cleanup_(free_p) char *path = NULL;

	snprintf(in->path, sizeof(in->path), "%s", tracing_dir);
	if (asprintf(&path, "%s/instances", tracing_dir) < 0)
		return -ENOMEM;
	if (access(path, F_OK) < 0)
		return fail(in, "instances", errno == ENOENT ? ENODEV : errno);
	free(TAKE_PTR(path));
	if (asprintf(&path, "%s/%s", tracing_dir, MC_EVENT_DIR) < 0)
		return -ENOMEM;
	if (access(path, F_OK) < 0)
		return fail(in, MC_EVENT_DIR, errno);
	return 0;
}

static int create(struct trace_instance *in, const char *tracing_dir)
{
	_cleanup_(tracefs_instance_free_p) struct tracefs_instance *instance = NULL;
	_cleanup_(free_p) char *dir = strdup(tracing_dir);
	_cleanup_(close_p) int fd = -1;

	/* Left alone it takes the first tracefs of /proc/mounts: maybe debugfs's. */
	if (!dir || tracefs_set_tracing_dir(dir) < 0)
		return fail(in, "", ENOMEM);
	snprintf(in->path, sizeof(in->path), "%s/instances/%s", tracing_dir,
		 TRACE_INSTANCE);
	errno = 0;
	instance = tracefs_instance_create(TRACE_INSTANCE);
	if (!instance)
		return fail(in, "", errno ? errno : ENOMEM);

	fd = open(in->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return fail(in, "", errno);
	if (flock(fd, LOCK_EX | LOCK_NB) < 0)
		return fail(in, "", errno == EWOULDBLOCK ? EBUSY : errno);
	in->created = tracefs_instance_is_new(instance);
	in->dir = TAKE_FD(fd);
	return 0;
}

static void wait_for_files(struct trace_instance *in)
{
	const struct timespec pause = { .tv_nsec = APPEAR_PAUSE_NS };

	for (int i = 0; i < APPEAR_TRIES; i++) {
		if (faccessat(in->dir, MC_EVENT_DIR "/enable", F_OK, 0) == 0)
			return;
		nanosleep(&pause, NULL);
	}
}

/* An event that not every kernel has, in the first of @dirs that has it. */
static int load_optional(struct trace_instance *in, const char *const dirs[2],
			 const char **ret_dir, char **ret_format)
{
	for (size_t i = 0; i < 2; i++) {
		char path[128];
		int r;

		snprintf(path, sizeof(path), "%s/format", dirs[i]);
		r = read_text(in, path, ret_format);
		if (r == 0)
			*ret_dir = dirs[i];
		if (r != -ENOENT)
			return r;
	}
	return 0;
}

static int load_texts(struct trace_instance *in)
{
	/* Some kernels have what concerns poison in a subsystem of its own. */
	static const char *const failure[] = {
		"events/ras/memory_failure_event",
		"events/memory_failure/memory_failure_event",
	};
	static const char *const soft[] = {
		"events/ras/soft_offline_event",
		"events/memory_failure/soft_offline_event",
	};
	int r;

	r = read_text(in, "events/header_page", &in->header_page);
	if (r < 0)
		return r;
	r = read_text(in, MC_EVENT_DIR "/format", &in->mc_format);
	if (r < 0)
		return r;
	r = load_optional(in, failure, &in->failure_dir, &in->failure_format);
	if (r < 0)
		return r;
	return load_optional(in, soft, &in->soft_dir, &in->soft_format);
}

/* From the line of the field "data" in header_page. */
static int load_page_size(struct trace_instance *in)
{
	const char *line = strstr(in->header_page, "char data;");
	long kernel_page = sysconf(_SC_PAGESIZE);
	unsigned int offset, size;

	if (!line || sscanf(line, "char data; offset:%u; size:%u;", &offset, &size) != 2)
		return fail(in, "events/header_page", EBADMSG);
	if (size == 0 || size > INT_MAX / 2 || offset > size)
		return fail(in, "events/header_page", EBADMSG);
	in->data_size = size;
	in->page_size = (size_t)offset + size;
	if (kernel_page > 0 && in->page_size < (size_t)kernel_page)
		in->page_size = (size_t)kernel_page;
	return 0;
}

static int count_cpus(struct trace_instance *in)
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
		return fail(in, "per_cpu", errno);
	(void)TAKE_FD(fd);
	while ((entry = readdir(dir))) {
		if (sscanf(entry->d_name, "cpu%u%c", &cpu, &end) != 1 ||
		    cpu >= UINT16_MAX)
			continue;
		if (in->cpus <= cpu)
			in->cpus = cpu + 1;
	}
	return in->cpus ? 0 : fail(in, "per_cpu", ENODEV);
}

int trace_instance_open(struct trace_instance *in, const char *tracing_dir)
{
	int r;

	*in = (struct trace_instance){ .dir = -1 };
	if (!tracing_dir)
		tracing_dir = DEFAULT_TRACING_DIR;
	r = check_kernel(in, tracing_dir);
	if (r < 0)
		return r;
	r = create(in, tracing_dir);
	if (r < 0)
		return r;
	wait_for_files(in);
	r = load_texts(in);
	if (r < 0)
		return r;
	r = load_page_size(in);
	if (r < 0)
		return r;
	return count_cpus(in);
}

void trace_instance_close(struct trace_instance *in)
{
	close_p(&in->dir);
	free(in->header_page);
	free(in->mc_format);
	free(in->failure_format);
	free(in->soft_format);
	*in = (struct trace_instance){ .dir = -1 };
}

int trace_instance_clock_is_boot(struct trace_instance *in)
{
	_cleanup_(free_p) char *clocks = NULL;
	int r = read_text(in, "trace_clock", &clocks);

	if (r < 0)
		return r;
	return strstr(clocks, "[boot]") != NULL;
}

int trace_instance_set_clock(struct trace_instance *in)
{
	return write_text(in, "trace_clock", "boot");
}

static uint64_t to_kib(uint64_t bytes)
{
	return bytes / 1024 + (bytes % 1024 != 0);
}

/*
 * The kernel rounds up to whole pages, at least two, and shows the sum of their data in
 * KiB: 64 is shown as 67 (ring_buffer_resize, tracing_entries_read). An instance whose
 * buffers have not grown to their full size yet shows "7 (expanded: 1408)", and "X" means
 * that the CPUs' sizes differ.
 */
int trace_instance_compare_size(struct trace_instance *in, uint64_t bytes)
{
	_cleanup_(free_p) char *text = NULL;
	unsigned long long now;
	uint64_t pages, shown;
	char *end;

	if (read_text(in, "buffer_size_kb", &text) < 0)
		return 1;
	errno = 0;
	now = strtoull(text, &end, 10);
	if (end == text || errno)
		return 1;
	if (*end && *end != '\n')
		return now < to_kib(bytes) ? -1 : 1;
	pages = to_kib(bytes) * 1024 / in->data_size;
	pages += to_kib(bytes) * 1024 % in->data_size != 0;
	shown = (pages < 2 ? 2 : pages) * in->data_size / 1024;
	if (now == shown || now == to_kib(bytes))
		return 0;
	return now < shown ? -1 : 1;
}

int trace_instance_set_size(struct trace_instance *in, uint64_t bytes)
{
	char text[24];

	snprintf(text, sizeof(text), "%llu", (unsigned long long)to_kib(bytes));
	return write_text(in, "buffer_size_kb", text);
}

int trace_instance_wake_at_once(struct trace_instance *in)
{
	int r = trace_instance_set(in, "buffer_percent", "0");

	return r == -ENOENT ? 0 : r;
}

static int enable_event(struct trace_instance *in, const char *dir)
{
	char path[128];

	if (!dir)
		return 0;
	snprintf(path, sizeof(path), "%s/enable", dir);
	return trace_instance_set(in, path, "1");
}

int trace_instance_enable(struct trace_instance *in)
{
	int r = enable_event(in, MC_EVENT_DIR);

	if (r >= 0)
		r = enable_event(in, in->failure_dir);
	if (r >= 0)
		r = enable_event(in, in->soft_dir);
	return r < 0 ? r : trace_instance_set(in, "tracing_on", "1");
}

/* 0 if there is no such line: not every kernel has each of them. */
static uint64_t stat_value(const char *text, const char *key)
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
	r = read_text(in, path, &text);
	if (r < 0)
		return r;
	/* Half a text would be a buffer that nobody has read from. */
	if (!strstr(text, "read events:") || !strstr(text, "overrun:"))
		return fail(in, path, EBADMSG);
	*ret = (struct trace_stats){
		.read = stat_value(text, "read events"),
		.overrun = stat_value(text, "overrun"),
		.other = stat_value(text, "commit overrun") +
			 stat_value(text, "dropped events"),
		.bytes = stat_value(text, "bytes"),
	};
	return 0;
}

// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * One request, and everything that can be seen of it from outside: the answer,
 * the counter of poisoned pages, the frame's flags, the pool of huge pages, the
 * event and the counters per node. What is right is not decided here, but for
 * things that contradict each other.
 */
#define _GNU_SOURCE
#include <inttypes.h>
#include <linux/mman.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>

#include "matrix.h"

static int meminfo_fd, attribute_fd;
static const char *pool_name = "hugepages-2048kB";
static bool have_counters;

struct pool {
	long total, available;
};

void measure_open(void)
{
	meminfo_fd = open("/proc/meminfo", O_RDONLY | O_CLOEXEC);
	if (meminfo_fd < 0)
		err(2, "/proc/meminfo");
	attribute_fd = open(SOFT_OFFLINE, O_WRONLY | O_CLOEXEC);
	if (attribute_fd < 0)
		err(2, SOFT_OFFLINE);
}

void watch_pool(const char *name)
{
	pool_name = name;
}

long poisoned_pages(void)
{
	static char text[8192];
	ssize_t got = pread(meminfo_fd, text, sizeof(text) - 1, 0);
	const char *line;

	if (got < 0)
		err(2, "/proc/meminfo");
	text[got] = '\0';
	line = strstr(text, "HardwareCorrupted:");
	if (!line)
		errx(2, "no HardwareCorrupted in /proc/meminfo");
	return atol(line + strlen("HardwareCorrupted:")) / 4;
}

static struct pool read_pool(void)
{
	struct pool pool;
	char path[96];

	snprintf(path, sizeof(path), "/sys/kernel/mm/hugepages/%s/nr_hugepages",
		 pool_name);
	pool.total = get_number(path);
	snprintf(path, sizeof(path), "/sys/kernel/mm/hugepages/%s/free_hugepages",
		 pool_name);
	pool.available = get_number(path);
	return pool;
}

void trouble(struct result *r, const char *format, ...)
{
	size_t length = strlen(r->trouble);
	va_list arguments;

	va_start(arguments, format);
	if (length && length + 2 < sizeof(r->trouble)) {
		strcat(r->trouble, "; ");
		length += 2;
	}
	vsnprintf(r->trouble + length, sizeof(r->trouble) - length, format, arguments);
	va_end(arguments);
}

void data_is(struct result *r, bool intact)
{
	if (strcmp(r->data, "CHANGED") != 0)
		strcpy(r->data, intact ? "intact" : "CHANGED");
}

void look_moved(struct result *r, const void *page)
{
	strcpy(r->moved, frame_of(page) != r->pfn ? "yes" : "no");
}

/* The request itself: 0 or its errno. */
static int perform(const struct request *q)
{
	const char *text = q->text;
	char address[32];

	if (q->instead)
		return reap(spawn(q->instead, q->argument));
	if (q->madvise)
		return madvise(q->madvise, PAGE, MADV_SOFT_OFFLINE) ? errno : 0;
	snprintf(address, sizeof(address), "0x%" PRIx64, q->pfn * PAGE);
	if (!text)
		text = address;
	if (q->path)
		return try_put(q->path, text);
	return pwrite(attribute_fd, text, strlen(text), 0) < 0 ? errno : 0;
}

/* Frames without a page that the kernel knows belong to no node. */
static bool has_node(const struct event *e)
{
	return strcmp(e->outcome, "invalid-pfn") != 0 &&
	       strcmp(e->outcome, "not-online") != 0;
}

/* One counter moved by one, on the frame's own node, and it is the outcome's. */
static void look_counters(struct result *r, const struct event *e)
{
	char want[sizeof(e->outcome)];
	unsigned int moved;
	int node = -1;
	long by = 0;

	strcpy(r->counter, "-");
	moved = counters_moved(r->counter, sizeof(r->counter), &node, &by);
	if (moved > 1)
		snprintf(r->counter, sizeof(r->counter), "%u files", moved);
	if (!moved && have_counters && e->n && has_node(e))
		trouble(r, "no counter moved");
	if (moved != 1 || !e->n)
		return;
	snprintf(want, sizeof(want), "%s", e->outcome);
	for (char *c = want; *c; c++)
		if (*c == '-')
			*c = '_';
	if (strcmp(want, r->counter))
		trouble(r, "counter %s for outcome %s", r->counter, e->outcome);
	if (by != 1)
		trouble(r, "counter %s moved by %ld", r->counter, by);
	if (node != node_of_frame(r->pfn))
		trouble(r, "counter of node %d for a frame of node %d", node,
			node_of_frame(r->pfn));
}

static void look_event(struct result *r, int error, long usecs)
{
	struct event e = trace_read();

	look_counters(r, &e);
	if (e.n != 1) {
		if (e.n)
			snprintf(r->event, sizeof(r->event), "%u events", e.n);
		return;
	}
	snprintf(r->event, sizeof(r->event), "%s %s %s", e.origin, e.kind, e.outcome);
	if (e.pfn != r->pfn)
		trouble(r, "event for frame 0x%" PRIx64 ", asked for 0x%" PRIx64, e.pfn,
			r->pfn);
	if (e.error != -error)
		trouble(r, "event with error %ld, answer was %d", e.error, -error);
	if (e.usecs < 0 || e.usecs > usecs)
		trouble(r, "event of %ld us within %ld us", e.usecs, usecs);
}

static long since(const struct timespec *start)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (now.tv_sec - start->tv_sec) * 1000000 +
	       (now.tv_nsec - start->tv_nsec) / 1000 + 1;
}

static void note(struct result *r, int error, long step)
{
	const char *name = error ? strerrorname_np(error) : "OK";

	snprintf(r->answer, sizeof(r->answer), "%s", name ? name : "?");
	snprintf(r->counted, sizeof(r->counted), step ? "%+ld" : "%ld", step);
}

int ask(struct result *r, const struct request *q)
{
	char before[80], after[80];
	struct pool pool = read_pool(), now;
	struct timespec start;
	long poisoned, usecs;
	int error;

	r->pfn = q->pfn;
	have_counters = counters_before();
	trace_clear();
	poisoned = poisoned_pages();
	if (q->before)
		q->before(q->argument);
	flags_text(q->pfn, before, sizeof(before));
	clock_gettime(CLOCK_MONOTONIC, &start);
	error = perform(q);
	usecs = since(&start);

	note(r, error, poisoned_pages() - poisoned);
	look_event(r, error, usecs);
	settle();
	flags_text(q->pfn, after, sizeof(after));
	snprintf(r->flags, sizeof(r->flags), "%s -> %s", before, after);
	now = read_pool();
	if (pool.total || now.total)
		snprintf(r->pool, sizeof(r->pool), "%ld/%ld -> %ld/%ld", pool.total,
			 pool.available, now.total, now.available);
	return error;
}

int ask_frame(struct result *r, uint64_t pfn)
{
	return ask(r, &(struct request){ .pfn = pfn });
}

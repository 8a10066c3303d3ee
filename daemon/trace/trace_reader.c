/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * The raw pipes of our trace instance: which pipes are open, which have something to
 * read, and how many events were lost in them. This file does not look into a page, and
 * trusts only the kernel's own counters.
 */

#include "trace/trace_reader.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "base/mem.h"
#include "trace/trace_guard.h"
#include "trace/trace_instance.h"
#include "trace/trace_record.h"

#define AUTO_IN_ALL (UINT64_C(64) << 20)
#define AUTO_LEAST  (UINT64_C(1) << 20)
#define AUTO_MOST   (UINT64_C(16) << 20)
#define AUTO_OF_RAM 32 /* all buffers together take one part in 32 of the memory */

struct trace_cpu {
	int fd;
	bool ready;              /* worth a read() */
	bool empty;              /* the last read() said so */
	bool has_base;           /* @base is known */
	bool check;              /* compare @noted with the counters once empty */
	struct trace_stats base; /* the counters up to which all is accounted for */
	uint64_t noted;          /* lost since, as pages said */
	uint64_t notes_unknown;  /* pages since that said "lost" without a number */
	uint64_t unreported;     /* found, and not yet returned */
};

struct trace_reader {
	struct trace_instance in;
	struct trace_guard guard;
	struct trace_look found; /* by the start, of what another program left behind */
	struct trace_cpu *cpus;
	struct epoll_event *events; /* one for each CPU */
	uint8_t *page;
	int epoll;
	struct trace_record record;
	unsigned int next; /* CPU that is read next */
	unsigned int pipes;
	uint64_t buffer_size;
	bool foreign_clock;
	bool shrink; /* to buffer_size, once that can lose nothing */
};

DEFINE_CLEANUP(struct trace_reader *, trace_reader_close)

static void reader_drop_pipe(struct trace_reader *r, struct trace_cpu *cpu)
{
	if (cpu->fd < 0)
		return;
	/* Closing the pipe removes it from the epoll set: nobody has a copy. */
	close(TAKE_FD(cpu->fd));
	cpu->ready = false;
	r->pipes--;
}

/* True if read() has something to return now. */
static bool reader_has_pages(int fd)
{
	struct pollfd p = { .fd = fd, .events = POLLIN };

	return poll(&p, 1, 0) > 0 && (p.revents & POLLIN);
}

/* If nobody has read anything yet, no page has reported lost events either: start at
 * 0. */
static void reader_load_base(struct trace_reader *r, unsigned int n)
{
	struct trace_cpu *cpu = &r->cpus[n];

	if (cpu->has_base || trace_instance_stats(&r->in, n, &cpu->base) < 0)
		return;
	if (cpu->base.read == 0)
		cpu->base = (struct trace_stats){ 0 };
	cpu->has_base = true;
}

/*
 * Returns 1, or 0 if the CPU has never been online. The kernel has no buffer for such a
 * CPU: poll() always says POLLERR at once, and read() says ENODEV
 * (ring_buffer_poll_wait).
 */
static int reader_open_pipe(struct trace_reader *r, unsigned int n)
{
	struct trace_cpu *cpu = &r->cpus[n];
	struct epoll_event event = { .events = EPOLLIN, .data.u32 = n };
	_cleanup_(close_p) int fd = -1;
	struct pollfd p = { .events = POLLIN };
	char path[64];

	snprintf(path, sizeof(path), "per_cpu/cpu%u/trace_pipe_raw", n);
	fd = trace_instance_openat(&r->in, path, O_RDONLY | O_NONBLOCK);
	if (fd == -ENOENT || fd == -ENODEV || fd == -ENXIO)
		return 0;
	if (fd < 0)
		return fd;
	p.fd = fd;
	if (poll(&p, 1, 0) > 0 && (p.revents & POLLERR))
		return 0;
	if (epoll_ctl(r->epoll, EPOLL_CTL_ADD, fd, &event) < 0)
		return -errno;

	reader_load_base(r, n);
	cpu->fd = TAKE_FD(fd);
	cpu->ready = true;
	cpu->empty = false;
	cpu->check = true;
	r->pipes++;
	return 1;
}

/* Every event up to @now is accounted for. */
static void reader_rebase(struct trace_cpu *cpu, const struct trace_stats *now)
{
	cpu->base = *now;
	cpu->noted = 0;
	cpu->notes_unknown = 0;
	cpu->check = false;
}

static uint64_t reader_growth(uint64_t now, uint64_t base)
{
	return now > base ? now - base : 0;
}

/*
 * Adds to cpu->unreported the lost events that the counters know and no page reported.
 * The first page after an overrun carries the exact number, unless it is too full to hold
 * it. So when there is nothing to read, the pages' numbers and the counter can differ for
 * two reasons only. The first is pages without a number. The second is events that were
 * lost before we first read the counter: these are in the pages' numbers but not in the
 * counter's growth. This is why each page that said "lost" without a number counts as at
 * least one event.
 */
static void reader_reconcile(struct trace_reader *r, unsigned int n)
{
	struct trace_cpu *cpu = &r->cpus[n];
	struct trace_stats now;
	uint64_t missing;

	if (!cpu->check || !cpu->empty || cpu->fd < 0)
		return;
	if (trace_instance_stats(&r->in, n, &now) < 0)
		return;
	/* Counters that are read too late may include what a page is about to report. */
	if (reader_has_pages(cpu->fd))
		return;
	if (!cpu->has_base) {
		cpu->base = now;
		cpu->has_base = true;
	}
	missing =
		reader_growth(reader_growth(now.overrun, cpu->base.overrun), cpu->noted);
	if (missing < cpu->notes_unknown)
		missing = cpu->notes_unknown;
	cpu->unreported += missing + reader_growth(now.other, cpu->base.other);
	reader_rebase(cpu, &now);
}

uint64_t trace_reader_auto_size(unsigned int cpus, uint64_t ram)
{
	uint64_t all = AUTO_LEAST;
	uint64_t share;

	while (all < AUTO_IN_ALL && all < ram / AUTO_OF_RAM)
		all *= 2;
	share = all / (cpus ? cpus : 1);

	return share < AUTO_LEAST ? AUTO_LEAST : share > AUTO_MOST ? AUTO_MOST : share;
}

static uint64_t reader_size_for(uint64_t bytes)
{
	long cpus = sysconf(_SC_NPROCESSORS_ONLN);
	long pages = sysconf(_SC_PHYS_PAGES);
	uint64_t ram =
		(uint64_t)(pages > 0 ? pages : 0) * (uint64_t)sysconf(_SC_PAGESIZE);

	if (bytes)
		return bytes;
	return trace_reader_auto_size(cpus < 1 ? 1 : (unsigned int)cpus, ram);
}

static int reader_set_up(struct trace_reader *r)
{
	int e = trace_instance_clock_is_boot(&r->in);
	int difference;

	if (e < 0)
		return e;
	/* Setting the clock empties the buffer, and shrinking may lose events: only a new
	 * instance has no events to lose. */
	if (e == 0 && r->in.created) {
		e = trace_instance_set_clock(&r->in);
		if (e < 0)
			return e;
	} else if (e == 0) {
		r->foreign_clock = true;
	}

	difference = trace_instance_compare_size(&r->in, r->buffer_size);
	if (difference < 0 || (difference > 0 && r->in.created))
		return trace_instance_set_size(&r->in, r->buffer_size);
	r->shrink = difference > 0;
	return 0;
}

static int reader_open_pipes(struct trace_reader *r)
{
	r->cpus = calloc(r->in.cpus, sizeof(*r->cpus));
	for (unsigned int i = 0; r->cpus && i < r->in.cpus; i++)
		r->cpus[i].fd = -1;
	r->events = calloc(r->in.cpus, sizeof(*r->events));
	r->page = malloc(r->in.page_size);
	if (!r->cpus || !r->events || !r->page)
		return -ENOMEM;
	r->epoll = epoll_create1(EPOLL_CLOEXEC);
	if (r->epoll < 0)
		return -errno;
	for (unsigned int i = 0; i < r->in.cpus; i++) {
		int e = reader_open_pipe(r, i);

		if (e < 0)
			return e;
	}
	return r->pipes ? 0 : -ENODEV;
}

/*
 * Before the sources are enabled. What a new instance lacks nobody has taken away, and a
 * single source that is off may be new to this daemon.
 */
static void reader_look_first(struct trace_reader *r)
{
	const uint32_t enable = UINT32_C(1) << TRACE_CHANGE_ENABLE;

	trace_guard_init(&r->guard, &r->in);
	trace_guard_look(&r->guard, r->buffer_size, r->foreign_clock, &r->found);
	if (!r->found.all_off)
		r->found.changes.bits &= ~enable;
	if (r->in.created)
		r->found = (struct trace_look){ 0 };
}

/* The file that failed is in r->in.where, or in @where if it is outside the instance. */
static int reader_open_all(struct trace_reader *r,
			   const struct trace_reader_options *options, char *where,
			   size_t size)
{
	int e = trace_instance_open(&r->in, options->tracing_dir);

	if (e < 0)
		return e;
	e = reader_set_up(r);
	if (e < 0)
		return e;
	e = trace_instance_wake_at_once(&r->in);
	if (e < 0)
		return e;
	/* Before the events are enabled, so that the counters start from a known point. */
	snprintf(r->in.where, sizeof(r->in.where), "%s/per_cpu", r->in.path);
	e = reader_open_pipes(r);
	if (e < 0)
		return e;
	r->in.unwanted = options->unwanted;
	reader_look_first(r);
	e = trace_instance_enable(&r->in, options->unwanted);
	if (e < 0 || !options->record_dir)
		return e;
	/* Last: after a failure the folder, once begun, could not be used again. */
	e = trace_record_open(&r->record, options->record_dir, &r->in);
	if (e < 0)
		snprintf(where, size, "%s", options->record_dir);
	return e;
}

int trace_reader_open(struct trace_reader **ret,
		      const struct trace_reader_options *options, const char **ret_where)
{
	static char where[512];
	_cleanup_(trace_reader_close_p) struct trace_reader *r = NULL;
	int e;

	where[0] = '\0';
	r = calloc(1, sizeof(*r));
	if (!r) {
		*ret_where = where;
		return -ENOMEM;
	}
	r->epoll = -1;
	r->record.fd = -1;
	r->buffer_size = reader_size_for(options->buffer_size);
	e = reader_open_all(r, options, where, sizeof(where));
	if (e < 0) {
		if (!where[0])
			snprintf(where, sizeof(where), "%s", r->in.where);
		*ret_where = where;
		return e;
	}
	*ret = TAKE_PTR(r);
	return 0;
}

struct trace_reader *trace_reader_close(struct trace_reader *r)
{
	if (!r)
		return NULL;
	for (unsigned int i = 0; r->cpus && i < r->in.cpus; i++)
		reader_drop_pipe(r, &r->cpus[i]);
	trace_record_close(&r->record);
	close_p(&r->epoll);
	trace_instance_close(&r->in);
	free(r->page);
	free(r->events);
	free(r->cpus);
	free(r);
	return NULL;
}

int trace_reader_want(struct trace_reader *r, uint32_t unwanted)
{
	return trace_instance_enable(&r->in, unwanted);
}

const char *trace_reader_header_page(const struct trace_reader *r)
{
	return r->in.header_page;
}

const char *trace_reader_format(const struct trace_reader *r, enum event_source_id id)
{
	return r->in.sources[id].format;
}

bool trace_reader_records(const struct trace_reader *r, enum event_source_id id)
{
	return trace_instance_records(&r->in, id);
}

const char *trace_reader_system(const struct trace_reader *r, enum event_source_id id)
{
	return r->in.sources[id].system;
}

int trace_reader_fd(const struct trace_reader *r)
{
	return r->epoll;
}

bool trace_reader_foreign_clock(const struct trace_reader *r)
{
	return r->foreign_clock;
}

int trace_reader_record_error(const struct trace_reader *r)
{
	return r->record.error;
}

/* Marks the CPUs that have pages, and closes the pipes that are broken. */
static int reader_gather(struct trace_reader *r)
{
	int n = epoll_wait(r->epoll, r->events, (int)r->in.cpus, 0);

	if (n < 0)
		return errno == EINTR ? 0 : -errno;
	for (int i = 0; i < n; i++) {
		struct trace_cpu *cpu = &r->cpus[r->events[i].data.u32];

		if (r->events[i].events & EPOLLIN)
			cpu->ready = true;
		else
			reader_drop_pipe(r, cpu);
	}
	return r->pipes ? 0 : -ENODEV;
}

/* Returns 1 if a page was handed over, else 0. */
static int reader_read_page(struct trace_reader *r, unsigned int n, trace_page_fn fn,
			    void *userdata)
{
	struct trace_cpu *cpu = &r->cpus[n];
	ssize_t size;

	do
		size = read(cpu->fd, r->page, r->in.page_size);
	while (size < 0 && errno == EINTR);
	if (size > 0) {
		cpu->empty = false;
		trace_record_put(&r->record, (uint16_t)n, r->page, (size_t)size);
		fn(userdata, (uint16_t)n, r->page, (size_t)size);
		return 1;
	}
	cpu->ready = false;
	if (size < 0 && errno == EAGAIN)
		cpu->empty = true;
	else if (size < 0)
		reader_drop_pipe(r, cpu);
	return 0;
}

static bool reader_all_empty(const struct trace_reader *r)
{
	for (unsigned int i = 0; i < r->in.cpus; i++)
		if (r->cpus[i].fd >= 0 && reader_has_pages(r->cpus[i].fd))
			return false;
	return true;
}

/* Makes the changes that lose events, but only when the pipes are empty; else later. */
static void reader_settle(struct trace_reader *r)
{
	for (unsigned int i = 0; i < r->in.cpus; i++)
		reader_reconcile(r, i);
	if (!reader_all_empty(r))
		return;
	if (r->shrink)
		r->shrink = trace_instance_set_size(&r->in, r->buffer_size) < 0;
	if (!r->foreign_clock || trace_instance_set_clock(&r->in) < 0)
		return;
	r->foreign_clock = false;
	/* The counters begin at 0 again, but the counters of offline CPUs do not. */
	for (unsigned int i = 0; i < r->in.cpus; i++) {
		struct trace_stats now;

		if (r->cpus[i].fd >= 0 && trace_instance_stats(&r->in, i, &now) == 0)
			reader_rebase(&r->cpus[i], &now);
	}
}

int trace_reader_read(struct trace_reader *r, unsigned int max_pages, trace_page_fn fn,
		      void *userdata)
{
	unsigned int pages = 0, idle = 0;
	int e = reader_gather(r);

	if (e < 0)
		return e;
	while (pages < max_pages && idle < r->in.cpus) {
		unsigned int n = r->next;

		r->next = (n + 1) % r->in.cpus;
		if (r->cpus[n].ready && reader_read_page(r, n, fn, userdata) > 0) {
			pages++;
			idle = 0;
		} else {
			idle++;
		}
	}
	if (pages < max_pages && (r->foreign_clock || r->shrink))
		reader_settle(r);
	return (int)pages;
}

int trace_reader_read_cpu(struct trace_reader *r, uint16_t cpu, unsigned int max_pages,
			  trace_page_fn fn, void *userdata)
{
	unsigned int pages = 0;

	while (pages < max_pages && cpu < r->in.cpus && r->cpus[cpu].fd >= 0 &&
	       reader_read_page(r, cpu, fn, userdata) > 0)
		pages++;
	return (int)pages;
}

uint64_t trace_reader_backlog(struct trace_reader *r, uint16_t cpu)
{
	struct trace_stats now;

	/* Most CPUs have nothing to read, and poll() costs less than reading the file. */
	if (cpu >= r->in.cpus || r->cpus[cpu].fd < 0 ||
	    !reader_has_pages(r->cpus[cpu].fd) ||
	    trace_instance_stats(&r->in, cpu, &now) < 0)
		return 0;
	return now.bytes;
}

int trace_reader_rescan(struct trace_reader *r)
{
	int opened = 0;

	for (unsigned int i = 0; i < r->in.cpus; i++) {
		if (r->cpus[i].fd < 0)
			opened += reader_open_pipe(r, i) > 0;
		/* A CPU that went offline may not wake us: look at each pipe. */
		r->cpus[i].ready = r->cpus[i].fd >= 0;
		r->cpus[i].check = true;
	}
	return opened;
}

void trace_reader_look(struct trace_reader *r, struct trace_look *ret)
{
	trace_guard_look(&r->guard, r->buffer_size, r->foreign_clock, ret);
}

const struct trace_look *trace_reader_found(const struct trace_reader *r)
{
	return &r->found;
}

bool trace_reader_is_new(const struct trace_reader *r)
{
	return r->in.created;
}

void trace_reader_reopen(struct trace_reader *r)
{
	for (unsigned int i = 0; i < r->in.cpus; i++)
		reader_drop_pipe(r, &r->cpus[i]);
	(void)trace_reader_rescan(r);
}

void trace_reader_note_lost(struct trace_reader *r, uint16_t cpu, uint64_t lost,
			    bool unknown)
{
	struct trace_cpu *c;

	if (cpu >= r->in.cpus || (lost == 0 && !unknown))
		return;
	c = &r->cpus[cpu];
	c->noted += lost;
	c->notes_unknown += unknown;
	c->check = true;
}

uint64_t trace_reader_unreported(struct trace_reader *r, uint16_t cpu)
{
	uint64_t n;

	if (cpu >= r->in.cpus)
		return 0;
	reader_reconcile(r, cpu);
	n = r->cpus[cpu].unreported;
	r->cpus[cpu].unreported = 0;
	return n;
}

int trace_reader_consumed(struct trace_reader *r, uint16_t cpu, uint64_t *ret)
{
	struct trace_stats now;
	int e = cpu < r->in.cpus ? trace_instance_stats(&r->in, cpu, &now) : -EINVAL;

	if (e >= 0)
		*ret = now.read;
	return e;
}

unsigned int trace_reader_cpus(const struct trace_reader *r)
{
	return r->in.cpus;
}

unsigned int trace_reader_open_pipes(const struct trace_reader *r)
{
	return r->pipes;
}

int trace_reader_set_buffer_size(struct trace_reader *r, uint64_t bytes)
{
	uint64_t size = reader_size_for(bytes);
	int difference = trace_instance_compare_size(&r->in, size);
	int e = 0;

	r->shrink = difference > 0 && !reader_all_empty(r);
	if (difference != 0 && !r->shrink)
		e = trace_instance_set_size(&r->in, size);
	if (e < 0)
		return e;
	r->buffer_size = size;
	return 0;
}

uint64_t trace_reader_buffer_size(const struct trace_reader *r)
{
	return r->buffer_size;
}

size_t trace_reader_page_size(const struct trace_reader *r)
{
	return r->in.page_size;
}

size_t trace_reader_data_offset(const struct trace_reader *r)
{
	return r->in.page_size - r->in.data_size;
}

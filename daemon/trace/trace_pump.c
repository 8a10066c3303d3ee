/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * The reading thread and what it fills: two queues, LANE_FIRST and LANE_REST. The main loop
 * takes from LANE_FIRST first. A CPU's pages go into LANE_FIRST as long as the CPU has none
 * in LANE_REST, so that a CPU which reports one error does not wait for all that a storm on
 * another CPU has queued. Who holds the lock puts pages: the thread, or the main loop when
 * it pulls. Of a page only the commit word is read.
 */

#include "trace/trace_pump.h"

#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <sched.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/units.h"
#include "event/ringbuffer.h"
#include "host/thread.h"
#include "trace/trace_queue.h"

#define PAGES_PER_LOCK 64 /* then the main loop may have the lock */
/*
 * A CPU writes fewer than 4096 bytes per usec: that would be an event of 290 bytes each
 * 71 ns. So a buffer of 4 MiB lasts at least 1 ms, and the thread may sleep that long.
 */
#define FILLED_PER_USEC 4096
#define SHORTEST_SLEEP  100 /* usec; below, a sleep costs more than it saves */
#define STACK_SIZE      ((size_t)128 * 1024)
#define READER_NICE     (-15)
#define MIN_PAGES       4
#define KEPT_BYTES      ((uint64_t)256 * 1024) /* queue memory that is never given back */
#define ENOUGH_BYTES    KEPT_BYTES /* queued: the rest may wait, see pump_may_hold() */
#define FIRST_MAX       16         /* pages of one CPU in LANE_FIRST */
#define FIRST_SHARE     8          /* LANE_FIRST gets one part in 8 of the memory */
#define REST_SHARE      4          /* one page in 4 is taken from LANE_REST */
#define FREE_BYTES      ((uint64_t)4 << 20) /* kept free in a kernel buffer */
#define CALM_MSEC       1000                /* without a page: the storm is over */

enum lane {
	LANE_FIRST,
	LANE_REST,
	LANES_,
};

struct pump_cpu {
	_Atomic uint32_t queued[LANES_]; /* its pages in the queues */
	/* The thread's own: bytes in its kernel buffer above what may wait there. */
	uint64_t surplus;
};

struct trace_pump {
	struct trace_reader *r; /* under the lock */
	pthread_mutex_t lock;
	pthread_t thread;
	bool running;
	bool drained; /* under the lock: the last read found the pipes empty */
	_Atomic int error;
	_Atomic bool stop;
	/* The thread waits until LANE_REST holds less than this; 0: it does not wait. */
	_Atomic uint64_t wake_below;
	_Atomic unsigned int wanted; /* the main loop wants the lock */
	int ready_fd;                /* wakes the main loop: there is a page to take */
	int wake_fd;                 /* wakes the thread: there is room, or it must end */
	int pipes_fd;
	/* The thread's own: */
	usec_t pause;           /* after each round of reading */
	unsigned int first_cpu; /* whose surplus is taken first */

	struct pump_cpu *cpus;
	unsigned int n_cpus;
	size_t page_size;
	size_t data_offset;
	struct trace_queue lanes[LANES_];
	/* The main loop's own: */
	unsigned int takes;          /* pages handed over */
	unsigned int pulled[LANES_]; /* pages of the last pull that are still queued */
	_Atomic bool was_full;       /* a page that had to be read found no room */
	_Atomic uint64_t hold;       /* the last result of pump_may_hold() */
};

DEFINE_CLEANUP(struct trace_pump *, trace_pump_stop)

/* For the main loop. The thread holds the lock most of the time and lets the loop pass. */
static void pump_lock(struct trace_pump *p)
{
	atomic_fetch_add(&p->wanted, 1);
	pthread_mutex_lock(&p->lock);
	atomic_fetch_sub(&p->wanted, 1);
}

static void pump_unlock(struct trace_pump *p)
{
	pthread_mutex_unlock(&p->lock);
}

static void pump_signal(int fd)
{
	uint64_t one = 1;

	/* It fails only if the counter is full: then the descriptor is readable. */
	(void)!write(fd, &one, sizeof(one));
}

static void pump_clear(int fd)
{
	uint64_t n;

	(void)!read(fd, &n, sizeof(n));
}

static bool pump_is_empty(const struct trace_pump *p)
{
	return trace_queue_bytes(&p->lanes[LANE_FIRST]) == 0 &&
	       trace_queue_bytes(&p->lanes[LANE_REST]) == 0;
}

static uint64_t pump_touched(const struct trace_pump *p)
{
	return trace_queue_touched(&p->lanes[LANE_FIRST]) +
	       trace_queue_touched(&p->lanes[LANE_REST]);
}

/* Full pages for which there is room in either lane: LANE_REST takes every page. */
static unsigned int pump_room(const struct trace_pump *p)
{
	return trace_queue_room(&p->lanes[LANE_REST]);
}

/*
 * The used bytes of a page, by its commit word (ringbuffer.h). A page that is read while
 * the kernel writes it has few events; its unused part would fill the queue. A page whose
 * commit word makes no sense is kept whole, so that the decoder reports it.
 */
static size_t pump_used_size(const struct trace_pump *p, const uint8_t *page, size_t size)
{
	uint64_t commit;
	size_t used;

	/* Only the layout of 64 bits is known here; elsewhere the page is kept whole. */
	if (p->data_offset != 2 * sizeof(commit) || size < p->data_offset)
		return size;
	memcpy(&commit, page + sizeof(commit), sizeof(commit));
	if (commit & ~(RINGBUFFER_COMMIT_MASK | RINGBUFFER_MISSED | RINGBUFFER_STORED))
		return size;
	used = p->data_offset + (commit & RINGBUFFER_COMMIT_MASK);
	if (commit & RINGBUFFER_STORED)
		used += sizeof(uint64_t);
	return used < size ? used : size;
}

/* The pages of one CPU stay in order: once it has one in LANE_REST, all follow there. */
static enum lane pump_lane_for(const struct trace_pump *p, uint16_t cpu)
{
	const struct pump_cpu *c = &p->cpus[cpu];

	return atomic_load(&c->queued[LANE_REST]) == 0 &&
			       atomic_load(&c->queued[LANE_FIRST]) < FIRST_MAX &&
			       trace_queue_room(&p->lanes[LANE_FIRST]) > 0
		       ? LANE_FIRST
		       : LANE_REST;
}

static void pump_keep_page(void *userdata, uint16_t cpu, const void *page, size_t size)
{
	struct trace_pump *p = userdata;
	enum lane lane = pump_lane_for(p, cpu);

	atomic_fetch_add(&p->cpus[cpu].queued[lane], 1);
	if (trace_queue_put(&p->lanes[lane], cpu, page, pump_used_size(p, page, size)))
		pump_signal(p->ready_fd);
}

/* Reads up to @max pages into the queue, with the lock held. Returns their number, or
 * negative errno. */
static int pump_fill(struct trace_pump *p, unsigned int max)
{
	int n;

	if (max > pump_room(p))
		max = pump_room(p);
	if (max == 0)
		return 0;
	n = trace_reader_read(p->r, max, pump_keep_page, p);
	p->drained = n >= 0 && (unsigned int)n < max;
	if (n < 0) {
		atomic_store(&p->error, n);
		pump_signal(p->ready_fd);
	}
	return n;
}

/* Only after a storm: faulting the memory in again for each burst is expensive. */
static void pump_give_back(struct trace_pump *p)
{
	pthread_mutex_lock(&p->lock);
	for (enum lane lane = 0; lane < LANES_; lane++)
		trace_queue_give_back(&p->lanes[lane]);
	pump_unlock(p);
}

/* Waits for the pipes, or to be woken. */
static void pump_wait_for_work(struct trace_pump *p)
{
	bool spare = pump_touched(p) > KEPT_BYTES;
	struct pollfd fds[] = {
		{ .fd = p->wake_fd, .events = POLLIN },
		{ .fd = p->pipes_fd, .events = POLLIN },
	};

	if (poll(fds, 2, spare ? CALM_MSEC : -1) == 0)
		pump_give_back(p);
	if (fds[0].revents)
		pump_clear(p->wake_fd);
}

/*
 * In a storm there is always something to read, but a page that is read at once has few
 * events. A sleep that is too short for the buffer to fill makes fewer and fuller pages,
 * and leaves the CPU to the threads that count.
 */
static void pump_sleep(struct trace_pump *p)
{
	struct pollfd wake = { .fd = p->wake_fd, .events = POLLIN };
	struct timespec span = { .tv_nsec = (long)p->pause.us * 1000 };

	if (p->pause.us >= SHORTEST_SLEEP)
		(void)ppoll(&wake, 1, &span, NULL);
}

/*
 * How many bytes may wait in a kernel buffer of @size bytes while the queue holds enough
 * pages to work on. The queue is shared by all CPUs and is taken in order, so a CPU in a
 * storm would delay every other CPU there; in the kernel's buffers each CPU waits by
 * itself. 0: the buffer is too small to wait in.
 */
static uint64_t pump_may_hold(uint64_t size)
{
	uint64_t spare = size / 4 > FREE_BYTES ? size / 4 : FREE_BYTES;

	return size > spare ? size - spare : 0;
}

static bool pump_has_enough(const struct trace_pump *p)
{
	return pump_room(p) == 0 ||
	       (p->hold > 0 && trace_queue_bytes(&p->lanes[LANE_REST]) >= ENOUGH_BYTES);
}

/* For the thread: lets the main loop have the lock first. */
static void pump_lock_after_main(struct trace_pump *p)
{
	while (atomic_load(&p->wanted) > 0)
		sched_yield();
	pthread_mutex_lock(&p->lock);
}

/* Reads until a round finds less than PAGES_PER_LOCK pages, or the queue has enough. */
static void pump_drain(struct trace_pump *p)
{
	int n;

	do {
		uint64_t size;

		pump_lock_after_main(p);
		n = pump_fill(p, PAGES_PER_LOCK);
		size = trace_reader_buffer_size(p->r);
		pump_unlock(p);
		p->hold = pump_may_hold(size);
		if (size > FREE_BYTES)
			size = FREE_BYTES;
		p->pause = usec((int64_t)(size / FILLED_PER_USEC));
	} while (n == PAGES_PER_LOCK && !pump_has_enough(p) && !atomic_load(&p->stop));
}

/* Finds the CPUs whose kernel buffers hold more than may wait there. Returns their
 * number. */
static unsigned int pump_find_surplus(struct trace_pump *p)
{
	uint64_t hold = pump_may_hold(trace_reader_buffer_size(p->r));
	unsigned int n = 0;

	atomic_store(&p->hold, hold);
	for (unsigned int cpu = 0; cpu < p->n_cpus; cpu++) {
		uint64_t bytes = trace_reader_backlog(p->r, (uint16_t)cpu);

		p->cpus[cpu].surplus = bytes > hold ? bytes - hold : 0;
		n += p->cpus[cpu].surplus > 0;
	}
	return n;
}

static void pump_read_cpu(struct trace_pump *p, unsigned int cpu, uint64_t pages)
{
	(void)trace_reader_read_cpu(p->r, (uint16_t)cpu, (unsigned int)pages,
				    pump_keep_page, p);
}

/* Reads the surplus of @cpu, but leaves room for @others more CPUs. */
static void pump_take_surplus(struct trace_pump *p, unsigned int cpu, unsigned int others)
{
	uint64_t pages = p->cpus[cpu].surplus / p->page_size + 1;
	uint64_t share = (pump_room(p) + others) / (others + 1);

	if (pages > pump_room(p))
		atomic_store(&p->was_full, true);
	pump_read_cpu(p, cpu, pages < share ? pages : share);
}

/* How many pages to read of a CPU that has none in the queue. */
static unsigned int pump_first_pages(const struct trace_pump *p)
{
	unsigned int first = trace_queue_room(&p->lanes[LANE_FIRST]);
	/* One place may be lost at the ring's end. The last page must not spill into
	 * LANE_REST, which may have no room. */
	unsigned int n = first > 1 ? first - 1 : first > 0 ? first : pump_room(p);

	return n < FIRST_MAX ? n : FIRST_MAX;
}

/*
 * Runs while the queue has enough. A CPU that has no page in the queue is read all the
 * same: otherwise it would wait for as long as a storm on another CPU lasts. And the
 * surplus of the kernel's buffers is read before it is overwritten.
 */
static void pump_relieve(struct trace_pump *p)
{
	unsigned int n;

	pump_lock_after_main(p);
	p->drained = false;
	for (unsigned int cpu = 0; cpu < p->n_cpus; cpu++)
		if (atomic_load(&p->cpus[cpu].queued[LANE_FIRST]) == 0 &&
		    atomic_load(&p->cpus[cpu].queued[LANE_REST]) == 0)
			pump_read_cpu(p, cpu, pump_first_pages(p));
	n = pump_find_surplus(p);
	for (unsigned int i = 0; i < p->n_cpus && n > 0; i++) {
		unsigned int cpu = (p->first_cpu + i) % p->n_cpus;

		if (p->cpus[cpu].surplus > 0)
			pump_take_surplus(p, cpu, --n);
	}
	p->first_cpu = (p->first_cpu + 1) % p->n_cpus;
	pump_unlock(p);
}

/* Waits until the queue holds less. Meanwhile the surplus of the kernel's buffers goes
 * into the queue, if there is room: looked for half as often as the pipes are read. */
static void pump_wait_for_less(struct trace_pump *p)
{
	struct pollfd wake = { .fd = p->wake_fd, .events = POLLIN };
	struct timespec span = { .tv_nsec = (long)p->pause.us * 2000 };
	bool full = pump_room(p) == 0;

	if (ppoll(&wake, 1, full ? NULL : &span, NULL) == 0)
		pump_relieve(p);
	else
		pump_clear(p->wake_fd);
}

static void *pump_main(void *userdata)
{
	struct trace_pump *p = userdata;

	/* Run before the threads that count and store, where the sandbox allows it: this
	 * thread needs a CPU for a moment only, but within the few milliseconds that a
	 * kernel buffer lasts. */
	(void)setpriority(PRIO_PROCESS, (id_t)gettid(), READER_NICE);
	while (!atomic_load(&p->stop) && atomic_load(&p->error) == 0) {
		/* Set before the queue is looked at, so that the main loop, if it takes a
		 * page after this look, sees the value and wakes the thread. */
		atomic_store(&p->wake_below,
			     pump_room(p) ? ENOUGH_BYTES / 2 : UINT64_MAX);
		if (pump_has_enough(p)) {
			pump_wait_for_less(p);
			continue;
		}
		atomic_store(&p->wake_below, 0);
		pump_wait_for_work(p);
		pump_drain(p);
		pump_sleep(p);
	}
	return NULL;
}

static int pump_make_queues(struct trace_pump *p, uint64_t bytes)
{
	uint64_t first = bytes / FIRST_SHARE;
	int e;

	p->page_size = trace_reader_page_size(p->r);
	p->data_offset = trace_reader_data_offset(p->r);
	e = trace_queue_init(&p->lanes[LANE_FIRST], first, p->page_size, 0);
	if (e < 0)
		return e;
	bytes -= p->lanes[LANE_FIRST].bytes;
	return trace_queue_init(&p->lanes[LANE_REST], bytes, p->page_size, MIN_PAGES);
}

int trace_pump_start(struct trace_pump **ret, struct trace_reader *r, uint64_t bytes)
{
	_cleanup_(trace_pump_stop_p) struct trace_pump *p = NULL;
	int e;

	if (trace_reader_foreign_clock(r))
		return -EINVAL;
	p = calloc(1, sizeof(*p));
	if (!p)
		return -ENOMEM;
	p->r = r;
	pthread_mutex_init(&p->lock, NULL);
	p->n_cpus = trace_reader_cpus(r);
	p->cpus = calloc(p->n_cpus, sizeof(*p->cpus));
	if (!p->cpus)
		return -ENOMEM;
	p->pipes_fd = trace_reader_fd(r);
	p->ready_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	p->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (p->ready_fd < 0 || p->wake_fd < 0)
		return -errno;
	e = pump_make_queues(p, bytes);
	if (e < 0)
		return e;
	e = thread_start(&p->thread, "trace-reader", STACK_SIZE, pump_main, p);
	if (e < 0)
		return e;
	p->running = true;
	*ret = TAKE_PTR(p);
	return 0;
}

void trace_pump_halt(struct trace_pump *p)
{
	if (!p->running)
		return;
	atomic_store(&p->stop, true);
	pump_signal(p->wake_fd);
	pthread_join(p->thread, NULL);
	p->running = false;
}

struct trace_pump *trace_pump_stop(struct trace_pump *p)
{
	if (!p)
		return NULL;
	trace_pump_halt(p);
	close_p(&p->ready_fd);
	close_p(&p->wake_fd);
	free(p->cpus);
	for (enum lane lane = 0; lane < LANES_; lane++)
		trace_queue_done(&p->lanes[lane]);
	pthread_mutex_destroy(&p->lock);
	free(p);
	return NULL;
}

int trace_pump_fd(const struct trace_pump *p)
{
	return p->ready_fd;
}

/* Wakes the thread if it waits for a level that is now reached. */
static void pump_wake_thread(struct trace_pump *p)
{
	if (trace_queue_bytes(&p->lanes[LANE_REST]) >= atomic_load(&p->wake_below))
		return;
	atomic_store(&p->wake_below, 0); /* once is enough */
	pump_signal(p->wake_fd);
}

/*
 * Empty queues start again at the memory that they have used already. Under the lock,
 * since the thread may be putting a page. The thread looks at the room without the lock
 * and may see half of this change, so it is woken to look again.
 */
static void pump_start_over(struct trace_pump *p)
{
	pump_lock(p);
	for (enum lane lane = 0; lane < LANES_; lane++)
		trace_queue_start_over(&p->lanes[lane]);
	pump_unlock(p);
	pump_wake_thread(p);
}

/*
 * Every REST_SHARE-th page comes from LANE_REST, so that LANE_FIRST cannot starve it. The
 * pages of one CPU stay in order: if a CPU has pages in both lanes, those in LANE_FIRST
 * are older, and its page in LANE_REST waits. Pages of the last pull come before all
 * pages that were read after it.
 */
static enum lane pump_next_lane(struct trace_pump *p)
{
	int cpu = trace_queue_next_cpu(&p->lanes[LANE_REST]);
	bool pulling = p->pulled[LANE_FIRST] + p->pulled[LANE_REST] > 0;
	bool is_turn_of_rest = ++p->takes % REST_SHARE == 0;

	if (cpu < 0)
		return LANE_FIRST;
	if (is_turn_of_rest && atomic_load(&p->cpus[cpu].queued[LANE_FIRST]) == 0 &&
	    (!pulling || p->pulled[LANE_REST] > 0))
		return LANE_REST;
	if (pulling)
		return p->pulled[LANE_FIRST] > 0 ? LANE_FIRST : LANE_REST;
	return trace_queue_bytes(&p->lanes[LANE_FIRST]) > 0 ? LANE_FIRST : LANE_REST;
}

/* Hands a page over. False if there is none. */
static bool pump_take_one(struct trace_pump *p, trace_page_fn fn, void *userdata)
{
	enum lane lane = pump_next_lane(p);
	int cpu = trace_queue_take(&p->lanes[lane], fn, userdata);

	if (cpu < 0)
		return false;
	if (p->pulled[lane] > 0)
		p->pulled[lane]--;
	atomic_fetch_sub(&p->cpus[cpu].queued[lane], 1);
	pump_wake_thread(p);
	return true;
}

int trace_pump_take(struct trace_pump *p, unsigned int max_pages, trace_page_fn fn,
		    void *userdata)
{
	unsigned int n = 0;

	pump_clear(p->ready_fd);
	/* Where no event can wait in the kernel's buffers, a full queue means that events
	 * get lost. */
	if (atomic_load(&p->hold) == 0 && trace_queue_room(&p->lanes[LANE_REST]) == 0)
		atomic_store(&p->was_full, true);
	while (n < max_pages && pump_take_one(p, fn, userdata))
		n++;
	if (!pump_is_empty(p))
		pump_signal(p->ready_fd);
	else if (n > 0)
		pump_start_over(p);
	return n > 0 ? (int)n : atomic_load(&p->error);
}

unsigned int trace_pump_pull(struct trace_pump *p)
{
	unsigned int n;

	pump_lock(p);
	(void)pump_fill(p, UINT_MAX);
	for (enum lane lane = 0; lane < LANES_; lane++)
		p->pulled[lane] = trace_queue_pages(&p->lanes[lane]);
	n = p->pulled[LANE_FIRST] + p->pulled[LANE_REST];
	pump_unlock(p);
	/* The thread may sleep without a timeout and would not give this memory back. */
	if (pump_touched(p) > KEPT_BYTES)
		pump_signal(p->wake_fd);
	return n;
}

bool trace_pump_was_full(const struct trace_pump *p)
{
	return atomic_load(&p->was_full);
}

uint64_t trace_pump_unreported(struct trace_pump *p, uint16_t cpu)
{
	uint64_t n = 0;

	pump_lock(p);
	if (p->drained && pump_is_empty(p))
		n = trace_reader_unreported(p->r, cpu);
	pump_unlock(p);
	return n;
}

int trace_pump_consumed(struct trace_pump *p, uint16_t cpu, uint64_t *ret)
{
	int r = -EAGAIN;

	pump_lock(p);
	if (pump_is_empty(p))
		r = trace_reader_consumed(p->r, cpu, ret);
	pump_unlock(p);
	return r;
}

void trace_pump_look(struct trace_pump *p, struct trace_look *ret)
{
	trace_reader_look(p->r, ret);
}

void trace_pump_reopen(struct trace_pump *p)
{
	pump_lock(p);
	trace_reader_reopen(p->r);
	pump_unlock(p);
}

void trace_pump_note_lost(struct trace_pump *p, uint16_t cpu, uint64_t lost, bool unknown)
{
	pump_lock(p);
	trace_reader_note_lost(p->r, cpu, lost, unknown);
	pump_unlock(p);
}

int trace_pump_rescan(struct trace_pump *p)
{
	int n;

	pump_lock(p);
	n = trace_reader_rescan(p->r);
	pump_unlock(p);
	return n;
}

int trace_pump_set_buffer_size(struct trace_pump *p, uint64_t bytes)
{
	int r;

	pump_lock(p);
	r = trace_reader_set_buffer_size(p->r, bytes);
	pump_unlock(p);
	return r;
}

unsigned int trace_pump_open_pipes(struct trace_pump *p)
{
	unsigned int n;

	pump_lock(p);
	n = trace_reader_open_pipes(p->r);
	pump_unlock(p);
	return n;
}

int trace_pump_record_error(struct trace_pump *p)
{
	int r;

	pump_lock(p);
	r = trace_reader_record_error(p->r);
	pump_unlock(p);
	return r;
}

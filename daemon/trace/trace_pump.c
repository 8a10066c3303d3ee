/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * The reading thread and what it fills: two queues, of which the first is taken first. A
 * CPU's pages go into the first as long as it has none in the other, so that a CPU which
 * reports one error does not wait for all that a storm on another one has queued. Pages
 * are put by whoever holds the lock (the thread, or the main loop when it pulls). It does
 * not look into a page.
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
/* 4 GB/s are an event of 290 bytes each 70 ns, more than one CPU can emit; 4 MiB make a
 * rest of a millisecond, 64 MiB, the most that can be asked for, one of 16. */
#define FILLED_PER_USEC 4096
#define SHORTEST_REST   100 /* usec: below, going to sleep costs more than it saves */
#define STACK_SIZE      ((size_t)128 * 1024)
#define READER_NICE     (-15)
#define MIN_PAGES       4
#define KEPT_BYTES      ((uint64_t)256 * 1024) /* a queue that held no more keeps them */
#define ENOUGH_BYTES    KEPT_BYTES             /* queued: see may_hold() */
#define A_TURN          16                     /* pages of a CPU that go first */
#define FIRST_SHARE     8                      /* of all bytes, for those */
#define REST_SHARE      4                      /* one page in so many is of the others */
#define FREE_BYTES      ((uint64_t)4 << 20)    /* of a kernel's buffer, for what comes */
#define CALM_MSEC       1000                   /* without a page: the storm is over */

enum lane {
	LANE_FIRST,
	LANE_REST,
	LANES_,
};

struct pump_cpu {
	_Atomic uint32_t queued[LANES_]; /* its pages in the queues */
	uint64_t surplus;                /* bytes above what may wait; the thread's own */
};

struct trace_pump {
	struct trace_reader *r; /* under the lock */
	pthread_mutex_t lock;
	pthread_t thread;
	bool running;
	bool drained; /* under the lock: the last look found the pipes empty */
	_Atomic int error;
	_Atomic bool stop;
	/* The thread waits until there is less than this in the queue; 0: it does not. */
	_Atomic uint64_t wake_below;
	_Atomic unsigned int wanted; /* the main loop wants the lock */
	int ready_fd;                /* for the main loop: there is something to take */
	int wake_fd; /* for the thread: there is room, or the end has come */
	int pipes_fd;
	/* The thread's own: */
	usec_t rest;       /* after each round of reading */
	unsigned int turn; /* CPU that comes first */

	struct pump_cpu *cpus;
	unsigned int n_cpus;
	size_t page_size;
	size_t data_offset;
	struct trace_queue lanes[LANES_];
	/* The main loop's own: pages handed over; those of the last pull that are not. */
	unsigned int takes;
	unsigned int pulled[LANES_];
	_Atomic bool was_full; /* what had to be read found no room */
	_Atomic uint64_t hold; /* may_hold(), as last looked */
};

DEFINE_CLEANUP(struct trace_pump *, trace_pump_stop)

/* Of the main loop; the thread, which has the lock most of the time, gives way to it. */
static void lock(struct trace_pump *p)
{
	atomic_fetch_add(&p->wanted, 1);
	pthread_mutex_lock(&p->lock);
	atomic_fetch_sub(&p->wanted, 1);
}

static void unlock(struct trace_pump *p)
{
	pthread_mutex_unlock(&p->lock);
}

static void signal_fd(int fd)
{
	uint64_t one = 1;

	/* Full is as good as signalled. */
	(void)!write(fd, &one, sizeof(one));
}

static void clear_fd(int fd)
{
	uint64_t n;

	(void)!read(fd, &n, sizeof(n));
}

static struct trace_queue *rest_of(struct trace_pump *p)
{
	return &p->lanes[LANE_REST];
}

static bool is_empty(const struct trace_pump *p)
{
	return trace_queue_bytes(&p->lanes[LANE_FIRST]) == 0 &&
	       trace_queue_bytes(&p->lanes[LANE_REST]) == 0;
}

static uint64_t touched(const struct trace_pump *p)
{
	return trace_queue_touched(&p->lanes[LANE_FIRST]) +
	       trace_queue_touched(&p->lanes[LANE_REST]);
}

/* Pages for which there surely is room, whichever queue they go to. */
static unsigned int room(const struct trace_pump *p)
{
	return trace_queue_room(&p->lanes[LANE_REST]);
}

/*
 * What of a page is used: a page that is read while it is written has few events, and the
 * rest of it would fill the queue. By the commit word (decoder.h has the facts); what
 * makes no sense is kept whole, for the decoder to say so.
 */
static size_t used_part(const struct trace_pump *p, const uint8_t *page, size_t size)
{
	uint64_t commit;
	size_t used;

	/* On 32 bits the word is shorter. */
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

/* In the order in which they were read: of one CPU, none may pass another. */
static enum lane lane_for(const struct trace_pump *p, uint16_t cpu)
{
	const struct pump_cpu *c = &p->cpus[cpu];

	return atomic_load(&c->queued[LANE_REST]) == 0 &&
			       atomic_load(&c->queued[LANE_FIRST]) < A_TURN &&
			       trace_queue_room(&p->lanes[LANE_FIRST]) > 0
		       ? LANE_FIRST
		       : LANE_REST;
}

static void keep_page(void *userdata, uint16_t cpu, const void *page, size_t size)
{
	struct trace_pump *p = userdata;
	enum lane lane = lane_for(p, cpu);

	atomic_fetch_add(&p->cpus[cpu].queued[lane], 1);
	if (trace_queue_put(&p->lanes[lane], cpu, page, used_part(p, page, size)))
		signal_fd(p->ready_fd);
}

/* Reads up to @max pages into the queue, with the lock held. Returns how many. */
static int fill(struct trace_pump *p, unsigned int max)
{
	int n;

	if (max > room(p))
		max = room(p);
	if (max == 0)
		return 0;
	n = trace_reader_read(p->r, max, keep_page, p);
	p->drained = n >= 0 && (unsigned int)n < max;
	if (n < 0) {
		atomic_store(&p->error, n);
		signal_fd(p->ready_fd);
	}
	return n;
}

/* What a storm took is kept until it is over: to take it anew for each gust is dear. */
static void give_back(struct trace_pump *p)
{
	pthread_mutex_lock(&p->lock);
	for (enum lane lane = 0; lane < LANES_; lane++)
		trace_queue_give_back(&p->lanes[lane]);
	unlock(p);
}

/* Waits for the pipes, or to be woken. */
static void wait_for_work(struct trace_pump *p)
{
	bool spare = touched(p) > KEPT_BYTES;
	struct pollfd fds[] = {
		{ .fd = p->wake_fd, .events = POLLIN },
		{ .fd = p->pipes_fd, .events = POLLIN },
	};

	if (poll(fds, 2, spare ? CALM_MSEC : -1) == 0)
		give_back(p);
	if (fds[0].revents)
		clear_fd(p->wake_fd);
}

/*
 * In a storm there always is something to read, and who reads at once finds pages with
 * few events on them. A rest in which the buffer cannot fill makes fewer and fuller pages
 * of them, and leaves its CPU to those who count.
 */
static void rest(struct trace_pump *p)
{
	struct pollfd wake = { .fd = p->wake_fd, .events = POLLIN };
	struct timespec span = { .tv_nsec = (long)p->rest.us * 1000 };

	if (p->rest.us >= SHORTEST_REST)
		(void)ppoll(&wake, 1, &span, NULL);
}

/*
 * So much may wait in a buffer of @size of the kernel's while there is enough in the
 * queue to go on with. The queue is one for all CPUs, and what is in it comes first: one
 * that errs in a storm would hold up the others that do. In their buffers each waits by
 * itself. 0: they are too small to wait in.
 */
static uint64_t may_hold(uint64_t size)
{
	uint64_t spare = size / 4 > FREE_BYTES ? size / 4 : FREE_BYTES;

	return size > spare ? size - spare : 0;
}

static bool has_enough(const struct trace_pump *p)
{
	return room(p) == 0 ||
	       (p->hold > 0 && trace_queue_bytes(&p->lanes[LANE_REST]) >= ENOUGH_BYTES);
}

/* The main loop goes first. */
static void lock_after_main(struct trace_pump *p)
{
	while (atomic_load(&p->wanted) > 0)
		sched_yield();
	pthread_mutex_lock(&p->lock);
}

/* Reads until the pipes are as good as empty or there is enough in the queue. */
static void drain(struct trace_pump *p)
{
	int n;

	do {
		uint64_t size;

		lock_after_main(p);
		n = fill(p, PAGES_PER_LOCK);
		size = trace_reader_buffer_size(p->r);
		unlock(p);
		p->hold = may_hold(size);
		if (size > FREE_BYTES)
			size = FREE_BYTES;
		p->rest = usec((int64_t)(size / FILLED_PER_USEC));
	} while (n == PAGES_PER_LOCK && !has_enough(p) && !atomic_load(&p->stop));
}

/* Looks which CPUs have more in their buffers than may wait there. Returns how many. */
static unsigned int find_surplus(struct trace_pump *p)
{
	uint64_t hold = may_hold(trace_reader_buffer_size(p->r));
	unsigned int n = 0;

	atomic_store(&p->hold, hold);
	for (unsigned int cpu = 0; cpu < p->n_cpus; cpu++) {
		uint64_t bytes = trace_reader_backlog(p->r, (uint16_t)cpu);

		p->cpus[cpu].surplus = bytes > hold ? bytes - hold : 0;
		n += p->cpus[cpu].surplus > 0;
	}
	return n;
}

static void read_cpu(struct trace_pump *p, unsigned int cpu, uint64_t pages)
{
	(void)trace_reader_read_cpu(p->r, (uint16_t)cpu, (unsigned int)pages, keep_page,
				    p);
}

/* Takes of one CPU what is over, but leaves room for @others. */
static void take_surplus(struct trace_pump *p, unsigned int cpu, unsigned int others)
{
	uint64_t pages = p->cpus[cpu].surplus / p->page_size + 1;
	uint64_t share = (room(p) + others) / (others + 1);

	if (pages > room(p))
		atomic_store(&p->was_full, true);
	read_cpu(p, cpu, pages < share ? pages : share);
}

static bool has_none(const struct pump_cpu *c)
{
	return atomic_load(&c->queued[LANE_FIRST]) == 0 &&
	       atomic_load(&c->queued[LANE_REST]) == 0;
}

/* Pages that a CPU may have read which has none in the queues. */
static unsigned int a_turn(const struct trace_pump *p)
{
	unsigned int first = trace_queue_room(&p->lanes[LANE_FIRST]);
	/* One may be lost to the ring's end; the last page must not go to the others, who
	 * may have no room. */
	unsigned int n = first > 1 ? first - 1 : first > 0 ? first : room(p);

	return n < A_TURN ? n : A_TURN;
}

/*
 * With enough in the queue: a CPU that has nothing in it gets its turn all the same, or a
 * storm would keep it waiting for as long as it goes on; and what the kernel's buffers
 * have no place for any more is taken over.
 */
static void relieve(struct trace_pump *p)
{
	unsigned int n;

	lock_after_main(p);
	p->drained = false;
	for (unsigned int cpu = 0; cpu < p->n_cpus; cpu++)
		if (has_none(&p->cpus[cpu]))
			read_cpu(p, cpu, a_turn(p));
	n = find_surplus(p);
	for (unsigned int i = 0; i < p->n_cpus && n > 0; i++) {
		unsigned int cpu = (p->turn + i) % p->n_cpus;

		if (p->cpus[cpu].surplus > 0)
			take_surplus(p, cpu, --n);
	}
	p->turn = (p->turn + 1) % p->n_cpus;
	unlock(p);
}

/* Waits until less is in the queue. What is over of the kernel's buffers goes into it
 * meanwhile, if it has room: looked for twice as seldom as the pipes are. */
static void wait_for_less(struct trace_pump *p)
{
	struct pollfd wake = { .fd = p->wake_fd, .events = POLLIN };
	struct timespec span = { .tv_nsec = (long)p->rest.us * 2000 };
	bool full = room(p) == 0;

	if (ppoll(&wake, 1, full ? NULL : &span, NULL) == 0)
		relieve(p);
	else
		clear_fd(p->wake_fd);
}

static void *pump_main(void *userdata)
{
	struct trace_pump *p = userdata;

	/* Before the threads that count and store, where that is allowed: it needs a CPU
	 * for a moment only, but within the few milliseconds that a buffer lasts. */
	(void)setpriority(PRIO_PROCESS, (id_t)gettid(), READER_NICE);
	while (!atomic_load(&p->stop) && atomic_load(&p->error) == 0) {
		/* Said before the look at the queue: whoever takes then sees it. */
		atomic_store(&p->wake_below, room(p) ? ENOUGH_BYTES / 2 : UINT64_MAX);
		if (has_enough(p)) {
			wait_for_less(p);
			continue;
		}
		atomic_store(&p->wake_below, 0);
		wait_for_work(p);
		drain(p);
		rest(p);
	}
	return NULL;
}

static int start_thread(struct trace_pump *p)
{
	int r = thread_start(&p->thread, "trace-reader", STACK_SIZE, pump_main, p);

	p->running = r >= 0;
	return r;
}

static int make_queues(struct trace_pump *p, uint64_t bytes)
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
	e = make_queues(p, bytes);
	if (e < 0)
		return e;
	e = start_thread(p);
	if (e < 0)
		return e;
	*ret = TAKE_PTR(p);
	return 0;
}

void trace_pump_halt(struct trace_pump *p)
{
	if (!p->running)
		return;
	atomic_store(&p->stop, true);
	signal_fd(p->wake_fd);
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

/* If it waits for less than there is now. */
static void wake_thread(struct trace_pump *p)
{
	if (trace_queue_bytes(rest_of(p)) >= atomic_load(&p->wake_below))
		return;
	atomic_store(&p->wake_below, 0); /* once is enough */
	signal_fd(p->wake_fd);
}

/*
 * Empty queues begin again where their memory is. Under the lock, for the next page may
 * be on its way; the thread's look at the room has no lock and may see one half of this,
 * so it is told to look again.
 */
static void start_over(struct trace_pump *p)
{
	lock(p);
	for (enum lane lane = 0; lane < LANES_; lane++)
		trace_queue_start_over(&p->lanes[lane]);
	unlock(p);
	wake_thread(p);
}

/*
 * One page in so many is not of those that go first, lest they be all that is counted;
 * but no page may pass one of its own CPU: so the others are looked at before the first,
 * which are older if both are there. What was pulled goes before all that came after.
 */
static enum lane next_lane(struct trace_pump *p)
{
	int cpu = trace_queue_next_cpu(rest_of(p));
	bool pulling = p->pulled[LANE_FIRST] + p->pulled[LANE_REST] > 0;
	bool turn = ++p->takes % REST_SHARE == 0;

	if (cpu < 0)
		return LANE_FIRST;
	if (turn && atomic_load(&p->cpus[cpu].queued[LANE_FIRST]) == 0 &&
	    (!pulling || p->pulled[LANE_REST] > 0))
		return LANE_REST;
	if (pulling)
		return p->pulled[LANE_FIRST] > 0 ? LANE_FIRST : LANE_REST;
	return trace_queue_bytes(&p->lanes[LANE_FIRST]) > 0 ? LANE_FIRST : LANE_REST;
}

/* Hands a page over. False if there is none. */
static bool take_one(struct trace_pump *p, trace_page_fn fn, void *userdata)
{
	enum lane lane = next_lane(p);
	int cpu = trace_queue_take(&p->lanes[lane], fn, userdata);

	if (cpu < 0)
		return false;
	if (p->pulled[lane] > 0)
		p->pulled[lane]--;
	atomic_fetch_sub(&p->cpus[cpu].queued[lane], 1);
	wake_thread(p);
	return true;
}

/* Where events cannot wait in the kernel's buffers, a queue as good as full is one that
 * something is lost by. */
static void note_level(struct trace_pump *p)
{
	if (atomic_load(&p->hold) == 0 && trace_queue_room(rest_of(p)) == 0)
		atomic_store(&p->was_full, true);
}

int trace_pump_take(struct trace_pump *p, unsigned int max_pages, trace_page_fn fn,
		    void *userdata)
{
	unsigned int n = 0;

	clear_fd(p->ready_fd);
	note_level(p);
	while (n < max_pages && take_one(p, fn, userdata))
		n++;
	if (!is_empty(p))
		signal_fd(p->ready_fd);
	else if (n > 0)
		start_over(p);
	return n > 0 ? (int)n : atomic_load(&p->error);
}

unsigned int trace_pump_pull(struct trace_pump *p)
{
	unsigned int n;

	lock(p);
	(void)fill(p, UINT_MAX);
	for (enum lane lane = 0; lane < LANES_; lane++)
		p->pulled[lane] = trace_queue_pages(&p->lanes[lane]);
	n = p->pulled[LANE_FIRST] + p->pulled[LANE_REST];
	unlock(p);
	/* The thread may wait without an end: it did not see memory being taken. */
	if (touched(p) > KEPT_BYTES)
		signal_fd(p->wake_fd);
	return n;
}

bool trace_pump_was_full(const struct trace_pump *p)
{
	return atomic_load(&p->was_full);
}

uint64_t trace_pump_unreported(struct trace_pump *p, uint16_t cpu)
{
	uint64_t n = 0;

	lock(p);
	if (p->drained && is_empty(p))
		n = trace_reader_unreported(p->r, cpu);
	unlock(p);
	return n;
}

void trace_pump_note_lost(struct trace_pump *p, uint16_t cpu, uint64_t lost, bool unknown)
{
	lock(p);
	trace_reader_note_lost(p->r, cpu, lost, unknown);
	unlock(p);
}

int trace_pump_rescan(struct trace_pump *p)
{
	int n;

	lock(p);
	n = trace_reader_rescan(p->r);
	unlock(p);
	return n;
}

int trace_pump_set_buffer_size(struct trace_pump *p, uint64_t bytes)
{
	int r;

	lock(p);
	r = trace_reader_set_buffer_size(p->r, bytes);
	unlock(p);
	return r;
}

unsigned int trace_pump_open_pipes(struct trace_pump *p)
{
	unsigned int n;

	lock(p);
	n = trace_reader_open_pipes(p->r);
	unlock(p);
	return n;
}

int trace_pump_record_error(struct trace_pump *p)
{
	int r;

	lock(p);
	r = trace_reader_record_error(p->r);
	unlock(p);
	return r;
}

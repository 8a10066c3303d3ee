/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * The reading thread and its queue. Pages are written in place by whoever holds the lock
 * (the thread, or the main loop when it pulls) and read in place by the main loop without
 * it: one index belongs to each side. It does not look into a page.
 */

#include "trace_pump.h"

#include <errno.h>
#include <poll.h>
#include <sched.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>

#include "mem.h"
#include "thread.h"
#include "units.h"

#define PAGES_PER_LOCK 64 /* then the main loop may have the lock */
/* 8 GB/s are several times what one CPU can emit; 4 MiB make a rest of half a
 * millisecond, 64 MiB, the most that can be asked for, one of 8. */
#define FILLED_PER_USEC 8192
#define SHORTEST_REST   100 /* usec: below, going to sleep costs more than it saves */
#define STACK_SIZE      ((size_t)128 * 1024)
#define READER_NICE     (-15)
#define MIN_PAGES       4
#define KEPT_BYTES      ((uint64_t)256 * 1024) /* a queue that held no more keeps them */
#define ENOUGH_BYTES    KEPT_BYTES             /* queued: see may_hold() */
#define A_TURN          16                     /* pages of a CPU that has none there */
#define FREE_BYTES      ((uint64_t)4 << 20)    /* of a kernel's buffer, for what comes */
#define CALM_MSEC       1000                   /* without a page: the storm is over */
#define COMMIT_BYTES    ((UINT64_C(1) << 30) - 1)
#define COMMIT_STORED   (UINT64_C(1) << 30) /* the number lost stands behind the events */
#define COMMIT_MISSED   (UINT64_C(1) << 31)

/* Before each page in the queue; a multiple of 8, as are positions. */
struct head {
	uint32_t size; /* of the page's used part; SKIP: the rest of the ring is unused */
	uint16_t cpu;
	uint16_t zero;
};

#define SKIP UINT32_MAX

struct pump_cpu {
	_Atomic uint32_t queued; /* its pages in the queue */
	uint64_t surplus;        /* bytes above what may wait; the thread's own */
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
	uint8_t *ring;
	uint64_t bytes;        /* of the ring */
	_Atomic bool was_full; /* what had to be read found no room */
	_Atomic uint64_t hold; /* may_hold(), as last looked */
	/* How far the ring was used since memory was given back; set under the lock. */
	_Atomic uint64_t touched;
	/* Bytes put in and taken out since the queue was last empty. */
	_Atomic uint64_t filled;
	_Atomic uint64_t taken;
	_Atomic uint64_t pages_in; /* ever, as the next */
	_Atomic uint64_t pages_out;
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

static uint64_t queued(const struct trace_pump *p)
{
	return atomic_load(&p->filled) - atomic_load(&p->taken);
}

static unsigned int queued_pages(const struct trace_pump *p)
{
	return (unsigned int)(atomic_load(&p->pages_in) - atomic_load(&p->pages_out));
}

/*
 * Pages of full size that surely find room; one of them may be lost to the ring's end,
 * which a page must not reach across.
 */
static uint32_t room(const struct trace_pump *p)
{
	uint64_t pages = (p->bytes - queued(p)) / (p->page_size + sizeof(struct head));

	return pages > 1 ? (uint32_t)pages - 1 : 0;
}

/*
 * What of a page is used: a page that is read while it is written has few events, and the
 * rest of it would fill the queue. By the commit word (mc_decode.h has the facts); what
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
	if (commit & ~(COMMIT_BYTES | COMMIT_MISSED | COMMIT_STORED))
		return size;
	used = p->data_offset + (commit & COMMIT_BYTES);
	if (commit & COMMIT_STORED)
		used += sizeof(uint64_t);
	return used < size ? used : size;
}

static void keep_page(void *userdata, uint16_t cpu, const void *page, size_t size)
{
	struct trace_pump *p = userdata;
	uint64_t at = atomic_load(&p->filled);
	uint64_t left = p->bytes - at % p->bytes;
	struct head head = { .cpu = cpu, .size = (uint32_t)used_part(p, page, size) };
	uint64_t need = sizeof(head) + (head.size + 7U) / 8 * 8;

	if (left < need) {
		memcpy(p->ring + at % p->bytes, &(struct head){ .size = SKIP },
		       sizeof(head));
		at += left;
	}
	memcpy(p->ring + at % p->bytes, &head, sizeof(head));
	memcpy(p->ring + at % p->bytes + sizeof(head), page, head.size);
	atomic_fetch_add(&p->pages_in, 1);
	atomic_fetch_add(&p->cpus[cpu].queued, 1);
	if (at + need > atomic_load(&p->touched))
		atomic_store(&p->touched, at + need);
	/* After the store: either this sees an empty queue, or who takes sees the page.
	 */
	left = atomic_exchange(&p->filled, at + need);
	if (atomic_load(&p->taken) == left)
		signal_fd(p->ready_fd);
}

/* Reads up to @max pages into the queue, with the lock held. Returns how many. */
static int fill(struct trace_pump *p, uint32_t max)
{
	int n;

	if (max > room(p))
		max = room(p);
	if (max == 0)
		return 0;
	n = trace_reader_read(p->r, max, keep_page, p);
	p->drained = n >= 0 && (uint32_t)n < max;
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
	if (queued(p) == 0) {
		(void)madvise(p->ring, p->bytes, MADV_DONTNEED);
		atomic_store(&p->touched, 0);
	}
	unlock(p);
}

/* Waits for the pipes, or to be woken. */
static void wait_for_work(struct trace_pump *p)
{
	bool spare = atomic_load(&p->touched) > KEPT_BYTES;
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
 * queue to go on with. The queue is one for all CPUs, and what is in it comes first: a
 * CPU that errs in a storm would hold up all others by it. In their buffers each waits by
 * itself. 0: they are too small to wait in.
 */
static uint64_t may_hold(uint64_t size)
{
	uint64_t spare = size / 4 > FREE_BYTES ? size / 4 : FREE_BYTES;

	return size > spare ? size - spare : 0;
}

static bool has_enough(const struct trace_pump *p)
{
	return room(p) == 0 || (p->hold > 0 && queued(p) >= ENOUGH_BYTES);
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
		if (atomic_load(&p->cpus[cpu].queued) == 0)
			read_cpu(p, cpu, room(p) < A_TURN ? room(p) : A_TURN);
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

/* Anonymous memory: it is taken as it is first used. */
static int make_queue(struct trace_pump *p, uint64_t bytes)
{
	void *memory;

	p->page_size = trace_reader_page_size(p->r);
	p->data_offset = trace_reader_data_offset(p->r);
	p->bytes = bytes & ~UINT64_C(7);
	if (p->bytes < MIN_PAGES * (p->page_size + sizeof(struct head)))
		p->bytes = MIN_PAGES * (p->page_size + sizeof(struct head));
	memory = mmap(NULL, p->bytes, PROT_READ | PROT_WRITE,
		      MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (memory == MAP_FAILED)
		return -ENOMEM;
	p->ring = memory;
	return 0;
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
	e = make_queue(p, bytes);
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
	if (p->ring)
		munmap(p->ring, p->bytes);
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
	if (queued(p) >= atomic_load(&p->wake_below))
		return;
	atomic_store(&p->wake_below, 0); /* once is enough */
	signal_fd(p->wake_fd);
}

/*
 * An empty queue begins again where its memory is. Under the lock, for the next page may
 * be on its way; the thread's look at the room has no lock and may see one half of this,
 * so it is told to look again.
 */
static void start_over(struct trace_pump *p)
{
	lock(p);
	if (queued(p) == 0) {
		atomic_store(&p->filled, 0);
		atomic_store(&p->taken, 0);
	}
	unlock(p);
	wake_thread(p);
}

/* Hands the oldest page over. */
static void take_one(struct trace_pump *p, trace_page_fn fn, void *userdata)
{
	uint64_t at = atomic_load(&p->taken);
	struct head head;

	memcpy(&head, p->ring + at % p->bytes, sizeof(head));
	if (head.size == SKIP) {
		at += p->bytes - at % p->bytes;
		memcpy(&head, p->ring, sizeof(head));
	}
	fn(userdata, head.cpu, p->ring + at % p->bytes + sizeof(head), head.size);
	atomic_fetch_add(&p->pages_out, 1);
	atomic_fetch_sub(&p->cpus[head.cpu].queued, 1);
	atomic_store(&p->taken, at + sizeof(head) + (head.size + 7U) / 8 * 8);
	wake_thread(p);
}

/* Where events cannot wait in the kernel's buffers, a queue as good as full is one that
 * something is lost by. */
static void note_level(struct trace_pump *p)
{
	uint64_t two_pages = 2 * (p->page_size + sizeof(struct head));

	if (atomic_load(&p->hold) == 0 && queued(p) + two_pages > p->bytes)
		atomic_store(&p->was_full, true);
}

int trace_pump_take(struct trace_pump *p, unsigned int max_pages, trace_page_fn fn,
		    void *userdata)
{
	unsigned int n = 0;

	clear_fd(p->ready_fd);
	note_level(p);
	while (n < max_pages && queued(p) > 0) {
		take_one(p, fn, userdata);
		n++;
	}
	if (queued(p) > 0)
		signal_fd(p->ready_fd);
	else if (n > 0)
		start_over(p);
	return n > 0 ? (int)n : atomic_load(&p->error);
}

unsigned int trace_pump_pull(struct trace_pump *p)
{
	unsigned int n;

	lock(p);
	(void)fill(p, UINT32_MAX);
	n = queued_pages(p);
	unlock(p);
	/* The thread may wait without an end: it did not see memory being taken. */
	if (atomic_load(&p->touched) > KEPT_BYTES)
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
	if (p->drained && queued(p) == 0)
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

/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * A library that drives the daemon's clocks. Time stands still while the daemon works, and
 * jumps to what is due next when nothing is left to do: so a year passes in minutes, in
 * the daemon's own loop. The test says how far time may go (virtual_clock.py).
 *
 * The main thread is at rest when its loop would sleep. Another thread is at rest while it
 * waits in poll() or recv() and what it waits for is not there. Only when all are at rest
 * does time go on; then the answer of each clock is the same until all rest again.
 *
 * A timer is an eventfd here: it is written to when its time has come.
 */

#undef _FILE_OFFSET_BITS
#undef _FORTIFY_SOURCE

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

#define NSEC_PER_SEC INT64_C(1000000000)
#define NEVER        INT64_MAX
#define MAX_TIMERS   64
#define MAX_THREADS  16
#define MAX_POLLED   4
#define LONG_MSEC    10 /* a shorter wait ends by itself */
#define BUSY_MSEC    1  /* until the other threads are looked at once more */

#define REAL(name)                                                                       \
	({                                                                               \
		static __typeof__(&(name)) real_;                                        \
		if (!real_)                                                              \
			real_ = (__typeof__(real_))clock_find(#name);                    \
		real_;                                                                   \
	})

/* As virtual_clock.py has it. */
struct clock {
	_Atomic int64_t boot_ns;    /* CLOCK_BOOTTIME and CLOCK_MONOTONIC */
	_Atomic int64_t wall_ns;    /* CLOCK_REALTIME minus that */
	_Atomic int64_t horizon_ns; /* the test's: no further than this */
	_Atomic uint64_t asked;     /* the test's: number of the horizon */
	_Atomic uint64_t reached;   /* the newest horizon at which all rested */
};

struct timer {
	int fd; /* -1: none */
	clockid_t id;
	int64_t due_ns; /* on its own clock; NEVER: it is not armed */
};

/** A thread that waits. */
struct waiter {
	struct pollfd fds[MAX_POLLED];
	nfds_t n;
	int64_t due_ns; /* NEVER: no time-out */
	int kick;       /* wakes it then */
	bool used;      /* by a thread that lives */
	bool waits;
};

static struct clock *shared;
static int go_fd = -1, reached_fd = -1;
static pthread_t main_thread;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct timer timers[MAX_TIMERS];
static struct waiter waiters[MAX_THREADS];
static _Atomic unsigned int n_threads; /* besides the main thread */
static __thread struct waiter *own;

static void *clock_find(const char *name)
{
	void *f = dlsym(RTLD_NEXT, name);

	if (!f)
		abort();
	return f;
}

static int open_fifo(const char *path, const char *suffix)
{
	char name[PATH_MAX];
	int fd;

	(void)snprintf(name, sizeof(name), "%s%s", path, suffix);
	fd = open(name, O_RDWR | O_NONBLOCK | O_CLOEXEC);
	if (fd < 0)
		abort();
	return fd;
}

__attribute__((constructor)) static void find_clock(void)
{
	const char *path = getenv("FAULT_CLOCK");
	int fd;

	for (size_t i = 0; i < MAX_TIMERS; i++)
		timers[i].fd = -1;
	main_thread = pthread_self();
	if (!path)
		return;
	fd = open(path, O_RDWR | O_CLOEXEC);
	if (fd < 0)
		abort();
	shared = mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	close(fd);
	if (shared == MAP_FAILED)
		abort();
	go_fd = open_fifo(path, ".go");
	reached_fd = open_fifo(path, ".reached");
}

/* The clocks. */

static bool is_driven(clockid_t id)
{
	return shared && (id == CLOCK_BOOTTIME || id == CLOCK_MONOTONIC ||
			  id == CLOCK_REALTIME || id == CLOCK_BOOTTIME_ALARM ||
			  id == CLOCK_REALTIME_ALARM || id == CLOCK_MONOTONIC_COARSE ||
			  id == CLOCK_REALTIME_COARSE || id == CLOCK_MONOTONIC_RAW);
}

static int64_t driven_ns(clockid_t id)
{
	int64_t ns = atomic_load(&shared->boot_ns);

	if (id == CLOCK_REALTIME || id == CLOCK_REALTIME_ALARM ||
	    id == CLOCK_REALTIME_COARSE)
		ns += atomic_load(&shared->wall_ns);
	return ns;
}

int clock_gettime(clockid_t id, struct timespec *ret)
{
	int64_t ns;

	if (!is_driven(id))
		return REAL(clock_gettime)(id, ret);
	ns = driven_ns(id);
	*ret = (struct timespec){ .tv_sec = ns / NSEC_PER_SEC,
				  .tv_nsec = ns % NSEC_PER_SEC };
	return 0;
}

int gettimeofday(struct timeval *restrict ret, void *restrict zone)
{
	int64_t ns;

	if (!shared)
		return REAL(gettimeofday)(ret, zone);
	ns = driven_ns(CLOCK_REALTIME);
	*ret = (struct timeval){ .tv_sec = ns / NSEC_PER_SEC,
				 .tv_usec = ns % NSEC_PER_SEC / 1000 };
	return 0;
}

time_t time(time_t *ret)
{
	time_t now;

	if (!shared)
		return REAL(time)(ret);
	now = driven_ns(CLOCK_REALTIME) / NSEC_PER_SEC;
	if (ret)
		*ret = now;
	return now;
}

/* The timers. */

static struct timer *find_timer(int fd)
{
	for (size_t i = 0; i < MAX_TIMERS; i++)
		if (timers[i].fd == fd)
			return &timers[i];
	return NULL;
}

int timerfd_create(int id, int flags)
{
	struct timer *t;
	int fd;

	if (!is_driven(id))
		return REAL(timerfd_create)(id, flags);
	fd = eventfd(0, (flags & TFD_CLOEXEC ? EFD_CLOEXEC : 0) |
				(flags & TFD_NONBLOCK ? EFD_NONBLOCK : 0));
	if (fd < 0)
		return -1;
	pthread_mutex_lock(&lock);
	t = find_timer(-1);
	if (!t)
		abort();
	*t = (struct timer){ .fd = fd, .id = id, .due_ns = NEVER };
	pthread_mutex_unlock(&lock);
	return fd;
}

static void ring(int fd)
{
	uint64_t one = 1;

	(void)!write(fd, &one, sizeof(one));
}

static void silence(int fd)
{
	struct pollfd p = { .fd = fd, .events = POLLIN };
	uint64_t n;

	if (REAL(poll)(&p, 1, 0) > 0)
		(void)!read(fd, &n, sizeof(n));
}

/* Due when it is set, not when it goes off: the loop may have time stand still. */
static void ring_if_due(struct timer *t)
{
	if (t->fd >= 0 && t->due_ns != NEVER && driven_ns(t->id) >= t->due_ns) {
		t->due_ns = NEVER;
		ring(t->fd);
	}
}

int timerfd_settime(int fd, int flags, const struct itimerspec *new,
		    struct itimerspec *old)
{
	int64_t ns = new->it_value.tv_sec *NSEC_PER_SEC + new->it_value.tv_nsec;
	struct timer *t;

	pthread_mutex_lock(&lock);
	t = shared ? find_timer(fd) : NULL;
	if (t) {
		/* Nobody here has a timer that repeats, or asks for what was set. */
		if (old || new->it_interval.tv_sec || new->it_interval.tv_nsec)
			abort();
		silence(fd);
		t->due_ns = ns == 0                     ? NEVER
			    : flags & TFD_TIMER_ABSTIME ? ns
							: driven_ns(t->id) + ns;
		ring_if_due(t);
	}
	pthread_mutex_unlock(&lock);
	return t ? 0 : REAL(timerfd_settime)(fd, flags, new, old);
}

int close(int fd)
{
	struct timer *t;

	pthread_mutex_lock(&lock);
	t = fd >= 0 ? find_timer(fd) : NULL;
	if (t)
		t->fd = -1;
	pthread_mutex_unlock(&lock);
	return REAL(close)(fd);
}

/* The other threads. */

struct beginning {
	void *(*main)(void *);
	void *arg;
};

static void thread_ends(void *unused)
{
	(void)unused;
	if (own) {
		pthread_mutex_lock(&lock);
		REAL(close)(own->kick);
		own->used = false;
		pthread_mutex_unlock(&lock);
	}
	atomic_fetch_sub(&n_threads, 1);
}

static void *thread_begins(void *arg)
{
	struct beginning b = *(struct beginning *)arg;
	void *ret;

	free(arg);
	pthread_cleanup_push(thread_ends, NULL);
	ret = b.main(b.arg);
	pthread_cleanup_pop(1);
	return ret;
}

int pthread_create(pthread_t *restrict ret, const pthread_attr_t *restrict attributes,
		   void *(*main)(void *), void *restrict arg)
{
	struct beginning *b;
	int r;

	if (!shared)
		return REAL(pthread_create)(ret, attributes, main, arg);
	b = malloc(sizeof(*b));
	if (!b)
		return EAGAIN;
	*b = (struct beginning){ main, arg };
	atomic_fetch_add(&n_threads, 1);
	r = REAL(pthread_create)(ret, attributes, thread_begins, b);
	if (r != 0) {
		atomic_fetch_sub(&n_threads, 1);
		free(b);
	}
	return r;
}

static bool is_other_thread(void)
{
	return shared && !pthread_equal(pthread_self(), main_thread);
}

/* With the lock held. */
static struct waiter *take_place(void)
{
	for (size_t i = 0; i < MAX_THREADS && !own; i++)
		if (!waiters[i].used)
			own = &waiters[i];
	if (!own)
		abort();
	if (!own->used)
		own->kick = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	own->used = true;
	return own;
}

/* As poll(), with a time-out on the clock of the test; NEVER: none. */
static int wait_at_rest(struct pollfd *fds, nfds_t n, int64_t span_ns)
{
	struct pollfd all[MAX_POLLED + 1];
	struct waiter *w;
	int r;

	if (n > MAX_POLLED)
		abort();
	pthread_mutex_lock(&lock);
	w = take_place();
	memcpy(w->fds, fds, n * sizeof(*fds));
	w->n = n;
	w->due_ns = span_ns == NEVER ? NEVER : driven_ns(CLOCK_BOOTTIME) + span_ns;
	w->waits = true;
	pthread_mutex_unlock(&lock);

	memcpy(all, fds, n * sizeof(*fds));
	all[n] = (struct pollfd){ .fd = w->kick, .events = POLLIN };
	r = REAL(poll)(all, n + 1, -1);

	pthread_mutex_lock(&lock);
	w->waits = false;
	silence(w->kick);
	pthread_mutex_unlock(&lock);
	memcpy(fds, all, n * sizeof(*fds));
	return r > 0 && all[n].revents ? r - 1 : r;
}

int poll(struct pollfd *fds, nfds_t n, int msec)
{
	if (!is_other_thread() || (msec >= 0 && msec < LONG_MSEC))
		return REAL(poll)(fds, n, msec);
	return wait_at_rest(fds, n, msec < 0 ? NEVER : msec * (NSEC_PER_SEC / 1000));
}

int ppoll(struct pollfd *fds, nfds_t n, const struct timespec *span, const sigset_t *mask)
{
	if (!is_other_thread() || mask ||
	    (span && span->tv_sec == 0 &&
	     span->tv_nsec < LONG_MSEC * (NSEC_PER_SEC / 1000)))
		return REAL(ppoll)(fds, n, span, mask);
	return wait_at_rest(fds, n,
			    span ? span->tv_sec * NSEC_PER_SEC + span->tv_nsec : NEVER);
}

ssize_t recv(int fd, void *buf, size_t len, int flags)
{
	struct pollfd p = { .fd = fd, .events = POLLIN };

	/* First the wait, then the taking: nobody is at rest with something in hand. */
	if (is_other_thread() && !(flags & MSG_DONTWAIT))
		(void)wait_at_rest(&p, 1, NEVER);
	return REAL(recv)(fd, buf, len, flags);
}

/* What these are called where the compiler leaves @room to be checked when they run; clang
 * leaves constants, too. */
int clock_poll_checked(struct pollfd *fds, nfds_t n, int msec,
		       size_t room) __asm__("__poll_chk");
int clock_ppoll_checked(struct pollfd *fds, nfds_t n, const struct timespec *span,
			const sigset_t *mask, size_t room) __asm__("__ppoll_chk");
ssize_t clock_recv_checked(int fd, void *buf, size_t len, size_t room,
			   int flags) __asm__("__recv_chk");

int clock_poll_checked(struct pollfd *fds, nfds_t n, int msec, size_t room)
{
	if (n > room / sizeof(*fds))
		abort();
	return poll(fds, n, msec);
}

int clock_ppoll_checked(struct pollfd *fds, nfds_t n, const struct timespec *span,
			const sigset_t *mask, size_t room)
{
	if (n > room / sizeof(*fds))
		abort();
	return ppoll(fds, n, span, mask);
}

ssize_t clock_recv_checked(int fd, void *buf, size_t len, size_t room, int flags)
{
	if (len > room)
		abort();
	return recv(fd, buf, len, flags);
}

/* The main thread. */

static bool others_rest(void)
{
	unsigned int resting = 0;
	bool ready = false;

	pthread_mutex_lock(&lock);
	for (size_t i = 0; i < MAX_THREADS; i++) {
		struct waiter *w = &waiters[i];
		struct pollfd kick = { .fd = w->kick, .events = POLLIN };

		if (!w->waits)
			continue;
		resting++;
		ready = ready || REAL(poll)(w->fds, w->n, 0) > 0 ||
			REAL(poll)(&kick, 1, 0) > 0;
	}
	pthread_mutex_unlock(&lock);
	return !ready && resting == atomic_load(&n_threads);
}

static int64_t next_due(void)
{
	int64_t next = NEVER;

	for (size_t i = 0; i < MAX_TIMERS; i++) {
		const struct timer *t = &timers[i];
		int64_t due;

		if (t->fd < 0 || t->due_ns == NEVER)
			continue;
		due = t->due_ns - (driven_ns(t->id) - driven_ns(CLOCK_BOOTTIME));
		next = due < next ? due : next;
	}
	for (size_t i = 0; i < MAX_THREADS; i++)
		if (waiters[i].waits && waiters[i].due_ns < next)
			next = waiters[i].due_ns;
	return next;
}

/* All rest: time goes on, up to what is due or up to the horizon. Returns true if
 * something is due. */
static bool go_on(int64_t horizon)
{
	int64_t now = driven_ns(CLOCK_BOOTTIME);
	int64_t next;
	bool due;

	pthread_mutex_lock(&lock);
	next = next_due();
	due = next <= horizon;
	if (!due)
		next = horizon;
	if (next > now)
		atomic_store(&shared->boot_ns, next);
	for (size_t i = 0; i < MAX_TIMERS && due; i++)
		ring_if_due(&timers[i]);
	for (size_t i = 0; i < MAX_THREADS && due; i++)
		if (waiters[i].waits && waiters[i].due_ns <= next)
			ring(waiters[i].kick);
	pthread_mutex_unlock(&lock);
	return due;
}

static void say_reached(uint64_t asked)
{
	if (atomic_load(&shared->reached) == asked)
		return;
	atomic_store(&shared->reached, asked);
	(void)!write(reached_fd, "", 1);
}

/* Until the test gives another horizon, or something of the outside happens. */
static void wait_for_test(int epoll)
{
	struct pollfd fds[] = { { .fd = epoll, .events = POLLIN },
				{ .fd = go_fd, .events = POLLIN } };
	char bytes[64];

	(void)REAL(poll)(fds, 2, -1);
	if (fds[1].revents)
		(void)!read(go_fd, bytes, sizeof(bytes));
}

static int wait_in_loop(int epoll, struct epoll_event *events, int max)
{
	for (;;) {
		/* In this order: what was asked came after all that the test did. */
		uint64_t asked = atomic_load(&shared->asked);
		int64_t horizon = atomic_load(&shared->horizon_ns);
		bool rest = others_rest();
		int n = REAL(epoll_wait)(epoll, events, max, 0);

		if (n == 0 && !rest)
			n = REAL(epoll_wait)(epoll, events, max, BUSY_MSEC);
		if (n != 0)
			return n;
		if (!rest || go_on(horizon))
			continue;
		say_reached(asked);
		wait_for_test(epoll);
	}
}

int epoll_wait(int epoll, struct epoll_event *events, int max, int msec)
{
	if (!shared || msec == 0 || is_other_thread())
		return REAL(epoll_wait)(epoll, events, max, msec);
	/* The loop has its times in timers. */
	if (msec > 0)
		abort();
	return wait_in_loop(epoll, events, max);
}

int epoll_pwait2(int epoll, struct epoll_event *events, int max,
		 const struct timespec *span, const sigset_t *mask)
{
	if (!shared || is_other_thread() || mask ||
	    (span && span->tv_sec == 0 && span->tv_nsec == 0))
		return REAL(epoll_pwait2)(epoll, events, max, span, mask);
	if (span)
		abort();
	return wait_in_loop(epoll, events, max);
}

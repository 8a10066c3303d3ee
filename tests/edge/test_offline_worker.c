/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * The worker with a driver that waits until the test lets it go: what blocks, what does
 * not, and whose answer comes back. Order is made with pipes, never with time.
 */

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

/* clang-format off: cmocka.h wants the others before it */
#include <cmocka.h>
/* clang-format on */

#include "base/mem.h"
#include "kernel/offline_worker.h"

DEFINE_CLEANUP(struct offline_worker *, offline_worker_stop)

/* entered: the driver says that it runs; leave: the test lets it go on; go: the thread
 * may do so. */
static struct {
	int entered[2];
	int leave[2];
	int go[2];
	bool signals_blocked;
	pid_t tid;
	bool finished;
} gate;

static void say(int fd)
{
	assert_int_equal(write(fd, "x", 1), 1);
}

static void hear(int fd)
{
	char c;

	assert_int_equal(read(fd, &c, 1), 1);
}

static void gated(struct sysfs_offline *ctx, pfn_t p, const struct policy_rule *rule,
		  bool follows, struct offline_answer *ret)
{
	sigset_t mask;
	char c;

	gate.tid = gettid();
	gate.signals_blocked = pthread_sigmask(SIG_BLOCK, NULL, &mask) == 0 &&
			       sigismember(&mask, SIGTERM) == 1 &&
			       sigismember(&mask, SIGHUP) == 1 &&
			       sigismember(&mask, SIGCHLD) == 1;
	if (write(gate.entered[1], "x", 1) != 1 || read(gate.leave[0], &c, 1) != 1)
		return;
	ret->error = (int)(p.n & 0xff);
	ret->duration_usec = (int64_t)p.n;
	ret->before.readable = follows;
	gate.finished = true;
}

static int submit(struct offline_worker *w, uint64_t id, pfn_t p)
{
	struct offline_request request = { .id = id,
					   .pfn = p,
					   .rule = { .huge_pages = HUGE_2M,
						     .transparent_huge_pages = true } };

	return offline_worker_submit(w, &request, 1);
}

static const struct offline_driver gated_driver = { .name = "gated", .offline = gated };

static int set_up(void **state)
{
	memset(&gate, 0, sizeof(gate));
	return pipe(gate.entered) < 0 || pipe(gate.leave) < 0 || pipe(gate.go) < 0 ? -1
										   : 0;
}

static int tear_down(void **state)
{
	for (int i = 0; i < 2; i++) {
		close(gate.entered[i]);
		close(gate.leave[i]);
		close(gate.go[i]);
	}
	return 0;
}

static struct offline_worker *start(void)
{
	struct offline_worker *w = NULL;

	assert_int_equal(offline_worker_start(&w, &gated_driver, "/nonexistent", 12), 0);
	return w;
}

static void wait_readable(struct offline_worker *w)
{
	struct pollfd p = { .fd = offline_worker_fd(w), .events = POLLIN };

	assert_int_equal(poll(&p, 1, -1), 1);
	assert_true(p.revents & POLLIN);
}

static void submit_returns_at_once(void **state)
{
	_cleanup_(offline_worker_stop_p) struct offline_worker *w = start();
	struct offline_done done = { .id = 99 };

	assert_int_equal(offline_worker_collect(w, &done), 0);
	assert_int_equal(submit(w, 1, pfn(0x123)), 0);
	hear(gate.entered[0]);
	/* It is in the driver now, and we are here. */
	assert_int_equal(offline_worker_collect(w, &done), 0);
	assert_int_equal(done.id, 99);
	assert_true(gate.signals_blocked);
	say(gate.leave[1]);
	wait_readable(w);
	assert_int_equal(offline_worker_collect(w, &done), 1);
	assert_int_equal(done.id, 1);
	assert_int_equal(done.pfn.n, 0x123);
	assert_int_equal(done.answer.error, 0x23);
	assert_int_equal(done.answer.duration_usec, 0x123);
	assert_int_equal(offline_worker_collect(w, &done), 0);
}

/* Handed over in one go, done one after the other, answered in order. */
static void requests_wait_in_line(void **state)
{
	_cleanup_(offline_worker_stop_p) struct offline_worker *w = start();
	struct offline_done done;
	char c;

	for (uint64_t i = 0; i < MAX_ATTEMPTS; i++)
		assert_int_equal(submit(w, i, pfn(0x200 + i)), 0);
	assert_int_equal(submit(w, 99, pfn(1)), -EBUSY);
	hear(gate.entered[0]);
	/* The first is in the driver; no other one is. */
	assert_int_equal(fcntl(gate.entered[0], F_SETFL, O_NONBLOCK), 0);
	assert_int_equal(read(gate.entered[0], &c, 1), -1);
	assert_int_equal(fcntl(gate.entered[0], F_SETFL, 0), 0);
	for (uint64_t i = 0; i < MAX_ATTEMPTS; i++) {
		if (i > 0)
			hear(gate.entered[0]);
		say(gate.leave[1]);
		wait_readable(w);
		/* An answer that was not collected still counts as under way. */
		if (i == 0)
			assert_int_equal(submit(w, 99, pfn(1)), -EBUSY);
		assert_int_equal(offline_worker_collect(w, &done), 1);
		assert_true(done.id == i && done.pfn.n == 0x200 + i);
		assert_int_equal(done.answer.error, i);
	}
	assert_int_equal(offline_worker_collect(w, &done), 0);
	assert_int_equal(submit(w, 99, pfn(1)), 0);
	say(gate.leave[1]);
}

static bool followed(struct offline_worker *w)
{
	struct offline_done done;

	wait_readable(w);
	assert_int_equal(offline_worker_collect(w, &done), 1);
	return done.answer.before.readable;
}

/* A group is taken whole or not at all, done in its order, and each is answered. */
static void groups(void **state)
{
	_cleanup_(offline_worker_stop_p) struct offline_worker *w = start();
	struct offline_request requests[OFFLINE_WORKER_GROUP + 1] = { 0 };
	struct offline_done done;
	uint64_t id = 0;

	for (unsigned int i = 0; i < ARRAY_SIZE(requests); i++)
		requests[i].pfn = pfn(i);
	assert_int_equal(offline_worker_submit(w, requests, 0), -EINVAL);
	assert_int_equal(offline_worker_submit(w, requests, ARRAY_SIZE(requests)),
			 -EINVAL);
	for (unsigned int n = 1; id + n <= MAX_ATTEMPTS;
	     n = n % OFFLINE_WORKER_GROUP + 1) {
		for (unsigned int i = 0; i < n; i++)
			requests[i].id = id++;
		assert_int_equal(offline_worker_submit(w, requests, n), 0);
	}
	assert_int_equal(offline_worker_submit(w, requests, OFFLINE_WORKER_GROUP),
			 -EBUSY);
	for (uint64_t i = 0; i < id; i++) {
		hear(gate.entered[0]);
		say(gate.leave[1]);
		wait_readable(w);
		assert_int_equal(offline_worker_collect(w, &done), 1);
		assert_true(done.id == i);
		assert_int_equal(done.answer.before.readable, i > 0);
	}
	assert_int_equal(offline_worker_collect(w, &done), 0);
}

static bool is_asleep(pid_t tid)
{
	char path[64], text[64] = "";
	int fd;

	snprintf(path, sizeof(path), "/proc/self/task/%d/stat", (int)tid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	assert_true(fd >= 0);
	assert_true(read(fd, text, sizeof(text) - 1) > 0);
	close(fd);
	return strstr(text, ") S") != NULL;
}

/* Only what was in line when the one before it ended follows it. */
static void tells_what_follows(void **state)
{
	_cleanup_(offline_worker_stop_p) struct offline_worker *w = start();

	for (unsigned int round = 0; round < 2; round++) {
		assert_int_equal(submit(w, 1, pfn(1)), 0);
		hear(gate.entered[0]);
		assert_int_equal(submit(w, 2, pfn(2)), 0);
		say(gate.leave[1]);
		assert_false(followed(w));
		hear(gate.entered[0]);
		say(gate.leave[1]);
		assert_true(followed(w));
		while (!is_asleep(gate.tid))
			sched_yield();
	}
}

/* As trace events name it: where numbers mean something else, none is given. */
static void tells_its_thread(void **state)
{
	_cleanup_(offline_worker_stop_p) struct offline_worker *w = start();
	struct offline_done done;
	char name[64] = "";

	assert_true(readlink("/proc/self/ns/pid", name, sizeof(name) - 1) > 0);
	assert_int_equal(submit(w, 1, pfn(1)), 0);
	hear(gate.entered[0]);
	say(gate.leave[1]);
	wait_readable(w);
	assert_int_equal(offline_worker_collect(w, &done), 1);
	assert_int_not_equal(gate.tid, getpid());
	assert_int_equal(offline_worker_tid(w),
			 strcmp(name, "pid:[4026531836]") == 0 ? gate.tid : 0);
}

static void answers_carry_their_id(void **state)
{
	_cleanup_(offline_worker_stop_p) struct offline_worker *w = start();

	for (uint64_t i = 1; i <= 200; i++) {
		struct offline_done done;

		assert_int_equal(submit(w, UINT64_MAX - i, pfn(i << 40 | i)), 0);
		hear(gate.entered[0]);
		say(gate.leave[1]);
		wait_readable(w);
		assert_int_equal(offline_worker_collect(w, &done), 1);
		assert_true(done.id == UINT64_MAX - i);
		assert_true(done.pfn.n == (i << 40 | i));
		assert_int_equal(done.answer.error, i & 0xff);
	}
}

static void *let_go(void *arg)
{
	hear(gate.go[0]);
	/* Gives a stop that does not wait every chance to be back before the driver. */
	for (int i = 0; i < 1000; i++)
		sched_yield();
	say(gate.leave[1]);
	return NULL;
}

static void stop_waits_for_the_kernel(void **state)
{
	struct offline_worker *w = start();
	pthread_t thread;

	assert_int_equal(submit(w, 1, pfn(1)), 0);
	hear(gate.entered[0]);
	assert_int_equal(pthread_create(&thread, NULL, let_go, NULL), 0);
	say(gate.go[1]);
	assert_null(offline_worker_stop(w));
	assert_true(gate.finished);
	assert_int_equal(pthread_join(thread, NULL), 0);
}

/* What the kernel has not begun when the daemon ends is left for the next start. */
static void stop_begins_nothing(void **state)
{
	struct offline_worker *w = start();
	pthread_t thread;
	char c;

	for (uint64_t i = 1; i <= 3; i++)
		assert_int_equal(submit(w, i, pfn(i)), 0);
	hear(gate.entered[0]);
	assert_int_equal(pthread_create(&thread, NULL, let_go, NULL), 0);
	say(gate.go[1]);
	assert_null(offline_worker_stop(w));
	assert_int_equal(pthread_join(thread, NULL), 0);
	assert_true(gate.finished);
	assert_int_equal(fcntl(gate.entered[0], F_SETFL, O_NONBLOCK), 0);
	assert_int_equal(read(gate.entered[0], &c, 1), -1);
}

/* What has begun is answered as ever; what waits is answered and not begun. */
static void recall_begins_nothing(void **state)
{
	struct offline_worker *w = start();
	struct offline_done done;

	for (uint64_t i = 1; i <= 3; i++)
		assert_int_equal(submit(w, i, pfn(i)), 0);
	hear(gate.entered[0]);
	offline_worker_recall(w);
	say(gate.leave[1]);
	for (uint64_t i = 1; i <= 3; i++) {
		struct pollfd p = { .fd = offline_worker_fd(w), .events = POLLIN };

		assert_int_equal(poll(&p, 1, 60000), 1);
		assert_int_equal(offline_worker_collect(w, &done), 1);
		assert_int_equal(done.id, i);
		assert_int_equal(done.answer.called_off, i > 1);
	}
	assert_int_equal(submit(w, 4, pfn(4)), 0);
	hear(gate.entered[0]);
	say(gate.leave[1]);
	assert_null(offline_worker_stop(w));
}

static void stop_without_a_request(void **state)
{
	struct offline_worker *w = start();

	assert_null(offline_worker_stop(w));
	assert_null(offline_worker_stop(NULL));
}

static void mask_of_the_caller_stays(void **state)
{
	sigset_t before, after;
	struct offline_worker *w;

	assert_int_equal(pthread_sigmask(SIG_BLOCK, NULL, &before), 0);
	w = start();
	assert_int_equal(pthread_sigmask(SIG_BLOCK, NULL, &after), 0);
	for (int sig = 1; sig < SIGRTMIN; sig++)
		assert_int_equal(sigismember(&after, sig), sigismember(&before, sig));
	offline_worker_stop(w);
}

static void real_driver_without_a_kernel(void **state)
{
	_cleanup_(offline_worker_stop_p) struct offline_worker *w = NULL;
	struct offline_done done;

	assert_int_equal(
		offline_worker_start(&w, &offline_driver_kernel, "/nonexistent", 12), 0);
	assert_int_equal(submit(w, 5, pfn(7)), 0);
	wait_readable(w);
	assert_int_equal(offline_worker_collect(w, &done), 1);
	assert_int_equal(done.id, 5);
	/* What cannot be looked at is not touched. */
	assert_true(done.answer.changed);
	assert_int_equal(done.answer.error, 0);
	assert_false(done.answer.dry_run);
	assert_false(done.answer.before.readable);
	assert_int_equal(done.answer.poisoned_before_kib, -1);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(submit_returns_at_once),    TEST(answers_carry_their_id),
		TEST(stop_waits_for_the_kernel), TEST(stop_without_a_request),
		TEST(mask_of_the_caller_stays),  TEST(real_driver_without_a_kernel),
		TEST(tells_its_thread),          TEST(requests_wait_in_line),
		TEST(stop_begins_nothing),       TEST(recall_begins_nothing),
		TEST(tells_what_follows),        TEST(groups),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The workers: processes that take and give back memory as fast as they can, so
 * that a frame on its way out of use finds a new user. What they write they
 * read again before they let go: a frame that was taken from under them with
 * its contents shows. They refuse to know what is being offlined.
 */
#define _GNU_SOURCE
#include <signal.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/uio.h>
#include <sys/wait.h>

#include "pagemap.h"
#include "race.h"

#define SMALL_PAGES 128
#define THP_COUNT   2

static pid_t workers[MAX_WORKERS];
static unsigned int worker_count;

/* Write a word into every page of the range, then see that all are there. */
static void use(struct churn_shared *shared, void *start, size_t length, uint64_t seed)
{
	size_t step = GUEST_PAGE_SIZE / sizeof(uint64_t);
	size_t words = length / sizeof(uint64_t);
	volatile uint64_t *memory = start;

	for (size_t i = 0; i < words; i += step)
		memory[i] = pattern(seed, i);
	for (size_t i = 0; i < words; i += step)
		if (memory[i] != pattern(seed, i))
			atomic_fetch_add(&shared->data_bad, 1);
}

static void *map_private(size_t length, int flags, int advice)
{
	void *map = mmap(NULL, length, PROT_READ | PROT_WRITE,
			 MAP_PRIVATE | MAP_ANONYMOUS | flags, -1, 0);

	if (map == MAP_FAILED)
		return NULL;
	if (advice && madvise(map, length, advice))
		err(2, "madvise");
	return map;
}

static void churn_small(struct churn_shared *shared, uint64_t seed)
{
	static void *map;
	size_t pages = 1 + seed * 37 % SMALL_PAGES;

	if (!map)
		map = map_private(SMALL_PAGES * GUEST_PAGE_SIZE, 0, MADV_NOHUGEPAGE);
	if (!map)
		err(2, "mmap");
	use(shared, map, pages * GUEST_PAGE_SIZE, seed);
	if (madvise(map, pages * GUEST_PAGE_SIZE, MADV_DONTNEED))
		err(2, "MADV_DONTNEED");
}

/* The pool may be empty for a moment: that is no error, only no churn. */
static void churn_pool(struct churn_shared *shared, uint64_t seed)
{
	void *map = map_private(HUGE_SIZE, MAP_HUGETLB, 0);

	if (!map) {
		usleep(100);
		return;
	}
	use(shared, map, HUGE_SIZE, seed);
	munmap(map, HUGE_SIZE);
}

static void churn_thp(struct churn_shared *shared, uint64_t seed)
{
	static char *map;
	size_t length = THP_COUNT * HUGE_SIZE;

	if (!map) {
		map = map_private(length + HUGE_SIZE, 0, MADV_HUGEPAGE);
		if (!map)
			err(2, "mmap");
		map = (char *)(((uintptr_t)map + HUGE_SIZE - 1) & ~(HUGE_SIZE - 1));
	}
	for (size_t i = 0; i < THP_COUNT; i++)
		use(shared, map + i * HUGE_SIZE, GUEST_PAGE_SIZE, seed + i);
	if (madvise(map, length, MADV_DONTNEED))
		err(2, "MADV_DONTNEED");
}

static void churn_splice(const void *page)
{
	static int fds[2] = { -1, -1 };
	struct iovec iov = { .iov_base = (void *)page, .iov_len = GUEST_PAGE_SIZE };
	char bytes[GUEST_PAGE_SIZE];

	if (fds[0] < 0 && pipe(fds))
		err(2, "pipe");
	if (vmsplice(fds[1], &iov, 1, 0) != (ssize_t)GUEST_PAGE_SIZE)
		err(2, "vmsplice");
	if (read(fds[0], bytes, sizeof(bytes)) != (ssize_t)sizeof(bytes))
		err(2, "reading the pipe");
	usleep(500);
}

static void churn_once(struct churn_shared *shared, enum churn what, const void *page,
		       uint64_t seed)
{
	switch (what) {
	case CHURN_SMALL:
		churn_small(shared, seed);
		break;
	case CHURN_POOL:
		churn_pool(shared, seed);
		break;
	case CHURN_THP:
		churn_thp(shared, seed);
		break;
	case CHURN_SPLICE:
		churn_splice(page);
		break;
	}
}

static _Noreturn void work(struct churn_shared *shared, enum churn what, const void *page)
{
	uint64_t seed = (uint64_t)getpid() << 32;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	prctl(PR_SET_NAME, "race-worker");
	churn_once(shared, what, page, seed++);
	atomic_fetch_add(&shared->started, 1);
	while (!atomic_load(&shared->stop)) {
		churn_once(shared, what, page, seed++);
		atomic_fetch_add(&shared->loops, 1);
	}
	_exit(0);
}

struct churn_shared *churn_start(enum churn what, unsigned int n, const void *page)
{
	struct churn_shared *shared;

	if (n > MAX_WORKERS)
		errx(2, "at most %d workers", MAX_WORKERS);
	shared = mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE,
		      MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (shared == MAP_FAILED)
		err(2, "mmap");
	for (worker_count = 0; worker_count < n; worker_count++) {
		pid_t pid = fork();

		if (pid < 0)
			err(2, "fork");
		if (!pid)
			work(shared, what, page);
		workers[worker_count] = pid;
	}
	while (atomic_load(&shared->started) < n) {
		if (waitpid(-1, NULL, WNOHANG) > 0)
			errx(2, "a worker ended early");
		usleep(1000);
	}
	return shared;
}

void churn_stop(struct churn_shared *shared)
{
	atomic_store(&shared->stop, true);
	while (worker_count) {
		int status;

		if (waitpid(workers[--worker_count], &status, 0) < 0)
			err(2, "waitpid");
		if (status)
			errx(2, "a worker failed, wait status 0x%x", status);
	}
}

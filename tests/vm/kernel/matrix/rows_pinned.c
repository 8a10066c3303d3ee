// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Rows of pages that somebody holds: a pipe (vmsplice), registered buffers of
 * io_uring, a disk that writes into them. While held they cannot move; once let
 * go they can.
 */
#define _GNU_SOURCE
#include <linux/io_uring.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/uio.h>

#include "matrix.h"

#define PAGES  4
#define ONE    1
#define MIDDLE 200
#define POOL   "/sys/kernel/mm/hugepages/hugepages-2048kB/nr_hugepages"

static int pipe_fds[2];

static void pin_by_pipe(char *page)
{
	struct iovec iov = { .iov_base = page, .iov_len = PAGE };

	if (pipe2(pipe_fds, O_CLOEXEC))
		err(2, "pipe");
	if (vmsplice(pipe_fds[1], &iov, 1, 0) != (ssize_t)PAGE)
		err(2, "vmsplice");
}

/* True if what comes out is what the page holds. */
static bool unpin_pipe(const char *page)
{
	char bytes[PAGE];
	size_t got = 0;

	while (got < sizeof(bytes)) {
		ssize_t n = read(pipe_fds[0], bytes + got, sizeof(bytes) - got);

		if (n <= 0)
			err(2, "reading the pipe");
		got += (size_t)n;
	}
	return !memcmp(bytes, page, PAGE);
}

static int pin_by_ring(void *memory, size_t length)
{
	struct io_uring_params parameters = { 0 };
	struct iovec iov = { .iov_base = memory, .iov_len = length };
	int ring = (int)syscall(SYS_io_uring_setup, 4, &parameters);

	if (ring < 0)
		err(2, "io_uring_setup");
	if (syscall(SYS_io_uring_register, ring, IORING_REGISTER_BUFFERS, &iov, 1))
		err(2, "IORING_REGISTER_BUFFERS");
	return ring;
}

static void ask_held(struct result *r, char *memory, size_t pages, size_t at)
{
	settle();
	ask_frame(r, frame_of(memory + at * PAGE));
	data_is(r, intact(memory, pages));
	look_moved(r, memory + at * PAGE);
}

static void by_pipe(struct result *r)
{
	char *memory = small_pages(PAGES);

	pin_by_pipe(memory + ONE * PAGE);
	ask_held(r, memory, PAGES, ONE);
	data_is(r, unpin_pipe(memory + ONE * PAGE));
}

static void by_pipe_let_go(struct result *r)
{
	char *memory = small_pages(PAGES);
	uint64_t pfn = frame_of(memory + ONE * PAGE);

	pin_by_pipe(memory + ONE * PAGE);
	settle();
	if (ask_frame(r, pfn) != EBUSY)
		errx(2, "the pinned page is not busy");
	data_is(r, unpin_pipe(memory + ONE * PAGE));
	ask_held(r, memory, PAGES, ONE);
}

static void by_ring(struct result *r)
{
	char *memory = small_pages(PAGES);

	pin_by_ring(memory, PAGES * PAGE);
	ask_held(r, memory, PAGES, ONE);
}

static void by_ring_let_go(struct result *r)
{
	char *memory = small_pages(PAGES);
	int ring = pin_by_ring(memory, PAGES * PAGE);

	settle();
	if (ask_frame(r, frame_of(memory + ONE * PAGE)) != EBUSY)
		errx(2, "the registered page is not busy");
	if (syscall(SYS_io_uring_register, ring, IORING_UNREGISTER_BUFFERS, NULL, 0))
		err(2, "IORING_UNREGISTER_BUFFERS");
	ask_held(r, memory, PAGES, ONE);
}

static void pinned_thp(struct result *r)
{
	char *memory = huge_page_space(1);
	uint64_t flags;

	fill(memory, HUGE_SIZE / PAGE);
	settle();
	if (!frame_flags(frame_of(memory), &flags) || !(flags & KPF_THP))
		errx(2, "not a transparent huge page");
	pin_by_pipe(memory + MIDDLE * PAGE);
	ask_held(r, memory, HUGE_SIZE / PAGE, MIDDLE);
	data_is(r, unpin_pipe(memory + MIDDLE * PAGE));
}

static void pinned_huge(struct result *r)
{
	char *memory;

	put(POOL, "4");
	memory = mmap(NULL, HUGE_SIZE, PROT_READ | PROT_WRITE,
		      MAP_PRIVATE | MAP_ANONYMOUS | MAP_HUGETLB, -1, 0);
	if (memory == MAP_FAILED)
		err(2, "mmap");
	fill(memory, HUGE_SIZE / PAGE);
	pin_by_pipe(memory + MIDDLE * PAGE);
	ask_held(r, memory, HUGE_SIZE / PAGE, MIDDLE);
	data_is(r, unpin_pipe(memory + MIDDLE * PAGE));
}

/* Reads the disk's first pages into memory again and again, past the cache. */
static int read_directly(void *memory)
{
	int fd = open(DISK, O_RDONLY | O_DIRECT | O_CLOEXEC);

	while (fd >= 0 && pread(fd, memory, PAGES * PAGE, 0) == PAGES * PAGE)
		;
	return 2;
}

/* Chance decides each request; what it may not do is harm, or say anything else. */
static void direct_reads(struct result *r)
{
	char content[PAGES * PAGE];
	char *memory = mmap(NULL, PAGES * PAGE, PROT_READ | PROT_WRITE,
			    MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	int fd = open(DISK, O_RDONLY | O_DIRECT | O_CLOEXEC);
	long counted = -poisoned_pages();
	unsigned int done = 0;
	pid_t reader;

	if (memory == MAP_FAILED || fd < 0 || pread(fd, memory, PAGES * PAGE, 0) < 0)
		err(2, "reading " DISK " directly");
	memcpy(content, memory, sizeof(content));
	reader = spawn(read_directly, memory);
	for (unsigned int round = 0; round < 20; round++) {
		int error = ask_frame(r, frame_of(memory + ONE * PAGE));

		if (error && error != EBUSY)
			trouble(r, "round %u: %s", round, strerror(error));
		if (r->event[0] >= '0' && r->event[0] <= '9')
			trouble(r, "round %u: %s", round, r->event);
		done += !error;
		data_is(r, !memcmp(content, memory, sizeof(content)));
	}
	kill(reader, SIGKILL);
	reap(reader);
	counted += poisoned_pages();
	if (counted != done)
		trouble(r, "%u frames taken, %ld counted", done, counted);
	strcpy(r->answer, "OK or EBUSY");
	strcpy(r->counted, "+1 if OK");
	strcpy(r->flags, "-");
	if (strcmp(r->event, "-") != 0) {
		strcpy(r->event, "one for each request");
		strcpy(r->counter, "one for each request");
	}
}

static const struct row rows[] = {
	{ .name = "pinned-pipe",
	  .what = "anonymous, held by a pipe (vmsplice)",
	  .run = by_pipe,
	  .stock = { "EBUSY", "0", "intact", "no", ANON " -> " ANON_DIRTY },
	  .event = "sysfs anon not-migrated" },
	{ .name = "pinned-pipe-let-go",
	  .what = "the same after the pipe was read",
	  .run = by_pipe_let_go,
	  .stock = { "OK", "+1", "intact", "yes", ANON_DIRTY " -> " ANON_RETIRED },
	  .event = "sysfs anon migrated" },
	{ .name = "pinned-ring",
	  .what = "anonymous, registered with io_uring",
	  .run = by_ring,
	  .stock = { "EBUSY", "0", "intact", "no", ANON_DIRTY " -> " ANON_DIRTY },
	  .event = "sysfs anon not-migrated" },
	{ .name = "pinned-ring-let-go",
	  .what = "the same after it was unregistered",
	  .run = by_ring_let_go,
	  .stock = { "OK", "+1", "intact", "yes", ANON_DIRTY " -> " ANON_RETIRED },
	  .event = "sysfs anon migrated" },
	{ .name = "pinned-thp",
	  .what = "anonymous huge page (THP), held by a pipe",
	  .run = pinned_thp,
	  .stock = { "EBUSY", "0", "intact", "no",
		     "mmap,anon,compound_tail,thp -> mmap,anon,compound_tail,thp" },
	  .event = "sysfs thp thp-not-split" },
	{ .name = "pinned-huge",
	  .what = "HugeTLB 2M, held by a pipe",
	  .run = pinned_huge,
	  .stock = { "EBUSY", "0", "intact", "no",
		     "mmap,anon,compound_tail,huge -> mmap,anon,compound_tail,huge",
		     "4/3 -> 4/3" },
	  .event = "sysfs hugetlb not-migrated" },
	{ .name = "direct-reads",
	  .what = "under running O_DIRECT reads, 20 requests",
	  .run = direct_reads,
	  .stock = { "OK or EBUSY", "+1 if OK", "intact" },
	  .event = "one for each request" },
};

const struct family pinned_family = FAMILY(rows);

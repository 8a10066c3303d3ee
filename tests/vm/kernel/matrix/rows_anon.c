// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Rows of anonymous 4K pages: private, shared after a fork, locked, merged by
 * KSM, mapped by very many; and the two other ways to name a page: madvise and
 * an address in the middle of it.
 */
#define _GNU_SOURCE
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>

#include "matrix.h"

#define PAGES   4
#define ONE     1
#define SHARERS 8
#define CROWD   400
#define KSM     "/sys/kernel/mm/ksm/"

static void finish(struct result *r, char *memory)
{
	data_is(r, intact(memory, PAGES));
	look_moved(r, memory + ONE * PAGE);
}

static void anon(struct result *r)
{
	char *memory = small_pages(PAGES);

	settle();
	ask_frame(r, frame_of(memory + ONE * PAGE));
	finish(r, memory);
}

static void unaligned(struct result *r)
{
	char *memory = small_pages(PAGES), text[32];
	uint64_t pfn = frame_of(memory + ONE * PAGE);

	settle();
	snprintf(text, sizeof(text), "0x%" PRIx64, pfn * PAGE + 0xabc);
	ask(r, &(struct request){ .pfn = pfn, .text = text });
	finish(r, memory);
}

static void by_madvise(struct result *r)
{
	char *memory = small_pages(PAGES);

	settle();
	ask(r, &(struct request){ .pfn = frame_of(memory + ONE * PAGE),
				  .madvise = memory + ONE * PAGE });
	finish(r, memory);
}

static void already(struct result *r)
{
	char *memory = small_pages(PAGES);
	uint64_t pfn = frame_of(memory + ONE * PAGE);

	settle();
	if (ask_frame(r, pfn))
		errx(2, "the first request failed");
	ask_frame(r, pfn);
	finish(r, memory);
}

static void mlocked(struct result *r)
{
	char *memory = small_pages(PAGES);
	uint64_t flags;

	if (mlock(memory, PAGES * PAGE))
		err(2, "mlock");
	settle();
	ask_frame(r, frame_of(memory + ONE * PAGE));
	finish(r, memory);
	if (!frame_flags(frame_of(memory + ONE * PAGE), &flags) || !(flags >> 33 & 1))
		trouble(r, "the new page is not mlocked");
}

/* Processes that wait, and look at their own mapping on command. */
struct crowd {
	char *memory;
	int go[2];
};

static int look_when_told(void *argument)
{
	struct crowd *crowd = argument;
	char byte;

	close(crowd->go[1]);
	(void)*(volatile char *)(crowd->memory + ONE * PAGE);
	/* The end of the pipe is the word. */
	if (read(crowd->go[0], &byte, 1) != 0)
		return 2;
	return !intact(crowd->memory, PAGES);
}

static void ask_crowd(struct result *r, char *memory, unsigned int n)
{
	struct crowd crowd = { .memory = memory };
	pid_t pids[CROWD];

	if (pipe2(crowd.go, O_CLOEXEC))
		err(2, "pipe");
	for (unsigned int i = 0; i < n; i++)
		pids[i] = spawn(look_when_told, &crowd);
	close(crowd.go[0]);
	/* Give the last ones the time to map it. */
	nanosleep(&(struct timespec){ .tv_nsec = 200000000 }, NULL);
	settle();
	ask_frame(r, frame_of(memory + ONE * PAGE));
	finish(r, memory);
	close(crowd.go[1]);
	for (unsigned int i = 0; i < n; i++)
		data_is(r, reap(pids[i]) == 0);
}

static void forked(struct result *r)
{
	ask_crowd(r, small_pages(PAGES), 2);
}

static void four_hundred(struct result *r)
{
	char *memory = mmap(NULL, PAGES * PAGE, PROT_READ | PROT_WRITE,
			    MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	if (memory == MAP_FAILED)
		err(2, "mmap");
	fill(memory, PAGES);
	ask_crowd(r, memory, CROWD);
}

/* Wait until all sharers have one frame; the row's own time limit ends it. */
static void await_merge(char *const *sharers)
{
	unsigned int same;

	do {
		nanosleep(&(struct timespec){ .tv_nsec = 20000000 }, NULL);
		same = 0;
		for (unsigned int i = 0; i < SHARERS; i++)
			same += frame_of(sharers[i]) == frame_of(sharers[0]);
	} while (same < SHARERS);
}

static void ksm(struct result *r)
{
	char *sharers[SHARERS];

	for (unsigned int i = 0; i < SHARERS; i++) {
		sharers[i] = small_pages(1);
		if (madvise(sharers[i], PAGE, MADV_MERGEABLE))
			err(2, "MADV_MERGEABLE");
	}
	put(KSM "sleep_millisecs", "1");
	put(KSM "pages_to_scan", "1000");
	put(KSM "run", "1");
	await_merge(sharers);
	put(KSM "run", "0");
	settle();
	ask_frame(r, frame_of(sharers[0]));
	for (unsigned int i = 0; i < SHARERS; i++) {
		data_is(r, intact(sharers[i], 1));
		if (frame_of(sharers[i]) != frame_of(sharers[0]))
			trouble(r, "sharer %u has a frame of its own", i);
	}
	look_moved(r, sharers[0]);
}

static const struct row rows[] = {
	{ .name = "anon",
	  .what = "anonymous",
	  .run = anon,
	  .stock = { "OK", "+1", "intact", "yes", ANON " -> " ANON_RETIRED },
	  .event = "sysfs anon migrated" },
	{ .name = "anon-forked",
	  .what = "anonymous, shared by three processes after fork",
	  .run = forked,
	  .stock = { "OK", "+1", "intact", "yes", ANON " -> " ANON_RETIRED },
	  .event = "sysfs anon migrated" },
	{ .name = "mlocked-anon",
	  .what = "anonymous, mlocked",
	  .run = mlocked,
	  .stock = { "OK", "+1", "intact", "yes",
		     "uptodate,lru,mmap,anon,swapbacked,unevictable,mlocked"
		     " -> " ANON_RETIRED },
	  .event = "sysfs anon migrated" },
	{ .name = "ksm",
	  .what = "merged by KSM, 8 sharers",
	  .run = ksm,
	  .stock = { "OK", "+1", "intact", "yes",
		     "uptodate,dirty,lru,mmap,anon,swapbacked,ksm"
		     " -> uptodate,dirty,anon,swapbacked,hwpoison,ksm" },
	  .event = "sysfs ksm migrated" },
	{ .name = "shared-by-400",
	  .what = "shared, mapped by 401 processes",
	  .run = four_hundred,
	  .stock = { "OK", "+1", "intact", "yes",
		     "uptodate,dirty,lru,mmap,swapbacked"
		     " -> uptodate,swapbacked,hwpoison" },
	  .event = "sysfs shmem migrated" },
	{ .name = "unaligned",
	  .what = "address in the middle of an anonymous page",
	  .run = unaligned,
	  .stock = { "OK", "+1", "intact", "yes", ANON " -> " ANON_RETIRED },
	  .event = "sysfs anon migrated" },
	{ .name = "madvise",
	  .what = "madvise(MADV_SOFT_OFFLINE), anonymous",
	  .run = by_madvise,
	  .stock = { "OK", "+1", "intact", "yes", ANON " -> " ANON_RETIRED },
	  .event = "madvise anon migrated" },
	{ .name = "already-poisoned",
	  .what = "poisoned already",
	  .run = already,
	  .stock = { "OK", "0", "intact", "yes", ANON_RETIRED " -> " ANON_RETIRED },
	  .event = "sysfs poisoned already-poisoned" },
};

const struct family anon_family = FAMILY(rows);

// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Rows of frames that nobody uses: on a CPU's own list, the head of a block of
 * the buddy allocator, inside of one. And the way back: unpoisoning.
 */
#define _GNU_SOURCE
#include <inttypes.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>

#include "matrix.h"

#define FREED 16
#define BLOCK 1024 /* pages of the allocator's largest blocks */

struct range {
	char *start;
	size_t length;
};

static void unmap(void *argument)
{
	struct range *range = argument;

	munmap(range->start, range->length);
}

static void stay_on_this_cpu(void)
{
	cpu_set_t one;

	CPU_ZERO(&one);
	CPU_SET(sched_getcpu(), &one);
	if (sched_setaffinity(0, sizeof(one), &one))
		err(2, "sched_setaffinity");
}

/* The first of several that are freed is the last that would be handed out. */
static void just_freed(struct result *r)
{
	struct range range = { .length = FREED * PAGE };
	uint64_t pfn;

	stay_on_this_cpu();
	range.start = small_pages(FREED);
	settle();
	pfn = frame_of(range.start);
	ask(r, &(struct request){ .pfn = pfn, .before = unmap, .argument = &range });
}

/* Last aligned block that is free as a whole. */
static uint64_t free_block(void)
{
	struct frame_map map = all_frames();
	uint64_t start = map.n / BLOCK * BLOCK;
	size_t run = 0;

	while (start && run < BLOCK) {
		start -= BLOCK;
		for (run = 0; run < BLOCK && map.flags[start + run] & KPF_BUDDY; run++)
			;
	}
	free(map.flags);
	if (run < BLOCK)
		errx(2, "no free block of %d pages", BLOCK);
	return start;
}

static void block_head(struct result *r)
{
	ask_frame(r, free_block());
}

static void block_inside(struct result *r)
{
	ask_frame(r, free_block() + BLOCK / 2 + 5);
}

static void ask_unpoison(struct result *r, uint64_t pfn)
{
	char text[32];

	if (access(UNPOISON, W_OK))
		err(2, UNPOISON);
	if (ask_frame(r, pfn))
		errx(2, "the soft offline failed");
	snprintf(text, sizeof(text), "0x%" PRIx64, pfn);
	ask(r, &(struct request){ .pfn = pfn, .path = UNPOISON, .text = text });
	strcpy(r->event, "-");
	strcpy(r->counter, "-");
}

static void unpoison_used(struct result *r)
{
	char *memory = small_pages(1);

	settle();
	ask_unpoison(r, frame_of(memory));
	data_is(r, intact(memory, 1));
}

static void unpoison_free(struct result *r)
{
	ask_unpoison(r, free_block());
}

static const struct row rows[] = {
	{ .name = "just-freed",
	  .what = "just freed, on a CPU's list",
	  .run = just_freed,
	  .stock = { "OK", "+1", NULL, NULL, "none -> hwpoison" },
	  .event = "sysfs free taken-from-free" },
	{ .name = "free-block-head",
	  .what = "free, first page of its block",
	  .run = block_head,
	  .stock = { "OK", "+1", NULL, NULL, "buddy -> hwpoison" },
	  .event = "sysfs free taken-from-free" },
	{ .name = "free-block-inside",
	  .what = "free, inside its block",
	  .run = block_inside,
	  .stock = { "OK", "+1", NULL, NULL, "buddy -> hwpoison" },
	  .event = "sysfs free taken-from-free" },
	{ .name = "unpoison-used",
	  .what = "unpoison a frame that was in use",
	  .run = unpoison_used,
	  .stock = { "OK", "-1", "intact", NULL,
		     "uptodate,dirty,anon,swapbacked,hwpoison -> none" } },
	{ .name = "unpoison-free",
	  .what = "unpoison a frame that was free",
	  .run = unpoison_free,
	  .stock = { "OK", "-1", NULL, NULL, "hwpoison -> buddy" } },
};

const struct family free_family = FAMILY(rows);

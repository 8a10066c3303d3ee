// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Rows of switches: the filter that kernel developers test with, and, on the
 * patched kernel only, vm.enable_soft_offline. Every row sets back what it set.
 */
#define _GNU_SOURCE
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>

#include "matrix.h"

#define FILTER  "/sys/kernel/debug/hwpoison/corrupt-filter-"
#define CONTROL "/proc/sys/vm/enable_soft_offline"
#define POOL    "/sys/kernel/mm/hugepages/hugepages-2048kB/nr_hugepages"
#define PAGES   4
#define ONE     1

static void ask_page(struct result *r)
{
	char *memory = small_pages(PAGES);

	settle();
	ask_frame(r, frame_of(memory + ONE * PAGE));
	data_is(r, intact(memory, PAGES));
	look_moved(r, memory + ONE * PAGE);
}

static void ask_huge(struct result *r)
{
	char *memory;

	put(POOL, "2");
	memory = mmap(NULL, HUGE_SIZE, PROT_READ | PROT_WRITE,
		      MAP_PRIVATE | MAP_ANONYMOUS | MAP_HUGETLB, -1, 0);
	if (memory == MAP_FAILED)
		err(2, "mmap");
	fill(memory, HUGE_SIZE / PAGE);
	settle();
	ask_frame(r, frame_of(memory + ONE * PAGE));
	data_is(r, intact(memory, HUGE_SIZE / PAGE));
	look_moved(r, memory + ONE * PAGE);
}

/* Only pages with the compound flag would pass. */
static void filtered(struct result *r)
{
	put(FILTER "flags-mask", "0x10000");
	put(FILTER "flags-value", "0x10000");
	put(FILTER "enable", "1");
	ask_page(r);
	put(FILTER "enable", "0");
	put(FILTER "flags-mask", "0");
	put(FILTER "flags-value", "0");
}

static void with_control(struct result *r, const char *value,
			 void (*row)(struct result *))
{
	put(CONTROL, value);
	row(r);
	put(CONTROL, "1");
}

static void control_off(struct result *r)
{
	with_control(r, "0", ask_page);
}

static void ask_madvise(struct result *r)
{
	char *memory = small_pages(PAGES);

	settle();
	ask(r, &(struct request){ .pfn = frame_of(memory + ONE * PAGE),
				  .madvise = memory + ONE * PAGE });
	data_is(r, intact(memory, PAGES));
	look_moved(r, memory + ONE * PAGE);
}

static void control_off_madvise(struct result *r)
{
	with_control(r, "0", ask_madvise);
}

static void control_no_huge(struct result *r)
{
	with_control(r, "3", ask_huge);
}

static void control_no_huge_small(struct result *r)
{
	with_control(r, "3", ask_page);
}

static void control_not_kernel(struct result *r)
{
	with_control(r, "5", ask_page);
}

static int write_control(void *value)
{
	return try_put(CONTROL, value);
}

static void ask_control(struct result *r, const char *value)
{
	char *memory = small_pages(PAGES), text[4];

	snprintf(text, sizeof(text), "%s", value);
	settle();
	ask(r, &(struct request){ .pfn = frame_of(memory),
				  .instead = write_control,
				  .argument = text });
	if (get_number(CONTROL) != 1)
		trouble(r, "the value is %ld now", get_number(CONTROL));
}

static void control_2(struct result *r)
{
	ask_control(r, "2");
}

static void control_8(struct result *r)
{
	ask_control(r, "8");
}

static void control_negative(struct result *r)
{
	ask_control(r, "-1");
}

static const struct row rows[] = {
	{ .name = "filtered",
	  .what = "refused by hwpoison's test filter",
	  .run = filtered,
	  .stock = { "EOPNOTSUPP", "0", "intact", "no", ANON " -> " ANON },
	  .event = "sysfs anon filtered" },
	{ .name = "control-0",
	  .what = "enable_soft_offline 0",
	  .run = control_off,
	  .patched = { "EOPNOTSUPP", "0", "intact", "no", ANON " -> " ANON },
	  .event = "sysfs anon disabled",
	  .patched_only = true },
	{ .name = "control-0-madvise",
	  .what = "enable_soft_offline 0, madvise",
	  .run = control_off_madvise,
	  .patched = { "EOPNOTSUPP", "0", "intact", "no", ANON " -> " ANON },
	  .event = "madvise anon disabled",
	  .patched_only = true },
	{ .name = "control-3-huge",
	  .what = "enable_soft_offline 3 (no HugeTLB), HugeTLB 2M in use",
	  .run = control_no_huge,
	  .patched = { "EOPNOTSUPP", "0", "intact", "no",
		       "mmap,anon,compound_tail,huge -> mmap,anon,compound_tail,huge",
		       "2/1 -> 2/1" },
	  .event = "sysfs hugetlb disabled",
	  .patched_only = true },
	{ .name = "control-3",
	  .what = "enable_soft_offline 3 (no HugeTLB), anonymous",
	  .run = control_no_huge_small,
	  .patched = { "OK", "+1", "intact", "yes", ANON " -> " ANON_RETIRED },
	  .event = "sysfs anon migrated",
	  .patched_only = true },
	{ .name = "control-5",
	  .what = "enable_soft_offline 5 (not the kernel itself), anonymous",
	  .run = control_not_kernel,
	  .patched = { "OK", "+1", "intact", "yes", ANON " -> " ANON_RETIRED },
	  .event = "sysfs anon migrated",
	  .patched_only = true },
	{ .name = "control-write-2",
	  .what = "enable_soft_offline set to 2",
	  .run = control_2,
	  .patched = { "EINVAL", "0", NULL, NULL, ANON " -> " ANON },
	  .patched_only = true },
	{ .name = "control-write-8",
	  .what = "enable_soft_offline set to 8",
	  .run = control_8,
	  .patched = { "EINVAL", "0", NULL, NULL, ANON " -> " ANON },
	  .patched_only = true },
	{ .name = "control-write-negative",
	  .what = "enable_soft_offline set to -1",
	  .run = control_negative,
	  .patched = { "EINVAL", "0", NULL, NULL, ANON " -> " ANON },
	  .patched_only = true },
};

const struct family control_family = FAMILY(rows);

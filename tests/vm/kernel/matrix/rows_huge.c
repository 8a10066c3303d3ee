// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Rows of HugeTLB, 2 MiB and 1 GiB: in use, free, reserved, and with nowhere to
 * go. Each sets the pool itself; main.c empties it after every row.
 */
#define _GNU_SOURCE
#include <linux/memfd.h>
#include <linux/mman.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>

#include "matrix.h"

#define POOL       "/sys/kernel/mm/hugepages/hugepages-2048kB/nr_hugepages"
#define OVERCOMMIT "/sys/kernel/mm/hugepages/hugepages-2048kB/nr_overcommit_hugepages"
#define OPTIMIZE   "/proc/sys/vm/hugetlb_optimize_vmemmap"
#define POOL_1G    "/sys/kernel/mm/hugepages/hugepages-1048576kB/nr_hugepages"
#define FREE_1G    "/sys/kernel/mm/hugepages/hugepages-1048576kB/free_hugepages"
#define PAGES      (HUGE_SIZE / PAGE)
#define MIDDLE     200
#define EVERYTHING 100000

static void set_pool(long pages)
{
	put_number(POOL, pages);
	if (get_number(POOL) != pages)
		errx(2, "a pool of %ld huge pages cannot be had", pages);
}

static char *map_huge(size_t pages)
{
	char *memory = mmap(NULL, pages * HUGE_SIZE, PROT_READ | PROT_WRITE,
			    MAP_PRIVATE | MAP_ANONYMOUS | MAP_HUGETLB, -1, 0);

	if (memory == MAP_FAILED)
		err(2, "mmap of %zu huge pages", pages);
	return memory;
}

/* One huge page in use, of a pool of this size. */
static void ask_in_use(struct result *r, long pool)
{
	char *memory;

	set_pool(pool);
	memory = map_huge(1);
	fill(memory, PAGES);
	settle();
	ask_frame(r, frame_of(memory + MIDDLE * PAGE));
	data_is(r, intact(memory, PAGES));
	look_moved(r, memory + MIDDLE * PAGE);
}

static void in_use_private(struct result *r)
{
	ask_in_use(r, 4);
}

static void in_use_alone(struct result *r)
{
	ask_in_use(r, 1);
}

static void in_use_shared(struct result *r)
{
	char *map[2];
	int fd;

	set_pool(4);
	fd = memfd_create("huge", MFD_CLOEXEC | MFD_HUGETLB | MFD_HUGE_2MB);
	if (fd < 0 || ftruncate(fd, HUGE_SIZE))
		err(2, "memfd_create");
	for (int i = 0; i < 2; i++) {
		map[i] = mmap(NULL, HUGE_SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
		if (map[i] == MAP_FAILED)
			err(2, "mmap");
	}
	fill(map[0], PAGES);
	if (!intact(map[1], PAGES))
		errx(2, "the second mapping has other data");
	settle();
	ask_frame(r, frame_of(map[0] + MIDDLE * PAGE));
	data_is(r, intact(map[0], PAGES));
	data_is(r, intact(map[1], PAGES));
	look_moved(r, map[0] + MIDDLE * PAGE);
	if (frame_of(map[0]) != frame_of(map[1]))
		trouble(r, "the two mappings have different frames");
}

static uint64_t free_huge_frame(void)
{
	return first_frame(KPF_HUGE, KPF_MMAP | KPF_HWPOISON) + MIDDLE;
}

static void not_in_use(struct result *r)
{
	set_pool(4);
	ask_frame(r, free_huge_frame());
}

/* Huge pages whose memory map is mostly given back must get it back first. */
static void in_use_optimized(struct result *r)
{
	put(OPTIMIZE, "1");
	ask_in_use(r, 4);
}

static void free_optimized(struct result *r)
{
	put(OPTIMIZE, "1");
	not_in_use(r);
}

/* Not of the pool, but allocated when it was asked for. */
static void surplus(struct result *r)
{
	char *memory;

	put(OVERCOMMIT, "4");
	memory = map_huge(1);
	fill(memory, PAGES);
	settle();
	ask_frame(r, frame_of(memory + MIDDLE * PAGE));
	data_is(r, intact(memory, PAGES));
	look_moved(r, memory + MIDDLE * PAGE);
}

static void all_reserved(struct result *r)
{
	set_pool(2);
	map_huge(2);
	ask_frame(r, free_huge_frame());
}

/*
 * All memory that can be is made huge pages, and all of them are reserved: the
 * contents of the one in use have nowhere to go.
 */
static void nowhere_to_go(struct result *r)
{
	char *memory;
	long pages = 0;

	/* One more free block, and there would be a place: until no more come. */
	for (int same = 0; same < 3;) {
		put("/proc/sys/vm/drop_caches", "3");
		put("/proc/sys/vm/compact_memory", "1");
		put_number(POOL, EVERYTHING);
		same = get_number(POOL) == pages ? same + 1 : 0;
		pages = get_number(POOL);
	}
	memory = map_huge((size_t)pages);
	fill(memory, PAGES);
	settle();
	ask_frame(r, frame_of(memory + MIDDLE * PAGE));
	/* How many there are is not the same from boot to boot. */
	strcpy(r->pool, get_number(POOL) == pages ? "all -> all" : "all -> changed");
	data_is(r, intact(memory, PAGES));
	look_moved(r, memory + MIDDLE * PAGE);
}

static void ask_giant(struct result *r, long pool)
{
	char *memory;

	put_number(POOL_1G, pool);
	if (get_number(POOL_1G) != pool || get_number(FREE_1G) != pool)
		errx(2, "%ld of %ld giant pages", get_number(POOL_1G), pool);
	watch_pool("hugepages-1048576kB");
	memory = mmap(NULL, GIANT, PROT_READ | PROT_WRITE,
		      MAP_PRIVATE | MAP_ANONYMOUS | MAP_HUGETLB | MAP_HUGE_1GB, -1, 0);
	if (memory == MAP_FAILED)
		err(2, "mmap of a giant page");
	fill(memory, GIANT / PAGE);
	settle();
	ask_frame(r, frame_of(memory + MIDDLE * PAGE));
	data_is(r, intact(memory, GIANT / PAGE));
	look_moved(r, memory + MIDDLE * PAGE);
}

static void giant_alone(struct result *r)
{
	ask_giant(r, 1);
}

static void giant_second_free(struct result *r)
{
	ask_giant(r, 2);
}

static const struct row rows[] = {
	{ .name = "huge-private",
	  .what = "HugeTLB 2M in use, private, 3 of 4 free",
	  .run = in_use_private,
	  .stock = { "OK", "+1", "intact", "yes",
		     "mmap,anon,compound_tail,huge -> hwpoison", "4/3 -> 3/2" },
	  .patched = { "OK", "+1", "intact", "yes",
		       "mmap,anon,compound_tail,huge -> hwpoison", "4/3 -> 4/3" },
	  .event = "sysfs hugetlb migrated" },
	{ .name = "huge-shared",
	  .what = "HugeTLB 2M in use, shared, 3 of 4 free",
	  .run = in_use_shared,
	  .stock = { "OK", "+1", "intact", "yes", "mmap,compound_tail,huge -> hwpoison",
		     "4/3 -> 3/2" },
	  .patched = { "OK", "+1", "intact", "yes", "mmap,compound_tail,huge -> hwpoison",
		       "4/3 -> 4/3" },
	  .event = "sysfs hugetlb migrated" },
	{ .name = "huge-none-free",
	  .what = "HugeTLB 2M in use, pool empty",
	  .run = in_use_alone,
	  .stock = { "OK", "+1", "intact", "yes",
		     "mmap,anon,compound_tail,huge -> hwpoison", "1/0 -> 1/0" },
	  .event = "sysfs hugetlb migrated" },
	{ .name = "huge-no-target",
	  .what = "HugeTLB 2M in use, pool empty, no memory for a fresh one",
	  .run = nowhere_to_go,
	  .stock = { "ENOMEM", "0", "intact", "no",
		     "mmap,anon,compound_tail,huge -> mmap,anon,compound_tail,huge",
		     "all -> all" },
	  .event = "sysfs hugetlb no-memory" },
	{ .name = "huge-free",
	  .what = "HugeTLB 2M free",
	  .run = not_in_use,
	  .stock = { "OK", "+1", NULL, NULL, "compound_tail,huge -> hwpoison",
		     "4/4 -> 3/3" },
	  .event = "sysfs hugetlb taken-from-free" },
	{ .name = "huge-reserved",
	  .what = "HugeTLB 2M free, but all reserved",
	  .run = all_reserved,
	  .stock = { "EBUSY", "0", NULL, NULL, "compound_tail,huge -> compound_tail,huge",
		     "2/2 -> 2/2" },
	  .event = "sysfs hugetlb not-dissolved" },
	{ .name = "huge-optimized",
	  .what = "HugeTLB 2M in use, memory map optimized, 3 of 4 free",
	  .run = in_use_optimized,
	  .stock = { "OK", "+1", "intact", "yes",
		     "mmap,anon,compound_tail,huge -> hwpoison", "4/3 -> 3/2" },
	  .patched = { "OK", "+1", "intact", "yes",
		       "mmap,anon,compound_tail,huge -> hwpoison", "4/3 -> 4/3" },
	  .event = "sysfs hugetlb migrated" },
	{ .name = "huge-optimized-free",
	  .what = "HugeTLB 2M free, memory map optimized",
	  .run = free_optimized,
	  .stock = { "OK", "+1", NULL, NULL, "compound_tail,huge -> hwpoison",
		     "4/4 -> 3/3" },
	  .event = "sysfs hugetlb taken-from-free" },
	{ .name = "huge-surplus",
	  .what = "HugeTLB 2M in use, surplus page",
	  .run = surplus,
	  .stock = { "OK", "+1", "intact", "yes",
		     "mmap,anon,compound_tail,huge -> hwpoison", "1/0 -> 1/0" },
	  .event = "sysfs hugetlb migrated" },
	{ .name = "giant-second-free",
	  .what = "HugeTLB 1G in use, one of 2 free",
	  .run = giant_second_free,
	  .stock = { "OK", "+1", "intact", "yes",
		     "mmap,anon,compound_tail,huge -> hwpoison", "2/1 -> 1/0" },
	  .event = "sysfs hugetlb migrated",
	  .boot = BOOT_GIANT },
	{ .name = "giant-none-free",
	  .what = "HugeTLB 1G in use, pool empty",
	  .run = giant_alone,
	  .stock = { "ENOMEM", "0", "intact", "no",
		     "mmap,anon,compound_tail,huge -> mmap,anon,compound_tail,huge",
		     "1/0 -> 1/0" },
	  .event = "sysfs hugetlb no-memory",
	  .boot = BOOT_GIANT },
};

const struct family huge_family = FAMILY(rows);

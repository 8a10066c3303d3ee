// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Rows of transparent huge pages, anonymous and of tmpfs: a page in the middle
 * is asked for, and the huge page must be split around it.
 */
#define _GNU_SOURCE
#include <inttypes.h>
#include <string.h>
#include <sys/mman.h>

#include "matrix.h"

#define PAGES  (HUGE_SIZE / PAGE)
#define MIDDLE 200
#define SHMEM  "/sys/kernel/mm/transparent_hugepage/shmem_enabled"

/* It must have been huge, or the row shows nothing; and whole no longer after. */
static void ask_middle(struct result *r, char *memory)
{
	uint64_t flags;

	/* The flag shows only once the page is on the LRU. */
	settle();
	if (!frame_flags(frame_of(memory + MIDDLE * PAGE), &flags) || !(flags & KPF_THP))
		errx(2, "not a transparent huge page, flags 0x%" PRIx64, flags);
	ask_frame(r, frame_of(memory + MIDDLE * PAGE));
	data_is(r, intact(memory, PAGES));
	look_moved(r, memory + MIDDLE * PAGE);
	if (frame_flags(frame_of(memory), &flags) && (flags & KPF_THP))
		trouble(r, "the huge page was not split");
}

static void thp(struct result *r)
{
	char *memory = huge_page_space(1);

	fill(memory, PAGES);
	ask_middle(r, memory);
}

static void shmem_thp(struct result *r)
{
	char *map;
	int fd;

	put(SHMEM, "force");
	fd = memfd_create("thp", MFD_CLOEXEC);
	if (fd < 0 || ftruncate(fd, HUGE_SIZE))
		err(2, "memfd_create");
	/* Address space that is aligned, to be replaced. */
	map = mmap(huge_page_space(1), HUGE_SIZE, PROT_READ | PROT_WRITE,
		   MAP_SHARED | MAP_FIXED, fd, 0);
	if (map == MAP_FAILED)
		err(2, "mmap");
	fill(map, PAGES);
	put(SHMEM, "never");
	ask_middle(r, map);
	data_is(r, file_intact(fd, PAGES));
}

static const struct row rows[] = {
	{ .name = "thp-middle",
	  .what = "anonymous huge page (THP), middle",
	  .run = thp,
	  .stock = { "OK", "+1", "intact", "yes",
		     "mmap,anon,compound_tail,thp"
		     " -> " ANON_RETIRED },
	  .event = "sysfs thp migrated" },
	{ .name = "shmem-thp-middle",
	  .what = "shared huge page (THP of tmpfs), middle",
	  .run = shmem_thp,
	  .stock = { "OK", "+1", "intact", "yes",
		     "mmap,compound_tail,thp -> uptodate,swapbacked,hwpoison" },
	  .event = "sysfs thp migrated" },
};

const struct family thp_family = FAMILY(rows);

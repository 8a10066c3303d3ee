// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Frames, their flags, and pages with patterns: the tools that rows are made
 * of. It asks the kernel to read only, and never for a soft offline.
 */
#define _GNU_SOURCE
#include <inttypes.h>
#include <linux/mempolicy.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "matrix.h"

#define WORDS (PAGE / sizeof(uint64_t))

static int kpageflags_fd;

/*
 * The flags that do not depend on who looked at the page when: referenced,
 * active, idle, soft-dirty, locked and the like are left out.
 */
static const struct {
	unsigned int bit;
	const char *name;
} stable_flags[] = {
	{ 3, "uptodate" },       { 4, "dirty" },       { 5, "lru" },
	{ 7, "slab" },           { 10, "buddy" },      { 11, "mmap" },
	{ 12, "anon" },          { 14, "swapbacked" }, { 15, "compound_head" },
	{ 16, "compound_tail" }, { 17, "huge" },       { 18, "unevictable" },
	{ 19, "hwpoison" },      { 20, "nopage" },     { 21, "ksm" },
	{ 22, "thp" },           { 23, "offline" },    { 24, "zero_page" },
	{ 26, "pgtable" },       { 32, "reserved" },   { 33, "mlocked" },
};

void frames_open(void)
{
	kpageflags_fd = open("/proc/kpageflags", O_RDONLY | O_CLOEXEC);
	if (kpageflags_fd < 0)
		err(2, "/proc/kpageflags");
}

static uint64_t present_frame(int fd, const void *page)
{
	uint64_t entry;

	pagemap_read(fd, page, &entry, 1);
	close(fd);
	if (!pagemap_present(entry))
		errx(2, "the page at %p is not present", page);
	return pagemap_pfn(entry);
}

uint64_t frame_of(const void *page)
{
	return present_frame(pagemap_open(), page);
}

uint64_t frame_in(pid_t pid, const void *page)
{
	char path[48];
	int fd;

	snprintf(path, sizeof(path), "/proc/%d/pagemap", pid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		err(2, "%s", path);
	return present_frame(fd, page);
}

bool frame_flags(uint64_t pfn, uint64_t *ret_flags)
{
	uint64_t flags;
	ssize_t got;

	if (pfn > (uint64_t)INT64_MAX / sizeof(flags))
		return false;
	got = pread(kpageflags_fd, &flags, sizeof(flags), (off_t)(pfn * sizeof(flags)));
	if (got < 0)
		err(2, "flags of frame 0x%" PRIx64, pfn);
	if (got != sizeof(flags))
		return false;
	*ret_flags = flags;
	return true;
}

void flags_text(uint64_t pfn, char *text, size_t size)
{
	uint64_t flags;
	size_t length = 0;

	if (!frame_flags(pfn, &flags)) {
		snprintf(text, size, "unknown");
		return;
	}
	snprintf(text, size, "none");
	for (size_t i = 0; i < ARRAY_SIZE(stable_flags); i++) {
		if (!(flags >> stable_flags[i].bit & 1) || length >= size)
			continue;
		length += (size_t)snprintf(text + length, size - length, "%s%s",
					   length ? "," : "", stable_flags[i].name);
	}
}

struct frame_map all_frames(void)
{
	struct frame_map map = { 0 };
	size_t room = 0;

	for (;;) {
		ssize_t got;

		if (map.n == room) {
			room += 1UL << 18;
			map.flags = realloc(map.flags, room * sizeof(*map.flags));
			if (!map.flags)
				err(2, "realloc");
		}
		got = pread(kpageflags_fd, map.flags + map.n,
			    (room - map.n) * sizeof(*map.flags),
			    (off_t)(map.n * sizeof(*map.flags)));
		if (got < 0)
			err(2, "/proc/kpageflags");
		if (!got)
			return map;
		map.n += (size_t)got / sizeof(*map.flags);
	}
}

uint64_t first_frame(uint64_t with, uint64_t without)
{
	struct frame_map map = all_frames();
	uint64_t pfn;

	for (pfn = 1; pfn < map.n; pfn++)
		if ((map.flags[pfn] & with) == with && !(map.flags[pfn] & without))
			break;
	free(map.flags);
	if (pfn >= map.n)
		errx(2, "no frame with flags 0x%" PRIx64, with);
	return pfn;
}

static bool find_range(const char *name, bool last, uint64_t *ret_start,
		       uint64_t *ret_end)
{
	FILE *file = fopen("/proc/iomem", "re");
	char line[160];
	bool found = false;

	if (!file)
		err(2, "/proc/iomem");
	while ((!found || last) && fgets(line, sizeof(line), file)) {
		uint64_t start, end;

		if (!strstr(line, name) ||
		    sscanf(line, " %" SCNx64 "-%" SCNx64, &start, &end) != 2)
			continue;
		*ret_start = start;
		*ret_end = end;
		found = true;
	}
	fclose(file);
	return found;
}

uint64_t ram_end(void)
{
	uint64_t start, end;

	if (!find_range(": System RAM", true, &start, &end))
		errx(2, "no System RAM in /proc/iomem");
	return end + 1;
}

uint64_t range_start(const char *name)
{
	uint64_t start, end;

	if (!find_range(name, false, &start, &end))
		errx(2, "no '%s' in /proc/iomem", name);
	return start;
}

void settle(void)
{
	void *pages = NULL;
	int node = 0, status;

	/* Moving no page at all still empties the lists of all CPUs first. */
	if (syscall(SYS_move_pages, 0, 0UL, &pages, &node, &status, MPOL_MF_MOVE))
		err(2, "move_pages");
}

/* splitmix64: neighbouring pages and words share nothing. */
static uint64_t pattern(size_t at)
{
	uint64_t z = (at + 1) * 0x9e3779b97f4a7c15ULL;

	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ULL;
	z = (z ^ (z >> 27)) * 0x94d049bb133111ebULL;
	return z ^ (z >> 31);
}

void fill(void *memory, size_t pages)
{
	uint64_t *words = memory;

	for (size_t i = 0; i < pages * WORDS; i++)
		words[i] = pattern(i);
}

bool intact(const void *memory, size_t pages)
{
	const volatile uint64_t *words = memory;

	for (size_t i = 0; i < pages * WORDS; i++)
		if (words[i] != pattern(i))
			return false;
	return true;
}

void *small_pages(size_t pages)
{
	void *memory = mmap(NULL, pages * PAGE, PROT_READ | PROT_WRITE,
			    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (memory == MAP_FAILED)
		err(2, "mmap");
	madvise(memory, pages * PAGE, MADV_NOHUGEPAGE);
	fill(memory, pages);
	return memory;
}

void *huge_page_space(size_t huge_pages)
{
	size_t length = huge_pages * HUGE_SIZE;
	void *memory = mmap(NULL, length + HUGE_SIZE, PROT_READ | PROT_WRITE,
			    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (memory == MAP_FAILED)
		err(2, "mmap");
	memory = (void *)(((uintptr_t)memory + HUGE_SIZE - 1) & ~(HUGE_SIZE - 1));
	if (madvise(memory, length, MADV_HUGEPAGE))
		err(2, "MADV_HUGEPAGE");
	return memory;
}

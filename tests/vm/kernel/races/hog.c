// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The hog: leaves memory free, but in single pages between locked ones, and puts
 * every whole block into the pool, so that a huge page can come from there only.
 * Locked pages stay where they are only while vm.compact_unevictable_allowed is
 * 0, which the hog sets. It refuses to know who wants a huge page.
 */
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>

#include "pagemap.h"
#include "race.h"

/* Left alone, for page tables and for the kernel itself, until there are holes. */
#define SPARE_KIB 32768UL
/* One page goes back after this number of pages. */
#define HOLE_EVERY 4

#ifndef MADV_DONTNEED_LOCKED
#define MADV_DONTNEED_LOCKED 24 /* Linux 5.18 */
#endif

static unsigned long meminfo_kib(const char *key)
{
	FILE *file = fopen("/proc/meminfo", "re");
	unsigned long value = 0;
	char line[128];

	if (!file)
		err(2, "/proc/meminfo");
	while (fgets(line, sizeof(line), file))
		if (!strncmp(line, key, strlen(key)))
			value = strtoul(line + strlen(key), NULL, 10);
	fclose(file);
	return value;
}

static void set_sysctl(const char *path, const char *value)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);

	if (fd < 0 || write(fd, value, strlen(value)) < 0)
		err(2, "%s", path);
	close(fd);
}

static void make_holes(char *map, size_t length)
{
	for (size_t at = 0; at < length; at += HOLE_EVERY * GUEST_PAGE_SIZE)
		if (madvise(map + at, GUEST_PAGE_SIZE, MADV_DONTNEED_LOCKED))
			err(2, "MADV_DONTNEED_LOCKED");
}

/*
 * Trying is the only proof: blocks may be about to form from pages that wait in
 * the lists of a processor.
 */
unsigned long hog_whole_blocks(void)
{
	unsigned long size = pool_size();

	while (pool_resize(size + 1) > size)
		size++;
	return size;
}

void hog_fragment(void)
{
	unsigned long free_kib = meminfo_kib("MemFree:");
	size_t length;
	char *map;

	if (free_kib < 2 * SPARE_KIB)
		errx(2, "only %lu kB are free", free_kib);
	length = (free_kib - SPARE_KIB) * 1024;
	set_sysctl("/proc/sys/vm/compact_unevictable_allowed", "0");
	/* Else the kernel wants ever more free memory the more it is in pieces. */
	set_sysctl("/proc/sys/vm/watermark_boost_factor", "0");
	map = mmap(NULL, length, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1,
		   0);
	if (map == MAP_FAILED || madvise(map, length, MADV_NOHUGEPAGE) ||
	    madvise(map, length, MADV_DONTFORK) || mlock(map, length))
		err(2, "locking %zu bytes", length);
	make_holes(map, length);
}

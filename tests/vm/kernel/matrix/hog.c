// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A retired frame is never used again: memory is filled with page cache, and
 * then with huge pages, and no such frame may be in any use. Anonymous memory
 * is memhog's part.
 */
#define _GNU_SOURCE
#include "hog.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>

#include "matrix.h"

#define MOST  1024
#define CHUNK (1UL << 20)
#define POOL  "/sys/kernel/mm/hugepages/hugepages-2048kB/nr_hugepages"
#define IN_USE                                                                           \
	(KPF_LRU | KPF_SLAB | KPF_BUDDY | KPF_MMAP | KPF_HUGE | KPF_THP | KPF_PGTABLE)

static uint64_t frames[MOST];
static size_t n_frames;

static void read_frames(const char *path)
{
	FILE *file = fopen(path, "re");
	char word[64];

	if (!file)
		err(2, "%s", path);
	while (n_frames < MOST && fscanf(file, "%63s", word) == 1)
		frames[n_frames++] = parse_number(word);
	fclose(file);
	if (!n_frames)
		errx(2, "%s names no frame", path);
}

static int look(const char *what)
{
	int bad = 0;

	for (size_t i = 0; i < n_frames; i++) {
		uint64_t flags;
		char text[80];

		if (!frame_flags(frames[i], &flags))
			errx(2, "no frame 0x%" PRIx64, frames[i]);
		if (flags & KPF_HWPOISON && !(flags & IN_USE))
			continue;
		flags_text(frames[i], text, sizeof(text));
		printf("      frame 0x%" PRIx64 ": %s\n", frames[i], text);
		bad = 1;
	}
	printf("%s %s\n", bad ? "not ok" : "ok", what);
	return bad;
}

static size_t available_bytes(void)
{
	FILE *file = fopen("/proc/meminfo", "re");
	unsigned long long kib = 0;
	char line[128];

	if (!file)
		err(2, "/proc/meminfo");
	while (fgets(line, sizeof(line), file))
		if (sscanf(line, "MemAvailable: %llu kB", &kib) == 1)
			break;
	fclose(file);
	return kib * 1024;
}

static int is_frame(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return (x > y) - (x < y);
}

/* No page of the file may be in one of the frames. */
static int look_mapped(int fd, size_t length)
{
	char *map = mmap(NULL, length, PROT_READ, MAP_SHARED | MAP_POPULATE, fd, 0);
	int pagemap = pagemap_open(), bad = 0;

	if (map == MAP_FAILED)
		err(2, "mmap");
	for (size_t at = 0; at < length; at += PAGE) {
		uint64_t entry, pfn;

		pagemap_read(pagemap, map + at, &entry, 1);
		pfn = pagemap_pfn(entry);
		if (pagemap_present(entry) &&
		    bsearch(&pfn, frames, n_frames, sizeof(pfn), is_frame)) {
			printf("      frame 0x%" PRIx64 " is mapped\n", pfn);
			bad = 1;
		}
	}
	close(pagemap);
	munmap(map, length);
	printf("%s not-in-a-cached-file\n", bad ? "not ok" : "ok");
	return bad;
}

static int fill_cache(void)
{
	size_t length = available_bytes() / 10 * 8 / CHUNK * CHUNK;
	int fd = memfd_create("cache", MFD_CLOEXEC), bad;
	char *chunk = small_pages(CHUNK / PAGE);

	if (fd < 0)
		err(2, "memfd_create");
	for (size_t at = 0; at < length; at += CHUNK)
		if (pwrite(fd, chunk, CHUNK, (off_t)at) != CHUNK)
			err(2, "writing %zu bytes to memory", length);
	printf("%zu MiB of page cache\n", length >> 20);
	bad = look("not-in-a-full-page-cache");
	bad |= look_mapped(fd, length);
	close(fd);
	return bad;
}

static int fill_pool(void)
{
	int bad;

	put("/proc/sys/vm/drop_caches", "3");
	put("/proc/sys/vm/compact_memory", "1");
	put_number(POOL, 100000);
	printf("%ld huge pages\n", get_number(POOL));
	bad = look("not-in-a-full-pool");
	put_number(POOL, 0);
	bad |= look("not-freed-with-the-pool");
	return bad;
}

int hog_caches(const char *path)
{
	int bad;

	read_frames(path);
	qsort(frames, n_frames, sizeof(*frames), is_frame);
	bad = look("not-in-use");
	bad |= fill_cache();
	bad |= fill_pool();
	return bad;
}

// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Rows of the page cache: clean or dirty, mapped or not, on a disk's file
 * system and on those that live in memory. Text that runs is in rows_exec.c.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>

#include "matrix.h"

#define PAGES 4
#define ONE   1 /* the page that is asked for, between others */

/* The file's page has another frame now. */
static void look_cached(struct result *r, int fd)
{
	strcpy(r->moved, cached_frame(fd, ONE) != r->pfn ? "yes" : "no");
}

static void ask_file(struct result *r, int fd)
{
	uint64_t pfn = cached_frame(fd, ONE);

	settle();
	ask_frame(r, pfn);
	data_is(r, file_intact(fd, PAGES));
	look_cached(r, fd);
}

/* Read from the disk, so that nothing has been written through the cache. */
static void ext4_clean(struct result *r)
{
	int fd = make_file(EXT4_DIR, PAGES);

	settle();
	if (posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED))
		err(2, "posix_fadvise");
	ask_file(r, fd);
}

static void ext4_dirty(struct result *r)
{
	int fd = make_file(EXT4_DIR, PAGES);
	char *content = small_pages(PAGES);

	if (pwrite(fd, content, PAGES * PAGE, 0) != PAGES * PAGE)
		err(2, "write");
	ask_file(r, fd);
	if (fsync(fd))
		trouble(r, "fsync: %s", strerror(errno));
	settle();
	posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED);
	data_is(r, file_intact(fd, PAGES));
}

static void tmpfs(struct result *r)
{
	ask_file(r, make_file(TMPFS_DIR, PAGES));
}

static void ramfs(struct result *r)
{
	ask_file(r, make_file(RAMFS_DIR, PAGES));
}

/* Two mappings of the file, one of them read-only. */
static void ask_mapped(struct result *r, int fd, bool dirty)
{
	char *map = map_file(fd, PAGES, PROT_READ | PROT_WRITE);
	char *other = map_file(fd, PAGES, PROT_READ);

	if (dirty)
		fill(map, PAGES);
	settle();
	ask_frame(r, frame_of(map + ONE * PAGE));
	data_is(r, intact(map, PAGES));
	data_is(r, intact(other, PAGES));
	data_is(r, file_intact(fd, PAGES));
	look_moved(r, map + ONE * PAGE);
	if (frame_of(other + ONE * PAGE) != frame_of(map + ONE * PAGE))
		trouble(r, "the two mappings have different frames");
}

static void ext4_mapped_clean(struct result *r)
{
	ask_mapped(r, make_file(EXT4_DIR, PAGES), false);
}

static void ext4_mapped_dirty(struct result *r)
{
	ask_mapped(r, make_file(EXT4_DIR, PAGES), true);
}

static void tmpfs_mapped(struct result *r)
{
	ask_mapped(r, make_file(TMPFS_DIR, PAGES), true);
}

static void mlocked_file(struct result *r)
{
	int fd = make_file(EXT4_DIR, PAGES);
	char *map = map_file(fd, PAGES, PROT_READ | PROT_WRITE);
	uint64_t flags;

	if (mlock(map, PAGES * PAGE))
		err(2, "mlock");
	settle();
	ask_frame(r, frame_of(map + ONE * PAGE));
	data_is(r, intact(map, PAGES));
	data_is(r, file_intact(fd, PAGES));
	look_moved(r, map + ONE * PAGE);
	if (!frame_flags(frame_of(map + ONE * PAGE), &flags) || !(flags >> 33 & 1))
		trouble(r, "the new page is not mlocked");
}

/* The superblock: its buffer head belongs to the mounted file system. */
static void disk_superblock(struct result *r)
{
	int fd = open(DISK, O_RDONLY | O_CLOEXEC);
	char *map, copy[PAGE];

	if (fd < 0)
		err(2, DISK);
	map = map_file(fd, 1, PROT_READ);
	memcpy(copy, map, PAGE);
	r->pfn = frame_of(map);
	munmap(map, PAGE);
	sync();
	settle();
	ask_frame(r, r->pfn);
	map = map_file(fd, 1, PROT_READ);
	data_is(r, !memcmp(copy, map, PAGE));
	look_moved(r, map);
}

static const struct row rows[] = {
	{ .name = "ext4-clean",
	  .what = "ext4, clean, not mapped",
	  .run = ext4_clean,
	  .stock = { "OK", "+1", "intact", "yes", "uptodate,lru -> uptodate,hwpoison" },
	  .event = "sysfs page-cache dropped" },
	{ .name = "ext4-dirty",
	  .what = "ext4, dirty, not mapped",
	  .run = ext4_dirty,
	  .stock = { "OK", "+1", "intact", "yes",
		     "uptodate,dirty,lru -> uptodate,hwpoison" },
	  .event = "sysfs page-cache migrated" },
	{ .name = "tmpfs",
	  .what = "tmpfs, not mapped",
	  .run = tmpfs,
	  .stock = { "OK", "+1", "intact", "yes",
		     "uptodate,dirty,lru,swapbacked -> uptodate,swapbacked,hwpoison" },
	  .event = "sysfs shmem migrated" },
	{ .name = "ramfs",
	  .what = "ramfs, not mapped",
	  .run = ramfs,
	  .stock = { "EBUSY", "0", "intact", "no",
		     "uptodate,dirty,lru,unevictable -> uptodate,dirty,lru,unevictable" },
	  .event = "sysfs page-cache not-migrated" },
	{ .name = "ext4-mapped-clean",
	  .what = "ext4, clean, mapped twice",
	  .run = ext4_mapped_clean,
	  .stock = { "OK", "+1", "intact", "yes",
		     "uptodate,lru,mmap -> uptodate,hwpoison" },
	  .event = "sysfs page-cache migrated" },
	{ .name = "ext4-mapped-dirty",
	  .what = "ext4, dirty, mapped twice",
	  .run = ext4_mapped_dirty,
	  .stock = { "OK", "+1", "intact", "yes",
		     "uptodate,dirty,lru,mmap -> uptodate,hwpoison" },
	  .event = "sysfs page-cache migrated" },
	{ .name = "tmpfs-mapped",
	  .what = "tmpfs, mapped twice",
	  .run = tmpfs_mapped,
	  .stock = { "OK", "+1", "intact", "yes",
		     "uptodate,dirty,lru,mmap,swapbacked"
		     " -> uptodate,swapbacked,hwpoison" },
	  .event = "sysfs shmem migrated" },
	{ .name = "mlocked-file",
	  .what = "ext4, mapped and mlocked",
	  .run = mlocked_file,
	  .stock = { "OK", "+1", "intact", "yes",
		     "uptodate,lru,mmap,unevictable,mlocked -> uptodate,hwpoison" },
	  .event = "sysfs page-cache migrated" },
	{ .name = "disk-superblock",
	  .what = "block device, buffer heads in use",
	  .run = disk_superblock,
	  .stock = { "EBUSY", "0", "intact", "no", "uptodate,lru -> uptodate,lru" },
	  .event = "sysfs page-cache not-migrated" },
};

const struct family cache_family = FAMILY(rows);

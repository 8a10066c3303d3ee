/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * Maps one anonymous page, finds its frame and reads the frame's flags. It does not know
 * what follows from a flag that cannot be believed.
 */

#include "kernel/own_page.h"

#include <fcntl.h>
#include <limits.h>
#include <sys/mman.h>

#include "base/frame.h"
#include "base/mem.h"
#include "host/page_shift.h"
#include "host/small_file.h"

#define LOOKS 3

/* An entry of pagemap (Documentation/admin-guide/mm/pagemap.rst). */
#define PAGEMAP_PRESENT (UINT64_C(1) << 63)
#define PAGEMAP_PFN     ((UINT64_C(1) << 55) - 1)

/* Word @at of @fd; 0 if it cannot be read: no page has entry 0, and no page of ours has
 * flags 0. */
static uint64_t own_word(int fd, uint64_t at)
{
	uint64_t word;

	if (pread(fd, &word, sizeof(word), (off_t)(at * sizeof(word))) != sizeof(word))
		return 0;
	return word;
}

/* The frame of the page at @address; 0: not known. */
static uint64_t own_frame(int pagemap_fd, const void *address, unsigned int page_shift)
{
	uint64_t entry = own_word(pagemap_fd, (uintptr_t)address >> page_shift);

	return entry & PAGEMAP_PRESENT ? entry & PAGEMAP_PFN : 0;
}

/* Between two looks the kernel may move the page: the flags are then another page's. */
static enum fact own_look(int pagemap_fd, int kpageflags_fd, const void *address,
			  unsigned int page_shift)
{
	for (int i = 0; i < LOOKS; i++) {
		uint64_t frame = own_frame(pagemap_fd, address, page_shift);
		uint64_t flags = frame ? own_word(kpageflags_fd, frame) : 0;

		if (frame == 0 || frame != own_frame(pagemap_fd, address, page_shift))
			continue;
		if (!(flags >> KPF_ANON & 1))
			continue;
		return flags >> KPF_KSM & 1 ? FACT_YES : FACT_NO;
	}
	return FACT_UNKNOWN;
}

enum fact own_page_is_called_ksm(const char *root, int kpageflags_fd,
				 unsigned int page_shift)
{
	_cleanup_(close_p) int pagemap_fd = -1;
	size_t size = (size_t)1 << page_shift;
	char path[PATH_MAX];
	enum fact found;
	char *page;

	/* The doctor knows no page size, and pagemap has one entry for each page. */
	if (page_shift != host_page_shift() ||
	    small_file_path(path, sizeof(path), root, "/proc/self/pagemap") < 0)
		return FACT_UNKNOWN;
	pagemap_fd = open(path, O_RDONLY | O_CLOEXEC);
	if (pagemap_fd < 0)
		return FACT_UNKNOWN;
	page = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1,
		    0);
	if (page == MAP_FAILED)
		return FACT_UNKNOWN;
	/* systemd's MemoryKSM= lets the kernel merge all pages of a process. A kernel
	 * without KSM refuses this, and has nothing to merge. */
	(void)madvise(page, size, MADV_UNMERGEABLE);
	*(volatile char *)page = 1;
	found = own_look(pagemap_fd, kpageflags_fd, page, page_shift);
	munmap(page, size);
	return found;
}

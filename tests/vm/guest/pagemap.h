/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Which frame backs a page, and how to read a frame number: what the guest
 * programs share.
 */
#ifndef GUEST_PAGEMAP_H
#define GUEST_PAGEMAP_H

#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <unistd.h>

/* For programs that only run on x86: those for the kernel's own tests. */
#define GUEST_PAGE_SIZE 4096UL

#define PAGEMAP_PRESENT (1ULL << 63)
#define PAGEMAP_PFN     ((1ULL << 55) - 1)

/* What a page is on this machine: arm64 has kernels with 4, 16 and 64 KiB. */
static inline size_t page_size(void)
{
	static size_t size;

	if (!size)
		size = (size_t)sysconf(_SC_PAGESIZE);
	return size;
}

static inline int pagemap_open(void)
{
	int fd = open("/proc/self/pagemap", O_RDONLY | O_CLOEXEC);

	if (fd < 0)
		err(2, "/proc/self/pagemap");
	return fd;
}

/* Read the entries of n pages from start on; a short read is fatal. */
static inline void pagemap_read(int fd, const void *start, uint64_t *entries, size_t n)
{
	off_t at = (off_t)((uintptr_t)start / page_size() * sizeof(*entries));
	ssize_t want = (ssize_t)(n * sizeof(*entries));

	if (pread(fd, entries, (size_t)want, at) != want)
		err(2, "reading pagemap");
}

static inline int pagemap_present(uint64_t entry)
{
	return (entry & PAGEMAP_PRESENT) != 0;
}

static inline uint64_t pagemap_pfn(uint64_t entry)
{
	return entry & PAGEMAP_PFN;
}

/* 0x and digits, or plain decimal; anything else ends the program. */
static inline uint64_t parse_number(const char *text)
{
	char *end;
	unsigned long long value;

	errno = 0;
	value = strtoull(text, &end, 0);
	if (errno || end == text || *end || *text == '-')
		errx(2, "not a number: %s", text);
	return value;
}

#endif

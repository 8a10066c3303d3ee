// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * kpage - what the kernel says about page frames.
 *
 *	kpage PFN...		"PFN count=N flags=NAME,..." for each; flags=none
 *				where the kernel knows no such frame
 *	kpage --poisoned	all frames with KPF_HWPOISON, then "poisoned N"
 *
 * Exit status 0, or 2 if the kernel cannot be asked.
 */
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "pagemap.h"

#define KPF_HWPOISON (1ULL << 19)
#define CHUNK        8192

/* <linux/kernel-page-flags.h>, public and internal bits, as of Linux 6.1. */
static const char *const flag_names[64] = {
	[0] = "locked",         [1] = "error",          [2] = "referenced",
	[3] = "uptodate",       [4] = "dirty",          [5] = "lru",
	[6] = "active",         [7] = "slab",           [8] = "writeback",
	[9] = "reclaim",        [10] = "buddy",         [11] = "mmap",
	[12] = "anon",          [13] = "swapcache",     [14] = "swapbacked",
	[15] = "compound_head", [16] = "compound_tail", [17] = "huge",
	[18] = "unevictable",   [19] = "hwpoison",      [20] = "nopage",
	[21] = "ksm",           [22] = "thp",           [23] = "offline",
	[24] = "zero_page",     [25] = "idle",          [26] = "pgtable",
	[32] = "reserved",      [33] = "mlocked",       [34] = "mappedtodisk",
	[35] = "private",       [36] = "private_2",     [37] = "owner_private",
	[38] = "arch",          [39] = "uncached",      [40] = "softdirty",
	[41] = "arch_2",
};

static int open_proc(const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);

	if (fd < 0)
		err(2, "%s", path);
	return fd;
}

/* False past the end of what the kernel describes. */
static bool read_word(int fd, uint64_t pfn, uint64_t *word)
{
	ssize_t got;

	if (pfn > (uint64_t)INT64_MAX / sizeof(*word))
		return false;
	got = pread(fd, word, sizeof(*word), (off_t)(pfn * sizeof(*word)));
	if (got < 0)
		err(2, "reading frame 0x%" PRIx64, pfn);
	return got == sizeof(*word);
}

static void print_flags(uint64_t flags)
{
	const char *separator = "";

	for (unsigned int bit = 0; bit < 64; bit++) {
		if (!(flags >> bit & 1))
			continue;
		if (flag_names[bit])
			printf("%s%s", separator, flag_names[bit]);
		else
			printf("%sbit%u", separator, bit);
		separator = ",";
	}
}

static void print_frames(char **pfns)
{
	int flags_fd = open_proc("/proc/kpageflags");
	int count_fd = open_proc("/proc/kpagecount");

	for (; *pfns; pfns++) {
		uint64_t pfn = parse_number(*pfns);
		uint64_t flags, count;

		if (!read_word(flags_fd, pfn, &flags) ||
		    !read_word(count_fd, pfn, &count)) {
			printf("0x%" PRIx64 " count=0 flags=none\n", pfn);
			continue;
		}
		printf("0x%" PRIx64 " count=%" PRIu64 " flags=", pfn, count);
		print_flags(flags);
		putchar('\n');
	}
}

static void print_poisoned(void)
{
	static uint64_t flags[CHUNK];
	int fd = open_proc("/proc/kpageflags");
	uint64_t pfn = 0, poisoned = 0;
	ssize_t got;

	while ((got = read(fd, flags, sizeof(flags))) > 0) {
		size_t n = (size_t)got / sizeof(*flags);

		for (size_t i = 0; i < n; i++) {
			if (!(flags[i] & KPF_HWPOISON))
				continue;
			printf("0x%" PRIx64 "\n", pfn + i);
			poisoned++;
		}
		pfn += n;
	}
	if (got < 0)
		err(2, "/proc/kpageflags");
	printf("poisoned %" PRIu64 "\n", poisoned);
}

int main(int argc, char **argv)
{
	if (argc == 2 && !strcmp(argv[1], "--poisoned")) {
		print_poisoned();
	} else if (argc >= 2 && argv[1][0] != '-') {
		print_frames(argv + 1);
	} else {
		fputs("usage: kpage PFN... | kpage --poisoned\n", stderr);
		return 2;
	}
	return 0;
}

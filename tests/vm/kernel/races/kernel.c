// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The files of /sys and /proc by which the race program talks to the kernel:
 * the soft-offline attribute, frame flags, the pool of 2 MiB pages and the way
 * back from poison. It refuses to know what a race is.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "pagemap.h"
#include "race.h"

#define SOFT_OFFLINE "/sys/devices/system/memory/soft_offline_page"
#define UNPOISON     "/sys/kernel/debug/hwpoison/unpoison-pfn"
#define POOL         "/sys/kernel/mm/hugepages/hugepages-2048kB/nr_hugepages"
#define KPF_HWPOISON (1ULL << 19)

static int open_once(int *fd, const char *path, int flags)
{
	if (*fd < 0)
		*fd = open(path, flags | O_CLOEXEC);
	if (*fd < 0)
		err(2, "%s", path);
	return *fd;
}

static int write_text(int fd, const char *text)
{
	return write(fd, text, strlen(text)) < 0 ? -errno : 0;
}

int soft_offline(uint64_t pfn)
{
	static int fd = -1;
	char text[32];

	snprintf(text, sizeof(text), "0x%" PRIx64, pfn * GUEST_PAGE_SIZE);
	return write_text(open_once(&fd, SOFT_OFFLINE, O_WRONLY), text);
}

bool frame_poisoned(uint64_t pfn)
{
	static int fd = -1;
	uint64_t flags;

	open_once(&fd, "/proc/kpageflags", O_RDONLY);
	if (pread(fd, &flags, sizeof(flags), (off_t)(pfn * sizeof(flags))) !=
	    sizeof(flags))
		err(2, "/proc/kpageflags of frame 0x%" PRIx64, pfn);
	return flags & KPF_HWPOISON;
}

bool frame_unpoison(uint64_t pfn)
{
	static int fd = -1;
	char text[32];

	snprintf(text, sizeof(text), "0x%" PRIx64, pfn);
	return write_text(open_once(&fd, UNPOISON, O_WRONLY), text) == 0;
}

unsigned long pool_size(void)
{
	static int fd = -1;
	char text[32];
	ssize_t got;

	got = pread(open_once(&fd, POOL, O_RDONLY), text, sizeof(text) - 1, 0);
	if (got <= 0)
		err(2, POOL);
	text[got] = '\0';
	return strtoul(text, NULL, 10);
}

unsigned long pool_resize(unsigned long n)
{
	static int fd = -1;
	char text[32];
	int ret;

	snprintf(text, sizeof(text), "%lu", n);
	ret = write_text(open_once(&fd, POOL, O_WRONLY), text);
	if (ret) {
		errno = -ret;
		err(2, POOL);
	}
	return pool_size();
}

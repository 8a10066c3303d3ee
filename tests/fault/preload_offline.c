/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * The kernel that retires a page. It notes each address that is written to
 * soft_offline_page in "attempts", looks into "answers" for what to say, marks the frame
 * in "kpageflags" and counts it in "meminfo", all below $FAULT_OFFLINE and before write()
 * returns, as the kernel does.
 */

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "preload.h"

#define PAGE_SHIFT    12
#define POISON_BIT    19
#define POISONED_WORD "HardwareCorrupted:"

static const char *folder;
static struct stat attribute;

__attribute__((constructor)) static void find_attribute(void)
{
	char path[PATH_MAX];

	folder = getenv("FAULT_OFFLINE");
	if (!folder)
		return;
	(void)snprintf(path, sizeof(path), "%s/memory/soft_offline_page", folder);
	if (stat(path, &attribute) < 0)
		folder = NULL;
}

static int open_below(const char *name, int flags)
{
	char path[PATH_MAX];

	(void)snprintf(path, sizeof(path), "%s/%s", folder, name);
	return open(path, flags | O_CLOEXEC, 0600);
}

static ssize_t read_below(const char *name, char *buf, size_t size)
{
	int fd = open_below(name, O_RDONLY);
	ssize_t n = fd < 0 ? -1 : REAL(pread)(fd, buf, size - 1, 0);

	buf[n < 0 ? 0 : n] = '\0';
	if (fd >= 0)
		close(fd);
	return n;
}

static void rest(long msec)
{
	struct timespec t = { .tv_sec = msec / 1000, .tv_nsec = msec % 1000 * 1000000 };

	(void)nanosleep(&t, NULL);
}

/* An errno, 0 for success: of the page if there is a word for it, else of all. */
static int answer_for(uint64_t pfn)
{
	char name[64], text[64];
	long msec = 0;
	int error = 0;

	(void)snprintf(name, sizeof(name), "answers/%" PRIx64, pfn);
	if (read_below(name, text, sizeof(text)) < 0 &&
	    read_below("answers/all", text, sizeof(text)) < 0)
		return 0;
	if (sscanf(text, "%d %ld", &error, &msec) == 2)
		rest(msec);
	return error;
}

static bool poison(uint64_t pfn)
{
	int fd = open_below("kpageflags", O_RDWR);
	const off_t at = (off_t)(pfn * sizeof(uint64_t));
	uint64_t word = 0;
	bool done = false;

	if (fd < 0)
		return false;
	if (REAL(pread)(fd, &word, sizeof(word), at) == sizeof(word) &&
	    !(word >> POISON_BIT & 1)) {
		word |= UINT64_C(1) << POISON_BIT;
		done = REAL(pwrite)(fd, &word, sizeof(word), at) == sizeof(word);
	}
	close(fd);
	return done;
}

/* In place and with the same width: a reader never sees half a file. */
static void count_poisoned(void)
{
	char text[1024], number[16];
	unsigned long kib;
	const char *at;
	int fd;

	if (read_below("meminfo", text, sizeof(text)) < 0)
		return;
	at = strstr(text, POISONED_WORD);
	if (!at || sscanf(at, POISONED_WORD " %lu", &kib) != 1)
		return;
	(void)snprintf(number, sizeof(number), "%8lu", kib + 4);
	fd = open_below("meminfo", O_WRONLY);
	(void)!REAL(pwrite)(fd, number, 8, at - text + (off_t)sizeof(POISONED_WORD));
	close(fd);
}

static void note(uint64_t address, int error)
{
	struct timespec t;
	char line[96];
	int fd = open_below("attempts", O_WRONLY | O_APPEND);
	int n;

	(void)clock_gettime(CLOCK_BOOTTIME, &t);
	n = snprintf(line, sizeof(line), "%lld%09ld 0x%" PRIx64 " %d\n",
		     (long long)t.tv_sec, t.tv_nsec, address, error);
	(void)!REAL(write)(fd, line, (size_t)n);
	close(fd);
}

bool preload_offline(int fd, const void *buf, size_t len, ssize_t *ret)
{
	uint64_t address;
	char text[64] = "";
	struct stat st;
	int error;

	if (!folder || fstat(fd, &st) < 0 || st.st_dev != attribute.st_dev ||
	    st.st_ino != attribute.st_ino)
		return false;
	memcpy(text, buf, len < sizeof(text) ? len : sizeof(text) - 1);
	address = strtoull(text, NULL, 16);
	error = answer_for(address >> PAGE_SHIFT);
	note(address, error);
	preload_record_attempt(address);
	if (error == 0 && poison(address >> PAGE_SHIFT))
		count_poisoned();
	/* The real file changes as well: others listen to that. */
	*ret = REAL(pwrite)(fd, buf, len, 0);
	if (error) {
		errno = error;
		*ret = -1;
	}
	return true;
}

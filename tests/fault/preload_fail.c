/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * The disk that fails. When is in a file that the test has mapped as well, so that it may
 * change its mind while the daemon runs and count what it does. It touches no file.
 */

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "preload.h"

/* As disk.py has it. */
struct control {
	uint32_t calls;  /* bits of enum disk_call that may fail; 0: none does */
	int32_t error;   /* errno */
	uint64_t nth;    /* the first of them that does, from 1 on; 0: see @one_in */
	uint64_t times;  /* number of failures; 0: all from there on */
	uint32_t one_in; /* fails one in this number, by chance */
	uint32_t seed;
	uint32_t half; /* writes are cut short instead */
	uint32_t unused;
	uint64_t seen; /* calls that might have failed */
	uint64_t failed;
	uint64_t count[DISK_CALL_MAX_]; /* all calls, by kind */
};

static struct control *control;
static const char *folder;
static size_t folder_len;

__attribute__((constructor)) static void find_control(void)
{
	const char *path = getenv("FAULT_CONTROL");
	int fd;

	folder = getenv("FAULT_FOLDER");
	folder_len = folder ? strlen(folder) : 0;
	if (!path)
		return;
	fd = open(path, O_RDWR | O_CLOEXEC);
	if (fd < 0)
		abort();
	control = mmap(NULL, sizeof(*control), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	close(fd);
	if (control == MAP_FAILED)
		abort();
}

bool preload_on_disk(const char *path)
{
	return folder && strncmp(path, folder, folder_len) == 0 &&
	       (path[folder_len] == '/' || path[folder_len] == '\0');
}

/* The finalizer of SplitMix64: near numbers become far ones. */
static uint64_t scatter(uint64_t x)
{
	x = (x ^ x >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
	x = (x ^ x >> 27) * UINT64_C(0x94d049bb133111eb);
	return x ^ x >> 31;
}

static bool is_due(uint64_t n)
{
	if (control->nth)
		return n >= control->nth &&
		       (!control->times || n < control->nth + control->times);
	if (!control->one_in || (control->times && control->failed >= control->times))
		return false;
	return scatter(((uint64_t)control->seed << 32) + n) % control->one_in == 0;
}

int preload_fail(enum disk_call call)
{
	uint64_t n;

	if (!control)
		return 0;
	(void)__atomic_add_fetch(&control->count[call], 1, __ATOMIC_RELAXED);
	if (!(control->calls >> call & 1))
		return 0;
	n = __atomic_add_fetch(&control->seen, 1, __ATOMIC_RELAXED);
	if (!is_due(n))
		return 0;
	(void)__atomic_add_fetch(&control->failed, 1, __ATOMIC_RELAXED);
	return control->half && call == DISK_WRITE ? -1 : control->error;
}

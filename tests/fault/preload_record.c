/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * The record of what reached the disk and the kernel, in order, appended to
 * $FAULT_RECORD: a head, the names, the bytes. crash.py reads it. It judges nothing.
 */

#include <fcntl.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

#include "preload.h"

#define ATTEMPT 100 /* beside enum disk_call */

/* As crash.py has it. */
struct head {
	uint32_t what;
	uint16_t path_len;
	uint16_t to_len;
	uint64_t time_ns; /* CLOCK_BOOTTIME, once done */
	uint64_t n;       /* where it was written; the new size; the address */
	uint64_t len;     /* bytes that follow the names */
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static int record = -1;

__attribute__((constructor)) static void open_record(void)
{
	const char *path = getenv("FAULT_RECORD");

	if (!path)
		return;
	record = open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0600);
	if (record < 0)
		abort();
}

void preload_record_begin(void)
{
	if (record >= 0)
		(void)pthread_mutex_lock(&lock);
}

void preload_record_end(void)
{
	if (record >= 0)
		(void)pthread_mutex_unlock(&lock);
}

static void append(struct head h, const char *path, const char *to, const void *data)
{
	struct timespec t;
	struct iovec iov[4];

	if (record < 0)
		return;
	(void)clock_gettime(CLOCK_BOOTTIME, &t);
	h.time_ns = (uint64_t)t.tv_sec * 1000000000 + (uint64_t)t.tv_nsec;
	h.path_len = (uint16_t)strlen(path);
	h.to_len = (uint16_t)strlen(to);
	iov[0] = (struct iovec){ &h, sizeof(h) };
	iov[1] = (struct iovec){ (void *)(uintptr_t)path, h.path_len };
	iov[2] = (struct iovec){ (void *)(uintptr_t)to, h.to_len };
	iov[3] = (struct iovec){ (void *)(uintptr_t)data, h.len };
	/* Half a record would be taken for a whole one. */
	if (writev(record, iov, 4) !=
	    (ssize_t)(sizeof(h) + h.path_len + h.to_len + h.len))
		abort();
}

void preload_record_write(const char *path, const void *data, size_t len, uint64_t at)
{
	append((struct head){ .what = DISK_WRITE, .n = at, .len = len }, path, "", data);
}

void preload_record(enum disk_call call, const char *path, const char *to, uint64_t n)
{
	append((struct head){ .what = call, .n = n }, path, to ? to : "", "");
}

void preload_record_attempt(uint64_t address)
{
	preload_record_begin();
	append((struct head){ .what = ATTEMPT, .n = address }, "", "", "");
	preload_record_end();
}

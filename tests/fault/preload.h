/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * The library that is preloaded into the daemon. preload.c hides the C library's names;
 * each of the other files stands in for one thing that cannot be had on a host: a kernel
 * that retires pages (preload_offline.c), a disk that fails (preload_fail.c), a machine
 * whose power is cut (preload_record.c: what was written, in which order).
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/* The function of the C library that a name here hides. */
#define REAL(name)                                                                       \
	({                                                                               \
		static __typeof__(&(name)) real_;                                        \
		if (!real_)                                                              \
			real_ = (__typeof__(real_))preload_find(#name);                  \
		real_;                                                                   \
	})

/** The next function of this name; ends the process without one. */
void *preload_find(const char *name);

/** What a disk does, as disk.py numbers it. */
enum disk_call {
	DISK_READ,
	DISK_WRITE,
	DISK_SYNC,
	DISK_RENAME,
	DISK_OPEN,
	DISK_TRUNCATE,
	DISK_UNLINK,
	DISK_CALL_MAX_,
};

/**
 * A write to soft_offline_page, if it is one: the address is noted with its time, and the
 * answer is what the test wants, "offlined" by default.
 *
 * Returns false if @fd is another file; else *@ret is what write() is to return, with
 * errno.
 */
bool preload_offline(int fd, const void *buf, size_t len, ssize_t *ret);

/** Whether @path is below $FAULT_FOLDER, whose files are on the disk that fails. */
bool preload_on_disk(const char *path);

/**
 * Counts a call that reaches the disk. Returns 0: it is to succeed; an errno: it is to
 * fail with it; -1: half of what is written is to be written.
 */
int preload_fail(enum disk_call call);

/*
 * The record. What is noted has happened; preload_record_begin() to _end() is one step
 * that no other thread's comes into. Without $FAULT_RECORD they do nothing.
 */
void preload_record_begin(void);
void preload_record_end(void);
void preload_record_write(const char *path, const void *data, size_t len, uint64_t at);
/** @to: the new name, or NULL. */
void preload_record(enum disk_call call, const char *path, const char *to, uint64_t n);
void preload_record_attempt(uint64_t address);

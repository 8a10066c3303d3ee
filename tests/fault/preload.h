/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * The library that is preloaded into the daemon. Each file stands in for one outside
 * thing that cannot be had on a host: a kernel that retires pages (preload_offline.c).
 */

#include <stdbool.h>
#include <stddef.h>
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

/**
 * A write to soft_offline_page, if it is one: the address is noted with its time, and the
 * answer is what the test wants, "offlined" by default.
 *
 * Returns false if @fd is another file; else *@ret is what write() is to return, with
 * errno.
 */
bool preload_offline(int fd, const void *buf, size_t len, ssize_t *ret);

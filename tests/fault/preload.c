/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * The names that are hidden. Each asks those that stand in for something whether the call
 * is theirs, and is the C library's otherwise.
 */

/* Else pwrite() would be pwrite64(), and both are to be hidden. */
#undef _FILE_OFFSET_BITS

#include "preload.h"

#include <stdint.h>
#include <unistd.h>

ssize_t write(int fd, const void *buf, size_t len)
{
	ssize_t r;

	return preload_offline(fd, buf, len, &r) ? r : REAL(write)(fd, buf, len);
}

ssize_t pwrite(int fd, const void *buf, size_t len, off_t at)
{
	ssize_t r;

	return preload_offline(fd, buf, len, &r) ? r : REAL(pwrite)(fd, buf, len, at);
}

ssize_t pwrite64(int fd, const void *buf, size_t len, off64_t at)
{
	ssize_t r;

	return preload_offline(fd, buf, len, &r) ? r : REAL(pwrite64)(fd, buf, len, at);
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/* Unpacks a gzip file in memory: the kernel's configuration in /proc/config.gz is one. */

#include <stddef.h>
#include <sys/types.h>

/**
 * Unpacks the @len bytes at @in into @out of @size bytes. Returns the length; -EINVAL if
 * it is no such file, or a broken one; -EFBIG if @out is too small; -ENOMEM.
 */
ssize_t gunzip(const char *in, size_t len, char *out, size_t size);

/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * Unpacks a gzip file (RFC 1952) whose contents are deflated (RFC 1951): the kernel's
 * configuration in /proc/config.gz is one. For small files of the kernel: the checksum at
 * the end is not looked at.
 */

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/**
 * Unpacks the @len bytes at @in into @out of @size bytes. Returns the length; -EINVAL if
 * it is no such file, or a broken one; -EFBIG if @out is too small.
 */
ssize_t inflate_gzip(const uint8_t *in, size_t len, uint8_t *out, size_t size);

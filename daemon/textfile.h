/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * Writes a file so that a reader sees the old or the new contents and nothing between, as
 * node_exporter's textfile collector needs it.
 */

#include <stddef.h>

/**
 * Replaces @path with @len bytes of @text, mode 0644, by way of a temporary file in the
 * same folder whose name does not end as @path does. The folder is never made. Returns 0
 * or negative errno; the old file then stays.
 */
int textfile_write(const char *path, const char *text, size_t len);

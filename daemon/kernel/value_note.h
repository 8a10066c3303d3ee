/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * A note of the value that a setting of the kernel had before we changed it: one line of
 * a small file, "BOOT-ID FORMER SET". It survives a crash of this process. A reboot voids
 * it, because the kernel then starts with its own value.
 */

#include <stddef.h>
#include <stdint.h>

/**
 * Writes the note, completely or not at all, readable by root only. Returns 0; -ENODATA
 * if @boot_id is "": such a note would be wrong in the next boot; other negative errno.
 */
int value_note_write(const char *path, const char *boot_id, int64_t former, int64_t set);

/**
 * Reads the note. Returns 1 and *ret_former, *ret_set; 0 if there is none, or if it is of
 * another boot or no such line; negative errno if the file cannot be read.
 */
int value_note_read(const char *path, const char *boot_id, int64_t *ret_former,
		    int64_t *ret_set);

/**
 * Writes @len bytes of @text to @path with @mode, completely or not at all: by a new file
 * "@path.new" that takes its place. Returns 0 or negative errno.
 */
int value_note_replace(const char *path, const char *text, size_t len, unsigned int mode);

/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * Small files, read as a whole: what the kernel shows in /proc, /sys and tracefs, and
 * notes of our own; and switches of the kernel, which are files with one number. The one
 * place that knows about short reads, interrupted reads and files that do not show their
 * size.
 */

#include <stdint.h>
#include <sys/types.h>

/**
 * Writes "@root@path" to @ret. @root is a folder without "/" at its end, "" for the real
 * root; @path begins with "/". Returns 0; -ENAMETOOLONG, and @ret is not to be used.
 */
int small_file_path(char *ret, size_t size, const char *root, const char *path);

/**
 * Reads the file at @path, which is relative to the folder @at (or AT_FDCWD), to its end
 * into @buf and terminates the text. @size, at least 1, is that of @buf.
 *
 * Returns the length without the terminator; the text may hold NUL bytes. -EFBIG if the
 * file has @size bytes or more: @buf then holds its first @size - 1 bytes, terminated,
 * which is enough for a caller that needs only the beginning. Another negative errno if
 * the file could not be opened or read to its end: @buf is "" then, never a part.
 */
ssize_t small_file_read(int at, const char *path, char *buf, size_t size);

/** The same for "@root@path"; also -ENAMETOOLONG. */
ssize_t small_file_read_below(const char *root, const char *path, char *buf, size_t size);

/**
 * The same for an open file, from its beginning, wherever its position is. A file of
 * /proc that stays open gets a new text for each such reading (fs/seq_file.c, 6.1). A file
 * that has no positions, like most numbers in debugfs (simple_attr_open() in fs/libfs.c,
 * 6.1), can be read once after it was opened.
 */
ssize_t small_file_read_open(int fd, char *buf, size_t size);

/**
 * Reads the open file @fd from its beginning to its end into memory of its own, for texts
 * of unknown size, of at most @max bytes.
 *
 * Returns the length and *ret, terminated, to be freed by the caller; -EFBIG if the file
 * is longer; -ENOMEM; another negative errno. *ret is set only on success.
 */
ssize_t small_file_load(int fd, size_t max, char **ret);

/**
 * Reads the decimal number with which "@root@path" begins.
 *
 * Returns 0 and *ret; -EBADMSG if the file begins with no number, or with one of more than
 * nine characters; another negative errno as small_file_read_below(). *ret is set only on
 * success.
 */
int small_file_read_number(const char *root, const char *path, int64_t *ret);

/**
 * Writes @value and a newline to "@root@path", which must be there, by one write(2): a
 * switch of the kernel takes a number only as a whole.
 *
 * Returns 0; -ENAMETOOLONG; or a negative errno, which may be the kernel's answer to the
 * number.
 */
int small_file_write_number(const char *root, const char *path, int64_t value);

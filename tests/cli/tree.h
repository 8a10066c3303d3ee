/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * Made-up root folders for tests: a machine's /proc, /sys and /etc, as far as a test
 * needs them, written as text with one file a line:
 *
 *   # comment
 *   /proc/sys/kernel/osrelease: 6.1.0      a file; "\n" stands for a newline, and one is
 *                                          put at the end of contents that are not empty
 *   /sys/kernel/tracing/:                  a folder
 *   /sys/bus/x -> ../devices/x             a symbolic link
 *   - /sys/module/x                        takes away what an earlier line made
 */

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <limits.h>
#include <string.h>
#include <sys/stat.h>

#include "base/mem.h"

/** Makes a new folder below $TMPDIR or /tmp, mode 0755; its path goes to @ret. 0 or
 * negative errno. */
static inline int tree_make(char *ret, size_t size)
{
	const char *tmp = getenv("TMPDIR");
	int n = snprintf(ret, size, "%s/softofflined-test.XXXXXX", tmp ? tmp : "/tmp");

	if (n < 0 || (size_t)n >= size)
		return -ENAMETOOLONG;
	if (!mkdtemp(ret) || chmod(ret, 0755) < 0)
		return -errno;
	return 0;
}

/** Makes every folder on the way to @path. */
static inline int tree_make_parents(char *path)
{
	for (char *p = strchr(path + 1, '/'); p; p = strchr(p + 1, '/')) {
		*p = '\0';
		if (mkdir(path, 0755) < 0 && errno != EEXIST)
			return -errno;
		*p = '/';
	}
	return 0;
}

static inline int tree_write_file(const char *path, const char *text)
{
	_cleanup_(fclose_p) FILE *f = fopen(path, "we");

	if (!f)
		return -errno;
	for (const char *p = text; *p; p++) {
		if (p[0] == '\\' && p[1] == 'n') {
			fputc('\n', f);
			p++;
		} else {
			fputc(*p, f);
		}
	}
	if (*text)
		fputc('\n', f);
	return ferror(f) ? -EIO : 0;
}

static inline int tree_remove_one(const char *path, const struct stat *st, int type,
				  struct FTW *ftw)
{
	return remove(path);
}

/** Removes the whole folder. 0 or negative errno. */
static inline int tree_remove(const char *root)
{
	return nftw(root, tree_remove_one, 16, FTW_DEPTH | FTW_PHYS) < 0 ? -errno : 0;
}

/** Adds or replaces what one @line says, parent folders included. 0 or negative errno. */
static inline int tree_add_line(const char *root, const char *line)
{
	_cleanup_(free_p) char *copy = strdup(line);
	char path[PATH_MAX];
	char *arrow, *colon;
	int r;

	if (!copy)
		return -ENOMEM;
	if (strncmp(copy, "- /", 3) == 0) {
		r = snprintf(path, sizeof(path), "%s%s", root, copy + 2);
		return r > 0 && (size_t)r < sizeof(path) ? tree_remove(path)
							 : -ENAMETOOLONG;
	}
	if (copy[0] != '/')
		return copy[0] == '#' || copy[0] == '\0' ? 0 : -EINVAL;
	arrow = strstr(copy, " -> ");
	colon = strstr(copy, ": ");
	if (arrow && (!colon || arrow < colon))
		*arrow = '\0';
	else if (colon)
		*colon = '\0', arrow = NULL;
	else if (copy[strlen(copy) - 1] == ':')
		copy[strlen(copy) - 1] = '\0';
	r = snprintf(path, sizeof(path), "%s%s", root, copy);
	if (r < 0 || (size_t)r >= sizeof(path))
		return -ENAMETOOLONG;
	r = tree_make_parents(path);
	if (r < 0 || path[strlen(path) - 1] == '/')
		return r;
	if (arrow)
		return symlink(arrow + 4, path) < 0 ? -errno : 0;
	return tree_write_file(path, colon ? colon + 2 : "");
}

/** Adds all lines of the file @path. 0 or negative errno. */
static inline int tree_add_file(const char *root, const char *path)
{
	_cleanup_(fclose_p) FILE *f = fopen(path, "re");
	_cleanup_(free_p) char *line = NULL;
	size_t size = 0;
	ssize_t n;

	if (!f)
		return -errno;
	while ((n = getline(&line, &size, f)) >= 0) {
		int r;

		if (n > 0 && line[n - 1] == '\n')
			line[n - 1] = '\0';
		r = tree_add_line(root, line);
		if (r < 0)
			return r;
	}
	return 0;
}

/** Contents of @path below @root, terminated. Returns the length or negative errno. */
static inline int tree_read(const char *root, const char *path, char *ret, size_t size)
{
	_cleanup_(close_p) int fd = -1;
	char full[PATH_MAX];
	ssize_t n;

	n = snprintf(full, sizeof(full), "%s%s", root, path);
	if (n < 0 || (size_t)n >= sizeof(full))
		return -ENAMETOOLONG;
	fd = open(full, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	n = read(fd, ret, size - 1);
	if (n < 0)
		return -errno;
	ret[n] = '\0';
	return (int)n;
}

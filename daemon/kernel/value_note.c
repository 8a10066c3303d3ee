/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * A note of the value that a setting of the kernel had. This file does not know which
 * setting it is.
 */

#include "kernel/value_note.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "base/mem.h"

#define NEW_SUFFIX ".new"

int value_note_replace(const char *path, const char *text, size_t len, unsigned int mode)
{
	_cleanup_(close_p) int fd = -1;
	char new[PATH_MAX + sizeof(NEW_SUFFIX)];

	snprintf(new, sizeof(new), "%s" NEW_SUFFIX, path);
	if (unlink(new) < 0 && errno != ENOENT)
		return -errno;
	fd = open(new, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (fd < 0 || fchmod(fd, mode) < 0)
		return -errno;
	if (write(fd, text, len) != (ssize_t)len || rename(new, path) < 0) {
		(void)unlink(new);
		return -EIO;
	}
	return 0;
}

int value_note_write(const char *path, const char *boot_id, int64_t former, int64_t set)
{
	char text[128];
	int len;

	if (boot_id[0] == '\0')
		return -ENODATA;
	len = snprintf(text, sizeof(text), "%s %" PRId64 " %" PRId64 "\n", boot_id,
		       former, set);
	return value_note_replace(path, text, (size_t)len, 0600);
}

int value_note_read(const char *path, const char *boot_id, int64_t *ret_former,
		    int64_t *ret_set)
{
	_cleanup_(fclose_p) FILE *f = fopen(path, "re");
	int64_t former, set;
	char boot[64];

	if (!f)
		return errno == ENOENT || errno == ENOTDIR ? 0 : -errno;
	errno = 0;
	if (fscanf(f, "%63s %9" SCNd64 " %9" SCNd64, boot, &former, &set) != 3)
		return ferror(f) ? (errno ? -errno : -EIO) : 0;
	if (boot_id[0] == '\0' || strcmp(boot, boot_id) != 0)
		return 0;
	*ret_former = former;
	*ret_set = set;
	return 1;
}

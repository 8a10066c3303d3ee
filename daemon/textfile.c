/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * Replaces a small text file in one step. It does not know what the text says, and makes
 * no folder: a folder that is missing means that nobody collects.
 */

#include "textfile.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <string.h>
#include <sys/stat.h>

#include "mem.h"

static int write_all(int fd, const char *text, size_t len)
{
	while (len > 0) {
		ssize_t n = write(fd, text, len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		text += n;
		len -= (size_t)n;
	}
	return 0;
}

/* Not synced to disk: after a power cut the numbers are worthless anyway, and a slow disk
 * must not hold up the caller. */
static int write_new(const char *path, const char *text, size_t len)
{
	_cleanup_(close_p) int fd = -1;
	int r;

	fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (fd < 0)
		return -errno;
	r = write_all(fd, text, len);
	if (r < 0)
		return r;
	/* the caller's umask is for its secrets, the collector is another user */
	if (fchmod(fd, 0644) < 0)
		return -errno;
	return close(TAKE_FD(fd)) < 0 ? -errno : 0;
}

static bool ends_with(const char *s, const char *end)
{
	size_t n = strlen(s), m = strlen(end);

	return n >= m && strcmp(s + n - m, end) == 0;
}

int textfile_write(const char *path, const char *text, size_t len)
{
	const char *suffix = ends_with(path, ".new") ? ".tmp" : ".new";
	char temporary[PATH_MAX];
	int r;

	r = snprintf(temporary, sizeof(temporary), "%s%s", path, suffix);
	if (r < 0 || (size_t)r >= sizeof(temporary))
		return -ENAMETOOLONG;

	/* one fixed name: what a killed writer left is replaced, not piled up */
	if (unlink(temporary) < 0 && errno != ENOENT)
		return -errno;
	r = write_new(temporary, text, len);
	if (r == 0 && rename(temporary, path) < 0)
		r = -errno;
	if (r < 0)
		(void)unlink(temporary);
	return r;
}

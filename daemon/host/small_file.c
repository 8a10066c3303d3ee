/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * Reads small files to their end, and writes a number to one. It does not know what the
 * text or the number means, and keeps nothing.
 */

#include "host/small_file.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <unistd.h>

#include "base/mem.h"

#define FIRST_ROOM 4096

int small_file_path(char *ret, size_t size, const char *root, const char *path)
{
	int n = snprintf(ret, size, "%s%s", root, path);

	return n < 0 || (size_t)n >= size ? -ENAMETOOLONG : 0;
}

/* Up to @size bytes from offset @from on: fewer only at the end of the file. */
static ssize_t small_file_fill(int fd, char *buf, size_t size, size_t from)
{
	size_t used = 0;

	while (used < size) {
		ssize_t n = pread(fd, buf + used, size - used, (off_t)(from + used));

		/* Many files of debugfs are like a pipe: read from where they stand. */
		if (n < 0 && errno == ESPIPE)
			n = read(fd, buf + used, size - used);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		if (n == 0)
			break;
		used += (size_t)n;
	}
	return (ssize_t)used;
}

ssize_t small_file_read_open(int fd, char *buf, size_t size)
{
	ssize_t n = small_file_fill(fd, buf, size, 0);
	bool longer = n == (ssize_t)size;

	if (longer)
		n--;
	buf[n < 0 ? 0 : n] = '\0';
	return longer ? -EFBIG : n;
}

ssize_t small_file_read(int at, const char *path, char *buf, size_t size)
{
	_cleanup_(close_p) int fd = openat(at, path, O_RDONLY | O_CLOEXEC);

	if (fd < 0) {
		buf[0] = '\0';
		return -errno;
	}
	return small_file_read_open(fd, buf, size);
}

ssize_t small_file_read_below(const char *root, const char *path, char *buf, size_t size)
{
	char full[PATH_MAX];
	int r = small_file_path(full, sizeof(full), root, path);

	if (r < 0) {
		buf[0] = '\0';
		return r;
	}
	return small_file_read(AT_FDCWD, full, buf, size);
}

ssize_t small_file_load(int fd, size_t max, char **ret)
{
	_cleanup_(free_p) char *text = NULL;
	size_t used = 0, room = 0;
	ssize_t n;

	do {
		char *bigger;

		room = room ? room * 2 : FIRST_ROOM;
		if (room > max + 1)
			room = max + 1;
		bigger = realloc(text, room);
		if (!bigger)
			return -ENOMEM;
		text = bigger;
		n = small_file_fill(fd, text + used, room - used, used);
		if (n < 0)
			return n;
		used += (size_t)n;
	} while (used == room && room <= max);
	if (used > max)
		return -EFBIG;
	text[used] = '\0';
	*ret = TAKE_PTR(text);
	return (ssize_t)used;
}

int small_file_read_number(const char *root, const char *path, int64_t *ret)
{
	char text[32];
	ssize_t n = small_file_read_below(root, path, text, sizeof(text));
	int64_t value;
	int used;

	if (n < 0)
		return (int)n;
	if (sscanf(text, "%9" SCNd64 "%n", &value, &used) != 1 ||
	    (text[used] >= '0' && text[used] <= '9'))
		return -EBADMSG;
	*ret = value;
	return 0;
}

int small_file_write_number(const char *root, const char *path, int64_t value)
{
	_cleanup_(close_p) int fd = -1;
	char full[PATH_MAX], text[24];
	int len, r = small_file_path(full, sizeof(full), root, path);

	if (r < 0)
		return r;
	fd = open(full, O_WRONLY | O_TRUNC | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	len = snprintf(text, sizeof(text), "%" PRId64 "\n", value);
	return write(fd, text, (size_t)len) < 0 ? -errno : 0;
}

/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * The folder of --record: format texts once, then page after page. It reads no page, and a
 * failure of the disk ends the recording and nothing else.
 */

#include "trace/trace_record.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#include "base/mem.h"

/** A frame of DIR/pages: this header, then @size bytes as read(); in the host's byte
 * order. */
struct record_head {
	uint16_t cpu;
	uint16_t zero;
	uint32_t size;
};

static int record_write_text(int dir, const char *name, const char *text)
{
	_cleanup_(close_p) int fd = -1;
	size_t len = strlen(text);
	ssize_t n;

	fd = openat(dir, name, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	if (fd < 0)
		return -errno;
	n = write(fd, text, len);
	if (n < 0)
		return -errno;
	return (size_t)n == len ? 0 : -EIO;
}

int trace_record_open(struct trace_record *r, const char *path,
		      const struct trace_instance *in)
{
	_cleanup_(close_p) int dir = -1;
	_cleanup_(close_p) int fd = -1;
	int e;

	if (mkdir(path, 0700) < 0 && errno != EEXIST)
		return -errno;
	dir = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (dir < 0)
		return -errno;
	/* Never over an older recording: its pages need their own format texts. */
	fd = openat(dir, "pages", O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (fd < 0)
		return -errno;
	e = record_write_text(dir, "header_page", in->header_page);
	if (e < 0)
		return e;
	for (size_t i = 0; i < EVENT_SOURCE_MAX_; i++) {
		char name[64];

		if (!in->sources[i].format)
			continue;
		snprintf(name, sizeof(name), "%s.format", event_sources[i].event);
		e = record_write_text(dir, name, in->sources[i].format);
		if (e < 0)
			return e;
	}
	r->fd = TAKE_FD(fd);
	return 0;
}

void trace_record_put(struct trace_record *r, uint16_t cpu, const void *page, size_t size)
{
	struct record_head head = { .cpu = cpu, .size = (uint32_t)size };
	struct iovec iov[] = {
		{ .iov_base = &head, .iov_len = sizeof(head) },
		{ .iov_base = (void *)(uintptr_t)page, .iov_len = size },
	};
	off_t start;
	ssize_t n;

	if (r->fd < 0)
		return;
	start = lseek(r->fd, 0, SEEK_CUR);
	n = writev(r->fd, iov, ARRAY_SIZE(iov));
	if (n == (ssize_t)(sizeof(head) + size))
		return;
	r->error = n < 0 ? -errno : -ENOSPC;
	/* Half a frame would make the file unreadable. */
	if (start >= 0 && ftruncate(r->fd, start) < 0)
		r->error = -errno;
	close(TAKE_FD(r->fd));
}

void trace_record_close(struct trace_record *r)
{
	close_p(&r->fd);
}

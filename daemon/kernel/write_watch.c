/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * An inotify watch on the folder of the two attributes. It knows that a program wrote,
 * not which program and not what.
 */

#include "kernel/write_watch.h"

#include <errno.h>
#include <limits.h>
#include <string.h>
#include <sys/inotify.h>

#include "base/mem.h"

#define FOLDER "/sys/devices/system/memory"

struct write_watch {
	int fd;
};

int write_watch_new(struct write_watch **ret, const char *root)
{
	int fd _cleanup_(close_p) = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
	_cleanup_(free_p) struct write_watch *w = calloc(1, sizeof(*w));
	char path[PATH_MAX];

	if (fd < 0)
		return -errno;
	if (!w)
		return -ENOMEM;
	if ((size_t)snprintf(path, sizeof(path), "%s" FOLDER, root) >= sizeof(path))
		return -ENAMETOOLONG;
	if (inotify_add_watch(fd, path, IN_MODIFY) < 0)
		return -errno;
	w->fd = TAKE_FD(fd);
	*ret = TAKE_PTR(w);
	return 0;
}

struct write_watch *write_watch_free(struct write_watch *w)
{
	if (w) {
		close(w->fd);
		free(w);
	}
	return NULL;
}

int write_watch_fd(const struct write_watch *w)
{
	return w->fd;
}

/* A queue that ran over may have held a write. If it held none, one attribution is
 * lost. */
static bool is_write(const struct inotify_event *e)
{
	if (e->mask & IN_Q_OVERFLOW)
		return true;
	return e->len > 0 && (strcmp(e->name, "soft_offline_page") == 0 ||
			      strcmp(e->name, "hard_offline_page") == 0);
}

bool write_watch_take(struct write_watch *w)
{
	char buf[4096] __attribute__((aligned(__alignof__(struct inotify_event))));
	bool seen = false;
	ssize_t n;

	while ((n = read(w->fd, buf, sizeof(buf))) > 0) {
		for (char *at = buf; at < buf + n;) {
			const struct inotify_event *e = (const void *)at;

			seen = is_write(e) || seen;
			at += sizeof(*e) + e->len;
		}
	}
	return seen;
}

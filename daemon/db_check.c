/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * The thread that looks at the whole file while the daemon is at work already. It only
 * reads, by a connection of its own, and says what it found; what becomes of a damaged
 * file is not its business.
 */

#include <errno.h>
#include <string.h>
#include <sys/eventfd.h>

#include "db_internal.h"
#include "thread.h"

struct db_check {
	pthread_t thread;
	bool running;
	char *path;
	int fd;
	int result; /* the thread's, until @fd is readable */
	atomic_bool stop;
};

DEFINE_CLEANUP(struct db_check *, db_check_stop)

static void *check_main(void *arg)
{
	struct db_check *c = arg;

	c->result = db_check_file(c->path, &c->stop);
	(void)eventfd_write(c->fd, 1);
	return NULL;
}

static int start_thread(struct db_check *c)
{
	int r = thread_start(&c->thread, "check-db", 0, check_main, c);

	c->running = r >= 0;
	return r;
}

int db_check_start(struct db_check **ret, const char *path)
{
	_cleanup_(db_check_stop_p) struct db_check *c = calloc(1, sizeof(*c));
	int r;

	if (!c)
		return -ENOMEM;
	c->fd = eventfd(0, EFD_CLOEXEC);
	if (c->fd < 0)
		return -errno;
	c->path = strdup(path);
	if (!c->path)
		return -ENOMEM;
	r = start_thread(c);
	if (r < 0)
		return r;
	*ret = TAKE_PTR(c);
	return 0;
}

int db_check_fd(const struct db_check *c)
{
	return c->fd;
}

int db_check_result(const struct db_check *c)
{
	return c->result;
}

struct db_check *db_check_stop(struct db_check *c)
{
	if (!c)
		return NULL;
	atomic_store(&c->stop, true);
	if (c->running)
		pthread_join(c->thread, NULL);
	close_p(&c->fd);
	free(c->path);
	free(c);
	return NULL;
}

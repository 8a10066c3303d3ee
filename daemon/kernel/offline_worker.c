/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * The thread that waits for the kernel, so that no other thread has to. It carries
 * requests to an offline_driver and answers back, whole structs in single packets, and
 * does not look into a request or an answer.
 */

#include "kernel/offline_worker.h"

#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/socket.h>

#include "base/mem.h"
#include "host/thread.h"

#define CHANNEL_BYTES (MAX_ATTEMPTS * 2048)

/* The initial PID namespace: PROC_PID_INIT_INO (include/linux/proc_ns.h). */
#define INITIAL_PIDS "pid:[4026531836]"

/* What is sent in one packet; only the used part is sent. */
struct group {
	unsigned int recalls; /* how often was called off before the hand-over */
	unsigned int n;
	struct offline_request requests[OFFLINE_WORKER_GROUP];
};

struct offline_worker {
	const struct offline_driver *driver;
	struct sysfs_offline *ctx; /* only the thread touches it, once the thread runs */
	pthread_t thread;
	_Atomic(pid_t) tid; /* 0: the thread has not begun */
	bool running;
	atomic_bool ending; /* begin no more attempts */
	atomic_uint recalls;
	unsigned int n_busy; /* handed over, answer not collected yet */
	int main_fd;         /* does not block */
	int thread_fd;       /* blocks */
};

DEFINE_CLEANUP(struct offline_worker *, offline_worker_stop)

static size_t group_size(const struct group *g)
{
	return offsetof(struct group, requests) + g->n * sizeof(g->requests[0]);
}

/* False at the end. *ret_waited: the thread had to wait, because the line was empty. */
static bool worker_next_group(const struct offline_worker *w, struct group *ret,
			      bool *ret_waited)
{
	ssize_t n = recv(w->thread_fd, ret, sizeof(*ret), MSG_DONTWAIT);

	*ret_waited = n < 0;
	if (n < 0)
		n = recv(w->thread_fd, ret, sizeof(*ret), 0);
	return n >= (ssize_t)offsetof(struct group, requests) &&
	       n == (ssize_t)group_size(ret);
}

/* False if the thread must end. *follows: see struct offline_driver. */
static bool worker_serve(struct offline_worker *w, const struct group *g,
			 const struct offline_request *request, bool *follows)
{
	struct offline_done done;

	if (atomic_load(&w->ending))
		return false;
	memset(&done, 0, sizeof(done));
	done.id = request->id;
	done.pfn = request->pfn;
	done.answer.called_off = g->recalls != atomic_load(&w->recalls);
	if (!done.answer.called_off) {
		w->driver->offline(w->ctx, request->pfn, &request->rule, *follows,
				   &done.answer);
		*follows = true;
	}
	return send(w->thread_fd, &done, sizeof(done), MSG_NOSIGNAL) >= 0;
}

static void *worker_main(void *arg)
{
	struct offline_worker *w = arg;
	bool follows = false, waited, on = true;
	struct group g;

	atomic_store(&w->tid, gettid());
	while (on && worker_next_group(w, &g, &waited)) {
		follows = follows && !waited;
		for (unsigned int i = 0; on && i < g.n; i++)
			on = worker_serve(w, &g, &g.requests[i], &follows);
	}
	/* The main thread must see that no more answers come. */
	shutdown(w->thread_fd, SHUT_RDWR);
	return NULL;
}

static int worker_open_channel(struct offline_worker *w)
{
	int fds[2], flags;

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, fds) < 0)
		return -errno;
	w->main_fd = fds[0];
	w->thread_fd = fds[1];
	/* A small packet is charged with more than 1 KiB. The kernel gives as much as it
	 * allows. */
	(void)setsockopt(w->main_fd, SOL_SOCKET, SO_SNDBUF, &(int){ CHANNEL_BYTES },
			 sizeof(int));
	flags = fcntl(w->main_fd, F_GETFL);
	if (flags < 0 || fcntl(w->main_fd, F_SETFL, flags | O_NONBLOCK) < 0)
		return -errno;
	return 0;
}

int offline_worker_start(struct offline_worker **ret, const struct offline_driver *driver,
			 const char *root, unsigned int page_shift)
{
	_cleanup_(offline_worker_stop_p) struct offline_worker *w = NULL;
	int r;

	w = calloc(1, sizeof(*w));
	if (!w)
		return -ENOMEM;
	w->driver = driver;
	w->main_fd = w->thread_fd = -1;
	r = sysfs_offline_new(&w->ctx, root, page_shift);
	if (r < 0)
		return r;
	r = worker_open_channel(w);
	if (r < 0)
		return r;
	r = thread_start(&w->thread, "soft-offline", 0, worker_main, w);
	if (r < 0)
		return r;
	w->running = true;
	*ret = TAKE_PTR(w);
	return 0;
}

struct offline_worker *offline_worker_stop(struct offline_worker *w)
{
	if (!w)
		return NULL;
	if (w->running) {
		atomic_store(&w->ending, true);
		shutdown(w->main_fd, SHUT_WR);
		pthread_join(w->thread, NULL);
	}
	if (w->main_fd >= 0)
		close(w->main_fd);
	if (w->thread_fd >= 0)
		close(w->thread_fd);
	sysfs_offline_free(w->ctx);
	free(w);
	return NULL;
}

pid_t offline_worker_tid(const struct offline_worker *w)
{
	char name[sizeof(INITIAL_PIDS)];
	ssize_t n = readlink("/proc/self/ns/pid", name, sizeof(name));

	if (n != sizeof(INITIAL_PIDS) - 1 || memcmp(name, INITIAL_PIDS, (size_t)n) != 0)
		return 0;
	return atomic_load(&w->tid);
}

int offline_worker_fd(const struct offline_worker *w)
{
	return w->main_fd;
}

int offline_worker_submit(struct offline_worker *w,
			  const struct offline_request *requests, unsigned int n)
{
	struct group g = { .recalls = atomic_load(&w->recalls), .n = n };

	if (n == 0 || n > OFFLINE_WORKER_GROUP)
		return -EINVAL;
	if (w->n_busy + n > MAX_ATTEMPTS)
		return -EBUSY;
	memcpy(g.requests, requests, n * sizeof(*requests));
	if (send(w->main_fd, &g, group_size(&g), MSG_NOSIGNAL) < 0)
		return -errno;
	w->n_busy += n;
	return 0;
}

void offline_worker_recall(struct offline_worker *w)
{
	atomic_fetch_add(&w->recalls, 1);
}

int offline_worker_collect(struct offline_worker *w, struct offline_done *ret)
{
	struct offline_done done;
	ssize_t n;

	n = recv(w->main_fd, &done, sizeof(done), 0);
	if (n < 0)
		return errno == EAGAIN || errno == EINTR ? 0 : -errno;
	if (n != (ssize_t)sizeof(done))
		return n == 0 ? -EPIPE : -EPROTO;
	w->n_busy--;
	*ret = done;
	return 1;
}

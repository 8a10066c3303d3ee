/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * One thread that only retires frames, connected by a socket pair. A write can block for
 * seconds, and reading the kernel's events must never wait for a write. Requests wait in
 * line, so that the next write does not wait until an answer has been collected.
 */

#include <sys/types.h>

#include "sysfs_offline.h"

struct offline_worker;

/** The most requests that can be handed over in one call. */
#define OFFLINE_WORKER_GROUP 16

/** A request to retire @pfn, unless @rule forbids it for what the frame is by then. */
struct offline_request {
	uint64_t id;
	pfn_t pfn;
	struct policy_rule rule;
};

struct offline_done {
	uint64_t id;
	pfn_t pfn;
	struct offline_answer answer;
};

/**
 * Starts the thread with its own struct sysfs_offline for @root. Returns 0 and *ret, or
 * negative errno.
 */
int offline_worker_start(struct offline_worker **ret, const struct offline_driver *driver,
			 const char *root, unsigned int page_shift);

/**
 * Waits for the write under way (the kernel cannot be interrupted), then ends the thread.
 * Requests still in line are not begun: their stored intents stay without an answer, as
 * after a crash. NULL is fine. Returns NULL.
 */
struct offline_worker *offline_worker_stop(struct offline_worker *w);

/**
 * The thread's number as the kernel's trace events show it (common_pid); 0 if the number
 * is not known: inside a PID namespace the thread has another number.
 */
pid_t offline_worker_tid(const struct offline_worker *w);

/** Readable when an answer waits. */
int offline_worker_fd(const struct offline_worker *w);

/**
 * Hands over @n requests, 1 to OFFLINE_WORKER_GROUP, or none of them. The thread is woken
 * once and works through the requests in their order (struct offline_driver). Returns 0;
 * -EBUSY if more than MAX_ATTEMPTS requests would be without a collected answer; -EINVAL
 * for another @n; other negative errno. Does not block.
 */
int offline_worker_submit(struct offline_worker *w,
			  const struct offline_request *requests, unsigned int n);

/**
 * Calls off the requests that were handed over and have not begun: each is answered with
 * called_off and without a write. For a policy that has changed, and for the end.
 */
void offline_worker_recall(struct offline_worker *w);

/**
 * Takes an answer; they come in the order of the requests. Returns 1 and *ret; 0 if there
 * is none yet; negative errno.
 */
int offline_worker_collect(struct offline_worker *w, struct offline_done *ret);

/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * One thread that does nothing but retire frames, behind a socket pair: a write can block
 * for seconds, and reading the kernel's events must never wait for it. Requests wait in
 * line, so that the next write does not wait until an answer has been collected.
 */

#include <sys/types.h>

#include "sysfs_offline.h"

struct offline_worker;

/** Requests that can be handed over at one time. */
#define OFFLINE_WORKER_GROUP 16

/** To retire @pfn, if @rule does not forbid it by what the frame is then. */
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
 * Requests still in line are not begun: their stored intents stay unanswered, as after a
 * crash. NULL is fine. Returns NULL.
 */
struct offline_worker *offline_worker_stop(struct offline_worker *w);

/**
 * The thread's number as the kernel's trace events name it (common_pid); 0 if that is not
 * known: a PID namespace gives it another number in here.
 */
pid_t offline_worker_tid(const struct offline_worker *w);

/** Readable when an answer waits. */
int offline_worker_fd(const struct offline_worker *w);

/**
 * Hands over @n requests, 1 to OFFLINE_WORKER_GROUP, or none of them: the thread is woken
 * once, and goes through them in their order (struct offline_driver). Returns 0; -EBUSY
 * if there would be more than MAX_ATTEMPTS whose answer was not collected; -EINVAL
 * for another @n; other negative errno. Does not block.
 */
int offline_worker_submit(struct offline_worker *w,
			  const struct offline_request *requests, unsigned int n);

/**
 * Calls off what was handed over and has not begun: each is answered without a write,
 * with called_off. For a policy that has changed, and for the end.
 */
void offline_worker_recall(struct offline_worker *w);

/**
 * Takes an answer; they come in the order of the requests. Returns 1 and *ret; 0 if there
 * is none yet; negative errno.
 */
int offline_worker_collect(struct offline_worker *w, struct offline_done *ret);

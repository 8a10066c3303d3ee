/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * One thread that does nothing but retire frames, behind a socket pair: a write can block
 * for seconds, and reading the kernel's events must never wait for it. One request at a
 * time.
 */

#include "sysfs_offline.h"

struct offline_worker;

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
 * Waits for a request under way (the kernel cannot be interrupted), then ends the thread.
 * NULL is fine. Returns NULL.
 */
struct offline_worker *offline_worker_stop(struct offline_worker *w);

/** Readable when an answer waits. */
int offline_worker_fd(const struct offline_worker *w);

/** Hands over a request. Returns 0; -EBUSY if one is under way; other negative errno. */
int offline_worker_submit(struct offline_worker *w, uint64_t id, pfn_t p);

/** Takes an answer. Returns 1 and *ret; 0 if there is none yet; negative errno. */
int offline_worker_collect(struct offline_worker *w, struct offline_done *ret);

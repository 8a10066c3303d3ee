/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * The kernel's tracepoints that softofflined reads, one row each. Opening,
 * enabling, recording, decoding and checking go by this table. Code for what only one
 * tracepoint allows asks for that tracepoint by its id.
 */

#include <stdbool.h>

/*
 * X(id, event, system, other system or NULL, needed, row of `check`, what the kernel
 * reports by it, what follows on a kernel without it)
 *
 * Some kernels have the events about poison in the system memory_failure, other kernels
 * in ras; a tracepoint is looked for in the order of the row. The event's name is also
 * the stem of its decoder: mc_event_decoder is in mc_event.c. Rows are tried in this
 * order for each event that is read, so the most frequent event comes first. The daemon
 * starts without any of them, and says that it sees nothing.
 */
#define EVENT_SOURCE_LIST(X)                                                             \
	X(MC, mc_event, "ras", NULL, true, "mc-event", "memory errors", "")              \
	X(MCE, mce_record, "mce", NULL, false, "mce-record", "machine checks",           \
	  "memory errors are known as far as an EDAC driver reports them")               \
	X(MEMORY_FAILURE, memory_failure_event, "ras", "memory_failure", false,          \
	  "memory-failure", "pages lost to uncorrected errors",                          \
	  "pages lost to uncorrected errors count as poisoned by others")                \
	X(SOFT_OFFLINE, soft_offline_event, "ras", "memory_failure", false,              \
	  "kernel-patches", "each soft offline",                                         \
	  "results are verified by /proc/kpageflags, and who else offlines pages is "    \
	  "guessed")

#define X(id, ...) EVENT_SOURCE_##id,
enum event_source_id { EVENT_SOURCE_LIST(X) EVENT_SOURCE_MAX_ };
#undef X

#define EVENT_SYSTEMS_MAX 2

struct source_decoder;

struct event_source {
	const char *event; /* the tracepoint's name */
	const char
		*systems[EVENT_SYSTEMS_MAX]; /* where it may be; the last may be NULL */
	bool needed;         /* `check` misses it: no DIMM is named without it */
	const char *check;   /* id of its row in `softofflinectl check` */
	const char *reports; /* completes "the kernel reports ..." */
	const char *without; /* what follows if the kernel lacks it; "" if needed */
	const struct source_decoder *decoder;
};

/** The table, by enum event_source_id. */
extern const struct event_source event_sources[EVENT_SOURCE_MAX_];

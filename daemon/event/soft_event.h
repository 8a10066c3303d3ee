/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * One soft-offline request as ras:soft_offline_event reported it, decoded and not judged.
 * The event is part of the series in kernel/: a kernel without the series has no such
 * event, and a later kernel may have words that are not known here.
 *
 * Facts (kernel/patches, Documentation/trace/events-soft-offline.rst): each soft-offline
 * request, by any program or the kernel, has exactly one event. The thread that made the
 * request raises the event when the request ends. Origin, kind and outcome are numbers;
 * the event's print format holds their words.
 */

#include <stdbool.h>
#include <stddef.h>

#include "base/frame.h"
#include "base/units.h"

/* X(identifier, word of the kernel) */
#define SOFT_ORIGIN_LIST(X)                                                              \
	X(UNKNOWN, "unknown")                                                            \
	X(SYSFS, "sysfs")                                                                \
	X(MADVISE, "madvise")                                                            \
	X(KERNEL, "kernel")

#define SOFT_OUTCOME_LIST(X)                                                             \
	X(UNKNOWN, "unknown")                                                            \
	X(TAKEN_FROM_FREE, "taken-from-free")                                            \
	X(DROPPED, "dropped")                                                            \
	X(MIGRATED, "migrated")                                                          \
	X(ALREADY_POISONED, "already-poisoned")                                          \
	X(INVALID_PFN, "invalid-pfn")                                                    \
	X(NOT_ONLINE, "not-online")                                                      \
	X(UNHANDLABLE, "unhandlable")                                                    \
	X(THP_NOT_SPLIT, "thp-not-split")                                                \
	X(NOT_ISOLATED, "not-isolated")                                                  \
	X(NOT_MIGRATED, "not-migrated")                                                  \
	X(NO_MEMORY, "no-memory")                                                        \
	X(NOT_DISSOLVED, "not-dissolved")                                                \
	X(LOST_RACE, "lost-race")                                                        \
	X(FILTERED, "filtered")                                                          \
	X(DISABLED, "disabled")

#define X(id, word) SOFT_BY_##id,
enum soft_origin { SOFT_ORIGIN_LIST(X) SOFT_ORIGIN_MAX_ };
#undef X
#define X(id, word) SOFT_##id,
enum soft_outcome { SOFT_OUTCOME_LIST(X) SOFT_OUTCOME_MAX_ };
#undef X

struct soft_event {
	usec_t time; /* CLOCK_BOOTTIME of the request's end */
	pfn_t pfn;
	enum soft_origin origin;
	enum frame_kind kind; /* before; FRAME_UNKNOWN: absent, or a new word */
	enum soft_outcome outcome;
	int error;             /* errno that the caller got, positive; 0 */
	int64_t duration_usec; /* waiting for other requests included */
	int32_t pid;           /* of the thread that asked, as the trace names it */
};

/** How the requests for pages of one node ended since boot, as the kernel counts. */
struct soft_counts {
	unsigned int node;
	bool known[SOFT_OUTCOME_MAX_]; /* the kernel has this counter */
	uint64_t count[SOFT_OUTCOME_MAX_];
};

/**
 * The value of a kernel's word of @len bytes; "-" and "_" are the same. The UNKNOWN value
 * for any other word. soft_kind_from_word() takes the kernel's word for a kind of page
 * and returns the nearest kind that this program knows.
 */
enum soft_origin soft_origin_from_word(const char *word, size_t len);
enum soft_outcome soft_outcome_from_word(const char *word, size_t len);
enum frame_kind soft_kind_from_word(const char *word, size_t len);

/** The word of a value; "unknown" for a number outside the enum. */
const char *soft_outcome_to_string(enum soft_outcome value);

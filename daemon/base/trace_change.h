/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * What another program can change on the daemon's trace instance, as a set of bits: the
 * door to tracefs finds them, the engine counts a gap, the journal names them.
 */

#include <stdbool.h>
#include <stdint.h>

/*
 * X(identifier, file that shows it, hides, phrase)
 *
 * A change that hides events makes a gap: some may be missing, and nothing says how many.
 * The phrase completes "Another program has changed the trace instance: ...".
 */
/* clang-format off */
#define TRACE_CHANGE_LIST(X)                                                             \
	X(ENABLE, "enable", true, "an event was switched off")                           \
	X(TRACING_ON, "tracing_on", true, "recording was switched off")                  \
	X(FILTER, "filter", true, "a filter was set")                                    \
	X(TRIGGER, "trigger", true, "a trigger was set that stops events")               \
	X(CPUS, "tracing_cpumask", true, "CPUs were left out")                           \
	X(PIDS, "set_event_pid", true, "events were limited to processes")               \
	X(CLOCK, "trace_clock", true, "another clock was set, which empties the buffer") \
	X(SIZE, "buffer_size_kb", true, "the buffer was made smaller")                   \
	X(PAGE_SIZE, "buffer_subbuf_size_kb", true,                                      \
	  "the size of its pages was changed, which empties the buffer")                 \
	X(PAUSE, "options/pause-on-trace", true,                                         \
	  "recording paused while the file trace was read")                              \
	X(EMPTIED, "per_cpu", true, "the buffer was emptied")                            \
	X(REMADE, "instance", true, "it was removed, or made again")                     \
	X(HARMLESS_TRIGGER, "trigger", false, "a trigger was set")                       \
	X(OVERWRITE, "options/overwrite", false, "a full buffer kept its oldest events") \
	X(TRACER, "current_tracer", false, "a tracer was started")                       \
	X(PERCENT, "buffer_percent", false, "reading waited for a fuller buffer")
/* clang-format on */

#define X(id, ...) TRACE_CHANGE_##id,
enum trace_change { TRACE_CHANGE_LIST(X) TRACE_CHANGE_MAX_ };
#undef X

/** A set of enum trace_change. */
struct trace_changes {
	uint32_t bits;
};

/** The file that shows @change, below the instance or an event; "" outside the enum. */
const char *trace_change_file(enum trace_change change);

/** The phrase of @change; "" outside the enum. */
const char *trace_change_phrase(enum trace_change change);

/** True if @change hides events. */
bool trace_change_hides(enum trace_change change);

static inline void trace_changes_add(struct trace_changes *set, enum trace_change change)
{
	set->bits |= UINT32_C(1) << change;
}

static inline bool trace_changes_has(struct trace_changes set, enum trace_change change)
{
	return set.bits & UINT32_C(1) << change;
}

/** True if a change of @set hides events. */
bool trace_changes_hide(struct trace_changes set);

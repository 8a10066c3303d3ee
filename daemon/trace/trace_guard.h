/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * Keeps the settings of the trace instance as the daemon wants them: finds what another
 * program has changed, and undoes it. Files only; pipes and pages belong to trace_reader.c.
 *
 * A look reads some twenty small files and writes nothing if all is right. It needs no lock:
 * nothing that a reading thread changes is used.
 */

#include "trace/trace_instance.h"
#include "trace/trace_look.h"

struct trace_guard {
	const struct trace_instance *in; /* open, for as long as the guard is used */
	char page_size[16]; /* buffer_subbuf_size_kb at the start; "": there is none */
	/* Found before and not to be undone: said once. */
	struct trace_changes stuck;
};

/** The guard of @in, which stays the caller's. */
void trace_guard_init(struct trace_guard *g, const struct trace_instance *in);

/**
 * The change that @text means, which the file @file of an instance, or of an event of it,
 * shows ("tracing_on", "filter"); TRACE_CHANGE_MAX_ if it is as it should be or no setting.
 * @cpus matters to the mask of CPUs. Sizes are not judged.
 */
enum trace_change trace_guard_judge(const char *file, const char *text,
				    unsigned int cpus);

/**
 * Looks at every setting and undoes what is wrong. A buffer smaller than @buffer_size bytes
 * is made larger. @keep_clock: the clock is somebody else's business for now.
 *
 * A setting that cannot be read is not a finding. TRACE_CHANGE_REMADE stands alone: the
 * files of the instance are not those of @in any more.
 */
void trace_guard_look(struct trace_guard *g, uint64_t buffer_size, bool keep_clock,
		      struct trace_look *ret);

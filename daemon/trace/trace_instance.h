/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * The files of one tracefs instance: making it, locking it, its texts and settings.
 * Internal to trace_reader.c, which has the pipes.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "event/event_source.h"

struct trace_instance {
	int dir;           /* holds the lock; -1 if not open */
	bool created;      /* made by this open: the instance has no events yet */
	size_t page_size;  /* what one read() of a raw pipe may return, in bytes */
	size_t data_size;  /* of a page, in bytes; buffer sizes are multiples of it */
	unsigned int cpus; /* one more than the highest CPU in per_cpu */
	char *header_page;
	/* What the kernel has of each source, by enum event_source_id. */
	struct {
		const char *system; /* where it was found; NULL: this kernel has none */
		char *format;       /* text of its format */
		bool expected;      /* tracefs has it outside of the instance */
	} sources[EVENT_SOURCE_MAX_];
	uint32_t unwanted; /* sources that are off, by 1 << enum event_source_id */
	char path[256];
	char where[512]; /* the file that failed last, for messages */
};

/** Counters of a CPU's buffer since it was made or reset: per_cpu/cpuN/stats. */
struct trace_stats {
	uint64_t read;    /* events that went through its pipe */
	uint64_t overrun; /* overwritten; the next page read says so, too */
	uint64_t other;   /* commit overrun and dropped events: no page says so */
	uint64_t bytes;   /* of events that are in the buffer now */
};

/**
 * Makes or takes over the instance below @tracing_dir, locks it and reads its texts;
 * changes no setting. *@in is overwritten; give it to trace_instance_close() after every
 * return value.
 *
 * Returns 0, also if the kernel has none of the event sources; -ENODEV: no tracefs there;
 * -EBUSY: locked by another process; -EBADMSG: header_page makes no sense; other negative
 * errno. in->where is set.
 */
int trace_instance_open(struct trace_instance *in, const char *tracing_dir);

/** Drops the lock and what @in owns; the instance itself stays. */
void trace_instance_close(struct trace_instance *in);

/** Opens @path below the instance; returns a descriptor, or negative errno. */
int trace_instance_openat(struct trace_instance *in, const char *path, int flags);

/** Writes @text to @path, unless @path begins with @text already. 0 or negative errno. */
int trace_instance_set(struct trace_instance *in, const char *path, const char *text);

/** 1 if the clock is "boot", 0 if it is another; negative errno. */
int trace_instance_clock_is_boot(struct trace_instance *in);

/** Sets the clock "boot", which empties the buffers. 0 or negative errno. */
int trace_instance_set_clock(struct trace_instance *in);

/**
 * Compares the per-CPU buffer size with @bytes. Returns -1 if the size is smaller, 0 if
 * it is the rounded @bytes, 1 if it is larger or differs between CPUs.
 */
int trace_instance_compare_size(struct trace_instance *in, uint64_t bytes);

/** The same for @text, which is what buffer_size_kb shows. */
int trace_instance_judge_size(const struct trace_instance *in, const char *text,
			      uint64_t bytes);

/** Sets the size of each CPU's buffer; a smaller size may lose events. 0 or negative
 * errno. */
int trace_instance_set_size(struct trace_instance *in, uint64_t bytes);

/**
 * Makes poll() wake for a single event. Since Linux 6.1 poll() waits for a share of the
 * buffer, half of it by default. Older kernels have no such setting, which is no failure.
 * Call this before a pipe is added to an epoll set: the setting at that moment decides
 * for good which of the kernel's two wait queues the pipe is in (ring_buffer_poll_wait).
 * 0 or negative errno.
 */
int trace_instance_wake_at_once(struct trace_instance *in);

/**
 * Enables every event source that the kernel has, and the recording; switches off those
 * in @unwanted, a bit for each enum event_source_id. 0 or negative errno.
 */
int trace_instance_enable(struct trace_instance *in, uint32_t unwanted);

/**
 * True if @id is enabled in the instance and the instance records. Changes nothing, not
 * even in->where: it may run beside a thread that reads. What cannot be read is not on.
 */
bool trace_instance_records(const struct trace_instance *in, enum event_source_id id);

/** Reads @cpu's counters. 0, or negative errno with *ret untouched. */
int trace_instance_stats(struct trace_instance *in, unsigned int cpu,
			 struct trace_stats *ret);

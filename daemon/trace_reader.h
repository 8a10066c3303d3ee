/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * The only door to tracefs: an own trace instance, its set-up, one raw pipe per CPU, and
 * the count of what the kernel lost. Hands raw pages to a callback and understands them
 * no further. The instance is kept at stop and after a crash, still recording, so that
 * the successor reads what happened in between.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define TRACE_INSTANCE "softofflined"

struct trace_reader;

struct trace_reader_options {
	const char *tracing_dir; /* NULL: /sys/kernel/tracing */
	uint64_t buffer_size;    /* bytes per CPU */
	const char
		*record_dir; /* NULL, or where to keep every page and the format texts */
};

/*
 * A recording holds the files header_page, mc_event.format and, if the kernel has it,
 * memory_failure_event.format as the kernel shows them, and the file pages: for each page
 * in the order of reading a u16 CPU number, a u16 0, a u32 size, and so many bytes as
 * read, all in the byte order of the machine. The folder is made if it is missing;
 * opening fails with -EEXIST if it has a file pages already.
 */

/** Called for each page read; @page is valid during the call only. */
typedef void (*trace_page_fn)(void *userdata, uint16_t cpu, const void *page,
			      size_t size);

/**
 * Creates or takes over the instance, sets clock boot, buffer_percent 0 and the buffer
 * size (each only where it differs), enables ras:mc_event and, where the kernel has it,
 * memory_failure_event, and opens the pipes of all CPUs that are or were online.
 *
 * What was recorded before is not lost by it. If another clock was set, it is read out
 * first: trace_reader_foreign_clock() is true until a trace_reader_read() has found every
 * pipe empty, and the time stamps of those pages mean nothing. A buffer that is too large
 * shrinks at the same moment.
 *
 * Returns 0 and *ret; -ENOENT: the kernel has no ras:mc_event; -ENODEV: no tracefs;
 * -EBUSY: another softofflined reads the instance; other negative errno as tracefs
 * answered. On failure *ret_where names the file that failed (static storage of the
 * callee's making, valid until the next call).
 */
int trace_reader_open(struct trace_reader **ret,
		      const struct trace_reader_options *options, const char **ret_where);

/** Closes the pipes and leaves the instance as it is; NULL is fine. Returns NULL. */
struct trace_reader *trace_reader_close(struct trace_reader *r);

/** Text of header_page, mc_event's format, memory_failure_event's format (NULL if none).
 */
const char *trace_reader_header_page(const struct trace_reader *r);
const char *trace_reader_mc_format(const struct trace_reader *r);
const char *trace_reader_failure_format(const struct trace_reader *r);

/**
 * Negative errno if record_dir was given and a page could not be written: the recording
 * then ended before that page, reading goes on. 0 otherwise.
 */
int trace_reader_record_error(const struct trace_reader *r);

/** An epoll descriptor that is readable when any CPU has something to read. */
int trace_reader_fd(const struct trace_reader *r);

/** True: pages read now carry time stamps of an unknown clock. */
bool trace_reader_foreign_clock(const struct trace_reader *r);

/**
 * Reads what is there, CPU by CPU in turns, at most @max_pages pages.
 *
 * Returns the number of pages handed to @fn, @max_pages if there may be more; negative
 * errno only if nothing works any more. A CPU whose pipe reports an error is dropped
 * quietly and comes back with trace_reader_rescan().
 */
int trace_reader_read(struct trace_reader *r, unsigned int max_pages, trace_page_fn fn,
		      void *userdata);

/**
 * Looks for CPUs that have come online since and opens their pipes; reads nothing. Cheap;
 * meant for a slow timer, since CPU uevents do not reach a private network namespace.
 *
 * Returns the number of pipes opened.
 */
int trace_reader_rescan(struct trace_reader *r);

/**
 * Tells the reader how many events the pages of @cpu said were lost (mc_decoder.lost;
 * @unknown: mc_decoder.lost_unknown), so that it can hold the sum against the kernel's
 * own overrun counters.
 */
void trace_reader_note_lost(struct trace_reader *r, uint16_t cpu, uint64_t lost,
			    bool unknown);

/**
 * Once @cpu's pipe has run empty: events that were overwritten, by per_cpu/cpuN/stats,
 * and are in no note. Each is returned once. Reads the file only if there is a reason to.
 */
uint64_t trace_reader_unreported(struct trace_reader *r, uint16_t cpu);

/**
 * Events of @cpu that were read through its pipe since the instance was made, by
 * whomever: "read events" of per_cpu/cpuN/stats. Reads the file. 0 if that cannot be
 * told.
 */
uint64_t trace_reader_consumed(struct trace_reader *r, uint16_t cpu);

/** Number of CPUs that may have pages: the bound for @cpu above. */
unsigned int trace_reader_cpus(const struct trace_reader *r);

/** Pipes open now. */
unsigned int trace_reader_open_pipes(const struct trace_reader *r);

/** Sets the per-CPU buffer size if it differs. Returns 0 or negative errno. */
int trace_reader_set_buffer_size(struct trace_reader *r, uint64_t bytes);

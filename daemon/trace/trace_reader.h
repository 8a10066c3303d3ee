/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * The room trace: the only door to tracefs. It knows files, pipes and threads, and may
 * use the table of event sources; the meaning of a page belongs to the room event.
 *
 * Here: our own trace instance, its set-up, one raw pipe per CPU, and the count of the
 * events that the kernel lost. Raw pages go to a callback. The instance stays after a
 * stop and after a crash, still recording, so that the next daemon reads what happened in
 * between.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "event/event_source.h"
#include "trace/trace_look.h"

#define TRACE_INSTANCE "softofflined"

struct trace_reader;

struct trace_reader_options {
	const char *tracing_dir; /* NULL: /sys/kernel/tracing */
	uint64_t buffer_size;    /* bytes per CPU; 0: trace_reader_auto_size() */
	/* NULL, or the folder to which every page and the format texts are copied. */
	const char *record_dir;
	/* Sources that are not to be recorded: a bit for each enum event_source_id. */
	uint32_t unwanted;
};

/*
 * A recording holds the files header_page and, for each event source that the kernel has,
 * EVENT.format, both as the kernel shows them, and the file pages. For each page, in the
 * order of reading, the file pages has a u16 CPU number, a u16 0, a u32 size, and size
 * bytes as read, all in the byte order of the machine. The folder is made if it is
 * missing; opening fails with -EEXIST if the folder has a file pages already.
 */

/** Called for each page read; @page is valid only during the call. */
typedef void (*trace_page_fn)(void *userdata, uint16_t cpu, const void *page,
			      size_t size);

/**
 * Creates or takes over the instance, sets clock boot, buffer_percent 0 and the buffer
 * size (each only if it differs), enables every event source that the kernel has and that
 * is wanted, and opens the pipes of all CPUs that are or were online. A kernel without any
 * of the sources is no failure: then nothing comes.
 *
 * Events recorded before are not lost. If another clock was set, the events recorded with
 * that clock are read first, and their time stamps mean nothing:
 * trace_reader_foreign_clock() is true until a trace_reader_read() has found every pipe
 * empty. A buffer that is too large shrinks at the same moment.
 *
 * Returns 0 and *ret; -ENODEV: no tracefs; -EBUSY: another softofflined reads the
 * instance; other negative errno as tracefs answered. On failure *ret_where names the file that failed (static storage,
 * valid until the next call).
 */
int trace_reader_open(struct trace_reader **ret,
		      const struct trace_reader_options *options, const char **ret_where);

/** Closes the pipes and leaves the instance as it is; NULL is fine. Returns NULL. */
struct trace_reader *trace_reader_close(struct trace_reader *r);

/**
 * Records all sources but those in @unwanted from now on. May be called while another
 * thread reads. Returns 0 or negative errno.
 */
int trace_reader_want(struct trace_reader *r, uint32_t unwanted);

/** Text of events/header_page. */
const char *trace_reader_header_page(const struct trace_reader *r);

/** Text of the format of the source @id; NULL: this kernel has no such tracepoint. */
const char *trace_reader_format(const struct trace_reader *r, enum event_source_id id);

/** The system in which the source @id was found ("ras"); NULL: as above. */
const char *trace_reader_system(const struct trace_reader *r, enum event_source_id id);

/**
 * Negative errno if record_dir was given and a page could not be written: the recording
 * ended before that page, and reading continues. 0 otherwise.
 */
int trace_reader_record_error(const struct trace_reader *r);

/** An epoll descriptor that is readable when any CPU has something to read. */
int trace_reader_fd(const struct trace_reader *r);

/** True: pages read now carry time stamps of an unknown clock. */
bool trace_reader_foreign_clock(const struct trace_reader *r);

/**
 * Reads what is there, CPU after CPU, at most @max_pages pages.
 *
 * Returns the number of pages given to @fn; @max_pages means that there may be more.
 * Negative errno only if nothing works any more. A CPU whose pipe reports an error is
 * dropped without a message; trace_reader_rescan() opens its pipe again.
 */
int trace_reader_read(struct trace_reader *r, unsigned int max_pages, trace_page_fn fn,
		      void *userdata);

/**
 * The same as trace_reader_read() for one CPU only. The pipe is read without first
 * checking that it has something. Returns the number of pages.
 */
int trace_reader_read_cpu(struct trace_reader *r, uint16_t cpu, unsigned int max_pages,
			  trace_page_fn fn, void *userdata);

/**
 * Bytes of events in @cpu's buffer: "bytes" of per_cpu/cpuN/stats. Reads the file if the
 * pipe has something. 0 if there is no pipe or the file cannot be read.
 */
uint64_t trace_reader_backlog(struct trace_reader *r, uint16_t cpu);

/** As trace_instance_records(): whether @id can give an event now. */
bool trace_reader_records(const struct trace_reader *r, enum event_source_id id);

/**
 * Looks for CPUs that have come online since the last look and opens their pipes; reads
 * nothing. Cheap. Meant for a slow timer, because CPU uevents do not reach a private
 * network namespace.
 *
 * Returns the number of pipes opened.
 */
int trace_reader_rescan(struct trace_reader *r);

/**
 * Looks whether another program has changed the instance, and undoes it: ret->changes is
 * what was not known before. Touches nothing that trace_reader_read() uses, so it may run
 * beside it. TRACE_CHANGE_REMADE: open the reader again.
 *
 * It costs some twenty-five small files, whatever the number of CPUs; the counters of each
 * CPU are another matter, see trace_reader_consumed().
 */
void trace_reader_look(struct trace_reader *r, struct trace_look *ret);

/** What trace_reader_open() found changed, and undid; nothing if it made the instance. */
const struct trace_look *trace_reader_found(const struct trace_reader *r);

/** True if trace_reader_open() made the instance: nothing was recorded before. */
bool trace_reader_is_new(const struct trace_reader *r);

/**
 * Opens all pipes again. After a snapshot the kernel records into another buffer, and the
 * epoll descriptor is woken by the old one (ring_buffer_poll_wait).
 */
void trace_reader_reopen(struct trace_reader *r);

/**
 * Reports how many events the pages of @cpu said were lost (event_decoder.lost; @unknown:
 * event_decoder.lost_unknown), so that the reader can compare the sum with the kernel's
 * own overrun counters.
 */
void trace_reader_note_lost(struct trace_reader *r, uint16_t cpu, uint64_t lost,
			    bool unknown);

/**
 * Call this when @cpu's pipe has run empty. Returns the number of events that were
 * overwritten (per_cpu/cpuN/stats) and that no page reported. Each event is returned
 * once. Reads the file only if there is a reason to.
 */
uint64_t trace_reader_unreported(struct trace_reader *r, uint16_t cpu);

/**
 * Events of @cpu that any program read through its pipe since the instance was made:
 * "read events" of per_cpu/cpuN/stats. Reads the file. Returns 0 and *ret; negative errno
 * of the file (-EBADMSG: not understood), *ret untouched.
 */
int trace_reader_consumed(struct trace_reader *r, uint16_t cpu, uint64_t *ret);

/** Number of CPUs that may have pages: @cpu above must be less. */
unsigned int trace_reader_cpus(const struct trace_reader *r);

/** Pipes open now. */
unsigned int trace_reader_open_pipes(const struct trace_reader *r);

/**
 * Bytes per CPU for a machine with @cpus CPUs online and @ram bytes of memory. All CPUs
 * share 64 MiB, or a 32nd of the memory if that is less; each gets 1 MiB at least and 16
 * MiB at most. The memory counts up to the next power of two: the kernel keeps some for
 * itself, and a balloon that takes a little is no reason to resize all buffers.
 *
 * One CPU that emits as fast as it can fills 64 KiB in a third of a millisecond and 4 MiB
 * in 20 (680,000 events a second of 290 bytes, measured under QEMU). The daemon shares
 * the CPUs with the code that emits the events, so the buffer must hold a storm.
 */
uint64_t trace_reader_auto_size(unsigned int cpus, uint64_t ram);

/**
 * Sets the per-CPU buffer size if it differs; 0 is trace_reader_auto_size() for the CPUs
 * that are online now. A buffer that must get smaller shrinks when a trace_reader_read()
 * finds every pipe empty, because shrinking loses what is in the buffer. Returns 0 or
 * negative errno.
 *
 * Do not call this under pressure. Since Linux 6.7, and in stable kernels before it,
 * recording stops while the size changes, no counter shows what happens then, and the
 * change takes as long as a CPU under load needs to answer (__tracing_resize_ring_buffer,
 * ring_buffer_resize).
 */
int trace_reader_set_buffer_size(struct trace_reader *r, uint64_t bytes);

/** Bytes per CPU that were asked for; a larger buffer may not have shrunk yet. */
uint64_t trace_reader_buffer_size(const struct trace_reader *r);

/** The most bytes that one page can have, and where its events begin. */
size_t trace_reader_page_size(const struct trace_reader *r);
size_t trace_reader_data_offset(const struct trace_reader *r);

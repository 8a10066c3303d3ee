/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * Reading that nothing else delays: a thread waits on the trace pipes, drains them and
 * hands the raw pages on through a bounded queue. The kernel's buffer is emptied whatever
 * the rest of the daemon does meanwhile (a commit, a line for the journal, a migration).
 * The queue takes memory as it fills and gives it back once no page has come for a while.
 * When the queue is full, the thread stops reading: the kernel's buffer then fills, and
 * the events that the kernel overwrites are counted as lost. (Larger buffers in the kernel
 * are no help: a change of their size stops the recording; see
 * trace_reader_set_buffer_size().)
 *
 * From trace_pump_start() on the reader belongs to the pump, and these functions are the
 * only way to it. All of them are for one thread: the one that started the pump.
 */

#include "trace/trace_reader.h"

struct trace_pump;

/**
 * Starts the thread on @r, which must not be in the state trace_reader_foreign_clock().
 * @bytes: the most that the queue may take; room for a few pages at least.
 *
 * Returns 0 and *ret, to be freed with trace_pump_stop(); -EINVAL; negative errno.
 */
int trace_pump_start(struct trace_pump **ret, struct trace_reader *r, uint64_t bytes);

/** Ends the thread: nothing more is read. The pages in the queue can still be taken. */
void trace_pump_halt(struct trace_pump *p);

/**
 * Ends the thread and frees @p; the pages in the queue are dropped. @r is the caller's
 * again. NULL is fine. Returns NULL.
 */
struct trace_pump *trace_pump_stop(struct trace_pump *p);

/** A descriptor that is readable when there is something to take. */
int trace_pump_fd(const struct trace_pump *p);

/**
 * Hands at most @max_pages pages of the queue to @fn. Pages of one CPU come in the order
 * in which they were read; a CPU with few pages comes before a CPU with many. The
 * descriptor stays readable while there is more.
 *
 * Returns the number handed over; 0: the queue is empty; negative errno once the queue is
 * empty and reading has failed for good.
 */
int trace_pump_take(struct trace_pump *p, unsigned int max_pages, trace_page_fn fn,
		    void *userdata);

/**
 * Reads into the queue what the pipes hold now, as far as there is room. Returns the
 * number of pages to take until all of them are taken; they come before every page that is
 * read later.
 */
unsigned int trace_pump_pull(struct trace_pump *p);

/**
 * trace_reader_unreported(), if the queue and the pipe of @cpu are empty; else 0. These
 * events are lost for good, and no page still in the queue reports them.
 */
uint64_t trace_pump_unreported(struct trace_pump *p, uint16_t cpu);

/** True if the queue ever had no room for what had to be read. */
bool trace_pump_was_full(const struct trace_pump *p);

/**
 * trace_reader_consumed(), if all that was read has been taken: then it is the number of
 * events that the caller has seen. -EAGAIN if pages wait in the queue.
 */
int trace_pump_consumed(struct trace_pump *p, uint16_t cpu, uint64_t *ret);

/** trace_reader_look(). The thread reads on meanwhile. */
void trace_pump_look(struct trace_pump *p, struct trace_look *ret);

/** As the function of trace_reader.h with the same ending. */
void trace_pump_reopen(struct trace_pump *p);
void trace_pump_note_lost(struct trace_pump *p, uint16_t cpu, uint64_t lost,
			  bool unknown);
int trace_pump_rescan(struct trace_pump *p);
int trace_pump_set_buffer_size(struct trace_pump *p, uint64_t bytes);
unsigned int trace_pump_open_pipes(struct trace_pump *p);
int trace_pump_record_error(struct trace_pump *p);

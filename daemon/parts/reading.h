/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * Reads pages from the trace instance: by the pump's thread or, while the buffer holds
 * pages that another clock stamped, by the caller. Says once what ends or delays the
 * reading. Does not understand a page.
 */

#include "trace/trace_pump.h"

struct reading {
	/* The pump's, while there is one. NULL: nothing can be read on this machine; then
	 * there are no CPUs and no pages, and settings have nothing to change. */
	struct trace_reader *reader;
	struct trace_pump *pump; /* NULL: the caller reads */
	const char *record_dir;  /* of --record, or NULL */
	uint64_t queue_size;     /* [Source] MaxBufferSize */
	bool queue_full;         /* the journal says so */
	bool record_ended;       /* the same */
};

/**
 * Starts the thread, unless a foreign clock must be read out first; again when that has
 * been done; without a reader it does nothing. Returns 0 or negative errno; a line says what failed.
 */
int reading_start(struct reading *r);

/** Ends the thread; what it has read is still to be taken. */
void reading_halt(struct reading *r);

/** Ends the thread and drops what it has read. The reader stays open. */
void reading_stop(struct reading *r);

/** Frees everything. */
void reading_close(struct reading *r);

/** A descriptor that is readable when there is something to take; -1 without reader. */
int reading_fd(const struct reading *r);

/** True if reading_start() has to be called: the foreign clock has been read out. */
bool reading_can_start(const struct reading *r);

/** True: the time stamps of the pages mean nothing. */
bool reading_has_foreign_clock(const struct reading *r);

/** Hands @fn at most @max pages. Returns as trace_pump_take(). */
int reading_take(struct reading *r, unsigned int max, trace_page_fn fn, void *userdata);

/** Says once that a full disk, or another error, has ended --record. */
void reading_look_at_recording(struct reading *r);

/**
 * Looks at the trace instance, as trace_reader_look() does; finds nothing while a foreign
 * clock is read out.
 */
void reading_look(struct reading *r, struct trace_look *ret);

/** As trace_pump_consumed(); -EAGAIN without a pump. */
int reading_consumed(struct reading *r, uint16_t cpu, uint64_t *ret);

/** As the function of trace_reader.h with the same ending. */
void reading_reopen(struct reading *r);
unsigned int reading_cpus(const struct reading *r);
unsigned int reading_open_pipes(const struct reading *r);
int reading_want(struct reading *r, uint32_t unwanted);
void reading_rescan(struct reading *r);
uint64_t reading_unreported(struct reading *r, uint16_t cpu);
void reading_note_lost(struct reading *r, uint16_t cpu, uint64_t lost, bool unknown);
int reading_set_buffer_size(struct reading *r, uint64_t bytes);

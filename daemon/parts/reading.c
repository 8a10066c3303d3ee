/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * Chooses between the pump and the bare reader, so that nobody else has to. It neither
 * knows the loop nor what an event is.
 */

#include "parts/reading.h"

#include <errno.h>

#include "tell/journal.h"

int reading_start(struct reading *r)
{
	int e;

	if (!r->reader || trace_reader_foreign_clock(r->reader))
		return 0;
	/* A quarter is for what storing the events takes at the same time. */
	e = trace_pump_start(&r->pump, r->reader, r->queue_size - r->queue_size / 4);
	if (e < 0)
		journal_log(LOG_ERR, e, "Cannot start the reading thread");
	r->queue_full = false;
	return e;
}

void reading_halt(struct reading *r)
{
	if (r->pump)
		trace_pump_halt(r->pump);
}

void reading_stop(struct reading *r)
{
	r->pump = trace_pump_stop(r->pump);
}

void reading_close(struct reading *r)
{
	reading_stop(r);
	r->reader = trace_reader_close(r->reader);
}

int reading_fd(const struct reading *r)
{
	if (!r->reader)
		return -1;
	return r->pump ? trace_pump_fd(r->pump) : trace_reader_fd(r->reader);
}

bool reading_has_foreign_clock(const struct reading *r)
{
	return r->reader && !r->pump && trace_reader_foreign_clock(r->reader);
}

bool reading_can_start(const struct reading *r)
{
	return r->reader && !r->pump && !trace_reader_foreign_clock(r->reader);
}

static void look_at_queue(struct reading *r)
{
	if (r->queue_full || !trace_pump_was_full(r->pump))
		return;
	r->queue_full = true;
	/* Once: how much is lost shows in the counters. */
	journal_log(LOG_WARNING, 0,
		    "Errors come faster than they can be counted: the %llu KiB of "
		    "[Source] MaxBufferSize are full. What does not fit into the "
		    "kernel's buffer either is lost, and counted as lost.",
		    (unsigned long long)(r->queue_size / 1024));
}

int reading_take(struct reading *r, unsigned int max, trace_page_fn fn, void *userdata)
{
	int n;

	if (!r->reader)
		return 0;
	if (!r->pump)
		return trace_reader_read(r->reader, max, fn, userdata);
	n = trace_pump_take(r->pump, max, fn, userdata);
	look_at_queue(r);
	return n;
}

void reading_look_at_recording(struct reading *r)
{
	int e;

	if (!r->reader || !r->record_dir || r->record_ended)
		return;
	e = r->pump ? trace_pump_record_error(r->pump)
		    : trace_reader_record_error(r->reader);
	if (e == 0)
		return;
	r->record_ended = true;
	journal_log(LOG_ERR, e,
		    "%s/pages: the recording ends here, with what was written before; "
		    "counting continues",
		    r->record_dir);
}

void reading_look(struct reading *r, struct trace_look *ret)
{
	*ret = (struct trace_look){ 0 };
	if (r->pump)
		trace_pump_look(r->pump, ret);
}

int reading_consumed(struct reading *r, uint16_t cpu, uint64_t *ret)
{
	return r->pump ? trace_pump_consumed(r->pump, cpu, ret) : -EAGAIN;
}

void reading_reopen(struct reading *r)
{
	if (r->pump)
		trace_pump_reopen(r->pump);
	else if (r->reader)
		trace_reader_reopen(r->reader);
}

unsigned int reading_cpus(const struct reading *r)
{
	return r->reader ? trace_reader_cpus(r->reader) : 0;
}

unsigned int reading_open_pipes(const struct reading *r)
{
	if (!r->reader)
		return 0;
	return r->pump ? trace_pump_open_pipes(r->pump)
		       : trace_reader_open_pipes(r->reader);
}

int reading_want(struct reading *r, uint32_t unwanted)
{
	return r->reader ? trace_reader_want(r->reader, unwanted) : 0;
}

void reading_rescan(struct reading *r)
{
	if (r->pump)
		trace_pump_rescan(r->pump);
	else if (r->reader)
		trace_reader_rescan(r->reader);
}

uint64_t reading_unreported(struct reading *r, uint16_t cpu)
{
	return r->pump ? trace_pump_unreported(r->pump, cpu)
		       : trace_reader_unreported(r->reader, cpu);
}

void reading_note_lost(struct reading *r, uint16_t cpu, uint64_t lost, bool unknown)
{
	if (r->pump)
		trace_pump_note_lost(r->pump, cpu, lost, unknown);
	else
		trace_reader_note_lost(r->reader, cpu, lost, unknown);
}

int reading_set_buffer_size(struct reading *r, uint64_t bytes)
{
	if (!r->reader)
		return 0;
	return r->pump ? trace_pump_set_buffer_size(r->pump, bytes)
		       : trace_reader_set_buffer_size(r->reader, bytes);
}

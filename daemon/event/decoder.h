/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * The room event: what the kernel reports, decoded and not judged. Pure; bytes and texts
 * come in, events go out. A tracepoint that reports a known kind of event is a row of
 * event_source.h and a decoder file. A new kind also needs enum event_kind below, a case in
 * daemon_read.c and an input of the engine.
 *
 * Here: from raw ring-buffer pages (what read() on per_cpu/cpuN/trace_pipe_raw returns)
 * to events. Field offsets are resolved once from the running kernel's own format texts;
 * after that a page is walked with bounds checks and without allocation. A page is not
 * trusted: a page that makes no sense ends the walk with -EBADMSG.
 *
 * Facts: the layout of a sub-buffer (events/header_page, events/header_event and
 * include/linux/ring_buffer.h): time stamp, commit word (ringbuffer.h), then events with
 * a 27-bit time delta in the trace clock's unit, nanoseconds for clock "boot".
 */

#include <stddef.h>

#include "event/ce_event.h"
#include "event/event_source.h"
#include "event/mce_decode.h"
#include "event/soft_event.h"

struct event_format;

/**
 * Starts a format without any source.
 *
 * @header_page: text of events/header_page
 *
 * Returns 0 and a new object, to be freed with event_format_free(); -EBADMSG if the text
 * makes no sense or lacks a needed field; -ENOMEM.
 */
int event_format_new(struct event_format **ret, const char *header_page);

/**
 * Adds the source @id; @text is the text of its file "format". Add the sources in the
 * order of the table. Unknown fields are ignored. The decoder file of the source says
 * which fields may be absent.
 *
 * Returns 0; -EBADMSG if the text makes no sense, is of another event, has the number of
 * a source that was added before, or lacks a needed field; -EEXIST if @id was added
 * before; -ENOMEM. On failure @f is as before.
 */
int event_format_add(struct event_format *f, enum event_source_id id, const char *text);

/** True if the source @id was added; NULL has none. */
bool event_format_has(const struct event_format *f, enum event_source_id id);

/** Frees @f; NULL is fine. Returns NULL. */
struct event_format *event_format_free(struct event_format *f);

/** What happened, from any source. */
enum event_kind {
	EVENT_KIND_OTHER = 1, /* an event of no source: somebody enabled it by hand */
	EVENT_KIND_ERROR,     /* a memory error */
	EVENT_KIND_FAILURE,   /* a hard memory failure */
	EVENT_KIND_SOFT,      /* the end of a soft-offline request */
	EVENT_KIND_CHECK,     /* a machine check, which may be a memory error */
};

struct event {
	enum event_kind kind;
	union {
		struct ce_event ce;           /* EVENT_KIND_ERROR */
		struct failure_event failure; /* EVENT_KIND_FAILURE */
		struct soft_event soft;       /* EVENT_KIND_SOFT */
		struct mce_record check;      /* EVENT_KIND_CHECK */
	};
};

/** A walk over one page. Public so that it lives on the caller's stack; the members below
 * @time_ns are private. */
struct event_decoder {
	/* After event_decoder_next() returned 1; its texts point into the page. */
	struct event event;
	uint64_t lost;     /* events lost before this page */
	bool lost_unknown; /* events were lost, and the page does not say how many */
	uint64_t time_ns;  /* of the trace clock, at the last event */

	const struct event_format *format;
	const uint8_t *at;
	const uint8_t *end;
	uint16_t cpu;
};

/**
 * Starts a walk over the @size bytes at @page, as read from CPU @cpu's pipe. Sets
 * d->lost and d->lost_unknown. @page must stay valid during the walk; no alignment
 * needed.
 *
 * Returns 0, or -EBADMSG if it is no ring-buffer page.
 */
int event_decoder_init(struct event_decoder *d, const struct event_format *format,
		       uint16_t cpu, const void *page, size_t size);

/**
 * Steps to the next event. A string without a terminator ends where its field ends.
 *
 * Returns 1 and d->event; 0 at the end of the page; -EBADMSG if the rest of the page
 * makes no sense: the walk is over, and the events before are good.
 */
int event_decoder_next(struct event_decoder *d);
